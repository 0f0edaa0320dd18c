/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fcntl.c - the fcntl system call
 *
 * Commands about the descriptor and about the modes of the file are served
 * here; locks, pipe sizes and whatever a file system knows go to the file.
 *
 * References: fcntl(2), fcntl_locking(2), F_GETPIPE_SZ(2const).
 */

#include <abi/sysargs.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/fasync.h>
#include <sys/file.h>
#include <sys/pipe.h>
#include <sys/proc.h>

/* Not in the headers of older hosts. */
#define FCNTL_DUPFD_QUERY	(F_LINUX_SPECIFIC_BASE + 3)

#define SIGNAL_MAX	64
#define SETFL_MASK	(O_APPEND | O_NONBLOCK | O_NDELAY | O_DIRECT | O_NOATIME)

static void *
fcntl_ptr(unsigned long arg)
{
	return (void *)(uintptr_t)arg;
}

/* The only commands that a file opened with O_PATH answers. */
static bool
fcntl_on_path(int cmd)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case FCNTL_DUPFD_QUERY:
	case F_GETFD:
	case F_SETFD:
	case F_GETFL:
		return true;
	}
	return false;
}

/* --- descriptor ------------------------------------------------------------ */

static int
fcntl_dupfd(struct file *fp, unsigned long arg, bool cloexec, long *ret)
{
	unsigned int min = (unsigned int)arg;
	int error, newfd;

	if (min >= proc_rlimit(curproc(), RLIMIT_NOFILE) || min >= FD_MAX)
		return EINVAL;
	file_hold(fp);
	error = fd_alloc_min(fp, (int)min, cloexec, &newfd);
	if (error) {
		file_rele(fp);
		return error;
	}
	*ret = newfd;
	return 0;
}

static int
fcntl_dupfd_query(struct file *fp, unsigned long arg, long *ret)
{
	struct file *other;
	int error;

	error = fd_get((int)arg, &other);
	if (error)
		return error;
	*ret = other == fp;
	fd_put(other);
	return 0;
}

static int
fcntl_getfd(int fd, long *ret)
{
	bool cloexec;
	int error;

	error = fd_getcloexec(fd, &cloexec);
	if (error)
		return error;
	*ret = cloexec ? FD_CLOEXEC : 0;
	return 0;
}

/* --- modes ----------------------------------------------------------------- */

/* O_NOATIME is for the owner. */
static int
setfl_noatime(struct file *fp)
{
	struct statx st;
	int error;

	error = fp->f_ops->fo_stat(fp, &st);
	if (error)
		return error;
	if (curcred()->cr_fsuid != st.stx_uid &&
	    !cred_capable(curcred(), CAP_FOWNER))
		return EPERM;
	return 0;
}

static int
file_setfl(struct file *fp, unsigned int old, unsigned int new)
{
	int error;

	if ((new & ~old & O_NOATIME) != 0) {
		error = setfl_noatime(fp);
		if (error)
			return error;
	}
	if (fp->f_ops->fo_setfl != NULL)
		return fp->f_ops->fo_setfl(fp, new);
	return (new & O_DIRECT) != 0 ? EINVAL : 0;
}

/*
 * O_ASYNC of a file that never tells of events is ignored.
 */
static int
fcntl_setfl(int fd, struct file *fp, unsigned long arg)
{
	unsigned int old, new, want = (unsigned int)arg & SETFL_MASK;
	bool async = (arg & FASYNC) != 0;
	int error = 0;

	old = file_flags(fp);
	do {
		new = (old & ~(unsigned int)SETFL_MASK) | want;
		error = file_setfl(fp, old, new);
		if (error)
			return error;
	} while (!atomic_cas_ar(&fp->f_flags, &old, new));
	if (async != ((old & FASYNC) != 0))
		error = fasync_set(fp, fd, async);
	return error == ENOTTY ? 0 : error;
}

/* --- who is told of events --------------------------------------------------- */

static int
pgrp_matches(struct proc *p, void *arg)
{
	return atomic_load(&p->p_pgid) == *(const pid_t *)arg;
}

/* Groups and threads of remote clients are numbered by their host, which knows whether there is one. */
static bool
owner_exists(int type, pid_t id)
{
	struct proc *p;

	if (type != F_OWNER_PID && atomic_load(&curproc()->p_hostpid) != 0)
		return true;
	if (type == F_OWNER_PGRP)
		return proc_iterate(pgrp_matches, &id) != 0;
	if (type == F_OWNER_TID && id == curlwp()->l_lid)
		return true;
	p = fasync_proc(id);
	if (p == NULL)
		return false;
	proc_rele(p);
	return true;
}

static int
file_setowner(struct file *fp, int type, pid_t id)
{
	if (id != 0 && !owner_exists(type, id))
		return ESRCH;
	return fasync_setowner(fp, type, id);
}

