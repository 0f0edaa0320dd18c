/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hand.h - calls that a thread of the program makes because we want it to
 */

#ifndef SUPERVISOR_HAND_H
#define SUPERVISOR_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#define HAND_SIGNALS	8

struct hand {
	pid_t		 h_tid;
	struct user_regs_struct h_regs;	/* as they will be again */
	uint64_t	 h_mask;	/* of signals, the same */
	bool		 h_blocks;	/* all of them wait */
	int		 h_signal[HAND_SIGNALS];	/* that came meanwhile */
	unsigned int	 h_nsignals;
};

/*
 * Takes the thread of the visit, whose call is answered by that: what the program gets for it says
 * hand_return().  -errno: it cannot be taken; -ESRCH: it is dead.
 */
long	hand_take(struct hand *h);
/* A call; its result. */
long	hand_call(struct hand *h, long nr, const unsigned long args[6]);
bool	hand_write(const struct hand *h, unsigned long to, const void *from, size_t len);
/* It goes on in its program: ret is the result of its call. */
void	hand_return(struct hand *h, long ret);
/* The same in another program, which it executed. */
void	hand_leave(struct hand *h);

/*
 * The program waits for descriptors with another mask of signals, at the address mask, and has one that
 * this lets pass: its handler runs as if the host had waited.  False: the thread cannot be taken.
 */
bool	hand_signal(unsigned long mask);

#endif /* SUPERVISOR_HAND_H */
