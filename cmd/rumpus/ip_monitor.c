/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_monitor.c - rumpus ip: what changes, as it happens
 *
 * Each noun has groups of rtnetlink(7); we join those of the nouns that were asked for and print
 * every message as "show" would, until Ctrl-C.  With --json the array ends then, so that what was
 * written is JSON in any case.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>

#include <rump/rump_syscalls.h>

#include "ip_impl.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

struct noun {
	const char	*n_word;
	uint16_t	 n_new, n_del;	/* types of messages */
	unsigned int	 n_groups[2];	/* RTNLGRP_*; of IPv4 or all, of IPv6 */
	size_t		 n_header;
	void		(*n_show)(const struct nlmsghdr *, void *);
};

static const struct noun nouns[] = {
	{ "link", RTM_NEWLINK, RTM_DELLINK, { RTNLGRP_LINK, RTNLGRP_LINK },
	    sizeof(struct ifinfomsg), ip_link_message },
	{ "address", RTM_NEWADDR, RTM_DELADDR, { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR },
	    sizeof(struct ifaddrmsg), ip_addr_message },
	{ "route", RTM_NEWROUTE, RTM_DELROUTE, { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE },
	    sizeof(struct rtmsg), ip_route_message },
	{ "neighbour", RTM_NEWNEIGH, RTM_DELNEIGH, { RTNLGRP_NEIGH, RTNLGRP_NEIGH },
	    sizeof(struct ndmsg), ip_neigh_message },
	{ "neighbor", RTM_NEWNEIGH, RTM_DELNEIGH, { RTNLGRP_NEIGH, RTNLGRP_NEIGH },
	    sizeof(struct ndmsg), ip_neigh_message },
	{ "rule", RTM_NEWRULE, RTM_DELRULE, { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE },
	    sizeof(struct fib_rule_hdr), ip_rule_message },
};
#define NNOUNS	(sizeof(nouns) / sizeof(nouns[0]))

struct monitor {
	int		 m_fd;
	uint32_t	 m_nouns;	/* bits */
	struct show	 m_show;
};

/* --- what is asked for -------------------------------------------------------------------- */

static int
monitor_words(int argc, char **argv, struct monitor *m)
{
	const char *value;
	int code;

	for (int i = 1; i < argc; i++) {
		uint32_t before = m->m_nouns;

		if (strcmp(argv[i], "dev") == 0) {
			value = ip_value(argc, argv, &i);
			code = value != NULL ? ip_device(value, &m->m_show.s_index) : EX_USE;
			if (code != EX_DONE)
				return code;
			continue;
		}
		if (strcmp(argv[i], "all") == 0)
			m->m_nouns = ~0u;
		for (unsigned int k = 0; k < NNOUNS && m->m_nouns == before; k++) {
			if (strncmp(nouns[k].n_word, argv[i], strlen(argv[i])) == 0)
				m->m_nouns |= 1u << k;
		}
		if (m->m_nouns == before && before != ~0u)
			return ip_wrong_words("monitor", argv[i]);
	}
	if (m->m_nouns == 0)
		m->m_nouns = ~0u;
	return EX_DONE;
}

static int
monitor_join(const struct monitor *m)
{
	for (unsigned int k = 0; k < NNOUNS; k++) {
		for (unsigned int six = 0; six < 2; six++) {
			if ((m->m_nouns >> k & 1) == 0 ||
			    (ipctx.x_family != 0 && (ipctx.x_family == AF_INET6) != six))
				continue;
			if (rump_sys_setsockopt(m->m_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			    &nouns[k].n_groups[six], sizeof(nouns[k].n_groups[six])) == -1)
				return net_fail("ip monitor", "join a group");
		}
	}
	return EX_DONE;
}

/* --- what comes ------------------------------------------------------------------------------ */

static void
monitor_message(struct monitor *m, const struct nlmsghdr *nh)
{
	for (unsigned int k = 0; k < NNOUNS; k++) {
		const struct noun *n = &nouns[k];

		if ((nh->nlmsg_type != n->n_new && nh->nlmsg_type != n->n_del) ||
		    nh->nlmsg_len < NLMSG_LENGTH(n->n_header))
			continue;
		/* It may have got another name. */
		nlc_ifname_forget();
		ipctx.x_deleted = nh->nlmsg_type == n->n_del;
		n->n_show(nh, &m->m_show);
		ipctx.x_deleted = false;
		return;
	}
}

static int
monitor_read(struct monitor *m, void *buf, size_t size)
{
	ssize_t n = rump_sys_recv(m->m_fd, buf, size, MSG_DONTWAIT);
	const struct nlmsghdr *nh = buf;
	int left = (int)n;

	if (n == -1 && errno == ENOBUFS) {
		warn_text("more happened than there was room for: some of it is not shown");
		return EX_DONE;
	}
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? EX_DONE : net_fail("ip monitor", "receive");
	for (; NLMSG_OK(nh, left); nh = NLMSG_NEXT(nh, left))
		monitor_message(m, nh);
	/* Whoever reads along wants it now, and whoever does not read any more ends us. */
	return fflush(stdout) == 0 ? EX_DONE : EX_IO;
}

int
ip_monitor(int argc, char **argv)
{
	struct monitor m = { .m_fd = -1 };
	int code = monitor_words(argc, argv, &m);
	char *buf;

	if (code != EX_DONE)
		return code;
	m.m_fd = rump_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (m.m_fd == -1)
		return net_fail("ip monitor", "open a socket");
	buf = malloc(4 * (size_t)NLC_ROOM);
	code = buf != NULL ? monitor_join(&m) : complain("ip monitor", "begin", ENOMEM);
	if (want_json && code == EX_DONE)
		json_begin();
	(void)fflush(stdout);
	while (code == EX_DONE && !net_stopped()) {
		if (net_wait(m.m_fd, POLLIN, -1) != 0)
			code = monitor_read(&m, buf, 4 * (size_t)NLC_ROOM);
	}
	if (want_json)
		json_end();
	free(buf);
	rump_sys_close(m.m_fd);
	return code;
}
