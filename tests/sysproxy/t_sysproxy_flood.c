/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sysproxy_flood.c - clients that come in thousands, and clients that look around
 *
 * Whatever they do, somebody who has been there before goes on with his work,
 * the next one is served, and in the end the server has what it had.
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <asm/unistd.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "raw.h"
#include "start.h"
#include "watch.h"

#define NCONNECTS	10000
#define NKEPT		100		/* open at a time, half of them half-open */
#define SECONDS_MOST	5		/* that one call of a worker may take */
#define A(x)		((unsigned long)(x))

/* --- somebody who works ------------------------------------------------------------------ */

struct worker {
	volatile bool	 w_stop;
	volatile uint64_t w_calls;
	volatile bool	 w_failed, w_slow;
};

static bool
works(void *arg)
{
	struct worker *w = arg;
	struct timespec from, to;
	unsigned int n = 0, got;
	int fd[2];

	while (!w->w_stop) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		if (rump_sys_pipe(fd) != 0 || rump_sys_write(fd[1], &n, sizeof(n)) != sizeof(n) ||
		    rump_sys_read(fd[0], &got, sizeof(got)) != sizeof(got) || got != n ||
		    rump_sys_close(fd[0]) != 0 || rump_sys_close(fd[1]) != 0)
			w->w_failed = true;
		clock_gettime(CLOCK_MONOTONIC, &to);
		if (to.tv_sec - from.tv_sec > SECONDS_MOST &&
		    to.tv_sec - from.tv_sec > SECONDS_MOST * harness_slowness())
			w->w_slow = true;
		n++;
		w->w_calls += 5;
	}
	return !w->w_failed && !w->w_slow;
}

static pid_t
worker_start(const struct spserver *ss, struct worker **ret_w)
{
	struct worker *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	NEED(w != MAP_FAILED);
	pid = fork();
	NEED(pid != -1);
	if (pid == 0)
		_exit(rumpclient_connect(ss->ss_url) == 0 && works(w) ? 0 : 1);
	while (w->w_calls == 0 && !w->w_failed)
		sched_yield();
	*ret_w = w;
	return pid;
}

static void
worker_stop(pid_t pid, struct worker *w)
{
	uint64_t calls = w->w_calls;
	int status;

	/* It is alive at the end as well. */
	while (w->w_calls == calls)
		sched_yield();
	w->w_stop = true;
	NEED(waitpid(pid, &status, 0) == pid);
	CHECK(!w->w_failed);
	CHECK(!w->w_slow);
	CHECK_EQ("worker", 0, status);
	munmap(w, sizeof(*w));
}

/* --- thousands -------------------------------------------------------------------------------- */

/* One more connection, of a kind. */
static int
come(const struct spserver *ss, unsigned int kind)
{
	int fd = raw_connect(ss);
	struct sp_hello h;

	hello_good(&h);
	switch (kind % 6) {
	case 0:
		break;				/* says nothing */
	case 1:
		(void)send(fd, &h, kind % sizeof(h), MSG_NOSIGNAL);
		break;
	case 2:
		h.h_version_min = 99;
		(void)send(fd, &h, sizeof(h), MSG_NOSIGNAL);
		break;
	case 3:
		h.h_kind = 1 + kind % 7;
		(void)send(fd, &h, sizeof(h), MSG_NOSIGNAL);
		break;
	default:
		(void)send(fd, &h, sizeof(h), MSG_NOSIGNAL);
		break;
	}
	return fd;
}

