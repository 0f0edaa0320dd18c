/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * epoll.c - epoll files: who is ready, and who waits for that
 *
 * An epoll file has an interest list (epoll_item.c) and a list of items that
 * may be ready.  A source that changes puts the items which watch it on the
 * ready list; a wait takes them off one by one, asks their files what is
 * really the case, and reports what matches.  So a wait costs what is ready,
 * not what is watched.
 *
 *	level		a reported item goes back to the end of the list, to be
 *			asked again by the next wait
 *	edge		it does not; only the next change brings it back
 *	one-shot	it does not, and its events are cleared until a MOD
 *
 * An item leaves the ready list before its file is asked: a change after the
 * question puts it there again, and nothing is missed.
 *
 * An epoll file can be watched itself; it is readable when one of its items
 * is.  Nesting is limited and has no loops (epoll_syscalls.c), so ep_mtx is
 * taken from the outer to the inner one.
 *
 * Life cycle: ep_refs counts the file, and those who take dying files out.
 *
 * Locking: ep_mtx (interest list, waits that collect) -> locks of the files
 * -> pollsrc -> ep_lock (ready list).  ep_src is woken without ep_lock.
 *
 * References: epoll(7).
 */

#include "epoll_impl.h"

#include <linux/fcntl.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/epoll.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/idle.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/stat.h>

#include "poll_impl.h"

#define EPOLL_BUCKETS	16		/* of a new epoll */

static const struct fileops epoll_fileops;

struct epoll *
epoll_of_file(const struct file *fp)
{
	return fp->f_ops == &epoll_fileops ? fp->f_data : NULL;
}

/* --- the ready list -------------------------------------------------------- */

bool
epoll_ready(struct epitem *ei)
{
	struct epoll *ep = ei->ei_ep;
	bool awaited;

	mutex_enter(&ep->ep_lock);
	if (!list_onlist(&ei->ei_ready)) {
		list_insert_tail(&ep->ep_ready, &ei->ei_ready);
		ep->ep_nready++;
		cv_signal(&ep->ep_cv);
	}
	awaited = ep->ep_nwaiters > 0;
	mutex_exit(&ep->ep_lock);
	/* An edge for those outside, also if it was on the list already. */
	pollsrc_wake(&ep->ep_src, EPOLLIN | EPOLLRDNORM);
	return awaited;
}

static struct epitem *
epoll_pop(struct epoll *ep)
{
	struct epitem *ei = NULL;
	struct list_node *n;

	mutex_enter(&ep->ep_lock);
	n = list_first(&ep->ep_ready);
	if (n != NULL) {
		list_remove(n);
		ep->ep_nready--;
		ei = container_of(n, struct epitem, ei_ready);
	}
	mutex_exit(&ep->ep_lock);
	return ei;
}

/* Back again, unless a change was faster; nobody is told. */
static void
epoll_push(struct epoll *ep, struct epitem *ei, bool first)
{
	mutex_enter(&ep->ep_lock);
	if (!list_onlist(&ei->ei_ready)) {
		if (first)
			list_insert_head(&ep->ep_ready, &ei->ei_ready);
		else
			list_insert_tail(&ep->ep_ready, &ei->ei_ready);
		ep->ep_nready++;
	}
	mutex_exit(&ep->ep_lock);
}

static unsigned int
epoll_nready(struct epoll *ep)
{
	unsigned int n;

	mutex_enter(&ep->ep_lock);
	n = ep->ep_nready;
	mutex_exit(&ep->ep_lock);
	return n;
}

static uint32_t
epitem_events(struct epitem *ei)
{
	uint32_t wanted = ei->ei_events & ~EPOLL_PRIVATE;

	if (wanted == 0)
		return 0;
	return ei->ei_file->f_ops->fo_poll(ei->ei_file, NULL) & wanted;
}

/* --- collecting ------------------------------------------------------------ */

/* One item of which events were found, to the client. */
static int
epoll_report_locked(struct epoll *ep, struct epitem *ei, uint32_t events,
    struct epoll_event *uev) REQUIRES(ep->ep_mtx)
{
	struct epoll_event ev = { .events = events, .data = ei->ei_data };
	int error;

