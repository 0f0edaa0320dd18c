/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bell.h - telling somebody outside the kernel that a file may be ready
 *
 * A bell is a descriptor of the host that is written to.  All functions take
 * descriptors of the calling proc and may sleep.
 */

#ifndef CORE_BELL_H
#define CORE_BELL_H

#include <sys/types.h>

struct bell;
struct pollfd;

/* ring(fd) never blocks; it is called with locks held. */
int	bell_create(void (*ring)(int fd), int fd, struct bell **ret_bell);
/* The descriptor is the bell's now: gone(fd), once nobody has it any more. */
void	bell_own(struct bell *b, void (*gone)(int fd));
void	bell_hold(struct bell *b);
void	bell_rele(struct bell *b);	/* the last one: it rings no more */

/* Rings whenever r may have become ready.  EBADF, EPERM: r is always ready. */
int	bell_watch(struct bell *b, int r);
void	bell_unwatch(struct bell *b, int r);

/*
 * Polls the client's fds.  *ret: how many are ready; 0: the bell rings when
 * one may be.  Forgets the last time.
 */
int	bell_arm(struct bell *b, struct pollfd *ufds, unsigned int n, long *ret);

#endif /* CORE_BELL_H */
