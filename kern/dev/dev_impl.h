/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dev_impl.h - between the files of the dev faction
 */

#ifndef DEV_IMPL_H
#define DEV_IMPL_H

#include <dev/blkdev.h>
#include <sys/types.h>

#define BLKDEV_MAJOR	259	/* Linux's "block extended" */
#define ETFS_CHR_MAJOR	240	/* of the range for local use */
#define MEM_MAJOR	1

int	blkdev_boot(void);
int	blkdev_insert(struct blkdev *bd);
void	blkdev_forget(struct blkdev *bd);
int	blkdev_check(struct blkdev *bd, enum blk_op op, uint64_t off, uint64_t len);
int	blkdev_open_part(struct blkdev *bd, unsigned int index,
	    struct blkdev **ret_bd);

int	blkfile_open(dev_t dev, unsigned int flags, struct file **ret_fp);
int	blkqueue_boot(void);
int	memdev_boot(void);
int	etfs_boot(void);

/* Attaches what partitions a disk has; damage is reported, not returned. */
void	partition_scan(struct blkdev *disk);

#endif /* DEV_IMPL_H */
