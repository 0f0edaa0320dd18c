/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_tcp.c - what a peer can do to TCP connections, whatever state they are in
 *
 * The input is a list of records: what, which of the connections, how many bytes of
 * arguments, the arguments.  Some are calls on the socket, some are segments of its
 * peer, whose numbers count from where the connection is (so that most of them
 * are looked at and not just thrown away), some are time.  Ports tell the
 * connections apart: even ones the kernel opens, odd ones the peer does.
 *
 * After each record the structures of the connection must be sound.  In the end
 * everything is closed, the peer falls silent, and nothing may be left.
 */


#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <net/ifnet.h>
#include <net/route.h>
#include <sys/cred.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>
#include <sys/uio.h>

#include "fuzz_net.h"
#include "ip_wire.h"
#include "tcp_impl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	K_OPEN,			/* connect, or the peer's SYN with these options */
	K_SEGMENT,		/* see send_segment() */
	K_SHAKE,		/* all of the handshake, with these options */
	K_SEND,			/* octets in units of 64, flags */
	K_RECV,			/* the same */
	K_SHUTDOWN,		/* how */
	K_CLOSE,		/* seconds to linger, or not at all */
	K_OPTION,		/* name, value */
	K_ICMP,			/* type, code, MTU, distance from the number it quotes */
	K_TIME,			/* how long, in units of 10 ms, or of 1 s above 127 */
	K_LOOK,			/* options and poll */
	K_ECHO,			/* acknowledges all that was sent */
	K_N,
};

#define NCONNS		6
#define OUR_IP		0x0a000001u
#define PEER_IP		0x0a000002u
#define OUR_PORT	80
#define PEER_PORT	4000
#define PEER_ISN	0xffffff00u	/* numbers wrap soon */
#define MEMORY_MAX	(64ull << 20)
#define SILENCE		1500000		/* ms: by then every orphan has given up */

struct conn {
	struct socket	*c_so;
	uint16_t	 c_lport;
	uint32_t	 c_una;		/* the first we did not see acknowledged */
	uint32_t	 c_nxt;		/* behind the last that the kernel sent */
	uint32_t	 c_rnxt;	/* what the kernel expects */
	uint32_t	 c_tsval;	/* of the kernel */
};

static struct netns *ns;
static struct ifnet *ifp;
static struct cred *cred;
static struct socket *listener;
static struct conn conns[NCONNS];
static kmutex_t lock;			/* conns: also senders in the background */
static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static uint8_t scratch[65536];

/* --- what the kernel sends ------------------------------------------------------- */

/* Remembers where the connection is; p at its IP header. */
static void
note_sent(const struct packet *p)
{
	uint8_t b[IP_HDRLEN + TCP_MAXHDR] = { 0 };
	struct tcpseg ts = { 0 };
	struct conn *c;
	uint32_t len = p->p_len < sizeof(b) ? p->p_len : (uint32_t)sizeof(b), which, end;

	packet_copyout(p, 0, b, len);
	if (len < IP_HDRLEN || b[9] != IPPROTO_TCP ||
	    tcp_wire_header(b + IP_HDRLEN, len - IP_HDRLEN, &ts) != 0)
		return;
	tcp_wire_options(b + IP_HDRLEN, &ts);
	ts.ts_len = be16_get(b + 2) - IP_HDRLEN - ts.ts_hdrlen;
	which = (uint32_t)ts.ts_dport - PEER_PORT;
	if (which >= NCONNS || (ts.ts_flags & TH_RST) != 0)
		return;
	mutex_enter(&lock);
	c = &conns[which];
	c->c_lport = ts.ts_sport;
	end = ts.ts_seq + tcpseg_space(&ts);
	if ((ts.ts_flags & TH_SYN) != 0) {
		c->c_una = ts.ts_seq;
		c->c_nxt = end;
		c->c_rnxt = PEER_ISN + 1;
	}
	c->c_nxt = seq_max(c->c_nxt, end);
	if ((ts.ts_flags & TH_ACK) != 0)
		c->c_rnxt = ts.ts_ack;
	if ((ts.ts_opts & TO_TIMESTAMP) != 0)
		c->c_tsval = ts.ts_tsval;
	mutex_exit(&lock);
}

