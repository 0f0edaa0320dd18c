/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_linux.c - links to the host: opened, read, written, waited for
 */

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "virtif_impl.h"

#define PIECES		64
#define NSEC_PER_SEC	1000000000

/* --- opening --------------------------------------------------------------- */

static int
fd_setup(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return errno;
	return 0;
}

/* One descriptor that somebody gave us: its own copy, and what it is. */
static int
open_fd(struct virtif_host *vh, long given)
{
	socklen_t len = sizeof(int);
	int error, fd, type;

	fd = fcntl((int)given, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return errno;
	vh->vh_fd[vh->vh_nfds++] = fd;
	error = fd_setup(fd);
	if (error)
		return error;
	error = rumpcomp_virtif_tap_fd(vh, fd);
	if (error != ENOTTY)
		return error;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		return EOPNOTSUPP;
	/* A socket has one queue. */
	if (vh->vh_nfds > 1)
		return EINVAL;
	vh->vh_mode = type == SOCK_STREAM ? VIRTIF_STREAM : VIRTIF_DATAGRAM;
	return 0;
}

static int
open_fds(struct virtif_host *vh, const char *list)
{
	char *end;
	long fd;
	int error;

	do {
		fd = strtol(list, &end, 10);
		if (end == list || fd < 0 || fd > INT32_MAX ||
		    vh->vh_nfds == VIRTIF_QUEUES)
			return EINVAL;
		error = open_fd(vh, fd);
		if (error)
			return error;
		list = end + 1;
	} while (*end == ',');
	return *end == '\0' ? 0 : EINVAL;
}

static int
open_unix(struct virtif_host *vh, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	vh->vh_fd[vh->vh_nfds++] = fd;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		return errno;
	vh->vh_mode = VIRTIF_STREAM;
	return fd_setup(fd);
}

/* Cuts ",queues=N" off the text. */
static int
take_queues(char *text, unsigned int *ret_queues)
{
	char *comma = strstr(text, ",queues="), *end;
	long n;

	*ret_queues = 0;
	if (comma == NULL)
		return 0;
	n = strtol(comma + 8, &end, 10);
	if (end == comma + 8 || *end != '\0' || n < 1 || n > VIRTIF_QUEUES)
		return EINVAL;
	*comma = '\0';
	*ret_queues = (unsigned int)n;
	return 0;
}

static int
open_text(struct virtif_host *vh, char *text)
{
	unsigned int queues;
	int error = take_queues(text, &queues);

	if (error)
		return error;
	if (strncmp(text, "fd=", 3) == 0)
		return open_fds(vh, text + 3);
	if (strncmp(text, "unix=", 5) == 0)
		return open_unix(vh, text + 5);
	if (strncmp(text, "tap=", 4) == 0)
		text += 4;
	return rumpcomp_virtif_tap_name(vh, text, queues);
}

int
rumpcomp_virtif_open(const char *link, struct virtif_host **ret_host,
    struct virtif_info *ret_info)
{
	struct virtif_host *vh = calloc(1, sizeof(*vh));
	char *text = strdup(link);
	int error = ENOMEM;

	if (vh == NULL || text == NULL)
		goto fail;
	vh->vh_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vh->vh_event < 0) {
		error = errno;
		goto fail;
	}
	error = open_text(vh, text);
	if (error == 0 && vh->vh_mode == VIRTIF_STREAM)
		error = rumpcomp_virtif_stream_create(vh);
	if (error) {
		rumpcomp_virtif_close(vh);
		free(text);
		return error;
	}
	free(text);
	ret_info->vi_queues = vh->vh_nfds;
	ret_info->vi_offload = vh->vh_offload;
	*ret_host = vh;
	return 0;

fail:
	free(text);
	free(vh);
	return error;
}

