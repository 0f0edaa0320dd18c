/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_random.c - random calls on local sockets, here and on the host
 *
 * A seed makes a row of calls on a dozen sockets; both kernels make them, and
 * results, data, flags, descriptors that came along and what poll says must
 * agree, call by call.  No call blocks.
 */

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <harness.h>
#include <twin.h>

#define NSLOTS		12
#define NNAMES		5
#define NCALLS		700
#define EVENTS		(POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | \
			 POLLRDBAND | POLLWRNORM | POLLWRBAND)

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

struct world {
	struct twin	*w_tw;
	uint64_t	 w_rng;
	int		 w_fd[NSLOTS];	/* -1: none */
	int		 w_ep;
	int		 w_pipe[2];
};

static uint64_t
roll(struct world *w, uint64_t below)
{
	return (harness_draw(&w->w_rng) * 0x2545f4914f6cdd1dULL >> 20) % below;
}

static void
note_bytes(struct twin *tw, const char *label, const void *data, size_t len)
{
	const unsigned char *p = data;
	long sum = (long)len;

	for (size_t i = 0; i < len; i++)
		sum = (sum * 31 + p[i]) & 0xffffffff;
	twin_note(tw, label, sum);
}

/* The name number n; seqpacket, stream and dgram sockets share them. */
static socklen_t
name(struct sockaddr_un *un, uint64_t n)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path + 1, 60, "rumpus-random-%d-%d", (int)getpid(), (int)n);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    strlen(un->sun_path + 1));
}

static int
a_slot(struct world *w)
{
	return (int)roll(w, NSLOTS);
}

static int
a_fd(struct world *w)
{
	return w->w_fd[a_slot(w)];
}

/* A descriptor that came into being takes a slot, whatever was there goes. */
static void
keep(struct world *w, int fd)
{
	int slot = a_slot(w);

	if (fd < 0)
		return;
	if (w->w_fd[slot] >= 0)
		CALL(w->w_tw, close, A(w->w_fd[slot]));
	w->w_fd[slot] = fd;
}

/* --- the calls -------------------------------------------------------------------- */

static void
do_socket(struct world *w)
{
	struct twin *tw = w->w_tw;

	keep(w, FD(tw, socket, AF_UNIX, A(types[roll(w, 3)] | SOCK_NONBLOCK), 0));
}

static void
do_pair(struct world *w)
{
	struct twin *tw = w->w_tw;
	int sv[2] = { -1, -1 };

	CALL(tw, socketpair, AF_UNIX, A(types[roll(w, 3)] | SOCK_NONBLOCK), 0, A(sv));
	keep(w, sv[0]);
	keep(w, sv[1]);
}

static void
do_bind(struct world *w)
{
	struct twin *tw = w->w_tw;
	struct sockaddr_un un;
	socklen_t len = name(&un, roll(w, NNAMES));

	CALL(tw, bind, A(a_fd(w)), A(&un), len);
}

static void
do_listen(struct world *w)
{
	struct twin *tw = w->w_tw;
	int fd = a_fd(w);

	CALL(tw, listen, A(fd), A(roll(w, 3)));
}

static void
do_connect(struct world *w)
{
	struct twin *tw = w->w_tw;
	struct sockaddr_un un;
	socklen_t len = name(&un, roll(w, NNAMES));
	int fd = a_fd(w);

	if (roll(w, 8) == 0)
		un.sun_family = AF_UNSPEC;
	CALL(tw, connect, A(fd), A(&un), len);
}

static void
do_accept(struct world *w)
{
	struct twin *tw = w->w_tw;
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int fd;

	memset(&un, 0, sizeof(un));
	fd = FD(tw, accept4, A(a_fd(w)), A(&un), A(&len), SOCK_NONBLOCK);
	twin_note(tw, "length", len);
	note_bytes(tw, "name", &un, len < sizeof(un) ? len : sizeof(un));
	keep(w, fd);
}

static int
send_flags(struct world *w)
{
	return MSG_NOSIGNAL | MSG_DONTWAIT | (roll(w, 10) == 0 ? MSG_OOB : 0) |
	    (roll(w, 10) == 0 ? MSG_EOR : 0);
}

static void
do_send(struct world *w)
{
	static unsigned char data[70000];
	struct twin *tw = w->w_tw;
	struct sockaddr_un un;
	socklen_t len = 0;
	size_t size = roll(w, 8) == 0 ? roll(w, sizeof(data)) : roll(w, 300);
	int flags = send_flags(w);

	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)(i + w->w_rng);
	if (roll(w, 4) == 0)
		len = name(&un, roll(w, NNAMES));
	CALL(tw, sendto, A(a_fd(w)), A(data), A(size), A(flags), len > 0 ? A(&un) : 0,
	    len);
}

