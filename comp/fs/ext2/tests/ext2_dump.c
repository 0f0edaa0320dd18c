/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_dump.c - everything that a file system shows, a line a file
 *
 * ext2_dump [-o OPTIONS] IMAGE mounts the image in a kernel of its own and
 * walks it by system calls.  t_ext2_images.py makes the same lines from the
 * source tree or from Linux's mount of the image, and compares.
 *
 * A path and then key=value words; bytes which are not plain are \xNN.  What
 * cannot be read is a word error.CALL=ERRNO, and the exit code stays 0.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define READ_SIZE	(1 << 18)
#define VALUE_SIZE	65536
#define HOLES_MAX	((off_t)1 << 32)	/* larger files: the map alone */

static uint32_t crc_table[256];

static void
crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
		crc_table[i] = c;
	}
}

/* As zlib.crc32() of Python. */
static uint32_t
crc(uint32_t c, const unsigned char *p, size_t len)
{
	c = ~c;
	while (len-- > 0)
		c = c >> 8 ^ crc_table[(c ^ *p++) & 0xff];
	return ~c;
}

static void
put_escaped(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c > ' ' && c < 127 && c != '\\' && c != '=')
			putchar(c);
		else
			printf("\\x%02x", c);
	}
}

static void
put_error(const char *call)
{
	printf(" error.%s=%d", call, errno);
}

static void
put_time(const char *name, struct timespec t)
{
	printf(" %s=%lld.%09ld", name, (long long)t.tv_sec, t.tv_nsec);
}

static void
put_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t len = rump_sys_readlink(path, target, sizeof(target));

	if (len < 0) {
		put_error("readlink");
		return;
	}
	printf(" target=");
	put_escaped(target, (size_t)len);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
put_xattr(const char *path, const char *name)
{
	static unsigned char value[VALUE_SIZE];
	ssize_t len = rump_sys_lgetxattr(path, name, value, sizeof(value));

	printf(" xattr.");
	put_escaped(name, strlen(name));
	if (len < 0)
		printf("=error%d", errno);
	else
		printf("=%zd:%08x", len, crc(0, value, (size_t)len));
}

static void
put_xattrs(const char *path)
{
	static char names[VALUE_SIZE];
	char *sorted[1024];
	size_t n = 0;
	ssize_t len = rump_sys_llistxattr(path, names, sizeof(names));

	if (len < 0) {
		put_error("listxattr");
		return;
	}
	for (char *p = names; p < names + len && n < 1024; p += strlen(p) + 1)
		sorted[n++] = p;
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	for (size_t i = 0; i < n; i++)
		put_xattr(path, sorted[i]);
}

static void
put_content(int fd)
{
	static unsigned char buf[READ_SIZE];
	uint32_t c = 0;
	ssize_t n;

	while ((n = rump_sys_read(fd, buf, sizeof(buf))) > 0)
		c = crc(c, buf, (size_t)n);
	if (n < 0)
		put_error("read");
	else
		printf(" crc=%08x", c);
}

static void
put_map(int fd, off_t size)
{
	off_t off = 0, data, hole;

	printf(" map=");
	while (off < size) {
		data = rump_sys_lseek(fd, off, SEEK_DATA);
		if (data < 0) {
			if (errno != ENXIO)
				put_error("seek");
			return;
		}
		hole = rump_sys_lseek(fd, data, SEEK_HOLE);
		if (hole < 0) {
			put_error("seek");
			return;
		}
		printf("%" PRId64 "-%" PRId64 ",", (int64_t)data,
		    (int64_t)hole);
		off = hole;
	}
}

static void
put_file(const char *path, off_t size)
{
	int fd = rump_sys_open(path, O_RDONLY);

	if (fd < 0) {
		put_error("open");
		return;
	}
	if (size <= HOLES_MAX)
		put_content(fd);
	put_map(fd, size);
	rump_sys_close(fd);
}

