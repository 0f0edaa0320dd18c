/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netlink_impl.h - what the files of this folder share
 *
 * A request is handled on the thread that sends it: netlink_send() copies it in,
 * the family's function answers through nlreq_reply(), and an ACK follows.  A dump
 * is a function that puts as many messages into a buffer as fit, and is called again when
 * the client has read them; between two calls it only remembers how many entries it has
 * put, so the configuration may change and the client is told (NLM_F_DUMP_INTR).
 *
 * Notifications are written where the change happens and wait in nn_pending; they
 * are delivered by the requester's thread before its send returns, or by a work
 * thread.  So the lock of a socket is never taken under those of the stack.
 *
 * Lock order: nk_lock -> ns_lock -> nn_pendlock; nn_turn -> nn_pendlock;
 * nn_turn -> nn_lock -> so_lock.
 */

#ifndef NETLINK_NETLINK_IMPL_H
#define NETLINK_NETLINK_IMPL_H

#include <lib/list.h>
#include <net/netns.h>
#include <net/socket.h>
#include <sys/errno.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

#include "nl_wire.h"

#define NL_MAXGROUP	64		/* groups are bits of an uint64_t */
#define NL_MAXPROTO	32
#define NL_CHUNK_MIN	4096		/* a dump's messages at a time */
#define NL_CHUNK_MAX	32768

struct nldump;
struct nlfamily;
struct nlreq;

/* One a name space. */
struct nlns {
	struct netns	*nn_ns;		/* c */
	kmutex_t	 nn_lock;
	struct list	 nn_socks;	/* nn_lock */
	uint32_t	 nn_nextport;	/* nn_lock */
	uint32_t	 nn_listeners[NL_MAXPROTO][NL_MAXGROUP];	/* a: members */
	uint32_t	 nn_gen;	/* a: moves with the configuration */
	kmutex_t	 nn_turn;	/* who delivers: one at a time, in order */
	kmutex_t	 nn_pendlock;
	struct packetq	 nn_pending;	/* nn_pendlock */
	bool		 nn_lost;	/* nn_pendlock: a notification, no memory */
	struct work	 nn_work;
	/* Who is changing the configuration; ns_lock of nn_ns. */
	const struct nlreq *nn_origin;
};

/*
 * Field key:	c  constant	s  so_lock	k  nk_lock	t  nn_lock
 */
struct nlsock {
	struct socket	*nk_so;		/* c */
	struct nlns	*nk_nn;		/* c */
	const struct nlfamily *nk_family;	/* c: NULL: NETLINK_USERSOCK */
	struct list_node nk_link;	/* t */
	uint32_t	 nk_portid;	/* t; read atomically; 0: not bound */
	uint64_t	 nk_groups;	/* t */
	uint32_t	 nk_dstport;	/* s */
	uint32_t	 nk_dstgroup;	/* s */
	uint32_t	 nk_flags;	/* a: NKF_* */
	bool		 nk_congested;	/* s: something was lost; empty the queue first */
	kmutex_t	 nk_lock;	/* one request or dump step at a time */
	struct nldump	*nk_dump;	/* k */
	uint32_t	 nk_maxrecv;	/* a: the largest buffer the client reads with */
};

#define NKF_PKTINFO	0x01
#define NKF_BCAST_ERROR	0x02
#define NKF_NO_ENOBUFS	0x04
#define NKF_ALL_NSID	0x08
#define NKF_CAP_ACK	0x10
#define NKF_EXT_ACK	0x20
#define NKF_STRICT	0x40

static inline bool
nlsock_flag(const struct nlsock *nk, uint32_t flag)
{
	return (__atomic_load_n(&nk->nk_flags, __ATOMIC_RELAXED) & flag) != 0;
}

/* In p_cb of queued messages: who sent it. */
struct nlcb {
	uint32_t	 nc_portid;
	uint32_t	 nc_group;	/* a number, 0: unicast */
	uint32_t	 nc_proto;	/* pending ones: the family */
	uint32_t	 nc_echo;	/* pending ones: a port that asked for its own echo */
	struct ucred	 nc_cred;
};
static inline struct nlcb *
nlcb_of(struct packet *p)
{
	return (struct nlcb *)(void *)p->p_cb;
}
static inline const struct nlcb *
nlcb_ofconst(const struct packet *p)
{
	return (const struct nlcb *)(const void *)p->p_cb;
}
_Static_assert(sizeof(struct nlcb) <= PKT_CB, "fits the packet's scratch");

/* A request: one message. */
struct nlreq {
	struct nlsock	*nr_sk;
	struct nlns	*nr_nn;
	struct netns	*nr_ns;
	struct nlmsghdr	 nr_hdr;
	const uint8_t	*nr_msg;	/* with its header */
	const uint8_t	*nr_data;	/* what follows the header */
	size_t		 nr_len;
	bool		 nr_strict;	/* NETLINK_GET_STRICT_CHK */
	bool		 nr_filtered;	/* a dump will not show everything */
	struct nlerr	 nr_err;
};

