/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tap.c - what a program can learn of its kernel's clients: lines of calls, the list of
 * procs, and that one wants it to end
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/reboot.h>

#include <harness.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

/* Makes n calls as another proc: its number. */
static int
calls_of_another(unsigned int n)
{
	int pid = 0;

	NEED(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
	for (unsigned int i = 0; i < n; i++)
		pid = rump_sys_getpid();
	rump_pub_lwproc_releaselwp();
	return pid;
}

static ssize_t
read_all(int fd, char *buf, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && rump_sys_poll(&pfd, 1, 0) == 1) {
		n = rump_sys_read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			return -1;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

TEST(a_tap_shows_the_calls_of_others)
{
	static char text[4096];
	char want[64];
	int fd, pid;

	NEED(rump_pub_systrace_open(0, &fd) == 0);
	(void)rump_sys_getppid();
	pid = calls_of_another(2);
	NEED(read_all(fd, text, sizeof(text)) > 0);
	(void)snprintf(want, sizeof(want), "] getpid() = %d\n", pid);
	CHECK(strstr(text, want) != NULL);
	CHECK(strstr(text, "getppid") == NULL);
	CHECK_EQ("close", 0, rump_sys_close(fd));
	/* Nobody listens: nothing is kept. */
	(void)calls_of_another(2);
}

TEST(a_slow_reader_is_told_what_he_missed)
{
	static char text[256 << 10];
	int fd;

	NEED(rump_pub_systrace_open(0, &fd) == 0);
	(void)calls_of_another(20000);
	NEED(read_all(fd, text, sizeof(text)) > 64 << 10);
	CHECK(strstr(text, "lost") == NULL);
	(void)calls_of_another(1);
	NEED(read_all(fd, text, sizeof(text)) > 0);
	CHECK(strstr(text, " lines lost ---\n") != NULL);
	rump_sys_close(fd);
}

TEST(a_tap_is_of_procs_that_are_there)
{
	int fd = -1;

	CHECK_EQ("the first", EINVAL, rump_pub_systrace_open(1, &fd));
	CHECK_EQ("negative", EINVAL, rump_pub_systrace_open(-1, &fd));
	CHECK_EQ("nobody", ESRCH, rump_pub_systrace_open(4711, &fd));
	CHECK_EQ("untouched", -1, fd);
}

TEST(procs_are_listed_in_order)
{
	struct rump_procinfo pi = { .pi_pid = 0 };
	struct lwp *l;
	bool found = false;
	int pid, last = 0;

	NEED(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
	l = rump_pub_lwproc_curlwp();
	pid = rump_sys_getpid();
	for (unsigned int i = 0; i < 9; i++)
		(void)rump_sys_getppid();
	rump_pub_lwproc_switch(NULL);
	while (rump_pub_proc_next(pi.pi_pid, &pi) == 0) {
		CHECK(pi.pi_pid > last);
		last = pi.pi_pid;
		if (pi.pi_pid != pid)
			continue;
		found = true;
		CHECK_EQ("calls", 10, (int)pi.pi_calls);
		CHECK_EQ("threads", 1, (int)pi.pi_threads);
		CHECK_EQ("descriptors", 3, (int)pi.pi_files);
		CHECK(!pi.pi_remote);
	}
	CHECK(found);
	CHECK_EQ("negative", EINVAL, rump_pub_proc_next(-1, &pi));
	rump_pub_lwproc_switch(l);
	rump_pub_lwproc_releaselwp();
}

TEST(reboot_tells_the_program)
{
	CHECK_EQ("nobody wants to know", -1, rump_sys_reboot(RB_POWER_OFF));
	CHECK_EQ("errno", EOPNOTSUPP, errno);
	CHECK_EQ("nonsense", -1, rump_sys_reboot(0x1234));
	CHECK_EQ("errno", EINVAL, errno);
	CHECK_EQ("Ctrl-Alt-Del", 0, rump_sys_reboot(RB_DISABLE_CAD));
	if (strcmp(HARNESS_HOST, "linux") == 0) {
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		uint64_t n = 0;

		NEED(fd != -1);
		rump_pub_halt_notify(fd);
		CHECK_EQ("reboot", 0, rump_sys_reboot(RB_AUTOBOOT));
		CHECK_EQ("read", (int)sizeof(n), (int)read(fd, &n, sizeof(n)));
		CHECK_EQ("written", 1, (int)n);
		rump_pub_halt_notify(-1);
		close(fd);
	}
	NEED(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
	NEED(rump_sys_setuid(1000) == 0);
	CHECK_EQ("not by everybody", -1, rump_sys_reboot(RB_POWER_OFF));
	CHECK_EQ("errno", EPERM, errno);
	rump_pub_lwproc_releaselwp();
}

static int
open_and_close(void)
{
	int error, fd;

	error = rump_pub_systrace_open(0, &fd);
	if (error == 0)
		rump_sys_close(fd);
	return error;
}

TEST(each_failed_allocation_of_a_tap_is_survived)
{
	fault_sweep(FAULT_MEMORY, open_and_close);
}
