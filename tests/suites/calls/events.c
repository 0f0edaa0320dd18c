/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * events.c - poll, select, epoll over files, pipes and sockets; eventfd, timerfd
 *
 * References: poll(2), select(2), epoll_ctl(2), epoll_wait(2), eventfd(2), timerfd_create(2), memfd_create(2).
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static char buf[100];

static void
nothing(int signo)
{
	(void)signo;
}

static void
polls(void)
{
	struct timespec zero = { 0, 0 }, bad = { 0, -1 };
	struct pollfd p[4];
	int pipes[2], sp[2], f, d;

	file_make("f", 10);
	f = (int)T(open("f", O_RDWR));
	d = (int)T(open(".", O_RDONLY));
	T(pipe(pipes));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, sp));
	p[0] = (struct pollfd){ .fd = f, .events = POLLIN | POLLOUT | POLLPRI };
	p[1] = (struct pollfd){ .fd = pipes[0], .events = POLLIN };
	p[2] = (struct pollfd){ .fd = sp[0], .events = POLLIN | POLLOUT };
	p[3] = (struct pollfd){ .fd = 999, .events = POLLIN };
	T(poll(p, 4, 0));
	tell_text("%x %x %x %x", p[0].revents, p[1].revents, p[2].revents, p[3].revents);
	p[0].fd = -1;
	p[1].fd = d;
	p[3].fd = open("f", O_PATH);
	T(poll(p, 4, 0));
	tell_text("%x %x %x %x", p[0].revents, p[1].revents, p[2].revents, p[3].revents);
	T(poll(NULL, 0, 1));
	T(poll(NOWHERE, 1, 0));
	T(poll(p, 1U << 31, 0));
	T(ppoll(p, 0, &bad, NULL));
	T(syscall(SYS_ppoll, p, 0, NOWHERE, NULL, 8));
	T(ppoll(p, 4, &zero, NULL));
	T(write(sp[1], "x", 1));
	p[2].events = POLLIN | POLLRDNORM;
	T(poll(p + 2, 1, -1));
	tell_text("%x", p[2].revents);
	T(shutdown(sp[1], SHUT_WR));
	p[2].events = POLLIN | POLLRDHUP | POLLOUT;
	T(poll(p + 2, 1, -1));
	tell_text("%x", p[2].revents);
	T(close(sp[1]));
	T(poll(p + 2, 1, -1));
	tell_text("%x", p[2].revents);
}

static void
selects(void)
{
	struct timeval zero = { 0, 0 }, bad = { -1, 0 };
	fd_set r, w, e;
	int pipes[2], f;

	file_make("f", 10);
	f = (int)T(open("f", O_RDWR));
	T(pipe(pipes));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(f, &r);
	FD_SET(f, &w);
	FD_SET(f, &e);
	FD_SET(pipes[0], &r);
	FD_SET(pipes[1], &w);
	T(select(100, &r, &w, &e, &zero));
	tell_text("%d %d %d %d %d", FD_ISSET(f, &r), FD_ISSET(f, &w), FD_ISSET(f, &e), FD_ISSET(pipes[0], &r),
	    FD_ISSET(pipes[1], &w));
	FD_SET(50, &r);	/* above the size of the table a number is not looked at */
	T(select(100, &r, NULL, NULL, &zero));
	FD_CLR(50, &r);
	T(select(-1, &r, NULL, NULL, &zero));
	T(select(0, NULL, NULL, NULL, &zero));
	T(select(10, &r, NULL, NULL, &bad));
	T(select(10, NOWHERE, NULL, NULL, &zero));
	T(syscall(SYS_select, 10, &r, NULL, NULL, NOWHERE));
	T(pselect(10, &r, NULL, NULL, &(struct timespec){ 0, 2000000000 }, NULL));
}

