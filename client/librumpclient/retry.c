/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * retry.c - a server that is gone, and what is lost with it
 *
 * The next call finds that there is no session and, if the policy says so, tries to
 * make another one.  That is a new proc of a new kernel.  Descriptors from
 * before must not be taken for its own: their numbers are given to files that
 * answer ECONNRESET, until the program closes them.
 *
 * Which numbers these are is noted as calls return them.  Descriptors that came
 * in messages are not noted.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client_impl.h"

#define FDS_MAX		4096
#define PAUSE_MS	50
#define EXIT_DIE	10

static time_t retry_seconds;		/* a: or RUMPCLIENT_RETRYCONN_* */
static uint64_t fds_open[FDS_MAX / 64];	/* a */
static uint64_t fds_old[FDS_MAX / 64];	/* a: of a kernel that is gone */
static uint32_t fds_anyold;		/* a */

/* --- descriptors -------------------------------------------------------------------- */

void
fds_opened(long fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		__atomic_fetch_or(&fds_open[fd / 64], 1ULL << (fd % 64),
		    __ATOMIC_RELAXED);
}

void
fds_closed(unsigned long first, unsigned long last)
{
	for (unsigned long fd = first; fd <= last && fd < FDS_MAX; fd++) {
		__atomic_fetch_and(&fds_open[fd / 64], ~(1ULL << (fd % 64)),
		    __ATOMIC_RELAXED);
		__atomic_fetch_and(&fds_old[fd / 64], ~(1ULL << (fd % 64)),
		    __ATOMIC_RELAXED);
	}
}

bool
fds_lost(unsigned long fd)
{
	if (__builtin_expect(__atomic_load_n(&fds_anyold, __ATOMIC_RELAXED) == 0,
	    1) || fd >= FDS_MAX)
		return false;
	return (__atomic_load_n(&fds_old[fd / 64], __ATOMIC_RELAXED) >> (fd % 64) &
	    1) != 0;
}

bool
fds_known(unsigned long fd)
{
	return fd < FDS_MAX && (__atomic_load_n(&fds_open[fd / 64],
	    __ATOMIC_RELAXED) >> (fd % 64) & 1) != 0;
}

/* By the thread that made the new session; others may be faster with theirs. */
static void
fds_bury(void)
{
	for (unsigned long fd = 0; fd < FDS_MAX; fd++) {
		unsigned long args[6] = { fd };

		if ((fds_open[fd / 64] >> (fd % 64) & 1) == 0)
			continue;
		if (rumpclient_syscall_args(SP_NR_LOST, args) != 0)
			continue;
		__atomic_fetch_or(&fds_old[fd / 64], 1ULL << (fd % 64),
		    __ATOMIC_RELAXED);
		__atomic_store_n(&fds_anyold, 1, __ATOMIC_RELAXED);
	}
}

/* --- policy ---------------------------------------------------------------------------- */

int
rumpclient_setconnretry(time_t seconds)
{
	if (seconds < RUMPCLIENT_RETRYCONN_DIE) {
		errno = EINVAL;
		return -1;
	}
	__atomic_store_n(&retry_seconds, seconds, __ATOMIC_RELAXED);
	return 0;
}

void
retry_environment(void)
{
	const char *value = getenv("RUMPCLIENT_RETRYCONN");
	char *end;
	long n;

	if (value == NULL)
		return;
	if (strcmp(value, "once") == 0)
		retry_seconds = RUMPCLIENT_RETRYCONN_ONCE;
	else if (strcmp(value, "inftime") == 0)
		retry_seconds = RUMPCLIENT_RETRYCONN_INFTIME;
	else if (strcmp(value, "die") == 0)
		retry_seconds = RUMPCLIENT_RETRYCONN_DIE;
	else if ((n = strtol(value, &end, 10)) >= 0 && *end == '\0')
		retry_seconds = n;
}

int
retry(void)
{
	time_t policy = __atomic_load_n(&retry_seconds, __ATOMIC_RELAXED);
	int64_t until = host_now_ms() + policy * 1000;
	char url[sizeof(session.s_url)];
	int error = -ENOTCONN;

	if (!session.s_gone || policy == 0)
		return -ENOTCONN;
	if (policy == RUMPCLIENT_RETRYCONN_DIE)
		(void)hostcall(SYS_exit_group, (long)EXIT_DIE, 0L, 0L, 0L, 0L, 0L);
	memcpy(url, session.s_url, sizeof(url));
	for (;;) {
		error = session_open(url);
		if (error == 0)
			break;
		if (policy == RUMPCLIENT_RETRYCONN_ONCE ||
		    (policy > 0 && host_now_ms() >= until))
			return -ENOTCONN;
		host_sleep_ms(PAUSE_MS);
	}
	fds_bury();
	return 0;
}
