/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * client_impl.h - what the files of the client library share
 *
 *	hostcall.c	the host's system calls, without the C library
 *	connect.c	finding a server, and the hello
 *	control.c	requests on the control connection
 *	session.c	the session of the process
 *	retry.c		a server that is gone, and what is lost with it
 *	fork.c		children, and other programs in the same process
 *	thread.c	slots of threads
 *	stream.c	those that are connections
 *	call.c		a call: its turns, and what the server asks meanwhile
 *	marshal.c	which memory rides along
 *	parcel.c	descriptors of the kernel that go through the host
 *	lent.c		descriptors of the host that go through the kernel
 *	public.c	the functions with the C library's manners
 *	one.c		the session of the process, and what is each thread's
 *	many.c		instead of it in rumpus-supervise: several sessions
 *
 * Nothing here allocates memory from the C library, or takes a lock that a signal
 * handler could meet: signals are blocked while one is held.
 */

#ifndef CLIENT_IMPL_H
#define CLIENT_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyper/common/guard.h>
#include <proto/sysproxy.h>
#include <rump/rumpclient.h>

/* --- hostcall.c ------------------------------------------------------------------ */

long	hostcall(long nr, ...);		/* six arguments are passed on */
extern bool hostcall_foreign;		/* rumpclient_sethostcall() was called */

long	host_futex_wait(uint32_t *word, uint32_t expected, bool restart);
void	host_futex_wait_ms(uint32_t *word, uint32_t expected, unsigned int ms);
void	host_futex_wake(uint32_t *word);
void	host_sleep_ms(unsigned int ms);
int64_t	host_now_ms(void);
void	*host_map(size_t len, int fd);	/* NULL: no memory */
void	host_unmap(void *ptr, size_t len);
/* fd moves to a number of ours; the old one is closed.  -errno. */
int	host_fd_park(int fd);

/*
 * The program's limit of descriptors is not for ours: between these two it is as high as it may be.  The
 * lock is held in between.
 */
struct host_room {
	bool		 hr_raised;
	uint64_t	 hr_limit[2];	/* struct rlimit64: as it was */
};
void	host_room_enter(struct host_room *hr);
void	host_room_leave(struct host_room *hr);
void	host_room_forked(void);		/* in a child: who held the lock is not here */
extern int host_fdmin;
void	host_close(int fd);
/* All signals wait meanwhile. */
void	host_signals_block(uint64_t *ret_old);
void	host_signals_restore(const uint64_t *old);
void	host_fd_ours(int fd, bool ours);	/* tells who wants to know */

/* A lock for a few instructions or system calls, with signals blocked. */
struct rclock {
	uint32_t	 rl_word;	/* futex: 0 free, 1 held, 2 awaited */
	uint64_t	 rl_sigmask;	/* holder's, to be restored */
};
void	rclock_enter(struct rclock *l);
void	rclock_exit(struct rclock *l);

/* --- the caller's memory: ours, or that of another process ------------------------- */

extern const struct rumpclient_memory *client_memory;	/* NULL: ours */

/* 0, or EFAULT. */
static inline int
mem_in(void *to, uint64_t from, size_t len)
{
	return client_memory == NULL ? guard_copy(to, (const void *)from, len) :
	    client_memory->rm_read(to, from, len);
}

static inline int
mem_out(uint64_t to, const void *from, size_t len)
{
	return client_memory == NULL ? guard_copy((void *)to, from, len) :
	    client_memory->rm_write(to, from, len);
}

static inline int
mem_str(char *to, uint64_t from, size_t max, size_t *ret_len)
{
	return client_memory == NULL ? guard_copystr(to, (const char *)from, max,
	    ret_len) : client_memory->rm_string(to, from, max, ret_len);
}

/* Can it be written? */
static inline int
mem_touch(uint64_t addr)
{
	return client_memory == NULL ? guard_touch((void *)addr) : client_memory->rm_touch(addr);
}

/* --- connect.c ------------------------------------------------------------------- */

/* A connected socket, or -errno. */
int	connect_url(const char *url);
/* Is it a URL of that scheme ("unix://")?  What follows it, or NULL. */
const char *url_rest(const char *url, const char *scheme);
void	hello_fill(struct sp_hello *h, unsigned int kind);
void	hello_who(struct sp_hello *h);	/* the part that one.c and many.c know */
/* The whole of the hello; *ret_fd: what came with the welcome, or -1. */
int	hello_exchange(int fd, const struct sp_hello *h, struct sp_welcome *w,
	    int *ret_fd);
