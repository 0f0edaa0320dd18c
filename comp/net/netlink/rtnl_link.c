/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_link.c - requests about interfaces
 *
 * What exists is changed, what does not is made by its kind (IFLA_INFO_KIND), if a driver
 * announced that one.  Changes are made one after the other; the first that fails
 * ends the request, and what was changed before it stays, as on Linux.
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <sys/errno.h>

static const struct nlpolicy link_policy[] = {
	[IFLA_ADDRESS]		= { NLK_ANY, 0 },
	[IFLA_BROADCAST]	= { NLK_ANY, 0 },
	[IFLA_IFNAME]		= { NLK_STRING, IFNAMSIZ - 1 },
	[IFLA_MTU]		= { NLK_U32, 0 },
	[IFLA_LINK]		= { NLK_U32, 0 },
	[IFLA_MASTER]		= { NLK_U32, 0 },
	[IFLA_TXQLEN]		= { NLK_U32, 0 },
	[IFLA_OPERSTATE]	= { NLK_U8, 0 },
	[IFLA_LINKMODE]		= { NLK_U8, 0 },
	[IFLA_LINKINFO]		= { NLK_NEST, 0 },
	[IFLA_NET_NS_PID]	= { NLK_U32, 0 },
	[IFLA_IFALIAS]		= { NLK_STRING, 255 },
	[IFLA_EXT_MASK]		= { NLK_U32, 0 },
	[IFLA_NET_NS_FD]	= { NLK_U32, 0 },
	[IFLA_AF_SPEC]		= { NLK_NEST, 0 },
	[IFLA_GROUP]		= { NLK_U32, 0 },
	[IFLA_PROMISCUITY]	= { NLK_U32, 0 },
	[IFLA_NUM_TX_QUEUES]	= { NLK_U32, 0 },
	[IFLA_NUM_RX_QUEUES]	= { NLK_U32, 0 },
	[IFLA_CARRIER]		= { NLK_U8, 0 },
	[IFLA_TARGET_NETNSID]	= { NLK_U32, 0 },
	[IFLA_ALT_IFNAME]	= { NLK_STRING, 127 },
};
#define LINK_NATTRS	ARRAY_SIZE(link_policy)

static const struct nlpolicy info_policy[] = {
	[IFLA_INFO_KIND]	= { NLK_STRING, 31 },
	[IFLA_INFO_DATA]	= { NLK_NEST, 0 },
};

static const struct nlpolicy veth_policy[] = {
	[VETH_INFO_PEER]	= { NLK_NEST, sizeof(struct ifinfomsg) },
};

#define KIND_LEN	32

/* A request, taken apart. */
struct linkreq {
	struct ifinfomsg lr_ifi;
	struct nlview	 lr_tb[LINK_NATTRS];
	char		 lr_name[IFNAMSIZ];	/* "": none given */
	bool		 lr_named;	/* if only by an empty name */
	char		 lr_kind[KIND_LEN];
	struct nlview	 lr_data;		/* IFLA_INFO_DATA */
};

static int
linkreq_parse(struct nlreq *nr, struct linkreq *lr)
{
	struct nlview info[ARRAY_SIZE(info_policy)];
	int error;

	memset(lr, 0, sizeof(*lr));
	error = nlreq_header(nr, &lr->lr_ifi, sizeof(lr->lr_ifi));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(lr->lr_ifi), link_policy, LINK_NATTRS, false,
		    lr->lr_tb);
	if (error)
		return error;
	lr->lr_named = nlview_present(lr->lr_tb[IFLA_IFNAME]) ||
	    nlview_present(lr->lr_tb[IFLA_ALT_IFNAME]);
	if (nlview_present(lr->lr_tb[IFLA_IFNAME]))
		(void)nlview_string(lr->lr_tb[IFLA_IFNAME], lr->lr_name, sizeof(lr->lr_name));
	else if (nlview_present(lr->lr_tb[IFLA_ALT_IFNAME]) &&
	    nlview_string(lr->lr_tb[IFLA_ALT_IFNAME], lr->lr_name, sizeof(lr->lr_name)) != 0)
		return ENODEV;
	if (!nlview_present(lr->lr_tb[IFLA_LINKINFO]))
		return 0;
	error = nlattrs_parse(lr->lr_tb[IFLA_LINKINFO].nv_data, lr->lr_tb[IFLA_LINKINFO].nv_len,
	    info_policy, ARRAY_SIZE(info_policy), false, info, &nr->nr_err);
	if (error == 0 && nlview_present(info[IFLA_INFO_KIND]))
		error = nlview_string(info[IFLA_INFO_KIND], lr->lr_kind, KIND_LEN);
	lr->lr_data = info[IFLA_INFO_DATA];
	return error;
}

