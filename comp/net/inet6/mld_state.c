/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mld_state.c - sets of sources, and what several filters want together
 *
 * RFC 3810 section 4.2: if anybody excludes, the group excludes those whom all
 * excluders exclude and nobody includes; else it includes whom anybody includes.
 */

#include "mld_impl.h"

#include <lib/string.h>

struct ip6_sources *
ip6_sources_alloc(bool exclude, unsigned int n)
{
	struct ip6_sources *s = kmem_zalloc(sizeof(*s) + n * sizeof(s->s_src[0]), KM_NOSLEEP);

	if (s != NULL) {
		s->s_exclude = exclude;
		s->s_n = n;
	}
	return s;
}

static struct ip6_sources *
sources_copy(bool exclude, const struct inaddr *src, unsigned int n)
{
	struct ip6_sources *s = ip6_sources_alloc(exclude, n);

	if (s != NULL)
		memcpy(s->s_src, src, n * sizeof(*src));
	return s;
}

void
ip6_sources_free(struct ip6_sources *s)
{
	if (s != NULL)
		kmem_free(s, sizeof(*s) + s->s_n * sizeof(s->s_src[0]));
}

bool
ip6_sources_has(const struct ip6_sources *s, const struct inaddr *a)
{
	for (unsigned int i = 0; i < s->s_n; i++) {
		if (inaddr_eq(&s->s_src[i], a))
			return true;
	}
	return false;
}

bool
mld_state_eq(const struct ip6_sources *a, const struct ip6_sources *b)
{
	if (a->s_exclude != b->s_exclude || a->s_n != b->s_n)
		return false;
	for (unsigned int i = 0; i < a->s_n; i++) {
		if (!ip6_sources_has(b, &a->s_src[i]))
			return false;
	}
	return true;
}

static const struct ip6_sources *
filter_sources(struct list_node *n)
{
	return container_of(n, struct mld_filter, mf_link)->mf_sources;
}

/* Does each filter that excludes exclude a, and none include it? */
static bool
all_exclude(const struct mld_group *mg, const struct inaddr *a)
{
	struct list_node *n;

	LIST_FOREACH(n, &mg->mg_filters) {
		if (ip6_sources_allow(filter_sources(n), a))
			return false;
	}
	return true;
}

static bool
anybody_excludes(const struct mld_group *mg)
{
	struct list_node *n;

	if (mg->mg_users > 0)
		return true;
	LIST_FOREACH(n, &mg->mg_filters) {
		if (filter_sources(n)->s_exclude)
			return true;
	}
	return false;
}

static bool
set_add(struct inaddr *set, unsigned int *n, const struct inaddr *a)
{
	for (unsigned int i = 0; i < *n; i++) {
		if (inaddr_eq(&set[i], a))
			return true;
	}
	if (*n == MLD_MAXSOURCES)
		return false;
	set[(*n)++] = *a;
	return true;
}

/* All sources of filters of one mode that pass; false: too many. */
static bool
collect(const struct mld_group *mg, bool exclude, struct inaddr *set, unsigned int *n)
{
	struct list_node *ln;

	LIST_FOREACH(ln, &mg->mg_filters) {
		const struct ip6_sources *s = filter_sources(ln);

		if (s->s_exclude != exclude)
			continue;
		for (unsigned int i = 0; i < s->s_n; i++) {
			if (exclude && !all_exclude(mg, &s->s_src[i]))
				continue;
			if (!set_add(set, n, &s->s_src[i]))
				return false;
		}
	}
	return true;
}

struct ip6_sources *
mld_state_merge(const struct mld_group *mg)
{
	struct inaddr set[MLD_MAXSOURCES];
	bool exclude = anybody_excludes(mg);
	unsigned int n = 0;

	/* A user of the stack itself excludes nobody. */
	if (exclude && mg->mg_users > 0)
		return ip6_sources_alloc(true, 0);
	if (!collect(mg, exclude, set, &n)) {
		/* More than a report holds: take all, which is always allowed. */
		return ip6_sources_alloc(true, 0);
	}
	return sources_copy(exclude, set, n);
}
