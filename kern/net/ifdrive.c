/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifdrive.c - who looks at an interface, and when
 *
 * A frame that arrives while its reader sleeps should wake that very reader:
 * a receive thread in between costs a second thread switch, the dearest thing
 * there is.  So whoever is about to wait (recv, poll, epoll_wait) drives the
 * interfaces of its name space itself: it polls them for a bounded while, and
 * then sleeps in the driver of the one that was busy last, to be woken by the next frame
 * or by whoever changes the word it waits for.
 *
 * One thread at a time drives an interface; it holds id_busy, and runs what
 * it found through the stack before it lets go, so that a flow stays in order.
 *
 * The guard.  When nobody waits, somebody must look all the same (a program
 * that computes still owes acknowledgements): the interface's own thread.  As
 * long as others drive it, it merely looks in now and then, each GUARD_TICK, and as
 * it finds nothing to do more seldom (a timer that fires under a hypervisor can
 * cost 30 us, ten times what a round trip costs);
 * when nobody has driven for a while it sleeps in the driver itself, and then
 * an idle kernel costs nothing.  A thread which finds it there sends it off, for
 * the next time.  While another sleeps in the driver the ticks get rarer and
 * stop; who leaves after such a sleep wakes the guard.
 *
 * Before it sleeps, who waits spins for a while and lets others have its core, as far
 * as that has paid lately: ifpatience.c.
 *
 * Locking: ns_lock for the lists; id_busy is a try-lock and nothing is awaited
 * under it but locks of sockets.
 */

#include <net/ifnet.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/idle.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "ifpatience.h"
#include "net_impl.h"

#define DRIVE_BUDGET	64			/* packets a poll */
#define SPIN_CLOCK	16			/* rounds between looks at the clock */
#define GUARD_TICK	(200 * 1000)		/* ns */
#define GUARD_CALM	4			/* doublings while others do all the work */
#define GUARD_NEAR	(2 * GUARD_TICK << GUARD_CALM)	/* needs no wake-up */
#define GUARD_QUIET	25			/* ticks until the guard takes over */
#define GUARD_RARER	9			/* doublings of the tick until it stops */
#define GUARD_LEAVES	(60 * 1000)		/* what it takes to be gone */
#define DRIVES_MAX	64			/* a name space */
#define DETACH_NAP	(50 * 1000)

/*
 * Field key:	c  constant	a  atomic	g  the guard only
 *		b  who holds id_busy	q  read lock-free, changed under drives_lock
 */
struct ifdrive {
	struct ifnet	*id_ifp;	/* c */
	uint32_t	 id_busy;	/* a: 1 while somebody drives */
	uint32_t	 id_dying;	/* a */
	uint32_t	 id_wanted;	/* a: the guard should leave the driver */
	bool		 id_guard_in;	/* a: the guard sleeps in the driver */
	uint32_t	*id_word;	/* a: what the sleeper in the driver waits for */
	uint32_t	 id_activity;	/* a: moves when others drive */
	uint32_t	 id_recent;	/* a: dl_inputs when it last brought packets */
	uint32_t	 id_tick;	/* a: the guard's own word */
	int64_t		 id_until;	/* a: when the guard looks next */
	struct kthread	*id_guard;	/* c */
	struct ifdrive	*id_next;	/* q: list of all */
};

/* The pollable interfaces of a name space, the first dl_n; holes are NULL. */
struct drivelist {
	uint32_t	 dl_n;		/* q, ns_lock */
	struct patience	 dl_patience;
	uint32_t	 dl_inputs;	/* a: batches so far, roughly */
	struct ifdrive	*dl_drive[DRIVES_MAX];	/* q, ns_lock */
};

static kmutex_t drives_lock = { .m_name = "ifdrives" };
static struct ifdrive *drives;		/* q */
static uint32_t asleep;			/* a: threads in ifo_sleep for a word */

/* --- one interface ----------------------------------------------------------- */

static bool
drive_tryenter(struct ifdrive *id)
{
	uint32_t idle = 0;

	return atomic_load(&id->id_busy) == 0 &&
	    atomic_cas_acq(&id->id_busy, &idle, 1);
}

static void
drive_exit(struct ifdrive *id)
{
	atomic_store_rel(&id->id_busy, 0);
}

/* One batch from the link through the stack.  id_busy is held. */
static unsigned int
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
	atomic_add(&id->id_activity, 1);
	n = drive_input(id);
	drive_exit(id);
	return n;
}

