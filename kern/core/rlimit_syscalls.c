/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rlimit_syscalls.c - resource limits: getrlimit(2), setrlimit(2),
 * prlimit(2)
 *
 * The limits of a proc change under its p_lock; a soft limit is read without
 * it.  What a limit means is the business of who allocates the resource.
 */

#include <sys/proc.h>

#include <abi/sysargs.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>

#define NOFILE_MAX	1048576		/* fs.nr_open, as on Linux */

_Static_assert(sizeof(struct rlimit) == sizeof(struct rlimit64),
    "one form of limits on 64-bit machines");

static int
rlimit_check_locked(struct proc *p, int resource, const struct rlimit64 *new)
    REQUIRES(p->p_lock)
{
	if (resource == RLIMIT_NOFILE && new->rlim_max > NOFILE_MAX)
		return EPERM;
	if (new->rlim_max > p->p_rlimit[resource].rlim_max &&
	    !cred_capable(curcred(), CAP_SYS_RESOURCE))
		return EPERM;
	return 0;
}

/* new and ret_old may be NULL. */
static int
rlimit_change(struct proc *p, int resource, const struct rlimit64 *new,
    struct rlimit64 *ret_old)
{
	struct rlimit64 old;
	int error = 0;

	mutex_enter(&p->p_lock);
	old = p->p_rlimit[resource];
	if (new != NULL)
		error = rlimit_check_locked(p, resource, new);
	if (new != NULL && error == 0) {
		atomic_store(&p->p_rlimit[resource].rlim_cur, new->rlim_cur);
		atomic_store(&p->p_rlimit[resource].rlim_max, new->rlim_max);
	}
	mutex_exit(&p->p_lock);
	if (error == 0 && ret_old != NULL)
		*ret_old = old;
	return error;
}

/* The same user in all respects, or the capability. */
static int
rlimit_permitted(struct lwp *l, struct proc *p)
{
	const struct cred *mine = curcred();
	const struct cred *its = atomic_load_acq(&p->p_cred);

	if (p == l->l_proc || cred_capable(mine, CAP_SYS_RESOURCE))
		return 0;
	if (mine->cr_ruid == its->cr_euid && mine->cr_ruid == its->cr_suid &&
	    mine->cr_ruid == its->cr_ruid && mine->cr_rgid == its->cr_egid &&
	    mine->cr_rgid == its->cr_sgid && mine->cr_rgid == its->cr_rgid)
		return 0;
	return EPERM;
}

static int
prlimit(struct lwp *l, pid_t pid, int resource, const struct rlimit64 *new,
    struct rlimit64 *ret_old)
{
	struct proc *p;
	int error;

	if (pid == 0)
		return rlimit_change(l->l_proc, resource, new, ret_old);
	p = proc_find(pid);
	if (p == NULL)
		return ESRCH;
	error = rlimit_permitted(l, p);
	if (error == 0)
		error = rlimit_change(p, resource, new, ret_old);
	proc_rele(p);
	return error;
}

int
sys_prlimit64(struct lwp *l, int pid, int resource, const struct rlimit *unew,
    struct rlimit *uold, long *ret __unused_arg)
{
	struct rlimit64 new, old;
	int error;

	if (unew != NULL) {
		error = copyin(unew, &new, sizeof(new));
		if (error)
			return error;
	}
	if (resource < 0 || resource >= RLIM_NLIMITS)
		return EINVAL;
	if (unew != NULL && new.rlim_cur > new.rlim_max)
		return EINVAL;
	error = prlimit(l, pid, resource, unew != NULL ? &new : NULL, &old);
	if (error)
		return error;
	return uold != NULL ? copyout(&old, uold, sizeof(old)) : 0;
}

int
sys_getrlimit(struct lwp *l, int resource, struct rlimit *rlim, long *ret)
{
	struct rlimit64 old;
	int error;

	if (resource < 0 || resource >= RLIM_NLIMITS)
		return EINVAL;
	error = prlimit(l, 0, resource, NULL, &old);
	return error ? error : copyout(&old, rlim, sizeof(old));
}

int
sys_setrlimit(struct lwp *l, int resource, const struct rlimit *rlim,
    long *ret)
{
	struct rlimit64 new;
	int error;

	error = copyin(rlim, &new, sizeof(new));
	if (error)
		return error;
	if (resource < 0 || resource >= RLIM_NLIMITS ||
	    new.rlim_cur > new.rlim_max)
		return EINVAL;
	return prlimit(l, 0, resource, &new, NULL);
}
