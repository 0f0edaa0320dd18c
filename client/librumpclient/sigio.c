/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sigio.c - being told of events by signals (fcntl(2): F_SETOWN, O_ASYNC)
 *
 * A server can send us a signal only by something that says who we are and stays true
 * when our number is somebody else's: a pidfd, which it gets before the first call that may
 * make it want to.  Where that does not work (an old host, another user's server, another
 * machine's) signals come with the reply of our next call.
 */

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "client_impl.h"

#define PIDFD_OPEN	434L

/* Whom signals are for. */
static long
own_process(void)
{
#ifdef RUMPCLIENT_MANY
	return session.s_hostpid;
#else
	return hostcall(SYS_getpid, 0L, 0L, 0L, 0L, 0L, 0L);
#endif
}

static bool
asks_for_signals(unsigned int nr, const unsigned long args[6])
{
	if (nr == SYS_ioctl)
		return args[1] == FIOASYNC || args[1] == FIOSETOWN || args[1] == SIOCSPGRP;
	return args[1] == F_SETOWN || args[1] == F_SETOWN_EX ||
	    (args[1] == F_SETFL && (args[2] & O_ASYNC) != 0);
}

void
sigio_prepare(unsigned int nr, const unsigned long args[6])
{
	uint32_t generation = __atomic_load_n(&session.s_generation, __ATOMIC_RELAXED);
	struct sp_ctl ctl = { .c_op = SP_SIGNALS };
	struct host_room room;
	int fd;

	if (!asks_for_signals(nr, args) || session_fd() == -1 ||
	    __atomic_exchange_n(&session.s_signals, generation, __ATOMIC_RELAXED) == generation)
		return;
	host_room_enter(&room);
	fd = (int)hostcall(PIDFD_OPEN, own_process(), 0L, 0L, 0L, 0L, 0L);
	host_room_leave(&room);
	if (fd < 0)
		return;
	(void)control_request(&ctl, fd);
	host_close(fd);
}
