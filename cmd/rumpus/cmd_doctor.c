/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_doctor.c - rumpus doctor: what this host allows, what crossings cost, and how a given
 * program's system calls would be had
 */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "json_impl.h"
#include "rumpus.h"
#include "serve.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'H' },
	{ NULL, 0, NULL, 0 },
};

/* What engines need of the findings. */
struct allowed {
	bool	 a_filters, a_notify;
};

static const char *
colour(bool good)
{
	return !isatty(STDOUT_FILENO) ? "" : good ? "\033[32m" : "\033[31m";
}

static void
tell_probe(const struct probe *p, const struct finding *f, json_t *to)
{
	json_t *o;

	if (to == NULL) {
		printf("%s%-4s%s %-26s %s%s%s%s%s\n", colour(f->f_error == 0), f->f_error == 0 ? "yes" : "no",
		    isatty(STDOUT_FILENO) ? "\033[0m" : "", p->p_name, p->p_for,
		    f->f_error != 0 ? ": " : "", f->f_error != 0 ? strerror(f->f_error) : "",
		    f->f_why[0] != '\0' ? ", " : "", f->f_why);
		return;
	}
	o = json_object();
	json_set_text(o, "name", p->p_name);
	json_object_set_new(o, "works", json_boolean(f->f_error == 0));
	json_set_text(o, "for", p->p_for);
	if (f->f_error != 0)
		json_set_text(o, "error", strerrorname_np(f->f_error));
	if (f->f_why[0] != '\0')
		json_set_text(o, "detail", f->f_why);
	json_array_append_new(to, o);
}

static void
examine_host(struct allowed *ret_a, bool tell, json_t *to)
{
	struct finding f;

	*ret_a = (struct allowed){ false, false };
	for (size_t i = 0; i < doctor_nprobes; i++) {
		const struct probe *p = &doctor_probes[i];

		if (!tell && strncmp(p->p_name, "seccomp", 7) != 0)
			continue;
		doctor_try(p, &f);
		if (strcmp(p->p_name, "seccomp filters") == 0)
			ret_a->a_filters = f.f_error == 0;
		if (strcmp(p->p_name, "seccomp notification") == 0)
			ret_a->a_notify = f.f_error == 0;
		if (tell)
			tell_probe(p, &f, to);
	}
}

static void
examine_costs(json_t *to)
{
	json_t *o;
	double ns;

	if (to == NULL)
		printf("\nwhat a crossing costs here:\n");
	for (int i = 0; i < NCOSTS; i++) {
		ns = doctor_cost((enum cost)i);
		if (to != NULL) {
			o = json_object();
			json_set_text(o, "name", doctor_cost_names[i]);
			json_object_set_new(o, "ns", ns >= 0 ? json_real(ns) : json_null());
			json_array_append_new(to, o);
		} else if (ns >= 0) {
			printf("%10.0f ns  %s\n", ns, doctor_cost_names[i]);
		} else {
			printf("%10s     %s\n", "-", doctor_cost_names[i]);
		}
	}
}

/* "curl" is looked for as a shell would. */
static bool
find_program(const char *name, char *buf, size_t size)
{
	const char *path = getenv("PATH");
	char *copy, *next, *folder;
	bool found = false;

	if (strchr(name, '/') != NULL || path == NULL) {
		(void)snprintf(buf, size, "%s", name);
		return true;
	}
	next = copy = strdup(path);
	while (!found && copy != NULL && (folder = strsep(&next, ":")) != NULL) {
		(void)snprintf(buf, size, "%s/%s", folder, name);
		found = access(buf, X_OK) == 0;
	}
	free(copy);
	return found;
}

static int
examine_program(const char *name, const struct allowed *a, json_t *to)
{
	const char *engine, *why;
	struct binary b;
	char path[512];
	json_t *o;
	int error;

	if (!find_program(name, path, sizeof(path))) {
		warn_text("there is no program '%s'", name);
		return EX_NOMATCH;
	}
	error = doctor_binary(path, &b);
	if (error)
		return complain(path, "look at it", error);
	engine = doctor_engine(&b, a->a_filters, a->a_notify, &why);
	if (to == NULL) {
		print_name(path);
		printf(": %s%s%s%s\n    engine %s: %s\n", b.b_script ? "a script of " : "",
		    b.b_script ? b.b_path : "", b.b_script ? ", " : "", !b.b_native ? "foreign" :
		    b.b_go ? "Go" : b.b_dynamic ? b.b_interp : "static", engine, why);
		return EX_DONE;
	}
	o = json_object();
	json_set_text(o, "path", path);
	if (b.b_script)
		json_set_text(o, "script_of", b.b_path);
	json_object_set_new(o, "dynamic", json_boolean(b.b_dynamic));
	json_set_text(o, "interpreter", b.b_interp);
	json_object_set_new(o, "go", json_boolean(b.b_go));
	json_object_set_new(o, "set_id", json_boolean(b.b_setid));
	json_object_set_new(o, "file_capabilities", json_boolean(b.b_caps));
	json_set_text(o, "engine", engine);
	json_set_text(o, "why", why);
	json_array_append_new(to, o);
	return EX_DONE;
}

int
cmd_doctor(int argc, char **argv)
{
	json_t *host = NULL, *costs = NULL, *programs = NULL;
	struct allowed a;
	int code, opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		code = usage_option(opt);
		if (code != -1)
			return code;
	}
	if (want_json) {
		host = json_array();
		costs = json_array();
		programs = json_array();
	}
	examine_host(&a, optind == argc, host);
	if (optind == argc)
		examine_costs(costs);
	for (int i = optind; i < argc; i++)
		note_failure(examine_program(argv[i], &a, programs));
	if (want_json) {
		json_t *all = json_object();

		json_object_set_new(all, "host", host);
		json_object_set_new(all, "costs", costs);
		json_object_set_new(all, "programs", programs);
		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(all);
	}
	code = finish_output();
	return failures() != EX_DONE ? failures() : code;
}
