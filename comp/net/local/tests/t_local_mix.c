/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_mix.c - six threads share local sockets and take no care
 *
 * Sockets of all types are made, joined, named, filled, drained, shut down, sent
 * over each other and closed, by numbers that others use at the same time.  What
 * must not happen is a crash, a race that the thread sanitizer sees, a sleep
 * without end, or something left behind.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/sockios.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define NTHREADS	6
#define STEPS		(3000 / HARNESS_SLOWNESS)
#define LOW		3
#define NUMBERS		24

struct mixer {
	struct rumpuser_thread *thread;
	uint64_t	 rng;
};

static unsigned int
below(struct mixer *m, unsigned int n)
{
	m->rng ^= m->rng << 13;
	m->rng ^= m->rng >> 7;
	m->rng ^= m->rng << 17;
	return (unsigned int)(m->rng >> 20) % n;
}

static int
any(struct mixer *m)
{
	return LOW + (int)below(m, NUMBERS);
}

static int
any_type(struct mixer *m)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	return types[below(m, 3)] | SOCK_NONBLOCK;
}

static void
mix_make(struct mixer *m)
{
	int sv[2];

	switch (below(m, 4)) {
	case 0:
		(void)rump_sys_socket(AF_UNIX, any_type(m), 0);
		break;
	case 1:
		(void)rump_sys_accept4(any(m), NULL, NULL, SOCK_NONBLOCK);
		break;
	default:
		(void)rump_sys_socketpair(AF_UNIX, any_type(m), 0, sv);
		break;
	}
}

static void
mix_end(struct mixer *m)
{
	switch (below(m, 4)) {
	case 0:
		(void)rump_sys_shutdown(any(m), (int)below(m, 3));
		break;
	case 1:
		(void)rump_sys_dup2(any(m), any(m));
		break;
	default:
		(void)rump_sys_close(any(m));
		break;
	}
}

static void
mix_join(struct mixer *m)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	un.sun_path[1] = (char)('a' + below(m, 4));
	switch (below(m, 4)) {
	case 0:
		(void)rump_sys_bind(any(m), (void *)&un, 4);
		break;
	case 1:
		(void)rump_sys_listen(any(m), (int)below(m, 4));
		break;
	default:
		if (below(m, 8) == 0)
			un.sun_family = AF_UNSPEC;
		(void)rump_sys_connect(any(m), (void *)&un, 4);
		break;
	}
}

static void
mix_bytes(struct mixer *m)
{
	static char data[40000];	/* nobody cares what is in it */
	char buf[500];

	switch (below(m, 3)) {
	case 0:
		(void)rump_sys_send(any(m), data, below(m, sizeof(data)),
		    MSG_NOSIGNAL | (below(m, 10) == 0 ? MSG_OOB : 0));
		break;
	case 1:
		(void)rump_sys_send(any(m), data, below(m, 100), MSG_NOSIGNAL);
		break;
	default:
		(void)rump_sys_recv(any(m), buf, below(m, sizeof(buf)),
		    (below(m, 6) == 0 ? MSG_PEEK : 0) | (below(m, 9) == 0 ? MSG_OOB : 0));
		break;
	}
}

static void
mix_files(struct mixer *m)
{
	union {
		struct cmsghdr cm;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} c;
	struct iovec iov = { (char[8]){ 0 }, 8 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c) };
	int fds[2] = { any(m), any(m) };

	if (below(m, 2)) {
		(void)rump_sys_recvmsg(any(m), &mh, 0);
		return;
	}
	memset(&c, 0, sizeof(c));
	c.cm.cmsg_len = CMSG_LEN(sizeof(fds));
	c.cm.cmsg_level = SOL_SOCKET;
	c.cm.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&c.cm), fds, sizeof(fds));
	(void)rump_sys_sendmsg(any(m), &mh, MSG_NOSIGNAL);
}

static void
mix_look(struct mixer *m)
{
	struct pollfd pf[NUMBERS];
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int n, one = (int)below(m, 2);

	switch (below(m, 5)) {
	case 0:
		for (int i = 0; i < NUMBERS; i++)
			pf[i] = (struct pollfd){ .fd = LOW + i, .events = POLLIN | POLLOUT };
		(void)rump_sys_poll(pf, NUMBERS, (int)below(m, 2));
		break;
	case 1:
		(void)rump_sys_getpeername(any(m), (void *)&un, &len);
		break;
	case 2:
		(void)rump_sys_ioctl(any(m), SIOCINQ, &n);
		break;
	case 3:
		(void)rump_sys_setsockopt(any(m), SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
		break;
	default:
		(void)rump_sys_setsockopt(any(m), SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
		break;
	}
}

static void
mixer_main(void *arg)
{
	static void (*const fns[])(struct mixer *) = {
		mix_make, mix_make, mix_end, mix_join, mix_bytes, mix_bytes, mix_bytes,
		mix_files, mix_look,
	};
	struct mixer *m = arg;

	for (int i = 0; i < STEPS; i++)
		fns[below(m, ARRAY_SIZE(fns))](m);
}

TEST_WITH(six_threads_do_as_they_like, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS,
    .ht_seeds = 4, .ht_seconds = 120)
{
	struct mixer m[NTHREADS];

	(void)signal(SIGPIPE, SIG_IGN);
	for (unsigned int i = 0; i < NTHREADS; i++) {
		m[i] = (struct mixer){ .rng = (harness_seed() * NTHREADS + i) *
		    0x9e3779b97f4a7c15ULL | 1 };
		NEED(rumpuser_thread_create(mixer_main, &m[i], "mixer", &m[i].thread) == 0);
	}
	for (unsigned int i = 0; i < NTHREADS; i++)
		NEED(rumpuser_thread_join(m[i].thread) == 0);
	CHECK_EQ("close_range", 0, rump_sys_close_range(3, ~0U, 0));
}
