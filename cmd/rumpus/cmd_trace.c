/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_trace.c - rumpus trace: the system calls of a server's clients, as they end
 */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/place.h"
#include "net.h"
#include "rumpus.h"
#include "serve.h"

static const struct option options[] = {
	{ "on", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'H' },
	{ NULL, 0, NULL, 0 },
};

static int
print_piece(const char *piece, size_t len, void *arg)
{
	bool *any = arg;

	if (!*any && len > 9 && memcmp(piece, "{\"error\":", 9) == 0)
		return EPROTO;
	*any = true;
	if (fwrite(piece, 1, len, stdout) != len || fflush(stdout) != 0)
		return errno;
	return 0;
}

int
cmd_trace(int argc, char **argv)
{
	const char *on = NULL, *pid = "";
	unsigned long n;
	char request[64];
	struct place pl;
	bool any = false;
	int code, error, opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'o') {
			on = optarg;
		} else {
			code = usage_option(opt);
			if (code != -1)
				return code;
		}
	}
	if (on == NULL)
		return usage_error("trace on which server?  --on=NAME");
	if (argc - optind > 1)
		return usage_error("one number of a process, not '%s' too", argv[optind + 1]);
	if (optind < argc) {
		pid = argv[optind];
		if (!net_number(pid, INT32_MAX, &n) || n < 2)
			return usage_error("'%s' is no number of a client's process", pid);
	}
	error = place_open(on, &pl);
	if (error == EINVAL || error == ENOENT) {
		warn_text("there is no server '%s'", on);
		return EX_NOMATCH;
	}
	if (error)
		return complain(on, "open", error);
	(void)snprintf(request, sizeof(request), "trace %s", pid);
	error = place_ask(&pl, request, print_piece, &any);
	place_close(&pl);
	if (error == EPROTO) {
		warn_text("%s: there is no process %s, or too many listen", on, pid);
		return EX_NOMATCH;
	}
	return error != 0 && error != EPIPE ? complain(on, "trace", error) : finish_output();
}
