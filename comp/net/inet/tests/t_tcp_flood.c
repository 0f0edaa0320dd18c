/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_flood.c - a peer that wants memory gets some, and no more
 *
 * Floods of SYNs, of segments with holes between them, of ACKs for what was never
 * sent, and windows that open an octet at a time.  What the kernel holds meanwhile is
 * measured; what an honest peer needs still works afterwards.
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <net/netns.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/qsbr.h>

#include "ip_wire.h"
#include "tcp_impl.h"
#include "testif.h"

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS | HARNESS_POOLS)
#define PORT	80
#define OTHER	(TESTIF_PEER + 1)
#define ISN	5000u

static struct testif ti;
static struct netns *ns;
static struct socket *lso;

static void
neighbour(uint32_t addr)
{
	struct neigh_info ni = {
		.ni_family = AF_INET, .ni_addr = { .ia_w = { net32(addr) } },
		.ni_addrlen = 6, .ni_state = NUD_PERMANENT, .ni_ifindex = ti.ti_ifp->if_index,
		.ni_lladdr = { 2, 0, 0, 0, 0, 2 },
	};

	mutex_enter(&ns->ns_lock);
	NEED(neigh_set(ti.ti_ifp, &ni, NLM_F_CREATE | NLM_F_REPLACE) == 0);
	mutex_exit(&ns->ns_lock);
}

