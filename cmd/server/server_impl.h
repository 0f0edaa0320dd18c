/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_impl.h - between the parts of a running server
 */

#ifndef RUMP_SERVER_IMPL_H
#define RUMP_SERVER_IMPL_H

#include "place.h"
#include "server.h"

extern struct place server_place;	/* pl_dirfd -1: it has none */
extern double server_started;		/* net_seconds() */

/* The pipe of --log=syslog, or -1, and one look at it. */
int	server_log_fd(void);
void	server_log_pass(void);

/* Bytes that are this process's alone, and resident ones. */
struct server_memory {
	uint64_t	sm_private, sm_resident;
};
void	server_memory_open(void);
bool	server_memory(struct server_memory *ret_sm);

/* "trace [PID]" of the control socket: takes over the descriptor. */
void	server_trace(int fd, const char *words);

#endif /* RUMP_SERVER_IMPL_H */
