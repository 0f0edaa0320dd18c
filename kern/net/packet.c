/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * packet.c - packets: birth, death, and where their bytes begin and end
 *
 * Life cycle
 *	packet_alloc()		empty, the caller's
 *	packet_clone()		the same blocks, headers of its own
 *	packet_free()		credits p_owner, drops the blocks
 *
 * Only the part in front of the fragments is set when a packet is born; the
 * room is written by who pushes headers.  A packet belongs to one thread,
 * hence no locks; blocks are counted.
 *
 * packet_copy.c moves payload in and out.
 */

#include "net_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

static struct pool packet_pool;

int
packet_boot(void)
{
	pktbuf_boot();
	pool_init(&packet_pool, sizeof(struct packet), CACHE_LINE, "packet");
	return 0;
}

struct packet *
packet_alloc(int flags)
{
	struct packet *p = pool_get(&packet_pool, flags & ~KM_ZERO);

	if (unlikely(p == NULL))
		return NULL;
	memset(p, 0, offsetof(struct packet, p_frag));
	p->p_data = p->p_tail = p->p_room + PKT_HEADROOM;
	p->p_truesize = sizeof(*p);
	return p;
}

static void
frags_drop(struct packet *p, unsigned int first)
{
	for (unsigned int i = first; i < p->p_nfrags; i++)
		pktbuf_rele(p->p_frag[i].pf_buf);
	p->p_nfrags = (uint8_t)first;
}

void
packet_free(struct packet *p)
{
	if (p == NULL)
		return;
	if (p->p_destroy != NULL)
		p->p_destroy(p);
	frags_drop(p, 0);
	pool_put(&packet_pool, p);
}

void
packetq_drop(struct packetq *q)
{
	struct packet *p;

	while ((p = packetq_get(q)) != NULL)
		packet_free(p);
}

struct packet *
packet_clone(const struct packet *p, int flags)
{
	struct packet *c = pool_get(&packet_pool, flags & ~KM_ZERO);
	size_t tail = (size_t)(p->p_tail - p->p_room);

	if (unlikely(c == NULL))
		return NULL;
	memcpy(c, p, offsetof(struct packet, p_frag));
	memcpy(c->p_frag, p->p_frag, p->p_nfrags * sizeof(p->p_frag[0]));
	memcpy(c->p_room, p->p_room, tail);
	for (unsigned int i = 0; i < c->p_nfrags; i++)
		pktbuf_hold(c->p_frag[i].pf_buf);
	c->p_next = NULL;
	c->p_data = c->p_room + packet_offset(p);
	c->p_tail = c->p_room + tail;
	c->p_destroy = NULL;
	c->p_owner = NULL;
	return c;
}

/* --- the linear part --------------------------------------------------------- */

/* Where the first byte of the room lies that somebody may still look at. */
static size_t
room_first(const struct packet *p)
{
	size_t first = packet_headroom(p);

	if (p->p_l2 != 0 && p->p_l2 < first)
		first = p->p_l2;
	if (p->p_l3 != 0 && p->p_l3 < first)
		first = p->p_l3;
	return first;
}

static void
offset_lower(uint16_t *off, size_t by)
{
	if (*off >= by)
		*off = (uint16_t)(*off - by);
}

/* Moves what is in the room towards its start. */
static void
room_lower(struct packet *p, size_t first, size_t by)
{
	uint8_t *from = p->p_room + first;

	memmove(from - by, from, (size_t)(p->p_tail - from));
	p->p_data -= by;
	p->p_tail -= by;
	offset_lower(&p->p_l2, by);
	offset_lower(&p->p_l3, by);
	offset_lower(&p->p_l4, by);
	offset_lower(&p->p_csum_start, by);
}

