/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_mem.c - memory, turns and bells that are shared with remote clients
 *
 * The memory is sealed, so that no client can shrink it under our feet, and
 * no access of ours can fault.
 *
 * A turn is a robust futex (set_robust_list(2)) without the C library's
 * help: each word has an entry in a list of the thread's, and the host goes through
 * the list in order when the thread ends, be it by SIGKILL.  The threads
 * are ours and have no robust mutexes of the C library.
 */

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <unistd.h>

#include "sp_impl.h"

int
rumpuser_spmem_create(size_t len, int *ret_fd, void **ret_ptr)
{
	void *ptr;
	int fd, error;

	fd = memfd_create("rump-sysproxy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return errno;
	if (ftruncate(fd, (off_t)len) == -1 || fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1)
		goto fail;
	ptr = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
	    fd, 0);
	if (ptr == MAP_FAILED)
		goto fail;
	*ret_fd = fd;
	*ret_ptr = ptr;
	return 0;
fail:
	error = errno;
	(void)close(fd);
	return error;
}

void
rumpuser_spmem_destroy(int fd, void *ptr, size_t len)
{
	(void)munmap(ptr, len);
	(void)close(fd);
}

void
rumpuser_spmem_discard(int fd, size_t off, size_t len)
{
	(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)off, (off_t)len);
}

/* --- turns ------------------------------------------------------------------------ */

/*
 * The words are 64 and 0 bytes from each other's message, and one offset holds
 * for all entries of a list: so each entry is as far from its word as the
 * other.  Hence two entries in the owner, as far apart as the words.
 */
struct turnowner {
	struct robust_list_head to_head;
	struct robust_list	to_entry[9];	/* [0] turn, [8] alive: 64 bytes */
	struct robust_list_head	*to_old;	/* the C library's */
	size_t			to_oldlen;
};
_Static_assert(sizeof(struct turnowner) <= sizeof(struct rumpuser_spowner),
    "struct rumpuser_spowner has room");

int
rumpuser_spturn_own(struct rumpuser_spowner *owner, uint32_t *turn,
    uint32_t *alive, uint32_t *ret_tid)
{
	struct turnowner *to = (struct turnowner *)(void *)owner;
	struct robust_list *t = &to->to_entry[0], *a = &to->to_entry[8];

	if ((char *)alive - (char *)turn != (char *)a - (char *)t)
		return EINVAL;
	to->to_head.list.next = a;
	a->next = t;
	t->next = &to->to_head.list;
	to->to_head.futex_offset = (long)((uintptr_t)turn - (uintptr_t)t);
	to->to_head.list_op_pending = NULL;
	if (syscall(SYS_get_robust_list, 0, &to->to_old, &to->to_oldlen) == -1)
		return errno;
	if (syscall(SYS_set_robust_list, &to->to_head, sizeof(to->to_head)) == -1)
		return errno;
	*ret_tid = (uint32_t)syscall(SYS_gettid);
	return 0;
}

void
rumpuser_spturn_disown(struct rumpuser_spowner *owner)
{
	struct turnowner *to = (struct turnowner *)(void *)owner;

	(void)syscall(SYS_set_robust_list, to->to_old, to->to_oldlen);
}

/* --- bells ------------------------------------------------------------------------ */

void
rumpuser_spbell_ring(int fd)
{
	static const uint64_t one = 1;

	(void)send(fd, &one, sizeof(one), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
rumpuser_event_signal(int fd)
{
	(void)eventfd_write(fd, 1);
}
