/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_fd_twin.c - calls on descriptors answer as the host's kernel does
 *
 * Each script is a list of calls, mostly wrong ones: what is compared is
 * which of several errors wins.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <harness.h>

#include "twin.h"

#define NOWHERE		A(8)		/* nobody maps this */
#define KERNELSIDE	(~0UL)		/* and this nobody can */
#define NOFD		A(999)

struct files {
	int	 r, w, ev, ep, tm;
};

static void
files_open(struct twin *tw, struct files *f, int flags)
{
	int p[2] = { -1, -1 };

	NEED(twin_raw(tw, SYS_pipe2, TWIN_ARGS(A(p), A(flags))) == 0);
	f->r = p[0];
	f->w = p[1];
	f->ev = FD(tw, eventfd2, 0, A(flags));
	f->ep = FD(tw, epoll_create1, 0);
	f->tm = FD(tw, timerfd_create, CLOCK_MONOTONIC, A(flags));
}

static void
files_close(struct twin *tw, const struct files *f)
{
	CALL(tw, close, A(f->r));
	CALL(tw, close, A(f->w));
	CALL(tw, close, A(f->ev));
	CALL(tw, close, A(f->ep));
	CALL(tw, close, A(f->tm));
	CALL(tw, close, A(f->tm));
}

static void
fcntl_script(struct twin *tw)
{
	struct f_owner_ex ox = { 7, 1 };
	struct files f;

	files_open(tw, &f, 0);
	/* Of files that are root's only root may ask this; in ours we are root. */
	const int noatime = geteuid() == 0 ? O_NOATIME : 0;
	const int each[] = { f.r, f.w, f.ev, f.ep, f.tm };
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		CALL(tw, fcntl, A(each[i]), F_GETFL);
		CALL(tw, fcntl, A(each[i]), F_GETFD);
		CALL(tw, fcntl, A(each[i]), F_SETFD, A(-1));
		CALL(tw, fcntl, A(each[i]), F_GETFD);
		CALL(tw, fcntl, A(each[i]), F_SETFL, O_DIRECT);
		CALL(tw, fcntl, A(each[i]), F_GETFL);
		CALL(tw, fcntl, A(each[i]), F_SETFL,
		    O_APPEND | O_NONBLOCK | noatime | O_CREAT | O_RDWR);
		CALL(tw, fcntl, A(each[i]), F_GETFL);
		CALL(tw, fcntl, A(each[i]), F_SETFL, 0);
		CALL(tw, fcntl, A(each[i]), F_GETPIPE_SZ);
		CALL(tw, fcntl, A(each[i]), F_GETLEASE);
		CALL(tw, fcntl, A(each[i]), F_GET_SEALS);
		CALL(tw, fcntl, A(each[i]), F_NOTIFY, 1);
		CALL(tw, fcntl, A(each[i]), 9999);
		CALL(tw, fcntl, A(each[i]), F_SETLK, NOWHERE);
	}
	CALL(tw, fcntl, NOFD, 9999);
	CALL(tw, fcntl, NOFD, F_SETLK, NOWHERE);
	CALL(tw, fcntl, A(-1), F_GETFD);
	CALL(tw, fcntl, A(f.r), F_DUPFD, A(-1));
	CALL(tw, fcntl, A(f.r), F_DUPFD, 1UL << 30);
	CALL(tw, fcntl, A(f.r), F_GETOWN);
	CALL(tw, fcntl, A(f.r), F_SETOWN, 4000000);
	CALL(tw, fcntl, A(f.r), F_SETOWN, A(-4000000));
	CALL(tw, fcntl, A(f.r), F_SETOWN, 0x80000000UL);
	CALL(tw, fcntl, A(f.r), F_SETOWN, 0);
	CALL(tw, fcntl, A(f.r), F_SETSIG, 65);
	CALL(tw, fcntl, A(f.r), F_SETSIG, 64);
	CALL(tw, fcntl, A(f.r), F_GETSIG);
	CALL(tw, fcntl, A(f.r), F_SETOWN_EX, A(&ox));
	CALL(tw, fcntl, A(f.r), F_SETOWN_EX, NOWHERE);
	CALL(tw, fcntl, A(f.r), F_GETOWN_EX, NOWHERE);
	CALL(tw, fcntl, A(f.r), F_GETOWN_EX, A(&ox));
	twin_note(tw, "owner type", ox.type);
	twin_note(tw, "owner", ox.pid);
	files_close(tw, &f);
}

