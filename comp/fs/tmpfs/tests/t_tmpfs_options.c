/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_options.c - mount options: text to numbers and back
 */

#include <lib/string.h>
#include <sys/errno.h>

#include "tmpfs_impl.h"

#include <harness.h>

#define GIB	(1024ULL * 1024 * 1024)

static const struct {
	const char	*text;
	int		 error;
	unsigned int	 mask;
	uint64_t	 blocks, inodes;
	mode_t		 mode;
	uid_t		 uid;
	gid_t		 gid;
} cases[] = {
	{ .text = "" },
	{ .text = ",,,", },
	{ .text = "size=4096", .mask = RUMPFS_P_BLOCKS, .blocks = 1 },
	{ .text = "size=4097", .mask = RUMPFS_P_BLOCKS, .blocks = 2 },
	{ .text = "size=0", .mask = RUMPFS_P_BLOCKS },
	{ .text = "size=8k", .mask = RUMPFS_P_BLOCKS, .blocks = 2 },
	{ .text = "size=2M", .mask = RUMPFS_P_BLOCKS, .blocks = 512 },
	{ .text = "size=1g", .mask = RUMPFS_P_BLOCKS, .blocks = 262144 },
	{ .text = "size=0x10k", .mask = RUMPFS_P_BLOCKS, .blocks = 16 / 4 },
	{ .text = "size=50%", .mask = RUMPFS_P_BLOCKS, .blocks = 131072 },
	{ .text = "size=200%", .mask = RUMPFS_P_BLOCKS, .blocks = 524288 },
	{ .text = "size=1k,size=12k", .mask = RUMPFS_P_BLOCKS, .blocks = 3 },
	{ .text = "nr_blocks=2k", .mask = RUMPFS_P_BLOCKS, .blocks = 2048 },
	{ .text = "nr_inodes=10", .mask = RUMPFS_P_INODES, .inodes = 10 },
	{ .text = "mode=0700", .mask = RUMPFS_P_MODE, .mode = 0700 },
	{ .text = "mode=1777", .mask = RUMPFS_P_MODE, .mode = 01777 },
	{ .text = "uid=7,gid=8", .mask = RUMPFS_P_UID | RUMPFS_P_GID,
	  .uid = 7, .gid = 8 },
	{ .text = "huge=always,mpol=bind:0,inode64,noswap" },
	{ .text = ",size=4k,,nr_inodes=5,", .mask = RUMPFS_P_BLOCKS |
	  RUMPFS_P_INODES, .blocks = 1, .inodes = 5 },
	{ .text = "size", .error = EINVAL },
	{ .text = "size=", .error = EINVAL },
	{ .text = "size=x", .error = EINVAL },
	{ .text = "size=-1", .error = EINVAL },
	{ .text = "size=1kk", .error = EINVAL },
	{ .text = "size=%", .error = EINVAL },
	{ .text = "size=99999999999999999999", .error = EINVAL },
	{ .text = "size=99999999999%", .error = EINVAL },
	{ .text = "nr_inodes=18446744073709551615", .error = EINVAL },
	{ .text = "mode=8", .error = EINVAL },
	{ .text = "mode=", .error = EINVAL },
	{ .text = "uid=4294967295", .error = EINVAL },
	{ .text = "uid=-1", .error = EINVAL },
	{ .text = "gid=abc", .error = EINVAL },
	{ .text = "sizes=4k", .error = EINVAL },
	{ .text = "siz=4k", .error = EINVAL },
	{ .text = "=4k", .error = EINVAL },
	{ .text = "size=0000000000000000000000000000000000000000000000000000"
	    "00000000000000000000000000000001", .error = EINVAL },
};

TEST(each_option_means_what_the_manual_says)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rumpfs_params rp = { .rp_mask = 0 };
		int error = tmpfs_options_parse(cases[i].text, GIB, &rp);

		if (!CHECK_EQ(cases[i].text, cases[i].error, error) || error)
			continue;
		CHECK_EQ(cases[i].text, cases[i].mask, rp.rp_mask);
		CHECK_EQ(cases[i].text, cases[i].blocks, rp.rp_blocks);
		CHECK_EQ(cases[i].text, cases[i].inodes, rp.rp_inodes);
		CHECK_EQ(cases[i].text, cases[i].mode, rp.rp_mode);
		CHECK_EQ(cases[i].text, cases[i].uid, rp.rp_uid);
		CHECK_EQ(cases[i].text, cases[i].gid, rp.rp_gid);
	}
}

TEST(what_is_shown_can_be_parsed_again)
{
	struct rumpfs_params rp = { .rp_mode = 0750, .rp_blocks = 25,
		.rp_inodes = 99, .rp_uid = 3, .rp_gid = 4 }, again = { 0 };
	char buf[128], tiny[10];

	tmpfs_options_show(&rp, buf, sizeof(buf));
	CHECK_STR("all", "size=100k,nr_inodes=99,mode=750,uid=3,gid=4", buf);
	CHECK_EQ("parses", 0, tmpfs_options_parse(buf, GIB, &again));
	CHECK_EQ("blocks", 25, again.rp_blocks);
	CHECK_EQ("mode", 0750, again.rp_mode);

	tmpfs_options_show(&rp, tiny, sizeof(tiny));
	CHECK_EQ("cut, not overrun", sizeof(tiny) - 1, strlen(tiny));

	rp = (struct rumpfs_params){ .rp_mode = TMPFS_MODE,
		.rp_blocks = rumpfs_default_blocks(),
		.rp_inodes = rumpfs_default_blocks() };
	tmpfs_options_show(&rp, buf, sizeof(buf));
	CHECK_STR("nothing", "", buf);
}
