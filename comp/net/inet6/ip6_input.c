/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_input.c - IPv6 packets that came in
 *
 * A batch comes from one interface.  Each packet's header is checked, its destination
 * judged (ours, a group of ours, to be forwarded), its extension headers walked in
 * their order (RFC 8200 section 4), and what is left goes up in batches of one protocol.
 *
 * The walk is bounded (RFC 8504 section 5.3): so many headers, so long, so many options.
 * Runs on the thread that received and takes no lock but for fragments.
 */

#include "ip6_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>

enum ip6_where { W_DROP, W_LOCAL, W_GROUP, W_FORWARD };

/* One call of ip6_input(). */
struct ip6_run {
	struct ifnet	*r_ifp;
	struct netns	*r_ns;
	/* The verdict about the last destination. */
	bool		 r_known;
	enum ip6_where	 r_where;
	struct inaddr	 r_dst;
	uint32_t	 r_ifindex;	/* for whom it counts as received */
	/* Packets for one protocol. */
	const struct inet_proto *r_proto;
	struct packetq	 r_up;
};

/* One packet on its way through the headers. */
struct ip6_walk {
	struct packet	*w_p;		/* NULL: gone */
	struct ip6_fixed w_f;
	enum ip6_where	 w_where;
	uint8_t		 w_type;	/* of the header at w_off */
	uint32_t	 w_off;
	uint32_t	 w_nextoff;	/* where w_type was read */
	uint32_t	 w_fragmax;
	unsigned int	 w_n;		/* headers so far */
	bool		 w_alert;
	bool		 w_ext;
};

/* --- checks ------------------------------------------------------------------ */

static bool
header_check(struct packet *p, struct ip6_fixed *f)
{
	if (packet_pullup(p, IP6_HDRLEN) ||
	    ip6_fixed_parse(p->p_data, packet_linear(p), f) ||
	    p->p_len - IP6_HDRLEN < f->f_plen) {
		ip6_count(in_header);
		return false;
	}
	packet_trim(p, IP6_HDRLEN + f->f_plen);
	p->p_l3 = packet_offset(p);
	return true;
}

/* Addresses that cannot come from a link: RFC 4291 sections 2.5.3, 2.7, 2.5.5.2. */
static bool
addresses_ok(const struct ip6_run *r, const struct packet *p, const struct ip6_fixed *f)
{
	bool lo = (atomic_load(&r->r_ifp->if_flags) & IFF_LOOPBACK) != 0 ||
	    (p->p_flags & PKT_F_LOOPED) != 0;

	if (ip6_multicast(&f->f_src) || inaddr_zero(&f->f_dst) || ip6_mapped(&f->f_src) ||
	    ip6_mapped(&f->f_dst))
		return false;
	if (!lo && (ip6_loopback(&f->f_src) || ip6_loopback(&f->f_dst)))
		return false;
	if (ip6_multicast(&f->f_dst) && (f->f_dst.ia_b[1] & 15) <= (lo ? 0 : IP6_SCOPE_IF))
		return false;
	return true;
}

bool
ip6_islocal(struct netns *ns, const struct inaddr *a, uint32_t ifindex)
{
	struct ifnet *ifp = NULL;
	struct ifaddr *ifa;

	if (ifindex != 0 && ip6_linklocal(a)) {
		ifp = if_byindex(ns, ifindex);
		if (ifp == NULL)
			return false;
	}
	ifa = ifaddr_find(ns, AF_INET6, a, ifp);
	return ifa != NULL && !ip6_tentative(ifa);
}

/* Whole prefixes may be ours by a route of type local. */
static bool
local_by_route(const struct ip6_run *r, const struct inaddr *dst)
{
	struct rtkey rk = {
		.rk_family = AF_INET6, .rk_dst = *dst, .rk_iif = r->r_ifp->if_index,
	};
	struct rtdst *rd;
	bool local;

	if (ip6_linklocal(dst) || route_lookup(r->r_ns, &rk, &rd))
		return false;
	local = rd->rd_type == RTN_LOCAL && !ip6_islocal(r->r_ns, dst, 0) &&
	    ifaddr_find(r->r_ns, AF_INET6, dst, NULL) == NULL;
	rtdst_rele(rd);
	return local;
}

/* To ourselves by lo, at an address that has a meaning on one of our links only: that one. */
static enum ip6_where
own_link(struct ip6_run *r, const struct inaddr *dst)
{
	struct ifaddr *ifa = ifaddr_find(r->r_ns, AF_INET6, dst, NULL);

	if (ifa == NULL || ip6_tentative(ifa))
		return W_DROP;
	r->r_ifindex = ifa->ifa_ifp->if_index;
	return W_LOCAL;
}

