/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_control.c - the control socket, which rumpus ps, stop, trace and top ask
 *
 * One line comes in, an answer goes out, the connection ends:
 *
 *	info			{"name":..., "pid":..., ...}
 *	stats			the same and all counters
 *	metrics			counters for Prometheus
 *	get NAME, set NAME VALUE  a variable of the kernel
 *	stop SECONDS		ends the server; a line when it has
 *	trace [PID]		lines of strace(1)'s form until the asker leaves
 *
 * One thread answers all, so it never waits for an asker: requests are read when they
 * are there, answers that do not fit into the socket's buffer wait for room.  It also
 * serves the metrics socket, passes lines on to syslog and pats the watchdog.
 * Only the server's own user and root are listened to.
 *
 * References: unix(7) SO_PEERCRED.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <rump/rump.h>

#include "../rumpus/net.h"
#include "../rumpus/rumpus.h"
#include "server.h"
#include "server_impl.h"

#define NASKERS		16
#define REQUEST_MAX	4096
#define REQUEST_TIME	10.0		/* seconds from accept to the last byte */

struct asker {
	int		 a_fd;		/* -1: free */
	bool		 a_answering;
	bool		 a_metrics;	/* came by that socket: HTTP */
	bool		 a_stay;	/* "stop": to be told when it is done */
	double		 a_until;	/* net_seconds() */
	char		 a_line[REQUEST_MAX];
	size_t		 a_have;
	struct textbuf	 a_answer;
	size_t		 a_sent;
};

static struct asker askers[NASKERS];
static int control_fd = -1, control_end = -1;
static pthread_t control_thread;
static bool control_runs;

int
server_control_listen(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int error = 0;

	for (size_t i = 0; i < NASKERS; i++)
		askers[i].a_fd = -1;
	control_end = eventfd(0, EFD_CLOEXEC);
	if (control_end == -1)
		return complain("control", "make an eventfd", errno);
	if (server_place.pl_dirfd == -1)
		return EX_DONE;
	control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* However long the folder's path is. */
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/ctl",
	    server_place.pl_dirfd);
	if (control_fd == -1 || bind(control_fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(control_fd, NASKERS) != 0)
		error = errno;
	return error != 0 ? complain(server_place.pl_path, "make the control socket", error) :
	    EX_DONE;
}

/* --- requests ------------------------------------------------------------------- */

static void
asker_close(struct asker *a)
{
	if (a->a_fd != -1)
		close(a->a_fd);
	text_free(&a->a_answer);
	*a = (struct asker){ .a_fd = -1 };
}

static void
answer_error(struct textbuf *tb, const char *what, int error)
{
	text_printf(tb, "{\"error\": ");
	text_json(tb, what);
	text_printf(tb, ", \"errno\": %d}\n", error);
}

static void
answer_get(struct textbuf *tb, const char *name)
{
	char value[1024];
	int error = rump_pub_kvar_read(name, value, sizeof(value));

	if (error) {
		answer_error(tb, rump_strerror(error), error);
		return;
	}
	text_printf(tb, "{\"value\": ");
	text_json(tb, value);
	text_printf(tb, "}\n");
}

static void
answer_set(struct textbuf *tb, char *words)
{
	char *value = strchr(words, ' ');
	int error = EINVAL;

	if (value != NULL) {
		*value++ = '\0';
		error = rump_pub_kvar_write(words, value);
	}
	if (error)
		answer_error(tb, rump_strerror(error), error);
	else
		text_printf(tb, "{}\n");
}

/* The answer is "going", and the end of the connection when it has gone. */
static void
answer_stop(struct asker *a, const char *words)
{
	unsigned long seconds;

	if (words[0] != '\0' && net_number(words, 3600, &seconds))
		server_options.so_stoptime = seconds;
	text_printf(&a->a_answer, "{\"stopping\": true, \"clients\": %u, \"seconds\": %lu}\n",
	    metrics_clients(), server_options.so_stoptime);
	a->a_stay = true;
	server_stop_ask(STOP_ASKED);
}

static void
request_answer(struct asker *a)
{
	static const struct { const char *word; size_t len; } words[] = {
		{ "info", 4 }, { "stats", 5 }, { "metrics", 7 }, { "get ", 4 }, { "set ", 4 },
		{ "stop", 4 }, { "trace", 5 },
	};
	size_t i = 0, n = sizeof(words) / sizeof(words[0]);
	char *rest;

	while (i < n && strncmp(a->a_line, words[i].word, words[i].len) != 0)
		i++;
	rest = i < n ? a->a_line + words[i].len : NULL;
	while (rest != NULL && *rest == ' ')
		rest++;
	a->a_answering = true;
	a->a_until = net_seconds() + REQUEST_TIME;
	switch (i) {
	case 0:
		metrics_info(&a->a_answer);
		break;
	case 1:
		metrics_json(&a->a_answer);
		break;
	case 2:
		metrics_prometheus(&a->a_answer);
		break;
	case 3:
		answer_get(&a->a_answer, rest);
		break;
	case 4:
		answer_set(&a->a_answer, rest);
		break;
	case 5:
		answer_stop(a, rest);
		break;
	case 6:
		server_trace(a->a_fd, rest);
		a->a_fd = -1;
		asker_close(a);
		break;
	default:
		answer_error(&a->a_answer, "no such request", EINVAL);
		break;
	}
	if (a->a_answer.tb_bad)
		asker_close(a);
}

/* --- connections ------------------------------------------------------------------- */

