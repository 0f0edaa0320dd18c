/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_mcast_impl.h - groups of interfaces and of sockets, for ip_mcif.c, ip_mcast*.c, ip_igmp.c
 *
 * A socket's membership (ip_member) says which sources it wants of a group on an
 * interface; the interface's group (ip_mcgroup) knows all of its members and makes one
 * filter of theirs (RFC 3376 section 3.2), which IGMP reports.
 */

#ifndef IP_MCAST_IMPL_H
#define IP_MCAST_IMPL_H

#include <lib/list.h>
#include <sys/ktime.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>

#include "ip_impl.h"

#define MCAST_SRCMAX	64		/* sources of a filter at most, whatever is allowed */

/* A filter: mode MCAST_INCLUDE or MCAST_EXCLUDE, sources in order. */
struct ip_mcfilter {
	uint8_t		 mf_mode;
	uint16_t	 mf_n;
	uint32_t	 mf_src[MCAST_SRCMAX];	/* network order, sorted as numbers */
};

/* Of a socket.  Field key: c constant, s so_lock and mc_lock to change, either to read */
struct ip_member {
	struct list_node mb_link;	/* of the socket: so_lock */
	struct list_node mb_grouplink;	/* mc_lock */
	struct ip_mcgroup *mb_group;	/* s; NULL: the interface is gone */
	struct inaddr	 mb_addr;	/* c */
	uint32_t	 mb_ifindex;	/* c */
	struct ip_mcfilter mb_filter;	/* s */
};

/* Of an interface.  Field key: c constant, m mc_lock, q also read lock-free */
struct ip_mcgroup {
	struct ip_mcgroup *mg_next;	/* q */
	struct inaddr	 mg_addr;	/* c */
	struct list	 mg_members;	/* m */
	/* What IGMP has told, and is telling: see ip_igmp.c. */
	struct ip_mcfilter mg_told;	/* m */
	unsigned int	 mg_resend;	/* m: state changes to repeat */
	int64_t		 mg_change_at;	/* m: next of them; KTIME_NEVER */
	int64_t		 mg_answer_at;	/* m: answer to a query; KTIME_NEVER */
	bool		 mg_reporter;	/* m: v2: we spoke last (RFC 2236 section 3) */
	bool		 mg_gone;	/* m: no members; stays until IGMP has said so */
	uint16_t	 mg_nasked;	/* m: sources that the query asks for; 0: all */
	uint32_t	 mg_asked[MCAST_SRCMAX];	/* m */
	struct qsbr_head mg_qsbr;
};

struct ip_mcif {
	kmutex_t	 mc_lock;
	struct ifnet	*mc_ifp;	/* c */
	struct ip_mcgroup *mc_groups;	/* q */
	bool		 mc_up;		/* m */
	/* IGMP. */
	int64_t		 mc_v1until, mc_v2until;	/* m: older queriers are about */
	int64_t		 mc_general_at;	/* m: answer to a general query; KTIME_NEVER */
	unsigned int	 mc_robust;	/* m: querier's robustness variable */
	int64_t		 mc_interval;	/* m: querier's query interval */
	struct callout	 mc_timer;
	struct qsbr_head mc_qsbr;
};

static inline bool
ip_member_wants(const struct ip_mcfilter *mf, uint32_t src)
{
	for (uint16_t i = 0; i < mf->mf_n; i++)
		if (mf->mf_src[i] == src)
			return mf->mf_mode == MCAST_INCLUDE;
	return mf->mf_mode == MCAST_EXCLUDE;
}

/* What an option asks for. */
struct ip_mcreq {
	struct inaddr	 mr_group, mr_source;
	struct inaddr	 mr_ifaddr;	/* names the interface by its address */
	uint32_t	 mr_ifindex;	/* or by number; neither: by the route */
};

/* ip_mcast.c: ns_lock and so_lock held.  The interface stays; NULL. */
struct ifnet *ip_mcreq_interface(struct netns *ns, const struct ip_mcreq *mr);
/* ifindex 0: the first of that group; so_lock alone will do. */
struct ip_member *ip_member_find(const struct inpcb *inp, const struct inaddr *group,
	    uint32_t ifindex);
/* ENODEV, EADDRINUSE, ENOBUFS */
int	ip_member_add(struct socket *so, const struct ip_mcreq *mr, uint8_t mode);
void	ip_member_remove(struct socket *so, struct ip_member *mb);
/* One source more, or less; without any, an INCLUDE goes.  EADDRNOTAVAIL, ENOBUFS */
int	ip_member_source(struct socket *so, struct ip_member *mb, uint32_t src, bool add);
/* The same for a filter that is nobody's; at most max sources. */
int	ip_mcfilter_edit(struct ip_mcfilter *mf, uint32_t src, bool add, unsigned int max);

/* ip_mcif.c: ns_lock and so_lock held.  ENOBUFS. */
int	ip_mcif_join(struct ifnet *ifp, struct ip_member *mb);
void	ip_mcif_leave(struct netns *ns, struct ip_member *mb);
void	ip_mcif_change(struct netns *ns, struct ip_member *mb, const struct ip_mcfilter *mf);
/* All members' filters as one: mc_lock held. */
void	ip_mcgroup_filter(const struct ip_mcgroup *mg, struct ip_mcfilter *ret_mf);
struct ip_mcgroup *ip_mcgroup_find(const struct ip_mcif *mc, const struct inaddr *addr);
/* Groups that are gone and have been reported: mc_lock held. */
void	ip_mcif_sweep(struct ip_mcif *mc) REQUIRES(mc->mc_lock);

/* ip_igmp.c: mc_lock held. */
void	igmp_group_changed(struct ip_mcif *mc, struct ip_mcgroup *mg) REQUIRES(mc->mc_lock);
void	igmp_if_init(struct ip_mcif *mc);
void	igmp_if_up(struct ip_mcif *mc) REQUIRES(mc->mc_lock);
void	igmp_if_down(struct ip_mcif *mc) REQUIRES(mc->mc_lock);
extern const struct inet_proto igmp_proto;

#endif /* IP_MCAST_IMPL_H */
