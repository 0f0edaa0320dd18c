/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_exchange.c - the messages of a DHCPv6 client, again and again
 *
 * An exchange is a message that is repeated until it is answered, or as often as the
 * table says, at times that grow (RFC 8415 section 15).  Its state says what it
 * carries.  Everything goes to the group of servers and relays: unicast is for who is told
 * so, and we do not ask to be.
 */

#include <lib/string.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "dhcp6_fsm_impl.h"

/* Section 7.6: seconds to the first repetition, between two at most, and how often. */
static const struct exchange {
	uint8_t		x_type;
	uint32_t	x_irt, x_mrt;	/* mrt 0: without a bound */
	unsigned int	x_mrc;		/* 0: for ever */
} exchanges[DHCP6_NSTATES] = {
	[DHCP6_SOLICITING] = { DHCP6_SOLICIT, 1, 3600, 0 },
	[DHCP6_REQUESTING] = { DHCP6_REQUEST, 1, 30, 10 },
	[DHCP6_RENEWING] = { DHCP6_RENEW, 10, 600, 0 },
	[DHCP6_REBINDING] = { DHCP6_REBIND, 10, 600, 0 },
	[DHCP6_DECLINING] = { DHCP6_DECLINE, 1, 0, 4 },
	[DHCP6_RELEASING] = { DHCP6_RELEASE, 1, 0, 4 },
	[DHCP6_ASKING] = { DHCP6_INFORMATION, 1, 3600, 0 },
};

/* RAND of section 15: a tenth more or less; only more, if it is to be positive. */
static int64_t
jitter(int64_t rt, uint64_t random, bool positive)
{
	int64_t tenth = rt / 10, r;

	if (positive)
		return 1 + (int64_t)(random % (uint64_t)tenth);
	r = (int64_t)(random % (2 * (uint64_t)tenth + 1));
	return r - tenth;
}

static int64_t
rt_max(const struct dhcp6_fsm *df)
{
	uint32_t told = df->df_state == DHCP6_SOLICITING ? df->df_solmax :
	    df->df_state == DHCP6_ASKING ? df->df_infmax : 0;

	return (told != 0 ? told : exchanges[df->df_state].x_mrt) * SEC;
}

static int64_t
rt_next(const struct dhcp6_fsm *df, uint64_t random)
{
	int64_t irt = exchanges[df->df_state].x_irt * SEC, max = rt_max(df), rt;

	if (df->df_tries == 0)
		return irt + jitter(irt, random, df->df_state == DHCP6_SOLICITING);
	rt = 2 * df->df_rt + jitter(df->df_rt, random, false);
	return max != 0 && rt > max ? max + jitter(max, random, false) : rt;
}

void
dhcp6_timer_set(struct dhcp6_fsm *df)
{
	const struct dhcp6_lease *dl = &df->df_lease;
	int64_t at = df->df_resend;

	if (df->df_state == DHCP6_PROBING || df->df_state == DHCP6_BOUND)
		at = dl->dl_t1;
	else if (df->df_state == DHCP6_RENEWING)
		at = dhcp6_sooner(at, dl->dl_t2);
	if (df->df_state >= DHCP6_PROBING && df->df_state <= DHCP6_REBINDING)
		at = dhcp6_sooner(at, dhcp6_lease_ends(dl));
	df->df_timer = at;
}

/* Which addresses the message is about, and to which server it goes. */
static void
message_fill(const struct dhcp6_fsm *df, struct dhcp6_msg *dm)
{
	dm->dm_ia = df->df_state != DHCP6_ASKING;
	dm->dm_iaid = df->df_iaid;
	switch (df->df_state) {
	case DHCP6_SOLICITING:
		dm->dm_rapid = df->df_rapid;
		break;
	case DHCP6_REQUESTING:
		dm->dm_naddrs = df->df_offer.dm_naddrs;
		memcpy(dm->dm_addr, df->df_offer.dm_addr, sizeof(dm->dm_addr));
		break;
	case DHCP6_RENEWING:
	case DHCP6_REBINDING:
		dhcp6_lease_put(&df->df_lease, dm);
		break;
	case DHCP6_DECLINING:
	case DHCP6_RELEASING:
		dm->dm_naddrs = df->df_nback;
		memcpy(dm->dm_addr, df->df_back, sizeof(dm->dm_addr));
		break;
	default:
		break;
	}
	if (df->df_state != DHCP6_SOLICITING && df->df_state != DHCP6_REBINDING &&
	    df->df_state != DHCP6_ASKING)
		dm->dm_server = df->df_server;
}

void
dhcp6_exchange_again(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	int64_t elapsed = (now - df->df_began) / (SEC / 100);
	struct dhcp6_msg *dm = &act->da_msg;

	df->df_rt = rt_next(df, random);
	df->df_resend = now + df->df_rt;
	df->df_tries++;
	dhcp6_timer_set(df);
	memset(dm, 0, sizeof(*dm));
	act->da_send = true;
	dm->dm_type = exchanges[df->df_state].x_type;
	dm->dm_xid = df->df_xid;
	dm->dm_elapsed = (uint16_t)(elapsed < 0xffff ? elapsed : 0xffff);
	dm->dm_client = df->df_client;
	message_fill(df, dm);
}

void
dhcp6_exchange_begin(struct dhcp6_fsm *df, enum dhcp6_state state, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	KASSERT(exchanges[state].x_type != 0);
	df->df_state = state;
	df->df_xid = (uint32_t)(random >> 40);
	df->df_began = now;
	df->df_tries = 0;
	dhcp6_exchange_again(df, now, random, act);
}

void
dhcp6_rest(struct dhcp6_fsm *df, enum dhcp6_state state, int64_t until)
{
	df->df_state = state;
	df->df_resend = until;
	dhcp6_timer_set(df);
}

bool
dhcp6_exchange_open(const struct dhcp6_fsm *df)
{
	return exchanges[df->df_state].x_type != 0;
}

bool
dhcp6_exchange_spent(const struct dhcp6_fsm *df)
{
	unsigned int mrc = exchanges[df->df_state].x_mrc;

	return mrc != 0 && df->df_tries >= mrc;
}
