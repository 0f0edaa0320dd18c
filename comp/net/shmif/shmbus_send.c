/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_send.c - a frame from us to whom it is for
 *
 * To the port that has the destination address and to those that want to see
 * everything; to all if nobody has it or if it is a group's.  Each receiver
 * gets a buffer of its own, and has a share of ours at most (shmbus_share.c), so
 * nobody's slowness, sleep or death is of consequence to the others.
 *
 * Publishing.  sc_tail says where the next free word of a ring may be.  It is
 * a hint that anybody may have written: the words themselves tell, by their
 * lap, whether they are behind, at, or before the end, and the search is
 * bounded.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/types.h>

#include "shmbus_impl.h"

static uint64_t
mac_load(const uint8_t *bytes)
{
	return le32_get(bytes) | (uint64_t)le16_get(bytes + 4) << 32;
}

/* The signed number of laps from a to b, of 16 bits each. */
static int
lap_between(uint64_t a, uint64_t b)
{
	return (int16_t)(uint16_t)((b >> 48) - (a >> 48));
}

static bool
ring_publish(const struct shmbus *bus, uint32_t to, uint32_t port, uint32_t buf)
{
	struct shmbus_ctl *ctl = shmbus_ctl_of(bus, to);
	uint64_t *ring = shmbus_ring_of(bus, to), *slot;
	uint64_t pos = atomic_load(&ctl->sc_tail), word, empty;

	for (uint32_t i = 0; i < bus->sb_geo.sg_ringlen; i++, pos++) {
		slot = &ring[pos & (bus->sb_geo.sg_ringlen - 1)];
		empty = shmbus_empty(bus, pos);
		/* The first is likely to be it: no need to share its line. */
		word = i == 0 ? empty : atomic_load(slot);
		if (word == empty && atomic_cas_ar(slot, &word,
		    shmbus_full(bus, pos, port, buf))) {
			atomic_store(&ctl->sc_tail, pos + 1);
			return true;
		}
		/* The last lap's frame is still there: full. */
		if (lap_between(empty, word) < 0)
			break;
		/* Somebody was faster, or the hint is old. */
	}
	return false;
}

/* The bytes and what is said about them, into our buffer. */
static void
buf_fill(struct shmbus_buf *sb, const struct shmbus_meta *meta,
    const struct shmbus_iov *iov, size_t niov)
{
	uint8_t *to = (uint8_t *)sb + SHMBUS_DATA;

	sb->sb_len = meta->sm_len;
	sb->sb_offload = meta->sm_flags | (uint64_t)meta->sm_gso_type << 8 |
	    (uint64_t)meta->sm_hdr_len << 16 | (uint64_t)meta->sm_gso_size << 32 |
	    (uint64_t)meta->sm_csum_start << 48;
	sb->sb_offset = meta->sm_csum_offset;
	for (size_t i = 0; i < niov; i++) {
		memcpy(to, iov[i].si_base, iov[i].si_len);
		to += iov[i].si_len;
	}
}

struct send {
	const struct shmbus_meta *s_meta;
	const struct shmbus_iov	 *s_iov;
	size_t			  s_niov;
};

/* The receiver's loss. */
static void
send_drop(struct shmbus_port *p)
{
	atomic_store(&p->sp_ctl->sc_txdrops, ++p->sp_txdrops);
}

static inline void
send_buf(struct shmbus_port *p, const struct send *s, uint32_t to,
    uint32_t state, uint32_t buf)
{
	const struct shmbus *bus = p->sp_bus;
	struct shmbus_buf *sb = shmbus_buf(bus, p->sp_index, buf);

	buf_fill(sb, s->s_meta, s->s_iov, s->s_niov);
	/* An old word of that ring may name this buffer: the content goes first. */
	atomic_store_rel(&sb->sb_state, SHMBUS_BUFSTATE(SHMBUS_BUF_SENT, to,
	    SHMBUS_GEN(state)));
	if (!ring_publish(bus, to, p->sp_index, buf)) {
		atomic_store(&sb->sb_state, SHMBUS_BUF_FREE);
		shmbus_heap_put(p, buf);
		send_drop(p);
		return;
	}
	shmbus_heap_sent(p, buf, to, SHMBUS_GEN(state));
	p->sp_rung[to / 64] |= 1ULL << to % 64;
}

