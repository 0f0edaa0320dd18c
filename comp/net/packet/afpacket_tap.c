/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * afpacket_tap.c - from an interface into a packet socket's queue
 *
 * A tap runs on the thread that moves the packet, so it looks before it copies:
 * direction, protocol, filter, room.  What it keeps is a clone, with blocks of its own,
 * since it may wait for long and a bus wants its buffers back.
 */

#include "afpacket_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_ether.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

/* p_data is at the link-layer header, if there is one. */
static uint16_t
protocol_of(const struct ifnet *ifp, const struct packet *p)
{
	uint8_t tmp[2];
	const uint8_t *at;

	if (ifp->if_hdrlen == ETH_HLEN) {
		at = packet_peek(p, 2 * ETH_ALEN, 2, tmp);
		return at != NULL ? be16_get(at) : 0;
	}
	at = packet_peek(p, 0, 1, tmp);
	if (at == NULL)
		return 0;
	return at[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
}

static uint8_t
type_of(const struct ifnet *ifp, const struct packet *p, bool out)
{
	uint8_t tmp[ETH_ALEN];
	const uint8_t *dst;

	if (out)
		return PACKET_OUTGOING;
	if (ifp->if_hdrlen != ETH_HLEN)
		return PACKET_HOST;
	dst = packet_peek(p, 0, ETH_ALEN, tmp);
	if (dst == NULL)
		return PACKET_OTHERHOST;
	if ((dst[0] & 1) != 0)
		return memcmp(dst, ifp->if_broadcast, ETH_ALEN) == 0 ? PACKET_BROADCAST :
		    PACKET_MULTICAST;
	/* Loopback's frames, if they have headers at all, are all ours. */
	return (ifp->if_flags & IFF_LOOPBACK) != 0 ||
	    memcmp(dst, ifp->if_lladdr, ETH_ALEN) == 0 ? PACKET_HOST : PACKET_OTHERHOST;
}

static bool
wanted(const struct pksock *pk, uint16_t protocol, bool out)
{
	uint16_t want = __atomic_load_n(&pk->pk_protocol, __ATOMIC_RELAXED);

	if (want == 0 || (out && pksock_flag(pk, PKF_NOOUT)))
		return false;
	/* A socket of one protocol hears what arrives, not what leaves (packet(7)). */
	return want == ETH_P_ALL || (!out && want == protocol);
}

static void
describe(const struct ifnet *ifp, struct packet *p, uint16_t protocol, bool out)
{
	struct pkcb *pc = pkcb_of(p);
	uint8_t tmp[ETH_ALEN];
	const uint8_t *src;

	memset(pc, 0, sizeof(*pc));
	pc->pc_ifindex = ifp->if_index;
	pc->pc_protocol = protocol;
	pc->pc_hatype = ifp->if_type;
	pc->pc_type = type_of(ifp, p, out);
	pc->pc_net = ifp->if_hdrlen;
	pc->pc_len = p->p_len;
	if (ifp->if_hdrlen != ETH_HLEN)
		return;
	src = packet_peek(p, ETH_ALEN, ETH_ALEN, tmp);
	if (src != NULL) {
		memcpy(pc->pc_addr, src, ETH_ALEN);
		pc->pc_halen = ETH_ALEN;
	}
}

/* Consumes p; NULL: there was no memory for it. */
static void
enqueue(struct pksock *pk, struct packet *p)
{
	struct socket *so = pk->pk_so;
	bool full = p == NULL;

	mutex_enter(&so->so_lock);
	pk->pk_packets++;
	if (!full && !sockbuf_put(&so->so_rcv, p))
		full = true;
	if (full) {
		pk->pk_drops++;
		atomic_add(&so->so_drops, 1);
	} else {
		socket_wake(so, POLLIN);
	}
	mutex_exit(&so->so_lock);
	if (full)
		packet_free(p);
}

static void
tap_packet(struct iftap *it, struct ifnet *ifp, const struct packet *p, bool out)
{
	struct pksock *pk = container_of(it, struct pktap, pt_tap)->pt_pk;
	bool cooked = pk->pk_so->so_type == SOCK_DGRAM;
	uint16_t protocol = protocol_of(ifp, p);
	uint32_t keep = UINT32_MAX;
	struct packet *copy;

	if (!wanted(pk, protocol, out))
		return;
	if (!cooked) {
		keep = sockfilter_run(pk->pk_so, p);
		if (keep == 0)
			return;
	}
	copy = packet_clone(p, KM_NOSLEEP);
	if (copy != NULL) {
		describe(ifp, copy, protocol, out);
		if (cooked) {
			packet_skip(copy, ifp->if_hdrlen);
			pkcb_of(copy)->pc_net = 0;
			pkcb_of(copy)->pc_len = copy->p_len;
			keep = sockfilter_run(pk->pk_so, copy);
			if (keep == 0) {
				packet_free(copy);
				return;
			}
		}
		if (keep < copy->p_len)
			packet_trim(copy, keep);
		if (packet_own(copy, KM_NOSLEEP) != 0) {
			packet_free(copy);
			copy = NULL;
		}
	}
	if (copy != NULL && copy->p_time == 0)
		copy->p_time = clock_wall();
	enqueue(pk, copy);
}

/* --- life ------------------------------------------------------------------------- */

int
pktap_attach(struct pksock *pk, struct ifnet *ifp)
{
	struct pktap *pt = kmem_zalloc(sizeof(*pt), KM_SLEEP);

	if (pt == NULL)
		return ENOMEM;
	if_hold(ifp);
	pt->pt_ifp = ifp;
	pt->pt_pk = pk;
	pt->pt_tap.it_packet = tap_packet;
	list_insert_tail(&pk->pk_taps, &pt->pt_link);
	iftap_attach(ifp, &pt->pt_tap);
	return 0;
}

void
pktap_detach(struct pktap *pt)
{
	iftap_detach(pt->pt_ifp, &pt->pt_tap);
	list_remove(&pt->pt_link);
	if_rele(pt->pt_ifp);
	kmem_free(pt, sizeof(*pt));
}

void
pktap_detach_all(struct pksock *pk)
{
	struct list_node *n;

	while ((n = list_first(&pk->pk_taps)) != NULL)
		pktap_detach(container_of(n, struct pktap, pt_link));
}

int
pktap_attach_all(struct pksock *pk)
{
	struct netns *ns = pk->pk_so->so_ns;
	struct list_node *n;
	int error = 0;

	/* ns_lock is held already: if_iterate() would take it again. */
	LIST_FOREACH(n, &ns->ns_ifs) {
		error = pktap_attach(pk, container_of(n, struct ifnet, if_nslink));
		if (error) {
			pktap_detach_all(pk);
			break;
		}
	}
	return error;
}
