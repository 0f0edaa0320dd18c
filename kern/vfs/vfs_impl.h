/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vfs_impl.h - what the files of the vfs faction tell each other
 *
 * Order of the faction's locks, outermost first:
 *
 *	fs_rename_lock
 *	v_lock of directories, ancestor first
 *	v_lock of what is in them; of two files the lower address first
 *	mount_lock
 *	lockf_lock, cwd's cw_lock
 *	nc_lock, vcache_lock (leaves: neither is held when the other is taken)
 *	v_ilock
 */

#ifndef VFS_IMPL_H
#define VFS_IMPL_H

#include <sys/file.h>
#include <sys/types.h>
#include <vfs/mount.h>
#include <vfs/namei.h>
#include <vfs/vnode.h>

struct cred;
struct lwp;
struct pipe;
struct proc;
struct stat;
struct statx;

/* --- vnode.c ------------------------------------------------------------- */

int	vnode_boot(void);
void	vnode_trim(void);		/* no lock held; may sleep */
extern uint32_t vnode_wanttrim;		/* a: somebody should call vnode_trim() */

static inline void
vnode_trim_if_wanted(void)
{
	if (unlikely(__atomic_load_n(&vnode_wanttrim, __ATOMIC_RELAXED) != 0))
		vnode_trim();
}

/* Every vnode of an instance that no mount leads to any more. */
void	vnode_reclaim_fs(struct fs *fs);
/* After an operation that took a name away: v_unlinked follows nlink. */
void	vnode_checklink(struct vnode *vp);
/* Content or attributes changed: relatime has to look again. */
static inline void
vnode_modified(struct vnode *vp)
{
	__atomic_store_n(&vp->v_atime_until, 0, __ATOMIC_RELAXED);
}

/* --- namecache.c ---------------------------------------------------------- */

enum nc_result { NC_MISS, NC_HIT, NC_NEGATIVE };

int	namecache_boot(void);
/* Lock-free; *ret_vp is raw: it is good until the caller may sleep. */
enum nc_result namecache_lookup(struct vnode *dvp, const struct cname *cn,
	    struct vnode **ret_vp);
/* dvp's v_lock is held W and cn was made to lead to vp, or does no longer. */
void	namecache_created(struct vnode *dvp, const struct cname *cn,
	    struct vnode *vp);
void	namecache_removed(struct vnode *dvp, const struct cname *cn,
	    struct vnode *vp);
/* Directory vp is in dvp from now on (NULL: nowhere known). */
void	vnode_setparent(struct vnode *vp, struct vnode *dvp);
/* For a vnode that dies: purges it and hands over its parent's reference. */
struct vnode *namecache_forget(struct vnode *vp);
/* Name of directory vp in its parent; 0 if it is not cached. */
size_t	namecache_getname(struct vnode *vp, char *buf, size_t size);
/*
 * Some name of vp that is cached, not a directory's: its length, 0 if there is none, and the
 * directory that it is in, referenced.
 */
size_t	namecache_getalias(struct vnode *vp, char *buf, size_t size,
	    struct vnode **ret_dvp);
/* Increases with each directory that changes its parent. */
extern uint32_t namecache_moves;
/* vp is dvp or below it.  Stable under fs_rename_lock. */
bool	vnode_isbelow(struct vnode *vp, struct vnode *dvp);

/* The caller's credentials, for what may sleep. */
struct cred *cred_current_hold(void);

/* --- access.c ------------------------------------------------------------- */

/* vnode_access() for what has attributes and no vnode. */
int	vattr_access(const struct vattr *va, int want, const struct cred *cr);
bool	access_isowner(struct vnode *vp, const struct cred *cr);
/* May entries be added to dvp; may vp be taken out of it? */
int	access_create(struct vnode *dvp, const struct cred *cr);
int	access_delete(struct vnode *dvp, struct vnode *vp, bool wantdir,
	    const struct cred *cr);
/* Owner and mode of what cr makes in dvp with this mode (umask not applied). */
void	access_newattr(struct vnode *dvp, const struct cred *cr, mode_t mode,
	    struct vattr *va);

