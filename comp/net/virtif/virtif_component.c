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

int
rump_pub_virtif_create(const char *link, int *ret_ifnum)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = ifkind_create_next(&virtif_kind, link, ret_ifnum);
	kcontext_leave();
	return error;
}
