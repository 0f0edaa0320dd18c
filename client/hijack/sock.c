/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sock.c - sockets: the family decides whose a new one is
 *
 * A local socket of the kernel has a name in its tree, which the program knows below the
 * prefix.  Descriptors that are sent along (SCM_RIGHTS) are numbers of the program there and of the
 * kernel here.  Those that go through a local socket of the host are packed: what goes is a descriptor of
 * the host that stands for the kernel's file (rumpclient_parcel(3)), and is replaced when it arrives.
 *
 * References: socket(2), unix(7), cmsg(3).
 */

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "path.h"

#define CONTROL_ROOM	4096	/* more ancillary data than anybody sends */

static long
rule_socket(long nr, const unsigned long args[6])
{
	/* Over an exec the placeholder decides. */
	unsigned long kargs[6] = { args[0], args[1] & ~(unsigned long)SOCK_CLOEXEC, args[2] };
	long r;

	if (!policy_socket((int)args[0]))
		return host_args(nr, args);
	r = kernel_call(SYS_socket, kargs);
	return host_failed(r) ? r : fdmap_new((int)r, (args[1] & SOCK_CLOEXEC) != 0);
}

static long
rule_socketpair(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1] & ~(unsigned long)SOCK_CLOEXEC, args[2] };
	bool cloexec = (args[1] & SOCK_CLOEXEC) != 0;
	int r[2], sv[2];
	long ret, n[2];

	if (!policy_socket((int)args[0]))
		return host_args(nr, args);
	kargs[3] = (unsigned long)r;
	ret = kernel_call(SYS_socketpair, kargs);
	if (host_failed(ret))
		return ret;
	n[0] = fdmap_new(r[0], cloexec);
	n[1] = fdmap_new(r[1], cloexec);
	sv[0] = (int)n[0];
	sv[1] = (int)n[1];
	if (!host_failed(n[0]) && !host_failed(n[1]) && mem_write(args[3], sv, sizeof(sv)))
		return 0;
	for (unsigned int i = 0; i < 2; i++) {
		if (!host_failed(n[i]))
			fdmap_drop((unsigned long)n[i]);
	}
	return host_withdraw(n, host_failed(n[0]) ? n[0] : host_failed(n[1]) ? n[1] : -EFAULT);
}

static long
rule_accept(long nr, const unsigned long args[6])
{
	unsigned long flags = nr == SYS_accept4 ? args[3] : 0;
	unsigned long kargs[6] = { args[0], args[1], args[2], flags & ~(unsigned long)SOCK_CLOEXEC };
	int32_t entry = fdmap_entry(args[0]);
	long r;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_args(nr, args);
	kargs[0] = (unsigned long)(entry - 1);
	r = kernel_call(SYS_accept4, kargs);
	return host_failed(r) ? r : fdmap_new((int)r, (flags & SOCK_CLOEXEC) != 0);
}

/* --- names -------------------------------------------------------------------------------- */

/*
 * The address at addr as the kernel knows it, in to if it is another: a name below the prefix
 * loses it.  *ret_len: its length then.
 */
static const void *
address(unsigned long addr, unsigned long len, struct sockaddr_un *to, unsigned long *ret_len)
{
	const char *inner;
	size_t n;

	*ret_len = len;
	if (len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(*to))
		return (const void *)addr;
	(void)mem_zero(to, sizeof(*to));
	if (!mem_read(to, addr, len) || to->sun_family != AF_UNIX || to->sun_path[0] != '/')
		return (const void *)addr;
	if (len == sizeof(*to) && to->sun_path[sizeof(to->sun_path) - 1] != '\0')
		return (const void *)addr;
	inner = path_strip(to->sun_path);
	if (inner == NULL)
		return (const void *)addr;
	n = text_len(inner) + 1;
	(void)mem_move(to->sun_path, inner, n);
	*ret_len = offsetof(struct sockaddr_un, sun_path) + n;
	return to;
}

static long
rule_address(long nr, const unsigned long args[6])
{
	unsigned int at = nr == SYS_sendto ? 4 : 1;
	unsigned long kargs[6];
	int32_t entry = fdmap_entry(args[0]);
	struct sockaddr_un sun;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_args(nr, args);
	mem_copy(kargs, args, sizeof(kargs));
	kargs[0] = (unsigned long)(entry - 1);
	if (args[at] != 0)
		kargs[at] = (unsigned long)address(args[at], args[at + 1], &sun, &kargs[at + 1]);
	return kernel_call((unsigned int)nr, kargs);
}

