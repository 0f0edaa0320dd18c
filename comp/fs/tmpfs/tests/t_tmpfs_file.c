/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_file.c - regular files: content, holes, space, times
 */

#include "tmpfs_test.h"

#include <linux/falloc.h>


TEST(a_file_keeps_what_was_written)
{
	char in[10000], out[10000];
	int fd;

	tmpfs_begin("");
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 31);
	fd = mkfile("/mnt/a");
	CHECK_EQ("write", sizeof(in), rump_sys_write(fd, in, sizeof(in)));
	CHECK_EQ("pread", sizeof(in), rump_sys_pread64(fd, out, sizeof(out),
	    0));
	CHECK_MEM("content", in, out, sizeof(in));
	CHECK_EQ("at the end", 0, rump_sys_read(fd, out, 10));
	CHECK_EQ("over the end", 5, rump_sys_pread64(fd, out, 10,
	    sizeof(in) - 5));
	CHECK_EQ("far beyond", 0, rump_sys_pread64(fd, out, 10, 1LL << 60));
	CHECK_EQ("blocks", 24, st_of("/mnt/a").st_blocks);
	CHECK_EQ("block size", 4096, st_of("/mnt/a").st_blksize);
	rump_sys_close(fd);
	tmpfs_end();
}

TEST(an_unlinked_file_lives_until_it_is_closed)
{
	char c = 0;
	struct stat st;
	int fd;

	tmpfs_begin("");
	fd = mkfile("/mnt/a");
	CHECK_EQ("write", 1, rump_sys_write(fd, "x", 1));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/a"));
	CHECK_EQ("read", 1, rump_sys_pread64(fd, &c, 1, 0));
	CHECK_EQ("content", 'x', c);
	CHECK_EQ("stat", 0, rump_sys_fstat(fd, &st));
	CHECK_EQ("no name", 0, st.st_nlink);
	touch("/mnt/a");
	CHECK(st_of("/mnt/a").st_ino != st.st_ino);
	rump_sys_close(fd);
	tmpfs_end();
}

