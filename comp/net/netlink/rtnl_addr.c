/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_addr.c - addresses of interfaces
 *
 * IFA_LOCAL is ours; IFA_ADDRESS is the far end of a point-to-point link, else the same.
 * IPv6 writes IFA_LOCAL only if they differ.
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/if_addr.h>
#include <net/netevent.h>
#include <sys/errno.h>

static const struct nlpolicy addr_policy[] = {
	[IFA_ADDRESS]	= { NLK_ADDR, 0 },
	[IFA_LOCAL]	= { NLK_ADDR, 0 },
	[IFA_LABEL]	= { NLK_STRING, IFNAMSIZ - 1 },
	[IFA_BROADCAST]	= { NLK_ADDR, 0 },
	[IFA_ANYCAST]	= { NLK_ADDR, 0 },
	[IFA_CACHEINFO]	= { NLK_ANY, sizeof(struct ifa_cacheinfo) },
	[IFA_FLAGS]	= { NLK_U32, 0 },
	[IFA_RT_PRIORITY] = { NLK_U32, 0 },
	[IFA_TARGET_NETNSID] = { NLK_U32, 0 },
	[IFA_PROTO]	= { NLK_U8, 0 },
};
#define ADDR_NATTRS	ARRAY_SIZE(addr_policy)

#define INFINITE	0xffffffffu

/* --- writing ------------------------------------------------------------------------ */

static uint32_t
seconds_left(int64_t end, int64_t now)
{
	if (end == KTIME_NEVER)
		return INFINITE;
	return end <= now ? 0 : (uint32_t)((end - now + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
}

static uint32_t
centiseconds(int64_t t)
{
	return (uint32_t)(t / (NSEC_PER_SEC / 100));
}

static bool
has_peer(const struct ifaddr *ifa)
{
	return !inaddr_eq(&ifa->ifa_peer, &ifa->ifa_addr) && !inaddr_zero(&ifa->ifa_peer);
}

static uint32_t
flags_shown(const struct ifaddr *ifa)
{
	uint32_t flags = __atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED);

	return ifa->ifa_valid == KTIME_NEVER ? flags | IFA_F_PERMANENT :
	    flags & ~(uint32_t)IFA_F_PERMANENT;
}

/* Who made it, as far as nobody said so. */
static uint8_t
proto_shown(const struct ifaddr *ifa)
{
	static const struct inaddr loopback6 = { .ia_b = { [15] = 1 } };

	if (ifa->ifa_proto != 0 || ifa->ifa_family != AF_INET6)
		return ifa->ifa_proto;
	return inaddr_eq(&ifa->ifa_addr, &loopback6) ? IFAPROT_KERNEL_LO : 0;
}

void
rtaddr_put(struct nlbuf *nb, const struct nlhead *head, const struct ifaddr *ifa)
{
	size_t len = rtaddr_len(ifa->ifa_family);
	uint32_t flags = flags_shown(ifa);
	int64_t now = clock_mono();
	struct ifaddrmsg ifm = {
		.ifa_family = (uint8_t)ifa->ifa_family, .ifa_prefixlen = ifa->ifa_plen,
		.ifa_flags = (uint8_t)flags, .ifa_scope = ifa->ifa_scope,
		.ifa_index = ifa->ifa_ifp->if_index,
	};
	struct ifa_cacheinfo ci = {
		.ifa_prefered = seconds_left(ifa->ifa_preferred, now),
		.ifa_valid = seconds_left(ifa->ifa_valid, now),
		.cstamp = centiseconds(ifa->ifa_created),
		.tstamp = centiseconds(ifa->ifa_updated),
	};

	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &ifm, sizeof(ifm));
	nlbuf_attr(nb, IFA_ADDRESS, has_peer(ifa) ? &ifa->ifa_peer : &ifa->ifa_addr, len);
	if (ifa->ifa_family == AF_INET || has_peer(ifa))
		nlbuf_attr(nb, IFA_LOCAL, &ifa->ifa_addr, len);
	if (ifa->ifa_family == AF_INET && !inaddr_zero(&ifa->ifa_broadcast))
		nlbuf_attr(nb, IFA_BROADCAST, &ifa->ifa_broadcast, len);
	if (ifa->ifa_family == AF_INET)
		nlbuf_string(nb, IFA_LABEL, ifa->ifa_label[0] != '\0' ? ifa->ifa_label :
		    ifa->ifa_ifp->if_name);
	nlbuf_u32(nb, IFA_FLAGS, flags);
	if (ifa->ifa_metric != 0)
		nlbuf_u32(nb, IFA_RT_PRIORITY, ifa->ifa_metric);
	if (proto_shown(ifa) != 0)
		nlbuf_u8(nb, IFA_PROTO, proto_shown(ifa));
	nlbuf_attr(nb, IFA_CACHEINFO, &ci, sizeof(ci));
}

