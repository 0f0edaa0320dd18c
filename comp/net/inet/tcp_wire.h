/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_wire.h - the TCP header and its options, as values
 *
 * Pure: no lock, no allocation, no clock.  RFC 9293 section 3.1 for the header,
 * 7323 for window scale and timestamps, 2018 for SACK, 7413 for the fast
 * open cookie (and 6994 with the magic 0xF989 for its experimental form).
 */

#ifndef TCP_WIRE_H
#define TCP_WIRE_H

#include <sys/types.h>

/* Sequence numbers live on a circle (RFC 9293 section 3.4). */
static inline bool seq_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool seq_le(uint32_t a, uint32_t b) { return (int32_t)(a - b) <= 0; }
static inline bool seq_gt(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }
static inline bool seq_ge(uint32_t a, uint32_t b) { return (int32_t)(a - b) >= 0; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_gt(a, b) ? a : b; }
static inline uint32_t seq_min(uint32_t a, uint32_t b) { return seq_lt(a, b) ? a : b; }

#define TH_FIN	0x01
#define TH_SYN	0x02
#define TH_RST	0x04
#define TH_PSH	0x08
#define TH_ACK	0x10
#define TH_URG	0x20
#define TH_ECE	0x40
#define TH_CWR	0x80

#define TCP_HDRLEN	20
#define TCP_MAXHDR	60
#define TCP_MAXSACK	4
#define TCP_MAXWSCALE	14
#define TCP_COOKIE_MIN	4
#define TCP_COOKIE_MAX	16

struct sackblk {
	uint32_t	 sb_start, sb_end;	/* end is one beyond */
};

#define TO_MSS		0x01
#define TO_WSCALE	0x02
#define TO_SACKOK	0x04
#define TO_TIMESTAMP	0x08
#define TO_SACK		0x10
#define TO_FASTOPEN	0x20		/* a cookie, or the request for one: length 0 */
#define TO_FASTOPENEXP	0x40		/* ... in the experimental form */

/* A segment's header: what a parser found or a builder is to write. */
struct tcpseg {
	uint32_t	 ts_seq, ts_ack;
	uint16_t	 ts_sport, ts_dport;	/* host order */
	uint16_t	 ts_wnd;	/* as on the wire: not scaled */
	uint16_t	 ts_urp;
	uint8_t		 ts_flags;	/* TH_* */
	uint8_t		 ts_hdrlen;	/* with options; built: set by the builder */
	uint8_t		 ts_opts;	/* TO_* */
	uint8_t		 ts_nsack;
	uint16_t	 ts_mss;
	uint8_t		 ts_wscale;
	uint8_t		 ts_cookielen;
	uint32_t	 ts_len;	/* of the text, without SYN and FIN */
	uint32_t	 ts_tsval, ts_tsecr;
	struct sackblk	 ts_sack[TCP_MAXSACK];
	uint8_t		 ts_cookie[TCP_COOKIE_MAX];
};

/* What a segment occupies of the sequence space: SEG.LEN of the RFC. */
static inline uint32_t
tcpseg_space(const struct tcpseg *ts)
{
	return ts->ts_len + ((ts->ts_flags & TH_SYN) != 0) +
	    ((ts->ts_flags & TH_FIN) != 0);
}

/*
 * Reads the fixed header; ts_hdrlen tells how much more must be there for the
 * options.  ts_len is left to the caller.  EINVAL: shorter than it says.
 */
int	tcp_wire_header(const uint8_t *p, size_t len, struct tcpseg *ts);
/* Reads the options of a header of ts_hdrlen bytes.  Bad ones end the list. */
void	tcp_wire_options(const uint8_t *p, struct tcpseg *ts);

/* How long the header with these options is: a multiple of 4. */
unsigned int tcp_wire_length(const struct tcpseg *ts);
/* Writes header and options, tcp_wire_length() bytes, checksum 0. */
void	tcp_wire_build(uint8_t *p, struct tcpseg *ts);

#endif /* TCP_WIRE_H */
