/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script.c - runs packet scripts
 *
 * The interpreter is one loop over lines; each verb is a function on struct
 * script, found in a table.  After the script the socket is closed, two minutes pass, and
 * nothing of TCP may be left.
 */

#include "tcp_script.h"

#include <lib/bytes.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <sys/condvar.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/qsbr.h>

#include "tcp_impl.h"

#define OURS	0x0a000001u		/* 10.0.0.1 */
#define PEER	0x0a000002u
#define LPORT	80
#define PPORT	40000
#define PEER_ISN 7000u
#define MS	1000000LL
#define MAXWORDS 32
#define MAXDATA	70000

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
};

static struct script the;
static void	run_text(struct script *s, const char *text);
static uint8_t data[MAXDATA];

/* The octet at a place of a stream. */
static uint8_t
octet(uint32_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

static void
complain(struct script *s, const char *what, int64_t want, int64_t got)
{
	char text[200];

	snprintf(text, sizeof(text), "line %u: %s", s->s_line, what);
	if (!CHECK_EQ(text, want, got))
		s->s_failed = true;
}

/* --- words and numbers --------------------------------------------------------------- */

static bool
next_line(struct script *s)
{
	size_t n = 0;
	char *p;

	if (*s->s_text == '\0')
		return false;
	s->s_line++;
	while (*s->s_text != '\0' && *s->s_text != '\n') {
		NEED(n < sizeof(s->s_buf) - 1);
		s->s_buf[n++] = *s->s_text++;
	}
	if (*s->s_text == '\n')
		s->s_text++;
	s->s_buf[n] = '\0';
	p = strchr(s->s_buf, '#');
	if (p != NULL)
		*p = '\0';
	s->s_nwords = 0;
	for (p = s->s_buf; *p != '\0';) {
		while (*p == ' ' || *p == '\t')
			*p++ = '\0';
		if (*p == '\0')
			break;
		NEED(s->s_nwords < MAXWORDS - 1);
		s->s_word[s->s_nwords++] = p;
		while (*p != '\0' && *p != ' ' && *p != '\t')
			p++;
	}
	s->s_word[s->s_nwords] = NULL;
	return true;
}

static uint32_t
number(const char **pp)
{
	uint32_t v = 0;
	bool minus = **pp == '-';

	if (minus)
		(*pp)++;
	if (**pp < '0' || **pp > '9') {
		harness_note("line %u: a number is missing at \"%s\"", the.s_line, *pp);
		NEED(!"a number");
	}
	while (**pp >= '0' && **pp <= '9')
		v = v * 10 + (uint32_t)(*(*pp)++ - '0');
	return minus ? 0 - v : v;
}

static uint32_t
arg(const struct script *s, unsigned int i)
{
	const char *p = s->s_word[i];

	NEED(i < s->s_nwords);
	return number(&p);
}

static bool
is(const struct script *s, unsigned int i, const char *word)
{
	return i < s->s_nwords && strcmp(s->s_word[i], word) == 0;
}

static const struct { const char *name; int value; } errnos[] = {
	{ "EAGAIN", EAGAIN }, { "EPIPE", EPIPE }, { "ECONNRESET", ECONNRESET },
	{ "ECONNREFUSED", ECONNREFUSED }, { "ETIMEDOUT", ETIMEDOUT },
	{ "EINPROGRESS", EINPROGRESS }, { "EALREADY", EALREADY }, { "EISCONN", EISCONN },
	{ "ENOTCONN", ENOTCONN }, { "EINVAL", EINVAL }, { "EHOSTUNREACH", EHOSTUNREACH },
	{ "ENETUNREACH", ENETUNREACH }, { "EADDRINUSE", EADDRINUSE },
	{ "EADDRNOTAVAIL", EADDRNOTAVAIL }, { "ECONNABORTED", ECONNABORTED },
};

/* The word is an errno's name or a number. */
static int
result_of(const char *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
		if (strcmp(w, errnos[i].name) == 0)
			return -errnos[i].value;
	}
	return (int)number(&w);
}

/* "= X" at the end of the line, or what it is without. */
static int
wanted(struct script *s, int otherwise)
{
	for (unsigned int i = 1; i + 1 < s->s_nwords; i++) {
		if (is(s, i, "=")) {
			s->s_nwords = i;
			return result_of(s->s_word[i + 1]);
		}
	}
	return otherwise;
}

/* --- time --------------------------------------------------------------------------- */

/* Sleeps until then, or until something was sent if that is waited for. */
static void
sleep_until(struct script *s, int64_t then, bool sent)
{
	mutex_enter(&s->s_lock);
	while (clock_mono() < then && !(sent && s->s_sent.pq_head != NULL))
		(void)cv_timedwait(&s->s_cv, &s->s_lock, then);
	mutex_exit(&s->s_lock);
}

static void
at_time(struct script *s)
{
	if (s->s_plus > 0)
		sleep_until(s, s->s_last + s->s_plus, false);
	s->s_last = clock_mono();
}

/* --- the interface -------------------------------------------------------------------- */

static void
script_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct script *s = ifp->if_softc;
	struct packet *p;

	/* IPv6 says things of its own on every interface. */
	while ((p = packetq_get(q)) != NULL) {
		if (p->p_ethertype != 0x0800 || p->p_data[14 + 9] != IPPROTO_TCP) {
			packet_free(p);
			continue;
		}
		p->p_time = clock_mono();
		mutex_enter(&s->s_lock);
		packetq_put(&s->s_sent, p);
		cv_broadcast(&s->s_cv);
		mutex_exit(&s->s_lock);
	}
}

static const struct if_ops script_ifops = { .ifo_xmit = script_xmit, .ifo_kind = "script" };
static const uint8_t mac_ours[6] = { 2, 0, 0, 0, 0, 1 }, mac_peer[6] = { 2, 0, 0, 0, 0, 2 };

