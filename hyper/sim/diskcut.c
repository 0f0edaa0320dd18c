/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * diskcut.c - the disk one finds after the power failed; content from outside
 *
 * Of the record up to the cut, everything that a completed flush covers has
 * happened.  The rest is divided by its barriers into groups.  The cache got
 * to some group: those before it have happened, those after it have not, and
 * of that group each write happened, did not, or did in some sectors.  Later
 * writes win over earlier ones where they overlap and both happened.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"

/* Above, a discard is not torn sector by sector but loses its end. */
#define TEAR_MAX	((uint64_t)1 << 20)

static int
apply(struct diskstore *ds, const struct diskrec *dr, uint64_t skip,
    uint64_t len)
{

	switch (dr->dr_op) {
	case DISKREC_WRITE:
		return diskstore_write(ds, dr->dr_off + skip,
		    dr->dr_data + skip, (size_t)len);
	case DISKREC_ZERO:
		return diskstore_zero(ds, dr->dr_off + skip, len);
	default:
		return 0;
	}
}

/* Sector by sector, half of them. */
static int
apply_torn(struct diskstore *ds, const struct diskrec *dr, uint32_t secsize,
    struct simrng *rng)
{
	uint64_t n, skip = 0;
	int error = 0;

	if (dr->dr_op == DISKREC_ZERO && dr->dr_len > TEAR_MAX) {
		n = simrng_below(rng, dr->dr_len);
		return apply(ds, dr, 0, n - n % secsize);
	}
	for (; skip < dr->dr_len && error == 0; skip += n) {
		n = secsize - (dr->dr_off + skip) % secsize;
		if (n > dr->dr_len - skip)
			n = dr->dr_len - skip;
		if (simrng_below(rng, 2) == 0)
			error = apply(ds, dr, skip, n);
	}
	return error;
}

/* The mood of a cut: most cuts lose some, some lose all or nothing. */
static int
apply_subset(struct diskstore *ds, const struct diskrec *dr, size_t n,
    uint32_t secsize, struct simrng *rng)
{
	unsigned int keep = (unsigned int)simrng_below(rng, 5) * 250;
	unsigned int tear = (unsigned int)simrng_below(rng, 3) * 200;
	int error = 0;

	for (; n > 0 && error == 0; n--, dr++) {
		if (simrng_permille(rng, tear))
			error = apply_torn(ds, dr, secsize, rng);
		else if (simrng_permille(rng, keep))
			error = apply(ds, dr, 0, dr->dr_len);
	}
	return error;
}

static int
apply_all(struct diskstore *ds, const struct diskrec *dr, size_t n)
{
	int error = 0;

	for (; n > 0 && error == 0; n--, dr++)
		error = apply(ds, dr, 0, dr->dr_len);
	return error;
}

static int
cut_store(const struct rumpsim_disk *disk, size_t point, struct simrng *rng,
    struct diskstore *ds)
{
	const struct diskrec *recs = disk->d_recs;
	size_t barriers = 0, end, group, i, stable = 0;
	int error;

	if (point == 0)
		return 0;
	for (i = 0; i < point; i++) {
		if (recs[i].dr_op == DISKREC_FLUSH && recs[i].dr_covers > stable)
			stable = recs[i].dr_covers;
	}
	error = apply_all(ds, recs, stable);
	if (error)
		return error;

	for (i = stable; i < point; i++)
		barriers += recs[i].dr_op == DISKREC_BARRIER;
	group = (size_t)simrng_below(rng, barriers + 1);
	for (i = stable; ; i = end + 1) {
		for (end = i; end < point; end++) {
			if (recs[end].dr_op == DISKREC_BARRIER)
				break;
		}
		if (group-- == 0)
			return apply_subset(ds, recs + i, end - i,
			    disk->d_secsize, rng);
		error = apply_all(ds, recs + i, end - i);
		if (error)
			return error;
	}
}

