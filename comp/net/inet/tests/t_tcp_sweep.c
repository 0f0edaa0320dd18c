/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_sweep.c - each allocation of TCP fails once
 *
 * The lives of some connections, from socket(2) to the end of TIME-WAIT, are lived again
 * and again, each time with another allocation failing.  A call may say ENOMEM; a
 * segment that is lost for want of memory is sent again.  Whatever fails, all data arrives,
 * nothing is left, and nobody waits for ever.
 */

#include <harness.h>
#include <lib/string.h>
#include <linux/tcp.h>
#include <net/route.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/qsbr.h>

#include "tcp_impl.h"
#include "tcp_pair.h"

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)
#define BYTES	60000u
#define CHUNK	9000u
#define FIRST	100u
#define PATIENCE (900 * NSEC_PER_SEC)

static struct tcp_pair net;

static uint8_t
octet(uint32_t at)
{
	return (uint8_t)(at * 2654435761u >> 24);
}

/* --- calls -------------------------------------------------------------------------- */

static int
make(int side, struct socket **ret_so)
{
	return socket_create(net.tp_ns[side], AF_INET, SOCK_STREAM, IPPROTO_TCP,
	    (struct cred *)(uintptr_t)curcred(), true, ret_so);
}

static void
drop(struct socket *so)
{
	if (so == NULL)
		return;
	tcp_sockops.so_close(so);
	socket_rele(so);
}

static int
option(struct socket *so, int name, int value)
{
	return tcp_sockops.so_setopt(so, SOL_TCP, name, &value, sizeof(value));
}

static int
serve(struct socket **ret_so)
{
	struct sockaddr_in sin = pair_address(&net, 1);
	struct socket *so;
	int error;

	error = make(1, &so);
	if (error)
		return error;
	so->so_options |= SOO_REUSEADDR;
	error = option(so, TCP_SAVE_SYN, 1);
	if (error == 0)
		error = option(so, TCP_FASTOPEN, 4);
	if (error == 0)
		error = tcp_sockops.so_bind(so, (struct sockaddr *)&sin, sizeof(sin));
	if (error == 0)
		error = tcp_sockops.so_listen(so, 4);
	if (error) {
		drop(so);
		return error;
	}
	*ret_so = so;
	return 0;
}

/* Some octets of the stream from at on.  *ret_n: how many; 0: none now. */
static int
some(struct socket *so, bool out, uint32_t at, uint32_t most, int flags, uint32_t *ret_n)
{
	static uint8_t buf[CHUNK];
	struct rumpuser_iov iov;
	struct uio uio;
	struct sockmsg sm = { .sm_uio = &uio, .sm_flags = MSG_DONTWAIT | flags };
	uint32_t len = most < CHUNK ? most : CHUNK;
	size_t done = 0;
	int error;

	for (uint32_t i = 0; out && i < len; i++)
		buf[i] = octet(at + i);
	uio_init_buf(&uio, &iov, buf, len, 0, out ? UIO_WRITE : UIO_READ, UIO_KERNEL);
	error = out ? tcp_sockops.so_send(so, &sm, &done) : tcp_sockops.so_recv(so, &sm, &done);
	for (size_t i = 0; error == 0 && !out && i < done; i++)
		if (!CHECK_EQ("octet", octet(at + (uint32_t)i), buf[i]))
			return EIO;
	*ret_n = (uint32_t)done;
	return error == EAGAIN ? 0 : error;
}

/* The first octets: a write that has no memory is tried again, as a client would. */
static int
first(struct socket *so, int *memory)
{
	int64_t until = clock_mono() + PATIENCE;
	uint32_t n = 0;
	int error;

	while ((error = some(so, true, 0, FIRST, 0, &n)) == ENOMEM || (error == 0 && n == 0)) {
		if (error != 0)
			*memory = error;
		if (!CHECK(clock_mono() < until))
			return EIO;
		pair_pause(NSEC_PER_SEC / 100);
	}
	CHECK_EQ("first", error == 0 ? FIRST : 0, n);
	return error;
}

/* The others, to the last. */
static int
stream(struct socket *from, struct socket *to, int *memory)
{
	int64_t until = clock_mono() + PATIENCE;
	uint32_t at[2] = { 0, FIRST }, n;
	int error;

	while (at[0] < BYTES) {
		uint32_t before = at[0] + at[1];

		for (int out = 0; out < 2; out++) {
			n = 0;
			error = at[out] == BYTES ? 0 :
			    some(out ? from : to, out, at[out], BYTES - at[out], 0, &n);
			if (error == ENOMEM)
				*memory = error;
			else if (error)
				return error;
			at[out] += n;
		}
		if (at[0] + at[1] != before)
			continue;
		if (!CHECK(clock_mono() < until))
			return EIO;
		pair_pause(NSEC_PER_SEC / 100);
	}
	return 0;
}

