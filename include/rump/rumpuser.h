/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpuser.h - the hypercalls: everything a rump kernel asks of its host
 *
 * This is the only door from the kernel down to the world.  A host is one
 * implementation of this file: hyper/linux, and hyper/sim (virtual clock,
 * seeded scheduler, failures on demand).  There are no upcalls: where the
 * host has to tell the kernel something it calls a function that the kernel
 * handed over (a thread's entry, a request's completion).
 *
 * Rules that hold for every call
 *  - Results: 0 or a positive Linux errno; ret_ arguments are written only
 *    on success.  No call prints, exits or aborts unless that is its job.
 *  - Sizes are bytes, offsets are bytes from the start of the file, times
 *    are nanoseconds.
 *  - "may block": the kernel gives its vCPU back before it makes the call.
 *    All others return within the time of a system call.
 *  - Pointers passed in are borrowed for the call, except where a comment
 *    says that they are kept.
 *  - Callable from any thread, also from threads the host did not create.
 *
 * The header needs only the compiler's own headers, because kernel code,
 * which has no libc, includes it too.
 *
 * Manual: rumpuser(3).
 */

#ifndef RUMP_RUMPUSER_H
#define RUMP_RUMPUSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Increases whenever a call's meaning changes; checked by rumpuser_init(). */
#define RUMPUSER_VERSION 1

/* --- start and end ------------------------------------------------------ */

/*
 * First call of a kernel.  EPROTONOSUPPORT if the host speaks another
 * version.  Idempotent for the same version.
 */
int	rumpuser_init(int version);

/*
 * Parameters: names with a leading underscore are the host's answers, all
 * others are the environment's variables.
 *
 *	_RUMPUSER_NCPU		processors the process may use, decimal
 *	_RUMPUSER_HOSTNAME	a host name for the kernel
 *	_RUMPUSER_MEMSIZE	bytes of memory of the host, decimal
 *	_RUMPUSER_HOST		"linux" or "sim"
 *	_RUMPUSER_UID		the user who runs the process, decimal
 *	_RUMPUSER_NOFILE	how many descriptors of the host the process may have
 *	_RUMPUSER_PID		the process, decimal; "0": it has no number
 *
 * ENOENT: not set.  EINVAL: unknown underscore name.  ERANGE: buf too small.
 */
int	rumpuser_getparam(const char *name, char *buf, size_t size);

#define RUMPUSER_EXIT_PANIC (-1)	/* abort, leaving a core if the host does */
void	rumpuser_exit(int code) __attribute__((__noreturn__));

/* Prints the calling thread's stack to the console, as well as it can. */
void	rumpuser_backtrace(void);

/* Unbuffered console output (the process's standard error).  Never fails. */
void	rumpuser_console_write(const char *buf, size_t len);

/* Sends a Linux signal to the own process. */
int	rumpuser_kill(int signo);

/*
 * The same to the process that pidfd refers to, or with -1 to the own one; unless fd is -1, with what
 * sigaction(2) says about SIGIO, and si_code SI_SIGIO.  EPERM, ESRCH, EINVAL, ENOSYS.
 */
int	rumpuser_sigqueue(int pidfd, int signo, int fd, long band);

/*
 * Fills buf with cryptographically strong bytes (sim: from its seed).
 * May return fewer: *ret_got; EAGAIN if it has none at all.
 */
int	rumpuser_getrandom(void *buf, size_t len, size_t *ret_got);

/*
 * Loads a shared library by path, or by plain name through the host's
 * search; its constructors register components.  ENOENT: not found; ENOEXEC:
 * found but not loadable (the host's text goes to errbuf, NUL-terminated).
 */
int	rumpuser_dl_load(const char *name, char *errbuf, size_t errsize);

/*
 * begin() forks; the parent waits until the child calls done(error) and
 * exits with 0 or with 1 after printing; the child returns from begin().  A
 * child that exits before that has said why: the parent exits with its code.
 * EALREADY: begun before.  done: ENOENT if not begun; with 0 the standard
 * descriptors are turned to the null device.
 */
int	rumpuser_daemonize_begin(void);
int	rumpuser_daemonize_done(int error);

/* --- threads, sleeping, time -------------------------------------------- */

struct rumpuser_thread;

/*
 * Starts fn(arg).  name is a hint for debuggers (copied).  With ret_thread
 * the thread must be joined; NULL makes a detached one.  EAGAIN: no room.
 */
int	rumpuser_thread_create(void (*fn)(void *), void *arg, const char *name,
	    struct rumpuser_thread **ret_thread);
int	rumpuser_thread_join(struct rumpuser_thread *thread);	/* may block */

/*
 * Has fn(arg) called in the calling thread when that thread ends, whoever
 * made it.  At most one per thread: a second call replaces the first, and
 * fn == NULL removes it.
 */
