/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fd.c - numbers of the calling proc: look-up, reservation, change
 *
 * How look-up does without a lock is told in fdtable.c.  Files are released
 * after ft_lock was dropped.
 */

#include <sys/file.h>

#include <linux/fcntl.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/proc.h>

#include "fdtable_impl.h"

/* --- look-up --------------------------------------------------------------- */

int
fd_get(int fd, struct file **ret_fp)
{
	struct fdtable *fdt = atomic_load_acq(&curproc()->p_fd);
	struct fdbody *fb;
	struct file *fp;

	for (;;) {
		fb = atomic_load_acq(&fdt->ft_body);
		if (unlikely((unsigned int)fd >= fb->fb_size))
			return EBADF;
		fp = atomic_load_acq(&fb->fb_slot[fd]);
		if (unlikely(fp == NULL))
			return EBADF;
		if (likely(file_tryhold(fp))) {
			*ret_fp = fp;
			return 0;
		}
		cpu_relax();
	}
}

int
fd_get_nopath(int fd, struct file **ret_fp)
{
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	if (unlikely((file_flags(fp) & O_PATH) != 0)) {
		fd_put(fp);
		return EBADF;
	}
	*ret_fp = fp;
	return 0;
}

int
fd_get_rw(int fd, bool write, struct file **ret_fp)
{
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	if (unlikely(!(write ? file_writable(fp) : file_readable(fp)))) {
		fd_put(fp);
		return EBADF;
	}
	*ret_fp = fp;
	return 0;
}

/* --- change ---------------------------------------------------------------- */

static struct fdtable *
curfdtable(void)
{
	return atomic_load_acq(&curproc()->p_fd);
}

static unsigned int
fd_rlimit(void)
{
	uint64_t limit;

	limit = atomic_load(&curproc()->p_rlimit[RLIMIT_NOFILE].rlim_cur);
	return limit > FD_MAX ? FD_MAX : (unsigned int)limit;
}

static int
fd_reserve_locked(struct fdtable *fdt, unsigned int min, int *ret_fd)
    REQUIRES(fdt->ft_lock)
{
	unsigned int fd;
	int error;

	fd = fdbody_firstfree(fdt->ft_body, min > fdt->ft_low ? min :
	    fdt->ft_low);
	if (fd < min)
		fd = min;		/* beyond the body */
	if (fd >= fd_rlimit())
		return EMFILE;
	error = fdtable_grow_locked(fdt, fd);
	if (error)
		return error;
	KASSERT(!bit_isset(fdt->ft_body->fb_taken, fd));
	fdbody_settaken(fdt->ft_body, fd, true);
	if (min <= fdt->ft_low)
		fdt->ft_low = fd + 1;
	*ret_fd = (int)fd;
	return 0;
}

static void
fd_install_locked(struct fdtable *fdt, unsigned int fd, struct file *fp,
    bool cloexec) REQUIRES(fdt->ft_lock)
{
	struct fdbody *fb = fdt->ft_body;

	KASSERT(bit_isset(fb->fb_taken, fd));
	KASSERT(fb->fb_slot[fd] == NULL);
	bit_assign(fb->fb_cloexec, fd, cloexec);
	atomic_store_rel(&fb->fb_slot[fd], fp);
}

int
fd_reserve(int min, int *ret_fd)
{
	struct fdtable *fdt = curfdtable();
	int error;

	mutex_enter(&fdt->ft_lock);
	error = fd_reserve_locked(fdt, (unsigned int)min, ret_fd);
	mutex_exit(&fdt->ft_lock);
	return error;
}

void
fd_install(int fd, struct file *fp, bool cloexec)
{
	struct fdtable *fdt = curfdtable();

	mutex_enter(&fdt->ft_lock);
	fd_install_locked(fdt, (unsigned int)fd, fp, cloexec);
	mutex_exit(&fdt->ft_lock);
}

void
fd_unreserve(int fd)
{
	struct fdtable *fdt = curfdtable();

	mutex_enter(&fdt->ft_lock);
	KASSERT(fdt->ft_body->fb_slot[fd] == NULL);
	KASSERT(bit_isset(fdt->ft_body->fb_taken, (unsigned int)fd));
	fdbody_settaken(fdt->ft_body, (unsigned int)fd, false);
	if ((unsigned int)fd < fdt->ft_low)
		fdt->ft_low = (unsigned int)fd;
	mutex_exit(&fdt->ft_lock);
}

