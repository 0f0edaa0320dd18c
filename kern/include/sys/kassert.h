/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kassert.h - assertions about our own logic, and the end when they fail
 *
 * What an image, a frame, a client or the host can cause is never an
 * assertion.  KASSERT is compiled in with the build option debug_checks;
 * without it the expression is still type-checked but not evaluated.
 */

#ifndef SYS_KASSERT_H
#define SYS_KASSERT_H

#include <sys/cdefs.h>

void	panic(const char *fmt, ...) __printflike(1, 2) __noreturn;
void	kassert_fail(const char *expr, const char *file, int line,
	    const char *func) __noreturn;

#ifdef RUMP_DEBUG
#define KASSERT(e) \
	((void)(likely(e) ? (void)0 : \
	    kassert_fail(#e, __FILE__, __LINE__, __func__)))
#define KASSERTMSG(e, ...) \
	((void)(likely(e) ? (void)0 : panic("assertion " #e ": " __VA_ARGS__)))
#else
#define KASSERT(e)		((void)sizeof((e) ? 1 : 0))
#define KASSERTMSG(e, ...)	((void)sizeof((e) ? 1 : 0))
#endif

#endif /* SYS_KASSERT_H */