/* --- dump ------------------------------------------------------------------------------ */

struct addrfilter {
	int		 af_family;	/* 0: all */
	uint32_t	 af_index;	/* 0: all */
};

struct addrwalk {
	struct nldump	*aw_d;
	struct nlbuf	*aw_nb;
	int		 aw_family;
};

static int
dumpaddr_link(struct ifnet *ifp, void *arg)
{
	struct addrwalk *aw = arg;
	const struct addrfilter *af = (const void *)aw->aw_d->d_arg;
	const struct ifaddr *ifa;
	struct list_node *n;
	int error;

	LIST_FOREACH(n, &ifp->if_addrs) {
		ifa = container_of(n, struct ifaddr, ifa_iflink);
		if (ifa->ifa_family != aw->aw_family ||
		    (af->af_index != 0 && af->af_index != ifp->if_index) ||
		    !nldump_due(aw->aw_d))
			continue;
		rtaddr_put(aw->aw_nb, &aw->aw_d->d_head, ifa);
		error = nldump_put(aw->aw_d, aw->aw_nb);
		if (error)
			return error;
	}
	return 0;
}

/* One family after the other, as ip(8) shows them. */
static int
dumpaddr_next(struct nldump *d, struct nlbuf *nb)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct addrfilter *af = (const void *)d->d_arg;
	struct addrwalk aw = { d, nb, 0 };
	int error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(families); i++) {
		aw.aw_family = families[i];
		if (af->af_family == 0 || af->af_family == aw.aw_family)
			error = if_iterate(d->d_ns, dumpaddr_link, &aw);
	}
	return error;
}

int
rtnl_dumpaddr(struct nlreq *nr)
{
	struct addrfilter af = { 0, 0 };
	struct nlview tb[ADDR_NATTRS];
	struct ifaddrmsg ifm;
	int error;

	error = nlreq_header(nr, &ifm, sizeof(ifm));
	if (error)
		return error;
	/* A family that nobody knows is all of them (as on Linux). */
	af.af_family = rtaddr_len(ifm.ifa_family) != 0 ? ifm.ifa_family : AF_UNSPEC;
	if (nr->nr_strict) {
		error = nlreq_attrs(nr, sizeof(ifm), addr_policy, ADDR_NATTRS, true, tb);
		if (error)
			return error;
		if (ifm.ifa_prefixlen != 0 || ifm.ifa_flags != 0 || ifm.ifa_scope != 0)
			return nlreq_fail(nr, EINVAL, "invalid values in header of a dump");
		for (unsigned int i = 0; i < ADDR_NATTRS; i++) {
			if (nlview_present(tb[i]) && i != IFA_TARGET_NETNSID)
				return nlreq_fail(nr, EINVAL, "attribute means nothing in a dump");
		}
		af.af_index = ifm.ifa_index;
		if (af.af_index != 0 && if_byindex(nr->nr_ns, af.af_index) == NULL)
			return ENODEV;
		nr->nr_filtered = af.af_index != 0;
	}
	return nlreq_dump(nr, RTM_NEWADDR, dumpaddr_next, &af, sizeof(af));
}

