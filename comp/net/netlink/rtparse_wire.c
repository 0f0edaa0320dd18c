/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtparse_wire.c - addresses, metrics and next hops out of attributes
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/rtnetlink.h>
#include <sys/errno.h>

size_t
rtaddr_len(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

int
rtaddr_view(int family, struct nlview v, struct inaddr *ret_addr)
{
	size_t len = rtaddr_len(family);

	if (len == 0 || v.nv_len != len)
		return EINVAL;
	memset(ret_addr, 0, sizeof(*ret_addr));
	memcpy(ret_addr, v.nv_data, len);
	return 0;
}

bool
rtaddr_mask(struct inaddr *a, int family, unsigned int plen)
{
	bool any = false;
	uint8_t keep;

	for (size_t i = 0; i < rtaddr_len(family); i++) {
		keep = plen >= 8 * (i + 1) ? 0xff :
		    plen <= 8 * i ? 0 : (uint8_t)(0xff00 >> (plen - 8 * i));
		any = any || (a->ia_b[i] & ~keep) != 0;
		a->ia_b[i] &= keep;
	}
	return any;
}

int
rtmetrics_parse(struct nlview v, struct rtconfig *rc, struct nlerr *err)
{
	struct nliter it = { v.nv_data, v.nv_len };
	struct nlview one;
	uint16_t type;
	uint32_t n;

	while (nliter_next(&it, &type, &one)) {
		if (type == 0 || type == RTAX_CC_ALGO)
			continue;
		if (type > RTAX_MAX || one.nv_len < 4) {
			err->ne_text = "unknown or short metric";
			return EINVAL;
		}
		n = nlview_u32(one);
		if (type == RTAX_MTU)
			rc->rc_mtu = n > 65535 - 15 ? 65535 - 15 : n;
		else if (type == RTAX_ADVMSS)
			rc->rc_advmss = n > 65535 - 40 ? 65535 - 40 : n;
		else if (type == RTAX_WINDOW)
			rc->rc_window = n;
		else if (type == RTAX_INITCWND)
			rc->rc_initcwnd = n;
		else if (type == RTAX_HOPLIMIT)
			rc->rc_hoplimit = n > 255 ? 255 : n;
		/* The others are hints that nobody here asks for. */
	}
	return 0;
}

/* struct rtvia: a family of 16 bits, and that family's address. */
int
rtvia_parse(struct nlview v, struct rthop *hop)
{
	struct nlview addr;
	uint16_t family;

	if (v.nv_len < sizeof(family))
		return EINVAL;
	memcpy(&family, v.nv_data, sizeof(family));
	addr = (struct nlview){ v.nv_data + sizeof(family),
	    v.nv_len - (uint32_t)sizeof(family) };
	hop->nh_gwfamily = family;
	return rtaddr_view(family, addr, &hop->nh_gw);
}

static const struct nlpolicy hop_policy[] = {
	[RTA_GATEWAY]	= { NLK_ADDR, 0 },
	[RTA_VIA]	= { NLK_ANY, 2 },
};

static int
hop_parse(int family, const struct rtnexthop *nh, const uint8_t *attrs, size_t len,
    struct rthop *hop, struct nlerr *err)
{
	struct nlview tb[ARRAY_SIZE(hop_policy)];
	int error;

	memset(hop, 0, sizeof(*hop));
	if (nh->rtnh_ifindex < 0 || nh->rtnh_hops == 255) {
		err->ne_text = "impossible next hop";
		return EINVAL;
	}
	hop->nh_ifindex = (uint32_t)nh->rtnh_ifindex;
	hop->nh_weight = (uint8_t)(nh->rtnh_hops + 1);
	hop->nh_flags = nh->rtnh_flags & RTNH_F_ONLINK;
	if ((nh->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0) {
		err->ne_text = "what is dead or down is found out here";
		return EINVAL;
	}
	error = nlattrs_parse(attrs, len, hop_policy, ARRAY_SIZE(hop_policy), false, tb, err);
	if (error)
		return error;
	if (nlview_present(tb[RTA_GATEWAY]) && nlview_present(tb[RTA_VIA])) {
		err->ne_text = "a gateway twice";
		return EINVAL;
	}
	if (nlview_present(tb[RTA_GATEWAY])) {
		hop->nh_gwfamily = family;
		return rtaddr_view(family, tb[RTA_GATEWAY], &hop->nh_gw);
	}
	return nlview_present(tb[RTA_VIA]) ? rtvia_parse(tb[RTA_VIA], hop) : 0;
}

int
rthops_parse(int family, struct nlview v, struct rtconfig *rc, struct nlerr *err)
{
	const uint8_t *at = v.nv_data;
	size_t len = v.nv_len, step;
	struct rtnexthop nh;
	int error;

	rc->rc_nhops = 0;
	while (len >= sizeof(nh)) {
		memcpy(&nh, at, sizeof(nh));
		if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > len)
			break;
		if (rc->rc_nhops == RT_MAXHOPS) {
			err->ne_text = "too many next hops";
			return EINVAL;
		}
		error = hop_parse(family, &nh, at + sizeof(nh), nh.rtnh_len - sizeof(nh),
		    &rc->rc_hop[rc->rc_nhops], err);
		if (error)
			return error;
		rc->rc_nhops++;
		step = RTNH_ALIGN((size_t)nh.rtnh_len);
		if (step > len)
			step = len;
		at += step;
		len -= step;
	}
	if (len > 0 || rc->rc_nhops == 0) {
		err->ne_text = "malformed next hops";
		return EINVAL;
	}
	return 0;
}
