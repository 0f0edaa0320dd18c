/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostfile.h - plain files whose content somebody else keeps
 *
 * The dev faction's etfs offers host files; the vfs faction gives them a
 * name.  They meet here, in the core, since factions do not know each other.
 */

#ifndef SYS_HOSTFILE_H
#define SYS_HOSTFILE_H

#include <rump/rumpuser.h>
#include <sys/types.h>

struct hostfile;

struct hostfile_ops {
	/* Any offset and length; short at the end.  May sleep. */
	int	(*hf_read)(struct hostfile *, uint64_t off,
		    const struct rumpuser_iov *iov, size_t iovcnt,
		    size_t *ret_bytes);
	int	(*hf_write)(struct hostfile *, uint64_t off,
		    const struct rumpuser_iov *iov, size_t iovcnt,
		    size_t *ret_bytes);
	int	(*hf_sync)(struct hostfile *);
};

struct hostfile {
	const struct hostfile_ops *hf_ops;	/* c */
	uint64_t	 hf_size;	/* c: bytes; it neither grows nor shrinks */
	bool		 hf_readonly;	/* c */
	void		*hf_vfs;	/* the vfs's */
};

/* What the vfs offers for them. */
struct hostfile_names {
	/* A VREG at an absolute path; missing directories are made.  EEXIST. */
	int	(*hn_add)(struct hostfile *hf, const char *path);
	int	(*hn_remove)(struct hostfile *hf);	/* EBUSY while open */
};

void	hostfile_names_register(const struct hostfile_names *hn);
/* ENOSYS without the vfs faction. */
int	hostfile_add(struct hostfile *hf, const char *path);
int	hostfile_remove(struct hostfile *hf);

#endif /* SYS_HOSTFILE_H */
