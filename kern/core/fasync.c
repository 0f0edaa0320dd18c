/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fasync.c - signals that tell of a file's events (fcntl(2), signal(7))
 *
 * Who has O_ASYNC set on a socket or pipe, and an owner, gets SIGIO, or what F_SETSIG says,
 * whenever there is something to read again or room to write.  The owner of a socket
 * gets SIGURG for urgent data with or without O_ASYNC.
 *
 * A file of which somebody may be told has a struct fileasync, from then on until it is
 * closed.  That watches the file's sources like a poll that never ends.  Who wakes them
 * holds locks of the object, and the receiver of a signal may run at once on that
 * very thread: so the signal is sent a moment later, by a thread of our own.  What happens
 * meanwhile is told once, as with signals that are not queued anyway.
 *
 * A process is told if the owner was set by somebody who may send it signals (kill(2)).
 * Numbers of process groups and threads are those of the kernel for local clients; those
 * of other processes' clients are their host's, and mean the process that set them unless they
 * are its or another one's process number.
 *
 * Locks: fasync_lock -> the object's lock -> ps_lock -> the queue's
 */

#include <sys/fasync.h>

#include <linux/fcntl.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/signal.h>

#define NSOURCES	2	/* a pipe that is open for both has two */
#define SIGURG_		23
#define SIGIO_		29

/* What is told depends on the most remarkable of the events. */
static const struct { uint32_t about; long band; } bands[] = {
	{ POLLHUP, POLLHUP | POLLERR },
	{ POLLSRC_URGENT, POLLPRI | POLLRDBAND },
	{ POLLOUT | POLLWRNORM, POLLOUT | POLLWRNORM | POLLWRBAND },
	{ ~0U, POLLIN | POLLRDNORM },
};

/*
 * Field key:	c  constant	l  fasync_lock	a  atomic
 */
struct fileasync {
	struct file	*fa_file;	/* c */
	struct pollwatch fa_watch[NSOURCES];	/* l */
	unsigned int	 fa_nwatches;	/* l */
	struct work	 fa_work;
	uint32_t	 fa_events;	/* a: not told yet */
	int32_t		 fa_fd;		/* a: O_ASYNC was set by this descriptor */
	/* Who set the owner; a, all of them. */
	pid_t		 fa_setter;
	bool		 fa_local;	/* in this process */
	uid_t		 fa_ruid, fa_euid;
};

static kmutex_t fasync_lock = { .m_name = "fasync" };
static struct workqueue *fasync_queue;	/* fasync_lock to create it */
static struct work fasync_first;

/* --- telling -------------------------------------------------------------------- */

/* A program with a kernel inside may know itself by its host's number. */
struct proc *
fasync_proc(pid_t id)
{
	struct proc *p = proc_find_shown(id);

	if (p == NULL && id != 0 && (uint64_t)id == param_u64("_RUMPUSER_PID", 0)) {
		p = proc_local();
		proc_hold(p);
	}
	return p;
}

/*
 * kill(2): who set the owner may send it signals.  Clients do not send any to the process that serves
 * them.
 */
static bool
may_tell(const struct fileasync *fa, struct proc *p)
{
	uid_t ruid = atomic_load(&fa->fa_ruid), euid = atomic_load(&fa->fa_euid);
	struct cred *cr = cred_ofproc(p);
	bool may = euid == 0 || euid == cr->cr_ruid || euid == cr->cr_suid ||
	    ruid == cr->cr_ruid || ruid == cr->cr_suid;

	cred_rele(cr);
	return may && (p->p_vm != NULL || atomic_load(&fa->fa_local));
}

struct telling {
	const struct fileasync *te_fa;
	const struct siginfo_io *te_si;
	pid_t		 te_group;
	bool		 te_told;
};

static int
tell_member(struct proc *p, void *arg)
{
	struct telling *te = arg;

	if (atomic_load(&p->p_pgid) == te->te_group && may_tell(te->te_fa, p)) {
		signal_send(p, te->te_si);
		te->te_told = true;
	}
	return 0;
}

static void
tell(const struct fileasync *fa, const struct siginfo_io *si)
{
	const struct file *fp = fa->fa_file;
	pid_t id = atomic_load(&fp->f_owner);
	struct telling te = { .te_fa = fa, .te_si = si, .te_group = id };
	struct proc *p;

	if (id == 0)
		return;
	if (atomic_load(&fp->f_ownertype) == F_OWNER_PGRP)
		(void)proc_iterate(tell_member, &te);
	if (te.te_told)
		return;
	p = fasync_proc(id);
	if (p == NULL && atomic_load(&fp->f_ownertype) != F_OWNER_PID)
		p = fasync_proc(atomic_load(&fa->fa_setter));
	if (p == NULL)
		return;
	if (may_tell(fa, p))
		signal_send(p, si);
	proc_rele(p);
}

static void
tell_io(const struct fileasync *fa, uint32_t events)
{
	int signo = atomic_load(&fa->fa_file->f_sig);
	struct siginfo_io si = { .si_signo = signo != 0 ? signo : SIGIO_, .si_fd = -1 };

	for (unsigned int i = 0; signo != 0 && si.si_band == 0; i++) {
		if ((events & bands[i].about) == 0)
			continue;
		si.si_band = bands[i].band;
		si.si_fd = atomic_load(&fa->fa_fd);
	}
	tell(fa, &si);
}