static void
fuzz_xmit(struct ifnet *to, struct packetq *q)
{
	struct packet *p;

	(void)to;
	while ((p = packetq_get(q)) != NULL) {
		packet_skip(p, ETH_HLEN);
		if (p->p_ethertype == ETH_P_IP)
			note_sent(p);
		packet_free(p);
	}
}

static const struct if_ops fuzz_ops = { .ifo_xmit = fuzz_xmit, .ifo_kind = "fuzz" };

/* --- the kernel -------------------------------------------------------------------- */

static struct socket *
socket_make(void)
{
	struct socket *so;

	need(socket_create(ns, AF_INET, SOCK_STREAM, IPPROTO_TCP, cred, true, &so) == 0,
	    "socket");
	return so;
}

static void
interface_make(void)
{
	struct ifaddr model = {
		.ifa_family = AF_INET, .ifa_addr = { .ia_w = { net32(OUR_IP) } },
		.ifa_peer = { .ia_w = { net32(OUR_IP) } }, .ifa_plen = 24,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
		.ifa_flags = IFA_F_PERMANENT,
	};
	struct neigh_info ni = { .ni_family = AF_INET, .ni_addr = { .ia_w = { net32(PEER_IP) } },
		.ni_addrlen = 6, .ni_state = NUD_PERMANENT };

	fuzz_interface(ns, &fuzz_ops, &ifp);
	fuzz_up(ns, ifp);
	ni.ni_ifindex = ifp->if_index;
	memcpy(ni.ni_lladdr, peer_mac, 6);
	mutex_enter(&ns->ns_lock);
	need(ifaddr_add(ifp, &model, NULL) == 0, "address");
	need(neigh_set(ifp, &ni, NLM_F_CREATE | NLM_F_REPLACE) == 0, "neighbour");
	mutex_exit(&ns->ns_lock);
}

static void
start(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = net16(OUR_PORT) };

	fuzz_boot(&ns);
	mutex_init(&lock, "fuzzconns");
	need(cred_create(0, 0, 0, NULL, &cred) == 0, "cred");
	need(netvar_set(ns, &tcpvar_fastopen, 3) == 0, "setting");
	interface_make();
	listener = socket_make();
	need(tcp_sockops.so_bind(listener, (struct sockaddr *)&sin, sizeof(sin)) == 0, "bind");
	need(tcp_sockops.so_listen(listener, NCONNS) == 0, "listen");
	fuzz_wait(5000);
}

/* --- segments ------------------------------------------------------------------------ */

static void
ip_send(uint8_t proto, uint8_t tos, const uint8_t *data, size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_from(data, len, 0);
	struct ip_hdr ih = {
		.ih_hdrlen = IP_HDRLEN, .ih_ttl = 2, .ih_proto = proto, .ih_tos = tos,
		.ih_len = (uint16_t)(IP_HDRLEN + len),
		.ih_src = { .ia_w = { net32(PEER_IP) } },
		.ih_dst = { .ia_w = { net32(OUR_IP) } },
	};
	uint8_t *h;

	if (p == NULL)
		return;
	ip_hdr_build(packet_push(p, IP_HDRLEN), &ih);
	h = packet_push(p, ETH_HLEN);
	memcpy(h, fuzz_mac, 6);
	memcpy(h + 6, peer_mac, 6);
	be16_put(h + 12, ETH_P_IP);
	p->p_ifp = ifp;
	packetq_put(&q, p);
	if_input(ifp, &q);
}

