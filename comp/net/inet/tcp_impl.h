/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_impl.h - what the files of TCP share
 *
 * The way of a segment, file by file; RFC 9293 unless said otherwise:
 *
 *	tcp_input.c	a segment arrives (section 3.10.7), a function a step
 *	tcp_ack.c	step five, its ACK: delivery, round trips, windows
 *	tcp_recovery.c	what to do about losses: PRR, undo, F-RTO, ECN
 *	tcp_text.c	step seven and eight, its text and FIN: in order, out of order, SACK blocks
 *	tcp_listen.c	listeners, and what a SYN gets
 *	tcp_syn.c	requests: what was answered and is not complete
 *	tcp_child.c	a handshake is complete: the socket
 *	tcp_timewait.c	what is left of a connection for a minute
 *	tcp_mini.c	the table of both, a name space each
 *	tcp_synsent.c	a segment for who has sent a SYN
 *	tcp_challenge.c	answers to what should not have come
 *	tcp_output.c	what to send; tcp_build.c: building it
 *	tcp_respond.c	answers for which there is no connection
 *	tcp_timer.c	one callout a connection, and what it finds due
 *	tcp_fastopen.c	data in SYNs (RFC 7413)
 *	tcp_pmtu.c	what ICMP says; tcp_plp.c: what sizes that are tried say
 *	tcp_socket.c	the socket's calls; tcp_connect.c: the first of them;
 *			tcp_send.c, tcp_recv.c: moving data;
 *			tcp_sockopt.c: options
 *	tcp_wire.c tcp_sack.c tcp_rack.c tcp_rtt.c tcp_cc.c tcp_cubic.c
 *	tcp_newreno.c tcp_reass.c tcp_sndbuf.c tcp_hash.c
 *			pure parts: each has a header of its own
 *
 * A connection is a struct tcpcb, which begins with its inpcb.  so_lock of its
 * socket protects all of it.  Under the lock segments are built and put into
 * t_outq; tcp_unlock() drops the lock and hands them to IP.  One thread does that
 * at a time (TF_OUTBUSY), so that they leave in order, and may find itself in
 * tcp_input() for the answer.  No lock is held meanwhile.
 *
 * References: the file has one to the socket, the connection itself one while
 * it is in the table of connections (TF_LINKED), its callout one while it is
 * armed and another while its function runs.
 *
 * Lock order: so_lock of a listener -> so_lock of its child -> tn_lock
 */

#ifndef TCP_IMPL_H
#define TCP_IMPL_H

#include <net/inet.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "tcp_cc.h"
#include "tcp_ns.h"
#include "tcp_rack.h"
#include "tcp_reass.h"
#include "tcp_rtt.h"
#include "tcp_sack.h"
#include "tcp_sndbuf.h"
#include "tcp_vars.h"
#include "tcp_wire.h"

struct sockdiag;
struct sockdiag_mini;
struct tcp_info;

/* States by Linux's numbers, as struct tcp_info and sock_diag show them. */
enum tcp_state {
	TCPS_ESTABLISHED = 1, TCPS_SYN_SENT, TCPS_SYN_RECEIVED, TCPS_FIN_WAIT_1,
	TCPS_FIN_WAIT_2, TCPS_TIME_WAIT, TCPS_CLOSED, TCPS_CLOSE_WAIT, TCPS_LAST_ACK,
	TCPS_LISTEN, TCPS_CLOSING, TCPS_NSTATES,
};

/* What loss recovery is doing; tcpi_ca_state. */
enum tcp_castate { TCA_OPEN, TCA_DISORDER, TCA_CWR, TCA_RECOVERY, TCA_LOSS };

enum tcp_timer {
	TT_TLP,			/* tail loss probe (RFC 8985 section 7); puts TT_RTO off */
	TT_RTO,			/* retransmission (RFC 6298) */
	TT_REORDER,		/* RACK waits for a reordered segment */
	TT_PERSIST,		/* the peer's window is zero */
	TT_DELACK,
	TT_KEEP,		/* keep-alive; in SYN_RECEIVED, FIN_WAIT_2: how long */
	TT_CORK,		/* held back by TCP_CORK, but not for ever */
	TT_N,
};

