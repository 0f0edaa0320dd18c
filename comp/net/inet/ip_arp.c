/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_arp.c - ARP (RFC 826) as the evidence of the neighbour cache
 *
 * The cache and its timing are neigh.c's; here questions are put on the wire and
 * answers taken off it.  New addresses announce themselves, and an address of ours
 * that another host uses is defended once in ten seconds (RFC 5227 section 2.4 (c)).
 * Who gave the address hears when that was of no use, and may give it up (b).
 *
 * Whatever says that a MAC has an IP address updates an entry we have; only who asks
 * for us, or answers us, makes a new one.
 */

#include "ip_impl.h"

#include <lib/string.h>
#include <linux/if_arp.h>
#include <net/ifnet.h>
#include <net/netevent.h>
#include <net/route.h>
#include <sys/atomic.h>
#include <sys/kmem.h>
#include <sys/log.h>

#define DEFEND_INTERVAL	(10 * NSEC_PER_SEC)

static struct log_limit arp_conflict_limit;

static void
arp_send(struct ifnet *ifp, const struct arp_msg *am, const uint8_t *dst)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_alloc(KM_NOSLEEP);

	if (p == NULL)
		return;
	inet_count(am->am_op == ARP_REQUEST ? ARPSTAT_OUTREQUESTS : ARPSTAT_OUTREPLIES);
	arpmsg_build(packet_append(p, ARP_LEN), am);
	p->p_l3 = packet_offset(p);
	p->p_type = PKT_OUTGOING;
	if_l2header(ifp, p, ETHERTYPE_ARP, dst);
	packetq_put(&q, p);
	if_transmit(ifp, &q);
}

static bool
arp_usable(const struct ifnet *ifp)
{
	return ifp->if_type == ARPHRD_ETHER && ifp->if_addrlen == 6 &&
	    (atomic_load(&ifp->if_flags) & (IFF_NOARP | IFF_LOOPBACK)) == 0;
}

/* RFC 5227 section 2.3: a request for our own address, so that others learn or object. */
void
arp_announce(struct ifnet *ifp, const struct inaddr *addr)
{
	struct arp_msg am = { .am_op = ARP_REQUEST, .am_sip = *addr, .am_tip = *addr };

	if (!arp_usable(ifp) || !if_running(ifp))
		return;
	memcpy(am.am_sha, ifp->if_lladdr, 6);
	arp_send(ifp, &am, ifp->if_broadcast);
}

/* --- asking --------------------------------------------------------------- */

/* Our address on that link, in the target's subnet if there is one. */
static bool
solicit_source(struct ifnet *ifp, const struct inaddr *addr, const struct inaddr *hint,
    struct inaddr *ret_src)
{
	const struct ifaddr *ifa;

	if (hint != NULL && !inaddr_zero(hint) &&
	    ifaddr_find(ifp->if_ns, AF_INET, hint, NULL) != NULL) {
		*ret_src = *hint;
		return true;
	}
	ifa = ifaddr_select(ifp, AF_INET, addr, RT_SCOPE_LINK);
	if (ifa == NULL)
		return false;
	*ret_src = ifa->ifa_addr;
	return true;
}

static void
arp_solicit(struct ifnet *ifp, const struct inaddr *addr, const uint8_t *lladdr,
    const struct inaddr *hint)
{
	struct arp_msg am = { .am_op = ARP_REQUEST, .am_tip = *addr };

	if (!arp_usable(ifp) || !solicit_source(ifp, addr, hint, &am.am_sip))
		return;
	memcpy(am.am_sha, ifp->if_lladdr, 6);
	if (lladdr != NULL)
		memcpy(am.am_tha, lladdr, 6);
	arp_send(ifp, &am, lladdr != NULL ? lladdr : ifp->if_broadcast);
}

/* Nobody has it: RFC 1122 section 2.3.2.2, and the sender may be ourselves. */
static void
arp_unreachable(struct ifnet *ifp, struct packet *p)
{
	if (p->p_l3 != 0 && packet_offset(p) < p->p_l3)
		packet_pull(p, (size_t)p->p_l3 - packet_offset(p));
	p->p_type = PKT_HOST;
	ip_error(ifp, p, INET_ERR_HOST_UNREACH, 0);
	packet_free(p);
}

static struct neigh_family arp_family = {
	.nf_family	= AF_INET,
	.nf_ethertype	= ETHERTYPE_IP,
	.nf_solicit	= arp_solicit,
	.nf_unreachable	= arp_unreachable,
};

/* --- answering ------------------------------------------------------------ */

/* Once for each defence: a flood is not to cost more than that. */
static void
conflict_tell(struct ifnet *ifp, struct in_ifinfo *ii, const struct inaddr *addr, int64_t defended)
{
	struct netevent_info ne = { .ne_ns = ifp->if_ns, .ne_ifp = ifp, .ne_addr = addr };

	if (atomic_load(&ii->ii_conflict) == defended)
		return;
	atomic_store(&ii->ii_conflict, defended);
	netevent_tell(NETEVENT_CONFLICT, &ne);
}

