/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_mcast.c - multicast memberships of sockets: IP_ADD_MEMBERSHIP and its kind
 *
 * The options come in three shapes (ip_mreq, ip_mreq_source, and the MCAST_* ones of RFC
 * 3678); each becomes a struct mc_req.  A membership is a filter: of all sources but some
 * (EXCLUDE), or of some only (INCLUDE).
 *
 * Locking: ns_lock -> so_lock -> mc_lock.  Memberships change with the first two
 * held and are read with so_lock.
 *
 * References: ip(7), RFC 3678 section 4.1, RFC 3376 section 2.
 */

#include "ip_mcast_impl.h"

#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

struct ip_mcsock {
	struct list	 ms_members;
	unsigned int	 ms_n;
};

struct mc_req {
	struct inaddr	 mr_group, mr_source;
	struct inaddr	 mr_ifaddr;	/* names the interface by its address */
	uint32_t	 mr_ifindex;	/* or by number; neither: by the route */
};

bool
ip_mcast_isopt(int name)
{
	return name == IP_MULTICAST_IF || (name >= IP_ADD_MEMBERSHIP && name <= MCAST_MSFILTER);
}

/* --- which interface, which membership ------------------------------------ */

static struct ifnet *
req_interface(struct netns *ns, const struct mc_req *mr)
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

static struct ip_member *
member_find(const struct inpcb *inp, const struct inaddr *group, uint32_t ifindex)
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