/* After who drove id slept in it: is the guard awake enough to look after it? */
static void
guard_rouse(struct ifdrive *id)
{
	if (atomic_load(&id->id_until) - clock_mono() <= GUARD_NEAR)
		return;
	__atomic_fetch_add(&id->id_tick, 1, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(&id->id_tick, 1, 0);
}

/* --- all of a name space ------------------------------------------------------- */

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

/* The one that brought something last: who waits now most likely waits for it. */
static struct ifdrive *
drive_choose(struct netns *ns)
{
	struct drivelist *dl = ns->ns_drives;
	struct ifdrive *best = NULL;

	for (unsigned int i = 0; i < atomic_load(&dl->dl_n); i++) {
		struct ifdrive *id = atomic_load_acq(&dl->dl_drive[i]);

		if (id != NULL && if_running(id->id_ifp) && !atomic_load(&id->id_dying) &&
		    (best == NULL ||
		     (int32_t)(atomic_load(&id->id_recent) - atomic_load(&best->id_recent)) > 0))
			best = id;
	}
	return best;
}

/* --- waiting -------------------------------------------------------------------- */

/*
 * One round of looking.  With one interface, the common case, its place is
 * taken once (*held) and kept: a round is then a look at its ring.
 */
static bool
spin_round(struct netns *ns, struct ifdrive **held)
{
	struct drivelist *dl = ns->ns_drives;
	struct ifdrive *id;

	if (*held != NULL)
		return drive_input(*held) > 0;
	if (atomic_load(&dl->dl_n) != 1)
		return if_drive_poll(ns) > 0;
	id = atomic_load_acq(&dl->dl_drive[0]);
	if (id == NULL || !if_running(id->id_ifp) || !drive_tryenter(id))
		return false;
	if_hold(id->id_ifp);
	atomic_add(&id->id_activity, 1);
	*held = id;
	return drive_input(id) > 0;
}

/*
 * Polls until the word changes (true) or patience ends.  *ret_held is the
 * interface that the caller drives now, with a reference, or NULL.
 */
static bool
drive_spin(struct netns *ns, const uint32_t *word, uint32_t expected,
    int64_t deadline, struct ifdrive **ret_held)
{
	struct patience *pa = &ns->ns_drives->dl_patience;
	uint32_t spin = patience_spin(pa);
	int64_t start = 0, last = 0, now;

	*ret_held = NULL;
	for (unsigned int i = 1;; i++) {
		bool came = spin_round(ns, ret_held);

		if (atomic_load_acq(word) != expected) {
			if (i > 1)
				patience_spun(pa, spin, true);
			return true;
		}
		if (came) {
			start = 0;		/* somebody talks: stay */
			continue;
		}
		if (spin == 0 || vcpu_wanted())
			return false;
		if (i % SPIN_CLOCK != 0)
			continue;
		cpu_relax();
		now = clock_mono();
		if (start == 0)
			start = now;
		/* A clock that stands still will not move by our looking. */
		if (now - start >= spin || now == last || now >= deadline ||
		    (*ret_held != NULL && atomic_load(&(*ret_held)->id_dying)))
			break;
		last = now;
	}
	patience_spun(pa, spin, false);
	return false;
}

/* Lets whoever shares our core run, and looks.  True: the word has changed. */
static bool
drive_yield(struct netns *ns, const uint32_t *word, uint32_t expected,
    struct ifdrive **held)
{
	struct patience *pa = &ns->ns_drives->dl_patience;
	unsigned int yields = patience_yields(pa);
	bool changed = false;
	int64_t start;

	if (yields == 0)
		return false;
	start = clock_mono();
	for (unsigned int i = 0; i < yields && !changed; i++) {
		vcpu_yield();
		(void)spin_round(ns, held);
		changed = atomic_load_acq(word) != expected;
	}
	patience_yielded(pa, clock_mono() - start, changed);
	return changed;
}

/*
 * Sleeps in the driver, whose id_busy is held, until the word changes.  EBUSY:
 * what came was for somebody else, whom it woke, and who is the likelier one
 * to get the next frame too: he shall have the place when he comes back.
 */
static int
drive_sleep(struct ifdrive *id, uint32_t *word, uint32_t expected,
    int64_t deadline)
{
	struct ifnet *ifp = id->id_ifp;
	uint32_t wakes = curlwp()->l_wakes;
	int error = 0;

	while (error == 0 && atomic_load_acq(word) == expected &&
	    !atomic_load(&id->id_dying) && if_running(ifp)) {
		__atomic_store_n(&id->id_word, word, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&asleep, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == expected) {
			vcpu_block_begin();
			error = ifp->if_ops->ifo_sleep(ifp, word, expected, true,
			    deadline);
			vcpu_block_end();
		}
		atomic_store(&id->id_word, NULL);
		atomic_sub(&asleep, 1);
		while (drive_input(id) > 0)
			error = 0;
		if (error == 0 && curlwp()->l_wakes != wakes &&
		    atomic_load_acq(word) == expected)
			return EBUSY;
	}
	if (error == ETIMEDOUT || error == EINTR)
		return error;
	/* An interface that went down is no place to wait. */
	return atomic_load_acq(word) == expected ? EBUSY : 0;
}

/*
 * If the guard sleeps there it is asked to go, which takes it a moment.  Another
 * thread that waits may stay: EBUSY.  EAGAIN: the word may have changed.  EINTR.
 */
static int
drive_enter(struct ifdrive *id, uint32_t *word, uint32_t *parked,
    uint32_t expected, int64_t deadline)
{
	int64_t until;
	int error;

	for (int tries = 0; tries < 3; tries++) {
		if (drive_tryenter(id))
			return 0;
		until = clock_mono() + GUARD_LEAVES;
		if (!atomic_load_acq(&id->id_guard_in) || until > deadline)
			return EBUSY;
		atomic_store(&id->id_wanted, 1);
		id->id_ifp->if_ops->ifo_kick(id->id_ifp);
		error = idle_sleep(word, parked, expected, until);
		if (error != ETIMEDOUT)
			return error == 0 ? EAGAIN : error;
	}
	return EBUSY;
}

/* Lets go of what drive_spin() or drive_enter() took. */
static void
drive_leave(struct ifdrive *id, bool slept)
{
	struct ifnet *ifp = id->id_ifp;

	drive_exit(id);
	if (slept)
		guard_rouse(id);
	if_rele(ifp);
}

/* The interface to sleep in, with a reference and its place, or an error. */
static int
drive_take(struct netns *ns, uint32_t *word, uint32_t *parked, uint32_t expected,
    int64_t deadline, struct ifdrive **ret_id)
{
	struct ifdrive *id = drive_choose(ns);
	int error;

	if (id == NULL)
		return EBUSY;
	if_hold(id->id_ifp);
	error = drive_enter(id, word, parked, expected, deadline);
	if (error) {
		if_rele(id->id_ifp);
		return error;
	}
	atomic_add(&id->id_activity, 1);
	*ret_id = id;
	return 0;
}

static int
drive_wait(struct netns *ns, uint32_t *word, uint32_t *parked, uint32_t expected,
    int64_t deadline)
{
	struct ifdrive *id;
	int error = 0;

	if (drive_spin(ns, word, expected, deadline, &id) ||
	    drive_yield(ns, word, expected, &id)) {
		if (id != NULL)
			drive_leave(id, false);
		return 0;
	}
	if (id == NULL)
		error = drive_take(ns, word, parked, expected, deadline, &id);
	if (error == 0) {
		error = drive_sleep(id, word, expected, deadline);
		drive_leave(id, true);
	}
	if (error == EBUSY)
		error = idle_sleep(word, parked, expected, deadline);
	return error == EAGAIN ? 0 : error;
}

static int
drive_park(uint32_t *word, uint32_t *parked, uint32_t expected,
    int64_t deadline)
{
	struct netns *ns = netns_current();
	int error;

	if (atomic_load(&ns->ns_drives->dl_n) == 0)
		return idle_sleep(word, parked, expected, deadline);
	netns_hold(ns);
	error = drive_wait(ns, word, parked, expected, deadline);
	netns_rele(ns);
	return error;
}

static void
drive_kick(uint32_t *word)
{
	struct ifdrive *id;

	if (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) == 0)
		return;
	for (id = atomic_load_acq(&drives); id != NULL;
	    id = atomic_load_acq(&id->id_next))
		if (__atomic_load_n(&id->id_word, __ATOMIC_SEQ_CST) == word)
			id->id_ifp->if_ops->ifo_kick(id->id_ifp);
}

