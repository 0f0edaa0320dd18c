/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_find.c - rumpus find: the tests of find(1) that make sense on an image
 *
 * Tests are a list that all must hold; "!" or -not turns the next one round.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rump/rump_syscalls.h>

#include "rumpus.h"

struct test {
	bool		(*t_fn)(const struct test *, const struct dent *);
	const char	*t_text;
	int		 t_flags;
	char		 t_sign;	/* '+', '-' or 0 */
	uint64_t	 t_number;
	uint64_t	 t_unit;
	bool		 t_not;
};

static struct test *tests;
static size_t ntests;
static long mindepth, maxdepth = -1;
static bool print0, print_ls;
static time_t now;

static bool
compare_number(const struct test *t, uint64_t n)
{
	if (t->t_sign == '+')
		return n > t->t_number;
	if (t->t_sign == '-')
		return n < t->t_number;
	return n == t->t_number;
}

static const char *
basename_of(const struct dent *e)
{
	const char *slash;

	if (e->e_depth > 0)
		return e->e_name;
	slash = strrchr(e->e_path, '/');
	return slash != NULL && slash[1] != '\0' ? slash + 1 : e->e_path;
}

static bool
test_name(const struct test *t, const struct dent *e)
{
	return fnmatch(t->t_text, basename_of(e), t->t_flags) == 0;
}

static bool
test_path(const struct test *t, const struct dent *e)
{
	return fnmatch(t->t_text, e->e_path, t->t_flags) == 0;
}

static bool
test_type(const struct test *t, const struct dent *e)
{
	static const struct { char letter; mode_t mode; } types[] = {
		{ 'f', S_IFREG }, { 'd', S_IFDIR }, { 'l', S_IFLNK },
		{ 'b', S_IFBLK }, { 'c', S_IFCHR }, { 'p', S_IFIFO },
		{ 's', S_IFSOCK },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if ((e->e_st.stx_mode & S_IFMT) == types[i].mode)
			return strchr(t->t_text, types[i].letter) != NULL;
	}
	return false;
}

static bool
test_size(const struct test *t, const struct dent *e)
{
	return compare_number(t, e->e_st.stx_size / t->t_unit +
	    (e->e_st.stx_size % t->t_unit != 0));
}

static bool
test_mtime(const struct test *t, const struct dent *e)
{
	int64_t age = (int64_t)now - e->e_st.stx_mtime.tv_sec;

	return compare_number(t, age < 0 ? 0 : (uint64_t)age / 86400);
}

static bool
test_perm(const struct test *t, const struct dent *e)
{
	uint64_t mode = e->e_st.stx_mode & 07777;

	return t->t_sign == '-' ? (mode & t->t_number) == t->t_number :
	    mode == t->t_number;
}

static bool
test_uid(const struct test *t, const struct dent *e)
{
	return compare_number(t, e->e_st.stx_uid);
}

static bool
test_gid(const struct test *t, const struct dent *e)
{
	return compare_number(t, e->e_st.stx_gid);
}

static bool
test_links(const struct test *t, const struct dent *e)
{
	return compare_number(t, e->e_st.stx_nlink);
}

static bool
test_inum(const struct test *t, const struct dent *e)
{
	return compare_number(t, e->e_st.stx_ino);
}

static int
any_name(const char *name, unsigned char dtype, void *arg)
{
	(void)name;
	(void)dtype;
	*(bool *)arg = true;
	return 1;
}

static bool
test_empty(const struct test *t, const struct dent *e)
{
	bool any = false;
	int fd;

	(void)t;
	if (S_ISREG(e->e_st.stx_mode))
		return e->e_st.stx_size == 0;
	if (!S_ISDIR(e->e_st.stx_mode))
		return false;
	fd = rump_sys_openat(e->e_dirfd, e->e_name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)read_dir(fd, any_name, &any);
	(void)rump_sys_close(fd);
	return !any;
}

