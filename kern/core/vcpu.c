/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vcpu.c - seats in the kernel: taking, giving back, waiting for one
 *
 * A seat belongs to the lwp that used it last, also while that lwp is
 * outside the kernel, so that entering and leaving need no atomic operation:
 *
 *	enter	l_in = 1;	is vc_owner still me?	then inside
 *	leave	l_in = 0;	is vc_owner still me?	then done
 *
 * Somebody else who wants the seat writes vc_owner (with VCPU_WANTED, to
 * begin with), has all threads pass a barrier (vcpu_order_all), and reads
 * l_in of the owner.  Either the owner saw the change and turns to the slow
 * path, or its l_in is seen: 0 means that it is outside and the seat can be
 * taken, 1 that it is inside and will find itself wanted when it leaves.  A
 * barrier for all threads costs microseconds, but only threads in excess of
 * seats ever pay it.  On a host without such barriers each enter and leave
 * has one of its own.
 *
 * A thread that is about to sleep disowns its seat, so that others find it
 * free at once.
 *
 * vc_word counts: the holder makes it odd when it is inside and even when it
 * left.  qsbr.c reads it.
 *
 * Waiting: first for a while with open eyes, then parked, in a queue.  Who
 * leaves a wanted seat makes it free and wakes the first in the queue; a
 * waiter that was too late twice is given the seat directly.
 *
 * Locking: seat_lock (a word to park on, since those who take it have no
 * seat to give back) protects vc_owner and the queue.
 */

#include <sys/vcpu.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/kassert.h>
#include <sys/lwp.h>

#include "vcpu_impl.h"

#define VCPU_SPIN	64	/* looks before parking */
#define VCPU_PATIENCE	2	/* times a waiter may be too late */

struct waiter {
	struct lwp	*w_lwp;
	struct waiter	*w_next;	/* seat_lock */
	unsigned int	 w_late;	/* seat_lock */
	bool		 w_seated;	/* seat_lock: was given a seat */
	uint32_t	 w_word;	/* a: 1 when woken */
};

unsigned int vcpu_count = 1;
struct vcpu vcpu_table[VCPU_MAX];
bool vcpu_asymmetric;

static uint32_t seat_lock;		/* a: 0 free, 1 held, 2 awaited */
static struct waiter *queue;		/* seat_lock */
static struct waiter **queue_tail = &queue;	/* seat_lock */
static unsigned int next_seat;		/* seat_lock: where new lwps look first */

static void
seat_lock_enter(void)
{
	uint32_t free = 0;

	if (atomic_cas_acq(&seat_lock, &free, 1))
		return;
	while (__atomic_exchange_n(&seat_lock, 2, __ATOMIC_ACQUIRE) != 0)
		(void)rumpuser_park(&seat_lock, 2, 0, RUMPUSER_NOTIME);
}

static void
seat_lock_exit(void)
{
	if (atomic_swap_rel(&seat_lock, 0) == 2)
		(void)rumpuser_unpark(&seat_lock, 1, 0);
}

void
vcpu_boot(unsigned int ncpu)
{
	KASSERT(ncpu >= 1 && ncpu <= VCPU_MAX);
	for (unsigned int i = 0; i < ncpu; i++)
		vcpu_table[i].vc_index = i;
	vcpu_count = ncpu;
	vcpu_asymmetric = rumpuser_membarrier() == 0;
}

void
vcpu_order_all(void)
{
	if (vcpu_asymmetric)
		(void)rumpuser_membarrier();
	else
		atomic_fence_seq();
}

static struct lwp *
owner_of(uintptr_t owner)
{
	return (struct lwp *)(owner & ~VCPU_WANTED);
}

/* Nobody else is inside on vc: l is from here on. */
static void
seat_give_locked(struct vcpu *vc, struct lwp *l)
{
	KASSERT((atomic_load(&vc->vc_word) & 1) == 0);
	l->l_cpu = vc;
	atomic_store(&l->l_in, 1);
	atomic_store_rel(&vc->vc_owner, (uintptr_t)l |
	    (queue != NULL ? VCPU_WANTED : 0));
	atomic_store(&vc->vc_word, vc->vc_word + 1);
}