TEST(fcntl_answers_as_the_host)
{
	twin_run(fcntl_script);
}

static void
pipesize_script(struct twin *tw)
{
	static const unsigned int sizes[] = { 0, 1, 4096, 4097, 12289, 65536,
	    1 << 20, 0x80000001U, UINT32_MAX, 8192 };
	static char buf[8192];
	struct files f;

	files_open(tw, &f, O_NONBLOCK);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		CALL(tw, fcntl, A(f.r), F_SETPIPE_SZ, sizes[i]);
	CALL(tw, fcntl, A(f.ev), F_SETPIPE_SZ, 4096);
	CALL(tw, write, A(f.w), A(buf), 4097);
	CALL(tw, fcntl, A(f.w), F_SETPIPE_SZ, 4096);
	CALL(tw, write, A(f.w), A(buf), 4097);
	CALL(tw, fcntl, A(f.w), F_SETPIPE_SZ, 16384);
	CALL(tw, write, A(f.w), A(buf), 4097);
	CALL(tw, fcntl, A(f.w), F_GETPIPE_SZ);
	files_close(tw, &f);
}

TEST(pipe_sizes_are_rounded_and_refused_as_on_the_host)
{
	twin_run(pipesize_script);
}

static void
rw_script(struct twin *tw)
{
	char b[100] = { 0 };
	struct files f;

	files_open(tw, &f, O_NONBLOCK);
	const int each[] = { f.r, f.w, f.ev, f.ep, f.tm, 999, -1 };
	static const unsigned long bufs[][2] = {
		{ 0, 0 }, { 0, 4 }, { NOWHERE, 0 },
		{ KERNELSIDE, 0 }, { KERNELSIDE, 1 }, { 1, ~0UL }, { 1, 4 },
		{ 1, 8 }, { NOWHERE, 8 },
	};

	/*
	 * Of an eventfd, newer hosts want exactly eight bytes, older ones and
	 * the manual at least as many: hence no other number above that.
	 */
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(bufs); k++) {
			unsigned long p = bufs[k][0] == 1 ? A(b) : bufs[k][0];
			unsigned long n = bufs[k][1];

			CALL(tw, read, A(each[i]), p, n);
			CALL(tw, write, A(each[i]), p, n);
			CALL(tw, pread64, A(each[i]), p, n, 0);
			CALL(tw, pread64, A(each[i]), p, n, A(-1));
			CALL(tw, pwrite64, A(each[i]), p, n, 0);
			CALL(tw, pwrite64, A(each[i]), p, n, A(-1));
		}
		CALL(tw, lseek, A(each[i]), 0, SEEK_SET);
		CALL(tw, lseek, A(each[i]), 5, SEEK_CUR);
		CALL(tw, lseek, A(each[i]), A(-5), SEEK_END);
		CALL(tw, lseek, A(each[i]), 0, 99);
		CALL(tw, ftruncate, A(each[i]), 0);
		CALL(tw, ftruncate, A(each[i]), A(-1));
		CALL(tw, fsync, A(each[i]));
		CALL(tw, fdatasync, A(each[i]));
		CALL(tw, fallocate, A(each[i]), 0, 0, 1);
		CALL(tw, fallocate, A(each[i]), 0, 0, 0);
		CALL(tw, fallocate, A(each[i]), 0, A(-1), 1);
		CALL(tw, fallocate, A(each[i]), 0x8000, 0, 1);
		CALL(tw, fallocate, A(each[i]), 2, 0, 1);
		CALL(tw, fallocate, A(each[i]), 9, 0, 1);
		CALL(tw, getdents64, A(each[i]), A(b), sizeof(b));
		CALL(tw, fstat, A(each[i]), NOWHERE);
	}
	files_close(tw, &f);
}

TEST(reads_and_writes_fail_in_the_order_of_the_host)
{
	(void)signal(SIGPIPE, SIG_IGN);
	twin_run(rw_script);
}

