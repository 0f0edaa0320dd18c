/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_pair.c - makes them
 */

#include "tcp_pair.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <net/inet.h>
#include <net/linkcond.h>
#include <net/wire.h>
#include <sys/condvar.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

#define ADDR(i)	(0x0a000001u + (uint32_t)(i))	/* 10.0.0.1 and 10.0.0.2 */

static void
host_up(struct netns *ns, struct ifnet *end, int i, uint32_t mtu)
{
	struct ifaddr ifa = { .ifa_family = AF_INET, .ifa_addr = { .ia_w = { net32(ADDR(i)) } },
		.ifa_peer = { .ia_w = { net32(ADDR(i)) } }, .ifa_plen = 24,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
		.ifa_broadcast = { .ia_w = { net32(ADDR(i) | 0xff) } },
		.ifa_flags = IFA_F_PERMANENT };

	mutex_enter(&ns->ns_lock);
	NEED(if_setmtu(end, mtu) == 0);
	NEED(if_setflags(end, IFF_UP, IFF_UP) == 0);
	NEED(ifaddr_add(end, &ifa, NULL) == 0);
	mutex_exit(&ns->ns_lock);
}

void
pair_make(struct tcp_pair *tp, const char *conditions, uint32_t mtu)
{
	struct linkcond_params lp;
	const char *bad;

	NEED(linkcond_parse(conditions, &lp, &bad) == 0);
	for (int i = 0; i < 2; i++)
		NEED(netns_create(&tp->tp_ns[i]) == 0);
	NEED(wire_create(tp->tp_ns[0], "left", tp->tp_ns[1], "right", &tp->tp_end[0],
	    &tp->tp_end[1]) == 0);
	for (int i = 0; i < 2; i++)
		host_up(tp->tp_ns[i], tp->tp_end[i], i, mtu);
	for (int i = 0; i < 2; i++) {
		lp.lp_seed = harness_seed() * 2 + (uint64_t)i;
		mutex_enter(&tp->tp_ns[i]->ns_lock);
		NEED(linkcond_set(tp->tp_end[i], &lp) == 0);
		mutex_exit(&tp->tp_ns[i]->ns_lock);
	}
}

void
pair_make_lo(struct tcp_pair *tp)
{
	struct netns *ns;

	NEED(netns_create(&ns) == 0);
	tp->tp_ns[0] = tp->tp_ns[1] = ns;
	tp->tp_end[0] = tp->tp_end[1] = NULL;
	mutex_enter(&ns->ns_lock);
	NEED(if_setflags(ns->ns_lo, IFF_UP, IFF_UP) == 0);
	mutex_exit(&ns->ns_lock);
}

void
pair_end(struct tcp_pair *tp)
{
	if (tp->tp_end[0] != NULL) {
		if_detach(tp->tp_end[0]);
		if_rele(tp->tp_end[0]);
		if_rele(tp->tp_end[1]);
		netns_rele(tp->tp_ns[1]);
	}
	netns_rele(tp->tp_ns[0]);
	netns_drain();
}

struct sockaddr_in
pair_address(const struct tcp_pair *tp, int side)
{
	uint32_t addr = tp->tp_end[0] == NULL ? INADDR_LOOPBACK : ADDR(side);

	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = net16(PAIR_PORT),
		.sin_addr = { net32(addr) } };
}

void
pair_pause(int64_t ns)
{
	kmutex_t m;
	kcondvar_t cv;
	int64_t until = clock_mono() + ns;

	mutex_init(&m, "pause");
	cv_init(&cv, "pause");
	mutex_enter(&m);
	while (clock_mono() < until)
		(void)cv_timedwait(&cv, &m, until);
	mutex_exit(&m);
}
