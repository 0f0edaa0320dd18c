/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lwp.h - threads as the kernel sees them
 *
 * An lwp belongs to one proc and is current in at most one host thread.  A
 * host thread that makes its first call gets one in proc 1, kept until the
 * thread ends (or switches to another).  Kernel threads have one in proc 0.
 */

#ifndef SYS_LWP_H
#define SYS_LWP_H

#include <lib/list.h>
#include <sys/types.h>

struct proc;
struct rumpuser_thread;
struct vcpu;

#define LWP_IMPLICIT	0x01	/* made for a host thread; ends with it */
#define LWP_KERNEL	0x02	/* a kernel thread's */
#define LWP_RUNNING	0x04	/* current in some host thread */

/*
 * Field key:	c  constant since creation	o  the owning thread only
 *		a  atomic			p  p_lock of l_proc
 */
struct lwp {
	struct vcpu	*l_cpu;		/* o: the seat, or the one it had last */
	uint32_t	 l_in;		/* a, o: it is inside the kernel, or about to be */
	struct proc	*l_proc;	/* c */
	uint32_t	 l_intr;	/* a: interrupted; see lwp_interrupt() */
	uint32_t	*l_parkword;	/* a: where it sleeps interruptibly */
	unsigned int	 l_flags;	/* p */
	pid_t		 l_lid;		/* c: gettid() */
	struct list_node l_link;	/* p: in p_lwps */
	void		*l_lockdep;	/* o: locks held, debug builds */
	uint32_t	 l_wakes;	/* o: how often it woke somebody by a condvar */
	int64_t		 l_clock;	/* o: what clock_mono() told it last */
	uint64_t	 l_calls;	/* a, o: system calls so far */
	uint32_t	 l_depth;	/* o: symbolic links followed, etc. */
	void		*l_netinput;	/* o: what if_input() has still to do */
	char		 l_name[16];
};

extern _Thread_local struct lwp *curlwp_tls;

static inline struct lwp *
curlwp(void)
{
	return curlwp_tls;
}

/* A new lwp in p, not current anywhere.  ENOMEM, EAGAIN. */
int	lwp_create(struct proc *p, unsigned int flags, struct lwp **ret_l);
void	lwp_destroy(struct lwp *l);

/* Makes l (or none) current in this thread; called outside a vCPU. */
void	lwp_switch_host(struct lwp *l);

/*
 * Ends an interruptible sleep of l, or the next one: the sleeper gets EINTR.
 */
void	lwp_interrupt(struct lwp *l);
bool	lwp_interrupted(struct lwp *l);		/* and clears it */

/*
 * Kernel threads.  fn runs holding a vCPU, as an lwp of proc 0.  A thread
 * made joinable must be joined.
 */
struct kthread;
int	kthread_create(void (*fn)(void *), void *arg, const char *name,
	    struct kthread **ret_kt);
void	kthread_join(struct kthread *kt);

#endif /* SYS_LWP_H */
