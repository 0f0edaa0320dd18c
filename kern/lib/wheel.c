/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wheel.c - a hierarchical timer wheel
 *
 * A deadline is a number of ticks with nine digits of six bits.  An entry
 * lies on the level of the highest digit in which its tick differs from the
 * wheel's, in the slot which that digit names (level 0 if none differs).  So
 *
 *  - everything on a level comes before everything on the levels above;
 *  - on a level, slots come in the order of their numbers, and none is
 *    behind the wheel's own digit;
 *  - the wheel may move to any time before the first occupied slot without
 *    touching an entry, and to the start of that slot by emptying it: its
 *    entries then lie lower, or are due.
 *
 * The earliest deadline is the least in the first occupied slot, so a
 * sleeper need not wake up to turn the wheel.  Inserting and removing take
 * constant time; an entry moves down at most eight times in its life.
 */

#include <lib/wheel.h>

#include <sys/kassert.h>

static unsigned int
digit(uint64_t tick, unsigned int level)
{
	return (unsigned int)(tick >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
}

static uint64_t
tick_of(int64_t time)
{
	return time < 0 ? 0 : (uint64_t)time >> WHEEL_SHIFT;
}

void
wheel_init(struct wheel *wh, int64_t now)
{
	wh->wh_tick = tick_of(now);
	for (unsigned int level = 0; level < WHEEL_LEVELS; level++) {
		wh->wh_used[level] = 0;
		for (unsigned int slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&wh->wh_slot[level][slot]);
	}
}

static void
wheel_place(struct wheel *wh, struct wheel_entry *we)
{
	uint64_t tick = tick_of(we->we_deadline);
	unsigned int level = 0, slot;

	if (tick < wh->wh_tick)
		tick = wh->wh_tick;	/* overdue */
	if (tick != wh->wh_tick)
		level = (63 - (unsigned int)__builtin_clzll(tick ^ wh->wh_tick)) /
		    WHEEL_BITS;
	slot = digit(tick, level);
	we->we_slot = level * WHEEL_SLOTS + slot;
	wh->wh_used[level] |= 1ull << slot;
	list_insert_tail(&wh->wh_slot[level][slot], &we->we_link);
}

void
wheel_insert(struct wheel *wh, struct wheel_entry *we, int64_t deadline)
{
	we->we_deadline = deadline;
	wheel_place(wh, we);
}

void
wheel_remove(struct wheel *wh, struct wheel_entry *we)
{
	unsigned int level, slot;

	list_remove(&we->we_link);
	if (we->we_slot == WHEEL_OUT)
		return;
	level = we->we_slot / WHEEL_SLOTS;
	slot = we->we_slot % WHEEL_SLOTS;
	if (list_empty(&wh->wh_slot[level][slot]))
		wh->wh_used[level] &= ~(1ull << slot);
	we->we_slot = WHEEL_OUT;
}

/* The first occupied slot in time.  False: the wheel is empty. */
static bool
wheel_first(const struct wheel *wh, unsigned int *ret_level,
    unsigned int *ret_slot)
{
	for (unsigned int level = 0; level < WHEEL_LEVELS; level++) {
		if (wh->wh_used[level] == 0)
			continue;
		*ret_level = level;
		*ret_slot = (unsigned int)__builtin_ctzll(wh->wh_used[level]);
		KASSERT(*ret_slot >= digit(wh->wh_tick, level));
		return true;
	}
	return false;
}

static struct wheel_entry *
entry_of(struct list_node *n)
{
	return container_of(n, struct wheel_entry, we_link);
}

int64_t
wheel_next(const struct wheel *wh)
{
	unsigned int level, slot;
	int64_t next = INT64_MAX;
	struct list_node *n;

	if (!wheel_first(wh, &level, &slot))
		return INT64_MAX;
	LIST_FOREACH(n, &wh->wh_slot[level][slot]) {
		if (entry_of(n)->we_deadline < next)
			next = entry_of(n)->we_deadline;
	}
	return next;
}

/* Behind those that are due no later; most come in order already. */
static void
due_insert(struct list *due, struct wheel_entry *we)
{
	struct list_node *n = list_last(due);

	while (n != NULL && entry_of(n)->we_deadline > we->we_deadline)
		n = n->ln_prev == &due->l_head ? NULL : n->ln_prev;
	list_insert_after(n != NULL ? n : &due->l_head, &we->we_link);
}

/* The tick at which a slot begins, seen from where the wheel stands. */
static uint64_t
slot_start(const struct wheel *wh, unsigned int level, unsigned int slot)
{
	unsigned int shift = level * WHEEL_BITS;

	return ((wh->wh_tick >> shift & ~(uint64_t)(WHEEL_SLOTS - 1)) | slot) <<
	    shift;
}

/* Empties a slot whose time has begun.  True if something stayed in it. */
static bool
slot_turn(struct wheel *wh, unsigned int level, unsigned int slot,
    int64_t now, struct list *due)
{
	struct list later = LIST_INITIALIZER(later);
	struct list *l = &wh->wh_slot[level][slot];
	struct list_node *n;

	while ((n = list_first(l)) != NULL) {
		wheel_remove(wh, entry_of(n));
		if (entry_of(n)->we_deadline <= now)
			due_insert(due, entry_of(n));
		else
			list_insert_tail(&later, n);
	}
	while ((n = list_first(&later)) != NULL) {
		list_remove(n);
		wheel_place(wh, entry_of(n));
	}
	return !list_empty(l);
}

void
wheel_advance(struct wheel *wh, int64_t now, struct list *due)
{
	uint64_t tick = tick_of(now);
	unsigned int level, slot;
	uint64_t start;

	while (wheel_first(wh, &level, &slot)) {
		start = slot_start(wh, level, slot);
		if (start > tick)
			break;
		wh->wh_tick = start;
		if (slot_turn(wh, level, slot, now, due))
			return;		/* the current tick is not over */
	}
	if (tick > wh->wh_tick)
		wh->wh_tick = tick;
}
