/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_cp.c - rumpus cp: copies out of an image
 *
 * The image is not trusted.  On the host everything is created relative to
 * directories that this run has opened without following links, so that
 * names and links in the image cannot lead outside the destination; what
 * stands in the way of a file is removed, never written through.
 *
 * Owners are kept when root copies.  Otherwise the copy belongs to the
 * caller, and set-id bits are dropped, as cp(1) does.
 */

#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "cp_impl.h"
#include "rumpus.h"

static const struct option options[] = {
	{ "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

#define LINKS_MAX	40

static bool opt_recurse, opt_keep, opt_archive;

/* A file with several links, and where its first copy is. */
struct linked {
	uint64_t	 k_ino;
	char		*k_rel;
};

struct copy {
	const struct location *c_loc;
	int		 c_base;	/* host directory of the top */
	const char	*c_top;		/* name of the top in it */
	int		*c_dirs;	/* c_dirs[d]: where entries of depth d go */
	size_t		 c_room;
	void		*c_links;	/* tsearch tree of struct linked */
	struct progress	 c_progress;
};

static int
copy_complain(struct copy *c, const struct dent *e, const char *what, int error)
{
	progress_end(&c->c_progress);
	complain(image_name(c->c_loc, e->e_path), what, error);
	return error == ENOSPC || error == EDQUOT ? WALK_STOP : WALK_GO;
}

static const char *
host_name(const struct copy *c, const struct dent *e)
{
	return e->e_depth == 0 ? c->c_top : e->e_name;
}

/* Removes what stands in the way; directories stay, and are an error. */
static int
clear_way(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) == 0 || errno == ENOENT ? 0 : errno;
}

/* --- content ------------------------------------------------------------------- */

struct sink {
	int		 s_fd;
	off_t		 s_off;
	struct progress	*s_progress;
};

static int
sink_piece(const void *data, size_t len, void *arg)
{
	struct sink *s = arg;
	const char *p = data;

	if (p == NULL) {		/* a hole */
		s->s_off += (off_t)len;
		progress_add(s->s_progress, len);
		return 0;
	}
	while (len > 0) {
		ssize_t n = pwrite(s->s_fd, p, len, s->s_off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
		s->s_off += n;
		progress_add(s->s_progress, (uint64_t)n);
	}
	return 0;
}

static int
copy_file(struct copy *c, const struct dent *e)
{
	int dirfd = c->c_dirs[e->e_depth], from, error;
	struct sink s = { .s_progress = &c->c_progress };

	from = open_entry(e);
	if (from < 0)
		return copy_complain(c, e, "open", errno);
	error = clear_way(dirfd, host_name(c, e));
	s.s_fd = error ? -1 : openat(dirfd, host_name(c, e),
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s.s_fd < 0) {
		error = error ? error : errno;
		(void)rump_sys_close(from);
		return copy_complain(c, e, "create the copy", error);
	}
	error = read_pieces(from, true, sink_piece, &s);
	if (error == 0 && ftruncate(s.s_fd, s.s_off) != 0)
		error = -errno;
	if (error == 0)
		copy_attributes(e, from, s.s_fd, opt_archive, opt_keep);
	(void)rump_sys_close(from);
	if (close(s.s_fd) != 0 && error == 0)
		error = -errno;
	if (error != 0)
		return copy_complain(c, e, error < 0 ? "write the copy" : "read",
		    error < 0 ? -error : error);
	return WALK_GO;
}

/* --- links and nodes -------------------------------------------------------------- */

static int
copy_symlink(struct copy *c, const struct dent *e)
{
	int dirfd = c->c_dirs[e->e_depth], error;
	char *target = read_link(e->e_dirfd, e->e_name, e->e_st.stx_size);

	if (target == NULL)
		return copy_complain(c, e, "read link", errno);
	error = clear_way(dirfd, host_name(c, e));
	if (error == 0 && symlinkat(target, dirfd, host_name(c, e)) != 0)
		error = errno;
	free(target);
	if (error)
		return copy_complain(c, e, "create the copy", error);
	copy_attributes_at(e, dirfd, host_name(c, e), opt_archive, opt_keep);
	return WALK_GO;
}

static int
copy_node(struct copy *c, const struct dent *e)
{
	int dirfd = c->c_dirs[e->e_depth], error;

	if (S_ISSOCK(e->e_st.stx_mode)) {
		warn_text("%s: a socket, not copied", image_name(c->c_loc, e->e_path));
		return WALK_GO;
	}
	error = clear_way(dirfd, host_name(c, e));
	if (error == 0 && mknodat(dirfd, host_name(c, e), e->e_st.stx_mode & (S_IFMT | 0777),
	    makedev(e->e_st.stx_rdev_major, e->e_st.stx_rdev_minor)) != 0)
		error = errno;
	if (error)
		return copy_complain(c, e, "create the node", error);
	copy_attributes_at(e, dirfd, host_name(c, e), opt_archive, opt_keep);
	return WALK_GO;
}

static int
linked_compare(const void *a, const void *b)
{
	const struct linked *ka = a, *kb = b;

	return ka->k_ino < kb->k_ino ? -1 : ka->k_ino > kb->k_ino;
}

/*
 * True if the entry is another name of a file that was copied, and was made
 * one.  Else it is remembered as the first.
 */
static bool
copy_as_link(struct copy *c, const struct dent *e)
{
	struct linked *k = malloc(sizeof(*k)), **found;

	if (k == NULL)
		return false;
	k->k_ino = e->e_st.stx_ino;
	k->k_rel = NULL;
	if (asprintf(&k->k_rel, "%s%s%s", c->c_top, e->e_depth > 0 ? "/" : "",
	    e->e_rel) < 0) {
		free(k);
		return false;
	}
	found = tsearch(k, &c->c_links, linked_compare);
	if (found == NULL || *found == k)
		return false;
	free(k->k_rel);
	free(k);
	(void)clear_way(c->c_dirs[e->e_depth], host_name(c, e));
	return linkat(c->c_base, (*found)->k_rel, c->c_dirs[e->e_depth],
	    host_name(c, e), 0) == 0;
}

static void
linked_free(void *arg)
{
	struct linked *k = arg;

	free(k->k_rel);
	free(k);
}

/* --- directories --------------------------------------------------------------------- */

static int
enter_directory(struct copy *c, const struct dent *e)
{
	const char *name = host_name(c, e);
	int dirfd = c->c_dirs[e->e_depth], fd;

	if (!opt_recurse) {
		complain(image_name(c->c_loc, e->e_path), "copy without -r", EISDIR);
		return WALK_PRUNE;
	}
	if ((size_t)e->e_depth + 2 > c->c_room) {
		size_t room = c->c_room * 2;
		int *bigger = realloc(c->c_dirs, room * sizeof(*bigger));

		if (bigger == NULL)
			return copy_complain(c, e, "copy", ENOMEM), WALK_STOP;
		c->c_dirs = bigger;
		c->c_room = room;
	}
	if (mkdirat(dirfd, name, 0700) != 0 && errno != EEXIST)
		return copy_complain(c, e, "create the copy", errno) == WALK_STOP ?
		    WALK_STOP : WALK_PRUNE;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		copy_complain(c, e, "open the copy", errno);
		return WALK_PRUNE;
	}
	c->c_dirs[e->e_depth + 1] = fd;
	return WALK_GO;
}

static int
leave_directory(struct copy *c, const struct dent *e)
{
	int fd = c->c_dirs[e->e_depth + 1];
	int from = rump_sys_openat(e->e_dirfd, e->e_name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	copy_attributes(e, from, fd, opt_archive, opt_keep);
	if (from >= 0)
		(void)rump_sys_close(from);
	(void)close(fd);
	return WALK_GO;
}

static int
copy_entry(const struct dent *e, enum walk_when when, void *arg)
{
	struct copy *c = arg;

	if (when == WALK_LEAVE)
		return leave_directory(c, e);
	if (S_ISDIR(e->e_st.stx_mode))
		return enter_directory(c, e);
	c->c_progress.p_files++;
	if (opt_archive && e->e_st.stx_nlink > 1 && copy_as_link(c, e))
		return WALK_GO;
	if (S_ISREG(e->e_st.stx_mode))
		return copy_file(c, e);
	if (S_ISLNK(e->e_st.stx_mode))
		return copy_symlink(c, e);
	return copy_node(c, e);
}

static int
size_entry(const struct dent *e, enum walk_when when, void *arg)
{
	if (when == WALK_ENTRY && S_ISREG(e->e_st.stx_mode))
		*(uint64_t *)arg += e->e_st.stx_size;
	return WALK_GO;
}

/* What a link leads to, step by step; names before the last are the kernel's. */
static char *
follow_links(const char *path)
{
	char *at = strdup(path), *target, *next;

	for (int i = 0; at != NULL && i < LINKS_MAX; i++) {
		char *slash = strrchr(at, '/');
		int dirlen = slash != NULL ? (int)(slash - at) : 0, n;

		target = read_link(AT_FDCWD, at, 0);
		if (target == NULL)
			break;
		n = target[0] == '/' ? asprintf(&next, "%s", target) :
		    asprintf(&next, "%.*s/%s", dirlen, at, target);
		free(target);
		free(at);
		at = n >= 0 ? next : NULL;
	}
	return at;
}

/* Without -r a link on the command line means what it leads to, as in cp(1). */
static void
copy_run(struct copy *c)
{
	char *start = opt_recurse ? strdup(c->c_loc->l_path) :
	    follow_links(c->c_loc->l_path);
	uint64_t total = 0;

	if (start == NULL) {
		complain(c->c_loc->l_path, "copy", ENOMEM);
		return;
	}
	if (isatty(STDERR_FILENO) && opt_recurse)
		(void)walk(c->c_loc, start, size_entry, &total);
	progress_begin(&c->c_progress, total);
	(void)walk(c->c_loc, start, copy_entry, c);
	progress_end(&c->c_progress);
	free(start);
}

/* Where the copy of one location goes: a directory and a name in it. */
static int
copy_one(const struct location *loc, const char *dest, bool into)
{
	struct copy c = { .c_loc = loc, .c_room = 16 };
	char *path = strdup(loc->l_path), *where = strdup(dest);
	char *dir = strdup(dest), *parent;

	c.c_dirs = malloc(c.c_room * sizeof(*c.c_dirs));
	if (path == NULL || where == NULL || dir == NULL || c.c_dirs == NULL) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	c.c_top = into ? basename(path) : basename(where);
	parent = into ? dir : dirname(dir);
	/* ".." would be the host's. */
	if (strcmp(c.c_top, "/") == 0 || (into && strcmp(c.c_top, "..") == 0))
		c.c_top = ".";
	c.c_base = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.c_base < 0) {
		complain(parent, "open", errno);
	} else {
		c.c_dirs[0] = c.c_base;
		copy_run(&c);
		(void)close(c.c_base);
	}
	tdestroy(c.c_links, linked_free);
	free(c.c_dirs);
	free(dir);
	free(where);
	free(path);
	return failures();
}

static int
copy_all(int n, char **texts, const char *dest)
{
	struct location loc;
	struct stat st;
	bool into = stat(dest, &st) == 0 && S_ISDIR(st.st_mode);
	int code = EX_DONE;

	if (n > 1 && !into)
		return usage_error("%s: several files go into a directory only", dest);
	for (int i = 0; i < n && code == EX_DONE; i++) {
		code = location_parse(texts[i], &loc);
		if (code != EX_DONE)
			return code;
		code = image_open(&loc);
		if (code == EX_DONE)
			(void)copy_one(&loc, dest, into);
		location_free(&loc);
	}
	return code != EX_DONE ? code : finish_output();
}

int
cmd_cp(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "apr", options, NULL)) != -1) {
		switch (opt) {
		case 'a': opt_archive = opt_recurse = opt_keep = true; break;
		case 'p': opt_keep = true; break;
		case 'r': opt_recurse = true; break;
		default:
			code = usage_option(opt);
			if (code >= 0)
				return code;
		}
	}
	if (argc - optind < 2)
		return usage_error("cp takes something in an image and a destination");
	return copy_all(argc - optind - 1, argv + optind, argv[argc - 1]);
}
