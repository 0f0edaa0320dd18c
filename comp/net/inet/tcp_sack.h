/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_sack.h - the scoreboard: what was sent and what became of it
 *
 * Between SND.UNA and SND.NXT the scoreboard has one entry for each stretch
 * that was sent in one go, in order and without holes.  SYN and FIN count as
 * the octets they are in sequence space.  ACKs take entries off the front, SACK
 * blocks mark them (and split them, at multiples of the MSS only, so that a
 * peer cannot crumble them), loss detection marks what is gone.
 *
 * Pure but for the memory of its array: no lock, no clock.
 */

#ifndef TCP_SACK_H
#define TCP_SACK_H

#include "tcp_wire.h"

#define SE_SACKED	0x01	/* the peer has it */
#define SE_LOST		0x02	/* the first transmission is taken for lost */
#define SE_RTX		0x04	/* a retransmission is under way */
#define SE_EVER		0x08	/* was retransmitted, once at least */

struct tcp_sent {
	uint32_t	 se_seq, se_end;
	int64_t		 se_time;	/* last transmission */
	int64_t		 se_deltime;	/* t_deltime and t_delivered at that time: */
	uint32_t	 se_delivered;	/*   for the delivery rate */
	uint8_t		 se_flags;	/* SE_* */
	uint8_t		 se_rtx;	/* retransmissions, saturates */
};

#define BOARD_INLINE	1

struct tcp_board {
	struct tcp_sent	*bd_ent;	/* ring; bd_inline while that is enough */
	uint32_t	 bd_size;	/* a power of two */
	uint32_t	 bd_head;	/* index of the first */
	uint32_t	 bd_n;
	uint32_t	 bd_hint;	/* nothing to be retransmitted is before it */
	/* Sums of octets. */
	uint32_t	 bd_total;
	uint32_t	 bd_sacked;
	uint32_t	 bd_lost;	/* LOST, not SACKED */
	uint32_t	 bd_rtx;	/* RTX */
	struct tcp_sent	 bd_inline[BOARD_INLINE];
};

/*
 * What an ACK delivered: collected over its cumulative part and its blocks.
 * The first group is filled in by the caller.
 */
struct tcp_delivery {
	int64_t		 dl_now;
	int64_t		 dl_minrtt;
	uint32_t	 dl_tsecr;	/* with dl_hasts */
	uint32_t	 dl_tsoff;	/* of our timestamps: see tcp_ts() */
	uint32_t	 dl_fack;	/* in and out: the highest delivered so far */
	bool		 dl_hasts;

	uint32_t	 dl_acked;	/* octets, newly and for good */
	uint32_t	 dl_sacked;	/* octets, newly SACKed */
	uint32_t	 dl_delivered;	/* octets, newly either way */
	uint32_t	 dl_spurious;	/* ... which were taken for lost, not retransmitted */
	int64_t		 dl_first;	/* sent at: the oldest of the never retransmitted; 0 */
	int64_t		 dl_last;	/* ... and the newest */
	bool		 dl_orig;	/* something never retransmitted was delivered */
	bool		 dl_rtx;	/* something retransmitted was */
	bool		 dl_reordered;	/* an original came after a later one */
	uint32_t	 dl_reordseq;
	int64_t		 dl_racktime;	/* RACK: the one sent last among them; 0: none */
	uint32_t	 dl_rackend;
	int64_t		 dl_rackrtt;
	int64_t		 dl_rtxrtt;	/* of a retransmission that the timestamp names; 0 */
	uint32_t	 dl_ratedel;	/* rate sample: of the entry sent last */
	int64_t		 dl_ratetime;
};

/* Our timestamp clock: milliseconds, from an offset of the connection's own. */
static inline uint32_t
tcp_ts(int64_t now, uint32_t off)
{
	return (uint32_t)(now / 1000000) + off;
}

void	board_init(struct tcp_board *b);
void	board_fini(struct tcp_board *b);
/* A new stretch at the end.  ENOMEM only if there is no entry at all to add it to. */
int	board_push(struct tcp_board *b, uint32_t seq, uint32_t end, int64_t now,
	    uint32_t delivered, int64_t deltime);
/* Everything before una has arrived. */
void	board_ack(struct tcp_board *b, uint32_t una, struct tcp_delivery *d);
/* One SACK block; it lies within what was sent. */
void	board_sack(struct tcp_board *b, struct sackblk blk, uint32_t mss,
	    struct tcp_delivery *d);
/* Entry i, its retransmission if there was one, is taken for lost. */
void	board_lost(struct tcp_board *b, uint32_t i);
/* Entry i goes out again, or its first part of max octets: cut there first. */
void	board_cut(struct tcp_board *b, uint32_t i, uint32_t max);
void	board_resent(struct tcp_board *b, uint32_t i, int64_t now, uint32_t delivered,
	    int64_t deltime);
/* The first entry that waits for its retransmission; false: none. */
bool	board_next(struct tcp_board *b, uint32_t *ret_i);
void	board_lose_all(struct tcp_board *b);	/* RTO: all that was not SACKed */
void	board_unlose(struct tcp_board *b);	/* that was wrong */
void	board_renege(struct tcp_board *b);	/* SACK marks mean nothing (RFC 2018 section 8) */
/* Index of the entry that covers seq; bd_n if none. */
uint32_t board_find(const struct tcp_board *b, uint32_t seq);
bool	board_ok(const struct tcp_board *b);	/* the invariants above */

static inline struct tcp_sent *
board_at(const struct tcp_board *b, uint32_t i)
{
	return &b->bd_ent[(b->bd_head + i) & (b->bd_size - 1)];
}

/* Octets in the network as far as we know: RFC 6675's pipe. */
static inline uint32_t
board_pipe(const struct tcp_board *b)
{
	return b->bd_total - b->bd_sacked - b->bd_lost + b->bd_rtx;
}

#endif /* TCP_SACK_H */