/* --- descriptors that are sent along ---------------------------------------------------------- */

/* Calls fn for each descriptor in the control data; stops at an error. */
static long
each_right(unsigned char *control, size_t len, long (*fn)(int *fd, unsigned long arg), unsigned long arg)
{
	struct cmsghdr c;
	size_t at = 0, next;
	long ret;
	int fd;

	while (len - at >= sizeof(c)) {
		mem_copy(&c, control + at, sizeof(c));
		if (c.cmsg_len < sizeof(c) || c.cmsg_len > len - at)
			return 0;
		for (size_t i = CMSG_LEN(0); c.cmsg_level == SOL_SOCKET && c.cmsg_type == SCM_RIGHTS &&
		    c.cmsg_len - i >= sizeof(fd); i += sizeof(fd)) {
			mem_copy(&fd, control + at + i, sizeof(fd));
			ret = fn(&fd, arg);
			if (ret != 0)
				return ret;
			mem_copy(control + at + i, &fd, sizeof(fd));
		}
		next = CMSG_ALIGN(c.cmsg_len);
		if (next > len - at)
			return 0;
		at += next;
	}
	return 0;
}

/* One of the host cannot go through the kernel. */
static long
right_out(int *fd, unsigned long arg)
{
	int r = fdmap_get((unsigned long)*fd), hostfd;
	bool bad;

	if (r < 0) {
		hostfd = host_borrow((unsigned long)*fd);
		bad = host_syscall(SYS_fcntl, hostfd, F_GETFD) < 0;
		host_return(hostfd);
		return bad ? -EBADF : -EINVAL;
	}
	*fd = r;
	return 0;
}

static long
right_in(int *fd, unsigned long cloexec)
{
	long n = fdmap_new(*fd, cloexec != 0);

	*fd = host_failed(n) ? -1 : (int)n;
	return 0;
}

/* --- through local sockets of the host ------------------------------------------------------------- */

#ifdef HIJACK_SUPERVISOR

static long
host_sendmsg(long nr, const unsigned long args[6])
{
	return host_args(nr, args);
}

static long
host_recvmsg(long nr, const unsigned long args[6])
{
	return host_args(nr, args);
}

#else

#define PARCELS		253	/* in a message (unix(7)) */
#define LABEL		0x50535552u	/* what a parcel says first */

struct parcels {
	int		 pl_fd[PARCELS];
	unsigned int	 pl_n;
};

/* One of ours is packed for the way. */
static long
right_pack(int *fd, unsigned long arg)
{
	struct parcels *pl = (struct parcels *)arg;
	int r = fdmap_get((unsigned long)*fd), parcel;

	if (r < 0)
		return fdmap_entry((unsigned long)*fd) == FDMAP_HIDDEN ? -EBADF : 0;
	if (pl->pl_n == PARCELS)
		return -EINVAL;
	parcel = kernel_parcel(r);
	if (parcel < 0)
		return parcel;
	pl->pl_fd[pl->pl_n++] = *fd = parcel;
	return 0;
}

static long
host_sendmsg(long nr, const unsigned long args[6])
{
	unsigned char control[CONTROL_ROOM];
	struct parcels pl = { .pl_n = 0 };
	struct msghdr m;
	long ret;

	if (backend == NULL || backend->b_parcel == NULL || !mem_read(&m, args[1], sizeof(m)) ||
	    m.msg_controllen == 0 || m.msg_controllen > sizeof(control) ||
	    !mem_read(control, (unsigned long)m.msg_control, m.msg_controllen))
		return host_args(nr, args);
	m.msg_control = control;
	ret = each_right(control, m.msg_controllen, right_pack, (unsigned long)&pl);
	if (ret == 0)
		ret = host_syscall(SYS_sendmsg, args[0], &m, args[2]);
	for (unsigned int i = 0; i < pl.pl_n; i++)
		(void)host_syscall(SYS_close, pl.pl_fd[i]);
	return ret;
}

static long
right_unpack(int *fd, unsigned long cloexec)
{
	uint32_t label = 0;
	int r;

	if (host_syscall(SYS_recvfrom, *fd, &label, sizeof(label), MSG_PEEK | MSG_DONTWAIT) !=
	    sizeof(label) || label != LABEL)
		return 0;
	r = kernel_unparcel(*fd);
	if (r >= 0)
		fdmap_become((unsigned long)*fd, r, cloexec != 0);
	return 0;
}

