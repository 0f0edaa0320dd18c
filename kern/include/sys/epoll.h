/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * epoll.h - what the rest of the core tells epoll
 */

#ifndef SYS_EPOLL_H
#define SYS_EPOLL_H

struct file;

/*
 * The last reference of fp is gone: takes it off all interest lists.  When it
 * returns no epoll looks at fp any more.  May sleep.
 */
void	epoll_file_gone(struct file *fp);

#endif /* SYS_EPOLL_H */
