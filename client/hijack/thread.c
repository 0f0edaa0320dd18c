/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * thread.c - what goes when a thread of the program ends
 *
 * A key of the C library notices that, for threads that it made.
 */

#include <pthread.h>

#include "hijack.h"

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
thread_end(void *arg)
{
	int waker = self.s_waker;

	(void)arg;
	self.s_waker = 0;
	if (waker != 0)
		kernel_bell_close(waker - 1);
}

static void
make_key(void)
{
	(void)pthread_key_create(&key, thread_end);
}

static long
notice(unsigned int nr, const unsigned long *args)
{
	(void)nr;
	(void)args;
	(void)pthread_once(&once, make_key);
	return pthread_setspecific(key, &self);
}

void
thread_notice(void)
{
	(void)hijack_xcall(notice, 0, NULL);
}
