/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockdiag.c - who lists connections that have no sockets
 *
 * One protocol does (TCP), whose component may be there or not.
 */

#include <net/sockdiag.h>

#include <sys/atomic.h>

static sockdiag_minis_fn *minis_list;
static int minis_protocol;

void
sockdiag_minis_register(int protocol, sockdiag_minis_fn *list)
{
	minis_protocol = protocol;
	atomic_store_rel(&minis_list, list);
}

int
sockdiag_minis(struct netns *ns, int family, int protocol,
    int (*fn)(const struct sockdiag_mini *, void *), void *arg)
{
	sockdiag_minis_fn *list = atomic_load_acq(&minis_list);

	return list != NULL && protocol == minis_protocol ? list(ns, family, fn, arg) : 0;
}
