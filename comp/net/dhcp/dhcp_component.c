/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_component.c - how DHCP joins the kernel
 */

#include <lib/string.h>
#include <net/netevent.h>
#include <net/resolver.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/socket.h>

#include "dhcp_impl.h"

NETVAR_DEFINE(dhcp_probe_ms, "net.dhcp.probe_ms", 100, 0, 2000,
    "milliseconds between ARP probes of an offered address; 0: no probes");

static int
dhcp_netns_init(struct netns *ns __unused_arg, void **ret_data)
{
	struct dhcp_netns *dn = kmem_zalloc(sizeof(*dn), KM_SLEEP);
	int error;

	if (dn == NULL)
		return ENOMEM;
	error = workqueue_create("dhcp", 1, &dn->dn_queue);
	if (error) {
		kmem_free(dn, sizeof(*dn));
		return error;
	}
	mutex_init(&dn->dn_lock, "dhcp");
	list_init(&dn->dn_clients);
	*ret_data = dn;
	return 0;
}

static void
dhcp_netns_exit(struct netns *ns __unused_arg, void *data)
{
	dhcp_client_netns_exit(data);
}

static void
dhcp_netns_fini(struct netns *ns __unused_arg, void *data)
{
	struct dhcp_netns *dn = data;

	workqueue_destroy(dn->dn_queue);
	mutex_destroy(&dn->dn_lock);
	kmem_free(dn, sizeof(*dn));
}

static struct netns_ops dhcp_netns_ops = {
	.no_slot	= NETNS_SLOT_DHCP,
	.no_name	= "dhcp",
	.no_init	= dhcp_netns_init,
	.no_exit	= dhcp_netns_exit,
	.no_fini	= dhcp_netns_fini,
};

static void
dhcp_event(enum netevent ev, const struct netevent_info *ne)
{
	if (ev == NETEVENT_LINK_DEL)
		dhcp_client_ifgone(ne->ne_ifp);
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
	struct dhcp_netns *dn = netns_data(ifp->if_ns, NETNS_SLOT_DHCP);
	struct list_node *n;

	if (dn == NULL)
		return;
	mutex_enter(&dn->dn_lock);
	LIST_FOREACH(n, &dn->dn_clients) {
		struct dhcp_client *dc = container_of(n, struct dhcp_client, dc_link);

		if (dc->dc_ifp != ifp)
			continue;
		mutex_enter(&dc->dc_lock);
		lease_resolvers(&dc->dc_lease.dl_msg, rv);
		mutex_exit(&dc->dc_lock);
	}
	mutex_exit(&dn->dn_lock);
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
