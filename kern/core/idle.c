/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * idle.c - waits that drive what they wait for
 *
 * The core knows one faction that can be driven; it registers at boot, before
 * there are clients.  Without it such a wait is like any other.
 *
 * A waker changes the word first and calls idle_kick() then; a driver that
 * is about to sleep elsewhere announces itself first and looks at the word
 * then.  Both steps are sequentially consistent, so one of them sees the other.
 */

#include <sys/idle.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/vcpu.h>

#include "idle_impl.h"

const struct idle_ops *idle_ops;

void
idle_register(const struct idle_ops *ops)
{
	KASSERT(idle_ops == NULL);
	atomic_store_rel(&idle_ops, ops);
}

int
idle_sleep(uint32_t *word, uint32_t *parked, uint32_t expected,
    int64_t deadline)
{
	int error;

	__atomic_fetch_add(parked, 1, __ATOMIC_SEQ_CST);
	vcpu_block_begin();
	error = rumpuser_park(word, expected, RUMPUSER_PARK_INTR, deadline);
	vcpu_block_end();
	atomic_sub(parked, 1);
	return error == ETIMEDOUT || error == EINTR ? error : 0;
}

int
idle_park(uint32_t *word, uint32_t *parked, uint32_t expected,
    int64_t deadline)
{
	const struct idle_ops *ops = atomic_load_acq(&idle_ops);

	if (ops != NULL)
		return ops->io_park(word, parked, expected, deadline);
	return idle_sleep(word, parked, expected, deadline);
}

void
idle_poll(void)
{
	const struct idle_ops *ops = atomic_load_acq(&idle_ops);

	if (ops != NULL)
		ops->io_poll();
}
