/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_impl.h - remote clients: what the files of the server share
 *
 *	sp_server.c	starts and ends; the thread that serves control connections
 *	sp_client.c	birth and death of a client
 *	sp_hello.c	the beginning of a connection
 *	sp_cred.c	who a client is inside
 *	sp_user.c	what one user has, all his clients together
 *	sp_control.c	requests on a control connection
 *	sp_slot.c	channels: a thread each, and its calls
 *	sp_turn.c	channels in shared memory
 *	sp_stream.c	channels over a connection of their own
 *	sp_mem.c	the client's memory, as the kernel sees it
 *	sp_stop.c	the end of the server, announced
 *	sp_bell.c	telling clients that descriptors may be ready
 *	sp_parcel.c	files that clients send to each other through the host
 *	sp_lent.c	descriptors of the host that they send through us
 *	sp_fork.c	procs that wait for their process, and programs that go on
 *
 * Locking: sc_lock -> p_lock.  The control thread never waits for a client:
 * what could (closing descriptors, answering calls) is done by others.
 */

#ifndef CORE_SP_IMPL_H
#define CORE_SP_IMPL_H

#include <proto/sysproxy.h>
#include <rump/rumpuser.h>

#include <lib/list.h>
#include <sys/atomic.h>
#include <sys/mutex.h>
#include <sys/types.h>

struct bell;
struct file;
struct lwp;
struct proc;

/* Where in an area segments may be, and where the server's own requests go. */
#define SP_SEGSPACE	(192u << 10)
#define SP_SCRATCH	SP_SEGSPACE
#define SP_SCRATCHSIZE	(SP_AREA - SP_SCRATCH)

#define SP_FASTSEGS	16

enum spclient_state {
	SPCLIENT_HELLO,		/* connected, has not said who it is */
	SPCLIENT_UP,
	SPCLIENT_EXEC,		/* another program goes on: its hello is next */
	SPCLIENT_EXECING,	/* what it may not have is being closed */
	SPCLIENT_PARCEL,	/* no client: a file that is under way, see sp_parcel.c */
	SPCLIENT_DYING,		/* gone; its threads are on their way out */
};

/* To say who one is. */
#define SP_HELLOTIME	((int64_t)atomic_load(&sp_hellotime) * (NSEC_PER_SEC / 1000))
#define SP_OUTSIZE	2048
#define SPBELLS_MAX	128	/* of a client */
#define SPLENT_MAX	64	/* on their way between the two connections */

enum spuser_what {
	SPUSER_CLIENTS, SPUSER_CHANNELS, SPUSER_FDS, SPUSER_PARCELS, SPUSER_NWHATS
};

/*
 * Field key:	c  constant	l  users_lock	t  the control thread only	a  atomic
 */
struct spuser {
	struct list_node su_link;	/* l */
	unsigned int	 su_refs;	/* l */
	struct rumpuser_sppeer su_peer;	/* c: who it is, as one of his clients came */
	unsigned int	 su_nhalfopen;	/* t */
	unsigned int	 su_has[SPUSER_NWHATS];	/* a */
};

/*
 * Field key:	c  constant since it is UP	t  the control thread only
 *		a  atomic	l  sc_lock
 */
struct spclient {
	struct list_node sc_link;	/* t: of all clients */
	unsigned int	 sc_refs;	/* a: the control thread's, and a slot's each */
	enum spclient_state sc_state;	/* t */
	int64_t		 sc_deadline;	/* t: HELLO: give up; DYING: poke again */
	struct rumpuser_spconn *sc_conn; /* t: NULL when DYING */
	struct rumpuser_sppeer sc_peer;	/* c */
	struct spuser	*sc_user;	/* c: counted; who has sc_conn, */
	bool		 sc_charged;	/* t: and this client */
	uint32_t	 sc_features;	/* c */
	struct proc	*sc_proc;	/* c: referenced */
	struct lwp	*sc_lwp;	/* t: keeps the proc alive; current nowhere */
	uint8_t		 sc_secret[SP_SECRET];	/* c: of the session, for its channels */
	struct sp_region *sc_region;	/* c: NULL if it shares no memory */
	int		 sc_memfd;	/* c */
	uint32_t	 sc_kill;	/* a: it broke the rules */
	uint32_t	 sc_execdone;	/* a: EXECING is over */
	bool		 sc_told;	/* t: that the server stops */
	struct list	 sc_tickets;	/* t: made by it */
	unsigned int	 sc_ntickets;	/* t */

	kmutex_t	 sc_lock;
	struct spslot	*sc_slot[SP_NSLOTS];	/* l */
	unsigned int	 sc_nslots;	/* l */
	bool		 sc_closing;	/* l: no more slots */
	struct bell	*sc_bell[SPBELLS_MAX];	/* l */
	struct file	*sc_lent[SPLENT_MAX];	/* l: counted */

