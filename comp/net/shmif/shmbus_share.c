/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_share.c - who may have how many of our buffers, and who has them for good
 *
 * A receiver who lives may yet not read: he is stopped, hung, or means harm.
 * What he was sent must not be missing for the others.
 *
 * Shares.  A receiver gets another buffer while he has less than are free (twice as
 * many of the large ones).  So one alone may have half of them, N of them together
 * N/(N+1): something is always left, without a number that would have to be
 * chosen.  Copies of frames to all are for many who did not ask: less for each, and an
 * eighth of all is not for them.
 *
 * The watch.  When somebody has to wait for a buffer those who have some are noted.  Who
 * of them has given none back when the watch ends does not read.  What lies in his ring
 * is taken back: he finds words there whose buffers are not for him, and passes over
 * them.  From then on frames for him are lost, until the numbers on his control page
 * move, which they do as soon as he passes over those words.  That he must have moved
 * before he is sent anything again also means that no buffer is sent to him twice while
 * he copies it.  What he holds outside of his ring cannot be taken back; so
 * frames above his share are lost instead of waiting for that ("deaf").
 *
 * Nothing of this looks at a clock or another port's lines before a buffer is missing.
 */

#include <rump/rumpuser.h>
#include <sys/types.h>

#include "shmbus_impl.h"

#define WATCH_NS	(100 * 1000 * 1000)
#define LOOK_NS		(2 * 1000 * 1000)

bool
shmbus_share_copies(const struct shmbus_port *p, uint32_t to, unsigned int which,
    uint32_t taken)
{
	const struct shmbus_geometry *geo = &p->sp_bus->sb_geo;
	uint32_t held = p->sp_peer[to].se_held[which], free = p->sp_nfree[which];
	uint32_t reserve = (which == 0 ? geo->sg_nsmall : geo->sg_nlarge) / 8;

	return free > reserve + taken && held <= (free - reserve - taken) / 4;
}

bool
shmbus_share_waits(struct shmbus_port *p, uint32_t to, unsigned int which,
    uint32_t taken)
{
	const struct shmbus_peer *se = &p->sp_peer[to];

	return se->se_held[which] > 0 && !se->se_stopped && !se->se_deaf &&
	    !shmbus_share_copies(p, to, which, taken);
}

/* Changes whenever the owner looks at his ring and finds something. */
static uint32_t
peer_life(const struct shmbus_port *p, uint32_t port)
{
	const struct shmbus_ctl *ctl = shmbus_ctl(p->sp_bus, port);

	return (uint32_t)(atomic_load_acq(&ctl->sc_rxframes) +
	    atomic_load_acq(&ctl->sc_rxerrors)) + atomic_load_acq(&ctl->sc_state);
}

bool
shmbus_share_stopped(struct shmbus_port *p, uint32_t to)
{
	struct shmbus_peer *se = &p->sp_peer[to];

	if (se->se_stopped && peer_life(p, to) != se->se_life)
		se->se_stopped = false;
	return se->se_stopped;
}

static void
watch_begin(struct shmbus_port *p, int64_t now)
{
	struct shmbus_peer *se;

	p->sp_watch = now;
	for (uint32_t i = 0; i < p->sp_bus->sb_geo.sg_nports; i++) {
		se = &p->sp_peer[i];
		se->se_watched = se->se_held[0] + se->se_held[1] > 0;
	}
}

static void
watch_end(struct shmbus_port *p)
{
	struct shmbus_peer *se;
	uint32_t life, n;

	for (uint32_t i = 0; i < p->sp_bus->sb_geo.sg_nports; i++) {
		se = &p->sp_peer[i];
		if (!se->se_watched || i == p->sp_index)
			continue;
		/* If it moves after this it is seen to have moved. */
		life = peer_life(p, i);
		n = shmbus_heap_reclaim(p, i);
		atomic_store(&p->sp_ctl->sc_txdrops, p->sp_txdrops += n);
		se->se_deaf = n == 0;
		se->se_stopped = n > 0;
		se->se_life = life;
	}
}

bool
shmbus_share_press(struct shmbus_port *p)
{
	int64_t now = rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);

	if (now - p->sp_looked < LOOK_NS)
		return false;
	p->sp_looked = now;
	if (p->sp_watch == 0) {
		watch_begin(p, now);
	} else if (now - p->sp_watch >= WATCH_NS) {
		watch_end(p);
		watch_begin(p, now);
	}
	return true;
}
