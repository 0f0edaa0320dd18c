/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hijack.h - what the parts of librumphijack share
 *
 * A call comes in through an engine (entry_x86_64.S, symbol.c, trap.c), which ends in
 * hijack_syscall().  A table by number leads to the rule of the call (dispatch.c),
 * and a rule decides whose the call is: the host's (host_args) or the kernel's
 * (kernel_call), or does part of it here and part of it there.
 *
 * Rules read and write the program's memory through mem_*(), and they take the calls of
 * a program whose calls the host already sees as they are for what they are: numbers.
 */

#ifndef HIJACK_HIJACK_H
#define HIJACK_HIJACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "entry.h"
#include "host.h"

/* --- threads (call.c) ----------------------------------------------------- */

/* A signal that came at a bad time (signal.c). */
struct self_later {
	int		 sl_signo;
	unsigned char	 sl_info[128];	/* siginfo_t */
};

#define SELF_LATER	16

#define SIGNALLED_RAN		1U
#define SIGNALLED_NORESTART	2U	/* one without SA_RESTART did */

/* Of each thread; all zero at first.  A child of vfork(2) has its parent's. */
struct self {
	unsigned int	 s_depth;	/* > 0: what it calls is meant for the host */
	bool		 s_vfork;	/* in a child that shares our memory */
	bool		 s_ends;	/* it ends the process */
	bool		 s_keeps;	/* who will put back what that child changed (cwd.c) */
	bool		 s_forking;	/* between the hooks of a fork */
	bool		 s_plain;	/* came as a function call: vector registers are free */
	bool		 s_cancelled;	/* the signal of pthread_cancel(3) was put aside */
	int		 s_waker;	/* bell to wait with, + 1 */
	uint32_t	 s_signalled;	/* handlers ran since the program's call began: SIGNALLED_* */
	unsigned int	 s_inmmap;	/* > 0: the kernel is called for the sake of mappings */
	unsigned int	 s_nlater;
	struct self_later s_later[SELF_LATER];
};

extern __thread struct self self __attribute__((__visibility__("hidden")));

/* --- rules (dispatch.c) --------------------------------------------------------- */

typedef long rule_fn(long nr, const unsigned long args[6]);

/* By number; NULL: always the host's. */
extern rule_fn *dispatch_rules[HIJACK_NCALLS];

/* What follows from the descriptions of calls; the rules by subject come after it. */
void	dispatch_init(void);
void	call_init(void);	/* all of them */
/* The rule of call nr; class: what the fast way out may know. */
void	dispatch_set(unsigned int nr, uint8_t hijack_class, rule_fn *fn);

/* To the kernel, with its descriptors in args.  Starts it if need be. */
long	kernel_call(unsigned int nr, const unsigned long args[6]);
/* The process ends: calls of its other threads do not return any more. */
void	kernel_ends(void);
#define kernel_syscall(nr, ...)	KERNEL_SYSCALL_(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define KERNEL_SYSCALL_(nr, a, b, c, d, e, f, ...)					\
	kernel_call_own((nr), (const unsigned long [6]){ (unsigned long)(a), (unsigned long)(b),	\
	    (unsigned long)(c), (unsigned long)(d), (unsigned long)(e), (unsigned long)(f) })

/*
 * A call of the host that waits and that a handler always ends (ppoll, epoll_pwait): -EINTR also if the
 * handler ran before, since the program's call began, unless there is something at once.  timeout: the
 * number of the argument that is one, for which zero_timeout makes it not wait.
 */
long	host_wait(long nr, const unsigned long args[6], unsigned int timeout, unsigned long zero_timeout);

/* The backend's; bells are hidden from the program. */
int	kernel_bell(void);
void	kernel_bell_close(int bell);
int	kernel_parcel(int r);
int	kernel_unparcel(int fd);
int	kernel_lend(int fd);
int	kernel_fetch(int r);
int	kernel_poll_arm(struct pollfd *fds, unsigned int n, int bell);

/*
 * kernel_call with pointers that are all our own.  In the program itself that is no difference; a
 * supervisor takes what does not lie on its stacks for the program's.
 */
#ifdef HIJACK_SUPERVISOR
long	kernel_call_own(unsigned int nr, const unsigned long args[6]);
#else
#define kernel_call_own	kernel_call
#endif

/* May the program have anything of the kernel? */
static inline bool
kernel_known(void)
{
#ifdef HIJACK_SUPERVISOR
	return true;
#else
	return backend != NULL;
#endif
}

/* The backend, started.  NULL: it cannot be, and that was said. */
const struct backend *kernel_backend(void);

/* --- the program's memory (mem_self.c) -------------------------------------------- */

/* False: EFAULT. */
bool	mem_read(void *to, unsigned long from, size_t len);
bool	mem_write(unsigned long to, const void *from, size_t len);
/* A string with its NUL into size bytes: its length, or -EFAULT, -ENAMETOOLONG. */
long	mem_string(char *to, unsigned long from, size_t size);

/* In a signal handler: was it one of these that faulted?  Then it goes on there. */
bool	mem_fault(void *ucontext);

/* Memory of our own for the time of a call; NULL: none. */
void	*mem_get(size_t len);
void	mem_put(void *mem, size_t len);

/* --- descriptors (fdmap.c) ---------------------------------------------------------- */

#define FDMAP_HOST	0		/* entries of the table: the host's, */
#define FDMAP_HIDDEN	(-1)		/* ours, of which the program knows nothing, */
#define FDMAP_EPOLL	(-2)		/* this or less: the host's epoll with a companion, */
					/* or the kernel's number + 1 */
