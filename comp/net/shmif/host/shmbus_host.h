/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_host.h - what a bus needs of the host besides the hypercalls
 *
 * Results are 0 or a positive errno.
 */

#ifndef SHMBUS_HOST_H
#define SHMBUS_HOST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Opens the file for reading and writing.  If it is empty (create: or absent)
 * it gets the size and the first page given; of several who try one does, and
 * the others wait for it.  EINVAL: not a plain file, or too short for a page.
 */
int	rumpcomp_shmbus_open(const char *path, bool create, const void *page,
	    uint64_t size, int *ret_fd, uint64_t *ret_size);
void	rumpcomp_shmbus_close(int fd);

/*
 * Shared and writable.  If the file shrinks under the mapping it turns into
 * private zeroes instead of killing the process.
 */
int	rumpcomp_shmbus_map(int fd, uint64_t size, void **ret_base);
void	rumpcomp_shmbus_unmap(void *base, uint64_t size);

/* Has that happened? */
bool	rumpcomp_shmbus_lost(const void *base);

/*
 * A lock on one byte, which ends with the descriptor.  EBUSY or EAGAIN.  fd -1,
 * memory without a file: one gets any lock, and everybody has his.
 */
int	rumpcomp_shmbus_lock(int fd, uint64_t byte);
void	rumpcomp_shmbus_unlock(int fd, uint64_t byte);

/* Does somebody else have it? */
bool	rumpcomp_shmbus_locked(int fd, uint64_t byte);

/* Of this process, for people who look at the bus. */
uint32_t rumpcomp_shmbus_pid(void);

#endif /* SHMBUS_HOST_H */