	error = copyout(&ev, uev, sizeof(ev));
	if (error) {
		epoll_push(ep, ei, true);
		return error;
	}
	if ((ei->ei_events & EPOLLONESHOT) != 0)
		atomic_store(&ei->ei_events, ei->ei_events & EPOLL_PRIVATE);
	else if ((ei->ei_events & EPOLLET) == 0)
		epoll_push(ep, ei, false);
	return 0;
}

/* Asks each item that is on the list now, once. */
static int
epoll_harvest(struct epoll *ep, struct epoll_event *uev, int max, int *ret_n)
{
	struct epitem *ei;
	uint32_t events;
	int error = 0, n = 0;

	mutex_enter(&ep->ep_mtx);
	for (unsigned int left = epoll_nready(ep); left > 0 && n < max; left--) {
		ei = epoll_pop(ep);
		if (ei == NULL)
			break;
		events = epitem_events(ei);
		if (events == 0)
			continue;
		error = epoll_report_locked(ep, ei, events, &uev[n]);
		if (error)
			break;
		n++;
	}
	mutex_exit(&ep->ep_mtx);
	if (n == 0 && error != 0)
		return error;
	*ret_n = n;
	return 0;
}

/* 0: something may be ready.  ETIMEDOUT, EINTR. */
static int
epoll_sleep(struct epoll *ep, int64_t deadline)
{
	int error = 0;

	mutex_enter(&ep->ep_lock);
	ep->ep_nwaiters++;
	while (list_empty(&ep->ep_ready) && error == 0)
		error = cv_timedwait_sig_idle(&ep->ep_cv, &ep->ep_lock, deadline);
	ep->ep_nwaiters--;
	if (!list_empty(&ep->ep_ready)) {
		/* A wake-up that we do not use is somebody else's. */
		if (error == EINTR)
			cv_signal(&ep->ep_cv);
		else
			error = 0;
	}
	mutex_exit(&ep->ep_lock);
	return error;
}

/* What is still ready is for the next one who waits. */
static void
epoll_passon(struct epoll *ep)
{
	mutex_enter(&ep->ep_lock);
	if (!list_empty(&ep->ep_ready))
		cv_signal(&ep->ep_cv);
	mutex_exit(&ep->ep_lock);
}

int
epoll_collect(struct epoll *ep, struct epoll_event *uev, int max,
    int64_t deadline, long *ret)
{
	bool driven = false;
	int error, n = 0;

	for (;;) {
		error = epoll_harvest(ep, uev, max, &n);
		if (error || n > 0)
			break;
		if (deadline == POLL_NOWAIT) {
			if (driven)
				break;
			idle_poll();
			driven = true;
			continue;
		}
		error = epoll_sleep(ep, deadline);
		if (error == EINTR)
			return error;
		if (error == ETIMEDOUT)
			deadline = POLL_NOWAIT;		/* a last look */
	}
	epoll_passon(ep);
	if (error)
		return error;
	*ret = n;
	return 0;
}

/* --- as a file ------------------------------------------------------------- */

/* Readable if an item is; those found idle are dropped from the list. */
static uint32_t
epoll_poll(struct file *fp, struct pollreg *pr)
{
	struct epoll *ep = fp->f_data;
	uint32_t events = 0;
	struct epitem *ei;

	poll_register(pr, &ep->ep_src);
	mutex_enter(&ep->ep_mtx);
	while (events == 0 && (ei = epoll_pop(ep)) != NULL) {
		if (epitem_events(ei) != 0) {
			epoll_push(ep, ei, true);
			events = EPOLLIN | EPOLLRDNORM;
		}
	}
	mutex_exit(&ep->ep_mtx);
	return events;
}

static int
epoll_stat(struct file *fp, struct statx *st)
{
	statx_anon(fp, STAT_DEV_ANON, 1, 0600, 0, st);
	return 0;
}

static void
epoll_rele(struct epoll *ep)
{
	if (atomic_sub_ar(&ep->ep_refs, 1) != 1)
		return;
	KASSERT(ep->ep_nitems == 0 && ep->ep_nready == 0);
	pollsrc_fini(&ep->ep_src);
	cv_destroy(&ep->ep_cv);
	mutex_destroy(&ep->ep_lock);
	mutex_destroy(&ep->ep_mtx);
	kmem_free(ep->ep_hash, ep->ep_nbuckets * sizeof(ep->ep_hash[0]));
	kmem_free(ep, sizeof(*ep));
}