	uint8_t		 sc_in[sizeof(struct sp_hello)];	/* t */
	size_t		 sc_inlen;	/* t */
	int		 sc_infd;	/* t: came along, or -1 */
	uint8_t		 sc_out[SP_OUTSIZE];	/* t */
	size_t		 sc_outlen;	/* t */
	int		 sc_outfd;	/* t: goes along, or -1 */
	size_t		 sc_outfdat;	/* t: with that byte */
	struct file	*sc_outfile;	/* t: counted: whose it is, or NULL */
};

struct spwritten {
	uint32_t	 sw_off, sw_len;	/* in the area */
};

/*
 * How the messages of a channel go.  By its thread, outside of the kernel, but for poke, which
 * is the control thread's.
 */
struct spchannel_ops {
	int	(*co_begin)(struct spslot *ss);	/* an errno: there will be no call */
	/*
	 * The client's next message to ss_msg, and to ss_got how many bytes came with it:
	 * an answer's are at SP_SCRATCH.  EPROTO: it makes no sense.  ECANCELED: none comes.
	 */
	int	(*co_receive)(struct spslot *ss, bool answer);
	void	(*co_send)(struct spslot *ss);	/* what is in ss_msg */
	void	(*co_end)(struct spslot *ss);
	void	(*co_poke)(struct spslot *ss);	/* wakes it, whatever it waits for */
};

/*
 * Field key:	c  constant	o  the slot's own thread	a  atomic
 */
struct spslot {
	struct spclient	*ss_client;	/* c: counted */
	unsigned int	 ss_index;	/* c */
	struct lwp	*ss_lwp;	/* c */
	const struct spchannel_ops *ss_ops;	/* c */
	struct rumpuser_spconn *ss_conn;	/* c: streams */
	struct sp_slot	*ss_shm;	/* c: shared memory */
	uint8_t		*ss_area;	/* c */
	struct rumpuser_spowner ss_owner;	/* o: shared memory */
	uint32_t	 ss_tid;	/* o */
	uint32_t	 ss_calls;	/* a: calls begun; moved on when one ends too */
	uint32_t	 ss_closing;	/* a: end as soon as you can */
	uint32_t	 ss_busy;	/* a: somebody is about to interrupt it */
	uint32_t	 ss_wanted;	/* a: the call that was interrupted last, or shall be; 0: none */
	unsigned int	 ss_skip;	/* o: waits that shall not spin */
	unsigned int	 ss_skipnext;	/* o: how many, if the next spin is in vain */
	bool		 ss_woke;	/* o: the client slept when it got the turn */
	uint32_t	 ss_broken;	/* o: the client broke the rules */
	bool		 ss_quiet;	/* o: locks are held: nothing may be asked */

	/* The call under way, all o. */
	struct sp_msg	 ss_msg;
	size_t		 ss_got;	/* bytes that came with it */
	unsigned int	 ss_nwritten;	/* streams: struct sp_written at SP_SCRATCH */
	struct sp_seg	*ss_seg;	/* private copies */
	unsigned int	 ss_nsegs;
	unsigned int	 ss_hint;	/* the segment that was used last */
	/* Of the last call in each half of the area: what was written. */
	struct spwritten ss_written[2];
	struct sp_seg	 ss_fast[SP_FASTSEGS];
};

/* sp_server.c */
extern int sp_maxclients, sp_maxthreads, sp_maxchannels;	/* a */
extern int sp_maxlent;		/* a: sp_lent.c */
extern int sp_hellotime;	/* a: ms */
extern int sp_nclients, sp_nthreads;	/* a */
extern bool sp_parcels_wait;	/* t: spparcel_unpack() is due */
void	sp_wake(void);			/* the control thread shall look around */
void	sp_watch(struct spclient *sc);	/* as its state and buffers demand */
void	sp_unwatch(struct spclient *sc);	/* its connection becomes something else */

/* By the control thread. */
struct spclient *sp_client_first(void);
struct spclient *sp_client_next(struct spclient *sc);
void	sp_client_take(struct spclient *old, struct spclient *sc);

/* sp_client.c */
void	anchor_drop(struct lwp *l);	/* perhaps the last lwp of its proc */
int	spclient_create(struct rumpuser_spconn *conn,
	    const struct rumpuser_sppeer *peer, struct spclient **ret_sc);
void	spclient_rele(struct spclient *sc);
void	spclient_end(struct spclient *sc);	/* the connection is gone, or shall be */
void	spclient_poke(struct spclient *sc);	/* threads that are still there */
void	spclient_break(struct spclient *sc);	/* by any thread: end it soon */
/* With fd, if that is not -1.  ENOBUFS: it does not read what it asked for. */
int	spclient_reply(struct spclient *sc, const void *buf, size_t len, int fd);
void	spclient_sent(struct spclient *sc);	/* ... which has been sent */

