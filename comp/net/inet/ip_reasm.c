/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_reasm.c - fragments that wait for each other (RFC 791 section 3.2, RFC 815)
 *
 * A datagram in the making is found by source, destination, protocol and
 * identification.  Its fragments stand in order; when they are without a gap
 * they are copied together, so that what goes up is one piece.
 *
 * Nobody can make it large: all that waits in a name space costs at most
 * net.ipv4.ipfrag_high_thresh bytes, the oldest goes first; one source has at most
 * ipfrag_max_dist datagrams, its own oldest goes first; a datagram has at most FRAGS_MAX
 * fragments and waits ipfrag_time seconds.  Nor ambiguous: a fragment that overlaps
 * another but is not its duplicate spoils the datagram, whose later fragments are
 * thrown away until its time is over (RFC 5722 section 4, for IPv4 too).
 *
 * Locking: ra_lock, a leaf but for memory; errors are sent after it is dropped.
 */

#include "ip_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#define REASM_CHAINS	256		/* by source */
#define FRAGS_MAX	2048

/* What a fragment is, in its packet's scratch. */
struct frag_cb {
	uint32_t	 fc_off;	/* of the payload */
	uint32_t	 fc_len;
};
#define FRAG_CB(p)	((struct frag_cb *)(uintptr_t)(p)->p_cb)

struct reasm_dgram {
	struct list_node rd_link;	/* of its chain, oldest first */
	struct list_node rd_age;	/* of all, oldest first */
	struct inaddr	 rd_src, rd_dst;
	uint16_t	 rd_id;
	uint8_t		 rd_proto;
	uint8_t		 rd_ecn;	/* bit n: a fragment with ECN bits n came */
	bool		 rd_spoiled;
	uint32_t	 rd_ifindex;
	uint32_t	 rd_total;	/* of the payload; 0: the last has not come */
	uint32_t	 rd_have;
	uint32_t	 rd_fragmax;
	unsigned int	 rd_n;
	size_t		 rd_mem;
	int64_t		 rd_deadline;
	struct packet	*rd_first;	/* in order of fc_off */
	struct packet	*rd_last;
};

struct ip_reasm {
	kmutex_t	 ra_lock;
	struct netns	*ra_ns;		/* c */
	size_t		 ra_mem;	/* everything below: ra_lock */
	struct list	 ra_age;
	struct list	 ra_chain[REASM_CHAINS];
	unsigned int	 ra_chainlen[REASM_CHAINS];
	struct callout	 ra_timer;
};

static void	reasm_timeout(void *arg);

int
ip_reasm_create(struct ip_ns *in)
{
	struct ip_reasm *ra = kmem_zalloc(sizeof(*ra), KM_SLEEP);

	if (ra == NULL)
		return ENOMEM;
	mutex_init(&ra->ra_lock, "ipreasm");
	ra->ra_ns = in->in_ns;
	list_init(&ra->ra_age);
	for (size_t i = 0; i < REASM_CHAINS; i++)
		list_init(&ra->ra_chain[i]);
	callout_init(&ra->ra_timer, reasm_timeout, ra);
	in->in_reasm = ra;
	return 0;
}

static unsigned int
chain_of(const struct inaddr *src)
{
	return hash_u64(hash_secret ^ src->ia_w[0]) % REASM_CHAINS;
}

/* --- a datagram in the making --------------------------------------------- */

static void
dgram_drop_fragments(struct ip_reasm *ra, struct reasm_dgram *rd)
{
	struct packet *p;

	while ((p = rd->rd_first) != NULL) {
		rd->rd_first = p->p_next;
		p->p_next = NULL;
		packet_free(p);
	}
	rd->rd_last = NULL;
	ra->ra_mem -= rd->rd_mem - sizeof(*rd);
	rd->rd_mem = sizeof(*rd);
}

static void
dgram_free(struct ip_reasm *ra, struct reasm_dgram *rd)
{
	dgram_drop_fragments(ra, rd);
	ra->ra_mem -= rd->rd_mem;
	ra->ra_chainlen[chain_of(&rd->rd_src)]--;
	list_remove(&rd->rd_link);
	list_remove(&rd->rd_age);
	kmem_free(rd, sizeof(*rd));
}

/* Of a packet that is spoiled, or whose place somebody else needs. */
static void
dgram_fail(struct ip_reasm *ra, struct reasm_dgram *rd)
{
	inet_count_n(IPSTAT_REASMFAILS, rd->rd_spoiled ? 0 : 1);
	dgram_free(ra, rd);
}