static void
net_begin(struct script *s)
{
	struct ifaddr ifa = { .ifa_family = AF_INET, .ifa_addr = { .ia_w = { net32(OURS) } },
		.ifa_peer = { .ia_w = { net32(OURS) } }, .ifa_plen = 24,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
		.ifa_broadcast = { .ia_w = { net32(OURS | 0xff) } },
		.ifa_flags = IFA_F_PERMANENT };
	struct neigh_info ni = { .ni_family = AF_INET, .ni_addr = { .ia_w = { net32(PEER) } },
		.ni_addrlen = 6, .ni_state = NUD_PERMANENT };

	NEED(netns_create(&s->s_ns) == 0);
	NEED(if_alloc("test0", &script_ifops, s, &s->s_ifp) == 0);
	if_ethernet(s->s_ifp, mac_ours);
	s->s_ifp->if_hwcaps = s->s_ifp->if_caps = IFCAP_FRAGS;
	NEED(if_attach(s->s_ns, s->s_ifp) == 0);
	mutex_enter(&s->s_ns->ns_lock);
	NEED(if_setflags(s->s_ifp, IFF_UP, IFF_UP) == 0);
	mutex_exit(&s->s_ns->ns_lock);
	if_setcarrier(s->s_ifp, true);
	mutex_enter(&s->s_ns->ns_lock);
	NEED(ifaddr_add(s->s_ifp, &ifa, NULL) == 0);
	ni.ni_ifindex = s->s_ifp->if_index;
	memcpy(ni.ni_lladdr, mac_peer, 6);
	NEED(neigh_set(s->s_ifp, &ni, NLM_F_CREATE | NLM_F_REPLACE) == 0);
	mutex_exit(&s->s_ns->ns_lock);
	mutex_enter(&s->s_lock);
	packetq_drop(&s->s_sent);
	packetq_init(&s->s_sent);
	mutex_exit(&s->s_lock);
}

/* The next TCP segment that was sent, at its IP header; NULL: none. */
static struct packet *
take_sent(struct script *s)
{
	struct packet *p;

	mutex_enter(&s->s_lock);
	p = packetq_get(&s->s_sent);
	mutex_exit(&s->s_lock);
	if (p == NULL)
		return NULL;
	if (p->p_csum == PKT_CSUM_PARTIAL)
		NEED(packet_csum_fill(p) == 0);
	packet_pull(p, 14);
	return p;
}

/* Puts IP and Ethernet in front and lets it come in. */
static void
inject(struct script *s, struct packet *p, uint8_t proto, uint8_t ecn)
{
	struct packetq q = PACKETQ_INITIALIZER;
	uint8_t *ip = packet_push(p, 20), *eth;
	uint16_t sum;

	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = ecn;
	be16_put(ip + 2, (uint16_t)p->p_len);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = proto;
	be32_put(ip + 12, PEER);
	be32_put(ip + 16, OURS);
	sum = packet_sum_fold(packet_sum_bytes(ip, 20, 0));
	memcpy(ip + 10, &sum, 2);
	eth = packet_push(p, 14);
	memcpy(eth, mac_ours, 6);
	memcpy(eth + 6, mac_peer, 6);
	be16_put(eth + 12, 0x0800);
	p->p_ifp = s->s_ifp;
	packetq_put(&q, p);
	if_input(s->s_ifp, &q);
}

/* --- segments ---------------------------------------------------------------------------- */

struct line_seg {
	struct tcpseg	 ls_seg;
	bool		 ls_ack, ls_win, ls_mss, ls_ws, ls_sackok, ls_ts, ls_nots, ls_tsval,
			 ls_tsecr, ls_urp, ls_ce, ls_ect, ls_notect, ls_tfo, ls_bad, ls_anyseq;
	uint32_t	 ls_wnd, ls_minwin;
};

static void
parse_sack(const struct script *s, const char *w, struct tcpseg *ts, uint32_t base)
{
	ts->ts_nsack = 0;
	for (;;) {
		NEED(ts->ts_nsack < TCP_MAXSACK);
		ts->ts_sack[ts->ts_nsack].sb_start = base + number(&w);
		NEED(*w++ == ':');
		ts->ts_sack[ts->ts_nsack++].sb_end = base + number(&w);
		if (*w != ',')
			break;
		w++;
	}
	ts->ts_opts |= TO_SACK;
	(void)s;
}

static void
parse_option(struct script *s, unsigned int *ip, struct line_seg *ls, bool in)
{
	struct tcpseg *ts = &ls->ls_seg;
	const char *w = s->s_word[*ip];
	bool more = *ip + 1 < s->s_nwords;

#define NUM(word, flag, field, base) \
	(strcmp(w, word) == 0 && more ? (ls->flag = true, \
	    (field) = (__typeof__(field))((base) + arg(s, ++*ip)), true) : false)
	if (NUM("ack", ls_ack, ts->ts_ack, in ? s->s_iss : PEER_ISN) ||
	    NUM("win", ls_win, ls->ls_wnd, 0) || NUM("minwin", ls_win, ls->ls_minwin, 0) ||
	    NUM("mss", ls_mss, ts->ts_mss, 0) || NUM("ws", ls_ws, ts->ts_wscale, 0) ||
	    NUM("tsval", ls_tsval, ts->ts_tsval, 0) ||
	    NUM("tsecr", ls_tsecr, ts->ts_tsecr, in ? s->s_tsval : 0) ||
	    NUM("urp", ls_urp, ts->ts_urp, 0))
		return;
#undef NUM
	if (strcmp(w, "sackok") == 0)
		ls->ls_sackok = true;
	else if (strcmp(w, "ts") == 0)
		ls->ls_ts = true;
	else if (strcmp(w, "nots") == 0)
		ls->ls_nots = true;
	else if (strcmp(w, "ws") == 0)
		ls->ls_ws = true;
	else if (strcmp(w, "ce") == 0)
		ls->ls_ce = true;
	else if (strcmp(w, "ect") == 0)
		ls->ls_ect = true;
	else if (strcmp(w, "notect") == 0)
		ls->ls_notect = true;
	else if (strcmp(w, "bad") == 0)
		ls->ls_bad = true;
	else if (strcmp(w, "sack") == 0 && more)
		parse_sack(s, s->s_word[++*ip], ts, in ? s->s_iss : PEER_ISN);
	else if (strcmp(w, "tfo") == 0) {
		ls->ls_tfo = true;
		if (more && s->s_word[*ip + 1][0] >= '0' && s->s_word[*ip + 1][0] <= '9')
			ts->ts_cookielen = (uint8_t)arg(s, ++*ip);
	} else {
		harness_note("line %u: what is \"%s\"?", s->s_line, w);
		NEED(!"a known word");
	}
}

