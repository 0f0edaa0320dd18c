/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fds.c - descriptors, pipes, and what becomes of them over fork and exec
 *
 * References: dup(2), fcntl(2), close(2), close_range(2), pipe(2), pipe(7), fork(2), execve(2).
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static char buf[200000];

static void
dups(void)
{
	int a, b;

	file_make("f", 100);
	a = (int)T(open("f", O_RDWR));
	b = (int)T(dup(a));
	T(dup(-1));
	T(dup(999));
	T(read(a, buf, 10));
	T(lseek(b, 0, SEEK_CUR));
	T(dup2(a, a));
	T(dup2(a, -1));
	T(dup2(-1, a));
	T(dup2(999, 999));
	T(dup2(a, 1 << 30));
	T(dup3(a, a, 0));
	T(dup3(a, 20, 1));
	T(dup3(a, 20, O_CLOEXEC));
	T(fcntl(20, F_GETFD));
	T(dup2(a, 20));
	T(fcntl(20, F_GETFD));
	T(fcntl(a, F_DUPFD, 30));
	T(fcntl(a, F_DUPFD_CLOEXEC, 30));
	T(fcntl(31, F_GETFD));
	T(fcntl(a, F_DUPFD, -1));
	T(fcntl(a, F_DUPFD, 1 << 30));
	T(fcntl(-1, F_GETFD));
	T(fcntl(a, F_SETFD, FD_CLOEXEC));
	T(fcntl(a, F_GETFD));
	T(fcntl(b, F_GETFD));
	T(fcntl(a, F_SETFD, 0xfffe));
	T(fcntl(a, F_GETFD));
	T(fcntl(a, F_GETFL) & ~0100000);
	T(fcntl(a, F_SETFL, O_APPEND | O_NONBLOCK));
	T(fcntl(b, F_GETFL) & ~0100000);
	T(fcntl(a, F_SETFL, O_RDONLY | O_DSYNC));
	T(fcntl(b, F_GETFL) & ~0100000);
	T(fcntl(a, F_SETFL, O_DIRECT) < 0 ? -2 : 0);
	T(fcntl(a, F_SETFL, 0));
	T(fcntl(a, 9999));
	T(fcntl(a, F_GETLEASE));
	T(fcntl(a, F_GETOWN));
	T(fcntl(a, F_SETOWN, getpid()));
	T(fcntl(a, F_GETOWN) == getpid());
	T(fcntl(a, F_SETSIG, 100));
	T(fcntl(a, F_GETSIG));
	T(close_range(30, 31, 0));
	T(fcntl(30, F_GETFD));
	T(close_range(20, 10, 0));
	T(close_range(20, 20, 0x100));
	T(close_range(20, 20, CLOSE_RANGE_CLOEXEC));
	T(fcntl(20, F_GETFD));
	T(close(20));
	T(close(20));
	T(close(-1));
	a = (int)T(open("f", O_PATH));
	T(fcntl(a, F_GETFL) & O_PATH);
	T(fcntl(a, F_SETFL, 0));
	T(fcntl(a, F_GETLK, &(struct flock){ .l_type = F_RDLCK }));
	T(fcntl(a, F_GETOWN));
	T(dup(a));
	T(fcntl(a, F_GET_SEALS));
	T(fcntl(b, F_GET_SEALS));
}

static void
pipes(void)
{
	struct pollfd pfd;
	struct stat st;
	int p[2], q[2], n = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	T(pipe(NOWHERE));
	T(pipe2(p, 0x1));
	T(pipe2(p, O_NONBLOCK | O_CLOEXEC));
	tell_text("%d %d", p[0], p[1]);
	T(fcntl(p[0], F_GETFD));
	T(fcntl(p[0], F_GETFL) & ~0100000);
	T(fstat(p[0], &st));
	tell_text("mode %o size %ld links %u", st.st_mode, (long)st.st_size, (unsigned int)st.st_nlink);
	T(read(p[0], buf, 1));
	T(read(p[1], buf, 1));
	T(write(p[0], buf, 1));
	T(fcntl(p[0], F_GETPIPE_SZ));
	T(fcntl(p[0], F_SETPIPE_SZ, 4096));
	T(fcntl(p[0], F_SETPIPE_SZ, 5000));
	T(fcntl(p[0], F_SETPIPE_SZ, 0));
	T(fcntl(p[0], F_SETPIPE_SZ, 1 << 30));
	T(fcntl(p[0], F_SETPIPE_SZ, 1 << 31));
	T(fcntl(p[0], F_SETPIPE_SZ, 4096));
	T(write(p[1], buf, 4096));
	T(write(p[1], buf, 1));
	T(fcntl(p[0], F_SETPIPE_SZ, 65536));
	while (write(p[1], buf, 4096) == 4096)
		n++;
	tell_text("%d blocks", n);
	T(fcntl(p[0], F_SETPIPE_SZ, 4096));
	T(read(p[0], buf, sizeof(buf)));
	T(write(p[1], buf, 100000));
	T(read(p[0], buf, 10));
	T(write(p[1], buf, 4096));
	T(write(p[1], buf, 4097));
	T(read(p[0], buf, sizeof(buf)));
	T(write(p[1], NOWHERE, 10));
	T(read(p[0], NOWHERE, 10));
	T(write(p[1], "abc", 3));
	T(read(p[0], NOWHERE, 10));
	T(read(p[0], buf, 10));
	pfd = (struct pollfd){ .fd = p[0], .events = POLLIN | POLLOUT };
	T(poll(&pfd, 1, 0));
	T(close(p[1]));
	T(poll(&pfd, 1, 0));
	tell_text("revents %x", (unsigned int)pfd.revents);
	T(read(p[0], buf, 1));
	T(pipe(q));
	T(close(q[0]));
	T(write(q[1], buf, 1));
	T(write(q[1], buf, 0));
	pfd = (struct pollfd){ .fd = q[1], .events = POLLIN | POLLOUT };
	T(poll(&pfd, 1, 0));
	tell_text("revents %x", (unsigned int)pfd.revents);
	T(pipe2(q, O_DIRECT));
	T(write(q[1], "one", 3));
	T(write(q[1], "two", 3));
	T(read(q[0], buf, 2));
	T(read(q[0], buf, 100));
}

