/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sysproxy_death.c - servers and threads that die at any instant
 *
 * A server is killed while its clients spin, sleep, copy and poll; each of them
 * finds out and ends by itself.  A client's thread goes without a word at each of the
 * instants of a turn, and its process makes calls with others as if nothing had been.
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "raw.h"
#include "start.h"
#include "watch.h"

#define NKILLS		60
#define BIG		(1u << 20)

static unsigned int
many(unsigned int few, unsigned int large)
{
	const char *text = getenv("RUMPUS_TESTS");

	return text != NULL && strstr(text, "large") != NULL ? large : few;
}

/* --- servers -------------------------------------------------------------------------- */

/* Each returns when a call has found that the server is gone. */
static bool
gone(void)
{
	return errno == ENOTCONN || errno == ECONNRESET;
}

static bool
spins(void)
{
	while (rump_sys_getpid() != -1)
		continue;
	return gone();
}

static bool
sleeps(void)
{
	int fd[2];
	char c;

	if (rump_sys_pipe(fd) != 0)
		return gone();
	return rump_sys_read(fd[0], &c, 1) == -1 && gone();
}

static bool
copies(void)
{
	char *buf = calloc(1, BIG);
	int fd = rump_sys_memfd_create("big", 0);

	if (buf == NULL)
		return false;
	while (rump_sys_pwrite(fd, buf, BIG, 0) > 0 && rump_sys_pread(fd, buf, BIG, 0) > 0)
		continue;
	return gone();
}

static bool
polls(void)
{
	struct pollfd pfd = { .fd = rump_sys_eventfd(0, 0), .events = POLLIN };

	while (rump_sys_poll(&pfd, 1, -1) == 0)
		continue;
	return gone();
}

static bool
rings(void)
{
	struct pollfd pfd = { .events = POLLIN };
	int r = rump_sys_eventfd(0, 0), bell = rumpclient_bell();

	if (bell < 0)
		return true;
	for (;;) {
		pfd.fd = r;
		if (rumpclient_poll_arm(&pfd, 1, bell) < 0)
			return true;
		/* The bell becomes readable, at the latest by its end. */
		pfd.fd = bell;
		(void)poll(&pfd, 1, 50);
	}
}

static bool
forks(void)
{
	pid_t pid;

	while ((pid = rumpclient_fork()) > 0)
		(void)waitpid(pid, NULL, 0);
	if (pid == 0)
		_exit(0);
	return true;
}

static bool
opens_slots(void);

static bool (*const doings[])(void) = {
	spins, sleeps, copies, polls, rings, forks, opens_slots,
};

static void *
one_call(void *arg)
{
	return rump_sys_getpid() == -1 ? arg : NULL;
}

static bool
opens_slots(void)
{
	pthread_t thread;
	void *failed = NULL;
	int word;

	while (failed == NULL) {
		if (pthread_create(&thread, NULL, one_call, &word) != 0)
			return false;
		pthread_join(thread, &failed);
	}
	return true;
}

TEST_WITH(a_server_killed_at_any_instant_hangs_nobody, .ht_flags = HARNESS_SIDE,
    .ht_seconds = 300)
{
	unsigned int n = many(NKILLS, 600) / HARNESS_SLOWNESS;
	pid_t pids[ARRAY_SIZE(doings)];
	struct spserver ss;
	int status;

	srandom((unsigned int)harness_seed());
	for (unsigned int i = 0; i < n; i++) {
		spserver_start(&ss);
		for (size_t k = 0; k < ARRAY_SIZE(doings); k++) {
			pids[k] = fork();
			NEED(pids[k] != -1);
			if (pids[k] == 0) {
				_exit(rumpclient_connect(ss.ss_url) != 0 || doings[k]() ? 0 : 1);
			}
		}
		/* From before they have connected to when all are at work. */
		wait_a_while((unsigned int)random() % 15000);
		spserver_kill(&ss);
		for (size_t k = 0; k < ARRAY_SIZE(doings); k++) {
			NEED(waitpid(pids[k], &status, 0) == pids[k]);
			if (!CHECK_EQ("client", 0, status))
				harness_note("round %u, doing %zu", i, k);
		}
	}
}

/* --- threads ----------------------------------------------------------------------------- */

struct leaver {
	int		 l_how;
	atomic_bool	 l_there;
	int		 l_pipe[2];
};

/* Ends while others of its process go on. */
static void
leave(int how)
{
	if (how & 1)
		pthread_exit(NULL);
	/* Nobody is told: no destructor runs, the slot stays as it is. */
	(void)syscall(SYS_exit, 0L);
}

static void
leave_in_handler(int signo)
{
	(void)signo;
	(void)syscall(SYS_exit, 0L);
}

