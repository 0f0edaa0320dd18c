/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script_segment.c - segments of packet scripts: "in" and "out"
 */

#include "tcp_script_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/tcp.h>

static uint8_t data[MAXDATA];

/* --- segments ---------------------------------------------------------------------------- */

static void
parse_sack(const struct script *s, const char *w, struct tcpseg *ts, uint32_t base)
{
	ts->ts_nsack = 0;
	for (;;) {
		NEED(ts->ts_nsack < TCP_MAXSACK);
		ts->ts_sack[ts->ts_nsack].sb_start = base + script_number(&w);
		NEED(*w++ == ':');
		ts->ts_sack[ts->ts_nsack++].sb_end = base + script_number(&w);
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
	    (field) = (__typeof__(field))((base) + script_arg(s, ++*ip)), true) : false)
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
			ts->ts_cookielen = (uint8_t)script_arg(s, ++*ip);
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
		ts->ts_seq = script_number(&w) + (in ? PEER_ISN : s->s_iss);
	if (*w == '+') {
		w++;
		ts->ts_len = script_number(&w);
	}
	for (i += 2; i < s->s_nwords; i++)
		parse_option(s, &i, ls, in);
}

void
script_send_segment(struct script *s, struct line_seg *ls)
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
		data[i] = script_octet(at + i);
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
	script_inject(s, p, IPPROTO_TCP, ls->ls_ce ? 3 : 0);
}

void
do_in(struct script *s)
{
	struct line_seg ls;

	script_at_time(s);
	parse_segment(s, 1, &ls, true);
	script_send_segment(s, &ls);
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

void
script_describe(struct script *s, const struct tcpseg *ts, int64_t at)
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

bool
script_read_sent(struct script *s, struct packet *p, struct tcpseg *ts, uint8_t *ret_ecn)
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
	script_complain(s, "checksum", 0, packet_sum_fold(packet_sum(p, 0, p->p_len,
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
		if (data[i] != script_octet(at + i)) {
			script_complain(s, "data", script_octet(at + i), data[i]);
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

	script_complain(s, "flags", want->ts_flags, ts->ts_flags & ~mask);
	if (!ls->ls_anyseq)
		script_complain(s, "sequence number", want->ts_seq - s->s_iss, ts->ts_seq - s->s_iss);
	script_complain(s, "length", want->ts_len, ts->ts_len);
	if (ls->ls_ack)
		script_complain(s, "ack", want->ts_ack - PEER_ISN, ts->ts_ack - PEER_ISN);
	if (ls->ls_win && ls->ls_minwin == 0)
		script_complain(s, "window", ls->ls_wnd, wnd);
	if (ls->ls_minwin != 0)
		script_complain(s, "window is wide enough", 1, wnd >= ls->ls_minwin);
	if (ls->ls_mss)
		script_complain(s, "mss", want->ts_mss, (ts->ts_opts & TO_MSS) != 0 ? ts->ts_mss : -1);
	if (ls->ls_ws)
		script_complain(s, "window scale", 1, (ts->ts_opts & TO_WSCALE) != 0);
	if (ls->ls_sackok)
		script_complain(s, "sack permitted", 1, (ts->ts_opts & TO_SACKOK) != 0);
	if (ls->ls_ts || ls->ls_nots)
		script_complain(s, "timestamp", ls->ls_ts, (ts->ts_opts & TO_TIMESTAMP) != 0);
	if (ls->ls_tsecr)
		script_complain(s, "echoed timestamp", want->ts_tsecr, ts->ts_tsecr);
	if (ls->ls_urp)
		script_complain(s, "urgent pointer", want->ts_urp, ts->ts_urp);
	if (ls->ls_ect || ls->ls_notect)
		script_complain(s, "ECT", ls->ls_ect ? 2 : 0, ecn);
	if (ls->ls_tfo)
		script_complain(s, "cookie", want->ts_cookielen,
		    (ts->ts_opts & TO_FASTOPEN) != 0 ? ts->ts_cookielen : -1);
	if ((want->ts_opts & TO_SACK) != 0) {
		script_complain(s, "sack blocks", want->ts_nsack, ts->ts_nsack);
		for (unsigned int i = 0; i < want->ts_nsack && i < ts->ts_nsack; i++) {
			script_complain(s, "sack start", want->ts_sack[i].sb_start - PEER_ISN,
			    ts->ts_sack[i].sb_start - PEER_ISN);
			script_complain(s, "sack end", want->ts_sack[i].sb_end - PEER_ISN,
			    ts->ts_sack[i].sb_end - PEER_ISN);
		}
	}
}

void
do_out(struct script *s)
{
	int64_t due = s->s_last + (s->s_plus > 0 ? s->s_plus : 0), at;
	int64_t tolerance = 2 * MS + (s->s_plus > 0 ? s->s_plus / 20 : 0);
	struct line_seg ls;
	struct tcpseg ts;
	struct packet *p;
	uint8_t ecn;

	script_sleep(s, due + tolerance, true);
	p = script_take_sent(s);
	if (p == NULL) {
		harness_note("line %u: nothing was sent", s->s_line);
		script_complain(s, "a segment", 1, 0);
		return;
	}
	at = p->p_time;
	memset(&ts, 0, sizeof(ts));
	if (script_read_sent(s, p, &ts, &ecn)) {
		parse_segment(s, 1, &ls, false);
		compare(s, &ls, &ts, ecn);
		script_complain(s, "in time", 1, at >= due - tolerance && at <= due + tolerance);
	}
	if (s->s_failed)
		script_describe(s, &ts, at);
	packet_free(p);
	s->s_last = at;
}
