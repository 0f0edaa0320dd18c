/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * idle.h - something useful to do before a thread sleeps
 *
 * A thread that waits for a socket, in recv(2) or poll(2) or epoll_wait(2),
 * may as well look after the network card itself: then a frame costs no
 * thread switch.  The faction that can be driven so installs an idle_ops; waits
 * that may depend on it use the cv_..._idle() forms.
 */

#ifndef SYS_IDLE_H
#define SYS_IDLE_H

#include <sys/condvar.h>
#include <sys/types.h>

struct idle_ops {
	/*
	 * In place of parking on word: returns when *word != expected (0), at
	 * the deadline (ETIMEDOUT), or when a host signal came (EINTR).  Only
	 * while it sleeps on word itself it counts in *parked.  In kernel
	 * context, no locks held.
	 */
	int	(*io_park)(uint32_t *word, uint32_t *parked, uint32_t expected,
		    int64_t deadline);
	/* *word changed: whoever sleeps elsewhere for it must look.  Cheap. */
	void	(*io_kick)(uint32_t *word);
	/* For who looks and does not want to wait.  No locks held. */
	void	(*io_poll)(void);
};

void	idle_register(const struct idle_ops *ops);	/* at boot; one only */

/* Drives once, if there is what can be driven.  No locks held. */
void	idle_poll(void);

/* The plain way: counts in *parked and sleeps on word.  EINTR, ETIMEDOUT, 0. */
int	idle_sleep(uint32_t *word, uint32_t *parked, uint32_t expected,
	    int64_t deadline);

/* As cv_timedwait_sig(), driving what can be driven. */
int	cv_timedwait_sig_idle(kcondvar_t *cv, kmutex_t *m, int64_t deadline) REQUIRES(*m);

#endif /* SYS_IDLE_H */
