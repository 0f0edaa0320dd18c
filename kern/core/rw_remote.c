/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rw_remote.c - transfers of clients whose memory has to be asked for
 *
 * Files hold locks while they copy: of a vnode, of a pipe.  Asking a remote
 * client for memory in the middle of that would let it hold up everybody who wants
 * the same file, for as long as it likes.  So what has come along with the
 * call is moved at once, and nobody is asked meanwhile; and what has not goes through
 * memory of the kernel's, which is filled before the transfer or emptied after it.
 *
 * A client that says all it can with its calls (librumpclient) comes here only with
 * long transfers, and with bad pointers: the file has to find those itself, since it may
 * have nothing to do with them, at its end for instance.  A long write is then several,
 * one after the other, as far as others can see.
 */

#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/uio.h>

#include "rw_impl.h"

#define STAGE_MAX	((size_t)256 << 10)

/* How much of it, from where it stands, needs no question. */
static size_t
ready(const struct uio *uio)
{
	const struct proc *p = curproc();
	size_t total = 0;

	for (size_t i = 0; i < uio->uio_iovcnt && total < uio->uio_resid; i++) {
		const struct rumpuser_iov *iov = &uio->uio_iov[i];
		size_t n = p->p_vm->vm_ready(p->p_vmcookie, iov->iov_base,
		    iov->iov_len, uio->uio_rw == UIO_READ);

		total += n;
		if (n < iov->iov_len)
			break;
	}
	return total < uio->uio_resid ? total : uio->uio_resid;
}

/* Can the next len bytes be written? */
static int
touch(const struct uio *uio, size_t len)
{
	const struct proc *p = curproc();

	for (size_t i = 0; i < uio->uio_iovcnt && len > 0; i++) {
		const struct rumpuser_iov *iov = &uio->uio_iov[i];
		size_t n = iov->iov_len < len ? iov->iov_len : len;
		int error = n == 0 ? 0 : p->p_vm->vm_touch(p->p_vmcookie,
		    iov->iov_base, n);

		if (error)
			return error;
		len -= n;
	}
	return 0;
}

static int
move_ready(struct file *fp, struct uio *uio, size_t len, int64_t *off, int flags,
    size_t *ret_done)
{
	const struct proc *p = curproc();
	size_t rest = uio->uio_resid - len;
	int error;

	uio->uio_resid = len;
	p->p_vm->vm_setquiet(p->p_vmcookie, true);
	error = rw_transfer(fp, uio, off, flags, ret_done);
	p->p_vm->vm_setquiet(p->p_vmcookie, false);
	uio->uio_resid += rest;
	return error;
}

static int
write_staged(struct file *fp, struct uio *uio, uint8_t *stage, size_t len,
    int64_t *off, int flags, size_t *ret_done)
{
	size_t resid = uio->uio_resid, got;
	struct rumpuser_iov iov;
	struct uio from;
	int error;

	error = uio_move(stage, len, uio);
	got = resid - uio->uio_resid;
	if (error && got == 0)
		return move_ready(fp, uio, len, off, flags, ret_done);
	uio_init_buf(&from, &iov, stage, got, 0, UIO_WRITE, UIO_KERNEL);
	return rw_transfer(fp, &from, off, flags, ret_done);
}

static int
read_staged(struct file *fp, struct uio *uio, uint8_t *stage, size_t len,
    int64_t *off, int flags, size_t *ret_done)
{
	struct rumpuser_iov iov;
	struct uio to;
	int error;

	if (touch(uio, len) != 0)
		return move_ready(fp, uio, len, off, flags, ret_done);
	uio_init_buf(&to, &iov, stage, len, 0, UIO_READ, UIO_KERNEL);
	error = rw_transfer(fp, &to, off, flags, ret_done);
	return error ? error : uio_move(stage, *ret_done, uio);
}

static int
move_staged(struct file *fp, struct uio *uio, size_t len, int64_t *off, int flags,
    size_t *ret_done)
{
	uint8_t *stage = kmem_alloc(len, KM_SLEEP);
	int error;

	if (stage == NULL)
		return ENOMEM;
	error = uio->uio_rw == UIO_READ ?
	    read_staged(fp, uio, stage, len, off, flags, ret_done) :
	    write_staged(fp, uio, stage, len, off, flags, ret_done);
	kmem_free(stage, len);
	return error;
}

/* A read of what is not a file with a position may be short, and must not wait again. */
static bool
goes_on(const struct file *fp, const struct uio *uio)
{
	return uio->uio_resid > 0 &&
	    (uio->uio_rw == UIO_WRITE || fp->f_ops->fo_seekable);
}

int
rw_remote(struct file *fp, struct uio *uio, int64_t *off, int flags,
    size_t *ret_done)
{
	size_t total = 0, want, done;
	int error;

	do {
		done = 0;
		want = ready(uio);
		if (want > 0 || uio->uio_resid == 0) {
			error = move_ready(fp, uio, want, off, flags, &done);
		} else {
			want = uio->uio_resid < STAGE_MAX ? uio->uio_resid :
			    STAGE_MAX;
			error = move_staged(fp, uio, want, off, flags, &done);
		}
		if (error)
			break;
		total += done;
	} while (done == want && goes_on(fp, uio));
	if (error && total == 0)
		return error;
	*ret_done = total;
	return 0;
}
