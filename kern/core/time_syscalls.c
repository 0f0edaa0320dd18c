/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * time_syscalls.c - the system calls that read, set and wait for clocks
 *
 * Few clocks stand behind all numbers: the host's monotonic time, our wall
 * clock, and the CPU times of process and thread.  Sleeping until a wall clock time ends
 * when the clock is set past it: such sleepers wait on one condition which
 * clock_settime() wakes; all others have their own.
 *
 * References: clock_gettime(2), clock_nanosleep(2), nanosleep(2),
 * gettimeofday(2), time(2).
 */

#include <sys/ktime.h>

#include <abi/sysargs.h>
#include <linux/time.h>
#include <rump/rumpuser.h>
#include <sys/condvar.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/vcpu.h>

enum clock_base {
	BASE_NONE, BASE_WALL, BASE_MONO, BASE_PROC, BASE_THREAD, BASE_NORTC,
};

#define CLOCK_COARSE	0x01
#define CLOCK_SETTABLE	0x02
#define CLOCK_SLEEP	0x04

static const struct clockdesc {
	enum clock_base	 cd_base;
	unsigned int	 cd_flags;
} clocks[] = {
	[CLOCK_REALTIME]	= { BASE_WALL, CLOCK_SETTABLE | CLOCK_SLEEP },
	[CLOCK_MONOTONIC]	= { BASE_MONO, CLOCK_SLEEP },
	[CLOCK_PROCESS_CPUTIME_ID] = { BASE_PROC, CLOCK_SLEEP },
	[CLOCK_THREAD_CPUTIME_ID] = { BASE_THREAD, 0 },
	[CLOCK_MONOTONIC_RAW]	= { BASE_MONO, 0 },
	[CLOCK_REALTIME_COARSE]	= { BASE_WALL, CLOCK_COARSE },
	[CLOCK_MONOTONIC_COARSE] = { BASE_MONO, CLOCK_COARSE },
	[CLOCK_BOOTTIME]	= { BASE_MONO, CLOCK_SLEEP },
	/* Clocks that wake a machine are those of one that has no such clock. */
	[CLOCK_REALTIME_ALARM]	= { BASE_NORTC, CLOCK_SLEEP },
	[CLOCK_BOOTTIME_ALARM]	= { BASE_NORTC, CLOCK_SLEEP },
	[CLOCK_SGI_CYCLE]	= { BASE_NONE, 0 },
	[CLOCK_TAI]		= { BASE_WALL, CLOCK_SLEEP },
};

/*
 * Negative clocks are CPU clocks of a proc or thread: the inverted number
 * times 8, plus 4 for a thread's, plus its kind, of which 3 is none.
 */
static const struct clockdesc clock_cpu_proc = { BASE_PROC, CLOCK_SLEEP };
static const struct clockdesc clock_cpu_thread = { BASE_THREAD, CLOCK_SLEEP };

#define CPUCLOCK_ID(clock)	(~((clock) >> 3))
#define CPUCLOCK_THREAD		4
#define CPUCLOCK_KIND		3

#define COARSE_RES	4000000		/* ns: what Linux says at 250 Hz */
#define CPU_NAP		1000000		/* ns between looks at a CPU clock */

_Static_assert(sizeof(struct timespec64) == sizeof(struct __kernel_timespec),
    "clients' times are copied as they are");

static kmutex_t wall_lock = { .m_name = "wall sleepers" };
static kcondvar_t wall_cv = { .cv_name = "wall sleepers" };

/* Those of others are not known here. */
static const struct clockdesc *
clock_find_cpu(struct lwp *l, int clockid)
{
	int id = CPUCLOCK_ID(clockid);

	if ((clockid & CPUCLOCK_KIND) == CPUCLOCK_KIND)
		return NULL;
	if ((clockid & CPUCLOCK_THREAD) != 0)
		return id == 0 || id == l->l_lid ? &clock_cpu_thread : NULL;
	return id == 0 || id == l->l_proc->p_pid ? &clock_cpu_proc : NULL;
}

static const struct clockdesc *
clock_find(struct lwp *l, int clockid)
{
	if (clockid < 0)
		return clock_find_cpu(l, clockid);
	if ((size_t)clockid >= ARRAY_SIZE(clocks) ||
	    clocks[clockid].cd_base == BASE_NONE)
		return NULL;
	return &clocks[clockid];
}

/* The same, if it can be read. */
static const struct clockdesc *
clock_find_read(struct lwp *l, int clockid)
{
	const struct clockdesc *cd = clock_find(l, clockid);

	return cd != NULL && cd->cd_base != BASE_NORTC ? cd : NULL;
}

