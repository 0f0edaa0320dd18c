/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet.h - between IPv4 or IPv6 below and TCP, UDP, raw sockets above
 *
 * The upper protocols are written once for both families.  A family gives
 * them struct inet_af; they register struct inet_proto, once, and get what
 * either family received.  IPv4-mapped addresses are taken apart at the border: inside,
 * a connection between mapped addresses is AF_INET (RFC 4291 section 2.5.5.2).
 */

#ifndef NET_INET_H
#define NET_INET_H

#include <lib/list.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <net/packet.h>
#include <net/route.h>
#include <net/socket.h>
#include <sys/types.h>

struct cmsghdr;
struct inpcb;

/* What IP found in the headers: in p_cb of packets that go up. */
struct inet_rx {
	uint8_t		 ir_family;
	uint8_t		 ir_proto;
	uint8_t		 ir_tos;	/* with ECN bits */
	uint8_t		 ir_ttl;
	uint16_t	 ir_hdrlen;	/* of IP with options or extension headers */
	uint16_t	 ir_flags;	/* INET_RX_* */
	uint32_t	 ir_ifindex;
	uint32_t	 ir_flowinfo;	/* IPv6 */
	struct inaddr	 ir_src, ir_dst;
	uint32_t	 ir_fragmax;	/* largest fragment, if reassembled */
};
#define INET_RX_BROADCAST 0x01
#define INET_RX_MULTICAST 0x02
#define INET_RX_CE	0x04
#define INET_RX_OPTIONS	0x08		/* there are options or extension headers */
#define INET_RX_ALERT	0x10		/* IPv6: with a router alert (RFC 2711) */
_Static_assert(sizeof(struct inet_rx) <= PKT_CB, "fits the packet's scratch");
#define INET_RX(p)	((struct inet_rx *)(uintptr_t)(p)->p_cb)

/* An address of a link, and each link has its own (RFC 4007 section 6), came by this one. */
static inline uint32_t
inet_rx_scope(const struct inet_rx *ir, const struct inaddr *a)
{
	return ir->ir_family == AF_INET6 && inaddr_linklocal6(a) ? ir->ir_ifindex : 0;
}

/* How a packet goes out. */
#define INET_OPTIONS_MAX	64	/* bytes of options or headers that a socket keeps */
struct inet_tx {
	struct netns	*it_ns;
	uint8_t		 it_family;
	uint8_t		 it_proto;
	uint8_t		 it_tos;
	int16_t		 it_ttl;	/* -1: default; of multicast: that default */
	uint32_t	 it_flowinfo;
	uint16_t	 it_flags;	/* INET_TX_* */
	struct inaddr	 it_src, it_dst;
	const uint8_t	*it_options;	/* IPv4 options, or IPv6 hop-by-hop etc. as one block */
	uint16_t	 it_optlen;
	uint8_t		 it_optnext;	/* IPv6: first header type of it_options */
};
#define INET_TX_DF	0x01		/* never fragment: EMSGSIZE */
#define INET_TX_PROBE	0x02		/* ... even beyond the path MTU */
#define INET_TX_NOLOOP	0x04		/* IP_MULTICAST_LOOP off */
#define INET_TX_TRANSPARENT 0x08
#define INET_TX_NOLABEL	0x10		/* IPV6_AUTOFLOWLABEL is 0 */

