/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * packet_csum.c - the Internet checksum over packets
 *
 * Sums are of 16-bit words as they lie in memory, whatever the machine's byte
 * order: the sum comes out in the same order and is stored as it is (RFC
 * 1071 section 2 (B)).  A piece that begins at an odd offset has its words
 * the other way round, so its sum is swapped before it is added.
 *
 * sum_bytes() is the machine's: packet_sum_x86_64.c or packet_sum_plain.c.
 */

#include "net_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>

static uint32_t
sum_swap(uint32_t sum)
{
	return (sum >> 8 | sum << 8) & 0xffff;
}

/* One piece at offset at of the range, behind what was summed so far. */
static uint32_t
sum_piece(uint32_t sum, size_t at, const uint8_t *data, size_t len)
{
	uint32_t part = sum_bytes(data, len);

	if ((at & 1) != 0)
		part = sum_swap(part);
	sum += part;
	return sum < part ? sum + 1 : sum;
}

uint32_t
packet_sum_bytes(const void *data, size_t len, uint32_t sum)
{
	return sum_piece(sum, 0, data, len);
}

uint32_t
packet_sum(const struct packet *p, size_t off, size_t len, uint32_t sum)
{
	size_t have = packet_linear(p), done = 0, part;

	KASSERT(off <= p->p_len && len <= p->p_len - off);
	if (off < have) {
		done = len < have - off ? len : have - off;
		sum = sum_piece(sum, 0, p->p_data + off, done);
		off = 0;
	} else {
		off -= have;
	}
	for (unsigned int i = 0; done < len; i++) {
		const struct pktfrag *pf = &p->p_frag[i];

		if (off >= pf->pf_len) {
			off -= pf->pf_len;
			continue;
		}
		part = pf->pf_len - off;
		if (part > len - done)
			part = len - done;
		sum = sum_piece(sum, done, pf->pf_buf->pb_data + pf->pf_off + off,
		    part);
		done += part;
		off = 0;
	}
	return sum;
}

/*
 * A sum of zero is written as 0xffff, which is the same number: UDP gives zero
 * another meaning (RFC 768), and to the others it makes no difference.
 */
int
packet_csum_fill(struct packet *p)
{
	size_t start = p->p_csum_start, field;
	uint16_t sum;

	KASSERT(p->p_csum == PKT_CSUM_PARTIAL);
	if (start < packet_offset(p))
		return EINVAL;
	start -= packet_offset(p);
	field = start + p->p_csum_off;
	if (packet_pullup(p, field + sizeof(sum)) != 0)
		return EINVAL;
	sum = packet_sum_fold(packet_sum(p, start, p->p_len - start, 0));
	if (sum == 0)
		sum = 0xffff;
	memcpy(p->p_data + field, &sum, sizeof(sum));
	p->p_csum = PKT_CSUM_NONE;
	return 0;
}