static void
epolls(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 7 }, got[4];
	int ep, ep2, pipes[2], sp[2], f;

	file_make("f", 10);
	T(epoll_create(0));
	T(epoll_create1(1));
	ep = (int)T(epoll_create1(EPOLL_CLOEXEC));
	ep2 = (int)T(epoll_create(1));
	f = (int)T(open("f", O_RDWR));
	T(pipe(pipes));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, sp));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, f, &ev));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &ev));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &ev));
	T(epoll_ctl(ep, EPOLL_CTL_MOD, sp[0], &ev));
	T(epoll_ctl(ep, EPOLL_CTL_DEL, sp[0], NULL));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &ev));
	T(epoll_ctl(999, EPOLL_CTL_ADD, sp[0], &ev));
	T(epoll_ctl(sp[0], EPOLL_CTL_ADD, sp[1], &ev));
	T(epoll_ctl(ep, 9, sp[0], &ev));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, sp[0], NOWHERE));
	ev.events = EPOLLIN | EPOLLOUT | EPOLLET;
	T(epoll_ctl(ep, EPOLL_CTL_ADD, sp[0], &ev));
	T(epoll_wait(ep, got, 4, 0));
	tell_text("%x %u", got[0].events, got[0].data.u32);
	T(epoll_wait(ep, got, 4, 0));
	T(write(sp[1], "x", 1));
	T(epoll_wait(ep, got, 4, 0));
	tell_text("%x", got[0].events);
	T(epoll_wait(ep, got, 4, 0));
	ev.events = EPOLLIN | EPOLLONESHOT;
	T(epoll_ctl(ep, EPOLL_CTL_MOD, sp[0], &ev));
	T(epoll_wait(ep, got, 4, 0));
	T(epoll_wait(ep, got, 4, 0));
	T(epoll_ctl(ep, EPOLL_CTL_MOD, sp[0], &ev));
	T(epoll_wait(ep, got, 4, 0));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	T(epoll_ctl(ep, EPOLL_CTL_MOD, sp[0], &ev));
	T(epoll_ctl(ep2, EPOLL_CTL_ADD, sp[0], &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	T(epoll_ctl(ep2, EPOLL_CTL_ADD, pipes[0], &ev));
	ev.events = EPOLLIN;
	T(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &ev));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &ev));
	T(write(pipes[1], "x", 1));
	T(epoll_wait(ep2, got, 4, 0));
	T(epoll_wait(ep, got, 0, 0));
	T(epoll_wait(ep, got, -1, 0));
	T(epoll_wait(f, got, 1, 0));
	T(epoll_wait(999, got, 1, 0));
	T(epoll_wait(ep, NOWHERE, 1, 0));
	T(epoll_pwait2(ep, got, 1, &(struct timespec){ 0, 2000000000 }, NULL));
	T(close(pipes[0]));
	T(epoll_wait(ep, got, 4, 0));
	T(read(ep, buf, 1));
	T(lseek(ep, 0, SEEK_SET));
	T(fcntl(ep, F_GETFD));
}

static void
counters(void)
{
	uint64_t v = 0;
	struct itimerspec its = { .it_value = { 0, 1 } };
	int e, t, s, m, p[2];
	sigset_t set;

	T(eventfd(0, 1));
	e = (int)T(eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC));
	T(read(e, &v, 4));
	T(read(e, &v, 8));
	tell_text("%lu", (unsigned long)v);
	T(read(e, &v, 8));
	v = ~0UL;
	T(write(e, &v, 8));
	v--;
	T(write(e, &v, 8));
	T(write(e, &v, 8));
	T(write(e, NOWHERE, 8));
	e = (int)T(eventfd(2, EFD_SEMAPHORE));
	T(read(e, &v, 8));
	tell_text("%lu", (unsigned long)v);
	T(timerfd_create(99, 0));
	t = (int)T(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	T(read(t, &v, 8));
	T(timerfd_settime(t, 0, &its, NULL));
	T(poll(&(struct pollfd){ .fd = t, .events = POLLIN }, 1, 1000));
	T(read(t, &v, 8));
	T(timerfd_settime(t, 9, &its, NULL));
	T(timerfd_settime(e, 0, &its, NULL));
	T(timerfd_gettime(t, &its));
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	T(sigprocmask(SIG_BLOCK, &set, NULL));
	s = (int)T(signalfd(-1, &set, SFD_NONBLOCK));
	T(read(s, buf, sizeof(buf)));
	T(kill(getpid(), SIGUSR1));
	T(poll(&(struct pollfd){ .fd = s, .events = POLLIN }, 1, 0));
	m = (int)T(memfd_create("m", MFD_ALLOW_SEALING));
	T(ftruncate(m, 100));
	T(fcntl(m, F_ADD_SEALS, F_SEAL_GROW));
	T(ftruncate(m, 200));
	T(fcntl(m, F_GET_SEALS));
	/* Signals end waits. */
	(void)signal(SIGALRM, nothing);
	(void)siginterrupt(SIGALRM, 1);
	T(pipe(p));
	s = epoll_create1(0);
	(void)ualarm(20000, 20000);
	T(read(p[0], buf, 1));
	T(poll(&(struct pollfd){ .fd = p[0], .events = POLLIN }, 1, -1));
	T(select(0, NULL, NULL, NULL, NULL));
	T(epoll_wait(s, &(struct epoll_event){ 0 }, 1, -1));
	(void)ualarm(0, 0);
}

const struct group event_groups[] = {
	{ "poll", polls },
	{ "select", selects },
	{ "epoll", epolls },
	{ "event-descriptors", counters },
	{ NULL, NULL },
};
