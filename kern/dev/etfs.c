/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * etfs.c - host files as devices of the kernel
 *
 * rump_pub_etfs_register() opens a host file and makes of it a block device
 * (a disk, whose partitions are looked for), a character device, or a plain
 * file, named by an absolute path.  A read-only registration opens the host
 * file for reading only: no write can reach it, whatever happens above.
 *
 * The host file is locked against other processes unless that is refused:
 * shared for readers, exclusive for writers.
 *
 * Locking: etfs_lock protects the list of entries and serialises changes.
 */

#include <linux/limits.h>

#include <dev/blkdev.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rump.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kcontext.h>
#include <sys/kmem.h>
#include <sys/log.h>
#include <sys/mutex.h>
#include <sys/vcpu.h>

#include "dev_impl.h"
#include "etfs_impl.h"

static kmutex_t etfs_lock;
static struct list entries = LIST_INITIALIZER(entries);	/* etfs_lock */
static uint32_t etfs_secshift;			/* c: 0: the host's */

/* --- the host file -------------------------------------------------------- */

/* All of it, in pieces the host takes; vCPU given back meanwhile. */
int
etfs_hostio(struct etfs *e, bool write, uint64_t off,
    const struct rumpuser_iov *iov, size_t iovcnt, size_t *ret_bytes)
{
	size_t total = 0, bytes = 0;
	int error = 0;

	vcpu_block_begin();
	while (iovcnt > 0 && error == 0) {
		size_t n = iovcnt < RUMPUSER_IOV_MAX ? iovcnt : RUMPUSER_IOV_MAX;
		int64_t at = (int64_t)(e->e_begin + off + total);
		size_t want = 0;

		for (size_t i = 0; i < n; i++)
			want += iov[i].iov_len;
		error = write ? rumpuser_iovwrite(e->e_fd, iov, n, at, &bytes) :
		    rumpuser_iovread(e->e_fd, iov, n, at, &bytes);
		if (error == 0) {
			total += bytes;
			if (bytes < want)
				break;
		}
		iov += n;
		iovcnt -= n;
	}
	vcpu_block_end();
	*ret_bytes = total;
	return error;
}

static int
etfs_sync(struct etfs *e)
{
	int error;

	vcpu_block_begin();
	error = rumpuser_syncfd(e->e_fd, RUMPUSER_SYNC_DATA);
	vcpu_block_end();
	return error;
}

static int
etfs_discard(struct etfs *e, uint64_t off, uint64_t len)
{
	int error;

	vcpu_block_begin();
	error = rumpuser_discard(e->e_fd, e->e_begin + off, len);
	vcpu_block_end();
	return error;
}

/* --- as a block device ------------------------------------------------------ */

static int
etfs_blk_rw(struct blkdev *bd, enum blk_op op, uint64_t off,
    const struct rumpuser_iov *iov, size_t iovcnt, uint64_t len)
{
	struct etfs *e = bd->bd_data;
	size_t bytes;
	int error;

	switch (op) {
	case BLK_FLUSH:
		return etfs_sync(e);
	case BLK_DISCARD:
		return etfs_discard(e, off, len);
	case BLK_READ:
	case BLK_WRITE:
		break;
	}
	error = etfs_hostio(e, op == BLK_WRITE, off, iov, iovcnt, &bytes);
	/* The file was long enough when it was registered. */
	if (error == 0 && bytes != len)
		error = EIO;
	return error;
}

static int
etfs_blk_submit(struct blkdev *bd, struct blkreq *br)
{
	static const enum rumpuser_bioop ops[] = {
		[BLK_READ] = RUMPUSER_BIO_READ, [BLK_WRITE] = RUMPUSER_BIO_WRITE,
		[BLK_FLUSH] = RUMPUSER_BIO_FLUSH,
		[BLK_DISCARD] = RUMPUSER_BIO_DISCARD,
	};
	struct etfs *e = bd->bd_data;

	br->br_bio.bio_op = ops[br->br_op];
	br->br_bio.bio_fd = e->e_fd;
	br->br_bio.bio_off += e->e_begin;
	return rumpuser_bio(&br->br_bio);
}

static void
etfs_blk_willneed(struct blkdev *bd, uint64_t off, uint64_t len)
{
	const struct etfs *e = bd->bd_data;

	rumpuser_willneed(e->e_fd, e->e_begin + off, len);
}

/*
 * A read-only disk is mapped whole, at the first wish: its content is in the
 * host's cache anyway, and needs no second copy in ours.
 */
static void
etfs_map_locked(struct etfs *e)
{
	uint64_t first = e->e_begin & ~(uint64_t)PAGE_MASK;
	int error = EOPNOTSUPP;

	e->e_mapoff = e->e_begin - first;
	if (e->e_readonly && e->e_size > 0 && param_u64("RUMP_BLKMAP", 1) != 0)
		error = rumpuser_file_map(e->e_fd, first,
		    e->e_size + e->e_mapoff, &e->e_map);
	atomic_store_rel(&e->e_mapstate, error ? ETFS_MAP_NONE :
	    ETFS_MAP_THERE);
}