/* ENOBUFS: no buffer, but there may be one soon. */
static int
send_to(struct shmbus_port *p, const struct send *s, uint32_t to,
    uint32_t state)
{
	uint32_t buf;

	if (unlikely(p->sp_peer[to].se_stopped) && shmbus_share_stopped(p, to)) {
		send_drop(p);
		return 0;
	}
	if (likely(shmbus_heap_get(p, to, s->s_meta->sm_len, false, &buf))) {
		send_buf(p, s, to, state, buf);
		return 0;
	}
	if (p->sp_peer[to].se_stopped || p->sp_peer[to].se_deaf) {
		send_drop(p);
		return 0;
	}
	p->sp_refused = to;
	p->sp_copies = false;
	return ENOBUFS;
}

static void
send_copy(struct shmbus_port *p, const struct send *s, uint32_t to,
    uint32_t state)
{
	uint32_t buf;

	if ((p->sp_peer[to].se_stopped && shmbus_share_stopped(p, to)) ||
	    !shmbus_heap_get(p, to, s->s_meta->sm_len, true, &buf))
		send_drop(p);
	else
		send_buf(p, s, to, state, buf);
}

/*
 * Who would have to wait to send a copy to one asks before the first is sent: later
 * he had to know who had his.
 */
static int
send_ask(struct shmbus_port *p, const struct send *s, const uint64_t *words)
{
	unsigned int which = shmbus_copy_size(p->sp_bus, s->s_meta->sm_len);
	uint32_t nports = p->sp_bus->sb_geo.sg_nports, port, taken = 0;
	bool pressed = false;
	uint64_t bits;

	for (uint32_t i = 0; i * 64 < nports; i++) {
		for (bits = atomic_load(&words[i]); bits != 0; bits &= bits - 1) {
			port = i * 64 + (uint32_t)__builtin_ctzll(bits);
			if (port >= nports || port == p->sp_index)
				continue;
			if (shmbus_share_waits(p, port, which, taken) && !pressed) {
				shmbus_heap_reap(p);
				(void)shmbus_share_press(p);
				pressed = true;
			}
			if (shmbus_share_waits(p, port, which, taken)) {
				p->sp_refused = port;
				p->sp_copies = true;
				p->sp_taken = taken;
				return ENOBUFS;
			}
			taken += !p->sp_peer[port].se_stopped;
		}
	}
	return 0;
}

/* To each port that a word of the header's bits names, less one. */
static void
send_bits(struct shmbus_port *p, const struct send *s, uint64_t *words,
    uint32_t except)
{
	const struct shmbus *bus = p->sp_bus;
	uint32_t nports = bus->sb_geo.sg_nports, port, state;
	uint64_t bits;

	for (uint32_t i = 0; i * 64 < nports; i++) {
		for (bits = atomic_load(&words[i]); bits != 0; bits &= bits - 1) {
			port = i * 64 + (uint32_t)__builtin_ctzll(bits);
			if (port >= nports || port == p->sp_index || port == except)
				continue;
			state = atomic_load_acq(&shmbus_ctl_of(bus, port)->sc_state);
			if (SHMBUS_STATE(state) != SHMBUS_PORT_LIVE)
				continue;
			send_copy(p, s, port, state);
		}
	}
}

/* A frame that came through us from somebody else, as through a bridge. */
static void
send_learn(struct shmbus_port *p, uint64_t source)
{
	uint32_t port, state;

	if ((source & 1) != 0 || source == 0 || p->sp_foreign)
		return;
	if (shmbus_mac_find(p->sp_bus, source, &port, &state) &&
	    port == p->sp_index)
		return;
	shmbus_mac_set(p->sp_bus, source, p->sp_index, p->sp_gen);
}

