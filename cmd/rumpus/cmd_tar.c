/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_tar.c - rumpus tar: hands over to rumpus-tar
 *
 * The archive library brings a dozen others along, which would cost every
 * other subcommand its start-up time; hence a program of its own.
 */

#include "rumpus.h"

int
cmd_tar(int argc, char **argv)
{
	return wants_help(argc, argv) ? usage_option('H') : run_helper("rumpus-tar", argv);
}
