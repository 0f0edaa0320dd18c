/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_host.h - a host on a link of which the test is the rest
 *
 * A name space with one Ethernet interface.  What the host sends lies in a queue until
 * the test looks; what the test injects arrives as from the wire.  Time is the
 * simulated host's: host_wait() lets it pass.
 */

#ifndef IP6_HOST_H
#define IP6_HOST_H

#include "ip6_impl.h"
#include "mld_wire.h"

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_ether.h>
#include <sys/condvar.h>
#include <sys/mutex.h>

/* The end of a name space starts a thread that stays. */
#define NET_TEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)

struct host {
	struct netns	*h_ns;
	struct ifnet	*h_ifp;
	kmutex_t	 h_lock;
	struct packetq	 h_sent;	/* h_lock: from the Ethernet header on */
	uint8_t		 h_mac[6];
};

/* One message that the host sent, taken apart. */
struct heard {
	uint8_t		 e_buf[2048];	/* from the IPv6 header on */
	size_t		 e_len;
	struct ip6_fixed e_f;
	uint8_t		 e_proto;	/* upper header, behind extension headers */
	size_t		 e_off;		/* where it begins */
	uint8_t		 e_dst[6];	/* on the link */
	const uint8_t	*e_msg;		/* e_buf + e_off */
	size_t		 e_msglen;
};

void	host_create(struct host *h, uint8_t id);	/* up, nothing else */
void	host_create_down(struct host *h, uint8_t id);
void	host_up(struct host *h);
void	host_destroy(struct host *h);
void	host_set(struct host *h, const struct netvar *nv, int value);
void	host_wait(int64_t ms);
/* Waits until DAD of the first addresses must be over, and forgets what was sent. */
void	host_settle(struct host *h);

struct inaddr host_addr(const char *text);
/* The address of the host: link-local, or made of the prefix; and whether it is there. */
struct inaddr host_eui64(const struct host *h, const char *prefix);
struct ifaddr *host_find(const struct host *h, const struct inaddr *a);
uint32_t host_flags(const struct host *h, const struct inaddr *a);	/* ~0: not there */
int	host_add(struct host *h, const char *text, uint8_t plen);
unsigned int host_count(const struct host *h, uint32_t set, uint32_t clear);	/* addresses by flags */

/* Everything that was sent is forgotten. */
void	host_forget(struct host *h);
/* The next packet sent; false: there is none. */
bool	host_next(struct host *h, struct heard *e);
/* The next ICMPv6 message of that type; others before it are forgotten. */
bool	host_hear(struct host *h, uint8_t type, struct heard *e);
/* The same, letting up to ms of time pass. */
bool	host_await(struct host *h, uint8_t type, struct heard *e, int64_t ms);

/* From outside.  The checksum of an ICMPv6 message is filled in. */
void	host_frame(struct host *h, const void *frame, size_t len);
void	host_packet(struct host *h, const struct ip6_fixed *f, const void *payload, size_t len);
void	host_icmp(struct host *h, const char *src, const char *dst, uint8_t hops,
	    uint8_t *msg, size_t len);
/* With a hop-by-hop header in front that holds a router alert. */
void	host_mld(struct host *h, const char *src, const char *dst, uint8_t *msg, size_t len);

/* A router advertisement, made piece by piece. */
struct ra {
	uint8_t		 r_msg[1024];
	size_t		 r_len;
};
void	ra_init(struct ra *ra, uint16_t lifetime);
void	ra_prefix(struct ra *ra, const char *prefix, uint8_t flags, uint32_t valid,
	    uint32_t preferred);
void	ra_route(struct ra *ra, const char *prefix, uint8_t plen, uint8_t flags,
	    uint32_t lifetime);
void	ra_mtu(struct ra *ra, uint32_t mtu);
void	ra_slla(struct ra *ra, uint8_t last);
void	ra_dns(struct ra *ra, const char *addr, uint32_t lifetime);
/* names: 16 bytes as on the wire */
void	ra_search(struct ra *ra, const char *names, uint32_t lifetime);
void	ra_send(struct host *h, struct ra *ra, const char *src);
#define RA_ONLINK	0x80
#define RA_AUTO		0x40

#endif /* IP6_HOST_H */
