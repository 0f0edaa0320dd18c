/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_impl.h - local sockets: their control blocks, names and messages
 *
 * Locking
 *	lp_iolock	one reader, or one who binds, at a time; held while bytes
 *			are copied to the client, never while it waits
 *	so_lock		the rest of a socket; of two the lower address first
 *	lt_lock		a table of names; a leaf
 *	local_wakelock	who waits for whose queue; a leaf
 *	local_flight_lock  messages with files, while they come and go
 *	lp_iolock -> local_flight_lock -> so_lock -> lt_lock
 */

#ifndef LOCAL_IMPL_H
#define LOCAL_IMPL_H

#include <lib/list.h>
#include <linux/un.h>
#include <net/socket.h>
#include <sys/atomic.h>
#include <sys/socknode.h>

struct file;

/*
 * The name of a socket, and of those that it accepted.  Constant once it is
 * made, but for ln_so.
 */
struct localname {
	unsigned int	 ln_refs;	/* a */
	uint32_t	 ln_hash;	/* c */
	struct socknode	 ln_node;	/* of a path; the bound socket's, while it is open */
	struct socket	*ln_so;		/* lt_lock: bound to it; NULL: it is closed */
	struct list_node ln_link;	/* lt_lock */
	socklen_t	 ln_len;	/* c: of ln_addr in use */
	uint8_t		 ln_addr[sizeof(struct sockaddr_un) + 1];	/* c */
};

#define LOCAL_NBUCKETS	256		/* a power of two */

struct localtable {
	kmutex_t	 lt_lock;
	struct list	 lt_bucket[LOCAL_NBUCKETS];	/* lt_lock: by ln_link */
};

/*
 * Field key:	c  constant since creation	a  atomic
 *		s  so_lock			w  local_wakelock
 *		f  the lock of messages with files: local_flight_lock
 */
struct localpcb {
	struct socket	*lp_so;		/* c */
	kmutex_t	 lp_iolock;
	struct localname *lp_name;	/* s, set once; read atomically */
	struct socket	*lp_peer;	/* s: referenced; of streams set once */
	unsigned int	 lp_backlog;	/* c: datagrams that may wait in the queue */
	struct packet	*lp_oob;	/* s: the urgent byte, in the queue */
	struct list	 lp_wakeq;	/* w: senders who poll for room in our queue */
	struct list_node lp_wakelink;	/* w: of lp_wakewho's lp_wakeq */
	struct socket	*lp_wakewho;	/* w: referenced while it is on the list */
	/* Those of local_gc.c: */
	struct list_node lp_flight;	/* f: of all that are under way */
	struct file	*lp_file;	/* f: its file, while it is under way */
	unsigned int	 lp_inflight;	/* f: messages that carry it */
	unsigned int	 lp_gcrefs;	/* f */
	uint8_t		 lp_gcstate;	/* f */
};

static inline struct localpcb *
localpcb(const struct socket *so)
{
	return so->so_pcb;
}

/* Files under way in a message. */
struct localscm {
	unsigned int	 ls_refs;	/* a: the message, and those who peek */
	unsigned int	 ls_nfiles;	/* c */
	struct localscm	*ls_next;	/* of what a thread has to close */
	struct file	*ls_file[];	/* c: referenced */
};

/* What goes with the bytes of a message: in p_cb. */
struct localcb {
	struct localscm	*lc_scm;	/* NULL: no files */
	struct ucred	 lc_cred;
	bool		 lc_hascred;
	bool		 lc_peeked;	/* seen, and without bytes */
};
_Static_assert(sizeof(struct localcb) <= PKT_CB, "fits the packet's scratch");

static inline struct localcb *
localcb(const struct packet *p)
{
	return (struct localcb *)(void *)(uintptr_t)p->p_cb;
}

extern const struct sockops local_stream_ops, local_dgram_ops, local_seq_ops;

/* local_pcb.c */
int	local_attach(struct socket *so, int protocol);
void	local_free(struct socket *so);
void	local_close(struct socket *so);
int	local_shutdown(struct socket *so, int how);
int	local_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss,
	    socklen_t *ret_len);
