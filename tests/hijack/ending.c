/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ending.c - a program that ends while its threads make calls
 *
 * Its descriptors are open as long as there is a thread that could look; who is told
 * otherwise says so.  The exit status is 7.
 */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define NTHREADS	3

static int sock, epfd;
static atomic_uint at_work;

static void
said(const char *call)
{
	dprintf(STDERR_FILENO, "%s was told %d\n", call, errno);
}

static void *
worker(void *arg)
{
	struct epoll_event ev;
	struct stat st;
	char byte;

	(void)arg;
	for (unsigned int n = 0;; n++) {
		if (fstat(sock, &st) != 0)
			said("fstat");
		if (epoll_wait(epfd, &ev, 1, 0) != 0)
			said("epoll_wait");
		if (recv(sock, &byte, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN)
			said("recv");
		if (n == 0)
			at_work++;
	}
	return NULL;
}

int
main(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	pthread_t thread;

	sock = socket(AF_INET, SOCK_DGRAM, 0);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (sock == -1 || epfd == -1 || epoll_ctl(epfd, EPOLL_CTL_ADD, sock, &ev) != 0)
		return 1;
	for (int i = 0; i < NTHREADS; i++) {
		if (pthread_create(&thread, NULL, worker, NULL) != 0)
			return 1;
	}
	while (at_work < NTHREADS)
		continue;
	_exit(7);
}
