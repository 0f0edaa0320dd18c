/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nd_wire.h - messages of neighbour discovery
 *
 * Pure.  A parser takes the ICMPv6 message and what the IP header said, does all the
 * checks that RFC 4861 asks of a receiver, and returns 0 or EINVAL with a
 * word of why for the counters and tests.  What it returns points into the
 * message.
 *
 * References: RFC 4861 (sections 4, 6.1, 7.1, 8.1), 4191 (router preference,
 * routes), 8106 (RDNSS, DNSSL), 3971 section 5.3.3 and 7527 (nonce).
 */

#ifndef INET6_ND_WIRE_H
#define INET6_ND_WIRE_H

#include "ip6_wire.h"

/* Types of ICMPv6. */
enum {
	ICMP6_UNREACH = 1, ICMP6_TOOBIG = 2, ICMP6_TIME = 3, ICMP6_PARAM = 4,
	ICMP6_ECHO = 128, ICMP6_ECHOREPLY = 129,
	MLD_QUERY = 130, MLD_REPORT1 = 131, MLD_DONE = 132,
	ND_RS = 133, ND_RA = 134, ND_NS = 135, ND_NA = 136, ND_REDIRECT = 137,
	MLD_REPORT2 = 143,
};

enum {
	ND_OPT_SLLA = 1, ND_OPT_TLLA = 2, ND_OPT_PREFIX = 3, ND_OPT_REDIRECTED = 4,
	ND_OPT_MTU = 5, ND_OPT_NONCE = 14, ND_OPT_ROUTE = 24, ND_OPT_RDNSS = 25,
	ND_OPT_DNSSL = 31,
};

#define ND_MAXLL	32
#define ND_NONCELEN	6

/* A message with what matters of the header in front. */
struct nd_msg {
	const uint8_t	*m_data;	/* ICMPv6 header; the checksum is verified */
	size_t		 m_len;
	struct inaddr	 m_src, m_dst;
	uint8_t		 m_hops;
};

struct nd_lladdr {
	const uint8_t	*l_addr;	/* NULL: none */
	uint8_t		 l_len;		/* of the option without its two bytes */
};

struct nd_ns {
	struct inaddr	 ns_target;
	struct nd_lladdr ns_slla;
	const uint8_t	*ns_nonce;	/* ND_NONCELEN bytes; NULL: none */
	bool		 ns_dad;	/* from :: */
};

struct nd_na {
	struct inaddr	 na_target;
	struct nd_lladdr na_tlla;
	bool		 na_router, na_solicited, na_override;
};

struct nd_rs {
	struct nd_lladdr rs_slla;
};

enum { ND_PREF_LOW = -1, ND_PREF_MEDIUM = 0, ND_PREF_HIGH = 1 };

struct nd_ra {
	uint8_t		 ra_hops;	/* 0: not said */
	bool		 ra_managed, ra_other;
	int8_t		 ra_pref;	/* ND_PREF_* */
	uint16_t	 ra_lifetime;	/* seconds */
	uint32_t	 ra_reachable, ra_retrans;	/* ms; 0: not said */
	uint32_t	 ra_mtu;	/* 0: not said, or not acceptable */
	struct nd_lladdr ra_slla;
	const uint8_t	*ra_opts;	/* for nd_opt_next() */
	size_t		 ra_optslen;
};

struct nd_redirect {
	struct inaddr	 rd_target, rd_dst;
	struct nd_lladdr rd_tlla;
	const uint8_t	*rd_packet;	/* of ours; NULL: not there */
	size_t		 rd_packetlen;
};

struct nd_opt {
	uint8_t		 o_type;
	size_t		 o_len;		/* all of it, a multiple of 8 */
	const uint8_t	*o_data;	/* at its type */
};

struct nd_prefix {
	struct inaddr	 pi_prefix;	/* masked */
	uint8_t		 pi_plen;
	bool		 pi_onlink, pi_auto;
	uint32_t	 pi_valid, pi_preferred;	/* seconds; ~0: for ever */
};

struct nd_route {
	struct inaddr	 ri_prefix;
	uint8_t		 ri_plen;
	int8_t		 ri_pref;
	uint32_t	 ri_lifetime;
};

#define ND_MAXRDNSS	8
struct nd_rdnss {
	uint32_t	 dn_lifetime;
	unsigned int	 dn_n;
	struct inaddr	 dn_addr[ND_MAXRDNSS];
};

struct nd_dnssl {
	uint32_t	 ds_lifetime;
	char		 ds_search[254];	/* domains, with blanks between */
};

#define ND_INFINITE	0xffffffffu

int	nd_ns_parse(const struct nd_msg *m, struct nd_ns *ret, const char **ret_why);
int	nd_na_parse(const struct nd_msg *m, struct nd_na *ret, const char **ret_why);
int	nd_rs_parse(const struct nd_msg *m, struct nd_rs *ret, const char **ret_why);
int	nd_ra_parse(const struct nd_msg *m, struct nd_ra *ret, const char **ret_why);
int	nd_redirect_parse(const struct nd_msg *m, struct nd_redirect *ret, const char **ret_why);

/* The next option at *off.  ENOENT: no more; EINVAL: length 0, or beyond the end. */
int	nd_opt_next(const uint8_t *opts, size_t len, size_t *off, struct nd_opt *ret_o);
/* EINVAL: of the wrong length, or to be ignored by the RFC's rules. */
int	nd_prefix_parse(const struct nd_opt *o, struct nd_prefix *ret);
int	nd_route_parse(const struct nd_opt *o, struct nd_route *ret);
int	nd_rdnss_parse(const struct nd_opt *o, struct nd_rdnss *ret);
int	nd_dnssl_parse(const struct nd_opt *o, struct nd_dnssl *ret);

/*
 * Builders write from p on, checksum field 0, and return the length.  ND_BUILD_MAX is
 * always enough.
 */
#define ND_BUILD_MAX	(24 + 2 * (2 + ND_MAXLL + 6))
size_t	nd_ns_build(uint8_t *p, const struct inaddr *target, const uint8_t *slla,
	    unsigned int lllen, const uint8_t *nonce);
size_t	nd_na_build(uint8_t *p, const struct nd_na *na);
size_t	nd_rs_build(uint8_t *p, const uint8_t *slla, unsigned int lllen);

#endif /* INET6_ND_WIRE_H */
