/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_neigh.c - neighbours: ARP and ND entries
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/errno.h>

static const struct nlpolicy neigh_policy[] = {
	[NDA_DST]	= { NLK_ADDR, 0 },
	[NDA_LLADDR]	= { NLK_ANY, 0 },
	[NDA_CACHEINFO]	= { NLK_ANY, sizeof(struct nda_cacheinfo) },
	[NDA_PROBES]	= { NLK_U32, 0 },
	[NDA_IFINDEX]	= { NLK_U32, 0 },
	[NDA_MASTER]	= { NLK_U32, 0 },
	[NDA_PROTOCOL]	= { NLK_U8, 0 },
	[NDA_FLAGS_EXT]	= { NLK_U32, 0 },
};
#define NEIGH_NATTRS	ARRAY_SIZE(neigh_policy)

/* States in which the address is known. */
#define STATES_KNOWN	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_NOARP | NUD_PERMANENT)

static uint32_t
ticks_since(int64_t then, int64_t now)
{
	return now <= then ? 0 : (uint32_t)((now - then) / (NSEC_PER_SEC / 100));
}

void
rtneigh_put(struct nlbuf *nb, const struct nlhead *head, const struct neigh_info *ni)
{
	int64_t now = clock_mono();
	struct ndmsg ndm = {
		.ndm_family = (uint8_t)ni->ni_family, .ndm_ifindex = (int)ni->ni_ifindex,
		.ndm_state = ni->ni_state, .ndm_flags = ni->ni_flags, .ndm_type = RTN_UNICAST,
	};
	struct nda_cacheinfo ci = {
		.ndm_confirmed = ticks_since(ni->ni_confirmed, now),
		.ndm_used = ticks_since(ni->ni_used, now),
		.ndm_updated = ticks_since(ni->ni_updated, now),
		.ndm_refcnt = 0,
	};

	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &ndm, sizeof(ndm));
	nlbuf_attr(nb, NDA_DST, &ni->ni_addr, rtaddr_len(ni->ni_family));
	if (ni->ni_addrlen > 0 && (ni->ni_state & STATES_KNOWN) != 0)
		nlbuf_attr(nb, NDA_LLADDR, ni->ni_lladdr, ni->ni_addrlen);
	nlbuf_u32(nb, NDA_PROBES, ni->ni_probes);
	nlbuf_attr(nb, NDA_CACHEINFO, &ci, sizeof(ci));
}

/* --- requests about one ---------------------------------------------------------------- */

static int
neigh_parse(struct nlreq *nr, struct neigh_info *ni, bool *ret_proxy)
{
	struct nlview tb[NEIGH_NATTRS];
	struct ndmsg ndm;
	int error;

	error = nlreq_header(nr, &ndm, sizeof(ndm));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(ndm), neigh_policy, NEIGH_NATTRS, false, tb);
	if (error)
		return error;
	memset(ni, 0, sizeof(*ni));
	ni->ni_family = ndm.ndm_family;
	if (!nlview_present(tb[NDA_DST]))
		return nlreq_misses(nr, NDA_DST, "which neighbour?");
	if (rtaddr_len(ndm.ndm_family) == 0)
		return EAFNOSUPPORT;
	if (rtaddr_view(ndm.ndm_family, tb[NDA_DST], &ni->ni_addr) != 0)
		return nlreq_fail(nr, EINVAL, "invalid address length");
	if (ndm.ndm_ifindex <= 0)
		return nlreq_fail(nr, EINVAL, "which interface?");
	ni->ni_ifindex = (uint32_t)ndm.ndm_ifindex;
	ni->ni_state = ndm.ndm_state;
	ni->ni_flags = ndm.ndm_flags & (NTF_ROUTER | NTF_PROXY);
	if (nlview_present(tb[NDA_LLADDR])) {
		if (tb[NDA_LLADDR].nv_len > IF_LLADDR)
			return nlreq_fail(nr, EINVAL, "link-layer address too long");
		memcpy(ni->ni_lladdr, tb[NDA_LLADDR].nv_data, tb[NDA_LLADDR].nv_len);
		ni->ni_addrlen = (uint8_t)tb[NDA_LLADDR].nv_len;
	}
	*ret_proxy = (ndm.ndm_flags & NTF_PROXY) != 0;
	return 0;
}

