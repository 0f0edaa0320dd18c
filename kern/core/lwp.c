/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwp.c - threads as the kernel sees them
 *
 * The storage of an lwp comes from the host directly, because it must exist
 * before its thread can enter the kernel, where kernel memory is.
 *
 * A host thread has at most one implicit lwp, remembered in implicit_tls
 * even while an explicit one is current, and freed when the thread ends.
 */

#include <sys/lwp.h>

#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/proc.h>
#include <sys/vcpu.h>

#include "idle_impl.h"
#include "lockdep.h"
#include "proc_impl.h"
#include "vcpu_impl.h"

_Thread_local struct lwp *curlwp_tls;
static _Thread_local struct lwp *implicit_tls;

static struct lwp *
lwp_alloc(struct proc *p, unsigned int flags)
{
	struct lwp *l;
	void *mem;

	if (rumpuser_malloc(sizeof(*l), CACHE_LINE, &mem) != 0)
		return NULL;
	l = mem;
	memset(l, 0, sizeof(*l));
	l->l_proc = p;
	l->l_flags = flags;
	list_node_init(&l->l_link);
	return l;
}

static void
lwp_freemem(struct lwp *l)
{
	vcpu_forget(l);
	lockdep_free(l);
	rumpuser_free(l, sizeof(*l));
}

/* Joins l to its proc; in kernel context. */
static void
lwp_link(struct lwp *l)
{
	struct proc *p = l->l_proc;

	proc_hold(p);
	mutex_enter(&p->p_lock);
	l->l_lid = p->p_nlwps == 0 ? p->p_pid : proc_newid();
	strlcpy(l->l_name, p->p_comm, sizeof(l->l_name));
	list_insert_tail(&p->p_lwps, &l->l_link);
	p->p_nlwps++;
	mutex_exit(&p->p_lock);
}

/* Leaves the proc, which ends with its last lwp. */
static void
lwp_unlink(struct lwp *l)
{
	struct proc *p = l->l_proc;
	bool last;

	mutex_enter(&p->p_lock);
	list_remove(&l->l_link);
	p->p_calls += l->l_calls;
	last = --p->p_nlwps == 0;
	mutex_exit(&p->p_lock);
	if (last)
		proc_lastlwp(p);
	proc_rele(p);
}

int
lwp_create(struct proc *p, unsigned int flags, struct lwp **ret_l)
{
	struct lwp *l = lwp_alloc(p, flags);

	if (l == NULL)
		return ENOMEM;
	lwp_link(l);
	*ret_l = l;
	return 0;
}

void
lwp_destroy(struct lwp *l)
{
	KASSERT(l != curlwp());
	KASSERT((atomic_load(&l->l_flags) & LWP_RUNNING) == 0);
	lwp_unlink(l);
	lwp_freemem(l);
}

void
lwp_switch_host(struct lwp *l)
{
	struct lwp *old = curlwp_tls;

	KASSERT(old == NULL || !atomic_load(&old->l_in));
	if (old != NULL)
		atomic_and(&old->l_flags, ~LWP_RUNNING);
	if (l != NULL && (atomic_or_ar(&l->l_flags, LWP_RUNNING) & LWP_RUNNING))
		panic("lwp %d is current in two threads", l->l_lid);
	curlwp_tls = l;
}

/*
 * Ends the lwp that is current in this thread, whichever kind it is.  The
 * lwp does the leaving itself, so that it runs with a context.
 */
static void
lwp_end_current(void)
{
	struct lwp *l = curlwp_tls;

	vcpu_enter(l);
	lwp_unlink(l);
	vcpu_leave(l);
	lwp_switch_host(NULL);
	lwp_freemem(l);
}

/* The host thread ends: whatever lwps it still has end with it. */
static void
lwp_thread_ends(void *arg __unused_arg)
{
	if (curlwp_tls != NULL && curlwp_tls != implicit_tls)
		lwp_end_current();
	if (implicit_tls != NULL) {
		lwp_switch_host(implicit_tls);
		implicit_tls = NULL;
		lwp_end_current();
	}
}

