/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_dhcp6_client.c - a client on an interface, with servers and routers at the other end
 *
 * The far end of the link is this file: what the client sends goes to the servers, what
 * they answer comes in as from a link (farlink.h).  Time is virtual, so leases of
 * hours are renewed and lost in no time.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <net/packet.h>
#include <sys/errno.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <harness.h>

#include "dhcp6_impl.h"
#include "farlink.h"

#define SEC	NSEC_PER_SEC
#define IP6	40
#define UDP	8
#define ND_RA	134
#define ND_NS	135
#define ND_NA	136

static const uint8_t mac_nodes[6] = { 0x33, 0x33, [5] = 1 };
static const struct inaddr far_ll = { .ia_b = { 0xfe, 0x80, [8] = 2, [11] = 0xff, 0xfe, [15] = 2 } };
static const struct inaddr all_nodes = { .ia_b = { 0xff, 2, [15] = 1 } };

/* How the servers behave, and what they saw. */
static struct {
	bool		s_mute, s_renew_only, s_garbage, s_rapid, s_forgot;
	uint16_t	s_status;	/* of what they reply to a REQUEST */
	uint16_t	s_iastatus;
	uint32_t	s_preferred, s_valid;
	uint8_t		s_addr;		/* its last byte */
	uint8_t		s_taken;	/* the address that somebody has; 0: none */
	unsigned int	s_seen[DHCP6_NTYPES];
	struct inaddr	s_from;
	struct dhcp6_duid s_client;
} far;

static void
far_reset(void)
{
	memset(&far, 0, sizeof(far));
	far_loses = 0;
	far.s_preferred = 3600;
	far.s_valid = 7200;
	far.s_addr = 0x50;
}

static struct inaddr
address(uint8_t last)
{
	return (struct inaddr){ .ia_b = { 0xfd, 0x77, [15] = last } };
}

/* --- the far end ------------------------------------------------------------------- */

static uint16_t
sum_of(const struct inaddr *src, const struct inaddr *dst, uint8_t next, const uint8_t *data,
    size_t len)
{
	uint32_t sum = packet_sum_bytes(src->ia_b, 16, net16(next) + net16((uint16_t)len));

	sum = packet_sum_bytes(dst->ia_b, 16, sum);
	return packet_sum_fold(packet_sum_bytes(data, len, sum));
}

/* len bytes of a protocol, its checksum at sumoff, as a frame from the far end. */
static void
far_ip(const struct inaddr *dst, uint8_t next, uint8_t hops, uint8_t *data, size_t len,
    size_t sumoff)
{
	uint8_t buf[IP6 + DHCP6_MAXLEN + UDP] = { 0x60 };
	uint16_t sum;

	memset(data + sumoff, 0, 2);
	sum = sum_of(&far_ll, dst, next, data, len);
	if (sum == 0)
		sum = 0xffff;
	memcpy(data + sumoff, &sum, 2);
	be16_put(buf + 4, (uint16_t)len);
	buf[6] = next;
	buf[7] = hops;
	memcpy(buf + 8, far_ll.ia_b, 16);
	memcpy(buf + 24, dst->ia_b, 16);
	memcpy(buf + IP6, data, len);
	far_send(dst->ia_b[0] == 0xff ? mac_nodes : far_near, ETH_P_IPV6, buf, IP6 + len);
}

static uint8_t *
opt(uint8_t *p, uint16_t code, const void *val, size_t len)
{
	be16_put(p, code);
	be16_put(p + 2, (uint16_t)len);
	memcpy(p + 4, val, len);
	return p + 4 + len;
}

static uint8_t *
status(uint8_t *p, uint16_t code)
{
	uint8_t be[2];

	be16_put(be, code);
	return opt(p, DHCP6_OPT_STATUS, be, 2);
}

