/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * diag_impl.h - NETLINK_SOCK_DIAG: what ss(8) asks
 */

#ifndef NETLINK_DIAG_IMPL_H
#define NETLINK_DIAG_IMPL_H

#include <linux/inet_diag.h>
#include <sys/types.h>

#include "netlink_impl.h"

/* What a filter of ss looks at; ports in host order, addresses as on the wire. */
struct diag_entry {
	int		 de_family;
	uint16_t	 de_sport, de_dport;
	uint8_t		 de_src[16], de_dst[16];
	uint32_t	 de_ifindex;
	uint32_t	 de_mark;
	bool		 de_autoport;	/* nobody asked for this port */
};

/* INET_DIAG_REQ_BYTECODE (diagbc_wire.c).  EINVAL. */
int	diagbc_check(const uint8_t *code, size_t len);
bool	diagbc_match(const uint8_t *code, size_t len, const struct diag_entry *de);

/* What struct nlreq holds, by family. */
int	diag_inet(struct nlreq *nr);
int	diag_inet_old(struct nlreq *nr);	/* TCPDIAG_GETSOCK */
int	diag_inet_destroy(struct nlreq *nr);	/* SOCK_DESTROY */
int	diag_unix(struct nlreq *nr);
int	diag_netlink(struct nlreq *nr);
int	diag_packet(struct nlreq *nr);

/* INET_DIAG_SKMEMINFO and its like: the account of a socket. */
void	diag_meminfo_put(struct nlbuf *nb, uint16_t type, struct socket *so);
uint8_t	diag_shutdown(const struct socket *so);	/* 1: reading, 2: writing */
void	diag_cookie(const struct socket *so, uint32_t *ret_cookie);

#endif /* NETLINK_DIAG_IMPL_H */
