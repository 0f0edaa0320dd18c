/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_passt.c - a way to the host's network that needs no root: passt(1)
 *
 * passt translates what an Ethernet carries to sockets of the host.  Either one
 * runs already, and its socket is named; or we start one of our own, at the
 * other end of a pair of sockets, and it ends when we do, because then its
 * socket is closed.
 */

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#include "net_impl.h"

#define PASST_WORDS	64
#define PASST_FD	3		/* which of its descriptors is the link */

/*
 * Out of our group: Ctrl-C is ours to answer, and needs the network.  Its input
 * and signals are not what ours are.
 */
static int
passt_spawn(char **argv, int fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;
	int error;

	sigemptyset(&none);
	error = posix_spawn_file_actions_init(&files);
	if (error)
		return error;
	error = posix_spawnattr_init(&attr);
	if (error)
		goto fail_files;
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
		    O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, fd, PASST_FD);
	if (error == 0)
		error = posix_spawnp(&pid, argv[0], &files, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
fail_files:
	(void)posix_spawn_file_actions_destroy(&files);
	return error;
}

/* options, cut in place, are words for its command line. */
static int
passt_start(char *options, int fd)
{
	static char name[] = "passt", foreground[] = "-f", quiet[] = "-q", link[] = "-F",
	    number[] = "3", log[] = "-l", nowhere[] = "/dev/null";
	char *argv[PASST_WORDS] = { name, foreground, quiet, link, number };
	int n = 5;

	/* It would write to the system's log, and complain if there is none. */
	if (access("/dev/log", F_OK) != 0) {
		argv[n++] = log;
		argv[n++] = nowhere;
	}
	if (options != NULL && net_words(options, argv + n, PASST_WORDS - n) < 0)
		return E2BIG;
	return passt_spawn(argv, fd);
}

/*
 * passt loses frames that do not fit into the socket, 208 KiB on most hosts, has
 * no selective acknowledgements and may wait for two seconds then: a window
 * that is not larger loses nothing.
 */
void
net_passt_window(void)
{
	(void)rump_pub_kvar_write("net.ipv4.tcp_rmem.default", "131072");
	(void)rump_pub_kvar_write("net.ipv4.tcp_rmem.max", "262144");
}

int
net_passt(char *what, char **ret_link)
{
	char *link = NULL;
	int error, fd[2];

	if (what != NULL && what[0] == '/') {
		if (asprintf(&link, "unix=%s", what) < 0)
			return ENOMEM;
		*ret_link = link;
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return errno;
	/* dup2() onto itself would leave it closed on exec. */
	if (fd[1] == PASST_FD) {
		fd[1] = fcntl(fd[1], F_DUPFD_CLOEXEC, PASST_FD + 1);
		(void)close(PASST_FD);
	}
	error = fd[1] < 0 ? EMFILE : passt_start(what, fd[1]);
	(void)close(fd[1]);
	if (error == 0 && asprintf(&link, "fd=%d", fd[0]) < 0)
		error = ENOMEM;
	if (error) {
		(void)close(fd[0]);
		return error;
	}
	*ret_link = link;
	return 0;
}
