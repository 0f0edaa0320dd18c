/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifguard.c - who is using what hangs on an interface
 *
 * Taps, link conditions and the hook of a bridge are looked at for each packet,
 * lock-free; but they may take a lock and so sleep, hence qsbr alone does
 * not protect them.  Input as a whole may sleep too, and nothing of the name
 * space may go away under it.
 *
 * So who goes in counts itself, on its own vCPU and without an atomic
 * operation, in one of two generations.  Who took something away sends
 * newcomers to the other generation, waits until each thread that still saw
 * the old one has counted itself (it does not sleep in between), and then
 * until as many have left as came.
 *
 * Locking: of the waiters for one guard there is one at a time, by ns_lock or
 * because an interface is detached once.
 */

#include <net/ifnet.h>

#include <sys/atomic.h>
#include <sys/qsbr.h>

#include "net_impl.h"

static void
count_up(uint64_t *n)
{
	atomic_store_rel(n, *n + 1);
}

unsigned int
ifguard_enter(struct ifnet *ifp, enum if_guard guard)
{
	unsigned int which = atomic_load_acq(&ifp->if_guard[guard]) & 1;

	count_up(&if_percpu(ifp, vcpu_self()->vc_index)->pc_in[guard][which]);
	return which;
}

void
ifguard_exit(struct ifnet *ifp, enum if_guard guard, unsigned int which)
{
	count_up(&if_percpu(ifp, vcpu_self()->vc_index)->pc_out[guard][which]);
}

/* Those who left are counted first: none of them can be missing below. */
static bool
guard_empty(const struct ifnet *ifp, enum if_guard guard, unsigned int which)
{
	uint64_t in = 0, out = 0;

	for (unsigned int i = 0; i < vcpu_count; i++)
		out += atomic_load_acq(&if_percpu(ifp, i)->pc_out[guard][which]);
	for (unsigned int i = 0; i < vcpu_count; i++)
		in += atomic_load_acq(&if_percpu(ifp, i)->pc_in[guard][which]);
	return in == out;
}

void
ifguard_wait(struct ifnet *ifp, enum if_guard guard)
{
	uint32_t old = ifp->if_guard[guard];

	atomic_store_rel(&ifp->if_guard[guard], old + 1);
	qsbr_barrier();
	while (!guard_empty(ifp, guard, old & 1))
		vcpu_yield();
}
