/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * poll_impl.h - what poll and select have in common
 */

#ifndef CORE_POLL_IMPL_H
#define CORE_POLL_IMPL_H

#include <sys/types.h>

struct file;
struct __kernel_timespec;

/* One descriptor that a call waits for. */
struct pollent {
	int		 pe_fd;
	uint32_t	 pe_want;	/* what counts, all of it */
	uint32_t	 pe_got;	/* what came of that */
	struct file	*pe_file;	/* held while we wait */
};

/*
 * Waits until one of n is ready or the deadline (of clock_mono(); 0: do not
 * wait).  *ret_ready: how many have pe_got.  A descriptor that is not open is
 * EBADF if strict, and has got POLLNVAL if not.  EINTR, ENOMEM.
 */
int	poll_wait(struct pollent *pe, size_t n, bool strict, int64_t deadline,
	    unsigned int *ret_ready);

#define POLL_NOWAIT	0

/* A client's relative time -> deadline.  NULL: never.  EFAULT, EINVAL. */
int	poll_deadline(const struct __kernel_timespec *uts, int64_t *ret_deadline);
/* What is left until then; for the calls that report it. */
int64_t	poll_remaining(int64_t deadline);
void	poll_putremaining(struct __kernel_timespec *uts, int64_t deadline);

#endif /* CORE_POLL_IMPL_H */
