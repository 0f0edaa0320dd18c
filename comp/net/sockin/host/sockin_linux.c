/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_linux.c - sockets of the Linux host, none of which blocks
 *
 * Changes are edges of an epoll instance, so a socket that nobody reads
 * costs nothing after its first event.
 */

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "sockin_host.h"

#define WAIT_MAX	64
#define STOP_ID		UINT64_MAX

static int
result(int value)
{
	return value < 0 ? errno : 0;
}

/* Not a descriptor that the program takes for its standard ones. */
static int
fd_raise(int fd, int *ret_fd)
{
	int high = fd, error;

	if (fd < 0)
		return errno;
	if (fd <= 2) {
		high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		error = errno;
		(void)close(fd);
		if (high < 0)
			return error;
	}
	*ret_fd = high;
	return 0;
}

int
rumpcomp_sockin_socket(int family, int type, int protocol, int *ret_fd)
{
	return fd_raise(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    protocol), ret_fd);
}

void
rumpcomp_sockin_close(int fd)
{
	(void)close(fd);
}

int
rumpcomp_sockin_bind(int fd, const void *addr, uint32_t len)
{
	return result(bind(fd, addr, len));
}

int
rumpcomp_sockin_listen(int fd, int backlog)
{
	return result(listen(fd, backlog));
}

int
rumpcomp_sockin_connect(int fd, const void *addr, uint32_t len)
{
	return result(connect(fd, addr, len));
}

int
rumpcomp_sockin_accept(int fd, int *ret_fd)
{
	return fd_raise(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
	    ret_fd);
}

int
rumpcomp_sockin_shutdown(int fd, int how)
{
	return result(shutdown(fd, how));
}

int
rumpcomp_sockin_name(int fd, int peer, void *addr, uint32_t *len)
{
	return result(peer ? getpeername(fd, addr, len) :
	    getsockname(fd, addr, len));
}

static void
message_make(const struct sockin_msg *im, struct iovec *iov, struct msghdr *mh)
{
	*iov = (struct iovec){ im->im_data, im->im_len };
	*mh = (struct msghdr){
		.msg_name = im->im_name, .msg_namelen = im->im_namelen,
		.msg_iov = iov, .msg_iovlen = 1,
		.msg_control = im->im_controllen > 0 ? im->im_control : NULL,
		.msg_controllen = im->im_controllen,
	};
}

int
rumpcomp_sockin_send(int fd, const struct sockin_msg *im, size_t *ret_done)
{
	struct msghdr mh;
	struct iovec iov;
	ssize_t n;

	message_make(im, &iov, &mh);
	n = sendmsg(fd, &mh, im->im_flags | MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno;
	*ret_done = (size_t)n;
	return 0;
}

int
rumpcomp_sockin_recv(int fd, struct sockin_msg *im, size_t *ret_done)
{
	struct msghdr mh;
	struct iovec iov;
	ssize_t n;

	message_make(im, &iov, &mh);
	n = recvmsg(fd, &mh, (im->im_flags & ~MSG_WAITALL) | MSG_DONTWAIT);
	if (n < 0)
		return errno;
	im->im_namelen = im->im_name != NULL ? mh.msg_namelen : 0;
	im->im_controllen = mh.msg_controllen;
	im->im_flags = mh.msg_flags & ~MSG_CMSG_CLOEXEC;
	*ret_done = (size_t)n;
	return 0;
}

int
rumpcomp_sockin_setopt(int fd, int level, int name, const void *val, uint32_t len)
{
	return result(setsockopt(fd, level, name, val, len));
}

int
rumpcomp_sockin_getopt(int fd, int level, int name, void *val, uint32_t *len)
{
	return result(getsockopt(fd, level, name, val, len));
}

int
rumpcomp_sockin_ioctl(int fd, unsigned long cmd, int *ret_val)
{
	return result(ioctl(fd, cmd, ret_val));
}

uint32_t
rumpcomp_sockin_poll(int fd)
{
	struct pollfd pfd = { .fd = fd,
	    .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM };

	return poll(&pfd, 1, 0) > 0 ? (uint32_t)pfd.revents : 0;
}

/* --- events ---------------------------------------------------------------- */

int
rumpcomp_sockin_events(int *ret_events)
{
	return fd_raise(epoll_create1(EPOLL_CLOEXEC), ret_events);
}

int
rumpcomp_sockin_watch(int events, int fd, uint64_t id)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET,
		.data.u64 = id,
	};

	return result(epoll_ctl(events, EPOLL_CTL_ADD, fd, &ev));
}

int
rumpcomp_sockin_wait(int events, struct sockin_event *ev, unsigned int max,
    unsigned int *ret_n)
{
	struct epoll_event got[WAIT_MAX];
	int n;

	do {
		n = epoll_wait(events, got, (int)(max < WAIT_MAX ? max : WAIT_MAX), -1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	*ret_n = 0;
	for (int i = 0; i < n; i++) {
		if (got[i].data.u64 == STOP_ID) {
			*ret_n = 0;
			return 0;
		}
		/* The numbers of EPOLL* and POLL* are the same. */
		ev[*ret_n].ie_id = got[i].data.u64;
		ev[(*ret_n)++].ie_events = got[i].events & 0x3fff;
	}
	return 0;
}

void
rumpcomp_sockin_stop(int events)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLHUP, .data.u64 = STOP_ID };
	int fd[2];

	/* A pipe without a writer is ready for ever. */
	if (pipe2(fd, O_CLOEXEC) != 0)
		return;
	(void)close(fd[1]);
	if (epoll_ctl(events, EPOLL_CTL_ADD, fd[0], &ev) != 0)
		(void)close(fd[0]);
}
