/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_netns.c - IPv6 of one name space: its work and its clock
 *
 * Whatever changes the configuration is done by one work item per name space, under
 * ns_lock: control packets that wait in n_ctlq, then everything that is due.  It
 * asks each interface for its next deadline and sets one callout to the earliest.  So
 * there is one place where time passes, and a simulated kernel replays it.
 *
 * Bounded: at most IP6_CTLQ_MAX packets wait, what comes beyond is dropped and
 * counted, for a flood of advertisements must cost its victim no memory.
 */

#include "ip6_impl.h"

#include <sys/boot.h>

#include <lib/string.h>

static struct workqueue *ip6_workq;

static void
work_enqueue(struct ip6_ns *n)
{
	mutex_enter(&n->n_lock);
	if (!n->n_dying)
		(void)workqueue_enqueue(ip6_workq, &n->n_work);
	mutex_exit(&n->n_lock);
}

/* A host that has lo only, or no IPv6, has nothing to do, and no thread for it. */
void
ip6_kick_if(const struct ifnet *ifp)
{
	const struct ip6_if *ii = ip6_if(ifp);

	if ((atomic_load(&ifp->if_flags) & IFF_LOOPBACK) != 0 || ii == NULL ||
	    (!atomic_load(&ii->ii_up) && netvar_get(ifp->if_ns, &ip6_var_disable)))
		return;
	ip6_kick(ifp->if_ns);
}

void
ip6_kick(struct netns *ns)
{
	struct ip6_ns *n = ip6_ns(ns);

	if (n != NULL)
		work_enqueue(n);
}

static void
ip6_clock(void *arg)
{
	work_enqueue(arg);
}

/* --- packets that wait ------------------------------------------------------ */

static void
deferred_free(struct packet *p)
{
	if_rele(p->p_ifp);
	packet_free(p);
}

void
ip6_defer(struct ifnet *ifp, struct packet *p)
{
	struct ip6_ns *n = ip6_ns(ifp->if_ns);
	bool full;

	if (packet_own(p, KM_NOSLEEP)) {
		ip6_count(nd_dropped);
		packet_free(p);
		return;
	}
	if_hold(ifp);
	p->p_ifp = ifp;
	mutex_enter(&n->n_lock);
	full = n->n_dying || n->n_ctlq.pq_n >= IP6_CTLQ_MAX;
	if (!full)
		packetq_put(&n->n_ctlq, p);
	mutex_exit(&n->n_lock);
	if (full) {
		ip6_count(nd_dropped);
		deferred_free(p);
		return;
	}
	ip6_kick(ifp->if_ns);
}

static void
deferred_take(struct ip6_ns *n, struct packetq *q)
{
	mutex_enter(&n->n_lock);
	packetq_join(q, &n->n_ctlq);
	mutex_exit(&n->n_lock);
}

/* Messages are short, but for a redirect's quote, which is of no use here. */
#define DEFERRED_MAX	1280

static void
deferred_run(struct packet *p, uint8_t *buf, struct packetq *out)
{
	struct inet_rx *rx = INET_RX(p);
	struct nd_msg m = {
		.m_src = rx->ir_src, .m_dst = rx->ir_dst, .m_hops = rx->ir_ttl,
		.m_len = p->p_len < DEFERRED_MAX ? p->p_len : DEFERRED_MAX,
	};
	struct ip6_if *ii = ip6_if(p->p_ifp);

	if (ii == NULL || m.m_len < 8)
		return;
	packet_copyout(p, 0, buf, m.m_len);
	m.m_data = buf;
	if (buf[0] == MLD_QUERY)
		mld_query(ii, &m, (rx->ir_flags & INET_RX_ALERT) != 0, clock_mono());
	else if (buf[0] == MLD_REPORT1)
		mld_heard(ii, &m, clock_mono());
	else
		nd_deferred(p->p_ifp, &m, out);
}

/* --- the work ----------------------------------------------------------------- */

