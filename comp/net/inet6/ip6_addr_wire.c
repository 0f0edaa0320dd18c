/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_addr_wire.c - IPv6 addresses: kinds, prefixes, and their written form
 *
 * References: RFC 4291 (architecture), 5952 (how to write them), 2464
 * section 7 (groups on Ethernet).
 */

#include "ip6_wire.h"

#include <sys/errno.h>

#include <lib/bytes.h>
#include <lib/ipaddr.h>
#include <lib/printf.h>
#include <lib/string.h>

bool
ip6_loopback(const struct inaddr *a)
{
	static const struct inaddr one = { .ia_b = { [15] = 1 } };

	return inaddr_eq(a, &one);
}

bool
ip6_mapped(const struct inaddr *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->ia_b, prefix, sizeof(prefix)) == 0;
}

unsigned int
ip6_scope(const struct inaddr *a)
{
	if (ip6_multicast(a))
		return a->ia_b[1] & 15;
	if (ip6_linklocal(a) || ip6_loopback(a))
		return IP6_SCOPE_LINK;		/* RFC 6724 section 3.4 */
	if (ip6_sitelocal(a))
		return IP6_SCOPE_SITE;
	return IP6_SCOPE_GLOBAL;
}

unsigned int
ip6_common(const struct inaddr *a, const struct inaddr *b)
{
	unsigned int n = 0, diff;

	for (unsigned int i = 0; i < 16; i++, n += 8) {
		diff = a->ia_b[i] ^ b->ia_b[i];
		if (diff != 0)
			return n + (unsigned int)__builtin_clz(diff) - 24;
	}
	return n;
}

bool
ip6_prefix_eq(const struct inaddr *a, const struct inaddr *b, unsigned int plen)
{
	return ip6_common(a, b) >= plen;
}

struct inaddr
ip6_masked(const struct inaddr *a, unsigned int plen)
{
	struct inaddr m = *a;

	for (unsigned int i = 0; i<16; i++, plen = plen> 8 ? plen - 8 : 0) {
		if (plen < 8)
			m.ia_b[i] &= (uint8_t)(0xff00u >> plen);
	}
	return m;
}

struct inaddr
ip6_solicited_node(const struct inaddr *a)
{
	struct inaddr g = { .ia_b = { 0xff, 2, [11] = 1, 0xff } };

	memcpy(&g.ia_b[13], &a->ia_b[13], 3);
	return g;
}

void
ip6_group_lladdr(const struct inaddr *group, uint8_t ret_ll[6])
{
	ret_ll[0] = ret_ll[1] = 0x33;
	memcpy(ret_ll + 2, &group->ia_b[12], 4);
}

/* --- written form ----------------------------------------------------------- */

char *
ip6_addr_format(const struct inaddr *a, char *buf)
{
	return ipaddr_format6(a->ia_b, buf);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1.2.3.4 at the end of an address, into 4 bytes. */
static int
quad_parse(const char *s, uint8_t *ret_q)
{
	uint8_t q[4];

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int v = 0, digits = 0;

		for (; *s >= '0' && *s <= '9'; s++) {
			v = v * 10 + (unsigned int)(*s - '0');
			if (++digits > 3 || v > 255)
				return EINVAL;
		}
		if (digits == 0 || *s != (i < 3 ? '.' : '\0'))
			return EINVAL;
		s++;
		q[i] = (uint8_t)v;
	}
	memcpy(ret_q, q, 4);
	return 0;
}

/* One group of hexadecimal digits; returns how many there are. */
static unsigned int
group_parse(const char *s, unsigned int *ret_v)
{
	unsigned int n = 0;

	*ret_v = 0;
	while (n < 5 && hex_digit(s[n]) >= 0)
		*ret_v = *ret_v << 4 | (unsigned int)hex_digit(s[n++]);
	return n;
}

int
ip6_addr_parse(const char *s, struct inaddr *ret_a)
{
	struct inaddr a = { .ia_w = { 0 } };
	unsigned int i = 0, gap = 9, v, n;

	if (s[0] == ':') {
		if (s[1] != ':')
			return EINVAL;
		s++;
	}
	for (;;) {
		if (*s == ':') {		/* the second of "::" */
			if (gap != 9)
				return EINVAL;
			gap = i;
			if (*++s == '\0')
				break;
		}
		n = group_parse(s, &v);
		if (n > 0 && s[n] == '.' && i <= 6) {
			if (quad_parse(s, &a.ia_b[2 * i]))
				return EINVAL;
			i += 2;
			break;
		}
		if (n == 0 || n > 4 || i == 8)
			return EINVAL;
		a.ia_b[2 * i] = (uint8_t)(v >> 8);
		a.ia_b[2 * i++ + 1] = (uint8_t)v;
		s += n;
		if (*s == '\0')
			break;
		if (*s++ != ':' || *s == '\0')
			return EINVAL;
	}
	if (gap == 9 ? i != 8 : i > 7)
		return EINVAL;
	if (gap != 9) {
		memmove(&a.ia_b[2 * (8 - (i - gap))], &a.ia_b[2 * gap], (i - gap) * 2);
		memset(&a.ia_b[2 * gap], 0, (8 - i) * 2);
	}
	*ret_a = a;
	return 0;
}