static void
asker_accept(int listener)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	/* Who may connect to the socket of counters may read them. */
	if (listener != control_fd ||
	    (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    (cred.uid == geteuid() || cred.uid == 0))) {
		for (size_t i = 0; i < NASKERS; i++) {
			if (askers[i].a_fd != -1)
				continue;
			askers[i].a_fd = fd;
			askers[i].a_metrics = listener != control_fd;
			askers[i].a_until = net_seconds() + REQUEST_TIME;
			return;
		}
	}
	close(fd);
}

static void
asker_read(struct asker *a)
{
	ssize_t n = recv(a->a_fd, a->a_line + a->a_have, sizeof(a->a_line) - 1 - a->a_have, 0);
	char *end;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		asker_close(a);
		return;
	}
	a->a_have += (size_t)n;
	a->a_line[a->a_have] = '\0';
	/* HTTP's request ends with an empty line; its words do not matter. */
	if (a->a_metrics) {
		if (strstr(a->a_line, "\r\n\r\n") != NULL || strstr(a->a_line, "\n\n") != NULL) {
			a->a_answering = true;
			a->a_until = net_seconds() + REQUEST_TIME;
			metrics_answer(&a->a_answer);
			if (a->a_answer.tb_bad)
				asker_close(a);
		} else if (a->a_have == sizeof(a->a_line) - 1) {
			asker_close(a);
		}
		return;
	}
	/* A NUL ends the words, not the line. */
	end = memchr(a->a_line, '\n', a->a_have);
	if (end != NULL) {
		*end = '\0';
		request_answer(a);
	} else if (a->a_have == sizeof(a->a_line) - 1) {
		asker_close(a);
	}
}

static void
asker_write(struct asker *a)
{
	size_t left = a->a_answer.tb_len - a->a_sent;
	ssize_t n = 0;

	if (left > 0)
		n = send(a->a_fd, a->a_answer.tb_text + a->a_sent, left, MSG_NOSIGNAL);
	if (n > 0)
		a->a_sent += (size_t)n;
	if ((n == -1 && errno != EAGAIN && errno != EINTR) ||
	    (a->a_sent == a->a_answer.tb_len && !a->a_stay))
		asker_close(a);
}

static void
asker_event(struct asker *a, short events, double now)
{
	if (a->a_answering && a->a_stay && a->a_sent == a->a_answer.tb_len) {
		if ((events & (POLLHUP | POLLERR)) != 0)
			asker_close(a);
	} else if (events != 0 && a->a_answering) {
		asker_write(a);
	} else if (events != 0) {
		asker_read(a);
	} else if (now > a->a_until) {
		asker_close(a);
	}
}

/* --- the thread --------------------------------------------------------------------- */

enum { POLL_END, POLL_CONTROL, POLL_METRICS, POLL_LOG, POLL_ASKERS };

static int
fill_poll(struct pollfd *pfd)
{
	int wait = metrics_wait(), dog = (int)server_notify_watchdog();

	pfd[POLL_END] = (struct pollfd){ .fd = control_end, .events = POLLIN };
	pfd[POLL_CONTROL] = (struct pollfd){ .fd = control_fd, .events = POLLIN };
	pfd[POLL_METRICS] = (struct pollfd){ .fd = metrics_fd(), .events = POLLIN };
	pfd[POLL_LOG] = (struct pollfd){ .fd = server_log_fd(), .events = POLLIN };
	if (dog > 0 && (wait == -1 || dog < wait))
		wait = dog;
	for (size_t i = 0; i < NASKERS; i++) {
		struct asker *a = &askers[i];
		bool quiet = a->a_stay && a->a_sent == a->a_answer.tb_len;

		pfd[POLL_ASKERS + i] = (struct pollfd){ .fd = a->a_fd,
		    .events = quiet ? 0 : a->a_answering ? POLLOUT : POLLIN };
		if (a->a_fd != -1 && !quiet && (wait == -1 || wait > 1000))
			wait = 1000;
	}
	return wait;
}

static void *
control_main(void *arg)
{
	struct pollfd pfd[POLL_ASKERS + NASKERS];
	double dog = net_seconds(), now;

	(void)pthread_setname_np(pthread_self(), "control");
	for (;;) {
		int wait = fill_poll(pfd);

		if (poll(pfd, POLL_ASKERS + NASKERS, wait) == -1 && errno != EINTR)
			break;
		now = net_seconds();
		if (pfd[POLL_LOG].revents != 0)
			server_log_pass();
		for (size_t i = 0; i < NASKERS; i++) {
			if (askers[i].a_fd != -1)
				asker_event(&askers[i], pfd[POLL_ASKERS + i].revents, now);
		}
		if (pfd[POLL_END].revents != 0)
			break;
		if (pfd[POLL_CONTROL].revents != 0)
			asker_accept(control_fd);
		if (pfd[POLL_METRICS].revents != 0)
			asker_accept(metrics_fd());
		metrics_tick();
		if (server_notify_watchdog() != 0 &&
		    now - dog >= server_notify_watchdog() / 1000.0) {
			server_notify("WATCHDOG=1");
			dog = now;
		}
	}
	return arg;
}

int
server_control_start(void)
{
	if (control_fd == -1 && metrics_fd() == -1 && metrics_wait() == -1 &&
	    server_log_fd() == -1 && server_notify_watchdog() == 0)
		return EX_DONE;		/* nothing to do for it */
	if (pthread_create(&control_thread, NULL, control_main, NULL) != 0)
		return complain("control", "start a thread", EAGAIN);
	control_runs = true;
	return EX_DONE;
}

void
server_control_stop(void)
{
	const uint64_t one = 1;

	if (!control_runs || write(control_end, &one, sizeof(one)) == -1)
		return;
	(void)pthread_join(control_thread, NULL);
	/* Those who asked for the end stay connected until the process is no more. */
	if (control_fd != -1)
		close(control_fd);
}
