/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_lent.c - descriptors of the host that clients send through a server's local sockets
 *
 * Whatever they are and whoever dies, they arrive or are closed, the server has in the end what
 * it had, and nobody waits for a close.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "raw.h"
#include "start.h"

/* --- what the server has ------------------------------------------------------------------ */

static unsigned int
server_fds(const struct spserver *ss)
{
	char path[64];
	unsigned int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)ss->ss_pid);
	dir = opendir(path);
	NEED(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* The test's time limit ends it. */
static void
settle(const struct spserver *ss, unsigned int fds)
{
	while (server_fds(ss) > fds)
		sched_yield();
}

static void
client_start(struct spserver *ss)
{
	spserver_start(ss);
	NEED(rumpclient_connect(ss->ss_url) == 0);
	NEED(rump_sys_getpid() > 0);
}

/* --- messages of the kernel ------------------------------------------------------------------ */

union room {
	struct cmsghdr	 align;
	char		 room[CMSG_SPACE(253 * sizeof(int))];
};

static ssize_t
send_right(int s, int r)
{
	union room room = { { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (char[]){ 'x' }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room,
	    .msg_controllen = CMSG_SPACE(sizeof(int)) };

	memcpy(CMSG_DATA(&room.align), &r, sizeof(r));
	return rump_sys_sendmsg(s, &m, 0);
}

static int
recv_right(int s, int flags)
{
	union room room;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room,
	    .msg_controllen = sizeof(room) };
	int r;

	if (rump_sys_recvmsg(s, &m, flags) != 1 || m.msg_controllen < CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&r, CMSG_DATA(&room.align), sizeof(r));
	return r;
}

/* fd goes into the socket, and belongs to nobody else in this kernel. */
static int
lend_into(int s, int fd)
{
	int r = rumpclient_lend(fd);

	if (r < 0)
		return r;
	CHECK_EQ("send", 1, send_right(s, r));
	CHECK_EQ("close", 0, rump_sys_close(r));
	return 0;
}

/* The other end of this pipe is closed everywhere, now or soon. */
static void
ends(int fd)
{
	char byte;

	CHECK_EQ("the end", 0, read(fd, &byte, 1));
}

/* --- there and back ---------------------------------------------------------------------------- */

TEST(a_descriptor_of_the_host_goes_through_the_kernel)
{
	unsigned int fds;
	int p[2], sv[2], r, fd;
	struct spserver ss;
	char buf[8];

	client_start(&ss);
	NEED(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0 && pipe(p) == 0);
	fds = server_fds(&ss);
	CHECK_EQ("lend", 0, lend_into(sv[0], p[1]));
	close(p[1]);
	CHECK_EQ("it has it", fds + 1, server_fds(&ss));
	r = recv_right(sv[1], 0);
	fd = rumpclient_fetch(r);
	NEED(r >= 0 && fd >= 0);
	CHECK_EQ("closes on exec", FD_CLOEXEC, fcntl(fd, F_GETFD));
	CHECK_EQ("write", 3, write(fd, "abc", 3));
	CHECK_EQ("read", 3, read(p[0], buf, sizeof(buf)));
	CHECK_EQ("close", 0, close(fd));
	CHECK_EQ("close", 0, rump_sys_close(r));
	ends(p[0]);
	settle(&ss, fds);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(one_that_is_under_way_can_be_peeked_at_and_lives_on)
{
	int p[2], sv[2], r[2], fd[2];
	struct spserver ss;

	client_start(&ss);
	NEED(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0 && pipe(p) == 0);
	CHECK_EQ("lend", 0, lend_into(sv[0], p[1]));
	close(p[1]);
	r[0] = recv_right(sv[1], MSG_PEEK);
	r[1] = recv_right(sv[1], 0);
	for (int i = 0; i < 2; i++) {
		fd[i] = rumpclient_fetch(r[i]);
		NEED(fd[i] >= 0);
		CHECK_EQ("close", 0, rump_sys_close(r[i]));
		CHECK_EQ("write", 1, write(fd[i], "x", 1));
	}
	CHECK_EQ("a file of the kernel", -EINVAL, rumpclient_fetch(sv[0]));
	CHECK_EQ("no descriptor", -EBADF, rumpclient_fetch(r[0]));
	CHECK_EQ("none of the host", -EBADF, rumpclient_lend(999));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(it_can_be_closed_and_nothing_else)
{
	int p[2], r;
	struct spserver ss;
	char buf[8];
	struct pollfd pfd = { .events = POLLIN };

	client_start(&ss);
	NEED(pipe(p) == 0 && write(p[1], "abc", 3) == 3);
	r = rumpclient_lend(p[0]);
	NEED(r >= 0);
	CHECK_EQ("read", -1, rump_sys_read(r, buf, sizeof(buf)));
	CHECK_EQ("errno", EBADF, errno);
	CHECK_EQ("write", -1, rump_sys_write(r, buf, 1));
	CHECK_EQ("errno", EBADF, errno);
	pfd.fd = r;
	CHECK_EQ("poll", 1, rump_sys_poll(&pfd, 1, 0));
	CHECK_EQ("what", POLLNVAL, pfd.revents);
	CHECK_EQ("ioctl", -1, rump_sys_ioctl(r, 0x541b, buf));
	CHECK_EQ("lseek", -1, rump_sys_lseek(r, 0, SEEK_SET));
	CHECK_EQ("close", 0, rump_sys_close(r));
	CHECK_EQ("nobody has touched it", 3, read(p[0], buf, sizeof(buf)));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- who dies ------------------------------------------------------------------------------------ */

TEST(what_nobody_receives_is_closed)
{
	unsigned int fds;
	int p[2], sv[2];
	struct spserver ss;

	client_start(&ss);
	NEED(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	fds = server_fds(&ss);
	NEED(pipe(p) == 0);
	CHECK_EQ("lend", 0, lend_into(sv[0], p[1]));
	close(p[1]);
	CHECK_EQ("close", 0, rump_sys_close(sv[0]));
	CHECK_EQ("close", 0, rump_sys_close(sv[1]));
	ends(p[0]);
	settle(&ss, fds);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* A ring of two sockets, each in the other's queue, with the host's behind them. */
TEST(one_in_a_ring_that_nobody_can_reach_is_closed)
{
	int p[2], a[2], b[2];
	struct spserver ss;

	client_start(&ss);
	NEED(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0 &&
	    rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, b) == 0 && pipe(p) == 0);
	CHECK_EQ("lend", 0, lend_into(a[0], p[1]));
	close(p[1]);
	CHECK_EQ("ring", 1, send_right(a[0], b[1]));
	CHECK_EQ("ring", 1, send_right(b[0], a[1]));
	/* The end of a socket has the others looked at, so those come last that do end. */
	for (int i = 1; i >= 0; i--)
		CHECK(rump_sys_close(a[i]) == 0 && rump_sys_close(b[i]) == 0);
	ends(p[0]);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

static void
floods(const struct spserver *ss, struct rawclient *rc, int fd)
{
	struct sp_ctl ctl = { .c_op = SP_LEND, .c_seq = 1 };
	union room room = { { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { &ctl, sizeof(ctl) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room,
	    .msg_controllen = CMSG_SPACE(sizeof(int)) };

	raw_open(ss, rc);
	memcpy(CMSG_DATA(&room.align), &fd, sizeof(fd));
	for (int i = 0; i < 200; i++)
		(void)sendmsg(rc->rc_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* Half a message with one, too. */
	iov.iov_len = 7;
	(void)sendmsg(rc->rc_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

TEST(a_client_that_floods_and_dies_leaves_nothing)
{
	unsigned int fds;
	struct rawclient rc;
	struct spserver ss;
	int p[2];

	spserver_start(&ss);
	honest(&ss);
	fds = server_fds(&ss);
	for (int i = 0; i < 10; i++) {
		NEED(pipe(p) == 0);
		floods(&ss, &rc, p[1]);
		close(p[1]);
		raw_close(&rc);
		ends(p[0]);
		close(p[0]);
		honest(&ss);
	}
	settle(&ss, fds);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(a_user_lends_no_more_than_he_may)
{
	unsigned int fds;
	struct spserver ss;
	int p[2], r[8];

	spserver_start_with(&ss, "sysproxy.maxlent=8");
	NEED(rumpclient_connect(ss.ss_url) == 0 && pipe(p) == 0);
	(void)rump_sys_getpid();
	fds = server_fds(&ss);
	for (int i = 0; i < 8; i++) {
		r[i] = rumpclient_lend(p[1]);
		CHECK(r[i] >= 0);
	}
	CHECK_EQ("one more", -ETOOMANYREFS, rumpclient_lend(p[1]));
	for (int i = 0; i < 8; i++)
		CHECK_EQ("close", 0, rump_sys_close(r[i]));
	/* It counts until it is really closed. */
	settle(&ss, fds);
	while ((r[0] = rumpclient_lend(p[1])) == -ETOOMANYREFS)
		sched_yield();
	CHECK(r[0] >= 0);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- who is held up --------------------------------------------------------------------------------- */

/* A connection with data that nobody acknowledges, and which waits for that when it is closed. */
static int
lingering(int *ret_peer)
{
	const struct linger l = { 1, 1000 };
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	static char data[1 << 16];
	int ls = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);

	NEED(bind(ls, (struct sockaddr *)&sin, len) == 0 && listen(ls, 1) == 0 &&
	    getsockname(ls, (struct sockaddr *)&sin, &len) == 0 &&
	    connect(s, (struct sockaddr *)&sin, len) == 0);
	*ret_peer = accept(ls, NULL, NULL);
	NEED(*ret_peer != -1);
	close(ls);
	while (send(s, data, sizeof(data), MSG_DONTWAIT) > 0)
		continue;
	NEED(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
	return s;
}

static void
lends_and_dies(const struct spserver *ss, int fd, bool flood, int said, int go)
{
	struct rawclient rc;
	bool ok = true;
	char byte = 'x';

	if (flood)
		floods(ss, &rc, fd);
	else
		ok = rumpclient_connect(ss->ss_url) == 0 && rumpclient_lend(fd) >= 0;
	close(fd);
	ok = ok && write(said, &byte, 1) == 1 && read(go, &byte, 1) == 0;
	_exit(ok ? 0 : 1);
}

/* The server has the last descriptor of it, and nobody will ever read what it sent. */
static void
leave_it(const struct spserver *ss, bool flood)
{
	int peer, fd = lingering(&peer), said[2], go[2], status;
	char byte;
	pid_t pid;

	NEED(pipe(said) == 0 && pipe(go) == 0);
	pid = fork();
	NEED(pid != -1);
	if (pid == 0) {
		close(go[1]);
		lends_and_dies(ss, fd, flood, said[1], go[0]);
	}
	close(said[1]);
	NEED(read(said[0], &byte, 1) == 1);
	close(fd);
	close(go[1]);
	NEED(waitpid(pid, &status, 0) == pid);
	CHECK_EQ("lender", 0, status);
}

/* Closing it takes a quarter of an hour. */
TEST(a_close_that_takes_long_holds_up_nobody)
{
	struct spserver ss;

	spserver_start(&ss);
	for (int i = 0; i < 4; i++) {
		leave_it(&ss, i % 2 == 0);
		honest(&ss);
	}
	spserver_kill(&ss);
}

/* It would keep itself alive. */
TEST(a_client_cannot_lend_its_own_connection)
{
	struct sp_hello h;
	struct spserver ss;
	int fd;

	client_start(&ss);
	fd = raw_connect(&ss);
	CHECK_EQ("before it says hello", -EINVAL, rumpclient_lend(fd));
	hello_good(&h);
	NEED(hello_say(fd, &h, NULL) == 0);
	CHECK_EQ("after it", -EINVAL, rumpclient_lend(fd));
	close(fd);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Descriptors are asked for faster than they are taken out, by numbers right and wrong. */
TEST(answers_with_descriptors_do_not_mix)
{
	struct sp_ctl ctl[64];
	struct spserver ss;
	struct rawclient rc;
	unsigned int n = 0;
	char byte;

	spserver_start(&ss);
	raw_open(&ss, &rc);
	for (unsigned int i = 0; i < ARRAY_SIZE(ctl); i++)
		ctl[i] = (struct sp_ctl){ .c_op = i % 3 == 0 ? SP_FETCH : SP_LEND, .c_seq = i,
		    .c_arg = i };
	NEED(send(rc.rc_fd, ctl, sizeof(ctl), 0) == sizeof(ctl));
	while (n < ARRAY_SIZE(ctl)) {
		NEED(recv(rc.rc_fd, &ctl[0], sizeof(ctl[0]), MSG_WAITALL) == sizeof(ctl[0]));
		CHECK_EQ("in order", n, ctl[0].c_seq);
		CHECK_EQ("its error", n % 3 == 0 ? ESRCH : EMFILE, ctl[0].c_error);
		n++;
	}
	CHECK_EQ("no more", -1, recv(rc.rc_fd, &byte, 1, MSG_DONTWAIT));
	raw_close(&rc);
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}
