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
#include <sys/kmem.h>

#include "dhcp_impl.h"

#define AT_XID		4
#define AT_CHADDR	28

void
dhcp_heard_free(struct dhcp_heard *dh)
{
	kmem_free(dh, sizeof(*dh) + dh->dh_len);
}

struct dhcp_heard *
dhcp_heard_get(struct dhcp_client *dc)
{
	struct dhcp_heard *dh = NULL;
	struct list_node *n;

	mutex_enter(&dc->dc_home->dn_lock);
	n = list_first(&dc->dc_heard);
	if (n != NULL) {
		list_remove(n);
		dc->dc_nheard--;
		dh = container_of(n, struct dhcp_heard, dh_link);
	}
	mutex_exit(&dc->dc_home->dn_lock);
	return dh;
}

static struct dhcp_client *
client_of_locked(struct dhcp_netns *dn, const struct ifnet *ifp) REQUIRES(dn->dn_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &dn->dn_clients) {
		struct dhcp_client *dc = container_of(n, struct dhcp_client, dc_link);

		if (dc->dc_ifp == ifp && dc->dc_listening)
			return dc;
	}
	return NULL;
}

static bool
message_hear_locked(struct dhcp_netns *dn, struct dhcp_client *dc, const uint8_t *data,
    size_t len) REQUIRES(dn->dn_lock)
{
	struct dhcp_heard *dh;

	if (len < DHCP_FIXED || be32_get(data + AT_XID) != dc->dc_xid ||
	    memcmp(data + AT_CHADDR, dc->dc_fsm.df_chaddr, ETH_ALEN) != 0)
		return false;
	if (dc->dc_nheard >= DHCP_INBOX)
		return true;
	dh = kmem_alloc(sizeof(*dh) + len, KM_NOSLEEP);
	if (dh == NULL)
		return true;		/* as if the link had lost it */
	dh->dh_len = len;
	memcpy(dh->dh_data, data, len);
	list_insert_tail(&dc->dc_heard, &dh->dh_link);
	dc->dc_nheard++;
	dhcp_client_poke_locked(dc);
	return true;
}

/* At most what we ask servers for, and the headers around it. */
static bool
ip_hear(struct dhcp_netns *dn, struct ifnet *ifp, const struct packet *p)
    NO_THREAD_SAFETY
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
	mutex_enter(&dn->dn_lock);
	dc = client_of_locked(dn, ifp);
	taken = dc != NULL && message_hear_locked(dn, dc, payload, len);
	mutex_exit(&dn->dn_lock);
	return taken;
}

/*
 * RFC 5227 section 2.1.1: somebody else claims the address, or probes for it at the
 * same time as we do.
 */
static void
arp_hear(struct dhcp_netns *dn, struct ifnet *ifp, const struct packet *p)
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
	mutex_enter(&dn->dn_lock);
	dc = client_of_locked(dn, ifp);
	if (dc != NULL && dc->dc_watch != 0 && (am.am_spa == dc->dc_watch ||
	    (am.am_spa == 0 && am.am_tpa == dc->dc_watch))) {
		dc->dc_conflict = true;
		dhcp_client_poke_locked(dc);
	}
	mutex_exit(&dn->dn_lock);
}

bool
dhcp_input_hook(struct ifnet *ifp, struct packet *p)
{
	struct dhcp_netns *dn = netns_data(ifp->if_ns, NETNS_SLOT_DHCP);

	if (dn == NULL || (p->p_flags & PKT_F_VLAN) != 0)
		return false;
	if (p->p_ethertype == ETH_P_ARP)
		arp_hear(dn, ifp, p);
	if (p->p_ethertype != ETH_P_IP || !ip_hear(dn, ifp, p))
		return false;
	packet_free(p);
	return true;
}