static uint8_t *
ia_put(uint8_t *p, uint32_t iaid, uint16_t iastatus)
{
	uint8_t ia[12 + 28] = { 0 }, *value = ia + 16;
	struct inaddr a = address(far.s_addr);

	be32_put(ia, iaid);
	if (iastatus != DHCP6_SUCCESS)
		return opt(p, DHCP6_OPT_IA_NA, ia, (size_t)(status(ia + 12, iastatus) - ia));
	be16_put(ia + 12, DHCP6_OPT_IAADDR);
	be16_put(ia + 14, 24);
	memcpy(value, a.ia_b, 16);
	be32_put(value + 16, far.s_preferred);
	be32_put(value + 20, far.s_valid);
	return opt(p, DHCP6_OPT_IA_NA, ia, sizeof(ia));
}

static void
far_reply(const struct dhcp6_msg *dm, uint8_t type, const char *server, uint16_t code,
    uint16_t iastatus)
{
	static const uint8_t dns[16] = { 0xfd, 0x77, [15] = 0x53 };
	uint8_t buf[UDP + 600], *p = buf + UDP + 4;

	be32_put(buf + UDP, (uint32_t)type << 24 | dm->dm_xid);
	p = opt(p, DHCP6_OPT_CLIENTID, dm->dm_client.du_data, dm->dm_client.du_len);
	p = opt(p, DHCP6_OPT_SERVERID, server, strlen(server));
	p = opt(p, DHCP6_OPT_DNS, dns, sizeof(dns));
	p = opt(p, DHCP6_OPT_SEARCH, "\7example\3org\0", 13);
	if (code != DHCP6_SUCCESS)
		p = status(p, code);
	if (type == DHCP6_REPLY && dm->dm_type == DHCP6_SOLICIT)
		p = opt(p, DHCP6_OPT_RAPID, "", 0);
	if (dm->dm_ia && dm->dm_type != DHCP6_RELEASE && dm->dm_type != DHCP6_DECLINE)
		p = ia_put(p, dm->dm_iaid, iastatus);
	be16_put(buf, DHCP6_SERVER_PORT);
	be16_put(buf + 2, DHCP6_CLIENT_PORT);
	be16_put(buf + 4, (uint16_t)(p - buf));
	far_ip(&far.s_from, IPPROTO_UDP, 64, buf, (size_t)(p - buf), 6);
}

/* Everything but what was asked for, by everybody but who was asked, cut and whole. */
static void
far_garbage(const struct dhcp6_msg *dm)
{
	struct dhcp6_msg other = *dm;
	uint8_t noise[UDP + 200];

	other.dm_xid ^= 0x10;
	for (uint8_t type = 0; type < 14; type++) {
		far_reply(&other, type, "server", 0, 0);
		if (type != DHCP6_ADVERTISE && type != DHCP6_REPLY)
			far_reply(dm, type, "server", 0, 0);
		if (type != DHCP6_ADVERTISE && dm->dm_type != DHCP6_SOLICIT)
			far_reply(dm, type, "evil", DHCP6_NOTONLINK, DHCP6_NOBINDING);
		random_bytes(noise, sizeof(noise));
		be16_put(noise, DHCP6_SERVER_PORT);
		be16_put(noise + 2, DHCP6_CLIENT_PORT);
		be16_put(noise + 4, sizeof(noise));
		be32_put(noise + UDP, DHCP6_REPLY << 24 | dm->dm_xid);
		far_ip(&far.s_from, IPPROTO_UDP, 64, noise, sizeof(noise), 6);
	}
}

static void
far_dhcp(const struct dhcp6_msg *dm)
{
	bool renewal = dm->dm_type == DHCP6_RENEW || dm->dm_type == DHCP6_REBIND;

	NEED(dm->dm_type < DHCP6_NTYPES);
	far.s_seen[dm->dm_type]++;
	far.s_client = dm->dm_client;
	if (far.s_mute || (far.s_renew_only && !renewal))
		return;
	if (far.s_garbage)
		far_garbage(dm);
	if (dm->dm_type == DHCP6_SOLICIT && far.s_rapid && dm->dm_rapid)
		far_reply(dm, DHCP6_REPLY, "server", 0, far.s_iastatus);
	else if (dm->dm_type == DHCP6_SOLICIT)
		far_reply(dm, DHCP6_ADVERTISE, "server", 0, far.s_iastatus);
	else if (dm->dm_type == DHCP6_REQUEST)
		far_reply(dm, DHCP6_REPLY, "server", far.s_status, 0);
	else if (renewal && far.s_forgot)
		far_reply(dm, DHCP6_REPLY, "server", 0, DHCP6_NOBINDING);
	else
		far_reply(dm, DHCP6_REPLY, "server", 0, 0);
}

