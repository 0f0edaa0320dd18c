/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * proc_syscalls.c - the system calls about procs: numbers, groups, sessions,
 * priorities and what was used
 *
 * Locking
 *	session_lock is held while a process group or session is looked for
 *	and joined, so that what was found is still true; then proclist_lock
 *	inside proc_iterate(), then p_lock.
 *
 * References: getpid(2), setpgid(2), setsid(2), getpriority(2), getrusage(2).
 */

#include <sys/proc.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/ktime.h>
#include <linux/resource.h>
#include <linux/times.h>

#define TICKS_PER_SEC	100		/* the unit of times(2) */
#define PRIO_NORMAL	20		/* nice 0, as the raw call has it */

static kmutex_t session_lock = { .m_name = "session" };

int
sys_getpid(struct lwp *l, long *ret)
{
	*ret = l->l_proc->p_pid;
	return 0;
}

int
sys_getppid(struct lwp *l, long *ret)
{
	*ret = atomic_load(&l->l_proc->p_ppid);
	return 0;
}

int
sys_gettid(struct lwp *l, long *ret)
{
	*ret = l->l_lid;
	return 0;
}

/* --- groups and sessions ------------------------------------------------- */

/* The proc a call means: referenced; 0 is the caller's. */
static struct proc *
proc_named(struct lwp *l, pid_t pid)
{
	if (pid != 0)
		return proc_find(pid);
	proc_hold(l->l_proc);
	return l->l_proc;
}

int
sys_getpgid(struct lwp *l, int pid, long *ret)
{
	struct proc *p = proc_named(l, pid);

	if (p == NULL)
		return ESRCH;
	*ret = atomic_load(&p->p_pgid);
	proc_rele(p);
	return 0;
}

int
sys_getsid(struct lwp *l, int pid, long *ret)
{
	struct proc *p = proc_named(l, pid);

	if (p == NULL)
		return ESRCH;
	*ret = atomic_load(&p->p_sid);
	proc_rele(p);
	return 0;
}

struct group_query {
	pid_t	 gq_pgid;
	pid_t	 gq_sid;	/* 0: in any session */
};

static int
group_member(struct proc *p, void *arg)
{
	const struct group_query *gq = arg;

	return atomic_load(&p->p_pgid) == gq->gq_pgid &&
	    (gq->gq_sid == 0 || atomic_load(&p->p_sid) == gq->gq_sid);
}

static bool
group_exists(pid_t pgid, pid_t sid)
{
	struct group_query gq = { pgid, sid };

	return proc_iterate(group_member, &gq) != 0;
}

/* May l's proc put p into the group?  Called with session_lock. */
static int
setpgid_check(struct lwp *l, struct proc *p, pid_t pgid)
{
	pid_t sid = atomic_load(&l->l_proc->p_sid);

	if (p != l->l_proc) {
		if (atomic_load(&p->p_ppid) != l->l_proc->p_pid)
			return ESRCH;
		if (atomic_load(&p->p_sid) != sid)
			return EPERM;
	}
	if (atomic_load(&p->p_sid) == p->p_pid)
		return EPERM;		/* leads a session */
	if (pgid != p->p_pid && !group_exists(pgid, sid))
		return EPERM;
	return 0;
}

int
sys_setpgid(struct lwp *l, int pid, int pgid, long *ret __unused_arg)
{
	struct proc *p;
	int error;

	if (pgid < 0)
		return EINVAL;
	p = proc_named(l, pid);
	if (p == NULL)
		return ESRCH;
	if (pgid == 0)
		pgid = p->p_pid;
	mutex_enter(&session_lock);
	error = setpgid_check(l, p, pgid);
	if (error == 0)
		atomic_store(&p->p_pgid, pgid);
	mutex_exit(&session_lock);
	proc_rele(p);
	return error;
}

int
sys_setsid(struct lwp *l, long *ret)
{
	struct proc *p = l->l_proc;
	int error = 0;

	mutex_enter(&session_lock);
	if (atomic_load(&p->p_sid) == p->p_pid || group_exists(p->p_pid, 0)) {
		error = EPERM;
	} else {
		atomic_store(&p->p_sid, p->p_pid);
		atomic_store(&p->p_pgid, p->p_pid);
		*ret = p->p_pid;
	}
	mutex_exit(&session_lock);
	return error;
}

/* --- priorities ---------------------------------------------------------- */

struct prio_query {
	int	 pq_which;
	uint32_t pq_who;
};

static int
prio_member(struct proc *p, void *arg)
{
	const struct prio_query *pq = arg;

	switch (pq->pq_which) {
	case PRIO_PROCESS:
		return (uint32_t)p->p_pid == pq->pq_who;
	case PRIO_PGRP:
		return (uint32_t)atomic_load(&p->p_pgid) == pq->pq_who;
	default:
		/* The list keeps p; its cred is ours until we sleep. */
		return atomic_load_acq(&p->p_cred)->cr_ruid == pq->pq_who;
	}
}

/* Scheduling is the host's: whoever exists has the usual priority. */
int
sys_getpriority(struct lwp *l, int which, int who, long *ret)
{
	struct prio_query pq = { which, (uint32_t)who };

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return EINVAL;
	if (who == 0 && which == PRIO_PROCESS)
		pq.pq_who = (uint32_t)l->l_proc->p_pid;
	if (who == 0 && which == PRIO_PGRP)
		pq.pq_who = (uint32_t)atomic_load(&l->l_proc->p_pgid);
	if (who == 0 && which == PRIO_USER)
		pq.pq_who = curcred()->cr_ruid;
	if (proc_iterate(prio_member, &pq) == 0)
		return ESRCH;
	*ret = PRIO_NORMAL;
	return 0;
}

/* --- what was used ------------------------------------------------------- */

/* The client's CPU time is the host process's, if it lives in that. */
static int64_t
proc_cputime(const struct proc *p)
{
	return p->p_vm == NULL ?
	    rumpuser_clock_gettime(RUMPUSER_CLOCK_CPU) : 0;
}

int
sys_getrusage(struct lwp *l, int who, struct rusage *usage,
    long *ret __unused_arg)
{
	struct timespec64 ts;
	struct rusage ru;

	if (who != RUSAGE_SELF && who != RUSAGE_THREAD && who != RUSAGE_CHILDREN)
		return EINVAL;
	memset(&ru, 0, sizeof(ru));
	if (who != RUSAGE_CHILDREN) {
		ts = ktime_to_timespec(proc_cputime(l->l_proc));
		ru.ru_utime.tv_sec = ts.tv_sec;
		ru.ru_utime.tv_usec = ts.tv_nsec / 1000;
	}
	return copyout(&ru, usage, sizeof(ru));
}

int
sys_times(struct lwp *l, struct tms *buf, long *ret)
{
	struct tms tms;
	int error;

	if (buf != NULL) {
		memset(&tms, 0, sizeof(tms));
		tms.tms_utime = proc_cputime(l->l_proc) /
		    (NSEC_PER_SEC / TICKS_PER_SEC);
		error = copyout(&tms, buf, sizeof(tms));
		if (error)
			return error;
	}
	*ret = clock_mono() / (NSEC_PER_SEC / TICKS_PER_SEC);
	return 0;
}
