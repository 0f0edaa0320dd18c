/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * epoll_syscalls.c - epoll_create, epoll_ctl and epoll_wait
 *
 * Also here: which epoll files may watch which.  A watch from one to another
 * must not close a loop, and no chain may have more than EPOLL_NESTS watches
 * from epoll to epoll; a wake-up walks such a chain with locks held.
 *
 * Locking: nest_lock, held while a watch between epoll files is considered
 * and made, -> ep_mtx.
 *
 * References: epoll_ctl(2), epoll_wait(2).
 */

#include <abi/sysargs.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/ktime.h>

#include "epoll_impl.h"
#include "poll_impl.h"

#define EPOLL_NESTS	4
#define EPOLL_MAXEVENTS	((int)(INT32_MAX / sizeof(struct epoll_event)))
#define EPOLL_EXCLUSIVE_OK (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | \
			    EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

static kmutex_t nest_lock = { .m_name = "epoll nesting" };
static uint64_t nest_walk;		/* nest_lock: number of the walk */

/* --- nesting --------------------------------------------------------------- */

/*
 * The longest chain of watches from ep down.  More than EPOLL_NESTS if it is
 * too long or leads to "to".
 */
static unsigned int
nest_below(struct epoll *ep, const struct epoll *to, unsigned int level)
    REQUIRES(nest_lock)
{
	unsigned int depth = 0, below;

	if (ep == to || level > EPOLL_NESTS)
		return EPOLL_NESTS + 1;
	if (ep->ep_visit == nest_walk)
		return ep->ep_depth;
	mutex_enter(&ep->ep_mtx);
	for (unsigned int i = 0; i < ep->ep_nbuckets; i++) {
		struct epitem *ei;

		for (ei = ep->ep_hash[i]; ei != NULL; ei = ei->ei_hashnext) {
			struct epoll *inner = epoll_of_file(ei->ei_file);

			if (inner == NULL)
				continue;
			below = nest_below(inner, to, level + 1) + 1;
			depth = below > depth ? below : depth;
		}
	}
	mutex_exit(&ep->ep_mtx);
	ep->ep_visit = nest_walk;
	ep->ep_depth = depth;
	return depth;
}

/*
 * The longest chain of watches that leads to the epoll file fp.  Nobody makes
 * one meanwhile; who unmakes one only shortens it.
 */
static unsigned int
nest_above(struct file *fp, unsigned int level) REQUIRES(nest_lock)
{
	unsigned int height = 0, above;
	struct list_node *n;

	if (level > EPOLL_NESTS)
		return 0;
	mutex_enter(&fp->f_offlock);
	LIST_FOREACH(n, &fp->f_epitems) {
		struct epitem *ei = container_of(n, struct epitem, ei_filelink);

		above = nest_above(ei->ei_ep->ep_file, level + 1) + 1;
		height = above > height ? above : height;
	}
	mutex_exit(&fp->f_offlock);
	return height;
}

static int
nest_check(struct epoll *ep, struct file *epfp, struct epoll *inner)
    REQUIRES(nest_lock)
{
	nest_walk++;
	if (nest_above(epfp, 0) + 1 + nest_below(inner, ep, 0) > EPOLL_NESTS)
		return ELOOP;
	return 0;
}

/* --- epoll_ctl ------------------------------------------------------------- */

static int
ctl_add(struct epoll *ep, struct file *fp, int fd, const struct epoll_event *ev)
{
	int error;

	mutex_enter(&ep->ep_mtx);
	error = epoll_find_locked(ep, fp, fd) != NULL ? EEXIST :
	    epoll_add_locked(ep, fp, fd, ev);
	mutex_exit(&ep->ep_mtx);
	return error;
}

/* fp is an epoll file too. */
static int
ctl_nest(struct epoll *ep, struct file *epfp, struct file *fp, int fd,
    const struct epoll_event *ev)
{
	int error;

	mutex_enter(&nest_lock);
	error = nest_check(ep, epfp, epoll_of_file(fp));
	if (error == 0)
		error = ctl_add(ep, fp, fd, ev);
	mutex_exit(&nest_lock);
	return error;
}

static int
ctl_modify(struct epoll *ep, struct file *fp, int fd,
    const struct epoll_event *ev)
{
	struct epitem *ei;
	int error = 0;

	mutex_enter(&ep->ep_mtx);
	ei = epoll_find_locked(ep, fp, fd);
	if (ei == NULL)
		error = ENOENT;
	else if ((ei->ei_events & EPOLLEXCLUSIVE) != 0)
		error = EINVAL;
	else
		epoll_modify_locked(ep, ei, ev);
	mutex_exit(&ep->ep_mtx);
	return error;
}

