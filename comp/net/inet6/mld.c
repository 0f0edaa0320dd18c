/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mld.c - the groups of an interface
 *
 * A group is born with the first who wants it and stays, without anybody wanting it,
 * until the routers have been told of that.  Whether a packet's group is one of
 * ours is read lock-free from the list; all else is under ns_lock.
 *
 * A change of what is wanted is reported at once and some times more at random
 * moments (RFC 3810 section 6.1); what the reports say is computed from the state
 * before the first unreported change and the present one, in mld_report.c.
 *
 * NEEDSWORK: a query for group and sources is answered with all that is wanted of
 * the group, which is more than was asked (RFC 3810 section 6.2).
 */

#include "mld_impl.h"

#include <lib/string.h>

static struct mld_group *
group_find(const struct mld_if *mi, const struct inaddr *group)
{
	struct mld_group *mg;

	for (mg = atomic_load_acq(&mi->mi_groups); mg != NULL;
	    mg = atomic_load_acq(&mg->mg_next)) {
		if (inaddr_eq(&mg->mg_addr, group))
			return mg;
	}
	return NULL;
}

bool
mld_member(const struct ip6_if *ii, const struct inaddr *group)
{
	const struct mld_group *mg = group_find(ii->ii_mld, group);

	return mg != NULL && atomic_load(&mg->mg_active);
}

static void
group_free(struct qsbr_head *qh)
{
	struct mld_group *mg = container_of(qh, struct mld_group, mg_qsbr);

	ip6_sources_free(mg->mg_now);
	ip6_sources_free(mg->mg_base);
	kmem_free(mg, sizeof(*mg));
}

static void
group_remove(struct mld_if *mi, struct mld_group *mg)
{
	struct mld_group **pp = &mi->mi_groups;

	while (*pp != mg)
		pp = &(*pp)->mg_next;
	atomic_store_rel(pp, mg->mg_next);
	qsbr_call(&mg->mg_qsbr, group_free);
}

/* Nobody wants it yet. */
static struct mld_group *
group_get(struct mld_if *mi, const struct inaddr *group)
{
	struct mld_group *mg = group_find(mi, group);

	if (mg != NULL)
		return mg;
	mg = kmem_zalloc(sizeof(*mg), KM_NOSLEEP);
	if (mg == NULL)
		return NULL;
	mg->mg_addr = *group;
	mg->mg_queryat = KTIME_NEVER;
	list_init(&mg->mg_filters);
	mg->mg_now = ip6_sources_alloc(false, 0);
	mg->mg_base = ip6_sources_alloc(false, 0);
	if (mg->mg_now == NULL || mg->mg_base == NULL) {
		group_free(&mg->mg_qsbr);
		return NULL;
	}
	mg->mg_next = mi->mi_groups;
	atomic_store_rel(&mi->mi_groups, mg);
	return mg;
}

/* Of no use to anybody, and nobody is left to be told. */
static bool
group_unused(const struct mld_group *mg)
{
	return mg->mg_users == 0 && list_empty(&mg->mg_filters) && mg->mg_left == 0;
}

/* The link has to hear it, or need no longer. */
static int
group_setactive(struct ip6_if *ii, struct mld_group *mg, bool active)
{
	uint8_t ll[IF_LLADDR] = { 0 };
	int error = 0;

	if (mg->mg_active == active)
		return 0;
	if (ii->ii_ifp->if_addrlen == 6) {
		ip6_group_lladdr(&mg->mg_addr, ll);
		error = if_multicast(ii->ii_ifp, ll, active);
	}
	if (error == 0)
		atomic_store(&mg->mg_active, active);
	return error;
}

/* What is wanted is now s: routers are to be told, unless s says nothing new. */
static void
group_setstate(struct ip6_if *ii, struct mld_group *mg, struct ip6_sources *s)
{
	struct mld_if *mi = ii->ii_mld;

	if (mld_state_eq(s, mg->mg_now)) {
		ip6_sources_free(s);
		return;
	}
	if (s->s_exclude != mg->mg_now->s_exclude)
		mg->mg_modechange = true;
	ip6_sources_free(mg->mg_now);
	mg->mg_now = s;
	if (mi->mi_up && mld_reportable(&mg->mg_addr) && ip6_if_hasnd(ii->ii_ifp)) {
		mg->mg_left = mi->mi_robustness;
		mg->mg_at = 0;
		ip6_kick(ii->ii_ifp->if_ns);
	} else {
		mg->mg_left = 0;
	}
}

/*
 * Users or filters of mg changed, or are about to: s is what they want.  The
 * only failure is a link that cannot listen; s is freed then.
 */
