/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * signals.c - signals at any instant of a call
 *
 *	signals CASE N
 *
 * N times a timer is set to a moment between now and some way into a call that waits, which the
 * handler has to end (or not, with SA_RESTART).  A second expiration 20 ms later helps out when
 * the first one was in vain: that may happen, since a signal can always come before its call, but
 * only as often as the way from the timer to the call is long.  Says how often it did.
 *
 * What the timer is to meet is the moment when a waiting thread looks around before it sleeps, so
 * there are quick calls in front of each.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define QUICK		300
#define HELP_US		20000

static volatile sig_atomic_t signals;
static int ends[2], pipefd[2], epfd, listener;
static int answer;			/* the handler sends something, at its first signal or second */

static void
on_alarm(int signo)
{
	int error = errno;

	(void)signo;
	if (++signals == answer)
		(void)!write(ends[1], "x", 1);
	errno = error;
}

static void
fail(const char *what, long ret)
{
	printf("%s: %ld, %s, after %d signals\n", what, ret, strerror(errno), (int)signals);
	exit(1);
}

static void
setup(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev = { .events = EPOLLIN };
	socklen_t len = sizeof(sin);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&sin, len) != 0 || listen(listener, 5) != 0 ||
	    getsockname(listener, (struct sockaddr *)&sin, &len) != 0)
		fail("listen", -1);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(ends[0], (struct sockaddr *)&sin, sizeof(sin)) != 0)
		fail("connect", -1);
	ends[1] = accept(listener, NULL, NULL);
	(void)setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	epfd = epoll_create1(0);
	if (ends[1] < 0 || pipe(pipefd) != 0 || epfd < 0 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, ends[0], &ev) != 0 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, pipefd[0], &ev) != 0)
		fail("setup", -1);
}

static long
wait_read(void)
{
	char c;

	return read(ends[0], &c, 1);
}

static long
wait_accept(void)
{
	return accept(listener, NULL, NULL);
}

static long
wait_poll(void)
{
	struct pollfd pfd = { .fd = ends[0], .events = POLLIN };

	return poll(&pfd, 1, -1);
}

/* Of both kernels, if there are two. */
static long
wait_mixed(void)
{
	struct pollfd pfd[2] = { { .fd = ends[0], .events = POLLIN }, { .fd = pipefd[0], .events = POLLIN } };

	return poll(pfd, 2, -1);
}

static long
wait_select(void)
{
	struct timeval tv = { .tv_sec = 100 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	FD_SET(pipefd[0], &set);
	return select(ends[0] + pipefd[0] + 1, &set, NULL, NULL, &tv);
}

static long
wait_epoll(void)
{
	struct epoll_event ev;

	return epoll_wait(epfd, &ev, 1, -1);
}

static const struct {
	const char	*name;
	long		(*fn)(void);
	int		 flags;		/* of the handler */
	int		 answer;
	long		 ret;		/* -EINTR, or what it returns at last */
} cases[] = {
	{ "read", wait_read, 0, 0, -EINTR },
	{ "read-restarted", wait_read, SA_RESTART, 1, 1 },
	{ "read-restarted-twice", wait_read, SA_RESTART, 2, 1 },
	{ "accept", wait_accept, 0, 0, -EINTR },
	{ "poll", wait_poll, SA_RESTART, 0, -EINTR },
	{ "poll-mixed", wait_mixed, SA_RESTART, 0, -EINTR },
	{ "select-mixed", wait_select, SA_RESTART, 0, -EINTR },
	{ "epoll-mixed", wait_epoll, 0, 0, -EINTR },
};

static unsigned int
random_us(void)
{
	static unsigned int seed = 12345;

	seed = seed * 1103515245 + 12345;
	return 15 + seed / 65536 % 75;
}

/* One call; 1: the first signal was in vain. */
static int
once(size_t i)
{
	struct itimerval timer = { .it_value.tv_usec = random_us(), .it_interval.tv_usec = HELP_US }, off = { 0 };
	long ret;
	int late;

	for (int k = 0; k < QUICK; k++)
		(void)getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &(int){ 0 }, &(socklen_t){ sizeof(int) });
	signals = 0;
	answer = cases[i].answer;
	if (setitimer(ITIMER_REAL, &timer, NULL) != 0)
		fail("setitimer", -1);
	ret = cases[i].fn();
	if (ret == -1)
		ret = -errno;
	late = signals > 1;
	if (setitimer(ITIMER_REAL, &off, NULL) != 0)
		fail("setitimer", -1);
	if (ret != cases[i].ret || signals == 0)
		fail(cases[i].name, ret);
	return late;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int n = argc > 2 ? atoi(argv[2]) : 1000, late = 0;

	setup();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc < 2 || strcmp(argv[1], cases[i].name) != 0)
			continue;
		sa.sa_flags = cases[i].flags;
		(void)sigaction(SIGALRM, &sa, NULL);
		for (int k = 0; k < n; k++)
			late += once(i);
		printf("%d\n", late);
		return 0;
	}
	return 2;
}
