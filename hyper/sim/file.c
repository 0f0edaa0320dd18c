/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * file.c - the descriptors of the simulated host
 *
 * Names that begin with "sim:" are simulated disks, with descriptors from
 * SIMFD_BASE on; all other names are files of the real host, with its
 * descriptors.  Either kind can fail on demand, and both are counted.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "common/hostfile.h"
#include "disk_impl.h"

#define SIMFD_BASE	(1 << 20)	/* more than a process can have */
#define SIMFD_MAX	1024

/* All: the baton. */
static struct simfd {
	struct rumpsim_disk	*sf_disk;	/* NULL: free */
	int			 sf_flags;
	uint64_t		 sf_pos;	/* for off < 0 */
} simfds[SIMFD_MAX];

static uint64_t simfd_open_count;

uint64_t
simfd_count(void)
{

	return simfd_open_count;
}

void
simfd_counted(int by)
{

	simfd_open_count += (uint64_t)(int64_t)by;
}

static struct simfd *
simfd_get(int fd)
{
	struct simfd *sf;

	if (fd < SIMFD_BASE || fd >= SIMFD_BASE + SIMFD_MAX)
		return NULL;
	sf = &simfds[fd - SIMFD_BASE];
	return sf->sf_disk != NULL ? sf : NULL;
}

struct rumpsim_disk *
simfd_disk(int fd)
{
	const struct simfd *sf = simfd_get(fd);

	return sf != NULL ? sf->sf_disk : NULL;
}

int
simfd_access(int fd, bool writing)
{
	const struct simfd *sf = simfd_get(fd);
	int not;

	if (sf == NULL)
		return 0;
	not = writing ? RUMPUSER_OPEN_RDONLY : RUMPUSER_OPEN_WRONLY;
	return (sf->sf_flags & RUMPUSER_OPEN_ACCMODE) == not ? EBADF : 0;
}

/* --- opening and closing ------------------------------------------------- */

static bool
is_disk_name(const char *path)
{

	return strncmp(path, "sim:", 4) == 0;
}

static int
disk_lock(struct rumpsim_disk *d, int flags)
{

	if ((flags & RUMPUSER_OPEN_LOCK) == 0)
		return 0;
	if (d->d_writelock)
		return EBUSY;
	if ((flags & RUMPUSER_OPEN_ACCMODE) == RUMPUSER_OPEN_RDONLY) {
		d->d_readlocks++;
		return 0;
	}
	if (d->d_readlocks > 0)
		return EBUSY;
	d->d_writelock = true;
	return 0;
}

static void
disk_unlock(struct rumpsim_disk *d, int flags)
{

	if ((flags & RUMPUSER_OPEN_LOCK) == 0)
		return;
	if ((flags & RUMPUSER_OPEN_ACCMODE) == RUMPUSER_OPEN_RDONLY)
		d->d_readlocks--;
	else
		d->d_writelock = false;
}

static int
disk_open(const char *path, int flags, int *ret_fd)
{
	struct rumpsim_disk *d;
	int error, i;

	if ((flags & RUMPUSER_OPEN_ACCMODE) == RUMPUSER_OPEN_ACCMODE)
		return EINVAL;
	d = disk_lookup(path);
	if (d == NULL)
		return ENOENT;
	if ((flags & RUMPUSER_OPEN_CREATE) != 0 &&
	    (flags & RUMPUSER_OPEN_EXCL) != 0)
		return EEXIST;
	for (i = 0; i < SIMFD_MAX && simfds[i].sf_disk != NULL; i++)
		continue;
	if (i == SIMFD_MAX)
		return EMFILE;
	error = disk_lock(d, flags);
	if (error)
		return error;
	simfds[i] = (struct simfd){ .sf_disk = d, .sf_flags = flags };
	d->d_opens++;
	*ret_fd = SIMFD_BASE + i;
	return 0;
}

int
rumpuser_open(const char *path, int flags, int *ret_fd)
{
	int error;

	sim_point(SIMOP_OPEN, (uint64_t)flags);
	error = sim_fault(RUMPSIM_OPEN);
	if (error)
		return error;
	error = is_disk_name(path) ? disk_open(path, flags, ret_fd) :
	    hostfile_open(path, flags, ret_fd);
	if (error == 0)
		simfd_open_count++;
	return error;
}

int
rumpuser_close(int fd)
{
	struct simfd *sf;
	int error = 0;

	sim_point(SIMOP_CLOSE, 0);
	sf = simfd_get(fd);
	if (sf != NULL) {
		disk_unlock(sf->sf_disk, sf->sf_flags);
		sf->sf_disk->d_opens--;
		sf->sf_disk = NULL;
	} else if (!simsp_close(fd)) {
		error = hostfile_close(fd);
	}
	if (error != EBADF)
		simfd_open_count--;
	return error;
}

/* Nobody's close takes long here. */
void
rumpuser_close_apart(int fd, void (*done)(void *arg), void *arg)
{
	(void)rumpuser_close(fd);
	if (done != NULL)
		done(arg);
}