static void
drive_pollall(void)
{
	struct netns *ns = netns_current();

	if (atomic_load(&ns->ns_drives->dl_n) == 0)
		return;
	netns_hold(ns);
	(void)if_drive_poll(ns);
	netns_rele(ns);
}

/* --- the guard ------------------------------------------------------------------- */

/* Sleeps in the driver until there are packets or somebody wants it. */
static void
guard_drive(struct ifdrive *id)
{
	struct ifnet *ifp = id->id_ifp;

	atomic_store_rel(&id->id_guard_in, true);
	while (!atomic_load(&id->id_wanted) && !atomic_load(&id->id_dying) &&
	    if_running(ifp)) {
		vcpu_block_begin();
		(void)ifp->if_ops->ifo_sleep(ifp, &id->id_wanted, 0, false,
		    KTIME_NEVER);
		vcpu_block_end();
		while (drive_input(id) > 0)
			if (vcpu_wanted())
				vcpu_yield();
	}
	atomic_store(&id->id_guard_in, false);
	atomic_store(&id->id_wanted, 0);
}

/* Unless id_tick has moved since the guard looked. */
static void
guard_nap(struct ifdrive *id, uint32_t tick, int64_t interval)
{
	int64_t until = KTIME_NEVER;

	if (interval != KTIME_NEVER)
		until = clock_mono() + interval;
	__atomic_store_n(&id->id_until, until, __ATOMIC_SEQ_CST);
	if (atomic_load(&id->id_dying))
		return;
	vcpu_block_begin();
	(void)rumpuser_park(&id->id_tick, tick, 0, until);
	vcpu_block_end();
	atomic_store(&id->id_until, 0);
}

