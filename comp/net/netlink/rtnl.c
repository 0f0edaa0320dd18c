/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl.c - NETLINK_ROUTE: which request goes where, and what is told to the groups
 *
 * References: rtnetlink(7), RFC 3549 section 3.
 */

#include "rtnl_impl.h"

#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/netevent.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define RTNL_OP(type)	((type) - RTM_BASE)

static const struct rtnl_op ops[] = {
	[RTNL_OP(RTM_NEWLINK)]	= { .ro_do = rtnl_newlink },
	[RTNL_OP(RTM_SETLINK)]	= { .ro_do = rtnl_newlink },
	[RTNL_OP(RTM_DELLINK)]	= { .ro_do = rtnl_dellink },
	[RTNL_OP(RTM_GETLINK)]	= { .ro_do = rtnl_getlink, .ro_dump = rtnl_dumplink },
	[RTNL_OP(RTM_NEWADDR)]	= { .ro_do = rtnl_newaddr, .ro_families = true },
	[RTNL_OP(RTM_DELADDR)]	= { .ro_do = rtnl_deladdr, .ro_families = true },
	[RTNL_OP(RTM_GETADDR)]	= { .ro_do = rtnl_getaddr, .ro_dump = rtnl_dumpaddr,
	    .ro_families = true },
	[RTNL_OP(RTM_NEWROUTE)]	= { .ro_do = rtnl_newroute, .ro_families = true },
	[RTNL_OP(RTM_DELROUTE)]	= { .ro_do = rtnl_delroute, .ro_families = true },
	[RTNL_OP(RTM_GETROUTE)]	= { .ro_do = rtnl_getroute, .ro_dump = rtnl_dumproute,
	    .ro_families = true },
	[RTNL_OP(RTM_NEWNEIGH)]	= { .ro_do = rtnl_newneigh },
	[RTNL_OP(RTM_DELNEIGH)]	= { .ro_do = rtnl_delneigh },
	[RTNL_OP(RTM_GETNEIGH)]	= { .ro_do = rtnl_getneigh, .ro_dump = rtnl_dumpneigh },
	[RTNL_OP(RTM_NEWRULE)]	= { .ro_do = rtnl_newrule },
	[RTNL_OP(RTM_DELRULE)]	= { .ro_do = rtnl_delrule },
	[RTNL_OP(RTM_GETRULE)]	= { .ro_dump = rtnl_dumprule },
	[RTNL_OP(RTM_GETNETCONF)] = { .ro_do = rtnl_getnetconf, .ro_dump = rtnl_dumpnetconf,
	    .ro_families = true },
	[RTNL_OP(RTM_GETNSID)]	= { .ro_do = rtnl_getnsid },
};

static int
rtnl_request(struct nlreq *nr)
{
	unsigned int type = nr->nr_hdr.nlmsg_type;
	const struct rtnl_op *op;
	bool get, dump;

	if (type < RTM_BASE || type > RTM_MAX)
		return EOPNOTSUPP;
	if (nr->nr_len < sizeof(struct rtgenmsg))
		return 0;		/* too short to mean anything: ignored */
	/* NEW, DEL, GET, SET: the two low bits (rtnetlink.h). */
	get = (type & 3) == 2;
	dump = get && (nr->nr_hdr.nlmsg_flags & NLM_F_DUMP) != 0;
	if (!get && !nlreq_mayconfigure(nr))
		return EPERM;
	if (type - RTM_BASE >= ARRAY_SIZE(ops))
		return EOPNOTSUPP;
	op = &ops[type - RTM_BASE];
	if (!dump && op->ro_families && nr->nr_data[0] != AF_INET && nr->nr_data[0] != AF_INET6)
		return EOPNOTSUPP;
	if (dump)
		return op->ro_dump != NULL ? op->ro_dump(nr) : EOPNOTSUPP;
	return op->ro_do != NULL ? op->ro_do(nr) : EOPNOTSUPP;
}

void
rtnl_begin(struct nlreq *nr)
    NO_THREAD_SAFETY
{
	mutex_enter(&nr->nr_ns->ns_lock);
	nr->nr_nn->nn_origin = nr;
}

void
rtnl_end(struct nlreq *nr)
    NO_THREAD_SAFETY
{
	nr->nr_nn->nn_origin = NULL;
	mutex_exit(&nr->nr_ns->ns_lock);
}

int
rtnl_getnsid(struct nlreq *nr)
{
	static const struct nlpolicy policy[] = {
		[NETNSA_NSID]	= { NLK_U32, 0 },
		[NETNSA_PID]	= { NLK_U32, 0 },
		[NETNSA_FD]	= { NLK_U32, 0 },
		[NETNSA_TARGET_NSID] = { NLK_U32, 0 },
	};
	struct rtgenmsg gen = { .rtgen_family = AF_UNSPEC };
	struct nlview tb[ARRAY_SIZE(policy)];
	int32_t none = NETNSA_NSID_NOT_ASSIGNED;
	struct nlhead head;
	struct nlbuf nb;
	int error;

	/* Peer name spaces have no numbers here: interfaces never cross them. */
	error = nlreq_attrs(nr, sizeof(gen), policy, ARRAY_SIZE(policy), nr->nr_strict, tb);
	if (error)
		return error;
	if (!nlview_present(tb[NETNSA_NSID]) && !nlview_present(tb[NETNSA_PID]) &&
	    !nlview_present(tb[NETNSA_FD]))
		return nlreq_fail(nr, EINVAL, "which name space?");
	error = nlreq_buf(&nb, 256);
	if (error)
		return error;
	nlreq_head(nr, RTM_NEWNSID, &head);
	nlbuf_begin(&nb, &head);
	nlbuf_bytes(&nb, &gen, sizeof(gen));
	nlbuf_attr(&nb, NETNSA_NSID, &none, sizeof(none));
	(void)nlbuf_end(&nb);
	return nlreq_reply(nr, &nb);
}

