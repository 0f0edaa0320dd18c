/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fdmap.c - which of the program's descriptors are the kernel's
 *
 * Behind every descriptor n of the program that belongs to the kernel the host has a real one of
 * the same number, a placeholder: an eventfd whose counter says who it is.
 *
 *	counter = MAGIC (16 bits) | instance of the kernel (16) | r (32)
 *
 * So everything that only moves numbers -- dup, close-on-exec, the lowest free number, posix_spawn's
 * list of actions -- is done by the host, and we follow.  After an exec the placeholders are found
 * in /proc/self/fdinfo and tell the rest.  A call that slips by us meets an eventfd, never
 * somebody else's data.
 *
 * r is the number in the kernel's own table.  Several n may lead to one r: they are counted, and
 * with the last r is closed.
 */

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include "placeholder.h"

int32_t fdmap_table[HIJACK_NFDS];
static uint32_t nrefs[HIJACK_NFDS];	/* a: of r */
static unsigned int lowest;		/* fdoff= */

void
fdmap_init(unsigned int from)
{
	lowest = from;
}

/* --- references ------------------------------------------------------------------------ */

void
fdmap_add(unsigned long n, int r)
{
	__atomic_add_fetch(&nrefs[r], 1, __ATOMIC_ACQ_REL);
	__atomic_store_n(&fdmap_table[n], r + 1, __ATOMIC_RELEASE);
}

static void
release(int r)
{
	if (__atomic_sub_fetch(&nrefs[r], 1, __ATOMIC_ACQ_REL) == 0) {
		ring_close(r);
		shadow_close(r);
		(void)kernel_syscall(SYS_close, r);
	}
}

void
fdmap_drop(unsigned long n)
{
	int32_t entry = __atomic_exchange_n(&fdmap_table[n], FDMAP_HOST, __ATOMIC_ACQ_REL);

	if (entry > 0)
		release(entry - 1);
	else if (entry <= FDMAP_EPOLL)
		epoll_release(entry);
}

bool
fdmap_swap(unsigned long n, int32_t old, int32_t entry)
{
	return __atomic_compare_exchange_n(&fdmap_table[n], &old, entry, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_RELAXED);
}

void
fdmap_follow(unsigned long to, int32_t entry)
{
	if (to >= HIJACK_NFDS)
		return;
	if (entry > 0) {
		fdmap_add(to, entry - 1);
	} else if (entry <= FDMAP_EPOLL) {
		epoll_hold(entry);
		__atomic_store_n(&fdmap_table[to], entry, __ATOMIC_RELEASE);
	}
}

/* --- placeholders -------------------------------------------------------------------------- */

static long
placeholder(int r, bool cloexec)
{
	uint64_t counter = PLACEHOLDER_MAGIC << 48 | (uint64_t)(unsigned int)r;
	long fd, moved;

	fd = host_syscall(SYS_eventfd2, 0, EFD_NONBLOCK | (cloexec ? EFD_CLOEXEC : 0));
	if (host_failed(fd))
		return fd;
	(void)host_syscall(SYS_write, fd, &counter, sizeof(counter));
	if ((unsigned long)fd >= lowest)
		return fd;
	moved = host_syscall(SYS_fcntl, fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, lowest);
	(void)host_syscall(SYS_close, fd);
	return moved;
}

long
fdmap_room(void)
{
	long fd = host_syscall(SYS_eventfd2, 0, EFD_CLOEXEC);

	return host_failed(fd) ? fd : host_syscall(SYS_close, fd);
}

long
fdmap_new(int r, bool cloexec)
{
	long n;

	if (r < 0 || r >= HIJACK_NFDS) {
		(void)kernel_syscall(SYS_close, r);
		return -EMFILE;
	}
	n = placeholder(r, cloexec);
	if (n >= HIJACK_NFDS) {
		(void)host_syscall(SYS_close, n);
		n = -EMFILE;
	}
	if (host_failed(n))
		(void)kernel_syscall(SYS_close, r);
	else
		fdmap_add((unsigned long)n, r);
	return n;
}

void
fdmap_become(unsigned long n, int r, bool cloexec)
{
	long fd = n < HIJACK_NFDS && r < HIJACK_NFDS ? placeholder(r, true) : -EMFILE;

	if (host_failed(fd) ||
	    host_failed(host_syscall(SYS_dup3, fd, n, cloexec ? O_CLOEXEC : 0)))
		(void)kernel_syscall(SYS_close, r);
	else
		fdmap_add(n, r);
	if (!host_failed(fd))
		(void)host_syscall(SYS_close, fd);
}

long
fdmap_dup(unsigned long n, bool cloexec)
{
	long ret = host_syscall(SYS_fcntl, n, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0);

	if (!host_failed(ret))
		fdmap_follow((unsigned long)ret, fdmap_entry(n));
	return ret;
}

int
fdmap_hide(int fd)
{
	long moved = -EINVAL;

	if (fd < FDMAP_HIDEFROM)
		moved = host_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FDMAP_HIDEFROM);
	if (!host_failed(moved)) {
		(void)host_syscall(SYS_close, fd);
		fd = (int)moved;
	}
	fdmap_mark(fd);
	return fd;
}

void
fdmap_mark(int fd)
{
	if (fd < HIJACK_NFDS)
		__atomic_store_n(&fdmap_table[fd], FDMAP_HIDDEN, __ATOMIC_RELEASE);
}

void
fdmap_unhide(int fd)
{
	if (fd < HIJACK_NFDS)
		__atomic_store_n(&fdmap_table[fd], FDMAP_HOST, __ATOMIC_RELEASE);
}