/* Header, raw options and text that is in scratch already, from TCP_MAXHDR on. */
static void
tcp_send_raw(const struct conn *c, struct tcpseg *ts, const uint8_t *opt, size_t optlen,
    bool spoiled)
{
	uint8_t pseudo[12], *b = scratch + TCP_MAXHDR;
	size_t built, len;
	uint16_t sum;

	ts->ts_sport = (uint16_t)(PEER_PORT + (c - conns));
	ts->ts_dport = c->c_lport;
	built = tcp_wire_length(ts);
	if (optlen > TCP_MAXHDR - built)
		optlen = TCP_MAXHDR - built;
	optlen &= ~(size_t)3;
	b -= built + optlen;
	tcp_wire_build(b, ts);
	if (optlen != 0)
		memcpy(b + built, opt, optlen);
	b[12] = (uint8_t)((built + optlen) / 4 << 4);
	len = built + optlen + ts->ts_len;
	be32_put(pseudo, PEER_IP);
	be32_put(pseudo + 4, OUR_IP);
	be16_put(pseudo + 8, IPPROTO_TCP);
	be16_put(pseudo + 10, (uint16_t)len);
	sum = packet_sum_fold(packet_sum_bytes(b, len, packet_sum_bytes(pseudo, 12, 0)));
	if (spoiled)
		sum ^= 0x0101;
	memcpy(b + 16, &sum, 2);
	ip_send(IPPROTO_TCP, spoiled ? 0 : (uint8_t)(ts->ts_urp & 3), b, len);
}

/*
 * Arguments: flags, mode, then 16 bits each: distance of SEQ from what is expected, of
 * ACK from what was sent, window, urgent pointer; length of the options, options, text.
 * Mode: 1 distances are in units of 64 KiB, 2 with a good timestamp, 4 the options
 * are SACK blocks as pairs of distances, 8 spoiled; the rest: more text, in units of 100.
 */
static void
send_segment(const struct conn *c, const uint8_t *d, size_t len)
{
	struct tcpseg ts = { 0 };
	unsigned int shift, optlen;

	if (len < 11)
		return;
	shift = (d[1] & 1) != 0 ? 16 : 0;
	ts.ts_flags = d[0];
	ts.ts_seq = c->c_rnxt + ((uint32_t)(int32_t)(int16_t)be16_get(d + 2) << shift);
	ts.ts_ack = c->c_nxt + ((uint32_t)(int32_t)(int16_t)be16_get(d + 4) << shift);
	ts.ts_wnd = be16_get(d + 6);
	ts.ts_urp = be16_get(d + 8);
	if ((d[1] & 2) != 0) {
		ts.ts_opts |= TO_TIMESTAMP;
		ts.ts_tsval = 1000 + (uint32_t)(clock_mono() / 1000000);
		ts.ts_tsecr = c->c_tsval;
	}
	optlen = d[10] % 41;
	if (optlen > len - 11)
		optlen = (unsigned int)len - 11;
	if ((d[1] & 4) != 0) {
		ts.ts_opts |= TO_SACK;
		for (; ts.ts_nsack < 3 && ts.ts_nsack * 4u + 4 <= optlen; ts.ts_nsack++) {
			ts.ts_sack[ts.ts_nsack].sb_start = c->c_una +
			    be16_get(d + 11 + ts.ts_nsack * 4);
			ts.ts_sack[ts.ts_nsack].sb_end = c->c_una +
			    be16_get(d + 13 + ts.ts_nsack * 4);
		}
	}
	ts.ts_len = (uint32_t)(len - 11 - optlen) + (d[1] >> 4) * 100u;
	memset(scratch + TCP_MAXHDR, d[0], ts.ts_len);
	memcpy(scratch + TCP_MAXHDR, d + 11 + optlen, len - 11 - optlen);
	tcp_send_raw(c, &ts, d + 11, (d[1] & 4) != 0 ? 0 : optlen, (d[1] & 8) != 0);
}

static void
send_plain(const struct conn *c, uint8_t flags, uint32_t seq, uint32_t ack, const uint8_t *opt,
    size_t optlen)
{
	struct tcpseg ts = { .ts_flags = flags, .ts_seq = seq, .ts_ack = ack, .ts_wnd = 65000 };

	tcp_send_raw(c, &ts, opt, optlen, false);
}

