/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_impl.h - IPv4's own, shared by the files ip_*.c
 */

#ifndef IP_IMPL_H
#define IP_IMPL_H

#include <net/inet.h>
#include <net/netns.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

#include "inet_impl.h"
#include "inet_vars.h"
#include "ip_wire.h"

struct ip_mcif;
struct ip_reasm;
struct icmp_limit;

#define ETHERTYPE_IP	0x0800
#define ETHERTYPE_ARP	0x0806

/* IPv4 in a name space: NETNS_SLOT_IP. */
struct ip_ns {
	struct netns	*in_ns;		/* c */
	struct ip_reasm	*in_reasm;	/* c */
	struct icmp_limit *in_limit;	/* c */
};

static inline struct ip_ns *
ip_ns(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_IP);
}

/* What in_ifinfo is to IPv4: if_inet. */
struct in_ifinfo {
	struct ip_mcif	*ii_mc;		/* c: groups joined */
	int64_t		 ii_defended;	/* a: when we last defended an address */
	int64_t		 ii_conflict;	/* a: the defence that was of no use, as was told */
	struct qsbr_head ii_qsbr;
};

static inline struct in_ifinfo *
ip_ifinfo(const struct ifnet *ifp)
{
	return __atomic_load_n(&ifp->if_inet, __ATOMIC_ACQUIRE);
}

/* --- ip_af.c -------------------------------------------------------------- */

extern const struct inet_af ip_af;
bool	ip_islocal(struct netns *ns, const struct inaddr *a, uint32_t ifindex);
bool	ip_isbroadcast(struct netns *ns, const struct inaddr *a, uint32_t ifindex);
uint32_t ip_pseudo(const struct inaddr *src, const struct inaddr *dst, uint8_t proto,
	    uint32_t len);

/* --- ip_input.c ----------------------------------------------------------- */

void	ip_input(struct ifnet *ifp, struct packetq *q);
bool	ip_merge(struct packet *head, struct packet *p);

/* --- ip_output.c, ip_frag.c ----------------------------------------------- */

int	ip_output(const struct inet_tx *tx, struct rtdst *rd, struct packetq *q);
/* Puts the L2 header on complete packets and sends them the way of rd.  Consumes q. */
int	ip_transmit(struct rtdst *rd, struct packetq *q);
/* A number for a datagram that may be cut, unlike others on that path (RFC 6864). */
uint16_t ip_newid(const struct inaddr *src, const struct inaddr *dst, uint8_t proto);
/* Cuts p, which has its header, for mtu; appends to q.  Consumes p.  ENOBUFS, EMSGSIZE. */
int	ip_fragment(struct packet *p, uint32_t mtu, struct packetq *q);
int	ip_output_init(void);

/* --- ip_reasm.c ----------------------------------------------------------- */

int	ip_reasm_create(struct ip_ns *in);
void	ip_reasm_destroy(struct ip_ns *in);
/*
 * p_data at the IP header.  The whole datagram when p was what was missing, else NULL.
 * Consumes p.
 */
struct packet *ip_reassemble(struct ifnet *ifp, struct packet *p, const struct ip_hdr *ih,
	    uint32_t *ret_fragmax);

/* --- ip_forward.c --------------------------------------------------------- */

/* p_data at the IP header; consumes p. */
void	ip_forward(struct ifnet *ifp, struct packet *p, const struct ip_hdr *ih);

/* --- ip_icmp.c, ip_icmp_send.c -------------------------------------------- */

extern const struct inet_proto icmp_proto;
void	ip_error(struct ifnet *ifp, const struct packet *p, int what, uint32_t info);
int	icmp_limit_create(struct ip_ns *in);
void	icmp_limit_destroy(struct ip_ns *in);
/* The ICMP message in p (p_data at its header, without its sum) to dst. */
void	icmp_send(struct netns *ns, struct packet *p, const struct inaddr *src,
	    const struct inaddr *dst, uint8_t tos, int ttl);
/* A better gateway for what p asked (RFC 1812 section 5.2.7.2). */
void	icmp_send_redirect(struct ifnet *ifp, const struct packet *p, const struct inaddr *gw);

/* --- ip_arp.c ------------------------------------------------------------- */

int	arp_init(void);
void	arp_announce(struct ifnet *ifp, const struct inaddr *addr);

/* --- ip_mcast.c, ip_mcast_opt.c, ip_igmp.c -------------------------------- */

int	ip_mcif_create(struct ifnet *ifp, struct ip_mcif **ret_mc);
void	ip_mcif_destroy(struct ip_mcif *mc);
void	ip_mcif_up(struct ifnet *ifp);
void	ip_mcif_down(struct ifnet *ifp);
/* Lock-free: is anybody here a member? */
bool	ip_mcif_member(const struct ifnet *ifp, const struct inaddr *group);
void	ip_mcast_mac(const struct inaddr *group, uint8_t mac[6]);
bool	ip_mcast_allowed(struct socket *so, const struct inet_rx *rx);
void	ip_mcast_pcbfree(struct socket *so);
bool	ip_mcast_isopt(int name);
int	ip_mcast_setopt(struct socket *so, int name, const void *val, socklen_t len);
int	ip_mcast_getopt(struct socket *so, int name, void *val, socklen_t *len);

/* --- ip_opt.c, ip_cmsg.c -------------------------------------------------- */

int	ip_setopt(struct socket *so, int level, int name, const void *val, socklen_t len);
int	ip_getopt(struct socket *so, int level, int name, void *val, socklen_t *len);
void	ip_put_cmsgs(struct inpcb *inp, struct sockmsg *sm, const struct packet *p);
int	ip_get_cmsg(struct inpcb *inp, const struct cmsghdr *cm, struct inet_tx *tx,
	    uint32_t *ret_oif);

#endif /* IP_IMPL_H */