/* Until the end of the stream is read. */
static int
await_end(struct socket *so)
{
	int64_t until = clock_mono() + PATIENCE;
	struct tcpcb *tp = tcpcb_of(so);
	bool over = false;

	while (!over && CHECK(clock_mono() < until)) {
		mutex_enter(&so->so_lock);
		over = (so->so_state & SS_CANTRCVMORE) != 0 && tcp_readable(tp) == 0;
		mutex_exit(&so->so_lock);
		if (!over)
			pair_pause(NSEC_PER_SEC / 100);
	}
	return 0;
}

/* --- lives ---------------------------------------------------------------------------- */

/* What so many clients ask about and set. */
static int
ask(struct socket *so)
{
	static const char reno[] = "reno";
	struct tcp_info ti;
	socklen_t len = sizeof(ti);
	int error;

	error = tcp_sockops.so_setopt(so, SOL_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
	if (error == 0)
		error = tcp_sockops.so_getopt(so, SOL_TCP, TCP_INFO, &ti, &len);
	if (error == 0)
		error = option(so, TCP_NODELAY, 1);
	return error;
}

static int
saved_syn(struct socket *so)
{
	uint8_t syn[200];
	socklen_t len = sizeof(syn);

	return tcp_sockops.so_getopt(so, SOL_TCP, TCP_SAVED_SYN, syn, &len);
}

/*
 * Data both ways, urgent octets, an orderly end.  The first octets come with the SYN,
 * once there is a cookie of an earlier connection.
 */
static int
full_life(struct socket *lso)
{
	struct sockaddr_in sin = pair_address(&net, 1);
	struct socket *a = NULL, *b = NULL;
	int error, memory = 0;
	uint32_t n;

	error = make(0, &a);
	if (error == 0)
		error = option(a, TCP_FASTOPEN_CONNECT, 1);
	if (error == 0)
		error = ask(a);
	if (error == 0)
		error = tcp_sockops.so_connect(a, (struct sockaddr *)&sin, sizeof(sin), false);
	if (error == 0)
		error = first(a, &memory);
	if (error == 0)
		error = tcp_sockops.so_accept(lso, false, &b);
	if (error == 0)
		error = saved_syn(b);
	if (error == 0)
		error = stream(a, b, &memory);
	if (error == 0)
		error = first(b, &memory);
	if (error == 0)
		error = stream(b, a, &memory);
	if (error == 0)
		error = some(a, true, 0, 1, MSG_OOB, &n);
	if (error == 0)
		error = tcp_sockops.so_shutdown(a, SHUT_WR);
	if (error == 0)
		error = await_end(b);
	/* Steps over the urgent octet: with it unread close would reset. */
	if (error == 0)
		error = some(b, false, BYTES, 10, 0, &n);
	drop(b);
	if (error == 0)
		error = await_end(a);
	drop(a);
	return error != 0 ? error : memory;
}

/* Reset by who has not read all; never accepted; refused. */
static int
short_lives(struct socket *lso)
{
	struct sockaddr_in sin = pair_address(&net, 1);
	struct socket *so[3] = { NULL, NULL, NULL }, *b = NULL;
	int error = 0;
	uint32_t n;

	for (int i = 0; i < 3 && error == 0; i++) {
		error = make(0, &so[i]);
		if (i == 2)
			sin.sin_port++;
		if (error == 0)
			error = tcp_sockops.so_connect(so[i], (struct sockaddr *)&sin, sizeof(sin),
			    i != 0);
		if (i != 0 && error == EINPROGRESS)
			error = 0;
	}
	if (error == 0)
		error = tcp_sockops.so_accept(lso, false, &b);
	if (error == 0)
		error = some(so[0], true, 0, 10, 0, &n);
	if (b != NULL) {
		pair_pause(NSEC_PER_SEC);
		b->so_linger = 0;
	}
	drop(b);
	for (int i = 0; i < 3; i++)
		drop(so[i]);
	return error;
}

static int
lives(void)
{
	struct socket *lso = NULL;
	int error;

	error = serve(&lso);
	for (int i = 0; i < 2 && error == 0; i++)
		error = full_life(lso);
	if (error == 0)
		error = short_lives(lso);
	drop(lso);
	pair_pause(300 * NSEC_PER_SEC);		/* TIME-WAIT, and whatever else was late */
	route_forget(net.tp_ns[0]);
	route_forget(net.tp_ns[1]);
	qsbr_barrier();
	CHECK_EQ("connections left", 0, pool_outstanding(&tcp_pool));
	return error;
}

TEST_WITH(connections_of_a_wire_survive_each_failed_allocation, .ht_flags = KEEPS,
    .ht_seconds = 60)
{
	pair_make(&net, "delay=1ms", 1500);
	CHECK_EQ("neighbours are found", 0, lives());
	fault_sweep(FAULT_MEMORY, lives);
	pair_end(&net);
}

TEST_WITH(connections_of_lo_survive_each_failed_allocation, .ht_flags = KEEPS,
    .ht_seconds = 60)
{
	pair_make_lo(&net);
	CHECK_EQ("routes are found", 0, lives());
	fault_sweep(FAULT_MEMORY, lives);
	pair_end(&net);
}
