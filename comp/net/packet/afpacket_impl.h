/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * afpacket_impl.h - what the files of this folder share
 *
 * A packet socket hangs a tap on each interface it listens to: one, or all there
 * are and will be.  Taps, bindings and memberships change under ns_lock, which is
 * taken before so_lock.
 */

#ifndef PACKET_AFPACKET_IMPL_H
#define PACKET_AFPACKET_IMPL_H

#include <linux/if_packet.h>
#include <net/ifnet.h>
#include <net/netns.h>
#include <net/socket.h>

#define PK_ETH_ALEN	6

/* One a name space. */
struct pkns {
	struct list	 pn_socks;	/* ns_lock */
};

struct pksock;

struct pktap {
	struct iftap	 pt_tap;
	struct ifnet	*pt_ifp;	/* c: referenced */
	struct pksock	*pt_pk;		/* c */
	struct list_node pt_link;	/* ns_lock */
};

/* PACKET_ADD_MEMBERSHIP, counted. */
struct pkmember {
	struct list_node pm_link;	/* ns_lock */
	struct ifnet	*pm_ifp;	/* referenced */
	struct packet_mreq pm_mreq;
	unsigned int	 pm_count;
};

/*
 * Field key:	c  constant	n  ns_lock	a  atomic	s  so_lock
 */
struct pksock {
	struct socket	*pk_so;		/* c */
	struct list_node pk_link;	/* n */
	struct list	 pk_taps;	/* n */
	struct list	 pk_members;	/* n */
	int		 pk_ifindex;	/* n; read atomically; 0: all, -1: it is gone */
	uint16_t	 pk_protocol;	/* a: host order; 0: none */
	uint32_t	 pk_flags;	/* a: PKF_* */
	uint64_t	 pk_packets;	/* s: since PACKET_STATISTICS */
	uint64_t	 pk_drops;	/* s */
};

#define PKF_AUXDATA	0x01
#define PKF_VNET	0x02
#define PKF_ORIGDEV	0x04
#define PKF_NOOUT	0x08		/* PACKET_IGNORE_OUTGOING */

static inline bool
pksock_flag(const struct pksock *pk, uint32_t flag)
{
	return (__atomic_load_n(&pk->pk_flags, __ATOMIC_RELAXED) & flag) != 0;
}

/* In p_cb of queued packets. */
struct pkcb {
	uint32_t	 pc_ifindex;
	uint16_t	 pc_protocol;	/* host order */
	uint16_t	 pc_hatype;
	uint8_t		 pc_type;	/* PACKET_HOST ... */
	uint8_t		 pc_halen;
	uint8_t		 pc_addr[8];
	uint16_t	 pc_mac, pc_net;	/* offsets in the frame */
	uint32_t	 pc_len;	/* before the filter cut it */
};
_Static_assert(sizeof(struct pkcb) <= PKT_CB, "fits the packet's scratch");

static inline struct pkcb *
pkcb_of(struct packet *p)
{
	return (struct pkcb *)(void *)p->p_cb;
}
static inline const struct pkcb *
pkcb_ofconst(const struct packet *p)
{
	return (const struct pkcb *)(const void *)p->p_cb;
}

/* afpacket_tap.c; ns_lock held. */
int	pktap_attach(struct pksock *pk, struct ifnet *ifp);
void	pktap_detach(struct pktap *pt);
void	pktap_detach_all(struct pksock *pk);
int	pktap_attach_all(struct pksock *pk);

/* afpacket_member.c; ns_lock held. */
int	pkmember_add(struct pksock *pk, const struct packet_mreq *mr);
int	pkmember_drop(struct pksock *pk, const struct packet_mreq *mr);
void	pkmember_drop_all(struct pksock *pk, struct ifnet *ifp);	/* NULL: of all */

/* afpacket_opt.c */
int	afpacket_setopt(struct socket *so, int level, int name, const void *val, socklen_t len);
int	afpacket_getopt(struct socket *so, int level, int name, void *val, socklen_t *len);

/* afpacket_io.c */
int	afpacket_send(struct socket *so, struct sockmsg *sm, size_t *ret_done);
int	afpacket_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done);

/* afpacket_socket.c */
extern const struct sockops afpacket_sockops;
int	afpacket_init(void);

#endif /* PACKET_AFPACKET_IMPL_H */