static bool
seat_ownerless(const struct vcpu *vc, const struct lwp *l)
{
	const struct lwp *owner = owner_of(atomic_load(&vc->vc_owner));

	return owner == NULL || owner == l;
}

static bool
seat_left(const struct vcpu *vc)
{
	const struct lwp *owner = owner_of(atomic_load(&vc->vc_owner));

	return owner == NULL || !atomic_load_acq(&owner->l_in);
}

/* Seats from the one that l likes best on. */
static struct vcpu *
seat_nth(const struct lwp *l, unsigned int n)
{
	unsigned int first = l->l_cpu != NULL ? l->l_cpu->vc_index : next_seat;

	return &vcpu_table[(first + n) % vcpu_count];
}

static struct vcpu *
seat_find_locked(struct lwp *l, bool (*fit)(const struct vcpu *vc))
{
	for (unsigned int i = 0; i < vcpu_count; i++) {
		struct vcpu *vc = seat_nth(l, i);

		if (fit != NULL ? fit(vc) : seat_ownerless(vc, l))
			return vc;
	}
	return NULL;
}

/* Owners whose seat was marked but not taken go back to the fast path. */
static void
seat_unmark_all_locked(void)
{
	if (queue != NULL)
		return;
	for (unsigned int i = 0; i < vcpu_count; i++) {
		struct vcpu *vc = &vcpu_table[i];

		atomic_store(&vc->vc_owner,
		    atomic_load(&vc->vc_owner) & ~VCPU_WANTED);
	}
}

/* Marks all seats; one whose owner turns out to be outside, or NULL. */
static struct vcpu *
seat_revoke_locked(struct lwp *l)
{
	for (unsigned int i = 0; i < vcpu_count; i++) {
		struct vcpu *vc = &vcpu_table[i];
		uintptr_t owner = atomic_load(&vc->vc_owner);

		if (owner != 0)
			atomic_store(&vc->vc_owner, owner | VCPU_WANTED);
	}
	vcpu_order_all();
	return seat_find_locked(l, seat_left);
}

/*
 * One try: free seats first, then such as their owners have left.  A seat
 * that is taken from its owner stays marked until it has the new one, or the
 * old one could still slip in.
 */
static bool
seat_try_locked(struct lwp *l, bool mark)
{
	struct vcpu *vc = seat_find_locked(l, NULL);
	bool marked = false;

	if (vc == NULL && (mark || seat_find_locked(l, seat_left) != NULL)) {
		vc = seat_revoke_locked(l);
		marked = true;
	}
	if (vc != NULL) {
		if (l->l_cpu == NULL)
			next_seat = vc->vc_index + 1;
		seat_give_locked(vc, l);
	}
	/* Who is going to wait leaves the marks for those he waits for. */
	if (marked && (vc != NULL || !mark))
		seat_unmark_all_locked();
	return vc != NULL;
}

bool
vcpu_claim(struct lwp *l, unsigned int index)
{
	struct vcpu *vc = &vcpu_table[index];
	uintptr_t owner;
	bool left;

	KASSERT(!atomic_load(&l->l_in));
	seat_lock_enter();
	owner = atomic_load(&vc->vc_owner);
	if (owner != 0) {
		atomic_store(&vc->vc_owner, owner | VCPU_WANTED);
		vcpu_order_all();
	}
	left = seat_left(vc);
	if (left)
		seat_give_locked(vc, l);
	else
		seat_unmark_all_locked();
	seat_lock_exit();
	vcpu_order();
	return left;
}

static void
queue_append_locked(struct waiter *w)
{
	w->w_next = NULL;
	w->w_word = 0;
	*queue_tail = w;
	queue_tail = &w->w_next;
}

static struct waiter *
queue_take_locked(void)
{
	struct waiter *w = queue;

	if (w != NULL) {
		queue = w->w_next;
		if (queue == NULL)
			queue_tail = &queue;
	}
	return w;
}

