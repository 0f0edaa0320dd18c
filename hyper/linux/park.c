/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * park.c - sleeping on a word: the futex of the Linux host
 */

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#define NSEC_PER_SEC	1000000000

static int
futex_op(int op, int flags)
{

	return (flags & RUMPUSER_PARK_SHARED) != 0 ? op :
	    op | FUTEX_PRIVATE_FLAG;
}

int
rumpuser_park(uint32_t *word, uint32_t expected, int flags, int64_t deadline)
{
	struct timespec ts, *tsp = NULL;

	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != expected)
		return EAGAIN;

	/*
	 * An endless wait would be taken up again after a signal whose handler
	 * has SA_RESTART, one with a time is not.
	 */
	if (deadline != RUMPUSER_NOTIME || (flags & RUMPUSER_PARK_INTR) != 0) {
		if (deadline < 0)
			deadline = 0;
		ts.tv_sec = deadline / NSEC_PER_SEC;
		ts.tv_nsec = deadline % NSEC_PER_SEC;
		tsp = &ts;
	}
	if (syscall(SYS_futex, word, futex_op(FUTEX_WAIT_BITSET, flags),
	    expected, tsp, NULL, FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	if (errno == EINTR && (flags & RUMPUSER_PARK_INTR) == 0)
		return 0;
	return errno;
}

unsigned int
rumpuser_unpark(uint32_t *word, unsigned int n, int flags)
{
	long woken;

	if (n > INT_MAX)
		n = INT_MAX;
	woken = syscall(SYS_futex, word, futex_op(FUTEX_WAKE, flags), n, NULL,
	    NULL, 0);
	return woken > 0 ? (unsigned int)woken : 0;
}
