/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mld_report.c - what routers are told of our groups
 *
 * Version 2: all records that are due go into as few reports as the MTU allows: current
 * state if a query wants it, changes otherwise.  Version 1, while an old querier is
 * about: a message a group, and Done when the last who had reported leaves.
 *
 * Before the link-local address is known to be ours reports come from :: (RFC 3590);
 * the solicited-node group must be heard by snooping switches before that.
 */

#include "mld_impl.h"

#include <lib/string.h>

#define REPORT_MAX	(IP6_MINMTU - IP6_HDRLEN - 8)	/* fits every link */

struct report {
	struct ip6_if	*r_ii;
	struct packetq	*r_out;
	struct inaddr	 r_src;
	uint16_t	 r_n;
	size_t		 r_len;
	uint8_t		 r_buf[REPORT_MAX];
};

static void
message_send(struct ip6_if *ii, const void *msg, size_t len, const struct inaddr *src,
    const struct inaddr *dst, struct packetq *out)
{
	struct packet *p = ip6_packet_make(ii->ii_ifp, msg, len, src, dst, 1, true);

	if (p == NULL)
		return;		/* it is repeated, or asked for again */
	packetq_put(out, p);
	ip6_count(mld_reports);
}

static void
report_flush(struct report *r)
{
	struct inaddr dst = ip6_group(IP6_SCOPE_LINK, 0x16);

	if (r->r_n == 0)
		return;
	mld_report2_head(r->r_buf, r->r_n);
	message_send(r->r_ii, r->r_buf, r->r_len, &r->r_src, &dst, r->r_out);
	r->r_n = 0;
	r->r_len = MLD_HDRLEN;
}

/* One record; at most MLD_MAXSOURCES sources, which always fit into one report. */
static void
report_add(struct report *r, uint8_t type, const struct inaddr *group,
    const struct inaddr *src, unsigned int n)
{
	size_t need = MLD_RECLEN + n * sizeof(*src);

	if (sizeof(r->r_buf) - r->r_len < need)
		report_flush(r);
	mld_record_build(r->r_buf + r->r_len, type, group, (uint16_t)n);
	if (n > 0)
		memcpy(r->r_buf + r->r_len + MLD_RECLEN, src, n * sizeof(*src));
	r->r_len += need;
	r->r_n++;
}
_Static_assert(MLD_HDRLEN + MLD_RECLEN + MLD_MAXSOURCES * 16 <= REPORT_MAX, "a record fits");

/* Those of a that are not in b, as one record; none: no record. */
static void
report_difference(struct report *r, uint8_t type, const struct inaddr *group,
    const struct ip6_sources *a, const struct ip6_sources *b)
{
	struct inaddr set[MLD_MAXSOURCES];
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->s_n; i++) {
		if (!ip6_sources_has(b, &a->s_src[i]))
			set[n++] = a->s_src[i];
	}
	if (n > 0)
		report_add(r, type, group, set, n);
}

/* RFC 3810 section 6.1 */
static void
report_change(struct report *r, const struct mld_group *mg)
{
	const struct ip6_sources *now = mg->mg_now, *base = mg->mg_base;

	if (mg->mg_modechange) {
		report_add(r, now->s_exclude ? MLD_TO_EX : MLD_TO_IN, &mg->mg_addr,
		    now->s_src, now->s_n);
		return;
	}
	/* Excluding one more blocks it, including one more allows it. */
	report_difference(r, now->s_exclude ? MLD_BLOCK : MLD_ALLOW, &mg->mg_addr, now, base);
	report_difference(r, now->s_exclude ? MLD_ALLOW : MLD_BLOCK, &mg->mg_addr, base, now);
}

static void
report_current(struct report *r, const struct mld_group *mg)
{
	const struct ip6_sources *now = mg->mg_now;

	if (mg->mg_active && mld_reportable(&mg->mg_addr))
		report_add(r, now->s_exclude ? MLD_IS_EX : MLD_IS_IN, &mg->mg_addr,
		    now->s_src, now->s_n);
}

/* All have been told: what is now is what others know.  A copy that cannot be had is retried. */
static void
change_settle(struct mld_group *mg)
{
	struct ip6_sources *s = ip6_sources_alloc(mg->mg_now->s_exclude, mg->mg_now->s_n);

	mg->mg_modechange = s == NULL;
	if (s == NULL)
		return;
	memcpy(s->s_src, mg->mg_now->s_src, s->s_n * sizeof(s->s_src[0]));
	ip6_sources_free(mg->mg_base);
	mg->mg_base = s;
}

static void
change_sent(struct mld_group *mg, int64_t now)
{
	if (--mg->mg_left == 0)
		change_settle(mg);
	else
		mg->mg_at = now + 1 + random_below(MLD_UNSOLICITED);
}

static void
group_run2(struct report *r, struct mld_group *mg, bool general, int64_t now)
{
	if (mg->mg_left > 0 && now >= mg->mg_at) {
		report_change(r, mg);
		change_sent(mg, now);
	}
	if (general || now >= mg->mg_queryat) {
		report_current(r, mg);
		mg->mg_queryat = KTIME_NEVER;
	}
}

static void
v1_send(struct report *r, struct mld_group *mg, bool done)
{
	struct inaddr dst = done ? ip6_group(IP6_SCOPE_LINK, 2) : mg->mg_addr;
	uint8_t msg[24];

	mld_v1_build(msg, done ? MLD_DONE : MLD_REPORT1, &mg->mg_addr);
	message_send(r->r_ii, msg, sizeof(msg), &r->r_src, &dst, r->r_out);
	mg->mg_reported = !done;
}

static void
group_run1(struct report *r, struct mld_group *mg, bool general, int64_t now)
{
	bool due = general || now >= mg->mg_queryat;

	if (mg->mg_left > 0 && now >= mg->mg_at) {
		if (mg->mg_active) {
			due = true;
			change_sent(mg, now);
		} else {
			if (mg->mg_reported)
				v1_send(r, mg, true);
			mg->mg_left = 0;
			change_settle(mg);
		}
	}
	if (general || now >= mg->mg_queryat)
		mg->mg_queryat = KTIME_NEVER;
	if (due && mg->mg_active && mld_reportable(&mg->mg_addr))
		v1_send(r, mg, false);
}

void
mld_report_run(struct ip6_if *ii, int64_t now, struct packetq *out)
{
	struct report *r = kmem_zalloc(sizeof(*r), KM_NOSLEEP);
	struct mld_if *mi = ii->ii_mld;
	bool general = now >= mi->mi_queryat, old = mld_speaks_v1(ii, now);
	struct mld_group *mg;

	if (general)
		mi->mi_queryat = KTIME_NEVER;
	if (r == NULL) {		/* in a while */
		for (mg = mi->mi_groups; mg != NULL; mg = mg->mg_next)
			mg->mg_at = now + NSEC_PER_SEC;
		return;
	}
	r->r_ii = ii;
	r->r_out = out;
	r->r_len = MLD_HDRLEN;
	(void)ip6_if_linklocal(ii->ii_ifp, &r->r_src);
	for (mg = mi->mi_groups; mg != NULL; mg = mg->mg_next) {
		if (old)
			group_run1(r, mg, general, now);
		else
			group_run2(r, mg, general, now);
	}
	report_flush(r);
	kmem_free(r, sizeof(*r));
}
