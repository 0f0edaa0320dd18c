/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_trace.c - tracing of real calls, from outside
 *
 * The simulated host keeps what the kernel wrote to its console, so calls are
 * made and their lines read.
 */

#include <rump/rump_syscalls.h>

#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <harness.h>
#include <rump/rump.h>
#include <rump/rumpsim.h>

/* The console less what stands in front of each line, which names us. */
static void
console_lines(char *text, size_t size)
{
	const char *from = rumpsim_console();
	size_t len = 0;

	while (*from != '\0' && len < size - 1) {
		CHECK(strncmp(from, "[1.", 3) == 0);
		for (from = strchr(from, ' ') + 1; *from != '\n' && len < size - 2;)
			text[len++] = *from++;
		text[len++] = *from++;
	}
	text[len] = '\0';
	rumpsim_console_clear();
}

static void
check_lines(const char *label, const char *want)
{
	char text[4096];

	console_lines(text, sizeof(text));
	CHECK_STR(label, want, text);
}

static void
trace(const char *what)
{
	NEED(rump_pub_kvar_write("kernel.trace", what) == 0);
	rumpsim_console_clear();
}

TEST(calls_of_descriptors_are_printed_as_they_were)
{
	struct iovec iov[2] = { { NULL, 0 }, { NULL, 3 } };
	struct pollfd pfd;
	char buf[16], want[256];
	int fds[2], fd;

	trace("all");
	NEED(rump_sys_pipe2(fds, O_CLOEXEC) == 0);
	snprintf(want, sizeof(want), "pipe2([%d, %d], O_CLOEXEC) = 0\n", fds[0], fds[1]);
	check_lines("pipe2", want);

	CHECK_EQ("write", 5, rump_sys_write(fds[1], "he\nlo", 5));
	snprintf(want, sizeof(want), "write(%d, \"he\\nlo\", 5) = 5\n", fds[1]);
	check_lines("write", want);

	pfd = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	CHECK_EQ("poll", 1, rump_sys_poll(&pfd, 1, 0));
	snprintf(want, sizeof(want), "poll([{fd=%d, events=POLLIN, revents=POLLIN}], 1, 0) = 1\n", fds[0]);
	check_lines("poll", want);

	CHECK_EQ("read", 2, rump_sys_read(fds[0], buf, 2));
	snprintf(want, sizeof(want), "read(%d, \"he\", 2) = 2\n", fds[0]);
	check_lines("read", want);

	iov[1].iov_base = buf;
	CHECK_EQ("readv", 3, rump_sys_readv(fds[0], iov, 2));
	snprintf(want, sizeof(want), "readv(%d, [{iov_base=NULL, iov_len=0}, {iov_base=\"\\nlo\", iov_len=3}], 2) = 3\n",
	    fds[0]);
	check_lines("readv", want);

	fd = rump_sys_fcntl(fds[0], F_DUPFD_CLOEXEC, 10);
	snprintf(want, sizeof(want), "fcntl(%d, F_DUPFD_CLOEXEC, 10) = %d\n", fds[0], fd);
	check_lines("fcntl", want);

	CHECK_EQ("closed", 0, rump_sys_close(fd));
	CHECK_EQ("closed again", -1, rump_sys_close(fd));
	snprintf(want, sizeof(want), "close(%d) = 0\nclose(%d) = -1 EBADF (Bad file descriptor)\n", fd, fd);
	check_lines("close", want);
	trace("");
	rump_sys_close(fds[0]);
	rump_sys_close(fds[1]);
	check_lines("nothing", "");
}

TEST(a_bad_pointer_is_printed_not_followed)
{
	int fds[2];
	char want[128];

	NEED(rump_sys_pipe(fds) == 0);
	trace("write");
	CHECK_EQ("write", -1, rump_sys_write(fds[1], (const void *)16, 5));
	snprintf(want, sizeof(want), "write(%d, 0x10, 5) = -1 EFAULT (Bad address)\n", fds[1]);
	check_lines("write", want);
	trace("");
	rump_sys_close(fds[0]);
	rump_sys_close(fds[1]);
}

TEST(only_what_was_asked_for_is_printed)
{
	trace("getpid,getppid");
	CHECK_EQ("getpid", 1, rump_sys_getpid());
	CHECK_EQ("getuid", 0, rump_sys_getuid());
	CHECK_EQ("getppid", 0, rump_sys_getppid());
	check_lines("two of three", "getpid() = 1\ngetppid() = 0\n");
	trace("!getpid");
	CHECK_EQ("getpid", 1, rump_sys_getpid());
	CHECK_EQ("getuid", 0, rump_sys_getuid());
	check_lines("all but one", "getuid() = 0\n");
	trace("");
}

TEST(a_call_nobody_serves_is_printed_too)
{
	trace("all");
	CHECK_EQ("rm_watch", -ENOSYS, rump_syscall(__NR_inotify_rm_watch, 3L, 5L));
	CHECK_EQ("500", -ENOSYS, rump_syscall(500, 1L, 0L, 0L, 0L, 0L, 6L));
	check_lines("both", "inotify_rm_watch(3, 5) = -1 ENOSYS (Function not implemented)\n"
	    "syscall_500(0x1, 0, 0, 0, 0, 0x6) = -1 ENOSYS (Function not implemented)\n");
	trace("");
}

TEST(the_variable_says_what_is_traced)
{
	char text[64];

	trace("getpid,!getppid,%net,!%net");
	CHECK_EQ("read", 0, rump_pub_kvar_read("kernel.trace", text, sizeof(text)));
	CHECK_STR("getpid alone", "getpid", text);
	trace("1");
	CHECK_EQ("read", 0, rump_pub_kvar_read("kernel.trace", text, sizeof(text)));
	CHECK_STR("all", "all", text);
	trace("0");
	CHECK_EQ("read", 0, rump_pub_kvar_read("kernel.trace", text, sizeof(text)));
	CHECK_STR("none", "0", text);
	CHECK_EQ("unknown", EINVAL, rump_pub_kvar_write("kernel.trace", "getpidd"));
}

TEST_WITH(the_environment_says_it_at_boot, .ht_flags = HARNESS_BARE | HARNESS_KEEPS)
{
	rumpsim_setparam("RUMP_TRACE", "getpid");
	NEED(rump_init() == 0);
	rumpsim_console_clear();
	rump_sys_getuid();
	rump_sys_getpid();
	check_lines("getpid", "getpid() = 1\n");
}
