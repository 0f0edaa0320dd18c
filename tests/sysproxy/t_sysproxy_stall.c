/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sysproxy_stall.c - clients that stop in the middle of a call
 *
 * The server asks a client for memory, and the client never answers.  Whatever the
 * call had got hold of until then, others go on with the same files, folders,
 * pipes and sockets.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <asm/unistd.h>
#include <rump/rump_syscalls.h>

#include "harness.h"
#include "raw.h"
#include "start.h"

#define QUESTIONS_MAX	12

struct stall {
	const char	*st_name;
	/* A call that asks for memory; the descriptors are those of prepare(). */
	void		(*st_call)(struct rawclient *rc);
};

static char buf[8192] = "data of the client that stalls";
static char path_file[] = "/file", path_fifo[] = "/fifo", path_dir[] = "/", path_new[] = "/new",
    path_moved[] = "/moved";
static struct sockaddr_un sun_addr = { .sun_family = AF_UNIX, .sun_path = "/sock" };
static struct stat st_buf;
static struct pollfd pfd_buf[2];
static int fd_file, fd_dir, fd_fifo, fd_sock, fd_pair[2], fd_ep;

#define A(x)	((unsigned long)(x))

static void
prepare(struct rawclient *rc)
{
	fd_file = (int)raw_syscall(rc, __NR_openat, A(AT_FDCWD), A(path_file), O_RDWR | O_CREAT, 0666);
	fd_dir = (int)raw_syscall(rc, __NR_openat, A(AT_FDCWD), A(path_dir), O_RDONLY, 0);
	fd_fifo = (int)raw_syscall(rc, __NR_openat, A(AT_FDCWD), A(path_fifo), O_RDWR | O_NONBLOCK, 0);
	fd_sock = (int)raw_syscall(rc, __NR_socket, AF_UNIX, SOCK_DGRAM, 0, 0);
	NEED(fd_file >= 0 && fd_dir >= 0 && fd_fifo >= 0 && fd_sock >= 0);
	NEED(raw_syscall(rc, __NR_connect, A(fd_sock), A(&sun_addr), sizeof(sun_addr), 0) == 0);
	NEED(raw_syscall(rc, __NR_write, A(fd_file), A(buf), sizeof(buf), 0) == sizeof(buf));
	NEED(raw_syscall(rc, __NR_lseek, A(fd_file), 0, SEEK_SET, 0) == 0);
	NEED(raw_syscall(rc, __NR_write, A(fd_fifo), A(buf), 100, 0) == 100);
	NEED(raw_syscall(rc, __NR_socketpair, AF_UNIX, SOCK_STREAM, 0, A(fd_pair)) == 0);
	NEED(raw_syscall(rc, __NR_write, A(fd_pair[0]), A(buf), 100, 0) == 100);
	fd_ep = (int)raw_syscall(rc, __NR_epoll_create1, 0, 0, 0, 0);
	NEED(fd_ep >= 0);
}

static void
do_write(struct rawclient *rc)
{
	raw_call(rc, __NR_write, A(fd_file), A(buf), sizeof(buf), 0);
}

static void
do_append(struct rawclient *rc)
{
	(void)raw_syscall(rc, __NR_lseek, A(fd_file), 0, SEEK_END, 0);
	raw_call(rc, __NR_write, A(fd_file), A(buf), sizeof(buf), 0);
}

static void
do_read(struct rawclient *rc)
{
	raw_call(rc, __NR_pread64, A(fd_file), A(buf), sizeof(buf), 0);
}

static void
do_list(struct rawclient *rc)
{
	raw_call(rc, __NR_getdents64, A(fd_dir), A(buf), sizeof(buf), 0);
}

static void
do_fifo_write(struct rawclient *rc)
{
	raw_call(rc, __NR_write, A(fd_fifo), A(buf), 100, 0);
}

static void
do_fifo_read(struct rawclient *rc)
{
	raw_call(rc, __NR_read, A(fd_fifo), A(buf), 50, 0);
}

static void
do_send(struct rawclient *rc)
{
	raw_call(rc, __NR_write, A(fd_sock), A(buf), 100, 0);
}

static void
do_recv(struct rawclient *rc)
{
	raw_call(rc, __NR_read, A(fd_pair[1]), A(buf), 50, 0);
}

static void
do_open(struct rawclient *rc)
{
	raw_call(rc, __NR_openat, A(AT_FDCWD), A(path_new), O_RDWR | O_CREAT, 0666);
}

static void
do_rename(struct rawclient *rc)
{
	raw_call(rc, __NR_rename, A(path_new), A(path_moved), 0, 0);
}

static void
do_stat(struct rawclient *rc)
{
	raw_call(rc, __NR_stat, A(path_file), A(&st_buf), 0, 0);
}

static void
do_poll(struct rawclient *rc)
{
	pfd_buf[0] = (struct pollfd){ .fd = fd_fifo, .events = POLLIN };
	pfd_buf[1] = (struct pollfd){ .fd = fd_sock, .events = POLLOUT };
	raw_call(rc, __NR_poll, A(pfd_buf), 2, 1000, 0);
}

static void
do_epoll(struct rawclient *rc)
{
	raw_call(rc, __NR_epoll_ctl, A(fd_ep), 1, A(fd_fifo), A(buf));
}

