/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vnethdr.c - offload fields to and from the form of virtio-net
 *
 * What comes in was written by somebody else: it is believed as far as it
 * concerns the content (a checksum that is said to be good), and checked as
 * far as it concerns us (offsets, sizes).
 */

#include <net/vnethdr.h>

#include <sys/errno.h>

void
vnethdr_make(const struct packet *p, struct virtio_net_hdr *ret_vh)
{
	static const uint8_t types[] = {
		[PKT_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
		[PKT_GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
		[PKT_GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
		[PKT_GSO_UDP] = VIRTIO_NET_HDR_GSO_UDP_L4,
	};

	*ret_vh = (struct virtio_net_hdr){ 0 };
	/* Payload is not linear but for a few bytes: a good guess. */
	ret_vh->hdr_len = (uint16_t)packet_linear(p);
	if (p->p_csum == PKT_CSUM_PARTIAL) {
		ret_vh->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		ret_vh->csum_start = (uint16_t)(p->p_csum_start - packet_offset(p));
		ret_vh->csum_offset = p->p_csum_off;
	} else if (p->p_csum == PKT_CSUM_GOOD) {
		ret_vh->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (p->p_gso != PKT_GSO_NONE) {
		ret_vh->gso_type = types[p->p_gso];
		if (p->p_gso_ecn)
			ret_vh->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		ret_vh->gso_size = p->p_gso_size;
	}
}

static int
gso_type(uint8_t type, enum pkt_gso *ret_gso)
{
	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		*ret_gso = PKT_GSO_NONE;
		return 0;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		*ret_gso = PKT_GSO_TCP4;
		return 0;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		*ret_gso = PKT_GSO_TCP6;
		return 0;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		*ret_gso = PKT_GSO_UDP;
		return 0;
	default:
		return EINVAL;
	}
}

int
vnethdr_apply(struct packet *p, const struct virtio_net_hdr *vh)
{
	size_t start = vh->csum_start, off = vh->csum_offset;
	bool partial = (vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
	enum pkt_gso gso;
	int error;

	error = gso_type(vh->gso_type, &gso);
	if (error)
		return error;
	if (partial && start + off + sizeof(uint16_t) > packet_linear(p))
		return EINVAL;
	/* Each segment gets a checksum of its own, and has some payload. */
	if (gso != PKT_GSO_NONE && (!partial || vh->gso_size == 0))
		return EINVAL;

	if (partial) {
		p->p_csum = PKT_CSUM_PARTIAL;
		p->p_csum_start = (uint16_t)(packet_offset(p) + start);
		p->p_csum_off = (uint16_t)off;
	} else if ((vh->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0) {
		p->p_csum = PKT_CSUM_GOOD;
	}
	p->p_gso = (uint8_t)gso;
	if (gso != PKT_GSO_NONE) {
		p->p_gso_size = vh->gso_size;
		p->p_gso_ecn = (vh->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0;
	}
	return 0;
}

size_t
vnethdr_linear(const struct virtio_net_hdr *vh, size_t len)
{
	size_t need = 0;

	if (len <= VNETHDR_LINEAR)
		return len;
	/* The field of a checksum has to be there. */
	if ((vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		need = (size_t)vh->csum_start + vh->csum_offset + sizeof(uint16_t);
	if (need < vh->hdr_len)
		need = vh->hdr_len;
	/* Ethernet, IPv6 and TCP with timestamps, if nothing is said. */
	if (need < 14 + 20)
		need = 14 + 40 + 32;
	return need < VNETHDR_LINEAR ? need : VNETHDR_LINEAR;
}
