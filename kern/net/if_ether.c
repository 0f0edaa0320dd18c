/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_ether.c - Ethernet's header, and tags of VLANs
 *
 * A tag travels out of the data, in p_vlan, so that nobody above or below has to
 * know that headers may be longer; where a link wants it in the frame it is
 * put there at the last moment.
 *
 * References: IEEE 802.3, IEEE 802.1Q.
 */

#include <net/ifnet.h>

#include <linux/if_ether.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

#include "net_impl.h"

#define TAG_LEN		4

void
if_l2header(struct ifnet *ifp, struct packet *p, uint16_t ethertype,
    const uint8_t *dst)
{
	uint8_t *h;

	if (ifp->if_hdrlen == ETH_HLEN) {
		h = packet_push(p, ETH_HLEN);
		memcpy(h, dst, ETH_ALEN);
		memcpy(h + ETH_ALEN, ifp->if_lladdr, ETH_ALEN);
		be16_put(h + 2 * ETH_ALEN, ethertype);
	}
	p->p_l2 = packet_offset(p);
	p->p_ethertype = ethertype;
}

int
ether_untag(struct packet *p)
{
	uint8_t *h;

	if (packet_pullup(p, ETH_HLEN + TAG_LEN) != 0)
		return EINVAL;
	h = p->p_data;
	p->p_vlan = be16_get(h + ETH_HLEN);
	p->p_flags |= PKT_F_VLAN;
	p->p_ethertype = be16_get(h + ETH_HLEN + 2);
	memmove(h + TAG_LEN, h, 2 * ETH_ALEN);
	(void)packet_pull(p, TAG_LEN);
	p->p_l2 = packet_offset(p);
	return 0;
}

int
ether_tag(struct packet *p)
{
	uint8_t *h;

	if (packet_headroom(p) < TAG_LEN || packet_pullup(p, ETH_HLEN) != 0)
		return EINVAL;
	h = packet_push(p, TAG_LEN);
	memmove(h, h + TAG_LEN, 2 * ETH_ALEN);
	be16_put(h + 2 * ETH_ALEN, ETH_P_8021Q);
	be16_put(h + 2 * ETH_ALEN + 2, p->p_vlan);
	p->p_l2 = packet_offset(p);
	p->p_flags &= (uint8_t)~PKT_F_VLAN;
	return 0;
}
