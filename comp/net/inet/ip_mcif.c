/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_mcif.c - the multicast groups of an interface
 *
 * Every interface that is up is in 224.0.0.1.  Another group exists while a socket is
 * member, and a little longer, until IGMP has said that it is over.  Whether a
 * packet's group is one of ours is asked without a lock.
 *
 * Locking: ns_lock -> so_lock -> mc_lock.  The link's own list of addresses
 * changes under ns_lock, so groups are joined and left with it held.
 */

#include "ip_mcast_impl.h"

#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

static const struct inaddr all_hosts = { .ia_b = { 224, 0, 0, 1 } };

void
ip_mcast_mac(const struct inaddr *group, uint8_t mac[6])
{
	static const uint8_t prefix[3] = { 0x01, 0x00, 0x5e };	/* RFC 1112 section 6.4 */

	memcpy(mac, prefix, sizeof(prefix));
	mac[3] = group->ia_b[1] & 0x7f;
	mac[4] = group->ia_b[2];
	mac[5] = group->ia_b[3];
}

static void
link_filter(struct ifnet *ifp, const struct inaddr *group, bool join)
{
	uint8_t mac[IF_LLADDR] = { 0 };

	if (ifp->if_addrlen != 6)
		return;
	ip_mcast_mac(group, mac);
	(void)if_multicast(ifp, mac, join);
}

/* --- the interface -------------------------------------------------------- */

int
ip_mcif_create(struct ifnet *ifp, struct ip_mcif **ret_mc)
{
	struct ip_mcif *mc = kmem_zalloc(sizeof(*mc), KM_SLEEP);

	if (mc == NULL)
		return ENOMEM;
	mutex_init(&mc->mc_lock, "ipmcif");
	mc->mc_ifp = ifp;
	igmp_if_init(mc);
	*ret_mc = mc;
	return 0;
}

static void
mcgroup_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct ip_mcgroup, mg_qsbr), sizeof(struct ip_mcgroup));
}

static void
mcif_free(struct qsbr_head *qh)
{
	struct ip_mcif *mc = container_of(qh, struct ip_mcif, mc_qsbr);

	mutex_destroy(&mc->mc_lock);
	kmem_free(mc, sizeof(*mc));
}

/* Members stay with their sockets, without a group. */
void
ip_mcif_destroy(struct ip_mcif *mc)
{
	struct ip_mcgroup *mg;
	struct list_node *n, *next;

	mutex_enter(&mc->mc_lock);
	mc->mc_up = false;
	while ((mg = mc->mc_groups) != NULL) {
		LIST_FOREACH_SAFE(n, next, &mg->mg_members) {
			struct ip_member *mb = container_of(n, struct ip_member, mb_grouplink);

			list_remove(&mb->mb_grouplink);
			atomic_store(&mb->mb_group, NULL);
		}
		atomic_store_rel(&mc->mc_groups, mg->mg_next);
		qsbr_call(&mg->mg_qsbr, mcgroup_free);
	}
	mutex_exit(&mc->mc_lock);
	callout_halt(&mc->mc_timer);
	qsbr_call(&mc->mc_qsbr, mcif_free);
}

void
ip_mcif_up(struct ifnet *ifp)
{
	struct in_ifinfo *ii = ip_ifinfo(ifp);

	if (ii == NULL || ii->ii_mc->mc_up)
		return;
	link_filter(ifp, &all_hosts, true);
	mutex_enter(&ii->ii_mc->mc_lock);
	ii->ii_mc->mc_up = true;
	igmp_if_up(ii->ii_mc);
	mutex_exit(&ii->ii_mc->mc_lock);
}

void
ip_mcif_down(struct ifnet *ifp)
{
	struct in_ifinfo *ii = ip_ifinfo(ifp);

	if (ii == NULL || !ii->ii_mc->mc_up)
		return;
	link_filter(ifp, &all_hosts, false);
	mutex_enter(&ii->ii_mc->mc_lock);
	ii->ii_mc->mc_up = false;
	igmp_if_down(ii->ii_mc);
	ip_mcif_sweep(ii->ii_mc);
	mutex_exit(&ii->ii_mc->mc_lock);
}

/* --- groups --------------------------------------------------------------- */

struct ip_mcgroup *
ip_mcgroup_find(const struct ip_mcif *mc, const struct inaddr *addr)
{
	struct ip_mcgroup *mg;

	for (mg = atomic_load_acq(&mc->mc_groups); mg != NULL; mg = atomic_load_acq(&mg->mg_next))
		if (inaddr_eq(&mg->mg_addr, addr))
			return mg;
	return NULL;
}

bool
ip_mcif_member(const struct ifnet *ifp, const struct inaddr *group)
{
	const struct in_ifinfo *ii = ip_ifinfo(ifp);
	const struct ip_mcgroup *mg;

	if (inaddr_eq(group, &all_hosts))
		return true;
	if (ii == NULL)
		return false;
	mg = ip_mcgroup_find(ii->ii_mc, group);
	return mg != NULL && !atomic_load(&mg->mg_gone);
}

/* It stays linked while IGMP has something to say about it. */
void
ip_mcif_sweep(struct ip_mcif *mc)
{
	struct ip_mcgroup **pp = &mc->mc_groups, *mg;

	while ((mg = *pp) != NULL) {
		if (!mg->mg_gone || (mc->mc_up && mg->mg_resend > 0)) {
			pp = &mg->mg_next;
			continue;
		}
		atomic_store_rel(pp, mg->mg_next);
		qsbr_call(&mg->mg_qsbr, mcgroup_free);
	}
}