static int64_t
clock_read(const struct clockdesc *cd)
{
	switch (cd->cd_base) {
	case BASE_WALL:
		return (cd->cd_flags & CLOCK_COARSE) != 0 ?
		    clock_wall_coarse() : clock_wall();
	case BASE_PROC:
		return rumpuser_clock_gettime(RUMPUSER_CLOCK_CPU);
	case BASE_THREAD:
		return rumpuser_clock_gettime(RUMPUSER_CLOCK_THREAD);
	default:
		return clock_mono();
	}
}

static int
copyout_time(int64_t ns, struct __kernel_timespec *uts)
{
	struct timespec64 ts = ktime_to_timespec(ns);

	return copyout(&ts, uts, sizeof(ts));
}

/* --- reading and setting ------------------------------------------------- */

int
sys_clock_gettime(struct lwp *l, int clockid, struct __kernel_timespec *tp,
    long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find_read(l, clockid);

	return cd == NULL ? EINVAL : copyout_time(clock_read(cd), tp);
}

int
sys_clock_getres(struct lwp *l, int clockid, struct __kernel_timespec *res,
    long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find_read(l, clockid);

	if (cd == NULL)
		return EINVAL;
	if (res == NULL)
		return 0;
	return copyout_time((cd->cd_flags & CLOCK_COARSE) != 0 ?
	    COARSE_RES : 1, res);
}

/* The time is valid; the caller may still not be allowed to. */
static int
wall_set(int64_t ns)
{
	int error;

	if (!cred_capable(curcred(), CAP_SYS_TIME))
		return EPERM;
	mutex_enter(&wall_lock);
	error = clock_wall_set(ns);
	cv_broadcast(&wall_cv);
	mutex_exit(&wall_lock);
	return error;
}

int
sys_clock_settime(struct lwp *l, int clockid,
    const struct __kernel_timespec *tp, long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find(l, clockid);
	struct timespec64 ts;
	int64_t ns;
	int error;

	if (clockid < 0 && cd != NULL)
		return EPERM;
	if (cd == NULL || (cd->cd_flags & CLOCK_SETTABLE) == 0)
		return EINVAL;
	error = copyin(tp, &ts, sizeof(ts));
	if (error == 0)
		error = ktime_from_timespec(&ts, &ns);
	return error ? error : wall_set(ns);
}

int
sys_gettimeofday(struct lwp *l __unused_arg, struct __kernel_old_timeval *utv,
    void *tz, long *ret __unused_arg)
{
	static const int32_t utc[2];	/* struct timezone */
	struct __kernel_old_timeval tv;
	struct timespec64 ts;
	int error = 0;

	if (utv != NULL) {
		ts = ktime_to_timespec(clock_wall());
		tv.tv_sec = ts.tv_sec;
		tv.tv_usec = ts.tv_nsec / 1000;
		error = copyout(&tv, utv, sizeof(tv));
	}
	if (error == 0 && tz != NULL)
		error = copyout(utc, tz, sizeof(utc));
	return error;
}

/* A time zone is checked and forgotten, as every kernel should. */
int
sys_settimeofday(struct lwp *l __unused_arg,
    const struct __kernel_old_timeval *utv, const void *tz,
    long *ret __unused_arg)
{
	struct __kernel_old_timeval tv;
	struct timespec64 ts;
	int32_t zone[2];
	int64_t ns;
	int error;

	if (utv != NULL) {
		error = copyin(utv, &tv, sizeof(tv));
		if (error)
			return error;
		if (tv.tv_usec < 0 || tv.tv_usec > 999999)
			return EINVAL;
	}
	if (tz != NULL) {
		error = copyin(tz, zone, sizeof(zone));
		if (error)
			return error;
		if (zone[0] < -15 * 60 || zone[0] > 15 * 60)
			return EINVAL;
	}
	if (utv == NULL)
		return cred_capable(curcred(), CAP_SYS_TIME) ? 0 : EPERM;
	ts = (struct timespec64){ tv.tv_sec, tv.tv_usec * 1000 };
	error = ktime_from_timespec(&ts, &ns);
	return error ? error : wall_set(ns);
}

int
sys_time(struct lwp *l __unused_arg, long *tloc, long *ret)
{
	long now = ktime_to_timespec(clock_wall()).tv_sec;
	int error;

	if (tloc != NULL) {
		error = copyout(&now, tloc, sizeof(now));
		if (error)
			return error;
	}
	*ret = now;
	return 0;
}