/*
 * With seat_lock, which it leaves.  All seats are marked and all owners were
 * inside when they were: each will come by the queue.
 */
static void
vcpu_wait(struct waiter *w)
{
	w->w_late++;
	queue_append_locked(w);
	seat_lock_exit();
	while (atomic_load_acq(&w->w_word) == 0)
		(void)rumpuser_park(&w->w_word, 0, 0, RUMPUSER_NOTIME);
}

void
vcpu_enter_slow(struct lwp *l)
{
	struct waiter w = { .w_lwp = l };

	for (unsigned int spin = 0;; spin++) {
		bool park = spin % VCPU_SPIN == VCPU_SPIN - 1;

		seat_lock_enter();
		if (w.w_seated || seat_try_locked(l, park)) {
			seat_lock_exit();
			break;
		}
		if (park) {
			vcpu_wait(&w);
			continue;
		}
		seat_lock_exit();
		cpu_relax();
	}
	vcpu_order();
}

/*
 * A seat is free: to the first waiter with it, if that one has waited long enough,
 * or a wake-up for him.  Returns whom to wake once the lock is left.
 */
static uint32_t *
seat_pass_on_locked(struct vcpu *vc)
{
	struct waiter *w = queue_take_locked();

	atomic_store_rel(&vc->vc_owner, 0);
	if (w == NULL)
		return NULL;
	if (w->w_late >= VCPU_PATIENCE) {
		w->w_seated = true;
		seat_give_locked(vc, w->w_lwp);
	}
	return &w->w_word;
}

/* w lives on the waiter's stack and may be gone once its word is set. */
static void
waiter_wake(uint32_t *word)
{
	if (word == NULL)
		return;
	atomic_store_rel(word, 1);
	(void)rumpuser_unpark(word, 1, 0);
}

/* l has left its seat and found it wanted, or somebody else's already. */
void
vcpu_leave_slow(struct lwp *l)
{
	struct vcpu *vc = l->l_cpu;
	uint32_t *wake = NULL;

	seat_lock_enter();
	if (owner_of(atomic_load(&vc->vc_owner)) == l) {
		if (queue != NULL)
			wake = seat_pass_on_locked(vc);
		else
			atomic_store(&vc->vc_owner, (uintptr_t)l);
	}
	seat_lock_exit();
	waiter_wake(wake);
}

void
vcpu_forget(struct lwp *l)
{
	uint32_t *wake = NULL;

	KASSERT(!atomic_load(&l->l_in));
	seat_lock_enter();
	for (unsigned int i = 0; i < vcpu_count; i++) {
		struct vcpu *vc = &vcpu_table[i];

		/* An lwp owns one seat at most. */
		if (owner_of(atomic_load(&vc->vc_owner)) == l)
			wake = seat_pass_on_locked(vc);
	}
	seat_lock_exit();
	waiter_wake(wake);
}

void
vcpu_enter(struct lwp *l)
{
	vcpu_take(l);
}

void
vcpu_leave(struct lwp *l)
{
	vcpu_exit(l);
}

/* Who blocks may hold locks, so soft interrupts cannot run here. */
void
vcpu_block_begin(void)
{
	struct lwp *l = curlwp();

	if (unlikely(l->l_cpu->vc_softint != NULL))
		softint_passon(l->l_cpu);
	vcpu_give(l);
	vcpu_forget(l);
}

void
vcpu_block_end(void)
{
	vcpu_take(curlwp());
}

struct vcpu *
vcpu_self(void)
{
	KASSERT(curlwp() != NULL && atomic_load(&curlwp()->l_in));
	return curlwp()->l_cpu;
}

bool
vcpu_wanted(void)
{
	return (atomic_load(&vcpu_self()->vc_owner) & VCPU_WANTED) != 0;
}

/* The seat stays ours unless somebody wants it, who finds us outside. */
void
vcpu_yield(void)
{
	struct lwp *l = curlwp();

	if (unlikely(l->l_cpu->vc_softint != NULL))
		softint_passon(l->l_cpu);
	vcpu_give(l);
	rumpuser_thread_yield();
	vcpu_take(l);
}
