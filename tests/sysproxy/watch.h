/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * watch.h - what a server holds, as the host sees it, and waiting for it
 */

#ifndef SYSPROXY_WATCH_H
#define SYSPROXY_WATCH_H

#include <stdbool.h>

struct spserver;

/* How many there are: "fd" or "task". */
unsigned int spserver_entries(const struct spserver *ss, const char *what);

/* Kilobytes of memory that are its own. */
long	spserver_memory(const struct spserver *ss);

/* Until it has no more descriptors and threads than these; the limit of the test ends it. */
void	spserver_settle(const struct spserver *ss, unsigned int fds, unsigned int threads);

/*
 * Others run for so long, by the clock: before something happens at any instant.  A count of
 * turns given to others would take the longer, the more others there are.
 */
void	wait_a_while(unsigned int us);

#endif /* SYSPROXY_WATCH_H */