#define LOCAL_SO_INQ	84		/* SO_INQ and SCM_INQ came late */
int	local_stream_setopt(struct socket *so, int level, int name,
	    const void *val, socklen_t len);
int	local_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret);
void	local_lock_two(struct socket *a, struct socket *b);
void	local_unlock_two(struct socket *a, struct socket *b);
bool	local_writable(const struct socket *so);
/* What a message of len bytes takes of its sender's buffer. */
uint32_t local_charge(bool stream, size_t len);
/* so's peer, referenced, or NULL.  so_lock not held. */
struct socket *local_peer(struct socket *so);
void	local_diag(struct socket *so, struct sockdiag *ret_sd);

/* local_name.c */
int	local_name_boot(void);
unsigned int local_backlog(const struct netns *ns);	/* of a new socket */
int	local_addr_check(const struct sockaddr *sa, socklen_t len);
int	local_bind(struct socket *so, const struct sockaddr *sa, socklen_t len);
/* A name of the kernel's choice, if it has none. */
int	local_autobind(struct socket *so);
/* Who is bound there, referenced.  ECONNREFUSED, EPROTOTYPE, those of paths. */
int	local_find(struct socket *so, const struct sockaddr *sa, socklen_t len,
	    struct socket **ret_so);
/* The socket is closed: nobody finds it any more. */
void	local_name_close(struct socket *so);
void	local_name_hold(struct localname *ln);
void	local_name_rele(struct localname *ln);	/* NULL is fine */
void	local_name_out(const struct socket *so, struct sockaddr_storage *ret_ss,
	    socklen_t *ret_len);

/* local_connect.c */
int	local_pair(struct socket *a, struct socket *b);
int	local_listen(struct socket *so, int backlog);
int	local_accept(struct socket *so, bool nonblock, struct socket **ret_so);
int	local_stream_connect(struct socket *so, const struct sockaddr *sa,
	    socklen_t len, bool nonblock);

/* local_oob.c */
struct packet *local_oob_pass(struct socket *so, struct packet *p, int flags,
	    size_t done, struct packetq *gone);
int	local_oob_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done);
void	local_oob_mark(struct socket *peer, struct packet *p);
bool	local_oob_atmark(struct socket *so);

/* local_recv.c */
int	local_stream_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done);
int	local_dgram_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done);

/* local_room.c */
/* so's queue is shorter: wakes those who wait for room in it.  No locks held. */
void	local_room(struct socket *so);
/* so polls for room in to's queue: true if it is full and so will be told. */
bool	local_await_room(struct socket *so, struct socket *to);
void	local_await_cancel(struct socket *so);
bool	local_full(const struct socket *so);

/* local_scm.c */
/* Of a send: the files and credentials of its control data.  EINVAL, EBADF.. */
int	local_scm_send(struct socket *so, const struct sockmsg *sm,
	    struct localcb *ret_lc);
/* Of a receive: to the client. */
void	local_scm_recv(struct socket *so, struct sockmsg *sm,
	    const struct localcb *lc);
void	local_scm_rele(struct localscm *ls);	/* NULL is fine; may sleep */
static inline void
local_scm_hold(struct localscm *ls)
{
	if (ls != NULL)
		atomic_add(&ls->ls_refs, 1);
}
/* SO_PASSRIGHTS of the receiver. */
bool	local_scm_allowed(const struct socket *to, const struct packet *p);
/* A packet with what goes along; takes over lc's files.  p_destroy drops them. */
void	local_packet_setup(struct packet *p, const struct localcb *lc);
/* The credentials that a receiver sees, unless the sender gave some. */
void	local_cred_fill(struct localcb *lc, const struct socket *from,
	    const struct socket *to);
/* The caller's own. */
void	local_ucred(struct ucred *uc, bool effective);

/* local_gc.c */
extern kmutex_t local_flight_lock;	/* held to take a message with files off a queue */
int	local_gc_boot(void);
/* The files of a message set out, or are closed.  ETOOMANYREFS. */
int	local_flight_begin(struct localscm *ls);
void	local_flight_end(struct localscm *ls);
/* A local socket was closed: there may be others that nobody can reach. */
void	local_gc_hint(void);

#endif /* LOCAL_IMPL_H */
