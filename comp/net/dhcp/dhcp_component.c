/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_component.c - how DHCP joins the kernel
 */

#include <net/netevent.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kmem.h>

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
}

static struct netevent_listener dhcp_listener = { .nl_event = dhcp_event };

static int
dhcp_attach(void)
{
	int error;

	netvar_register(&dhcp_probe_ms);
	error = netns_register(&dhcp_netns_ops);
	if (error == 0)
		netevent_listen(&dhcp_listener);
	return error;
}

COMPONENT(dhcp, COMPONENT_NET_PROTO, dhcp_attach);
