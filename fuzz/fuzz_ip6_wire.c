/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ip6_wire.c - headers, options, neighbour discovery and MLD messages
 *
 * The first two bytes choose hop limit and kind of source; the rest is read as an IPv6
 * packet and as an ICMPv6 message.  What a parser accepts has to lie in the input.
 */

#include "mld_wire.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(const struct nd_msg *m, const uint8_t *p, size_t len)
{
	if (p != NULL && (p < m->m_data || len > (size_t)(m->m_data + m->m_len - p)))
		panic("a pointer out of the message");
}

static void
try_ra(const struct nd_msg *m)
{
	struct nd_prefix pi;
	struct nd_dnssl search;
	struct nd_rdnss dns;
	struct nd_route ri;
	const char *why;
	struct nd_opt o;
	struct nd_ra ra;
	size_t off = 0;

	if (nd_ra_parse(m, &ra, &why))
		return;
	inside(m, ra.ra_slla.l_addr, ra.ra_slla.l_len);
	while (nd_opt_next(ra.ra_opts, ra.ra_optslen, &off, &o) == 0) {
		inside(m, o.o_data, o.o_len);
		if (nd_prefix_parse(&o, &pi) == 0 && pi.pi_plen > 128)
			panic("a prefix of %u bits", pi.pi_plen);
		if (nd_route_parse(&o, &ri) == 0 && ri.ri_plen > 128)
			panic("a route of %u bits", ri.ri_plen);
		if (nd_rdnss_parse(&o, &dns) == 0 && dns.dn_n > ND_MAXRDNSS)
			panic("%u resolvers", dns.dn_n);
		if (nd_dnssl_parse(&o, &search) == 0 &&
		    strnlen(search.ds_search, sizeof(search.ds_search)) ==
		    sizeof(search.ds_search))
			panic("domains without an end");
	}
	if (off != ra.ra_optslen)
		panic("options that were sound end early");
}

static void
try_messages(const struct nd_msg *m)
{
	struct nd_redirect rd;
	struct mld_query q;
	struct inaddr group;
	const char *why;
	struct nd_ns ns;
	struct nd_na na;
	struct nd_rs rs;

	if (nd_ns_parse(m, &ns, &why) == 0) {
		inside(m, ns.ns_slla.l_addr, ns.ns_slla.l_len);
		inside(m, ns.ns_nonce, ND_NONCELEN);
	}
	if (nd_na_parse(m, &na, &why) == 0)
		inside(m, na.na_tlla.l_addr, na.na_tlla.l_len);
	if (nd_rs_parse(m, &rs, &why) == 0)
		inside(m, rs.rs_slla.l_addr, rs.rs_slla.l_len);
	if (nd_redirect_parse(m, &rd, &why) == 0)
		inside(m, rd.rd_packet, rd.rd_packetlen);
	try_ra(m);
	if (mld_query_parse(m, true, &q, &why) == 0)
		inside(m, q.q_sources, q.q_nsources * 16);
	(void)mld_report1_parse(m, true, &group, &why);
}

static void
try_packet(const uint8_t *p, size_t len)
{
	struct ip6_opts o;
	struct ip6_fixed f;
	uint8_t proto;
	size_t off;

	if (ip6_fixed_parse(p, len, &f))
		return;
	if (ip6_chain_skip(p, len, &off, &proto) == 0 && (off > len || ip6_isext(proto)))
		panic("the upper header is outside");
	p += IP6_HDRLEN;
	len -= IP6_HDRLEN;
	if (len < 8 || ip6_ext_len(f.f_next, p) > len)
		return;
	off = ip6_ext_len(f.f_next, p);
	if (ip6_opts_check(p, off, &o) != IP6_OK && o.o_problem >= off)
		panic("a problem outside");
	(void)ip6_opts_sound(p, off);
}

static void
try_text(const uint8_t *data, size_t size)
{
	char text[64], again[IP6_ADDRSTRLEN];
	struct inaddr a, b;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ip6_addr_parse(text, &a) == 0 &&
	    (ip6_addr_parse(ip6_addr_format(&a, again), &b) || !inaddr_eq(&a, &b)))
		panic("%s is not %s", text, again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct inaddr sources[4] = {
		{ .ia_w = { 0 } }, { .ia_b = { 0xfe, 0x80, [15] = 1 } },
		{ .ia_b = { 0x20, 1, [15] = 1 } }, { .ia_b = { 0xff, 2, [15] = 1 } },
	};
	struct nd_msg m;

	if (size < 2)
		return 0;
	m.m_hops = data[0] & 1 ? 255 : data[0];
	m.m_src = sources[data[1] & 3];
	m.m_dst = sources[data[1] >> 2 & 3];
	m.m_data = data + 2;
	m.m_len = size - 2;
	try_messages(&m);
	try_packet(data + 2, size - 2);
	try_text(data + 2, size - 2);
	return 0;
}
