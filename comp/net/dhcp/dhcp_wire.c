/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_wire.c - from bytes to what a DHCP message says, and back
 *
 * Options live in up to three places: behind the cookie, and, when option 52 says
 * so, in the fields for a boot file and a server name (RFC 2132 section 9.3).  An
 * option may come in pieces, which are joined in the order of those places
 * (RFC 3396 section 5): so each option that we know is collected from all of
 * them first and looked at then.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

#include "dhcp_wire.h"

#define COOKIE		0x63825363u
#define AT_SNAME	44
#define AT_FILE		108
#define LEN_SNAME	64
#define LEN_FILE	128
#define OVERLOAD_FILE	1
#define OVERLOAD_SNAME	2
#define JOINED_MAX	512		/* of an option in pieces; the rest is cut off */

/* The places where options are, in order. */
struct areas {
	struct {
		const uint8_t	*a_data;
		size_t		 a_len;
	}		ar_area[3];
	unsigned int	ar_n;
};

static uint32_t
raw32_get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * The next option of an area, from *off on: its code, or 0 at the end, also when
 * the rest is not an option.
 */
static uint8_t
option_next(const uint8_t *data, size_t len, size_t *off, const uint8_t **ret_val,
    size_t *ret_len)
{
	while (*off < len && data[*off] == DHCP_OPT_PAD)
		(*off)++;
	if (*off >= len || data[*off] == DHCP_OPT_END || len - *off < 2 ||
	    data[*off + 1] > len - *off - 2)
		return 0;
	*ret_val = data + *off + 2;
	*ret_len = data[*off + 1];
	*off += 2 + *ret_len;
	return (*ret_val)[-2];
}

/* All pieces of an option, joined in buf; how long it is, 0: none. */
static size_t
option_join(const struct areas *ar, uint8_t code, uint8_t buf[JOINED_MAX])
{
	const uint8_t *val;
	size_t total = 0, off, len;
	uint8_t got;

	for (unsigned int i = 0; i < ar->ar_n; i++) {
		off = 0;
		while ((got = option_next(ar->ar_area[i].a_data, ar->ar_area[i].a_len, &off,
		    &val, &len)) != 0) {
			if (got != code)
				continue;
			if (len > JOINED_MAX - total)
				len = JOINED_MAX - total;
			memcpy(buf + total, val, len);
			total += len;
		}
	}
	return total;
}

static void
areas_find(const uint8_t *data, size_t len, struct areas *ar)
{
	uint8_t buf[JOINED_MAX];
	uint8_t overload = 0;

	ar->ar_area[0].a_data = data + DHCP_FIXED + 4;
	ar->ar_area[0].a_len = len - DHCP_FIXED - 4;
	ar->ar_n = 1;
	if (option_join(ar, DHCP_OPT_OVERLOAD, buf) == 1)
		overload = buf[0];
	/* The file comes before the name: RFC 3396 section 5. */
	if (overload & OVERLOAD_FILE) {
		ar->ar_area[ar->ar_n].a_data = data + AT_FILE;
		ar->ar_area[ar->ar_n++].a_len = LEN_FILE;
	}
	if (overload & OVERLOAD_SNAME) {
		ar->ar_area[ar->ar_n].a_data = data + AT_SNAME;
		ar->ar_area[ar->ar_n++].a_len = LEN_SNAME;
	}
}

/* --- values ---------------------------------------------------------------------- */

static uint32_t
value_addr(const struct areas *ar, uint8_t code)
{
	uint8_t buf[JOINED_MAX];

	return option_join(ar, code, buf) == 4 ? raw32_get(buf) : 0;
}

static uint32_t
value_u32(const struct areas *ar, uint8_t code)
{
	uint8_t buf[JOINED_MAX];

	return option_join(ar, code, buf) == 4 ? be32_get(buf) : 0;
}

/* A list of hosts; what cannot be one is left out. */
static uint8_t
value_addrs(const struct areas *ar, uint8_t code, uint32_t addrs[DHCP_NADDRS])
{
	uint8_t buf[JOINED_MAX], n = 0;
	size_t len = option_join(ar, code, buf);

	for (size_t i = 0; i + 4 <= len && n < DHCP_NADDRS; i += 4) {
		addrs[n] = raw32_get(buf + i);
		if (dhcp_hostaddr(addrs[n]))
			n++;
	}
	return n;
}

/*
 * Names end up in resolver files and in the hands of scripts, hence only
 * letters, digits, hyphens, dots and underscores.
 */
static bool
name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_';
}

static void
value_name(const struct areas *ar, uint8_t code, char name[DHCP_NAMELEN])
{
	uint8_t buf[JOINED_MAX];
	size_t len = option_join(ar, code, buf);

	while (len > 0 && buf[len - 1] == '\0')
		len--;			/* some servers send the NUL */
	if (len >= DHCP_NAMELEN || (len > 0 && buf[0] == '-'))
		return;
	for (size_t i = 0; i < len; i++) {
		if (!name_char(buf[i]))
			return;
	}
	memcpy(name, buf, len);
	name[len] = '\0';
}

