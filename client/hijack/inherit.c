/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inherit.c - the descriptors that came along with an exec
 *
 * The placeholders say which are the kernel's: eventfds whose counter has our mark.  What the
 * kernel has open and no placeholder names was closed by the exec (close-on-exec), or by calls that
 * went by us, and is closed there now.
 *
 * References: proc_pid_fd(5), proc_pid_fdinfo(5).
 */

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>

#include "placeholder.h"

#define MAXINHERIT	4096

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

/* Calls fn for each placeholder of ours; stops when it says so. */
static void
each_placeholder(bool (*fn)(unsigned long n, int r))
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

static bool any;

static bool
found(unsigned long n, int r)
{
	any = true;
	return false;
}

bool
fdmap_inherited(void)
{
	any = false;
	each_placeholder(found);
	return any;
}

static int highest;
static uint8_t named[MAXINHERIT / 8];

static bool
take(unsigned long n, int r)
{
	if (n < HIJACK_NFDS && r >= 0 && r < HIJACK_NFDS) {
		fdmap_add(n, r);
		if (r > highest)
			highest = r;
		if (r < MAXINHERIT)
			named[r / 8] |= (uint8_t)(1 << r % 8);
	}
	return true;
}

void
fdmap_inherit(void)
{
	int from = 3;		/* the console's */

	highest = 2;
	each_placeholder(take);
	for (int r = 3; r <= highest && r < MAXINHERIT; r++) {
		if ((named[r / 8] >> r % 8 & 1) == 0)
			continue;
		if (r > from)
			(void)kernel_syscall(SYS_close_range, from, r - 1, 0);
		from = r + 1;
	}
	if (highest < MAXINHERIT)
		(void)kernel_syscall(SYS_close_range, highest + 1, ~0U, 0);
}
