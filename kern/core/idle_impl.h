/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * idle_impl.h - between the waiting primitives and idle.c
 */

#ifndef IDLE_IMPL_H
#define IDLE_IMPL_H

#include <sys/idle.h>

extern const struct idle_ops *idle_ops;

/* Parks on word, interruptibly, or drives.  No locks held, in kernel context. */
int	idle_park(uint32_t *word, uint32_t *parked, uint32_t expected,
	    int64_t deadline);

/* After *word was changed (sequentially consistent) and its sleepers unparked. */
static inline void
idle_kick(uint32_t *word)
{
	const struct idle_ops *ops = __atomic_load_n(&idle_ops, __ATOMIC_ACQUIRE);

	if (ops != NULL)
		ops->io_kick(word);
}

#endif /* IDLE_IMPL_H */
