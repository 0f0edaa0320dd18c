/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * op.c - inventing system calls
 *
 * There is no model of what exists: names come from so small a set that most
 * calls meet something.  Arguments are mostly sensible and now and then at
 * or beyond a limit.  Nothing may block, so every open has O_NONBLOCK, and
 * no request waits for a lock.
 */

#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diff.h"

#define LIST(a)		(a), sizeof(a) / sizeof((a)[0])
#define ADDRESS_BAD	(-2)		/* op_value of a pointer */
#define ADDRESS_NULL	(-1)

uint64_t
rnd_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;	/* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

unsigned int
rnd_below(uint64_t *state, unsigned int n)
{
	return (unsigned int)((rnd_next(state) >> 32) * n >> 32);
}

/* What arguments are chosen from.  Frequent ones stand several times. */

static const long access_modes[] = { O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR, 3 };
static const long open_usual[] = { O_RDONLY, O_RDONLY | O_DIRECTORY, O_RDONLY | O_DIRECTORY, O_RDWR, O_RDWR,
    O_RDWR | O_CREAT, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_EXCL,
    O_RDWR | O_CREAT | O_APPEND, O_WRONLY | O_CREAT, O_PATH, O_PATH | O_NOFOLLOW, O_RDONLY | O_NOFOLLOW,
    O_RDWR | O_TMPFILE, O_RDWR | O_TMPFILE | O_EXCL };
static const long open_extras[] = { O_CREAT, O_CREAT, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY,
    O_DIRECTORY, O_NOFOLLOW, O_PATH, O_TMPFILE, O_CLOEXEC, O_SYNC, O_NOATIME, O_NOCTTY };
static const long file_modes[] = { 0644, 0644, 0644, 0600, 0666, 0777, 0777, 0755, 0755, 0755, 0755, 0750, 0, 0444, 0200, 04755, 02755, 02775, 0100,
    06777, 01777, 07777, 0170644, 0x10000 };
static const long at_follow[] = { AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT };
static const long at_link[] = { AT_SYMLINK_FOLLOW, AT_EMPTY_PATH };
static const long at_unlink[] = { 0, 0, 0, 0, 0, 0, AT_REMOVEDIR, AT_REMOVEDIR, AT_REMOVEDIR, AT_REMOVEDIR,
    AT_REMOVEDIR | 1, 0x40000 };
static const long at_access[] = { AT_SYMLINK_NOFOLLOW, AT_EACCESS, AT_EMPTY_PATH, 0x4000 };
static const long access_bits[] = { R_OK, W_OK, X_OK };
static const long rename_flags[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, RENAME_NOREPLACE, RENAME_NOREPLACE,
    RENAME_EXCHANGE, RENAME_EXCHANGE, RENAME_EXCHANGE,
    RENAME_NOREPLACE | RENAME_EXCHANGE, 0x100 };
static const long whences[] = { SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 17 };
static const long fallocate_modes[] = { 0, 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE,
    FALLOC_FL_COLLAPSE_RANGE, 0x800 };
static const long xattr_flags[] = { 0, 0, 0, 0, 0, 0, XATTR_CREATE, XATTR_REPLACE, 3, 8 };
static const long rwf_flags[] = { 0, 0, 0, 0, RWF_DSYNC, RWF_APPEND, RWF_HIPRI, 0x4000 };
static const long node_types[] = { S_IFIFO | 0644, S_IFIFO | 0600, S_IFSOCK | 0666, S_IFREG | 0640, 0600,
    S_IFCHR | 0666, S_IFBLK | 0600, S_IFDIR | 0755, S_IFLNK | 0777, 0030644 };
