/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * attr.c - what files are: modes, owners, times, attributes, file systems
 *
 * References: stat(2), statx(2), access(2), chmod(2), chown(2), utimensat(2), setxattr(2), statfs(2), ioctl_iflags(2).
 */

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static char buf[70000];

static void
tell_stat(const char *name)
{
	struct stat st;

	T(lstat(name, &st));
	tell_text("  %s: mode %o links %u own %d size %ld blksize %ld", name, st.st_mode,
	    (unsigned int)st.st_nlink, st.st_uid == geteuid(), S_ISDIR(st.st_mode) ? 0L : (long)st.st_size,
	    (long)st.st_blksize);
}

static void
stats(void)
{
	struct stat st;
	int fd;

	file_make("f", 5000);
	(void)mkdir("d", 0755);
	(void)symlink("f", "l");
	(void)mkfifo("p", 0640);
	tell_stat("f");
	tell_stat("d");
	tell_stat("l");
	tell_stat("p");
	tell_stat(".");
	T(stat("f", &st));
	tell_text("blocks %ld rdev %lu", (long)st.st_blocks, (unsigned long)st.st_rdev);
	T(stat("gone", &st));
	T(stat("f/x", &st));
	T(stat("", &st));
	T(stat(NOWHERE, &st));
	T(stat("f", NOWHERE));
	T(fstat(-1, &st));
	T(fstatat(AT_FDCWD, "", &st, 0));
	T(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	T(fstatat(AT_FDCWD, "f", &st, 0x8000));
	T(fstatat(-1, "f", &st, 0));
	T(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW));
	tell_text("mode %o", st.st_mode);
	T(fstatat(AT_FDCWD, "f", &st, AT_NO_AUTOMOUNT));
	fd = (int)T(open("f", O_PATH));
	T(fstat(fd, &st));
	T(fstatat(fd, "", &st, AT_EMPTY_PATH));
	T(fstatat(fd, "x", &st, 0));
	T(fstatat(fd, "", &st, 0));
}

static void
statxs(void)
{
	static const unsigned int masks[] = { 0, STATX_TYPE, STATX_MODE | STATX_SIZE, STATX_BASIC_STATS,
	    STATX_ALL, STATX_BTIME, STATX_MNT_ID };
	struct statx sx;

	file_make("f", 5000);
	(void)symlink("f", "l");
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		memset(&sx, 0xaa, sizeof(sx));
		T(statx(AT_FDCWD, "f", 0, masks[i], &sx));
		tell_text("  asked %x got %x mode %o size %lu blksize %u attributes %lx", masks[i],
		    sx.stx_mask & ~0xfffff000U, sx.stx_mode, (unsigned long)sx.stx_size, sx.stx_blksize,
		    (unsigned long)sx.stx_attributes & ~(unsigned long)STATX_ATTR_MOUNT_ROOT);
	}
	T(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx));
	tell_text("  mode %o", sx.stx_mode);
	T(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, "f", 0x800000, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, "f", 0, STATX__RESERVED, &sx));
	T(statx(AT_FDCWD, "", 0, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, "gone", 0, STATX_BASIC_STATS, &sx));
	T(statx(-1, "f", 0, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, NOWHERE, 0, STATX_BASIC_STATS, &sx));
	T(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, NOWHERE));
	T(statx(AT_FDCWD, name_of(256), 0, STATX_BASIC_STATS, &sx));
	T(syscall(SYS_statx, T(open("f", O_RDONLY)), "", AT_EMPTY_PATH, STATX_SIZE, &sx));
	T(syscall(SYS_statx, 0, NULL, AT_EMPTY_PATH, STATX_TYPE, &sx));
}

