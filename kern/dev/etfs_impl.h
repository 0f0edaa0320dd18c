/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * etfs_impl.h - between etfs.c (registration, block devices) and etfs_file.c
 * (character devices and plain files)
 */

#ifndef ETFS_IMPL_H
#define ETFS_IMPL_H

#include <dev/blkdev.h>
#include <lib/list.h>
#include <rump/rump.h>
#include <sys/devsw.h>
#include <sys/hostfile.h>

enum etfs_mapstate { ETFS_MAP_UNTRIED, ETFS_MAP_NONE, ETFS_MAP_THERE };

/* All constant while it is registered, but for e_map and e_mapstate. */
struct etfs {
	char		*e_key;
	enum rump_etfs_type e_type;
	int		 e_flags;	/* RUMP_ETFS_* */
	bool		 e_readonly;
	int		 e_fd;		/* the host's */
	uint64_t	 e_begin;	/* window into the host file, bytes */
	uint64_t	 e_size;
	struct blkdev	 e_blk;		/* RUMP_ETFS_BLK */
	kmutex_t	 e_maplock;	/* BLK: making the mapping */
	uint32_t	 e_mapstate;	/* a: enum etfs_mapstate */
	void		*e_map;		/* BLK, read-only: the host file as memory */
	uint64_t	 e_mapoff;	/* BLK: of the window in e_map */
	struct devnode	 e_node;	/* RUMP_ETFS_CHR */
	unsigned int	 e_users;	/* a: CHR, open files */
	struct hostfile	 e_file;	/* RUMP_ETFS_REG */
	struct list_node e_link;
};

/* At an offset of the window; a short count is the file's end. */
int	etfs_hostio(struct etfs *e, bool write, uint64_t off,
	    const struct rumpuser_iov *iov, size_t iovcnt, size_t *ret_bytes);

int	etfs_chr_boot(void);
int	etfs_attach_chr(struct etfs *e, const char *name);
int	etfs_detach_chr(struct etfs *e);	/* EBUSY */
int	etfs_attach_reg(struct etfs *e, const char *path);
int	etfs_detach_reg(struct etfs *e);	/* EBUSY */

#endif /* ETFS_IMPL_H */
