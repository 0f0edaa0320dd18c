/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_tls.c - what rump_tls(1) and those whom it serves read of each other and of the world
 *
 * The first byte of an input says which of these the rest is:
 *
 *	a file of keys, and a URL, as a user writes them
 *	what a stranger sends to a server's side before he has proved who he is
 *	what a server, or who says so, sends to a client's side
 *	what the process in front of a server hands over, with descriptors or without
 *
 * A handshake is between the real one and bytes of the input, in pieces.  Nobody who has not got
 * the key may get through; nothing may be left open; what is handed over
 * without sense is refused, and what of it is a descriptor is closed.
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/rump_tls/tls.h"
#include "hyper/linux/sp_impl.h"

#define PIECES	8

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SSL_CTX *server_ctx, *client_ctx;
static unsigned int words;

static void
need(bool held, const char *what)
{
	if (!held) {
		fprintf(stderr, "fuzz_tls: %s\n", what);
		abort();
	}
}

/* For main.c, which says it to somebody. */
void
say(const char *fmt, ...)
{
	va_list ap;
	char line[1024];

	va_start(ap, fmt);
	need(vsnprintf(line, sizeof(line), fmt, ap) > 0, "says nothing");
	va_end(ap);
	words++;
}

static unsigned int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	need(d != NULL, "no /proc");
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* --- files and URLs ------------------------------------------------------------------------ */

/* A file of keys with this in it; its name. */
static int
key_file(const void *data, size_t size, char path[64])
{
	int fd = memfd_create("keys", MFD_CLOEXEC);

	need(fd != -1 && fchmod(fd, 0600) == 0 &&
	    write(fd, data, size) == (ssize_t)size, "no file");
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void
try_keys(const uint8_t *data, size_t size)
{
	struct psk *list = NULL;
	unsigned int n = 0;
	char path[64];
	int fd = key_file(data, size, path), error;

	words = 0;
	error = psk_read(path, &list, &n);
	need((error == 0) == (words == 0), "an error without words, or words without one");
	for (unsigned int i = 0; error == 0 && i < n; i++)
		need(list[i].k_len >= PSK_MIN && list[i].k_len <= PSK_MAX &&
		    list[i].k_name[0] != '\0' && strlen(list[i].k_name) <= PSK_NAMELEN,
		    "a key that is none");
	need(error != 0 || n > 0, "no key");
	if (error == 0)
		free(list);
	close(fd);
}

/* Addresses as numbers only: nobody is asked for names. */
static void
try_url(const uint8_t *data, size_t size)
{
	struct addresses as;
	struct sp_url su;
	char url[256];

	if (size >= sizeof(url))
		size = sizeof(url) - 1;
	memcpy(url, data, size);
	url[size] = '\0';
	if (sp_url_parse(url, &su) == 0 && su.su_kind == SP_URL_UNIX)
		need(su.su_addrlen <= sizeof(struct sockaddr_storage), "an address too long");
	if (strncmp(url, "tcp://", 6) == 0 &&
	    url[strspn(url, "tcp:/0123456789.[]")] != '\0')
		return;
	if (net_resolve(url, true, &as) == 0)
		need(as.as_n <= ADDRESSES_MAX && strlen(as.as_host) < sizeof(as.as_host),
		    "more addresses than there is room for");
}

/* --- handshakes ------------------------------------------------------------------------------ */

static size_t
drain(int fd)
{
	char buf[4096];
	size_t got = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		got += (size_t)n;
	return got;
}

/* The other side says what the input says, in pieces, and ends. */
static void
try_handshake(bool server, const uint8_t *data, size_t size)
{
	int tcp[2], local[2] = { -1, -1 };
	uint32_t wants, local_wants;
	struct relay *r;

	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, tcp) == 0,
	    "no sockets");
	if (!server)
		need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, local) == 0, "no sockets");
	r = relay_create(server ? server_ctx : client_ctx, server, tcp[0], local[0]);
	need(r != NULL, "no memory");
	r->r_state = RELAY_HANDSHAKE;
	if (!server)
		need(send(local[1], "a secret of the client", 22, 0) == 22, "no room");
	for (unsigned int i = 0; i < PIECES && r->r_state == RELAY_HANDSHAKE; i++) {
		size_t n = i == PIECES - 1 || size < 2 ? size : 1 + data[0] * size / 256;

		relay_move(r);
		(void)drain(tcp[1]);
		if (n > size)
			n = size;
		if (n > 0 && send(tcp[1], data, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n) {
			data += n;
			size -= n;
		}
	}
	(void)shutdown(tcp[1], SHUT_WR);
	for (unsigned int i = 0; i < PIECES && r->r_state == RELAY_HANDSHAKE; i++)
		relay_move(r);
	need(r->r_state == RELAY_DEAD, "a stranger is let in, or waited for after his end");
	relay_wants(r, &wants, &local_wants);
	if (!server)
		need(drain(local[1]) == 0, "a client is told what a stranger says");
	relay_destroy(r);
	close(tcp[1]);
	if (!server)
		close(local[1]);
}

