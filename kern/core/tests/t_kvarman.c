/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_kvarman.c - rump-kvars(7) and the kernel know the same variables
 */

#include <stdio.h>
#include <string.h>

#include <rump/rump.h>

#include <harness.h>

static char page[65536];

static void
page_read(void)
{
	FILE *f = fopen(KVARS_PAGE, "r");
	size_t len;

	NEED(f != NULL);
	len = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	NEED(len > 0 && len < sizeof(page) - 1);
}

/* Calls fn for each variable in lines like ".It Va a , Va b". */
static void
page_names(void (*fn)(const char *name))
{
	char line[256], *word, *save;
	const char *p, *end;

	for (p = page; (p = strstr(p, "\n.It Va ")) != NULL; p = end) {
		end = strchr(p + 1, '\n');
		NEED(end != NULL && (size_t)(end - p) < sizeof(line));
		snprintf(line, sizeof(line), "%.*s", (int)(end - p - 5), p + 5);
		for (word = strtok_r(line, " ,", &save); word != NULL;
		    word = strtok_r(NULL, " ,", &save)) {
			if (strcmp(word, "Va") != 0)
				fn(word);
		}
	}
}

static const char *looked_for;
static bool found;

static void
compare(const char *name)
{
	found = found || strcmp(name, looked_for) == 0;
}

static unsigned int nvars;

static int
must_be_on_page(const char *name, const char *about, void *arg)
{
	(void)about;
	(void)arg;
	nvars++;
	looked_for = name;
	found = false;
	page_names(compare);
	if (!CHECK(found))
		harness_note("%s is not in rump-kvars(7)", name);
	return 0;
}

static void
must_be_in_kernel(const char *name)
{
	static char value[65536];

	if (!CHECK_EQ(name, 0, rump_pub_kvar_read(name, value, sizeof(value))))
		harness_note("rump-kvars(7) has %s", name);
}

TEST(every_variable_is_in_the_manual)
{
	page_read();
	CHECK_EQ("iterate", 0, rump_pub_kvar_iterate("", must_be_on_page, NULL));
	CHECK(nvars > 20);
}

TEST(the_manual_has_no_variable_that_is_not_there)
{
	page_read();
	page_names(must_be_in_kernel);
}
