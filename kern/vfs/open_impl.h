/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * open_impl.h - flags of open(2), for those who check and those who obey them
 */

#ifndef VFS_OPEN_IMPL_H
#define VFS_OPEN_IMPL_H

#include <linux/fcntl.h>
#include <sys/types.h>

#define TMPFILE_BIT	(O_TMPFILE & ~O_DIRECTORY)
/* All that go with O_PATH. */
#define O_PATH_FLAGS	(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

static inline bool
open_willcreate(unsigned int flags)
{
	return (flags & (O_CREAT | TMPFILE_BIT)) != 0;
}

#endif /* VFS_OPEN_IMPL_H */
