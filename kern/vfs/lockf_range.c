/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockf_range.c - ranges of bytes that owners have locked
 *
 * A list holds ranges that do not overlap within one owner and one that
 * touch are merged if they are alike.  It is sorted by start, so that
 * F_GETLK finds the first one.
 */

#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#include "lockf_impl.h"

static struct lockrange *
lockrange_at(struct list_node *n)
{
	return container_of(n, struct lockrange, lr_link);
}

int
lockrange_spares_init(struct lockrange_spares *sp)
{
	unsigned int i;

	for (i = 0; i < LOCKRANGE_SPARES; i++)
		sp->sp_range[i] = NULL;
	for (i = 0; i < LOCKRANGE_SPARES; i++) {
		sp->sp_range[i] = kmem_alloc(sizeof(struct lockrange), KM_SLEEP);
		if (sp->sp_range[i] == NULL) {
			lockrange_spares_fini(sp);
			return ENOMEM;
		}
	}
	return 0;
}

void
lockrange_spares_fini(struct lockrange_spares *sp)
{
	unsigned int i;

	for (i = 0; i < LOCKRANGE_SPARES; i++)
		kmem_free(sp->sp_range[i], sizeof(struct lockrange));
}

static struct lockrange *
lockrange_spare(struct lockrange_spares *sp)
{
	struct lockrange *lr = NULL;
	unsigned int i;

	for (i = 0; lr == NULL && i < LOCKRANGE_SPARES; i++) {
		lr = sp->sp_range[i];
		sp->sp_range[i] = NULL;
	}
	KASSERT(lr != NULL);
	return lr;
}

static void
lockrange_insert(struct list *l, struct lockrange *lr)
{
	struct list_node *n;

	LIST_FOREACH(n, l)
		if (lockrange_at(n)->lr_start > lr->lr_start)
			break;
	list_insert_after(n->ln_prev, &lr->lr_link);
}

static void
lockrange_free(struct lockrange *lr)
{
	list_remove(&lr->lr_link);
	kmem_free(lr, sizeof(*lr));
}

static bool
lockrange_overlap(const struct lockrange *a, const struct lockrange *b)
{
	return a->lr_start <= b->lr_end && b->lr_start <= a->lr_end;
}

struct lockrange *
lockrange_own(struct list *l, const struct lockrange *lr)
{
	struct lockrange *held;
	struct list_node *n;

	LIST_FOREACH(n, l) {
		held = lockrange_at(n);
		if (held->lr_owner.lo_id == lr->lr_owner.lo_id &&
		    lockrange_overlap(held, lr))
			return held;
	}
	return NULL;
}

struct lockrange *
lockrange_conflict(struct list *l, const struct lockrange *lr)
{
	struct lockrange *held;
	struct list_node *n;

	LIST_FOREACH(n, l) {
		held = lockrange_at(n);
		if (held->lr_owner.lo_id != lr->lr_owner.lo_id &&
		    lockrange_overlap(held, lr) &&
		    (held->lr_exclusive || lr->lr_exclusive))
			return held;
	}
	return NULL;
}

/* Cuts lr out of held, which it overlaps; what is left behind it is new. */
static void
lockrange_cut(struct list *l, struct lockrange *held,
    const struct lockrange *lr, struct lockrange_spares *sp)
{
	bool head = held->lr_start < lr->lr_start;
	bool tail = held->lr_end > lr->lr_end;
	struct lockrange *rest;

	if (head && tail) {
		rest = lockrange_spare(sp);
		*rest = *held;
		rest->lr_start = lr->lr_end + 1;
		held->lr_end = lr->lr_start - 1;
		lockrange_insert(l, rest);
	} else if (head) {
		held->lr_end = lr->lr_start - 1;
	} else if (tail) {
		list_remove(&held->lr_link);
		held->lr_start = lr->lr_end + 1;
		lockrange_insert(l, held);
	} else {
		lockrange_free(held);
	}
}

bool
lockrange_clear(struct list *l, const struct lockrange *lr,
    struct lockrange_spares *sp)
{
	struct list_node *n, *next;
	struct lockrange *held;
	bool found = false;

	LIST_FOREACH_SAFE(n, next, l) {
		held = lockrange_at(n);
		if (held->lr_owner.lo_id == lr->lr_owner.lo_id &&
		    lockrange_overlap(held, lr)) {
			lockrange_cut(l, held, lr, sp);
			found = true;
		}
	}
	return found;
}

/* Do they join to one? */
static bool
lockrange_touch(const struct lockrange *a, const struct lockrange *b)
{
	return (a->lr_end != UINT64_MAX && a->lr_end + 1 == b->lr_start) ||
	    (b->lr_end != UINT64_MAX && b->lr_end + 1 == a->lr_start);
}

void
lockrange_set(struct list *l, const struct lockrange *lr,
    struct lockrange_spares *sp)
{
	struct list_node *n, *next;
	struct lockrange *held, *new;

	(void)lockrange_clear(l, lr, sp);
	new = lockrange_spare(sp);
	*new = *lr;
	LIST_FOREACH_SAFE(n, next, l) {
		held = lockrange_at(n);
		if (held->lr_owner.lo_id != new->lr_owner.lo_id ||
		    held->lr_exclusive != new->lr_exclusive ||
		    !lockrange_touch(held, new))
			continue;
		if (held->lr_start < new->lr_start)
			new->lr_start = held->lr_start;
		else
			new->lr_end = held->lr_end;
		lockrange_free(held);
	}
	lockrange_insert(l, new);
}
