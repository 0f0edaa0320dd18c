/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nltwin.c - the same netlink requests to two kernels
 */

#include "nltwin.h"

#include <errno.h>
#include <harness.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP	(1 << 16)
#endif

const char *
nltwin_veth(const struct nltwin *w)
{
	return w->w_tw->tw_host ? "veth" : "wire";
}

static void
make_cable(struct nltwin *w)
{
	struct nltest *t = &w->w_nl;
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	size_t info, data, peer;

	nltest_begin(t, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	nltest_text(t, IFLA_IFNAME, "v0");
	info = nltest_nest(t, IFLA_LINKINFO);
	nltest_text(t, IFLA_INFO_KIND, nltwin_veth(w));
	data = nltest_nest(t, IFLA_INFO_DATA);
	peer = nltest_nest(t, VETH_INFO_PEER);
	nltest_raw(t, &ifi, sizeof(ifi));
	nltest_text(t, IFLA_IFNAME, "v1");
	nltest_nest_end(t, peer);
	nltest_nest_end(t, data);
	nltest_nest_end(t, info);
	NEED(nltest_talk(t) == 0);
}

/* Carriers are found out about later: waits until both ends run. */
static void
await_carrier(struct nltwin *w, struct nltest *monitor)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	const uint32_t ends[] = { w->w_v0, w->w_v1 };
	struct rtattr *rta;
	bool up;

	for (;;) {
		up = true;
		for (size_t i = 0; i < 2; i++) {
			ifi.ifi_index = (int)ends[i];
			nltest_begin(&w->w_nl, RTM_GETLINK, 0, &ifi, sizeof(ifi));
			NEED(nltest_talk(&w->w_nl) == 0 && w->w_nl.t_nmsgs == 1);
			rta = nltest_find(nltest_msg(&w->w_nl, 0), sizeof(ifi), IFLA_OPERSTATE);
			up &= rta != NULL && *(const uint8_t *)RTA_DATA(rta) == 6;
		}
		if (up)
			return;
		monitor->t_got = 0;
		NEED(nltest_read(monitor, 0) > 0);
	}
}

struct nltwin *
nltwin_open(struct twin *tw)
{
	struct nltwin *w = calloc(1, sizeof(*w));
	struct nltest *links = calloc(1, sizeof(*links));

	NEED(w != NULL && links != NULL);
	w->w_tw = tw;
	NEED(twin_raw(tw, SYS_unshare, TWIN_ARGS(CLONE_NEWNET)) == 0);
	nltest_open_on(&w->w_nl, NETLINK_ROUTE, tw->tw_host);
	nltest_open_on(&w->w_monitor, NETLINK_ROUTE, tw->tw_host);
	nltest_open_on(links, NETLINK_ROUTE, tw->tw_host);
	nltest_option(links, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK);
	make_cable(w);
	w->w_lo = nltest_ifindex(&w->w_nl, "lo");
	w->w_v0 = nltest_ifindex(&w->w_nl, "v0");
	w->w_v1 = nltest_ifindex(&w->w_nl, "v1");
	w->w_names = (struct nlnames){ .n_index = { w->w_lo, w->w_v0, w->w_v1 },
	    .n_name = { "lo", "v0", "v1" } };
	NEED(nltest_up(&w->w_nl, w->w_lo, true) == 0);
	NEED(nltest_up(&w->w_nl, w->w_v0, true) == 0);
	NEED(nltest_up(&w->w_nl, w->w_v1, true) == 0);
	await_carrier(w, links);
	nltest_close(links);
	free(links);
	return w;
}

void
nltwin_close(struct nltwin *w)
{
	nltest_close(&w->w_monitor);
	nltest_close(&w->w_nl);
	free(w);
}

void
nltwin_join(struct nltwin *w, int group)
{
	nltest_option(&w->w_monitor, NETLINK_ADD_MEMBERSHIP, group);
}

/* --- noting -------------------------------------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
note_messages(struct nltwin *w, struct nltest *t, bool sort)
{
	const char *lines[1024];
	size_t n = 0;

	for (size_t i = 0; i < t->t_nmsgs; i++) {
		NEED(n < sizeof(lines) / sizeof(lines[0]));
		lines[n] = nlshow(nltest_msg(t, i), &w->w_names);
		if (lines[n] != NULL)
			n++;
	}
	if (sort)
		qsort(lines, n, sizeof(lines[0]), by_text);
	for (size_t i = 0; i < n; i++)
		twin_note(w->w_tw, lines[i], 0);
}

static int
talk(struct nltwin *w, const char *about, bool sort)
{
	int error;

	w->w_tw->tw_about = about;
	error = nltest_talk(&w->w_nl);
	twin_note(w->w_tw, "errno", error);
	note_messages(w, &w->w_nl, sort);
	if (getenv("NLTWIN_SHOW") != NULL)
		printf("%s %s: %d %s\n", w->w_tw->tw_host ? "host" : "ours", about, error,
		    w->w_nl.t_text);
	nltwin_notices(w);
	return error;
}

int
nltwin_talk(struct nltwin *w, const char *about)
{
	return talk(w, about, false);
}

int
nltwin_dump(struct nltwin *w, const char *about)
{
	return talk(w, about, true);
}

/* Each notice comes alone; all that are there are put into one row. */
void
nltwin_notices(struct nltwin *w)
{
	struct nltest *t = &w->w_monitor;
	ssize_t n;

	t->t_got = t->t_nmsgs = 0;
	while ((n = nltest_read(t, MSG_DONTWAIT)) > 0) {
		t->t_got += NLMSG_ALIGN((size_t)n);
		t->t_nmsgs++;
	}
	note_messages(w, t, w->w_sorted);
}
