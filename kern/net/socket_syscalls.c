/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_syscalls.c - making sockets, naming and joining them
 *
 * Each call finds the socket of a descriptor, copies addresses in or out and
 * leaves the rest to the protocol.  Messages are in socket_msg.c, options in
 * socket_optcall.c.
 *
 * References: socket(2), socketpair(2), bind(2), listen(2), accept(2),
 * connect(2), getsockname(2), getpeername(2), shutdown(2).
 */

#include <abi/sysargs.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#include "socket_impl.h"

/* --- addresses ------------------------------------------------------------------- */

/* Nothing is known of it yet but that it fits. */
int
sockaddr_copyin(const void *uaddr, socklen_t len, struct sockaddr_storage *ss)
{
	if (len > sizeof(*ss))
		return EINVAL;
	return len == 0 ? 0 : copyin(uaddr, ss, len);
}

int
sockaddr_copyout(const struct sockaddr_storage *ss, socklen_t len, void *uaddr,
    int *ulen)
{
	socklen_t room;
	int error;

	error = copyin(ulen, &room, sizeof(room));
	if (error)
		return error;
	if ((int)room < 0)
		return EINVAL;
	if (room > len)
		room = len;
	if (room > 0)
		error = copyout(ss, uaddr, room);
	return error ? error : copyout(&len, ulen, sizeof(len));
}

static const struct sockaddr *
sockaddr_of(const struct sockaddr_storage *ss)
{
	return (const struct sockaddr *)(const void *)ss;
}

/* --- socket, socketpair -------------------------------------------------------------- */

/* What type asks of the descriptor; the rest of it is the socket's. */
static int
socket_flags(int *type)
{
	int flags = *type & ~SOCK_TYPE_MASK;

	*type &= SOCK_TYPE_MASK;
	return flags;
}

static unsigned int
socket_oflags(int flags)
{
	return (flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
}

static int
socket_make(struct lwp *l, int family, int type, int protocol,
    struct socket **ret_so)
{
	struct cred *cr = atomic_load_acq(&l->l_proc->p_cred);
	struct netns *ns = netns_current();
	int error;

	cred_hold(cr);
	netns_hold(ns);
	error = socket_create(ns, family, type, protocol, cr, true, ret_so);
	netns_rele(ns);
	cred_rele(cr);
	return error;
}

/* The socket's file at a descriptor.  Consumes the reference in any case. */
static int
socket_install(struct socket *so, int flags, long *ret)
{
	struct file *fp;
	int error, fd;

	error = socket_file(so, socket_oflags(flags), &fp);
	if (error) {
		if (so->so_ops->so_close != NULL)
			so->so_ops->so_close(so);
		socket_rele(so);
		return error;
	}
	error = fd_alloc(fp, (flags & SOCK_CLOEXEC) != 0, &fd);
	if (error) {
		file_rele(fp);
		return error;
	}
	*ret = fd;
	return 0;
}

int
sys_socket(struct lwp *l, int domain, int type, int protocol, long *ret)
{
	int error, flags = socket_flags(&type);
	struct socket *so;

	if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0)
		return EINVAL;
	error = socket_make(l, domain, type, protocol, &so);
	if (error)
		return error;
	return socket_install(so, flags, ret);
}

/* Two sockets that are joined, as files; descriptors are reserved already. */
static int
socketpair_files(struct lwp *l, int domain, int type, int protocol, int flags,
    struct file *fp[2])
{
	struct socket *so[2];
	int error;

	error = socket_make(l, domain, type, protocol, &so[0]);
	if (error)
		return error;
	error = socket_file(so[0], socket_oflags(flags), &fp[0]);
	if (error) {
		socket_rele(so[0]);
		return error;
	}
	error = socket_make(l, domain, type, protocol, &so[1]);
	if (error)
		goto fail_file;
	error = socket_file(so[1], socket_oflags(flags), &fp[1]);
	if (error) {
		socket_rele(so[1]);
		goto fail_file;
	}
	error = so[0]->so_ops->so_pair == NULL ? EOPNOTSUPP :
	    so[0]->so_ops->so_pair(so[0], so[1]);
	if (error == 0)
		return 0;
	file_rele(fp[1]);
fail_file:
	file_rele(fp[0]);
	return error;
}

int
sys_socketpair(struct lwp *l, int domain, int type, int protocol, int *usv,
    long *ret)
{
	int error, sv[2], flags = socket_flags(&type);
	bool cloexec = (flags & SOCK_CLOEXEC) != 0;
	struct file *fp[2];

	if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0)
		return EINVAL;
	error = fd_reserve(0, &sv[0]);
	if (error)
		return error;
	error = fd_reserve(0, &sv[1]);
	if (error)
		goto fail_first;
	error = copyout(sv, usv, sizeof(sv));
	if (error == 0)
		error = socketpair_files(l, domain, type, protocol, flags, fp);
	if (error)
		goto fail_second;
	fd_install(sv[0], fp[0], cloexec);
	fd_install(sv[1], fp[1], cloexec);
	return 0;

fail_second:
	fd_unreserve(sv[1]);
fail_first:
	fd_unreserve(sv[0]);
	return error;
}

/* --- bind, listen, connect, shutdown ---------------------------------------------------- */