static void
vector_script(struct twin *tw)
{
	static const unsigned long flags[] = { 0, RWF_HIPRI, RWF_NOWAIT,
	    0x1000, 0x40000000 };
	static const unsigned long lens[] = { 0, 1, 7, SIZE_MAX, INT64_MAX };
	char b[100] = { 0 };
	struct files f;

	files_open(tw, &f, O_NONBLOCK);
	const int each[] = { f.r, f.w, f.ev, f.ep, f.tm, 999 };
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		unsigned long fd = A(each[i]);

		for (size_t k = 0; k < ARRAY_SIZE(lens); k++) {
			struct iovec v[3] = { { b, 1 }, { b + 1, lens[k] },
			    { b + 50, 1 } };

			CALL(tw, readv, fd, A(v), 3);
			if (each[i] != f.ev)	/* see above */
				CALL(tw, writev, fd, A(v), 3);
			v[1].iov_base = (void *)KERNELSIDE;
			CALL(tw, writev, fd, A(v), 2);
			CALL(tw, readv, fd, A(v), 2);
			v[1].iov_base = (void *)NOWHERE;
			v[0].iov_len = 0;
			CALL(tw, writev, fd, A(v), 2);
		}
		struct iovec one = { b, 1 };
		CALL(tw, readv, fd, A(&one), A(-1));
		CALL(tw, readv, fd, A(&one), 1025);
		CALL(tw, readv, fd, A(&one), 0);
		CALL(tw, readv, fd, NOWHERE, 1);
		CALL(tw, writev, fd, NOWHERE, 0);
		CALL(tw, preadv, fd, A(&one), 1, 0);
		CALL(tw, preadv, fd, A(&one), 1, A(-1));
		CALL(tw, pwritev, fd, A(&one), 1, A(-2));
		for (size_t k = 0; k < ARRAY_SIZE(flags); k++) {
			CALL(tw, preadv2, fd, A(&one), 1, A(-1), 0, flags[k]);
			CALL(tw, preadv2, fd, A(&one), 1, A(-2), 0, flags[k]);
			CALL(tw, pwritev2, fd, A(&one), 1, A(-1), 0, flags[k]);
		}
	}
	files_close(tw, &f);
}

TEST(vectors_are_checked_as_on_the_host)
{
	(void)signal(SIGPIPE, SIG_IGN);
	twin_run(vector_script);
}

static void
dup_script(struct twin *tw)
{
	int p[2] = { 0, 0 }, n = 1;
	struct files f;

	files_open(tw, &f, 0);
	CALL(tw, dup, NOFD);
	CALL(tw, dup2, NOFD, NOFD);
	CALL(tw, dup2, A(f.r), A(-1));
	CALL(tw, dup2, A(f.r), 1UL << 30);
	CALL(tw, dup3, A(f.r), A(f.r), 0);
	CALL(tw, dup3, NOFD, NOFD, 0);
	CALL(tw, dup3, A(f.r), 50, 1);
	CALL(tw, dup3, NOFD, 50, 0);
	CALL(tw, dup3, A(f.r), 50, O_CLOEXEC);
	CALL(tw, fcntl, 50, F_GETFD);
	CALL(tw, dup2, A(f.w), 50);
	CALL(tw, fcntl, 50, F_GETFD);
	CALL(tw, fcntl, 50, F_GETFL);
	CALL(tw, ioctl, 50, FIOCLEX);
	CALL(tw, fcntl, 50, F_GETFD);
	CALL(tw, close_range, 51, 50, 0);
	CALL(tw, close_range, 50, 60, 99);
	CALL(tw, close_range, 50, 60, 4);
	CALL(tw, close_range, 50, ~0U, 0);
	CALL(tw, fcntl, 50, F_GETFD);
	CALL(tw, close, A(-1));
	CALL(tw, pipe2, A(p), O_APPEND);
	CALL(tw, pipe2, NOWHERE, 0);
	CALL(tw, eventfd2, 0, 99);
	CALL(tw, epoll_create1, 1);
	CALL(tw, epoll_create, 0);
	const int each[] = { f.r, f.w, f.ev, f.ep, f.tm, 999 };
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		CALL(tw, ioctl, A(each[i]), FIONBIO, NOWHERE);
		n = 1;
		CALL(tw, ioctl, A(each[i]), FIONBIO, A(&n));
		CALL(tw, fcntl, A(each[i]), F_GETFL);
		/* Hosts do not agree about the default of an epoll file. */
		if (each[i] == f.ep)
			continue;
		n = 1;
		CALL(tw, ioctl, A(each[i]), FIONREAD, A(&n));
		twin_note(tw, "bytes", n);
		CALL(tw, ioctl, A(each[i]), FIONREAD, NOWHERE);
		CALL(tw, ioctl, A(each[i]), TIOCGWINSZ, A(p));
		CALL(tw, ioctl, A(each[i]), FIOQSIZE, A(p));
	}
	files_close(tw, &f);
}

