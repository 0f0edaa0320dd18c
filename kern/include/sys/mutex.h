/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mutex.h - mutual exclusion
 *
 * One kind only: it spins a bounded while, then gives its vCPU back and
 * parks.  Uncontended enter and exit are one atomic operation each.  Not
 * recursive.  May be held across anything, but STYLE asks for short.
 * A name groups locks into a class for the lock order checks of debug
 * builds; it must be a constant string.
 */

#ifndef SYS_MUTEX_H
#define SYS_MUTEX_H

#include <sys/types.h>

struct lwp;

typedef struct CAPABILITY("mutex") kmutex {
	uint32_t	 m_word;	/* a: 0 free, 1 held, 2 held and awaited */
	struct lwp	*m_owner;	/* written by the owner */
	const char	*m_name;	/* c */
} kmutex_t;

void	mutex_init(kmutex_t *m, const char *name);
void	mutex_destroy(kmutex_t *m);
void	mutex_enter(kmutex_t *m) ACQUIRES(*m);
bool	mutex_tryenter(kmutex_t *m) TRY_ACQUIRES(true, *m);
void	mutex_exit(kmutex_t *m) RELEASES(*m);
bool	mutex_owned(const kmutex_t *m);		/* for assertions */

#endif /* SYS_MUTEX_H */
