/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fdtable.c - tables of descriptors
 *
 * A table maps small numbers to files.  What it consists of is its body, one
 * block of slots and bits (fdbody.c); calls on numbers are in fd.c.
 *
 *	free -> reserved	fd_reserve(): the bit is set, the slot is NULL
 *	reserved -> open	fd_install()
 *	reserved -> free	fd_unreserve()
 *	open -> free		fd_close() and the like
 *
 * Look-up takes no lock: load the body, load the slot, take a reference.  What
 * the slot held at that moment is the answer, even if it is closed before the
 * reference was taken, because files and bodies are freed through qsbr only;
 * so a second look at the slot would tell nothing new.  If the file turns out
 * to be dead, its slot was cleared before, perhaps in a larger body that has
 * replaced ours, and we look again from the start.
 *
 * Growing makes a larger body, copies under the lock, publishes, and has the
 * old one freed through qsbr.  Who still looks at the old one sees the past,
 * which is as if he had looked before.
 *
 * Locking: ft_lock guards changes; nothing is called with it held but the
 * allocator.  Files are released after it was dropped.
 */

#include "fdtable_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#define FDBODY_MIN	64		/* slots of a new table */

static int
fdtable_create_sized(unsigned int size, struct fdtable **ret_fdt)
{
	struct fdtable *fdt;
	int error;

	fdt = kmem_zalloc(sizeof(*fdt), KM_SLEEP);
	if (fdt == NULL)
		return ENOMEM;
	error = fdbody_create(size, &fdt->ft_body);
	if (error) {
		kmem_free(fdt, sizeof(*fdt));
		return error;
	}
	mutex_init(&fdt->ft_lock, "fdtable");
	fdt->ft_refs = 1;
	*ret_fdt = fdt;
	return 0;
}

int
fdtable_create(struct fdtable **ret_fdt)
{
	return fdtable_create_sized(FDBODY_MIN, ret_fdt);
}

int
fdtable_grow_locked(struct fdtable *fdt, unsigned int fd)
{
	struct fdbody *old = fdt->ft_body, *new;
	unsigned int size = old->fb_size;
	int error;

	if (fd < size)
		return 0;
	if (fd >= FD_MAX)
		return EMFILE;
	while (size <= fd)
		size *= 2;
	error = fdbody_create(size, &new);
	if (error)
		return error;
	fdbody_move(new, old);
	atomic_store_rel(&fdt->ft_body, new);
	qsbr_call(&old->fb_qsbr, fdbody_free);
	return 0;
}

/* The whole of a table, however it grows meanwhile. */
static int
fdtable_clone(struct fdtable *from, bool reserved, struct fdtable **ret_fdt)
{
	unsigned int size = FDBODY_MIN;
	struct fdtable *fdt;
	bool fits;
	int error;

	for (;;) {
		error = fdtable_create_sized(size, &fdt);
		if (error)
			return error;
		mutex_enter(&from->ft_lock);
		size = from->ft_body->fb_size;
		fits = size <= fdt->ft_body->fb_size;
		if (fits)
			fdbody_copy(fdt->ft_body, from->ft_body, reserved);
		mutex_exit(&from->ft_lock);
		if (fits)
			break;
		fdtable_rele(fdt, curproc());
	}
	*ret_fdt = fdt;
	return 0;
}

int
fdtable_copy(struct fdtable *from, bool empty, struct fdtable **ret_fdt)
{
	struct fdtable *fdt;
	int error;

	if (!empty)
		return fdtable_clone(from, false, ret_fdt);
	error = fdtable_create(&fdt);
	if (error)
		return error;
	error = fdtable_console(fdt);
	if (error) {
		fdtable_rele(fdt, curproc());
		return error;
	}
	*ret_fdt = fdt;
	return 0;
}

void
fdtable_hold(struct fdtable *fdt)
{
	unsigned int old = atomic_add(&fdt->ft_refs, 1);

	KASSERT(old > 0);
	(void)old;
}

static void
fdtable_free(struct qsbr_head *qh)
{
	struct fdtable *fdt = container_of(qh, struct fdtable, ft_qsbr);

	kmem_free(fdt->ft_body, fdt->ft_body->fb_bytes);
	kmem_free(fdt, sizeof(*fdt));
}

