/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * memory.c - memory for a simulated kernel, all of it accounted for
 *
 * Each piece stands in a table with its size and origin, so that what was
 * not freed can be named, and what is freed must be what was allocated: a
 * wrong pointer or size ends the process.  Small memory comes filled with a
 * pattern, because runs must not depend on what was there before.
 */

#include <errno.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "common/hostmem.h"
#include "sim_impl.h"

#define PATTERN_NEW	0xa5
#define PATTERN_FREE	0x5a
#define PATTERN_MAX	((size_t)65536)	/* more is not worth the time */

#define TABLE_MIN	((size_t)1024)
#define ORIGIN_DEPTH	8
#define REPORT_MAX	20

enum piecekind { PIECE_MALLOC, PIECE_PAGES, PIECE_NKINDS };

struct piece {
	void		*p_ptr;		/* NULL: free slot */
	size_t		 p_len;
	uint64_t	 p_serial;
	enum piecekind	 p_kind;
	void		*p_origin[ORIGIN_DEPTH];
};

/* All: the baton.  Open addressing, at most half full. */
static struct {
	struct piece	*pt_slots;
	size_t		 pt_size;	/* a power of two, or 0 */
	size_t		 pt_used;
	uint64_t	 pt_serial;
	uint64_t	 pt_count[PIECE_NKINDS];
	uint64_t	 pt_bytes[PIECE_NKINDS];
	int		 pt_deep;	/* whole stacks: 0 unknown, 1 yes, 2 no */
} pieces;

static size_t
slot_of(const void *ptr)
{
	uint64_t h = (uintptr_t)ptr >> 4;

	h *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 20) & (pieces.pt_size - 1);
}

static struct piece *
slot_find(const void *ptr)
{
	size_t i;

	if (pieces.pt_size == 0)
		return NULL;
	for (i = slot_of(ptr); pieces.pt_slots[i].p_ptr != NULL;
	    i = (i + 1) & (pieces.pt_size - 1)) {
		if (pieces.pt_slots[i].p_ptr == ptr)
			return &pieces.pt_slots[i];
	}
	return NULL;
}

static struct piece *
slot_free(const void *ptr)
{
	size_t i;

	for (i = slot_of(ptr); pieces.pt_slots[i].p_ptr != NULL;
	    i = (i + 1) & (pieces.pt_size - 1))
		continue;
	return &pieces.pt_slots[i];
}

static bool
table_reserve(void)
{
	struct piece *old = pieces.pt_slots;
	size_t i, oldsize = pieces.pt_size, size;

	if (pieces.pt_used * 2 < oldsize)
		return true;
	size = oldsize == 0 ? TABLE_MIN : oldsize * 2;
	pieces.pt_slots = calloc(size, sizeof(*pieces.pt_slots));
	if (pieces.pt_slots == NULL) {
		pieces.pt_slots = old;
		return false;
	}
	pieces.pt_size = size;
	for (i = 0; i < oldsize; i++) {
		if (old[i].p_ptr != NULL)
			*slot_free(old[i].p_ptr) = old[i];
	}
	free(old);
	return true;
}

/* Moves up what would not be found behind the gap any more. */
static void
slot_clear(struct piece *p)
{
	size_t gap = (size_t)(p - pieces.pt_slots), i, home;
	size_t mask = pieces.pt_size - 1;

	for (i = (gap + 1) & mask; pieces.pt_slots[i].p_ptr != NULL;
	    i = (i + 1) & mask) {
		home = slot_of(pieces.pt_slots[i].p_ptr);
		if (((i - home) & mask) >= ((i - gap) & mask)) {
			pieces.pt_slots[gap] = pieces.pt_slots[i];
			gap = i;
		}
	}
	pieces.pt_slots[gap].p_ptr = NULL;
}

/* RUMPSIM_LEAKS in the environment: whole stacks, at a price. */
static void
origin_note(struct piece *p, void *caller)
{
	void *pc[ORIGIN_DEPTH + 2];
	int i, n;

	memset(p->p_origin, 0, sizeof(p->p_origin));
	p->p_origin[0] = caller;
	if (pieces.pt_deep == 0)
		pieces.pt_deep = getenv("RUMPSIM_LEAKS") != NULL ? 1 : 2;
	if (pieces.pt_deep == 2)
		return;
	n = backtrace(pc, ORIGIN_DEPTH + 2);
	for (i = 2; i < n; i++)		/* not this and its caller */
		p->p_origin[i - 2] = pc[i];
}

static void
piece_add(void *ptr, size_t len, enum piecekind kind, void *caller)
{
	struct piece *p = slot_free(ptr);

	p->p_ptr = ptr;
	p->p_len = len;
	p->p_kind = kind;
	p->p_serial = ++pieces.pt_serial;
	origin_note(p, caller);
	pieces.pt_used++;
	pieces.pt_count[kind]++;
	pieces.pt_bytes[kind] += len;
	sim_trace(SIMOP_MEMORY, len);
}

