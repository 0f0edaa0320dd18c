/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bell.c - telling somebody outside the kernel that a file may be ready
 *
 * Who waits for descriptors of the host and of this kernel at once sleeps in
 * the host, on a bell among others.  Behind a bell are two epoll files that no
 * descriptor has: one for what is watched until it is closed, one for what was
 * armed last.  The watch on them rings.  So files that are closed, files that
 * are shared, and epoll files that are watched in turn are all taken care of
 * where that is done anyway.
 *
 * Locking: b_lock -> ep_mtx.
 */

#include "bell.h"

#include <linux/fcntl.h>
#include <rump/rump.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kcontext.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#include "epoll_impl.h"
#include "poll_impl.h"

#define WATCH_ALL	(EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET)

/* Field key:	c  constant	a  atomic	l  b_lock */
struct bellset {
	struct bell	*bs_bell;	/* c */
	struct file	*bs_file;	/* c: the epoll */
	struct pollwatch bs_watch;
};

struct bell {
	unsigned int	 b_refs;	/* a */
	void		(*b_ring)(int fd);	/* c */
	void		(*b_gone)(int fd);	/* c: or NULL, fd is somebody else's */
	int		 b_fd;		/* c */
	kmutex_t	 b_lock;	/* arming */
	struct bellset	 b_notify, b_armed;
	struct list_node b_link;	/* bells_lock: the program's own */
};

static bool
bellset_wake(struct pollwatch *pw, uint32_t events)
{
	struct bell *b = pw->pw_arg;

	if ((events & POLLFREE) == 0)
		b->b_ring(b->b_fd);
	return true;
}

static int
bellset_init(struct bellset *bs, struct bell *b)
{
	int error;

	bs->bs_bell = b;
	error = epoll_make(O_RDWR, &bs->bs_file);
	if (error)
		return error;
	list_node_init(&bs->bs_watch.pw_link);
	bs->bs_watch.pw_wake = bellset_wake;
	bs->bs_watch.pw_arg = b;
	pollsrc_watch(&epoll_of_file(bs->bs_file)->ep_src, &bs->bs_watch);
	return 0;
}

static void
bellset_fini(struct bellset *bs)
{
	pollsrc_unwatch(&bs->bs_watch);
	file_rele(bs->bs_file);
}

int
bell_create(void (*ring)(int), int fd, struct bell **ret_bell)
{
	struct bell *b = kmem_zalloc(sizeof(*b), KM_SLEEP);
	int error;

	if (b == NULL)
		return ENOMEM;
	b->b_refs = 1;
	b->b_ring = ring;
	b->b_fd = fd;
	list_node_init(&b->b_link);
	error = bellset_init(&b->b_notify, b);
	if (error)
		goto fail_mem;
	error = bellset_init(&b->b_armed, b);
	if (error)
		goto fail_notify;
	mutex_init(&b->b_lock, "bell");
	*ret_bell = b;
	return 0;

fail_notify:
	bellset_fini(&b->b_notify);
fail_mem:
	kmem_free(b, sizeof(*b));
	return error;
}

void
bell_hold(struct bell *b)
{
	atomic_add(&b->b_refs, 1);
}

void
bell_rele(struct bell *b)
{
	if (atomic_sub_ar(&b->b_refs, 1) != 1)
		return;
	bellset_fini(&b->b_notify);
	bellset_fini(&b->b_armed);
	mutex_destroy(&b->b_lock);
	/* Not before: its number would be another one's, who is not to be rung. */
	if (b->b_gone != NULL)
		b->b_gone(b->b_fd);
	kmem_free(b, sizeof(*b));
}

void
bell_own(struct bell *b, void (*gone)(int fd))
{
	b->b_gone = gone;
}

/* --- what it watches ----------------------------------------------------------- */

static int
bellset_add(struct bellset *bs, struct file *fp, int r, uint32_t events)
{
	struct epoll *ep = epoll_of_file(bs->bs_file);
	struct epoll_event ev = { .events = events };
	struct epitem *ei;
	int error = 0;

	if (fp->f_ops->fo_poll == NULL)
		return EPERM;
	mutex_enter(&ep->ep_mtx);
	ei = epoll_find_locked(ep, fp, r);
	if (ei != NULL) {
		/* Twice in one list: either's events will do. */
		ev.events |= ei->ei_events;
		epoll_modify_locked(ep, ei, &ev);
	} else {
		error = epoll_add_locked(ep, fp, r, &ev);
	}
	mutex_exit(&ep->ep_mtx);
	return error;
}

static void
bellset_clear(struct bellset *bs)
{
	struct epoll *ep = epoll_of_file(bs->bs_file);

	mutex_enter(&ep->ep_mtx);
	for (unsigned int i = 0; i < ep->ep_nbuckets && ep->ep_nitems > 0; i++)
		while (ep->ep_hash[i] != NULL)
			epoll_remove_locked(ep, ep->ep_hash[i]);
	mutex_exit(&ep->ep_mtx);
}

int
bell_watch(struct bell *b, int r)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(r, &fp);
	if (error)
		return error;
	error = bellset_add(&b->b_notify, fp, r, WATCH_ALL);
	fd_put(fp);
	return error;
}

void
bell_unwatch(struct bell *b, int r)
{
	struct epoll *ep = epoll_of_file(b->b_notify.bs_file);
	struct epitem *ei;
	struct file *fp;

	if (fd_get_nopath(r, &fp) != 0)
		return;
	mutex_enter(&ep->ep_mtx);
	ei = epoll_find_locked(ep, fp, r);
	if (ei != NULL)
		epoll_remove_locked(ep, ei);
	mutex_exit(&ep->ep_mtx);
	fd_put(fp);
}

