/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_impl.h - what the files of the net faction tell each other
 */

#ifndef NET_IMPL_H
#define NET_IMPL_H

#include <net/ifnet.h>
#include <net/netns.h>
#include <net/packet.h>
#include <sys/vcpu.h>

/* packet.c, pktbuf.c: packets can be made afterwards. */
int	packet_boot(void);
void	pktbuf_boot(void);

/* Did pktbuf_alloc() make it? */
bool	pktbuf_isown(const struct pktbuf *pb);

/*
 * The one's complement sum of len bytes, as of words in the machine's own
 * order, folded to 16 bits (RFC 1071 section 2 (B)).
 */
uint32_t sum_bytes(const void *data, size_t len);

/* socket.c: sockets can be made, and protocols register. */
int	socket_boot(void);

/* netns.c: netns0 exists afterwards. */
int	netns_boot(void);

/* ifnet.c, before any name space is made. */
int	ifnet_boot(void);

/* loopback.c: lo, attached and down.  ENOMEM. */
int	if_loopback_create(struct netns *ns, struct ifnet **ret_ifp);

/* if_config.c: the flags that follow from IFF_UP, carrier and counts; ns_lock held. */
void	if_changed(struct ifnet *ifp, uint32_t change);
void	if_multicast_purge(struct ifnet *ifp);

/* if_family.c; ns_lock held. */
int	if_family_attach(struct ifnet *ifp);	/* ENOMEM: nothing was done */
void	if_family_detach(struct ifnet *ifp);
void	if_family_up(struct ifnet *ifp);
void	if_family_down(struct ifnet *ifp);
struct ifaddr_family *ifaddr_family(int family);	/* NULL; any context */

/* ifaddr_route.c: puts back the routes of addresses; ns_lock held. */
void	ifaddr_ifup(struct ifnet *ifp);

/* route.c, neigh.c: after ifnet_boot(), before any name space is made. */
int	route_boot(void);
int	neigh_boot(void);

/* if_input.c: protocols by ethertype, NULL: none. */
const struct l3proto *l3proto_find(uint16_t ethertype);

/* if_gro.c: merges what may be merged of one batch, in place. */
void	gro_merge(const struct l3proto *l3, struct packetq *q);

/*
 * What an interface has for each vCPU: its counters, and who is inside.  Who
 * enters and who leaves is counted apart, because a thread that slept may leave on
 * another vCPU.
 */
enum if_guard { IFGUARD_TAPS, IFGUARD_INPUT, IFGUARD_N };

struct if_percpu {
	struct if_counters pc_count;
	struct if_flow	 pc_flow;
	uint64_t	 pc_in[IFGUARD_N][2];
	uint64_t	 pc_out[IFGUARD_N][2];
} __aligned_to(CACHE_LINE);

static inline struct if_percpu *
if_percpu(const struct ifnet *ifp, unsigned int cpu)
{
	return (struct if_percpu *)(void *)ifp->if_count + cpu;
}

/*
 * ifguard.c: around the use of an interface's taps, conditions and hook, and
 * around input, which may sleep.  ifguard_wait: until nobody uses what was
 * taken away before; one caller at a time.
 */
unsigned int ifguard_enter(struct ifnet *ifp, enum if_guard guard);
void	ifguard_exit(struct ifnet *ifp, enum if_guard guard, unsigned int which);
void	ifguard_wait(struct ifnet *ifp, enum if_guard guard);

/* Shows p, whose p_data is at L2, to the taps; guarded. */
void	iftap_show(struct ifnet *ifp, const struct packet *p, bool out);

/* if_ether.c: takes a VLAN tag out of the frame or puts it in; p_data at L2. */
int	ether_untag(struct packet *p);		/* EINVAL */
int	ether_tag(struct packet *p);		/* EINVAL: no room */

/*
 * ifdrive.c: for if_attach() and if_detach() of interfaces with ifo_poll.
 * Detaching comes after ifo_down and waits until nobody drives it.
 */
int	ifdrive_attach(struct ifnet *ifp);	/* ns_lock held; ENOMEM, EAGAIN, ENOSPC */
void	ifdrive_detach(struct ifnet *ifp);	/* ns_lock not held; may sleep */
void	ifdrive_free(struct ifnet *ifp);	/* with its interface */
int	ifdrive_netns_init(struct netns *ns);	/* ENOMEM */
void	ifdrive_netns_free(struct netns *ns);

/* ifdrive_wait.c: who sleeps drives, from now on. */
void	ifdrive_boot(void);

/* --- linkcond.c, capture.c --- */

int	linkcond_boot(void);
int	capture_boot(void);

#endif /* NET_IMPL_H */
