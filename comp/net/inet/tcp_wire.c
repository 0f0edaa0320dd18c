/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_wire.c - bytes to struct tcpseg and back
 *
 * The list of options ends at the first one that is malformed: what came before
 * counts, what comes behind cannot be told from garbage.  Options that
 * are well-formed but have a length other than their RFC's are skipped.
 *
 * Nearly all segments of a connection carry one aligned timestamp and nothing
 * else (RFC 7323 appendix A); that form is recognised by its first word.
 */

#include "tcp_wire.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>

enum {
	OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACKOK = 4,
	OPT_SACK = 5, OPT_TIMESTAMP = 8, OPT_FASTOPEN = 34, OPT_EXPERIMENT = 254,
};

#define FASTOPEN_MAGIC	0xf989		/* RFC 7413 section 4.1.1 */
#define ALIGNED_TIMESTAMP 0x0101080a	/* NOP NOP TIMESTAMP 10 */

int
tcp_wire_header(const uint8_t *p, size_t len, struct tcpseg *ts)
{
	unsigned int hdrlen;

	if (len < TCP_HDRLEN)
		return EINVAL;
	hdrlen = (p[12] >> 4) * 4U;
	if (hdrlen < TCP_HDRLEN || hdrlen > len)
		return EINVAL;
	ts->ts_sport = be16_get(p);
	ts->ts_dport = be16_get(p + 2);
	ts->ts_seq = be32_get(p + 4);
	ts->ts_ack = be32_get(p + 8);
	ts->ts_hdrlen = (uint8_t)hdrlen;
	ts->ts_flags = p[13];
	ts->ts_wnd = be16_get(p + 14);
	ts->ts_urp = be16_get(p + 18);
	ts->ts_opts = 0;
	ts->ts_nsack = 0;
	ts->ts_cookielen = 0;
	return 0;
}

static void
read_sack(const uint8_t *v, unsigned int vlen, struct tcpseg *ts)
{
	if (vlen == 0 || vlen % 8 != 0 || vlen / 8 > TCP_MAXSACK)
		return;
	ts->ts_nsack = (uint8_t)(vlen / 8);
	for (unsigned int i = 0; i < ts->ts_nsack; i++, v += 8) {
		ts->ts_sack[i].sb_start = be32_get(v);
		ts->ts_sack[i].sb_end = be32_get(v + 4);
	}
	ts->ts_opts |= TO_SACK;
}

static void
read_cookie(const uint8_t *v, unsigned int vlen, uint8_t how, struct tcpseg *ts)
{
	if (vlen != 0 && (vlen < TCP_COOKIE_MIN || vlen > TCP_COOKIE_MAX || vlen % 2 != 0))
		return;
	memcpy(ts->ts_cookie, v, vlen);
	ts->ts_cookielen = (uint8_t)vlen;
	ts->ts_opts |= how;
}

/* One option with vlen bytes of value.  Some mean something in a SYN only. */
static void
read_option(unsigned int kind, const uint8_t *v, unsigned int vlen, struct tcpseg *ts)
{
	bool syn = (ts->ts_flags & TH_SYN) != 0;

	if (kind == OPT_TIMESTAMP && vlen == 8) {
		ts->ts_tsval = be32_get(v);
		ts->ts_tsecr = be32_get(v + 4);
		ts->ts_opts |= TO_TIMESTAMP;
	} else if (kind == OPT_SACK)
		read_sack(v, vlen, ts);
	else if (!syn)
		return;
	else if (kind == OPT_MSS && vlen == 2) {
		ts->ts_mss = be16_get(v);
		ts->ts_opts |= TO_MSS;
	} else if (kind == OPT_WSCALE && vlen == 1) {
		/* RFC 7323 section 2.3: more than 14 is taken as 14. */
		ts->ts_wscale = v[0] > TCP_MAXWSCALE ? TCP_MAXWSCALE : v[0];
		ts->ts_opts |= TO_WSCALE;
	} else if (kind == OPT_SACKOK && vlen == 0)
		ts->ts_opts |= TO_SACKOK;
	else if (kind == OPT_FASTOPEN)
		read_cookie(v, vlen, TO_FASTOPEN, ts);
	else if (kind == OPT_EXPERIMENT && vlen >= 2 && be16_get(v) == FASTOPEN_MAGIC)
		read_cookie(v + 2, vlen - 2, TO_FASTOPENEXP, ts);
}

void
tcp_wire_options(const uint8_t *p, struct tcpseg *ts)
{
	const uint8_t *o = p + TCP_HDRLEN, *end = p + ts->ts_hdrlen;

	if (ts->ts_hdrlen == TCP_HDRLEN + 12 && be32_get(o) == ALIGNED_TIMESTAMP) {
		ts->ts_tsval = be32_get(o + 4);
		ts->ts_tsecr = be32_get(o + 8);
		ts->ts_opts = TO_TIMESTAMP;
		return;
	}
	while (o < end && *o != OPT_END) {
		if (*o == OPT_NOP) {
			o++;
			continue;
		}
		if (end - o < 2 || o[1] < 2 || o[1] > end - o)
			return;
		read_option(o[0], o + 2, o[1] - 2U, ts);
		o += o[1];
	}
}

