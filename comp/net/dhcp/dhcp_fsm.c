/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_fsm.c - what a DHCP client does next
 *
 * The first acceptable offer is taken: it comes from the server that answers
 * fastest, and waiting for another costs every start seconds.  For the same reason
 * the random delay before the first message (RFC 2131 section 4.4.1) is left
 * out: it is for buildings full of machines that get their power back at once.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "dhcp_fsm.h"

#define SEC		NSEC_PER_SEC
#define REQUEST_TRIES	4		/* then from the start: RFC 2131 section 3.1.5 */
#define RENEW_MIN	(60 * SEC)	/* RFC 2131 section 4.4.5 */
#define DECLINE_WAIT	(10 * SEC)	/* RFC 2131 section 3.1.5 */
#define LEASE_MIN	10		/* seconds; less would only make traffic */
#define BROADCAST	0xffffffffu

const char *const dhcp_state_name[DHCP_NSTATES] = {
	[DHCP_STOPPED] = "stopped", [DHCP_SELECTING] = "selecting",
	[DHCP_REQUESTING] = "requesting", [DHCP_PROBING] = "probing",
	[DHCP_BOUND] = "bound", [DHCP_RENEWING] = "renewing",
	[DHCP_REBINDING] = "rebinding", [DHCP_WAITING] = "waiting",
};

/* RFC 2131 section 4.1: 4, 8, 16, 32, 64 seconds, each with a second more or less. */
static int64_t
backoff(unsigned int tries, uint64_t random)
{
	int64_t wait = (4 * SEC) << (tries < 4 ? tries : 4);

	return wait - SEC + (int64_t)(random % (2 * (uint64_t)SEC));
}

static int64_t
time_min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
state_set(struct dhcp_fsm *df, enum dhcp_state state, int64_t timer)
{
	KASSERT(state < DHCP_NSTATES);
	if (state != df->df_state)
		df->df_tries = 0;
	df->df_state = state;
	df->df_timer = timer;
}

static void
send_put(const struct dhcp_fsm *df, enum dhcp_type type, int64_t now, struct dhcp_act *act)
{
	int64_t secs = (now - df->df_began) / SEC;
	struct dhcp_msg *dm = &act->da_msg;

	act->da_send = true;
	act->da_dst = BROADCAST;
	dm->dm_type = (uint8_t)type;
	dm->dm_xid = df->df_xid;
	dm->dm_secs = (uint16_t)(secs < 0xffff ? secs : 0xffff);
	memcpy(dm->dm_chaddr, df->df_chaddr, sizeof(dm->dm_chaddr));
	memcpy(dm->dm_hostname, df->df_hostname, sizeof(dm->dm_hostname));
}

/* --- towards a lease ---------------------------------------------------------------- */

static void
discover(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	state_set(df, DHCP_SELECTING, now + backoff(df->df_tries, random));
	send_put(df, DHCP_DISCOVER, now, act);
}

static void
begin(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	df->df_xid = (uint32_t)(random >> 32);
	df->df_began = now;
	df->df_tries = 0;
	df->df_state = DHCP_SELECTING;
	discover(df, now, random, act);
}

/* After a refusal: not at once, else a server that always refuses makes a storm. */
static void
wait_then_begin(struct dhcp_fsm *df, int64_t least, int64_t now, uint64_t random)
{
	int64_t wait = SEC << (df->df_failures < 6 ? df->df_failures : 6);

	df->df_failures++;
	if (wait < least)
		wait = least;
	state_set(df, DHCP_WAITING, now + wait + (int64_t)(random % (uint64_t)SEC));
}

/* The REQUEST that takes an offer (RFC 2131 table 5, SELECTING). */
static void
request(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	state_set(df, DHCP_REQUESTING, now + backoff(df->df_tries, random));
	send_put(df, DHCP_REQUEST, now, act);
	act->da_msg.dm_server = df->df_server;
	act->da_msg.dm_wanted = df->df_addr;
	if (df->df_tries == 0)
		df->df_lease.dl_since = now;
}

/* The prefix: as the server says, or by the address's class. */
static int
lease_plen(const struct dhcp_msg *dm)
{
	uint8_t first = (uint8_t)(net32(dm->dm_yiaddr) >> 24);
	int plen;

	if (dm->dm_mask == 0)
		return first < 128 ? 8 : first < 192 ? 16 : 24;
	plen = dhcp_masklen(dm->dm_mask);
	return plen < 1 ? -1 : plen;
}

