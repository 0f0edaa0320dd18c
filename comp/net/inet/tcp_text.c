/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_text.c - a segment's text, its FIN and its urgent pointer
 *
 * Text in order goes to the end of the receive queue as the packet that it
 * came in; text out of order waits in t_reass and is reported in SACK blocks, the
 * latest first (RFC 2018 section 4), what came twice in a DSACK (RFC 2883).
 *
 * When to acknowledge (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2): at once if
 * something is out of order, fills a hole or is the second full segment; else
 * after 40 ms, in the hope that the application answers meanwhile.  A young
 * connection's sender is in slow start and gets all its ACKs at once.
 *
 * Packets may lie in memory of somebody else, such as a bus; what will wait here
 * for long is copied into our own (packet_own()).
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define DELACK_TIME	(NSEC_PER_SEC / 25)	/* RFC 9293: under 0.5 s */
#define LONG_QUEUE	(256 * 1024)		/* octets: the reader is not coming soon */
#define SMALL_TEXT	128			/* octets: worth joining with others */

/* --- SACK blocks to report ------------------------------------------------------ */

/* blk is news: it goes to the front, what it covers or touches goes. */
static void
report_block(struct tcpcb *tp, struct sackblk blk)
{
	unsigned int n = 0;
	struct sackblk keep[TCP_MAXSACK];

	for (unsigned int i = 0; i < tp->t_nsackblk; i++) {
		const struct sackblk *b = &tp->t_sackblk[i];

		if ((seq_lt(b->sb_end, blk.sb_start) || seq_gt(b->sb_start, blk.sb_end)) &&
		    n < TCP_MAXSACK - 1)
			keep[n++] = *b;
	}
	tp->t_sackblk[0] = blk;
	for (unsigned int i = 0; i < n; i++)
		tp->t_sackblk[i + 1] = keep[i];
	tp->t_nsackblk = (uint8_t)(n + 1);
}

/* RCV.NXT moved: what is before it need not be said any more. */
static void
report_trim(struct tcpcb *tp)
{
	unsigned int n = 0;

	if (reass_empty(&tp->t_reass)) {
		tp->t_nsackblk = 0;
		return;
	}
	for (unsigned int i = 0; i < tp->t_nsackblk; i++) {
		if (seq_gt(tp->t_sackblk[i].sb_start, tp->t_rnxt))
			tp->t_sackblk[n++] = tp->t_sackblk[i];
	}
	tp->t_nsackblk = (uint8_t)n;
}

void
tcp_adddsack(struct tcpcb *tp, uint32_t start, uint32_t end)
{
	if ((tp->t_flags & TF_SACK) != 0 && seq_lt(start, end) &&
	    netvar_get(tp->t_ns->tn_ns, &tcpvar_dsack) != 0)
		tp->t_dsack = (struct sackblk){ start, end };
}

/* --- room -------------------------------------------------------------------------- */

/* May this packet come in?  What is out of order gives way (RFC 2018 section 8). */
static bool
room_for(struct tcpcb *tp, const struct packet *p, bool inorder)
{
	const struct sockbuf *sb = &tcp_so(tp)->so_rcv;

	while (sb->sb_mem + tp->t_reass.re_mem + p->p_truesize > sb->sb_hiwat +
	    sb->sb_hiwat / 2) {
		if (!inorder || reass_empty(&tp->t_reass))
			return inorder && sb->sb_mem < sb->sb_hiwat;
		(void)reass_prune(&tp->t_reass);
		tp->t_nsackblk = 0;
		tcp_count(TCPSTAT_OFOPRUNED);
	}
	return true;
}

/* Few octets join the packet before them, so that small writes do not fill memory. */
static bool
join_small(struct sockbuf *sb, const struct packet *p)
{
	struct packet *tail = sb->sb_q.pq_tail;
	uint8_t small[SMALL_TEXT];
	uint32_t before;
	void *to;

	if (p->p_len > SMALL_TEXT || sb->sb_q.pq_head == NULL)
		return false;
	if (tail->p_nfrags == 0 && packet_tailroom(tail) >= p->p_len) {
		to = packet_append(tail, p->p_len);
		packet_copyout(p, 0, to, p->p_len);
		return true;
	}
	if (sb->sb_mem < sb->sb_hiwat / 4 || tail->p_len > 16384)
		return false;
	before = tail->p_truesize;
	packet_copyout(p, 0, small, p->p_len);
	if (packet_appendcopy(tail, small, p->p_len, KM_NOSLEEP) != 0)
		return false;
	sb->sb_mem += tail->p_truesize - before;
	return true;
}

static void
queue_text(struct tcpcb *tp, struct packet *p)
{
	struct sockbuf *sb = &tcp_so(tp)->so_rcv;

	sb->sb_cc += p->p_len;
	if (join_small(sb, p)) {
		packet_free(p);
		return;
	}
	if (sb->sb_cc > LONG_QUEUE && sb->sb_waiters == 0 && (tp->t_flags & TF_RDBUSY) == 0)
		(void)packet_own(p, KM_NOSLEEP);
	sb->sb_mem += p->p_truesize;
	packetq_put(&sb->sb_q, p);
}

/* --- step seven ---------------------------------------------------------------------- */

static void
measure_mss(struct tcpcb *tp, const struct packet *p)
{
	uint32_t len = p->p_gso != PKT_GSO_NONE && p->p_gso_size != 0 ? p->p_gso_size : p->p_len;

	if (len > tp->t_rcvmss)
		tp->t_rcvmss = len < tp->t_advmss ? len : tp->t_advmss;
}

