/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockfilter_exec.c - running a classic BPF program that was checked
 *
 * The machine has an accumulator, an index register and sixteen words.
 * Loads with a negative offset reach what is not in the data: in front of it
 * (SKF_NET_OFF, SKF_LL_OFF) or beside it (SKF_AD_OFF: interface, mark, VLAN tag
 * and so on).  A load that finds nothing ends the program with 0.
 *
 * Nothing here takes a lock, allocates or follows a pointer of the program's.
 */

#include <lib/bytes.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/netlink.h>
#include <net/ifnet.h>
#include <sys/lwp.h>
#include <sys/random.h>
#include <sys/vcpu.h>

#include "sockfilter.h"

struct machine {
	uint32_t	 m_a, m_x;
	uint32_t	 m_mem[BPF_MEMWORDS];
	const struct packet *m_p;
};

/* --- bytes ------------------------------------------------------------------------- */

static uint32_t
bytes_value(const uint8_t *b, size_t size)
{
	switch (size) {
	case 1:
		return b[0];
	case 2:
		return be16_get(b);
	default:
		return be32_get(b);
	}
}

/* Headers that were pulled off already: from base in the room on; 0: not seen. */
static bool
load_header(const struct packet *p, uint16_t base, uint32_t off, size_t size,
    uint32_t *ret_value)
{
	size_t end = (size_t)(p->p_tail - p->p_room);

	if (base == 0 || off > end || (size_t)base + off > end ||
	    size > end - base - off)
		return false;
	*ret_value = bytes_value(p->p_room + base + off, size);
	return true;
}

static bool
load_bytes(const struct packet *p, uint32_t off, size_t size,
    uint32_t *ret_value)
{
	const uint8_t *b;
	uint8_t tmp[4];

	if ((int32_t)off >= 0) {
		b = packet_peek(p, off, size, tmp);
		if (b == NULL)
			return false;
		*ret_value = bytes_value(b, size);
		return true;
	}
	if ((int32_t)off >= SKF_NET_OFF)
		return load_header(p, p->p_l3, off - (uint32_t)SKF_NET_OFF, size,
		    ret_value);
	if ((int32_t)off >= SKF_LL_OFF)
		return load_header(p, p->p_l2, off - (uint32_t)SKF_LL_OFF, size,
		    ret_value);
	return false;
}

/* --- what is not in the data ---------------------------------------------------------- */

bool
sockfilter_ancillary(uint32_t what)
{
	return what < SKF_AD_MAX && what % 4 == 0;
}

/* Where the payload of the transport begins, in the data; 0: not known. */
static uint32_t
payload_offset(const struct packet *p)
{
	const uint8_t *h;
	uint8_t tmp[20], proto;
	uint32_t off;

	h = packet_peek(p, 0, 20, tmp);
	if (h == NULL)
		return 0;
	if (h[0] >> 4 == 4) {
		off = (h[0] & 15u) * 4;
		proto = h[9];
		if (off < 20)
			return 0;
		if ((be16_get(h + 6) & 0x1fff) != 0)
			return off;	/* a later fragment has no header */
	} else if (h[0] >> 4 == 6) {
		off = 40;
		proto = h[6];
	} else
		return 0;
	switch (proto) {
	case IPPROTO_TCP:
		h = packet_peek(p, off + 12, 1, tmp);
		return h == NULL ? off : off + ((h[0] >> 4) < 5 ? 20u :
		    (h[0] >> 4) * 4u);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case 58:			/* ICMPv6 */
	case IPPROTO_IGMP:
		return off + 8;
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
		return off + 12;
	default:
		return off;
	}
}

/* The attribute of type X from A on; nested: inside the one that is at A. */
static uint32_t
find_attribute(const struct machine *m, bool nested)
{
	uint32_t off = m->m_a, end = m->m_p->p_len, len;
	struct nlattr na, tmp;
	const void *at;

	if (nested) {
		at = packet_peek(m->m_p, off, sizeof(na), &tmp);
		if (at == NULL)
			return 0;
		__builtin_memcpy(&na, at, sizeof(na));
		if (na.nla_len < NLA_HDRLEN || na.nla_len > end - off)
			return 0;
		end = off + na.nla_len;
		off += NLA_HDRLEN;
	}
	while (off <= end && end - off >= sizeof(na)) {
		at = packet_peek(m->m_p, off, sizeof(na), &tmp);
		if (at == NULL)
			return 0;
		__builtin_memcpy(&na, at, sizeof(na));
		if (na.nla_len < sizeof(na) || na.nla_len > end - off)
			return 0;
		if ((na.nla_type & NLA_TYPE_MASK) == m->m_x)
			return off;
		len = NLA_ALIGN(na.nla_len);
		if (len > end - off)
			return 0;
		off += len;
	}
	return 0;
}

