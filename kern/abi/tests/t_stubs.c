/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_stubs.c - the generated rump_sys_*(): their shape and what they pack
 *
 * No kernel here: the entry below stands for one, remembers the six
 * registers and answers what the test says.  The prototypes are compared
 * with the C library's by the compiler.
 */

#include <rump/rump_syscalls.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#undef HARNESS_SIDE			/* nothing to boot */
#define HARNESS_SIDE	HARNESS_BARE
#include <harness.h>
#include <rump/rump.h>

/* Where the C library has the function, ours is of the same type. */
#define SAME(name)							\
	_Static_assert(__builtin_types_compatible_p(			\
	    __typeof__(rump_sys_##name), __typeof__(name)), #name)

SAME(read); SAME(write); SAME(readv); SAME(writev); SAME(pread); SAME(pwrite);
SAME(pread64); SAME(pwrite64); SAME(preadv); SAME(pwritev); SAME(preadv2);
SAME(pwritev2); SAME(lseek); SAME(sendfile); SAME(splice); SAME(tee);
SAME(vmsplice); SAME(copy_file_range); SAME(open); SAME(creat); SAME(openat);
SAME(close); SAME(close_range); SAME(dup); SAME(dup2); SAME(dup3);
SAME(fcntl); SAME(ioctl); SAME(flock); SAME(pipe); SAME(pipe2);
SAME(eventfd); SAME(timerfd_create); SAME(timerfd_settime);
SAME(timerfd_gettime); SAME(signalfd); SAME(memfd_create); SAME(poll);
SAME(select); SAME(epoll_create); SAME(epoll_create1); SAME(epoll_ctl);
SAME(epoll_wait); SAME(epoll_pwait); SAME(epoll_pwait2); SAME(stat);
SAME(lstat); SAME(fstat); SAME(fstatat); SAME(statx); SAME(access);
SAME(faccessat); SAME(readlink); SAME(readlinkat); SAME(statfs);
SAME(fstatfs); SAME(truncate); SAME(ftruncate); SAME(fallocate);
SAME(readahead); SAME(fsync); SAME(fdatasync); SAME(syncfs);
SAME(sync_file_range); SAME(chmod); SAME(fchmod); SAME(fchmodat); SAME(chown);
SAME(lchown); SAME(fchown); SAME(fchownat); SAME(utime); SAME(utimes);
SAME(futimesat); SAME(utimensat); SAME(futimens); SAME(getdents64);
SAME(getcwd); SAME(chdir); SAME(fchdir); SAME(chroot); SAME(umask);
SAME(mkdir); SAME(mkdirat); SAME(rmdir); SAME(unlink); SAME(unlinkat);
SAME(link); SAME(linkat); SAME(symlink); SAME(symlinkat); SAME(rename);
SAME(renameat); SAME(renameat2); SAME(mknod); SAME(mknodat); SAME(mkfifo);
SAME(setxattr); SAME(lsetxattr); SAME(fsetxattr); SAME(getxattr);
SAME(lgetxattr); SAME(fgetxattr); SAME(listxattr); SAME(llistxattr);
SAME(flistxattr); SAME(removexattr); SAME(lremovexattr); SAME(fremovexattr);
SAME(mount); SAME(umount2); SAME(umount); SAME(socket); SAME(listen);
SAME(send); SAME(recv); SAME(sendmsg); SAME(recvmsg); SAME(setsockopt);
SAME(getsockopt); SAME(shutdown); SAME(clock_gettime); SAME(clock_getres);
SAME(clock_settime); SAME(clock_nanosleep); SAME(nanosleep); SAME(time);
SAME(times); SAME(alarm); SAME(getpid); SAME(getppid); SAME(gettid);
SAME(getuid); SAME(geteuid); SAME(getgid); SAME(getegid); SAME(setuid);
SAME(setgid); SAME(setreuid); SAME(setregid); SAME(setresuid);
SAME(getresuid); SAME(setresgid); SAME(getresgid); SAME(getgroups);
SAME(setgroups); SAME(getpgid); SAME(setpgid); SAME(getpgrp); SAME(getsid);
SAME(setsid); SAME(uname); SAME(sethostname); SAME(setdomainname);
SAME(sysinfo); SAME(getrandom);

static struct {
	unsigned int	nr;
	unsigned long	args[6];
	long		answer;
} entry;

long
rump_syscall_args(unsigned int nr, const unsigned long args[6])
{
	entry.nr = nr;
	memcpy(entry.args, args, sizeof(entry.args));
	return entry.answer;
}

static void
check_entry(const char *label, unsigned int nr, const unsigned long want[6])
{
	CHECK_EQ(label, nr, entry.nr);
	for (unsigned int i = 0; i < 6; i++)
		CHECK_EQ(label, (long)want[i], (long)entry.args[i]);
}

#define PACKED(nr, ...) \
	check_entry(#nr, (nr), (const unsigned long [6]){ __VA_ARGS__ })
#define P(p)	((unsigned long)(p))

TEST(a_result_below_zero_is_errno_only_if_it_is_one)
{
	static const struct { long answer; long want; int error; } cases[] = {
		{ 0, 0, 0 }, { 7, 7, 0 }, { -ENOENT, -1, ENOENT },
		{ -4095, -1, 4095 }, { -4096, -4096, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		entry.answer = cases[i].answer;
		errno = 0;
		CHECK_EQ("lseek", cases[i].want, rump_sys_lseek(3, 0, SEEK_SET));
		CHECK_EQ("errno", cases[i].error, errno);
	}
}

TEST(success_leaves_errno_alone)
{
	entry.answer = 0;
	errno = EXDEV;
	CHECK_EQ("close", 0, rump_sys_close(3));
	CHECK_EQ("errno", EXDEV, errno);
}

TEST(arguments_go_to_their_registers)
{
	char buf[4] = { 0 };
	struct iovec iov = { 0 };

	rump_sys_read(-1, buf, 4);
	PACKED(__NR_read, -1UL, P(buf), 4);
	rump_sys_pread(3, buf, 4, -5);
	PACKED(__NR_pread64, 3, P(buf), 4, -5UL);
	rump_sys_preadv2(3, &iov, 1, 77, 9);	/* the high half of the offset */
	PACKED(__NR_preadv2, 3, P(&iov), 1, 77, 0, 9);
	rump_sys_sync();
	PACKED(__NR_sync, 0);
	rump_sys_setuid(0xfffffffe);
	PACKED(__NR_setuid, 0xfffffffeUL);
}

TEST(open_takes_a_mode_only_when_it_may_create)
{
	rump_sys_open("/x", O_RDWR | O_CREAT, 0640);
	PACKED(__NR_open, P(entry.args[0]), O_RDWR | O_CREAT, 0640);
	rump_sys_openat(AT_FDCWD, "/x", O_RDWR | O_TMPFILE, 0600);
	PACKED(__NR_openat, (unsigned long)AT_FDCWD, P(entry.args[1]),
	    O_RDWR | O_TMPFILE, 0600);
	rump_sys_openat(AT_FDCWD, "/x", O_DIRECTORY);
	PACKED(__NR_openat, (unsigned long)AT_FDCWD, P(entry.args[1]),
	    O_DIRECTORY, 0);
}

TEST(what_the_c_library_adds_is_added)
{
	struct epoll_event ev;
	sigset_t set = { 0 };
	char buf[1] = { 0 };

	rump_sys_epoll_pwait(5, &ev, 1, -1, &set);
	PACKED(__NR_epoll_pwait, 5, P(&ev), 1, -1UL, P(&set), 8);
	rump_sys_ppoll(NULL, 0, NULL, &set);
	PACKED(__NR_ppoll, 0, 0, 0, P(&set), 8);
	rump_sys_signalfd(-1, &set, 0);
	PACKED(__NR_signalfd4, -1UL, P(&set), 8, 0);
	rump_sys_send(3, buf, 1, 0);
	PACKED(__NR_sendto, 3, P(buf), 1, 0, 0, 0);
	rump_sys_faccessat(3, "x", R_OK, AT_EACCESS);
	PACKED(__NR_faccessat2, 3, P(entry.args[1]), R_OK, AT_EACCESS);
	rump_sys_fchmodat(3, "x", 0700, AT_SYMLINK_NOFOLLOW);
	PACKED(452, 3, P(entry.args[1]), 0700, AT_SYMLINK_NOFOLLOW);
	rump_sys_mkfifo("x", 0600);
	PACKED(__NR_mknodat, (unsigned long)AT_FDCWD, P(entry.args[1]),
	    S_IFIFO | 0600, 0);
	rump_sys_eventfd(3, EFD_SEMAPHORE);
	PACKED(__NR_eventfd2, 3, EFD_SEMAPHORE);
	rump_sys_reboot(0x4321fedc);
	PACKED(__NR_reboot, (unsigned long)(int)0xfee1dead, 0x28121969,
	    0x4321fedc, 0);
}

TEST(fcntl_and_ioctl_pass_a_word_or_a_pointer)
{
	struct flock fl = { 0 };
	int n = 0;

	rump_sys_fcntl(3, F_SETLK, &fl);
	PACKED(__NR_fcntl, 3, F_SETLK, P(&fl));
	rump_sys_fcntl(3, F_SETFL, (unsigned long)O_NONBLOCK);
	PACKED(__NR_fcntl, 3, F_SETFL, O_NONBLOCK);
	rump_sys_ioctl(3, FIONREAD, &n);
	PACKED(__NR_ioctl, 3, FIONREAD, P(&n));
}

TEST(results_that_are_no_numbers_are_converted)
{
	char buf[16];

	entry.answer = 5;
	CHECK(rump_sys_getcwd(buf, sizeof(buf)) == buf);
	entry.answer = -ERANGE;
	CHECK(rump_sys_getcwd(buf, sizeof(buf)) == NULL);
	CHECK_EQ("errno", ERANGE, errno);
	entry.answer = 25;
	CHECK_EQ("a nice of -5", -5, rump_sys_getpriority(PRIO_PROCESS, 0));
	entry.answer = -ESRCH;
	CHECK_EQ("no such process", -1, rump_sys_getpriority(PRIO_PROCESS, 9));
}