static int
group_update(struct ip6_if *ii, struct mld_group *mg, struct ip6_sources *s)
{
	bool want = mg->mg_users > 0 || !list_empty(&mg->mg_filters);
	int error = group_setactive(ii, mg, want);

	if (error) {
		ip6_sources_free(s);
		return error;
	}
	group_setstate(ii, mg, s);
	if (group_unused(mg))
		group_remove(ii->ii_mld, mg);
	return 0;
}

static int
group_changed(struct ip6_if *ii, struct mld_group *mg)
{
	struct ip6_sources *s = mld_state_merge(mg);

	return s == NULL ? ENOMEM : group_update(ii, mg, s);
}

/*
 * Somebody has gone, which cannot fail: without memory for the new state the old
 * one stays told as long as others are there, and is empty otherwise.
 */
static void
group_left(struct ip6_if *ii, struct mld_group *mg)
{
	struct ip6_sources *s = mld_state_merge(mg);

	if (s != NULL) {
		(void)group_update(ii, mg, s);
		return;
	}
	if (mg->mg_users > 0 || !list_empty(&mg->mg_filters))
		return;
	(void)group_setactive(ii, mg, false);
	mg->mg_left = 0;
	group_remove(ii->ii_mld, mg);
}

int
mld_join(struct ip6_if *ii, const struct inaddr *group)
{
	struct mld_group *mg = group_get(ii->ii_mld, group);
	int error;

	if (mg == NULL)
		return ENOMEM;
	mg->mg_users++;
	error = group_changed(ii, mg);
	if (error) {
		mg->mg_users--;
		if (group_unused(mg))
			group_remove(ii->ii_mld, mg);
	}
	return error;
}

void
mld_leave(struct ip6_if *ii, const struct inaddr *group)
{
	struct mld_group *mg = group_find(ii->ii_mld, group);

	if (mg == NULL || mg->mg_users == 0)
		return;
	mg->mg_users--;
	group_left(ii, mg);
}

/* --- sockets' filters -------------------------------------------------------------- */

int
mld_filter_add(struct ip6_if *ii, struct mld_filter *mf)
{
	struct mld_group *mg = group_get(ii->ii_mld, &mf->mf_addr);
	int error;

	if (mg == NULL)
		return ENOMEM;
	list_insert_tail(&mg->mg_filters, &mf->mf_link);
	error = group_changed(ii, mg);
	if (error) {
		list_remove(&mf->mf_link);
		if (group_unused(mg))
			group_remove(ii->ii_mld, mg);
		return error;
	}
	mf->mf_group = mg;
	return 0;
}

static void
sources_reap(struct qsbr_head *qh)
{
	ip6_sources_free(container_of(qh, struct ip6_sources, s_qsbr));
}

int
mld_filter_set(struct ip6_if *ii, struct mld_filter *mf, struct ip6_sources *s)
{
	struct ip6_sources *was = mf->mf_sources;
	int error;

	atomic_store_rel(&mf->mf_sources, s);
	error = mf->mf_group != NULL ? group_changed(ii, mf->mf_group) : 0;
	if (error) {
		atomic_store_rel(&mf->mf_sources, was);
		qsbr_call(&s->s_qsbr, sources_reap);
		return error;
	}
	qsbr_call(&was->s_qsbr, sources_reap);
	return 0;
}

void
mld_filter_remove(struct ip6_if *ii, struct mld_filter *mf)
{
	struct mld_group *mg = mf->mf_group;

	if (mg == NULL)
		return;
	list_remove(&mf->mf_link);
	mf->mf_group = NULL;
	group_left(ii, mg);
}

/* --- the interface ------------------------------------------------------------------ */

int
mld_if_create(struct ip6_if *ii)
{
	struct mld_if *mi = kmem_zalloc(sizeof(*mi), KM_SLEEP);

	if (mi == NULL)
		return ENOMEM;
	mi->mi_robustness = MLD_ROBUSTNESS;
	mi->mi_queryat = KTIME_NEVER;
	ii->ii_mld = mi;
	return 0;
}

void
mld_if_detach(struct ip6_if *ii)
{
	struct mld_group *mg, *next;

	for (mg = ii->ii_mld->mi_groups; mg != NULL; mg = next) {
		next = mg->mg_next;
		while (!list_empty(&mg->mg_filters)) {
			struct mld_filter *mf = container_of(list_first(&mg->mg_filters),
			    struct mld_filter, mf_link);

			list_remove(&mf->mf_link);
			mf->mf_group = NULL;
		}
		(void)group_setactive(ii, mg, false);
		group_remove(ii->ii_mld, mg);
	}
}

