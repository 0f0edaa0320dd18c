/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * disk_impl.h - simulated disks, between their files
 */

#ifndef HYPER_SIM_DISK_IMPL_H
#define HYPER_SIM_DISK_IMPL_H

#include "sim_impl.h"

/* --- sparse content that copies share (diskstore.c) ---------------------- */

struct diskstore {
	uint64_t	  ds_size;
	struct chunkdir	**ds_dirs;
	size_t		  ds_ndirs;
};

int	diskstore_init(struct diskstore *ds, uint64_t size);
void	diskstore_fini(struct diskstore *ds);
int	diskstore_clone(const struct diskstore *ds, struct diskstore *ret_copy);

/* Ranges are inside the store: the callers have checked. */
void	diskstore_read(const struct diskstore *ds, uint64_t off, void *buf,
	    size_t len);
int	diskstore_write(struct diskstore *ds, uint64_t off, const void *buf,
	    size_t len);
int	diskstore_zero(struct diskstore *ds, uint64_t off, uint64_t len);

/* The next range at or after off that may hold something else than zeroes. */
bool	diskstore_nextdata(const struct diskstore *ds, uint64_t off,
	    uint64_t *ret_off, uint64_t *ret_len);

/* --- the record ---------------------------------------------------------- */

enum diskrec_op { DISKREC_WRITE, DISKREC_ZERO, DISKREC_BARRIER, DISKREC_FLUSH };

struct diskrec {
	enum diskrec_op	 dr_op;
	uint64_t	 dr_off;
	uint64_t	 dr_len;
	unsigned char	*dr_data;	/* WRITE */
	size_t		 dr_covers;	/* FLUSH: records it makes stable */
};

/* --- disks (disk.c) ------------------------------------------------------ */

struct diskfault {
	uint64_t	df_in;		/* fails when it gets to 1; 0: never */
	int		df_error;
};

/* All: the baton; d_name, d_secsize: constant. */
struct rumpsim_disk {
	struct rumpsim_disk	*d_next;
	char			*d_name;
	uint32_t		 d_secsize;
	unsigned int		 d_opens;
	unsigned int		 d_readlocks;
	bool			 d_writelock;

	struct diskstore	 d_now;		/* as it reads */
	struct diskstore	 d_base;	/* as the record began */
	struct diskrec		*d_recs;
	size_t			 d_nrecs;
	size_t			 d_recroom;

	struct diskfault	 d_faults[RUMPSIM_NKINDS];
	uint64_t		 d_badoff;
	uint64_t		 d_badlen;
	int			 d_baderror;
	int64_t			 d_latency[RUMPSIM_NKINDS];
	struct rumpsim_diskstats d_stats;
};

struct rumpuser_iov;

struct rumpsim_disk *disk_lookup(const char *name);

/*
 * The operations themselves; they count faults and statistics but take no
 * time.  ENOSPC: a write beyond the end.
 */
int	disk_read(struct rumpsim_disk *disk, const struct rumpuser_iov *iov,
	    size_t iovcnt, uint64_t off, size_t *ret_bytes);
int	disk_write(struct rumpsim_disk *disk, const struct rumpuser_iov *iov,
	    size_t iovcnt, uint64_t off, size_t *ret_bytes);
int	disk_discard(struct rumpsim_disk *disk, uint64_t off, uint64_t len);
int	disk_barrier(struct rumpsim_disk *disk);

/*
 * A flush covers what was complete when it began: flush_begin() notes that,
 * flush() makes it stable.
 */
size_t	disk_flush_begin(const struct rumpsim_disk *disk);
int	disk_flush(struct rumpsim_disk *disk, size_t covers);

/* --- descriptors (file.c) ------------------------------------------------ */

/* The disk behind a descriptor; NULL: a file of the host. */
struct rumpsim_disk *simfd_disk(int fd);

/* EBADF if fd refers to a disk but was not opened for it. */
int	simfd_access(int fd, bool writing);

#endif /* HYPER_SIM_DISK_IMPL_H */
