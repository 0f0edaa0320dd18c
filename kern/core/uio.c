/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * uio.c - transfers between the kernel and a vector of buffers
 */

#include <sys/uio.h>

#include <lib/string.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

/* Longest total that read and write report: Linux's MAX_RW_COUNT. */
#define UIO_MAXTOTAL	0x7ffff000UL

static const char zeroes[PAGE_SIZE];

void
uio_init_buf(struct uio *uio, struct rumpuser_iov *iov, void *buf, size_t len,
    uint64_t off, enum uio_rw rw, enum uio_space space)
{
	*iov = (struct rumpuser_iov){ .iov_base = buf, .iov_len = len };
	*uio = (struct uio){ .uio_iov = iov, .uio_iovcnt = 1, .uio_off = off,
	    .uio_resid = len, .uio_rw = rw, .uio_space = space };
}

/* The sum of an iovec: what is over the total of one call is cut off. */
static int
uio_total(struct rumpuser_iov *iov, size_t cnt, size_t *ret_total)
{
	size_t total = 0;

	for (size_t i = 0; i < cnt; i++) {
		if (iov[i].iov_len > (size_t)INT64_MAX)
			return EINVAL;
		if (!user_range_ok(iov[i].iov_base, iov[i].iov_len))
			return EFAULT;
		if (iov[i].iov_len > UIO_MAXTOTAL - total)
			iov[i].iov_len = UIO_MAXTOTAL - total;
		total += iov[i].iov_len;
	}
	*ret_total = total;
	return 0;
}

int
uio_init_user(struct uio_user *uu, const void *uiov, size_t cnt, uint64_t off,
    enum uio_rw rw)
{
	struct rumpuser_iov *iov = uu->uu_fast;
	size_t total;
	int error;

	uu->uu_alloc = NULL;
	uu->uu_cnt = cnt;
	if (cnt > UIO_MAXIOV)
		return EINVAL;
	if (cnt > UIO_FASTIOV) {
		iov = uu->uu_alloc = kmem_alloc(cnt * sizeof(*iov), KM_SLEEP);
		if (iov == NULL)
			return ENOMEM;
	}
	error = cnt > 0 ? copyin(uiov, iov, cnt * sizeof(*iov)) : 0;
	if (error == 0)
		error = uio_total(iov, cnt, &total);
	if (error) {
		uio_fini_user(uu);
		return error;
	}
	uu->uu_uio = (struct uio){ .uio_iov = iov, .uio_iovcnt = cnt,
	    .uio_off = off, .uio_resid = total, .uio_rw = rw,
	    .uio_space = UIO_USER };
	return 0;
}

void
uio_fini_user(struct uio_user *uu)
{
	kmem_free(uu->uu_alloc, uu->uu_cnt * sizeof(struct rumpuser_iov));
	uu->uu_alloc = NULL;
}

bool
uio_sleeps(const struct uio *uio)
{
	return uio->uio_space == UIO_USER && curproc()->p_vm != NULL;
}

void
uio_skip(struct uio *uio, size_t len)
{
	KASSERT(len <= uio->uio_resid);
	uio->uio_resid -= len;
	uio->uio_off += len;
	while (len > 0) {
		struct rumpuser_iov *iov = uio->uio_iov;
		size_t n = len < iov->iov_len ? len : iov->iov_len;

		/* A client's may be 0, from where C does not count. */
		iov->iov_base = (void *)((uintptr_t)iov->iov_base + n);
		iov->iov_len -= n;
		len -= n;
		if (iov->iov_len == 0 && uio->uio_iovcnt > 1) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
		}
	}
}

static int
uio_move_one(void *kaddr, void *buf, size_t len, const struct uio *uio)
{
	if (uio->uio_space == UIO_KERNEL) {
		if (uio->uio_rw == UIO_READ)
			memcpy(buf, kaddr, len);
		else
			memcpy(kaddr, buf, len);
		return 0;
	}
	return uio->uio_rw == UIO_READ ? copyout(kaddr, buf, len) :
	    copyin(buf, kaddr, len);
}

int
uio_move(void *kaddr, size_t len, struct uio *uio)
{
	char *k = kaddr;
	int error;

	if (len > uio->uio_resid)
		len = uio->uio_resid;
	while (len > 0) {
		struct rumpuser_iov *iov = uio->uio_iov;
		size_t n = len < iov->iov_len ? len : iov->iov_len;

		if (n > 0) {
			error = uio_move_one(k, iov->iov_base, n, uio);
			if (error)
				return error;
		} else {
			/* An empty element: uio_skip() would stand still. */
			KASSERT(uio->uio_iovcnt > 1);
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		uio_skip(uio, n);
		k += n;
		len -= n;
	}
	return 0;
}

int
uio_zero(size_t len, struct uio *uio)
{
	union { const char *c; char *m; } from = { zeroes };
	int error;

	KASSERT(uio->uio_rw == UIO_READ);
	while (len > 0 && uio->uio_resid > 0) {
		size_t n = len < sizeof(zeroes) ? len : sizeof(zeroes);

		error = uio_move(from.m, n, uio);
		if (error)
			return error;
		len -= n;
	}
	return 0;
}
