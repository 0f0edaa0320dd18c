/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_name.c - names: links, directories, and the ways of renaming
 */

#include "tmpfs_test.h"

#include <sys/sysmacros.h>

#include <stdio.h>

TEST(each_kind_of_file_can_be_made)
{
	static const mode_t kinds[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR,
		S_IFBLK };
	char target[10];

	tmpfs_begin("");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		dev_t dev = makedev(7, 300);
		struct stat st;

		CHECK_EQ("mknod", 0, rump_sys_mknod("/mnt/x", kinds[i] | 0640,
		    dev));
		st = st_of("/mnt/x");
		CHECK_EQ("mode", kinds[i] | 0640, st.st_mode);
		CHECK_EQ("device", kinds[i] == S_IFCHR || kinds[i] == S_IFBLK ?
		    dev : 0, st.st_rdev);
		CHECK_EQ("links", 1, st.st_nlink);
		CHECK_EQ("there", EEXIST, ERR(rump_sys_mkdir("/mnt/x", 0)));
		CHECK_EQ("not a directory", ENOTDIR, ERR(rump_sys_rmdir(
		    "/mnt/x")));
		CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/x"));
	}
	CHECK_EQ("symlink", 0, rump_sys_symlink("nowhere", "/mnt/l"));
	CHECK_EQ("size", 7, st_of("/mnt/l").st_size);
	CHECK_EQ("mode", S_IFLNK | 0777, st_of("/mnt/l").st_mode);
	CHECK_EQ("readlink", 7, rump_sys_readlink("/mnt/l", target, 10));
	CHECK_MEM("text", "nowhere", target, 7);
	CHECK_EQ("cut", 3, rump_sys_readlink("/mnt/l", target, 3));
	tmpfs_end();
}

TEST(long_links_occupy_a_block)
{
	char text[4000];

	tmpfs_begin("");
	memset(text, 'x', sizeof(text));
	text[127] = '\0';
	CHECK_EQ("short", 0, rump_sys_symlink(text, "/mnt/a"));
	CHECK_EQ("blocks", 0, st_of("/mnt/a").st_blocks);
	text[127] = 'x';
	text[128] = '\0';
	CHECK_EQ("long", 0, rump_sys_symlink(text, "/mnt/b"));
	CHECK_EQ("blocks", 8, st_of("/mnt/b").st_blocks);
	tmpfs_end();
}

TEST(directories_count_their_entries)
{
	tmpfs_begin("");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/d", 0755));
	CHECK_EQ("empty", 40, st_of("/mnt/d").st_size);
	CHECK_EQ("links", 2, st_of("/mnt/d").st_nlink);
	touch("/mnt/d/file");
	CHECK_EQ("one", 60, st_of("/mnt/d").st_size);
	CHECK_EQ("links", 2, st_of("/mnt/d").st_nlink);
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/d/sub", 0755));
	CHECK_EQ("two", 80, st_of("/mnt/d").st_size);
	CHECK_EQ("links", 3, st_of("/mnt/d").st_nlink);
	CHECK_EQ("not empty", ENOTEMPTY, ERR(rump_sys_rmdir("/mnt/d")));
	CHECK_EQ("not a file", EISDIR, ERR(rump_sys_unlink("/mnt/d/sub")));
	CHECK_EQ("rmdir", 0, rump_sys_rmdir("/mnt/d/sub"));
	CHECK_EQ("links", 2, st_of("/mnt/d").st_nlink);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/d/file"));
	CHECK_EQ("rmdir", 0, rump_sys_rmdir("/mnt/d"));
	CHECK_EQ("parent", 2, st_of("/mnt").st_nlink);
	tmpfs_end();
}

/* So many that the kernel's tables of vnodes and names grow. */
TEST_WITH(names_of_any_length_and_byte_are_told_apart,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	char path[300], name[256];

	tmpfs_begin("");
	for (size_t len = 1; len <= 255; len++) {
		memset(name, 0x80 | (int)(len & 0x7f), len);
		name[len] = '\0';
		snprintf(path, sizeof(path), "/mnt/%s", name);
		touch(path);
	}
	CHECK_EQ("all", 40 + 255 * 20, st_of("/mnt").st_size);
	for (size_t len = 1; len <= 255; len++) {
		memset(name, 0x80 | (int)(len & 0x7f), len);
		name[len] = '\0';
		snprintf(path, sizeof(path), "/mnt/%s", name);
		CHECK_EQ("unlink", 0, rump_sys_unlink(path));
	}
	memset(name, 'x', 255);
	snprintf(path, sizeof(path), "/mnt/%.255sy", name);
	CHECK_EQ("too long", ENAMETOOLONG, ERR(rump_sys_open(path,
	    O_CREAT | O_WRONLY, 0600)));
	tmpfs_end();
}

