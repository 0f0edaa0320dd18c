/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * raw.h - clients that speak the protocol by themselves
 *
 * They do what a test tells them, right or wrong.  Their memory is that of the test.
 */

#ifndef SYSPROXY_RAW_H
#define SYSPROXY_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proto/sysproxy.h>

#include "start.h"

struct rawclient {
	int		 rc_fd;
	struct sp_region *rc_region;
	struct sp_slot	*rc_slot;
	uint8_t		*rc_area;
	uint32_t	 rc_tid;
	const void	*rc_memory;	/* all that there is; NULL: whatever is asked for */
	size_t		 rc_memsize;
};

int	raw_connect(const struct spserver *ss);		/* a socket */
void	hello_good(struct sp_hello *h);
/* What the server says to a hello; *ret_memfd (or NULL) what came along. */
int	hello_say(int fd, const struct sp_hello *h, int *ret_memfd);

void	raw_open(const struct spserver *ss, struct rawclient *rc);	/* with a slot */
void	raw_close(struct rawclient *rc);
void	raw_give(struct rawclient *rc);			/* the turn */
/* Until it is ours again; false: the server has gone. */
bool	raw_wait(struct rawclient *rc);

/* Begins a call without any segments; the server will ask. */
void	raw_call(struct rawclient *rc, unsigned int nr, unsigned long a,
	    unsigned long b, unsigned long c, unsigned long d);
/* Answers what the server asks for; false: it has replied. */
bool	raw_answer(struct rawclient *rc);
/* Both until the end: a result, or -errno. */
long	raw_syscall(struct rawclient *rc, unsigned int nr, unsigned long a,
	    unsigned long b, unsigned long c, unsigned long d);

/* An honest client in a process of its own is served, within seconds. */
bool	honest_does(const struct spserver *ss, bool (*fn)(void *), void *arg);
void	honest(const struct spserver *ss);

#endif /* SYSPROXY_RAW_H */
