/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netlink_component.c - AF_NETLINK: how programs look at the network and change it
 */

#include <net/socket.h>
#include <sys/component.h>

#include "netlink_impl.h"

static struct sockproto netlink_protos[] = {
	{ .sp_family = AF_NETLINK, .sp_type = SOCK_RAW, .sp_protocol = -1, .sp_default = true,
	    .sp_flags = SP_ATOMIC, .sp_ops = &netlink_sockops },
	{ .sp_family = AF_NETLINK, .sp_type = SOCK_DGRAM, .sp_protocol = -1, .sp_default = true,
	    .sp_flags = SP_ATOMIC, .sp_ops = &netlink_sockops },
};

static int
netlink_attach(void)
{
	int error;

	error = netlink_table_init();
	if (error)
		return error;
	rtnl_init();
	diag_init();
	genl_init();
	for (size_t i = 0; i < ARRAY_SIZE(netlink_protos); i++)
		sockproto_register(&netlink_protos[i]);
	return 0;
}

COMPONENT(netlink, COMPONENT_NET_PROTO, netlink_attach);
