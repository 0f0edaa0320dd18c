/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_component.c - how DHCP joins the kernel
 */

#include <lib/string.h>
#include <net/netevent.h>
#include <net/resolver.h>
#include <sys/component.h>
#include <sys/socket.h>

#include "dhcp_impl.h"

NETVAR_DEFINE(dhcp_probe_ms, "net.dhcp.probe_ms", 100, 0, 2000,
    "milliseconds between ARP probes of an offered address; 0: no probes");

static int
dhcp_netns_init(struct netns *ns __unused_arg, void **ret_data)
{
	return ifclient_set_create("dhcp", ret_data);
}

static struct netns_ops dhcp_netns_ops = {
	.no_slot	= NETNS_SLOT_DHCP,
	.no_name	= "dhcp",
	.no_init	= dhcp_netns_init,
	.no_exit	= ifclient_set_exit,
	.no_fini	= ifclient_set_fini,
};

static void
dhcp_event(enum netevent ev, const struct netevent_info *ne)
{
	if (ev == NETEVENT_LINK_DEL)
		ifclient_poke(dhcp_set(ne->ne_ifp->if_ns), ne->ne_ifp, true);
	else if (ev == NETEVENT_CONFLICT)
		dhcp_client_conflict(ne->ne_ifp, ne->ne_addr->ia_w[0]);
}

static struct netevent_listener dhcp_listener = { .nl_event = dhcp_event };

static void
lease_resolvers(const struct dhcp_msg *dm, struct resolvers *rv)
{
	for (unsigned int i = 0; i < dm->dm_ndns; i++)
		resolvers_add(rv, AF_INET, &(struct inaddr){ .ia_w = { dm->dm_dns[i] } });
	strlcpy(rv->rv_search, dm->dm_search[0] != '\0' ? dm->dm_search : dm->dm_domain,
	    sizeof(rv->rv_search));
}

static void
dhcp_resolvers(struct ifnet *ifp, struct resolvers *rv)
{
	struct ifclient_set *cs = dhcp_set(ifp->if_ns);
	struct dhcp_client *dc;

	if (cs == NULL)
		return;
	mutex_enter(&cs->cs_lock);
	dc = dhcp_of(ifclient_of_locked(cs, ifp));
	if (dc != NULL) {
		mutex_enter(&dc->dc_ic.ic_lock);
		lease_resolvers(&dc->dc_lease.dl_msg, rv);
		mutex_exit(&dc->dc_ic.ic_lock);
	}
	mutex_exit(&cs->cs_lock);
}

static struct resolver_source dhcp_source = { .rs_name = "dhcp", .rs_get = dhcp_resolvers };

static int
dhcp_attach(void)
{
	int error;

	netvar_register(&dhcp_probe_ms);
	error = netns_register(&dhcp_netns_ops);
	if (error)
		return error;
	resolver_source_register(&dhcp_source);
	netevent_listen(&dhcp_listener);
	return 0;
}

COMPONENT(dhcp, COMPONENT_NET_PROTO, dhcp_attach);
