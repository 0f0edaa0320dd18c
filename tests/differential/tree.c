/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tree.c - all that there is below "/", as text
 *
 * A line each, with the names sorted: attributes, content, links by the
 * first name of the same inode.  Runs with the rights of user 0.
 */

#include <sys/stat.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diff.h"

#define INODES_MAX	2000

struct walk {
	struct side	*w_side;
	FILE		*w_out;
	unsigned long	 w_ino[INODES_MAX];
	unsigned int	 w_inodes;
};

static long
call(struct walk *w, long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	const unsigned long args[6] = { a, b, c, d };

	return w->w_side->sd_call(nr, args);
}

#define U(x)	((unsigned long)(x))

/* Equal numbers for names of one inode. */
static unsigned int
inode_index(struct walk *w, unsigned long ino)
{
	unsigned int i;

	for (i = 0; i < w->w_inodes; i++)
		if (w->w_ino[i] == ino)
			return i;
	if (w->w_inodes < INODES_MAX)
		w->w_ino[w->w_inodes++] = ino;
	return i;
}

static void
walk_content(struct walk *w, int dir, const char *name)
{
	static unsigned char buf[65536];
	uint64_t hash = 14695981039346656037ULL;
	long fd, n, total = 0;

	fd = call(w, SYS_openat, U(dir), U(name), O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0) {
		fprintf(w->w_out, " open: %ld", fd);
		return;
	}
	while (total < 1 << 22 && (n = call(w, SYS_read, U(fd), U(buf), sizeof(buf), 0)) > 0) {
		for (long i = 0; i < n; i++)
			hash = (hash ^ buf[i]) * 1099511628211ULL;
		total += n;
	}
	call(w, SYS_close, U(fd), 0, 0, 0);
	fprintf(w->w_out, " content %016llx", (unsigned long long)hash);
}

static int
name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in an open directory, sorted; how many. */
static unsigned int
walk_names(struct walk *w, int fd, char **names, unsigned int max)
{
	static unsigned char buf[32768];
	unsigned int n = 0;
	long ret;

	while ((ret = call(w, SYS_getdents64, U(fd), U(buf), sizeof(buf), 0)) > 0) {
		for (long at = 0; at < ret && n < max; at += buf[at + 16] | buf[at + 17] << 8) {
			const char *name = (const char *)buf + at + 19;

			if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
				names[n++] = strdup(name);
		}
	}
	qsort(names, n, sizeof(names[0]), name_compare);
	return n;
}

static void
walk_directory(struct walk *w, int dir, const char *name, unsigned int depth)
{
	char **names = calloc(600, sizeof(*names)), target[4200];
	struct stat st;
	unsigned int n;
	long fd, len;

	fd = call(w, SYS_openat, U(dir), U(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0) {
		fprintf(w->w_out, "%*s%s: open: %ld\n", (int)depth, "", name, fd);
		free(names);
		return;
	}
	n = walk_names(w, (int)fd, names, 600);
	for (unsigned int i = 0; i < n; i++) {
		fprintf(w->w_out, "%*s%s", (int)depth, "", names[i]);
		if (call(w, SYS_newfstatat, U(fd), U(names[i]), U(&st), AT_SYMLINK_NOFOLLOW) != 0) {
			fprintf(w->w_out, " no stat\n");
			continue;
		}
		fprintf(w->w_out, " inode %u mode %o nlink %lu owner %u:%u", inode_index(w, st.st_ino), st.st_mode,
		    (unsigned long)st.st_nlink, st.st_uid, st.st_gid);
		if (S_ISREG(st.st_mode)) {
			fprintf(w->w_out, " size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
			walk_content(w, (int)fd, names[i]);
		} else if (S_ISLNK(st.st_mode)) {
			len = call(w, SYS_readlinkat, U(fd), U(names[i]), U(target), sizeof(target));
			fprintf(w->w_out, " -> %.*s", len > 0 ? (int)len : 0, target);
		}
		fputc('\n', w->w_out);
		if (S_ISDIR(st.st_mode) && depth < 40)
			walk_directory(w, (int)fd, names[i], depth + 1);
		free(names[i]);
	}
	call(w, SYS_close, U(fd), 0, 0, 0);
	free(names);
}

char *
tree_text(struct side *s)
{
	struct walk *w = calloc(1, sizeof(*w));
	char *text = NULL;
	size_t size;
	long uid, gid;

	w->w_side = s;
	w->w_out = open_memstream(&text, &size);
	uid = call(w, SYS_setfsuid, 0, 0, 0, 0);
	gid = call(w, SYS_setfsgid, 0, 0, 0, 0);
	walk_directory(w, AT_FDCWD, "/", 0);
	call(w, SYS_setfsgid, U(gid), 0, 0, 0);
	call(w, SYS_setfsuid, U(uid), 0, 0, 0);
	fclose(w->w_out);
	free(w);
	return text;
}
