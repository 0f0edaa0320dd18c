/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * frag6.c - reassembly
 *
 * Fragments of one source, destination and identification wait in a struct reasm,
 * intact and in their order, until all are there, or 60 seconds have passed, or memory is
 * short: then the oldest reassembly goes first.
 *
 * What is refused: fragments that overlap, and with them everything that belongs to
 * them, now and later (RFC 5722); a first fragment without the upper header
 * (RFC 7112); more than FRAGS_MAX pieces, for who cuts so small means no good.  An
 * "atomic" fragment, which is whole, meets nobody (RFC 6946).
 *
 * Bounded by net.ipv6.ip6frag_high_thresh in bytes of memory held, not of payload.
 *
 * Locking: ft_lock, a leaf; errors are sent after it.
 */

#include "ip6_impl.h"

#include <lib/bytes.h>
#include <lib/hash.h>
#include <lib/string.h>

#define BUCKETS		64
#define FRAGS_MAX	128

/* p_cb of a fragment that waits. */
struct piece {
	uint32_t	 pc_off, pc_len;	/* of its payload */
	uint32_t	 pc_hdr;	/* bytes in front of it, with the fragment header */
};
#define PIECE(p)	((struct piece *)(uintptr_t)(p)->p_cb)

/* All of it: ft_lock. */
struct reasm {
	struct list_node rs_link;	/* of the bucket */
	struct list_node rs_age;	/* the oldest first */
	struct inaddr	 rs_src, rs_dst;
	uint32_t	 rs_id, rs_ifindex;
	struct packetq	 rs_q;		/* by offset */
	uint32_t	 rs_have;	/* bytes of payload */
	uint32_t	 rs_total;	/* 0: the last is not there yet */
	uint32_t	 rs_mem;
	uint32_t	 rs_max;	/* largest fragment */
	uint8_t		 rs_ecn;	/* bit per codepoint seen */
	bool		 rs_dead;	/* overlapped: eats what belongs to it */
	int64_t		 rs_expires;
};

struct frag6_table {
	kmutex_t	 ft_lock;
	struct list	 ft_bucket[BUCKETS];
	struct list	 ft_age;
	uint64_t	 ft_mem;
};

int
frag6_create(struct ip6_ns *n)
{
	struct frag6_table *ft = kmem_zalloc(sizeof(*ft), KM_SLEEP);

	if (ft == NULL)
		return ENOMEM;
	mutex_init(&ft->ft_lock, "frag6");
	for (unsigned int i = 0; i < BUCKETS; i++)
		list_init(&ft->ft_bucket[i]);
	list_init(&ft->ft_age);
	n->n_frags = ft;
	return 0;
}

static void
reasm_remove(struct frag6_table *ft, struct reasm *rs)
{
	list_remove(&rs->rs_link);
	list_remove(&rs->rs_age);
	ft->ft_mem -= rs->rs_mem + sizeof(*rs);
}

static void
reasm_free(struct reasm *rs)
{
	packetq_drop(&rs->rs_q);
	kmem_free(rs, sizeof(*rs));
}

static struct reasm *
reasm_oldest(struct frag6_table *ft)
{
	return list_empty(&ft->ft_age) ? NULL :
	    container_of(list_first(&ft->ft_age), struct reasm, rs_age);
}

void
frag6_destroy(struct ip6_ns *n)
{
	struct frag6_table *ft = n->n_frags;
	struct reasm *rs;

	while ((rs = reasm_oldest(ft)) != NULL) {
		reasm_remove(ft, rs);
		reasm_free(rs);
	}
	mutex_destroy(&ft->ft_lock);
	kmem_free(ft, sizeof(*ft));
}

/* --- finding -------------------------------------------------------------------- */

static struct list *
reasm_bucket(struct frag6_table *ft, const struct ip6_fixed *f, uint32_t id)
{
	uint64_t h = hash_bytes(&f->f_src, 2 * sizeof(f->f_src), id);

	return &ft->ft_bucket[h % BUCKETS];
}
_Static_assert(offsetof(struct ip6_fixed, f_dst) == offsetof(struct ip6_fixed, f_src) + 16,
    "hashed together");

static struct reasm *
reasm_find(struct list *bucket, const struct ip6_fixed *f, uint32_t id, uint32_t ifindex)
{
	struct list_node *n;

	LIST_FOREACH(n, bucket) {
		struct reasm *rs = container_of(n, struct reasm, rs_link);

		if (rs->rs_id == id && inaddr_eq(&rs->rs_src, &f->f_src) &&
		    inaddr_eq(&rs->rs_dst, &f->f_dst) && rs->rs_ifindex == ifindex)
			return rs;
	}
	return NULL;
}

