/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * membarrier.c - a barrier for all threads of the process: membarrier(2)
 *
 * The process has to register once.  That is quick as long as it has one
 * thread, and takes the kernel a grace period later; hence at the first
 * call, which a kernel makes while it boots.
 */

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <rump/rumpuser.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int registered;

static void
membarrier_register(void)
{
	registered = syscall(SYS_membarrier,
	    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

int
rumpuser_membarrier(void)
{
	(void)pthread_once(&once, membarrier_register);
	if (!registered || syscall(SYS_membarrier,
	    MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		return ENOSYS;
	return 0;
}
