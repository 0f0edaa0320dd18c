/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_hello.c - the beginning of a connection
 *
 * The hello says what the client is and what it speaks.  A client that we do
 * not understand gets a welcome with an error, and the connection ends.
 *
 * A connection may also be a parcel (sp_parcel.c), or one more of a session that there
 * is: a channel, which gets a thread, or a bell, which is only written to.  Neither of
 * these is watched any longer then.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/random.h>

#include "proc_impl.h"

static int
hello_check(const struct sp_hello *h)
{
	if (h->h_magic != SP_MAGIC)
		return EPROTO;
	if (h->h_version_min > SP_VERSION || h->h_version_max < SP_VERSION)
		return EPROTONOSUPPORT;
	if (h->h_machine != SP_MACHINE || h->h_bigendian != SP_BIGENDIAN ||
	    h->h_wordsize != sizeof(long) || h->h_pagesize != PAGE_SIZE)
		return EPROTONOSUPPORT;
	return 0;
}

/*
 * What both have.  Shared memory comes as a descriptor, and who can be given one can
 * give us others: there is both or neither.
 */
static uint32_t
features(const struct spclient *sc, const struct sp_hello *h)
{
	uint32_t agent = h->h_features & SP_FEAT_AGENT;

	if (sc->sc_peer.sp_stream || (h->h_features & SP_FEATURES) != SP_FEATURES)
		return agent;
	return SP_FEATURES | agent;
}

int
sphello_region(struct spclient *sc)
{
	void *ptr;
	int error;

	error = spuser_charge(sc->sc_user, SPUSER_FDS);
	if (error)
		return error;
	error = rumpuser_spmem_create(SP_REGIONSIZE, &sc->sc_memfd, &ptr);
	if (error) {
		spuser_uncharge(sc->sc_user, SPUSER_FDS);
		return error;
	}
	sc->sc_region = ptr;
	return 0;
}

void
sphello_unregion(struct spclient *sc)
{
	if (sc->sc_region == NULL)
		return;
	rumpuser_spmem_destroy(sc->sc_memfd, sc->sc_region, SP_REGIONSIZE);
	spuser_uncharge(sc->sc_user, SPUSER_FDS);
	sc->sc_region = NULL;
	sc->sc_memfd = -1;
}

/* What the session's calls go through, by its features. */
static int
session_begin(struct spclient *sc, const struct sp_hello *h)
{
	sc->sc_features = features(sc, h);
	random_bytes(sc->sc_secret, sizeof(sc->sc_secret));
	return sc->sc_features & SP_FEAT_SHM ? sphello_region(sc) : 0;
}

static void
comm_set(struct proc *p, const char comm[16])
{
	if (comm[0] == '\0')
		return;
	mutex_enter(&p->p_lock);
	memcpy(p->p_comm, comm, sizeof(p->p_comm));
	p->p_comm[sizeof(p->p_comm) - 1] = '\0';
	mutex_exit(&p->p_lock);
}

/* Another program than the one of the hello. */
void
sphello_rename(struct spclient *sc, const char comm[16], int32_t hostpid)
{
	comm_set(sc->sc_proc, comm);
	if ((sc->sc_features & SP_FEAT_AGENT) != 0)
		atomic_store(&sc->sc_proc->p_hostpid, hostpid);
}

/* The client's proc, with an lwp that keeps it. */
static int
guest_proc(struct spclient *sc, const struct sp_hello *h)
{
	struct proc *p;
	int error;

	error = proc_fork(proc_local(), PROC_FORK_CLEARFD, &p);
	if (error)
		return error;
	p->p_vm = &sp_vmops;
	strlcpy(p->p_comm, "client", sizeof(p->p_comm));
	comm_set(p, h->h_comm);
	proc_hold(p);
	error = spcred_set(sc, p);
	if (error == 0)
		error = lwp_create(p, 0, &sc->sc_lwp);
	if (error) {
		proc_lastlwp(p);
		proc_rele(p);
		return error;
	}
	sc->sc_proc = p;
	return 0;
}

/* One more of its user's. */
static int
charge(struct spclient *sc)
{
	int error = spuser_charge(sc->sc_user, SPUSER_CLIENTS);

	sc->sc_charged = error == 0;
	return error;
}

/* A proc of its own, new or one that waits for it. */
static int
newcomer(struct spclient *sc, const struct sp_hello *h)
{
	int error;

	error = charge(sc);
	if (error)
		return error;
	error = session_begin(sc, h);
	if (error)
		return error;
	if (h->h_kind == SP_FORK)
		error = spticket_redeem(sc, h->h_secret);
	else
		error = guest_proc(sc, h);
	if (error)
		sphello_unregion(sc);
	return error;
}

/*
 * Another program goes on with the connection, as a client of its own.  It is
 * welcomed when what it may not have is closed.
 */
