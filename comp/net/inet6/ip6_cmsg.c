/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_cmsg.c - control messages of IPv6, both ways (RFC 3542)
 */

#include "ip6_pcb.h"

#include <linux/capability.h>
#include <sys/atomic.h>
#include <sys/cred.h>

#include <lib/bytes.h>
#include <lib/string.h>

/* --- received ------------------------------------------------------------------ */

struct exthdr_want {
	uint8_t		 w_type;
	uint32_t	 w_bit;
	int		 w_cmsg;
};

static const struct exthdr_want exthdrs[] = {
	{ IP6_NH_HOPOPTS, INP_RECV_HOPOPTS6, IPV6_HOPOPTS },
	{ IP6_NH_DSTOPTS, INP_RECV_DSTOPTS6, IPV6_DSTOPTS },
	{ IP6_NH_ROUTING, INP_RECV_RTHDR6, IPV6_RTHDR },
};

static void
put_exthdr(uint32_t want, struct sockmsg *sm, uint8_t type, const uint8_t *h, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(exthdrs); i++) {
		if (exthdrs[i].w_type == type && (want & exthdrs[i].w_bit) != 0)
			cmsg_put(sm, SOL_IPV6, exthdrs[i].w_cmsg, h, len);
	}
}

/* They are still where they were, if all of them were linear: see ip6_input.c. */
static void
put_exthdrs(uint32_t want, struct sockmsg *sm, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	const uint8_t *h = p->p_room + p->p_l3;
	size_t off = IP6_HDRLEN, len;
	uint8_t type;

	if ((uint32_t)p->p_l3 + rx->ir_hdrlen != p->p_l4)
		return;
	for (type = h[6]; ip6_isext(type) && rx->ir_hdrlen - off >= 8; type = h[off], off += len) {
		len = ip6_ext_len(type, h + off);
		if (len > rx->ir_hdrlen - off)
			return;
		put_exthdr(want, sm, type, h + off, len);
	}
}

static void
put_int(struct sockmsg *sm, int type, int value)
{
	cmsg_put(sm, SOL_IPV6, type, &value, sizeof(value));
}

static void
put_origdst(struct sockmsg *sm, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6,
		.sin6_scope_id = ip6_needs_scope(&rx->ir_dst) ? rx->ir_ifindex : 0,
	};

	memcpy(&sin6.sin6_addr, &rx->ir_dst, sizeof(rx->ir_dst));
	if (p->p_l4 + 4u <= PKT_ROOM)
		memcpy(&sin6.sin6_port, p->p_room + p->p_l4 + 2, 2);
	cmsg_put(sm, SOL_IPV6, IPV6_ORIGDSTADDR, &sin6, sizeof(sin6));
}

