/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vcpu.c - seats in the kernel: taking, giving back, waiting for one
 *
 * A seat is one word: a generation, which grows each time the seat is taken,
 * and a state.
 *
 *	FREE -> HELD		vcpu_enter(): one compare-and-swap
 *	HELD -> WANTED		a thread that found no free seat marks it
 *	HELD -> FREE		vcpu_leave(): one compare-and-swap
 *	WANTED -> FREE		... fails then, and the slow path wakes a waiter
 *
 * A waiter marks every seat before it parks, so that whoever leaves first
 * wakes it.  A waiter that gets a seat while others still wait marks its own
 * at once: no waiter is ever parked without a mark on some held seat.
 *
 * The word changes hands with acquire and release, so what belongs to a seat
 * (fields marked "holder only") needs no other ordering.  qsbr.c reads the
 * generations to learn when readers are gone.
 */

#include <sys/vcpu.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/kassert.h>
#include <sys/lwp.h>

#include "vcpu_impl.h"

#define VCPU_SPIN	256	/* rounds over all seats before parking */

unsigned int vcpu_count = 1;
struct vcpu vcpu_table[VCPU_MAX];

static uint32_t vcpu_waiters;		/* a: threads in vcpu_wait() */
static uint32_t vcpu_waitseq;		/* a: grows with each seat given up */

void
vcpu_boot(unsigned int ncpu)
{
	KASSERT(ncpu >= 1 && ncpu <= VCPU_MAX);
	for (unsigned int i = 0; i < ncpu; i++)
		vcpu_table[i].vc_index = i;
	vcpu_count = ncpu;
}

static bool
vcpu_try(struct vcpu *vc, struct lwp *l)
{
	uint64_t word = atomic_load(&vc->vc_word);

	if ((word & VCPU_STATE) != VCPU_FREE)
		return false;
	if (!atomic_cas_acq(&vc->vc_word, &word, vcpu_word_taken(word)))
		return false;
	vcpu_seat(vc, l);
	return true;
}

static bool
vcpu_try_any(struct lwp *l)
{
	unsigned int first = l->l_lastcpu != NULL ? l->l_lastcpu->vc_index : 0;

	for (unsigned int i = 0; i < vcpu_count; i++) {
		if (vcpu_try(&vcpu_table[(first + i) % vcpu_count], l))
			return true;
	}
	return false;
}

/* Asks every holder to wake somebody; true if one seat turned out free. */
static bool
vcpu_mark_all(void)
{
	for (unsigned int i = 0; i < vcpu_count; i++) {
		struct vcpu *vc = &vcpu_table[i];
		uint64_t word = atomic_load(&vc->vc_word);

		while ((word & VCPU_STATE) == VCPU_HELD) {
			if (atomic_cas_ar(&vc->vc_word, &word,
			    (word & ~VCPU_STATE) | VCPU_WANTED))
				break;
		}
		if ((word & VCPU_STATE) == VCPU_FREE)
			return true;
	}
	return false;
}

static void
vcpu_wait(struct lwp *l)
{
	uint32_t seq;

	atomic_add(&vcpu_waiters, 1);
	for (;;) {
		seq = atomic_load_acq(&vcpu_waitseq);
		if (!vcpu_mark_all())
			(void)rumpuser_park(&vcpu_waitseq, seq, 0,
			    RUMPUSER_NOTIME);
		for (unsigned int i = 0; i < VCPU_SPIN; i++) {
			if (vcpu_try_any(l))
				goto seated;
			cpu_relax();
		}
	}
seated:
	if (atomic_sub(&vcpu_waiters, 1) > 1)
		(void)vcpu_mark_all();
}

void
vcpu_enter_slow(struct lwp *l)
{
	if (l->l_lastcpu == NULL) {
		/* Threads start out on different seats. */
		static unsigned int next;

		l->l_lastcpu = &vcpu_table[atomic_add(&next, 1) % vcpu_count];
	}
	for (unsigned int i = 0; i < VCPU_SPIN; i++) {
		if (vcpu_try_any(l))
			return;
		if (atomic_load(&vcpu_waiters) != 0)
			break;
		cpu_relax();
	}
	vcpu_wait(l);
}

/* The seat was wanted when we left it, or has soft interrupts to run. */
void
vcpu_leave_slow(struct vcpu *vc)
{
	uint64_t word;

	if (unlikely(vc->vc_softint != NULL) && softint_leave(vc))
		return;
	word = atomic_load(&vc->vc_word);

	while (!atomic_cas_ar(&vc->vc_word, &word, vcpu_word_freed(word)))
		continue;
	atomic_add(&vcpu_waitseq, 1);
	(void)rumpuser_unpark(&vcpu_waitseq, 1, 0);
}

void
vcpu_enter(struct lwp *l)
{
	vcpu_take(l);
}

void
vcpu_leave(struct lwp *l)
{
	vcpu_give(l);
}

/* Who blocks may hold locks, so soft interrupts cannot run here. */
static void
vcpu_give_blocking(struct lwp *l)
{
	if (unlikely(l->l_cpu->vc_softint != NULL))
		softint_passon(l->l_cpu);
	vcpu_give(l);
}

void
vcpu_block_begin(void)
{
	vcpu_give_blocking(curlwp());
}

void
vcpu_block_end(void)
{
	vcpu_take(curlwp());
}

struct vcpu *
vcpu_self(void)
{
	KASSERT(curlwp() != NULL && curlwp()->l_cpu != NULL);
	return curlwp()->l_cpu;
}

bool
vcpu_wanted(void)
{
	return (atomic_load(&vcpu_self()->vc_word) & VCPU_STATE) == VCPU_WANTED;
}

void
vcpu_yield(void)
{
	struct lwp *l = curlwp();

	vcpu_give_blocking(l);
	rumpuser_thread_yield();
	vcpu_take(l);
}
