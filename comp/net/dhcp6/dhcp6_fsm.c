/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_fsm.c - what a DHCPv6 client does next
 *
 * Section numbers are RFC 8415's.  Advertisements are collected for the first
 * second, as section 18.2.1 has it, unless one comes with the highest preference.
 * Everything goes to the group of servers and relays: unicast is for who is told so,
 * and we do not ask to be.
 *
 * What a server says is believed within bounds: times are at least MIN_TIME, or else
 * a hostile one makes us storm.
 */

#include <lib/string.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "dhcp6_fsm.h"

#define SEC		NSEC_PER_SEC
#define MIN_TIME	10		/* seconds: lifetimes, T1, T2 */
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

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
deadline(uint32_t seconds, int64_t now)
{
	return seconds == DHCP6_FOREVER ? KTIME_NEVER : now + seconds * SEC;
}

/* --- messages, again and again ------------------------------------------------------ */

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

static int64_t
lease_ends_first(const struct dhcp6_lease *dl)
{
	int64_t first = KTIME_NEVER;

	for (unsigned int i = 0; i < dl->dl_n; i++)
		first = sooner(first, dl->dl_addr[i].db_valid);
	return first;
}

/* When something happens by itself, in the state that we are in. */
static void
timer_set(struct dhcp6_fsm *df)
{
	const struct dhcp6_lease *dl = &df->df_lease;
	int64_t at = df->df_resend;

	if (df->df_state == DHCP6_PROBING || df->df_state == DHCP6_BOUND)
		at = dl->dl_t1;
	else if (df->df_state == DHCP6_RENEWING)
		at = sooner(at, dl->dl_t2);
	if (df->df_state >= DHCP6_PROBING && df->df_state <= DHCP6_REBINDING)
		at = sooner(at, lease_ends_first(dl));
	df->df_timer = at;
}