static void
fifos(void)
{
	int r, w, rw;

	(void)signal(SIGPIPE, SIG_IGN);
	T(mkfifo("p", 0644));
	T(open("p", O_WRONLY | O_NONBLOCK));
	r = (int)T(open("p", O_RDONLY | O_NONBLOCK));
	T(read(r, buf, 1));
	w = (int)T(open("p", O_WRONLY | O_NONBLOCK));
	T(read(r, buf, 1));
	T(write(w, "abc", 3));
	T(read(r, buf, 10));
	T(lseek(r, 0, SEEK_SET));
	T(pread(r, buf, 1, 0));
	T(pwrite(w, buf, 1, 0));
	T(ftruncate(w, 0));
	T(close(w));
	T(read(r, buf, 1));
	rw = (int)T(open("p", O_RDWR));
	T(close(r));
	T(write(rw, "x", 1));
	T(read(rw, buf, 1));
	T(fcntl(rw, F_GETPIPE_SZ));
	T(close(rw));
	T(unlink("p"));
}

/* --- over fork and exec ------------------------------------------------------------------------ */

static void
child_reads(void *arg)
{
	int fd = *(int *)arg;

	T(read(fd, buf, 10));
	T(lseek(fd, 50, SEEK_SET));
	T(fcntl(fd, F_SETFL, O_APPEND));
	T(fcntl(fd, F_SETFD, FD_CLOEXEC));
	T(chdir("d"));
	T(umask(077));
	T(open("made", O_CREAT | O_RDWR, 0666) >= 0);
}

static void
child_executes(void *arg)
{
	(void)arg;
	(void)execl("/bin/sh", "sh", "-c", "read x <&20; echo \"20: $x\"; read x <&21; echo \"21: $?\";"
	    "read x < ../fork/f; echo \"$x\"; pwd | sed 's,.*/,,'; echo more >> f2; umask", (char *)NULL);
	T(-1);
}

static void
child_runs_script(void *arg)
{
	(void)execl((const char *)arg, "name", "an argument", (char *)NULL);
	tell_text("exec: %s", strerrorname_np(errno));
}

static void
child_sigpipe(void *arg)
{
	int p[2];

	(void)arg;
	T(pipe(p));
	T(close(p[0]));
	T(write(p[1], "x", 1));
}

static void
script(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT, mode);

	T(write(fd, text, strlen(text)));
	T(close(fd));
}

static void
forks(void)
{
	struct stat st;
	int fd;

	script("f", "line one\nline two\n0123456789012345678901234567890123456789\n", 0644);
	(void)mkdir("d", 0755);
	fd = (int)T(open("f", O_RDWR));
	in_child(child_reads, &fd);
	T(lseek(fd, 0, SEEK_CUR));
	T(fcntl(fd, F_GETFL) & O_APPEND);
	T(fcntl(fd, F_GETFD));
	T(stat("d/made", &st));
	tell_text("mode %o", st.st_mode);
	T(lseek(fd, 0, SEEK_SET));
	T(dup2(fd, 20));
	T(dup3(fd, 21, O_CLOEXEC));
	in_child(child_executes, NULL);
	T(stat("f2", &st));
	script("s", "#!/bin/sh\necho script \"$0\" \"$1\" | sed 's,/.*/,,'\nexit 3\n", 0755);
	in_child(child_runs_script, (void *)(uintptr_t) "./s");
	script("t", "#!/gone/interpreter\n", 0755);
	in_child(child_runs_script, (void *)(uintptr_t) "./t");
	script("u", "no program", 0755);
	in_child(child_runs_script, (void *)(uintptr_t) "./u");
	script("v", "#!/bin/sh\n", 0644);
	in_child(child_runs_script, (void *)(uintptr_t) "./v");
	in_child(child_runs_script, (void *)(uintptr_t) "./gone");
	in_child(child_runs_script, (void *)(uintptr_t) "./d");
	in_child(child_runs_script, (void *)(uintptr_t) "./f/x");
	T(symlink("s", "slink"));
	in_child(child_runs_script, (void *)(uintptr_t) "./slink");
	in_child(child_sigpipe, NULL);
}

const struct group fd_groups[] = {
	{ "descriptors", dups },
	{ "pipes", pipes },
	{ "fifos", fifos },
	{ "fork", forks },
	{ NULL, NULL },
};
