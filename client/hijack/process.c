/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * process.c - fork, vfork, clone, and filters for system calls
 *
 * A thread needs nothing: the kernel makes a lwp for it when it calls.  A child that shares our
 * memory (vfork, posix_spawn) is marked, so that the table of descriptors stays as its
 * parent left it.  A child with a copy of the memory is the backend's business.
 *
 * References: clone(2), prctl(2), seccomp(2), vfork(2).
 */

#include "hijack.h"
#include "path.h"
#include "trap.h"

#include <sys/resource.h>

#include <errno.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>

static unsigned long
clone_flags(long nr, const unsigned long args[6])
{
	uint64_t flags;

	if (nr == SYS_vfork)
		return CLONE_VM | CLONE_VFORK;
	if (nr != SYS_clone3)
		return args[0];
	/* struct clone_args begins with the flags. */
	return mem_read(&flags, args[0], sizeof(flags)) ? flags : CLONE_VM;
}

long
process_clone_before(long nr, const unsigned long args[6])
{
	unsigned long flags = clone_flags(nr, args);
	int error;

	if (self.s_depth > 0)
		return 0;
	if ((flags & CLONE_VM) != 0) {
		self.s_vfork = (flags & CLONE_VFORK) != 0;
		return 0;
	}
	if (backend == NULL)
		return 0;
	error = backend->b_fork_before != NULL ? backend->b_fork_before() : 0;
	if (error)
		return -error;
	self.s_forking = true;
	return 0;
}

void
process_clone_after(long ret)
{
	if (ret != 0) {
		self.s_vfork = false;
		path_kept_back();
	} else
		trap_thread();
	if (!self.s_forking)
		return;
	self.s_forking = false;
	epoll_forked(ret == 0);
	if (ret != 0 && backend->b_fork_parent != NULL)
		backend->b_fork_parent(ret);
	if (ret != 0)
		return;
	/* It rings for our parent, who reads it as well. */
	if (self.s_waker != 0) {
		fdmap_unhide(self.s_waker - 1);
		(void)host_syscall(SYS_close, self.s_waker - 1);
		self.s_waker = 0;
	}
	if (backend->b_fork_child != NULL)
		backend->b_fork_child();
}

/* Through syscall(3), or for fork: on the same stack. */
static long
rule_fork(long nr, const unsigned long args[6])
{
	long ret = process_clone_before(nr, args);

	if (ret != 0)
		return ret;
	ret = host_args(nr, args);
	process_clone_after(ret);
	return ret;
}

/*
 * A program that shuts itself in (sshd's child before the login) does not know what we ask of the
 * host.  What is made only once is made now; the rest are calls on futexes, and read and ppoll on
 * our bell, which such filters let pass.
 */
static void
prepare_filter(void)
{
	if (backend == NULL || self.s_depth > 0)
		return;
	(void)kernel_syscall(SYS_getpid, 0);
	(void)poll_waker();
}

static long
rule_seccomp(long nr, const unsigned long args[6])
{
	if (args[0] == SECCOMP_SET_MODE_FILTER || args[0] == SECCOMP_SET_MODE_STRICT)
		prepare_filter();
	return host_args(nr, args);
}

static long
rule_prctl(long nr, const unsigned long args[6])
{
	if (args[0] == PR_SET_SECCOMP)
		prepare_filter();
	return host_args(nr, args);
}

/*
 * Who waits for us finds our ports free and our ends of connections closed: a server would notice
 * our end a moment later.  A kernel inside ends with us, and is given time to send what we wrote.
 */
static long
rule_exit(long nr, const unsigned long args[6])
{
	if (self.s_depth == 0 && !self.s_vfork && backend != NULL) {
		mmap_flush();
		if (backend->b_exec_env != NULL) {
			kernel_ends();
			(void)kernel_syscall(SYS_close_range, 3, ~0U, 0);
		}
		if (backend->b_exit != NULL) {
			self.s_depth++;
			backend->b_exit();
			self.s_depth--;
		}
	}
	return host_args(nr, args);
}

/*
 * How large files may become is for both kernels.  What the kernel has no way to say is said here: that
 * a call failed for it is told by a signal, too (setrlimit(2)).
 */
static bool
size_limit(struct rlimit64 *rl)
{
	return host_syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, rl) == 0;
}

void
process_limits(void)
{
	struct rlimit64 rl;

	if (size_limit(&rl) && (rl.rlim_cur != RLIM64_INFINITY || rl.rlim_max != RLIM64_INFINITY))
		(void)kernel_syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, &rl, NULL);
}

void
process_too_large(void)
{
	struct rlimit64 rl;

	if (size_limit(&rl) && rl.rlim_cur != RLIM64_INFINITY)
		(void)host_syscall(SYS_tgkill, host_syscall(SYS_getpid, 0), host_syscall(SYS_gettid, 0),
		    SIGXFSZ);
}

static long
rule_prlimit(long nr, const unsigned long args[6])
{
	bool own = nr == SYS_setrlimit || args[0] == 0 ||
	    (long)args[0] == host_syscall(SYS_getpid, 0);
	unsigned long resource = args[nr == SYS_setrlimit ? 0 : 1];
	unsigned long new = args[nr == SYS_setrlimit ? 1 : 2];
	long ret = host_args(nr, args);

	if (ret == 0 && own && (unsigned int)resource == RLIMIT_FSIZE && new != 0 && backend != NULL &&
	    !self.s_vfork)
		process_limits();
	return ret;
}

/* It has to know itself to be refused. */
static long
rule_io_uring(long nr, const unsigned long args[6])
{
	return -ENOSYS;
}

void
process_rules(void)
{
	dispatch_set(SYS_fork, HIJACK_LOOK, rule_fork);
	dispatch_set(SYS_clone, HIJACK_LOOK, rule_fork);
	dispatch_set(SYS_clone3, HIJACK_LOOK, rule_fork);
	dispatch_set(SYS_seccomp, HIJACK_LOOK, rule_seccomp);
	dispatch_set(SYS_prctl, HIJACK_LOOK, rule_prctl);
	dispatch_set(SYS_setrlimit, HIJACK_LOOK, rule_prlimit);
	dispatch_set(SYS_prlimit64, HIJACK_LOOK, rule_prlimit);
	dispatch_set(SYS_io_uring_setup, HIJACK_LOOK, rule_io_uring);
	dispatch_set(SYS_exit_group, HIJACK_LOOK, rule_exit);
}
