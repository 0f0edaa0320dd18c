/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * args.c - what subcommands do alike with their arguments, and the set of
 * inode numbers that du and cp keep for files with several links
 */

#include <stdlib.h>
#include <string.h>
#include <getopt.h>

#include "rumpus.h"

int
depth_option(const char *text, long *ret_depth)
{
	char *end;
	long depth = strtol(text, &end, 10);

	if (end == text || *end != '\0' || depth < 0)
		return usage_error("'%s' is no depth", text);
	*ret_depth = depth;
	return EX_DONE;
}

bool
wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

bool
too_deep(unsigned int depth, long limit)
{
	return limit >= 0 && depth > (unsigned long)limit;
}

int
for_each_location(int argc, char **argv, bool json,
    void (*fn)(const struct location *))
{
	struct location loc;
	int code = EX_DONE;

	if (optind == argc)
		return usage_error("which image?");
	if (json)
		json_begin();
	for (int i = optind; i < argc; i++) {
		code = location_parse(argv[i], &loc);
		if (code != EX_DONE)
			break;
		code = image_open(&loc);
		if (code == EX_DONE)
			fn(&loc);
		location_free(&loc);
		if (code != EX_DONE)
			break;
	}
	/* What was begun is ended, so that it can be parsed. */
	if (json)
		json_end();
	note_failure(code);
	return finish_output();
}

/* --- inode numbers -------------------------------------------------------------- */

struct inoset {
	size_t		 is_n, is_room;	/* room: a power of two */
	uint64_t	*is_ino;	/* 0: free; open addressing */
};

static uint64_t *
inoset_place(const struct inoset *is, uint64_t ino)
{
	size_t i = (size_t)(ino * 0x9e3779b97f4a7c15ULL >> 20) & (is->is_room - 1);

	while (is->is_ino[i] != 0 && is->is_ino[i] != ino)
		i = (i + 1) & (is->is_room - 1);
	return &is->is_ino[i];
}

static bool
inoset_grow(struct inoset *is)
{
	struct inoset bigger = { .is_n = is->is_n,
	    .is_room = is->is_room != 0 ? is->is_room * 2 : 1024 };

	bigger.is_ino = calloc(bigger.is_room, sizeof(*bigger.is_ino));
	if (bigger.is_ino == NULL)
		return false;
	for (size_t i = 0; i < is->is_room; i++) {
		if (is->is_ino[i] != 0)
			*inoset_place(&bigger, is->is_ino[i]) = is->is_ino[i];
	}
	free(is->is_ino);
	*is = bigger;
	return true;
}

bool
inoset_add(struct inoset **isp, uint64_t ino)
{
	struct inoset *is = *isp;
	uint64_t *place;

	if (is == NULL)
		is = *isp = calloc(1, sizeof(*is));
	if (is == NULL || (is->is_n * 2 >= is->is_room && !inoset_grow(is))) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	place = inoset_place(is, ino);
	if (*place == ino)
		return false;
	*place = ino;
	is->is_n++;
	return true;
}

void
inoset_free(struct inoset *is)
{
	if (is != NULL)
		free(is->is_ino);
	free(is);
}
