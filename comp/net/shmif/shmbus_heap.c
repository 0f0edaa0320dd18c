/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_heap.c - the buffers of a port, from which it sends
 *
 * Life cycle of a buffer, sb_state
 *	FREE, DONE -> SENT	by us, the sender, just before it is published
 *	SENT -> HELD		by the receiver, before it empties the ring's word
 *	SENT, HELD -> DONE	by the receiver, after its last look
 *	SENT -> FREE		by us, if the receiver does not read: shmbus_share.c
 * The changes from SENT are compare-and-swaps: a receiver that has copied a
 * frame which was taken back meanwhile learns it so.
 * Which of our buffers are free is ours to know, in private memory: two
 * stacks, so that what comes back last, and is warm in the cache, goes first,
 * and a queue of those on their way, which is looked through now and then.
 *
 * The receiver may die with a buffer in its hands.  Then its port changes
 * generation, at the latest when we run short and look who is dead, and what
 * was sent to another generation is ours again.
 *
 * And our port's last owner may have died with buffers on their way: we find
 * them by their state.  SENT alone does not tell whether it was published
 * before its sender was killed, so the receiver's ring is searched; since HELD
 * is written before the ring's word is emptied, what is still SENT after a
 * search that found nothing was never published, or is done with.
 */

#include <sys/types.h>

#include "shmbus_impl.h"

#define HEAP_CHUNK	64	/* flights looked at when one is needed */
#define HEAP_EVERY	16	/* sends between looking in good times */
#define HEAP_REST	20	/* pauses of the CPU before another look in vain */
#define HEAP_AHEAD	8	/* buffers asked for before they are looked at */

static unsigned int
heap_of(const struct shmbus_port *p, uint32_t buf)
{
	return buf < p->sp_bus->sb_geo.sg_nsmall ? 0 : 1;
}

static void
heap_push(struct shmbus_port *p, uint32_t buf)
{
	unsigned int which = heap_of(p, buf);

	p->sp_free[which][p->sp_nfree[which]++] = (uint16_t)buf;
	if (which == 1 && atomic_load(&p->sp_ctl->sc_scarce) != 0 &&
	    p->sp_nfree[1] >= p->sp_bus->sb_geo.sg_nlarge / 2)
		atomic_store(&p->sp_ctl->sc_scarce, 0);
}

static struct shmbus_flight *
flight_at(struct shmbus_port *p, uint32_t n)
{
	n += p->sp_flight_head;
	return &p->sp_flight[n >= p->sp_nbuf ? n - p->sp_nbuf : n];
}

static void
flight_add(struct shmbus_port *p, uint32_t buf, uint32_t to, uint32_t gen)
{
	struct shmbus_flight *sf = flight_at(p, p->sp_nflight++);

	sf->sf_buf = (uint16_t)buf;
	sf->sf_port = (uint16_t)to;
	sf->sf_gen = gen;
	p->sp_peer[to].se_held[heap_of(p, buf)]++;
}

/* The oldest, off the queue. */
static struct shmbus_flight
flight_take(struct shmbus_port *p)
{
	struct shmbus_flight sf = *flight_at(p, 0);

	if (++p->sp_flight_head == p->sp_nbuf)
		p->sp_flight_head = 0;
	p->sp_nflight--;
	p->sp_peer[sf.sf_port].se_held[heap_of(p, sf.sf_buf)]--;
	return sf;
}

/*
 * Ours again?  DONE it is, or nobody is left who would say so, or somebody has
 * written over its state: no receiver takes or keeps what is not sent to him.
 */
static bool
flight_over(const struct shmbus_port *p, const struct shmbus_flight *sf)
{
	const struct shmbus *bus = p->sp_bus;
	struct shmbus_buf *sb = shmbus_buf(bus, p->sp_index, sf->sf_buf);
	uint32_t state = atomic_load_acq(&sb->sb_state);

	if (state != SHMBUS_BUFSTATE(SHMBUS_BUF_SENT, sf->sf_port, sf->sf_gen) &&
	    state != SHMBUS_BUFSTATE(SHMBUS_BUF_HELD, sf->sf_port, sf->sf_gen))
		return true;
	state = atomic_load_acq(&shmbus_ctl_of(bus, sf->sf_port)->sc_state);
	return SHMBUS_STATE(state) != SHMBUS_PORT_LIVE ||
	    SHMBUS_GEN(state) != sf->sf_gen;
}

/*
 * A buffer's lines are in its last receiver's cache.  The compare-and-swap that
 * publishes a frame waits until they have come, so they are asked for before.
 */