static long
host_recvmsg(long nr, const unsigned long args[6])
{
	unsigned char control[CONTROL_ROOM];
	long ret = host_args(nr, args);
	struct msghdr m;

	if (ret < 0 || !mem_read(&m, args[1], sizeof(m)) || m.msg_controllen == 0 ||
	    m.msg_controllen > sizeof(control) ||
	    !mem_read(control, (unsigned long)m.msg_control, m.msg_controllen))
		return ret;
	(void)each_right(control, m.msg_controllen, right_unpack, args[2] & MSG_CMSG_CLOEXEC);
	return ret;
}

#endif

/* --- messages ----------------------------------------------------------------------------------------- */

static long
rule_sendmsg(long nr, const unsigned long args[6])
{
	unsigned char control[CONTROL_ROOM];
	int32_t entry = fdmap_entry(args[0]);
	unsigned long kargs[6], len;
	struct sockaddr_un sun;
	struct msghdr m;
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_sendmsg(nr, args);
	mem_copy(kargs, args, sizeof(kargs));
	kargs[0] = (unsigned long)(entry - 1);
	if (!mem_read(&m, args[1], sizeof(m)))
		return kernel_call(SYS_sendmsg, kargs);
	if (m.msg_controllen > 0 && m.msg_controllen <= sizeof(control)) {
		if (!mem_read(control, (unsigned long)m.msg_control, m.msg_controllen))
			return -EFAULT;
		ret = each_right(control, m.msg_controllen, right_out, 0);
		if (ret != 0)
			return ret;
		m.msg_control = control;
	}
	if (m.msg_name != NULL) {
		m.msg_name = (void *)(uintptr_t)address((unsigned long)m.msg_name, m.msg_namelen, &sun, &len);
		m.msg_namelen = (unsigned int)len;
	}
	kargs[1] = (unsigned long)&m;
	return kernel_call(SYS_sendmsg, kargs);
}

static long
rule_recvmsg(long nr, const unsigned long args[6])
{
	unsigned char control[CONTROL_ROOM];
	int32_t entry = fdmap_entry(args[0]);
	unsigned long kargs[6];
	struct msghdr m;
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_recvmsg(nr, args);
	mem_copy(kargs, args, sizeof(kargs));
	kargs[0] = (unsigned long)(entry - 1);
	kargs[2] &= ~(unsigned long)MSG_CMSG_CLOEXEC;
	ret = kernel_call(SYS_recvmsg, kargs);
	if (ret < 0 || !mem_read(&m, args[1], sizeof(m)))
		return ret;
	/* It is told back, as the other flags are. */
	if ((args[2] & MSG_CMSG_CLOEXEC) != 0) {
		m.msg_flags |= MSG_CMSG_CLOEXEC;
		(void)mem_write(args[1] + offsetof(struct msghdr, msg_flags), &m.msg_flags,
		    sizeof(m.msg_flags));
	}
	if (m.msg_controllen == 0 ||
	    m.msg_controllen > sizeof(control) ||
	    !mem_read(control, (unsigned long)m.msg_control, m.msg_controllen))
		return ret;
	(void)each_right(control, m.msg_controllen, right_in, args[2] & MSG_CMSG_CLOEXEC);
	(void)mem_write((unsigned long)m.msg_control, control, m.msg_controllen);
	return ret;
}

void
sock_rules(void)
{
	dispatch_set(SYS_bind, HIJACK_BYFD, rule_address);
	dispatch_set(SYS_connect, HIJACK_BYFD, rule_address);
	dispatch_set(SYS_sendto, HIJACK_BYFD, rule_address);
	dispatch_set(SYS_sendmsg, HIJACK_LOOK, rule_sendmsg);
	dispatch_set(SYS_recvmsg, HIJACK_LOOK, rule_recvmsg);
	dispatch_set(SYS_socket, HIJACK_LOOK, rule_socket);
	dispatch_set(SYS_socketpair, HIJACK_LOOK, rule_socketpair);
	dispatch_set(SYS_accept, HIJACK_BYFD, rule_accept);
	dispatch_set(SYS_accept4, HIJACK_BYFD, rule_accept);
}
