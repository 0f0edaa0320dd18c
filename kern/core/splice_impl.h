/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * splice_impl.h - what may be moved from descriptor to descriptor
 */

#ifndef CORE_SPLICE_IMPL_H
#define CORE_SPLICE_IMPL_H

#include <sys/file.h>
#include <sys/types.h>

#define SPLICE_MAX		0x7ffff000UL	/* that one call moves */

/* Both files of a call that reads one and writes the other, referenced.  EBADF */
int	splice_get_pair(int infd, int outfd, struct file **ret_in, struct file **ret_out);
/* EINVAL: nothing that bytes are written to one after the other. */
int	splice_sink_check(const struct file *fp);
/* EINVAL: nothing that can be read again at the same place. */
int	splice_source_check(struct file *fp);
/* S_IFMT of the file, 0 if it does not tell; *sx is the rest. */
mode_t	splice_file_kind(struct file *fp, struct statx *sx);

#endif /* CORE_SPLICE_IMPL_H */