static int
neigh_change(struct nlreq *nr, bool add)
{
	struct neigh_info ni;
	struct ifnet *ifp;
	bool proxy;
	int error;

	error = neigh_parse(nr, &ni, &proxy);
	if (error)
		return error;
	if (proxy)
		return nlreq_fail(nr, EOPNOTSUPP, "no proxy entries");
	rtnl_begin(nr);
	ifp = if_byindex(nr->nr_ns, ni.ni_ifindex);
	if (ifp == NULL)
		error = ENODEV;
	else if (add && ni.ni_addrlen != 0 && ni.ni_addrlen < ifp->if_addrlen)
		error = nlreq_fail(nr, EINVAL, "link-layer address too short");
	else
		error = add ? neigh_set(ifp, &ni, nr->nr_hdr.nlmsg_flags) :
		    neigh_del(ifp, ni.ni_family, &ni.ni_addr);
	rtnl_end(nr);
	return error;
}

int
rtnl_newneigh(struct nlreq *nr)
{
	return neigh_change(nr, true);
}

int
rtnl_delneigh(struct nlreq *nr)
{
	return neigh_change(nr, false);
}

int
rtnl_getneigh(struct nlreq *nr)
{
	struct neigh_info ni, found;
	struct nlhead head;
	struct ifnet *ifp;
	struct nlbuf nb;
	bool proxy;
	int error;

	error = neigh_parse(nr, &ni, &proxy);
	if (error)
		return error;
	mutex_enter(&nr->nr_ns->ns_lock);
	ifp = if_byindex(nr->nr_ns, ni.ni_ifindex);
	error = ifp == NULL ? ENODEV : neigh_lookup(ifp, ni.ni_family, &ni.ni_addr, &found);
	mutex_exit(&nr->nr_ns->ns_lock);
	if (error == 0)
		error = nlreq_buf(&nb, NL_CHUNK_MIN);
	if (error)
		return error;
	nlreq_head(nr, RTM_NEWNEIGH, &head);
	rtneigh_put(&nb, &head, &found);
	(void)nlbuf_end(&nb);
	return nlreq_reply(nr, &nb);
}

/* --- dump ---------------------------------------------------------------------------------- */

struct neighfilter {
	int		 nf_family;
	uint32_t	 nf_index;
	bool		 nf_nothing;
};

struct neighwalk {
	struct nldump	*nw_d;
	struct nlbuf	*nw_nb;
};

static int
dumpneigh_one(const struct neigh_info *ni, void *arg)
{
	struct neighwalk *nw = arg;

	if (!nldump_due(nw->nw_d))
		return 0;
	rtneigh_put(nw->nw_nb, &nw->nw_d->d_head, ni);
	return nldump_put(nw->nw_d, nw->nw_nb);
}

static int
dumpneigh_next(struct nldump *d, struct nlbuf *nb)
{
	const struct neighfilter *nf = (const void *)d->d_arg;
	struct neighwalk nw = { d, nb };

	if (nf->nf_nothing)
		return 0;
	return neigh_iterate(d->d_ns, nf->nf_family, nf->nf_index, dumpneigh_one, &nw);
}

int
rtnl_dumpneigh(struct nlreq *nr)
{
	struct neighfilter nf = { 0, 0, false };
	struct nlview tb[NEIGH_NATTRS];
	struct ndmsg ndm;
	int error;

	error = nlreq_header(nr, &ndm, sizeof(ndm));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(ndm), neigh_policy, NEIGH_NATTRS, nr->nr_strict, tb);
	if (error)
		return error;
	if (nr->nr_strict && (ndm.ndm_state != 0 || ndm.ndm_type != 0 || ndm.ndm_ifindex != 0))
		return nlreq_fail(nr, EINVAL, "invalid values in header of a dump");
	nf.nf_family = ndm.ndm_family;
	nf.nf_index = nlview_u32(tb[NDA_IFINDEX]);
	nr->nr_filtered = nf.nf_index != 0 || nlview_u32(tb[NDA_MASTER]) != 0;
	/* No proxies, no forwarding database, no masters. */
	nf.nf_nothing = (ndm.ndm_flags & NTF_PROXY) != 0 || nlview_u32(tb[NDA_MASTER]) != 0 ||
	    (ndm.ndm_family != AF_UNSPEC && rtaddr_len(ndm.ndm_family) == 0);
	return nlreq_dump(nr, RTM_NEWNEIGH, dumpneigh_next, &nf, sizeof(nf));
}
