/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_dhcp6_fsm.c - what a DHCPv6 client does next, with times
 */

#include <lib/string.h>
#include <sys/ktime.h>

#include <harness.h>

#include "dhcp6_fsm.h"

#define SEC	NSEC_PER_SEC
#define BEGAN	(1000 * SEC)

static struct dhcp6_fsm df;
static struct dhcp6_act act;
static int64_t now;
static uint64_t seed;

static const struct dhcp6_duid server_a = { 4, { 0, 1, 'a', 'a' } };
static const struct dhcp6_duid server_b = { 4, { 0, 1, 'b', 'b' } };

static uint64_t
rnd(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed ^ seed >> 29;
}

static void
begin(bool managed)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	memset(&df, 0, sizeof(df));
	dhcp6_duid_ll(mac, &df.df_client);
	df.df_iaid = 1;
	df.df_managed = managed;
	df.df_timer = KTIME_NEVER;
	now = BEGAN;
	seed = 42;
	dhcp6_fsm_start(&df, now, rnd(), &act);
}

static void
tick(void)
{
	now = df.df_timer > now ? df.df_timer : now;
	dhcp6_fsm_timer(&df, now, rnd(), &act);
}

static struct inaddr
address(uint8_t last)
{
	return (struct inaddr){ .ia_b = { 0xfd, [15] = last } };
}

/* An answer to what was said last, with one address. */
static struct dhcp6_msg
answer(uint8_t type, const struct dhcp6_duid *server)
{
	struct dhcp6_msg dm = { .dm_type = type, .dm_xid = df.df_xid, .dm_client = df.df_client,
	    .dm_server = *server, .dm_ia = true, .dm_iaid = 1, .dm_naddrs = 1 };

	dm.dm_addr[0] = (struct dhcp6_addr){ address(5), 3000, 4000 };
	return dm;
}

static void
hear(const struct dhcp6_msg *dm)
{
	dhcp6_fsm_message(&df, dm, now, rnd(), &act);
}

static void
unique(uint8_t last)
{
	struct inaddr a = address(last);

	dhcp6_fsm_probed(&df, &a, true, now, rnd(), &act);
}

static void
bind(void)
{
	struct dhcp6_msg dm;

	begin(true);
	dm = answer(DHCP6_ADVERTISE, &server_a);
	hear(&dm);
	tick();
	NEED(CHECK_EQ("asked", DHCP6_REQUESTING, df.df_state));
	dm = answer(DHCP6_REPLY, &server_a);
	hear(&dm);
	NEED(CHECK_EQ("probing", DHCP6_PROBING, df.df_state));
	CHECK(act.da_sync);
	unique(5);
	NEED(CHECK_EQ("bound", DHCP6_BOUND, df.df_state));
}

static bool
near(int64_t got, int64_t want)
{
	return got >= want - want / 10 && got <= want + want / 10;
}

/* RFC 8415 section 15: doubled each time, a tenth more or less, up to SOL_MAX_RT. */
TEST(solicitations_are_repeated_ever_more_slowly)
{
	int64_t last, gap, before = 0;
	uint32_t xid;

	begin(true);
	xid = df.df_xid;
	CHECK(act.da_send && act.da_msg.dm_type == DHCP6_SOLICIT && act.da_msg.dm_elapsed == 0);
	for (int i = 0; i < 20; i++) {
		last = now;
		tick();
		CHECK(act.da_send && act.da_msg.dm_xid == xid);
		gap = now - last;
		if (i == 0)
			CHECK(gap > SEC && gap <= SEC + SEC / 10);
		else if (i < 9)
			CHECK(gap >= before * 19 / 10 && gap <= before * 21 / 10);
		else if (i > 13)
			CHECK(near(gap, 3600 * SEC));
		before = gap;
	}
	CHECK_EQ("hundredths since the first", 0xffff, act.da_msg.dm_elapsed);
}