static void
server(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = net16(PORT) };

	NEED(netns_create(&ns) == 0);
	testif_create(&ti, ns, "test0");
	neighbour(OTHER);
	NEED(socket_create(ns, AF_INET, SOCK_STREAM, IPPROTO_TCP,
	    (struct cred *)(uintptr_t)curcred(), true, &lso) == 0);
	NEED(tcp_sockops.so_bind(lso, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	NEED(tcp_sockops.so_listen(lso, 64) == 0);
	testif_drop(&ti);
}

static uint64_t
memory(void)
{
	struct kmem_stats st;

	kmem_getstats(&st);
	return st.ks_pages;
}

/* --- the peer ------------------------------------------------------------------------ */

static void
from_peer(uint32_t src, struct tcpseg *ts, const void *text)
{
	static uint8_t b[2048], ip[2100];
	struct ip4 i = { .i_src = src, .i_proto = IPPROTO_TCP };
	uint8_t pseudo[12];
	size_t len;
	uint16_t sum;

	ts->ts_dport = PORT;
	tcp_wire_build(b, ts);
	if (ts->ts_len > 0)
		memcpy(b + ts->ts_hdrlen, text, ts->ts_len);
	len = ts->ts_hdrlen + ts->ts_len;
	be32_put(pseudo, src);
	be32_put(pseudo + 4, TESTIF_OURS);
	be16_put(pseudo + 8, IPPROTO_TCP);
	be16_put(pseudo + 10, (uint16_t)len);
	sum = packet_sum_fold(packet_sum_bytes(b, len, packet_sum_bytes(pseudo, 12, 0)));
	memcpy(b + 16, &sum, 2);
	testif_inject(&ti, 0x0800, ip, ip4_build(ip, &i, b, len));
}

/* The next segment that was sent to this port; false: none. */
static bool
to_peer(uint16_t port, struct tcpseg *ts)
{
	uint8_t b[IP_HDRLEN + TCP_MAXHDR];
	struct packet *p;
	size_t len;

	while ((p = testif_take_type(&ti, 0x0800)) != NULL) {
		memset(ts, 0, sizeof(*ts));
		len = packet_bytes(p, b, sizeof(b));
		packet_free(p);
		if (len < IP_HDRLEN + TCP_HDRLEN || b[9] != IPPROTO_TCP)
			continue;
		NEED(tcp_wire_header(b + IP_HDRLEN, len - IP_HDRLEN, ts) == 0);
		ts->ts_len = be16_get(b + 2) - (uint32_t)IP_HDRLEN - ts->ts_hdrlen;
		if (ts->ts_dport == port)
			return true;
	}
	return false;
}

static void
syn(uint32_t src, uint16_t port, uint32_t seq)
{
	struct tcpseg ts = { .ts_flags = TH_SYN, .ts_sport = port, .ts_seq = seq,
		.ts_wnd = 1000, .ts_opts = TO_MSS, .ts_mss = 1000 };

	from_peer(src, &ts, NULL);
}

static void
ack(uint16_t port, uint32_t seq, uint32_t number, uint16_t window, uint32_t len)
{
	static const uint8_t text[1000];
	struct tcpseg ts = { .ts_flags = TH_ACK, .ts_sport = port, .ts_seq = seq,
		.ts_ack = number, .ts_wnd = window, .ts_len = len };

	from_peer(TESTIF_PEER, &ts, text);
}

/* All of the handshake; *ret_nxt: what the kernel sends next. */
static struct socket *
connection_from(uint32_t src, uint16_t port, uint32_t *ret_nxt)
{
	struct tcpseg ts, last = { .ts_flags = TH_ACK, .ts_sport = port, .ts_seq = ISN + 1,
		.ts_wnd = 1000 };
	struct socket *so;

	testif_drop(&ti);
	syn(src, port, ISN);
	NEED(to_peer(port, &ts) && ts.ts_flags == (TH_SYN | TH_ACK) && ts.ts_ack == ISN + 1);
	*ret_nxt = last.ts_ack = ts.ts_seq + 1;
	from_peer(src, &last, NULL);
	NEED(CHECK_EQ("accept", 0, tcp_sockops.so_accept(lso, true, &so)));
	testif_drop(&ti);
	return so;
}

static struct socket *
connection(uint16_t port, uint32_t *ret_nxt)
{
	return connection_from(TESTIF_PEER, port, ret_nxt);
}

static size_t
write_all(struct socket *so)
{
	static uint8_t buf[16384];
	size_t sum = 0, done;

	for (;;) {
		struct rumpuser_iov iov;
		struct uio uio;
		struct sockmsg sm = { .sm_uio = &uio, .sm_flags = MSG_DONTWAIT };

		uio_init_buf(&uio, &iov, buf, sizeof(buf), 0, UIO_WRITE, UIO_KERNEL);
		done = 0;
		if (tcp_sockops.so_send(so, &sm, &done) != 0 || done == 0)
			return sum;
		sum += done;
	}
}

static void
drop(struct socket *so)
{
	mutex_enter(&so->so_lock);
	so->so_linger = 0;
	mutex_exit(&so->so_lock);
	tcp_sockops.so_close(so);
	socket_rele(so);
}

/* --- floods --------------------------------------------------------------------------- */

TEST_WITH(a_hundred_thousand_syns, .ht_flags = KEEPS, .ht_seconds = 120)
{
	uint64_t before, most = 0, cookies;
	uint32_t nxt;

	server();
	before = memory();
	for (uint32_t i = 0; i < 100000; i++) {
		syn((i & 1) != 0 ? TESTIF_PEER : OTHER, (uint16_t)(1 + i / 2), i * 77);
		if (i % 100 == 99) {
			testif_drop(&ti);
			most = memory() > most ? memory() : most;
		}
	}
	cookies = tcp_stat_read(TCPSTAT_SYNCOOKIESSENT);
	harness_note("%d KiB, %d cookies", (int)((most - before) >> 10), (int)cookies);
	CHECK(most - before < 2 << 20);
	CHECK(cookies > 90000);
	/* Somebody who means it. */
	drop(connection(60000, &nxt));
	CHECK_EQ("by a cookie", 1, tcp_stat_read(TCPSTAT_SYNCOOKIESRECV));
	test_sleep(200 * NSEC_PER_SEC);
	qsbr_barrier();
	testif_drop(&ti);
	CHECK_EQ("connections", 1, pool_outstanding(&tcp_pool));
}

/* An octet here, an octet there: each takes a packet's memory. */
TEST_WITH(a_flood_of_holes, .ht_flags = KEEPS, .ht_seconds = 120)
{
	uint64_t before, most = 0;
	struct tcpcb *tp;
	struct socket *so;
	uint32_t nxt, held = 0;

	server();
	so = connection(1000, &nxt);
	tp = tcpcb_of(so);
	before = memory();
	for (uint32_t i = 0; i < 60000; i++) {
		ack(1000, ISN + 3 + i % 25000 * 2, nxt, 1000, 1);
		if (i % 100 != 99)
			continue;
		testif_drop(&ti);
		most = memory() > most ? memory() : most;
		held = tp->t_reass.re_mem + so->so_rcv.sb_mem > held ?
		    tp->t_reass.re_mem + so->so_rcv.sb_mem : held;
	}
	harness_note("%d KiB, %u charged, %u allowed", (int)((most - before) >> 10), held,
	    so->so_rcv.sb_hiwat);
	CHECK(held > 0 && held <= so->so_rcv.sb_hiwat + so->so_rcv.sb_hiwat / 2);
	CHECK(most - before < 3ull * so->so_rcv.sb_hiwat + (1 << 20));
	/* What comes in order is taken all the same. */
	ack(1000, ISN + 1, nxt, 1000, 1000);
	mutex_enter(&so->so_lock);
	CHECK(tcp_readable(tp) >= 1000);
	mutex_exit(&so->so_lock);
	drop(so);
}

/* ACKs for what was never sent: no window grows by them, nothing is taken for delivered. */
TEST_WITH(acks_ahead_of_the_data, .ht_flags = KEEPS)
{
	struct tcpcb *tp;
	struct tcpseg ts;
	struct socket *so;
	uint32_t nxt, una, cwnd, answers = 0;

	server();
	so = connection(1000, &nxt);
	tp = tcpcb_of(so);
	CHECK(write_all(so) > 0);
	testif_drop(&ti);
	una = tp->t_una;
	cwnd = tp->t_cc.cc_cwnd;
	CHECK_EQ("nothing acknowledged yet", nxt, una);
	for (uint32_t i = 0; i < 10000; i++)
		ack(1000, ISN + 1, tp->t_nxt + 1 + i * 100, 65535, 0);
	CHECK_EQ("acknowledged", una, tp->t_una);
	CHECK_EQ("cwnd", cwnd, tp->t_cc.cc_cwnd);
	while (to_peer(1000, &ts))
		answers++;
	harness_note("%u answers", answers);
	CHECK(answers < 2000);		/* RFC 5961 section 7: they are limited */
	drop(so);
}

TEST_WITH(windows_of_an_octet, .ht_flags = KEEPS)
{
	uint64_t before;
	struct tcpcb *tp;
	struct tcpseg ts;
	struct socket *so;
	uint32_t nxt, sent = 0;
	size_t wrote;

	server();
	so = connection(1000, &nxt);
	tp = tcpcb_of(so);
	before = memory();
	wrote = write_all(so);
	for (unsigned int i = 0; i < 500; i++) {
		ack(1000, ISN + 1, tp->t_nxt, (uint16_t)(1 + i % 3), 0);
		while (to_peer(1000, &ts))
			sent++;
		test_sleep(NSEC_PER_SEC / 10);
	}
	harness_note("%u segments, %d KiB for %d", sent, (int)((memory() - before) >> 10),
	    (int)wrote);
	/* RFC 9293 section 3.8.6.2.1: not each window makes a segment. */
	CHECK(sent > 0 && sent < 500);
	CHECK(memory() - before < 3 * wrote + (1 << 20));
	/* The window opens, and everything goes. */
	for (unsigned int i = 0; i < 100000 && tp->t_una != sndbuf_end(&tp->t_snd); i++) {
		ack(1000, ISN + 1, tp->t_nxt, 65535, 0);
		testif_drop(&ti);
	}
	CHECK_EQ("arrived", wrote, tp->t_una - nxt);
	drop(so);
}

/* --- many ------------------------------------------------------------------------------ */

#define MANY	100000u

/* The file and the socket are counted, the slot of a descriptor (8 octets) is not. */
TEST_WITH(a_hundred_thousand_idle_connections, .ht_flags = KEEPS, .ht_seconds = 120)
{
	struct file **fp = kmem_alloc(MANY * sizeof(fp[0]), KM_SLEEP);
	uint64_t before, each;
	uint32_t nxt;

	NEED(fp != NULL);
	server();
	before = memory();
	for (uint32_t i = 0; i < MANY; i++) {
		struct socket *so = connection_from((i & 1) != 0 ? TESTIF_PEER : OTHER,
		    (uint16_t)(1 + i / 2), &nxt);

		NEED(socket_file(so, O_RDWR, &fp[i]) == 0);
	}
	testif_drop(&ti);
	each = (memory() - before) / MANY;
	harness_note("%d octets each", (int)each);
	CHECK(each > sizeof(struct tcpcb) + sizeof(struct socket));
	CHECK(each < 2048);
	/* The last of them still works. */
	ack((uint16_t)(MANY / 2), ISN + 1, nxt, 1000, 10);
	mutex_enter(&socket_fromfile(fp[MANY - 1])->so_lock);
	CHECK_EQ("octets", 10, tcp_readable(tcpcb_of(socket_fromfile(fp[MANY - 1]))));
	mutex_exit(&socket_fromfile(fp[MANY - 1])->so_lock);
	for (uint32_t i = 0; i < MANY; i++) {
		socket_fromfile(fp[i])->so_linger = 0;
		file_rele(fp[i]);
		if (i % 1000 == 0)
			testif_drop(&ti);
	}
	testif_drop(&ti);
	qsbr_barrier();
	CHECK_EQ("connections left", 1, pool_outstanding(&tcp_pool));
	kmem_free(fp, MANY * sizeof(fp[0]));
}
