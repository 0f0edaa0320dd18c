/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_component.c - how interfaces to the host become available
 */

#include <rump/rump.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

#include "virtif_impl.h"

static int
virtif_start(void)
{
	ifkind_register(&virtif_kind);
	return 0;
}

COMPONENT(virtif, COMPONENT_NET_IF, virtif_start);

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
rump_pub_virtif_create(const char *link, int *ret_ifnum)
{
	struct ifnet *ifp;
	int error = kcontext_enter();

	if (error)
		return error;
	error = virtif_kind.ik_create(netns_current(), "virt%d", link, NULL, &ifp);
	if (error == 0) {
		*ret_ifnum = name_number(ifp->if_name);
		if_rele(ifp);
	}
	kcontext_leave();
	return error;
}
