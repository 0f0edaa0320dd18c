/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * disk.c - a disk in memory that can fail and lose its power
 *
 * Reads see everything that was written.  What a power cut would leave is
 * not decided until somebody asks (diskcut.c): the disk keeps its content as
 * it was when the record began, and the record of what happened since.
 *
 * Who opened a disk and for what is file.c's business.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "disk_impl.h"

#define NAME_PREFIX	"sim:"
#define DISK_MAX	((uint64_t)1 << 50)
#define SECSIZE_MAX	65536u

static struct rumpsim_disk *disks;	/* the baton */

struct rumpsim_disk *
disk_lookup(const char *name)
{
	struct rumpsim_disk *d;

	for (d = disks; d != NULL; d = d->d_next) {
		if (strcmp(d->d_name, name) == 0)
			break;
	}
	return d;
}

/* --- birth and death ----------------------------------------------------- */

int
rumpsim_disk_create(const char *name, uint64_t size, uint32_t secsize,
    struct rumpsim_disk **ret_disk)
{
	struct rumpsim_disk *d;
	int error = ENOMEM;

	(void)sim_self();
	if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0 ||
	    secsize < 512 || secsize > SECSIZE_MAX ||
	    (secsize & (secsize - 1)) != 0 || size == 0 ||
	    size > DISK_MAX || size % secsize != 0)
		return EINVAL;
	if (disk_lookup(name) != NULL)
		return EEXIST;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return ENOMEM;
	d->d_secsize = secsize;
	d->d_name = strdup(name);
	if (d->d_name == NULL)
		goto fail_disk;
	error = diskstore_init(&d->d_now, size);
	if (error)
		goto fail_name;
	error = diskstore_init(&d->d_base, size);
	if (error)
		goto fail_store;

	d->d_next = disks;
	disks = d;
	*ret_disk = d;
	return 0;

fail_store:
	diskstore_fini(&d->d_now);
fail_name:
	free(d->d_name);
fail_disk:
	free(d);
	return error;
}

static void
record_free(struct rumpsim_disk *d)
{
	size_t i;

	for (i = 0; i < d->d_nrecs; i++)
		free(d->d_recs[i].dr_data);
	free(d->d_recs);
	d->d_recs = NULL;
	d->d_nrecs = d->d_recroom = 0;
}

int
rumpsim_disk_destroy(struct rumpsim_disk *disk)
{
	struct rumpsim_disk **dp;

	(void)sim_self();
	if (disk->d_opens > 0)
		return EBUSY;
	for (dp = &disks; *dp != disk; dp = &(*dp)->d_next)
		continue;
	*dp = disk->d_next;
	record_free(disk);
	diskstore_fini(&disk->d_now);
	diskstore_fini(&disk->d_base);
	free(disk->d_name);
	free(disk);
	return 0;
}

/* --- the record ---------------------------------------------------------- */

static struct diskrec *
record_add(struct rumpsim_disk *d, enum diskrec_op op, uint64_t off,
    uint64_t len)
{
	struct diskrec *dr;
	size_t room;

	if (d->d_nrecs == d->d_recroom) {
		room = d->d_recroom * 2 + 64;
		dr = realloc(d->d_recs, room * sizeof(*dr));
		if (dr == NULL)
			return NULL;
		d->d_recs = dr;
		d->d_recroom = room;
	}
	dr = &d->d_recs[d->d_nrecs++];
	memset(dr, 0, sizeof(*dr));
	dr->dr_op = op;
	dr->dr_off = off;
	dr->dr_len = len;
	return dr;
}

size_t
rumpsim_disk_points(struct rumpsim_disk *disk)
{

	(void)sim_self();
	return disk->d_nrecs;
}

void
rumpsim_disk_forget(struct rumpsim_disk *disk)
{
	struct diskstore base;

	(void)sim_self();
	if (diskstore_clone(&disk->d_now, &base) != 0)
		sim_die("no memory for the record of %s", disk->d_name);
	diskstore_fini(&disk->d_base);
	disk->d_base = base;
	record_free(disk);
}

/* --- failures ------------------------------------------------------------ */

static int
disk_fault(struct rumpsim_disk *d, enum rumpsim_kind kind)
{
	struct diskfault *df = &d->d_faults[kind];
	int error;

	error = sim_fault(kind);
	if (error)
		return error;
	if (df->df_in == 0 || --df->df_in > 0)
		return 0;
	return df->df_error;
}

static int
disk_badcheck(const struct rumpsim_disk *d, uint64_t off, uint64_t len)
{

	if (off < d->d_badoff + d->d_badlen && d->d_badoff < off + len)
		return d->d_baderror;
	return 0;
}

void
rumpsim_disk_fail(struct rumpsim_disk *disk, enum rumpsim_kind kind,
    uint64_t nth, int error)
{

	(void)sim_self();
	disk->d_faults[kind].df_in = error != 0 ? nth : 0;
	disk->d_faults[kind].df_error = error;
}

