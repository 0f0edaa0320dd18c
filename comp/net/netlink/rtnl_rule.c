/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_rule.c - policy rules
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/errno.h>

static const struct nlpolicy rule_policy[] = {
	[FRA_DST]	= { NLK_ADDR, 0 },
	[FRA_SRC]	= { NLK_ADDR, 0 },
	[FRA_IIFNAME]	= { NLK_STRING, IFNAMSIZ - 1 },
	[FRA_GOTO]	= { NLK_U32, 0 },
	[FRA_PRIORITY]	= { NLK_U32, 0 },
	[FRA_FWMARK]	= { NLK_U32, 0 },
	[FRA_FLOW]	= { NLK_U32, 0 },
	[FRA_SUPPRESS_IFGROUP] = { NLK_U32, 0 },
	[FRA_SUPPRESS_PREFIXLEN] = { NLK_U32, 0 },
	[FRA_TABLE]	= { NLK_U32, 0 },
	[FRA_FWMASK]	= { NLK_U32, 0 },
	[FRA_OIFNAME]	= { NLK_STRING, IFNAMSIZ - 1 },
	[FRA_L3MDEV]	= { NLK_U8, 0 },
	[FRA_UID_RANGE]	= { NLK_ANY, sizeof(struct fib_rule_uid_range) },
	[FRA_PROTOCOL]	= { NLK_U8, 0 },
	[FRA_IP_PROTO]	= { NLK_U8, 0 },
	[FRA_SPORT_RANGE] = { NLK_ANY, sizeof(struct fib_rule_port_range) },
	[FRA_DPORT_RANGE] = { NLK_ANY, sizeof(struct fib_rule_port_range) },
};
#define RULE_NATTRS	ARRAY_SIZE(rule_policy)

/* An interface that has been named and is not there (yet). */
static bool
is_absent(struct netns *ns, const char *name)
{
	return name[0] != '\0' && if_byname(ns, name) == NULL;
}

void
rtrule_put(struct nlbuf *nb, const struct nlhead *head, struct netns *ns,
    const struct rtrule *rr)
{
	size_t len = rtaddr_len(rr->rr_family);
	struct fib_rule_hdr frh = {
		.family = (uint8_t)rr->rr_family, .dst_len = rr->rr_dstlen,
		.src_len = rr->rr_srclen, .tos = rr->rr_tos, .action = rr->rr_action,
		.table = (uint8_t)(rr->rr_table < 256 ? rr->rr_table : RT_TABLE_COMPAT),
		.flags = (rr->rr_invert ? FIB_RULE_INVERT : 0) |
		    (is_absent(ns, rr->rr_iif) ? FIB_RULE_IIF_DETACHED : 0) |
		    (is_absent(ns, rr->rr_oif) ? FIB_RULE_OIF_DETACHED : 0),
	};

	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &frh, sizeof(frh));
	nlbuf_u32(nb, FRA_TABLE, rr->rr_table);
	nlbuf_u32(nb, FRA_SUPPRESS_PREFIXLEN, rr->rr_suppress ? rr->rr_suppresslen : UINT32_MAX);
	nlbuf_u8(nb, FRA_PROTOCOL, rr->rr_protocol);
	if (rr->rr_pref != 0)
		nlbuf_u32(nb, FRA_PRIORITY, rr->rr_pref);
	if (rr->rr_iif[0] != '\0')
		nlbuf_string(nb, FRA_IIFNAME, rr->rr_iif);
	if (rr->rr_oif[0] != '\0')
		nlbuf_string(nb, FRA_OIFNAME, rr->rr_oif);
	if (rr->rr_mark != 0 || rr->rr_markmask != 0) {
		nlbuf_u32(nb, FRA_FWMARK, rr->rr_mark);
		nlbuf_u32(nb, FRA_FWMASK, rr->rr_markmask);
	}
	if (rr->rr_srclen > 0)
		nlbuf_attr(nb, FRA_SRC, &rr->rr_src, len);
	if (rr->rr_dstlen > 0)
		nlbuf_attr(nb, FRA_DST, &rr->rr_dst, len);
}

static int
selectors_parse(struct nlreq *nr, const struct nlview *tb, struct rtrule *rr)
{
	int family = rr->rr_family, error = 0;

	if (rr->rr_srclen > 8 * rtaddr_len(family) || rr->rr_dstlen > 8 * rtaddr_len(family))
		return nlreq_fail(nr, EINVAL, "invalid prefix length");
	if ((rr->rr_srclen > 0 && !nlview_present(tb[FRA_SRC])) ||
	    (rr->rr_dstlen > 0 && !nlview_present(tb[FRA_DST])))
		return nlreq_fail(nr, EINVAL, "a prefix length without an address");
	/* An address without a length is as good as none (as on Linux). */
	if (rr->rr_srclen > 0)
		error = rtaddr_view(family, tb[FRA_SRC], &rr->rr_src);
	if (error == 0 && rr->rr_dstlen > 0)
		error = rtaddr_view(family, tb[FRA_DST], &rr->rr_dst);
	if (error)
		return nlreq_fail(nr, EINVAL, "invalid address length");
	if (nlview_present(tb[FRA_IIFNAME]))
		(void)nlview_string(tb[FRA_IIFNAME], rr->rr_iif, sizeof(rr->rr_iif));
	if (nlview_present(tb[FRA_OIFNAME]))
		(void)nlview_string(tb[FRA_OIFNAME], rr->rr_oif, sizeof(rr->rr_oif));
	rr->rr_mark = nlview_u32(tb[FRA_FWMARK]);
	rr->rr_markmask = nlview_present(tb[FRA_FWMASK]) ? nlview_u32(tb[FRA_FWMASK]) :
	    rr->rr_mark != 0 ? UINT32_MAX : 0;
	return 0;
}