/* t_flags */
enum {
	TF_LINKED	= 0x00000001,	/* in the table; a reference is held for it */
	TF_OUTBUSY	= 0x00000002,	/* a thread hands t_outq to IP */
	TF_ACKNOW	= 0x00000008,	/* an ACK is due at once */
	TF_DELACK	= 0x00000010,	/* ... or a little later */
	TF_TIMESTAMPS	= 0x00000020,	/* agreed upon (RFC 7323) */
	TF_SACK		= 0x00000040,	/* agreed upon (RFC 2018) */
	TF_WSCALE	= 0x00000080,
	TF_ECN		= 0x00000100,	/* agreed upon (RFC 3168) */
	TF_ECE		= 0x00000200,	/* CE was seen: say so until CWR comes */
	TF_CWR		= 0x00000400,	/* the next new data carries CWR */
	TF_FINQ		= 0x00000800,	/* FIN follows the last octet */
	TF_FINSENT	= 0x00001000,
	TF_NODELAY	= 0x00002000,	/* TCP_NODELAY */
	TF_CORK		= 0x00004000,	/* TCP_CORK */
	TF_MORE		= 0x00008000,	/* the last write said MSG_MORE */
	TF_URGSEND	= 0x00010000,	/* t_sndup is ahead of what was acknowledged */
	TF_URGRCVD	= 0x00020000,	/* t_rcvup is valid: the octet is not read yet */
	TF_URGVALID	= 0x00040000,	/* t_urgbyte holds it */
	TF_TSRECENT	= 0x00080000,	/* t_tsrecent is valid */
	TF_UNDO		= 0x00100000,	/* t_undo* are valid */
	TF_WAKEW	= 0x00200000,	/* a writer may go on: see tcp_wakewriters() */
	TF_TLPPENDING	= 0x00400000,	/* a probe is out: t_tlpend */
	TF_TLPRTX	= 0x00800000,	/* ... and was a retransmission */
	TF_REQUEST	= 0x01000000,	/* child of a fast open: not accepted by the peer yet */
	TF_RDBUSY	= 0x02000000,	/* a reader has the receive queue */
	TF_FORCE	= 0x04000000,	/* one segment, whatever cwnd, Nagle and cork say */
	TF_PINGPONG	= 0x08000000,	/* the application answers: ACKs can ride */
	TF_SYNDATAACKED	= 0x10000000,	/* fast open worked */
	TF_DEFERCONN	= 0x20000000,	/* TCP_FASTOPEN_CONNECT: the SYN waits for data */
	TF_APPLIMITED	= 0x40000000,	/* rate sample: the application had no more */
	TF_OUTPUT	= 0x80000000u,	/* call tcp_output() before the lock is dropped */
};

struct tcplisten;
struct tcpns;
struct tcp_plp;

/* All under so_lock, unless c: constant since creation. */
struct tcpcb {
	struct inpcb	 t_inp;		/* first; so_pcb points here */
	const struct inet_af *t_af;	/* once addresses are known */
	struct tcpns	*t_ns;		/* c */
	uint32_t	 t_flags;	/* TF_* */
	uint8_t		 t_state;	/* enum tcp_state: by tcp_setstate() */
	uint8_t		 t_castate;	/* enum tcp_castate */
	uint8_t		 t_sndscale, t_rcvscale;
	uint8_t		 t_backoff;	/* timeouts in a row: of TT_RTO, TT_PERSIST */
	uint8_t		 t_probes;	/* unanswered probes of window or keep-alive */
	uint8_t		 t_dupacks;
	uint8_t		 t_quickacks;	/* ACK so many segments at once */

	/* The send sequence space (section 3.3.1). */
	uint32_t	 t_iss, t_una, t_nxt, t_wnd, t_wl1, t_wl2;
	uint32_t	 t_maxwnd;	/* largest window the peer offered */
	uint32_t	 t_sndup;	/* one beyond the urgent octet */
	/* The receive sequence space. */
	uint32_t	 t_irs, t_rnxt, t_radv;	/* t_radv: right edge that was offered */
	uint32_t	 t_rcvup;
	uint32_t	 t_lastack;	/* RCV.NXT as last sent */
	uint32_t	 t_copied;	/* what the application has read up to */

