/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_msg.c - the calls that send and receive
 *
 * All of them fill in a struct sockmsg, whose parts are the kernel's copies,
 * and give it to the protocol: one message each, or a row of them for the
 * mmsg calls, which stop at the first that fails and tell of the error with
 * the next call.
 *
 * The order in which a call looks at its arguments is that of Linux, since
 * programs see it: descriptor, header, address, buffers, control data.
 *
 * References: send(2), recv(2), sendmmsg(2), recvmmsg(2), cmsg(3).
 */

#include <abi/sysargs.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/uio.h>

#include "socket_impl.h"

#define MSG_MAX		0x7ffff000UL	/* bytes that one call moves */
#define MSG_CMSG_COMPAT	0x80000000u	/* 32-bit callers', not for programs */
#define SOCKET_SIGPIPE	13

/* Flags that only the kernel itself may set on a send. */
#define MSG_INTERNAL	(0x8000000 | 0x40000 | 0x80000 | 0x100000)

/* --- for all callers --------------------------------------------------------------- */

/* MSG_ZEROCOPY: we copy, so the client may have his memory back at once. */
static void
socket_zerocopied(struct socket *so)
{
	if (so->so_ops->so_zerocopied == NULL)
		return;
	mutex_enter(&so->so_lock);
	so->so_ops->so_zerocopied(so, so->so_zckey++);
	mutex_exit(&so->so_lock);
}

int
socket_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	int error;

	if (so->so_ops->so_send == NULL)
		return EOPNOTSUPP;
	error = so->so_ops->so_send(so, sm, ret_done);
	if (error == 0 && (sm->sm_flags & MSG_ZEROCOPY) != 0 &&
	    socket_option(so, SOO_ZEROCOPY))
		socket_zerocopied(so);
	if (error == EPIPE && so->so_type == SOCK_STREAM &&
	    (sm->sm_flags & MSG_NOSIGNAL) == 0)
		signal_raise(curproc(), SOCKET_SIGPIPE);
	return error;
}

int
socket_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	if (so->so_ops->so_recv == NULL)
		return EOPNOTSUPP;
	return so->so_ops->so_recv(so, sm, ret_done);
}

static int
msg_fileflags(const struct file *fp)
{
	return (file_flags(fp) & O_NONBLOCK) != 0 ? MSG_DONTWAIT : 0;
}

/*
 * The socket of a call with a struct msghdr; what the descriptor's flags ask for joins
 * the call's.  fd_put(*ret_fp) ends it.
 */
static int
msgcall_begin(int fd, int *flags, struct file **ret_fp, struct socket **ret_so)
{
	int error;

	if (((unsigned int)*flags & MSG_CMSG_COMPAT) != 0)
		return EINVAL;
	error = socket_fromfd(fd, ret_fp, ret_so);
	if (error == 0)
		*flags |= msg_fileflags(*ret_fp);
	return error;
}

/* --- one buffer ------------------------------------------------------------------------ */

int
sys_sendto(struct lwp *l, int fd, const void *ubuf, size_t len, int flags,
    const struct sockaddr *uaddr, int addrlen, long *ret)
{
	union { const void *c; void *m; } buf = { ubuf };
	struct sockmsg sm = { .sm_flags = 0 };
	struct sockaddr_storage ss;
	struct rumpuser_iov iov;
	struct socket *so;
	struct file *fp;
	struct uio uio;
	size_t done;
	int error;

	if (len > MSG_MAX)
		len = MSG_MAX;
	if (!user_range_ok(ubuf, len))
		return EFAULT;
	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	if (uaddr != NULL) {
		error = sockaddr_copyin(uaddr, (socklen_t)addrlen, &ss);
		sm.sm_name = &ss;
		sm.sm_namelen = (socklen_t)addrlen;
	}
	if (error == 0) {
		uio_init_buf(&uio, &iov, buf.m, len, 0, UIO_WRITE, UIO_USER);
		sm.sm_uio = &uio;
		sm.sm_flags = (flags & ~MSG_INTERNAL) | msg_fileflags(fp);
		error = socket_send(so, &sm, &done);
	}
	fd_put(fp);
	if (error == 0)
		*ret = (long)done;
	return error;
}

