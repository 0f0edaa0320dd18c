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

void
print_name(const char *s)
{
	static int tty = -1;

	if (tty < 0)
		tty = isatty(STDOUT_FILENO);
	if (!tty) {
		fputs(s, stdout);
		return;
	}
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
}

int
finish_output(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		int error = errno;

		/* A reader that has seen enough is not a failure of ours. */
		if (error == EPIPE)
			return EX_IO;
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