static const long devices[] = { 0, 0x103, 0x801, 0x12345678 };
static const long statx_masks[] = { STATX_BASIC_STATS, STATX_ALL, 0, STATX_SIZE, 0x80000000L };
static const long ids[] = { 0, 0, 1000, 1001, -1, 65534 };
static const long fs_ids[] = { 0, 0, 1000, 1000, 1001 };
static const long masks[] = { 0, 022, 077, 0777, 01000, 027 };
static const long pipe_flags[] = { O_NONBLOCK, O_NONBLOCK | O_CLOEXEC, O_NONBLOCK | O_APPEND };
static const long dup_flags[] = { 0, O_CLOEXEC, O_APPEND };
static const long getset_cmds[] = { F_GETFD, F_GETFL };
static const long setfd_cmd[] = { F_SETFD }, setfl_cmd[] = { F_SETFL }, dupfd_cmd[] = { F_DUPFD, F_DUPFD_CLOEXEC };
static const long setfd_flags[] = { 0, FD_CLOEXEC, 7 };
static const long setfl_flags[] = { O_NONBLOCK, O_NONBLOCK | O_APPEND, O_NONBLOCK | O_NOATIME,
    O_NONBLOCK | O_SYNC | O_CREAT };
static const long dup_minima[] = { 0, 3, 30, -1, 1L << 30 };
static const long lock_cmds[] = { F_SETLK, F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_SETLK, F_OFD_GETLK };
static const long flock_ops[] = { LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, LOCK_UN, LOCK_SH | LOCK_EX | LOCK_NB };
static const long how_sizes[] = { sizeof(struct open_how), sizeof(struct open_how), sizeof(struct open_how),
    sizeof(struct open_how), sizeof(struct open_how), sizeof(struct open_how), sizeof(struct open_how), sizeof(struct open_how), sizeof(struct open_how),
    sizeof(struct open_how), 16, 0, sizeof(struct open_how) + 8, 8192 };
static const long resolve_flags[] = { RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
    RESOLVE_NO_MAGICLINKS };
static const long advices[] = { 0, 1, 2, 3, 4, 5, 6 };
static const long range_flags[] = { 0, 1, 2, 4, 7, 8 };
static const long eventfd_flags[] = { O_NONBLOCK, O_NONBLOCK, O_NONBLOCK | 1, 0x10 };
static const long eventfd_values[] = { 0, 0, 1, 5, 0xffffffff };
static const long epoll_flags[] = { 0, 0, O_CLOEXEC, 1 };
static const long epoll_ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, 9 };
static const long epoll_max[] = { 1, 4, 4, 4, 0, -1 };
static const long ioctls[] = { FIONREAD, FIONREAD, FIOCLEX, FIONCLEX, TCGETS, FIGETBSZ, 0xabcd };
static const long keep[] = { -1 };
static const long group_counts[] = { 0, 1, 3, -1 };
static const long three[] = { 3, 3, 3, 3, 3, 3, 3, 0, -1, 1025 };
static const long two[] = { 2 }, zero[] = { 0 };
static const long sizes_small[] = { 0, 1, 23, 24 };
static const long xattr_sizes[] = { 0, 1, 4, 64, 64, 64, 64, 1000, 1000, SIDE_BUF };

static const char *const names[] = { "a", "a", "a", "a", "a", "b", "b", "b", "b", "c", "c", "c", "d", "d", "e", "l",
    "loop", "m" };
static const char *const odd_names[] = { ".", "..", "...", "\303\244", "a b" };
static const char *const xattr_names[] = { "user.a", "user.a", "user.a", "user.a", "user.a", "user.b", "user.b",
    "trusted.t", "security.x", "user.long.name.of.an.attribute",
    "trusted.t", "security.x", "user.", "user", "", "foo.bar", "system.bad" };

/* The calls. */