/* Somebody has the address: he says so to who probes for it. */
static void
far_solicited(const uint8_t *icmp)
{
	struct inaddr taken = address(far.s_taken);
	uint8_t na[32] = { ND_NA, [4] = 0x20, [24] = 2, 1 };

	if (far.s_taken == 0 || memcmp(icmp + 8, taken.ia_b, 16) != 0)
		return;
	memcpy(na + 8, taken.ia_b, 16);
	memcpy(na + 26, far_mac, 6);
	far_ip(&all_nodes, IPPROTO_ICMPV6, 255, na, sizeof(na), 2);
}

static void
far_advertise(bool managed, bool other)
{
	uint8_t ra[16] = { ND_RA, [4] = 64, 0, [6] = 7, 8 };

	ra[5] = (uint8_t)((managed ? 0x80 : 0) | (other ? 0x40 : 0));
	far_ip(&all_nodes, IPPROTO_ICMPV6, 255, ra, sizeof(ra), 2);
}

static void
far_frame(const uint8_t *frame, size_t framelen)
{
	const uint8_t *ip = frame + ETH_HLEN, *udp = ip + IP6;
	size_t len = framelen - ETH_HLEN;
	struct dhcp6_msg dm;
	struct inaddr dst;

	if (be16_get(frame + 12) != ETH_P_IPV6 || len < IP6 + UDP || ip[0] >> 4 != 6)
		return;
	if (ip[6] == IPPROTO_ICMPV6 && udp[0] == ND_NS)
		far_solicited(udp);
	if (ip[6] != IPPROTO_UDP)
		return;
	memcpy(far.s_from.ia_b, ip + 8, 16);
	memcpy(dst.ia_b, ip + 24, 16);
	CHECK_EQ("from the link's address", 0xfe80, be16_get(ip + 8));
	CHECK_EQ("to servers and relays", 0xff02, be16_get(ip + 24));
	CHECK_EQ("to their port", DHCP6_SERVER_PORT, be16_get(udp + 2));
	CHECK_EQ("the sum", 0, sum_of(&far.s_from, &dst, IPPROTO_UDP, udp, len - IP6));
	NEED(CHECK_EQ("a sound message", 0, dhcp6_parse(udp + UDP, len - IP6 - UDP,
	    be32_get(far_near + 2), &dm)));
	far_dhcp(&dm);
}

/* --- what the client has ------------------------------------------------------ */

