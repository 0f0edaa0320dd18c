/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * iface.c - the counters of the kernel's interfaces, by netlink
 */

#include <stdlib.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <rump/rump.h>

#include "../rumpus/net.h"
#include "server.h"

const char *const iface_counter_names[IFACE_NCOUNTERS] = {
	"rx_bytes", "tx_bytes", "rx_packets", "tx_packets", "rx_errors", "tx_errors", "rx_dropped",
	"tx_dropped",
};

struct walk {
	void	(*w_fn)(const struct iface_counters *, void *);
	void	*w_arg;
	bool	 w_later;
};

static void
take_link(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[IFLA_STATS64 + 1];
	struct rtnl_link_stats64 s;
	struct walk *w = arg;
	struct iface_counters ic = { .ic_first = !w->w_later };
	struct ifinfomsg ifi;

	if (nh->nlmsg_type != RTM_NEWLINK)
		return;
	memcpy(&ifi, NLMSG_DATA(nh), sizeof(ifi));
	nlc_attrs(nh, sizeof(ifi), tb, IFLA_STATS64 + 1);
	if (tb[IFLA_IFNAME] == NULL)
		return;
	(void)snprintf(ic.ic_name, sizeof(ic.ic_name), "%s", (const char *)RTA_DATA(tb[IFLA_IFNAME]));
	ic.ic_up = (ifi.ifi_flags & IFF_UP) != 0;
	ic.ic_mtu = nlc_u32(tb[IFLA_MTU]);
	memset(&s, 0, sizeof(s));
	if (tb[IFLA_STATS64] != NULL)
		memcpy(&s, RTA_DATA(tb[IFLA_STATS64]), RTA_PAYLOAD(tb[IFLA_STATS64]) < sizeof(s) ?
		    RTA_PAYLOAD(tb[IFLA_STATS64]) : sizeof(s));
	memcpy(ic.ic_count, (uint64_t[IFACE_NCOUNTERS]){ s.rx_bytes, s.tx_bytes, s.rx_packets,
	    s.tx_packets, s.rx_errors, s.tx_errors, s.rx_dropped, s.tx_dropped },
	    sizeof(ic.ic_count));
	w->w_fn(&ic, w->w_arg);
	w->w_later = true;
}

void
iface_iterate(void (*fn)(const struct iface_counters *, void *), void *arg)
{
	struct walk w = { .w_fn = fn, .w_arg = arg };
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlc *c;

	/* A kernel without netlink has no socket of it; nothing to tell then. */
	c = malloc(sizeof(*c));
	if (c != NULL && nlc_open(c, NETLINK_ROUTE) == 0) {
		nlc_begin(c, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
		(void)nlc_talk(c, take_link, &w);
		nlc_close(c);
	}
	free(c);
}
