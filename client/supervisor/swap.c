/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * swap.c - placeholders that step aside
 *
 * A call that is to go on with another file than the placeholder finds it at its descriptor's
 * number.  Afterwards nobody tells us; but a thread that calls again has come back, and
 * then the placeholder returns.
 *
 * References: seccomp_unotify(2), proc_pid_fdinfo(5).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

/* A descriptor that is another file until its thread comes back.  Field key:  l  swaps_lock */
struct swap {
	struct swap	*sw_next;	/* l: of the target */
	pid_t		 sw_tid;
	unsigned int	 sw_n;
	int32_t		 sw_entry;
	int		 sw_fd;		/* the placeholder, so that it does not hang up */
	bool		 sw_cloexec;
};

static pthread_mutex_t swaps_lock = PTHREAD_MUTEX_INITIALIZER;

static bool
closes_on_exec(unsigned long n)
{
	char name[64], text[256], *at;
	ssize_t len;
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%d/fdinfo/%lu", visit->v_target->t_pid, n);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[len > 0 ? len : 0] = '\0';
	at = strstr(text, "flags:");
	return at != NULL && (strtoul(at + 6, NULL, 8) & O_CLOEXEC) != 0;
}

long
swap_begin(unsigned long n, int memfd)
{
	struct target *t = visit->v_target;
	struct swap *sw = calloc(1, sizeof(*sw));
	long ret;

	if (sw == NULL)
		return -ENOMEM;
	*sw = (struct swap){ .sw_tid = (pid_t)visit->v_call.pid, .sw_n = (unsigned int)n,
	    .sw_entry = target_entry(t, n), .sw_fd = host_borrow(n), .sw_cloexec = closes_on_exec(n) };
	ret = sw->sw_fd < 0 ? sw->sw_fd : visit_give(memfd, (long)n, sw->sw_cloexec);
	if (ret < 0) {
		host_return(sw->sw_fd);
		free(sw);
		return ret;
	}
	(void)pthread_mutex_lock(&swaps_lock);
	sw->sw_next = t->t_swaps;
	__atomic_store_n(&t->t_swaps, sw, __ATOMIC_RELEASE);
	(void)pthread_mutex_unlock(&swaps_lock);
	return CALL_GOES_ON;
}

/* The first of the thread's, out of the list; tid 0: of any. */
static struct swap *
swap_take(struct target *t, pid_t tid)
{
	struct swap **link, *sw;

	(void)pthread_mutex_lock(&swaps_lock);
	for (link = &t->t_swaps; (sw = *link) != NULL; link = &sw->sw_next) {
		if (tid == 0 || sw->sw_tid == tid)
			break;
	}
	if (sw != NULL)
		__atomic_store_n(link, sw->sw_next, __ATOMIC_RELEASE);
	(void)pthread_mutex_unlock(&swaps_lock);
	return sw;
}

void
swap_end(struct target *t, pid_t tid, bool all)
{
	struct swap *sw;

	if (__atomic_load_n(&t->t_swaps, __ATOMIC_ACQUIRE) == NULL)
		return;
	while ((sw = swap_take(t, all ? 0 : tid)) != NULL) {
		/* Somebody may have closed it meanwhile. */
		if (target_entry(t, sw->sw_n) == sw->sw_entry)
			(void)visit_give(sw->sw_fd, sw->sw_n, sw->sw_cloexec);
		(void)close(sw->sw_fd);
		free(sw);
	}
}

void
swap_forget(struct target *t)
{
	struct swap *sw;

	while ((sw = swap_take(t, 0)) != NULL) {
		(void)close(sw->sw_fd);
		free(sw);
	}
}
