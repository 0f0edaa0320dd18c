/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_igmp.c - telling routers which groups we are in
 *
 * IGMPv3 (RFC 3376), and versions 2 and 1 while a querier of that kind has been heard
 * (section 7.2.1).  Each group remembers the filter that was reported last; a
 * change is reported at once and again, "robustness" times in all, at random moments
 * (section 5.1); queries are answered at a random moment of the time they grant (5.2).
 *
 * One callout an interface: what is due is put together under mc_lock and sent after
 * it is dropped.  So joining, which holds more locks, never sends.
 */

#include "ip_mcast_impl.h"

#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/random.h>

#include "igmp_wire.h"

#define ROBUSTNESS	2			/* RFC 3376 section 8.1 */
#define QUERY_INTERVAL	(125 * NSEC_PER_SEC)	/* 8.2 */
#define RESPONSE_TIME	(10 * NSEC_PER_SEC)	/* 8.3 */
#define UNSOLICITED_V3	(1 * NSEC_PER_SEC)	/* 8.11 */
#define UNSOLICITED_V2	(10 * NSEC_PER_SEC)	/* RFC 2236 section 8.10 */
#define REPORT_MAX	1400

static const struct inaddr all_hosts = { .ia_b = { 224, 0, 0, 1 } };
static const struct inaddr all_routers = { .ia_b = { 224, 0, 0, 2 } };
static const struct inaddr all_v3_routers = { .ia_b = { 224, 0, 0, 22 } };

/* Messages on their way: each with its destination in front, in p_cb. */
#define MSG_DST(p)	((struct inaddr *)(uintptr_t)(p)->p_cb)

static void	igmp_timer(void *arg);

void
igmp_if_init(struct ip_mcif *mc)
{
	mc->mc_robust = ROBUSTNESS;
	mc->mc_interval = QUERY_INTERVAL;
	mc->mc_general_at = KTIME_NEVER;
	callout_init(&mc->mc_timer, igmp_timer, mc);
}

static int64_t
random_delay(int64_t max)
{
	return (int64_t)(random_u64() % (uint64_t)(max > 0 ? max : 1));
}

static int
igmp_version(const struct ip_mcif *mc, int64_t now)
{
	int forced = netvar_get(mc->mc_ifp->if_ns, &netvar_force_igmp_version);

	if (forced != 0)
		return forced;
	if (mc->mc_v1until > now)
		return 1;
	return mc->mc_v2until > now ? 2 : 3;
}

static int64_t
igmp_next(const struct ip_mcif *mc)
{
	int64_t next = mc->mc_general_at;

	for (const struct ip_mcgroup *mg = mc->mc_groups; mg != NULL; mg = mg->mg_next) {
		if (mg->mg_change_at < next)
			next = mg->mg_change_at;
		if (mg->mg_answer_at < next)
			next = mg->mg_answer_at;
	}
	return next;
}

static void
igmp_rearm(struct ip_mcif *mc)
{
	int64_t next = igmp_next(mc);

	if (next != KTIME_NEVER)
		(void)callout_schedule(&mc->mc_timer, next);
}

/* --- what changed here ---------------------------------------------------- */

void
igmp_group_changed(struct ip_mcif *mc, struct ip_mcgroup *mg)
{
	if (inaddr_eq(&mg->mg_addr, &all_hosts) || !mc->mc_up ||
	    (atomic_load(&mc->mc_ifp->if_flags) & (IFF_LOOPBACK | IFF_MULTICAST)) != IFF_MULTICAST) {
		mg->mg_resend = 0;
		return;
	}
	mg->mg_resend = mc->mc_robust;
	mg->mg_change_at = clock_mono();
	igmp_rearm(mc);
}

void
igmp_if_up(struct ip_mcif *mc)
{
	mc->mc_v1until = mc->mc_v2until = 0;
	mc->mc_robust = ROBUSTNESS;
	for (struct ip_mcgroup *mg = mc->mc_groups; mg != NULL; mg = mg->mg_next) {
		mg->mg_told.mf_mode = MCAST_INCLUDE;
		mg->mg_told.mf_n = 0;
		igmp_group_changed(mc, mg);
	}
}

void
igmp_if_down(struct ip_mcif *mc)
{
	for (struct ip_mcgroup *mg = mc->mc_groups; mg != NULL; mg = mg->mg_next) {
		mg->mg_resend = 0;
		mg->mg_change_at = mg->mg_answer_at = KTIME_NEVER;
	}
	mc->mc_general_at = KTIME_NEVER;
	(void)callout_stop(&mc->mc_timer);
}

