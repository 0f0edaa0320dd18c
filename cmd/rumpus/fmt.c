/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fmt.c - how modes, times, sizes and names look; progress on a terminal
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "rumpus.h"

static char
type_letter(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:	return 'd';
	case S_IFLNK:	return 'l';
	case S_IFCHR:	return 'c';
	case S_IFBLK:	return 'b';
	case S_IFIFO:	return 'p';
	case S_IFSOCK:	return 's';
	default:	return '-';
	}
}

void
fmt_mode(uint16_t mode, char buf[11])
{
	static const char letters[] = "rwxrwxrwx";

	buf[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		buf[1 + i] = mode & (0400 >> i) ? letters[i] : '-';
	if (mode & S_ISUID)
		buf[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		buf[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		buf[9] = mode & S_IXOTH ? 't' : 'T';
	buf[10] = '\0';
}

const char *
fmt_type(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:	return "file";
	case S_IFDIR:	return "directory";
	case S_IFLNK:	return "symlink";
	case S_IFCHR:	return "chardev";
	case S_IFBLK:	return "blockdev";
	case S_IFIFO:	return "fifo";
	case S_IFSOCK:	return "socket";
	default:	return "unknown";
	}
}

void
fmt_time(const struct statx_timestamp *ts, char *buf, size_t size)
{
	time_t t = (time_t)ts->tv_sec;
	struct tm tm;
	char day[40];

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		(void)snprintf(buf, size, "@%lld.%09u", (long long)ts->tv_sec,
		    ts->tv_nsec);
	else
		(void)snprintf(buf, size, "%s.%09uZ", day, ts->tv_nsec);
}

void
fmt_size(uint64_t bytes, char *buf, size_t size)
{
	static const char units[] = "BKMGTPE";
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 1024 && u + 2 < sizeof(units)) {
		v /= 1024;
		u++;
	}
	if (u == 0)
		(void)snprintf(buf, size, "%llu", (unsigned long long)bytes);
	else
		(void)snprintf(buf, size, v < 10 ? "%.1f%c" : "%.0f%c", v, units[u]);
}

size_t
utf8_len(const char *text)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t len = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 :
	    *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
	uint32_t c;

	if (len <= 1)
		return len;
	c = *s & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

/* Of a character of that many bytes; the C1 set is U+0080 to U+009F. */
static bool
is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];

	return len == 0 || c < 0x20 || c == 0x7f ||
	    (len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

void
print_clean(FILE *to, const char *s)
{
	static int tty[2] = { -1, -1 };
	int *istty = &tty[to == stderr];

	if (*istty < 0)
		*istty = isatty(fileno(to));
	if (!*istty) {
		fputs(s, to);
		return;
	}
	while (*s != '\0') {
		size_t len = utf8_len(s), step = len > 0 ? len : 1;

		if (is_control(s, len))
			putc('?', to);
		else
			fwrite(s, 1, len, to);
		s += step;
	}
}

void
print_name(const char *s)
{
	print_clean(stdout, s);
}

int
finish_output(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		int error = errno != 0 ? errno : EIO;

		return complain("standard output", "write", error);
	}
	return failures();
}

char *
read_link(int dirfd, const char *name, uint64_t size)
{
	size_t room = size > 0 && size < 65536 ? (size_t)size + 1 : 4097;
	char *text = malloc(room + 1);
	ssize_t n;

	if (text == NULL)
		return NULL;
	n = rump_sys_readlinkat(dirfd, name, text, room);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

/* --- progress ------------------------------------------------------------------- */

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
progress_begin(struct progress *p, uint64_t total)
{
	*p = (struct progress){ .p_total = total, .p_on = isatty(STDERR_FILENO) };
	p->p_start = p->p_last = p->p_on ? seconds() : 0;
}

static void
progress_show(const struct progress *p, double now)
{
	double rate = (double)p->p_done / (now - p->p_start + 1e-9);
	char done[16], per[16], left[32] = "";

	fmt_size(p->p_done, done, sizeof(done));
	fmt_size((uint64_t)rate, per, sizeof(per));
	if (p->p_total > p->p_done && rate > 0)
		(void)snprintf(left, sizeof(left), ", %.0f s left",
		    (double)(p->p_total - p->p_done) / rate);
	fprintf(stderr, "\r\033[K%s, %llu files, %s/s%s", done,
	    (unsigned long long)p->p_files, per, left);
	fflush(stderr);
}

void
progress_add(struct progress *p, uint64_t bytes)
{
	double now;

	p->p_done += bytes;
	if (!p->p_on)
		return;
	now = seconds();
	if (now - p->p_last < 0.2)
		return;
	p->p_last = now;
	progress_show(p, now);
}

void
progress_end(struct progress *p)
{
	if (p->p_on && p->p_last > p->p_start)
		fputs("\r\033[K", stderr);
}
