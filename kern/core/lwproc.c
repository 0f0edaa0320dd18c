/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwproc.c - rump_pub_lwproc_*: procs and lwps for programs that want more
 * than the implicit ones
 *
 * All run outside the kernel and enter it as the lwp that is current.
 */

#include <rump/rump.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kcontext.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/vcpu.h>


#include "proc_impl.h"

_Static_assert(RUMP_RFFDG == PROC_FORK_COPYFD, "public flag");
_Static_assert(RUMP_RFCFDG == PROC_FORK_CLEARFD, "public flag");

/* A new lwp of p becomes current; the old one is left as it is. */
static int
lwproc_become(struct proc *p)
{
	struct lwp *l;
	int error;

	error = lwp_create(p, 0, &l);
	if (error)
		return error;
	vcpu_leave(curlwp());
	lwp_switch_host(l);
	vcpu_enter(l);
	return 0;
}

int
rump_pub_lwproc_rfork(int flags)
{
	struct proc *p;
	int error;

	if (flags & ~(RUMP_RFFDG | RUMP_RFCFDG))
		return EINVAL;
	error = kcontext_enter();
	if (error)
		return error;
	error = proc_fork(curproc(), (unsigned int)flags, &p);
	if (error == 0) {
		proc_hold(p);
		error = lwproc_become(p);
		if (error)
			proc_lastlwp(p);
		proc_rele(p);
	}
	kcontext_leave();
	return error;
}

int
rump_pub_lwproc_newlwp(int pid)
{
	struct proc *p;
	int error;

	error = kcontext_enter();
	if (error)
		return error;
	p = proc_find(pid);
	if (p == NULL) {
		error = ESRCH;
	} else {
		error = lwproc_become(p);
		proc_rele(p);
	}
	kcontext_leave();
	return error;
}

void
rump_pub_lwproc_switch(struct lwp *l)
{
	if (l == NULL) {
		if (!lwp_is_implicit(curlwp()))
			(void)lwp_implicit();
		return;
	}
	lwp_switch_host(l);
}

void
rump_pub_lwproc_releaselwp(void)
{
	lwp_end_explicit();
}

struct lwp *
rump_pub_lwproc_curlwp(void)
{
	return lwp_is_implicit(curlwp()) ? NULL : curlwp();
}

/*
 * In a signal handler that may have interrupted us anywhere, so no lock is taken.  None is needed:
 * who sleeps is this very thread, and its word stays until it goes on.
 */
void
rump_pub_lwproc_interrupt(void)
{
	struct lwp *l = curlwp();
	uint32_t *word;

	if (l == NULL)
		return;
	__atomic_store_n(&l->l_intr, 1, __ATOMIC_SEQ_CST);
	word = __atomic_load_n(&l->l_parkword, __ATOMIC_SEQ_CST);
	if (word != NULL)
		__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

void
rump_pub_lwproc_interrupt_clear(void)
{
	if (curlwp() != NULL)
		(void)lwp_interrupted(curlwp());
}
