/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * worker.c - threads that take calls, and answer them
 *
 * One worker waits for a call.  Who takes one that may sleep sees to it that another waits
 * in his place: so one program's sleep is nobody else's.  Afterwards he waits himself, or, if
 * somebody does, is put by until he is needed.
 *
 * The host hands a call over on the core where it was made (SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP),
 * since the program can do nothing until we are done.
 *
 * References: seccomp_unotify(2).
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hand.h"
#include "supervisor.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS		SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	(1UL << 0)
#endif

struct visit visits[NWORKERS];
__thread struct visit *visit;
int listener = -1;

static pthread_mutex_t workers_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t workers_wanted = PTHREAD_COND_INITIALIZER;
static unsigned int nworkers, nreceiving, nresting;	/* workers_lock */

/* --- what calls need ------------------------------------------------------------------ */

bool
visit_valid(const struct visit *v)
{
	uint64_t id = v->v_call.id;

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

long
visit_give(int fd, long n, bool cloexec)
{
	struct seccomp_notif_addfd add = {
		.id = visit->v_call.id,
		.flags = n >= 0 ? SECCOMP_ADDFD_FLAG_SETFD : 0,
		.srcfd = (uint32_t)fd,
		.newfd = n >= 0 ? (uint32_t)n : 0,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	int got = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	return got >= 0 ? got : -errno;
}

long
visit_mask(unsigned long addr, size_t size)
{
	uint64_t mask;

	if (addr == 0)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (!mem_read(&mask, addr, sizeof(mask)))
		return -EFAULT;
	visit->v_maskaddr = addr;
	atomic_store(&visit->v_mask, mask);
	atomic_store(&visit->v_masked, true);
	return 0;
}

int
host_borrow(unsigned long n)
{
	return (int)host_syscall(SYS_pidfd_getfd, visit->v_target->t_pidfd, n, 0);
}

void
host_return(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

long
host_give(int fd, bool cloexec)
{
	long n = visit_give(fd, -1, cloexec);

	(void)close(fd);
	return n;
}

long
host_args(long nr, const unsigned long args[6])
{
	for (unsigned int i = 0; i < 6; i++) {
		if (args[i] != visit->v_call.data.args[i])
			return host_changed(nr, args);
	}
	return CALL_GOES_ON;
}

/* --- one call --------------------------------------------------------------------------- */

/* Not those that a signal always ends, whatever its handler says (signal(7)). */
static bool
restarts(int nr)
{
	switch (nr) {
	case SYS_poll: case SYS_ppoll: case SYS_select: case SYS_pselect6:
	case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_epoll_pwait2:
		return false;
	default:
		return true;
	}
}

/* What cannot sleep needs no successor. */
static bool
sleeps(int nr)
{
	switch (nr) {
	case SYS_close: case SYS_fstat: case SYS_stat: case SYS_lstat: case SYS_newfstatat: case SYS_statx:
	case SYS_lseek: case SYS_ioctl: case SYS_socket: case SYS_bind: case SYS_listen:
	case SYS_setsockopt: case SYS_getsockopt: case SYS_getsockname: case SYS_getpeername:
	case SYS_shutdown: case SYS_epoll_ctl: case SYS_getdents64: case SYS_dup: case SYS_dup2:
	case SYS_dup3: case SYS_access: case SYS_faccessat: case SYS_readlink: case SYS_readlinkat:
	case SYS_getcwd: case SYS_munmap: case SYS_clone: case SYS_clone3: case SYS_fork: case SYS_vfork:
	case SYS_exit: case SYS_exit_group: case SYS_umask:
	case SYS_fadvise64: case SYS_pread64: case SYS_pwrite64:
		return false;
	default:
		return true;
	}
}

void
visit_answer(struct visit *v, long ret)
{
	struct seccomp_notif_resp resp = { .id = v->v_call.id };

	if (v->v_answered)
		return;
	v->v_answered = true;
	if (ret == CALL_GOES_ON)
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (ret == -EINTR && atomic_load(&v->v_signal) && restarts(v->v_call.data.nr))
		resp.error = -CALL_RESTARTS;
	else if (host_failed(ret))
		resp.error = (int)ret;
	else
		resp.val = ret;
	/* ENOENT: it was killed. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static void
serve(struct visit *v)
{
	unsigned long args[6];
	long ret = CALL_GOES_ON;
	rule_fn *fn = NULL;

	for (unsigned int i = 0; i < 6; i++)
		args[i] = v->v_call.data.args[i];
	if ((unsigned int)v->v_call.data.nr < HIJACK_NCALLS)
		fn = dispatch_rules[v->v_call.data.nr];
	v->v_target = target_enter((pid_t)v->v_call.pid);
	v->v_answered = false;
	v->v_maskaddr = 0;
	atomic_store(&v->v_masked, false);
	atomic_store(&v->v_signal, false);
	atomic_store(&v->v_busy, v->v_call.id);
	if (v->v_target != NULL)
		swap_end(v->v_target, (pid_t)v->v_call.pid, false);
	if (v->v_target != NULL && fn != NULL)
		ret = fn(v->v_call.data.nr, args);
	atomic_store(&v->v_busy, 0);
	if (ret == -EINTR && v->v_maskaddr != 0 && atomic_load(&v->v_signal))
		(void)hand_signal(v->v_maskaddr);
	if (v->v_kernel != NULL)
		many_leave(v->v_kernel);
	v->v_kernel = NULL;
	if (v->v_target != NULL) {
		/* Its threads do not live to see that we have closed what they wait for. */
		if (v->v_call.data.nr != SYS_exit_group && atomic_load(&v->v_target->t_ends))
			v->v_answered = true;
		target_leave(v->v_target);
	}
	v->v_target = NULL;
	visit_answer(v, ret);
}

/* --- workers -------------------------------------------------------------------------------- */

static void *worker(void *arg);

/* workers_lock is held. */
static int
worker_make_locked(void)
{
	struct visit *v = &visits[nworkers];
	unsigned long base = STACKS_BASE + nworkers * STACK_SIZE;
	pthread_attr_t attr;
	pthread_t thread;
	void *stack;
	int error;

	if (nworkers == NWORKERS)
		return EAGAIN;
	stack = mmap((void *)base, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE | MAP_STACK | MAP_FIXED_NOREPLACE, -1, 0);
	if (stack == MAP_FAILED)
		return errno;
	(void)pthread_attr_init(&attr);
	error = pthread_attr_setstack(&attr, stack, STACK_SIZE);
	if (error == 0)
		error = pthread_create(&thread, &attr, worker, v);
	(void)pthread_attr_destroy(&attr);
	if (error) {
		(void)munmap(stack, STACK_SIZE);
		return error;
	}
	(void)pthread_detach(thread);
	nworkers++;
	nreceiving++;
	return 0;
}

int
worker_start(void)
{
	int error;

	/* Linux 6.6; before it calls are only slower. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	(void)pthread_mutex_lock(&workers_lock);
	error = worker_make_locked();
	(void)pthread_mutex_unlock(&workers_lock);
	return error;
}

/* A call was taken: who waits for the next one? */
static void
replace_me(void)
{
	(void)pthread_mutex_lock(&workers_lock);
	if (--nreceiving == 0) {
		if (nresting > 0) {
			nresting--;
			nreceiving++;
			(void)pthread_cond_signal(&workers_wanted);
		} else {
			(void)worker_make_locked();
		}
	}
	(void)pthread_mutex_unlock(&workers_lock);
}

static void
come_back(void)
{
	(void)pthread_mutex_lock(&workers_lock);
	if (nreceiving == 0) {
		nreceiving++;
	} else {
		nresting++;
		/* Who calls us counts us. */
		(void)pthread_cond_wait(&workers_wanted, &workers_lock);
	}
	(void)pthread_mutex_unlock(&workers_lock);
}

/*
 * When nobody has the filter any more the host has no calls for us and says so at once, each time.
 * We all end with the main thread then, which needs the processor for that: who asks again and
 * again under a real-time scheduler would keep it from it for ever.
 */
static void
rest_if_over(void)
{
	struct pollfd pfd = { .fd = listener };

	if (poll(&pfd, 1, 0) != 1 || (pfd.revents & POLLHUP) == 0)
		return;
	for (;;)
		(void)pause();
}

static void *
worker(void *arg)
{
	struct visit *v = arg;
	sigset_t set;

	visit = v;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	atomic_store(&v->v_tid, (pid_t)host_syscall(SYS_gettid, 0));
	for (;;) {
		memset(&v->v_call, 0, sizeof(v->v_call));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &v->v_call) != 0) {
			/* It was killed meanwhile, or a signal of watch.c. */
			if (errno == ENOENT)
				rest_if_over();
			continue;
		}
		if (!sleeps(v->v_call.data.nr)) {
			serve(v);
			continue;
		}
		replace_me();
		watch_hint();
		serve(v);
		come_back();
	}
	return NULL;
}
