/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_component.c - how DHCPv6 joins the kernel
 */

#include <lib/string.h>
#include <linux/if_addr.h>
#include <net/inet.h>
#include <net/netevent.h>
#include <net/resolver.h>
#include <sys/component.h>
#include <sys/socket.h>

#include "dhcp6_impl.h"

NETVAR_DEFINE(dhcp6_var_auto, "net.dhcp6.auto", 1, 0, 1,
    "ask servers for what routers say that they have");
NETVAR_DEFINE(dhcp6_var_rapid, "net.dhcp6.rapid_commit", 1, 0, 1,
    "offer servers to do with two messages instead of four");

static int
dhcp6_netns_init(struct netns *ns __unused_arg, void **ret_data)
{
	return ifclient_set_create("dhcp6", ret_data);
}

static struct netns_ops dhcp6_netns_ops = {
	.no_slot	= NETNS_SLOT_DHCP6,
	.no_name	= "dhcp6",
	.no_init	= dhcp6_netns_init,
	.no_exit	= ifclient_set_exit,
	.no_fini	= ifclient_set_fini,
};

/* An address that is no longer tentative lets a client begin, or use it. */
static void
dhcp6_event(enum netevent ev, const struct netevent_info *ne)
{
	if (ev == NETEVENT_LINK_DEL)
		ifclient_poke(dhcp6_set(ne->ne_ifp->if_ns), ne->ne_ifp, true);
	else if (ev == NETEVENT_ADDR_NEW && ne->ne_ifa->ifa_family == AF_INET6)
		ifclient_poke(dhcp6_set(ne->ne_ifa->ifa_ifp->if_ns), ne->ne_ifa->ifa_ifp, false);
	else if (ev == NETEVENT_ROUTER && ne->ne_router != 0)
		dhcp6_client_advised(ne->ne_ifp,
		    (ne->ne_router & NETEVENT_ROUTER_MANAGED) != 0);
}

static struct netevent_listener dhcp6_listener = { .nl_event = dhcp6_event };

static struct udp_service dhcp6_service = {
	.us_family	= AF_INET6,
	.us_port	= DHCP6_CLIENT_PORT,
	.us_input	= dhcp6_input,
};

static void
dhcp6_resolvers(struct ifnet *ifp, struct resolvers *rv)
{
	struct ifclient_set *cs = dhcp6_set(ifp->if_ns);
	struct dhcp6_client *dc;

	if (cs == NULL)
		return;
	mutex_enter(&cs->cs_lock);
	dc = dhcp6_of(ifclient_of_locked(cs, ifp));
	if (dc != NULL) {
		const struct dhcp6_msg *dm = &dc->dc_lease.dl_msg;

		mutex_enter(&dc->dc_ic.ic_lock);
		for (unsigned int i = 0; i < dm->dm_ndns; i++)
			resolvers_add(rv, AF_INET6, &dm->dm_dns[i]);
		strlcpy(rv->rv_search, dm->dm_search, sizeof(rv->rv_search));
		mutex_exit(&dc->dc_ic.ic_lock);
	}
	mutex_exit(&cs->cs_lock);
}

static struct resolver_source dhcp6_source = {
	.rs_name	= "dhcp6",
	.rs_get		= dhcp6_resolvers,
};

static int
dhcp6_attach(void)
{
	int error;

	netvar_register(&dhcp6_var_auto);
	netvar_register(&dhcp6_var_rapid);
	error = netns_register(&dhcp6_netns_ops);
	if (error)
		return error;
	udp_service_register(&dhcp6_service);
	resolver_source_register(&dhcp6_source);
	netevent_listen(&dhcp6_listener);
	return 0;
}

COMPONENT(dhcp6, COMPONENT_NET_PROTO, dhcp6_attach);