/* Until nothing goes in any more: how much that was is compared. */
static void
do_fill(struct world *w)
{
	static unsigned char data[5000];
	struct twin *tw = w->w_tw;
	size_t size = 1 + roll(w, sizeof(data) - 1);
	long n, sum = 0, count = 0;
	int fd = a_fd(w);

	do {
		n = twin_raw(tw, SYS_sendto, TWIN_ARGS(A(fd), A(data), size,
		    MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0));
		sum += n > 0 ? n : 0;
	} while (n > 0 && ++count < 2000);
	twin_note(tw, "filled to the end with", n);
	twin_note(tw, "sends", count);
	twin_note(tw, "bytes", sum);
}

static int
recv_flags(struct world *w)
{
	static const int some[] = { MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_WAITALL,
	    MSG_CMSG_CLOEXEC };
	int flags = MSG_DONTWAIT;

	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		if (roll(w, 6) == 0)
			flags |= some[i];
	return flags;
}

static void
do_recv(struct world *w)
{
	static unsigned char data[70000];
	struct twin *tw = w->w_tw;
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	size_t size = roll(w, 5) == 0 ? roll(w, sizeof(data)) : roll(w, 500);
	int flags = recv_flags(w);
	long n;

	memset(&un, 0, sizeof(un));
	n = CALL(tw, recvfrom, A(a_fd(w)), A(data), size, A(flags), A(&un), A(&len));
	if (n < 0)
		return;
	note_bytes(tw, "data", data, (size_t)n < size ? (size_t)n : size);
	twin_note(tw, "length", len);
	note_bytes(tw, "name", &un, len < sizeof(un) ? len : sizeof(un));
}

static void
do_drain(struct world *w)
{
	static unsigned char data[3000];
	struct twin *tw = w->w_tw;
	long n, sum = 0, count = 0;
	int fd = a_fd(w);

	do {
		n = twin_raw(tw, SYS_recvfrom, TWIN_ARGS(A(fd), A(data), sizeof(data),
		    MSG_DONTWAIT, 0, 0));
		sum += n > 0 ? n : 0;
	} while (n > 0 && ++count < 4000);
	twin_note(tw, "drained to the end with", n);
	twin_note(tw, "reads", count);
	twin_note(tw, "bytes", sum);
}

union control {
	struct cmsghdr	cm;
	unsigned char	bytes[400];
};

static void
do_sendmsg(struct world *w)
{
	static unsigned char data[900];
	struct twin *tw = w->w_tw;
	union control c;
	struct iovec iov[3];
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = roll(w, 4) };
	size_t nfds = roll(w, 4);
	int fd = a_fd(w);

	for (size_t i = 0; i < 3; i++)
		iov[i] = (struct iovec){ data + roll(w, 300), roll(w, 300) };
	memset(&c, 0, sizeof(c));
	if (nfds > 0) {
		mh.msg_control = &c;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c.cm.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		c.cm.cmsg_level = SOL_SOCKET;
		c.cm.cmsg_type = SCM_RIGHTS;
		for (size_t i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(&c.cm) + i * sizeof(int),
			    &w->w_pipe[roll(w, 2)], sizeof(int));
	}
	CALL(tw, sendmsg, A(fd), A(&mh), A(send_flags(w)));
}

static void
note_control(struct world *w, struct msghdr *mh)
{
	struct twin *tw = w->w_tw;
	int fd;

	twin_note(tw, "flags", mh->msg_flags);
	twin_note(tw, "control length", (long)mh->msg_controllen);
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		twin_note(tw, "control", (long)cm->cmsg_len << 8 | cm->cmsg_type);
		if (cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= cm->cmsg_len; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
			twin_note(tw, "came", twin_raw(tw, SYS_close, TWIN_ARGS(A(fd))));
		}
	}
}

static void
do_recvmsg(struct world *w)
{
	static unsigned char data[900];
	struct twin *tw = w->w_tw;
	union control c;
	struct iovec iov[3];
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = roll(w, 4), .msg_control = &c,
	    .msg_controllen = roll(w, 2) ? sizeof(c) : roll(w, 60) };
	int flags = recv_flags(w);

	for (size_t i = 0; i < 3; i++)
		iov[i] = (struct iovec){ data + i * 300, roll(w, 300) };
	memset(&c, 0, sizeof(c));
	memset(data, 0, sizeof(data));
	if (CALL(tw, recvmsg, A(a_fd(w)), A(&mh), A(flags)) < 0)
		return;
	note_bytes(tw, "data", data, sizeof(data));
	note_control(w, &mh);
}

static void
do_shutdown(struct world *w)
{
	struct twin *tw = w->w_tw;
	int fd = a_fd(w);

	CALL(tw, shutdown, A(fd), A(roll(w, 3)));
}

static void
do_close(struct world *w)
{
	struct twin *tw = w->w_tw;
	int slot = a_slot(w);

	CALL(tw, close, A(w->w_fd[slot]));
	w->w_fd[slot] = -1;
}

static void
do_names(struct world *w)
{
	struct twin *tw = w->w_tw;
	struct sockaddr_un un;
	socklen_t len = (socklen_t)roll(w, 120);
	int fd = a_fd(w);

	memset(&un, 0, sizeof(un));
	if (roll(w, 2))
		CALL(tw, getsockname, A(fd), A(&un), A(&len));
	else
		CALL(tw, getpeername, A(fd), A(&un), A(&len));
	twin_note(tw, "length", len);
	note_bytes(tw, "name", &un, sizeof(un));
}

