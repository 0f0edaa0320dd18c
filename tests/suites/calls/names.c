/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * names.c - calls that look up, make and unmake names
 *
 * References: open(2), openat2(2), mkdir(2), mknod(2), link(2), symlink(2), readlink(2), rename(2), unlink(2),
 * rmdir(2), chdir(2), getcwd(2), path_resolution(7).
 */

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

/* What most groups have before them. */
static void
scene(void)
{
	file_make("file", 100);
	(void)mkdir("dir", 0755);
	file_make("dir/inner", 10);
	(void)mkdir("empty", 0755);
	(void)symlink("file", "link");
	(void)symlink("dir", "dirlink");
	(void)symlink("gone", "dangling");
	(void)symlink("loop2", "loop1");
	(void)symlink("loop1", "loop2");
	(void)mkfifo("fifo", 0644);
}

static void
open_errors(void)
{
	int d;

	scene();
	T(open("gone", O_RDONLY));
	T(open("file/x", O_RDONLY));
	T(open("dir", O_WRONLY));
	T(open("dir", O_RDWR));
	T(open("dir", O_RDONLY | O_CREAT, 0644));
	T(open("dir/", O_RDONLY | O_CREAT, 0644));
	T(open("new/", O_WRONLY | O_CREAT, 0644));
	T(open("file/", O_RDONLY));
	T(open("loop1", O_RDONLY));
	T(open("loop1/x", O_RDONLY));
	T(open("dangling", O_RDONLY));
	T(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644));
	T(open("link", O_RDONLY | O_NOFOLLOW));
	T(open("link", O_RDONLY | O_NOFOLLOW | O_PATH));
	T(open("dirlink", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
	T(open("dirlink/", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
	T(open("file", O_RDONLY | O_DIRECTORY));
	T(open("file", O_RDWR | O_CREAT | O_EXCL, 0644));
	T(open("gone", O_RDWR | O_DIRECTORY | O_CREAT, 0644));
	T(open("", O_RDONLY));
	T(open(name_of(255), O_RDONLY));
	T(open(name_of(256), O_RDONLY));
	T(open(name_of(4095), O_RDONLY));
	T(open(name_of(4096), O_RDONLY));
	T(open(NOWHERE, O_RDONLY));
	T(open("fifo", O_WRONLY | O_NONBLOCK));
	T(open("fifo", O_RDONLY | O_NONBLOCK));
	T(open("file", O_ACCMODE));
	T(open("file", O_RDONLY | O_TRUNC));
	T(open("file", O_RDONLY | 0x40000000));
	T(openat(-1, "file", O_RDONLY));
	T(openat(-1, "/", O_RDONLY | O_DIRECTORY));
	T(openat(999, "file", O_RDONLY));
	d = (int)T(open("file", O_RDONLY));
	T(openat(d, "x", O_RDONLY));
	T(openat(d, "", O_RDONLY));
	d = (int)T(open("dir", O_RDONLY));
	T(openat(d, "inner", O_RDWR));
	T(openat(d, "../file", O_RDWR));
	d = (int)T(open("dir", O_PATH));
	T(openat(d, "inner", O_RDWR));
	T(fchmod(d, 0700));
	T(fchdir(d));
	T(open("inner", O_RDONLY));
}

static void
open_tmpfile(void)
{
	char name[64];
	int fd;

	scene();
	T(open("dir", O_TMPFILE | O_RDONLY, 0644));
	T(open("file", O_TMPFILE | O_RDWR, 0644));
	T(open("gone", O_TMPFILE | O_RDWR, 0644));
	fd = (int)T(open("dir", O_TMPFILE | O_RDWR, 0600));
	T(write(fd, "hello", 5));
	T(linkat(fd, "", AT_FDCWD, "dir/named", AT_EMPTY_PATH));
	T(access("dir/named", F_OK));
	fd = (int)T(open("dir", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	T(linkat(fd, "", AT_FDCWD, "dir/named2", AT_EMPTY_PATH));
	fd = (int)T(open("dir", O_TMPFILE | O_RDWR, 0600));
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	T(linkat(AT_FDCWD, name, AT_FDCWD, "dir/named3", AT_SYMLINK_FOLLOW));
	T(access("dir/named3", F_OK));
}

#define OPENAT2(dir, name, ...) \
	T(syscall(SYS_openat2, (dir), (name), &(struct open_how){ __VA_ARGS__ }, sizeof(struct open_how)))

static void
open_how(void)
{
	struct open_how wide[2] = { { .flags = O_RDONLY } };
	int d;

	scene();
	(void)symlink("/", "abs");
	(void)symlink("../file", "dir/up");
	OPENAT2(AT_FDCWD, "file", .flags = O_RDONLY);
	OPENAT2(AT_FDCWD, "file", .flags = O_RDONLY, .mode = 0644);
	OPENAT2(AT_FDCWD, "new", .flags = O_RDWR | O_CREAT, .mode = 0644);
	OPENAT2(AT_FDCWD, "new2", .flags = O_RDWR | O_CREAT, .mode = 010644);
	OPENAT2(AT_FDCWD, "file", .flags = O_RDONLY, .resolve = 1UL << 40);
	OPENAT2(AT_FDCWD, "file", .flags = 1UL << 40);
	OPENAT2(AT_FDCWD, "link", .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS);
	OPENAT2(AT_FDCWD, "dirlink/inner", .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS);
	OPENAT2(AT_FDCWD, "link", .flags = O_PATH | O_NOFOLLOW, .resolve = RESOLVE_NO_SYMLINKS);
	d = (int)T(open("dir", O_RDONLY));
	OPENAT2(d, "inner", .flags = O_RDONLY, .resolve = RESOLVE_BENEATH);
	OPENAT2(d, "../file", .flags = O_RDONLY, .resolve = RESOLVE_BENEATH);
	OPENAT2(d, "up", .flags = O_RDONLY, .resolve = RESOLVE_BENEATH);
	OPENAT2(d, "/", .flags = O_RDONLY, .resolve = RESOLVE_BENEATH);
	OPENAT2(d, "../inner", .flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT);
	OPENAT2(d, "/inner", .flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT);
	OPENAT2(d, "up", .flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT);
	OPENAT2(d, "inner", .flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT | RESOLVE_BENEATH);
	OPENAT2(d, "inner", .flags = O_RDONLY, .resolve = RESOLVE_NO_XDEV);
	OPENAT2(d, "inner", .flags = O_RDONLY, .resolve = RESOLVE_NO_MAGICLINKS);
	OPENAT2(AT_FDCWD, "abs", .flags = O_RDONLY, .resolve = RESOLVE_BENEATH);
	T(syscall(SYS_openat2, AT_FDCWD, "file", wide, 0));
	T(syscall(SYS_openat2, AT_FDCWD, "file", wide, 8));
	T(syscall(SYS_openat2, AT_FDCWD, "file", wide, sizeof(wide)));
	wide[1].flags = 1;
	T(syscall(SYS_openat2, AT_FDCWD, "file", wide, sizeof(wide)));
	T(syscall(SYS_openat2, AT_FDCWD, "file", NOWHERE, sizeof(wide[0])));
	T(syscall(SYS_openat2, AT_FDCWD, "file", wide, 1UL << 20));
}

static void
make_errors(void)
{
	scene();
	T(mkdir("dir", 0755));
	T(mkdir("file", 0755));
	T(mkdir("file/x", 0755));
	T(mkdir("gone/x", 0755));
	T(mkdir("dangling", 0755));
	T(mkdir("dangling/", 0755));
	T(mkdir("new/", 0755));
	T(mkdir(".", 0755));
	T(mkdir("new/..", 0755));
	T(mkdir("", 0755));
	T(mkdir("/", 0755));
	T(mkdir(name_of(256), 0755));
	T(mkdir(name_of(255), 0755));
	T(mkdir(NOWHERE, 0755));
	T(mkdirat(-1, "x", 0755));
	T(mkdir("loop1/x", 0755));
	T(mknod("file", S_IFREG | 0644, 0));
	T(mknod("node", S_IFREG | 0644, 0));
	T(mknod("node0", 0644, 0));
	T(mknod("nodedir", S_IFDIR | 0755, 0));
	T(mknod("nodelnk", S_IFLNK | 0755, 0));
	T(mknod("nodebad", S_IFMT | 0755, 0));
	T(mknod("nodesock", S_IFSOCK | 0644, 0));
	T(mknod("nodefifo/", S_IFIFO | 0644, 0));
	T(mknod("nodefifo", S_IFIFO | 0644, 0));
	T(open("nodesock", O_RDONLY));
	T(rmdir("file"));
	T(rmdir("dir"));
	T(rmdir("empty"));
	T(rmdir("empty"));
	T(rmdir("dirlink"));
	T(rmdir("dirlink/"));
	T(rmdir("new/."));
	T(rmdir("new/.."));
	T(rmdir("."));
	T(rmdir(".."));
	T(rmdir("/"));
	T(rmdir(""));
	T(rmdir(NOWHERE));
	T(unlink("dir"));
	T(unlink("dir/"));
	T(unlink("file/"));
	T(unlink("link/"));
	T(unlink("dirlink/"));
	T(unlink("gone"));
	T(unlink(""));
	T(unlink("."));
	T(unlink(NOWHERE));
	T(unlinkat(AT_FDCWD, "new", 0));
	T(unlinkat(AT_FDCWD, "new", AT_REMOVEDIR));
	T(unlinkat(AT_FDCWD, "file", AT_REMOVEDIR));
	T(unlinkat(AT_FDCWD, "file", 1));
	T(unlinkat(-1, "file", 0));
	T(unlinkat(0, "file", 0));
	T(unlink("loop1"));
	T(unlink("file"));
	T(unlink("file"));
}

static void
links(void)
{
	char buf[128];
	struct stat st;
	int fd;

	scene();
	T(link("file", "hard"));
	T(stat("hard", &st));
	tell_text("links %u", (unsigned int)st.st_nlink);
	T(link("file", "hard"));
	T(link("file", "hard/"));
	T(link("gone", "x"));
	T(link("dir", "x"));
	T(link("link", "linkhard"));
	T(lstat("linkhard", &st));
	tell_text("mode %o", st.st_mode & S_IFMT);
	T(linkat(AT_FDCWD, "link", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
	T(lstat("followed", &st));
	tell_text("mode %o", st.st_mode & S_IFMT);
	T(linkat(AT_FDCWD, "file", AT_FDCWD, "y", 0x8000));
	T(linkat(-1, "file", AT_FDCWD, "y", 0));
	T(linkat(AT_FDCWD, "file", -1, "y", 0));
	T(link("file", ""));
	T(link("", "y"));
	T(link(NOWHERE, "y"));
	T(link("file", NOWHERE));
	T(link("file", "file/y"));
	T(link("file", name_of(256)));
	T(symlink("", "y"));
	T(symlink("x", ""));
	T(symlink("x", "link"));
	T(symlink("x", "new/"));
	T(symlink(name_of(4095), "long"));
	T(symlink(name_of(4096), "longer"));
	T(symlink(NOWHERE, "y"));
	T(symlinkat("x", -1, "y"));
	T(readlink("link", buf, sizeof(buf)));
	T(readlink("link", buf, 2));
	tell_bytes("cut", buf, 2);
	T(readlink("link", buf, 0));
	T(readlink("file", buf, sizeof(buf)));
	T(readlink("gone", buf, sizeof(buf)));
	T(readlink("dirlink/", buf, sizeof(buf)));
	T(readlink("", buf, sizeof(buf)));
	T(readlink("link", NOWHERE, sizeof(buf)));
	T(readlinkat(AT_FDCWD, "", buf, sizeof(buf)));
	fd = (int)T(open("link", O_PATH | O_NOFOLLOW));
	T(readlinkat(fd, "", buf, sizeof(buf)));
	T(readlinkat(fd, "x", buf, sizeof(buf)));
	fd = (int)T(open("file", O_RDONLY));
	T(readlinkat(fd, "", buf, sizeof(buf)));
	T(stat("long", &st));
	T(lstat("long", &st));
	tell_text("size %ld", (long)st.st_size);
}

static void
renames(void)
{
	scene();
	file_make("a", 1);
	file_make("b", 2);
	(void)link("a", "alink");
	T(rename("gone", "x"));
	T(rename("a", "alink"));
	T(access("a", F_OK));
	T(rename("a", "dir"));
	T(rename("dir", "a"));
	T(rename("empty", "dir"));
	T(rename("dir", "empty"));
	T(rename("empty", "empty/x"));
	T(rename("empty", "."));
	T(rename(".", "x"));
	T(rename("..", "x"));
	T(rename("empty", "/"));
	T(rename("a", "x/"));
	T(rename("a/", "x"));
	T(rename("empty/", "moved/"));
	T(rename("a", ""));
	T(rename("", "a"));
	T(rename("a", "b/x"));
	T(rename("a/x", "b"));
	T(rename("link", "link2"));
	T(rename("dirlink/", "dirlink3"));
	T(rename("a", name_of(256)));
	T(rename(NOWHERE, "b"));
	T(rename("a", NOWHERE));
	T(renameat(-1, "a", AT_FDCWD, "b"));
	T(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	T(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	T(renameat2(AT_FDCWD, "a", AT_FDCWD, "gone", RENAME_EXCHANGE));
	T(renameat2(AT_FDCWD, "a", AT_FDCWD, "moved", RENAME_EXCHANGE));
	T(access("a/inner", F_OK));
	T(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE));
	T(renameat2(AT_FDCWD, "b", AT_FDCWD, "white", RENAME_WHITEOUT | RENAME_EXCHANGE));
	T(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 0x80));
	T(mkdir("p", 0755));
	T(mkdir("p/q", 0755));
	T(rename("p", "p/q/r"));
	T(rename("p/q", "p"));
	T(renameat2(AT_FDCWD, "p", AT_FDCWD, "p/q", RENAME_EXCHANGE));
}

static void
directories(void)
{
	char buf[300], small[4];
	struct stat st;
	DIR *d;
	int fd, n = 0;

	scene();
	T(chdir("gone"));
	T(chdir("file"));
	T(chdir("loop1"));
	T(chdir(""));
	T(chdir(NOWHERE));
	T(chdir(name_of(256)));
	T(fchdir(-1));
	fd = (int)T(open("file", O_RDONLY));
	T(fchdir(fd));
	T(syscall(SYS_getcwd, small, sizeof(small)));
	T(syscall(SYS_getcwd, small, 0));
	T(syscall(SYS_getcwd, NOWHERE, 300));
	T(chdir("dirlink"));
	T(getcwd(buf, sizeof(buf)) != NULL);
	tell_text("%s", strrchr(buf, '/'));
	T(stat("inner", &st));
	T(chdir(".."));
	T(stat("file", &st));
	T(mkdir("doomed", 0755));
	T(chdir("doomed"));
	T(rmdir("../doomed"));
	T(syscall(SYS_getcwd, buf, sizeof(buf)));
	T(stat(".", &st));
	tell_text("links %u", (unsigned int)st.st_nlink);
	T(stat("..", &st));
	T(open("x", O_RDWR | O_CREAT, 0644));
	T(mkdir("x", 0755));
	T(chdir(".."));
	T(stat("file", &st));
	fd = (int)T(open("dir", O_RDONLY));
	T(syscall(SYS_getdents64, fd, buf, 1));
	T(syscall(SYS_getdents64, fd, NOWHERE, 300));
	T(syscall(SYS_getdents64, -1, buf, 300));
	T(syscall(SYS_getdents64, fd, buf, 300) > 0);
	T(syscall(SYS_getdents64, fd, buf, 300));
	T(lseek(fd, 0, SEEK_SET));
	T(read(fd, buf, 1));
	T(write(fd, buf, 1));
	T(ftruncate(fd, 1));
	T(pread(fd, buf, 1, 0));
	T(syscall(SYS_getdents64, T(open("file", O_RDONLY)), buf, 300));
	d = fdopendir(fd);
	while (readdir(d) != NULL)
		n++;
	tell_text("%d names", n);
	T(closedir(d));
	T(close(fd));
	T(mkdir("doomed", 0755));
	fd = (int)T(open("doomed", O_RDONLY));
	T(rmdir("doomed"));
	T(syscall(SYS_getdents64, fd, buf, 300));
	T(openat(fd, "x", O_CREAT | O_RDWR, 0644));
	T(fstat(fd, &st));
}

const struct group names_groups[] = {
	{ "open-errors", open_errors },
	{ "open-tmpfile", open_tmpfile },
	{ "openat2", open_how },
	{ "make-and-remove", make_errors },
	{ "links", links },
	{ "renames", renames },
	{ "directories", directories },
	{ NULL, NULL },
};