/* What the guard has seen lately, in ticks. */
struct guardview {
	unsigned int	 gv_quiet;	/* since others drove */
	unsigned int	 gv_calm;	/* that others drove and left nothing */
	uint32_t	 gv_activity;
};

static int64_t
guard_interval(const struct ifdrive *id, const struct guardview *gv, bool held)
{
	if (!if_running(id->id_ifp) || (held && gv->gv_quiet > GUARD_RARER))
		return KTIME_NEVER;
	if (gv->gv_quiet == 0)
		return (int64_t)GUARD_TICK << gv->gv_calm;
	return (int64_t)GUARD_TICK << (held ? gv->gv_quiet : 0);
}

static void
guard_look(struct guardview *gv, uint32_t activity)
{
	bool active = activity != gv->gv_activity;

	gv->gv_activity = activity;
	gv->gv_quiet = active ? 0 : gv->gv_quiet + 1;
	if (!active)
		gv->gv_calm = 0;
	else if (gv->gv_calm < GUARD_CALM)
		gv->gv_calm++;
}

static void
guard_input(struct ifdrive *id, struct guardview *gv)
{
	while (drive_input(id) > 0) {
		gv->gv_calm = 0;
		if (vcpu_wanted())
			vcpu_yield();
	}
}

static void
guard_main(void *arg)
{
	struct ifdrive *id = arg;
	struct guardview gv = { .gv_quiet = GUARD_QUIET };
	bool held;

	while (!atomic_load_acq(&id->id_dying)) {
		uint32_t tick = atomic_load_acq(&id->id_tick);

		guard_look(&gv, atomic_load(&id->id_activity));
		held = !drive_tryenter(id);
		if (!held) {
			guard_input(id, &gv);
			if (gv.gv_quiet >= GUARD_QUIET && if_running(id->id_ifp)) {
				guard_drive(id);
				gv.gv_quiet = 0;
			}
			drive_exit(id);
		}
		guard_nap(id, tick, guard_interval(id, &gv, held));
	}
}

void
if_drive_wake(struct ifnet *ifp)
{
	struct ifdrive *id = ifp->if_drive;

	if (id == NULL)
		return;
	__atomic_fetch_add(&id->id_tick, 1, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(&id->id_tick, 1, 0);
	ifp->if_ops->ifo_kick(ifp);
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
	ifp->if_drive = NULL;
	qsbr_barrier();
	kmem_free(id, sizeof(*id));
}

static const struct idle_ops drive_idle_ops = {
	.io_park	= drive_park,
	.io_kick	= drive_kick,
	.io_poll	= drive_pollall,
};

void
ifdrive_boot(void)
{
	idle_register(&drive_idle_ops);
}
