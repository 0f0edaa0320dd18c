/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_net.c - rumpus net: a host on a network, made of one process
 *
 * "up" boots, configures, serves and answers until Ctrl-C; commands given behind
 * "--", by -c or on standard input run in the same kernel, as if typed into that host.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#include "net_impl.h"

static const struct option options[] = {
	{ "serve", optional_argument, NULL, 's' },
	{ "command", required_argument, NULL, 'c' },
	{ "interactive", no_argument, NULL, 'i' },
	NET_OPTIONS,
};

static const struct { const char *word; int (*fn)(int, char **); } commands[] = {
	{ "ping", cmd_ping }, { "traceroute", cmd_traceroute }, { "ip", cmd_ip },
	{ "ss", cmd_ss }, { "capture", cmd_capture }, { "cat", net_cat }, { "perf", net_perf },
};

#define MAXCOMMANDS	64
#define MAXWORDS	64

static char *command_lines[MAXCOMMANDS];
static size_t ncommands;

int
net_run(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[0], commands[i].word) != 0)
			continue;
		/* Each is a main function: getopt and the like start anew. */
		optind = 0;
		want_json = false;
		return commands[i].fn(argc, argv);
	}
	return usage_error("no network command '%s'", argv[0]);
}

int
net_runline(char *line)
{
	char *argv[MAXWORDS];
	int argc = net_words(line, argv, MAXWORDS);
	int code;

	if (argc == 0)
		return EX_DONE;
	if (argc < 0)
		return usage_error("too many words");
	code = net_run(argc, argv);
	fflush(stdout);
	return code;
}

/* --- up --------------------------------------------------------------------------------- */

static void
announce(void)
{
	size_t n;
	const struct netif *ni = net_interfaces(&n);
	char text[64];

	for (size_t i = 0; i < n; i++) {
		fprintf(stderr, "%s:", ni[i].ni_name);
		for (unsigned int a = 0; a < ni[i].ni_naddrs; a++) {
			netaddr_text(ni[i].ni_addr[a].na_family, &ni[i].ni_addr[a].na_addr, text,
			    sizeof(text));
			fprintf(stderr, " %s/%u", text, ni[i].ni_addr[a].na_plen);
		}
		fprintf(stderr, "%s%s\n", ni[i].ni_link != NULL ? " on " : "",
		    ni[i].ni_link != NULL ? ni[i].ni_link : "");
	}
}

/* Reads lines until the end of the file or Ctrl-C, whichever is first. */
static int
interact(void)
{
	bool tty = isatty(STDIN_FILENO);
	int code = EX_DONE;
	char *line = NULL;
	size_t room = 0;

	for (;;) {
		struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };

		if (tty) {
			fputs("net> ", stdout);
			fflush(stdout);
		}
		/* The host's descriptor and the kernel's cannot be waited for at once. */
		while (!net_stopped() && poll(&pfd, 1, 200) == 0)
			continue;
		if (net_stopped() || getline(&line, &room, stdin) == -1)
			break;
		code = net_runline(line);
	}
	free(line);
	return code;
}

int
net_up(int argc, char **argv)
{
	const char *services = NULL;
	bool interactive = false;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "+c:i", options, NULL)) != -1) {
		if (opt == 's') {
			services = optarg != NULL ? optarg : net_services();
		} else if (opt == 'c') {
			if (ncommands == MAXCOMMANDS)
				return usage_error("too many commands");
			command_lines[ncommands++] = optarg;
		} else if (opt == 'i') {
			interactive = true;
		} else {
			code = net_option(opt);
			if (code != -1)
				return code;
		}
	}
	code = net_boot();
	if (code == EX_DONE && services != NULL)
		code = net_serve(services);
	if (code != EX_DONE)
		return code;
	if (optind < argc)
		return net_run(argc - optind, argv + optind);
	for (size_t i = 0; code == EX_DONE && i < ncommands; i++)
		code = net_runline(command_lines[i]);
	if (interactive)
		return interact();
	if (ncommands > 0 && services == NULL)
		return code;
	announce();
	fputs("up\n", stdout);
	fflush(stdout);
	while (!net_stopped())
		(void)net_wait(-1, 0, -1);
	return code;
}

int
cmd_net(int argc, char **argv)
{
	static const struct { const char *word; int (*fn)(int, char **); } subs[] = {
		{ "up", net_up }, { "cat", net_cat }, { "perf", net_perf },
	};

	if (argc > 1) {
		for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
			if (strcmp(argv[1], subs[i].word) == 0) {
				argv[1] = argv[0];
				return subs[i].fn(argc - 1, argv + 1);
			}
		}
		if (strcmp(argv[1], "--help") == 0)
			return usage_option('H');
		return usage_error("net knows no '%s', but up, cat and perf", argv[1]);
	}
	return usage_error("net what?  up, cat or perf");
}
