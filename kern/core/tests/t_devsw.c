/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_devsw.c - drivers by number, and nodes that appear by themselves
 */

#include <lib/string.h>
#include <sys/devsw.h>
#include <sys/errno.h>

#include <harness.h>

#define MAJOR	4000		/* nobody has it */

static dev_t opened;
static unsigned int opened_flags;

static int
open_fails(dev_t dev, unsigned int flags, struct file **ret_fp __unused_arg)
{
	opened = dev;
	opened_flags = flags;
	return EBUSY;
}

static int
open_other(dev_t dev __unused_arg, unsigned int flags __unused_arg,
    struct file **ret_fp __unused_arg)
{
	return EROFS;
}

TEST(a_range_of_numbers_has_one_driver)
{
	static const struct { const char *label; bool block; uint32_t major;
		uint32_t first, last; int want; } cases[] = {
		{ "first", false, MAJOR, 10, 19, 0 },
		{ "same", false, MAJOR, 10, 19, EEXIST },
		{ "overlaps its end", false, MAJOR, 19, 30, EEXIST },
		{ "overlaps its begin", false, MAJOR, 0, 10, EEXIST },
		{ "inside", false, MAJOR, 12, 13, EEXIST },
		{ "around", false, MAJOR, 0, 100, EEXIST },
		{ "before", false, MAJOR, 0, 9, 0 },
		{ "behind", false, MAJOR, 20, UINT32_MAX, 0 },
		{ "block", true, MAJOR, 10, 19, 0 },
		{ "other major", false, MAJOR + 1, 10, 19, 0 },
		{ "upside down", false, MAJOR + 2, 5, 4, EINVAL },
	};
	struct devsw d[ARRAY_SIZE(cases)];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		d[i] = (struct devsw){ .d_name = cases[i].label,
		    .d_block = cases[i].block, .d_major = cases[i].major,
		    .d_minor_first = cases[i].first,
		    .d_minor_last = cases[i].last, .d_open = open_fails };
		CHECK_EQ(cases[i].label, cases[i].want, devsw_register(&d[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].want == 0)
			devsw_unregister(&d[i]);
	}
}

TEST(opening_finds_the_driver_of_the_number)
{
	struct devsw a = { .d_name = "a", .d_major = MAJOR, .d_minor_first = 3,
	    .d_minor_last = 5, .d_open = open_fails };
	struct devsw b = { .d_name = "b", .d_major = MAJOR, .d_minor_first = 3,
	    .d_minor_last = 3, .d_block = true, .d_open = open_other };
	struct file *fp;

	CHECK_EQ("a", 0, devsw_register(&a));
	CHECK_EQ("b", 0, devsw_register(&b));
	CHECK_EQ("first", EBUSY, devsw_open(false, dev_make(MAJOR, 3), 2, &fp));
	CHECK_EQ("number", dev_make(MAJOR, 3), opened);
	CHECK_EQ("flags", 2, opened_flags);
	CHECK_EQ("last", EBUSY, devsw_open(false, dev_make(MAJOR, 5), 0, &fp));
	CHECK_EQ("before", ENXIO, devsw_open(false, dev_make(MAJOR, 2), 0, &fp));
	CHECK_EQ("behind", ENXIO, devsw_open(false, dev_make(MAJOR, 6), 0, &fp));
	CHECK_EQ("block", EROFS, devsw_open(true, dev_make(MAJOR, 3), 0, &fp));
	CHECK_EQ("block", ENXIO, devsw_open(true, dev_make(MAJOR, 4), 0, &fp));
	devsw_unregister(&a);
	CHECK_EQ("gone", ENXIO, devsw_open(false, dev_make(MAJOR, 3), 0, &fp));
	devsw_unregister(&b);
}

/* --- nodes --------------------------------------------------------------- */

static char nodes[256];			/* names that stand in /dev */
static const char *refused;

static int
listener_add(const struct devnode *dn)
{
	if (refused != NULL && strcmp(dn->dn_name, refused) == 0)
		return ENOSPC;
	if (str_hasprefix(dn->dn_name, "test-"))
		strlcat(nodes, dn->dn_name + 5, sizeof(nodes));
	return 0;
}

static void
listener_remove(const struct devnode *dn)
{
	strlcat(nodes, "-", sizeof(nodes));
	strlcat(nodes, dn->dn_name + 5, sizeof(nodes));
}

static const struct devnode_ops listener = {
	.dno_add = listener_add, .dno_remove = listener_remove,
};

static void
node_init(struct devnode *dn, const char *name)
{
	memset(dn, 0, sizeof(*dn));
	strlcpy(dn->dn_name, name, sizeof(dn->dn_name));
}

TEST_WITH(nodes_reach_the_listener_whoever_comes_first,
    .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	struct devnode a, b, c, again;

	node_init(&a, "test-a");
	node_init(&b, "test-b");
	node_init(&c, "test-c");
	node_init(&again, "test-a");
	/* The vfs listens already in a whole kernel; its place is taken. */
	CHECK_EQ("a", 0, devnode_announce(&a));
	devnode_listen(&listener);
	CHECK_STR("early", "a", nodes);
	CHECK_EQ("b", 0, devnode_announce(&b));
	CHECK_EQ("again", EEXIST, devnode_announce(&again));
	CHECK_STR("late", "ab", nodes);
	refused = "test-c";
	CHECK_EQ("refused", ENOSPC, devnode_announce(&c));
	refused = NULL;
	CHECK_EQ("c", 0, devnode_announce(&c));
	devnode_withdraw(&a);
	devnode_withdraw(&b);
	devnode_withdraw(&c);
	CHECK_STR("gone", "abc-a-b-c", nodes);
}
