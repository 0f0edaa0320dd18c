/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_optwire.c - the options of IPv4
 *
 * An option is one byte, or a type, a length and data.  Those that routers write
 * into (record route, time stamp, source routes) carry a pointer, from 1.
 *
 * References: RFC 791 section 3.1, RFC 1122 section 3.2.1.8, RFC 2113.
 */

#include "ip_wire.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

#define OPT_END		0
#define OPT_NOP		1
#define OPT_COPIED	0x80
#define OPT_RR		7
#define OPT_TS		68
#define OPT_LSRR	131
#define OPT_SSRR	137
#define OPT_ALERT	148

#define TS_ONLY		0
#define TS_ADDR		1
#define TS_PRESPEC	3

/* A list of addresses with a pointer: is it in order? */
static bool
opt_route_ok(const uint8_t *o, size_t len)
{
	return len >= 3 && o[2] >= 4;
}

static bool
opt_ts_ok(const uint8_t *o, size_t len)
{
	uint8_t flags;

	if (len < 4 || o[2] < 5)
		return false;
	flags = o[3] & 15;
	return flags == TS_ONLY || flags == TS_ADDR || flags == TS_PRESPEC;
}

int
ip_opt_parse(const uint8_t *opt, size_t len, struct ip_optinfo *ret_io, size_t *ret_at)
{
	struct ip_optinfo io = { IP_OPT_NONE, IP_OPT_NONE, IP_OPT_NONE, false, false };
	size_t at = 0, n;

	for (; at < len; at += n) {
		uint8_t *seen = NULL;

		*ret_at = at;
		if (opt[at] == OPT_END)
			break;
		n = 1;
		if (opt[at] == OPT_NOP)
			continue;
		if (len - at < 2 || opt[at + 1] < 2 || opt[at + 1] > len - at)
			return EINVAL;
		n = opt[at + 1];
		switch (opt[at]) {
		case OPT_LSRR:
		case OPT_SSRR:
			io.io_strict = opt[at] == OPT_SSRR;
			seen = &io.io_srcroute;
			break;
		case OPT_RR:
			seen = &io.io_rr;
			break;
		case OPT_TS:
			seen = &io.io_ts;
			break;
		case OPT_ALERT:
			io.io_alert = n == 4 && be16_get(opt + at + 2) == 0;
			break;
		}
		if (seen == NULL)
			continue;
		/* Twice the same cannot be obeyed. */
		if (*seen != IP_OPT_NONE ||
		    !(opt[at] == OPT_TS ? opt_ts_ok(opt + at, n) : opt_route_ok(opt + at, n)))
			return EINVAL;
		*seen = (uint8_t)at;
	}
	*ret_io = io;
	return 0;
}

int
ip_opt_check(const uint8_t *opt, size_t len)
{
	struct ip_optinfo io;
	size_t at;

	if (len > IP_HDRMAX - IP_HDRLEN)
		return EINVAL;
	return ip_opt_parse(opt, len, &io, &at);
}

size_t
ip_opt_copied(const uint8_t *opt, size_t len, uint8_t *ret_opt)
{
	size_t out = 0, n;

	for (size_t at = 0; at < len && opt[at] != OPT_END; at += n) {
		n = opt[at] == OPT_NOP ? 1 : opt[at + 1];
		if ((opt[at] & OPT_COPIED) == 0)
			continue;
		memcpy(ret_opt + out, opt + at, n);
		out += n;
	}
	while (out % 4 != 0)
		ret_opt[out++] = OPT_END;
	return out;
}

/* The place for the next entry of n bytes at the option's pointer; NULL: full. */
static uint8_t *
opt_slot(uint8_t *o, size_t n)
{
	size_t at = (size_t)o[2] - 1;
	uint8_t *slot;

	if (at + n > o[1])
		return NULL;
	slot = o + at;
	o[2] = (uint8_t)(o[2] + n);
	return slot;
}

/* False: full, and the count of those who found no room overflows. */
static bool
opt_stamp(uint8_t *o, const struct inaddr *ours, uint32_t ms)
{
	uint8_t flags = o[3] & 15, *slot;

	if (flags == TS_PRESPEC) {
		/* Only if the next address of the list is ours. */
		size_t at = (size_t)o[2] - 1;

		if (at + 8 > o[1] || memcmp(o + at, &ours->ia_w[0], 4) != 0)
			return true;
	}
	slot = opt_slot(o, flags == TS_ONLY ? 4 : 8);
	if (slot == NULL) {
		if (o[3] >> 4 == 15)
			return false;
		o[3] = (uint8_t)(o[3] + 0x10);
		return true;
	}
	if (flags != TS_ONLY) {
		memcpy(slot, &ours->ia_w[0], 4);
		slot += 4;
	}
	be32_put(slot, ms);
	return true;
}

bool
ip_opt_record(uint8_t *opt, const struct ip_optinfo *io, const struct inaddr *ours, uint32_t ms,
    size_t *ret_at)
{
	uint8_t *slot;

	if (io->io_rr != IP_OPT_NONE) {
		slot = opt_slot(opt + io->io_rr, 4);
		if (slot != NULL)
			memcpy(slot, &ours->ia_w[0], 4);
	}
	if (io->io_ts != IP_OPT_NONE && !opt_stamp(opt + io->io_ts, ours, ms)) {
		*ret_at = io->io_ts;
		return false;
	}
	return true;
}
