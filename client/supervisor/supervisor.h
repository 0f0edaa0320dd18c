/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * supervisor.h - what the parts of rumpus-supervise share
 *
 * The supervisor is the third engine of the hijack, for programs in which no code of ours can be:
 * static ones, and those whose run time makes its own system calls.  A filter
 * (seccomp_unotify(2)) stops the calls that the policy may want; a thread of ours looks at each,
 * with the same rules as the other engines (client/hijack), and answers it or lets it go on.
 *
 *	setup.c		starts the program under its filter
 *	front.c		stands for the program where that cannot be itself
 *	adopt.c		what a preloaded program had before it executed this one
 *	filter.c	the filter
 *	worker.c	threads that take calls and answer them
 *	watch.c		signals and deaths of programs that wait for us
 *	target.c	the processes, and what we know of their descriptors
 *	birth.c		those that were made and have not called yet
 *	fdmap.c		placeholders
 *	swap.c		placeholders that step aside for a call
 *	hand.c		calls that a thread makes for us
 *	memory.c	their memory
 *	limits.c	how large files may become
 *	rule_*.c	rules that differ from those of a program in which we are
 *
 * It is a convenience and no sandbox: a call that goes on is read again by the host, and another
 * thread of the program may have changed what its pointers lead to.
 *
 * Each process is a proc of the kernel.
 */

#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../hijack/hijack.h"
#include "../hijack/path.h"
#include "../librumpclient/many.h"

/* A rule's result: the host carries the call out as it is. */
#define CALL_GOES_ON	(-0x7000000000000000L)
/* Is restarted by the host after its signal handlers, as it does its own (ERESTARTSYS). */
#define CALL_RESTARTS	512

/*
 * Stacks of workers lie where no program has memory, so that a pointer tells by itself whether it
 * is the program's or ours.
 */
#define STACKS_BASE	0x2a5200000000UL
#define STACK_SIZE	0x100000UL
#define NWORKERS	96

static inline bool
memory_ours(unsigned long addr)
{
	return addr - STACKS_BASE < NWORKERS * STACK_SIZE;
}

/* --- targets (target.c) ----------------------------------------------------------- */

/* Field key:	c  constant		t  targets_lock		a  atomic */
struct target {
	struct target	*t_next;	/* t */
	pid_t		 t_pid;		/* c: thread group */
	int		 t_pidfd;	/* c */
	struct many	*t_session;	/* c: what it is in the kernel */
	unsigned int	 t_refs;	/* t: its being there, workers in its calls */
	int32_t		*t_entry;	/* a: by descriptor, as in fdmap_table; the pointer: t */
	unsigned int	 t_nentries;	/* t */
	bool		 t_execs;	/* a: the next call may be another program's */
	atomic_bool	 t_ends;	/* a: exit_group(2) is under way: no other call is answered */
	uint32_t	 t_cwd;		/* a: enum cwd_kind */
	pid_t		 t_handtid;	/* a: this thread executes what we tell it */
	struct mapping	*t_maps;	/* rule_mmap.c */
	struct swap	*t_swaps;	/* swap.c */
	unsigned long	 t_writable[16];	/* a: addresses of pages that were; memory.c */
};

extern const char *server_url;

/* The target of thread tid, held; NULL: it is gone. */
struct target *target_enter(pid_t tid);
/* The target of process pid is made if it is not there; parent is its parent's number. */
bool	target_meet(pid_t pid, pid_t parent);
void	target_hold(struct target *t);
void	target_leave(struct target *t);
void	target_thread_ends(pid_t tid);
/* A pidfd became readable. */
void	target_dies(pid_t pid);
int32_t	target_entry(struct target *t, unsigned long n);
/* Returns what it was. */
int32_t	target_set(struct target *t, unsigned long n, int32_t entry);
/* Is any descriptor not the host's? */
bool	target_has(struct target *t);
/* Is there another name of it? */
bool	target_names(struct target *t, int32_t entry);
/* For each descriptor that is not the host's. */
void	target_each(struct target *t, void (*fn)(struct target *t, unsigned int n, int32_t entry));
/* In a call of it: what its descriptors are is found anew, now or at the next call of its thread. */
void	target_scan(struct target *t);
void	target_rescan(pid_t tid);
/* A descriptor with this entry, of anybody, held; NULL: there is none. */
struct target *target_with(int32_t entry, unsigned long *ret_n);
/* A call of it to the kernel, from wherever we are. */
long	target_call(struct target *t, unsigned int nr, const unsigned long args[6]);
/* /proc says of a thread: its process and that one's parent; false: it is gone. */
bool	target_ask(pid_t tid, pid_t *ret_pid, pid_t *ret_parent);
void	target_who(pid_t pid, struct many_who *who);

/* --- processes to come (birth.c) ---------------------------------------------------- */

/* Thread tid of t is about to fork. */
void	birth_announce(struct target *t, pid_t tid);
/* The new target is that process, if it was announced: it gets its descriptors and session. */
bool	birth_claim(struct target *t, pid_t parent);
/* t ends, by itself: those that it made are met while it is known that it made them. */
void	birth_meet(struct target *t, pid_t tid);
/* t has ended. */
void	birth_orphan(struct target *t);
/* Nobody has this entry any more, but perhaps who never came. */
void	birth_forget(int32_t entry);

