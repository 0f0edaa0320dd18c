/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * loop.c - all connections: who connects, who is too slow, and the end
 *
 * One thread waits for all of them (epoll(7)) and never for one of them.
 *
 * For a server: whoever has not proved who he is after a while is sent away, and
 * of too many such ones the oldest, at once.  The server's end of the pair of sockets
 * says that it wants no more; when the last connection has ended too, so do we.
 *
 * For clients: they are processes of our user that connect to a socket of ours.  We are
 * there as long as one that ever connected lives, connected or not: it may look for a
 * server that is started again.
 *
 * References: epoll(7), pidfd_open(2), unix(7).
 */

#include <sys/epoll.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls.h"

#define EVENTS		64
#define PROVE_MS	10000	/* to connect and to prove who one is */
#define UNPROVED_MAX	256
#define CLIENTS_MAX	4096	/* processes */

/* What an event is about: a relay, or one of these. */
static char about_listener, about_front;

struct client {
	struct client	*c_next;
	pid_t		 c_pid;
	int		 c_pidfd;
};

static struct {
	SSL_CTX		*l_ctx;
	const struct addresses *l_to;	/* NULL: we serve */
	int		 l_epoll, l_listener, l_front;
	struct relay	*l_first, *l_last;
	unsigned int	 l_n, l_unproved;
	bool		 l_dirty;	/* some are dead */
	struct client	*l_clients;
	unsigned int	 l_nclients;
} loop = { .l_epoll = -1 };

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- what is waited for ------------------------------------------------------------------- */

static int
watch(int op, int fd, uint32_t events, void *about)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = about } };

	return epoll_ctl(loop.l_epoll, op, fd, &ev) == 0 ? 0 : errno;
}

static uint32_t
events_of(uint32_t wants)
{
	return (wants & WANT_READ ? EPOLLIN : 0u) | (wants & WANT_WRITE ? EPOLLOUT : 0u);
}

static void
relay_kill(struct relay *r)
{
	r->r_state = RELAY_DEAD;
	loop.l_dirty = true;
}

/* A side that is waited for in no way is not watched, or its end would wake us for ever. */
static void
watch_side(struct relay *r, int fd, uint32_t *mask, uint32_t wants)
{
	uint32_t events = events_of(wants);

	if (fd == -1 || events == *mask)
		return;
	if (watch(events == 0 ? EPOLL_CTL_DEL : *mask == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd,
	    events, r) != 0)
		relay_kill(r);
	*mask = events;
}

static void
watch_relay(struct relay *r)
{
	uint32_t tcp, local;

	relay_wants(r, &tcp, &local);
	watch_side(r, r->r_tcp, &r->r_tcpmask, tcp);
	watch_side(r, r->r_local, &r->r_localmask, local);
}

/* --- the list ------------------------------------------------------------------------------- */

static void
relay_add(struct relay *r)
{
	r->r_prev = NULL;
	r->r_next = loop.l_first;
	if (loop.l_first != NULL)
		loop.l_first->r_prev = r;
	else
		loop.l_last = r;
	loop.l_first = r;
	loop.l_n++;
	loop.l_unproved++;
	r->r_deadline = now_ms() + PROVE_MS;
}

static void
relay_end(struct relay *r)
{
	if (r->r_prev != NULL)
		r->r_prev->r_next = r->r_next;
	else
		loop.l_first = r->r_next;
	if (r->r_next != NULL)
		r->r_next->r_prev = r->r_prev;
	else
		loop.l_last = r->r_prev;
	loop.l_n--;
	loop.l_unproved -= r->r_deadline != 0;
	relay_destroy(r);
}

/* The oldest of those who have not proved anything. */
static void
unproved_limit(void)
{
	struct relay *r = loop.l_last;

	if (loop.l_unproved < UNPROVED_MAX)
		return;
	while (r != NULL && r->r_deadline == 0)
		r = r->r_prev;
	/* It is in nobody's hands: events are looked at one after another. */
	if (r != NULL)
		relay_kill(r);
}

/* Those that are over.  Milliseconds until one may be for its time, or -1. */
static int
sweep(void)
{
	int64_t now = now_ms(), next = INT64_MAX;
	struct relay *r = loop.l_first;

	if (!loop.l_dirty && loop.l_unproved == 0)
		return -1;
	loop.l_dirty = false;
	while (r != NULL) {
		struct relay *after = r->r_next;

		if (r->r_deadline != 0 && r->r_deadline <= now)
			r->r_state = RELAY_DEAD;
		if (r->r_state == RELAY_DEAD)
			relay_end(r);
		else if (r->r_deadline != 0 && r->r_deadline < next)
			next = r->r_deadline;
		r = after;
	}
	return next == INT64_MAX ? -1 : (int)(next - now) + 1;
}

