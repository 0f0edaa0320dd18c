/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_link.c - what an interface's link is like, who listens in, and DHCP
 */

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include <rump/dhcp.h>
#include <rump/rump.h>

#include "net_impl.h"

int
net_conditions(const struct netif *ni)
{
	const char *bad = NULL;
	int error;

	if (ni->ni_cond != NULL) {
		error = rump_pub_netconfig_linkcond(ni->ni_name, ni->ni_cond, &bad);
		if (error == EINVAL && bad != NULL)
			return usage_error("link conditions: '%s'?", bad);
		if (error)
			return complain(ni->ni_cond, "set the conditions of the link", error);
	}
	if (ni->ni_capture != NULL) {
		error = rump_pub_netconfig_capture(ni->ni_name, ni->ni_capture, 0);
		if (error)
			return complain(ni->ni_capture, "capture", error);
	}
	return EX_DONE;
}

/* Of a component that may have been loaded after we were linked. */
#pragma weak rump_pub_netconfig_dhcp_ipv4_oneshot
#pragma weak rump_pub_netconfig_dhcp_ipv6_oneshot

typedef int oneshot_fn(const char *ifname);

int
net_dhcp(const char *ifname, int family)
{
	oneshot_fn *oneshot = family == AF_INET ? rump_pub_netconfig_dhcp_ipv4_oneshot :
	    rump_pub_netconfig_dhcp_ipv6_oneshot;
	void *found;

	if (oneshot == NULL) {
		found = dlsym(RTLD_DEFAULT, family == AF_INET ?
		    "rump_pub_netconfig_dhcp_ipv4_oneshot" : "rump_pub_netconfig_dhcp_ipv6_oneshot");
		memcpy(&oneshot, &found, sizeof(oneshot));
	}
	return oneshot != NULL ? oneshot(ifname) : EOPNOTSUPP;
}
