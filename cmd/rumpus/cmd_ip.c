/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_ip.c - rumpus ip: links, addresses, routes, neighbours and rules
 *
 * The words are those of ip(8), as far as we have what they speak of, and may be cut
 * like there: "ip a", "ip r get 10.0.0.1".
 */

#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "ip_impl.h"

static const struct option options[] = {
	{ "statistics", no_argument, NULL, 's' },
	{ "family", required_argument, NULL, 'f' },
	NET_OPTIONS,
};

struct verb {
	const char	*v_word;
	int		(*v_fn)(int argc, char **argv);
};

static const struct verb link_verbs[] = {
	{ "show", ipshow_link }, { "list", ipshow_link }, { "set", ipset_link },
	{ "add", ipset_link }, { "delete", ipset_link }, { NULL, NULL },
};
static const struct verb addr_verbs[] = {
	{ "show", ipshow_addr }, { "list", ipshow_addr }, { "add", ipset_addr },
	{ "replace", ipset_addr }, { "delete", ipset_addr }, { "flush", ipflush_addr },
	{ NULL, NULL },
};
static const struct verb route_verbs[] = {
	{ "show", ipshow_route }, { "list", ipshow_route }, { "get", iproute_get },
	{ "add", ipset_route }, { "replace", ipset_route }, { "append", ipset_route },
	{ "delete", ipset_route }, { "flush", ipflush_route }, { NULL, NULL },
};
static const struct verb neigh_verbs[] = {
	{ "show", ipshow_neigh }, { "list", ipshow_neigh }, { "add", ipset_neigh },
	{ "replace", ipset_neigh }, { "delete", ipset_neigh }, { "flush", ipflush_neigh },
	{ NULL, NULL },
};
static const struct verb rule_verbs[] = {
	{ "show", ipshow_rule }, { "list", ipshow_rule }, { "add", ipset_rule },
	{ "delete", ipset_rule }, { "flush", ipflush_rule }, { NULL, NULL },
};

static const struct { const char *word; const struct verb *verbs; } objects[] = {
	{ "address", addr_verbs }, { "link", link_verbs }, { "route", route_verbs },
	{ "neighbour", neigh_verbs }, { "neighbor", neigh_verbs }, { "rule", rule_verbs },
};

static bool
abbreviates(const char *text, const char *word)
{
	return *text != '\0' && strncmp(text, word, strlen(text)) == 0;
}

int
ip_command(int argc, char **argv)
{
	const struct verb *v = NULL;

	if (abbreviates(argv[0], "monitor"))
		return ip_monitor(argc, argv);
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		if (abbreviates(argv[0], objects[i].word)) {
			v = objects[i].verbs;
			break;
		}
	}
	if (v == NULL)
		return usage_error("ip knows no '%s'", argv[0]);
	if (argc == 1)
		return v->v_fn(0, argv);
	for (; v->v_word != NULL; v++) {
		if (abbreviates(argv[1], v->v_word))
			break;
	}
	if (v->v_word == NULL)
		return usage_error("ip %s knows no '%s'", argv[0], argv[1]);
	/* The verb stays in front, spelled out: several share a function. */
	argv[1] = (char *)(uintptr_t)v->v_word;
	return v->v_fn(argc - 1, argv + 1);
}

/* --- the command ------------------------------------------------------------------------ */

static int
family_option(const char *text)
{
	if (strcmp(text, "inet") == 0)
		ipctx.x_family = AF_INET;
	else if (strcmp(text, "inet6") == 0)
		ipctx.x_family = AF_INET6;
	else
		return usage_error("-f: '%s' is no family", text);
	return -1;
}

int
cmd_ip(int argc, char **argv)
{
	int opt, code;

	ipctx = (struct ipctx){ .x_family = 0 };
	while ((opt = getopt_long(argc, argv, "46sjf:", options, NULL)) != -1) {
		if (opt == '4' || opt == '6')
			ipctx.x_family = opt == '4' ? AF_INET : AF_INET6;
		else if (opt == 's')
			ipctx.x_stats = true;
		else if (opt == 'j')
			want_json = true;
		else if ((code = opt == 'f' ? family_option(optarg) : net_option(opt)) != -1)
			return code;
	}
	if (optind == argc)
		return usage_error("ip what?  address, link, route, neighbour, rule or monitor");
	code = net_boot();
	if (code == EX_DONE)
		code = ip_command(argc - optind, argv + optind);
	note_failure(code);
	return code == EX_DONE ? finish_output() : code;
}
