/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_kvar.c - named variables, counters, the console
 */

#include <limits.h>

#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rumpsim.h>
#include <sys/errno.h>
#include <sys/kvar.h>
#include <sys/log.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include <harness.h>

static int number = 5, bounded = 5;
static uint64_t big = 1ull << 40;
static char string[8] = "abc";
static int fn_calls;

static int
fn_get(const struct kvar *kv __unused_arg, char *buf, size_t size)
{
	return kvar_printf(buf, size, "called");
}

static int
fn_set(const struct kvar *kv __unused_arg, const char *text)
{
	fn_calls++;
	return strcmp(text, "good") == 0 ? 0 : EINVAL;
}

static struct kvar kvars[] = {
	{ .kv_name = "test.zebra", .kv_type = KVAR_INT, .kv_ptr = &number },
	{ .kv_name = "test.bounded", .kv_type = KVAR_INT, .kv_ptr = &bounded,
	  .kv_min = -3, .kv_max = 10 },
	{ .kv_name = "test.readonly", .kv_type = KVAR_INT, .kv_ptr = &number,
	  .kv_flags = KVAR_RDONLY },
	{ .kv_name = "test.big", .kv_type = KVAR_U64, .kv_ptr = &big },
	{ .kv_name = "test.string", .kv_type = KVAR_STR, .kv_ptr = string,
	  .kv_size = sizeof(string) },
	{ .kv_name = "test.fn", .kv_type = KVAR_FN, .kv_get = fn_get,
	  .kv_set = fn_set },
	{ .kv_name = "test.fn_readonly", .kv_type = KVAR_FN, .kv_get = fn_get },
};

static void
register_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kvars); i++)
		kvar_register(&kvars[i]);
}

static void
unregister_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kvars); i++)
		kvar_unregister(&kvars[i]);
}

static const struct {
	const char	*name, *text;
	int		 error;
	const char	*after;		/* NULL: as it was */
} writes[] = {
	{ "test.zebra", "17", 0, "17" },
	{ "test.zebra", "-17\n", 0, "-17" },
	{ "test.zebra", "0x10", 0, "16" },
	{ "test.zebra", "2147483647", 0, "2147483647" },
	{ "test.zebra", "-2147483648", 0, "-2147483648" },
	{ "test.zebra", "2147483648", EINVAL, NULL },
	{ "test.zebra", "-2147483649", EINVAL, NULL },
	{ "test.zebra", "", EINVAL, NULL },
	{ "test.zebra", "one", EINVAL, NULL },
	{ "test.zebra", "1 2", EINVAL, NULL },
	{ "test.zebra", "--1", EINVAL, NULL },
	{ "test.zebra", "000000000000000000000000000000000001", EINVAL, NULL },
	{ "test.bounded", "-3", 0, "-3" },
	{ "test.bounded", "10", 0, "10" },
	{ "test.bounded", "11", EINVAL, NULL },
	{ "test.bounded", "-4", EINVAL, NULL },
	{ "test.readonly", "1", EPERM, NULL },
	{ "test.big", "18446744073709551615", 0, "18446744073709551615" },
	{ "test.big", "18446744073709551616", EINVAL, NULL },
	{ "test.big", "-1", EINVAL, NULL },
	{ "test.big", "2g", 0, "2147483648" },
	{ "test.string", "1234567", 0, "1234567" },
	{ "test.string", "12345678", EINVAL, NULL },
	{ "test.string", "\n", 0, "" },
	{ "test.fn", "good", 0, "called" },
	{ "test.fn", "bad", EINVAL, "called" },
	{ "test.fn_readonly", "good", EPERM, "called" },
	{ "test.nobody", "1", ENOENT, NULL },
};

TEST(values_are_checked_before_they_are_set)
{
	register_all();
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		char before[32] = "", after[32] = "";

		(void)kvar_read(writes[i].name, before, sizeof(before));
		if (!CHECK_EQ(writes[i].name, writes[i].error,
		    kvar_write(writes[i].name, writes[i].text)))
			harness_note("writing \"%s\"", writes[i].text);
		(void)kvar_read(writes[i].name, after, sizeof(after));
		CHECK_STR(writes[i].name, writes[i].after != NULL ?
		    writes[i].after : before, after);
	}
	CHECK_EQ("set", 2, fn_calls);
	unregister_all();
}

TEST(a_buffer_too_small_is_told)
{
	char buf[14];

	register_all();
	CHECK_EQ("fits", 0, kvar_read("test.big", buf, 14));
	CHECK_STR("fits", "1099511627776", buf);
	CHECK_EQ("does not", ERANGE, kvar_read("test.big", buf, 13));
	CHECK_EQ("nothing", ERANGE, kvar_read("test.string", buf, 0));
	CHECK_EQ("nobody", ENOENT, kvar_read("test", buf, sizeof(buf)));
	unregister_all();
	CHECK_EQ("gone", ENOENT, kvar_read("test.big", buf, 14));
}

struct walk {
	char		 w_names[256];
	unsigned int	 w_left;
};

static int
walk_fn(const struct kvar *kv, void *arg)
{
	struct walk *w = arg;

	strlcat(w->w_names, kv->kv_name + 5, sizeof(w->w_names));
	strlcat(w->w_names, " ", sizeof(w->w_names));
	return --w->w_left == 0 ? 99 : 0;
}

