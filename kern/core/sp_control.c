/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_control.c - requests on a control connection
 *
 * Each is answered by a message of the same shape, but for SP_INTERRUPT, whose
 * answer is the end of the call.  A request that makes no sense is answered EINVAL.
 */

#include "sp_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/ktime.h>
#include <sys/proc.h>

#include "lent.h"

static int
interrupt(struct spclient *sc, const struct sp_ctl *ctl)
{
	if (ctl->c_arg >= SP_NSLOTS)
		return 0;
	mutex_enter(&sc->sc_lock);
	if (sc->sc_slot[ctl->c_arg] != NULL)
		spslot_interrupt(sc->sc_slot[ctl->c_arg], (uint32_t)ctl->c_seq2);
	mutex_exit(&sc->sc_lock);
	return 0;
}

static int
bind(struct spclient *sc, uint32_t *ret_handle)
{
	unsigned int handle;
	int error, fd = sc->sc_infd;

	if (fd == -1)
		return EINVAL;
	sc->sc_infd = -1;
	error = spbell_bind(sc, fd, &handle);
	if (error)
		rumpuser_close_apart(fd, NULL, NULL);
	else
		*ret_handle = handle;
	return error;
}

static int
lend(struct spclient *sc, uint32_t *ret_handle)
{
	int fd = sc->sc_infd;

	sc->sc_infd = -1;
	return splent_lend(sc, fd, ret_handle);
}

/* The answer goes with the descriptor; one at a time is under way. */
static int
fetch(struct spclient *sc, const struct sp_ctl *ctl, struct sp_ctl *reply)
{
	struct file *fp;
	int error;

	if (sc->sc_outfd != -1)
		reply->c_error = EBUSY;
	else
		reply->c_error = splent_fetch(sc, ctl->c_arg, &fp);
	if (reply->c_error != 0)
		return spclient_reply(sc, reply, sizeof(*reply), -1);
	error = spclient_reply(sc, reply, sizeof(*reply), lent_fd(fp));
	if (error)
		file_rele(fp);
	else
		sc->sc_outfile = fp;
	return error;
}

/*
 * We may send signals to whom the client may not, unless it is of our own user; and it can give us
 * anybody's descriptor.
 */
static int
signals(struct spclient *sc)
{
	int fd = sc->sc_infd;
	int32_t none = 0;

	sc->sc_infd = -1;
	if (fd == -1)
		return EINVAL;
	if (sc->sc_peer.sp_own && atomic_cas_ar(&sc->sc_proc->p_pidfd, &none, fd + 1))
		return 0;
	rumpuser_close_apart(fd, NULL, NULL);
	return none != 0 ? 0 : EPERM;
}

/* An error: the client does not read its answers, and is given up. */
int
spcontrol(struct spclient *sc, const struct sp_ctl *ctl)
{
	struct sp_ctl reply = { .c_op = ctl->c_op, .c_seq = ctl->c_seq };
	unsigned int index;

	switch (ctl->c_op) {
	case SP_INTERRUPT:
		return interrupt(sc, ctl);
	case SP_SLOT_OPEN:
		reply.c_error = spslot_open(sc, NULL, &index);
		if (reply.c_error == 0)
			reply.c_arg = index;
		break;
	case SP_BIND:
		reply.c_error = bind(sc, &reply.c_arg);
		break;
	case SP_SIGNALS:
		reply.c_error = signals(sc);
		break;
	case SP_PREFORK:
		reply.c_error = spticket_create(sc, reply.c_secret);
		break;
	case SP_FORK_CANCEL:
		spticket_cancel(sc, ctl->c_secret);
		break;
	case SP_EXECUTED:
		sc->sc_state = SPCLIENT_EXEC;
		sc->sc_deadline = ktime_deadline(SP_HELLOTIME);
		return 0;
	case SP_UNBIND:
		spbell_unbind(sc, ctl->c_arg);
		break;
	case SP_LEND:
		reply.c_error = lend(sc, &reply.c_arg);
		break;
	case SP_FETCH:
		return fetch(sc, ctl, &reply);
	default:
		reply.c_error = EINVAL;
		break;
	}
	return spclient_reply(sc, &reply, sizeof(reply), -1);
}
