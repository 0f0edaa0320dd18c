/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_ls.c - rumpus ls
 *
 * A directory of at most SORT_MAX names is sorted.  A larger one, or with
 * -U, is printed as it is read, so that memory does not grow with it.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>

#include "rumpus.h"

#define SORT_MAX	65536

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' }, { "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

static bool opt_all, opt_long, opt_recurse, opt_self, opt_inode, opt_human,
    opt_reverse, opt_unsorted;
static char opt_sort = 'n';
static bool headings, first_heading = true;

struct name {
	char		*n_name;
	struct statx	 n_st;
};

struct listing {
	const struct location *l_loc;
	const char	*l_dir;		/* as displayed */
	int		 l_fd;
	struct name	*l_names;
	size_t		 l_n, l_room;
	bool		 l_streaming;	/* too many: printed at once */
};

static void list_path(const struct location *loc, const char *path,
    bool entered);

static int
compare_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? 1 : -1;
	return a->tv_nsec < b->tv_nsec ? 1 : a->tv_nsec > b->tv_nsec ? -1 : 0;
}

static int
compare(const void *va, const void *vb)
{
	const struct name *a = va, *b = vb;
	int c = 0;

	if (opt_sort == 't')
		c = compare_time(&a->n_st.stx_mtime, &b->n_st.stx_mtime);
	else if (opt_sort == 'S')
		c = a->n_st.stx_size < b->n_st.stx_size ? 1 :
		    a->n_st.stx_size > b->n_st.stx_size ? -1 : 0;
	if (c == 0)
		c = strcmp(a->n_name, b->n_name);
	return opt_reverse ? -c : c;
}

static void
print_long(const struct statx *st)
{
	char mode[11], when[64], size[24];

	fmt_mode(st->stx_mode, mode);
	fmt_time(&st->stx_mtime, when, sizeof(when));
	if (S_ISCHR(st->stx_mode) || S_ISBLK(st->stx_mode))
		(void)snprintf(size, sizeof(size), "%u, %u", st->stx_rdev_major,
		    st->stx_rdev_minor);
	else if (opt_human)
		fmt_size(st->stx_size, size, sizeof(size));
	else
		(void)snprintf(size, sizeof(size), "%llu",
		    (unsigned long long)st->stx_size);
	/* "2026-01-31T12:34" is what people look for. */
	printf("%s %3u %5u %5u %10s %.10s %.5s ", mode, st->stx_nlink,
	    st->stx_uid, st->stx_gid, size, when,
	    when[0] != '@' && strlen(when) > 11 ? when + 11 : "");
}

static void
print_entry(const struct dent *e)
{
	char *link = NULL;

	if (S_ISLNK(e->e_st.stx_mode) && (opt_long || want_json))
		link = read_link(e->e_dirfd, e->e_name, e->e_st.stx_size);
	if (want_json) {
		json_entry(e, link);
	} else {
		if (opt_inode)
			printf("%10llu ", (unsigned long long)e->e_st.stx_ino);
		if (opt_long)
			print_long(&e->e_st);
		print_name(e->e_rel);
		if (link != NULL) {
			printf(" -> ");
			print_name(link);
		}
		putchar('\n');
	}
	free(link);
}

static char *
join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s%s%s", dir,
	    dir[strlen(dir) - 1] == '/' ? "" : "/", name) < 0) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	return path;
}

static void
print_in(const struct listing *l, const char *name, const struct statx *st)
{
	char *path = join(l->l_dir, name);
	struct dent e = { .e_dirfd = l->l_fd, .e_name = name, .e_path = path,
	    .e_rel = name, .e_st = *st };

	print_entry(&e);
	free(path);
}

static void
listing_flush(struct listing *l)
{
	if (l->l_n > 0 && !opt_unsorted && !l->l_streaming)
		qsort(l->l_names, l->l_n, sizeof(*l->l_names), compare);
	for (size_t i = 0; i < l->l_n; i++)
		print_in(l, l->l_names[i].n_name, &l->l_names[i].n_st);
}

static void
listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->l_n; i++)
		free(l->l_names[i].n_name);
	free(l->l_names);
	l->l_names = NULL;
	l->l_n = l->l_room = 0;
}

