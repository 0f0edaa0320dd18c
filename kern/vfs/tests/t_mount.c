/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_mount.c - mounting, in all its forms
 */

#include "vfs_test.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static void
mount_new(const char *where)
{
	NEED(rump_sys_mount("x", where, "rumpfs", 0, "") == 0);
}

static int
umount_err(const char *where, int flags)
{
	return ERR(rump_sys_umount2(where, flags));
}

/* A name that was looked for in vain is remembered; not so one that was removed. */
static void
forget(const char *path)
{
	touch(path);
	CHECK_EQ(path, 0, rump_sys_unlink(path));
}

TEST(a_mount_hides_what_was_there_and_gives_it_back)
{
	struct stat below, st;

	touch("/mnt/below");
	below = st_of("/mnt");
	mount_new("/mnt");
	CHECK(!exists("/mnt/below"));
	CHECK(st_of("/mnt").st_dev != below.st_dev);
	touch("/mnt/inside");
	CHECK_EQ("..", 0, rump_sys_stat("/mnt/..", &st));
	CHECK_EQ("leads out", st_of("/").st_dev, st.st_dev);
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
	CHECK(exists("/mnt/below") && !exists("/mnt/inside"));
	CHECK_EQ("not mounted", EINVAL, umount_err("/mnt", 0));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/mnt/below"));
	forget("/mnt/inside");
}

TEST(mounts_stack_and_come_off_in_reverse)
{
	mount_new("/mnt");
	touch("/mnt/first");
	mount_new("/mnt");
	touch("/mnt/second");
	CHECK(!exists("/mnt/first"));
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
	CHECK(exists("/mnt/first"));
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
}

static const struct {
	const char	*label, *source, *target, *type;
	unsigned long	 flags;
	int		 want;
} bad[] = {
	{ "no such type", "x", "/mnt", "nonsense", 0, ENODEV },
	{ "no type", "x", "/mnt", NULL, 0, EINVAL },
	{ "no target", "x", "/none", "rumpfs", 0, ENOENT },
	{ "target is a file", "x", "/file", "rumpfs", 0, ENOTDIR },
	{ "bind nothing", NULL, "/mnt", NULL, MS_BIND, EINVAL },
	{ "bind what is not", "/none", "/mnt", NULL, MS_BIND, ENOENT },
	{ "bind a file on a directory", "/file", "/mnt", NULL, MS_BIND, ENOTDIR },
	{ "bind a directory on a file", "/mnt", "/file", NULL, MS_BIND, ENOTDIR },
	{ "remount what is not", NULL, "/mnt", NULL, MS_REMOUNT, EINVAL },
	{ "move what is not", "/tmp", "/mnt", NULL, MS_MOVE, EINVAL },
	{ "two propagations", NULL, "/", NULL, MS_PRIVATE | MS_SHARED, EINVAL },
};

TEST(mount_says_what_is_wrong)
{
	touch("/file");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(bad[i].label, bad[i].want, ERR(rump_sys_mount(
		    bad[i].source, bad[i].target, bad[i].type, bad[i].flags, "")));
	CHECK_EQ("propagation", 0, rump_sys_mount(NULL, "/", NULL,
	    MS_PRIVATE | MS_REC, NULL));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/file"));
	forget("/none");
}

TEST(a_busy_mount_stays_unless_it_is_detached)
{
	char buf[8];
	int fd;

	mount_new("/mnt");
	fd = rump_sys_open("/mnt/f", O_CREAT | O_RDWR, 0644);
	CHECK_EQ("open file", EBUSY, umount_err("/mnt", 0));
	CHECK_EQ("force is no force", EBUSY, umount_err("/mnt", MNT_FORCE));
	CHECK_EQ("write", 3, rump_sys_write(fd, "abc", 3));
	CHECK_EQ("detach", 0, umount_err("/mnt", MNT_DETACH));
	CHECK_EQ("not there", EINVAL, umount_err("/mnt", MNT_DETACH));
	CHECK_EQ("the file works on", 3, rump_sys_pread(fd, buf, 8, 0));
	CHECK_EQ("and takes", 3, rump_sys_write(fd, "def", 3));
	rump_sys_close(fd);

	mount_new("/mnt");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/d", 0755));
	mount_new("/mnt/d");
	CHECK_EQ("mount in it", EBUSY, umount_err("/mnt", 0));
	CHECK_EQ("chdir", 0, rump_sys_chdir("/mnt/d"));
	CHECK_EQ("somebody stands there", EBUSY, umount_err("/mnt/d", 0));
	CHECK_EQ("all of it", 0, umount_err("/mnt", MNT_DETACH));
	touch("here");
	CHECK_EQ("chdir", 0, rump_sys_chdir("/"));
}

