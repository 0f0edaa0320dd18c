/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * afpacket_component.c - AF_PACKET: whole frames, as tcpdump(8) and arping(8) want them
 */

#include <net/socket.h>
#include <sys/component.h>

#include "afpacket_impl.h"

static struct sockproto packet_protos[] = {
	{ .sp_family = AF_PACKET, .sp_type = SOCK_RAW, .sp_protocol = -1, .sp_default = true,
	    .sp_flags = SP_ATOMIC, .sp_ops = &afpacket_sockops },
	{ .sp_family = AF_PACKET, .sp_type = SOCK_DGRAM, .sp_protocol = -1, .sp_default = true,
	    .sp_flags = SP_ATOMIC, .sp_ops = &afpacket_sockops },
};

static int
afpacket_attach(void)
{
	int error = afpacket_init();

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(packet_protos); i++)
		sockproto_register(&packet_protos[i]);
	return error;
}

COMPONENT(packet, COMPONENT_NET_PROTO, afpacket_attach);