static struct reasm_dgram *
dgram_find(struct ip_reasm *ra, const struct ip_hdr *ih)
{
	struct list_node *n;

	LIST_FOREACH(n, &ra->ra_chain[chain_of(&ih->ih_src)]) {
		struct reasm_dgram *rd = container_of(n, struct reasm_dgram, rd_link);

		if (rd->rd_id == ih->ih_id && rd->rd_proto == ih->ih_proto &&
		    inaddr_eq(&rd->rd_src, &ih->ih_src) && inaddr_eq(&rd->rd_dst, &ih->ih_dst))
			return rd;
	}
	return NULL;
}

/* Room for a new one of that source, at the expense of its own oldest. */
static void
chain_trim(struct ip_reasm *ra, unsigned int chain)
{
	unsigned int max = (unsigned int)netvar_get(ra->ra_ns, &netvar_ipfrag_max_dist);

	while (max != 0 && ra->ra_chainlen[chain] >= max)
		dgram_fail(ra, container_of(list_first(&ra->ra_chain[chain]), struct reasm_dgram,
			       rd_link));
}

static struct reasm_dgram *
dgram_create(struct ip_reasm *ra, const struct ip_hdr *ih, uint32_t ifindex)
{
	unsigned int chain = chain_of(&ih->ih_src);
	struct reasm_dgram *rd;
	bool first;

	chain_trim(ra, chain);
	rd = kmem_zalloc(sizeof(*rd), KM_NOSLEEP);
	if (rd == NULL)
		return NULL;
	rd->rd_src = ih->ih_src;
	rd->rd_dst = ih->ih_dst;
	rd->rd_id = ih->ih_id;
	rd->rd_proto = ih->ih_proto;
	rd->rd_ifindex = ifindex;
	rd->rd_mem = sizeof(*rd);
	rd->rd_deadline = clock_mono() +
	    netvar_get(ra->ra_ns, &netvar_ipfrag_time) * NSEC_PER_SEC;
	first = list_empty(&ra->ra_age);
	if (first && callout_schedule(&ra->ra_timer, rd->rd_deadline) != 0) {
		kmem_free(rd, sizeof(*rd));
		return NULL;
	}
	ra->ra_mem += rd->rd_mem;
	ra->ra_chainlen[chain]++;
	list_insert_tail(&ra->ra_chain[chain], &rd->rd_link);
	list_insert_tail(&ra->ra_age, &rd->rd_age);
	return rd;
}

/* --- a fragment's place --------------------------------------------------- */

enum place { PLACE_OK, PLACE_DUPLICATE, PLACE_SPOILS };

/* Where it belongs: behind *ret_prev, or in front if that is NULL. */
static enum place
fragment_place(const struct reasm_dgram *rd, uint32_t off, uint32_t len, struct packet **ret_prev)
{
	struct packet *prev = NULL, *p = rd->rd_first;

	/* Nearly always it goes to the end. */
	if (rd->rd_last != NULL && FRAG_CB(rd->rd_last)->fc_off < off) {
		prev = rd->rd_last;
		p = NULL;
	}
	for (; p != NULL && FRAG_CB(p)->fc_off <= off; p = p->p_next)
		prev = p;
	*ret_prev = prev;
	if (prev != NULL) {
		const struct frag_cb *fc = FRAG_CB(prev);

		if (fc->fc_off == off && fc->fc_len == len)
			return PLACE_DUPLICATE;
		if (fc->fc_off + fc->fc_len > off)
			return PLACE_SPOILS;
	}
	return p != NULL && off + len > FRAG_CB(p)->fc_off ? PLACE_SPOILS : PLACE_OK;
}

/* The last one says how long it all is, once and for all. */
static bool
fragment_fits(struct reasm_dgram *rd, uint32_t off, uint32_t len, bool more)
{
	uint32_t end = off + len;

	if (more)
		return rd->rd_total == 0 || end < rd->rd_total;
	if (rd->rd_total != 0)
		return end == rd->rd_total;
	if (rd->rd_last != NULL &&
	    FRAG_CB(rd->rd_last)->fc_off + FRAG_CB(rd->rd_last)->fc_len > end)
		return false;
	rd->rd_total = end;
	return true;
}

