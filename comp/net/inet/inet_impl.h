/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_impl.h - shared by the files of this folder, both families
 */

#ifndef INET_IMPL_H
#define INET_IMPL_H

#include <net/inet.h>

struct netns;

/* A one's complement sum, folded but not inverted. */
uint16_t inet_fold(uint32_t sum);

/* Identifiers of ping sockets, both families'. */
struct inpcbtable *inet_ping_table(const struct netns *ns);
/* net.ipv4.ping_group_range */
void	inet_pinggroup(const struct netns *ns, uint32_t *ret_low, uint32_t *ret_high);

/* Raw sockets of the protocol whose packet an ICMP error quotes. */
void	inet_raw_ctl(const struct inet_ctl *ctl, uint8_t proto);

int	inet_vars_init(void);

static inline bool
in_multicast(const struct inaddr *a)
{
	return (a->ia_b[0] & 0xf0) == 0xe0;
}

static inline bool
in_loopback(const struct inaddr *a)
{
	return a->ia_b[0] == 127;
}

#endif /* INET_IMPL_H */
