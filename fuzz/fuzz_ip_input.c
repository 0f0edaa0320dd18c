/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ip_input.c - what a link can do to a host that speaks IPv4
 *
 * The input is a list of records: a byte for the kind, one for the length in units of 4,
 * and the bytes.  Each becomes a frame to a host in a booted kernel, with as much
 * put right as the kind says (addresses, lengths, checksums), or is time that
 * passes.  The host is a router with sockets of all kinds and a multicast group.
 * Nothing may crash, and what the host keeps stays bounded.
 */


#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <net/ifnet.h>
#include <sys/cred.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/mutex.h>

#include "fuzz_net.h"
#include "igmp_wire.h"
#include "ip_impl.h"
#include "ip_wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	K_FRAME,		/* Ethernet, as it is */
	K_ARP,			/* behind the fixed part */
	K_PACKET,		/* protocol, options' length, options, payload */
	K_FRAGMENT,		/* protocol, identification, offset and flag, payload */
	K_UDP,			/* ports, payload */
	K_ICMP,			/* type, code, the rest */
	K_ERROR,		/* type, code, and what it says of a packet of ours */
	K_IGMP,
	K_TIME,			/* passes */
	K_N,
};

#define OUR_IP		0x0a000001u
#define PEER_IP		0x0a000002u
#define GROUP_IP	0xe0010203u
#define OUR_PORT	1000
#define MEMORY_MAX	(64ull << 20)

static struct netns *ns;
static struct ifnet *ifp;

static struct socket *
socket_make(int type, int protocol)
{
	struct cred *cr;
	struct socket *so;
	int one = 1;

	need(cred_create(0, 0, 0, NULL, &cr) == 0, "cred");
	need(socket_create(ns, AF_INET, type, protocol, cr, true, &so) == 0, "socket");
	need(inpcb_setopt(so, SOL_IP, IP_RECVERR, &one, sizeof(one)) == 0, "option");
	cred_rele(cr);
	return so;
}

static void
sockets_make(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = net16(OUR_PORT) };
	struct ip_mreqn mr = { .imr_multiaddr = { net32(GROUP_IP) } };
	struct socket *so = socket_make(SOCK_DGRAM, IPPROTO_UDP);

	mr.imr_ifindex = (int)ifp->if_index;
	need(so->so_ops->so_bind(so, (struct sockaddr *)&sin, sizeof(sin)) == 0, "bind");
	need(inpcb_setopt(so, SOL_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)) == 0, "group");
	so = socket_make(SOCK_DGRAM, IPPROTO_UDP);
	sin.sin_addr.s_addr = net32(PEER_IP);
	need(so->so_ops->so_connect(so, (struct sockaddr *)&sin, sizeof(sin), false) == 0,
	    "connect");
	so = socket_make(SOCK_RAW, IPPROTO_ICMP);
	so = socket_make(SOCK_DGRAM, IPPROTO_ICMP);
	sin.sin_addr.s_addr = 0;
	need(so->so_ops->so_bind(so, (struct sockaddr *)&sin, sizeof(sin)) == 0, "ping");
}

static void
start(void)
{
	struct ifaddr model = {
		.ifa_family = AF_INET, .ifa_addr = { .ia_w = { net32(OUR_IP) } },
		.ifa_peer = { .ia_w = { net32(OUR_IP) } }, .ifa_plen = 24,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
		.ifa_flags = IFA_F_PERMANENT,
	};

	fuzz_boot(&ns);
	need(netvar_set(ns, &netvar_ip_forward, 1) == 0, "setting");
	fuzz_interface(ns, NULL, &ifp);
	fuzz_up(ns, ifp);
	mutex_enter(&ns->ns_lock);
	need(ifaddr_add(ifp, &model, NULL) == 0, "address");
	mutex_exit(&ns->ns_lock);
	sockets_make();
	fuzz_wait(5000);
}

/* --- frames ------------------------------------------------------------------- */

static void
ether_send(uint16_t type, const uint8_t *data, size_t len)
{
	uint8_t frame[ETH_HLEN + 2048];

	memcpy(frame, fuzz_mac, 6);
	memset(frame + 6, 2, 6);
	be16_put(frame + 12, type);
	memcpy(frame + ETH_HLEN, data, len);
	fuzz_frame(ifp, frame, ETH_HLEN + len);
}

/* A header with optlen bytes of options, in front of the payload. */
static void
ip_send(uint8_t proto, uint16_t id, uint16_t frag, uint32_t dst, const uint8_t *opt,
    size_t optlen, const uint8_t *data, size_t len)
{
	size_t hdrlen = IP_HDRLEN + ((optlen + 3) & ~(size_t)3);
	uint8_t b[2048] = { 0 };
	struct ip_hdr ih = {
		.ih_hdrlen = (uint8_t)hdrlen, .ih_ttl = 2, .ih_proto = proto, .ih_id = id,
		.ih_frag = frag, .ih_len = (uint16_t)(hdrlen + len),
		.ih_src = { .ia_w = { net32(PEER_IP) } }, .ih_dst = { .ia_w = { net32(dst) } },
	};

	if (optlen != 0)
		memcpy(b + IP_HDRLEN, opt, optlen);
	ip_hdr_build(b, &ih);
	memcpy(b + hdrlen, data, len);
	ether_send(ETHERTYPE_IP, b, hdrlen + len);
}