static int
successor(struct spclient *old, const struct sp_hello *h)
{
	struct spclient *sc;
	int error;

	if (old->sc_proc == NULL)
		return EPROTO;
	error = spclient_create(old->sc_conn, &old->sc_peer, &sc);
	if (error)
		return error;
	error = session_begin(sc, h);
	if (error)
		goto fail;
	sc->sc_proc = old->sc_proc;
	proc_hold(sc->sc_proc);
	sc->sc_state = SPCLIENT_EXECING;
	error = spexec_start(sc);
	if (error)
		goto fail;
	comm_set(sc->sc_proc, h->h_comm);
	sc->sc_lwp = old->sc_lwp;
	old->sc_lwp = NULL;
	old->sc_conn = NULL;
	/* The user has one, whatever it is called. */
	sc->sc_charged = old->sc_charged;
	old->sc_charged = false;
	spticket_move(old, sc);
	sp_client_take(old, sc);
	return 0;
fail:
	spclient_rele(sc);
	return error;
}

/* --- more connections of a session ------------------------------------------------- */

static struct spclient *
session_find(const struct spclient *sc, const struct sp_hello *h)
{
	for (struct spclient *of = sp_client_first(); of != NULL;
	    of = sp_client_next(of)) {
		if (of->sc_state == SPCLIENT_UP && of->sc_region == NULL &&
		    sp_same_user(sc, of) &&
		    sp_secret_equal(of->sc_secret, h->h_secret))
			return of;
	}
	return NULL;
}

/* It answers by itself, as soon as its thread runs. */
static int
channel_open(struct spclient *sc, const struct sp_hello *h)
{
	struct spclient *of = session_find(sc, h);
	unsigned int index;
	int error;

	if (of == NULL)
		return ESRCH;
	sp_unwatch(sc);
	error = spslot_open(of, sc->sc_conn, &index);
	if (error == 0)
		sc->sc_conn = NULL;
	return error;
}

/* The welcome is said before anybody can ring. */
static int
bell_open(struct spclient *sc, const struct sp_hello *h)
{
	struct sp_welcome w = { .w_magic = SP_MAGIC, .w_version = SP_VERSION };
	struct spclient *of = session_find(sc, h);
	size_t sent;
	int error;

	if (of == NULL)
		return ESRCH;
	sp_unwatch(sc);
	error = spbell_bind(of, rumpuser_spconn_fd(sc->sc_conn), &w.w_slot);
	if (error)
		return error;
	error = rumpuser_spconn_send(sc->sc_conn, &w, sizeof(w), -1, &sent);
	rumpuser_spconn_detach(sc->sc_conn);
	sc->sc_conn = NULL;
	if (error || sent != sizeof(w))
		spbell_unbind(of, w.w_slot);
	/* It has been charged as a bell. */
	spuser_uncharge(sc->sc_user, SPUSER_FDS);
	return 0;
}

static int
another(struct spclient *sc, const struct sp_hello *h)
{
	return h->h_kind == SP_CHANNEL ? channel_open(sc, h) : bell_open(sc, h);
}

int
sphello_welcome(struct spclient *sc, int error)
{
	struct sp_welcome w = { .w_magic = SP_MAGIC, .w_version = SP_VERSION,
	    .w_error = error };

	if (error == 0) {
		w.w_features = sc->sc_features;
		w.w_pid = sc->sc_proc->p_pid;
		w.w_nslots = SP_NSLOTS;
		memcpy(w.w_secret, sc->sc_secret, sizeof(w.w_secret));
	}
	return spclient_reply(sc, &w, sizeof(w), error == 0 ? sc->sc_memfd : -1);
}

/* An error: the connection ends, after the welcome has been sent as far as it can. */
int
sphello(struct spclient *sc, const struct sp_hello *h)
{
	int error = hello_check(h);

	if (error == 0 && sc->sc_state == SPCLIENT_EXEC) {
		error = h->h_kind == SP_EXEC ? successor(sc, h) : EPROTO;
		if (error == 0)
			return 0;
	} else if (error == 0 && h->h_kind == SP_PARCEL) {
		error = charge(sc);
		if (error == 0)
			error = spparcel_claim(sc, h->h_secret);
		if (error == 0)
			return spparcel_welcome(sc, h->h_secret);
	} else if (error == 0) {
		if (h->h_kind == SP_GUEST && atomic_load(&sp_stopping) != 0)
			error = ESHUTDOWN;
		else if (h->h_kind == SP_GUEST || h->h_kind == SP_FORK)
			error = newcomer(sc, h);
		else if (h->h_kind == SP_CHANNEL || h->h_kind == SP_BELL)
			error = another(sc, h);
		else
			error = EPROTONOSUPPORT;
		if (error == 0 && sc->sc_conn == NULL)
			return 0;		/* not ours any more */
	}
	if (error == 0) {
		sc->sc_state = SPCLIENT_UP;
		/* Only people look at it. */
		atomic_store(&sc->sc_proc->p_hostpid, (h->h_features & SP_FEAT_AGENT) != 0 ?
		    (int32_t)h->h_hostpid : sc->sc_peer.sp_pid);
	}
	(void)sphello_welcome(sc, error);
	return error;
}