/* The interface that is meant, referenced.  EINVAL: none was named. */
static int
linkreq_find(struct nlreq *nr, const struct linkreq *lr, struct ifnet **ret_ifp)
{
	struct ifnet *ifp;

	if (lr->lr_ifi.ifi_index > 0)
		ifp = if_byindex(nr->nr_ns, (uint32_t)lr->lr_ifi.ifi_index);
	else if (lr->lr_ifi.ifi_index < 0)
		return nlreq_fail(nr, EINVAL, "negative interface index");
	else if (lr->lr_named)
		ifp = if_byname(nr->nr_ns, lr->lr_name);
	else
		return nlreq_fail(nr, EINVAL, "no interface was named");
	if (ifp == NULL)
		return ENODEV;
	if_hold(ifp);
	*ret_ifp = ifp;
	return 0;
}

/* --- get -------------------------------------------------------------------------- */

static int
getlink_strict(struct nlreq *nr, const struct linkreq *lr)
{
	const struct ifinfomsg *ifi = &lr->lr_ifi;

	if (ifi->ifi_type != 0 || ifi->ifi_flags != 0 || ifi->ifi_change != 0)
		return nlreq_fail(nr, EINVAL, "invalid values in header");
	for (unsigned int i = 0; i < LINK_NATTRS; i++) {
		if (nlview_present(lr->lr_tb[i]) && i != IFLA_IFNAME && i != IFLA_ALT_IFNAME &&
		    i != IFLA_EXT_MASK && i != IFLA_TARGET_NETNSID)
			return nlreq_fail(nr, EINVAL, "attribute means nothing here");
	}
	return 0;
}

int
rtnl_getlink(struct nlreq *nr)
{
	struct linkreq lr;
	struct ifnet *ifp;
	struct nlhead head;
	struct nlbuf nb;
	int error;

	error = linkreq_parse(nr, &lr);
	if (error == 0 && nr->nr_strict)
		error = getlink_strict(nr, &lr);
	if (error == 0)
		error = linkreq_find(nr, &lr, &ifp);
	if (error)
		return error;
	error = nlreq_buf(&nb, NL_CHUNK_MIN);
	if (error == 0) {
		nlreq_head(nr, RTM_NEWLINK, &head);
		mutex_enter(&nr->nr_ns->ns_lock);
		rtlink_put(&nb, &head, ifp, 0);
		mutex_exit(&nr->nr_ns->ns_lock);
		(void)nlbuf_end(&nb);
		error = nlreq_reply(nr, &nb);
	}
	if_rele(ifp);
	return error;
}

/* What a dump of links may be limited by. */
struct linkfilter {
	char		 lf_kind[KIND_LEN];
	uint32_t	 lf_master;
	bool		 lf_nothing;	/* of a family that has no interfaces of its own */
};
_Static_assert(sizeof(struct linkfilter) <= sizeof(((struct nldump *)0)->d_arg), "fits");

struct linkwalk {
	struct nldump	*lw_d;
	struct nlbuf	*lw_nb;
};

static bool
link_wanted(const struct ifnet *ifp, const struct linkfilter *lf)
{
	if (lf->lf_nothing || lf->lf_master != 0)
		return false;
	return lf->lf_kind[0] == '\0' || (ifp->if_ops->ifo_kind != NULL &&
	    strcmp(lf->lf_kind, ifp->if_ops->ifo_kind) == 0);
}

static int
dumplink_one(struct ifnet *ifp, void *arg)
{
	struct linkwalk *lw = arg;
	const struct linkfilter *lf = (const void *)lw->lw_d->d_arg;

	if (!nldump_due(lw->lw_d))
		return 0;
	if (!link_wanted(ifp, lf)) {
		nldump_skip(lw->lw_d);
		return 0;
	}
	rtlink_put(lw->lw_nb, &lw->lw_d->d_head, ifp, 0);
	return nldump_put(lw->lw_d, lw->lw_nb);
}

static int
dumplink_next(struct nldump *d, struct nlbuf *nb)
{
	struct linkwalk lw = { d, nb };

	return if_iterate(d->d_ns, dumplink_one, &lw);
}

