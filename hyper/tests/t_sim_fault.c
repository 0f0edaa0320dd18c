/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sim_fault.c - failures on demand, accounts, parameters, console
 */

#include <signal.h>

#include "hyper_test.h"

/* --- one hypercall of each kind ------------------------------------------ */

static int
do_malloc(void)
{
	void *p;
	int error;

	error = rumpuser_malloc(10, 8, &p);
	if (error == 0)
		rumpuser_free(p, 10);
	return error;
}

static int
do_pages(void)
{
	void *p;
	int error;

	error = rumpuser_pages_map(4096, 4096, 0, &p);
	if (error == 0)
		rumpuser_pages_unmap(p, 4096);
	return error;
}

static int
do_open(void)
{
	int error, fd;

	error = rumpuser_open("/dev/null", RUMPUSER_OPEN_RDWR, &fd);
	if (error == 0)
		(void)rumpuser_close(fd);
	return error;
}

static void
nothing(void *arg)
{

	(void)arg;
}

static int
do_thread(void)
{
	struct rumpuser_thread *t;
	int error;

	error = rumpuser_thread_create(nothing, NULL, "nothing", &t);
	if (error == 0)
		(void)rumpuser_thread_join(t);
	return error;
}

static int
do_random(void)
{
	char c;
	size_t n;

	return rumpuser_getrandom(&c, 1, &n);
}

static struct rumpsim_disk *disk;
static int disk_fd;

static void
disk_open(void)
{

	NEED(rumpsim_disk_create("sim:fault", 65536, 512, &disk) == 0);
	NEED(rumpuser_open("sim:fault", RUMPUSER_OPEN_RDWR, &disk_fd) == 0);
}

static void
disk_close(void)
{

	CHECK_EQ("close", 0, rumpuser_close(disk_fd));
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(disk));
}

static int
do_read(void)
{
	char buf[512];
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	size_t n;

	return rumpuser_iovread(disk_fd, &iov, 1, 0, &n);
}

static int
do_write(void)
{
	char buf[512] = "x";
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	size_t n;

	return rumpuser_iovwrite(disk_fd, &iov, 1, 0, &n);
}

static int
do_flush(void)
{

	return rumpuser_syncfd(disk_fd, RUMPUSER_SYNC_DATA);
}

static int
do_discard(void)
{

	return rumpuser_discard(disk_fd, 0, 512);
}

static uint32_t bio_finished;
static int bio_error;

static void
bio_done(struct rumpuser_bio *bio, size_t bytes, int error)
{

	(void)bio;
	CHECK(error == 0 || bytes == 0);
	bio_error = error;
	(void)word_add(&bio_finished, 1);
}

static int
do_bio(void)
{
	char buf[512] = "x";
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	struct rumpuser_bio bio = {
		.bio_op = RUMPUSER_BIO_WRITE, .bio_fd = disk_fd,
		.bio_iov = &iov, .bio_iovcnt = 1, .bio_done = bio_done,
	};
	uint32_t before = word_get(&bio_finished);
	int error;

	error = rumpuser_bio(&bio);
	if (error)
		return error;
	word_wait(&bio_finished, before + 1);
	return bio_error;
}

static const struct {
	const char		*label;
	enum rumpsim_kind	 kind;
	int			(*call)(void);
	bool			 io;
} kinds[] = {
	{ "malloc",	RUMPSIM_MEMORY,		do_malloc,	false },
	{ "pages_map",	RUMPSIM_MEMORY,		do_pages,	false },
	{ "open",	RUMPSIM_OPEN,		do_open,	false },
	{ "thread",	RUMPSIM_THREAD,		do_thread,	false },
	{ "random",	RUMPSIM_RANDOM,		do_random,	false },
	{ "read",	RUMPSIM_READ,		do_read,	true },
	{ "write",	RUMPSIM_WRITE,		do_write,	true },
	{ "flush",	RUMPSIM_FLUSH,		do_flush,	true },
	{ "discard",	RUMPSIM_DISCARD,	do_discard,	true },
	{ "submit",	RUMPSIM_SUBMIT,		do_bio,		true },
	{ "bio write",	RUMPSIM_WRITE,		do_bio,		true },
};

static void
check_nth(const char *label, enum rumpsim_kind kind, int (*call)(void))
{

	rumpsim_fail(kind, 3, EDOM);
	CHECK_EQ(label, 0, call());
	CHECK_EQ(label, 0, call());
	CHECK_EQ(label, 0, rumpsim_failed(kind));
	CHECK_EQ(label, EDOM, call());
	CHECK_EQ(label, 1, rumpsim_failed(kind));
	CHECK_EQ(label, 0, call());
	CHECK_EQ(label, 1, rumpsim_failed(kind));
}