/* Words from i on: FLAGS SEQ[+LEN] OPTIONS. */
static void
parse_segment(struct script *s, unsigned int i, struct line_seg *ls, bool in)
{
	static const char letters[] = "FSRPAUEC";
	struct tcpseg *ts = &ls->ls_seg;
	const char *w;

	memset(ls, 0, sizeof(*ls));
	NEED(s->s_nwords >= i + 2);
	for (w = s->s_word[i]; *w != '\0' && *w != '-'; w++) {
		const char *at = strchr(letters, *w);

		NEED(at != NULL);
		ts->ts_flags |= (uint8_t)(1 << (at - letters));
	}
	w = s->s_word[i + 1];
	ls->ls_anyseq = *w == '*';
	if (!ls->ls_anyseq)
		ts->ts_seq = number(&w) + (in ? PEER_ISN : s->s_iss);
	if (*w == '+') {
		w++;
		ts->ts_len = number(&w);
	}
	for (i += 2; i < s->s_nwords; i++)
		parse_option(s, &i, ls, in);
}

static void
send_segment(struct script *s, struct line_seg *ls)
{
	struct tcpseg *ts = &ls->ls_seg;
	uint8_t pseudo[12], *h;
	struct packet *p = packet_alloc(0);
	uint32_t at = ts->ts_seq + ((ts->ts_flags & TH_SYN) != 0) - PEER_ISN - 1;
	uint16_t sum;

	NEED(p != NULL && ts->ts_len <= MAXDATA);
	if ((ts->ts_flags & TH_SYN) != 0)
		s->s_peerscale = ls->ls_ws;
	ts->ts_sport = PPORT;
	ts->ts_dport = s->s_lport;
	ts->ts_wnd = ls->ls_win ? (uint16_t)ls->ls_wnd : 65535;
	ts->ts_opts |= (ls->ls_mss ? TO_MSS : 0) | (ls->ls_ws ? TO_WSCALE : 0) |
	    (ls->ls_sackok ? TO_SACKOK : 0) | (ls->ls_tfo ? TO_FASTOPEN : 0);
	if (ls->ls_tfo && ts->ts_cookielen != 0) {
		for (unsigned int i = 0; i < ts->ts_cookielen; i++)
			ts->ts_cookie[i] = s->s_cookielen == ts->ts_cookielen ?
			    s->s_cookie[i] : (uint8_t)i;
	}
	if (ls->ls_ts || (s->s_ts && !ls->ls_nots) || ls->ls_tsval || ls->ls_tsecr) {
		ts->ts_opts |= TO_TIMESTAMP;
		if (!ls->ls_tsval)
			ts->ts_tsval = 1000000 + (uint32_t)(clock_mono() / MS);
		if (!ls->ls_tsecr)
			ts->ts_tsecr = s->s_tsval;
	}
	for (uint32_t i = 0; i < ts->ts_len; i++)
		data[i] = octet(at + i);
	NEED(packet_appendcopy(p, data, ts->ts_len, 0) == 0);
	h = packet_push(p, tcp_wire_length(ts));
	tcp_wire_build(h, ts);
	be32_put(pseudo, PEER);
	be32_put(pseudo + 4, OURS);
	be16_put(pseudo + 8, IPPROTO_TCP);
	be16_put(pseudo + 10, (uint16_t)p->p_len);
	sum = packet_sum_fold(packet_sum(p, 0, p->p_len, packet_sum_bytes(pseudo, 12, 0)));
	if (ls->ls_bad)
		sum ^= 0x1111;
	memcpy(h + 16, &sum, 2);
	inject(s, p, IPPROTO_TCP, ls->ls_ce ? 3 : 0);
}

static void
do_in(struct script *s)
{
	struct line_seg ls;

	at_time(s);
	parse_segment(s, 1, &ls, true);
	send_segment(s, &ls);
}

/* --- out ------------------------------------------------------------------------------------ */

static void
flags_text(uint8_t flags, char *buf)
{
	static const char letters[] = "FSRPAUEC";

	for (int i = 0; i < 8; i++) {
		if ((flags >> i & 1) != 0)
			*buf++ = letters[i];
	}
	*buf = '\0';
}

static void
describe(struct script *s, const struct tcpseg *ts, int64_t at)
{
	char f[9];

	flags_text(ts->ts_flags, f);
	harness_note("line %u: sent was: +%d ms %s %u+%u ack %u win %u%s", s->s_line,
	    (int)((at - s->s_last) / MS), f, ts->ts_seq - s->s_iss, ts->ts_len,
	    (ts->ts_flags & TH_ACK) != 0 ? ts->ts_ack - PEER_ISN : 0, ts->ts_wnd,
	    (ts->ts_opts & TO_SACK) != 0 ? " sack" : "");
	for (unsigned int i = 0; i < ts->ts_nsack; i++)
		harness_note("	sack %u:%u", ts->ts_sack[i].sb_start - PEER_ISN,
		    ts->ts_sack[i].sb_end - PEER_ISN);
}

