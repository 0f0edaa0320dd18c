/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_log.c - where a server's lines go, the kernel's among them
 *
 * The kernel writes to the standard error, so that is turned to the chosen place:
 * left as it is, a file, or a pipe whose other end passes lines on to syslog.  In the
 * journal's stream a line begins with its priority in angle brackets (sd-daemon(3)).
 * In the background and without --log nobody listens.
 *
 * Everything is opened before the lock-in.
 *
 * References: sd-daemon(3), syslog(3), RFC 3164 section 4.1.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "../rumpus/rumpus.h"
#include "server.h"
#include "server_impl.h"

static int log_file = -1;	/* takes the place of the standard error */
static int log_syslog = -1;	/* a socket to /dev/log */
static int log_pipe = -1;	/* what was written to the standard error comes out here */
static bool log_journal;	/* priorities in angle brackets */

static int
syslog_open(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fds[2], error;

	log_syslog = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (log_syslog == -1 || connect(log_syslog, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		return complain("/dev/log", "connect", errno);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		error = errno;
		return complain("log", "open", error);
	}
	log_pipe = fds[0];
	log_file = fds[1];
	return EX_DONE;
}

int
server_log_open(void)
{
	const char *where = server_options.so_log;

	log_journal = getenv("JOURNAL_STREAM") != NULL;
	if (where == NULL || strcmp(where, "stderr") == 0) {
		/* In the background the terminal's is let go, unless it was asked for. */
		if (where != NULL)
			log_file = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return EX_DONE;
	}
	if (strcmp(where, "syslog") == 0)
		return syslog_open();
	if (strncmp(where, "file:", 5) != 0)
		return usage_error("--log=%s: stderr, syslog or file:PATH", where);
	log_file = open(where + 5, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	return log_file == -1 ? complain(where + 5, "open", errno) : EX_DONE;
}

void
server_log_detach(void)
{
	if (log_file != -1)
		(void)dup3(log_file, STDERR_FILENO, 0);
}

/* "<30>Nov 22 10:00:00 rump_server[12]: text" (RFC 3164 section 4.1). */
static void
syslog_line(int priority, const char *text)
{
	char line[1024], when[32];
	time_t now = time(NULL);
	struct tm tm;
	int len;

	if (gmtime_r(&now, &tm) == NULL || strftime(when, sizeof(when), "%b %e %T", &tm) == 0)
		when[0] = '\0';
	len = snprintf(line, sizeof(line), "<%d>%s %s[%d]: %s", LOG_DAEMON | priority, when,
	    program_name, (int)getpid(), text);
	if (len > 0)
		(void)send(log_syslog, line, (size_t)len < sizeof(line) ? (size_t)len :
		    sizeof(line) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
server_log(int priority, const char *fmt, ...)
{
	char text[900], line[1000];
	va_list ap;
	int len;

	if (priority > LOG_WARNING + server_options.so_verbose)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (log_syslog != -1) {
		syslog_line(priority, text);
		return;
	}
	if (log_journal)
		len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		len = snprintf(line, sizeof(line), "%s: %s\n", program_name, text);
	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) == -1)
		return;		/* nobody to tell */
}

int
server_log_fd(void)
{
	return log_pipe;
}

void
server_log_pass(void)
{
	static char buf[1024];
	static size_t have;
	char *end;
	ssize_t n = read(log_pipe, buf + have, sizeof(buf) - 1 - have);

	if (n <= 0)
		return;
	have += (size_t)n;
	buf[have] = '\0';
	while ((end = strchr(buf, '\n')) != NULL || have == sizeof(buf) - 1) {
		if (end == NULL)
			end = buf + have - 1;
		*end = '\0';
		syslog_line(LOG_NOTICE, buf);
		have -= (size_t)(end + 1 - buf);
		memmove(buf, end + 1, have + 1);
	}
}