int	rumpuser_thread_atexit(void (*fn)(void *), void *arg);

/* Lets others run (sim: a point where the seed may switch threads). */
void	rumpuser_thread_yield(void);

/*
 * Before a lock is taken, in kernels built for debugging: real threads are
 * interrupted anywhere, simulated ones here, if the seed says so.
 */
void	rumpuser_thread_preempt(void);

/*
 * Makes every running thread of the process pass a full memory barrier before
 * this returns, so that what others read often needs none (asymmetric
 * synchronisation).  ENOSYS: the host has no such thing.  Microseconds.
 */
int	rumpuser_membarrier(void);

#define RUMPUSER_PARK_SHARED	0x01	/* word is shared between processes */
#define RUMPUSER_PARK_INTR	0x02	/* a host signal ends the wait: EINTR */

#define RUMPUSER_NOTIME		INT64_MAX	/* a deadline that never comes */

/*
 * Sleeps while *word == expected: atomic with respect to unpark on the same
 * word.  deadline is an absolute RUMPUSER_CLOCK_MONO time.  Spurious returns
 * of 0 are allowed.  May block.
 *	0		woken (or spuriously)
 *	EAGAIN		*word differed already
 *	ETIMEDOUT	the deadline passed
 *	EINTR		only with RUMPUSER_PARK_INTR
 */
int	rumpuser_park(uint32_t *word, uint32_t expected, int flags,
	    int64_t deadline);

/* Wakes at most n sleepers on word (UINT32_MAX: all); returns how many. */
unsigned int rumpuser_unpark(uint32_t *word, unsigned int n, int flags);

#define RUMPUSER_CLOCK_WALL	0	/* since 1970-01-01 UTC */
#define RUMPUSER_CLOCK_MONO	1	/* since some start; never goes back */
#define RUMPUSER_CLOCK_CPU	2	/* the process's own CPU time */
#define RUMPUSER_CLOCK_WALL_COARSE 3	/* as WALL, perhaps some ms late; quick */
#define RUMPUSER_CLOCK_THREAD	4	/* the calling thread's own CPU time */

int64_t	rumpuser_clock_gettime(int clock);

/* --- memory ------------------------------------------------------------- */

/* Small memory, aligned to align (a power of two).  ENOMEM. */
int	rumpuser_malloc(size_t len, size_t align, void **ret_ptr);
void	rumpuser_free(void *ptr, size_t len);

/*
 * Zeroed page memory, len and align multiples of 4096.  HUGE is a hint that
 * large pages pay.  unmap takes what one map gave, whole.  discard gives the
 * content of pages back: they read as zeroes afterwards.
 */
#define RUMPUSER_PAGES_HUGE	0x01
int	rumpuser_pages_map(size_t len, size_t align, int flags, void **ret_ptr);
void	rumpuser_pages_unmap(void *ptr, size_t len);
void	rumpuser_pages_discard(void *ptr, size_t len);

/*
 * Copies from or to memory whose validity the kernel cannot know: the
 * pointers of a local client.  EFAULT if any byte of either side cannot be
 * read or written; what was copied before the fault stays copied.  The
 * strings' length in *ret_len counts the NUL; ENAMETOOLONG without a NUL in
 * the first max bytes.
 */
int	rumpuser_copy(void *dst, const void *src, size_t len);
int	rumpuser_copystr(char *dst, const char *src, size_t max,
	    size_t *ret_len);

/* --- host files --------------------------------------------------------- */

#define RUMPUSER_OPEN_RDONLY	0x00
#define RUMPUSER_OPEN_WRONLY	0x01
#define RUMPUSER_OPEN_RDWR	0x02
#define RUMPUSER_OPEN_ACCMODE	0x03
#define RUMPUSER_OPEN_CREATE	0x04	/* mode 0644 less the umask */
#define RUMPUSER_OPEN_EXCL	0x08
#define RUMPUSER_OPEN_BIO	0x10	/* will be used for block I/O */
#define RUMPUSER_OPEN_LOCK	0x20	/* advisory lock: EBUSY if others hold it */

enum rumpuser_filetype {
	RUMPUSER_FT_OTHER,
	RUMPUSER_FT_REG,
	RUMPUSER_FT_DIR,
	RUMPUSER_FT_BLK,
	RUMPUSER_FT_CHR,
};

struct rumpuser_fileinfo {
	enum rumpuser_filetype	fi_type;
	uint64_t		fi_size;	/* bytes; a block device's media */
	uint32_t		fi_secsize;	/* bytes; 512 for a file */
	bool			fi_rotational;	/* seeking is dear */
};

