/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cwd.c - whose directory this process is in
 *
 * A child of vfork(2) has a directory and a umask of its own at the host, but in the kernel it is its
 * parent until it executes something.  So what it changes there is remembered, and put back when the
 * parent goes on.  The two share this memory; the parent stands still.
 */

#include <errno.h>
#include <fcntl.h>

#include "hijack.h"
#include "path.h"

static uint32_t cwd;		/* a: enum cwd_kind */

/* What the parent of a child of vfork(2) had; one such child at a time is known. */
static struct {
	uint32_t	 k_owner;	/* a: 0, or one that keeps something */
	bool		 k_cwd;
	bool		 k_umask;
	enum cwd_kind	 k_kind;
	int		 k_dir;		/* of the kernel; negative: none */
	long		 k_mask;
} kept;

enum cwd_kind
path_cwd(void)
{
	return (enum cwd_kind)__atomic_load_n(&cwd, __ATOMIC_ACQUIRE);
}

void
path_setcwd(enum cwd_kind kind)
{
	__atomic_store_n(&cwd, (uint32_t)kind, __ATOMIC_RELEASE);
}

static bool
kept_mine(void)
{
	uint32_t none = 0;

	if (!self.s_vfork)
		return false;
	if (self.s_keeps)
		return true;
	self.s_keeps = __atomic_compare_exchange_n(&kept.k_owner, &none, 1, false, __ATOMIC_ACQUIRE,
	    __ATOMIC_RELAXED);
	return self.s_keeps;
}

void
path_cwd_keep(void)
{
	if (!kept_mine() || kept.k_cwd)
		return;
	kept.k_kind = path_cwd();
	kept.k_dir = backend == NULL ? -ENOENT :
	    (int)kernel_syscall(SYS_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	kept.k_cwd = true;
}

void
path_umask_keep(long old)
{
	if (old < 0 || !kept_mine() || kept.k_umask)
		return;
	kept.k_mask = old;
	kept.k_umask = true;
}

void
path_kept_back(void)
{
	if (!self.s_keeps)
		return;
	if (kept.k_cwd) {
		if (kept.k_dir >= 0) {
			(void)kernel_syscall(SYS_fchdir, kept.k_dir);
			(void)kernel_syscall(SYS_close, kept.k_dir);
		}
		path_setcwd(kept.k_kind);
	}
	if (kept.k_umask)
		(void)kernel_syscall(SYS_umask, kept.k_mask);
	kept.k_cwd = kept.k_umask = false;
	self.s_keeps = false;
	__atomic_store_n(&kept.k_owner, 0, __ATOMIC_RELEASE);
}
