/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_test.c - making an image, and walking it
 */

#include "ext2_test.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <harness.h>

#define PATH_SIZE	1024

static char image_dir[] = "/tmp/ext2_test.XXXXXX";
static char image_path[64];
static pid_t image_owner;

/* A journal with a copy of the first block of /big. */
static const char script[] =
    "set -e; PATH=$PATH:/usr/sbin:/sbin; cd \"$1\"; mkdir -p tree/many tree/d/e;"
    "i=0; while [ $i -lt 100 ]; do"
    "  : >\"tree/many/$(printf 'name-%03d-and-more' $i)\"; i=$((i + 1)); done;"
    "printf hello >tree/small; seq 1 3000 >tree/big; ln -s small tree/link;"
    "ln -s \"$(printf '%0200d' 7)\" tree/long;"
    "seq 1 50 >tree/holes; truncate -s 400000 tree/holes;"
    "seq 1 50 >>tree/holes; mkfifo tree/d/e/fifo;"
    "mkfs.ext4 -q -F -b 1024 -N 512 -O inline_data,ea_inode,metadata_csum"
    "  -J size=1 -d tree image 6m;"
    "e2fsck -fyD image || [ $? -eq 1 ]; seq 1 200 >value;"
    "printf 'ea_set small user.small value\\nea_set -f value big user.medium\\n"
    "ea_set -f tree/big small user.large\\nquit\\n' | debugfs -w -f - image;"
    "head -c 1024 /dev/zero >block;"
    "b=$(debugfs -R 'bmap /big 0' image);"
    "printf 'jo\\njw -b %s block\\njc\\nquit\\n' \"$b\" | debugfs -w -f - image";

static void
image_remove(void)
{
	char command[128];

	if (getpid() != image_owner)
		return;
	snprintf(command, sizeof(command), "rm -rf %s", image_dir);
	if (system(command) != 0)
		perror(image_dir);
}

static void __attribute__((__constructor__))
image_make(void)
{
	char command[4096];

	if (mkdtemp(image_dir) == NULL)
		return;
	image_owner = getpid();
	atexit(image_remove);
	if (setenv("SCRIPT", script, 1) != 0)
		return;
	snprintf(command, sizeof(command),
	    "sh -c \"$SCRIPT\" sh %s >%s/log 2>&1 </dev/null", image_dir,
	    image_dir);
	if (system(command) == 0)
		snprintf(image_path, sizeof(image_path), "%s/image",
		    image_dir);
	unsetenv("SCRIPT");
}

const char *
ext2_image(void)
{
	if (image_path[0] == '\0')
		SKIP("e2fsprogs made no image");
	return image_path;
}

int
ext2_test_mount(const char *device)
{
	return rump_sys_mount(device, "/mnt", "ext4", MS_RDONLY, "") == -1 ?
	    errno : 0;
}

int
ext2_test_umount(void)
{
	return rump_sys_umount2("/mnt", 0) == -1 ? errno : 0;
}

static int
look_at_xattrs(const char *path)
{
	char names[1024], *value;
	ssize_t len = rump_sys_llistxattr(path, names, sizeof(names));
	int error = len == -1 ? errno : 0;

	value = malloc(65536);
	for (char *p = names; error == 0 && p < names + len;
	    p += strlen(p) + 1) {
		if (rump_sys_lgetxattr(path, p, value, 65536) == -1)
			error = errno;
	}
	free(value);
	return error;
}

static int
look_at_file(const char *path, off_t size)
{
	char buf[4096];
	off_t data = 0, hole;
	ssize_t n;
	int error = 0, fd = rump_sys_open(path, O_RDONLY);

	if (fd == -1)
		return errno;
	while ((n = rump_sys_read(fd, buf, sizeof(buf))) > 0)
		continue;
	if (n == -1)
		error = errno;
	while (error == 0 && data < size) {
		data = rump_sys_lseek(fd, data, SEEK_DATA);
		if (data == -1) {
			error = errno == ENXIO ? 0 : errno;
			break;
		}
		hole = rump_sys_lseek(fd, data, SEEK_HOLE);
		if (hole == -1)
			error = errno;
		data = hole;
	}
	rump_sys_close(fd);
	return error;
}

static int
look_at(const char *path, const struct stat *st)
{
	char target[512];
	int error = look_at_xattrs(path);

	if (error == 0 && S_ISLNK(st->st_mode) &&
	    rump_sys_readlink(path, target, sizeof(target)) == -1)
		error = errno;
	if (error == 0 && S_ISREG(st->st_mode))
		error = look_at_file(path, st->st_size);
	return error;
}

static int
walk_entries(const char *path, char *buf, ssize_t n, unsigned int *files)
{
	char below[PATH_SIZE];
	int error = 0;

	for (ssize_t at = 0; at < n && error == 0; ) {
		struct dirent64 *de = (struct dirent64 *)(buf + at);

		at += de->d_reclen;
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path,
		    de->d_name) >= sizeof(below))
			return ENAMETOOLONG;
		error = ext2_test_walk(below, files);
	}
	return error;
}

static int
walk_directory(const char *path, unsigned int *files)
{
	char buf[2048];
	int error = 0, fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY);
	ssize_t n = 0;

	if (fd == -1)
		return errno;
	while (error == 0 &&
	    (n = rump_sys_getdents64(fd, buf, sizeof(buf))) > 0)
		error = walk_entries(path, buf, n, files);
	if (error == 0 && n == -1)
		error = errno;
	rump_sys_close(fd);
	return error;
}

int
ext2_test_walk(const char *path, unsigned int *ret_files)
{
	unsigned int none = 0;
	struct stat st;
	int error;

	if (ret_files == NULL)
		ret_files = &none;
	if (rump_sys_newfstatat(AT_FDCWD, path, &st,
	    AT_SYMLINK_NOFOLLOW) == -1)
		return errno;
	++*ret_files;
	error = look_at(path, &st);
	if (error == 0 && S_ISDIR(st.st_mode))
		error = walk_directory(path, ret_files);
	return error;
}