TEST(an_unused_mount_expires_at_the_second_call)
{
	mount_new("/mnt");
	CHECK_EQ("with force", EINVAL, umount_err("/mnt", MNT_EXPIRE | MNT_FORCE));
	CHECK_EQ("marked", EAGAIN, umount_err("/mnt", MNT_EXPIRE));
	touch("/mnt/used");
	CHECK_EQ("marked again", EAGAIN, umount_err("/mnt", MNT_EXPIRE));
	CHECK_EQ("gone", 0, umount_err("/mnt", MNT_EXPIRE));
	CHECK_EQ("gone", EINVAL, umount_err("/mnt", 0));
}

TEST(umount_looks_through_a_link_unless_told_not_to)
{
	mount_new("/mnt");
	CHECK_EQ("symlink", 0, rump_sys_symlink("/mnt", "/l"));
	CHECK_EQ("nofollow", EINVAL, umount_err("/l", UMOUNT_NOFOLLOW));
	CHECK_EQ("unknown flag", EINVAL, umount_err("/l", 0x100));
	CHECK_EQ("follow", 0, umount_err("/l", 0));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/l"));
}

TEST(a_bind_mount_is_the_same_directory_elsewhere)
{
	struct statfs sf;

	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/a", 0755));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/a/sub", 0755));
	CHECK_EQ("bind", 0, rump_sys_mount("/a", "/mnt", NULL, MS_BIND, NULL));
	touch("/mnt/f");
	CHECK_EQ("one file", st_of("/a/f").st_ino, st_of("/mnt/f").st_ino);
	CHECK_EQ("links do not cross", EXDEV, ERR(rump_sys_link("/a/f", "/mnt/g")));
	CHECK_EQ("nor names", EXDEV, ERR(rump_sys_rename("/a/f", "/mnt/g")));
	CHECK_EQ("read-only, here alone", 0, rump_sys_mount(NULL, "/mnt", NULL,
	    MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_EQ("no new file", EROFS, ERR(rump_sys_mkdir("/mnt/x", 0755)));
	CHECK_EQ("no writing", EROFS, ERR(rump_sys_open("/mnt/f", O_WRONLY)));
	CHECK_EQ("statfs", 0, rump_sys_statfs("/mnt", &sf));
	CHECK(sf.f_flags & 1);
	CHECK_EQ("but there", 0, rump_sys_unlink("/a/f"));
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
	CHECK_EQ("rmdir", 0, rump_sys_rmdir("/a/sub"));
	CHECK_EQ("rmdir", 0, rump_sys_rmdir("/a"));
}

TEST(a_recursive_bind_takes_mounts_along)
{
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/a", 0755));
	mount_new("/a");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/a/b", 0755));
	mount_new("/a/b");
	touch("/a/b/f");
	CHECK_EQ("bind", 0, rump_sys_mount("/a", "/mnt", NULL, MS_BIND, NULL));
	CHECK(!exists("/mnt/b/f"));
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
	CHECK_EQ("rbind", 0, rump_sys_mount("/a", "/mnt", NULL,
	    MS_BIND | MS_REC, NULL));
	CHECK(exists("/mnt/b/f"));
	CHECK_EQ("into itself", 0, rump_sys_mount("/a", "/a/b", NULL,
	    MS_BIND | MS_REC, NULL));
	CHECK_EQ("detach", 0, umount_err("/mnt", MNT_DETACH));
	CHECK_EQ("detach", 0, umount_err("/a", MNT_DETACH));
	CHECK_EQ("rmdir", 0, rump_sys_rmdir("/a"));
}

TEST(a_file_may_be_mounted_on_a_file)
{
	char buf[8];
	int fd;

	touch("/a");
	touch("/b");
	fd = rump_sys_open("/a", O_WRONLY);
	CHECK_EQ("write", 2, rump_sys_write(fd, "hi", 2));
	rump_sys_close(fd);
	CHECK_EQ("bind", 0, rump_sys_mount("/a", "/b", NULL, MS_BIND, NULL));
	fd = rump_sys_open("/b", O_RDONLY);
	CHECK_EQ("read", 2, rump_sys_read(fd, buf, sizeof(buf)));
	rump_sys_close(fd);
	CHECK_EQ("a mount point stays", EBUSY, ERR(rump_sys_unlink("/b")));
	CHECK_EQ("and where it is", EBUSY, ERR(rump_sys_rename("/b", "/c")));
	CHECK_EQ("umount", 0, umount_err("/b", 0));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/b"));
	CHECK_EQ("unlink", 0, rump_sys_unlink("/a"));
}

TEST(a_mount_can_be_moved)
{
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/a", 0755));
	mount_new("/a");
	touch("/a/f");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/a/d", 0755));
	CHECK_EQ("below itself", ELOOP, ERR(rump_sys_mount("/a", "/a/d", NULL,
	    MS_MOVE, NULL)));
	CHECK_EQ("the root", EINVAL, ERR(rump_sys_mount("/", "/mnt", NULL,
	    MS_MOVE, NULL)));
	CHECK_EQ("move", 0, rump_sys_mount("/a", "/mnt", NULL, MS_MOVE, NULL));
	CHECK(exists("/mnt/f") && !exists("/a/f"));
	CHECK_EQ("rmdir", 0, rump_sys_rmdir("/a"));
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
}

TEST(flags_of_a_mount_are_obeyed)
{
	struct stat st;

	mount_new("/mnt");
	touch("/mnt/f");
	CHECK_EQ("symlink", 0, rump_sys_symlink("f", "/mnt/l"));
	CHECK_EQ("mknod", 0, rump_sys_mknod("/mnt/null", S_IFCHR | 0666,
	    1 << 8 | 3));
	CHECK_EQ("remount", 0, rump_sys_mount(NULL, "/mnt", NULL, MS_REMOUNT |
	    MS_BIND | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW, NULL));
	CHECK_EQ("nodev", EACCES, ERR(rump_sys_open("/mnt/null", O_RDWR)));
	CHECK_EQ("chmod", 0, rump_sys_chmod("/mnt/f", 0755));
	CHECK_EQ("noexec", EACCES, ERR(rump_sys_access("/mnt/f", X_OK)));
	CHECK_EQ("nosymfollow", ELOOP, ERR(rump_sys_stat("/mnt/l", &st)));
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
}

TEST(a_writer_keeps_a_mount_writable)
{
	int fd;

	mount_new("/mnt");
	fd = rump_sys_open("/mnt/f", O_CREAT | O_RDWR, 0644);
	CHECK_EQ("busy", EBUSY, ERR(rump_sys_mount(NULL, "/mnt", NULL,
	    MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)));
	rump_sys_close(fd);
	CHECK_EQ("free", 0, rump_sys_mount(NULL, "/mnt", NULL,
	    MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_EQ("umount", 0, umount_err("/mnt", 0));
}

TEST(only_the_privileged_mount)
{
	NEED(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
	CHECK_EQ("setresuid", 0, rump_sys_setresuid(1000, 1000, 1000));
	CHECK_EQ("mount", EPERM, ERR(rump_sys_mount("x", "/mnt", "rumpfs", 0, "")));
	CHECK_EQ("umount", EPERM, umount_err("/mnt", 0));
	rump_pub_lwproc_releaselwp();
}

TEST(pointers_that_lead_nowhere_are_refused)
{
	const char *bad_ptr = (const char *)8;

	CHECK_EQ("source", EFAULT, ERR(rump_sys_mount(bad_ptr, "/mnt", "rumpfs",
	    0, "")));
	CHECK_EQ("target", EFAULT, ERR(rump_sys_mount("x", bad_ptr, "rumpfs", 0,
	    "")));
	CHECK_EQ("type", EFAULT, ERR(rump_sys_mount("x", "/mnt", bad_ptr, 0, "")));
	CHECK_EQ("umount", EFAULT, umount_err(bad_ptr, 0));
}
