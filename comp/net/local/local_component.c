/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_component.c - AF_UNIX: streams, datagrams, sequenced packets
 */

#include <linux/un.h>
#include <net/socket.h>
#include <sys/component.h>

#include "local_impl.h"

/* SOCK_RAW is an old name of datagrams. */
static struct sockproto protos[] = {
	{ AF_UNIX, SOCK_STREAM, 0, true, SP_CONNECTED, &local_stream_ops, { NULL, NULL } },
	{ AF_UNIX, SOCK_STREAM, AF_UNIX, false, SP_CONNECTED, &local_stream_ops, { NULL, NULL } },
	{ AF_UNIX, SOCK_DGRAM, 0, true, SP_ATOMIC, &local_dgram_ops, { NULL, NULL } },
	{ AF_UNIX, SOCK_DGRAM, AF_UNIX, false, SP_ATOMIC, &local_dgram_ops, { NULL, NULL } },
	{ AF_UNIX, SOCK_RAW, 0, true, SP_ATOMIC, &local_dgram_ops, { NULL, NULL } },
	{ AF_UNIX, SOCK_RAW, AF_UNIX, false, SP_ATOMIC, &local_dgram_ops, { NULL, NULL } },
	{ AF_UNIX, SOCK_SEQPACKET, 0, true, SP_CONNECTED | SP_ATOMIC, &local_seq_ops,
	    { NULL, NULL } },
	{ AF_UNIX, SOCK_SEQPACKET, AF_UNIX, false, SP_CONNECTED | SP_ATOMIC, &local_seq_ops,
	    { NULL, NULL } },
};

static int
local_start(void)
{
	int error = local_gc_boot();

	if (error == 0)
		error = local_name_boot();
	if (error)
		return error;
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		sockproto_register(&protos[i]);
	return 0;
}

COMPONENT(net_local, COMPONENT_NET_PROTO, local_start);