int	conn_send(int fd, const void *buf, size_t len, int passfd);
int	conn_recv(int fd, void *buf, size_t len, int *ret_fd);

/* --- session.c ------------------------------------------------------------------- */

#define BELLS_MAX	128

/* Field key:	l  bells_lock, in bell.c */
struct bell {
	int		 bb_fd;		/* l: + 1; 0: this place is free */
	uint32_t	 bb_handle;	/* l */
	uint32_t	 bb_generation;	/* l: of the session it belongs to */
};

/*
 * The connection of this process.
 * Field key:	c  constant while it is up	l  s_lock	a  atomic
 */
struct rcsession {
	struct rclock	 s_lock;	/* the control connection, slots */
	uint32_t	 s_generation;	/* a: of the session; 0: none yet */
	int		 s_fd;		/* l: control connection, -1 */
	struct sp_region *s_region;	/* c: NULL: streams */
	unsigned int	 s_nslots;	/* c */
	int		 s_pid;		/* c */
	uint32_t	 s_seq;		/* l */
	uint8_t		 s_secret[SP_SECRET];	/* c */
	uint8_t		 s_instance[8];	/* c */
	uint32_t	 s_signals;	/* a: session whose server can send us signals */
	bool		 s_gone;	/* a: the server is */
	bool		 s_stopping;	/* l: it said that it will be, */
	int64_t		 s_stoptime;	/* l: at that time, in ms */
	char		 s_url[256];	/* c */
#ifdef RUMPCLIENT_MANY
	int		 s_hostpid;	/* c: whose it is */
	char		 s_comm[16];	/* c */
	struct bell	 s_bells[BELLS_MAX];
#endif
};

/* Who has many says which one is meant, and whose slots (many.c). */
#ifdef RUMPCLIENT_MANY
extern _Thread_local struct rcsession *session_now;
#define session	(*session_now)
#define bells	(session.s_bells)
#else
extern struct rcsession session;
extern struct bell bells[BELLS_MAX];
#endif

static inline int
session_fd(void)
{
	return __atomic_load_n(&session.s_fd, __ATOMIC_RELAXED);
}

int	session_open(const char *url);	/* -errno */
uint32_t session_number(void);		/* s_generation of the next beginning */
/* The rest of a beginning, of whatever kind: what the welcome says. */
int	session_begin_locked(int fd, const struct sp_hello *hello);
void	session_lost(uint32_t generation);	/* the server does not answer */

/* --- control.c ------------------------------------------------------------------- */

/* A request and its reply.  0, or -errno. */
int	control_request(struct sp_ctl *ctl, int passfd);
/* The same; what comes along becomes *ret_fd, which is -1 before. */
int	control_exchange(struct sp_ctl *ctl, int passfd, int *ret_fd);
bool	control_ended(void);		/* the server is gone */
void	control_interrupt(unsigned int slot, uint32_t call);

/* --- thread.c -------------------------------------------------------------------- */

#define SLOTS_DEPTH	4	/* calls of signal handlers in calls */

/* A thread's slot, at one depth. */
struct cslot {
	struct sp_msg	*cs_msg;	/* to and fro; NULL: no slot yet */
	struct sp_slot	*cs_shm;	/* shared memory; NULL: a stream */
	uint8_t		*cs_area;
	unsigned int	 cs_stream;	/* streams: place in the table */
	size_t		 cs_got;	/* streams: bytes that came with the message */
	unsigned int	 cs_index;
	uint32_t	 cs_tid;	/* of the server's thread */
	uint32_t	 cs_calls;	/* made so far */
	uint32_t	 cs_generation;	/* of the session it belongs to */
	unsigned int	 cs_skip;	/* waits that shall not spin */
	unsigned int	 cs_skipnext;	/* how many, if the next spin is in vain */
	bool		 cs_woke;	/* the server slept when it got the turn */
	struct sp_seg	*cs_bigseg;	/* room for SP_NSEGS_MAX, made when needed */
	unsigned int	 cs_half;	/* of the area: used by the last call */
	uint32_t	 cs_sent[2];	/* bytes of each half, by its last call */
};

