/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sysproxy.c - what a client of a server in another process sees
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "start.h"

/* A client of a server of its own. */
static void
client_start(struct spserver *ss)
{
	spserver_start(ss);
	NEED(rumpclient_connect(ss->ss_url) == 0);
}

TEST(a_client_has_a_process_of_its_own)
{
	struct spserver ss;

	client_start(&ss);
	CHECK(rumpclient_getpid() > 1);
	CHECK_EQ("getpid", rumpclient_getpid(), rump_sys_getpid());
	CHECK_EQ("getppid", 1, rump_sys_getppid());
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* What is sent through the host's sockets; here nobody but us has it. */
TEST(a_parcel_keeps_a_file_open_and_gives_it_out)
{
	struct spserver ss;
	int fd[2], parcel, r;
	char buf[8];

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	parcel = rumpclient_parcel(fd[1]);
	NEED(parcel >= 0);
	CHECK_EQ("what is no descriptor", -EBADF, rumpclient_parcel(77));
	CHECK_EQ("close", 0, rump_sys_close(fd[1]));
	r = rumpclient_unparcel(parcel);
	NEED(r >= 0);
	CHECK_EQ("again", r + 1, rumpclient_unparcel(parcel));
	CHECK_EQ("write", 3, rump_sys_write(r, "abc", 3));
	CHECK_EQ("read", 3, rump_sys_read(fd[0], buf, sizeof(buf)));
	CHECK_EQ("close", 0, rump_sys_close(r));
	CHECK_EQ("close", 0, rump_sys_close(r + 1));
	/* Only the parcel has the writing end now; the reader waits until that is gone, too. */
	CHECK_EQ("close", 0, close(parcel));
	CHECK_EQ("end", 0, rump_sys_read(fd[0], buf, sizeof(buf)));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* What goes through the kernel's; t_lent.c goes on about it. */
TEST(a_descriptor_of_the_host_is_lent_to_a_server_on_this_machine)
{
	struct spserver ss;
	int fd[2], r, again;
	char buf[8];

	client_start(&ss);
	NEED(pipe(fd) == 0);
	CHECK_EQ("what is no descriptor", -EBADF, rumpclient_lend(777));
	r = rumpclient_lend(fd[1]);
	if (strncmp(ss.ss_url, "unix", 4) != 0) {
		CHECK_EQ("elsewhere", -EOPNOTSUPP, r);
	} else {
		close(fd[1]);
		again = rumpclient_fetch(r);
		NEED(again >= 0);
		CHECK_EQ("close", 0, rump_sys_close(r));
		CHECK_EQ("write", 3, write(again, "abc", 3));
		CHECK_EQ("read", 3, read(fd[0], buf, sizeof(buf)));
		close(again);
		CHECK_EQ("end", 0, read(fd[0], buf, sizeof(buf)));
	}
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(what_is_no_parcel_has_nothing_in_it)
{
	struct spserver ss;
	int pair[2], pipefd[2];
	char noise[200] = "RUSP";

	client_start(&ss);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(pipefd) == 0);
	CHECK_EQ("a pipe", -EINVAL, rumpclient_unparcel(pipefd[0]));
	CHECK_EQ("a silent socket", -EINVAL, rumpclient_unparcel(pair[0]));
	CHECK_EQ("noise", (long)sizeof(noise), write(pair[1], noise, sizeof(noise)));
	CHECK_EQ("a socket with noise", -EINVAL, rumpclient_unparcel(pair[0]));
	CHECK_EQ("no descriptor", -EINVAL, rumpclient_unparcel(999));
	for (int i = 0; i < 2; i++)
		CHECK(close(pair[i]) == 0 && close(pipefd[i]) == 0);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(files_are_written_and_read)
{
	struct spserver ss;
	char buf[100];
	struct stat st;
	int fd;

	client_start(&ss);
	fd = rump_sys_open("/f", O_RDWR | O_CREAT, 0644);
	NEED(fd >= 0);
	CHECK_EQ("write", 5, rump_sys_write(fd, "hello", 5));
	CHECK_EQ("pread", 4, rump_sys_pread(fd, buf, sizeof(buf), 1));
	CHECK_MEM("data", "ello", buf, 4);
	memset(&st, 0xff, sizeof(st));
	CHECK_EQ("stat", 0, rump_sys_stat("/f", &st));
	CHECK_EQ("size", 5, st.st_size);
	CHECK_EQ("absent", -1, rump_sys_stat("/g", &st));
	CHECK_EQ("errno", ENOENT, errno);
	CHECK_EQ("close", 0, rump_sys_close(fd));
	CHECK_EQ("closed", -1, rump_sys_close(fd));
	CHECK_EQ("errno", EBADF, errno);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* More than rides along with a call: the rest goes piece by piece. */
TEST(large_buffers_arrive_whole)
{
	const size_t size = 3 << 20;
	unsigned char *out = malloc(size), *in = calloc(1, size);
	struct spserver ss;
	int fd;

	client_start(&ss);
	for (size_t i = 0; i < size; i++)
		out[i] = (unsigned char)(i * 2654435761u >> 13);
	fd = rump_sys_open("/big", O_RDWR | O_CREAT, 0644);
	CHECK_EQ("write", (ssize_t)size, rump_sys_write(fd, out, size));
	CHECK_EQ("pread", (ssize_t)size - 7, rump_sys_pread(fd, in, size, 7));
	CHECK(memcmp(in, out + 7, size - 7) == 0);
	CHECK_EQ("server", 0, spserver_stop(&ss));
	free(in);
	free(out);
}

TEST(vectors_of_many_elements_arrive_in_order)
{
	struct iovec iov[IOV_MAX];
	char from[IOV_MAX * 3], to[IOV_MAX * 3];
	struct spserver ss;
	int fd;

	client_start(&ss);
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < IOV_MAX; i++)
		iov[i] = (struct iovec){ from + 3 * i, 3 };
	fd = rump_sys_open("/v", O_RDWR | O_CREAT, 0644);
	CHECK_EQ("writev", sizeof(from), rump_sys_writev(fd, iov, IOV_MAX));
	for (size_t i = 0; i < IOV_MAX; i++)
		iov[i].iov_base = to + 3 * i;
	CHECK_EQ("preadv", sizeof(to), rump_sys_preadv(fd, iov, IOV_MAX, 0));
	CHECK(memcmp(from, to, sizeof(to)) == 0);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* A bad buffer is found before data are taken from anywhere. */
TEST(bad_pointers_are_efault)
{
	struct spserver ss;
	char *page, c;
	int fd[2];

	client_start(&ss);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	CHECK_EQ("path", -1, rump_sys_open((char *)8, O_RDONLY));
	CHECK_EQ("errno", EFAULT, errno);
	NEED(rump_sys_pipe(fd) == 0);
	CHECK_EQ("write", 4, rump_sys_write(fd[1], "data", 4));
	CHECK_EQ("read", -1, rump_sys_read(fd[0], (void *)16, 4));
	CHECK_EQ("errno", EFAULT, errno);
	CHECK_EQ("not taken", 4, rump_sys_read(fd[0], page, 4));
	CHECK_EQ("write", -1, rump_sys_write(fd[1], page + 4096, 10));
	CHECK_EQ("errno", EFAULT, errno);
	CHECK_EQ("pipe", -1, rump_sys_pipe((int *)(page + 4092)));
	CHECK_EQ("errno", EFAULT, errno);
	/* A string right before the end of what there is. */
	memcpy(page + 4095, "", 1);
	CHECK_EQ("empty path", -1, rump_sys_open(page + 4095, O_RDONLY));
	CHECK_EQ("errno", ENOENT, errno);
	memcpy(page + 4094, "/x", 2);
	CHECK_EQ("no end", -1, rump_sys_open(page + 4094, O_RDONLY));
	CHECK_EQ("errno", EFAULT, errno);
	(void)c;
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(sockets_talk_to_each_other)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, peer;
	socklen_t len = sizeof(sin), plen = sizeof(peer);
	struct msghdr msg;
	struct iovec iov[2];
	struct spserver ss;
	char a[4], b[4];
	int l, c, s;

	client_start(&ss);
	l = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	c = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	NEED(l >= 0 && c >= 0);
	NEED(rump_sys_bind(l, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	NEED(rump_sys_listen(l, 5) == 0);
	NEED(rump_sys_getsockname(l, (struct sockaddr *)&sin, &len) == 0);
	CHECK_EQ("length", sizeof(sin), len);
	if (rump_sys_connect(c, (struct sockaddr *)&sin, sizeof(sin)) != 0) {
		harness_note("connect: %s", strerror(errno));
		NEED(false);
	}
	s = rump_sys_accept(l, (struct sockaddr *)&peer, &plen);
	NEED(s >= 0);
	CHECK_EQ("peer", AF_INET, peer.sin_family);
	CHECK_EQ("send", 8, rump_sys_sendto(c, "abcdefgh", 8, 0, NULL, 0));
	iov[0] = (struct iovec){ a, 4 };
	iov[1] = (struct iovec){ b, 4 };
	msg = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 2 };
	CHECK_EQ("recvmsg", 8, rump_sys_recvmsg(s, &msg, MSG_WAITALL));
	CHECK_MEM("first", "abcd", a, 4);
	CHECK_MEM("second", "efgh", b, 4);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

static void *
reader(void *arg)
{
	static char got[2];

	got[0] = '-';
	if (rump_sys_read(*(int *)arg, got, 1) != 1)
		got[0] = '!';
	return got;
}

/* Each has a channel of its own: one that sleeps holds up nobody. */
TEST(a_thread_that_blocks_does_not_stall_another)
{
	struct spserver ss;
	pthread_t thread;
	void *got;
	int fd[2];

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	NEED(pthread_create(&thread, NULL, reader, &fd[0]) == 0);
	CHECK_EQ("write", 1, rump_sys_write(fd[1], "x", 1));
	NEED(pthread_join(thread, &got) == 0);
	CHECK_MEM("read", "x", got, 1);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* More than there are slots at a time, so they have to come back. */
TEST(threads_come_and_go)
{
	struct spserver ss;
	pthread_t thread;
	void *got;
	int fd[2];

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	for (int i = 0; i < 300; i++) {
		NEED(rump_sys_write(fd[1], "x", 1) == 1);
		NEED(pthread_create(&thread, NULL, reader, &fd[0]) == 0);
		NEED(pthread_join(thread, &got) == 0);
		NEED(*(char *)got == 'x');
	}
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(a_server_that_is_killed_hangs_nobody)
{
	struct spserver ss;
	pthread_t thread;
	void *got;
	int fd[2];

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	NEED(pthread_create(&thread, NULL, reader, &fd[0]) == 0);
	CHECK_EQ("getpid", rumpclient_getpid(), rump_sys_getpid());
	spserver_kill(&ss);
	NEED(pthread_join(thread, &got) == 0);
	CHECK_MEM("read", "!", got, 1);
	CHECK_EQ("call", -1, rump_sys_getpid());
	CHECK_EQ("errno", ENOTCONN, errno);
}

static bool
rings(int bell)
{
	struct pollfd pfd = { .fd = bell, .events = POLLIN };
	uint64_t one;
	bool rung = false;

	while (poll(&pfd, 1, 0) == 1) {
		CHECK_EQ("ring", sizeof(one), read(bell, &one, sizeof(one)));
		rung = true;
	}
	return rung;
}

/* The same of one that must: over a network it takes a moment. */
static bool
rings_soon(int bell)
{
	struct pollfd pfd = { .fd = bell, .events = POLLIN };

	return poll(&pfd, 1, -1) == 1 && rings(bell);
}

TEST(a_bell_rings_when_a_descriptor_may_be_ready)
{
	struct spserver ss;
	struct pollfd pfd;
	int bell, fd[2];

	client_start(&ss);
	bell = rumpclient_bell();
	NEED(bell >= 0);
	NEED(rump_sys_pipe(fd) == 0);
	CHECK_EQ("notify", 0, rumpclient_notify(fd[0], bell));
	(void)rings(bell);
	CHECK_EQ("write", 1, rump_sys_write(fd[1], "x", 1));
	CHECK(rings_soon(bell));
	CHECK_EQ("stop", 0, rumpclient_notify(fd[0], -1));
	CHECK_EQ("write", 1, rump_sys_write(fd[1], "x", 1));
	CHECK(!rings(bell));
	pfd = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	CHECK_EQ("arm", 1, rumpclient_poll_arm(&pfd, 1, bell));
	CHECK_EQ("revents", POLLIN, pfd.revents);
	CHECK_EQ("read", 2, rump_sys_read(fd[0], (char[2]){ 0 }, 2));
	(void)rings(bell);
	CHECK_EQ("arm", 0, rumpclient_poll_arm(&pfd, 1, bell));
	CHECK(!rings(bell));
	CHECK_EQ("close", 0, rump_sys_close(fd[1]));
	CHECK(rings_soon(bell));
	/* More rings than the socket holds block nobody. */
	NEED(rump_sys_pipe(fd) == 0);
	CHECK_EQ("notify", 0, rumpclient_notify(fd[0], bell));
	for (int i = 0; i < 2000; i++)
		CHECK_EQ("write", 1, rump_sys_write(fd[1], "x", 1));
	CHECK(rings_soon(bell));
	rumpclient_bell_close(bell);
	CHECK_EQ("write", 1, rump_sys_write(fd[1], "x", 1));
	CHECK_EQ("closed", -EBADF, rumpclient_notify(fd[0], bell));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* The child's exit status. */
static int
child_status(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid);
	return status;
}

TEST(a_forked_child_is_a_process_with_copies_of_descriptors)
{
	struct spserver ss;
	pid_t pid, parent;
	char c = 0;
	int fd[2];

	client_start(&ss);
	parent = rump_sys_getpid();
	NEED(rump_sys_pipe(fd) == 0);
	pid = rumpclient_fork();
	NEED(pid != -1);
	if (pid == 0) {
		bool good = rump_sys_getpid() != parent &&
		    rump_sys_getppid() == parent &&
		    rump_sys_close(fd[0]) == 0 &&
		    rump_sys_write(fd[1], "c", 1) == 1;

		_exit(good ? 0 : 1);
	}
	CHECK_EQ("read", 1, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("data", 'c', c);
	CHECK_EQ("child", 0, child_status(pid));
	CHECK_EQ("still open here", 1, rump_sys_write(fd[1], "p", 1));
	/* With the last writer gone, and the child's end with it, this is the end. */
	CHECK_EQ("close", 0, rump_sys_close(fd[1]));
	CHECK_EQ("read", 1, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("end", 0, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(a_ticket_is_good_once_and_can_be_cancelled)
{
	struct rumpclient_fork *ticket;
	struct spserver ss;
	char c;
	int fd[2];

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	ticket = rumpclient_prefork();
	NEED(ticket != NULL);
	CHECK_EQ("close", 0, rump_sys_close(fd[1]));
	/* The waiting process holds the other end, until it is cancelled. */
	rumpclient_fork_cancel(ticket);
	CHECK_EQ("end", 0, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

static char *
program_path(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	NEED(n > 0);
	path[n] = '\0';
	return path;
}

/* What a program finds that was started by the test below; see main(). */
static int
executed(int argc, char **argv)
{
	int kept = atoi(argv[2]), gone = atoi(argv[3]);
	pid_t pid = (pid_t)atoi(argv[4]);

	if (rumpclient_init() != 0)
		return 10;
	if (rump_sys_getpid() != pid && pid != 0)
		return 11;
	if (rump_sys_fcntl(gone, F_GETFD) != -1 || errno != EBADF)
		return 12;
	if (rump_sys_write(kept, "e", 1) != 1)
		return 13;
	return 0;
}

static void __attribute__((__constructor__))
executed_maybe(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--executed") == 0)
		_exit(executed(argc, argv));
}

struct execargs {
	char	 ea_kept[12], ea_gone[12], ea_pid[12];
	char	*ea_argv[6];
};

static char **
exec_argv(struct execargs *ea, int kept, int gone, pid_t pid)
{
	snprintf(ea->ea_kept, sizeof(ea->ea_kept), "%d", kept);
	snprintf(ea->ea_gone, sizeof(ea->ea_gone), "%d", gone);
	snprintf(ea->ea_pid, sizeof(ea->ea_pid), "%d", (int)pid);
	ea->ea_argv[0] = program_path();
	static char word[] = "--executed";
	ea->ea_argv[1] = word;
	ea->ea_argv[2] = ea->ea_kept;
	ea->ea_argv[3] = ea->ea_gone;
	ea->ea_argv[4] = ea->ea_pid;
	ea->ea_argv[5] = NULL;
	return ea->ea_argv;
}

static void *
sleeper(void *arg)
{
	char c;

	(void)rump_sys_read(*(int *)arg, &c, 1);
	return NULL;
}

TEST(a_program_after_exec_keeps_descriptors)
{
	struct execargs ea;
	struct spserver ss;
	int fd[2], quiet[2];
	pthread_t thread;
	char c = 0;
	pid_t pid;

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0 && rump_sys_pipe(quiet) == 0);
	pid = rumpclient_fork();
	NEED(pid != -1);
	if (pid == 0) {
		/* A thread in the middle of a call is ended by the exec. */
		(void)pthread_create(&thread, NULL, sleeper, &quiet[0]);
		(void)rump_sys_fcntl(fd[0], F_SETFD, FD_CLOEXEC);
		(void)rumpclient_exec(program_path(), exec_argv(&ea, fd[1], fd[0],
		    rump_sys_getpid()), environ);
		_exit(20);
	}
	CHECK_EQ("read", 1, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("data", 'e', c);
	CHECK_EQ("status", 0, WEXITSTATUS(child_status(pid)));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(a_child_may_become_a_client_after_its_exec_only)
{
	char text[RUMPCLIENT_ENVLEN], *env[] = { text, NULL };
	struct rumpclient_fork *ticket;
	struct execargs ea;
	struct spserver ss;
	char **argv, c = 0;
	int fd[2];
	pid_t pid;

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	argv = exec_argv(&ea, fd[1], 1000, 0);
	ticket = rumpclient_prefork();
	NEED(ticket != NULL);
	pid = vfork();
	if (pid == 0) {
		if (rumpclient_fork_exec(ticket, text, sizeof(text)) == 0)
			execve(argv[0], argv, env);
		_exit(20);
	}
	CHECK_EQ("read", 1, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("data", 'e', c);
	CHECK_EQ("status", 0, WEXITSTATUS(child_status(pid)));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* The parent of a daemon does not wait for its child to be at the server. */
TEST(a_parent_may_end_before_its_child_is_there)
{
	struct rumpclient_fork *ticket;
	int fd[2], ended[2];
	struct spserver ss;
	char c = 0;
	pid_t pid;

	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0 && pipe(ended) == 0);
	pid = rumpclient_fork();
	NEED(pid != -1);
	if (pid == 0) {
		ticket = rumpclient_prefork();
		if (ticket == NULL || fork() != 0)
			_exit(ticket == NULL);
		/* Until nobody else has the other end. */
		(void)close(ended[1]);
		(void)read(ended[0], &c, 1);
		_exit(rumpclient_fork_init(ticket) != 0 ||
		    rump_sys_write(fd[1], "g", 1) != 1);
	}
	(void)close(ended[1]);
	CHECK_EQ("child", 0, child_status(pid));
	CHECK_EQ("close", 0, rump_sys_close(fd[1]));
	CHECK_EQ("read", 1, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("data", 'g', c);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(our_descriptor_moves_out_of_the_way)
{
	struct spserver ss;
	unsigned int n;
	int fd, own;

	client_start(&ss);
	CHECK_EQ("ownfds", 0, rumpclient_ownfds(&own, 1, &n));
	CHECK_EQ("one", 1, n);
	fd = own;
	CHECK_EQ("close", 1, rumpclient__closenotify(&fd,
	    RUMPCLIENT_CLOSE_CLOSE));
	CHECK_EQ("dup2", 0, rumpclient__closenotify(&fd, RUMPCLIENT_CLOSE_DUP2));
	CHECK_EQ("over it", fd, dup2(STDERR_FILENO, fd));
	CHECK(rump_sys_getpid() > 1);
	CHECK_EQ("ownfds", 0, rumpclient_ownfds(&own, 1, &n));
	CHECK(own != fd);
	rumpclient_setfdmin(200);
	CHECK_EQ("ownfds", 0, rumpclient_ownfds(&own, 1, &n));
	CHECK(own >= 200);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- signals -------------------------------------------------------------------- */

static _Atomic int caught;

static void
catch(int signo)
{
	caught = signo;
}

static void
on_signal(int signo, int flags)
{
	struct sigaction sa = { .sa_handler = catch, .sa_flags = flags };

	caught = 0;
	NEED(sigaction(signo, &sa, NULL) == 0);
}

struct blocked {
	pthread_t	 b_thread;
	int		 b_fd;
	ssize_t		 b_result;
	int		 b_errno;
	uint32_t	 b_tid;		/* a */
};

static void *
blocked_read(void *arg)
{
	struct blocked *b = arg;
	char c;

	/* The first call of a thread waits for the server to know it, too. */
	(void)rump_sys_getpid();
	__atomic_store_n(&b->b_tid, (uint32_t)gettid(), __ATOMIC_RELEASE);
	b->b_result = rump_sys_read(b->b_fd, &c, 1);
	b->b_errno = errno;
	return NULL;
}

/* Until the thread sleeps: what the host says of it. */
static void
wait_asleep(const struct blocked *b)
{
	char path[64], line[256], *state;
	uint32_t tid;
	FILE *f;

	while ((tid = __atomic_load_n(&b->b_tid, __ATOMIC_ACQUIRE)) == 0)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%u/stat", tid);
	for (int asleep = 0; asleep < 20;) {
		f = fopen(path, "r");
		NEED(f != NULL && fgets(line, sizeof(line), f) != NULL);
		fclose(f);
		state = strrchr(line, ')');
		asleep = state != NULL && state[2] == 'S' ? asleep + 1 : 0;
		sched_yield();
	}
}

/*
 * The thread sanitizer puts off handlers until the thread does something that it knows,
 * and it does not know our system calls.
 */
static void
need_handlers(void)
{
#ifdef __SANITIZE_THREAD__
	SKIP("the thread sanitizer delays signals");
#endif
}

TEST(a_signal_interrupts_a_call_that_sleeps)
{
	struct blocked b = { .b_tid = 0 };
	struct spserver ss;
	int fd[2];

	need_handlers();
	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	b.b_fd = fd[0];
	on_signal(SIGUSR1, 0);
	NEED(pthread_create(&b.b_thread, NULL, blocked_read, &b) == 0);
	wait_asleep(&b);
	NEED(pthread_kill(b.b_thread, SIGUSR1) == 0);
	NEED(pthread_join(b.b_thread, NULL) == 0);
	CHECK_EQ("read", -1, b.b_result);
	CHECK_EQ("errno", EINTR, b.b_errno);
	CHECK_EQ("handler", SIGUSR1, caught);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(a_handler_with_sa_restart_lets_the_call_go_on)
{
	struct blocked b = { .b_tid = 0 };
	struct spserver ss;
	int fd[2];

	need_handlers();
	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	b.b_fd = fd[0];
	on_signal(SIGUSR1, SA_RESTART);
	NEED(pthread_create(&b.b_thread, NULL, blocked_read, &b) == 0);
	wait_asleep(&b);
	NEED(pthread_kill(b.b_thread, SIGUSR1) == 0);
	while (caught == 0)
		sched_yield();
	wait_asleep(&b);
	NEED(rump_sys_write(fd[1], "x", 1) == 1);
	NEED(pthread_join(b.b_thread, NULL) == 0);
	CHECK_EQ("read", 1, b.b_result);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

static int nested_fd;

static void
write_in_handler(int signo)
{
	int error = errno;

	caught = rump_sys_write(nested_fd, "h", 1) == 1 ? signo : -1;
	errno = error;
}

TEST(a_handler_may_make_calls_while_one_sleeps)
{
	struct sigaction sa = { .sa_handler = write_in_handler,
	    .sa_flags = SA_RESTART };
	struct blocked b = { .b_tid = 0 };
	struct spserver ss;
	int fd[2];

	need_handlers();
	client_start(&ss);
	NEED(rump_sys_pipe(fd) == 0);
	b.b_fd = fd[0];
	nested_fd = fd[1];
	caught = 0;
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	NEED(pthread_create(&b.b_thread, NULL, blocked_read, &b) == 0);
	wait_asleep(&b);
	NEED(pthread_kill(b.b_thread, SIGUSR1) == 0);
	NEED(pthread_join(b.b_thread, NULL) == 0);
	CHECK_EQ("read what the handler wrote", 1, b.b_result);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(a_broken_pipe_raises_a_signal_in_the_client)
{
	struct spserver ss;
	int fd[2];

	client_start(&ss);
	on_signal(SIGPIPE, 0);
	NEED(rump_sys_pipe(fd) == 0);
	CHECK_EQ("close", 0, rump_sys_close(fd[0]));
	CHECK_EQ("write", -1, rump_sys_write(fd[1], "x", 1));
	CHECK_EQ("errno", EPIPE, errno);
	CHECK_EQ("handler", SIGPIPE, caught);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- a server that is started again ------------------------------------------------ */

TEST(a_client_finds_its_server_again_and_old_descriptors_are_lost)
{
	struct spserver ss;
	int fd[2], other;
	char c;

	client_start(&ss);
	CHECK_EQ("policy", 0, rumpclient_setconnretry(10));
	NEED(rump_sys_pipe(fd) == 0);
	spserver_kill(&ss);
	CHECK_EQ("the call that finds out", -1, rump_sys_getpid());
	CHECK_EQ("errno", ENOTCONN, errno);
	spserver_start_at(&ss, ss.ss_url);
	CHECK(rump_sys_getpid() > 1);
	CHECK_EQ("read", -1, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("errno", ECONNRESET, errno);
	CHECK_EQ("recv", -1, rump_sys_recv(fd[0], &c, 1, 0));
	CHECK_EQ("errno", ECONNRESET, errno);
	/* A new one does not get the number of an old one. */
	other = rump_sys_eventfd(0, 0);
	CHECK(other >= 0 && other != fd[0] && other != fd[1]);
	CHECK_EQ("close", 0, rump_sys_close(fd[0]));
	CHECK_EQ("closed", -1, rump_sys_read(fd[0], &c, 1));
	CHECK_EQ("errno", EBADF, errno);
	CHECK_EQ("free again", fd[0], rump_sys_eventfd(0, 0));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(without_a_policy_calls_fail_for_good)
{
	struct spserver ss;

	client_start(&ss);
	CHECK(rump_sys_getpid() > 1);
	spserver_kill(&ss);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ("call", -1, rump_sys_getpid());
		CHECK_EQ("errno", ENOTCONN, errno);
	}
}
