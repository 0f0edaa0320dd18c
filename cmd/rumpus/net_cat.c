/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_cat.c - rumpus net cat: standard input and output, across the network
 *
 * Two threads, one a direction, since the host's descriptors and the kernel's
 * cannot be waited for in one call.  The end of the input is the end of what we
 * send; it is over when the other side has ended too, and has all we sent: this
 * process is the host, nobody goes on sending when it is gone.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "net.h"

static const struct option options[] = { NET_OPTIONS };

#define PIECE		65536

struct cat {
	bool		 c_listen, c_udp;
	int		 c_family;
	unsigned long	 c_port;	/* ours */
	double		 c_wait;	/* UDP: seconds of silence after the end of the input */
	int		 c_fd;
	bool		 c_bound;	/* UDP: nobody to send to until somebody was heard */
	bool		 c_inputover;
	int		 c_error;
};

static void *
copy_out(void *arg)
{
	struct cat *c = arg;
	char *buf = malloc(PIECE);
	ssize_t n = 0, done, sent;

	while (buf != NULL && c->c_error == 0 &&
	    (n = read(STDIN_FILENO, buf, c->c_udp ? 1400 : PIECE)) > 0) {
		for (done = 0; done < n; done += sent) {
			sent = rump_sys_send(c->c_fd, buf + done, (size_t)(n - done), MSG_NOSIGNAL);
			if (sent == -1) {
				c->c_error = errno;
				break;
			}
		}
	}
	__atomic_store_n(&c->c_inputover, true, __ATOMIC_RELEASE);
	if (!c->c_udp)
		(void)rump_sys_shutdown(c->c_fd, SHUT_WR);
	free(buf);
	return NULL;
}

static int
write_all(const char *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = write(STDOUT_FILENO, buf, len);
		if (n == -1)
			return errno;
	}
	return 0;
}

/* The first who speaks to a listening UDP socket is who we speak with. */
static int
udp_adopt(struct cat *c)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char byte;

	if (rump_sys_recvfrom(c->c_fd, &byte, 1, MSG_PEEK, (struct sockaddr *)&from, &len) == -1 ||
	    rump_sys_connect(c->c_fd, (struct sockaddr *)&from, len) == -1)
		return net_fail("cat", "receive");
	return EX_DONE;
}

static int
copy_in(struct cat *c)
{
	char *buf = malloc(PIECE);
	double silent = 0;
	int error = 0, code = EX_DONE;
	ssize_t n;

	if (buf == NULL)
		return complain("cat", "receive", ENOMEM);
	while (!net_stopped()) {
		/* With UDP nobody says that it is over: silence does. */
		if (net_wait(c->c_fd, POLLIN, c->c_udp ? 100 : -1) == 0) {
			silent += 0.1;
			if (c->c_udp && __atomic_load_n(&c->c_inputover, __ATOMIC_ACQUIRE) &&
			    silent >= c->c_wait)
				break;
			continue;
		}
		silent = 0;
		n = rump_sys_recv(c->c_fd, buf, PIECE, MSG_DONTWAIT);
		if (n == 0 && !c->c_udp)
			break;
		if (n == -1 && errno == EAGAIN)
			continue;
		if (n == -1) {
			code = net_fail("cat", "receive");
			break;
		}
		error = write_all(buf, (size_t)n);
		if (error) {
			code = complain("standard output", "write", error);
			break;
		}
	}
	free(buf);
	return code;
}

