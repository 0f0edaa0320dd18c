/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_stream.c - frames over a stream socket
 *
 * Each frame follows its length, four bytes in network order, as QEMU's
 * "-netdev stream" has it and passt(1) speaks it.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "virtif_impl.h"

#define PIECES		64
#define PATIENCE_MS	100

/* Room for what the stream has in store: some frames. */
#define STREAM_ROOM	(4 * (VIRTIF_FRAME + 4))

/* Field key:	r  the one who receives */
struct virtif_stream {
	pthread_mutex_t	 vs_sendlock;	/* one frame at a time */
	size_t		 vs_begin;	/* r: of what is unread in the room */
	size_t		 vs_end;	/* r */
	uint8_t		 vs_room[STREAM_ROOM];	/* r */
};

int
rumpcomp_virtif_stream_create(struct virtif_host *vh)
{
	struct virtif_stream *vs = malloc(sizeof(*vs));

	if (vs == NULL)
		return ENOMEM;
	(void)pthread_mutex_init(&vs->vs_sendlock, NULL);
	vs->vs_begin = vs->vs_end = 0;
	vh->vh_stream = vs;
	return 0;
}

void
rumpcomp_virtif_stream_destroy(struct virtif_stream *vs)
{
	if (vs == NULL)
		return;
	(void)pthread_mutex_destroy(&vs->vs_sendlock);
	free(vs);
}

/* What is there moves to the front, and more behind it. */
static int
stream_fill(struct virtif_stream *vs, int fd)
{
	ssize_t n;

	memmove(vs->vs_room, vs->vs_room + vs->vs_begin, vs->vs_end - vs->vs_begin);
	vs->vs_end -= vs->vs_begin;
	vs->vs_begin = 0;
	do {
		n = recv(fd, vs->vs_room + vs->vs_end,
		    STREAM_ROOM - vs->vs_end, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	if (n == 0)
		return EPIPE;
	vs->vs_end += (size_t)n;
	return 0;
}

/* Is a whole frame there?  Its length. */
static int
stream_whole(const struct virtif_stream *vs, size_t *ret_len)
{
	size_t have = vs->vs_end - vs->vs_begin;
	uint32_t len;

	if (have < sizeof(len))
		return EAGAIN;
	memcpy(&len, vs->vs_room + vs->vs_begin, sizeof(len));
	len = ntohl(len);
	/* Where the next one begins is anybody's guess. */
	if (len > VIRTIF_FRAME)
		return EPROTO;
	if (have - sizeof(len) < len)
		return EAGAIN;
	*ret_len = len;
	return 0;
}

bool
rumpcomp_virtif_stream_ready(const struct virtif_stream *vs)
{
	size_t len;

	return stream_whole(vs, &len) != EAGAIN;
}

int
rumpcomp_virtif_stream_recv(struct virtif_host *vh,
    const struct rumpuser_iov *buf, size_t *ret_len)
{
	struct virtif_stream *vs = vh->vh_stream;
	size_t len, first;
	int error;

	while ((error = stream_whole(vs, &len)) == EAGAIN) {
		error = stream_fill(vs, vh->vh_fd[0]);
		if (error)
			return error;
	}
	if (error)
		return error;
	vs->vs_begin += 4;
	first = len < buf[0].iov_len ? len : buf[0].iov_len;
	error = len - first <= buf[1].iov_len ? 0 : EMSGSIZE;
	if (error == 0) {
		memcpy(buf[0].iov_base, vs->vs_room + vs->vs_begin, first);
		memcpy(buf[1].iov_base, vs->vs_room + vs->vs_begin + first, len - first);
		*ret_len = len;
	}
	vs->vs_begin += len;
	return error;
}

/* All of it, or the stream is of no use any more. */
static int
stream_write(int fd, struct iovec *iov, size_t niov)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = niov };
	bool begun = false;
	ssize_t n;

	while (msg.msg_iovlen > 0) {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (poll(&pfd, 1, begun ? -1 : PATIENCE_MS) == 0)
				return EAGAIN;
			continue;
		}
		if (n < 0)
			return errno;
		begun = true;
		while (msg.msg_iovlen > 0 && (size_t)n >= msg.msg_iov->iov_len) {
			n -= (ssize_t)msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen > 0) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int
rumpcomp_virtif_stream_send(struct virtif_host *vh, const struct rumpuser_iov *iov,
    size_t niov)
{
	struct iovec pieces[PIECES];
	uint32_t len = 0;
	int error;

	if (niov >= PIECES)
		return EMSGSIZE;
	pieces[0] = (struct iovec){ &len, sizeof(len) };
	for (size_t i = 0; i < niov; i++) {
		pieces[1 + i] = (struct iovec){ iov[i].iov_base, iov[i].iov_len };
		len += (uint32_t)iov[i].iov_len;
	}
	len = htonl(len);
	(void)pthread_mutex_lock(&vh->vh_stream->vs_sendlock);
	error = stream_write(vh->vh_fd[0], pieces, 1 + niov);
	(void)pthread_mutex_unlock(&vh->vh_stream->vs_sendlock);
	return error;
}
