/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_sp_server.c - clients of a server that say and do anything
 *
 * An input is a list of steps of a few clients, see step(): connections and
 * hellos, good or not; requests with descriptors and without; what is in
 * slots, segments and areas; whose turn it is; answers to questions; and the
 * end at any time.  One step arms the scribbler, which changes a word of the
 * shared memory whenever the kernel copies something: what it looks at twice
 * is not the same the second time.
 *
 * An honest client makes a call after each input and must be served; then all the
 * others are gone, and the kernel has no more threads and descriptors than before.
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

#define NPEERS		4
#define USER		1000
#define STEPS_MAX	200

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int	__real_rumpuser_copy(void *to, const void *from, size_t len);
int	__wrap_rumpuser_copy(void *to, const void *from, size_t len);

struct player {
	struct sppeer	 pl_peer;
	uint8_t		 pl_slots;	/* opened so far */
	uint8_t		 pl_secret[SP_SECRET];	/* the latest ticket's */
};

static struct player players[NPEERS];
static struct sppeer honest;
static unsigned int honest_slot;
static struct rumpsim_usage before;

/* What the scribbler does: n times, at the same distance from each other. */
static struct {
	uint8_t		*s_at;
	uint32_t	 s_value;
	uint32_t	 s_stride;
	unsigned int	 s_n;
} scribbler;

static void
need(bool held, const char *what)
{
	if (!held) {
		fprintf(stderr, "fuzz_sp_server: %s\n", what);
		abort();
	}
}

int
__wrap_rumpuser_copy(void *to, const void *from, size_t len)
{
	int error = __real_rumpuser_copy(to, from, len);

	if (scribbler.s_n > 0) {
		scribbler.s_n--;
		memcpy(scribbler.s_at, &scribbler.s_value, sizeof(scribbler.s_value));
		scribbler.s_at += scribbler.s_stride;
		scribbler.s_value = scribbler.s_value * 5 + 1;
	}
	return error;
}

/* --- the input -------------------------------------------------------------------- */

/* Numbers that are worth trying as addresses, lengths and descriptors. */
static uint64_t
take_number(struct input *in)
{
	static const uint64_t odd[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 4095, 4096,
	    65536, 0x7fffffff, 0xffffffff, 1ULL << 47, INT64_MAX, UINT64_MAX,
	    0x10000, 0x10100, 0x20000, 0x2fff8 };
	uint32_t which = take(in, 1);

	if (which < sizeof(odd) / sizeof(odd[0]))
		return odd[which];
	return which < 128 ? which : (uint64_t)take(in, 4) << (which & 31);
}

/* --- steps ------------------------------------------------------------------------------ */

static void
do_connect(struct player *pl, struct input *in)
{
	struct rumpsim_client *rc;

	if (pl->pl_peer.p_client != NULL)
		return;
	if (rumpsim_client_connect(USER + take(in, 1) % 2, &rc) == 0)
		pl->pl_peer = (struct sppeer){ .p_client = rc };
}

static void
do_hello(struct player *pl, struct input *in)
{
	struct sp_hello h;
	uint32_t kind = take(in, 1);

	sppeer_hello(&h, 1 + kind % 6);
	memcpy(h.h_secret, pl->pl_secret, sizeof(h.h_secret));
	if (kind & 0x80)
		spoil(in, 3, &h, sizeof(h));
	(void)sppeer_greet(&pl->pl_peer, &h);
}

static void
do_bytes(struct player *pl, struct input *in)
{
	uint8_t buf[256] = { 0 };
	uint32_t len = take(in, 1);

	take_bytes(in, buf, len);
	(void)rumpsim_client_send(pl->pl_peer.p_client, buf, len, (len & 1) != 0);
}

