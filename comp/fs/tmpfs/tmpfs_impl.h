/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tmpfs_impl.h - between tmpfs_component.c and tmpfs_options.c
 */

#ifndef TMPFS_IMPL_H
#define TMPFS_IMPL_H

#include <vfs/rumpfs.h>

#define TMPFS_MODE	01777		/* of the root, if nobody says */

/*
 * Reads "size=1m,mode=700" into *rp: what the text names is added to
 * rp_mask, the rest left alone.  memory is what a percentage is of, in bytes.
 * EINVAL: an unknown option or a bad value; *rp is undefined then.
 */
int	tmpfs_options_parse(const char *text, uint64_t memory,
	    struct rumpfs_params *rp);

/* The other way round, less what is as by default. */
void	tmpfs_options_show(const struct rumpfs_params *rp, char *buf,
	    size_t size);

#endif /* TMPFS_IMPL_H */