/* --- what the process in front of a server says -------------------------------------------------- */

static void
front_send(int fd, const uint8_t *data, size_t size, unsigned int nfds)
{
	struct iovec iov = { (void *)(uintptr_t)data, size };
	union { struct cmsghdr align; char room[CMSG_SPACE(4 * sizeof(int))]; } room;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[4] = { STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, STDIN_FILENO };

	if (nfds > 0) {
		memset(&room, 0, sizeof(room));
		msg.msg_control = room.room;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		room.align.cmsg_level = SOL_SOCKET;
		room.align.cmsg_type = SCM_RIGHTS;
		room.align.cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(&room.align), fds, nfds * sizeof(int));
	}
	(void)sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
try_front(const uint8_t *data, size_t size)
{
	struct rumpuser_sppeer peer;
	int pair[2], fd = -1, error;
	unsigned int nfds = size > 0 ? data[0] % 5 : 0;

	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "no sockets");
	front_send(pair[1], data, size, nfds);
	memset(&peer, 0, sizeof(peer));
	error = sp_front_accept(pair[0], &fd, &peer);
	if (error == 0) {
		need(fd >= 0 && nfds > 0 && size >= sizeof(struct tlsfront_peer) &&
		    peer.sp_stream && !peer.sp_local &&
		    memchr(peer.sp_name, '\0', sizeof(peer.sp_name)) != NULL &&
		    memchr(peer.sp_text, '\0', sizeof(peer.sp_text)) != NULL, "a bad peer");
		close(fd);
	}
	close(pair[1]);
	close(pair[0]);
}

/* --- all -------------------------------------------------------------------------------------------- */

static void
start(void)
{
	static const char key[] = "test:000102030405060708090a0b0c0d0e0f\n";
	char path[64];
	int fd;

	if (server_ctx != NULL)
		return;
	fd = key_file(key, sizeof(key) - 1, path);
	need(setenv("RUMP_TLS_PSK", path, 1) == 0, "no memory");
	server_ctx = context_create(true, NULL);
	client_ctx = context_create(false, "localhost");
	need(server_ctx != NULL && client_ctx != NULL, "no TLS");
	/* What is made once is there. */
	try_handshake(true, (const uint8_t *)key, sizeof(key));
	try_handshake(false, (const uint8_t *)key, sizeof(key));
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int before;

	if (size == 0)
		return 0;
	start();
	before = open_fds();
	switch (data[0] % 5) {
	case 0: try_keys(data + 1, size - 1); break;
	case 1: try_url(data + 1, size - 1); break;
	case 2: try_handshake(true, data + 1, size - 1); break;
	case 3: try_handshake(false, data + 1, size - 1); break;
	default: try_front(data + 1, size - 1); break;
	}
	need(open_fds() == before, "descriptors are left");
	return 0;
}
