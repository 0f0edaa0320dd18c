/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cp_impl.h - attributes of copies (cp_attr.c), for cmd_cp.c
 */

#ifndef RUMPUS_CP_IMPL_H
#define RUMPUS_CP_IMPL_H

#include <stdbool.h>

struct dent;

/*
 * Owner (root only) and extended attributes with all; mode and times with keep; else
 * the mode less the umask.  What the host refuses is warned of once a kind.  from: kernel
 * descriptor or -1; to: host descriptor.
 */
void	copy_attributes(const struct dent *e, int from, int to, bool all,
	    bool keep);
/* The same by name, for what cannot be opened: links and nodes. */
void	copy_attributes_at(const struct dent *e, int dirfd, const char *name,
	    bool all, bool keep);

#endif /* RUMPUS_CP_IMPL_H */
