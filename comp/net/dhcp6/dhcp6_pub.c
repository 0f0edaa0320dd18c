/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_pub.c - DHCPv6 for the program: start, wait, ask, stop
 */

#include <rump/dhcp.h>

#include <lib/ipaddr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

#include "dhcp6_impl.h"

#define PATIENCE	(60 * NSEC_PER_SEC)	/* of oneshot */

static int
start(const char *ifname, bool managed, int64_t patience)
{
	struct netns *ns = netns_current();
	struct dhcp6_client *dc;
	int error;

	netns_hold(ns);
	error = dhcp6_client_start(ns, ifname, managed, &dc);
	if (error != 0 && error != EEXIST)
		goto out;
	if (patience > 0) {
		/* One that ran before us is waited for, but not stopped. */
		bool mine = error == 0;

		error = dhcp6_client_wait(dc, managed, ktime_deadline(patience));
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
servers_text(const struct inaddr *list, unsigned int n, char text[][RUMP_DHCP_ADDRLEN])
{
	_Static_assert(RUMP_DHCP_ADDRLEN >= IPADDR_TEXTLEN, "an address fits");
	for (unsigned int i = 0; i < n && i < RUMP_DHCP_NADDRS; i++)
		(void)ipaddr_format6(list[i].ia_b, text[i]);
}

static void
duid_text(const struct dhcp6_duid *du, char text[RUMP_DHCP6_DUIDLEN])
{
	_Static_assert(RUMP_DHCP6_DUIDLEN > 2 * DHCP6_DUIDMAX, "a DUID fits");
	for (unsigned int i = 0; i < du->du_len; i++)
		(void)snprintf(text + 2 * (size_t)i, 3, "%02x", du->du_data[i]);
}

static int64_t
seconds_left(int64_t ends, int64_t now)
{
	if (ends == KTIME_NEVER)
		return -1;
	return ends > now ? (ends - now) / NSEC_PER_SEC : 0;
}

static void
lease_text(const struct dhcp6_client *dc, struct rump_dhcp6_lease *rl)
{
	const struct dhcp6_lease *dl = &dc->dc_lease;
	const struct dhcp6_msg *dm = &dl->dl_msg;
	int64_t now = clock_mono();

	_Static_assert(DHCP6_NADDRS <= RUMP_DHCP_NADDRS, "all of them fit");
	rl->rd6_naddrs = dl->dl_n;
	for (unsigned int i = 0; i < dl->dl_n; i++) {
		const struct dhcp6_binding *db = &dl->dl_addr[i];

		(void)ipaddr_format6(db->db_addr.ia_b, rl->rd6_addr[i].rd6_address);
		rl->rd6_addr[i].rd6_preferred = seconds_left(db->db_preferred, now);
		rl->rd6_addr[i].rd6_valid = seconds_left(db->db_valid, now);
	}
	servers_text(dm->dm_dns, dm->dm_ndns, rl->rd6_dns);
	servers_text(dm->dm_ntp, dm->dm_nntp, rl->rd6_ntp);
	strlcpy(rl->rd6_search, dm->dm_search, sizeof(rl->rd6_search));
	if (dm->dm_type != 0)
		duid_text(&dc->dc_server, rl->rd6_server);
}

static void
client_text(struct dhcp6_client *dc, struct rump_dhcp6_lease *rl)
{
	memset(rl, 0, sizeof(*rl));
	mutex_enter(&dc->dc_ic.ic_lock);
	strlcpy(rl->rd6_state, dhcp6_state_name[dc->dc_state], sizeof(rl->rd6_state));
	lease_text(dc, rl);
	mutex_exit(&dc->dc_ic.ic_lock);
}

/* --- the calls ---------------------------------------------------------------------------- */

int
rump_pub_netconfig_dhcp_ipv6_oneshot(const char *ifname)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = start(ifname, true, PATIENCE);
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_dhcp_ipv6_start(const char *ifname, int flags)
{
	int error;

	if ((flags & ~RUMP_DHCP6_INFORMATION) != 0)
		return EINVAL;
	error = kcontext_enter();
	if (error)
		return error;
	error = start(ifname, (flags & RUMP_DHCP6_INFORMATION) == 0, 0);
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_dhcp_ipv6_stop(const char *ifname)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = ifclient_stop_byname(NETNS_SLOT_DHCP6, ifname);
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_dhcp_ipv6_lease(const char *ifname, struct rump_dhcp6_lease *ret_lease)
{
	struct dhcp6_client *dc;
	int error = kcontext_enter();

	if (error)
		return error;
	dc = dhcp6_of(ifclient_find(dhcp6_set(netns_current()), ifname));
	if (dc != NULL) {
		client_text(dc, ret_lease);
		ifclient_rele(&dc->dc_ic);
	}
	kcontext_leave();
	return dc != NULL ? 0 : ENOENT;
}