/* --- polling, and being told later ------------------------------------------------ */

static int
arm_one(struct bell *b, const struct pollfd *pf)
{
	struct file *fp;
	int error;

	if (pf->fd < 0 || fd_get_nopath(pf->fd, &fp) != 0)
		return 0;		/* polling tells */
	error = bellset_add(&b->b_armed, fp, pf->fd,
	    ((uint32_t)(uint16_t)pf->events & ~EPOLL_PRIVATE) | EPOLLET);
	fd_put(fp);
	return error == EPERM ? 0 : error;
}

/* The watches are there before anybody looks. */
static int
arm_and_look(struct bell *b, struct pollfd *pf, unsigned int n,
    unsigned int *ret_ready)
{
	struct pollent pe;
	unsigned int ready = 0, one;
	int error = 0;

	for (unsigned int i = 0; i < n && error == 0; i++)
		error = arm_one(b, &pf[i]);
	for (unsigned int i = 0; i < n && error == 0; i++) {
		pe = (struct pollent){ .pe_fd = pf[i].fd,
		    .pe_want = (uint16_t)pf[i].events | POLLERR | POLLHUP };
		error = poll_wait(&pe, 1, false, POLL_NOWAIT, &one);
		pf[i].revents = (short)pe.pe_got;
		ready += pe.pe_got != 0;
	}
	if (error || ready > 0)
		bellset_clear(&b->b_armed);
	*ret_ready = ready;
	return error;
}

int
bell_arm(struct bell *b, struct pollfd *ufds, unsigned int n, long *ret)
{
	struct pollfd *pf = NULL;
	unsigned int ready = 0;
	int error = 0;

	if (n > proc_rlimit(curproc(), RLIMIT_NOFILE))
		return EINVAL;
	mutex_enter(&b->b_lock);
	bellset_clear(&b->b_armed);
	mutex_exit(&b->b_lock);
	if (n == 0)
		return 0;
	pf = kmem_alloc(n * sizeof(*pf), KM_SLEEP);
	if (pf == NULL)
		return ENOMEM;
	error = copyin(ufds, pf, n * sizeof(*pf));
	if (error == 0) {
		mutex_enter(&b->b_lock);
		error = arm_and_look(b, pf, n, &ready);
		mutex_exit(&b->b_lock);
	}
	if (error == 0)
		error = copyout(pf, ufds, n * sizeof(*pf));
	kmem_free(pf, n * sizeof(*pf));
	if (error == 0)
		*ret = ready;
	return error;
}

/* --- bells of this very program ------------------------------------------------------ */

static struct list bells = LIST_INITIALIZER(bells);	/* bells_lock */
static kmutex_t bells_lock;
static konce_t bells_once;

static int
bells_init(void)
{
	mutex_init(&bells_lock, "bells");
	return 0;
}

static struct bell *
bells_find_locked(int hostfd) REQUIRES(bells_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &bells) {
		struct bell *b = container_of(n, struct bell, b_link);

		if (b->b_fd == hostfd)
			return b;
	}
	return NULL;
}

/* Held; made if it is not there. */
static int
bells_get(int hostfd, struct bell **ret_bell)
{
	struct bell *b;
	int error = 0;

	if (hostfd < 0)
		return EBADF;
	(void)once_run(&bells_once, bells_init);
	mutex_enter(&bells_lock);
	b = bells_find_locked(hostfd);
	if (b == NULL) {
		error = bell_create(rumpuser_event_signal, hostfd, &b);
		if (error == 0)
			list_insert_tail(&bells, &b->b_link);
	}
	if (error == 0) {
		bell_hold(b);
		*ret_bell = b;
	}
	mutex_exit(&bells_lock);
	return error;
}

static void
bells_unwatch(int r)
{
	struct list_node *n;

	(void)once_run(&bells_once, bells_init);
	mutex_enter(&bells_lock);
	LIST_FOREACH(n, &bells)
		bell_unwatch(container_of(n, struct bell, b_link), r);
	mutex_exit(&bells_lock);
}

int
rump_pub_notify(int r, int hostfd)
{
	struct bell *b;
	int error;

	error = kcontext_enter();
	if (error)
		return error;
	if (hostfd < 0) {
		bells_unwatch(r);
	} else {
		error = bells_get(hostfd, &b);
		if (error == 0) {
			error = bell_watch(b, r);
			bell_rele(b);
		}
	}
	kcontext_leave();
	return error;
}

int
rump_pub_poll_arm(struct pollfd *fds, unsigned int n, int hostfd)
{
	struct bell *b;
	long ready = 0;
	int error;

	error = kcontext_enter();
	if (error)
		return -error;
	error = bells_get(hostfd, &b);
	if (error == 0) {
		error = bell_arm(b, fds, n, &ready);
		bell_rele(b);
	}
	kcontext_leave();
	return error ? -error : (int)ready;
}

void
rump_pub_unbind(int hostfd)
{
	struct bell *b;

	if (kcontext_enter() != 0)
		return;
	(void)once_run(&bells_once, bells_init);
	mutex_enter(&bells_lock);
	b = bells_find_locked(hostfd);
	if (b != NULL)
		list_remove(&b->b_link);
	mutex_exit(&bells_lock);
	if (b != NULL)
		bell_rele(b);
	kcontext_leave();
}
