/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_stop.c - rumpus stop: an orderly end of a server, and word of it
 *
 * The server answers at once that it will; its end is the end of that connection.  Then
 * its folder is gone, or is cleared away here.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../server/place.h"
#include "json_impl.h"
#include "net.h"
#include "rumpus.h"
#include "serve.h"

static const struct option options[] = {
	{ "time", required_argument, NULL, 't' },
	{ "timeout", required_argument, NULL, 't' },
	{ "kill", no_argument, NULL, 'k' },
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'H' },
	{ NULL, 0, NULL, 0 },
};

/* Where it runs, as something that cannot become another process. */
static int
open_process(const struct place *pl)
{
	json_t *info, *pid;
	char *text;
	int fd = -1;

	if (place_asktext(pl, "info", &text) != 0)
		return -1;
	info = json_loads(text, 0, NULL);
	pid = json_object_get(info, "pid");
	if (json_is_integer(pid))
		fd = (int)syscall(SYS_pidfd_open, (pid_t)json_integer_value(pid), 0);
	json_decref(info);
	free(text);
	return fd;
}

/* The first line says how many clients there were. */
static int
take_answer(const char *piece, size_t len, void *arg)
{
	unsigned int *clients = arg;
	json_t *answer = json_loadb(piece, len, JSON_DISABLE_EOF_CHECK, NULL);

	if (answer != NULL)
		*clients = (unsigned int)json_integer_value(json_object_get(answer, "clients"));
	json_decref(answer);
	return 0;
}

/* With a limit of time, after which it is killed if that was asked for. */
static int
stop_server(struct place *pl, unsigned long seconds, bool kill)
{
	struct pollfd pfd = { .fd = open_process(pl), .events = POLLIN };
	double begin = net_seconds();
	unsigned int clients = 0;
	char request[32];
	int error = 0;

	(void)snprintf(request, sizeof(request), "stop %lu", seconds);
	if (pfd.fd == -1 || !kill) {
		error = place_ask(pl, request, take_answer, &clients);
	} else {
		pid_t child = fork();

		if (child == 0)
			_exit(place_ask(pl, request, take_answer, &clients) != 0);
		if (poll(&pfd, 1, (int)(seconds + 1) * 1000) == 0 &&
		    syscall(SYS_pidfd_send_signal, pfd.fd, SIGKILL, NULL, 0) == 0) {
			warn_text("%s: killed after %lu seconds", pl->pl_name, seconds + 1);
			(void)poll(&pfd, 1, -1);
			note_failure(EX_IO);
		}
	}
	/* A server that ends resets or closes; both are what was wanted. */
	if (error == ECONNRESET)
		error = 0;
	if (error == 0 && pfd.fd != -1)
		(void)poll(&pfd, 1, -1);
	if (pfd.fd != -1)
		close(pfd.fd);
	if (error == ECONNREFUSED) {
		if (place_clear(pl)) {
			warn_text("%s: was dead; what it left is gone", pl->pl_name);
			return EX_NOMATCH;
		}
		return complain(pl->pl_name, "is starting or stopping", EBUSY);
	}
	if (error)
		return complain(pl->pl_name, "stop", error);
	(void)place_clear(pl);
	if (want_json)
		printf("{\"name\": \"%s\", \"seconds\": %.3f, \"clients\": %u}\n", pl->pl_name,
		    net_seconds() - begin, clients);
	else
		printf("%s stopped after %.1f s with %u clients\n", pl->pl_name, net_seconds() - begin,
		    clients);
	return EX_DONE;
}

int
cmd_stop(int argc, char **argv)
{
	unsigned long seconds = 0;
	bool kill = false;
	struct place pl;
	int code, error, opt;

	while ((opt = getopt_long(argc, argv, "t:k", options, NULL)) != -1) {
		if (opt == 't') {
			if (!net_number(optarg, 3600, &seconds))
				return usage_error("'%s' is no number of seconds up to 3600", optarg);
		} else if (opt == 'k') {
			kill = true;
		} else {
			code = usage_option(opt);
			if (code != -1)
				return code;
		}
	}
	if (optind == argc)
		return usage_error("stop which server?  'rumpus ps' shows them");
	for (int i = optind; i < argc; i++) {
		error = place_name_ok(argv[i]) ? place_open(argv[i], &pl) : EINVAL;
		if (error == ENOENT || error == EINVAL) {
			warn_text("there is no server '%s'", argv[i]);
			note_failure(EX_NOMATCH);
		} else if (error) {
			(void)complain(argv[i], "open", error);
		} else {
			note_failure(stop_server(&pl, seconds, kill));
			place_close(&pl);
		}
	}
	code = finish_output();
	return failures() != EX_DONE ? failures() : code;
}