/* --- sleeping ------------------------------------------------------------ */

/* Until a time of clock_mono(): 0, or EINTR. */
static int
sleep_mono(int64_t deadline)
{
	kmutex_t lock;
	kcondvar_t cv;
	int error = 0;

	mutex_init(&lock, "nanosleep");
	cv_init(&cv, "nanosleep");
	mutex_enter(&lock);
	while (error == 0 && clock_mono() < deadline)
		error = cv_timedwait_sig(&cv, &lock, deadline);
	mutex_exit(&lock);
	cv_destroy(&cv);
	mutex_destroy(&lock);
	return error == ETIMEDOUT ? 0 : error;
}

/* Until a time of clock_wall(), whatever becomes of that clock. */
static int
sleep_wall(int64_t until)
{
	int64_t left;
	int error = 0;

	mutex_enter(&wall_lock);
	while (error == 0 && (left = until - clock_wall()) > 0) {
		error = cv_timedwait_sig(&wall_cv, &wall_lock,
		    ktime_deadline(left));
		if (error == ETIMEDOUT)
			error = 0;
	}
	mutex_exit(&wall_lock);
	return error;
}

/*
 * Until the process has used so much time: it cannot come sooner than if all
 * seats were busy.  *ret_left is what was not used yet.
 */
static int
sleep_cpu(int64_t until, int64_t *ret_left)
{
	int64_t left, nap;
	int error = 0;

	for (;;) {
		left = until - rumpuser_clock_gettime(RUMPUSER_CLOCK_CPU);
		if (left <= 0)
			return 0;
		*ret_left = left;
		if (error)
			return error;
		nap = left / vcpu_count;
		error = sleep_mono(ktime_deadline(nap > CPU_NAP ? nap : CPU_NAP));
	}
}

/* An interrupted sleeper is told what was left; there may be nothing. */
static int
sleep_interrupted(int64_t left, struct __kernel_timespec *uleft)
{
	int fault;

	if (left <= 0)
		return 0;
	fault = uleft != NULL ? copyout_time(left, uleft) : 0;
	return fault ? fault : EINTR;
}

static int
sleep_relative(enum clock_base base, int64_t ns,
    struct __kernel_timespec *uleft)
{
	int64_t deadline, left;
	int error;

	if (base == BASE_PROC) {
		deadline = rumpuser_clock_gettime(RUMPUSER_CLOCK_CPU);
		if (__builtin_add_overflow(deadline, ns, &deadline))
			deadline = KTIME_NEVER;
		error = sleep_cpu(deadline, &left);
		return error ? sleep_interrupted(left, uleft) : 0;
	}
	deadline = ktime_deadline(ns);
	error = sleep_mono(deadline);
	return error ? sleep_interrupted(deadline - clock_mono(), uleft) : 0;
}

static int
sleep_absolute(enum clock_base base, int64_t until)
{
	int64_t left;

	switch (base) {
	case BASE_WALL:
		return sleep_wall(until);
	case BASE_PROC:
		return sleep_cpu(until, &left);
	default:
		return sleep_mono(until);
	}
}

int
sys_nanosleep(struct lwp *l __unused_arg,
    const struct __kernel_timespec *request, struct __kernel_timespec *remain,
    long *ret __unused_arg)
{
	struct timespec64 ts;
	int64_t ns;
	int error;

	error = copyin(request, &ts, sizeof(ts));
	if (error == 0)
		error = ktime_from_timespec(&ts, &ns);
	return error ? error : sleep_relative(BASE_MONO, ns, remain);
}

int
sys_clock_nanosleep(struct lwp *l, int clockid, int flags,
    const struct __kernel_timespec *request, struct __kernel_timespec *remain,
    long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find(l, clockid);
	struct timespec64 ts;
	int64_t ns;
	int error;

	if (cd == NULL)
		return EINVAL;
	if ((cd->cd_flags & CLOCK_SLEEP) == 0)
		return EOPNOTSUPP;
	error = copyin(request, &ts, sizeof(ts));
	if (error == 0)
		error = ktime_from_timespec(&ts, &ns);
	if (error)
		return error;
	if (cd->cd_base == BASE_NORTC)
		return EOPNOTSUPP;
	if (cd->cd_base == BASE_THREAD)
		return EINVAL;		/* it would not wake up to see */
	return (flags & TIMER_ABSTIME) == 0 ?
	    sleep_relative(cd->cd_base, ns, remain) :
	    sleep_absolute(cd->cd_base, ns);
}