static bool
load_ancillary(struct machine *m, uint32_t what)
{
	const struct packet *p = m->m_p;
	bool tagged = (p->p_flags & PKT_F_VLAN) != 0;

	switch (what) {
	case SKF_AD_PROTOCOL:
		m->m_a = p->p_ethertype;
		return true;
	case SKF_AD_PKTTYPE:
		m->m_a = p->p_type;
		return true;
	case SKF_AD_IFINDEX:
		m->m_a = p->p_ifindex;
		return p->p_ifindex != 0;
	case SKF_AD_NLATTR:
	case SKF_AD_NLATTR_NEST:
		m->m_a = find_attribute(m, what == SKF_AD_NLATTR_NEST);
		return true;
	case SKF_AD_MARK:
		m->m_a = p->p_mark;
		return true;
	case SKF_AD_QUEUE:
		m->m_a = 0;
		return true;
	case SKF_AD_HATYPE:
		m->m_a = p->p_ifp != NULL ? p->p_ifp->if_type : 0;
		return p->p_ifp != NULL;
	case SKF_AD_RXHASH:
		m->m_a = p->p_hash;
		return true;
	case SKF_AD_CPU:
		m->m_a = curlwp()->l_cpu->vc_index;
		return true;
	case SKF_AD_ALU_XOR_X:
		m->m_a ^= m->m_x;
		return true;
	case SKF_AD_VLAN_TAG:
		m->m_a = tagged ? p->p_vlan : 0;
		return true;
	case SKF_AD_VLAN_TAG_PRESENT:
		m->m_a = tagged;
		return true;
	case SKF_AD_PAY_OFFSET:
		m->m_a = payload_offset(p);
		return true;
	case SKF_AD_RANDOM:
		m->m_a = (uint32_t)random_u64();
		return true;
	default:		/* SKF_AD_VLAN_TPID */
		m->m_a = tagged ? ETH_P_8021Q : 0;
		return true;
	}
}

/* --- instructions ------------------------------------------------------------------------- */

/* False: the program ends with 0. */
static bool
exec_load(struct machine *m, const struct sock_filter *in)
{
	static const uint8_t sizes[] = { 4, 2, 1, 0 };
	size_t size = sizes[BPF_SIZE(in->code) >> 3];

	switch (BPF_MODE(in->code)) {
	case BPF_ABS:
		if (in->k >= (uint32_t)SKF_AD_OFF)
			return load_ancillary(m, in->k - (uint32_t)SKF_AD_OFF);
		return load_bytes(m->m_p, in->k, size, &m->m_a);
	case BPF_IND:
		return load_bytes(m->m_p, m->m_x + in->k, size, &m->m_a);
	case BPF_IMM:
		m->m_a = in->k;
		return true;
	case BPF_MEM:
		m->m_a = m->m_mem[in->k];
		return true;
	default:		/* BPF_LEN */
		m->m_a = m->m_p->p_len;
		return true;
	}
}

static bool
exec_loadx(struct machine *m, const struct sock_filter *in)
{
	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		m->m_x = in->k;
		return true;
	case BPF_MEM:
		m->m_x = m->m_mem[in->k];
		return true;
	case BPF_LEN:
		m->m_x = m->m_p->p_len;
		return true;
	default:		/* BPF_MSH: the length of an IP header */
		if (!load_bytes(m->m_p, in->k, 1, &m->m_x))
			return false;
		m->m_x = (m->m_x & 15) << 2;
		return true;
	}
}

static bool
exec_alu(struct machine *m, const struct sock_filter *in)
{
	uint32_t b = BPF_SRC(in->code) == BPF_X ? m->m_x : in->k;

	switch (BPF_OP(in->code)) {
	case BPF_ADD:
		m->m_a += b;
		break;
	case BPF_SUB:
		m->m_a -= b;
		break;
	case BPF_MUL:
		m->m_a *= b;
		break;
	case BPF_DIV:
		if (b == 0)
			return false;
		m->m_a /= b;
		break;
	case BPF_MOD:
		if (b == 0)
			return false;
		m->m_a %= b;
		break;
	case BPF_AND:
		m->m_a &= b;
		break;
	case BPF_OR:
		m->m_a |= b;
		break;
	case BPF_XOR:
		m->m_a ^= b;
		break;
	case BPF_LSH:
		m->m_a <<= b & 31;
		break;
	case BPF_RSH:
		m->m_a >>= b & 31;
		break;
	default:		/* BPF_NEG */
		m->m_a = -m->m_a;
	}
	return true;
}

/* How many instructions to leave out. */
static uint32_t
exec_jump(const struct machine *m, const struct sock_filter *in)
{
	uint32_t b = BPF_SRC(in->code) == BPF_X ? m->m_x : in->k;
	bool yes;

	switch (BPF_OP(in->code)) {
	case BPF_JA:
		return in->k;
	case BPF_JEQ:
		yes = m->m_a == b;
		break;
	case BPF_JGT:
		yes = m->m_a > b;
		break;
	case BPF_JGE:
		yes = m->m_a >= b;
		break;
	default:		/* BPF_JSET */
		yes = (m->m_a & b) != 0;
	}
	return yes ? in->jt : in->jf;
}

uint32_t
sockfilter_exec(const struct sock_filter *insn, const struct packet *p)
{
	struct machine m = { .m_p = p };

	for (const struct sock_filter *in = insn;; in++) {
		bool on = true;

		switch (BPF_CLASS(in->code)) {
		case BPF_LD:
			on = exec_load(&m, in);
			break;
		case BPF_LDX:
			on = exec_loadx(&m, in);
			break;
		case BPF_ST:
			m.m_mem[in->k] = m.m_a;
			break;
		case BPF_STX:
			m.m_mem[in->k] = m.m_x;
			break;
		case BPF_ALU:
			on = exec_alu(&m, in);
			break;
		case BPF_JMP:
			in += exec_jump(&m, in);
			break;
		case BPF_RET:
			return BPF_RVAL(in->code) == BPF_A ? m.m_a : in->k;
		default:
			if (BPF_MISCOP(in->code) == BPF_TAX)
				m.m_x = m.m_a;
			else
				m.m_a = m.m_x;
		}
		if (!on)
			return 0;
	}
}
