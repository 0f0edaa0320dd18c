/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * stat.c - attributes of files, from one form to the other
 */

#include <sys/stat.h>

#include <lib/string.h>
#include <linux/capability.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/ktime.h>

void
stat_from_statx(const struct statx *sx, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = dev_encode(dev_make(sx->stx_dev_major, sx->stx_dev_minor));
	st->st_ino = sx->stx_ino;
	st->st_mode = sx->stx_mode;
	st->st_nlink = sx->stx_nlink;
	st->st_uid = sx->stx_uid;
	st->st_gid = sx->stx_gid;
	st->st_rdev = dev_encode(dev_make(sx->stx_rdev_major,
	    sx->stx_rdev_minor));
	st->st_size = (long)sx->stx_size;
	st->st_blksize = (int)sx->stx_blksize;
	st->st_blocks = (long)sx->stx_blocks;
	st->st_atime = (unsigned long)sx->stx_atime.tv_sec;
	st->st_atime_nsec = sx->stx_atime.tv_nsec;
	st->st_mtime = (unsigned long)sx->stx_mtime.tv_sec;
	st->st_mtime_nsec = sx->stx_mtime.tv_nsec;
	st->st_ctime = (unsigned long)sx->stx_ctime.tv_sec;
	st->st_ctime_nsec = sx->stx_ctime.tv_nsec;
}

/*
 * Two who change the same pipe at once get the change of one or the other;
 * nothing depends on mode and owner agreeing.
 */
int
anonattr_chmod(struct anonattr *aa, mode_t mode)
{
	const struct cred *cr = curcred();
	mode_t type = atomic_load(&aa->aa_mode) & S_IFMT;

	if (cr->cr_fsuid != atomic_load(&aa->aa_uid) &&
	    !cred_capable(cr, CAP_FOWNER))
		return EPERM;
	if (!cred_ingroup(cr, atomic_load(&aa->aa_gid)) &&
	    !cred_capable(cr, CAP_FSETID))
		mode &= ~(mode_t)S_ISGID;
	atomic_store(&aa->aa_mode, type | (mode & 07777));
	return 0;
}

int
anonattr_chown(struct anonattr *aa, uid_t uid, gid_t gid)
{
	const struct cred *cr = curcred();
	mode_t mode = atomic_load(&aa->aa_mode);
	gid_t oldgid = atomic_load(&aa->aa_gid);
	bool all = cred_capable(cr, CAP_CHOWN);
	bool owner = cr->cr_fsuid == atomic_load(&aa->aa_uid);

	if (uid != (uid_t)-1 && !all &&
	    !(owner && uid == atomic_load(&aa->aa_uid)))
		return EPERM;
	if (gid != (gid_t)-1 && !all &&
	    !(owner && (gid == oldgid || cred_ingroup(cr, gid))))
		return EPERM;
	if (uid != (uid_t)-1)
		atomic_store(&aa->aa_uid, uid);
	if (gid != (gid_t)-1)
		atomic_store(&aa->aa_gid, gid);
	if ((mode & S_ISGID) && ((mode & S_IXGRP) ||
	    (!cred_ingroup(cr, oldgid) && !cred_capable(cr, CAP_FSETID))))
		mode &= ~(mode_t)S_ISGID;
	atomic_store(&aa->aa_mode, mode & ~(mode_t)S_ISUID);
	return 0;
}

int
anonattr_utimes(struct anonattr *aa)
{
	if (curcred()->cr_fsuid != atomic_load(&aa->aa_uid) &&
	    !cred_capable(curcred(), CAP_FOWNER))
		return EPERM;
	return 0;
}

void
statx_anon(const struct file *fp, dev_t dev, ino_t ino, mode_t mode,
    int64_t when, struct statx *sx)
{
	static int64_t anon_birth;	/* a: of all that have no time */
	struct timespec64 ts;

	if (when == 0) {
		when = clock_wall_coarse();
		if (!atomic_cas_ar(&anon_birth, &(int64_t){ 0 }, when))
			when = atomic_load(&anon_birth);
	}
	ts = ktime_to_timespec(when);
	memset(sx, 0, sizeof(*sx));
	sx->stx_mask = STATX_BASIC_STATS;
	sx->stx_blksize = PAGE_SIZE;
	sx->stx_nlink = 1;
	if (dev != STAT_DEV_ANON) {	/* those are nobody's in particular */
		sx->stx_uid = fp->f_cred->cr_fsuid;
		sx->stx_gid = fp->f_cred->cr_fsgid;
	}
	sx->stx_mode = (uint16_t)mode;
	sx->stx_ino = ino;
	sx->stx_dev_major = dev_major(dev);
	sx->stx_dev_minor = dev_minor(dev);
	sx->stx_atime.tv_sec = ts.tv_sec;
	sx->stx_atime.tv_nsec = (uint32_t)ts.tv_nsec;
	sx->stx_mtime = sx->stx_ctime = sx->stx_atime;
}
