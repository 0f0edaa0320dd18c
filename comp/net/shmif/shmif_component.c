/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmif_component.c - how interfaces on a bus become available
 */

#include <rump/rump.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

#include "shmif_impl.h"

static int
shmif_start(void)
{
	int error = shmif_port_boot();

	if (error == 0)
		ifkind_register(&shmif_kind);
	return error;
}

COMPONENT(shmif, COMPONENT_NET_IF, shmif_start);

int
rump_pub_shmif_create(const char *path, int *ret_ifnum)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = ifkind_create_next(&shmif_kind, path, ret_ifnum);
	kcontext_leave();
	return error;
}