static int
etfs_blk_map(struct blkdev *bd, uint64_t off, uint64_t len __unused_arg,
    const void **ret_ptr)
{
	struct etfs *e = bd->bd_data;

	if (unlikely(atomic_load_acq(&e->e_mapstate) == ETFS_MAP_UNTRIED)) {
		mutex_enter(&e->e_maplock);
		if (e->e_mapstate == ETFS_MAP_UNTRIED)
			etfs_map_locked(e);
		mutex_exit(&e->e_maplock);
	}
	if (atomic_load_acq(&e->e_mapstate) != ETFS_MAP_THERE)
		return EOPNOTSUPP;
	*ret_ptr = (const char *)e->e_map + e->e_mapoff + off;
	return 0;
}

static void
etfs_blk_release(struct blkdev *bd __unused_arg)
{
	/* Part of struct etfs, which etfs_remove() frees. */
}

static const struct blkdev_ops etfs_blk_ops = {
	.bo_rw		= etfs_blk_rw,
	.bo_submit	= etfs_blk_submit,
	.bo_map		= etfs_blk_map,
	.bo_willneed	= etfs_blk_willneed,
	.bo_release	= etfs_blk_release,
};

static int
etfs_attach_blk(struct etfs *e, const char *name, uint32_t hostsecsize)
{
	struct blkdev *bd = &e->e_blk;

	bd->bd_ops = &etfs_blk_ops;
	bd->bd_data = e;
	bd->bd_secsize = etfs_secshift != 0 ? 1u << etfs_secshift : hostsecsize;
	if (bd->bd_secsize < 512 || bd->bd_secsize > PAGE_SIZE)
		return EINVAL;
	/* A last sector that is cut off does not exist. */
	bd->bd_size = e->e_size & ~(uint64_t)(bd->bd_secsize - 1);
	bd->bd_readonly = e->e_readonly;
	mutex_init(&e->e_maplock, "etfs map");
	strlcpy(bd->bd_name, name, sizeof(bd->bd_name));
	return blkdev_attach(bd, (e->e_flags & RUMP_ETFS_NOPART) != 0);
}

/* --- registration -------------------------------------------------------------- */

static struct etfs *
etfs_find_locked(const char *key)
{
	struct list_node *n;

	LIST_FOREACH(n, &entries) {
		struct etfs *e = container_of(n, struct etfs, e_link);

		if (strcmp(e->e_key, key) == 0)
			return e;
	}
	return NULL;
}

/* Leading slashes collapse; the name below /dev, for what must be there. */
static int
etfs_key(const char *key, const char **ret_key, const char **ret_name)
{
	size_t len = strnlen(key, PATH_MAX);

	if (key[0] != '/' || len >= PATH_MAX)
		return EINVAL;
	while (key[1] == '/')
		key++;
	if (key[1] == '\0' || key[strlen(key) - 1] == '/')
		return EINVAL;
	*ret_key = key;
	*ret_name = str_hasprefix(key, "/dev/") ? key + 5 : NULL;
	if (*ret_name != NULL &&
	    strlen(*ret_name) >= sizeof(((struct blkdev *)0)->bd_name) - 8)
		return ENAMETOOLONG;
	return 0;
}

static int
etfs_window(struct etfs *e, const struct rumpuser_fileinfo *fi, uint64_t begin,
    uint64_t size)
{
	if (begin > fi->fi_size)
		return EINVAL;
	if (size == RUMP_ETFS_SIZE_ENDOFF)
		size = fi->fi_size - begin;
	if (size > fi->fi_size - begin)
		return EINVAL;
	e->e_begin = begin;
	e->e_size = size;
	return 0;
}

static int
etfs_host_open(struct etfs *e, const char *hostpath,
    struct rumpuser_fileinfo *ret_fi)
{
	int flags, error;

	flags = (e->e_readonly ? RUMPUSER_OPEN_RDONLY : RUMPUSER_OPEN_RDWR) |
	    RUMPUSER_OPEN_BIO;
	/* Only content that others would share needs the lock. */
	if ((e->e_flags & RUMP_ETFS_NOLOCK) == 0 && e->e_type == RUMP_ETFS_BLK)
		flags |= RUMPUSER_OPEN_LOCK;
	vcpu_block_begin();
	error = rumpuser_fileinfo(hostpath, ret_fi);
	if (error == 0 && ret_fi->fi_type == RUMPUSER_FT_DIR)
		error = EISDIR;
	if (error == 0)
		error = rumpuser_open(hostpath, flags, &e->e_fd);
	if (error == 0) {
		error = rumpuser_fdinfo(e->e_fd, ret_fi);
		if (error)
			(void)rumpuser_close(e->e_fd);
	}
	vcpu_block_end();
	return error;
}