TEST(dup_close_and_ioctl_answer_as_the_host)
{
	twin_run(dup_script);
}

static void
stat_script(struct twin *tw)
{
	struct files f;
	struct stat st;

	files_open(tw, &f, 0);
	const int each[] = { f.r, f.w, f.ev, f.ep, f.tm };
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		memset(&st, 0xa5, sizeof(st));
		CALL(tw, fstat, A(each[i]), A(&st));
		twin_note(tw, "mode", st.st_mode);
		twin_note(tw, "nlink", (long)st.st_nlink);
		twin_note(tw, "size", st.st_size);
		twin_note(tw, "blksize", st.st_blksize);
		twin_note(tw, "blocks", st.st_blocks);
		twin_note(tw, "rdev", (long)st.st_rdev);
	}
	files_close(tw, &f);
}

TEST(fstat_of_nameless_files_looks_as_on_the_host)
{
	twin_run(stat_script);
}

static void
poll_script(struct twin *tw)
{
	struct timespec bad = { -1, 0 }, zero = { 0, 0 }, big = { 0, 1000000000 };
	struct timeval tv = { 0, 0 };
	struct pollfd pf = { -5, 1, 7 };
	struct files f;
	uint64_t v = 1, set[16] = { 0 };
	char b[8];

	files_open(tw, &f, O_NONBLOCK);
	CALL(tw, ppoll, 0, 0, A(&bad), 0, 0);
	CALL(tw, ppoll, 0, 0, A(&big), 0, 0);
	CALL(tw, ppoll, NOWHERE, 1, A(&bad), 0, 0);
	CALL(tw, ppoll, NOWHERE, 1, 0, A(b), 4);
	CALL(tw, ppoll, NOWHERE, 1, NOWHERE, 0, 0);
	CALL(tw, ppoll, 0, 0, A(&zero), NOWHERE, 8);
	CALL(tw, ppoll, 0, 0, A(&zero), 0, 4);
	CALL(tw, poll, NOWHERE, 1, 0);
	CALL(tw, poll, 0, 1U << 30, 0);
	CALL(tw, poll, 0, 0, 0);
	CALL(tw, poll, A(&pf), 1, 0);
	twin_note(tw, "of a negative one", pf.revents);
	const int each[] = { f.r, f.w, f.ev, f.ep, f.tm, 999 };
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
			for (int want = 0; want < 0x1000; want += 0x3ff) {
				pf = (struct pollfd){ each[i], (short)want, 0 };
				CALL(tw, poll, A(&pf), 1, 0);
				twin_note(tw, "revents", pf.revents);
			}
		}
		if (round == 0) {
			CALL(tw, write, A(f.w), A(b), 1);
			CALL(tw, write, A(f.ev), A(&v), 8);
		} else if (round == 1)
			CALL(tw, close, A(f.w));
	}
	set[0] = 1ULL << f.r;
	CALL(tw, select, A(-1), A(set), 0, 0, 0);
	CALL(tw, select, 64, A(set), 0, 0, A(&tv));
	twin_note(tw, "set", set[0] == 1ULL << f.r);
	set[0] = 1ULL << 63;
	CALL(tw, select, 64, A(set), 0, 0, A(&tv));
	CALL(tw, select, 63, A(set), 0, 0, A(&tv));
	CALL(tw, select, 1 << 30, 0, 0, 0, A(&tv));
	CALL(tw, select, 64, NOWHERE, 0, 0, A(&tv));
	CALL(tw, select, 64, 0, 0, 0, NOWHERE);
	set[0] = 1ULL << f.r | 1ULL << f.ev;
	uint64_t out = set[0], ex = set[0];
	CALL(tw, select, 64, A(set), A(&out), A(&ex), A(&tv));
	twin_note(tw, "in", set[0] == (1ULL << f.r | 1ULL << f.ev));
	twin_note(tw, "out", out == 1ULL << f.ev);
	twin_note(tw, "ex", (long)ex);
	tv.tv_usec = -1;
	CALL(tw, select, A(-1), A(set), 0, 0, A(&tv));
	tv = (struct timeval){ -1, 1000001 };
	CALL(tw, select, 0, 0, 0, 0, A(&tv));
	twin_note(tw, "seconds left", tv.tv_sec);
	const void *mask[2] = { b, (void *)4 };
	CALL(tw, pselect6, 0, 0, 0, 0, A(&zero), A(mask));
	CALL(tw, pselect6, 0, 0, 0, 0, A(&zero), NOWHERE);
	CALL(tw, pselect6, A(-1), 0, 0, 0, A(&bad), 0);
	files_close(tw, &f);
}

