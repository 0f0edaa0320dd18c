/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockdep.h - lock order checks of debug builds (lockdep.c); free otherwise
 *
 * Locks of one name are one class.  A thread that takes b while it holds a
 * establishes "a before b"; the opposite, through however many steps, is a
 * panic the first time it is seen, whether or not it would have hung.  Two locks of
 * one class say nothing about order: their own rules are in their headers.
 */

#ifndef CORE_LOCKDEP_H
#define CORE_LOCKDEP_H

#include <sys/types.h>

struct lwp;

#ifdef RUMP_DEBUG
void	lockdep_before(const void *lock, const char *name);
void	lockdep_acquired(const void *lock, const char *name);
void	lockdep_released(const void *lock);
/* Panics if the current lwp holds a lock: at the end of a system call. */
void	lockdep_none_held(const struct lwp *l);
void	lockdep_free(struct lwp *l);
#else
static inline void
lockdep_before(const void *lock __unused_arg, const char *name __unused_arg)
{
}

static inline void
lockdep_acquired(const void *lock __unused_arg, const char *name __unused_arg)
{
}

static inline void
lockdep_released(const void *lock __unused_arg)
{
}

static inline void
lockdep_none_held(const struct lwp *l __unused_arg)
{
}

static inline void
lockdep_free(struct lwp *l __unused_arg)
{
}
#endif

#endif /* CORE_LOCKDEP_H */
