/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rwlock.h - many readers or one writer
 *
 * Writers that wait keep new readers out.  Not recursive, in either mode.
 */

#ifndef SYS_RWLOCK_H
#define SYS_RWLOCK_H

#include <sys/types.h>

struct lwp;

typedef struct CAPABILITY("rwlock") krwlock {
	uint32_t	 rw_word;	/* a: readers, or the writer bit; waiters */
	uint32_t	 rw_wait;	/* a: parking word of those who wait */
	struct lwp	*rw_owner;	/* the writer, or NULL */
	const char	*rw_name;	/* c */
} krwlock_t;

void	rw_init(krwlock_t *rw, const char *name);
void	rw_destroy(krwlock_t *rw);
void	rw_read_enter(krwlock_t *rw) ACQUIRES_SHARED(*rw);
void	rw_write_enter(krwlock_t *rw) ACQUIRES(*rw);
bool	rw_read_tryenter(krwlock_t *rw) TRY_ACQUIRES_SHARED(true, *rw);
bool	rw_write_tryenter(krwlock_t *rw) TRY_ACQUIRES(true, *rw);
void	rw_exit(krwlock_t *rw) RELEASES_ANY(*rw);	/* either mode */
bool	rw_tryupgrade(krwlock_t *rw) NO_THREAD_SAFETY;
void	rw_downgrade(krwlock_t *rw) NO_THREAD_SAFETY;
bool	rw_write_held(const krwlock_t *rw);	/* by the caller */
bool	rw_held(const krwlock_t *rw);		/* by anybody */

#endif /* SYS_RWLOCK_H */