int
rtnl_getaddr(struct nlreq *nr)
{
	struct nlview tb[ADDR_NATTRS];
	const struct ifaddr *ifa;
	struct ifaddrmsg ifm;
	struct inaddr addr;
	struct nlhead head;
	struct nlbuf nb;
	int error;

	error = nlreq_header(nr, &ifm, sizeof(ifm));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(ifm), addr_policy, ADDR_NATTRS, false, tb);
	if (error)
		return error;
	if (ifm.ifa_family != AF_INET6)
		return EOPNOTSUPP;
	if (!nlview_present(tb[IFA_ADDRESS]))
		return nlreq_misses(nr, IFA_ADDRESS, "which address?");
	error = rtaddr_view(AF_INET6, tb[IFA_ADDRESS], &addr);
	if (error == 0)
		error = nlreq_buf(&nb, NL_CHUNK_MIN);
	if (error)
		return error;
	nlreq_head(nr, RTM_NEWADDR, &head);
	mutex_enter(&nr->nr_ns->ns_lock);
	ifa = ifaddr_find(nr->nr_ns, AF_INET6, &addr,
	    ifm.ifa_index != 0 ? if_byindex(nr->nr_ns, ifm.ifa_index) : NULL);
	if (ifa != NULL) {
		rtaddr_put(&nb, &head, ifa);
		(void)nlbuf_end(&nb);
	}
	mutex_exit(&nr->nr_ns->ns_lock);
	if (ifa == NULL) {
		nlbuf_discard(&nb);
		return EADDRNOTAVAIL;
	}
	return nlreq_reply(nr, &nb);
}

/* --- changes ------------------------------------------------------------------------------ */

static int64_t
lifetime(uint32_t seconds, int64_t now)
{
	return seconds == INFINITE ? KTIME_NEVER : now + (int64_t)seconds * NSEC_PER_SEC;
}

static int
lifetimes_parse(struct nlreq *nr, struct nlview v, struct ifaddr *ifa)
{
	struct ifa_cacheinfo ci;
	int64_t now = clock_mono();

	ifa->ifa_created = ifa->ifa_updated = now;
	ifa->ifa_preferred = ifa->ifa_valid = KTIME_NEVER;
	if (!nlview_present(v))
		return 0;
	memcpy(&ci, v.nv_data, sizeof(ci));
	if (ci.ifa_valid == 0 || ci.ifa_prefered > ci.ifa_valid)
		return nlreq_fail(nr, EINVAL, "address lifetime invalid");
	ifa->ifa_preferred = lifetime(ci.ifa_prefered, now);
	ifa->ifa_valid = lifetime(ci.ifa_valid, now);
	return 0;
}

static int
addresses_parse(struct nlreq *nr, int family, const struct nlview *tb, struct ifaddr *ifa)
{
	struct nlview local = tb[IFA_LOCAL], address = tb[IFA_ADDRESS];
	int error;

	/* One alone is both. */
	if (!nlview_present(local))
		local = address;
	if (!nlview_present(address))
		address = local;
	if (!nlview_present(local))
		return nlreq_misses(nr, IFA_LOCAL, "which address?");
	error = rtaddr_view(family, local, &ifa->ifa_addr);
	if (error == 0)
		error = rtaddr_view(family, address, &ifa->ifa_peer);
	if (error == 0 && nlview_present(tb[IFA_BROADCAST]) && family == AF_INET)
		error = rtaddr_view(family, tb[IFA_BROADCAST], &ifa->ifa_broadcast);
	if (error)
		return nlreq_fail(nr, EINVAL, "invalid address length");
	return 0;
}

static int
addr_parse(struct nlreq *nr, struct ifaddrmsg *ifm, struct ifaddr *ifa)
{
	struct nlview tb[ADDR_NATTRS];
	int error;

	error = nlreq_header(nr, ifm, sizeof(*ifm));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(*ifm), addr_policy, ADDR_NATTRS, nr->nr_strict, tb);
	if (error)
		return error;
	if (rtaddr_len(ifm->ifa_family) == 0)
		return EAFNOSUPPORT;
	if (ifm->ifa_prefixlen > 8 * rtaddr_len(ifm->ifa_family))
		return nlreq_fail(nr, EINVAL, "invalid prefix length");
	memset(ifa, 0, sizeof(*ifa));
	ifa->ifa_family = ifm->ifa_family;
	ifa->ifa_plen = ifm->ifa_prefixlen;
	ifa->ifa_scope = ifm->ifa_scope;
	ifa->ifa_flags = nlview_present(tb[IFA_FLAGS]) ? nlview_u32(tb[IFA_FLAGS]) : ifm->ifa_flags;
	ifa->ifa_metric = nlview_u32(tb[IFA_RT_PRIORITY]);
	ifa->ifa_proto = (uint8_t)nlview_number(tb[IFA_PROTO], 1);
	if (nlview_present(tb[IFA_LABEL]))
		(void)nlview_string(tb[IFA_LABEL], ifa->ifa_label, sizeof(ifa->ifa_label));
	error = addresses_parse(nr, ifm->ifa_family, tb, ifa);
	if (error == 0)
		error = lifetimes_parse(nr, tb[IFA_CACHEINFO], ifa);
	return error;
}