/* 0: not there; 1: tentative or a duplicate; 2: deprecated; 3: good. */
static int
have(uint8_t last)
{
	struct inaddr a = address(last);
	struct ifaddr *ifa = ifaddr_find(far_ns, AF_INET6, &a, far_ifp);

	if (ifa == NULL)
		return 0;
	CHECK_EQ("all its bits", 128, ifa->ifa_plen);
	if ((ifa->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0)
		return 1;
	return (ifa->ifa_flags & IFA_F_DEPRECATED) != 0 ? 2 : 3;
}

static struct dhcp6_client *
client_bound(void)
{
	struct dhcp6_client *dc;

	NEED(CHECK_EQ("start", 0, dhcp6_client_start(far_ns, "eth0", true, &dc)));
	NEED(CHECK_EQ("lease", 0, dhcp6_client_wait(dc, true, clock_mono() + 600 * SEC)));
	return dc;
}

static void
client_end(struct dhcp6_client *dc)
{
	ifclient_stop(&dc->dc_ic);
	ifclient_rele(&dc->dc_ic);
}

/* The kernel's threads for timers and for ends of name spaces stay. */
#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)
#define SEEDS	.ht_flags = KEEPS, .ht_seeds = 8

TEST_WITH(a_lease_brings_an_address_and_takes_it_along, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK_EQ("good", 3, have(0x50));
	CHECK_EQ("resolver", 0x53, dc->dc_lease.dl_msg.dm_dns[0].ia_b[15]);
	CHECK_STR("domain", "example.org", dc->dc_lease.dl_msg.dm_search);
	/* Our hardware address, whoever asks when. */
	CHECK(far.s_client.du_len == 10 && memcmp(far.s_client.du_data, "\0\3\0\1\2\0\0\0\0\1",
	    10) == 0);
	CHECK(far.s_seen[DHCP6_SOLICIT] == 1 && far.s_seen[DHCP6_REQUEST] == 1);
	client_end(dc);
	CHECK_EQ("gone", 0, have(0x50));
	CHECK_EQ("given back", 1, far.s_seen[DHCP6_RELEASE]);
	far_end();
}

TEST_WITH(two_messages_are_enough, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	far.s_rapid = true;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK_EQ("good", 3, have(0x50));
	CHECK_EQ("requests", 0, far.s_seen[DHCP6_REQUEST]);
	client_end(dc);
	far_end();
}

TEST_WITH(a_lease_is_renewed_for_a_month, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	for (int hour = 0; hour < 720; hour++) {
		far_pass(3600 * SEC);
		NEED(have(0x50) == 3 && dc->dc_state == DHCP6_BOUND);
	}
	CHECK_EQ("found once", 1, far.s_seen[DHCP6_SOLICIT]);
	CHECK(far.s_seen[DHCP6_RENEW] >= 1438 && far.s_seen[DHCP6_RENEW] <= 1442);
	client_end(dc);
	far_end();
}

TEST_WITH(lost_messages_are_said_again, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	far_loses = 30;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK(have(0x50) != 0);
	for (int hour = 0; hour < 48; hour++)
		far_pass(3600 * SEC);
	CHECK(have(0x50) != 0);
	client_end(dc);
	CHECK_EQ("gone", 0, have(0x50));
	far_end();
}

TEST_WITH(without_a_server_nothing_comes_and_nothing_stays, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	far.s_mute = true;
	NEED(far_make(far_frame) == 0);
	NEED(dhcp6_client_start(far_ns, "eth0", true, &dc) == 0);
	CHECK_EQ("wait", ETIMEDOUT, dhcp6_client_wait(dc, true, clock_mono() + 60 * SEC));
	CHECK(far.s_seen[DHCP6_SOLICIT] >= 5 && far.s_seen[DHCP6_SOLICIT] <= 7);
	far.s_mute = false;
	CHECK_EQ("late", 0, dhcp6_client_wait(dc, true, clock_mono() + 90 * SEC));
	client_end(dc);
	far_end();
}

/* Deprecated after 3600 s, gone after 7200; then it is looked for again. */
TEST_WITH(the_address_ages_and_goes_with_its_lease, SEEDS)
{
	struct dhcp6_client *dc;
	int64_t ends;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	ends = dc->dc_lease.dl_addr[0].db_valid;
	far.s_mute = true;
	far_pass(ends - clock_mono() - 3601 * SEC);
	CHECK_EQ("preferred", 3, have(0x50));
	far_pass(3 * SEC);
	CHECK_EQ("deprecated", 2, have(0x50));
	CHECK_EQ("rebinding", DHCP6_REBINDING, dc->dc_state);
	far_pass(ends - clock_mono() - SEC);
	CHECK_EQ("still", 2, have(0x50));
	far_pass(2 * SEC);
	CHECK_EQ("gone", 0, have(0x50));
	CHECK_EQ("from the start", DHCP6_SOLICITING, dc->dc_state);
	far.s_mute = false;
	CHECK_EQ("again", 0, dhcp6_client_wait(dc, true, clock_mono() + 90 * SEC));
	CHECK_EQ("good", 3, have(0x50));
	client_end(dc);
	far_end();
}

TEST_WITH(a_shorter_life_is_taken_from_the_server, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	far.s_preferred = 0;
	far.s_valid = 100;
	far_pass(1805 * SEC);
	CHECK_EQ("deprecated at once", 2, have(0x50));
	far.s_mute = true;
	far_pass(101 * SEC);
	CHECK_EQ("gone soon", 0, have(0x50));
	ifclient_rele(&dc->dc_ic);
	far_end();
}

TEST_WITH(a_server_that_forgot_is_asked_again, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	far.s_forgot = true;
	far_pass(1810 * SEC);
	CHECK_EQ("good", 3, have(0x50));
	CHECK_EQ("bound", DHCP6_BOUND, dc->dc_state);
	CHECK_EQ("asked", 2, far.s_seen[DHCP6_REQUEST]);
	client_end(dc);
	far_end();
}

TEST_WITH(an_address_that_somebody_has_is_declined, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	far.s_taken = 0x50;
	NEED(far_make(far_frame) == 0);
	NEED(dhcp6_client_start(far_ns, "eth0", true, &dc) == 0);
	CHECK_EQ("wait", ETIMEDOUT, dhcp6_client_wait(dc, true, clock_mono() + 12 * SEC));
	CHECK_EQ("declined", 1, far.s_seen[DHCP6_DECLINE]);
	CHECK_EQ("gone", 0, have(0x50));
	far.s_addr = 0x51;
	CHECK_EQ("another", 0, dhcp6_client_wait(dc, true, clock_mono() + 60 * SEC));
	CHECK_EQ("good", 3, have(0x51));
	client_end(dc);
	far_end();
}

static const struct { const char *label; uint16_t code, iastatus; } refusals[] = {
	{ "NoAddrsAvail", 0, DHCP6_NOADDRSAVAIL },
	{ "NotOnLink", DHCP6_NOTONLINK, 0 },
	{ "UnspecFail", DHCP6_UNSPECFAIL, 0 },
};

TEST_WITH(refusals_are_borne, .ht_flags = KEEPS)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct dhcp6_client *dc;

		far_reset();
		far.s_status = refusals[i].code;
		far.s_iastatus = refusals[i].iastatus;
		NEED(far_make(far_frame) == 0);
		NEED(dhcp6_client_start(far_ns, "eth0", true, &dc) == 0);
		CHECK_EQ(refusals[i].label, ETIMEDOUT,
		    dhcp6_client_wait(dc, true, clock_mono() + 1000 * SEC));
		CHECK(far.s_seen[DHCP6_SOLICIT] + far.s_seen[DHCP6_REQUEST] < 100);
		CHECK_EQ("nothing", 0, have(0x50));
		far.s_status = far.s_iastatus = 0;
		CHECK_EQ(refusals[i].label, 0,
		    dhcp6_client_wait(dc, true, clock_mono() + 1200 * SEC));
		client_end(dc);
		far_end();
	}
}

