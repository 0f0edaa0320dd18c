/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * proc_pub.c - what procs there are, for programs that show it
 */

#include <rump/rump.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kcontext.h>
#include <sys/ktime.h>
#include <sys/proc.h>

#include "fdtable_impl.h"

_Static_assert(sizeof(((struct rump_procinfo *)NULL)->pi_comm) ==
    sizeof(((struct proc *)NULL)->p_comm), "names of procs");

struct procnext {
	pid_t		 pn_after;
	struct rump_procinfo pn_info;	/* pi_pid 0: none yet */
};

/* Without the table's lock, which comes before ours: a number for people. */
static unsigned int
count_files(struct proc *p)
{
	struct fdtable *ft = atomic_load_acq(&p->p_fd);
	struct fdbody *fb = ft != NULL ? atomic_load_acq(&ft->ft_body) : NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; fb != NULL && i < fb->fb_size; i += WORD_BITS)
		n += (unsigned int)__builtin_popcountll(
		    atomic_load(&fb->fb_taken[i / WORD_BITS]));
	return n;
}

static void
proc_describe(struct proc *p, struct rump_procinfo *pi)
{
	struct list_node *n;

	memset(pi, 0, sizeof(*pi));
	pi->pi_pid = p->p_pid;
	pi->pi_ppid = atomic_load(&p->p_ppid);
	pi->pi_hostpid = atomic_load(&p->p_hostpid);
	pi->pi_remote = p->p_vm != NULL;
	pi->pi_age = (uint64_t)clock_mono() - p->p_start;
	mutex_enter(&p->p_lock);
	pi->pi_threads = p->p_nlwps;
	pi->pi_uid = p->p_cred->cr_ruid;
	pi->pi_calls = p->p_calls;
	LIST_FOREACH(n, &p->p_lwps)
		pi->pi_calls += atomic_load(&container_of(n, struct lwp, l_link)->l_calls);
	strlcpy(pi->pi_comm, p->p_comm, sizeof(pi->pi_comm));
	mutex_exit(&p->p_lock);
	pi->pi_files = count_files(p);
}

/* The list is in the order of birth, and numbers start again some day. */
static int
proc_closer(struct proc *p, void *arg)
{
	struct procnext *pn = arg;

	if (p->p_pid > pn->pn_after &&
	    (pn->pn_info.pi_pid == 0 || p->p_pid < pn->pn_info.pi_pid))
		proc_describe(p, &pn->pn_info);
	return 0;
}

int
rump_pub_proc_next(int pid, struct rump_procinfo *ret_info)
{
	struct procnext pn = { .pn_after = pid };
	int error;

	if (pid < 0)
		return EINVAL;
	error = kcontext_enter();
	if (error)
		return error;
	(void)proc_iterate(proc_closer, &pn);
	kcontext_leave();
	if (pn.pn_info.pi_pid == 0)
		return ENOENT;
	*ret_info = pn.pn_info;
	return 0;
}
