/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_pair.h - two hosts of one kernel and the cable between them
 *
 * Each host is a name space, the cable a wire with a condition (loss, delay and the like)
 * in either direction.  With one host instead both ends are its loopback.
 */

#ifndef TCP_PAIR_H
#define TCP_PAIR_H

#include <harness.h>
#include <linux/in.h>
#include <net/ifnet.h>
#include <net/netns.h>
#include <net/socket.h>

#define PAIR_PORT	5000

struct tcp_pair {
	struct netns	*tp_ns[2];	/* the same with one host */
	struct ifnet	*tp_end[2];	/* NULL with one host */
};

/* Conditions by linkcond's syntax; chances are the seed's.  NEEDs all of it. */
void	pair_make(struct tcp_pair *tp, const char *conditions, uint32_t mtu);
void	pair_make_lo(struct tcp_pair *tp);
void	pair_end(struct tcp_pair *tp);

/* Where a server of that side is. */
struct sockaddr_in pair_address(const struct tcp_pair *tp, int side);
/* Until the virtual clock has moved on. */
void	pair_pause(int64_t ns);

#endif /* TCP_PAIR_H */
