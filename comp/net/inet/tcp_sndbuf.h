/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_sndbuf.h - what the client wrote and the peer has not acknowledged
 *
 * A queue of stretches of blocks, addressed by sequence number.  Octets are
 * written once: a block that has room left at its end takes more, while
 * packets refer to what is in front of it.
 *
 * Pure but for memory; the owner's lock protects it.
 */

#ifndef TCP_SNDBUF_H
#define TCP_SNDBUF_H

#include <net/packet.h>

#include "tcp_wire.h"

struct tcp_stretch {
	struct pktbuf	*st_pb;		/* one reference */
	uint32_t	 st_off, st_len;
};

#define SNDBUF_INLINE	2

struct tcp_sndbuf {
	struct tcp_stretch *sb_st;	/* ring; sb_inline while that is enough */
	uint32_t	 sb_size;	/* a power of two */
	uint32_t	 sb_head, sb_n;
	uint32_t	 sb_base;	/* sequence number of the first octet */
	uint32_t	 sb_len;	/* octets */
	uint32_t	 sb_mem;	/* sum of the blocks' sizes */
	/* Where the last look-up ended: stretch and the number of its first octet. */
	uint32_t	 sb_curi, sb_curseq;
	bool		 sb_tailopen;	/* the last block's rest is ours to fill */
	struct tcp_stretch sb_inline[SNDBUF_INLINE];
};

void	sndbuf_init(struct tcp_sndbuf *sb, uint32_t base);
void	sndbuf_fini(struct tcp_sndbuf *sb);
static inline uint32_t
sndbuf_end(const struct tcp_sndbuf *sb)
{
	return sb->sb_base + sb->sb_len;
}

/* Octets the last block could take. */
uint32_t sndbuf_tailroom(const struct tcp_sndbuf *sb);
void	sndbuf_fill(struct tcp_sndbuf *sb, const void *data, uint32_t len); /* <= tailroom */
/*
 * Adds a stretch and takes over the reference; fillable: nobody else writes into
 * pb, so that its rest may be used later.  ENOMEM: the caller keeps it.
 */
int	sndbuf_add(struct tcp_sndbuf *sb, struct pktbuf *pb, uint32_t off, uint32_t len,
	    bool fillable);
/* Drops everything before una. */
void	sndbuf_ack(struct tcp_sndbuf *sb, uint32_t una);
/*
 * How many octets from seq on, up to len, fit into a packet with nfrags slots.
 */
uint32_t sndbuf_fit(struct tcp_sndbuf *sb, uint32_t seq, uint32_t len, unsigned int nfrags);
/* Appends [seq, seq + len) to p: by reference, or copied if that is short.  ENOBUFS. */
int	sndbuf_refer(struct tcp_sndbuf *sb, uint32_t seq, uint32_t len, struct packet *p);
bool	sndbuf_ok(const struct tcp_sndbuf *sb);

#endif /* TCP_SNDBUF_H */
