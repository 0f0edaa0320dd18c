/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * on_main.c - the network commands of rumpus(1), at a server (--on)
 *
 * The commands make rump_sys_*() calls and know nothing of where they are carried out.
 * In rumpus(1) that is a kernel in its own process; here the same functions come from
 * librumpclient.  So this program has no kernel in it, starts in a millisecond, and "the
 * interfaces" are those that the server has.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rumpclient.h>

#include "../server/place.h"
#include "net.h"

static const struct { const char *word; int (*fn)(int, char **); } commands[] = {
	{ "ping", cmd_ping }, { "traceroute", cmd_traceroute }, { "ip", cmd_ip },
	{ "ss", cmd_ss }, { "capture", cmd_capture }, { "cat", net_cat }, { "perf", net_perf },
};

static const char *server;

int
usage_error(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "rumpus: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\ntry 'rumpus --help'\n", stderr);
	return EX_USE;
}

int
usage_option(int opt)
{
	if (opt == 'J') {
		want_json = true;
		return -1;
	}
	return EX_USE;		/* getopt has named it */
}

int
net_option(int opt)
{
	if (opt >= 0x100 && opt <= 0x10e)
		return usage_error("with --on the interfaces and routes are the server's: "
		    "'rumpus ip' changes them");
	return usage_option(opt);
}

const struct netif *
net_interfaces(size_t *ret_n)
{
	*ret_n = 0;
	return NULL;
}

/* What an interface is connected to is a matter of the server's host. */
int
rump_pub_netconfig_ifsetlinkstr(const char *ifname, const char *link)
{
	return EOPNOTSUPP;
}

const char *
rump_strerror(int error)
{
	return strerror(error);
}

const char *
rump_errname(int error)
{
	const char *name = strerrorname_np(error);

	return name != NULL ? name : "E?";
}

int
net_boot(void)
{
	char url[4096];
	int error;

	error = place_url(server, url, sizeof(url));
	if (error == EINVAL || error == ENOENT) {
		warn_text("there is no server '%s'; 'rumpus ps' shows them", server);
		return EX_NOMATCH;
	}
	if (error)
		return complain(server, "find", error);
	net_stop_block();
	if (rumpclient_connect(url) != 0)
		return complain(url, "connect", errno);
	error = net_stop_start();
	return error != 0 ? complain(url, "start", error) : EX_DONE;
}

/* "--tls-psk FILE" and the like are what the environment could say as well. */
static void
take_credential(int argc, char **argv, int *from)
{
	static const struct { const char *option, *name; } credentials[] = {
		{ "--tls-psk", "RUMP_TLS_PSK" }, { "--tls-cert", "RUMP_TLS_CERT" },
		{ "--tls-key", "RUMP_TLS_KEY" }, { "--tls-ca", "RUMP_TLS_CA" },
	};
	const char *word = argv[*from], *value = strchr(word, '=');
	size_t len = value != NULL ? (size_t)(value - word) : strlen(word);

	if (value == NULL && *from + 1 < argc)
		value = argv[++*from];
	else if (value != NULL)
		value++;
	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++) {
		if (strlen(credentials[i].option) == len && value != NULL &&
		    strncmp(credentials[i].option, word, len) == 0 &&
		    setenv(credentials[i].name, value, 1) == 0)
			return;
	}
	exit(usage_error("'%s' is no option, or wants a value", word));
}

/* Takes --on and its value out of the words. */
static int
take_server(int argc, char **argv)
{
	int to = 1, from;

	for (from = 1; from < argc; from++) {
		if (strcmp(argv[from], "--") == 0)
			break;
		if (strncmp(argv[from], "--on=", 5) == 0)
			server = argv[from] + 5;
		else if (strcmp(argv[from], "--on") == 0 && from + 1 < argc)
			server = argv[++from];
		else if (strncmp(argv[from], "--tls-", 6) == 0)
			take_credential(argc, argv, &from);
		else
			argv[to++] = argv[from];
	}
	while (from < argc)
		argv[to++] = argv[from++];
	argv[to] = NULL;
	return to;
}

int
main(int argc, char **argv)
{
	argc = take_server(argc, argv);
	if (server == NULL || server[0] == '\0')
		return usage_error("--on which server?");
	/* "net cat" and "net perf" are meant as well. */
	if (argc > 2 && strcmp(argv[1], "net") == 0) {
		argc--;
		argv++;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].word) == 0)
			return commands[i].fn(argc - 1, argv + 1);
	}
	return usage_error("'%s' is not carried out at a server", argc > 1 ? argv[1] : "");
}
