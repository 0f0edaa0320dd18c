/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_mcast.c - groups that sockets join
 *
 * A membership is a struct mld_filter on the socket's list, which packets read
 * lock-free, and on the group's.  The options are those of RFC 3493 section 5.2 (any
 * source) and RFC 3678 sections 5.1 and 5.2 (with source filters, MCAST_*).
 *
 * Locking: ns_lock, then so_lock.
 */

#include "mld_impl.h"
#include "ip6_pcb.h"

#include <lib/string.h>

#define MEMBERSHIPS_MAX	64	/* of a socket */

static struct mld_filter *
filter_find(const struct inpcb *inp, const struct inaddr *group, uint32_t ifindex)
{
	struct mld_filter *mf;

	for (mf = atomic_load_acq((struct mld_filter *const *)&inp->inp_mcast6); mf != NULL;
	    mf = atomic_load_acq(&mf->mf_next)) {
		if (inaddr_eq(&mf->mf_addr, group) && mf->mf_ifindex == ifindex)
			return mf;
	}
	return NULL;
}

bool
ip6_mcast_allowed(struct socket *so, const struct inet_rx *rx)
{
	const struct inpcb *inp = so->so_pcb;
	const struct mld_filter *mf = filter_find(inp, &rx->ir_dst, rx->ir_ifindex);
	const struct ip6_pcb *more = atomic_load_acq(&inp->inp_options6);

	/* IPV6_MULTICAST_ALL: also what others on this host have joined. */
	if (mf == NULL)
		return more == NULL || more->p_mcall;
	return ip6_sources_allow(atomic_load_acq(&mf->mf_sources), &rx->ir_src);
}

/* --- the interface ------------------------------------------------------------- */

/* Index 0: where a packet to the group would leave.  ENODEV. */
static int
interface_find(struct socket *so, const struct inaddr *group, uint32_t ifindex,
    struct ip6_if **ret_ii)
{
	struct rtkey rk = { .rk_family = AF_INET6, .rk_dst = *group };
	struct ifnet *ifp = NULL;
	struct rtdst *rd;

	if (ifindex == 0)
		ifindex = atomic_load(&so->so_bound_if);
	if (ifindex != 0) {
		ifp = if_byindex(so->so_ns, ifindex);
	} else if (route_lookup(so->so_ns, &rk, &rd) == 0) {
		ifp = rd->rd_ifp;
		rtdst_rele(rd);		/* ns_lock keeps the interface */
	}
	if (ifp == NULL || ip6_if(ifp) == NULL)
		return ENODEV;
	*ret_ii = ip6_if(ifp);
	return 0;
}

/* --- memberships ------------------------------------------------------------------ */

static unsigned int
memberships(const struct inpcb *inp)
{
	const struct mld_filter *mf;
	unsigned int n = 0;

	for (mf = inp->inp_mcast6; mf != NULL; mf = mf->mf_next)
		n++;
	return n;
}

static int
membership_add(struct inpcb *inp, struct ip6_if *ii, const struct inaddr *group,
    struct ip6_sources *s)
{
	struct mld_filter *mf;
	int error;

	if (memberships(inp) >= MEMBERSHIPS_MAX)
		return ENOBUFS;
	mf = kmem_zalloc(sizeof(*mf), KM_NOSLEEP);
	if (mf == NULL)
		return ENOMEM;
	list_node_init(&mf->mf_link);
	mf->mf_addr = *group;
	mf->mf_ifindex = ii->ii_ifp->if_index;
	mf->mf_sources = s;
	error = mld_filter_add(ii, mf);
	if (error) {
		kmem_free(mf, sizeof(*mf));
		return error;
	}
	mf->mf_next = inp->inp_mcast6;
	atomic_store_rel(&inp->inp_mcast6, (void *)mf);
	return 0;
}

static void
filter_reap(struct qsbr_head *qh)
{
	struct mld_filter *mf = container_of(qh, struct mld_filter, mf_qsbr);

	ip6_sources_free(mf->mf_sources);
	kmem_free(mf, sizeof(*mf));
}

