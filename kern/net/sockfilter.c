/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockfilter.c - classic BPF: programs that say how much of a packet to keep
 *
 * A program is checked when it is attached: every instruction known, every jump
 * forward and inside, every word of scratch memory written before it is read,
 * a return at the end.  So it always ends, and running it needs no other
 * check than those of packet bytes, where a load outside ends it with 0.
 *
 * Programs are constant and hang on sockets; whoever receives runs them
 * without a lock, and a program that was replaced is freed behind the last
 * such reader (qsbr).
 *
 * References: Linux' Documentation/networking/filter.rst, bpf(4) of the BSDs;
 * McCanne and Jacobson, "The BSD Packet Filter", 1993.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/filter.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/qsbr.h>

#include "sockfilter.h"
#include "socket_impl.h"

/* --- checking -------------------------------------------------------------------- */

static bool
insn_known(const struct sock_filter *in)
{
	uint16_t code = in->code;

	switch (BPF_CLASS(code)) {
	case BPF_ALU:
		switch (BPF_OP(code)) {
		case BPF_ADD: case BPF_SUB: case BPF_MUL: case BPF_DIV:
		case BPF_MOD: case BPF_AND: case BPF_OR: case BPF_XOR:
		case BPF_LSH: case BPF_RSH:
			return (code & ~(BPF_OP(code) | BPF_X)) == BPF_ALU;
		case BPF_NEG:
			return code == (BPF_ALU | BPF_NEG);
		}
		return false;
	case BPF_LD:
		switch (BPF_MODE(code)) {
		case BPF_ABS: case BPF_IND:
			return BPF_SIZE(code) != 0x18 && (code & ~0xf8) == BPF_LD;
		case BPF_IMM: case BPF_MEM: case BPF_LEN:
			return code == (BPF_LD | BPF_W | BPF_MODE(code));
		}
		return false;
	case BPF_LDX:
		return code == (BPF_LDX | BPF_W | BPF_IMM) ||
		    code == (BPF_LDX | BPF_W | BPF_MEM) ||
		    code == (BPF_LDX | BPF_W | BPF_LEN) ||
		    code == (BPF_LDX | BPF_B | BPF_MSH);
	case BPF_ST:
		return code == BPF_ST;
	case BPF_STX:
		return code == BPF_STX;
	case BPF_JMP:
		switch (BPF_OP(code)) {
		case BPF_JA:
			return code == (BPF_JMP | BPF_JA);
		case BPF_JEQ: case BPF_JGT: case BPF_JGE: case BPF_JSET:
			return (code & ~(BPF_OP(code) | BPF_X)) == BPF_JMP;
		}
		return false;
	case BPF_RET:
		return code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
	default:
		return code == (BPF_MISC | BPF_TAX) ||
		    code == (BPF_MISC | BPF_TXA);
	}
}

/* The operand of an instruction that is known, in a program of left more. */
static bool
insn_sane(const struct sock_filter *in, size_t left)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
		if (BPF_SRC(in->code) == BPF_X)
			return true;
		if (BPF_OP(in->code) == BPF_DIV || BPF_OP(in->code) == BPF_MOD)
			return in->k != 0;
		if (BPF_OP(in->code) == BPF_LSH || BPF_OP(in->code) == BPF_RSH)
			return in->k < 32;
		return true;
	case BPF_LD:
		if (BPF_MODE(in->code) == BPF_ABS && in->k >= (uint32_t)SKF_AD_OFF)
			return sockfilter_ancillary(in->k - (uint32_t)SKF_AD_OFF);
		return BPF_MODE(in->code) != BPF_MEM || in->k < BPF_MEMWORDS;
	case BPF_LDX:
		return BPF_MODE(in->code) != BPF_MEM || in->k < BPF_MEMWORDS;
	case BPF_ST:
	case BPF_STX:
		return in->k < BPF_MEMWORDS;
	case BPF_JMP:
		if (BPF_OP(in->code) == BPF_JA)
			return in->k < left;
		return in->jt < left && in->jf < left;
	default:
		return true;
	}
}

/*
 * Every word that an instruction reads was written on every way there.
 * written[i] has a bit for each word which is so at instruction i.
 */
static bool
memory_sane(const struct sock_filter *insn, size_t n, uint16_t *written)
{
	uint16_t now = 0;

	memset(written, 0xff, n * sizeof(written[0]));
	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *in = &insn[i];

		now &= written[i];
		switch (BPF_CLASS(in->code)) {
		case BPF_ST:
		case BPF_STX:
			now |= (uint16_t)(1u << in->k);
			break;
		case BPF_LD:
		case BPF_LDX:
			if (BPF_MODE(in->code) == BPF_MEM &&
			    (now & 1u << in->k) == 0)
				return false;
			break;
		case BPF_JMP:
			if (BPF_OP(in->code) == BPF_JA)
				written[i + 1 + in->k] &= now;
			else {
				written[i + 1 + in->jt] &= now;
				written[i + 1 + in->jf] &= now;
			}
			now = 0xffff;
			break;
		}
	}
	return true;
}

bool
sockfilter_check(const struct sock_filter *insn, size_t n, uint16_t *written)
{
	if (n == 0 || n > BPF_MAXINSNS)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!insn_known(&insn[i]) || !insn_sane(&insn[i], n - i - 1))
			return false;
	return BPF_CLASS(insn[n - 1].code) == BPF_RET &&
	    memory_sane(insn, n, written);
}