TEST_WITH(hostile_answers_do_no_harm, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	far.s_garbage = true;
	NEED(far_make(far_frame) == 0);
	dc = client_bound();
	CHECK_EQ("good", 3, have(0x50));
	CHECK(memcmp(dc->dc_server.du_data, "server", 6) == 0);
	far_pass(2000 * SEC);
	CHECK_EQ("good", 3, have(0x50));
	client_end(dc);
	far_end();
}

/* --- what routers say ------------------------------------------------------------------- */

static struct dhcp6_client *
client_advised(bool managed, bool other)
{
	int error;

	mutex_enter(&far_ns->ns_lock);
	error = if_setflags(far_ifp, IFF_UP, IFF_UP);
	mutex_exit(&far_ns->ns_lock);
	NEED(CHECK_EQ("up", 0, error));
	far_pass(3 * SEC);
	far_advertise(managed, other);
	far_pass(10 * SEC);
	return dhcp6_of(ifclient_find(dhcp6_set(far_ns), "eth0"));
}

TEST_WITH(a_router_that_says_managed_is_believed, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_advised(true, false);
	NEED(dc != NULL);
	CHECK_EQ("good", 3, have(0x50));
	ifclient_rele(&dc->dc_ic);
	far_end();
}

TEST_WITH(a_router_that_says_other_brings_information, SEEDS)
{
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	dc = client_advised(false, true);
	NEED(dc != NULL);
	CHECK_EQ("informed", DHCP6_INFORMED, dc->dc_state);
	CHECK_EQ("asked", 1, far.s_seen[DHCP6_INFORMATION]);
	CHECK_STR("domain", "example.org", dc->dc_lease.dl_msg.dm_search);
	far_pass(86400 * SEC);
	CHECK_EQ("and once a day", 2, far.s_seen[DHCP6_INFORMATION]);
	CHECK_EQ("no address", 0, far.s_seen[DHCP6_SOLICIT]);
	far_advertise(true, true);
	CHECK_EQ("until there are", 0, dhcp6_client_wait(dc, true, clock_mono() + 20 * SEC));
	CHECK_EQ("good", 3, have(0x50));
	ifclient_rele(&dc->dc_ic);
	far_end();
}

