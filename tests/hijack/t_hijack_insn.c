/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hijack_insn.c - lengths of instructions, and policies
 *
 * Of the code of this program's C library every function is read from its first byte to its last by
 * another test (rewriting it does that); here stand the forms that are easily got wrong.
 */

#include <harness.h>

#include <string.h>

#include "insn.h"

static const struct {
	const char	*label;
	const char	*code;		/* the instruction, and more behind it */
	unsigned int	 size;		/* of code */
	unsigned int	 len;		/* 0: not decoded */
	int		 kind;
	int		 target;
} cases[] = {
	{ "nop", "\x90\x90", 2, 1, INSN_PLAIN, 0 },
	{ "syscall", "\x0f\x05\xc3", 3, 2, INSN_SYSCALL, 0 },
	{ "mov imm32, eax", "\xb8\x01\x00\x00\x00\x0f", 6, 5, INSN_PLAIN, 0 },
	{ "mov imm64, rax", "\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08\xc3", 11, 10, INSN_PLAIN, 0 },
	{ "mov imm16, ax", "\x66\xb8\x01\x02\xc3", 5, 4, INSN_PLAIN, 0 },
	{ "cmp imm32, rax", "\x48\x3d\x00\xf0\xff\xff\x77", 7, 6, INSN_PLAIN, 0 },
	{ "ja +5", "\x77\x05\x90", 3, 2, INSN_BRANCH, 7 },
	{ "jmp back", "\xeb\xfe", 2, 2, INSN_BRANCH, 0 },
	{ "jne far", "\x0f\x85\x00\x01\x00\x00", 6, 6, INSN_BRANCH, 0x106 },
	{ "call", "\xe8\xfb\xff\xff\xff", 5, 5, INSN_BRANCH, 0 },
	{ "lea of the instruction pointer", "\x48\x8d\x05\x10\x00\x00\x00", 7, 7, INSN_FIXED, 0 },
	{ "lea with an index", "\x48\x8d\x44\x24\x08\x90", 6, 5, INSN_PLAIN, 0 },
	{ "index without a base", "\x8b\x04\x25\x00\x00\x00\x00\x90", 8, 7, INSN_PLAIN, 0 },
	{ "of the thread", "\x64\x48\x8b\x04\x25\x28\x00\x00\x00\x90", 10, 9, INSN_PLAIN, 0 },
	{ "test imm8", "\xf6\xc1\x01\x90", 4, 3, INSN_PLAIN, 0 },
	{ "not", "\xf6\xd1\x90", 3, 2, INSN_PLAIN, 0 },
	{ "test imm32", "\xf7\xc1\x01\x00\x00\x00\x90", 7, 6, INSN_PLAIN, 0 },
	{ "vzeroupper", "\xc5\xf8\x77\x90", 4, 3, INSN_PLAIN, 0 },
	{ "vpcmpeqb", "\xc5\xfd\x74\x0f\x90", 5, 4, INSN_PLAIN, 0 },
	{ "vpalignr with an immediate", "\xc4\xe3\x75\x0f\xc2\x01\x90", 7, 6, INSN_PLAIN, 0 },
	{ "evex move", "\x62\xf1\xfe\x28\x6f\x06\x90", 7, 6, INSN_PLAIN, 0 },
	{ "xbegin", "\xc7\xf8\x00\x00\x00\x00\x90", 7, 6, INSN_PLAIN, 0 },
	{ "enter", "\xc8\x10\x00\x00\x90", 5, 4, INSN_PLAIN, 0 },
	{ "cut short", "\x48\x8d\x05\x10", 4, 0, 0, 0 },
	{ "only prefixes", "\x66\x66\x66\x66", 4, 0, 0, 0 },
	{ "too many prefixes", "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16, 0, 0, 0 },
	{ "not in 64 bits", "\x06\x90", 2, 0, 0, 0 },
	{ "nothing", "", 0, 0, 0, 0 },
};

TEST(instructions_have_the_lengths_of_the_manual)
{
	struct insn insn;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&insn, 0, sizeof(insn));
		CHECK_EQ(cases[i].label, cases[i].len != 0,
		    insn_decode((const uint8_t *)cases[i].code, cases[i].size, &insn));
		if (cases[i].len == 0)
			continue;
		CHECK_EQ(cases[i].label, cases[i].len, insn.i_len);
		CHECK_EQ(cases[i].label, cases[i].kind, insn.i_kind);
		if (insn.i_kind == INSN_BRANCH)
			CHECK_EQ(cases[i].label, cases[i].target, insn.i_target);
	}
}

/* Any bytes: never more is read than there are, and a length is one. */
TEST(any_bytes_are_read_safely)
{
	uint64_t state = 1;
	struct insn insn;

	for (unsigned int i = 0; i < 200000; i++) {
		uint8_t bytes[16];
		size_t size = i % 17;

		for (size_t k = 0; k < size; k++) {
			state = state * 6364136223846793005ULL + 1442695040888963407ULL;
			bytes[k] = (uint8_t)(state >> 56);
		}
		if (insn_decode(bytes, size, &insn))
			CHECK(insn.i_len >= 1 && insn.i_len <= size && insn.i_len <= 15);
	}
}
