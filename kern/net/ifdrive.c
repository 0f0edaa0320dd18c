/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifdrive.c - who looks at an interface, and when
 *
 * A frame that arrives while its reader sleeps should wake that very reader:
 * a receive thread in between costs a second thread switch, the dearest thing
 * there is.  So whoever is about to wait (recv, poll, epoll_wait) drives the
 * interfaces of its name space itself: ifdrive_wait.c.  When nobody waits, the
 * interface's own thread looks: ifdrive_guard.c.
 *
 * One thread at a time drives an interface; it holds id_busy, and runs what
 * it found through the stack before it lets go, so that a flow stays in order.
 *
 * Life cycle
 *	ifdrive_attach() puts it into the list of its name space and starts its guard;
 *	ifdrive_detach() takes it out, ends the guard, waits until nobody drives, and keeps
 *	the place.  The memory goes with the interface: who has a reference to that may
 *	be about to look whether the place is free.
 *
 * Locking: ns_lock for the name space's list, drives_lock for the list of all; id_busy
 * is a try-lock and nothing is awaited under it but locks of sockets.
 */

#include <net/ifnet.h>

#include <rump/rumpuser.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "ifdrive_impl.h"
#include "net_impl.h"

#define DRIVE_BUDGET	64			/* packets a poll */
#define DETACH_NAP	(50 * 1000)

static kmutex_t drives_lock = { .m_name = "ifdrives" };
struct ifdrive *drives;			/* read lock-free, changed under drives_lock */

/* --- looking ------------------------------------------------------------------ */

unsigned int
drive_input(struct ifdrive *id)
{
	struct drivelist *dl = id->id_ifp->if_ns->ns_drives;
	struct packetq q = PACKETQ_INITIALIZER;
	uint32_t inputs;
	unsigned int n;

	if (!if_running(id->id_ifp))
		return 0;
	n = id->id_ifp->if_ops->ifo_poll(id->id_ifp, DRIVE_BUDGET, &q);
	if (n > 0) {
		/* With one interface the number need not move. */
		inputs = atomic_load(&dl->dl_inputs);
		if (atomic_load(&id->id_recent) != inputs) {
			atomic_store(&id->id_recent, inputs + 1);
			atomic_store(&dl->dl_inputs, inputs + 1);
		}
		if_input(id->id_ifp, &q);
	}
	return n;
}

static unsigned int
drive_poll(struct ifdrive *id)
{
	unsigned int n;

	if (!drive_tryenter(id))
		return 0;
	drive_active(id);
	n = drive_input(id);
	drive_exit(id);
	return n;
}

unsigned int
if_drive_poll(struct netns *ns)
{
	struct drivelist *dl = ns->ns_drives;
	struct ifdrive *id;
	unsigned int n = 0;

	for (unsigned int i = 0; i < atomic_load(&dl->dl_n); i++) {
		id = atomic_load_acq(&dl->dl_drive[i]);
		if (id != NULL)
			n += drive_poll(id);
	}
	return n;
}

/* --- coming and going --------------------------------------------------------------- */

int
ifdrive_netns_init(struct netns *ns)
{
	struct drivelist *dl = kmem_zalloc(sizeof(*dl), KM_SLEEP);

	if (dl == NULL)
		return ENOMEM;
	patience_init(&dl->dl_patience);
	ns->ns_drives = dl;
	return 0;
}

/* ns_lock held. */
static int
drivelist_add(struct netns *ns, struct ifdrive *id)
{
	struct drivelist *dl = ns->ns_drives;

	KASSERT(mutex_owned(&ns->ns_lock));
	if (dl->dl_n == DRIVES_MAX)
		return ENOSPC;
	atomic_store_rel(&dl->dl_drive[dl->dl_n], id);
	atomic_store_rel(&dl->dl_n, dl->dl_n + 1);
	return 0;
}

/* The last takes its place: a reader may see that one twice, or not at all. */
static void
drivelist_del(struct netns *ns, struct ifdrive *id)
{
	struct drivelist *dl = ns->ns_drives;
	unsigned int i = 0, last = dl->dl_n - 1;

	KASSERT(mutex_owned(&ns->ns_lock));
	while (dl->dl_drive[i] != id)
		i++;
	atomic_store_rel(&dl->dl_drive[i], dl->dl_drive[last]);
	atomic_store_rel(&dl->dl_n, last);
	atomic_store_rel(&dl->dl_drive[last], NULL);
}

void
ifdrive_netns_free(struct netns *ns)
{
	kmem_free(ns->ns_drives, sizeof(*ns->ns_drives));
}

int
ifdrive_attach(struct ifnet *ifp)
{
	struct netns *ns = ifp->if_ns;
	struct ifdrive *id;
	int error;

	id = kmem_zalloc(sizeof(*id), KM_SLEEP);
	if (id == NULL)
		return ENOMEM;
	id->id_ifp = ifp;
	error = drivelist_add(ns, id);
	if (error)
		goto fail;
	ifp->if_drive = id;
	error = kthread_create(guard_main, id, ifp->if_name, &id->id_guard);
	if (error) {
		ifp->if_drive = NULL;
		drivelist_del(ns, id);
		goto fail_published;
	}
	mutex_enter(&drives_lock);
	id->id_next = drives;
	atomic_store_rel(&drives, id);
	mutex_exit(&drives_lock);
	return 0;

fail_published:
	qsbr_barrier();
fail:
	kmem_free(id, sizeof(*id));
	return error;
}

static void
drives_remove(struct ifdrive *id)
{
	struct ifdrive **pp = &drives;

	mutex_enter(&drives_lock);
	while (*pp != id)
		pp = &(*pp)->id_next;
	atomic_store_rel(pp, id->id_next);
	mutex_exit(&drives_lock);
}

void
ifdrive_detach(struct ifnet *ifp)
{
	struct ifdrive *id = ifp->if_drive;
	uint32_t never = 0;

	if (id == NULL)
		return;
	mutex_enter(&ifp->if_ns->ns_lock);
	drivelist_del(ifp->if_ns, id);
	mutex_exit(&ifp->if_ns->ns_lock);
	__atomic_store_n(&id->id_dying, 1, __ATOMIC_SEQ_CST);
	if_drive_wake(ifp);
	kthread_join(id->id_guard);
	while (!drive_tryenter(id)) {
		ifp->if_ops->ifo_kick(ifp);
		vcpu_block_begin();
		(void)rumpuser_park(&never, 0, 0, clock_mono() + DETACH_NAP);
		vcpu_block_end();
	}
	drives_remove(id);
	/* Whoever found it in a list by now has a reference to its interface. */
	qsbr_barrier();
}

void
ifdrive_free(struct ifnet *ifp)
{
	if (ifp->if_drive != NULL)
		kmem_free(ifp->if_drive, sizeof(*ifp->if_drive));
}
