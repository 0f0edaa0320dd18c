/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script_impl.h - a packet script while it runs, for the files of its verbs
 *
 *	tcp_script.c		lines, words, times; shorthands
 *	tcp_script_net.c	the interface, whose far end is the script
 *	tcp_script_segment.c	"in" and "out"
 *	tcp_script_call.c	what the program does: connect, read, opt ...
 *	tcp_script_look.c	what is so: state, cwnd, poll ...; and many round trips
 */

#ifndef TCP_SCRIPT_IMPL_H
#define TCP_SCRIPT_IMPL_H

#include <sys/condvar.h>
#include <sys/kmem.h>

#include "tcp_impl.h"
#include "tcp_script.h"

#define OURS	0x0a000001u		/* 10.0.0.1 */
#define PEER	0x0a000002u
#define LPORT	80
#define PPORT	40000
#define PEER_ISN 7000u
#define MS	1000000LL
#define MAXWORDS 32
#define MAXDATA	70000
#define SCRIPT_NCOUNTS	4

struct script {
	const char	*s_text;	/* what is left */
	unsigned int	 s_line;
	char		 s_buf[256];	/* this line, cut into words */
	char		*s_word[MAXWORDS];
	unsigned int	 s_nwords;
	bool		 s_failed;

	struct netns	*s_ns;
	struct ifnet	*s_ifp;
	kmutex_t	 s_lock;
	kcondvar_t	 s_cv;
	struct packetq	 s_sent;	/* s_lock */
	struct socket	*s_so, *s_lso;

	int64_t		 s_last;	/* time of the last event */
	int64_t		 s_plus;	/* +MS of this line; -1: none */
	uint16_t	 s_lport;
	uint32_t	 s_iss;		/* ours, once seen */
	bool		 s_hasiss, s_ts;
	uint32_t	 s_tsval;	/* of ours, seen last */
	uint32_t	 s_wrote, s_read;	/* octets: places in the streams */
	uint8_t		 s_scale;	/* of our window */
	bool		 s_peerscale;	/* the peer's SYN had the option */
	uint8_t		 s_cookie[TCP_COOKIE_MAX];
	uint8_t		 s_cookielen;
	uint64_t	 s_count[SCRIPT_NCOUNTS];
};

struct line_seg {
	struct tcpseg	 ls_seg;
	bool		 ls_ack, ls_win, ls_mss, ls_ws, ls_sackok, ls_ts, ls_nots, ls_tsval,
			 ls_tsecr, ls_urp, ls_ce, ls_ect, ls_notect, ls_tfo, ls_bad, ls_anyseq;
	uint32_t	 ls_wnd, ls_minwin;
};

/* --- tcp_script.c ---------------------------------------------------------- */

/* The octet at a place of a stream. */
uint8_t	script_octet(uint32_t at);
/* A check of this line, which fails it. */
void	script_complain(struct script *s, const char *what, int64_t want, int64_t got);
/* The number that *pp begins with, and *pp behind it. */
uint32_t script_number(const char **pp);
/* Word i of the line as a number. */
uint32_t script_arg(const struct script *s, unsigned int i);
bool	script_is(const struct script *s, unsigned int i, const char *word);
/* The word is an errno's name or a number. */
int	script_errno(const char *w);
/* "= X" at the end of the line, or what it is without. */
int	script_wanted(struct script *s, int otherwise);
/* Sleeps until then, or until something was sent if that is waited for. */
void	script_sleep(struct script *s, int64_t then, bool sent);
void	script_at_time(struct script *s);
/* Lines of a shorthand: they count as its own. */
void	script_run_text(struct script *s, const char *text);

/* --- tcp_script_net.c ------------------------------------------------------ */

void	script_net_begin(struct script *s);
/* The next TCP segment that was sent, at its IP header; NULL: none. */
struct packet *script_take_sent(struct script *s);
/* Puts IP and Ethernet in front and lets it come in. */
void	script_inject(struct script *s, struct packet *p, uint8_t proto, uint8_t ecn);

/* --- tcp_script_segment.c -------------------------------------------------- */

void	script_send_segment(struct script *s, struct line_seg *ls);
void	script_describe(struct script *s, const struct tcpseg *ts, int64_t at);
/* Header and data of what was sent, with its sums checked. */
bool	script_read_sent(struct script *s, struct packet *p, struct tcpseg *ts, uint8_t *ret_ecn);
/* Verbs. */
void	do_in(struct script *s);
void	do_out(struct script *s);

/* --- tcp_script_call.c ----------------------------------------------------- */

struct socket *script_socket(struct script *s);
void	script_close_socket(struct socket **sop);
/* Verbs. */
void	do_connect(struct script *s);
void	do_listen(struct script *s);
void	do_accept(struct script *s);
void	do_write(struct script *s);
void	do_read(struct script *s);
void	do_skip(struct script *s);
void	do_eof(struct script *s);
void	do_soerror(struct script *s);
void	do_close(struct script *s);
void	do_shutdown(struct script *s);
void	do_opt(struct script *s);
void	do_var(struct script *s);

/* --- tcp_script_look.c ----------------------------------------------------- */

/* Verbs. */
void	do_rounds(struct script *s);
void	do_loss(struct script *s);
void	do_drop(struct script *s);
void	do_count(struct script *s);
void	script_count_begin(struct script *s);
void	do_wait(struct script *s);
void	do_none(struct script *s);
void	do_look(struct script *s);
void	do_poll(struct script *s);
void	do_icmp(struct script *s);

#endif /* TCP_SCRIPT_IMPL_H */
