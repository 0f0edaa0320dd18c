/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_dad.c - link-local addresses and duplicate address detection (RFC 4862, 7527)
 */

#include "ip6_host.h"

NET_TEST(an_interface_that_comes_up_looks_for_its_link_local_address)
{
	struct inaddr ll, group;
	struct host h;
	struct heard e;
	const char *why;
	struct nd_ns ns;
	struct nd_msg m;

	host_create(&h, 7);
	ll = host_eui64(&h, "fe80::");
	host_wait(0);
	CHECK_EQ("tentative", IFA_F_PERMANENT | IFA_F_TENTATIVE, host_flags(&h, &ll));
	host_wait(1100);
	group = ip6_solicited_node(&ll);
	NEED(host_hear(&h, ND_NS, &e));
	CHECK(inaddr_zero(&e.e_f.f_src));
	CHECK(inaddr_eq(&e.e_f.f_dst, &group));
	m = (struct nd_msg){ e.e_msg, e.e_msglen, e.e_f.f_src, e.e_f.f_dst, e.e_f.f_hops };
	NEED(nd_ns_parse(&m, &ns, &why) == 0);
	CHECK(inaddr_eq(&ns.ns_target, &ll));
	CHECK(ns.ns_dad && ns.ns_nonce != NULL);
	CHECK(!host_hear(&h, ND_NS, &e));
	host_wait(1100);
	CHECK_EQ("ours", IFA_F_PERMANENT, host_flags(&h, &ll));
	host_destroy(&h);
}

NET_TEST(the_group_of_an_address_is_reported_before_the_first_probe)
{
	struct host h;
	struct heard e;
	bool reported = false, probed = false;

	host_create(&h, 7);
	host_wait(2500);
	while (host_next(&h, &e)) {
		if (e.e_proto != IPPROTO_ICMPV6)
			continue;
		if (e.e_msg[0] == MLD_REPORT2)
			reported = true;
		if (e.e_msg[0] == ND_NS) {
			probed = true;
			CHECK(reported);
		}
	}
	CHECK(probed);
	host_destroy(&h);
}

/* A solicitation or advertisement for the host's link-local address. */
static void
somebody_asks(struct host *h, const struct inaddr *target, const uint8_t *nonce)
{
	struct inaddr group = ip6_solicited_node(target);
	char dst[IP6_ADDRSTRLEN];
	uint8_t msg[ND_BUILD_MAX];
	size_t len = nd_ns_build(msg, target, NULL, 0, nonce);

	host_icmp(h, "::", ip6_addr_format(&group, dst), 255, msg, len);
	host_wait(1);
}

static void
somebody_has(struct host *h, const struct inaddr *target)
{
	static const uint8_t mac[6] = { 2, 9, 9, 9, 9, 9 };
	struct nd_na na = { .na_target = *target, .na_override = true, .na_tlla = { mac, 6 } };
	char src[IP6_ADDRSTRLEN];
	uint8_t msg[ND_BUILD_MAX];
	size_t len = nd_na_build(msg, &na);

	host_icmp(h, ip6_addr_format(target, src), "ff02::1", 255, msg, len);
	host_wait(1);
}

NET_TEST(an_address_that_somebody_has_is_not_used)
{
	struct inaddr ll;
	struct host h;

	host_create(&h, 7);
	ll = host_eui64(&h, "fe80::");
	host_wait(500);
	somebody_has(&h, &ll);
	CHECK_EQ("failed", IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DADFAILED,
	    host_flags(&h, &ll));
	host_wait(10000);
	CHECK_EQ("for good", IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DADFAILED,
	    host_flags(&h, &ll));
	host_destroy(&h);
}

NET_TEST(of_two_who_want_an_address_neither_gets_it)
{
	static const uint8_t other[ND_NONCELEN] = { 9, 9, 9, 9, 9, 9 };
	struct inaddr ll;
	struct host h;

	host_create(&h, 7);
	ll = host_eui64(&h, "fe80::");
	host_wait(500);
	somebody_asks(&h, &ll, other);
	CHECK_EQ("failed", IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DADFAILED,
	    host_flags(&h, &ll));
	host_destroy(&h);
}

NET_TEST(a_probe_that_the_link_brings_back_is_ours)
{
	struct inaddr ll;
	struct host h;
	struct heard e;
	const char *why;
	struct nd_ns ns;
	struct nd_msg m;

	host_create(&h, 7);
	ll = host_eui64(&h, "fe80::");
	host_wait(1100);
	NEED(host_hear(&h, ND_NS, &e));
	m = (struct nd_msg){ e.e_msg, e.e_msglen, e.e_f.f_src, e.e_f.f_dst, e.e_f.f_hops };
	NEED(nd_ns_parse(&m, &ns, &why) == 0 && ns.ns_nonce != NULL);
	somebody_asks(&h, &ll, ns.ns_nonce);
	host_wait(2000);
	CHECK_EQ("ours", IFA_F_PERMANENT, host_flags(&h, &ll));
	host_destroy(&h);
}