/* Makes room, the oldest first; false: there cannot be any. */
static bool
room_make(struct frag6_table *ft, uint64_t high, const struct reasm *keep, uint64_t want)
{
	struct reasm *rs;

	while (ft->ft_mem + want > high) {
		rs = reasm_oldest(ft);
		if (rs == NULL || rs == keep)
			return false;
		reasm_remove(ft, rs);
		reasm_free(rs);
		ip6_count(reasm_dropped);
	}
	return true;
}

static struct reasm *
reasm_create(struct frag6_table *ft, struct list *bucket, const struct ip6_fixed *f,
    uint32_t id, uint32_t ifindex, int64_t expires)
{
	struct reasm *rs = kmem_zalloc(sizeof(*rs), KM_NOSLEEP);

	if (rs == NULL)
		return NULL;
	rs->rs_src = f->f_src;
	rs->rs_dst = f->f_dst;
	rs->rs_id = id;
	rs->rs_ifindex = ifindex;
	rs->rs_expires = expires;
	packetq_init(&rs->rs_q);
	list_insert_tail(bucket, &rs->rs_link);
	list_insert_tail(&ft->ft_age, &rs->rs_age);
	ft->ft_mem += sizeof(*rs);
	return rs;
}

/* --- putting together ---------------------------------------------------------------- */

enum put { PUT_OK, PUT_DUPLICATE, PUT_OVERLAP };

static enum put
piece_insert(struct reasm *rs, struct packet *p)
{
	struct piece *pc = PIECE(p), *o;
	struct packet *before = NULL, *at;

	for (at = rs->rs_q.pq_head; at != NULL; at = at->p_next) {
		o = PIECE(at);
		if (o->pc_off == pc->pc_off && o->pc_len == pc->pc_len)
			return PUT_DUPLICATE;
		if (o->pc_off + o->pc_len > pc->pc_off && pc->pc_off + pc->pc_len > o->pc_off)
			return PUT_OVERLAP;
		if (o->pc_off > pc->pc_off)
			break;
		before = at;
	}
	p->p_next = at;
	if (before == NULL)
		rs->rs_q.pq_head = p;
	else
		before->p_next = p;
	if (at == NULL)
		rs->rs_q.pq_tail = p;
	rs->rs_q.pq_n++;
	return PUT_OK;
}

/* Does it agree with what is known of the end? */
static bool
end_agrees(const struct reasm *rs, uint32_t end, bool more)
{
	const struct packet *last = rs->rs_q.pq_tail;

	if (rs->rs_total != 0)
		return more ? end <= rs->rs_total : end == rs->rs_total;
	return more || last == NULL || PIECE(last)->pc_off + PIECE(last)->pc_len <= end;
}

static void
reasm_kill(struct frag6_table *ft, struct reasm *rs)
{
	ip6_count(reasm_overlap);
	packetq_drop(&rs->rs_q);
	packetq_init(&rs->rs_q);
	ft->ft_mem -= rs->rs_mem;
	rs->rs_mem = 0;
	rs->rs_dead = true;
}

/* Consumes p. */
static void
reasm_add(struct frag6_table *ft, struct reasm *rs, struct packet *p, bool more)
{
	struct piece *pc = PIECE(p);
	uint32_t end = pc->pc_off + pc->pc_len;
	enum put put = PUT_OVERLAP;

	if (!rs->rs_dead && rs->rs_q.pq_n < FRAGS_MAX && end_agrees(rs, end, more))
		put = piece_insert(rs, p);
	if (put != PUT_OK) {
		if (put == PUT_OVERLAP && !rs->rs_dead)
			reasm_kill(ft, rs);
		ip6_count(reasm_dropped);
		packet_free(p);
		return;
	}
	rs->rs_have += pc->pc_len;
	if (!more)
		rs->rs_total = end;
	rs->rs_mem += p->p_truesize;
	ft->ft_mem += p->p_truesize;
	if (p->p_len > rs->rs_max)
		rs->rs_max = p->p_len;
	rs->rs_ecn |= (uint8_t)(1u << (p->p_data[1] >> 4 & 3));
}

/* RFC 3168 section 5.3: one that met congestion marks all; not if others cannot ECN. */
static bool
ecn_merge(const struct reasm *rs, struct packet *p)
{
	if ((rs->rs_ecn & 1u << 3) == 0)
		return true;
	if ((rs->rs_ecn & 1u << 0) != 0)
		return false;
	p->p_data[1] |= 0x30;
	return true;
}