const struct op_desc op_descs[] = {
	{ "openat", SYS_openat, 60, R_FD, { { A_DIRFD }, { A_PATH }, { A_FLAGS, LIST(open_extras) },
	    { A_CHOICE, LIST(file_modes) } } },
	{ "openat2", SYS_openat2, 10, R_FD, { { A_DIRFD }, { A_PATH }, { A_HOW, LIST(resolve_flags) },
	    { A_CHOICE, LIST(how_sizes) } } },
	{ "creat", SYS_creat, 0 /* would wait in a fifo */, R_FD, { { A_PATH }, { A_CHOICE, LIST(file_modes) } } },
	{ "close", SYS_close, 4, R_NUMBER, { { A_FD } } },
	{ "read", SYS_read, 10, R_BYTES, { { A_FD }, { A_OUT }, { A_LENGTH } } },
	{ "write", SYS_write, 16, R_NUMBER, { { A_FD }, { A_IN }, { A_LENGTH } } },
	{ "pread64", SYS_pread64, 12, R_BYTES, { { A_FD }, { A_OUT }, { A_LENGTH }, { A_OFFSET } } },
	{ "pwrite64", SYS_pwrite64, 16, R_NUMBER, { { A_FD }, { A_IN }, { A_LENGTH }, { A_OFFSET } } },
	{ "readv", SYS_readv, 3, R_IOV, { { A_FD }, { A_IOVOUT }, { A_CHOICE, LIST(three) } } },
	{ "writev", SYS_writev, 3, R_NUMBER, { { A_FD }, { A_IOVIN }, { A_CHOICE, LIST(three) } } },
	{ "preadv2", SYS_preadv2, 3, R_IOV, { { A_FD }, { A_IOVOUT }, { A_CHOICE, LIST(three) }, { A_OFFSET },
	    { A_CHOICE, LIST(zero) }, { A_CHOICE, LIST(rwf_flags) } } },
	{ "pwritev2", SYS_pwritev2, 3, R_NUMBER, { { A_FD }, { A_IOVIN }, { A_CHOICE, LIST(three) }, { A_OFFSET },
	    { A_CHOICE, LIST(zero) }, { A_CHOICE, LIST(rwf_flags) } } },
	{ "lseek", SYS_lseek, 10, R_NUMBER, { { A_FD }, { A_OFFSET }, { A_CHOICE, LIST(whences) } } },
	{ "ftruncate", SYS_ftruncate, 8, R_NUMBER, { { A_FD }, { A_OFFSET } } },
	{ "truncate", SYS_truncate, 5, R_NUMBER, { { A_PATH }, { A_OFFSET } } },
	{ "fallocate", SYS_fallocate, 8, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(fallocate_modes) }, { A_OFFSET },
	    { A_OFFSET } } },
	{ "fsync", SYS_fsync, 2, R_NUMBER, { { A_FD } } },
	{ "fdatasync", SYS_fdatasync, 1, R_NUMBER, { { A_FD } } },
	{ "syncfs", SYS_syncfs, 1, R_NUMBER, { { A_FD } } },
	{ "fadvise64", SYS_fadvise64, 1, R_NUMBER, { { A_FD }, { A_OFFSET }, { A_OFFSET }, { A_CHOICE, LIST(advices) } } },
	{ "sync_file_range", SYS_sync_file_range, 1, R_NUMBER, { { A_FD }, { A_OFFSET }, { A_OFFSET },
	    { A_CHOICE, LIST(range_flags) } } },
	{ "mkdirat", SYS_mkdirat, 16, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_CHOICE, LIST(file_modes) } } },
	{ "mknodat", SYS_mknodat, 6, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_CHOICE, LIST(node_types) },
	    { A_CHOICE, LIST(devices) } } },
	{ "unlinkat", SYS_unlinkat, 20, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_CHOICE, LIST(at_unlink) } } },
	{ "rmdir", SYS_rmdir, 4, R_NUMBER, { { A_PATH } } },
	{ "linkat", SYS_linkat, 20, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_DIRFD }, { A_PATH },
	    { A_FLAGS, LIST(at_link) } } },
	{ "symlinkat", SYS_symlinkat, 14, R_NUMBER, { { A_TARGET }, { A_DIRFD }, { A_PATH } } },
	{ "readlinkat", SYS_readlinkat, 8, R_BYTES, { { A_DIRFD }, { A_PATH }, { A_OUT }, { A_LENGTH } } },
	{ "renameat2", SYS_renameat2, 40, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_DIRFD }, { A_PATH },
	    { A_CHOICE, LIST(rename_flags) } } },
	{ "stat", SYS_stat, 6, R_STAT, { { A_PATH }, { A_OUT } } },
	{ "lstat", SYS_lstat, 6, R_STAT, { { A_PATH }, { A_OUT } } },
	{ "fstat", SYS_fstat, 8, R_STAT, { { A_FD }, { A_OUT } } },
	{ "newfstatat", SYS_newfstatat, 8, R_STAT, { { A_DIRFD }, { A_PATH }, { A_OUT }, { A_FLAGS, LIST(at_follow) } } },
	{ "statx", SYS_statx, 6, R_STATX, { { A_DIRFD }, { A_PATH }, { A_FLAGS, LIST(at_follow) },
	    { A_CHOICE, LIST(statx_masks) }, { A_OUT } } },
	{ "statfs", SYS_statfs, 2, R_STATFS, { { A_PATH }, { A_OUT } } },
	{ "fstatfs", SYS_fstatfs, 1, R_STATFS, { { A_FD }, { A_OUT } } },
	{ "faccessat2", SYS_faccessat2, 6, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_FLAGS, LIST(access_bits) },
	    { A_FLAGS, LIST(at_access) } } },
	{ "fchmod", SYS_fchmod, 3, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(file_modes) } } },
	{ "fchmodat", SYS_fchmodat, 8, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_CHOICE, LIST(file_modes) } } },
	{ "fchmodat2", 452, 3, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_CHOICE, LIST(file_modes) },
	    { A_FLAGS, LIST(at_follow) } } },
	{ "fchown", SYS_fchown, 3, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(ids) }, { A_CHOICE, LIST(ids) } }, true },
	{ "fchownat", SYS_fchownat, 8, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_CHOICE, LIST(ids) }, { A_CHOICE, LIST(ids) },
	    { A_FLAGS, LIST(at_follow) } }, true },
	{ "utimensat", SYS_utimensat, 10, R_NUMBER, { { A_DIRFD }, { A_PATH }, { A_TIMES }, { A_FLAGS, LIST(at_follow) } } },
	{ "umask", SYS_umask, 3, R_NUMBER, { { A_CHOICE, LIST(masks) } } },
	{ "setfsuid", SYS_setfsuid, 5, R_NUMBER, { { A_CHOICE, LIST(fs_ids) } }, true },
	{ "setfsgid", SYS_setfsgid, 4, R_NUMBER, { { A_CHOICE, LIST(fs_ids) } }, true },
	{ "chdir", SYS_chdir, 6, R_NUMBER, { { A_PATH } } },
	{ "fchdir", SYS_fchdir, 4, R_NUMBER, { { A_DIRECTORY } } },
	{ "getcwd", SYS_getcwd, 6, R_BYTES, { { A_OUT }, { A_LENGTH } } },
	{ "getdents64", SYS_getdents64, 8, R_DIRECTORY, { { A_DIRECTORY } } },
	{ "getdents64", SYS_getdents64, 2, R_NUMBER, { { A_DIRECTORY }, { A_OUT }, { A_CHOICE, LIST(sizes_small) } } },
	{ "setxattr", SYS_setxattr, 8, R_NUMBER, { { A_PATH }, { A_STRING, LIST(xattr_names) }, { A_IN },
	    { A_CHOICE, LIST(xattr_sizes) }, { A_CHOICE, LIST(xattr_flags) } } },
	{ "lsetxattr", SYS_lsetxattr, 2, R_NUMBER, { { A_PATH }, { A_STRING, LIST(xattr_names) }, { A_IN },
	    { A_CHOICE, LIST(xattr_sizes) }, { A_CHOICE, LIST(xattr_flags) } } },
	{ "fsetxattr", SYS_fsetxattr, 6, R_NUMBER, { { A_FD }, { A_STRING, LIST(xattr_names) }, { A_IN },
	    { A_CHOICE, LIST(xattr_sizes) }, { A_CHOICE, LIST(xattr_flags) } } },
	{ "getxattr", SYS_getxattr, 3, R_BYTES, { { A_PATH }, { A_STRING, LIST(xattr_names) }, { A_OUT },
	    { A_CHOICE, LIST(xattr_sizes) } } },
	{ "lgetxattr", SYS_lgetxattr, 2, R_BYTES, { { A_PATH }, { A_STRING, LIST(xattr_names) }, { A_OUT },
	    { A_CHOICE, LIST(xattr_sizes) } } },
	{ "fgetxattr", SYS_fgetxattr, 3, R_BYTES, { { A_FD }, { A_STRING, LIST(xattr_names) }, { A_OUT },
	    { A_CHOICE, LIST(xattr_sizes) } } },
	{ "listxattr", SYS_listxattr, 3, R_NAMES, { { A_PATH }, { A_OUT }, { A_CHOICE, LIST(xattr_sizes) } } },
	{ "flistxattr", SYS_flistxattr, 3, R_NAMES, { { A_FD }, { A_OUT }, { A_CHOICE, LIST(xattr_sizes) } } },
	{ "removexattr", SYS_removexattr, 3, R_NUMBER, { { A_PATH }, { A_STRING, LIST(xattr_names) } } },
	{ "fremovexattr", SYS_fremovexattr, 2, R_NUMBER, { { A_FD }, { A_STRING, LIST(xattr_names) } } },
	{ "dup", SYS_dup, 4, R_FD, { { A_FD } } },
	{ "dup3", SYS_dup3, 3, R_SAMEFD, { { A_FD }, { A_FD }, { A_CHOICE, LIST(dup_flags) } } },
	{ "fcntl", SYS_fcntl, 4, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(getset_cmds) } } },
	{ "fcntl", SYS_fcntl, 2, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(setfd_cmd) }, { A_CHOICE, LIST(setfd_flags) } } },
	{ "fcntl", SYS_fcntl, 3, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(setfl_cmd) }, { A_CHOICE, LIST(setfl_flags) } } },
	{ "fcntl", SYS_fcntl, 3, R_FD, { { A_FD }, { A_CHOICE, LIST(dupfd_cmd) }, { A_CHOICE, LIST(dup_minima) } } },
	{ "fcntl", SYS_fcntl, 6, R_FLOCK, { { A_FD }, { A_CHOICE, LIST(lock_cmds) }, { A_FLOCK } } },
	{ "flock", SYS_flock, 4, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(flock_ops) } } },
	{ "pipe2", SYS_pipe2, 4, R_FDPAIR, { { A_FDPAIR }, { A_CHOICE, LIST(pipe_flags) } } },
	{ "poll", SYS_poll, 5, R_POLL, { { A_POLL }, { A_CHOICE, LIST(two) }, { A_CHOICE, LIST(zero) } } },
	{ "eventfd2", SYS_eventfd2, 3, R_FD, { { A_CHOICE, LIST(eventfd_values) }, { A_CHOICE, LIST(eventfd_flags) } } },
	{ "epoll_create1", SYS_epoll_create1, 4, R_FD, { { A_CHOICE, LIST(epoll_flags) } } },
	{ "epoll_ctl", SYS_epoll_ctl, 10, R_NUMBER, { { A_FD }, { A_CHOICE, LIST(epoll_ops) }, { A_FD }, { A_EPEVENT } } },
	{ "epoll_pwait", SYS_epoll_pwait, 8, R_EPOLL, { { A_FD }, { A_OUT }, { A_CHOICE, LIST(epoll_max) },
	    { A_CHOICE, LIST(zero) }, { A_CHOICE, LIST(zero) }, { A_CHOICE, LIST(zero) } } },
	{ "ioctl", SYS_ioctl, 4, R_INT, { { A_FD }, { A_CHOICE, LIST(ioctls) }, { A_OUT } } },
	{ "setresuid", SYS_setresuid, 3, R_NUMBER, { { A_CHOICE, LIST(keep) }, { A_CHOICE, LIST(fs_ids) },
	    { A_CHOICE, LIST(keep) } }, true },
	{ "setresgid", SYS_setresgid, 2, R_NUMBER, { { A_CHOICE, LIST(keep) }, { A_CHOICE, LIST(fs_ids) },
	    { A_CHOICE, LIST(keep) } }, true },
	{ "setgroups", SYS_setgroups, 3, R_NUMBER, { { A_CHOICE, LIST(group_counts) }, { A_GROUPS } }, true },
	{ "tree", 0, 1, R_TREE, { { A_NONE } } },
};
const unsigned int op_ndescs = sizeof(op_descs) / sizeof(op_descs[0]);