static void
bindings_put(const struct dhcp6_lease *dl, struct dhcp6_msg *dm)
{
	dm->dm_naddrs = (uint8_t)dl->dl_n;
	for (unsigned int i = 0; i < dl->dl_n; i++)
		dm->dm_addr[i].da_addr = dl->dl_addr[i].db_addr;
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
		bindings_put(&df->df_lease, dm);
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

static void
say(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	int64_t elapsed = (now - df->df_began) / (SEC / 100);
	struct dhcp6_msg *dm = &act->da_msg;

	df->df_rt = rt_next(df, random);
	df->df_resend = now + df->df_rt;
	df->df_tries++;
	timer_set(df);
	memset(dm, 0, sizeof(*dm));
	act->da_send = true;
	dm->dm_type = exchanges[df->df_state].x_type;
	dm->dm_xid = df->df_xid;
	dm->dm_elapsed = (uint16_t)(elapsed < 0xffff ? elapsed : 0xffff);
	dm->dm_client = df->df_client;
	message_fill(df, dm);
}

static void
exchange_begin(struct dhcp6_fsm *df, enum dhcp6_state state, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	KASSERT(exchanges[state].x_type != 0);
	df->df_state = state;
	df->df_xid = (uint32_t)(random >> 40);
	df->df_began = now;
	df->df_tries = 0;
	say(df, now, random, act);
}

static void
rest(struct dhcp6_fsm *df, enum dhcp6_state state, int64_t until)
{
	df->df_state = state;
	df->df_resend = until;
	timer_set(df);
}

/* --- towards an address ------------------------------------------------------------------ */

static void
begin(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	df->df_offered = false;
	exchange_begin(df, df->df_managed ? DHCP6_SOLICITING : DHCP6_ASKING, now, random, act);
}

/* After a refusal: not at once, else a server that always refuses makes a storm. */
static void
wait_then_begin(struct dhcp6_fsm *df, int64_t least, int64_t now, uint64_t random)
{
	int64_t wait = SEC << (df->df_failures < 8 ? df->df_failures : 8);

	df->df_failures++;
	if (wait < least)
		wait = least;
	rest(df, DHCP6_WAITING, now + wait + (int64_t)(random % (uint64_t)SEC));
}

static void
lease_drop(struct dhcp6_fsm *df, struct dhcp6_act *act)
{
	act->da_sync = act->da_sync || df->df_lease.dl_n > 0;
	memset(&df->df_lease, 0, sizeof(df->df_lease));
	df->df_lease.dl_t1 = df->df_lease.dl_t2 = KTIME_NEVER;
}

static bool
addr_usable(const struct dhcp6_addr *da)
{
	return da->da_valid >= MIN_TIME;
}

static bool
offer_usable(const struct dhcp6_msg *dm)
{
	if (dm->dm_status != DHCP6_SUCCESS || !dm->dm_ia || dm->dm_iastatus != DHCP6_SUCCESS)
		return false;
	for (unsigned int i = 0; i < dm->dm_naddrs; i++) {
		if (addr_usable(&dm->dm_addr[i]))
			return true;
	}
	return false;
}

static void
offer_take(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	df->df_server = df->df_offer.dm_server;
	exchange_begin(df, DHCP6_REQUESTING, now, random, act);
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

static struct dhcp6_binding *
binding_find(struct dhcp6_lease *dl, const struct inaddr *addr)
{
	for (unsigned int i = 0; i < dl->dl_n; i++) {
		if (inaddr_eq(&dl->dl_addr[i].db_addr, addr))
			return &dl->dl_addr[i];
	}
	return NULL;
}

static void
binding_remove(struct dhcp6_lease *dl, struct dhcp6_binding *db)
{
	*db = dl->dl_addr[--dl->dl_n];
}

static void
binding_learn(struct dhcp6_lease *dl, const struct dhcp6_addr *da, int64_t now)
{
	struct dhcp6_binding *db = binding_find(dl, &da->da_addr);

	if (!addr_usable(da)) {
		if (db != NULL)
			binding_remove(dl, db);
		return;
	}
	if (db == NULL) {
		if (dl->dl_n == DHCP6_NADDRS)
			return;
		db = &dl->dl_addr[dl->dl_n++];
		db->db_addr = da->da_addr;
		db->db_unique = false;
	}
	db->db_preferred = deadline(da->da_preferred, now);
	db->db_valid = deadline(da->da_valid, now);
}

/* A REQUEST's reply is all that we have; others leave alone what they do not name. */
static void
bindings_learn(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, bool fresh, int64_t now)
{
	struct dhcp6_lease *dl = &df->df_lease;

	for (unsigned int i = 0; fresh && i < dl->dl_n;) {
		struct dhcp6_binding *db = &dl->dl_addr[i];
		bool named = false;

		for (unsigned int j = 0; j < dm->dm_naddrs; j++)
			named |= inaddr_eq(&dm->dm_addr[j].da_addr, &db->db_addr);
		if (named)
			i++;
		else
			binding_remove(dl, db);
	}
	for (unsigned int i = 0; i < dm->dm_naddrs; i++)
		binding_learn(dl, &dm->dm_addr[i], now);
}

/*
 * Section 21.4: of the server's choice, or a half and four fifths of the shortest
 * preferred lifetime.  Deprecated addresses have none: then of the valid one.
 */
static void
lease_times(struct dhcp6_lease *dl, int64_t now)
{
	uint32_t t1 = dl->dl_msg.dm_t1, t2 = dl->dl_msg.dm_t2;
	int64_t shortest = KTIME_NEVER, least = MIN_TIME * SEC;

	for (unsigned int i = 0; i < dl->dl_n; i++) {
		const struct dhcp6_binding *db = &dl->dl_addr[i];

		shortest = sooner(shortest, db->db_preferred > now ? db->db_preferred :
		    db->db_valid);
	}
	if (shortest != KTIME_NEVER)
		shortest -= now;
	dl->dl_t1 = t1 != 0 ? deadline(t1, now) :
	    shortest == KTIME_NEVER ? KTIME_NEVER : now + shortest / 2;
	dl->dl_t2 = t2 != 0 ? deadline(t2, now) :
	    shortest == KTIME_NEVER ? KTIME_NEVER : now + shortest / 5 * 4;
	if (dl->dl_t1 < now + least)
		dl->dl_t1 = now + least;
	if (dl->dl_t2 < dl->dl_t1)
		dl->dl_t2 = dl->dl_t1;
}

static void
settle(struct dhcp6_fsm *df)
{
	const struct dhcp6_lease *dl = &df->df_lease;
	bool unique = true;

	for (unsigned int i = 0; i < dl->dl_n; i++)
		unique &= dl->dl_addr[i].db_unique;
	rest(df, unique ? DHCP6_BOUND : DHCP6_PROBING, KTIME_NEVER);
}

static void
lease_learn(struct dhcp6_fsm *df, const struct dhcp6_msg *dm, bool fresh, int64_t now,
    uint64_t random, struct dhcp6_act *act)
{
	struct dhcp6_lease *dl = &df->df_lease;

	bindings_learn(df, dm, fresh, now);
	dl->dl_msg = *dm;
	df->df_server = dm->dm_server;
	act->da_sync = true;
	if (dl->dl_n == 0) {
		lease_drop(df, act);
		wait_then_begin(df, 0, now, random);
		return;
	}
	df->df_failures = 0;
	lease_times(dl, now);
	settle(df);
}

/* Those whose time is over: inet6 takes them from the interface by itself too. */
static void
lease_expire(struct dhcp6_fsm *df, int64_t now, struct dhcp6_act *act)
{
	struct dhcp6_lease *dl = &df->df_lease;

	for (unsigned int i = 0; i < dl->dl_n;) {
		if (dl->dl_addr[i].db_valid > now) {
			i++;
			continue;
		}
		binding_remove(dl, &dl->dl_addr[i]);
		act->da_sync = true;
	}
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
	bindings_put(&df->df_lease, &df->df_offer);
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
	rest(df, DHCP6_INFORMED, deadline(refresh, now));
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
			rest(df, DHCP6_STOPPED, KTIME_NEVER);
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
	if (exchanges[df->df_state].x_type == 0 || dm->dm_xid != df->df_xid ||
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
	struct dhcp6_binding *db = binding_find(dl, addr);

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
	binding_remove(dl, db);
	act->da_sync = true;
	if (df->df_nback < DHCP6_NADDRS)
		df->df_back[df->df_nback++] = (struct dhcp6_addr){ .da_addr = *addr };
	exchange_begin(df, DHCP6_DECLINING, now, random, act);
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
		exchange_begin(df, DHCP6_RENEWING, now, random, act);
	} else if (df->df_state == DHCP6_RENEWING && now >= dl->dl_t2) {
		exchange_begin(df, DHCP6_REBINDING, now, random, act);
	} else if (df->df_state >= DHCP6_RENEWING && now >= df->df_resend) {
		say(df, now, random, act);
	} else {
		timer_set(df);
	}
}

/* An exchange that ended without an answer. */
static void
exchange_fail(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	if (df->df_state == DHCP6_DECLINING) {
		decline_over(df, now, random, act);
	} else if (df->df_state == DHCP6_RELEASING) {
		rest(df, DHCP6_STOPPED, KTIME_NEVER);
	} else {
		lease_drop(df, act);
		begin(df, now, random, act);
	}
}

static void
exchange_timer(struct dhcp6_fsm *df, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	unsigned int mrc = exchanges[df->df_state].x_mrc;

	if (df->df_state == DHCP6_SOLICITING && df->df_offered)
		offer_take(df, now, random, act);
	else if (mrc != 0 && df->df_tries >= mrc)
		exchange_fail(df, now, random, act);
	else
		say(df, now, random, act);
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
		rest(df, DHCP6_DELAYING, now + (int64_t)(random % (uint64_t)SEC));
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
		rest(df, DHCP6_STOPPED, KTIME_NEVER);
		return;
	}
	/* Section 18.2.7: first they are not used any more, then the server hears of it. */
	bindings_put(dl, &had);
	df->df_nback = had.dm_naddrs;
	memcpy(df->df_back, had.dm_addr, sizeof(df->df_back));
	lease_drop(df, act);
	exchange_begin(df, DHCP6_RELEASING, now, random, act);
}
