/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_dhcp_client.c - a client on an interface, with servers at the other end
 *
 * The far end of the link is this file: what the client sends goes to the servers, what
 * they answer comes in as from a link (farlink.h).  Time is virtual, so leases of
 * hours are renewed and lost in no time.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <rump/dhcp.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/vcpu.h>

#include <harness.h>

#include "dhcp_impl.h"
#include "farlink.h"

#define ADDR(a, b, c, d) \
	net32((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define SERVER	ADDR(10, 0, 0, 1)
#define MINE	ADDR(10, 0, 0, 50)
#define SEC	NSEC_PER_SEC

/* How the servers behave, and what they saw. */
static struct {
	bool		s_mute, s_nak, s_taken, s_renew_only, s_garbage;
	unsigned int	s_servers;	/* 0: one */
	uint32_t	s_lease;
	uint16_t	s_mtu;
	uint32_t	s_addr;
	unsigned int	s_seen[9];	/* by type */
	unsigned int	s_unicast;
	int64_t		s_last;
} far;

static void
far_reset(void)
{
	memset(&far, 0, sizeof(far));
	far_loses = 0;
	far.s_lease = 3600;
	far.s_addr = MINE;
	far.s_servers = 1;
}

/* --- the far end ------------------------------------------------------------------- */

static uint8_t *
opt(uint8_t *p, uint8_t code, const void *val, size_t len)
{
	p[0] = code;
	p[1] = (uint8_t)len;
	memcpy(p + 2, val, len);
	return p + 2 + len;
}

static void
far_reply(const struct dhcp_msg *dm, uint8_t type, uint32_t server)
{
	uint8_t buf[DHCP_WRAP + 600] = { 0 }, be[4], *m = buf + DHCP_WRAP, *p;
	uint32_t mask = ADDR(255, 255, 255, 0);
	size_t len;

	m[0] = DHCP_BOOTREPLY;
	m[1] = 1;
	m[2] = 6;
	be32_put(m + 4, dm->dm_xid);
	memcpy(m + 28, dm->dm_chaddr, 6);
	be32_put(m + DHCP_FIXED, 0x63825363);
	p = opt(m + DHCP_FIXED + 4, DHCP_OPT_TYPE, &type, 1);
	p = opt(p, DHCP_OPT_SERVER, &server, 4);
	if (type != DHCP_NAK) {
		memcpy(m + 16, &far.s_addr, 4);
		be32_put(be, far.s_lease);
		p = opt(p, DHCP_OPT_LEASE, be, 4);
		p = opt(p, DHCP_OPT_MASK, &mask, 4);
		p = opt(p, DHCP_OPT_ROUTER, &server, 4);
		p = opt(p, DHCP_OPT_DOMAIN, "example.org", 11);
		be16_put(be, far.s_mtu);
		p = opt(p, DHCP_OPT_MTU, be, 2);
	}
	*p++ = DHCP_OPT_END;
	len = (size_t)(p - m);
	dhcp_wrap(buf, len, server, type == DHCP_NAK ? 0xffffffff : far.s_addr);
	/* The ports the other way round: the sum is the same. */
	be16_put(buf + 20, DHCP_SERVER_PORT);
	be16_put(buf + 22, DHCP_CLIENT_PORT);
	far_send(far_near, ETH_P_IP, buf, DHCP_WRAP + len);
}

/* Everything but what was asked for, with the right transaction. */
static void
far_garbage(const struct dhcp_msg *dm)
{
	struct dhcp_msg other = *dm;

	for (uint8_t type = 0; type < 10; type++) {
		other.dm_xid = dm->dm_xid + 1;
		far_reply(&other, type, SERVER);
		far_reply(dm, type, 0);
		if (type != DHCP_OFFER)
			far_reply(dm, type, SERVER + net32(7));
	}
}

static void
far_dhcp(const struct dhcp_msg *dm)
{
	bool renewal = dm->dm_ciaddr != 0;

	far.s_seen[dm->dm_type]++;
	far.s_last = clock_mono();
	if (far.s_mute || (far.s_renew_only && !renewal))
		return;
	if (far.s_garbage)
		far_garbage(dm);
	for (uint32_t i = 0; i < far.s_servers; i++) {
		uint32_t server = SERVER + net32(i);

		if (dm->dm_type == DHCP_DISCOVER)
			far_reply(dm, DHCP_OFFER, server);
		else if (dm->dm_type == DHCP_REQUEST && far.s_nak)
			far_reply(dm, DHCP_NAK, server);
		else if (dm->dm_type == DHCP_REQUEST &&
		    (dm->dm_server == server || dm->dm_server == 0))
			far_reply(dm, DHCP_ACK, server);
	}
}

/* Somebody has the server's address, and ours too if it is taken. */
static void
far_arp(const struct dhcp_arp *da)
{
	uint8_t buf[ARP_LEN];

	if (da->am_op != 1 || (da->am_tpa != SERVER && !(far.s_taken && da->am_tpa == MINE)))
		return;
	dhcp_arp_probe(far_mac, da->am_spa, buf);
	be16_put(buf + 6, 2);
	memcpy(buf + 14, &da->am_tpa, 4);
	memcpy(buf + 18, da->am_sha, 6);
	far_send(far_near, ETH_P_ARP, buf, ARP_LEN);
}

static void
far_frame(const uint8_t *frame, size_t len)
{
	const uint8_t *payload;
	struct dhcp_arp da;
	struct dhcp_msg dm;
	size_t plen;

	if (be16_get(frame + 12) == ETH_P_ARP &&
	    dhcp_arp_parse(frame + ETH_HLEN, len - ETH_HLEN, &da) == 0)
		far_arp(&da);
	if (be16_get(frame + 12) != ETH_P_IP || dhcp_unwrap(frame + ETH_HLEN, len - ETH_HLEN,
	    DHCP_SERVER_PORT, false, &payload, &plen) != 0)
		return;
	NEED(CHECK_EQ("a sound message", 0, dhcp_parse(payload, plen, &dm)));
	far.s_unicast += (frame[0] & 1) == 0;
	far_dhcp(&dm);
}

/* --- what the client has ------------------------------------------------------ */

static bool
have(uint32_t addr)
{
	struct inaddr a = { .ia_w = { addr } };

	return ifaddr_find(far_ns, AF_INET, &a, far_ifp) != NULL;
}

static bool
have_way_out(void)
{
	struct rtkey rk = { .rk_family = AF_INET, .rk_dst.ia_w = { ADDR(192, 0, 2, 1) } };
	struct rtdst *rd;

	if (route_lookup(far_ns, &rk, &rd) != 0)
		return false;
	CHECK_EQ("next hop", SERVER, rd->rd_hop.ia_w[0]);
	CHECK_EQ("source", MINE, rd->rd_src.ia_w[0]);
	rtdst_rele(rd);
	return true;
}

static struct dhcp_client *
client_bound(void)
{
	struct dhcp_client *dc;

	NEED(CHECK_EQ("start", 0, dhcp_client_start(far_ns, "eth0", &dc)));
	NEED(CHECK_EQ("lease", 0, dhcp_client_wait(dc, clock_mono() + 600 * SEC)));
	return dc;
}

static void
client_end(struct dhcp_client *dc)
{
	ifclient_stop(&dc->dc_ic);
	ifclient_rele(&dc->dc_ic);
}

/* The kernel's threads for timers and for ends of name spaces stay. */
#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)
#define SEEDS	.ht_flags = KEEPS, .ht_seeds = 8

TEST_WITH(a_lease_brings_address_and_routes_and_takes_them_along, SEEDS)
{
	struct dhcp_client *dc;
	int64_t before = clock_mono();

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK(have(MINE));
	CHECK(have_way_out());
	CHECK_EQ("three probes", 300, (clock_mono() - before) / 1000000);
	CHECK(far_ifp->if_rxhook == NULL);
	CHECK_STR("what it is told", "example.org", dc->dc_lease.dl_msg.dm_domain);
	client_end(dc);
	CHECK(!have(MINE));
	CHECK(!have_way_out());
	CHECK_EQ("given back", 1, far.s_seen[DHCP_RELEASE]);
	CHECK_EQ("to the server", 1, far.s_unicast);
	far_end();
}

TEST_WITH(a_lease_is_renewed_for_a_year, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	far.s_lease = 86400;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	for (int day = 0; day < 365; day++) {
		far_pass(86400 * SEC);
		CHECK(have(MINE) && dc->dc_state == DHCP_BOUND);
	}
	CHECK_EQ("found once", 1, far.s_seen[DHCP_DISCOVER]);
	CHECK(far.s_unicast >= 365 * 2 - 2 && far.s_unicast < 365 * 3);
	client_end(dc);
	far_end();
}

TEST_WITH(lost_messages_are_said_again, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	far_loses = 30;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK(have(MINE));
	far_loses = 0;
	client_end(dc);
	far_end();
}

TEST_WITH(without_a_server_nothing_comes_and_nothing_stays, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	far.s_mute = true;
	NEED(far_make(far_frame) == 0);
	NEED(dhcp_client_start(far_ns, "eth0", &dc) == 0);
	CHECK_EQ("wait", ETIMEDOUT, dhcp_client_wait(dc, clock_mono() + 60 * SEC));
	CHECK_EQ("asked at 0, 4, 12, 28, 60 or so", 1,
	    far.s_seen[DHCP_DISCOVER] >= 4 && far.s_seen[DHCP_DISCOVER] <= 5);
	CHECK(!have(MINE));
	/* It goes on asking, and is there when the server is. */
	far.s_mute = false;
	CHECK_EQ("late", 0, dhcp_client_wait(dc, clock_mono() + 70 * SEC));
	client_end(dc);
	far_end();
}

TEST_WITH(an_address_that_somebody_has_is_declined, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	far.s_taken = true;
	NEED(far_make(far_frame) == 0);
	NEED(dhcp_client_start(far_ns, "eth0", &dc) == 0);
	CHECK_EQ("wait", ETIMEDOUT, dhcp_client_wait(dc, clock_mono() + 30 * SEC));
	CHECK(far.s_seen[DHCP_DECLINE] >= 2 && far.s_seen[DHCP_DECLINE] <= 3);
	CHECK(!have(MINE));
	far.s_taken = false;
	CHECK_EQ("free now", 0, dhcp_client_wait(dc, clock_mono() + 60 * SEC));
	client_end(dc);
	far_end();
}

/* Another host says that our address is its. */
static void
far_claim(void)
{
	uint8_t buf[ARP_LEN];
	uint32_t mine = MINE;

	dhcp_arp_probe(far_mac, MINE, buf);
	memcpy(buf + 14, &mine, 4);
	far_send(far_near, ETH_P_ARP, buf, ARP_LEN);
	far_pass(SEC / 10);
}

/* RFC 5227 section 2.4 (b): defended once in ten seconds, at the second claim given up. */
TEST_WITH(an_address_that_another_keeps_using_is_given_up, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	far_claim();
	CHECK(have(MINE));
	far_pass(11 * SEC);
	far_claim();
	CHECK(have(MINE));
	CHECK_EQ("defended", 0, far.s_seen[DHCP_DECLINE]);
	far.s_addr = ADDR(10, 0, 0, 60);
	far_claim();
	CHECK(!have(MINE));
	CHECK_EQ("declined", 1, far.s_seen[DHCP_DECLINE]);
	CHECK_EQ("another", 0, dhcp_client_wait(dc, clock_mono() + 60 * SEC));
	CHECK(have(far.s_addr));
	client_end(dc);
	far_end();
}

TEST_WITH(the_address_goes_with_its_lease, SEEDS)
{
	struct dhcp_client *dc;
	int64_t ends;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	ends = dc->dc_lease.dl_ends;
	far.s_mute = true;
	far_pass(ends - clock_mono() - SEC);
	CHECK(have(MINE));
	CHECK_EQ("rebinding", DHCP_REBINDING, dc->dc_state);
	far_pass(2 * SEC);
	CHECK(!have(MINE) && !have_way_out());
	CHECK_EQ("from the start", DHCP_SELECTING, dc->dc_state);
	far.s_mute = false;
	CHECK_EQ("again", 0, dhcp_client_wait(dc, clock_mono() + 70 * SEC));
	CHECK(have(MINE));
	client_end(dc);
	far_end();
}

TEST_WITH(a_refused_renewal_takes_the_address_at_once, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	far.s_nak = true;
	far_pass(1900 * SEC);
	CHECK(!have(MINE));
	far.s_nak = false;
	far.s_addr = ADDR(10, 0, 0, 77);
	CHECK_EQ("another", 0, dhcp_client_wait(dc, clock_mono() + 200 * SEC));
	CHECK(have(far.s_addr));
	client_end(dc);
	CHECK(!have(far.s_addr));
	far_end();
}

TEST_WITH(one_of_two_servers_is_chosen, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	far.s_servers = 2;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK_EQ("the first", SERVER, dc->dc_lease.dl_msg.dm_server);
	client_end(dc);
	far_end();
}

TEST_WITH(hostile_answers_do_no_harm, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	far.s_garbage = true;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK(have(MINE));
	CHECK_EQ("the right one", SERVER, dc->dc_lease.dl_msg.dm_server);
	far_pass(2000 * SEC);
	CHECK(have(MINE));
	client_end(dc);
	far_end();
}

TEST_WITH(the_mtu_is_set_and_put_back, SEEDS)
{
	struct dhcp_client *dc;

	far_reset();
	far.s_mtu = 1400;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK_EQ("as told", 1400, far_ifp->if_mtu);
	client_end(dc);
	CHECK_EQ("as before", 1500, far_ifp->if_mtu);
	far.s_mtu = 68;
	dc = client_bound();
	CHECK_EQ("no less than 576", 1500, far_ifp->if_mtu);
	client_end(dc);
	far_end();
}

TEST_WITH(an_interface_may_vanish_at_any_time, .ht_flags = KEEPS, .ht_seeds = 30)
{
	struct dhcp_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	NEED(dhcp_client_start(far_ns, "eth0", &dc) == 0);
	far_pass((int64_t)random_below(600) * (SEC / 1000));
	if_detach(far_ifp);
	(void)dhcp_client_wait(dc, clock_mono() + 100 * SEC);
	far_pass(SEC);
	CHECK(dc->dc_ic.ic_over);
	CHECK_EQ("why", ECANCELED, dc->dc_ic.ic_error);
	ifclient_rele(&dc->dc_ic);
	if_rele(far_ifp);
	netns_rele(far_ns);
	netns_drain();
}

TEST_WITH(a_name_space_may_end_at_any_time, .ht_flags = KEEPS, .ht_seeds = 30)
{
	struct dhcp_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	NEED(dhcp_client_start(far_ns, "eth0", &dc) == 0);
	far_pass((int64_t)random_below(600) * (SEC / 1000));
	ifclient_rele(&dc->dc_ic);
	netns_rele(far_ns);
	netns_drain();
	if_rele(far_ifp);
}

TEST_WITH(only_one_client_an_interface, SEEDS)
{
	struct dhcp_client *dc, *other;

	far_reset();
	NEED(far_make(far_frame) == 0);
	CHECK_EQ("no such", ENODEV, dhcp_client_start(far_ns, "eth1", &dc));
	CHECK_EQ("no Ethernet", EOPNOTSUPP, dhcp_client_start(far_ns, "lo", &dc));
	dc = client_bound();
	CHECK_EQ("there is one", EEXIST, dhcp_client_start(far_ns, "eth0", &other));
	CHECK(other == dc);
	ifclient_rele(&other->dc_ic);
	client_end(dc);
	far_end();
}

TEST_WITH(starting_twice_keeps_nothing, SEEDS)
{
	struct dhcp_client *dc;
	unsigned int refs;

	far_reset();
	NEED(far_make(far_frame) == 0);
	netns_enter(curproc(), far_ns);
	dc = client_bound();
	refs = dc->dc_ic.ic_refs;
	vcpu_leave(curlwp());		/* as a program */
	CHECK_EQ("there is one", EEXIST, rump_pub_netconfig_dhcp_ipv4_start("eth0"));
	CHECK_EQ("references", refs, dc->dc_ic.ic_refs);
	CHECK_EQ("waited for", 0, rump_pub_netconfig_dhcp_ipv4_oneshot("eth0"));
	CHECK_EQ("references", refs, dc->dc_ic.ic_refs);
	CHECK_EQ("stop", 0, rump_pub_netconfig_dhcp_ipv4_stop("eth0"));
	CHECK_EQ("none is left", ENOENT, rump_pub_netconfig_dhcp_ipv4_stop("eth0"));
	vcpu_enter(curlwp());
	ifclient_rele(&dc->dc_ic);
	netns_enter(curproc(), netns0);
	far_end();
}

static int
lease_and_back(void)
{
	struct dhcp_client *dc;
	int error;

	far_reset();
	error = far_make(far_frame);
	if (error)
		return error;
	error = dhcp_client_start(far_ns, "eth0", &dc);
	if (error == 0) {
		error = dhcp_client_wait(dc, clock_mono() + 600 * SEC);
		CHECK_EQ("all or nothing", error == 0, have(MINE));
		client_end(dc);
		CHECK(!have(MINE));
	}
	far_end();
	return error;
}

TEST_WITH(each_failed_allocation_is_survived, .ht_flags = KEEPS, .ht_seconds = 120)
{
	CHECK_EQ("threads are there afterwards", 0, lease_and_back());
	fault_sweep(FAULT_MEMORY, lease_and_back);
}
