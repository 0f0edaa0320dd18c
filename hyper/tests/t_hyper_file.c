/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hyper_file.c - files of the host, synchronously
 */

#include <sys/stat.h>

#include "hyper_test.h"

static int
put(int fd, const char *text, int64_t off)
{
	struct rumpuser_iov iov = { (void *)(uintptr_t)text, strlen(text) };
	size_t n = 0;
	int error;

	error = rumpuser_iovwrite(fd, &iov, 1, off, &n);
	if (error == 0)
		CHECK_EQ("written", strlen(text), n);
	return error;
}

static int
get(int fd, char *buf, size_t len, int64_t off, size_t *ret_n)
{
	struct rumpuser_iov iov = { buf, len };

	return rumpuser_iovread(fd, &iov, 1, off, ret_n);
}

/* --- opening ------------------------------------------------------------- */

static const struct {
	const char	*label, *path;
	int		 flags, want;
} open_cases[] = {
	{ "nothing there", "/nonexistent/x", RUMPUSER_OPEN_RDONLY, ENOENT },
	{ "create, no folder", "/nonexistent/x", RUMPUSER_OPEN_RDWR |
	    RUMPUSER_OPEN_CREATE, ENOENT },
	{ "empty name", "", RUMPUSER_OPEN_RDONLY, ENOENT },
	{ "a file as a folder", "/dev/null/x", RUMPUSER_OPEN_RDONLY, ENOTDIR },
	{ "write to a folder", "/", RUMPUSER_OPEN_RDWR, EISDIR },
	{ "no access mode", "/dev/null", RUMPUSER_OPEN_ACCMODE, EINVAL },
	{ "must not exist", "/dev/null", RUMPUSER_OPEN_RDWR |
	    RUMPUSER_OPEN_CREATE | RUMPUSER_OPEN_EXCL, EEXIST },
};

CASE(open_answers_with_the_host_s_errors)
{

	for (size_t i = 0; i < ARRAY_SIZE(open_cases); i++) {
		int fd = 4711;

		CHECK_EQ(open_cases[i].label, open_cases[i].want,
		    rumpuser_open(open_cases[i].path, open_cases[i].flags,
		    &fd));
		CHECK_EQ("untouched", 4711, fd);
	}
}

CASE(open_creates_when_told_to)
{
	char name[160];
	struct stat st;
	int fd = -1;

	(void)snprintf(name, sizeof(name), "%s-new", scratch_name());
	CHECK_EQ("not yet", ENOENT,
	    rumpuser_open(name, RUMPUSER_OPEN_RDWR, &fd));
	(void)umask(022);
	NEED(rumpuser_open(name, RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_CREATE |
	    RUMPUSER_OPEN_EXCL, &fd) == 0);
	NEED(stat(name, &st) == 0);
	CHECK_EQ("mode", 0644, st.st_mode & 07777);
	CHECK_EQ("close", 0, rumpuser_close(fd));
	NEED(rumpuser_open(name, RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_CREATE,
	    &fd) == 0);
	CHECK_EQ("close", 0, rumpuser_close(fd));
	(void)unlink(name);
	*strrchr(name, '-') = '\0';
	(void)unlink(name);
}

/* Else the console's messages would be written into the file. */
CASE(no_file_takes_the_place_of_a_closed_standard_descriptor)
{
	int copy = dup(STDERR_FILENO), fd;

	(void)close(STDERR_FILENO);
	fd = scratch_open(RUMPUSER_OPEN_RDWR);
	CHECK(fd > STDERR_FILENO);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	(void)rumpuser_close(fd);
	(void)dup2(copy, STDERR_FILENO);
	(void)close(copy);
}

CASE(close_of_what_is_not_open_is_ebadf)
{

	CHECK_EQ("never", EBADF, rumpuser_close(4711));
	CHECK_EQ("negative", EBADF, rumpuser_close(-1));
}