/* --- messages ------------------------------------------------------------- */

static void
message_put(struct packetq *q, const struct inaddr *dst, const uint8_t *b, size_t len)
{
	struct packet *p = packet_from(b, len, KM_NOSLEEP);

	if (p == NULL)
		return;
	*MSG_DST(p) = *dst;
	packetq_put(q, p);
}

/* A report in the making. */
struct report {
	struct packetq	*r_q;
	size_t		 r_len;
	uint16_t	 r_n;
	uint8_t		 r_buf[REPORT_MAX];
};

static void
report_flush(struct report *r)
{
	if (r->r_n == 0)
		return;
	igmp_report_finish(r->r_buf, r->r_len, r->r_n);
	message_put(r->r_q, &all_v3_routers, r->r_buf, r->r_len);
	r->r_n = 0;
	r->r_len = IGMP_MINLEN;
}

static void
report_put(struct report *r, uint8_t kind, const struct inaddr *group, const uint32_t *src,
    uint16_t n)
{
	size_t len = igmp_record_put(r->r_buf, r->r_len, sizeof(r->r_buf), kind, group->ia_w[0],
	    src, n);

	if (len == 0) {
		report_flush(r);
		len = igmp_record_put(r->r_buf, r->r_len, sizeof(r->r_buf), kind, group->ia_w[0],
		    src, n);
	}
	r->r_len = len;
	r->r_n++;
}

/* Of a those that b has, or has not. */
static uint16_t
sources_pick(const uint32_t *a, uint16_t na, const uint32_t *b, uint16_t nb, bool common,
    uint32_t *ret_src)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < na; i++) {
		bool found = false;

		for (uint16_t k = 0; k < nb && !found; k++)
			found = a[i] == b[k];
		if (found == common)
			ret_src[n++] = a[i];
	}
	return n;
}

/* RFC 3376 section 5.1: what differs between told and now. */
static void
report_change(struct report *r, struct ip_mcgroup *mg, const struct ip_mcfilter *now)
{
	const struct ip_mcfilter *told = &mg->mg_told;
	uint32_t src[MCAST_SRCMAX];
	bool include = now->mf_mode == MCAST_INCLUDE;
	uint16_t n;

	if (now->mf_mode != told->mf_mode) {
		report_put(r, include ? IGMP_TO_IN : IGMP_TO_EX, &mg->mg_addr, now->mf_src,
		    now->mf_n);
		return;
	}
	n = sources_pick(now->mf_src, now->mf_n, told->mf_src, told->mf_n, false, src);
	if (n != 0)
		report_put(r, include ? IGMP_ALLOW : IGMP_BLOCK, &mg->mg_addr, src, n);
	n = sources_pick(told->mf_src, told->mf_n, now->mf_src, now->mf_n, false, src);
	if (n != 0)
		report_put(r, include ? IGMP_BLOCK : IGMP_ALLOW, &mg->mg_addr, src, n);
}

/* Section 5.2: the answer to a query for the group, or for some of its sources. */
static void
report_answer(struct report *r, struct ip_mcgroup *mg)
{
	uint32_t src[MCAST_SRCMAX];
	struct ip_mcfilter mf;
	uint16_t n;

	if (mg->mg_gone || inaddr_eq(&mg->mg_addr, &all_hosts))
		return;
	ip_mcgroup_filter(mg, &mf);
	if (mg->mg_nasked == 0) {
		report_put(r, mf.mf_mode == MCAST_INCLUDE ? IGMP_IS_IN : IGMP_IS_EX, &mg->mg_addr,
		    mf.mf_src, mf.mf_n);
		return;
	}
	n = sources_pick(mg->mg_asked, mg->mg_nasked, mf.mf_src, mf.mf_n,
	    mf.mf_mode == MCAST_INCLUDE, src);
	if (n != 0)
		report_put(r, IGMP_IS_IN, &mg->mg_addr, src, n);
}

/* Versions 1 and 2 know groups only. */
static void
old_report(struct packetq *q, struct ip_mcgroup *mg, int version, bool leave)
{
	uint8_t b[IGMP_MINLEN];

	if (inaddr_eq(&mg->mg_addr, &all_hosts) || (leave && (version == 1 || !mg->mg_reporter)))
		return;
	igmp_message_build(b, leave ? IGMP_V2_LEAVE : version == 1 ? IGMP_V1_REPORT :
								     IGMP_V2_REPORT,
	    mg->mg_addr.ia_w[0]);
	message_put(q, leave ? &all_routers : &mg->mg_addr, b, sizeof(b));
	mg->mg_reporter = !leave;
}

