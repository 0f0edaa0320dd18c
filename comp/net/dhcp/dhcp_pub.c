/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_pub.c - DHCP for the program: start, wait, ask, stop
 */

#include <rump/dhcp.h>

#include <lib/bytes.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

#include "dhcp_impl.h"

#define PATIENCE	(60 * NSEC_PER_SEC)	/* of oneshot */

static int
start(const char *ifname, int64_t patience)
{
	struct netns *ns = netns_current();
	struct dhcp_client *dc;
	int error;

	netns_hold(ns);
	error = dhcp_client_start(ns, ifname, &dc);
	if (error != 0 && error != EEXIST)
		goto out;
	if (patience > 0) {
		/* One that ran before us is waited for, but not stopped. */
		bool mine = error == 0;

		error = dhcp_client_wait(dc, ktime_deadline(patience));
		if (error && mine)
			ifclient_stop(&dc->dc_ic);
	}
	ifclient_rele(&dc->dc_ic);
out:
	netns_rele(ns);
	return error;
}

/* --- a lease as text --------------------------------------------------------------------- */

static void
addr_text(uint32_t addr, char text[RUMP_DHCP_ADDRLEN])
{
	uint8_t b[4];

	memcpy(b, &addr, sizeof(b));
	if (addr != 0)
		(void)snprintf(text, RUMP_DHCP_ADDRLEN, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

static void
addrs_text(const uint32_t *addrs, unsigned int n, char text[][RUMP_DHCP_ADDRLEN])
{
	for (unsigned int i = 0; i < n && i < RUMP_DHCP_NADDRS; i++)
		addr_text(addrs[i], text[i]);
}

static uint32_t
gateway_of(const struct dhcp_msg *dm)
{
	for (unsigned int i = 0; i < dm->dm_nroutes; i++) {
		if (dm->dm_route[i].dr_plen == 0)
			return dm->dm_route[i].dr_gw;
	}
	return dm->dm_nroutes == 0 && dm->dm_nrouters > 0 ? dm->dm_router[0] : 0;
}

static void
lease_text(const struct dhcp_lease *dl, struct rump_dhcp_lease *rl)
{
	const struct dhcp_msg *dm = &dl->dl_msg;
	int64_t left = dl->dl_ends - clock_mono();

	addr_text(dl->dl_addr, rl->rdl_address);
	rl->rdl_prefixlen = dl->dl_plen;
	addr_text(gateway_of(dm), rl->rdl_gateway);
	addr_text(dm->dm_server, rl->rdl_server);
	addrs_text(dm->dm_dns, dm->dm_ndns, rl->rdl_dns);
	addrs_text(dm->dm_ntp, dm->dm_nntp, rl->rdl_ntp);
	strlcpy(rl->rdl_hostname, dm->dm_hostname, sizeof(rl->rdl_hostname));
	strlcpy(rl->rdl_domain, dm->dm_domain, sizeof(rl->rdl_domain));
	strlcpy(rl->rdl_search, dm->dm_search, sizeof(rl->rdl_search));
	rl->rdl_mtu = dm->dm_mtu;
	rl->rdl_seconds = dl->dl_ends == KTIME_NEVER ? -1 :
	    left > 0 ? left / NSEC_PER_SEC : 0;
}

static void
client_text(struct dhcp_client *dc, struct rump_dhcp_lease *rl)
{
	memset(rl, 0, sizeof(*rl));
	mutex_enter(&dc->dc_ic.ic_lock);
	strlcpy(rl->rdl_state, dhcp_state_name[dc->dc_state], sizeof(rl->rdl_state));
	if (dc->dc_state >= DHCP_BOUND && dc->dc_state <= DHCP_REBINDING)
		lease_text(&dc->dc_lease, rl);
	mutex_exit(&dc->dc_ic.ic_lock);
}

/* --- the calls ---------------------------------------------------------------------------- */

int
rump_pub_netconfig_dhcp_ipv4_oneshot(const char *ifname)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = start(ifname, PATIENCE);
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_dhcp_ipv4_start(const char *ifname)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = start(ifname, 0);
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_dhcp_ipv4_stop(const char *ifname)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = ifclient_stop_byname(NETNS_SLOT_DHCP, ifname);
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_dhcp_ipv4_lease(const char *ifname, struct rump_dhcp_lease *ret_lease)
{
	struct dhcp_client *dc;
	int error = kcontext_enter();

	if (error)
		return error;
	dc = dhcp_of(ifclient_find(dhcp_set(netns_current()), ifname));
	if (dc != NULL) {
		client_text(dc, ret_lease);
		ifclient_rele(&dc->dc_ic);
	}
	kcontext_leave();
	return dc != NULL ? 0 : ENOENT;
}
