/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_impl.h - sockets that are the host's
 *
 * Each socket has one of the host's, which never blocks.  A call is made on it
 * at once; if it would block the caller waits, as at any socket, until the
 * watcher's thread has seen the host's socket change.
 *
 * Locking: so_lock -> watch_lock.  Calls of the host are made without a lock,
 * except poll.
 */

#ifndef SOCKIN_IMPL_H
#define SOCKIN_IMPL_H

#include <lib/list.h>
#include <net/socket.h>

/* so_pcb.  Field key:	c  constant	s  so_lock	w  watch_lock */
struct sockin {
	struct socket	*si_so;		/* c */
	int		 si_fd;		/* c: the host's */
	uint64_t	 si_id;		/* c */
	uint32_t	 si_changes;	/* s: how often the host's changed */
	uint32_t	 si_options;	/* s: SOO_* that the host knows of */
	uint32_t	 si_rcvbuf, si_sndbuf;	/* s: sizes that it knows of */
	struct list_node si_link;	/* w */
};

static inline struct sockin *
sockin_of(const struct socket *so)
{
	return so->so_pcb;
}

/* --- sockin_watch.c --- */

int	sockin_watch_boot(void);
/* Starts watching; the thread with the first. */
int	sockin_watch(struct sockin *si);
/* No event of it comes after this. */
void	sockin_unwatch(struct sockin *si);

/* --- sockin_opt.c --- */

/* Tells the host what has changed of SOL_SOCKET since. */
void	sockin_sync(struct socket *so);
int	sockin_setopt(struct socket *so, int level, int name, const void *val,
	    socklen_t len);
int	sockin_getopt(struct socket *so, int level, int name, void *val,
	    socklen_t *len);
int	sockin_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret);

/* --- sockin_msg.c --- */

int	sockin_send(struct socket *so, struct sockmsg *sm, size_t *ret_done);
int	sockin_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done);

/* --- sockin_ops.c --- */

extern const struct sockops sockin_ops;

/*
 * For calls that may have to wait: begin() remembers how often the host's
 * socket had changed, and gives a pending error; wait() sleeps until it changes
 * again.
 */
int	sockin_begin(struct socket *so, uint32_t *ret_changes);
int	sockin_wait(struct socket *so, struct sockbuf *sb, uint32_t changes,
	    int64_t deadline);

#endif /* SOCKIN_IMPL_H */
