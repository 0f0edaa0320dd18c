/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_sndbuf.c - the send buffer
 *
 * Writes append, ACKs take from the front, transmissions refer to what is
 * between.  New data is looked up in order, so a cursor finds its stretch at
 * once; only retransmissions walk from the front.
 *
 * Few octets are copied into the packet instead: a reference costs more than
 * they do, twice, and brings another cache line to the receiver.
 */

#include "tcp_sndbuf.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#define COPY_MAX	96		/* octets worth copying */

static struct tcp_stretch *
st_at(const struct tcp_sndbuf *sb, uint32_t i)
{
	return &sb->sb_st[(sb->sb_head + i) & (sb->sb_size - 1)];
}

void
sndbuf_init(struct tcp_sndbuf *sb, uint32_t base)
{
	*sb = (struct tcp_sndbuf){ .sb_st = sb->sb_inline, .sb_size = SNDBUF_INLINE,
	    .sb_base = base, .sb_curseq = base };
}

/* All is acknowledged: back to what an idle connection needs. */
static void
sndbuf_rest(struct tcp_sndbuf *sb)
{
	if (sb->sb_st != sb->sb_inline)
		kmem_free(sb->sb_st, sb->sb_size * sizeof(sb->sb_st[0]));
	sndbuf_init(sb, sb->sb_base);
}

static void
drop_first(struct tcp_sndbuf *sb)
{
	struct tcp_stretch *st = st_at(sb, 0);

	sb->sb_mem -= st->st_pb->pb_size;
	pktbuf_rele(st->st_pb);
	sb->sb_head = (sb->sb_head + 1) & (sb->sb_size - 1);
	sb->sb_n--;
	if (sb->sb_curi > 0)
		sb->sb_curi--;
}

void
sndbuf_fini(struct tcp_sndbuf *sb)
{
	while (sb->sb_n > 0)
		drop_first(sb);
	sb->sb_base += sb->sb_len;
	sndbuf_rest(sb);
}

uint32_t
sndbuf_tailroom(const struct tcp_sndbuf *sb)
{
	const struct tcp_stretch *st;

	if (sb->sb_n == 0 || !sb->sb_tailopen)
		return 0;
	st = st_at(sb, sb->sb_n - 1);
	return st->st_pb->pb_size - st->st_off - st->st_len;
}

void
sndbuf_fill(struct tcp_sndbuf *sb, const void *data, uint32_t len)
{
	struct tcp_stretch *st = st_at(sb, sb->sb_n - 1);

	KASSERT(len <= sndbuf_tailroom(sb));
	memcpy(st->st_pb->pb_data + st->st_off + st->st_len, data, len);
	st->st_len += len;
	sb->sb_len += len;
}

static int
sndbuf_grow(struct tcp_sndbuf *sb)
{
	uint32_t size = sb->sb_size < 16 ? 16 : sb->sb_size * 2;
	struct tcp_stretch *st;

	st = kmem_alloc(size * sizeof(st[0]), KM_NOSLEEP);
	if (st == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < sb->sb_n; i++)
		st[i] = *st_at(sb, i);
	if (sb->sb_st != sb->sb_inline)
		kmem_free(sb->sb_st, sb->sb_size * sizeof(st[0]));
	sb->sb_st = st;
	sb->sb_size = size;
	sb->sb_head = 0;
	return 0;
}

int
sndbuf_add(struct tcp_sndbuf *sb, struct pktbuf *pb, uint32_t off, uint32_t len, bool fillable)
{
	KASSERT(len > 0 && off + len <= pb->pb_size);
	if (sb->sb_n == sb->sb_size && sndbuf_grow(sb) != 0)
		return ENOMEM;
	*st_at(sb, sb->sb_n++) = (struct tcp_stretch){ pb, off, len };
	sb->sb_len += len;
	sb->sb_mem += pb->pb_size;
	sb->sb_tailopen = fillable;
	return 0;
}

void
sndbuf_ack(struct tcp_sndbuf *sb, uint32_t una)
{
	uint32_t n = una - sb->sb_base;

	KASSERT(n <= sb->sb_len);
	sb->sb_base = una;
	sb->sb_len -= n;
	if (sb->sb_len == 0) {
		while (sb->sb_n > 0)
			drop_first(sb);
		sndbuf_rest(sb);
		return;
	}
	while (n > 0) {
		struct tcp_stretch *st = st_at(sb, 0);

		if (n < st->st_len) {
			st->st_off += n;
			st->st_len -= n;
			break;
		}
		n -= st->st_len;
		if (sb->sb_curi == 0)
			sb->sb_curseq += st->st_len;
		drop_first(sb);
	}
	if (sb->sb_curi == 0 || seq_lt(sb->sb_curseq, una)) {
		sb->sb_curi = 0;
		sb->sb_curseq = una;
	}
}

/* Moves the cursor to the stretch that holds seq. */
static void
seek(struct tcp_sndbuf *sb, uint32_t seq)
{
	if (seq_lt(seq, sb->sb_curseq)) {
		sb->sb_curi = 0;
		sb->sb_curseq = sb->sb_base;
	}
	while (seq - sb->sb_curseq >= st_at(sb, sb->sb_curi)->st_len) {
		sb->sb_curseq += st_at(sb, sb->sb_curi)->st_len;
		sb->sb_curi++;
		KASSERT(sb->sb_curi < sb->sb_n);
	}
}

uint32_t
sndbuf_fit(struct tcp_sndbuf *sb, uint32_t seq, uint32_t len, unsigned int nfrags)
{
	uint32_t fit = 0, i;

	if (len <= COPY_MAX)
		return len;
	seek(sb, seq);
	fit = st_at(sb, sb->sb_curi)->st_len - (seq - sb->sb_curseq);
	for (i = sb->sb_curi + 1; fit < len && i < sb->sb_n && nfrags > 1; i++, nfrags--)
		fit += st_at(sb, i)->st_len;
	return fit < len ? fit : len;
}

int
sndbuf_refer(struct tcp_sndbuf *sb, uint32_t seq, uint32_t len, struct packet *p)
{
	bool copy = len <= COPY_MAX && len <= packet_tailroom(p);
	uint32_t off, n, i;

	KASSERT(seq_ge(seq, sb->sb_base) && seq_le(seq + len, sndbuf_end(sb)));
	seek(sb, seq);
	off = seq - sb->sb_curseq;
	for (i = sb->sb_curi; len > 0; i++, off = 0, len -= n) {
		struct tcp_stretch *st = st_at(sb, i);

		n = st->st_len - off < len ? st->st_len - off : len;
		if (copy) {
			memcpy(packet_append(p, n), st->st_pb->pb_data + st->st_off + off, n);
			continue;
		}
		pktbuf_hold(st->st_pb);
		if (packet_addfrag(p, st->st_pb, st->st_off + off, n) != 0) {
			pktbuf_rele(st->st_pb);
			return ENOBUFS;
		}
	}
	return 0;
}

bool
sndbuf_ok(const struct tcp_sndbuf *sb)
{
	uint32_t len = 0, mem = 0;

	for (uint32_t i = 0; i < sb->sb_n; i++) {
		const struct tcp_stretch *st = st_at(sb, i);

		if (st->st_len == 0 || st->st_off + st->st_len > st->st_pb->pb_size)
			return false;
		len += st->st_len;
		mem += st->st_pb->pb_size;
	}
	return len == sb->sb_len && mem == sb->sb_mem;
}
