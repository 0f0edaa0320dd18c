/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * calls.h - system calls as their man pages describe them, told as text
 *
 * A group is a function that makes calls in an empty directory, and tells each with what it returned.  It knows
 * nothing of what is right: the same program runs on the host and hijacked, and the two texts have to
 * be the same (t_suites.py).  So nothing may be told that two runs on one kernel tell otherwise: no
 * times, inode numbers, or ports.
 */

#ifndef SUITES_CALLS_H
#define SUITES_CALLS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct group {
	const char	*g_name;
	void		(*g_run)(void);
};

extern const struct group names_groups[], file_groups[], attr_groups[], fd_groups[], lock_groups[],
    event_groups[], local_groups[], inet_groups[], option_groups[], limit_groups[];

/* "text = value" or "text = -1 ERRNO"; value is returned. */
long	tell(const char *text, long value, int error);
void	tell_text(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
/* Bytes, as C would write them; at most some 64. */
void	tell_bytes(const char *label, const void *data, size_t len);

#define T(call)	(__extension__ ({						\
	long value_;								\
	errno = 0;								\
	value_ = (long)(call);							\
	tell(#call, value_, errno);						\
}))
/* Only whether it worked: for what is a matter of chance. */
#define T01(call) (__extension__ ({						\
	long value_;								\
	errno = 0;								\
	value_ = (long)(call);							\
	(void)tell(#call, value_ < 0 ? -1 : 0, errno);				\
	value_;									\
}))

/* An address where nothing is, in a way that compilers and analysers do not see. */
extern void *volatile nowhere;
#define NOWHERE	((void *)nowhere)

/* A name of len bytes, all 'x'; of four in turn. */
const char *name_of(size_t len);
/* A new file with size bytes of a pattern. */
void	file_make(const char *name, size_t size);
/* Runs fn in a child and waits; what it tells comes first.  Tells how it ended. */
void	in_child(void (*fn)(void *), void *arg);

#endif /* SUITES_CALLS_H */
