/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_recv.c - frames out of our ring
 *
 * How many we have taken is known to us alone; it says which word comes next
 * and what it must look like.  A word that looks otherwise is somebody's
 * mischief and is put right.  A word that is right may name any buffer of any
 * port: it counts if the buffer says that it was sent to us, in our
 * generation, and its numbers fit; they are read once.
 */

#include <sys/types.h>

#include "shmbus_impl.h"

/* Frames after which we look who waits for buffers. */
#define SETTLE_EVERY	64
/* Frames from the one at hand to the one whose lines are asked for. */
#define FETCH_AHEAD	3

static uint64_t *
recv_slot(const struct shmbus_port *p)
{
	return &p->sp_ring[p->sp_head & (p->sp_bus->sb_geo.sg_ringlen - 1)];
}

/*
 * Words behind the head may be used again, a lap later.  They are given back a
 * cache line at a time: their line is the one that senders write to.  That a
 * word stays for a while does no harm, since its buffer is not SENT any more.
 */
static void
recv_advance(struct shmbus_port *p)
{
	uint32_t len = p->sp_bus->sb_geo.sg_ringlen;
	uint64_t pos;

	if (++p->sp_head % SHMBUS_BUCKET != 0)
		return;
	for (pos = p->sp_head - SHMBUS_BUCKET; pos != p->sp_head; pos++) {
		atomic_store_rel(&p->sp_ring[pos & (len - 1)],
		    shmbus_empty(p->sp_bus, pos + len));
	}
}

static uint32_t
recv_state(const struct shmbus_port *p, uint32_t state)
{
	return SHMBUS_BUFSTATE(state, p->sp_index, p->sp_gen);
}

/* Asks for the lines of a frame to come, which are in its sender's cache. */
static void
recv_fetch(const struct shmbus_port *p)
{
	const struct shmbus *bus = p->sp_bus;
	uint64_t pos = p->sp_head + FETCH_AHEAD, word;
	uint32_t port, buf;
	const char *sb;

	word = atomic_load(&p->sp_ring[pos & (bus->sb_geo.sg_ringlen - 1)]);
	port = word >> 16 & 0xffff;
	buf = word >> 32 & 0xffff;
	if ((word & SHMBUS_FULL) == 0 || port >= bus->sb_geo.sg_nports ||
	    buf >= p->sp_nbuf)
		return;
	sb = (const char *)shmbus_buf(bus, port, buf);
	cpu_prefetchw(sb);
	__builtin_prefetch(sb + CACHE_LINE, 0);
}

/* What the buffer says, read once and checked. */
static bool
recv_meta(const struct shmbus *bus, uint32_t buf, struct shmbus_buf *sb,
    struct shmbus_meta *ret_meta)
{
	uint32_t len = atomic_load(&sb->sb_len);
	uint64_t offload = atomic_load(&sb->sb_offload);

	if (len < SHMBUS_FRAME_MIN || len > shmbus_buf_room(bus, buf) ||
	    len > SHMBUS_FRAME_MAX)
		return false;
	ret_meta->sm_len = len;
	ret_meta->sm_flags = (uint8_t)offload;
	ret_meta->sm_gso_type = (uint8_t)(offload >> 8);
	ret_meta->sm_hdr_len = (uint16_t)(offload >> 16);
	ret_meta->sm_gso_size = (uint16_t)(offload >> 32);
	ret_meta->sm_csum_start = (uint16_t)(offload >> 48);
	ret_meta->sm_csum_offset = (uint16_t)atomic_load(&sb->sb_offset);
	return true;
}

static bool
recv_word(struct shmbus_port *p, uint64_t word, struct shmbus_rx *rx)
{
	const struct shmbus *bus = p->sp_bus;
	uint32_t port = word >> 16 & 0xffff, buf = word >> 32 & 0xffff;
	struct shmbus_buf *sb;

	if (port >= bus->sb_geo.sg_nports || buf >= p->sp_nbuf)
		return false;
	sb = shmbus_buf(bus, port, buf);
	/* Its lines come together, and the first so that its state can be changed at once. */
	cpu_prefetchw(sb);
	__builtin_prefetch((const char *)sb + CACHE_LINE, 0);
	if (atomic_load_acq(&sb->sb_state) != recv_state(p, SHMBUS_BUF_SENT))
		return false;
	if (!recv_meta(bus, buf, sb, &rx->sr_meta))
		return false;
	rx->sr_data = (const uint8_t *)sb + SHMBUS_DATA;
	rx->sr_buf = sb;
	rx->sr_port = (uint16_t)port;
	return true;
}

/* The sender may have waited for its buffer. */
static void
recv_feed(const struct shmbus *bus, uint32_t port)
{
	struct shmbus_ctl *ctl = shmbus_ctl_of(bus, port);

	if (likely(atomic_load(&ctl->sc_hungry) == 0))
		return;
	/* It may be on its way to bed: see shmbus_hungry(). */
	atomic_store(&ctl->sc_hungry, 0);
	atomic_fence_seq();
	shmbus_ring(bus, port);
}