/* The first bytes, which may lie across pieces. */
static void
send_head(const struct send *s, uint8_t *head, size_t len)
{
	size_t got = 0, n;

	for (size_t i = 0; i < s->s_niov && got < len; i++) {
		n = s->s_iov[i].si_len;
		if (n > len - got)
			n = len - got;
		memcpy(head + got, s->s_iov[i].si_base, n);
		got += n;
	}
}

static bool
send_ok(const struct send *s)
{
	size_t total = 0;

	for (size_t i = 0; i < s->s_niov; i++) {
		if (s->s_iov[i].si_len > SHMBUS_FRAME_MAX - total)
			return false;
		total += s->s_iov[i].si_len;
	}
	return total >= SHMBUS_FRAME_MIN && total == s->s_meta->sm_len;
}

int
shmbus_send(struct shmbus_port *p, const struct shmbus_meta *meta,
    const struct shmbus_iov *iov, size_t niov)
{
	const struct send s = { .s_meta = meta, .s_iov = iov, .s_niov = niov };
	struct shmbus_header *h = shmbus_header(p->sp_bus);
	uint32_t port = UINT32_MAX, state;
	uint8_t copy[12];
	const uint8_t *head = copy;
	uint64_t to, from;
	int error = 0;

	if (!send_ok(&s))
		return EINVAL;
	if (iov[0].si_len >= sizeof(copy))
		head = iov[0].si_base;
	else
		send_head(&s, copy, sizeof(copy));
	to = mac_load(head);
	from = mac_load(head + 6);
	if (from != p->sp_mac)
		send_learn(p, from);

	if ((to & 1) != 0 || !shmbus_mac_find(p->sp_bus, to, &port, &state)) {
		error = send_ask(p, &s, h->sh_live);
		if (error == 0)
			send_bits(p, &s, h->sh_live, UINT32_MAX);
	} else {
		if (port != p->sp_index)
			error = send_to(p, &s, port, state);
		/* Who watches gets what there is room for. */
		if (error == 0)
			send_bits(p, &s, h->sh_promisc, port);
	}
	if (error != 0)
		return error;
	atomic_store(&p->sp_ctl->sc_txframes, ++p->sp_txframes);
	p->sp_txbytes += meta->sm_len;
	atomic_store(&p->sp_ctl->sc_txbytes, p->sp_txbytes);
	return 0;
}

/* To nobody in particular means to ourselves, who hold nothing. */
static bool
room_now(struct shmbus_port *p, uint32_t len)
{
	uint32_t to = p->sp_refused != SHMBUS_NOBODY ? p->sp_refused : p->sp_index;
	struct shmbus_peer *se = &p->sp_peer[to];
	uint32_t buf;

	if (p->sp_refused != SHMBUS_NOBODY && p->sp_copies) {
		shmbus_heap_reap(p);
		(void)shmbus_share_press(p);
		if (shmbus_share_waits(p, to, shmbus_copy_size(p->sp_bus, len),
		    p->sp_taken))
			return false;
	} else if (shmbus_heap_get(p, to, len, false, &buf))
		shmbus_heap_put(p, buf);
	else if (!se->se_stopped && !se->se_deaf)
		return false;
	p->sp_refused = SHMBUS_NOBODY;
	return true;
}

bool
shmbus_room(struct shmbus_port *p, size_t len)
{
	if (room_now(p, (uint32_t)len))
		return true;
	/* Whoever gives one back after this sees that we wait ... */
	atomic_store(&p->sp_ctl->sc_hungry, 1);
	atomic_fence_seq();
	/* ... and who did so before has left it to be found. */
	if (!room_now(p, (uint32_t)len))
		return false;
	atomic_store(&p->sp_ctl->sc_hungry, 0);
	return true;
}

bool
shmbus_hungry(const struct shmbus_port *p)
{
	return atomic_load(&p->sp_ctl->sc_hungry) != 0;
}