static void *
leaver(void *arg)
{
	struct leaver *l = arg;
	char c;

	if (l->l_how >= 2)		/* with a slot that has been used */
		(void)rump_sys_getpid();
	l->l_there = true;
	if (l->l_how >= 6)		/* in a call that goes on and on */
		for (;;)
			(void)rump_sys_getpid();
	if (l->l_how >= 4)		/* asleep in a call */
		(void)rump_sys_read(l->l_pipe[0], &c, 1);
	leave(l->l_how);
	return NULL;
}

TEST(a_thread_that_leaves_without_a_word_harms_nobody)
{
	struct sigaction sa = { .sa_handler = leave_in_handler };
	struct spserver ss;
	pthread_t thread;

	if (HARNESS_SLOWNESS > 1)
		SKIP("a sanitizer keeps books of threads, and wants to be told when one ends");
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	spserver_start(&ss);
	NEED(rumpclient_connect(ss.ss_url) == 0);
	for (unsigned int i = 0; i < 40; i++) {
		struct leaver l = { .l_how = (int)(i % 8) };
		pthread_attr_t attr;

		NEED(rump_sys_pipe(l.l_pipe) == 0);
		NEED(pthread_attr_init(&attr) == 0);
		NEED(pthread_create(&thread, &attr, leaver, &l) == 0);
		while (!l.l_there)
			sched_yield();
		if (l.l_how >= 4) {
			wait_a_while(i * 50);
			(void)pthread_kill(thread, SIGUSR1);
		}
		pthread_join(thread, NULL);
		CHECK(rump_sys_getpid() > 1);
		CHECK_EQ("close", 0, rump_sys_close(l.l_pipe[0]));
		CHECK_EQ("close", 0, rump_sys_close(l.l_pipe[1]));
		pthread_attr_destroy(&attr);
	}
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* The words that a turn can have, with nobody behind them any more. */
TEST(a_client_gone_at_each_state_of_the_turn_leaves_nothing)
{
	struct spserver ss;

	spserver_start(&ss);
	for (unsigned int i = 0; i < 64; i++) {
		struct rawclient rc;
		uint32_t *turn;

		raw_open(&ss, &rc);
		turn = &rc.rc_slot->sl_msg.m_turn;
		switch (i % 8) {
		case 0:			/* has the turn, never gave it */
			break;
		case 1:			/* gave it, did not wake who slept */
			rc.rc_slot->sl_msg.m_type = SP_CALL;
			rc.rc_slot->sl_msg.m_nr = SYS_getpid;
			__atomic_store_n(turn, rc.rc_tid, __ATOMIC_SEQ_CST);
			break;
		case 2:			/* waits asleep for a reply that takes its time */
			raw_call(&rc, SYS_pause, 0, 0, 0, 0);
			__atomic_fetch_or(turn, SP_WAITER, __ATOMIC_SEQ_CST);
			break;
		case 3:			/* asked, and has not answered */
			raw_call(&rc, SYS_uname, 4096, 0, 0, 0);
			NEED(raw_wait(&rc));
			break;
		case 4:			/* got the reply */
			raw_call(&rc, SYS_getpid, 0, 0, 0, 0);
			NEED(raw_wait(&rc));
			break;
		case 5:			/* said goodbye, and did not wake who slept */
			rc.rc_slot->sl_msg.m_type = SP_BYE;
			__atomic_store_n(turn, rc.rc_tid | SP_WAITER, __ATOMIC_SEQ_CST);
			break;
		case 6:			/* says that the server has died */
			__atomic_store_n(turn, SP_DIED | SP_WAITER, __ATOMIC_SEQ_CST);
			rc.rc_slot->sl_alive = SP_DIED;
			break;
		default:		/* a number of nobody */
			__atomic_store_n(turn, rc.rc_tid + 1, __ATOMIC_SEQ_CST);
			break;
		}
		raw_close(&rc);
		if (i % 8 == 7)
			honest(&ss);
	}
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- programs that are started by any thread ----------------------------------------------- */

static void *
execs(void *arg)
{
	static char program[] = "/bin/true";
	char *const argv[] = { program, NULL }, *const envp[] = { NULL };

	(void)arg;
	(void)rump_sys_getpid();
	(void)rumpclient_exec(argv[0], argv, envp);
	return NULL;
}

static void *
calls_on(void *arg)
{
	for (;;)
		(void)rump_sys_getpid();
	return arg;
}

static bool
exec_from_a_thread(void *arg)
{
	pthread_t thread;

	for (unsigned int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, calls_on, NULL) != 0)
			return false;
	(void)rump_sys_getpid();
	if (pthread_create(&thread, NULL, execs, NULL) != 0)
		return false;
	pthread_join(thread, NULL);
	return arg != NULL;		/* never gets here */
}

TEST(an_exec_by_any_thread_ends_the_others)
{
	struct spserver ss;

	spserver_start(&ss);
	for (unsigned int i = 0; i < 20; i++)
		CHECK(honest_does(&ss, exec_from_a_thread, NULL));
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}