static void
fragment_insert(struct ip_reasm *ra, struct reasm_dgram *rd, struct packet *prev,
    struct packet *p)
{
	size_t mem = p->p_truesize;

	if (prev == NULL) {
		p->p_next = rd->rd_first;
		rd->rd_first = p;
	} else {
		p->p_next = prev->p_next;
		prev->p_next = p;
	}
	if (p->p_next == NULL)
		rd->rd_last = p;
	rd->rd_have += FRAG_CB(p)->fc_len;
	rd->rd_n++;
	rd->rd_mem += mem;
	ra->ra_mem += mem;
}

/* --- the whole ------------------------------------------------------------ */

/* RFC 3168 section 5.3: CE in any makes it CE, unless some were not ECN-capable. */
static bool
whole_ecn(const struct reasm_dgram *rd, uint8_t *tos)
{
	if ((rd->rd_ecn & 1 << 3) == 0)
		return true;
	if ((rd->rd_ecn & 1 << 0) != 0)
		return false;
	*tos |= 3;
	return true;
}

/* A packet with the first fragment's header and all payload in one block. */
static struct packet *
whole_build(const struct reasm_dgram *rd)
{
	const struct packet *first = rd->rd_first;
	struct packet *p = packet_alloc(KM_NOSLEEP);
	size_t hdrlen = ip_hdrlen_of(first->p_data);
	struct pktbuf *pb;
	struct ip_hdr ih;
	uint8_t *h;

	if (p == NULL)
		return NULL;
	pb = pktbuf_alloc(rd->rd_total, KM_NOSLEEP);
	if (pb == NULL)
		goto fail;
	for (const struct packet *f = first; f != NULL; f = f->p_next)
		packet_copyout(f, f->p_len - FRAG_CB(f)->fc_len, pb->pb_data + FRAG_CB(f)->fc_off,
		    FRAG_CB(f)->fc_len);
	if (ip_hdr_parse(first->p_data, first->p_len, &ih) != 0 || !whole_ecn(rd, &ih.ih_tos)) {
		pktbuf_rele(pb);
		goto fail;
	}
	/* Never fails: the packet is empty. */
	(void)packet_addfrag(p, pb, 0, rd->rd_total);
	h = packet_push(p, hdrlen);
	memcpy(h, first->p_data, hdrlen);
	ih.ih_frag = 0;
	ih.ih_len = (uint16_t)p->p_len;
	ip_hdr_build(h, &ih);
	p->p_l3 = packet_offset(p);
	p->p_ifp = first->p_ifp;
	p->p_ifindex = first->p_ifindex;
	p->p_type = first->p_type;
	p->p_time = first->p_time;
	p->p_mark = first->p_mark;
	p->p_ethertype = ETHERTYPE_IP;
	return p;
fail:
	packet_free(p);
	return NULL;
}

static struct packet *
reasm_add_locked(struct ip_reasm *ra, struct packet *p, const struct ip_hdr *ih,
    uint32_t ifindex, uint32_t *ret_fragmax) REQUIRES(ra->ra_lock)
{
	uint32_t off = ip_hdr_off(ih), len = (uint32_t)ih->ih_len - ih->ih_hdrlen;
	struct reasm_dgram *rd = dgram_find(ra, ih);
	struct packet *prev, *whole;
	enum place place;

	if (rd == NULL)
		rd = dgram_create(ra, ih, ifindex);
	if (rd == NULL || rd->rd_spoiled)
		goto drop;
	place = fragment_place(rd, off, len, &prev);
	if (place == PLACE_DUPLICATE)
		goto drop;
	if (place == PLACE_SPOILS || rd->rd_n >= FRAGS_MAX ||
	    !fragment_fits(rd, off, len, (ih->ih_frag & IP_MF) != 0)) {
		inet_count(IPSTAT_REASMOVERLAPS);
		inet_count(IPSTAT_REASMFAILS);
		dgram_drop_fragments(ra, rd);
		rd->rd_spoiled = true;
		goto drop;
	}
	FRAG_CB(p)->fc_off = off;
	FRAG_CB(p)->fc_len = len;
	rd->rd_ecn |= (uint8_t)(1 << (ih->ih_tos & 3));
	if (rd->rd_fragmax < ih->ih_len)
		rd->rd_fragmax = ih->ih_len;
	fragment_insert(ra, rd, prev, p);
	if (rd->rd_total == 0 || rd->rd_have != rd->rd_total)
		return NULL;
	whole = whole_build(rd);
	*ret_fragmax = rd->rd_fragmax;
	inet_count(whole != NULL ? IPSTAT_REASMOKS : IPSTAT_REASMFAILS);
	dgram_free(ra, rd);
	return whole;
drop:
	packet_free(p);
	return NULL;
}