void
fdtable_rele(struct fdtable *fdt, struct proc *p)
{
	struct fdbody *fb;
	struct file *fp;
	unsigned int fd;

	if (atomic_sub_ar(&fdt->ft_refs, 1) != 1)
		return;
	fb = fdt->ft_body;
	for (fd = fdbody_nexttaken(fb, 0); fd < fb->fb_size;
	    fd = fdbody_nexttaken(fb, fd + 1)) {
		fp = atomic_swap_ar(&fb->fb_slot[fd], NULL);
		if (fp != NULL)
			file_unslot(fp, p);
	}
	mutex_destroy(&fdt->ft_lock);
	qsbr_call(&fdt->ft_qsbr, fdtable_free);
}

/*
 * Threads of p that have reserved a number will install it in the new table,
 * so reservations are copied.
 * NEEDSWORK: in the old table such a number stays reserved as long as others
 * use that.  To give it back, a reservation would have to name its table.
 */
int
fdtable_unshare(struct proc *p)
{
	struct fdtable *old = atomic_load_acq(&p->p_fd), *new;
	int error;

	if (atomic_load_acq(&old->ft_refs) == 1)
		return 0;
	error = fdtable_clone(old, true, &new);
	if (error)
		return error;
	old = atomic_swap_ar(&p->p_fd, new);
	fdtable_rele(old, p);
	return 0;
}

void
fdtable_fill(struct fdtable *fdt, struct file *fp, unsigned int n)
{
	KASSERT(n <= fdt->ft_body->fb_size);
	for (unsigned int fd = 0; fd < n; fd++) {
		KASSERT(fdt->ft_body->fb_slot[fd] == NULL);
		file_hold(fp);
		fdbody_settaken(fdt->ft_body, fd, true);
		fdt->ft_body->fb_slot[fd] = fp;
	}
	fdt->ft_low = n;
}

unsigned int
fdtable_limit(struct fdtable *fdt)
{
	return atomic_load_acq(&fdt->ft_body)->fb_size;
}

int
fdtable_iterate(struct fdtable *fdt,
    int (*fn)(int fd, struct file *fp, void *arg), void *arg)
{
	struct file *fp;
	unsigned int fd = 0;
	int error = 0;

	for (;; fd++) {
		mutex_enter(&fdt->ft_lock);
		do {
			fd = fdbody_nexttaken(fdt->ft_body, fd);
			fp = fd < fdt->ft_body->fb_size ?
			    fdt->ft_body->fb_slot[fd] : NULL;
		} while (fp == NULL && fd++ < fdt->ft_body->fb_size);
		if (fp != NULL)
			file_hold(fp);
		mutex_exit(&fdt->ft_lock);
		if (fp == NULL)
			return 0;
		error = fn((int)fd, fp, arg);
		file_rele(fp);
		if (error)
			return error;
	}
}

struct file *
fdtable_remove_locked(struct fdtable *fdt, unsigned int fd)
{
	struct fdbody *fb = fdt->ft_body;
	struct file *fp;

	if (fd >= fb->fb_size || fb->fb_slot[fd] == NULL)
		return NULL;
	fp = fb->fb_slot[fd];
	atomic_store_rel(&fb->fb_slot[fd], NULL);
	fdbody_settaken(fb, fd, false);
	if (fd < fdt->ft_low)
		fdt->ft_low = fd;
	return fp;
}

struct file *
fdtable_removenext(struct fdtable *fdt, unsigned int *fd, unsigned int last,
    bool cloexec)
{
	struct file *fp = NULL;
	struct fdbody *fb;
	unsigned int n;

	mutex_enter(&fdt->ft_lock);
	fb = fdt->ft_body;
	for (n = fdbody_nexttaken(fb, *fd); n < fb->fb_size && n <= last;
	    n = fdbody_nexttaken(fb, n + 1)) {
		if (cloexec && !bit_isset(fb->fb_cloexec, n))
			continue;
		fp = fdtable_remove_locked(fdt, n);
		if (fp != NULL)
			break;
	}
	mutex_exit(&fdt->ft_lock);
	*fd = n + 1;
	return fp;
}

void
fdtable_closeexec(struct fdtable *fdt, struct proc *p)
{
	unsigned int first = 0;
	struct file *fp;

	while ((fp = fdtable_removenext(fdt, &first, FD_MAX, true)) != NULL)
		file_unslot(fp, p);
}
