/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * watch.c - what happens to programs while we are busy, or are not
 *
 *  - A placeholder hangs up, a process ends: one thread waits for both.
 *  - A program that waits for us has a signal to handle, or was killed.  The worker gets a signal
 *    then, which ends his call.  The host does not tell us of it (a filter that lets signals break calls
 *    off would have them begun again when we had already carried them out).  So another thread
 *    looks, a hundred times a second at first, at those that have been waiting for more than one
 *    look; it sleeps when there are none.
 *  - Of the first program we know at once.  Who adds a signalfd to an epoll instance has that woken
 *    by each signal that is sent to him from then on, over an exec, whoever waits with it.  What
 *    the signalfd then says is about who asks: so we ask with a thread for which a signal always waits.
 *    NEEDSWORK: its children would have to do the same after their birth, led by the hand (hand.c).
 *
 * References: seccomp_unotify(2), proc_pid_status(5), signal(7), signalfd(2) on epoll.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "supervisor.h"

#define TICK_MS		10
#define TICK_MAX_MS	40
#define IDLE_TICKS	20

#define IS_PIDFD	(1ULL << 32)

static int epfd = -1;
static pthread_mutex_t lookout_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t lookout_wanted = PTHREAD_COND_INITIALIZER;
static _Atomic bool lookout_sleeps;

/* --- hang-ups and deaths -------------------------------------------------------------- */

void
watch_pidfd(int pidfd, pid_t pid)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT,
	    .data.u64 = IS_PIDFD | (uint32_t)pid };

	(void)epoll_ctl(epfd, EPOLL_CTL_ADD, pidfd, &ev);
}

void
watch_placeholder(int fd, uint32_t index)
{
	/* EPOLLHUP comes unasked; once. */
	struct epoll_event ev = { .events = EPOLLET, .data.u64 = index };

	(void)epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
}

static void *
undertaker(void *arg)
{
	struct epoll_event ev[64];
	int n;

	for (;;) {
		n = epoll_wait(epfd, ev, 64, -1);
		for (int i = 0; i < n; i++) {
			if ((ev[i].data.u64 & IS_PIDFD) != 0)
				target_dies((pid_t)(uint32_t)ev[i].data.u64);
			else
				fdmap_hangup((uint32_t)ev[i].data.u64);
		}
	}
	return NULL;
}

/* --- signals ------------------------------------------------------------------------------- */

static uint64_t
mask_of(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at != NULL ? strtoull(at + strlen(word), NULL, 16) : 0;
}

/* Has the thread a signal for which it would handle it now? */
static bool
signal_waits(pid_t pid, pid_t tid, const struct visit *v)
{
	bool masked = atomic_load(&v->v_masked);
	uint64_t blocked;
	char name[64], text[2048];
	uint64_t pending;
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%d/task/%d/status", pid, tid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	pending = mask_of(text, "\nSigPnd:");
	/*
	 * Those of the process come to its first thread, if that does not block them; or to who
	 * waits for them.
	 */
	if (pid == tid || masked)
		pending |= mask_of(text, "\nShdPnd:");
	blocked = masked ? atomic_load(&v->v_mask) : mask_of(text, "\nSigBlk:");
	return (pending & ~blocked & ~mask_of(text, "\nSigIgn:")) != 0;
}

/* At once, or only if it is the same call as last time. */
static void
look(struct visit *v, bool at_once)
{
	uint64_t id = atomic_load(&v->v_busy);
	pid_t tid = (pid_t)v->v_call.pid;
	struct target *t;

	if (id == 0 || (!at_once && id != atomic_load(&v->v_seen))) {
		atomic_store(&v->v_seen, id);
		return;
	}
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0) {
		t = target_enter(tid);
		if (t == NULL)
			return;
		if (!signal_waits(t->t_pid, tid, v)) {
			target_leave(t);
			return;
		}
		target_leave(t);
		atomic_store(&v->v_signal, true);
	}
	/* It may have been for an earlier call, which is restarted then as if by a signal. */
	if (atomic_load(&v->v_busy) == id)
		(void)host_syscall(SYS_tgkill, getpid(), atomic_load(&v->v_tid), SIGUSR1);
}

static bool
somebody_busy(void)
{
	for (unsigned int i = 0; i < NWORKERS; i++) {
		if (atomic_load(&visits[i].v_busy) != 0)
			return true;
	}
	return false;
}

