/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_netconf.c - settings of protocols on interfaces, as ip-netconf(8) shows them
 *
 * Ours hold for all interfaces of a name space, so each shows the same, and so do "all" and
 * "default".  They are found by their names: the protocols may not be there.
 *
 * NEEDSWORK: changes are not told to RTNLGRP_IPV4_NETCONF and RTNLGRP_IPV6_NETCONF; sysctl
 * variables would need an event of their own.
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/netconf.h>
#include <sys/errno.h>

static const struct nlpolicy netconf_policy[] = {
	[NETCONFA_IFINDEX] = { NLK_U32, 0 },
};
#define NETCONF_NATTRS	ARRAY_SIZE(netconf_policy)

static void
setting_put(struct nlbuf *nb, uint16_t attr, const struct netns *ns, const char *name)
{
	int value = 0;

	if (name != NULL)
		(void)netvar_byname(ns, name, &value);
	nlbuf_u32(nb, attr, (uint32_t)value);
}

static void
netconf_put(struct nlbuf *nb, const struct nlhead *head, const struct netns *ns, int family,
    int32_t index)
{
	struct netconfmsg ncm = { .ncm_family = (uint8_t)family };

	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &ncm, sizeof(ncm));
	nlbuf_u32(nb, NETCONFA_IFINDEX, (uint32_t)index);
	setting_put(nb, NETCONFA_FORWARDING, ns, family == AF_INET ? "net.ipv4.ip_forward" :
	    "net.ipv6.conf.all.forwarding");
	if (family == AF_INET)
		setting_put(nb, NETCONFA_RP_FILTER, ns, "net.ipv4.conf.all.rp_filter");
	setting_put(nb, NETCONFA_MC_FORWARDING, ns, NULL);
	if (family == AF_INET)
		setting_put(nb, NETCONFA_BC_FORWARDING, ns, "net.ipv4.conf.all.bc_forwarding");
	setting_put(nb, NETCONFA_PROXY_NEIGH, ns,
	    family == AF_INET ? "net.ipv4.conf.all.proxy_arp" : NULL);
	setting_put(nb, NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN, ns, NULL);
}

/* --- all ------------------------------------------------------------------------------- */

struct confwalk {
	struct nldump	*cw_d;
	struct nlbuf	*cw_nb;
	int		 cw_family;
};

static int
dump_index(struct confwalk *cw, int32_t index)
{
	if (!nldump_due(cw->cw_d))
		return 0;
	netconf_put(cw->cw_nb, &cw->cw_d->d_head, cw->cw_d->d_ns, cw->cw_family, index);
	return nldump_put(cw->cw_d, cw->cw_nb);
}

static int
dump_if(struct ifnet *ifp, void *arg)
{
	return dump_index(arg, (int32_t)ifp->if_index);
}

static int
dumpnetconf_next(struct nldump *d, struct nlbuf *nb)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct confwalk cw = { d, nb, 0 };
	int want, error = 0;

	memcpy(&want, d->d_arg, sizeof(want));
	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(families); i++) {
		cw.cw_family = families[i];
		if (want != AF_UNSPEC && want != cw.cw_family)
			continue;
		error = if_iterate(d->d_ns, dump_if, &cw);
		if (error == 0)
			error = dump_index(&cw, NETCONFA_IFINDEX_ALL);
		if (error == 0)
			error = dump_index(&cw, NETCONFA_IFINDEX_DEFAULT);
	}
	return error;
}

int
rtnl_dumpnetconf(struct nlreq *nr)
{
	struct nlview tb[NETCONF_NATTRS];
	struct netconfmsg ncm;
	int error, family;

	error = nlreq_header(nr, &ncm, sizeof(ncm));
	if (error == 0 && nr->nr_strict)
		error = nlreq_attrs(nr, sizeof(ncm), netconf_policy, NETCONF_NATTRS, true, tb);
	if (error)
		return error;
	if (nr->nr_strict && nlview_present(tb[NETCONFA_IFINDEX]))
		return nlreq_fail(nr, EINVAL, "attribute means nothing in a dump");
	family = rtaddr_len(ncm.ncm_family) != 0 ? ncm.ncm_family : AF_UNSPEC;
	return nlreq_dump(nr, RTM_NEWNETCONF, dumpnetconf_next, &family, sizeof(family));
}

/* --- one ------------------------------------------------------------------------------- */

int
rtnl_getnetconf(struct nlreq *nr)
{
	struct nlview tb[NETCONF_NATTRS];
	struct netconfmsg ncm;
	struct nlhead head;
	struct nlbuf nb;
	int32_t index;
	int error;

	error = nlreq_header(nr, &ncm, sizeof(ncm));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(ncm), netconf_policy, NETCONF_NATTRS, false, tb);
	if (error)
		return error;
	if (!nlview_present(tb[NETCONFA_IFINDEX]))
		return nlreq_misses(nr, NETCONFA_IFINDEX, "which interface?");
	index = (int32_t)nlview_u32(tb[NETCONFA_IFINDEX]);
	if (index != NETCONFA_IFINDEX_ALL && index != NETCONFA_IFINDEX_DEFAULT &&
	    if_byindex(nr->nr_ns, (uint32_t)index) == NULL)
		return nlreq_fail(nr, EINVAL, "unknown interface");
	error = nlreq_buf(&nb, 256);
	if (error)
		return error;
	nlreq_head(nr, RTM_NEWNETCONF, &head);
	netconf_put(&nb, &head, nr->nr_ns, ncm.ncm_family, index);
	(void)nlbuf_end(&nb);
	return nlreq_reply(nr, &nb);
}