static int
cat_listen(struct cat *c)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)c->c_port) };
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)c->c_port) };
	bool v6 = c->c_family == AF_INET6;
	int fd, one = 1, conn = -1;

	fd = rump_sys_socket(v6 ? AF_INET6 : AF_INET, c->c_udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd == -1)
		return net_fail("cat", "open a socket");
	(void)rump_sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (rump_sys_bind(fd, v6 ? (struct sockaddr *)&any6 : (struct sockaddr *)&any,
	    v6 ? sizeof(any6) : sizeof(any)) == -1)
		return net_fail("cat", "bind");
	fputs("listening\n", stderr);
	c->c_fd = fd;
	if (c->c_udp) {
		while (!net_stopped() && net_wait(fd, POLLIN, -1) == 0)
			continue;
		return net_stopped() ? EX_NOMATCH : udp_adopt(c);
	}
	if (rump_sys_listen(fd, 1) == -1)
		return net_fail("cat", "listen");
	while (!net_stopped() && conn == -1) {
		if (net_wait(fd, POLLIN, -1) != 0)
			conn = rump_sys_accept(fd, NULL, NULL);
	}
	rump_sys_close(fd);
	c->c_fd = conn;
	return conn == -1 ? EX_NOMATCH : EX_DONE;
}

static int
cat_connect(struct cat *c, const char *host, const char *port)
{
	struct sockaddr_storage to;
	socklen_t len;
	unsigned long n;
	int code;

	if (!net_number(port, 65535, &n) || n == 0)
		return usage_error("'%s' is no port", port);
	code = net_target(host, (uint16_t)n, c->c_family, &to, &len);
	if (code != EX_DONE)
		return code;
	c->c_fd = rump_sys_socket(to.ss_family, c->c_udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (c->c_fd == -1 || rump_sys_connect(c->c_fd, (struct sockaddr *)&to, len) == -1)
		return net_fail(host, "connect");
	return EX_DONE;
}

static int
cat_run(struct cat *c)
{
	static const struct linger patience = { .l_onoff = 1, .l_linger = 30 };
	pthread_t thread;
	int code;

	if (pthread_create(&thread, NULL, copy_out, c) != 0)
		return complain("cat", "start a thread", EAGAIN);
	code = copy_in(c);
	/* Only Ctrl-C ends what waits for a keyboard. */
	while (!net_stopped() && code == EX_DONE && !c->c_udp &&
	    !__atomic_load_n(&c->c_inputover, __ATOMIC_ACQUIRE))
		(void)net_wait(-1, 0, 50);
	pthread_detach(thread);
	if (!c->c_udp)
		(void)rump_sys_setsockopt(c->c_fd, SOL_SOCKET, SO_LINGER, &patience, sizeof(patience));
	if (code == EX_DONE && c->c_error != 0 && c->c_error != EPIPE)
		code = complain("cat", "send", c->c_error);
	return code;
}

int
net_cat(int argc, char **argv)
{
	/* The thread may outlive us by an instant. */
	static struct cat c;
	int opt, code, want;

	c = (struct cat){ .c_wait = 1, .c_fd = -1 };
	while ((opt = getopt_long(argc, argv, "46lup:w:", options, NULL)) != -1) {
		if (opt == '4' || opt == '6')
			c.c_family = opt == '4' ? AF_INET : AF_INET6;
		else if (opt == 'l')
			c.c_listen = true;
		else if (opt == 'u')
			c.c_udp = true;
		else if (opt == 'p' && net_number(optarg, 65535, &c.c_port))
			continue;
		else if (opt == 'w' && net_duration(optarg, &c.c_wait))
			continue;
		else if (opt == 'p' || opt == 'w')
			return usage_error("-%c: '%s' makes no sense", opt, optarg);
		else if ((code = net_option(opt)) != -1)
			return code;
	}
	want = c.c_listen ? 0 : 2;
	if (c.c_listen && c.c_port == 0 && optind == argc - 1 &&
	    net_number(argv[optind], 65535, &c.c_port))
		optind++;
	if (optind != argc - want || (c.c_listen && c.c_port == 0))
		return usage_error(c.c_listen ? "cat -l: which port?" : "cat: an address and a port");
	code = net_boot();
	if (code == EX_DONE)
		code = c.c_listen ? cat_listen(&c) : cat_connect(&c, argv[optind], argv[optind + 1]);
	if (code == EX_DONE)
		code = cat_run(&c);
	if (c.c_fd != -1)
		rump_sys_close(c.c_fd);
	note_failure(code);
	return code;
}
