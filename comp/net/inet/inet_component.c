/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_component.c - TCP/IP joins the kernel
 *
 * IPv4, what both families share, and the protocols above them.  IPv6 is a component of its
 * own and finds all of this in place: protocols start after the net faction, in
 * no order among themselves, and the tables of inet_proto.c wait for both.
 */

#include <lib/string.h>
#include <linux/if_arp.h>
#include <net/ifnet.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/log.h>

#include "inet_impl.h"
#include "ip_impl.h"
#include "ip_mcast_impl.h"
#include "raw_impl.h"
#include "tcp_impl.h"
#include "udp_impl.h"

/* --- a name space --------------------------------------------------------- */

static int
ip_ns_init(struct netns *ns, void **ret_data)
{
	struct ip_ns *in = kmem_zalloc(sizeof(*in), KM_SLEEP);
	int error;

	if (in == NULL)
		return ENOMEM;
	in->in_ns = ns;
	error = ip_reasm_create(in);
	if (error)
		goto fail_ns;
	error = icmp_limit_create(in);
	if (error)
		goto fail_reasm;
	*ret_data = in;
	return 0;

fail_reasm:
	ip_reasm_destroy(in);
fail_ns:
	kmem_free(in, sizeof(*in));
	return error;
}

static void
ip_ns_fini(struct netns *ns, void *data)
{
	struct ip_ns *in = data;

	icmp_limit_destroy(in);
	ip_reasm_destroy(in);
	kmem_free(in, sizeof(*in));
}

static struct netns_ops ip_ns_ops = {
	.no_slot = NETNS_SLOT_IP, .no_name = "ip", .no_init = ip_ns_init, .no_fini = ip_ns_fini,
};

/* --- interfaces and their addresses --------------------------------------- */

static int
ip_ifattach(struct ifnet *ifp)
{
	struct in_ifinfo *ii = kmem_zalloc(sizeof(*ii), KM_SLEEP);
	int error;

	if (ii == NULL)
		return ENOMEM;
	error = ip_mcif_create(ifp, &ii->ii_mc);
	if (error) {
		kmem_free(ii, sizeof(*ii));
		return error;
	}
	__atomic_store_n(&ifp->if_inet, ii, __ATOMIC_RELEASE);
	return 0;
}

static void
ifinfo_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct in_ifinfo, ii_qsbr), sizeof(struct in_ifinfo));
}

static void
ip_ifdetach(struct ifnet *ifp)
{
	struct in_ifinfo *ii = ip_ifinfo(ifp);

	if (ii == NULL)
		return;
	__atomic_store_n(&ifp->if_inet, NULL, __ATOMIC_RELEASE);
	ip_mcif_destroy(ii->ii_mc);
	qsbr_call(&ii->ii_qsbr, ifinfo_free);
}

static int
ip_ifaddr_check(struct ifnet *ifp, struct ifaddr *ifa)
{
	const struct inaddr *a = &ifa->ifa_addr;

	if (ifa->ifa_plen > 32 || in_multicast(a) || a->ia_w[0] == INADDR_BROADCAST ||
	    inaddr_zero(a))
		return EINVAL;
	return 0;
}

static void
ip_ifaddr_added(struct ifnet *ifp, struct ifaddr *ifa)
{
	if (netvar_get(ifp->if_ns, &netvar_arp_notify) != 0)
		arp_announce(ifp, &ifa->ifa_addr);
}

/* RFC 1122 section 3.2.1.3 (g): lo has its address as soon as it is up. */
static void
loopback_address(struct ifnet *ifp)
{
	static const struct inaddr addr = { .ia_b = { 127, 0, 0, 1 } };
	struct ifaddr model = {
		.ifa_family = AF_INET, .ifa_addr = addr, .ifa_peer = addr, .ifa_plen = 8,
		.ifa_scope = RT_SCOPE_HOST, .ifa_flags = IFA_F_PERMANENT,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
	};
	int error;

	if (ifaddr_find(ifp->if_ns, AF_INET, &addr, ifp) != NULL)
		return;
	strlcpy(model.ifa_label, ifp->if_name, sizeof(model.ifa_label));
	error = ifaddr_add(ifp, &model, NULL);
	if (error)
		log_printf(LOG_ERR, "%s: no loopback address: error %d", ifp->if_name, error);
}

static void
ip_ifup(struct ifnet *ifp)
{
	const struct list_node *n;

	if ((ifp->if_flags & IFF_LOOPBACK) != 0)
		loopback_address(ifp);
	ip_mcif_up(ifp);
	LIST_FOREACH(n, &ifp->if_addrs) {
		const struct ifaddr *ifa = container_of(n, const struct ifaddr, ifa_iflink);

		if (ifa->ifa_family == AF_INET &&
		    netvar_get(ifp->if_ns, &netvar_arp_notify) != 0)
			arp_announce(ifp, &ifa->ifa_addr);
	}
}

static struct ifaddr_family ip_addr_family = {
	.af_family	= AF_INET,
	.af_check	= ip_ifaddr_check,
	.af_added	= ip_ifaddr_added,
	.af_ifattach	= ip_ifattach,
	.af_ifup	= ip_ifup,
	.af_ifdown	= ip_mcif_down,
	.af_ifdetach	= ip_ifdetach,
};

static struct l3proto ip_l3proto = {
	.l3_ethertype	= ETHERTYPE_IP,
	.l3_input	= ip_input,
	.l3_merge	= ip_merge,
};

/* --- the component -------------------------------------------------------- */

static int
inet_start(void)
{
	int error;

	error = inet_vars_init();
	if (!error)
		error = ip_output_init();
	if (!error)
		error = netns_register(&ip_ns_ops);
	if (!error)
		error = inet_raw_init();
	if (!error)
		error = udp_init();
	if (!error)
		error = tcp_component_init();
	if (error)
		return error;
	inet_af_register(&ip_af);
	inet_proto_register(&icmp_proto);
	inet_proto_register(&igmp_proto);
	ifaddr_family_register(&ip_addr_family);
	arp_init();
	l3proto_register(&ip_l3proto);
	return 0;
}

COMPONENT(inet, COMPONENT_NET_PROTO, inet_start);