static enum ip6_where
destination_judge(struct ip6_run *r, const struct inaddr *dst)
{
	const struct ip6_if *ii = ip6_if(r->r_ifp);

	r->r_ifindex = r->r_ifp->if_index;
	if (ip6_multicast(dst))
		return mld_member(ii, dst) ? W_GROUP : W_DROP;
	if (ip6_linklocal(dst) && (atomic_load(&r->r_ifp->if_flags) & IFF_LOOPBACK) != 0)
		return own_link(r, dst);
	if (ip6_islocal(r->r_ns, dst, r->r_ifp->if_index))
		return W_LOCAL;
	if (local_by_route(r, dst))
		return W_LOCAL;
	/* Tentative: nobody speaks to it but neighbours, to a group. */
	if (ip6_linklocal(dst) || ifaddr_find(r->r_ns, AF_INET6, dst, NULL) != NULL)
		return W_DROP;
	return W_FORWARD;
}

static enum ip6_where
judge(struct ip6_run *r, const struct packet *p, const struct ip6_fixed *f)
{
	if (!addresses_ok(r, p, f)) {
		ip6_count(in_address);
		return W_DROP;
	}
	if (!r->r_known || !inaddr_eq(&r->r_dst, &f->f_dst)) {
		r->r_where = destination_judge(r, &f->f_dst);
		r->r_dst = f->f_dst;
		r->r_known = true;
	}
	return r->r_where;
}

/* --- upwards ------------------------------------------------------------------- */

static void
run_flush(struct ip6_run *r)
{
	if (r->r_up.pq_head == NULL)
		return;
	counter_add(&ip6_count_in_delivered, r->r_up.pq_n);
	r->r_proto->ip_input(r->r_ns, &r->r_up);
	packetq_init(&r->r_up);
}

static void
rx_fill(const struct ip6_run *r, const struct ip6_walk *w)
{
	struct inet_rx *rx = INET_RX(w->w_p);

	rx->ir_family = AF_INET6;
	rx->ir_proto = w->w_type;
	rx->ir_tos = w->w_f.f_tclass;
	rx->ir_ttl = w->w_f.f_hops;
	rx->ir_hdrlen = (uint16_t)w->w_off;
	rx->ir_flags = (uint16_t)((w->w_where == W_GROUP ? INET_RX_MULTICAST : 0) |
	    ((w->w_f.f_tclass & 3) == 3 ? INET_RX_CE : 0) |
	    (w->w_ext ? INET_RX_OPTIONS : 0) | (w->w_alert ? INET_RX_ALERT : 0));
	rx->ir_ifindex = r->r_ifindex;
	rx->ir_flowinfo = net32((uint32_t)w->w_f.f_tclass << 20 | w->w_f.f_flow);
	rx->ir_src = w->w_f.f_src;
	rx->ir_dst = w->w_f.f_dst;
	rx->ir_fragmax = w->w_fragmax;
}

/*
 * The headers become linear if the room is large enough, which it is but for
 * freaks: of those only the IPv6 header can be quoted in an error.
 */
static void
headers_strip(struct packet *p, uint32_t hdrlen)
{
	if (packet_pullup(p, hdrlen) == 0) {
		p->p_l3 = packet_offset(p);
		(void)packet_pull(p, hdrlen);
	} else {
		packet_skip(p, hdrlen);
	}
	p->p_l4 = packet_offset(p);
}

static void
deliver(struct ip6_run *r, struct ip6_walk *w)
{
	const struct inet_proto *proto = inet_proto(w->w_type);
	struct packet *p = w->w_p, *whole = NULL;
	bool raw;

	if (w->w_type == IP6_NH_NONE) {
		packet_free(p);
		return;
	}
	if (proto == NULL)		/* rare, and an error quotes all of it */
		whole = packet_clone(p, KM_NOSLEEP);
	rx_fill(r, w);
	headers_strip(p, w->w_off);
	raw = inet_raw_input(r->r_ns, p);
	if (proto == NULL) {
		if (!raw && whole != NULL) {
			ip6_count(in_unknown);
			icmp6_error(r->r_ifp, whole, ICMP6_PARAM, 1, w->w_nextoff);
		}
		packet_free(whole);
		packet_free(p);
		return;
	}
	if (proto != r->r_proto)
		run_flush(r);
	r->r_proto = proto;
	packetq_put(&r->r_up, p);
}

/* --- extension headers -------------------------------------------------------------- */

/* Says what was wrong, if that is due, and ends the packet. */
static void
walk_refuse(struct ip6_run *r, struct ip6_walk *w, int code, uint32_t pointer)
{
	ip6_count(in_options);
	if (code >= 0)
		icmp6_error(r->r_ifp, w->w_p, ICMP6_PARAM, (uint8_t)code, pointer);
	packet_free(w->w_p);
	w->w_p = NULL;
}

