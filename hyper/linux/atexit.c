/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * atexit.c - a last call in each thread that ends
 *
 * The key's value only says that there is something to do: what it is stands
 * in the thread's own memory, which outlives the keys.  If fn registers
 * again, the host runs the destructor again.
 */

#include <pthread.h>
#include <stddef.h>

#include <rump/rumpuser.h>

struct thread_atexit {
	void	(*ta_fn)(void *);
	void	 *ta_arg;
};

static _Thread_local struct thread_atexit thread_atexit;

static pthread_once_t atexit_once = PTHREAD_ONCE_INIT;
static pthread_key_t atexit_key;	/* constant after atexit_once */
static int atexit_error;		/* same */

static void
atexit_run(void *cookie)
{
	struct thread_atexit *ta = cookie, last = *ta;

	ta->ta_fn = NULL;
	if (last.ta_fn != NULL)
		last.ta_fn(last.ta_arg);
}

static void
atexit_init(void)
{

	atexit_error = pthread_key_create(&atexit_key, atexit_run);
}

int
rumpuser_thread_atexit(void (*fn)(void *), void *arg)
{
	struct thread_atexit *ta = &thread_atexit;
	int error;

	(void)pthread_once(&atexit_once, atexit_init);
	if (atexit_error)
		return atexit_error;
	error = pthread_setspecific(atexit_key, fn != NULL ? ta : NULL);
	if (error)
		return error;
	ta->ta_fn = fn;
	ta->ta_arg = arg;
	return 0;
}
