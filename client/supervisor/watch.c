/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * watch.c - what happens to programs while we are busy, or are not
 *
 *  - A placeholder hangs up, a process ends: one thread waits for both.
 *  - A program that waits for us has a signal to handle, or was killed.  The host tells nobody
 *    (a filter that lets signals break calls off would have them begun again when we had
 *    already carried them out), so that another thread looks, a hundred times a second at
 *    first, at those that have been waiting for more than one look; it sleeps when there are
 *    none.  The worker gets a signal, which ends his call.
 *
 * References: seccomp_unotify(2), proc_pid_status(5), signal(7).
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
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

static void
look(struct visit *v)
{
	uint64_t id = atomic_load(&v->v_busy);
	pid_t tid = (pid_t)v->v_call.pid;
	struct target *t;

	if (id == 0 || id != v->v_seen) {
		v->v_seen = id;
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
			look(&visits[i]);
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
	return error;
}