/* --- programs of sockets ------------------------------------------------------------- */

static size_t
filter_size(size_t n)
{
	return sizeof(struct sockfilter) + n * sizeof(struct sock_filter);
}

static void
filter_free(struct qsbr_head *qh)
{
	struct sockfilter *sf = container_of(qh, struct sockfilter, sf_qsbr);

	kmem_free(sf, filter_size(sf->sf_n));
}

/* What slot had goes when its last reader is through. */
static void
filter_replace(struct sockfilter **slot, struct sockfilter *sf)
{
	struct sockfilter *was = atomic_swap_ar(slot, sf);

	if (was != NULL)
		qsbr_call(&was->sf_qsbr, filter_free);
}

static int
filter_check(const struct sockfilter *sf)
{
	uint16_t *written = kmem_alloc(sf->sf_n * sizeof(*written), KM_SLEEP);
	bool sane;

	if (written == NULL)
		return ENOMEM;
	sane = sockfilter_check(sf->sf_insn, sf->sf_n, written);
	kmem_free(written, sf->sf_n * sizeof(*written));
	return sane ? 0 : EINVAL;
}

static int
filter_copyin(const void *uval, socklen_t len, struct sockfilter **ret_sf)
{
	struct sock_fprog prog;
	struct sockfilter *sf;
	int error;

	if (len != sizeof(prog))
		return EINVAL;
	error = copyin(uval, &prog, sizeof(prog));
	if (error)
		return error;
	if (prog.filter == NULL || prog.len == 0 || prog.len > BPF_MAXINSNS)
		return EINVAL;
	sf = kmem_alloc(filter_size(prog.len), KM_SLEEP);
	if (sf == NULL)
		return ENOMEM;
	sf->sf_n = prog.len;
	error = copyin(prog.filter, sf->sf_insn,
	    prog.len * sizeof(sf->sf_insn[0]));
	if (error == 0)
		error = filter_check(sf);
	if (error) {
		kmem_free(sf, filter_size(prog.len));
		return error;
	}
	*ret_sf = sf;
	return 0;
}

int
sockfilter_attach(struct socket *so, const void *uval, socklen_t len)
{
	struct sockfilter *sf;
	int error;

	if (socket_option(so, SOO_LOCK_FILTER))
		return EPERM;
	error = filter_copyin(uval, len, &sf);
	if (error == 0)
		filter_replace(&so->so_filter, sf);
	return error;
}

int
sockfilter_detach(struct socket *so)
{
	if (socket_option(so, SOO_LOCK_FILTER))
		return EPERM;
	if (atomic_load(&so->so_filter) == NULL)
		return ENOENT;
	filter_replace(&so->so_filter, NULL);
	return 0;
}

int
sockfilter_attach_reuseport(struct socket *so, const void *uval, socklen_t len)
{
	struct sockfilter *sf;
	int error;

	if (socket_option(so, SOO_LOCK_FILTER))
		return EPERM;
	error = filter_copyin(uval, len, &sf);
	if (error)
		return error;
	if (!socket_option(so, SOO_REUSEPORT)) {
		kmem_free(sf, filter_size(sf->sf_n));
		return EINVAL;
	}
	filter_replace(&so->so_reusefilter, sf);
	return 0;
}

int
sockfilter_detach_reuseport(struct socket *so)
{
	if (atomic_load(&so->so_reusefilter) == NULL)
		return socket_option(so, SOO_REUSEPORT) ? ENOENT : EINVAL;
	filter_replace(&so->so_reusefilter, NULL);
	return 0;
}

/* room and the result are numbers of instructions. */
int
sockfilter_get(struct socket *so, void *uval, int room, int *ulen)
{
	struct sock_filter *copy = NULL;
	const struct sockfilter *sf = atomic_load_acq(&so->so_filter);
	int error = 0, n = sf != NULL ? (int)sf->sf_n : 0;

	if (n == 0 || room == 0)
		return copyout(&n, ulen, sizeof(n));
	if (room < n)
		return EINVAL;
	copy = kmem_alloc((size_t)n * sizeof(*copy), KM_NOSLEEP);
	if (copy == NULL)
		return ENOMEM;
	memcpy(copy, sf->sf_insn, (size_t)n * sizeof(*copy));
	error = copyout(copy, uval, (size_t)n * sizeof(*copy));
	kmem_free(copy, (size_t)n * sizeof(*copy));
	return error ? error : copyout(&n, ulen, sizeof(n));
}

void
sockfilter_fini(struct socket *so)
{
	filter_replace(&so->so_filter, NULL);
	filter_replace(&so->so_reusefilter, NULL);
}

uint32_t
sockfilter_run(const struct socket *so, const struct packet *p)
{
	const struct sockfilter *sf = atomic_load_acq(&so->so_filter);

	return sf == NULL ? p->p_len : sockfilter_exec(sf->sf_insn, p);
}

bool
sockfilter_reuseport(const struct socket *so, const struct packet *p,
    uint32_t *ret_index)
{
	const struct sockfilter *sf = atomic_load_acq(&so->so_reusefilter);

	if (sf == NULL)
		return false;
	*ret_index = sockfilter_exec(sf->sf_insn, p);
	return true;
}