/* Inventing arguments */

static long
pick(uint64_t *r, const struct arg_desc *ad)
{
	return ((const long *)ad->ad_list)[rnd_below(r, ad->ad_count)];
}

static char *
repeated(char c, size_t n)
{
	char *s = malloc(n + 1);

	memset(s, c, n);
	s[n] = '\0';
	return s;
}

/* One to three names, with what may stand before, between and behind. */
static char *
path_plain(uint64_t *r)
{
	unsigned int n = 1 + (rnd_below(r, 3) == 0) + (rnd_below(r, 8) == 0);
	char buf[256] = "";

	if (rnd_below(r, 4) == 0)
		strcat(buf, rnd_below(r, 4) == 0 ? "//" : "/");
	else if (rnd_below(r, 20) == 0)
		strcat(buf, rnd_below(r, 2) == 0 ? "./" : "../");
	for (unsigned int i = 0; i < n; i++) {
		if (i > 0)
			strcat(buf, rnd_below(r, 12) == 0 ? "//" : "/");
		strcat(buf, rnd_below(r, 25) == 0 ?
		    odd_names[rnd_below(r, sizeof(odd_names) / sizeof(odd_names[0]))] :
		    names[rnd_below(r, sizeof(names) / sizeof(names[0]))]);
	}
	switch (rnd_below(r, 40)) {
	case 0:
		strcat(buf, "/");
		break;
	case 1:
		strcat(buf, "/.");
		break;
	case 2:
		strcat(buf, "/..");
		break;
	case 3:
		strcat(buf, "//");
		break;
	}
	return strdup(buf);
}

