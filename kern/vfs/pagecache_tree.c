/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache_tree.c - the folios of an object by page number
 *
 * A radix tree of 64 slots a node, read without locks.  A slot holds a
 * folio or, marked by the lowest bit, a node.  A folio of 2^n < 64 pages
 * fills as many slots of a lowest node; one of 64 pages stands in one slot of
 * the level above, in place of a node.  A folio at page 0 may be the root
 * itself: a small file needs no node.
 *
 * Writers hold po_lock.  They fill a node before they link it and unlink it
 * before qsbr_call() frees it; a reader sees the tree before or after.  The
 * tree grows at the root, the old root becoming slot 0 of the new one, and
 * empty nodes are freed.
 */

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "pagecache_impl.h"

#define SLOT_BITS	6
#define NSLOTS		(1u << SLOT_BITS)
#define PATH_MAX_DEPTH	12		/* 64 bits of page number, and one */

_Static_assert(FOLIO_MAXORDER == SLOT_BITS,
    "the largest folio takes the place of one lowest node");

struct pgnode {
	void		*pn_slot[NSLOTS];	/* po_lock; read by qsbr */
	unsigned int	 pn_shift;	/* c: pages a slot covers, as a power */
	unsigned int	 pn_count;	/* po_lock: slots in use */
	struct qsbr_head pn_qsbr;
};

static struct pool pgnode_pool;

void
pgtree_boot(void)
{
	pool_init(&pgnode_pool, sizeof(struct pgnode), CACHE_LINE, "pgnode");
}

static inline bool
slot_isnode(const void *e)
{
	return ((uintptr_t)e & 1) != 0;
}

static inline struct pgnode *
slot_node(void *e)
{
	return (struct pgnode *)((uintptr_t)e - 1);
}

static inline void *
node_slot(struct pgnode *pn)
{
	return (void *)((uintptr_t)pn + 1);
}

static inline unsigned int
slot_index(const struct pgnode *pn, uint64_t index)
{
	return (unsigned int)(index >> pn->pn_shift) & (NSLOTS - 1);
}

/* Is index below this node, which is the root? */
static inline bool
root_covers(const struct pgnode *pn, uint64_t index)
{
	return index >> pn->pn_shift < NSLOTS;
}

/* The level whose slots a folio of this order takes, and how many. */
static inline unsigned int
order_shift(unsigned int order)
{
	return order == FOLIO_MAXORDER ? SLOT_BITS : 0;
}

static inline unsigned int
order_slots(unsigned int order)
{
	return order == FOLIO_MAXORDER ? 1 : 1u << order;
}

struct folio *
pgtree_lookup(struct pgobj *po, uint64_t index)
{
	void *e = atomic_load_acq(&po->po_tree);
	struct pgnode *pn;
	struct folio *fo;

	if (slot_isnode(e)) {
		pn = slot_node(e);
		if (!root_covers(pn, index))
			return NULL;
		do {
			pn = slot_node(e);
			e = atomic_load_acq(&pn->pn_slot[slot_index(pn, index)]);
		} while (slot_isnode(e));
	}
	fo = e;
	if (fo == NULL || index - fo->fo_index >= folio_pages(fo))
		return NULL;
	return fo;
}

/* The first folio at or after index below pn. */
static struct folio *
node_next(struct pgnode *pn, uint64_t index)
{
	struct folio *fo;
	unsigned int i;
	void *e;

	for (i = slot_index(pn, index); i < NSLOTS; i++) {
		e = atomic_load_acq(&pn->pn_slot[i]);
		if (e != NULL && !slot_isnode(e))
			return e;
		if (e != NULL) {
			fo = node_next(slot_node(e), index);
			if (fo != NULL)
				return fo;
		}
		index = 0;		/* from its beginning in all others */
	}
	return NULL;
}

