/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockdep.c - lock order checks of debug builds
 *
 * Classes are found by the address of their name in a small open-addressed
 * table, and the order relation is a bit matrix over classes.  Both only
 * grow; they are guarded by a spin word, since a lock of ours would check
 * itself.  The list of locks an lwp holds belongs to the lwp alone.
 *
 * The whole file is empty unless the build has debug_checks.
 */

#include "lockdep.h"

#ifdef RUMP_DEBUG

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/lwp.h>
#include <lib/string.h>

#define CLASS_MAX	256
#define HELD_MAX	32

struct held {
	const void	*h_lock;
	int		 h_class;
};

struct heldlist {
	unsigned int	 hl_n;
	struct held	 hl_held[HELD_MAX];
};

static uint32_t graph_word;			/* the spin word */
static const char *class_name[CLASS_MAX];	/* graph_word */
static uint64_t order[CLASS_MAX][CLASS_MAX / 64];	/* graph_word: row before col */

static void
graph_enter(void)
{
	uint32_t free = 0;

	while (!atomic_cas_acq(&graph_word, &free, 1)) {
		free = 0;
		cpu_relax();
	}
}

static void
graph_exit(void)
{
	atomic_store_rel(&graph_word, 0);
}

/* -1 when the table is full: such locks are not checked. */
static int
class_find(const char *name)
{
	unsigned int h = 5381;

	for (const char *p = name; *p != '\0'; p++)
		h = h * 33 + (unsigned char)*p;
	for (unsigned int i = 0; i < CLASS_MAX; i++) {
		unsigned int c = (h + i) % CLASS_MAX;

		if (class_name[c] == NULL)
			class_name[c] = name;
		if (class_name[c] == name || strcmp(class_name[c], name) == 0)
			return (int)c;
	}
	return -1;
}

static bool
order_known(int before, int after)
{
	return (order[before][after / 64] >> (after % 64) & 1) != 0;
}

/* Is there a chain from "from" to "to"?  A walk over the marked rows. */
static bool
order_reaches(int from, int to)
{
	uint64_t seen[CLASS_MAX / 64] = { 0 };
	int stack[CLASS_MAX], n = 0;

	stack[n++] = from;
	seen[from / 64] |= 1ULL << (from % 64);
	while (n > 0) {
		int c = stack[--n];

		if (c == to)
			return true;
		for (int next = 0; next < CLASS_MAX; next++) {
			if (!order_known(c, next) ||
			    (seen[next / 64] >> (next % 64) & 1))
				continue;
			seen[next / 64] |= 1ULL << (next % 64);
			stack[n++] = next;
		}
	}
	return false;
}

static struct heldlist *
heldlist_of(struct lwp *l)
{
	void *mem;

	if (l == NULL)
		return NULL;
	if (l->l_lockdep == NULL &&
	    rumpuser_malloc(sizeof(struct heldlist), 16, &mem) == 0) {
		memset(mem, 0, sizeof(struct heldlist));
		l->l_lockdep = mem;
	}
	return l->l_lockdep;
}

void
lockdep_before(const void *lock, const char *name)
{
	struct heldlist *hl = heldlist_of(curlwp());
	const char *culprit = NULL;
	int c;

	rumpuser_thread_preempt();
	if (hl == NULL || hl->hl_n == 0 || name == NULL)
		return;
	graph_enter();
	c = class_find(name);
	for (unsigned int i = 0; c >= 0 && i < hl->hl_n; i++) {
		int b = hl->hl_held[i].h_class;

		KASSERTMSG(hl->hl_held[i].h_lock != lock, "%s taken twice", name);
		if (b < 0 || b == c || order_known(b, c))
			continue;
		if (order_reaches(c, b)) {
			culprit = class_name[b];
			break;
		}
		order[b][c / 64] |= 1ULL << (c % 64);
	}
	graph_exit();
	if (culprit != NULL)
		panic("lock order: %s taken while %s is held, which was taken "
		    "before it elsewhere", name, culprit);
}

void
lockdep_acquired(const void *lock, const char *name)
{
	struct heldlist *hl = heldlist_of(curlwp());
	int c;

	if (hl == NULL)
		return;
	if (hl->hl_n == HELD_MAX)
		panic("an lwp holds more than %d locks", HELD_MAX);
	graph_enter();
	c = name != NULL ? class_find(name) : -1;
	graph_exit();
	hl->hl_held[hl->hl_n++] = (struct held){ lock, c };
}

void
lockdep_released(const void *lock)
{
	struct heldlist *hl = heldlist_of(curlwp());

	if (hl == NULL)
		return;
	for (unsigned int i = hl->hl_n; i-- > 0;) {
		if (hl->hl_held[i].h_lock != lock)
			continue;
		hl->hl_n--;
		for (unsigned int k = i; k < hl->hl_n; k++)
			hl->hl_held[k] = hl->hl_held[k + 1];
		return;
	}
	panic("a lock is released which the lwp does not hold");
}

void
lockdep_none_held(const struct lwp *l)
{
	const struct heldlist *hl = l->l_lockdep;

	if (hl != NULL && hl->hl_n != 0)
		panic("a system call ends with %u locks held, the last is %s",
		    hl->hl_n, hl->hl_held[hl->hl_n - 1].h_class < 0 ? "?" :
		    class_name[hl->hl_held[hl->hl_n - 1].h_class]);
}

void
lockdep_free(struct lwp *l)
{
	rumpuser_free(l->l_lockdep, sizeof(struct heldlist));
	l->l_lockdep = NULL;
}

#else
typedef int lockdep_is_off_t;
#endif