static void
membership_remove(struct inpcb *inp, struct mld_filter *mf)
{
	struct ifnet *ifp = if_byindex(inp->inp_so->so_ns, mf->mf_ifindex);
	struct mld_filter *at = inp->inp_mcast6;

	if (mf->mf_group != NULL && ifp != NULL && ip6_if(ifp) != NULL)
		mld_filter_remove(ip6_if(ifp), mf);
	if (at == mf) {
		atomic_store_rel(&inp->inp_mcast6, (void *)mf->mf_next);
	} else {
		while (at->mf_next != mf)
			at = at->mf_next;
		atomic_store_rel(&at->mf_next, mf->mf_next);
	}
	qsbr_call(&mf->mf_qsbr, filter_reap);
}

static int
group_join(struct inpcb *inp, const struct inaddr *group, uint32_t ifindex)
{
	struct ip6_sources *s;
	struct ip6_if *ii;
	int error;

	if (!ip6_multicast(group))
		return EINVAL;
	error = interface_find(inp->inp_so, group, ifindex, &ii);
	if (error)
		return error;
	if (filter_find(inp, group, ii->ii_ifp->if_index) != NULL)
		return EADDRINUSE;
	s = ip6_sources_alloc(true, 0);
	if (s == NULL)
		return ENOMEM;
	error = membership_add(inp, ii, group, s);
	if (error)
		ip6_sources_free(s);
	return error;
}

/* Index 0: the first membership of that group. */
static int
group_leave(struct inpcb *inp, const struct inaddr *group, uint32_t ifindex)
{
	struct mld_filter *mf;

	if (!ip6_multicast(group))
		return EINVAL;
	for (mf = inp->inp_mcast6; mf != NULL; mf = mf->mf_next) {
		if (inaddr_eq(&mf->mf_addr, group) &&
		    (ifindex == 0 || mf->mf_ifindex == ifindex)) {
			membership_remove(inp, mf);
			return 0;
		}
	}
	return EADDRNOTAVAIL;
}

/* --- sources ------------------------------------------------------------------------ */

/* old with a added or taken out.  EADDRNOTAVAIL: it is, or is not, there already. */
static int
sources_edit(const struct ip6_sources *old, const struct inaddr *a, bool add,
    struct ip6_sources **ret_s)
{
	bool has = ip6_sources_has(old, a);
	struct ip6_sources *s;
	unsigned int n = 0;

	if (has == add)
		return EADDRNOTAVAIL;
	if (add && old->s_n >= IP6_MAXMSF)
		return ENOBUFS;
	s = ip6_sources_alloc(old->s_exclude, old->s_n + (add ? 1 : -1u));
	if (s == NULL)
		return ENOMEM;
	for (unsigned int i = 0; i < old->s_n; i++) {
		if (!inaddr_eq(&old->s_src[i], a))
			s->s_src[n++] = old->s_src[i];
	}
	if (add)
		s->s_src[n] = *a;
	*ret_s = s;
	return 0;
}

static int
filter_edit(struct ip6_if *ii, struct mld_filter *mf, const struct inaddr *a, bool add)
{
	struct ip6_sources *s;
	int error;

	error = sources_edit(mf->mf_sources, a, add, &s);
	if (error)
		return error;
	return mld_filter_set(ii, mf, s);
}

/* MCAST_JOIN_SOURCE_GROUP on a group of which nothing is wanted yet. */
static int
source_join_first(struct inpcb *inp, struct ip6_if *ii, const struct inaddr *group,
    const struct inaddr *a)
{
	struct ip6_sources *s = ip6_sources_alloc(false, 1);
	int error;

	if (s == NULL)
		return ENOMEM;
	s->s_src[0] = *a;
	error = membership_add(inp, ii, group, s);
	if (error)
		ip6_sources_free(s);
	return error;
}

static int
source_change(struct inpcb *inp, int name, uint32_t ifindex, const struct inaddr *group,
    const struct inaddr *a)
{
	bool exclude = name == MCAST_BLOCK_SOURCE || name == MCAST_UNBLOCK_SOURCE;
	bool add = name == MCAST_BLOCK_SOURCE || name == MCAST_JOIN_SOURCE_GROUP;
	struct mld_filter *mf;
	struct ip6_if *ii;
	int error;

	if (!ip6_multicast(group))
		return EINVAL;
	error = interface_find(inp->inp_so, group, ifindex, &ii);
	if (error)
		return error;
	mf = filter_find(inp, group, ii->ii_ifp->if_index);
	if (mf == NULL && name == MCAST_JOIN_SOURCE_GROUP)
		return source_join_first(inp, ii, group, a);
	if (mf == NULL || mf->mf_sources->s_exclude != exclude)
		return mf == NULL ? EADDRNOTAVAIL : EINVAL;
	if (name == MCAST_LEAVE_SOURCE_GROUP && mf->mf_sources->s_n == 1 &&
	    ip6_sources_has(mf->mf_sources, a)) {
		membership_remove(inp, mf);	/* the last one */
		return 0;
	}
	return filter_edit(ii, mf, a, add);
}