static void
disk_info(const struct rumpsim_disk *d, struct rumpuser_fileinfo *ret_info)
{

	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->fi_type = RUMPUSER_FT_BLK;
	ret_info->fi_size = d->d_now.ds_size;
	ret_info->fi_secsize = d->d_secsize;
}

int
rumpuser_fileinfo(const char *path, struct rumpuser_fileinfo *ret_info)
{
	const struct rumpsim_disk *d;

	(void)sim_self();
	if (!is_disk_name(path))
		return hostfile_info(path, ret_info);
	d = disk_lookup(path);
	if (d == NULL)
		return ENOENT;
	disk_info(d, ret_info);
	return 0;
}

int
rumpuser_fdinfo(int fd, struct rumpuser_fileinfo *ret_info)
{
	const struct rumpsim_disk *d;

	(void)sim_self();
	d = simfd_disk(fd);
	if (d == NULL)
		return hostfile_fdinfo(fd, ret_info);
	disk_info(d, ret_info);
	return 0;
}

/* --- synchronous I/O ----------------------------------------------------- */

/* The time that it takes; then others may have been faster. */
static void
disk_wait(const struct rumpsim_disk *d, enum rumpsim_kind kind)
{

	if (d->d_latency[kind] > 0)
		(void)sim_sleep(NULL, 0, sim_now() + d->d_latency[kind]);
}

/* As the host judges vectors for its files. */
static bool
iov_sane(const struct rumpuser_iov *iov, size_t iovcnt)
{
	size_t i, room = PTRDIFF_MAX;

	if (iovcnt > RUMPUSER_IOV_MAX)
		return false;
	for (i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > room)
			return false;
		room -= iov[i].iov_len;
	}
	return true;
}

typedef int (*diskfn_t)(struct rumpsim_disk *, const struct rumpuser_iov *,
    size_t, uint64_t, size_t *);

static int
disk_io(int fd, struct simfd *sf, diskfn_t fn, const struct rumpuser_iov *iov,
    size_t iovcnt, int64_t off, size_t *ret_bytes)
{
	bool writing = fn == disk_write;
	size_t bytes;
	int error;

	error = simfd_access(fd, writing);
	if (error)
		return error;
	if (!iov_sane(iov, iovcnt))
		return EINVAL;
	disk_wait(sf->sf_disk, writing ? RUMPSIM_WRITE : RUMPSIM_READ);
	error = fn(sf->sf_disk, iov, iovcnt,
	    off < 0 ? sf->sf_pos : (uint64_t)off, &bytes);
	if (error)
		return error;
	if (off < 0)
		sf->sf_pos += bytes;
	*ret_bytes = bytes;
	return 0;
}

int
rumpuser_iovread(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
    int64_t off, size_t *ret_bytes)
{
	struct simfd *sf;
	int error;

	sim_point(SIMOP_READ, (uint64_t)off);
	sf = simfd_get(fd);
	if (sf != NULL)
		return disk_io(fd, sf, disk_read, iov, iovcnt, off, ret_bytes);
	error = sim_fault(RUMPSIM_READ);
	return error != 0 ? error :
	    hostfile_read(fd, iov, iovcnt, off, ret_bytes);
}

int
rumpuser_iovwrite(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
    int64_t off, size_t *ret_bytes)
{
	struct simfd *sf;
	int error;

	sim_point(SIMOP_WRITE, (uint64_t)off);
	sf = simfd_get(fd);
	if (sf != NULL)
		return disk_io(fd, sf, disk_write, iov, iovcnt, off, ret_bytes);
	error = sim_fault(RUMPSIM_WRITE);
	return error != 0 ? error :
	    hostfile_write(fd, iov, iovcnt, off, ret_bytes);
}

int
rumpuser_syncfd(int fd, int flags)
{
	struct rumpsim_disk *d;
	size_t covers;
	int error;

	sim_point(SIMOP_SYNC, (uint64_t)flags);
	d = simfd_disk(fd);
	if (d == NULL) {
		error = sim_fault(RUMPSIM_FLUSH);
		return error != 0 ? error : hostfile_sync(fd, flags);
	}
	if ((flags & ~(RUMPUSER_SYNC_DATA | RUMPUSER_SYNC_BARRIER)) != 0)
		return EINVAL;
	if ((flags & RUMPUSER_SYNC_BARRIER) != 0)
		return disk_barrier(d);
	covers = disk_flush_begin(d);
	disk_wait(d, RUMPSIM_FLUSH);
	return disk_flush(d, covers);
}

int
rumpuser_discard(int fd, uint64_t off, uint64_t len)
{
	struct rumpsim_disk *d;
	int error;

	sim_point(SIMOP_DISCARD, off);
	d = simfd_disk(fd);
	if (d == NULL) {
		error = sim_fault(RUMPSIM_DISCARD);
		return error != 0 ? error : hostfile_discard(fd, off, len);
	}
	error = simfd_access(fd, true);
	if (error)
		return error;
	disk_wait(d, RUMPSIM_DISCARD);
	return disk_discard(d, off, len);
}

void
rumpuser_willneed(int fd, uint64_t off, uint64_t len)
{

	(void)sim_self();
	if (simfd_disk(fd) == NULL)
		hostfile_willneed(fd, off, len);
}
