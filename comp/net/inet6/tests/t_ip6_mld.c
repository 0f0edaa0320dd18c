/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_mld.c - what routers are told of groups (RFC 3810, 2710)
 */

#include "ip6_host.h"
#include "mld_impl.h"

#define SECONDS(n)	((n) * 1000LL)
#define GROUP		"ff05::77"

static void
ready(struct host *h)
{
	host_create(h, 7);
	host_settle(h);
}

static int
join(struct host *h, const char *group)
{
	struct inaddr g = host_addr(group);
	int error;

	mutex_enter(&h->h_ns->ns_lock);
	error = mld_join(ip6_if(h->h_ifp), &g);
	mutex_exit(&h->h_ns->ns_lock);
	return error;
}

static void
leave(struct host *h, const char *group)
{
	struct inaddr g = host_addr(group);

	mutex_enter(&h->h_ns->ns_lock);
	mld_leave(ip6_if(h->h_ifp), &g);
	mutex_exit(&h->h_ns->ns_lock);
}

/* Records of that group in all reports since; their types in ret_types, sources in ret_n. */
static unsigned int
records(struct host *h, const char *group, uint8_t *ret_types, unsigned int *ret_n)
{
	struct inaddr g = host_addr(group), dst = host_addr("ff02::16");
	unsigned int n = 0;
	struct heard e;

	while (host_hear(h, MLD_REPORT2, &e)) {
		size_t off = MLD_HDRLEN;

		CHECK(inaddr_eq(&e.e_f.f_dst, &dst));
		CHECK_EQ("hops", 1, e.e_f.f_hops);
		CHECK_EQ("alert", IP6_OPT_ALERT, e.e_buf[IP6_HDRLEN + 2]);
		for (unsigned int i = be16_get(e.e_msg + 6); i > 0; i--) {
			const uint8_t *r = e.e_msg + off;

			NEED(e.e_msglen - off >= MLD_RECLEN);
			if (memcmp(r + 4, &g, 16) == 0 && n < 8) {
				ret_types[n] = r[0];
				ret_n[n++] = be16_get(r + 2);
			}
			off += MLD_RECLEN + be16_get(r + 2) * 16u;
		}
		CHECK_EQ("all of it", e.e_msglen, off);
	}
	return n;
}

static void
query(struct host *h, const char *group, unsigned int version, uint16_t delay)
{
	struct inaddr g = host_addr(group);
	uint8_t msg[28] = { MLD_QUERY };

	be16_put(msg + 4, delay);
	memcpy(msg + 8, &g, 16);
	msg[24] = 2;
	msg[25] = 125;
	host_mld(h, "fe80::fe", inaddr_zero(&g) ? "ff02::1" : group, msg, version == 1 ? 24 : 28);
	host_wait(1);
}

NET_TEST(a_group_is_reported_when_it_is_joined_and_left_twice_each)
{
	uint8_t types[8];
	unsigned int n[8];
	struct host h;

	ready(&h);
	CHECK_EQ("join", 0, join(&h, GROUP));
	host_wait(SECONDS(5));
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_TO_EX && types[1] == MLD_TO_EX && n[0] == 0);
	leave(&h, GROUP);
	CHECK(!mld_member(ip6_if(h.h_ifp), &(struct inaddr){ .ia_b = { 0xff, 5, [15] = 0x77 } }));
	host_wait(SECONDS(5));
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_TO_IN && types[1] == MLD_TO_IN && n[0] == 0);
	host_destroy(&h);
}

NET_TEST(memberships_are_counted)
{
	uint8_t types[8];
	unsigned int n[8];
	struct host h;

	ready(&h);
	CHECK_EQ("join", 0, join(&h, GROUP));
	CHECK_EQ("join", 0, join(&h, GROUP));
	host_settle(&h);
	leave(&h, GROUP);
	host_wait(SECONDS(5));
	CHECK_EQ("nothing changed", 0, records(&h, GROUP, types, n));
	leave(&h, GROUP);
	host_wait(SECONDS(5));
	CHECK_EQ("left", 2, records(&h, GROUP, types, n));
	host_destroy(&h);
}

NET_TEST(a_query_is_answered_with_what_is_joined_in_its_time)
{
	uint8_t types[8];
	unsigned int n[8];
	struct host h;

	ready(&h);
	CHECK_EQ("join", 0, join(&h, GROUP));
	host_settle(&h);
	query(&h, "::", 2, 10000);
	host_wait(SECONDS(10));
	NEED(records(&h, GROUP, types, n) == 1);
	CHECK_EQ("state", MLD_IS_EX, types[0]);
	query(&h, GROUP, 2, 1000);
	host_wait(SECONDS(1));
	NEED(records(&h, GROUP, types, n) == 1);
	CHECK_EQ("state", MLD_IS_EX, types[0]);
	query(&h, "ff05::78", 2, 1000);
	host_wait(SECONDS(2));
	CHECK_EQ("not ours", 0, records(&h, GROUP, types, n));
	host_destroy(&h);
}

NET_TEST(all_nodes_is_never_reported)
{
	uint8_t types[8];
	unsigned int n[8];
	struct host h;

	ready(&h);
	query(&h, "::", 2, 1000);
	host_wait(SECONDS(2));
	CHECK_EQ("all nodes", 0, records(&h, "ff02::1", types, n));
	host_destroy(&h);
}

