/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linkcond.c - link conditions on an interface
 *
 * Packets that have not arrived yet wait in a queue in the order of their
 * arrival, and a callout hands them to the driver when they are due.
 *
 * Life cycle: linkcond_set() makes one, changes it in place, or takes it away;
 * an interface that goes loses its own.
 *
 * Locking: ns_lock -> lb_lock.  Nothing is handed on under lb_lock.
 */

#include <net/linkcond.h>

#include <lib/list.h>
#include <lib/string.h>
#include <net/netevent.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/random.h>

#include "net_impl.h"

#define LIMIT		1000

/* p_cb of a packet that waits. */
#define packet_due(p)	(*(int64_t *)(void *)(p)->p_cb)

/* Field key:	c  constant	b  lb_lock */
struct badlink {
	struct linkcond	 lb_cond;	/* c: first, the interface knows it so */
	struct ifnet	*lb_ifp;	/* c */
	kmutex_t	 lb_lock;
	struct linkcond_model lb_model;	/* b */
	struct linkcond_stats lb_stats;	/* b */
	struct packetq	 lb_queue;	/* b: by packet_due() */
	struct packetq	 lb_dead;	/* b: to be freed when it is dropped */
	struct callout	 lb_callout;
};

static struct badlink *
badlink_of(struct linkcond *lc)
{
	return container_of(lc, struct badlink, lb_cond);
}

/* --- what a line does to a packet ---------------------------------------------- */

/* A copy with one bit turned.  NULL: no memory. */
static struct packet *
packet_spoil(struct packet *p, uint32_t bit, uint32_t skip)
{
	size_t linear, at = bit / 8, rest;
	struct packet *spoilt;
	struct pktbuf *pb;

	/* A line spoils what is on it: a finished checksum. */
	if (p->p_csum == PKT_CSUM_PARTIAL && packet_csum_fill(p) != 0)
		return NULL;
	p->p_csum = PKT_CSUM_NONE;
	at = p->p_len > skip ? skip + at % (p->p_len - skip) : 0;
	linear = packet_linear(p);
	rest = p->p_len - linear;
	spoilt = packet_clone(p, KM_NOSLEEP);
	if (spoilt == NULL || at < linear) {
		if (spoilt != NULL)
			spoilt->p_data[at] ^= (uint8_t)(1 << bit % 8);
		return spoilt;
	}
	/* Blocks are shared, so this one gets a block of its own. */
	pb = rest <= PKTBUF_MAX ? pktbuf_alloc(rest, KM_NOSLEEP) : NULL;
	if (pb == NULL) {
		packet_free(spoilt);
		return NULL;
	}
	packet_copyout(p, linear, pb->pb_data, rest);
	pb->pb_data[at - linear] ^= (uint8_t)(1 << bit % 8);
	packet_trim(spoilt, linear);
	(void)packet_addfrag(spoilt, pb, 0, (uint32_t)rest);
	return spoilt;
}

/* Behind all that are due at the same time or earlier. */
static void
queue_insert(struct packetq *q, struct packet *p)
{
	struct packet **link = &q->pq_head;

	if (q->pq_head == NULL || packet_due(q->pq_tail) <= packet_due(p)) {
		packetq_put(q, p);
		return;
	}
	while (packet_due(*link) <= packet_due(p))
		link = &(*link)->p_next;
	p->p_next = *link;
	*link = p;
	q->pq_n++;
}

static void
delay_locked(struct badlink *lb, struct packet *p, int64_t due)
    REQUIRES(lb->lb_lock)
{
	uint32_t limit = lb->lb_model.lm_params.lp_limit;

	if (lb->lb_queue.pq_n >= (limit != 0 ? limit : LIMIT)) {
		lb->lb_stats.ls_overrun++;
		packetq_put(&lb->lb_dead, p);
		return;
	}
	packet_due(p) = due;
	queue_insert(&lb->lb_queue, p);
}

/* One packet, consumed. */
static void
treat_locked(struct badlink *lb, struct packet *p, int64_t now)
    REQUIRES(lb->lb_lock)
{
	struct linkcond_fate fate;
	struct packet *copy;

	linkcond_model_next(&lb->lb_model, now, p->p_len, &fate);
	if (fate.lf_lost) {
		lb->lb_stats.ls_lost++;
		packetq_put(&lb->lb_dead, p);
		return;
	}
	if (fate.lf_corrupt) {
		lb->lb_stats.ls_corrupted++;
		copy = packet_spoil(p, fate.lf_bit, lb->lb_ifp->if_hdrlen);
		packetq_put(&lb->lb_dead, p);
		if (copy == NULL) {
			lb->lb_stats.ls_overrun++;
			return;
		}
		p = copy;
	}
	lb->lb_stats.ls_reordered += fate.lf_reordered;
	if (fate.lf_twice && (copy = packet_clone(p, KM_NOSLEEP)) != NULL) {
		lb->lb_stats.ls_duplicated++;
		delay_locked(lb, copy, fate.lf_due);
	}
	delay_locked(lb, p, fate.lf_due);
}

/* --- when they are due ---------------------------------------------------------- */

