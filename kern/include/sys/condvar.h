/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * condvar.h - condition variables, counting semaphores and one-time actions
 *
 * Deadlines are absolute times of clock_mono(); KTIME_NEVER waits for ever.
 * The _sig variants end with EINTR when the lwp is interrupted (lwp_interrupt,
 * or a host signal that reached the thread).  Wake-ups may be spurious: wait
 * in a loop.
 */

#ifndef SYS_CONDVAR_H
#define SYS_CONDVAR_H

#include <sys/mutex.h>
#include <sys/types.h>

typedef struct kcondvar {
	uint32_t	 cv_seq;	/* a: changes with each wake-up */
	uint32_t	 cv_waiters;	/* a: want to see cv_seq change */
	uint32_t	 cv_parked;	/* a: of them asleep in the host */
	const char	*cv_name;	/* c */
} kcondvar_t;

void	cv_init(kcondvar_t *cv, const char *name);
void	cv_destroy(kcondvar_t *cv);
void	cv_wait(kcondvar_t *cv, kmutex_t *m) REQUIRES(*m);
int	cv_wait_sig(kcondvar_t *cv, kmutex_t *m) REQUIRES(*m);
int	cv_timedwait(kcondvar_t *cv, kmutex_t *m, int64_t deadline) REQUIRES(*m);
int	cv_timedwait_sig(kcondvar_t *cv, kmutex_t *m, int64_t deadline) REQUIRES(*m);
void	cv_signal(kcondvar_t *cv);
void	cv_broadcast(kcondvar_t *cv);

typedef struct ksema {
	uint32_t	 s_count;	/* a */
	uint32_t	 s_waiters;	/* a */
	const char	*s_name;	/* c */
} ksema_t;

void	sema_init(ksema_t *s, unsigned int count, const char *name);
void	sema_destroy(ksema_t *s);
void	sema_wait(ksema_t *s);
bool	sema_trywait(ksema_t *s);
void	sema_post(ksema_t *s);

/* once_run() runs fn exactly once; others wait; its error is everybody's. */
typedef struct konce {
	uint32_t	 o_state;	/* a: 0 new, 1 running, 2 done */
	int		 o_error;
} konce_t;

#define ONCE_INITIALIZER	{ 0, 0 }

int	once_run(konce_t *o, int (*fn)(void));

#endif /* SYS_CONDVAR_H */
