/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pollsrc.c - sources of readiness and those who watch them
 *
 * A source is a list of watchers.  Nobody watches most sources most of the
 * time, so a wake-up first looks at their number and mostly ends there.
 *
 * Exclusive watchers (EPOLLEXCLUSIVE) stand at the tail of the list.  A
 * wake-up tells all others, and of the exclusive ones the first that cares,
 * which then goes to the end, so that they take turns.
 */

#include <sys/poll.h>

#include <sys/atomic.h>
#include <sys/kassert.h>

void
pollsrc_init(struct pollsrc *ps)
{
	mutex_init(&ps->ps_lock, "pollsrc");
	list_init(&ps->ps_watchers);
	ps->ps_nwatchers = 0;
}

static struct pollwatch *
watch_of(struct list_node *n)
{
	return container_of(n, struct pollwatch, pw_link);
}

static void
pollsrc_remove_locked(struct pollsrc *ps, struct pollwatch *pw)
    REQUIRES(ps->ps_lock)
{
	list_remove(&pw->pw_link);
	atomic_sub(&ps->ps_nwatchers, 1);
	atomic_store_rel(&pw->pw_src, NULL);
}

void
pollsrc_fini(struct pollsrc *ps)
{
	struct list_node *n;

	mutex_enter(&ps->ps_lock);
	while ((n = list_first(&ps->ps_watchers)) != NULL) {
		(void)watch_of(n)->pw_wake(watch_of(n), POLLHUP | POLLFREE);
		pollsrc_remove_locked(ps, watch_of(n));
	}
	mutex_exit(&ps->ps_lock);
	mutex_destroy(&ps->ps_lock);
}

void
pollsrc_watch(struct pollsrc *ps, struct pollwatch *pw)
{
	mutex_enter(&ps->ps_lock);
	pw->pw_src = ps;
	if (pw->pw_exclusive)
		list_insert_tail(&ps->ps_watchers, &pw->pw_link);
	else
		list_insert_head(&ps->ps_watchers, &pw->pw_link);
	atomic_add(&ps->ps_nwatchers, 1);
	mutex_exit(&ps->ps_lock);
}

void
pollsrc_unwatch(struct pollwatch *pw)
{
	struct pollsrc *ps = atomic_load_acq(&pw->pw_src);

	if (ps == NULL)
		return;
	mutex_enter(&ps->ps_lock);
	if (pw->pw_src == ps)
		pollsrc_remove_locked(ps, pw);
	mutex_exit(&ps->ps_lock);
}

static __noinline void
pollsrc_tell(struct pollsrc *ps, uint32_t events)
{
	struct list_node *n, *next;
	struct pollwatch *pw;

	mutex_enter(&ps->ps_lock);
	LIST_FOREACH_SAFE(n, next, &ps->ps_watchers) {
		pw = watch_of(n);
		if (!pw->pw_wake(pw, events) || !pw->pw_exclusive)
			continue;
		list_remove(&pw->pw_link);
		list_insert_tail(&ps->ps_watchers, &pw->pw_link);
		break;
	}
	mutex_exit(&ps->ps_lock);
}

void
pollsrc_wake(struct pollsrc *ps, uint32_t events)
{
	if (unlikely(atomic_load(&ps->ps_nwatchers) != 0))
		pollsrc_tell(ps, events);
}
