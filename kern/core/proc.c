/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * proc.c - client processes: birth, look-up, end
 *
 *	proc_fork() -> lives while it has lwps -> proc_lastlwp(): gives back
 *	descriptors, slots and credentials, leaves the list -> the last
 *	reference frees the memory
 *
 * proc 0 and proc 1 never end.
 *
 * Locking: proclist_lock -> p_lock.  proclist_lock protects the list, the
 * parents and the numbers.
 */

#include <sys/proc.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "proc_impl.h"

#define PID_MAX	4194304		/* as Linux on 64-bit machines */

struct proc proc0;

static kmutex_t proclist_lock;
static struct list proclist = LIST_INITIALIZER(proclist);
static struct proc *proc1;
static pid_t lastid;			/* a */
static const struct proc_slot_ops *slot_ops[PROC_NSLOTS];

static const struct rlimit64 rlimit_default[RLIM_NLIMITS] = {
	[RLIMIT_CPU]		= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_FSIZE]		= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_DATA]		= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_STACK]		= { 8 << 20, RLIM64_INFINITY },
	[RLIMIT_CORE]		= { 0, RLIM64_INFINITY },
	[RLIMIT_RSS]		= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_NPROC]		= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_NOFILE]		= { 1048576, 1048576 },
	[RLIMIT_MEMLOCK]	= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_AS]		= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_LOCKS]		= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_SIGPENDING]	= { RLIM64_INFINITY, RLIM64_INFINITY },
	[RLIMIT_MSGQUEUE]	= { 819200, 819200 },
	[RLIMIT_NICE]		= { 0, 0 },
	[RLIMIT_RTPRIO]		= { 0, 0 },
	[RLIMIT_RTTIME]		= { RLIM64_INFINITY, RLIM64_INFINITY },
};

pid_t
proc_newid(void)
{
	pid_t id = atomic_add(&lastid, 1) + 1;

	/* Numbers start again where long-lived daemons are not expected. */
	if (id >= PID_MAX)
		atomic_store(&lastid, 300);
	return id;
}

static void
proc_init(struct proc *p, pid_t pid)
{
	mutex_init(&p->p_lock, "proc");
	list_init(&p->p_lwps);
	list_node_init(&p->p_link);
	p->p_pid = p->p_pgid = p->p_sid = pid;
	p->p_refs = 1;
	memcpy(p->p_rlimit, rlimit_default, sizeof(p->p_rlimit));
}

/* Before there is memory: proc 0, so that the boot thread can be an lwp. */
void
proc0_boot(void)
{
	mutex_init(&proclist_lock, "proclist");
	proc_init(&proc0, 0);
	strlcpy(proc0.p_comm, "kernel", sizeof(proc0.p_comm));
}

int
proc_boot(void)
{
	struct cred *cr;
	int error;

	error = cred_create(0, 0, 0, NULL, &cr);
	if (error)
		return error;
	proc0.p_cred = cr;
	proc0.p_start = (uint64_t)clock_mono();
	list_insert_tail(&proclist, &proc0.p_link);
	error = fdtable_create(&proc0.p_fd);
	if (error)
		return error;
	error = proc_fork(&proc0, PROC_FORK_CLEARFD, &proc1);
	if (error)
		return error;
	KASSERT(proc1->p_pid == 1);
	strlcpy(proc1->p_comm, "local", sizeof(proc1->p_comm));
	return 0;
}

struct proc *
proc_local(void)
{
	return atomic_load_acq(&proc1);
}

void
proc_slot_register(enum proc_slot slot, const struct proc_slot_ops *ops)
{
	KASSERT(slot_ops[slot] == NULL);
	slot_ops[slot] = ops;
}

static void
proc_exit_slots(struct proc *p, unsigned int n)
{
	while (n-- > 0) {
		if (slot_ops[n] != NULL && p->p_slot[n] != NULL)
			slot_ops[n]->ps_exit(p);
		p->p_slot[n] = NULL;
	}
}

static int
proc_fork_slots(struct proc *parent, struct proc *p)
{
	int error;

	for (unsigned int i = 0; i < PROC_NSLOTS; i++) {
		if (slot_ops[i] == NULL || parent->p_slot[i] == NULL)
			continue;
		error = slot_ops[i]->ps_fork(parent, p);
		if (error) {
			proc_exit_slots(p, i);
			return error;
		}
	}
	return 0;
}

static void
proc_inherit(struct proc *parent, struct proc *p)
{
	mutex_enter(&parent->p_lock);
	p->p_cred = parent->p_cred;
	cred_hold(p->p_cred);
	p->p_vm = parent->p_vm;
	p->p_vmcookie = parent->p_vmcookie;
	memcpy(p->p_rlimit, parent->p_rlimit, sizeof(p->p_rlimit));
	strlcpy(p->p_comm, parent->p_comm, sizeof(p->p_comm));
	if (parent != &proc0) {
		p->p_pgid = parent->p_pgid;
		p->p_sid = parent->p_sid;
	}
	mutex_exit(&parent->p_lock);
	p->p_parent = parent;
	p->p_ppid = parent->p_pid;
	p->p_start = (uint64_t)clock_mono();
}