	uint32_t	 t_mss;		/* text of a full segment, options taken off */
	uint32_t	 t_pmtu;	/* that t_mss was made for */
	uint16_t	 t_peermss;	/* the MSS option we got, or 536 */
	uint16_t	 t_usermss;	/* TCP_MAXSEG; 0 */
	uint16_t	 t_advmss;	/* the MSS option we sent */
	uint16_t	 t_mtucap;	/* the largest MTU that is known to work; 0: t_pmtu does */
	uint32_t	 t_rcvmss;	/* what full segments of the peer look like */

	/* RFC 7323 */
	uint32_t	 t_tsoff, t_tsrecent;
	int64_t		 t_tsrecentat;

	struct tcp_rtt	 t_rtt;
	struct tcp_cc	 t_cc;
	struct tcp_board t_board;
	struct tcp_rack	 t_rack;
	struct tcp_sndbuf t_snd;
	struct tcp_reass t_reass;
	struct sackblk	 t_sackblk[TCP_MAXSACK];	/* to report, the latest first */
	struct sackblk	 t_dsack;	/* to report once; empty: none */
	uint8_t		 t_nsackblk;
	uint8_t		 t_urgbyte;
	uint8_t		 t_frto;	/* RFC 5682: steps 1 and 2 of watching; 0: not */
	uint8_t		 t_retries;	/* timeouts of the SYN or SYN-ACK */
	bool		 t_rcvfull;	/* the receive buffer was too small once */

	/* Recovery. */
	uint32_t	 t_recover;	/* SND.NXT when it began */
	uint32_t	 t_prrdel, t_prrout;	/* RFC 6937: prr_delivered, prr_out */
	uint32_t	 t_recoverfs;	/* ... RecoverFS */
	uint32_t	 t_undocwnd, t_undossthresh;
	uint32_t	 t_undortx;	/* octets retransmitted and not proven needless */
	uint32_t	 t_undots;	/* timestamp of the first retransmission */
	uint32_t	 t_reno;	/* without SACK: octets that dup ACKs speak for */
	uint32_t	 t_tlpend;
	uint32_t	 t_limited;	/* SND.NXT when cwnd kept us from sending */
	uint32_t	 t_small;	/* end of the last segment that was not full (Minshall) */
	struct tcp_plp	*t_plp;		/* segments of other sizes are tried; NULL: not */

	/* Time. */
	struct callout	 t_callout;
	int64_t		 t_timerat;	/* when it fires; KTIME_NEVER */
	int64_t		 t_deadline[TT_N];	/* KTIME_NEVER: not set */
	int64_t		 t_lastsent;	/* data */
	int64_t		 t_lastrcvd;	/* anything */
	int64_t		 t_lastdata;	/* data received */
	int64_t		 t_oowat;	/* last answer to something unacceptable */
	int64_t		 t_stalled;	/* since when nothing is acknowledged; 0 */

	/* Receive autotuning: see tcp_rcvbuf.c. */
	int64_t		 t_drsat, t_rcvrtt, t_drsrttat;
	uint32_t	 t_drsseq, t_drsspace, t_drsrttseq;

	struct packetq	 t_outq;	/* built, not handed to IP yet */
	struct qsbr_head t_qsbr;	/* look-ups may still read it */

	/* Options. */
	uint16_t	 t_keepidle, t_keepintvl;	/* s; 0: the default */
	uint8_t		 t_keepcnt, t_syncnt, t_ttl;
	uint8_t		 t_defer;	/* TCP_DEFER_ACCEPT, as Linux rounds it: retries */
	uint32_t	 t_usertimeout;	/* ms */
	uint32_t	 t_notsentlow;
	uint32_t	 t_clamp;	/* TCP_WINDOW_CLAMP */
	int32_t		 t_linger2;	/* s: FIN_WAIT_2; 0: the default, -1: not at all */
	uint16_t	 t_tfoqlen;	/* TCP_FASTOPEN of a listener */
	bool		 t_inq;		/* TCP_INQ */
	bool		 t_connecting;	/* connect(2) has not told of the success yet */
	bool		 t_fastopen_nocookie;
	bool		 t_savesyn;	/* TCP_SAVE_SYN: of a listener */
	uint16_t	 t_savedlen;	/* of t_savedsyn */
	struct tcplisten *t_listen;	/* of a listener */
	struct socket	*t_listener;	/* of a fast open child: counted there */
	struct tcpseg	*t_tfo;		/* cookie for the SYN, while it is needed */
	uint8_t		*t_savedsyn;	/* TCP_SAVE_SYN */

