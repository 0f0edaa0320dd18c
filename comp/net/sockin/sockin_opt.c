/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_opt.c - options and ioctls of the host's sockets
 *
 * Options of SOL_SOCKET are kept by the socket layer, for all families; what
 * matters to the host is told to it before the next call that it may matter
 * for.  All other levels are the host's own.
 */

#include <linux/sockios.h>
#include <asm/ioctls.h>
#include <sys/copy.h>
#include <sys/errno.h>

#include "host/sockin_host.h"
#include "sockin_impl.h"

static const struct {
	uint32_t	b_bit;
	int		b_name;
} bits[] = {
	{ SOO_REUSEADDR, SO_REUSEADDR }, { SOO_REUSEPORT, SO_REUSEPORT },
	{ SOO_KEEPALIVE, SO_KEEPALIVE }, { SOO_BROADCAST, SO_BROADCAST },
	{ SOO_DONTROUTE, SO_DONTROUTE }, { SOO_OOBINLINE, SO_OOBINLINE },
	{ SOO_NO_CHECK, SO_NO_CHECK }, { SOO_TIMESTAMP, SO_TIMESTAMP },
	{ SOO_TIMESTAMPNS, SO_TIMESTAMPNS }, { SOO_RXQ_OVFL, SO_RXQ_OVFL },
};

static void
set_int(const struct sockin *si, int name, int value)
{
	/* What the host refuses stays as it was there. */
	(void)rumpcomp_sockin_setopt(si->si_fd, SOL_SOCKET, name, &value,
	    sizeof(value));
}

void
sockin_sync(struct socket *so)
{
	struct sockin *si = sockin_of(so);
	uint32_t options, changed, rcv, snd;

	mutex_enter(&so->so_lock);
	options = so->so_options;
	changed = options ^ si->si_options;
	si->si_options = options;
	rcv = so->so_rcv.sb_locked_size ? so->so_rcv.sb_hiwat : 0;
	snd = so->so_snd.sb_locked_size ? so->so_snd.sb_hiwat : 0;
	if (rcv == si->si_rcvbuf)
		rcv = 0;
	else
		si->si_rcvbuf = rcv;
	if (snd == si->si_sndbuf)
		snd = 0;
	else
		si->si_sndbuf = snd;
	mutex_exit(&so->so_lock);

	for (size_t i = 0; changed != 0 && i < ARRAY_SIZE(bits); i++) {
		if ((changed & bits[i].b_bit) != 0)
			set_int(si, bits[i].b_name, (options & bits[i].b_bit) != 0);
	}
	/* Both sides double. */
	if (rcv != 0)
		set_int(si, SO_RCVBUF, (int)(rcv / 2));
	if (snd != 0)
		set_int(si, SO_SNDBUF, (int)(snd / 2));
}

int
sockin_setopt(struct socket *so, int level, int name, const void *val,
    socklen_t len)
{
	sockin_sync(so);
	return rumpcomp_sockin_setopt(sockin_of(so)->si_fd, level, name, val, len);
}

int
sockin_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	return rumpcomp_sockin_getopt(sockin_of(so)->si_fd, level, name, val, len);
}

int
sockin_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret)
{
	int error, value = 0;

	switch (cmd) {
	case FIONREAD:
	case SIOCOUTQ:
	case SIOCOUTQNSD:
	case SIOCATMARK:
		break;
	default:
		return ENOTTY;
	}
	error = rumpcomp_sockin_ioctl(sockin_of(so)->si_fd, cmd, &value);
	if (error == 0)
		error = copyout(&value, uarg, sizeof(value));
	if (error == 0)
		*ret = 0;
	return error;
}
