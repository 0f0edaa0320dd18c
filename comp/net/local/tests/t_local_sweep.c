/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_sweep.c - memory that fails under local sockets
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/filter.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <harness.h>

static int
close_all(const int *fd, size_t n, int error)
{
	for (size_t i = 0; i < n; i++)
		if (fd[i] >= 0)
			rump_sys_close(fd[i]);
	/* A send that finds no memory says so in its own way. */
	return error == ENOBUFS ? ENOMEM : error;
}

static int
send_fd(int so, int fd, int flags)
{
	union {
		struct cmsghdr cm;
		char bytes[CMSG_SPACE(sizeof(int))];
	} c;
	struct iovec iov = { (char[300]){ 0 }, 300 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c) };

	memset(&c, 0, sizeof(c));
	c.cm.cmsg_len = CMSG_LEN(sizeof(int));
	c.cm.cmsg_level = SOL_SOCKET;
	c.cm.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&c.cm), &fd, sizeof(fd));
	return rump_sys_sendmsg(so, &mh, flags) == -1 ? errno : 0;
}

static int
recv_fd(int so, int flags, int *ret_fd)
{
	union {
		struct cmsghdr cm;
		char bytes[100];
	} c;
	struct iovec iov = { (char[300]){ 0 }, 300 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c) };

	*ret_fd = -1;
	if (rump_sys_recvmsg(so, &mh, flags | MSG_DONTWAIT) == -1)
		return errno;
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(&mh); cm != NULL; cm = CMSG_NXTHDR(&mh, cm))
		if (cm->cmsg_type == SCM_RIGHTS)
			memcpy(ret_fd, CMSG_DATA(cm), sizeof(*ret_fd));
	/* Cut, as there was no memory for all of it. */
	return (mh.msg_flags & MSG_CTRUNC) != 0 ? ENOMEM : 0;
}

static int
pair_life(int type)
{
	int fd[5] = { -1, -1, -1, -1, -1 }, sv[2], one = 1, error;
	char buf[300];

	if (rump_sys_socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sv) == -1)
		return errno;
	fd[0] = sv[0];
	fd[1] = sv[1];
	if (rump_sys_setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == -1 ||
	    rump_sys_send(sv[0], buf, sizeof(buf), 0) == -1 ||
	    rump_sys_recv(sv[1], buf, sizeof(buf), MSG_PEEK) == -1 ||
	    rump_sys_recv(sv[1], buf, sizeof(buf), 0) == -1)
		return close_all(fd, 5, errno);
	/* Not a socket, for which the collector would start its thread. */
	fd[4] = rump_sys_eventfd(0, 0);
	if (fd[4] == -1)
		return close_all(fd, 5, errno);
	error = send_fd(sv[0], fd[4], 0);
	if (error == 0)
		error = recv_fd(sv[1], MSG_PEEK, &fd[2]);
	if (error == 0)
		error = recv_fd(sv[1], 0, &fd[3]);
	return close_all(fd, 5, error);
}

SWEEP(a_pair_of_streams_survives_each_failed_allocation, FAULT_MEMORY)
{
	return pair_life(SOCK_STREAM);
}

SWEEP(a_pair_of_datagram_sockets_survives_each_failed_allocation, FAULT_MEMORY)
{
	return pair_life(SOCK_DGRAM);
}

static int
named_life(void)
{
	struct sock_filter insn = { BPF_RET | BPF_K, 0, 0, 0xffff };
	struct sock_fprog prog = { 1, &insn };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "\0sweep" };
	int fd[4] = { -1, -1, -1, -1 };

	fd[0] = rump_sys_socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (fd[0] == -1 || rump_sys_bind(fd[0], (void *)&un, 8) == -1 ||
	    rump_sys_listen(fd[0], 3) == -1)
		return close_all(fd, 4, errno);
	fd[1] = rump_sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	if (fd[1] == -1 || rump_sys_connect(fd[1], (void *)&un, 8) == -1)
		return close_all(fd, 4, errno);
	fd[2] = rump_sys_accept4(fd[0], NULL, NULL, 0);
	if (fd[2] == -1 || rump_sys_setsockopt(fd[2], SOL_SOCKET, SO_ATTACH_FILTER, &prog,
	    sizeof(prog)) == -1 || rump_sys_send(fd[1], "x", 1, 0) == -1)
		return close_all(fd, 4, errno);
	return close_all(fd, 4, 0);
}

SWEEP(a_connection_survives_each_failed_allocation, FAULT_MEMORY)
{
	return named_life();
}

/* Names in the file system leave something in the vfs's caches. */
SWEEP_WITH(a_path_survives_each_failed_allocation, FAULT_MEMORY,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/tmp/sweep" };
	int fd[2] = { -1, -1 }, error = 0;

	fd[0] = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	fd[1] = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd[0] == -1 || fd[1] == -1 ||
	    rump_sys_bind(fd[0], (void *)&un, sizeof(un)) == -1 ||
	    rump_sys_connect(fd[1], (void *)&un, sizeof(un)) == -1)
		error = errno;
	(void)rump_sys_unlink(un.sun_path);
	return close_all(fd, 2, error);
}
