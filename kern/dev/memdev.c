/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * memdev.c - null, zero, full, random, urandom
 *
 * Minor numbers are Linux's.  None of them blocks; all share one set of file
 * operations, told apart by f_data.
 */

#include <lib/string.h>
#include <linux/fcntl.h>
#include <sys/devsw.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/random.h>

#include "dev_impl.h"

struct memdev {
	struct devnode	 md_node;	/* c */
	int		(*md_read)(struct uio *uio);
	int		(*md_write)(struct uio *uio);
};

static int
read_nothing(struct uio *uio __unused_arg)
{
	return 0;
}

static int
read_zeroes(struct uio *uio)
{
	return uio_zero(uio->uio_resid, uio);
}

static int
read_random(struct uio *uio)
{
	uint8_t buf[256];
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		random_bytes(buf, sizeof(buf));
		error = uio_move(buf, sizeof(buf), uio);
	}
	memset(buf, 0, sizeof(buf));
	return error;
}

static int
write_nowhere(struct uio *uio)
{
	uio_skip(uio, uio->uio_resid);
	return 0;
}

static int
write_full(struct uio *uio __unused_arg)
{
	return ENOSPC;
}

#define NODE(name, minor) { .dn_name = (name), .dn_mode = 0666, \
	.dn_dev = (dev_t)MEM_MAJOR << 32 | (minor) }

static struct memdev memdevs[] = {
	{ NODE("null", 3), read_nothing, write_nowhere },
	{ NODE("zero", 5), read_zeroes, write_nowhere },
	{ NODE("full", 7), read_zeroes, write_full },
	{ NODE("random", 8), read_random, write_nowhere },
	{ NODE("urandom", 9), read_random, write_nowhere },
};

static int
memdev_read(struct file *fp, struct uio *uio, int flags __unused_arg)
{
	const struct memdev *md = fp->f_data;

	return md->md_read(uio);
}

static int
memdev_write(struct file *fp, struct uio *uio, int flags __unused_arg)
{
	const struct memdev *md = fp->f_data;

	return md->md_write(uio);
}

/* Linux lets these be sought and stays at 0. */
static int
memdev_seek(struct file *fp __unused_arg, off_t off __unused_arg,
    int whence __unused_arg, off_t *ret_off)
{
	*ret_off = 0;
	return 0;
}

static const struct fileops memdev_ops = {
	.fo_read	= memdev_read,
	.fo_write	= memdev_write,
	.fo_seek	= memdev_seek,
};

static int
memdev_open(dev_t dev, unsigned int flags, struct file **ret_fp)
{
	for (size_t i = 0; i < ARRAY_SIZE(memdevs); i++) {
		if (memdevs[i].md_node.dn_dev == dev)
			return file_create(FILE_DEVICE, &memdev_ops, &memdevs[i],
			    flags, ret_fp);
	}
	return ENXIO;
}

static struct devsw memdev_devsw = {
	.d_name = "mem", .d_block = false, .d_major = MEM_MAJOR,
	.d_minor_first = 0, .d_minor_last = 255, .d_open = memdev_open,
};

int
memdev_boot(void)
{
	int error = devsw_register(&memdev_devsw);

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(memdevs); i++)
		error = devnode_announce(&memdevs[i].md_node);
	return error;
}