/* Both may block. */
int	rumpuser_open(const char *path, int flags, int *ret_fd);
int	rumpuser_close(int fd);
/*
 * By a thread of the host's, for descriptors that others made, whose end may take as long as they
 * like.  Never blocks.  done (or NULL) is called by that thread, outside of the kernel.
 */
void	rumpuser_close_apart(int fd, void (*done)(void *arg), void *arg);

int	rumpuser_fileinfo(const char *path, struct rumpuser_fileinfo *ret_info);
int	rumpuser_fdinfo(int fd, struct rumpuser_fileinfo *ret_info);

/* Same layout as the host's struct iovec. */
struct rumpuser_iov {
	void	*iov_base;
	size_t	 iov_len;
};

#define RUMPUSER_IOV_MAX	1024

/*
 * Synchronous scatter and gather at an offset; off < 0 uses and moves the
 * file position (consoles, pipes), and a read then returns what there is.
 * Else short counts happen at the end of a file only: the host repeats what
 * was cut short by anything else.  May block.
 */
int	rumpuser_iovread(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
	    int64_t off, size_t *ret_bytes);
int	rumpuser_iovwrite(int fd, const struct rumpuser_iov *iov,
	    size_t iovcnt, int64_t off, size_t *ret_bytes);

#define RUMPUSER_SYNC_DATA	0x01	/* file content, not its times */
#define RUMPUSER_SYNC_BARRIER	0x02	/* order only: later writes after earlier */

/* Waits until what was written is on stable media.  May block. */
int	rumpuser_syncfd(int fd, int flags);

/* Frees a range; it reads as zeroes afterwards.  EOPNOTSUPP.  May block. */
int	rumpuser_discard(int fd, uint64_t off, uint64_t len);

/*
 * Hint that [off, off+len) will be read soon (read-ahead below us).  Never
 * blocks for the data.
 */
void	rumpuser_willneed(int fd, uint64_t off, uint64_t len);

/*
 * Maps a range of a file for reading, shared with the host's cache, off a
 * multiple of 4096.  Reading it may block, and what the host cannot deliver
 * (the file shrank, the medium failed) is a fault: so the kernel reads it by
 * rumpuser_copy() only.  EOPNOTSUPP: not on this host, or not this file.
 */
int	rumpuser_file_map(int fd, uint64_t off, uint64_t len, void **ret_ptr);
void	rumpuser_file_unmap(void *ptr, uint64_t len);

enum rumpuser_bioop {
	RUMPUSER_BIO_READ,
	RUMPUSER_BIO_WRITE,
	RUMPUSER_BIO_FLUSH,	/* everything completed before is stable */
	RUMPUSER_BIO_DISCARD,
};

/*
 * One asynchronous request.  The caller owns it and keeps it and what it
 * points to unchanged until bio_done runs; bio_done runs once, on a host
 * thread that holds no vCPU, possibly before rumpuser_bio() returns, and may
 * free the request.  Requests are not ordered among each other.
 */
struct rumpuser_bio {
	enum rumpuser_bioop	 bio_op;
	int			 bio_fd;
	uint64_t		 bio_off;
	uint64_t		 bio_len;	/* DISCARD only */
	const struct rumpuser_iov *bio_iov;
	size_t			 bio_iovcnt;
	void			(*bio_done)(struct rumpuser_bio *, size_t bytes,
				    int error);
	void			*bio_arg;	/* the caller's */
	void			*bio_host[4];	/* the host's */
};

/* 0: bio_done was or will be called.  An errno: it will not. */
int	rumpuser_bio(struct rumpuser_bio *bio);

/* --- remote clients ------------------------------------------------------ */

/*
 * A set is what one thread waits for: listening sockets, and connections of
 * clients.  Connections never block but in rumpuser_spconn_wait().
 */
struct rumpuser_spset;
struct rumpuser_spconn;

int	rumpuser_spset_create(struct rumpuser_spset **ret_set);
void	rumpuser_spset_destroy(struct rumpuser_spset *set);

/*
 * Listens at a URL: "unix://PATH", "unix://@NAME", the same with
 * "unix+stream", for clients without shared memory, a socket that was
 * inherited, "fd://N", or "tcp://HOST:PORT" by a process that speaks TLS (or, if
 * that was started before, "front://N").  EINVAL: not a URL.  EPROTONOSUPPORT: not
 * served on this host.  EADDRINUSE, and whatever the host says.
 */
int	rumpuser_spset_listen(struct rumpuser_spset *set, const char *url);
/*
 * Starts that process (ENOENT: it is not there; words about keys and the like go to
 * stderr): its socket, and the URL as it is served.
 */
int	rumpuser_spfront_start(const char *url, int *ret_fd, char *ret_url,
	    size_t size);
void	rumpuser_spset_unlisten(struct rumpuser_spset *set);	/* at all of them */

