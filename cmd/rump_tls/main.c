/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * main.c - rump_tls: TLS for servers and clients, and keys for both
 *
 *	rump_tls newkey FILE [NAME]
 *	rump_tls serve PID URL		by a server, see hyper/common/tlsfront.h
 *	rump_tls connect PID URL	by a client
 *
 * It keeps what it was started with to itself: no core, no debugger, and for a server, which
 * listens to strangers, nothing but the descriptors that it has.
 */

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/lockin.h"
#include "tls.h"

void
say(const char *fmt, ...)
{
	va_list ap;

	fputs("rump_tls: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void
tell(int front, int error, const char *url)
{
	struct tlsfront_ready ready = { .tr_error = error };

	(void)snprintf(ready.tr_url, sizeof(ready.tr_url), "%s", url);
	(void)send(front, &ready, sizeof(ready), MSG_NOSIGNAL);
}

static int null_fd;

/* Nobody waits for our last word at a terminal or a pipe. */
static void
go_away(void)
{
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null_fd, fd);
	(void)close(null_fd);
}

static void
prepare(void)
{
	struct rlimit rl;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)fcntl(TLSFRONT_FD, F_SETFD, FD_CLOEXEC);
	(void)syscall(SYS_close_range, TLSFRONT_FD + 1, ~0u, 0);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static int
lock_in(void)
{
	int error;

	(void)!chdir("/");
	if (!TLS_LOCKIN)
		return 0;
	error = lockin_files();
	if (error == 0 || error == EOPNOTSUPP)
		error = lockin_calls();
	if (error)
		say("lock-in: %s", strerror(error));
	return error;
}

static int
serve(const char *url)
{
	char where[124] = "";
	struct addresses as;
	SSL_CTX *ctx = NULL;
	int listener = -1, error;

	error = net_resolve(url, true, &as);
	if (error == 0 && (ctx = context_create(true, NULL)) == NULL)
		error = EACCES;
	if (error == 0)
		error = net_listen(&as, &listener, where, sizeof(where));
	if (error == 0)
		error = lock_in();
	tell(TLSFRONT_FD, error, where);
	if (error)
		return 1;
	go_away();
	return loop_serve(ctx, listener, TLSFRONT_FD) == 0 ? 0 : 1;
}

static int
connect_to(const char *url, const char *starter)
{
	char where[124] = "";
	struct addresses as;
	SSL_CTX *ctx = NULL;
	int listener = -1, error;

	error = net_resolve(url, false, &as);
	if (error == 0 && (ctx = context_create(false, as.as_host)) == NULL)
		error = EACCES;
	if (error == 0)
		error = loop_try(ctx, &as);
	if (error == 0)
		error = net_local(&listener, where, sizeof(where));
	tell(TLSFRONT_FD, error, where);
	if (error)
		return 1;
	go_away();
	(void)!chdir("/");
	return loop_connect(ctx, &as, listener, TLSFRONT_FD, (pid_t)strtol(starter, NULL, 10)) == 0 ?
	    0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc >= 3 && argc <= 4 && strcmp(argv[1], "newkey") == 0)
		return psk_make(argv[2], argc == 4 ? argv[3] : "client") == 0 ? 0 : 1;
	if (argc != 4 || (strcmp(argv[1], "serve") != 0 && strcmp(argv[1], "connect") != 0)) {
		fputs("usage: rump_tls newkey FILE [NAME]\n"
		    "A key for a server and its clients, see rump_tls(1).\n", stderr);
		return 2;
	}
	prepare();
	return strcmp(argv[1], "serve") == 0 ? serve(argv[3]) : connect_to(argv[3], argv[2]);
}