static void
fasync_tell(struct work *w)
{
	struct fileasync *fa = container_of(w, struct fileasync, fa_work);
	static const struct siginfo_io urgent = { .si_signo = SIGURG_, .si_fd = -1 };
	uint32_t events = atomic_swap_ar(&fa->fa_events, 0);

	if (events == 0)
		return;
	if ((events & POLLSRC_URGENT) != 0)
		tell(fa, &urgent);
	if ((atomic_load(&fa->fa_file->f_flags) & FASYNC) != 0)
		tell_io(fa, events);
}

/* --- hearing -------------------------------------------------------------------- */

static bool
fasync_heard(struct pollwatch *pw, uint32_t events)
{
	struct fileasync *fa = pw->pw_arg;
	const struct file *fp = fa->fa_file;

	/* Of what becomes of the source itself nobody is told. */
	if (events == 0 || (events & POLLFREE) != 0 || atomic_load(&fp->f_owner) == 0)
		return false;
	if ((atomic_load(&fp->f_flags) & FASYNC) == 0 && (events & POLLSRC_URGENT) == 0)
		return false;
	atomic_or(&fa->fa_events, events);
	(void)workqueue_enqueue(fasync_queue, &fa->fa_work);
	return false;
}

struct fasyncreg {
	struct pollreg	 fr_reg;
	struct fileasync *fr_fa;
};

static void
fasync_register(struct pollreg *pr, struct pollsrc *src)
{
	struct fileasync *fa = container_of(pr, struct fasyncreg, fr_reg)->fr_fa;
	struct pollwatch *pw;

	if (fa->fa_nwatches == NSOURCES)
		return;
	pw = &fa->fa_watch[fa->fa_nwatches++];
	pw->pw_wake = fasync_heard;
	pw->pw_arg = fa;
	pollsrc_watch(src, pw);
}

static void
nothing(struct work *w __unused_arg)
{
}

/* The thread is there before anybody has to wake it with locks held. */
static int
queue_begin_locked(void) REQUIRES(fasync_lock)
{
	int error;

	if (fasync_queue != NULL)
		return 0;
	error = workqueue_create("fasync", 1, &fasync_queue);
	if (error)
		return error;
	work_init(&fasync_first, nothing);
	(void)workqueue_enqueue(fasync_queue, &fasync_first);
	return 0;
}

static bool
fasync_able(const struct file *fp)
{
	return (fp->f_type == FILE_SOCKET || fp->f_type == FILE_PIPE) &&
	    fp->f_ops->fo_poll != NULL;
}

/* From here on it is heard what happens to the file. */
static int
fasync_begin_locked(struct file *fp) REQUIRES(fasync_lock)
{
	struct fasyncreg fr = { .fr_reg.pr_register = fasync_register };
	struct fileasync *fa;
	int error;

	if (fp->f_async != NULL)
		return 0;
	error = queue_begin_locked();
	if (error)
		return error;
	fa = kmem_zalloc(sizeof(*fa), KM_SLEEP);
	if (fa == NULL)
		return ENOMEM;
	fa->fa_file = fp;
	fa->fa_fd = -1;
	work_init(&fa->fa_work, fasync_tell);
	atomic_store_rel(&fp->f_async, fa);
	fr.fr_fa = fa;
	(void)fp->f_ops->fo_poll(fp, &fr.fr_reg);
	return 0;
}

int
fasync_set(struct file *fp, int fd, bool on)
{
	int error = 0;

	if (!fasync_able(fp))
		return on ? ENOTTY : 0;
	if (!on) {
		atomic_and(&fp->f_flags, ~(unsigned int)FASYNC);
		return 0;
	}
	mutex_enter(&fasync_lock);
	error = fasync_begin_locked(fp);
	if (error == 0) {
		atomic_store(&fp->f_async->fa_fd, fd);
		atomic_or(&fp->f_flags, FASYNC);
	}
	mutex_exit(&fasync_lock);
	return error;
}

int
fasync_setowner(struct file *fp, int type, pid_t id)
{
	const struct cred *cr;
	int error = 0;

	mutex_enter(&fasync_lock);
	/* Others keep the number, and nobody is told. */
	if (id != 0 && fasync_able(fp))
		error = fasync_begin_locked(fp);
	if (error == 0 && fp->f_async != NULL) {
		cr = curcred();
		atomic_store(&fp->f_async->fa_ruid, cr->cr_ruid);
		atomic_store(&fp->f_async->fa_euid, cr->cr_euid);
		atomic_store(&fp->f_async->fa_local, curproc()->p_vm == NULL);
		atomic_store(&fp->f_async->fa_setter, proc_shownpid(curproc()));
	}
	if (error == 0) {
		atomic_store(&fp->f_ownertype, type);
		atomic_store(&fp->f_owner, id);
	}
	mutex_exit(&fasync_lock);
	return error;
}

void
fasync_gone(struct file *fp)
{
	struct fileasync *fa = fp->f_async;

	for (unsigned int i = 0; i < fa->fa_nwatches; i++)
		pollsrc_unwatch(&fa->fa_watch[i]);
	workqueue_drain(fasync_queue);
	fp->f_async = NULL;
	kmem_free(fa, sizeof(*fa));
}
