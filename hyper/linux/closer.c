/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * closer.c - closing what others have made
 *
 * The last close of a descriptor can take as long as its maker likes: a file whose server does not
 * answer, a socket that lingers.  Threads that may not wait for that leave it to these here.
 *
 * Life cycle
 *	One is made when there is something to close and none that rests; it closes until there
 *	is nothing left.  One rests then for a while, others end.  So who is held up holds up nobody
 *	else, as long as there are fewer than CLOSERS_MAX of his kind.
 *
 * Locking: lock, a leaf.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "common/hostthread.h"

#define CLOSERS_MAX	128
#define REST_SECONDS	1

struct closing {
	struct closing	*cl_next;	/* lock */
	int		 cl_fd;		/* c */
	void		(*cl_done)(void *);	/* c: or NULL */
	void		*cl_arg;	/* c */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static struct closing *first, **last = &first;	/* lock */
static unsigned int nclosers;			/* lock */
static bool resting;				/* lock: one is */

static void *closer(void *);

static void
close_one(struct closing *cl)
{
	(void)close(cl->cl_fd);
	if (cl->cl_done != NULL)
		cl->cl_done(cl->cl_arg);
	free(cl);
}

/* False: there is nobody to do it, now or later. */
static bool
call_for_one_locked(void)
{
	if (resting) {
		(void)pthread_cond_signal(&wanted);
		return true;
	}
	if (nclosers < CLOSERS_MAX && hostthread_start(closer, NULL, true, NULL) == 0)
		nclosers++;
	return nclosers > 0;
}

static struct closing *
take_locked(void)
{
	struct closing *cl = first;

	first = cl->cl_next;
	if (first == NULL)
		last = &first;
	return cl;
}

/* Until there is something; false: nothing came. */
static bool
rest_locked(void)
{
	struct timespec until;
	int error = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REST_SECONDS;
	resting = true;
	while (first == NULL && error != ETIMEDOUT)
		error = pthread_cond_clockwait(&wanted, &lock, CLOCK_MONOTONIC, &until);
	resting = false;
	return first != NULL;
}

static void *
closer(void *arg)
{
	struct closing *cl;

	(void)arg;
	(void)pthread_mutex_lock(&lock);
	for (;;) {
		if (first == NULL && (resting || !rest_locked()))
			break;
		cl = take_locked();
		if (first != NULL)
			(void)call_for_one_locked();
		(void)pthread_mutex_unlock(&lock);
		close_one(cl);
		(void)pthread_mutex_lock(&lock);
	}
	nclosers--;
	(void)pthread_mutex_unlock(&lock);
	return NULL;
}

void
rumpuser_close_apart(int fd, void (*done)(void *arg), void *arg)
{
	struct closing *cl = malloc(sizeof(*cl));
	struct closing here = { NULL, fd, done, arg };
	bool ok = false;

	if (cl != NULL) {
		*cl = here;
		(void)pthread_mutex_lock(&lock);
		ok = call_for_one_locked();
		if (ok) {
			*last = cl;
			last = &cl->cl_next;
		}
		(void)pthread_mutex_unlock(&lock);
		if (!ok)
			free(cl);
	}
	if (ok)
		return;
	/* No memory and no threads: it has to be here. */
	(void)close(fd);
	if (done != NULL)
		done(arg);
}
