/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_fsm.c - what a DHCPv6 client does next
 *
 * Section numbers are RFC 8415's.  Advertisements are collected for the first
 * second, as section 18.2.1 has it, unless one comes with the highest preference.
 */

#include <lib/string.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "dhcp6_fsm_impl.h"

#define DECLINE_WAIT	(10 * SEC)
#define PREFERENCE_MAX	255
#define REFRESH_DEFAULT	86400		/* section 21.23: IRT_DEFAULT */
#define REFRESH_MIN	600		/* IRT_MINIMUM */
#define MAXRT_LEAST	60		/* section 21.24 */
#define MAXRT_MOST	86400

const char *const dhcp6_state_name[DHCP6_NSTATES] = {
	[DHCP6_STOPPED] = "stopped", [DHCP6_DELAYING] = "delaying",
	[DHCP6_SOLICITING] = "soliciting", [DHCP6_REQUESTING] = "requesting",
	[DHCP6_PROBING] = "probing", [DHCP6_BOUND] = "bound",
	[DHCP6_RENEWING] = "renewing", [DHCP6_REBINDING] = "rebinding",
	[DHCP6_DECLINING] = "declining", [DHCP6_RELEASING] = "releasing",
	[DHCP6_ASKING] = "asking", [DHCP6_INFORMED] = "informed",
	[DHCP6_WAITING] = "waiting",
};

/* --- towards an address ------------------------------------------------------------------ */

static void
begin(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	df->df_offered = false;
	dhcp6_exchange_begin(df, df->df_managed ? DHCP6_SOLICITING : DHCP6_ASKING, now,
	    random, act);
}

/* After a refusal: not at once, else a server that always refuses makes a storm. */
static void
wait_then_begin(struct dhcp6_fsm *df, int64_t least, int64_t now, uint64_t random)
{
	int64_t wait = SEC << (df->df_failures < 8 ? df->df_failures : 8);

	df->df_failures++;
	if (wait < least)
		wait = least;
	dhcp6_rest(df, DHCP6_WAITING, now + wait + (int64_t)(random % (uint64_t)SEC));
}

static void
lease_drop(struct dhcp6_fsm *df, struct dhcp6_act *act)
{
	act->da_sync = act->da_sync || df->df_lease.dl_n > 0;
	memset(&df->df_lease, 0, sizeof(df->df_lease));
	df->df_lease.dl_t1 = df->df_lease.dl_t2 = KTIME_NEVER;
}

static bool
offer_usable(const struct dhcp6_msg *dm)
{
	if (dm->dm_status != DHCP6_SUCCESS || !dm->dm_ia || dm->dm_iastatus != DHCP6_SUCCESS)
		return false;
	for (unsigned int i = 0; i < dm->dm_naddrs; i++) {
		if (dhcp6_addr_usable(&dm->dm_addr[i]))
			return true;
	}
	return false;
}

static void
offer_take(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	df->df_server = df->df_offer.dm_server;
	dhcp6_exchange_begin(df, DHCP6_REQUESTING, now, random, act);
}

/* Section 18.2.9 */
static void
advertise_input(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now,
    uint64_t random, struct dhcp6_act *act)
{
	if (df->df_state != DHCP6_SOLICITING || !offer_usable(dm))
		return;
	if (!df->df_offered || dm->dm_preference > df->df_offer.dm_preference)
		df->df_offer = *dm;
	df->df_offered = true;
	if (df->df_offer.dm_preference == PREFERENCE_MAX || df->df_tries > 1)
		offer_take(df, now, random, act);
}

/* --- a lease ---------------------------------------------------------------------------- */

static void
settle(struct dhcp6_fsm *df)
{
	const struct dhcp6_lease *dl = &df->df_lease;
	bool unique = true;

	for (unsigned int i = 0; i < dl->dl_n; i++)
		unique &= dl->dl_addr[i].db_unique;
	dhcp6_rest(df, unique ? DHCP6_BOUND : DHCP6_PROBING, KTIME_NEVER);
}

static void
lease_learn(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, bool fresh, int64_t now,
    uint64_t random, struct dhcp6_act *act)
{
	struct dhcp6_lease *dl = &df->df_lease;

	dhcp6_lease_learn(dl, dm, fresh, now);
	dl->dl_msg = *dm;
	df->df_server = dm->dm_server;
	act->da_sync = true;
	if (dl->dl_n == 0) {
		lease_drop(df, act);
		wait_then_begin(df, 0, now, random);
		return;
	}
	df->df_failures = 0;
	dhcp6_lease_times(dl, now);
	settle(df);
}

static void
lease_expire(struct dhcp6_fsm *df, int64_t now, struct dhcp6_act *act)
{
	if (dhcp6_lease_expire(&df->df_lease, now))
		act->da_sync = true;
}

