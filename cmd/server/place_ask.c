/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * place_ask.c - talking to a server by its name
 *
 * A path in a sockaddr is short, so the control socket is reached through the
 * descriptor of its folder.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "place.h"

#define ANSWER_MAX	((size_t)16 << 20)

int
place_connect(const struct place *pl, int *ret_fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 10 };
	int error, fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/ctl", pl->pl_dirfd);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		error = errno == ENOENT ? ECONNREFUSED : errno;
		close(fd);
		return error;
	}
	/* A server that is stopped, by SIGSTOP say, does not stop us. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	*ret_fd = fd;
	return 0;
}

int
place_ask(const struct place *pl, const char *request,
    int (*fn)(const char *, size_t, void *), void *arg)
{
	bool endless = strncmp(request, "trace", 5) == 0 || strncmp(request, "stop", 4) == 0;
	struct timeval never = { .tv_sec = 0 };
	int error, fd, result = 0;
	char buf[8192];
	ssize_t n;

	error = place_connect(pl, &fd);
	if (error)
		return error;
	if (endless)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
	/* One that ends just now must not take us along by SIGPIPE. */
	if (snprintf(buf, sizeof(buf), "%s\n", request) >= (int)sizeof(buf))
		error = EMSGSIZE;
	else if (send(fd, buf, strlen(buf), MSG_NOSIGNAL) < 0)
		error = errno;
	while (error == 0 && result == 0) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n > 0)
			result = fn(buf, (size_t)n, arg);
		else if (n == 0)
			break;
		else if (errno != EINTR || endless)
			error = errno == EAGAIN ? ETIMEDOUT : errno;
	}
	close(fd);
	return error != 0 ? error : result;
}

struct whole {
	char	*w_text;
	size_t	 w_len;
};

static int
whole_add(const char *piece, size_t len, void *arg)
{
	struct whole *w = arg;
	char *more;

	if (len > ANSWER_MAX - w->w_len)
		return EMSGSIZE;
	more = realloc(w->w_text, w->w_len + len + 1);
	if (more == NULL)
		return ENOMEM;
	memcpy(more + w->w_len, piece, len);
	w->w_text = more;
	w->w_len += len;
	more[w->w_len] = '\0';
	return 0;
}

int
place_asktext(const struct place *pl, const char *request, char **ret_text)
{
	struct whole w = { .w_text = NULL };
	int error = place_ask(pl, request, whole_add, &w);

	if (error == 0 && w.w_text == NULL)
		error = ECONNRESET;
	if (error) {
		free(w.w_text);
		return error;
	}
	*ret_text = w.w_text;
	return 0;
}

int
place_url(const char *on, char *buf, size_t size)
{
	struct place pl;
	int error, n;

	if (strstr(on, "://") != NULL) {
		n = snprintf(buf, size, "%s", on);
	} else {
		error = place_open(on, &pl);
		if (error)
			return error;
		n = snprintf(buf, size, "unix://%s/sock", pl.pl_path);
		place_close(&pl);
	}
	return n >= 0 && (size_t)n < size ? 0 : ENAMETOOLONG;
}
