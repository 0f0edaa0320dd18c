/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_dhcp_fsm.c - a DHCP client's life, in no time
 *
 * The server is a few lines here, the clock a variable.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/ktime.h>

#include <harness.h>

#include "dhcp_fsm.h"

#define ADDR(a, b, c, d) \
	net32((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define SERVER	ADDR(10, 0, 0, 1)
#define OTHER	ADDR(10, 0, 0, 2)
#define MINE	ADDR(10, 0, 0, 50)
#define SEC	NSEC_PER_SEC

static struct dhcp_fsm df;
static struct dhcp_act act;
static int64_t now;
static uint64_t seed;

static uint64_t
draw(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed ^ seed >> 29;
}

static void
client_start(unsigned int nprobes)
{
	seed = harness_seed();
	now = 1000 * SEC;
	memset(&df, 0, sizeof(df));
	memcpy(df.df_chaddr, "\2\0\0\0\0\1", 6);
	df.df_nprobes = nprobes;
	df.df_probetime = SEC / 10;
	dhcp_fsm_start(&df, now, draw(), &act);
}

static struct dhcp_msg
reply(uint8_t type, uint32_t server)
{
	struct dhcp_msg dm = { .dm_op = DHCP_BOOTREPLY, .dm_type = type, .dm_xid = df.df_xid,
	    .dm_server = server };

	memcpy(dm.dm_chaddr, df.df_chaddr, 6);
	if (type != DHCP_NAK) {
		dm.dm_yiaddr = MINE;
		dm.dm_mask = ADDR(255, 255, 255, 0);
		dm.dm_lease = 3600;
	}
	return dm;
}

static void
hear(const struct dhcp_msg *dm)
{
	dhcp_fsm_message(&df, dm, now, draw(), &act);
}

static void
hear_plain(uint8_t type, uint32_t server)
{
	struct dhcp_msg dm = reply(type, server);

	hear(&dm);
}

static void
tick(void)
{
	NEED(df.df_timer != KTIME_NEVER);
	if (df.df_timer > now)
		now = df.df_timer;
	dhcp_fsm_timer(&df, now, draw(), &act);
}

static void
client_bind(void)
{
	client_start(0);
	hear_plain(DHCP_OFFER, SERVER);
	hear_plain(DHCP_ACK, SERVER);
	NEED(CHECK_EQ("bound", DHCP_BOUND, df.df_state));
}

#define CHECK_STATE(want) \
	CHECK_STR("state", dhcp_state_name[want], dhcp_state_name[df.df_state])

TEST(discover_offer_request_ack_probe_and_bound)
{
	client_start(2);
	CHECK(act.da_send && act.da_msg.dm_type == DHCP_DISCOVER);
	CHECK_EQ("to everybody", 0xffffffff, act.da_dst);
	now += SEC / 2;
	hear_plain(DHCP_OFFER, SERVER);
	CHECK(act.da_send && act.da_msg.dm_type == DHCP_REQUEST && !act.da_unicast);
	CHECK_EQ("whose offer", SERVER, act.da_msg.dm_server);
	CHECK_EQ("what", MINE, act.da_msg.dm_wanted);
	CHECK_EQ("not configured yet", 0, act.da_msg.dm_ciaddr);
	now += SEC / 2;
	hear_plain(DHCP_ACK, SERVER);
	CHECK(act.da_probe && !act.da_configure);
	tick();
	CHECK(act.da_probe);
	tick();
	CHECK(act.da_configure && !act.da_probe);
	CHECK_STATE(DHCP_BOUND);
	CHECK_EQ("prefix", 24, df.df_lease.dl_plen);
	CHECK_EQ("the lease counts from the request", 1000 * SEC + SEC / 2 + 3600 * SEC,
	    df.df_lease.dl_ends);
}

TEST(silence_is_met_with_longer_and_longer_waits)
{
	static const int want[] = { 4, 8, 16, 32, 64, 64, 64 };
	int64_t before;

	client_start(0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		before = now;
		tick();
		CHECK(act.da_send && act.da_msg.dm_type == DHCP_DISCOVER);
		CHECK(now - before >= (want[i] - 1) * SEC && now - before <= (want[i] + 1) * SEC);
	}
	CHECK_EQ("seconds since the start", (now - 1000 * SEC) / SEC, act.da_msg.dm_secs);
}

TEST(a_server_that_offers_and_is_gone_is_given_up)
{
	client_start(0);
	hear_plain(DHCP_OFFER, SERVER);
	for (int i = 0; i < 3; i++) {
		tick();
		CHECK(act.da_send && act.da_msg.dm_type == DHCP_REQUEST);
	}
	tick();
	CHECK(act.da_msg.dm_type == DHCP_DISCOVER);
	CHECK_STATE(DHCP_SELECTING);
	/* ... for one that is there. */
	hear_plain(DHCP_OFFER, OTHER);
	hear_plain(DHCP_ACK, OTHER);
	CHECK_STATE(DHCP_BOUND);
}

TEST(of_two_servers_the_first_is_taken_and_the_other_ignored)
{
	struct dhcp_msg dm;

	client_start(0);
	hear_plain(DHCP_OFFER, OTHER);
	dm = reply(DHCP_OFFER, SERVER);
	hear(&dm);
	CHECK(!act.da_send);
	hear_plain(DHCP_ACK, SERVER);
	CHECK_STATE(DHCP_REQUESTING);
	hear_plain(DHCP_NAK, SERVER);
	CHECK_STATE(DHCP_REQUESTING);
	hear_plain(DHCP_ACK, OTHER);
	CHECK_STATE(DHCP_BOUND);
}

static const struct { const char *label; size_t off; uint32_t value; size_t len; } spoils[] = {
#define SPOIL(label, field, value) \
	{ label, offsetof(struct dhcp_msg, field), value, sizeof(((struct dhcp_msg *)0)->field) }
	SPOIL("another transaction", dm_xid, 1),
	SPOIL("a request", dm_op, DHCP_BOOTREQUEST),
	SPOIL("no server", dm_server, 0),
	SPOIL("no lease", dm_lease, 0),
	SPOIL("a lease too short", dm_lease, 1),
	SPOIL("no address", dm_yiaddr, 0),
	SPOIL("loopback", dm_yiaddr, ADDR(127, 0, 0, 1)),
	SPOIL("multicast", dm_yiaddr, ADDR(224, 0, 0, 1)),
	SPOIL("broadcast", dm_yiaddr, 0xffffffff),
	SPOIL("broadcast of the net", dm_yiaddr, ADDR(10, 0, 0, 255)),
	SPOIL("the net itself", dm_yiaddr, ADDR(10, 0, 0, 0)),
	SPOIL("a mask with a hole", dm_mask, ADDR(255, 0, 255, 0)),
	SPOIL("another's hardware", dm_chaddr, 0x01020304),
};

TEST(what_makes_no_sense_changes_nothing)
{
	for (int acked = 0; acked < 2; acked++) {
		for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
			struct dhcp_msg dm;
			enum dhcp_state was;
			size_t len = spoils[i].len < 4 ? spoils[i].len : 4;

			client_start(0);
			if (acked)
				hear_plain(DHCP_OFFER, SERVER);
			was = df.df_state;
			dm = reply(acked ? DHCP_ACK : DHCP_OFFER, SERVER);
			memcpy((uint8_t *)&dm + spoils[i].off, &spoils[i].value, len);
			hear(&dm);
			CHECK_EQ(spoils[i].label, was, df.df_state);
			CHECK(!act.da_send && !act.da_configure);
		}
	}
}

TEST(an_ack_of_another_address_is_not_taken)
{
	struct dhcp_msg dm;

	client_start(0);
	hear_plain(DHCP_OFFER, SERVER);
	dm = reply(DHCP_ACK, SERVER);
	dm.dm_yiaddr = ADDR(10, 0, 0, 51);
	hear(&dm);
	CHECK_STATE(DHCP_REQUESTING);
}

TEST(a_conflict_is_declined_and_time_passes_before_the_next_try)
{
	int64_t before;

	client_start(3);
	hear_plain(DHCP_OFFER, SERVER);
	hear_plain(DHCP_ACK, SERVER);
	dhcp_fsm_conflict(&df, now, draw(), &act);
	CHECK(act.da_send && act.da_msg.dm_type == DHCP_DECLINE && !act.da_configure);
	CHECK_EQ("which", MINE, act.da_msg.dm_wanted);
	CHECK_EQ("whose", SERVER, act.da_msg.dm_server);
	before = now;
	tick();
	CHECK(now - before >= 10 * SEC);
	CHECK(act.da_msg.dm_type == DHCP_DISCOVER);
}

TEST(an_address_that_another_keeps_using_is_given_up)
{
	for (int i = 0; i < 3; i++) {
		client_bind();
		while (df.df_state < DHCP_BOUND + (unsigned int)i)
			tick();
		dhcp_fsm_conflict(&df, now, draw(), &act);
		CHECK(act.da_unconfigure && act.da_send && !act.da_unicast);
		CHECK(act.da_msg.dm_type == DHCP_DECLINE && act.da_msg.dm_ciaddr == 0);
		CHECK_EQ("which", MINE, act.da_msg.dm_wanted);
		CHECK_STATE(DHCP_WAITING);
	}
}

TEST(refusals_again_and_again_make_no_storm)
{
	unsigned int sent = 0;
	int64_t end;

	client_start(0);
	end = now + 3600 * SEC;
	while (now < end) {
		if (df.df_state == DHCP_WAITING) {
			tick();
		} else {
			hear_plain(DHCP_OFFER, SERVER);
			hear_plain(DHCP_NAK, SERVER);
			CHECK_STATE(DHCP_WAITING);
			sent++;
		}
	}
	CHECK(sent < 80);
	CHECK(sent > 20);
}

TEST(half_way_the_lease_is_renewed_by_its_server)
{
	int64_t ends;

	client_bind();
	ends = df.df_lease.dl_ends;
	tick();
	CHECK_STATE(DHCP_RENEWING);
	CHECK(now <= 1000 * SEC + 1800 * SEC && now >= 1000 * SEC + 1740 * SEC);
	CHECK(act.da_send && act.da_unicast && act.da_msg.dm_type == DHCP_REQUEST);
	CHECK_EQ("to", SERVER, act.da_dst);
	CHECK_EQ("from", MINE, act.da_msg.dm_ciaddr);
	CHECK_EQ("no server identifier", 0, act.da_msg.dm_server);
	CHECK_EQ("no requested address", 0, act.da_msg.dm_wanted);
	hear_plain(DHCP_ACK, OTHER);
	CHECK_STATE(DHCP_RENEWING);
	hear_plain(DHCP_ACK, SERVER);
	CHECK_STATE(DHCP_BOUND);
	CHECK(act.da_configure);
	CHECK(df.df_lease.dl_ends > ends);
}

TEST(a_lost_server_means_rebinding_and_then_the_end)
{
	unsigned int renewals = 0, rebinds = 0;
	int64_t ends;

	client_bind();
	ends = df.df_lease.dl_ends;
	while (!act.da_unconfigure) {
		tick();
		CHECK(act.da_send);
		renewals += act.da_unicast;
		rebinds += !act.da_unicast && act.da_msg.dm_type == DHCP_REQUEST;
	}
	CHECK_EQ("the address goes when the lease ends", ends, now);
	CHECK(renewals > 3 && renewals < 8);
	CHECK(rebinds > 2 && rebinds < 8);
	CHECK_STATE(DHCP_SELECTING);
	CHECK(act.da_msg.dm_type == DHCP_DISCOVER);
}

TEST(any_server_may_extend_a_lease_that_is_being_rebound)
{
	client_bind();
	while (df.df_state != DHCP_REBINDING)
		tick();
	hear_plain(DHCP_ACK, OTHER);
	CHECK_STATE(DHCP_BOUND);
	tick();
	CHECK(act.da_unicast);
	CHECK_EQ("it is the server now", OTHER, act.da_dst);
}

TEST(a_refused_renewal_takes_the_address_away)
{
	client_bind();
	tick();
	hear_plain(DHCP_NAK, SERVER);
	CHECK(act.da_unconfigure);
	CHECK_STATE(DHCP_WAITING);
	tick();
	CHECK(act.da_msg.dm_type == DHCP_DISCOVER);
}

TEST(a_lease_without_end_has_no_timer)
{
	struct dhcp_msg dm;

	client_start(0);
	hear_plain(DHCP_OFFER, SERVER);
	dm = reply(DHCP_ACK, SERVER);
	dm.dm_lease = DHCP_FOREVER;
	hear(&dm);
	CHECK_STATE(DHCP_BOUND);
	CHECK_EQ("never", KTIME_NEVER, df.df_timer);
}

TEST(times_out_of_order_are_put_in_order)
{
	static const struct { const char *label; uint32_t lease, t1, t2; } cases[] = {
		{ "none", 3600, 0, 0 }, { "T2 before T1", 3600, 3000, 100 },
		{ "beyond the end", 3600, 4000, 5000 }, { "all equal", 3600, 3600, 3600 },
		{ "T1 late", 3600, 3599, 3599 }, { "shortest", 10, 0, 0 },
		{ "longest", DHCP_FOREVER - 1, DHCP_FOREVER, DHCP_FOREVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp_lease *dl = &df.df_lease;
		struct dhcp_msg dm;

		client_start(0);
		hear_plain(DHCP_OFFER, SERVER);
		dm = reply(DHCP_ACK, SERVER);
		dm.dm_lease = cases[i].lease;
		dm.dm_t1 = cases[i].t1;
		dm.dm_t2 = cases[i].t2;
		hear(&dm);
		CHECK_EQ(cases[i].label, DHCP_BOUND, df.df_state);
		CHECK(dl->dl_t1 > now && dl->dl_t1 <= dl->dl_t2 && dl->dl_t2 <= dl->dl_ends);
	}
}

TEST(what_is_given_back_is_told_to_the_server)
{
	client_bind();
	dhcp_fsm_stop(&df, now, draw(), &act);
	CHECK(act.da_send && act.da_unicast && act.da_msg.dm_type == DHCP_RELEASE);
	CHECK(act.da_unconfigure);
	CHECK_EQ("whose", MINE, act.da_msg.dm_ciaddr);
	CHECK_EQ("no timer", KTIME_NEVER, df.df_timer);
	client_start(0);
	dhcp_fsm_stop(&df, now, draw(), &act);
	CHECK(!act.da_send && !act.da_unconfigure);
}
