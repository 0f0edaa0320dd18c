/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * memory.c - the memory of the program whose call is under way
 *
 * It is copied by process_vm_readv(2), straight between it and where it is needed.  A process
 * may be gone, and its number another's, by the time it is read: so the call is asked for
 * afterwards, and what was read of the wrong one is not used.
 *
 * References: process_vm_readv(2), seccomp_unotify(2).
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <rump/rumpclient.h>

#include "supervisor.h"

#define PAGE	4096UL

static bool
ours(unsigned long addr)
{
	return visit == NULL || visit->v_own || memory_ours(addr);
}

bool
mem_read(void *to, unsigned long from, size_t len)
{
	struct iovec here = { to, len }, there = { (void *)from, len };

	if (ours(from)) {
		memcpy(to, (const void *)from, len);
		return true;
	}
	return len == 0 || host_syscall(SYS_process_vm_readv, visit->v_call.pid, &here, 1, &there, 1,
	    0) == (long)len;
}

/* Which pages a program has been writable at lately; to be wrong costs nothing but an EFAULT that is late. */
static unsigned long *
page_of(unsigned long addr)
{
	unsigned long *page = visit->v_target->t_writable;

	return &page[addr / PAGE % (sizeof(visit->v_target->t_writable) / sizeof(*page))];
}

/* All bits of the offset, so that no page is 0, which says nothing. */
static void
page_note(unsigned long addr)
{
	__atomic_store_n(page_of(addr), addr | (PAGE - 1), __ATOMIC_RELAXED);
}

bool
mem_write(unsigned long to, const void *from, size_t len)
{
	union { const void *c; void *m; } src = { .c = from };
	struct iovec here = { src.m, len }, there = { (void *)to, len };

	if (ours(to)) {
		memcpy((void *)to, from, len);
		return true;
	}
	if (len == 0)
		return true;
	if (!visit_valid(visit) || host_syscall(SYS_process_vm_writev, visit->v_call.pid, &here, 1,
	    &there, 1, 0) != (long)len)
		return false;
	page_note(to);
	return true;
}

/* The host has no question for it but to write what is there. */
static bool
touch(unsigned long addr)
{
	uint8_t byte;

	if (ours(addr) || __atomic_load_n(page_of(addr), __ATOMIC_RELAXED) == (addr | (PAGE - 1)))
		return true;
	return mem_read(&byte, addr, 1) && mem_write(addr, &byte, 1);
}

/* Up to the end of a page each time: what lies behind may not be there. */
static long
string_of_target(char *to, unsigned long from, size_t size)
{
	size_t done = 0, n;
	char *end;

	while (done < size) {
		n = PAGE - ((from + done) & (PAGE - 1));
		if (n > 256 && done == 0)
			n = 256;	/* most are short */
		if (n > size - done)
			n = size - done;
		if (!mem_read(to + done, from + done, n))
			return -EFAULT;
		end = memchr(to + done, '\0', n);
		if (end != NULL)
			return end - to;
		done += n;
	}
	return -ENAMETOOLONG;
}

long
mem_string(char *to, unsigned long from, size_t size)
{
	size_t len;

	if (!ours(from))
		return string_of_target(to, from, size);
	len = strnlen((const char *)from, size);
	if (len == size)
		return -ENAMETOOLONG;
	memcpy(to, (const void *)from, len + 1);
	return (long)len;
}

void *
mem_get(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

void
mem_put(void *mem, size_t len)
{
	(void)munmap(mem, len);
}

/* --- for the client library ------------------------------------------------------------ */

static int
client_read(void *to, uint64_t from, size_t len)
{
	return mem_read(to, from, len) ? 0 : EFAULT;
}

static int
client_write(uint64_t to, const void *from, size_t len)
{
	return mem_write(to, from, len) ? 0 : EFAULT;
}

static int
client_string(char *to, uint64_t from, size_t max, size_t *ret_len)
{
	long len = mem_string(to, from, max);

	if (len < 0)
		return (int)-len;
	*ret_len = (size_t)len + 1;
	return 0;
}

/* Nobody but the program itself can give it memory. */
static int
client_map(uint64_t len, uint64_t *ret_addr)
{
	return ENOMEM;
}

static int
client_touch(uint64_t addr)
{
	return touch(addr) ? 0 : EFAULT;
}

static void
client_signal(uint64_t set)
{
	if (visit == NULL)
		return;
	for (long signo = 1; signo <= 64; signo++) {
		if (set >> (signo - 1) & 1)
			(void)host_syscall(SYS_tgkill, visit->v_target->t_pid, visit->v_call.pid,
			    signo);
	}
}

static const struct rumpclient_memory memory = {
	.rm_read = client_read,
	.rm_write = client_write,
	.rm_string = client_string,
	.rm_map = client_map,
	.rm_touch = client_touch,
	.rm_signal = client_signal,
};

int
memory_start(void)
{
	rumpclient_setmemory(&memory);
	return 0;
}
