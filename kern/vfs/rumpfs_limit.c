/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_limit.c - how much an instance of the file system in memory may hold
 *
 * Two purses: blocks (pages of content, and of long symbolic links) and
 * inode space.  Each file and each further name of one costs
 * RUMPFS_INODE_BYTES of the latter; extended attributes that any user can
 * make cost their length, so that they cannot be used to fill memory behind
 * the limit's back.
 *
 * Charging adds first and looks afterwards: two who race for the last block
 * may both be refused, and nobody takes a lock.
 */

#include "rumpfs_impl.h"

static int
rumpfs_charge(uint64_t *used, const uint64_t *max, uint64_t n)
{
	uint64_t limit, old;

	old = atomic_add(used, n);
	limit = atomic_load(max);
	if (limit != RUMPFS_UNLIMITED && (old > limit || n > limit - old)) {
		atomic_sub(used, n);
		return ENOSPC;
	}
	return 0;
}

int
rumpfs_charge_blocks(struct rumpfs *rf, uint64_t n)
{
	return rumpfs_charge(&rf->rf_blocks, &rf->rf_maxblocks, n);
}

void
rumpfs_uncharge_blocks(struct rumpfs *rf, uint64_t n)
{
	KASSERT(atomic_load(&rf->rf_blocks) >= n);
	atomic_sub(&rf->rf_blocks, n);
}

int
rumpfs_charge_ispace(struct rumpfs *rf, uint64_t bytes)
{
	return rumpfs_charge(&rf->rf_ispace, &rf->rf_maxispace, bytes);
}

void
rumpfs_uncharge_ispace(struct rumpfs *rf, uint64_t bytes)
{
	KASSERT(atomic_load(&rf->rf_ispace) >= bytes);
	atomic_sub(&rf->rf_ispace, bytes);
}
