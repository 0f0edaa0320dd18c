/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_lost.c - descriptors of a client that outlived the kernel they were from
 *
 * A client that connects again, since its server was started anew, has
 * descriptors that mean nothing any more.  Their numbers stay taken until it
 * closes them, by files that answer ECONNRESET.
 */

#include "sp_impl.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/stat.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/stat.h>

static int
lost_transfer(struct file *fp, struct uio *uio, int flags)
{
	return ECONNRESET;
}

static int
lost_ioctl(struct file *fp, unsigned long cmd, void *uarg, long *ret)
{
	return ECONNRESET;
}

static uint32_t
lost_poll(struct file *fp, struct pollreg *pr)
{
	return POLLIN | POLLERR | POLLHUP;
}

static int
lost_stat(struct file *fp, struct statx *st)
{
	return ECONNRESET;
}

static const struct fileops lost_fileops = {
	.fo_read	= lost_transfer,
	.fo_write	= lost_transfer,
	.fo_ioctl	= lost_ioctl,
	.fo_poll	= lost_poll,
	.fo_stat	= lost_stat,
};

int
lostfile_install(int fd)
{
	struct file *fp;
	int error;

	error = file_create(FILE_PIPE, &lost_fileops, NULL, O_RDWR, &fp);
	if (error)
		return error;
	error = fd_replace(fp, fd, false);
	if (error)
		file_rele(fp);
	return error;
}
