/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockin_gen.c - makes the seccomp filter of lockin.c, at build time
 *
 *	lockin_gen ARCH lockin_filter.h lockin_filter.pfc [socketpair]
 *
 * libseccomp knows the numbers of system calls and lays out the comparisons; a server
 * contains its result alone, and needs neither the library nor the millisecond it takes.
 * The second file is for people.
 *
 * What is not here gets EPERM.  The list is what the hypercalls, the C library's
 * allocator and its threads need once everything is open:
 *	descriptors	used, duplicated and closed; never opened by name
 *	sockets		accepted and used; never made, bound or connected
 *	memory		never executable
 *	clone(2)	for threads alone; clone3(2) is said not to exist, as its
 *			flags cannot be seen by a filter, and the C library uses the other
 *	socketpair(2)	for rump_tls(1), which hands over connections by it; local ones alone
 *	unlinkat(2)	in the folders of lockin.h, whose descriptors have fixed numbers
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lockin.h"

static const int allowed[] = {
	/* Descriptors. */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(preadv2),
	SCMP_SYS(pwritev2), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(dup3), SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(ftruncate), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(fallocate), SCMP_SYS(fadvise64),
	SCMP_SYS(readahead), SCMP_SYS(flock), SCMP_SYS(fcntl), SCMP_SYS(getdents64),
	/* Waiting. */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(futex),
	SCMP_SYS(futex_waitv), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield), SCMP_SYS(membarrier),
	/* Sockets that are there. */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* Memory. */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(memfd_create),
	SCMP_SYS(mincore),
	/* Threads and signals. */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(set_robust_list), SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(get_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	/* Time and numbers. */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(uname),
	SCMP_SYS(sysinfo), SCMP_SYS(getcpu),
};

static void __attribute__((__noreturn__))
fail(const char *what, int error)
{
	fprintf(stderr, "lockin_gen: %s: %s\n", what, strerror(error));
	exit(1);
}

static void
rule(scmp_filter_ctx ctx, int call, const struct scmp_arg_cmp *cmp, unsigned int n)
{
	int error = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, n, cmp);

	/* Not each machine has each call. */
	if (error != 0 && error != -EDOM)
		fail("rule", -error);
}

static void
rule1(scmp_filter_ctx ctx, int call, struct scmp_arg_cmp cmp)
{
	rule(ctx, call, &cmp, 1);
}

static void
rules(scmp_filter_ctx ctx, bool pairs)
{
	const struct scmp_arg_cmp own_limits[] = { SCMP_A0_64(SCMP_CMP_EQ, 0, 0),
	    SCMP_A2_64(SCMP_CMP_EQ, 0, 0) };
	const struct scmp_arg_cmp fstat_of_fd[] = { SCMP_A3_64(SCMP_CMP_EQ, AT_EMPTY_PATH, 0) };

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rule(ctx, allowed[i], NULL, 0);
	rule1(ctx, SCMP_SYS(mmap), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rule1(ctx, SCMP_SYS(mprotect), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rule1(ctx, SCMP_SYS(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ,
	    CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWNET,
	    CLONE_THREAD | CLONE_VM | CLONE_SIGHAND));
	rule1(ctx, SCMP_SYS(prctl), SCMP_A0_64(SCMP_CMP_EQ, PR_SET_NAME, 0));
	rule1(ctx, SCMP_SYS(unlinkat), SCMP_A0_32(SCMP_CMP_MASKED_EQ,
	    0xffffffff - (LOCKIN_NFDS - 1), LOCKIN_FD));
	if (pairs)
		rule1(ctx, SCMP_SYS(socketpair), SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX, 0));
	rule(ctx, SCMP_SYS(prlimit64), own_limits, 2);
	rule(ctx, SCMP_SYS(newfstatat), fstat_of_fd, 1);
	if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) != 0)
		fail("clone3", EINVAL);
}

/* The program as the elements of an array. */
static void
print_filter(int fd, FILE *to)
{
	struct sock_filter f;
	off_t end = lseek(fd, 0, SEEK_END);

	if (end <= 0 || end % (off_t)sizeof(f) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		fail("filter", EIO);
	fprintf(to, "/* Made by lockin_gen; lockin_filter.pfc is for reading. */\n\n"
	    "static const struct sock_filter lockin_filter[] = {\n");
	while (read(fd, &f, sizeof(f)) == (ssize_t)sizeof(f))
		fprintf(to, "\t{ 0x%04x, %u, %u, 0x%08" PRIx32 " },\n", f.code, f.jt, f.jf, f.k);
	fprintf(to, "};\n");
}

int
main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error, fd, pfc;
	uint32_t arch;
	FILE *to;

	if (argc < 4 || argc > 5 || ctx == NULL)
		fail("usage: lockin_gen ARCH FILE.h FILE.pfc [socketpair]", EINVAL);
	arch = seccomp_arch_resolve_name(argv[1]);
	if (arch == 0)
		fail(argv[1], EINVAL);
	if (arch != seccomp_arch_native() && (seccomp_arch_add(ctx, arch) != 0 ||
	    seccomp_arch_remove(ctx, seccomp_arch_native()) != 0))
		fail(argv[1], EINVAL);
	/* Another architecture's calls on this machine: not ours, whatever they are. */
	error = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error == 0)
		error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error != 0)
		fail("attributes", -error);
	rules(ctx, argc == 5);
	fd = memfd_create("filter", MFD_CLOEXEC);
	to = fopen(argv[2], "we");
	pfc = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1 || to == NULL || pfc == -1)
		fail("output", errno);
	if (seccomp_export_bpf(ctx, fd) != 0 || seccomp_export_pfc(ctx, pfc) != 0)
		fail("export", EIO);
	print_filter(fd, to);
	if (fclose(to) != 0)
		fail(argv[2], errno);
	seccomp_release(ctx);
	return 0;
}
