/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_netlink.c - requests to a booted kernel that has something to lose
 *
 * The first byte says which family (route, sock_diag, generic) and which options, the rest
 * is sent as it is, and again with its header made right: a length that fits, the
 * request bit, the ports of nobody.  All answers are read to the end and walked, since
 * what we write has to be as well-formed as what we expect.
 *
 * Interfaces, addresses, routes and sockets are there, so that requests have an
 * effect; what requests make of them stays for the next ones.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(int held, const char *what)
{
	if (!held) {
		fprintf(stderr, "fuzz_netlink: %s: errno %d\n", what, errno);
		abort();
	}
}

static void
start(void)
{
	static int started;
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(99) };

	if (started)
		return;
	started = 1;
	need(rump_init() == 0, "boot");
	need(rump_pub_netconfig_ifcreate("wire0") == 0, "interface");
	need(rump_pub_netconfig_ifup("wire1") == 0, "up");
	need(rump_pub_netconfig_ipv4_ifaddr_cidr("wire0", "10.0.0.1", 24) == 0, "address");
	need(rump_pub_netconfig_ipv4_gw("10.0.0.254") == 0, "gateway");
	need(rump_sys_bind(rump_sys_socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&sin,
	    sizeof(sin)) == 0, "socket");
}

/* Every message of an answer has a length that makes sense, and attributes that fit. */
static void
look(const uint8_t *buf, size_t len)
{
	struct nlmsghdr nh;

	while (len >= sizeof(nh)) {
		memcpy(&nh, buf, sizeof(nh));
		need(nh.nlmsg_len >= sizeof(nh) && nh.nlmsg_len <= len, "an answer's length");
		if (NLMSG_ALIGN(nh.nlmsg_len) >= len)
			return;
		buf += NLMSG_ALIGN(nh.nlmsg_len);
		len -= NLMSG_ALIGN(nh.nlmsg_len);
	}
	need(len == 0, "bytes behind an answer");
}

static void
talk(int fd, const void *data, size_t len)
{
	static uint8_t answer[65536];
	ssize_t n;

	if (rump_sys_send(fd, data, len, 0) == -1)
		return;
	for (int i = 0; i < 1000; i++) {
		n = rump_sys_recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
		if (n == -1 && errno != ENOBUFS)
			return;
		if (n > 0)
			look(answer, (size_t)n);
	}
	need(0, "an answer without an end");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int families[] = { NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_GENERIC,
	    NETLINK_ROUTE };
	_Alignas(8) uint8_t message[4096];
	struct nlmsghdr nh;
	int fd, one = 1;

	start();
	if (size < 1 + sizeof(nh) || size > sizeof(message))
		return 0;
	fd = rump_sys_socket(AF_NETLINK, SOCK_RAW, families[data[0] & 3]);
	need(fd != -1, "socket");
	if ((data[0] & 4) != 0)
		(void)rump_sys_setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if ((data[0] & 8) != 0)
		(void)rump_sys_setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	memcpy(message, data + 1, size - 1);
	talk(fd, message, size - 1);
	memcpy(&nh, message, sizeof(nh));
	nh.nlmsg_len = (uint32_t)(size - 1);
	nh.nlmsg_flags |= NLM_F_REQUEST;
	memcpy(message, &nh, sizeof(nh));
	talk(fd, message, size - 1);
	rump_sys_close(fd);
	return 0;
}