/* All that is due; when something will be again.  ns_lock. */
static int64_t
interfaces_run(struct netns *ns, int64_t now, struct packetq *out)
{
	int64_t next = KTIME_NEVER;
	struct list_node *n;

	LIST_FOREACH(n, &ns->ns_ifs) {
		struct ip6_if *ii = ip6_if(container_of(n, struct ifnet, if_nslink));

		if (ii != NULL)
			next = ip6_sooner(next, ip6_if_run(ii, now, out));
	}
	return next;
}

static void
ip6_work(struct work *w)
{
	struct ip6_ns *n = container_of(w, struct ip6_ns, n_work);
	struct packetq in = PACKETQ_INITIALIZER, out = PACKETQ_INITIALIZER;
	uint8_t *buf = kmem_alloc(DEFERRED_MAX, KM_SLEEP);
	struct packet *p;
	int64_t now, next;

	deferred_take(n, &in);
	mutex_enter(&n->n_ns->ns_lock);
	for (p = in.pq_head; p != NULL && buf != NULL; p = p->p_next)
		deferred_run(p, buf, &out);
	now = clock_mono();
	next = interfaces_run(n->n_ns, now, &out);
	mutex_exit(&n->n_ns->ns_lock);
	next = ip6_sooner(next, frag6_run(n, now));

	while ((p = packetq_get(&in)) != NULL)
		deferred_free(p);
	kmem_free(buf, DEFERRED_MAX);
	ip6_send_queue(&out);
	mutex_enter(&n->n_lock);
	if (next != KTIME_NEVER && !n->n_dying)
		(void)callout_schedule(&n->n_callout, next);
	mutex_exit(&n->n_lock);
}

/* --- life ------------------------------------------------------------------------ */

static int
ip6_netns_init(struct netns *ns, void **ret_data)
{
	struct ip6_ns *n = kmem_zalloc(sizeof(*n), KM_SLEEP);
	int error;

	if (n == NULL)
		return ENOMEM;
	n->n_ns = ns;
	mutex_init(&n->n_lock, "ip6 queue");
	packetq_init(&n->n_ctlq);
	callout_init(&n->n_callout, ip6_clock, n);
	work_init(&n->n_work, ip6_work);
	random_bytes(n->n_secret, sizeof(n->n_secret));
	random_bytes(n->n_flowkey, sizeof(n->n_flowkey));
	n->n_fragid = (uint32_t)random_u64();
	error = frag6_create(n);
	if (error)
		goto fail_ns;
	error = icmp6_limit_create(n);
	if (error)
		goto fail_frags;
	*ret_data = n;
	return 0;

fail_frags:
	frag6_destroy(n);
fail_ns:
	mutex_destroy(&n->n_lock);
	kmem_free(n, sizeof(*n));
	return error;
}

/* Nothing moves by itself any more. */
static void
ip6_netns_exit(struct netns *ns, void *data)
{
	struct ip6_ns *n = data;
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p;

	mutex_enter(&n->n_lock);
	n->n_dying = true;
	mutex_exit(&n->n_lock);
	callout_halt(&n->n_callout);
	workqueue_drain(ip6_workq);
	deferred_take(n, &q);
	while ((p = packetq_get(&q)) != NULL)
		deferred_free(p);
}

static void
ip6_netns_fini(struct netns *ns, void *data)
{
	struct ip6_ns *n = data;

	frag6_destroy(n);
	icmp6_limit_destroy(n);
	mutex_destroy(&n->n_lock);
	kmem_free(n, sizeof(*n));
}

static struct netns_ops ip6_netns_ops = {
	.no_slot	= NETNS_SLOT_IP6,
	.no_name	= "inet6",
	.no_init	= ip6_netns_init,
	.no_exit	= ip6_netns_exit,
	.no_fini	= ip6_netns_fini,
};

static void
ip6_shutdown(void)
{
	workqueue_destroy(ip6_workq);
}

static struct shutdown_hook ip6_hook = { .sh_fn = ip6_shutdown };

int
ip6_netns_attach(void)
{
	int error;

	error = workqueue_create("ip6", 1, &ip6_workq);
	if (error)
		return error;
	error = netns_register(&ip6_netns_ops);
	if (error) {
		workqueue_destroy(ip6_workq);
		return error;
	}
	shutdown_register(&ip6_hook);
	return 0;
}
