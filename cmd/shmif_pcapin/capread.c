/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * capread.c - frames out of capture files
 */

#include "capread.h"

#include <errno.h>
#include <string.h>

#define NSEC_PER_SEC	1000000000ULL

#define BLOCK_SECTION	0x0a0d0d0au	/* the same in both orders */
#define BLOCK_INTERFACE	1
#define BLOCK_SIMPLE	3
#define BLOCK_PACKET	6
#define ORDER_MAGIC	0x1a2b3c4du
#define OPT_TSRESOL	9

#define PCAP_HEADER	24
#define PCAP_RECORD	16

static uint16_t
get16(const struct capread *cr, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return cr->cr_swap ? __builtin_bswap16(v) : v;
}

static uint32_t
get32(const struct capread *cr, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return cr->cr_swap ? __builtin_bswap32(v) : v;
}

/* What is so many units since 1970, in nanoseconds; 0 if that is no time. */
static int64_t
time_of(uint64_t count, uint64_t units)
{
	uint64_t seconds = count / units, rest = count % units;

	if (seconds > INT64_MAX / NSEC_PER_SEC - 1)
		return 0;
	return (int64_t)(seconds * NSEC_PER_SEC +
	    (uint64_t)((unsigned __int128)rest * NSEC_PER_SEC / units));
}

/* --- pcap ---------------------------------------------------------------------- */

static bool
pcap_magic(struct capread *cr, uint32_t magic)
{
	switch (magic) {
	case 0xa1b2c3d4u:
		cr->cr_units = 1000000;
		return true;
	case 0xa1b23c4du:
		cr->cr_units = NSEC_PER_SEC;
		return true;
	default:
		return false;
	}
}

static int
pcap_open(struct capread *cr)
{
	uint32_t magic;

	if (cr->cr_len < PCAP_HEADER)
		return EINVAL;
	magic = get32(cr, cr->cr_data);
	if (!pcap_magic(cr, magic)) {
		cr->cr_swap = true;
		if (!pcap_magic(cr, __builtin_bswap32(magic)))
			return EINVAL;
	}
	cr->cr_link = (uint16_t)get32(cr, cr->cr_data + 20);
	cr->cr_off = PCAP_HEADER;
	return 0;
}

static int
pcap_next(struct capread *cr, struct capread_frame *cf)
{
	const uint8_t *p = cr->cr_data + cr->cr_off;
	size_t left = cr->cr_len - cr->cr_off;

	if (left == 0)
		return ENOENT;
	if (left < PCAP_RECORD)
		return EINVAL;
	cf->cf_caplen = get32(cr, p + 8);
	cf->cf_len = get32(cr, p + 12);
	if (cf->cf_caplen > left - PCAP_RECORD)
		return EINVAL;
	cf->cf_data = p + PCAP_RECORD;
	cf->cf_link = cr->cr_link;
	cf->cf_time = time_of(get32(cr, p) * cr->cr_units + get32(cr, p + 4), cr->cr_units);
	cr->cr_off += PCAP_RECORD + cf->cf_caplen;
	return 0;
}

/* --- pcapng ---------------------------------------------------------------------- */

/* A power of ten, or of two if the highest bit is set; 0: too fine. */
static uint64_t
units_of(uint8_t resolution)
{
	uint64_t units = 1, base = resolution >> 7 != 0 ? 2 : 10;
	unsigned int n = resolution & 0x7f;

	if (n > (base == 2 ? 63u : 19u))
		return 0;
	while (n-- > 0)
		units *= base;
	return units;
}

static int
interface_options(const struct capread *cr, const uint8_t *p, size_t len, uint64_t *ret_units)
{
	uint16_t code, size;

	while (len >= 4) {
		code = get16(cr, p);
		size = get16(cr, p + 2);
		p += 4;
		len -= 4;
		if (code == 0)
			break;
		if (size > len)
			return EINVAL;
		if (code == OPT_TSRESOL && size >= 1) {
			*ret_units = units_of(p[0]);
			if (*ret_units == 0)
				return EINVAL;
		}
		size = (uint16_t)(size + 3) & ~3u;
		if (size > len)
			break;
		p += size;
		len -= size;
	}
	return 0;
}

static int
ng_section(struct capread *cr, const uint8_t *body, size_t len)
{
	cr->cr_ninterfaces = 0;
	return len < 16 ? EINVAL : 0;
}

