/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_lockf_range.c - the arithmetic of locked ranges
 *
 * Each case does a few steps for two owners and then prints what is held:
 * "r0-9 w20-29" of the first, then " | " and the second's.
 */

#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>

#include "lockf_impl.h"

#include <harness.h>

struct step {
	char		 s_what;	/* r, w, u; 0 ends */
	int		 s_who;		/* 0, 1 */
	uint64_t	 s_start, s_end;
};

static const struct {
	const char	*label;
	struct step	 steps[6];
	const char	*want;
} cases[] = {
	{ "one lock", { { 'w', 0, 0, 9 } }, "w0-9 | " },
	{ "neighbours merge", { { 'r', 0, 0, 9 }, { 'r', 0, 10, 19 } }, "r0-19 | " },
	{ "from behind too", { { 'r', 0, 10, 19 }, { 'r', 0, 0, 9 } }, "r0-19 | " },
	{ "a gap between two is filled", { { 'r', 0, 0, 9 }, { 'r', 0, 20, 29 },
	    { 'r', 0, 10, 19 } }, "r0-29 | " },
	{ "what overlaps is one", { { 'r', 0, 0, 9 }, { 'r', 0, 5, 15 } }, "r0-15 | " },
	{ "other kinds do not merge", { { 'r', 0, 0, 9 }, { 'w', 0, 10, 19 } },
	    "r0-9 w10-19 | " },
	{ "other owners do not merge", { { 'r', 0, 0, 9 }, { 'r', 1, 10, 19 } },
	    "r0-9 | r10-19" },
	{ "a hole splits", { { 'w', 0, 0, 29 }, { 'u', 0, 10, 19 } },
	    "w0-9 w20-29 | " },
	{ "a weaker middle splits", { { 'w', 0, 0, 29 }, { 'r', 0, 10, 19 } },
	    "w0-9 r10-19 w20-29 | " },
	{ "the head goes", { { 'w', 0, 0, 29 }, { 'u', 0, 0, 9 } }, "w10-29 | " },
	{ "the tail goes", { { 'w', 0, 0, 29 }, { 'u', 0, 20, 99 } }, "w0-19 | " },
	{ "all goes", { { 'w', 0, 5, 29 }, { 'u', 0, 0, 99 } }, " | " },
	{ "several at once", { { 'r', 0, 0, 4 }, { 'w', 0, 10, 14 },
	    { 'r', 0, 20, 24 }, { 'w', 0, 2, 22 } }, "r0-1 w2-22 r23-24 | " },
	{ "a lock inside its like changes nothing", { { 'r', 0, 0, 29 },
	    { 'r', 0, 10, 19 } }, "r0-29 | " },
	{ "the other owner's stay", { { 'r', 0, 0, 29 }, { 'r', 1, 0, 29 },
	    { 'u', 0, 0, 9 } }, "r10-29 | r0-29" },
	{ "the end of the file", { { 'w', 0, 10, INT64_MAX }, { 'u', 0, 20, 29 } },
	    "w10-19 w30-9223372036854775807 | " },
};

static const char owner_id[2];

static struct lockrange
range_of(const struct step *s)
{
	return (struct lockrange){ .lr_owner = { &owner_id[s->s_who], s->s_who },
	    .lr_start = s->s_start, .lr_end = s->s_end,
	    .lr_exclusive = s->s_what == 'w' };
}

static void
do_step(struct list *l, const struct step *s)
{
	struct lockrange lr = range_of(s);
	struct lockrange_spares sp;

	NEED(lockrange_spares_init(&sp) == 0);
	if (s->s_what == 'u')
		(void)lockrange_clear(l, &lr, &sp);
	else
		lockrange_set(l, &lr, &sp);
	lockrange_spares_fini(&sp);
}

static void
print_held(struct list *l, char *buf, size_t size)
{
	struct list_node *n;
	size_t len = 0;

	for (int who = 0; who < 2; who++) {
		const char *sep = "";

		LIST_FOREACH(n, l) {
			struct lockrange *lr = container_of(n, struct lockrange,
			    lr_link);

			if (lr->lr_owner.lo_pid != who)
				continue;
			len += (size_t)snprintf(buf + len, size - len, "%s%c%llu-%llu",
			    sep, lr->lr_exclusive ? 'w' : 'r',
			    (unsigned long long)lr->lr_start,
			    (unsigned long long)lr->lr_end);
			sep = " ";
		}
		if (who == 0)
			len += (size_t)snprintf(buf + len, size - len, " | ");
	}
}

TEST(ranges_are_merged_cut_and_kept_apart)
{
	struct step all = { 'u', 0, 0, UINT64_MAX };
	char held[200];
	struct list l;

	list_init(&l);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (const struct step *s = cases[i].steps; s->s_what != 0; s++)
			do_step(&l, s);
		print_held(&l, held, sizeof(held));
		CHECK_STR(cases[i].label, cases[i].want, held);
		all.s_who = 0;
		do_step(&l, &all);
		all.s_who = 1;
		do_step(&l, &all);
		CHECK(list_empty(&l));
	}
}

static const struct {
	const char	*label;
	struct step	 held, asked;
	bool		 conflict;
} conflicts[] = {
	{ "readers share", { 'r', 0, 0, 9 }, { 'r', 1, 0, 9 }, false },
	{ "a writer does not", { 'r', 0, 0, 9 }, { 'w', 1, 9, 20 }, true },
	{ "nor do readers with a writer", { 'w', 0, 0, 9 }, { 'r', 1, 0, 0 }, true },
	{ "beside it is free", { 'w', 0, 10, 19 }, { 'w', 1, 20, 29 }, false },
	{ "before it too", { 'w', 0, 10, 19 }, { 'w', 1, 0, 9 }, false },
	{ "one's own never is", { 'w', 0, 0, 9 }, { 'w', 0, 0, 9 }, false },
};

TEST(only_others_that_overlap_are_in_the_way)
{
	struct list l;

	list_init(&l);
	for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++) {
		struct lockrange lr = range_of(&conflicts[i].asked);
		struct step all = { 'u', 0, 0, UINT64_MAX };

		do_step(&l, &conflicts[i].held);
		CHECK_EQ(conflicts[i].label, conflicts[i].conflict,
		    lockrange_conflict(&l, &lr) != NULL);
		do_step(&l, &all);
	}
}
