/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * place.c - the folders of servers with names
 *
 * Nothing here follows a symbolic link that somebody else could have put into /tmp:
 * the base is opened without following, looked at, and everything below it is reached
 * through that descriptor.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"

#define FOLDER	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *const place_files[] = { "sock", "ctl", "info.json" };

bool
place_name_ok(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._-");

	return len > 0 && len <= PLACE_NAMELEN && name[len] == '\0' && name[0] != '.' &&
	    name[0] != '-';
}

/* Ours alone? */
static int
folder_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return EPERM;
	return 0;
}

int
place_base(bool make, char *buf, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int error, fd, n;

	if (runtime != NULL && runtime[0] == '/')
		n = snprintf(buf, size, "%s/rumpus", runtime);
	else
		n = snprintf(buf, size, "/tmp/rumpus-%u", (unsigned int)geteuid());
	if (n < 0 || (size_t)n >= size)
		return ENAMETOOLONG;
	if (make && mkdir(buf, 0700) != 0 && errno != EEXIST)
		return errno;
	fd = open(buf, FOLDER);
	if (fd == -1)
		return errno == ELOOP || errno == ENOTDIR ? EPERM : errno;
	error = folder_check(fd);
	close(fd);
	return error;
}

static int
place_find(const char *name, bool make, struct place *pl)
{
	char base[PATH_MAX];
	int error, n;

	memset(pl, 0, sizeof(*pl));
	pl->pl_dirfd = -1;
	if (!place_name_ok(name))
		return EINVAL;
	error = place_base(make, base, sizeof(base));
	if (error)
		return error;
	n = snprintf(pl->pl_path, sizeof(pl->pl_path), "%s/%s", base, name);
	if (n < 0 || (size_t)n >= sizeof(pl->pl_path))
		return ENAMETOOLONG;
	strcpy(pl->pl_name, name);
	if (make && mkdir(pl->pl_path, 0700) != 0 && errno != EEXIST)
		return errno;
	pl->pl_dirfd = open(pl->pl_path, FOLDER);
	if (pl->pl_dirfd == -1)
		return errno == ELOOP || errno == ENOTDIR ? EPERM : errno;
	error = folder_check(pl->pl_dirfd);
	if (error)
		place_close(pl);
	return error;
}

/* Is the folder we hold still the one of that name? */
static bool
place_current(const struct place *pl)
{
	struct stat held, named;

	return fstat(pl->pl_dirfd, &held) == 0 && lstat(pl->pl_path, &named) == 0 &&
	    held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static void
place_empty(const struct place *pl)
{
	for (size_t i = 0; i < sizeof(place_files) / sizeof(place_files[0]); i++)
		(void)unlinkat(pl->pl_dirfd, place_files[i], 0);
}

int
place_take(const char *name, struct place *ret_pl)
{
	struct place pl;
	int error;

	for (;;) {
		error = place_find(name, true, &pl);
		if (error == ENOENT)
			continue;	/* somebody cleared it away meanwhile */
		if (error)
			return error;
		if (flock(pl.pl_dirfd, LOCK_EX | LOCK_NB) != 0) {
			error = errno == EWOULDBLOCK ? EBUSY : errno;
			place_close(&pl);
			return error;
		}
		if (place_current(&pl))
			break;
		place_close(&pl);
	}
	place_empty(&pl);
	*ret_pl = pl;
	return 0;
}

int
place_open(const char *name, struct place *ret_pl)
{
	return place_find(name, false, ret_pl);
}

bool
place_alive(const struct place *pl)
{
	int fd;

	if (place_connect(pl, &fd) != 0)
		return false;
	close(fd);
	return true;
}

void
place_remove(struct place *pl)
{
	place_empty(pl);
	(void)rmdir(pl->pl_path);
}

void
place_close(struct place *pl)
{
	if (pl->pl_dirfd != -1)
		close(pl->pl_dirfd);
	pl->pl_dirfd = -1;
}

bool
place_clear(struct place *pl)
{
	if (flock(pl->pl_dirfd, LOCK_EX | LOCK_NB) != 0)
		return false;
	if (place_current(pl))
		place_remove(pl);
	return true;
}

int
place_iterate(int (*fn)(struct place *, void *), void *arg)
{
	struct dirent **list;
	char base[PATH_MAX];
	struct place pl;
	int error, n, result = 0;

	error = place_base(false, base, sizeof(base));
	if (error)
		return error == ENOENT ? 0 : error;
	n = scandir(base, &list, NULL, alphasort);
	if (n == -1)
		return errno;
	for (int i = 0; i < n; i++) {
		if (result == 0 && place_name_ok(list[i]->d_name) &&
		    place_open(list[i]->d_name, &pl) == 0) {
			result = fn(&pl, arg);
			place_close(&pl);
		}
		free(list[i]);
	}
	free(list);
	return result;
}

int
place_info(const struct place *pl, const char *text, size_t len)
{
	int error = 0, fd;
	ssize_t n;

	fd = openat(pl->pl_dirfd, "info.json", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return errno;
	while (len > 0 && error == 0) {
		n = write(fd, text, len);
		if (n == -1 && errno != EINTR)
			error = errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error;
}
