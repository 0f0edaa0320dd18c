/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_wheel.c - the timer wheel against a plain array
 *
 * The model keeps all deadlines in an array and looks at every one.  Both
 * are driven with the same insertions, removals and advances, with times
 * chosen around the edges of slots and levels and far beyond.
 */

#include <lib/string.h>
#include <lib/wheel.h>

#include <harness.h>

#define NENTRIES	200
#define NSTEPS		4000

static struct wheel wheel;
static struct wheel_entry entries[NENTRIES];
static bool armed[NENTRIES];
static uint64_t state;

static uint64_t
draw(void)
{
	return harness_draw(&state);
}

/* A distance of any magnitude, often at the edge of a slot of some level. */
static int64_t
draw_distance(void)
{
	unsigned int bits = (unsigned int)(draw() % 62);
	int64_t d = (int64_t)(draw() & ((1ull << bits) - 1));

	if (draw() % 3 == 0)
		d = (1ll << bits) + (int64_t)(draw() % 5) - 2;
	return d < 0 ? 0 : d;
}

static int64_t
model_next(void)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < NENTRIES; i++) {
		if (armed[i] && entries[i].we_deadline < next)
			next = entries[i].we_deadline;
	}
	return next;
}

/* What left is due, in order, and nothing due stayed. */
static void
check_due(int64_t now, struct list *due)
{
	struct list_node *n;
	int64_t last = INT64_MIN;

	while ((n = list_first(due)) != NULL) {
		struct wheel_entry *we = container_of(n, struct wheel_entry,
		    we_link);

		CHECK(armed[we - entries]);
		CHECK(we->we_deadline <= now);
		CHECK(we->we_deadline >= last);
		last = we->we_deadline;
		armed[we - entries] = false;
		wheel_remove(&wheel, we);
	}
	CHECK(model_next() > now);
}

static void
step(int64_t *now)
{
	struct list due = LIST_INITIALIZER(due);
	size_t i = draw() % NENTRIES;

	switch (draw() % 8) {
	case 0:
		*now += draw_distance() >> (draw() % 40);
		break;
	case 1:
		if (model_next() != INT64_MAX && model_next() > *now)
			*now = model_next();
		break;
	case 2:
		if (armed[i])
			wheel_remove(&wheel, &entries[i]);
		armed[i] = false;
		break;
	default:
		if (!armed[i]) {
			int64_t d = draw_distance();

			wheel_insert(&wheel, &entries[i],
			    d > INT64_MAX - *now ? INT64_MAX : *now + d);
			armed[i] = true;
		}
		break;
	}
	CHECK_EQ("next", model_next(), wheel_next(&wheel));
	if (*now > INT64_MAX / 2)
		*now = INT64_MAX / 2;
	wheel_advance(&wheel, *now, &due);
	check_due(*now, &due);
}

TEST_WITH(the_wheel_agrees_with_a_plain_array, .ht_flags = HARNESS_BARE,
    .ht_seeds = 20)
{
	int64_t now = (int64_t)(harness_seed() * 1000000007 % 1000000000000);

	state = harness_seed() * 0x9e3779b97f4a7c15ull + 1;
	wheel_init(&wheel, now);
	memset(armed, 0, sizeof(armed));
	for (size_t i = 0; i < NENTRIES; i++) {
		list_node_init(&entries[i].we_link);
		entries[i].we_slot = WHEEL_OUT;
	}
	for (unsigned int i = 0; i < NSTEPS; i++)
		step(&now);
}

TEST_WITH(deadlines_in_the_past_are_due_at_once, .ht_flags = HARNESS_BARE)
{
	struct list due = LIST_INITIALIZER(due);
	struct wheel_entry late, negative;

	wheel_init(&wheel, 1ll << 40);
	wheel_insert(&wheel, &late, 5);
	wheel_insert(&wheel, &negative, -5);
	CHECK_EQ("next", -5, wheel_next(&wheel));
	wheel_advance(&wheel, 1ll << 40, &due);
	CHECK(list_first(&due) == &negative.we_link);
	CHECK(list_last(&due) == &late.we_link);
	CHECK_EQ("empty", INT64_MAX, wheel_next(&wheel));
}

TEST_WITH(each_power_of_two_is_met_to_the_nanosecond, .ht_flags = HARNESS_BARE)
{
	for (unsigned int bits = 0; bits < 63; bits++) {
		struct list due = LIST_INITIALIZER(due);
		struct wheel_entry we;
		int64_t when = 1ll << bits;

		wheel_init(&wheel, 0);
		wheel_insert(&wheel, &we, when);
		wheel_advance(&wheel, when - 1, &due);
		CHECK(list_empty(&due));
		CHECK_EQ("next", when, wheel_next(&wheel));
		wheel_advance(&wheel, when, &due);
		CHECK(list_first(&due) == &we.we_link);
	}
}
