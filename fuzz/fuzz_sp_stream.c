/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_sp_stream.c - clients of a server that share no memory with it and say anything
 *
 * An input is a list of steps of a few clients, see step(): sessions, channels,
 * bells and parcels of theirs, which are connections each; messages that are whole, in
 * pieces, longer or shorter than they say; answers to questions that were asked and
 * that were not; requests; bytes without sense; and the end of any connection at any time.
 *
 * What comes back is looked at: a reply must be as long as it says, and what was
 * written must lie in the segments that the call had.  Between inputs an honest client
 * sends a mark through a channel of its own, whose memory others get next: none of
 * them may ever see it.  At the end nothing is left of the clients.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <asm/unistd.h>
#include <rump/rump.h>
#include <rump/rumpuser.h>

#include "input.h"
#include "sppeer.h"

#define NPLAYERS	3
#define NCHANNELS	3
#define USER		1000
#define STEPS_MAX	200
#define SCRATCHSIZE	(SP_AREA - (192u << 10))
#define DATA_MAX	4096
#define SEGS_MAX	24

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A connection of a session: a channel, a bell or a parcel; the first is the session's own. */
struct wire {
	struct rumpsim_client *w_client;
	bool		 w_channel;
	bool		 w_clean;	/* nothing was sent yet that breaks the rules */
	unsigned int	 w_nsegs;	/* of the call under way */
	struct sp_seg	 w_seg[SEGS_MAX];
	struct sp_msg	 w_asked;	/* m_type 0: nothing */
};

struct player {
	struct wire	 pl_wire[1 + NCHANNELS];
	uint8_t		 pl_secret[SP_SECRET];	/* of the session */
	uint8_t		 pl_ticket[SP_SECRET];	/* that it asked for last */
};

static const char mark[] = "a mark that nobody else may see";
static struct player players[NPLAYERS];
static struct rumpsim_usage before;
static uint8_t heard[65536];
static uint8_t parcel[SP_SECRET];	/* what the kernel wrote last that is as long as one's */

static void
need(bool held, const char *what)
{
	if (!held) {
		fprintf(stderr, "fuzz_sp_stream: %s\n", what);
		abort();
	}
}

/* --- the input -------------------------------------------------------------------- */

/* Numbers that are worth trying as addresses, lengths and descriptors. */
static uint64_t
take_number(struct input *in)
{
	static const uint64_t odd[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 4095, 4096,
	    65536, 0x7fffffff, 0xffffffff, 1ULL << 47, INT64_MAX, UINT64_MAX,
	    0x10000, 0x10100, 0x20000, 0x2fff8, 0x30000 };
	uint32_t which = take(in, 1);

	if (which < sizeof(odd) / sizeof(odd[0]))
		return odd[which];
	return which < 128 ? which : (uint64_t)take(in, 4) << (which & 31);
}

/* --- what comes back ------------------------------------------------------------------ */

static void
mark_look(const uint8_t *p, size_t len)
{
	need(memmem(p, len, mark, sizeof(mark)) == NULL,
	    "a client sees what another one sent");
}

/* The pieces that a reply says were written. */
static void
reply_check(const struct wire *w, const struct sp_msg *m, const uint8_t *data)
{
	size_t sum = m->m_nsegs * sizeof(struct sp_written);
	struct sp_written wr;

	need(sum <= m->m_turn, "a table without end");
	for (unsigned int i = 0; i < m->m_nsegs; i++) {
		memcpy(&wr, data + i * sizeof(wr), sizeof(wr));
		need(wr.wr_seg < w->w_nsegs && wr.wr_lo < wr.wr_hi &&
		    wr.wr_hi <= w->w_seg[wr.wr_seg].s_len &&
		    (w->w_seg[wr.wr_seg].s_off & SP_SEG_OUT) != 0,
		    "what was written is not in a segment");
		sum += wr.wr_hi - wr.wr_lo;
	}
	need(sum == m->m_turn, "a reply of another length than it says");
}

