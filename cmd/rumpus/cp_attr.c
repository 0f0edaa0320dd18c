/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cp_attr.c - owners, modes, times and extended attributes of copies
 *
 * In this order: the owner first, since changing it clears set-id bits;
 * times last, since everything else changes them.
 */

#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "cp_impl.h"
#include "rumpus.h"

#define XATTR_MAX	65536

static mode_t
mode_of(const struct dent *e, bool keep)
{
	mode_t mode = e->e_st.stx_mode & 07777;
	mode_t mask;

	if (!keep) {
		mask = umask(0);
		(void)umask(mask);
		return mode & 0777 & ~mask;
	}
	/* A set-id file that is not its owner's would be set-id to us. */
	return geteuid() == 0 ? mode : mode & ~(mode_t)(S_ISUID | S_ISGID);
}

static void
times_of(const struct dent *e, struct timespec ts[2])
{
	ts[0] = (struct timespec){ e->e_st.stx_atime.tv_sec,
	    e->e_st.stx_atime.tv_nsec };
	ts[1] = (struct timespec){ e->e_st.stx_mtime.tv_sec,
	    e->e_st.stx_mtime.tv_nsec };
}

static void
warn_once(bool *warned, const char *what, const char *path, int error)
{
	if (*warned)
		return;
	*warned = true;
	warn_text("%s: %s not kept, nor on what follows: %s", path, what,
	    strerror(error));
}

/* The host refused an attribute. */
static void
warn_xattr(const struct dent *e, const char *name, int error)
{
	static bool warned;

	/* The other name spaces are root's, and that is no news to a user. */
	if (geteuid() == 0 || strncmp(name, "user.", 5) == 0)
		warn_once(&warned, "extended attributes", e->e_path, error);
}

static void
copy_xattr(const struct dent *e, int from, int to, const char *name, char *value)
{
	ssize_t len = rump_sys_fgetxattr(from, name, value, XATTR_MAX);

	if (len < 0)
		complain(e->e_path, "read extended attribute", errno);
	else if (fsetxattr(to, name, value, (size_t)len, 0) != 0)
		warn_xattr(e, name, errno);
}

static void
copy_xattrs(const struct dent *e, int from, int to)
{
	char *names = malloc(2 * XATTR_MAX);
	ssize_t n;

	if (names == NULL)
		return;
	n = rump_sys_flistxattr(from, names, XATTR_MAX);
	if (n < 0 && errno != EOPNOTSUPP)
		complain(e->e_path, "list extended attributes", errno);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		copy_xattr(e, from, to, names + at, names + XATTR_MAX);
	free(names);
}

/*
 * Of links and nodes, which have only attributes that are root's.  Neither
 * kernel has such a call with a directory: here it is the working directory,
 * there a name that begins with the descriptor.
 */
static void
copy_xattrs_at(const struct dent *e, int dirfd, const char *name)
{
	char *names = malloc(2 * XATTR_MAX), *value, *to;
	ssize_t n = -1, len;

	if (names == NULL || asprintf(&to, "/proc/self/fd/%d/%s", dirfd, name) < 0) {
		free(names);
		complain(e->e_path, "copy extended attributes", ENOMEM);
		return;
	}
	value = names + XATTR_MAX;
	if (e->e_dirfd == AT_FDCWD || rump_sys_fchdir(e->e_dirfd) == 0)
		n = rump_sys_llistxattr(e->e_name, names, XATTR_MAX);
	if (n < 0 && errno != EOPNOTSUPP)
		complain(e->e_path, "list extended attributes", errno);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
		len = rump_sys_lgetxattr(e->e_name, names + at, value, XATTR_MAX);
		if (len < 0)
			complain(e->e_path, "read extended attribute", errno);
		else if (lsetxattr(to, names + at, value, (size_t)len, 0) != 0)
			warn_xattr(e, names + at, errno);
	}
	free(names);
	free(to);
}

void
copy_attributes(const struct dent *e, int from, int to, bool all, bool keep)
{
	struct timespec ts[2];

	if (all && geteuid() == 0 &&
	    fchown(to, e->e_st.stx_uid, e->e_st.stx_gid) != 0)
		complain(e->e_path, "set the owner of the copy", errno);
	if (all && from >= 0)
		copy_xattrs(e, from, to);
	if (fchmod(to, mode_of(e, keep)) != 0)
		complain(e->e_path, "set the mode of the copy", errno);
	times_of(e, ts);
	if (keep && futimens(to, ts) != 0)
		complain(e->e_path, "set the times of the copy", errno);
}

void
copy_attributes_at(const struct dent *e, int dirfd, const char *name, bool all,
    bool keep)
{
	struct timespec ts[2];

	if (all && geteuid() == 0 && fchownat(dirfd, name, e->e_st.stx_uid,
	    e->e_st.stx_gid, AT_SYMLINK_NOFOLLOW) != 0)
		complain(e->e_path, "set the owner of the copy", errno);
	if (all && geteuid() == 0)
		copy_xattrs_at(e, dirfd, name);
	if (!S_ISLNK(e->e_st.stx_mode) &&
	    fchmodat(dirfd, name, mode_of(e, keep), 0) != 0)
		complain(e->e_path, "set the mode of the copy", errno);
	times_of(e, ts);
	if (keep && utimensat(dirfd, name, ts, AT_SYMLINK_NOFOLLOW) != 0)
		complain(e->e_path, "set the times of the copy", errno);
}