CASE(locks_exclude_writers_and_let_readers_share)
{
	const char *name = scratch_name();
	int one, two, three;

	NEED(rumpuser_open(name, RUMPUSER_OPEN_RDONLY | RUMPUSER_OPEN_LOCK,
	    &one) == 0);
	CHECK_EQ("reader and reader", 0, rumpuser_open(name,
	    RUMPUSER_OPEN_RDONLY | RUMPUSER_OPEN_LOCK, &two));
	CHECK_EQ("reader and writer", EBUSY, rumpuser_open(name,
	    RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_LOCK, &three));
	CHECK_EQ("who does not ask", 0, rumpuser_open(name,
	    RUMPUSER_OPEN_RDWR, &three));
	(void)rumpuser_close(three);
	(void)rumpuser_close(two);
	(void)rumpuser_close(one);
	NEED(rumpuser_open(name, RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_LOCK,
	    &one) == 0);
	CHECK_EQ("writer and reader", EBUSY, rumpuser_open(name,
	    RUMPUSER_OPEN_RDONLY | RUMPUSER_OPEN_LOCK, &two));
	CHECK_EQ("writer and writer", EBUSY, rumpuser_open(name,
	    RUMPUSER_OPEN_WRONLY | RUMPUSER_OPEN_LOCK, &two));
	(void)rumpuser_close(one);
	CHECK_EQ("afterwards", 0, rumpuser_open(name,
	    RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_LOCK, &one));
	(void)rumpuser_close(one);
	(void)unlink(name);
}

/* --- describing ---------------------------------------------------------- */

CASE(files_are_described_by_name_and_by_descriptor)
{
	struct rumpuser_fileinfo info;
	const char *name = scratch_name();
	int fd;

	NEED(truncate(name, 123456) == 0);
	NEED(rumpuser_fileinfo(name, &info) == 0);
	CHECK_EQ("type", RUMPUSER_FT_REG, info.fi_type);
	CHECK_EQ("size", 123456, info.fi_size);
	CHECK_EQ("sector", 512, info.fi_secsize);
	NEED(rumpuser_open(name, RUMPUSER_OPEN_RDONLY, &fd) == 0);
	memset(&info, 0, sizeof(info));
	CHECK_EQ("fdinfo", 0, rumpuser_fdinfo(fd, &info));
	CHECK_EQ("type", RUMPUSER_FT_REG, info.fi_type);
	CHECK_EQ("size", 123456, info.fi_size);
	(void)rumpuser_close(fd);
	(void)unlink(name);

	NEED(rumpuser_fileinfo("/", &info) == 0);
	CHECK_EQ("folder", RUMPUSER_FT_DIR, info.fi_type);
	NEED(rumpuser_fileinfo("/dev/null", &info) == 0);
	CHECK_EQ("device", RUMPUSER_FT_CHR, info.fi_type);
	info.fi_size = 1;
	CHECK_EQ("missing", ENOENT, rumpuser_fileinfo("/nonexistent", &info));
	CHECK_EQ("untouched", 1, info.fi_size);
	CHECK_EQ("not open", EBADF, rumpuser_fdinfo(4711, &info));
}

/* --- moving data --------------------------------------------------------- */

CASE(vectors_are_gathered_and_scattered)
{
	char a[3], b[1], c[64] = "";
	struct rumpuser_iov out[] = {
		{ (char[]){ 'h', 'e' }, 2 }, { NULL, 0 },
		{ (char[]){ 'l', 'l', 'o', '!' }, 4 },
	};
	struct rumpuser_iov in[] = {
		{ a, sizeof(a) }, { b, sizeof(b) }, { c, sizeof(c) },
	};
	size_t n = 0;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	NEED(rumpuser_iovwrite(fd, out, 3, 10, &n) == 0);
	CHECK_EQ("written", 6, n);
	NEED(rumpuser_iovread(fd, in, 3, 10, &n) == 0);
	CHECK_EQ("read", 6, n);
	CHECK_MEM("a", "hel", a, 3);
	CHECK_MEM("b", "l", b, 1);
	CHECK_STR("c", "o!", c);
	CHECK_EQ("hole", 0, get(fd, c, 10, 0, &n));
	CHECK_MEM("zeroes", "\0\0\0\0\0\0\0\0\0\0", c, 10);
	(void)rumpuser_close(fd);
}

CASE(reads_are_short_at_the_end_only)
{
	char buf[64];
	size_t n = 99;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	CHECK_EQ("empty", 0, get(fd, buf, 64, 0, &n));
	CHECK_EQ("empty", 0, n);
	NEED(put(fd, "0123456789", 0) == 0);
	CHECK_EQ("before", 0, get(fd, buf, 5, 0, &n));
	CHECK_EQ("before", 5, n);
	CHECK_EQ("across", 0, get(fd, buf, 64, 7, &n));
	CHECK_EQ("across", 3, n);
	CHECK_EQ("at", 0, get(fd, buf, 64, 10, &n));
	CHECK_EQ("at", 0, n);
	CHECK_EQ("far beyond", 0, get(fd, buf, 64, INT64_C(1) << 40, &n));
	CHECK_EQ("far beyond", 0, n);
	(void)rumpuser_close(fd);
}

