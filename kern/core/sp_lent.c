/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_lent.c - descriptors of the host that clients send to each other through our sockets
 *
 * They come and go over the control connection, and become files (lent.c) of the client's table by a
 * call.  In between they have a place in the client:
 *
 *	SP_LEND		a descriptor comes: a place		SP_NR_LENT	-> its number here
 *	SP_NR_FETCH	a number: a place			SP_FETCH	-> the descriptor
 *
 * What a connection leads to that has its other end here is not taken: the client would keep itself alive.
 */

#include "sp_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>

#include "lent.h"

int sp_maxlent = 512;

/* The caller's reference goes to the place. */
static int
place_put(struct spclient *sc, struct file *fp, unsigned int *ret_place)
{
	int error = EAGAIN;

	mutex_enter(&sc->sc_lock);
	for (unsigned int i = 0; i < SPLENT_MAX && error != 0; i++) {
		if (sc->sc_lent[i] != NULL)
			continue;
		sc->sc_lent[i] = fp;
		*ret_place = i;
		error = 0;
	}
	mutex_exit(&sc->sc_lock);
	return error;
}

/* ... and back.  NULL: there is nothing. */
static struct file *
place_take(struct spclient *sc, unsigned long place)
{
	struct file *fp = NULL;

	mutex_enter(&sc->sc_lock);
	if (place < SPLENT_MAX) {
		fp = sc->sc_lent[place];
		sc->sc_lent[place] = NULL;
	}
	mutex_exit(&sc->sc_lock);
	return fp;
}

void
splent_end(struct spclient *sc)
{
	struct file *fp;

	for (unsigned int i = 0; i < SPLENT_MAX; i++) {
		fp = place_take(sc, i);
		if (fp != NULL)
			file_rele(fp);
	}
}

/* --- coming ------------------------------------------------------------------------------ */

/* fd is ours in any case. */
static int
lent_from(const struct spclient *sc, int fd, struct file **ret_fp)
{
	struct lender *ln;
	int error = EINVAL;

	if (!rumpuser_spfd_leads_here(fd))
		error = lender_hold(sc->sc_peer.sp_uid, (unsigned int)atomic_load(&sp_maxlent), &ln);
	if (error) {
		rumpuser_close_apart(fd, NULL, NULL);
		return error;
	}
	return lent_create(fd, ln, ret_fp);
}

int
splent_lend(struct spclient *sc, int fd, uint32_t *ret_handle)
{
	unsigned int place;
	struct file *fp;
	int error;

	if (!sc->sc_peer.sp_local)
		return EOPNOTSUPP;
	if (fd == -1)
		return EMFILE;		/* the host had no number for it */
	error = lent_from(sc, fd, &fp);
	if (error)
		return error;
	error = place_put(sc, fp, &place);
	if (error)
		file_rele(fp);
	else
		*ret_handle = place;
	return error;
}

int
splent_claim(struct spclient *sc, unsigned long handle, long *ret_fd)
{
	struct file *fp = place_take(sc, handle);
	int error, fd;

	if (fp == NULL)
		return ESRCH;
	error = fd_alloc(fp, false, &fd);
	if (error)
		file_rele(fp);
	else
		*ret_fd = fd;
	return error;
}

/* --- going --------------------------------------------------------------------------------- */

int
splent_choose(struct spclient *sc, int fd, long *ret_handle)
{
	unsigned int place;
	struct file *fp;
	int error = fd_get(fd, &fp);

	if (error)
		return error;
	if (!lent_is(fp))
		error = EINVAL;
	else if (!sc->sc_peer.sp_local)
		error = EOPNOTSUPP;
	else
		error = place_put(sc, fp, &place);
	if (error)
		fd_put(fp);
	else
		*ret_handle = place;
	return error;
}

int
splent_fetch(struct spclient *sc, uint32_t handle, struct file **ret_fp)
{
	struct file *fp = place_take(sc, handle);

	if (fp == NULL)
		return ESRCH;
	*ret_fp = fp;
	return 0;
}
