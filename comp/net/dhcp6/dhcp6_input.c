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
#include <sys/kmem.h>

#include "dhcp6_impl.h"

#define UDP_HDR		8

void
dhcp6_heard_free(struct dhcp6_heard *dh)
{
	kmem_free(dh, sizeof(*dh) + dh->dh_len);
}

struct dhcp6_heard *
dhcp6_heard_get(struct dhcp6_client *dc)
{
	struct dhcp6_heard *dh = NULL;
	struct list_node *n;

	mutex_enter(&dc->dc_home->dn_lock);
	n = list_first(&dc->dc_heard);
	if (n != NULL) {
		list_remove(n);
		dc->dc_nheard--;
		dh = container_of(n, struct dhcp6_heard, dh_link);
	}
	mutex_exit(&dc->dc_home->dn_lock);
	return dh;
}

/* What there is no memory for is as if the link had lost it. */
static void
message_hear_locked(struct dhcp6_client *dc, const struct packet *p, size_t len)
{
	struct dhcp6_heard *dh;

	if (dc->dc_nheard >= DHCP6_INBOX)
		return;
	dh = kmem_alloc(sizeof(*dh) + len, KM_NOSLEEP);
	if (dh == NULL)
		return;
	dh->dh_len = len;
	packet_copyout(p, UDP_HDR, dh->dh_data, len);
	list_insert_tail(&dc->dc_heard, &dh->dh_link);
	dc->dc_nheard++;
	dhcp6_client_poke_locked(dc);
}

bool
dhcp6_input(struct ifnet *ifp, const struct packet *p)
{
	struct dhcp6_netns *dn = netns_data(ifp->if_ns, NETNS_SLOT_DHCP6);
	struct dhcp6_client *dc;
	uint8_t head[4];
	size_t len;

	if (dn == NULL || p->p_len < UDP_HDR + sizeof(head))
		return false;
	len = p->p_len - UDP_HDR;
	packet_copyout(p, UDP_HDR, head, sizeof(head));
	mutex_enter(&dn->dn_lock);
	dc = dhcp6_client_of_locked(dn, ifp);
	if (dc != NULL && dc->dc_listening && len <= DHCP6_MAXLEN &&
	    (head[0] == DHCP6_ADVERTISE || head[0] == DHCP6_REPLY) &&
	    (be32_get(head) & 0xffffff) == dc->dc_xid)
		message_hear_locked(dc, p, len);
	mutex_exit(&dn->dn_lock);
	return dc != NULL;
}
