/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * blkfile.c - an open block device as a file: read, write, seek, ioctl
 *
 * Any offset and length will do: what is not whole sectors goes through a
 * bounce buffer, and a write that touches a sector in part reads it first.
 * Nothing is cached here, so a file and a mounted file system see one device.
 */

#include <linux/fs.h>

#include <dev/blkdev.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#include "dev_impl.h"

#define BOUNCE_ORDER	4
#define BOUNCE_SIZE	(PAGE_SIZE << BOUNCE_ORDER)

/* The sectors around [off, off+len), as much of it as the bounce buffer holds. */
struct window {
	uint64_t	w_start;	/* of the first sector */
	size_t		w_size;		/* whole sectors */
	size_t		w_skip;		/* bytes before off */
	size_t		w_use;		/* bytes of the request */
};

static struct window
window_at(const struct blkdev *bd, uint64_t off, size_t len)
{
	struct window w;
	uint64_t mask = bd->bd_secsize - 1;

	w.w_start = off & ~mask;
	w.w_skip = (size_t)(off - w.w_start);
	w.w_use = len < BOUNCE_SIZE - w.w_skip ? len : BOUNCE_SIZE - w.w_skip;
	w.w_size = (w.w_skip + w.w_use + (size_t)mask) & ~(size_t)mask;
	return w;
}

static int
blkfile_read(struct file *fp, struct uio *uio, int flags __unused_arg)
{
	struct blkdev *bd = fp->f_data;
	char *bounce;
	int error = 0;

	bounce = page_alloc(BOUNCE_ORDER, KM_SLEEP);
	if (bounce == NULL)
		return ENOMEM;
	while (uio->uio_resid > 0 && uio->uio_off < bd->bd_size && error == 0) {
		uint64_t left = bd->bd_size - uio->uio_off;
		struct window w = window_at(bd, uio->uio_off,
		    uio->uio_resid < left ? uio->uio_resid : (size_t)left);

		error = blkdev_readbuf(bd, w.w_start, bounce, w.w_size);
		if (error == 0)
			error = uio_move(bounce + w.w_skip, w.w_use, uio);
	}
	page_free(bounce, BOUNCE_ORDER);
	return error;
}

static int
blkfile_write(struct file *fp, struct uio *uio, int flags __unused_arg)
{
	struct blkdev *bd = fp->f_data;
	char *bounce;
	int error = 0;

	if (uio->uio_resid > 0 && uio->uio_off >= bd->bd_size)
		return ENOSPC;
	bounce = page_alloc(BOUNCE_ORDER, KM_SLEEP);
	if (bounce == NULL)
		return ENOMEM;
	while (uio->uio_resid > 0 && uio->uio_off < bd->bd_size && error == 0) {
		uint64_t left = bd->bd_size - uio->uio_off;
		struct window w = window_at(bd, uio->uio_off,
		    uio->uio_resid < left ? uio->uio_resid : (size_t)left);
		struct rumpuser_iov iov = { bounce, w.w_size };

		if (w.w_use != w.w_size)
			error = blkdev_readbuf(bd, w.w_start, bounce, w.w_size);
		if (error == 0)
			error = uio_move(bounce + w.w_skip, w.w_use, uio);
		if (error == 0)
			error = blkdev_write(bd, w.w_start, &iov, 1);
	}
	page_free(bounce, BOUNCE_ORDER);
	return error;
}

/* f_offlock is held by the caller. */
static int
blkfile_seek(struct file *fp, off_t off, int whence, off_t *ret_off)
{
	const struct blkdev *bd = fp->f_data;

	return file_seekto(fp, off, whence, bd->bd_size, bd->bd_size, ret_off);
}

static int
blkfile_discard(struct file *fp, const void *uarg)
{
	uint64_t range[2];
	int error = copyin(uarg, range, sizeof(range));

	if (error)
		return error;
	return file_writable(fp) ?
	    blkdev_discard(fp->f_data, range[0], range[1]) : EBADF;
}

static int
blkfile_ioctl(struct file *fp, unsigned long cmd, void *uarg,
    long *ret __unused_arg)
{
	struct blkdev *bd = fp->f_data;
	uint64_t bytes = bd->bd_size;
	unsigned long sectors = bytes / 512;
	int value;

	switch (cmd) {
	case BLKGETSIZE64:
		return copyout(&bytes, uarg, sizeof(bytes));
	case BLKGETSIZE:
		return copyout(&sectors, uarg, sizeof(sectors));
	case BLKSSZGET:
		value = (int)bd->bd_secsize;
		return copyout(&value, uarg, sizeof(value));
	case BLKPBSZGET:
		value = (int)bd->bd_secsize;
		return copyout(&value, uarg, sizeof(value));
	case BLKROGET:
		value = bd->bd_readonly;
		return copyout(&value, uarg, sizeof(value));
	case BLKFLSBUF:
		return bd->bd_readonly ? 0 : blkdev_flush(bd);
	case BLKDISCARD:
		return blkfile_discard(fp, uarg);
	default:
		return ENOTTY;
	}
}

static int
blkfile_fsync(struct file *fp, bool dataonly __unused_arg)
{
	struct blkdev *bd = fp->f_data;

	return bd->bd_readonly ? 0 : blkdev_flush(bd);
}

static void
blkfile_close(struct file *fp)
{
	blkdev_close(fp->f_data);
}

static const struct fileops blkfile_ops = {
	.fo_read	= blkfile_read,
	.fo_write	= blkfile_write,
	.fo_seek	= blkfile_seek,
	.fo_ioctl	= blkfile_ioctl,
	.fo_fsync	= blkfile_fsync,
	.fo_close	= blkfile_close,
	.fo_seekable	= true,
};

int
blkfile_open(dev_t dev, unsigned int flags, struct file **ret_fp)
{
	struct blkdev *bd;
	int error;

	error = blkdev_open(dev, (flags & O_ACCMODE) != O_RDONLY, &bd);
	if (error)
		return error;
	error = file_create(FILE_DEVICE, &blkfile_ops, bd, flags, ret_fp);
	if (error)
		blkdev_close(bd);
	return error;
}