/* Takes len bytes off the fragments; they may be read until then. */
static void
frags_skip(struct packet *p, size_t len)
{
	unsigned int gone = 0;

	while (gone < p->p_nfrags && len >= p->p_frag[gone].pf_len) {
		len -= p->p_frag[gone].pf_len;
		pktbuf_rele(p->p_frag[gone++].pf_buf);
	}
	if (gone > 0) {
		p->p_nfrags = (uint8_t)(p->p_nfrags - gone);
		memmove(p->p_frag, p->p_frag + gone,
		    p->p_nfrags * sizeof(p->p_frag[0]));
	}
	if (len > 0) {
		p->p_frag[0].pf_off += (uint32_t)len;
		p->p_frag[0].pf_len -= (uint32_t)len;
	}
}

int
packet_pullup_slow(struct packet *p, size_t len)
{
	size_t have = packet_linear(p), more, first, room;

	if (len > p->p_len || len > PKT_ROOM)
		return EINVAL;
	more = len - have;
	room = packet_tailroom(p);
	if (more > room) {
		first = room_first(p);
		if (more - room > first)
			return EINVAL;
		room_lower(p, first, more - room);
	}
	packet_copyout(p, have, p->p_tail, more);
	frags_skip(p, more);
	p->p_tail += more;
	return 0;
}

void *
packet_append(struct packet *p, size_t len)
{
	void *at = p->p_tail;

	if (p->p_nfrags != 0 || len > packet_tailroom(p))
		return NULL;
	p->p_tail += len;
	p->p_len += (uint32_t)len;
	return at;
}

/* --- fragments --------------------------------------------------------------- */

/*
 * A block that others share is charged by what is used of it, so that the
 * segments of one large packet do not count it many times.
 */
static uint32_t
frag_truesize(const struct pktbuf *pb, uint32_t len)
{
	return __atomic_load_n(&pb->pb_refs, __ATOMIC_RELAXED) == 1 ?
	    pb->pb_size : len;
}

int
packet_addfrag(struct packet *p, struct pktbuf *pb, uint32_t off, uint32_t len)
{
	struct pktfrag *pf;

	KASSERT(off <= pb->pb_size && len <= pb->pb_size - off);
	if (p->p_nfrags > 0) {
		pf = &p->p_frag[p->p_nfrags - 1];
		if (pf->pf_buf == pb && pf->pf_off + pf->pf_len == off) {
			pf->pf_len += len;
			p->p_len += len;
			pktbuf_rele(pb);
			return 0;
		}
	}
	if (p->p_nfrags == PKT_MAXFRAGS)
		return ENOBUFS;
	p->p_frag[p->p_nfrags++] = (struct pktfrag){ pb, off, len };
	p->p_len += len;
	p->p_truesize += frag_truesize(pb, len);
	return 0;
}

void
packet_recharge(struct packet *p)
{
	uint32_t size = sizeof(*p);

	for (unsigned int i = 0; i < p->p_nfrags; i++)
		size += frag_truesize(p->p_frag[i].pf_buf, p->p_frag[i].pf_len);
	p->p_truesize = size;
}

void
packet_trim(struct packet *p, size_t len)
{
	size_t have = packet_linear(p);

	if (len >= p->p_len)
		return;
	p->p_len = (uint32_t)len;
	if (len <= have) {
		p->p_tail = p->p_data + len;
		frags_drop(p, 0);
		return;
	}
	len -= have;
	for (unsigned int i = 0; i < p->p_nfrags; i++) {
		struct pktfrag *pf = &p->p_frag[i];

		if (len <= pf->pf_len) {
			pf->pf_len = (uint32_t)len;
			frags_drop(p, i + 1);
			return;
		}
		len -= pf->pf_len;
	}
}

void
packet_skip(struct packet *p, size_t len)
{
	size_t have = packet_linear(p);

	if (len > p->p_len)
		len = p->p_len;
	p->p_len -= (uint32_t)len;
	if (len <= have) {
		p->p_data += len;
		return;
	}
	p->p_data = p->p_tail;
	frags_skip(p, len - have);
}