/* --- options --------------------------------------------------------------------------- */

static int
address_get(const struct sockaddr_storage *ss, struct inaddr *ret_a)
{
	struct sockaddr_in6 sin6;

	memcpy(&sin6, ss, sizeof(sin6));
	if (sin6.sin6_family != AF_INET6)
		return EADDRNOTAVAIL;
	memcpy(ret_a, &sin6.sin6_addr, sizeof(*ret_a));
	return 0;
}

static int
set_mreq(struct inpcb *inp, int name, const void *val, socklen_t len)
{
	struct ipv6_mreq mr;
	struct inaddr group;

	if (len < sizeof(mr))
		return EINVAL;
	memcpy(&mr, val, sizeof(mr));
	memcpy(&group, &mr.ipv6mr_multiaddr, sizeof(group));
	return name == IPV6_ADD_MEMBERSHIP ? group_join(inp, &group, (uint32_t)mr.ipv6mr_ifindex) :
					     group_leave(inp, &group, (uint32_t)mr.ipv6mr_ifindex);
}

static int
set_group_req(struct inpcb *inp, int name, const void *val, socklen_t len)
{
	struct group_req gr;
	struct inaddr group;
	int error;

	if (len < sizeof(gr))
		return EINVAL;
	memcpy(&gr, val, sizeof(gr));
	error = address_get(&gr.gr_group, &group);
	if (error)
		return error;
	return name == MCAST_JOIN_GROUP ? group_join(inp, &group, gr.gr_interface) :
					  group_leave(inp, &group, gr.gr_interface);
}

static int
set_source_req(struct inpcb *inp, int name, const void *val, socklen_t len)
{
	struct group_source_req gsr;
	struct inaddr group, source;
	int error;

	if (len < sizeof(gsr))
		return EINVAL;
	memcpy(&gsr, val, sizeof(gsr));
	error = address_get(&gsr.gsr_group, &group);
	if (error == 0)
		error = address_get(&gsr.gsr_source, &source);
	if (error)
		return error;
	return source_change(inp, name, gsr.gsr_interface, &group, &source);
}

#define FILTER_HEAD	__builtin_offsetof(struct group_filter, gf_slist_flex)
#define SS_SIZE		sizeof(struct sockaddr_storage)

/* The list of a MCAST_MSFILTER.  EINVAL, ENOBUFS. */
static int
filter_parse(const uint8_t *val, socklen_t len, const struct group_filter *gf,
    struct ip6_sources **ret_s)
{
	struct ip6_sources *s;
	struct sockaddr_storage ss;
	int error;

	if (gf->gf_numsrc > IP6_MAXMSF)
		return ENOBUFS;
	if (gf->gf_fmode > MCAST_INCLUDE || (len - FILTER_HEAD) / SS_SIZE < gf->gf_numsrc)
		return EINVAL;
	s = ip6_sources_alloc(gf->gf_fmode == MCAST_EXCLUDE, gf->gf_numsrc);
	if (s == NULL)
		return ENOBUFS;
	for (unsigned int i = 0; i < gf->gf_numsrc; i++) {
		memcpy(&ss, val + FILTER_HEAD + i * SS_SIZE, sizeof(ss));
		error = address_get(&ss, &s->s_src[i]);
		if (error) {
			ip6_sources_free(s);
			return error;
		}
	}
	*ret_s = s;
	return 0;
}

static int
filter_apply(struct inpcb *inp, uint32_t ifindex, const struct inaddr *group,
    struct ip6_sources *s)
{
	struct mld_filter *mf;
	struct ip6_if *ii;
	int error;

	error = interface_find(inp->inp_so, group, ifindex, &ii);
	mf = error == 0 ? filter_find(inp, group, ii->ii_ifp->if_index) : NULL;
	if (error == 0 && mf == NULL)
		error = EINVAL;		/* joined first, as on Linux */
	if (error) {
		ip6_sources_free(s);
		return error;
	}
	if (!s->s_exclude && s->s_n == 0) {
		ip6_sources_free(s);
		membership_remove(inp, mf);
		return 0;
	}
	return mld_filter_set(ii, mf, s);
}

