/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostthread.c - starting threads of the Linux host for a kernel
 */

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "hostthread.h"

/* Generous for kernel code; only what is touched costs memory. */
#define STACK_KERNEL	((size_t)256 * 1024)

/* For programs that need more; see there. */
#define STACK_FACTOR	8

/* Present in programs with sanitizers only. */
void	*__asan_region_is_poisoned(void *, size_t) __attribute__((__weak__));
void	__tsan_read_range(void *, long) __attribute__((__weak__));

static size_t
stack_size(void)
{
	long least;
	size_t size = STACK_KERNEL;

	/* Their red zones make every frame several times as big. */
	if (__asan_region_is_poisoned != NULL || __tsan_read_range != NULL)
		size *= STACK_FACTOR;
	/* The least stack has room for a signal's registers, at times much. */
	least = sysconf(_SC_THREAD_STACK_MIN);
	return size + (least > 0 ? (size_t)least : 0);
}

static void
mask_async(sigset_t *set)
{

	(void)sigfillset(set);
	(void)sigdelset(set, SIGSEGV);
	(void)sigdelset(set, SIGBUS);
	(void)sigdelset(set, SIGFPE);
	(void)sigdelset(set, SIGILL);
	(void)sigdelset(set, SIGTRAP);
	(void)sigdelset(set, SIGSYS);
	(void)sigdelset(set, SIGABRT);
}

int
hostthread_start(void *(*fn)(void *), void *arg, bool detached,
    pthread_t *ret_pthread)
{
	pthread_attr_t attr;
	pthread_t pthread;
	sigset_t mask, old;
	int error;

	error = pthread_attr_init(&attr);
	if (error)
		return EAGAIN;
	(void)pthread_attr_setstacksize(&attr, stack_size());
	if (detached)
		(void)pthread_attr_setdetachstate(&attr,
		    PTHREAD_CREATE_DETACHED);

	mask_async(&mask);
	(void)pthread_sigmask(SIG_SETMASK, &mask, &old);
	error = pthread_create(&pthread, &attr, fn, arg);
	/* A program with huge thread-local data needs a bigger stack. */
	if (error == EINVAL) {
		(void)pthread_attr_setstacksize(&attr,
		    STACK_FACTOR * stack_size());
		error = pthread_create(&pthread, &attr, fn, arg);
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	if (error)
		return EAGAIN;
	if (!detached)
		*ret_pthread = pthread;
	return 0;
}