NET_TEST(who_probes_for_our_address_is_told_to_all_nodes)
{
	struct inaddr ll, all = host_addr("ff02::1");
	struct host h;
	struct heard e;

	host_create(&h, 7);
	host_settle(&h);
	ll = host_eui64(&h, "fe80::");
	somebody_asks(&h, &ll, NULL);
	NEED(host_hear(&h, ND_NA, &e));
	CHECK(inaddr_eq(&e.e_f.f_dst, &all));
	CHECK_EQ("override, not solicited", 0x20, e.e_msg[4]);
	CHECK_EQ("still ours", IFA_F_PERMANENT, host_flags(&h, &ll));
	host_destroy(&h);
}

NET_TEST(a_stable_identifier_that_is_taken_gives_way_to_the_next)
{
	struct inaddr a;
	struct host h;
	struct heard e;

	host_create_down(&h, 7);
	host_set(&h, &ip6_var_addr_gen_mode, ADDR_GEN_STABLE);
	host_up(&h);
	for (unsigned int i = 0; i < 3; i++) {
		NEED(host_await(&h, ND_NS, &e, 1200));
		memcpy(&a, e.e_msg + 8, 16);
		CHECK(ip6_linklocal(&a));
		somebody_has(&h, &a);
		CHECK_EQ("gone", ~0u, host_flags(&h, &a));
	}
	NEED(host_await(&h, ND_NS, &e, 1200));
	memcpy(&a, e.e_msg + 8, 16);
	host_wait(1200);
	CHECK_EQ("the last one stays", IFA_F_PERMANENT, host_flags(&h, &a));
	host_destroy(&h);
}

NET_TEST(without_probes_an_address_is_ours_at_once)
{
	struct inaddr ll;
	struct host h;

	host_create_down(&h, 7);
	host_set(&h, &ip6_var_dad_transmits, 0);
	host_up(&h);
	ll = host_eui64(&h, "fe80::");
	host_wait(1);
	CHECK_EQ("ours", IFA_F_PERMANENT, host_flags(&h, &ll));
	host_destroy(&h);
}

NET_TEST(an_interface_that_goes_down_forgets_its_addresses_and_begins_anew)
{
	struct inaddr ll;
	struct host h;

	host_create(&h, 7);
	host_settle(&h);
	ll = host_eui64(&h, "fe80::");
	mutex_enter(&h.h_ns->ns_lock);
	CHECK_EQ("down", 0, if_setflags(h.h_ifp, 0, IFF_UP));
	mutex_exit(&h.h_ns->ns_lock);
	CHECK_EQ("gone", ~0u, host_flags(&h, &ll));
	host_up(&h);
	CHECK_EQ("tentative", IFA_F_PERMANENT | IFA_F_TENTATIVE, host_flags(&h, &ll));
	host_settle(&h);
	CHECK_EQ("ours", IFA_F_PERMANENT, host_flags(&h, &ll));
	host_destroy(&h);
}

NET_TEST(ipv6_can_be_taken_off_a_host_and_put_back)
{
	struct inaddr ll;
	struct host h;

	host_create(&h, 7);
	host_settle(&h);
	ll = host_eui64(&h, "fe80::");
	host_set(&h, &ip6_var_disable, 1);
	host_wait(1);
	CHECK_EQ("gone", ~0u, host_flags(&h, &ll));
	host_set(&h, &ip6_var_disable, 0);
	host_settle(&h);
	CHECK_EQ("back", IFA_F_PERMANENT, host_flags(&h, &ll));
	host_destroy(&h);
}

static int
host_comes_and_goes(void)
{
	struct netns *ns;
	struct ifnet *ifp;
	static const struct if_ops ops = { .ifo_kind = "test" };
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	int error;

	error = netns_create(&ns);
	if (error)
		return error;
	error = if_alloc("t%d", &ops, NULL, &ifp);
	if (error)
		goto out;
	if_ethernet(ifp, mac);
	error = if_attach(ns, ifp);
	if (error == 0)
		if_detach(ifp);
	if_rele(ifp);
out:
	netns_rele(ns);
	netns_drain();
	qsbr_barrier();
	return error;
}

NET_TEST(each_failed_allocation_of_a_host_is_survived)
{
	/* Each seat makes its random generator when it first needs one. */
	for (unsigned int i = 0; i < 8; i++) {
		CHECK_EQ("unhindered", 0, host_comes_and_goes());
		(void)random_u64();
	}
	fault_sweep(FAULT_MEMORY, host_comes_and_goes);
}