/* Header and data of what was sent, with its sums checked. */
static bool
read_sent(struct script *s, struct packet *p, struct tcpseg *ts, uint8_t *ret_ecn)
{
	uint8_t hdr[TCP_MAXHDR], pseudo[12];
	uint32_t len, at;

	*ret_ecn = p->p_data[1] & 3;
	packet_trim(p, be16_get(p->p_data + 2));
	packet_skip(p, 20);
	len = p->p_len < TCP_MAXHDR ? p->p_len : TCP_MAXHDR;
	packet_copyout(p, 0, hdr, len);
	if (!CHECK_EQ("header", 0, tcp_wire_header(hdr, len, ts)))
		return false;
	be32_put(pseudo, OURS);
	be32_put(pseudo + 4, PEER);
	be16_put(pseudo + 8, IPPROTO_TCP);
	be16_put(pseudo + 10, (uint16_t)p->p_len);
	complain(s, "checksum", 0, packet_sum_fold(packet_sum(p, 0, p->p_len,
	    packet_sum_bytes(pseudo, 12, 0))));
	tcp_wire_options(hdr, ts);
	ts->ts_len = p->p_len - ts->ts_hdrlen;
	packet_copyout(p, ts->ts_hdrlen, data, ts->ts_len);
	if ((ts->ts_flags & TH_SYN) != 0 && !s->s_hasiss) {
		s->s_iss = ts->ts_seq;
		s->s_hasiss = true;
		s->s_lport = ts->ts_sport;
	}
	if ((ts->ts_flags & TH_SYN) != 0)
		s->s_scale = (ts->ts_opts & TO_WSCALE) != 0 ? ts->ts_wscale : 0;
	if ((ts->ts_opts & TO_TIMESTAMP) != 0)
		s->s_tsval = ts->ts_tsval;
	if (ts->ts_cookielen > 0) {
		memcpy(s->s_cookie, ts->ts_cookie, ts->ts_cookielen);
		s->s_cookielen = ts->ts_cookielen;
	}
	at = ts->ts_seq + ((ts->ts_flags & TH_SYN) != 0) - s->s_iss - 1;
	for (uint32_t i = 0; i < ts->ts_len; i++) {
		if (data[i] != octet(at + i)) {
			complain(s, "data", octet(at + i), data[i]);
			break;
		}
	}
	return true;
}

static void
compare(struct script *s, const struct line_seg *ls, const struct tcpseg *ts, uint8_t ecn)
{
	const struct tcpseg *want = &ls->ls_seg;
	uint8_t mask = (want->ts_flags & TH_PSH) != 0 ? 0 : TH_PSH;
	uint32_t wnd = (uint32_t)ts->ts_wnd << ((ts->ts_flags & TH_SYN) != 0 || !s->s_peerscale ?
	    0 : s->s_scale);

	complain(s, "flags", want->ts_flags, ts->ts_flags & ~mask);
	if (!ls->ls_anyseq)
		complain(s, "sequence number", want->ts_seq - s->s_iss, ts->ts_seq - s->s_iss);
	complain(s, "length", want->ts_len, ts->ts_len);
	if (ls->ls_ack)
		complain(s, "ack", want->ts_ack - PEER_ISN, ts->ts_ack - PEER_ISN);
	if (ls->ls_win && ls->ls_minwin == 0)
		complain(s, "window", ls->ls_wnd, wnd);
	if (ls->ls_minwin != 0)
		complain(s, "window is wide enough", 1, wnd >= ls->ls_minwin);
	if (ls->ls_mss)
		complain(s, "mss", want->ts_mss, (ts->ts_opts & TO_MSS) != 0 ? ts->ts_mss : -1);
	if (ls->ls_ws)
		complain(s, "window scale", 1, (ts->ts_opts & TO_WSCALE) != 0);
	if (ls->ls_sackok)
		complain(s, "sack permitted", 1, (ts->ts_opts & TO_SACKOK) != 0);
	if (ls->ls_ts || ls->ls_nots)
		complain(s, "timestamp", ls->ls_ts, (ts->ts_opts & TO_TIMESTAMP) != 0);
	if (ls->ls_tsecr)
		complain(s, "echoed timestamp", want->ts_tsecr, ts->ts_tsecr);
	if (ls->ls_urp)
		complain(s, "urgent pointer", want->ts_urp, ts->ts_urp);
	if (ls->ls_ect || ls->ls_notect)
		complain(s, "ECT", ls->ls_ect ? 2 : 0, ecn);
	if (ls->ls_tfo)
		complain(s, "cookie", want->ts_cookielen,
		    (ts->ts_opts & TO_FASTOPEN) != 0 ? ts->ts_cookielen : -1);
	if ((want->ts_opts & TO_SACK) != 0) {
		complain(s, "sack blocks", want->ts_nsack, ts->ts_nsack);
		for (unsigned int i = 0; i < want->ts_nsack && i < ts->ts_nsack; i++) {
			complain(s, "sack start", want->ts_sack[i].sb_start - PEER_ISN,
			    ts->ts_sack[i].sb_start - PEER_ISN);
			complain(s, "sack end", want->ts_sack[i].sb_end - PEER_ISN,
			    ts->ts_sack[i].sb_end - PEER_ISN);
		}
	}
}

