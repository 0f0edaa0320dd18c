/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_proto.c - the families and the protocols above them, and checksums
 *
 * Both tables are filled while components start and never change afterwards.
 */

#include <net/inet.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/kassert.h>

#include "inet_impl.h"

static const struct inet_af *inet_afs[2];	/* IPv4, IPv6 */
static const struct inet_proto *inet_protos[256];

static unsigned int
af_slot(int family)
{
	return family == AF_INET6;
}

const struct inet_af *
inet_af(int family)
{
	return atomic_load_acq(&inet_afs[af_slot(family)]);
}

void
inet_af_register(const struct inet_af *af)
{
	KASSERT(af->ia_family == AF_INET || af->ia_family == AF_INET6);
	atomic_store_rel(&inet_afs[af_slot(af->ia_family)], af);
}

void
inet_proto_register(const struct inet_proto *ip)
{
	atomic_store_rel(&inet_protos[ip->ip_proto], ip);
}

const struct inet_proto *
inet_proto(uint8_t proto)
{
	return atomic_load_acq(&inet_protos[proto]);
}

/* --- checksums ------------------------------------------------------------ */

uint16_t
inet_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

void
inet_csum_setup(const struct inet_af *af, struct packet *p, const struct inaddr *src,
    const struct inaddr *dst, uint8_t proto, uint16_t off)
{
	uint16_t sum = inet_fold(af->ia_pseudo(src, dst, proto, p->p_len));

	KASSERT(packet_linear(p) >= (size_t)off + sizeof(sum));
	memcpy(p->p_data + off, &sum, sizeof(sum));
	p->p_csum = PKT_CSUM_PARTIAL;
	p->p_csum_start = packet_offset(p);
	p->p_csum_off = off;
}

bool
inet_csum_ok(const struct inet_af *af, struct packet *p, uint8_t proto)
{
	const struct inet_rx *rx = INET_RX(p);
	uint32_t sum;

	if (p->p_csum != PKT_CSUM_NONE)
		return true;
	sum = af->ia_pseudo(&rx->ir_src, &rx->ir_dst, proto, p->p_len);
	if (inet_fold(packet_sum(p, 0, p->p_len, sum)) != 0xffff)
		return false;
	p->p_csum = PKT_CSUM_GOOD;
	return true;
}
