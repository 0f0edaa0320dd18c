/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mld_impl.h - groups of an interface and who wants them
 *
 * A socket's membership is a struct mld_filter, which hangs on the socket's list and, as long
 * as the interface is there, on the group's.  The stack's own memberships are
 * a number.  What all of them together want is the group's state, which the
 * routers are told of: RFC 3810 section 4.
 */

#ifndef INET6_MLD_IMPL_H
#define INET6_MLD_IMPL_H

#include "ip6_impl.h"
#include "mld_wire.h"

#define IP6_MAXMSF	64	/* sources of a filter; net.ipv6.mld_max_msf of Linux */

/* Immutable once published; replaced as a whole. */
struct ip6_sources {
	bool		 s_exclude;
	unsigned int	 s_n;
	struct qsbr_head s_qsbr;
	struct inaddr	 s_src[];
};

struct ip6_sources *ip6_sources_alloc(bool exclude, unsigned int n);	/* NULL */
void	ip6_sources_free(struct ip6_sources *s);	/* NULL is fine */
bool	ip6_sources_has(const struct ip6_sources *s, const struct inaddr *a);
static inline bool
ip6_sources_allow(const struct ip6_sources *s, const struct inaddr *a)
{
	return ip6_sources_has(s, a) != s->s_exclude;
}

/*
 * Field key:	c  constant	n  ns_lock	q  written under ns_lock, read lock-free
 */
struct mld_filter {
	struct mld_filter *mf_next;	/* q: of the socket */
	struct list_node mf_link;	/* n: of the group */
	struct mld_group *mf_group;	/* n: NULL once the interface has gone */
	struct inaddr	 mf_addr;	/* c */
	uint32_t	 mf_ifindex;	/* c */
	struct ip6_sources *mf_sources;	/* q */
	struct qsbr_head mf_qsbr;
};

struct mld_group {
	struct mld_group *mg_next;	/* q */
	struct inaddr	 mg_addr;	/* c */
	bool		 mg_active;	/* a: somebody wants it */
	bool		 mg_reported;	/* n: version 1: we were the last to report */
	bool		 mg_modechange;	/* n: what changed is the mode */
	unsigned int	 mg_users;	/* n: in the stack */
	struct list	 mg_filters;	/* n */
	struct ip6_sources *mg_now;	/* n: what is wanted together */
	struct ip6_sources *mg_base;	/* n: what it was when all had been told */
	unsigned int	 mg_left;	/* n: reports of the change to send */
	int64_t		 mg_at;		/* n: the next of them */
	int64_t		 mg_queryat;	/* n: answer to a query; KTIME_NEVER */
	struct qsbr_head mg_qsbr;
};

struct mld_if {
	struct mld_group *mi_groups;	/* q */
	bool		 mi_up;		/* n */
	uint8_t		 mi_robustness;	/* n */
	int64_t		 mi_v1until;	/* n: an old querier was heard */
	int64_t		 mi_queryat;	/* n: answer to a general query */
};

#define MLD_ROBUSTNESS	2		/* RFC 3810 section 9.1 */
#define MLD_V1_TIMEOUT	(260 * NSEC_PER_SEC)	/* 9.12 with the defaults */
#define MLD_UNSOLICITED	NSEC_PER_SEC	/* 9.11 */

/* ns_lock.  ENOMEM, ENOBUFS; nothing changed then. */
int	mld_filter_add(struct ip6_if *ii, struct mld_filter *mf);
/* Puts sources in place of mf's; frees the old ones. */
int	mld_filter_set(struct ip6_if *ii, struct mld_filter *mf, struct ip6_sources *s);
void	mld_filter_remove(struct ip6_if *ii, struct mld_filter *mf);

/* mld_state.c: what filters and users want together.  NULL: no memory, or too many. */
struct ip6_sources *mld_state_merge(const struct mld_group *mg);
bool	mld_state_eq(const struct ip6_sources *a, const struct ip6_sources *b);

/* mld_report.c */
void	mld_report_run(struct ip6_if *ii, int64_t now, struct packetq *out);
/* Is it a group that routers care for? (RFC 3810 section 6) */
static inline bool
mld_reportable(const struct inaddr *group)
{
	struct inaddr all = ip6_group(IP6_SCOPE_LINK, 1);

	return (group->ia_b[1] & 15) >= IP6_SCOPE_LINK && !inaddr_eq(group, &all);
}
bool	mld_speaks_v1(const struct ip6_if *ii, int64_t now);

#endif /* INET6_MLD_IMPL_H */
