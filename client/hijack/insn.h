/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * insn.h - how long an instruction of x86-64 is, and whether it may move
 */

#ifndef HIJACK_INSN_H
#define HIJACK_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum insn_kind {
	INSN_PLAIN,		/* the same anywhere */
	INSN_FIXED,		/* depends on where it stands: do not move */
	INSN_BRANCH,		/* direct, to i_target */
	INSN_SYSCALL,
};

struct insn {
	uint8_t		 i_len;
	uint8_t		 i_kind;	/* enum insn_kind */
	int64_t		 i_target;	/* BRANCH: relative to the instruction's start */
};

/* Reads one of at most max bytes.  False: none that is known. */
bool	insn_decode(const uint8_t *code, size_t max, struct insn *ret_insn);

#endif /* HIJACK_INSN_H */
