/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_panic.c - the end of a kernel that contradicts itself
 */

#include <lib/string.h>
#include <linux/signal.h>
#include <rump/rumpsim.h>
#include <sys/kassert.h>
#include <sys/lwp.h>

#include <harness.h>

int	harness_host_fork(void (*fn)(void), char *buf, size_t size);

static char text[16384];

static bool
text_has(const char *what)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (str_hasprefix(p, what))
			return true;
	}
	harness_note("no \"%s\" in: %s", what, text);
	return false;
}

static void
panic_plainly(void)
{
	rumpsim_console_echo(true);
	panic("the %s number is %d", "wrong", 7);
}

TEST(a_panic_says_what_and_where)
{
	CHECK_EQ("signal", SIGABRT, harness_host_fork(panic_plainly, text,
	    sizeof(text)));
	CHECK(str_hasprefix(text, "panic: the wrong number is 7\n"));
	CHECK(text_has("  in lwp 1 \"local\" of proc 1, vcpu "));
	CHECK(text_has("  vcpu 0: "));
	CHECK(text_has("#1 0x"));
}

static void
fail_assertion(void)
{
	rumpsim_console_echo(true);
	kassert_fail("1 == 2", "file.c", 42, "function");
}

TEST(a_failed_assertion_says_which)
{
	CHECK_EQ("signal", SIGABRT, harness_host_fork(fail_assertion, text,
	    sizeof(text)));
	CHECK(str_hasprefix(text,
	    "panic: assertion \"1 == 2\" failed: file.c:42, function()\n"));
}

/* An lwp whose proc is none: the report trips over it. */
static void
panic_in_panic(void)
{
	rumpsim_console_echo(true);
	curlwp()->l_proc = (struct proc *)8;
	panic("first");
}

TEST(a_panic_on_the_way_ends_it_at_once)
{
	CHECK(harness_host_fork(panic_in_panic, text, sizeof(text)) > 0);
	CHECK(str_hasprefix(text, "panic: first\n"));
}

TEST_WITH(a_panic_before_boot_works, .ht_flags = HARNESS_BARE)
{
	CHECK_EQ("signal", SIGABRT, harness_host_fork(panic_plainly, text,
	    sizeof(text)));
	CHECK(str_hasprefix(text, "panic: the wrong number is 7\n"));
	CHECK(text_has("  in a thread without lwp\n"));
}
