/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * random.c - entropy of the Linux host
 */

#include <errno.h>
#include <sys/random.h>

#include <rump/rumpuser.h>

int
rumpuser_getrandom(void *buf, size_t len, size_t *ret_got)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = getrandom((char *)buf + got, len - got, GRND_NONBLOCK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && got == 0)
			return errno;
		if (n == -1)
			break;
		got += (size_t)n;
	}
	*ret_got = got;
	return 0;
}
