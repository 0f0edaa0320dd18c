/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * placeholder.c - finding placeholders after an exec
 *
 * They are eventfds whose counter has our mark, and /proc tells both.
 *
 * References: proc_pid_fd(5), proc_pid_fdinfo(5).
 */

#include "placeholder.h"

#include <fcntl.h>

#include "hijack.h"

/* The header of a directory entry; the name follows. */
struct dirent64 {
	uint64_t	 d_ino;
	int64_t		 d_off;
	uint16_t	 d_reclen;
	uint8_t		 d_type;
	char		 d_name[];
};

static uint64_t
hex(const char *text)
{
	uint64_t v = 0;

	for (;; text++) {
		if (*text >= '0' && *text <= '9')
			v = v << 4 | (uint64_t)(*text - '0');
		else if (*text >= 'a' && *text <= 'f')
			v = v << 4 | (uint64_t)(*text - 'a' + 10);
		else
			return v;
	}
}

/* The counter of eventfd number name; false: it is none. */
static bool
counter_of(const char *name, uint64_t *ret_counter)
{
	static const char word[] = "eventfd-count:";
	char path[64] = "", buf[512];
	const char *rest;
	size_t len = 0;
	long fd, n;

	(void)text_add(path, sizeof(path), &len, "/proc/self/fd/");
	(void)text_add(path, sizeof(path), &len, name);
	n = host_syscall(SYS_readlink, path, buf, sizeof(buf) - 1);
	if (n < 0)
		return false;
	buf[n] = '\0';
	if (!text_equal(buf, "anon_inode:[eventfd]"))
		return false;
	len = 0;
	(void)text_add(path, sizeof(path), &len, "/proc/self/fdinfo/");
	(void)text_add(path, sizeof(path), &len, name);
	fd = host_syscall(SYS_open, path, O_RDONLY);
	if (fd < 0)
		return false;
	n = host_syscall(SYS_read, fd, buf, sizeof(buf) - 1);
	(void)host_syscall(SYS_close, fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	for (const char *p = buf; *p != '\0'; p++) {
		rest = text_after(p, word);
		if (rest == NULL)
			continue;
		while (*rest == ' ' || *rest == '\t')
			rest++;
		*ret_counter = hex(rest);
		return true;
	}
	return false;
}

static unsigned long
number(const char *name)
{
	unsigned long n = 0;

	for (; *name >= '0' && *name <= '9'; name++)
		n = n * 10 + (unsigned long)(*name - '0');
	return n;
}

void
placeholder_each(bool (*fn)(unsigned long n, int r))
{
	_Alignas(8) char buf[4096];
	long fd = host_syscall(SYS_open, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n;
	uint64_t counter;

	while (fd >= 0 && (n = host_syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *d = (const struct dirent64 *)(const void *)(buf + at);

			at += d->d_reclen;
			if (d->d_name[0] < '0' || d->d_name[0] > '9' || !counter_of(d->d_name, &counter) ||
			    counter >> 48 != PLACEHOLDER_MAGIC)
				continue;
			if (!fn(number(d->d_name), (int)(uint32_t)counter)) {
				(void)host_syscall(SYS_close, fd);
				return;
			}
		}
	}
	if (fd >= 0)
		(void)host_syscall(SYS_close, fd);
}
