/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_input.c - what a client hears
 *
 * Answers come to port 546 of a link-local address of ours.  UDP hands them over if no
 * socket has that port: a program that brings its own client is left alone.  What is
 * not for the transaction under way is dropped at once: a flood costs no memory.
 */

#include <lib/bytes.h>
#include <net/packet.h>

#include "dhcp6_impl.h"

#define UDP_HDR		8

bool
dhcp6_input(struct ifnet *ifp, const struct packet *p)
{
	struct ifclient_set *cs = dhcp6_set(ifp->if_ns);
	struct dhcp6_client *dc;
	uint8_t head[4], *room = NULL;
	size_t len;

	if (cs == NULL || p->p_len < UDP_HDR + sizeof(head))
		return false;
	len = p->p_len - UDP_HDR;
	packet_copyout(p, UDP_HDR, head, sizeof(head));
	mutex_enter(&cs->cs_lock);
	dc = dhcp6_of(ifclient_of_locked(cs, ifp));
	if (dc != NULL && dc->dc_ic.ic_listening && len <= DHCP6_MAXLEN &&
	    (head[0] == DHCP6_ADVERTISE || head[0] == DHCP6_REPLY) &&
	    (be32_get(head) & 0xffffff) == dc->dc_xid)
		room = ifclient_hear_locked(&dc->dc_ic, len);
	if (room != NULL)
		packet_copyout(p, UDP_HDR, room, len);
	mutex_exit(&cs->cs_lock);
	return dc != NULL;
}
