/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_io.c - packets to and from the host, and sleeping there
 *
 * In: a frame is read into a spare block.  If it is large the block becomes the
 * packet's and another spare is made; else it is copied, and the block is
 * used again, warm as it is.
 */

#include <lib/string.h>
#include <net/vnethdr.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/log.h>

#include "virtif_impl.h"

#define KEEP_MIN	16384	/* frames of more are not copied */

_Static_assert(sizeof(struct virtio_net_hdr) == VIRTIF_HDRLEN, "the host's");

static void
link_free(struct qsbr_head *qh)
{
	struct virtif_link *vl = container_of(qh, struct virtif_link, vl_qsbr);

	rumpcomp_virtif_close(vl->vl_host);
	kmem_free(vl, sizeof(*vl));
}

/* Who found it in sc_link may use it until he gives his vCPU back. */
void
virtif_link_rele(struct virtif_link *vl)
{
	if (atomic_sub_ar(&vl->vl_refs, 1) == 1)
		qsbr_call(&vl->vl_qsbr, link_free);
}

static void
count(uint64_t *counter)
{
	atomic_store(counter, *counter + 1);
}

/* --- out ------------------------------------------------------------------- */

static int
send_packet(const struct virtif_link *vl, const struct packet *p)
{
	struct rumpuser_iov iov[1 + PKT_MAXFRAGS];
	struct virtio_net_hdr vh;

	vnethdr_make(p, &vh);
	/* It is a guess, and the host refuses one that is too large. */
	if (p->p_gso == PKT_GSO_NONE)
		vh.hdr_len = 0;
	iov[0].iov_base = p->p_data;
	iov[0].iov_len = packet_linear(p);
	for (unsigned int i = 0; i < p->p_nfrags; i++) {
		iov[1 + i].iov_base = p->p_frag[i].pf_buf->pb_data +
		    p->p_frag[i].pf_off;
		iov[1 + i].iov_len = p->p_frag[i].pf_len;
	}
	return rumpcomp_virtif_send(vl->vl_host,
	    p->p_hash % vl->vl_info.vi_queues, &vh, iov, 1 + (size_t)p->p_nfrags);
}

void
virtif_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct virtif *sc = ifp->if_softc;
	const struct virtif_link *vl = atomic_load_acq(&sc->sc_link);
	struct packet *p;
	int error;

	while ((p = packetq_get(q)) != NULL) {
		error = ENETDOWN;
		if (vl != NULL && atomic_load(&sc->sc_up))
			error = send_packet(vl, p);
		if (error == EAGAIN || error == ENOBUFS || error == ENETDOWN)
			count(&if_counters_self(ifp)->ic_tx_dropped);
		else if (error != 0)
			count(&if_counters_self(ifp)->ic_tx_errors);
		packet_free(p);
	}
}

/* --- in -------------------------------------------------------------------- */

/* The frame of len bytes in the spare block as a packet.  NULL: no memory. */
static struct packet *
recv_packet(struct virtif *sc, const struct virtio_net_hdr *vh, size_t len)
{
	struct packet *p = packet_alloc(KM_NOSLEEP);
	size_t linear = vnethdr_linear(vh, len);
	struct pktbuf *pb = sc->sc_spare;
	size_t first = len < pb->pb_size ? len : pb->pb_size;
	int error = 0;

	if (p == NULL)
		return NULL;
	p->p_data = p->p_tail = p->p_room + VNETHDR_HEADROOM;
	memcpy(packet_append(p, linear), pb->pb_data, linear);
	if (len >= KEEP_MIN) {
		error = packet_addfrag(p, pb, (uint32_t)linear,
		    (uint32_t)(first - linear));
		sc->sc_spare = NULL;
		if (error == 0 && len > first)
			error = packet_appendcopy(p, sc->sc_tail, len - first,
			    KM_NOSLEEP);
	} else if (len > linear) {
		error = packet_appendcopy(p, pb->pb_data + linear, len - linear,
		    KM_NOSLEEP);
	}
	if (error != 0 || vnethdr_apply(p, vh) != 0) {
		packet_free(p);
		return NULL;
	}
	return p;
}

/* What the driver holds follows what the interface has. */
static struct virtif_link *
drive_link(struct virtif *sc)
{
	struct virtif_link *vl = atomic_load_acq(&sc->sc_link);

	if (likely(vl == sc->sc_drive))
		return vl;
	if (sc->sc_drive != NULL)
		virtif_link_rele(sc->sc_drive);
	if (vl != NULL)
		(void)atomic_add(&vl->vl_refs, 1);
	sc->sc_drive = vl;
	sc->sc_broken = false;
	return vl;
}

