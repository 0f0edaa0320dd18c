/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_net.c - a kernel with one interface, for targets that play the network
 */

#include "fuzz_net.h"

#include <rump/rump.h>
#include <rump/rumpsim.h>

#include <linux/if.h>
#include <net/netns.h>
#include <net/packet.h>
#include <sys/condvar.h>
#include <sys/kassert.h>
#include <sys/kcontext.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

const uint8_t fuzz_mac[6] = { 2, 0, 0, 0, 0, 7 };

static void
drop_xmit(struct ifnet *ifp, struct packetq *q)
{
	(void)ifp;
	packetq_drop(q);
}

static const struct if_ops drop_ops = { .ifo_xmit = drop_xmit, .ifo_kind = "fuzz" };

void
need(bool held, const char *what)
{
	if (!held)
		panic("%s", what);
}

void
fuzz_boot(struct netns **ret_ns)
{
	struct netns *ns;

	rumpsim_setswitch(0);
	rumpsim_setspurious(0);
	need(rump_init() == 0 && kcontext_enter() == 0, "boot");
	need(netns_create(&ns) == 0, "name space");
	fuzz_up(ns, ns->ns_lo);
	*ret_ns = ns;
}

void
fuzz_interface(struct netns *ns, const struct if_ops *ops, struct ifnet **ret_ifp)
{
	struct ifnet *ifp;

	need(if_alloc("f%d", ops != NULL ? ops : &drop_ops, NULL, &ifp) == 0, "interface");
	if_ethernet(ifp, fuzz_mac);
	ifp->if_hwcaps = ifp->if_caps = IFCAP_FRAGS;
	need(if_attach(ns, ifp) == 0, "attach");
	if_setcarrier(ifp, true);
	*ret_ifp = ifp;
}

void
fuzz_up(struct netns *ns, struct ifnet *ifp)
{
	mutex_enter(&ns->ns_lock);
	need(if_setflags(ifp, IFF_UP, IFF_UP) == 0, "up");
	mutex_exit(&ns->ns_lock);
}

void
fuzz_wait(int64_t ms)
{
	int64_t deadline = clock_mono() + ms * 1000000;
	kcondvar_t cv;
	kmutex_t m;

	mutex_init(&m, "fuzz");
	cv_init(&cv, "fuzz");
	mutex_enter(&m);
	while (clock_mono() < deadline)
		(void)cv_timedwait(&cv, &m, deadline);
	mutex_exit(&m);
	cv_destroy(&cv);
	mutex_destroy(&m);
}

void
fuzz_frame(struct ifnet *ifp, const uint8_t *frame, size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_from(frame, len, 0);

	if (p == NULL)
		return;
	packetq_put(&q, p);
	if_input(ifp, &q);
}
