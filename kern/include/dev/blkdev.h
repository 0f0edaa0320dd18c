/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * blkdev.h - block devices: byte-addressed, in sectors
 *
 * A blkdev is a disk or a partition of one.  Requests are scatter-gather;
 * offsets and lengths are multiples of the sector size.  A driver may serve
 * a request in place (blkdev_ops.bo_rw, on the caller's thread, which gives
 * its vCPU back) or asynchronously (bo_submit).
 *
 * Life: blkdev_attach() makes it known and announces its node;
 * blkdev_open() counts users; blkdev_detach() fails with EBUSY while there
 * are any.
 */

#ifndef DEV_BLKDEV_H
#define DEV_BLKDEV_H

#include <lib/list.h>
#include <rump/rumpuser.h>
#include <sys/devsw.h>
#include <sys/mutex.h>
#include <sys/types.h>

struct blkdev;
struct rump_partinfo;

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD };

/* An asynchronous request; the caller's until br_done, as in rumpuser.h. */
struct blkreq {
	enum blk_op	 br_op;
	uint64_t	 br_off;
	uint64_t	 br_len;	/* sum of iov, or the range of a discard */
	const struct rumpuser_iov *br_iov;
	size_t		 br_iovcnt;
	void		(*br_done)(struct blkreq *, int error);	/* in kernel context */
	void		*br_arg;
	struct rumpuser_bio br_bio;	/* the driver's */
	struct blkdev	*br_dev;	/* the layer's */
};

struct blkdev_ops {
	/* Synchronous; all bytes or an errno. */
	int	(*bo_rw)(struct blkdev *, enum blk_op op, uint64_t off,
		    const struct rumpuser_iov *iov, size_t iovcnt, uint64_t len);
	/* 0: br_done was or will be called. */
	int	(*bo_submit)(struct blkdev *, struct blkreq *);
	/* Hint.  May be NULL. */
	void	(*bo_willneed)(struct blkdev *, uint64_t off, uint64_t len);
	/*
	 * The bytes at off as memory that may be read by copyout() alone, for
	 * as long as the device is open.  EOPNOTSUPP.  May be NULL.
	 */
	int	(*bo_map)(struct blkdev *, uint64_t off, uint64_t len,
		    const void **ret_ptr);
	/* The last user of a detached device is gone. */
	void	(*bo_release)(struct blkdev *);
};

struct blkdev {
	const struct blkdev_ops *bd_ops;	/* c */
	void		*bd_data;	/* c */
	char		 bd_name[64];	/* c: node below /dev */
	uint64_t	 bd_size;	/* c: bytes */
	uint32_t	 bd_secsize;	/* c: bytes, a power of two */
	bool		 bd_readonly;	/* c */
	struct blkdev	*bd_parent;	/* c: the disk, for a partition */
	uint64_t	 bd_start;	/* c: bytes, in the disk */
	struct rump_partinfo *bd_part;	/* c: for a partition */
	unsigned int	 bd_users;	/* the table's lock */
	struct list	 bd_parts;	/* the table's lock: of a disk, by index */
	struct list_node bd_partlink;
	struct list_node bd_link;
	struct devnode	 bd_node;
	uint64_t	 bd_reads, bd_writes, bd_rbytes, bd_wbytes;	/* a */
};

/* name, size, ... are filled in; scans partitions unless nopart. */
int	blkdev_attach(struct blkdev *bd, bool nopart);
int	blkdev_detach(struct blkdev *bd);

/* By node number or kernel path ("/dev/disk0").  ENXIO, ENOTBLK, EROFS, ENOENT. */
int	blkdev_open(dev_t dev, bool write, struct blkdev **ret_bd);
int	blkdev_open_path(const char *path, bool write, struct blkdev **ret_bd);
void	blkdev_close(struct blkdev *bd);

/*
 * Bounds and alignment are checked (EINVAL; EIO past the end; EROFS).  read
 * and write are synchronous and may sleep.
 */
int	blkdev_read(struct blkdev *bd, uint64_t off,
	    const struct rumpuser_iov *iov, size_t iovcnt);
int	blkdev_write(struct blkdev *bd, uint64_t off,
	    const struct rumpuser_iov *iov, size_t iovcnt);
int	blkdev_readbuf(struct blkdev *bd, uint64_t off, void *buf, size_t len);
int	blkdev_flush(struct blkdev *bd);
int	blkdev_discard(struct blkdev *bd, uint64_t off, uint64_t len);
int	blkdev_submit(struct blkdev *bd, struct blkreq *br);
int	blkdev_map(struct blkdev *bd, uint64_t off, uint64_t len,
	    const void **ret_ptr);
void	blkdev_willneed(struct blkdev *bd, uint64_t off, uint64_t len);

#endif /* DEV_BLKDEV_H */
