/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * console.c - the kernel's messages, on the standard error
 *
 * A message is worth a short wait for a reader that is behind, but not a
 * kernel that hangs because nobody reads.
 */

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#define CONSOLE_WAIT_MS	100

void
rumpuser_console_write(const char *buf, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	int saved = errno;
	ssize_t n;

	while (len > 0) {
		n = write(STDERR_FILENO, buf, len);
		if (n >= 0) {
			buf += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (poll(&pfd, 1, CONSOLE_WAIT_MS) <= 0)
				break;
		} else if (errno != EINTR) {
			break;
		}
	}
	errno = saved;
}
