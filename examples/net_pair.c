/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_pair.c - two hosts on one Ethernet, each a process, no root
 *
 *	cc net_pair.c -o net_pair $(pkg-config --cflags --libs rumpnet_inet rumpnet_shmif)
 *	./net_pair /tmp/bus
 *
 * The bus is a file; whoever opens it is plugged in.  The child is the host
 * 10.0.0.1 and answers: echo requests by itself, a UDP datagram and a TCP connection
 * because it asks for them.  The parent is 10.0.0.2 and tries all three.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define PORT	4000

static int
complain(const char *what, int error)
{
	fprintf(stderr, "net_pair: %s: %s\n", what, rump_strerror(error));
	return 1;
}

/* A kernel with one interface, on the bus. */
static int
host_start(const char *bus, const char *address)
{
	int error;

	error = rump_init();
	if (error == 0)
		error = rump_pub_netconfig_ifcreate("shm0");
	if (error == 0)
		error = rump_pub_netconfig_ifsetlinkstr("shm0", bus);
	if (error == 0)
		error = rump_pub_netconfig_ipv4_ifaddr_cidr("shm0", address, 24);
	return error;
}

static struct sockaddr_in
address_of(const char *text, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	(void)inet_pton(AF_INET, text, &sin.sin_addr);
	return sin;
}

/* --- the host that answers --------------------------------------------------------- */

static int
server(const char *bus, int ready)
{
	static const struct linger patience = { .l_onoff = 1, .l_linger = 10 };
	struct sockaddr_in sin = address_of("0.0.0.0", PORT), from;
	socklen_t len = sizeof(from);
	int udp, tcp, conn, error;
	char buf[100];
	ssize_t n;

	error = host_start(bus, "10.0.0.1");
	if (error)
		return complain(bus, error);
	udp = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);
	tcp = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	if (udp == -1 || tcp == -1 ||
	    rump_sys_bind(udp, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    rump_sys_bind(tcp, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    rump_sys_listen(tcp, 1) == -1)
		return complain("sockets", errno);
	if (write(ready, "", 1) != 1)		/* the other host may begin */
		return complain("pipe", errno);

	n = rump_sys_recvfrom(udp, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
	if (n == -1 || rump_sys_sendto(udp, buf, (size_t)n, 0, (struct sockaddr *)&from, len) == -1)
		return complain("UDP", errno);
	conn = rump_sys_accept(tcp, NULL, NULL);
	if (conn == -1)
		return complain("accept", errno);
	while ((n = rump_sys_recv(conn, buf, sizeof(buf), 0)) > 0) {
		if (rump_sys_send(conn, buf, (size_t)n, 0) == -1)
			return complain("send", errno);
	}
	/*
	 * This process is the host: what is still to be sent when it ends never will
	 * be.  So close waits until the other side has everything.
	 */
	if (rump_sys_setsockopt(conn, SOL_SOCKET, SO_LINGER, &patience, sizeof(patience)) == -1 ||
	    rump_sys_close(conn) == -1)
		return complain("close", errno);
	return 0;
}

/* --- the host that asks -------------------------------------------------------------- */

static int
ping(void)
{
	struct sockaddr_in to = address_of("10.0.0.1", 0);
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.sequence = htons(1) }, answer;
	int fd = rump_sys_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	if (fd == -1 ||
	    rump_sys_sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    rump_sys_recv(fd, &answer, sizeof(answer), 0) == -1)
		return complain("ping", errno);
	printf("ping: %s\n", answer.type == ICMP_ECHOREPLY ? "answered" : "something else came");
	rump_sys_close(fd);
	return answer.type != ICMP_ECHOREPLY;
}

/* Says something, and expects to hear it. */
static int
talk(int type, const char *name, const char *text)
{
	struct sockaddr_in to = address_of("10.0.0.1", PORT);
	int fd = rump_sys_socket(AF_INET, type, 0);
	char buf[100] = "";
	ssize_t n;

	if (fd == -1 || rump_sys_connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    rump_sys_send(fd, text, strlen(text), 0) == -1)
		return complain(name, errno);
	if (type == SOCK_STREAM && rump_sys_shutdown(fd, SHUT_WR) == -1)
		return complain(name, errno);
	n = rump_sys_recv(fd, buf, strlen(text), MSG_WAITALL);
	if (n == -1)
		return complain(name, errno);
	printf("%s: %s\n", name, buf);
	rump_sys_close(fd);
	return strcmp(buf, text) != 0;
}

static int
client(const char *bus)
{
	int error = host_start(bus, "10.0.0.2");

	if (error)
		return complain(bus, error);
	return ping() || talk(SOCK_DGRAM, "UDP", "a datagram came back") ||
	    talk(SOCK_STREAM, "TCP", "a stream came back");
}

int
main(int argc, char **argv)
{
	int ready[2], status;
	pid_t child;
	char byte;

	if (argc != 2) {
		fprintf(stderr, "usage: net_pair BUS\n");
		return 2;
	}
	/* A kernel does not survive a fork: first the processes, then the kernels. */
	if (pipe(ready) == -1 || (child = fork()) == -1)
		return complain("fork", errno);
	if (child == 0)
		_exit(server(argv[1], ready[1]));
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	if (client(argv[1]) != 0)
		return 1;
	fflush(stdout);
	if (waitpid(child, &status, 0) == -1 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}
