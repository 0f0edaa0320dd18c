/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_sh.c - rumpus sh: the user's own shell and tools, with an image below one prefix
 *
 * A server of its own, which ends with the shell, holds the image below /image; the shell
 * and whatever it starts are its clients and find it there.  Everything else is the
 * host's.  So this is "rumpus run --mount" with other defaults.
 */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rumpus.h"
#include "serve.h"

#define PREFIX	"/image"

static const struct option options[] = {
	{ "engine", required_argument, NULL, 'e' },
	{ "root", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'H' },
	{ NULL, 0, NULL, 0 },
};

/* "rumpus run", in PREFIX if it is the user who types. */
static int
shell_exec(const char *image, const char *engine, bool root, char **command, size_t n)
{
	static const char *const typed[] = {
		"/bin/sh", "-c", "cd " PREFIX " && exec \"${SHELL:-/bin/sh}\"",
	};
	const char **argv = calloc(n + 12, sizeof(*argv));
	char *mount;
	size_t i = 0;

	if (argv == NULL || asprintf(&mount, "--mount=%s:" PREFIX, image) < 0)
		return complain("rumpus", "run", ENOMEM);
	argv[i++] = "rumpus";
	argv[i++] = "run";
	argv[i++] = mount;
	argv[i++] = "--blanket=" PREFIX;
	if (engine != NULL) {
		argv[i++] = "--engine";
		argv[i++] = engine;
	}
	if (root)
		argv[i++] = "--root";
	argv[i++] = "--";
	if (n == 0)
		memcpy(argv + i, typed, sizeof(typed));
	else
		memcpy(argv + i, command, n * sizeof(*argv));
	execv("/proc/self/exe", (char **)(uintptr_t)argv);
	return complain("rumpus", "run", errno);
}

int
cmd_sh(int argc, char **argv)
{
	const char *engine = NULL;
	bool root = false;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == 'e') {
			engine = optarg;
		} else if (opt == 'r') {
			root = true;
		} else {
			code = usage_option(opt);
			if (code != -1)
				return code;
		}
	}
	if (optind == argc)
		return usage_error("of which image?");
	return shell_exec(argv[optind], engine, root, argv + optind + 1, (size_t)(argc - optind - 1));
}
