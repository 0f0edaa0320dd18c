/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_sockfilter.c - classic BPF programs on packets, both of a stranger
 *
 * The input is a count, so many instructions, and a packet: its first bytes
 * are the room's, the rest a block.  What the checker lets through must end,
 * stay inside the packet, and answer the same when it runs again.
 */

#include <lib/string.h>
#include <sys/kassert.h>

#include "sockfilter.h"

#define INSNS_MAX	64

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Those that ask the kernel about itself need one that runs. */
static bool
asks_kernel(const struct sock_filter *in)
{
	return BPF_CLASS(in->code) == BPF_LD && BPF_MODE(in->code) == BPF_ABS &&
	    (in->k == (uint32_t)SKF_AD_OFF + SKF_AD_CPU ||
	    in->k == (uint32_t)SKF_AD_OFF + SKF_AD_RANDOM);
}

static void
make_packet(struct packet *p, struct pktbuf *pb, const uint8_t *data, size_t size)
{
	size_t linear = size < 100 ? size : 100;

	memset(p, 0, sizeof(*p));
	p->p_l2 = 16;
	p->p_l3 = 30;
	p->p_data = p->p_room + PKT_HEADROOM;
	memcpy(p->p_data, data, linear);
	p->p_tail = p->p_data + linear;
	p->p_len = (uint32_t)size;
	p->p_ifindex = 3;
	if (size > linear) {
		union { const uint8_t *c; uint8_t *m; } block = { data + linear };

		*pb = (struct pktbuf){ .pb_refs = 1, .pb_data = block.m,
			.pb_size = (uint32_t)(size - linear) };
		p->p_frag[0] = (struct pktfrag){ pb, 0, pb->pb_size };
		p->p_nfrags = 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock_filter insn[INSNS_MAX];
	uint16_t written[INSNS_MAX];
	struct pktbuf pb;
	struct packet p;
	size_t n;

	if (size == 0)
		return 0;
	n = data[0] % (INSNS_MAX + 1);
	data++;
	size--;
	if (size < n * sizeof(insn[0]))
		return 0;
	memcpy(insn, data, n * sizeof(insn[0]));
	data += n * sizeof(insn[0]);
	size -= n * sizeof(insn[0]);
	for (size_t i = 0; i < n; i++)
		if (asks_kernel(&insn[i]))
			return 0;
	if (!sockfilter_check(insn, n, written))
		return 0;
	make_packet(&p, &pb, data, size);
	if (sockfilter_exec(insn, &p) != sockfilter_exec(insn, &p))
		panic("two answers");
	return 0;
}