/*
 * The implicit lwp of this thread, made current.  NULL: no kernel yet, or no
 * memory.
 */
struct lwp *
lwp_implicit(void)
{
	struct lwp *l = implicit_tls;

	if (l == NULL) {
		struct proc *p = proc_local();

		if (p == NULL || (l = lwp_alloc(p, LWP_IMPLICIT)) == NULL)
			return NULL;
		if (rumpuser_thread_atexit(lwp_thread_ends, NULL) != 0) {
			lwp_freemem(l);
			return NULL;
		}
		lwp_switch_host(l);
		vcpu_enter(l);
		lwp_link(l);
		vcpu_leave(l);
		implicit_tls = l;
	} else {
		lwp_switch_host(l);
	}
	return l;
}

void
lwp_end_explicit(void)
{
	if (curlwp_tls == NULL || curlwp_tls == implicit_tls)
		panic("releaselwp without a bound lwp");
	lwp_end_current();
	if (implicit_tls != NULL)
		lwp_switch_host(implicit_tls);
}

bool
lwp_is_implicit(const struct lwp *l)
{
	return l == NULL || l == implicit_tls;
}

void
lwp_interrupt(struct lwp *l)
{
	uint32_t *word;

	mutex_enter(&l->l_proc->p_lock);
	__atomic_store_n(&l->l_intr, 1, __ATOMIC_SEQ_CST);
	/* The sleeper may take it back any time, but then waits for us (condvar.c). */
	word = __atomic_load_n(&l->l_parkword, __ATOMIC_SEQ_CST);
	if (word != NULL) {
		__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
		(void)rumpuser_unpark(word, UINT32_MAX, 0);
		idle_kick(word);
	}
	mutex_exit(&l->l_proc->p_lock);
}

bool
lwp_interrupted(struct lwp *l)
{
	return atomic_load(&l->l_intr) != 0 && atomic_swap_ar(&l->l_intr, 0) != 0;
}

/* --- kernel threads ------------------------------------------------------ */

struct kthread {
	struct rumpuser_thread *kt_host;
	struct lwp	*kt_lwp;
	void		(*kt_fn)(void *);
	void		*kt_arg;
	bool		 kt_joinable;
};

static void
kthread_free(struct kthread *kt)
{
	rumpuser_free(kt, sizeof(*kt));
}

static void
kthread_main(void *arg)
{
	struct kthread *kt = arg;
	bool joinable = kt->kt_joinable;

	lwp_switch_host(kt->kt_lwp);
	vcpu_enter(kt->kt_lwp);
	kt->kt_fn(kt->kt_arg);
	vcpu_leave(curlwp());
	lwp_end_current();
	if (!joinable)
		kthread_free(kt);
}

int
kthread_create(void (*fn)(void *), void *arg, const char *name,
    struct kthread **ret_kt)
{
	struct kthread *kt;
	void *mem;
	int error;

	error = rumpuser_malloc(sizeof(*kt), 16, &mem);
	if (error)
		return error;
	kt = mem;
	*kt = (struct kthread){ .kt_fn = fn, .kt_arg = arg,
	    .kt_joinable = ret_kt != NULL };
	error = lwp_create(&proc0, LWP_KERNEL, &kt->kt_lwp);
	if (error)
		goto fail_mem;
	strlcpy(kt->kt_lwp->l_name, name, sizeof(kt->kt_lwp->l_name));
	/* Set before the thread runs: a detached one frees kt by itself. */
	if (ret_kt != NULL)
		*ret_kt = kt;
	error = rumpuser_thread_create(kthread_main, kt, name,
	    ret_kt != NULL ? &kt->kt_host : NULL);
	if (error)
		goto fail_lwp;
	return 0;

fail_lwp:
	if (ret_kt != NULL)
		*ret_kt = NULL;
	lwp_destroy(kt->kt_lwp);
fail_mem:
	kthread_free(kt);
	return error;
}

void
kthread_join(struct kthread *kt)
{
	vcpu_block_begin();
	(void)rumpuser_thread_join(kt->kt_host);
	vcpu_block_end();
	kthread_free(kt);
}
