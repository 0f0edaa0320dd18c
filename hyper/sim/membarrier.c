/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * membarrier.c - a barrier for all threads: there is only ever one running,
 * and passing the baton orders everything
 */

#include <rump/rumpuser.h>

#include "sim_impl.h"

int
rumpuser_membarrier(void)
{
	(void)sim_self();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return 0;
}