static void
do_out(struct script *s)
{
	int64_t due = s->s_last + (s->s_plus > 0 ? s->s_plus : 0), at;
	int64_t tolerance = 2 * MS + (s->s_plus > 0 ? s->s_plus / 20 : 0);
	struct line_seg ls;
	struct tcpseg ts;
	struct packet *p;
	uint8_t ecn;

	sleep_until(s, due + tolerance, true);
	p = take_sent(s);
	if (p == NULL) {
		harness_note("line %u: nothing was sent", s->s_line);
		complain(s, "a segment", 1, 0);
		return;
	}
	at = p->p_time;
	memset(&ts, 0, sizeof(ts));
	if (read_sent(s, p, &ts, &ecn)) {
		parse_segment(s, 1, &ls, false);
		compare(s, &ls, &ts, ecn);
		complain(s, "in time", 1, at >= due - tolerance && at <= due + tolerance);
	}
	if (s->s_failed)
		describe(s, &ts, at);
	packet_free(p);
	s->s_last = at;
}

/* --- calls ------------------------------------------------------------------------------------ */

static const struct sockaddr_in peer_sin = { .sin_family = AF_INET,
	.sin_port = __builtin_bswap16(PPORT), .sin_addr = { __builtin_bswap32(PEER) } };
static const struct sockaddr_in our_sin = { .sin_family = AF_INET,
	.sin_port = __builtin_bswap16(LPORT), .sin_addr = { __builtin_bswap32(OURS) } };

static struct socket *
new_socket(struct script *s)
{
	struct socket *so;

	NEED(socket_create(s->s_ns, AF_INET, SOCK_STREAM, IPPROTO_TCP, (struct cred *)(uintptr_t)curcred(), true,
	    &so) == 0);
	return so;
}

static struct socket *
the_socket(struct script *s)
{
	if (s->s_so == NULL && s->s_lso == NULL) {
		s->s_so = new_socket(s);
		s->s_hasiss = s->s_ts = false;
		s->s_wrote = s->s_read = 0;
	}
	return s->s_so != NULL ? s->s_so : s->s_lso;
}

static void
do_connect(struct script *s)
{
	int want = wanted(s, -EINPROGRESS);

	at_time(s);
	complain(s, "connect", want, -tcp_sockops.so_connect(the_socket(s),
	    (const struct sockaddr *)&peer_sin, sizeof(peer_sin), true));
}

static void
do_listen(struct script *s)
{
	int want = wanted(s, 0), error;

	at_time(s);
	s->s_lso = the_socket(s);
	s->s_so = NULL;
	s->s_lport = LPORT;
	error = tcp_sockops.so_bind(s->s_lso, (const struct sockaddr *)&our_sin, sizeof(our_sin));
	if (error == 0)
		error = tcp_sockops.so_listen(s->s_lso, (int)arg(s, 1));
	complain(s, "listen", want, -error);
}

static void
do_accept(struct script *s)
{
	int want = wanted(s, 0);

	at_time(s);
	complain(s, "accept", want, -tcp_sockops.so_accept(s->s_lso, true, &s->s_so));
}

static void
do_write(struct script *s)
{
	uint32_t len = arg(s, 1);
	int want = wanted(s, (int)len), flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	struct rumpuser_iov iov;
	struct uio uio;
	struct sockaddr_storage ss;
	struct sockmsg sm = { .sm_uio = &uio };
	size_t done = 0;
	int error;

	at_time(s);
	if (is(s, 2, "oob"))
		flags |= MSG_OOB;
	if (is(s, 2, "more"))
		flags |= MSG_MORE;
	if (is(s, 2, "tfo")) {
		flags |= MSG_FASTOPEN;
		memcpy(&ss, &peer_sin, sizeof(peer_sin));
		sm.sm_name = &ss;
		sm.sm_namelen = sizeof(peer_sin);
	}
	sm.sm_flags = flags;
	NEED(len <= MAXDATA);
	for (uint32_t i = 0; i < len; i++)
		data[i] = octet(s->s_wrote + i);
	uio_init_buf(&uio, &iov, data, len, 0, UIO_WRITE, UIO_KERNEL);
	error = tcp_sockops.so_send(the_socket(s), &sm, &done);
	complain(s, "write", want, error != 0 ? -error : (int)done);
	s->s_wrote += (uint32_t)done;
}

static int
read_some(struct script *s, uint32_t len, int flags)
{
	struct rumpuser_iov iov;
	struct uio uio;
	struct sockmsg sm = { .sm_uio = &uio, .sm_flags = flags | MSG_DONTWAIT };
	size_t done = 0;
	int error;

	NEED(len <= MAXDATA);
	uio_init_buf(&uio, &iov, data, len, 0, UIO_READ, UIO_KERNEL);
	error = tcp_sockops.so_recv(the_socket(s), &sm, &done);
	return error != 0 ? -error : (int)done;
}

static void
do_read(struct script *s)
{
	uint32_t len = arg(s, 1);
	int want = wanted(s, (int)len), got;
	bool oob = is(s, 2, "oob"), peek = is(s, 2, "peek");

	at_time(s);
	got = read_some(s, len, (oob ? MSG_OOB : 0) | (peek ? MSG_PEEK : 0));
	complain(s, "read", want, got);
	for (int i = 0; i < got && !oob; i++) {
		if (data[i] != octet(s->s_read + (uint32_t)i)) {
			complain(s, "data read", octet(s->s_read + (uint32_t)i), data[i]);
			break;
		}
	}
	if (got > 0 && !oob && !peek)
		s->s_read += (uint32_t)got;
}

/* The stream goes on n octets later: an urgent octet was left out. */
static void
do_skip(struct script *s)
{
	s->s_read += arg(s, 1);
}

static void
do_eof(struct script *s)
{
	at_time(s);
	complain(s, "end of file", 0, read_some(s, 1000, 0));
}

static void
do_soerror(struct script *s)
{
	struct socket *so = the_socket(s);
	int error;

	mutex_enter(&so->so_lock);
	error = socket_geterror(so);
	mutex_exit(&so->so_lock);
	complain(s, "SO_ERROR", result_of(s->s_word[1]), -error);
}

