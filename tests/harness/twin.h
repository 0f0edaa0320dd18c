/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * twin.h - the same system calls on our kernel and on the host's
 *
 * A script is a function that makes calls through a struct twin.  It is run
 * twice, with either kernel behind it, and every result is written down; the
 * two records must be equal.  Descriptors are recorded as "one" or an error,
 * since their numbers differ.
 */

#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include <stdbool.h>
#include <stddef.h>

#define TWIN_MAX	16384

struct twin {
	bool		 tw_host;	/* the host's kernel is behind it */
	const char	*tw_about;	/* what the next results belong to */
	size_t		 tw_n;
	struct {
		const char *label, *about;
		long	 value;
	}		 tw_log[TWIN_MAX];
};

/* A raw call: the result or -errno, not recorded. */
long	twin_raw(struct twin *tw, long nr, const unsigned long args[6]);

/* Records a result, or something else that must be the same. */
long	twin_note(struct twin *tw, const char *label, long value);

#define TWIN_ARGS(...)	((const unsigned long [6]){ __VA_ARGS__ })
#define A(x)		((unsigned long)(x))

/* A call whose result is recorded, and one that makes a descriptor. */
#define CALL(tw, name, ...) \
	twin_note((tw), #name "(" #__VA_ARGS__ ")", \
	    twin_raw((tw), SYS_##name, TWIN_ARGS(__VA_ARGS__)))
#define FD(tw, name, ...) \
	twin_fd((tw), #name "(" #__VA_ARGS__ ")", \
	    twin_raw((tw), SYS_##name, TWIN_ARGS(__VA_ARGS__)))
int	twin_fd(struct twin *tw, const char *label, long value);

/* Runs the script on both and compares. */
void	twin_run(void (*script)(struct twin *));

#endif /* TESTS_TWIN_H */
