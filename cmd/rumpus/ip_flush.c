/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_flush.c - rumpus ip: removing all that there is of a kind
 *
 * What a dump shows and the words ask for is kept, and then each sent back with the
 * type that deletes it.  One that went meanwhile (with an address its routes go) is no
 * failure.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>

#include "ip_impl.h"

struct flush {
	struct show	 f_show;	/* what was asked for */
	bool		(*f_wants)(const struct nlmsghdr *, const struct show *);
	struct nlmsghdr	**f_msgs;
	size_t		 f_nmsgs;
};

static void
keep(const struct nlmsghdr *nh, void *arg)
{
	struct flush *f = arg;
	struct nlmsghdr **grown, *copy;

	if (!f->f_wants(nh, &f->f_show))
		return;
	grown = realloc(f->f_msgs, (f->f_nmsgs + 1) * sizeof(*grown));
	if (grown != NULL)
		f->f_msgs = grown;
	copy = malloc(nh->nlmsg_len);
	if (grown == NULL || copy == NULL) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	memcpy(copy, nh, nh->nlmsg_len);
	f->f_msgs[f->f_nmsgs++] = copy;
}

/* The message as it came, header and attributes, to delete what it tells of. */
static int
delete_one(struct nlc *c, const struct nlmsghdr *nh)
{
	const char *body = NLMSG_DATA(nh);
	int error;

	nlc_begin(c, (uint16_t)(nh->nlmsg_type + 1), 0, body, nh->nlmsg_len - NLMSG_HDRLEN);
	error = nlc_talk(c, NULL, NULL);
	if (error == ESRCH || error == ENOENT || error == EADDRNOTAVAIL)
		error = 0;
	return error == 0 ? EX_DONE : nlc_fail(c, "ip", "flush", error);
}

static int
flush(struct flush *f, uint16_t type, const void *hdr, size_t len)
{
	int code = ip_dump(type, hdr, len, keep, f);
	struct nlc *c = code == EX_DONE ? ip_client_open(&code) : NULL;

	for (size_t i = 0; i < f->f_nmsgs; i++) {
		if (c != NULL && code == EX_DONE)
			code = delete_one(c, f->f_msgs[i]);
		free(f->f_msgs[i]);
	}
	free(f->f_msgs);
	if (c != NULL)
		ip_client_abandon(c);
	return code;
}

/* --- nouns ------------------------------------------------------------------------------ */

static bool
addr_wanted(const struct nlmsghdr *nh, const struct show *s)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(nh);

	return ifa->ifa_index == s->s_index;
}

int
ipflush_addr(int argc, char **argv)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)ipctx.x_family };
	struct flush f = { .f_wants = addr_wanted };
	int code = ip_show_words(argc, argv, &f.f_show);

	if (code == EX_DONE && f.f_show.s_index == 0)
		return usage_error("ip address flush: of which interface?");
	return code != EX_DONE ? code : flush(&f, RTM_GETADDR, &ifa, sizeof(ifa));
}

static bool
route_wanted(const struct nlmsghdr *nh, const struct show *s)
{
	const struct rtmsg *rtm = NLMSG_DATA(nh);
	struct rtattr *tb[RTA_TABLE + 1];
	uint32_t table;

	nlc_attrs(nh, sizeof(*rtm), tb, RTA_TABLE + 1);
	table = tb[RTA_TABLE] != NULL ? nlc_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	return table == (s->s_table != RT_TABLE_UNSPEC ? s->s_table : (uint32_t)RT_TABLE_MAIN) &&
	    (s->s_index == 0 || nlc_u32(tb[RTA_OIF]) == s->s_index);
}

int
ipflush_route(int argc, char **argv)
{
	struct rtmsg rtm = { .rtm_family = (uint8_t)ip_family() };
	struct flush f = { .f_wants = route_wanted };
	int code = ip_show_words(argc, argv, &f.f_show);

	if (code == EX_DONE && f.f_show.s_index == 0 && f.f_show.s_table == RT_TABLE_UNSPEC)
		return usage_error("ip route flush: of which table or interface?");
	return code != EX_DONE ? code : flush(&f, RTM_GETROUTE, &rtm, sizeof(rtm));
}

/* As ip(8): not what was entered for good. */
static bool
neigh_wanted(const struct nlmsghdr *nh, const struct show *s)
{
	const struct ndmsg *ndm = NLMSG_DATA(nh);

	return (ndm->ndm_state & (NUD_PERMANENT | NUD_NOARP)) == 0 &&
	    (s->s_index == 0 || (uint32_t)ndm->ndm_ifindex == s->s_index);
}

int
ipflush_neigh(int argc, char **argv)
{
	struct ndmsg ndm = { .ndm_family = (uint8_t)ipctx.x_family };
	struct flush f = { .f_wants = neigh_wanted };
	int code = ip_show_words(argc, argv, &f.f_show);

	return code != EX_DONE ? code : flush(&f, RTM_GETNEIGH, &ndm, sizeof(ndm));
}

/* All but the first, which leads to our own addresses. */
static bool
rule_wanted(const struct nlmsghdr *nh, const struct show *s __attribute__((unused)))
{
	struct rtattr *tb[FRA_PRIORITY + 1];

	nlc_attrs(nh, sizeof(struct fib_rule_hdr), tb, FRA_PRIORITY + 1);
	return nlc_u32(tb[FRA_PRIORITY]) != 0;
}

int
ipflush_rule(int argc, char **argv)
{
	struct fib_rule_hdr frh = { .family = (uint8_t)ip_family() };
	struct flush f = { .f_wants = rule_wanted };

	if (argc > 1)
		return ip_wrong_words("rule flush", argv[1]);
	return flush(&f, RTM_GETRULE, &frh, sizeof(frh));
}