NET_TEST(an_old_querier_is_spoken_to_in_its_language)
{
	struct inaddr group = host_addr(GROUP), routers = host_addr("ff02::2");
	uint8_t types[8];
	unsigned int n[8];
	struct heard e;
	struct host h;

	ready(&h);
	query(&h, "::", 1, 1000);
	host_settle(&h);
	CHECK_EQ("join", 0, join(&h, GROUP));
	host_wait(SECONDS(3));
	NEED(host_hear(&h, MLD_REPORT1, &e));
	CHECK(inaddr_eq(&e.e_f.f_dst, &group));
	CHECK_MEM("group", &group, e.e_msg + 8, 16);
	host_settle(&h);
	leave(&h, GROUP);
	host_wait(SECONDS(3));
	NEED(host_hear(&h, MLD_DONE, &e));
	CHECK(inaddr_eq(&e.e_f.f_dst, &routers));
	/* After 260 seconds it is forgotten. */
	host_wait(SECONDS(270));
	host_forget(&h);
	CHECK_EQ("join", 0, join(&h, GROUP));
	host_wait(SECONDS(3));
	CHECK_EQ("version 2 again", 2, records(&h, GROUP, types, n));
	host_destroy(&h);
}

NET_TEST(a_report_of_another_host_saves_ours)
{
	uint8_t msg[24] = { MLD_REPORT1 };
	struct inaddr group = host_addr(GROUP);
	struct heard e;
	struct host h;
	bool heard = false;

	ready(&h);
	query(&h, "::", 1, 1000);
	CHECK_EQ("join", 0, join(&h, GROUP));
	host_settle(&h);
	query(&h, GROUP, 1, 10000);
	memcpy(msg + 8, &group, 16);
	host_mld(&h, "fe80::9", GROUP, msg, sizeof(msg));
	host_wait(SECONDS(20));
	while (host_hear(&h, MLD_REPORT1, &e))
		heard |= memcmp(e.e_msg + 8, &group, 16) == 0;
	CHECK(!heard);
	/* Who did not speak last says nothing when it leaves. */
	leave(&h, GROUP);
	host_wait(SECONDS(3));
	CHECK(!host_hear(&h, MLD_DONE, &e));
	host_destroy(&h);
}

/* --- source filters --------------------------------------------------------------- */

static struct mld_filter *
filter_make(bool exclude, unsigned int n, uint8_t first)
{
	struct mld_filter *mf = kmem_zalloc(sizeof(*mf), 0);

	NEED(mf != NULL);
	mf->mf_addr = host_addr(GROUP);
	mf->mf_sources = ip6_sources_alloc(exclude, n);
	NEED(mf->mf_sources != NULL);
	for (unsigned int i = 0; i < n; i++) {
		mf->mf_sources->s_src[i] = host_addr("2001:db8::");
		mf->mf_sources->s_src[i].ia_b[15] = (uint8_t)(first + i);
	}
	return mf;
}

static void
filter_add(struct host *h, struct mld_filter *mf)
{
	mutex_enter(&h->h_ns->ns_lock);
	CHECK_EQ("add", 0, mld_filter_add(ip6_if(h->h_ifp), mf));
	mutex_exit(&h->h_ns->ns_lock);
	host_wait(SECONDS(5));
}

static void
filter_remove(struct host *h, struct mld_filter *mf)
{
	mutex_enter(&h->h_ns->ns_lock);
	mld_filter_remove(ip6_if(h->h_ifp), mf);
	mutex_exit(&h->h_ns->ns_lock);
	ip6_sources_free(mf->mf_sources);
	kmem_free(mf, sizeof(*mf));
	host_wait(SECONDS(5));
}

NET_TEST(the_sources_of_several_sockets_are_merged)
{
	struct mld_filter *a, *b, *c;
	uint8_t types[8];
	unsigned int n[8];
	struct host h;

	ready(&h);
	a = filter_make(false, 2, 1);		/* include 1, 2 */
	b = filter_make(false, 2, 2);		/* include 2, 3 */
	c = filter_make(true, 3, 2);		/* exclude 2, 3, 4 */
	filter_add(&h, a);
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_ALLOW && n[0] == 2);
	filter_add(&h, b);
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_ALLOW && n[0] == 1);
	filter_add(&h, c);			/* exclude 4: others want 1 to 3 */
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_TO_EX && n[0] == 1);
	filter_remove(&h, b);			/* exclude 3, 4: a wants 1, 2 */
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_BLOCK && n[0] == 1);
	filter_remove(&h, c);
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_TO_IN && n[0] == 2);
	filter_remove(&h, a);
	NEED(records(&h, GROUP, types, n) == 2);
	CHECK(types[0] == MLD_BLOCK && n[0] == 2);
	host_destroy(&h);
}

static const struct {
	const char *label, *src;
	uint8_t hops;
	bool alert;
} bad_queries[] = {
	{ "hop limit", "fe80::fe", 255, true },
	{ "no alert", "fe80::fe", 1, false },
	{ "from afar", "2001:db8::fe", 1, true },
};

NET_TEST(queries_that_are_not_valid_are_not_answered)
{
	uint8_t msg[28];
	uint8_t types[8];
	unsigned int n[8];
	struct host h;

	ready(&h);
	CHECK_EQ("join", 0, join(&h, GROUP));
	host_settle(&h);
	for (size_t i = 0; i < ARRAY_SIZE(bad_queries); i++) {
		memset(msg, 0, sizeof(msg));
		msg[0] = MLD_QUERY;
		be16_put(msg + 4, 100);
		if (bad_queries[i].alert && bad_queries[i].hops == 1)
			host_mld(&h, bad_queries[i].src, "ff02::1", msg, sizeof(msg));
		else
			host_icmp(&h, bad_queries[i].src, "ff02::1", bad_queries[i].hops, msg,
			    sizeof(msg));
		host_wait(SECONDS(2));
		CHECK_EQ(bad_queries[i].label, 0, records(&h, GROUP, types, n));
	}
	host_destroy(&h);
}
