/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket.h - sockets: what stands between a descriptor and a protocol
 *
 * The socket layer (kern/net/socket*.c) owns what is the same for all
 * families: descriptors, copying of addresses, messages and control data to and from
 * the client, SOL_SOCKET options, waiting, timeouts, readiness.  A protocol
 * implements struct sockops and works on the kernel's copies.
 *
 * One lock a socket, so_lock, which is also the lock of the protocol's
 * control block.  Rules that keep it short and free of deadlock:
 *  - client memory is copied before it is taken or after it is dropped;
 *  - nothing is handed to the stack (if_transmit() and all above it) while
 *    it is held: a protocol collects packets under it and sends them afterwards;
 *  - of two sockets (a pair, a listener and its child) the listener or the lower
 *    address first.
 *
 * Life cycle: socket_create() with one reference, the file's (or the accept
 * queue's); so_close is called when that goes; the protocol may hold the
 * socket longer by references of its own (TCP in FIN-WAIT, packets in flight).
 *
 * Waiting: a protocol that moves data or state calls socket_wake() with POLL*
 * events after changing it under so_lock.
 */

#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include <lib/list.h>
#include <linux/poll.h>
#include <net/netns.h>
#include <net/packet.h>
#include <sys/condvar.h>
#include <sys/file.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

struct cred;
struct lwp;
struct sockdiag;
struct socket;
struct uio;

/*
 * A queue of received packets with its account.  so_lock protects it.  Stream protocols
 * leave payload only in the packets; datagram protocols one datagram each.
 */
struct sockbuf {
	struct packetq	 sb_q;
	uint32_t	 sb_cc;		/* bytes of payload */
	uint32_t	 sb_mem;	/* memory: sum of p_truesize; of so_snd: a */
	uint32_t	 sb_hiwat;	/* SO_RCVBUF, SO_SNDBUF as the kernel counts: doubled */
	uint32_t	 sb_lowat;
	int64_t		 sb_timeo;	/* SO_RCVTIMEO, SO_SNDTIMEO in ns; 0: none */
	bool		 sb_locked_size;	/* set by the user: no autotuning */
	unsigned int	 sb_waiters;	/* threads asleep in socket_wait() */
	kcondvar_t	 sb_cv;
};

/*
 * What the messages of one sendmmsg or recvmmsg share.  Sending, a protocol may keep
 * packets here until so_sendrow is called at the end of the row; receiving, datagrams that were
 * taken from the queue together, of which the next message gets the next.
 */
#define SOCKBATCH_MAX	64
struct sockbatch {
	struct packetq	 sx_q;
	unsigned int	 sx_max;	/* receive: messages that may still come */
	uint64_t	 sx_priv[32];	/* send: the protocol's own, of sx_q */
};

/* A message on its way through sendmsg or recvmsg, in the kernel's copies. */
struct sockmsg {
	struct sockbatch *sm_batch;	/* NULL: a message by itself */
	struct sockaddr_storage *sm_name;	/* send: NULL if none; recv: room */
	socklen_t	 sm_namelen;	/* recv: set by the protocol; 0: none */
	struct uio	*sm_uio;	/* the client's data */
	int		 sm_flags;	/* in: MSG_*, with MSG_DONTWAIT for O_NONBLOCK */
	int		 sm_outflags;	/* recv: MSG_TRUNC, MSG_CTRUNC, MSG_EOR, MSG_OOB ... */
	/* Send: all control data, checked by cmsg_first/next().  Receive: what cmsg_put() made. */
	uint8_t		*sm_control;
	size_t		 sm_controllen;
	size_t		 sm_controlmax;	/* receive: room that the client gave */
};

/* Walks the control data of a send.  EINVAL if malformed, *ret_cm NULL at the end. */
int	cmsg_next(const struct sockmsg *sm, struct cmsghdr *prev, struct cmsghdr **ret_cm);
static inline size_t
cmsg_datalen(const struct cmsghdr *cm)
{
	return cm->cmsg_len - sizeof(*cm);
}
/* Receive: appends one; sets MSG_CTRUNC (and cuts, as Linux does) if there is no room. */
void	cmsg_put(struct sockmsg *sm, int level, int type, const void *data, size_t len);

/*
 * Operations of a protocol.  Without a lock held unless said; NULL: EOPNOTSUPP.
 * Addresses are the kernel's copies, len as the client gave it (0 .. sizeof storage).
 */
