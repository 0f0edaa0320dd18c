/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_config.c - from a lease to addresses of the interface, and back
 *
 * An address stands alone, with all its 128 bits (RFC 8415 section 18.2.10.1): what
 * is on the link routers say.  inet6 probes it, deprecates it and takes it away in
 * time.  What is there already, because a person set it, stays theirs.
 */

#include <lib/string.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <net/netevent.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/socket.h>

#include "dhcp6_impl.h"

#define PLEN		128

bool
dhcp6_linklocal(struct dhcp6_client *dc, struct inaddr *ret_a)
{
	struct list_node *n;
	bool found = false;

	mutex_enter(&dc->dc_ic.ic_ns->ns_lock);
	LIST_FOREACH(n, &dc->dc_ic.ic_ifp->if_addrs) {
		struct ifaddr *ifa = container_of(n, struct ifaddr, ifa_iflink);

		if (ifa->ifa_family == AF_INET6 && ifa->ifa_scope == RT_SCOPE_LINK &&
		    (ifa->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0) {
			*ret_a = ifa->ifa_addr;
			found = true;
			break;
		}
	}
	mutex_exit(&dc->dc_ic.ic_ns->ns_lock);
	return found;
}

enum dhcp6_probe
dhcp6_probe(struct dhcp6_client *dc, const struct inaddr *addr)
{
	enum dhcp6_probe found = DHCP6_PROBE_OPEN;
	struct ifaddr *ifa;

	mutex_enter(&dc->dc_ic.ic_ns->ns_lock);
	ifa = ifaddr_find(dc->dc_ic.ic_ns, AF_INET6, addr, dc->dc_ic.ic_ifp);
	if (ifa != NULL && (ifa->ifa_flags & IFA_F_DADFAILED) != 0)
		found = DHCP6_PROBE_DUPLICATE;
	else if (ifa != NULL && (ifa->ifa_flags & IFA_F_TENTATIVE) == 0)
		found = DHCP6_PROBE_UNIQUE;
	mutex_exit(&dc->dc_ic.ic_ns->ns_lock);
	return found;
}

static bool
is_leased(const struct dhcp6_lease *dl, const struct inaddr *addr)
{
	for (unsigned int i = 0; i < dl->dl_n; i++) {
		if (inaddr_eq(&dl->dl_addr[i].db_addr, addr))
			return true;
	}
	return false;
}

static bool
is_ours(const struct dhcp6_client *dc, const struct inaddr *addr)
{
	for (unsigned int i = 0; i < dc->dc_nours; i++) {
		if (inaddr_eq(&dc->dc_ours[i], addr))
			return true;
	}
	return false;
}

/* Those that are ours no more. */
static void
addrs_drop_locked(struct dhcp6_client *dc, const struct dhcp6_lease *dl)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	for (unsigned int i = 0; i < dc->dc_nours;) {
		struct inaddr addr = dc->dc_ours[i];

		if (dl != NULL && is_leased(dl, &addr)) {
			i++;
			continue;
		}
		if (!dc->dc_ic.ic_ifp->if_dying)
			(void)ifaddr_del(dc->dc_ic.ic_ifp, AF_INET6, &addr, PLEN);
		dc->dc_ours[i] = dc->dc_ours[--dc->dc_nours];
	}
}

static void
addr_extend_locked(struct dhcp6_client *dc, struct ifaddr *ifa, const struct dhcp6_binding *db)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct netevent_info ne = { .ne_ns = dc->dc_ic.ic_ns,
	    .ne_ifp = dc->dc_ic.ic_ifp, .ne_ifa = ifa,
	    .ne_nlflags = NLM_F_REPLACE };

	if (ifa->ifa_preferred == db->db_preferred && ifa->ifa_valid == db->db_valid)
		return;
	atomic_store(&ifa->ifa_preferred, db->db_preferred);
	atomic_store(&ifa->ifa_valid, db->db_valid);
	ifa->ifa_updated = clock_mono();
	netevent_tell(NETEVENT_ADDR_NEW, &ne);
}

static int
addr_add_locked(struct dhcp6_client *dc, const struct dhcp6_binding *db)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	struct ifaddr model = {
		.ifa_family = AF_INET6, .ifa_plen = PLEN, .ifa_addr = db->db_addr,
		.ifa_peer = db->db_addr, .ifa_flags = IFA_F_NOPREFIXROUTE,
		.ifa_preferred = db->db_preferred, .ifa_valid = db->db_valid,
	};
	int error;

	error = ifaddr_add(dc->dc_ic.ic_ifp, &model, NULL);
	if (error == 0 && !is_ours(dc, &db->db_addr)) {
		KASSERT(dc->dc_nours < DHCP6_NADDRS);
		dc->dc_ours[dc->dc_nours++] = db->db_addr;
	}
	return error == EEXIST ? 0 : error;
}

static int
addrs_put_locked(struct dhcp6_client *dc, const struct dhcp6_lease *dl)
    REQUIRES(dc->dc_ic.ic_ns->ns_lock)
{
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < dl->dl_n; i++) {
		const struct dhcp6_binding *db = &dl->dl_addr[i];
		struct ifaddr *ifa = ifaddr_find(dc->dc_ic.ic_ns, AF_INET6, &db->db_addr,
		    dc->dc_ic.ic_ifp);

		if (ifa == NULL)
			error = addr_add_locked(dc, db);
		else if (is_ours(dc, &db->db_addr))
			addr_extend_locked(dc, ifa, db);
	}
	return error;
}

int
dhcp6_sync(struct dhcp6_client *dc)
{
	const struct dhcp6_lease *dl = &dc->dc_fsm.df_lease;
	int error;

	mutex_enter(&dc->dc_ic.ic_ns->ns_lock);
	addrs_drop_locked(dc, dl);
	error = dl->dl_n > 0 && dc->dc_ic.ic_ifp->if_dying ? ENODEV : addrs_put_locked(dc, dl);
	mutex_exit(&dc->dc_ic.ic_ns->ns_lock);
	return error;
}

void
dhcp6_unsync(struct dhcp6_client *dc)
{
	mutex_enter(&dc->dc_ic.ic_ns->ns_lock);
	addrs_drop_locked(dc, NULL);
	mutex_exit(&dc->dc_ic.ic_ns->ns_lock);
}
