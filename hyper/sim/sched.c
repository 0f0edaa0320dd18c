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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "sim_impl.h"

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

/* Field key: b  the baton		a  atomic operations only */
static struct sim {
	uint32_t		 s_baton;	/* a: 1: somebody holds it */
	uint32_t		 s_activity;	/* a: arrivals so far */
	struct simthread	*s_arrivals;	/* a: a stack */

	struct simthread	*s_threads;	/* b: all, newest first */
	unsigned int		 s_nthreads;	/* b */
	unsigned int		 s_noutside;	/* b */
	unsigned int		 s_lastid;	/* b */
	struct simthread	**s_run;	/* b: the runnable */
	size_t			 s_nrun;	/* b */
	size_t			 s_runsize;	/* b: room, >= s_nthreads */

	int64_t			 s_now;		/* b */
	int64_t			 s_alarm;	/* b: no deadline is before it */
	uint64_t		 s_hash;	/* b: the trace */
	struct simrng		 s_rng[4];	/* b */
	unsigned int		 s_switch;	/* b: permille */
	unsigned int		 s_spurious;	/* b: permille */
} sim = {
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

/* --- lists of threads ---------------------------------------------------- */

/* Cannot fail: sched_add() made room for every thread. */
static void
run_add(struct simthread *t)
{

	t->st_state = SIMTHREAD_RUNNABLE;
	sim.s_run[sim.s_nrun++] = t;
}

static struct simthread *
run_take(size_t i)
{
	struct simthread *t = sim.s_run[i];

	sim.s_run[i] = sim.s_run[--sim.s_nrun];
	return t;
}

static void
wake_up(struct simthread *t, int result)
{

	t->st_result = result;
	run_add(t);
}

static bool
run_reserve(void)
{
	struct simthread **run;
	size_t size;

	if (sim.s_nthreads < sim.s_runsize)
		return true;
	size = sim.s_runsize * 2 + 16;
	run = realloc(sim.s_run, size * sizeof(*run));
	if (run == NULL)
		return false;
	sim.s_run = run;
	sim.s_runsize = size;
	return true;
}

static void
threads_insert(struct simthread *t)
{

	t->st_id = ++sim.s_lastid;
	t->st_prev = NULL;
	t->st_next = sim.s_threads;
	if (t->st_next != NULL)
		t->st_next->st_prev = t;
	sim.s_threads = t;
	sim.s_nthreads++;
}

static void
threads_remove(struct simthread *t)
{

	if (t->st_prev != NULL)
		t->st_prev->st_next = t->st_next;
	else
		sim.s_threads = t->st_next;
	if (t->st_next != NULL)
		t->st_next->st_prev = t->st_prev;
	sim.s_nthreads--;
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

static const char *
state_describe(const struct simthread *t, char *buf, size_t size)
{

	if (t->st_state == SIMTHREAD_DEAD)
		(void)snprintf(buf, size, "ended, not joined");
	else if (t->st_joins != NULL)
		(void)snprintf(buf, size, "joins %s (%u)",
		    t->st_joins->st_name, t->st_joins->st_id);
	else
		(void)snprintf(buf, size, "parked on %p, value %u",
		    (const void *)t->st_word, t->st_word != NULL ?
		    __atomic_load_n(t->st_word, __ATOMIC_RELAXED) : 0);
	return buf;
}

static void __attribute__((__noreturn__))
deadlock(void)
{
	const struct simthread *t;
	char state[96];

	simconsole_dump();
	(void)dprintf(STDERR_FILENO,
	    "rumpsim: deadlock at %lld ns: all threads are parked\n",
	    (long long)sim.s_now);
	for (t = sim.s_threads; t != NULL; t = t->st_next)
		(void)dprintf(STDERR_FILENO, "rumpsim: thread %u %s: %s\n",
		    t->st_id, t->st_name,
		    state_describe(t, state, sizeof(state)));
	(void)fflush(stdout);
	_exit(RUMPSIM_EXIT_DEADLOCK);
}

/* Threads of the process that we have not seen, or who wait for signals? */
static bool
help_possible(const struct simthread *self)
{
	const struct simthread *t;
	nlink_t known = sim.s_nthreads;
	struct stat st;

	if (self == NULL)
		known++;		/* about to end, but still there */

	for (t = sim.s_threads; t != NULL; t = t->st_next) {
		if (t->st_state == SIMTHREAD_PARKED &&
		    (t->st_parkflags & RUMPUSER_PARK_INTR) != 0)
			return true;
	}
	return stat("/proc/self/task", &st) == 0 &&
	    st.st_nlink > known + 2;
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

	if (!hope && !help_possible(self))
		deadlock();
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
		deadlock();
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

static void
block(struct simthread *self)
{

	if (!pass(self))
		sched_wait(self);
}

/* --- for the rest of the simulation -------------------------------------- */

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
	    !simrng_permille(&sim.s_rng[SIMRNG_SCHED], sim.s_switch))
		return;
	run_add(self);
	block(self);
}

int
sim_sleep(const uint32_t *word, int flags, int64_t deadline)
{
	struct simthread *self = sim_self();

	if (deadline <= sim.s_now)
		return ETIMEDOUT;
	self->st_state = SIMTHREAD_PARKED;
	self->st_word = word;
	self->st_deadline = deadline;
	self->st_parkflags = flags;
	if (deadline < sim.s_alarm)
		sim.s_alarm = deadline;
	block(self);
	self->st_word = NULL;
	self->st_parkflags = 0;
	return self->st_result;
}

/* Any n of the sleepers: the contract promises no order. */
unsigned int
sim_wake(const uint32_t *word, unsigned int n)
{
	struct simthread *t;
	unsigned int sleepers = 0, woken = 0;

	if (word == NULL)
		return 0;
	for (t = sim.s_threads; t != NULL; t = t->st_next)
		sleepers += t->st_state == SIMTHREAD_PARKED &&
		    t->st_word == word;
	for (t = sim.s_threads; t != NULL && woken < n; t = t->st_next) {
		if (t->st_state != SIMTHREAD_PARKED || t->st_word != word)
			continue;
		if (n - woken >= sleepers ||
		    simrng_below(&sim.s_rng[SIMRNG_SCHED], sleepers) <
		    n - woken) {
			wake_up(t, 0);
			woken++;
		}
		sleepers--;
	}
	return woken;
}

int
rumpuser_park(uint32_t *word, uint32_t expected, int flags, int64_t deadline)
{

	sim_point(SIMOP_PARK, expected);
	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != expected)
		return EAGAIN;
	if (simrng_permille(&sim.s_rng[SIMRNG_SCHED], sim.s_spurious))
		return 0;
	return sim_sleep(word, flags, deadline);
}

unsigned int
rumpuser_unpark(uint32_t *word, unsigned int n, int flags)
{
	unsigned int woken;

	(void)flags;
	(void)sim_self();
	woken = sim_wake(word, n);
	sim_point(SIMOP_UNPARK, woken);
	return woken;
}

void
rumpuser_thread_yield(void)
{

	sim_point(SIMOP_YIELD, 0);
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
	size_t i;

	for (i = 0; i < sim.s_nrun; i++) {
		if (sim.s_run[i] == t) {
			(void)run_take(i);
			break;
		}
	}
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

void
rumpsim_setswitch(unsigned int permille)
{

	(void)sim_self();
	sim.s_switch = permille;
}

void
rumpsim_setspurious(unsigned int permille)
{

	(void)sim_self();
	sim.s_spurious = permille;
}

uint64_t
rumpsim_trace(void)
{

	(void)sim_self();
	return sim.s_hash;
}
