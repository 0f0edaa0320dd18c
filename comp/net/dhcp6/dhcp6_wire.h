/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_wire.h - DHCPv6 messages as bytes
 *
 * Pure: bytes and a length in, values or an errno out; no lock, no allocation, no
 * clock.  EINVAL: not such a message, or one whose options do not fill it exactly.
 * Options that are sound as such but make no sense are as if they were not there.
 *
 * References: RFC 8415 (the protocol, its sections 7, 8, 11 and 21), RFC 3646
 * (resolvers), RFC 5908 (time servers), RFC 7083 (SOL_MAX_RT, INF_MAX_RT).
 */

#ifndef DHCP6_WIRE_H
#define DHCP6_WIRE_H

#include <net/route.h>
#include <sys/types.h>

#define DHCP6_CLIENT_PORT	546
#define DHCP6_SERVER_PORT	547

#define DHCP6_MAXLEN	1452		/* that we listen to: a packet of 1500 */
#define DHCP6_BUILDMAX	640		/* that we send */

enum dhcp6_type {			/* RFC 8415 section 7.3 */
	DHCP6_SOLICIT = 1, DHCP6_ADVERTISE, DHCP6_REQUEST, DHCP6_CONFIRM, DHCP6_RENEW,
	DHCP6_REBIND, DHCP6_REPLY, DHCP6_RELEASE, DHCP6_DECLINE, DHCP6_RECONFIGURE,
	DHCP6_INFORMATION, DHCP6_NTYPES,
};

enum dhcp6_opt {
	DHCP6_OPT_CLIENTID = 1, DHCP6_OPT_SERVERID = 2, DHCP6_OPT_IA_NA = 3,
	DHCP6_OPT_IAADDR = 5, DHCP6_OPT_WANTED = 6, DHCP6_OPT_PREFERENCE = 7,
	DHCP6_OPT_ELAPSED = 8, DHCP6_OPT_STATUS = 13, DHCP6_OPT_RAPID = 14,
	DHCP6_OPT_DNS = 23, DHCP6_OPT_SEARCH = 24, DHCP6_OPT_REFRESH = 32,
	DHCP6_OPT_NTP = 56, DHCP6_OPT_SOL_MAX_RT = 82, DHCP6_OPT_INF_MAX_RT = 83,
};

enum dhcp6_status {			/* RFC 8415 section 21.13 */
	DHCP6_SUCCESS, DHCP6_UNSPECFAIL, DHCP6_NOADDRSAVAIL, DHCP6_NOBINDING,
	DHCP6_NOTONLINK, DHCP6_USEMULTICAST,
};

#define DHCP6_NADDRS	4		/* of an interface: more are left out */
#define DHCP6_NSERVERS	4		/* of each list */
#define DHCP6_NAMELEN	254		/* with the NUL */
#define DHCP6_DUIDMAX	130		/* RFC 8415 section 11.1 */
#define DHCP6_FOREVER	0xffffffffu

struct dhcp6_duid {
	uint8_t		du_len;		/* 0: none */
	uint8_t		du_data[DHCP6_DUIDMAX];
};

struct dhcp6_addr {
	struct inaddr	da_addr;
	uint32_t	da_preferred, da_valid;	/* seconds */
};

/* What a message says.  0, or an empty text: it did not. */
struct dhcp6_msg {
	uint8_t		dm_type;
	bool		dm_rapid;
	bool		dm_ia;		/* the association we asked for is in it */
	uint8_t		dm_preference;
	uint32_t	dm_xid;		/* 24 bits */
	struct dhcp6_duid dm_client, dm_server;
	uint16_t	dm_elapsed;	/* hundredths of a second */
	uint16_t	dm_status, dm_iastatus;	/* enum dhcp6_status, or what else was sent */
	uint32_t	dm_iaid, dm_t1, dm_t2;
	uint32_t	dm_solmax, dm_infmax;	/* seconds */
	uint32_t	dm_refresh;
	uint8_t		dm_naddrs, dm_ndns, dm_nntp;
	struct dhcp6_addr dm_addr[DHCP6_NADDRS];
	struct inaddr	dm_dns[DHCP6_NSERVERS];
	struct inaddr	dm_ntp[DHCP6_NSERVERS];
	char		dm_search[DHCP6_NAMELEN];	/* names with blanks between */
	char		dm_text[DHCP6_NAMELEN];		/* of the status; printable ASCII */
};

/* iaid: the association that counts; others are passed over. */
int	dhcp6_parse(const uint8_t *data, size_t len, uint32_t iaid, struct dhcp6_msg *ret_dm);

/*
 * The message that a client sends: type, transaction, DUIDs, elapsed time, rapid
 * commit, and with dm_ia the association with its addresses.  Returns its length.
 */
size_t	dhcp6_build(const struct dhcp6_msg *dm, uint8_t buf[DHCP6_BUILDMAX]);

/* A DUID of the link-layer address (RFC 8415 section 11.4): always the same for it. */
void	dhcp6_duid_ll(const uint8_t mac[6], struct dhcp6_duid *ret_duid);
bool	dhcp6_duid_eq(const struct dhcp6_duid *a, const struct dhcp6_duid *b);

/* Could a host have this address, beyond its link? */
bool	dhcp6_hostaddr(const struct inaddr *a);

#endif /* DHCP6_WIRE_H */