void
rumpcomp_virtif_close(struct virtif_host *vh)
{
	for (unsigned int i = 0; i < vh->vh_nfds; i++)
		(void)close(vh->vh_fd[i]);
	(void)close(vh->vh_event);
	rumpcomp_virtif_stream_destroy(vh->vh_stream);
	free(vh);
}

/* --- frames ---------------------------------------------------------------- */

static bool
has_header(const struct virtif_host *vh)
{
	return vh->vh_offload != 0;
}

int
rumpcomp_virtif_recv(struct virtif_host *vh, unsigned int queue, void *hdr,
    const struct rumpuser_iov *buf, size_t *ret_len)
{
	struct iovec iov[3] = {
		{ hdr, VIRTIF_HDRLEN },
		{ buf[0].iov_base, buf[0].iov_len },
		{ buf[1].iov_base, buf[1].iov_len },
	};
	size_t skip = has_header(vh) ? VIRTIF_HDRLEN : 0;
	ssize_t n;

	if (skip == 0)
		memset(hdr, 0, VIRTIF_HDRLEN);
	if (vh->vh_mode == VIRTIF_STREAM)
		return rumpcomp_virtif_stream_recv(vh, buf, ret_len);
	do {
		n = skip != 0 ? readv(vh->vh_fd[queue], iov, 3) :
		    readv(vh->vh_fd[queue], iov + 1, 2);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	if ((size_t)n <= skip)
		return EPIPE;
	*ret_len = (size_t)n - skip;
	return 0;
}

int
rumpcomp_virtif_send(struct virtif_host *vh, unsigned int queue,
    const void *hdr, const struct rumpuser_iov *iov, size_t niov)
{
	struct iovec pieces[PIECES];
	size_t skip = has_header(vh) ? 1 : 0;

	if (vh->vh_mode == VIRTIF_STREAM)
		return rumpcomp_virtif_stream_send(vh, iov, niov);
	if (niov >= PIECES)
		return EMSGSIZE;
	pieces[0].iov_base = (void *)(uintptr_t)hdr;
	pieces[0].iov_len = VIRTIF_HDRLEN;
	for (size_t i = 0; i < niov; i++) {
		pieces[skip + i].iov_base = iov[i].iov_base;
		pieces[skip + i].iov_len = iov[i].iov_len;
	}
	while (writev(vh->vh_fd[queue], pieces, (int)(skip + niov)) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

/* --- waiting --------------------------------------------------------------- */

int
rumpcomp_virtif_wait(struct virtif_host *vh, bool intr, int64_t deadline)
{
	struct pollfd pfd[VIRTIF_QUEUES + 1];
	struct timespec ts, *tsp = NULL;
	uint64_t count;
	int64_t left;
	int n;

	if (vh->vh_stream != NULL && rumpcomp_virtif_stream_ready(vh->vh_stream))
		return 0;
	for (unsigned int i = 0; i < vh->vh_nfds; i++)
		pfd[i] = (struct pollfd){ .fd = vh->vh_fd[i], .events = POLLIN };
	pfd[vh->vh_nfds] = (struct pollfd){ .fd = vh->vh_event, .events = POLLIN };
	if (deadline != RUMPUSER_NOTIME) {
		left = deadline - rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
		left = left < 0 ? 0 : left;
		ts.tv_sec = left / NSEC_PER_SEC;
		ts.tv_nsec = left % NSEC_PER_SEC;
		tsp = &ts;
	}
	n = ppoll(pfd, vh->vh_nfds + 1, tsp, NULL);
	if (n < 0)
		return errno == EINTR && !intr ? 0 : errno;
	if (n == 0)
		return ETIMEDOUT;
	if ((pfd[vh->vh_nfds].revents & POLLIN) != 0)
		(void)!read(vh->vh_event, &count, sizeof(count));
	return 0;
}

void
rumpcomp_virtif_wake(struct virtif_host *vh)
{
	const uint64_t one = 1;

	(void)!write(vh->vh_event, &one, sizeof(one));
}
