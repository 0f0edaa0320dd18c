/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * log.h - the console
 *
 * One call is one line (the newline is added).  RUMP_VERBOSE sets how much
 * is shown: unset or 0 shows LOG_WARNING and worse, 1 LOG_INFO, 2 LOG_DEBUG;
 * -1 shows LOG_ERR and worse only.
 * Callable with locks held and before boot.
 */

#ifndef SYS_LOG_H
#define SYS_LOG_H

#include <stdarg.h>

#include <sys/types.h>

enum log_level { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern int log_threshold;

void	log_printf(enum log_level level, const char *fmt, ...) __printflike(2, 3);

/*
 * For what hostile input can cause again and again: at most burst lines per
 * ten seconds from one struct, then one line that says how many were dropped.
 */
struct log_limit {
	int64_t		 ll_since;
	unsigned int	 ll_count;
	unsigned int	 ll_dropped;
};
bool	log_allowed(struct log_limit *ll, unsigned int burst);

#endif /* SYS_LOG_H */