/* False: it ends in the middle, as the connection has. */
static bool
message_hear(struct wire *w, const uint8_t *p, size_t len, size_t *ret_len)
{
	struct sp_msg m;

	if (len < sizeof(m))
		return false;
	memcpy(&m, p, sizeof(m));
	need(m.m_turn <= SP_AREA, "a message without end");
	if (len - sizeof(m) < m.m_turn)
		return false;
	need(m.m_type >= SP_REPLY && m.m_type <= SP_TOUCH, "no message of a server's");
	if (m.m_type == SP_REPLY && w->w_clean)
		reply_check(w, &m, p + sizeof(m));
	need(m.m_type == SP_REPLY || m.m_type == SP_COPYOUT || m.m_turn == 0,
	    "bytes that belong to nothing");
	need(m.m_type != SP_COPYOUT || m.m_turn == m.m_arg[1], "half of a copy");
	if (m.m_type == SP_COPYOUT && m.m_turn == SP_SECRET)
		memcpy(parcel, p + sizeof(m), SP_SECRET);
	w->w_asked = m;
	*ret_len = sizeof(m) + m.m_turn;
	return true;
}

static void
hear(struct wire *w)
{
	size_t n, at = 0, len;

	rumpsim_settle();
	n = rumpsim_client_recv(w->w_client, heard, sizeof(heard));
	mark_look(heard, n);
	while (w->w_channel && at < n && message_hear(w, heard + at, n - at, &len))
		at += len;
}

/* --- steps ------------------------------------------------------------------------------ */

static void
wire_end(struct wire *w)
{
	if (w->w_client != NULL)
		rumpsim_client_close(w->w_client);
	memset(w, 0, sizeof(*w));
}

static void
player_end(struct player *pl)
{
	for (unsigned int i = 0; i < 1 + NCHANNELS; i++)
		wire_end(&pl->pl_wire[i]);
	memset(pl, 0, sizeof(*pl));
}

static bool
wire_greet(struct wire *w, const struct sp_hello *h, struct sp_welcome *welcome)
{
	(void)rumpsim_client_send(w->w_client, h, sizeof(*h), false);
	rumpsim_settle();
	w->w_clean = true;
	return rumpsim_client_recv(w->w_client, welcome, sizeof(*welcome)) ==
	    sizeof(*welcome) && welcome->w_error == 0;
}

/* The session, or one more connection of it; or of somebody else's. */
static void
do_connect(struct player *pl, struct wire *w, struct input *in)
{
	static const unsigned int kinds[] = { SP_CHANNEL, SP_CHANNEL, SP_BELL,
	    SP_PARCEL, SP_FORK, SP_GUEST, SP_EXEC, SP_CHANNEL };
	uint32_t how = take(in, 1);
	struct sp_welcome welcome;
	struct sp_hello h;
	bool first = w == &pl->pl_wire[0];

	wire_end(w);
	if (rumpsim_client_connect(USER + (how & 0x40 ? 1 : 0), &w->w_client) != 0)
		return;
	sppeer_hello(&h, first && (how & 7) < 6 ? SP_GUEST : kinds[how & 7]);
	h.h_features = how & 0x20 ? take(in, 1) : 0;
	memcpy(h.h_secret, h.h_kind == SP_PARCEL ? parcel : h.h_kind == SP_FORK ? pl->pl_ticket :
	    how & 0x10 ? players[0].pl_secret : pl->pl_secret, SP_SECRET);
	if (how & 0x80)
		spoil(in, 3, &h, sizeof(h));
	if (!wire_greet(w, &h, &welcome))
		return;
	w->w_channel = h.h_kind == SP_CHANNEL;
	if (first)
		memcpy(pl->pl_secret, welcome.w_secret, SP_SECRET);
}

/* Another program goes on with the session. */
static void
successor(struct player *pl, struct wire *w)
{
	struct sp_welcome welcome;
	struct sp_hello h;

	sppeer_hello(&h, SP_EXEC);
	h.h_features = 0;
	if (wire_greet(w, &h, &welcome))
		memcpy(pl->pl_secret, welcome.w_secret, SP_SECRET);
}

static void
do_request(struct player *pl, struct wire *w, struct input *in)
{
	uint32_t op = take(in, 1);
	struct sp_ctl ctl = { .c_op = op % 11, .c_arg = take(in, 1),
	    .c_seq2 = take(in, 1) };

	memcpy(ctl.c_secret, pl->pl_ticket, sizeof(ctl.c_secret));
	if (op & 0x80)
		spoil(in, 3, &ctl, sizeof(ctl));
	w->w_clean = false;
	(void)rumpsim_client_send(w->w_client, &ctl, sizeof(ctl), (op & 0x20) != 0);
	if (ctl.c_op == SP_EXECUTED) {
		successor(pl, w);
		return;
	}
	rumpsim_settle();
	if (rumpsim_client_recv(w->w_client, &ctl, sizeof(ctl)) == sizeof(ctl) &&
	    ctl.c_op == SP_PREFORK)
		memcpy(pl->pl_ticket, ctl.c_secret, sizeof(ctl.c_secret));
}

