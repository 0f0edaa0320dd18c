/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mem_self.c - the program's memory, where the program is this process
 */

#include "hijack.h"

#include <errno.h>
#include <sys/mman.h>
#include <ucontext.h>

/*
 * A bad address is found by touching it: the handler of signal.c asks mem_fault(), and the
 * routine returns.
 */
bool
mem_read(void *to, unsigned long from, size_t len)
{
	return hijack_copy(to, (const void *)from, len) == 0;
}

bool
mem_write(unsigned long to, const void *from, size_t len)
{
	return hijack_copy((void *)to, from, len) == 0;
}

long
mem_string(char *to, unsigned long from, size_t size)
{
	long len = hijack_copystr(to, (const char *)from, size);

	return len == -1 ? -EFAULT : len == -2 ? -ENAMETOOLONG : len;
}

bool
mem_fault(void *ucontext)
{
	ucontext_t *uc = ucontext;
	uintptr_t pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];

	if (pc < (uintptr_t)hijack_copy_begin || pc >= (uintptr_t)hijack_copy_end)
		return false;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)hijack_copy_fault;
	return true;
}

void *
mem_get(size_t len)
{
	long mem = host_syscall(SYS_mmap, 0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);

	return host_failed(mem) ? NULL : (void *)mem;
}

void
mem_put(void *mem, size_t len)
{
	(void)host_syscall(SYS_munmap, mem, len);
}
