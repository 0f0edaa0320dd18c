/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hyper_host.c - beginning and end, parameters, entropy, console, daemons
 */

#include <signal.h>

#include "hyper_test.h"

CASE(init_takes_its_own_version_and_no_other)
{

	CHECK_EQ("ours", 0, rumpuser_init(RUMPUSER_VERSION));
	CHECK_EQ("again", 0, rumpuser_init(RUMPUSER_VERSION));
	CHECK_EQ("newer", EPROTONOSUPPORT, rumpuser_init(RUMPUSER_VERSION + 1));
	CHECK_EQ("none", EPROTONOSUPPORT, rumpuser_init(0));
}

/* --- parameters ---------------------------------------------------------- */

CASE(the_host_answers_its_own_parameters)
{
	char buf[256];

	CHECK_EQ("ncpu", 0,
	    rumpuser_getparam("_RUMPUSER_NCPU", buf, sizeof(buf)));
	CHECK(atoi(buf) >= 1);
	CHECK_EQ("hostname", 0,
	    rumpuser_getparam("_RUMPUSER_HOSTNAME", buf, sizeof(buf)));
	CHECK(buf[0] != '\0');
	CHECK_EQ("memsize", 0,
	    rumpuser_getparam("_RUMPUSER_MEMSIZE", buf, sizeof(buf)));
	CHECK(strtoull(buf, NULL, 10) > 1 << 20);
	CHECK_EQ("host", 0,
	    rumpuser_getparam("_RUMPUSER_HOST", buf, sizeof(buf)));
	CHECK_STR("host", HARNESS_HOST, buf);
	CHECK_EQ("unknown", EINVAL,
	    rumpuser_getparam("_RUMPUSER_MOON", buf, sizeof(buf)));
}

CASE(the_environment_is_seen_and_must_fit)
{
	char buf[8] = "before";

	(void)setenv("RUMP_TESTPARAM", "1234567", 1);
	CHECK_EQ("fits", 0, rumpuser_getparam("RUMP_TESTPARAM", buf, 8));
	CHECK_STR("value", "1234567", buf);
	CHECK_EQ("no room for nul", ERANGE,
	    rumpuser_getparam("RUMP_TESTPARAM", buf, 7));
	CHECK_EQ("no room", ERANGE, rumpuser_getparam("RUMP_TESTPARAM", buf, 0));
	(void)setenv("RUMP_TESTPARAM", "", 1);
	CHECK_EQ("empty", 0, rumpuser_getparam("RUMP_TESTPARAM", buf, 1));
	CHECK_STR("empty", "", buf);
	(void)unsetenv("RUMP_TESTPARAM");
	CHECK_EQ("unset", ENOENT, rumpuser_getparam("RUMP_TESTPARAM", buf, 8));
	CHECK_EQ("small", ERANGE,
	    rumpuser_getparam("_RUMPUSER_MEMSIZE", buf, 2));
}

/* --- entropy ------------------------------------------------------------- */

CASE(random_bytes_are_all_written_and_differ)
{
	unsigned char a[1000], b[1000], none = 0x5a;
	unsigned int seen[256] = { 0 }, values = 0;
	size_t n = 0;

	NEED(rumpuser_getrandom(a, sizeof(a), &n) == 0);
	NEED(n == sizeof(a));
	NEED(rumpuser_getrandom(b, sizeof(b), &n) == 0);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	for (size_t i = 0; i < sizeof(a); i++)
		values += seen[a[i]]++ == 0;
	CHECK(values > 200);	/* fewer: once in more than the age of all */
	CHECK_EQ("none", 0, rumpuser_getrandom(&none, 0, &n));
	CHECK_EQ("none", 0, n);
	CHECK_EQ("untouched", 0x5a, none);
}

/* --- ends ---------------------------------------------------------------- */

static void
child_exit(void)
{

	rumpuser_exit(3);
}

static void
child_panic(void)
{

	rumpuser_exit(RUMPUSER_EXIT_PANIC);
}

static void
child_kill(void)
{

	(void)signal(SIGTERM, SIG_DFL);
	(void)rumpuser_kill(SIGTERM);
	for (;;)
		(void)pause();
}

CASE(exit_ends_the_process_with_its_code)
{
	int status = in_child(child_exit);

	CHECK(WIFEXITED(status));
	CHECK_EQ("code", 3, WEXITSTATUS(status));
}

