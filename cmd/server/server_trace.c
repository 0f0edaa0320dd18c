/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_trace.c - "trace" of the control socket: lines of system calls to who asked
 *
 * Each asker gets a thread that reads from the kernel (rump_pub_systrace_open(3)) and
 * writes to his socket, so that one who does not read makes nobody wait but that thread;
 * the kernel drops lines then.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "../rumpus/net.h"
#include "server_impl.h"

#define NTRACES		4

struct trace {
	int	 t_fd;		/* of the host */
	int	 t_tap;		/* of the kernel */
};

static atomic_int ntraces;

/* The asker has gone: seen when nothing is said for a while, too. */
static bool
asker_left(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) > 0;
}

static void *
trace_main(void *arg)
{
	struct trace *t = arg;
	struct pollfd pfd = { .fd = t->t_tap, .events = POLLIN };
	char buf[1024];
	ssize_t n = 0;

	while (n != -1 && !asker_left(t->t_fd)) {
		if (rump_sys_poll(&pfd, 1, 200) <= 0)
			continue;
		n = rump_sys_read(t->t_tap, buf, sizeof(buf));
		if (n > 0)
			n = send(t->t_fd, buf, (size_t)n, MSG_NOSIGNAL);
	}
	rump_sys_close(t->t_tap);
	close(t->t_fd);
	free(t);
	ntraces--;
	return NULL;
}

static void
trace_refuse(int fd, int error)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "{\"error\": \"%s\", \"errno\": %d}\n",
	    rump_strerror(error), error);

	(void)send(fd, text, (size_t)len, MSG_NOSIGNAL);
	close(fd);
}

void
server_trace(int fd, const char *words)
{
	struct trace *t = malloc(sizeof(*t));
	unsigned long pid = 0;
	pthread_t thread;
	int error = 0;

	if (words[0] != '\0' && !net_number(words, INT32_MAX, &pid))
		error = EINVAL;
	else if (t == NULL)
		error = ENOMEM;
	else if (ntraces >= NTRACES)
		error = EBUSY;
	else
		error = rump_pub_systrace_open((int)pid, &t->t_tap);
	if (error) {
		free(t);
		trace_refuse(fd, error);
		return;
	}
	t->t_fd = fd;
	(void)fcntl(fd, F_SETFL, 0);
	ntraces++;
	if (pthread_create(&thread, NULL, trace_main, t) != 0) {
		ntraces--;
		rump_sys_close(t->t_tap);
		free(t);
		trace_refuse(fd, EAGAIN);
		return;
	}
	pthread_detach(thread);
}