/* A client that wants strict checking says nothing that would be ignored. */
static int
dumplink_strict(struct nlreq *nr, const struct linkreq *lr)
{
	const struct ifinfomsg *ifi = &lr->lr_ifi;

	if (ifi->ifi_type != 0 || ifi->ifi_flags != 0 || ifi->ifi_change != 0)
		return nlreq_fail(nr, EINVAL, "invalid values in header of a dump");
	if (ifi->ifi_index != 0)
		return nlreq_fail(nr, EINVAL, "an index means nothing in a dump of links");
	for (unsigned int i = 0; i < LINK_NATTRS; i++) {
		if (nlview_present(lr->lr_tb[i]) && i != IFLA_TARGET_NETNSID &&
		    i != IFLA_EXT_MASK && i != IFLA_MASTER && i != IFLA_LINKINFO)
			return nlreq_fail(nr, EINVAL, "attribute means nothing in a dump");
	}
	return 0;
}

int
rtnl_dumplink(struct nlreq *nr)
{
	struct linkfilter lf = { .lf_kind = "" };
	struct linkreq lr;
	int error;

	error = linkreq_parse(nr, &lr);
	if (error)
		return error;
	error = nr->nr_strict ? dumplink_strict(nr, &lr) : 0;
	if (error)
		return error;
	/* A kind that nobody knows is no filter (as on Linux). */
	if (ifkind_find(lr.lr_kind) != NULL)
		(void)strlcpy(lf.lf_kind, lr.lr_kind, sizeof(lf.lf_kind));
	lf.lf_master = nlview_u32(lr.lr_tb[IFLA_MASTER]);
	lf.lf_nothing = lr.lr_ifi.ifi_family == AF_BRIDGE;
	nr->nr_filtered = lf.lf_kind[0] != '\0' || lf.lf_master != 0;
	return nlreq_dump(nr, RTM_NEWLINK, dumplink_next, &lf, sizeof(lf));
}

/* --- change ------------------------------------------------------------------------- */