static void
close_socket(struct socket **sop)
{
	if (*sop == NULL)
		return;
	tcp_sockops.so_close(*sop);
	socket_rele(*sop);
	*sop = NULL;
}

static void
do_close(struct script *s)
{
	at_time(s);
	close_socket(s->s_so != NULL ? &s->s_so : &s->s_lso);
}

static void
do_shutdown(struct script *s)
{
	int want = wanted(s, 0);

	at_time(s);
	complain(s, "shutdown", want, -tcp_sockops.so_shutdown(the_socket(s),
	    is(s, 1, "rd") ? SHUT_RD : is(s, 1, "wr") ? SHUT_WR : SHUT_RDWR));
}

static const struct { const char *name; int opt; } opts[] = {
	{ "nodelay", TCP_NODELAY }, { "cork", TCP_CORK }, { "maxseg", TCP_MAXSEG },
	{ "keepidle", TCP_KEEPIDLE }, { "keepintvl", TCP_KEEPINTVL },
	{ "keepcnt", TCP_KEEPCNT }, { "syncnt", TCP_SYNCNT }, { "linger2", TCP_LINGER2 },
	{ "defer", TCP_DEFER_ACCEPT }, { "quickack", TCP_QUICKACK },
	{ "usertimeout", TCP_USER_TIMEOUT }, { "fastopen", TCP_FASTOPEN },
	{ "fastopenconnect", TCP_FASTOPEN_CONNECT }, { "notsent", TCP_NOTSENT_LOWAT },
	{ "clamp", TCP_WINDOW_CLAMP },
};

/* What the socket layer would do for options of SOL_SOCKET. */
static bool
socket_opt(struct socket *so, const char *name, int v)
{
	mutex_enter(&so->so_lock);
	if (strcmp(name, "keepalive") == 0) {
		so->so_options |= SOO_KEEPALIVE;
		tcp_timer_keep(tcpcb_of(so), clock_mono());
	} else if (strcmp(name, "oobinline") == 0)
		so->so_options |= SOO_OOBINLINE;
	else if (strcmp(name, "reuseaddr") == 0)
		so->so_options |= SOO_REUSEADDR;
	else if (strcmp(name, "linger") == 0)
		so->so_linger = v;
	else if (strcmp(name, "rcvbuf") == 0) {
		so->so_rcv.sb_hiwat = (uint32_t)v * 2;
		so->so_rcv.sb_locked_size = true;
	} else if (strcmp(name, "sndbuf") == 0) {
		so->so_snd.sb_hiwat = (uint32_t)v * 2;
		so->so_snd.sb_locked_size = true;
	} else {
		mutex_exit(&so->so_lock);
		return false;
	}
	mutex_exit(&so->so_lock);
	return true;
}

static void
do_opt(struct script *s)
{
	int want = wanted(s, 0), v = (int)arg(s, 2);
	struct socket *so = the_socket(s);

	at_time(s);
	if (is(s, 1, "reno")) {
		complain(s, "setsockopt", want, -tcp_sockops.so_setopt(so, SOL_TCP,
		    TCP_CONGESTION, "reno", 4));
		return;
	}
	if (socket_opt(so, s->s_word[1], v))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		if (!is(s, 1, opts[i].name))
			continue;
		complain(s, "setsockopt", want, -tcp_sockops.so_setopt(so, SOL_TCP, opts[i].opt,
		    &v, sizeof(v)));
		return;
	}
	NEED(!"a known option");
}

static const struct { const char *name; struct netvar *var; } vars[] = {
	{ "ecn", &tcpvar_ecn }, { "sack", &tcpvar_sack }, { "timestamps", &tcpvar_timestamps },
	{ "wscale", &tcpvar_wscale }, { "syncookies", &tcpvar_syncookies },
	{ "fastopen", &tcpvar_fastopen }, { "early_retrans", &tcpvar_early_retrans },
	{ "frto", &tcpvar_frto }, { "mtu_probing", &tcpvar_mtu_probing },
	{ "syn_retries", &tcpvar_syn_retries }, { "retries2", &tcpvar_retries2 },
	{ "fin_timeout", &tcpvar_fin_timeout }, { "cc", &tcpvar_cc },
	{ "max_syn_backlog", &tcpvar_max_syn_backlog }, { "dsack", &tcpvar_dsack },
	{ "tw_reuse", &tcpvar_tw_reuse }, { "slow_start_idle", &tcpvar_slow_start_idle },
	{ "synack_retries", &tcpvar_synack_retries },
};

static void
do_var(struct script *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(vars); i++) {
		if (is(s, 1, vars[i].name)) {
			complain(s, "setting", 0, netvar_set(s->s_ns, vars[i].var,
			    (int)arg(s, 2)));
			return;
		}
	}
	NEED(!"a known setting");
}

/* --- many round trips at once ------------------------------------------------------------------- */

/* There is more to send than the window takes: the buffer is not what limits us. */
static void
fill(struct script *s)
{
	struct socket *so = the_socket(s);
	struct tcpcb *tp = tcpcb_of(so);

	mutex_enter(&so->so_lock);
	so->so_snd.sb_hiwat = 64 << 20;
	so->so_snd.sb_locked_size = true;
	mutex_exit(&so->so_lock);
	while (!s->s_failed && sndbuf_end(&tp->t_snd) - tp->t_una < 3 * tp->t_cc.cc_cwnd)
		run_text(s, "write 20000\n");
}

/* Looks at all that was sent, and drops it. */
static void
drain(struct script *s)
{
	struct packet *p;
	struct tcpseg ts;
	uint8_t ecn;

	while ((p = take_sent(s)) != NULL) {
		(void)read_sent(s, p, &ts, &ecn);
		packet_free(p);
	}
}

