/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_wire.c - the header of IPv6, its extensions and their options
 *
 * Lengths come from the packet and are compared by subtraction.  Whoever
 * walks a chain of headers gives up after IP6_MAXEXT: a chain is as long as its
 * sender likes, and each packet is walked once per hop of ours.
 */

#include "ip6_wire.h"

#include <sys/errno.h>

#include <lib/bytes.h>
#include <lib/string.h>

int
ip6_fixed_parse(const uint8_t *p, size_t len, struct ip6_fixed *ret_f)
{
	uint32_t word;

	if (len < IP6_HDRLEN)
		return EINVAL;
	word = be32_get(p);
	if (word >> 28 != 6)
		return EINVAL;
	ret_f->f_tclass = (uint8_t)(word >> 20);
	ret_f->f_flow = word & 0xfffff;
	ret_f->f_plen = be16_get(p + 4);
	ret_f->f_next = p[6];
	ret_f->f_hops = p[7];
	memcpy(&ret_f->f_src, p + 8, 16);
	memcpy(&ret_f->f_dst, p + 24, 16);
	return 0;
}

void
ip6_fixed_build(uint8_t *p, const struct ip6_fixed *f)
{
	be32_put(p, 6u << 28 | (uint32_t)f->f_tclass << 20 | (f->f_flow & 0xfffff));
	be16_put(p + 4, f->f_plen);
	p[6] = f->f_next;
	p[7] = f->f_hops;
	memcpy(p + 8, &f->f_src, 16);
	memcpy(p + 24, &f->f_dst, 16);
}

void
ip6_frag_parse(const uint8_t *p, struct ip6_frag *ret_fr)
{
	uint16_t off = be16_get(p + 2);

	ret_fr->fr_next = p[0];
	ret_fr->fr_off = off & 0xfff8u;
	ret_fr->fr_more = (off & 1) != 0;
	ret_fr->fr_id = be32_get(p + 4);
}

void
ip6_frag_build(uint8_t *p, const struct ip6_frag *fr)
{
	p[0] = fr->fr_next;
	p[1] = 0;
	be16_put(p + 2, (uint16_t)(fr->fr_off | fr->fr_more));
	be32_put(p + 4, fr->fr_id);
}

int
ip6_chain_skip(const uint8_t *p, size_t len, size_t *ret_off, uint8_t *ret_proto)
{
	size_t off = IP6_HDRLEN, extlen;
	struct ip6_frag fr;
	uint8_t type;

	if (len < IP6_HDRLEN)
		return EINVAL;
	type = p[6];
	for (unsigned int n = 0; ip6_isext(type); n++) {
		if (n == IP6_MAXEXT || off > len || len - off < 8)
			return EINVAL;
		extlen = ip6_ext_len(type, p + off);
		if (type == IP6_NH_FRAGMENT) {
			ip6_frag_parse(p + off, &fr);
			if (fr.fr_off != 0)
				return ENOENT;
		}
		type = p[off];
		if (extlen > len - off)
			return EINVAL;
		off += extlen;
	}
	*ret_off = off;
	*ret_proto = type;
	return 0;
}

/* --- options ------------------------------------------------------------- */

/* RFC 8200 section 4.2: the two highest bits say what a stranger does. */
static enum ip6_verdict
option_unknown(uint8_t type)
{
	static const enum ip6_verdict action[4] = {
		IP6_OK, IP6_DROP, IP6_PARAM, IP6_PARAM_UNICAST,
	};

	return action[type >> 6];
}

static enum ip6_verdict
option_check(const uint8_t *o, struct ip6_opts *ret_o)
{
	if (o[0] == IP6_OPT_ALERT) {
		if (o[1] != 2 || ret_o->o_alert)
			return IP6_DROP;
		ret_o->o_alert = true;
		ret_o->o_alertvalue = be16_get(o + 2);
		return IP6_OK;
	}
	return option_unknown(o[0]);
}

enum ip6_verdict
ip6_opts_check(const uint8_t *p, size_t len, struct ip6_opts *ret_o)
{
	size_t off = 2, olen, pad = 0;
	enum ip6_verdict v;
	unsigned int n = 0;

	memset(ret_o, 0, sizeof(*ret_o));
	while (off < len) {
		if (p[off] == IP6_OPT_PAD1)
			olen = 1;
		else if (len - off < 2 || p[off + 1] > len - off - 2)
			return IP6_DROP;
		else
			olen = 2u + p[off + 1];
		if (p[off] == IP6_OPT_PAD1 || p[off] == IP6_OPT_PADN) {
			pad += olen;
			if (pad > IP6_MAXPAD)
				return IP6_DROP;
			off += olen;
			continue;
		}
		pad = 0;
		if (++n > IP6_MAXOPTS)
			return IP6_DROP;
		v = option_check(p + off, ret_o);
		if (v != IP6_OK) {
			ret_o->o_problem = (uint32_t)off;
			return v;
		}
		off += olen;
	}
	return IP6_OK;
}

int
ip6_opts_sound(const uint8_t *p, size_t len)
{
	size_t off = 2;

	if (len < 8 || (len & 7) != 0 || len != (p[1] + 1u) * 8)
		return EINVAL;
	while (off < len) {
		if (p[off] == IP6_OPT_PAD1) {
			off++;
			continue;
		}
		if (len - off < 2 || p[off + 1] > len - off - 2)
			return EINVAL;
		off += 2u + p[off + 1];
	}
	return 0;
}
