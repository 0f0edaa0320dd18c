/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_host.h - sockets of the host
 *
 * Structures and numbers are Linux's on both sides, so they pass as they are:
 * addresses, messages' control data, options.  Results are 0 or a positive
 * errno.  Only rumpcomp_sockin_wait() blocks.
 */

#ifndef SOCKIN_HOST_H
#define SOCKIN_HOST_H

#include <stddef.h>
#include <stdint.h>

/* A message on its way: as struct msghdr, with one piece of data. */
struct sockin_msg {
	void		*im_name;	/* NULL: none */
	uint32_t	 im_namelen;	/* in: room or length; out: length */
	void		*im_data;
	size_t		 im_len;
	void		*im_control;
	size_t		 im_controllen;
	int		 im_flags;	/* in: MSG_*; out, receiving: msg_flags */
};

int	rumpcomp_sockin_socket(int family, int type, int protocol, int *ret_fd);
void	rumpcomp_sockin_close(int fd);
int	rumpcomp_sockin_bind(int fd, const void *addr, uint32_t len);
int	rumpcomp_sockin_listen(int fd, int backlog);
int	rumpcomp_sockin_connect(int fd, const void *addr, uint32_t len);
int	rumpcomp_sockin_accept(int fd, int *ret_fd);
int	rumpcomp_sockin_shutdown(int fd, int how);
int	rumpcomp_sockin_name(int fd, int peer, void *addr, uint32_t *len);
int	rumpcomp_sockin_send(int fd, const struct sockin_msg *im, size_t *ret_done);
int	rumpcomp_sockin_recv(int fd, struct sockin_msg *im, size_t *ret_done);
int	rumpcomp_sockin_setopt(int fd, int level, int name, const void *val,
	    uint32_t len);
int	rumpcomp_sockin_getopt(int fd, int level, int name, void *val,
	    uint32_t *len);
/* Of those that give back an int. */
int	rumpcomp_sockin_ioctl(int fd, unsigned long cmd, int *ret_val);

/* POLL* of this moment. */
uint32_t rumpcomp_sockin_poll(int fd);

/* --- events ---------------------------------------------------------------- */

/* All sockets' changes come out of one place, each with the id it was given. */
int	rumpcomp_sockin_events(int *ret_events);
int	rumpcomp_sockin_watch(int events, int fd, uint64_t id);

/*
 * Blocks until something has changed: ids and POLL* of at most max sockets,
 * in *ret_n.  0 of them: rumpcomp_sockin_stop() was called.
 */
struct sockin_event {
	uint64_t	ie_id;
	uint32_t	ie_events;
};
int	rumpcomp_sockin_wait(int events, struct sockin_event *ev, unsigned int max,
	    unsigned int *ret_n);
void	rumpcomp_sockin_stop(int events);

#endif /* SOCKIN_HOST_H */
