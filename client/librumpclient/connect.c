/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * connect.c - finding a server, and the hello
 */

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "client_impl.h"

#define PAGESIZE	4096

#define FDS_MAX		2	/* for as many there is room, beside each other */

union fdroom {
	struct cmsghdr	 align;
	char		 room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};
_Static_assert(CMSG_SPACE(FDS_MAX * sizeof(int)) == CMSG_LEN(FDS_MAX * sizeof(int)),
    "not more than these");

/* The last one that came is the caller's; a server that sends more of them gains nothing. */
static void
fds_take(const union fdroom *room, size_t len, int *ret_fd)
{
	int fds[FDS_MAX];
	size_t n;

	if (len < CMSG_LEN(sizeof(int)) || room->align.cmsg_len > len ||
	    room->align.cmsg_len < CMSG_LEN(sizeof(int)) ||
	    room->align.cmsg_level != SOL_SOCKET ||
	    room->align.cmsg_type != SCM_RIGHTS)
		return;
	n = (room->align.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(&room->align), n * sizeof(int));
	for (size_t i = 0; i < n; i++) {
		if (*ret_fd != -1)
			(void)hostcall(SYS_close, (long)*ret_fd, 0L, 0L, 0L, 0L, 0L);
		*ret_fd = fds[i];
	}
}

/* --- bytes, all of them ------------------------------------------------------------ */

static int
conn_wait(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	long n = hostcall(SYS_ppoll, &pfd, 1L, 0L, 0L, 0L, 0L);

	return n < 0 && n != -EINTR ? (int)n : 0;
}

int
conn_send(int fd, const void *buf, size_t len, int passfd)
{
	union { const void *c; char *m; } from = { .c = buf };
	union fdroom room;
	size_t done = 0;

	while (done < len) {
		struct iovec iov = { from.m + done, len - done };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		long n;

		if (passfd != -1 && done == 0) {
			memset(&room, 0, sizeof(room));
			msg.msg_control = room.room;
			msg.msg_controllen = CMSG_SPACE(sizeof(int));
			room.align.cmsg_level = SOL_SOCKET;
			room.align.cmsg_type = SCM_RIGHTS;
			room.align.cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(&room.align), &passfd, sizeof(int));
		}
		n = hostcall(SYS_sendmsg, (long)fd, &msg, (long)MSG_NOSIGNAL, 0L,
		    0L, 0L);
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN)
			n = conn_wait(fd, POLLOUT);
		if (n < 0)
			return (int)n;
		done += (size_t)n;
	}
	return 0;
}

int
conn_recv(int fd, void *buf, size_t len, int *ret_fd)
{
	union fdroom room;
	size_t done = 0;

	while (done < len) {
		struct iovec iov = { (char *)buf + done, len - done };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		long n;

		if (ret_fd != NULL) {
			msg.msg_control = room.room;
			msg.msg_controllen = sizeof(room.room);
		}
		n = hostcall(SYS_recvmsg, (long)fd, &msg, (long)MSG_CMSG_CLOEXEC,
		    0L, 0L, 0L);
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN && (n = conn_wait(fd, POLLIN)) == 0)
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ECONNRESET;
		done += (size_t)n;
		if (ret_fd != NULL)
			fds_take(&room, msg.msg_controllen, ret_fd);
	}
	return 0;
}

/* --- where to ------------------------------------------------------------------------ */

static int
connect_unix(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	long fd, error;

	if (len == 0 || len >= sizeof(sun.sun_path))
		return len == 0 ? -EINVAL : -ENAMETOOLONG;
	memcpy(sun.sun_path, name, len);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	fd = hostcall(SYS_socket, (long)AF_UNIX,
	    (long)(SOCK_STREAM | SOCK_CLOEXEC), 0L, 0L, 0L, 0L);
	if (fd < 0)
		return (int)fd;
	do {
		error = hostcall(SYS_connect, fd, &sun, name[0] == '@' ?
		    (long)(offsetof(struct sockaddr_un, sun_path) + len) :
		    (long)sizeof(sun), 0L, 0L, 0L);
	} while (error == -EINTR);
	if (error < 0) {
		(void)hostcall(SYS_close, fd, 0L, 0L, 0L, 0L, 0L);
		return (int)error;
	}
	return (int)fd;
}

const char *
url_rest(const char *url, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncmp(url, scheme, len) == 0 ? url + len : NULL;
}

int
connect_url(const char *url)
{
	const char *name;
	int fd;

	if ((name = url_rest(url, "unix://")) != NULL ||
	    (name = url_rest(url, "unix+stream://")) != NULL)
		fd = connect_unix(name);
	else
		return strstr(url, "://") != NULL ? -EPROTONOSUPPORT : -EINVAL;
	return fd < 0 ? fd : host_fd_park(fd);
}

/* --- the hello -------------------------------------------------------------------------- */

void
hello_fill(struct sp_hello *h, unsigned int kind)
{
	memset(h, 0, sizeof(*h));
	h->h_magic = SP_MAGIC;
	h->h_version_min = h->h_version_max = SP_VERSION;
	h->h_kind = kind;
	h->h_features = url_rest(session.s_url, "unix://") != NULL ?
	    SP_FEATURES : 0;
	h->h_machine = SP_MACHINE;
	h->h_bigendian = SP_BIGENDIAN;
	h->h_wordsize = sizeof(long);
	h->h_pagesize = PAGESIZE;
	hello_who(h);
}

/*
 * A program after an exec may find replies that its predecessor asked for and did not
 * wait for: they come first, and are half as long.
 */
static int
welcome_recv(int fd, struct sp_welcome *w, int *ret_fd)
{
	const size_t half = sizeof(struct sp_ctl);
	int error;

	do {
		error = conn_recv(fd, w, half, ret_fd);
	} while (error == 0 && w->w_magic >= SP_SLOT_OPEN &&
	    w->w_magic <= SP_STOPPING);
	if (error)
		return error;
	return conn_recv(fd, (char *)w + half, sizeof(*w) - half, NULL);
}

int
hello_exchange(int fd, const struct sp_hello *h, struct sp_welcome *w,
    int *ret_fd)
{
	int error;

	*ret_fd = -1;
	error = conn_send(fd, h, sizeof(*h), -1);
	if (error == 0)
		error = welcome_recv(fd, w, ret_fd);
	if (error == 0 && w->w_magic != SP_MAGIC)
		error = -EPROTO;
	if (error == 0 && w->w_error != 0)
		error = w->w_error > 0 && w->w_error < 4096 ? -w->w_error : -EPROTO;
	if (error == 0 && w->w_version != SP_VERSION)
		error = -EPROTONOSUPPORT;
	return error;
}
