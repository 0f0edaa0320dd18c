/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * epoll_impl.h - the parts of an epoll file
 */

#ifndef CORE_EPOLL_IMPL_H
#define CORE_EPOLL_IMPL_H

#include <lib/list.h>
#include <sys/condvar.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/types.h>

struct epoll;
struct file;

/* One watch of an item; most files have one source, and ei_first serves. */
struct epwatch {
	struct pollwatch ew_watch;	/* pw_arg: the item */
	struct epwatch	*ew_next;
};

/*
 * One file, under one number, in one interest list.
 * Field key:	c  constant	m  ep_mtx	r  ep_lock	o  f_offlock of ei_file
 *		a  atomic, changed under ep_mtx
 */
struct epitem {
	struct epoll	*ei_ep;		/* c */
	struct file	*ei_file;	/* c: not held, see epoll.c */
	int		 ei_fd;		/* c */
	uint32_t	 ei_events;	/* a: asked for; with the private bits */
	uint64_t	 ei_data;	/* m: the client's */
	struct epitem	*ei_hashnext;	/* m */
	struct list_node ei_ready;	/* r: in ep_ready */
	struct list_node ei_filelink;	/* o: in f_epitems */
	struct epwatch	 ei_first;	/* m */
	struct epwatch	*ei_watches;	/* m: those in use */
	int		 ei_error;	/* m: no room for a watch */
};

struct epoll {
	kmutex_t	 ep_mtx;
	kmutex_t	 ep_lock;
	kcondvar_t	 ep_cv;		/* r: ep_ready has something */
	struct list	 ep_ready;	/* r: items that may be ready */
	unsigned int	 ep_nready;	/* r: their number */
	unsigned int	 ep_nwaiters;	/* r: threads in epoll_wait */
	struct pollsrc	 ep_src;	/* who polls the epoll file itself */
	struct file	*ep_file;	/* c: itself; valid while it has items */
	struct epitem	**ep_hash;	/* m: ep_nbuckets chains */
	unsigned int	 ep_nbuckets;	/* m: a power of two */
	unsigned int	 ep_nitems;	/* m */
	unsigned int	 ep_refs;	/* a */
	uint64_t	 ep_visit;	/* nesting lock: last walk that came here */
	unsigned int	 ep_depth;	/* nesting lock: what that walk found */
};

/* Not events, but how they are told. */
#define EPOLL_PRIVATE	(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

/* The epoll of a file, or NULL if it is something else. */
struct epoll *epoll_of_file(const struct file *fp);

/* Changes of the interest list. */
struct epitem *epoll_find_locked(struct epoll *ep, const struct file *fp, int fd)
	    REQUIRES(ep->ep_mtx);
int	epoll_add_locked(struct epoll *ep, struct file *fp, int fd,
	    const struct epoll_event *ev) REQUIRES(ep->ep_mtx);
void	epoll_modify_locked(struct epoll *ep, struct epitem *ei,
	    const struct epoll_event *ev) REQUIRES(ep->ep_mtx);
void	epoll_remove_locked(struct epoll *ep, struct epitem *ei)
	    REQUIRES(ep->ep_mtx);

/* Marks an item that may have become ready; true if somebody waits. */
bool	epoll_ready(struct epitem *ei);

/* The caller's reference; no descriptor has it. */
int	epoll_make(unsigned int flags, struct file **ret_fp);
int	epoll_create(unsigned int flags, bool cloexec, int *ret_fd);
/* Up to max events to uev; waits for the first until the deadline. */
int	epoll_collect(struct epoll *ep, struct epoll_event *uev, int max,
	    int64_t deadline, long *ret);

#endif /* CORE_EPOLL_IMPL_H */