/* --- cwd.c ------------------------------------------------------------------ */

int	cwd_boot(void);
/* Raw: good until the caller may sleep. */
void	cwd_getdir(struct proc *p, struct vpath *ret_path);
void	cwd_getroot(struct proc *p, struct vpath *ret_path);
/* These take references of their own. */
int	cwd_setdir(struct proc *p, const struct vpath *path);
int	cwd_setroot(struct proc *p, const struct vpath *path);
mode_t	cwd_umask(struct proc *p);
mode_t	cwd_setumask(struct proc *p, mode_t mask);
/* The root mount is there: procs without a place stand in it. */
int	cwd_start(const struct vpath *root);
void	cwd_gettop(struct vpath *ret_path);

/* --- mount.c ---------------------------------------------------------------- */

void	mount_boot(void);
/* What covers vp in mt, raw, or NULL. */
struct mount *mount_covering(struct mount *mt, struct vnode *vp);
/* What mt's root covers, raw; false at the top or if mt is detached. */
bool	mount_above(struct mount *mt, struct vpath *ret_path);
extern uint32_t mount_moves;		/* a: increases with each change of the tree */

static inline bool
mount_readonly(const struct mount *mt)
{
	return (__atomic_load_n(&mt->mt_flags, __ATOMIC_RELAXED) & 1) != 0 ||
	    __atomic_load_n(&mt->mt_fs->fs_readonly, __ATOMIC_RELAXED);
}

/* A file open for writing: EROFS.  mount_endwrite() takes it back. */
int	mount_beginwrite(struct mount *mt);
void	mount_endwrite(struct mount *mt);

/* An instance with a mount that is not in the tree yet. */
int	mount_create(const struct fstype *ft, const struct mount_args *ma,
	    struct mount **ret_mt);
/* A second mount on vp's directory of mt's fs. */
int	mount_clone(struct mount *mt, struct vnode *root, struct mount **ret_mt);
int	mount_attach(struct mount *mt, const struct vpath *where);
int	mount_setroot(struct mount *mt);
/* where is the covering mount's root, referenced; consumed. */
int	mount_detach(struct vpath *where, int flags);
int	mount_move(struct mount *mt, const struct vpath *where);
int	mount_bind_tree(const struct vpath *from, bool recursive,
	    struct mount **ret_mt);
void	mount_discard_tree(struct mount *mt);
int	mount_remount(struct mount *mt, const struct mount_args *ma);
int	mount_setflags(struct mount *mt, unsigned long flags);
int	mount_iterate_fs(int (*fn)(struct fs *, void *), void *arg);

void	fstype_boot(void);
const struct fstype *fstype_find(const char *name);

/* --- namei.c ---------------------------------------------------------------- */

/* The caller holds dvp's v_lock.  The second passes the name cache by. */
int	namei_step_locked(struct vnode *dvp, const struct cname *cn,
	    struct vnode **ret_vp);
int	namei_fslookup_locked(struct vnode *dvp, const struct cname *cn,
	    struct vnode **ret_vp);
/* For a name that is to be taken away: whichever of the two is less work. */
int	namei_victim_locked(struct vnode *dvp, const struct cname *cn,
	    struct vnode **ret_vp);

/* --- vfs_file.c --------------------------------------------------------------- */

struct vfile {
	struct vpath	 vf_path;	/* c: referenced */
	struct readahead vf_ra;
	struct file	*vf_inner;	/* c: a device's own file, or NULL */
	bool		 vf_writer;	/* c: counted in the mount */
	bool		 vf_flocked;	/* a: flock or OFD lock was taken */
};

extern const struct fileops vnode_fileops;

static inline struct vfile *
file_vfile(struct file *fp)
{
	return fp->f_aux;
}

/* Is it ours, whatever its kind?  Then ret_path (borrowed) tells where. */
bool	file_getpath(struct file *fp, struct vpath *ret_path);
int	vfile_create(const struct vpath *path, unsigned int flags,
	    const struct fileops *ops, struct file **ret_fp);
