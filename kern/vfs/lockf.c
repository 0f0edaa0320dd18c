/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockf.c - advisory locks on files: flock(2), POSIX and OFD record locks
 *
 * A POSIX lock belongs to a proc and goes with the first close(2) of any
 * descriptor of the file; an OFD lock and a flock belong to the open file.
 * POSIX and OFD locks are in each other's way, flocks are a world apart.
 *
 * Whoever waits stands on lockf_waiters with the owner he waits for.  A
 * POSIX lock that would close a ring of such is refused with EDEADLK; the ring
 * is followed a bounded number of steps, as on Linux.
 *
 * Locking: lockf_lock protects all of it.  Nothing is allocated under it.
 *
 * References: fcntl_locking(2), flock(2), POSIX.1-2017 fcntl().
 */

#include <linux/fcntl.h>
#include <linux/fs.h>

#include <abi/sysargs.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#include "lockf_impl.h"
#include "vfs_impl.h"

#define LOCKF_RING	10	/* steps of a search for deadlocks */

struct lockwait {
	struct list_node lw_link;
	const void	*lw_owner;	/* waits */
	const void	*lw_for;	/* ... for this owner */
};

static kmutex_t lockf_lock;
static struct list lockf_waiters = LIST_INITIALIZER(lockf_waiters);

static int
lockf_get(struct vnode *vp, struct lockf **ret_lf)
{
	struct lockf *lf = atomic_load_acq(&vp->v_locks), *old = NULL;

	if (lf == NULL) {
		lf = kmem_zalloc(sizeof(*lf), KM_SLEEP);
		if (lf == NULL)
			return ENOMEM;
		list_init(&lf->lf_ranges);
		list_init(&lf->lf_flocks);
		cv_init(&lf->lf_cv, "lockf");
		if (!atomic_cas_ar(&vp->v_locks, &old, lf)) {
			kmem_free(lf, sizeof(*lf));
			lf = old;
		}
	}
	*ret_lf = lf;
	return 0;
}

void
lockf_destroy(struct vnode *vp)
{
	struct lockf *lf = vp->v_locks;

	if (lf == NULL)
		return;
	KASSERT(list_empty(&lf->lf_ranges) && list_empty(&lf->lf_flocks));
	KASSERT(lf->lf_waiters == 0);
	cv_destroy(&lf->lf_cv);
	kmem_free(lf, sizeof(*lf));
	vp->v_locks = NULL;
}

static void
lockf_wake_locked(struct lockf *lf) REQUIRES(lockf_lock)
{
	if (lf->lf_waiters > 0)
		cv_broadcast(&lf->lf_cv);
}

/* --- waiting ----------------------------------------------------------------------- */

static const void *
lockf_waitsfor_locked(const void *owner) REQUIRES(lockf_lock)
{
	struct lockwait *lw;
	struct list_node *n;

	LIST_FOREACH(n, &lockf_waiters) {
		lw = container_of(n, struct lockwait, lw_link);
		if (lw->lw_owner == owner)
			return lw->lw_for;
	}
	return NULL;
}

/* Does he for whom owner would wait wait, in the end, for owner? */
static bool
lockf_isring_locked(const void *owner, const void *blocker) REQUIRES(lockf_lock)
{
	unsigned int i;

	for (i = 0; i < LOCKF_RING && blocker != NULL; i++) {
		blocker = lockf_waitsfor_locked(blocker);
		if (blocker == owner)
			return true;
	}
	return false;
}

/*
 * Waits until nothing on the list is in lr's way.  The vnode stays because
 * the caller has the file.
 */
static int
lockf_wait_locked(struct lockf *lf, struct list *l, const struct lockrange *lr,
    bool nowait) REQUIRES(lockf_lock)
{
	struct lockwait lw = { .lw_owner = lr->lr_owner.lo_id };
	struct lockrange *other;
	int error = 0;

	while (error == 0 && (other = lockrange_conflict(l, lr)) != NULL) {
		if (nowait)
			return EAGAIN;
		lw.lw_for = other->lr_owner.lo_id;
		if (lr->lr_owner.lo_pid >= 0 &&
		    lockf_isring_locked(lw.lw_owner, lw.lw_for))
			return EDEADLK;
		list_insert_tail(&lockf_waiters, &lw.lw_link);
		lf->lf_waiters++;
		error = cv_wait_sig(&lf->lf_cv, &lockf_lock);
		lf->lf_waiters--;
		list_remove(&lw.lw_link);
	}
	return error == EINTR ? ERESTART : error;
}

