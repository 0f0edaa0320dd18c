/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wire.c - a cable with an Ethernet interface at each end
 *
 * What one end sends is handed to the other as it is: the same packets, whole
 * segments of 64 KiB with their checksums still to be made, unless the ends
 * say that they cannot ("offload=off"), when it comes as frames of the MTU.
 * if_input() sees to it that two hosts which answer each other do not make the
 * stack deeper.
 *
 * Life cycle
 *	made		both attached, each end held by the cable
 *	one is detached	the other follows; the cable lets go of both
 *	the last reference of an end frees its half; the second half frees
 *	the cable
 *
 * Locking: w_lock (below ns_lock of either end) for ups and downs and for
 * cutting.  Sending reads w_end without a lock.
 */

#include "wire_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/random.h>

#define WIRE_CAPS	(IFCAP_TXCSUM | IFCAP_RXCSUM | IFCAP_GSO | IFCAP_FRAGS | \
			IFCAP_LOCAL)
#define WIRE_CAPS_OFF	(IFCAP_FRAGS | IFCAP_LOCAL)

struct wire_end {
	struct wire	*we_wire;	/* c */
	unsigned int	 we_side;	/* c: 0 or 1 */
};

struct wire {
	kmutex_t	 w_lock;
	struct ifnet	*w_end[2];	/* w_lock, read lock-free; referenced.  NULL: cut */
	bool		 w_up[2];	/* w_lock */
	unsigned int	 w_refs;	/* a: one an end */
	struct wire_end	 w_half[2];	/* c: the ends' if_softc */
};

static struct wire_end *
end_of(const struct ifnet *ifp)
{
	return ifp->if_softc;
}

/* --- sending --------------------------------------------------------------------- */

/* The sender's account is credited: from here on the receiver pays. */
static void
packet_cross(struct packet *p)
{
	if (p->p_destroy != NULL) {
		p->p_destroy(p);
		p->p_destroy = NULL;
		p->p_owner = NULL;
	}
	p->p_flags = 0;
	p->p_mark = 0;
	p->p_prio = 0;
}

static void
wire_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct wire_end *we = end_of(ifp);
	struct ifnet *peer;

	for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
		packet_cross(p);
	peer = atomic_load_acq(&we->we_wire->w_end[1 - we->we_side]);
	if (peer == NULL) {
		packetq_drop(q);
		return;
	}
	/* The receiving stack may sleep. */
	if_hold(peer);
	if_input(peer, q);
	if_rele(peer);
}

/* --- ups and downs --------------------------------------------------------------- */

static void
wire_set(struct wire *w, unsigned int side, bool up)
{
	mutex_enter(&w->w_lock);
	w->w_up[side] = up;
	for (unsigned int i = 0; i < 2; i++) {
		if (w->w_end[i] != NULL)
			if_setcarrier(w->w_end[i], w->w_up[0] && w->w_up[1]);
	}
	mutex_exit(&w->w_lock);
}

static int
wire_up(struct ifnet *ifp)
{
	wire_set(end_of(ifp)->we_wire, end_of(ifp)->we_side, true);
	return 0;
}

static void
wire_down(struct ifnet *ifp)
{
	wire_set(end_of(ifp)->we_wire, end_of(ifp)->we_side, false);
}

static int
wire_setlladdr(struct ifnet *ifp __unused_arg, const uint8_t *addr __unused_arg)
{
	return 0;
}

static int
wire_setlink(struct ifnet *ifp, const char *text)
{
	if (strcmp(text, "offload=off") == 0)
		atomic_store(&ifp->if_caps, WIRE_CAPS_OFF);
	else if (strcmp(text, "offload=on") == 0)
		atomic_store(&ifp->if_caps, WIRE_CAPS);
	else
		return EINVAL;
	return 0;
}

/* --- the end --------------------------------------------------------------------- */

static void
wire_rele(struct wire *w)
{
	if (atomic_sub_ar(&w->w_refs, 1) != 1)
		return;
	mutex_destroy(&w->w_lock);
	kmem_free(w, sizeof(*w));
}

static void
wire_free(struct ifnet *ifp)
{
	wire_rele(end_of(ifp)->we_wire);
}

/* Takes the ends out of reach; the first who comes gets both. */
static bool
wire_cut(struct wire *w, struct ifnet **end)
{
	mutex_enter(&w->w_lock);
	for (unsigned int i = 0; i < 2; i++) {
		end[i] = w->w_end[i];
		atomic_store_rel(&w->w_end[i], NULL);
	}
	mutex_exit(&w->w_lock);
	return end[0] != NULL;
}

