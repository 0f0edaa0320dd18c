/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tlsfront.h - the process that speaks TLS on behalf of a server or of a client
 *
 * Servers and clients speak over local connections only; rump_tls(1) carries these over
 * TCP.  It is a process of its own: so nobody else has OpenSSL, keys, or
 * what a stranger sends before he has proved who he is, in his memory; and a
 * client's connections survive its fork and exec, which know nothing of TLS.
 *
 * It is started with one end of a pair of SOCK_SEQPACKET sockets, on which its first
 * word is a struct tlsfront_ready.  A server then gets a struct tlsfront_peer and
 * a connected socket (SCM_RIGHTS) for each client that has proved itself.
 */

#ifndef HYPER_TLSFRONT_H
#define HYPER_TLSFRONT_H

#include <stdint.h>

#define TLSFRONT_FD	3		/* where rump_tls(1) finds its end */

struct tlsfront_ready {
	int32_t		 tr_error;	/* an errno, after words to stderr */
	char		 tr_url[124];	/* serve: as it is listened at; connect: a local one */
};

struct tlsfront_peer {
	char		 tp_name[64];	/* whose key or certificate it is */
	char		 tp_address[64];
};

/*
 * role: "serve" (url is where to listen) or "connect" (where to).  *ret_fd: our end.
 * ENOENT: the program is not there.  ETIMEDOUT.
 */
int	tlsfront_start(const char *role, const char *url,
	    struct tlsfront_ready *ret_ready, int *ret_fd);

#endif /* HYPER_TLSFRONT_H */