static void *
lookout(void *arg)
{
	struct timespec ts = { 0 };
	unsigned int idle = 0, quiet = 0;

	for (;;) {
		idle = somebody_busy() ? 0 : idle + 1;
		if (idle > IDLE_TICKS) {
			(void)pthread_mutex_lock(&lookout_lock);
			atomic_store(&lookout_sleeps, true);
			while (atomic_load(&lookout_sleeps) && !somebody_busy())
				(void)pthread_cond_wait(&lookout_wanted, &lookout_lock);
			atomic_store(&lookout_sleeps, false);
			(void)pthread_mutex_unlock(&lookout_lock);
			idle = quiet = 0;
		}
		quiet++;
		ts.tv_nsec = (quiet > 100 ? TICK_MAX_MS : TICK_MS) * 1000000L;
		(void)nanosleep(&ts, NULL);
		for (unsigned int i = 0; i < NWORKERS; i++)
			look(&visits[i], false);
	}
	return NULL;
}

void
watch_hint(void)
{
	if (!atomic_load_explicit(&lookout_sleeps, memory_order_relaxed))
		return;
	(void)pthread_mutex_lock(&lookout_lock);
	atomic_store(&lookout_sleeps, false);
	(void)pthread_cond_signal(&lookout_wanted);
	(void)pthread_mutex_unlock(&lookout_lock);
}

/* --- the first program's ----------------------------------------------------------------- */

#define WAITS_ALWAYS	SIGUSR2		/* for the listener; all signals are blocked here */

static int signals_epfd = -1;

void
watch_signals_make(int32_t ret_fd[2])
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	sigset_t set;
	int spare;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, WAITS_ALWAYS);
	ret_fd[0] = epoll_create1(EPOLL_CLOEXEC);
	ret_fd[1] = signalfd(-1, &set, SFD_CLOEXEC);
	(void)epoll_ctl(ret_fd[0], EPOLL_CTL_ADD, ret_fd[1], &ev);
	/* Without them it works, too; but not without one for the filter. */
	spare = fcntl(ret_fd[0], F_DUPFD_CLOEXEC, 0);
	for (unsigned int i = 0; i < 2 && (spare < 0 || ret_fd[1] < 0); i++) {
		if (ret_fd[i] >= 0)
			(void)close(ret_fd[i]);
		ret_fd[i] = -1;
	}
	if (spare >= 0)
		(void)close(spare);
}

/* With the signalfd the registration would go: it stays open. */
void
watch_signals_take(int pidfd, const int32_t fd[2])
{
	int epoll = (int)host_syscall(SYS_pidfd_getfd, pidfd, fd[0], 0);
	int signals = (int)host_syscall(SYS_pidfd_getfd, pidfd, fd[1], 0);

	if (epoll >= 0 && signals >= 0)
		signals_epfd = epoll;
}

/*
 * A signal that came while a call was on its way to a worker is found a moment later; and what is missed
 * even then, by the lookout.
 */
static void *
listener_of_signals(void *arg)
{
	struct timespec moment = { .tv_nsec = 1000000 };
	struct epoll_event ev;

	(void)host_syscall(SYS_tgkill, getpid(), host_syscall(SYS_gettid, 0), WAITS_ALWAYS);
	while (epoll_wait(signals_epfd, &ev, 1, -1) >= 0 || errno == EINTR) {
		for (unsigned int again = 0; again < 2; again++) {
			for (unsigned int i = 0; i < NWORKERS; i++)
				look(&visits[i], true);
			if (again == 0)
				(void)nanosleep(&moment, NULL);
		}
	}
	return NULL;
}

/* --- start ------------------------------------------------------------------------------------ */

static void
nothing(int signo)
{
	(void)signo;
}

int
watch_start(void)
{
	struct sigaction sa = { .sa_handler = nothing };	/* no SA_RESTART: calls shall end */
	pthread_t thread;
	int error;

	(void)sigaction(SIGUSR1, &sa, NULL);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		return errno;
	error = pthread_create(&thread, NULL, undertaker, NULL);
	if (error == 0)
		error = pthread_create(&thread, NULL, lookout, NULL);
	if (error == 0 && signals_epfd >= 0)
		error = pthread_create(&thread, NULL, listener_of_signals, NULL);
	return error;
}