TEST(a_server_may_slow_us_down_within_bounds)
{
	static const struct { uint32_t told, want; } cases[] = {
		{ 59, 3600 }, { 60, 60 }, { 86400, 86400 }, { 86401, 3600 }, { 0, 3600 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp6_msg dm;
		int64_t last = 0;

		begin(true);
		dm = answer(DHCP6_ADVERTISE, &server_a);
		dm.dm_iastatus = DHCP6_NOADDRSAVAIL;
		dm.dm_solmax = cases[i].told;
		hear(&dm);
		CHECK_EQ("of no other use", DHCP6_SOLICITING, df.df_state);
		for (int n = 0; n < 30; n++) {
			last = now;
			tick();
		}
		CHECK(near(now - last, cases[i].want * SEC));
	}
}

TEST(the_best_offer_of_the_first_second_is_taken)
{
	struct dhcp6_msg dm;

	begin(true);
	dm = answer(DHCP6_ADVERTISE, &server_a);
	dm.dm_preference = 3;
	hear(&dm);
	CHECK_EQ("it waits", DHCP6_SOLICITING, df.df_state);
	dm.dm_server = server_b;
	dm.dm_preference = 4;
	hear(&dm);
	dm.dm_server = server_a;
	dm.dm_preference = 4;
	hear(&dm);
	tick();
	CHECK_EQ("then asks", DHCP6_REQUESTING, df.df_state);
	CHECK(near(now - BEGAN, SEC + SEC / 20));
	CHECK(act.da_send && dhcp6_duid_eq(&act.da_msg.dm_server, &server_b));
	CHECK_EQ("for what was offered", 1, act.da_msg.dm_naddrs);

	begin(true);
	dm = answer(DHCP6_ADVERTISE, &server_a);
	dm.dm_preference = 255;
	hear(&dm);
	CHECK_EQ("the highest is taken at once", DHCP6_REQUESTING, df.df_state);

	begin(true);
	tick();
	dm = answer(DHCP6_ADVERTISE, &server_a);
	hear(&dm);
	CHECK_EQ("so is the first that is late", DHCP6_REQUESTING, df.df_state);
}

TEST(a_request_is_said_ten_times)
{
	struct dhcp6_msg dm;
	unsigned int n = 1;

	begin(true);
	dm = answer(DHCP6_ADVERTISE, &server_a);
	dm.dm_preference = 255;
	hear(&dm);
	for (; df.df_state == DHCP6_REQUESTING; n++)
		tick();
	CHECK_EQ("times", 11, n);
	CHECK_EQ("from the start", DHCP6_SOLICITING, df.df_state);
	CHECK_EQ("as a new exchange", DHCP6_SOLICIT, act.da_msg.dm_type);
}

TEST(two_messages_do_if_both_say_so)
{
	struct dhcp6_msg dm;

	begin(true);
	dm = answer(DHCP6_REPLY, &server_a);
	dm.dm_rapid = true;
	hear(&dm);
	CHECK_EQ("we did not ask", DHCP6_SOLICITING, df.df_state);
	begin(true);
	df.df_rapid = true;
	dm = answer(DHCP6_REPLY, &server_a);
	hear(&dm);
	CHECK_EQ("the server did not", DHCP6_SOLICITING, df.df_state);
	dm.dm_rapid = true;
	hear(&dm);
	CHECK_EQ("both", DHCP6_PROBING, df.df_state);
}

static const struct {
	const char *label;
	uint16_t status, iastatus;
	enum dhcp6_state want;
} refusals[] = {
	{ "nothing", DHCP6_SUCCESS, DHCP6_SUCCESS, DHCP6_PROBING },
	{ "later", DHCP6_UNSPECFAIL, DHCP6_SUCCESS, DHCP6_REQUESTING },
	{ "by multicast", DHCP6_USEMULTICAST, DHCP6_SUCCESS, DHCP6_REQUESTING },
	{ "no addresses", DHCP6_SUCCESS, DHCP6_NOADDRSAVAIL, DHCP6_WAITING },
	{ "no addresses at all", DHCP6_NOADDRSAVAIL, DHCP6_SUCCESS, DHCP6_WAITING },
	{ "not on link", DHCP6_NOTONLINK, DHCP6_SUCCESS, DHCP6_WAITING },
	{ "not on link inside", DHCP6_SUCCESS, DHCP6_NOTONLINK, DHCP6_WAITING },
	{ "something new", DHCP6_SUCCESS, 4711, DHCP6_WAITING },
};

TEST(refusals_of_a_request)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct dhcp6_msg dm;

		begin(true);
		dm = answer(DHCP6_ADVERTISE, &server_a);
		dm.dm_preference = 255;
		hear(&dm);
		dm = answer(DHCP6_REPLY, &server_a);
		dm.dm_status = refusals[i].status;
		dm.dm_iastatus = refusals[i].iastatus;
		hear(&dm);
		CHECK_EQ(refusals[i].label, refusals[i].want, df.df_state);
		if (df.df_state != DHCP6_WAITING)
			continue;
		CHECK(df.df_timer >= now + SEC);
		tick();
		CHECK_EQ("again", DHCP6_SOLICITING, df.df_state);
	}
}

