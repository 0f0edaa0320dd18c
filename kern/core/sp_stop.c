/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_stop.c - the end of a server, announced
 *
 * Clients are told how long they have, on their control connections; nobody new
 * comes in.  Who watches may ask who is still there.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <rump/rump.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kcontext.h>
#include <sys/kvar.h>
#include <sys/proc.h>

#include "proc_impl.h"

uint32_t sp_stopping;		/* a: seconds + 1 that clients have; 0: it goes on */

int
rump_server_stopping(unsigned int seconds)
{
	int error = kcontext_enter();

	if (error)
		return error;
	atomic_store_rel(&sp_stopping, seconds < UINT32_MAX ? seconds + 1 : seconds);
	sp_wake();
	kcontext_leave();
	return 0;
}

/* Each is told once.  By the control thread; an error: it does not read. */
int
spstop_tell(struct spclient *sc)
{
	uint32_t stopping = atomic_load_acq(&sp_stopping);
	struct sp_ctl ctl = { .c_op = SP_STOPPING };

	if (stopping == 0 || sc->sc_told || sc->sc_state != SPCLIENT_UP)
		return 0;
	sc->sc_told = true;
	ctl.c_arg = stopping - 1;
	return spclient_reply(sc, &ctl, sizeof(ctl), -1);
}

/* --- who is there ------------------------------------------------------------------- */

struct report {
	char	*re_buf;
	size_t	 re_size, re_at;
};

static int
report_one(struct proc *p, void *arg)
{
	struct report *re = arg;
	char comm[sizeof(p->p_comm)];
	int hostpid = atomic_load(&p->p_hostpid);

	if (hostpid == 0)
		return 0;
	mutex_enter(&p->p_lock);
	memcpy(comm, p->p_comm, sizeof(comm));
	mutex_exit(&p->p_lock);
	if (kvar_printf(re->re_buf + re->re_at, re->re_size - re->re_at, "%s%s[%d]",
	    re->re_at > 0 ? " " : "", comm, hostpid) != 0)
		return ENOSPC;
	re->re_at += strlen(re->re_buf + re->re_at);
	return 0;
}

int
rump_server_clients(char *buf, size_t size)
{
	struct report re = { .re_buf = buf, .re_size = size };
	int error;

	if (size == 0)
		return EINVAL;
	buf[0] = '\0';
	error = kcontext_enter();
	if (error)
		return error;
	(void)proc_iterate(report_one, &re);
	/* What did not fit is cut off at a name. */
	buf[re.re_at] = '\0';
	kcontext_leave();
	return 0;
}