/* A family, as TCP and UDP see it. */
struct inet_af {
	int		 ia_family;
	uint8_t		 ia_addrlen;	/* 4, 16 */
	uint16_t	 ia_hdrlen;	/* of IP without options */
	uint16_t	 ia_minmtu;	/* 68 (576 for MSS), 1280 */
	/*
	 * Sends q to rd: p_data at the L4 header with PKT_CSUM_PARTIAL set up by the
	 * caller (see inet_csum_setup()), or complete.  Consumes q.  No locks held.
	 * EMSGSIZE with INET_TX_DF, ENOBUFS ...
	 */
	int		(*ia_output)(const struct inet_tx *, struct rtdst *rd, struct packetq *q);
	/* Sum of the pseudo header, not folded: for len bytes of proto. */
	uint32_t	(*ia_pseudo)(const struct inaddr *src, const struct inaddr *dst,
			    uint8_t proto, uint32_t len);
	bool		(*ia_islocal)(struct netns *, const struct inaddr *, uint32_t ifindex);
	bool		(*ia_ismulticast)(const struct inaddr *);
	bool		(*ia_isbroadcast)(struct netns *, const struct inaddr *, uint32_t ifindex);
	/*
	 * An ICMP error about p (p_data at its IP header, as received), rate-limited.
	 * what: INET_ERR_*.  Does not consume p.
	 */
	void		(*ia_error)(struct ifnet *, const struct packet *p, int what, uint32_t info);
	/* IP_* or IPV6_* options of a pcb; see inpcb.h.  ENOPROTOOPT. */
	int		(*ia_setopt)(struct socket *, int level, int name, const void *val, socklen_t);
	int		(*ia_getopt)(struct socket *, int level, int name, void *val, socklen_t *);
	/* Is the group joined on that interface by this socket (and source allowed)? */
	bool		(*ia_mcast_allowed)(struct socket *, const struct inet_rx *);
	void		(*ia_pcbfree)(struct socket *);	/* multicast memberships go */
	/*
	 * The family's control messages: of a received packet by INP_RECV_*, and of one
	 * message of a send at the family's level.  NULL: none.
	 */
	void		(*ia_put_cmsgs)(struct inpcb *, struct sockmsg *, const struct packet *);
	int		(*ia_get_cmsg)(struct inpcb *, const struct cmsghdr *, struct inet_tx *,
			    uint32_t *ret_oif);
	/* Called by inpcb_tx(): adds what only the family keeps of the pcb.  NULL: nothing. */
	void		(*ia_tx)(const struct inpcb *, struct inet_tx *);
	/* The same for a look-up on behalf of the pcb.  so_lock held or not.  NULL: nothing. */
	void		(*ia_rtkey)(const struct inpcb *, struct rtkey *);
};

/* inet_af for AF_INET, AF_INET6; NULL if the family is not there. */
const struct inet_af *inet_af(int family);
void	inet_af_register(const struct inet_af *af);

/* Kinds of errors, both directions; each family translates. */
enum inet_err {
	INET_ERR_NET_UNREACH, INET_ERR_HOST_UNREACH, INET_ERR_PROTO_UNREACH,
	INET_ERR_PORT_UNREACH, INET_ERR_TOOBIG,	/* info: MTU */
	INET_ERR_SRCROUTE, INET_ERR_PROHIBITED, INET_ERR_TTL, INET_ERR_REASM,
	INET_ERR_PARAM,		/* info: offset */
	INET_ERR_REDIRECT, INET_NERRS,
};

/* What ICMP tells the upper protocol about a packet we sent. */
struct inet_ctl {
	struct netns	*ic_ns;
	uint8_t		 ic_family;
	uint8_t		 ic_err;	/* enum inet_err */
	uint8_t		 ic_type, ic_code;	/* as on the wire, for sock_extended_err */
	int		 ic_errno;	/* what connect or send would say */
	bool		 ic_fatal;	/* as Linux counts: ends a connection being made */
	uint32_t	 ic_info;	/* MTU */
	uint32_t	 ic_ifindex;
	struct inaddr	 ic_src, ic_dst;	/* of our packet */
	struct inaddr	 ic_offender;	/* who sent the ICMP */
	const struct packet *ic_packet;	/* ICMP message; ic_l4off: quoted L4 header in it */
	uint32_t	 ic_l4off;	/* from p_data; at least 8 bytes are there */
	uint8_t		 ic_l4[64];	/* the quoted L4 header, as much as there was */
	uint32_t	 ic_l4len;
};