/* An error about what the kernel sent. */
static void
send_icmp(const struct conn *c, const uint8_t *d, size_t len)
{
	uint8_t b[8 + IP_HDRLEN + 8] = { 0 };
	struct ip_hdr ih = {
		.ih_hdrlen = IP_HDRLEN, .ih_ttl = 2, .ih_len = 100, .ih_proto = IPPROTO_TCP,
		.ih_src = { .ia_w = { net32(OUR_IP) } },
		.ih_dst = { .ia_w = { net32(PEER_IP) } },
	};
	uint16_t sum;

	if (len < 6)
		return;
	b[0] = d[0];
	b[1] = d[1];
	be16_put(b + 6, be16_get(d + 2));
	ip_hdr_build(b + 8, &ih);
	be16_put(b + 28, c->c_lport);
	be16_put(b + 30, (uint16_t)(PEER_PORT + (c - conns)));
	be32_put(b + 32, c->c_una + be16_get(d + 4));
	sum = packet_sum_fold(packet_sum_bytes(b, sizeof(b), 0));
	memcpy(b + 2, &sum, 2);
	ip_send(IPPROTO_ICMP, 0, b, sizeof(b));
}

/* --- calls ----------------------------------------------------------------------------- */

static bool
by_peer(const struct conn *c)
{
	return ((c - conns) & 1) != 0;
}

static void
conn_close(struct conn *c, int linger)
{
	if (c->c_so == NULL)
		return;
	mutex_enter(&c->c_so->so_lock);
	c->c_so->so_linger = linger;
	mutex_exit(&c->c_so->so_lock);
	tcp_sockops.so_close(c->c_so);
	socket_rele(c->c_so);
	c->c_so = NULL;
}

/* Gives those who wait in the listener's queue to their connections. */
static void
accept_all(void)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct conn *c;
	socklen_t len;
	uint32_t which;

	while (tcp_sockops.so_accept(listener, true, &so) == 0) {
		struct conn other = { .c_so = so };

		which = NCONNS;
		if (tcp_sockops.so_name(so, true, &ss, &len) == 0)
			which = (uint32_t)net16(((struct sockaddr_in *)&ss)->sin_port) - PEER_PORT;
		c = which < NCONNS ? &conns[which] : &other;
		if (c != &other) {
			conn_close(c, -1);
			c->c_so = so;
		} else
			conn_close(c, 0);
	}
}

static void
conn_open(struct conn *c, const uint8_t *d, size_t len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = net16((uint16_t)(PEER_PORT + (c - conns))),
		.sin_addr = { net32(PEER_IP) } };

	if (by_peer(c)) {
		c->c_lport = OUR_PORT;
		send_plain(c, TH_SYN, PEER_ISN, 0, d, len);
		return;
	}
	if (c->c_so != NULL)
		conn_close(c, -1);
	c->c_so = socket_make();
	(void)tcp_sockops.so_connect(c->c_so, (struct sockaddr *)&sin, sizeof(sin), true);
}

static void
conn_shake(struct conn *c, const uint8_t *d, size_t len)
{
	conn_open(c, d, len);
	if (!by_peer(c))
		send_plain(c, TH_SYN | TH_ACK, PEER_ISN, c->c_nxt, d, len);
	else
		send_plain(c, TH_ACK, PEER_ISN + 1, c->c_nxt, NULL, 0);
	c->c_una = c->c_nxt;
}

static void
conn_move(struct conn *c, bool send, const uint8_t *d, size_t len)
{
	static uint8_t buf[255 * 64];
	struct rumpuser_iov iov;
	struct uio uio;
	struct sockmsg sm = { .sm_uio = &uio, .sm_flags = MSG_DONTWAIT };
	size_t done;

	if (len < 2 || c->c_so == NULL)
		return;
	if ((d[1] & 1) != 0)
		sm.sm_flags |= MSG_OOB;
	if ((d[1] & 2) != 0)
		sm.sm_flags |= send ? MSG_MORE : MSG_PEEK;
	if ((d[1] & 4) != 0 && !send)
		sm.sm_flags |= MSG_TRUNC;
	uio_init_buf(&uio, &iov, buf, d[0] * 64u, 0, send ? UIO_WRITE : UIO_READ, UIO_KERNEL);
	if (send)
		(void)tcp_sockops.so_send(c->c_so, &sm, &done);
	else
		(void)tcp_sockops.so_recv(c->c_so, &sm, &done);
}

