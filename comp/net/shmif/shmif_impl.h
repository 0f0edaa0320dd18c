/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmif_impl.h - an interface on a bus
 *
 * An interface has a link, the path of the bus, and while it is up an
 * attachment, which is an open bus and a port on it.  The attachment outlives
 * the interface's being up as long as packets are about that lie in buffers of
 * the bus: they have a reference each.  So have the interface, while it is up,
 * and the thread that drives it, from its first poll to the poll that finds
 * another attachment.
 *
 * Locking: ns_lock -> sc_txlock.  The receive side of a port belongs to who
 * drives the interface, the transmit side to sc_txlock.
 */

#ifndef SHMIF_IMPL_H
#define SHMIF_IMPL_H

#include <net/ifnet.h>
#include <net/packet.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>

#include "shmbus.h"

/* Field key:	c  constant	a  atomic */
struct shmif_port {
	unsigned int	 sp_refs;	/* a */
	struct shmbus	 sp_bus;	/* c */
	struct shmbus_port *sp_port;	/* c; its sides as said above */
	size_t		 sp_size;	/* c: of sp_port's memory */
	struct qsbr_head sp_qsbr;
};

#define SHMIF_BACKLOG	1024	/* packets that wait for buffers */

/*
 * Field key:	c  constant	a  atomic	n  ns_lock	t  sc_txlock
 *		d  who drives	q  changed under n, read lock-free (qsbr)
 */
struct shmif {
	struct ifnet	*sc_ifp;	/* c */
	char		*sc_path;	/* n; NULL: no link */
	struct shmif_port *sc_port;	/* q; NULL: down */
	struct shmif_port *sc_drive;	/* d: what sc_port was at the last poll */
	kmutex_t	 sc_txlock;
	struct packetq	 sc_backlog;	/* t */
	bool		 sc_waiting;	/* a: the backlog is not empty */
	uint32_t	 sc_kicked;	/* a: a futex for who has no bus to sleep on */
};

/* --- shmif_port.c --- */

int	shmif_port_boot(void);
/* Opens and claims. */
int	shmif_port_create(const char *path, const char *name, uint64_t mac,
	    struct shmif_port **ret_sp);
static inline void
shmif_port_hold(struct shmif_port *sp)
{
	__atomic_fetch_add(&sp->sp_refs, 1, __ATOMIC_RELAXED);
}
void	shmif_port_rele(struct shmif_port *sp);		/* never sleeps for long */
/* A block that is a buffer of the bus, if shmbus_hold() succeeds.  NULL: no memory. */
struct pktbuf *shmif_port_block(struct shmif_port *sp, const struct shmbus_rx *rx);
/* If it does not. */
void	shmif_port_unblock(struct pktbuf *pb);

/* --- shmif_io.c --- */

void	shmif_xmit(struct ifnet *ifp, struct packetq *q);
unsigned int shmif_poll(struct ifnet *ifp, unsigned int budget, struct packetq *q);
int	shmif_sleep(struct ifnet *ifp, const uint32_t *word, uint32_t expected,
	    bool intr, int64_t deadline);
void	shmif_kick(struct ifnet *ifp);

/* --- shmif_if.c --- */

extern struct ifkind shmif_kind;

/* Not attached yet. */
int	shmif_alloc(const char *name, struct ifnet **ret_ifp);
uint64_t shmif_mac(const uint8_t *addr);

#endif /* SHMIF_IMPL_H */
