/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ktime.c - clocks
 *
 * The monotonic clock is the host's.  The wall clock is the host's plus an
 * offset of our own: setting it moves this kernel's time and nobody else's.
 */

#include <sys/ktime.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/lwp.h>

/* Linux bounds the wall clock to what leaves room for 30 years of uptime. */
#define WALL_MAX	(INT64_MAX - 30LL * 365 * 24 * 3600 * NSEC_PER_SEC)

static int64_t wall_offset;		/* a */
static void (*wall_listener)(void);	/* a: told when the offset has moved */

int64_t
clock_mono(void)
{
	int64_t now = rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
	struct lwp *l = curlwp();

	if (l != NULL)
		l->l_clock = now;
	return now;
}

int64_t
clock_wall(void)
{
	return rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL) +
	    atomic_load(&wall_offset);
}

int64_t
clock_wall_coarse(void)
{
	return rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL_COARSE) +
	    atomic_load(&wall_offset);
}

void
clock_wall_listen(void (*fn)(void))
{
	atomic_store_rel(&wall_listener, fn);
}

int
clock_wall_set(int64_t ns)
{
	void (*fn)(void) = atomic_load_acq(&wall_listener);

	if (ns < 0 || ns > WALL_MAX)
		return EINVAL;
	atomic_store(&wall_offset,
	    ns - rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL));
	if (fn != NULL)
		fn();
	return 0;
}

int64_t
ktime_deadline(int64_t relative)
{
	int64_t deadline;

	if (relative < 0)
		relative = 0;
	if (__builtin_add_overflow(clock_mono(), relative, &deadline))
		return KTIME_NEVER;
	return deadline;
}

int
ktime_from_timespec(const struct timespec64 *ts, int64_t *ret_ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return EINVAL;
	if (ts->tv_sec >= INT64_MAX / NSEC_PER_SEC)
		*ret_ns = KTIME_NEVER;
	else
		*ret_ns = ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
	return 0;
}
