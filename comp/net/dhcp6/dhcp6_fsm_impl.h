/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_fsm_impl.h - what the three parts of the state machine tell each other
 *
 *	dhcp6_fsm.c		the states
 *	dhcp6_exchange.c	messages and their repetition
 *	dhcp6_lease.c		the addresses and their times
 */

#ifndef DHCP6_FSM_IMPL_H
#define DHCP6_FSM_IMPL_H

#include <sys/ktime.h>

#include "dhcp6_fsm.h"

#define SEC		NSEC_PER_SEC

static inline int64_t
dhcp6_sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t
dhcp6_deadline(uint32_t seconds, int64_t now)
{
	return seconds == DHCP6_FOREVER ? KTIME_NEVER : now + seconds * SEC;
}

/* --- dhcp6_exchange.c ------------------------------------------------------------ */

/* The first message of a state that has one, under a new number. */
void	dhcp6_exchange_begin(struct dhcp6_fsm *df, enum dhcp6_state state, int64_t now,
	    uint64_t random, struct dhcp6_act *act);
void	dhcp6_exchange_again(struct dhcp6_fsm *df, int64_t now, uint64_t random,
	    struct dhcp6_act *act);
/* Do we wait for an answer?  Have we asked often enough? */
bool	dhcp6_exchange_open(const struct dhcp6_fsm *df);
bool	dhcp6_exchange_spent(const struct dhcp6_fsm *df);
/* A state in which nothing is said until then; KTIME_NEVER. */
void	dhcp6_rest(struct dhcp6_fsm *df, enum dhcp6_state state, int64_t until);
/* When something happens by itself, in the state that we are in. */
void	dhcp6_timer_set(struct dhcp6_fsm *df);

/* --- dhcp6_lease.c --------------------------------------------------------------- */

bool	dhcp6_addr_usable(const struct dhcp6_addr *da);
struct dhcp6_binding *dhcp6_lease_find(struct dhcp6_lease *dl, const struct inaddr *addr);
void	dhcp6_lease_remove(struct dhcp6_lease *dl, struct dhcp6_binding *db);
/* The addresses of a reply; fresh: it was to a REQUEST. */
void	dhcp6_lease_learn(struct dhcp6_lease *dl, const struct dhcp6_msg *dm, bool fresh,
	    int64_t now);
/* T1 and T2, from what the server said and the addresses. */
void	dhcp6_lease_times(struct dhcp6_lease *dl, int64_t now);
/* When the first address is over; KTIME_NEVER. */
int64_t	dhcp6_lease_ends(const struct dhcp6_lease *dl);
/* Drops those that are over; were there any? */
bool	dhcp6_lease_expire(struct dhcp6_lease *dl, int64_t now);
/* A message about them all. */
void	dhcp6_lease_put(const struct dhcp6_lease *dl, struct dhcp6_msg *dm);

#endif /* DHCP6_FSM_IMPL_H */
