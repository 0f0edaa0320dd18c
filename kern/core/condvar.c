/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * condvar.c - condition variables, semaphores, one-time actions
 *
 * A condition variable is a counter.  A waiter reads it while it holds the
 * mutex, lets go of the mutex and parks on the value read: any signal since
 * has changed the counter, and parking returns at once.  Who does not sleep
 * but drives something meanwhile (idle.h) looks at the counter by itself: the
 * host is asked to wake only those who are counted in cv_parked.
 *
 * An interruptible sleeper publishes the counter in l_parkword; whoever
 * interrupts it sets l_intr and then moves the counter, which wakes (without
 * harm: wake-ups may be spurious) and cannot be missed either.  The sleeper takes
 * the pointer back first and looks at l_intr then: unless that is set, nobody has
 * seen the pointer who still uses it.  Else it waits for p_lock, which lwp_interrupt()
 * holds.
 */

#include <sys/condvar.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/vcpu.h>

#include "idle_impl.h"

void
cv_init(kcondvar_t *cv, const char *name)
{
	cv->cv_seq = 0;
	cv->cv_waiters = 0;
	cv->cv_parked = 0;
	cv->cv_name = name;
}

void
cv_destroy(kcondvar_t *cv __unused_arg)
{
	KASSERTMSG(atomic_load(&cv->cv_waiters) == 0, "%s has waiters",
	    cv->cv_name);
}

/* Those who wait at a time use one mutex, which is held: no atomic addition is needed. */
static void
waiters_change(kcondvar_t *cv, uint32_t by)
{
	atomic_store(&cv->cv_waiters, atomic_load(&cv->cv_waiters) + by);
}

static int
cv_park(kcondvar_t *cv, kmutex_t *m, int64_t deadline, int flags)
    NO_THREAD_SAFETY
{
	uint32_t seq;
	int error;

	KASSERT(mutex_owned(m));
	seq = atomic_load(&cv->cv_seq);
	waiters_change(cv, 1);
	__atomic_fetch_add(&cv->cv_parked, 1, __ATOMIC_SEQ_CST);
	mutex_exit(m);
	vcpu_block_begin();
	error = rumpuser_park(&cv->cv_seq, seq, flags, deadline);
	vcpu_block_end();
	atomic_sub(&cv->cv_parked, 1);
	mutex_enter(m);
	waiters_change(cv, UINT32_MAX);
	return error == ETIMEDOUT || error == EINTR ? error : 0;
}

static void
parkword_clear(struct lwp *l)
{
	__atomic_store_n(&l->l_parkword, NULL, __ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&l->l_intr, __ATOMIC_SEQ_CST)))
		return;
	mutex_enter(&l->l_proc->p_lock);
	mutex_exit(&l->l_proc->p_lock);
}

static int
cv_park_sig(kcondvar_t *cv, kmutex_t *m, int64_t deadline, bool idle)
    NO_THREAD_SAFETY
{
	struct lwp *l = curlwp();
	uint32_t seq;
	int error = 0;

	KASSERT(mutex_owned(m));
	seq = atomic_load(&cv->cv_seq);
	waiters_change(cv, 1);
	__atomic_store_n(&l->l_parkword, &cv->cv_seq, __ATOMIC_SEQ_CST);
	mutex_exit(m);
	if (__atomic_load_n(&l->l_intr, __ATOMIC_SEQ_CST)) {
		/* Interrupted before it slept. */
	} else if (idle) {
		error = idle_park(&cv->cv_seq, &cv->cv_parked, seq, deadline);
	} else {
		error = idle_sleep(&cv->cv_seq, &cv->cv_parked, seq, deadline);
	}
	parkword_clear(l);
	mutex_enter(m);
	waiters_change(cv, UINT32_MAX);
	if (lwp_interrupted(l))
		return EINTR;
	return error == ETIMEDOUT || error == EINTR ? error : 0;
}

void
cv_wait(kcondvar_t *cv, kmutex_t *m)
{
	(void)cv_park(cv, m, RUMPUSER_NOTIME, 0);
}

int
cv_wait_sig(kcondvar_t *cv, kmutex_t *m)
{
	return cv_park_sig(cv, m, RUMPUSER_NOTIME, false);
}

int
cv_timedwait(kcondvar_t *cv, kmutex_t *m, int64_t deadline)
{
	return cv_park(cv, m, deadline, 0);
}

int
cv_timedwait_sig(kcondvar_t *cv, kmutex_t *m, int64_t deadline)
{
	return cv_park_sig(cv, m, deadline, false);
}

int
cv_timedwait_sig_idle(kcondvar_t *cv, kmutex_t *m, int64_t deadline)
{
	return cv_park_sig(cv, m, deadline, true);
}

static void
cv_wake(kcondvar_t *cv, unsigned int n)
{
	if (atomic_load(&cv->cv_waiters) == 0)
		return;
	curlwp()->l_wakes++;
	__atomic_fetch_add(&cv->cv_seq, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&cv->cv_parked, __ATOMIC_SEQ_CST) != 0)
		(void)rumpuser_unpark(&cv->cv_seq, n, 0);
	idle_kick(&cv->cv_seq);
}

void
cv_signal(kcondvar_t *cv)
{
	cv_wake(cv, 1);
}

void
cv_broadcast(kcondvar_t *cv)
{
	cv_wake(cv, UINT32_MAX);
}

void
sema_init(ksema_t *s, unsigned int count, const char *name)
{
	s->s_count = count;
	s->s_waiters = 0;
	s->s_name = name;
}

void
sema_destroy(ksema_t *s __unused_arg)
{
	KASSERTMSG(atomic_load(&s->s_waiters) == 0, "%s has waiters", s->s_name);
}

bool
sema_trywait(ksema_t *s)
{
	uint32_t n = atomic_load(&s->s_count);

	while (n > 0) {
		if (atomic_cas_acq(&s->s_count, &n, n - 1))
			return true;
	}
	return false;
}

void
sema_wait(ksema_t *s)
{
	if (sema_trywait(s))
		return;
	__atomic_fetch_add(&s->s_waiters, 1, __ATOMIC_SEQ_CST);
	while (!sema_trywait(s)) {
		vcpu_block_begin();
		(void)rumpuser_park(&s->s_count, 0, 0, RUMPUSER_NOTIME);
		vcpu_block_end();
	}
	atomic_sub(&s->s_waiters, 1);
}

void
sema_post(ksema_t *s)
{
	__atomic_fetch_add(&s->s_count, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->s_waiters, __ATOMIC_SEQ_CST) != 0)
		(void)rumpuser_unpark(&s->s_count, 1, 0);
}

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

int
once_run(konce_t *o, int (*fn)(void))
{
	uint32_t state = ONCE_NEW;

	if (atomic_load_acq(&o->o_state) == ONCE_DONE)
		return o->o_error;
	if (atomic_cas_acq(&o->o_state, &state, ONCE_RUNNING)) {
		o->o_error = fn();
		atomic_store_rel(&o->o_state, ONCE_DONE);
		(void)rumpuser_unpark(&o->o_state, UINT32_MAX, 0);
		return o->o_error;
	}
	while (atomic_load_acq(&o->o_state) != ONCE_DONE) {
		vcpu_block_begin();
		(void)rumpuser_park(&o->o_state, ONCE_RUNNING, 0,
		    RUMPUSER_NOTIME);
		vcpu_block_end();
	}
	return o->o_error;
}
