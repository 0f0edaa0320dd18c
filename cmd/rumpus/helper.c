/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * helper.c - programs that do a part of the work, beside this one or where they were
 * installed
 */

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rumpus.h"

int
run_helper(const char *name, char **argv)
{
	char self[PATH_MAX], helper[PATH_MAX + 32];
	ssize_t n;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		(void)snprintf(helper, sizeof(helper), "%s/%s", dirname(self), name);
		(void)execv(helper, argv);
	}
	(void)snprintf(helper, sizeof(helper), RUMPUS_LIBEXEC "/%s", name);
	(void)execv(helper, argv);
	return complain(helper, "run", errno);
}

/* "--on" before any "--", which says that the kernel is a server's. */
bool
wants_server(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--on") == 0 || strncmp(argv[i], "--on=", 5) == 0)
			return true;
	}
	return false;
}