struct folio *
pgtree_next(struct pgobj *po, uint64_t index)
{
	void *e = atomic_load_acq(&po->po_tree);
	struct folio *fo;

	if (e == NULL)
		return NULL;
	if (slot_isnode(e))
		return root_covers(slot_node(e), index) ?
		    node_next(slot_node(e), index) : NULL;
	fo = e;
	return index < folio_end(fo) ? fo : NULL;
}

/* --- changes: po_lock is held --------------------------------------------- */

static struct pgnode *
pgnode_create(unsigned int shift)
{
	struct pgnode *pn = pool_get(&pgnode_pool, KM_SLEEP | KM_ZERO);

	if (pn != NULL)
		pn->pn_shift = shift;
	return pn;
}

static void
pgnode_free(struct qsbr_head *qh)
{
	pool_put(&pgnode_pool, container_of(qh, struct pgnode, pn_qsbr));
}

static void
node_fill(struct pgnode *pn, struct folio *fo)
{
	unsigned int i, first = slot_index(pn, fo->fo_index);

	for (i = 0; i < order_slots(fo->fo_order); i++)
		atomic_store_rel(&pn->pn_slot[first + i], fo);
	pn->pn_count += order_slots(fo->fo_order);
}

/* A root that is a node covering index and has at least this level. */
static int
pgtree_raise_locked(struct pgobj *po, uint64_t index, unsigned int shift)
{
	struct pgnode *pn;
	void *e = po->po_tree;

	/* A small root that is a folio goes into a node of its own. */
	if (e == NULL || !slot_isnode(e)) {
		struct folio *fo = e;

		pn = pgnode_create(fo != NULL ? order_shift(fo->fo_order) : 0);
		if (pn == NULL)
			return ENOMEM;
		if (fo != NULL)
			node_fill(pn, fo);
		atomic_store_rel(&po->po_tree, node_slot(pn));
	}
	for (;;) {
		e = po->po_tree;
		pn = slot_node(e);
		if (root_covers(pn, index) && pn->pn_shift >= shift)
			return 0;
		pn = pgnode_create(pn->pn_shift + SLOT_BITS);
		if (pn == NULL)
			return ENOMEM;
		if (slot_node(e)->pn_count != 0) {
			pn->pn_slot[0] = e;
			pn->pn_count = 1;
			atomic_store_rel(&po->po_tree, node_slot(pn));
		} else {
			atomic_store_rel(&po->po_tree, node_slot(pn));
			qsbr_call(&slot_node(e)->pn_qsbr, pgnode_free);
		}
	}
}

/* Frees the empty nodes on the way to index, from below. */
static void
pgtree_prune_locked(struct pgobj *po, uint64_t index)
{
	void **path[PATH_MAX_DEPTH], **link = &po->po_tree;
	unsigned int depth = 0;
	struct pgnode *pn;

	while (slot_isnode(*link)) {
		KASSERT(depth < PATH_MAX_DEPTH);
		path[depth++] = link;
		pn = slot_node(*link);
		if (depth == 1 && !root_covers(pn, index))
			break;
		link = &pn->pn_slot[slot_index(pn, index)];
	}
	while (depth-- > 0) {
		pn = slot_node(*path[depth]);
		if (pn->pn_count != 0)
			return;
		atomic_store_rel(path[depth], NULL);
		if (depth > 0)
			slot_node(*path[depth - 1])->pn_count--;
		qsbr_call(&pn->pn_qsbr, pgnode_free);
	}
}

/* The node of the given level above index, made where it is missing. */
static int
pgtree_descend_locked(struct pgobj *po, uint64_t index, unsigned int shift,
    struct pgnode **ret_pn)
{
	struct pgnode *pn = slot_node(po->po_tree), *child;
	void **slot;

	while (pn->pn_shift > shift) {
		slot = &pn->pn_slot[slot_index(pn, index)];
		if (*slot == NULL) {
			child = pgnode_create(pn->pn_shift - SLOT_BITS);
			if (child == NULL)
				return ENOMEM;
			atomic_store_rel(slot, node_slot(child));
			pn->pn_count++;
		} else if (!slot_isnode(*slot)) {
			return EEXIST;
		}
		pn = slot_node(*slot);
	}
	*ret_pn = pn;
	return 0;
}