static void
do_request(struct player *pl, struct input *in)
{
	uint32_t op = take(in, 1);
	struct sp_ctl ctl = { .c_op = op % 12, .c_arg = take(in, 1),
	    .c_seq2 = take(in, 1) };

	memcpy(ctl.c_secret, pl->pl_secret, sizeof(ctl.c_secret));
	if (op & 0x80)
		spoil(in, 3, &ctl, sizeof(ctl));
	if (ctl.c_op == SP_INTERRUPT || ctl.c_op == SP_EXECUTED || (op & 0x40)) {
		(void)rumpsim_client_send(pl->pl_peer.p_client, &ctl, sizeof(ctl),
		    (op & 0x20) != 0);
		return;
	}
	if (sppeer_ctl(&pl->pl_peer, &ctl, (op & 0x20) != 0) != 0)
		return;
	if (ctl.c_op == SP_PREFORK)
		memcpy(pl->pl_secret, ctl.c_secret, sizeof(ctl.c_secret));
	if (ctl.c_op == SP_SLOT_OPEN)
		pl->pl_slots++;
}

static void
do_call(struct player *pl, struct input *in)
{
	unsigned int slot = take(in, 1) % (pl->pl_slots + 1u);
	struct sp_slot *sl = sppeer_slot_of(&pl->pl_peer, slot);
	uint32_t nr = take(in, 2), how = take(in, 1), nsegs = how % 20, where;
	struct sp_seg *seg;

	/* The table is at the beginning, in the other half, or where nobody expects it. */
	where = how < 0x80 ? 0 : how < 0xc0 ? 96u << 10 : take(in, 1) << 10 | take(in, 1);
	seg = (struct sp_seg *)(void *)(sppeer_area(&pl->pl_peer, slot) +
	    (where <= SP_AREA - 20 * sizeof(*seg) ? where & ~7u : 0));

	/* The kernel shall be there for the next input; it is no user's to end. */
	sl->sl_msg.m_type = SP_CALL;
	sl->sl_msg.m_nr = nr < 0x8000 ? nr % 460 : SP_NR_NOTIFY + nr % 8;
	sl->sl_msg.m_nsegs = (uint16_t)nsegs;
	sl->sl_msg.m_segs = where;
	for (unsigned int i = 0; i < 6; i++)
		sl->sl_msg.m_arg[i] = take_number(in);
	for (unsigned int i = 0; i < nsegs && in->i_left > 0; i++)
		seg[i] = (struct sp_seg){ .s_addr = take_number(in),
		    .s_len = (uint32_t)take_number(in),
		    .s_off = (uint32_t)take_number(in) << 3 | take(in, 1) % 4 };
	(void)sppeer_give(&pl->pl_peer, slot);
}

static void
do_answer(struct player *pl, struct input *in)
{
	unsigned int slot = take(in, 1) % (pl->pl_slots + 1u);
	struct sp_slot *sl = sppeer_slot_of(&pl->pl_peer, slot);

	sl->sl_msg.m_type = SP_ANSWER;
	sl->sl_msg.m_arg[0] = take(in, 1) % 3 == 1;
	sl->sl_msg.m_arg[1] = take_number(in);
	(void)sppeer_give(&pl->pl_peer, slot);
}

static void
do_area(struct player *pl, struct input *in)
{
	unsigned int slot = take(in, 1) % (pl->pl_slots + 1u);
	uint32_t off = take(in, 1) * 1024, len = take(in, 1);

	take_bytes(in, sppeer_area(&pl->pl_peer, slot) + off, len);
}

static void
do_turn(struct player *pl, struct input *in)
{
	unsigned int slot = take(in, 1) % (pl->pl_slots + 1u);
	struct sp_slot *sl = sppeer_slot_of(&pl->pl_peer, slot);
	uint32_t how = take(in, 1), value = how & 0x80 ? take(in, 4) :
	    how & 0x40 ? sl->sl_alive : 0;

	if (how & 1)
		value ^= SP_WAITER;
	if (how & 2)
		value ^= SP_DIED;
	if (how & 4)
		sl->sl_alive = value;
	else
		__atomic_store_n(&sl->sl_msg.m_turn, value, __ATOMIC_SEQ_CST);
	if (how & 8)
		(void)rumpuser_unpark(&sl->sl_msg.m_turn, 1, RUMPUSER_PARK_SHARED);
}