/* --- record locks -------------------------------------------------------------------- */

static int
range_base(struct file *fp, const struct flock *fl, int64_t *ret_base)
{
	struct vnode *vp = fp->f_data;

	switch (fl->l_whence) {
	case SEEK_SET:
		*ret_base = 0;
		return 0;
	case SEEK_CUR:
		mutex_enter(&fp->f_offlock);
		*ret_base = fp->f_off;
		mutex_exit(&fp->f_offlock);
		return 0;
	case SEEK_END:
		*ret_base = (int64_t)vnode_size(vp);
		return 0;
	}
	return EINVAL;
}

static int
range_init(struct file *fp, const struct flock *fl, struct lockrange *lr)
{
	int64_t start, len = fl->l_len;
	int error;

	error = range_base(fp, fl, &start);
	if (error)
		return error;
	if (fl->l_start > INT64_MAX - start)
		return EOVERFLOW;
	start += fl->l_start;
	if (start < 0)
		return EINVAL;
	lr->lr_start = (uint64_t)start;
	lr->lr_end = INT64_MAX;
	if (len > 0) {
		if (len - 1 > INT64_MAX - start)
			return EOVERFLOW;
		lr->lr_end = (uint64_t)(start + len - 1);
	} else if (len < 0) {
		if (start + len < 0)
			return EINVAL;
		lr->lr_end = (uint64_t)(start - 1);
		lr->lr_start = (uint64_t)(start + len);
	}
	lr->lr_exclusive = fl->l_type == F_WRLCK;
	return 0;
}

static void
range_tell(const struct lockrange *lr, struct flock *fl)
{
	fl->l_type = lr->lr_exclusive ? F_WRLCK : F_RDLCK;
	fl->l_whence = SEEK_SET;
	fl->l_start = (int64_t)lr->lr_start;
	fl->l_len = lr->lr_end == INT64_MAX ? 0 :
	    (int64_t)(lr->lr_end - lr->lr_start + 1);
	fl->l_pid = lr->lr_owner.lo_pid;
}

/* F_OFD_GETLK with F_UNLCK asks for the locks of the same open file. */
static int
lockf_test(struct lockf *lf, const struct lockrange *lr, struct flock *fl)
{
	struct lockrange *other;

	mutex_enter(&lockf_lock);
	other = fl->l_type == F_UNLCK ? lockrange_own(&lf->lf_ranges, lr) :
	    lockrange_conflict(&lf->lf_ranges, lr);
	if (other != NULL)
		range_tell(other, fl);
	else
		fl->l_type = F_UNLCK;
	mutex_exit(&lockf_lock);
	return 0;
}

static int
lockf_set(struct lockf *lf, const struct lockrange *lr, bool unlock,
    bool nowait)
{
	struct lockrange_spares sp;
	int error;

	error = lockrange_spares_init(&sp);
	if (error)
		return unlock ? ENOLCK : error;
	mutex_enter(&lockf_lock);
	if (unlock) {
		(void)lockrange_clear(&lf->lf_ranges, lr, &sp);
	} else {
		error = lockf_wait_locked(lf, &lf->lf_ranges, lr, nowait);
		if (error == 0)
			lockrange_set(&lf->lf_ranges, lr, &sp);
	}
	if (error == 0)
		lockf_wake_locked(lf);	/* also a weaker lock lets others in */
	mutex_exit(&lockf_lock);
	lockrange_spares_fini(&sp);
	return error;
}

/* After the range: its errors come first, as on Linux. */
static int
lockf_check(struct file *fp, int cmd, const struct flock *fl)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool query = cmd == F_GETLK || cmd == F_OFD_GETLK;

	if (!query && ((fl->l_type == F_RDLCK && !file_readable(fp)) ||
	    (fl->l_type == F_WRLCK && !file_writable(fp))))
		return EBADF;
	return ofd && fl->l_pid != 0 ? EINVAL : 0;
}

