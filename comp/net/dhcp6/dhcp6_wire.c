/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_wire.c - from bytes to what a DHCPv6 message says, and back
 *
 * Options lie behind each other, and inside of some lie others.  An option that reaches
 * beyond what it lies in makes the whole message malformed; one of a length that its
 * kind does not have is passed over.  Of an option that may be there once the first
 * counts (RFC 8415 section 16 has a client ignore the message or the copies).
 */

#include <lib/bytes.h>
#include <lib/dnsname.h>
#include <lib/string.h>
#include <sys/errno.h>

#include "dhcp6_wire.h"

#define HDRLEN		4		/* of a message: type, transaction */
#define OPT_HDRLEN	4		/* code, length */
#define IA_HDRLEN	12		/* IAID, T1, T2 */
#define IAADDR_HDRLEN	24		/* address, preferred, valid */
#define NTP_SERVER	1		/* RFC 5908 section 4.1 */
#define DUID_LL		3
#define HW_ETHERNET	1

struct option {
	uint16_t	 o_code;
	size_t		 o_len;
	const uint8_t	*o_data;
};

/* The next option at *off.  ENOENT: the end; EINVAL: it reaches beyond. */
static int
option_next(const uint8_t *data, size_t len, size_t *off, struct option *ret_o)
{
	if (*off == len)
		return ENOENT;
	if (len - *off < OPT_HDRLEN || be16_get(data + *off + 2) > len - *off - OPT_HDRLEN)
		return EINVAL;
	ret_o->o_code = be16_get(data + *off);
	ret_o->o_len = be16_get(data + *off + 2);
	ret_o->o_data = data + *off + OPT_HDRLEN;
	*off += OPT_HDRLEN + ret_o->o_len;
	return 0;
}

static struct inaddr
addr_get(const uint8_t *p)
{
	struct inaddr a;

	memcpy(a.ia_b, p, sizeof(a.ia_b));
	return a;
}

bool
dhcp6_hostaddr(const struct inaddr *a)
{
	const uint8_t *b = a->ia_b;
	bool low = a->ia_d[0] == 0;	/* ::, ::1, mapped, compatible: RFC 4291 section 2.5 */
	bool link = b[0] == 0xfe && (b[1] & 0xc0) == 0x80;

	return !low && !link && b[0] != 0xff;
}

/* --- values -------------------------------------------------------------------------- */

static void
duid_parse(const struct option *o, struct dhcp6_duid *du)
{
	/* Two bytes of type and at least one of something. */
	if (du->du_len != 0 || o->o_len < 3 || o->o_len > DHCP6_DUIDMAX)
		return;
	du->du_len = (uint8_t)o->o_len;
	memcpy(du->du_data, o->o_data, o->o_len);
}

/* A list of hosts; what cannot be one is left out.  A resolver may be on the link. */
static void
servers_parse(const uint8_t *data, size_t len, struct inaddr *list, uint8_t *n)
{
	for (size_t i = 0; i + 16 <= len && *n < DHCP6_NSERVERS; i += 16) {
		list[*n] = addr_get(data + i);
		if (list[*n].ia_b[0] != 0xff && list[*n].ia_d[0] != 0)
			(*n)++;
	}
}

static void
ntp_parse(const struct option *outer, struct dhcp6_msg *dm)
{
	struct option o;
	size_t off = 0;

	while (option_next(outer->o_data, outer->o_len, &off, &o) == 0) {
		if (o.o_code == NTP_SERVER && o.o_len == 16)
			servers_parse(o.o_data, 16, dm->dm_ntp, &dm->dm_nntp);
	}
}

static void
status_text(const uint8_t *data, size_t len, char text[DHCP6_NAMELEN])
{
	if (len >= DHCP6_NAMELEN)
		len = DHCP6_NAMELEN - 1;
	for (size_t i = 0; i < len; i++)
		text[i] = data[i] >= ' ' && data[i] < 0x7f ? (char)data[i] : '?';
	text[len] = '\0';
}

/* The first text that comes with an error is the one to show. */
static uint16_t
status_parse(const struct option *o, struct dhcp6_msg *dm)
{
	uint16_t status;

	if (o->o_len < 2)
		return DHCP6_SUCCESS;
	status = be16_get(o->o_data);
	if (status != DHCP6_SUCCESS && dm->dm_text[0] == '\0')
		status_text(o->o_data + 2, o->o_len - 2, dm->dm_text);
	return status;
}