static void
do_option(struct world *w)
{
	static const int names[] = { SO_OOBINLINE, SO_PEEK_OFF, SO_RCVLOWAT, SO_ERROR,
	    SO_ACCEPTCONN, SO_SNDBUF, 84 };
	struct twin *tw = w->w_tw;
	int opt = names[roll(w, ARRAY_SIZE(names))], fd = a_fd(w);
	int val = opt == SO_SNDBUF ? (int)roll(w, 20000) : (int)roll(w, 4) - 1;
	socklen_t len = sizeof(val);

	if (opt != SO_ERROR && opt != SO_ACCEPTCONN)
		CALL(tw, setsockopt, A(fd), SOL_SOCKET, A(opt), A(&val), sizeof(val));
	CALL(tw, getsockopt, A(fd), SOL_SOCKET, A(opt), A(&val), A(&len));
	twin_note(tw, "value", val);
}

/* Of streams SIOCINQ is left out: see t_local_twin.c. */
static void
do_queues(struct world *w)
{
	struct twin *tw = w->w_tw;
	int fd = a_fd(w), n = -1;

	CALL(tw, ioctl, A(fd), SIOCOUTQ, A(&n));
	twin_note(tw, "outq", n);
	n = -1;
	CALL(tw, ioctl, A(fd), SIOCATMARK, A(&n));
	twin_note(tw, "at mark", n);
}

static void
do_poll(struct world *w)
{
	struct twin *tw = w->w_tw;
	struct pollfd pfd[NSLOTS];

	for (int i = 0; i < NSLOTS; i++)
		pfd[i] = (struct pollfd){ .fd = w->w_fd[i], .events = EVENTS };
	CALL(tw, poll, A(pfd), NSLOTS, 0);
	for (int i = 0; i < NSLOTS; i++)
		twin_note(tw, "revents", pfd[i].revents);
}

static void
do_watch(struct world *w)
{
	struct twin *tw = w->w_tw;
	int slot = a_slot(w);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI |
	    (roll(w, 4) == 0 ? EPOLLONESHOT : 0), .data.u32 = (uint32_t)slot };

	CALL(tw, epoll_ctl, A(w->w_ep), A(1 + roll(w, 3)), A(w->w_fd[slot]), A(&ev));
}

static void
do_wait(struct world *w)
{
	struct epoll_event ev[64];
	struct twin *tw = w->w_tw;
	uint32_t got[NSLOTS] = { 0 };
	long n;

	n = CALL(tw, epoll_wait, A(w->w_ep), A(ev), 64, 0);
	for (long i = 0; i < n; i++)
		got[ev[i].data.u32 % NSLOTS] |= ev[i].events;
	for (int i = 0; i < NSLOTS; i++)
		twin_note(tw, "events", got[i]);
}

static const struct {
	void		(*fn)(struct world *);
	unsigned int	 weight;
} calls[] = {
	{ do_socket, 6 }, { do_pair, 4 }, { do_bind, 6 }, { do_listen, 5 },
	{ do_connect, 10 }, { do_accept, 7 }, { do_send, 16 }, { do_fill, 2 },
	{ do_recv, 14 }, { do_drain, 3 }, { do_sendmsg, 8 }, { do_recvmsg, 8 },
	{ do_shutdown, 2 }, { do_close, 3 }, { do_names, 3 }, { do_option, 4 },
	{ do_queues, 3 }, { do_poll, 6 }, { do_watch, 4 }, { do_wait, 4 },
};

static void
one_call(struct world *w)
{
	unsigned int sum = 0, at;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		sum += calls[i].weight;
	at = (unsigned int)roll(w, sum);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (at < calls[i].weight) {
			calls[i].fn(w);
			return;
		}
		at -= calls[i].weight;
	}
}

static void
random_script(struct twin *tw)
{
	static char abouts[NCALLS][24];
	struct world w = { .w_tw = tw, .w_rng = harness_seed() * 2654435761u + 88172645463325252u };

	NEED(twin_raw(tw, SYS_pipe2, TWIN_ARGS(A(w.w_pipe), 0)) == 0);
	w.w_ep = FD(tw, epoll_create1, 0);
	for (int i = 0; i < NSLOTS; i++)
		w.w_fd[i] = -1;
	for (int i = 0; i < NCALLS; i++) {
		snprintf(abouts[i], sizeof(abouts[i]), "call %d", i);
		tw->tw_about = abouts[i];
		one_call(&w);
	}
	for (int i = 0; i < NSLOTS; i++)
		CALL(tw, close, A(w.w_fd[i]));
	CALL(tw, close, A(w.w_ep));
	CALL(tw, close, A(w.w_pipe[0]));
	CALL(tw, close, A(w.w_pipe[1]));
}

/* A thread of the kernel that is woken for the first time gets things of its own. */
TEST_WITH(random_calls_answer_as_the_host_s, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 40, .ht_seconds = 60)
{
	twin_run(random_script);
}
