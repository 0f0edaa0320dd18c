/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ipaddr.c - IPv4 and IPv6 addresses as people write them
 */

#include <lib/ipaddr.h>

#include <lib/bytes.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>

int
ipaddr_parse4(const char *s, uint8_t ret_addr[4])
{
	uint8_t addr[4];
	unsigned int v;

	for (int i = 0; i < 4; i++) {
		if (i > 0 && *s++ != '.')
			return EINVAL;
		/* A leading zero would be octal to some. */
		if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
			return EINVAL;
		v = 0;
		while (*s >= '0' && *s <= '9' && v < 256)
			v = v * 10 + (unsigned int)(*s++ - '0');
		if (v > 255)
			return EINVAL;
		addr[i] = (uint8_t)v;
	}
	if (*s != '\0')
		return EINVAL;
	memcpy(ret_addr, addr, sizeof(addr));
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to four digits; how many bytes of s they were. */
static unsigned int
group_parse(const char *s, unsigned int *ret_value)
{
	unsigned int n = 0, value = 0;
	int digit;

	while (n < 4 && (digit = hex_digit(s[n])) >= 0) {
		value = value << 4 | (unsigned int)digit;
		n++;
	}
	*ret_value = value;
	return n;
}

struct parse6 {
	uint8_t		 p_addr[16];
	unsigned int	 p_n;		/* bytes so far */
	unsigned int	 p_gap;		/* where "::" stood; 17: nowhere */
};

/* The text from s on, which is at the begin of a group. */
static int
groups_parse(struct parse6 *p, const char *s)
{
	unsigned int value, len;

	for (;;) {
		len = group_parse(s, &value);
		if (len == 0)
			return EINVAL;
		if (s[len] == '.') {
			if (p->p_n > 12 || ipaddr_parse4(s, p->p_addr + p->p_n) != 0)
				return EINVAL;
			p->p_n += 4;
			return 0;
		}
		if (p->p_n > 14)
			return EINVAL;
		p->p_addr[p->p_n++] = (uint8_t)(value >> 8);
		p->p_addr[p->p_n++] = (uint8_t)value;
		s += len;
		if (*s == '\0')
			return 0;
		if (*s++ != ':')
			return EINVAL;
		if (*s == ':') {
			if (p->p_gap <= 16)
				return EINVAL;
			p->p_gap = p->p_n;
			if (*++s == '\0')
				return 0;
		}
	}
}

int
ipaddr_parse6(const char *s, uint8_t ret_addr[16])
{
	struct parse6 p = { .p_gap = 17 };
	unsigned int tail;
	int error = 0;

	if (s[0] == ':') {
		if (s[1] != ':')
			return EINVAL;
		p.p_gap = 0;
		s += 2;
	}
	if (*s != '\0' || p.p_gap != 0)
		error = groups_parse(&p, s);
	if (error != 0 || (p.p_gap > 16) != (p.p_n == 16))
		return EINVAL;
	memset(ret_addr, 0, 16);
	if (p.p_gap > 16) {
		memcpy(ret_addr, p.p_addr, 16);
		return 0;
	}
	tail = p.p_n - p.p_gap;
	memcpy(ret_addr, p.p_addr, p.p_gap);
	memcpy(ret_addr + 16 - tail, p.p_addr + p.p_gap, tail);
	return 0;
}

/* --- to text -------------------------------------------------------------------- */

char *
ipaddr_format4(const uint8_t addr[4], char *buf)
{
	(void)snprintf(buf, IPADDR_TEXTLEN, "%u.%u.%u.%u", addr[0], addr[1], addr[2], addr[3]);
	return buf;
}

static unsigned int
group_get(const uint8_t *addr, unsigned int i)
{
	return be16_get(addr + 2 * (size_t)i);
}

/* The first of the longest runs of zero groups, of two at least. */
static void
zeros_find(const uint8_t *addr, unsigned int *ret_at, unsigned int *ret_n)
{
	unsigned int n;

	*ret_at = 8;
	*ret_n = 0;
	for (unsigned int i = 0; i < 8; i += n ? n : 1) {
		for (n = 0; i + n < 8 && group_get(addr, i + n) == 0; n++)
			;
		if (n >= 2 && n > *ret_n) {
			*ret_at = i;
			*ret_n = n;
		}
	}
}

char *
ipaddr_format6(const uint8_t addr[16], char *buf)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned int at, n;
	int len = 0;

	if (memcmp(addr, mapped, sizeof(mapped)) == 0) {
		(void)snprintf(buf, IPADDR_TEXTLEN, "::ffff:%u.%u.%u.%u",
		    addr[12], addr[13], addr[14], addr[15]);
		return buf;
	}
	zeros_find(addr, &at, &n);
	for (unsigned int i = 0; i < 8; i++) {
		if (i == at) {
			len += snprintf(buf + len, IPADDR_TEXTLEN - (size_t)len, "::");
			i += n - 1;
			continue;
		}
		len += snprintf(buf + len, IPADDR_TEXTLEN - (size_t)len, "%s%x",
		    i == 0 || i == at + n ? "" : ":", group_get(addr, i));
	}
	return buf;
}