int
file_setown(struct file *fp, int who)
{
	if (who == INT32_MIN)
		return EINVAL;
	if (who < 0)
		return file_setowner(fp, F_OWNER_PGRP, -who);
	return file_setowner(fp, F_OWNER_PID, who);
}

static int
fcntl_setown_ex(struct file *fp, unsigned long arg)
{
	struct f_owner_ex ox;
	int error;

	error = copyin(fcntl_ptr(arg), &ox, sizeof(ox));
	if (error)
		return error;
	if (ox.type != F_OWNER_TID && ox.type != F_OWNER_PID &&
	    ox.type != F_OWNER_PGRP)
		return EINVAL;
	if (ox.pid < 0)
		return ESRCH;
	return file_setowner(fp, ox.type, ox.pid);
}

static long
fcntl_getown(const struct file *fp)
{
	long who = atomic_load(&fp->f_owner);

	return atomic_load(&fp->f_ownertype) == F_OWNER_PGRP ? -who : who;
}

static int
fcntl_getown_ex(const struct file *fp, unsigned long arg)
{
	struct f_owner_ex ox = {
		.type = atomic_load(&fp->f_ownertype),
		.pid = atomic_load(&fp->f_owner),
	};

	return copyout(&ox, fcntl_ptr(arg), sizeof(ox));
}

static int
fcntl_setsig(struct file *fp, unsigned long arg)
{
	if (arg > SIGNAL_MAX)
		return EINVAL;
	atomic_store(&fp->f_sig, (int)arg);
	return 0;
}

/* --- locks ----------------------------------------------------------------- */

/* What is wrong with a lock whatever the file; it sees to mode and range. */
static int
flock_check(int cmd, const struct flock *fl)
{
	if (fl->l_whence < 0 || fl->l_whence > 2)
		return EINVAL;
	if (fl->l_type == F_UNLCK)
		return cmd == F_GETLK ? EINVAL : 0;
	return fl->l_type == F_RDLCK || fl->l_type == F_WRLCK ? 0 : EINVAL;
}

static int
fcntl_lock(struct file *fp, int cmd, unsigned long arg)
{
	struct flock fl;
	int error;

	error = copyin(fcntl_ptr(arg), &fl, sizeof(fl));
	if (error)
		return error;
	error = flock_check(cmd, &fl);
	if (error)
		return error;
	if (fp->f_ops->fo_lock == NULL)
		return EINVAL;
	error = fp->f_ops->fo_lock(fp, cmd, &fl);
	if (error || (cmd != F_GETLK && cmd != F_OFD_GETLK))
		return error;
	return copyout(&fl, fcntl_ptr(arg), sizeof(fl));
}

/* --- the switch ------------------------------------------------------------ */

static int
fcntl_other(struct file *fp, int cmd, unsigned long arg, long *ret)
{
	if (cmd == F_GETPIPE_SZ || cmd == F_SETPIPE_SZ)
		return pipe_fcntl(fp, cmd, arg, ret);
	if (fp->f_ops->fo_fcntl != NULL)
		return fp->f_ops->fo_fcntl(fp, cmd, arg, ret);
	if (cmd == F_GETLEASE) {
		*ret = F_UNLCK;
		return 0;
	}
	return cmd == F_NOTIFY ? ENOTDIR : EINVAL;
}

static int
file_fcntl(int fd, struct file *fp, int cmd, unsigned long arg, long *ret)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fcntl_dupfd(fp, arg, cmd == F_DUPFD_CLOEXEC, ret);
	case FCNTL_DUPFD_QUERY:
		return fcntl_dupfd_query(fp, arg, ret);
	case F_GETFD:
		return fcntl_getfd(fd, ret);
	case F_SETFD:
		return fd_setcloexec(fd, (arg & FD_CLOEXEC) != 0);
	case F_GETFL:
		*ret = (long)file_flags(fp);
		return 0;
	case F_SETFL:
		return fcntl_setfl(fd, fp, arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(fp, cmd, arg);
	case F_GETOWN:
		*ret = fcntl_getown(fp);
		return 0;
	case F_SETOWN:
		return file_setown(fp, (int)arg);
	case F_GETOWN_EX:
		return fcntl_getown_ex(fp, arg);
	case F_SETOWN_EX:
		return fcntl_setown_ex(fp, arg);
	case F_GETSIG:
		*ret = atomic_load(&fp->f_sig);
		return 0;
	case F_SETSIG:
		return fcntl_setsig(fp, arg);
	default:
		return fcntl_other(fp, cmd, arg, ret);
	}
}

int
sys_fcntl(struct lwp *l, int fd, int cmd, unsigned long arg, long *ret)
{
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	if ((file_flags(fp) & O_PATH) != 0 && !fcntl_on_path(cmd))
		error = EBADF;
	else
		error = file_fcntl(fd, fp, cmd, arg, ret);
	fd_put(fp);
	return error;
}
