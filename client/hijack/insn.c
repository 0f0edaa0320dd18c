/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * insn.c - how long an instruction of x86-64 is, and whether it may move
 *
 * Lengths follow from prefixes, the opcode's map, ModRM and the immediate: two bits an
 * opcode say what comes behind it.  What does not exist in 64-bit mode, or
 * what we have no rule for, is not decoded, and its function is left alone.
 *
 * References: Intel 64 and IA-32 manual, volume 2, chapter 2 (formats) and appendix A
 * (opcode maps).
 */

#include "insn.h"

/* What follows an opcode. */
enum {
	F_NONE	= 0,
	F_MODRM	= 0x01,
	F_IMM8	= 0x02,
	F_IMMZ	= 0x04,		/* 4 bytes, 2 with an operand prefix */
	F_REL8	= 0x08,
	F_REL32	= 0x10,
	F_ODD	= 0x20,		/* looked at by hand */
	F_BAD	= 0x40,
};

#define X4(f)	f, f, f, f
#define X8(f)	X4(f), X4(f)
#define ALU	X4(F_MODRM), F_IMM8, F_IMMZ, F_BAD, F_BAD

static const uint8_t map_one[256] = {
	ALU, ALU, ALU, ALU, ALU, ALU, ALU, ALU,				/* 00-3f */
	X8(F_BAD), X8(F_BAD),						/* 40: REX, taken before */
	X8(F_NONE), X8(F_NONE),						/* 50 push, pop */
	F_BAD, F_BAD, F_ODD, F_MODRM, X4(F_BAD),			/* 60 */
	F_IMMZ, F_MODRM | F_IMMZ, F_IMM8, F_MODRM | F_IMM8, X4(F_NONE),	/* 68 */
	X8(F_REL8), X8(F_REL8),						/* 70 jcc */
	F_MODRM | F_IMM8, F_MODRM | F_IMMZ, F_BAD, F_MODRM | F_IMM8, X4(F_MODRM), /* 80 */
	X8(F_MODRM),							/* 88 */
	X8(F_NONE), F_NONE, F_NONE, F_BAD, F_NONE, X4(F_NONE),		/* 90 */
	X4(F_ODD), X4(F_NONE), F_IMM8, F_IMMZ, F_NONE, F_NONE, X4(F_NONE), /* a0 */
	X8(F_IMM8), X8(F_ODD),						/* b0 mov */
	F_MODRM | F_IMM8, F_MODRM | F_IMM8, F_ODD, F_NONE, F_ODD, F_ODD, /* c0 */
	F_MODRM | F_IMM8, F_MODRM | F_IMMZ,
	F_ODD, F_NONE, F_ODD, F_NONE, F_NONE, F_IMM8, F_BAD, F_NONE,	/* c8 */
	X4(F_MODRM), F_BAD, F_BAD, F_BAD, F_NONE, X8(F_MODRM),		/* d0 */
	X4(F_REL8), X4(F_IMM8), F_REL32, F_REL32, F_BAD, F_REL8, X4(F_NONE), /* e0 */
	X4(F_NONE), F_NONE, F_NONE, F_ODD, F_ODD, X4(F_NONE), F_NONE, F_NONE,	/* f0 */
	F_MODRM, F_MODRM,
};

static const uint8_t map_0f[256] = {
	X4(F_MODRM), F_BAD, F_NONE, F_NONE, F_NONE,			/* 00 */
	F_NONE, F_NONE, F_BAD, F_NONE, F_BAD, F_MODRM, F_NONE, F_BAD,
	X8(F_MODRM), X8(F_MODRM),					/* 10 */
	X4(F_MODRM), X4(F_BAD), X8(F_MODRM),				/* 20 */
	X8(F_NONE), F_BAD, F_BAD, F_BAD, F_BAD, X4(F_BAD),		/* 30; 38 and 3a before */
	X8(F_MODRM), X8(F_MODRM), X8(F_MODRM), X8(F_MODRM),		/* 40, 50 */
	X8(F_MODRM), X8(F_MODRM),					/* 60 */
	X4(F_MODRM | F_IMM8), F_MODRM, F_MODRM, F_MODRM, F_NONE,	/* 70 */
	F_MODRM, F_MODRM, F_BAD, F_BAD, X4(F_MODRM),
	X8(F_REL32), X8(F_REL32),					/* 80 jcc */
	X8(F_MODRM), X8(F_MODRM),					/* 90 setcc */
	F_NONE, F_NONE, F_NONE, F_MODRM, F_MODRM | F_IMM8, F_MODRM, F_BAD, F_BAD, /* a0 */
	F_NONE, F_NONE, F_NONE, F_MODRM, F_MODRM | F_IMM8, F_MODRM, F_MODRM, F_MODRM,
	X8(F_MODRM),							/* b0 */
	F_MODRM, F_MODRM, F_MODRM | F_IMM8, F_MODRM, X4(F_MODRM),
	F_MODRM, F_MODRM, F_MODRM | F_IMM8, F_MODRM, F_MODRM | F_IMM8,	/* c0 */
	F_MODRM | F_IMM8, F_MODRM | F_IMM8, F_MODRM, X8(F_NONE),
	X8(F_MODRM), X8(F_MODRM), X8(F_MODRM), X8(F_MODRM),		/* d0, e0 */
	X8(F_MODRM), X8(F_MODRM),					/* f0 */
};

struct cursor {
	const uint8_t	*c_code;
	size_t		 c_max;
	size_t		 c_at;
	bool		 c_opsize;	/* 66 */
	bool		 c_addrsize;	/* 67 */
	bool		 c_wide;	/* REX.W */
	bool		 c_fixed;	/* relative to the instruction pointer */
};

