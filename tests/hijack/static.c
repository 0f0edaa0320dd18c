/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * static.c - a program into which nothing can be preloaded, which tests its own kernel
 *
 * Linked statically.  Each case says "ok NAME", or what was not as Linux has it.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(what)	must((what), #what, __LINE__)

static void
must(int fine, const char *what, int line)
{
	if (fine)
		return;
	printf("line %d: %s: %s\n", line, what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static struct sockaddr_in
at(unsigned short port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int
listen_on(unsigned short port)
{
	struct sockaddr_in sin = at(port);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	MUST(s >= 0);
	MUST(bind(s, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	MUST(listen(s, 5) == 0);
	return s;
}

/* Two ends of a connection of the kernel. */
static void
pair(int fd[2])
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int s = listen_on(0);

	MUST(getsockname(s, (struct sockaddr *)&sin, &len) == 0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(fd[0], (struct sockaddr *)&sin, sizeof(sin)) == 0);
	fd[1] = accept(s, NULL, NULL);
	MUST(fd[1] >= 0);
	MUST(close(s) == 0);
}

static void
numbers(void)
{
	int s, again, next;

	s = open("/dev/null", O_RDONLY);
	MUST(close(s) == 0);
	next = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(next == s);			/* the lowest */
	again = fcntl(next, F_DUPFD, 100);
	MUST(again == 100);
	MUST(dup2(next, 77) == 77);
	MUST(close(next) == 0);
	MUST(send(next, "x", 1, 0) == -1 && errno == EBADF);
	MUST(send(again, "x", 1, 0) == -1 && errno == EDESTADDRREQ);
	MUST(dup2(0, 77) == 77);		/* the host's over the kernel's */
	MUST(send(77, "x", 1, 0) == -1 && errno == ENOTSOCK);
	MUST(close(again) == 0 && close(77) == 0);
	MUST(close(again) == -1 && errno == EBADF);
}

/* What close(2) gives back is to be had at once. */
static void
ports(void)
{
	for (int i = 0; i < 50; i++)
		MUST(close(listen_on(4711)) == 0);
}

static void
forks(void)
{
	int fd[2], status;
	char buf[8];
	pid_t pid;

	pair(fd);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		MUST(close(fd[0]) == 0);
		MUST(read(fd[1], buf, sizeof(buf)) == 3);
		MUST(write(fd[1], "answer", 6) == 6);
		_exit(0);
	}
	MUST(close(fd[1]) == 0);
	MUST(write(fd[0], "ask", 3) == 3);
	MUST(read(fd[0], buf, sizeof(buf)) == 6 && memcmp(buf, "answer", 6) == 0);
	/* The last copy goes with the child. */
	MUST(read(fd[0], buf, sizeof(buf)) == 0);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	MUST(close(fd[0]) == 0);
}

/* Descriptors of both kernels at once. */
static void
polls(void)
{
	struct pollfd fds[2];
	int fd[2], pipefd[2];
	fd_set set;

	pair(fd);
	MUST(pipe(pipefd) == 0);
	fds[0] = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = pipefd[0], .events = POLLIN };
	MUST(poll(fds, 2, 0) == 0);
	MUST(poll(fds, 2, 20) == 0);
	MUST(write(pipefd[1], "x", 1) == 1);
	MUST(poll(fds, 2, -1) == 1 && fds[0].revents == 0 && fds[1].revents == POLLIN);
	if (fork() == 0) {
		MUST(write(fd[1], "y", 1) == 1);
		_exit(0);
	}
	fds[1].events = 0;
	MUST(poll(fds, 2, -1) == 1 && fds[0].revents == POLLIN);
	MUST(wait(NULL) > 0);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	FD_SET(pipefd[0], &set);
	MUST(select(200, &set, NULL, NULL, NULL) == 2);
	MUST(FD_ISSET(fd[0], &set) && FD_ISSET(pipefd[0], &set));
	MUST(close(fd[0]) == 0 && close(fd[1]) == 0 && close(pipefd[0]) == 0 && close(pipefd[1]) == 0);
}

/* As Go's run time does it. */
static void
epolls(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = 1 }, got[4];
	int fd[2], ep = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;
	char buf[8];

	pair(fd);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, event, &ev) == 0);
	ev.data.u64 = 2;
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev) == 0);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev) == -1 && errno == EEXIST);
	MUST(epoll_wait(ep, got, 4, 0) == 0);
	for (int i = 0; i < 20; i++) {
		if (fork() == 0) {
			MUST(write(fd[1], "z", 1) == 1);
			_exit(0);
		}
		MUST(epoll_wait(ep, got, 4, -1) == 1 && got[0].data.u64 == 2);
		MUST(epoll_wait(ep, got, 4, 0) == 0);		/* an edge comes once */
		MUST(read(fd[0], buf, sizeof(buf)) == 1);
		MUST(wait(NULL) > 0);
	}
	MUST(write(event, &one, sizeof(one)) == sizeof(one));
	MUST(epoll_wait(ep, got, 4, -1) == 1 && got[0].data.u64 == 1);
	MUST(close(ep) == 0 && close(event) == 0 && close(fd[0]) == 0 && close(fd[1]) == 0);
}

