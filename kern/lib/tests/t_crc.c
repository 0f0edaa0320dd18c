/* SPDX-License-Identifier: BSD-2-Clause */

#include <lib/crc.h>
#include <lib/string.h>

#include <harness.h>

#define CHECKED	"123456789"	/* what catalogues of CRCs take */

TEST_WITH(check_values_are_those_of_the_catalogue, .ht_flags = HARNESS_BARE)
{
	CHECK_EQ("crc32c", 0xe3069283u, ~crc32c(~0u, CHECKED, 9));
	CHECK_EQ("crc32c by table", 0xe3069283u,
	    ~crc32c_table(~0u, CHECKED, 9));
	CHECK_EQ("crc32", 0xcbf43926u, ~crc32(~0u, CHECKED, 9));
	CHECK_EQ("crc32_be", 0xfc891918u, ~crc32_be(~0u, CHECKED, 9));
	CHECK_EQ("crc16", 0xbb3d, crc16(0, CHECKED, 9));
}

/* RFC 3720, B.4: test vectors for CRC-32C. */
TEST_WITH(crc32c_gives_the_vectors_of_iscsi, .ht_flags = HARNESS_BARE)
{
	uint8_t buf[32];

	memset(buf, 0, sizeof(buf));
	CHECK_EQ("zeroes", 0x8a9136aau, ~crc32c(~0u, buf, sizeof(buf)));
	memset(buf, 0xff, sizeof(buf));
	CHECK_EQ("ones", 0x62a8ab43u, ~crc32c(~0u, buf, sizeof(buf)));
	for (unsigned int i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)i;
	CHECK_EQ("ascending", 0x46dd794eu, ~crc32c(~0u, buf, sizeof(buf)));
}

TEST_WITH(machine_and_table_agree_at_each_length_and_alignment,
    .ht_flags = HARNESS_BARE)
{
	static uint8_t buf[2000];

	for (unsigned int i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * i + 11);
	for (size_t off = 0; off < 9; off++) {
		for (size_t len = 0; len < sizeof(buf) - off; len++)
			CHECK_EQ("crc32c", crc32c_table(1, buf + off, len),
			    crc32c(1, buf + off, len));
	}
}

TEST_WITH(a_check_can_be_taken_piecemeal, .ht_flags = HARNESS_BARE)
{
	uint8_t buf[40];

	memset(buf, 0xa5, sizeof(buf));
	for (size_t cut = 0; cut <= sizeof(buf); cut++) {
		size_t rest = sizeof(buf) - cut;

		CHECK_EQ("crc32c", crc32c(7, buf, sizeof(buf)),
		    crc32c(crc32c(7, buf, cut), buf + cut, rest));
		CHECK_EQ("crc32", crc32(7, buf, sizeof(buf)),
		    crc32(crc32(7, buf, cut), buf + cut, rest));
		CHECK_EQ("crc32_be", crc32_be(7, buf, sizeof(buf)),
		    crc32_be(crc32_be(7, buf, cut), buf + cut, rest));
		CHECK_EQ("crc16", crc16(7, buf, sizeof(buf)),
		    crc16(crc16(7, buf, cut), buf + cut, rest));
	}
}
