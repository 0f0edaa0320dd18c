/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_stop.c - waiting for a reason to stop
 *
 * Signals are blocked in all threads and read from a descriptor by the main one,
 * together with an eventfd that other threads write when somebody asked.  Who is
 * impatient and sends a second signal ends the server at once.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <unistd.h>

#include <rump/rump.h>

#include "../rumpus/rumpus.h"
#include "server.h"

static int stop_signals = -1, stop_event = -1, stop_reboot = -1;
static atomic_int stop_asked;

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
	return EX_DONE;
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
	struct pollfd pfd[3] = { { .fd = stop_signals, .events = POLLIN },
	    { .fd = stop_event, .events = POLLIN }, { .fd = stop_reboot, .events = POLLIN } };
	struct signalfd_siginfo si;

	rump_pub_halt_notify(stop_reboot);

	for (;;) {
		if (poll(pfd, 3, -1) == -1 && errno != EINTR)
			return STOP_ASKED;
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