static int
set_msfilter(struct inpcb *inp, const void *val, socklen_t len)
{
	struct ip6_sources *s = NULL;
	struct group_filter gf;
	struct inaddr group;
	int error;

	if (len < FILTER_HEAD)
		return EINVAL;
	memset(&gf, 0, sizeof(gf));
	memcpy(&gf, val, FILTER_HEAD);
	error = address_get(&gf.gf_group, &group);
	if (error == 0 && !ip6_multicast(&group))
		error = EINVAL;
	if (error == 0)
		error = filter_parse(val, len, &gf, &s);
	return error != 0 ? error : filter_apply(inp, gf.gf_interface, &group, s);
}

int
ip6_mcast_setopt(struct socket *so, int name, const void *val, socklen_t len)
{
	struct inpcb *inp = so->so_pcb;
	int error;

	if (so->so_type == SOCK_STREAM)
		return EPROTO;
	mutex_enter(&so->so_ns->ns_lock);
	mutex_enter(&so->so_lock);
	switch (name) {
	case IPV6_ADD_MEMBERSHIP:
	case IPV6_DROP_MEMBERSHIP:
		error = set_mreq(inp, name, val, len);
		break;
	case MCAST_JOIN_GROUP:
	case MCAST_LEAVE_GROUP:
		error = set_group_req(inp, name, val, len);
		break;
	case MCAST_MSFILTER:
		error = set_msfilter(inp, val, len);
		break;
	default:
		error = set_source_req(inp, name, val, len);
		break;
	}
	mutex_exit(&so->so_lock);
	mutex_exit(&so->so_ns->ns_lock);
	return error;
}

static int
get_msfilter(struct inpcb *inp, uint8_t *val, socklen_t *len)
{
	const struct ip6_sources *s;
	struct group_filter gf;
	struct mld_filter *mf;
	struct inaddr group;
	unsigned int room;

	memset(&gf, 0, sizeof(gf));
	memcpy(&gf, val, FILTER_HEAD);
	if (address_get(&gf.gf_group, &group) || !ip6_multicast(&group))
		return EINVAL;
	mf = filter_find(inp, &group, gf.gf_interface);
	if (mf == NULL)
		return EADDRNOTAVAIL;
	s = mf->mf_sources;
	room = gf.gf_numsrc < s->s_n ? gf.gf_numsrc : s->s_n;
	if ((*len - FILTER_HEAD) / SS_SIZE < room)
		room = (unsigned int)((*len - FILTER_HEAD) / SS_SIZE);
	gf.gf_fmode = s->s_exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
	gf.gf_numsrc = s->s_n;
	memcpy(val, &gf, FILTER_HEAD);
	for (unsigned int i = 0; i < room; i++) {
		struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

		memcpy(&sin6.sin6_addr, &s->s_src[i], sizeof(sin6.sin6_addr));
		memset(val + FILTER_HEAD + i * SS_SIZE, 0, SS_SIZE);
		memcpy(val + FILTER_HEAD + i * SS_SIZE, &sin6, sizeof(sin6));
	}
	*len = (socklen_t)(FILTER_HEAD + room * SS_SIZE);
	return 0;
}

int
ip6_mcast_getopt(struct socket *so, int name, void *val, socklen_t *len)
{
	int error;

	if (*len < FILTER_HEAD)
		return EINVAL;
	mutex_enter(&so->so_ns->ns_lock);
	mutex_enter(&so->so_lock);
	error = get_msfilter(so->so_pcb, val, len);
	mutex_exit(&so->so_lock);
	mutex_exit(&so->so_ns->ns_lock);
	return error;
}

/* The socket goes; nobody else has it any more. */
void
ip6_pcbfree(struct socket *so)
{
	struct inpcb *inp = so->so_pcb;

	if (inp->inp_mcast6 != NULL) {
		mutex_enter(&so->so_ns->ns_lock);
		while (inp->inp_mcast6 != NULL)
			membership_remove(inp, inp->inp_mcast6);
		mutex_exit(&so->so_ns->ns_lock);
	}
	ip6_pcb_free(inp);
}