/* It is there already: NLM_F_REPLACE gives it new lifetimes and flags. */
static void
addr_replace(struct netns *ns, struct ifaddr *ifa, const struct ifaddr *model)
{
	static const uint32_t kept = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_SECONDARY;
	struct netevent_info ne = { .ne_ns = ns, .ne_ifa = ifa };

	__atomic_store_n(&ifa->ifa_flags, (ifa->ifa_flags & kept) | (model->ifa_flags & ~kept),
	    __ATOMIC_RELAXED);
	ifa->ifa_preferred = model->ifa_preferred;
	ifa->ifa_valid = model->ifa_valid;
	ifa->ifa_updated = model->ifa_updated;
	netevent_tell(NETEVENT_ADDR_NEW, &ne);
}

int
rtnl_newaddr(struct nlreq *nr)
{
	unsigned int flags = nr->nr_hdr.nlmsg_flags;
	struct ifaddr model, *there = NULL;
	struct ifaddrmsg ifm;
	struct ifnet *ifp;
	int error;

	error = addr_parse(nr, &ifm, &model);
	if (error)
		return error;
	if (model.ifa_family == AF_INET6 && (model.ifa_flags & IFA_F_TENTATIVE) != 0)
		return nlreq_fail(nr, EINVAL, "tentative is for the kernel to say");
	rtnl_begin(nr);
	ifp = if_byindex(nr->nr_ns, ifm.ifa_index);
	if (ifp == NULL || ifp->if_dying) {
		error = nlreq_fail(nr, ENODEV, "unknown interface");
	} else {
		error = ifaddr_add(ifp, &model, &there);
		if (error == EEXIST && there != NULL && (flags & NLM_F_EXCL) == 0 &&
		    (flags & NLM_F_REPLACE) != 0) {
			addr_replace(nr->nr_ns, there, &model);
			error = 0;
		}
	}
	rtnl_end(nr);
	return error;
}

/* The address of the request on ifp; its label too has to be what was asked for. */
static bool
addr_exists(const struct ifnet *ifp, const struct ifaddr *want, bool anyplen)
{
	const struct ifaddr *ifa;
	struct list_node *n;

	LIST_FOREACH(n, &ifp->if_addrs) {
		ifa = container_of(n, struct ifaddr, ifa_iflink);
		if (ifa->ifa_family == want->ifa_family &&
		    inaddr_eq(&ifa->ifa_addr, &want->ifa_addr) &&
		    (anyplen || ifa->ifa_plen == want->ifa_plen) &&
		    (want->ifa_label[0] == '\0' || strcmp(ifa->ifa_label, want->ifa_label) == 0))
			return true;
	}
	return false;
}

int
rtnl_deladdr(struct nlreq *nr)
{
	struct ifaddr model;
	struct ifaddrmsg ifm;
	struct ifnet *ifp;
	int error;

	error = addr_parse(nr, &ifm, &model);
	if (error)
		return error;
	rtnl_begin(nr);
	ifp = if_byindex(nr->nr_ns, ifm.ifa_index);
	if (ifp == NULL)
		error = nlreq_fail(nr, ENODEV, "unknown interface");
	else if (!addr_exists(ifp, &model, false))
		error = nlreq_fail(nr, EADDRNOTAVAIL, "address not found");
	else
		error = ifaddr_del(ifp, model.ifa_family, &model.ifa_addr, model.ifa_plen);
	rtnl_end(nr);
	return error;
}
