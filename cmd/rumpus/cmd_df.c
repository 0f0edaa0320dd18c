/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_df.c - rumpus df: how full the file systems of an image are
 */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <rump/rump.h>

#include "json_impl.h"
#include "rumpus.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' }, { "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

static bool inodes, readable;

static void
number(uint64_t n, bool isbytes)
{
	char text[24];

	if (readable && isbytes)
		fmt_size(n, text, sizeof(text));
	else
		(void)snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)(isbytes ? n / 1024 : n));
	printf(" %12s", text);
}

static void
line(const char *name, const struct rump_fsinfo *fi)
{
	uint64_t all = inodes ? fi->fi_files : fi->fi_size;
	uint64_t left = inodes ? fi->fi_files_free : fi->fi_free;
	uint64_t used = left <= all ? all - left : 0;

	if (want_json) {
		json_t *o = json_object();

		json_set_text(o, "source", name);
		json_set_text(o, "type", fi->fi_type);
		json_set_number(o, "size", fi->fi_size);
		json_set_number(o, "free", fi->fi_free);
		json_set_number(o, "files", fi->fi_files);
		json_set_number(o, "files_free", fi->fi_files_free);
		json_print(o);
		return;
	}
	printf("%-24s %-6s", name, fi->fi_type);
	number(all, !inodes);
	number(used, !inodes);
	number(left, !inodes);
	printf(" %3.0f%%\n", all > 0 ? 100.0 * (double)used / (double)all : 0);
}

/* One file system, if there is one. */
static bool
df_device(const char *dev, const char *name)
{
	struct rump_fsinfo fi;

	if (rump_pub_fs_probe(dev, &fi) != 0)
		return false;
	line(name, &fi);
	return true;
}

static bool
df_all(const char *image)
{
	struct rump_partinfo pi;
	char dev[64], name[4200];
	bool any = false;
	unsigned int i;

	for (i = 0; rump_pub_disk_partition("/dev/img", i, &pi) == 0; i++) {
		(void)snprintf(dev, sizeof(dev), "/dev/img%u", pi.pi_index);
		(void)snprintf(name, sizeof(name), "%s:%u", image, pi.pi_index);
		any |= df_device(dev, name);
	}
	return i == 0 ? df_device("/dev/img", image) : any;
}

static int
df(const char *text)
{
	struct location loc;
	int code;
	bool any;

	code = location_parse(text, &loc);
	if (code != EX_DONE)
		return code;
	code = loc.l_part != NULL ? image_open(&loc) : image_attach(loc.l_image);
	if (code != EX_DONE)
		goto out;
	if (want_json)
		json_begin();
	else
		printf("%-24s %-6s %12s %12s %12s %4s\n", "Image", "Type",
		    inodes ? "Inodes" : readable ? "Size" : "1K-blocks", "Used",
		    "Free", "Use%");
	any = loc.l_part != NULL ? df_device(image_device(), loc.l_text) :
	    df_all(loc.l_image);
	if (want_json)
		json_end();
	if (!any) {
		warn_text("%s: no file system that is known here", loc.l_text);
		note_failure(EX_BADIMAGE);
	}
	code = finish_output();
out:
	location_free(&loc);
	return code;
}

int
cmd_df(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "hi", options, NULL)) != -1) {
		if (opt == 'h' || opt == 'i') {
			readable |= opt == 'h';
			inodes |= opt == 'i';
			continue;
		}
		code = usage_option(opt);
		if (code >= 0)
			return code;
	}
	if (optind != argc - 1)
		return usage_error("df takes one image");
	return df(argv[optind]);
}
