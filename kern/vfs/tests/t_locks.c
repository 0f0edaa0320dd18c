/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_locks.c - advisory locks between procs, files and threads
 */

#include "vfs_test.h"

#include <sys/file.h>

static int
lock_cmd(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock fl = { .l_type = (short)type, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = len };

	return ERR(rump_sys_fcntl(fd, cmd, (unsigned long)&fl));
}

static struct flock
lock_test(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock fl = { .l_type = (short)type, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = len };

	CHECK_EQ("getlk", 0, rump_sys_fcntl(fd, cmd, (unsigned long)&fl));
	return fl;
}

static int
open_file(void)
{
	int fd = rump_sys_open("/f", O_CREAT | O_RDWR, 0644);

	NEED(fd >= 0);
	return fd;
}

TEST(a_proc_locks_others_out_and_not_itself)
{
	int fd = open_file(), pid = rump_sys_getpid();
	struct flock fl;

	CHECK_EQ("lock", 0, lock_cmd(fd, F_SETLK, F_WRLCK, 10, 10));
	CHECK_EQ("again", 0, lock_cmd(fd, F_SETLK, F_RDLCK, 12, 2));
	fl = lock_test(fd, F_GETLK, F_WRLCK, 0, 0);
	CHECK_EQ("one's own is not in the way", F_UNLCK, fl.l_type);

	NEED(rump_pub_lwproc_rfork(RUMP_RFFDG) == 0);
	CHECK_EQ("in the way", EAGAIN, lock_cmd(fd, F_SETLK, F_RDLCK, 11, 1));
	CHECK_EQ("readers share", 0, lock_cmd(fd, F_SETLK, F_RDLCK, 12, 2));
	CHECK_EQ("beside it", 0, lock_cmd(fd, F_SETLK, F_WRLCK, 20, 0));
	fl = lock_test(fd, F_GETLK, F_WRLCK, 0, 0);
	CHECK_EQ("type", F_WRLCK, fl.l_type);
	CHECK_EQ("start", 10, fl.l_start);
	CHECK_EQ("len", 2, fl.l_len);
	CHECK_EQ("whose", pid, fl.l_pid);
	rump_pub_lwproc_releaselwp();

	fl = lock_test(fd, F_GETLK, F_WRLCK, 0, 0);
	CHECK_EQ("locks ended with the proc", F_UNLCK, fl.l_type);
	rump_sys_close(fd);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/f"));
}

TEST(any_close_of_the_file_gives_a_procs_locks_up)
{
	int fd = open_file(), other;
	struct flock fl;

	CHECK_EQ("lock", 0, lock_cmd(fd, F_SETLK, F_WRLCK, 0, 0));
	other = rump_sys_open("/f", O_RDONLY);
	rump_sys_close(other);
	NEED(rump_pub_lwproc_rfork(RUMP_RFFDG) == 0);
	fl = lock_test(fd, F_GETLK, F_WRLCK, 0, 0);
	CHECK_EQ("free", F_UNLCK, fl.l_type);
	rump_pub_lwproc_releaselwp();
	rump_sys_close(fd);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/f"));
}

