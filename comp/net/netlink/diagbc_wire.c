/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * diagbc_wire.c - the little programs by which ss(8) filters sockets
 *
 * Instructions of four bytes, some with operands behind them, each jumping forward
 * by its "yes" or its "no".  A program that arrives exactly at its end accepts; one
 * that jumps beyond it rejects.  As every jump goes forward by four at least, all of
 * them end.
 *
 * References: <linux/inet_diag.h>.
 */

#include "diag_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/socket.h>

#define OP_LEN		sizeof(struct inet_diag_bc_op)

/* How long an instruction is with its operands; 0: it is none, or cut off. */
static size_t
op_len(const uint8_t *at, size_t len)
{
	struct inet_diag_bc_op op;
	struct inet_diag_hostcond hc;
	size_t need = OP_LEN, addr;

	if (len < need)
		return 0;
	memcpy(&op, at, sizeof(op));
	switch (op.code) {
	case INET_DIAG_BC_NOP:
	case INET_DIAG_BC_JMP:
	case INET_DIAG_BC_AUTO:
		return need;
	case INET_DIAG_BC_S_GE:
	case INET_DIAG_BC_S_LE:
	case INET_DIAG_BC_S_EQ:
	case INET_DIAG_BC_D_GE:
	case INET_DIAG_BC_D_LE:
	case INET_DIAG_BC_D_EQ:
		need += OP_LEN;
		break;
	case INET_DIAG_BC_DEV_COND:
		need += sizeof(uint32_t);
		break;
	case INET_DIAG_BC_MARK_COND:
		need += sizeof(struct inet_diag_markcond);
		break;
	case INET_DIAG_BC_S_COND:
	case INET_DIAG_BC_D_COND:
		need += sizeof(hc);
		if (len < need)
			return 0;
		memcpy(&hc, at + OP_LEN, sizeof(hc));
		addr = hc.family == AF_INET ? 4 : hc.family == AF_INET6 ? 16 :
		    hc.family == AF_UNSPEC && hc.prefix_len == 0 ? 0 : SIZE_MAX;
		if (addr == SIZE_MAX || hc.prefix_len > 8 * addr)
			return 0;
		need += addr;
		break;
	default:
		return 0;
	}
	return need <= len ? need : 0;
}

int
diagbc_check(const uint8_t *code, size_t len)
{
	struct inet_diag_bc_op op;
	size_t need;

	if (len == 0 || len % 4 != 0)
		return EINVAL;
	while (len > 0) {
		need = op_len(code, len);
		if (need == 0)
			return EINVAL;
		memcpy(&op, code, sizeof(op));
		/* One past the end by an instruction is how a program says no. */
		if (op.yes < need || op.yes > len + OP_LEN || op.yes % 4 != 0)
			return EINVAL;
		if (op.code != INET_DIAG_BC_NOP &&
		    (op.no < OP_LEN || op.no > len + OP_LEN || op.no % 4 != 0))
			return EINVAL;
		if (op.yes > len)
			return 0;
		code += op.yes;
		len -= op.yes;
	}
	return 0;
}

static bool
prefix_eq(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int bytes = bits / 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return bits % 8 == 0 || ((a[bytes] ^ b[bytes]) & (0xff00 >> bits % 8) & 0xff) == 0;
}

/* Of an IPv6 socket: a mapped address matches its IPv4 form. */
static bool
host_matches(const uint8_t *operand, const struct diag_entry *de, bool dst)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *addr = dst ? de->de_dst : de->de_src;
	struct inet_diag_hostcond hc;

	memcpy(&hc, operand, sizeof(hc));
	if (hc.port != -1 && hc.port != (dst ? de->de_dport : de->de_sport))
		return false;
	if (hc.family != AF_UNSPEC && hc.family != de->de_family) {
		if (hc.family != AF_INET || memcmp(addr, mapped, sizeof(mapped)) != 0)
			return false;
		addr += sizeof(mapped);
	}
	return prefix_eq(addr, operand + sizeof(hc), hc.prefix_len);
}

static bool
op_matches(const uint8_t *at, const struct diag_entry *de)
{
	struct inet_diag_bc_op op, arg = { 0 };
	struct inet_diag_markcond mc;
	uint32_t ifindex;

	memcpy(&op, at, sizeof(op));
	switch (op.code) {
	case INET_DIAG_BC_S_COND:
	case INET_DIAG_BC_D_COND:
		return host_matches(at + OP_LEN, de, op.code == INET_DIAG_BC_D_COND);
	case INET_DIAG_BC_DEV_COND:
		memcpy(&ifindex, at + OP_LEN, sizeof(ifindex));
		return ifindex == de->de_ifindex;
	case INET_DIAG_BC_MARK_COND:
		memcpy(&mc, at + OP_LEN, sizeof(mc));
		return (de->de_mark & mc.mask) == mc.mark;
	case INET_DIAG_BC_AUTO:
		return de->de_autoport;
	case INET_DIAG_BC_NOP:
		return true;
	case INET_DIAG_BC_JMP:
		return false;
	default:
		break;
	}
	memcpy(&arg, at + OP_LEN, sizeof(arg));
	switch (op.code) {
	case INET_DIAG_BC_S_GE:	return de->de_sport >= arg.no;
	case INET_DIAG_BC_S_LE:	return de->de_sport <= arg.no;
	case INET_DIAG_BC_S_EQ:	return de->de_sport == arg.no;
	case INET_DIAG_BC_D_GE:	return de->de_dport >= arg.no;
	case INET_DIAG_BC_D_LE:	return de->de_dport <= arg.no;
	case INET_DIAG_BC_D_EQ:	return de->de_dport == arg.no;
	default:		return false;
	}
}

bool
diagbc_match(const uint8_t *code, size_t len, const struct diag_entry *de)
{
	struct inet_diag_bc_op op;
	size_t step;

	while (len > 0) {
		/* A jump may lead into operands: look at each anew. */
		if (op_len(code, len) == 0)
			return false;
		memcpy(&op, code, sizeof(op));
		step = op_matches(code, de) ? op.yes : op.no;
		if (step < OP_LEN || step > len)
			return false;
		code += step;
		len -= step;
	}
	return true;
}
