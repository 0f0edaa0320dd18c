/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_server.c - the thread that serves the control connections of remote
 * clients
 *
 * It is started by the first rump_init_server() and stays.  Nothing it does
 * waits for a client: connections do not block, what a client sent in part
 * stays in its buffer, and one that does not read its answers is not read from.
 *
 * Locking: everything here belongs to that thread but for sp_state and the
 * set, which rump_init_server() uses too (the host's set takes care of that).
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <rump/rump.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kcontext.h>
#include <sys/ktime.h>
#include <sys/log.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#define NEVENTS		32
#define MESSAGES_MAX	32	/* of one client before others have their turn */
#define HALFOPEN_MAX	64	/* connections that have not said hello */
#define UNPACK_AGAIN	(100 * (NSEC_PER_SEC / 1000))

int sp_maxclients = 4096, sp_maxthreads = SP_NSLOTS, sp_maxchannels = 16384;
int sp_hellotime = 5000, sp_nclients, sp_nthreads;

bool sp_parcels_wait;

static konce_t sp_once;
static struct rumpuser_spset *set;	/* c */
static struct list clients = LIST_INITIALIZER(clients);
static unsigned int nclients, nhalfopen, ndying;
static struct log_limit refused;

void
sp_wake(void)
{
	if (set != NULL)
		rumpuser_spset_wake(set);
}

static void
count(const struct spclient *sc, unsigned int by)
{
	if (sc->sc_state == SPCLIENT_HELLO) {
		nhalfopen += by;
		sc->sc_user->su_nhalfopen += by;
	} else if (sc->sc_state == SPCLIENT_DYING)
		ndying += by;
	else
		nclients += by;
	atomic_store(&sp_nclients, (int)nclients);
}

void
sp_watch(struct spclient *sc)
{
	uint32_t what = 0;

	if (sc->sc_outlen > 0)
		what |= RUMPUSER_SP_WRITE;
	if (sizeof(sc->sc_out) - sc->sc_outlen >= sizeof(struct sp_welcome))
		what |= RUMPUSER_SP_READ;
	if (sc->sc_state == SPCLIENT_EXECING)
		what = 0;
	if (rumpuser_spset_watch(set, sc->sc_conn, sc, what) != 0)
		atomic_store(&sc->sc_kill, 1);
}

void
sp_unwatch(struct spclient *sc)
{
	(void)rumpuser_spset_watch(set, sc->sc_conn, sc, 0);
}

static void
client_drop(struct spclient *sc)
{
	count(sc, -1u);
	if (sc->sc_conn != NULL)
		(void)rumpuser_spset_watch(set, sc->sc_conn, sc, 0);
	spclient_end(sc);
	count(sc, 1);
}

struct spclient *
sp_client_first(void)
{
	struct list_node *n = list_first(&clients);

	return n != NULL ? container_of(n, struct spclient, sc_link) : NULL;
}

struct spclient *
sp_client_next(struct spclient *sc)
{
	struct list_node *n = list_next(&clients, &sc->sc_link);

	return n != NULL ? container_of(n, struct spclient, sc_link) : NULL;
}

/* sc has the connection that was old's. */
void
sp_client_take(struct spclient *old, struct spclient *sc)
{
	(void)rumpuser_spset_watch(set, sc->sc_conn, old, 0);
	list_insert_tail(&clients, &sc->sc_link);
	count(sc, 1);
	sp_watch(sc);
}

/* --- input and output ------------------------------------------------------------ */

static int
client_flush(struct spclient *sc)
{
	size_t sent;
	int error;

	while (sc->sc_outlen > 0) {
		/* What comes before the descriptor's message goes alone. */
		bool alone = sc->sc_outfd != -1 && sc->sc_outfdat > 0;

		error = rumpuser_spconn_send(sc->sc_conn, sc->sc_out,
		    alone ? sc->sc_outfdat : sc->sc_outlen,
		    alone ? -1 : sc->sc_outfd, &sent);
		if (error)
			return error == EAGAIN ? 0 : error;
		if (alone)
			sc->sc_outfdat -= sent;
		else
			spclient_sent(sc);
		sc->sc_outlen -= sent;
		memmove(sc->sc_out, sc->sc_out + sent, sc->sc_outlen);
	}
	return 0;
}

static int
message(struct spclient *sc)
{
	union {
		struct sp_hello hello;
		struct sp_ctl ctl;
	} m;
	int error;

	memcpy(&m, sc->sc_in, sc->sc_inlen);
	sc->sc_inlen = 0;
	if (sc->sc_state == SPCLIENT_UP)
		return spcontrol(sc, &m.ctl);
	if (sc->sc_state != SPCLIENT_HELLO && sc->sc_state != SPCLIENT_EXEC)
		return EPROTO;
	count(sc, -1u);
	error = sphello(sc, &m.hello);
	count(sc, 1);
	if (error)
		(void)client_flush(sc);
	else if (sc->sc_conn == NULL)
		return ENOTCONN;		/* somebody else has it now */
	return error;
}

/* More of the message that is being received; EAGAIN when there is no more. */
static int
client_fill(struct spclient *sc)
{
	size_t want, got;
	int fd, error;

	want = sc->sc_state == SPCLIENT_UP ? sizeof(struct sp_ctl) :
	    sizeof(struct sp_hello);
	error = rumpuser_spconn_recv(sc->sc_conn, sc->sc_in + sc->sc_inlen,
	    want - sc->sc_inlen, &fd, &got);
	if (error)
		return error;
	if (fd != -1) {
		if (sc->sc_infd != -1)
			rumpuser_close_apart(sc->sc_infd, NULL, NULL);
		sc->sc_infd = fd;
	}
	if (got == 0)
		return ECONNRESET;
	sc->sc_inlen += got;
	return sc->sc_inlen < want ? 0 : message(sc);
}

static int
client_input(struct spclient *sc)
{
	int error = 0;

	for (unsigned int i = 0; i < MESSAGES_MAX && error == 0; i++) {
		if (sizeof(sc->sc_out) - sc->sc_outlen <
		    sizeof(struct sp_welcome))
			break;
		error = client_fill(sc);
	}
	return error == EAGAIN ? 0 : error;
}

static void
client_event(struct spclient *sc, uint32_t what)
{
	int error = 0;

	if (what & RUMPUSER_SP_READ)
		error = client_input(sc);
	if (error == 0)
		error = client_flush(sc);
	if (error)
		client_drop(sc);
	else
		sp_watch(sc);
}

/* --- those who connect -------------------------------------------------------------- */

static bool
has_room(void)
{
	return nclients + ndying < (unsigned int)atomic_load(&sp_maxclients);
}

/*
 * Too many have not said hello: of the user who has the most of them, who has been silent for the longest
 * makes room.  So they cannot keep out those who say it at once, nor others who take their time.
 */
static void
halfopen_limit(void)
{
	struct spclient *victim = NULL;

	if (nhalfopen < HALFOPEN_MAX)
		return;
	for (struct spclient *sc = sp_client_first(); sc != NULL;
	    sc = sp_client_next(sc)) {
		if (sc->sc_state == SPCLIENT_HELLO && (victim == NULL ||
		    sc->sc_user->su_nhalfopen > victim->sc_user->su_nhalfopen))
			victim = sc;
	}
	if (victim != NULL)
		client_drop(victim);
}

static int
newcomer(struct rumpuser_spconn *conn, const struct rumpuser_sppeer *peer,
    struct spclient **ret_sc)
{
	struct spclient *sc;
	int error;

	if (!has_room())
		return EAGAIN;
	error = spclient_create(conn, peer, &sc);
	if (error)
		return error;
	error = spuser_charge(sc->sc_user, SPUSER_FDS);
	if (error)
		spclient_rele(sc);
	else
		*ret_sc = sc;
	return error;
}

static void
admit(struct rumpuser_spconn *conn, const struct rumpuser_sppeer *peer)
{
	struct spclient *sc;

	halfopen_limit();
	if (newcomer(conn, peer, &sc) != 0) {
		rumpuser_spconn_close(conn);
		if (log_allowed(&refused, 5))
			log_printf(LOG_WARNING,
			    "sysproxy: no room for another client");
		return;
	}
	sc->sc_deadline = ktime_deadline(SP_HELLOTIME);
	list_insert_tail(&clients, &sc->sc_link);
	count(sc, 1);
	sp_watch(sc);
	/* Most have said it all by now. */
	client_event(sc, RUMPUSER_SP_READ);
}

static void
accept_all(void)
{
	struct rumpuser_spconn *conn;
	struct rumpuser_sppeer peer;

	for (unsigned int i = 0; i < NEVENTS; i++) {
		if (rumpuser_spset_accept(set, &conn, &peer) != 0)
			return;
		admit(conn, &peer);
	}
}

/* --- the round ------------------------------------------------------------------------ */

static bool
client_gone(struct spclient *sc)
{
	bool gone;

	mutex_enter(&sc->sc_lock);
	gone = sc->sc_nslots == 0;
	mutex_exit(&sc->sc_lock);
	return gone;
}

static bool
is_halfopen(const struct spclient *sc)
{
	return sc->sc_state == SPCLIENT_HELLO || sc->sc_state == SPCLIENT_EXEC;
}

static void
exec_done(struct spclient *sc)
{
	sc->sc_state = SPCLIENT_UP;
	(void)sphello_welcome(sc, 0);
	client_event(sc, 0);
}

static void
client_tell(struct spclient *sc)
{
	if (spstop_tell(sc) != 0)
		client_drop(sc);
	else
		client_event(sc, 0);
}

/* Those whose time has come.  Returns when the next one's comes. */
static int64_t
look_around(void)
{
	int64_t now = clock_mono(), next = KTIME_NEVER;
	struct list_node *n, *nn;

	LIST_FOREACH_SAFE(n, nn, &clients) {
		struct spclient *sc = container_of(n, struct spclient, sc_link);

		if (sc->sc_state != SPCLIENT_DYING &&
		    (atomic_load_acq(&sc->sc_kill) ||
		    (is_halfopen(sc) && sc->sc_deadline <= now)))
			client_drop(sc);
		if (sc->sc_state == SPCLIENT_EXECING &&
		    atomic_load_acq(&sc->sc_execdone))
			exec_done(sc);
		if (sc->sc_state == SPCLIENT_UP &&
		    atomic_load_acq(&sp_stopping) != 0 && !sc->sc_told)
			client_tell(sc);
		if (sc->sc_state == SPCLIENT_DYING) {
			if (client_gone(sc)) {
				list_remove(n);
				count(sc, -1u);
				spclient_rele(sc);
				continue;
			}
			if (sc->sc_deadline <= now)
				spclient_poke(sc);
		}
		if ((is_halfopen(sc) || sc->sc_state == SPCLIENT_DYING) &&
		    sc->sc_deadline < next)
			next = sc->sc_deadline;
	}
	return next;
}

/* When to try again. */
static int64_t
parcels_unpack(int64_t deadline)
{
	int64_t again = ktime_deadline(UNPACK_AGAIN);

	if (sp_parcels_wait)
		sp_parcels_wait = !spparcel_unpack();
	return sp_parcels_wait && again < deadline ? again : deadline;
}

static void
sp_thread(void *arg __unused_arg)
{
	struct rumpuser_spevent ev[NEVENTS];
	int64_t deadline;
	size_t n;
	int error;

	for (;;) {
		deadline = parcels_unpack(look_around());
		vcpu_block_begin();
		n = 0;
		error = rumpuser_spset_wait(set, ev, NEVENTS, deadline, &n);
		vcpu_block_end();
		if (error != 0 && error != ETIMEDOUT) {
			log_printf(LOG_ERR, "sysproxy: wait: error %d", error);
			return;
		}
		for (size_t i = 0; i < n; i++) {
			struct spclient *sc = ev[i].ev_cookie;

			if (sc == NULL)
				accept_all();
			else if (sc->sc_state != SPCLIENT_DYING)
				client_event(sc, ev[i].ev_what);
		}
	}
}

static int
sp_start(void)
{
	int error;

	error = rumpuser_spset_create(&set);
	if (error)
		return error;
	error = kthread_create(sp_thread, NULL, "rump-sysproxy", NULL);
	if (error) {
		rumpuser_spset_destroy(set);
		set = NULL;
	}
	return error;
}

int
rump_init_server(const char *url)
{
	int error;

	error = kcontext_enter();
	if (error)
		return error;
	error = once_run(&sp_once, sp_start);
	if (error == 0) {
		vcpu_block_begin();
		error = rumpuser_spset_listen(set, url);
		vcpu_block_end();
	}
	kcontext_leave();
	return error;
}