int
sys_recvfrom(struct lwp *l, int fd, void *ubuf, size_t len, int flags,
    struct sockaddr *uaddr, int *ulen, long *ret)
{
	struct sockmsg sm = { .sm_flags = 0 };
	struct sockaddr_storage ss;
	struct rumpuser_iov iov;
	struct socket *so;
	struct file *fp;
	struct uio uio;
	size_t done;
	int error;

	if (len > MSG_MAX)
		len = MSG_MAX;
	if (!user_range_ok(ubuf, len))
		return EFAULT;
	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	uio_init_buf(&uio, &iov, ubuf, len, 0, UIO_READ, UIO_USER);
	sm.sm_uio = &uio;
	sm.sm_name = uaddr != NULL ? &ss : NULL;
	sm.sm_flags = flags | msg_fileflags(fp);
	error = socket_recv(so, &sm, &done);
	if (error == 0 && uaddr != NULL)
		error = sockaddr_copyout(&ss, sm.sm_namelen, uaddr, ulen);
	sockmsg_fini(&sm);
	fd_put(fp);
	if (error == 0)
		*ret = (long)done;
	return error;
}

/* --- struct msghdr ----------------------------------------------------------------------- */

/* The parts of a message while it is under way. */
struct msgparts {
	struct msghdr	 mp_hdr;	/* as the client gave it */
	struct uio_user	 mp_uu;
	struct sockaddr_storage mp_name;
};

static int
msghdr_copyin(const struct msghdr *umsg, enum uio_rw rw, struct msgparts *mp)
{
	struct msghdr *mh = &mp->mp_hdr;
	int error;

	error = copyin(umsg, mh, sizeof(*mh));
	if (error)
		return error;
	if (mh->msg_name == NULL)
		mh->msg_namelen = 0;
	if (mh->msg_namelen > INT32_MAX)
		return EINVAL;
	if (mh->msg_namelen > sizeof(mp->mp_name))
		mh->msg_namelen = sizeof(mp->mp_name);
	if (rw == UIO_WRITE && mh->msg_namelen > 0)
		error = copyin(mh->msg_name, &mp->mp_name, mh->msg_namelen);
	if (error)
		return error;
	if (mh->msg_iovlen > UIO_MAXIOV)
		return EMSGSIZE;
	return uio_init_user(&mp->mp_uu, mh->msg_iov, mh->msg_iovlen, 0, rw);
}

static int
msg_control_copyin(struct socket *so, const struct msghdr *mh,
    struct sockmsg *sm)
{
	uint8_t *control;
	int error;

	if (mh->msg_controllen == 0)
		return 0;
	if (mh->msg_controllen > INT32_MAX || mh->msg_controllen >
	    (size_t)netvar_get(so->so_ns, &socket_optmem_max))
		return ENOBUFS;
	control = kmem_alloc(mh->msg_controllen, KM_SLEEP);
	if (control == NULL)
		return ENOBUFS;
	error = copyin(mh->msg_control, control, mh->msg_controllen);
	if (error) {
		kmem_free(control, mh->msg_controllen);
		return error;
	}
	sm->sm_control = control;
	sm->sm_controllen = mh->msg_controllen;
	return 0;
}

static int
socket_sendmsg(struct socket *so, const struct msghdr *umsg, int flags,
    struct sockbatch *sx, size_t *ret_done)
{
	struct sockmsg sm = { .sm_batch = sx, .sm_flags = flags & ~MSG_INTERNAL };
	struct msgparts mp;
	int error;