/* --- calls under way (worker.c) ------------------------------------------------------ */

struct visit {
	struct seccomp_notif v_call;
	struct target	*v_target;
	struct many_thread *v_kernel;	/* NULL: it made no call to the kernel yet */
	_Atomic uint64_t v_busy;	/* the call's id, 0: none */
	_Atomic pid_t	 v_tid;		/* of the worker */
	_Atomic bool	 v_signal;	/* the program has a signal waiting */
	bool		 v_own;		/* pointers are ours */
	bool		 v_answered;	/* before its rule has ended */
	unsigned long	 v_maskaddr;	/* it waits with another mask of signals */
	_Atomic uint64_t v_mask;	/* that; watch.c */
	_Atomic bool	 v_masked;
	/* watch.c */
	_Atomic uint64_t v_seen;
	unsigned int	 v_ticks;
};

extern struct visit visits[NWORKERS];
extern __thread struct visit *visit;
extern int listener;

/* First worker. */
int	worker_start(void);
/* The program goes on.  CALL_GOES_ON, a result, -errno. */
void	visit_answer(struct visit *v, long ret);
/* Is the call still to be answered? */
bool	visit_valid(const struct visit *v);
/* The call waits with the mask of signals at addr; 0: with the thread's own.  -EFAULT, -EINVAL. */
long	visit_mask(unsigned long addr, size_t size);
/* A descriptor of ours becomes the program's n, or its lowest if n is -1.  -errno. */
long	visit_give(int fd, long n, bool cloexec);

/* --- the rest ---------------------------------------------------------------------------- */

int	watch_start(void);
/* In the program that will be: descriptors, closed by its exec, that the supervisor takes. */
void	watch_signals_make(int32_t ret_fd[2]);
void	watch_signals_take(int pidfd, const int32_t fd[2]);
void	watch_hint(void);		/* a call is under way */
void	watch_pidfd(int pidfd, pid_t pid);
void	watch_placeholder(int fd, uint32_t index);

/* fdmap.c */
/* The entry for a descriptor of the program that leads to pipe number ino: one more name. */
int32_t	fdmap_find(uint64_t ino);
void	fdmap_hangup(uint32_t index);
/* The entry of a child has the same file. */
int32_t	fdmap_copy(int32_t entry);
/* A name of t is gone; the kernel's goes with the last of them. */
void	fdmap_close(struct target *t, unsigned long n);
/* An entry without a name any more, of a table that is gone with its session. */
void	fdmap_forget(int32_t entry);
/* The program's old gets another name: n, or the lowest if that is -1. */
long	fdmap_again(unsigned long old, long n, bool cloexec);

/*
 * Before there is a second thread: behind the program's n, which is this process's, comes a pipe for
 * the kernel's r.  False: there is no room.
 */
bool	fdmap_adopt(unsigned long n, int r);
/* For each of these. */
void	fdmap_adopted(void (*fn)(uint32_t index, int r, int end));

/* adopt.c, in the order of their calls. */
void	adopt_descriptors(void);	/* in the process that becomes the program */
void	adopt_leave(void);		/* the same, once there is a supervisor */
int	adopt_connect(const char *url);	/* in the supervisor: -errno */
void	adopt_close_others(int report);	/* all but 0, 1, 2, report, and what was adopted */
void	adopt_finish(pid_t pid);	/* the program has this number */
/* The new target is the program: it gets what was adopted. */
bool	adopt_claim(struct target *t);

/* front.c: until the program ends, as it did. */
_Noreturn void	front_wait(pid_t child, int report, const int32_t *pid, const sigset_t *mask);

int	filter_install(void);
int	memory_start(void);

/* A call of the host that is not as the program made it. */
long	host_changed(long nr, const unsigned long args[6]);

/*
 * swap.c: behind the program's n is our fd for the rest of this call; CALL_GOES_ON or -errno.  In the
 * thread's next one (tid), or another's (all), that is over.
 */
long	swap_begin(unsigned long n, int fd);
void	swap_end(struct target *t, pid_t tid, bool all);
void	swap_forget(struct target *t);

/* rule_mmap.c */
long	mmap_flush_target(struct target *t);
void	mmap_forget(struct target *t);
struct mapping *mmap_inherit(const struct target *parent);
void	mmap_disinherit(struct mapping *list);

/* limits.c */
void	limits_rules(void);
/* The new target, whose session is a new one: the kernel is told its limit. */
void	limits_tell(struct target *t);
/* The visit's call was refused with EFBIG. */
void	limits_exceeded(void);

/* rule_*.c */
void	target_rules(void);
void	host_rules(void);

/* rule_target.c: this call's way to the kernel; -errno. */
int	visit_session(void);
int	visit_bell(void);

/* rule_epoll.c: companions as entries. */
void	companion_drop(struct target *t, int32_t entry);	/* t: whose the kernel's is; NULL: gone */
int32_t	companion_copy(int32_t entry);
void	companion_hold(int32_t entry);
int	companion_epoll(int32_t entry);		/* our copy of the host's */
int	companion_kernel(int32_t entry);	/* -1: there is none yet */

#endif /* SUPERVISOR_H */
