/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * blkdev.c - the table of block devices, and the checked way to their data
 *
 * Disks and partitions are blkdevs alike: a partition's requests are moved
 * by its start and served by its disk.  A disk with users, or with
 * partitions that have users, is not detached.
 *
 * Numbers: all block devices have major BLKDEV_MAJOR and a minor that is
 * never used again.
 *
 * RUMP_BLKFAIL=n lets n of 10,000 transfers fail with EIO, chosen by
 * RUMP_BLKFAIL_SEED: fault injection for those who test what stands above.
 *
 * Locking: table_lock protects the list, bd_users and bd_parts; nothing is called
 * under it.  Everything else of a blkdev is constant while it is attached.
 */

#include <dev/blkdev.h>

#include <lib/hash.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/log.h>

#include "dev_impl.h"

static kmutex_t table_lock;
static struct list table = LIST_INITIALIZER(table);	/* table_lock */
static uint32_t next_minor;				/* table_lock */

static uint32_t fail_rate;		/* c: of 10,000 */
static uint64_t fail_seed;		/* c */
static uint64_t fail_count;		/* a */

static struct devsw blkdev_devsw = {
	.d_name = "blkdev", .d_block = true, .d_major = BLKDEV_MAJOR,
	.d_minor_first = 0, .d_minor_last = UINT32_MAX,
	.d_open = blkfile_open,
};

int
blkdev_boot(void)
{
	mutex_init(&table_lock, "blkdev table");
	fail_rate = (uint32_t)param_u64("RUMP_BLKFAIL", 0);
	fail_seed = param_u64("RUMP_BLKFAIL_SEED", 0);
	return devsw_register(&blkdev_devsw);
}

static bool
blkdev_unlucky(void)
{
	if (likely(fail_rate == 0))
		return false;
	return hash_u64(fail_seed * 2654435761u + atomic_add(&fail_count, 1)) %
	    10000 < fail_rate;
}

static struct blkdev *
blkdev_byname_locked(const char *name)
{
	struct list_node *n;

	LIST_FOREACH(n, &table) {
		struct blkdev *bd = container_of(n, struct blkdev, bd_link);

		if (strcmp(bd->bd_name, name) == 0)
			return bd;
	}
	return NULL;
}

/* Into the table, and a node for it; no partitions yet. */
int
blkdev_insert(struct blkdev *bd)
{
	int error;

	KASSERT(bd->bd_secsize >= 512 &&
	    (bd->bd_secsize & (bd->bd_secsize - 1)) == 0);
	list_init(&bd->bd_parts);
	list_node_init(&bd->bd_partlink);
	bd->bd_users = 0;

	mutex_enter(&table_lock);
	if (blkdev_byname_locked(bd->bd_name) != NULL) {
		mutex_exit(&table_lock);
		return EEXIST;
	}
	bd->bd_node = (struct devnode){ .dn_block = true,
	    .dn_dev = dev_make(BLKDEV_MAJOR, next_minor++), .dn_mode = 0660 };
	strlcpy(bd->bd_node.dn_name, bd->bd_name, sizeof(bd->bd_node.dn_name));
	list_insert_tail(&table, &bd->bd_link);
	if (bd->bd_parent != NULL)
		list_insert_tail(&bd->bd_parent->bd_parts, &bd->bd_partlink);
	mutex_exit(&table_lock);

	error = devnode_announce(&bd->bd_node);
	if (error)
		blkdev_forget(bd);
	return error;
}

/* Out of the table, whoever uses it. */
void
blkdev_forget(struct blkdev *bd)
{
	mutex_enter(&table_lock);
	list_remove(&bd->bd_link);
	list_remove(&bd->bd_partlink);
	mutex_exit(&table_lock);
}

int
blkdev_attach(struct blkdev *bd, bool nopart)
{
	int error = blkdev_insert(bd);

	if (error == 0 && !nopart)
		partition_scan(bd);
	return error;
}

static bool
blkdev_busy_locked(const struct blkdev *bd)
{
	struct list_node *n;

	if (bd->bd_users > 0)
		return true;
	LIST_FOREACH(n, &bd->bd_parts) {
		if (container_of(n, struct blkdev, bd_partlink)->bd_users > 0)
			return true;
	}
	return false;
}

int
blkdev_detach(struct blkdev *bd)
{
	struct list_node *n;

	mutex_enter(&table_lock);
	if (blkdev_busy_locked(bd)) {
		mutex_exit(&table_lock);
		return EBUSY;
	}
	/* Nobody can open it or its partitions from here on. */
	list_remove(&bd->bd_link);
	LIST_FOREACH(n, &bd->bd_parts)
		list_remove(&container_of(n, struct blkdev, bd_partlink)->bd_link);
	mutex_exit(&table_lock);

	while ((n = list_first(&bd->bd_parts)) != NULL) {
		struct blkdev *part = container_of(n, struct blkdev, bd_partlink);

		list_remove(&part->bd_partlink);
		devnode_withdraw(&part->bd_node);
		part->bd_ops->bo_release(part);
	}
	devnode_withdraw(&bd->bd_node);
	bd->bd_ops->bo_release(bd);
	return 0;
}

static int
blkdev_use_locked(struct blkdev *bd, bool write)
{
	if (write && bd->bd_readonly)
		return EROFS;
	bd->bd_users++;
	return 0;
}

