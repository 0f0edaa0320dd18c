/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * console_file.c - descriptors 0, 1 and 2 of a new program
 *
 * A rump kernel has no terminal.  What is written here goes to the host's
 * console, and there is never anything to read: end of file, not an error, so
 * that a program which peeks at its input goes on.
 */

#include <sys/file.h>

#include <linux/fcntl.h>
#include <linux/stat.h>
#include <rump/rumpuser.h>
#include <sys/ktime.h>
#include <sys/stat.h>

#define CONSOLE_CHUNK	512
#define CONSOLE_MAJOR	5	/* the numbers of /dev/console */
#define CONSOLE_MINOR	1

static int
console_read(struct file *fp, struct uio *uio, int flags)
{
	return 0;
}

static int
console_write(struct file *fp, struct uio *uio, int flags)
{
	char chunk[CONSOLE_CHUNK];
	size_t len;
	int error;

	while (uio->uio_resid > 0) {
		len = uio->uio_resid < sizeof(chunk) ? uio->uio_resid :
		    sizeof(chunk);
		error = uio_move(chunk, len, uio);
		if (error)
			return error;
		rumpuser_console_write(chunk, len);
	}
	return 0;
}

static int
console_stat(struct file *fp, struct statx *st)
{
	statx_anon(fp, STAT_DEV_ANON, 2, S_IFCHR | 0600, 0, st);
	st->stx_rdev_major = CONSOLE_MAJOR;
	st->stx_rdev_minor = CONSOLE_MINOR;
	return 0;
}

static const struct fileops console_fileops = {
	.fo_read	= console_read,
	.fo_write	= console_write,
	.fo_stat	= console_stat,
};

/* One file, of which the three are duplicates, as from a login. */
int
fdtable_console(struct fdtable *fdt)
{
	struct file *fp;
	int error;

	error = file_create(FILE_CONSOLE, &console_fileops, NULL, O_RDWR, &fp);
	if (error)
		return error;
	fdtable_fill(fdt, fp, 3);
	file_rele(fp);
	return 0;
}
