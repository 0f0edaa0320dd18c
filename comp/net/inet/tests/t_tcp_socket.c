/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_socket.c - TCP as a client sees it, over the loopback
 */

#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <harness.h>

#define ERR(call)	((call) == -1 ? errno : 0)

static struct sockaddr_in
loopback(unsigned int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int
listener(unsigned int port, int backlog)
{
	struct sockaddr_in sin = loopback(port);
	int fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);

	NEED(fd >= 0);
	CHECK_EQ("bind", 0, ERR(rump_sys_bind(fd, (struct sockaddr *)&sin, sizeof(sin))));
	CHECK_EQ("listen", 0, ERR(rump_sys_listen(fd, backlog)));
	return fd;
}

static void
make_pair(int fd[2])
{
	struct sockaddr_in sin = loopback(7001);
	int lfd = listener(7001, 4);

	fd[0] = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	NEED(fd[0] >= 0);
	CHECK_EQ("connect", 0, ERR(rump_sys_connect(fd[0], (struct sockaddr *)&sin, sizeof(sin))));
	fd[1] = rump_sys_accept4(lfd, NULL, NULL, 0);
	NEED(fd[1] >= 0);
	rump_sys_close(lfd);
}

TEST_WITH(bytes_go_both_ways, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	char buf[100];
	int fd[2];

	make_pair(fd);
	CHECK_EQ("write", 5, rump_sys_write(fd[0], "hello", 5));
	CHECK_EQ("read", 5, rump_sys_read(fd[1], buf, sizeof(buf)));
	CHECK_MEM("data", "hello", buf, 5);
	CHECK_EQ("write", 3, rump_sys_write(fd[1], "abc", 3));
	CHECK_EQ("read", 3, rump_sys_read(fd[0], buf, sizeof(buf)));
	CHECK_MEM("data", "abc", buf, 3);
	rump_sys_close(fd[0]);
	CHECK_EQ("end", 0, rump_sys_read(fd[1], buf, sizeof(buf)));
	rump_sys_close(fd[1]);
}

/* socket(7), SO_PEEK_OFF. */
TEST_WITH(the_offset_of_peeks_moves_with_peeks_and_reads, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	int fd[2], off = 0;
	socklen_t len = sizeof(off);
	char buf[8];

	make_pair(fd);
	CHECK_EQ("write", 8, rump_sys_write(fd[0], "abcdefgh", 8));
	NEED(rump_sys_setsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)) == 0);
	CHECK_EQ("peek", 3, rump_sys_recvfrom(fd[1], buf, 3, MSG_PEEK, NULL, NULL));
	CHECK_MEM("peek", "abc", buf, 3);
	CHECK_EQ("read", 2, rump_sys_recvfrom(fd[1], buf, 2, 0, NULL, NULL));
	CHECK_MEM("read", "ab", buf, 2);
	CHECK_EQ("get", 0, rump_sys_getsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, &len));
	CHECK_EQ("offset", 1, off);
	CHECK_EQ("peek", 2, rump_sys_recvfrom(fd[1], buf, 2, MSG_PEEK, NULL, NULL));
	CHECK_MEM("peek", "de", buf, 2);
	CHECK_EQ("read", 5, rump_sys_recvfrom(fd[1], buf, 5, 0, NULL, NULL));
	CHECK_EQ("get", 0, rump_sys_getsockopt(fd[1], SOL_SOCKET, SO_PEEK_OFF, &off, &len));
	CHECK_EQ("offset", 0, off);
	rump_sys_close(fd[0]);
	rump_sys_close(fd[1]);
}