	/* For struct tcp_info. */
	uint64_t	 t_bytesacked, t_bytesrcvd, t_bytessent, t_bytesrtx;
	uint32_t	 t_segsin, t_segsout, t_datain, t_dataout, t_totalrtx;
	uint32_t	 t_delivered, t_deliveredce, t_dsackdups, t_ooopack;
	uint32_t	 t_ecnseq;	/* SND.NXT when ECE was obeyed: it fills a gap here */
	int64_t		 t_deltime;
	uint64_t	 t_rate;	/* octets a second */
};

static inline struct tcpcb *
tcpcb_of(const struct socket *so)
{
	return so->so_pcb;
}
static inline struct socket *
tcp_so(const struct tcpcb *tp)
{
	return tp->t_inp.inp_so;
}
static inline bool
tcp_synchronized(const struct tcpcb *tp)
{
	return tp->t_state != TCPS_CLOSED && tp->t_state != TCPS_LISTEN &&
	    tp->t_state != TCPS_SYN_SENT && tp->t_state != TCPS_SYN_RECEIVED;
}
/* May the client still add data? */
static inline bool
tcp_cansend(const struct tcpcb *tp)
{
	return tp->t_state == TCPS_ESTABLISHED || tp->t_state == TCPS_CLOSE_WAIT;
}
/* What is in the network, by what we know: RFC 6675's pipe. */
static inline uint32_t
tcp_pipe(const struct tcpcb *tp)
{
	uint32_t pipe = board_pipe(&tp->t_board);

	return pipe > tp->t_reno ? pipe - tp->t_reno : 0;
}

/* A batch of segments on its way in. */
struct tcp_rx {
	struct netns	*rx_ns;
	struct tcpns	*rx_tn;
	int64_t		 rx_now;
	struct tcpcb	*rx_tp;		/* locked and referenced; NULL */
	uint32_t	 rx_iss;	/* with rx_hasiss: where a successor starts */
	bool		 rx_hasiss;
};

/* --- the functions, by file ------------------------------------------------------ */

/* tcp_hash.c */
uint64_t siphash(const uint64_t key[2], const void *data, size_t len);

/* tcp_cb.c: a connection's life */
extern struct pool tcp_pool;
int	tcp_attach(struct socket *so, int protocol);
void	tcp_free(struct socket *so);
void	tcp_setstate(struct tcpcb *tp, enum tcp_state state);
void	tcp_link(struct tcpcb *tp);		/* it is in the table now */
/* It is over: out of the table, timers stopped, sleepers told.  error: for the client. */
void	tcp_done(struct tcpcb *tp, int error);
/* The same with a RST to the peer if it knows us. */
void	tcp_abort(struct tcpcb *tp, int error, int64_t now);
/* What both ends of a handshake do once the peer's SYN is known. */
void	tcp_negotiate(struct tcpcb *tp, const struct tcpseg *ts, int64_t now);
void	tcp_established(struct tcpcb *tp, int64_t now);
uint32_t tcp_tuplehash(const struct tcpns *tn, const struct inaddr *laddr,
	    const struct inaddr *faddr, uint16_t lport, uint16_t fport, uint32_t what);
#define TUPLE_ISS	1
#define TUPLE_TSOFF	2
void	tcp_setup(struct tcpcb *tp);	/* addresses are known: family, offsets, MSS */
/* Drops so_lock; what was built leaves. */
void	tcp_unlock(struct tcpcb *tp);
/* The same for who has a reference of his own to the socket. */
void	tcp_unlock_held(struct tcpcb *tp);

