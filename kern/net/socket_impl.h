/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_impl.h - what the files of the socket layer share
 */

#ifndef NET_SOCKET_IMPL_H
#define NET_SOCKET_IMPL_H

#include <net/socket.h>
#include <sys/atomic.h>

extern struct netvar socket_wmem_default, socket_rmem_default;
extern struct netvar socket_wmem_max, socket_rmem_max;
extern struct netvar socket_somaxconn, socket_optmem_max;

int	socket_buf_boot(void);

/* The protocol of socket(2)'s three numbers. */
int	sockproto_find(int family, int type, int protocol,
	    const struct sockproto **ret_sp);

/* SOL_SOCKET.  val is the client's pointer. */
int	socket_setopt(struct socket *so, int name, const void *uval, socklen_t len);
int	socket_getopt(struct socket *so, int name, void *uval, int *ulen);

/* send and recv for all callers; sm and its uio are set up. */
int	socket_send(struct socket *so, struct sockmsg *sm, size_t *ret_done);
int	socket_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done);

/* An address in (EINVAL if it is too long), and out as accept(2) and the like do. */
int	sockaddr_copyin(const void *uaddr, socklen_t len,
	    struct sockaddr_storage *ss);
int	sockaddr_copyout(const struct sockaddr_storage *ss, socklen_t len,
	    void *uaddr, int *ulen);

/* Receive: the control data that cmsg_put() collected. */
void	sockmsg_fini(struct sockmsg *sm);

static inline bool
socket_option(const struct socket *so, uint32_t bit)
{
	return (atomic_load(&so->so_options) & bit) != 0;
}

#endif /* NET_SOCKET_IMPL_H */