void	vfile_abandon(struct file *fp);
void	vfile_boot(void);
void	vnode_fo_close(struct file *fp);
int	vnode_fo_stat(struct file *fp, struct statx *st);
int	vnode_fo_fstat(struct file *fp, struct stat *st);
int	vnode_fo_getdents(struct file *fp, void *ubuf, size_t len, long *ret);
/* atime.c: the access time of a vnode that was read now, if its mount wants it. */
void	vnode_atime_update(struct vnode *vp, struct mount *mt, int64_t now);
/* relatime: vp was read through mt. */
void	vnode_accessed(struct vnode *vp, struct mount *mt, unsigned int flags);
/* Takes set-id bits away before a write or truncation; v_lock held W. */
int	vnode_dropprivs_locked(struct vnode *vp);
int	vnode_truncate(struct vnode *vp, uint64_t size, bool fd);

/* --- open.c, dir_syscalls.c ---------------------------------------------------- */

struct open_how;

/* path is kernel memory; how was checked. */
int	vfs_open(struct lwp *l, int dirfd, const char *path,
	    const struct open_how *how, struct file **ret_fp);
/* Down through what is mounted on a referenced path. */
void	vpath_crossdown(struct vpath *path);
/*
 * The absolute path of a directory, put at the end of buf and starting at
 * *ret_pos.  EXDEV: not below root.  ENOENT: removed.
 */
int	vfs_getpath(const struct vpath *dir, const struct vpath *root,
	    char *buf, size_t size, size_t *ret_pos);
int	vfs_copypath(const struct vpath *path, char *ubuf, long *ret);	/* RUMP_F_GETPATH */

/* --- memfd.c ------------------------------------------------------------------- */

/* Do seals forbid to write up to end, to make it that long?  v_lock held. */
int	vnode_sealed_write(const struct vnode *vp, uint64_t end);
int	vnode_sealed_size(const struct vnode *vp, uint64_t size);
int	vnode_fo_fcntl(struct file *fp, int cmd, unsigned long arg, long *ret);

/* --- attr.c, attr_syscalls.c --------------------------------------------------- */

int	vnode_statx(const struct vpath *path, struct statx *ret_st);

/* --- vfs_component.c, sync.c, specfs.c ---------------------------------------- */

int	vfs_sync_all(void);
/*
 * By the kernel's own right, whoever is calling.  mode has the type; mkdir
 * is content with what is there; mkparents makes the directories that lead to path.
 */
int	vfs_kern_create(const char *path, mode_t mode, dev_t rdev);
int	vfs_kern_mkdir(const char *path, mode_t mode);
int	vfs_kern_mkparents(const char *path);
int	vfs_kern_unlink(const char *path);

void	hostfile_start(void);

/* socknode.c */
void	socknode_start(void);

/* --- lockf.c, lockf_range.c ------------------------------------------------------ */

struct flock;

void	lockf_boot(void);
int	lockf_fo_lock(struct file *fp, int cmd, struct flock *fl);
/* Gives up what proc p (a file) holds on vp. */
void	lockf_release_proc(struct vnode *vp, struct proc *p);
void	lockf_release_file(struct vnode *vp, struct file *fp);
/* vp dies: nobody holds or waits for anything. */
void	lockf_destroy(struct vnode *vp);

/* --- specfs.c, fifo.c -------------------------------------------------------------- */

void	specfs_start(void);		/* /dev is there */
/* "/dev/name" of the device that a node leads to. */
bool	specfs_devpath(bool block, dev_t dev, char *buf, size_t size);
bool	specfs_isours(const struct file *fp);
extern const struct fileops fifo_fileops;
/* These consume the path if they succeed. */
int	specfs_open(struct vpath *path, unsigned int flags,
	    struct file **ret_fp);
int	fifo_open(struct vpath *path, unsigned int flags,
	    struct file **ret_fp);

/*
 * Is this "" and a descriptor of a pipe, or of something else that look-ups
 * know nothing of?  They answer ENOTDIR then.
 */
bool	path_isnameless(int dirfd, const char *upath);

#endif /* VFS_IMPL_H */
