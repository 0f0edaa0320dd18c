/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * main.c - rump_server and rump_allserver: a kernel as a service
 *
 * rump_server has the core and the factions, and loads components; rump_allserver was
 * linked with all of them.  What they do is in cmd/server.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../rumpus/rumpus.h"
#include "../server/server.h"
#include "../server/server_help.h"

static void
help(bool bad)
{
	fprintf(bad ? stderr : stdout, "usage: %s [OPTION...] URL\n"
	    "       %s --name=NAME [OPTION...]\n\n" SERVER_HELP, RUMP_SERVER_PROGRAM,
	    RUMP_SERVER_PROGRAM);
}

int
usage_error(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\ntry '%s --help'\n", program_name);
	return EX_USE;
}

/* Options that mean nothing to a server: --json. */
int
usage_option(int opt)
{
	return usage_error("no such option");
}

int
main(int argc, char **argv)
{
	static const struct server_program program = {
		.sp_name = RUMP_SERVER_PROGRAM, .sp_whole = RUMP_SERVER_WHOLE, .sp_help = help,
	};

	return server_main(&program, argc, argv);
}
