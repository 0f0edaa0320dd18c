/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_wire.h - the bytes of IPv6: header, extension headers, options
 *
 * Pure: bytes in, values out; no lock, no allocation, no clock.
 *
 * References: RFC 8200 (IPv6), 4291 (addresses), 5095 (no routing header of
 * type 0), 8504 section 5.3 (limits).
 */

#ifndef INET6_IP6_WIRE_H
#define INET6_IP6_WIRE_H

#include <net/route.h>
#include <sys/types.h>

#define IP6_HDRLEN	40
#define IP6_FRAGLEN	8
#define IP6_MINMTU	1280
#define IP6_PAYLOAD_MAX	65535

/* Next header values that are extension headers, or nothing at all. */
enum {
	IP6_NH_HOPOPTS = 0, IP6_NH_ROUTING = 43, IP6_NH_FRAGMENT = 44,
	IP6_NH_NONE = 59, IP6_NH_DSTOPTS = 60,
};

/* Options of the hop-by-hop and destination headers. */
enum { IP6_OPT_PAD1 = 0, IP6_OPT_PADN = 1, IP6_OPT_ALERT = 5 };

/* RFC 8504 section 5.3: what nobody needs more of. */
#define IP6_MAXEXT	8	/* extension headers of a packet */
#define IP6_MAXOPTS	8	/* options of a header, padding apart */
#define IP6_MAXPAD	7	/* bytes of padding in a row */
#define IP6_MAXEXTLEN	512	/* bytes of one extension header */

struct ip6_fixed {
	uint8_t		 f_tclass;
	uint8_t		 f_next;
	uint8_t		 f_hops;
	uint16_t	 f_plen;
	uint32_t	 f_flow;	/* 20 bits, host order */
	struct inaddr	 f_src, f_dst;
};

/* EINVAL: shorter than a header, or not version 6. */
int	ip6_fixed_parse(const uint8_t *p, size_t len, struct ip6_fixed *ret_f);
void	ip6_fixed_build(uint8_t *p, const struct ip6_fixed *f);

/* Is there another header behind one of this type that we can step over? */
static inline bool
ip6_isext(uint8_t type)
{
	return type == IP6_NH_HOPOPTS || type == IP6_NH_ROUTING ||
	    type == IP6_NH_FRAGMENT || type == IP6_NH_DSTOPTS;
}

/* Bytes of the extension header of that type which begins with p[0], p[1]. */
static inline size_t
ip6_ext_len(uint8_t type, const uint8_t *p)
{
	return type == IP6_NH_FRAGMENT ? IP6_FRAGLEN : (p[1] + 1u) * 8;
}

/*
 * Steps over all extension headers of a packet that lies in one piece, p at
 * the fixed header: where the upper header begins and what it is.  For
 * quotes in ICMP messages, which may be cut: EINVAL if they end before it.
 * A fragment that is not the first has no upper header: ENOENT.
 */
int	ip6_chain_skip(const uint8_t *p, size_t len, size_t *ret_off, uint8_t *ret_proto);

struct ip6_frag {
	uint8_t		 fr_next;
	bool		 fr_more;
	uint32_t	 fr_off;	/* bytes */
	uint32_t	 fr_id;
};
void	ip6_frag_parse(const uint8_t *p, struct ip6_frag *ret_fr);
void	ip6_frag_build(uint8_t *p, const struct ip6_frag *fr);

/* What the options of one header say. */
enum ip6_verdict {
	IP6_OK,
	IP6_DROP,		/* silently */
	IP6_PARAM,		/* ICMP parameter problem, code 2 */
	IP6_PARAM_UNICAST,	/* ... unless the packet went to a group */
};
struct ip6_opts {
	bool		 o_alert;	/* router alert (RFC 2711) */
	uint16_t	 o_alertvalue;
	uint32_t	 o_problem;	/* PARAM*: offset in the header */
};
/* p: the whole header of len bytes, a multiple of 8. */
enum ip6_verdict ip6_opts_check(const uint8_t *p, size_t len, struct ip6_opts *ret_o);

/*
 * Is this a header that a program may ask us to send (RFC 3542)?  EINVAL if
 * its length does not fit or its options do not parse.
 */
int	ip6_opts_sound(const uint8_t *p, size_t len);

/* --- kinds of addresses (RFC 4291) -------------------------------------- */

static inline bool
ip6_multicast(const struct inaddr *a)
{
	return a->ia_b[0] == 0xff;
}
static inline bool
ip6_linklocal(const struct inaddr *a)
{
	return inaddr_linklocal6(a);
}
static inline bool
ip6_sitelocal(const struct inaddr *a)
{
	return a->ia_b[0] == 0xfe && (a->ia_b[1] & 0xc0) == 0xc0;
}

/* Scopes in the numbers of multicast addresses (RFC 4291 section 2.7). */
enum {
	IP6_SCOPE_IF = 1, IP6_SCOPE_LINK = 2, IP6_SCOPE_SITE = 5,
	IP6_SCOPE_GLOBAL = 14,
};
unsigned int ip6_scope(const struct inaddr *a);

bool	ip6_loopback(const struct inaddr *a);		/* ::1 */
bool	ip6_mapped(const struct inaddr *a);		/* ::ffff:0:0/96 */
/* Do the first plen bits agree? */
bool	ip6_prefix_eq(const struct inaddr *a, const struct inaddr *b, unsigned int plen);
unsigned int ip6_common(const struct inaddr *a, const struct inaddr *b);	/* bits */
/* a with all but the first plen bits cleared. */
struct inaddr ip6_masked(const struct inaddr *a, unsigned int plen);
struct inaddr ip6_solicited_node(const struct inaddr *a);
static inline struct inaddr
ip6_group(uint8_t scope, uint8_t last)
{
	return (struct inaddr){ .ia_b = { 0xff, scope, [15] = last } };
}
/* Ethernet address of a group (RFC 2464 section 7). */
void	ip6_group_lladdr(const struct inaddr *group, uint8_t ret_ll[6]);

/* Needs their scope's interface told: link-local, and groups up to link scope. */
static inline bool
ip6_needs_scope(const struct inaddr *a)
{
	return ip6_linklocal(a) ||
	    (ip6_multicast(a) && (a->ia_b[1] & 15) <= IP6_SCOPE_LINK);
}

#define IP6_ADDRSTRLEN	46
/* RFC 5952's form; buf has IP6_ADDRSTRLEN bytes. */
char	*ip6_addr_format(const struct inaddr *a, char *buf);
/* The forms of RFC 4291 section 2.2; the whole string.  EINVAL. */
int	ip6_addr_parse(const char *s, struct inaddr *ret_a);

#endif /* INET6_IP6_WIRE_H */
