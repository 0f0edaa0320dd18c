/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nd_output.c - sending neighbour discovery messages
 *
 * Each function makes one packet and appends it to a queue, which its caller sends when
 * it holds no lock.  What cannot be made for want of memory is not sent: all of these
 * are repeated, or asked for again.
 */

#include "ip6_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>

void
icmp6_sum(struct packet *p, const struct inaddr *src, const struct inaddr *dst)
{
	uint32_t sum = ip6_af.ia_pseudo(src, dst, IPPROTO_ICMPV6, p->p_len);

	memset(p->p_data + 2, 0, 2);
	sum = packet_sum(p, 0, p->p_len, sum);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	memcpy(p->p_data + 2, &(uint16_t){ (uint16_t)sum }, 2);
}

/* Hop-by-hop header with a router alert for MLD (RFC 2711, 3810 section 5). */
static const uint8_t alert_header[8] = { IPPROTO_ICMPV6, 0, IP6_OPT_ALERT, 2, 0, 0, 1, 0 };

struct packet *
ip6_packet_make(struct ifnet *ifp, const void *msg, size_t len,
    const struct inaddr *src, const struct inaddr *dst, uint8_t hops, bool alert)
{
	struct ip6_fixed f = {
		.f_next = alert ? IP6_NH_HOPOPTS : IPPROTO_ICMPV6, .f_hops = hops,
		.f_src = *src, .f_dst = *dst,
	};
	struct packet *p = packet_from(msg, len, KM_NOSLEEP);

	if (p == NULL)
		return NULL;
	/* The checksum is written in place. */
	if (packet_pullup(p, 8)) {
		packet_free(p);
		return NULL;
	}
	icmp6_sum(p, src, dst);
	p->p_l4 = packet_offset(p);
	if (alert)
		memcpy(packet_push(p, sizeof(alert_header)), alert_header, sizeof(alert_header));
	f.f_plen = (uint16_t)p->p_len;
	ip6_fixed_build(packet_push(p, IP6_HDRLEN), &f);
	p->p_l3 = packet_offset(p);
	p->p_ethertype = IP6_ETHERTYPE;
	p->p_csum = PKT_CSUM_NONE;
	p->p_type = PKT_OUTGOING;
	if_hold(ifp);
	p->p_ifp = ifp;
	p->p_ifindex = ifp->if_index;
	ip6_count(icmp_out);
	return p;
}

/* To a group, or to nowhere in particular: the L2 header is known. */
static void
group_send(struct ifnet *ifp, struct packet *p, const struct inaddr *dst)
{
	struct packetq q = PACKETQ_INITIALIZER;
	uint8_t ll[IF_LLADDR] = { 0 };

	ip6_group_lladdr(dst, ll);
	if_l2header(ifp, p, IP6_ETHERTYPE, ll);
	packetq_put(&q, p);
	if_transmit(ifp, &q);
}

static void
unicast_send(struct ifnet *ifp, struct packet *p, const struct inaddr *dst)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct neigh *n = neigh_get(ifp, AF_INET6, dst);

	if (n == NULL) {
		packet_free(p);
		return;
	}
	packetq_put(&q, p);
	neigh_output(n, &q);
	neigh_rele(n);
}

void
ip6_send_queue(struct packetq *q)
{
	struct packet *p;
	struct ifnet *ifp;
	struct inaddr dst;

	while ((p = packetq_get(q)) != NULL) {
		ifp = p->p_ifp;
		memcpy(&dst, p->p_data + 24, sizeof(dst));
		if (!if_running(ifp))
			packet_free(p);
		else if (ip6_multicast(&dst))
			group_send(ifp, p, &dst);
		else
			unicast_send(ifp, p, &dst);
		if_rele(ifp);
	}
}

static void
nd_send(struct ifnet *ifp, const uint8_t *msg, size_t len, const struct inaddr *src,
    const struct inaddr *dst, struct packetq *out)
{
	struct packet *p = ip6_packet_make(ifp, msg, len, src, dst, 255, false);

	if (p != NULL)
		packetq_put(out, p);
}

void
nd_send_ns(struct ifnet *ifp, const struct inaddr *target, const struct inaddr *src,
    const struct inaddr *dst, const uint8_t *nonce, struct packetq *out)
{
	uint8_t msg[ND_BUILD_MAX];
	size_t len;

	len = nd_ns_build(msg, target, inaddr_zero(src) ? NULL : ifp->if_lladdr,
	    ifp->if_addrlen, nonce);
	nd_send(ifp, msg, len, src, dst, out);
}

void
nd_send_na(struct ifnet *ifp, const struct inaddr *target, const struct inaddr *dst,
    bool solicited, bool override, struct packetq *out)
{
	struct nd_na na = {
		.na_target = *target, .na_solicited = solicited, .na_override = override,
		.na_router = netvar_get(ifp->if_ns, &ip6_var_forwarding) != 0,
		.na_tlla = { ifp->if_lladdr, ifp->if_addrlen },
	};
	uint8_t msg[ND_BUILD_MAX];
	size_t len = nd_na_build(msg, &na);

	nd_send(ifp, msg, len, target, dst, out);
}

void
nd_send_rs(struct ifnet *ifp, struct packetq *out)
{
	struct inaddr src = { .ia_w = { 0 } }, dst = ip6_group(IP6_SCOPE_LINK, 2);
	bool known = ip6_if_linklocal(ifp, &src);
	uint8_t msg[ND_BUILD_MAX];
	size_t len;

	len = nd_rs_build(msg, known ? ifp->if_lladdr : NULL, ifp->if_addrlen);
	nd_send(ifp, msg, len, &src, &dst, out);
}

/* RFC 4861 section 7.2.2: the source of what triggered it, else any of ours. */
void
nd_solicit(struct ifnet *ifp, const struct inaddr *addr, const uint8_t *lladdr,
    const struct inaddr *src_hint)
{
	struct packetq out = PACKETQ_INITIALIZER;
	struct inaddr src, dst = ip6_solicited_node(addr);
	struct ifaddr *ifa = NULL;

	if (!ip6_if_hasnd(ifp))
		return;
	if (src_hint != NULL && !inaddr_zero(src_hint))
		ifa = ifaddr_find(ifp->if_ns, AF_INET6, src_hint, ifp);
	if (ifa != NULL && !ip6_tentative(ifa))
		src = *src_hint;
	else if (!ip6_if_linklocal(ifp, &src) && !ip6_select_prefs(ifp, addr, 0, &src))
		return;
	nd_send_ns(ifp, addr, &src, lladdr == NULL ? &dst : addr, NULL, &out);
	ip6_send_queue(&out);
}