/* tcp_diag.c */
void	tcp_diag(struct socket *so, struct sockdiag *ret_sd);
int	tcp_destroy(struct socket *so, int error);
int	tcp_minis(struct netns *ns, int family, int (*fn)(const struct sockdiag_mini *, void *),
	    void *arg);

/* tcp_input.c */
void	tcp_input(struct netns *ns, struct packetq *q);
/* One segment for a locked connection; p at its text.  Consumes p. */
void	tcp_segment(struct tcpcb *tp, struct tcpseg *ts, struct packet *p, int64_t now);
void	tcp_connreset(struct tcpcb *tp);	/* a RST that is believed */
/* Cuts off what the window does not take. */
void	tcp_trim(struct tcpcb *tp, struct tcpseg *ts, struct packet *p);

/* tcp_synsent.c */
void	tcp_synsent(struct tcpcb *tp, struct tcpseg *ts, struct packet *p, int64_t now);

/* tcp_challenge.c */
void	tcp_challenge(struct tcpcb *tp, int64_t now);
bool	tcp_oow_allowed(int64_t *at, int64_t now);

/* tcp_ack.c */
/* False: the ACK was not acceptable, the segment is to be dropped. */
bool	tcp_ack(struct tcpcb *tp, const struct tcpseg *ts, uint8_t tos, int64_t now);
void	tcp_newwindow(struct tcpcb *tp, const struct tcpseg *ts);
bool	tcp_finacked(const struct tcpcb *tp);

/* tcp_recovery.c */
struct tcp_ackev {		/* what an ACK was about */
	uint32_t	 ev_acked;	/* octets it moved SND.UNA */
	uint32_t	 ev_una0;	/* SND.UNA before */
	bool		 ev_dup;	/* a duplicate ACK by RFC 5681 section 2 */
	bool		 ev_dsack;
	bool		 ev_ece;
	uint32_t	 ev_tsecr;
	bool		 ev_hasts;
	int64_t		 ev_rtt;
};
void	tcp_recover(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d,
	    int64_t now);
void	tcp_enterloss(struct tcpcb *tp, int64_t now);
void	tcp_detect(struct tcpcb *tp, int64_t now);	/* RACK looks at the board */
void	tcp_rtxnote(struct tcpcb *tp, uint32_t len, int64_t now);

/* tcp_text.c */
/* Consumes p. */
void	tcp_text(struct tcpcb *tp, const struct tcpseg *ts, struct packet *p, int64_t now);
void	tcp_urgent(struct tcpcb *tp, const struct tcpseg *ts);
void	tcp_fin(struct tcpcb *tp, int64_t now);
void	tcp_adddsack(struct tcpcb *tp, uint32_t start, uint32_t end);

/* tcp_rcvbuf.c */
uint32_t tcp_rcvspace(const struct tcpcb *tp);	/* octets the buffer takes */
uint32_t tcp_rcvwindow(struct tcpcb *tp);	/* to be offered now */
uint8_t	tcp_rcvscale(const struct socket *so);
void	tcp_rcvread(struct tcpcb *tp, int64_t now);	/* the application has read */
void	tcp_rcvtune(struct tcpcb *tp, int64_t now);	/* text has come */

/* tcp_build.c: into t_outq */
int	tcp_sendsyn(struct tcpcb *tp, int64_t now);
void	tcp_sendack(struct tcpcb *tp, int64_t now);
void	tcp_sendrst(struct tcpcb *tp, uint32_t seq, int64_t now);
void	tcp_sendprobe(struct tcpcb *tp, bool urgent, int64_t now);
/* [seq, seq + len) with or without FIN behind it, first time or again.  ENOMEM, ENOBUFS. */
int	tcp_sendtext(struct tcpcb *tp, uint32_t seq, uint32_t len, bool fin, bool rtx, int64_t now);

/* tcp_output.c */
void	tcp_output(struct tcpcb *tp, int64_t now);
bool	tcp_retransmit(struct tcpcb *tp, uint32_t i, int64_t now);
int	tcp_sendtlp(struct tcpcb *tp, int64_t now);
void	tcp_setmss(struct tcpcb *tp, uint32_t mtu);
uint32_t tcp_mtumss(const struct tcpcb *tp, uint32_t mtu);	/* text of a packet so large */
uint16_t tcp_advmss(const struct inet_af *af, const struct rtdst *rd, uint16_t usermss);

