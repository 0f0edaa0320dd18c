/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_input.c - what a client hears on its link
 *
 * Answers come before there is an address, to an address that is not ours yet, so
 * they are taken from the link, by the interface's hook.  It is set only
 * while something is awaited: a link at rest pays nothing.  A message is
 * consumed if it is for our transaction and hardware address: the stack would answer
 * that nobody listens on port 68.  Whatever else passes is none of our business.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_ether.h>

#include "dhcp_impl.h"

#define AT_XID		4
#define AT_CHADDR	28

static struct dhcp_client *
client_of_locked(struct ifclient_set *cs, const struct ifnet *ifp) REQUIRES(cs->cs_lock)
{
	struct dhcp_client *dc = dhcp_of(ifclient_of_locked(cs, ifp));

	return dc != NULL && dc->dc_ic.ic_listening ? dc : NULL;
}

/* Is it for us?  Then it is kept, if there is room. */
static bool
message_hear_locked(struct dhcp_client *dc, const uint8_t *data, size_t len)
{
	uint8_t *room;

	if (len < DHCP_FIXED || be32_get(data + AT_XID) != dc->dc_xid ||
	    memcmp(data + AT_CHADDR, dc->dc_fsm.df_chaddr, ETH_ALEN) != 0)
		return false;
	room = ifclient_hear_locked(&dc->dc_ic, len);
	if (room != NULL)
		memcpy(room, data, len);
	return true;
}

/* At most what we ask servers for, and the headers around it. */
static bool
ip_hear(struct ifclient_set *cs, struct ifnet *ifp, const struct packet *p)
{
	uint8_t buf[DHCP_FRAMELEN];
	const uint8_t *payload;
	struct dhcp_client *dc;
	size_t len = p->p_len - ETH_HLEN;
	bool taken;

	if (len > sizeof(buf))
		return false;
	packet_copyout(p, ETH_HLEN, buf, len);
	if (dhcp_unwrap(buf, len, DHCP_CLIENT_PORT, p->p_csum != PKT_CSUM_NONE, &payload,
	    &len) != 0)
		return false;
	mutex_enter(&cs->cs_lock);
	dc = client_of_locked(cs, ifp);
	taken = dc != NULL && message_hear_locked(dc, payload, len);
	mutex_exit(&cs->cs_lock);
	return taken;
}

/*
 * RFC 5227 section 2.1.1: somebody else claims the address, or probes for it at the
 * same time as we do.
 */
static void
arp_hear(struct ifclient_set *cs, struct ifnet *ifp, const struct packet *p)
{
	uint8_t buf[ARP_LEN];
	struct dhcp_client *dc;
	struct dhcp_arp am;

	if (p->p_len < ETH_HLEN + ARP_LEN)
		return;
	packet_copyout(p, ETH_HLEN, buf, ARP_LEN);
	if (dhcp_arp_parse(buf, ARP_LEN, &am) != 0 ||
	    memcmp(am.am_sha, ifp->if_lladdr, ETH_ALEN) == 0)
		return;
	mutex_enter(&cs->cs_lock);
	dc = client_of_locked(cs, ifp);
	if (dc != NULL && dc->dc_watch != 0 && (am.am_spa == dc->dc_watch ||
	    (am.am_spa == 0 && am.am_tpa == dc->dc_watch))) {
		dc->dc_conflict = true;
		ifclient_poke_locked(&dc->dc_ic);
	}
	mutex_exit(&cs->cs_lock);
}

bool
dhcp_input_hook(struct ifnet *ifp, struct packet *p)
{
	struct ifclient_set *cs = dhcp_set(ifp->if_ns);

	if (cs == NULL || (p->p_flags & PKT_F_VLAN) != 0)
		return false;
	if (p->p_ethertype == ETH_P_ARP)
		arp_hear(cs, ifp, p);
	if (p->p_ethertype != ETH_P_IP || !ip_hear(cs, ifp, p))
		return false;
	packet_free(p);
	return true;
}
