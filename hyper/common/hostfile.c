/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostfile.c - opening and describing files of the Linux host
 *
 * Descriptors are the host's own numbers.  A lock (RUMPUSER_OPEN_LOCK) is one
 * of the open file description, so it survives a fork into the background
 * and ends with the last close; readers share it.
 *
 * How data moves is in hostio.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "hostfile.h"

#define SECSIZE_FILE	512

static int
hostfile_lock(int fd, int access)
{
	struct flock fl;
	bool shared = access == RUMPUSER_OPEN_RDONLY;

	memset(&fl, 0, sizeof(fl));
	fl.l_type = shared ? F_RDLCK : F_WRLCK;
	fl.l_whence = SEEK_SET;
	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return EBUSY;
	/* Not every file system knows record locks. */
	if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? EBUSY : errno;
}

/*
 * Whoever started the program with a standard descriptor closed would get
 * our messages written into a disk image.
 */
int
hostfile_raise(int fd)
{
	int error, higher;

	if (fd == -1 || fd > STDERR_FILENO)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	error = errno;
	(void)close(fd);
	errno = error;
	return higher;
}

int
hostfile_open(const char *path, int flags, int *ret_fd)
{
	int error, fd, oflags = O_CLOEXEC | O_NOCTTY;

	switch (flags & RUMPUSER_OPEN_ACCMODE) {
	case RUMPUSER_OPEN_RDONLY:
		oflags |= O_RDONLY;
		break;
	case RUMPUSER_OPEN_WRONLY:
		oflags |= O_WRONLY;
		break;
	case RUMPUSER_OPEN_RDWR:
		oflags |= O_RDWR;
		break;
	default:
		return EINVAL;
	}
	if ((flags & RUMPUSER_OPEN_CREATE) != 0) {
		oflags |= O_CREAT;
		if ((flags & RUMPUSER_OPEN_EXCL) != 0)
			oflags |= O_EXCL;
	}

	do {
		fd = open(path, oflags, 0644);
	} while (fd == -1 && errno == EINTR);
	fd = hostfile_raise(fd);
	if (fd == -1)
		return errno;

	if ((flags & RUMPUSER_OPEN_LOCK) != 0) {
		error = hostfile_lock(fd, flags & RUMPUSER_OPEN_ACCMODE);
		if (error) {
			(void)close(fd);
			return error;
		}
	}
	*ret_fd = fd;
	return 0;
}

int
hostfile_close(int fd)
{

	/* Linux closes it whatever close says, also for EINTR. */
	if (close(fd) == -1 && errno != EINTR)
		return errno;
	return 0;
}

static enum rumpuser_filetype
filetype_of(mode_t mode)
{

	switch (mode & S_IFMT) {
	case S_IFREG:
		return RUMPUSER_FT_REG;
	case S_IFDIR:
		return RUMPUSER_FT_DIR;
	case S_IFBLK:
		return RUMPUSER_FT_BLK;
	case S_IFCHR:
		return RUMPUSER_FT_CHR;
	default:
		return RUMPUSER_FT_OTHER;
	}
}

/* What stat(2) does not know of a block device. */
static int
blkinfo_get(int fd, struct rumpuser_fileinfo *info)
{
	uint64_t size;
	unsigned short rotational;
	int secsize;

	if (ioctl(fd, BLKGETSIZE64, &size) == -1)
		return errno;
	info->fi_size = size;
	if (ioctl(fd, BLKSSZGET, &secsize) == 0 && secsize > 0)
		info->fi_secsize = (uint32_t)secsize;
	if (ioctl(fd, BLKROTATIONAL, &rotational) == 0)
		info->fi_rotational = rotational != 0;
	return 0;
}

static void
fileinfo_fill(const struct stat *st, struct rumpuser_fileinfo *info)
{

	memset(info, 0, sizeof(*info));
	info->fi_type = filetype_of(st->st_mode);
	info->fi_size = (uint64_t)st->st_size;
	info->fi_secsize = SECSIZE_FILE;
}

int
hostfile_info(const char *path, struct rumpuser_fileinfo *ret_info)
{
	struct rumpuser_fileinfo info;
	struct stat st;
	int error, fd;

	if (stat(path, &st) == -1)
		return errno;
	fileinfo_fill(&st, &info);
	if (info.fi_type == RUMPUSER_FT_BLK) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd == -1)
			return errno;
		error = blkinfo_get(fd, &info);
		(void)close(fd);
		if (error)
			return error;
	}
	*ret_info = info;
	return 0;
}

int
hostfile_fdinfo(int fd, struct rumpuser_fileinfo *ret_info)
{
	struct rumpuser_fileinfo info;
	struct stat st;
	int error;

	if (fstat(fd, &st) == -1)
		return errno;
	fileinfo_fill(&st, &info);
	if (info.fi_type == RUMPUSER_FT_BLK) {
		error = blkinfo_get(fd, &info);
		if (error)
			return error;
	}
	*ret_info = info;
	return 0;
}
