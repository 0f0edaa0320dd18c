/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_stop.c - waiting for a reason to stop
 *
 * Signals are blocked in all threads and read from a descriptor by the main one,
 * together with an eventfd that other threads write when somebody asked.  Who is
 * impatient and sends a second signal ends the server at once.
 *
 * A server of one program ends with it and with what it started (--end-with): they hold the
 * other end of a pipe.  Who closed that, as daemons do, keeps the server up as its client.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <rump/rump.h>

#include "../rumpus/rumpus.h"
#include "server.h"

#define ALONE_MS	100	/* between two looks at whether clients are left */

static int stop_signals = -1, stop_event = -1, stop_reboot = -1, stop_pipe = -1;
static atomic_int stop_asked;

static int
pipe_prepare(void)
{
	struct stat st;

	if (server_options.so_endwith == 0)
		return EX_DONE;
	stop_pipe = (int)server_options.so_endwith;
	if (fstat(stop_pipe, &st) != 0 || !S_ISFIFO(st.st_mode))
		return usage_error("--end-with: descriptor %d is no pipe", stop_pipe);
	(void)fcntl(stop_pipe, F_SETFD, FD_CLOEXEC);
	return EX_DONE;
}

int
server_stop_prepare(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return complain("signals", "block", errno);
	/* A shell that is left need not end what runs in the background. */
	if (!server_options.so_foreground)
		sigdelset(&set, SIGHUP);
	stop_signals = signalfd(-1, &set, SFD_CLOEXEC);
	stop_event = eventfd(0, EFD_CLOEXEC);
	stop_reboot = eventfd(0, EFD_CLOEXEC);
	if (stop_signals == -1 || stop_event == -1 || stop_reboot == -1)
		return complain("signals", "wait", errno);
	return pipe_prepare();
}

void
server_stop_ask(int why)
{
	const uint64_t one = 1;

	stop_asked = why;
	if (write(stop_event, &one, sizeof(one)) == -1)
		server_log(LOG_ERR, "cannot wake the main thread: %s", strerror(errno));
}

int
server_stop_wait(void)
{
	struct pollfd pfd[4] = { { .fd = stop_signals, .events = POLLIN },
	    { .fd = stop_event, .events = POLLIN }, { .fd = stop_reboot, .events = POLLIN },
	    { .fd = stop_pipe, .events = 0 } };
	struct signalfd_siginfo si;
	bool ended = false;

	rump_pub_halt_notify(stop_reboot);

	for (;;) {
		if (poll(pfd, 4, ended ? ALONE_MS : -1) == -1 && errno != EINTR)
			return STOP_ASKED;
		if (pfd[3].revents != 0) {
			ended = true;
			pfd[3].fd = -1;		/* which poll() passes over */
		}
		if (ended && metrics_clients() == 0)
			return STOP_ALONE;
		if (pfd[0].revents != 0 && read(stop_signals, &si, sizeof(si)) == sizeof(si))
			return STOP_SIGNAL + (int)si.ssi_signo;
		if (pfd[1].revents != 0)
			return stop_asked;
		if (pfd[2].revents != 0)
			return STOP_REBOOT;
	}
}

/* Waits at most so long for another signal: true if one came. */
bool
server_stop_again(int ms)
{
	struct pollfd pfd = { .fd = stop_signals, .events = POLLIN };

	return poll(&pfd, 1, ms) > 0;
}