int
blkdev_open(dev_t dev, bool write, struct blkdev **ret_bd)
{
	struct list_node *n;
	int error = ENXIO;

	mutex_enter(&table_lock);
	LIST_FOREACH(n, &table) {
		struct blkdev *bd = container_of(n, struct blkdev, bd_link);

		if (bd->bd_node.dn_dev != dev)
			continue;
		error = blkdev_use_locked(bd, write);
		if (error == 0)
			*ret_bd = bd;
		break;
	}
	mutex_exit(&table_lock);
	return error;
}

int
blkdev_open_path(const char *path, bool write, struct blkdev **ret_bd)
{
	struct blkdev *bd;
	int error;

	while (path[0] == '/' && path[1] == '/')
		path++;
	if (!str_hasprefix(path, "/dev/"))
		return ENOTBLK;
	path += 5;
	while (*path == '/')
		path++;
	mutex_enter(&table_lock);
	bd = blkdev_byname_locked(path);
	error = bd == NULL ? ENOENT : blkdev_use_locked(bd, write);
	mutex_exit(&table_lock);
	if (error == 0)
		*ret_bd = bd;
	return error;
}

void
blkdev_close(struct blkdev *bd)
{
	mutex_enter(&table_lock);
	KASSERT(bd->bd_users > 0);
	bd->bd_users--;
	mutex_exit(&table_lock);
}

/* The index-th partition, used by the caller from here on. */
int
blkdev_open_part(struct blkdev *bd, unsigned int index, struct blkdev **ret_bd)
{
	struct list_node *n;
	int error = ENOENT;

	mutex_enter(&table_lock);
	LIST_FOREACH(n, &bd->bd_parts) {
		if (index-- > 0)
			continue;
		*ret_bd = container_of(n, struct blkdev, bd_partlink);
		error = blkdev_use_locked(*ret_bd, false);
		break;
	}
	mutex_exit(&table_lock);
	return error;
}

/* --- transfers ------------------------------------------------------------- */

static int
iov_total(const struct rumpuser_iov *iov, size_t iovcnt, uint64_t *ret_len)
{
	uint64_t len = 0;

	for (size_t i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > OFF_MAX - len)
			return EINVAL;
		len += iov[i].iov_len;
	}
	*ret_len = len;
	return 0;
}

/* What holds for every transfer, by whichever way it goes. */
int
blkdev_check(struct blkdev *bd, enum blk_op op, uint64_t off, uint64_t len)
{
	if ((off | len) & (bd->bd_secsize - 1))
		return EINVAL;
	if (off > bd->bd_size || len > bd->bd_size - off)
		return EIO;
	if (bd->bd_readonly && op != BLK_READ && op != BLK_FLUSH)
		return EROFS;
	if (blkdev_unlucky())
		return EIO;
	return 0;
}

static int
blkdev_rw(struct blkdev *bd, enum blk_op op, uint64_t off,
    const struct rumpuser_iov *iov, size_t iovcnt, uint64_t len)
{
	int error = blkdev_check(bd, op, off, len);

	if (error)
		return error;
	if (op == BLK_READ) {
		atomic_add(&bd->bd_reads, 1);
		atomic_add(&bd->bd_rbytes, len);
	} else if (op == BLK_WRITE) {
		atomic_add(&bd->bd_writes, 1);
		atomic_add(&bd->bd_wbytes, len);
	}
	return bd->bd_ops->bo_rw(bd, op, off, iov, iovcnt, len);
}

int
blkdev_read(struct blkdev *bd, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	uint64_t len;
	int error = iov_total(iov, iovcnt, &len);

	return error ? error : blkdev_rw(bd, BLK_READ, off, iov, iovcnt, len);
}

int
blkdev_write(struct blkdev *bd, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	uint64_t len;
	int error = iov_total(iov, iovcnt, &len);

	return error ? error : blkdev_rw(bd, BLK_WRITE, off, iov, iovcnt, len);
}

int
blkdev_readbuf(struct blkdev *bd, uint64_t off, void *buf, size_t len)
{
	struct rumpuser_iov iov = { buf, len };

	return blkdev_rw(bd, BLK_READ, off, &iov, 1, len);
}

int
blkdev_flush(struct blkdev *bd)
{
	return blkdev_rw(bd, BLK_FLUSH, 0, NULL, 0, 0);
}

int
blkdev_discard(struct blkdev *bd, uint64_t off, uint64_t len)
{
	return blkdev_rw(bd, BLK_DISCARD, off, NULL, 0, len);
}

/* Read in place: what is given to be read counts as read. */
int
blkdev_map(struct blkdev *bd, uint64_t off, uint64_t len, const void **ret_ptr)
{
	int error;

	if (bd->bd_ops->bo_map == NULL || fail_rate != 0)
		return EOPNOTSUPP;
	if (off > bd->bd_size || len > bd->bd_size - off)
		return EIO;
	error = bd->bd_ops->bo_map(bd, off, len, ret_ptr);
	if (error == 0) {
		atomic_add(&bd->bd_reads, 1);
		atomic_add(&bd->bd_rbytes, len);
	}
	return error;
}

void
blkdev_willneed(struct blkdev *bd, uint64_t off, uint64_t len)
{
	if (bd->bd_ops->bo_willneed == NULL || off >= bd->bd_size)
		return;
	if (len > bd->bd_size - off)
		len = bd->bd_size - off;
	bd->bd_ops->bo_willneed(bd, off, len);
}
