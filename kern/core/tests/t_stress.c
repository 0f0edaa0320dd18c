/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_stress.c - many threads at the core's services at once
 *
 * On the simulated host the seed decides who runs; on Linux the threads are
 * real, for the thread sanitizer and for orderings that no simulation has.
 * Every object says whose it is and what it should hold, and each thread
 * checks what it meets.
 */

#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/kvar.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/qsbr.h>
#include <sys/random.h>
#include <sys/vcpu.h>

#include <harness.h>

#define NTHREADS	8
#define NSHELF		32
#define ROUNDS		5000

#define ALIVE		0xa11cea11u
#define DEAD		0xdeaddeadu

struct thing {
	uint32_t	 t_alive;	/* a: read by who may hold it */
	uint32_t	 t_len;		/* of what follows */
	struct qsbr_head t_qsbr;
	unsigned char	 t_data[];
};

static struct thing *shelf[NSHELF];	/* a: replaced, then freed by qsbr */
static struct pool stress_pool;
static void *pool_shelf[NSHELF];	/* a: objects that change hands */
static COUNTER_DEFINE(stress_counter, "test.stress", "rounds");

static uint64_t
next(uint64_t *x)
{
	*x = *x * 6364136223846793005ull + 1442695040888963407ull;
	return *x >> 33;
}

static size_t
thing_size(const struct thing *t)
{
	return sizeof(*t) + t->t_len;
}

static void
thing_free(struct qsbr_head *qh)
{
	struct thing *t = container_of(qh, struct thing, t_qsbr);

	CHECK_EQ("freed once", ALIVE, atomic_load(&t->t_alive));
	atomic_store(&t->t_alive, DEAD);
	kmem_free(t, thing_size(t));
}

static void
thing_replace(uint64_t *x)
{
	uint32_t len = (uint32_t)(next(x) % (next(x) % 16 == 0 ? 20000 : 400));
	struct thing *t = kmem_alloc(sizeof(*t) + len, KM_SLEEP), *old;

	NEED(t != NULL);
	t->t_len = len;
	memset(t->t_data, (int)(len & 0xff), len);
	atomic_store(&t->t_alive, ALIVE);
	old = atomic_swap_ar(&shelf[next(x) % NSHELF], t);
	if (old != NULL)
		qsbr_call(&old->t_qsbr, thing_free);
}

/* Without lock or reference, as long as the seat is kept. */
static void
thing_look(uint64_t *x)
{
	struct thing *t = atomic_load_acq(&shelf[next(x) % NSHELF]);

	if (t == NULL)
		return;
	CHECK_EQ("alive", ALIVE, atomic_load(&t->t_alive));
	if (next(x) % 4 == 0)
		rumpuser_thread_yield();
	if (t->t_len != 0) {
		CHECK_EQ("first", t->t_len & 0xff, t->t_data[0]);
		CHECK_EQ("last", t->t_len & 0xff, t->t_data[t->t_len - 1]);
	}
	CHECK_EQ("alive", ALIVE, atomic_load(&t->t_alive));
}

static void
pool_turn(uint64_t *x)
{
	uint64_t *mine = pool_get(&stress_pool, KM_SLEEP), *found;

	NEED(mine != NULL);
	mine[3] = (uintptr_t)mine;
	found = atomic_swap_ar(&pool_shelf[next(x) % NSHELF], mine);
	if (found != NULL) {
		CHECK_EQ("its own", (uintptr_t)found, found[3]);
		found[3] = 0;
		pool_put(&stress_pool, found);
	}
}

static void
page_turn(uint64_t *x)
{
	unsigned int order = (unsigned int)(next(x) % 5);
	unsigned char *p = page_alloc(order, next(x) % 2 ? KM_ZERO : 0);

	NEED(p != NULL);
	p[0] = (unsigned char)order;
	p[(PAGE_SIZE << order) - 1] = 1;
	CHECK_EQ("mine", order, p[0]);
	page_free(p, order);
}

/* User n has group n, whoever changes it. */
static void
cred_turn(uint64_t *x)
{
	const struct cred *cr = atomic_load_acq(&proc_local()->p_cred);
	struct cred *new;
	uid_t id;

	CHECK_EQ("group", cr->cr_ruid, cr->cr_rgid);
	if (next(x) % 4 != 0)
		return;
	id = (uid_t)(next(x) % 100);
	NEED(cred_create(id, id, 0, NULL, &new) == 0);
	cred_set(proc_local(), new);
}

/* --- timers and work ----------------------------------------------------- */

static struct callout stress_callout;
static struct workqueue *stress_wq;
static struct work stress_work;
static unsigned int nfired, nworked;	/* a */

static void
fired(void *arg __unused_arg)
{
	atomic_add(&nfired, 1);
	(void)workqueue_enqueue(stress_wq, &stress_work);
}

static void
worked(struct work *w __unused_arg)
{
	unsigned char buf[40];

	random_bytes(buf, sizeof(buf));
	atomic_add(&nworked, 1);
}

static void
timer_turn(uint64_t *x)
{
	switch (next(x) % 8) {
	case 0:
		callout_halt(&stress_callout);
		break;
	case 1:
		(void)callout_stop(&stress_callout);
		break;
	default:
		NEED(callout_schedule(&stress_callout,
		    clock_mono() + (int64_t)(next(x) % 100000)) == 0);
		break;
	}
}

static void
stress_thread(void *arg)
{
	uint64_t x = (uintptr_t)arg * 0x9e3779b97f4a7c15ull;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		counter_add(&stress_counter, 1);
		thing_look(&x);
		switch (next(&x) % 8) {
		case 0: case 1:
			thing_replace(&x);
			break;
		case 2:
			page_turn(&x);
			break;
		case 3:
			cred_turn(&x);
			break;
		case 4:
			timer_turn(&x);
			break;
		case 5:
			(void)random_u64();
			break;
		default:
			pool_turn(&x);
			break;
		}
		if (next(&x) % 16 == 0)
			vcpu_yield();
		if (next(&x) % 512 == 0)
			qsbr_barrier();
	}
}

TEST_WITH(services_bear_many_threads, .ht_flags = HARNESS_KERNEL |
    HARNESS_POOLS | HARNESS_KEEPS, .ht_seeds = 3)
{
	struct kthread *kt[NTHREADS];
	struct cred *before = curproc()->p_cred;

	cred_hold(before);
	pool_init(&stress_pool, 72, 8, "stress");
	counter_register(&stress_counter);
	callout_init(&stress_callout, fired, NULL);
	work_init(&stress_work, worked);
	NEED(workqueue_create("stress", 2, &stress_wq) == 0);
	for (uintptr_t i = 0; i < NTHREADS; i++)
		NEED(kthread_create(stress_thread,
		    (void *)(harness_seed() * NTHREADS + i + 1), "stress",
		    &kt[i]) == 0);
	for (unsigned int i = 0; i < NTHREADS; i++)
		kthread_join(kt[i]);

	callout_halt(&stress_callout);
	workqueue_destroy(stress_wq);
	for (unsigned int i = 0; i < NSHELF; i++) {
		if (shelf[i] != NULL)
			qsbr_call(&shelf[i]->t_qsbr, thing_free);
		pool_put(&stress_pool, pool_shelf[i]);
	}
	qsbr_barrier();
	CHECK_EQ("out", 0, pool_outstanding(&stress_pool));
	CHECK_EQ("rounds", NTHREADS * ROUNDS, counter_read(&stress_counter));
	CHECK(nworked <= nfired);
	pool_fini(&stress_pool);
	kvar_unregister(&stress_counter.ct_var);
	cred_set(proc_local(), before);
}