static int
member_add(struct socket *so, const struct mc_req *mr, uint8_t mode)
{
	struct inpcb *inp = so->so_pcb;
	struct ip_mcsock *ms = inp->inp_mcast;
	struct ifnet *ifp = req_interface(so->so_ns, mr);
	struct ip_member *mb;
	int error;

	if (ifp == NULL)
		return ENODEV;
	if (member_find(inp, &mr->mr_group, ifp->if_index) != NULL)
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

static void
member_remove(struct socket *so, struct ip_member *mb)
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
static int
filter_edit(struct ip_mcfilter *mf, uint32_t src, bool add, unsigned int max)
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

static int
member_source(struct socket *so, struct ip_member *mb, uint32_t src, bool add)
{
	struct ip_mcfilter mf = mb->mb_filter;
	int error;

	error = filter_edit(&mf, src, add,
	    (unsigned int)netvar_get(so->so_ns, &netvar_igmp_max_msf));
	if (error)
		return error;
	if (mf.mf_mode == MCAST_INCLUDE && mf.mf_n == 0)
		member_remove(so, mb);
	else
		ip_mcif_change(so->so_ns, mb, &mf);
	return 0;
}

/* --- the operations, by the option's name --------------------------------- */

static int
req_run(struct socket *so, int name, const struct mc_req *mr)
{
	struct inpcb *inp = so->so_pcb;
	struct ip_member *mb;
	struct ifnet *ifp;
	uint32_t ifindex = mr->mr_ifindex;

	if (!in_multicast(&mr->mr_group))
		return EINVAL;
	if (name == IP_ADD_MEMBERSHIP || name == MCAST_JOIN_GROUP)
		return member_add(so, mr, MCAST_EXCLUDE);
	if (ifindex == 0 && !inaddr_zero(&mr->mr_ifaddr)) {
		ifp = req_interface(so->so_ns, mr);
		if (ifp == NULL)
			return ENODEV;
		ifindex = ifp->if_index;
	}
	mb = member_find(inp, &mr->mr_group, ifindex);
	switch (name) {
	case IP_DROP_MEMBERSHIP:
	case MCAST_LEAVE_GROUP:
		if (mb == NULL)
			return EADDRNOTAVAIL;
		member_remove(so, mb);
		return 0;
	case IP_ADD_SOURCE_MEMBERSHIP:
	case MCAST_JOIN_SOURCE_GROUP:
		if (mb == NULL)
			return member_add(so, mr, MCAST_INCLUDE);
		if (mb->mb_filter.mf_mode != MCAST_INCLUDE)
			return EINVAL;
		return member_source(so, mb, mr->mr_source.ia_w[0], true);
	case IP_DROP_SOURCE_MEMBERSHIP:
	case MCAST_LEAVE_SOURCE_GROUP:
		if (mb == NULL || mb->mb_filter.mf_mode != MCAST_INCLUDE)
			return EINVAL;
		return member_source(so, mb, mr->mr_source.ia_w[0], false);
	case IP_BLOCK_SOURCE:
	case MCAST_BLOCK_SOURCE:
	case IP_UNBLOCK_SOURCE:
	case MCAST_UNBLOCK_SOURCE:
		if (mb == NULL || mb->mb_filter.mf_mode != MCAST_EXCLUDE)
			return EINVAL;
		return member_source(so, mb, mr->mr_source.ia_w[0],
		    name == IP_BLOCK_SOURCE || name == MCAST_BLOCK_SOURCE);
	default:
		return ENOPROTOOPT;
	}
}

/* --- shapes --------------------------------------------------------------- */

static struct inaddr
addr_of(struct in_addr in)
{
	return (struct inaddr){ .ia_w = { in.s_addr } };
}

/* ip_mreq is the beginning of ip_mreqn. */
static int
parse_mreq(const void *val, socklen_t len, struct mc_req *mr)
{
	struct ip_mreqn mreqn = { .imr_ifindex = 0 };

	if (len < sizeof(struct ip_mreq))
		return EINVAL;
	memcpy(&mreqn, val, len < sizeof(mreqn) ? sizeof(struct ip_mreq) : sizeof(mreqn));
	mr->mr_group = addr_of(mreqn.imr_multiaddr);
	mr->mr_ifaddr = addr_of(mreqn.imr_address);
	mr->mr_ifindex = (uint32_t)mreqn.imr_ifindex;
	return 0;
}

static int
parse_mreq_source(const void *val, socklen_t len, struct mc_req *mr)
{
	struct ip_mreq_source ms;

	if (len != sizeof(ms))
		return EINVAL;
	memcpy(&ms, val, sizeof(ms));
	mr->mr_group = (struct inaddr){ .ia_w = { ms.imr_multiaddr } };
	mr->mr_ifaddr = (struct inaddr){ .ia_w = { ms.imr_interface } };
	mr->mr_source = (struct inaddr){ .ia_w = { ms.imr_sourceaddr } };
	return 0;
}

static int
parse_sin(const struct sockaddr_storage *ss, struct inaddr *ret_addr)
{
	struct sockaddr_in sin;

	memcpy(&sin, ss, sizeof(sin));
	if (sin.sin_family != AF_INET)
		return EADDRNOTAVAIL;
	*ret_addr = addr_of(sin.sin_addr);
	return 0;
}

static int
parse_group_req(const void *val, socklen_t len, bool source, struct mc_req *mr)
{
	struct group_source_req gsr;
	struct group_req gr;
	int error;

	if (source) {
		if (len != sizeof(gsr))
			return EINVAL;
		memcpy(&gsr, val, sizeof(gsr));
		mr->mr_ifindex = gsr.gsr_interface;
		error = parse_sin(&gsr.gsr_group, &mr->mr_group);
		return error != 0 ? error : parse_sin(&gsr.gsr_source, &mr->mr_source);
	}
	if (len < sizeof(gr))
		return EINVAL;
	memcpy(&gr, val, sizeof(gr));
	mr->mr_ifindex = gr.gr_interface;
	return parse_sin(&gr.gr_group, &mr->mr_group) != 0 ? EINVAL : 0;
}

static int
parse_req(int name, const void *val, socklen_t len, struct mc_req *mr)
{
	switch (name) {
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP:
		return parse_mreq(val, len, mr);
	case IP_ADD_SOURCE_MEMBERSHIP:
	case IP_DROP_SOURCE_MEMBERSHIP:
	case IP_BLOCK_SOURCE:
	case IP_UNBLOCK_SOURCE:
		return parse_mreq_source(val, len, mr);
	case MCAST_JOIN_GROUP:
	case MCAST_LEAVE_GROUP:
		return parse_group_req(val, len, false, mr);
	case MCAST_JOIN_SOURCE_GROUP:
	case MCAST_LEAVE_SOURCE_GROUP:
	case MCAST_BLOCK_SOURCE:
	case MCAST_UNBLOCK_SOURCE:
		return parse_group_req(val, len, true, mr);
	default:
		return ENOPROTOOPT;
	}
}

/* --- whole filters: IP_MSFILTER ------------------------------------------- */

static int
set_msfilter(struct socket *so, const void *val, socklen_t len)
{
	struct inpcb *inp = so->so_pcb;
	struct ip_mcfilter mf = { .mf_n = 0 };
	struct ip_msfilter head;
	struct ip_member *mb;
	struct mc_req mr = { .mr_ifindex = 0 };
	struct ifnet *ifp;
	const char *src = (const char *)val + IP_MSFILTER_SIZE(0);
	uint32_t one;

	if (len < IP_MSFILTER_SIZE(0))
		return EINVAL;
	memcpy(&head, val, IP_MSFILTER_SIZE(0));
	if (head.imsf_numsrc > (uint32_t)netvar_get(so->so_ns, &netvar_igmp_max_msf) ||
	    head.imsf_numsrc > MCAST_SRCMAX)
		return ENOBUFS;
	if (len < IP_MSFILTER_SIZE(0) + head.imsf_numsrc * sizeof(one) ||
	    (head.imsf_fmode != MCAST_INCLUDE && head.imsf_fmode != MCAST_EXCLUDE))
		return EINVAL;
	mr.mr_group.ia_w[0] = head.imsf_multiaddr;
	mr.mr_ifaddr.ia_w[0] = head.imsf_interface;
	if (!in_multicast(&mr.mr_group))
		return EINVAL;
	ifp = req_interface(so->so_ns, &mr);
	if (ifp == NULL)
		return ENODEV;
	mb = member_find(inp, &mr.mr_group, ifp->if_index);
	if (mb == NULL)
		return EINVAL;
	mf.mf_mode = (uint8_t)head.imsf_fmode;
	for (uint32_t i = 0; i < head.imsf_numsrc; i++) {
		memcpy(&one, src + i * sizeof(one), sizeof(one));
		(void)filter_edit(&mf, one, true, MCAST_SRCMAX);	/* twice is once */
	}
	if (mf.mf_mode == MCAST_INCLUDE && mf.mf_n == 0)
		member_remove(so, mb);
	else
		ip_mcif_change(so->so_ns, mb, &mf);
	return 0;
}

static int
get_msfilter(struct socket *so, void *val, socklen_t *len)
{
	struct ip_msfilter head;
	struct mc_req mr = { .mr_ifindex = 0 };
	struct ip_member *mb;
	struct ifnet *ifp;
	uint32_t room;

	if (*len < IP_MSFILTER_SIZE(0))
		return EINVAL;
	memcpy(&head, val, IP_MSFILTER_SIZE(0));
	mr.mr_group.ia_w[0] = head.imsf_multiaddr;
	mr.mr_ifaddr.ia_w[0] = head.imsf_interface;
	if (!in_multicast(&mr.mr_group))
		return EINVAL;
	ifp = req_interface(so->so_ns, &mr);
	if (ifp == NULL)
		return ENODEV;
	mb = member_find(so->so_pcb, &mr.mr_group, ifp->if_index);
	if (mb == NULL)
		return EADDRNOTAVAIL;
	room = head.imsf_numsrc;
	if (room > (*len - IP_MSFILTER_SIZE(0)) / sizeof(uint32_t))
		room = (uint32_t)((*len - IP_MSFILTER_SIZE(0)) / sizeof(uint32_t));
	if (room > mb->mb_filter.mf_n)
		room = mb->mb_filter.mf_n;
	head.imsf_fmode = mb->mb_filter.mf_mode;
	head.imsf_numsrc = mb->mb_filter.mf_n;
	memcpy(val, &head, IP_MSFILTER_SIZE(0));
	memcpy((char *)val + IP_MSFILTER_SIZE(0), mb->mb_filter.mf_src, room * sizeof(uint32_t));
	*len = (socklen_t)(IP_MSFILTER_SIZE(0) + room * sizeof(uint32_t));
	return 0;
}

/* --- IP_MULTICAST_IF ------------------------------------------------------ */

static int
set_mcif(struct socket *so, const void *val, socklen_t len)
{
	struct inpcb *inp = so->so_pcb;
	uint32_t bound = atomic_load(&so->so_bound_if);
	struct ip_mreqn mreqn = { .imr_ifindex = 0 };
	const struct ifaddr *ifa;
	struct ifnet *ifp = NULL;
	struct inaddr addr;

	if (so->so_type == SOCK_STREAM || len < sizeof(struct in_addr))
		return EINVAL;
	if (len >= sizeof(mreqn))
		memcpy(&mreqn, val, sizeof(mreqn));
	else if (len >= sizeof(struct ip_mreq))
		memcpy(&mreqn, val, sizeof(struct ip_mreq));
	else
		memcpy(&mreqn.imr_address, val, sizeof(struct in_addr));
	addr = addr_of(mreqn.imr_address);
	if (mreqn.imr_ifindex != 0) {
		ifp = if_byindex(so->so_ns, (uint32_t)mreqn.imr_ifindex);
		if (ifp == NULL)
			return EADDRNOTAVAIL;
	} else if (!inaddr_zero(&addr)) {
		ifa = ifaddr_find(so->so_ns, AF_INET, &addr, NULL);
		if (ifa == NULL)
			return EADDRNOTAVAIL;
		ifp = ifa->ifa_ifp;
	}
	if (ifp != NULL && bound != 0 && bound != ifp->if_index)
		return EINVAL;
	inp->inp_mcif = ifp != NULL ? ifp->if_index : 0;
	inp->inp_mcaddr = addr;
	return 0;
}

int
ip_mcast_setopt(struct socket *so, int name, const void *val, socklen_t len)
{
	struct mc_req mr = { .mr_ifindex = 0 };
	int error = 0;

	if (name != IP_MULTICAST_IF && name != IP_MSFILTER) {
		error = parse_req(name, val, len, &mr);
		if (error)
			return error;
	}
	mutex_enter(&so->so_ns->ns_lock);
	mutex_enter(&so->so_lock);
	if (name == IP_MULTICAST_IF)
		error = set_mcif(so, val, len);
	else if (name == IP_MSFILTER)
		error = set_msfilter(so, val, len);
	else
		error = req_run(so, name, &mr);
	mutex_exit(&so->so_lock);
	mutex_exit(&so->so_ns->ns_lock);
	return error;
}

int
ip_mcast_getopt(struct socket *so, int name, void *val, socklen_t *len)
{
	const struct inpcb *inp = so->so_pcb;
	struct in_addr addr;
	int error = ENOPROTOOPT;

	mutex_enter(&so->so_ns->ns_lock);
	mutex_enter(&so->so_lock);
	if (name == IP_MULTICAST_IF) {
		addr.s_addr = inp->inp_mcaddr.ia_w[0];
		if (*len > sizeof(addr))
			*len = sizeof(addr);
		memcpy(val, &addr, *len);
		error = 0;
	} else if (name == IP_MSFILTER) {
		error = get_msfilter(so, val, len);
	}
	mutex_exit(&so->so_lock);
	mutex_exit(&so->so_ns->ns_lock);
	return error;
}

/* --- for the protocols ---------------------------------------------------- */

bool
ip_mcast_allowed(struct socket *so, const struct inet_rx *rx)
{
	const struct inpcb *inp = so->so_pcb;
	const struct ip_member *mb = member_find(inp, &rx->ir_dst, rx->ir_ifindex);

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
		member_remove(so, container_of(list_first(&ms->ms_members), struct ip_member, mb_link));
	inp->inp_mcast = NULL;
	mutex_exit(&so->so_lock);
	mutex_exit(&so->so_ns->ns_lock);
	kmem_free(ms, sizeof(*ms));
}
