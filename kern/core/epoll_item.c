/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * epoll_item.c - the interest list of an epoll file
 *
 * Items are found by file and number in a hash table that doubles as they get
 * more.  An item hangs on three things: its hash chain, the list of its file,
 * and watches at the sources of its file.
 *
 * An item does not hold its file, so that the last close(2) ends the file and
 * with it the interest.  It may use it all the same: a file that is dying
 * waits in epoll_file_gone() until no item is left, which takes each ep_mtx.
 * So under ep_mtx the file of an item in the table is there, not yet closed.
 *
 * Locking: ep_mtx -> f_offlock (for f_epitems), ep_mtx -> what fo_poll takes.
 */

#include "epoll_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/epoll.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

/* Between fo_poll and the item it registers for. */
struct epreg {
	struct pollreg	 er_reg;
	struct epitem	*er_item;
};

/* --- the table ------------------------------------------------------------- */

static unsigned int
epoll_bucket(const struct epoll *ep, const struct file *fp, int fd)
{
	return (unsigned int)hash_u64(hash_ptr(fp) + (uint64_t)fd) &
	    (ep->ep_nbuckets - 1);
}

struct epitem *
epoll_find_locked(struct epoll *ep, const struct file *fp, int fd)
{
	struct epitem *ei;

	for (ei = ep->ep_hash[epoll_bucket(ep, fp, fd)]; ei != NULL;
	    ei = ei->ei_hashnext) {
		if (ei->ei_file == fp && ei->ei_fd == fd)
			return ei;
	}
	return NULL;
}

static void
epoll_link_locked(struct epoll *ep, struct epitem *ei) REQUIRES(ep->ep_mtx)
{
	struct epitem **chain;

	chain = &ep->ep_hash[epoll_bucket(ep, ei->ei_file, ei->ei_fd)];
	ei->ei_hashnext = *chain;
	*chain = ei;
}

static void
epoll_unlink_locked(struct epoll *ep, struct epitem *ei) REQUIRES(ep->ep_mtx)
{
	struct epitem **link;

	link = &ep->ep_hash[epoll_bucket(ep, ei->ei_file, ei->ei_fd)];
	while (*link != ei)
		link = &(*link)->ei_hashnext;
	*link = ei->ei_hashnext;
}

/* Without memory the chains get longer; that is all. */
static void
epoll_rehash_locked(struct epoll *ep) REQUIRES(ep->ep_mtx)
{
	unsigned int oldn = ep->ep_nbuckets;
	struct epitem **old = ep->ep_hash, **new, *ei, *next;

	if (ep->ep_nitems < 2 * oldn)
		return;
	new = kmem_zalloc(2 * oldn * sizeof(new[0]), KM_SLEEP);
	if (new == NULL)
		return;
	ep->ep_hash = new;
	ep->ep_nbuckets = 2 * oldn;
	for (unsigned int i = 0; i < oldn; i++) {
		for (ei = old[i]; ei != NULL; ei = next) {
			next = ei->ei_hashnext;
			epoll_link_locked(ep, ei);
		}
	}
	kmem_free(old, oldn * sizeof(old[0]));
}

/* --- watches --------------------------------------------------------------- */

/*
 * Called by the source.  What the item is asked for may be changing: whoever
 * changes it looks at the file afterwards.
 */
static bool
epitem_wake(struct pollwatch *pw, uint32_t events)
{
	struct epitem *ei = pw->pw_arg;
	uint32_t wanted = atomic_load(&ei->ei_events) & ~EPOLL_PRIVATE;

	if (wanted == 0 || (events != 0 && (events & wanted) == 0))
		return false;
	return epoll_ready(ei);
}

static void
epitem_register(struct pollreg *pr, struct pollsrc *src)
{
	struct epreg *er = container_of(pr, struct epreg, er_reg);
	struct epitem *ei = er->er_item;
	struct epwatch *ew = &ei->ei_first;

	if (ei->ei_watches != NULL) {
		ew = kmem_zalloc(sizeof(*ew), KM_SLEEP);
		if (ew == NULL) {
			ei->ei_error = ENOMEM;
			return;
		}
	}
	ew->ew_next = ei->ei_watches;
	ei->ei_watches = ew;
	list_node_init(&ew->ew_watch.pw_link);
	ew->ew_watch.pw_wake = epitem_wake;
	ew->ew_watch.pw_arg = ei;
	ew->ew_watch.pw_exclusive =
	    (atomic_load(&ei->ei_events) & EPOLLEXCLUSIVE) != 0;
	pollsrc_watch(src, &ew->ew_watch);
}

static void
epitem_unwatch(struct epitem *ei)
{
	struct epwatch *ew;

	while ((ew = ei->ei_watches) != NULL) {
		pollsrc_unwatch(&ew->ew_watch);
		ei->ei_watches = ew->ew_next;
		if (ew != &ei->ei_first)
			kmem_free(ew, sizeof(*ew));
	}
}

/* Marks it if it is ready now; registers with its sources if asked to. */
static void
epitem_look(struct epitem *ei, struct pollreg *pr)
{
	uint32_t events;

	events = ei->ei_file->f_ops->fo_poll(ei->ei_file, pr);
	if ((events & ei->ei_events & ~EPOLL_PRIVATE) != 0)
		(void)epoll_ready(ei);
}

/* --- changes --------------------------------------------------------------- */

static void
epitem_set(struct epitem *ei, const struct epoll_event *ev)
{
	atomic_store(&ei->ei_events, ev->events | EPOLLERR | EPOLLHUP);
	ei->ei_data = ev->data;
}

int
epoll_add_locked(struct epoll *ep, struct file *fp, int fd,
    const struct epoll_event *ev)
{
	struct epreg er = { .er_reg.pr_register = epitem_register };
	struct epitem *ei;
	int error;

	ei = kmem_zalloc(sizeof(*ei), KM_SLEEP);
	if (ei == NULL)
		return ENOMEM;
	ei->ei_ep = ep;
	ei->ei_file = fp;
	ei->ei_fd = fd;
	list_node_init(&ei->ei_ready);
	epitem_set(ei, ev);
	ep->ep_nitems++;
	epoll_rehash_locked(ep);
	epoll_link_locked(ep, ei);
	atomic_store(&fp->f_watched, true);
	mutex_enter(&fp->f_offlock);
	list_insert_tail(&fp->f_epitems, &ei->ei_filelink);
	mutex_exit(&fp->f_offlock);

	er.er_item = ei;
	epitem_look(ei, &er.er_reg);
	error = ei->ei_error;
	if (error)
		epoll_remove_locked(ep, ei);
	return error;
}

void
epoll_modify_locked(struct epoll *ep, struct epitem *ei,
    const struct epoll_event *ev)
{
	epitem_set(ei, ev);
	epitem_look(ei, NULL);
}

void
epoll_remove_locked(struct epoll *ep, struct epitem *ei)
{
	epitem_unwatch(ei);
	mutex_enter(&ei->ei_file->f_offlock);
	list_remove(&ei->ei_filelink);
	mutex_exit(&ei->ei_file->f_offlock);
	epoll_unlink_locked(ep, ei);
	ep->ep_nitems--;
	mutex_enter(&ep->ep_lock);
	if (list_onlist(&ei->ei_ready)) {
		list_remove(&ei->ei_ready);
		ep->ep_nready--;
	}
	mutex_exit(&ep->ep_lock);
	kmem_free(ei, sizeof(*ei));
}
