/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * peer_stream.c - verbs that move much: whole files, thousands of connections
 */

#include <sys/epoll.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "peer.h"

#define CHUNK		(1 << 18)
#define EVENTS		256

/* sendfile FD HOSTFILE: its bytes, and their checksum */
static int
verb_sendfile(struct job *j)
{
	int fd = (int)arg_num(j, 0), host = open(arg(j, 1), O_RDONLY | O_CLOEXEC);
	uint8_t *buf = malloc(CHUNK);
	uint64_t total = 0;
	uint32_t crc = 0;
	ssize_t got = 0, put;
	int error = host < 0 || buf == NULL ? errno : 0;

	while (error == 0 && (got = read(host, buf, CHUNK)) > 0) {
		crc = crc32_add(crc, buf, (size_t)got);
		total += (uint64_t)got;
		for (ssize_t at = 0; at < got && error == 0; at += put) {
			put = rump_sys_sendto(fd, buf + at, (size_t)(got - at), MSG_NOSIGNAL, NULL, 0);
			error = put < 0 ? errno : 0;
		}
	}
	reply(j, "%llu %u", (unsigned long long)total, crc);
	free(buf);
	if (host >= 0)
		(void)close(host);
	return error;
}

/* recvall FD [MOST]: until the end, or that many bytes: how many, checksum */
static int
verb_recvall(struct job *j)
{
	uint64_t most = j->j_nwords > 3 ? strtoull(arg(j, 1), NULL, 0) : UINT64_MAX, total = 0;
	uint8_t *buf = malloc(CHUNK);
	uint32_t crc = 0;
	int error = 0;
	ssize_t got;

	if (buf == NULL)
		return ENOMEM;
	while (total < most) {
		got = rump_sys_recvfrom((int)arg_num(j, 0), buf,
		    most - total < CHUNK ? (size_t)(most - total) : CHUNK, 0, NULL, NULL);
		if (got < 0)
			error = errno;
		if (got <= 0)
			break;
		crc = crc32_add(crc, buf, (size_t)got);
		total += (uint64_t)got;
	}
	reply(j, "%llu %u", (unsigned long long)total, crc);
	free(buf);
	return error;
}

/* http FD TEXT...: a request of those words, CRLF CRLF */
static int
verb_http(struct job *j)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: far\r\n\r\n", arg(j, 1));
	ssize_t put = rump_sys_sendto((int)arg_num(j, 0), text, (size_t)n, 0, NULL, 0);

	return put == n ? 0 : put < 0 ? errno : EIO;
}

/* httpd FD HOSTFILE: reads a request to its empty line, answers with the file, closes */
static int
verb_httpd(struct job *j)
{
	static const char head[] = "HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n";
	int fd = (int)arg_num(j, 0), error;
	char text[4096] = "";
	size_t len = 0;
	ssize_t got;

	while (strstr(text, "\r\n\r\n") == NULL) {
		got = rump_sys_recvfrom(fd, text + len, sizeof(text) - 1 - len, 0, NULL, NULL);
		if (got <= 0)
			return got < 0 ? errno : EIO;
		len += (size_t)got;
		text[len] = '\0';
	}
	if (rump_sys_sendto(fd, head, sizeof(head) - 1, 0, NULL, 0) != sizeof(head) - 1)
		return errno;
	error = verb_sendfile(j);
	return rump_sys_close(fd) != 0 && error == 0 ? errno : error;
}

/* --- thousands ---------------------------------------------------------------------- */

/* One connection of many: sends a byte, wants it back, closes. */
enum { MANY_CONNECTING = 1, MANY_WAITING };

struct many {
	int		 m_ep;
	struct sockaddr_storage m_ss;
	socklen_t	 m_len;
	long		 m_todo, m_open, m_done;
	uint8_t		*m_state;	/* by descriptor */
	size_t		 m_size;
	bool		 m_hold;	/* keep all open until the last is answered */
};

static int
many_open(struct many *m)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	int fd = rump_sys_socket(m->m_ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return errno;
	if ((size_t)fd >= m->m_size)
		return EMFILE;
	if (rump_sys_connect(fd, (struct sockaddr *)&m->m_ss, m->m_len) != 0 &&
	    errno != EINPROGRESS)
		return errno;
	ev.data.fd = fd;
	if (rump_sys_epoll_ctl(m->m_ep, EPOLL_CTL_ADD, fd, &ev) != 0)
		return errno;
	m->m_state[fd] = MANY_CONNECTING;
	m->m_todo--;
	m->m_open++;
	return 0;
}

