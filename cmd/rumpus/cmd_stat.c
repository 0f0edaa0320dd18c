/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_stat.c - rumpus stat: all that is known about files
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>

#include "json_impl.h"
#include "rumpus.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' }, { "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

#define XATTR_MAX	65536

/* Bytes of a value as ASCII, what is none of it as \xNN; out: 4 for 1. */
static void
escape(const char *value, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c >= 0x20 && c < 0x7f && c != '\\')
			*out++ = (char)c;
		else
			out += sprintf(out, "\\x%02x", c);
	}
	*out = '\0';
}

/* Calls fn for each extended attribute. */
static void
stat_xattrs(const struct location *loc, const char *full,
    void (*fn)(const char *name, const char *text, void *arg), void *arg)
{
	static char names[XATTR_MAX], value[XATTR_MAX], text[4 * XATTR_MAX + 1];
	ssize_t n = rump_sys_llistxattr(full, names, sizeof(names));

	if (n < 0 && errno != EOPNOTSUPP)
		complain(image_name(loc, loc->l_path),
		    "list extended attributes", errno);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t len = rump_sys_lgetxattr(full, names + at, value,
		    sizeof(value));

		if (len < 0) {
			complain(image_name(loc, loc->l_path),
			    "read extended attribute", errno);
			continue;
		}
		escape(value, (size_t)len, text);
		fn(names + at, text, arg);
	}
}

static void
xattr_text(const char *name, const char *text, void *arg)
{
	(void)arg;
	printf("   Xattr: ");
	print_name(name);
	printf("=%s\n", text);
}

static void
xattr_json(const char *name, const char *text, void *arg)
{
	char *key = json_bytes(name);

	if (key != NULL)
		json_set_text(arg, key, text);
	free(key);
}

static void
stat_json(const struct location *loc, const struct dent *e, const char *link,
    const char *full)
{
	json_t *o = json_of_entry(e, link), *xattrs = json_object();

	stat_xattrs(loc, full, xattr_json, xattrs);
	json_object_set_new(o, "xattrs", xattrs);
	json_print(o);
}

static void
stat_line(const char *name, const struct statx_timestamp *ts)
{
	char text[64];

	fmt_time(ts, text, sizeof(text));
	printf("%8s: %s\n", name, text);
}

static void
stat_text(const struct dent *e, const char *link)
{
	const struct statx *st = &e->e_st;
	char mode[11];

	fmt_mode(st->stx_mode, mode);
	printf("    File: ");
	print_name(e->e_path);
	if (link != NULL) {
		fputs(" -> ", stdout);
		print_name(link);
	}
	printf("\n    Type: %s\n    Size: %llu  Blocks: %llu  IO block: %u\n",
	    fmt_type(st->stx_mode), (unsigned long long)st->stx_size,
	    (unsigned long long)st->stx_blocks, st->stx_blksize);
	printf("   Inode: %llu  Links: %u", (unsigned long long)st->stx_ino,
	    st->stx_nlink);
	if (S_ISCHR(st->stx_mode) || S_ISBLK(st->stx_mode))
		printf("  Device: %u,%u", st->stx_rdev_major, st->stx_rdev_minor);
	printf("\n  Access: %04o/%s  Uid: %u  Gid: %u\n", st->stx_mode & 07777,
	    mode, st->stx_uid, st->stx_gid);
	stat_line("Accessed", &st->stx_atime);
	stat_line("Modified", &st->stx_mtime);
	stat_line("Changed", &st->stx_ctime);
	if (st->stx_mask & STATX_BTIME)
		stat_line("Born", &st->stx_btime);
}

static void
stat_one(const struct location *loc)
{
	char *full = image_path(loc->l_path), *link = NULL;
	struct dent e = { .e_dirfd = AT_FDCWD, .e_name = full,
	    .e_path = loc->l_path, .e_rel = loc->l_path };

	if (rump_sys_statx(AT_FDCWD, full, AT_SYMLINK_NOFOLLOW,
	    STATX_BASIC_STATS | STATX_BTIME, &e.e_st) != 0) {
		complain(image_name(loc, loc->l_path), "stat", errno);
		free(full);
		return;
	}
	if (S_ISLNK(e.e_st.stx_mode))
		link = read_link(AT_FDCWD, full, e.e_st.stx_size);
	if (want_json) {
		stat_json(loc, &e, link, full);
	} else {
		stat_text(&e, link);
		stat_xattrs(loc, full, xattr_text, NULL);
	}
	free(link);
	free(full);
}

int
cmd_stat(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		code = usage_option(opt);
		if (code >= 0)
			return code;
	}
	return for_each_location(argc, argv, want_json, stat_one);
}