static void
put_inode(const char *path, const char *shown, const struct stat *st)
{
	put_escaped(shown, strlen(shown));
	printf(" ino=%" PRIu64 " mode=%o nlink=%u uid=%u gid=%u",
	    (uint64_t)st->st_ino, st->st_mode, (unsigned int)st->st_nlink,
	    st->st_uid, st->st_gid);
	put_time("atime", st->st_atim);
	put_time("mtime", st->st_mtim);
	put_time("ctime", st->st_ctim);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf(" rdev=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (!S_ISDIR(st->st_mode))
		printf(" size=%" PRId64 " blocks=%" PRId64,
		    (int64_t)st->st_size, (int64_t)st->st_blocks);
	put_xattrs(path);
	if (S_ISLNK(st->st_mode))
		put_link(path);
	if (S_ISREG(st->st_mode))
		put_file(path, st->st_size);
	putchar('\n');
}

static void	walk(char *path, const char *shown);

static void
walk_entry(char *path, const char *shown, const struct dirent64 *de)
{
	size_t len = strlen(path);

	if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
		return;
	if (len + strlen(de->d_name) + 2 > PATH_MAX) {
		printf("%s error.path=%d\n", shown, ENAMETOOLONG);
		return;
	}
	sprintf(path + len, "/%s", de->d_name);
	walk(path, shown);
	path[len] = '\0';
}

static void
walk_directory(char *path, const char *shown)
{
	char buf[8192];
	ssize_t n;
	int fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY);

	if (fd < 0) {
		put_escaped(shown, strlen(shown));
		put_error("opendir");
		putchar('\n');
		return;
	}
	while ((n = rump_sys_getdents64(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n; ) {
			struct dirent64 *de = (struct dirent64 *)(buf + at);

			at += de->d_reclen;
			walk_entry(path, shown, de);
		}
	}
	if (n < 0) {
		put_escaped(shown, strlen(shown));
		put_error("getdents");
		putchar('\n');
	}
	rump_sys_close(fd);
}

static void
walk(char *path, const char *shown)
{
	struct stat st;

	if (rump_sys_fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		put_escaped(shown, strlen(shown));
		put_error("stat");
		putchar('\n');
		return;
	}
	put_inode(path, shown, &st);
	if (S_ISDIR(st.st_mode))
		walk_directory(path, shown);
}

static void
put_statfs(const char *path)
{
	struct statfs sf;

	if (rump_sys_statfs(path, &sf) != 0) {
		printf("statfs error.statfs=%d\n", errno);
		return;
	}
	printf("statfs bsize=%ld blocks=%" PRIu64 " bfree=%" PRIu64
	    " bavail=%" PRIu64 " files=%" PRIu64 " ffree=%" PRIu64 "\n",
	    (long)sf.f_bsize, (uint64_t)sf.f_blocks, (uint64_t)sf.f_bfree,
	    (uint64_t)sf.f_bavail, (uint64_t)sf.f_files,
	    (uint64_t)sf.f_ffree);
}

int
main(int argc, char **argv)
{
	const char *options = "";
	static char path[PATH_MAX] = "/dump";
	int opt, error;

	while ((opt = getopt(argc, argv, "o:")) == 'o')
		options = optarg;
	if (opt != -1 || optind != argc - 1)
		return 2;
	crc_init();
	error = rump_init();
	if (error == 0)
		error = rump_pub_etfs_register_flags("/dev/image",
		    argv[optind], RUMP_ETFS_BLK, 0, RUMP_ETFS_SIZE_ENDOFF,
		    RUMP_ETFS_RDONLY | RUMP_ETFS_NOPART);
	if (error) {
		fprintf(stderr, "ext2_dump: %s\n", strerror(error));
		return 3;
	}
	if (rump_sys_mkdir(path, 0755) != 0 ||
	    rump_sys_mount("/dev/image", path, "ext4", MS_RDONLY,
	    options) != 0) {
		printf("mount error.mount=%d\n", errno);
		return 0;
	}
	put_statfs(path);
	walk(path, path + strlen("/dump"));
	/* What is still held would make this fail. */
	if (rump_sys_umount2(path, 0) != 0)
		printf("umount error.umount=%d\n", errno);
	return 0;
}
