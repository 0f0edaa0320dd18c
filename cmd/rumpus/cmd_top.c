/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_top.c - rumpus top: what a server's clients and interfaces do right now
 *
 * Two looks at its counters and the difference between them, again and again on a
 * terminal, once elsewhere.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/place.h"
#include "json_impl.h"
#include "net.h"
#include "rumpus.h"
#include "serve.h"

static const struct option options[] = {
	{ "on", required_argument, NULL, 'o' },
	{ "delay", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'H' },
	{ NULL, 0, NULL, 0 },
};

static double
number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "?";
}

/* The element of an array whose key has that value; NULL: there is none. */
static const json_t *
find(const json_t *array, const char *key, const json_t *value)
{
	const json_t *o;
	size_t i;

	json_array_foreach(array, i, o) {
		if (json_equal(json_object_get(o, key), value))
			return o;
	}
	return NULL;
}

/* Of both looks, by the second: how much it grew. */
static double
rate(const json_t *now, const json_t *before, const char *key, double seconds)
{
	return before != NULL && seconds > 0 ? (number(now, key) - number(before, key)) / seconds : 0;
}

struct row {
	const json_t	*r_proc;
	double		 r_rate;
};

static int
compare_rows(const void *a, const void *b)
{
	const struct row *ra = a, *rb = b;

	return ra->r_rate < rb->r_rate ? 1 : ra->r_rate > rb->r_rate ? -1 : 0;
}

static void
show_procs(const json_t *now, const json_t *before, double seconds)
{
	const json_t *procs = json_object_get(now, "procs"), *p;
	size_t n = json_array_size(procs), i;
	struct row *rows = calloc(n + 1, sizeof(*rows));

	if (rows == NULL)
		return;
	for (i = 0; (p = json_array_get(procs, i)) != NULL; i++)
		rows[i] = (struct row){ p, rate(p, find(json_object_get(before, "procs"), "pid",
		    json_object_get(p, "pid")), "calls", seconds) };
	qsort(rows, n, sizeof(*rows), compare_rows);
	printf("%8s %8s %6s %8s %8s %12s %12s  %s\n", "PID", "PPID", "UID", "THREADS", "FILES",
	    "CALLS/S", "CALLS", "COMMAND");
	for (i = 0; i < n && i < 30; i++) {
		p = rows[i].r_proc;
		printf("%8.0f %8.0f %6.0f %8.0f %8.0f %12.0f %12.0f  ", number(p, "pid"),
		    number(p, "ppid"), number(p, "uid"), number(p, "threads"), number(p, "files"),
		    rows[i].r_rate, number(p, "calls"));
		print_name(text(p, "comm"));
		putchar('\n');
	}
	free(rows);
}

static void
show(const json_t *now, const json_t *before, double seconds)
{
	const json_t *memory = json_object_get(now, "memory"), *o;
	const json_t *interfaces = json_object_get(now, "interfaces");
	char priv[16], kernel[16], rx[16], tx[16];
	size_t i;

	fmt_size((uint64_t)number(memory, "private"), priv, sizeof(priv));
	fmt_size((uint64_t)number(memory, "kernel"), kernel, sizeof(kernel));
	printf("%s: up %.0f s, %.0f clients with %.0f threads, %.0f calls/s, memory %s (kernel %s)\n",
	    text(now, "name"), number(now, "uptime"), number(now, "clients"),
	    number(now, "client_threads"), rate(now, before, "calls", seconds), priv, kernel);
	json_array_foreach(interfaces, i, o) {
		const json_t *old = find(json_object_get(before, "interfaces"), "name",
		    json_object_get(o, "name"));

		fmt_size((uint64_t)rate(o, old, "rx_bytes", seconds), rx, sizeof(rx));
		fmt_size((uint64_t)rate(o, old, "tx_bytes", seconds), tx, sizeof(tx));
		printf("%-12s in %8s/s %10.0f packets/s   out %8s/s %10.0f packets/s\n", text(o, "name"),
		    rx, rate(o, old, "rx_packets", seconds), tx, rate(o, old, "tx_packets", seconds));
	}
	putchar('\n');
	show_procs(now, before, seconds);
}

static int
look(const struct place *pl, json_t **ret_stats)
{
	char *answer;
	int error = place_asktext(pl, "stats", &answer);

	if (error)
		return error;
	*ret_stats = json_loads(answer, 0, NULL);
	free(answer);
	return *ret_stats != NULL ? 0 : EBADMSG;
}

/* count 0: until Ctrl-C.  The first picture of a terminal has rates of nothing yet. */
static int
watch(const struct place *pl, double delay, unsigned long count)
{
	json_t *before = NULL, *now = NULL;
	bool tty = isatty(STDOUT_FILENO);
	double then = 0, at;
	int error;

	for (unsigned long i = 0; ; i++) {
		error = look(pl, &now);
		at = net_seconds();
		if (error)
			break;
		if (before != NULL || tty || delay <= 0) {
			if (tty)
				fputs("\033[H\033[2J", stdout);
			if (want_json)
				json_dumpf(now, stdout, JSON_COMPACT);
			else
				show(now, before, at - then);
			putchar('\n');
			if (fflush(stdout) != 0 || (count != 0 && i >= count))
				break;
		}
		json_decref(before);
		before = now;
		now = NULL;
		then = at;
		(void)poll(NULL, 0, (int)(delay * 1000));
	}
	json_decref(before);
	json_decref(now);
	return error;
}

int
cmd_top(int argc, char **argv)
{
	unsigned long count = isatty(STDOUT_FILENO) ? 0 : 1;
	const char *on = NULL;
	double delay = 1;
	struct place pl;
	int code, error, opt;

	while ((opt = getopt_long(argc, argv, "d:n:", options, NULL)) != -1) {
		if (opt == 'o')
			on = optarg;
		else if (opt == 'd' && (!net_duration(optarg, &delay) || delay < 0.01 || delay > 3600))
			return usage_error("'%s' is no delay from 10ms to an hour", optarg);
		else if (opt == 'n' && (!net_number(optarg, 1000000000, &count) || count == 0))
			return usage_error("'%s' is no count", optarg);
		else if (opt != 'd' && opt != 'n' && (code = usage_option(opt)) != -1)
			return code;
	}
	if (on == NULL || optind < argc)
		return usage_error("top of which server?  --on=NAME");
	error = place_open(on, &pl);
	if (error == EINVAL || error == ENOENT) {
		warn_text("there is no server '%s'", on);
		return EX_NOMATCH;
	}
	if (error)
		return complain(on, "open", error);
	error = watch(&pl, delay, count);
	place_close(&pl);
	return error != 0 ? complain(on, "ask", error) : finish_output();
}
