/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * atime.c - access times, when they are due
 *
 * vnode_accessed() comes here when v_atime_until has passed: then the file's times are
 * looked at, and that field says until when nobody needs to look again.
 *
 * References: mount(2) for MS_RELATIME.
 */

#include <linux/mount.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/ktime.h>

#include "attr_impl.h"
#include "vfs_impl.h"

#define DAY	(24 * 3600 * NSEC_PER_SEC)

static int64_t
timespec_ns(const struct timespec64 *ts)
{
	if (ts->tv_sec > INT64_MAX / NSEC_PER_SEC - 1)
		return INT64_MAX;
	if (ts->tv_sec < INT64_MIN / NSEC_PER_SEC + 1)
		return INT64_MIN;
	return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

static int
timespec_cmp(const struct timespec64 *a, const struct timespec64 *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

/* relatime: not newer than a change, or a day old. */
static bool
atime_isdue(const struct vattr *va, const struct mount *mt, int64_t now)
{
	if ((atomic_load(&mt->mt_flags) & MS_RELATIME) == 0)
		return true;
	return timespec_cmp(&va->va_atime, &va->va_mtime) <= 0 ||
	    timespec_cmp(&va->va_atime, &va->va_ctime) <= 0 ||
	    now - timespec_ns(&va->va_atime) >= DAY;
}

void
vnode_atime_update(struct vnode *vp, struct mount *mt, int64_t now)
{
	struct vattr va;
	int error;

	if (vnode_getattr(vp, &va) != 0)
		return;
	error = 0;
	if (atime_isdue(&va, mt, now)) {
		va.va_atime = ktime_to_timespec(now);
		rw_write_enter(&vp->v_lock);
		error = vp->v_ops->vo_setattr == NULL ? EROFS :
		    vp->v_ops->vo_setattr(vp, &va, VA_ATIME);
		rw_exit(&vp->v_lock);
	}
	/* A file system that cannot is not asked again before tomorrow. */
	if (error || (timespec_cmp(&va.va_atime, &va.va_mtime) > 0 &&
	    timespec_cmp(&va.va_atime, &va.va_ctime) > 0))
		atomic_store(&vp->v_atime_until,
		    (error ? now : timespec_ns(&va.va_atime)) + DAY);
}