/* EINVAL: the options inside are malformed. */
static int
iaaddr_parse(const struct option *outer, struct dhcp6_msg *dm)
{
	struct dhcp6_addr *da = &dm->dm_addr[dm->dm_naddrs];
	uint16_t status = DHCP6_SUCCESS;
	size_t off = IAADDR_HDRLEN;
	struct option o;
	int error;

	if (outer->o_len < IAADDR_HDRLEN)
		return 0;
	while ((error = option_next(outer->o_data, outer->o_len, &off, &o)) == 0) {
		if (o.o_code == DHCP6_OPT_STATUS)
			status = status_parse(&o, dm);
	}
	if (error != ENOENT)
		return error;
	if (dm->dm_naddrs == DHCP6_NADDRS || status != DHCP6_SUCCESS)
		return 0;
	da->da_addr = addr_get(outer->o_data);
	da->da_preferred = be32_get(outer->o_data + 16);
	da->da_valid = be32_get(outer->o_data + 20);
	/* Section 21.6: longer preferred than valid is to be discarded. */
	if (da->da_preferred > da->da_valid || !dhcp6_hostaddr(&da->da_addr))
		return 0;
	for (unsigned int i = 0; i < dm->dm_naddrs; i++) {
		if (inaddr_eq(&dm->dm_addr[i].da_addr, &da->da_addr))
			return 0;
	}
	dm->dm_naddrs++;
	return 0;
}

static int
ia_parse(const struct option *outer, uint32_t iaid, struct dhcp6_msg *dm)
{
	uint16_t status = DHCP6_SUCCESS;
	size_t off = IA_HDRLEN;
	uint32_t t1, t2;
	struct option o;
	int error;

	if (outer->o_len < IA_HDRLEN || be32_get(outer->o_data) != iaid || dm->dm_ia)
		return 0;
	t1 = be32_get(outer->o_data + 4);
	t2 = be32_get(outer->o_data + 8);
	/* Section 21.4: such an association is to be discarded. */
	if (t2 != 0 && t1 > t2)
		return 0;
	dm->dm_ia = true;
	dm->dm_iaid = iaid;
	dm->dm_t1 = t1;
	dm->dm_t2 = t2;
	while ((error = option_next(outer->o_data, outer->o_len, &off, &o)) == 0) {
		if (o.o_code == DHCP6_OPT_IAADDR)
			error = iaaddr_parse(&o, dm);
		else if (o.o_code == DHCP6_OPT_STATUS)
			status = status_parse(&o, dm);
		if (error)
			return error;
	}
	dm->dm_iastatus = status;
	return error == ENOENT ? 0 : error;
}

static uint32_t
seconds_parse(const struct option *o, uint32_t had)
{
	return o->o_len == 4 && had == 0 ? be32_get(o->o_data) : had;
}

static int
value_parse(const struct option *o, uint32_t iaid, struct dhcp6_msg *dm)
{
	switch (o->o_code) {
	case DHCP6_OPT_CLIENTID:
		duid_parse(o, &dm->dm_client);
		break;
	case DHCP6_OPT_SERVERID:
		duid_parse(o, &dm->dm_server);
		break;
	case DHCP6_OPT_IA_NA:
		return ia_parse(o, iaid, dm);
	case DHCP6_OPT_PREFERENCE:
		if (o->o_len == 1)
			dm->dm_preference = o->o_data[0];
		break;
	case DHCP6_OPT_ELAPSED:
		if (o->o_len == 2)
			dm->dm_elapsed = be16_get(o->o_data);
		break;
	case DHCP6_OPT_STATUS:
		dm->dm_status = status_parse(o, dm);
		break;
	case DHCP6_OPT_RAPID:
		dm->dm_rapid = true;
		break;
	case DHCP6_OPT_DNS:
		servers_parse(o->o_data, o->o_len, dm->dm_dns, &dm->dm_ndns);
		break;
	case DHCP6_OPT_SEARCH:
		dnsname_list(o->o_data, o->o_len, dm->dm_search, sizeof(dm->dm_search));
		break;
	case DHCP6_OPT_NTP:
		ntp_parse(o, dm);
		break;
	case DHCP6_OPT_REFRESH:
		dm->dm_refresh = seconds_parse(o, dm->dm_refresh);
		break;
	case DHCP6_OPT_SOL_MAX_RT:
		dm->dm_solmax = seconds_parse(o, dm->dm_solmax);
		break;
	case DHCP6_OPT_INF_MAX_RT:
		dm->dm_infmax = seconds_parse(o, dm->dm_infmax);
		break;
	default:
		break;
	}
	return 0;
}

