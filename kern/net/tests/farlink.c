/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * farlink.c - an Ethernet interface whose far end is the test
 */

#include "farlink.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_ether.h>
#include <sys/condvar.h>
#include <sys/kmem.h>
#include <sys/qsbr.h>
#include <sys/random.h>

#include <harness.h>

struct netns *far_ns;
struct ifnet *far_ifp;
const uint8_t far_near[6] = { 2, 0, 0, 0, 0, 1 };
const uint8_t far_mac[6] = { 2, 0, 0, 0, 0, 2 };
unsigned int far_loses;

static void (*hears)(const uint8_t *, size_t);
static kmutex_t pass_lock = { .m_name = "test" };
static kcondvar_t pass_cv = { .cv_name = "test" };

static bool
lost(void)
{
	return far_loses > 0 && random_below(100) < far_loses;
}

void
far_send(const uint8_t dst[6], uint16_t ethertype, const void *data, size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p;
	uint8_t *l2;

	if (lost())
		return;
	p = packet_from(data, len, KM_SLEEP);
	if (p == NULL)
		return;
	l2 = packet_push(p, ETH_HLEN);
	memcpy(l2, dst, 6);
	memcpy(l2 + 6, far_mac, 6);
	be16_put(l2 + 12, ethertype);
	packetq_put(&q, p);
	if_input(far_ifp, &q);
}

static void
far_xmit(struct ifnet *to __attribute__((__unused__)), struct packetq *q)
{
	uint8_t frame[1600];
	struct packet *p;

	while ((p = packetq_get(q)) != NULL) {
		NEED(p->p_len <= sizeof(frame));
		packet_copyout(p, 0, frame, p->p_len);
		if (!lost())
			hears(frame, p->p_len);
		packet_free(p);
	}
}

static const struct if_ops far_ops = { .ifo_xmit = far_xmit, .ifo_kind = "far" };

static void
ns_end(void)
{
	netns_rele(far_ns);
	netns_drain();
	qsbr_barrier();
}

int
far_make(void (*fn)(const uint8_t *, size_t))
{
	int error = netns_create(&far_ns);

	if (error)
		return error;
	hears = fn;
	error = if_alloc("eth0", &far_ops, NULL, &far_ifp);
	if (error == 0) {
		if_ethernet(far_ifp, far_near);
		far_ifp->if_hwcaps = far_ifp->if_caps = IFCAP_FRAGS;
		error = if_attach(far_ns, far_ifp);
		if (error)
			if_rele(far_ifp);
	}
	if (error)
		ns_end();
	return error;
}

void
far_end(void)
{
	if_detach(far_ifp);
	if_rele(far_ifp);
	ns_end();
}

void
far_pass(int64_t time)
{
	int64_t until = clock_mono() + time;

	mutex_enter(&pass_lock);
	while (clock_mono() < until)
		(void)cv_timedwait(&pass_cv, &pass_lock, until);
	mutex_exit(&pass_lock);
}
