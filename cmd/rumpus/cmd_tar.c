/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_tar.c - rumpus tar: hands over to rumpus-tar
 *
 * The archive library brings a dozen others along, which would cost every
 * other subcommand its start-up time; hence a program of its own, found
 * beside this one, or where it was installed.
 */

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rumpus.h"

int
cmd_tar(int argc, char **argv)
{
	char self[PATH_MAX], helper[PATH_MAX + 16];
	ssize_t n;

	if (wants_help(argc, argv))
		return usage_option('H');
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		(void)snprintf(helper, sizeof(helper), "%s/rumpus-tar",
		    dirname(self));
		(void)execv(helper, argv);
	}
	(void)execv(RUMPUS_LIBEXEC "/rumpus-tar", argv);
	return complain(RUMPUS_LIBEXEC "/rumpus-tar", "run", errno);
}