/* sp_hello.c */
int	sphello_region(struct spclient *sc);
void	sphello_unregion(struct spclient *sc);	/* if it has one */
void	sphello_rename(struct spclient *sc, const char comm[16], int32_t hostpid);
int	sphello_welcome(struct spclient *sc, int error);
int	sphello(struct spclient *sc, const struct sp_hello *hello);

/* sp_control.c */
int	spcontrol(struct spclient *sc, const struct sp_ctl *ctl);

/* sp_slot.c */
/* A channel over a connection of its own, which it takes over; or NULL. */
int	spslot_open(struct spclient *sc, struct rumpuser_spconn *conn,
	    unsigned int *ret_index);
void	spslot_interrupt(struct spslot *ss, uint32_t call);
void	spslot_poke(struct spslot *ss);
/*
 * The server's side of the exchange: what is in ss_msg goes to the client,
 * whose message takes its place.  ECANCELED: there will not be one.
 */
int	spslot_exchange(struct spslot *ss);
struct spslot *spslot_current(void);	/* of the calling thread, or NULL */

/* sp_stop.c */
extern uint32_t sp_stopping;	/* a: not 0: the server ends */
int	spstop_tell(struct spclient *sc);

/* sp_turn.c, sp_stream.c */
extern const struct spchannel_ops spturn_ops, spstream_ops;

/* sp_user.c */
void	spuser_boot(void);
bool	sp_same_peer(const struct rumpuser_sppeer *a, const struct rumpuser_sppeer *b);
int	spuser_get(const struct rumpuser_sppeer *peer, struct spuser **ret_su);
void	spuser_hold(struct spuser *su);
void	spuser_rele(struct spuser *su);
/* One more; or EAGAIN, EMFILE, ETOOMANYREFS: he is at his limit. */
int	spuser_charge(struct spuser *su, enum spuser_what what);
void	spuser_uncharge(struct spuser *su, enum spuser_what what);

/* sp_cred.c */
int	spcred_set(const struct spclient *sc, struct proc *p);

/* sp_fork.c */
int	spticket_create(struct spclient *sc, uint8_t secret[SP_SECRET]);
void	spticket_cancel(struct spclient *sc, const uint8_t secret[SP_SECRET]);
void	spticket_move(struct spclient *old, struct spclient *sc);
void	spticket_end(struct spclient *sc);	/* all that it made */
/* They come from the same user: a secret that leaks is not worth much. */
bool	sp_same_user(const struct spclient *a, const struct spclient *b);
bool	sp_secret_equal(const uint8_t *a, const uint8_t *b);
/* The proc that a ticket stands for becomes sc's.  ESRCH. */
int	spticket_redeem(struct spclient *sc, const uint8_t secret[SP_SECRET]);
/* Starts to close what does not survive an exec; sc_execdone when it is done. */
int	spexec_start(struct spclient *sc);

/* sp_bell.c */
int	spbell_bind(struct spclient *sc, int fd, unsigned int *ret_handle);
void	spbell_unbind(struct spclient *sc, unsigned int handle);
void	spbell_end(struct spclient *sc);	/* all of them */
int	spbell_call(struct spclient *sc, unsigned int nr,
	    const unsigned long *args, long *ret);

/* sp_parcel.c */
int	spparcel_send(struct spclient *sc, int fd, void *usecret);
int	spparcel_take(const void *usecret, long *ret_fd);
/* The connection stands for it from now on.  ESRCH. */
int	spparcel_claim(struct spclient *sc, const uint8_t secret[SP_SECRET]);
int	spparcel_welcome(struct spclient *sc, const uint8_t secret[SP_SECRET]);
/* All that depend on it.  False: some wait for spparcel_unpack(), for which this holds, too. */
bool	spparcel_end(const struct spclient *sc);
bool	spparcel_unpack(void);

/* sp_lent.c, by the control thread and by calls: what the first says is for the second. */
int	splent_lend(struct spclient *sc, int fd, uint32_t *ret_handle);
int	splent_claim(struct spclient *sc, unsigned long handle, long *ret_fd);
int	splent_choose(struct spclient *sc, int fd, long *ret_handle);
int	splent_fetch(struct spclient *sc, uint32_t handle, struct file **ret_fp);
void	splent_end(struct spclient *sc);	/* all of them */

/* sp_lost.c: at this number is a file that was lost with another kernel */
int	lostfile_install(int fd);

/* sp_mem.c */
extern const struct vmops sp_vmops;
int	spmem_begin(struct spslot *ss);	/* takes the call's segments; EPROTO, ENOMEM */
void	spmem_end(struct spslot *ss, bool reply);
/* The turn is the client's: gets hold of what the next call will probably write. */
void	spmem_ahead(struct spslot *ss);

#endif /* CORE_SP_IMPL_H */
