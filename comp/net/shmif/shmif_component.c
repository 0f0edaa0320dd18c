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

/* The number at the end of a name. */
static int
name_number(const char *name)
{
	int n = 0;

	for (; *name != '\0'; name++)
		n = *name >= '0' && *name <= '9' ? n * 10 + (*name - '0') : 0;
	return n;
}

int
rump_pub_shmif_create(const char *path, int *ret_ifnum)
{
	struct ifnet *ifp;
	int error = kcontext_enter();

	if (error)
		return error;
	error = shmif_kind.ik_create(netns_current(), "shm%d", path, NULL, &ifp);
	if (error == 0) {
		*ret_ifnum = name_number(ifp->if_name);
		if_rele(ifp);
	}
	kcontext_leave();
	return error;
}
