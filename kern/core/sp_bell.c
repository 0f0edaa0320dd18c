/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_bell.c - telling remote clients that descriptors may be ready
 *
 * A client's bell is a socket that it sent, of which it keeps the other end.
 * It is written to without waiting, whatever it really is; one that is full rang
 * already.  A handle is a place in the client's table.
 */

#include "sp_impl.h"

#include <sys/errno.h>

#include "bell.h"

static void
bell_gone(int fd)
{
	rumpuser_close_apart(fd, NULL, NULL);
}

static int
place_locked(struct spclient *sc, struct bell *b, unsigned int *ret_handle)
    REQUIRES(sc->sc_lock)
{
	for (unsigned int i = 0; i < SPBELLS_MAX; i++) {
		if (sc->sc_bell[i] != NULL)
			continue;
		sc->sc_bell[i] = b;
		*ret_handle = i;
		return 0;
	}
	return EMFILE;
}

int
spbell_bind(struct spclient *sc, int fd, unsigned int *ret_handle)
{
	struct bell *b;
	int error;

	error = spuser_charge(sc->sc_user, SPUSER_FDS);
	if (error)
		return error;
	error = bell_create(rumpuser_spbell_ring, fd, &b);
	if (error) {
		spuser_uncharge(sc->sc_user, SPUSER_FDS);
		return error;
	}
	mutex_enter(&sc->sc_lock);
	error = place_locked(sc, b, ret_handle);
	/* On failure it stays the caller's. */
	if (error == 0)
		bell_own(b, bell_gone);
	mutex_exit(&sc->sc_lock);
	if (error) {
		bell_rele(b);
		spuser_uncharge(sc->sc_user, SPUSER_FDS);
	}
	return error;
}

/* Somebody may be arming it, and lets go of it afterwards. */
void
spbell_unbind(struct spclient *sc, unsigned int handle)
{
	struct bell *b = NULL;

	mutex_enter(&sc->sc_lock);
	if (handle < SPBELLS_MAX) {
		b = sc->sc_bell[handle];
		sc->sc_bell[handle] = NULL;
	}
	mutex_exit(&sc->sc_lock);
	if (b == NULL)
		return;
	bell_rele(b);
	spuser_uncharge(sc->sc_user, SPUSER_FDS);
}

void
spbell_end(struct spclient *sc)
{
	for (unsigned int i = 0; i < SPBELLS_MAX; i++)
		spbell_unbind(sc, i);
}

static struct bell *
bell_get(struct spclient *sc, unsigned long handle)
{
	struct bell *b = NULL;

	mutex_enter(&sc->sc_lock);
	if (handle < SPBELLS_MAX && sc->sc_bell[handle] != NULL) {
		b = sc->sc_bell[handle];
		bell_hold(b);
	}
	mutex_exit(&sc->sc_lock);
	return b;
}

static void
unwatch_all(struct spclient *sc, int r)
{
	for (unsigned int i = 0; i < SPBELLS_MAX; i++) {
		struct bell *b = bell_get(sc, i);

		if (b == NULL)
			continue;
		bell_unwatch(b, r);
		bell_rele(b);
	}
}

/* A bell rings for a descriptor, or for the next event of a poll. */
static int
bell_call(struct spclient *sc, unsigned int nr, const unsigned long *args, long *ret)
{
	struct bell *b;
	int error;

	b = bell_get(sc, nr == SP_NR_NOTIFY ? args[1] - 1 : args[2]);
	if (b == NULL)
		return EBADF;
	if (nr == SP_NR_NOTIFY)
		error = bell_watch(b, (int)args[0]);
	else
		error = bell_arm(b, (struct pollfd *)args[0],
		    (unsigned int)args[1], ret);
	bell_rele(b);
	return error;
}

int
spbell_call(struct spclient *sc, unsigned int nr, const unsigned long *args,
    long *ret)
{
	*ret = 0;
	switch (nr) {
	case SP_NR_NOTIFY:
		if (args[1] != 0)
			return bell_call(sc, nr, args, ret);
		unwatch_all(sc, (int)args[0]);
		return 0;
	case SP_NR_POLL_ARM:
		return bell_call(sc, nr, args, ret);
	case SP_NR_LOST:
		return lostfile_install((int)args[0]);
	case SP_NR_SEND:
		return spparcel_send(sc, (int)args[0], (void *)args[1]);
	case SP_NR_TAKE:
		return spparcel_take((const void *)args[0], ret);
	case SP_NR_LENT:
		return splent_claim(sc, args[0], ret);
	case SP_NR_FETCH:
		return splent_choose(sc, (int)args[0], ret);
	case SP_NR_COMM:
		sphello_rename(sc, (const char *)args, (int32_t)args[2]);
		return 0;
	default:
		return ENOSYS;
	}
}