/* A server that refuses each time is asked ever less often. */
TEST(refusals_make_no_storm)
{
	unsigned int n = 0;

	begin(true);
	while (now < BEGAN + 3600 * SEC) {
		struct dhcp6_msg dm = answer(DHCP6_ADVERTISE, &server_a);

		dm.dm_preference = 255;
		hear(&dm);
		dm = answer(DHCP6_REPLY, &server_a);
		dm.dm_iastatus = DHCP6_NOADDRSAVAIL;
		hear(&dm);
		NEED(CHECK_EQ("waits", DHCP6_WAITING, df.df_state));
		tick();
		n++;
	}
	CHECK(n > 8 && n < 25);
}

TEST(answers_to_others_are_none)
{
	struct dhcp6_msg good, dm;

	begin(true);
	good = answer(DHCP6_ADVERTISE, &server_a);
	good.dm_preference = 255;
	for (int i = 0; i < 6; i++) {
		dm = good;
		switch (i) {
		case 0: dm.dm_xid ^= 1; break;
		case 1: dm.dm_server.du_len = 0; break;
		case 2: dm.dm_client.du_data[9] ^= 1; break;
		case 3: dm.dm_type = DHCP6_RECONFIGURE; break;
		case 4: dm.dm_type = DHCP6_SOLICIT; break;
		default: dm.dm_ia = false; break;
		}
		hear(&dm);
		CHECK_EQ("unmoved", DHCP6_SOLICITING, df.df_state);
		CHECK(!act.da_send && !act.da_sync);
	}
	hear(&good);
	CHECK_EQ("moved", DHCP6_REQUESTING, df.df_state);
	dm = answer(DHCP6_REPLY, &server_b);
	hear(&dm);
	CHECK_EQ("another server's reply", DHCP6_REQUESTING, df.df_state);
	dm = answer(DHCP6_ADVERTISE, &server_a);
	hear(&dm);
	CHECK_EQ("a late offer", DHCP6_REQUESTING, df.df_state);
}

/* Without T1 and T2 of the server: half, four fifths, and the end, of 3000 and 4000 s. */
TEST(a_lease_is_renewed_rebound_and_lost)
{
	int64_t since;
	uint8_t type = 0;

	bind();
	since = now;
	tick();
	CHECK_EQ("renewing", DHCP6_RENEWING, df.df_state);
	CHECK_EQ("at T1", 1500, (now - since) / SEC);
	CHECK(act.da_send && dhcp6_duid_eq(&act.da_msg.dm_server, &server_a));
	CHECK_EQ("its address", 1, act.da_msg.dm_naddrs);
	while (df.df_state == DHCP6_RENEWING)
		tick();
	CHECK_EQ("rebinding", DHCP6_REBINDING, df.df_state);
	CHECK_EQ("at T2", 2400, (now - since) / SEC);
	CHECK_EQ("everybody", 0, act.da_msg.dm_server.du_len);
	while (df.df_state == DHCP6_REBINDING) {
		type = act.da_msg.dm_type;
		tick();
	}
	CHECK_EQ("to the end", DHCP6_REBIND, type);
	CHECK_EQ("which is", 4000, (now - since) / SEC);
	CHECK_EQ("from the start", DHCP6_SOLICITING, df.df_state);
	CHECK(act.da_sync && df.df_lease.dl_n == 0);
}