/* In one piece, or with something else in between. */
static void
wire_send(struct wire *w, const void *buf, size_t len, uint32_t cut)
{
	const uint8_t *p = buf;
	size_t first = cut == 0 || cut >= len ? len : cut;

	(void)rumpsim_client_send(w->w_client, p, first, false);
	if (first == len)
		return;
	rumpsim_settle();
	(void)rumpsim_client_send(w->w_client, p + first, len - first, false);
}

/* A table of segments at the beginning, then what is in them. */
static void
do_call(struct wire *w, struct input *in)
{
	static uint8_t room[sizeof(struct sp_msg) + DATA_MAX];
	struct sp_msg m = { .m_type = SP_CALL };
	uint32_t nr = take(in, 2), how = take(in, 1), nsegs = (how & 31) % SEGS_MAX, more;
	size_t table = nsegs * sizeof(struct sp_seg);

	/* The kernel shall be there for the next input; it is no user's to end. */
	m.m_nr = nr < 0x8000 ? nr % 460 : SP_NR_NOTIFY + nr % 8;
	m.m_nsegs = (uint16_t)nsegs;
	for (unsigned int i = 0; i < 6; i++)
		m.m_arg[i] = take_number(in);
	for (unsigned int i = 0; i < nsegs && in->i_left > 0; i++)
		w->w_seg[i] = (struct sp_seg){ .s_addr = take_number(in),
		    .s_len = (uint32_t)take_number(in),
		    .s_off = (uint32_t)take_number(in) << 3 | take(in, 1) % 4 };
	w->w_nsegs = nsegs;
	more = take(in, 1) * 4;
	m.m_turn = (uint32_t)(table + more);
	memset(room, 0x5a, sizeof(room));
	memcpy(room + sizeof(m), w->w_seg, table);
	take_bytes(in, room + sizeof(m) + table, take(in, 1) % (more + 1));
	if ((how & 0xc0) == 0xc0) {
		spoil(in, 3, &m, sizeof(m));
		w->w_clean = false;
	}
	if (m.m_nr >= SP_NR_NOTIFY + 8)
		m.m_nr %= 460;
	memcpy(room, &m, sizeof(m));
	wire_send(w, room, sizeof(m) + table + more, how & 0x20 ? take(in, 1) : 0);
}

/* To what was asked, as long as it must be or not. */
static void
do_answer(struct wire *w, struct input *in)
{
	static uint8_t room[sizeof(struct sp_msg) + SCRATCHSIZE];
	uint32_t how = take(in, 1);
	uint64_t len = w->w_asked.m_arg[1] < 8192 ? w->w_asked.m_arg[1] : 8192;
	struct sp_msg m = { .m_type = SP_ANSWER, .m_arg = { how & 1 } };

	if (w->w_asked.m_type != SP_COPYIN && w->w_asked.m_type != SP_COPYINSTR)
		len = 0;
	if (w->w_asked.m_type == SP_COPYINSTR && len > 64)
		len = 64;
	m.m_arg[1] = how & 2 ? take_number(in) : len;
	if (how & 4)
		len = take(in, 2) % SCRATCHSIZE;
	m.m_turn = (uint32_t)len;
	memset(room, 0, sizeof(room));
	memset(room + sizeof(m), '/', len / 2);
	if (w->w_asked.m_type == SP_COPYIN && len == SP_SECRET)
		memcpy(room + sizeof(m), parcel, SP_SECRET);
	take_bytes(in, room + sizeof(m), how & 8 ? take(in, 1) % (len + 1) : 0);
	if (how & 0x80)
		spoil(in, 3, &m, sizeof(m));
	if (w->w_asked.m_type < SP_COPYIN || (how & 0x86))
		w->w_clean = false;
	memcpy(room, &m, sizeof(m));
	w->w_asked.m_type = 0;
	wire_send(w, room, sizeof(m) + len, how & 0x10 ? take(in, 1) : 0);
}

static void
do_bytes(struct wire *w, struct input *in)
{
	uint8_t buf[256] = { 0 };
	uint32_t len = take(in, 1);

	take_bytes(in, buf, len);
	w->w_clean = false;
	(void)rumpsim_client_send(w->w_client, buf, len, (len & 1) != 0);
}