/*
 * It says that it waits and then looks at its buffers; we gave them back and
 * now look whether it waits: one fence for many.
 */
static void
recv_settle(struct shmbus_port *p)
{
	uint32_t words = (p->sp_bus->sb_geo.sg_nports + 63) / 64;
	uint64_t bits;

	p->sp_nfed = 0;
	atomic_fence_seq();
	for (uint32_t i = 0; i < words; i++) {
		bits = p->sp_fed[i];
		p->sp_fed[i] = 0;
		for (; bits != 0; bits &= bits - 1) {
			recv_feed(p->sp_bus,
			    i * 64 + (uint32_t)__builtin_ctzll(bits));
		}
	}
}

bool
shmbus_peek(struct shmbus_port *p, struct shmbus_rx *ret_rx)
{
	const struct shmbus *bus = p->sp_bus;
	uint64_t *slot, word, empty;

	/* A ring of nonsense is not looked at for ever. */
	for (uint32_t i = 0; i < bus->sb_geo.sg_ringlen; i++) {
		slot = recv_slot(p);
		empty = shmbus_empty(bus, p->sp_head);
		word = atomic_load_acq(slot);
		if (word == empty) {
			if (p->sp_nfed != 0)
				recv_settle(p);
			return false;
		}
		if ((word & ~0xffffffffffffULL) != empty ||
		    (word & SHMBUS_FULL) == 0) {
			/* Nobody who keeps the rules writes here now. */
			atomic_store_rel(slot, empty);
			atomic_store(&p->sp_ctl->sc_rxerrors, ++p->sp_rxerrors);
			return false;
		}
		recv_fetch(p);
		if (recv_word(p, word, ret_rx))
			return true;
		recv_advance(p);
		atomic_store(&p->sp_ctl->sc_rxerrors, ++p->sp_rxerrors);
	}
	return false;
}

/*
 * From SENT to what becomes of it.  A sender who saw us sleep for long may have
 * taken the frame back, even while we copied it.
 */
static bool
recv_settle_buf(struct shmbus_port *p, const struct shmbus_rx *rx, uint32_t to)
{
	uint32_t state = recv_state(p, SHMBUS_BUF_SENT);

	if (unlikely(!atomic_cas_ar(&rx->sr_buf->sb_state, &state,
	    recv_state(p, to)))) {
		recv_advance(p);
		atomic_store(&p->sp_ctl->sc_rxerrors, ++p->sp_rxerrors);
		return false;
	}
	atomic_store(&p->sp_ctl->sc_rxframes, ++p->sp_rxframes);
	p->sp_rxbytes += rx->sr_meta.sm_len;
	atomic_store(&p->sp_ctl->sc_rxbytes, p->sp_rxbytes);
	/* After the state: see shmbus_heap.c. */
	recv_advance(p);
	return true;
}

bool
shmbus_take(struct shmbus_port *p, const struct shmbus_rx *rx)
{
	if (!recv_settle_buf(p, rx, SHMBUS_BUF_DONE))
		return false;
	p->sp_fed[rx->sr_port / 64] |= 1ULL << rx->sr_port % 64;
	if (++p->sp_nfed == SETTLE_EVERY)
		recv_settle(p);
	return true;
}

bool
shmbus_hold(struct shmbus_port *p, const struct shmbus_rx *rx)
{
	if (!recv_settle_buf(p, rx, SHMBUS_BUF_HELD))
		return false;
	(void)atomic_add(&p->sp_peer[rx->sr_port].se_kept, 1);
	return true;
}

void
shmbus_release(struct shmbus_port *p, const struct shmbus_rx *rx)
{
	(void)atomic_sub(&p->sp_peer[rx->sr_port].se_kept, 1);
	atomic_store_rel(&rx->sr_buf->sb_state, recv_state(p, SHMBUS_BUF_DONE));
	atomic_fence_seq();
	recv_feed(p->sp_bus, rx->sr_port);
}

bool
shmbus_wanted(const struct shmbus_port *p, const struct shmbus_rx *rx)
{
	const struct shmbus_ctl *ctl = shmbus_ctl_of(p->sp_bus, rx->sr_port);

	return (atomic_load(&ctl->sc_hungry) | atomic_load(&ctl->sc_scarce)) != 0 ||
	    atomic_load(&p->sp_peer[rx->sr_port].se_kept) >=
	    p->sp_bus->sb_geo.sg_nlarge / 2;
}

bool
shmbus_ready(const struct shmbus_port *p)
{
	return atomic_load(recv_slot(p)) != shmbus_empty(p->sp_bus, p->sp_head);
}
