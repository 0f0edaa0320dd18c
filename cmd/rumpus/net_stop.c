/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_stop.c - Ctrl-C, as a descriptor of the kernel that commands wait for with others
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>
#include <sys/eventfd.h>

#include <rump/rump_syscalls.h>

#include "net.h"

static int stop_fd = -1;
static atomic_bool stopped;

static sigset_t
stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

void
net_stop_block(void)
{
	sigset_t set = stop_signals();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *
signal_thread(void *arg)
{
	uint64_t one = 1;
	sigset_t *set = arg;
	int sig;

	while (sigwait(set, &sig) != 0)
		continue;
	stopped = true;
	(void)rump_sys_write(stop_fd, &one, sizeof(one));
	/* Who does not end soon after the first is ended by the second. */
	while (sigwait(set, &sig) != 0)
		continue;
	_exit(EX_IO);
}

int
net_stop_start(void)
{
	static sigset_t set;
	pthread_t thread;

	set = stop_signals();
	stop_fd = rump_sys_eventfd2(0, 0);
	if (stop_fd == -1)
		return errno;
	if (pthread_create(&thread, NULL, signal_thread, &set) != 0)
		return EAGAIN;
	pthread_detach(thread);
	return 0;
}

int
net_stopfd(void)
{
	return stop_fd;
}

bool
net_stopped(void)
{
	return stopped;
}

short
net_wait(int fd, short events, int ms)
{
	struct pollfd pfd[2] = { { .fd = stop_fd, .events = POLLIN }, { .fd = fd, .events = events } };

	if (rump_sys_poll(pfd, fd >= 0 ? 2 : 1, ms) <= 0)
		return 0;
	return fd >= 0 ? pfd[1].revents : 0;
}
