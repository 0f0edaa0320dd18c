/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_serve.c - small services, so that a network has something to talk to
 *
 * echo (7), discard (9), daytime (13), chargen (19) and http (80), for TCP and UDP where
 * that makes sense, both families.  One thread waits for all of them with epoll;
 * a connection is a struct with what it still has to send.
 *
 * References: RFC 862, 863, 867, 864.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/epoll.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "net.h"

#define ROOM		65536

enum service { ECHO_SERVICE, DISCARD_SERVICE, DAYTIME_SERVICE, CHARGEN_SERVICE, HTTP_SERVICE };

static const struct { const char *word; uint16_t port; bool udp; } services[] = {
	[ECHO_SERVICE] = { "echo", 7, true }, [DISCARD_SERVICE] = { "discard", 9, true },
	[DAYTIME_SERVICE] = { "daytime", 13, true }, [CHARGEN_SERVICE] = { "chargen", 19, true },
	[HTTP_SERVICE] = { "http", 80, false },
};
#define NSERVICES	(sizeof(services) / sizeof(services[0]))

/* What epoll tells about: a listener, a UDP socket or a connection. */
struct peer {
	enum { LISTENER, DATAGRAM, STREAM } p_what;
	enum service	 p_service;
	int		 p_fd;
	size_t		 p_have, p_sent;	/* of p_buf */
	bool		 p_eof;		/* nothing more comes; close when all is sent */
	char		*p_buf;		/* ROOM bytes; streams only */
};

static int epoll_fd = -1;

const char *
net_services(void)
{
	return "echo,discard,daytime,chargen,http";
}

/* --- what is said --------------------------------------------------------------------- */

static size_t
daytime_text(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL)
		return 0;
	return strftime(buf, size, "%A, %B %d, %Y %H:%M:%S-UTC\r\n", &tm);
}

/* Lines of 72 characters, each beginning with the next one (RFC 864). */
static size_t
chargen_text(char *buf, size_t size)
{
	static unsigned int line;
	size_t at = 0;

	for (; at + 74 <= size; line++) {
		for (unsigned int i = 0; i < 72; i++)
			buf[at++] = (char)(' ' + (line + i) % 95);
		buf[at++] = '\r';
		buf[at++] = '\n';
	}
	return at;
}

static size_t
http_text(const char *request, char *buf, size_t size)
{
	static const char body[] = "hello from a kernel of one's own\n";
	bool get = strncmp(request, "GET ", 4) == 0, head = strncmp(request, "HEAD ", 5) == 0;
	int n;

	if (!get && !head)
		n = snprintf(buf, size, "HTTP/1.0 501 Not Implemented\r\nContent-Length: 0\r\n\r\n");
	else
		n = snprintf(buf, size, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
		    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", sizeof(body) - 1,
		    head ? "" : body);
	return n > 0 ? (size_t)n : 0;
}

/* --- connections ------------------------------------------------------------------------- */

static int
watch(struct peer *p, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = p };

	return rump_sys_epoll_ctl(epoll_fd, op, p->p_fd, &ev) == -1 ? errno : 0;
}

static void
peer_close(struct peer *p)
{
	rump_sys_close(p->p_fd);
	free(p->p_buf);
	free(p);
}

