/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_front.c - clients from elsewhere
 *
 * They connect to a process in front of us (hyper/common/tlsfront.h), which has them
 * prove who they are and hands over a local connection for each of theirs.
 */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sp_impl.h"
#include "tlsfront.h"

int
rumpuser_spfront_start(const char *url, int *ret_fd, char *where, size_t size)
{
	struct tlsfront_ready ready;
	int error;

	error = tlsfront_start("serve", url, &ready, ret_fd);
	if (error)
		return error;
	(void)snprintf(where, size, "%s", ready.tr_url);
	return 0;
}

/* What came along: one that is the caller's now, or -1.  Of more than one, none is what it should be. */
static int
descriptor_take(struct msghdr *msg)
{
	int fds[2];	/* for so many there is room, because of its alignment */
	size_t n = 0;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL;
	    cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cm), n * sizeof(int));
	}
	if (n == 1)
		return fds[0];
	while (n > 0)
		(void)close(fds[--n]);
	return -1;
}

/* EAGAIN: nobody (any more).  ECONNRESET: the process in front of us has ended. */
int
sp_front_accept(int front, int *ret_fd, struct rumpuser_sppeer *peer)
{
	struct tlsfront_peer tp;
	struct iovec iov = { &tp, sizeof(tp) };
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } room;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = room.room, .msg_controllen = sizeof(room.room) };
	ssize_t n;
	int fd;

	do {
		n = recvmsg(front, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno;
	if (n == 0)
		return ECONNRESET;
	fd = descriptor_take(&msg);
	if (fd != -1 && (n != (ssize_t)sizeof(tp) || (msg.msg_flags & MSG_TRUNC) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	if (fd == -1)
		return EPROTO;
	*ret_fd = fd;
	tp.tp_name[sizeof(tp.tp_name) - 1] = tp.tp_address[sizeof(tp.tp_address) - 1] = '\0';
	peer->sp_stream = true;
	memcpy(peer->sp_name, tp.tp_name, sizeof(peer->sp_name));
	memcpy(peer->sp_text, tp.tp_address, sizeof(peer->sp_text));
	return 0;
}
