/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_config.c - from a lease to an address, routes and an MTU, and back
 *
 * What is there already, because a person set it, stays theirs: it is neither
 * changed nor removed.  Routes have a metric of 100 and the interface's index, so
 * that two interfaces may both offer a way out and the one that came first
 * is taken, and RTPROT_DHCP says whose they are.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <net/netevent.h>
#include <sys/socket.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/log.h>

#include "dhcp_impl.h"

#define METRIC		100
#define MTU_LEAST	576		/* a smaller one is an attack, not a link: RFC 791 */

static uint32_t
prefix_mask(uint8_t plen)
{
	return net32(plen == 0 ? 0 : 0xffffffffu << (32 - plen));
}

/* --- the address ------------------------------------------------------------------- */

static void
addr_times(struct ifaddr *ifa, const struct dhcp_lease *dl)
{
	ifa->ifa_valid = ifa->ifa_preferred = dl->dl_ends;
}

static void
addr_model(const struct dhcp_lease *dl, struct ifaddr *model)
{
	const struct dhcp_msg *dm = &dl->dl_msg;

	memset(model, 0, sizeof(*model));
	model->ifa_family = AF_INET;
	model->ifa_addr.ia_w[0] = model->ifa_peer.ia_w[0] = dl->dl_addr;
	model->ifa_plen = dl->dl_plen;
	if (dl->dl_plen < 31)
		model->ifa_broadcast.ia_w[0] = dm->dm_broadcast != 0 ? dm->dm_broadcast :
		    dl->dl_addr | ~prefix_mask(dl->dl_plen);
	model->ifa_scope = RT_SCOPE_UNIVERSE;
	addr_times(model, dl);
}

static int
addr_add_locked(struct dhcp_client *dc, const struct dhcp_lease *dl)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct dhcp_config *dg = &dc->dc_config;
	struct ifaddr model, *ifa = NULL;
	int error;

	addr_model(dl, &model);
	strlcpy(model.ifa_label, dc->dc_ic.ic_ifp->if_name, sizeof(model.ifa_label));
	if (dl->dl_ends == KTIME_NEVER)
		model.ifa_flags = IFA_F_PERMANENT;
	error = ifaddr_add(dc->dc_ic.ic_ifp, &model, &ifa);
	if (error == EEXIST)
		return 0;
	if (error)
		return error;
	dg->dg_addr_set = true;
	dg->dg_addr = model.ifa_addr;
	dg->dg_plen = model.ifa_plen;
	return 0;
}

/* A longer lease of the same address. */
static void
addr_extend_locked(struct dhcp_client *dc, const struct dhcp_lease *dl)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct netevent_info ne = { .ne_ns = dc->dc_ic.ic_ns, .ne_ifp = dc->dc_ic.ic_ifp,
	    .ne_nlflags = NLM_F_REPLACE };
	struct ifaddr *ifa = ifaddr_find(dc->dc_ic.ic_ns, AF_INET, &dc->dc_config.dg_addr,
	    dc->dc_ic.ic_ifp);

	if (ifa == NULL)
		return;			/* somebody took it away: so be it */
	addr_times(ifa, dl);
	ifa->ifa_updated = clock_mono();
	ne.ne_ifa = ifa;
	netevent_tell(NETEVENT_ADDR_NEW, &ne);
}

static void
addr_del_locked(struct dhcp_client *dc) REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct dhcp_config *dg = &dc->dc_config;

	if (dg->dg_addr_set && !dc->dc_ic.ic_ifp->if_dying)
		(void)ifaddr_del(dc->dc_ic.ic_ifp, AF_INET, &dg->dg_addr, dg->dg_plen);
	dg->dg_addr_set = false;
}

/* --- routes ---------------------------------------------------------------------------- */

static void
route_put(const struct dhcp_client *dc, const struct dhcp_lease *dl, struct rtconfig *rc,
    uint32_t dst, uint8_t plen, uint32_t gw)
{
	struct rthop *nh = &rc->rc_hop[0];

	memset(rc, 0, sizeof(*rc));
	rc->rc_family = AF_INET;
	rc->rc_dst.ia_w[0] = dst;
	rc->rc_plen = plen;
	rc->rc_type = RTN_UNICAST;
	rc->rc_scope = gw == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rc->rc_protocol = RTPROT_DHCP;
	rc->rc_table = RT_TABLE_MAIN;
	rc->rc_metric = METRIC + dc->dc_ic.ic_ifp->if_index;
	rc->rc_prefsrc.ia_w[0] = dl->dl_addr;
	rc->rc_nhops = 1;
	nh->nh_ifindex = dc->dc_ic.ic_ifp->if_index;
	nh->nh_weight = 1;
	if (gw == 0)
		return;
	nh->nh_gwfamily = AF_INET;
	nh->nh_gw.ia_w[0] = gw;
	/* Some nets are one address wide, with the router outside. */
	if (((gw ^ dl->dl_addr) & prefix_mask(dl->dl_plen)) != 0)
		nh->nh_flags = RTNH_F_ONLINK;
}