int
proc_fork(struct proc *parent, unsigned int flags, struct proc **ret_p)
{
	struct proc *p;
	int error;

	if (flags == (PROC_FORK_COPYFD | PROC_FORK_CLEARFD))
		return EINVAL;
	p = kmem_zalloc(sizeof(*p), KM_SLEEP);
	if (p == NULL)
		return ENOMEM;
	proc_init(p, proc_newid());
	proc_inherit(parent, p);
	if (flags & (PROC_FORK_COPYFD | PROC_FORK_CLEARFD)) {
		error = fdtable_copy(parent->p_fd, (flags & PROC_FORK_CLEARFD) != 0,
		    &p->p_fd);
		if (error)
			goto fail_cred;
	} else {
		fdtable_hold(parent->p_fd);
		p->p_fd = parent->p_fd;
	}
	error = proc_fork_slots(parent, p);
	if (error)
		goto fail_fd;
	mutex_enter(&proclist_lock);
	list_insert_tail(&proclist, &p->p_link);
	mutex_exit(&proclist_lock);
	atomic_store_rel(ret_p, p);
	return 0;

fail_fd:
	fdtable_rele(p->p_fd, p);
fail_cred:
	cred_rele(p->p_cred);
	mutex_destroy(&p->p_lock);
	kmem_free(p, sizeof(*p));
	return error;
}

/* The children of the dead go to proc 1. */
static void
proc_orphan_locked(struct proc *p)
{
	struct list_node *n;

	LIST_FOREACH(n, &proclist) {
		struct proc *child = container_of(n, struct proc, p_link);

		if (child->p_parent != p)
			continue;
		child->p_parent = proc1;
		atomic_store(&child->p_ppid, proc1->p_pid);
	}
}

/*
 * Called by the proc's last lwp, or by whoever made a proc that never got
 * one.
 */
void
proc_lastlwp(struct proc *p)
{
	if (p == &proc0 || p == proc1)
		return;
	mutex_enter(&proclist_lock);
	list_remove(&p->p_link);
	proc_orphan_locked(p);
	mutex_exit(&proclist_lock);
	fdtable_rele(p->p_fd, p);
	p->p_fd = NULL;
	proc_exit_slots(p, PROC_NSLOTS);
	proc_rele(p);
}

pid_t
proc_shownpid(const struct proc *p)
{
	pid_t hostpid = atomic_load(&p->p_hostpid);

	return hostpid != 0 ? hostpid : p->p_pid;
}

struct proc *
proc_find_shown(pid_t pid)
{
	struct proc *found = NULL;
	struct list_node *n;

	mutex_enter(&proclist_lock);
	LIST_FOREACH(n, &proclist) {
		struct proc *p = container_of(n, struct proc, p_link);

		if (proc_shownpid(p) == pid) {
			proc_hold(p);
			found = p;
			break;
		}
	}
	mutex_exit(&proclist_lock);
	return found;
}

struct proc *
proc_find(pid_t pid)
{
	struct proc *found = NULL;
	struct list_node *n;

	mutex_enter(&proclist_lock);
	LIST_FOREACH(n, &proclist) {
		struct proc *p = container_of(n, struct proc, p_link);

		if (p->p_pid == pid) {
			proc_hold(p);
			found = p;
			break;
		}
	}
	mutex_exit(&proclist_lock);
	return found;
}

int
proc_iterate(int (*fn)(struct proc *, void *), void *arg)
{
	struct list_node *n;
	int result = 0;

	mutex_enter(&proclist_lock);
	LIST_FOREACH(n, &proclist) {
		result = fn(container_of(n, struct proc, p_link), arg);
		if (result != 0)
			break;
	}
	mutex_exit(&proclist_lock);
	return result;
}

void
proc_hold(struct proc *p)
{
	atomic_add(&p->p_refs, 1);
}

void
proc_rele(struct proc *p)
{
	if (atomic_sub_ar(&p->p_refs, 1) != 1)
		return;
	KASSERT(p->p_nlwps == 0);
	if (p->p_pidfd != 0)
		rumpuser_close_apart(p->p_pidfd - 1, NULL, NULL);
	cred_rele(p->p_cred);
	mutex_destroy(&p->p_lock);
	kmem_free(p, sizeof(*p));
}

uint64_t
proc_rlimit(struct proc *p, int resource)
{
	KASSERT(resource >= 0 && resource < RLIM_NLIMITS);
	return atomic_load(&p->p_rlimit[resource].rlim_cur);
}