/* Off the queue; arms the callout for the next. */
static void
take_due_locked(struct badlink *lb, int64_t now, struct packetq *ret_q)
    REQUIRES(lb->lb_lock)
{
	while (lb->lb_queue.pq_head != NULL &&
	    packet_due(lb->lb_queue.pq_head) <= now) {
		packetq_put(ret_q, packetq_get(&lb->lb_queue));
		lb->lb_stats.ls_passed++;
	}
	/* Its thread was started when the conditions were set. */
	if (lb->lb_queue.pq_head != NULL)
		(void)callout_schedule(&lb->lb_callout,
		    packet_due(lb->lb_queue.pq_head));
}

static void
badlink_due(void *arg)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct badlink *lb = arg;

	mutex_enter(&lb->lb_lock);
	take_due_locked(lb, clock_mono(), &q);
	mutex_exit(&lb->lb_lock);
	if (q.pq_head != NULL)
		if_transmit_past(lb->lb_ifp, &q);
}

static void
badlink_transmit(struct linkcond *lc, struct ifnet *ifp, struct packetq *q)
{
	struct packetq frames = PACKETQ_INITIALIZER, pass = PACKETQ_INITIALIZER;
	struct packetq dead = PACKETQ_INITIALIZER;
	struct badlink *lb = badlink_of(lc);
	int64_t now = clock_mono();
	unsigned int failed = 0;
	struct packet *p;

	while ((p = packetq_get(q)) != NULL) {
		if (p->p_gso == PKT_GSO_NONE)
			packetq_put(&frames, p);
		else if (packet_segment(p, &frames) != 0)
			failed++;
	}
	mutex_enter(&lb->lb_lock);
	lb->lb_stats.ls_overrun += failed;
	while ((p = packetq_get(&frames)) != NULL)
		treat_locked(lb, p, now);
	take_due_locked(lb, now, &pass);
	packetq_join(&dead, &lb->lb_dead);
	mutex_exit(&lb->lb_lock);
	/* Their owners may take locks of their own. */
	packetq_drop(&dead);
	if (pass.pq_head != NULL)
		if_transmit_past(ifp, &pass);
}

/* --- life ------------------------------------------------------------------------- */

static int
badlink_create(struct ifnet *ifp, struct badlink **ret_lb)
{
	struct badlink *lb = kmem_zalloc(sizeof(*lb), KM_SLEEP);
	int error;

	if (lb == NULL)
		return ENOMEM;
	lb->lb_cond.lc_transmit = badlink_transmit;
	lb->lb_ifp = ifp;
	mutex_init(&lb->lb_lock, "linkcond");
	packetq_init(&lb->lb_queue);
	callout_init(&lb->lb_callout, badlink_due, lb);
	/* The only time that this can fail. */
	error = callout_schedule(&lb->lb_callout, clock_mono());
	if (error) {
		mutex_destroy(&lb->lb_lock);
		kmem_free(lb, sizeof(*lb));
		return error;
	}
	*ret_lb = lb;
	return 0;
}

/* Nobody else knows it any more. */
static void
badlink_destroy(struct badlink *lb)
{
	callout_halt(&lb->lb_callout);
	packetq_drop(&lb->lb_queue);
	mutex_destroy(&lb->lb_lock);
	kmem_free(lb, sizeof(*lb));
}

static bool
params_perfect(const struct linkcond_params *lp)
{
	return lp->lp_loss == 0 && lp->lp_duplicate == 0 && lp->lp_corrupt == 0 &&
	    lp->lp_reorder == 0 && lp->lp_delay == 0 && lp->lp_jitter == 0 &&
	    lp->lp_rate == 0;
}

static struct badlink *
badlink_get(struct ifnet *ifp)
{
	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	return ifp->if_cond != NULL ? badlink_of(ifp->if_cond) : NULL;
}

int
linkcond_set(struct ifnet *ifp, const struct linkcond_params *lp)
{
	struct badlink *lb = badlink_get(ifp), *fresh = NULL;
	struct linkcond_params params = *lp;
	int error;

	if (params_perfect(lp)) {
		if (lb != NULL) {
			(void)if_setcond(ifp, NULL);
			badlink_destroy(lb);
		}
		return 0;
	}
	if (params.lp_seed == 0)
		params.lp_seed = random_u64();
	if (lb == NULL) {
		error = badlink_create(ifp, &fresh);
		if (error)
			return error;
		lb = fresh;
	}
	mutex_enter(&lb->lb_lock);
	linkcond_model_init(&lb->lb_model, &params);
	mutex_exit(&lb->lb_lock);
	if (fresh != NULL)
		(void)if_setcond(ifp, &fresh->lb_cond);
	return 0;
}

int
linkcond_get(struct ifnet *ifp, struct linkcond_params *ret_params,
    struct linkcond_stats *ret_stats)
{
	struct badlink *lb = badlink_get(ifp);

	if (lb == NULL)
		return ENOENT;
	mutex_enter(&lb->lb_lock);
	*ret_params = lb->lb_model.lm_params;
	*ret_stats = lb->lb_stats;
	mutex_exit(&lb->lb_lock);
	return 0;
}

/* An interface that goes: what was on its way is lost. */
static void
linkcond_event(enum netevent ev, const struct netevent_info *ne)
{
	static const struct linkcond_params perfect;

	if (ev == NETEVENT_LINK_DEL)
		(void)linkcond_set(ne->ne_ifp, &perfect);
}

static struct netevent_listener linkcond_listener = { .nl_event = linkcond_event };

int
linkcond_boot(void)
{
	netevent_listen(&linkcond_listener);
	return 0;
}
