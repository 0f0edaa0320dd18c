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

	do {
		n = recvmsg(front, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno;
	if (n == 0)
		return ECONNRESET;
	if (n != (ssize_t)sizeof(tp) || msg.msg_controllen < CMSG_LEN(sizeof(int)) ||
	    room.align.cmsg_type != SCM_RIGHTS)
		return EPROTO;
	memcpy(ret_fd, CMSG_DATA(&room.align), sizeof(int));
	tp.tp_name[sizeof(tp.tp_name) - 1] = tp.tp_address[sizeof(tp.tp_address) - 1] = '\0';
	peer->sp_stream = true;
	memcpy(peer->sp_name, tp.tp_name, sizeof(peer->sp_name));
	memcpy(peer->sp_text, tp.tp_address, sizeof(peer->sp_text));
	return 0;
}
