/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mld_wire.c - parsing of queries, building of reports
 */

#include "mld_wire.h"

#include <sys/errno.h>

#include <lib/bytes.h>
#include <lib/string.h>

/* RFC 3810 section 5.1.3: a small float of 16 bits. */
static uint32_t
maxdelay_get(uint16_t code)
{
	if (code < 32768)
		return code;
	return ((code & 0xfffu) | 0x1000) << ((code >> 12 & 7) + 3);
}

/* Section 5.1.9: the same in 8 bits. */
static uint32_t
qqic_get(uint8_t code)
{
	if (code < 128)
		return code;
	return ((code & 0xfu) | 0x10) << ((code >> 4 & 7) + 3);
}

/* RFC 3810 sections 6.2 and 5.1.14: link-local, hop limit 1, router alert. */
static int
msg_check(const struct nd_msg *m, bool alert, const char **ret_why)
{
	if (m->m_hops != 1)
		*ret_why = "hop limit";
	else if (!alert)
		*ret_why = "router alert";
	else if (m->m_len < 24)
		*ret_why = "short";
	else
		return 0;
	return EINVAL;
}

static int
refuse(const char *why, const char **ret_why)
{
	*ret_why = why;
	return EINVAL;
}

int
mld_query_parse(const struct nd_msg *m, bool alert, struct mld_query *ret,
    const char **ret_why)
{
	const uint8_t *p = m->m_data;
	uint16_t code, n;

	if (msg_check(m, alert, ret_why))
		return EINVAL;
	if (!ip6_linklocal(&m->m_src))
		return refuse("source", ret_why);
	if (m->m_len > 24 && m->m_len < 28)
		return refuse("length", ret_why);
	memset(ret, 0, sizeof(*ret));
	code = be16_get(p + 4);
	memcpy(&ret->q_group, p + 8, 16);
	if (!inaddr_zero(&ret->q_group) && !ip6_multicast(&ret->q_group))
		return refuse("group", ret_why);
	if (m->m_len == 24) {
		ret->q_version = 1;
		ret->q_maxdelay = code;
		return 0;
	}
	n = be16_get(p + 26);
	if ((m->m_len - 28) / 16 < n)
		return refuse("sources", ret_why);
	ret->q_version = 2;
	ret->q_maxdelay = maxdelay_get(code);
	ret->q_robustness = p[24] & 7;
	ret->q_interval = qqic_get(p[25]);
	ret->q_nsources = n;
	ret->q_sources = p + 28;
	return 0;
}

int
mld_report1_parse(const struct nd_msg *m, bool alert, struct inaddr *ret_group,
    const char **ret_why)
{
	struct inaddr group;

	if (msg_check(m, alert, ret_why))
		return EINVAL;
	if (!ip6_linklocal(&m->m_src))
		return refuse("source", ret_why);
	memcpy(&group, m->m_data + 8, 16);
	if (!ip6_multicast(&group))
		return refuse("group", ret_why);
	*ret_group = group;
	return 0;
}

void
mld_report2_head(uint8_t *p, uint16_t nrecs)
{
	memset(p, 0, MLD_HDRLEN);
	p[0] = MLD_REPORT2;
	p[6] = (uint8_t)(nrecs >> 8);
	p[7] = (uint8_t)nrecs;
}

void
mld_record_build(uint8_t *p, uint8_t type, const struct inaddr *group, uint16_t nsources)
{
	p[0] = type;
	p[1] = 0;
	p[2] = (uint8_t)(nsources >> 8);
	p[3] = (uint8_t)nsources;
	memcpy(p + 4, group, 16);
}

void
mld_v1_build(uint8_t *p, uint8_t type, const struct inaddr *group)
{
	memset(p, 0, 24);
	p[0] = type;
	memcpy(p + 8, group, 16);
}
