/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_workqueue.c - work queues and soft interrupts
 */

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include <harness.h>

#define MSEC	1000000LL

static kmutex_t lock = { .m_name = "test" };
static kcondvar_t cv = { .cv_name = "test" };

struct item {
	struct work	 i_work;
	unsigned int	 i_runs;
	unsigned int	 i_order;
	bool		 i_waits;	/* for open */
};

static unsigned int norder;		/* lock */
static bool open;			/* lock */

static void
item_fn(struct work *w)
{
	struct item *it = container_of(w, struct item, i_work);

	mutex_enter(&lock);
	while (it->i_waits && !open)
		cv_wait(&cv, &lock);
	it->i_runs++;
	it->i_order = ++norder;
	mutex_exit(&lock);
}

static void
item_init(struct item *it, bool waits)
{
	*it = (struct item){ .i_waits = waits };
	work_init(&it->i_work, item_fn);
}

static void
open_all(void)
{
	mutex_enter(&lock);
	open = true;
	cv_broadcast(&cv);
	mutex_exit(&lock);
}

TEST_WITH(work_of_one_thread_is_done_in_order, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 5)
{
	static struct item items[50];
	struct workqueue *wq = NULL;

	CHECK_EQ("create", 0, workqueue_create("test", 1, &wq));
	for (unsigned int i = 0; i < ARRAY_SIZE(items); i++) {
		item_init(&items[i], false);
		CHECK(workqueue_enqueue(wq, &items[i].i_work));
	}
	workqueue_drain(wq);
	for (unsigned int i = 0; i < ARRAY_SIZE(items); i++) {
		CHECK_EQ("runs", 1, items[i].i_runs);
		CHECK_EQ("order", i + 1, items[i].i_order);
	}
	workqueue_destroy(wq);
}

TEST(what_is_queued_is_not_queued_again)
{
	struct item first, second;
	struct workqueue *wq = NULL;

	CHECK_EQ("create", 0, workqueue_create("test", 1, &wq));
	item_init(&first, true);
	item_init(&second, false);
	CHECK(workqueue_enqueue(wq, &first.i_work));
	CHECK(workqueue_enqueue(wq, &second.i_work));
	CHECK(!workqueue_enqueue(wq, &second.i_work));
	open_all();
	workqueue_drain(wq);
	CHECK_EQ("runs", 1, second.i_runs);
	CHECK(workqueue_enqueue(wq, &second.i_work));
	workqueue_destroy(wq);		/* finishes what is queued */
	CHECK_EQ("runs", 2, second.i_runs);
}

/* The last of three opens the door that the others wait at. */
static void
opener_fn(struct work *w __unused_arg)
{
	open_all();
}

TEST_WITH(threads_are_started_while_others_wait, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 10)
{
	struct item a, b;
	struct work opener;
	struct workqueue *wq = NULL;

	CHECK_EQ("create", 0, workqueue_create("test", 3, &wq));
	item_init(&a, false);
	(void)workqueue_enqueue(wq, &a.i_work);
	workqueue_drain(wq);
	vcpu_yield();			/* its thread waits for more now */
	item_init(&a, true);
	item_init(&b, true);
	work_init(&opener, opener_fn);
	(void)workqueue_enqueue(wq, &a.i_work);
	(void)workqueue_enqueue(wq, &b.i_work);
	(void)workqueue_enqueue(wq, &opener);
	workqueue_drain(wq);
	CHECK_EQ("runs", 2, a.i_runs + b.i_runs);
	workqueue_destroy(wq);
}

static void
free_fn(struct work *w)
{
	kmem_free(w, sizeof(*w));
}

TEST(work_may_free_itself)
{
	struct workqueue *wq = NULL;

	CHECK_EQ("create", 0, workqueue_create("test", 2, &wq));
	for (unsigned int i = 0; i < 20; i++) {
		struct work *w = kmem_alloc(sizeof(*w), KM_SLEEP);

		NEED(w != NULL);
		work_init(w, free_fn);
		(void)workqueue_enqueue(wq, w);
	}
	workqueue_destroy(wq);
}

static int
queue_and_drain(void)
{
	struct workqueue *wq = NULL;
	struct item a, b;
	int error;

	error = workqueue_create("test", 2, &wq);
	if (error)
		return error;
	item_init(&a, false);
	item_init(&b, false);
	(void)workqueue_enqueue(wq, &a.i_work);
	(void)workqueue_enqueue(wq, &b.i_work);
	workqueue_drain(wq);
	CHECK_EQ("runs", 2, a.i_runs + b.i_runs);
	workqueue_destroy(wq);
	return 0;
}

