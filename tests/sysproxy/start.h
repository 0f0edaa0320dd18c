/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * start.h - servers for the tests of clients
 */

#ifndef SYSPROXY_START_H
#define SYSPROXY_START_H

#include <sys/types.h>

struct spserver {
	pid_t	 ss_pid;
	int	 ss_stdin;		/* closing it ends the server */
	char	 ss_url[64];
};

/* A server of its own for this test, at an abstract socket. */
void	spserver_start(struct spserver *ss);
void	spserver_start_with(struct spserver *ss, const char *set);	/* "VARIABLE=VALUE" */
/* The same at a given URL. */
void	spserver_start_at(struct spserver *ss, const char *url);
/* Orderly: its exit status. */
int	spserver_stop(struct spserver *ss);
void	spserver_kill(struct spserver *ss);

#endif /* SYSPROXY_START_H */