static char *
path_odd(uint64_t *r)
{
	switch (rnd_below(r, 8)) {
	case 0:
		return strdup("/");
	case 1:
		return strdup(".");
	case 2:
		return strdup("..");
	case 3:
		return repeated('x', 255);
	case 4:
		return repeated('x', 256);
	case 5:
		return repeated('/', 4095);
	case 6:
		return repeated('/', 4096);
	default:
		return strdup("");
	}
}

static void
invent_path(struct op *op, unsigned int i, uint64_t *r)
{
	if (rnd_below(r, 150) == 0)
		op->op_value[i] = rnd_below(r, 2) == 0 ? ADDRESS_BAD : ADDRESS_NULL;
	else if (rnd_below(r, 25) == 0)
		op->op_string[i] = path_odd(r);
	else
		op->op_string[i] = path_plain(r);
}

static long
invent_offset(uint64_t *r)
{
	static const long odd[] = { -1, -4096, 1L << 20, (1L << 20) + 5, 1L << 40, INT64_MAX, INT64_MAX - 4096,
	    INT64_MIN, 1L << 62 };

	switch (rnd_below(r, 12)) {
	case 0:
		return odd[rnd_below(r, sizeof(odd) / sizeof(odd[0]))];
	case 1:
	case 2:
		return 4096L * rnd_below(r, 6);
	case 3:
		return 4096L * rnd_below(r, 6) - 1 + rnd_below(r, 3);
	case 4:
	case 5:
		return 0;
	default:
		return rnd_below(r, 20000);
	}
}

