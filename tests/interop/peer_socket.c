/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * peer_socket.c - verbs that are one system call each
 */

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "peer.h"

#define CHUNK		65536

static int
done(long result)
{
	return result < 0 ? errno : 0;
}

/* socket inet|inet6 stream|dgram [protocol] */
static int
verb_socket(struct job *j)
{
	int family = strcmp(arg(j, 0), "inet6") == 0 ? AF_INET6 : AF_INET;
	int type = strcmp(arg(j, 1), "stream") == 0 ? SOCK_STREAM :
	    strcmp(arg(j, 1), "raw") == 0 ? SOCK_RAW : SOCK_DGRAM;
	int fd = rump_sys_socket(family, type, (int)arg_num(j, 2));

	reply(j, "%d", fd);
	return done(fd);
}

/* bind FD ADDR PORT: says the port that it got */
static int
verb_bind(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_parse(arg(j, 1), arg_num(j, 2), &ss);
	char text[80];

	if (rump_sys_bind((int)arg_num(j, 0), (struct sockaddr *)&ss, len) != 0)
		return errno;
	len = sizeof(ss);
	if (rump_sys_getsockname((int)arg_num(j, 0), (struct sockaddr *)&ss, &len) != 0)
		return errno;
	addr_format(&ss, text, sizeof(text));
	reply(j, "%s", text);
	return 0;
}

static int
verb_listen(struct job *j)
{
	return done(rump_sys_listen((int)arg_num(j, 0), (int)arg_num(j, 1)));
}

static int
verb_connect(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_parse(arg(j, 1), arg_num(j, 2), &ss);

	return done(rump_sys_connect((int)arg_num(j, 0), (struct sockaddr *)&ss, len));
}

static int
verb_accept(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char text[80] = "";
	int fd = rump_sys_accept((int)arg_num(j, 0), (struct sockaddr *)&ss, &len);

	if (fd >= 0)
		addr_format(&ss, text, sizeof(text));
	reply(j, "%d %s", fd, text);
	return done(fd);
}

static int
verb_shutdown(struct job *j)
{
	const char *how = arg(j, 1);

	return done(rump_sys_shutdown((int)arg_num(j, 0),
	    strcmp(how, "rd") == 0 ? SHUT_RD : strcmp(how, "wr") == 0 ? SHUT_WR : SHUT_RDWR));
}

static int
verb_close(struct job *j)
{
	return done(rump_sys_close((int)arg_num(j, 0)));
}

/* setopt FD LEVEL NAME VALUE: numbers */
static int
verb_setopt(struct job *j)
{
	int value = (int)arg_num(j, 3);

	return done(rump_sys_setsockopt((int)arg_num(j, 0), (int)arg_num(j, 1),
	    (int)arg_num(j, 2), &value, sizeof(value)));
}

static int
verb_getopt(struct job *j)
{
	socklen_t len = sizeof(int);
	int value = 0;

	if (rump_sys_getsockopt((int)arg_num(j, 0), (int)arg_num(j, 1), (int)arg_num(j, 2),
	    &value, &len) != 0)
		return errno;
	reply(j, "%d", value);
	return 0;
}

/* linger FD SECONDS */
static int
verb_linger(struct job *j)
{
	struct linger li = { .l_onoff = 1, .l_linger = (int)arg_num(j, 1) };

	return done(rump_sys_setsockopt((int)arg_num(j, 0), SOL_SOCKET, SO_LINGER, &li,
	    sizeof(li)));
}

/* sockerror FD: SO_ERROR by name, or 0 */
static int
verb_sockerror(struct job *j)
{
	socklen_t len = sizeof(int);
	int value = 0;

	if (rump_sys_getsockopt((int)arg_num(j, 0), SOL_SOCKET, SO_ERROR, &value, &len) != 0)
		return errno;
	reply(j, "%s", value == 0 ? "0" : rump_errname(value));
	return 0;
}

/* poll FD EVENTS MILLISECONDS: says the events */
static int
verb_poll(struct job *j)
{
	struct pollfd pfd = { .fd = (int)arg_num(j, 0), .events = (short)arg_num(j, 1) };
	struct timespec ts = { arg_num(j, 2) / 1000, arg_num(j, 2) % 1000 * 1000000 };

	if (rump_sys_ppoll(&pfd, 1, &ts, NULL) < 0)
		return errno;
	reply(j, "%d", pfd.revents);
	return 0;
}

