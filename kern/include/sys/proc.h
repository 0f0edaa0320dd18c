/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * proc.h - client processes
 *
 * proc 0 is the kernel, proc 1 the local program; each remote or hijacked
 * client is a proc of its own.  A proc has credentials, descriptors, limits,
 * and per-faction data (working directory and root, for vfs).
 */

#ifndef SYS_PROC_H
#define SYS_PROC_H

#include <lib/list.h>
#include <linux/resource.h>
#include <sys/mutex.h>
#include <sys/types.h>

struct cred;
struct fdtable;
struct lwp;
struct proc;

/*
 * How the kernel reaches a client's memory; see copy.h.  The first three may have to ask
 * the client, who answers when he likes: they sleep, and must not be called with a
 * lock held that others want.  The rest never asks but for vm_touch, which tells
 * whether memory can be written (EFAULT).
 */
struct vmops {
	int	(*vm_copyin)(void *cookie, const void *uaddr, void *kaddr, size_t len);
	int	(*vm_copyout)(void *cookie, const void *kaddr, void *uaddr, size_t len);
	int	(*vm_copyinstr)(void *cookie, const char *uaddr, char *kaddr,
		    size_t max, size_t *ret_len);
	int	(*vm_touch)(void *cookie, void *uaddr, size_t len);
	/* How many of the bytes can be moved without asking. */
	size_t	(*vm_ready)(void *cookie, const void *uaddr, size_t len,
		    bool write);
	/* While it is quiet the client is not asked: EFAULT instead. */
	void	(*vm_setquiet)(void *cookie, bool quiet);
};

/* Data that other factions hang on each proc. */
enum proc_slot {
	PROC_SLOT_VFS,
	PROC_SLOT_NET,
	PROC_NSLOTS,
};

#define PROC_FORK_COPYFD	0x01	/* the child's descriptors: copies */
#define PROC_FORK_CLEARFD	0x02	/* ... or none but the console's */

struct proc_slot_ops {
	/* A copy (or with share, the same with one more reference). */
	int	(*ps_fork)(struct proc *parent, struct proc *child);
	void	(*ps_exit)(struct proc *p);
};

/*
 * Field key:	c  constant since creation	a  atomic	p  p_lock
 *		q  replaced under p_lock, read lock-free (qsbr)
 */
struct proc {
	kmutex_t	 p_lock;
	pid_t		 p_pid;		/* c */
	struct proc	*p_parent;	/* p of proclist: NULL once it is gone */
	pid_t		 p_ppid;	/* a: getppid() */
	pid_t		 p_pgid;	/* p */
	pid_t		 p_sid;		/* p */
	unsigned int	 p_refs;	/* a: lwps and look-ups */
	struct list	 p_lwps;	/* p */
	unsigned int	 p_nlwps;	/* p */
	struct cred	*p_cred;	/* q */
	struct fdtable	*p_fd;		/* a: a shared or own table; replaced by fdtable_unshare() */
	void		*p_slot[PROC_NSLOTS];	/* owner faction */
	const struct vmops *p_vm;	/* c, before the first lwp: NULL for the local address space */
	void		*p_vmcookie;	/* c */
	uint64_t	 p_sigpend;	/* a: for a remote client, a bit each */
	int32_t		 p_pidfd;	/* a: ... the host's descriptor of it, + 1; set once */
	int32_t		 p_hostpid;	/* a: of a remote client, as the server sees it; or 0 */
	struct rlimit64	 p_rlimit[RLIM_NLIMITS];	/* p */
	struct list_node p_link;	/* proclist */
	uint64_t	 p_calls;	/* p: system calls of lwps that have ended */
	uint64_t	 p_start;	/* c: clock_mono at creation */
	char		 p_comm[16];	/* p */
};

extern struct proc proc0;

static inline struct proc *curproc(void);

/*
 * A child of parent with one lwp.  flags: PROC_FORK_*; neither shares the
 * descriptor table.  EINVAL for both.
 */
int	proc_fork(struct proc *parent, unsigned int flags, struct proc **ret_p);
struct proc *proc_find(pid_t pid);	/* referenced, or NULL */
/*
 * The number that clients are shown where one process learns of another (SO_PEERCRED, F_GETLK): getpid(2) of
 * remote ones is their host's, and so is this.
 */
pid_t	proc_shownpid(const struct proc *p);
struct proc *proc_find_shown(pid_t pid);	/* by that one; referenced, or NULL */
void	proc_hold(struct proc *p);
void	proc_rele(struct proc *p);	/* the last one ends it; may sleep */

/* Calls fn for each proc until it returns non-zero, which is returned. */
int	proc_iterate(int (*fn)(struct proc *, void *), void *arg);

void	proc_slot_register(enum proc_slot slot, const struct proc_slot_ops *ops);

uint64_t proc_rlimit(struct proc *p, int resource);	/* the soft limit */

/* proc 1: where implicit lwps live.  Valid after boot. */
struct proc *proc_local(void);

#include <sys/lwp.h>

static inline struct proc *
curproc(void)
{
	return curlwp()->l_proc;
}

#endif /* SYS_PROC_H */
