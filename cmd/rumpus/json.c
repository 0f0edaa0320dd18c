/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * json.c - listings as JSON: an array whose elements are printed as they
 * come, so that a long listing needs no memory
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_impl.h"
#include "rumpus.h"

bool want_json;
static bool first;

char *
json_bytes(const char *s)
{
	char *out = malloc(strlen(s) * 3 + 1), *o = out;

	if (out == NULL)
		return NULL;
	while (*s != '\0') {
		size_t len = utf8_len(s);

		if (len == 0) {
			memcpy(o, "\xef\xbf\xbd", 3);
			o += 3;
			s++;
		} else {
			memcpy(o, s, len);
			o += len;
			s += len;
		}
	}
	*o = '\0';
	return out;
}

void
json_begin(void)
{
	first = true;
	fputs("[", stdout);
}

void
json_end(void)
{
	fputs(first ? "]\n" : "\n]\n", stdout);
}

void
json_print(json_t *object)
{
	fputs(first ? "\n  " : ",\n  ", stdout);
	first = false;
	if (object == NULL || json_dumpf(object, stdout, JSON_PRESERVE_ORDER) != 0) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	json_decref(object);
}

void
json_set_text(json_t *object, const char *key, const char *text)
{
	char *clean = json_bytes(text);

	if (clean != NULL)
		json_object_set_new(object, key, json_string(clean));
	free(clean);
}

void
json_set_number(json_t *object, const char *key, uint64_t n)
{
	json_object_set_new(object, key, json_integer((json_int_t)n));
}

static void
set_time(json_t *object, const char *key, const struct statx_timestamp *ts)
{
	char text[64];

	fmt_time(ts, text, sizeof(text));
	json_set_text(object, key, text);
}

json_t *
json_of_entry(const struct dent *e, const char *link)
{
	const struct statx *st = &e->e_st;
	json_t *o = json_object();
	char mode[8];

	(void)snprintf(mode, sizeof(mode), "%04o", st->stx_mode & 07777);
	json_set_text(o, "path", e->e_path);
	json_set_text(o, "type", fmt_type(st->stx_mode));
	json_set_text(o, "mode", mode);
	json_set_number(o, "uid", st->stx_uid);
	json_set_number(o, "gid", st->stx_gid);
	json_set_number(o, "size", st->stx_size);
	json_set_number(o, "blocks", st->stx_blocks);
	json_set_number(o, "nlink", st->stx_nlink);
	json_set_number(o, "ino", st->stx_ino);
	set_time(o, "mtime", &st->stx_mtime);
	set_time(o, "atime", &st->stx_atime);
	set_time(o, "ctime", &st->stx_ctime);
	if (st->stx_mask & STATX_BTIME)
		set_time(o, "btime", &st->stx_btime);
	if (S_ISCHR(st->stx_mode) || S_ISBLK(st->stx_mode)) {
		json_set_number(o, "major", st->stx_rdev_major);
		json_set_number(o, "minor", st->stx_rdev_minor);
	}
	if (link != NULL)
		json_set_text(o, "target", link);
	return o;
}

void
json_entry(const struct dent *e, const char *link)
{
	json_print(json_of_entry(e, link));
}
