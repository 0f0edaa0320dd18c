/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_options.c - the options of a server, from the command line or a file
 *
 * Letters are those that the first rump_server(1) had; each has a word too, and the
 * file takes the words.  What concerns the network is net_options.c's.
 */

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../rumpus/net.h"
#include "../rumpus/rumpus.h"
#include "place.h"
#include "server.h"

struct server_options server_options = { .so_lockin = SERVER_LOCKIN, .so_landlock = true, };
const struct server_program *server_program;

enum {
	OPT_NAME = 0x200, OPT_MOUNT, OPT_CONFIG, OPT_METRICS, OPT_LOG, OPT_NOLOCKIN, OPT_STOPTIME,
	OPT_CLIENTS, OPT_THREADS, OPT_MAPUID, OPT_ENDWITH, OPT_PSK, OPT_CERT, OPT_KEY, OPT_CA,
};

static const struct option options[] = {
	{ "cpus", required_argument, NULL, 'c' },
	{ "device", required_argument, NULL, 'd' },
	{ "component", required_argument, NULL, 'l' },
	{ "module", required_argument, NULL, 'm' },
	{ "memory", required_argument, NULL, 'r' },
	{ "foreground", no_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "mount", required_argument, NULL, OPT_MOUNT },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "no-lockin", no_argument, NULL, OPT_NOLOCKIN },
	{ "stop-time", required_argument, NULL, OPT_STOPTIME },
	{ "clients", required_argument, NULL, OPT_CLIENTS },
	{ "client-threads", required_argument, NULL, OPT_THREADS },
	{ "map-uid", required_argument, NULL, OPT_MAPUID },
	{ "end-with", required_argument, NULL, OPT_ENDWITH },
	{ "tls-psk", required_argument, NULL, OPT_PSK },
	{ "tls-cert", required_argument, NULL, OPT_CERT },
	{ "tls-key", required_argument, NULL, OPT_KEY },
	{ "tls-ca", required_argument, NULL, OPT_CA },
	{ "net", required_argument, NULL, 0x100 },
	NET_OPTIONS,
};

static char *
copy_of(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	return copy;
}

static int
set_text(char **place, const char *what, const char *text)
{
	if (*place != NULL)
		return usage_error("%s was said twice: %s and %s", what, *place, text);
	*place = copy_of(text);
	return -1;
}

static int
add_text(char **list, size_t *n, const char *what, const char *text)
{
	if (*n == SERVER_MAXLIST)
		return usage_error("more than %d of %s", SERVER_MAXLIST, what);
	list[(*n)++] = copy_of(text);
	return -1;
}

/* What the kernel itself reads from its environment. */
static int
set_parameter(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0) {
		warn_text("out of memory");
		return EX_IO;
	}
	return -1;
}

static int
set_cpus(const char *text)
{
	unsigned long n;

	if (strcmp(text, "host") == 0)
		return unsetenv("RUMP_NCPU") == 0 ? -1 : EX_IO;
	if (!net_number(text, 64, &n) || n == 0)
		return usage_error("'%s' is no number of processors from 1 to 64", text);
	return set_parameter("RUMP_NCPU", text);
}

/* A number with one optional letter, of which something can be made. */
static int
set_memory(const char *text)
{
	static const char letters[] = "kmgt";
	const char *letter;
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	letter = *end != '\0' ? strchr(letters, tolower((unsigned char)*end)) : NULL;
	if (!isdigit((unsigned char)text[0]) || errno != 0 || n == 0 ||
	    (*end != '\0' && (letter == NULL || end[1] != '\0')))
		return usage_error("'%s' is no size: a number and k, m, g or t", text);
	for (; letter != NULL && letter >= letters; letter--) {
		if (n > UINT64_MAX / 1024)
			return usage_error("'%s' is too much", text);
		n *= 1024;
	}
	if (n < 4 << 20)
		return usage_error("'%s': a kernel needs at least 4m", text);
	return set_parameter("RUMP_MEMLIMIT", text);
}

static int
set_name(const char *text)
{
	if (!place_name_ok(text))
		return usage_error("'%s' is no name of a server: up to %d letters, digits and ._-, "
		    "and no dot or dash first", text, PLACE_NAMELEN);
	return set_text(&server_options.so_name, "--name", text);
}

