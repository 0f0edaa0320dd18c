/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * relay.c - a connection on either side and the bytes between
 *
 * One side speaks TLS over TCP, the other one is a local stream socket.  What
 * came from one and has not gone to the other waits in a buffer; while that
 * is full nothing more is read.  So who does not read slows down who sends to him, and nobody else.
 *
 *	CONNECTING -> HANDSHAKE	client: TCP is there
 *	HANDSHAKE -> UP		the other side has proved who it is; client: and we have,
 *				for which the server's side says a byte (a client's handshake
 *				is over before its certificate has been looked at)
 *	any -> DEAD		either side has ended, and what it said before has gone on
 *
 * OpenSSL may want to write in order to read and the other way round: after any call that did
 * not get on, r_wantwrite says which of both is waited for.
 */

#include <sys/socket.h>

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls.h"

#define FLOW_SIZE	32768
#define WELCOME		'R'
#define ROUNDS		16	/* until others have their turn */

struct relay *
relay_create(SSL_CTX *ctx, bool server, int tcp, int local)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->r_ssl = SSL_new(ctx);
	if (r->r_ssl == NULL || SSL_set_fd(r->r_ssl, tcp) != 1) {
		SSL_free(r->r_ssl);
		free(r);
		return NULL;
	}
	if (server)
		SSL_set_accept_state(r->r_ssl);
	else
		SSL_set_connect_state(r->r_ssl);
	r->r_server = server;
	r->r_tcp = tcp;
	r->r_local = local;
	r->r_state = server ? RELAY_HANDSHAKE : RELAY_CONNECTING;
	r->r_wantwrite = !server;
	return r;
}

/* Says good-bye if that needs no waiting. */
void
relay_destroy(struct relay *r)
{
	if (r->r_ssl != NULL && SSL_is_init_finished(r->r_ssl))
		(void)SSL_shutdown(r->r_ssl);
	SSL_free(r->r_ssl);
	if (r->r_tcp != -1)
		(void)close(r->r_tcp);
	if (r->r_local != -1)
		(void)close(r->r_local);
	free(r->r_up.f_buf);
	free(r->r_down.f_buf);
	free(r);
	ERR_clear_error();
}

static bool
flow_room(struct flow *f)
{
	if (f->f_buf == NULL)
		f->f_buf = malloc(FLOW_SIZE);
	if (f->f_buf == NULL || f->f_ended)
		return false;
	if (f->f_from == f->f_to)
		f->f_from = f->f_to = 0;
	return f->f_to < FLOW_SIZE;
}

static bool
flow_has(const struct flow *f)
{
	return f->f_from < f->f_to;
}

/* --- the local side --------------------------------------------------------------------- */

static bool
local_read(struct relay *r)
{
	struct flow *f = &r->r_up;
	ssize_t n;

	if (r->r_local == -1 || !flow_room(f))
		return false;
	n = recv(r->r_local, f->f_buf + f->f_to, FLOW_SIZE - f->f_to, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		f->f_ended = true;
	else
		f->f_to += (size_t)n;
	return n > 0;
}

static bool
local_write(struct relay *r)
{
	struct flow *f = &r->r_down;
	ssize_t n;

	if (r->r_local == -1 || !flow_has(f))
		return false;
	n = send(r->r_local, f->f_buf + f->f_from, f->f_to - f->f_from,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n == -1) {
		r->r_state = RELAY_DEAD;
		return false;
	}
	f->f_from += (size_t)n;
	return true;
}

/* --- the side that speaks TLS --------------------------------------------------------------- */

/* After a call that did not get on.  True: it is over. */
static bool
tls_stuck(struct relay *r, int result)
{
	switch (SSL_get_error(r->r_ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return false;
	case SSL_ERROR_WANT_WRITE:
		r->r_wantwrite = true;
		return false;
	default:
		ERR_clear_error();
		return true;
	}
}

static bool
tls_read(struct relay *r)
{
	struct flow *f = &r->r_down;
	int n;

	if (!flow_room(f))
		return false;
	n = SSL_read(r->r_ssl, f->f_buf + f->f_to, (int)(FLOW_SIZE - f->f_to));
	if (n > 0)
		f->f_to += (size_t)n;
	else if (tls_stuck(r, n))
		f->f_ended = true;
	return n > 0;
}

static bool
tls_write(struct relay *r)
{
	struct flow *f = &r->r_up;
	int n;

	if (!flow_has(f))
		return false;
	n = SSL_write(r->r_ssl, f->f_buf + f->f_from, (int)(f->f_to - f->f_from));
	if (n > 0)
		f->f_from += (size_t)n;
	else if (tls_stuck(r, n))
		r->r_state = RELAY_DEAD;
	return n > 0;
}

static void
handshake(struct relay *r)
{
	char name[64], word = 0;
	int n;

	ERR_clear_error();
	n = SSL_do_handshake(r->r_ssl);
	if (n == 1 && !context_peer(r->r_ssl, r->r_server, name, sizeof(name))) {
		r->r_state = RELAY_DEAD;
		return;
	}
	if (n == 1 && !r->r_server) {
		n = SSL_read(r->r_ssl, &word, 1);
		if (n == 1 && word != WELCOME) {
			r->r_state = RELAY_DEAD;
			return;
		}
	}
	if (n == 1)
		r->r_state = RELAY_UP;
	else if (tls_stuck(r, n))
		r->r_state = RELAY_DEAD;
}

void
relay_welcome(struct relay *r)
{
	if (flow_room(&r->r_up))
		r->r_up.f_buf[r->r_up.f_to++] = WELCOME;
	else
		r->r_state = RELAY_DEAD;
}

/* --- both ------------------------------------------------------------------------------------ */

static void
move_up(struct relay *r)
{
	for (unsigned int i = 0; i < ROUNDS && r->r_state == RELAY_UP; i++) {
		bool moved = false;

		moved |= local_read(r);
		moved |= tls_write(r);
		moved |= tls_read(r);
		moved |= local_write(r);
		if (!moved)
			break;
	}
	/* Nobody tells us of what OpenSSL has read already. */
	while (r->r_state == RELAY_UP && SSL_pending(r->r_ssl) > 0) {
		bool moved = tls_read(r);

		moved |= local_write(r);
		if (!moved)
			break;
	}
	/* What one side said before its end goes to the other. */
	if ((r->r_up.f_ended && !flow_has(&r->r_up)) ||
	    (r->r_down.f_ended && !flow_has(&r->r_down)))
		r->r_state = RELAY_DEAD;
}

void
relay_move(struct relay *r)
{
	r->r_wantwrite = false;
	if (r->r_state == RELAY_HANDSHAKE)
		handshake(r);
	/* Nothing is moved before the local side is there. */
	if (r->r_state == RELAY_UP && r->r_local != -1)
		move_up(r);
}

void
relay_wants(const struct relay *r, uint32_t *ret_tcp, uint32_t *ret_local)
{
	const struct flow *up = &r->r_up, *down = &r->r_down;
	bool busy = r->r_state == RELAY_UP;

	*ret_tcp = *ret_local = 0;
	if (!busy || (!down->f_ended && (down->f_to < FLOW_SIZE || !flow_has(down))))
		*ret_tcp |= WANT_READ;
	if (r->r_wantwrite || flow_has(up) || r->r_state == RELAY_CONNECTING)
		*ret_tcp |= WANT_WRITE;
	if (!busy)
		return;
	if (!up->f_ended && (up->f_to < FLOW_SIZE || !flow_has(up)))
		*ret_local |= WANT_READ;
	if (flow_has(down))
		*ret_local |= WANT_WRITE;
}