/* What is at a name: nothing, a file, another name of the same file, ... */
enum kind { NONE, FILE_, SAME, LINK, EMPTY, FULL };

static void
place(const char *path, enum kind kind)
{
	char inside[32];

	switch (kind) {
	case NONE:
		break;
	case FILE_:
		touch(path);
		break;
	case SAME:
		CHECK_EQ("link", 0, rump_sys_link("/mnt/a/from", path));
		break;
	case LINK:
		CHECK_EQ("symlink", 0, rump_sys_symlink("from", path));
		break;
	case FULL:
	case EMPTY:
		CHECK_EQ("mkdir", 0, rump_sys_mkdir(path, 0755));
		if (kind == FULL) {
			snprintf(inside, sizeof(inside), "%s/x", path);
			touch(inside);
		}
		break;
	}
}

/* from, to, and the error of: rename, NOREPLACE, EXCHANGE. */
static const struct { enum kind from, to; int plain, noreplace, exchange; }
renames[] = {
	{ NONE,  NONE,  ENOENT, ENOENT, ENOENT },
	{ NONE,  FILE_, ENOENT, ENOENT, ENOENT },
	{ FILE_, NONE,  0, 0, ENOENT },
	{ FILE_, FILE_, 0, EEXIST, 0 },
	{ FILE_, SAME,  0, EEXIST, 0 },
	{ FILE_, LINK,  0, EEXIST, 0 },
	{ FILE_, EMPTY, EISDIR, EEXIST, 0 },
	{ FILE_, FULL,  EISDIR, EEXIST, 0 },
	{ LINK,  NONE,  0, 0, ENOENT },
	{ LINK,  FILE_, 0, EEXIST, 0 },
	{ EMPTY, NONE,  0, 0, ENOENT },
	{ EMPTY, FILE_, ENOTDIR, EEXIST, 0 },
	{ EMPTY, EMPTY, 0, EEXIST, 0 },
	{ EMPTY, FULL,  ENOTEMPTY, EEXIST, 0 },
	{ FULL,  EMPTY, 0, EEXIST, 0 },
	{ FULL,  FULL,  ENOTEMPTY, EEXIST, 0 },
};

/* Both link counts and sizes must agree with what is there. */
static void
check_dir(const char *dir)
{
	static const char *const names[] = { "from", "to" };
	int entries = 0, dirs = 0;
	char path[32];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (exists(path)) {
			entries++;
			dirs += S_ISDIR(st_of(path).st_mode);
		}
	}
	CHECK_EQ("size", 40 + 20 * entries, st_of(dir).st_size);
	CHECK_EQ("links", 2 + dirs, st_of(dir).st_nlink);
}

static void
rename_case(size_t i, unsigned int flags, int want, bool across)
{
	const char *to = across ? "/mnt/b/to" : "/mnt/a/to";
	ino_t from_ino = 0, to_ino = 0;
	char label[40];

	snprintf(label, sizeof(label), "case %zu flags %u%s", i, flags,
	    across ? " across" : "");
	tmpfs_begin("");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/a", 0755));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/b", 0755));
	place("/mnt/a/from", renames[i].from);
	place(to, renames[i].to);
	if (renames[i].from != NONE)
		from_ino = st_of("/mnt/a/from").st_ino;
	if (renames[i].to != NONE)
		to_ino = st_of(to).st_ino;

	CHECK_EQ(label, want, ERR(rump_sys_renameat2(AT_FDCWD, "/mnt/a/from",
	    AT_FDCWD, to, flags)));
	if (want == 0 && (flags & RENAME_EXCHANGE)) {
		CHECK_EQ(label, from_ino, st_of(to).st_ino);
		CHECK_EQ(label, to_ino, st_of("/mnt/a/from").st_ino);
	} else if (want == 0) {
		CHECK_EQ(label, from_ino, st_of(to).st_ino);
		CHECK_EQ(label, renames[i].to == SAME ||
		    (flags & RENAME_WHITEOUT), exists("/mnt/a/from"));
	} else {
		CHECK_EQ(label, renames[i].from != NONE,
		    exists("/mnt/a/from"));
		CHECK_EQ(label, renames[i].to != NONE, exists(to));
	}
	check_dir("/mnt/a");
	check_dir("/mnt/b");
	tmpfs_end();
}

