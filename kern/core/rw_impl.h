/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rw_impl.h - transfers, as calls and for remote clients
 */

#ifndef CORE_RW_IMPL_H
#define CORE_RW_IMPL_H

#include <sys/types.h>

struct file;
struct uio;

/* rw_syscalls.c: the transfer itself, as file_transfer() describes it. */
int	rw_transfer(struct file *fp, struct uio *uio, int64_t *off, int flags,
	    size_t *ret_done);

/* rw_remote.c: the same for a client whose memory may have to be asked for. */
int	rw_remote(struct file *fp, struct uio *uio, int64_t *off, int flags,
	    size_t *ret_done);

#endif /* CORE_RW_IMPL_H */