static bool
take(struct cursor *c, uint8_t *ret_byte)
{
	if (c->c_at >= c->c_max)
		return false;
	*ret_byte = c->c_code[c->c_at++];
	return true;
}

static bool
skip(struct cursor *c, size_t n)
{
	c->c_at += n;
	return c->c_at <= c->c_max && c->c_at <= 15;
}

/* ModRM, SIB and displacement; *ret_reg: the field that extends opcodes. */
static bool
take_modrm(struct cursor *c, unsigned int *ret_reg)
{
	uint8_t modrm, sib = 0;
	unsigned int mod, rm;

	if (!take(c, &modrm))
		return false;
	mod = modrm >> 6;
	rm = modrm & 7;
	*ret_reg = modrm >> 3 & 7;
	if (mod == 3)
		return true;
	if (rm == 4 && !take(c, &sib))
		return false;
	if (mod == 1)
		return skip(c, 1);
	if (mod == 2)
		return skip(c, 4);
	if (rm == 5) {
		c->c_fixed = true;
		return skip(c, 4);
	}
	return rm != 4 || (sib & 7) != 5 || skip(c, 4);
}

/* VEX and EVEX: the opcode maps 1 (0f), 2 (0f 38), 3 (0f 3a), 5 and 6. */
static bool
take_vector(struct cursor *c, unsigned int map, bool evex)
{
	unsigned int reg;
	uint8_t op;
	bool imm;

	if (!take(c, &op))
		return false;
	if (map == 1 && op == 0x77 && !evex)
		return true;			/* vzeroupper */
	if (map == 1)
		imm = (map_0f[op] & F_IMM8) != 0;
	else if (map == 3)
		imm = true;
	else if (map == 2 || (evex && (map == 5 || map == 6)))
		imm = false;
	else
		return false;
	return take_modrm(c, &reg) && (!imm || skip(c, 1));
}

/* What the table calls odd. */
static bool
take_odd(struct cursor *c, uint8_t op)
{
	unsigned int reg;
	uint8_t byte;

	switch (op) {
	case 0x62:
		if (!take(c, &byte) || !skip(c, 2))
			return false;
		return take_vector(c, byte & 7, true);
	case 0xa0: case 0xa1: case 0xa2: case 0xa3:
		return skip(c, c->c_addrsize ? 4 : 8);
	case 0xc2: case 0xca:
		return skip(c, 2);
	case 0xc4:
		if (!take(c, &byte) || !skip(c, 1))
			return false;
		return take_vector(c, byte & 0x1f, false);
	case 0xc5:
		return skip(c, 1) && take_vector(c, 1, false);
	case 0xc8:
		return skip(c, 3);
	case 0xf6:
		return take_modrm(c, &reg) && (reg > 1 || skip(c, 1));
	case 0xf7:
		return take_modrm(c, &reg) && (reg > 1 || skip(c, c->c_opsize ? 2 : 4));
	default:		/* b8 .. bf */
		return skip(c, c->c_wide ? 8 : c->c_opsize ? 2 : 4);
	}
}

static int64_t
signed_bytes(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < n; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return n == 1 ? (int8_t)v : (int32_t)v;
}

static bool
take_rest(struct cursor *c, uint8_t form, struct insn *insn)
{
	unsigned int reg, n;

	if ((form & F_MODRM) != 0 && !take_modrm(c, &reg))
		return false;
	if ((form & F_IMM8) != 0 && !skip(c, 1))
		return false;
	if ((form & F_IMMZ) != 0 && !skip(c, c->c_opsize ? 2 : 4))
		return false;
	if ((form & (F_REL8 | F_REL32)) != 0) {
		n = (form & F_REL8) != 0 ? 1 : 4;
		if (!skip(c, n))
			return false;
		insn->i_kind = INSN_BRANCH;
		insn->i_target = signed_bytes(c->c_code + c->c_at - n, n) + (int64_t)c->c_at;
	}
	return true;
}

static bool
is_prefix(struct cursor *c, uint8_t op)
{
	switch (op) {
	case 0x66:
		c->c_opsize = true;
		return true;
	case 0x67:
		c->c_addrsize = true;
		return true;
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return false;
	}
}

static bool
take_0f(struct cursor *c, struct insn *insn)
{
	unsigned int reg;
	uint8_t op;

	if (!take(c, &op))
		return false;
	if (op == 0x05)
		insn->i_kind = INSN_SYSCALL;
	if (op == 0x38 || op == 0x3a)
		return skip(c, 1) && take_modrm(c, &reg) && (op == 0x38 || skip(c, 1));
	return (map_0f[op] & F_BAD) == 0 && take_rest(c, map_0f[op], insn);
}

bool
insn_decode(const uint8_t *code, size_t max, struct insn *ret_insn)
{
	struct cursor c = { .c_code = code, .c_max = max };
	struct insn insn = { .i_kind = INSN_PLAIN };
	uint8_t op;
	bool good;

	do {
		if (!take(&c, &op) || c.c_at > 14)
			return false;
	} while (is_prefix(&c, op));
	if ((op & 0xf0) == 0x40) {
		c.c_wide = (op & 8) != 0;
		if (!take(&c, &op))
			return false;
	}
	if (op == 0x0f)
		good = take_0f(&c, &insn);
	else if ((map_one[op] & F_ODD) != 0)
		good = take_odd(&c, op);
	else
		good = (map_one[op] & F_BAD) == 0 && take_rest(&c, map_one[op], &insn);
	if (!good || c.c_at > c.c_max || c.c_at > 15)
		return false;
	if (c.c_fixed && insn.i_kind == INSN_PLAIN)
		insn.i_kind = INSN_FIXED;
	/* A return address is where the instruction stands; so is a fault's. */
	insn.i_len = (uint8_t)c.c_at;
	*ret_insn = insn;
	return true;
}