static void
value_message(const struct areas *ar, char text[DHCP_NAMELEN])
{
	uint8_t buf[JOINED_MAX];
	size_t len = option_join(ar, DHCP_OPT_MESSAGE, buf);

	if (len >= DHCP_NAMELEN)
		len = DHCP_NAMELEN - 1;
	for (size_t i = 0; i < len; i++)
		text[i] = buf[i] >= ' ' && buf[i] < 0x7f ? (char)buf[i] : '?';
	text[len] = '\0';
}

/* RFC 3442: length of the prefix, its significant bytes, the router. */
static uint8_t
value_routes(const struct areas *ar, struct dhcp_route routes[DHCP_NROUTES])
{
	uint8_t buf[JOINED_MAX], dst[4], n = 0;
	size_t len = option_join(ar, DHCP_OPT_ROUTES, buf), off = 0, sig;

	while (off < len && n < DHCP_NROUTES) {
		uint8_t plen = buf[off++];

		sig = (plen + 7u) / 8;
		if (plen > 32 || len - off < sig + 4)
			return 0;	/* half a list would lead astray */
		memset(dst, 0, sizeof(dst));
		memcpy(dst, buf + off, sig);
		routes[n].dr_plen = plen;
		/* Bits outside of the mask are to be taken as 0. */
		routes[n].dr_dst = raw32_get(dst) &
		    net32(plen == 0 ? 0 : 0xffffffffu << (32 - plen));
		routes[n].dr_gw = raw32_get(buf + off + sig);
		off += sig + 4;
		if (routes[n].dr_gw == 0 || dhcp_hostaddr(routes[n].dr_gw))
			n++;
	}
	return n;
}

/*
 * One name of RFC 1035 section 4.1.4 at *off of buf, appended to text.  Pointers lead
 * strictly backwards, so that it ends.
 */
static bool
domain_append(const uint8_t *buf, size_t len, size_t *off, char text[DHCP_NAMELEN], size_t *ret_n)
{
	size_t at = *off, bound = len, n = *ret_n, to;
	unsigned int labels = 0;
	bool jumped = false;
	uint8_t c;

	while (at < bound && (c = buf[at++]) != 0) {
		if ((c & 0xc0) == 0xc0) {
			if (at >= bound)
				return false;
			to = (size_t)(c & 0x3f) << 8 | buf[at++];
			if (!jumped)
				*off = at;
			jumped = true;
			bound = at - 2;
			if (to >= bound)
				return false;
			at = to;
			continue;
		}
		if (c > 63 || bound - at < c || n + c + 2 >= DHCP_NAMELEN)
			return false;
		if (n > 0)
			text[n++] = labels++ == 0 ? ' ' : '.';
		else
			labels++;
		for (; c > 0; c--, at++) {
			if (!name_char(buf[at]) || buf[at] == '.')
				return false;
			text[n++] = (char)buf[at];
		}
	}
	if (at > bound || (at == bound && buf[at - 1] != 0))
		return false;
	if (!jumped)
		*off = at;
	*ret_n = n;
	return true;
}

static void
value_search(const struct areas *ar, char text[DHCP_NAMELEN])
{
	uint8_t buf[JOINED_MAX];
	size_t len = option_join(ar, DHCP_OPT_SEARCH, buf), off = 0, n = 0;

	while (off < len && domain_append(buf, len, &off, text, &n))
		continue;
	text[n] = '\0';
}

static void
values_parse(const struct areas *ar, struct dhcp_msg *dm)
{
	uint8_t buf[JOINED_MAX];

	dm->dm_type = option_join(ar, DHCP_OPT_TYPE, buf) == 1 ? buf[0] : 0;
	dm->dm_mtu = option_join(ar, DHCP_OPT_MTU, buf) == 2 ? be16_get(buf) : 0;
	dm->dm_server = value_addr(ar, DHCP_OPT_SERVER);
	dm->dm_wanted = value_addr(ar, DHCP_OPT_ADDRESS);
	dm->dm_mask = value_addr(ar, DHCP_OPT_MASK);
	dm->dm_broadcast = value_addr(ar, DHCP_OPT_BROADCAST);
	dm->dm_lease = value_u32(ar, DHCP_OPT_LEASE);
	dm->dm_t1 = value_u32(ar, DHCP_OPT_T1);
	dm->dm_t2 = value_u32(ar, DHCP_OPT_T2);
	dm->dm_nrouters = value_addrs(ar, DHCP_OPT_ROUTER, dm->dm_router);
	dm->dm_ndns = value_addrs(ar, DHCP_OPT_DNS, dm->dm_dns);
	dm->dm_nntp = value_addrs(ar, DHCP_OPT_NTP, dm->dm_ntp);
	dm->dm_nroutes = value_routes(ar, dm->dm_route);
	value_name(ar, DHCP_OPT_HOSTNAME, dm->dm_hostname);
	value_name(ar, DHCP_OPT_DOMAIN, dm->dm_domain);
	value_search(ar, dm->dm_search);
	value_message(ar, dm->dm_message);
}

