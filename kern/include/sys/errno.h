/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * errno.h - error numbers: Linux's own, plus one that never leaves the kernel
 */

#ifndef SYS_ERRNO_H
#define SYS_ERRNO_H

#include <asm/errno.h>

/*
 * A blocking call was interrupted before it did anything and may be started
 * again; the system call entry turns it into EINTR for a local client.
 */
#undef ERESTART			/* UAPI has one for streams, 85 */
#define ERESTART	512

#endif /* SYS_ERRNO_H */
