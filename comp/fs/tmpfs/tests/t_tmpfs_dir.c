/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_dir.c - listing directories, also while they change
 */

#include "tmpfs_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct dent {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];
};

/* The kernel's tables of vnodes and names grow for good. */
#define GROWS	(HARNESS_SIDE | HARNESS_KEEPS)

#define MANY	100000

static uint8_t *seen;		/* how often a number was listed */

/* One getdents64; -1 at the end, else the number of entries. */
static int
list_some(int fd, size_t bufsize, int64_t *ret_off)
{
	_Alignas(8) char buf[32768];
	ssize_t got;
	int n = 0;

	got = rump_sys_getdents64(fd, buf, bufsize);
	CHECK(got >= 0);
	if (got <= 0)
		return -1;
	for (ssize_t pos = 0; pos < got;) {
		struct dent *d = (struct dent *)(void *)(buf + pos);
		int number;

		if (sscanf(d->d_name, "f%d", &number) == 1 && number < MANY)
			seen[number]++;
		if (ret_off != NULL)
			*ret_off = d->d_off;
		pos += d->d_reclen;
		n++;
	}
	return n;
}

static void
name_of(char *buf, const char *dir, int number)
{
	snprintf(buf, 64, "%s/f%d", dir, number);
}

static void
make(const char *dir, int from, int to)
{
	char path[64];

	for (int i = from; i < to; i++) {
		name_of(path, dir, i);
		NEED(rump_sys_mknod(path, S_IFREG | 0600, 0) == 0);
	}
}

static void
drop(const char *dir, int number)
{
	char path[64];

	name_of(path, dir, number);
	CHECK_EQ(path, 0, rump_sys_unlink(path));
}

static int
open_dir(const char *path)
{
	int fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY);

	NEED(fd >= 0);
	seen = calloc(MANY, 1);
	NEED(seen != NULL);
	return fd;
}

static void
close_dir(int fd)
{
	free(seen);
	rump_sys_close(fd);
}

TEST(an_empty_directory_lists_its_dots)
{
	_Alignas(8) char buf[200];
	struct dent *d = (struct dent *)(void *)buf;
	int fd;

	tmpfs_begin("");
	fd = open_dir("/mnt");
	CHECK_EQ("two", 2 * 24, rump_sys_getdents64(fd, buf, sizeof(buf)));
	CHECK_STR("first", ".", d->d_name);
	CHECK_EQ("itself", st_of("/mnt").st_ino, d->d_ino);
	CHECK_EQ("type", DT_DIR, d->d_type);
	d = (struct dent *)(void *)(buf + d->d_reclen);
	CHECK_STR("second", "..", d->d_name);
	CHECK_EQ("end", 0, rump_sys_getdents64(fd, buf, sizeof(buf)));
	CHECK_EQ("rewind", 0, rump_sys_lseek(fd, 0, SEEK_SET));
	CHECK_EQ("too small", EINVAL, ERR(rump_sys_getdents64(fd, buf, 20)));
	close_dir(fd);
	tmpfs_end();
}

TEST(a_removed_directory_lists_nothing)
{
	char buf[200];
	int fd;

	tmpfs_begin("");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/d", 0755));
	fd = open_dir("/mnt/d");
	CHECK_EQ("rmdir", 0, rump_sys_rmdir("/mnt/d"));
	CHECK_EQ("list", ENOENT, ERR(rump_sys_getdents64(fd, buf,
	    sizeof(buf))));
	CHECK_EQ("create", ENOENT, ERR(rump_sys_openat(fd, "x",
	    O_CREAT | O_WRONLY, 0600)));
	close_dir(fd);
	tmpfs_end();
}

TEST_WITH(each_entry_is_listed_once_whatever_the_buffer,
    .ht_flags = GROWS)
{
	static const size_t sizes[] = { 24, 32, 100, 999, 32768 };

	tmpfs_begin("");
	make("/mnt", 0, 300);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fd = open_dir("/mnt"), total = 0, n;

		while ((n = list_some(fd, sizes[i], NULL)) > 0)
			total += n;
		CHECK_EQ("all", 302, total);
		for (int j = 0; j < 300; j++)
			CHECK_EQ("once", 1, seen[j]);
		close_dir(fd);
	}
	tmpfs_end();
}

