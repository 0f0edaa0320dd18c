/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_wire.h - DHCP messages as bytes, and the frames around them
 *
 * Pure: bytes and a length in, values or an errno out; no lock, no allocation, no
 * clock.  EINVAL: not such a message.  Options that make no sense are as
 * if they were not there: a server of which one is bad still gives an address.
 *
 * Addresses are kept as they lie on the wire.
 *
 * References: RFC 2131 (the protocol), RFC 2132 (options), RFC 3396 (long
 * options), RFC 3442 (classless routes), RFC 3397 (domain search).
 */

#ifndef DHCP_WIRE_H
#define DHCP_WIRE_H

#include <linux/if.h>
#include <sys/types.h>

#define DHCP_SERVER_PORT	67
#define DHCP_CLIENT_PORT	68

#define DHCP_FIXED	236		/* before the cookie (RFC 2131 section 2) */
#define DHCP_MINLEN	300		/* some relays drop what is shorter: RFC 1542 section 2.1 */
#define DHCP_MAXLEN	1472		/* we ask for no more */
#define DHCP_FRAMELEN	(14 + 20 + 8 + DHCP_MAXLEN)

#define DHCP_BOOTREQUEST 1
#define DHCP_BOOTREPLY	2
#define DHCP_F_BROADCAST 0x8000

enum dhcp_type {			/* RFC 2132 section 9.6 */
	DHCP_DISCOVER = 1, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE, DHCP_ACK,
	DHCP_NAK, DHCP_RELEASE, DHCP_INFORM,
};

enum dhcp_opt {
	DHCP_OPT_PAD = 0, DHCP_OPT_MASK = 1, DHCP_OPT_ROUTER = 3, DHCP_OPT_DNS = 6,
	DHCP_OPT_HOSTNAME = 12, DHCP_OPT_DOMAIN = 15, DHCP_OPT_MTU = 26,
	DHCP_OPT_BROADCAST = 28, DHCP_OPT_NTP = 42, DHCP_OPT_ADDRESS = 50,
	DHCP_OPT_LEASE = 51, DHCP_OPT_OVERLOAD = 52, DHCP_OPT_TYPE = 53,
	DHCP_OPT_SERVER = 54, DHCP_OPT_WANTED = 55, DHCP_OPT_MESSAGE = 56,
	DHCP_OPT_MAXLEN = 57, DHCP_OPT_T1 = 58, DHCP_OPT_T2 = 59,
	DHCP_OPT_CLIENTID = 61, DHCP_OPT_SEARCH = 119, DHCP_OPT_ROUTES = 121,
	DHCP_OPT_END = 255,
};

#define DHCP_NADDRS	4		/* of each list: more are left out */
#define DHCP_NROUTES	16
#define DHCP_NAMELEN	254		/* with the NUL */
#define DHCP_FOREVER	0xffffffffu	/* a lease without an end */

struct dhcp_route {
	uint32_t	dr_dst;
	uint32_t	dr_gw;		/* 0: on link */
	uint8_t		dr_plen;
};

/* What a message says.  0, or an empty text: it did not. */
struct dhcp_msg {
	uint8_t		dm_op;
	uint8_t		dm_type;	/* enum dhcp_type; 0: BOOTP */
	uint8_t		dm_chaddr[6];
	uint16_t	dm_secs, dm_flags;
	uint32_t	dm_xid;		/* host order, as the times and the MTU */
	uint32_t	dm_ciaddr, dm_yiaddr, dm_siaddr, dm_giaddr;

	uint32_t	dm_server;	/* identifier */
	uint32_t	dm_wanted;	/* requested address */
	uint32_t	dm_mask, dm_broadcast;
	uint32_t	dm_lease, dm_t1, dm_t2;	/* seconds */
	uint16_t	dm_mtu;
	uint8_t		dm_nrouters, dm_ndns, dm_nntp, dm_nroutes;
	uint32_t	dm_router[DHCP_NADDRS];
	uint32_t	dm_dns[DHCP_NADDRS];
	uint32_t	dm_ntp[DHCP_NADDRS];
	struct dhcp_route dm_route[DHCP_NROUTES];
	char		dm_hostname[DHCP_NAMELEN];
	char		dm_domain[DHCP_NAMELEN];
	char		dm_search[DHCP_NAMELEN];	/* names with blanks between */
	char		dm_message[DHCP_NAMELEN];	/* printable ASCII only */
};

int	dhcp_parse(const uint8_t *data, size_t len, struct dhcp_msg *ret_dm);

/*
 * The message that a client sends, from dm_type to dm_hostname of dm; returns its
 * length, at least DHCP_MINLEN.
 */
size_t	dhcp_build(const struct dhcp_msg *dm, uint8_t buf[DHCP_MAXLEN]);

/*
 * The UDP payload of an IPv4 frame to a port: where it lies in data.  It is whole, no
 * fragment, its checksums are right (sum_good: UDP's need no look).  EINVAL, and ENOENT: to
 * another port.  data starts at the IP header.
 */
int	dhcp_unwrap(const uint8_t *data, size_t len, uint16_t port, bool sum_good,
	    const uint8_t **ret_payload, size_t *ret_len);
/*
 * Puts IP and UDP headers (28 bytes, at buf) in front of len bytes that are
 * there already: from src, 68, to dst, 67.  Network order.
 */
void	dhcp_wrap(uint8_t *buf, size_t len, uint32_t src, uint32_t dst);
#define DHCP_WRAP	28

/* ARP for Ethernet and IPv4 (RFC 826), as much as address conflicts need (RFC 5227). */
#define ARP_LEN		28
struct dhcp_arp {
	uint16_t	am_op;
	uint8_t		am_sha[6], am_tha[6];
	uint32_t	am_spa, am_tpa;
};
int	dhcp_arp_parse(const uint8_t *data, size_t len, struct dhcp_arp *ret_am);
void	dhcp_arp_probe(const uint8_t sha[6], uint32_t tpa, uint8_t buf[ARP_LEN]);

/* Length of the prefix of a mask; -1: bits are missing between. */
int	dhcp_masklen(uint32_t mask);
/* Could a host have this address?  Not 0/8, 127/8, multicast, reserved, broadcast. */
bool	dhcp_hostaddr(uint32_t addr);

#endif /* DHCP_WIRE_H */