CASE(a_full_vector_of_a_thousand_is_served)
{
	static char text[RUMPUSER_IOV_MAX * 3], back[sizeof(text)];
	struct rumpuser_iov out[RUMPUSER_IOV_MAX + 1], in[RUMPUSER_IOV_MAX];
	size_t n = 0;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 31);
	for (size_t i = 0; i < RUMPUSER_IOV_MAX; i++) {
		out[i] = (struct rumpuser_iov){ text + 3 * i, 3 };
		in[RUMPUSER_IOV_MAX - 1 - i] =
		    (struct rumpuser_iov){ back + 3 * i, 3 };
	}
	out[RUMPUSER_IOV_MAX] = out[0];
	NEED(rumpuser_iovwrite(fd, out, RUMPUSER_IOV_MAX, 0, &n) == 0);
	CHECK_EQ("written", sizeof(text), n);
	NEED(rumpuser_iovread(fd, in, RUMPUSER_IOV_MAX, 0, &n) == 0);
	CHECK_EQ("read", sizeof(text), n);
	CHECK_MEM("last is first", text, back + sizeof(back) - 3, 3);
	CHECK_EQ("one more", EINVAL,
	    rumpuser_iovwrite(fd, out, RUMPUSER_IOV_MAX + 1, 0, &n));
	CHECK_EQ("none", 0, rumpuser_iovwrite(fd, out, 0, 0, &n));
	CHECK_EQ("none", 0, n);
	(void)rumpuser_close(fd);
}

CASE(lengths_and_offsets_that_wrap_are_refused)
{
	char buf[16];
	struct rumpuser_iov iov[] = { { buf, SIZE_MAX - 8 }, { buf, 16 } };
	size_t n = 99;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	CHECK_EQ("length", EINVAL, rumpuser_iovread(fd, iov, 2, 0, &n));
	CHECK_EQ("length", EINVAL, rumpuser_iovwrite(fd, iov, 2, 0, &n));
	CHECK_EQ("end", EINVAL, get(fd, buf, 16, INT64_MAX - 3, &n));
	CHECK_EQ("untouched", 99, n);
	(void)rumpuser_close(fd);
}

CASE(a_descriptor_serves_what_it_was_opened_for)
{
	char buf[4];
	const char *name = scratch_name();
	size_t n;
	int fd;

	NEED(rumpuser_open(name, RUMPUSER_OPEN_RDONLY, &fd) == 0);
	CHECK_EQ("write", EBADF, put(fd, "x", 0));
	(void)rumpuser_close(fd);
	NEED(rumpuser_open(name, RUMPUSER_OPEN_WRONLY, &fd) == 0);
	CHECK_EQ("read", EBADF, get(fd, buf, 1, 0, &n));
	(void)rumpuser_close(fd);
	CHECK_EQ("closed", EBADF, get(4711, buf, 1, 0, &n));
	NEED(rumpuser_open("/", RUMPUSER_OPEN_RDONLY, &fd) == 0);
	CHECK_EQ("folder", EISDIR, get(fd, buf, 1, 0, &n));
	(void)rumpuser_close(fd);
	(void)unlink(name);
}

CASE(bad_buffers_are_efault)
{
	size_t n = 99;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	NEED(put(fd, "something to read", 0) == 0);
	CHECK_EQ("read", EFAULT, get(fd, (char *)(uintptr_t)8, 4, 0, &n));
	CHECK_EQ("untouched", 99, n);
	(void)rumpuser_close(fd);
}

CASE(a_negative_offset_uses_the_position)
{
	char buf[8];
	size_t n;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	NEED(put(fd, "abc", -1) == 0);
	NEED(put(fd, "def", -1) == 0);
	CHECK_EQ("read", 0, get(fd, buf, 6, 0, &n));
	CHECK_MEM("one after the other", "abcdef", buf, 6);
	CHECK_EQ("at the end", 0, get(fd, buf, 6, -1, &n));
	CHECK_EQ("at the end", 0, n);
	(void)rumpuser_close(fd);
}