/* Somebody else says that it has our address. */
static void
arp_conflict(struct ifnet *ifp, const struct arp_msg *am)
{
	struct in_ifinfo *ii = ip_ifinfo(ifp);
	int64_t now = clock_mono(), last;

	inet_count(ARPSTAT_CONFLICTS);
	if (log_allowed(&arp_conflict_limit, 3))
		log_printf(LOG_WARNING, "%s: %02x:%02x:%02x:%02x:%02x:%02x uses our address %u.%u.%u.%u",
		    ifp->if_name, am->am_sha[0], am->am_sha[1], am->am_sha[2], am->am_sha[3],
		    am->am_sha[4], am->am_sha[5], am->am_sip.ia_b[0], am->am_sip.ia_b[1],
		    am->am_sip.ia_b[2], am->am_sip.ia_b[3]);
	if (ii == NULL)
		return;
	last = atomic_load(&ii->ii_defended);
	if (last != 0 && now - last < DEFEND_INTERVAL) {
		conflict_tell(ifp, ii, &am->am_sip, last);
		return;
	}
	atomic_store(&ii->ii_defended, now);
	arp_announce(ifp, &am->am_sip);
}

/* Is it for us to say where tip is? */
static bool
arp_answers(struct ifnet *ifp, const struct arp_msg *am)
{
	struct netns *ns = ifp->if_ns;
	int ignore = netvar_get(ns, &netvar_arp_ignore);
	struct rtdst *rd;
	bool proxy;

	if (in_loopback(&am->am_tip) || in_multicast(&am->am_tip))
		return false;
	if (ifaddr_find(ns, AF_INET, &am->am_tip, ignore != 0 ? ifp : NULL) != NULL)
		return true;
	if (netvar_get(ns, &netvar_proxy_arp) == 0 || netvar_get(ns, &netvar_ip_forward) == 0 ||
	    inaddr_zero(&am->am_sip))
		return false;
	if (route_lookup(ns, &(struct rtkey){ .rk_family = AF_INET, .rk_dst = am->am_tip,
				.rk_iif = ifp->if_index }, &rd) != 0)
		return false;
	proxy = rd->rd_type == RTN_UNICAST && rd->rd_ifp != ifp;
	rtdst_rele(rd);
	return proxy;
}

static void
arp_request(struct ifnet *ifp, const struct arp_msg *am)
{
	struct arp_msg reply = { .am_op = ARP_REPLY, .am_sip = am->am_tip, .am_tip = am->am_sip };
	bool answer;

	inet_count(ARPSTAT_INREQUESTS);
	answer = arp_answers(ifp, am);
	/* A probe (RFC 5227 section 2.1.1) has no address to learn. */
	if (!inaddr_zero(&am->am_sip))
		neigh_learn(ifp, AF_INET, &am->am_sip, am->am_sha,
		    NEIGH_OVERRIDE | (answer ? NEIGH_CREATE : 0));
	if (!answer)
		return;
	memcpy(reply.am_sha, ifp->if_lladdr, 6);
	memcpy(reply.am_tha, am->am_sha, 6);
	arp_send(ifp, &reply, am->am_sha);
}

static bool
arp_sane(const struct ifnet *ifp, const struct arp_msg *am)
{
	if (am->am_op != ARP_REQUEST && am->am_op != ARP_REPLY)
		return false;
	return (am->am_sha[0] & 1) == 0 && !in_multicast(&am->am_sip) &&
	    !in_loopback(&am->am_sip) && am->am_sip.ia_w[0] != INADDR_BROADCAST &&
	    !ip_isbroadcast(ifp->if_ns, &am->am_sip, ifp->if_index);
}

static void
arp_input_one(struct ifnet *ifp, const struct packet *p)
{
	uint8_t tmp[ARP_LEN];
	const uint8_t *b = packet_peek(p, 0, ARP_LEN, tmp);
	struct arp_msg am;
	unsigned int flags = NEIGH_OVERRIDE;

	if (b == NULL || arpmsg_parse(b, ARP_LEN, &am) != 0 || !arp_sane(ifp, &am)) {
		inet_count(ARPSTAT_INERRORS);
		return;
	}
	if (memcmp(am.am_sha, ifp->if_lladdr, 6) == 0)
		return;			/* our own, come back */
	if (!inaddr_zero(&am.am_sip) && ifaddr_find(ifp->if_ns, AF_INET, &am.am_sip, ifp) != NULL) {
		arp_conflict(ifp, &am);
		return;
	}
	if (am.am_op == ARP_REQUEST && !inaddr_eq(&am.am_sip, &am.am_tip)) {
		arp_request(ifp, &am);
		return;
	}
	if (am.am_op == ARP_REPLY)
		inet_count(ARPSTAT_INREPLIES);
	if (inaddr_zero(&am.am_sip))
		return;
	/* An answer to us is proof that it is there; anything else a hint. */
	if (am.am_op == ARP_REPLY && p->p_type == PKT_HOST &&
	    ifaddr_find(ifp->if_ns, AF_INET, &am.am_tip, NULL) != NULL)
		flags |= NEIGH_REACHABLE;
	else if (netvar_get(ifp->if_ns, &netvar_arp_accept) != 0)
		flags |= NEIGH_CREATE;
	neigh_learn(ifp, AF_INET, &am.am_sip, am.am_sha, flags);
}

static void
arp_input(struct ifnet *ifp, struct packetq *q)
{
	struct packet *p;

	while ((p = packetq_get(q)) != NULL) {
		if (p->p_type != PKT_OTHERHOST && arp_usable(ifp))
			arp_input_one(ifp, p);
		packet_free(p);
	}
}

static struct l3proto arp_l3proto = {
	.l3_ethertype	= ETHERTYPE_ARP,
	.l3_input	= arp_input,
};

int
arp_init(void)
{
	neigh_family_register(&arp_family);
	l3proto_register(&arp_l3proto);
	return 0;
}