int
dhcp_parse(const uint8_t *data, size_t len, struct dhcp_msg *ret_dm)
{
	struct areas ar;

	if (len < DHCP_FIXED + 4 || be32_get(data + DHCP_FIXED) != COOKIE)
		return EINVAL;
	if ((data[0] != DHCP_BOOTREQUEST && data[0] != DHCP_BOOTREPLY) ||
	    data[1] != 1 || data[2] != 6)
		return EINVAL;		/* Ethernet only */
	memset(ret_dm, 0, sizeof(*ret_dm));
	ret_dm->dm_op = data[0];
	ret_dm->dm_xid = be32_get(data + 4);
	ret_dm->dm_secs = be16_get(data + 8);
	ret_dm->dm_flags = be16_get(data + 10);
	ret_dm->dm_ciaddr = raw32_get(data + 12);
	ret_dm->dm_yiaddr = raw32_get(data + 16);
	ret_dm->dm_siaddr = raw32_get(data + 20);
	ret_dm->dm_giaddr = raw32_get(data + 24);
	memcpy(ret_dm->dm_chaddr, data + 28, sizeof(ret_dm->dm_chaddr));
	areas_find(data, len, &ar);
	values_parse(&ar, ret_dm);
	return 0;
}

/* --- building ---------------------------------------------------------------------- */

static uint8_t *
option_put(uint8_t *p, uint8_t code, const void *val, size_t len)
{
	p[0] = code;
	p[1] = (uint8_t)len;
	memcpy(p + 2, val, len);
	return p + 2 + len;
}

static const uint8_t options_wanted[] = {
	DHCP_OPT_MASK, DHCP_OPT_ROUTES, DHCP_OPT_ROUTER, DHCP_OPT_DNS, DHCP_OPT_HOSTNAME,
	DHCP_OPT_DOMAIN, DHCP_OPT_MTU, DHCP_OPT_BROADCAST, DHCP_OPT_NTP, DHCP_OPT_LEASE,
	DHCP_OPT_T1, DHCP_OPT_T2, DHCP_OPT_SEARCH,
};

size_t
dhcp_build(const struct dhcp_msg *dm, uint8_t buf[DHCP_MAXLEN])
{
	uint8_t id[7] = { 1 }, maxlen[2], *p;
	bool asks = dm->dm_type == DHCP_DISCOVER || dm->dm_type == DHCP_REQUEST ||
	    dm->dm_type == DHCP_INFORM;
	size_t len;

	memset(buf, 0, DHCP_FIXED);
	buf[0] = DHCP_BOOTREQUEST;
	buf[1] = 1;
	buf[2] = 6;
	be32_put(buf + 4, dm->dm_xid);
	be16_put(buf + 8, dm->dm_secs);
	be16_put(buf + 10, dm->dm_flags);
	memcpy(buf + 12, &dm->dm_ciaddr, 4);
	memcpy(buf + 28, dm->dm_chaddr, 6);
	be32_put(buf + DHCP_FIXED, COOKIE);

	p = option_put(buf + DHCP_FIXED + 4, DHCP_OPT_TYPE, &dm->dm_type, 1);
	memcpy(id + 1, dm->dm_chaddr, 6);
	p = option_put(p, DHCP_OPT_CLIENTID, id, sizeof(id));
	if (dm->dm_server != 0)
		p = option_put(p, DHCP_OPT_SERVER, &dm->dm_server, 4);
	if (dm->dm_wanted != 0)
		p = option_put(p, DHCP_OPT_ADDRESS, &dm->dm_wanted, 4);
	if (asks) {
		be16_put(maxlen, DHCP_MAXLEN);
		p = option_put(p, DHCP_OPT_MAXLEN, maxlen, sizeof(maxlen));
		p = option_put(p, DHCP_OPT_WANTED, options_wanted, sizeof(options_wanted));
		len = strnlen(dm->dm_hostname, sizeof(dm->dm_hostname));
		if (len > 0)
			p = option_put(p, DHCP_OPT_HOSTNAME, dm->dm_hostname, len);
	}
	*p++ = DHCP_OPT_END;
	len = (size_t)(p - buf);
	if (len < DHCP_MINLEN) {
		memset(p, 0, DHCP_MINLEN - len);
		len = DHCP_MINLEN;
	}
	return len;
}

/* --- addresses ---------------------------------------------------------------------- */

int
dhcp_masklen(uint32_t mask)
{
	uint32_t inverse = ~net32(mask);

	if ((inverse & (inverse + 1)) != 0)
		return -1;
	return inverse == 0 ? 32 : __builtin_clz(inverse);
}

bool
dhcp_hostaddr(uint32_t addr)
{
	uint8_t first = (uint8_t)(net32(addr) >> 24);

	return first != 0 && first != 127 && first < 224;
}