TEST(a_nameless_file_can_be_given_a_name)
{
	struct stat st;
	int fd;

	tmpfs_begin("");
	fd = rump_sys_open("/mnt", O_TMPFILE | O_RDWR, 0600);
	NEED(fd >= 0);
	CHECK_EQ("write", 3, rump_sys_write(fd, "abc", 3));
	CHECK_EQ("stat", 0, rump_sys_fstat(fd, &st));
	CHECK_EQ("no name", 0, st.st_nlink);
	CHECK_EQ("link", 0, rump_sys_linkat(fd, "", AT_FDCWD, "/mnt/a",
	    AT_EMPTY_PATH));
	CHECK_EQ("one name", 1, st_of("/mnt/a").st_nlink);
	CHECK_EQ("content", 3, st_of("/mnt/a").st_size);
	CHECK_EQ("same", st.st_ino, st_of("/mnt/a").st_ino);
	rump_sys_close(fd);

	fd = rump_sys_open("/mnt", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	NEED(fd >= 0);
	CHECK_EQ("exclusive", ENOENT, ERR(rump_sys_linkat(fd, "", AT_FDCWD,
	    "/mnt/b", AT_EMPTY_PATH)));
	rump_sys_close(fd);
	tmpfs_end();
}

static const struct { off_t off; int whence; off_t want; } seeks[] = {
	{ 0, SEEK_DATA, 0 }, { 0, SEEK_HOLE, 4096 },
	{ 100, SEEK_DATA, 100 }, { 4096, SEEK_DATA, 999424 },
	{ 4096, SEEK_HOLE, 4096 }, { 500000, SEEK_HOLE, 500000 },
	{ 999424, SEEK_HOLE, 1003520 }, { 1003519, SEEK_DATA, 1003519 },
	{ 1003520, SEEK_DATA, -1 }, { 2000000, SEEK_HOLE, 2000000 },
	{ 2999999, SEEK_DATA, -1 }, { 3000000, SEEK_HOLE, -1 },
};

TEST(holes_are_found_read_as_zeroes_and_cost_nothing)
{
	char buf[8192];
	int fd;

	tmpfs_begin("");
	fd = mkfile("/mnt/a");
	memset(buf, 'x', sizeof(buf));
	CHECK_EQ("write", 100, rump_sys_pwrite64(fd, buf, 100, 0));
	CHECK_EQ("write", 100, rump_sys_pwrite64(fd, buf, 100, 1000000));
	CHECK_EQ("longer", 0, rump_sys_ftruncate(fd, 3000000));
	CHECK_EQ("blocks", 16, st_of("/mnt/a").st_blocks);
	for (size_t i = 0; i < ARRAY_SIZE(seeks); i++) {
		off_t got = rump_sys_lseek(fd, seeks[i].off, seeks[i].whence);

		CHECK_EQ("seek", seeks[i].want, got);
		if (got == -1)
			CHECK_EQ("seek", ENXIO, errno);
	}
	CHECK_EQ("read", 8192, rump_sys_pread64(fd, buf, 8192, 50));
	CHECK_EQ("data", 'x', buf[49]);
	for (int i = 50; i < 8192; i++)
		CHECK_EQ("zero", 0, buf[i]);
	CHECK_EQ("end", 8192, rump_sys_pread64(fd, buf, 8192, 2991808));
	rump_sys_close(fd);
	tmpfs_end();
}

TEST(what_a_shrunk_file_had_does_not_come_back)
{
	char buf[5000];
	int fd;

	tmpfs_begin("");
	fd = mkfile("/mnt/a");
	memset(buf, 'x', sizeof(buf));
	CHECK_EQ("write", 5000, rump_sys_write(fd, buf, 5000));
	CHECK_EQ("shrink", 0, rump_sys_ftruncate(fd, 10));
	CHECK_EQ("blocks", 8, st_of("/mnt/a").st_blocks);
	CHECK_EQ("grow", 0, rump_sys_ftruncate(fd, 5000));
	CHECK_EQ("read", 5000, rump_sys_pread64(fd, buf, 5000, 0));
	for (int i = 0; i < 5000; i++)
		CHECK_EQ("zero", i < 10 ? 'x' : 0, buf[i]);
	rump_sys_close(fd);
	tmpfs_end();
}

/* Modes of fallocate and what Linux's tmpfs answers. */
static const struct { const char *label; int mode, error; off_t size;
	blkcnt_t blocks; } allocs[] = {
	{ "plain",	0, 0, 16384, 24 },
	{ "keep size",	FALLOC_FL_KEEP_SIZE, 0, 10, 24 },
	{ "punch",	FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10, 8 },
	{ "punch alone", FALLOC_FL_PUNCH_HOLE, EOPNOTSUPP, 10, 8 },
	{ "zero",	FALLOC_FL_ZERO_RANGE, EOPNOTSUPP, 10, 8 },
	{ "collapse",	FALLOC_FL_COLLAPSE_RANGE, EOPNOTSUPP, 10, 8 },
	{ "insert",	FALLOC_FL_INSERT_RANGE, EOPNOTSUPP, 10, 8 },
	{ "unshare",	FALLOC_FL_UNSHARE_RANGE, EOPNOTSUPP, 10, 8 },
};

TEST(fallocate_does_what_it_does_on_linux)
{
	for (size_t i = 0; i < ARRAY_SIZE(allocs); i++) {
		int fd;

		tmpfs_begin("");
		fd = mkfile("/mnt/a");
		CHECK_EQ("write", 10, rump_sys_write(fd, "0123456789", 10));
		CHECK_EQ(allocs[i].label, allocs[i].error,
		    ERR(rump_sys_fallocate(fd, allocs[i].mode, 8192, 8192)));
		CHECK_EQ(allocs[i].label, allocs[i].size,
		    st_of("/mnt/a").st_size);
		CHECK_EQ(allocs[i].label, allocs[i].blocks,
		    st_of("/mnt/a").st_blocks);
		CHECK_EQ("allocated is not written", -1,
		    rump_sys_lseek(fd, 4096, SEEK_DATA));
		rump_sys_close(fd);
		tmpfs_end();
	}
}

TEST(pages_beyond_the_end_go_with_any_truncation)
{
	int fd;

	tmpfs_begin("");
	fd = mkfile("/mnt/a");
	CHECK_EQ("write", 3, rump_sys_write(fd, "abc", 3));
	CHECK_EQ("beyond", 0, rump_sys_fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192,
	    8192));
	CHECK_EQ("blocks", 24, st_of("/mnt/a").st_blocks);
	CHECK_EQ("same size", 0, rump_sys_ftruncate(fd, 3));
	CHECK_EQ("blocks", 8, st_of("/mnt/a").st_blocks);
	CHECK_EQ("size", 3, st_of("/mnt/a").st_size);
	rump_sys_close(fd);
	tmpfs_end();
}

TEST(a_bad_buffer_is_an_error_and_no_more)
{
	int fd;

	tmpfs_begin("");
	fd = mkfile("/mnt/a");
	CHECK_EQ("write", EFAULT, ERR(rump_sys_write(fd, (void *)16, 100)));
	CHECK_EQ("size", 0, st_of("/mnt/a").st_size);
	CHECK_EQ("blocks", 0, st_of("/mnt/a").st_blocks);
	CHECK_EQ("write", 5, rump_sys_write(fd, "hello", 5));
	CHECK_EQ("read", EFAULT, ERR(rump_sys_pread64(fd, (void *)16, 5, 0)));
	rump_sys_close(fd);
	tmpfs_end();
}

TEST(content_changes_show_in_the_times)
{
	struct stat a, b;
	int fd;

	tmpfs_begin("");
	fd = mkfile("/mnt/a");
	a = st_of("/mnt/a");
	rump_sys_nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	CHECK_EQ("write", 1, rump_sys_write(fd, "x", 1));
	b = st_of("/mnt/a");
	CHECK(b.st_mtim.tv_sec > a.st_mtim.tv_sec ||
	    b.st_mtim.tv_nsec > a.st_mtim.tv_nsec);
	CHECK_EQ("mtime is ctime", b.st_mtim.tv_nsec, b.st_ctim.tv_nsec);
	CHECK_EQ("atime stays", a.st_atim.tv_nsec, b.st_atim.tv_nsec);
	rump_sys_close(fd);
	tmpfs_end();
}