static struct ip_mcgroup *
mcgroup_create(struct ip_mcif *mc, const struct inaddr *addr) REQUIRES(mc->mc_lock)
{
	struct ip_mcgroup *mg = kmem_zalloc(sizeof(*mg), KM_NOSLEEP);

	if (mg == NULL)
		return NULL;
	mg->mg_addr = *addr;
	list_init(&mg->mg_members);
	mg->mg_told.mf_mode = MCAST_INCLUDE;
	mg->mg_change_at = mg->mg_answer_at = KTIME_NEVER;
	atomic_store_rel(&mg->mg_next, mc->mc_groups);
	atomic_store_rel(&mc->mc_groups, mg);
	return mg;
}

int
ip_mcif_join(struct ifnet *ifp, struct ip_member *mb)
{
	struct in_ifinfo *ii = ip_ifinfo(ifp);
	struct ip_mcif *mc;
	struct ip_mcgroup *mg;
	bool fresh;

	if (ii == NULL)
		return ENODEV;
	mc = ii->ii_mc;
	mutex_enter(&mc->mc_lock);
	mg = ip_mcgroup_find(mc, &mb->mb_addr);
	fresh = mg == NULL || mg->mg_gone;
	if (mg == NULL)
		mg = mcgroup_create(mc, &mb->mb_addr);
	if (mg == NULL) {
		mutex_exit(&mc->mc_lock);
		return ENOBUFS;
	}
	atomic_store(&mg->mg_gone, false);
	list_insert_tail(&mg->mg_members, &mb->mb_grouplink);
	mb->mb_group = mg;
	igmp_group_changed(mc, mg);
	mutex_exit(&mc->mc_lock);
	if (fresh)
		link_filter(ifp, &mb->mb_addr, true);
	return 0;
}

/* The interface of a member whose group is there: both last while ns_lock is held. */
static struct ip_mcif *
member_mcif(const struct ip_member *mb, struct netns *ns, struct ifnet **ret_ifp)
{
	struct ifnet *ifp = if_byindex(ns, mb->mb_ifindex);
	struct in_ifinfo *ii = ifp != NULL ? ip_ifinfo(ifp) : NULL;

	*ret_ifp = ifp;
	return ii != NULL ? ii->ii_mc : NULL;
}

void
ip_mcif_leave(struct netns *ns, struct ip_member *mb)
{
	struct ip_mcgroup *mg = mb->mb_group;
	struct ip_mcif *mc;
	struct ifnet *ifp;
	bool gone;

	if (mg == NULL)
		return;
	mc = member_mcif(mb, ns, &ifp);
	KASSERT(mc != NULL);
	mutex_enter(&mc->mc_lock);
	list_remove(&mb->mb_grouplink);
	mb->mb_group = NULL;
	gone = list_empty(&mg->mg_members);
	if (gone)
		atomic_store(&mg->mg_gone, true);
	igmp_group_changed(mc, mg);
	ip_mcif_sweep(mc);
	mutex_exit(&mc->mc_lock);
	if (gone)
		link_filter(ifp, &mb->mb_addr, false);
}

void
ip_mcif_change(struct netns *ns, struct ip_member *mb, const struct ip_mcfilter *mf)
{
	struct ip_mcif *mc;
	struct ifnet *ifp;

	if (mb->mb_group == NULL) {
		mb->mb_filter = *mf;
		return;
	}
	mc = member_mcif(mb, ns, &ifp);
	KASSERT(mc != NULL);
	mutex_enter(&mc->mc_lock);
	mb->mb_filter = *mf;
	igmp_group_changed(mc, mb->mb_group);
	mutex_exit(&mc->mc_lock);
}

/* --- the filter of all ---------------------------------------------------- */

static bool
filter_has(const struct ip_mcfilter *mf, uint32_t src)
{
	for (uint16_t i = 0; i < mf->mf_n; i++)
		if (mf->mf_src[i] == src)
			return true;
	return false;
}

/* Does every member that excludes leave it out, and none include it? */
static bool
all_exclude(const struct ip_mcgroup *mg, uint32_t src)
{
	const struct list_node *n;

	LIST_FOREACH(n, &mg->mg_members)
		if (ip_member_wants(
			&container_of(n, const struct ip_member, mb_grouplink)->mb_filter, src))
			return false;
	return true;
}

/*
 * RFC 3376 section 3.2: if anybody excludes, the sources that nobody wants; else
 * the sources that somebody includes.  What does not fit: everything is wanted.
 */
void
ip_mcgroup_filter(const struct ip_mcgroup *mg, struct ip_mcfilter *ret_mf)
{
	const struct list_node *n;
	bool exclude = false;

	ret_mf->mf_mode = MCAST_INCLUDE;
	ret_mf->mf_n = 0;
	LIST_FOREACH(n, &mg->mg_members)
		if (container_of(n, const struct ip_member, mb_grouplink)->mb_filter.mf_mode ==
		    MCAST_EXCLUDE)
			exclude = true;
	if (exclude)
		ret_mf->mf_mode = MCAST_EXCLUDE;
	LIST_FOREACH(n, &mg->mg_members) {
		const struct ip_mcfilter *mf =
		    &container_of(n, const struct ip_member, mb_grouplink)->mb_filter;

		if (exclude && mf->mf_mode != MCAST_EXCLUDE)
			continue;
		for (uint16_t i = 0; i < mf->mf_n; i++) {
			uint32_t src = mf->mf_src[i];

			if (filter_has(ret_mf, src) || (exclude && !all_exclude(mg, src)))
				continue;
			if (ret_mf->mf_n < MCAST_SRCMAX) {
				ret_mf->mf_src[ret_mf->mf_n++] = src;
				continue;
			}
			if (!exclude) {
				ret_mf->mf_mode = MCAST_EXCLUDE;
				ret_mf->mf_n = 0;
				return;
			}
		}
	}
}
