/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_fsm.h - the states of a DHCPv6 client (RFC 8415 section 18.2), as pure logic
 *
 * What happens to a client goes in with the time and a random number: it was
 * started, a message came, its timer ran out, an address was found to be unique or
 * somebody else's.  What is to be done about it comes out as a struct dhcp6_act.  No
 * clock, no packets, no interface: dhcp6_client.c joins it to those.
 *
 *	STOPPED --start--> DELAYING --timer--> SOLICITING or ASKING
 *	SOLICITING --ADVERTISE--> REQUESTING --REPLY--> PROBING --unique--> BOUND
 *	SOLICITING --REPLY with rapid commit--> PROBING
 *	BOUND --T1--> RENEWING --T2--> REBINDING --REPLY--> BOUND
 *	RENEWING, REBINDING --NoBinding--> REQUESTING
 *	any of them --all addresses expired--> SOLICITING
 *	PROBING .. REBINDING --duplicate--> DECLINING --REPLY--> WAITING or BOUND
 *	REQUESTING --refused--> WAITING --timer--> SOLICITING
 *	PROBING .. REBINDING --stop--> RELEASING --REPLY--> STOPPED
 *	ASKING --REPLY--> INFORMED --refresh time--> ASKING
 *
 * Reconfigure messages are ignored: no option of ours says that we would take them.
 */

#ifndef DHCP6_FSM_H
#define DHCP6_FSM_H

#include "dhcp6_wire.h"

enum dhcp6_state {
	DHCP6_STOPPED, DHCP6_DELAYING, DHCP6_SOLICITING, DHCP6_REQUESTING, DHCP6_PROBING,
	DHCP6_BOUND, DHCP6_RENEWING, DHCP6_REBINDING, DHCP6_DECLINING, DHCP6_RELEASING,
	DHCP6_ASKING, DHCP6_INFORMED, DHCP6_WAITING, DHCP6_NSTATES,
};

/* An address that we have; times of clock_mono(), KTIME_NEVER. */
struct dhcp6_binding {
	struct inaddr	db_addr;
	int64_t		db_preferred, db_valid;
	bool		db_unique;	/* duplicate address detection found nobody */
};

struct dhcp6_lease {
	struct dhcp6_msg dl_msg;	/* what the server said last */
	unsigned int	dl_n;
	struct dhcp6_binding dl_addr[DHCP6_NADDRS];
	int64_t		dl_t1, dl_t2;	/* KTIME_NEVER */
};

struct dhcp6_fsm {
	/* Set by the caller before the start. */
	struct dhcp6_duid df_client;
	uint32_t	df_iaid;
	bool		df_managed;	/* addresses are wanted, not information alone */
	bool		df_rapid;	/* two messages will do */
	bool		df_delay;	/* many may start with us: the first message waits */

	enum dhcp6_state df_state;
	int64_t		df_timer;	/* call dhcp6_fsm_timer() then; KTIME_NEVER */
	int64_t		df_resend;	/* when the message is said again */
	int64_t		df_rt;		/* the last time between two: RFC 8415 section 15 */
	uint32_t	df_xid;
	int64_t		df_began;	/* this exchange */
	unsigned int	df_tries;	/* messages of this exchange */
	unsigned int	df_failures;	/* in a row */
	uint32_t	df_solmax, df_infmax;	/* seconds; 0: the RFC's */
	struct dhcp6_duid df_server;	/* who gave what we have */
	bool		df_offered;
	struct dhcp6_msg df_offer;	/* the best so far */
	struct dhcp6_lease df_lease;
	uint8_t		df_nback;	/* addresses to decline or to give back */
	struct dhcp6_addr df_back[DHCP6_NADDRS];
};

/* What to do, in this order. */
struct dhcp6_act {
	bool		da_sync;	/* the addresses of the lease, no others, are ours now */
	bool		da_send;	/* da_msg, to all servers and relays */
	struct dhcp6_msg da_msg;
};

extern const char *const dhcp6_state_name[DHCP6_NSTATES];

/* Each fills in act wholly.  random: fresh for each call. */
void	dhcp6_fsm_start(struct dhcp6_fsm *df, int64_t now, uint64_t random,
	    struct dhcp6_act *act);
void	dhcp6_fsm_timer(struct dhcp6_fsm *df, int64_t now, uint64_t random,
	    struct dhcp6_act *act);
void	dhcp6_fsm_message(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now,
	    uint64_t random, struct dhcp6_act *act);
/* Duplicate address detection is over for an address. */
void	dhcp6_fsm_probed(struct dhcp6_fsm *df, const struct inaddr *addr, bool unique,
	    int64_t now, uint64_t random, struct dhcp6_act *act);
/* Information was enough so far; now addresses are wanted. */
void	dhcp6_fsm_manage(struct dhcp6_fsm *df, int64_t now, uint64_t random,
	    struct dhcp6_act *act);
/* Gives addresses back, then STOPPED; at once if there is nothing to give back. */
void	dhcp6_fsm_stop(struct dhcp6_fsm *df, int64_t now, uint64_t random,
	    struct dhcp6_act *act);

/* Are there addresses that may be used? */
static inline bool
dhcp6_state_bound(enum dhcp6_state state)
{
	return state >= DHCP6_BOUND && state <= DHCP6_REBINDING;
}

#endif /* DHCP6_FSM_H */