TEST_WITH(entries_that_stay_are_listed_once_while_others_come_and_go,
    .ht_flags = GROWS)
{
	int fd, next = 1000;

	tmpfs_begin("");
	make("/mnt", 0, 1000);
	fd = open_dir("/mnt");
	for (int round = 0; list_some(fd, 300, NULL) > 0; round++) {
		/* Every third goes, seen or not; new ones come. */
		if (round * 3 < 1000)
			drop("/mnt", round * 3);
		make("/mnt", next, next + 5);
		next += 5;
		NEED(next < MANY);
	}
	for (int i = 0; i < 1000; i++)
		if (i % 3 != 0)
			CHECK_EQ("once", 1, seen[i]);
		else
			CHECK(seen[i] <= 1);
	for (int i = 1000; i < next; i++)
		CHECK(seen[i] <= 1);
	close_dir(fd);
	tmpfs_end();
}

TEST_WITH(everything_can_be_removed_while_it_is_listed,
    .ht_flags = GROWS)
{
	_Alignas(8) char buf[1000];
	struct dent *d;
	ssize_t got;
	char path[300];
	int fd;

	tmpfs_begin("");
	make("/mnt", 0, 2000);
	fd = open_dir("/mnt");
	while ((got = rump_sys_getdents64(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t pos = 0; pos < got; pos += d->d_reclen) {
			d = (struct dent *)(void *)(buf + pos);
			snprintf(path, sizeof(path), "/mnt/%s", d->d_name);
			if (d->d_name[0] == 'f')
				CHECK_EQ(path, 0, rump_sys_unlink(path));
		}
	}
	CHECK_EQ("empty", 40, st_of("/mnt").st_size);
	close_dir(fd);
	tmpfs_end();
}

TEST(a_place_can_be_found_again)
{
	int64_t places[100];
	int fd, n = 0;

	tmpfs_begin("");
	make("/mnt", 0, 200);
	fd = open_dir("/mnt");
	while (n < 100 && list_some(fd, 64, &places[n]) > 0)
		n++;
	CHECK(n > 50);
	for (int i = n - 1; i >= 0; i -= 7) {
		int64_t next = 0;

		CHECK_EQ("seek", places[i], rump_sys_lseek(fd, places[i],
		    SEEK_SET));
		if (i + 1 < n && list_some(fd, 64, &next) > 0)
			CHECK_EQ("goes on as before", places[i + 1], next);
	}
	close_dir(fd);
	tmpfs_end();
}

TEST_WITH(many_listings_at_once_do_not_disturb_each_other,
    .ht_flags = GROWS)
{
	uint8_t *all[10];
	int fd[10], left = 10;

	tmpfs_begin("");
	make("/mnt", 0, 500);
	for (int i = 0; i < 10; i++) {
		fd[i] = open_dir("/mnt");
		all[i] = seen;
	}
	while (left > 0) {
		left = 0;
		for (int i = 0; i < 10; i++) {
			seen = all[i];
			left += list_some(fd[i], 100 + (size_t)i * 30,
			    NULL) > 0;
		}
	}
	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 500; j++)
			CHECK_EQ("once", 1, all[i][j]);
		seen = all[i];
		close_dir(fd[i]);
	}
	tmpfs_end();
}

TEST_WITH(a_hundred_thousand_entries_are_no_problem,
    .ht_flags = GROWS | HARNESS_POOLS, .ht_seconds = 40)
{
	char path[64];
	int fd, total = 0, n;

	tmpfs_begin("nr_inodes=0");
	make("/mnt", 0, MANY);
	CHECK_EQ("size", 40 + 20 * MANY, st_of("/mnt").st_size);
	for (int i = 0; i < MANY; i += 997) {
		name_of(path, "/mnt", i);
		CHECK(exists(path));
	}
	CHECK(!exists("/mnt/f100000"));
	fd = open_dir("/mnt");
	while ((n = list_some(fd, 32768, NULL)) > 0)
		total += n;
	CHECK_EQ("all", MANY + 2, total);
	for (int i = 0; i < MANY; i++)
		if (seen[i] != 1)
			CHECK_EQ("once", 1, seen[i]);
	for (int i = 0; i < MANY; i++)
		drop("/mnt", i);
	CHECK_EQ("empty", 40, st_of("/mnt").st_size);
	close_dir(fd);
	tmpfs_end();
}
