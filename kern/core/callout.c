/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * callout.c - functions that run at a time
 *
 * One wheel holds all armed callouts; one thread, started by the first that
 * is armed, sleeps until the earliest deadline and runs what is due, one
 * after the other.  There is no tick: nothing armed means nobody wakes.
 *
 * A callout is
 *	idle -> pending		callout_schedule()
 *	pending -> idle		callout_stop(), or its time has come: then
 *				running_callout points at it while its
 *				function runs, without the lock
 * The thread does not look at a callout after its function was called, so
 * that function may free it; and it may arm it again.
 *
 * Locking
 *	timers_lock protects everything here and is a leaf: callers hold
 *	whatever they like.  start_lock is held while the thread is started.
 */

#include <sys/ktime.h>

#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kvar.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>

static kmutex_t start_lock = { .m_name = "timer start" };
static kmutex_t timers_lock = { .m_name = "timers" };
static kcondvar_t timers_cv = { .cv_name = "timers" };	/* the thread */
static kcondvar_t halt_cv = { .cv_name = "callout halt" };

static struct wheel wheel;		/* timers_lock */
static struct list due = LIST_INITIALIZER(due);	/* timers_lock */
static struct callout *running_callout;	/* timers_lock; read atomically */
static struct lwp *timers_lwp;		/* timers_lock */
static int64_t sleeping_until = INT64_MIN; /* timers_lock: MIN while awake */
static bool started;			/* a: set once, under start_lock */

static uint64_t npending;		/* timers_lock */
static uint64_t nfired;			/* timers_lock */

static struct kvar callout_kvars[] = {
	{ .kv_name = "timers.pending", .kv_about = "callouts that are armed",
	  .kv_type = KVAR_U64, .kv_flags = KVAR_RDONLY, .kv_ptr = &npending },
	{ .kv_name = "timers.fired", .kv_about = "callouts that have run",
	  .kv_type = KVAR_U64, .kv_flags = KVAR_RDONLY, .kv_ptr = &nfired },
};

static struct shutdown_hook callout_shutdown = { .sh_fn = qsbr_barrier };

int
timer_boot(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(callout_kvars); i++)
		kvar_register(&callout_kvars[i]);
	shutdown_register(&callout_shutdown);
	return 0;
}

static struct callout *
callout_of(struct list_node *n)
{
	return container_of(n, struct callout, c_entry.we_link);
}

void
callout_init(struct callout *c, void (*fn)(void *), void *arg)
{
	list_node_init(&c->c_entry.we_link);
	c->c_entry.we_slot = WHEEL_OUT;
	c->c_entry.we_deadline = 0;
	c->c_fn = fn;
	c->c_arg = arg;
	c->c_pending = 0;
}

static void
callout_remove_locked(struct callout *c) REQUIRES(timers_lock)
{
	wheel_remove(&wheel, &c->c_entry);
	atomic_store(&npending, npending - 1);
	atomic_store_rel(&c->c_pending, 0);
}

/* Runs the first that is due; the lock is dropped meanwhile. */
static void
callout_run_locked(struct callout *c) REQUIRES(timers_lock)
{
	void (*fn)(void *) = c->c_fn;
	void *arg = c->c_arg;

	atomic_store_rel(&running_callout, c);
	callout_remove_locked(c);
	mutex_exit(&timers_lock);
	fn(arg);
	mutex_enter(&timers_lock);
	atomic_store_rel(&running_callout, NULL);
	atomic_store(&nfired, nfired + 1);
	cv_broadcast(&halt_cv);
}

static void __noreturn
timers_thread(void *arg __unused_arg)
{
	struct list_node *n;

	mutex_enter(&timers_lock);
	timers_lwp = curlwp();
	for (;;) {
		wheel_advance(&wheel, clock_mono(), &due);
		n = list_first(&due);
		if (n != NULL) {
			callout_run_locked(callout_of(n));
			continue;
		}
		sleeping_until = wheel_next(&wheel);
		(void)cv_timedwait(&timers_cv, &timers_lock, sleeping_until);
		sleeping_until = INT64_MIN;
	}
}

static int
timers_start(void)
{
	int error = 0;

	mutex_enter(&start_lock);
	if (!started) {
		wheel_init(&wheel, clock_mono());
		error = kthread_create(timers_thread, NULL, "timers", NULL);
		if (error == 0)
			atomic_store_rel(&started, true);
	}
	mutex_exit(&start_lock);
	return error;
}

int
callout_rearm(struct callout *c, int64_t deadline, bool *ret_was)
{
	int error;

	if (unlikely(!atomic_load_acq(&started))) {
		error = timers_start();
		if (error)
			return error;
	}
	mutex_enter(&timers_lock);
	*ret_was = c->c_pending != 0;
	if (c->c_pending)
		callout_remove_locked(c);
	wheel_insert(&wheel, &c->c_entry, deadline);
	atomic_store(&c->c_pending, 1);
	atomic_store(&npending, npending + 1);
	if (deadline < sleeping_until)
		cv_signal(&timers_cv);
	mutex_exit(&timers_lock);
	return 0;
}

int
callout_schedule(struct callout *c, int64_t deadline)
{
	bool was;

	return callout_rearm(c, deadline, &was);
}

/* Neither armed nor running: nothing to stop, and no lock to take. */
static bool
callout_idle(struct callout *c)
{
	return atomic_load_acq(&c->c_pending) == 0 &&
	    atomic_load_acq(&running_callout) != c;
}

bool
callout_stop(struct callout *c)
{
	bool stopped;

	if (callout_idle(c))
		return true;
	mutex_enter(&timers_lock);
	if (c->c_pending)
		callout_remove_locked(c);
	stopped = running_callout != c;
	mutex_exit(&timers_lock);
	return stopped;
}

bool
callout_disarm(struct callout *c)
{
	bool was;

	if (atomic_load_acq(&c->c_pending) == 0)
		return false;
	mutex_enter(&timers_lock);
	was = c->c_pending != 0;
	if (was)
		callout_remove_locked(c);
	mutex_exit(&timers_lock);
	return was;
}

void
callout_halt(struct callout *c)
{
	if (callout_idle(c))
		return;
	mutex_enter(&timers_lock);
	for (;;) {
		if (c->c_pending)
			callout_remove_locked(c);
		if (running_callout != c || timers_lwp == curlwp())
			break;
		cv_wait(&halt_cv, &timers_lock);
	}
	mutex_exit(&timers_lock);
}