static void
send_ack(struct script *s, uint32_t ack, uint32_t sack, uint32_t end)
{
	struct line_seg ls;
	struct tcpseg *ts = &ls.ls_seg;

	memset(&ls, 0, sizeof(ls));
	ts->ts_flags = TH_ACK;
	ts->ts_seq = PEER_ISN + 1;
	ts->ts_ack = ack;
	if (sack != end) {
		ts->ts_opts = TO_SACK;
		ts->ts_nsack = 1;
		ts->ts_sack[0] = (struct sackblk){ sack, end };
	}
	send_segment(s, &ls);
}

static void
round_trip(struct script *s, int64_t rtt, uint32_t *ret_una, uint32_t *ret_nxt)
{
	struct tcpcb *tp = tcpcb_of(the_socket(s));

	fill(s);
	s->s_plus = rtt;
	at_time(s);
	drain(s);
	*ret_una = tp->t_una;
	*ret_nxt = tp->t_nxt;
}

/* All that was sent arrived; every second segment is acknowledged. */
static void
do_rounds(struct script *s)
{
	uint32_t mss = tcpcb_of(the_socket(s))->t_mss, n = arg(s, 1), una, nxt;
	int64_t rtt = arg(s, 2) * MS;

	for (uint32_t i = 0; i < n && !s->s_failed; i++) {
		round_trip(s, rtt, &una, &nxt);
		while (una != nxt) {
			una += nxt - una < 2 * mss ? nxt - una : 2 * mss;
			send_ack(s, una, 0, 0);
		}
	}
}

/* All but the first segment arrived; that does a round trip later. */
static void
do_loss(struct script *s)
{
	uint32_t mss = tcpcb_of(the_socket(s))->t_mss, una, nxt;
	int64_t rtt = arg(s, 1) * MS;

	round_trip(s, rtt, &una, &nxt);
	for (uint32_t at = una + 2 * mss; at - una <= nxt - una; at += mss)
		send_ack(s, una, una + mss, at);
	round_trip(s, rtt, &una, &nxt);
	send_ack(s, nxt, 0, 0);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void
do_wait(struct script *s)
{
	s->s_plus = arg(s, 1) * MS;
	at_time(s);
}

static void
do_none(struct script *s)
{
	struct packet *p;
	struct tcpseg ts;
	uint8_t ecn;

	sleep_until(s, s->s_last + arg(s, 1) * MS, true);
	p = take_sent(s);
	if (p != NULL) {
		if (read_sent(s, p, &ts, &ecn))
			describe(s, &ts, p->p_time);
		packet_free(p);
	}
	complain(s, "nothing is sent", 1, p == NULL);
	s->s_last = clock_mono();
}

static const char *const state_name[TCPS_NSTATES] = {
	[TCPS_ESTABLISHED] = "ESTABLISHED", [TCPS_SYN_SENT] = "SYN_SENT",
	[TCPS_SYN_RECEIVED] = "SYN_RECEIVED", [TCPS_FIN_WAIT_1] = "FIN_WAIT_1",
	[TCPS_FIN_WAIT_2] = "FIN_WAIT_2", [TCPS_TIME_WAIT] = "TIME_WAIT",
	[TCPS_CLOSED] = "CLOSED", [TCPS_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCPS_LAST_ACK] = "LAST_ACK", [TCPS_LISTEN] = "LISTEN", [TCPS_CLOSING] = "CLOSING",
};
static const char *const castate_name[] = {
	[TCA_OPEN] = "OPEN", [TCA_DISORDER] = "DISORDER", [TCA_CWR] = "CWR",
	[TCA_RECOVERY] = "RECOVERY", [TCA_LOSS] = "LOSS",
};

static void
check_name(struct script *s, const char *got)
{
	if (!CHECK_STR(s->s_word[0], s->s_word[1], got)) {
		harness_note("at line %u", s->s_line);
		s->s_failed = true;
	}
}

/* One number, or from one to another. */
static void
within(struct script *s, const char *what, uint32_t got)
{
	uint32_t least = arg(s, 1), most = s->s_nwords > 2 ? arg(s, 2) : least;

	complain(s, what, got < least ? least : got > most ? most : got, got);
}

static void
do_look(struct script *s)
{
	struct socket *so = the_socket(s);
	struct tcpcb *tp = tcpcb_of(so);

	mutex_enter(&so->so_lock);
	if (is(s, 0, "state"))
		check_name(s, state_name[tp->t_state]);
	else if (is(s, 0, "castate"))
		check_name(s, castate_name[tp->t_castate]);
	else if (is(s, 0, "cwnd"))
		within(s, "cwnd", tp->t_cc.cc_cwnd / tp->t_mss);
	else if (is(s, 0, "ssthresh"))
		within(s, "ssthresh", tp->t_cc.cc_ssthresh / tp->t_mss);
	else if (is(s, 0, "mss"))
		complain(s, "mss", arg(s, 1), tp->t_mss);
	else if (is(s, 0, "rto"))
		complain(s, "rto", arg(s, 1), tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff) / MS);
	mutex_exit(&so->so_lock);
}

static void
do_poll(struct script *s)
{
	static const struct { const char *name; uint32_t bit; } bits[] = {
		{ "in", POLLIN }, { "out", POLLOUT }, { "hup", POLLHUP }, { "pri", POLLPRI },
	};
	struct socket *so = the_socket(s);
	uint32_t want = 0, got;

	for (unsigned int w = 1; w < s->s_nwords; w++) {
		for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
			want |= is(s, w, bits[i].name) ? bits[i].bit : 0;
	}
	mutex_enter(&so->so_lock);
	got = tcp_sockops.so_poll(so) & (POLLIN | POLLOUT | POLLHUP | POLLPRI);
	if ((so->so_state & SS_CANTRCVMORE) != 0)
		got |= POLLIN;
	mutex_exit(&so->so_lock);
	complain(s, "poll", want, got);
}

