/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wire_component.c - how cables become available
 */

#include <rump/rump.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

#include "wire_impl.h"

static int
wire_start(void)
{
	ifkind_register(&wire_kind);
	return 0;
}

COMPONENT(wire, COMPONENT_NET_IF, wire_start);

static int
wire_between(uint32_t id1, const char *name1, uint32_t id2, const char *name2)
{
	struct netns *ns1 = netns_find(id1), *ns2 = netns_find(id2);
	int error = ESRCH;

	if (ns1 != NULL && ns2 != NULL)
		error = wire_create(ns1, name1 != NULL ? name1 : "wire%d", ns2,
		    name2 != NULL ? name2 : "wire%d", NULL, NULL);
	if (ns1 != NULL)
		netns_rele(ns1);
	if (ns2 != NULL)
		netns_rele(ns2);
	return error;
}

int
rump_pub_wire_create(int netns1, const char *name1, int netns2, const char *name2)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = wire_between((uint32_t)netns1, name1, (uint32_t)netns2, name2);
	kcontext_leave();
	return error;
}