static volatile sig_atomic_t alarms;
static int restart_fd;

static void
on_alarm(int signo)
{
	if (++alarms == 2)
		(void)!write(restart_fd, "late", 4);
}

static void
signals(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	char buf[8];
	int fd[2];

	pair(fd);
	restart_fd = fd[1];
	MUST(sigaction(SIGALRM, &sa, NULL) == 0);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(read(fd[0], buf, sizeof(buf)) == -1 && errno == EINTR && alarms == 1);
	sa.sa_flags = SA_RESTART;
	MUST(sigaction(SIGALRM, &sa, NULL) == 0);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(read(fd[0], buf, sizeof(buf)) == 4 && alarms == 2);
	MUST(close(fd[0]) == 0 && close(fd[1]) == 0);
}

/* A signal that only the call lets pass; and one that only the call keeps away. */
static void
masks(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct timespec two_looks = { .tv_nsec = 200000000 };
	struct epoll_event ev = { .events = EPOLLIN };
	sigset_t blocked, open_, now_;
	struct pollfd pfd;
	fd_set set;
	int fd[2], ep = epoll_create1(0);

	pair(fd);
	restart_fd = -1;
	alarms = 10;
	(void)sigemptyset(&open_);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGALRM);
	MUST(sigaction(SIGALRM, &sa, NULL) == 0 && sigprocmask(SIG_SETMASK, &blocked, NULL) == 0);
	pfd = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(ppoll(&pfd, 1, NULL, &open_) == -1 && errno == EINTR && alarms == 11);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(pselect(fd[0] + 1, &set, NULL, NULL, NULL, &open_) == -1 && errno == EINTR && alarms == 12);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev) == 0);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(epoll_pwait(ep, &ev, 1, -1, &open_) == -1 && errno == EINTR && alarms == 13);
	MUST(sigprocmask(SIG_SETMASK, NULL, &now_) == 0 && sigismember(&now_, SIGALRM) == 1);
	MUST(sigprocmask(SIG_SETMASK, &open_, NULL) == 0);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(ppoll(&pfd, 1, &two_looks, &blocked) == 0);
	MUST(sigpending(&now_) == 0 && alarms == 14);		/* afterwards */
	MUST(close(fd[0]) == 0 && close(fd[1]) == 0 && close(ep) == 0);
}