static void
piece_remove(const void *ptr, size_t len, enum piecekind kind)
{
	struct piece *p = slot_find(ptr);

	if (p == NULL || p->p_kind != kind)
		sim_die("freed %p, %zu bytes, was never allocated", ptr, len);
	if (p->p_len != len)
		sim_die("freed %p as %zu bytes, allocated as %zu", ptr, len,
		    p->p_len);
	pieces.pt_used--;
	pieces.pt_count[kind]--;
	pieces.pt_bytes[kind] -= len;
	slot_clear(p);
}

/* --- hypercalls ---------------------------------------------------------- */

int
rumpuser_malloc(size_t len, size_t align, void **ret_ptr)
{
	void *ptr;
	int error;

	(void)sim_self();
	error = sim_fault(RUMPSIM_MEMORY);
	if (error)
		return error;
	if (!table_reserve())
		return ENOMEM;
	error = hostmem_alloc(len, align, &ptr);
	if (error)
		return error;
	memset(ptr, PATTERN_NEW, len < PATTERN_MAX ? len : PATTERN_MAX);
	piece_add(ptr, len, PIECE_MALLOC, __builtin_return_address(0));
	*ret_ptr = ptr;
	return 0;
}

void
rumpuser_free(void *ptr, size_t len)
{

	(void)sim_self();
	if (ptr == NULL)
		return;
	piece_remove(ptr, len, PIECE_MALLOC);
	memset(ptr, PATTERN_FREE, len < PATTERN_MAX ? len : PATTERN_MAX);
	hostmem_free(ptr);
}

int
rumpuser_pages_map(size_t len, size_t align, int flags, void **ret_ptr)
{
	void *ptr;
	int error;

	(void)sim_self();
	error = sim_fault(RUMPSIM_MEMORY);
	if (error)
		return error;
	if (!table_reserve())
		return ENOMEM;
	error = hostmem_map(len, align, flags, &ptr);
	if (error)
		return error;
	piece_add(ptr, len, PIECE_PAGES, __builtin_return_address(0));
	*ret_ptr = ptr;
	return 0;
}

void
rumpuser_pages_unmap(void *ptr, size_t len)
{

	(void)sim_self();
	piece_remove(ptr, len, PIECE_PAGES);
	hostmem_unmap(ptr, len);
}

void
rumpuser_pages_discard(void *ptr, size_t len)
{

	hostmem_discard(ptr, len);
}

/* --- accounts ------------------------------------------------------------ */

void
rumpsim_usage(struct rumpsim_usage *ret_usage)
{

	(void)sim_self();
	ret_usage->su_mallocs = pieces.pt_count[PIECE_MALLOC];
	ret_usage->su_malloc_bytes = pieces.pt_bytes[PIECE_MALLOC];
	ret_usage->su_maps = pieces.pt_count[PIECE_PAGES];
	ret_usage->su_map_bytes = pieces.pt_bytes[PIECE_PAGES];
	ret_usage->su_fds = simfd_count();
	ret_usage->su_threads = simthread_count();
	ret_usage->su_serial = pieces.pt_serial;
}

static void
piece_report(const struct piece *p)
{
	int i, n;

	(void)dprintf(STDERR_FILENO, "rumpsim: leak: %zu bytes of %s at %p, "
	    "serial %llu, from:\n", p->p_len,
	    p->p_kind == PIECE_PAGES ? "pages" : "memory", p->p_ptr,
	    (unsigned long long)p->p_serial);
	for (n = 0, i = 0; i < ORIGIN_DEPTH && p->p_origin[i] != NULL; i++)
		n++;
	backtrace_symbols_fd(p->p_origin, n, STDERR_FILENO);
}

static bool
number_check(const char *what, uint64_t before, uint64_t now)
{

	if (before == now)
		return true;
	(void)dprintf(STDERR_FILENO, "rumpsim: leak: %s: %llu before, %llu now\n",
	    what, (unsigned long long)before, (unsigned long long)now);
	return false;
}

bool
rumpsim_usage_check(const struct rumpsim_usage *before)
{
	struct rumpsim_usage now;
	bool same = true;
	int reported = 0;
	size_t i;

	rumpsim_usage(&now);
	same &= number_check("pieces of memory", before->su_mallocs,
	    now.su_mallocs);
	same &= number_check("bytes of memory", before->su_malloc_bytes,
	    now.su_malloc_bytes);
	same &= number_check("pieces of pages", before->su_maps, now.su_maps);
	same &= number_check("bytes of pages", before->su_map_bytes,
	    now.su_map_bytes);
	same &= number_check("descriptors", before->su_fds, now.su_fds);
	same &= number_check("threads", before->su_threads, now.su_threads);
	for (i = 0; !same && i < pieces.pt_size; i++) {
		if (pieces.pt_slots[i].p_ptr != NULL &&
		    pieces.pt_slots[i].p_serial > before->su_serial &&
		    reported++ < REPORT_MAX)
			piece_report(&pieces.pt_slots[i]);
	}
	return same;
}
