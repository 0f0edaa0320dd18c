/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net.c - addresses and sockets
 *
 * References: getaddrinfo(3), tcp(7), unix(7).
 */

#include <sys/random.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls.h"

#define BACKLOG		512
#define KEEP_IDLE	30	/* seconds until a silent peer is asked whether it lives, */
#define KEEP_EVERY	10	/* and again, */
#define KEEP_TIMES	3	/* so often */
#define UNANSWERED_MS	60000	/* what was sent and has not arrived by then never will */

/* "host:port", "[::1]:port", ":port"; false: neither. */
static bool
split(const char *text, struct addresses *as)
{
	const char *end, *port;
	size_t len;

	if (text[0] == '[') {
		end = strchr(++text, ']');
		if (end == NULL || end[1] != ':')
			return false;
		port = end + 2;
	} else {
		end = strrchr(text, ':');
		if (end == NULL || memchr(text, ':', (size_t)(end - text)) != NULL)
			return false;
		port = end + 1;
	}
	len = (size_t)(end - text);
	if (len >= sizeof(as->as_host) || strlen(port) >= sizeof(as->as_port) ||
	    port[0] == '\0' || strspn(port, "0123456789") != strlen(port))
		return false;
	memcpy(as->as_host, text, len);
	as->as_host[len] = '\0';
	strcpy(as->as_port, port);
	return true;
}

int
net_resolve(const char *url, bool listening, struct addresses *as)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = listening ? AI_PASSIVE : 0 }, *list, *ai;
	int error;

	memset(as, 0, sizeof(*as));
	if (strncmp(url, "tcp://", 6) != 0 || !split(url + 6, as) ||
	    (as->as_host[0] == '\0' && !listening)) {
		say("'%s' is not tcp://HOST:PORT, or tcp://[ADDRESS]:PORT", url);
		return EINVAL;
	}
	error = getaddrinfo(as->as_host[0] != '\0' ? as->as_host : NULL, as->as_port,
	    &hints, &list);
	if (error) {
		say("%s: %s", url, gai_strerror(error));
		return error == EAI_AGAIN ? EAGAIN : EADDRNOTAVAIL;
	}
	for (ai = list; ai != NULL && as->as_n < ADDRESSES_MAX; ai = ai->ai_next) {
		memcpy(&as->as_addr[as->as_n], ai->ai_addr, ai->ai_addrlen);
		as->as_len[as->as_n++] = ai->ai_addrlen;
	}
	freeaddrinfo(list);
	return 0;
}

void
net_name(const struct sockaddr_storage *ss, socklen_t len, char *buf, size_t size)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	(void)getnameinfo((const struct sockaddr *)ss, len, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	(void)snprintf(buf, size, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host,
	    port);
}

static int
listen_at(const struct sockaddr_storage *ss, socklen_t len, int *ret_fd)
{
	int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0, error;

	if (fd == -1)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (const struct sockaddr *)ss, len) == 0 &&
	    listen(fd, BACKLOG) == 0) {
		*ret_fd = fd;
		return 0;
	}
	error = errno;
	(void)close(fd);
	return error;
}

/* At the first address that can be had; of "any" the one that serves both families. */
int
net_listen(const struct addresses *as, int *ret_fd, char *url, size_t size)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);
	int error = EADDRNOTAVAIL;
	char text[80];

	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < as->as_n && error != 0; i++) {
			if ((as->as_addr[i].ss_family == AF_INET6) == (pass == 0))
				error = listen_at(&as->as_addr[i], as->as_len[i],
				    ret_fd);
		}
	}
	if (error) {
		say("tcp://%s:%s: %s", as->as_host, as->as_port, strerror(error));
		return error;
	}
	if (getsockname(*ret_fd, (struct sockaddr *)&ss, &len) == -1)
		return errno;
	net_name(&ss, len, text, sizeof(text));
	(void)snprintf(url, size, "tcp://%s", text);
	return 0;
}

int
net_connect(const struct addresses *as, unsigned int which, int *ret_fd)
{
	int fd, error;

	if (which >= as->as_n)
		return EHOSTUNREACH;
	fd = socket(as->as_addr[which].ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (fd == -1)
		return errno;
	net_tune(fd);
	if (connect(fd, (const struct sockaddr *)&as->as_addr[which],
	    as->as_len[which]) == 0 || errno == EINPROGRESS) {
		*ret_fd = fd;
		return 0;
	}
	error = errno;
	(void)close(fd);
	return error;
}

void
net_tune(int fd)
{
	static const struct { int level, name, value; } options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_TIMES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, UNANSWERED_MS },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof(options[i].value));
}

int
net_local(int *ret_fd, char *url, size_t size)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	unsigned char noise[16];
	char name[sizeof(noise) * 2 + 16];
	size_t len;
	int fd;

	if (getrandom(noise, sizeof(noise), 0) != sizeof(noise))
		return errno;
	len = (size_t)snprintf(name, sizeof(name), "@rump-tls-");
	for (size_t i = 0; i < sizeof(noise); i++)
		len += (size_t)snprintf(name + len, sizeof(name) - len, "%02x", noise[i]);
	memcpy(sun.sun_path + 1, name + 1, len - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return errno;
	if (bind(fd, (const struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		int error = errno;

		(void)close(fd);
		return error;
	}
	(void)snprintf(url, size, "unix+stream://%s", name);
	*ret_fd = fd;
	return 0;
}

/* Everybody can find an abstract socket: our keys are not for everybody. */
bool
net_ours(int fd)
{
	struct ucred cr;
	socklen_t len = sizeof(cr);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &len) == 0 &&
	    (cr.uid == geteuid() || cr.uid == 0);
}
