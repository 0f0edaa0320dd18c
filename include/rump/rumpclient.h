/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpclient.h - being a process of a rump kernel that runs elsewhere
 *
 * rumpclient_init() makes the calling process a client of the server that
 * RUMP_SERVER names ("unix://PATH" or "unix://@NAME", the same with "unix+stream"
 * where no memory is to be shared);
 * afterwards the rump_sys_*() functions of <rump/rump_syscalls.h>, which this
 * library has as well as librump, are carried out there.
 *
 * Descriptors, credentials, working directory and the like belong to the
 * client's process in the kernel (a proc).  It ends with the connection.
 *
 * Unless their comment says otherwise, functions return -1 and set errno.
 * Those of the second half keep the manners of the kernel: a result or a
 * negative errno, errno untouched, nothing of the C library called; they may
 * be called by signal handlers and by threads that the library does not know.
 *
 * Manual: rumpclient(3), sysproxy(7).
 */

#ifndef RUMP_RUMPCLIENT_H
#define RUMP_RUMPCLIENT_H

#include <sys/types.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Connects to RUMP_SERVER, or takes over the connection that
 * rumpclient_exec() left to this program.  Idempotent.  ENOENT: nothing is
 * set.  EPROTONOSUPPORT: the server speaks another version.
 */
int	rumpclient_init(void);
int	rumpclient_connect(const char *url);	/* the same with a URL */

/*
 * A system call by its Linux number, with datalen / sizeof(long) arguments
 * from data.  retval[0] is its result, retval[1] is 0.  Returns 0 or an errno.
 */
int	rumpclient_syscall(int nr, const void *data, size_t datalen, long retval[2]);

/*
 * Forking.  Before: the parent's proc is made ready to be copied (NULL:
 * errno).  Then fork(2), and in the child _init(), which makes it a proc of
 * its own with copies of all descriptors; a parent that did not fork after all,
 * or could not, says _cancel().  A ticket is good for one child and dies with
 * the connection.
 *
 * A child of vfork(2) says _init() too; in the parent _vparent() follows, since
 * the memory that the child changed is its own.
 */
struct rumpclient_fork;
struct rumpclient_fork *rumpclient_prefork(void);
int	rumpclient_fork_init(struct rumpclient_fork *ticket);
void	rumpclient_fork_cancel(struct rumpclient_fork *ticket);
void	rumpclient_fork_vparent(struct rumpclient_fork *ticket);
void	rumpclient_fork_parent(struct rumpclient_fork *ticket);	/* after fork(2) */
pid_t	rumpclient_fork(void);			/* all of it */

/*
 * As vfork(3): in the child nothing but rumpclient_exec() and _exit(2) is
 * allowed.  The child has the memory for itself (it is a fork).
 */
pid_t	rumpclient_vfork(void);

/* execve(2) that keeps the proc; descriptors with FD_CLOEXEC are closed. */
int	rumpclient_exec(const char *path, char *const argv[], char *const envp[]);

/* daemon(3) that keeps the proc. */
int	rumpclient_daemon(int nochdir, int noclose);

/* The server has said that it will end in so many seconds; -1: it has not. */
int	rumpclient_stopping(void);

/*
 * What happens when the server is gone: so many seconds are spent on trying to
 * reach it again.  0 (the default): calls fail with ENOTCONN.  A new
 * connection is a new proc, without the old descriptors: those answer
 * ECONNRESET.  RUMPCLIENT_RETRYCONN in the environment says the same: a number, "once",
 * "inftime" or "die".
 */
#define RUMPCLIENT_RETRYCONN_INFTIME	((time_t)-1)
#define RUMPCLIENT_RETRYCONN_ONCE	((time_t)-2)
#define RUMPCLIENT_RETRYCONN_DIE	((time_t)-3)	/* exit(10) */
int	rumpclient_setconnretry(time_t seconds);

/*
 * The program is about to close or overwrite descriptors of the host by
 * number: ours among them move away.  Returns 1 if it need not do anything
 * more about *fd (CLOSE of ours), 0 if it may go on.
 */
enum rumpclient_closevariant {
	RUMPCLIENT_CLOSE_CLOSE,		/* close(*fd) */
	RUMPCLIENT_CLOSE_DUP2,		/* dup2(x, *fd) */
	RUMPCLIENT_CLOSE_FCLOSEM,	/* all from *fd on */
};
int	rumpclient__closenotify(int *fd, enum rumpclient_closevariant variant);

/* --- in the kernel's manners ------------------------------------------------ */

long	rumpclient_syscall_args(unsigned int nr, const unsigned long args[6]);

/*
 * By a signal handler, at its end: a call that the thread is in the middle of is interrupted, if it
 * has to wait, as if the signal had come while it slept.  Only the host sees that by itself, and only
 * once the thread sleeps.  restart: the handler has SA_RESTART.
 */
void	rumpclient_interrupt(bool restart);

