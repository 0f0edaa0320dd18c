/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sched.c - who runs next, and when it is
 *
 * Simulated threads are threads of the host of which all but one wait for
 * their turn on a futex of their own.  The running one holds the baton.  At
 * each point (sim_point) and whenever it blocks, the seed picks who goes on.
 * If nobody can, the clock jumps to the next deadline; if there is none
 * either and nobody is outside, it is a deadlock.
 *
 * Coming in
 *	Threads that do not hold the baton reach it through sim.arrivals, a
 *	list that anyone may push to and only the holder empties.  Who pushed
 *	tries to pick the baton up, in case it lies free; who lays it down
 *	looks at the list once more.  Hence nobody is forgotten.
 *
 *	Strangers, and signals from the host that end a sleep, are the only
 *	things in a run that the seed does not decide.
 */

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "sched_impl.h"

#define NSEC_PER_SEC	INT64_C(1000000000)

/* The clock of each run starts here: not at 0, which hides mistakes. */
#define TIME_START	NSEC_PER_SEC

/* Virtual time that a point takes: a loop that waits for time gets it. */
#define TIME_POINT	50
#define TIME_YIELD	1000

/* How long strangers may take to show up before it is a deadlock, really. */
#define GRACE_SEC	2

/* With a limit, a wait is not taken up again after a signal. */
#define AGES_SEC	(365 * 86400L)

struct sim sim = {
	.s_now = TIME_START,
	.s_alarm = RUMPUSER_NOTIME,
	.s_switch = 125,
	.s_spurious = 16,
};

/* --- the host's futex ---------------------------------------------------- */

static int
futex_wait(uint32_t *word, uint32_t expected, long seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &ts,
	    NULL, 0) == 0)
		return 0;
	return errno;
}