struct sockops {
	/* A new socket; so_* set; makes so_pcb.  EPROTONOSUPPORT, EPERM, ENOMEM. */
	int	(*so_attach)(struct socket *, int protocol);
	/* The file is gone.  Waits for SO_LINGER if that is set.  Then the reference. */
	void	(*so_close)(struct socket *);
	/* The last reference went: frees so_pcb. */
	void	(*so_free)(struct socket *);
	int	(*so_bind)(struct socket *, const struct sockaddr *, socklen_t);
	int	(*so_listen)(struct socket *, int backlog);
	/* Blocks unless nonblock; EINPROGRESS, EALREADY, EISCONN as connect(2). */
	int	(*so_connect)(struct socket *, const struct sockaddr *, socklen_t, bool nonblock);
	/* A connected socket with one reference for its file.  EAGAIN if nonblock. */
	int	(*so_accept)(struct socket *, bool nonblock, struct socket **ret_so);
	int	(*so_pair)(struct socket *, struct socket *);	/* socketpair */
	int	(*so_shutdown)(struct socket *, int how);
	/* peer: getpeername.  ENOTCONN. */
	int	(*so_name)(struct socket *, bool peer, struct sockaddr_storage *ret_ss,
		    socklen_t *ret_len);
	/* *ret_done is valid when 0 is returned; partial sends are success. */
	int	(*so_send)(struct socket *, struct sockmsg *, size_t *ret_done);
	/* Sends what a row of messages left in the batch.  NULL: it leaves nothing. */
	void	(*so_sendrow)(struct socket *, struct sockbatch *);
	int	(*so_recv)(struct socket *, struct sockmsg *, size_t *ret_done);
	/*
	 * Options of any level but SOL_SOCKET, and of SOL_SOCKET those which the socket
	 * layer does not know; of these val is an int, whatever len the client
	 * gave.  val is a kernel copy.  ENOPROTOOPT.  get: *len in
	 * the room, out the length.
	 */
	int	(*so_setopt)(struct socket *, int level, int name, const void *val, socklen_t len);
	int	(*so_getopt)(struct socket *, int level, int name, void *val, socklen_t *len);
	/* ENOTTY.  SIOCINQ and the like, before those of interfaces are tried. */
	int	(*so_ioctl)(struct socket *, unsigned long cmd, void *uarg, long *ret);
	/* POLL* of this moment; so_lock held.  Errors and such are added by the layer. */
	uint32_t (*so_poll)(struct socket *);
	/*
	 * A send with MSG_ZEROCOPY, the id-th of its kind, is done with the client's memory,
	 * as its bytes were copied: tells by MSG_ERRQUEUE.  so_lock held.  NULL: nothing.
	 */
	void	(*so_zerocopied)(struct socket *, uint32_t id);
	/* SO_RCVBUF and the like changed, so_lock held.  NULL: fine. */
	void	(*so_bufsize)(struct socket *);
	/* Fills in what ss(8) shows besides options; zeroed before.  NULL: nothing. */
	void	(*so_diag)(struct socket *, struct sockdiag *ret_sd);
	/* SOCK_DESTROY: the client is told error.  ENOENT: it is over already.  NULL: refused. */
	int	(*so_destroy)(struct socket *, int error);
};

/* A family and type: found by socket(2). */
struct sockproto {
	int		 sp_family;
	int		 sp_type;
	int		 sp_protocol;	/* -1: any that so_attach likes */
	bool		 sp_default;	/* what protocol 0 means */
	uint8_t		 sp_flags;
	const struct sockops *sp_ops;
	struct list_node sp_link;
};
#define SP_CONNECTED	0x01		/* write needs a connection: stream, seqpacket */
#define SP_ATOMIC	0x02		/* messages keep their boundaries */
#define SP_NEEDROOT	0x04		/* uid 0 of the kernel only: EPERM */
void	sockproto_register(struct sockproto *sp);

enum {			/* so_state */
	SS_BOUND	= 0x0001,
	SS_CONNECTING	= 0x0002,
	SS_CONNECTED	= 0x0004,
	SS_LISTENING	= 0x0008,
	SS_CANTRCVMORE	= 0x0010,	/* EOF once the queue is empty */
	SS_CANTSENDMORE	= 0x0020,	/* EPIPE */
	SS_NOFILE	= 0x0040,	/* closed by the client */
	SS_OOBMARK	= 0x0080,	/* the next byte is urgent */
};