static void
heap_fetch(struct shmbus_port *p, uint32_t buf)
{
	const char *sb = (const char *)shmbus_buf(p->sp_bus, p->sp_index, buf);

	cpu_prefetchw(sb);
	cpu_prefetchw(sb + CACHE_LINE);
}

/*
 * Looks at up to max flights, the oldest first; those that go on are put
 * behind the others, so that a slow receiver does not hide what lies behind.
 */
static void
heap_reap(struct shmbus_port *p, uint32_t max)
{
	struct shmbus_flight sf;

	if (max > p->sp_nflight)
		max = p->sp_nflight;
	for (uint32_t i = 0; i < max && i < HEAP_AHEAD; i++)
		heap_fetch(p, flight_at(p, i)->sf_buf);
	for (uint32_t i = 0; i < max; i++) {
		if (i + HEAP_AHEAD < max)
			heap_fetch(p, flight_at(p, HEAP_AHEAD)->sf_buf);
		sf = flight_take(p);
		if (!flight_over(p, &sf)) {
			flight_add(p, sf.sf_buf, sf.sf_port, sf.sf_gen);
			continue;
		}
		shmbus_share_returned(p, sf.sf_port);
		heap_push(p, sf.sf_buf);
	}
}

void
shmbus_heap_reap(struct shmbus_port *p)
{
	heap_reap(p, p->sp_nflight);
}

/* Looks once at each receiver that keeps us waiting whether it lives. */
static void
heap_bury(struct shmbus_port *p)
{
	uint64_t seen[SHMBUS_WORDS] = { 0 };
	uint32_t port;

	for (uint32_t i = 0; i < p->sp_nflight; i++) {
		port = flight_at(p, i)->sf_port;
		if (port == p->sp_index ||
		    (seen[port / 64] >> port % 64 & 1) != 0)
			continue;
		seen[port / 64] |= 1ULL << port % 64;
		(void)shmbus_bury(p->sp_bus, port);
	}
}

/* Is our buffer in that port's ring? */
static bool
ring_has(const struct shmbus_port *p, uint32_t to, uint32_t buf)
{
	const uint64_t *ring = shmbus_ring_of(p->sp_bus, to);
	uint64_t want = (uint64_t)buf << 32 | p->sp_index << 16 | SHMBUS_FULL;

	for (uint32_t i = 0; i < p->sp_bus->sb_geo.sg_ringlen; i++) {
		if ((atomic_load_acq(&ring[i]) & 0xffffffffffffULL) == want)
			return true;
	}
	return false;
}

/* Was sent and is not in the ring, although nobody took it. */
static bool
buf_lost(const struct shmbus_port *p, uint32_t buf, uint32_t to)
{
	struct shmbus_buf *sb = shmbus_buf(p->sp_bus, p->sp_index, buf);

	return atomic_load_acq(&sb->sb_state) >> 28 == SHMBUS_BUF_SENT &&
	    !ring_has(p, to, buf) &&
	    atomic_load_acq(&sb->sb_state) >> 28 == SHMBUS_BUF_SENT;
}

/* Looks at some flights for what somebody has taken out of a ring by force. */
static void
heap_search(struct shmbus_port *p)
{
	struct shmbus_flight sf;
	uint32_t max = p->sp_nflight < 8 ? p->sp_nflight : 8;

	for (; max > 0; max--) {
		sf = flight_take(p);
		if (buf_lost(p, sf.sf_buf, sf.sf_port))
			heap_push(p, sf.sf_buf);
		else
			flight_add(p, sf.sf_buf, sf.sf_port, sf.sf_gen);
	}
}

/* Large ones for small frames only while there are plenty, and not for copies. */
static bool
heap_spares(const struct shmbus_port *p, bool copy)
{
	const struct shmbus_geometry *geo = &p->sp_bus->sb_geo;

	return geo->sg_nsmall == 0 ||
	    (!copy && p->sp_nfree[0] == 0 && p->sp_nfree[1] > geo->sg_nlarge / 2);
}

static bool
heap_pop(struct shmbus_port *p, uint32_t to, uint32_t len, bool copy,
    uint32_t *ret_buf)
{
	const struct shmbus_geometry *geo = &p->sp_bus->sb_geo;
	unsigned int which = 1;

	if (len <= geo->sg_smallsize - SHMBUS_DATA && !heap_spares(p, copy))
		which = 0;
	if (copy ? !shmbus_share_copies(p, to, which, 0) :
	    p->sp_peer[to].se_held[which] >= p->sp_nfree[which] << which)
		return false;
	p->sp_starved = 0;
	*ret_buf = p->sp_free[which][--p->sp_nfree[which]];
	if (which == 1 && p->sp_nfree[1] == geo->sg_nlarge / 4)
		atomic_store(&p->sp_ctl->sc_scarce, 1);
	return true;
}

