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

/* The sanitizers' red zones make every frame several times as big. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE	(8 * STACK_KERNEL)
#else
#define STACK_SIZE	STACK_KERNEL
#endif

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
	long least;
	int error;

	error = pthread_attr_init(&attr);
	if (error)
		return EAGAIN;
	/* The least stack has room for a signal's registers, at times much. */
	least = sysconf(_SC_THREAD_STACK_MIN);
	(void)pthread_attr_setstacksize(&attr,
	    STACK_SIZE + (least > 0 ? (size_t)least : 0));
	if (detached)
		(void)pthread_attr_setdetachstate(&attr,
		    PTHREAD_CREATE_DETACHED);

	mask_async(&mask);
	(void)pthread_sigmask(SIG_SETMASK, &mask, &old);
	error = pthread_create(&pthread, &attr, fn, arg);
	/* A program with huge thread-local data needs a bigger stack. */
	if (error == EINVAL) {
		(void)pthread_attr_setstacksize(&attr, 8 * STACK_SIZE);
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
