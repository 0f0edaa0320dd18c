/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_mcast_opt.c - the options about multicast: IP_ADD_MEMBERSHIP and its kind
 *
 * The options come in three shapes (ip_mreq, ip_mreq_source, and the MCAST_* ones of RFC
 * 3678); each becomes a struct ip_mcreq, and that is carried out on the socket's
 * memberships.
 *
 * Locking: ns_lock -> so_lock, both taken here.
 *
 * References: ip(7), RFC 3678 section 4.1.
 */

#include "ip_mcast_impl.h"

#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>

bool
ip_mcast_isopt(int name)
{
	return name == IP_MULTICAST_IF || (name >= IP_ADD_MEMBERSHIP && name <= MCAST_MSFILTER);
}

/* --- the operations, by the option's name --------------------------------- */

static int
req_run(struct socket *so, int name, const struct ip_mcreq *mr)
{
	struct inpcb *inp = so->so_pcb;
	struct ip_member *mb;
	struct ifnet *ifp;
	uint32_t ifindex = mr->mr_ifindex;

	if (!in_multicast(&mr->mr_group))
		return EINVAL;
	if (name == IP_ADD_MEMBERSHIP || name == MCAST_JOIN_GROUP)
		return ip_member_add(so, mr, MCAST_EXCLUDE);
	if (ifindex == 0 && !inaddr_zero(&mr->mr_ifaddr)) {
		ifp = ip_mcreq_interface(so->so_ns, mr);
		if (ifp == NULL)
			return ENODEV;
		ifindex = ifp->if_index;
	}
	mb = ip_member_find(inp, &mr->mr_group, ifindex);
	switch (name) {
	case IP_DROP_MEMBERSHIP:
	case MCAST_LEAVE_GROUP:
		if (mb == NULL)
			return EADDRNOTAVAIL;
		ip_member_remove(so, mb);
		return 0;
	case IP_ADD_SOURCE_MEMBERSHIP:
	case MCAST_JOIN_SOURCE_GROUP:
		if (mb == NULL)
			return ip_member_add(so, mr, MCAST_INCLUDE);
		if (mb->mb_filter.mf_mode != MCAST_INCLUDE)
			return EINVAL;
		return ip_member_source(so, mb, mr->mr_source.ia_w[0], true);
	case IP_DROP_SOURCE_MEMBERSHIP:
	case MCAST_LEAVE_SOURCE_GROUP:
		if (mb == NULL || mb->mb_filter.mf_mode != MCAST_INCLUDE)
			return EINVAL;
		return ip_member_source(so, mb, mr->mr_source.ia_w[0], false);
	case IP_BLOCK_SOURCE:
	case MCAST_BLOCK_SOURCE:
	case IP_UNBLOCK_SOURCE:
	case MCAST_UNBLOCK_SOURCE:
		if (mb == NULL || mb->mb_filter.mf_mode != MCAST_EXCLUDE)
			return EINVAL;
		return ip_member_source(so, mb, mr->mr_source.ia_w[0],
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
parse_mreq(const void *val, socklen_t len, struct ip_mcreq *mr)
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
parse_mreq_source(const void *val, socklen_t len, struct ip_mcreq *mr)
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
parse_group_req(const void *val, socklen_t len, bool source, struct ip_mcreq *mr)
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
parse_req(int name, const void *val, socklen_t len, struct ip_mcreq *mr)
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

/* The membership that the head names; *ret_mb is NULL if there is none.  EINVAL, ENODEV */
static int
msfilter_member(struct socket *so, const struct ip_msfilter *head, struct ip_member **ret_mb)
{
	struct ip_mcreq mr = { .mr_ifindex = 0 };
	struct ifnet *ifp;

	mr.mr_group.ia_w[0] = head->imsf_multiaddr;
	mr.mr_ifaddr.ia_w[0] = head->imsf_interface;
	if (!in_multicast(&mr.mr_group))
		return EINVAL;
	ifp = ip_mcreq_interface(so->so_ns, &mr);
	if (ifp == NULL)
		return ENODEV;
	*ret_mb = ip_member_find(so->so_pcb, &mr.mr_group, ifp->if_index);
	return 0;
}

static int
set_msfilter(struct socket *so, const void *val, socklen_t len)
{
	struct ip_mcfilter mf = { .mf_n = 0 };
	struct ip_msfilter head;
	struct ip_member *mb;
	const char *src = (const char *)val + IP_MSFILTER_SIZE(0);
	uint32_t one;
	int error;

	if (len < IP_MSFILTER_SIZE(0))
		return EINVAL;
	memcpy(&head, val, IP_MSFILTER_SIZE(0));
	if (head.imsf_numsrc > (uint32_t)netvar_get(so->so_ns, &netvar_igmp_max_msf) ||
	    head.imsf_numsrc > MCAST_SRCMAX)
		return ENOBUFS;
	if (len < IP_MSFILTER_SIZE(0) + head.imsf_numsrc * sizeof(one) ||
	    (head.imsf_fmode != MCAST_INCLUDE && head.imsf_fmode != MCAST_EXCLUDE))
		return EINVAL;
	error = msfilter_member(so, &head, &mb);
	if (error)
		return error;
	if (mb == NULL)
		return EINVAL;
	mf.mf_mode = (uint8_t)head.imsf_fmode;
	for (uint32_t i = 0; i < head.imsf_numsrc; i++) {
		memcpy(&one, src + i * sizeof(one), sizeof(one));
		(void)ip_mcfilter_edit(&mf, one, true, MCAST_SRCMAX);	/* twice is once */
	}
	if (mf.mf_mode == MCAST_INCLUDE && mf.mf_n == 0)
		ip_member_remove(so, mb);
	else
		ip_mcif_change(so->so_ns, mb, &mf);
	return 0;
}

static int
get_msfilter(struct socket *so, void *val, socklen_t *len)
{
	struct ip_msfilter head;
	struct ip_member *mb;
	uint32_t room;
	int error;

	if (*len < IP_MSFILTER_SIZE(0))
		return EINVAL;
	memcpy(&head, val, IP_MSFILTER_SIZE(0));
	error = msfilter_member(so, &head, &mb);
	if (error)
		return error;
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
	struct ip_mcreq mr = { .mr_ifindex = 0 };
	int error = 0;

	if ((name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP) && so->so_type == SOCK_STREAM)
		return EPROTO;
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
