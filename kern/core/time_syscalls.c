/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * time_syscalls.c - the system calls that read, set and wait for clocks
 *
 * Three clocks stand behind all numbers: the host's monotonic time, our wall
 * clock and the process's CPU time.  Sleeping until a wall clock time ends
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

enum clock_base { BASE_WALL, BASE_MONO, BASE_CPU, BASE_NONE };

#define CLOCK_COARSE	0x01
#define CLOCK_SETTABLE	0x02
#define CLOCK_SLEEP	0x04

static const struct clockdesc {
	enum clock_base	 cd_base;
	unsigned int	 cd_flags;
} clocks[] = {
	[CLOCK_REALTIME]	= { BASE_WALL, CLOCK_SETTABLE | CLOCK_SLEEP },
	[CLOCK_MONOTONIC]	= { BASE_MONO, CLOCK_SLEEP },
	[CLOCK_PROCESS_CPUTIME_ID] = { BASE_CPU, 0 },
	/* NEEDSWORK: a thread's CPU time needs a hypercall. */
	[CLOCK_THREAD_CPUTIME_ID] = { BASE_NONE, 0 },
	[CLOCK_MONOTONIC_RAW]	= { BASE_MONO, 0 },
	[CLOCK_REALTIME_COARSE]	= { BASE_WALL, CLOCK_COARSE },
	[CLOCK_MONOTONIC_COARSE] = { BASE_MONO, CLOCK_COARSE },
	[CLOCK_BOOTTIME]	= { BASE_MONO, CLOCK_SLEEP },
	[CLOCK_REALTIME_ALARM]	= { BASE_WALL, 0 },
	[CLOCK_BOOTTIME_ALARM]	= { BASE_MONO, 0 },
	[CLOCK_SGI_CYCLE]	= { BASE_NONE, 0 },
	[CLOCK_TAI]		= { BASE_WALL, CLOCK_SLEEP },
};

#define COARSE_RES	4000000		/* ns: what Linux says at 250 Hz */

_Static_assert(sizeof(struct timespec64) == sizeof(struct __kernel_timespec),
    "clients' times are copied as they are");

static kmutex_t wall_lock = { .m_name = "wall sleepers" };
static kcondvar_t wall_cv = { .cv_name = "wall sleepers" };

static const struct clockdesc *
clock_find(int clockid)
{
	if (clockid < 0 || (size_t)clockid >= ARRAY_SIZE(clocks) ||
	    clocks[clockid].cd_base == BASE_NONE)
		return NULL;
	return &clocks[clockid];
}

static int64_t
clock_read(const struct clockdesc *cd)
{
	switch (cd->cd_base) {
	case BASE_WALL:
		return (cd->cd_flags & CLOCK_COARSE) != 0 ?
		    clock_wall_coarse() : clock_wall();
	case BASE_CPU:
		return rumpuser_clock_gettime(RUMPUSER_CLOCK_CPU);
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
sys_clock_gettime(struct lwp *l __unused_arg, int clockid,
    struct __kernel_timespec *tp, long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find(clockid);

	return cd == NULL ? EINVAL : copyout_time(clock_read(cd), tp);
}

int
sys_clock_getres(struct lwp *l __unused_arg, int clockid,
    struct __kernel_timespec *res, long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find(clockid);

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
sys_clock_settime(struct lwp *l __unused_arg, int clockid,
    const struct __kernel_timespec *tp, long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find(clockid);
	struct timespec64 ts;
	int64_t ns;
	int error;

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

/* For ns; an interrupted sleeper is told what was left. */
static int
sleep_relative(int64_t ns, struct __kernel_timespec *uleft)
{
	int64_t deadline = ktime_deadline(ns), left;
	int error, fault;

	error = sleep_mono(deadline);
	if (error != EINTR || uleft == NULL)
		return error;
	left = deadline - clock_mono();
	if (left <= 0)
		return 0;
	fault = copyout_time(left, uleft);
	return fault ? fault : EINTR;
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
	return error ? error : sleep_relative(ns, remain);
}

int
sys_clock_nanosleep(struct lwp *l __unused_arg, int clockid, int flags,
    const struct __kernel_timespec *request, struct __kernel_timespec *remain,
    long *ret __unused_arg)
{
	const struct clockdesc *cd = clock_find(clockid);
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
	if ((flags & TIMER_ABSTIME) == 0)
		return sleep_relative(ns, remain);
	return cd->cd_base == BASE_WALL ? sleep_wall(ns) : sleep_mono(ns);
}