static void
futex_wake(uint32_t *word, int n)
{

	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* --- trace, time, chance ------------------------------------------------- */

void
sim_trace(enum simop op, uint64_t detail)
{
	uint64_t h = sim.s_hash;

	h = (h ^ (uint64_t)op) * UINT64_C(0x100000001b3);
	h = (h ^ detail ^ (uint64_t)sim.s_now) * UINT64_C(0x9e3779b97f4a7c15);
	sim.s_hash = h ^ (h >> 29);
}

int64_t
sim_now(void)
{

	return sim.s_now;
}

void
sim_tick(int64_t ns)
{

	if (ns > 0 && ns < RUMPUSER_NOTIME - sim.s_now)
		sim.s_now += ns;
}

struct simrng *
sim_rng(int stream)
{

	return &sim.s_rng[stream];
}

/* --- arrivals ------------------------------------------------------------ */

static void
arrival_push(struct simthread *t)
{
	struct simthread *head;

	if (__atomic_exchange_n(&t->st_arriving, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	head = __atomic_load_n(&sim.s_arrivals, __ATOMIC_RELAXED);
	do {
		t->st_arrival = head;
	} while (!__atomic_compare_exchange_n(&sim.s_arrivals, &head, t, true,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	(void)__atomic_add_fetch(&sim.s_activity, 1, __ATOMIC_SEQ_CST);
	futex_wake(&sim.s_activity, INT_MAX);
}

/* A new thread, one that was outside, or a signal for a parked one. */
static void
arrival_admit(struct simthread *t)
{

	switch (t->st_state) {
	case SIMTHREAD_OUTSIDE:
		if (t->st_id == 0) {
			if (!run_reserve())
				sim_die("no memory for a thread");
			threads_insert(t);
		} else {
			sim.s_noutside--;
		}
		run_add(t);
		break;
	case SIMTHREAD_PARKED:
		if ((t->st_parkflags & RUMPUSER_PARK_INTR) != 0)
			wake_up(t, EINTR);
		break;
	default:
		break;		/* the signal came too late */
	}
}

static void
arrivals_drain(void)
{
	struct simthread *t, *next;

	if (__atomic_load_n(&sim.s_arrivals, __ATOMIC_SEQ_CST) == NULL)
		return;
	t = __atomic_exchange_n(&sim.s_arrivals, NULL, __ATOMIC_SEQ_CST);
	for (; t != NULL; t = next) {
		next = t->st_arrival;
		__atomic_store_n(&t->st_arriving, 0, __ATOMIC_RELEASE);
		arrival_admit(t);
	}
}

static bool
baton_take(void)
{
	uint32_t zero = 0;

	return __atomic_compare_exchange_n(&sim.s_baton, &zero, 1, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* --- picking ------------------------------------------------------------- */

/* Wakes all whose deadline has passed; finds the next one. */
static void
alarm_ring(void)
{
	struct simthread *t;

	if (sim.s_now < sim.s_alarm)
		return;
	sim.s_alarm = RUMPUSER_NOTIME;
	for (t = sim.s_threads; t != NULL; t = t->st_next) {
		if (t->st_state != SIMTHREAD_PARKED)
			continue;
		if (t->st_deadline <= sim.s_now)
			wake_up(t, ETIMEDOUT);
		else if (t->st_deadline < sim.s_alarm)
			sim.s_alarm = t->st_deadline;
	}
}

static struct simthread *
pick(void)
{

	for (;;) {
		arrivals_drain();
		alarm_ring();
		if (sim.s_nrun > 0)
			break;
		if (sim.s_alarm == RUMPUSER_NOTIME)
			return NULL;
		sim.s_now = sim.s_alarm;
	}
	return run_take(simrng_below(&sim.s_rng[SIMRNG_SCHED], sim.s_nrun));
}

/*
 * Lays the baton down, since nobody can run.  True: it was taken up again,
 * somebody has arrived.  False: others will go on without us.
 */
static bool
idle(struct simthread *self)
{
	bool hope = sim.s_noutside > 0 || sim.s_nthreads == 0;
	uint32_t seen;
	int error;

	if (!hope && !deadlock_help_possible(self))
		deadlock_die();
	seen = __atomic_load_n(&sim.s_activity, __ATOMIC_SEQ_CST);
	__atomic_store_n(&sim.s_baton, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&sim.s_arrivals, __ATOMIC_SEQ_CST) != NULL)
		return baton_take();
	if (hope)
		return false;

	do {
		error = futex_wait(&sim.s_activity, seen, GRACE_SEC);
		if (error == EINTR && self != NULL &&
		    (self->st_parkflags & RUMPUSER_PARK_INTR) != 0) {
			arrival_push(self);
			return baton_take();
		}
	} while (error == EINTR);
	if (error != ETIMEDOUT || !baton_take())
		return false;
	if (__atomic_load_n(&sim.s_arrivals, __ATOMIC_SEQ_CST) == NULL)
		deadlock_die();
	return true;
}

/*
 * The caller, who cannot go on, passes the baton.  True: to itself, because
 * it can go on meanwhile.
 */
static bool
pass(struct simthread *self)
{
	struct simthread *next;

	while ((next = pick()) == NULL) {
		if (!idle(self))
			return false;
	}
	sim_trace(SIMOP_SWITCH, next->st_id);
	next->st_state = SIMTHREAD_RUNNING;
	if (next == self)
		return true;
	__atomic_store_n(&next->st_turn, 1, __ATOMIC_RELEASE);
	futex_wake(&next->st_turn, 1);
	return false;
}

/* Somebody without the baton has put itself on the list of arrivals. */
static bool
arrive(struct simthread *self)
{

	arrival_push(self);
	return baton_take() && pass(self);
}

void
sched_wait(struct simthread *t)
{
	int error;

	while (__atomic_load_n(&t->st_turn, __ATOMIC_ACQUIRE) == 0) {
		error = futex_wait(&t->st_turn, 0, AGES_SEC);
		if (error == EINTR &&
		    (t->st_parkflags & RUMPUSER_PARK_INTR) != 0 && arrive(t))
			return;
	}
	__atomic_store_n(&t->st_turn, 0, __ATOMIC_RELAXED);
}

void
sched_block(struct simthread *self)
{

	if (!pass(self))
		sched_wait(self);
}

/* --- for the rest of the simulation -------------------------------------- */

/* Locks are taken all the time, and rarely by two: a quarter will do. */
static unsigned int
switch_permille(enum simop op)
{
	return op == SIMOP_PREEMPT ? (sim.s_switch + 3) / 4 : sim.s_switch;
}

void
sim_point(enum simop op, uint64_t detail)
{
	struct simthread *self = sim_self();

	sim.s_now += op == SIMOP_YIELD ? TIME_YIELD : TIME_POINT;
	sim_trace(op, detail);
	arrivals_drain();
	alarm_ring();
	if (sim.s_nrun == 0)
		return;
	if (op != SIMOP_YIELD &&
	    !simrng_permille(&sim.s_rng[SIMRNG_SCHED], switch_permille(op)))
		return;
	run_add(self);
	sched_block(self);
}

/* --- for threads --------------------------------------------------------- */

bool
sched_add(struct simthread *t)
{

	if (!run_reserve())
		return false;
	threads_insert(t);
	run_add(t);
	return true;
}

void
sched_remove(struct simthread *t)
{

	run_remove(t);
	threads_remove(t);
}

void
sched_enter(struct simthread *t)
{

	if (!arrive(t))
		sched_wait(t);
}

void
sched_leave(struct simthread *t)
{

	sim_trace(SIMOP_LEAVE, t->st_id);
	t->st_state = SIMTHREAD_OUTSIDE;
	sim.s_noutside++;
	(void)pass(NULL);
}

void
sched_join(struct simthread *self, struct simthread *t)
{

	sim_point(SIMOP_JOIN, t->st_id);
	while (t->st_state != SIMTHREAD_DEAD) {
		t->st_joiner = self;
		self->st_joins = t;
		(void)sim_sleep(NULL, 0, RUMPUSER_NOTIME);
		self->st_joins = NULL;
	}
	threads_remove(t);
}

/* Who joins removes it from the list, so that it is seen until then. */
void
sched_end(struct simthread *t)
{

	sim_trace(SIMOP_END, t->st_id);
	arrivals_drain();	/* so that it does not stand there itself */
	if (t->st_adopted || t->st_detached) {
		threads_remove(t);
	} else {
		t->st_state = SIMTHREAD_DEAD;
		if (t->st_joiner != NULL)
			wake_up(t->st_joiner, 0);
	}
	(void)pass(NULL);
}

bool
sched_alone(void)
{

	return sim.s_nthreads == 1;
}

/* The others did not come along; nobody will ever wake them. */
void
sched_fork_child(struct simthread *self)
{

	sim.s_arrivals = NULL;
	sim.s_nrun = 0;
	sim.s_alarm = RUMPUSER_NOTIME;
	sim.s_threads = NULL;
	sim.s_nthreads = 0;
	sim.s_noutside = 0;
	sim.s_baton = 0;
	if (self == NULL)
		return;
	threads_insert(self);
	if (self->st_state == SIMTHREAD_OUTSIDE)
		sim.s_noutside = 1;
	else
		sim.s_baton = 1;
}

void
sched_reset(uint64_t seed)
{
	int i;

	for (i = 0; i < (int)(sizeof(sim.s_rng) / sizeof(sim.s_rng[0])); i++)
		simrng_seed(&sim.s_rng[i], seed, (uint64_t)i);
	if (sched_alone()) {
		sim.s_now = TIME_START;
		sim.s_lastid = 1;
		sim.s_threads->st_id = 1;
	}
	sim.s_hash = 0;
}

/* Those with a deadline that has passed run, those whose deadline comes do not. */
void
rumpsim_settle(void)
{

	do {
		sim_point(SIMOP_YIELD, 0);
	} while (sim.s_nrun > 0 ||
	    __atomic_load_n(&sim.s_arrivals, __ATOMIC_SEQ_CST) != NULL);
}

void
rumpsim_setswitch(unsigned int permille)
{

	(void)sim_self();
	sim.s_switch = permille;
}

uint64_t
rumpsim_trace(void)
{

	(void)sim_self();
	return sim.s_hash;
}
