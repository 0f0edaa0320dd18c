/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * thread.c - threads of the Linux host
 *
 * A kernel thread has a small stack, of which the host only backs what is
 * touched, and blocks the signals that others send: those are for the
 * program's own threads.
 *
 * Life cycle
 *	A struct rumpuser_thread belongs to the new thread if it is detached,
 *	else to who joins it.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "common/hostthread.h"

struct rumpuser_thread {
	pthread_t	 rt_pthread;	/* valid for who joins */
	void		(*rt_fn)(void *);
	void		*rt_arg;
	bool		 rt_detached;
	char		 rt_name[HOSTTHREAD_NAMELEN];
};

static void *
thread_main(void *cookie)
{
	struct rumpuser_thread *rt = cookie;
	void (*fn)(void *) = rt->rt_fn;
	void *arg = rt->rt_arg;

	(void)prctl(PR_SET_NAME, rt->rt_name);
	if (rt->rt_detached)
		free(rt);
	fn(arg);
	return NULL;
}

int
rumpuser_thread_create(void (*fn)(void *), void *arg, const char *name,
    struct rumpuser_thread **ret_thread)
{
	struct rumpuser_thread *rt;
	pthread_t pthread;
	int error;

	rt = malloc(sizeof(*rt));
	if (rt == NULL)
		return EAGAIN;
	rt->rt_fn = fn;
	rt->rt_arg = arg;
	rt->rt_detached = ret_thread == NULL;
	(void)snprintf(rt->rt_name, sizeof(rt->rt_name), "%s",
	    name != NULL ? name : "rump");

	error = hostthread_start(thread_main, rt, rt->rt_detached, &pthread);
	if (error) {
		free(rt);
		return error;
	}
	if (ret_thread != NULL) {
		rt->rt_pthread = pthread;
		*ret_thread = rt;
	}
	return 0;
}

int
rumpuser_thread_join(struct rumpuser_thread *thread)
{
	int error;

	error = pthread_join(thread->rt_pthread, NULL);
	if (error)
		return error;
	free(thread);
	return 0;
}

void
rumpuser_thread_yield(void)
{

	(void)sched_yield();
}

void
rumpuser_thread_preempt(void)
{
}