TEST(a_renewal_gives_more_time)
{
	struct dhcp6_msg dm;

	bind();
	tick();
	dm = answer(DHCP6_REPLY, &server_b);
	hear(&dm);
	CHECK_EQ("not of another server", DHCP6_RENEWING, df.df_state);
	dm = answer(DHCP6_REPLY, &server_a);
	dm.dm_t1 = 100;
	dm.dm_t2 = 200;
	hear(&dm);
	CHECK_EQ("bound, not probed again", DHCP6_BOUND, df.df_state);
	CHECK(act.da_sync);
	CHECK_EQ("T1", 100, (df.df_timer - now) / SEC);
	CHECK_EQ("valid", 4000, (df.df_lease.dl_addr[0].db_valid - now) / SEC);
	tick();
	while (df.df_state == DHCP6_RENEWING)
		tick();
	dm = answer(DHCP6_REPLY, &server_b);
	hear(&dm);
	CHECK_EQ("who rebinds takes it", DHCP6_BOUND, df.df_state);
	CHECK(dhcp6_duid_eq(&df.df_server, &server_b));
}

TEST(a_server_that_has_forgotten_us_is_asked_for_the_same)
{
	struct dhcp6_msg dm;

	bind();
	tick();
	dm = answer(DHCP6_REPLY, &server_a);
	dm.dm_iastatus = DHCP6_NOBINDING;
	dm.dm_naddrs = 0;
	hear(&dm);
	CHECK_EQ("asking", DHCP6_REQUESTING, df.df_state);
	CHECK_EQ("for it", 1, act.da_msg.dm_naddrs);
	dm = answer(DHCP6_REPLY, &server_a);
	hear(&dm);
	CHECK_EQ("no need to probe", DHCP6_BOUND, df.df_state);
}

TEST(a_server_may_take_an_address_and_give_another)
{
	struct dhcp6_msg dm;

	bind();
	tick();
	dm = answer(DHCP6_REPLY, &server_a);
	dm.dm_naddrs = 2;
	dm.dm_addr[0].da_valid = dm.dm_addr[0].da_preferred = 0;
	dm.dm_addr[1] = (struct dhcp6_addr){ address(6), 3000, 4000 };
	hear(&dm);
	CHECK(act.da_sync);
	CHECK_EQ("one", 1, df.df_lease.dl_n);
	CHECK_EQ("the other", 6, df.df_lease.dl_addr[0].db_addr.ia_b[15]);
	CHECK_EQ("is new", DHCP6_PROBING, df.df_state);
	unique(6);
	tick();
	dm = answer(DHCP6_REPLY, &server_a);
	dm.dm_addr[0] = (struct dhcp6_addr){ address(6), 0, 0 };
	hear(&dm);
	CHECK_EQ("none is left", 0, df.df_lease.dl_n);
	CHECK_EQ("later", DHCP6_WAITING, df.df_state);
}

TEST(times_of_a_hostile_server_make_no_storm)
{
	struct dhcp6_msg dm;
	unsigned int n = 0;
	int64_t since;

	bind();
	since = now;
	tick();
	for (since = now; now < since + 1000 * SEC; n++) {
		dm = answer(DHCP6_REPLY, &server_a);
		dm.dm_t1 = 1;
		dm.dm_t2 = 1;
		hear(&dm);
		tick();
	}
	CHECK(n <= 101);

	bind();
	tick();
	dm = answer(DHCP6_REPLY, &server_a);
	dm.dm_addr[0] = (struct dhcp6_addr){ address(5), DHCP6_FOREVER, DHCP6_FOREVER };
	hear(&dm);
	CHECK_EQ("for ever", KTIME_NEVER, df.df_timer);
}