static void
epoll_close(struct file *fp)
{
	struct epoll *ep = fp->f_data;

	mutex_enter(&ep->ep_mtx);
	for (unsigned int i = 0; i < ep->ep_nbuckets; i++)
		while (ep->ep_hash[i] != NULL)
			epoll_remove_locked(ep, ep->ep_hash[i]);
	mutex_exit(&ep->ep_mtx);
	epoll_rele(ep);
}

static int
epoll_ioctl(struct file *fp, unsigned long cmd, void *uarg, long *ret)
{
	return EINVAL;
}

static const struct fileops epoll_fileops = {
	.fo_ioctl	= epoll_ioctl,
	.fo_seek	= file_seek_nowhere,
	.fo_poll	= epoll_poll,
	.fo_stat	= epoll_stat,
	.fo_close	= epoll_close,
};

/* An epoll that watches fp, with a reference; NULL: none does. */
static struct epoll *
epoll_watching(struct file *fp)
{
	struct epoll *ep = NULL;
	struct list_node *n;

	mutex_enter(&fp->f_offlock);
	n = list_first(&fp->f_epitems);
	if (n != NULL) {
		ep = container_of(n, struct epitem, ei_filelink)->ei_ep;
		atomic_add(&ep->ep_refs, 1);
	}
	mutex_exit(&fp->f_offlock);
	return ep;
}

/* An item of ep for fp, or NULL if they are all gone meanwhile. */
static struct epitem *
epoll_itemof_locked(struct epoll *ep, struct file *fp) REQUIRES(ep->ep_mtx)
{
	struct epitem *ei, *found = NULL;
	struct list_node *n;

	mutex_enter(&fp->f_offlock);
	LIST_FOREACH(n, &fp->f_epitems) {
		ei = container_of(n, struct epitem, ei_filelink);
		if (ei->ei_ep == ep) {
			found = ei;
			break;
		}
	}
	mutex_exit(&fp->f_offlock);
	return found;
}

void
epoll_file_gone(struct file *fp)
{
	struct epoll *ep;
	struct epitem *ei;

	while ((ep = epoll_watching(fp)) != NULL) {
		mutex_enter(&ep->ep_mtx);
		while ((ei = epoll_itemof_locked(ep, fp)) != NULL)
			epoll_remove_locked(ep, ei);
		mutex_exit(&ep->ep_mtx);
		epoll_rele(ep);
	}
}

/* --- birth ----------------------------------------------------------------- */

static int
epoll_new(struct epoll **ret_ep)
{
	struct epoll *ep;

	ep = kmem_zalloc(sizeof(*ep), KM_SLEEP);
	if (ep == NULL)
		return ENOMEM;
	ep->ep_hash = kmem_zalloc(EPOLL_BUCKETS * sizeof(ep->ep_hash[0]),
	    KM_SLEEP);
	if (ep->ep_hash == NULL) {
		kmem_free(ep, sizeof(*ep));
		return ENOMEM;
	}
	ep->ep_nbuckets = EPOLL_BUCKETS;
	mutex_init(&ep->ep_mtx, "epoll");
	mutex_init(&ep->ep_lock, "epoll ready");
	cv_init(&ep->ep_cv, "epoll");
	list_init(&ep->ep_ready);
	pollsrc_init(&ep->ep_src);
	ep->ep_refs = 1;
	*ret_ep = ep;
	return 0;
}

int
epoll_make(unsigned int flags, struct file **ret_fp)
{
	struct epoll *ep;
	struct file *fp;
	int error;

	error = epoll_new(&ep);
	if (error)
		return error;
	error = file_create(FILE_EPOLL, &epoll_fileops, ep, flags, &fp);
	if (error) {
		epoll_rele(ep);
		return error;
	}
	ep->ep_file = fp;
	*ret_fp = fp;
	return 0;
}

int
epoll_create(unsigned int flags, bool cloexec, int *ret_fd)
{
	struct file *fp;
	int error;

	error = epoll_make(flags, &fp);
	if (error)
		return error;
	error = fd_alloc(fp, cloexec, ret_fd);
	if (error)
		file_rele(fp);
	return error;
}