/* An upper protocol. */
struct inet_proto {
	uint8_t		 ip_proto;	/* IPPROTO_* */
	/* p_data at the L4 header, INET_RX() filled in.  Consumes q; one family a batch. */
	void		(*ip_input)(struct netns *, struct packetq *q);
	void		(*ip_ctl)(const struct inet_ctl *);	/* NULL: not interested */
	/*
	 * GRO: both packets at their L4 headers, of one flow of addresses and with
	 * equal IP headers; hdrlen in front belongs to IP.  True if p went into head,
	 * p is consumed then.  NULL: never.
	 */
	bool		(*ip_merge)(const struct inet_af *, struct packet *head,
			    struct packet *p);
};
void	inet_proto_register(const struct inet_proto *ip);
const struct inet_proto *inet_proto(uint8_t proto);	/* NULL */

/*
 * Raw sockets get a copy of everything first; true: somebody took it, so that no
 * "protocol unreachable" is due.  p_data at the L4 header, p_l3 set, INET_RX() filled
 * in.  p stays the caller's.
 */
bool	inet_raw_input(struct netns *ns, const struct packet *p);

/*
 * A service of the kernel itself at a UDP port: it gets datagrams to addresses of ours for
 * which there is no socket.  p_data at the UDP header, verified, INET_RX() filled in; p stays
 * the caller's.  True: it was for the service, hence nobody is told that the port is shut.
 * Registered at the component's start, for ever.
 */
struct udp_service {
	uint8_t		 us_family;
	uint16_t	 us_port;
	bool		(*us_input)(struct ifnet *, const struct packet *p);
	struct udp_service *us_next;
};
void	udp_service_register(struct udp_service *us);

/* PARTIAL checksum of the L4 header at p_data: field at off, over pseudo header and all. */
void	inet_csum_setup(const struct inet_af *af, struct packet *p, const struct inaddr *src,
	    const struct inaddr *dst, uint8_t proto, uint16_t off);
/* Verifies the L4 checksum of a received packet; honours GOOD and PARTIAL.  false: wrong. */
bool	inet_csum_ok(const struct inet_af *af, struct packet *p, uint8_t proto);

/* --- protocol control blocks ------------------------------------------------------- */

/*
 * The first member of each protocol's control block; so_pcb points to it.
 *
 * Ports are in host order, addresses in network order.  so_lock protects all of it,
 * but look-ups read inp_laddr .. inp_family without a lock, hence these change only
 * while the pcb is out of the tables.
 */
struct inpcb {
	struct socket	*inp_so;	/* c */
	struct inpcbtable *inp_table;	/* c */
	uint8_t		 inp_family;	/* of the addresses: AF_INET for mapped ones */
	bool		 inp_v6only;
	uint16_t	 inp_lport, inp_fport;
	uint16_t	 inp_optlen;	/* of inp_options */
	uint32_t	 inp_scope;	/* interface of link-local addresses, IP_PKTINFO's */
	uint32_t	 inp_hash;	/* of the connection */
	struct inaddr	 inp_laddr, inp_faddr;
	/* Options of IP and IPv6. */
	uint8_t		 inp_tos;	/* IP_TOS; IPV6_TCLASS */
	uint8_t		 inp_tabflags;	/* private to inpcb.c */
	int16_t		 inp_ttl;	/* IP_TTL; -1: default */
	int16_t		 inp_hops6;	/* IPV6_UNICAST_HOPS */
	uint8_t		 inp_tclass6;
	uint8_t		 inp_mcttl, inp_mchops6;
	uint8_t		 inp_minttl, inp_minhops6;
	bool		 inp_mcloop, inp_mcloop6, inp_mcall;
	uint8_t		 inp_pmtudisc, inp_pmtudisc6;	/* IP_PMTUDISC_* */
	bool		 inp_recverr, inp_recverr6;
	bool		 inp_hdrincl, inp_freebind, inp_transparent, inp_nodefrag;
	bool		 inp_bindlater;	/* IP_BIND_ADDRESS_NO_PORT */
	bool		 inp_recverr_rfc4884;
	bool		 inp_dstlent;	/* inpcb_lend(): our reference is with the borrower */
	uint32_t	 inp_recvopts;	/* INP_RECV_*: control messages wanted */
	uint32_t	 inp_mcif, inp_mcif6;	/* IP_MULTICAST_IF */
	uint32_t	 inp_flowinfo;
	struct inaddr	 inp_mcaddr;	/* its address form */
	uint8_t		*inp_options;	/* IPv4 options to send, kmem */
	void		*inp_options6;	/* IPv6: sticky extension headers */
	void		*inp_mcast, *inp_mcast6;	/* memberships, the family's */
	struct rtdst	*inp_dst;	/* cached route: inpcb_setdst() */
	/* Links of the tables; private to inpcb.c. */
	struct inpcb	*inp_connnext[2];
	struct inpcb	*inp_bindnext, **inp_bindprev;
	struct inport	*inp_port;
	struct list_node inp_alllink;	/* of protocols without a table: raw */
};