/* --- replies (section 18.2.10) ------------------------------------------------------------- */

static void
request_reply(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	if (!dhcp6_duid_eq(&dm->dm_server, &df->df_server))
		return;
	if (!offer_usable(dm)) {
		lease_drop(df, act);
		wait_then_begin(df, 0, now, random);
		return;
	}
	lease_learn(df, dm, true, now, random, act);
}

static void
rapid_reply(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	if (df->df_rapid && dm->dm_rapid && offer_usable(dm))
		lease_learn(df, dm, true, now, random, act);
}

/* The server has forgotten us: it is asked for the same again. */
static void
request_again(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	memset(&df->df_offer, 0, sizeof(df->df_offer));
	df->df_offer.dm_server = dm->dm_server;
	dhcp6_lease_put(&df->df_lease, &df->df_offer);
	offer_take(df, now, random, act);
}

static void
extend_reply(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	/* Only who rebinds takes another server's word. */
	if (df->df_state == DHCP6_RENEWING && !dhcp6_duid_eq(&dm->dm_server, &df->df_server))
		return;
	if (dm->dm_iastatus == DHCP6_NOBINDING || dm->dm_status == DHCP6_NOBINDING)
		request_again(df, dm, now, random, act);
	else if (dm->dm_ia && dm->dm_iastatus == DHCP6_SUCCESS && dm->dm_naddrs > 0)
		lease_learn(df, dm, false, now, random, act);
	/* Else it is as if nobody had answered: section 18.2.10.1. */
}

static void
decline_over(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	df->df_nback = 0;
	lease_expire(df, now, act);
	if (df->df_lease.dl_n > 0)
		settle(df);
	else
		wait_then_begin(df, DECLINE_WAIT, now, random);
}

static void
info_reply(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now)
{
	uint32_t refresh = dm->dm_refresh != 0 ? dm->dm_refresh : REFRESH_DEFAULT;

	if (refresh < REFRESH_MIN)
		refresh = REFRESH_MIN;
	df->df_lease.dl_msg = *dm;
	df->df_server = dm->dm_server;
	df->df_failures = 0;
	dhcp6_rest(df, DHCP6_INFORMED, dhcp6_deadline(refresh, now));
}

static void
reply_input(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	/* Section 18.2.10: it may do later, so the message is said again, later. */
	bool later = dm->dm_status == DHCP6_UNSPECFAIL || dm->dm_status == DHCP6_USEMULTICAST;
	bool server = dhcp6_duid_eq(&dm->dm_server, &df->df_server);

	switch (df->df_state) {
	case DHCP6_SOLICITING:
		rapid_reply(df, dm, now, random, act);
		break;
	case DHCP6_REQUESTING:
		if (!later)
			request_reply(df, dm, now, random, act);
		break;
	case DHCP6_RENEWING:
	case DHCP6_REBINDING:
		if (!later)
			extend_reply(df, dm, now, random, act);
		break;
	case DHCP6_DECLINING:
		if (server)
			decline_over(df, now, random, act);
		break;
	case DHCP6_RELEASING:
		if (server)
			dhcp6_rest(df, DHCP6_STOPPED, KTIME_NEVER);
		break;
	case DHCP6_ASKING:
		if (dm->dm_status == DHCP6_SUCCESS)
			info_reply(df, dm, now);
		break;
	default:
		break;
	}
}

static void
maxrt_learn(uint32_t *maxrt, uint32_t told)
{
	if (told >= MAXRT_LEAST && told <= MAXRT_MOST)
		*maxrt = told;
}

/* Sections 16.3 and 16.10 say what is no answer to us. */
void
dhcp6_fsm_message(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, int64_t now,
    uint64_t random, struct dhcp6_act *act)
{
	act->da_sync = act->da_send = false;
	if (!dhcp6_exchange_open(df) || dm->dm_xid != df->df_xid ||
	    dm->dm_server.du_len == 0 || !dhcp6_duid_eq(&dm->dm_client, &df->df_client))
		return;
	if (dm->dm_type != DHCP6_ADVERTISE && dm->dm_type != DHCP6_REPLY)
		return;
	/* Also of an Advertise that is of no other use: section 18.2.9. */
	maxrt_learn(&df->df_solmax, dm->dm_solmax);
	maxrt_learn(&df->df_infmax, dm->dm_infmax);
	if (dm->dm_type == DHCP6_ADVERTISE)
		advertise_input(df, dm, now, random, act);
	else
		reply_input(df, dm, now, random, act);
}

/* --- duplicates -------------------------------------------------------------------------- */

static bool
state_probed(enum dhcp6_state state)
{
	return state >= DHCP6_PROBING && state <= DHCP6_DECLINING;
}