/* Boolean options of SOL_SOCKET, one bit each, in so_options. */
enum {
	SOO_REUSEADDR = 0x0001, SOO_REUSEPORT = 0x0002, SOO_KEEPALIVE = 0x0004,
	SOO_BROADCAST = 0x0008, SOO_DONTROUTE = 0x0010, SOO_OOBINLINE = 0x0020,
	SOO_PASSCRED = 0x0040, SOO_TIMESTAMP = 0x0080, SOO_TIMESTAMPNS = 0x0100,
	SOO_NO_CHECK = 0x0200, SOO_RXQ_OVFL = 0x0400, SOO_ZEROCOPY = 0x0800,
	SOO_LOCK_FILTER = 0x1000, SOO_DEBUG = 0x2000, SOO_SELECT_ERR = 0x4000,
	SOO_PASSSEC = 0x8000, SOO_PASSPIDFD = 0x10000, SOO_NOFCS = 0x20000,
	SOO_WIFI_STATUS = 0x40000, SOO_TSNEW = 0x80000, SOO_RCVMARK = 0x100000,
	SOO_RCVPRIORITY = 0x200000, SOO_NORIGHTS = 0x400000, SOO_PREFER_BUSY = 0x800000,
	SOO_INQ = 0x1000000, SOO_NOTXREHASH = 0x2000000,
};

/*
 * Field key:	c  constant since creation	a  atomic	s  so_lock
 */
struct socket {
	kmutex_t	 so_lock;
	unsigned int	 so_refs;	/* a */
	uint16_t	 so_family;	/* c */
	uint16_t	 so_type;	/* c: SOCK_* */
	int		 so_protocol;	/* c */
	const struct sockops *so_ops;	/* c */
	uint8_t		 so_pflags;	/* c: SP_* */
	void		*so_pcb;	/* c from so_attach to so_free */
	struct netns	*so_ns;		/* c: referenced */
	struct cred	*so_cred;	/* c: of the maker; referenced */
	uint32_t	 so_state;	/* s; read atomically */
	uint32_t	 so_options;	/* s; read atomically */
	int		 so_error;	/* s: SO_ERROR; reading it clears */
	int		 so_rcvshut;	/* s */
	int		 so_linger;	/* s: seconds, -1: off */
	uint32_t	 so_mark, so_priority;	/* a */
	uint32_t	 so_bound_if;	/* a: SO_BINDTODEVICE; 0: none */
	int		 so_peek_off;	/* s, read atomically: SO_PEEK_OFF; -1: off */
	uint32_t	 so_busypoll;	/* a: SO_BUSY_POLL, us */
	uint32_t	 so_incpu;	/* a: SO_INCOMING_CPU */
	uint64_t	 so_cookie;	/* a: SO_COOKIE; 0: none yet */
	struct ucred	 so_peercred;	/* s */
	struct cred	*so_peerid;	/* s: of the peer when it joined, or NULL; referenced */
	struct sockbuf	 so_rcv, so_snd;
	struct packetq	 so_errq;	/* s: MSG_ERRQUEUE */
	uint64_t	 so_drops;	/* s; read atomically */
	struct sockfilter *so_filter;	/* q: SO_ATTACH_FILTER */
	struct sockfilter *so_reusefilter;	/* q: SO_ATTACH_REUSEPORT_CBPF */
	struct pollsrc	 so_pollsrc;
	/* Of a listener: sockets that wait for accept, by so_acceptlink. */
	struct list	 so_acceptq;	/* s */
	struct list_node so_acceptlink;	/* s of the listener */
	unsigned int	 so_qlen, so_backlog;	/* s; read atomically */
	struct qsbr_head so_qsbr;
	uint64_t	 so_inode;	/* c: for fstat and ss */
	struct anonattr	 so_attr;	/* a: mode and owner, as fchmod and fchown leave them */
	struct list_node so_link;	/* list of all: see socket.c */
	struct socket	*so_wnext;	/* a: writers to be woken: see socket_buf.c */
	bool		 so_wqueued;	/* a */
	uint32_t	 so_tsflags;	/* a: SO_TIMESTAMPING: SOF_* */
	uint32_t	 so_tskey;	/* s: SOF_TIMESTAMPING_OPT_ID counts */
	uint32_t	 so_zckey;	/* s: MSG_ZEROCOPY counts */
	uint64_t	 so_pacing;	/* a: SO_MAX_PACING_RATE */
};

/* For the layers above and for protocols that make children (accept).  so_attach is called if attach. */
int	socket_create(struct netns *ns, int family, int type, int protocol,
	    struct cred *cred, bool attach, struct socket **ret_so);
static inline void
socket_hold(struct socket *so)
{
	__atomic_fetch_add(&so->so_refs, 1, __ATOMIC_RELAXED);
}
/* A reference of a socket that was found lock-free; false: it is dying. */
bool	socket_tryhold(struct socket *so);
void	socket_rele(struct socket *so);		/* the last: so_free, then freed by qsbr */

