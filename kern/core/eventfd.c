/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * eventfd.c - a counter as a file
 *
 * A write adds to the counter, a read takes all of it (or one, with
 * EFD_SEMAPHORE) and waits while it is zero.  A write that would take it past
 * its largest value waits.  The value beyond that one is an overflow, which
 * only the kernel itself could cause; we never do.
 *
 * Locking: ev_lock -> pollsrc.
 *
 * References: eventfd(2).
 */

#include <abi/sysargs.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* <linux/eventfd.h> came late to the UAPI. */
#define EVENTFD_SEMAPHORE	1
#define EVENTFD_MAX		(UINT64_MAX - 1)

/*
 * Field key:	c  constant	l  ev_lock
 */
struct eventfd {
	kmutex_t	 ev_lock;
	kcondvar_t	 ev_cv;		/* l: the count changed */
	struct pollsrc	 ev_src;
	uint64_t	 ev_count;	/* l */
	bool		 ev_semaphore;	/* c */
};

static bool
eventfd_nonblock(const struct file *fp, int flags)
{
	return (file_flags(fp) & O_NONBLOCK) != 0 || (flags & RWF_NOWAIT) != 0;
}

static uint64_t
eventfd_take_locked(struct eventfd *ev) REQUIRES(ev->ev_lock)
{
	uint64_t value = ev->ev_semaphore ? 1 : ev->ev_count;

	ev->ev_count -= value;
	cv_broadcast(&ev->ev_cv);
	return value;
}

static int
eventfd_read(struct file *fp, struct uio *uio, int flags)
{
	struct eventfd *ev = fp->f_data;
	size_t resid = uio->uio_resid;
	uint64_t value = 0;
	int error = 0;

	if (resid < sizeof(value))
		return EINVAL;
	mutex_enter(&ev->ev_lock);
	while (ev->ev_count == 0 && error == 0) {
		if (eventfd_nonblock(fp, flags))
			error = EAGAIN;
		else if (cv_wait_sig(&ev->ev_cv, &ev->ev_lock) != 0)
			error = ERESTART;
	}
	if (ev->ev_count > 0) {
		value = eventfd_take_locked(ev);
		error = 0;
	}
	mutex_exit(&ev->ev_lock);
	if (error)
		return error;
	pollsrc_wake(&ev->ev_src, EPOLLOUT);
	error = uio_move(&value, sizeof(value), uio);
	if (error)
		uio->uio_resid = resid;		/* half a number is nothing */
	return error;
}

static int
eventfd_write(struct file *fp, struct uio *uio, int flags)
{
	struct eventfd *ev = fp->f_data;
	size_t resid = uio->uio_resid;
	uint64_t value;
	int error;

	if ((flags & ~RWF_HIPRI) != 0)
		return EOPNOTSUPP;		/* reads have them, writes do not */
	if (resid != sizeof(value))	/* older Linux took more */
		return EINVAL;
	error = uio_move(&value, sizeof(value), uio);
	if (error == 0 && value == UINT64_MAX)
		error = EINVAL;
	if (error) {
		uio->uio_resid = resid;
		return error;
	}
	mutex_enter(&ev->ev_lock);
	while (value > EVENTFD_MAX - ev->ev_count && error == 0) {
		if (eventfd_nonblock(fp, 0))
			error = EAGAIN;
		else if (cv_wait_sig(&ev->ev_cv, &ev->ev_lock) != 0)
			error = ERESTART;
	}
	if (error == 0) {
		ev->ev_count += value;
		cv_broadcast(&ev->ev_cv);
	}
	mutex_exit(&ev->ev_lock);
	if (error) {
		uio->uio_resid = resid;
		return error;
	}
	pollsrc_wake(&ev->ev_src, EPOLLIN);
	return 0;
}

static uint32_t
eventfd_poll(struct file *fp, struct pollreg *pr)
{
	struct eventfd *ev = fp->f_data;
	uint32_t events = 0;

	poll_register(pr, &ev->ev_src);
	mutex_enter(&ev->ev_lock);
	if (ev->ev_count > 0)
		events |= EPOLLIN;
	if (ev->ev_count < EVENTFD_MAX)
		events |= EPOLLOUT;
	mutex_exit(&ev->ev_lock);
	return events;
}

static int
eventfd_stat(struct file *fp, struct statx *st)
{
	statx_anon(fp, STAT_DEV_ANON, 1, 0600, 0, st);
	return 0;
}

static void
eventfd_destroy(struct eventfd *ev)
{
	pollsrc_fini(&ev->ev_src);
	cv_destroy(&ev->ev_cv);
	mutex_destroy(&ev->ev_lock);
	kmem_free(ev, sizeof(*ev));
}

static void
eventfd_close(struct file *fp)
{
	eventfd_destroy(fp->f_data);
}

static const struct fileops eventfd_fileops = {
	.fo_read	= eventfd_read,
	.fo_write	= eventfd_write,
	.fo_seek	= file_seek_nowhere,
	.fo_poll	= eventfd_poll,
	.fo_stat	= eventfd_stat,
	.fo_close	= eventfd_close,
	.fo_rwflags	= RWF_NOWAIT,
};

static int
eventfd_create(uint64_t count, bool semaphore, struct eventfd **ret_ev)
{
	struct eventfd *ev;

	ev = kmem_zalloc(sizeof(*ev), KM_SLEEP);
	if (ev == NULL)
		return ENOMEM;
	mutex_init(&ev->ev_lock, "eventfd");
	cv_init(&ev->ev_cv, "eventfd");
	pollsrc_init(&ev->ev_src);
	ev->ev_count = count;
	ev->ev_semaphore = semaphore;
	*ret_ev = ev;
	return 0;
}

int
sys_eventfd2(struct lwp *l, unsigned int initval, int flags, long *ret)
{
	struct eventfd *ev;
	struct file *fp;
	int error, fd;

	if ((flags & ~(EVENTFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	error = eventfd_create(initval, (flags & EVENTFD_SEMAPHORE) != 0, &ev);
	if (error)
		return error;
	error = file_create(FILE_EVENTFD, &eventfd_fileops, ev,
	    O_RDWR | ((unsigned int)flags & O_NONBLOCK), &fp);
	if (error) {
		eventfd_destroy(ev);
		return error;
	}
	error = fd_alloc(fp, (flags & O_CLOEXEC) != 0, &fd);
	if (error) {
		file_rele(fp);
		return error;
	}
	*ret = fd;
	return 0;
}
