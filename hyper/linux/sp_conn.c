/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_conn.c - a connection of a remote client
 */

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sp_impl.h"

/*
 * A client sends one at a time.  For all that a message can have there is room, as the host would close
 * the others then and there, and that may take long.
 */
#define FDS_MAX		253

union fdroom {
	struct cmsghdr	 align;
	char		 room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

/* The first is the caller's; whatever came beside it is closed. */
static int
fds_take(struct msghdr *msg)
{
	int fds[FDS_MAX], first = -1;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL;
	    cm = CMSG_NXTHDR(msg, cm)) {
		size_t n;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cm), n * sizeof(int));
		for (size_t i = 0; i < n; i++) {
			if (first == -1)
				first = fds[i];
			else
				rumpuser_close_apart(fds[i], NULL, NULL);
		}
	}
	return first;
}

int
rumpuser_spconn_recv(struct rumpuser_spconn *conn, void *buf, size_t len,
    int *ret_fd, size_t *ret_got)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	union fdroom fds;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (conn->sc_unix) {
		msg.msg_control = fds.room;
		msg.msg_controllen = sizeof(fds.room);
	}
	do {
		n = recvmsg(conn->sc_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno;
	*ret_fd = conn->sc_unix ? fds_take(&msg) : -1;
	*ret_got = (size_t)n;
	return 0;
}

int
rumpuser_spconn_send(struct rumpuser_spconn *conn, const void *buf, size_t len,
    int fd, size_t *ret_sent)
{
	union { const void *c; void *m; } from = { .c = buf };
	struct iovec iov = { .iov_base = from.m, .iov_len = len };
	union fdroom fds;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd != -1) {
		memset(&fds, 0, sizeof(fds));
		msg.msg_control = fds.room;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		fds.align.cmsg_level = SOL_SOCKET;
		fds.align.cmsg_type = SCM_RIGHTS;
		fds.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&fds.align), &fd, sizeof(int));
	}
	do {
		n = sendmsg(conn->sc_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno;
	*ret_sent = (size_t)n;
	return 0;
}

int
rumpuser_spconn_wait(struct rumpuser_spconn *conn, uint32_t what,
    int64_t deadline)
{
	struct pollfd pfd = { .fd = conn->sc_fd };
	struct timespec ts, *tsp = NULL;
	int n;

	if (what & RUMPUSER_SP_READ)
		pfd.events |= POLLIN;
	if (what & RUMPUSER_SP_WRITE)
		pfd.events |= POLLOUT;
	if (deadline != RUMPUSER_NOTIME) {
		int64_t left = deadline -
		    rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);

		if (left < 0)
			left = 0;
		ts.tv_sec = left / 1000000000;
		ts.tv_nsec = left % 1000000000;
		tsp = &ts;
	}
	n = ppoll(&pfd, 1, tsp, NULL);
	if (n == -1)
		return errno == EINTR ? 0 : errno;
	return n == 0 ? ETIMEDOUT : 0;
}

/* --- that wait ---------------------------------------------------------------------- */

#define PIECES_MAX	20

int
rumpuser_spconn_put(struct rumpuser_spconn *conn, const struct rumpuser_iov *iov,
    size_t count)
{
	struct iovec piece[PIECES_MAX];
	struct msghdr msg = { .msg_iov = piece, .msg_iovlen = count };
	ssize_t n;

	if (count > PIECES_MAX)
		return EINVAL;
	memcpy(piece, iov, count * sizeof(piece[0]));
	for (;;) {
		while (msg.msg_iovlen > 0 && msg.msg_iov->iov_len == 0) {
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen == 0)
			return 0;
		n = sendmsg(conn->sc_fd, &msg, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno;
		for (; n > 0 && (size_t)n >= msg.msg_iov->iov_len; msg.msg_iovlen--)
			n -= (ssize_t)(msg.msg_iov++)->iov_len;
		if (n > 0) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= (size_t)n;
		}
	}
}

int
rumpuser_spconn_get(struct rumpuser_spconn *conn, const struct rumpuser_iov *iov,
    size_t count, size_t *ret_got)
{
	struct iovec piece[PIECES_MAX];
	struct msghdr msg = { .msg_iov = piece, .msg_iovlen = count };
	ssize_t n;

	if (count > PIECES_MAX)
		return EINVAL;
	memcpy(piece, iov, count * sizeof(piece[0]));
	/* Descriptors that come along have no room, and are closed by the host. */
	do {
		n = recvmsg(conn->sc_fd, &msg, 0);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno;
	*ret_got = (size_t)n;
	return 0;
}

void
rumpuser_spconn_shutdown(struct rumpuser_spconn *conn)
{
	(void)shutdown(conn->sc_fd, SHUT_RDWR);
}

/* Descriptors that lie in it unread are closed with it, which may take long. */
void
rumpuser_spconn_close(struct rumpuser_spconn *conn)
{
	(void)shutdown(conn->sc_fd, SHUT_RDWR);
	rumpuser_close_apart(conn->sc_fd, NULL, NULL);
	free(conn);
}

bool
rumpuser_spfd_leads_here(int fd)
{
	struct ucred cr;
	socklen_t len = sizeof(cr);

	/* Of the listener, and so of the other end of who connected to us. */
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &len) == 0 && cr.pid == getpid();
}

int
rumpuser_spconn_fd(const struct rumpuser_spconn *conn)
{
	return conn->sc_fd;
}

void
rumpuser_spconn_detach(struct rumpuser_spconn *conn)
{
	const int size = 1;

	/* It is rung only: a few unheard rings are enough. */
	(void)setsockopt(conn->sc_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	free(conn);
}
