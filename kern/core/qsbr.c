/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * qsbr.c - freeing what lock-free readers may still see
 *
 * Each seat keeps two queues of objects: those that came lately, and one
 * batch that waits.  When a batch begins to wait, the words of all seats are
 * noted; a seat has passed as soon as its word says left or another
 * generation, because then whoever held it has left.  When all have passed
 * the batch is freed and the newer objects become the next batch.  Seats
 * look at each other's words only; nothing here is written by two.
 *
 * The queues move when objects are added (each QSBR_STEP), when a long
 * operation yields, and in qsbr_barrier(), which goes round all seats.  What
 * an idle seat keeps is less than a batch.
 *
 * Ordering
 *	The writer's unlinking comes before vcpu_order_all(), that before the
 *	reading of the words.  A reader whose word we read as even enters
 *	later and finds the object gone.  A reader that was inside releases
 *	its word when it leaves, and we acquire it.
 *
 * Functions run in the context of whoever moved the queue, possibly with
 * locks held, and may themselves call qsbr_call().
 */

#include <sys/qsbr.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/kassert.h>
#include <sys/kvar.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "kvar_impl.h"
#include "vcpu_impl.h"

#define QSBR_STEP	256
#define BARRIER_NAP	(50 * 1000)	/* ns between looks at busy seats */
#define BARRIER_YIELDS	16		/* looks before the first nap */

/* Field key:	s  holder of the seat	a  written by the holder, read by all */
struct qsbr_seat {
	struct qsbr_head *qs_new;	/* s */
	struct qsbr_head **qs_newtail;	/* s: NULL if there are none */
	struct qsbr_head *qs_wait;	/* s: the batch */
	unsigned int	 qs_passed;	/* s: seats below have */
	bool		 qs_running;	/* s: functions are being called */
	uint64_t	 qs_called;	/* a: objects that ever came */
	uint64_t	 qs_done;	/* a: objects whose functions ran */
	uint64_t	 qs_word[VCPU_MAX]; /* s: of the batch */
} __aligned_to(2 * CACHE_LINE);

static struct qsbr_seat seats[VCPU_MAX];

static int	qsbr_kvar_get(const struct kvar *kv, char *buf, size_t size);

struct kvar qsbr_kvar = {
	.kv_name = "kernel.deferred_frees",
	.kv_about = "objects that wait for lock-free readers",
	.kv_type = KVAR_FN, .kv_flags = KVAR_RDONLY, .kv_get = qsbr_kvar_get,
};

static void
words_note(uint64_t *word)
{
	vcpu_order_all();
	for (unsigned int i = 0; i < vcpu_count; i++)
		word[i] = atomic_load_acq(&vcpu_table[i].vc_word);
}

/* Has the holder that was noted left? */
static bool
word_passed(uint64_t noted, unsigned int i)
{
	uint64_t now;

	if ((noted & 1) == 0)
		return true;
	now = atomic_load_acq(&vcpu_table[i].vc_word);
	return now != noted;
}

static bool
words_passed(const uint64_t *word, unsigned int *passed)
{
	for (; *passed < vcpu_count; (*passed)++) {
		if (!word_passed(word[*passed], *passed))
			return false;
	}
	return true;
}

static struct qsbr_seat *
seat_self(void)
{
	return &seats[curlwp()->l_cpu->vc_index];
}

static void
batch_begin(struct qsbr_seat *qs)
{
	qs->qs_wait = qs->qs_new;
	qs->qs_new = NULL;
	qs->qs_newtail = NULL;
	qs->qs_passed = 0;
	words_note(qs->qs_word);
}

static void
batch_run(struct qsbr_seat *qs, struct qsbr_head *qh)
{
	uint64_t n = 0;

	qs->qs_running = true;
	for (struct qsbr_head *next; qh != NULL; qh = next, n++) {
		next = qh->qh_next;
		qh->qh_fn(qh);
	}
	KASSERT(qs == seat_self());	/* they may not sleep */
	qs->qs_running = false;
	atomic_store_rel(&qs->qs_done, qs->qs_done + n);
}

/* Moves this seat's queues on as far as that is possible now. */
void
qsbr_poll(void)
{
	struct qsbr_seat *qs = seat_self();
	struct qsbr_head *done;

	if (qs->qs_running)
		return;
	if (qs->qs_wait == NULL) {
		if (qs->qs_new == NULL)
			return;
		batch_begin(qs);
	}
	if (!words_passed(qs->qs_word, &qs->qs_passed))
		return;
	done = qs->qs_wait;
	qs->qs_wait = NULL;
	if (qs->qs_new != NULL)
		batch_begin(qs);
	batch_run(qs, done);
}

void
qsbr_call(struct qsbr_head *qh, void (*fn)(struct qsbr_head *))
{
	struct qsbr_seat *qs = seat_self();

	qh->qh_fn = fn;
	qh->qh_next = NULL;
	if (qs->qs_newtail == NULL)
		qs->qs_new = qh;
	else
		*qs->qs_newtail = qh;
	qs->qs_newtail = &qh->qh_next;
	atomic_store_rel(&qs->qs_called, qs->qs_called + 1);
	if (qs->qs_called % QSBR_STEP == 0)
		qsbr_poll();
}

/* --- waiting ------------------------------------------------------------- */

/* Lets the others run, the longer the more often it was tried. */
static void
barrier_pause(unsigned int tries)
{
	static uint32_t never;

	if (tries < BARRIER_YIELDS) {
		vcpu_yield();
		return;
	}
	vcpu_block_begin();
	(void)rumpuser_park(&never, 0, 0,
	    rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO) + BARRIER_NAP);
	vcpu_block_end();
}

static void
barrier_readers(void)
{
	uint64_t word[VCPU_MAX];
	unsigned int passed = 0;

	words_note(word);
	for (unsigned int tries = 0; !words_passed(word, &passed); tries++)
		barrier_pause(tries);
}

/* Changes to seat i if nobody is inside there. */
static bool
seat_move(unsigned int i)
{
	struct lwp *l = curlwp();

	if (l->l_cpu->vc_index != i) {
		vcpu_block_begin();
		if (!vcpu_claim(l, i))
			vcpu_block_end();
	}
	return l->l_cpu->vc_index == i;
}

/* Until all that had come to the seat by now has been done. */
static void
barrier_seat(unsigned int i)
{
	struct qsbr_seat *qs = &seats[i];
	uint64_t called = atomic_load_acq(&qs->qs_called);

	for (unsigned int tries = 0; atomic_load_acq(&qs->qs_done) < called;
	    tries++) {
		if (seat_move(i))
			qsbr_poll();
		barrier_pause(tries);
	}
}

void
qsbr_barrier(void)
{
	KASSERT(!seat_self()->qs_running);
	barrier_readers();
	for (unsigned int i = 0; i < vcpu_count; i++)
		barrier_seat(i);
}

static int
qsbr_kvar_get(const struct kvar *kv __unused_arg, char *buf, size_t size)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < vcpu_count; i++)
		n += atomic_load(&seats[i].qs_called) -
		    atomic_load(&seats[i].qs_done);
	return kvar_printf(buf, size, "%llu", (unsigned long long)n);
}
