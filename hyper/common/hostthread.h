/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostthread.h - starting threads of the Linux host for a kernel
 */

#ifndef HYPER_HOSTTHREAD_H
#define HYPER_HOSTTHREAD_H

#include <pthread.h>
#include <stdbool.h>

#define HOSTTHREAD_NAMELEN	16	/* what the host shows */

/*
 * A thread with a small stack that takes no signals but those of its own
 * faults.  *ret_pthread is written only if it is not detached.
 */
int	hostthread_start(void *(*fn)(void *), void *arg, bool detached,
	    pthread_t *ret_pthread);

#endif /* HYPER_HOSTTHREAD_H */