/* --- what is due ---------------------------------------------------------- */

static void
change_due(struct ip_mcif *mc, struct ip_mcgroup *mg, struct report *r, int version, int64_t now)
{
	struct ip_mcfilter mf;

	ip_mcgroup_filter(mg, &mf);
	if (version == 3)
		report_change(r, mg, &mf);
	else if (mf.mf_mode == MCAST_INCLUDE && mf.mf_n == 0)
		old_report(r->r_q, mg, version, true);
	else
		old_report(r->r_q, mg, version, false);
	if (mg->mg_resend > 0)
		mg->mg_resend--;
	/* A leave of version 2 is said once. */
	if (mg->mg_resend == 0 || (version != 3 && mg->mg_gone)) {
		mg->mg_resend = 0;
		mg->mg_told = mf;
		mg->mg_change_at = KTIME_NEVER;
	} else {
		mg->mg_change_at = now + random_delay(version == 3 ? UNSOLICITED_V3 : UNSOLICITED_V2);
	}
}

static void
igmp_due(struct ip_mcif *mc, struct packetq *q) REQUIRES(mc->mc_lock)
{
	int64_t now = clock_mono();
	int version = igmp_version(mc, now);
	struct report r = { .r_q = q, .r_len = IGMP_MINLEN };

	for (struct ip_mcgroup *mg = mc->mc_groups; mg != NULL; mg = mg->mg_next) {
		bool general = mc->mc_general_at <= now;

		if (mg->mg_answer_at <= now || general) {
			if (general)
				mg->mg_nasked = 0;
			if (version == 3)
				report_answer(&r, mg);
			else if (!mg->mg_gone)
				old_report(q, mg, version, false);
			mg->mg_answer_at = KTIME_NEVER;
		}
		if (mg->mg_change_at <= now)
			change_due(mc, mg, &r, version, now);
	}
	if (mc->mc_general_at <= now)
		mc->mc_general_at = KTIME_NEVER;
	report_flush(&r);
	ip_mcif_sweep(mc);
	igmp_rearm(mc);
}

/* Section 4: TTL 1, internetwork control, the router alert of RFC 2113. */
static void
igmp_send(struct ifnet *ifp, struct packet *p)
{
	static const uint8_t alert[4] = { 148, 4, 0, 0 };
	struct inet_tx tx = {
		.it_ns = ifp->if_ns, .it_family = AF_INET, .it_proto = IPPROTO_IGMP,
		.it_tos = 0xc0, .it_ttl = 1, .it_flags = INET_TX_DF | INET_TX_NOLOOP,
		.it_dst = *MSG_DST(p), .it_options = alert, .it_optlen = sizeof(alert),
	};
	struct packetq q = PACKETQ_INITIALIZER;
	const struct ifaddr *ifa = ifaddr_select(ifp, AF_INET, &tx.it_dst, RT_SCOPE_LINK);
	struct rtkey rk = { .rk_family = AF_INET, .rk_dst = tx.it_dst, .rk_oif = ifp->if_index };
	struct rtdst *rd;

	if (ifa != NULL)
		tx.it_src = rk.rk_src = ifa->ifa_addr;
	if (route_lookup(ifp->if_ns, &rk, &rd) != 0) {
		packet_free(p);
		return;
	}
	inet_count(IGMPSTAT_OUTREPORTS);
	packetq_put(&q, p);
	ip_output(&tx, rd, &q);
	rtdst_rele(rd);
}

static void
igmp_timer(void *arg)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct ip_mcif *mc = arg;
	struct packet *p;

	mutex_enter(&mc->mc_lock);
	if (mc->mc_up)
		igmp_due(mc, &q);
	mutex_exit(&mc->mc_lock);
	while ((p = packetq_get(&q)) != NULL)
		igmp_send(mc->mc_ifp, p);
}

/* --- what routers and other hosts say ------------------------------------- */

static void
earlier(int64_t *at, int64_t when)
{
	if (when < *at)
		*at = when;
}