TEST(renaming_follows_the_rules_for_each_pair_of_kinds)
{
	for (size_t i = 0; i < ARRAY_SIZE(renames); i++) {
		for (int across = 0; across < 2; across++) {
			rename_case(i, 0, renames[i].plain, across);
			rename_case(i, RENAME_NOREPLACE, renames[i].noreplace,
			    across);
			rename_case(i, RENAME_EXCHANGE, renames[i].exchange,
			    across);
		}
	}
}

TEST(a_whiteout_takes_the_place_of_what_moved)
{
	struct stat st;

	tmpfs_begin("");
	touch("/mnt/a");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/d", 0755));
	CHECK_EQ("whiteout", 0, rump_sys_renameat2(AT_FDCWD, "/mnt/a",
	    AT_FDCWD, "/mnt/d/b", RENAME_WHITEOUT));
	st = st_of("/mnt/a");
	CHECK_EQ("a device", S_IFCHR, st.st_mode & S_IFMT);
	CHECK_EQ("zero", 0, st.st_rdev);
	CHECK(exists("/mnt/d/b"));
	CHECK_EQ("same directory", 0, rump_sys_renameat2(AT_FDCWD, "/mnt/d/b",
	    AT_FDCWD, "/mnt/d/c", RENAME_WHITEOUT));
	CHECK_EQ("two", 80, st_of("/mnt/d").st_size);
	tmpfs_end();
}

TEST(a_directory_does_not_move_into_itself)
{
	tmpfs_begin("");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/a", 0755));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/a/b", 0755));
	CHECK_EQ("below", EINVAL, ERR(rump_sys_rename("/mnt/a", "/mnt/a/b/c")));
	CHECK_EQ("above", ENOTEMPTY, ERR(rump_sys_rename("/mnt/a/b",
	    "/mnt/a")));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/c", 0755));
	CHECK_EQ("move", 0, rump_sys_rename("/mnt/a/b", "/mnt/c/b"));
	CHECK_EQ("up is the new parent", st_of("/mnt/c").st_ino,
	    st_of("/mnt/c/b/..").st_ino);
	tmpfs_end();
}

TEST(hard_links_share_everything)
{
	tmpfs_begin("");
	touch("/mnt/a");
	CHECK_EQ("link", 0, rump_sys_link("/mnt/a", "/mnt/b"));
	CHECK_EQ("links", 2, st_of("/mnt/a").st_nlink);
	CHECK_EQ("chmod", 0, rump_sys_chmod("/mnt/b", 0600));
	CHECK_EQ("mode", S_IFREG | 0600, st_of("/mnt/a").st_mode);
	CHECK_EQ("there", EEXIST, ERR(rump_sys_link("/mnt/a", "/mnt/b")));
	CHECK_EQ("of a directory", EPERM, ERR(rump_sys_link("/mnt",
	    "/mnt/c")));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/a"));
	CHECK_EQ("links", 1, st_of("/mnt/b").st_nlink);
	tmpfs_end();
}

TEST(an_instance_is_gone_when_it_is_unmounted)
{
	int fd;

	tmpfs_begin("");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/a", 0755));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/a/b", 0755));
	touch("/mnt/a/b/c");
	CHECK_EQ("link", 0, rump_sys_link("/mnt/a/b/c", "/mnt/d"));
	CHECK_EQ("symlink", 0, rump_sys_symlink("d", "/mnt/e"));
	fd = rump_sys_open("/mnt/a/b/c", O_RDONLY);
	CHECK_EQ("in use", EBUSY, ERR(rump_sys_umount2("/mnt", 0)));
	rump_sys_close(fd);
	tmpfs_end();
	tmpfs_begin("");
	CHECK_EQ("new", 40, st_of("/mnt").st_size);
	tmpfs_end();
}
