/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmif_if.c - the interface's life: made, linked to a bus, up and down
 *
 * The link, a path, is set while the interface is down and has none, and
 * taken away by an empty one.  Setting it makes the bus if it is not there, so
 * that who may not use it hears it at once; the port is claimed when the
 * interface goes up.
 */

#include <lib/string.h>
#include <linux/if_arp.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/log.h>
#include <sys/random.h>

#include "shmif_impl.h"

uint64_t
shmif_mac(const uint8_t *addr)
{
	uint64_t mac = 0;

	for (unsigned int i = 6; i-- > 0; )
		mac = mac << 8 | addr[i];
	return mac;
}

static int
shmif_up(struct ifnet *ifp)
{
	struct shmif *sc = ifp->if_softc;
	struct shmif_port *sp;
	int error;

	if (sc->sc_path == NULL)
		return ENXIO;
	error = shmif_port_create(sc->sc_path, ifp->if_name,
	    shmif_mac(ifp->if_lladdr), &sp);
	if (error)
		return error;
	shmbus_promisc(sp->sp_port, (ifp->if_flags & IFF_PROMISC) != 0);
	mutex_enter(&sc->sc_txlock);
	atomic_store_rel(&sc->sc_port, sp);
	mutex_exit(&sc->sc_txlock);
	if_setcarrier(ifp, true);
	shmif_kick(ifp);
	return 0;
}

static void
shmif_down(struct ifnet *ifp)
{
	struct shmif *sc = ifp->if_softc;
	struct shmif_port *sp = sc->sc_port;

	if (sp == NULL)
		return;
	if_setcarrier(ifp, false);
	mutex_enter(&sc->sc_txlock);
	packetq_drop(&sc->sc_backlog);
	atomic_store(&sc->sc_waiting, false);
	atomic_store_rel(&sc->sc_port, NULL);
	mutex_exit(&sc->sc_txlock);
	shmbus_quiet(sp->sp_port);
	shmif_kick(ifp);
	shmbus_ring(&sp->sp_bus, sp->sp_port->sp_index);
	shmif_port_rele(sp);
}

static int
shmif_setmtu(struct ifnet *ifp, uint32_t mtu)
{
	return mtu <= IF_MTU_MAX ? 0 : EINVAL;
}

static int
shmif_setlladdr(struct ifnet *ifp, const uint8_t *addr)
{
	struct shmif *sc = ifp->if_softc;
	int error = 0;

	mutex_enter(&sc->sc_txlock);
	if (sc->sc_port != NULL)
		error = shmbus_setmac(sc->sc_port->sp_port, shmif_mac(addr));
	mutex_exit(&sc->sc_txlock);
	return error;
}

static void
shmif_setfilter(struct ifnet *ifp)
{
	struct shmif *sc = ifp->if_softc;

	if (sc->sc_port != NULL)
		shmbus_promisc(sc->sc_port->sp_port,
		    (ifp->if_flags & IFF_PROMISC) != 0);
}

static int
shmif_setlink(struct ifnet *ifp, const char *text)
{
	struct shmif *sc = ifp->if_softc;
	struct shmbus bus;
	char *path;
	int error;

	if (sc->sc_port != NULL)
		return EBUSY;
	if (text == NULL || text[0] == '\0') {
		kmem_strfree(sc->sc_path);
		sc->sc_path = NULL;
		return 0;
	}
	if (sc->sc_path != NULL)
		return EBUSY;
	error = shmbus_open(&bus, text, true, NULL);
	if (error)
		return error;
	shmbus_close(&bus);
	path = kmem_strdup(text, KM_SLEEP);
	if (path == NULL)
		return ENOMEM;
	sc->sc_path = path;
	return 0;
}

static void
softc_free(struct shmif *sc)
{
	KASSERT(sc->sc_port == NULL);
	if (sc->sc_drive != NULL)
		shmif_port_rele(sc->sc_drive);
	kmem_strfree(sc->sc_path);
	mutex_destroy(&sc->sc_txlock);
	kmem_free(sc, sizeof(*sc));
}

static void
shmif_free(struct ifnet *ifp)
{
	softc_free(ifp->if_softc);
}

static const struct if_ops shmif_if_ops = {
	.ifo_xmit	= shmif_xmit,
	.ifo_up		= shmif_up,
	.ifo_down	= shmif_down,
	.ifo_setmtu	= shmif_setmtu,
	.ifo_setlladdr	= shmif_setlladdr,
	.ifo_setfilter	= shmif_setfilter,
	.ifo_setlink	= shmif_setlink,
	.ifo_poll	= shmif_poll,
	.ifo_sleep	= shmif_sleep,
	.ifo_kick	= shmif_kick,
	.ifo_free	= shmif_free,
	.ifo_kind	= "shmif",
};

int
shmif_alloc(const char *name, struct ifnet **ret_ifp)
{
	uint8_t lladdr[6] = { 0xb2, 0xa0 };	/* local, not a group */
	struct shmif *sc = kmem_zalloc(sizeof(*sc), KM_SLEEP);
	struct ifnet *ifp;
	int error;

	if (sc == NULL)
		return ENOMEM;
	mutex_init(&sc->sc_txlock, "shmif_tx");
	packetq_init(&sc->sc_backlog);
	error = if_alloc(name, &shmif_if_ops, sc, &ifp);
	if (error) {
		softc_free(sc);
		return error;
	}
	sc->sc_ifp = ifp;
	random_bytes(lladdr + 2, 4);
	if_ethernet(ifp, lladdr);
	ifp->if_hwcaps = ifp->if_caps = IFCAP_TXCSUM | IFCAP_GSO |
	    IFCAP_RXCSUM | IFCAP_FRAGS | IFCAP_LOCAL;
	*ret_ifp = ifp;
	return 0;
}

static int
shmif_create(struct netns *ns, const char *name, const char *link,
    const char *peer, struct ifnet **ret_ifp)
{
	struct ifnet *ifp;
	int error;

	if (peer != NULL)
		return EINVAL;
	error = shmif_alloc(name, &ifp);
	if (error)
		return error;
	error = ifkind_finish(ns, ifp, link);
	if (error == 0)
		*ret_ifp = ifp;
	return error;
}

struct ifkind shmif_kind = {
	.ik_name	= "shmif",
	.ik_prefix	= "shm",
	.ik_create	= shmif_create,
	.ik_destroy	= if_detach,
};
