/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fasync.h - signals that tell of a file's events (fcntl(2), F_SETOWN and O_ASYNC)
 */

#ifndef SYS_FASYNC_H
#define SYS_FASYNC_H

#include <sys/types.h>

struct file;
struct proc;

/* O_ASYNC on or off, by way of descriptor fd.  ENOTTY: no such file ever tells.  ENOMEM. */
int	fasync_set(struct file *fp, int fd, bool on);
/* Who is told: F_OWNER_*; 0: nobody.  ESRCH, ENOMEM. */
int	fasync_setowner(struct file *fp, int type, pid_t id);
/* Whom an owner's number means; referenced, or NULL. */
struct proc *fasync_proc(pid_t id);
/* The last reference is gone: by who closes it. */
void	fasync_gone(struct file *fp);

#endif /* SYS_FASYNC_H */