/* One end was detached.  Its name space may end with it, the other's need not. */
static void
wire_detached(struct ifnet *ifp)
{
	struct ifnet *end[2];

	if (!wire_cut(end_of(ifp)->we_wire, end))
		return;
	/* Who has found one and is about to hold it does so before this ends. */
	qsbr_barrier();
	for (unsigned int i = 0; i < 2; i++) {
		if_detach(end[i]);
		if_rele(end[i]);
	}
}

/* Ends in other name spaces have no number here. */
static uint32_t
wire_peer(struct ifnet *ifp)
{
	struct wire_end *we = end_of(ifp);
	struct ifnet *peer = atomic_load_acq(&we->we_wire->w_end[1 - we->we_side]);

	return peer != NULL && peer->if_ns == ifp->if_ns ? peer->if_index : 0;
}

static const struct if_ops wire_ops = {
	.ifo_xmit	= wire_xmit,
	.ifo_up		= wire_up,
	.ifo_down	= wire_down,
	.ifo_setlladdr	= wire_setlladdr,
	.ifo_setlink	= wire_setlink,
	.ifo_detached	= wire_detached,
	.ifo_free	= wire_free,
	.ifo_peer	= wire_peer,
	.ifo_kind	= "wire",
};

/* --- making ---------------------------------------------------------------------- */

static int
end_create(struct wire *w, unsigned int side, const char *name)
{
	uint8_t mac[6];
	int error;

	error = if_alloc(name, &wire_ops, &w->w_half[side], &w->w_end[side]);
	if (error)
		return error;
	w->w_refs++;
	w->w_half[side] = (struct wire_end){ w, side };
	random_bytes(mac, sizeof(mac));
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);	/* local, not a group */
	if_ethernet(w->w_end[side], mac);
	w->w_end[side]->if_hwcaps = w->w_end[side]->if_caps = WIRE_CAPS;
	w->w_end[side]->if_carrier = false;
	return 0;
}

static int
ends_create(struct wire *w, const char *name_a, const char *name_b)
{
	int error;

	error = end_create(w, 0, name_a);
	if (error)
		return error;
	error = end_create(w, 1, name_b);
	if (error)
		if_rele(w->w_end[0]);
	return error;
}

/* The caller holds both; after a failure the cable does not. */
static int
ends_attach(struct wire *w, struct netns *ns_a, struct netns *ns_b)
{
	struct ifnet *a = w->w_end[0], *b = w->w_end[1];
	int error;

	error = if_attach(ns_a, a);
	if (error == 0) {
		error = if_attach(ns_b, b);
		if (error)
			if_detach(a);	/* and wire_detached() does the rest */
	} else {
		w->w_end[0] = w->w_end[1] = NULL;
		if_rele(a);
		if_rele(b);
	}
	return error;
}

int
wire_create(struct netns *ns_a, const char *name_a, struct netns *ns_b,
    const char *name_b, struct ifnet **ret_a, struct ifnet **ret_b)
{
	struct wire *w = kmem_zalloc(sizeof(*w), KM_SLEEP);
	struct ifnet *a, *b;
	int error;

	if (w == NULL)
		return ENOMEM;
	mutex_init(&w->w_lock, "wire");
	w->w_refs = 1;			/* ours, until all is done */
	error = ends_create(w, name_a, name_b);
	if (error)
		goto out;
	a = w->w_end[0];
	b = w->w_end[1];
	if_hold(a);
	if_hold(b);
	error = ends_attach(w, ns_a, ns_b);
	if (error || ret_a == NULL)
		if_rele(a);
	else
		*ret_a = a;
	if (error || ret_b == NULL)
		if_rele(b);
	else
		*ret_b = b;
out:
	wire_rele(w);
	return error;
}

/* --- by name --------------------------------------------------------------------- */

static int
wire_kind_create(struct netns *ns, const char *name, const char *link,
    const char *peer, struct ifnet **ret_ifp)
{
	struct ifnet *a, *b;
	int error;

	error = wire_create(ns, name, ns, peer != NULL ? peer : "wire%d", &a, &b);
	if (error)
		return error;
	if (link != NULL && (wire_setlink(a, link) != 0 || wire_setlink(b, link) != 0)) {
		error = EINVAL;
		if_detach(a);
		if_rele(a);
	} else {
		*ret_ifp = a;
	}
	if_rele(b);
	return error;
}

static void
wire_kind_destroy(struct ifnet *ifp)
{
	if_detach(ifp);
}

struct ifkind wire_kind = {
	.ik_name	= "wire",
	.ik_prefix	= "wire",
	.ik_create	= wire_kind_create,
	.ik_destroy	= wire_kind_destroy,
};
