/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * atomic.h - atomic access, spelled so that the ordering is in the name
 *
 * Thin names over the compiler's __atomic built-ins: the operand is any
 * integer or pointer object.  Without a suffix an operation orders nothing
 * (relaxed); _acq, _rel and _ar (both) say what they order.
 */

#ifndef SYS_ATOMIC_H
#define SYS_ATOMIC_H

#define atomic_load(p)		__atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_acq(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_rel(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)

#define atomic_swap_ar(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define atomic_swap_rel(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_RELEASE)

/* bool; *oldp is replaced by what was found when it fails. */
#define atomic_cas_acq(p, oldp, v) __atomic_compare_exchange_n((p), (oldp), \
	    (v), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define atomic_cas_ar(p, oldp, v) __atomic_compare_exchange_n((p), (oldp), \
	    (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* These return the value before the change. */
#define atomic_add(p, v)	__atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define atomic_sub(p, v)	__atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define atomic_sub_rel(p, v)	__atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
#define atomic_sub_ar(p, v)	__atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define atomic_or(p, v)		__atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define atomic_or_ar(p, v)	__atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_and(p, v)	__atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define atomic_and_ar(p, v)	__atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)

#define atomic_fence_acq()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define atomic_fence_rel()	__atomic_thread_fence(__ATOMIC_RELEASE)
#define atomic_fence_seq()	__atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void
cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield" ::: "memory");
#endif
}

/*
 * Asks for a line to write to it.  Not __builtin_prefetch(): without options that not each
 * x86-64 has, compilers make a prefetch for reading of it, and the write has to ask once
 * more.  Processors that do not know the instruction pass over it.
 */
static inline void
cpu_prefetchw(const void *line)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

#endif /* SYS_ATOMIC_H */
