/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_file.c - sockets as files: read, write, ioctl, poll, stat, close
 *
 * A socket's file is made by socket_file(), which takes over the reference
 * that socket_create() gave.  read(2) and write(2) are recv and send without
 * flags or names; as on Linux a read of nothing is nothing, while a write of
 * nothing is an empty datagram.
 *
 * References: socket(7), unix(7), ioctl(2), poll(2).
 */

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/uio.h>

#include "socket_impl.h"

static int
file_msgflags(const struct file *fp, int rwflags)
{
	return (file_flags(fp) & O_NONBLOCK) != 0 ||
	    (rwflags & RWF_NOWAIT) != 0 ? MSG_DONTWAIT : 0;
}

static int
socket_fo_read(struct file *fp, struct uio *uio, int flags)
{
	struct sockmsg sm = { .sm_uio = uio,
	    .sm_flags = file_msgflags(fp, flags) };
	size_t done, want = uio->uio_resid;
	int error;

	if (want == 0)
		return 0;
	error = socket_recv(fp->f_data, &sm, &done);
	sockmsg_fini(&sm);
	if (error)
		uio->uio_resid = want;
	return error;
}

static int
socket_fo_write(struct file *fp, struct uio *uio, int flags)
{
	struct socket *so = fp->f_data;
	struct sockmsg sm = { .sm_uio = uio,
	    .sm_flags = file_msgflags(fp, flags) };
	size_t done, want = uio->uio_resid;
	int error;

	if (so->so_type == SOCK_SEQPACKET)
		sm.sm_flags |= MSG_EOR;
	error = socket_send(so, &sm, &done);
	uio->uio_resid = error ? want : want - done;
	return error;
}

/* --- ioctl ----------------------------------------------------------------------- */

static int
socket_setpgrp(struct file *fp, void *uarg)
{
	int error, who;

	error = copyin(uarg, &who, sizeof(who));
	if (error)
		return error;
	return file_setown(fp, who);
}

static int
socket_getpgrp(struct file *fp, void *uarg)
{
	int who = atomic_load(&fp->f_owner);

	if (atomic_load(&fp->f_ownertype) == F_OWNER_PGRP)
		who = -who;
	return copyout(&who, uarg, sizeof(who));
}

static int
socket_fo_ioctl(struct file *fp, unsigned long cmd, void *uarg, long *ret)
{
	struct socket *so = fp->f_data;
	int error;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
		return socket_setpgrp(fp, uarg);
	case FIOGETOWN:
	case SIOCGPGRP:
		return socket_getpgrp(fp, uarg);
	default:
		break;
	}
	if (so->so_ops->so_ioctl != NULL) {
		error = so->so_ops->so_ioctl(so, cmd, uarg, ret);
		if (error != ENOTTY)
			return error;
	}
	return if_ioctl(so->so_ns, so->so_family, cmd, uarg);
}

/* --- poll ------------------------------------------------------------------------ */

static uint32_t
socket_poll_locked(struct socket *so) REQUIRES(so->so_lock)
{
	uint32_t state = so->so_state, events;

	events = so->so_ops->so_poll != NULL ? so->so_ops->so_poll(so) : 0;
	if (so->so_error != 0)
		events |= POLLERR;
	if (so->so_errq.pq_head != NULL)
		events |= POLLERR |
		    (socket_option(so, SOO_SELECT_ERR) ? POLLPRI : 0);
	if ((state & SS_CANTRCVMORE) != 0)
		events |= POLLIN | POLLRDNORM | POLLRDHUP;
	if ((state & SS_CANTRCVMORE) != 0 && (state & SS_CANTSENDMORE) != 0)
		events |= POLLHUP;
	return events;
}

static uint32_t
socket_fo_poll(struct file *fp, struct pollreg *pr)
{
	struct socket *so = fp->f_data;
	uint32_t events;

	poll_register(pr, &so->so_pollsrc);
	mutex_enter(&so->so_lock);
	events = socket_poll_locked(so);
	mutex_exit(&so->so_lock);
	return events;
}

/* --- the rest ---------------------------------------------------------------------- */

/* As Linux shows its own: no times, no size. */
static int
socket_fo_stat(struct file *fp, struct statx *st)
{
	struct socket *so = fp->f_data;

	statx_anon(fp, STAT_DEV_SOCKET, so->so_inode,
	    atomic_load(&so->so_attr.aa_mode), 1, st);
	st->stx_uid = atomic_load(&so->so_attr.aa_uid);
	st->stx_gid = atomic_load(&so->so_attr.aa_gid);
	st->stx_atime.tv_nsec = 0;
	st->stx_mtime = st->stx_ctime = st->stx_atime;
	return 0;
}

static struct anonattr *
socket_fo_attr(struct file *fp)
{
	struct socket *so = fp->f_data;

	return &so->so_attr;
}

static int
socket_fo_fallocate(struct file *fp, int mode, off_t off, off_t len)
{
	return ENODEV;
}

static void
socket_fo_close(struct file *fp)
{
	struct socket *so = fp->f_data;

	if (so->so_ops->so_close != NULL)
		so->so_ops->so_close(so);
	socket_rele(so);
}

static const struct fileops socket_fileops = {
	.fo_read	= socket_fo_read,
	.fo_write	= socket_fo_write,
	.fo_ioctl	= socket_fo_ioctl,
	.fo_poll	= socket_fo_poll,
	.fo_stat	= socket_fo_stat,
	.fo_attr	= socket_fo_attr,
	.fo_fallocate	= socket_fo_fallocate,
	.fo_close	= socket_fo_close,
	.fo_rwflags	= RWF_NOWAIT,
};

int
socket_file(struct socket *so, unsigned int oflags, struct file **ret_fp)
{
	return file_create(FILE_SOCKET, &socket_fileops, so, O_RDWR | oflags,
	    ret_fp);
}

int
socket_fromfd(int fd, struct file **ret_fp, struct socket **ret_so)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (fp->f_type != FILE_SOCKET) {
		fd_put(fp);
		return ENOTSOCK;
	}
	*ret_so = fp->f_data;
	*ret_fp = fp;
	return 0;
}