int
pgtree_insert_locked(struct pgobj *po, struct folio *fo)
{
	unsigned int i, first, shift = order_shift(fo->fo_order);
	struct pgnode *pn = NULL;
	int error;

	KASSERT(mutex_owned(&po->po_lock));
	KASSERT((fo->fo_index & (folio_pages(fo) - 1)) == 0);
	if (po->po_tree == NULL && fo->fo_index == 0) {
		atomic_store_rel(&po->po_tree, fo);
		return 0;
	}
	error = pgtree_raise_locked(po, fo->fo_index, shift);
	if (!error)
		error = pgtree_descend_locked(po, fo->fo_index, shift, &pn);
	if (!error) {
		first = slot_index(pn, fo->fo_index);
		for (i = 0; i < order_slots(fo->fo_order); i++)
			if (pn->pn_slot[first + i] != NULL)
				error = EEXIST;
	}
	if (error)
		pgtree_prune_locked(po, fo->fo_index);
	else
		node_fill(pn, fo);
	return error;
}

void
pgtree_remove_locked(struct pgobj *po, struct folio *fo)
{
	unsigned int i, first, shift = order_shift(fo->fo_order);
	struct pgnode *pn;

	KASSERT(mutex_owned(&po->po_lock));
	KASSERT(pgtree_lookup(po, fo->fo_index) == fo);
	if (!slot_isnode(po->po_tree)) {
		atomic_store_rel(&po->po_tree, NULL);
		return;
	}
	pn = slot_node(po->po_tree);
	while (pn->pn_shift > shift)
		pn = slot_node(pn->pn_slot[slot_index(pn, fo->fo_index)]);
	first = slot_index(pn, fo->fo_index);
	for (i = 0; i < order_slots(fo->fo_order); i++)
		atomic_store_rel(&pn->pn_slot[first + i], NULL);
	pn->pn_count -= order_slots(fo->fo_order);
	if (pn->pn_count == 0)
		pgtree_prune_locked(po, fo->fo_index);
}

static void
node_fill_all(struct pgnode *pn, struct folio **pieces, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		node_fill(pn, pieces[i]);
}

/* The slot that holds old: the root, or a node's first one for it. */
static void **
pgtree_slot_locked(struct pgobj *po, struct folio *old,
    struct pgnode **ret_pn)
{
	struct pgnode *pn = NULL;
	void **slot = &po->po_tree;

	while (slot_isnode(*slot)) {
		pn = slot_node(*slot);
		slot = &pn->pn_slot[slot_index(pn, old->fo_index)];
	}
	KASSERT(*slot == old);
	*ret_pn = pn;
	return slot;
}

int
pgtree_replace_locked(struct pgobj *po, struct folio *old,
    struct folio **pieces, unsigned int n)
{
	struct pgnode *pn, *leaf;
	unsigned int i;
	void **slot;

	KASSERT(mutex_owned(&po->po_lock));
	KASSERT(n > 0);
	slot = pgtree_slot_locked(po, old, &pn);
	if (pn == NULL && n == 1 && pieces[0]->fo_index == 0) {
		atomic_store_rel(slot, pieces[0]);
		return 0;
	}
	if (pn == NULL || pn->pn_shift != 0) {
		/* A node takes the folio's slot. */
		leaf = pgnode_create(0);
		if (leaf == NULL)
			return ENOMEM;
		node_fill_all(leaf, pieces, n);
		atomic_store_rel(slot, node_slot(leaf));
		return 0;
	}
	for (i = 0; i < order_slots(old->fo_order); i++)
		atomic_store_rel(&slot[i], NULL);
	pn->pn_count -= order_slots(old->fo_order);
	node_fill_all(pn, pieces, n);
	return 0;
}
