/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ipaddr.c - addresses as text, compared with what the host's library says
 */

#include <harness.h>

#include <lib/ipaddr.h>
#include <lib/string.h>

int	harness_host_pton(int v6, const char *text, uint8_t *ret_addr);

static const char *const texts[] = {
	"1.2.3.4", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4",
	"1..2.3", "", "1.2.3.4 ", " 1.2.3.4", "1.2.3.+4", "::", "::1", "1::", "1:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::8", "::1::", "1:::2", ":1", "1:", ":::",
	"::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4.5", "::1.2.3",
	"fe80::1%1", "12345::", "g::", "FE80::AbCd", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
	"1::2:3:4:5:6:7:8", "::1:", "1.2.3.4::", "::1.2.3.4:5",
};

static void
compare(const char *text)
{
	uint8_t ours[16] = { 0 }, theirs[16] = { 0 };
	int want;

	want = harness_host_pton(0, text, theirs);
	CHECK_EQ(text, want, ipaddr_parse4(text, ours) == 0);
	if (want)
		CHECK_MEM(text, theirs, ours, 4);
	want = harness_host_pton(1, text, theirs);
	CHECK_EQ(text, want, ipaddr_parse6(text, ours) == 0);
	if (want)
		CHECK_MEM(text, theirs, ours, 16);
}

TEST_WITH(addresses_are_what_the_host_takes_them_for, .ht_flags = HARNESS_BARE)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		compare(texts[i]);
}

TEST_WITH(spoiled_addresses_are_too, .ht_flags = HARNESS_BARE)
{
	static const char letters[] = "0123456789abcdef:.:.";
	uint64_t rng = harness_seed() | 1;
	char text[48];
	size_t len;

	for (int i = 0; i < 200000; i++) {
		rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
		(void)strlcpy(text, texts[rng >> 33 & 31], sizeof(text));
		len = strlen(text);
		if (len > 0)
			text[(rng >> 40) % len] = letters[(rng >> 50) % (sizeof(letters) - 1)];
		compare(text);
	}
}