/* Is the address one that a host of its net can have?  RFC 3021 for /31. */
static bool
lease_addr_ok(const struct dhcp_msg *dm)
{
	int plen = lease_plen(dm);
	uint32_t host;

	if (plen < 0 || !dhcp_hostaddr(dm->dm_yiaddr))
		return false;
	if (plen >= 31)
		return true;
	host = net32(dm->dm_yiaddr) & (0xffffffffu >> plen);
	return host != 0 && host != 0xffffffffu >> plen;
}

static bool
offer_ok(const struct dhcp_msg *dm)
{
	return dm->dm_server != 0 && dm->dm_lease >= LEASE_MIN && lease_addr_ok(dm);
}

static void
lease_times(struct dhcp_lease *dl, uint64_t random)
{
	const struct dhcp_msg *dm = &dl->dl_msg;
	uint64_t lease = dm->dm_lease, t1 = dm->dm_t1, t2 = dm->dm_t2;

	if (dm->dm_lease == DHCP_FOREVER) {
		dl->dl_t1 = dl->dl_t2 = dl->dl_ends = KTIME_NEVER;
		return;
	}
	/* What is not in order falls back to section 4.4.5's halves and eighths. */
	if (t1 == 0 || t1 >= lease)
		t1 = lease / 2;
	if (t2 <= t1 || t2 >= lease)
		t2 = lease * 7 / 8;
	if (t2 <= t1)
		t2 = t1 + (lease - t1) / 2;
	/* Some fuzz, so that those who started together do not stay together. */
	dl->dl_t1 = dl->dl_since + (int64_t)t1 * SEC -
	    (int64_t)(random % (t1 * (uint64_t)SEC / 32 + 1));
	dl->dl_t2 = dl->dl_since + (int64_t)t2 * SEC;
	dl->dl_ends = dl->dl_since + (int64_t)lease * SEC;
}

static void
bound(struct dhcp_fsm *df, struct dhcp_act *act)
{
	df->df_failures = 0;
	state_set(df, DHCP_BOUND, df->df_lease.dl_t1);
	act->da_configure = true;
}

static void
probe(struct dhcp_fsm *df, int64_t now, struct dhcp_act *act)
{
	if (df->df_tries >= df->df_nprobes) {
		bound(df, act);
		return;
	}
	df->df_tries++;
	df->df_timer = now + df->df_probetime;
	act->da_probe = true;
}

/* --- keeping it ------------------------------------------------------------------------ */

/* Half of what is left, but not less than a minute, and not beyond the end. */
static int64_t
renew_next(int64_t now, int64_t end)
{
	int64_t half = (end - now) / 2;

	return time_min(end, now + (half > RENEW_MIN ? half : RENEW_MIN));
}

/* RENEWING asks its server, REBINDING everybody (RFC 2131 table 5). */
static void
extend(struct dhcp_fsm *df, enum dhcp_state state, int64_t now, struct dhcp_act *act)
{
	const struct dhcp_lease *dl = &df->df_lease;

	state_set(df, state, renew_next(now, state == DHCP_RENEWING ? dl->dl_t2 : dl->dl_ends));
	send_put(df, DHCP_REQUEST, now, act);
	act->da_msg.dm_ciaddr = dl->dl_addr;
	if (state == DHCP_RENEWING) {
		act->da_unicast = true;
		act->da_dst = df->df_server;
	}
}

static void
renew_begin(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	df->df_xid = (uint32_t)(random >> 32);
	df->df_began = now;
	extend(df, DHCP_RENEWING, now, act);
}

static void
lease_lost(struct dhcp_fsm *df, struct dhcp_act *act)
{
	memset(&df->df_lease, 0, sizeof(df->df_lease));
	act->da_unconfigure = true;
}

/* --- what comes in --------------------------------------------------------------------- */

static void
offer_input(struct dhcp_fsm *df, const struct dhcp_msg *dm, int64_t now, uint64_t random,
    struct dhcp_act *act)
{
	if (df->df_state != DHCP_SELECTING || !offer_ok(dm))
		return;
	df->df_server = dm->dm_server;
	df->df_addr = dm->dm_yiaddr;
	df->df_tries = 0;
	df->df_state = DHCP_REQUESTING;
	request(df, now, random, act);
}

static void
ack_input(struct dhcp_fsm *df, const struct dhcp_msg *dm, int64_t now, uint64_t random,
    struct dhcp_act *act)
{
	struct dhcp_lease *dl = &df->df_lease;
	bool fresh = df->df_state == DHCP_REQUESTING;

