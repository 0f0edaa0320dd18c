/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * walk.c - visiting a tree of the image
 *
 * Works with descriptors, one open directory a level, so that a path of any
 * depth can be walked; names are joined only for display.  A directory that
 * contains one of its own ancestors (a damaged image) is told by its inode
 * number and not entered.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "rumpus.h"

#define DIRBUF		32768
#define DEPTH_MAX	4096

/* What getdents64 returns; the UAPI has no header for it. */
struct dirent64_head {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];
};

struct level {
	const struct level *lv_up;
	uint64_t	 lv_ino;
};

struct walker {
	const struct location *w_loc;
	walk_fn		*w_fn;
	void		*w_arg;
	char		*w_path;	/* as displayed, grows and shrinks */
	size_t		 w_len, w_size;
	size_t		 w_start;	/* length of the starting path */
};

/* State of one directory that is being read. */
struct visit {
	struct walker	*v_w;
	const struct level *v_level;
	int		 v_fd;
	unsigned int	 v_depth;
	int		 v_result;
};

static int walk_at(struct walker *w, const struct level *up, int dirfd,
    const char *name, unsigned int depth);

int
read_dir(int fd, int (*fn)(const char *name, unsigned char dtype, void *arg),
    void *arg)
{
	char *buf = malloc(DIRBUF);
	int result = 0;

	if (buf == NULL)
		return ENOMEM;
	while (result == 0) {
		ssize_t n = rump_sys_getdents64(fd, buf, DIRBUF);

		if (n <= 0) {
			result = n < 0 ? errno : 0;
			break;
		}
		for (ssize_t at = 0; at < n && result == 0;) {
			struct dirent64_head *d = (void *)(buf + at);

			at += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			result = fn(d->d_name, d->d_type, arg);
		}
	}
	free(buf);
	return result;
}

static int
path_push(struct walker *w, const char *name, size_t *ret_oldlen)
{
	size_t len = strlen(name);
	bool slash = w->w_len > 0 && w->w_path[w->w_len - 1] != '/';

	if (w->w_len + len + 2 > w->w_size) {
		size_t size = (w->w_len + len + 2) * 2;
		char *bigger = realloc(w->w_path, size);

		if (bigger == NULL)
			return ENOMEM;
		w->w_path = bigger;
		w->w_size = size;
	}
	*ret_oldlen = w->w_len;
	if (slash)
		w->w_path[w->w_len++] = '/';
	memcpy(w->w_path + w->w_len, name, len + 1);
	w->w_len += len;
	return 0;
}

static int
visit_name(const char *name, unsigned char dtype, void *arg)
{
	struct visit *v = arg;
	size_t old;

	(void)dtype;
	/* No file system has such names; an image may. */
	if (strchr(name, '/') != NULL) {
		complain(image_name(v->v_w->w_loc, v->v_w->w_path),
		    "a name with a slash in it", EUCLEAN);
		return 0;
	}
	if (path_push(v->v_w, name, &old) != 0) {
		complain(v->v_w->w_path, "walk", ENOMEM);
		v->v_result = WALK_STOP;
		return 1;
	}
	v->v_result = walk_at(v->v_w, v->v_level, v->v_fd, name, v->v_depth + 1);
	v->v_w->w_len = old;
	v->v_w->w_path[old] = '\0';
	return v->v_result == WALK_STOP;
}

static bool
is_ancestor(const struct level *lv, uint64_t ino)
{
	for (; lv != NULL; lv = lv->lv_up) {
		if (lv->lv_ino == ino)
			return true;
	}
	return false;
}

static int
walk_directory(struct walker *w, const struct level *up, const struct dent *e)
{
	struct level here = { up, e->e_st.stx_ino };
	struct visit v = { .v_w = w, .v_level = &here, .v_depth = e->e_depth };
	int error;

	if (is_ancestor(up, e->e_st.stx_ino) || e->e_depth >= DEPTH_MAX) {
		complain(image_name(w->w_loc, w->w_path),
		    "a directory within itself", EUCLEAN);
		return WALK_GO;
	}
	v.v_fd = rump_sys_openat(e->e_dirfd, e->e_name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (v.v_fd < 0) {
		complain(image_name(w->w_loc, w->w_path), "open", errno);
		return WALK_GO;
	}
	error = read_dir(v.v_fd, visit_name, &v);
	(void)rump_sys_close(v.v_fd);
	if (v.v_result == WALK_STOP)
		return WALK_STOP;
	if (error)
		complain(image_name(w->w_loc, w->w_path), "read directory", error);
	return WALK_GO;
}

static int
walk_at(struct walker *w, const struct level *up, int dirfd, const char *name,
    unsigned int depth)
{
	struct dent e = { .e_dirfd = dirfd, .e_name = name, .e_depth = depth };
	int result;

	if (rump_sys_statx(dirfd, name, AT_SYMLINK_NOFOLLOW,
	    STATX_BASIC_STATS | STATX_BTIME, &e.e_st) != 0) {
		complain(image_name(w->w_loc, w->w_path), "stat", errno);
		return WALK_GO;
	}
	e.e_path = w->w_path;
	e.e_rel = w->w_path + w->w_start;
	while (*e.e_rel == '/')
		e.e_rel++;
	result = w->w_fn(&e, WALK_ENTRY, w->w_arg);
	if (result != WALK_GO || !S_ISDIR(e.e_st.stx_mode))
		return result;
	result = walk_directory(w, up, &e);
	if (result == WALK_STOP)
		return result;
	/* The path buffer may have moved meanwhile. */
	e.e_path = w->w_path;
	e.e_rel = w->w_path + w->w_start;
	while (*e.e_rel == '/')
		e.e_rel++;
	return w->w_fn(&e, WALK_LEAVE, w->w_arg);
}

int
walk(const struct location *loc, const char *path, walk_fn *fn, void *arg)
{
	struct walker w = { .w_loc = loc, .w_fn = fn, .w_arg = arg };
	char *full = image_path(path);
	size_t old;
	int result;

	if (path_push(&w, path, &old) != 0) {
		free(full);
		return complain(path, "walk", ENOMEM);
	}
	w.w_start = w.w_len;
	result = walk_at(&w, NULL, AT_FDCWD, full, 0);
	free(w.w_path);
	free(full);
	return result == WALK_STOP ? WALK_STOP : WALK_GO;
}
