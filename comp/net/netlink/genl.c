/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * genl.c - NETLINK_GENERIC: families by name
 *
 * The one family is the controller, which tells which there are.  A component that
 * has more to say adds a line to the table.
 *
 * References: <linux/genetlink.h>.
 */

#include <linux/genetlink.h>
#include <sys/errno.h>

#include <lib/string.h>

#include "netlink_impl.h"

#define GENL_NOTIFY_GROUP	1	/* nlctrl's "notify" */

struct genl_family {
	uint16_t	 gf_id;
	const char	*gf_name;
	uint32_t	 gf_version, gf_maxattr;
};

static const struct genl_family families[] = {
	{ GENL_ID_CTRL, "nlctrl", 2, CTRL_ATTR_MAX },
};

static void
family_put(struct nlbuf *nb, const struct nlhead *head, const struct genl_family *gf)
{
	struct genlmsghdr gh = { .cmd = CTRL_CMD_NEWFAMILY, .version = 2 };
	size_t ops, op, groups, group;

	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &gh, sizeof(gh));
	nlbuf_string(nb, CTRL_ATTR_FAMILY_NAME, gf->gf_name);
	nlbuf_u16(nb, CTRL_ATTR_FAMILY_ID, gf->gf_id);
	nlbuf_u32(nb, CTRL_ATTR_VERSION, gf->gf_version);
	nlbuf_u32(nb, CTRL_ATTR_HDRSIZE, 0);
	nlbuf_u32(nb, CTRL_ATTR_MAXATTR, gf->gf_maxattr);
	ops = nlbuf_nest(nb, CTRL_ATTR_OPS);
	op = nlbuf_nest(nb, 1);
	nlbuf_u32(nb, CTRL_ATTR_OP_ID, CTRL_CMD_GETFAMILY);
	nlbuf_u32(nb, CTRL_ATTR_OP_FLAGS, GENL_CMD_CAP_DO | GENL_CMD_CAP_DUMP | GENL_CMD_CAP_HASPOL);
	nlbuf_nest_end(nb, op);
	nlbuf_nest_end(nb, ops);
	groups = nlbuf_nest(nb, CTRL_ATTR_MCAST_GROUPS);
	group = nlbuf_nest(nb, 1);
	nlbuf_u32(nb, CTRL_ATTR_MCAST_GRP_ID, GENL_NOTIFY_GROUP);
	nlbuf_string(nb, CTRL_ATTR_MCAST_GRP_NAME, "notify");
	nlbuf_nest_end(nb, group);
	nlbuf_nest_end(nb, groups);
}

static int
families_next(struct nldump *d, struct nlbuf *nb)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(families); i++) {
		if (!nldump_due(d))
			continue;
		family_put(nb, &d->d_head, &families[i]);
		error = nldump_put(d, nb);
	}
	return error;
}

static const struct nlpolicy ctrl_policy[] = {
	[CTRL_ATTR_FAMILY_ID]	= { NLK_U16, 0 },
	[CTRL_ATTR_FAMILY_NAME]	= { NLK_STRING, GENL_NAMSIZ - 1 },
};

static int
getfamily(struct nlreq *nr)
{
	struct nlview tb[ARRAY_SIZE(ctrl_policy)];
	const struct genl_family *found = NULL;
	char name[GENL_NAMSIZ] = "";
	struct nlhead head;
	struct nlbuf nb;
	int error;

	error = nlreq_attrs(nr, sizeof(struct genlmsghdr), ctrl_policy, ARRAY_SIZE(ctrl_policy),
	    false, tb);
	if (error)
		return error;
	if (nlview_present(tb[CTRL_ATTR_FAMILY_NAME]))
		(void)nlview_string(tb[CTRL_ATTR_FAMILY_NAME], name, sizeof(name));
	else if (!nlview_present(tb[CTRL_ATTR_FAMILY_ID]))
		return nlreq_misses(nr, CTRL_ATTR_FAMILY_NAME, "which family?");
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (name[0] != '\0' ? strcmp(name, families[i].gf_name) == 0 :
		    nlview_number(tb[CTRL_ATTR_FAMILY_ID], 2) == families[i].gf_id)
			found = &families[i];
	}
	if (found == NULL)
		return ENOENT;
	error = nlreq_buf(&nb, 1024);
	if (error)
		return error;
	nlreq_head(nr, GENL_ID_CTRL, &head);
	family_put(&nb, &head, found);
	(void)nlbuf_end(&nb);
	return nlreq_reply(nr, &nb);
}

static int
genl_request(struct nlreq *nr)
{
	struct genlmsghdr gh;

	if (nr->nr_hdr.nlmsg_type != GENL_ID_CTRL)
		return ENOENT;
	if (nr->nr_len < sizeof(gh))
		return EINVAL;
	memcpy(&gh, nr->nr_data, sizeof(gh));
	if (gh.cmd != CTRL_CMD_GETFAMILY)
		return EOPNOTSUPP;
	if ((nr->nr_hdr.nlmsg_flags & NLM_F_DUMP) != 0)
		return nlreq_dump(nr, GENL_ID_CTRL, families_next, NULL, 0);
	return getfamily(nr);
}

static const struct nlfamily genl_family = {
	.nf_protocol	= NETLINK_GENERIC,
	.nf_name	= "generic",
	.nf_ngroups	= NL_MAXGROUP,
	.nf_request	= genl_request,
};

void
genl_init(void)
{
	netlink_family_register(&genl_family);
}
