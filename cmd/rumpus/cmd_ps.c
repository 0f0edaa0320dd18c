/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_ps.c - rumpus ps: the servers of this user, alive and dead
 */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../server/place.h"
#include "json_impl.h"
#include "rumpus.h"
#include "serve.h"

static const struct option options[] = {
	{ "clean", no_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'H' },
	{ NULL, 0, NULL, 0 },
};

struct list {
	json_t	*l_all;
	bool	 l_clean;	/* remove what dead ones left */
};

/* What it says of itself; NULL and an errno if nothing. */
static json_t *
ask_info(const struct place *pl, int *ret_error)
{
	json_t *info = NULL;
	char *text;

	*ret_error = place_asktext(pl, "info", &text);
	if (*ret_error != 0)
		return NULL;
	info = json_loads(text, 0, NULL);
	free(text);
	if (!json_is_object(info)) {
		json_decref(info);
		info = NULL;
		*ret_error = EBADMSG;
	}
	return info;
}

static int
take_place(struct place *pl, void *arg)
{
	struct list *l = arg;
	json_t *info;
	int error;

	info = ask_info(pl, &error);
	if (error == ECONNREFUSED && l->l_clean && place_clear(pl))
		return 0;
	if (info == NULL) {
		info = json_object();
		json_set_text(info, "name", pl->pl_name);
	}
	/* Dead: nobody listens.  What listens and does not answer hangs. */
	json_set_text(info, "state", error == 0 ? "up" : error == ECONNREFUSED ? "dead" : "stuck");
	json_array_append_new(l->l_all, info);
	return 0;
}

static void
print_duration(double seconds, char *buf, size_t size)
{
	unsigned long s = (unsigned long)seconds;

	if (s >= 86400)
		(void)snprintf(buf, size, "%lud%luh", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		(void)snprintf(buf, size, "%luh%lum", s / 3600, s / 60 % 60);
	else if (s >= 60)
		(void)snprintf(buf, size, "%lum%lus", s / 60, s % 60);
	else
		(void)snprintf(buf, size, "%lus", s);
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "-";
}

static void
print_server(const json_t *o)
{
	const json_t *memory = json_object_get(o, "memory");
	char size[16] = "-", up[24] = "-";
	const char *state = text_of(o, "state");

	if (strcmp(state, "up") != 0) {
		printf("%-16s %-6s\n", text_of(o, "name"), state);
		return;
	}
	fmt_size((uint64_t)json_integer_value(json_object_get(memory, "private")), size, sizeof(size));
	print_duration(json_number_value(json_object_get(o, "uptime")), up, sizeof(up));
	printf("%-16s %-6s %8lld %8lld %8s %8s  ", text_of(o, "name"), state,
	    (long long)json_integer_value(json_object_get(o, "pid")),
	    (long long)json_integer_value(json_object_get(o, "clients")), size, up);
	print_name(text_of(o, "url"));
	putchar('\n');
}

int
cmd_ps(int argc, char **argv)
{
	struct list l = { .l_clean = false };
	int code, error, opt;
	json_t *o;
	size_t i;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c') {
			l.l_clean = true;
		} else {
			code = usage_option(opt);
			if (code != -1)
				return code;
		}
	}
	if (optind < argc)
		return usage_error("ps takes no '%s'", argv[optind]);
	l.l_all = json_array();
	error = place_iterate(take_place, &l);
	if (error)
		return complain("servers", "list", error);
	if (want_json) {
		json_dumpf(l.l_all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		printf("%-16s %-6s %8s %8s %8s %8s  %s\n", "NAME", "STATE", "PID", "CLIENTS", "MEMORY",
		    "UP", "URL");
		for (i = 0; (o = json_array_get(l.l_all, i)) != NULL; i++)
			print_server(o);
	}
	json_decref(l.l_all);
	return finish_output();
}