/* The other side went away: said once, and the carrier is gone. */
static void
link_broken(struct virtif *sc, int error)
{
	if (sc->sc_broken)
		return;
	sc->sc_broken = true;
	log_printf(LOG_WARNING, "%s: the host's end failed (error %d)",
	    sc->sc_ifp->if_name, error);
	if_setcarrier(sc->sc_ifp, false);
}

/* Up to budget frames of one queue. */
static unsigned int
poll_queue(struct virtif *sc, struct virtif_link *vl, unsigned int queue,
    unsigned int budget, struct packetq *q)
{
	struct rumpuser_iov iov[2];
	struct virtio_net_hdr vh;
	struct packet *p;
	unsigned int n;
	size_t len;
	int error;

	for (n = 0; n < budget; n++) {
		if (sc->sc_spare == NULL)
			sc->sc_spare = pktbuf_alloc(PKTBUF_MAX, KM_NOSLEEP);
		if (sc->sc_spare == NULL)
			break;
		iov[0].iov_base = sc->sc_spare->pb_data;
		iov[0].iov_len = sc->sc_spare->pb_size;
		iov[1].iov_base = sc->sc_tail;
		iov[1].iov_len = sizeof(sc->sc_tail);
		error = rumpcomp_virtif_recv(vl->vl_host, queue, &vh, iov, &len);
		if (error == EAGAIN || error == ENOMEM || error == ENOBUFS)
			break;
		if (error != 0 && error != EMSGSIZE) {
			link_broken(sc, error);
			break;
		}
		p = error == 0 ? recv_packet(sc, &vh, len) : NULL;
		if (p != NULL)
			packetq_put(q, p);
		else
			count(&if_counters_self(sc->sc_ifp)->ic_rx_dropped);
	}
	return n;
}

unsigned int
virtif_poll(struct ifnet *ifp, unsigned int budget, struct packetq *q)
{
	struct virtif *sc = ifp->if_softc;
	struct virtif_link *vl = drive_link(sc);
	unsigned int n = 0;

	if (vl == NULL || !atomic_load(&sc->sc_up) || sc->sc_broken)
		return 0;
	for (unsigned int i = 0; i < vl->vl_info.vi_queues && n < budget; i++)
		n += poll_queue(sc, vl, i, budget - n, q);
	return n;
}

/* --- sleeping ---------------------------------------------------------------- */

static int
sleep_alone(struct virtif *sc, bool intr, int64_t deadline)
{
	int error;

	error = rumpuser_park(&sc->sc_kicked, 0, intr ? RUMPUSER_PARK_INTR : 0,
	    deadline);
	return error == EAGAIN ? 0 : error;
}

/* Who sleeps has no vCPU, so sc_link is out of bounds; sc_drive is ours. */
int
virtif_sleep(struct ifnet *ifp, const uint32_t *word, uint32_t expected,
    bool intr, int64_t deadline)
{
	struct virtif *sc = ifp->if_softc;
	struct virtif_link *vl = sc->sc_drive;
	int error = 0;

	atomic_store(&sc->sc_asleep, 1);
	atomic_fence_seq();
	if (atomic_swap_ar(&sc->sc_kicked, 0) == 0 &&
	    (word == NULL || atomic_load_acq(word) == expected)) {
		if (vl == NULL || atomic_load(&sc->sc_link) != vl ||
		    !atomic_load(&sc->sc_up) || sc->sc_broken)
			error = sleep_alone(sc, intr, deadline);
		else
			error = rumpcomp_virtif_wait(vl->vl_host, intr, deadline);
	}
	atomic_store(&sc->sc_asleep, 0);
	return error;
}

void
virtif_kick(struct ifnet *ifp)
{
	struct virtif *sc = ifp->if_softc;
	struct virtif_link *vl = atomic_load_acq(&sc->sc_link);

	atomic_store(&sc->sc_kicked, 1);
	atomic_fence_seq();
	if (atomic_load(&sc->sc_asleep) == 0)
		return;
	(void)rumpuser_unpark(&sc->sc_kicked, UINT32_MAX, 0);
	if (vl != NULL)
		rumpcomp_virtif_wake(vl->vl_host);
}
