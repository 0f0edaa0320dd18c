/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * clock.c - time of the Linux host, read without entering its kernel
 */

#include <time.h>

#include <rump/rumpuser.h>

int64_t
rumpuser_clock_gettime(int clock)
{
	static const clockid_t clockid[] = {
		[RUMPUSER_CLOCK_WALL] = CLOCK_REALTIME,
		[RUMPUSER_CLOCK_MONO] = CLOCK_MONOTONIC,
		[RUMPUSER_CLOCK_CPU] = CLOCK_PROCESS_CPUTIME_ID,
		[RUMPUSER_CLOCK_WALL_COARSE] = CLOCK_REALTIME_COARSE,
		[RUMPUSER_CLOCK_THREAD] = CLOCK_THREAD_CPUTIME_ID,
	};
	struct timespec ts;

	if (clock < 0 || clock > RUMPUSER_CLOCK_THREAD)
		return 0;
	(void)clock_gettime(clockid[clock], &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