static void
conn_option(struct conn *c, const uint8_t *d, size_t len)
{
	int val;

	if (len < 3 || c->c_so == NULL)
		return;
	val = (int16_t)be16_get(d + 1);
	(void)tcp_sockops.so_setopt(c->c_so, SOL_TCP, d[0] % 48, &val, sizeof(val));
}

static void
conn_look(struct conn *c, const uint8_t *d, size_t len)
{
	socklen_t room = len > 1 ? d[1] : 255;

	if (len < 1 || c->c_so == NULL)
		return;
	(void)tcp_sockops.so_getopt(c->c_so, SOL_TCP, d[0] % 48, scratch, &room);
	mutex_enter(&c->c_so->so_lock);
	(void)tcp_sockops.so_poll(c->c_so);
	mutex_exit(&c->c_so->so_lock);
}

/* --- records ---------------------------------------------------------------------------- */

static void
check(const struct conn *c)
{
	struct tcpcb *tp;

	if (c->c_so == NULL)
		return;
	mutex_enter(&c->c_so->so_lock);
	tp = tcpcb_of(c->c_so);
	need(board_ok(&tp->t_board), "scoreboard");
	need(sndbuf_ok(&tp->t_snd), "send buffer");
	need(reass_ok(&tp->t_reass), "reassembly");
	need(seq_le(tp->t_una, tp->t_nxt), "send sequence space");
	mutex_exit(&c->c_so->so_lock);
}

static void
record(unsigned int kind, struct conn *c, const uint8_t *d, size_t len)
{
	switch (kind % K_N) {
	case K_OPEN:
		conn_open(c, d, len);
		break;
	case K_SEGMENT:
		send_segment(c, d, len);
		break;
	case K_SHAKE:
		conn_shake(c, d, len);
		break;
	case K_SEND:
	case K_RECV:
		conn_move(c, kind % K_N == K_SEND, d, len);
		break;
	case K_SHUTDOWN:
		if (c->c_so != NULL)
			(void)tcp_sockops.so_shutdown(c->c_so, len == 0 ? SHUT_WR : d[0] % 3);
		break;
	case K_CLOSE:
		conn_close(c, len == 0 ? -1 : d[0] % 4);
		break;
	case K_OPTION:
		conn_option(c, d, len);
		break;
	case K_ICMP:
		send_icmp(c, d, len);
		break;
	case K_TIME:
		fuzz_wait(len == 0 ? 1 : d[0] < 128 ? d[0] * 10 : (d[0] - 127) * 1000);
		break;
	case K_LOOK:
		conn_look(c, d, len);
		break;
	case K_ECHO:
		send_plain(c, TH_ACK, c->c_rnxt, c->c_nxt, d, len);
		c->c_una = c->c_nxt;
		break;
	}
}

/* The peer is dead: nothing is left after a while, but the listener. */
static void
finish(void)
{
	struct kmem_stats st;

	accept_all();
	for (struct conn *c = conns; c < conns + NCONNS; c++)
		conn_close(c, -1);
	kmem_getstats(&st);
	need(st.ks_pages < MEMORY_MAX, "memory is bounded");
	fuzz_wait(SILENCE);
	qsbr_barrier();
	need(pool_outstanding(&tcp_pool) == 1, "connections end");
	memset(conns, 0, sizeof(conns));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct conn *c;
	size_t len;

	if (!started)
		start();
	started = true;
	while (size >= 3) {
		c = &conns[data[1] % NCONNS];
		len = data[2];
		if (len > size - 3)
			len = size - 3;
		record(data[0], c, data + 3, len);
		accept_all();
		check(c);
		data += 3 + len;
		size -= 3 + len;
	}
	finish();
	return 0;
}