/* The socket of a descriptor of the caller, with the file referenced.  EBADF, ENOTSOCK. */
int	socket_fromfd(int fd, struct file **ret_fp, struct socket **ret_so);
static inline struct socket *
socket_fromfile(const struct file *fp)
{
	return fp->f_type == FILE_SOCKET ? fp->f_data : NULL;
}
/* A file for it; takes over the reference on success. */
int	socket_file(struct socket *so, unsigned int oflags, struct file **ret_fp);

/*
 * Sleeps until woken, so_lock held on entry and exit.  sb is so_rcv or so_snd, whose cv
 * and timeout count; deadline from socket_deadline(), once per call.  Drives the
 * interfaces meanwhile.  0 (look again), EAGAIN (timeout), EINTR, or ERESTART if
 * there is no timeout.
 */
int	socket_wait(struct socket *so, struct sockbuf *sb, int64_t deadline)
	    REQUIRES(so->so_lock);
int64_t	socket_deadline(const struct sockbuf *sb);
/* The same until so_snd.sb_mem, an account of socket_charge_send(), leaves room. */
int	socket_wait_space(struct socket *so, int64_t deadline) REQUIRES(so->so_lock);

/* so_lock held.  events: POLL*; POLLIN wakes readers, POLLOUT writers, POLLERR|HUP both. */
void	socket_wake(struct socket *so, uint32_t events);
/* so_lock held: sets so_error (unless 0) and wakes everybody. */
void	socket_seterror(struct socket *so, int error);
/* so_lock held: takes so_error.  0: none. */
int	socket_geterror(struct socket *so);
void	socket_cantrcvmore(struct socket *so);	/* so_lock held */
void	socket_cantsendmore(struct socket *so);	/* so_lock held */

uint64_t socket_cookie(struct socket *so);	/* SO_COOKIE */

/* Listener's queue; listener's so_lock held.  Takes over the reference.  false: full. */
bool	socket_acceptq_put(struct socket *head, struct socket *so);
struct socket *socket_acceptq_get(struct socket *head);

/* so_rcv, so_lock held.  false: over its sb_hiwat; p stays the caller's. */
bool	sockbuf_put(struct sockbuf *sb, struct packet *p);
struct packet *sockbuf_get(struct sockbuf *sb);		/* uncharges */
/* Back to the front, in order: what was taken and not used.  so_lock held. */
void	sockbuf_unget(struct sockbuf *sb, struct packetq *q);
/* What a datagram owes to the send buffer: charges p to so, credited when p is freed. */
bool	socket_charge_send(struct socket *so, struct packet *p);	/* false: it is full */
void	socket_charge(struct socket *so, struct packet *p);	/* in any case */
void	sockbuf_drop(struct sockbuf *sb);
/* What p_destroy of a charged packet does, for who has a p_destroy of his own. */
void	socket_credit_send(struct packet *p);

/*
 * The usual so_recv of datagrams: waits, takes or peeks one, copies it, cuts; fill adds address
 * and control data, called without so_lock.
 */
int	socket_recv_datagram(struct socket *so, struct sockmsg *sm, size_t *ret_done,
	    void (*fill)(struct socket *, struct sockmsg *, const struct packet *));
/* MSG_ERRQUEUE: the same from so_errq; EAGAIN if empty. */
/* SO_PEEK_OFF moves on with peeks and back with reads.  so_lock held. */
void	socket_peeked_locked(struct socket *so, bool peek, size_t n) REQUIRES(so->so_lock);
int	socket_recv_errqueue(struct socket *so, struct sockmsg *sm, size_t *ret_done,
	    void (*fill)(struct socket *, struct sockmsg *, const struct packet *));
/* SO_TIMESTAMP*, SO_RXQ_OVFL and what else belongs to SOL_SOCKET. */
void	socket_put_cmsgs(struct socket *so, struct sockmsg *sm, const struct packet *p);

/* Classic BPF on a packet from its p_data: how many bytes to keep, 0: drop. */
uint32_t sockfilter_run(const struct socket *so, const struct packet *p);
/* That of SO_ATTACH_REUSEPORT_CBPF: which socket of a group.  false: there is none. */
bool	sockfilter_reuseport(const struct socket *so, const struct packet *p,
	    uint32_t *ret_index);

/*
 * ioctls of interfaces, routes, ARP (netdevice(7)); ENOTTY for others.  family is the
 * socket's: AF_INET6 has its own routes and addresses.
 */
int	if_ioctl(struct netns *ns, int family, unsigned long cmd, void *uarg);

/* Every socket of a family, for sock_diag; fn gets it referenced for the call, no lock held. */
int	socket_iterate(struct netns *ns, int family, int (*fn)(struct socket *, void *), void *arg);

#endif /* NET_SOCKET_H */