	error = msghdr_copyin(umsg, UIO_WRITE, &mp);
	if (error)
		return error;
	sm.sm_uio = &mp.mp_uu.uu_uio;
	if (mp.mp_hdr.msg_namelen > 0) {
		sm.sm_name = &mp.mp_name;
		sm.sm_namelen = mp.mp_hdr.msg_namelen;
	}
	error = msg_control_copyin(so, &mp.mp_hdr, &sm);
	if (error == 0) {
		error = socket_send(so, &sm, ret_done);
		kmem_free(sm.sm_control, sm.sm_controllen);
	}
	uio_fini_user(&mp.mp_uu);
	return error;
}

/* What recvmsg tells beside the data: address, control data, flags. */
static int
recvmsg_results(const struct sockmsg *sm, const struct msghdr *mh,
    struct msghdr *umsg)
{
	int flags = sm->sm_outflags | (sm->sm_flags & MSG_CMSG_CLOEXEC);
	size_t controllen = sm->sm_controllen;
	int error = 0;

	if (mh->msg_name != NULL)
		error = sockaddr_copyout(sm->sm_name, sm->sm_namelen,
		    mh->msg_name, (int *)(void *)&umsg->msg_namelen);
	if (error == 0)
		error = copyout(&flags, &umsg->msg_flags, sizeof(flags));
	if (error == 0 && controllen > 0)
		error = copyout(sm->sm_control, mh->msg_control, controllen);
	if (error == 0)
		error = copyout(&controllen, &umsg->msg_controllen,
		    sizeof(controllen));
	return error;
}

static int
socket_recvmsg(struct socket *so, struct msghdr *umsg, int flags,
    struct sockbatch *sx, size_t *ret_done, int *ret_outflags)
{
	struct sockmsg sm = { .sm_batch = sx, .sm_flags = flags };
	struct msgparts mp;
	int error;

	error = msghdr_copyin(umsg, UIO_READ, &mp);
	if (error)
		return error;
	sm.sm_uio = &mp.mp_uu.uu_uio;
	sm.sm_name = &mp.mp_name;
	if (mp.mp_hdr.msg_control != NULL)
		sm.sm_controlmax = mp.mp_hdr.msg_controllen;
	error = socket_recv(so, &sm, ret_done);
	if (error == 0)
		error = recvmsg_results(&sm, &mp.mp_hdr, umsg);
	*ret_outflags = sm.sm_outflags;
	sockmsg_fini(&sm);
	uio_fini_user(&mp.mp_uu);
	return error;
}

int
sys_sendmsg(struct lwp *l, int fd, const struct msghdr *umsg, int flags,
    long *ret)
{
	struct socket *so;
	struct file *fp;
	size_t done;
	int error;

	error = msgcall_begin(fd, &flags, &fp, &so);
	if (error)
		return error;
	error = socket_sendmsg(so, umsg, flags, NULL, &done);
	fd_put(fp);
	if (error == 0)
		*ret = (long)done;
	return error;
}

int
sys_recvmsg(struct lwp *l, int fd, struct msghdr *umsg, int flags, long *ret)
{
	int error, outflags;
	struct socket *so;
	struct file *fp;
	size_t done;

	error = msgcall_begin(fd, &flags, &fp, &so);
	if (error)
		return error;
	error = socket_recvmsg(so, umsg, flags, NULL, &done, &outflags);
	fd_put(fp);
	if (error == 0)
		*ret = (long)done;
	return error;
}

/* --- rows of messages ------------------------------------------------------------------------ */

static int
msglen_copyout(struct mmsghdr *umsg, size_t done)
{
	unsigned int len = (unsigned int)done;

	return copyout(&len, &umsg->msg_len, sizeof(len));
}

int
sys_sendmmsg(struct lwp *l, int fd, struct mmsghdr *uvec, unsigned int vlen,
    int flags, long *ret)
{
	struct sockbatch sx, *batch = NULL;
	struct socket *so;
	struct file *fp;
	unsigned int n;
	size_t done;
	int error;

	if (vlen > UIO_MAXIOV)
		vlen = UIO_MAXIOV;
	error = msgcall_begin(fd, &flags, &fp, &so);
	if (error)
		return error;
	if (so->so_ops->so_sendrow != NULL) {
		packetq_init(&sx.sx_q);
		batch = &sx;
	}
	for (n = 0; n < vlen && error == 0; n += error == 0) {
		error = socket_sendmsg(so, &uvec[n].msg_hdr, flags, batch, &done);
		if (error == 0)
			error = msglen_copyout(&uvec[n], done);
	}
	if (batch != NULL && batch->sx_q.pq_head != NULL)
		so->so_ops->so_sendrow(so, batch);
	fd_put(fp);
	if (n > 0)
		error = 0;
	*ret = n;
	return error;
}

