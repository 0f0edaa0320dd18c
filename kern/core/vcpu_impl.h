/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vcpu_impl.h - the inlined fast path of vcpu.c, for the system call entry,
 * and what qsbr.c and softint.c have to do with seats
 */

#ifndef CORE_VCPU_IMPL_H
#define CORE_VCPU_IMPL_H

#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

/* In vc_owner: the owner has to leave by the slow path. */
#define VCPU_WANTED	((uintptr_t)1)

/* The host orders threads for us: see vcpu_order_all().  c */
extern bool vcpu_asymmetric;

void	vcpu_enter_slow(struct lwp *l);
void	vcpu_leave_slow(struct lwp *l);

/* l owns no seat any more; it is outside. */
void	vcpu_forget(struct lwp *l);

/*
 * l, which is outside and owns no seat, takes this one, even from an owner that
 * is outside as well.  False: somebody is inside.
 */
bool	vcpu_claim(struct lwp *l, unsigned int index);

/* Passes the soft interrupts of a seat on to a thread; see softint_run(). */
void	softint_passon(struct vcpu *vc);

/*
 * What a thread stored before it is visible to others before what it loads after
 * it.  Free for who enters and leaves, dear for who calls vcpu_order_all(),
 * which makes it so for all threads at once.
 */
static inline void
vcpu_order(void)
{
	if (likely(vcpu_asymmetric))
		__asm__ volatile("" ::: "memory");
	else
		atomic_fence_seq();
}

void	vcpu_order_all(void);

static inline void
vcpu_take(struct lwp *l)
{
	struct vcpu *vc = l->l_cpu;

	KASSERT(!atomic_load(&l->l_in));
	if (likely(vc != NULL)) {
		atomic_store(&l->l_in, 1);
		vcpu_order();
		if (likely(atomic_load_acq(&vc->vc_owner) == (uintptr_t)l)) {
			atomic_store(&vc->vc_word, vc->vc_word + 1);
			vcpu_order();
			return;
		}
		atomic_store_rel(&l->l_in, 0);
	}
	vcpu_enter_slow(l);
}

static inline void
vcpu_give(struct lwp *l)
{
	struct vcpu *vc = l->l_cpu;

	KASSERT(atomic_load(&l->l_in) && (vc->vc_word & 1) != 0);
	atomic_store_rel(&vc->vc_word, vc->vc_word + 1);
	atomic_store_rel(&l->l_in, 0);
	vcpu_order();
	if (unlikely(atomic_load(&vc->vc_owner) != (uintptr_t)l))
		vcpu_leave_slow(l);
}

/* At the end of a call: no lock is held. */
static inline void
vcpu_exit(struct lwp *l)
{
	while (unlikely(l->l_cpu->vc_softint != NULL))
		softint_run();
	vcpu_give(l);
}

#endif /* CORE_VCPU_IMPL_H */