#define RUMPUSER_SP_READ	0x01	/* there is something, or the end */
#define RUMPUSER_SP_WRITE	0x02	/* there is room, or the end */

struct rumpuser_spevent {
	void		*ev_cookie;	/* of spset_watch(); NULL: somebody connects */
	uint32_t	 ev_what;
};

/* ETIMEDOUT.  *ret_n is 0 after a wake.  May block. */
int	rumpuser_spset_wait(struct rumpuser_spset *set,
	    struct rumpuser_spevent *ev, size_t n, int64_t deadline,
	    size_t *ret_n);
void	rumpuser_spset_wake(struct rumpuser_spset *set);

struct rumpuser_sppeer {
	bool		 sp_local;	/* the host vouches for the next three */
	bool		 sp_own;	/* ... and it is the user that we are */
	bool		 sp_stream;	/* memory cannot be shared with it */
	uint32_t	 sp_uid, sp_gid;
	int32_t		 sp_pid;	/* as the server sees it, or 0 */
	char		 sp_name[64];	/* not local: whose key or certificate it has */
	char		 sp_text[64];	/* where it is, for people */
};

/* EAGAIN: nobody (any more). */
int	rumpuser_spset_accept(struct rumpuser_spset *set,
	    struct rumpuser_spconn **ret_conn, struct rumpuser_sppeer *ret_peer);
/* what 0: the set forgets it.  A connection is in one set at most. */
int	rumpuser_spset_watch(struct rumpuser_spset *set,
	    struct rumpuser_spconn *conn, void *cookie, uint32_t what);

/*
 * As much as there is, up to len.  *ret_got 0: the end.  A descriptor that came
 * along is *ret_fd (else -1), and the caller's; others are closed.  EAGAIN,
 * ECONNRESET.
 */
int	rumpuser_spconn_recv(struct rumpuser_spconn *conn, void *buf,
	    size_t len, int *ret_fd, size_t *ret_got);
/* As much as there is room for; fd (unless -1) goes with the first byte.  EAGAIN, EPIPE. */
int	rumpuser_spconn_send(struct rumpuser_spconn *conn, const void *buf,
	    size_t len, int fd, size_t *ret_sent);
/* Until what may be done, or somebody shuts it down.  ETIMEDOUT.  May block. */
int	rumpuser_spconn_wait(struct rumpuser_spconn *conn, uint32_t what,
	    int64_t deadline);
/*
 * The same without ever saying EAGAIN: all that the vectors hold, however long that
 * takes; and what there is, at least a byte, or *ret_got 0 for the end.  May block, until
 * somebody shuts it down.
 */
int	rumpuser_spconn_put(struct rumpuser_spconn *conn,
	    const struct rumpuser_iov *iov, size_t n);
int	rumpuser_spconn_get(struct rumpuser_spconn *conn,
	    const struct rumpuser_iov *iov, size_t n, size_t *ret_got);
void	rumpuser_spconn_shutdown(struct rumpuser_spconn *conn);
/* Its descriptor; and an end of the connection that leaves this one open. */
int	rumpuser_spconn_fd(const struct rumpuser_spconn *conn);
void	rumpuser_spconn_detach(struct rumpuser_spconn *conn);
void	rumpuser_spconn_close(struct rumpuser_spconn *conn);
/* A descriptor that a client sent is a connection to this very process. */
bool	rumpuser_spfd_leads_here(int fd);

/*
 * Memory to share with a client: a descriptor for it, of a size that nobody
 * can change.  discard: the pages read as zeroes afterwards.
 */
int	rumpuser_spmem_create(size_t len, int *ret_fd, void **ret_ptr);
void	rumpuser_spmem_destroy(int fd, void *ptr, size_t len);
void	rumpuser_spmem_discard(int fd, size_t off, size_t len);

/*
 * The calling thread will be the one that answers at a slot.  Its number is
 * *ret_tid (see SP_TIDMASK in sysproxy(7)).  When the thread dies, however it does, the
 * host marks *alive and then *turn as far as they have that number, and wakes
 * who sleeps on *turn.  The owner's memory stays until disown.  ENOSYS.
 */
struct rumpuser_spowner {
	void	*so_host[16];
};
int	rumpuser_spturn_own(struct rumpuser_spowner *owner, uint32_t *turn,
	    uint32_t *alive, uint32_t *ret_tid);
void	rumpuser_spturn_disown(struct rumpuser_spowner *owner);

/*
 * Rings a bell that a client sent: a socket, whatever it claims to be.  Never
 * blocks; nothing can go wrong that is ours to mend.
 */
void	rumpuser_spbell_ring(int fd);
/* The same with an eventfd(2) of this process. */
void	rumpuser_event_signal(int fd);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMPUSER_H */
