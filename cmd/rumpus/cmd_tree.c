/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_tree.c - rumpus tree: a tree, drawn or as JSON
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "rumpus.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' }, { "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

static bool opt_all, opt_dirs;
static long opt_depth = -1;
static unsigned long ndirs, nfiles;

static int
tree_entry(const struct dent *e, enum walk_when when, void *arg)
{
	char *link = NULL;

	(void)arg;
	if (when == WALK_LEAVE)
		return WALK_GO;
	if (e->e_depth > 0 && e->e_name[0] == '.' && !opt_all)
		return WALK_PRUNE;
	if (too_deep(e->e_depth, opt_depth) || (opt_dirs && !S_ISDIR(e->e_st.stx_mode)))
		return WALK_PRUNE;
	if (S_ISLNK(e->e_st.stx_mode))
		link = read_link(e->e_dirfd, e->e_name, e->e_st.stx_size);
	if (want_json) {
		json_entry(e, link);
	} else {
		for (unsigned int i = 1; i < e->e_depth; i++)
			fputs("|   ", stdout);
		if (e->e_depth > 0)
			fputs("|-- ", stdout);
		print_name(e->e_depth == 0 ? e->e_path : e->e_name);
		if (link != NULL) {
			fputs(" -> ", stdout);
			print_name(link);
		}
		putchar('\n');
	}
	free(link);
	if (e->e_depth > 0 && S_ISDIR(e->e_st.stx_mode))
		ndirs++;
	else if (e->e_depth > 0)
		nfiles++;
	return WALK_GO;
}

static void
tree(const struct location *loc)
{
	ndirs = nfiles = 0;
	(void)walk(loc, loc->l_path, tree_entry, NULL);
	if (!want_json)
		printf("\n%lu directories, %lu files\n", ndirs, nfiles);
}

int
cmd_tree(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "adL:", options, NULL)) != -1) {
		code = -1;
		if (opt == 'a')
			opt_all = true;
		else if (opt == 'd')
			opt_dirs = true;
		else if (opt == 'L')
			code = depth_option(optarg, &opt_depth) == EX_DONE ? -1 : EX_USE;
		else
			code = usage_option(opt);
		if (code >= 0)
			return code;
	}
	return for_each_location(argc, argv, want_json, tree);
}
