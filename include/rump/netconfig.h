/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rump/netconfig.h - setting up the network from C
 *
 * For programs that want an interface and an address, not rtnetlink (which is
 * there too).  All work in the network name space of the calling thread's
 * proc.  Functions return 0 or an error number.
 *
 * Manual: rump_pub_netconfig(3).
 */

#ifndef RUMP_NETCONFIG_H
#define RUMP_NETCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * "shm0" is an interface of the kind whose names begin with "shm".  EINVAL: no such
 * kind, EEXIST, ENOMEM.  The link string says what it is connected to, in the driver's
 * own words (shmif: the bus file); EBUSY while it is up.
 */
int	rump_pub_netconfig_ifcreate(const char *ifname);
int	rump_pub_netconfig_ifdestroy(const char *ifname);	/* ENODEV, EOPNOTSUPP */
int	rump_pub_netconfig_ifsetlinkstr(const char *ifname, const char *linkstr);
int	rump_pub_netconfig_ifup(const char *ifname);
int	rump_pub_netconfig_ifdown(const char *ifname);
int	rump_pub_netconfig_ifsetmtu(const char *ifname, uint32_t mtu);
/* "02:00:00:00:00:01" */
int	rump_pub_netconfig_ifsetlladdr(const char *ifname, const char *lladdr);

/* Adds an address, in text, and sets the interface up.  EINVAL, ENODEV, EEXIST. */
int	rump_pub_netconfig_ipv4_ifaddr(const char *ifname, const char *addr, const char *mask);
int	rump_pub_netconfig_ipv4_ifaddr_cidr(const char *ifname, const char *addr, int plen);
int	rump_pub_netconfig_ipv6_ifaddr(const char *ifname, const char *addr, int plen);
/* The default route.  ENETUNREACH: the gateway is not on a network of ours. */
int	rump_pub_netconfig_ipv4_gw(const char *gateway);
int	rump_pub_netconfig_ipv6_gw(const char *gateway);
/* Sets the interface up to configure itself from router advertisements. */
int	rump_pub_netconfig_auto_ipv6(const char *ifname);

#define RUMP_RESOLVER_NADDRS	8
#define RUMP_RESOLVER_ADDRLEN	64	/* with "%shm0" if it is an address of the link */

/* Name servers, from one source for one interface.  Manual: rump_pub_netconfig_resolvers(3). */
struct rump_resolvers {
	char		rrv_ifname[16];
	char		rrv_source[8];	/* "dhcp", "dhcp6", "ra": a router's advertisement */
	uint32_t	rrv_naddrs;
	char		rrv_address[RUMP_RESOLVER_NADDRS][RUMP_RESOLVER_ADDRLEN];
	char		rrv_search[254];	/* domains, with blanks between */
};

/*
 * All that ifname (NULL: any) was told of: *ret_n entries, of which the first max are in
 * list.  ENODEV.
 */
int	rump_pub_netconfig_resolvers(const char *ifname, struct rump_resolvers *list,
	    size_t max, size_t *ret_n);

/*
 * Network name spaces.  create makes one with a loopback interface that is down; enter
 * moves the calling thread's proc, whose sockets stay where they were made; destroy
 * gives up the name, and the name space ends with its last proc and socket.
 */
int	rump_pub_netns_create(uint32_t *ret_id);
int	rump_pub_netns_enter(uint32_t id);		/* ENOENT */
int	rump_pub_netns_destroy(uint32_t id);		/* ENOENT; EBUSY: the first one */
uint32_t rump_pub_netns_current(void);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_NETCONFIG_H */