void
dhcp6_fsm_probed(struct dhcp6_fsm *df, const struct inaddr *addr, bool unique, int64_t now,
    uint64_t random, struct dhcp6_act *act)
{
	struct dhcp6_lease *dl = &df->df_lease;
	struct dhcp6_binding *db = dhcp6_lease_find(dl, addr);

	act->da_sync = act->da_send = false;
	if (db == NULL || !state_probed(df->df_state))
		return;
	if (unique) {
		db->db_unique = true;
		if (df->df_state == DHCP6_PROBING)
			settle(df);
		return;
	}
	if (df->df_state != DHCP6_DECLINING)
		df->df_nback = 0;
	dhcp6_lease_remove(dl, db);
	act->da_sync = true;
	if (df->df_nback < DHCP6_NADDRS)
		df->df_back[df->df_nback++] = (struct dhcp6_addr){ .da_addr = *addr };
	dhcp6_exchange_begin(df, DHCP6_DECLINING, now, random, act);
}

/* --- timers, start and end --------------------------------------------------------------- */

/* With addresses: they may run out, and T1 and T2 come. */
static void
lease_timer(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	const struct dhcp6_lease *dl = &df->df_lease;

	lease_expire(df, now, act);
	if (dl->dl_n == 0) {
		lease_drop(df, act);
		begin(df, now, random, act);
	} else if (df->df_state < DHCP6_RENEWING && now >= dl->dl_t1) {
		dhcp6_exchange_begin(df, DHCP6_RENEWING, now, random, act);
	} else if (df->df_state == DHCP6_RENEWING && now >= dl->dl_t2) {
		dhcp6_exchange_begin(df, DHCP6_REBINDING, now, random, act);
	} else if (df->df_state >= DHCP6_RENEWING && now >= df->df_resend) {
		dhcp6_exchange_again(df, now, random, act);
	} else {
		dhcp6_timer_set(df);
	}
}

/* An exchange that ended without an answer. */
static void
exchange_fail(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	if (df->df_state == DHCP6_DECLINING) {
		decline_over(df, now, random, act);
	} else if (df->df_state == DHCP6_RELEASING) {
		dhcp6_rest(df, DHCP6_STOPPED, KTIME_NEVER);
	} else {
		lease_drop(df, act);
		begin(df, now, random, act);
	}
}

static void
exchange_timer(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	if (df->df_state == DHCP6_SOLICITING && df->df_offered)
		offer_take(df, now, random, act);
	else if (dhcp6_exchange_spent(df))
		exchange_fail(df, now, random, act);
	else
		dhcp6_exchange_again(df, now, random, act);
}

void
dhcp6_fsm_timer(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	act->da_sync = act->da_send = false;
	if (now < df->df_timer)
		return;
	switch (df->df_state) {
	case DHCP6_PROBING:
	case DHCP6_BOUND:
	case DHCP6_RENEWING:
	case DHCP6_REBINDING:
		lease_timer(df, now, random, act);
		break;
	case DHCP6_DELAYING:
	case DHCP6_WAITING:
	case DHCP6_INFORMED:
		begin(df, now, random, act);
		break;
	case DHCP6_STOPPED:
		df->df_timer = KTIME_NEVER;
		break;
	default:
		exchange_timer(df, now, random, act);
		break;
	}
}

void
dhcp6_fsm_start(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	KASSERT(df->df_state == DHCP6_STOPPED);
	act->da_sync = act->da_send = false;
	df->df_failures = 0;
	df->df_lease.dl_t1 = df->df_lease.dl_t2 = KTIME_NEVER;
	if (df->df_delay)		/* SOL_MAX_DELAY, INF_MAX_DELAY */
		dhcp6_rest(df, DHCP6_DELAYING, now + (int64_t)(random % (uint64_t)SEC));
	else
		begin(df, now, random, act);
}

void
dhcp6_fsm_manage(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	act->da_sync = act->da_send = false;
	if (df->df_managed)
		return;
	df->df_managed = true;
	if (df->df_state == DHCP6_ASKING || df->df_state == DHCP6_INFORMED)
		begin(df, now, random, act);
}

void
dhcp6_fsm_stop(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	const struct dhcp6_lease *dl = &df->df_lease;
	struct dhcp6_msg had = { .dm_naddrs = 0 };

	act->da_sync = act->da_send = false;
	if (df->df_state == DHCP6_RELEASING)
		return;
	if (dl->dl_n == 0) {
		dhcp6_rest(df, DHCP6_STOPPED, KTIME_NEVER);
		return;
	}
	/* Section 18.2.7: first they are not used any more, then the server hears of it. */
	dhcp6_lease_put(dl, &had);
	df->df_nback = had.dm_naddrs;
	memcpy(df->df_back, had.dm_addr, sizeof(df->df_back));
	lease_drop(df, act);
	dhcp6_exchange_begin(df, DHCP6_RELEASING, now, random, act);
}
