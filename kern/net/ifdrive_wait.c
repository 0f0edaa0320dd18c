/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifdrive_wait.c - who waits drives an interface meanwhile
 *
 * A thread that is about to sleep polls the interfaces of its name space for a
 * bounded while, lets others have its core, as far as either has paid lately
 * (ifpatience.c), and then sleeps in the driver of the one that was busy last: the
 * next frame wakes it directly, and so does whoever changes the word that it waits
 * for, by a kick of the driver.
 *
 * The place in a driver is one thread's.  If the guard has it, it is sent off; if another
 * thread waits there, ours sleeps as it would without a network.
 *
 * Locking: none; id_busy is a try-lock (ifdrive_impl.h).
 */

#include <sys/errno.h>
#include <sys/idle.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "ifdrive_impl.h"
#include "net_impl.h"

#define SPIN_CLOCK	16			/* rounds between looks at the clock */
#define GUARD_LEAVES	(60 * 1000)		/* ns: what it takes the guard to be gone */

static uint32_t asleep;			/* a: threads in ifo_sleep for a word */

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
	drive_active(id);
	*held = id;
	return drive_input(id) > 0;
}

/*
 * Polls until the word changes (true) or patience ends.  *ret_held is the
 * interface that the caller drives now, or NULL: it stays for so long, as
 * ifdrive_detach() waits for its place.
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
	int64_t start, end;

	if (yields == 0)
		return false;
	start = end = clock_mono();
	for (unsigned int i = 0; i < yields && !changed; i++) {
		vcpu_yield();
		(void)spin_round(ns, held);
		changed = atomic_load_acq(word) != expected;
	}
	/* What came had its time taken on the way up the stack. */
	if (changed)
		end = curlwp()->l_clock;
	if (end == start)
		end = clock_mono();
	patience_yielded(pa, end - start, changed);
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

/* After a sleep: lets go of the place and of the reference. */
static void
drive_leave(struct ifdrive *id)
{
	struct ifnet *ifp = id->id_ifp;

	drive_exit(id);
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
	drive_active(id);
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
			drive_exit(id);
		return 0;
	}
	if (id == NULL)
		error = drive_take(ns, word, parked, expected, deadline, &id);
	else
		if_hold(id->id_ifp);
	if (error == 0) {
		error = drive_sleep(id, word, expected, deadline);
		drive_leave(id);
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