static void
summed_send(uint8_t proto, uint32_t dst, uint8_t *msg, size_t len)
{
	uint16_t sum;

	memset(msg + 2, 0, 2);
	sum = packet_sum_fold(packet_sum_bytes(msg, len, 0));
	memcpy(msg + 2, &sum, 2);
	ip_send(proto, 1, 0, dst, NULL, 0, msg, len);
}

static void
send_packet(const uint8_t *d, size_t len)
{
	static const uint32_t dsts[] = { OUR_IP, GROUP_IP, 0x0a0000ff, 0xffffffff, 0x0b000001 };
	size_t optlen;

	if (len < 2)
		return;
	optlen = d[1] % 41;
	if (optlen > len - 2)
		optlen = len - 2;
	ip_send(d[0], 1, 0, dsts[d[1] / 41 % 5], d + 2, optlen, d + 2 + optlen, len - 2 - optlen);
}

static void
send_fragment(const uint8_t *d, size_t len)
{
	if (len < 4)
		return;
	ip_send(d[0], d[1] & 7, (uint16_t)(be16_get(d + 2) & (IP_MF | IP_OFFMASK)), OUR_IP, NULL,
	    0, d + 4, len - 4);
}

static void
send_udp(const uint8_t *d, size_t len)
{
	uint8_t b[2048];

	if (len < 2)
		return;
	be16_put(b, OUR_PORT);
	be16_put(b + 2, (uint16_t)(OUR_PORT + (d[0] & 1)));
	be16_put(b + 4, (uint16_t)(len + 6 + (d[0] >> 6)));
	be16_put(b + 6, 0);
	memcpy(b + 8, d + 2, len - 2);
	ip_send(IPPROTO_UDP, 1, 0, (d[1] & 3) == 0 ? GROUP_IP : OUR_IP, NULL, 0, b, len + 6);
}

/* An error about a datagram or an echo request that we may have sent. */
static void
send_error(const uint8_t *d, size_t len)
{
	uint8_t b[2048] = { 0 };
	struct ip_hdr ih = {
		.ih_hdrlen = IP_HDRLEN, .ih_ttl = 2, .ih_len = 100,
		.ih_src = { .ia_w = { net32(OUR_IP) } }, .ih_dst = { .ia_w = { net32(PEER_IP) } },
	};

	if (len < 8)
		return;
	memcpy(b, d, 8);
	ih.ih_proto = (d[1] & 0x80) != 0 ? IPPROTO_ICMP : IPPROTO_UDP;
	b[1] &= 0x7f;
	ip_hdr_build(b + 8, &ih);
	be16_put(b + 28, OUR_PORT);
	be16_put(b + 30, OUR_PORT);
	if (ih.ih_proto == IPPROTO_ICMP) {
		be16_put(b + 28, ICMP_ECHO << 8);
		be16_put(b + 32, OUR_PORT);
	}
	memcpy(b + 36, d + 8, len - 8);
	summed_send(IPPROTO_ICMP, OUR_IP, b, 28 + len);
}

static void
record(uint8_t kind, const uint8_t *d, size_t len)
{
	uint8_t b[2048] = { 0, 1, 8, 0, 6, 4 };

	switch (kind % K_N) {
	case K_FRAME:
		fuzz_frame(ifp, d, len);
		break;
	case K_ARP:
		memcpy(b + 6, d, len);
		ether_send(ETHERTYPE_ARP, b, 6 + len);
		break;
	case K_PACKET:
		send_packet(d, len);
		break;
	case K_FRAGMENT:
		send_fragment(d, len);
		break;
	case K_UDP:
		send_udp(d, len);
		break;
	case K_ICMP:
		memcpy(b, d, len);
		summed_send(IPPROTO_ICMP, OUR_IP, b, len < 4 ? 4 : len);
		break;
	case K_ERROR:
		send_error(d, len);
		break;
	case K_IGMP:
		memcpy(b, d, len);
		summed_send(IPPROTO_IGMP, (kind & 0x80) != 0 ? GROUP_IP : 0xe0000001, b,
		    len < 4 ? 4 : len);
		break;
	case K_TIME:
		fuzz_wait(len == 0 ? 1 : 1 + d[0] * 100);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct kmem_stats st;
	size_t len;

	if (!started)
		start();
	started = true;
	while (size >= 2) {
		len = (size_t)data[1] * 4;
		if (len > size - 2)
			len = size - 2;
		record(data[0], data + 2, len);
		data += 2 + len;
		size -= 2 + len;
	}
	kmem_getstats(&st);
	need(st.ks_pages < MEMORY_MAX, "memory is bounded");
	return 0;
}
