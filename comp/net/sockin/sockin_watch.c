/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_watch.c - seeing the host's sockets change
 *
 * One thread waits for all of them.  The host names a socket by an id that is
 * never used again, so that an event which was on its way while its socket
 * was closed finds nothing.
 */

#include <lib/list.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/vcpu.h>

#include "host/sockin_host.h"
#include "sockin_impl.h"

#define NBUCKETS	256
#define BATCH		64

/* Field key:	w  watch_lock */
static kmutex_t watch_lock;
static struct list watch_table[NBUCKETS];	/* w */
static uint64_t watch_lastid;			/* w */
static struct kthread *watch_thread;		/* w */
static int watch_events = -1;			/* w; the thread's */

static struct list *
bucket(uint64_t id)
{
	return &watch_table[id % NBUCKETS];
}

/* Its socket, referenced; NULL: it was closed meanwhile. */
static struct socket *
watch_find(uint64_t id)
{
	struct socket *so = NULL;
	struct list_node *n;

	mutex_enter(&watch_lock);
	LIST_FOREACH(n, bucket(id)) {
		struct sockin *si = container_of(n, struct sockin, si_link);

		if (si->si_id == id && socket_tryhold(si->si_so))
			so = si->si_so;
	}
	mutex_exit(&watch_lock);
	return so;
}

static void
watch_event(const struct sockin_event *ie)
{
	struct socket *so = watch_find(ie->ie_id);

	if (so == NULL)
		return;
	mutex_enter(&so->so_lock);
	sockin_of(so)->si_changes++;
	socket_wake(so, ie->ie_events);
	mutex_exit(&so->so_lock);
	socket_rele(so);
}

static void
watch_main(void *arg)
{
	struct sockin_event events[BATCH];
	int fd = watch_events, error;
	unsigned int n;

	do {
		vcpu_block_begin();
		error = rumpcomp_sockin_wait(fd, events, BATCH, &n);
		vcpu_block_end();
		for (unsigned int i = 0; error == 0 && i < n; i++)
			watch_event(&events[i]);
	} while (error == 0 && n > 0);
}

static int
watch_start_locked(void) REQUIRES(watch_lock)
{
	int error = 0;

	if (watch_events < 0)
		error = rumpcomp_sockin_events(&watch_events);
	if (error == 0 && watch_thread == NULL)
		error = kthread_create(watch_main, NULL, "sockin", &watch_thread);
	return error;
}

int
sockin_watch(struct sockin *si)
{
	int error;

	mutex_enter(&watch_lock);
	error = watch_start_locked();
	if (error == 0) {
		si->si_id = ++watch_lastid;
		list_insert_tail(bucket(si->si_id), &si->si_link);
		error = rumpcomp_sockin_watch(watch_events, si->si_fd, si->si_id);
		if (error)
			list_remove(&si->si_link);
	}
	mutex_exit(&watch_lock);
	return error;
}

void
sockin_unwatch(struct sockin *si)
{
	mutex_enter(&watch_lock);
	list_remove(&si->si_link);
	mutex_exit(&watch_lock);
}

static void
watch_shutdown(void)
{
	struct kthread *thread;

	mutex_enter(&watch_lock);
	thread = watch_thread;
	watch_thread = NULL;
	if (thread != NULL)
		rumpcomp_sockin_stop(watch_events);
	mutex_exit(&watch_lock);
	if (thread != NULL)
		kthread_join(thread);
}

static struct shutdown_hook watch_hook = { .sh_fn = watch_shutdown };

int
sockin_watch_boot(void)
{
	mutex_init(&watch_lock, "sockin watch");
	for (unsigned int i = 0; i < NBUCKETS; i++)
		list_init(&watch_table[i]);
	shutdown_register(&watch_hook);
	return 0;
}