/* --- the other way --------------------------------------------------------- */

static unsigned int
cookie_length(const struct tcpseg *ts)
{
	if ((ts->ts_opts & TO_FASTOPENEXP) != 0)
		return (4U + ts->ts_cookielen + 3) & ~3U;
	if ((ts->ts_opts & TO_FASTOPEN) != 0)
		return (2U + ts->ts_cookielen + 3) & ~3U;
	return 0;
}

unsigned int
tcp_wire_length(const struct tcpseg *ts)
{
	unsigned int len = TCP_HDRLEN, opts = ts->ts_opts;

	if (likely(opts == TO_TIMESTAMP))
		return TCP_HDRLEN + 12;
	if ((opts & TO_MSS) != 0)
		len += 4;
	if ((opts & TO_TIMESTAMP) != 0)
		len += 12;
	else if ((opts & TO_SACKOK) != 0)
		len += 4;
	if ((opts & TO_WSCALE) != 0)
		len += 4;
	len += cookie_length(ts);
	if ((opts & TO_SACK) != 0)
		len += 4 + 8U * ts->ts_nsack;
	return len;
}

static uint8_t *
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
	return p + 4;
}

static uint8_t *
put_cookie(uint8_t *p, const struct tcpseg *ts)
{
	unsigned int used = 2U + ts->ts_cookielen;

	if ((ts->ts_opts & TO_FASTOPENEXP) != 0) {
		used += 2;
		*p++ = OPT_EXPERIMENT;
		*p++ = (uint8_t)used;
		p = put16(p, FASTOPEN_MAGIC);
	} else {
		*p++ = OPT_FASTOPEN;
		*p++ = (uint8_t)used;
	}
	memcpy(p, ts->ts_cookie, ts->ts_cookielen);
	p += ts->ts_cookielen;
	for (; used % 4 != 0; used++)
		*p++ = OPT_NOP;
	return p;
}

static uint8_t *
put_options(uint8_t *o, const struct tcpseg *ts)
{
	if ((ts->ts_opts & TO_MSS) != 0)
		o = put32(o, (uint32_t)OPT_MSS << 24 | 4 << 16 | ts->ts_mss);
	if ((ts->ts_opts & TO_TIMESTAMP) != 0) {
		/* SACK permitted takes the place of the padding. */
		o = put32(o, (ts->ts_opts & TO_SACKOK) != 0 ?
		    (uint32_t)OPT_SACKOK << 24 | 2 << 16 | OPT_TIMESTAMP << 8 | 10 :
		    ALIGNED_TIMESTAMP);
		o = put32(put32(o, ts->ts_tsval), ts->ts_tsecr);
	} else if ((ts->ts_opts & TO_SACKOK) != 0)
		o = put32(o, (uint32_t)OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACKOK << 8 | 2);
	if ((ts->ts_opts & TO_WSCALE) != 0)
		o = put32(o, (uint32_t)OPT_NOP << 24 | OPT_WSCALE << 16 | 3 << 8 |
		    ts->ts_wscale);
	if ((ts->ts_opts & (TO_FASTOPEN | TO_FASTOPENEXP)) != 0)
		o = put_cookie(o, ts);
	if ((ts->ts_opts & TO_SACK) != 0) {
		o = put32(o, (uint32_t)OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK << 8 |
		    (2 + 8U * ts->ts_nsack));
		for (unsigned int i = 0; i < ts->ts_nsack; i++)
			o = put32(put32(o, ts->ts_sack[i].sb_start),
			    ts->ts_sack[i].sb_end);
	}
	return o;
}

void
tcp_wire_build(uint8_t *p, struct tcpseg *ts)
{
	const uint8_t *end;

	ts->ts_hdrlen = (uint8_t)tcp_wire_length(ts);
	KASSERT(ts->ts_hdrlen <= TCP_MAXHDR);
	put16(p, ts->ts_sport);
	put16(p + 2, ts->ts_dport);
	put32(p + 4, ts->ts_seq);
	put32(p + 8, ts->ts_ack);
	p[12] = (uint8_t)(ts->ts_hdrlen / 4 << 4);
	p[13] = ts->ts_flags;
	put16(p + 14, ts->ts_wnd);
	put16(p + 16, 0);
	put16(p + 18, ts->ts_urp);
	end = put_options(p + TCP_HDRLEN, ts);
	KASSERT(end == p + ts->ts_hdrlen);
	(void)end;
}
