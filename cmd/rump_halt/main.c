/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * main.c - rump_halt: asks a server to end, as its client
 *
 *	rump_halt [-dn] [-t SECONDS] [URL | NAME]
 *
 * reboot(2) is carried out at the server like any other call; whoever may not do that
 * there gets EPERM.  Then the connection's end is waited for.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "../server/place.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
usage(FILE *to)
{
	fputs("usage: rump_halt [-dn] [-t SECONDS] [URL | NAME]\n"
	    "Ends a rump kernel's server: that of RUMP_SERVER, of a URL, or of a name.\n"
	    "  -n  do not sync before   -d  do not wait for the end   -t SECONDS  wait so long\n", to);
	return to == stdout ? 0 : 2;
}

static int
fail(const char *where, const char *what, int error)
{
	fprintf(stderr, "rump_halt: %s: %s: %s\n", where, what, strerror(error));
	return 1;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* It has gone when nobody answers there any more. */
static int
wait_end(const char *url, double seconds)
{
	double end = now() + seconds;

	while (now() < end) {
		if (rump_sys_getpid() == -1 && errno != EINTR && errno != EAGAIN)
			return 0;
		(void)poll(NULL, 0, 20);
	}
	fprintf(stderr, "rump_halt: %s: still there after %.0f seconds\n", url, seconds);
	return 1;
}

int
main(int argc, char **argv)
{
	const char *where = getenv("RUMP_SERVER");
	bool sync = true, wait = true;
	double seconds = 10;
	char url[4096], *end;
	int error, opt;

	while ((opt = getopt_long(argc, argv, "dnt:", options, NULL)) != -1) {
		if (opt == 'd')
			wait = false;
		else if (opt == 'n')
			sync = false;
		else if (opt == 't' && (seconds = strtod(optarg, &end)) >= 0 && end != optarg && *end == '\0')
			continue;
		else
			return usage(opt == 'h' ? stdout : stderr);
	}
	if (argc - optind > 1)
		return usage(stderr);
	if (optind < argc)
		where = argv[optind];
	if (where == NULL)
		return usage(stderr);
	error = place_url(where, url, sizeof(url));
	if (error)
		return fail(where, "find", error);
	if (rumpclient_connect(url) != 0)
		return fail(url, "connect", errno);
	if (sync)
		rump_sys_sync();
	if (rump_sys_reboot(RB_POWER_OFF) != 0)
		return fail(url, "reboot", errno);
	return wait ? wait_end(url, seconds) : 0;
}