/* --- a server's side --------------------------------------------------------------------------- */

/* Its end of a new pair goes to the server, with the name of who proved it. */
static bool
hand_over(struct relay *r)
{
	struct tlsfront_peer peer = { .tp_name = "" };
	struct iovec iov = { &peer, sizeof(peer) };
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } room;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.room,
	    .msg_controllen = sizeof(room.room) };
	int pair[2];
	bool sent;

	if (!context_peer(r->r_ssl, true, peer.tp_name, sizeof(peer.tp_name)) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	(void)snprintf(peer.tp_address, sizeof(peer.tp_address), "%s", r->r_address);
	memset(&room, 0, sizeof(room));
	room.align.cmsg_level = SOL_SOCKET;
	room.align.cmsg_type = SCM_RIGHTS;
	room.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&room.align), &pair[1], sizeof(int));
	sent = sendmsg(loop.l_front, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(peer);
	(void)close(pair[1]);
	if (sent)
		r->r_local = pair[0];
	else
		(void)close(pair[0]);
	return sent;
}

static void
accept_tcp(void)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct relay *r;
	int fd;

	unproved_limit();
	fd = accept4(loop.l_listener, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1)
		return;
	net_tune(fd);
	r = relay_create(loop.l_ctx, true, fd, -1);
	if (r == NULL) {
		(void)close(fd);
		return;
	}
	net_name(&ss, len, r->r_address, sizeof(r->r_address));
	relay_add(r);
	watch_relay(r);
}

/* --- clients' side --------------------------------------------------------------------------- */

static void
client_add(pid_t pid)
{
	struct client *c;

	for (c = loop.l_clients; c != NULL; c = c->c_next) {
		if (c->c_pid == pid)
			return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL || loop.l_nclients == CLIENTS_MAX) {
		free(c);
		return;
	}
	c->c_pid = pid;
	c->c_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->c_pidfd == -1 || watch(EPOLL_CTL_ADD, c->c_pidfd, EPOLLIN, &loop) != 0) {
		if (c->c_pidfd != -1)
			(void)close(c->c_pidfd);
		free(c);
		return;
	}
	c->c_next = loop.l_clients;
	loop.l_clients = c;
	loop.l_nclients++;
}

/* Some have ended: which ones is seen by looking. */
static void
clients_sweep(void)
{
	struct client **at = &loop.l_clients;

	while (*at != NULL) {
		struct client *c = *at;
		struct pollfd pfd = { .fd = c->c_pidfd, .events = POLLIN };

		if (poll(&pfd, 1, 0) != 1) {
			at = &c->c_next;
			continue;
		}
		*at = c->c_next;
		(void)close(c->c_pidfd);
		free(c);
		loop.l_nclients--;
	}
}

/* The next of the addresses to which a way can at least be looked for. */
static int
connect_next(unsigned int *which)
{
	int fd, error;

	for (; *which < loop.l_to->as_n; ++*which) {
		error = net_connect(loop.l_to, *which, &fd);
		if (error == 0)
			return fd;
	}
	return -1;
}

static void
accept_local(void)
{
	int fd = accept4(loop.l_listener, NULL, NULL, SOCK_CLOEXEC), tcp;
	struct ucred cr = { .pid = 0 };
	unsigned int which = 0;
	socklen_t len = sizeof(cr);
	struct relay *r;

	if (fd == -1)
		return;
	if (!net_ours(fd) || (tcp = connect_next(&which)) == -1) {
		(void)close(fd);
		return;
	}
	r = relay_create(loop.l_ctx, false, tcp, fd);
	if (r == NULL) {
		(void)close(fd);
		(void)close(tcp);
		return;
	}
	r->r_which = which;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &len) == 0 && cr.pid > 0)
		client_add(cr.pid);
	relay_add(r);
	watch_relay(r);
}

