/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mutex.c - mutual exclusion on a word that waiters park on
 *
 * The word is 0 (free), 1 (held) or 2 (held, and somebody may be parked).
 * Whoever had to wait leaves the word at 2 when it gets the lock, since it
 * cannot know whether others still wait: one wake-up too many at worst.
 *
 * A waiter spins for about the time of a short critical section before it
 * gives its vCPU back and parks.
 */

#include <sys/mutex.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "lockdep.h"

#define MUTEX_SPIN	128

void
mutex_init(kmutex_t *m, const char *name)
{
	m->m_word = 0;
	m->m_owner = NULL;
	m->m_name = name;
}

void
mutex_destroy(kmutex_t *m __unused_arg)
{
	KASSERTMSG(atomic_load(&m->m_word) == 0, "%s destroyed while held",
	    m->m_name);
}

bool
mutex_owned(const kmutex_t *m)
{
	return atomic_load(&m->m_owner) == curlwp();
}

static void
mutex_wait(kmutex_t *m)
{
	for (unsigned int i = 0; vcpu_count > 1 && i < MUTEX_SPIN; i++) {
		uint32_t free = 0;

		if (atomic_load(&m->m_word) == 0 &&
		    atomic_cas_acq(&m->m_word, &free, 1))
			return;
		cpu_relax();
	}
	while (__atomic_exchange_n(&m->m_word, 2, __ATOMIC_ACQUIRE) != 0) {
		vcpu_block_begin();
		(void)rumpuser_park(&m->m_word, 2, 0, RUMPUSER_NOTIME);
		vcpu_block_end();
	}
}

void
mutex_enter(kmutex_t *m) NO_THREAD_SAFETY
{
	uint32_t free = 0;

	KASSERTMSG(!mutex_owned(m), "%s entered twice", m->m_name);
	lockdep_before(m, m->m_name);
	if (unlikely(!atomic_cas_acq(&m->m_word, &free, 1)))
		mutex_wait(m);
	atomic_store(&m->m_owner, curlwp());
	lockdep_acquired(m, m->m_name);
}

bool
mutex_tryenter(kmutex_t *m) NO_THREAD_SAFETY
{
	uint32_t free = 0;

	if (!atomic_cas_acq(&m->m_word, &free, 1))
		return false;
	atomic_store(&m->m_owner, curlwp());
	lockdep_acquired(m, m->m_name);
	return true;
}

void
mutex_exit(kmutex_t *m) NO_THREAD_SAFETY
{
	KASSERTMSG(mutex_owned(m), "%s left by a stranger", m->m_name);
	lockdep_released(m);
	atomic_store(&m->m_owner, NULL);
	if (unlikely(atomic_swap_rel(&m->m_word, 0) == 2))
		(void)rumpuser_unpark(&m->m_word, 1, 0);
}
