/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * thread.c - how simulated threads begin and end
 *
 * Born by rumpuser_thread_create(), or adopted when a stranger makes its
 * first hypercall.  Either way the end is noticed by the destructor of a
 * thread-specific key, which runs the thread's last call while it still takes
 * part in the simulation, and then takes it out.
 *
 *	OUTSIDE -> RUNNABLE	admitted
 *	RUNNABLE <-> RUNNING	sched.c
 *	RUNNING -> DEAD		ended, to be joined
 *	RUNNING -> freed	ended: detached or adopted
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "common/hostthread.h"
#include "sim_impl.h"

struct rumpuser_thread {
	struct simthread	*rt_thread;
};

static _Thread_local struct simthread *simthread_self;

static pthread_once_t simthread_once = PTHREAD_ONCE_INIT;
static pthread_key_t simthread_key;		/* constant after that */

static uint64_t simthread_live;			/* baton: made by the kernel */

static void
simthread_exit(void *cookie)
{
	struct simthread *t = cookie;
	bool keep = !t->st_adopted && !t->st_detached;
	void (*fn)(void *);

	simthread_self = t;
	if (t->st_state == SIMTHREAD_OUTSIDE)
		sched_enter(t);
	while ((fn = t->st_exitfn) != NULL) {
		t->st_exitfn = NULL;
		fn(t->st_exitarg);
	}
	if (t->st_detached && !t->st_internal && !t->st_adopted)
		simthread_live--;
	/* Once it is over, a joinable thread's struct is the joiner's. */
	simthread_self = NULL;
	sched_end(t);
	if (!keep)
		free(t);
}

static void
simthread_fork_child(void)
{

	sched_fork_child(simthread_self);
	simbio_fork_child();
}

/*
 * Since one thread runs at a time, one processor is enough, and passing the
 * baton on the same one costs 2 us instead of 25 and more.  Which one it is
 * differs among processes, so that several simulations share a machine well.
 */
static void
simthread_pin(void)
{
	cpu_set_t allowed, one;
	int cpu, nth;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) == -1)
		return;
	nth = (int)getpid() % CPU_COUNT(&allowed);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed) && nth-- == 0)
			break;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void
simthread_init(void)
{

	if (pthread_key_create(&simthread_key, simthread_exit) != 0 ||
	    pthread_atfork(NULL, NULL, simthread_fork_child) != 0)
		sim_die("no room for a thread key");
}

static void
simthread_become(struct simthread *t)
{

	(void)pthread_once(&simthread_once, simthread_init);
	if (pthread_setspecific(simthread_key, t) != 0)
		sim_die("no memory for a thread");
	simthread_self = t;
}

static struct simthread *
simthread_adopt(void)
{
	static uint32_t first = 1;
	const char *seed;
	struct simthread *t;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		sim_die("no memory for a thread");
	t->st_state = SIMTHREAD_OUTSIDE;
	t->st_adopted = true;
	if (prctl(PR_GET_NAME, t->st_name) == -1)
		(void)strcpy(t->st_name, "stranger");
	simthread_pin();
	simthread_become(t);
	sched_enter(t);
	if (first) {
		first = 0;
		seed = getenv("RUMPSIM_SEED");
		sched_reset(seed != NULL ? strtoull(seed, NULL, 0) : 1);
	}
	return t;
}

struct simthread *
sim_self(void)
{
	struct simthread *t = simthread_self;

	if (__builtin_expect(t == NULL, 0))
		return simthread_adopt();
	if (__builtin_expect(t->st_state == SIMTHREAD_OUTSIDE, 0))
		sched_enter(t);
	return t;
}

uint64_t
simthread_count(void)
{

	return simthread_live;
}

static void *
simthread_main(void *cookie)
{
	struct simthread *t = cookie;

	simthread_become(t);
	(void)prctl(PR_SET_NAME, t->st_name);
	sched_wait(t);
	t->st_fn(t->st_arg);
	return NULL;
}

/* ret_thread == NULL: detached. */
int
simthread_create(void (*fn)(void *), void *arg, const char *name,
    bool internal, struct simthread **ret_thread)
{
	struct simthread *t;
	pthread_t pthread;
	int error;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return EAGAIN;
	t->st_fn = fn;
	t->st_arg = arg;
	t->st_detached = ret_thread == NULL;
	t->st_internal = internal;
	(void)snprintf(t->st_name, sizeof(t->st_name), "%s",
	    name != NULL ? name : "rump");
	if (!sched_add(t)) {
		free(t);
		return EAGAIN;
	}
	error = hostthread_start(simthread_main, t, t->st_detached, &pthread);
	if (error) {
		sched_remove(t);
		free(t);
		return error;
	}
	if (!internal)
		simthread_live++;
	if (ret_thread != NULL) {
		t->st_pthread = pthread;
		*ret_thread = t;
	}
	return 0;
}

/* --- hypercalls ---------------------------------------------------------- */

int
rumpuser_thread_create(void (*fn)(void *), void *arg, const char *name,
    struct rumpuser_thread **ret_thread)
{
	struct rumpuser_thread *rt = NULL;
	int error;

	(void)sim_self();
	error = sim_fault(RUMPSIM_THREAD);
	if (error)
		return error;
	if (ret_thread != NULL) {
		rt = malloc(sizeof(*rt));
		if (rt == NULL)
			return EAGAIN;
	}
	error = simthread_create(fn, arg, name, false,
	    rt != NULL ? &rt->rt_thread : NULL);
	if (error) {
		free(rt);
		return error;
	}
	if (rt != NULL)
		*ret_thread = rt;
	sim_point(SIMOP_CREATE, 0);
	return 0;
}

int
rumpuser_thread_join(struct rumpuser_thread *thread)
{
	struct simthread *self = sim_self(), *t = thread->rt_thread;

	if (t == self)
		return EDEADLK;
	sched_join(self, t);
	/* It has left the simulation: what remains to do for it is short. */
	(void)pthread_join(t->st_pthread, NULL);
	simthread_live--;
	free(t);
	free(thread);
	return 0;
}

int
rumpuser_thread_atexit(void (*fn)(void *), void *arg)
{
	struct simthread *self = sim_self();

	self->st_exitfn = fn;
	self->st_exitarg = arg;
	return 0;
}

void
rumpsim_leave(void)
{

	sched_leave(sim_self());
}

void
rumpsim_enter(void)
{

	(void)sim_self();
}
