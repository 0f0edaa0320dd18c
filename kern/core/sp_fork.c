/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_fork.c - procs that wait for their process, and programs that go on
 *
 * A client about to fork asks for a ticket: a copy of its proc as it is now.
 * The child connects and shows the ticket's secret.  A ticket is good for one
 * child and dies with the connection that asked for it.
 *
 * After an exec the new program goes on with the connection.  It becomes a
 * client of its own with the same proc, and the old one dies as if its
 * connection had ended: its threads leave when they can, and what they
 * share with the new one is the proc alone.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/random.h>

#include "proc_impl.h"

#define TICKETS_MAX	64	/* of a client */

struct spticket {
	struct list_node st_link;	/* of the client that asked */
	uint8_t		 st_secret[SP_SECRET];
	struct proc	*st_proc;	/* referenced */
	struct lwp	*st_lwp;	/* keeps it alive */
};

int
spticket_create(struct spclient *sc, uint8_t secret[SP_SECRET])
{
	struct spticket *st;
	int error;

	if (sc->sc_ntickets >= TICKETS_MAX)
		return EAGAIN;
	st = kmem_zalloc(sizeof(*st), KM_SLEEP);
	if (st == NULL)
		return ENOMEM;
	error = proc_fork(sc->sc_proc, PROC_FORK_COPYFD, &st->st_proc);
	if (error)
		goto fail;
	proc_hold(st->st_proc);
	error = lwp_create(st->st_proc, 0, &st->st_lwp);
	if (error) {
		proc_lastlwp(st->st_proc);
		proc_rele(st->st_proc);
		goto fail;
	}
	random_bytes(st->st_secret, sizeof(st->st_secret));
	memcpy(secret, st->st_secret, sizeof(st->st_secret));
	list_node_init(&st->st_link);
	list_insert_tail(&sc->sc_tickets, &st->st_link);
	sc->sc_ntickets++;
	return 0;
fail:
	kmem_free(st, sizeof(*st));
	return error;
}

/* Looks at all of both, so that time tells nothing. */
bool
sp_secret_equal(const uint8_t *a, const uint8_t *b)
{
	uint8_t differ = 0;

	for (unsigned int i = 0; i < SP_SECRET; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

static struct spticket *
ticket_take(struct spclient *sc, const uint8_t *secret)
{
	struct list_node *n;

	LIST_FOREACH(n, &sc->sc_tickets) {
		struct spticket *st = container_of(n, struct spticket, st_link);

		if (!sp_secret_equal(st->st_secret, secret))
			continue;
		list_remove(n);
		sc->sc_ntickets--;
		return st;
	}
	return NULL;
}

static void
ticket_drop(struct spticket *st)
{
	anchor_drop(st->st_lwp);
	proc_rele(st->st_proc);
	kmem_free(st, sizeof(*st));
}

void
spticket_cancel(struct spclient *sc, const uint8_t secret[SP_SECRET])
{
	struct spticket *st = ticket_take(sc, secret);

	if (st != NULL)
		ticket_drop(st);
}

void
spticket_end(struct spclient *sc)
{
	struct list_node *n;

	while ((n = list_first(&sc->sc_tickets)) != NULL) {
		list_remove(n);
		sc->sc_ntickets--;
		ticket_drop(container_of(n, struct spticket, st_link));
	}
}

/* An exec does not take from its children what they were promised. */
void
spticket_move(struct spclient *old, struct spclient *sc)
{
	struct list_node *n;

	while ((n = list_first(&old->sc_tickets)) != NULL) {
		list_remove(n);
		list_insert_tail(&sc->sc_tickets, n);
	}
	sc->sc_ntickets = old->sc_ntickets;
	old->sc_ntickets = 0;
}

bool
sp_same_user(const struct spclient *a, const struct spclient *b)
{
	return sp_same_peer(&a->sc_peer, &b->sc_peer);
}

int
spticket_redeem(struct spclient *sc, const uint8_t secret[SP_SECRET])
{
	struct spticket *st = NULL;

	for (struct spclient *from = sp_client_first(); from != NULL && st == NULL;
	    from = sp_client_next(from)) {
		if (sp_same_user(sc, from))
			st = ticket_take(from, secret);
	}
	if (st == NULL)
		return ESRCH;
	sc->sc_proc = st->st_proc;
	sc->sc_lwp = st->st_lwp;
	kmem_free(st, sizeof(*st));
	return 0;
}

/* --- exec ----------------------------------------------------------------------- */

static void
exec_main(void *arg)
{
	struct spclient *sc = arg;

	fdtable_closeexec(atomic_load_acq(&sc->sc_proc->p_fd), sc->sc_proc);
	atomic_store_rel(&sc->sc_execdone, 1);
	sp_wake();
	spclient_rele(sc);
}

/* Closing may take its time, hence a thread. */
int
spexec_start(struct spclient *sc)
{
	int error;

	atomic_add(&sc->sc_refs, 1);
	error = kthread_create(exec_main, sc, "rump-exec", NULL);
	if (error)
		atomic_sub(&sc->sc_refs, 1);
	return error;
}
