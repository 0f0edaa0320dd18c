/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_ns.h - TCP of one name space: requests, TIME-WAIT, what listeners have
 */

#ifndef TCP_NS_H
#define TCP_NS_H

#include <lib/list.h>
#include <net/inet.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

struct inpcbtable;
struct tcp_tfocache;

/* What a connection is before and after it is one. */
enum tcpmini_kind { TCPMINI_REQUEST, TCPMINI_TIMEWAIT };

struct tcpmini {
	struct tcpmini	*tm_next;	/* of the hash chain */
	struct list_node tm_link;	/* of the list of its timeout */
	int64_t		 tm_deadline;
	uint8_t		 tm_kind;
	uint8_t		 tm_family;
	uint16_t	 tm_lport, tm_fport;
	uint32_t	 tm_scope;
	struct inaddr	 tm_laddr, tm_faddr;
	uint32_t	 tm_nxt, tm_rnxt;	/* SND.NXT, RCV.NXT */
	uint32_t	 tm_wnd;	/* what we offer */
	uint32_t	 tm_tsoff, tm_tsrecent;
	int64_t		 tm_tsrecentat;
	uint8_t		 tm_opts;	/* TO_* agreed upon */
	uint8_t		 tm_sndscale, tm_rcvscale;
	uint8_t		 tm_tos;
	bool		 tm_ecn;
	union {
		struct {
			struct list_node tm_ofslistener;
			struct socket	*tm_listener;	/* not counted: it empties its list */
			struct rtdst	*tm_dst;
			uint32_t	 tm_iss, tm_irs;
			int64_t		 tm_sentat;
			uint32_t	 tm_mark;
			uint16_t	 tm_mss;
			uint16_t	 tm_usermss;	/* bound of ours */
			uint8_t		 tm_retries;	/* SYN-ACKs sent again */
			bool		 tm_acked;	/* the handshake was, accept defers */
			uint8_t		*tm_syn;	/* TCP_SAVE_SYN */
			uint16_t	 tm_synlen;
		};
		struct {
			int64_t		 tm_oowat;
			int64_t		 tm_since;
			bool		 tm_reuse;	/* SO_REUSEADDR was set */
		};
	};
};

#define TCP_MINIHASH	256	/* chains at first */
#define TCP_MINIHASH_MAX 65536
#define TCP_REQLEVELS	8	/* timeouts of requests: 1 s, 2 s, 4 s ... */

struct tcpns {
	struct netns	*tn_ns;		/* c */
	struct inpcbtable *tn_table;	/* c */
	uint64_t	 tn_secret[2];	/* c: of ISNs, cookies, offsets */
	kmutex_t	 tn_lock;	/* all that follows */
	struct tcpmini	**tn_hash;
	uint32_t	 tn_hashsize;	/* a power of two */
	struct list	 tn_reqs[TCP_REQLEVELS];
	struct list	 tn_waits;
	uint32_t	 tn_nreqs, tn_nwaits;
	struct callout	 tn_callout;
	int64_t		 tn_timerat;	/* KTIME_NEVER: not armed */
	bool		 tn_dying;
	/* Challenge ACKs of this second (RFC 5961 section 7). */
	int64_t		 tn_chalsec;
	uint32_t	 tn_nchal;
	int64_t		 tn_cookieat;	/* when the last cookie was sent */
	struct tcp_tfocache *tn_tfo;	/* cookies of servers, by address */
	uint32_t	 tn_orphans;	/* a */
};

/* Backlog and requests of a listener. */
struct tcplisten {
	struct list	 tl_reqs;	/* tn_lock */
	uint32_t	 tl_nreqs;	/* tn_lock; read atomically */
	uint32_t	 tl_nfastopen;	/* a: children that were not confirmed yet */
	bool		 tl_dead;	/* tn_lock */
};

#endif /* TCP_NS_H */