static void
options_walk(struct ip6_run *r, struct ip6_walk *w, const uint8_t *h, size_t len)
{
	struct ip6_opts o;

	switch (ip6_opts_check(h, len, &o)) {
	case IP6_OK:
		w->w_alert |= o.o_alert && w->w_type == IP6_NH_HOPOPTS;
		break;
	case IP6_PARAM_UNICAST:
		walk_refuse(r, w, w->w_where == W_GROUP ? -1 : 2, w->w_off + o.o_problem);
		break;
	case IP6_PARAM:
		walk_refuse(r, w, 2, w->w_off + o.o_problem);
		break;
	default:
		walk_refuse(r, w, -1, 0);
		break;
	}
}

/* RFC 8200 section 4.4: no type is known to us; RFC 5095: type 0 in particular. */
static void
routing_walk(struct ip6_run *r, struct ip6_walk *w, const uint8_t *h)
{
	if (h[3] != 0)
		walk_refuse(r, w, 0, w->w_off + 2);
}

/* True: the header at w_off was dealt with and the walk goes on behind it. */
static bool
extension_walk(struct ip6_run *r, struct ip6_walk *w)
{
	uint8_t buf[IP6_MAXEXTLEN];
	const uint8_t *h;
	size_t len;

	h = packet_peek(w->w_p, w->w_off, 8, buf);
	if (h == NULL || ++w->w_n > IP6_MAXEXT) {
		walk_refuse(r, w, -1, 0);
		return false;
	}
	len = ip6_ext_len(w->w_type, h);
	h = len <= sizeof(buf) ? packet_peek(w->w_p, w->w_off, len, buf) : NULL;
	if (h == NULL) {
		walk_refuse(r, w, -1, 0);
		return false;
	}
	if (w->w_type == IP6_NH_ROUTING)
		routing_walk(r, w, h);
	else
		options_walk(r, w, h, len);
	if (w->w_p == NULL)
		return false;
	w->w_ext = true;
	w->w_nextoff = w->w_off;
	w->w_type = h[0];
	w->w_off += (uint32_t)len;
	return true;
}

/* The whole packet goes on where the fragment header was, or nothing does. */
static bool
fragment_walk(struct ip6_run *r, struct ip6_walk *w)
{
	uint32_t fragmax = w->w_p->p_len;

	if (++w->w_n > IP6_MAXEXT) {
		walk_refuse(r, w, -1, 0);
		return false;
	}
	run_flush(r);
	w->w_p = frag6_input(r->r_ifp, w->w_p, w->w_off, w->w_nextoff, &fragmax);
	if (w->w_p == NULL)
		return false;
	if (packet_pullup(w->w_p, IP6_HDRLEN) ||
	    ip6_fixed_parse(w->w_p->p_data, packet_linear(w->w_p), &w->w_f)) {
		packet_free(w->w_p);
		w->w_p = NULL;
		return false;
	}
	packet_copyout(w->w_p, w->w_nextoff, &w->w_type, 1);
	w->w_fragmax = fragmax;
	return true;
}

static void
walk_local(struct ip6_run *r, struct ip6_walk *w)
{
	bool first = w->w_off == IP6_HDRLEN;

	while (ip6_isext(w->w_type)) {
		if (w->w_type == IP6_NH_FRAGMENT) {
			if (!fragment_walk(r, w))
				return;
			continue;
		}
		if (w->w_type == IP6_NH_HOPOPTS && !first) {
			/* Section 4.1: immediately behind the IPv6 header only. */
			walk_refuse(r, w, 1, w->w_nextoff);
			return;
		}
		first = false;
		if (!extension_walk(r, w))
			return;
	}
	deliver(r, w);
}

/* --- the packet ------------------------------------------------------------------------ */

static void
input_one(struct ip6_run *r, struct packet *p)
{
	struct ip6_walk w = { .w_p = p, .w_off = IP6_HDRLEN, .w_nextoff = 6 };

	if (!header_check(p, &w.w_f)) {
		packet_free(p);
		return;
	}
	w.w_type = w.w_f.f_next;
	w.w_where = judge(r, p, &w.w_f);
	if (w.w_where == W_DROP) {
		packet_free(p);
		return;
	}
	/* Options for all on the way, also if we only pass it on. */
	if (w.w_where == W_FORWARD) {
		if (w.w_type == IP6_NH_HOPOPTS && !extension_walk(r, &w))
			return;
		run_flush(r);
		ip6_forward(r->r_ifp, w.w_p, &w.w_f);
		return;
	}
	walk_local(r, &w);
}

void
ip6_input(struct ifnet *ifp, struct packetq *q)
{
	struct ip6_run r = { .r_ifp = ifp, .r_ns = ifp->if_ns };
	struct packet *p;

	counter_add(&ip6_count_in, q->pq_n);
	if (ip6_if(ifp) == NULL || netvar_get(ifp->if_ns, &ip6_var_disable)) {
		packetq_drop(q);
		return;
	}
	while ((p = packetq_get(q)) != NULL)
		input_one(&r, p);
	run_flush(&r);
}
