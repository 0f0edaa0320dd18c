/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nd_wire.c - parsing and building of neighbour discovery messages
 *
 * All messages share one rule that keeps strangers out: the hop limit is 255,
 * which no router can have let through (RFC 4861 section 3.1).
 */

#include "nd_wire.h"

#include <sys/errno.h>

#include <lib/bytes.h>
#include <lib/dnsname.h>
#include <lib/string.h>

int
nd_opt_next(const uint8_t *opts, size_t len, size_t *off, struct nd_opt *ret_o)
{
	size_t left = len - *off;

	if (left == 0)
		return ENOENT;
	if (left < 8 || opts[*off + 1] == 0 || opts[*off + 1] * 8u > left)
		return EINVAL;
	ret_o->o_type = opts[*off];
	ret_o->o_len = opts[*off + 1] * 8u;
	ret_o->o_data = opts + *off;
	*off += ret_o->o_len;
	return 0;
}

/* What of the options is of interest to more than one message. */
struct nd_opts {
	struct nd_lladdr slla, tlla;
	const uint8_t	*nonce, *redirected;
	size_t		 redirectedlen;
	uint32_t	 mtu;
};

static void
opt_lladdr(const struct nd_opt *o, struct nd_lladdr *ret)
{
	if (ret->l_addr == NULL && o->o_len - 2 <= ND_MAXLL) {
		ret->l_addr = o->o_data + 2;
		ret->l_len = (uint8_t)(o->o_len - 2);
	}
}

static void
opt_take(const struct nd_opt *o, struct nd_opts *ret)
{
	switch (o->o_type) {
	case ND_OPT_SLLA:
		opt_lladdr(o, &ret->slla);
		break;
	case ND_OPT_TLLA:
		opt_lladdr(o, &ret->tlla);
		break;
	case ND_OPT_MTU:
		if (o->o_len == 8)
			ret->mtu = be32_get(o->o_data + 4);
		break;
	case ND_OPT_NONCE:
		if (o->o_len == 2 + ND_NONCELEN)
			ret->nonce = o->o_data + 2;
		break;
	case ND_OPT_REDIRECTED:
		ret->redirected = o->o_data + 8;
		ret->redirectedlen = o->o_len - 8;
		break;
	default:		/* unknown ones are ignored: section 4.6 */
		break;
	}
}

/* Every option's length is checked, also of those nobody wants. */
static int
opts_parse(const uint8_t *p, size_t len, struct nd_opts *ret)
{
	struct nd_opt o;
	size_t off = 0;
	int error;

	memset(ret, 0, sizeof(*ret));
	while ((error = nd_opt_next(p, len, &off, &o)) == 0)
		opt_take(&o, ret);
	return error == ENOENT ? 0 : error;
}

/* What sections 6.1 and 7.1 ask of all messages. */
static int
msg_check(const struct nd_msg *m, size_t minlen, struct nd_opts *ret_opts, const char **ret_why)
{
	if (m->m_hops != 255)
		*ret_why = "hop limit";
	else if (m->m_len < minlen)
		*ret_why = "short";
	else if (m->m_data[1] != 0)
		*ret_why = "code";
	else if (opts_parse(m->m_data + minlen, m->m_len - minlen, ret_opts))
		*ret_why = "option length";
	else
		return 0;
	return EINVAL;
}

static int
refuse(const char *why, const char **ret_why)
{
	*ret_why = why;
	return EINVAL;
}

static struct inaddr
addr_get(const uint8_t *p)
{
	struct inaddr a;

	memcpy(&a, p, 16);
	return a;
}

static bool
is_solicited_node(const struct inaddr *a)
{
	static const struct inaddr prefix = { .ia_b = { 0xff, 2, [11] = 1, 0xff } };

	return ip6_prefix_eq(a, &prefix, 104);
}

/* RFC 4861 section 7.1.1 */
int
nd_ns_parse(const struct nd_msg *m, struct nd_ns *ret, const char **ret_why)
{
	struct nd_opts opts;

	if (msg_check(m, 24, &opts, ret_why))
		return EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->ns_target = addr_get(m->m_data + 8);
	ret->ns_slla = opts.slla;
	ret->ns_nonce = opts.nonce;
	ret->ns_dad = inaddr_zero(&m->m_src);
	if (ip6_multicast(&ret->ns_target))
		return refuse("multicast target", ret_why);
	if (ret->ns_dad && !is_solicited_node(&m->m_dst))
		return refuse("destination of a probe", ret_why);
	if (ret->ns_dad && opts.slla.l_addr != NULL)
		return refuse("link-layer address in a probe", ret_why);
	return 0;
}