TEST(a_duplicate_is_declined_until_the_server_knows)
{
	struct inaddr a = address(5);
	struct dhcp6_msg dm;
	unsigned int n;

	bind();
	dhcp6_fsm_probed(&df, &a, false, now, rnd(), &act);
	CHECK(act.da_sync && act.da_send && act.da_msg.dm_type == DHCP6_DECLINE);
	CHECK_EQ("which", 5, act.da_msg.dm_addr[0].da_addr.ia_b[15]);
	dm = answer(DHCP6_REPLY, &server_a);
	hear(&dm);
	CHECK_EQ("known", DHCP6_WAITING, df.df_state);
	CHECK(df.df_timer >= now + 10 * SEC);

	bind();
	dhcp6_fsm_probed(&df, &a, false, now, rnd(), &act);
	for (n = 1; df.df_state == DHCP6_DECLINING; n++)
		tick();
	CHECK_EQ("or said four times", 5, n);
	CHECK_EQ("then", DHCP6_WAITING, df.df_state);
}

TEST(of_two_addresses_the_good_one_stays)
{
	struct inaddr bad = address(6);
	struct dhcp6_msg dm;

	bind();
	tick();
	dm = answer(DHCP6_REPLY, &server_a);
	dm.dm_naddrs = 2;
	dm.dm_addr[1] = (struct dhcp6_addr){ bad, 3000, 4000 };
	hear(&dm);
	NEED(CHECK_EQ("two", 2, df.df_lease.dl_n));
	dhcp6_fsm_probed(&df, &bad, false, now, rnd(), &act);
	CHECK_EQ("declined", 1, act.da_msg.dm_naddrs);
	dm = answer(DHCP6_REPLY, &server_a);
	hear(&dm);
	CHECK_EQ("bound", DHCP6_BOUND, df.df_state);
	CHECK_EQ("to the other", 5, df.df_lease.dl_addr[0].db_addr.ia_b[15]);
}

TEST(addresses_are_given_back)
{
	struct dhcp6_msg dm;
	unsigned int n;

	bind();
	dhcp6_fsm_stop(&df, now, rnd(), &act);
	CHECK(act.da_sync && act.da_send && act.da_msg.dm_type == DHCP6_RELEASE);
	CHECK_EQ("all", 1, act.da_msg.dm_naddrs);
	CHECK_EQ("not ours any more", 0, df.df_lease.dl_n);
	dm = answer(DHCP6_REPLY, &server_a);
	hear(&dm);
	CHECK_EQ("known", DHCP6_STOPPED, df.df_state);
	CHECK_EQ("quiet", KTIME_NEVER, df.df_timer);

	bind();
	dhcp6_fsm_stop(&df, now, rnd(), &act);
	for (n = 1; df.df_state == DHCP6_RELEASING; n++)
		tick();
	CHECK_EQ("or said four times", 5, n);
	begin(true);
	dhcp6_fsm_stop(&df, now, rnd(), &act);
	CHECK(!act.da_send && df.df_state == DHCP6_STOPPED);
}

TEST(information_is_asked_for_and_refreshed)
{
	static const struct { uint32_t told, want; } cases[] = {
		{ 0, 86400 }, { 10, 600 }, { 7200, 7200 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp6_msg dm;

		begin(false);
		CHECK(act.da_send && act.da_msg.dm_type == DHCP6_INFORMATION &&
		    !act.da_msg.dm_ia);
		dm = answer(DHCP6_REPLY, &server_a);
		dm.dm_ia = false;
		dm.dm_refresh = cases[i].told;
		hear(&dm);
		CHECK_EQ("informed", DHCP6_INFORMED, df.df_state);
		CHECK_EQ("until", cases[i].want, (df.df_timer - now) / SEC);
		tick();
		CHECK_EQ("again", DHCP6_INFORMATION, act.da_msg.dm_type);
	}
	dhcp6_fsm_manage(&df, now, rnd(), &act);
	CHECK(act.da_send && act.da_msg.dm_type == DHCP6_SOLICIT);
}

TEST(who_starts_with_others_waits_a_moment)
{
	begin(true);
	memset(&df.df_state, 0, sizeof(df.df_state));
	df.df_delay = true;
	dhcp6_fsm_start(&df, now, rnd(), &act);
	CHECK(!act.da_send && df.df_state == DHCP6_DELAYING);
	CHECK(df.df_timer >= now && df.df_timer < now + SEC);
	tick();
	CHECK(act.da_send && act.da_msg.dm_type == DHCP6_SOLICIT);
}
