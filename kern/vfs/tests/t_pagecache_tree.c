/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_pagecache_tree.c - the radix tree of folios against a plain model
 */

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/qsbr.h>

#include "pagecache_impl.h"

#include <harness.h>

static const struct pgobj_ops tree_ops = { .po_read = NULL };

static struct pgobj *
tree_create(void)
{
	struct pgobj *po = NULL;

	NEED(pgobj_create(&tree_ops, NULL, &po) == 0);
	return po;
}

/* A folio without memory: the tree looks at its place only. */
static void
tree_put(struct pgobj *po, struct folio *fo, uint64_t index, unsigned int order,
    int want)
{
	memset(fo, 0, sizeof(*fo));
	fo->fo_obj = po;
	fo->fo_index = index;
	fo->fo_order = (uint8_t)order;
	mutex_enter(&po->po_lock);
	CHECK_EQ("insert", want, pgtree_insert_locked(po, fo));
	mutex_exit(&po->po_lock);
}

static void
tree_take(struct pgobj *po, struct folio *fo)
{
	mutex_enter(&po->po_lock);
	pgtree_remove_locked(po, fo);
	mutex_exit(&po->po_lock);
}

static const struct { uint64_t index; unsigned int order; } places[] = {
	{ 0, 0 }, { 0, 3 }, { 0, 6 }, { 1, 0 }, { 32, 5 }, { 63, 0 },
	{ 64, 0 }, { 64, 6 }, { 4096, 6 }, { 4095, 0 }, { 1ULL << 30, 4 },
	{ (1ULL << 51) - 64, 6 }, { (1ULL << 52) - 1, 0 },
};

TEST(a_folio_is_found_at_each_of_its_pages_and_nowhere_else)
{
	struct pgobj *po = tree_create();
	static struct folio fo;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint64_t first = places[i].index;
		uint64_t last = first + (1ULL << places[i].order) - 1;

		tree_put(po, &fo, first, places[i].order, 0);
		CHECK(pgtree_lookup(po, first) == &fo);
		CHECK(pgtree_lookup(po, last) == &fo);
		CHECK(pgtree_lookup(po, last + 1) == NULL);
		CHECK(first == 0 || pgtree_lookup(po, first - 1) == NULL);
		CHECK(pgtree_lookup(po, UINT64_MAX >> PAGE_SHIFT) == NULL ||
		    last == UINT64_MAX >> PAGE_SHIFT);
		CHECK(pgtree_next(po, 0) == &fo);
		CHECK(pgtree_next(po, last) == &fo);
		CHECK(pgtree_next(po, last + 1) == NULL);
		tree_take(po, &fo);
		CHECK(po->po_tree == NULL);
	}
	pgobj_destroy(po);
}

TEST(pages_that_are_there_cannot_be_inserted_again)
{
	struct pgobj *po = tree_create();
	static struct folio a, b, c;

	tree_put(po, &a, 128, 3, 0);
	tree_put(po, &b, 128, 0, EEXIST);
	tree_put(po, &b, 135, 0, EEXIST);
	tree_put(po, &b, 128, 4, EEXIST);
	tree_put(po, &b, 128, 6, EEXIST);
	tree_put(po, &b, 192, 6, 0);
	tree_put(po, &c, 200, 1, EEXIST);
	tree_put(po, &c, 136, 3, 0);
	tree_take(po, &a);
	tree_take(po, &b);
	CHECK(pgtree_lookup(po, 140) == &c);
	tree_take(po, &c);
	CHECK(po->po_tree == NULL);
	pgobj_destroy(po);
}

#define MODEL_PAGES	1024
#define MODEL_STEPS	4000

struct model {
	struct pgobj	*mo_po;
	struct folio	*mo_page[MODEL_PAGES];
	uint64_t	 mo_rand;
};

static uint64_t
model_rand(struct model *mo, uint64_t below)
{
	mo->mo_rand = hash_u64(mo->mo_rand + 0x9e3779b97f4a7c15ULL);
	return mo->mo_rand % below;
}

static bool
model_free(struct model *mo, uint64_t index, uint64_t n)
{
	for (uint64_t i = index; i < index + n; i++)
		if (mo->mo_page[i] != NULL)
			return false;
	return true;
}

static void
model_set(struct model *mo, const struct folio *fo, struct folio *value)
{
	for (uint64_t i = fo->fo_index; i < folio_end(fo); i++)
		mo->mo_page[i] = value;
}

static void
model_check(struct model *mo, uint64_t index)
{
	uint64_t next = index;

	CHECK(pgtree_lookup(mo->mo_po, index) == mo->mo_page[index]);
	while (next < MODEL_PAGES && mo->mo_page[next] == NULL)
		next++;
	CHECK(pgtree_next(mo->mo_po, index) ==
	    (next < MODEL_PAGES ? mo->mo_page[next] : NULL));
}

static void
model_step(struct model *mo)
{
	unsigned int order = (unsigned int)model_rand(mo, FOLIO_MAXORDER + 1);
	uint64_t index = model_rand(mo, MODEL_PAGES >> order) << order;
	struct folio *fo = mo->mo_page[index];

	if (model_free(mo, index, 1ULL << order)) {
		fo = kmem_alloc(sizeof(*fo), KM_SLEEP);
		NEED(fo != NULL);
		tree_put(mo->mo_po, fo, index, order, 0);
		model_set(mo, fo, fo);
	} else if (fo != NULL) {
		tree_take(mo->mo_po, fo);
		model_set(mo, fo, NULL);
		kmem_free(fo, sizeof(*fo));
	}
	model_check(mo, model_rand(mo, MODEL_PAGES));
}

TEST_WITH(the_tree_agrees_with_a_table_after_each_of_many_changes,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 5)
{
	static struct model mo;
	struct folio *fo;

	mo.mo_po = tree_create();
	mo.mo_rand = harness_seed();
	for (int i = 0; i < MODEL_STEPS; i++)
		model_step(&mo);
	for (uint64_t i = 0; i < MODEL_PAGES; i++)
		CHECK(pgtree_lookup(mo.mo_po, i) == mo.mo_page[i]);
	while ((fo = pgtree_next(mo.mo_po, 0)) != NULL) {
		tree_take(mo.mo_po, fo);
		kmem_free(fo, sizeof(*fo));
	}
	CHECK(mo.mo_po->po_tree == NULL);
	pgobj_destroy(mo.mo_po);
}

static int
insert_and_remove(void)
{
	struct pgobj *po;
	static struct folio fo[2];
	int error;

	error = pgobj_create(&tree_ops, NULL, &po);
	if (error)
		return error;
	mutex_enter(&po->po_lock);
	for (int i = 0; i < 2 && !error; i++) {
		memset(&fo[i], 0, sizeof(fo[i]));
		fo[i].fo_obj = po;
		fo[i].fo_index = i == 0 ? 5 : 1ULL << 40;
		error = pgtree_insert_locked(po, &fo[i]);
		if (error)
			CHECK(pgtree_lookup(po, fo[i].fo_index) == NULL);
	}
	for (int i = 0; i < 2; i++)
		if (pgtree_lookup(po, i == 0 ? 5 : 1ULL << 40) != NULL)
			pgtree_remove_locked(po, &fo[i]);
	CHECK(po->po_tree == NULL);
	mutex_exit(&po->po_lock);
	pgobj_destroy(po);
	return error;
}

TEST(an_insertion_without_memory_leaves_the_tree_as_it_was)
{
	fault_sweep(FAULT_MEMORY, insert_and_remove);
}