/* RFC 4861 section 7.1.2 */
int
nd_na_parse(const struct nd_msg *m, struct nd_na *ret, const char **ret_why)
{
	struct nd_opts opts;

	if (msg_check(m, 24, &opts, ret_why))
		return EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->na_target = addr_get(m->m_data + 8);
	ret->na_tlla = opts.tlla;
	ret->na_router = (m->m_data[4] & 0x80) != 0;
	ret->na_solicited = (m->m_data[4] & 0x40) != 0;
	ret->na_override = (m->m_data[4] & 0x20) != 0;
	if (ip6_multicast(&ret->na_target))
		return refuse("multicast target", ret_why);
	if (ip6_multicast(&m->m_dst) && ret->na_solicited)
		return refuse("solicited by a group", ret_why);
	return 0;
}

/* RFC 4861 section 6.1.1 */
int
nd_rs_parse(const struct nd_msg *m, struct nd_rs *ret, const char **ret_why)
{
	struct nd_opts opts;

	if (msg_check(m, 8, &opts, ret_why))
		return EINVAL;
	if (inaddr_zero(&m->m_src) && opts.slla.l_addr != NULL)
		return refuse("link-layer address from nobody", ret_why);
	ret->rs_slla = opts.slla;
	return 0;
}

/* RFC 4191 section 2.1: 10 is reserved and means medium. */
static int8_t
pref_get(uint8_t flags)
{
	static const int8_t pref[4] = {
		ND_PREF_MEDIUM, ND_PREF_HIGH, ND_PREF_MEDIUM, ND_PREF_LOW,
	};

	return pref[flags >> 3 & 3];
}

/* RFC 4861 section 6.1.2 */
int
nd_ra_parse(const struct nd_msg *m, struct nd_ra *ret, const char **ret_why)
{
	const uint8_t *p = m->m_data;
	struct nd_opts opts;

	if (msg_check(m, 16, &opts, ret_why))
		return EINVAL;
	if (!ip6_linklocal(&m->m_src))
		return refuse("source", ret_why);
	memset(ret, 0, sizeof(*ret));
	ret->ra_hops = p[4];
	ret->ra_managed = (p[5] & 0x80) != 0;
	ret->ra_other = (p[5] & 0x40) != 0;
	ret->ra_lifetime = be16_get(p + 6);
	ret->ra_pref = ret->ra_lifetime == 0 ? ND_PREF_MEDIUM : pref_get(p[5]);
	ret->ra_reachable = be32_get(p + 8);
	ret->ra_retrans = be32_get(p + 12);
	ret->ra_mtu = opts.mtu >= IP6_MINMTU ? opts.mtu : 0;
	ret->ra_slla = opts.slla;
	ret->ra_opts = p + 16;
	ret->ra_optslen = m->m_len - 16;
	return 0;
}

/* RFC 4861 section 8.1, but for whether the sender is the first hop */
int
nd_redirect_parse(const struct nd_msg *m, struct nd_redirect *ret, const char **ret_why)
{
	struct nd_opts opts;

	if (msg_check(m, 40, &opts, ret_why))
		return EINVAL;
	if (!ip6_linklocal(&m->m_src))
		return refuse("source", ret_why);
	memset(ret, 0, sizeof(*ret));
	ret->rd_target = addr_get(m->m_data + 8);
	ret->rd_dst = addr_get(m->m_data + 24);
	ret->rd_tlla = opts.tlla;
	ret->rd_packet = opts.redirected;
	ret->rd_packetlen = opts.redirectedlen;
	if (ip6_multicast(&ret->rd_dst))
		return refuse("multicast destination", ret_why);
	if (!ip6_linklocal(&ret->rd_target) && !inaddr_eq(&ret->rd_target, &ret->rd_dst))
		return refuse("target", ret_why);
	if (ip6_multicast(&ret->rd_target))
		return refuse("multicast target", ret_why);
	return 0;
}

/* --- options of router advertisements --------------------------------------- */