#define INP_RECV_PKTINFO	0x0001
#define INP_RECV_TTL		0x0002
#define INP_RECV_TOS		0x0004
#define INP_RECV_OPTS		0x0008
#define INP_RECV_ORIGDST	0x0010
#define INP_RECV_PKTINFO6	0x0020
#define INP_RECV_HOPS6		0x0040
#define INP_RECV_TCLASS6	0x0080
#define INP_RECV_HOPOPTS6	0x0100
#define INP_RECV_DSTOPTS6	0x0200
#define INP_RECV_RTHDR6		0x0400
#define INP_RECV_FLOWINFO6	0x0800
#define INP_RECV_FRAGSIZE	0x1000

/* One a protocol and name space: ports and connections. */
struct inpcbtable;
int	inpcbtable_create(struct netns *ns, uint8_t proto, struct inpcbtable **ret_t);
void	inpcbtable_destroy(struct inpcbtable *t);

/* What a protocol remembers of connections that are no more.  it_lock is held. */
struct inpcb_waits {
	/* May inp have the connection whose numbers it has?  take: it does. */
	bool	(*iw_free)(struct inpcb *inp, const struct rtdst *rd, bool take);
	/* Sets the bits, of 65536, of the ports that bind(2) does not pick. */
	void	(*iw_ports)(struct netns *ns, uint8_t *busy);
};
void	inpcbtable_setwaits(struct inpcbtable *t, const struct inpcb_waits *iw);

/* Defaults for a new pcb of the socket's family. */
void	inpcb_init(struct inpcb *inp, struct socket *so, struct inpcbtable *t);
/* At close: multicast memberships go.  Takes ns_lock, no lock held. */
void	inpcb_leave_groups(struct socket *so);
void	inpcb_fini(struct inpcb *inp);		/* out of the tables, options freed */

/*
 * bind(2): checks address and port (0: picks one), REUSEADDR and REUSEPORT, port < 1024
 * for uid 0.  so_lock held.  EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL, EAFNOSUPPORT.
 */
int	inpcb_bind(struct inpcb *inp, const struct sockaddr *sa, socklen_t len);
/*
 * Chooses route, source and port and enters the connection; so_lock held.  Takes mapped addresses.
 * ENETUNREACH, EADDRNOTAVAIL, EADDRINUSE, EAFNOSUPPORT, EACCES (broadcast without SO_BROADCAST).
 */
int	inpcb_connect(struct inpcb *inp, const struct sockaddr *sa, socklen_t len);
/* Keeps the local port if bind(2) chose it. */
void	inpcb_disconnect(struct inpcb *inp);
/* The connection, or the listening, is over.  The same, but names stay to be looked at. */
void	inpcb_release(struct inpcb *inp);
/* As if bind(2) had not been. */
void	inpcb_unbind(struct inpcb *inp);
/* listen(2): EADDRINUSE if another listener has the port by now.  so_lock held. */
int	inpcb_listen(struct inpcb *inp);
/* A child of a listener, with all addresses known.  EADDRINUSE, ENOMEM. */
int	inpcb_insert(struct inpcb *inp);
void	inpcb_remove(struct inpcb *inp);

/*
 * Who gets this packet?  Lock-free: exact connection, then bound sockets by how well they
 * match, REUSEPORT groups by hash.  Its socket is referenced; NULL: nobody.
 */
