/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socknode.h - sockets that have a name in the file system
 *
 * The net faction's local sockets are found through files of type S_IFSOCK,
 * which the vfs faction makes and finds.  They meet here, in the core, since
 * factions do not know each other.
 */

#ifndef SYS_SOCKNODE_H
#define SYS_SOCKNODE_H

#include <sys/types.h>

/* A file of that type, referenced: as long as it is, sn_file is its identity. */
struct socknode {
	void		*sn_file;
	void		*sn_place;
};

/* What the vfs offers.  Paths are the kernel's copies, from the caller's cwd. */
struct socknode_ops {
	/* Makes one.  mode: without the umask.  EADDRINUSE, and as mknod(2). */
	int	(*sno_make)(const char *path, mode_t mode, struct socknode *ret_sn);
	/* One that the caller may write to.  ECONNREFUSED: some other file. */
	int	(*sno_find)(const char *path, struct socknode *ret_sn);
	void	(*sno_rele)(struct socknode *sn);
};

void	socknode_register(const struct socknode_ops *ops);
/* ENOENT without the vfs faction. */
int	socknode_make(const char *path, mode_t mode, struct socknode *ret_sn);
int	socknode_find(const char *path, struct socknode *ret_sn);
void	socknode_rele(struct socknode *sn);

#endif /* SYS_SOCKNODE_H */