TEST(work_is_done_though_the_host_has_no_threads)
{
	fault_sweep(FAULT_THREAD, queue_and_drain);
}

TEST(each_refused_allocation_of_a_queue_is_reported)
{
	fault_sweep(FAULT_MEMORY, queue_and_drain);
}

TEST(a_queue_needs_a_sane_number_of_threads)
{
	struct workqueue *wq = NULL;

	CHECK_EQ("none", EINVAL, workqueue_create("test", 0, &wq));
	CHECK_EQ("too many", EINVAL, workqueue_create("test", 1000, &wq));
	workqueue_destroy(NULL);
}

/* --- soft interrupts ----------------------------------------------------- */

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)	/* their thread stays */

static unsigned int nsoft;		/* a */

static void
soft_fn(void *arg)
{
	CHECK_EQ("argument", 77, *(int *)arg);
	(void)vcpu_self();		/* has a seat */
	atomic_add(&nsoft, 1);
}

TEST_WITH(a_soft_interrupt_runs_once_before_the_seat_is_left,
    .ht_flags = KEEPS, .ht_seeds = 5)
{
	struct softint *si;
	int value = 77;

	CHECK_EQ("create", 0, softint_create(soft_fn, &value, &si));
	for (unsigned int i = 1; i <= 20; i++) {
		softint_schedule(si);
		softint_schedule(si);
		CHECK_EQ("not yet", i - 1, atomic_load(&nsoft));
		vcpu_leave(curlwp());
		CHECK_EQ("done", i, atomic_load(&nsoft));
		vcpu_enter(curlwp());
	}
	softint_destroy(si);
}

/* Takes the lock which the thread that scheduled it sleeps with. */
static void
locking_fn(void *arg __unused_arg)
{
	mutex_enter(&lock);
	nsoft++;
	mutex_exit(&lock);
}

static void
holder_sleeps(void)
{
	static uint32_t word;

	vcpu_block_begin();
	(void)rumpuser_park(&word, 0, 0,
	    rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO) + MSEC);
	vcpu_block_end();
}

TEST_WITH(a_sleeper_passes_its_soft_interrupts_on, .ht_flags = KEEPS,
    .ht_seeds = 10)
{
	struct softint *si;

	CHECK_EQ("create", 0, softint_create(locking_fn, NULL, &si));
	mutex_enter(&lock);
	softint_schedule(si);
	holder_sleeps();
	CHECK_EQ("not while the lock is held", 0, nsoft);
	mutex_exit(&lock);
	softint_destroy(si);
	CHECK_EQ("done", 1, nsoft);
}

static void
again_fn(void *arg)
{
	struct softint **si = arg;

	if (atomic_add(&nsoft, 1) < 9)
		softint_schedule(*si);
}

TEST_WITH(a_soft_interrupt_may_schedule_itself, .ht_flags = KEEPS)
{
	static struct softint *si;

	CHECK_EQ("create", 0, softint_create(again_fn, &si, &si));
	softint_schedule(si);
	vcpu_leave(curlwp());
	vcpu_enter(curlwp());
	CHECK_EQ("runs", 10, atomic_load(&nsoft));
	softint_destroy(si);
}

static void
storm_thread(void *arg)
{
	struct softint *si = *(struct softint **)arg;

	for (unsigned int i = 0; i < 200; i++) {
		softint_schedule(si);
		if (i % 3 == 0)
			vcpu_yield();
		if (i % 5 == 0) {
			vcpu_leave(curlwp());
			vcpu_enter(curlwp());
		}
	}
}

static void
count_fn(void *arg __unused_arg)
{
	atomic_add(&nsoft, 1);
}

TEST_WITH(soft_interrupts_of_all_seats_are_done_at_the_end,
    .ht_flags = KEEPS, .ht_seeds = 10)
{
	static struct softint *si;
	struct kthread *kt[4];
	unsigned int done;

	CHECK_EQ("create", 0, softint_create(count_fn, NULL, &si));
	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		NEED(kthread_create(storm_thread, &si, "storm", &kt[i]) == 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		kthread_join(kt[i]);
	softint_destroy(si);
	done = atomic_load(&nsoft);
	CHECK(done >= 4 * 200 / 15);
	vcpu_yield();
	CHECK_EQ("none later", done, atomic_load(&nsoft));
}
