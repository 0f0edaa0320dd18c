/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * filemap.c - files as memory: the host's page cache read in place
 *
 * A fault in such a mapping raises SIGBUS or SIGSEGV, which the guarded copy
 * turns into EFAULT.
 */

#include <sys/mman.h>

#include <errno.h>

#include <rump/rumpuser.h>

int
rumpuser_file_map(int fd, uint64_t off, uint64_t len, void **ret_ptr)
{
	void *ptr;

	ptr = mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd,
	    (off_t)off);
	if (ptr == MAP_FAILED)
		return errno == ENOMEM ? ENOMEM : EOPNOTSUPP;
	*ret_ptr = ptr;
	return 0;
}

void
rumpuser_file_unmap(void *ptr, uint64_t len)
{
	(void)munmap(ptr, len);
}
