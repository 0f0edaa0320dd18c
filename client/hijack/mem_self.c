/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mem_self.c - the program's memory, where the program is this process
 */

#include "hijack.h"

#include <errno.h>
#include <sys/mman.h>

bool
mem_read(void *to, unsigned long from, size_t len)
{
	if (from < 4096 && len > 0)
		return false;
	mem_copy(to, (const void *)from, len);
	return true;
}

bool
mem_write(unsigned long to, const void *from, size_t len)
{
	if (to < 4096 && len > 0)
		return false;
	mem_copy((void *)to, from, len);
	return true;
}

long
mem_string(char *to, unsigned long from, size_t size)
{
	if (from < 4096)
		return -EFAULT;
	for (size_t i = 0; i < size; i++) {
		to[i] = ((const char *)from)[i];
		if (to[i] == '\0')
			return (long)i;
	}
	return -ENAMETOOLONG;
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
