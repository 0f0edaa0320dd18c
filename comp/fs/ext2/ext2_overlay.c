/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_overlay.c - which blocks the journal has newer copies of
 *
 * Replaying a journal means that some blocks are elsewhere than they seem.
 * A sorted array of them is built while mounting and then only searched.
 * It has at most one entry a block of the journal.
 *
 * Of several copies only the last one counts, and that settles revocation,
 * too: a block revoked after its last copy was revoked after all of them, and
 * one copied again after it was revoked has that copy. So no table of
 * revoked blocks is needed.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <sys/errno.h>

#include "jbd2_wire.h"

#define ALLOC_MIN	64

static int
overlay_grow(struct ext2_overlay *o)
{
	size_t want = o->o_alloc == 0 ? ALLOC_MIN : o->o_alloc * 2;
	struct ext2_redo *redo;

	redo = kmem_alloc(want * sizeof(*redo), KM_SLEEP);
	if (redo == NULL)
		return ENOMEM;
	if (o->o_count > 0)
		memcpy(redo, o->o_redo, o->o_count * sizeof(*redo));
	kmem_free(o->o_redo, o->o_alloc * sizeof(*redo));
	o->o_redo = redo;
	o->o_alloc = want;
	return 0;
}

int
ext2_overlay_add(struct ext2_overlay *o, const struct ext2_redo *redo)
{
	int error;

	if (o->o_count == o->o_alloc) {
		error = overlay_grow(o);
		if (error)
			return error;
	}
	o->o_redo[o->o_count] = *redo;
	o->o_redo[o->o_count].r_order = (uint32_t)o->o_count;
	o->o_count++;
	return 0;
}

static bool
redo_before(const struct ext2_redo *a, const struct ext2_redo *b)
{
	if (a->r_pblk != b->r_pblk)
		return a->r_pblk < b->r_pblk;
	return a->r_order < b->r_order;
}

/* Lets redo[i] sink until no child is greater. */
static void
heap_sink(struct ext2_redo *redo, size_t i, size_t count)
{
	struct ext2_redo sinking = redo[i];
	size_t child;

	while ((child = 2 * i + 1) < count) {
		if (child + 1 < count &&
		    redo_before(&redo[child], &redo[child + 1]))
			child++;
		if (!redo_before(&sinking, &redo[child]))
			break;
		redo[i] = redo[child];
		i = child;
	}
	redo[i] = sinking;
}

void
ext2_overlay_sort(struct ext2_overlay *o)
{
	struct ext2_redo *redo = o->o_redo, last;
	size_t kept = 0;

	for (size_t i = o->o_count / 2; i-- > 0; )
		heap_sink(redo, i, o->o_count);
	for (size_t n = o->o_count; n-- > 1; ) {
		last = redo[n];
		redo[n] = redo[0];
		redo[0] = last;
		heap_sink(redo, 0, n);
	}
	for (size_t i = 0; i < o->o_count; i++) {
		if (i + 1 < o->o_count && redo[i + 1].r_pblk == redo[i].r_pblk)
			continue;
		redo[kept++] = redo[i];
	}
	o->o_count = kept;
}

static size_t
overlay_index(const struct ext2_overlay *o, uint64_t pblk)
{
	size_t lo = 0, hi = o->o_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (o->o_redo[mid].r_pblk < pblk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct ext2_redo *
ext2_overlay_find(const struct ext2_overlay *o, uint64_t pblk)
{
	size_t i = overlay_index(o, pblk);

	return i < o->o_count ? &o->o_redo[i] : NULL;
}

/* r_where 0 marks it; the journal cannot be in block 0. */
void
ext2_overlay_revoke(struct ext2_overlay *o, uint64_t pblk, uint32_t sequence)
{
	size_t i = overlay_index(o, pblk);

	if (i < o->o_count && o->o_redo[i].r_pblk == pblk &&
	    !jbd2_later(o->o_redo[i].r_sequence, sequence))
		o->o_redo[i].r_where = 0;
}

void
ext2_overlay_prune(struct ext2_overlay *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->o_count; i++) {
		if (o->o_redo[i].r_where != 0)
			o->o_redo[kept++] = o->o_redo[i];
	}
	o->o_count = kept;
}

void
ext2_overlay_fini(struct ext2_overlay *o)
{
	kmem_free(o->o_redo, o->o_alloc * sizeof(*o->o_redo));
	memset(o, 0, sizeof(*o));
}
