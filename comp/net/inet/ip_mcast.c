/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_mcast.c - multicast memberships of sockets
 *
 * A membership is a filter: of all sources but some (EXCLUDE), or of some only
 * (INCLUDE).  It begins and ends with an option of the socket (ip_mcast_opt.c), or ends
 * with the socket, and hangs on an interface's group meanwhile (ip_mcif.c).
 *
 * Locking: ns_lock -> so_lock -> mc_lock.  Memberships change with the first two
 * held and are read with so_lock.
 *
 * References: RFC 3376 section 2.
 */

#include "ip_mcast_impl.h"

#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/errno.h>
#include <sys/kmem.h>

struct ip_mcsock {
	struct list	 ms_members;
	unsigned int	 ms_n;
};

/* --- which interface, which membership ------------------------------------ */

struct ifnet *
ip_mcreq_interface(struct netns *ns, const struct ip_mcreq *mr)
{
	struct rtkey rk = { .rk_family = AF_INET, .rk_dst = mr->mr_group };
	const struct ifaddr *ifa;
	struct ifnet *ifp = NULL;
	struct rtdst *rd;

	if (mr->mr_ifindex != 0)
		return if_byindex(ns, mr->mr_ifindex);
	if (!inaddr_zero(&mr->mr_ifaddr)) {
		ifa = ifaddr_find(ns, AF_INET, &mr->mr_ifaddr, NULL);
		return ifa != NULL ? ifa->ifa_ifp : NULL;
	}
	/* ns_lock is held: the interface stays. */
	if (route_lookup(ns, &rk, &rd) == 0) {
		ifp = rd->rd_ifp;
		rtdst_rele(rd);
	}
	return ifp;
}

struct ip_member *
ip_member_find(const struct inpcb *inp, const struct inaddr *group, uint32_t ifindex)
{
	struct ip_mcsock *ms = inp->inp_mcast;
	struct list_node *n;

	if (ms == NULL)
		return NULL;
	LIST_FOREACH(n, &ms->ms_members) {
		struct ip_member *mb = container_of(n, struct ip_member, mb_link);

		if (inaddr_eq(&mb->mb_addr, group) && (ifindex == 0 || mb->mb_ifindex == ifindex))
			return mb;
	}
	return NULL;
}

int
ip_member_add(struct socket *so, const struct ip_mcreq *mr, uint8_t mode)
{
	struct inpcb *inp = so->so_pcb;
	struct ip_mcsock *ms = inp->inp_mcast;
	struct ifnet *ifp = ip_mcreq_interface(so->so_ns, mr);
	struct ip_member *mb;
	int error;

	if (ifp == NULL)
		return ENODEV;
	if (ip_member_find(inp, &mr->mr_group, ifp->if_index) != NULL)
		return EADDRINUSE;
	if (ms == NULL) {
		ms = kmem_zalloc(sizeof(*ms), KM_NOSLEEP);
		if (ms == NULL)
			return ENOBUFS;
		list_init(&ms->ms_members);
		inp->inp_mcast = ms;
	}
	if (ms->ms_n >= (unsigned int)netvar_get(so->so_ns, &netvar_igmp_max_memberships))
		return ENOBUFS;
	mb = kmem_zalloc(sizeof(*mb), KM_NOSLEEP);
	if (mb == NULL)
		return ENOBUFS;
	mb->mb_addr = mr->mr_group;
	mb->mb_ifindex = ifp->if_index;
	mb->mb_filter.mf_mode = mode;
	if (mode == MCAST_INCLUDE) {
		mb->mb_filter.mf_n = 1;
		mb->mb_filter.mf_src[0] = mr->mr_source.ia_w[0];
	}
	error = ip_mcif_join(ifp, mb);
	if (error) {
		kmem_free(mb, sizeof(*mb));
		return error;
	}
	list_insert_tail(&ms->ms_members, &mb->mb_link);
	ms->ms_n++;
	return 0;
}

void
ip_member_remove(struct socket *so, struct ip_member *mb)
{
	struct inpcb *inp = so->so_pcb;
	struct ip_mcsock *ms = inp->inp_mcast;

	ip_mcif_leave(so->so_ns, mb);
	list_remove(&mb->mb_link);
	ms->ms_n--;
	kmem_free(mb, sizeof(*mb));
}

/* --- sources -------------------------------------------------------------- */

/* Adds to or takes from the list of a filter, which stays sorted. */
int
ip_mcfilter_edit(struct ip_mcfilter *mf, uint32_t src, bool add, unsigned int max)
{
	uint16_t i = 0;

	while (i < mf->mf_n && mf->mf_src[i] < src)
		i++;
	if (add) {
		if (i < mf->mf_n && mf->mf_src[i] == src)
			return EADDRNOTAVAIL;
		if (mf->mf_n >= MCAST_SRCMAX || mf->mf_n >= max)
			return ENOBUFS;
		memmove(&mf->mf_src[i + 1], &mf->mf_src[i],
		    (size_t)(mf->mf_n - i) * sizeof(mf->mf_src[0]));
		mf->mf_src[i] = src;
		mf->mf_n++;
		return 0;
	}
	if (i == mf->mf_n || mf->mf_src[i] != src)
		return EADDRNOTAVAIL;
	mf->mf_n--;
	memmove(&mf->mf_src[i], &mf->mf_src[i + 1],
	    (size_t)(mf->mf_n - i) * sizeof(mf->mf_src[0]));
	return 0;
}

int
ip_member_source(struct socket *so, struct ip_member *mb, uint32_t src, bool add)
{
	struct ip_mcfilter mf = mb->mb_filter;
	int error;

	error = ip_mcfilter_edit(&mf, src, add,
	    (unsigned int)netvar_get(so->so_ns, &netvar_igmp_max_msf));
	if (error)
		return error;
	if (mf.mf_mode == MCAST_INCLUDE && mf.mf_n == 0)
		ip_member_remove(so, mb);
	else
		ip_mcif_change(so->so_ns, mb, &mf);
	return 0;
}

/* --- for the protocols ---------------------------------------------------- */

bool
ip_mcast_allowed(struct socket *so, const struct inet_rx *rx)
{
	const struct inpcb *inp = so->so_pcb;
	const struct ip_member *mb = ip_member_find(inp, &rx->ir_dst, rx->ir_ifindex);

	if (mb == NULL)
		return inp->inp_mcall;
	return ip_member_wants(&mb->mb_filter, rx->ir_src.ia_w[0]);
}

void
ip_mcast_pcbfree(struct socket *so)
{
	struct inpcb *inp = so->so_pcb;
	struct ip_mcsock *ms;

	if (inp == NULL || inp->inp_mcast == NULL)
		return;
	mutex_enter(&so->so_ns->ns_lock);
	mutex_enter(&so->so_lock);
	ms = inp->inp_mcast;
	while (!list_empty(&ms->ms_members))
		ip_member_remove(so, container_of(list_first(&ms->ms_members), struct ip_member, mb_link));
	inp->inp_mcast = NULL;
	mutex_exit(&so->so_lock);
	mutex_exit(&so->so_ns->ns_lock);
	kmem_free(ms, sizeof(*ms));
}
