/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inpcb_impl.h - the tables of control blocks, for the files that keep them
 *
 * See inpcb.c for the story.
 */

#ifndef INPCB_IMPL_H
#define INPCB_IMPL_H

#include <net/inet.h>
#include <sys/atomic.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>

#define INPORT_PAGE	256		/* ports in a page of the map */
#define CONNTAB_MIN	64u
#define CONNTAB_MAX	(1u << 20)

/*
 * A chain ends in an odd word that names the chain, so that a reader who was
 * carried into another chain by a pcb that moved notices and starts again.
 */
#define CHAIN_END(n)	((struct inpcb *)(((uintptr_t)(n) << 1) | 1))
#define CHAIN_ISEND(p)	(((uintptr_t)(p) & 1) != 0)

/* All who use one local port.  Field key: c constant, t it_lock, q also read lock-free */
struct inport {
	uint16_t	 ip_num;	/* c */
	struct inpcb	*ip_bound;	/* q: bound by themselves: found without a connection */
	struct inpcb	*ip_conns;	/* t: connections, for conflicts only */
	unsigned int	 ip_nbound;	/* t */
	unsigned int	 ip_nconns;	/* t */
	unsigned int	 ip_nstrict;	/* t: connections without SO_REUSEADDR */
	struct qsbr_head ip_qsbr;
};

/* A page of the map of ports: gone when no port of it is in use. */
struct inpage {
	unsigned int	 pg_n;		/* t: ports in use */
	struct qsbr_head pg_qsbr;
	struct inport	*pg_port[INPORT_PAGE];	/* q */
};

/* Connections by all four numbers. */
struct conntab {
	uint32_t	 ct_mask;	/* c */
	unsigned int	 ct_which;	/* c: the link it uses */
	struct inpcbtable *ct_table;	/* c */
	struct qsbr_head ct_qsbr;
	struct inpcb	*ct_chain[];	/* q */
};

/* Field key: c constant, t it_lock, q changed under it_lock and read lock-free, a atomic */
struct inpcbtable {
	kmutex_t	 it_lock;
	struct netns	*it_ns;		/* c */
	uint8_t		 it_proto;	/* c */
	const struct inpcb_waits *it_waits;	/* c; NULL */
	uint64_t	 it_secret;	/* c */
	struct conntab	*it_conns;	/* q */
	uint32_t	 it_nconns;	/* t */
	uint32_t	 it_growing;	/* a: the old array is still read */
	struct inpage	*it_ports[65536 / INPORT_PAGE];	/* q */
};

enum {			/* inp_tabflags; so_lock and it_lock */
	INPT_CONN	= 0x01,	/* in it_conns */
	INPT_BOUND	= 0x02,	/* in ip_bound */
	INPT_CHILD	= 0x04,	/* in ip_conns */
	INPT_PORT	= 0x08,	/* bind(2) chose the port: it survives a disconnect */
	INPT_ADDR	= 0x10,	/* ... and the address */
	INPT_STRICT	= 0x20,	/* counted in ip_nstrict */
	INPT_LISTEN	= 0x40,
};

/* The fields that look-ups read meanwhile: whole words, in no order. */
static inline struct inaddr
inaddr_read(const struct inaddr *a)
{
	struct inaddr r;

	r.ia_d[0] = atomic_load(&a->ia_d[0]);
	r.ia_d[1] = atomic_load(&a->ia_d[1]);
	return r;
}

static inline void
inaddr_write(struct inaddr *to, const struct inaddr *from)
{
	atomic_store(&to->ia_d[0], from->ia_d[0]);
	atomic_store(&to->ia_d[1], from->ia_d[1]);
}

uint32_t inpcb_hashof(const struct inpcbtable *t, const struct inaddr *laddr,
	    const struct inaddr *faddr, uint16_t lport, uint16_t fport);

/* it_lock held, all of these. */
struct inport *inport_find(const struct inpcbtable *t, uint16_t port);	/* also lock-free */
int	inport_get(struct inpcbtable *t, uint16_t port, struct inport **ret_ip)
	    REQUIRES(t->it_lock);
void	inport_prune(struct inpcbtable *t, struct inport *ip) REQUIRES(t->it_lock);
void	inpcb_link_bound(struct inpcbtable *t, struct inpcb *inp, struct inport *ip)
	    REQUIRES(t->it_lock);
void	inpcb_link_child(struct inpcbtable *t, struct inpcb *inp, struct inport *ip)
	    REQUIRES(t->it_lock);
void	inpcb_unlink_port(struct inpcbtable *t, struct inpcb *inp) REQUIRES(t->it_lock);
void	inpcb_link_conn(struct inpcbtable *t, struct inpcb *inp) REQUIRES(t->it_lock);
void	inpcb_unlink_conn(struct inpcbtable *t, struct inpcb *inp) REQUIRES(t->it_lock);
/* Is there a connection between these, but for inp itself? */
bool	inpcb_conn_exists(struct inpcbtable *t, const struct inpcb *inp, int family,
	    const struct inaddr *laddr, const struct inaddr *faddr, uint16_t lport,
	    uint16_t fport) REQUIRES(t->it_lock);
/* Would inp, with its address, clash with who has that port? */
bool	inpcb_conflict(const struct inpcb *inp, const struct inport *ip, bool listening);

/* net.ipv4.ip_local_port_range. */
void	inpcb_portrange(const struct netns *ns, uint32_t *ret_low, uint32_t *ret_high);
int	inpcb_setportrange(const struct netns *ns, uint64_t low, uint64_t high);	/* EINVAL */
/* A free port for bind, entered in ip_bound.  EADDRINUSE, ENOMEM. */
int	inpcb_bind_any(struct inpcb *inp) REQUIRES(inp->inp_table->it_lock);

/* What a look-up of a route to dst goes by; oif 0: what the options say. */
void	inpcb_rtkey(const struct inpcb *inp, int family, const struct inaddr *dst, uint32_t oif,
	    struct rtkey *ret_rk);

#endif /* INPCB_IMPL_H */