/* The headers of the first, without the fragment header, and the next header filled in. */
static struct packet *
whole_begin(const struct packet *first, uint32_t nextoff)
{
	uint32_t hdrlen = PIECE(first)->pc_hdr - IP6_FRAGLEN;
	struct packet *p = packet_alloc(KM_NOSLEEP);
	uint8_t *at, next;

	if (p == NULL)
		return NULL;
	at = packet_append(p, hdrlen);
	if (at == NULL) {		/* longer than anybody needs */
		packet_free(p);
		return NULL;
	}
	packet_copyout(first, 0, at, hdrlen);
	packet_copyout(first, hdrlen, &next, 1);
	at[nextoff] = next;
	return p;
}

static struct packet *
reasm_whole(const struct reasm *rs, uint32_t nextoff)
{
	const struct packet *first = rs->rs_q.pq_head, *at;
	struct packet *p = whole_begin(first, nextoff);
	struct pktbuf *pb;

	if (p == NULL)
		return NULL;
	pb = pktbuf_alloc(rs->rs_total, KM_NOSLEEP);
	if (pb == NULL)
		goto fail_packet;
	for (at = first; at != NULL; at = at->p_next)
		packet_copyout(at, PIECE(at)->pc_hdr, pb->pb_data + PIECE(at)->pc_off,
		    PIECE(at)->pc_len);
	if (packet_addfrag(p, pb, 0, rs->rs_total)) {
		pktbuf_rele(pb);
		goto fail_packet;
	}
	if (!ecn_merge(rs, p) || p->p_len - IP6_HDRLEN > IP6_PAYLOAD_MAX)
		goto fail_packet;
	be16_put(p->p_data + 4, (uint16_t)(p->p_len - IP6_HDRLEN));
	p->p_l3 = packet_offset(p);
	p->p_ethertype = first->p_ethertype;
	p->p_type = first->p_type;
	p->p_ifp = first->p_ifp;
	p->p_ifindex = first->p_ifindex;
	p->p_time = first->p_time;
	p->p_mark = first->p_mark;
	p->p_flags = first->p_flags;
	return p;

fail_packet:
	packet_free(p);
	return NULL;
}

/* --- a fragment comes ------------------------------------------------------------------- */

/* RFC 7112: the first has all headers, up to the upper one's first bytes. */
static bool
first_complete(const struct packet *p, uint32_t off)
{
	uint8_t buf[256], type;
	size_t len = p->p_len < sizeof(buf) ? p->p_len : sizeof(buf), upper;

	(void)off;
	packet_copyout(p, 0, buf, len);
	if (ip6_chain_skip(buf, len, &upper, &type))
		return p->p_len > len;		/* long headers: found out when it is whole */
	return type == IP6_NH_NONE || p->p_len - upper >= 8;
}

/* Consumes p and returns false if it is not fit to wait. */
static bool
fragment_check(struct ifnet *ifp, struct packet *p, uint32_t off, const struct ip6_frag *fr)
{
	uint32_t len = p->p_len - off - IP6_FRAGLEN;

	if (fr->fr_more && (len & 7) != 0)
		icmp6_error(ifp, p, ICMP6_PARAM, 0, 4);
	else if (fr->fr_off + len + off - IP6_HDRLEN > IP6_PAYLOAD_MAX)
		icmp6_error(ifp, p, ICMP6_PARAM, 0, off + 2);
	else if (fr->fr_off == 0 && !first_complete(p, off))
		icmp6_error(ifp, p, ICMP6_PARAM, 3, 0);
	else if (len != 0 && packet_own(p, KM_NOSLEEP) == 0)
		return true;
	ip6_count(reasm_dropped);
	packet_free(p);
	return false;
}

/* Nobody else belongs to it: the fragment header is taken out. */
static struct packet *
atomic_strip(struct packet *p, uint32_t off, uint32_t nextoff)
{
	struct packet *w;
	struct reasm rs = { .rs_total = p->p_len - off - IP6_FRAGLEN, .rs_max = p->p_len };

	*PIECE(p) = (struct piece){ 0, rs.rs_total, off + IP6_FRAGLEN };
	packetq_put(&rs.rs_q, p);
	w = rs.rs_total > 0 ? reasm_whole(&rs, nextoff) : NULL;
	packet_free(p);
	return w;
}

static bool
reasm_complete(const struct reasm *rs)
{
	return !rs->rs_dead && rs->rs_total != 0 && rs->rs_have == rs->rs_total;
}