/* --- notifications ------------------------------------------------------------------ */

struct notice {
	uint16_t	 n_type;
	unsigned int	 n_group;	/* 0: nobody */
};

static unsigned int
group_of(int family, unsigned int group4, unsigned int group6)
{
	return family == AF_INET ? group4 : family == AF_INET6 ? group6 : 0;
}

static struct notice
notice_of(enum netevent ev, const struct netevent_info *ne)
{
	switch (ev) {
	case NETEVENT_LINK_NEW:
		return (struct notice){ RTM_NEWLINK, RTNLGRP_LINK };
	case NETEVENT_LINK_DEL:
		return (struct notice){ RTM_DELLINK, RTNLGRP_LINK };
	case NETEVENT_ADDR_NEW:
	case NETEVENT_ADDR_DEL:
		return (struct notice){ ev == NETEVENT_ADDR_NEW ? RTM_NEWADDR : RTM_DELADDR,
		    group_of(ne->ne_ifa->ifa_family, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR) };
	case NETEVENT_ROUTE_NEW:
	case NETEVENT_ROUTE_DEL:
		return (struct notice){ ev == NETEVENT_ROUTE_NEW ? RTM_NEWROUTE : RTM_DELROUTE,
		    group_of(ne->ne_route->rc_family, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE) };
	case NETEVENT_RULE_NEW:
	case NETEVENT_RULE_DEL:
		return (struct notice){ ev == NETEVENT_RULE_NEW ? RTM_NEWRULE : RTM_DELRULE,
		    group_of(ne->ne_rule->rr_family, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE) };
	case NETEVENT_NEIGH_NEW:
	case NETEVENT_NEIGH_DEL:
		return (struct notice){ ev == NETEVENT_NEIGH_NEW ? RTM_NEWNEIGH : RTM_DELNEIGH,
		    RTNLGRP_NEIGH };
	default:
		return (struct notice){ 0, 0 };
	}
}

static void
notice_put(struct nlbuf *nb, const struct nlhead *head, enum netevent ev,
    const struct netevent_info *ne)
{
	switch (ev) {
	case NETEVENT_LINK_NEW:
	case NETEVENT_LINK_DEL:
		rtlink_put(nb, head, ne->ne_ifp, ne->ne_change);
		break;
	case NETEVENT_ADDR_NEW:
	case NETEVENT_ADDR_DEL:
		rtaddr_put(nb, head, ne->ne_ifa);
		break;
	case NETEVENT_ROUTE_NEW:
	case NETEVENT_ROUTE_DEL:
		rtroute_put(nb, head, ne->ne_route);
		break;
	case NETEVENT_RULE_NEW:
	case NETEVENT_RULE_DEL:
		rtrule_put(nb, head, ne->ne_ns, ne->ne_rule);
		break;
	default:
		rtneigh_put(nb, head, ne->ne_neigh);
		break;
	}
}

static void
rtnl_event(enum netevent ev, const struct netevent_info *ne)
{
	bool neigh = ev == NETEVENT_NEIGH_NEW || ev == NETEVENT_NEIGH_DEL;
	struct nlns *nn = netlink_ns(ne->ne_ns);
	const struct nlreq *origin = NULL;
	struct nlhead head = { 0 };
	struct notice n;
	struct nlbuf nb;
	void *data;

	if (nn == NULL)
		return;
	if (!neigh)
		__atomic_fetch_add(&nn->nn_gen, 1, __ATOMIC_RELEASE);
	n = notice_of(ev, ne);
	if (n.n_group == 0 || !netlink_listened(nn, NETLINK_ROUTE, n.n_group))
		return;
	if (mutex_owned(&ne->ne_ns->ns_lock))
		origin = nn->nn_origin;
	if (origin != NULL)
		nlreq_head(origin, 0, &head);
	head.nh_type = n.n_type;
	head.nh_flags = (uint16_t)ne->ne_nlflags;
	data = kmem_alloc(NL_CHUNK_MIN, KM_NOSLEEP);
	if (data == NULL)
		return;
	nlbuf_init(&nb, data, NL_CHUNK_MIN);
	notice_put(&nb, &head, ev, ne);
	if (nlbuf_end(&nb))
		netlink_notify(nn, NETLINK_ROUTE, n.n_group, &nb, origin);
	kmem_free(data, NL_CHUNK_MIN);
}

static const struct nlfamily rtnl_family = {
	.nf_protocol	= NETLINK_ROUTE,
	.nf_name	= "rtnetlink",
	.nf_ngroups	= RTNLGRP_MAX,
	.nf_request	= rtnl_request,
};

static struct netevent_listener rtnl_listener = { .nl_event = rtnl_event };

void
rtnl_init(void)
{
	netlink_family_register(&rtnl_family);
	netevent_listen(&rtnl_listener);
}
