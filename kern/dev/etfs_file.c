/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * etfs_file.c - host files as character devices and as plain files
 *
 * A character device passes reads and writes on to the host file: at the
 * file's own position if the host file has none to speak of (a terminal, a
 * pipe), else at the offset.  A plain file is given to the vfs.
 */

#include <linux/fcntl.h>
#include <linux/fs.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/vcpu.h>

#include "dev_impl.h"
#include "etfs_impl.h"

#define CHR_BOUNCE	PAGE_SIZE

static kmutex_t chr_lock;
static struct list chrs = LIST_INITIALIZER(chrs);	/* chr_lock: by e_node's link */
static uint32_t chr_minor;				/* chr_lock */

struct chr_entry {
	struct etfs	*c_etfs;
	uint32_t	 c_minor;
	struct list_node c_link;
};

/* One hop through a page: a character device is not for bulk. */
static int
chr_rw(struct file *fp, struct uio *uio, bool write)
{
	struct etfs *e = fp->f_data;
	void *bounce = page_alloc(0, KM_SLEEP);
	int error = 0;

	if (bounce == NULL)
		return ENOMEM;
	while (uio->uio_resid > 0 && error == 0) {
		struct rumpuser_iov iov = { bounce,
		    uio->uio_resid < CHR_BOUNCE ? uio->uio_resid : CHR_BOUNCE };
		int64_t at = e->e_size > 0 ?
		    (int64_t)(e->e_begin + uio->uio_off) : -1;
		size_t bytes = 0;

		if (write)
			error = uio_move(bounce, iov.iov_len, uio);
		if (error)
			break;
		vcpu_block_begin();
		error = write ? rumpuser_iovwrite(e->e_fd, &iov, 1, at, &bytes) :
		    rumpuser_iovread(e->e_fd, &iov, 1, at, &bytes);
		vcpu_block_end();
		if (error == 0 && !write)
			error = uio_move(bounce, bytes, uio);
		if (bytes < iov.iov_len)
			break;
	}
	page_free(bounce, 0);
	return error;
}

static int
chr_read(struct file *fp, struct uio *uio, int flags __unused_arg)
{
	return chr_rw(fp, uio, false);
}

static int
chr_write(struct file *fp, struct uio *uio, int flags __unused_arg)
{
	return chr_rw(fp, uio, true);
}

static int
chr_seek(struct file *fp, off_t off, int whence, off_t *ret_off)
{
	const struct etfs *e = fp->f_data;

	if (e->e_size == 0)
		return ESPIPE;
	return file_seekto(fp, off, whence, e->e_size, OFF_MAX, ret_off);
}

static void
chr_close(struct file *fp)
{
	struct etfs *e = fp->f_data;

	atomic_sub_ar(&e->e_users, 1);
}

static const struct fileops chr_ops = {
	.fo_read	= chr_read,
	.fo_write	= chr_write,
	.fo_seek	= chr_seek,
	.fo_close	= chr_close,
	.fo_seekable	= true,
};

static int
chr_open(dev_t dev, unsigned int flags, struct file **ret_fp)
{
	struct etfs *e = NULL;
	struct list_node *n;
	int error;

	mutex_enter(&chr_lock);
	LIST_FOREACH(n, &chrs) {
		struct chr_entry *c = container_of(n, struct chr_entry, c_link);

		if (c->c_minor == dev_minor(dev))
			e = c->c_etfs;
	}
	if (e != NULL)
		atomic_add(&e->e_users, 1);
	mutex_exit(&chr_lock);
	if (e == NULL)
		return ENXIO;
	if (e->e_readonly && (flags & O_ACCMODE) != O_RDONLY)
		error = EROFS;
	else
		error = file_create(FILE_DEVICE, &chr_ops, e, flags, ret_fp);
	if (error)
		atomic_sub_ar(&e->e_users, 1);
	return error;
}

static struct devsw chr_devsw = {
	.d_name = "etfs", .d_block = false, .d_major = ETFS_CHR_MAJOR,
	.d_minor_first = 0, .d_minor_last = UINT32_MAX, .d_open = chr_open,
};

int
etfs_chr_boot(void)
{
	mutex_init(&chr_lock, "etfs chr");
	return devsw_register(&chr_devsw);
}

static struct chr_entry *
chr_remove(struct etfs *e)
{
	struct chr_entry *found = NULL;
	struct list_node *n;

	mutex_enter(&chr_lock);
	LIST_FOREACH(n, &chrs) {
		struct chr_entry *c = container_of(n, struct chr_entry, c_link);

		if (c->c_etfs == e && atomic_load_acq(&e->e_users) == 0)
			found = c;
	}
	if (found != NULL)
		list_remove(&found->c_link);
	mutex_exit(&chr_lock);
	return found;
}

int
etfs_attach_chr(struct etfs *e, const char *name)
{
	struct chr_entry *c = kmem_zalloc(sizeof(*c), KM_SLEEP);
	int error;

	if (c == NULL)
		return ENOMEM;
	c->c_etfs = e;
	mutex_enter(&chr_lock);
	c->c_minor = chr_minor++;
	list_insert_tail(&chrs, &c->c_link);
	mutex_exit(&chr_lock);
	e->e_node = (struct devnode){ .dn_mode = 0660,
	    .dn_dev = dev_make(ETFS_CHR_MAJOR, c->c_minor) };
	strlcpy(e->e_node.dn_name, name, sizeof(e->e_node.dn_name));
	error = devnode_announce(&e->e_node);
	if (error)
		kmem_free(chr_remove(e), sizeof(*c));
	return error;
}

int
etfs_detach_chr(struct etfs *e)
{
	struct chr_entry *c = chr_remove(e);

	if (c == NULL)
		return EBUSY;
	devnode_withdraw(&e->e_node);
	kmem_free(c, sizeof(*c));
	return 0;
}

/* --- plain files ---------------------------------------------------------------- */

static struct etfs *
etfs_of(struct hostfile *hf)
{
	return container_of(hf, struct etfs, e_file);
}

static int
reg_read(struct hostfile *hf, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt, size_t *ret_bytes)
{
	return etfs_hostio(etfs_of(hf), false, off, iov, iovcnt, ret_bytes);
}

static int
reg_write(struct hostfile *hf, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt, size_t *ret_bytes)
{
	return etfs_hostio(etfs_of(hf), true, off, iov, iovcnt, ret_bytes);
}

static int
reg_sync(struct hostfile *hf)
{
	int error;

	vcpu_block_begin();
	error = rumpuser_syncfd(etfs_of(hf)->e_fd, 0);
	vcpu_block_end();
	return error;
}

static const struct hostfile_ops reg_ops = {
	.hf_read	= reg_read,
	.hf_write	= reg_write,
	.hf_sync	= reg_sync,
};

int
etfs_attach_reg(struct etfs *e, const char *path)
{
	e->e_file = (struct hostfile){ .hf_ops = &reg_ops, .hf_size = e->e_size,
	    .hf_readonly = e->e_readonly };
	return hostfile_add(&e->e_file, path);
}

int
etfs_detach_reg(struct etfs *e)
{
	return hostfile_remove(&e->e_file);
}