static void
step(struct input *in)
{
	uint32_t what = take(in, 1);
	struct player *pl = &players[(what >> 4 & 3) % NPLAYERS];
	struct wire *w = &pl->pl_wire[what >> 6];

	what &= 15;
	if (w->w_client == NULL) {
		do_connect(pl, w, in);
		return;
	}
	switch (what) {
	case 0: do_connect(pl, w, in); break;
	case 1: do_bytes(w, in); break;
	case 2: case 3: do_request(pl, w, in); break;
	case 4: rumpsim_advance((int64_t)take(in, 1) * 50000000); break;
	case 5: wire_end(w); break;
	case 6: player_end(pl); break;
	case 7: case 8: hear(w); break;
	case 9: case 10: do_answer(w, in); hear(w); break;
	default: do_call(w, in); hear(w); break;
	}
}

/* --- an honest client --------------------------------------------------------------------- */

static long
honest_call(struct wire *w, const struct sp_msg *call, const void *data)
{
	struct sp_msg m = *call;

	m.m_type = SP_CALL;
	need(rumpsim_client_send(w->w_client, &m, sizeof(m), false) == sizeof(m) &&
	    rumpsim_client_send(w->w_client, data, m.m_turn, false) == m.m_turn,
	    "the honest client cannot speak");
	for (unsigned int i = 0; i < 100; i++) {
		rumpsim_settle();
		if (rumpsim_client_recv(w->w_client, &m, sizeof(m)) == sizeof(m)) {
			need(m.m_type == SP_REPLY && m.m_turn == 0, "an odd reply");
			return (long)m.m_arg[0];
		}
	}
	need(false, "the honest client is not served");
	return 0;
}

/* A channel full of marks, which is gone afterwards. */
static void
honest(void)
{
	static uint8_t data[8192];
	struct sp_seg seg[2] = {
		{ .s_addr = 0x10000, .s_len = 16, .s_off = 64 | SP_SEG_IN },
		{ .s_addr = 0x20000, .s_len = 8000, .s_off = 128 | SP_SEG_IN },
	};
	struct sp_msg m = { .m_nr = __NR_memfd_create, .m_arg = { 0x10000 },
	    .m_nsegs = 2, .m_turn = sizeof(data) };
	struct player pl = { .pl_secret = { 0 } };
	struct input none = { NULL, 0 };
	long fd;

	do_connect(&pl, &pl.pl_wire[0], &none);
	do_connect(&pl, &pl.pl_wire[1], &none);
	need(pl.pl_wire[1].w_channel, "the honest client gets no channel");
	for (size_t i = 0; i + sizeof(mark) <= sizeof(data); i += sizeof(mark))
		memcpy(data + i, mark, sizeof(mark));
	memcpy(data, seg, sizeof(seg));
	memcpy(data + 64, "file", 5);
	fd = honest_call(&pl.pl_wire[1], &m, data);
	need(fd >= 0, "the honest client cannot open a file");
	m.m_nr = __NR_write;
	m.m_arg[0] = (uint64_t)fd;
	m.m_arg[1] = 0x20000;
	m.m_arg[2] = 8000;
	need(honest_call(&pl.pl_wire[1], &m, data) == 8000,
	    "the honest client cannot write");
	player_end(&pl);
}

/* --- before and after --------------------------------------------------------------------- */

static void
settle(struct rumpsim_usage *now)
{
	for (unsigned int i = 0; i < 100; i++) {
		rumpsim_settle();
		rumpsim_usage(now);
		if (now->su_threads == before.su_threads && now->su_fds == before.su_fds)
			break;
		rumpsim_advance(100 * 1000000);
	}
}

static void
start(void)
{
	static bool started;
	struct rumpsim_usage now;

	if (started)
		return;
	started = true;
	need(rump_init() == 0, "boot");
	need(rump_init_server("unix+stream://@fuzz") == 0, "server");
	honest();
	settle(&now);
	rumpsim_usage(&before);
}

/* All are gone, or it takes too long. */
static void
finish(void)
{
	struct rumpsim_usage now;

	for (unsigned int i = 0; i < NPLAYERS; i++)
		player_end(&players[i]);
	honest();
	settle(&now);
	need(now.su_threads <= before.su_threads, "threads are left");
	need(now.su_fds == before.su_fds, "descriptors are left");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	start();
	memset(parcel, 0, sizeof(parcel));
	for (unsigned int i = 0; i < STEPS_MAX && in.i_left > 0; i++)
		step(&in);
	finish();
	return 0;
}