static void
do_scribbler(struct player *pl, struct input *in)
{
	unsigned int slot = take(in, 1) % (pl->pl_slots + 1u);
	uint32_t where = take(in, 2), off;

	/* The message, the table of segments, or any place of the area. */
	off = where & 0x8000 ? where % (sizeof(struct sp_msg) - 3) : 0;
	scribbler.s_at = where & 0x8000 ?
	    (uint8_t *)sppeer_slot_of(&pl->pl_peer, slot) + off :
	    sppeer_area(&pl->pl_peer, slot) + where;
	scribbler.s_value = (uint32_t)take_number(in);
	scribbler.s_n = take(in, 1) % 32;
	scribbler.s_stride = where & 0x8000 ? 0 : take(in, 1) % 64;
}

static void
do_end(struct player *pl)
{
	scribbler.s_n = 0;
	sppeer_close(&pl->pl_peer);
	memset(pl, 0, sizeof(*pl));
}

static void
step(struct input *in)
{
	uint32_t what = take(in, 1);
	struct player *pl = &players[what >> 4 & 3];

	what &= 15;
	if (what == 0 || pl->pl_peer.p_client == NULL) {
		do_connect(pl, in);
		return;
	}
	pl->pl_peer.p_region = rumpsim_client_memory(pl->pl_peer.p_client);
	if (what >= 8 && pl->pl_peer.p_region == NULL)
		what &= 3;
	switch (what) {
	case 1: case 0: do_hello(pl, in); break;
	case 2:	do_bytes(pl, in); break;
	case 3: rumpsim_settle(); break;
	case 4:	do_request(pl, in); break;
	case 5:	rumpsim_advance((int64_t)take(in, 1) * 50000000); break;
	case 6:	do_end(pl); break;
	case 8: case 9: case 10: do_call(pl, in); break;
	case 11: do_answer(pl, in); break;
	case 12: do_area(pl, in); break;
	case 13: do_turn(pl, in); break;
	case 14: do_scribbler(pl, in); break;
	case 15: rumpsim_settle(); break;
	default: do_request(pl, in); break;
	}
}

/* --- before and after --------------------------------------------------------------------- */

static void
start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	need(rump_init() == 0, "boot");
	need(rump_init_server("unix://@fuzz") == 0, "server");
	need(sppeer_connect(&honest, USER, SP_GUEST, NULL) == 0, "honest client");
	need(sppeer_slot(&honest, &honest_slot) == 0, "honest client's slot");
	rumpsim_settle();
	rumpsim_usage(&before);
}

/* All are gone, or it takes too long. */
static void
finish(void)
{
	struct rumpsim_usage now;

	for (unsigned int i = 0; i < NPEERS; i++) {
		if (players[i].pl_peer.p_client != NULL)
			do_end(&players[i]);
	}
	for (unsigned int i = 0; i < 100; i++) {
		rumpsim_settle();
		rumpsim_usage(&now);
		if (now.su_threads == before.su_threads && now.su_fds == before.su_fds)
			break;
		rumpsim_advance(100 * 1000000);
	}
	need(now.su_threads <= before.su_threads, "threads are left");
	need(now.su_fds == before.su_fds, "descriptors are left");
	need(sppeer_call(&honest, honest_slot, __NR_getpid, 0, 0, 0) ==
	    honest.p_welcome.w_pid, "the honest client is not served");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	start();
	for (unsigned int i = 0; i < STEPS_MAX && in.i_left > 0; i++)
		step(&in);
	scribbler.s_n = 0;
	finish();
	return 0;
}
