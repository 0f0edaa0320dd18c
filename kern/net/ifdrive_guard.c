/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifdrive_guard.c - the thread that looks at an interface when nobody else does
 *
 * When nobody waits, somebody must look all the same (a program that computes
 * still owes acknowledgements): the interface's own thread.  As long as others drive
 * it, the guard merely looks in now and then, each GUARD_TICK, and as it finds
 * nothing to do more seldom (a timer that fires under a hypervisor can cost 30 us,
 * ten times what a round trip costs); when nobody has driven for a while it sleeps in
 * the driver itself, and then an idle kernel costs nothing.  A thread which finds it
 * there sends it off, for the next time.  While another sleeps in the driver the ticks
 * get rarer and stop; who leaves after such a sleep wakes the guard.
 *
 * Locking: id_busy (ifdrive_impl.h); id_tick moves with each wake-up.
 */

#include <rump/rumpuser.h>
#include <sys/ktime.h>
#include <sys/vcpu.h>

#include "ifdrive_impl.h"
#include "net_impl.h"

#define GUARD_TICK	(200 * 1000)		/* ns */
#define GUARD_CALM	4			/* doublings while others do all the work */
#define GUARD_NEAR	(2 * GUARD_TICK << GUARD_CALM)	/* needs no wake-up */
#define GUARD_QUIET	25			/* ticks until the guard takes over */
#define GUARD_RARER	9			/* doublings of the tick until it stops */

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

void
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
guard_rouse(struct ifdrive *id)
{
	if (atomic_load(&id->id_until) - clock_mono() <= GUARD_NEAR)
		return;
	__atomic_fetch_add(&id->id_tick, 1, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(&id->id_tick, 1, 0);
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
