/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_fsm.h - the states of a DHCP client (RFC 2131 section 4.4), as pure logic
 *
 * What happens to a client goes in with the time and a random number: it was
 * started, a message came, its timer ran out, somebody else has its address.  What is
 * to be done about it comes out as a struct dhcp_act.  No clock, no packets, no
 * interface: dhcp_client.c joins it to those, and a test plays a year in a millisecond.
 *
 *	STOPPED --start--> SELECTING --OFFER--> REQUESTING --ACK--> PROBING --silence-->
 *	BOUND --T1--> RENEWING --T2--> REBINDING --expiry--> SELECTING
 *	RENEWING, REBINDING --ACK--> BOUND
 *	REQUESTING, RENEWING, REBINDING --NAK--> WAITING --timer--> SELECTING
 *	PROBING, BOUND, RENEWING, REBINDING --conflict--> WAITING
 */

#ifndef DHCP_FSM_H
#define DHCP_FSM_H

#include "dhcp_wire.h"

enum dhcp_state {
	DHCP_STOPPED, DHCP_SELECTING, DHCP_REQUESTING, DHCP_PROBING, DHCP_BOUND,
	DHCP_RENEWING, DHCP_REBINDING, DHCP_WAITING, DHCP_NSTATES,
};

struct dhcp_lease {
	struct dhcp_msg	dl_msg;		/* what the server said */
	uint32_t	dl_addr;
	uint8_t		dl_plen;
	int64_t		dl_since;	/* clock_mono() when it was asked for */
	int64_t		dl_t1, dl_t2, dl_ends;	/* KTIME_NEVER */
};

struct dhcp_fsm {
	/* Set by the caller before the start. */
	uint8_t		df_chaddr[6];
	char		df_hostname[DHCP_NAMELEN];
	unsigned int	df_nprobes;	/* 0: do not probe */
	int64_t		df_probetime;	/* between probes */

	enum dhcp_state	df_state;
	int64_t		df_timer;	/* call dhcp_fsm_timer() then; KTIME_NEVER */
	uint32_t	df_xid;
	int64_t		df_began;	/* this attempt */
	unsigned int	df_tries;	/* of this state */
	unsigned int	df_failures;	/* in a row: NAKs and conflicts */
	uint32_t	df_server, df_addr;	/* of the offer that was taken */
	struct dhcp_lease df_lease;	/* valid from PROBING to REBINDING */
};

/* What to do, in this order. */
struct dhcp_act {
	bool		da_send;
	bool		da_unicast;	/* by the stack, from da_msg's ciaddr to da_dst */
	bool		da_unconfigure;	/* the address and all that came with it goes */
	bool		da_configure;	/* df_lease is good, or longer than it was */
	bool		da_probe;	/* send an ARP probe for df_addr */
	uint32_t	da_dst;
	struct dhcp_msg	da_msg;
};

extern const char *const dhcp_state_name[DHCP_NSTATES];

/* Each fills in act wholly.  random: fresh for each call. */
void	dhcp_fsm_start(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act);
void	dhcp_fsm_timer(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act);
void	dhcp_fsm_message(struct dhcp_fsm *df, const struct dhcp_msg *dm, int64_t now,
	    uint64_t random, struct dhcp_act *act);
/* Somebody else uses df_addr. */
void	dhcp_fsm_conflict(struct dhcp_fsm *df, int64_t now, uint64_t random,
	    struct dhcp_act *act);
/* Gives the lease back (RFC 2131 section 4.4.6) if there is one. */
void	dhcp_fsm_stop(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act);

static inline bool
dhcp_fsm_bound(const struct dhcp_fsm *df)
{
	return df->df_state >= DHCP_BOUND && df->df_state <= DHCP_REBINDING;
}

#endif /* DHCP_FSM_H */
