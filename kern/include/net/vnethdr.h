/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vnethdr.h - a packet's offload fields as a struct virtio_net_hdr says them
 *
 * That is the form in which taps, buses and packet sockets exchange them:
 * offsets count from the first byte of the frame, at p_data (virtio 1.2,
 * section 5.1.6).  Numbers are in the host's order.
 */

#ifndef NET_VNETHDR_H
#define NET_VNETHDR_H

#include <linux/virtio_net.h>
#include <net/packet.h>
#include <sys/types.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4	5	/* younger than some UAPI headers */
#endif

/* Of a packet on its way out. */
void	vnethdr_make(const struct packet *p, struct virtio_net_hdr *ret_vh);

/*
 * Into a packet that came in, whose headers as far as vh speaks of them are
 * linear.  EINVAL: it makes no sense for this packet, which is unchanged.
 */
int	vnethdr_apply(struct packet *p, const struct virtio_net_hdr *vh);

/*
 * How much of a frame of len bytes should be linear: its headers, if vh
 * tells their length, and little of what follows.
 */
size_t	vnethdr_linear(const struct virtio_net_hdr *vh, size_t len);

/* Room in front of a received frame, for who has to put something there. */
#define VNETHDR_HEADROOM	32
#define VNETHDR_LINEAR		(PKT_ROOM - VNETHDR_HEADROOM)

#endif /* NET_VNETHDR_H */
