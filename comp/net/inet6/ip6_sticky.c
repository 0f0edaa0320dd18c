/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_sticky.c - extension headers that a socket puts in front of what it sends
 *
 * RFC 3542 section 4: each option sets one header, given as it goes to the wire
 * but for its next header value.  They are chained here, once, in the order of
 * RFC 8200 section 4.1; a packet only copies the result.
 *
 * NEEDSWORK: routing headers are not sent (no type is known here); together they
 * are limited to IP6_STICKY_MAX bytes, the room that packets have.
 */

#include "ip6_pcb.h"

#include <linux/capability.h>
#include <sys/cred.h>

#include <lib/string.h>

static const uint8_t part_type[STICKY_N] = {
	IP6_NH_HOPOPTS, IP6_NH_DSTOPTS, IP6_NH_ROUTING, IP6_NH_DSTOPTS,
};

static unsigned int
part_of(int name)
{
	switch (name) {
	case IPV6_HOPOPTS:
		return STICKY_HOP;
	case IPV6_RTHDRDSTOPTS:
		return STICKY_DST1;
	case IPV6_RTHDR:
		return STICKY_ROUTING;
	default:
		return STICKY_DST;
	}
}

/* The block of which part is len bytes of data, and the rest as in old.  NULL: no memory. */
static struct ip6_block *
block_make(const struct ip6_block *old, unsigned int part, const uint8_t *data, uint16_t len,
    uint8_t proto)
{
	struct ip6_block *b = kmem_zalloc(sizeof(*b), KM_NOSLEEP);
	const uint8_t *from;
	uint16_t at = 0, n;
	uint8_t *next;

	if (b == NULL)
		return NULL;
	next = &b->b_first;
	from = old != NULL ? old->b_data : NULL;
	for (unsigned int i = 0; i < STICKY_N; i++) {
		n = i == part ? len : old != NULL ? old->b_part[i] : 0;
		if (n != 0) {
			memcpy(b->b_data + at, i == part ? data : from, n);
			*next = part_type[i];
			next = &b->b_data[at];
		}
		if (old != NULL)
			from += old->b_part[i];
		b->b_part[i] = n;
		at = (uint16_t)(at + n);
	}
	b->b_len = at;
	*next = proto;
	return b;
}

static void
block_reap(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct ip6_block, b_qsbr), sizeof(struct ip6_block));
}

static uint16_t
block_len(const struct ip6_block *b)
{
	return b != NULL ? b->b_len : 0;
}

static int
header_check(const struct inpcb *inp, unsigned int part, const void *val, socklen_t len)
{
	const struct cred *cr = inp->inp_so->so_cred;

	if (part != STICKY_DST && !cred_capable(cr, CAP_NET_RAW))
		return EPERM;
	if (len == 0)
		return 0;
	if (part == STICKY_ROUTING)
		return EINVAL;
	return ip6_opts_sound(val, len);
}

int
ip6_sticky_set(struct inpcb *inp, int name, const void *val, socklen_t len)
{
	struct ip6_pcb *p = ip6_pcb_get(inp);
	unsigned int part = part_of(name);
	struct ip6_block *b, *old;
	int error;

	if (p == NULL)
		return ENOBUFS;
	error = header_check(inp, part, val, len);
	if (error)
		return error;
	old = p->p_block;
	if (block_len(old) - (old != NULL ? old->b_part[part] : 0) + len > IP6_STICKY_MAX)
		return ENOBUFS;
	b = block_make(old, part, val, (uint16_t)len, (uint8_t)inp->inp_so->so_protocol);
	if (b == NULL)
		return ENOBUFS;
	if (b->b_len == 0) {
		kmem_free(b, sizeof(*b));
		b = NULL;
	}
	atomic_store_rel(&p->p_block, b);
	if (old != NULL)
		qsbr_call(&old->b_qsbr, block_reap);
	return 0;
}

int
ip6_sticky_get(struct inpcb *inp, int name, void *val, socklen_t *len)
{
	const struct ip6_pcb *p = inp->inp_options6;
	const struct ip6_block *b = p != NULL ? p->p_block : NULL;
	unsigned int part = part_of(name);
	const uint8_t *from;
	uint16_t n;

	if (b == NULL || b->b_part[part] == 0) {
		*len = 0;
		return 0;
	}
	from = b->b_data;
	for (unsigned int i = 0; i < part; i++)
		from += b->b_part[i];
	n = b->b_part[part];
	if (*len > n)
		*len = n;
	memcpy(val, from, *len);
	return 0;
}

static void
pcb_reap(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct ip6_pcb, p_qsbr), sizeof(struct ip6_pcb));
}

void
ip6_pcb_free(struct inpcb *inp)
{
	struct ip6_pcb *p = inp->inp_options6;

	if (p == NULL)
		return;
	atomic_store_rel(&inp->inp_options6, (void *)NULL);
	if (p->p_block != NULL)
		qsbr_call(&p->p_block->b_qsbr, block_reap);
	qsbr_call(&p->p_qsbr, pcb_reap);
}

/* What only we know of how the socket sends. */
void
ip6_tx(const struct inpcb *inp, struct inet_tx *tx)
{
	const struct ip6_pcb *p = atomic_load_acq(&inp->inp_options6);
	const struct ip6_block *b;

	if (p == NULL)
		return;
	b = atomic_load_acq(&p->p_block);
	if (b != NULL) {
		tx->it_options = b->b_data;
		tx->it_optlen = b->b_len;
		tx->it_optnext = b->b_first;
	}
	if (p->p_dontfrag)
		tx->it_flags |= INET_TX_DF;
	if (!p->p_autolabel)
		tx->it_flags |= INET_TX_NOLABEL;
}

/* Sticky IPV6_PKTINFO, and which sources it would rather have (RFC 5014). */
void
ip6_rtkey(const struct inpcb *inp, struct rtkey *rk)
{
	const struct ip6_pcb *p = atomic_load_acq(&inp->inp_options6);
	uint32_t prefs;

	if (p == NULL)
		return;
	prefs = atomic_load(&p->p_prefs);
	if (rk->rk_oif == 0)
		rk->rk_oif = atomic_load(&p->p_oif);
	if (inaddr_zero(&rk->rk_src) && !inaddr_zero(&p->p_src))
		rk->rk_src = p->p_src;
	if ((prefs & IP6_PREFER_TMP) != 0)
		rk->rk_flags |= RTK_SRCTMP;
	if ((prefs & IP6_PREFER_PUBLIC) != 0)
		rk->rk_flags |= RTK_SRCPUBLIC;
}
