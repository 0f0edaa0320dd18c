/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_client.c - birth and death of a remote client
 *
 *	HELLO -> UP		its hello was accepted: it has a proc
 *	HELLO, UP -> DYING	the connection ended, or was ended for a reason
 *	DYING -> gone		the last of its threads has left
 *
 * The proc of a client has an lwp that is current nowhere, which keeps it
 * alive while no thread of the client has a slot.  When the client dies this
 * lwp goes at once, and the last thread that leaves closes the descriptors, which
 * may take its time.  If there is no thread, one is made for it.
 *
 * A thread may not notice at first that it shall end: a call may go to sleep
 * twice, and a hostile client may have played with the word that the
 * thread sleeps on.  So dying clients are poked again until they are gone.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/proc.h>

#define POKE_AGAIN	(100 * (NSEC_PER_SEC / 1000))

int
spclient_create(struct rumpuser_spconn *conn, const struct rumpuser_sppeer *peer,
    struct spclient **ret_sc)
{
	struct spclient *sc = kmem_zalloc(sizeof(*sc), KM_SLEEP);
	int error;

	if (sc == NULL)
		return ENOMEM;
	error = spuser_get(peer, &sc->sc_user);
	if (error) {
		kmem_free(sc, sizeof(*sc));
		return error;
	}
	list_node_init(&sc->sc_link);
	list_init(&sc->sc_tickets);
	mutex_init(&sc->sc_lock, "sysproxy client");
	sc->sc_refs = 1;
	sc->sc_state = SPCLIENT_HELLO;
	sc->sc_conn = conn;
	sc->sc_peer = *peer;
	sc->sc_memfd = sc->sc_infd = sc->sc_outfd = -1;
	*ret_sc = sc;
	return 0;
}

void
spclient_rele(struct spclient *sc)
{
	if (atomic_sub_ar(&sc->sc_refs, 1) != 1)
		return;
	KASSERT(sc->sc_nslots == 0);
	spbell_end(sc);
	splent_end(sc);
	spclient_sent(sc);
	sphello_unregion(sc);
	if (sc->sc_proc != NULL)
		proc_rele(sc->sc_proc);
	if (sc->sc_charged)
		spuser_uncharge(sc->sc_user, SPUSER_CLIENTS);
	spuser_rele(sc->sc_user);
	mutex_destroy(&sc->sc_lock);
	kmem_free(sc, sizeof(*sc));
}

void
spclient_break(struct spclient *sc)
{
	atomic_store_rel(&sc->sc_kill, 1);
	sp_wake();
}

/* --- what is sent ------------------------------------------------------------------ */

int
spclient_reply(struct spclient *sc, const void *buf, size_t len, int fd)
{
	if (len > sizeof(sc->sc_out) - sc->sc_outlen)
		return ENOBUFS;
	memcpy(sc->sc_out + sc->sc_outlen, buf, len);
	if (fd != -1) {
		KASSERT(sc->sc_outfd == -1);
		sc->sc_outfd = fd;
		sc->sc_outfdat = sc->sc_outlen;
	}
	sc->sc_outlen += len;
	return 0;
}

void
spclient_sent(struct spclient *sc)
{
	sc->sc_outfd = -1;
	if (sc->sc_outfile != NULL)
		file_rele(sc->sc_outfile);
	sc->sc_outfile = NULL;
}

/* --- the end ------------------------------------------------------------------------- */

static void
lwp_reap(void *arg)
{
	lwp_destroy(arg);
}

/* The last lwp of a proc closes its descriptors: not on this thread. */
void
anchor_drop(struct lwp *l)
{
	if (kthread_create(lwp_reap, l, "rump-reap", NULL) != 0)
		lwp_destroy(l);
}

static void
slots_poke(struct spclient *sc)
{
	mutex_enter(&sc->sc_lock);
	sc->sc_closing = true;
	for (unsigned int i = 0; i < SP_NSLOTS; i++) {
		if (sc->sc_slot[i] != NULL)
			spslot_poke(sc->sc_slot[i]);
	}
	mutex_exit(&sc->sc_lock);
}

void
spclient_poke(struct spclient *sc)
{
	slots_poke(sc);
	sc->sc_deadline = ktime_deadline(POKE_AGAIN);
}

void
spclient_end(struct spclient *sc)
{
	KASSERT(sc->sc_state != SPCLIENT_DYING);
	sc->sc_state = SPCLIENT_DYING;
	sc->sc_deadline = ktime_deadline(POKE_AGAIN);
	if (sc->sc_conn != NULL) {
		rumpuser_spconn_close(sc->sc_conn);
		spuser_uncharge(sc->sc_user, SPUSER_FDS);
	}
	sc->sc_conn = NULL;
	if (sc->sc_infd != -1)
		rumpuser_close_apart(sc->sc_infd, NULL, NULL);
	sc->sc_infd = -1;
	spticket_end(sc);
	if (!spparcel_end(sc))
		sp_parcels_wait = true;
	if (sc->sc_region != NULL)
		atomic_store(&sc->sc_region->r_gone, 1);
	slots_poke(sc);
	if (sc->sc_lwp != NULL)
		anchor_drop(sc->sc_lwp);
	sc->sc_lwp = NULL;
}