int
lockf_fo_lock(struct file *fp, int cmd, struct flock *fl)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct vnode *vp = fp->f_data;
	struct lockrange lr;
	struct lockf *lf;
	int error;

	if (ofd)
		lr.lr_owner = (struct lockowner){ fp, -1 };
	else
		lr.lr_owner = (struct lockowner){ curproc(), proc_shownpid(curproc()) };
	error = range_init(fp, fl, &lr);
	if (error == 0)
		error = lockf_check(fp, cmd, fl);
	if (error == 0)
		error = lockf_get(vp, &lf);
	if (error)
		return error;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return lockf_test(lf, &lr, fl);
	if (ofd)
		atomic_store(&file_vfile(fp)->vf_flocked, true);
	return lockf_set(lf, &lr, fl->l_type == F_UNLCK,
	    cmd == F_SETLK || cmd == F_OFD_SETLK);
}

/* --- flock --------------------------------------------------------------------------- */

/* A lock that is changed is given up first, also if the new one is refused. */
static int
flock_set(struct lockf *lf, const struct lockrange *lr, bool unlock,
    bool nowait)
{
	struct lockrange_spares sp;
	int error = 0;

	error = lockrange_spares_init(&sp);
	if (error)
		return unlock ? ENOLCK : error;
	mutex_enter(&lockf_lock);
	if (lockrange_clear(&lf->lf_flocks, lr, &sp))
		lockf_wake_locked(lf);
	if (!unlock) {
		error = lockf_wait_locked(lf, &lf->lf_flocks, lr, nowait);
		if (error == 0)
			lockrange_set(&lf->lf_flocks, lr, &sp);
	}
	mutex_exit(&lockf_lock);
	lockrange_spares_fini(&sp);
	return error;
}

#ifndef LOCK_SH
#define LOCK_SH	1
#define LOCK_EX	2
#define LOCK_NB	4
#define LOCK_UN	8
#endif
#ifndef LOCK_MAND
#define LOCK_MAND	32
#endif

int
sys_flock(struct lwp *l __unused_arg, int fd, int operation,
    long *ret __unused_arg)
{
	int kind = operation & ~LOCK_NB;
	struct lockrange lr = { .lr_end = INT64_MAX };
	struct vpath path;
	struct lockf *lf;
	struct file *fp;
	int error;

	/* Mandatory locks were never any good; Linux ignores who asks for them, since 5.18. */
	if ((operation & LOCK_MAND) != 0)
		return 0;
	if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
		return EINVAL;
	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	lr.lr_owner = (struct lockowner){ fp, -1 };
	lr.lr_exclusive = kind == LOCK_EX;
	/* NEEDSWORK: pipes and the like could be locked too; nobody does. */
	if (kind != LOCK_UN && !file_readable(fp) && !file_writable(fp))
		error = EBADF;		/* opened with access mode 3 */
	else
		error = file_getpath(fp, &path) ?
		    lockf_get(path.vp_vnode, &lf) : EINVAL;
	if (error == 0) {
		atomic_store(&file_vfile(fp)->vf_flocked, true);
		error = flock_set(lf, &lr, kind == LOCK_UN,
		    (operation & LOCK_NB) != 0);
	}
	fd_put(fp);
	return error;
}

/* --- giving up all ----------------------------------------------------------------------- */

/* Ranges that go whole need no spares. */
static void
lockf_release(struct vnode *vp, const void *owner)
{
	struct lockrange lr = { .lr_owner = { owner, -1 }, .lr_end = INT64_MAX };
	struct lockf *lf = atomic_load_acq(&vp->v_locks);
	struct lockrange_spares none = { { NULL, NULL } };
	bool had;

	if (lf == NULL)
		return;
	mutex_enter(&lockf_lock);
	had = lockrange_clear(&lf->lf_ranges, &lr, &none);
	had |= lockrange_clear(&lf->lf_flocks, &lr, &none);
	if (had)
		lockf_wake_locked(lf);
	mutex_exit(&lockf_lock);
}

void
lockf_release_proc(struct vnode *vp, struct proc *p)
{
	lockf_release(vp, p);
}

void
lockf_release_file(struct vnode *vp, struct file *fp)
{
	lockf_release(vp, fp);
}

void
lockf_boot(void)
{
	mutex_init(&lockf_lock, "file locks");
}