/*
 * A bell is a descriptor of the host (non-blocking, closed on exec) that becomes readable
 * when the server rings it; read(2) of 8 bytes, repeated until EAGAIN,
 * silences it.  It is not an eventfd(2), since the server must be able to write to it
 * without ever having to wait.
 */
int	rumpclient_bell(void);
void	rumpclient_bell_close(int bell);	/* instead of close(2) */

/*
 * The bell rings from now on whenever the kernel's descriptor r may have
 * become ready for something, until r is closed or the same is said with bell -1.
 * Says nothing about how things are now: poll afterwards.
 */
int	rumpclient_notify(int r, int bell);

/*
 * Polls the kernel's descriptors in fds: the number of those that are ready; or 0,
 * and then the bell rings (once at least, perhaps in vain) as soon as one may
 * be.  Arming a bell again, or with n 0, forgets the last time.
 */
int	rumpclient_poll_arm(struct pollfd *fds, unsigned int n, int bell);

/*
 * The kernel's descriptor r as a descriptor of the host, which can be sent through local sockets.  It
 * holds the file until its last copy is closed.  -errno.
 */
int	rumpclient_parcel(int r);

/* What is in it, a new descriptor of the kernel, of any client of the same one.  -EINVAL: fd is no parcel. */
int	rumpclient_unparcel(int fd);

/*
 * A new descriptor of the kernel that stands for fd of the host: it can be sent through local sockets of the
 * kernel, and closed, and nothing else.  -EOPNOTSUPP: the server is not on this machine.
 * -ETOOMANYREFS: the user has lent too many.
 */
int	rumpclient_lend(int fd);

/*
 * What r stands for, a new descriptor of the host with FD_CLOEXEC set.  -EINVAL: r is a file of the
 * kernel.  -EMFILE: the host has no number for it.
 */
int	rumpclient_fetch(int r);

/*
 * Each thread has a slot at the server, taken by its first call and given back when it ends.
 * A thread that was not made by pthread_create(3) gives it back by itself.
 */
void	rumpclient_thread_detach(void);

/*
 * A child of fork(2) or vfork(2) which shall become a client only after an exec:
 * it connects here, by system calls and with memory of its own stack alone, and
 * writes "NAME=VALUE" of at most size bytes to env, to be put in the environment of the
 * new program, whose rumpclient_init() goes on from there.  The descriptor
 * it names must survive the exec.
 */
#define RUMPCLIENT_ENVLEN	320
int	rumpclient_fork_exec(struct rumpclient_fork *ticket, char *env, size_t size);

/* The same for an exec of the calling process itself. */
int	rumpclient_exec_env(char *env, size_t size);

/* The exec failed: the process goes on as it is. */
void	rumpclient_exec_failed(void);

/*
 * The descriptors of the host that the library owns now: at most max of them, *ret_n
 * that there are.  Who manages descriptors for others keeps their hands off.
 */
int	rumpclient_ownfds(int *fds, unsigned int max, unsigned int *ret_n);

/* Called whenever one more is ours, or is not any longer; in the manner of a handler. */
typedef void rumpclient_fdnotify_fn(int fd, bool ours);
void	rumpclient_setfdnotify(rumpclient_fdnotify_fn *fn);

/* Ours shall have numbers >= min (of the host). */
void	rumpclient_setfdmin(int min);

/*
 * All that the library asks of the host goes through this function, once it
 * is set; it has the manners of the system call itself.
 */
typedef long rumpclient_hostcall_fn(long nr, long a, long b, long c, long d, long e, long f);
void	rumpclient_sethostcall(rumpclient_hostcall_fn *fn);

/*
 * Bad pointers of a call are found by touching them.  A program that keeps
 * its own handler for SIGSEGV and SIGBUS calls this first: true if the fault
 * was ours, and then the handler just returns.  context: of a SA_SIGINFO handler.
 */
bool	rumpclient_fault(void *context);

/*
 * Pointers in calls mean memory of another process, on whose behalf they are made (a
 * debugger, a supervisor).  Set before the first call, constant since.  Functions
 * return 0 or an errno.
 */
struct rumpclient_memory {
	int	(*rm_read)(void *to, uint64_t from, size_t len);	/* EFAULT */
	int	(*rm_write)(uint64_t to, const void *from, size_t len);
	/* With its NUL, into max bytes; ENAMETOOLONG.  ret_len: with the NUL. */
	int	(*rm_string)(char *to, uint64_t from, size_t max, size_t *ret_len);
	/* Anonymous memory there. */
	int	(*rm_map)(uint64_t len, uint64_t *ret_addr);
	/* Can the byte be written?  It is what it was afterwards. */
	int	(*rm_touch)(uint64_t addr);
	/* Signals for the caller, a bit each from bit 0 for number 1. */
	void	(*rm_signal)(uint64_t set);
};
void	rumpclient_setmemory(const struct rumpclient_memory *memory);

/* The pid of our proc in the kernel; 0: not connected. */
pid_t	rumpclient_getpid(void);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMPCLIENT_H */
