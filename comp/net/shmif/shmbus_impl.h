/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_impl.h - what the files of the bus library share
 */

#ifndef SHMBUS_IMPL_H
#define SHMBUS_IMPL_H

#include <sys/atomic.h>
#include <sys/cdefs.h>

#include "shmbus.h"

static inline struct shmbus_header *
shmbus_header(const struct shmbus *bus)
{
	return (struct shmbus_header *)(void *)bus->sb_base;
}

/* shmbus_ctl(), for use in each frame's way. */
static inline struct shmbus_ctl *
shmbus_ctl_of(const struct shmbus *bus, uint32_t port)
{
	return (struct shmbus_ctl *)(void *)(bus->sb_base + bus->sb_portoff +
	    port * bus->sb_stride);
}

/* Of buffer buf of a port; the caller has checked both. */
static inline struct shmbus_buf *
shmbus_buf(const struct shmbus *bus, uint32_t port, uint32_t buf)
{
	const struct shmbus_geometry *geo = &bus->sb_geo;
	uint8_t *area = bus->sb_base + bus->sb_portoff + port * bus->sb_stride;

	if (buf < geo->sg_nsmall) {
		return (struct shmbus_buf *)(void *)(area + bus->sb_smalloff +
		    (uint64_t)buf * geo->sg_smallsize);
	}
	return (struct shmbus_buf *)(void *)(area + bus->sb_largeoff +
	    (uint64_t)(buf - geo->sg_nsmall) * geo->sg_largesize);
}

/* The longest frame in it. */
static inline uint32_t
shmbus_buf_room(const struct shmbus *bus, uint32_t buf)
{
	uint32_t size = buf < bus->sb_geo.sg_nsmall ?
	    bus->sb_geo.sg_smallsize : bus->sb_geo.sg_largesize;

	return size - SHMBUS_DATA;
}

static inline uint64_t *
shmbus_ring_of(const struct shmbus *bus, uint32_t port)
{
	return (uint64_t *)(void *)(bus->sb_base + bus->sb_portoff +
	    port * bus->sb_stride + sizeof(struct shmbus_ctl));
}

/* What the word at a position is while it awaits its frame. */
static inline uint64_t
shmbus_empty(const struct shmbus *bus, uint64_t pos)
{
	return (pos >> bus->sb_ringshift & 0xffff) << 48;
}

static inline uint64_t
shmbus_full(const struct shmbus *bus, uint64_t pos, uint32_t port, uint32_t buf)
{
	return shmbus_empty(bus, pos) | (uint64_t)buf << 32 | port << 16 |
	    SHMBUS_FULL;
}

/* --- shmbus_heap.c --- */

/* Free, in flight or lost: finds out what each of our buffers is. */
void	shmbus_heap_init(struct shmbus_port *p);

/*
 * A free buffer for len bytes to a port within its share, or false; tries hard
 * unless it is for a copy of a frame to all.
 */
bool	shmbus_heap_get(struct shmbus_port *p, uint32_t to, uint32_t len,
	    bool copy, uint32_t *ret_buf);

/* Looks at all that is on its way. */
void	shmbus_heap_reap(struct shmbus_port *p);

/* Takes back what that port has not read yet: how many buffers. */
uint32_t shmbus_heap_reclaim(struct shmbus_port *p, uint32_t from);
void	shmbus_heap_put(struct shmbus_port *p, uint32_t buf);	/* not sent */
void	shmbus_heap_sent(struct shmbus_port *p, uint32_t buf, uint32_t to,
	    uint32_t gen);

/* --- shmbus_share.c --- */

#define SHMBUS_NOBODY	UINT32_MAX

/*
 * May that port get one more of our buffers of that size for a copy, when some are
 * taken for others?
 */
bool	shmbus_share_copies(const struct shmbus_port *p, uint32_t to,
	    unsigned int which, uint32_t taken);

/* Should a copy wait, since that port has yet to give back others? */
bool	shmbus_share_waits(struct shmbus_port *p, uint32_t to,
	    unsigned int which, uint32_t taken);

/* The size of the buffer that a copy goes into. */
static inline unsigned int
shmbus_copy_size(const struct shmbus *bus, uint32_t len)
{
	return bus->sb_geo.sg_nsmall > 0 &&
	    len <= bus->sb_geo.sg_smallsize - SHMBUS_DATA ? 0 : 1;
}

/*
 * Somebody waits for buffers: finds those who do not give any back.  True: it is
 * time again to look who is dead, too.
 */
bool	shmbus_share_press(struct shmbus_port *p);

/* Does it not read, so that frames to it are lost? */
bool	shmbus_share_stopped(struct shmbus_port *p, uint32_t to);

/* It has given one back. */
static inline void
shmbus_share_returned(struct shmbus_port *p, uint32_t from)
{
	struct shmbus_peer *se = &p->sp_peer[from];

	se->se_watched = se->se_stopped = se->se_deaf = false;
}

#endif /* SHMBUS_IMPL_H */