int
fd_alloc_min(struct file *fp, int min, bool cloexec, int *ret_fd)
{
	struct fdtable *fdt = curfdtable();
	int error;

	mutex_enter(&fdt->ft_lock);
	error = fd_reserve_locked(fdt, (unsigned int)min, ret_fd);
	if (error == 0)
		fd_install_locked(fdt, (unsigned int)*ret_fd, fp, cloexec);
	mutex_exit(&fdt->ft_lock);
	return error;
}

int
fd_alloc(struct file *fp, bool cloexec, int *ret_fd)
{
	return fd_alloc_min(fp, 0, cloexec, ret_fd);
}

int
fd_replace(struct file *fp, int fd, bool cloexec)
{
	struct fdtable *fdt = curfdtable();
	struct file *old;
	int error;

	if (fd < 0 || (unsigned int)fd >= fd_rlimit())
		return EBADF;
	mutex_enter(&fdt->ft_lock);
	error = fdtable_grow_locked(fdt, (unsigned int)fd);
	if (error) {
		mutex_exit(&fdt->ft_lock);
		return error;
	}
	old = fdt->ft_body->fb_slot[fd];
	if (old == NULL && bit_isset(fdt->ft_body->fb_taken, (unsigned int)fd)) {
		mutex_exit(&fdt->ft_lock);
		return EBUSY;		/* reserved: an open(2) is under way */
	}
	fdbody_settaken(fdt->ft_body, (unsigned int)fd, true);
	bit_assign(fdt->ft_body->fb_cloexec, (unsigned int)fd, cloexec);
	atomic_store_rel(&fdt->ft_body->fb_slot[fd], fp);
	mutex_exit(&fdt->ft_lock);
	if (old != NULL)
		file_unslot(old, curproc());
	return 0;
}

int
fd_close(int fd)
{
	struct fdtable *fdt = curfdtable();
	struct file *fp;

	mutex_enter(&fdt->ft_lock);
	fp = fdtable_remove_locked(fdt, (unsigned int)fd);
	mutex_exit(&fdt->ft_lock);
	if (fp == NULL)
		return EBADF;
	file_unslot(fp, curproc());
	return 0;
}

void
fd_close_range(unsigned int first, unsigned int last)
{
	struct fdtable *fdt = curfdtable();
	struct file *fp;

	while ((fp = fdtable_removenext(fdt, &first, last, false)) != NULL)
		file_unslot(fp, curproc());
}

void
fd_cloexec_range(unsigned int first, unsigned int last)
{
	struct fdtable *fdt = curfdtable();
	struct fdbody *fb;
	unsigned int n;

	mutex_enter(&fdt->ft_lock);
	fb = fdt->ft_body;
	for (n = fdbody_nexttaken(fb, first); n < fb->fb_size && n <= last;
	    n = fdbody_nexttaken(fb, n + 1))
		bit_assign(fb->fb_cloexec, n, true);
	mutex_exit(&fdt->ft_lock);
}

int
fd_getcloexec(int fd, bool *ret_cloexec)
{
	struct fdtable *fdt = curfdtable();
	int error = EBADF;

	mutex_enter(&fdt->ft_lock);
	if ((unsigned int)fd < fdt->ft_body->fb_size &&
	    fdt->ft_body->fb_slot[fd] != NULL) {
		*ret_cloexec = bit_isset(fdt->ft_body->fb_cloexec,
		    (unsigned int)fd);
		error = 0;
	}
	mutex_exit(&fdt->ft_lock);
	return error;
}

int
fd_setcloexec(int fd, bool cloexec)
{
	struct fdtable *fdt = curfdtable();
	int error = EBADF;

	mutex_enter(&fdt->ft_lock);
	if ((unsigned int)fd < fdt->ft_body->fb_size &&
	    fdt->ft_body->fb_slot[fd] != NULL) {
		bit_assign(fdt->ft_body->fb_cloexec, (unsigned int)fd, cloexec);
		error = 0;
	}
	mutex_exit(&fdt->ft_lock);
	return error;
}
