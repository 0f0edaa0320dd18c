/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_qsbr.c - deferred frees with readers
 *
 * Readers take an object from a published pointer and look at it for as
 * long as they hold their seat; the writer replaces the object and hands
 * the old one to qsbr_call().  What was freed is marked, so a reader that
 * sees the mark was betrayed.
 */

#include <lib/string.h>
#include <rump/rump.h>
#include <rump/rumpsim.h>
#include <rump/rumpuser.h>
#include <sys/kvar.h>
#include <sys/qsbr.h>

#include <harness.h>

#include "kmem_impl.h"

#define ALIVE	0xa11ceu
#define FREED	0xdeadu

struct object {
	uint32_t	 o_mark;
	struct qsbr_head o_qsbr;
};

static unsigned int nfreed;

static void
object_free(struct qsbr_head *qh)
{
	struct object *o = container_of(qh, struct object, o_qsbr);

	CHECK_EQ("freed once", ALIVE, o->o_mark);
	o->o_mark = FREED;
	atomic_add(&nfreed, 1);
	kmem_free(o, sizeof(*o));
}

static struct object *
object_create(void)
{
	struct object *o = kmem_zalloc(sizeof(*o), KM_SLEEP);

	NEED(o != NULL);
	o->o_mark = ALIVE;
	return o;
}

static uint64_t
pending(void)
{
	char text[32];
	uint64_t n = UINT64_MAX;

	CHECK_EQ("kvar", 0, kvar_read("kernel.deferred_frees", text,
	    sizeof(text)));
	(void)str_tou64(text, &n);
	return n;
}

TEST(a_barrier_frees_all_that_came_before)
{
	for (unsigned int i = 1; i <= 100; i++) {
		for (unsigned int k = 0; k < i; k++)
			qsbr_call(&object_create()->o_qsbr, object_free);
		qsbr_barrier();
		CHECK_EQ("freed", i * (i + 1) / 2, nfreed);
		CHECK_EQ("pending", 0, pending());
	}
}

TEST(nothing_is_freed_while_its_writer_is_inside)
{
	for (unsigned int i = 0; i < 1000; i++)
		qsbr_call(&object_create()->o_qsbr, object_free);
	CHECK_EQ("freed", 0, nfreed);
	CHECK_EQ("pending", 1000, pending());
	qsbr_barrier();
	CHECK_EQ("freed", 1000, nfreed);
}

TEST(who_yields_need_not_wait_for_a_barrier)
{
	for (unsigned int i = 0; i < 3000; i++) {
		qsbr_call(&object_create()->o_qsbr, object_free);
		if (i % 50 == 0)
			vcpu_yield();
	}
	CHECK(nfreed > 2000);
	qsbr_barrier();
	CHECK_EQ("freed", 3000, nfreed);
}

/* --- functions that defer more ------------------------------------------- */

static struct chain {
	unsigned int	 c_left;
	struct qsbr_head c_qsbr;
} chain;

static void
chain_fn(struct qsbr_head *qh)
{
	if (--chain.c_left != 0)
		qsbr_call(qh, chain_fn);
}

TEST(a_function_may_defer_itself_again)
{
	chain.c_left = 50;
	qsbr_call(&chain.c_qsbr, chain_fn);
	for (unsigned int i = 0; i < 50; i++)
		qsbr_barrier();
	CHECK_EQ("left", 0, chain.c_left);
	CHECK_EQ("pending", 0, pending());
}

/* --- readers ------------------------------------------------------------- */

#define NREADERS	3
#define NWRITES		400

static struct object *published;	/* a */
static uint32_t stop;			/* a */
static unsigned int nlooks;		/* a */

static void
reader(void *arg)
{
	unsigned int spins = (unsigned int)(uintptr_t)arg;

	while (atomic_load_acq(&stop) == 0) {
		struct object *o = atomic_load_acq(&published);

		/* A hypercall is where the simulated host switches threads. */
		for (unsigned int i = 0; i < spins; i++) {
			rumpuser_thread_yield();
			if (!CHECK_EQ("seen", ALIVE, atomic_load(&o->o_mark)))
				return;
		}
		atomic_add(&nlooks, 1);
		vcpu_yield();
	}
}

static void
writers_and_readers(void)
{
	struct kthread *kt[NREADERS];
	struct object *old;

	atomic_store_rel(&published, object_create());
	for (uintptr_t i = 0; i < NREADERS; i++)
		NEED(kthread_create(reader, (void *)(1 + i * 5), "reader",
		    &kt[i]) == 0);
	for (unsigned int i = 0; i < NWRITES; i++) {
		old = atomic_swap_ar(&published, object_create());
		qsbr_call(&old->o_qsbr, object_free);
		if (i % 7 == 0)
			vcpu_yield();
		if (i % 100 == 99)
			qsbr_barrier();
	}
	atomic_store_rel(&stop, 1);
	for (unsigned int i = 0; i < NREADERS; i++)
		kthread_join(kt[i]);
	qsbr_call(&published->o_qsbr, object_free);
	qsbr_barrier();
	CHECK_EQ("freed", NWRITES + 1, nfreed);
	CHECK(nlooks > 0);
}

TEST_WITH(readers_never_see_what_was_freed, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 20)
{
	writers_and_readers();
}

TEST_WITH(one_seat_is_enough_for_readers_and_writers,
    .ht_flags = HARNESS_BARE | HARNESS_KEEPS, .ht_seeds = 5)
{
	NEED(rumpsim_setparam("RUMP_NCPU", "1") == 0);
	NEED(rumpsim_setparam("RUMP_KMEM", "direct") == 0);
	NEED(rump_init() == 0);
	rump_schedule();
	writers_and_readers();
	rump_unschedule();
}

/* A seat that others leave alone keeps what was deferred there. */
static void
defer_some(void *arg __unused_arg)
{
	for (unsigned int i = 0; i < 5; i++)
		qsbr_call(&object_create()->o_qsbr, object_free);
}

TEST_WITH(a_barrier_visits_idle_seats, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 10)
{
	struct kthread *kt[6];

	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		NEED(kthread_create(defer_some, NULL, "defer", &kt[i]) == 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		kthread_join(kt[i]);
	qsbr_barrier();
	CHECK_EQ("freed", 5 * ARRAY_SIZE(kt), nfreed);
	CHECK_EQ("pending", 0, pending());
}
