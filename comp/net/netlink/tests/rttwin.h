/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rttwin.h - requests of rtnetlink(7) for twin tests
 *
 * Those called _begin leave the request to be completed, and to nltwin_talk().
 */

#ifndef NETLINK_RTTWIN_H
#define NETLINK_RTTWIN_H

#include "nltwin.h"

#define ADD	(NLM_F_CREATE | NLM_F_EXCL)
#define REPLACE	(NLM_F_CREATE | NLM_F_REPLACE)
#define APPEND	(NLM_F_CREATE | NLM_F_APPEND)

/* A request about link index. */
void	link_begin(struct nltwin *w, uint16_t type, uint16_t flags, uint32_t index);
/* An attribute: an address, of either family. */
void	address(struct nltwin *w, uint16_t type, const char *text);
int	family_of(const char *text);
/* A request about an address of an interface, with IFA_LOCAL. */
void	addr_begin(struct nltwin *w, uint16_t type, uint16_t flags, const char *a, uint8_t plen,
	    uint32_t index);
/* "ip addr add A/plen dev X", whatever the type: its errno. */
int	addr_do(struct nltwin *w, uint16_t type, uint16_t flags, const char *a, uint8_t plen,
	    uint32_t index);
/* Adds it, to be used at once. */
int	addr_add(struct nltwin *w, const char *a, uint8_t plen, uint32_t index);
/* A request about a route; dst may be NULL. */
void	route_begin(struct nltwin *w, uint16_t type, uint16_t flags, int family, const char *dst,
	    uint8_t plen, bool via);
int	route_do(struct nltwin *w, uint16_t type, uint16_t flags, const char *dst, uint8_t plen,
	    const char *via, uint32_t oif, uint32_t metric);
/* All links, addresses, routes or rules, noted. */
void	dump_all(struct nltwin *w, uint16_t type, int family);
void	dump_state(struct nltwin *w);
void	rule_begin(struct nltwin *w, uint16_t type, uint16_t flags, int family, uint8_t action,
	    uint8_t table, uint32_t pref);

#endif /* NETLINK_RTTWIN_H */