static long
invent_length(uint64_t *r)
{
	switch (rnd_below(r, 8)) {
	case 0:
		return 0;
	case 1:
		return 4096;
	case 2:
		return rnd_below(r, SIDE_BUF + 1);
	default:
		return rnd_below(r, 200);
	}
}

static long
invent_fd(uint64_t *r, bool directory)
{
	if (rnd_below(r, 60) == 0)
		return rnd_below(r, 2) == 0 ? -1 : -77;
	if (rnd_below(r, 8) == 0)
		directory = !directory;
	return directory ? rnd_below(r, NDIRSLOTS) : NDIRSLOTS + rnd_below(r, NSLOTS - NDIRSLOTS);
}

static long
invent_flags(uint64_t *r, const struct arg_desc *ad)
{
	bool open = ad->ad_list == open_extras;

	if (open && rnd_below(r, 3) > 0)
		return open_usual[rnd_below(r, sizeof(open_usual) / sizeof(open_usual[0]))] | O_NONBLOCK;

	long v = open ? access_modes[rnd_below(r, sizeof(access_modes) / sizeof(access_modes[0]))] | O_NONBLOCK : 0;
	unsigned int n = rnd_below(r, open ? 4 : 2);

	while (n-- > 0)
		v |= pick(r, ad);
	return v;
}

