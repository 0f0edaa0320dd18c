/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_cmsg.c - control messages of IPv4: IP_PKTINFO and its kind, both ways
 *
 * See ip(7) and cmsg(3).
 */

#include "ip_impl.h"

#include <lib/string.h>
#include <linux/ipv6.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>

/* Of packets that were received: the header is still where it was, at p_l3. */
static void
put_options(struct sockmsg *sm, const struct packet *p, int type)
{
	const struct inet_rx *rx = INET_RX(p);

	if (rx->ir_hdrlen > IP_HDRLEN && p->p_l3 + rx->ir_hdrlen <= PKT_ROOM)
		cmsg_put(sm, SOL_IP, type, p->p_room + p->p_l3 + IP_HDRLEN,
		    rx->ir_hdrlen - (size_t)IP_HDRLEN);
}

static void
put_pktinfo(struct inpcb *inp, struct sockmsg *sm, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	struct in_pktinfo pi = {
		.ipi_ifindex = (int)rx->ir_ifindex,
		.ipi_addr = { .s_addr = rx->ir_dst.ia_w[0] },
		.ipi_spec_dst = { .s_addr = rx->ir_dst.ia_w[0] },
	};

	/* Of what was sent to many: the address that would answer. */
	if ((rx->ir_flags & (INET_RX_BROADCAST | INET_RX_MULTICAST)) != 0) {
		struct ifnet *ifp = if_byindex(inp->inp_so->so_ns, rx->ir_ifindex);
		const struct ifaddr *ifa = NULL;

		if (ifp != NULL)
			ifa = ifaddr_select(ifp, AF_INET, &rx->ir_src, RT_SCOPE_LINK);
		pi.ipi_spec_dst.s_addr = ifa != NULL ? ifa->ifa_addr.ia_w[0] : 0;
	}
	cmsg_put(sm, SOL_IP, IP_PKTINFO, &pi, sizeof(pi));
}

void
ip_put_cmsgs(struct inpcb *inp, struct sockmsg *sm, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	uint32_t want = atomic_load(&inp->inp_recvopts);
	int value;

	if ((want & INP_RECV_PKTINFO) != 0)
		put_pktinfo(inp, sm, p);
	if ((want & INP_RECV_TTL) != 0) {
		value = rx->ir_ttl;
		cmsg_put(sm, SOL_IP, IP_TTL, &value, sizeof(value));
	}
	if ((want & INP_RECV_TOS) != 0)
		cmsg_put(sm, SOL_IP, IP_TOS, &rx->ir_tos, sizeof(rx->ir_tos));
	if ((want & INP_RECV_OPTS) != 0)
		put_options(sm, p, IP_RECVOPTS);
	if ((want & INP_RECV_ORIGDST) != 0) {
		struct sockaddr_in sin = {
			.sin_family = AF_INET, .sin_addr = { .s_addr = rx->ir_dst.ia_w[0] },
		};

		if (p->p_l4 + 4u <= PKT_ROOM)
			memcpy(&sin.sin_port, p->p_room + p->p_l4 + 2, 2);
		cmsg_put(sm, SOL_IP, IP_ORIGDSTADDR, &sin, sizeof(sin));
	}
	if ((want & INP_RECV_FRAGSIZE) != 0 && rx->ir_fragmax != 0) {
		value = (int)rx->ir_fragmax;
		cmsg_put(sm, SOL_IP, IP_RECVFRAGSIZE, &value, sizeof(value));
	}
	/* IPv6 sockets see IPv4 packets by mapped addresses. */
	if ((want & INP_RECV_PKTINFO6) != 0) {
		struct in6_pktinfo pi6 = { .ipi6_ifindex = (int)rx->ir_ifindex };

		pi6.ipi6_addr.s6_addr[10] = pi6.ipi6_addr.s6_addr[11] = 0xff;
		pi6.ipi6_addr.s6_addr32[3] = rx->ir_dst.ia_w[0];
		cmsg_put(sm, SOL_IPV6, IPV6_PKTINFO, &pi6, sizeof(pi6));
	}
}

/* --- of packets to be sent ------------------------------------------------ */

static int
get_pktinfo(struct inpcb *inp, const struct in_pktinfo *pi, struct inet_tx *tx, uint32_t *ret_oif)
{
	struct inaddr src = { .ia_w = { pi->ipi_spec_dst.s_addr } };
	struct netns *ns = inp->inp_so->so_ns;

	if (pi->ipi_ifindex < 0)
		return EINVAL;
	if (pi->ipi_ifindex != 0) {
		if (if_byindex(ns, (uint32_t)pi->ipi_ifindex) == NULL)
			return ENODEV;
		*ret_oif = (uint32_t)pi->ipi_ifindex;
	}
	if (!inaddr_zero(&src)) {
		if (!inp->inp_freebind && !inp->inp_transparent && !ip_islocal(ns, &src, 0))
			return ENETUNREACH;
		tx->it_src = src;
	}
	return 0;
}

/* An int, or a byte: programs do either. */
static int
get_number(const struct cmsghdr *cm, bool byte, int *ret_value)
{
	const void *data = (const char *)cm + sizeof(*cm);
	uint8_t one;

	if (cmsg_datalen(cm) == sizeof(int)) {
		memcpy(ret_value, data, sizeof(int));
		return 0;
	}
	if (!byte || cmsg_datalen(cm) != 1)
		return EINVAL;
	memcpy(&one, data, 1);
	*ret_value = one;
	return 0;
}

int
ip_get_cmsg(struct inpcb *inp, const struct cmsghdr *cm, struct inet_tx *tx, uint32_t *ret_oif)
{
	const void *data = (const char *)cm + sizeof(*cm);
	size_t len = cmsg_datalen(cm);
	struct in_pktinfo pi;
	int error, value;

	switch (cm->cmsg_type) {
	case IP_PKTINFO:
		if (len != sizeof(pi))
			return EINVAL;
		memcpy(&pi, data, sizeof(pi));
		return get_pktinfo(inp, &pi, tx, ret_oif);
	case IP_TTL:
		error = get_number(cm, false, &value);
		if (!error && (value < 1 || value > 255))
			error = EINVAL;
		if (!error)
			tx->it_ttl = (int16_t)value;
		return error;
	case IP_TOS:
		error = get_number(cm, true, &value);
		if (!error && (value < 0 || value > 255))
			error = EINVAL;
		if (!error)
			tx->it_tos = (uint8_t)value;
		return error;
	case IP_RETOPTS:
		if (len > IP_HDRMAX - IP_HDRLEN || ip_opt_check(data, len) != 0)
			return EINVAL;
		/* The control data outlives the send. */
		tx->it_options = data;
		tx->it_optlen = (uint16_t)len;
		return 0;
	case IP_PROTOCOL:
		return 0;
	default:
		return EINVAL;
	}
}