CASE(the_third_hypercall_of_each_kind_fails)
{

	disk_open();
	(void)do_bio();			/* so that its thread is there */
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		check_nth(kinds[i].label, kinds[i].kind, kinds[i].call);
	disk_close();
}

CASE(groups_count_all_their_kinds)
{
	uint64_t any, io;

	disk_open();
	(void)do_bio();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		any = rumpsim_count(RUMPSIM_ANY);
		io = rumpsim_count(RUMPSIM_IO);
		CHECK_EQ(kinds[i].label, 0, kinds[i].call());
		CHECK(rumpsim_count(RUMPSIM_ANY) > any);
		CHECK_EQ(kinds[i].label, kinds[i].io,
		    rumpsim_count(RUMPSIM_IO) > io);
		rumpsim_fail(RUMPSIM_ANY, 1, EDOM);
		CHECK_EQ(kinds[i].label, EDOM, kinds[i].call());
		rumpsim_fail(RUMPSIM_IO, 1, ERANGE);
		CHECK_EQ(kinds[i].label, kinds[i].io ? ERANGE : 0,
		    kinds[i].call());
		rumpsim_fail(RUMPSIM_IO, 0, 0);
	}
	disk_close();
}

CASE(failures_can_go_on_and_be_called_off)
{
	uint64_t before = rumpsim_count(RUMPSIM_MEMORY);

	rumpsim_fail_from(RUMPSIM_MEMORY, 2, ENOMEM);
	CHECK_EQ("first", 0, do_malloc());
	for (int i = 0; i < 5; i++)
		CHECK_EQ("later", ENOMEM, do_malloc());
	CHECK_EQ("failed", 5, rumpsim_failed(RUMPSIM_MEMORY));
	rumpsim_fail(RUMPSIM_MEMORY, 0, ENOMEM);
	CHECK_EQ("called off", 0, do_malloc());
	CHECK_EQ("count", before + 7, rumpsim_count(RUMPSIM_MEMORY));
}

static int
count_after_run(void *arg)
{

	(void)arg;
	return (int)rumpsim_count(RUMPSIM_MEMORY);
}

CASE(a_new_run_counts_anew_and_fails_nothing)
{

	CHECK_EQ("malloc", 0, do_malloc());
	rumpsim_fail(RUMPSIM_MEMORY, 1, ENOMEM);
	CHECK_EQ("count", 0, rumpsim_run(1, count_after_run, NULL));
	CHECK_EQ("malloc", 0, do_malloc());
}

CASE(a_failed_write_changes_nothing)
{
	char buf[1] = "";

	disk_open();
	rumpsim_fail(RUMPSIM_WRITE, 1, EIO);
	CHECK_EQ("write", EIO, do_write());
	NEED(rumpsim_disk_peek(disk, 0, buf, 1) == 0);
	CHECK_EQ("content", 0, buf[0]);
	CHECK_EQ("record", 0, rumpsim_disk_points(disk));
	disk_close();
}

/* --- accounts ------------------------------------------------------------ */

static uint32_t thread_stop;

static void
wait_main(void *arg)
{

	(void)arg;
	word_wait(&thread_stop, 1);
}

CASE(what_is_held_is_known)
{
	struct rumpsim_usage a, b;
	struct rumpuser_thread *t;
	void *p, *q;
	int fd;

	rumpsim_usage(&a);
	NEED(rumpuser_malloc(100, 8, &p) == 0);
	NEED(rumpuser_pages_map(8192, 4096, 0, &q) == 0);
	NEED(rumpuser_open("/dev/null", RUMPUSER_OPEN_RDWR, &fd) == 0);
	NEED(rumpuser_thread_create(wait_main, NULL, "wait", &t) == 0);
	rumpsim_usage(&b);
	CHECK_EQ("mallocs", 1, b.su_mallocs - a.su_mallocs);
	CHECK_EQ("bytes", 100, b.su_malloc_bytes - a.su_malloc_bytes);
	CHECK_EQ("maps", 1, b.su_maps - a.su_maps);
	CHECK_EQ("bytes", 8192, b.su_map_bytes - a.su_map_bytes);
	CHECK_EQ("fds", 1, b.su_fds - a.su_fds);
	CHECK_EQ("threads", 1, b.su_threads - a.su_threads);
	CHECK_EQ("serial", 2, b.su_serial - a.su_serial);
	word_set(&thread_stop, 1);
	NEED(rumpuser_thread_join(t) == 0);
	(void)rumpuser_close(fd);
	rumpuser_pages_unmap(q, 8192);
	rumpuser_free(p, 100);
	CHECK(rumpsim_usage_check(&a));
}