/* tcp_respond.c */
struct tcp_answer {		/* a segment without text, outside a connection */
	struct netns	*ta_ns;
	const struct inet_af *ta_af;
	struct inaddr	 ta_laddr, ta_faddr;
	uint32_t	 ta_scope;
	uint32_t	 ta_mark;
	uint8_t		 ta_tos;
	uint16_t	 ta_usermss;	/* bound of the MSS option, if there is one; 0 */
	struct tcpseg	 ta_seg;
};
void	tcp_answer_send(struct tcp_answer *ta);
void	tcp_answer_reset(struct netns *ns, const struct packet *p, const struct tcpseg *ts);

/* tcp_timer.c */
void	tcp_timer_init(struct tcpcb *tp);
void	tcp_timer_set(struct tcpcb *tp, enum tcp_timer which, int64_t deadline);
static inline void
tcp_timer_clear(struct tcpcb *tp, enum tcp_timer which)
{
	tp->t_deadline[which] = KTIME_NEVER;
}
static inline bool
tcp_timer_isset(const struct tcpcb *tp, enum tcp_timer which)
{
	return tp->t_deadline[which] != KTIME_NEVER;
}
void	tcp_timer_stop(struct tcpcb *tp);	/* all */
void	tcp_timer_rtx(struct tcpcb *tp, int64_t now);	/* RTO and TLP as the board wants */
void	tcp_timer_keep(struct tcpcb *tp, int64_t now);
int64_t	tcp_keepidle(const struct tcpcb *tp);
int64_t	tcp_keepintvl(const struct tcpcb *tp);
unsigned int tcp_keepcnt(const struct tcpcb *tp);

/* tcp_mini.c */
struct tcpmini *tcpmini_find(struct tcpns *tn, const struct inet_rx *rx, uint16_t sport,
	    uint16_t dport);
int	tcpmini_insert(struct tcpns *tn, struct tcpmini *tm);	/* EEXIST */
struct tcpmini *tcpmini_alloc(void);
struct tcpmini *tcpmini_same(struct tcpns *tn, const struct tcpmini *tm);
void	tcpmini_unlink(struct tcpns *tn, struct tcpmini *tm);
void	tcpmini_free(struct tcpmini *tm);
void	tcpmini_arm(struct tcpns *tn, int64_t deadline);
int	tcpmini_boot(void);
int	tcpns_init(struct netns *ns, void **ret_data);
void	tcpns_fini(struct netns *ns, void *data);

/* tcp_timewait.c */
extern const struct inpcb_waits tcp_waits;
/* The connection goes on as a few bytes; it is done. */
void	tcp_timewait(struct tcpcb *tp, int64_t now);
bool	tcp_timewait_port(struct tcpns *tn, uint16_t port);
/* Somebody of the small ones got a segment.  False: nobody did; p is the caller's. */
bool	tcp_mini_input(struct tcp_rx *rx, struct tcpseg *ts, struct packet *p);

/* tcp_listen.c */
int	tcp_listen(struct socket *so, int backlog);
void	tcp_listen_close(struct socket *so);
void	tcp_listen_input(struct tcp_rx *rx, struct socket *lso, struct tcpseg *ts,
	    struct packet *p);
static inline bool
tcp_acceptfull(const struct socket *lso)
{
	return atomic_load(&lso->so_qlen) > atomic_load(&lso->so_backlog);
}

/* tcp_syn.c */
#define TCP_SYNKEEP	512		/* octets of headers that TCP_SAVE_SYN keeps */
/* tn_lock held: an ACK of a request; consumes p and drops tn_lock. */
void	tcp_request_input(struct tcp_rx *rx, struct tcpmini *tm, struct tcpseg *ts,
	    struct packet *p) RELEASES(rx->rx_tn->tn_lock);