static int
listing_keep(struct listing *l, const char *name, const struct statx *st)
{
	if (l->l_n == l->l_room) {
		size_t room = l->l_room != 0 ? l->l_room * 2 : 64;
		struct name *bigger = realloc(l->l_names, room * sizeof(*bigger));

		if (bigger == NULL)
			return ENOMEM;
		l->l_names = bigger;
		l->l_room = room;
	}
	l->l_names[l->l_n].n_name = strdup(name);
	if (l->l_names[l->l_n].n_name == NULL)
		return ENOMEM;
	l->l_names[l->l_n++].n_st = *st;
	return 0;
}

static int
listing_name(const char *name, unsigned char dtype, void *arg)
{
	struct listing *l = arg;
	struct statx st;

	(void)dtype;
	if (name[0] == '.' && !opt_all && !want_json)
		return 0;
	if (rump_sys_statx(l->l_fd, name, AT_SYMLINK_NOFOLLOW,
	    STATX_BASIC_STATS | STATX_BTIME, &st) != 0) {
		char *path = join(l->l_dir, name);

		complain(image_name(l->l_loc, path), "stat", errno);
		free(path);
		return 0;
	}
	if (!l->l_streaming && (opt_unsorted || l->l_n >= SORT_MAX) &&
	    !opt_recurse) {
		l->l_streaming = true;
		listing_flush(l);
		listing_free(l);
	}
	if (l->l_streaming) {
		print_in(l, name, &st);
		return 0;
	}
	return listing_keep(l, name, &st);
}

static void
list_below(const struct listing *l)
{
	for (size_t i = 0; i < l->l_n; i++) {
		char *path;

		if (!S_ISDIR(l->l_names[i].n_st.stx_mode))
			continue;
		path = join(l->l_dir, l->l_names[i].n_name);
		list_path(l->l_loc, path, true);
		free(path);
	}
}

static void
list_directory(const struct location *loc, const char *path, int fd)
{
	struct listing l = { .l_loc = loc, .l_dir = path, .l_fd = fd };
	int error;

	if (headings && !want_json) {
		if (!first_heading)
			putchar('\n');
		first_heading = false;
		print_name(path);
		puts(":");
	}
	error = read_dir(fd, listing_name, &l);
	if (error)
		complain(image_name(loc, path), "read directory", error);
	if (!l.l_streaming)
		listing_flush(&l);
	(void)rump_sys_close(fd);
	/* A tree deeper than a path can be long is not followed further. */
	if (opt_recurse)
		list_below(&l);
	listing_free(&l);
}

/* entered: reached by recursion, so a link is not followed. */
static void
list_path(const struct location *loc, const char *path, bool entered)
{
	char *full = image_path(path);
	int nofollow = entered || opt_self || opt_long;
	struct dent e = { .e_dirfd = AT_FDCWD, .e_name = full, .e_path = path,
	    .e_rel = path };
	int fd;

	if (rump_sys_statx(AT_FDCWD, full, nofollow ? AT_SYMLINK_NOFOLLOW : 0,
	    STATX_BASIC_STATS | STATX_BTIME, &e.e_st) != 0) {
		complain(image_name(loc, path), "stat", errno);
	} else if (!S_ISDIR(e.e_st.stx_mode) || opt_self) {
		print_entry(&e);
	} else {
		fd = rump_sys_open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			complain(image_name(loc, path), "open", errno);
		else
			list_directory(loc, path, fd);
	}
	free(full);
}

static void
list_location(const struct location *loc)
{
	list_path(loc, loc->l_path, false);
}

static int
options_take(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "1AadhilRrStU", options, NULL)) != -1) {
		switch (opt) {
		case '1': break;
		case 'a': case 'A': opt_all = true; break;
		case 'd': opt_self = true; break;
		case 'h': opt_human = true; break;
		case 'i': opt_inode = true; break;
		case 'l': opt_long = true; break;
		case 'R': opt_recurse = headings = true; break;
		case 'r': opt_reverse = true; break;
		case 'S': case 't': opt_sort = (char)opt; break;
		case 'U': opt_unsorted = true; break;
		default:
			code = usage_option(opt);
			if (code >= 0)
				return code;
		}
	}
	if (optind == argc)
		return usage_error("which image?");
	headings |= argc - optind > 1;
	return -1;
}

int
cmd_ls(int argc, char **argv)
{
	int code = options_take(argc, argv);

	if (code >= 0)
		return code;
	return for_each_location(argc, argv, want_json, list_location);
}