CASE(many_pieces_are_kept_apart)
{
	static void *p[5000];
	struct rumpsim_usage before;

	rumpsim_usage(&before);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		NEED(rumpuser_malloc(i % 97 + 1, 8, &p[i]) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i += 2)
		rumpuser_free(p[i], i % 97 + 1);
	for (size_t i = 1; i < ARRAY_SIZE(p); i += 2)
		rumpuser_free(p[i], i % 97 + 1);
	CHECK(rumpsim_usage_check(&before));
}

/* Runs fn with its standard error in text. */
static int
child_text(void (*fn)(void), char *text, size_t size)
{
	int fds[2], saved = dup(STDERR_FILENO), status;
	size_t len = 0;
	ssize_t n;

	NEED(pipe(fds) == 0);
	(void)dup2(fds[1], STDERR_FILENO);
	(void)close(fds[1]);
	status = in_child(fn);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	while (len < size - 1 &&
	    (n = read(fds[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(fds[0]);
	text[len] = '\0';
	return status;
}

static void
child_leak(void)
{
	struct rumpsim_usage before;
	void *p;

	rumpsim_usage(&before);
	(void)rumpuser_malloc(1234, 8, &p);
	_exit(rumpsim_usage_check(&before) ? 0 : 5);
}

static void
child_wrong_size(void)
{
	void *p;

	(void)rumpuser_malloc(100, 8, &p);
	rumpuser_free(p, 99);
}

static void
child_wrong_pointer(void)
{
	int x;

	rumpuser_free(&x, sizeof(x));
}

static void
child_twice(void)
{
	void *p;

	(void)rumpuser_pages_map(4096, 4096, 0, &p);
	rumpuser_pages_unmap(p, 4096);
	rumpuser_pages_unmap(p, 4096);
}

CASE(leaks_are_reported)
{
	char text[4096];
	int status = child_text(child_leak, text, sizeof(text));

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
	CHECK(strstr(text, "1234 bytes") != NULL);
}

CASE(wrong_frees_end_the_process)
{
	char text[4096];
	int status;

	status = child_text(child_wrong_size, text, sizeof(text));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, "as 99 bytes, allocated as 100") != NULL);
	status = child_text(child_wrong_pointer, text, sizeof(text));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, "never allocated") != NULL);
	status = child_text(child_twice, text, sizeof(text));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* --- parameters, console ------------------------------------------------- */

CASE(parameters_can_be_set_and_cleared)
{
	char buf[32];

	(void)setenv("RUMP_TESTPARAM", "environment", 1);
	CHECK_EQ("set", 0, rumpsim_setparam("RUMP_TESTPARAM", "set"));
	CHECK_EQ("set", 0, rumpsim_setparam("_RUMPUSER_NCPU", "7"));
	CHECK_EQ("get", 0, rumpuser_getparam("RUMP_TESTPARAM", buf, 32));
	CHECK_STR("set", "set", buf);
	CHECK_EQ("get", 0, rumpuser_getparam("_RUMPUSER_NCPU", buf, 32));
	CHECK_STR("set", "7", buf);
	CHECK_EQ("set", 0, rumpsim_setparam("RUMP_TESTPARAM", NULL));
	CHECK_EQ("hidden", ENOENT, rumpuser_getparam("RUMP_TESTPARAM", buf, 32));
	rumpsim_clearparam("RUMP_TESTPARAM");
	CHECK_EQ("own", 0, rumpuser_getparam("RUMP_TESTPARAM", buf, 32));
	CHECK_STR("own", "environment", buf);
	CHECK_EQ("set", 0, rumpsim_setparam("RUMP_OTHER", "x"));
	rumpsim_clearparam(NULL);
	CHECK_EQ("own", 0, rumpuser_getparam("_RUMPUSER_NCPU", buf, 32));
	CHECK_STR("own", "2", buf);
	CHECK_EQ("gone", ENOENT, rumpuser_getparam("RUMP_OTHER", buf, 32));
}

CASE(the_console_is_kept)
{

	rumpsim_console_echo(false);
	rumpsim_console_clear();
	CHECK_STR("empty", "", rumpsim_console());
	rumpuser_console_write("one, ", 5);
	rumpuser_console_write("two", 3);
	CHECK_STR("text", "one, two", rumpsim_console());
	rumpsim_console_clear();
	CHECK_STR("cleared", "", rumpsim_console());
	for (int i = 0; i < 3000; i++)
		rumpuser_console_write("0123456789", 10);
	CHECK_EQ("long", 30000, strlen(rumpsim_console()));
}

static void
child_last_words(void)
{

	rumpuser_console_write("last words\n", 11);
	rumpuser_exit(RUMPUSER_EXIT_PANIC);
}

CASE(a_panic_shows_the_console)
{
	char text[4096];
	int status = child_text(child_last_words, text, sizeof(text));

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, "last words\n") != NULL);
}
