/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_sh.c - rumpus sh: the user's own shell and tools, with an image below one prefix
 *
 * A server of its own, which ends with the shell, holds the image below /image; the shell
 * and whatever it starts are its clients and find it there.  Everything else is the
 * host's.  The server says by the protocol of sd_notify(3) when it can be used.
 */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rumpus.h"
#include "serve.h"

#define PREFIX	"/image"

static const struct option options[] = {
	{ "engine", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'H' },
	{ NULL, 0, NULL, 0 },
};

struct shell {
	char	 s_dir[64];	/* the server's, and nobody else's */
	char	 s_url[128];
	int	 s_notify;	/* where the server says that it is ready */
	pid_t	 s_server;
	const char *s_engine;
};

static int
notify_open(struct shell *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", s->s_dir);
	s->s_notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->s_notify < 0 || bind(s->s_notify, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    setenv("NOTIFY_SOCKET", sun.sun_path, 1) != 0)
		return errno;
	return 0;
}

static void
server_exec(const struct shell *s, const char *image)
{
	char mount[PATH_MAX + sizeof(PREFIX) + 16], name[] = "rumpus", word[] = "server",
	    foreground[] = "--foreground", *argv[6];

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* Ctrl-C is meant for what runs in the shell. */
	(void)setpgid(0, 0);
	if (snprintf(mount, sizeof(mount), "--mount=%s:" PREFIX, image) >= (int)sizeof(mount)) {
		warn_text("%s: the name is too long", image);
		_exit(EX_USE);
	}
	argv[0] = name;
	argv[1] = word;
	argv[2] = foreground;
	argv[3] = mount;
	argv[4] = strdup(s->s_url);
	argv[5] = NULL;
	execv("/proc/self/exe", argv);
	_exit(complain("rumpus", "start the server", errno));
}

/* Until the server is ready, or has ended: its code then. */
static int
server_wait(struct shell *s)
{
	struct pollfd pfd = { .fd = s->s_notify, .events = POLLIN };
	int status;

	for (;;) {
		if (poll(&pfd, 1, 100) > 0)
			return EX_DONE;
		if (waitpid(s->s_server, &status, WNOHANG) == s->s_server) {
			s->s_server = -1;
			return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EX_IO;
		}
	}
}

static int
server_start(struct shell *s, const char *image)
{
	int error = notify_open(s);

	if (error)
		return complain(s->s_dir, "make a socket", error);
	s->s_server = fork();
	if (s->s_server == 0)
		server_exec(s, image);
	(void)unsetenv("NOTIFY_SOCKET");
	if (s->s_server < 0)
		return complain("rumpus", "fork", errno);
	return server_wait(s);
}

static void
server_end(struct shell *s)
{
	char path[PATH_MAX];

	if (s->s_server > 0) {
		(void)kill(s->s_server, SIGTERM);
		(void)waitpid(s->s_server, NULL, 0);
	}
	(void)snprintf(path, sizeof(path), "%s/notify", s->s_dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/kernel", s->s_dir);
	(void)unlink(path);
	(void)rmdir(s->s_dir);
}

/* "rumpus run", in PREFIX if it is the user who types. */
static void
shell_exec(const struct shell *s, char **command, int n)
{
	static char name[] = "rumpus", word[] = "run", blanket[] = "--blanket=" PREFIX, end[] = "--",
	    sh[] = "/bin/sh", minus_c[] = "-c", script[] = "cd " PREFIX " && exec \"${SHELL:-/bin/sh}\"";
	char on[160], engine[64], **argv = calloc((size_t)n + 10, sizeof(*argv));
	int i = 0;

	if (argv == NULL)
		_exit(complain("rumpus", "run", ENOMEM));
	(void)snprintf(on, sizeof(on), "--on=%s", s->s_url);
	argv[i++] = name;
	argv[i++] = word;
	argv[i++] = on;
	argv[i++] = blanket;
	if (s->s_engine != NULL) {
		(void)snprintf(engine, sizeof(engine), "--engine=%s", s->s_engine);
		argv[i++] = engine;
	}
	argv[i++] = end;
	if (n == 0) {
		argv[i++] = sh;
		argv[i++] = minus_c;
		argv[i++] = script;
	}
	for (int j = 0; j < n; j++)
		argv[i++] = command[j];
	execv("/proc/self/exe", argv);
	_exit(complain("rumpus", "run", errno));
}

static int
shell_run(const struct shell *s, char **command, int n)
{
	pid_t pid;
	int status;

	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGQUIT, SIG_DFL);
		shell_exec(s, command, n);
	}
	if (pid < 0)
		return complain("rumpus", "fork", errno);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return complain("rumpus", "wait", errno);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
cmd_sh(int argc, char **argv)
{
	struct shell s = { .s_notify = -1, .s_server = -1 };
	const char *tmp = getenv("TMPDIR");
	int opt, code;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == 'e') {
			s.s_engine = optarg;
			continue;
		}
		code = usage_option(opt);
		if (code != -1)
			return code;
	}
	if (optind == argc)
		return usage_error("of which image?");
	if (snprintf(s.s_dir, sizeof(s.s_dir), "%s/rumpus-sh.XXXXXX", tmp != NULL ? tmp : "/tmp") >=
	    (int)sizeof(s.s_dir) || mkdtemp(s.s_dir) == NULL)
		return complain(tmp != NULL ? tmp : "/tmp", "make a folder", errno);
	(void)snprintf(s.s_url, sizeof(s.s_url), "unix://%s/kernel", s.s_dir);
	code = server_start(&s, argv[optind]);
	if (code == EX_DONE)
		code = shell_run(&s, argv + optind + 1, argc - optind - 1);
	server_end(&s);
	return code;
}
