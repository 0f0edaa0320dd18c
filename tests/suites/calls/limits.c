/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * limits.c - resource limits, and signals that calls send
 *
 * References: getrlimit(2), write(2), fcntl(2) (F_SETOWN, F_SETSIG), signal(7), socket(7).
 */

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static volatile sig_atomic_t came[65];

static void
note(int signo)
{
	came[signo]++;
}

static void
catch(int signo)
{
	struct sigaction sa = { .sa_handler = note };

	came[signo] = 0;
	T(sigaction(signo, &sa, NULL));
}

static void
descriptors(void)
{
	struct rlimit rl = { 40, 40 };
	int n = 0, fd, last = -1, p[2];

	file_make("f", 10);
	T(setrlimit(RLIMIT_NOFILE, &rl));
	while ((fd = open("f", O_RDONLY)) >= 0) {
		last = fd;
		n++;
	}
	tell_text("%d files, the last %d, then %s", n, last, strerrorname_np(errno));
	T(open("f", O_RDONLY));
	T(open("new", O_WRONLY | O_CREAT, 0644));
	T(access("new", F_OK));
	T(dup(last));
	T(dup2(last, 39));
	T(dup2(last, 40));
	T(fcntl(last, F_DUPFD, 0));
	T(fcntl(last, F_DUPFD, 40));
	T(socket(AF_INET, SOCK_STREAM, 0));
	T(socket(AF_UNIX, SOCK_STREAM, 0));
	T(pipe(p));
	T(close(last));
	T(pipe(p));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	T(socket(AF_INET, SOCK_DGRAM, 0));
}

static void
too_large(void *arg)
{
	struct rlimit rl = { 1000, RLIM_INFINITY };
	char block[600] = { 0 };
	int fd = (int)T(open("f", O_RDWR | O_CREAT, 0644));

	if (arg != NULL)
		catch(SIGXFSZ);
	T(getrlimit(RLIMIT_FSIZE, &rl));
	rl.rlim_cur = 1000;
	T(setrlimit(RLIMIT_FSIZE, &rl));
	T(write(fd, block, sizeof(block)));
	T(write(fd, block, sizeof(block)));
	T(lseek(fd, 0, SEEK_CUR));
	T(write(fd, block, 0));
	T(write(fd, block, 1));
	tell_text("SIGXFSZ came %d times", came[SIGXFSZ]);
	T(pwrite(fd, block, 1, 5000));
	T(ftruncate(fd, 1000));
	T(ftruncate(fd, 1001));
	T(truncate("f", 2000));
	T(fallocate(fd, 0, 0, 2000));
	tell_text("SIGXFSZ came %d times", came[SIGXFSZ]);
}

static void
sizes(void)
{
	in_child(too_large, (void *)1);
	in_child(too_large, NULL);
}

static void
broken(void)
{
	int p[2], s[2];

	catch(SIGPIPE);
	T(pipe(p));
	T(close(p[0]));
	T(write(p[1], "x", 1));
	tell_text("SIGPIPE came %d times", came[SIGPIPE]);
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	T(close(s[0]));
	T(send(s[1], "x", 1, 0));
	T(send(s[1], "x", 1, MSG_NOSIGNAL));
	T(write(s[1], "x", 1));
	tell_text("SIGPIPE came %d times", came[SIGPIPE]);
	T(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	T(close(s[0]));
	T(send(s[1], "x", 1, 0));
	tell_text("SIGPIPE came %d times", came[SIGPIPE]);
}

static void
asked_for(void)
{
	struct f_owner_ex ox = { F_OWNER_PID, getpid() };
	int p[2], s[2];

	catch(SIGIO);
	catch(SIGUSR2);
	T(pipe(p));
	T(fcntl(p[0], F_SETOWN, getpid()));
	T(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	T(fcntl(p[0], F_GETFL));
	T(write(p[1], "x", 1));
	tell_text("SIGIO came %d times", came[SIGIO]);
	T(fcntl(p[0], F_SETSIG, SIGUSR2));
	T(fcntl(p[0], F_GETSIG));
	T(write(p[1], "x", 1));
	tell_text("SIGUSR2 came %d times", came[SIGUSR2]);
	T(fcntl(p[0], F_SETOWN_EX, &ox));
	T(fcntl(p[0], F_GETOWN_EX, &ox));
	tell_text("type %d pid %d", ox.type, ox.pid == getpid());
	T(fcntl(p[0], F_SETOWN, 0x3fffffff));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	T(fcntl(s[0], F_SETOWN, getpid()));
	T(fcntl(s[0], F_SETFL, O_ASYNC));
	T(write(s[1], "x", 1));
	tell_text("SIGIO came %d times", came[SIGIO]);
}

const struct group limit_groups[] = {
	{ "limit-of-descriptors", descriptors },
	{ "limit-of-sizes", sizes },
	{ "sigpipe", broken },
	{ "sigio", asked_for },
	{ NULL, NULL },
};