static void
query_group(struct ip_mcgroup *mg, const struct igmp_query *iq, int64_t when)
{
	bool pending = mg->mg_answer_at != KTIME_NEVER;
	uint32_t src;

	earlier(&mg->mg_answer_at, when);
	/* All of it was asked for already, or is now. */
	if (iq->iq_nsrc == 0 || (pending && mg->mg_nasked == 0)) {
		mg->mg_nasked = 0;
		return;
	}
	if (!pending)
		mg->mg_nasked = 0;
	for (uint16_t i = 0; i < iq->iq_nsrc; i++) {
		if (mg->mg_nasked == MCAST_SRCMAX) {
			mg->mg_nasked = 0;
			return;
		}
		memcpy(&src, iq->iq_srcs + i * 4u, sizeof(src));
		mg->mg_asked[mg->mg_nasked++] = src;
	}
}

static void
query_input(struct ip_mcif *mc, const struct igmp_query *iq) REQUIRES(mc->mc_lock)
{
	int64_t now = clock_mono(), when = now + random_delay(iq->iq_maxresp);
	struct ip_mcgroup *mg;

	inet_count(IGMPSTAT_INQUERIES);
	if (iq->iq_version < 3)
		*(iq->iq_version == 1 ? &mc->mc_v1until : &mc->mc_v2until) =
		    now + (int64_t)mc->mc_robust * mc->mc_interval + RESPONSE_TIME;
	if (iq->iq_robust != 0)
		mc->mc_robust = iq->iq_robust;
	if (iq->iq_interval != 0)
		mc->mc_interval = iq->iq_interval;
	if (inaddr_zero(&iq->iq_group) && igmp_version(mc, now) == 3) {
		earlier(&mc->mc_general_at, when);
	} else if (inaddr_zero(&iq->iq_group)) {
		for (mg = mc->mc_groups; mg != NULL; mg = mg->mg_next)
			earlier(&mg->mg_answer_at, now + random_delay(iq->iq_maxresp));
	} else {
		mg = ip_mcgroup_find(mc, &iq->iq_group);
		if (mg != NULL && !mg->mg_gone)
			query_group(mg, iq, when);
	}
	igmp_rearm(mc);
}

/* RFC 2236 section 3: another member has answered, one report is enough. */
static void
report_input(struct ip_mcif *mc, const uint8_t *b) REQUIRES(mc->mc_lock)
{
	struct inaddr group = { .ia_d = { 0, 0 } };
	struct ip_mcgroup *mg;

	inet_count(IGMPSTAT_INREPORTS);
	memcpy(&group.ia_w[0], b + 4, 4);
	mg = ip_mcgroup_find(mc, &group);
	if (mg == NULL || igmp_version(mc, clock_mono()) == 3)
		return;
	mg->mg_answer_at = KTIME_NEVER;
	mg->mg_reporter = false;
}

static void
igmp_input_one(struct netns *ns, struct packet *p)
{
	uint8_t b[REPORT_MAX];
	size_t len = p->p_len < sizeof(b) ? p->p_len : sizeof(b);
	struct ifnet *ifp = if_byindex(ns, INET_RX(p)->ir_ifindex);
	struct in_ifinfo *ii = ifp != NULL ? ip_ifinfo(ifp) : NULL;
	struct igmp_query iq;

	if (ii == NULL || (p->p_flags & PKT_F_LOOPED) != 0)
		return;
	if (len < IGMP_MINLEN || packet_sum_fold(packet_sum(p, 0, p->p_len, 0)) != 0) {
		inet_count(IGMPSTAT_INERRORS);
		return;
	}
	packet_copyout(p, 0, b, len);
	/*
	 * Waiting would end the read section that keeps the interface's part alive.  A
	 * message lost here is as one lost on the wire: routers repeat theirs.
	 */
	if (!mutex_tryenter(&ii->ii_mc->mc_lock))
		return;
	if (!ii->ii_mc->mc_up)
		goto out;
	if (b[0] == IGMP_V1_REPORT || b[0] == IGMP_V2_REPORT)
		report_input(ii->ii_mc, b);
	else if (igmp_query_parse(b, len, &iq) == 0)
		query_input(ii->ii_mc, &iq);
out:
	mutex_exit(&ii->ii_mc->mc_lock);
}

static void
igmp_input(struct netns *ns, struct packetq *q)
{
	struct packet *p;

	while ((p = packetq_get(q)) != NULL) {
		igmp_input_one(ns, p);
		packet_free(p);
	}
}

const struct inet_proto igmp_proto = {
	.ip_proto	= IPPROTO_IGMP,
	.ip_input	= igmp_input,
};
