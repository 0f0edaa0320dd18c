/* SPDX-License-Identifier: BSD-2-Clause */

#include <lib/hash.h>
#include <lib/printf.h>
#include <lib/string.h>

#include <harness.h>

#define NNAMES	4096
#define NSLOTS	1024

/* The fullest of NSLOTS slots; about 14 are expected for 4096 at random. */
static unsigned int
fullest(const char *fmt_kind, unsigned int shift)
{
	static unsigned short slots[NSLOTS];
	unsigned int most = 0;
	char name[64];

	memset(slots, 0, sizeof(slots));
	for (unsigned int i = 0; i < NNAMES; i++) {
		int len = snprintf(name, sizeof(name), "%s%u", fmt_kind, i);
		uint64_t h = hash_bytes(name, (size_t)len, 0);
		unsigned int n = ++slots[(h >> shift) % NSLOTS];

		most = n > most ? n : most;
	}
	return most;
}

TEST_WITH(names_that_look_alike_spread, .ht_flags = HARNESS_BARE)
{
	static const char *const kinds[] = { "", "f", "file-0000", "IMG_2024-",
	    "a name of more than sixteen bytes " };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		unsigned int low = fullest(kinds[i], 0);
		unsigned int high = fullest(kinds[i], 54);

		if (!CHECK(low < 20 && high < 20))
			harness_note("%s: %u low, %u high", kinds[i], low, high);
	}
}

TEST_WITH(each_bit_of_the_input_counts, .ht_flags = HARNESS_BARE)
{
	unsigned char data[64];

	memset(data, 0, sizeof(data));
	for (size_t len = 1; len <= sizeof(data); len++) {
		uint64_t h = hash_bytes(data, len, 0);

		for (size_t bit = 0; bit < len * 8; bit++) {
			int changed;

			data[bit / 8] ^= (unsigned char)(1u << bit % 8);
			changed = __builtin_popcountll(h ^
			    hash_bytes(data, len, 0));
			data[bit / 8] ^= (unsigned char)(1u << bit % 8);
			if (changed < 8 || changed > 56) {
				CHECK_EQ("bits of the hash", 32, changed);
				return;
			}
		}
		CHECK(h != hash_bytes(data, len - 1, 0));
		CHECK(h != hash_bytes(data, len, 1));
	}
}

TEST(boot_draws_a_secret)
{
	uint64_t secret = hash_secret, h = hash_bytes("name", 4, 0);

	hash_secret = 0xa54ff53a5f1d36f1;	/* before boot */
	CHECK(secret != hash_secret);
	CHECK(h != hash_bytes("name", 4, 0));
	hash_secret = secret;
}