enum arg_kind { ARG_NONE, ARG_TEXT, ARG_NUMBER, ARG_SIZE, ARG_OCTAL, ARG_TYPE };

static const struct {
	const char	*name;
	enum arg_kind	 kind;
	bool		(*fn)(const struct test *, const struct dent *);
	int		 flags;
} known[] = {
	{ "-name", ARG_TEXT, test_name, 0 },
	{ "-iname", ARG_TEXT, test_name, FNM_CASEFOLD },
	{ "-path", ARG_TEXT, test_path, 0 },
	{ "-type", ARG_TYPE, test_type, 0 },
	{ "-size", ARG_SIZE, test_size, 0 },
	{ "-mtime", ARG_NUMBER, test_mtime, 0 },
	{ "-perm", ARG_OCTAL, test_perm, 0 },
	{ "-uid", ARG_NUMBER, test_uid, 0 },
	{ "-gid", ARG_NUMBER, test_gid, 0 },
	{ "-links", ARG_NUMBER, test_links, 0 },
	{ "-inum", ARG_NUMBER, test_inum, 0 },
	{ "-empty", ARG_NONE, test_empty, 0 },
};

static bool
parse_number(const char *text, int base, struct test *t, const char **ret_end)
{
	char *end;

	if (*text == '+' || *text == '-')
		t->t_sign = *text++;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	t->t_number = strtoull(text, &end, base);
	*ret_end = end;
	return errno == 0;
}

static bool
parse_size(const char *text, struct test *t)
{
	const char *end;

	if (!parse_number(text, 10, t, &end))
		return false;
	switch (*end) {
	case 'c': t->t_unit = 1; break;
	case 'k': t->t_unit = 1024; break;
	case 'M': t->t_unit = 1024 * 1024; break;
	case 'G': t->t_unit = 1024 * 1024 * 1024; break;
	case '\0': t->t_unit = 512; return true;
	default: return false;
	}
	return end[1] == '\0';
}

static bool
parse_arg(enum arg_kind kind, const char *text, struct test *t)
{
	const char *end = "";

	t->t_text = text;
	switch (kind) {
	case ARG_NONE:
	case ARG_TEXT:
		return true;
	case ARG_NUMBER:
		return parse_number(text, 10, t, &end) && *end == '\0';
	case ARG_OCTAL:
		return parse_number(text, 8, t, &end) && *end == '\0' &&
		    t->t_number <= 07777;
	case ARG_SIZE:
		return parse_size(text, t);
	case ARG_TYPE:
		return *text != '\0' && strspn(text, "fdlbcps,") == strlen(text);
	}
	return false;
}

/* One test; how many words it took, 0 if it is none, -1 after an error. */
static int
parse_test(char **words, bool not)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct test t = { .t_fn = known[i].fn, .t_flags = known[i].flags,
		    .t_not = not };

		if (strcmp(words[0], known[i].name) != 0)
			continue;
		if (known[i].kind != ARG_NONE && words[1] == NULL) {
			usage_error("%s needs a value", words[0]);
			return -1;
		}
		if (!parse_arg(known[i].kind, words[1], &t)) {
			usage_error("%s: bad value '%s'", words[0], words[1]);
			return -1;
		}
		tests[ntests++] = t;
		return known[i].kind == ARG_NONE ? 1 : 2;
	}
	return 0;
}

/* Options that are no tests; as parse_test(). */
static int
parse_option(char **words)
{
	if (strcmp(words[0], "-print0") == 0) {
		print0 = true;
		return 1;
	}
	if (strcmp(words[0], "-print") == 0)
		return 1;
	if (strcmp(words[0], "-ls") == 0) {
		print_ls = true;
		return 1;
	}
	if (strcmp(words[0], "--json") == 0) {
		want_json = true;
		return 1;
	}
	if (strncmp(words[0], "--offset=", 9) == 0)
		return image_set_offset(words[0] + 9) == EX_DONE ? 1 : -1;
	if (strcmp(words[0], "--offset") == 0 && words[1] != NULL)
		return image_set_offset(words[1]) == EX_DONE ? 2 : -1;
	if (strcmp(words[0], "-mindepth") == 0 && words[1] != NULL)
		return depth_option(words[1], &mindepth) == EX_DONE ? 2 : -1;
	if (strcmp(words[0], "-maxdepth") == 0 && words[1] != NULL)
		return depth_option(words[1], &maxdepth) == EX_DONE ? 2 : -1;
	return 0;
}