void
rumpsim_disk_setbad(struct rumpsim_disk *disk, uint64_t off, uint64_t len,
    int error)
{

	(void)sim_self();
	disk->d_badoff = off;
	disk->d_badlen = len;
	disk->d_baderror = error;
}

void
rumpsim_disk_setlatency(struct rumpsim_disk *disk, int64_t read, int64_t write,
    int64_t flush)
{

	(void)sim_self();
	disk->d_latency[RUMPSIM_READ] = read;
	disk->d_latency[RUMPSIM_WRITE] = write;
	disk->d_latency[RUMPSIM_DISCARD] = write;
	disk->d_latency[RUMPSIM_FLUSH] = flush;
}

void
rumpsim_disk_stats(struct rumpsim_disk *disk,
    struct rumpsim_diskstats *ret_stats)
{

	(void)sim_self();
	*ret_stats = disk->d_stats;
}

/* --- operations ---------------------------------------------------------- */

static uint64_t
iov_length(const struct rumpuser_iov *iov, size_t iovcnt)
{
	uint64_t len = 0;
	size_t i;

	for (i = 0; i < iovcnt; i++)
		len += iov[i].iov_len;
	return len;
}

int
disk_read(struct rumpsim_disk *disk, const struct rumpuser_iov *iov,
    size_t iovcnt, uint64_t off, size_t *ret_bytes)
{
	uint64_t left = off < disk->d_now.ds_size ?
	    disk->d_now.ds_size - off : 0;
	size_t done = 0, i, n;
	int error;

	error = disk_fault(disk, RUMPSIM_READ);
	if (error == 0)
		error = disk_badcheck(disk, off, iov_length(iov, iovcnt));
	if (error)
		return error;
	for (i = 0; i < iovcnt && left > 0; i++) {
		n = iov[i].iov_len < left ? iov[i].iov_len : (size_t)left;
		diskstore_read(&disk->d_now, off + done, iov[i].iov_base, n);
		done += n;
		left -= n;
	}
	disk->d_stats.sd_reads++;
	disk->d_stats.sd_read_bytes += done;
	*ret_bytes = done;
	return 0;
}

int
disk_write(struct rumpsim_disk *disk, const struct rumpuser_iov *iov,
    size_t iovcnt, uint64_t off, size_t *ret_bytes)
{
	uint64_t len = iov_length(iov, iovcnt);
	struct diskrec *dr;
	unsigned char *data;
	size_t done = 0, i;
	int error;

	error = disk_fault(disk, RUMPSIM_WRITE);
	if (error == 0)
		error = disk_badcheck(disk, off, len);
	if (error)
		return error;
	if (off > disk->d_now.ds_size || len > disk->d_now.ds_size - off)
		return ENOSPC;
	*ret_bytes = 0;
	if (len == 0)
		return 0;

	data = malloc((size_t)len);
	if (data == NULL)
		return ENOMEM;
	for (i = 0; i < iovcnt; done += iov[i++].iov_len)
		memcpy(data + done, iov[i].iov_base, iov[i].iov_len);
	dr = record_add(disk, DISKREC_WRITE, off, len);
	if (dr == NULL) {
		free(data);
		return ENOMEM;
	}
	dr->dr_data = data;
	disk->d_stats.sd_writes++;
	disk->d_stats.sd_write_bytes += len;
	*ret_bytes = (size_t)len;
	return diskstore_write(&disk->d_now, off, data, (size_t)len);
}

int
disk_discard(struct rumpsim_disk *disk, uint64_t off, uint64_t len)
{
	int error;

	error = disk_fault(disk, RUMPSIM_DISCARD);
	if (error)
		return error;
	if (off > disk->d_now.ds_size || len > disk->d_now.ds_size - off)
		return EINVAL;
	if (len == 0)
		return 0;
	if (record_add(disk, DISKREC_ZERO, off, len) == NULL)
		return ENOMEM;
	disk->d_stats.sd_discards++;
	return diskstore_zero(&disk->d_now, off, len);
}

int
disk_barrier(struct rumpsim_disk *disk)
{
	int error;

	error = disk_fault(disk, RUMPSIM_FLUSH);
	if (error)
		return error;
	return record_add(disk, DISKREC_BARRIER, 0, 0) == NULL ? ENOMEM : 0;
}

size_t
disk_flush_begin(const struct rumpsim_disk *disk)
{

	return disk->d_nrecs;
}

/* A record begun meanwhile starts stable: then there is nothing to cover. */
int
disk_flush(struct rumpsim_disk *disk, size_t covers)
{
	struct diskrec *dr;
	int error;

	error = disk_fault(disk, RUMPSIM_FLUSH);
	if (error)
		return error;
	dr = record_add(disk, DISKREC_FLUSH, 0, 0);
	if (dr == NULL)
		return ENOMEM;
	dr->dr_covers = covers < disk->d_nrecs ? covers : 0;
	disk->d_stats.sd_flushes++;
	return 0;
}