static int
many_connected(struct many *m, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	socklen_t len = sizeof(int);
	uint8_t byte = (uint8_t)fd;
	int error = 0;

	if (rump_sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
		return error != 0 ? error : errno;
	if (rump_sys_sendto(fd, &byte, 1, MSG_NOSIGNAL, NULL, 0) != 1)
		return errno;
	m->m_state[fd] = MANY_WAITING;
	return rump_sys_epoll_ctl(m->m_ep, EPOLL_CTL_MOD, fd, &ev) != 0 ? errno : 0;
}

static int
many_answered(struct many *m, int fd)
{
	uint8_t byte = 0;

	if (rump_sys_recvfrom(fd, &byte, 1, 0, NULL, NULL) != 1 || byte != (uint8_t)fd)
		return EIO;
	m->m_open--;
	m->m_done++;
	if (m->m_hold)
		return rump_sys_epoll_ctl(m->m_ep, EPOLL_CTL_DEL, fd, NULL) != 0 ? errno : 0;
	return rump_sys_close(fd) != 0 ? errno : 0;
}

static int
many_events(struct many *m)
{
	struct epoll_event ev[EVENTS];
	int n = rump_sys_epoll_wait(m->m_ep, ev, EVENTS, 20000), error;

	if (n <= 0)
		return n < 0 ? errno : ETIMEDOUT;
	for (int i = 0; i < n; i++) {
		int fd = ev[i].data.fd;

		error = m->m_state[fd] == MANY_CONNECTING ? many_connected(m, fd) :
		    many_answered(m, fd);
		if (error)
			return error;
	}
	return 0;
}

/* many ADDR PORT COUNT AT_ONCE [hold] */
static int
verb_many(struct job *j)
{
	struct many m = { .m_todo = arg_num(j, 2), .m_size = 65536 };
	long at_once = arg_num(j, 3);
	int error = 0;

	m.m_len = addr_parse(arg(j, 0), arg_num(j, 1), &m.m_ss);
	m.m_hold = strcmp(arg(j, 4), "hold") == 0;
	m.m_ep = rump_sys_epoll_create1(0);
	m.m_state = calloc(m.m_size, 1);
	if (m.m_ep < 0 || m.m_state == NULL)
		return ENOMEM;
	while (error == 0 && (m.m_todo > 0 || m.m_open > 0)) {
		while (error == 0 && m.m_todo > 0 && m.m_open < at_once)
			error = many_open(&m);
		if (error == 0)
			error = many_events(&m);
	}
	for (size_t fd = 0; fd < m.m_size; fd++) {
		if (m.m_hold && m.m_state[fd] != 0)
			(void)rump_sys_close((int)fd);
	}
	(void)rump_sys_close(m.m_ep);
	free(m.m_state);
	reply(j, "%ld", m.m_done);
	return error;
}

/* --- an echo server ------------------------------------------------------------------ */

struct echo {
	int		 e_ep, e_listener;
	long		 e_todo, e_open, e_bytes;
};

static int
echo_accept(struct echo *e)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd;

	while (e->e_todo > 0) {
		fd = rump_sys_accept4(e->e_listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0)
			return errno == EAGAIN ? 0 : errno;
		ev.data.fd = fd;
		if (rump_sys_epoll_ctl(e->e_ep, EPOLL_CTL_ADD, fd, &ev) != 0)
			return errno;
		e->e_todo--;
		e->e_open++;
	}
	return 0;
}

static int
echo_data(struct echo *e, int fd)
{
	uint8_t buf[512];
	ssize_t n = rump_sys_recvfrom(fd, buf, sizeof(buf), 0, NULL, NULL);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n > 0) {
		e->e_bytes += n;
		return rump_sys_sendto(fd, buf, (size_t)n, MSG_NOSIGNAL, NULL, 0) == n ? 0 : errno;
	}
	e->e_open--;
	return rump_sys_close(fd) != 0 ? errno : 0;
}

/* echo LISTENER COUNT: serves that many connections until all are closed */
static int
verb_echo(struct job *j)
{
	struct echo e = { .e_listener = (int)arg_num(j, 0), .e_todo = arg_num(j, 1) };
	struct epoll_event ev[EVENTS] = { { .events = EPOLLIN, .data.fd = e.e_listener } };
	int error = 0, n;

	e.e_ep = rump_sys_epoll_create1(0);
	if (e.e_ep < 0 || rump_sys_fcntl(e.e_listener, F_SETFL, O_NONBLOCK) != 0 ||
	    rump_sys_epoll_ctl(e.e_ep, EPOLL_CTL_ADD, e.e_listener, &ev[0]) != 0)
		return errno;
	while (error == 0 && (e.e_todo > 0 || e.e_open > 0)) {
		n = rump_sys_epoll_wait(e.e_ep, ev, EVENTS, 20000);
		error = n < 0 ? errno : n == 0 ? ETIMEDOUT : 0;
		for (int i = 0; error == 0 && i < n; i++)
			error = ev[i].data.fd == e.e_listener ? echo_accept(&e) :
			    echo_data(&e, ev[i].data.fd);
	}
	(void)rump_sys_close(e.e_ep);
	reply(j, "%ld", e.e_bytes);
	return error;
}

const struct verb verbs_stream[] = {
	{ "sendfile", 2, verb_sendfile }, { "recvall", 1, verb_recvall },
	{ "http", 2, verb_http }, { "httpd", 2, verb_httpd },
	{ "many", 4, verb_many }, { "echo", 2, verb_echo },
	{ NULL, 0, NULL },
};