CASE(a_stream_returns_what_there_is)
{
	char path[64], buf[64];
	int fd, fds[2];
	size_t n = 0;

	NEED(pipe(fds) == 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	NEED(rumpuser_open(path, RUMPUSER_OPEN_RDONLY, &fd) == 0);
	NEED(write(fds[1], "hello", 5) == 5);
	CHECK_EQ("read", 0, get(fd, buf, sizeof(buf), -1, &n));
	CHECK_EQ("bytes", 5, n);
	CHECK_EQ("no offsets", ESPIPE, get(fd, buf, 1, 0, &n));
	(void)close(fds[1]);
	CHECK_EQ("end", 0, get(fd, buf, sizeof(buf), -1, &n));
	CHECK_EQ("end", 0, n);
	(void)close(fds[0]);
	CHECK_EQ("close", 0, rumpuser_close(fd));
}

/* --- sync, discard, hints ------------------------------------------------ */

CASE(sync_takes_its_flags_and_no_others)
{
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	NEED(put(fd, "x", 0) == 0);
	CHECK_EQ("all", 0, rumpuser_syncfd(fd, 0));
	CHECK_EQ("data", 0, rumpuser_syncfd(fd, RUMPUSER_SYNC_DATA));
	CHECK_EQ("barrier", 0, rumpuser_syncfd(fd, RUMPUSER_SYNC_BARRIER));
	CHECK_EQ("both", 0, rumpuser_syncfd(fd, RUMPUSER_SYNC_DATA |
	    RUMPUSER_SYNC_BARRIER));
	CHECK_EQ("unknown", EINVAL, rumpuser_syncfd(fd, 0x100));
	(void)rumpuser_close(fd);
	CHECK_EQ("closed", EBADF, rumpuser_syncfd(4711, 0));
}

CASE(discarded_ranges_read_as_zeroes_and_the_size_stays)
{
	static char data[3 * 4096];
	struct rumpuser_iov iov = { data, sizeof(data) };
	struct rumpuser_fileinfo info;
	size_t n;
	int error, fd = scratch_open(RUMPUSER_OPEN_RDWR);

	memset(data, 'd', sizeof(data));
	NEED(rumpuser_iovwrite(fd, &iov, 1, 0, &n) == 0);
	error = rumpuser_discard(fd, 4096, 4096);
	if (error == EOPNOTSUPP) {
		(void)rumpuser_close(fd);
		SKIP("the host's file system cannot");
	}
	CHECK_EQ("discard", 0, error);
	CHECK_EQ("unaligned, over the end", 0,
	    rumpuser_discard(fd, 3 * 4096 - 10, 4096));
	CHECK_EQ("nothing", 0, rumpuser_discard(fd, 0, 0));
	CHECK_EQ("wraps", EINVAL, rumpuser_discard(fd, 4096, UINT64_MAX));
	NEED(rumpuser_fdinfo(fd, &info) == 0);
	CHECK_EQ("size", sizeof(data), info.fi_size);
	NEED(rumpuser_iovread(fd, &iov, 1, 0, &n) == 0);
	CHECK_EQ("before", 'd', data[4095]);
	CHECK_EQ("first", 0, data[4096]);
	CHECK_EQ("last", 0, data[8191]);
	CHECK_EQ("behind", 'd', data[8192]);
	CHECK_EQ("end", 0, data[3 * 4096 - 1]);
	(void)rumpuser_close(fd);
}

CASE(discard_of_what_has_no_blocks_is_eopnotsupp)
{
	char path[64];
	int fd, fds[2];

	NEED(pipe(fds) == 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[1]);
	NEED(rumpuser_open(path, RUMPUSER_OPEN_WRONLY, &fd) == 0);
	CHECK_EQ("pipe", EOPNOTSUPP, rumpuser_discard(fd, 0, 4096));
	(void)rumpuser_close(fd);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

CASE(a_hint_may_be_about_anything)
{
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	rumpuser_willneed(fd, 0, 1 << 20);
	rumpuser_willneed(fd, UINT64_MAX, UINT64_MAX);
	rumpuser_willneed(4711, 0, 4096);
	CHECK_EQ("still there", 0, put(fd, "x", 0));
	(void)rumpuser_close(fd);
}