	if (!fresh && df->df_state != DHCP_RENEWING && df->df_state != DHCP_REBINDING)
		return;
	if (!offer_ok(dm) || dm->dm_yiaddr != df->df_addr)
		return;
	/* Only who rebinds takes another server's word. */
	if (df->df_state != DHCP_REBINDING && dm->dm_server != df->df_server)
		return;
	if (!fresh)
		dl->dl_since = df->df_began;
	df->df_server = dm->dm_server;
	dl->dl_msg = *dm;
	dl->dl_addr = dm->dm_yiaddr;
	dl->dl_plen = (uint8_t)lease_plen(dm);
	lease_times(dl, random);
	if (!fresh) {
		bound(df, act);
		return;
	}
	state_set(df, DHCP_PROBING, now);
	probe(df, now, act);
}

static void
nak_input(struct dhcp_fsm *df, const struct dhcp_msg *dm, int64_t now, uint64_t random,
    struct dhcp_act *act)
{
	bool had = dhcp_fsm_bound(df);

	if (df->df_state != DHCP_REQUESTING && df->df_state != DHCP_RENEWING &&
	    df->df_state != DHCP_REBINDING)
		return;
	if (df->df_state != DHCP_REBINDING && dm->dm_server != df->df_server)
		return;
	if (had)
		lease_lost(df, act);
	wait_then_begin(df, 0, now, random);
}

void
dhcp_fsm_message(struct dhcp_fsm *df, const struct dhcp_msg *dm, int64_t now, uint64_t random,
    struct dhcp_act *act)
{
	memset(act, 0, sizeof(*act));
	if (dm->dm_op != DHCP_BOOTREPLY || dm->dm_xid != df->df_xid ||
	    memcmp(dm->dm_chaddr, df->df_chaddr, sizeof(df->df_chaddr)) != 0)
		return;
	switch (dm->dm_type) {
	case DHCP_OFFER:
		offer_input(df, dm, now, random, act);
		break;
	case DHCP_ACK:
		ack_input(df, dm, now, random, act);
		break;
	case DHCP_NAK:
		nak_input(df, dm, now, random, act);
		break;
	default:
		break;
	}
}

void
dhcp_fsm_conflict(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	bool had = dhcp_fsm_bound(df);

	memset(act, 0, sizeof(*act));
	if (df->df_state != DHCP_PROBING && !had)
		return;
	if (had) {		/* RFC 5227 section 2.4 (b) */
		df->df_xid = (uint32_t)(random >> 32);
		df->df_began = now;
		lease_lost(df, act);
	}
	send_put(df, DHCP_DECLINE, now, act);
	act->da_msg.dm_server = df->df_server;
	act->da_msg.dm_wanted = df->df_addr;
	wait_then_begin(df, DECLINE_WAIT, now, random);
}

/* --- timers, start and end --------------------------------------------------------------- */

static void
request_timer(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	if (++df->df_tries < REQUEST_TRIES)
		request(df, now, random, act);
	else
		begin(df, now, random, act);
}

static void
rebind_timer(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	if (now < df->df_lease.dl_ends) {
		extend(df, DHCP_REBINDING, now, act);
		return;
	}
	lease_lost(df, act);
	begin(df, now, random, act);
}

void
dhcp_fsm_timer(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	memset(act, 0, sizeof(*act));
	if (now < df->df_timer)
		return;
	switch (df->df_state) {
	case DHCP_SELECTING:
		df->df_tries++;
		discover(df, now, random, act);
		break;
	case DHCP_REQUESTING:
		request_timer(df, now, random, act);
		break;
	case DHCP_PROBING:
		probe(df, now, act);
		break;
	case DHCP_BOUND:
		renew_begin(df, now, random, act);
		break;
	case DHCP_RENEWING:
		extend(df, now < df->df_lease.dl_t2 ? DHCP_RENEWING : DHCP_REBINDING, now, act);
		break;
	case DHCP_REBINDING:
		rebind_timer(df, now, random, act);
		break;
	case DHCP_WAITING:
		begin(df, now, random, act);
		break;
	default:
		df->df_timer = KTIME_NEVER;
		break;
	}
}

void
dhcp_fsm_start(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	KASSERT(df->df_state == DHCP_STOPPED);
	memset(act, 0, sizeof(*act));
	df->df_failures = 0;
	begin(df, now, random, act);
}

void
dhcp_fsm_stop(struct dhcp_fsm *df, int64_t now, uint64_t random, struct dhcp_act *act)
{
	memset(act, 0, sizeof(*act));
	if (dhcp_fsm_bound(df)) {
		df->df_xid = (uint32_t)(random >> 32);
		df->df_began = now;
		send_put(df, DHCP_RELEASE, now, act);
		act->da_unicast = true;
		act->da_dst = df->df_server;
		act->da_msg.dm_ciaddr = df->df_lease.dl_addr;
		act->da_msg.dm_server = df->df_server;
		lease_lost(df, act);
	}
	state_set(df, DHCP_STOPPED, KTIME_NEVER);
}
