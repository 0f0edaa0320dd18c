/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cdefs.h - what every kernel file may say about its code to the compiler
 *
 * The lock annotations (CAPABILITY ... NO_THREAD_SAFETY) are verified by
 * clang -Wthread-safety and vanish elsewhere.
 */

#ifndef SYS_CDEFS_H
#define SYS_CDEFS_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define __unused_arg	__attribute__((__unused__))
#define __noreturn	__attribute__((__noreturn__))
#define __noinline	__attribute__((__noinline__))
#define __printflike(fmt, args)	__attribute__((__format__(__printf__, fmt, args)))
#define __mustcheck	__attribute__((__warn_unused_result__))
#define __aligned_to(n)	__attribute__((__aligned__(n)))

/* The size at which two CPUs no longer disturb each other. */
#define CACHE_LINE	64

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(PAGE_SIZE - 1)

/* The object of which ptr is the given member. */
#define container_of(ptr, type, member) \
	((type *)((__UINTPTR_TYPE__)(ptr) - __builtin_offsetof(type, member)))

#if defined(__clang__)
#define THREAD_ANNOTATION(x)	__attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(x)		THREAD_ANNOTATION(capability(x))
#define GUARDED_BY(x)		THREAD_ANNOTATION(guarded_by(x))
#define REQUIRES(...)		THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...)	THREAD_ANNOTATION(requires_shared_capability(__VA_ARGS__))
#define ACQUIRES(...)		THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define ACQUIRES_SHARED(...)	THREAD_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
#define TRY_ACQUIRES(...)	THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRES_SHARED(...) THREAD_ANNOTATION(try_acquire_shared_capability(__VA_ARGS__))
#define RELEASES(...)		THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define RELEASES_ANY(...)	THREAD_ANNOTATION(release_generic_capability(__VA_ARGS__))
#define EXCLUDES(...)		THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY	THREAD_ANNOTATION(no_thread_safety_analysis)

#endif /* SYS_CDEFS_H */
