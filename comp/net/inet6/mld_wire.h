/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mld_wire.h - messages of multicast listener discovery
 *
 * Pure.  References: RFC 3810 (MLDv2: sections 5, 6.2, 8.1), 2710 (MLDv1).
 */

#ifndef INET6_MLD_WIRE_H
#define INET6_MLD_WIRE_H

#include "nd_wire.h"

/* Record types of a version 2 report: RFC 3810 section 5.2.12. */
enum {
	MLD_IS_IN = 1, MLD_IS_EX = 2, MLD_TO_IN = 3, MLD_TO_EX = 4,
	MLD_ALLOW = 5, MLD_BLOCK = 6,
};

#define MLD_MAXSOURCES	64	/* of one query that we look at */

struct mld_query {
	unsigned int	 q_version;	/* 1 or 2 */
	uint32_t	 q_maxdelay;	/* ms */
	struct inaddr	 q_group;	/* zero: a general query */
	uint8_t		 q_robustness;	/* 0: not said */
	uint32_t	 q_interval;	/* seconds */
	unsigned int	 q_nsources;
	const uint8_t	*q_sources;	/* 16 bytes each */
};

/* From the ICMPv6 header on; alert: there was a router alert.  EINVAL. */
int	mld_query_parse(const struct nd_msg *m, bool alert, struct mld_query *ret,
	    const char **ret_why);
/* A version 1 report or done: its group.  EINVAL */
int	mld_report1_parse(const struct nd_msg *m, bool alert, struct inaddr *ret_group,
	    const char **ret_why);

#define MLD_HDRLEN	8
#define MLD_RECLEN	20
/* MLD_HDRLEN bytes, to be followed by nrecs records. */
void	mld_report2_head(uint8_t *p, uint16_t nrecs);
/* MLD_RECLEN bytes, to be followed by nsources addresses. */
void	mld_record_build(uint8_t *p, uint8_t type, const struct inaddr *group, uint16_t nsources);
/* A version 1 message of 24 bytes. */
void	mld_v1_build(uint8_t *p, uint8_t type, const struct inaddr *group);

#endif /* INET6_MLD_WIRE_H */
