/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rump/dhcp.h - addresses from a server: component net_dhcp
 *
 * Functions return 0 or an error number.  They work in the network name
 * space of the calling thread's proc.
 */

#ifndef RUMP_DHCP_H
#define RUMP_DHCP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUMP_DHCP_ADDRLEN	46	/* of an address as text, with the NUL */
#define RUMP_DHCP_NADDRS	4
#define RUMP_DHCP_NAMELEN	254

/* What a server gave.  Texts are empty where it gave nothing. */
struct rump_dhcp_lease {
	char		rdl_state[16];	/* "selecting", "bound", "renewing" ... */
	char		rdl_address[RUMP_DHCP_ADDRLEN];
	uint32_t	rdl_prefixlen;
	char		rdl_gateway[RUMP_DHCP_ADDRLEN];
	char		rdl_server[RUMP_DHCP_ADDRLEN];
	char		rdl_dns[RUMP_DHCP_NADDRS][RUMP_DHCP_ADDRLEN];
	char		rdl_ntp[RUMP_DHCP_NADDRS][RUMP_DHCP_ADDRLEN];
	char		rdl_hostname[RUMP_DHCP_NAMELEN];
	char		rdl_domain[RUMP_DHCP_NAMELEN];
	char		rdl_search[RUMP_DHCP_NAMELEN];	/* domains, with blanks between */
	uint32_t	rdl_mtu;	/* 0: not said */
	int64_t		rdl_seconds;	/* that are left; -1: for ever */
};

/*
 * Sets the interface up, gets an IPv4 address for it, and keeps the lease by renewing it
 * until dhcp_ipv4_stop().  oneshot returns when the address is there, or
 * nothing has come in a minute (ETIMEDOUT; nothing runs on then); start returns at
 * once.  ENODEV, EOPNOTSUPP: not Ethernet, EBUSY: part of a bridge, EINTR, ENOMEM;
 * start: EEXIST if it runs.
 */
int	rump_pub_netconfig_dhcp_ipv4_oneshot(const char *ifname);
int	rump_pub_netconfig_dhcp_ipv4_start(const char *ifname);
/* Gives the address back, and removes it and its routes.  ENOENT: it did not run. */
int	rump_pub_netconfig_dhcp_ipv4_stop(const char *ifname);
/* ENOENT: none runs on that interface. */
int	rump_pub_netconfig_dhcp_ipv4_lease(const char *ifname, struct rump_dhcp_lease *ret_lease);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_DHCP_H */
