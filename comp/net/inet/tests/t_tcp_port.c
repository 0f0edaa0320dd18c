/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_port.c - ports of connections: given away, waited for, used again, kept
 *
 * A name space has few ports to give away, so that they run out soon.  Each connection
 * is closed by its client first, which leaves its port in TIME-WAIT.
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/tcp.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>

#include "inpcb_impl.h"
#include "tcp_impl.h"
#include "tcp_pair.h"

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS | HARNESS_POOLS)
#define LOW	40000u
#define PORTS	500u

static struct tcp_pair net;
static struct socket *lso;

static struct socket *
make(int side)
{
	struct socket *so;

	NEED(socket_create(net.tp_ns[side], AF_INET, SOCK_STREAM, IPPROTO_TCP,
	    (struct cred *)(uintptr_t)curcred(), true, &so) == 0);
	return so;
}

static void
drop(struct socket *so)
{
	tcp_sockops.so_close(so);
	socket_rele(so);
}

static void
begin(void)
{
	struct sockaddr_in sin = pair_address(&net, 1);

	NEED(inpcb_setportrange(net.tp_ns[0], LOW, LOW + PORTS - 1) == 0);
	lso = make(1);
	NEED(tcp_sockops.so_bind(lso, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	NEED(tcp_sockops.so_listen(lso, 16) == 0);
}

static void
end(void)
{
	drop(lso);
	pair_pause(200 * NSEC_PER_SEC);
	pair_end(&net);
}

static int
connect_to(struct socket *so, unsigned int off)
{
	struct sockaddr_in sin = pair_address(&net, 1);

	sin.sin_port = net16((uint16_t)(PAIR_PORT + off));
	return tcp_sockops.so_connect(so, (struct sockaddr *)&sin, sizeof(sin), false);
}

static int
bind_to(struct socket *so, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = net16(port) };

	return tcp_sockops.so_bind(so, (struct sockaddr *)&sin, sizeof(sin));
}

static uint16_t
port_of(struct socket *so)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct sockaddr_in sin;

	NEED(tcp_sockops.so_name(so, false, &ss, &len) == 0);
	memcpy(&sin, &ss, sizeof(sin));
	return net16(sin.sin_port);
}

/* A connection, an octet, the end.  The client's is the first FIN. */
static int
one(struct socket *so)
{
	struct rumpuser_iov iov;
	struct uio uio;
	struct sockmsg sm = { .sm_uio = &uio };
	struct socket *b;
	uint8_t octet = 'x';
	size_t done = 0;
	int error;

	error = connect_to(so, 0);
	if (error) {
		drop(so);
		return error;
	}
	NEED(CHECK_EQ("accept", 0, tcp_sockops.so_accept(lso, false, &b)));
	uio_init_buf(&uio, &iov, &octet, 1, 0, UIO_WRITE, UIO_KERNEL);
	CHECK_EQ("send", 0, tcp_sockops.so_send(so, &sm, &done));
	uio_init_buf(&uio, &iov, &octet, 1, 0, UIO_READ, UIO_KERNEL);
	CHECK_EQ("recv", 0, tcp_sockops.so_recv(b, &sm, &done));
	CHECK_EQ("octets", 1, done);
	CHECK_EQ("octet", 'x', octet);
	drop(so);
	drop(b);
	return 0;
}

/* As many as go, up to most; *ret_error: why not more. */
static unsigned int
many(unsigned int most, int *ret_error)
{
	unsigned int n = 0;

	*ret_error = 0;
	while (n < most && (*ret_error = one(make(0))) == 0)
		n++;
	return n;
}

static void
set(const struct netvar *nv, int value)
{
	NEED(netvar_set(net.tp_ns[0], nv, value) == 0);
}

/* --- given away --------------------------------------------------------------------------- */

TEST_WITH(each_port_of_the_range_is_used_before_there_is_none, .ht_flags = KEEPS)
{
	int error;

	pair_make_lo(&net);
	begin();
	set(&tcpvar_tw_reuse, 0);
	CHECK_EQ("connections", PORTS, many(PORTS + 1, &error));
	CHECK_EQ("no more", EADDRNOTAVAIL, error);
	pair_pause(61 * NSEC_PER_SEC);
	CHECK_EQ("a minute later", PORTS, many(PORTS, &error));
	end();
}

TEST_WITH(bind_leaves_ports_in_time_wait_alone, .ht_flags = KEEPS)
{
	struct socket *so[PORTS / 2];
	int error;

	pair_make_lo(&net);
	begin();
	set(&tcpvar_tw_reuse, 0);
	CHECK_EQ("connections", PORTS - PORTS / 2, many(PORTS - PORTS / 2, &error));
	for (unsigned int i = 0; i < PORTS / 2; i++) {
		so[i] = make(0);
		CHECK_EQ("bind", 0, bind_to(so[i], 0));
	}
	for (unsigned int i = 0; i < PORTS / 2; i++)
		drop(so[i]);
	CHECK_EQ("connections", PORTS / 2, many(PORTS, &error));
	so[0] = make(0);
	CHECK_EQ("all wait", EADDRINUSE, bind_to(so[0], 0));
	so[0]->so_options |= SOO_REUSEADDR;
	CHECK_EQ("one that does not care", 0, bind_to(so[0], 0));
	drop(so[0]);
	end();
}