struct rcthread {
	struct cslot	 ct_slot[SLOTS_DEPTH];
	unsigned int	 ct_depth;	/* calls under way */
	unsigned int	 ct_signals;	/* handlers ran since the call began: CT_* */
	bool		 ct_known;	/* its end will be noticed */
};
#ifdef RUMPCLIENT_MANY
extern _Thread_local struct rcthread *cthread_now;
#define cthread	(*cthread_now)
#else
extern _Thread_local struct rcthread cthread;
#endif

#define CT_RAN		1u
#define CT_NORESTART	2u		/* one without SA_RESTART did */

/* The slot for one more call of this thread; -errno. */
int	thread_slot(struct cslot **ret_cs);

void	thread_forget(void);	/* the slots of this thread are somebody else's */
void	thread_close(struct rcthread *ct);	/* its end */

/* --- bell.c ------------------------------------------------------------------------- */

void	bells_forget(void);	/* in a child: they are its parent's */

/* --- stream.c ----------------------------------------------------------------------- */

int	stream_open(struct cslot *cs);	/* -errno */
void	stream_close(struct cslot *cs);
/* cs_msg and what belongs to it.  ECONNRESET. */
int	stream_give(struct cslot *cs, const void *data, size_t len);
/* The next message, with what belongs to it in the area.  EINTR if that is wanted. */
int	stream_wait(struct cslot *cs, bool intr, bool restart);
/* In a child: those of its parent are closed. */
void	streams_forget(void);
unsigned int streams_fds(int *fds, unsigned int max);
void	streams_move(int fd, int min);	/* if it is one: to a number from min on */

/* --- retry.c ------------------------------------------------------------------------ */

/* The session is gone: another one, or -errno as the policy has it. */
int	retry(void);
void	retry_environment(void);

/*
 * Descriptors of the kernel that we know to be open, so that they can be told from
 * later ones if the kernel is lost.
 */
void	fds_opened(long fd);
void	fds_closed(unsigned long first, unsigned long last);
bool	fds_lost(unsigned long fd);	/* it was another kernel's */
bool	fds_known(unsigned long fd);	/* it is open, as far as we know */

#define EXEC_NAME	"RUMPCLIENT__EXEC"	/* in the environment */

/* --- fork.c ---------------------------------------------------------------------- */

/*
 * What the environment says a program before us left: its descriptor, or -1,
 * and *ret_url.
 */
int	exec_inherited(const char **ret_url);

/* --- marshal.c ------------------------------------------------------------------- */

#define SEGSPACE	(192u << 10)	/* of the area, for segments */
#define HALF		(SEGSPACE / 2)
#define SCRATCH		SEGSPACE
#define SCRATCHSIZE	(SP_AREA - SCRATCH)
#define FASTSEGS	16

struct marshal {
	struct sp_seg	*ma_seg;	/* private: ma_fast or the slot's big one */
	unsigned int	 ma_nsegs;
	unsigned int	 ma_room;	/* how many may be */
	uint32_t	 ma_base;	/* where the table is, in the area */
	uint32_t	 ma_used;	/* up to where the area is used */
	uint32_t	 ma_sent;	/* up to where it has been written by us */
	bool		 ma_beside;	/* what was last is written by the server */
	uint32_t	 ma_top;	/* streams: what is only written lies from here on */
	bool		 ma_stream;
	size_t		 ma_got;	/* streams: bytes of the reply */
	uint8_t		*ma_area;
	bool		 ma_fds;	/* the call opens or closes descriptors */
	struct sp_seg	 ma_fast[FASTSEGS];
};

/* One of the descriptors among the arguments is known to have been open. */
bool	marshal_usesfd(unsigned int nr, const unsigned long args[6]);
/* False: a descriptor among the arguments was lost with another kernel. */
bool	marshal_call(struct marshal *ma, struct cslot *cs, unsigned int nr,
	    const unsigned long args[6]);
/* What came back with the reply goes to the caller's memory.  0, or EFAULT. */
int	marshal_results(const struct marshal *ma, const struct sp_msg *reply);
/* The turn is the server's: gets hold of what the next call will probably send. */
void	marshal_ahead(const struct marshal *ma, struct cslot *cs);

/* --- sigio.c --------------------------------------------------------------------- */

/* Before a call of fcntl or ioctl: it may ask for signals. */
void	sigio_prepare(unsigned int nr, const unsigned long args[6]);

#endif /* CLIENT_IMPL_H */
