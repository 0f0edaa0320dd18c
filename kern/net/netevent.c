/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netevent.c - telling who listens what changed in the configuration
 *
 * Listeners are few and stay long, so the list is read under a lock of its
 * own, shared: who tells may hold the name space's lock, and a listener
 * may take what comes below that one.
 *
 * Lock order: ns_lock -> netevent -> locks of listeners.
 */

#include <net/netevent.h>

#include <sys/rwlock.h>

static krwlock_t listeners_lock = { .rw_name = "netevent" };
static struct list listeners = LIST_INITIALIZER(listeners); /* listeners_lock */

void
netevent_listen(struct netevent_listener *nl)
{
	rw_write_enter(&listeners_lock);
	list_insert_tail(&listeners, &nl->nl_link);
	rw_exit(&listeners_lock);
}

void
netevent_unlisten(struct netevent_listener *nl)
{
	rw_write_enter(&listeners_lock);
	list_remove(&nl->nl_link);
	rw_exit(&listeners_lock);
}

void
netevent_tell(enum netevent ev, const struct netevent_info *ne)
{
	struct list_node *n;

	rw_read_enter(&listeners_lock);
	LIST_FOREACH(n, &listeners)
		container_of(n, struct netevent_listener, nl_link)->nl_event(ev, ne);
	rw_exit(&listeners_lock);
}