static int
hex_parse(const char *text, uint8_t *buf, size_t *ret_len)
{
	unsigned int byte;
	size_t n = 0;

	for (; text[0] != '\0' && text[1] != '\0'; text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			return EINVAL;
		buf[n++] = (uint8_t)byte;
	}
	*ret_len = n;
	return 0;
}

/* send FD HEX FLAGS [ADDR PORT] */
static int
verb_send(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t len = j->j_nwords > 5 ? addr_parse(arg(j, 3), arg_num(j, 4), &ss) : 0;
	uint8_t buf[2048];
	size_t n;
	long sent;

	if (hex_parse(arg(j, 1), buf, &n) != 0)
		return EINVAL;
	sent = rump_sys_sendto((int)arg_num(j, 0), buf, n, (int)arg_num(j, 2),
	    len == 0 ? NULL : (struct sockaddr *)&ss, len);
	reply(j, "%ld", sent);
	return done(sent);
}

/* sendto FD LENGTH ADDR PORT: one datagram of a pattern */
static int
verb_sendto(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t slen = addr_parse(arg(j, 2), arg_num(j, 3), &ss);
	size_t len = (size_t)arg_num(j, 1);
	uint8_t *buf = malloc(len + 1);
	long sent;
	int error;

	if (buf == NULL)
		return ENOMEM;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i * 7 + i / 256);
	sent = rump_sys_sendto((int)arg_num(j, 0), buf, len, 0, (struct sockaddr *)&ss, slen);
	error = done(sent);
	reply(j, "%ld %u", sent, crc32_add(0, buf, len));
	free(buf);
	return error;
}

/* recvfrom FD: length, checksum, sender */
static int
verb_recvfrom(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t slen = sizeof(ss);
	uint8_t *buf = malloc(CHUNK);
	char text[80];
	long got;
	int error;

	if (buf == NULL)
		return ENOMEM;
	got = rump_sys_recvfrom((int)arg_num(j, 0), buf, CHUNK, 0, (struct sockaddr *)&ss, &slen);
	error = done(got);
	if (error == 0) {
		addr_format(&ss, text, sizeof(text));
		reply(j, "%ld %u %s", got, crc32_add(0, buf, (size_t)got), text);
	}
	free(buf);
	return error;
}

/* recv FD SIZE FLAGS: what came, in hex */
static int
verb_recv(struct job *j)
{
	uint8_t buf[2048];
	size_t size = (size_t)arg_num(j, 1);
	long got;

	got = rump_sys_recvfrom((int)arg_num(j, 0), buf, size < sizeof(buf) ? size : sizeof(buf),
	    (int)arg_num(j, 2), NULL, NULL);
	for (long i = 0; i < got; i++)
		reply(j, "%02x", buf[i]);
	return done(got);
}

/* name FD: our end; peername FD: the other */
static int
verb_name(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char text[80];

	if (rump_sys_getsockname((int)arg_num(j, 0), (struct sockaddr *)&ss, &len) != 0)
		return errno;
	addr_format(&ss, text, sizeof(text));
	reply(j, "%s", text);
	return 0;
}

static int
verb_nonblock(struct job *j)
{
	return done(rump_sys_fcntl((int)arg_num(j, 0), F_SETFL, O_NONBLOCK));
}

const struct verb verbs_socket[] = {
	{ "socket", 2, verb_socket }, { "bind", 3, verb_bind }, { "listen", 2, verb_listen },
	{ "connect", 3, verb_connect }, { "accept", 1, verb_accept },
	{ "shutdown", 2, verb_shutdown }, { "close", 1, verb_close }, { "setopt", 4, verb_setopt },
	{ "getopt", 3, verb_getopt }, { "linger", 2, verb_linger },
	{ "sockerror", 1, verb_sockerror }, { "poll", 3, verb_poll }, { "send", 3, verb_send },
	{ "sendto", 4, verb_sendto }, { "recvfrom", 1, verb_recvfrom }, { "recv", 3, verb_recv },
	{ "name", 1, verb_name }, { "nonblock", 1, verb_nonblock },
	{ NULL, 0, NULL },
};