/* Ours get numbers from here on: out of the way, but not above any limit. */
#define FDMAP_HIDEFROM	900

#ifdef HIJACK_SUPERVISOR
int32_t	fdmap_entry(unsigned long n);		/* of the program that calls */
#else
extern int32_t fdmap_table[HIJACK_NFDS];

static inline int32_t
fdmap_entry(unsigned long n)
{
	unsigned int fd = (unsigned int)n;

	return fd < HIJACK_NFDS ? __atomic_load_n(&fdmap_table[fd], __ATOMIC_ACQUIRE) : FDMAP_HOST;
}
#endif

/* The kernel's number of the program's n; -1: it is not one of the kernel's. */
static inline int
fdmap_get(unsigned long n)
{
	int32_t entry = fdmap_entry(n);

	return entry > 0 ? entry - 1 : -1;
}

void	fdmap_init(unsigned int from);
/* After an exec: finds what came along.  What nobody has any more is closed in the kernel. */
void	fdmap_inherit(void);
bool	fdmap_inherited(void);		/* is there any? */
/* A number of the program for the kernel's r, which is closed if there is none. */
long	fdmap_new(int r, bool cloexec);
/* Is there a number left?  0 or -errno. */
long	fdmap_room(void);
/* The lowest number becomes another name of the kernel's n. */
long	fdmap_dup(unsigned long n, bool cloexec);
/* n, which was the host's, is r from now on; r is closed if that cannot be. */
void	fdmap_become(unsigned long n, int r, bool cloexec);
/* n has been made another name of r (dup).  The new reference is counted here. */
void	fdmap_add(unsigned long n, int r);
/* False: n's entry is not old any more. */
bool	fdmap_swap(unsigned long n, int32_t old, int32_t entry);
/* to is another name of what entry stood for. */
void	fdmap_follow(unsigned long to, int32_t entry);
/* n goes: the reference is dropped, the kernel's descriptor with the last. */
void	fdmap_drop(unsigned long n);
/* One of our own: moved out of the way if it is not, then closes fd. */
int	fdmap_hide(int fd);
void	fdmap_mark(int fd);		/* the same where it is */
void	fdmap_unhide(int fd);

/* --- policy (policy.c) ----------------------------------------------------------------- */

struct policy {
	bool		 po_family[64];	/* sockets of these are the kernel's */
	bool		 po_allsockets;
	char		 po_prefix[256];	/* path=; "" none */
	size_t		 po_prefixlen;
	bool		 po_exists;	/* the host has a file of that name */
	char		 po_blanket[1024];	/* blanket=, colons between */
	unsigned int	 po_fdoff;	/* 0: the lowest */
	bool		 po_vfs[3];	/* vfs=: nfssvc, getvfsstat, fhcalls */
	bool		 po_sysctl;
	bool		 po_ids;
};

extern struct policy policy;

/* RUMPHIJACK's text; false after a word to the user. */
bool	policy_parse(const char *text);
bool	policy_socket(int family);

/* --- rules by subject -------------------------------------------------------------------- */

void	fd_rules(void);			/* fd.c */
void	sock_rules(void);		/* sock.c */
void	sockmsg_rules(void);		/* sockmsg.c */
void	poll_rules(void);		/* poll.c */
void	epoll_rules(void);		/* epoll.c */
void	name_rules(void);		/* name.c */
void	ring_rules(void);		/* ring.c */
void	rw_rules(void);			/* rw.c */
void	mmap_rules(void);		/* mmap.c */
void	exec_rules(void);		/* exec.c */
void	process_rules(void);		/* process.c */
void	ids_rules(void);		/* ids.c */
/* The kernel has just been started: it gets the host's limits of sizes. */
void	process_limits(void);
/* A call was refused with EFBIG. */
void	process_too_large(void);

/*
 * Rings of packet sockets (ring.c).  Has r one?  Then it is filled, if ret_ready is given, which says whether
 * there is something to see in it.  all: each is filled.  mmap: false: r has none.
 */
bool	ring_poll(int r, bool *ret_ready);
void	ring_poll_all(void);
bool	ring_mmap(int r, const unsigned long args[6], long *ret);
void	ring_close(int r);

/*
 * Around calls to the kernel while there are shared mappings of its files, so that these and the calls have
 * the same contents.
 */
extern uint32_t mmap_nregions;
void	mmap_before(unsigned int nr, const unsigned long args[6]);
void	mmap_after(unsigned int nr, const unsigned long args[6], long done);

/* What shared mappings changed goes to their files. */
void	mmap_flush(void);

void	signal_rules(void);		/* signal.c */
/* SIGSYS comes to us from now on, whatever the program says. */
long	signal_trap(void);
/* rt_sigaction(2) by who is not the program. */
long	signal_inner(const unsigned long args[6]);
/* What was put aside arrives; true: the call it came in may be restarted. */
bool	signal_deliver(void);

/*
 * The kernel's descriptor for the program's n, which leads to r, in any epoll instance (shadow.c).
 * -ENOENT: it cannot be in one, and shall not get one.
 */
long	shadow_of(unsigned long n, int r, bool make);
void	shadow_close(int r);

/* After fork(2): what is shared from now on. */
void	epoll_forked(bool child);

/* The kernel's epoll beside one of the host's, by its entry; -1: there is none. */
int	epoll_companion(int32_t entry);
void	epoll_refresh(int32_t entry, int ep);
void	epoll_hold(int32_t entry);
void	epoll_release(int32_t entry);

/* This thread's bell; -errno. */
int	poll_waker(void);
/* The calling thread has something that must go when it ends (thread.c). */
void	thread_notice(void);

#endif /* HIJACK_HIJACK_H */