static int
parse_words(int argc, char **argv, char **ret_where)
{
	bool not = false;

	tests = calloc((size_t)argc, sizeof(*tests));
	if (tests == NULL)
		return complain("find", "parse", ENOMEM);
	for (int i = 1; i < argc;) {
		int n;

		if (strcmp(argv[i], "!") == 0 || strcmp(argv[i], "-not") == 0) {
			not = !not;
			i++;
			continue;
		}
		if (argv[i][0] != '-' && *ret_where == NULL) {
			*ret_where = argv[i++];
			continue;
		}
		n = parse_option(argv + i);
		if (n == 0) {
			n = parse_test(argv + i, not);
			not = false;
		}
		if (n < 0)
			return EX_USE;
		if (n == 0)
			return usage_error("find: no test '%s'", argv[i]);
		i += n;
	}
	if (not)
		return usage_error("find: no test to negate");
	return *ret_where != NULL ? EX_DONE : usage_error("which image?");
}

static void
print_found(const struct dent *e)
{
	char *link = NULL;

	if (S_ISLNK(e->e_st.stx_mode) && (print_ls || want_json))
		link = read_link(e->e_dirfd, e->e_name, e->e_st.stx_size);
	if (want_json) {
		json_entry(e, link);
	} else if (print0) {
		fwrite(e->e_path, 1, strlen(e->e_path) + 1, stdout);
	} else {
		if (print_ls) {
			char mode[11], when[64];

			fmt_mode(e->e_st.stx_mode, mode);
			fmt_time(&e->e_st.stx_mtime, when, sizeof(when));
			printf("%8llu %s %3u %5u %5u %10llu %.19s ",
			    (unsigned long long)e->e_st.stx_ino, mode,
			    e->e_st.stx_nlink, e->e_st.stx_uid, e->e_st.stx_gid,
			    (unsigned long long)e->e_st.stx_size, when);
		}
		print_name(e->e_path);
		if (link != NULL) {
			printf(" -> ");
			print_name(link);
		}
		putchar('\n');
	}
	free(link);
}

static int
find_entry(const struct dent *e, enum walk_when when, void *arg)
{
	bool match = (long)e->e_depth >= mindepth;

	if (when == WALK_LEAVE)
		return WALK_GO;
	for (size_t i = 0; match && i < ntests; i++)
		match = tests[i].t_fn(&tests[i], e) != tests[i].t_not;
	if (match) {
		*(bool *)arg = true;
		print_found(e);
	}
	return maxdepth >= 0 && (long)e->e_depth >= maxdepth ? WALK_PRUNE : WALK_GO;
}

int
cmd_find(int argc, char **argv)
{
	struct location loc;
	char *where = NULL;
	bool any = false;
	int code;

	if (wants_help(argc, argv))
		return usage_option('H');
	code = parse_words(argc, argv, &where);
	if (code != EX_DONE)
		return code;
	code = location_parse(where, &loc);
	if (code != EX_DONE)
		return code;
	now = time(NULL);
	code = image_open(&loc);
	if (code == EX_DONE) {
		if (want_json)
			json_begin();
		(void)walk(&loc, loc.l_path, find_entry, &any);
		if (want_json)
			json_end();
		if (!any)
			note_failure(EX_NOMATCH);
		code = finish_output();
	}
	location_free(&loc);
	free(tests);
	return code;
}
