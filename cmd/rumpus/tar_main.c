/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tar_main.c - rumpus-tar: a tree of an image as a pax archive
 *
 * With owners, times to the nanosecond, extended attributes, hard links,
 * devices and holes; names are relative to the starting point.
 */

#include <sys/sysmacros.h>

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "rumpus.h"

#define XATTR_MAX	65536

static const struct option options[] = {
	{ "offset", required_argument, NULL, 'O' }, { NULL, 0, NULL, 0 },
};

static const struct command tar_command = { .c_name = "tar", .c_args = "",
    .c_about = "", .c_help = "" };
const struct command *current_command = &tar_command;

struct tar {
	const struct location *t_loc;
	struct archive	*t_archive;
	struct archive_entry_linkresolver *t_links;
};

int
usage_error(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "rumpus: tar: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\ntry 'rumpus tar --help'\n", stderr);
	return EX_USE;
}

int
usage_option(int opt)
{
	if (opt == 'O')
		return image_set_offset(optarg) == EX_DONE ? -1 : EX_USE;
	/* getopt has named it. */
	return usage_error("it takes -f FILE and --offset=N");
}

static int
tar_failed(struct tar *t)
{
	int error = archive_errno(t->t_archive);

	if (error > 0) {
		complain("archive", "write", error);
	} else {
		warn_text("archive: write: %s", archive_error_string(t->t_archive));
		note_failure(EX_IO);
	}
	return WALK_STOP;
}

static void
add_xattrs(const struct tar *t, const struct dent *e, int fd,
    struct archive_entry *ae)
{
	char *names = malloc(2 * XATTR_MAX);
	ssize_t n;

	if (names == NULL)
		return;
	n = rump_sys_flistxattr(fd, names, XATTR_MAX);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t len = rump_sys_fgetxattr(fd, names + at,
		    names + XATTR_MAX, XATTR_MAX);

		if (len < 0)
			complain(image_name(t->t_loc, e->e_path),
			    "read extended attribute", errno);
		else
			archive_entry_xattr_add_entry(ae, names + at,
			    names + XATTR_MAX, (size_t)len);
	}
	free(names);
}

static void
add_sparse(int fd, uint64_t size, struct archive_entry *ae)
{
	off_t off = 0;

	while ((uint64_t)off < size) {
		off_t data = rump_sys_lseek(fd, off, SEEK_DATA);
		off_t hole = data < 0 ? -1 : rump_sys_lseek(fd, data, SEEK_HOLE);

		if (hole < 0)
			break;
		if (data == 0 && (uint64_t)hole >= size)
			return;		/* no hole at all */
		archive_entry_sparse_add_entry(ae, data, hole - data);
		off = hole;
	}
	if (off == 0 && size > 0)
		archive_entry_sparse_add_entry(ae, (int64_t)size, 0);
}

static int
tar_piece(const void *data, size_t len, void *arg)
{
	static const char nought[1024 * 1024];
	struct tar *t = arg;

	while (len > 0) {
		size_t n = data != NULL || len < sizeof(nought) ? len : sizeof(nought);
		la_ssize_t done = archive_write_data(t->t_archive,
		    data != NULL ? data : nought, n);

		if (done < 0)
			return -1;
		if (done == 0)
			break;		/* beyond the size in the header */
		if (data != NULL)
			data = (const char *)data + done;
		len -= (size_t)done;
	}
	return 0;
}

/* Relative to the starting point, which is "." unless it is a mere file. */
static const char *
name_of(const struct dent *e)
{
	const char *slash = strrchr(e->e_path, '/');

	if (e->e_rel[0] != '\0')
		return e->e_rel;
	return S_ISDIR(e->e_st.stx_mode) || slash == NULL ? "." : slash + 1;
}

