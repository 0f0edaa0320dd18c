/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_limit.c - how much an instance holds, says it holds, and gives back
 */

#include "tmpfs_test.h"

#include <sys/mount.h>
#include <sys/xattr.h>

#define TMPFS_MAGIC	0x01021994

static struct statfs
fs_of(const char *path)
{
	struct statfs sf;

	memset(&sf, 0, sizeof(sf));
	CHECK_EQ("statfs", 0, rump_sys_statfs(path, &sf));
	return sf;
}

TEST(statfs_tells_the_limits_and_what_is_left)
{
	struct statfs sf;
	char page[4096];
	int fd;

	tmpfs_begin("size=1m,nr_inodes=100");
	sf = fs_of("/mnt");
	CHECK_EQ("type", TMPFS_MAGIC, sf.f_type);
	CHECK_EQ("block", 4096, sf.f_bsize);
	CHECK_EQ("blocks", 256, sf.f_blocks);
	CHECK_EQ("free", 256, sf.f_bfree);
	CHECK_EQ("available", 256, sf.f_bavail);
	CHECK_EQ("files", 100, sf.f_files);
	CHECK_EQ("the root is one", 99, sf.f_ffree);
	CHECK_EQ("names", 255, sf.f_namelen);

	fd = mkfile("/mnt/a");
	memset(page, 1, sizeof(page));
	CHECK_EQ("write", 4096, rump_sys_pwrite64(fd, page, 4096, 100));
	sf = fs_of("/mnt");
	CHECK_EQ("two pages", 254, sf.f_bfree);
	CHECK_EQ("one file", 98, sf.f_ffree);
	CHECK_EQ("link", 0, rump_sys_link("/mnt/a", "/mnt/b"));
	CHECK_EQ("a name costs, too", 97, fs_of("/mnt").f_ffree);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/b"));
	CHECK_EQ("and is given back", 98, fs_of("/mnt").f_ffree);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/a"));
	CHECK_EQ("open files stay", 98, fs_of("/mnt").f_ffree);
	CHECK_EQ("with their pages", 254, fs_of("/mnt").f_bfree);
	rump_sys_close(fd);
	CHECK_EQ("until closed", 256, fs_of("/mnt").f_bfree);
	CHECK_EQ("until closed", 99, fs_of("/mnt").f_ffree);
	tmpfs_end();
}

TEST(no_limit_shows_as_nothing)
{
	struct statfs sf;

	tmpfs_begin("size=0,nr_inodes=0");
	sf = fs_of("/mnt");
	CHECK_EQ("blocks", 0, sf.f_blocks);
	CHECK_EQ("files", 0, sf.f_files);
	touch("/mnt/a");
	tmpfs_end();
}

TEST(writing_stops_at_the_limit_with_what_fits)
{
	static char buf[200 * 1024];
	int fd;

	tmpfs_begin("size=100k");
	fd = mkfile("/mnt/a");
	CHECK_EQ("short", 100 * 1024, rump_sys_write(fd, buf, sizeof(buf)));
	CHECK_EQ("full", ENOSPC, ERR(rump_sys_write(fd, buf, 1)));
	CHECK_EQ("size", 100 * 1024, st_of("/mnt/a").st_size);
	CHECK_EQ("overwriting", 4096, rump_sys_pwrite64(fd, buf, 4096, 5));
	CHECK_EQ("files", 0, ERR(rump_sys_close(mkfile("/mnt/b"))));
	CHECK_EQ("long link", ENOSPC, ERR(rump_sys_symlink(
	    "0123456789012345678901234567890123456789012345678901234567890123"
	    "0123456789012345678901234567890123456789012345678901234567890123"
	    , "/mnt/l")));
	CHECK_EQ("short link", 0, rump_sys_symlink("b", "/mnt/l"));
	CHECK_EQ("fallocate", ENOSPC, ERR(rump_sys_fallocate(fd, 0, 0,
	    200 * 1024)));
	CHECK_EQ("truncate", 0, rump_sys_ftruncate(fd, 4096));
	CHECK_EQ("room", 8192, rump_sys_pwrite64(fd, buf, 8192, 4096));
	rump_sys_close(fd);
	tmpfs_end();
}