void
ip6_put_cmsgs(struct inpcb *inp, struct sockmsg *sm, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	uint32_t want = atomic_load(&inp->inp_recvopts);
	struct in6_pktinfo pi;

	if ((want & INP_RECV_PKTINFO6) != 0) {
		memcpy(&pi.ipi6_addr, &rx->ir_dst, sizeof(rx->ir_dst));
		pi.ipi6_ifindex = (int)rx->ir_ifindex;
		cmsg_put(sm, SOL_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
	}
	if ((want & INP_RECV_HOPS6) != 0)
		put_int(sm, IPV6_HOPLIMIT, rx->ir_ttl);
	if ((want & INP_RECV_TCLASS6) != 0)
		put_int(sm, IPV6_TCLASS, rx->ir_tos);
	if ((want & INP_RECV_FLOWINFO6) != 0 && rx->ir_flowinfo != 0)
		cmsg_put(sm, SOL_IPV6, IPV6_FLOWINFO, &rx->ir_flowinfo, sizeof(rx->ir_flowinfo));
	if ((rx->ir_flags & INET_RX_OPTIONS) != 0)
		put_exthdrs(want, sm, p);
	if ((want & INP_RECV_ORIGDST) != 0)
		put_origdst(sm, p);
	if ((want & INP_RECV_FRAGSIZE) != 0 && rx->ir_fragmax != 0)
		put_int(sm, IPV6_RECVFRAGSIZE, (int)rx->ir_fragmax);
}

/* --- to be sent -------------------------------------------------------------------- */

static int
get_int(const struct cmsghdr *cm, int min, int max, int *ret_value)
{
	int value;

	if (cmsg_datalen(cm) != sizeof(value))
		return EINVAL;
	memcpy(&value, (const uint8_t *)cm + sizeof(*cm), sizeof(value));
	if (value < min || value > max)
		return EINVAL;
	*ret_value = value;
	return 0;
}

static int
get_pktinfo(struct inpcb *inp, const struct cmsghdr *cm, struct inet_tx *tx, uint32_t *ret_oif)
{
	struct netns *ns = inp->inp_so->so_ns;
	struct in6_pktinfo pi;
	struct inaddr src;

	if (cmsg_datalen(cm) < sizeof(pi))
		return EINVAL;
	memcpy(&pi, (const uint8_t *)cm + sizeof(*cm), sizeof(pi));
	memcpy(&src, &pi.ipi6_addr, sizeof(src));
	if (pi.ipi6_ifindex != 0) {
		if (if_byindex(ns, (uint32_t)pi.ipi6_ifindex) == NULL)
			return ENODEV;
		*ret_oif = (uint32_t)pi.ipi6_ifindex;
	}
	if (inaddr_zero(&src))
		return 0;
	if (!inp->inp_freebind && !inp->inp_transparent &&
	    !ip6_islocal(ns, &src, (uint32_t)pi.ipi6_ifindex))
		return EINVAL;
	tx->it_src = src;
	return 0;
}

/*
 * One header, from the control message itself, which lives as long as the send.
 *
 * NEEDSWORK: several in one message would need to be chained; the second is EINVAL.
 */
static int
get_header(struct inpcb *inp, const struct cmsghdr *cm, struct inet_tx *tx)
{
	uint8_t *h = (uint8_t *)(uintptr_t)((const uint8_t *)cm + sizeof(*cm));
	size_t len = cmsg_datalen(cm);

	if (tx->it_optlen != 0 || len > IP6_STICKY_MAX || ip6_opts_sound(h, len))
		return EINVAL;
	if (cm->cmsg_type != IPV6_DSTOPTS && !cred_capable(inp->inp_so->so_cred, CAP_NET_RAW))
		return EPERM;
	h[0] = tx->it_proto;		/* the kernel's copy */
	tx->it_options = h;
	tx->it_optlen = (uint16_t)len;
	tx->it_optnext = cm->cmsg_type == IPV6_HOPOPTS ? IP6_NH_HOPOPTS : IP6_NH_DSTOPTS;
	return 0;
}

int
ip6_get_cmsg(struct inpcb *inp, const struct cmsghdr *cm, struct inet_tx *tx,
    uint32_t *ret_oif)
{
	int error, value;

	switch (cm->cmsg_type) {
	case IPV6_PKTINFO:
		return get_pktinfo(inp, cm, tx, ret_oif);
	case IPV6_HOPLIMIT:
		error = get_int(cm, -1, 255, &value);
		if (error == 0)
			tx->it_ttl = (int16_t)value;
		return error;
	case IPV6_TCLASS:
		error = get_int(cm, -1, 255, &value);
		if (error == 0 && value >= 0)
			tx->it_tos = (uint8_t)value;
		return error;
	case IPV6_DONTFRAG:
		error = get_int(cm, 0, 1, &value);
		if (error == 0 && value != 0)
			tx->it_flags |= INET_TX_DF;
		return error;
	case IPV6_FLOWINFO:
		if (cmsg_datalen(cm) < sizeof(tx->it_flowinfo))
			return EINVAL;
		memcpy(&tx->it_flowinfo, (const uint8_t *)cm + sizeof(*cm),
		    sizeof(tx->it_flowinfo));
		return 0;
	case IPV6_HOPOPTS:
	case IPV6_DSTOPTS:
		return get_header(inp, cm, tx);
	default:
		return EINVAL;
	}
}
