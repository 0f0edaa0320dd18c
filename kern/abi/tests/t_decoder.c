/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_decoder.c - the lines of the system call decoder
 *
 * Each case is a call with its arguments and its outcome, and the line that
 * must come of it.  The wording is strace's wherever that has one; no call
 * is made, so the cases can say anything, bad pointers included.
 */

#include <asm/ioctls.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <sys/errno.h>
#include <sys/lwp.h>
#include <sys/systrace.h>

#include <harness.h>

#include "systrace_impl.h"

#define U(x)	((unsigned long)(x))
#define NOWHERE	0x10UL		/* nobody maps this */

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\nbin:x:1";
static char long_path[300];
static const struct stat stat_reg = { .st_mode = S_IFREG | 0644, .st_size = 1234 };
static const struct stat stat_chr = { .st_mode = S_IFCHR | 0600, .st_rdev = 0x103 };
static const struct statx statx_dir = {
	.stx_mask = STATX_BASIC_STATS | STATX_BTIME,
	.stx_attributes = STATX_ATTR_MOUNT_ROOT,
	.stx_mode = S_IFDIR | 01777, .stx_size = 40,
};
static const struct __kernel_timespec times[2] = {
	{ .tv_sec = 5, .tv_nsec = 6 }, { .tv_nsec = 0x3fffffff },
};
static const struct iovec vec[2] = {
	{ (void *)(uintptr_t)passwd, 4 }, { (void *)(uintptr_t)(passwd + 5), 8 },
};
static const struct open_how how = {
	.flags = O_RDWR | O_CREAT, .mode = 0640,
	.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
};
static const struct pollfd pollfds[2] = {
	{ .fd = 3, .events = POLLIN, .revents = POLLIN | POLLHUP }, { .fd = 4, .events = POLLOUT },
};
static const struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 2 };
static const struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data = 7 };
static const struct rlimit limit = { .rlim_cur = 1024, .rlim_max = ~0UL };
static const int fds[2] = { 3, 4 };
static const unsigned int groups[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static const unsigned long fdset = 1UL << 3 | 1UL << 5;
static const struct __kernel_old_timeval second = { .tv_sec = 1 };
static const unsigned char inet_addr[16] = { 2, 0, 0, 80, 127, 0, 0, 1 };
static const unsigned int inet_len = 16;

static const struct trace_case {
	unsigned int	nr;
	unsigned long	args[6];
	int		error;
	long		ret;
	const char	*want;
} cases[] = {
	{ __NR_openat, { U(AT_FDCWD), U("/etc/passwd"), O_RDONLY | O_CLOEXEC }, 0, 3,
	  "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3" },
	{ __NR_openat, { 5, U("x"), O_WRONLY | O_CREAT | O_EXCL | O_TRUNC, 0666 }, EEXIST, 0,
	  "openat(5, \"x\", O_WRONLY|O_CREAT|O_EXCL|O_TRUNC, 0666) = -1 EEXIST (File exists)" },
	{ __NR_openat, { U(AT_FDCWD), U("."), O_RDWR | __O_TMPFILE | O_DIRECTORY, 0 }, 0, 4,
	  "openat(AT_FDCWD, \".\", O_RDWR|O_TMPFILE, 000) = 4" },
	{ __NR_openat, { 7, NOWHERE, O_RDWR | 0x80000000U }, EFAULT, 0,
	  "openat(7, 0x10, O_RDWR|0x80000000) = -1 EFAULT (Bad address)" },
	{ __NR_openat2, { U(AT_FDCWD), U("a"), U(&how), sizeof(how) }, 0, 3,
	  "openat2(AT_FDCWD, \"a\", {flags=O_RDWR|O_CREAT, mode=0640, "
	  "resolve=RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24) = 3" },
	{ __NR_read, { 3, U(passwd), 4096 }, 0, sizeof(passwd) - 1,
	  "read(3, \"root:x:0:0:root:/root:/bin/bash\\n\"..., 4096) = 39" },
	{ __NR_read, { 3, U(passwd), 4096 }, 0, 4, "read(3, \"root\", 4096) = 4" },
	{ __NR_read, { 3, U(passwd), 4096 }, 0, 0, "read(3, \"\", 4096) = 0" },
	{ __NR_read, { 3, NOWHERE, 10 }, EFAULT, 0, "read(3, 0x10, 10) = -1 EFAULT (Bad address)" },
	{ __NR_write, { 1, U("\001\0022\t\"\377"), 6 }, 0, 6, "write(1, \"\\1\\0022\\t\\\"\\377\", 6) = 6" },
	{ __NR_write, { 1, 0, 6 }, EFAULT, 0, "write(1, NULL, 6) = -1 EFAULT (Bad address)" },
	{ __NR_writev, { 1, U(vec), 2 }, 0, 12,
	  "writev(1, [{iov_base=\"root\", iov_len=4}, {iov_base=\"x:0:0:ro\", iov_len=8}], 2) = 12" },
	{ __NR_readv, { 1, U(vec), 2 }, 0, 6,
	  "readv(1, [{iov_base=\"root\", iov_len=4}, {iov_base=\"x:\", iov_len=8}], 2) = 6" },
	{ __NR_preadv, { 1, U(vec), 1, 4096, 9 }, 0, 4,
	  "preadv(1, [{iov_base=\"root\", iov_len=4}], 1, 4096) = 4" },
	{ __NR_stat, { U("/x"), 0x7ffe1000 }, ENOENT, 0,
	  "stat(\"/x\", 0x7ffe1000) = -1 ENOENT (No such file or directory)" },
	{ __NR_fstat, { 3, U(&stat_reg) }, 0, 0, "fstat(3, {st_mode=S_IFREG|0644, st_size=1234, ...}) = 0" },
	{ __NR_lstat, { U("null"), U(&stat_chr) }, 0, 0,
	  "lstat(\"null\", {st_mode=S_IFCHR|0600, st_rdev=makedev(0x1, 0x3), ...}) = 0" },
	{ __NR_statx, { U(AT_FDCWD), U("/"), AT_STATX_SYNC_AS_STAT, STATX_ALL, U(&statx_dir) }, 0, 0,
	  "statx(AT_FDCWD, \"/\", AT_STATX_SYNC_AS_STAT, STATX_ALL, {stx_mask=STATX_ALL, "
	  "stx_attributes=STATX_ATTR_MOUNT_ROOT, stx_mode=S_IFDIR|01777, stx_size=40, ...}) = 0" },
	{ __NR_access, { U("/"), 0 }, 0, 0, "access(\"/\", F_OK) = 0" },
	{ __NR_access, { U("/"), 6 }, 0, 0, "access(\"/\", R_OK|W_OK) = 0" },
	{ __NR_lseek, { 3, U(-1L), SEEK_HOLE }, ENXIO, 0,
	  "lseek(3, -1, SEEK_HOLE) = -1 ENXIO (No such device or address)" },
	{ __NR_lseek, { 3, 0, 9 }, EINVAL, 0, "lseek(3, 0, 0x9) = -1 EINVAL (Invalid argument)" },
	{ __NR_mknod, { U("n"), S_IFBLK | 0660, 0x801 }, 0, 0,
	  "mknod(\"n\", S_IFBLK|0660, makedev(0x8, 0x1)) = 0" },
	{ __NR_chown, { U("f"), U(-1), 1000 }, 0, 0, "chown(\"f\", -1, 1000) = 0" },
	{ __NR_umask, { 077 }, 0, 022, "umask(077) = 022" },
	{ __NR_utimensat, { 3, 0, U(times), AT_SYMLINK_NOFOLLOW }, 0, 0,
	  "utimensat(3, NULL, [{tv_sec=5, tv_nsec=6}, {tv_sec=0, tv_nsec=UTIME_NOW}], AT_SYMLINK_NOFOLLOW) = 0" },
	{ __NR_renameat2, { 3, U("a"), 4, U("b"), RENAME_EXCHANGE }, 0, 0,
	  "renameat2(3, \"a\", 4, \"b\", RENAME_EXCHANGE) = 0" },
	{ __NR_fcntl, { 3, F_GETFL, 99 }, 0, 2, "fcntl(3, F_GETFL) = 2" },
	{ __NR_fcntl, { 3, F_SETFD, FD_CLOEXEC }, 0, 0, "fcntl(3, F_SETFD, FD_CLOEXEC) = 0" },
	{ __NR_fcntl, { 3, F_SETFL, O_NONBLOCK }, 0, 0, "fcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK) = 0" },
	{ __NR_fcntl, { 3, F_SETLK, U(&lock) }, EAGAIN, 0,
	  "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=1, l_len=2}) "
	  "= -1 EAGAIN (Resource temporarily unavailable)" },
	{ __NR_ioctl, { 3, FIONREAD, U(fds) }, 0, 0, "ioctl(3, FIONREAD, [3]) = 0" },
	{ __NR_ioctl, { 3, 0xabcd, 0x1000 }, ENOTTY, 0,
	  "ioctl(3, 0xabcd, 0x1000) = -1 ENOTTY (Control request not known to the device)" },
	{ __NR_pipe2, { U(fds), O_CLOEXEC }, 0, 0, "pipe2([3, 4], O_CLOEXEC) = 0" },
	{ __NR_poll, { U(pollfds), 2, 10 }, 0, 1,
	  "poll([{fd=3, events=POLLIN, revents=POLLIN|POLLHUP}, {fd=4, events=POLLOUT}], 2, 10) = 1" },
	{ __NR_select, { 6, U(&fdset), 0, 0, U(&second) }, 0, 2,
	  "select(6, [3 5], NULL, NULL, {tv_sec=1, tv_usec=0}) = 2 (in [3 5], left {tv_sec=1, tv_usec=0})" },
	{ __NR_epoll_ctl, { 3, EPOLL_CTL_ADD, 4, U(&event) }, 0, 0,
	  "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data=0x7}) = 0" },
	{ __NR_prlimit64, { 0, RLIMIT_NOFILE, 0, U(&limit) }, 0, 0,
	  "prlimit64(0, RLIMIT_NOFILE, NULL, {rlim_cur=1024, rlim_max=RLIM_INFINITY}) = 0" },
	{ __NR_setgroups, { 10, U(groups) }, 0, 0, "setgroups(10, [0, 1, 2, 3, 4, 5, 6, 7, ...]) = 0" },
	{ __NR_getsockname, { 3, U(inet_addr), U(&inet_len) }, 0, 0,
	  "getsockname(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0" },
	{ __NR_getpid, { 0 }, 0, 17, "getpid() = 17" },
	{ 500, { 1, 2, 3, 4, 5, 6 }, ENOSYS, 0,
	  "syscall_500(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)" },
};

/* The line of a call, without proc and lwp. */
static const char *
traced(struct systrace *st, unsigned int nr, const unsigned long *args,
    int error, long ret)
{
	systrace_enter(st, curlwp(), nr, args);
	st->st_line[trace_finish(st, error, ret) - 1] = '\0';
	return strchr(st->st_line, ' ') + 1;
}

TEST(each_call_has_its_line)
{
	struct systrace st;

	CHECK_EQ("all", 0, systrace_select("all"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_STR(NULL, cases[i].want, traced(&st, cases[i].nr,
		    cases[i].args, cases[i].error, cases[i].ret));
	CHECK_EQ("none", 0, systrace_select(""));
}

TEST(a_line_has_an_end_whatever_is_in_it)
{
	unsigned long args[6] = { U(AT_FDCWD), U(long_path), U(AT_FDCWD),
	    U(long_path), 0 };
	struct systrace st;
	const char *line;

	memset(long_path, 1, sizeof(long_path));	/* four characters each */
	CHECK_EQ("all", 0, systrace_select("1"));
	line = traced(&st, __NR_linkat, args, ENAMETOOLONG, 0);
	CHECK(strlen(line) < SYSTRACE_LINE);
	CHECK_STR("the end", ") = -1 ENAMETOOLONG (File name too long)",
	    strrchr(line, ')') - 39);
	CHECK_EQ("none", 0, systrace_select("0"));
}

TEST(hostile_counts_and_pointers_are_survived)
{
	/* More than is looked at, for the address sanitizer's sake. */
	static char room[65536];
	static const unsigned long words[] = { 0, 1, NOWHERE, U(-1L), U(-4096L),
	    1UL << 63, 0x7fffffff, 0x7ffffffffff8UL, U(room) };
	struct systrace st;
	unsigned int lines = 0;

	CHECK_EQ("all", 0, systrace_select("all"));
	for (unsigned int nr = 0; nr < 460; nr++) {
		for (size_t i = 0; i < ARRAY_SIZE(words) * ARRAY_SIZE(words); i++) {
			unsigned long a = words[i % ARRAY_SIZE(words)];
			unsigned long b = words[i / ARRAY_SIZE(words)];
			unsigned long args[6] = { a, b, a, b, a, b };

			CHECK(traced(&st, nr, args, 0, (long)b)[0] != '\0');
			lines++;
		}
	}
	CHECK_EQ("lines", 460 * ARRAY_SIZE(words) * ARRAY_SIZE(words), lines);
	CHECK_EQ("none", 0, systrace_select(""));
}

static const struct {
	const char	*select;
	int		error;
	bool		open, stat, getpid;
} select_cases[] = {
	{ "",			0,	false,	false,	false },
	{ "0",			0,	false,	false,	false },
	{ "1",			0,	true,	true,	true },
	{ "all",		0,	true,	true,	true },
	{ "open",		0,	true,	false,	false },
	{ "open,stat",		0,	true,	true,	false },
	{ "%vfs",		0,	true,	true,	false },
	{ "%vfs,!stat",		0,	true,	false,	false },
	{ "!stat",		0,	true,	false,	true },
	{ "%core",		0,	false,	false,	true },
	{ "opem",		EINVAL,	false,	false,	true },	/* as before */
};

static bool
is_traced(unsigned int nr)
{
	static const unsigned long none[6];
	struct systrace st;

	systrace_enter(&st, curlwp(), nr, none);
	return st.st_wanted;
}

TEST(calls_are_selected_by_name_and_faction)
{
	for (size_t i = 0; i < ARRAY_SIZE(select_cases); i++) {
		const char *text = select_cases[i].select;

		CHECK_EQ(text, select_cases[i].error, systrace_select(text));
		CHECK_EQ(text, select_cases[i].open, is_traced(__NR_open));
		CHECK_EQ(text, select_cases[i].stat, is_traced(__NR_stat));
		CHECK_EQ(text, select_cases[i].getpid, is_traced(__NR_getpid));
		CHECK_EQ(text, select_cases[i].open || select_cases[i].stat ||
		    select_cases[i].getpid, systrace_on);
	}
	CHECK_EQ("none", 0, systrace_select(""));
}
