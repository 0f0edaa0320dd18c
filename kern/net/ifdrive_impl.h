/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifdrive_impl.h - a driven interface, between ifdrive.c, ifdrive_wait.c and ifdrive_guard.c
 */

#ifndef IFDRIVE_IMPL_H
#define IFDRIVE_IMPL_H

#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/types.h>

#include "ifpatience.h"

#define DRIVES_MAX	64			/* a name space */

/*
 * Field key:	c  constant	a  atomic
 *		q  read lock-free, changed under drives_lock
 */
struct ifdrive {
	struct ifnet	*id_ifp;	/* c */
	uint32_t	 id_busy;	/* a: 1 while somebody drives */
	uint32_t	 id_dying;	/* a */
	uint32_t	 id_wanted;	/* a: the guard should leave the driver */
	bool		 id_guard_in;	/* a: the guard sleeps in the driver */
	uint32_t	*id_word;	/* a: what the sleeper in the driver waits for */
	uint32_t	 id_activity;	/* a: moves when others drive */
	uint32_t	 id_recent;	/* a: dl_inputs when it last brought packets */
	uint32_t	 id_tick;	/* a: the guard's own word */
	int64_t		 id_until;	/* a: when the guard looks next */
	struct kthread	*id_guard;	/* c */
	struct ifdrive	*id_next;	/* q: list of all */
};

/* The pollable interfaces of a name space, the first dl_n; holes are NULL. */
struct drivelist {
	uint32_t	 dl_n;		/* q, ns_lock */
	struct patience	 dl_patience;
	uint32_t	 dl_inputs;	/* a: batches so far, roughly */
	struct ifdrive	*dl_drive[DRIVES_MAX];	/* q, ns_lock */
};

/* All there are, for who kicks: followed lock-free. */
extern struct ifdrive *drives;

static inline bool
drive_tryenter(struct ifdrive *id)
{
	uint32_t idle = 0;

	return atomic_load(&id->id_busy) == 0 &&
	    atomic_cas_acq(&id->id_busy, &idle, 1);
}

static inline void
drive_exit(struct ifdrive *id)
{
	atomic_store_rel(&id->id_busy, 0);
}

/* Tells the guard that others look.  id_busy is held, so that an addition will do. */
static inline void
drive_active(struct ifdrive *id)
{
	atomic_store(&id->id_activity, atomic_load(&id->id_activity) + 1);
}

/* One batch from the link through the stack: how many packets.  id_busy is held. */
unsigned int drive_input(struct ifdrive *id);

/* ifdrive_guard.c: the guard's thread, until id_dying; arg is the struct ifdrive. */
void	guard_main(void *arg);

/* After who drove id slept in it: is the guard awake enough to look after it? */
void	guard_rouse(struct ifdrive *id);

#endif /* IFDRIVE_IMPL_H */
