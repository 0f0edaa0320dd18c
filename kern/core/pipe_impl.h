/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pipe_impl.h - what a pipe consists of, for those who move its slots
 */

#ifndef CORE_PIPE_IMPL_H
#define CORE_PIPE_IMPL_H

#include <sys/condvar.h>
#include <sys/kassert.h>
#include <sys/mutex.h>
#include <sys/pipe.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/types.h>

#define PIPE_NSPARE	2		/* pages kept for the next writes */
#define PIPE_SIGNAL	13		/* SIGPIPE */

struct pipeslot {
	uint8_t		*ps_page;
	uint32_t	 ps_off;	/* of the first byte not yet read */
	uint32_t	 ps_len;
	bool		 ps_packet;	/* read as one, the rest is dropped */
	bool		 ps_sealed;	/* nothing is added to it */
};

/*
 * Field key:	c  constant	l  pi_lock	a  atomic
 */
struct pipe {
	kmutex_t	 pi_lock;
	kcondvar_t	 pi_readable;	/* l: bytes came, or the last writer left */
	kcondvar_t	 pi_writable;	/* l: a slot is free, or no reader is left */
	kcondvar_t	 pi_opened;	/* l: an end was opened */
	struct pollsrc	 pi_rsrc;	/* watched by reading ends */
	struct pollsrc	 pi_wsrc;	/* watched by writing ends */
	struct pipeslot	*pi_slots;	/* l */
	uint32_t	 pi_nslots;	/* l: a power of two */
	uint32_t	 pi_head;	/* l: slots filled so far, wraps */
	uint32_t	 pi_tail;	/* l: slots emptied so far, wraps */
	uint8_t		*pi_spare[PIPE_NSPARE];	/* l: or NULL */
	unsigned int	 pi_readers;	/* l */
	unsigned int	 pi_writers;	/* l */
	uint32_t	 pi_ropens;	/* l: readers that ever were, wraps */
	uint32_t	 pi_wopens;	/* l: writers that ever were, wraps */
	unsigned int	 pi_refs;	/* a */
	struct anonattr	 pi_attr;	/* a: pipe(2) only, a fifo has a vnode's */
	ino_t		 pi_ino;	/* c */
	int64_t		 pi_birth;	/* c: wall clock */
};

static inline bool
pipe_ok_locked(const struct pipe *pi)
{
	KASSERT(mutex_owned(&pi->pi_lock));
	KASSERT((pi->pi_nslots & (pi->pi_nslots - 1)) == 0);
	KASSERT(pi->pi_head - pi->pi_tail <= pi->pi_nslots);
	return true;
}

static inline uint32_t
pipe_used_locked(const struct pipe *pi) REQUIRES(pi->pi_lock)
{
	return pi->pi_head - pi->pi_tail;
}

static inline bool
pipe_full_locked(const struct pipe *pi) REQUIRES(pi->pi_lock)
{
	return pipe_used_locked(pi) == pi->pi_nslots;
}

static inline struct pipeslot *
pipe_slot_locked(struct pipe *pi, uint32_t n) REQUIRES(pi->pi_lock)
{
	return &pi->pi_slots[n & (pi->pi_nslots - 1)];
}

/* Pages of PAGE_SIZE; ENOMEM is NULL. */
uint8_t	*pipe_getpage_locked(struct pipe *pi) REQUIRES(pi->pi_lock);
void	pipe_putpage_locked(struct pipe *pi, uint8_t *page)
	    REQUIRES(pi->pi_lock);

/* A page with len bytes becomes the last slot, which is returned; one is free. */
struct pipeslot *pipe_push_locked(struct pipe *pi, uint8_t *page, size_t len)
	    REQUIRES(pi->pi_lock);
/* The first len bytes of the first slot are gone. */
void	pipe_consume_locked(struct pipe *pi, size_t len) REQUIRES(pi->pi_lock);

/* An end comes into being, or goes. */
void	pipe_attach_locked(struct pipe *pi, const struct file *fp)
	    REQUIRES(pi->pi_lock);
void	pipe_detach(struct pipe *pi, const struct file *fp);

#endif /* CORE_PIPE_IMPL_H */