static int
set_stoptime(const char *text)
{
	if (!net_number(text, 3600, &server_options.so_stoptime))
		return usage_error("'%s' is no number of seconds up to 3600", text);
	return -1;
}

/* What is a variable of the kernel, under a name that one finds. */
static int
set_variable(const char *name, const char *value)
{
	char *text;
	int code;

	if (asprintf(&text, "%s=%s", name, value) < 0) {
		warn_text("out of memory");
		return EX_IO;
	}
	for (char *c = text; *c != '\0'; c++) {
		if (*c == ',')
			*c = ' ';
	}
	code = server_option_named("sysctl", text);
	free(text);
	return code;
}

static int
set_number(const char *name, const char *value)
{
	unsigned long n;

	if (!net_number(value, INT32_MAX, &n) || n == 0)
		return usage_error("'%s' is no number of clients or threads", value);
	return set_variable(name, value);
}

int
server_option(int opt, char *arg)
{
	struct server_options *so = &server_options;

	switch (opt) {
	case 'c':
		return set_cpus(arg);
	case 'd':
		return add_text(so->so_device, &so->so_ndevices, "devices", arg);
	case 'l':
	case 'm':
		return add_text(so->so_component, &so->so_ncomponents, "components", arg);
	case 'r':
		return set_memory(arg);
	case 's':
		so->so_foreground = true;
		return -1;
	case 'v':
		so->so_verbose++;
		return -1;
	case OPT_NAME:
		return set_name(arg);
	case OPT_MOUNT:
		return add_text(so->so_mount, &so->so_nmounts, "mounts", arg);
	case OPT_CONFIG:
		return server_config(arg);
	case OPT_METRICS:
		return set_text(&so->so_metrics, "--metrics", arg);
	case OPT_LOG:
		return set_text(&so->so_log, "--log", arg);
	case OPT_NOLOCKIN:
		so->so_lockin = false;
		return -1;
	case OPT_STOPTIME:
		return set_stoptime(arg);
	case OPT_ENDWITH:
		if (!net_number(arg, INT32_MAX, &server_options.so_endwith) ||
		    server_options.so_endwith == 0)
			return usage_error("'%s' is no number of a descriptor", arg);
		return -1;
	case OPT_CLIENTS:
		return set_number("sysproxy.maxclients", arg);
	case OPT_THREADS:
		return set_number("sysproxy.maxthreads", arg);
	case OPT_MAPUID:
		return set_variable("sysproxy.uidmap", arg);
	case OPT_PSK:
		return set_parameter("RUMP_TLS_PSK", arg);
	case OPT_CERT:
		return set_parameter("RUMP_TLS_CERT", arg);
	case OPT_KEY:
		return set_parameter("RUMP_TLS_KEY", arg);
	case OPT_CA:
		return set_parameter("RUMP_TLS_CA", arg);
	case 'H':
		server_program->sp_help(false);
		return finish_output();
	case '?':
		server_program->sp_help(true);
		return EX_USE;
	default:
		optarg = arg;
		return net_option(opt);
	}
}

int
server_option_named(const char *name, char *value)
{
	for (const struct option *o = options; o->name != NULL; o++) {
		if (strcmp(o->name, name) != 0)
			continue;
		if (o->has_arg == required_argument && value == NULL)
			return usage_error("'%s' wants a value", name);
		if (o->has_arg == no_argument && value != NULL)
			return usage_error("'%s' takes no value", name);
		if (o->val == OPT_CONFIG || o->val == 'H' || o->val == 'J')
			return usage_error("'%s' is for the command line", name);
		return server_option(o->val, value);
	}
	return usage_error("there is no option '%s'", name);
}

int
server_parse(int argc, char **argv)
{
	int code, opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "c:d:l:m:r:sv", options, NULL)) != -1) {
		code = server_option(opt, optarg);
		if (code != -1)
			return code;
	}
	if (argc - optind > 1)
		return usage_error("one URL, not '%s' too", argv[optind + 1]);
	if (optind < argc) {
		if (strstr(argv[optind], "://") == NULL)
			return usage_error("'%s' is no URL, such as unix:///tmp/ctl", argv[optind]);
		server_options.so_url = copy_of(argv[optind]);
	}
	return -1;
}
