/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * igmp_wire.c - IGMP messages, to and from bytes
 *
 * References: RFC 2236 section 2, RFC 3376 section 4.
 */

#include "igmp_wire.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <net/packet.h>
#include <sys/errno.h>

#define MSEC	1000000LL

/* RFC 3376 section 4.1.1: small numbers as they are, large ones with an exponent. */
static int64_t
code_value(uint8_t code)
{
	if (code < 128)
		return code;
	return (int64_t)((code & 15) | 16) << ((code >> 4 & 7) + 3);
}

int
igmp_query_parse(const uint8_t *b, size_t len, struct igmp_query *ret_iq)
{
	struct igmp_query iq = { .iq_version = 3 };

	if (len < IGMP_MINLEN || b[0] != IGMP_QUERY)
		return EINVAL;
	memcpy(&iq.iq_group.ia_w[0], b + 4, 4);
	if (len == IGMP_MINLEN) {
		iq.iq_version = b[1] == 0 ? 1 : 2;
		iq.iq_maxresp = (b[1] == 0 ? 100 : b[1]) * 100 * MSEC;
		*ret_iq = iq;
		return 0;
	}
	if (len < IGMP_QUERYLEN)
		return EINVAL;
	iq.iq_maxresp = code_value(b[1]) * 100 * MSEC;
	iq.iq_robust = b[8] & 7;
	iq.iq_interval = code_value(b[9]) * 1000 * MSEC;
	iq.iq_nsrc = be16_get(b + 10);
	iq.iq_srcs = b + IGMP_QUERYLEN;
	if ((size_t)iq.iq_nsrc * 4 > len - IGMP_QUERYLEN ||
	    (iq.iq_nsrc != 0 && inaddr_zero(&iq.iq_group)))
		return EINVAL;
	*ret_iq = iq;
	return 0;
}

size_t
igmp_record_put(uint8_t *b, size_t len, size_t max, uint8_t kind, uint32_t group,
    const uint32_t *src, uint16_t n)
{
	if (len + IGMP_RECORDLEN + (size_t)n * 4 > max)
		return 0;
	b[len] = kind;
	b[len + 1] = 0;
	be16_put(b + len + 2, n);
	memcpy(b + len + 4, &group, 4);
	if (n != 0)
		memcpy(b + len + IGMP_RECORDLEN, src, (size_t)n * 4);
	return len + IGMP_RECORDLEN + (size_t)n * 4;
}

static void
message_sum(uint8_t *b, size_t len)
{
	uint16_t sum;

	memset(b + 2, 0, 2);
	sum = packet_sum_fold(packet_sum_bytes(b, len, 0));
	memcpy(b + 2, &sum, sizeof(sum));
}

void
igmp_report_finish(uint8_t *b, size_t len, uint16_t n)
{
	memset(b, 0, IGMP_MINLEN);
	b[0] = IGMP_V3_REPORT;
	be16_put(b + 6, n);
	message_sum(b, len);
}

void
igmp_message_build(uint8_t *b, uint8_t type, uint32_t group)
{
	memset(b, 0, IGMP_MINLEN);
	b[0] = type;
	memcpy(b + 4, &group, 4);
	message_sum(b, IGMP_MINLEN);
}
