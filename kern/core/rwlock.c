/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rwlock.c - many readers or one writer, on two words
 *
 * rw_word holds the number of readers, a writer bit, and two bits that say
 * that readers or writers wait.  Waiters park on rw_wait, a counter that
 * grows each time a release finds a wait bit: read the counter, find the
 * lock taken, set the bit, park on the counter as read.  A release between
 * any two of these steps is seen by the next.
 *
 * A waiting writer keeps new readers out.  A release wakes all waiters; they
 * try again in any order.
 */

#include <sys/rwlock.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "lockdep.h"

#define RW_WRITER	0x80000000u
#define RW_WWAIT	0x40000000u
#define RW_RWAIT	0x20000000u
#define RW_WAITBITS	(RW_WWAIT | RW_RWAIT)
#define RW_READERS	0x00ffffffu

#define RW_SPIN		64

void
rw_init(krwlock_t *rw, const char *name)
{
	rw->rw_word = 0;
	rw->rw_wait = 0;
	rw->rw_owner = NULL;
	rw->rw_name = name;
}

void
rw_destroy(krwlock_t *rw __unused_arg)
{
	KASSERTMSG(atomic_load(&rw->rw_word) == 0, "%s destroyed while held",
	    rw->rw_name);
}

bool
rw_write_held(const krwlock_t *rw)
{
	return atomic_load(&rw->rw_owner) == curlwp();
}

bool
rw_held(const krwlock_t *rw)
{
	return (atomic_load(&rw->rw_word) & (RW_WRITER | RW_READERS)) != 0;
}

bool
rw_read_tryenter(krwlock_t *rw) NO_THREAD_SAFETY
{
	uint32_t word = atomic_load(&rw->rw_word);

	while ((word & (RW_WRITER | RW_WWAIT)) == 0) {
		if (atomic_cas_acq(&rw->rw_word, &word, word + 1)) {
			lockdep_acquired(rw, rw->rw_name);
			return true;
		}
	}
	return false;
}

bool
rw_write_tryenter(krwlock_t *rw) NO_THREAD_SAFETY
{
	uint32_t word = atomic_load(&rw->rw_word);

	while ((word & (RW_WRITER | RW_READERS)) == 0) {
		if (atomic_cas_acq(&rw->rw_word, &word, word | RW_WRITER)) {
			atomic_store(&rw->rw_owner, curlwp());
			lockdep_acquired(rw, rw->rw_name);
			return true;
		}
	}
	return false;
}

/*
 * Sleeps until a release, unless the lock can be had by somebody whom the
 * bits in "against" keep out.
 */
static void
rw_sleep(krwlock_t *rw, uint32_t against, uint32_t waitbit)
{
	uint32_t seq = atomic_load_acq(&rw->rw_wait);
	uint32_t word = atomic_load(&rw->rw_word);

	if ((word & against) == 0)
		return;
	if ((word & waitbit) == 0 &&
	    !atomic_cas_ar(&rw->rw_word, &word, word | waitbit))
		return;
	vcpu_block_begin();
	(void)rumpuser_park(&rw->rw_wait, seq, 0, RUMPUSER_NOTIME);
	vcpu_block_end();
}

void
rw_read_enter(krwlock_t *rw) NO_THREAD_SAFETY
{
	KASSERTMSG(!rw_write_held(rw), "%s entered twice", rw->rw_name);
	lockdep_before(rw, rw->rw_name);
	for (unsigned int i = 0; !rw_read_tryenter(rw); i++) {
		if (vcpu_count > 1 && i < RW_SPIN)
			cpu_relax();
		else
			rw_sleep(rw, RW_WRITER | RW_WWAIT, RW_RWAIT);
	}
}

void
rw_write_enter(krwlock_t *rw) NO_THREAD_SAFETY
{
	KASSERTMSG(!rw_write_held(rw), "%s entered twice", rw->rw_name);
	lockdep_before(rw, rw->rw_name);
	for (unsigned int i = 0; !rw_write_tryenter(rw); i++) {
		if (vcpu_count > 1 && i < RW_SPIN)
			cpu_relax();
		else
			rw_sleep(rw, RW_WRITER | RW_READERS, RW_WWAIT);
	}
}

static void
rw_wake(krwlock_t *rw)
{
	atomic_add(&rw->rw_wait, 1);
	(void)rumpuser_unpark(&rw->rw_wait, UINT32_MAX, 0);
}

static void
rw_read_exit(krwlock_t *rw)
{
	uint32_t word = atomic_sub_ar(&rw->rw_word, 1) - 1;

	while ((word & (RW_READERS | RW_WRITER)) == 0 &&
	    (word & RW_WAITBITS) != 0) {
		if (atomic_cas_ar(&rw->rw_word, &word, word & ~RW_WAITBITS)) {
			rw_wake(rw);
			return;
		}
	}
}

void
rw_exit(krwlock_t *rw) NO_THREAD_SAFETY
{
	lockdep_released(rw);
	if (!rw_write_held(rw)) {
		KASSERTMSG((atomic_load(&rw->rw_word) & RW_READERS) != 0,
		    "%s left but not held", rw->rw_name);
		rw_read_exit(rw);
		return;
	}
	atomic_store(&rw->rw_owner, NULL);
	if (atomic_swap_rel(&rw->rw_word, 0) & RW_WAITBITS)
		rw_wake(rw);
}

bool
rw_tryupgrade(krwlock_t *rw)
{
	uint32_t word = atomic_load(&rw->rw_word);

	KASSERT((word & RW_READERS) != 0);
	while ((word & RW_READERS) == 1) {
		if (atomic_cas_acq(&rw->rw_word, &word,
		    (word & RW_WAITBITS) | RW_WRITER)) {
			atomic_store(&rw->rw_owner, curlwp());
			return true;
		}
	}
	return false;
}

void
rw_downgrade(krwlock_t *rw)
{
	KASSERT(rw_write_held(rw));
	atomic_store(&rw->rw_owner, NULL);
	if (atomic_swap_ar(&rw->rw_word, 1) & RW_WAITBITS)
		rw_wake(rw);
}