static int
rule_parse(struct nlreq *nr, struct rtrule *rr)
{
	static const uint16_t unknown[] = { FRA_GOTO, FRA_FLOW, FRA_SUPPRESS_IFGROUP, FRA_L3MDEV,
	    FRA_UID_RANGE, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE };
	struct nlview tb[RULE_NATTRS];
	struct fib_rule_hdr frh;
	int error;

	error = nlreq_header(nr, &frh, sizeof(frh));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(frh), rule_policy, RULE_NATTRS, false, tb);
	if (error)
		return error;
	memset(rr, 0, sizeof(*rr));
	rr->rr_family = frh.family;
	if (rtaddr_len(frh.family) == 0)
		return EAFNOSUPPORT;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		if (nlview_present(tb[unknown[i]]) && nlview_u32(tb[unknown[i]]) != UINT32_MAX)
			return nlreq_fail(nr, EOPNOTSUPP, "rules do not select by that");
	}
	rr->rr_pref = nlview_u32(tb[FRA_PRIORITY]);
	rr->rr_action = frh.action;
	rr->rr_table = nlview_present(tb[FRA_TABLE]) ? nlview_u32(tb[FRA_TABLE]) : frh.table;
	rr->rr_srclen = frh.src_len;
	rr->rr_dstlen = frh.dst_len;
	rr->rr_tos = frh.tos;
	rr->rr_protocol = (uint8_t)nlview_number(tb[FRA_PROTOCOL], 1);
	rr->rr_suppress = nlview_present(tb[FRA_SUPPRESS_PREFIXLEN]) &&
	    nlview_u32(tb[FRA_SUPPRESS_PREFIXLEN]) != UINT32_MAX;
	if (rr->rr_suppress && nlview_u32(tb[FRA_SUPPRESS_PREFIXLEN]) > 128)
		return nlreq_fail(nr, EINVAL, "no prefix is that long");
	if (rr->rr_suppress)
		rr->rr_suppresslen = (uint8_t)nlview_u32(tb[FRA_SUPPRESS_PREFIXLEN]);
	rr->rr_invert = (frh.flags & FIB_RULE_INVERT) != 0;
	return selectors_parse(nr, tb, rr);
}

static int
rule_change(struct nlreq *nr, bool add)
{
	struct rtrule rr;
	int error;

	error = rule_parse(nr, &rr);
	if (error)
		return error;
	if (add && rr.rr_action != FR_ACT_TO_TBL && rr.rr_action != FR_ACT_BLACKHOLE &&
	    rr.rr_action != FR_ACT_UNREACHABLE && rr.rr_action != FR_ACT_PROHIBIT)
		return nlreq_fail(nr, EINVAL, "no such action of a rule");
	if (add && rr.rr_action == FR_ACT_TO_TBL && rr.rr_table == RT_TABLE_UNSPEC)
		return nlreq_fail(nr, EINVAL, "which table?");
	rtnl_begin(nr);
	error = add ? rule_add(nr->nr_ns, &rr, nr->nr_hdr.nlmsg_flags) :
	    rule_del(nr->nr_ns, &rr);
	rtnl_end(nr);
	return error;
}

int
rtnl_newrule(struct nlreq *nr)
{
	return rule_change(nr, true);
}

int
rtnl_delrule(struct nlreq *nr)
{
	return rule_change(nr, false);
}

struct rulewalk {
	struct nldump	*rw_d;
	struct nlbuf	*rw_nb;
};

static int
dumprule_one(const struct rtrule *rr, void *arg)
{
	struct rulewalk *rw = arg;

	if (!nldump_due(rw->rw_d))
		return 0;
	rtrule_put(rw->rw_nb, &rw->rw_d->d_head, rw->rw_d->d_ns, rr);
	return nldump_put(rw->rw_d, rw->rw_nb);
}

static int
dumprule_next(struct nldump *d, struct nlbuf *nb)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct rulewalk rw = { d, nb };
	int error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(families); i++) {
		if (d->d_arg[0] == AF_UNSPEC || d->d_arg[0] == (uint64_t)families[i])
			error = rule_iterate(d->d_ns, families[i], dumprule_one, &rw);
	}
	return error;
}

int
rtnl_dumprule(struct nlreq *nr)
{
	struct fib_rule_hdr frh;
	uint64_t family;
	int error;

	error = nlreq_header(nr, &frh, sizeof(frh));
	if (error)
		return error;
	family = frh.family;
	if (family != AF_UNSPEC && rtaddr_len((int)family) == 0)
		return EAFNOSUPPORT;
	return nlreq_dump(nr, RTM_NEWRULE, dumprule_next, &family, sizeof(family));
}