/* Over the limit the oldest give way, whosever they are. */
static void
reasm_trim_locked(struct ip_reasm *ra) REQUIRES(ra->ra_lock)
{
	size_t max = (size_t)netvar_get(ra->ra_ns, &netvar_ipfrag_high_thresh);

	while (ra->ra_mem > max && !list_empty(&ra->ra_age))
		dgram_fail(ra, container_of(list_first(&ra->ra_age), struct reasm_dgram, rd_age));
}

struct packet *
ip_reassemble(struct ifnet *ifp, struct packet *p, const struct ip_hdr *ih, uint32_t *ret_fragmax)
{
	struct ip_reasm *ra = ip_ns(ifp->if_ns)->in_reasm;
	uint32_t len = (uint32_t)ih->ih_len - ih->ih_hdrlen;

	inet_count(IPSTAT_REASMREQDS);
	/* Only the last may have an odd end, none may reach beyond a datagram's. */
	if (len == 0 || ((ih->ih_frag & IP_MF) != 0 && len % 8 != 0) ||
	    ip_hdr_off(ih) + len + ih->ih_hdrlen > IP_MAXLEN) {
		inet_count(IPSTAT_REASMFAILS);
		packet_free(p);
		return NULL;
	}
	/* It may wait for long: not in a buffer of the link, nor with a sum left open. */
	if ((p->p_csum == PKT_CSUM_PARTIAL && packet_csum_fill(p) != 0) ||
	    packet_own(p, KM_NOSLEEP) != 0) {
		inet_count(IPSTAT_REASMFAILS);
		packet_free(p);
		return NULL;
	}
	p->p_csum = PKT_CSUM_NONE;
	mutex_enter(&ra->ra_lock);
	p = reasm_add_locked(ra, p, ih, ifp->if_index, ret_fragmax);
	reasm_trim_locked(ra);
	mutex_exit(&ra->ra_lock);
	return p;
}

/* --- time ----------------------------------------------------------------- */

/*
 * What is too old goes.  If its first fragment was here the sender is told (RFC 792, time
 * exceeded code 1).
 */
static void
reasm_timeout(void *arg)
{
	struct ip_reasm *ra = arg;
	struct packetq tell = PACKETQ_INITIALIZER;
	int64_t now = clock_mono();
	struct packet *p;

	mutex_enter(&ra->ra_lock);
	while (!list_empty(&ra->ra_age)) {
		struct reasm_dgram *rd = container_of(list_first(&ra->ra_age), struct reasm_dgram,
		    rd_age);

		if (rd->rd_deadline > now) {
			(void)callout_schedule(&ra->ra_timer, rd->rd_deadline);
			break;
		}
		inet_count(IPSTAT_REASMTIMEOUT);
		p = rd->rd_first;
		if (p != NULL && FRAG_CB(p)->fc_off == 0) {
			rd->rd_first = p->p_next;
			ra->ra_mem -= p->p_truesize;
			rd->rd_mem -= p->p_truesize;
			p->p_ifindex = rd->rd_ifindex;
			packetq_put(&tell, p);
		}
		dgram_fail(ra, rd);
	}
	mutex_exit(&ra->ra_lock);
	while ((p = packetq_get(&tell)) != NULL) {
		struct ifnet *ifp = if_byindex(ra->ra_ns, p->p_ifindex);

		if (ifp != NULL) {
			if_hold(ifp);
			ip_error(ifp, p, INET_ERR_REASM, 0);
			if_rele(ifp);
		}
		packet_free(p);
	}
}

void
ip_reasm_destroy(struct ip_ns *in)
{
	struct ip_reasm *ra = in->in_reasm;

	callout_halt(&ra->ra_timer);
	mutex_enter(&ra->ra_lock);
	while (!list_empty(&ra->ra_age))
		dgram_free(ra, container_of(list_first(&ra->ra_age), struct reasm_dgram, rd_age));
	mutex_exit(&ra->ra_lock);
	KASSERT(ra->ra_mem == 0);
	mutex_destroy(&ra->ra_lock);
	kmem_free(ra, sizeof(*ra));
}
