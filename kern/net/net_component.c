/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_component.c - how the net faction starts
 */

#include <abi/sysargs.h>
#include <sys/component.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "net_impl.h"

/* Name spaces last: the first one is born with all parts. */
static int (*const parts[])(void) = {
	packet_boot,
	ifnet_boot,
	route_boot,
	neigh_boot,
	socket_boot,
	linkcond_boot,
	capture_boot,
	netns_boot,
};

static int
net_start(void)
{
	int error = 0;

	ifdrive_boot();
	for (size_t i = 0; error == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		error = parts[i]();
	if (error)
		return error;
	syscall_register(rump_sysent_net, rump_nsysent_net);
	return 0;
}

COMPONENT(net, COMPONENT_NET, net_start);