TEST_WITH(a_router_that_says_nothing_starts_nothing, SEEDS)
{
	far_reset();
	NEED(far_make(far_frame) == 0);
	CHECK(client_advised(false, false) == NULL);
	far_end();
	NEED(far_make(far_frame) == 0);
	NEED(netvar_set(far_ns, &dhcp6_var_auto, 0) == 0);
	CHECK(client_advised(true, true) == NULL);
	far_end();
}

/* --- ends ---------------------------------------------------------------------------------- */

TEST_WITH(an_interface_may_vanish_at_any_time, .ht_flags = KEEPS, .ht_seeds = 30)
{
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	NEED(dhcp6_client_start(far_ns, "eth0", true, &dc) == 0);
	far_pass((int64_t)random_below(6000) * (SEC / 1000));
	if_detach(far_ifp);
	(void)dhcp6_client_wait(dc, true, clock_mono() + 100 * SEC);
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
	struct dhcp6_client *dc;

	far_reset();
	NEED(far_make(far_frame) == 0);
	NEED(dhcp6_client_start(far_ns, "eth0", true, &dc) == 0);
	far_pass((int64_t)random_below(6000) * (SEC / 1000));
	ifclient_rele(&dc->dc_ic);
	netns_rele(far_ns);
	netns_drain();
	if_rele(far_ifp);
}

TEST_WITH(a_user_may_change_his_mind_at_any_time, .ht_flags = KEEPS, .ht_seeds = 30)
{
	struct dhcp6_client *dc;

	far_reset();
	far.s_mute = (random_u64() & 1) != 0;
	NEED(far_make(far_frame) == 0);
	NEED(dhcp6_client_start(far_ns, "eth0", true, &dc) == 0);
	far_pass((int64_t)random_below(6000) * (SEC / 1000));
	client_end(dc);
	CHECK_EQ("gone", 0, have(0x50));
	CHECK(dhcp6_of(ifclient_find(dhcp6_set(far_ns), "eth0")) == NULL);
	far_end();
}

TEST_WITH(only_one_client_an_interface, SEEDS)
{
	struct dhcp6_client *dc, *other;

	far_reset();
	NEED(far_make(far_frame) == 0);
	CHECK_EQ("no such", ENODEV, dhcp6_client_start(far_ns, "eth1", true, &dc));
	CHECK_EQ("no Ethernet", EOPNOTSUPP, dhcp6_client_start(far_ns, "lo", true, &dc));
	dc = client_bound();
	CHECK_EQ("there is one", EEXIST, dhcp6_client_start(far_ns, "eth0", true, &other));
	CHECK(other == dc);
	ifclient_rele(&other->dc_ic);
	client_end(dc);
	far_end();
}

static int
lease_and_back(void)
{
	struct dhcp6_client *dc;
	int error;

	far_reset();
	far.s_rapid = true;
	error = far_make(far_frame);
	if (error)
		return error;
	error = dhcp6_client_start(far_ns, "eth0", true, &dc);
	if (error == 0) {
		error = dhcp6_client_wait(dc, true, clock_mono() + 600 * SEC);
		client_end(dc);
		CHECK_EQ("gone", 0, have(0x50));
	}
	far_end();
	return error;
}

TEST_WITH(each_failed_allocation_is_survived, .ht_flags = KEEPS, .ht_seconds = 120)
{
	CHECK_EQ("threads are there afterwards", 0, lease_and_back());
	fault_sweep(FAULT_MEMORY, lease_and_back);
}
