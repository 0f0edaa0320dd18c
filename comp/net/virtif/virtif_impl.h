/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_impl.h - an interface whose other end is the host's
 *
 * The link is opened when it is set, and stays open until it is taken away:
 * what an inherited descriptor stands for could not be had a second time.
 * Whoever drives the interface has a reference of his own to it, because he
 * sleeps in it.
 *
 * Locking: ns_lock for changes.  Sending takes no lock: a write is a frame.
 */

#ifndef COMP_VIRTIF_IMPL_H
#define COMP_VIRTIF_IMPL_H

#include <net/ifnet.h>
#include <net/packet.h>
#include <sys/qsbr.h>

#include "host/virtif_host.h"

/* Field key:	a  atomic	c  constant */
struct virtif_link {
	unsigned int	 vl_refs;	/* a */
	struct virtif_host *vl_host;	/* c */
	struct virtif_info vl_info;	/* c */
	struct qsbr_head vl_qsbr;
};

/*
 * Field key:	a  atomic	c  constant	d  who drives
 *		q  changed under ns_lock, read lock-free (qsbr)
 */
struct virtif {
	struct ifnet	*sc_ifp;	/* c */
	struct virtif_link *sc_link;	/* q; NULL: none */
	struct virtif_link *sc_drive;	/* d: what sc_link was at the last poll */
	bool		 sc_up;		/* a */
	bool		 sc_broken;	/* d: told that the link failed */
	uint32_t	 sc_kicked;	/* a */
	uint32_t	 sc_asleep;	/* a: somebody may be in the host */
	struct pktbuf	*sc_spare;	/* d: where the next frame is read into */
	uint8_t		 sc_tail[64];	/* d: and what a block has no room for */
};

/* --- virtif_io.c --- */

void	virtif_xmit(struct ifnet *ifp, struct packetq *q);
unsigned int virtif_poll(struct ifnet *ifp, unsigned int budget, struct packetq *q);
int	virtif_sleep(struct ifnet *ifp, const uint32_t *word, uint32_t expected,
	    bool intr, int64_t deadline);
void	virtif_kick(struct ifnet *ifp);
void	virtif_link_rele(struct virtif_link *vl);

/* --- virtif_if.c --- */

extern struct ifkind virtif_kind;

/* Not attached yet. */
int	virtif_alloc(const char *name, struct ifnet **ret_ifp);

#endif /* COMP_VIRTIF_IMPL_H */
