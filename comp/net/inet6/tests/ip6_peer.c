/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_peer.c - a host of ours behind somebody else's tap, told what to do line by line
 *
 * usage: ip6_peer FD MAC, commands on stdin, an answer to each on stdout
 *
 *	set NAME VALUE		a variable
 *	auto			the interface comes up and looks for routers
 *	ping ADDRESS		"answered" or the error
 *	source ADDRESS		which of our addresses would talk to it, or the error
 *	sleep MILLISECONDS	of real time: the routers' clocks are the host's
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

static char ifname[16];

static int
fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	return 1;
}

static int
address(const char *text, struct sockaddr_in6 *sin6)
{
	*sin6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(9) };
	return inet_pton(AF_INET6, text, &sin6->sin6_addr) == 1 ? 0 : EINVAL;
}

static int
ping(const char *text)
{
	struct icmp6_hdr req = { .icmp6_type = ICMP6_ECHO_REQUEST }, rep;
	struct sockaddr_in6 dst;
	struct pollfd pf;
	int fd, error = address(text, &dst);

	if (error)
		return error;
	fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	if (fd < 0)
		return errno;
	pf = (struct pollfd){ fd, POLLIN, 0 };
	if (rump_sys_sendto(fd, &req, sizeof(req), 0, (struct sockaddr *)&dst, sizeof(dst)) < 0)
		error = errno;
	else if (rump_sys_poll(&pf, 1, 2000) != 1)
		error = ETIMEDOUT;
	else if (rump_sys_recv(fd, &rep, sizeof(rep), 0) < 0)
		error = errno;
	rump_sys_close(fd);
	if (error == 0)
		printf("answered\n");
	return error;
}

static int
source(const char *text)
{
	char buf[INET6_ADDRSTRLEN];
	struct sockaddr_in6 dst;
	socklen_t len = sizeof(dst);
	int fd, error = address(text, &dst);

	if (error)
		return error;
	fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0);
	if (fd < 0)
		return errno;
	if (rump_sys_connect(fd, (struct sockaddr *)&dst, sizeof(dst)) != 0 ||
	    rump_sys_getsockname(fd, (struct sockaddr *)&dst, &len) != 0)
		error = errno;
	rump_sys_close(fd);
	if (error == 0)
		printf("%s\n", inet_ntop(AF_INET6, &dst.sin6_addr, buf, sizeof(buf)));
	return error;
}

static int
done(int error)
{
	if (error == 0)
		printf("done\n");
	return error;
}

static int
command(char *line)
{
	char *word[3] = { NULL }, *save = NULL;
	struct timespec ts;
	long ms;

	for (int i = 0; i < 3; i++)
		word[i] = strtok_r(i == 0 ? line : NULL, " \n", &save);
	if (word[0] == NULL)
		return EINVAL;
	if (strcmp(word[0], "auto") == 0)
		return done(rump_pub_netconfig_auto_ipv6(ifname));
	if (word[1] == NULL)
		return EINVAL;
	if (strcmp(word[0], "ping") == 0)
		return ping(word[1]);
	if (strcmp(word[0], "source") == 0)
		return source(word[1]);
	if (strcmp(word[0], "set") == 0 && word[2] != NULL)
		return done(rump_pub_kvar_write(word[1], word[2]));
	if (strcmp(word[0], "sleep") != 0)
		return EINVAL;
	ms = strtol(word[1], NULL, 10);
	ts = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	return done(nanosleep(&ts, NULL) == 0 ? 0 : errno);
}

int
main(int argc, char **argv)
{
	char link[32], line[256];
	int error, n;

	if (argc != 3)
		return 2;
	error = rump_init();
	if (error)
		return fail("rump_init", error);
	snprintf(link, sizeof(link), "fd=%s", argv[1]);
	error = rump_pub_virtif_create(link, &n);
	if (error)
		return fail(link, error);
	snprintf(ifname, sizeof(ifname), "virt%d", n);
	error = rump_pub_netconfig_ifsetlladdr(ifname, argv[2]);
	if (error)
		return fail(argv[2], error);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		error = command(line);
		if (error)
			printf("%s\n", strerror(error));
	}
	return 0;
}