static int
ctl_remove(struct epoll *ep, struct file *fp, int fd)
{
	struct epitem *ei;
	int error = 0;

	mutex_enter(&ep->ep_mtx);
	ei = epoll_find_locked(ep, fp, fd);
	if (ei == NULL)
		error = ENOENT;
	else
		epoll_remove_locked(ep, ei);
	mutex_exit(&ep->ep_mtx);
	return error;
}

/* What is wrong whatever the interest list says. */
static int
ctl_check(const struct file *epfp, const struct file *fp, int op,
    const struct epoll_event *ev)
{
	if (fp->f_ops->fo_poll == NULL)
		return EPERM;
	if (epfp == fp || epoll_of_file(epfp) == NULL)
		return EINVAL;
	if (op == EPOLL_CTL_DEL || (ev->events & EPOLLEXCLUSIVE) == 0)
		return 0;
	if (op == EPOLL_CTL_MOD || epoll_of_file(fp) != NULL ||
	    (ev->events & ~EPOLL_EXCLUSIVE_OK) != 0)
		return EINVAL;
	return 0;
}

static int
epoll_ctl(struct file *epfp, int op, struct file *fp, int fd,
    const struct epoll_event *ev)
{
	struct epoll *ep = epoll_of_file(epfp);
	int error;

	error = ctl_check(epfp, fp, op, ev);
	if (error)
		return error;
	switch (op) {
	case EPOLL_CTL_ADD:
		return epoll_of_file(fp) != NULL ?
		    ctl_nest(ep, epfp, fp, fd, ev) : ctl_add(ep, fp, fd, ev);
	case EPOLL_CTL_MOD:
		return ctl_modify(ep, fp, fd, ev);
	case EPOLL_CTL_DEL:
		return ctl_remove(ep, fp, fd);
	default:
		return EINVAL;
	}
}

int
sys_epoll_ctl(struct lwp *l, int epfd, int op, int fd,
    struct epoll_event *uev, long *ret)
{
	struct epoll_event ev = { .events = 0 };
	struct file *epfp, *fp;
	int error;

	if (op != EPOLL_CTL_DEL) {
		error = copyin(uev, &ev, sizeof(ev));
		if (error)
			return error;
	}
	error = fd_get_nopath(epfd, &epfp);
	if (error)
		return error;
	error = fd_get_nopath(fd, &fp);
	if (error == 0) {
		error = epoll_ctl(epfp, op, fp, fd, &ev);
		fd_put(fp);
	}
	fd_put(epfp);
	return error;
}

/* --- the others -------------------------------------------------------------- */

int
sys_epoll_create1(struct lwp *l, int flags, long *ret)
{
	int error, fd;

	if ((flags & ~O_CLOEXEC) != 0)
		return EINVAL;
	error = epoll_create(O_RDWR, (flags & O_CLOEXEC) != 0, &fd);
	if (error == 0)
		*ret = fd;
	return error;
}

int
sys_epoll_create(struct lwp *l, int size, long *ret)
{
	return size <= 0 ? EINVAL : sys_epoll_create1(l, 0, ret);
}

static int
do_epoll_wait(int epfd, struct epoll_event *events, int maxevents,
    int64_t deadline, long *ret)
{
	struct file *fp;
	struct epoll *ep;
	int error;

	error = fd_get_nopath(epfd, &fp);
	if (error)
		return error;
	ep = epoll_of_file(fp);
	if (maxevents <= 0 || maxevents > EPOLL_MAXEVENTS)
		error = EINVAL;
	else if (!user_range_ok(events, (size_t)maxevents * sizeof(*events)))
		error = EFAULT;
	else if (ep == NULL)
		error = EINVAL;
	else
		error = epoll_collect(ep, events, maxevents, deadline, ret);
	fd_put(fp);
	return error;
}

int
sys_epoll_pwait(struct lwp *l, int epfd, struct epoll_event *events,
    int maxevents, int timeout, const unsigned long *sigmask,
    size_t sigsetsize, long *ret)
{
	int64_t deadline = KTIME_NEVER;
	int error;

	error = poll_sigmask_check(sigmask, sigsetsize);
	if (error)
		return error;
	if (timeout == 0)
		deadline = POLL_NOWAIT;
	else if (timeout > 0)
		deadline = ktime_deadline(timeout * (NSEC_PER_SEC / 1000));
	return do_epoll_wait(epfd, events, maxevents, deadline, ret);
}

int
sys_epoll_pwait2(struct lwp *l, int epfd, struct epoll_event *events,
    int maxevents, const struct __kernel_timespec *timeout,
    const unsigned long *sigmask, size_t sigsetsize, long *ret)
{
	int64_t deadline;
	int error;

	error = poll_deadline(timeout, &deadline);
	if (error)
		return error;
	error = poll_sigmask_check(sigmask, sigsetsize);
	if (error)
		return error;
	return do_epoll_wait(epfd, events, maxevents, deadline, ret);
}
