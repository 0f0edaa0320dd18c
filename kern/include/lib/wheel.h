/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wheel.h - a hierarchical timer wheel: many deadlines, few of which come
 *
 * Pure: no lock, no clock, no memory of its own.  Times are nanoseconds >= 0
 * of one clock that never goes back; entries leave exactly at their
 * deadlines, in their order.
 */

#ifndef LIB_WHEEL_H
#define LIB_WHEEL_H

#include <lib/list.h>
#include <sys/types.h>

#define WHEEL_SHIFT	10		/* ns in a tick: 2^10 */
#define WHEEL_BITS	6		/* a level has 2^6 slots */
#define WHEEL_SLOTS	(1u << WHEEL_BITS)
#define WHEEL_LEVELS	9		/* 9 * 6 + 10 bits: all of an int64_t */

struct wheel_entry {
	struct list_node we_link;
	int64_t		 we_deadline;
	unsigned int	 we_slot;	/* level and slot, or WHEEL_OUT */
};

#define WHEEL_OUT	UINT32_MAX

struct wheel {
	uint64_t	 wh_tick;	/* all before this has left */
	uint64_t	 wh_used[WHEEL_LEVELS];	/* bit: slot is not empty */
	struct list	 wh_slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void	wheel_init(struct wheel *wh, int64_t now);
void	wheel_insert(struct wheel *wh, struct wheel_entry *we, int64_t deadline);

/* From the wheel, or from the list that wheel_advance() put it on. */
void	wheel_remove(struct wheel *wh, struct wheel_entry *we);

/* The earliest deadline, INT64_MAX if there is none. */
int64_t	wheel_next(const struct wheel *wh);

/* Appends to due, in order, what is due at now. */
void	wheel_advance(struct wheel *wh, int64_t now, struct list *due);

#endif /* LIB_WHEEL_H */
