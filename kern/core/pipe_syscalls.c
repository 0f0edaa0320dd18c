/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pipe_syscalls.c - pipes without a name, and the sizes of pipes
 *
 * References: pipe2(2), F_SETPIPE_SZ(2const).
 */

#include <abi/sysargs.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/atomic.h>
#include <sys/component.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/kvar.h>
#include <sys/stat.h>

#include "pipe_impl.h"

#define PIPE_SIZE_MAX	(1UL << 31)	/* that F_SETPIPE_SZ understands */

static int pipe_max_size = 1 << 20;

static int
pipe_kvars(void)
{
	static struct kvar max_size = {
		.kv_name = "fs.pipe-max-size",
		.kv_about = "bytes that an unprivileged F_SETPIPE_SZ may ask for",
		.kv_type = KVAR_INT,
		.kv_ptr = &pipe_max_size,
		.kv_size = sizeof(pipe_max_size),
		.kv_min = PAGE_SIZE,
		.kv_max = INT32_MAX,
	};

	kvar_register(&max_size);
	return 0;
}

COMPONENT(pipe, COMPONENT_KERN, pipe_kvars);

/* --- the files of a nameless pipe -------------------------------------------- */

static int
pipe_file_stat(struct file *fp, struct statx *st)
{
	const struct pipe *pi = fp->f_data;

	statx_anon(fp, STAT_DEV_PIPE, pi->pi_ino,
	    atomic_load(&pi->pi_attr.aa_mode), pi->pi_birth, st);
	st->stx_uid = atomic_load(&pi->pi_attr.aa_uid);
	st->stx_gid = atomic_load(&pi->pi_attr.aa_gid);
	return 0;
}

static struct anonattr *
pipe_file_attr(struct file *fp)
{
	struct pipe *pi = fp->f_data;

	return &pi->pi_attr;
}

static void
pipe_file_close(struct file *fp)
{
	pipe_detach(fp->f_data, fp);
	pipe_rele(fp->f_data);
}

static const struct fileops pipe_fileops = {
	.fo_read	= pipe_file_read,
	.fo_write	= pipe_file_write,
	.fo_ioctl	= pipe_file_ioctl,
	.fo_poll	= pipe_file_poll,
	.fo_stat	= pipe_file_stat,
	.fo_setfl	= pipe_file_setfl,
	.fo_attr	= pipe_file_attr,
	.fo_close	= pipe_file_close,
	.fo_rwflags	= RWF_NOWAIT,
};

/* --- size ------------------------------------------------------------------ */

static int
pipe_resize_locked(struct pipe *pi, uint32_t nslots) REQUIRES(pi->pi_lock)
{
	uint32_t used = pipe_used_locked(pi);
	struct pipeslot *slots;

	if (used > nslots)
		return EBUSY;
	slots = kmem_zalloc(nslots * sizeof(slots[0]), KM_SLEEP);
	if (slots == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < used; i++)
		slots[i] = *pipe_slot_locked(pi, pi->pi_tail + i);
	kmem_free(pi->pi_slots, pi->pi_nslots * sizeof(slots[0]));
	pi->pi_slots = slots;
	pi->pi_nslots = nslots;
	pi->pi_tail = 0;
	pi->pi_head = used;
	cv_broadcast(&pi->pi_writable);
	return 0;
}

static int
pipe_setsize(struct pipe *pi, unsigned long arg, long *ret)
{
	unsigned long size = PAGE_SIZE;
	int error;

	if ((unsigned int)arg > PIPE_SIZE_MAX)
		return EINVAL;
	while (size < (unsigned int)arg)
		size *= 2;
	mutex_enter(&pi->pi_lock);
	if (size > (unsigned long)atomic_load(&pipe_max_size) &&
	    size > pi->pi_nslots * PAGE_SIZE &&
	    !cred_capable(curcred(), CAP_SYS_RESOURCE))
		error = EPERM;
	else
		error = pipe_resize_locked(pi, (uint32_t)(size / PAGE_SIZE));
	mutex_exit(&pi->pi_lock);
	if (error)
		return error;
	pollsrc_wake(&pi->pi_wsrc, 0);
	*ret = (long)size;
	return 0;
}

int
pipe_fcntl(struct file *fp, int cmd, unsigned long arg, long *ret)
{
	struct pipe *pi = pipe_of_file(fp);

	if (pi == NULL)
		return EBADF;
	if (cmd == F_SETPIPE_SZ)
		return pipe_setsize(pi, arg, ret);
	mutex_enter(&pi->pi_lock);
	*ret = (long)(pi->pi_nslots * PAGE_SIZE);
	mutex_exit(&pi->pi_lock);
	return 0;
}

/* --- pipe2 ----------------------------------------------------------------- */

/* The two files of a fresh pipe, each with one reference. */
static int
pipe_files(unsigned int flags, struct file *ret_fp[2])
{
	struct file *fp[2];
	struct pipe *pi;
	int error;

	error = pipe_create(&pi);
	if (error)
		return error;
	error = file_create(FILE_PIPE, &pipe_fileops, pi, O_RDONLY | flags,
	    &fp[0]);
	if (error)
		goto fail_pipe;
	error = file_create(FILE_PIPE, &pipe_fileops, pi, O_WRONLY | flags,
	    &fp[1]);
	if (error)
		goto fail_file;
	pipe_hold(pi);
	mutex_enter(&pi->pi_lock);
	pipe_attach_locked(pi, fp[0]);
	pipe_attach_locked(pi, fp[1]);
	mutex_exit(&pi->pi_lock);
	ret_fp[0] = fp[0];
	ret_fp[1] = fp[1];
	return 0;

fail_file:
	file_abandon(fp[0]);
fail_pipe:
	pipe_rele(pi);
	return error;
}

static int
fd_reserve_two(int ret_fd[2])
{
	int error;

	error = fd_reserve(0, &ret_fd[0]);
	if (error)
		return error;
	error = fd_reserve(0, &ret_fd[1]);
	if (error)
		fd_unreserve(ret_fd[0]);
	return error;
}

int
sys_pipe2(struct lwp *l, int *ufds, int flags, long *ret)
{
	bool cloexec = (flags & O_CLOEXEC) != 0;
	struct file *fp[2];
	int error, fd[2];

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0)
		return EINVAL;
	error = pipe_files((unsigned int)(flags & (O_NONBLOCK | O_DIRECT)), fp);
	if (error)
		return error;
	error = fd_reserve_two(fd);
	if (error)
		goto fail_files;
	error = copyout(fd, ufds, sizeof(fd));
	if (error)
		goto fail_fds;
	fd_install(fd[0], fp[0], cloexec);
	fd_install(fd[1], fp[1], cloexec);
	return 0;

fail_fds:
	fd_unreserve(fd[0]);
	fd_unreserve(fd[1]);
fail_files:
	file_rele(fp[0]);
	file_rele(fp[1]);
	return error;
}