static void
decide_ack(struct tcpcb *tp, int64_t now)
{
	uint32_t owed = tp->t_rnxt - tp->t_lastack;

	if (owed >= 2 * tp->t_rcvmss || owed >= tcp_so(tp)->so_rcv.sb_hiwat / 4 ||
	    (tp->t_quickacks > 0 && (tp->t_flags & TF_PINGPONG) == 0)) {
		tp->t_flags |= TF_ACKNOW;
		return;
	}
	if ((tp->t_flags & TF_DELACK) == 0) {
		tp->t_flags |= TF_DELACK;
		tcp_timer_set(tp, TT_DELACK, now + DELACK_TIME);
	}
}

/* The urgent octet, if this text has it, is kept aside (RFC 6093 section 2). */
static void
pick_urgent(struct tcpcb *tp, const struct packet *p, uint32_t seq)
{
	uint32_t off = tp->t_rcvup - seq;

	if ((tp->t_flags & (TF_URGRCVD | TF_URGVALID)) != TF_URGRCVD || off >= p->p_len)
		return;
	packet_copyout(p, off, &tp->t_urgbyte, 1);
	tp->t_flags |= TF_URGVALID;
	socket_wake(tcp_so(tp), POLLPRI);
}

static void
text_inorder(struct tcpcb *tp, struct packet *p, int64_t now)
{
	struct socket *so = tcp_so(tp);
	struct packetq q = PACKETQ_INITIALIZER;
	bool holes = !reass_empty(&tp->t_reass);

	measure_mss(tp, p);
	packetq_put(&q, p);
	tp->t_rnxt += p->p_len;
	if (holes) {
		tp->t_rnxt += reass_get(&tp->t_reass, tp->t_rnxt, &q);
		report_trim(tp);
		tp->t_flags |= TF_ACKNOW;	/* RFC 5681: a hole is filled, or a part of it */
	}
	while ((p = packetq_get(&q)) != NULL)
		queue_text(tp, p);
	tcp_rcvtune(tp, now);
	if (!holes)
		decide_ack(tp, now);
	if (so->so_rcv.sb_cc >= so->so_rcv.sb_lowat)
		socket_wake(so, POLLIN | POLLRDNORM);
}

static void
text_outoforder(struct tcpcb *tp, struct packet *p, uint32_t seq)
{
	struct sackblk dup, blk;

	tp->t_ooopack++;
	tcp_count(TCPSTAT_OFOQUEUE);
	tp->t_flags |= TF_ACKNOW;
	(void)packet_own(p, KM_NOSLEEP);
	if (reass_put(&tp->t_reass, seq, p, &dup, &blk) != 0)
		return;
	KASSERT(reass_ok(&tp->t_reass));
	tcp_adddsack(tp, dup.sb_start, dup.sb_end);
	if ((tp->t_flags & TF_SACK) != 0)
		report_block(tp, blk);
}

/* p holds the text from ts_seq on, cut to the window. */
void
tcp_text(struct tcpcb *tp, const struct tcpseg *ts, struct packet *p, int64_t now)
{
	bool inorder = ts->ts_seq == tp->t_rnxt;

	KASSERT(p->p_len == ts->ts_len && p->p_len > 0);
	tp->t_datain++;
	tp->t_bytesrcvd += p->p_len;
	tp->t_lastdata = now;
	if (!room_for(tp, p, inorder)) {
		tp->t_rcvfull = true;
		tp->t_flags |= TF_ACKNOW;
		tcp_count(TCPSTAT_RCVCOLLAPSED);
		packet_free(p);
		return;
	}
	pick_urgent(tp, p, ts->ts_seq);
	if (inorder)
		text_inorder(tp, p, now);
	else
		text_outoforder(tp, p, ts->ts_seq);
}

/* --- step six: URG -------------------------------------------------------------------- */

void
tcp_urgent(struct tcpcb *tp, const struct tcpseg *ts)
{
	uint32_t up;

	if ((ts->ts_flags & TH_URG) == 0 || ts->ts_urp == 0)
		return;
	/* The octet before what it points at, as everybody has it (RFC 6093 section 3.1). */
	up = ts->ts_seq + ts->ts_urp - 1;
	if (seq_lt(up, tp->t_copied) ||
	    ((tp->t_flags & TF_URGRCVD) != 0 && seq_le(up, tp->t_rcvup)))
		return;
	tp->t_flags = (tp->t_flags | TF_URGRCVD) & ~TF_URGVALID;
	tp->t_rcvup = up;
	socket_wake(tcp_so(tp), POLLPRI | POLLSRC_URGENT);
}

/* --- step eight: FIN --------------------------------------------------------------------- */

/* All of the peer's text has come, and this is the end of it. */
void
tcp_fin(struct tcpcb *tp, int64_t now)
{
	struct socket *so = tcp_so(tp);

	tp->t_rnxt++;
	tp->t_flags |= TF_ACKNOW;
	switch (tp->t_state) {
	case TCPS_SYN_RECEIVED:
	case TCPS_ESTABLISHED:
		tcp_setstate(tp, TCPS_CLOSE_WAIT);
		break;
	case TCPS_FIN_WAIT_1:
		/* Its ACK of our FIN would have been seen in step five. */
		tcp_setstate(tp, TCPS_CLOSING);
		break;
	case TCPS_FIN_WAIT_2:
		tcp_sendack(tp, now);
		socket_cantrcvmore(so);
		tcp_timewait(tp, now);
		return;
	default:
		return;
	}
	socket_cantrcvmore(so);
}