int
rumpsim_disk_cut(struct rumpsim_disk *disk, size_t point, uint64_t seed,
    const char *name, struct rumpsim_disk **ret_disk)
{
	struct rumpsim_disk *d;
	struct diskstore ds;
	struct simrng rng;
	int error;

	(void)sim_self();
	if (point > disk->d_nrecs)
		return EINVAL;
	simrng_seed(&rng, seed, SIMRNG_CUT + point);
	error = diskstore_clone(&disk->d_base, &ds);
	if (error)
		return error;
	error = cut_store(disk, point, &rng, &ds);
	if (error == 0)
		error = rumpsim_disk_create(name, ds.ds_size, disk->d_secsize,
		    &d);
	if (error) {
		diskstore_fini(&ds);
		return error;
	}
	diskstore_fini(&d->d_now);
	d->d_now = ds;
	rumpsim_disk_forget(d);
	*ret_disk = d;
	return 0;
}

/* --- content from and to the outside ------------------------------------- */

static int
range_check(const struct rumpsim_disk *disk, uint64_t off, size_t len)
{

	return off > disk->d_now.ds_size || len > disk->d_now.ds_size - off ?
	    EINVAL : 0;
}

int
rumpsim_disk_peek(struct rumpsim_disk *disk, uint64_t off, void *buf,
    size_t len)
{
	int error;

	(void)sim_self();
	error = range_check(disk, off, len);
	if (error == 0)
		diskstore_read(&disk->d_now, off, buf, len);
	return error;
}

/* Underneath the record, too: otherwise a cut would undo it. */
int
rumpsim_disk_poke(struct rumpsim_disk *disk, uint64_t off, const void *buf,
    size_t len)
{
	int error;

	(void)sim_self();
	error = range_check(disk, off, len);
	if (error == 0)
		error = diskstore_write(&disk->d_now, off, buf, len);
	if (error == 0)
		error = diskstore_write(&disk->d_base, off, buf, len);
	return error;
}

static bool
all_zero(const unsigned char *p, size_t len)
{

	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static int
load_fd(struct rumpsim_disk *disk, int fd)
{
	static unsigned char buf[1 << 16];	/* the baton */
	off_t end, off = 0;
	ssize_t n;

	end = lseek(fd, 0, SEEK_END);
	if (end == -1)
		return errno;
	if ((uint64_t)end > disk->d_now.ds_size)
		return EFBIG;
	while (off < end) {
		off = lseek(fd, off, SEEK_DATA);
		if (off == -1)
			return errno == ENXIO ? 0 : errno;
		n = pread(fd, buf, sizeof(buf), off);
		if (n == -1)
			return errno;
		if (n == 0)
			break;
		if (!all_zero(buf, (size_t)n) && diskstore_write(&disk->d_now,
		    (uint64_t)off, buf, (size_t)n) != 0)
			return ENOMEM;
		off += n;
	}
	return 0;
}

int
rumpsim_disk_load(struct rumpsim_disk *disk, const char *path)
{
	struct diskstore empty;
	int error, fd;

	(void)sim_self();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return errno;
	error = diskstore_init(&empty, disk->d_now.ds_size);
	if (error == 0) {
		diskstore_fini(&disk->d_now);
		disk->d_now = empty;
		error = load_fd(disk, fd);
	}
	(void)close(fd);
	rumpsim_disk_forget(disk);
	return error;
}

static int
save_fd(const struct rumpsim_disk *disk, int fd)
{
	static unsigned char buf[1 << 14];	/* the baton */
	uint64_t len, off = 0;
	size_t n;

	if (ftruncate(fd, (off_t)disk->d_now.ds_size) == -1)
		return errno;
	while (diskstore_nextdata(&disk->d_now, off, &off, &len)) {
		for (; len > 0; off += n, len -= n) {
			n = len < sizeof(buf) ? (size_t)len : sizeof(buf);
			diskstore_read(&disk->d_now, off, buf, n);
			if (pwrite(fd, buf, n, (off_t)off) != (ssize_t)n)
				return errno != 0 ? errno : ENOSPC;
		}
	}
	return 0;
}

int
rumpsim_disk_save(struct rumpsim_disk *disk, const char *path)
{
	int error, fd;

	(void)sim_self();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1)
		return errno;
	error = save_fd(disk, fd);
	if (close(fd) == -1 && error == 0)
		error = errno;
	return error;
}