static void
modes(void)
{
	struct stat st;
	int fd;

	file_make("f", 1);
	(void)mkdir("d", 0755);
	(void)symlink("f", "l");
	(void)symlink("gone", "g");
	T(chmod("f", 0));
	T(access("f", R_OK));
	T(access("f", F_OK));
	T(open("f", O_RDONLY));
	T(chmod("f", 07777));
	T(stat("f", &st));
	tell_text("  %o", st.st_mode);
	T(chmod("f", 0177777));
	T(stat("f", &st));
	tell_text("  %o", st.st_mode);
	T(chmod("l", 0600));
	T(chmod("g", 0600));
	T(chmod("gone", 0600));
	T(chmod("", 0600));
	T(chmod(NOWHERE, 0600));
	T(chmod("f/x", 0600));
	T(fchmod(-1, 0600));
	T(fchmodat(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	T(fchmodat(AT_FDCWD, "f", 0600, 0x8000));
	T(syscall(452, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	T(syscall(452, AT_FDCWD, "f", 0640, 0));
	fd = (int)T(open("f", O_RDONLY));
	T(syscall(452, fd, "", 0604, AT_EMPTY_PATH));
	T(fchmod(fd, 0444));
	T(stat("f", &st));
	tell_text("  %o", st.st_mode);
	T(access("f", W_OK));
	T(access("f", X_OK));
	T(access("d", X_OK));
	T(access("f", 8));
	T(access("", F_OK));
	T(access(NOWHERE, F_OK));
	T(access("f/x", F_OK));
	T(access("g", F_OK));
	T(faccessat(AT_FDCWD, "g", F_OK, AT_SYMLINK_NOFOLLOW));
	T(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	T(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x4000));
	T(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
	T(syscall(SYS_faccessat2, -1, "f", R_OK, 0));
	T(umask(0777777));
	T(umask(022));
	T(mkdir("m", 07777));
	T(stat("m", &st));
	tell_text("  %o", st.st_mode);
	T(open("n", O_CREAT | O_RDONLY, 07777));
	T(stat("n", &st));
	tell_text("  %o", st.st_mode);
}

static void
owners(void)
{
	struct stat st;
	int fd;

	file_make("f", 1);
	(void)symlink("gone", "g");
	T(chown("f", (uid_t)-1, (gid_t)-1));
	T(chown("f", getuid(), getgid()));
	T(chmod("f", 06755));
	T(chown("f", getuid(), getgid()));
	T(stat("f", &st));
	tell_text("  %o", st.st_mode);
	T(chown("f", 12345, 23456));
	T(stat("f", &st));
	tell_text("  %d", st.st_uid == 12345);
	T(chown("f", (uid_t)-1, 34567));
	T(chown("gone", 1, 1));
	T(chown("g", getuid(), getgid()));
	T(lchown("g", getuid(), getgid()));
	T(chown("", getuid(), getgid()));
	T(chown(NOWHERE, getuid(), getgid()));
	T(fchown(-1, getuid(), getgid()));
	fd = (int)T(open("n", O_CREAT | O_RDWR, 0644));
	T(fchown(fd, getuid(), getgid()));
	T(fchown(T(open("n", O_PATH)), getuid(), getgid()));
	T(fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH));
	T(fchownat(AT_FDCWD, "g", getuid(), getgid(), AT_SYMLINK_NOFOLLOW));
	T(fchownat(AT_FDCWD, "f", getuid(), getgid(), 0x8000));
	T(fchownat(-1, "n", getuid(), getgid(), 0));
	T(fchown(fd, 0xfffffffe, (gid_t)-1));
}

static void
times(void)
{
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } }, omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	struct timespec old[2] = { { 1000, 1 }, { 2000, 999999999 } }, bad[2] = { { 0, -1 }, { 0, 0 } };
	struct timespec neg[2] = { { -100, 5 }, { -200, 6 } }, mixed[2] = { { 7, UTIME_OMIT }, { 3000, 0 } };
	struct stat st;
	int fd;

	file_make("f", 1);
	(void)symlink("f", "l");
	T(utimensat(AT_FDCWD, "f", old, 0));
	T(stat("f", &st));
	tell_text("  %ld.%ld %ld.%ld", st.st_atime, st.st_atim.tv_nsec, st.st_mtime, st.st_mtim.tv_nsec);
	T(utimensat(AT_FDCWD, "f", omit, 0));
	T(utimensat(AT_FDCWD, "f", mixed, 0));
	T(stat("f", &st));
	tell_text("  %ld.%ld %ld.%ld", st.st_atime, st.st_atim.tv_nsec, st.st_mtime, st.st_mtim.tv_nsec);
	T(utimensat(AT_FDCWD, "f", neg, 0));
	T(stat("f", &st));
	tell_text("  %ld.%ld %ld.%ld", st.st_atime, st.st_atim.tv_nsec, st.st_mtime, st.st_mtim.tv_nsec);
	T(utimensat(AT_FDCWD, "f", bad, 0));
	T(utimensat(AT_FDCWD, "f", now, 0));
	T(utimensat(AT_FDCWD, "f", NULL, 0));
	T(utimensat(AT_FDCWD, "gone", now, 0));
	T(utimensat(AT_FDCWD, "gone", omit, 0));
	T(utimensat(AT_FDCWD, "l", old, AT_SYMLINK_NOFOLLOW));
	T(lstat("l", &st));
	tell_text("  %ld %ld", st.st_atime, st.st_mtime);
	T(utimensat(AT_FDCWD, "f", now, 0x8000));
	T(utimensat(-1, "f", now, 0));
	T(syscall(SYS_utimensat, AT_FDCWD, NULL, now, 0));
	T(syscall(SYS_utimensat, AT_FDCWD, "f", NOWHERE, 0));
	fd = (int)T(open("f", O_RDONLY));
	T(futimens(fd, old));
	T(futimens(-1, old));
	T(syscall(SYS_utimensat, fd, NULL, now, AT_SYMLINK_NOFOLLOW));
	T(syscall(SYS_utimensat, fd, "", old, AT_EMPTY_PATH));
	T(read(fd, buf, 1));
	T(stat("f", &st));
	tell_text("  read: %d", st.st_atime > 1000);
}

static void
xattrs(void)
{
	int fd;

	file_make("f", 1);
	(void)symlink("f", "l");
	(void)mkfifo("p", 0644);
	T(setxattr("f", "user.a", "value", 5, 0));
	T(setxattr("f", "user.a", "value2", 6, XATTR_CREATE));
	T(setxattr("f", "user.b", "v", 1, XATTR_REPLACE));
	T(setxattr("f", "user.b", "", 0, XATTR_CREATE));
	T(setxattr("f", "user.c", "v", 1, 9));
	T(setxattr("f", "user.", "v", 1, 0));
	T(setxattr("f", "user", "v", 1, 0));
	T(setxattr("f", "", "v", 1, 0));
	T(setxattr("f", "nobody.x", "v", 1, 0));
	T(setxattr("f", name_of(256), "v", 1, 0));
	T(setxattr("f", NOWHERE, "v", 1, 0));
	T(setxattr("f", "user.d", NOWHERE, 1, 0));
	T(setxattr("f", "user.d", buf, 65537, 0));
	T(setxattr("gone", "user.d", "v", 1, 0));
	T(setxattr("p", "user.d", "v", 1, 0));
	T(lsetxattr("l", "user.d", "v", 1, 0));
	T(getxattr("f", "user.a", buf, 100));
	tell_bytes("value", buf, 5);
	T(getxattr("f", "user.a", buf, 0));
	T(getxattr("f", "user.a", buf, 2));
	T(getxattr("f", "user.b", buf, 100));
	T(getxattr("f", "user.none", buf, 100));
	T(getxattr("f", "nobody.x", buf, 100));
	T(getxattr("f", "user.a", NOWHERE, 100));
	T(lgetxattr("l", "user.a", buf, 100));
	T(listxattr("f", buf, 1000) >= 14);
	T(listxattr("f", buf, 3));
	T(listxattr("gone", buf, 3));
	T(llistxattr("l", buf, 1000));
	fd = (int)T(open("f", O_RDONLY));
	T(fgetxattr(fd, "user.a", buf, 100));
	T(fsetxattr(fd, "user.e", "v", 1, 0));
	T(fsetxattr(T(open("f", O_PATH)), "user.e", "v", 1, 0));
	T(fgetxattr(-1, "user.a", buf, 100));
	T(fremovexattr(fd, "user.e"));
	T(removexattr("f", "user.a"));
	T(removexattr("f", "user.a"));
	T(removexattr("f", "nobody.x"));
	T(getxattr("f", "user.a", buf, 100));
	T(chmod("f", 0444));
	T(setxattr("f", "user.f", "v", 1, 0));
	T(getxattr("f", "trusted.x", buf, 10));
	T(getxattr("f", "security.capability", buf, 10));
	T(getxattr("f", "system.posix_acl_access", buf, 10));
}

static void
statfss(void)
{
	struct statfs sf;
	struct statvfs sv;
	int fd, pipes[2], value = 0;

	file_make("f", 1);
	T(statfs(".", &sf));
	tell_text("  type %lx bsize %ld namelen %ld frsize %ld", (unsigned long)sf.f_type, (long)sf.f_bsize,
	    (long)sf.f_namelen, (long)sf.f_frsize);
	T(statfs("gone", &sf));
	T(statfs("f/x", &sf));
	T(statfs("", &sf));
	T(statfs(NOWHERE, &sf));
	T(statfs("f", NOWHERE));
	fd = (int)T(open("f", O_RDONLY));
	T(fstatfs(fd, &sf));
	T(fstatfs(T(open("f", O_PATH)), &sf));
	T(fstatfs(-1, &sf));
	T(fstatvfs(fd, &sv));
	T(pipe(pipes));
	T(fstatfs(pipes[0], &sf));
	tell_text("  type %lx", (unsigned long)sf.f_type);
	T(ioctl(fd, FIONREAD, &value));
	tell_text("  %d", value);
	T(ioctl(fd, 0x5401, buf));
	T(ioctl(fd, 0x12345678, buf));
	T(ioctl(-1, FIONREAD, &value));
	T(ioctl(pipes[0], FIONREAD, &value));
	T(ioctl(pipes[0], FIONREAD, NOWHERE));
	T(ioctl(pipes[0], 0x5401, buf));
	T(isatty(fd));
	T(ttyname_r(fd, buf, 100));
	T(pathconf("f", _PC_NAME_MAX));
	T(pathconf("f", _PC_LINK_MAX));
	T(pathconf("f", _PC_PIPE_BUF));
}

const struct group attr_groups[] = {
	{ "stat", stats },
	{ "statx", statxs },
	{ "chmod-and-access", modes },
	{ "chown", owners },
	{ "utimensat", times },
	{ "xattr", xattrs },
	{ "statfs-and-ioctl", statfss },
	{ NULL, NULL },
};
