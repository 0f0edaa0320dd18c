/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * limits.c - how large files may become
 *
 * That limit (RLIMIT_FSIZE) is for the files of both kernels.  A program that changes its own is waited for
 * here: the host is asked in its name, and then the kernel is told what came of it.  What the kernel
 * has no way to say is said here, too: that a call failed for it is told by a signal.
 *
 * References: setrlimit(2), prlimit(2).
 */

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include <rump/rumpclient.h>

#include "supervisor.h"

static bool
limit_of(const struct target *t, struct rlimit *rl)
{
	return host_syscall(SYS_prlimit64, t->t_pid, RLIMIT_FSIZE, NULL, rl) == 0;
}

void
limits_tell(struct target *t)
{
	struct many_thread *mt;
	struct rlimit rl;

	if (!limit_of(t, &rl) || (rl.rlim_cur == RLIM_INFINITY && rl.rlim_max == RLIM_INFINITY))
		return;
	mt = many_enter(t->t_session);
	if (mt == NULL)
		return;
	(void)rumpclient_syscall_args(SYS_prlimit64, (const unsigned long[6]){ 0, RLIMIT_FSIZE,
	    (unsigned long)&rl });
	many_leave(mt);
}

void
limits_exceeded(void)
{
	struct rlimit rl;

	if (limit_of(visit->v_target, &rl) && rl.rlim_cur != RLIM_INFINITY)
		(void)host_syscall(SYS_tgkill, visit->v_target->t_pid, visit->v_call.pid, SIGXFSZ);
}

static long
change(unsigned long new, unsigned long old)
{
	struct rlimit rl, before;
	long ret;

	if (!mem_read(&rl, new, sizeof(rl)))
		return -EFAULT;
	ret = host_syscall(SYS_prlimit64, visit->v_target->t_pid, RLIMIT_FSIZE, &rl, &before);
	/* Who changed his user may do that, and we may not. */
	if (ret == -EPERM)
		return CALL_GOES_ON;
	if (ret != 0)
		return ret;
	(void)kernel_syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, &rl, NULL);
	return old == 0 || mem_write(old, &before, sizeof(before)) ? 0 : -EFAULT;
}

static long
rule_prlimit(long nr, const unsigned long args[6])
{
	bool own = nr == SYS_setrlimit || args[0] == 0 || (pid_t)args[0] == visit->v_target->t_pid;
	unsigned long resource = args[nr == SYS_setrlimit ? 0 : 1];
	unsigned long new = args[nr == SYS_setrlimit ? 1 : 2];

	if (!own || (unsigned int)resource != RLIMIT_FSIZE || new == 0)
		return CALL_GOES_ON;
	return change(new, nr == SYS_setrlimit ? 0 : args[3]);
}

void
limits_rules(void)
{
	dispatch_set(SYS_setrlimit, HIJACK_LOOK, rule_prlimit);
	dispatch_set(SYS_prlimit64, HIJACK_LOOK, rule_prlimit);
}