/* Under the lock.  Consumes p; *ret_first: nobody watched the clock before. */
static struct reasm *
fragment_put(struct frag6_table *ft, struct ip6_ns *n, struct packet *p,
    const struct ip6_fixed *f, const struct ip6_frag *fr, uint32_t ifindex, bool *ret_first)
{
	uint64_t high = (uint64_t)netvar_get(n->n_ns, &ip6_var_frag_high);
	struct list *bucket = reasm_bucket(ft, f, fr->fr_id);
	struct reasm *rs = reasm_find(bucket, f, fr->fr_id, ifindex);

	*ret_first = false;
	if (!room_make(ft, high, rs, p->p_truesize + sizeof(*rs)))
		goto drop;
	if (rs == NULL) {
		*ret_first = list_empty(&ft->ft_age);
		rs = reasm_create(ft, bucket, f, fr->fr_id, ifindex, clock_mono() +
		    netvar_get(n->n_ns, &ip6_var_frag_time) * NSEC_PER_SEC);
	}
	if (rs == NULL)
		goto drop;
	reasm_add(ft, rs, p, fr->fr_more);
	if (!reasm_complete(rs))
		return NULL;
	reasm_remove(ft, rs);
	return rs;
drop:
	ip6_count(reasm_dropped);
	packet_free(p);
	return NULL;
}

struct packet *
frag6_input(struct ifnet *ifp, struct packet *p, uint32_t off, uint32_t nextoff,
    uint32_t *ret_fragmax)
{
	struct ip6_ns *n = ip6_ns(ifp->if_ns);
	struct frag6_table *ft = n->n_frags;
	uint8_t tmp[IP6_FRAGLEN];
	const uint8_t *h = packet_peek(p, off, IP6_FRAGLEN, tmp);
	struct ip6_fixed f;
	struct ip6_frag fr;
	struct packet *whole;
	struct reasm *rs;
	bool first;

	ip6_count(reasm_in);
	if (h == NULL || ip6_fixed_parse(p->p_data, packet_linear(p), &f)) {
		packet_free(p);
		return NULL;
	}
	ip6_frag_parse(h, &fr);
	if (fr.fr_off == 0 && !fr.fr_more)
		return atomic_strip(p, off, nextoff);
	if (!fragment_check(ifp, p, off, &fr))
		return NULL;
	*PIECE(p) = (struct piece){ fr.fr_off, p->p_len - off - IP6_FRAGLEN,
	    off + IP6_FRAGLEN };
	mutex_enter(&ft->ft_lock);
	rs = fragment_put(ft, n, p, &f, &fr, ifp->if_index, &first);
	mutex_exit(&ft->ft_lock);
	if (first)
		ip6_kick(ifp->if_ns);
	if (rs == NULL)
		return NULL;
	*ret_fragmax = rs->rs_max;
	/* Each has a fragment header of its own; the first one's place counts. */
	whole = PIECE(rs->rs_q.pq_head)->pc_hdr == off + IP6_FRAGLEN ?
	    reasm_whole(rs, nextoff) : NULL;
	reasm_free(rs);
	if (whole == NULL) {
		ip6_count(reasm_dropped);
		return NULL;
	}
	whole->p_ifp = ifp;
	ip6_count(reasm_ok);
	return whole;
}

/* --- time passes --------------------------------------------------------------------------- */

/* RFC 8200 section 4.5: if the first is there, its sender is told. */
static void
reasm_expired(struct ip6_ns *n, struct reasm *rs)
{
	struct ifnet *ifp = if_byindex(n->n_ns, rs->rs_ifindex);
	struct packet *p = rs->rs_q.pq_head;

	ip6_count(reasm_timeout);
	if (p != NULL && PIECE(p)->pc_off == 0 && ifp != NULL) {
		if_hold(ifp);
		icmp6_error(ifp, p, ICMP6_TIME, 1, 0);
		if_rele(ifp);
	}
	reasm_free(rs);
}

int64_t
frag6_run(struct ip6_ns *n, int64_t now)
{
	struct frag6_table *ft = n->n_frags;
	int64_t due = KTIME_NEVER;
	struct reasm *rs;

	for (;;) {
		mutex_enter(&ft->ft_lock);
		rs = reasm_oldest(ft);
		if (rs != NULL && rs->rs_expires > now) {
			due = rs->rs_expires;
			rs = NULL;
		}
		if (rs != NULL)
			reasm_remove(ft, rs);
		mutex_exit(&ft->ft_lock);
		if (rs == NULL)
			return due;
		reasm_expired(n, rs);
	}
}
