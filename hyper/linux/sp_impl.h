/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_impl.h - between the files that serve remote clients
 */

#ifndef HYPER_SP_IMPL_H
#define HYPER_SP_IMPL_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include <rump/rumpuser.h>

/* What a URL says. */
struct sp_url {
	enum { SP_URL_UNIX, SP_URL_FD, SP_URL_FRONT, SP_URL_TCP } su_kind;
	bool		 su_stream;	/* UNIX: no shared memory */
	struct sockaddr_storage su_addr;
	socklen_t	 su_addrlen;
	int		 su_fd;
	char		 su_path[108];	/* UNIX: to be unlinked; "" if abstract */
};

/* EINVAL, and EPROTONOSUPPORT for a scheme that is not known. */
int	sp_url_parse(const char *text, struct sp_url *ret_url);

/*
 * A connection.  One thread uses it at a time, but for sc_fd, which stays
 * what it is until close.
 */
struct rumpuser_spconn {
	int		 sc_fd;
	bool		 sc_unix;	/* descriptors may come along */
	uint32_t	 sc_watched;	/* in the set, for RUMPUSER_SP_* */
};

/* sp_front.c */
int	sp_front_accept(int front, int *ret_fd, struct rumpuser_sppeer *ret_peer);

#endif /* HYPER_SP_IMPL_H */