/* --- used again --------------------------------------------------------------------------- */

TEST_WITH(timestamps_let_a_port_be_used_again, .ht_flags = KEEPS)
{
	uint64_t before = tcp_stat_read(TCPSTAT_TWRECYCLED);
	int error;

	pair_make_lo(&net);
	begin();
	CHECK_EQ("connections", PORTS, many(PORTS, &error));
	CHECK_EQ("too early", 0, many(1, &error));
	CHECK_EQ("why", EADDRNOTAVAIL, error);
	for (int i = 0; i < 5; i++) {
		pair_pause(NSEC_PER_SEC + NSEC_PER_SEC / 10);
		CHECK_EQ("again", PORTS, many(PORTS, &error));
	}
	CHECK_EQ("taken over", 5 * PORTS, tcp_stat_read(TCPSTAT_TWRECYCLED) - before);
	/* Without them nothing tells old segments from new ones. */
	set(&tcpvar_timestamps, 0);
	pair_pause(61 * NSEC_PER_SEC);
	CHECK_EQ("without", PORTS, many(PORTS, &error));
	pair_pause(2 * NSEC_PER_SEC);
	CHECK_EQ("no more", 0, many(1, &error));
	end();
}

TEST_WITH(over_a_wire_ports_are_used_again_if_one_asks_for_it, .ht_flags = KEEPS)
{
	int error;

	pair_make(&net, "delay=100us", 1500);
	begin();
	CHECK_EQ("connections", PORTS, many(PORTS, &error));
	pair_pause(2 * NSEC_PER_SEC);
	CHECK_EQ("2: of loopbacks only", 0, many(1, &error));
	set(&tcpvar_tw_reuse, 1);
	CHECK_EQ("1: all", PORTS, many(PORTS, &error));
	end();
}

/* --- kept ------------------------------------------------------------------------------------ */

TEST_WITH(a_bound_port_is_kept_while_connections_fail, .ht_flags = KEEPS)
{
	struct socket *so, *other;

	pair_make_lo(&net);
	begin();
	so = make(0);
	other = make(0);
	CHECK_EQ("bind", 0, bind_to(so, 4000));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ("refused", ECONNREFUSED, connect_to(so, 1));
		CHECK_EQ("port", 4000, port_of(so));
		CHECK_EQ("in use", EADDRINUSE, bind_to(other, 4000));
	}
	CHECK_EQ("served", 0, connect_to(so, 0));
	CHECK_EQ("port", 4000, port_of(so));
	CHECK_EQ("in use", EADDRINUSE, bind_to(other, 4000));
	so->so_linger = 0;
	drop(so);
	CHECK_EQ("free", 0, bind_to(other, 4000));
	drop(other);
	end();
}

TEST_WITH(a_port_that_listened_is_kept_too, .ht_flags = KEEPS)
{
	struct socket *so, *other;

	pair_make_lo(&net);
	begin();
	so = make(0);
	other = make(0);
	CHECK_EQ("bind", 0, bind_to(so, 4000));
	CHECK_EQ("listen", 0, tcp_sockops.so_listen(so, 1));
	CHECK_EQ("shutdown", 0, tcp_sockops.so_shutdown(so, SHUT_RD));
	CHECK_EQ("in use", EADDRINUSE, bind_to(other, 4000));
	CHECK_EQ("listen", 0, tcp_sockops.so_listen(so, 1));
	CHECK_EQ("port", 4000, port_of(so));
	drop(so);
	CHECK_EQ("free", 0, bind_to(other, 4000));
	drop(other);
	end();
}

/* The segments come by lo, which does not have the address. */
TEST_WITH(one_is_refused_at_ones_own_address, .ht_flags = KEEPS)
{
	struct socket *so;

	pair_make(&net, "", 1500);
	mutex_enter(&net.tp_ns[1]->ns_lock);
	NEED(if_setflags(net.tp_ns[1]->ns_lo, IFF_UP, IFF_UP) == 0);
	mutex_exit(&net.tp_ns[1]->ns_lock);
	begin();
	so = make(1);
	CHECK_EQ("refused", ECONNREFUSED, connect_to(so, 1));
	CHECK_EQ("served", 0, connect_to(so, 0));
	drop(so);
	end();
}

TEST_WITH(a_port_nobody_asked_for_is_not_kept, .ht_flags = KEEPS)
{
	struct socket *so, *other;
	uint16_t port;

	pair_make_lo(&net);
	begin();
	so = make(0);
	other = make(0);
	CHECK_EQ("refused", ECONNREFUSED, connect_to(so, 1));
	port = port_of(so);
	CHECK(port >= LOW && port < LOW + PORTS);
	CHECK_EQ("free", 0, bind_to(other, port));
	/* It may be bound as if it were new, and serve anybody. */
	CHECK_EQ("bind", 0, bind_to(so, 4001));
	CHECK_EQ("listen", 0, tcp_sockops.so_listen(so, 1));
	CHECK_EQ("port", 4001, port_of(so));
	CHECK_EQ("served", 0, connect_to(other, 4001 - PAIR_PORT));
	CHECK_EQ("port", port, port_of(other));
	drop(so);
	drop(other);
	end();
}