void
mld_if_destroy(struct ip6_if *ii)
{
	kmem_free(ii->ii_mld, sizeof(*ii->ii_mld));
}

/* All-nodes, and what sockets wanted while it was down. */
void
mld_if_up(struct ip6_if *ii)
{
	struct inaddr all = ip6_group(IP6_SCOPE_LINK, 1);
	struct mld_if *mi = ii->ii_mld;
	struct mld_group *mg;

	mi->mi_up = true;
	(void)mld_join(ii, &all);
	for (mg = mi->mi_groups; mg != NULL; mg = mg->mg_next) {
		if (!mld_reportable(&mg->mg_addr) || !ip6_if_hasnd(ii->ii_ifp))
			continue;
		mg->mg_left = mi->mi_robustness;
		mg->mg_modechange = true;
		mg->mg_at = 0;
	}
}

void
mld_if_down(struct ip6_if *ii)
{
	struct inaddr all = ip6_group(IP6_SCOPE_LINK, 1);
	struct mld_if *mi = ii->ii_mld;
	struct mld_group *mg, *next;

	mld_leave(ii, &all);
	mi->mi_up = false;
	mi->mi_v1until = 0;
	mi->mi_queryat = KTIME_NEVER;
	for (mg = mi->mi_groups; mg != NULL; mg = next) {
		next = mg->mg_next;
		mg->mg_left = 0;
		mg->mg_queryat = KTIME_NEVER;
		if (group_unused(mg))
			group_remove(mi, mg);
	}
}

/* --- queries ----------------------------------------------------------------------------- */

bool
mld_speaks_v1(const struct ip6_if *ii, int64_t now)
{
	int force = netvar_get(ii->ii_ifp->if_ns, &ip6_var_mld_version);

	return force == 1 || (force == 0 && now < ii->ii_mld->mi_v1until);
}

static int64_t
query_delay(const struct mld_query *q, int64_t now)
{
	return now + (int64_t)(random_u64() % (uint64_t)(q->q_maxdelay * MSEC + 1));
}

void
mld_query(struct ip6_if *ii, const struct nd_msg *m, bool alert, int64_t now)
{
	struct mld_if *mi = ii->ii_mld;
	struct mld_group *mg;
	struct mld_query q;
	const char *why;

	if (!mi->mi_up || mld_query_parse(m, alert, &q, &why))
		return;
	ip6_count(mld_queries);
	if (q.q_version == 1)
		mi->mi_v1until = now + MLD_V1_TIMEOUT;
	else if (q.q_robustness != 0)
		mi->mi_robustness = q.q_robustness;
	if (inaddr_zero(&q.q_group)) {
		mi->mi_queryat = ip6_sooner(mi->mi_queryat, query_delay(&q, now));
		return;
	}
	mg = group_find(mi, &q.q_group);
	if (mg != NULL && mg->mg_active)
		mg->mg_queryat = ip6_sooner(mg->mg_queryat, query_delay(&q, now));
}

/* Another host has told the routers (RFC 2710 section 4). */
void
mld_heard(struct ip6_if *ii, const struct nd_msg *m, int64_t now)
{
	struct mld_group *mg;
	struct inaddr group;
	const char *why;

	if (mld_report1_parse(m, true, &group, &why) || !mld_speaks_v1(ii, now))
		return;
	mg = group_find(ii->ii_mld, &group);
	if (mg == NULL)
		return;
	mg->mg_queryat = KTIME_NEVER;
	mg->mg_reported = false;
	if (mg->mg_active)
		mg->mg_left = 0;
}

static int64_t
group_due(const struct mld_group *mg)
{
	return ip6_sooner(mg->mg_left > 0 ? mg->mg_at : KTIME_NEVER, mg->mg_queryat);
}

int64_t
mld_run(struct ip6_if *ii, int64_t now, struct packetq *out)
{
	struct mld_if *mi = ii->ii_mld;
	int64_t due = mi->mi_queryat;
	struct mld_group *mg, *next;

	if (!mi->mi_up || !ii->ii_running || !ip6_if_hasnd(ii->ii_ifp))
		return KTIME_NEVER;
	for (mg = mi->mi_groups; mg != NULL; mg = mg->mg_next)
		due = ip6_sooner(due, group_due(mg));
	if (now < due)
		return due;
	mld_report_run(ii, now, out);
	due = mi->mi_queryat;
	for (mg = mi->mi_groups; mg != NULL; mg = next) {
		next = mg->mg_next;
		if (group_unused(mg))
			group_remove(mi, mg);
		else
			due = ip6_sooner(due, group_due(mg));
	}
	return due;
}
