/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_component.c - internet sockets that are the host's
 *
 * They have the families of the kernel's own internet protocols, so a kernel
 * has either the one or the others: which one a program gets must not depend on
 * who came first.
 */

#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/log.h>

#include "sockin_impl.h"

static struct sockproto protos[] = {
	{ .sp_family = AF_INET, .sp_type = SOCK_STREAM, .sp_flags = SP_CONNECTED },
	{ .sp_family = AF_INET, .sp_type = SOCK_DGRAM, .sp_flags = SP_ATOMIC },
	{ .sp_family = AF_INET, .sp_type = SOCK_RAW, .sp_flags = SP_ATOMIC },
	{ .sp_family = AF_INET6, .sp_type = SOCK_STREAM, .sp_flags = SP_CONNECTED },
	{ .sp_family = AF_INET6, .sp_type = SOCK_DGRAM, .sp_flags = SP_ATOMIC },
	{ .sp_family = AF_INET6, .sp_type = SOCK_RAW, .sp_flags = SP_ATOMIC },
};

/* The kernel's own, started or about to be. */
static int
is_rival(const struct component *co, void *arg)
{
	return strcmp(co->co_name, "inet") == 0 || strcmp(co->co_name, "inet6") == 0;
}

static int
sockin_start(void)
{
	char host[16];
	int error;

	if (component_iterate(is_rival, NULL) != 0) {
		log_printf(LOG_ERR, "sockin: this kernel has internet protocols of "
		    "its own (inet, inet6); it can have these or the host's sockets");
		return EEXIST;
	}
	if (rumpuser_getparam("_RUMPUSER_HOST", host, sizeof(host)) == 0 &&
	    strcmp(host, "sim") == 0) {
		log_printf(LOG_ERR, "sockin: the simulated host has no sockets");
		return EOPNOTSUPP;
	}
	error = sockin_watch_boot();
	if (error)
		return error;
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		protos[i].sp_protocol = -1;
		protos[i].sp_default = true;
		protos[i].sp_ops = &sockin_ops;
		sockproto_register(&protos[i]);
	}
	return 0;
}

COMPONENT(sockin, COMPONENT_NET_PROTO, sockin_start);