/* icmp toobig MTU SEQ, icmp unreach SEQ: about a segment of ours. */
static void
do_icmp(struct script *s)
{
	bool toobig = is(s, 1, "toobig");
	struct packet *p = packet_alloc(0);
	uint8_t b[8 + 20 + 8];
	uint16_t sum;

	at_time(s);
	NEED(p != NULL);
	memset(b, 0, sizeof(b));
	b[0] = 3;
	b[1] = toobig ? 4 : 1;
	if (toobig)
		be16_put(b + 6, (uint16_t)arg(s, 2));
	b[8] = 0x45;
	be16_put(b + 10, 1500);
	b[16] = 64;
	b[17] = IPPROTO_TCP;
	be32_put(b + 20, OURS);
	be32_put(b + 24, PEER);
	be16_put(b + 28, s->s_lport);
	be16_put(b + 30, PPORT);
	be32_put(b + 32, s->s_iss + arg(s, toobig ? 3 : 2));
	sum = packet_sum_fold(packet_sum_bytes(b, sizeof(b), 0));
	memcpy(b + 2, &sum, 2);
	NEED(packet_appendcopy(p, b, sizeof(b), 0) == 0);
	inject(s, p, IPPROTO_ICMP, 0);
}

/* --- shorthands ------------------------------------------------------------------------------------ */


/* The words behind the verb, as text. */
static void
rest_of(const struct script *s, char *buf, size_t size)
{
	buf[0] = '\0';
	for (unsigned int i = 1; i < s->s_nwords; i++) {
		if (is(s, i, "ecn"))
			continue;
		strlcat(buf, s->s_word[i], size);
		strlcat(buf, " ", size);
	}
}

/* Both sides had it in their SYNs. */
static bool
has_word(const struct script *s, const char *word)
{
	for (unsigned int i = 1; i < s->s_nwords; i++) {
		if (is(s, i, word))
			return true;
	}
	return false;
}

static void
do_handshake(struct script *s)
{
	char rest[160], text[400];
	bool ts = has_word(s, "ts"), ecn = has_word(s, "ecn");

	rest_of(s, rest, sizeof(rest));
	snprintf(text, sizeof(text), "connect\nout %s 0\n", ecn ? "SEC" : "S");
	run_text(s, text);
	s->s_ts = ts;
	snprintf(text, sizeof(text), "+100 in %s 0 ack 1 %s\nout A 1 ack 1\n",
	    ecn ? "SAE" : "SA", rest);
	run_text(s, text);
}

static void
do_server(struct script *s)
{
	char rest[160], text[400];

	rest_of(s, rest, sizeof(rest));
	s->s_ts = has_word(s, "ts");
	if (s->s_lso == NULL)
		run_text(s, "listen 5\n");
	snprintf(text, sizeof(text), "in S 0 %s\nout SA 0 ack 1\n", rest);
	run_text(s, text);
	run_text(s, "+100 in A 1 ack 1\naccept\n");
}

/* --- the loop ---------------------------------------------------------------------------------------- */

static const struct { const char *verb; void (*fn)(struct script *); } verbs[] = {
	{ "in", do_in }, { "out", do_out }, { "connect", do_connect }, { "listen", do_listen },
	{ "accept", do_accept }, { "write", do_write }, { "read", do_read }, { "eof", do_eof },
	{ "soerror", do_soerror }, { "close", do_close }, { "shutdown", do_shutdown },
	{ "opt", do_opt }, { "var", do_var }, { "wait", do_wait }, { "none", do_none },
	{ "state", do_look }, { "castate", do_look }, { "cwnd", do_look },
	{ "ssthresh", do_look }, { "rto", do_look }, { "mss", do_look }, { "poll", do_poll },
	{ "icmp", do_icmp }, { "handshake", do_handshake }, { "server", do_server },
	{ "skip", do_skip }, { "rounds", do_rounds }, { "loss", do_loss },
};

static void
run_line(struct script *s)
{
	const char *p;

	s->s_plus = -1;
	if (s->s_nwords == 0)
		return;
	if (s->s_word[0][0] == '+') {
		p = s->s_word[0] + 1;
		s->s_plus = number(&p) * MS;
		s->s_nwords--;
		memmove(s->s_word, s->s_word + 1, (s->s_nwords + 1) * sizeof(s->s_word[0]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (is(s, 0, verbs[i].verb)) {
			verbs[i].fn(s);
			return;
		}
	}
	harness_note("line %u: what is \"%s\"?", s->s_line, s->s_word[0]);
	NEED(!"a known verb");
}

/* Lines of a shorthand: they count as its own. */
static void
run_text(struct script *s, const char *text)
{
	const char *after = s->s_text;
	unsigned int line = s->s_line;

	s->s_text = text;
	while (!s->s_failed && next_line(s)) {
		s->s_line = line;
		run_line(s);
	}
	s->s_text = after;
	s->s_line = line;
}

void
tcp_script_run(const char *text)
{
	struct script *s = &the;

	memset(s, 0, sizeof(*s));
	mutex_init(&s->s_lock, "script");
	cv_init(&s->s_cv, "script");
	net_begin(s);
	s->s_lport = LPORT;
	s->s_text = text;
	s->s_last = clock_mono();
	while (!s->s_failed && next_line(s))
		run_line(s);
	close_socket(&s->s_so);
	close_socket(&s->s_lso);
	/* Whatever is under way ends by itself. */
	s->s_last = clock_mono();
	s->s_plus = 3600 * 1000 * MS;
	at_time(s);
	qsbr_barrier();
	CHECK_EQ("connections left", 0, pool_outstanding(&tcp_pool));
	if_detach(s->s_ifp);
	if_rele(s->s_ifp);
	packetq_drop(&s->s_sent);
	netns_rele(s->s_ns);
	netns_drain();
}