static int
unsupported(struct nlreq *nr, const struct linkreq *lr)
{
	static const struct {
		uint16_t	 attr;
		const char	*why;
	} table[] = {
		{ IFLA_NET_NS_PID, "interfaces stay in their name space" },
		{ IFLA_NET_NS_FD, "interfaces stay in their name space" },
		{ IFLA_TARGET_NETNSID, "name spaces have no numbers here" },
		{ IFLA_CARRIER, "the driver does not let the carrier be set" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (nlview_present(lr->lr_tb[table[i].attr]))
			return nlreq_fail(nr, EOPNOTSUPP, table[i].why);
	}
	if (nlview_u32(lr->lr_tb[IFLA_MASTER]) != 0)
		return nlreq_fail(nr, EOPNOTSUPP, "no interface here takes others into it");
	return 0;
}

static int
change_lladdr(struct nlreq *nr, struct ifnet *ifp, struct nlview v)
{
	/* A multicast or zero address is nobody's (IEEE 802). */
	if (v.nv_len < ifp->if_addrlen || ifp->if_addrlen == 0)
		return nlreq_fail(nr, EINVAL, "invalid link-layer address");
	return if_setlladdr(ifp, v.nv_data);
}

static int
change_alias(struct ifnet *ifp, struct nlview v)
{
	char alias[256];

	/* The policy has seen to the length. */
	(void)nlview_string(v, alias, sizeof(alias));
	return if_setalias(ifp, alias);
}

/* ns_lock held. */
static int
link_change(struct nlreq *nr, struct ifnet *ifp, const struct linkreq *lr)
{
	const struct nlview *tb = lr->lr_tb;
	uint32_t mask = lr->lr_ifi.ifi_change;
	int error = 0;

	if (nlview_present(tb[IFLA_ADDRESS]))
		error = change_lladdr(nr, ifp, tb[IFLA_ADDRESS]);
	if (error == 0 && nlview_present(tb[IFLA_MTU])) {
		error = if_setmtu(ifp, nlview_u32(tb[IFLA_MTU]));
		if (error == EINVAL)
			nr->nr_err.ne_text = "mtu out of the interface's bounds";
	}
	if (error == 0 && lr->lr_ifi.ifi_index > 0 && lr->lr_name[0] != '\0' &&
	    strcmp(lr->lr_name, ifp->if_name) != 0)
		error = if_rename(ifp, lr->lr_name);
	if (error == 0 && nlview_present(tb[IFLA_TXQLEN]))
		__atomic_store_n(&ifp->if_txqlen, nlview_u32(tb[IFLA_TXQLEN]), __ATOMIC_RELAXED);
	if (error == 0 && nlview_present(tb[IFLA_GROUP]))
		if_setgroup(ifp, nlview_u32(tb[IFLA_GROUP]));
	if (error == 0 && nlview_present(tb[IFLA_IFALIAS]))
		error = change_alias(ifp, tb[IFLA_IFALIAS]);
	/* Old tools leave the mask empty and mean all of the flags. */
	if (error == 0 && (mask != 0 || lr->lr_ifi.ifi_flags != 0))
		error = if_setflags(ifp, lr->lr_ifi.ifi_flags, mask != 0 ? mask : ~0u);
	return error;
}

/* The other end's name, of a pair made like veth's. */
static int
peer_name(struct nlreq *nr, struct nlview data, char *name)
{
	struct nlview tb[ARRAY_SIZE(veth_policy)], peer[LINK_NATTRS];
	int error;

	name[0] = '\0';
	if (!nlview_present(data))
		return 0;
	error = nlattrs_parse(data.nv_data, data.nv_len, veth_policy, ARRAY_SIZE(veth_policy),
	    false, tb, &nr->nr_err);
	if (error != 0 || !nlview_present(tb[VETH_INFO_PEER]))
		return error;
	error = nlattrs_parse(tb[VETH_INFO_PEER].nv_data + sizeof(struct ifinfomsg),
	    tb[VETH_INFO_PEER].nv_len - sizeof(struct ifinfomsg), link_policy, LINK_NATTRS,
	    false, peer, &nr->nr_err);
	if (error == 0 && nlview_present(peer[IFLA_IFNAME]))
		error = nlview_string(peer[IFLA_IFNAME], name, IFNAMSIZ);
	return error;
}

static int
link_create(struct nlreq *nr, struct linkreq *lr)
{
	const struct ifkind *ik = NULL;
	char peer[IFNAMSIZ], name[IFNAMSIZ];
	struct ifnet *ifp;
	int error;

	if (lr->lr_kind[0] != '\0')
		ik = ifkind_find(lr->lr_kind);
	if (ik == NULL)
		return nlreq_fail(nr, EOPNOTSUPP, lr->lr_kind[0] != '\0' ?
		    "no driver makes that kind of interface" : "what kind of interface?");
	error = peer_name(nr, lr->lr_data, peer);
	if (error)
		return error;
	(void)strlcpy(name, lr->lr_name, sizeof(name));
	if (name[0] == '\0') {
		(void)strlcpy(name, ik->ik_prefix, sizeof(name) - 2);
		(void)strlcat(name, "%d", sizeof(name));
	}
	error = ik->ik_create(nr->nr_ns, name, NULL, peer[0] != '\0' ? peer : NULL, &ifp);
	if (error)
		return error;
	lr->lr_name[0] = '\0';
	rtnl_begin(nr);
	error = link_change(nr, ifp, lr);
	rtnl_end(nr);
	if (error)
		ik->ik_destroy(ifp);
	if_rele(ifp);
	return error;
}

int
rtnl_newlink(struct nlreq *nr)
{
	unsigned int flags = nr->nr_hdr.nlmsg_flags;
	struct linkreq lr;
	struct ifnet *ifp;
	int error;

	error = linkreq_parse(nr, &lr);
	if (error == 0)
		error = unsupported(nr, &lr);
	if (error)
		return error;
	error = linkreq_find(nr, &lr, &ifp);
	if (nr->nr_hdr.nlmsg_type == RTM_NEWLINK && (flags & NLM_F_CREATE) != 0 &&
	    (error == ENODEV || (error == EINVAL && lr.lr_ifi.ifi_index == 0))) {
		nr->nr_err.ne_text = NULL;
		return link_create(nr, &lr);
	}
	if (nr->nr_hdr.nlmsg_type == RTM_NEWLINK && !lr.lr_named && lr.lr_ifi.ifi_index == 0)
		error = ENODEV;
	if (error)
		return error;
	if (nr->nr_hdr.nlmsg_type == RTM_NEWLINK && (flags & NLM_F_EXCL) != 0) {
		error = EEXIST;
	} else if (lr.lr_kind[0] != '\0' && (flags & NLM_F_REPLACE) != 0) {
		error = EOPNOTSUPP;
	} else {
		rtnl_begin(nr);
		error = ifp->if_dying ? ENODEV : link_change(nr, ifp, &lr);
		rtnl_end(nr);
	}
	if_rele(ifp);
	return error;
}

int
rtnl_dellink(struct nlreq *nr)
{
	const struct ifkind *ik = NULL;
	struct linkreq lr;
	struct ifnet *ifp;
	int error;

	error = linkreq_parse(nr, &lr);
	if (error == 0)
		error = linkreq_find(nr, &lr, &ifp);
	if (error)
		return error;
	if (ifp->if_ops->ifo_kind != NULL)
		ik = ifkind_find(ifp->if_ops->ifo_kind);
	if (ik != NULL && ik->ik_destroy != NULL)
		ik->ik_destroy(ifp);
	else
		error = EOPNOTSUPP;
	if_rele(ifp);
	return error;
}