TEST(locks_of_an_open_file_follow_the_file)
{
	int a = open_file(), b = open_file(), c = rump_sys_dup(a), d;

	CHECK_EQ("lock", 0, lock_cmd(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	CHECK_EQ("the other file", EAGAIN, lock_cmd(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	CHECK_EQ("a duplicate is the same", 0, lock_cmd(c, F_OFD_SETLK, F_WRLCK, 5, 1));
	CHECK_EQ("a proc's lock too", EAGAIN, lock_cmd(a, F_SETLK, F_RDLCK, 0, 1));
	CHECK_EQ("told as no proc's", -1,
	    lock_test(b, F_GETLK, F_WRLCK, 0, 1).l_pid);
	d = open_file();
	rump_sys_close(d);
	rump_sys_close(a);
	CHECK_EQ("held", EAGAIN, lock_cmd(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	rump_sys_close(c);
	CHECK_EQ("free", 0, lock_cmd(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	rump_sys_close(b);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/f"));
}

static const struct {
	const char	*label;
	int		 cmd;
	struct flock	 fl;
	int		 want;
} odd[] = {
	{ "type", F_SETLK, { .l_type = 7 }, EINVAL },
	{ "whence", F_SETLK, { .l_type = F_RDLCK, .l_whence = 9 }, EINVAL },
	{ "before the start", F_SETLK, { .l_type = F_RDLCK, .l_start = -1 }, EINVAL },
	{ "backwards too far", F_SETLK, { .l_type = F_RDLCK, .l_start = 5,
	    .l_len = -6 }, EINVAL },
	{ "too long", F_SETLK, { .l_type = F_RDLCK, .l_start = 5,
	    .l_len = INT64_MAX }, EOVERFLOW },
	{ "a file's lock with a pid", F_OFD_SETLK, { .l_type = F_RDLCK, .l_pid = 3 },
	    EINVAL },
	{ "backwards", F_SETLK, { .l_type = F_RDLCK, .l_start = 5, .l_len = -5 }, 0 },
	{ "test for nothing", F_GETLK, { .l_type = F_UNLCK }, EINVAL },
};

TEST(odd_requests_are_refused)
{
	int fd = open_file(), ro;
	struct flock fl;

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		fl = odd[i].fl;
		CHECK_EQ(odd[i].label, odd[i].want, ERR(rump_sys_fcntl(fd,
		    odd[i].cmd, (unsigned long)&fl)));
	}
	ro = rump_sys_open("/f", O_RDONLY);
	CHECK_EQ("to write", EBADF, lock_cmd(ro, F_SETLK, F_WRLCK, 0, 0));
	CHECK_EQ("flock", EINVAL, ERR(rump_sys_flock(ro, 0)));
	CHECK_EQ("flock", EINVAL, ERR(rump_sys_flock(ro, LOCK_SH | LOCK_EX)));
	CHECK_EQ("flock", EBADF, ERR(rump_sys_flock(99, LOCK_SH)));
	rump_sys_close(ro);
	rump_sys_close(fd);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/f"));
}

TEST(flocks_are_a_world_of_their_own)
{
	int a = open_file(), b = open_file();

	CHECK_EQ("exclusive", 0, rump_sys_flock(a, LOCK_EX));
	CHECK_EQ("record locks do not mind", 0, lock_cmd(b, F_OFD_SETLK, F_WRLCK, 0, 0));
	CHECK_EQ("another file", EAGAIN, ERR(rump_sys_flock(b, LOCK_SH | LOCK_NB)));
	CHECK_EQ("downgrade", 0, rump_sys_flock(a, LOCK_SH));
	CHECK_EQ("shared", 0, rump_sys_flock(b, LOCK_SH | LOCK_NB));
	CHECK_EQ("upgrade", EAGAIN, ERR(rump_sys_flock(a, LOCK_EX | LOCK_NB)));
	/* As on Linux the attempt cost the lock. */
	CHECK_EQ("alone", 0, rump_sys_flock(b, LOCK_EX | LOCK_NB));
	rump_sys_close(b);
	CHECK_EQ("closed is unlocked", 0, rump_sys_flock(a, LOCK_EX | LOCK_NB));
	rump_sys_close(a);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/f"));
}

/* --- waiting ---------------------------------------------------------------- */

struct waiter {
	struct rumpuser_thread *wt_thread;
	struct lwp	*wt_lwp;
	int		 wt_fd;
	off_t		 wt_start;
	int		 wt_got;
};

static void
waiter_run(void *arg)
{
	struct waiter *wt = arg;

	rump_pub_lwproc_switch(wt->wt_lwp);
	wt->wt_got = lock_cmd(wt->wt_fd, F_SETLKW, F_WRLCK, wt->wt_start, 1);
	rump_pub_lwproc_releaselwp();
}

/* Somebody else's proc, which wants to lock a byte. */
static void
waiter_start(struct waiter *wt, int fd, off_t have, off_t want)
{
	wt->wt_fd = fd;
	wt->wt_start = want;
	wt->wt_got = -1;
	NEED(rump_pub_lwproc_rfork(RUMP_RFFDG) == 0);
	wt->wt_lwp = rump_pub_lwproc_curlwp();
	CHECK_EQ("first lock", 0, lock_cmd(fd, F_SETLK, F_WRLCK, have, 1));
	rump_pub_lwproc_switch(NULL);
	NEED(rumpuser_thread_create(waiter_run, wt, "waiter", &wt->wt_thread) == 0);
}

TEST_WITH(who_waits_is_woken_when_the_lock_is_free,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 10)
{
	int fd = open_file();
	struct waiter wt;

	CHECK_EQ("lock", 0, lock_cmd(fd, F_SETLK, F_WRLCK, 0, 1));
	waiter_start(&wt, fd, 1, 0);
	for (int i = 0; i < 20; i++)
		rumpuser_thread_yield();
	CHECK_EQ("unlock", 0, lock_cmd(fd, F_SETLK, F_UNLCK, 0, 1));
	rumpuser_thread_join(wt.wt_thread);
	CHECK_EQ("got it", 0, wt.wt_got);
	rump_sys_close(fd);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/f"));
}

/* He waits for us, we would wait for him: one of the two is told. */
TEST_WITH(a_ring_of_waiters_is_refused,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 20)
{
	int fd = open_file(), got;
	struct waiter wt;

	CHECK_EQ("lock", 0, lock_cmd(fd, F_SETLK, F_WRLCK, 0, 1));
	waiter_start(&wt, fd, 1, 0);
	got = lock_cmd(fd, F_SETLKW, F_WRLCK, 1, 1);
	CHECK_EQ("unlock", 0, lock_cmd(fd, F_SETLK, F_UNLCK, 0, 0));
	rumpuser_thread_join(wt.wt_thread);
	if (got == EDEADLK)
		CHECK_EQ("the other one got it", 0, wt.wt_got);
	else
		CHECK_EQ("the other one was told", EDEADLK, wt.wt_got);
	rump_sys_close(fd);
	CHECK_EQ("unlink", 0, rump_sys_unlink("/f"));
}