static void
stream_accept(const struct peer *listener)
{
	struct peer *p;
	int fd;

	while ((fd = rump_sys_accept4(listener->p_fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		p = calloc(1, sizeof(*p));
		if (p != NULL)
			p->p_buf = malloc(ROOM);
		if (p == NULL || p->p_buf == NULL) {
			free(p);
			rump_sys_close(fd);
			return;
		}
		p->p_what = STREAM;
		p->p_service = listener->p_service;
		p->p_fd = fd;
		if (p->p_service == DAYTIME_SERVICE) {
			p->p_have = daytime_text(p->p_buf, ROOM);
			p->p_eof = true;
		}
		if (watch(p, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD) != 0)
			peer_close(p);
	}
}

/* Something came.  False: the connection is over. */
static bool
stream_read(struct peer *p)
{
	char *at = p->p_buf + p->p_have;
	size_t room = ROOM - p->p_have;
	static char waste[ROOM];
	ssize_t n;

	if (p->p_service != ECHO_SERVICE && p->p_service != HTTP_SERVICE) {
		at = waste;
		room = sizeof(waste);
	} else if (room < 2) {
		return true;
	} else {
		room--;		/* http: for a NUL */
	}
	n = rump_sys_recv(p->p_fd, at, room, 0);
	if (n == -1)
		return errno == EAGAIN;
	if (n == 0) {
		p->p_eof = true;
		return p->p_have > p->p_sent;
	}
	if (p->p_service == ECHO_SERVICE) {
		p->p_have += (size_t)n;
	} else if (p->p_service == HTTP_SERVICE) {
		p->p_have += (size_t)n;
		p->p_buf[p->p_have] = '\0';
		if (strstr(p->p_buf, "\r\n\r\n") == NULL && strstr(p->p_buf, "\n\n") == NULL &&
		    p->p_have < ROOM - 2) {
			p->p_sent = p->p_have;	/* not all of it yet: nothing to say */
			return true;
		}
		p->p_have = http_text(p->p_buf, waste, sizeof(waste));
		memcpy(p->p_buf, waste, p->p_have);
		p->p_sent = 0;
		p->p_eof = true;
	}
	return true;
}

static bool
stream_write(struct peer *p)
{
	ssize_t n;

	if (p->p_service == CHARGEN_SERVICE && p->p_sent == p->p_have && !p->p_eof) {
		p->p_have = chargen_text(p->p_buf, ROOM);
		p->p_sent = 0;
	}
	if (p->p_sent < p->p_have) {
		n = rump_sys_send(p->p_fd, p->p_buf + p->p_sent, p->p_have - p->p_sent, MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN;
		p->p_sent += (size_t)n;
	}
	if (p->p_sent == p->p_have) {
		if (p->p_eof)
			return false;
		if (p->p_service == ECHO_SERVICE)
			p->p_have = p->p_sent = 0;
	}
	return true;
}

/* Writing is waited for only while there is something to write. */
static void
stream_event(struct peer *p, uint32_t events)
{
	bool more = true, wantout;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		more = stream_read(p);
	if (more)
		more = stream_write(p);
	if (!more) {
		peer_close(p);
		return;
	}
	wantout = p->p_sent < p->p_have && p->p_service != HTTP_SERVICE;
	wantout = wantout || p->p_service == CHARGEN_SERVICE || (p->p_eof && p->p_sent < p->p_have);
	if (watch(p, (p->p_eof ? 0u : EPOLLIN) | (wantout ? EPOLLOUT : 0u), EPOLL_CTL_MOD) != 0)
		peer_close(p);
}

/* --- datagrams ------------------------------------------------------------------------------- */

static void
datagram_event(const struct peer *p)
{
	static char buf[ROOM];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = rump_sys_recvfrom(p->p_fd, buf, sizeof(buf), MSG_DONTWAIT,
	    (struct sockaddr *)&from, &len)) >= 0) {
		if (p->p_service == DAYTIME_SERVICE)
			n = (ssize_t)daytime_text(buf, sizeof(buf));
		else if (p->p_service == CHARGEN_SERVICE)
			n = (ssize_t)chargen_text(buf, 512);
		if (p->p_service != DISCARD_SERVICE)
			(void)rump_sys_sendto(p->p_fd, buf, (size_t)n, MSG_DONTWAIT,
			    (struct sockaddr *)&from, len);
		len = sizeof(from);
	}
}

/* --- start --------------------------------------------------------------------------------------- */

static void *
serve(void *arg)
{
	struct epoll_event ev[32];
	struct peer *p;
	int n;

	while (!net_stopped()) {
		n = rump_sys_epoll_wait(epoll_fd, ev, 32, -1);
		for (int i = 0; i < n; i++) {
			p = ev[i].data.ptr;
			if (p == NULL)
				continue;	/* Ctrl-C */
			if (p->p_what == LISTENER)
				stream_accept(p);
			else if (p->p_what == DATAGRAM)
				datagram_event(p);
			else
				stream_event(p, ev[i].events);
		}
	}
	return arg;
}

static int
service_open(enum service service, int type, int family)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(services[service].port) };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(services[service].port) };
	struct peer *p = calloc(1, sizeof(*p));
	int one = 1, error = 0;

	if (p == NULL)
		return ENOMEM;
	p->p_what = type == SOCK_STREAM ? LISTENER : DATAGRAM;
	p->p_service = service;
	p->p_fd = rump_sys_socket(family, type | SOCK_NONBLOCK, 0);
	if (p->p_fd == -1) {
		error = errno;
		free(p);
		/* A kernel without IPv6 serves the other. */
		return error == EAFNOSUPPORT && family == AF_INET6 ? 0 : error;
	}
	(void)rump_sys_setsockopt(p->p_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6)
		(void)rump_sys_setsockopt(p->p_fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (rump_sys_bind(p->p_fd, family == AF_INET6 ? (struct sockaddr *)&sin6 :
	    (struct sockaddr *)&sin, family == AF_INET6 ? sizeof(sin6) : sizeof(sin)) == -1 ||
	    (type == SOCK_STREAM && rump_sys_listen(p->p_fd, 128) == -1))
		error = errno;
	if (error == 0)
		error = watch(p, EPOLLIN, EPOLL_CTL_ADD);
	if (error)
		peer_close(p);
	/* IPv6 may be there and have no address, not even ::. */
	return error == EADDRNOTAVAIL && family == AF_INET6 ? 0 : error;
}

static int
service_start(const char *word)
{
	int error = 0;
	size_t i;

	for (i = 0; i < NSERVICES && strcmp(services[i].word, word) != 0; i++)
		continue;
	if (i == NSERVICES)
		return usage_error("no service '%s'; there are %s", word, net_services());
	for (int f = 0; f < 2 && error == 0; f++) {
		error = service_open((enum service)i, SOCK_STREAM, f == 0 ? AF_INET : AF_INET6);
		if (error == 0 && services[i].udp)
			error = service_open((enum service)i, SOCK_DGRAM, f == 0 ? AF_INET : AF_INET6);
	}
	return error != 0 ? complain(word, "serve", error) : EX_DONE;
}

int
net_serve(const char *names)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	char *text = strdup(names), *next = text, *word;
	pthread_t thread;
	int code = EX_DONE;

	epoll_fd = rump_sys_epoll_create1(0);
	if (text == NULL || epoll_fd == -1 ||
	    rump_sys_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, net_stopfd(), &ev) == -1) {
		free(text);
		return net_fail("services", "start");
	}
	while (code == EX_DONE && (word = strsep(&next, ",")) != NULL)
		code = service_start(word);
	free(text);
	if (code != EX_DONE)
		return code;
	if (pthread_create(&thread, NULL, serve, NULL) != 0)
		return complain("services", "start a thread", EAGAIN);
	(void)pthread_detach(thread);
	return EX_DONE;
}
