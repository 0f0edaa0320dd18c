/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_server.c - rumpus server: a kernel as a service, with all components
 */

#include <stdio.h>

#include "../server/server.h"
#include "rumpus.h"
#include "serve.h"

static void
help(bool bad)
{
	(void)usage_option(bad ? '?' : 'H');
}

int
cmd_server(int argc, char **argv)
{
	static const struct server_program program = {
		.sp_name = "rumpus", .sp_whole = true, .sp_help = help,
	};

	return server_main(&program, argc, argv);
}