/* Classless routes are instead of the router: RFC 3442. */
static unsigned int
routes_of(const struct dhcp_client *dc, const struct dhcp_lease *dl,
    struct rtconfig routes[DHCP_NROUTES])
{
	const struct dhcp_msg *dm = &dl->dl_msg;

	for (unsigned int i = 0; i < dm->dm_nroutes; i++)
		route_put(dc, dl, &routes[i], dm->dm_route[i].dr_dst, dm->dm_route[i].dr_plen,
		    dm->dm_route[i].dr_gw);
	if (dm->dm_nroutes > 0 || dm->dm_nrouters == 0)
		return dm->dm_nroutes;
	route_put(dc, dl, &routes[0], 0, 0, dm->dm_router[0]);
	return 1;
}

static void
routes_del_locked(struct dhcp_client *dc) REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct dhcp_config *dg = &dc->dc_config;

	while (dg->dg_nroutes > 0) {
		dg->dg_nroutes--;
		(void)route_del(dc->dc_ic.ic_ns, &dg->dg_route[dg->dg_nroutes]);
	}
}

/* One that the tables refuse is left out: it is the server's word, not ours. */
static int
routes_add_locked(struct dhcp_client *dc, const struct rtconfig *routes, unsigned int n)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct dhcp_config *dg = &dc->dc_config;
	int error;

	for (unsigned int i = 0; i < n; i++) {
		error = route_add(dc->dc_ic.ic_ns, &routes[i], NLM_F_CREATE | NLM_F_EXCL);
		if (error == ENOMEM)
			return error;
		if (error)
			log_printf(LOG_WARNING, "%s: DHCP: a route was refused: %d",
			    dc->dc_ic.ic_ifp->if_name, error);
		else
			dg->dg_route[dg->dg_nroutes++] = routes[i];
	}
	return 0;
}

/* --- MTU ----------------------------------------------------------------------------- */

static void
mtu_restore_locked(struct dhcp_client *dc) REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct dhcp_config *dg = &dc->dc_config;
	struct ifnet *ifp = dc->dc_ic.ic_ifp;

	if (dg->dg_mtu != 0 && ifp->if_mtu == dg->dg_mtu && !ifp->if_dying)
		(void)if_setmtu(ifp, dg->dg_mtu_was);
	dg->dg_mtu = 0;
}

static void
mtu_set_locked(struct dhcp_client *dc, uint32_t mtu) REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct dhcp_config *dg = &dc->dc_config;
	uint32_t was = dc->dc_ic.ic_ifp->if_mtu;

	if (mtu < MTU_LEAST || mtu == was || mtu == dg->dg_mtu)
		return;
	if (if_setmtu(dc->dc_ic.ic_ifp, mtu) != 0)
		return;			/* more than the link can */
	if (dg->dg_mtu == 0)
		dg->dg_mtu_was = was;
	dg->dg_mtu = mtu;
}

/* --- all of it ----------------------------------------------------------------------- */

static bool
routes_same(const struct dhcp_config *dg, const struct rtconfig *routes, unsigned int n)
{
	return n == dg->dg_nroutes &&
	    (n == 0 || memcmp(dg->dg_route, routes, n * sizeof(*routes)) == 0);
}

static int
configure_locked(struct dhcp_client *dc, const struct dhcp_lease *dl, struct rtconfig *routes)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct dhcp_config *dg = &dc->dc_config;
	unsigned int n;
	int error = 0;

	if (dc->dc_ic.ic_ifp->if_dying)
		return ENODEV;
	if (dg->dg_addr_set && dg->dg_plen == dl->dl_plen &&
	    dg->dg_addr.ia_w[0] == dl->dl_addr) {
		addr_extend_locked(dc, dl);
	} else {
		routes_del_locked(dc);
		addr_del_locked(dc);
		error = addr_add_locked(dc, dl);
		if (error)
			return error;
	}
	mtu_set_locked(dc, dl->dl_msg.dm_mtu);
	n = routes_of(dc, dl, routes);
	if (routes_same(dg, routes, n))
		return 0;
	routes_del_locked(dc);
	return routes_add_locked(dc, routes, n);
}

static void
unconfigure_locked(struct dhcp_client *dc) REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	routes_del_locked(dc);
	mtu_restore_locked(dc);
	addr_del_locked(dc);
}

int
dhcp_configure(struct dhcp_client *dc)
{
	size_t size = DHCP_NROUTES * sizeof(struct rtconfig);
	struct rtconfig *routes = kmem_alloc(size, KM_SLEEP);
	int error;

	if (routes == NULL)
		return ENOMEM;
	mutex_enter(&dc->dc_ic.ic_ns->ns_lock);
	error = configure_locked(dc, &dc->dc_fsm.df_lease, routes);
	if (error)
		unconfigure_locked(dc);
	mutex_exit(&dc->dc_ic.ic_ns->ns_lock);
	kmem_free(routes, size);
	return error;
}

void
dhcp_unconfigure(struct dhcp_client *dc)
{
	mutex_enter(&dc->dc_ic.ic_ns->ns_lock);
	unconfigure_locked(dc);
	mutex_exit(&dc->dc_ic.ic_ns->ns_lock);
}
