/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_component.c - IPv6 as a component, and what TCP and UDP see of it
 */

#include "ip6_impl.h"

#include <net/resolver.h>
#include <sys/component.h>

#include <lib/bytes.h>

static uint32_t
ip6_pseudo(const struct inaddr *src, const struct inaddr *dst, uint8_t proto, uint32_t len)
{
	uint32_t sum = net16(proto) + net16(len & 0xffff) + net16(len >> 16);

	for (unsigned int i = 0; i < 4; i++) {
		sum += (src->ia_w[i] & 0xffff) + (src->ia_w[i] >> 16);
		sum += (dst->ia_w[i] & 0xffff) + (dst->ia_w[i] >> 16);
	}
	return sum;
}

/* IPv6 has none. */
static bool
ip6_isbroadcast(struct netns *ns, const struct inaddr *a, uint32_t ifindex)
{
	return false;
}

static bool
ip6_ismulticast(const struct inaddr *a)
{
	return ip6_multicast(a);
}

const struct inet_af ip6_af = {
	.ia_family	= AF_INET6,
	.ia_addrlen	= 16,
	.ia_hdrlen	= IP6_HDRLEN,
	.ia_minmtu	= IP6_MINMTU,
	.ia_output	= ip6_output,
	.ia_pseudo	= ip6_pseudo,
	.ia_islocal	= ip6_islocal,
	.ia_ismulticast	= ip6_ismulticast,
	.ia_isbroadcast	= ip6_isbroadcast,
	.ia_error	= ip6_error,
	.ia_setopt	= ip6_setopt,
	.ia_getopt	= ip6_getopt,
	.ia_mcast_allowed = ip6_mcast_allowed,
	.ia_pcbfree	= ip6_pcbfree,
	.ia_put_cmsgs	= ip6_put_cmsgs,
	.ia_get_cmsg	= ip6_get_cmsg,
	.ia_tx		= ip6_tx,
	.ia_rtkey	= ip6_rtkey,
};

static struct l3proto ip6_l3 = {
	.l3_ethertype	= IP6_ETHERTYPE,
	.l3_input	= ip6_input,
	.l3_merge	= ip6_merge,
};

static const struct inet_proto icmp6_proto = {
	.ip_proto	= IPPROTO_ICMPV6,
	.ip_input	= icmp6_input,
};

/* Nobody answered for a neighbour: RFC 4861 section 7.2.2. */
static void
ip6_unreachable(struct ifnet *ifp, struct packet *p)
{
	icmp6_error(ifp, p, ICMP6_UNREACH, 3, 0);
	packet_free(p);
}

static struct neigh_family ip6_neigh = {
	.nf_family	= AF_INET6,
	.nf_ethertype	= IP6_ETHERTYPE,
	.nf_solicit	= nd_solicit,
	.nf_unreachable	= ip6_unreachable,
};

static struct resolver_source ip6_source = { .rs_name = "ra", .rs_get = nd_resolvers };

static int
ip6_attach(void)
{
	int error;

	ip6_var_attach();
	error = ip6_netns_attach();
	if (error)
		return error;
	neigh_family_register(&ip6_neigh);
	inet_af_register(&ip6_af);
	inet_proto_register(&icmp6_proto);
	ip6_if_attach();
	l3proto_register(&ip6_l3);
	resolver_source_register(&ip6_source);
	return 0;
}

COMPONENT(inet6, COMPONENT_NET_PROTO, ip6_attach);
