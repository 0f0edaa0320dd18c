/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sp_host.c - the host's side of a server, when the host fails it
 *
 * The hypercalls for remote clients (hyper/linux/sp_*.c) do what a server does with
 * them, from its first socket to the end, while each of their system calls in
 * turn fails, with each errno that it may fail with.  They say so, close what they have
 * opened, and nothing is left behind.
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "harness.h"

#define LEN	65536

static unsigned int fail_at, calls;	/* the n-th call from now on; 0: none */
static int fail_with;
static const char *failed;

static bool
fails(const char *name)
{
	calls++;
	if (calls != fail_at)
		return false;
	failed = name;
	errno = fail_with;
	return true;
}

#define WRAP(type, name, params, args)					\
type	__real_##name params;						\
type	__wrap_##name params;						\
type									\
__wrap_##name params							\
{									\
	return fails(#name) ? -1 : __real_##name args;			\
}

WRAP(int, socket, (int a, int b, int c), (a, b, c))
WRAP(int, bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c))
WRAP(int, listen, (int a, int b), (a, b))
WRAP(int, accept4, (int a, struct sockaddr *b, socklen_t *c, int d), (a, b, c, d))
WRAP(int, getsockopt, (int a, int b, int c, void *d, socklen_t *e), (a, b, c, d, e))
WRAP(int, epoll_create1, (int a), (a))
WRAP(int, epoll_ctl, (int a, int b, int c, struct epoll_event *d), (a, b, c, d))
WRAP(int, epoll_wait, (int a, struct epoll_event *b, int c, int d), (a, b, c, d))
WRAP(int, eventfd, (unsigned int a, int b), (a, b))
WRAP(int, memfd_create, (const char *a, unsigned int b), (a, b))
WRAP(int, ftruncate64, (int a, off_t b), (a, b))
WRAP(ssize_t, recvmsg, (int a, struct msghdr *b, int c), (a, b, c))
WRAP(ssize_t, sendmsg, (int a, const struct msghdr *b, int c), (a, b, c))

/* As the C library calls them where offsets have 64 bits. */
int	__real_fcntl64(int fd, int cmd, ...);
int	__wrap_fcntl64(int fd, int cmd, ...);
void	*__real_mmap64(void *a, size_t len, int prot, int flags, int fd, off_t off);
void	*__wrap_mmap64(void *a, size_t len, int prot, int flags, int fd, off_t off);

int
__wrap_fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return fails("fcntl") ? -1 : __real_fcntl64(fd, cmd, arg);
}

void *
__wrap_mmap64(void *a, size_t len, int prot, int flags, int fd, off_t off)
{
	return fails("mmap") ? MAP_FAILED : __real_mmap64(a, len, prot, flags, fd, off);
}

/* Time stands still: nothing here waits. */
int64_t
rumpuser_clock_gettime(int clock)
{
	return 0;
}

/* There is nothing here that takes long to close. */
void
rumpuser_close_apart(int fd, void (*done)(void *arg), void *arg)
{
	(void)close(fd);
	if (done != NULL)
		done(arg);
}

static unsigned int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	NEED(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* --- the client, whom nothing fails ------------------------------------------------------- */

static char url[64];

static int
client_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *name = strchr(url, '@');
	int fd = __real_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t len = strlen(name);

	NEED(fd != -1);
	memcpy(sun.sun_path + 1, name + 1, len - 1);
	NEED(connect(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0);
	return fd;
}

static void
client_send(int fd, int passed)
{
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } room;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = room.room, .msg_controllen = sizeof(room.room) };

	memset(&room, 0, sizeof(room));
	room.align.cmsg_level = SOL_SOCKET;
	room.align.cmsg_type = SCM_RIGHTS;
	room.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&room.align), &passed, sizeof(int));
	NEED(__real_sendmsg(fd, &msg, 0) == 1);
}

/* --- what a server does ------------------------------------------------------------------------ */

static int
conn_body(struct rumpuser_spset *set, struct rumpuser_spconn *conn, int client)
{
	struct rumpuser_iov iov = { NULL, 1 };
	struct rumpuser_spevent ev[4];
	int error, fd = -1, memfd;
	size_t n = 0;
	void *ptr;
	char byte;

	error = rumpuser_spset_watch(set, conn, set, RUMPUSER_SP_READ);
	if (error)
		return error;
	client_send(client, client);
	error = rumpuser_spset_wait(set, ev, 4, 0, &n);
	if (error == 0 && n == 1)
		CHECK(ev[0].ev_cookie == set);
	if (error == 0)
		error = rumpuser_spset_watch(set, conn, set, RUMPUSER_SP_READ | RUMPUSER_SP_WRITE);
	if (error == 0)
		error = rumpuser_spconn_recv(conn, &byte, 1, &fd, &n);
	if (fd != -1)
		close(fd);
	if (error)
		return error;
	error = rumpuser_spmem_create(LEN, &memfd, &ptr);
	if (error)
		return error;
	error = rumpuser_spconn_send(conn, "y", 1, memfd, &n);
	rumpuser_spmem_discard(memfd, 0, LEN);
	rumpuser_spmem_destroy(memfd, ptr, LEN);
	iov.iov_base = &byte;
	if (error == 0)
		error = rumpuser_spconn_put(conn, &iov, 1);
	NEED(write(client, "z", 1) == 1);
	if (error == 0)
		error = rumpuser_spconn_get(conn, &iov, 1, &n);
	rumpuser_spset_wake(set);
	(void)rumpuser_spset_watch(set, conn, set, 0);
	return error;
}

static int
set_body(struct rumpuser_spset *set)
{
	struct rumpuser_spconn *conn;
	struct rumpuser_sppeer peer;
	int client, error;

	error = rumpuser_spset_listen(set, url);
	if (error)
		return error;
	client = client_connect();
	error = rumpuser_spset_accept(set, &conn, &peer);
	if (error == 0) {
		/* Without a word of the host's he is nobody. */
		CHECK(peer.sp_local ? peer.sp_uid == geteuid() : peer.sp_uid == 0);
		error = conn_body(set, conn, client);
		rumpuser_spconn_close(conn);
	}
	close(client);
	return error;
}

static int
server_body(void)
{
	struct rumpuser_spset *set;
	int error;

	error = rumpuser_spset_create(&set);
	if (error)
		return error;
	error = set_body(set);
	rumpuser_spset_destroy(set);
	return error;
}

/* Until it runs through without one. */
static void
sweep(int with)
{
	unsigned int before = open_fds(), n = 0;
	int error;

	snprintf(url, sizeof(url), "unix://@rump-test-host-%d", (int)getpid());
	do {
		failed = NULL;
		calls = 0;
		fail_at = ++n;
		fail_with = with;
		error = server_body();
		fail_at = 0;
		if (!CHECK_EQ("descriptors", before, open_fds()))
			harness_note("%s, call %u", failed, n);
		/* What is tried again, or can be done without, may succeed. */
		if (failed != NULL && error != 0 && error != with &&
		    !(error == ETIMEDOUT && with == EINTR))
			CHECK_EQ(failed, with, error);
	} while (failed != NULL && n < 1000);
	CHECK_EQ("without failures", 0, error);
	CHECK(n > 20);
}

TEST(the_host_may_run_out_of_descriptors)
{
	sweep(EMFILE);
	sweep(ENFILE);
}

TEST(the_host_may_run_out_of_memory)
{
	sweep(ENOMEM);
	sweep(ENOBUFS);
}

TEST(the_host_may_refuse)
{
	sweep(EPERM);
	sweep(EACCES);
}

TEST(the_host_may_be_interrupted)
{
	sweep(EINTR);
}