/* RFC 4861 section 4.6.2, 4862 section 5.5.3 (c) */
int
nd_prefix_parse(const struct nd_opt *o, struct nd_prefix *ret)
{
	const uint8_t *p = o->o_data;
	struct inaddr a;

	if (o->o_type != ND_OPT_PREFIX || o->o_len != 32 || p[2] > 128)
		return EINVAL;
	a = addr_get(p + 16);
	ret->pi_plen = p[2];
	ret->pi_onlink = (p[3] & 0x80) != 0;
	ret->pi_auto = (p[3] & 0x40) != 0;
	ret->pi_valid = be32_get(p + 4);
	ret->pi_preferred = be32_get(p + 8);
	ret->pi_prefix = ip6_masked(&a, p[2]);
	if (ip6_linklocal(&a) || ip6_multicast(&a) || ret->pi_preferred > ret->pi_valid)
		return EINVAL;
	return 0;
}

/* RFC 4191 section 2.3 */
int
nd_route_parse(const struct nd_opt *o, struct nd_route *ret)
{
	const uint8_t *p = o->o_data;
	struct inaddr a = { .ia_w = { 0 } };

	if (o->o_type != ND_OPT_ROUTE || o->o_len > 24 || p[2] > 128 ||
	    (p[2] > 64 && o->o_len < 24) || (p[2] > 0 && o->o_len < 16) ||
	    (p[3] >> 3 & 3) == 2)
		return EINVAL;
	memcpy(&a, p + 8, o->o_len - 8);
	ret->ri_plen = p[2];
	ret->ri_pref = pref_get(p[3]);
	ret->ri_lifetime = be32_get(p + 4);
	ret->ri_prefix = ip6_masked(&a, p[2]);
	if (p[2] >= 8 && (ip6_multicast(&a) || (p[2] >= 10 && ip6_linklocal(&a))))
		return EINVAL;
	return 0;
}

/* RFC 8106 section 5.1 */
int
nd_rdnss_parse(const struct nd_opt *o, struct nd_rdnss *ret)
{
	if (o->o_type != ND_OPT_RDNSS || o->o_len < 24 || (o->o_len - 8) % 16 != 0)
		return EINVAL;
	ret->dn_lifetime = be32_get(o->o_data + 4);
	ret->dn_n = 0;
	for (size_t off = 8; off < o->o_len && ret->dn_n < ND_MAXRDNSS; off += 16)
		ret->dn_addr[ret->dn_n++] = addr_get(o->o_data + off);
	return 0;
}

/* RFC 8106 section 5.2 */
int
nd_dnssl_parse(const struct nd_opt *o, struct nd_dnssl *ret)
{
	if (o->o_type != ND_OPT_DNSSL || o->o_len < 16)
		return EINVAL;
	ret->ds_lifetime = be32_get(o->o_data + 4);
	dnsname_list(o->o_data + 8, o->o_len - 8, ret->ds_search, sizeof(ret->ds_search));
	return 0;
}

/* --- building ------------------------------------------------------------------- */

static size_t
lladdr_put(uint8_t *p, uint8_t type, const uint8_t *ll, unsigned int lllen)
{
	size_t len = (2u + lllen + 7) & ~7u;

	if (ll == NULL || lllen == 0 || lllen > ND_MAXLL)
		return 0;
	memset(p, 0, len);
	p[0] = type;
	p[1] = (uint8_t)(len / 8);
	memcpy(p + 2, ll, lllen);
	return len;
}

static void
head_put(uint8_t *p, uint8_t type, size_t len)
{
	memset(p, 0, len);
	p[0] = type;
}

size_t
nd_ns_build(uint8_t *p, const struct inaddr *target, const uint8_t *slla,
    unsigned int lllen, const uint8_t *nonce)
{
	size_t len = 24;

	head_put(p, ND_NS, len);
	memcpy(p + 8, target, 16);
	len += lladdr_put(p + len, ND_OPT_SLLA, slla, lllen);
	if (nonce != NULL) {
		p[len] = ND_OPT_NONCE;
		p[len + 1] = 1;
		memcpy(p + len + 2, nonce, ND_NONCELEN);
		len += 2 + ND_NONCELEN;
	}
	return len;
}

size_t
nd_na_build(uint8_t *p, const struct nd_na *na)
{
	head_put(p, ND_NA, 24);
	p[4] = (uint8_t)((na->na_router ? 0x80 : 0) | (na->na_solicited ? 0x40 : 0) |
	    (na->na_override ? 0x20 : 0));
	memcpy(p + 8, &na->na_target, 16);
	return 24 + lladdr_put(p + 24, ND_OPT_TLLA, na->na_tlla.l_addr, na->na_tlla.l_len);
}

size_t
nd_rs_build(uint8_t *p, const uint8_t *slla, unsigned int lllen)
{
	head_put(p, ND_RS, 8);
	return 8 + lladdr_put(p + 8, ND_OPT_SLLA, slla, lllen);
}
