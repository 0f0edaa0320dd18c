/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vcpu_impl.h - the inlined fast path of vcpu.c, for the system call entry
 * and for locks, and the layout of a seat's word, for qsbr.c
 */

#ifndef CORE_VCPU_IMPL_H
#define CORE_VCPU_IMPL_H

#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#define VCPU_FREE	0ULL
#define VCPU_HELD	1ULL
#define VCPU_WANTED	2ULL
#define VCPU_STATE	3ULL

void	vcpu_enter_slow(struct lwp *l);
void	vcpu_leave_slow(struct vcpu *vc);

static inline uint64_t
vcpu_word_taken(uint64_t word)
{
	return (word & ~VCPU_STATE) + 4 + VCPU_HELD;
}

static inline uint64_t
vcpu_word_freed(uint64_t word)
{
	return word & ~VCPU_STATE;
}

/*
 * softint.c: runs what was scheduled on a seat that its holder is about to
 * leave (false: nothing), or passes it on because the holder must not.
 */
bool	softint_leave(struct vcpu *vc);
void	softint_passon(struct vcpu *vc);

static inline void
vcpu_seat(struct vcpu *vc, struct lwp *l)
{
	vc->vc_lwp = l;
	l->l_cpu = vc;
	l->l_lastcpu = vc;
}

static inline void
vcpu_take(struct lwp *l)
{
	struct vcpu *vc = l->l_lastcpu;
	uint64_t word;

	KASSERT(l->l_cpu == NULL);
	if (likely(vc != NULL)) {
		word = atomic_load(&vc->vc_word);
		if (likely((word & VCPU_STATE) == VCPU_FREE) &&
		    likely(atomic_cas_acq(&vc->vc_word, &word,
		    vcpu_word_taken(word)))) {
			vc->vc_lwp = l;
			l->l_cpu = vc;
			return;
		}
	}
	vcpu_enter_slow(l);
}

static inline void
vcpu_give(struct lwp *l)
{
	struct vcpu *vc = l->l_cpu;
	uint64_t word;

	KASSERT(vc != NULL && vc->vc_lwp == l);
	vc->vc_lwp = NULL;
	l->l_cpu = NULL;
	word = atomic_load(&vc->vc_word);
	if (unlikely((word & VCPU_STATE) != VCPU_HELD) ||
	    unlikely(!atomic_cas_ar(&vc->vc_word, &word, vcpu_word_freed(word))))
		vcpu_leave_slow(vc);
}

#endif /* CORE_VCPU_IMPL_H */