struct nldump {
	/* 0: that was all; ENOBUFS: nb is full and there is more; else it failed. */
	int		(*d_next)(struct nldump *, struct nlbuf *);
	struct nlhead	 d_head;	/* of its messages */
	struct netns	*d_ns;
	uint64_t	 d_done;	/* entries that are out */
	uint64_t	 d_at;		/* entries seen in this walk */
	uint32_t	 d_gen;
	uint64_t	 d_arg[24];	/* the filter; d_next's own */
	void		*d_extra;	/* what more it needs: kmem, freed with the dump */
	size_t		 d_extralen;
};

/* In a walk over all entries: is this one still to be put?  Then nldump_put(), or _skip(). */
static inline bool
nldump_due(struct nldump *d)
{
	return d->d_at++ >= d->d_done;
}
static inline void
nldump_skip(struct nldump *d)
{
	d->d_done = d->d_at;
}
static inline int
nldump_put(struct nldump *d, struct nlbuf *nb)
{
	if (!nlbuf_end(nb))
		return ENOBUFS;
	d->d_done = d->d_at;
	return 0;
}

struct nlfamily {
	int		 nf_protocol;
	const char	*nf_name;
	unsigned int	 nf_ngroups;
	/* Handles it, or starts a dump by nlreq_dump().  nk_lock held. */
	int		(*nf_request)(struct nlreq *);
	/* May l's credentials listen to the group?  NULL: all. */
	int		(*nf_bind)(unsigned int group);
};

/* netlink_table.c */
int	netlink_table_init(void);
void	netlink_family_register(const struct nlfamily *nf);
const struct nlfamily *netlink_family(int protocol);
struct nlns *netlink_ns(const struct netns *ns);
int	nltable_bind(struct nlsock *nk, uint32_t portid);	/* 0: choose.  EADDRINUSE */
void	nltable_insert(struct nlsock *nk);
void	nltable_remove(struct nlsock *nk);
int	nltable_setgroups(struct nlsock *nk, uint64_t groups, uint64_t mask);
struct nlsock *nltable_find(struct nlns *nn, int protocol, uint32_t portid);	/* held */
int	nltable_iterate(struct nlns *nn, int (*fn)(struct nlsock *, void *), void *arg);
/* One message to all members of a group but except.  Consumes p. */
void	netlink_multicast(struct nlns *nn, int protocol, struct packet *p, uint32_t except);

/* Is anybody listening?  Then a notification is worth writing. */
static inline bool
netlink_listened(const struct nlns *nn, int protocol, unsigned int group)
{
	return __atomic_load_n(&nn->nn_listeners[protocol][group - 1], __ATOMIC_RELAXED) > 0;
}
/* Queues what nb holds for the group.  Any lock of the stack may be held. */
void	netlink_notify(struct nlns *nn, int protocol, unsigned int group, const struct nlbuf *nb,
	    const struct nlreq *origin);
void	netlink_deliver(struct nlns *nn);	/* what is pending; no locks held */

/* netlink_socket.c */
extern const struct sockops netlink_sockops;
/* Puts p into nk's queue, or notes that it was lost.  Consumes p. */
int	nlsock_put(struct nlsock *nk, struct packet *p);
/* A packet with a copy of the bytes, as one message from portid.  NULL: no memory. */
struct packet *nlpacket_from(const void *data, size_t len, uint32_t portid, uint32_t group);

/* netlink_opt.c */
int	netlink_setopt(struct socket *so, int level, int name, const void *val, socklen_t len);
int	netlink_getopt(struct socket *so, int level, int name, void *val, socklen_t *len);

/* netlink_request.c */
void	netlink_request(struct nlsock *nk, const uint8_t *data, size_t len);
void	netlink_pump(struct nlsock *nk);	/* goes on with the dump if there is room */
void	netlink_abandon(struct nlsock *nk);	/* forgets the dump */
void	netlink_dump_cancel(struct nlsock *nk);	/* the same, nk_lock held */

/* A buffer of len bytes for an answer; the caller ends with nlreq_reply() or _discard(). */
int	nlreq_buf(struct nlbuf *nb, size_t len);
int	nlreq_reply(struct nlreq *nr, struct nlbuf *nb);	/* frees; EMSGSIZE if nb is empty */
void	nlbuf_discard(struct nlbuf *nb);
void	nlreq_head(const struct nlreq *nr, uint16_t type, struct nlhead *ret_head);
/* Starts a dump with arg copied to d_arg.  EBUSY: there is one. */
int	nlreq_dump(struct nlreq *nr, uint16_t type, int (*next)(struct nldump *, struct nlbuf *),
	    const void *arg, size_t len);
/* Copies the family's header, zero-filled if it is short and strict is not set.  EINVAL. */
int	nlreq_header(struct nlreq *nr, void *hdr, size_t len);
/* The attributes behind a header of len bytes. */
int	nlreq_attrs(struct nlreq *nr, size_t hdrlen, const struct nlpolicy *policy, size_t n,
	    bool strict, struct nlview *tb);
/* Returns error, saying why in the extended ACK. */
int	nlreq_fail(struct nlreq *nr, int error, const char *why);
int	nlreq_misses(struct nlreq *nr, uint16_t type, const char *why);
bool	nlreq_mayconfigure(const struct nlreq *nr);	/* CAP_NET_ADMIN */

/* Families. */
void	rtnl_init(void);
void	diag_init(void);
void	genl_init(void);

#endif /* NETLINK_NETLINK_IMPL_H */
