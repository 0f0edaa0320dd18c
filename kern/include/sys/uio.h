/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * uio.h - a transfer between the kernel and a vector of buffers
 *
 * uio_move() copies between kaddr and where the uio stands, and moves on.
 * On EFAULT the uio tells how far it came.
 */

#ifndef SYS_UIO_H
#define SYS_UIO_H

#include <rump/rumpuser.h>
#include <sys/types.h>

enum uio_rw { UIO_READ, UIO_WRITE };	/* READ: from the kernel to the buffers */
enum uio_space { UIO_USER, UIO_KERNEL };

#define UIO_MAXIOV	1024
#define UIO_FASTIOV	8

struct uio {
	struct rumpuser_iov *uio_iov;	/* current element: advanced by moves */
	size_t		 uio_iovcnt;
	uint64_t	 uio_off;	/* file offset: advanced by moves */
	size_t		 uio_resid;	/* bytes to go */
	enum uio_rw	 uio_rw;
	enum uio_space	 uio_space;
};

/* A uio over one buffer; iov is the caller's storage. */
void	uio_init_buf(struct uio *uio, struct rumpuser_iov *iov, void *buf,
	    size_t len, uint64_t off, enum uio_rw rw, enum uio_space space);

/*
 * A uio over a client's iovec array: checks count (EINVAL over UIO_MAXIOV)
 * and sum (EINVAL over SSIZE_MAX).  fast is the caller's array of
 * UIO_FASTIOV; uio_fini_user() frees what was allocated beyond it.
 */
struct uio_user {
	struct uio	 uu_uio;
	struct rumpuser_iov uu_fast[UIO_FASTIOV];
	struct rumpuser_iov *uu_alloc;
	size_t		 uu_cnt;
};
int	uio_init_user(struct uio_user *uu, const void *uiov, size_t cnt,
	    uint64_t off, enum uio_rw rw);
void	uio_fini_user(struct uio_user *uu);

int	uio_move(void *kaddr, size_t len, struct uio *uio);
int	uio_zero(size_t len, struct uio *uio);	/* READ only: moves zeroes */
void	uio_skip(struct uio *uio, size_t len);

/* May a move sleep?  If not, it may be done with a lock held, if it is short. */
bool	uio_sleeps(const struct uio *uio);

#endif /* SYS_UIO_H */