TEST(walking_is_in_the_order_of_names)
{
	struct walk w = { .w_left = 100 };

	register_all();
	CHECK_EQ("all", 0, kvar_iterate("test.", walk_fn, &w));
	CHECK_STR("all", "big bounded fn fn_readonly readonly string zebra ",
	    w.w_names);
	w = (struct walk){ .w_left = 2 };
	CHECK_EQ("stopped", 99, kvar_iterate("test.", walk_fn, &w));
	CHECK_STR("stopped", "big bounded ", w.w_names);
	w = (struct walk){ .w_left = 100 };
	CHECK_EQ("prefix", 0, kvar_iterate("test.fn", walk_fn, &w));
	CHECK_STR("prefix", "fn fn_readonly ", w.w_names);
	unregister_all();
}

/* Everybody who registers a variable says what it is. */
static int
about_fn(const struct kvar *kv, void *arg)
{
	char buf[4096];

	(*(unsigned int *)arg)++;
	if (!CHECK(kv->kv_about != NULL && kv->kv_about[0] != '\0'))
		harness_note("%s has no line about it", kv->kv_name);
	(void)buf;
	return 0;
}

TEST(each_variable_of_the_kernel_is_explained)
{
	unsigned int n = 0;

	(void)kvar_iterate("", about_fn, &n);
	CHECK(n > 10);
}

/* --- counters ------------------------------------------------------------ */

static COUNTER_DEFINE(test_counter, "test.counter", "counts");

static void
count_thread(void *arg __unused_arg)
{
	for (unsigned int i = 0; i < 1000; i++) {
		counter_add(&test_counter, 3);
		if (i % 50 == 0)
			vcpu_yield();
	}
}

TEST_WITH(counters_add_up_over_the_seats, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 5)
{
	struct kthread *kt[4];
	char text[32];

	counter_register(&test_counter);
	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		NEED(kthread_create(count_thread, NULL, "count", &kt[i]) == 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		kthread_join(kt[i]);
	CHECK_EQ("counted", 12000, counter_read(&test_counter));
	CHECK_EQ("text", 0, kvar_read("test.counter", text, sizeof(text)));
	CHECK_STR("text", "12000", text);
	CHECK_EQ("read only", EPERM, kvar_write("test.counter", "0"));
	kvar_unregister(&test_counter.ct_var);
}

/* --- the console --------------------------------------------------------- */

TEST(the_level_decides_what_is_shown)
{
	char text[8];

	rumpsim_console_clear();
	log_printf(LOG_INFO, "a note");
	log_printf(LOG_WARNING, "a warning, %d", 2);
	log_printf(LOG_ERR, "an error\n");
	CHECK_STR("console", "a warning, 2\nan error\n", rumpsim_console());
	CHECK_EQ("write", 0, kvar_write("kernel.log_level", "0"));
	CHECK_EQ("write", EINVAL, kvar_write("kernel.log_level", "9"));
	CHECK_EQ("read", 0, kvar_read("kernel.log_level", text, sizeof(text)));
	CHECK_STR("read", "0", text);
	rumpsim_console_clear();
	log_printf(LOG_WARNING, "a warning");
	log_printf(LOG_ERR, "an error");
	CHECK_STR("console", "an error\n", rumpsim_console());
}

TEST(nobodys_terminal_is_driven_by_a_name)
{
	rumpsim_console_clear();
	log_printf(LOG_ERR, "%s", "evil\x1b[31m\r\nname\x7f\ttab \xc3\xa9");
	CHECK_STR("console",
	    "evil\\x1b[31m\\x0d\\x0aname\\x7f\ttab \xc3\xa9\n",
	    rumpsim_console());
}

TEST(a_long_line_is_cut_and_ends)
{
	static char name[3000];
	const char *shown;
	size_t len;

	memset(name, 'x', sizeof(name) - 1);
	rumpsim_console_clear();
	log_printf(LOG_ERR, "%s", name);
	shown = rumpsim_console();
	len = strlen(shown);
	CHECK(len > 400 && len < 1000);
	CHECK_STR("end", "x...\n", shown + len - 5);
	memset(name, '\x01', sizeof(name) - 1);
	rumpsim_console_clear();
	log_printf(LOG_ERR, "%s", name);
	shown = rumpsim_console();
	CHECK_EQ("one line", '\n', shown[strlen(shown) - 1]);
	CHECK(strlen(shown) < 1000);
}

TEST(what_comes_again_and_again_is_counted)
{
	struct log_limit ll = { 0 };
	unsigned int shown = 0;

	rumpsim_console_clear();
	for (unsigned int i = 0; i < 100; i++)
		shown += log_allowed(&ll, 5);
	CHECK_EQ("shown", 5, shown);
	CHECK_STR("console", "", rumpsim_console());
	rumpsim_advance(11 * NSEC_PER_SEC);
	CHECK(log_allowed(&ll, 5));
	CHECK_STR("console", "(95 such lines were not shown)\n",
	    rumpsim_console());
	rumpsim_advance(11 * NSEC_PER_SEC);
	rumpsim_console_clear();
	CHECK(log_allowed(&ll, 5));
	CHECK_STR("console", "", rumpsim_console());
}