int64_t	tcp_requests_due(struct tcpns *tn, int64_t now);
void	tcp_synack(struct netns *ns, const struct tcpmini *tm, const struct tcpseg *cookie,
	    int64_t now);

/* tcp_child.c */
/* The handshake of tm is complete: a child, locked, as rx_tp.  ENOMEM, EADDRINUSE ... */
int	tcp_complete(struct tcp_rx *rx, struct socket *lso, const struct tcpmini *tm);

/* tcp_cookie.c */
uint32_t tcp_cookie_make(struct tcpns *tn, const struct tcpmini *tm, int64_t now);
bool	tcp_cookie_check(struct tcpns *tn, const struct inet_rx *rx, const struct tcpseg *ts,
	    int64_t now, uint16_t *ret_mss);
uint32_t tcp_cookie_ts(const struct tcpmini *tm, int64_t now);
void	tcp_cookie_unts(struct tcpmini *tm, uint32_t tsecr);

/* tcp_fastopen.c */
void	tfo_cookie_make(struct tcpns *tn, int family, const struct inaddr *addr, uint8_t *cookie);
bool	tfo_cache_get(struct tcpns *tn, const struct tcpcb *tp, struct tcpseg *ts);
void	tfo_cache_put(struct tcpns *tn, const struct tcpcb *tp, const struct tcpseg *ts);
void	tfo_cache_free(struct tcpns *tn);
bool	tfo_listen(struct tcp_rx *rx, struct socket *lso, struct tcpmini *tm, struct tcpseg *ts,
	    struct packet *p, struct tcpseg *ret_cookie);
void	tfo_synacked(struct tcpcb *tp, const struct tcpseg *ts);

/* tcp_pmtu.c */
void	tcp_ctl(const struct inet_ctl *ctl);

/* tcp_plp.c: all of it under so_lock, and for who has t_plp unless said otherwise */
void	tcp_plp_negotiated(struct tcpcb *tp, int64_t now);	/* any; begins if asked for */
void	tcp_blackhole(struct tcpcb *tp, int64_t now);		/* any: timeouts in a row */
/* Any: ICMP made t_pmtu smaller.  True: a probe was too big, and is to be sent again. */
bool	tcp_plp_toobig(struct tcpcb *tp, int64_t now);
/* Sends a probe if one is due.  True: new data waits, so that one can be. */
bool	tcp_plp_output(struct tcpcb *tp, int64_t now);
void	tcp_plp_ack(struct tcpcb *tp, int64_t now);
/* Len octets were just found lost.  True: a probe and nothing else, no congestion. */
bool	tcp_plp_lost(struct tcpcb *tp, uint32_t len, int64_t now);
bool	tcp_plp_losthead(struct tcpcb *tp, int64_t now);	/* ... the first segment was */
void	tcp_plp_timeout(struct tcpcb *tp, int64_t now);
void	tcp_plp_fini(struct tcpcb *tp);				/* any */

/* tcp_socket.c and its kin */
extern const struct sockops tcp_sockops;
int	tcp_bind(struct socket *so, const struct sockaddr *sa, socklen_t len);
int	tcp_connect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool nonblock);
int	tcp_send(struct socket *so, struct sockmsg *sm, size_t *ret_done);
int	tcp_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done);
bool	tcp_writable(const struct tcpcb *tp);
uint32_t tcp_readable(const struct tcpcb *tp);
void	tcp_wakewriters(struct tcpcb *tp);
int	tcp_setopt(struct socket *so, int level, int name, const void *val, socklen_t len);
int	tcp_getopt(struct socket *so, int level, int name, void *val, socklen_t *len);
void	tcp_getinfo(struct tcpcb *tp, struct tcp_info *ti, int64_t now);
/* so_lock held.  The SYN is in t_outq; fastopen: not yet, data will come with it. */
int	tcp_startconnect(struct socket *so, const struct sockaddr *sa, socklen_t len,
	    bool fastopen, int64_t now);
void	tcp_firstsyn(struct tcpcb *tp, int64_t now);
/* The client's side is shut: FIN, and the state it leads to. */
void	tcp_usrclosed(struct tcpcb *tp, int64_t now);

#endif /* TCP_IMPL_H */