TEST(poll_and_select_answer_as_the_host)
{
	twin_run(poll_script);
}

static void
epollctl_script(struct twin *tw)
{
	/* Not on the stack, above which 2 GiB of events would end outside. */
	static struct epoll_event ev;
	struct timespec bad = { -1, 0 };
	struct files f;
	char b[8];

	ev = (struct epoll_event){ .events = 0 };
	files_open(tw, &f, 0);
	CALL(tw, epoll_ctl, A(f.ep), 1, A(f.ep), A(&ev));
	CALL(tw, epoll_ctl, A(f.ev), 1, A(f.ep), A(&ev));
	CALL(tw, epoll_ctl, NOFD, 1, A(f.ep), NOWHERE);
	CALL(tw, epoll_ctl, NOFD, 2, A(f.ep), NOWHERE);
	CALL(tw, epoll_ctl, A(f.ep), 1, NOFD, A(&ev));
	CALL(tw, epoll_ctl, A(f.ep), 2, A(f.ev), 0);
	CALL(tw, epoll_ctl, A(f.ep), 3, A(f.ev), A(&ev));
	CALL(tw, epoll_ctl, A(f.ep), 1, A(f.ev), A(&ev));
	CALL(tw, epoll_ctl, A(f.ep), 1, A(f.ev), A(&ev));
	CALL(tw, epoll_ctl, A(f.ep), 9, A(f.ev), A(&ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	CALL(tw, epoll_ctl, A(f.ep), 3, A(f.ev), A(&ev));
	CALL(tw, epoll_ctl, A(f.ep), 1, A(f.r), A(&ev));
	CALL(tw, epoll_ctl, A(f.ep), 1, A(f.ep), A(&ev));
	ev.events = EPOLLIN;
	CALL(tw, epoll_ctl, A(f.ep), 3, A(f.r), A(&ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	CALL(tw, epoll_ctl, A(f.ep), 1, A(f.w), A(&ev));
	CALL(tw, epoll_wait, A(f.ep), A(&ev), 0, 0);
	CALL(tw, epoll_wait, NOFD, A(&ev), 1, 0);
	CALL(tw, epoll_wait, A(f.ev), A(&ev), 1, 0);
	CALL(tw, epoll_wait, A(f.ep), NOWHERE, 1, 0);
	CALL(tw, epoll_wait, A(f.ep), KERNELSIDE, 1, 0);
	CALL(tw, epoll_wait, A(f.ev), KERNELSIDE, 1, 0);
	CALL(tw, epoll_wait, A(f.ev), KERNELSIDE, 0, 0);
	CALL(tw, epoll_wait, A(f.ep), A(&ev), INT32_MAX, 0);
	CALL(tw, epoll_wait, A(f.ep), A(&ev), INT32_MAX / 12, 0);
	CALL(tw, epoll_pwait, A(f.ep), A(&ev), 1, 0, A(b), 4);
	CALL(tw, epoll_pwait, NOFD, A(&ev), A(-1), 0, NOWHERE, 8);
	CALL(tw, epoll_pwait, NOFD, A(&ev), 1, 0, 0, 4);
	CALL(tw, epoll_pwait2, NOFD, A(&ev), 1, A(&bad), 0, 0);
	CALL(tw, epoll_pwait2, A(f.ep), A(&ev), 1, NOWHERE, 0, 0);
	CALL(tw, epoll_ctl, A(f.ep), 2, A(f.ev), 0);
	CALL(tw, epoll_ctl, A(f.ep), 2, A(f.ev), 0);
	files_close(tw, &f);
}

TEST(epoll_ctl_fails_in_the_order_of_the_host)
{
	twin_run(epollctl_script);
}

static void
nest_script(struct twin *tw)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct epoll_event out[4];
	int up[9], down[9], c, d, e;

	for (int i = 0; i < 9; i++) {
		up[i] = FD(tw, epoll_create1, 0);
		down[i] = FD(tw, epoll_create1, 0);
	}
	for (int i = 0; i < 8; i++)
		CALL(tw, epoll_ctl, A(up[i + 1]), 1, A(up[i]), A(&ev));
	for (int i = 0; i < 8; i++)
		CALL(tw, epoll_ctl, A(down[i]), 1, A(down[i + 1]), A(&ev));
	c = FD(tw, epoll_create1, 0);
	d = FD(tw, epoll_create1, 0);
	CALL(tw, epoll_ctl, A(c), 1, A(d), A(&ev));
	CALL(tw, epoll_ctl, A(d), 1, A(c), A(&ev));
	e = FD(tw, eventfd2, 0, 0);
	CALL(tw, epoll_ctl, A(down[4]), 1, A(e), A(&ev));
	CALL(tw, epoll_wait, A(down[0]), A(out), 4, 0);
	CALL(tw, write, A(e), A(&(uint64_t){ 1 }), 8);
	for (int i = 0; i < 6; i++) {
		CALL(tw, epoll_wait, A(down[i]), A(out), 4, 0);
		CALL(tw, epoll_wait, A(down[i]), A(out), 4, 0);
	}
	CALL(tw, read, A(e), A(&(uint64_t){ 1 }), 8);
	CALL(tw, epoll_wait, A(down[0]), A(out), 4, 0);
	CALL(tw, write, A(e), A(&(uint64_t){ 1 }), 8);
	CALL(tw, close, A(down[2]));
	CALL(tw, epoll_wait, A(down[0]), A(out), 4, 0);
	for (int i = 0; i < 9; i++) {
		CALL(tw, close, A(up[i]));
		CALL(tw, close, A(down[i]));
	}
	CALL(tw, close, A(c));
	CALL(tw, close, A(d));
	CALL(tw, close, A(e));
}

TEST(epoll_files_nest_as_deep_as_on_the_host)
{
	twin_run(nest_script);
}

static void
wait_note(struct twin *tw, int ep)
{
	struct epoll_event out[4];
	long n;

	memset(out, 0, sizeof(out));
	n = CALL(tw, epoll_wait, A(ep), A(out), 4, 0);
	for (long i = 0; i < n; i++)
		twin_note(tw, "events", out[i].events);
}

static void
edge_script(struct twin *tw)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	uint64_t v = 1;
	int ep, p[2], e, e2;
	char x;

	ep = FD(tw, epoll_create1, 0);
	NEED(twin_raw(tw, SYS_pipe2, TWIN_ARGS(A(p))) == 0);
	e = FD(tw, eventfd2, 0, 0);
	CALL(tw, epoll_ctl, A(ep), 1, A(p[0]), A(&ev));
	wait_note(tw, ep);
	CALL(tw, write, A(p[1]), A(&v), 1);
	wait_note(tw, ep);
	wait_note(tw, ep);
	CALL(tw, write, A(p[1]), A(&v), 1);
	wait_note(tw, ep);
	CALL(tw, read, A(p[0]), A(&x), 1);
	wait_note(tw, ep);
	CALL(tw, close, A(p[1]));
	wait_note(tw, ep);
	wait_note(tw, ep);
	CALL(tw, epoll_ctl, A(ep), 1, A(e), A(&ev));
	wait_note(tw, ep);
	CALL(tw, write, A(e), A(&v), 8);
	wait_note(tw, ep);
	CALL(tw, read, A(e), A(&v), 8);
	wait_note(tw, ep);
	ev.events = EPOLLIN | EPOLLONESHOT;
	CALL(tw, epoll_ctl, A(ep), 3, A(e), A(&ev));
	CALL(tw, write, A(e), A(&v), 8);
	wait_note(tw, ep);
	CALL(tw, write, A(e), A(&v), 8);
	wait_note(tw, ep);
	CALL(tw, epoll_ctl, A(ep), 3, A(e), A(&ev));
	wait_note(tw, ep);
	CALL(tw, close, A(p[0]));
	wait_note(tw, ep);
	/* The interest ends with the last descriptor of the file. */
	ev.events = EPOLLIN;
	CALL(tw, epoll_ctl, A(ep), 3, A(e), A(&ev));
	e2 = FD(tw, dup, A(e));
	CALL(tw, epoll_ctl, A(ep), 1, A(e2), A(&ev));
	CALL(tw, close, A(e));
	wait_note(tw, ep);
	CALL(tw, close, A(e2));
	wait_note(tw, ep);
	/* Hang-ups are told to those who asked for nothing. */
	NEED(twin_raw(tw, SYS_pipe2, TWIN_ARGS(A(p))) == 0);
	ev.events = 0;
	CALL(tw, epoll_ctl, A(ep), 1, A(p[0]), A(&ev));
	wait_note(tw, ep);
	CALL(tw, close, A(p[1]));
	wait_note(tw, ep);
	CALL(tw, close, A(p[0]));
	CALL(tw, close, A(ep));
}

TEST(edges_and_one_shots_are_told_as_on_the_host)
{
	twin_run(edge_script);
}

static void
timer_script(struct twin *tw)
{
	struct itimerspec it = { { 0, 0 }, { -1, 0 } };
	struct files f;

	files_open(tw, &f, O_NONBLOCK);
	CALL(tw, timerfd_create, 77, 0);
	CALL(tw, timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0);
	CALL(tw, timerfd_create, CLOCK_MONOTONIC, 99);
	CALL(tw, timerfd_settime, A(f.tm), 0, A(&it), 0);
	CALL(tw, timerfd_settime, NOFD, 99, A(&it), 0);
	CALL(tw, timerfd_settime, NOFD, 0, NOWHERE, 0);
	it.it_value = (struct timespec){ 0, 1000000000 };
	CALL(tw, timerfd_settime, A(f.tm), 0, A(&it), 0);
	it.it_value = (struct timespec){ 0, 0 };
	it.it_interval.tv_nsec = -1;
	CALL(tw, timerfd_settime, A(f.tm), 0, A(&it), 0);
	it.it_interval.tv_nsec = 5;
	CALL(tw, timerfd_settime, A(f.ev), 0, A(&it), 0);
	CALL(tw, timerfd_settime, NOFD, 0, A(&it), 0);
	CALL(tw, timerfd_settime, A(f.tm), 99, A(&it), 0);
	CALL(tw, timerfd_settime, A(f.tm), TFD_TIMER_CANCEL_ON_SET, A(&it),
	    A(&it));
	CALL(tw, timerfd_settime, A(f.tm), 0, A(&it), NOWHERE);
	CALL(tw, timerfd_gettime, A(f.tm), A(&it));
	twin_note(tw, "seconds", it.it_value.tv_sec);
	twin_note(tw, "nanoseconds", it.it_value.tv_nsec);
	twin_note(tw, "interval", it.it_interval.tv_nsec);
	CALL(tw, timerfd_gettime, A(f.tm), NOWHERE);
	CALL(tw, timerfd_gettime, A(f.ev), A(&it));
	CALL(tw, timerfd_gettime, NOFD, NOWHERE);
	CALL(tw, read, A(f.tm), A(&it), 8);
	CALL(tw, write, A(f.tm), A(&it), 8);
	files_close(tw, &f);
}

TEST(timerfd_calls_fail_as_on_the_host)
{
	twin_run(timer_script);
}
