/* SPDX-License-Identifier: BSD-2-Clause */

#include "hostend.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];
static char text[32];

const char *
harness_end_open(bool stream)
{
	if (socketpair(AF_UNIX, stream ? SOCK_STREAM : SOCK_SEQPACKET, 0, fds) != 0)
		abort();
	(void)snprintf(text, sizeof(text), "fd=%d", fds[0]);
	return text;
}

void
harness_end_close(void)
{
	(void)close(fds[0]);
	(void)close(fds[1]);
}

void
harness_end_write(const void *data, size_t len)
{
	if (send(fds[1], data, len, 0) != (ssize_t)len)
		abort();
}

size_t
harness_end_read(void *data, size_t size)
{
	ssize_t n = recv(fds[1], data, size, MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}