static int
ng_interface(struct capread *cr, const uint8_t *body, size_t len)
{
	uint64_t units = 1000000;
	unsigned int n = cr->cr_ninterfaces;

	if (len < 8 || n == CAPREAD_INTERFACES)
		return EINVAL;
	if (interface_options(cr, body + 8, len - 8, &units) != 0)
		return EINVAL;
	cr->cr_interface[n].ci_link = get16(cr, body);
	cr->cr_interface[n].ci_snaplen = get32(cr, body + 4);
	cr->cr_interface[n].ci_units = units;
	cr->cr_ninterfaces++;
	return 0;
}

static int
ng_packet(struct capread *cr, const uint8_t *body, size_t len, struct capread_frame *cf)
{
	uint32_t interface;

	if (len < 20)
		return EINVAL;
	interface = get32(cr, body);
	cf->cf_caplen = get32(cr, body + 12);
	cf->cf_len = get32(cr, body + 16);
	if (interface >= cr->cr_ninterfaces || cf->cf_caplen > len - 20)
		return EINVAL;
	cf->cf_data = body + 20;
	cf->cf_link = cr->cr_interface[interface].ci_link;
	cf->cf_time = time_of((uint64_t)get32(cr, body + 4) << 32 | get32(cr, body + 8),
	    cr->cr_interface[interface].ci_units);
	return 0;
}

/* It says how long it was; what is there is that, cut as the interface says. */
static int
ng_simple(struct capread *cr, const uint8_t *body, size_t len, struct capread_frame *cf)
{
	uint32_t snaplen;

	if (len < 4 || cr->cr_ninterfaces == 0)
		return EINVAL;
	snaplen = cr->cr_interface[0].ci_snaplen;
	cf->cf_len = cf->cf_caplen = get32(cr, body);
	if (snaplen != 0 && cf->cf_caplen > snaplen)
		cf->cf_caplen = snaplen;
	if (cf->cf_caplen > len - 4)
		return EINVAL;
	cf->cf_data = body + 4;
	cf->cf_link = cr->cr_interface[0].ci_link;
	cf->cf_time = 0;
	return 0;
}

/* A section may have its own byte order. */
static int
ng_order(struct capread *cr, const uint8_t *p, size_t left)
{
	uint32_t order;

	if (left < 12)
		return EINVAL;
	memcpy(&order, p + 8, sizeof(order));
	if (order != ORDER_MAGIC && order != __builtin_bswap32(ORDER_MAGIC))
		return EINVAL;
	cr->cr_swap = order != ORDER_MAGIC;
	return 0;
}

/* The next block; *ret_body and *ret_len are between its ends. */
static int
ng_block(struct capread *cr, uint32_t *ret_type, const uint8_t **ret_body, size_t *ret_len)
{
	const uint8_t *p = cr->cr_data + cr->cr_off;
	size_t left = cr->cr_len - cr->cr_off;
	uint32_t len;

	if (left == 0)
		return ENOENT;
	if (left < 12)
		return EINVAL;
	*ret_type = get32(cr, p);
	if (*ret_type == BLOCK_SECTION && ng_order(cr, p, left) != 0)
		return EINVAL;
	len = get32(cr, p + 4);
	if (len < 12 || len % 4 != 0 || len > left)
		return EINVAL;
	*ret_body = p + 8;
	*ret_len = len - 12;
	cr->cr_off += len;
	return 0;
}

static int
ng_next(struct capread *cr, struct capread_frame *cf)
{
	const uint8_t *body;
	uint32_t type;
	size_t len;
	int error;

	while ((error = ng_block(cr, &type, &body, &len)) == 0) {
		switch (type) {
		case BLOCK_SECTION:
			error = ng_section(cr, body, len);
			break;
		case BLOCK_INTERFACE:
			error = ng_interface(cr, body, len);
			break;
		case BLOCK_PACKET:
			return ng_packet(cr, body, len, cf);
		case BLOCK_SIMPLE:
			return ng_simple(cr, body, len, cf);
		default:
			break;
		}
		if (error)
			break;
	}
	return error;
}

/* ------------------------------------------------------------------------------------ */

int
capread_open(struct capread *cr, const void *data, size_t len)
{
	uint32_t type;

	memset(cr, 0, sizeof(*cr));
	cr->cr_data = data;
	cr->cr_len = len;
	if (len < 4)
		return EINVAL;
	memcpy(&type, data, sizeof(type));
	cr->cr_ng = type == BLOCK_SECTION;
	return cr->cr_ng ? ng_order(cr, data, len) : pcap_open(cr);
}

int
capread_next(struct capread *cr, struct capread_frame *ret_frame)
{
	return cr->cr_ng ? ng_next(cr, ret_frame) : pcap_next(cr, ret_frame);
}
