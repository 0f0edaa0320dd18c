/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_if.c - the interface's life: made, linked to the host, up and down
 */

#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/random.h>

#include "virtif_impl.h"

static int
virtif_up(struct ifnet *ifp)
{
	struct virtif *sc = ifp->if_softc;

	if (sc->sc_link == NULL)
		return ENXIO;
	atomic_store(&sc->sc_up, true);
	if_setcarrier(ifp, true);
	virtif_kick(ifp);
	return 0;
}

static void
virtif_down(struct ifnet *ifp)
{
	struct virtif *sc = ifp->if_softc;

	if_setcarrier(ifp, false);
	atomic_store(&sc->sc_up, false);
	virtif_kick(ifp);
}

static int
virtif_setmtu(struct ifnet *ifp, uint32_t mtu)
{
	return mtu <= IF_MTU_MAX ? 0 : EINVAL;
}

/* Whose frames we take is for the stack to say: a tap hands us all. */
static int
virtif_setlladdr(struct ifnet *ifp, const uint8_t *addr)
{
	return (addr[0] & 1) == 0 ? 0 : EINVAL;
}

static uint32_t
link_caps(const struct virtif_info *vi)
{
	uint32_t caps = IFCAP_FRAGS;

	if ((vi->vi_offload & VIRTIF_CSUM) != 0)
		caps |= IFCAP_TXCSUM | IFCAP_RXCSUM;
	if ((vi->vi_offload & VIRTIF_TSO) != 0)
		caps |= IFCAP_TSO4 | IFCAP_TSO6;
	if ((vi->vi_offload & VIRTIF_USO) != 0)
		caps |= IFCAP_USO;
	return caps;
}

static int
link_create(const char *text, struct virtif_link **ret_vl)
{
	struct virtif_link *vl = kmem_zalloc(sizeof(*vl), KM_SLEEP);
	int error;

	if (vl == NULL)
		return ENOMEM;
	error = rumpcomp_virtif_open(text, &vl->vl_host, &vl->vl_info);
	if (error) {
		kmem_free(vl, sizeof(*vl));
		return error;
	}
	vl->vl_refs = 1;
	*ret_vl = vl;
	return 0;
}

static int
virtif_setlink(struct ifnet *ifp, const char *text)
{
	struct virtif *sc = ifp->if_softc;
	struct virtif_link *vl = sc->sc_link;
	int error;

	if (atomic_load(&sc->sc_up))
		return EBUSY;
	if (text == NULL || text[0] == '\0') {
		atomic_store_rel(&sc->sc_link, NULL);
		if (vl != NULL)
			virtif_link_rele(vl);
		return 0;
	}
	if (vl != NULL)
		return EBUSY;
	error = link_create(text, &vl);
	if (error)
		return error;
	atomic_store(&ifp->if_caps, link_caps(&vl->vl_info));
	atomic_store_rel(&sc->sc_link, vl);
	return 0;
}

static void
softc_free(struct virtif *sc)
{
	if (sc->sc_drive != NULL)
		virtif_link_rele(sc->sc_drive);
	if (sc->sc_link != NULL)
		virtif_link_rele(sc->sc_link);
	if (sc->sc_spare != NULL)
		pktbuf_rele(sc->sc_spare);
	kmem_free(sc, sizeof(*sc));
}

static void
virtif_free(struct ifnet *ifp)
{
	softc_free(ifp->if_softc);
}

static const struct if_ops virtif_if_ops = {
	.ifo_xmit	= virtif_xmit,
	.ifo_up		= virtif_up,
	.ifo_down	= virtif_down,
	.ifo_setmtu	= virtif_setmtu,
	.ifo_setlladdr	= virtif_setlladdr,
	.ifo_setlink	= virtif_setlink,
	.ifo_poll	= virtif_poll,
	.ifo_sleep	= virtif_sleep,
	.ifo_kick	= virtif_kick,
	.ifo_free	= virtif_free,
	.ifo_kind	= "virtif",
};

int
virtif_alloc(const char *name, struct ifnet **ret_ifp)
{
	uint8_t lladdr[6] = { 0xb2, 0x0a };	/* local, not a group */
	struct virtif *sc = kmem_zalloc(sizeof(*sc), KM_SLEEP);
	struct ifnet *ifp;
	int error;

	if (sc == NULL)
		return ENOMEM;
	error = if_alloc(name, &virtif_if_ops, sc, &ifp);
	if (error) {
		softc_free(sc);
		return error;
	}
	sc->sc_ifp = ifp;
	random_bytes(lladdr + 2, 4);
	if_ethernet(ifp, lladdr);
	ifp->if_hwcaps = IFCAP_TXCSUM | IFCAP_GSO | IFCAP_RXCSUM | IFCAP_FRAGS;
	ifp->if_caps = IFCAP_FRAGS;
	*ret_ifp = ifp;
	return 0;
}

static int
virtif_create(struct netns *ns, const char *name, const char *link,
    const char *peer, struct ifnet **ret_ifp)
{
	char host[16];
	struct ifnet *ifp;
	int error;

	/* Virtual time cannot wait for real frames. */
	if (rumpuser_getparam("_RUMPUSER_HOST", host, sizeof(host)) == 0 &&
	    strcmp(host, "sim") == 0)
		return EOPNOTSUPP;
	if (peer != NULL)
		return EINVAL;
	error = virtif_alloc(name, &ifp);
	if (error)
		return error;
	error = ifkind_finish(ns, ifp, link);
	if (error == 0)
		*ret_ifp = ifp;
	return error;
}

struct ifkind virtif_kind = {
	.ik_name	= "virtif",
	.ik_prefix	= "virt",
	.ik_create	= virtif_create,
	.ik_destroy	= if_detach,
};
