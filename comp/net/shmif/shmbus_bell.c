/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_bell.c - sleeping until a frame comes, and waking who sleeps
 *
 * sc_bell is a futex.  Bit 0 says that the owner sleeps, or is about to; the
 * rest is a number that changes with every sleep and every ring.
 *
 * A ringer may be killed at any instruction, so the bit goes last: he changes
 * the number, wakes, and only then takes the bit away, if nothing has changed
 * since.  Killed before, he leaves the bit for the next ringer.  A sleeper that
 * was not in the futex yet when he woke finds the number changed and does not
 * go in.
 *
 * Who publishes a frame and who goes to sleep both write first and then look
 * at what the other wrote, with a full fence between.
 */

#include <rump/rumpuser.h>
#include <sys/types.h>

#include "shmbus_impl.h"

void
shmbus_ring(const struct shmbus *bus, uint32_t port)
{
	uint32_t *bell = &shmbus_ctl_of(bus, port)->sc_bell;
	uint32_t old, rung;

	old = atomic_load(bell);
	if ((old & 1) == 0)
		return;
	rung = old + 2;
	if (!atomic_cas_ar(bell, &old, rung)) {
		/*
		 * Another ringer, who may not live to wake; or the owner is
		 * awake, and has yet to look.
		 */
		(void)rumpuser_unpark(bell, UINT32_MAX, RUMPUSER_PARK_SHARED);
		return;
	}
	(void)rumpuser_unpark(bell, UINT32_MAX, RUMPUSER_PARK_SHARED);
	(void)atomic_cas_ar(bell, &rung, rung + 1);
}

void
shmbus_flush(struct shmbus_port *p)
{
	uint64_t bits;
	uint32_t words = (p->sp_bus->sb_geo.sg_nports + 63) / 64;

	atomic_fence_seq();
	for (uint32_t i = 0; i < words; i++) {
		bits = p->sp_rung[i];
		p->sp_rung[i] = 0;
		for (; bits != 0; bits &= bits - 1) {
			shmbus_ring(p->sp_bus,
			    i * 64 + (uint32_t)__builtin_ctzll(bits));
		}
	}
}

/*
 * Somebody may have written over what others need to find us: the state and
 * address of our port, and the hint where our ring ends.
 */
static void
arm_mend(struct shmbus_port *p)
{
	struct shmbus_ctl *ctl = p->sp_ctl;
	uint32_t state = p->sp_gen << 2 | SHMBUS_PORT_LIVE, port, found;

	if (atomic_load(&p->sp_quiet))
		return;
	/* The ring was empty just now, so it ends where it begins. */
	if (atomic_load(&ctl->sc_tail) != p->sp_head)
		atomic_store(&ctl->sc_tail, p->sp_head);
	if (atomic_load(&ctl->sc_state) != state)
		atomic_store_rel(&ctl->sc_state, state);
	if (atomic_load(&ctl->sc_mac) != p->sp_mac)
		atomic_store(&ctl->sc_mac, p->sp_mac);
	if (!shmbus_mac_find(p->sp_bus, p->sp_mac, &port, &found) ||
	    port != p->sp_index)
		shmbus_mac_set(p->sp_bus, p->sp_mac, p->sp_index, p->sp_gen);
	(void)atomic_or(&shmbus_header(p->sp_bus)->sh_live[p->sp_index / 64],
	    1ULL << p->sp_index % 64);
}

bool
shmbus_arm(struct shmbus_port *p)
{
	uint32_t *bell = &p->sp_ctl->sc_bell;

	if (shmbus_ready(p))
		return false;
	arm_mend(p);
	p->sp_armed = (atomic_load(bell) + 2) | 1;
	atomic_store(bell, p->sp_armed);
	atomic_fence_seq();
	if (!shmbus_ready(p))
		return true;
	shmbus_disarm(p);
	return false;
}

void
shmbus_disarm(struct shmbus_port *p)
{
	uint32_t *bell = &p->sp_ctl->sc_bell;

	atomic_store(bell, (atomic_load(bell) + 2) & ~1u);
}

int
shmbus_sleep(struct shmbus_port *p, bool intr, int64_t deadline)
{
	return rumpuser_park(&p->sp_ctl->sc_bell, p->sp_armed,
	    RUMPUSER_PARK_SHARED | (intr ? RUMPUSER_PARK_INTR : 0), deadline);
}
