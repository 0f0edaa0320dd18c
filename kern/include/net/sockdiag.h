/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockdiag.h - what sock_diag(7) shows of sockets and no option tells
 *
 * A protocol fills in what it has by so_diag of struct sockops.  What it keeps of
 * connections before and after they have sockets it lists by the function that it registers.
 */

#ifndef NET_SOCKDIAG_H
#define NET_SOCKDIAG_H

#include <net/route.h>
#include <sys/types.h>

struct netns;

/* Which timer runs: the numbers of idiag_timer. */
enum sockdiag_timer {
	SOCKDIAG_NOTIMER, SOCKDIAG_RETRANSMIT, SOCKDIAG_KEEPALIVE, SOCKDIAG_TIMEWAIT,
	SOCKDIAG_PROBE,
};

struct sockdiag {
	uint8_t		 sd_timer;	/* enum sockdiag_timer */
	uint8_t		 sd_retrans;	/* how often it fired in a row */
	int64_t		 sd_expires;	/* clock_mono() */
	uint64_t	 sd_peer;	/* so_inode of the other end of a local socket; 0: none */
};

/* A connection without a socket. */
struct sockdiag_mini {
	int		 sm_family;
	uint8_t		 sm_state;	/* as in struct tcp_info */
	uint16_t	 sm_lport, sm_fport;	/* host order */
	struct inaddr	 sm_laddr, sm_faddr;
	uint32_t	 sm_scope;
	struct sockdiag	 sm_diag;
};

/* Each of a family (0: all), until fn returns non-zero; fn does not sleep. */
typedef int sockdiag_minis_fn(struct netns *ns, int family,
    int (*fn)(const struct sockdiag_mini *, void *), void *arg);

void	sockdiag_minis_register(int protocol, sockdiag_minis_fn *list);
int	sockdiag_minis(struct netns *ns, int family, int protocol,
	    int (*fn)(const struct sockdiag_mini *, void *), void *arg);

#endif /* NET_SOCKDIAG_H */
