/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostcall.c - the host's system calls, without the C library
 *
 * The library lives inside programs whose C library may have been turned over
 * to it, and in signal handlers: so it makes its calls by itself.
 */

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

#include "client_impl.h"

static long
hostcall_raw(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(nr), "D"(a), "S"(b),
	    "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2),
	    "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#endif
}

static rumpclient_hostcall_fn *hostcall_fn = hostcall_raw;
bool hostcall_foreign;
int host_fdmin = 3;

void
rumpclient_sethostcall(rumpclient_hostcall_fn *fn)
{
	hostcall_fn = fn;
	hostcall_foreign = true;
}

long
hostcall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (unsigned int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return hostcall_fn(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/*
 * Without a time the host takes the wait up again after a signal whose handler has
 * SA_RESTART; with one, however far away, it does not (futex(2), signal(7)).
 */
long
host_futex_wait(uint32_t *word, uint32_t expected, bool restart)
{
	struct timespec never = { .tv_sec = INT64_MAX };

	return hostcall(SYS_futex, word, (long)FUTEX_WAIT_BITSET, (long)expected,
	    restart ? NULL : &never, 0L, (long)FUTEX_BITSET_MATCH_ANY);
}

void
host_futex_wait_ms(uint32_t *word, uint32_t expected, unsigned int ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	(void)hostcall(SYS_futex, word, (long)FUTEX_WAIT, (long)expected, &ts, 0L,
	    0L);
}

void
host_futex_wake(uint32_t *word)
{
	(void)hostcall(SYS_futex, word, (long)FUTEX_WAKE, 1L, 0L, 0L, 0L);
}

void
host_sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
	    .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)hostcall(SYS_nanosleep, &ts, 0L, 0L, 0L, 0L, 0L);
}

int64_t
host_now_ms(void)
{
	struct timespec ts = { 0 };

	(void)hostcall(SYS_clock_gettime, (long)CLOCK_MONOTONIC, &ts, 0L, 0L, 0L,
	    0L);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void *
host_map(size_t len, int fd)
{
	long flags = fd == -1 ? MAP_PRIVATE | MAP_ANONYMOUS :
	    MAP_SHARED | MAP_NORESERVE;
	long ptr = hostcall(SYS_mmap, 0L, len, (long)(PROT_READ | PROT_WRITE),
	    flags, (long)fd, 0L);

	return (unsigned long)ptr > -4096UL ? NULL : (void *)ptr;
}

void
host_unmap(void *ptr, size_t len)
{
	(void)hostcall(SYS_munmap, ptr, len, 0L, 0L, 0L, 0L);
}

int
host_fd_park(int fd)
{
	long moved;

	if (fd >= host_fdmin)
		return fd;
	moved = hostcall(SYS_fcntl, (long)fd, (long)F_DUPFD_CLOEXEC,
	    (long)host_fdmin, 0L, 0L, 0L);
	/* Where numbers do not go so far it stays in the way. */
	if (moved < 0)
		return fd;
	(void)hostcall(SYS_close, (long)fd, 0L, 0L, 0L, 0L, 0L);
	return (int)moved;
}

void
host_close(int fd)
{
	(void)hostcall(SYS_close, (long)fd, 0L, 0L, 0L, 0L, 0L);
}

/* --- who manages descriptors ------------------------------------------------------ */

static rumpclient_fdnotify_fn *fdnotify;

void
rumpclient_setfdnotify(rumpclient_fdnotify_fn *fn)
{
	fdnotify = fn;
}

void
host_fd_ours(int fd, bool ours)
{
	if (fdnotify != NULL)
		fdnotify(fd, ours);
}

/* --- a lock ----------------------------------------------------------------------- */

static void
host_sigmask(int how, const uint64_t *set, uint64_t *old)
{
	(void)hostcall(SYS_rt_sigprocmask, (long)how, set, old,
	    (long)sizeof(*set), 0L, 0L);
}

void
host_signals_block(uint64_t *ret_old)
{
	uint64_t all = ~0ULL;

	*ret_old = 0;
	host_sigmask(SIG_BLOCK, &all, ret_old);
}

void
host_signals_restore(const uint64_t *old)
{
	host_sigmask(SIG_SETMASK, old, NULL);
}

void
rclock_enter(struct rclock *l)
{
	uint32_t none = 0;
	uint64_t old;

	host_signals_block(&old);
	if (!__atomic_compare_exchange_n(&l->rl_word, &none, 1, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		while (__atomic_exchange_n(&l->rl_word, 2, __ATOMIC_ACQUIRE) != 0)
			(void)host_futex_wait(&l->rl_word, 2, true);
	}
	l->rl_sigmask = old;
}

void
rclock_exit(struct rclock *l)
{
	uint64_t old = l->rl_sigmask;

	if (__atomic_exchange_n(&l->rl_word, 0, __ATOMIC_RELEASE) == 2)
		host_futex_wake(&l->rl_word);
	host_sigmask(SIG_SETMASK, &old, NULL);
}

/* --- room for descriptors of our own ----------------------------------------------------- */

static struct rclock room_lock;

void
host_room_enter(struct host_room *hr)
{
	uint64_t wide[2];

	hr->hr_raised = false;
	rclock_enter(&room_lock);
	if (hostcall(SYS_prlimit64, 0L, (long)RLIMIT_NOFILE, NULL, hr->hr_limit, 0L, 0L) != 0 ||
	    hr->hr_limit[0] >= hr->hr_limit[1])
		return;
	wide[0] = wide[1] = hr->hr_limit[1];
	hr->hr_raised = hostcall(SYS_prlimit64, 0L, (long)RLIMIT_NOFILE, wide, NULL, 0L, 0L) == 0;
}

void
host_room_leave(struct host_room *hr)
{
	if (hr->hr_raised)
		(void)hostcall(SYS_prlimit64, 0L, (long)RLIMIT_NOFILE, hr->hr_limit, NULL, 0L, 0L);
	rclock_exit(&room_lock);
}

void
host_room_forked(void)
{
	room_lock.rl_word = 0;
}