/* The way is there, or another address is tried. */
static void
connected(struct relay *r)
{
	int error = 0, fd;
	socklen_t len = sizeof(error);

	if (getsockopt(r->r_tcp, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
		r->r_state = RELAY_HANDSHAKE;
		return;
	}
	(void)close(r->r_tcp);
	r->r_tcp = -1;
	r->r_tcpmask = 0;
	r->r_which++;
	r->r_tcp = fd = connect_next(&r->r_which);
	if (fd == -1 || SSL_set_fd(r->r_ssl, fd) != 1)
		r->r_state = RELAY_DEAD;
}

/* --- all of them -------------------------------------------------------------------------------- */

static void
relay_event(struct relay *r)
{
	if (r->r_state == RELAY_CONNECTING) {
		struct pollfd pfd = { .fd = r->r_tcp, .events = POLLOUT };

		if (poll(&pfd, 1, 0) == 1)
			connected(r);
	}
	relay_move(r);
	if (r->r_state == RELAY_UP && r->r_deadline != 0) {
		r->r_deadline = 0;
		loop.l_unproved--;
		if (r->r_server && !hand_over(r))
			r->r_state = RELAY_DEAD;
		else if (r->r_server)
			relay_welcome(r);
		/* What came along with the handshake. */
		relay_move(r);
	}
	if (r->r_state == RELAY_DEAD)
		relay_kill(r);
	else
		watch_relay(r);
}

/* The server says nothing, but its end. */
static void
front_event(void)
{
	char word;
	ssize_t n = recv(loop.l_front, &word, 1, MSG_DONTWAIT);

	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	(void)close(loop.l_front);
	loop.l_front = -1;
	if (loop.l_to == NULL) {
		(void)close(loop.l_listener);
		loop.l_listener = -1;
	}
}

static bool
wanted(void)
{
	return loop.l_n > 0 || loop.l_nclients > 0 || (loop.l_to == NULL && loop.l_front != -1);
}

static int
run(void)
{
	struct epoll_event ev[EVENTS];
	int n, wait;
	bool ended;

	for (;;) {
		wait = sweep();
		if (!wanted())
			return 0;
		n = epoll_wait(loop.l_epoll, ev, EVENTS, wait);
		if (n == -1 && errno != EINTR)
			return errno;
		ended = false;
		for (int i = 0; i < n; i++) {
			void *about = ev[i].data.ptr;

			if (about == &about_front) {
				front_event();
			} else if (about == &loop) {
				ended = true;
			} else if (about != &about_listener) {
				relay_event(about);
			} else if (loop.l_to != NULL) {
				accept_local();
			} else if (loop.l_listener != -1) {
				accept_tcp();
			}
		}
		if (ended)
			clients_sweep();
	}
}

static int
loop_begin(SSL_CTX *ctx, const struct addresses *as, int listener, int front)
{
	int error;

	loop.l_ctx = ctx;
	loop.l_to = as;
	loop.l_listener = listener;
	loop.l_front = front;
	loop.l_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop.l_epoll == -1)
		return errno;
	error = watch(EPOLL_CTL_ADD, listener, EPOLLIN, &about_listener);
	return error ? error : watch(EPOLL_CTL_ADD, front, EPOLLIN, &about_front);
}

int
loop_serve(SSL_CTX *ctx, int listener, int front)
{
	int error = loop_begin(ctx, NULL, listener, front);

	return error ? error : run();
}

int
loop_connect(SSL_CTX *ctx, const struct addresses *as, int listener, int front,
    pid_t starter)
{
	int error = loop_begin(ctx, as, listener, front);

	client_add(starter);
	return error ? error : run();
}

/* --- a try ---------------------------------------------------------------------------------- */

static int
try_relay(struct relay *r)
{
	int64_t end = now_ms() + PROVE_MS;
	uint32_t tcp, local;

	while (r->r_state != RELAY_UP && r->r_state != RELAY_DEAD) {
		struct pollfd pfd = { .fd = r->r_tcp };
		int64_t left = end - now_ms();

		relay_wants(r, &tcp, &local);
		pfd.events = (short)((tcp & WANT_READ && r->r_state != RELAY_CONNECTING ? POLLIN : 0) |
		    (tcp & WANT_WRITE ? POLLOUT : 0));
		if (left <= 0 || poll(&pfd, 1, (int)left) == 0)
			return ETIMEDOUT;
		if (r->r_state == RELAY_CONNECTING) {
			int error = 0;
			socklen_t len = sizeof(error);

			if (getsockopt(r->r_tcp, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
				error = errno;
			if (error)
				return error;
			r->r_state = RELAY_HANDSHAKE;
		}
		relay_move(r);
	}
	return r->r_state == RELAY_UP ? 0 : EACCES;
}

int
loop_try(SSL_CTX *ctx, const struct addresses *as)
{
	int error = EHOSTUNREACH, fd;

	for (unsigned int i = 0; i < as->as_n && error != 0 && error != EACCES; i++) {
		struct relay *r;

		error = net_connect(as, i, &fd);
		if (error)
			continue;
		r = relay_create(ctx, false, fd, -1);
		if (r == NULL)
			return ENOMEM;
		error = try_relay(r);
		relay_destroy(r);
	}
	if (error == EACCES)
		say("%s:%s: does not prove who it is, or does not believe who we are", as->as_host,
		    as->as_port);
	else if (error)
		say("%s:%s: %s", as->as_host, as->as_port, strerror(error));
	return error;
}