uint32_t
shmbus_heap_reclaim(struct shmbus_port *p, uint32_t from)
{
	uint32_t n = 0, state, want;
	struct shmbus_flight sf;
	struct shmbus_buf *sb;

	for (uint32_t max = p->sp_nflight; max > 0; max--) {
		sf = flight_take(p);
		sb = shmbus_buf(p->sp_bus, p->sp_index, sf.sf_buf);
		state = want = SHMBUS_BUFSTATE(SHMBUS_BUF_SENT, sf.sf_port, sf.sf_gen);
		if (sf.sf_port == from && atomic_load(&sb->sb_state) == want &&
		    atomic_cas_ar(&sb->sb_state, &state, SHMBUS_BUF_FREE)) {
			heap_push(p, sf.sf_buf);
			n++;
		} else {
			flight_add(p, sf.sf_buf, sf.sf_port, sf.sf_gen);
		}
	}
	return n;
}

/*
 * A look at what is on its way takes the lines away from who is to give them back,
 * which makes him slower: about a microsecond's rest.
 */
static void
heap_pause(void)
{
	for (unsigned int i = 0; i < HEAP_REST; i++)
		cpu_relax();
}

/*
 * Nobody gives anything back.  To look who lives and who reads costs a system call for
 * each who keeps us waiting, so not each time.
 */
static void
heap_strive(struct shmbus_port *p)
{
	if (++p->sp_starved % 64 == 0)
		heap_search(p);
	else if (shmbus_share_press(p))
		heap_bury(p);
	else
		heap_pause();
	heap_reap(p, p->sp_nflight);
}

bool
shmbus_heap_get(struct shmbus_port *p, uint32_t to, uint32_t len, bool copy,
    uint32_t *ret_buf)
{
	bool large = len > p->sp_bus->sb_geo.sg_smallsize - SHMBUS_DATA;

	/*
	 * A large buffer that has come back is warm: worth a look each time.
	 * For small ones the look would cost as much as the frame.
	 */
	if (large)
		heap_reap(p, 4);
	else if (++p->sp_sendmark % HEAP_EVERY == 0)
		heap_reap(p, HEAP_EVERY + 4);
	if (likely(heap_pop(p, to, len, copy, ret_buf)))
		return true;
	if (copy)
		return false;
	heap_reap(p, HEAP_CHUNK);
	if (heap_pop(p, to, len, copy, ret_buf))
		return true;
	heap_reap(p, p->sp_nflight);
	if (heap_pop(p, to, len, copy, ret_buf))
		return true;
	heap_strive(p);
	return heap_pop(p, to, len, copy, ret_buf);
}

void
shmbus_heap_put(struct shmbus_port *p, uint32_t buf)
{
	heap_push(p, buf);
}

void
shmbus_heap_sent(struct shmbus_port *p, uint32_t buf, uint32_t to, uint32_t gen)
{
	flight_add(p, buf, to, gen);
}

/* --- after somebody else ------------------------------------------------- */

/* Is somebody, who lives, going to read that buffer? */
static bool
buf_busy(const struct shmbus_port *p, uint32_t buf, uint32_t *ret_to,
    uint32_t *ret_gen)
{
	const struct shmbus *bus = p->sp_bus;
	struct shmbus_buf *sb = shmbus_buf(bus, p->sp_index, buf);
	uint32_t state = atomic_load_acq(&sb->sb_state), to, port;

	if (state >> 28 != SHMBUS_BUF_SENT && state >> 28 != SHMBUS_BUF_HELD)
		return false;
	to = state >> 18 & 0x3ff;
	if (to >= bus->sb_geo.sg_nports || to == p->sp_index)
		return false;
	port = atomic_load_acq(&shmbus_ctl_of(bus, to)->sc_state);
	if (SHMBUS_STATE(port) != SHMBUS_PORT_LIVE ||
	    SHMBUS_GEN(port) != (state & SHMBUS_GEN_MASK))
		return false;
	if (buf_lost(p, buf, to))
		return false;
	*ret_to = to;
	*ret_gen = SHMBUS_GEN(port);
	return true;
}

void
shmbus_heap_init(struct shmbus_port *p)
{
	bool used = p->sp_gen != SHMBUS_GEN_FIRST;
	uint32_t to, gen;

	/*
	 * The first are to be used first, so they go on the stack last.  A look at one is
	 * a page of the bus that comes into being, which takes as long as all the
	 * rest of the beginning.
	 */
	for (uint32_t buf = p->sp_nbuf; buf-- > 0; ) {
		if (used && buf_busy(p, buf, &to, &gen))
			flight_add(p, buf, to, gen);
		else
			heap_push(p, buf);
	}
}