/* Receives until something ends it; *ret_n may be above 0 with an error, too. */
static int
recvmmsg_loop(struct socket *so, struct mmsghdr *uvec, unsigned int vlen,
    int flags, int64_t deadline, unsigned int *ret_n)
{
	int error = 0, outflags = 0;
	struct sockbatch sx;
	size_t done = 0;
	unsigned int n = 0;

	packetq_init(&sx.sx_q);
	while (n < vlen) {
		sx.sx_max = vlen - n - 1;
		error = socket_recvmsg(so, &uvec[n].msg_hdr,
		    flags & ~MSG_WAITFORONE, &sx, &done, &outflags);
		if (error == 0)
			error = msglen_copyout(&uvec[n], done);
		if (error)
			break;
		n++;
		if ((flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
		if ((outflags & MSG_OOB) != 0 || (deadline != KTIME_NEVER &&
		    clock_mono() >= deadline))
			break;
	}
	if (sx.sx_q.pq_head != NULL) {
		mutex_enter(&so->so_lock);
		sockbuf_unget(&so->so_rcv, &sx.sx_q);
		mutex_exit(&so->so_lock);
	}
	*ret_n = n;
	return error;
}

/* An error after some messages waits for the next call. */
static int
recvmmsg_row(struct socket *so, struct mmsghdr *uvec, unsigned int vlen,
    int flags, int64_t deadline, long *ret)
{
	unsigned int n = 0;
	int error = 0;

	if ((flags & MSG_ERRQUEUE) == 0) {
		mutex_enter(&so->so_lock);
		error = socket_geterror(so);
		mutex_exit(&so->so_lock);
	}
	if (error == 0)
		error = recvmmsg_loop(so, uvec, vlen, flags, deadline, &n);
	if (n == 0)
		return error;
	if (error != 0 && error != EAGAIN && error != ERESTART) {
		mutex_enter(&so->so_lock);
		so->so_error = error;
		mutex_exit(&so->so_lock);
	}
	*ret = n;
	return 0;
}

static int
timeout_copyin(const void *uts, int64_t *ret_deadline)
{
	struct timespec64 ts;
	int64_t ns;
	int error;

	error = copyin(uts, &ts, sizeof(ts));
	if (error == 0)
		error = ktime_from_timespec(&ts, &ns);
	if (error == 0)
		*ret_deadline = ktime_deadline(ns);
	return error;
}

static int
timeout_copyout(int64_t deadline, void *uts)
{
	int64_t now = clock_mono();
	struct timespec64 ts = ktime_to_timespec(deadline > now ?
	    deadline - now : 0);

	return copyout(&ts, uts, sizeof(ts));
}

int
sys_recvmmsg(struct lwp *l, int fd, struct mmsghdr *uvec, unsigned int vlen,
    int flags, struct __kernel_timespec *uts, long *ret)
{
	int64_t deadline = KTIME_NEVER;
	struct socket *so;
	struct file *fp;
	int error;

	/* Before the time is looked at, too. */
	if (((unsigned int)flags & MSG_CMSG_COMPAT) != 0)
		return EINVAL;
	if (uts != NULL) {
		error = timeout_copyin(uts, &deadline);
		if (error)
			return error;
	}
	error = msgcall_begin(fd, &flags, &fp, &so);
	if (error)
		return error;
	error = recvmmsg_row(so, uvec, vlen, flags, deadline, ret);
	fd_put(fp);
	if (error == 0 && uts != NULL && *ret > 0)
		error = timeout_copyout(deadline, uts);
	return error;
}
