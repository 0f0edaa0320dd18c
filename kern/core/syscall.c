/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * syscall.c - how a call comes into the kernel
 *
 * The way of a local call, which is worth a few nanoseconds and no more: the
 * lwp from a thread-local variable, the vCPU it used last by one
 * compare-and-swap, the handler from a table, and the vCPU back by another.
 */

#include <sys/syscall.h>

#include <stdarg.h>

#include <abi/sysargs.h>
#include <rump/rump.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kcontext.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/systrace.h>

#include "lockdep.h"
#include "proc_impl.h"
#include "vcpu_impl.h"

static sysent_fn *sysent[SYSCALL_MAX];		/* NULL: ENOSYS */

void
syscall_register(const struct sysent_desc *desc, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (desc[i].sd_fn == NULL)
			continue;
		KASSERT(desc[i].sd_nr < SYSCALL_MAX);
		atomic_store_rel(&sysent[desc[i].sd_nr], desc[i].sd_fn);
	}
}

static inline int
syscall_call(struct lwp *l, unsigned int nr, const unsigned long *args,
    long *ret)
{
	sysent_fn *fn;
	int error;

	fn = likely(nr < SYSCALL_MAX) ? atomic_load(&sysent[nr]) : NULL;
	*ret = 0;
	error = likely(fn != NULL) ? fn(l, args, ret) : ENOSYS;
	if (unlikely(error == ERESTART))
		error = EINTR;
	lockdep_none_held(l);
	return error;
}

/* Apart, so that the line under way costs stack only when it is wanted. */
static int __noinline
syscall_traced(struct lwp *l, unsigned int nr, const unsigned long *args,
    long *ret)
{
	struct systrace st;
	int error;

	systrace_enter(&st, l, nr, args);
	error = syscall_call(l, nr, args, ret);
	systrace_exit(&st, error, *ret);
	return error;
}

int
syscall_dispatch(struct lwp *l, unsigned int nr, const unsigned long *args,
    long *ret)
{
	l->l_cpu->vc_syscalls++;
	atomic_store(&l->l_calls, l->l_calls + 1);
	if (unlikely(atomic_load(&systrace_on)))
		return syscall_traced(l, nr, args, ret);
	return syscall_call(l, nr, args, ret);
}

long
rump_syscall_args(unsigned int nr, const unsigned long args[SYSCALL_NARGS])
{
	struct lwp *l = curlwp();
	long ret;
	int error;

	if (unlikely(l == NULL)) {
		l = lwp_implicit();
		if (l == NULL)
			return proc_local() == NULL ? -ENXIO : -ENOMEM;
	}
	vcpu_take(l);
	error = syscall_dispatch(l, nr, args, &ret);
	vcpu_exit(l);
	return unlikely(error != 0) ? -error : ret;
}

long
rump_syscall(unsigned int nr, ...)
{
	unsigned long args[SYSCALL_NARGS];
	va_list ap;

	va_start(ap, nr);
	for (unsigned int i = 0; i < SYSCALL_NARGS; i++)
		args[i] = va_arg(ap, unsigned long);
	va_end(ap);
	return rump_syscall_args(nr, args);
}

int
kcontext_enter(void)
{
	struct lwp *l = curlwp();

	if (l == NULL) {
		l = lwp_implicit();
		if (l == NULL)
			return proc_local() == NULL ? ENXIO : ENOMEM;
	}
	vcpu_take(l);
	return 0;
}

void
kcontext_leave(void)
{
	lockdep_none_held(curlwp());
	vcpu_exit(curlwp());
}

void
rump_schedule(void)
{
	if (kcontext_enter() != 0)
		panic("rump_schedule: no kernel, or no memory for an lwp");
}

void
rump_unschedule(void)
{
	kcontext_leave();
}