static void
invent(struct op *op, unsigned int i, uint64_t *r)
{
	const struct arg_desc *ad = &op->op_desc->od_args[i];

	switch (ad->ad_kind) {
	case A_FD:
	case A_DIRECTORY:
		op->op_value[i] = invent_fd(r, ad->ad_kind == A_DIRECTORY);
		break;
	case A_DIRFD:
		op->op_value[i] = rnd_below(r, 4) > 0 ? AT_FDCWD : invent_fd(r, true);
		break;
	case A_PATH:
	case A_TARGET:
		invent_path(op, i, r);
		break;
	case A_STRING:
		op->op_string[i] = strdup(((const char *const *)ad->ad_list)[rnd_below(r, ad->ad_count)]);
		break;
	case A_CHOICE:
		op->op_value[i] = pick(r, ad);
		break;
	case A_FLAGS:
		op->op_value[i] = invent_flags(r, ad);
		break;
	case A_OFFSET:
		op->op_value[i] = invent_offset(r);
		break;
	case A_LENGTH:
		op->op_value[i] = invent_length(r);
		break;
	case A_HOW:
		op->op_value[i] = (long)(rnd_next(r) >> 1);
		break;
	case A_OUT:
		op->op_value[i] = rnd_below(r, 150) == 0 ? ADDRESS_BAD : 0;
		break;
	default:
		op->op_value[i] = (long)(rnd_next(r) >> 34);
	}
}

/*
 * User 0 of a user name space may not make devices nor touch what belongs to
 * the machine's administrator, and set-id bits mean less to it.
 */
static bool
op_humble(const struct op *op)
{
	for (unsigned int i = 0; i < 6; i++) {
		const struct arg_desc *ad = &op->op_desc->od_args[i];
		const char *s = op->op_string[i];
		long v = op->op_value[i];

		if (ad->ad_list == file_modes && (v & 06000) != 0)
			return false;
		if (ad->ad_list == node_types && (S_ISCHR(v) || S_ISBLK(v)))
			return false;
		if (ad->ad_list == xattr_names && strncmp(s, "user.", 5) != 0)
			return false;
		if (ad->ad_list == setfl_flags && (v & O_NOATIME) != 0)
			return false;		/* who owns an epoll file? */
	}
	return true;
}

