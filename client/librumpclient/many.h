/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * many.h - being several processes of a rump kernel at once
 *
 * For who makes the calls of other processes (rumpus-supervise): each of them is a proc of the
 * kernel, with a session of its own.  A thread says whose calls it makes, for a while; then the
 * functions of rumpclient.h mean that one's.  Bells are of one session.
 *
 * This is a private variant of the library.  It knows no retry, fork or exec of the process
 * that it is in.
 */

#ifndef RUMPCLIENT_MANY_H
#define RUMPCLIENT_MANY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct many;
struct many_thread;

#define MANY_TICKET	16

/* Who the process is, for people. */
struct many_who {
	pid_t		 mw_pid;
	char		 mw_comm[16];
};

/* -errno.  A new proc; the one of which the ticket tells; that of a connection left by an exec. */
int	many_guest(const char *url, const struct many_who *who, struct many **ret_m);
int	many_redeem(const struct many *parent, const uint8_t ticket[MANY_TICKET],
	    const struct many_who *who, struct many **ret_m);
int	many_resume(int fd, const char *url, const struct many_who *who, struct many **ret_m);
int	many_descriptor(const struct many *m);	/* the connection */
/* No thread may be in it.  Its proc ends, and all that this process has of it is gone. */
void	many_destroy(struct many *m);

/* Copies m's proc, to be redeemed while m is there, or given back.  -errno. */
int	many_ticket(struct many *m, uint8_t ret_ticket[MANY_TICKET]);
void	many_cancel(struct many *m, const uint8_t ticket[MANY_TICKET]);

/*
 * The calling thread makes calls of m until it leaves, and then again what it did before.
 * NULL: no memory.
 */
struct many_thread *many_enter(struct many *m);
void	many_leave(struct many_thread *mt);
/* Its bell, made when first asked for; -errno. */
int	many_bell(struct many_thread *mt);

/* Who we are in is this now: it has executed another program, or was not known before. */
void	many_rename(const struct many_who *who);

#endif /* RUMPCLIENT_MANY_H */
