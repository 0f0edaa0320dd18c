/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * twin.c - the host once more, in place of our kernel
 *
 * A test of the test: the host compared with itself must never differ.  The
 * twin is a thread with descriptors, root, directory and credentials of its
 * own, in a second tmpfs.
 */

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "diff.h"

static struct {
	char		 t_dir[64];
	unsigned long	 t_flags;
	sem_t		 t_asked, t_answered;
	long		 t_nr;
	const unsigned long *t_args;
	long		 t_answer;
} twin;

static bool
twin_enter(void)
{
	return unshare(CLONE_FS | CLONE_FILES) == 0 &&
	    mount("tmpfs", twin.t_dir, "tmpfs", twin.t_flags, "mode=755,huge=never") == 0 &&
	    chroot(twin.t_dir) == 0 && chdir("/") == 0 && umask(022) != (mode_t)-1;
}

static void *
twin_main(void *arg)
{
	twin.t_answer = twin_enter() ? 0 : -errno;
	sem_post(&twin.t_answered);
	for (;;) {
		const unsigned long *a;

		while (sem_wait(&twin.t_asked) != 0)
			continue;
		a = twin.t_args;
		twin.t_answer = syscall(twin.t_nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (twin.t_answer == -1)
			twin.t_answer = -errno;
		sem_post(&twin.t_answered);
	}
	return arg;
}

static long
twin_wait(void)
{
	while (sem_wait(&twin.t_answered) != 0)
		continue;
	return twin.t_answer;
}

long
twin_call(long nr, const unsigned long args[6])
{
	twin.t_nr = nr;
	twin.t_args = args;
	sem_post(&twin.t_asked);
	return twin_wait();
}

bool
twin_open(const char *dir, unsigned long flags)
{
	pthread_t thread;

	twin.t_flags = flags;
	/* Beside the host's: a mount on top of its root would be found by "..". */
	snprintf(twin.t_dir, sizeof(twin.t_dir), "%s/twin", dir);
	sem_init(&twin.t_asked, 0, 0);
	sem_init(&twin.t_answered, 0, 0);
	if (pthread_create(&thread, NULL, twin_main, NULL) != 0)
		return false;
	return twin_wait() == 0;
}