TEST(files_stop_at_the_inode_limit)
{
	tmpfs_begin("nr_inodes=4");
	touch("/mnt/1");
	CHECK_EQ("dir", 0, rump_sys_mkdir("/mnt/2", 0755));
	CHECK_EQ("link", 0, rump_sys_link("/mnt/1", "/mnt/3"));
	CHECK_EQ("file", ENOSPC, ERR(rump_sys_open("/mnt/4",
	    O_CREAT | O_WRONLY, 0644)));
	CHECK_EQ("dir", ENOSPC, ERR(rump_sys_mkdir("/mnt/4", 0755)));
	CHECK_EQ("link", ENOSPC, ERR(rump_sys_link("/mnt/1", "/mnt/4")));
	CHECK_EQ("symlink", ENOSPC, ERR(rump_sys_symlink("x", "/mnt/4")));
	CHECK_EQ("fifo", ENOSPC, ERR(rump_sys_mknod("/mnt/4",
	    S_IFIFO | 0644, 0)));
	CHECK_EQ("tmpfile", ENOSPC, ERR(rump_sys_open("/mnt",
	    O_TMPFILE | O_RDWR, 0644)));
	CHECK(!exists("/mnt/4"));
	CHECK_EQ("parent", 2 + 1, st_of("/mnt").st_nlink);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/3"));
	touch("/mnt/4");
	tmpfs_end();
}

TEST(the_root_has_the_mode_and_owner_that_were_asked_for)
{
	struct stat st;

	tmpfs_begin("");
	CHECK_EQ("default", S_IFDIR | 01777, st_of("/mnt").st_mode);
	tmpfs_end();
	tmpfs_begin("mode=0710,uid=12,gid=34");
	st = st_of("/mnt");
	CHECK_EQ("mode", S_IFDIR | 0710, st.st_mode);
	CHECK_EQ("uid", 12, st.st_uid);
	CHECK_EQ("gid", 34, st.st_gid);
	tmpfs_end();
}

static const struct { const char *options; int error; } remounts[] = {
	{ "size=2m", 0 }, { "size=64k", 0 }, { "size=16k", EINVAL },
	{ "nr_inodes=50", 0 }, { "nr_inodes=1", EINVAL },
	{ "nonsense=1", EINVAL }, { "size=1m,nr_inodes=1", EINVAL },
	{ "size=0", 0 }, { "size=1m", EINVAL },
};

TEST(remounting_moves_the_limits_but_not_below_what_is_used)
{
	static char buf[60 * 1024];
	int fd;

	tmpfs_begin("size=1m,nr_inodes=100");
	fd = mkfile("/mnt/a");
	CHECK_EQ("write", sizeof(buf), rump_sys_write(fd, buf, sizeof(buf)));
	rump_sys_close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(remounts); i++)
		CHECK_EQ(remounts[i].options, remounts[i].error,
		    ERR(rump_sys_mount("tmpfs", "/mnt", "tmpfs", MS_REMOUNT,
		    remounts[i].options)));
	CHECK_EQ("a refused one changes nothing", 0, fs_of("/mnt").f_blocks);
	CHECK_EQ("content", sizeof(buf), st_of("/mnt/a").st_size);
	tmpfs_end();
}

TEST(bad_options_are_refused)
{
	CHECK_EQ("unknown", EINVAL, ERR(rump_sys_mount("tmpfs", "/mnt",
	    "tmpfs", 0, "colour=red")));
	CHECK_EQ("value", EINVAL, ERR(rump_sys_mount("tmpfs", "/mnt",
	    "tmpfs", 0, "size=big")));
	CHECK_EQ("not mounted", EINVAL, ERR(rump_sys_umount2("/mnt", 0)));
}

TEST(user_attributes_eat_from_the_inode_limit)
{
	static char value[60000];
	int n = 0;

	tmpfs_begin("nr_inodes=200");
	touch("/mnt/a");
	while (n < 10 && rump_sys_setxattr("/mnt/a", n == 0 ? "user.a" :
	    n == 1 ? "user.b" : n == 2 ? "user.c" : "user.d", value,
	    sizeof(value), XATTR_CREATE) == 0)
		n++;
	CHECK_EQ("three fit", 3, n);
	CHECK_EQ("why", ENOSPC, errno);
	CHECK(fs_of("/mnt").f_ffree < 30);
	CHECK_EQ("trusted ones are free", 0, rump_sys_setxattr("/mnt/a",
	    "trusted.a", value, sizeof(value), 0));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/a"));
	CHECK_EQ("all back", 199, fs_of("/mnt").f_ffree);
	tmpfs_end();
}