/* What the host forbids by its own settings is not asked for. */
static bool
op_allowed(const struct op *op, const struct rules *rules)
{
	if (!rules->ru_ids && (op->op_desc->od_ids || !op_humble(op)))
		return false;
	for (unsigned int i = 0; i < 6; i++)
		if (op->op_desc->od_args[i].ad_list == file_modes && rules->ru_sticky && (op->op_value[i] & 01000) != 0)
			return false;
	return true;
}

/* Where its descriptor goes: files and directories stay apart as well as may be. */
static unsigned int
slot_for(const struct op *op, uint64_t *r)
{
	bool directory = false;

	for (unsigned int i = 0; i < 6; i++)
		if (op->op_desc->od_args[i].ad_list == open_extras)
			directory = (op->op_value[i] & O_DIRECTORY) != 0 && (op->op_value[i] & O_CREAT) == 0 &&
			    (op->op_value[i] & O_TMPFILE) != O_TMPFILE;
	return directory ? rnd_below(r, NDIRSLOTS) : NDIRSLOTS + rnd_below(r, NSLOTS - NDIRSLOTS);
}

static const struct op_desc *
op_pick(uint64_t *r)
{
	unsigned int total = 0, n;

	for (unsigned int i = 0; i < op_ndescs; i++)
		total += op_descs[i].od_weight;
	n = rnd_below(r, total);
	for (unsigned int i = 0;; i++) {
		if (n < op_descs[i].od_weight)
			return &op_descs[i];
		n -= op_descs[i].od_weight;
	}
}

static void
op_clear(struct op *op)
{
	for (unsigned int i = 0; i < 6; i++)
		free(op->op_string[i]);
	memset(op, 0, sizeof(*op));
}

/* Some calls by which a sequence begins, so that there is something. */
static const struct { const char *name; const char *path; const char *target; } beginnings[] = {
	{ "mkdirat", "a", NULL }, { "mkdirat", "a/b", NULL }, { "mkdirat", "d", NULL }, { "creat", "c", NULL },
	{ "creat", "a/c", NULL }, { "symlinkat", "e", "a" }, { "symlinkat", "a/l", "../c" },
	{ "symlinkat", "loop", "loop" }, { "symlinkat", "m", "/a/b" },
};

static unsigned int
op_begin(struct op *ops, uint64_t *r)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < sizeof(beginnings) / sizeof(beginnings[0]); k++) {
		struct op *op = &ops[n];
		unsigned int at;

		if (rnd_below(r, 5) == 0)
			continue;
		for (at = 0; strcmp(op_descs[at].od_name, beginnings[k].name) != 0; at++)
			continue;
		op->op_desc = &op_descs[at];
		op->op_slot = slot_for(op, r);
		for (unsigned int i = 0; i < 6; i++) {
			switch (op->op_desc->od_args[i].ad_kind) {
			case A_DIRFD:
				op->op_value[i] = AT_FDCWD;
				break;
			case A_PATH:
				op->op_string[i] = strdup(beginnings[k].path);
				break;
			case A_TARGET:
				op->op_string[i] = strdup(beginnings[k].target);
				break;
			default:
				op->op_value[i] = 0755;
			}
		}
		n++;
	}
	return n;
}

void
op_generate(struct op *ops, unsigned int n, uint64_t seed, const struct rules *rules)
{
	uint64_t r = seed * 0x2545f4914f6cdd1d + 1;

	memset(ops, 0, n * sizeof(*ops));
	for (unsigned int k = op_begin(ops, &r); k < n; k++) {
		struct op *op = &ops[k];

		do {
			op_clear(op);
			op->op_desc = op_pick(&r);
			for (unsigned int i = 0; i < 6; i++)
				if (op->op_desc->od_args[i].ad_kind != A_NONE)
					invent(op, i, &r);
			op->op_slot = slot_for(op, &r);
		} while (!op_allowed(op, rules));
	}
}

void
op_free(struct op *ops, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		op_clear(&ops[i]);
}
