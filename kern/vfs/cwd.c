/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cwd.c - where a proc stands: working directory, root and umask
 *
 * Look-ups read the two places without a lock or a reference: a place is an
 * immutable object that is replaced whole and freed by qsbr.  The proc's
 * references to mount and vnode go at once when a place is replaced; who
 * looked it up just before takes his own by a try, and looks again if that
 * fails.
 *
 * A proc that never moved has nothing of its own and stands at the top.  Before
 * there is a root file system, look-ups end in ENOENT.
 *
 * Locking: cw_lock serialises changes of one proc.
 */

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/qsbr.h>
#include <vfs/mount.h>

#include "vfs_impl.h"

struct place {
	struct qsbr_head pl_qsbr;
	struct vpath	 pl_path;	/* referenced while it is published */
};

struct cwd {
	kmutex_t	 cw_lock;
	struct place	*cw_dir;	/* cw_lock; read by qsbr */
	struct place	*cw_root;	/* cw_lock; read by qsbr */
	uint32_t	 cw_umask;	/* a */
};

static struct vpath cwd_top;		/* c: the root file system's root */

static int
place_create(const struct vpath *path, struct place **ret_pl)
{
	struct place *pl;

	pl = kmem_alloc(sizeof(*pl), KM_SLEEP);
	if (pl == NULL)
		return ENOMEM;
	pl->pl_path = *path;
	vpath_hold(path);
	*ret_pl = pl;
	return 0;
}

static void
place_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct place, pl_qsbr), sizeof(struct place));
}

/* Out of sight already: the memory waits for readers, the references do not. */
static void
place_retire(struct place *pl)
{
	struct vpath path;

	if (pl == NULL)
		return;
	path = pl->pl_path;
	qsbr_call(&pl->pl_qsbr, place_free);
	vpath_rele(&path);
}

static struct cwd *
proc_cwd(const struct proc *p)
{
	return atomic_load_acq(&p->p_slot[PROC_SLOT_VFS]);
}

static void
cwd_get(struct proc *p, bool root, struct vpath *ret_path)
{
	struct cwd *cw = proc_cwd(p);
	struct place *pl = NULL;

	if (cw != NULL)
		pl = atomic_load_acq(root ? &cw->cw_root : &cw->cw_dir);
	*ret_path = pl != NULL ? pl->pl_path : cwd_top;
}

void
cwd_getdir(struct proc *p, struct vpath *ret_path)
{
	cwd_get(p, false, ret_path);
}

void
cwd_getroot(struct proc *p, struct vpath *ret_path)
{
	cwd_get(p, true, ret_path);
}

static int
cwd_create(struct cwd **ret_cw)
{
	struct cwd *cw;

	cw = kmem_zalloc(sizeof(*cw), KM_SLEEP);
	if (cw == NULL)
		return ENOMEM;
	mutex_init(&cw->cw_lock, "cwd");
	cw->cw_umask = 022;
	*ret_cw = cw;
	return 0;
}

static void
cwd_destroy(struct cwd *cw)
{
	place_retire(cw->cw_dir);
	place_retire(cw->cw_root);
	mutex_destroy(&cw->cw_lock);
	kmem_free(cw, sizeof(*cw));
}

/* The proc's own; made at its first change. */
static int
cwd_own(struct proc *p, struct cwd **ret_cw)
{
	struct cwd *cw = proc_cwd(p), *new;
	void *old = NULL;
	int error;

	if (cw == NULL) {
		error = cwd_create(&new);
		if (error)
			return error;
		if (atomic_cas_ar(&p->p_slot[PROC_SLOT_VFS], &old, (void *)new)) {
			cw = new;
		} else {
			cwd_destroy(new);
			cw = old;
		}
	}
	*ret_cw = cw;
	return 0;
}

static int
cwd_set(struct proc *p, bool root, const struct vpath *path)
{
	struct place *pl, *old, **where;
	struct cwd *cw;
	int error;

	error = cwd_own(p, &cw);
	if (error)
		return error;
	error = place_create(path, &pl);
	if (error)
		return error;
	where = root ? &cw->cw_root : &cw->cw_dir;
	mutex_enter(&cw->cw_lock);
	old = *where;
	atomic_store_rel(where, pl);
	mutex_exit(&cw->cw_lock);
	place_retire(old);
	return 0;
}

int
cwd_setdir(struct proc *p, const struct vpath *path)
{
	return cwd_set(p, false, path);
}

int
cwd_setroot(struct proc *p, const struct vpath *path)
{
	return cwd_set(p, true, path);
}

mode_t
cwd_umask(struct proc *p)
{
	struct cwd *cw = proc_cwd(p);

	return cw != NULL ? atomic_load(&cw->cw_umask) : 022;
}

mode_t
cwd_setumask(struct proc *p, mode_t mask)
{
	struct cwd *cw;

	if (cwd_own(p, &cw) != 0)
		return cwd_umask(p);	/* umask(2) knows no errors */
	return __atomic_exchange_n(&cw->cw_umask, mask & 0777, __ATOMIC_RELAXED);
}

/* --- with the proc ---------------------------------------------------------- */

static int
cwd_fork(struct proc *parent, struct proc *child)
{
	struct cwd *from = proc_cwd(parent), *cw;
	int error = 0;

	if (from == NULL)
		return 0;		/* it stands at the top, as a new one does */
	error = cwd_create(&cw);
	if (error)
		return error;
	mutex_enter(&from->cw_lock);
	cw->cw_umask = atomic_load(&from->cw_umask);
	if (from->cw_dir != NULL)
		error = place_create(&from->cw_dir->pl_path, &cw->cw_dir);
	if (error == 0 && from->cw_root != NULL)
		error = place_create(&from->cw_root->pl_path, &cw->cw_root);
	mutex_exit(&from->cw_lock);
	if (error) {
		cwd_destroy(cw);
		return error;
	}
	atomic_store_rel(&child->p_slot[PROC_SLOT_VFS], (void *)cw);
	return 0;
}

static void
cwd_exit(struct proc *p)
{
	struct cwd *cw = proc_cwd(p);

	if (cw != NULL) {
		atomic_store_rel(&p->p_slot[PROC_SLOT_VFS], NULL);
		cwd_destroy(cw);
	}
}

static const struct proc_slot_ops cwd_slot_ops = {
	.ps_fork	= cwd_fork,
	.ps_exit	= cwd_exit,
};

int
cwd_start(const struct vpath *root)
{
	int error;

	cwd_top = *root;
	vpath_hold(&cwd_top);
	/* The local program will move: it stands in places of its own. */
	error = cwd_setdir(proc_local(), root);
	if (error == 0)
		error = cwd_setroot(proc_local(), root);
	return error;
}

void
cwd_gettop(struct vpath *ret_path)
{
	*ret_path = cwd_top;
}

int
cwd_boot(void)
{
	proc_slot_register(PROC_SLOT_VFS, &cwd_slot_ops);
	return 0;
}