static struct archive_entry *
make_entry(struct tar *t, const struct dent *e, int fd)
{
	struct archive_entry *ae = archive_entry_new();
	const struct statx *st = &e->e_st;

	if (ae == NULL)
		return NULL;
	archive_entry_set_pathname(ae, name_of(e));
	archive_entry_set_mode(ae, st->stx_mode);
	archive_entry_set_uid(ae, st->stx_uid);
	archive_entry_set_gid(ae, st->stx_gid);
	archive_entry_set_size(ae, S_ISREG(st->stx_mode) ? (int64_t)st->stx_size : 0);
	archive_entry_set_nlink(ae, st->stx_nlink);
	archive_entry_set_ino64(ae, (int64_t)st->stx_ino);
	archive_entry_set_dev(ae, 1);
	archive_entry_set_rdev(ae, makedev(st->stx_rdev_major, st->stx_rdev_minor));
	archive_entry_set_mtime(ae, st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec);
	archive_entry_set_atime(ae, st->stx_atime.tv_sec, st->stx_atime.tv_nsec);
	archive_entry_set_ctime(ae, st->stx_ctime.tv_sec, st->stx_ctime.tv_nsec);
	if (S_ISLNK(st->stx_mode)) {
		char *link = read_link(e->e_dirfd, e->e_name, st->stx_size);

		archive_entry_set_symlink(ae, link != NULL ? link : "");
		free(link);
	}
	if (fd >= 0) {
		add_xattrs(t, e, fd, ae);
		if (S_ISREG(st->stx_mode))
			add_sparse(fd, st->stx_size, ae);
	}
	return ae;
}

static int
write_entry(struct tar *t, const struct dent *e, struct archive_entry *ae, int fd)
{
	int error;

	if (archive_write_header(t->t_archive, ae) < ARCHIVE_WARN)
		return tar_failed(t);
	if (archive_entry_size(ae) == 0 || fd < 0)
		return WALK_GO;
	error = read_pieces(fd, true, tar_piece, t);
	if (error < 0)
		return tar_failed(t);
	if (error > 0)
		complain(image_name(t->t_loc, e->e_path), "read", error);
	return WALK_GO;
}

static int
tar_entry(const struct dent *e, enum walk_when when, void *arg)
{
	struct tar *t = arg;
	struct archive_entry *ae, *spare = NULL;
	int fd = -1, result = WALK_GO;

	if (when == WALK_LEAVE)
		return WALK_GO;
	if (S_ISSOCK(e->e_st.stx_mode)) {
		warn_text("%s: a socket, left out", image_name(t->t_loc, e->e_path));
		return WALK_GO;
	}
	if (S_ISREG(e->e_st.stx_mode) || S_ISDIR(e->e_st.stx_mode)) {
		fd = open_entry(e);
		if (fd < 0) {
			complain(image_name(t->t_loc, e->e_path), "open", errno);
			return WALK_PRUNE;
		}
	}
	ae = make_entry(t, e, fd);
	if (ae == NULL) {
		complain(image_name(t->t_loc, e->e_path), "archive", ENOMEM);
		result = WALK_STOP;
	} else {
		archive_entry_linkify(t->t_links, &ae, &spare);
		if (ae != NULL)
			result = write_entry(t, e, ae, fd);
		archive_entry_free(ae);
		archive_entry_free(spare);
	}
	if (fd >= 0)
		(void)rump_sys_close(fd);
	return result;
}

static int
tar_image(const struct location *loc, const char *file)
{
	struct tar t = { .t_loc = loc, .t_archive = archive_write_new() };

	t.t_links = archive_entry_linkresolver_new();
	if (t.t_archive == NULL || t.t_links == NULL)
		return complain(loc->l_text, "archive", ENOMEM);
	(void)archive_write_set_format_pax_restricted(t.t_archive);
	archive_entry_linkresolver_set_strategy(t.t_links,
	    archive_format(t.t_archive));
	if (archive_write_open_filename(t.t_archive, file) != ARCHIVE_OK)
		(void)tar_failed(&t);
	else
		(void)walk(loc, loc->l_path, tar_entry, &t);
	if (archive_write_close(t.t_archive) != ARCHIVE_OK &&
	    failures() == EX_DONE)
		(void)tar_failed(&t);
	archive_write_free(t.t_archive);
	archive_entry_linkresolver_free(t.t_links);
	return failures();
}

int
main(int argc, char **argv)
{
	const char *file = NULL;
	struct location loc;
	int opt, code;

	/* Names are bytes; the library writes them as UTF-8 where they are. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	while ((opt = getopt_long(argc, argv, "f:", options, NULL)) != -1) {
		if (opt == 'f') {
			file = strcmp(optarg, "-") == 0 ? NULL : optarg;
			continue;
		}
		code = usage_option(opt);
		if (code >= 0)
			return code;
	}
	if (optind != argc - 1)
		return usage_error("it takes one location");
	if (file == NULL && isatty(STDOUT_FILENO)) {
		warn_text("an archive is not for a terminal: use -f or a pipe");
		return EX_USE;
	}
	code = location_parse(argv[optind], &loc);
	if (code != EX_DONE)
		return code;
	code = image_open(&loc);
	if (code == EX_DONE)
		code = tar_image(&loc, file);
	location_free(&loc);
	return code;
}
