/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_du.c - rumpus du: space used by trees
 *
 * A file with several links counts once, where it is met first.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_impl.h"
#include "rumpus.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' }, { "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { "apparent-size", no_argument, NULL, 'b' },
	{ "max-depth", required_argument, NULL, 'd' }, { NULL, 0, NULL, 0 },
};

static bool opt_all, opt_bytes, opt_human, opt_sum;
static long opt_depth = -1;

struct du {
	uint64_t	*d_sum;		/* by depth */
	size_t		 d_depths;
	struct inoset	*d_seen;	/* files with several links */
};

static void
du_print(const struct dent *e, uint64_t bytes)
{
	char text[24];

	if (want_json) {
		json_t *o = json_object();

		json_set_text(o, "path", e->e_path);
		json_set_number(o, "bytes", bytes);
		json_print(o);
		return;
	}
	if (opt_human)
		fmt_size(bytes, text, sizeof(text));
	else
		(void)snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)(opt_bytes ? bytes : (bytes + 1023) / 1024));
	printf("%s\t", text);
	print_name(e->e_path);
	putchar('\n');
}

static bool
du_room(struct du *d, unsigned int depth)
{
	size_t want = (size_t)depth + 2;
	uint64_t *bigger;

	if (want <= d->d_depths)
		return true;
	bigger = realloc(d->d_sum, want * 2 * sizeof(*bigger));
	if (bigger == NULL)
		return false;
	memset(bigger + d->d_depths, 0,
	    (want * 2 - d->d_depths) * sizeof(*bigger));
	d->d_sum = bigger;
	d->d_depths = want * 2;
	return true;
}

static int
du_entry(const struct dent *e, enum walk_when when, void *arg)
{
	bool isdir = S_ISDIR(e->e_st.stx_mode);
	struct du *d = arg;
	uint64_t own = opt_bytes ? (isdir ? 0 : e->e_st.stx_size) :
	    e->e_st.stx_blocks * 512;

	if (!du_room(d, e->e_depth)) {
		complain(e->e_path, "add up", ENOMEM);
		return WALK_STOP;
	}
	if (isdir && when == WALK_ENTRY) {
		d->d_sum[e->e_depth + 1] = 0;
		return WALK_GO;
	}
	if (!isdir && e->e_st.stx_nlink > 1 &&
	    !inoset_add(&d->d_seen, e->e_st.stx_ino))
		own = 0;
	if (isdir)
		own += d->d_sum[e->e_depth + 1];
	d->d_sum[e->e_depth] += own;
	if ((isdir || opt_all || e->e_depth == 0) &&
	    !(opt_sum && e->e_depth > 0) && !too_deep(e->e_depth, opt_depth))
		du_print(e, own);
	return WALK_GO;
}

static void
du(const struct location *loc)
{
	struct du d = { NULL, 0, NULL };

	(void)walk(loc, loc->l_path, du_entry, &d);
	free(d.d_sum);
	inoset_free(d.d_seen);
}

int
cmd_du(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "abhsd:", options, NULL)) != -1) {
		code = -1;
		switch (opt) {
		case 'a': opt_all = true; break;
		case 'b': opt_bytes = true; break;
		case 'h': opt_human = true; break;
		case 's': opt_sum = true; break;
		case 'd':
			code = depth_option(optarg, &opt_depth) == EX_DONE ? -1 : EX_USE;
			break;
		default:
			code = usage_option(opt);
		}
		if (code >= 0)
			return code;
	}
	return for_each_location(argc, argv, want_json, du);
}
