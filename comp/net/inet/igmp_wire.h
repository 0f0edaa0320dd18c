/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * igmp_wire.h - IGMP messages as bytes
 *
 * Pure.  References: RFC 1112 appendix I, RFC 2236 section 2, RFC 3376 section 4.
 */

#ifndef IGMP_WIRE_H
#define IGMP_WIRE_H

#include <net/route.h>
#include <sys/types.h>

enum {
	IGMP_QUERY = 0x11, IGMP_V1_REPORT = 0x12, IGMP_V2_REPORT = 0x16, IGMP_V2_LEAVE = 0x17,
	IGMP_V3_REPORT = 0x22,
};

/* Kinds of records in a report. */
enum {
	IGMP_IS_IN = 1, IGMP_IS_EX, IGMP_TO_IN, IGMP_TO_EX, IGMP_ALLOW, IGMP_BLOCK,
};

#define IGMP_MINLEN	8
#define IGMP_QUERYLEN	12
#define IGMP_RECORDLEN	8

struct igmp_query {
	uint8_t		 iq_version;
	uint8_t		 iq_robust;	/* 0: not said */
	struct inaddr	 iq_group;	/* 0: general */
	int64_t		 iq_maxresp;	/* ns */
	int64_t		 iq_interval;	/* ns; 0: not said */
	uint16_t	 iq_nsrc;
	const uint8_t	*iq_srcs;	/* into the message */
};
/* The whole message, its sum good.  EINVAL. */
int	igmp_query_parse(const uint8_t *b, size_t len, struct igmp_query *ret_iq);

/* Appends a record; how long the message is then, 0: it does not fit. */
size_t	igmp_record_put(uint8_t *b, size_t len, size_t max, uint8_t kind, uint32_t group,
	    const uint32_t *src, uint16_t n);
/* Head of a v3 report in front of n records; all of it summed. */
void	igmp_report_finish(uint8_t *b, size_t len, uint16_t n);
/* v1 and v2: IGMP_MINLEN bytes. */
void	igmp_message_build(uint8_t *b, uint8_t type, uint32_t group);

#endif /* IGMP_WIRE_H */