TEST_WITH(ten_thousand_connections_leave_nothing, .ht_flags = HARNESS_SIDE, .ht_seconds = 120)
{
	unsigned int n = NCONNECTS / HARNESS_SLOWNESS, fds, threads;
	int kept[NKEPT], at;
	struct spserver ss;
	struct worker *w;
	pid_t pid;

	spserver_start(&ss);
	pid = worker_start(&ss, &w);
	fds = spserver_entries(&ss, "fd");
	threads = spserver_entries(&ss, "task");
	memset(kept, -1, sizeof(kept));
	for (unsigned int i = 0; i < n; i++) {
		at = (int)(i * 7 % NKEPT);
		if (kept[at] != -1)
			close(kept[at]);
		kept[at] = come(&ss, i);
		if (i % (n / 5) == 0)
			honest(&ss);
	}
	for (at = 0; at < NKEPT; at++)
		close(kept[at]);
	spserver_settle(&ss, fds, threads);
	worker_stop(pid, w);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Requests without end, and answers that are never read. */
TEST_WITH(floods_of_requests_drown_nobody, .ht_flags = HARNESS_SIDE, .ht_seconds = 120)
{
	static const uint32_t ops[] = { SP_INTERRUPT, SP_PREFORK, SP_BIND, SP_UNBIND,
	    SP_FORK_CANCEL, SP_SLOT_OPEN, SP_LEND, SP_FETCH, 77 };
	unsigned int fds, threads;
	struct spserver ss;
	struct worker *w;
	pid_t pid;

	spserver_start(&ss);
	pid = worker_start(&ss, &w);
	fds = spserver_entries(&ss, "fd");
	threads = spserver_entries(&ss, "task");
	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		struct sp_ctl ctl[64];
		struct rawclient rc;

		raw_open(&ss, &rc);
		for (unsigned int k = 0; k < ARRAY_SIZE(ctl); k++)
			ctl[k] = (struct sp_ctl){ .c_op = ops[i], .c_seq = k, .c_arg = k };
		/* As much as the server takes, then some. */
		for (unsigned int k = 0; k < 1500 / HARNESS_SLOWNESS; k++) {
			(void)send(rc.rc_fd, ctl, sizeof(ctl), MSG_NOSIGNAL | MSG_DONTWAIT);
			if (k % 50 == 0)
				sched_yield();
		}
		honest(&ss);
		raw_close(&rc);
	}
	spserver_settle(&ss, fds, threads);
	worker_stop(pid, w);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- forks without end ---------------------------------------------------------------------- */

#define BOMB_MOST	3000		/* however many are refused */

static void
bomb(volatile unsigned int *n)
{
	/* A child that cannot be a client ends; the others do as their parents. */
	while (__atomic_add_fetch(n, 1, __ATOMIC_RELAXED) < BOMB_MOST) {
		if (rumpclient_fork() == -1)
			sched_yield();
	}
	pause();
}

TEST_WITH(a_fork_bomb_of_clients_is_bounded, .ht_flags = HARNESS_SIDE, .ht_seconds = 120)
{
	unsigned int *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	unsigned int fds, threads;
	struct spserver ss;
	struct worker *w;
	pid_t pid, first;

	NEED(n != MAP_FAILED);
	spserver_start_with(&ss, "sysproxy.maxclients=40");
	pid = worker_start(&ss, &w);
	fds = spserver_entries(&ss, "fd");
	threads = spserver_entries(&ss, "task");
	first = fork();
	NEED(first != -1);
	if (first == 0) {
		setpgid(0, 0);
		if (rumpclient_connect(ss.ss_url) != 0)
			_exit(1);
		bomb(n);
		_exit(0);
	}
	setpgid(first, first);
	while (__atomic_load_n(n, __ATOMIC_RELAXED) < BOMB_MOST) {
		CHECK(spserver_entries(&ss, "task") < 200);
		sched_yield();
	}
	kill(-first, SIGKILL);
	NEED(waitpid(first, NULL, 0) == first);
	spserver_settle(&ss, fds, threads);
	worker_stop(pid, w);
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
	munmap(n, 4096);
}

/* --- memory that changes while it is copied -------------------------------------------------- */

struct changer {
	struct rawclient *ch_rc;
	atomic_bool	 ch_stop;
};

/* Rewrites lengths, the table and the message as fast as it can. */
static void *
change(void *arg)
{
	struct changer *ch = arg;
	uint32_t seed = 1;

	while (!ch->ch_stop) {
		volatile uint32_t *area = (volatile uint32_t *)(void *)ch->ch_rc->rc_area;
		volatile uint32_t *msg = (volatile uint32_t *)(void *)ch->ch_rc->rc_slot;

		seed = seed * 1103515245 + 12345;
		area[seed >> 16 & 0x3ff] ^= seed;
		area[(seed >> 8 & 0xff) + (1 << 10)] = seed << 7;
		/* Not the turn, nor its type and number. */
		msg[3 + (seed >> 20 & 7)] ^= 1u << (seed >> 28);
	}
	return NULL;
}

TEST_WITH(memory_that_changes_under_a_call_harms_nobody, .ht_flags = HARNESS_SIDE,
    .ht_seconds = 120)
{
	static const unsigned int calls[] = { __NR_writev, __NR_readv, __NR_sendmsg,
	    __NR_recvmsg, __NR_poll, __NR_openat, __NR_ioctl, __NR_setsockopt };
	struct spserver ss;

	spserver_start(&ss);
	for (unsigned int i = 0; i < 80 / HARNESS_SLOWNESS; i++) {
		struct rawclient rc;
		struct changer ch = { .ch_rc = &rc };
		struct sp_seg *seg;
		pthread_t thread;
		struct sp_msg *m;

		raw_open(&ss, &rc);
		m = &rc.rc_slot->sl_msg;
		seg = (struct sp_seg *)(void *)rc.rc_area;
		NEED(raw_syscall(&rc, __NR_socketpair, 1, 1, 0, A(rc.rc_area + 65536)) == 0);
		for (unsigned int k = 0; k < 16; k++) {
			seg[k] = (struct sp_seg){ .s_addr = 65536 + 512 * k, .s_len = 512,
			    .s_off = (4096 + 512 * k) | 3 };
			memcpy(rc.rc_area + 4096 + 16 * k, (uint64_t[2]){ 65536 + 512 * k, 64 },
			    16);
		}
		m->m_type = SP_CALL;
		m->m_nr = calls[i % ARRAY_SIZE(calls)];
		m->m_nsegs = 16;
		m->m_segs = 0;
		for (unsigned int k = 0; k < 6; k++)
			m->m_arg[k] = k == 0 ? 3 : k == 1 ? 65536 : 8;
		NEED(pthread_create(&thread, NULL, change, &ch) == 0);
		raw_give(&rc);
		wait_a_while(500);
		ch.ch_stop = true;
		pthread_join(thread, NULL);
		raw_close(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- what can be seen of others ------------------------------------------------------------------ */

#define SECRET	UINT64_C(0x5ec2e7a15ec2e7a1)

/* Leaves its pattern wherever a client can put something. */
static bool
leaves_traces(void *arg)
{
	static uint64_t mark[2048];
	int fd[2], f;

	for (size_t i = 0; i < ARRAY_SIZE(mark); i++)
		mark[i] = SECRET;
	for (unsigned int i = 0; i < 20; i++) {
		if (rump_sys_pipe(fd) != 0 ||
		    rump_sys_write(fd[1], mark, sizeof(mark)) != sizeof(mark))
			return false;
		(void)rump_sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
		(void)rump_sys_write(fd[0], mark, 4096);
		f = rump_sys_memfd_create("mark", 0);
		(void)rump_sys_write(f, mark, sizeof(mark));
		(void)rump_sys_setxattr("/", "user.mark", mark, 64, 0);
		(void)rump_sys_open((const char *)mark, O_RDONLY, 0);
		(void)rump_sys_fcntl(f, F_SETFL, 0);
	}
	return true;
}

static unsigned int
marks_in(const void *memory, size_t len)
{
	const uint8_t *p = memory;
	unsigned int n = 0;
	uint32_t half = (uint32_t)SECRET;

	for (size_t i = 0; i + 4 <= len; i++)
		n += memcmp(p + i, &half, 4) == 0;
	return n;
}

/* Makes calls that write, and looks at all that came. */
static unsigned int
looks_around(struct rawclient *rc)
{
	static const unsigned int calls[] = { __NR_uname, __NR_sysinfo, __NR_times,
	    __NR_getrusage, __NR_stat, __NR_fstat, __NR_statfs, __NR_getdents64, __NR_getcwd,
	    __NR_pipe2, __NR_getsockname, __NR_getpeername, __NR_getsockopt, __NR_recvmsg,
	    __NR_ioctl, __NR_readlink, __NR_getxattr,
	    __NR_listxattr, __NR_prlimit64, __NR_getitimer, __NR_clock_gettime, __NR_statx,
	    __NR_timerfd_gettime, __NR_sched_getaffinity, __NR_getgroups, __NR_getresuid,
	    __NR_getrlimit, __NR_name_to_handle_at, __NR_ustat, __NR_sysfs };
	static char buf[65536 + 8];
	char *name = buf + 65536;
	unsigned int seen = 0;
	int fd[3];

	name[0] = '/';
	rc->rc_memory = buf;
	rc->rc_memsize = sizeof(buf);
	fd[0] = (int)raw_syscall(rc, __NR_openat, A(AT_FDCWD), A(name), O_RDONLY, 0);
	fd[1] = (int)raw_syscall(rc, __NR_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, 0);
	fd[2] = (int)raw_syscall(rc, __NR_socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, 0);
	for (unsigned int c = 0; c < ARRAY_SIZE(calls); c++) {
		for (unsigned int v = 0; v < 60; v++) {
			unsigned long a = v % 4 == 3 ? A(name) : A(fd[v % 3]);
			bool first = v >= 30;

			memset(buf, 0, 65536);
			/* Lengths where those are read from memory; many an argument is senseless. */
			*(uint32_t *)(void *)(buf + 32768) = 4096;
			(void)raw_syscall(rc, calls[c], first ? A(buf) : a,
			    calls[c] == __NR_getsockopt ? v % 2 : calls[c] == __NR_ioctl ?
			    0x8910 + v : first ? 32768 : A(buf),
			    calls[c] == __NR_getsockopt ? v : calls[c] == __NR_ioctl ? A(buf) :
			    v % 5 == 0 ? A(buf + 32768) : 4096, A(buf + 4096));
			seen += marks_in(buf, 65536);
		}
	}
	return seen;
}

TEST_WITH(nobody_sees_what_others_had, .ht_flags = HARNESS_SIDE, .ht_seconds = 120)
{
	struct rawclient rc, other;
	struct spserver ss;

	spserver_start(&ss);
	raw_open(&ss, &other);
	memset(other.rc_area, 0xa5, SP_AREA);
	for (unsigned int i = 0; i < 5; i++) {
		CHECK(honest_does(&ss, leaves_traces, NULL));
		raw_open(&ss, &rc);
		/* What we got is ours alone, and new: nothing but the server's thread's number. */
		for (size_t k = 0; k < SP_REGIONSIZE; k++) {
			const uint8_t *p = (const uint8_t *)rc.rc_region + k;

			if (*p != 0 && (p < (const uint8_t *)rc.rc_slot ||
			    p >= (const uint8_t *)(rc.rc_slot + 1)) && !CHECK_EQ("zero", 0, *p))
				break;
			if (k % 4096 == 0 && k >= SP_HEADSIZE + SP_AREA)
				k += 4095;	/* a look at each page will do */
		}
		CHECK_EQ("seen", 0, looks_around(&rc));
		CHECK_EQ("in the area", 0, marks_in(rc.rc_area, SP_AREA));
		raw_close(&rc);
	}
	for (size_t k = 0; k < SP_AREA; k++)
		NEED(other.rc_area[k] == 0xa5);
	raw_close(&other);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}