static void
do_name(struct rawclient *rc)
{
	static socklen_t len = sizeof(sun_addr);

	raw_call(rc, __NR_getpeername, A(fd_sock), A(&sun_addr), A(&len), 0);
}

static void
do_getcwd(struct rawclient *rc)
{
	raw_call(rc, __NR_getcwd, A(buf), sizeof(buf), 0, 0);
}

static void
do_ioctl(struct rawclient *rc)
{
	raw_call(rc, __NR_ioctl, A(fd_sock), 0x541b /* FIONREAD */, A(buf), 0);
}

static void
do_mount(struct rawclient *rc)
{
	raw_call(rc, __NR_statfs, A(path_dir), A(buf), 0, 0);
}

static void
do_truncate(struct rawclient *rc)
{
	raw_call(rc, __NR_truncate, A(path_file), 100, 0, 0);
}

static const struct stall stalls[] = {
	{ "write", do_write }, { "append", do_append }, { "read", do_read },
	{ "getdents", do_list }, { "write to a fifo", do_fifo_write },
	{ "read from a fifo", do_fifo_read }, { "send", do_send }, { "receive", do_recv },
	{ "open", do_open }, { "rename", do_rename }, { "stat", do_stat }, { "poll", do_poll },
	{ "epoll_ctl", do_epoll }, { "getpeername", do_name }, { "getcwd", do_getcwd },
	{ "ioctl", do_ioctl }, { "statfs", do_mount }, { "truncate", do_truncate },
};

/* All that the others may want to do with what the stalled call has to do with. */
static bool
works(void *arg)
{
	char data[100], dents[4096];
	int fd, fifo, s, d;

	fd = rump_sys_open(path_file, O_RDWR, 0);
	d = rump_sys_open("/", O_RDONLY, 0);
	fifo = rump_sys_open(path_fifo, O_RDWR | O_NONBLOCK, 0);
	s = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0 || d < 0 || fifo < 0 || s < 0)
		return false;
	if (rump_sys_pread(fd, data, sizeof(data), 0) < 0 ||
	    rump_sys_pwrite(fd, "other", 5, 4096) != 5 || rump_sys_ftruncate(fd, 9000) != 0 ||
	    rump_sys_fstat(fd, &st_buf) != 0 || rump_sys_fsync(fd) != 0)
		return false;
	if (rump_sys_getdents64(d, dents, sizeof(dents)) <= 0)
		return false;
	if (rump_sys_write(fifo, "x", 1) != 1 || rump_sys_read(fifo, data, 1) != 1)
		return false;
	if (rump_sys_sendto(s, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&sun_addr,
	    sizeof(sun_addr)) != 1)
		return false;
	(void)rump_sys_unlink("/other");
	if (rump_sys_mkdir("/folder", 0700) != 0 || rump_sys_rename("/folder", "/folder2") != 0 ||
	    rump_sys_rmdir("/folder2") != 0)
		return false;
	return rump_sys_close(fd) == 0 && rump_sys_close(d) == 0 && rump_sys_close(fifo) == 0;
}

/* Who has the names that are used: a client that is there all the time. */
static void
name_things(struct rawclient *rc)
{
	int s;

	NEED(raw_syscall(rc, __NR_mknod, A(path_fifo), S_IFIFO | 0666, 0, 0) == 0);
	s = (int)raw_syscall(rc, __NR_socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, 0);
	NEED(s >= 0 && raw_syscall(rc, __NR_bind, A(s), A(&sun_addr), sizeof(sun_addr), 0) == 0);
	fd_sock = s;
}

static void
drain(struct rawclient *rc, int s)
{
	while (raw_syscall(rc, __NR_read, A(s), A(buf), 1, 0) > 0)
		continue;
}

/* False: the call had no such question. */
static bool
stall_at(const struct spserver *ss, const struct stall *st, unsigned int question)
{
	struct rawclient rc;
	bool asked = true;

	raw_open(ss, &rc);
	prepare(&rc);
	st->st_call(&rc);
	for (unsigned int i = 0; asked && i <= question; i++) {
		NEED(raw_wait(&rc));
		asked = rc.rc_slot->sl_msg.m_type != SP_REPLY;
		if (asked && i < question)
			asked = raw_answer(&rc);
	}
	if (asked && !CHECK(honest_does(ss, works, NULL)))
		harness_note("%s, stalled at question %u", st->st_name, question);
	raw_close(&rc);
	return asked;
}

TEST_WITH(a_client_that_stalls_in_a_call_holds_up_nobody, .ht_flags = HARNESS_SIDE,
    .ht_seconds = 120)
{
	struct spserver ss;
	struct rawclient owner;
	unsigned int n = 0;
	int s;

	spserver_start(&ss);
	raw_open(&ss, &owner);
	name_things(&owner);
	s = fd_sock;
	for (size_t i = 0; i < ARRAY_SIZE(stalls); i++) {
		for (unsigned int q = 0; q < QUESTIONS_MAX; q++) {
			if (!stall_at(&ss, &stalls[i], q))
				break;
			n++;
			drain(&owner, s);
		}
	}
	CHECK(n >= ARRAY_SIZE(stalls));
	raw_close(&owner);
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}
