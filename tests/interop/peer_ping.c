/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * peer_ping.c - echo requests through ping sockets
 */

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "peer.h"

#define HEADER		8

static void
request_make(uint8_t *buf, size_t len, bool ip6, uint16_t seq)
{
	memset(buf, 0, HEADER);
	buf[0] = ip6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	buf[6] = (uint8_t)(seq >> 8);
	buf[7] = (uint8_t)seq;
	for (size_t i = HEADER; i < len; i++)
		buf[i] = (uint8_t)(i * 13 + seq);
}

/* One request and its answer.  ETIMEDOUT; EBADMSG: not what was sent. */
static int
ping_once(int fd, uint8_t *buf, uint8_t *back, size_t len, bool ip6, uint16_t seq)
{
	struct timespec ts = { 5, 0 };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	request_make(buf, len, ip6, seq);
	if (rump_sys_sendto(fd, buf, len, 0, NULL, 0) != (ssize_t)len)
		return errno;
	if (rump_sys_ppoll(&pfd, 1, &ts, NULL) != 1)
		return ETIMEDOUT;
	n = rump_sys_recvfrom(fd, back, len + 1, 0, NULL, NULL);
	if (n < 0)
		return errno;
	return n == (ssize_t)len && back[0] == (ip6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
	    memcmp(buf + 6, back + 6, len - 6) == 0 ? 0 : EBADMSG;
}

/* ping ADDR BYTES COUNT: bytes of payload, as ping(8) counts; says how many came back */
static int
verb_ping(struct job *j)
{
	struct sockaddr_storage ss;
	socklen_t slen = addr_parse(arg(j, 0), 0, &ss);
	bool ip6 = ss.ss_family == AF_INET6;
	size_t len = (size_t)arg_num(j, 1) + HEADER;
	uint8_t *buf = malloc(len), *back = malloc(len + 1);
	int fd, error = 0;
	long good = 0;

	fd = rump_sys_socket(ss.ss_family, SOCK_DGRAM, ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (fd < 0 || buf == NULL || back == NULL ||
	    rump_sys_connect(fd, (struct sockaddr *)&ss, slen) != 0)
		error = errno;
	for (long i = 0; i < arg_num(j, 2) && (error == 0 || error == ETIMEDOUT); i++) {
		error = ping_once(fd, buf, back, len, ip6, (uint16_t)i);
		good += error == 0;
	}
	if (fd >= 0)
		(void)rump_sys_close(fd);
	free(buf);
	free(back);
	reply(j, "%ld", good);
	return good > 0 ? 0 : error;
}

const struct verb verbs_ping[] = {
	{ "ping", 3, verb_ping },
	{ NULL, 0, NULL },
};