/* A socket and an address of the client's; fd_put(*ret_fp) ends it. */
static int
namecall_begin(int fd, const struct sockaddr *uaddr, int addrlen,
    struct sockaddr_storage *ss, struct file **ret_fp, struct socket **ret_so)
{
	int error;

	error = socket_fromfd(fd, ret_fp, ret_so);
	if (error)
		return error;
	error = sockaddr_copyin(uaddr, (socklen_t)addrlen, ss);
	if (error)
		fd_put(*ret_fp);
	return error;
}

int
sys_bind(struct lwp *l, int fd, const struct sockaddr *uaddr, int addrlen,
    long *ret)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	int error;

	error = namecall_begin(fd, uaddr, addrlen, &ss, &fp, &so);
	if (error)
		return error;
	error = so->so_ops->so_bind == NULL ? EOPNOTSUPP :
	    so->so_ops->so_bind(so, sockaddr_of(&ss), (socklen_t)addrlen);
	fd_put(fp);
	return error;
}

/* A backlog below zero is a very large one. */
int
sys_listen(struct lwp *l, int fd, int backlog, long *ret)
{
	unsigned int most;
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	most = (unsigned int)netvar_get(so->so_ns, &socket_somaxconn);
	if ((unsigned int)backlog > most)
		backlog = (int)most;
	error = so->so_ops->so_listen == NULL ? EOPNOTSUPP :
	    so->so_ops->so_listen(so, backlog);
	fd_put(fp);
	return error;
}

int
sys_connect(struct lwp *l, int fd, const struct sockaddr *uaddr,
    int addrlen, long *ret)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	int error;

	error = namecall_begin(fd, uaddr, addrlen, &ss, &fp, &so);
	if (error)
		return error;
	error = so->so_ops->so_connect == NULL ? EOPNOTSUPP :
	    so->so_ops->so_connect(so, sockaddr_of(&ss), (socklen_t)addrlen,
	    (file_flags(fp) & O_NONBLOCK) != 0);
	fd_put(fp);
	return error;
}

int
sys_shutdown(struct lwp *l, int fd, int how, long *ret)
{
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	if (how < SHUT_RD || how > SHUT_RDWR)
		error = EINVAL;
	else
		error = so->so_ops->so_shutdown == NULL ? EOPNOTSUPP :
		    so->so_ops->so_shutdown(so, how);
	fd_put(fp);
	return error;
}

/* --- accept ----------------------------------------------------------------------------- */

static int
socket_peername_out(struct socket *so, struct sockaddr *uaddr, int *ulen)
{
	struct sockaddr_storage ss;
	socklen_t len = 0;
	int error;

	error = so->so_ops->so_name(so, true, &ss, &len);
	if (error)
		return error == ENOTCONN ? ECONNABORTED : error;
	return sockaddr_copyout(&ss, len, uaddr, ulen);
}

/* The next connection, as a file. */
static int
accept_file(struct socket *so, bool nonblock, int flags, struct sockaddr *uaddr,
    int *ulen, struct file **ret_fp)
{
	struct socket *child;
	struct file *fp;
	int error;

	if (so->so_ops->so_accept == NULL)
		return EOPNOTSUPP;
	error = so->so_ops->so_accept(so, nonblock, &child);
	if (error)
		return error;
	error = socket_file(child, socket_oflags(flags), &fp);
	if (error) {
		if (child->so_ops->so_close != NULL)
			child->so_ops->so_close(child);
		socket_rele(child);
		return error;
	}
	if (uaddr != NULL)
		error = socket_peername_out(child, uaddr, ulen);
	if (error) {
		file_rele(fp);
		return error;
	}
	*ret_fp = fp;
	return 0;
}

int
sys_accept4(struct lwp *l, int fd, struct sockaddr *uaddr, int *ulen,
    int flags, long *ret)
{
	struct file *fp, *newfp;
	struct socket *so;
	int error, newfd;

	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0)
		error = EINVAL;
	else
		error = fd_reserve(0, &newfd);
	if (error == 0) {
		error = accept_file(so, (file_flags(fp) & O_NONBLOCK) != 0,
		    flags, uaddr, ulen, &newfp);
		if (error)
			fd_unreserve(newfd);
	}
	fd_put(fp);
	if (error)
		return error;
	fd_install(newfd, newfp, (flags & SOCK_CLOEXEC) != 0);
	*ret = newfd;
	return 0;
}

/* --- names ------------------------------------------------------------------ */

static int
socket_getname(int fd, bool peer, struct sockaddr *uaddr, int *ulen)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	socklen_t len = 0;
	int error;

	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	error = so->so_ops->so_name == NULL ? EOPNOTSUPP :
	    so->so_ops->so_name(so, peer, &ss, &len);
	if (error == 0)
		error = sockaddr_copyout(&ss, len, uaddr, ulen);
	fd_put(fp);
	return error;
}

int
sys_getsockname(struct lwp *l, int fd, struct sockaddr *uaddr, int *ulen,
    long *ret)
{
	return socket_getname(fd, false, uaddr, ulen);
}

int
sys_getpeername(struct lwp *l, int fd, struct sockaddr *uaddr, int *ulen,
    long *ret)
{
	return socket_getname(fd, true, uaddr, ulen);
}