static void
etfs_host_close(struct etfs *e)
{
	if (e->e_mapstate == ETFS_MAP_THERE)
		rumpuser_file_unmap(e->e_map, e->e_size + e->e_mapoff);
	vcpu_block_begin();
	(void)rumpuser_close(e->e_fd);
	vcpu_block_end();
}

static int
etfs_attach(struct etfs *e, const char *name, const struct rumpuser_fileinfo *fi)
{
	switch (e->e_type) {
	case RUMP_ETFS_BLK:
		return etfs_attach_blk(e, name, fi->fi_secsize);
	case RUMP_ETFS_CHR:
		return etfs_attach_chr(e, name);
	case RUMP_ETFS_REG:
		return etfs_attach_reg(e, e->e_key);
	}
	return EINVAL;
}

static int
etfs_register_locked(const char *key, const char *name, const char *hostpath,
    enum rump_etfs_type type, uint64_t begin, uint64_t size, int flags)
{
	struct rumpuser_fileinfo fi;
	struct etfs *e;
	int error;

	if (etfs_find_locked(key) != NULL)
		return EEXIST;
	e = kmem_zalloc(sizeof(*e), KM_SLEEP);
	if (e == NULL)
		return ENOMEM;
	e->e_type = type;
	e->e_flags = flags;
	e->e_readonly = (flags & RUMP_ETFS_RDONLY) != 0;
	e->e_key = kmem_strdup(key, KM_SLEEP);
	if (e->e_key == NULL) {
		error = ENOMEM;
		goto fail_entry;
	}
	error = etfs_host_open(e, hostpath, &fi);
	if (error)
		goto fail_key;
	error = etfs_window(e, &fi, begin, size);
	if (error == 0)
		error = etfs_attach(e, name, &fi);
	if (error)
		goto fail_open;
	list_insert_tail(&entries, &e->e_link);
	return 0;

fail_open:
	etfs_host_close(e);
fail_key:
	kmem_strfree(e->e_key);
fail_entry:
	kmem_free(e, sizeof(*e));
	return error;
}

static int
etfs_register(const char *key, const char *hostpath, enum rump_etfs_type type,
    uint64_t begin, uint64_t size, int flags)
{
	const char *name;
	int error;

	error = etfs_key(key, &key, &name);
	if (error)
		return error;
	/* Devices live in /dev; plain files may be anywhere. */
	if (name == NULL && type != RUMP_ETFS_REG)
		return EINVAL;
	mutex_enter(&etfs_lock);
	error = etfs_register_locked(key, name, hostpath, type, begin, size,
	    flags);
	mutex_exit(&etfs_lock);
	return error;
}

static int
etfs_detach(struct etfs *e)
{
	switch (e->e_type) {
	case RUMP_ETFS_BLK:
		return blkdev_detach(&e->e_blk);
	case RUMP_ETFS_CHR:
		return etfs_detach_chr(e);
	case RUMP_ETFS_REG:
		return etfs_detach_reg(e);
	}
	return EINVAL;
}

static int
etfs_remove(const char *key)
{
	const char *name;
	struct etfs *e;
	int error;

	error = etfs_key(key, &key, &name);
	if (error)
		return error;
	mutex_enter(&etfs_lock);
	e = etfs_find_locked(key);
	error = e == NULL ? ENOENT : etfs_detach(e);
	if (error == 0) {
		list_remove(&e->e_link);
		etfs_host_close(e);
		kmem_strfree(e->e_key);
		kmem_free(e, sizeof(*e));
	}
	mutex_exit(&etfs_lock);
	return error;
}

int
etfs_boot(void)
{
	mutex_init(&etfs_lock, "etfs");
	etfs_secshift = (uint32_t)param_u64("RUMP_BLKSECTSHIFT", 0);
	return etfs_chr_boot();
}

/* --- public ---------------------------------------------------------------------- */

int
rump_pub_etfs_register_flags(const char *key, const char *hostpath,
    enum rump_etfs_type type, uint64_t begin, uint64_t size, int flags)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = etfs_register(key, hostpath, type, begin, size, flags);
	kcontext_leave();
	return error;
}

int
rump_pub_etfs_register_withsize(const char *key, const char *hostpath,
    enum rump_etfs_type type, uint64_t begin, uint64_t size)
{
	return rump_pub_etfs_register_flags(key, hostpath, type, begin, size, 0);
}

int
rump_pub_etfs_register(const char *key, const char *hostpath,
    enum rump_etfs_type type)
{
	return rump_pub_etfs_register_flags(key, hostpath, type, 0,
	    RUMP_ETFS_SIZE_ENDOFF, 0);
}

int
rump_pub_etfs_remove(const char *key)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = etfs_remove(key);
	kcontext_leave();
	return error;
}
