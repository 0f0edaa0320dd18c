/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_cat.c - rumpus cat, and reading files for others
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "rumpus.h"

#define PIECE	(256 * 1024)

static const struct option options[] = {
	{ "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

/* Where data and hole that start at off end. */
static int
next_extent(int fd, off_t off, off_t size, off_t *ret_data, off_t *ret_end)
{
	off_t data = rump_sys_lseek(fd, off, SEEK_DATA), end;

	if (data < 0 && errno == ENXIO) {
		*ret_data = *ret_end = size;
		return 0;
	}
	if (data < 0)
		return errno;
	end = rump_sys_lseek(fd, data, SEEK_HOLE);
	if (end < 0)
		return errno;
	*ret_data = data;
	*ret_end = end;
	return 0;
}

static int
read_range(int fd, char *buf, off_t off, off_t end, piece_fn *fn, void *arg)
{
	while (off < end) {
		size_t want = end - off < PIECE ? (size_t)(end - off) : PIECE;
		ssize_t n = rump_sys_pread64(fd, buf, want, off);
		int error;

		if (n < 0)
			return errno;
		if (n == 0)
			break;
		error = fn(buf, (size_t)n, arg);
		if (error)
			return error;
		off += n;
	}
	return 0;
}

static int
pass_hole(off_t len, piece_fn *fn, void *arg)
{
	return len > 0 ? fn(NULL, (size_t)len, arg) : 0;
}

int
read_pieces(int fd, bool holes, piece_fn *fn, void *arg)
{
	off_t size = rump_sys_lseek(fd, 0, SEEK_END), off = 0;
	char *buf = malloc(PIECE);
	int error = 0;

	if (buf == NULL)
		return ENOMEM;
	if (size < 0) {
		error = errno;
	} else if (!holes) {
		error = read_range(fd, buf, 0, INT64_MAX, fn, arg);
	}
	while (holes && error == 0 && off < size) {
		off_t data = 0, end = 0;

		error = next_extent(fd, off, size, &data, &end);
		if (error == 0)
			error = pass_hole(data - off, fn, arg);
		if (error == 0)
			error = read_range(fd, buf, data, end, fn, arg);
		off = end;
	}
	free(buf);
	return error;
}

int
open_entry(const struct dent *e)
{
	return rump_sys_openat(e->e_dirfd, e->e_name,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens what a location names; directories are refused. */
int
open_location(const struct location *loc, int *ret_fd)
{
	char *full = image_path(loc->l_path);
	struct stat st;
	int fd, error = 0;

	fd = rump_sys_open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		error = errno;
	else if (rump_sys_fstat(fd, &st) != 0)
		error = errno;
	else if (S_ISDIR(st.st_mode))
		error = EISDIR;
	free(full);
	if (error && fd >= 0)
		(void)rump_sys_close(fd);
	if (error)
		return complain(image_name(loc, loc->l_path), "open", error);
	*ret_fd = fd;
	return EX_DONE;
}

/* --- cat ------------------------------------------------------------------------ */

static int
write_all(const void *data, size_t len, void *arg)
{
	const char *p = data;

	(void)arg;
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
cat(const struct location *loc)
{
	int fd, error;

	if (open_location(loc, &fd) != EX_DONE)
		return;
	error = read_pieces(fd, false, write_all, NULL);
	(void)rump_sys_close(fd);
	if (error < 0)
		complain("standard output", "write", -error);
	else if (error > 0)
		complain(image_name(loc, loc->l_path), "read", error);
}

int
cmd_cat(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		code = usage_option(opt);
		if (code >= 0)
			return code;
	}
	return for_each_location(argc, argv, false, cat);
}