int
dhcp6_parse(const uint8_t *data, size_t len, uint32_t iaid, struct dhcp6_msg *ret_dm)
{
	size_t off = HDRLEN;
	struct option o;
	int error;

	if (len < HDRLEN)
		return EINVAL;
	memset(ret_dm, 0, sizeof(*ret_dm));
	ret_dm->dm_type = data[0];
	ret_dm->dm_xid = be32_get(data) & 0xffffff;
	while ((error = option_next(data, len, &off, &o)) == 0) {
		error = value_parse(&o, iaid, ret_dm);
		if (error)
			return error;
	}
	return error == ENOENT ? 0 : error;
}

/* --- building -------------------------------------------------------------------------- */

/* Where its value is to be written. */
static uint8_t *
option_put(uint8_t **p, uint16_t code, size_t len)
{
	uint8_t *value = *p + OPT_HDRLEN;

	be16_put(*p, code);
	be16_put(*p + 2, (uint16_t)len);
	*p = value + len;
	return value;
}

static void
duid_put(uint8_t **p, uint16_t code, const struct dhcp6_duid *du)
{
	if (du->du_len != 0)
		memcpy(option_put(p, code, du->du_len), du->du_data, du->du_len);
}

/* Lifetimes in what a client says are hints; it has no wishes. */
static void
ia_put(uint8_t **p, const struct dhcp6_msg *dm)
{
	uint8_t *ia = option_put(p, DHCP6_OPT_IA_NA, IA_HDRLEN +
	    dm->dm_naddrs * (size_t)(OPT_HDRLEN + IAADDR_HDRLEN));
	uint8_t *inside = ia + IA_HDRLEN, *value;

	memset(ia, 0, IA_HDRLEN);
	be32_put(ia, dm->dm_iaid);
	for (unsigned int i = 0; i < dm->dm_naddrs; i++) {
		value = option_put(&inside, DHCP6_OPT_IAADDR, IAADDR_HDRLEN);
		memset(value, 0, IAADDR_HDRLEN);
		memcpy(value, dm->dm_addr[i].da_addr.ia_b, 16);
	}
}

static const uint16_t options_wanted[] = {
	DHCP6_OPT_DNS, DHCP6_OPT_SEARCH, DHCP6_OPT_NTP, DHCP6_OPT_SOL_MAX_RT,
	DHCP6_OPT_INF_MAX_RT, DHCP6_OPT_REFRESH,
};

/*
 * RFC 8415 section 21.7: not in a Release or Decline.  The last two are for an
 * Information-request, where they have to be (section 18.2.6).
 */
static void
wanted_put(uint8_t **p, uint8_t type)
{
	size_t n = ARRAY_SIZE(options_wanted) - (type == DHCP6_INFORMATION ? 0 : 2);
	uint8_t *value;

	if (type == DHCP6_RELEASE || type == DHCP6_DECLINE)
		return;
	value = option_put(p, DHCP6_OPT_WANTED, n * 2);
	for (size_t i = 0; i < n; i++)
		be16_put(value + 2 * i, options_wanted[i]);
}

size_t
dhcp6_build(const struct dhcp6_msg *dm, uint8_t buf[DHCP6_BUILDMAX])
{
	uint8_t *p = buf + HDRLEN;

	_Static_assert(HDRLEN + 2 * (OPT_HDRLEN + DHCP6_DUIDMAX) + 6 + 4 + 16 + 4 + IA_HDRLEN +
	    DHCP6_NADDRS * (OPT_HDRLEN + IAADDR_HDRLEN) <= DHCP6_BUILDMAX, "all of it fits");
	be32_put(buf, dm->dm_xid & 0xffffff);
	buf[0] = dm->dm_type;
	duid_put(&p, DHCP6_OPT_CLIENTID, &dm->dm_client);
	duid_put(&p, DHCP6_OPT_SERVERID, &dm->dm_server);
	be16_put(option_put(&p, DHCP6_OPT_ELAPSED, 2), dm->dm_elapsed);
	wanted_put(&p, dm->dm_type);
	if (dm->dm_rapid)
		(void)option_put(&p, DHCP6_OPT_RAPID, 0);
	if (dm->dm_ia)
		ia_put(&p, dm);
	return (size_t)(p - buf);
}

/* --- who we are ------------------------------------------------------------------------- */

void
dhcp6_duid_ll(const uint8_t mac[6], struct dhcp6_duid *ret_duid)
{
	memset(ret_duid, 0, sizeof(*ret_duid));
	ret_duid->du_len = 4 + 6;
	be16_put(ret_duid->du_data, DUID_LL);
	be16_put(ret_duid->du_data + 2, HW_ETHERNET);
	memcpy(ret_duid->du_data + 4, mac, 6);
}

bool
dhcp6_duid_eq(const struct dhcp6_duid *a, const struct dhcp6_duid *b)
{
	return a->du_len == b->du_len && memcmp(a->du_data, b->du_data, a->du_len) == 0;
}