struct inpcb *inpcb_lookup(struct inpcbtable *t, const struct inet_rx *rx,
	    uint16_t sport, uint16_t dport, bool connected_only);
/* Everybody who wants a copy: multicast and broadcast.  fn gets it referenced for the call. */
void	inpcb_lookup_all(struct inpcbtable *t, const struct inet_rx *rx, uint16_t sport,
	    uint16_t dport, void (*fn)(struct inpcb *, void *), void *arg);
int	inpcb_iterate(struct inpcbtable *t, int (*fn)(struct inpcb *, void *), void *arg);

/* Address of the pcb in the socket's family (mapped if need be). */
void	inpcb_name(const struct inpcb *inp, bool peer, struct sockaddr_storage *ret_ss,
	    socklen_t *ret_len);
void	inet_sockaddr(int sockfamily, int family, const struct inaddr *a, uint16_t port,
	    uint32_t scope, struct sockaddr_storage *ret_ss, socklen_t *ret_len);
/* Takes a client's address apart: *ret_family is AF_INET for mapped ones.  EINVAL, EAFNOSUPPORT. */
int	inet_sockaddr_parse(int sockfamily, const struct sockaddr *sa, socklen_t len,
	    int *ret_family, struct inaddr *ret_addr, uint16_t *ret_port, uint32_t *ret_scope);

/* A good cached route, counted, or a new one.  so_lock held.  Errors of route_lookup(). */
int	inpcb_route(struct inpcb *inp, struct rtdst **ret_rd);
/*
 * The same without counting, which connections to one place would do in one cache line: by
 * one borrower at a time, who may drop so_lock and gives it back under it.
 */
int	inpcb_lend(struct inpcb *inp, struct rtdst **ret_rd);
void	inpcb_giveback(struct inpcb *inp, struct rtdst *rd);
/* Another route, or NULL; takes the caller's reference.  so_lock held, or nobody else has inp. */
void	inpcb_setdst(struct inpcb *inp, struct rtdst *rd);
/* Fills in tx from the options. */
void	inpcb_tx(const struct inpcb *inp, struct inet_tx *tx);
/* The options become a copy in buf, which nobody changes when the socket is unlocked. */
void	inet_tx_keepoptions(struct inet_tx *tx, uint8_t buf[INET_OPTIONS_MAX]);

/* Level IPPROTO_IP and IPPROTO_IPV6 options of any pcb: for so_setopt and so_getopt. */
int	inpcb_setopt(struct socket *so, int level, int name, const void *val, socklen_t len);
int	inpcb_getopt(struct socket *so, int level, int name, void *val, socklen_t *len);
/* Control messages of a received packet (IP_PKTINFO ...). */
void	inpcb_put_cmsgs(struct inpcb *inp, struct sockmsg *sm, const struct packet *p);
/* Control messages of a send, applied to tx.  EINVAL. */
int	inpcb_get_cmsgs(struct inpcb *inp, const struct sockmsg *sm, struct inet_tx *tx,
	    uint32_t *ret_oif);
/* Queues an ICMP error for MSG_ERRQUEUE if the socket wants it.  so_lock held. */
void	inpcb_queue_error(struct inpcb *inp, const struct inet_ctl *ctl);
/* The same for an error found here (EMSGSIZE): to whom, and the MTU.  so_lock held. */
void	inpcb_queue_local(struct inpcb *inp, int error, const struct inaddr *dst, uint16_t port,
	    uint32_t info);
/* recvmsg(MSG_ERRQUEUE) of any pcb. */
int	inpcb_recv_errqueue(struct socket *so, struct sockmsg *sm, size_t *ret_done);
/* so_zerocopied of internet sockets. */
void	inpcb_zerocopied(struct socket *so, uint32_t id);

/*
 * Echo replies for ping sockets, by both families' ICMP: p_data at the ICMP
 * header, INET_RX() filled in.  p stays the caller's.  True: somebody took it.
 */
bool	ping_input(struct netns *ns, const struct packet *p);
/* An ICMP error about an echo request of ours. */
void	ping_ctl(const struct inet_ctl *ctl);

#endif /* NET_INET_H */