static void
files(void)
{
	int fd, pipefd[2];
	char buf[64];

	MUST(mkdir("/rump/dir", 0755) == 0);
	fd = open("/rump/dir/file", O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0 && write(fd, "contents", 8) == 8);
	MUST(pread(fd, buf, sizeof(buf), 3) == 5 && memcmp(buf, "tents", 5) == 0);
	MUST(chdir("/rump/dir") == 0);
	MUST(getcwd(buf, sizeof(buf)) != NULL && strcmp(buf, "/rump/dir") == 0);
	MUST(access("file", R_OK) == 0 && access("/rump/nothing", F_OK) == -1 && errno == ENOENT);
	if (fork() == 0) {
		MUST(rename("file", "renamed") == 0);	/* it is where we are */
		_exit(0);
	}
	MUST(wait(NULL) > 0);
	/* Out again, the way it is seen. */
	MUST(chdir("../..") == 0 && getcwd(buf, sizeof(buf)) != NULL && strcmp(buf, "/") == 0);
	MUST(chdir("/rump/dir") == 0 && chdir("../../tmp") == 0);
	MUST(getcwd(buf, sizeof(buf)) != NULL && strcmp(buf, "/tmp") == 0);
	MUST(chdir("/") == 0 && access("rump-file", F_OK) == -1);
	MUST(pipe(pipefd) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	MUST(sendfile(pipefd[1], fd, NULL, 64) == 8);
	MUST(read(pipefd[0], buf, sizeof(buf)) == 8 && memcmp(buf, "contents", 8) == 0);
	MUST(rename("/rump/dir/renamed", "/tmp/nowhere") == -1 && errno == EXDEV);
	MUST(unlink("/rump/dir/renamed") == 0 && rmdir("/rump/dir") == 0);
	MUST(close(fd) == 0 && close(pipefd[0]) == 0 && close(pipefd[1]) == 0);
}

static unsigned int
mode_of(const char *name)
{
	struct stat st;

	MUST(stat(name, &st) == 0);
	return st.st_mode & 0777;
}

/* In a child; the parent waits. */
static void
child(void (*fn)(int fd), int fd)
{
	int status;
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid == 0) {
		fn(fd);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
be_another(int fd)
{
	MUST(umask(077) == 022);
	MUST(chdir("/rump/there") == 0);
	MUST(close(open("private", O_CREAT | O_WRONLY, 0666)) == 0);
	MUST(read(fd, &(char){ 0 }, 1) == 1);	/* the offset is everybody's */
	MUST(close(fd) == 0);
}

/* As daemon(3): who made it is gone before it calls. */
static void
be_a_daemon(int fd)
{
	pid_t parent = getpid();

	if (fork() != 0)
		_exit(0);
	while (getppid() == parent)
		sched_yield();
	if (fork() != 0)
		_exit(0);
	MUST(write(fd, "daemon", 6) == 6);
}

static void
processes(void)
{
	int fd, ends[2];
	char buf[8];

	(void)umask(022);
	MUST(mkdir("/rump/here", 0755) == 0 && mkdir("/rump/there", 0755) == 0);
	MUST(chdir("/rump/here") == 0);
	fd = open("file", O_RDWR | O_CREAT, 0644);
	MUST(write(fd, "abc", 3) == 3 && lseek(fd, 0, SEEK_SET) == 0);
	child(be_another, fd);
	MUST(read(fd, buf, sizeof(buf)) == 2 && memcmp(buf, "bc", 2) == 0);
	MUST(close(open("public", O_CREAT | O_WRONLY, 0666)) == 0);
	MUST(mode_of("public") == 0644 && mode_of("../there/private") == 0600);
	pair(ends);
	child(be_a_daemon, ends[1]);
	MUST(close(ends[1]) == 0);
	MUST(read(ends[0], buf, sizeof(buf)) == 6 && memcmp(buf, "daemon", 6) == 0);
	MUST(read(ends[0], buf, sizeof(buf)) == 0);
	MUST(close(ends[0]) == 0 && close(fd) == 0);
}

/* What a program that never calls has, it has not: closed by its exec, or by its end. */
static void
hang_ups(void)
{
	char word[] = "pause", *words[] = { word, NULL }, buf[8];
	int fd[2];
	pid_t pid;

	pair(fd);
	pid = fork();
	if (pid == 0) {
		MUST(fcntl(fd[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd[1], F_SETFD, FD_CLOEXEC) == 0);
		execv("/proc/self/exe", words);
		_exit(1);
	}
	MUST(close(fd[1]) == 0);
	MUST(read(fd[0], buf, sizeof(buf)) == 0);
	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	MUST(close(fd[0]) == 0);
	pair(fd);
	pid = fork();
	if (pid == 0) {
		for (;;)
			__asm__ volatile("pause");
	}
	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	MUST(close(fd[1]) == 0);
	MUST(read(fd[0], buf, sizeof(buf)) == 0);
	MUST(close(fd[0]) == 0);
}

/* The host's links lead into the tree, and directories of it are gone down one by one. */
static void
links(void)
{
	char folder[] = "/tmp/rumpus-links.XXXXXX", name[64], buf[64];
	int root = open("/", O_PATH | O_DIRECTORY), below;

	MUST(mkdir("/rump/far", 0755) == 0 && close(creat("/rump/far/file", 0644)) == 0);
	MUST(mkdtemp(folder) != NULL && chdir(folder) == 0);
	MUST(symlink("/rump/far", "near") == 0);
	MUST(mode_of("near/file") == 0644);
	(void)snprintf(name, sizeof(name), "%s/near/file", folder);
	MUST(mode_of(name) == 0644 && readlink("near", buf, sizeof(buf)) == 9);
	MUST(access("near/nothing", F_OK) == -1 && errno == ENOENT);
	MUST(close(creat("new", 0600)) == 0 && mode_of("new") == 0600);
	MUST(chdir("near") == 0 && getcwd(buf, sizeof(buf)) != NULL && strcmp(buf, "/rump/far") == 0);
	below = openat(root, "rump", O_PATH | O_DIRECTORY);
	MUST(below >= 0 && faccessat(below, "far/file", F_OK, 0) == 0 && fchdir(below) == 0);
	MUST(mode_of("far/file") == 0644 && chdir(folder) == 0);
	MUST(unlink("near") == 0 && unlink("new") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
	MUST(unlink("/rump/far/file") == 0 && rmdir("/rump/far") == 0);
	MUST(close(below) == 0 && close(root) == 0);
}

static void
mappings(void)
{
	char zeros[8192] = { 0 }, buf[8], *private, *shared, *same;
	int fd = open("/rump/mapped", O_RDWR | O_CREAT | O_TRUNC, 0644), ro;
	pid_t pid;

	MUST(fd >= 0 && write(fd, "contents", 8) == 8 && pwrite(fd, zeros, 8192 - 8, 8) == 8192 - 8);
	private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	MUST(private != MAP_FAILED && memcmp(private, "contents", 8) == 0);
	private[0] = 'C';
	MUST(pread(fd, buf, 8, 0) == 8 && memcmp(buf, "contents", 8) == 0);
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(shared != MAP_FAILED && memcmp(shared, "contents", 8) == 0);
	shared[1] = 'O';
	MUST(msync(shared, 8192, MS_SYNC) == 0);
	MUST(pread(fd, buf, 8, 0) == 8 && memcmp(buf, "cOntents", 8) == 0);
	/* Another name of the file, another process, the same memory. */
	pid = fork();
	if (pid == 0) {
		int again = open("/rump/mapped", O_RDWR);

		same = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 4096);
		MUST(same != MAP_FAILED && close(again) == 0);
		same[0] = 'x';
		shared[2] = 'N';
		kill(getpid(), SIGKILL);
	}
	MUST(waitpid(pid, NULL, 0) == pid && shared[4096] == 'x' && shared[2] == 'N');
	MUST(munmap(shared, 8192) == 0);
	MUST(pread(fd, buf, 8, 0) == 8 && memcmp(buf, "cONtents", 8) == 0);
	MUST(pread(fd, buf, 1, 4096) == 1 && buf[0] == 'x');
	ro = open("/rump/mapped", O_RDONLY);
	MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED && errno == EACCES);
	same = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
	MUST(same != MAP_FAILED && mprotect(same, 4096, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	MUST(fcntl(ro, F_SETFD, FD_CLOEXEC) == 0);
	MUST(mmap(NULL, 0, PROT_READ, MAP_SHARED, ro, 0) == MAP_FAILED && errno == EINVAL);
	MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	MUST(fcntl(ro, F_GETFD) == FD_CLOEXEC && lseek(ro, 0, SEEK_END) == 8192);
	MUST(close(ro) == 0 && close(fd) == 0 && unlink("/rump/mapped") == 0);
}

static void
pointers(void)
{
	char *volatile bad = (char *)8;
	int fd[2];

	pair(fd);
	MUST(write(fd[0], bad, 4) == -1 && errno == EFAULT);
	MUST(open(bad, O_RDONLY) == -1 && errno == EFAULT);
	MUST(getpeername(fd[0], (struct sockaddr *)bad, (socklen_t *)bad) == -1 && errno == EFAULT);
	MUST(close(fd[0]) == 0 && close(fd[1]) == 0);
}

/* What was left to it as descriptor 3; not a case of its own. */
static int
answers(void)
{
	char buf[64];
	ssize_t n = read(3, buf, sizeof(buf) - 16);

	MUST(n > 0);
	memcpy(buf + n, " answered", 9);
	MUST(write(3, buf, (size_t)n + 9) == n + 9);
	return 0;
}

static const struct { const char *name; void (*fn)(void); } cases[] = {
	{ "numbers", numbers }, { "ports", ports }, { "forks", forks }, { "polls", polls },
	{ "epolls", epolls }, { "signals", signals }, { "masks", masks }, { "files", files }, { "pointers", pointers },
	{ "processes", processes }, { "hang_ups", hang_ups }, { "mappings", mappings },
	{ "links", links },
};

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "answers") == 0)
		return answers();
	if (strcmp(argv[0], "pause") == 0)
		return pause();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
			continue;
		cases[i].fn();
		printf("ok %s\n", cases[i].name);
		fflush(stdout);
	}
	return argc > 2 ? atoi(argv[2]) : 0;
}