CASE(panic_aborts_the_process)
{
	int status = in_child(child_panic);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

CASE(kill_signals_the_own_process)
{
	int status = in_child(child_kill);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	CHECK_EQ("no signal", 0, rumpuser_kill(0));
	CHECK_EQ("no such", EINVAL, rumpuser_kill(4711));
	CHECK_EQ("negative", EINVAL, rumpuser_kill(-1));
}

/* --- console ------------------------------------------------------------- */

static int capture[2];

static void
capture_begin(void)
{

	NEED(pipe(capture) == 0);
	(void)dup2(capture[1], STDERR_FILENO);
	(void)close(capture[1]);
	if (on_sim())
		rumpsim_console_echo(true);
}

#pragma weak rumpsim_console_echo

static void
child_console(void)
{

	rumpuser_console_write("hello ", 6);
	rumpuser_console_write("", 0);
	rumpuser_console_write("console\n", 8);
	rumpuser_backtrace();
	_exit(0);
}

CASE(the_console_is_the_standard_error)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;
	int saved = dup(STDERR_FILENO);

	capture_begin();
	CHECK_EQ("child", 0, in_child(child_console));
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	while (len < sizeof(text) - 1 && (n = read(capture[0], text + len,
	    sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(capture[0]);
	text[len] = '\0';
	CHECK(strncmp(text, "hello console\n", 14) == 0);
	CHECK(strstr(text, "#1 0x") != NULL);
}

/* --- libraries ----------------------------------------------------------- */

CASE(libraries_are_loaded_or_it_is_said_why_not)
{
	const char *name = scratch_name();
	char why[256] = "";
	int fd;

	CHECK_EQ("plain name", 0,
	    rumpuser_dl_load("libm.so.6", why, sizeof(why)));
	CHECK_EQ("again", 0, rumpuser_dl_load("libm.so.6", why, sizeof(why)));
	CHECK_EQ("no such name", ENOENT,
	    rumpuser_dl_load("librump_nowhere.so", why, sizeof(why)));
	CHECK(strstr(why, "librump_nowhere.so") != NULL);
	CHECK_EQ("no such path", ENOENT,
	    rumpuser_dl_load("/nonexistent/x.so", why, sizeof(why)));
	why[0] = '\0';
	fd = open(name, O_WRONLY | O_CLOEXEC);
	NEED(write(fd, "this is not a library", 21) == 21);
	(void)close(fd);
	CHECK_EQ("no library", ENOEXEC, rumpuser_dl_load(name, why, sizeof(why)));
	CHECK(why[0] != '\0');
	CHECK_EQ("little room", ENOEXEC, rumpuser_dl_load(name, why, 4));
	CHECK_EQ("cut", 3, strlen(why));
	CHECK_EQ("no room", ENOEXEC, rumpuser_dl_load(name, NULL, 0));
	(void)unlink(name);
}

/* --- daemons ------------------------------------------------------------- */

static int daemon_report[2];	/* what the daemon found, byte by byte */

static void
report(bool held)
{

	(void)!write(daemon_report[1], held ? "+" : "-", 1);
}

static void
child_daemon_good(void)
{
	pid_t before = getpid();

	report(rumpuser_daemonize_done(0) == ENOENT);
	report(rumpuser_daemonize_begin() == 0);
	report(getpid() != before);
	report(getsid(0) == getpid());
	report(rumpuser_daemonize_begin() == EALREADY);
	report(rumpuser_daemonize_done(0) == 0);
	report(rumpuser_daemonize_done(0) == ENOENT);
	report(write(STDERR_FILENO, "into the void", 13) == 13);
	_exit(0);
}

static void
child_daemon_bad(void)
{

	(void)close(STDERR_FILENO);
	(void)rumpuser_daemonize_begin();
	(void)rumpuser_daemonize_done(EADDRINUSE);
	_exit(0);
}

static void
child_daemon_dies(void)
{

	(void)close(STDERR_FILENO);
	(void)rumpuser_daemonize_begin();
	_exit(7);
}

CASE(a_daemon_s_parent_ends_when_the_daemon_is_ready)
{
	char text[16] = "";
	size_t len = 0;
	ssize_t n;
	int status;

	NEED(pipe(daemon_report) == 0);
	status = in_child(child_daemon_good);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(daemon_report[1]);
	while (len < sizeof(text) - 1 && (n = read(daemon_report[0],
	    text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(daemon_report[0]);
	CHECK_STR("report", "++++++++", text);
}

CASE(a_daemon_s_parent_fails_if_the_daemon_does)
{
	int status;

	status = in_child(child_daemon_bad);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	status = in_child(child_daemon_dies);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
