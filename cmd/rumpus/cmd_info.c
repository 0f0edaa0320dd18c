/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_info.c - rumpus info, rumpus df: what an image consists of
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>

#include "json_impl.h"
#include "rumpus.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' }, { "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

/* One line or object: a partition, or the whole image. */
struct part {
	bool		 p_whole;
	struct rump_partinfo p_pi;
	bool		 p_hasfs;
	struct rump_fsinfo p_fi;
};

static void
part_probe(struct part *p, const char *image)
{
	char dev[64];
	int error;

	if (p->p_whole)
		(void)snprintf(dev, sizeof(dev), "/dev/img");
	else
		(void)snprintf(dev, sizeof(dev), "/dev/img%u", p->p_pi.pi_index);
	error = rump_pub_fs_probe(dev, &p->p_fi);
	p->p_hasfs = error == 0;
	if (error != 0 && error != ENODEV) {
		char where[512];

		(void)snprintf(where, sizeof(where), "%s:%u", image,
		    p->p_pi.pi_index);
		complain(p->p_whole ? image : where, "look for a file system",
		    error);
	}
}

static json_t *
json_fs(const struct rump_fsinfo *fi)
{
	json_t *o = json_object(), *features = json_array();
	char words[sizeof(fi->fi_features)], *word, *save;

	json_set_text(o, "type", fi->fi_type);
	json_set_text(o, "label", fi->fi_label);
	json_set_text(o, "uuid", fi->fi_uuid);
	json_set_number(o, "size", fi->fi_size);
	json_set_number(o, "free", fi->fi_free);
	json_set_number(o, "files", fi->fi_files);
	json_set_number(o, "files_free", fi->fi_files_free);
	json_set_number(o, "blocksize", fi->fi_blocksize);
	json_set_text(o, "state", fi->fi_state);
	memcpy(words, fi->fi_features, sizeof(words));
	for (word = strtok_r(words, " ", &save); word != NULL;
	    word = strtok_r(NULL, " ", &save))
		json_array_append_new(features, json_string(word));
	json_object_set_new(o, "features", features);
	return o;
}

static json_t *
json_part(const struct part *p)
{
	const struct rump_partinfo *pi = &p->p_pi;
	json_t *o = json_object();

	json_set_number(o, "number", pi->pi_index);
	json_set_text(o, "scheme", pi->pi_scheme);
	json_set_number(o, "start", pi->pi_start);
	json_set_number(o, "size", pi->pi_size);
	json_set_text(o, "type", pi->pi_type);
	json_set_text(o, "uuid", pi->pi_uuid);
	json_set_text(o, "name", pi->pi_name);
	json_object_set_new(o, "bootable", json_boolean(pi->pi_bootable));
	json_object_set_new(o, "filesystem",
	    p->p_hasfs ? json_fs(&p->p_fi) : json_null());
	return o;
}

static void
text_fs(const struct rump_fsinfo *fi, const char *indent)
{
	char size[16], left[16];

	fmt_size(fi->fi_size, size, sizeof(size));
	fmt_size(fi->fi_free, left, sizeof(left));
	printf("%s%s%s", indent, fi->fi_type, fi->fi_label[0] != '\0' ? " \"" : "");
	print_name(fi->fi_label);
	printf("%s, %s, %s free, blocks of %u, %s\n",
	    fi->fi_label[0] != '\0' ? "\"" : "", size, left, fi->fi_blocksize,
	    fi->fi_state);
	if (fi->fi_uuid[0] != '\0')
		printf("%suuid %s\n", indent, fi->fi_uuid);
	if (fi->fi_files != 0)
		printf("%sinodes %llu, %llu free\n", indent,
		    (unsigned long long)fi->fi_files,
		    (unsigned long long)fi->fi_files_free);
	if (fi->fi_features[0] != '\0')
		printf("%sfeatures %s\n", indent, fi->fi_features);
}

static void
text_part(const struct part *p)
{
	const struct rump_partinfo *pi = &p->p_pi;
	char size[16];

	fmt_size(pi->pi_size, size, sizeof(size));
	printf("%3u  %-5s start %-12llu size %-7s type %s%s", pi->pi_index,
	    pi->pi_scheme, (unsigned long long)pi->pi_start, size, pi->pi_type,
	    pi->pi_bootable ? " bootable" : "");
	if (pi->pi_name[0] != '\0') {
		printf(" \"");
		print_name(pi->pi_name);
		putchar('"');
	}
	putchar('\n');
	if (pi->pi_uuid[0] != '\0')
		printf("     partition uuid %s\n", pi->pi_uuid);
	if (p->p_hasfs)
		text_fs(&p->p_fi, "     ");
}

static void
print_json(const char *image, uint64_t size, uint32_t secsize,
    const struct part *whole, json_t *parts)
{
	json_t *o = json_object();

	json_set_text(o, "image", image);
	json_set_number(o, "size", size);
	json_set_number(o, "sector", secsize);
	json_object_set_new(o, "filesystem",
	    whole->p_hasfs ? json_fs(&whole->p_fi) : json_null());
	json_object_set_new(o, "partitions", parts);
	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(o);
}

static int
info(const char *image)
{
	struct part whole = { .p_whole = true };
	json_t *parts = json_array();
	unsigned int n = 0;
	uint64_t size;
	uint32_t secsize;
	char text[16];
	int code, error;

	code = image_attach(image);
	if (code != EX_DONE)
		return code;
	error = rump_pub_disk_size("/dev/img", &size, &secsize);
	if (error)
		return complain(image, "size", error);
	fmt_size(size, text, sizeof(text));
	if (!want_json)
		printf("%s: %s (%llu bytes), sectors of %u\n", image, text,
		    (unsigned long long)size, secsize);
	for (;; n++) {
		struct part p = { .p_whole = false };

		if (rump_pub_disk_partition("/dev/img", n, &p.p_pi) != 0)
			break;
		part_probe(&p, image);
		if (want_json)
			json_array_append_new(parts, json_part(&p));
		else
			text_part(&p);
	}
	if (n == 0)
		part_probe(&whole, image);
	if (want_json) {
		print_json(image, size, secsize, &whole, parts);
	} else {
		json_decref(parts);
		if (whole.p_hasfs)
			text_fs(&whole.p_fi, "  ");
	}
	if (n == 0 && !whole.p_hasfs && failures() == EX_DONE) {
		warn_text("%s: neither partitions nor a file system known here",
		    image);
		note_failure(EX_BADIMAGE);
	}
	return finish_output();
}

int
cmd_info(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		code = usage_option(opt);
		if (code >= 0)
			return code;
	}
	if (optind != argc - 1)
		return usage_error("info takes one image");
	return info(argv[optind]);
}
