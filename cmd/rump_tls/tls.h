/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tls.h - what the files of rump_tls(1) share
 *
 *	main.c		roles
 *	net.c		addresses and sockets
 *	context.c	what OpenSSL has to know: keys, certificates, TLS 1.3 and nothing else
 *	psk.c		files with keys
 *	relay.c		a connection on either side and the bytes between
 *	loop.c		all of them: who connects, who is too slow
 */

#ifndef RUMP_TLS_H
#define RUMP_TLS_H

#include <sys/socket.h>
#include <sys/types.h>

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hyper/common/tlsfront.h>

/* Words to stderr, as long as there is one. */
void	say(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

/* --- net.c ---------------------------------------------------------------------------- */

#define ADDRESSES_MAX	8

struct addresses {
	struct sockaddr_storage as_addr[ADDRESSES_MAX];
	socklen_t	 as_len[ADDRESSES_MAX];
	unsigned int	 as_n;
	char		 as_host[256];	/* as it was written, without brackets */
	char		 as_port[16];
};

/* "tcp://HOST:PORT", all its addresses.  An errno, after words. */
int	net_resolve(const char *url, bool listening, struct addresses *ret_as);
int	net_listen(const struct addresses *as, int *ret_fd, char *url, size_t size);
/* A connection that is on its way.  An errno. */
int	net_connect(const struct addresses *as, unsigned int which, int *ret_fd);
void	net_tune(int fd);		/* no delay, and an end if the peer is gone */
void	net_name(const struct sockaddr_storage *ss, socklen_t len, char *buf, size_t size);
/* An abstract socket of a name of its own, for this user alone. */
int	net_local(int *ret_fd, char *url, size_t size);
bool	net_ours(int fd);		/* the peer is of our user */

/* --- psk.c ----------------------------------------------------------------------------- */

#define PSK_NAMELEN	63
#define PSK_MAX		64
#define PSK_MIN		16

struct psk {
	char		 k_name[PSK_NAMELEN + 1];
	unsigned char	 k_key[PSK_MAX];
	size_t		 k_len;
};

/* Only who owns the file may be able to read it.  An errno, after words. */
int	secret_check(const char *path);
int	psk_read(const char *path, struct psk **ret_list, unsigned int *ret_n);
int	psk_make(const char *path, const char *name);

/* --- context.c --------------------------------------------------------------------------- */

/* From RUMP_TLS_PSK, RUMP_TLS_CERT, RUMP_TLS_KEY, RUMP_TLS_CA.  NULL after words. */
SSL_CTX	*context_create(bool server, const char *host);
/* Whose connection it is; false: nobody's. */
bool	context_peer(SSL *ssl, bool server, char *name, size_t size);
void	say_tls(const char *what);	/* with OpenSSL's words */

/* --- relay.c ------------------------------------------------------------------------------- */

enum relay_state { RELAY_CONNECTING, RELAY_HANDSHAKE, RELAY_UP, RELAY_DEAD };

struct flow {
	unsigned char	*f_buf;		/* FLOW_SIZE bytes, when first needed */
	size_t		 f_from, f_to;	/* what is in it */
	bool		 f_ended;	/* nothing more comes */
};

struct relay {
	struct relay	*r_next;	/* of all, the newest first */
	struct relay	*r_prev;
	enum relay_state r_state;
	bool		 r_server;
	int		 r_tcp, r_local;	/* -1 */
	uint32_t	 r_tcpmask, r_localmask;	/* what epoll was told */
	SSL		*r_ssl;
	struct flow	 r_up, r_down;	/* to the other side; to the local one */
	bool		 r_wantwrite;	/* TLS has something to say first */
	int64_t		 r_deadline;	/* ms: to be UP */
	unsigned int	 r_which;	/* of the addresses */
	char		 r_address[64];
};

struct relay *relay_create(SSL_CTX *ctx, bool server, int tcp, int local);
void	relay_destroy(struct relay *r);
/* A server's side: whoever it is may come in. */
void	relay_welcome(struct relay *r);
/* As far as it goes without waiting. */
void	relay_move(struct relay *r);
#define WANT_READ	1u
#define WANT_WRITE	2u
void	relay_wants(const struct relay *r, uint32_t *ret_tcp, uint32_t *ret_local);

/* --- loop.c ---------------------------------------------------------------------------------- */

int64_t	now_ms(void);
int	loop_serve(SSL_CTX *ctx, int listener, int front);
int	loop_connect(SSL_CTX *ctx, const struct addresses *as, int listener,
	    int front, pid_t starter);
/* One connection, to find out whether there is somebody who knows us.  An errno, after words. */
int	loop_try(SSL_CTX *ctx, const struct addresses *as);

#endif /* RUMP_TLS_H */
