/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rump/dhcp.h - addresses from a server: components net_dhcp and net_dhcp6
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

#define RUMP_DHCP6_DUIDLEN 261		/* in hexadecimal, with the NUL */

/* What a DHCPv6 server gave. */
struct rump_dhcp6_lease {
	char		rd6_state[16];	/* "soliciting", "bound", "informed" ... */
	uint32_t	rd6_naddrs;
	struct {
		char		rd6_address[RUMP_DHCP_ADDRLEN];
		int64_t		rd6_preferred, rd6_valid;	/* seconds; -1: for ever */
	}		rd6_addr[RUMP_DHCP_NADDRS];
	char		rd6_server[RUMP_DHCP6_DUIDLEN];
	char		rd6_dns[RUMP_DHCP_NADDRS][RUMP_DHCP_ADDRLEN];
	char		rd6_ntp[RUMP_DHCP_NADDRS][RUMP_DHCP_ADDRLEN];
	char		rd6_search[RUMP_DHCP_NAMELEN];	/* domains, with blanks between */
};

/*
 * The same for IPv6.  oneshot and start ask for addresses; with RUMP_DHCP6_INFORMATION start
 * asks for resolvers and the like alone.  Where routers say that there are such things
 * a client runs by itself (variable net.dhcp6.auto): then start answers EEXIST, and
 * oneshot and start without the flag have it ask for addresses.
 */
#define RUMP_DHCP6_INFORMATION	0x1
int	rump_pub_netconfig_dhcp_ipv6_oneshot(const char *ifname);
int	rump_pub_netconfig_dhcp_ipv6_start(const char *ifname, int flags);
/* Waits some seconds for a server that does not confirm that it has the address back. */
int	rump_pub_netconfig_dhcp_ipv6_stop(const char *ifname);
int	rump_pub_netconfig_dhcp_ipv6_lease(const char *ifname,
	    struct rump_dhcp6_lease *ret_lease);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_DHCP_H */
