/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_port.c - taking a port, and taking it from the dead
 *
 * A port's owner holds a lock on a byte of the file.  Whoever gets that lock
 * may do with the port what he likes: its owner has left, or was killed.  The
 * generation tells the next owner's frames and buffers from the last one's.
 *
 * Life cycle of sc_state, changed by the holder of the lock only
 *	FREE -> CLAIMED		shmbus_claim(): a new generation
 *	CLAIMED -> LIVE		all is set up: others may send to it
 *	LIVE -> FREE		shmbus_leave(), or shmbus_bury() by somebody else
 *	LIVE, CLAIMED -> CLAIMED	of a dead owner's port
 */

#include <lib/string.h>
#include <sys/errno.h>

#include "host/shmbus_host.h"
#include "shmbus_impl.h"

static void
bit_set(uint64_t *words, uint32_t bit)
{
	(void)atomic_or(&words[bit / 64], 1ULL << bit % 64);
}

static void
bit_clear(uint64_t *words, uint32_t bit)
{
	(void)atomic_and(&words[bit / 64], ~(1ULL << bit % 64));
}

size_t
shmbus_port_size(const struct shmbus *bus)
{
	size_t nbuf = bus->sb_geo.sg_nsmall + bus->sb_geo.sg_nlarge;

	return sizeof(struct shmbus_port) +
	    bus->sb_geo.sg_nports * sizeof(struct shmbus_peer) +
	    nbuf * (sizeof(struct shmbus_flight) + sizeof(uint16_t));
}

/* Out of everybody's sight; the caller has the lock. */
static void
port_hide(const struct shmbus *bus, uint32_t port, uint32_t state)
{
	struct shmbus_ctl *ctl = shmbus_ctl(bus, port);
	uint32_t gen = SHMBUS_GEN(atomic_load(&ctl->sc_state));

	/* The first is never met again: its buffers are known to be untouched. */
	gen = gen == SHMBUS_GEN_MASK ? SHMBUS_GEN_FIRST + 1 : gen + 1;
	atomic_store_rel(&ctl->sc_state, gen << 2 | state);
	bit_clear(shmbus_header(bus)->sh_live, port);
	bit_clear(shmbus_header(bus)->sh_promisc, port);
	shmbus_mac_clear(bus, atomic_load(&ctl->sc_mac), port);
	atomic_store(&ctl->sc_mac, 0);
	atomic_store(&ctl->sc_flags, 0);
}

static void
name_store(struct shmbus_ctl *ctl, const char *name)
{
	size_t len = name != NULL ? strnlen(name, sizeof(ctl->sc_name) - 1) : 0;

	memset(ctl->sc_name, 0, sizeof(ctl->sc_name));
	if (len > 0)
		memcpy(ctl->sc_name, name, len);
}

/* Receive ring and numbers as of a port that nobody has used. */
static void
port_reset(const struct shmbus *bus, uint32_t port)
{
	struct shmbus_ctl *ctl = shmbus_ctl(bus, port);
	uint64_t *ring = shmbus_ring_of(bus, port);

	for (uint32_t i = 0; i < bus->sb_geo.sg_ringlen; i++)
		atomic_store(&ring[i], 0);
	atomic_store(&ctl->sc_tail, 0);
	atomic_store(&ctl->sc_bell, 0);
	atomic_store(&ctl->sc_hungry, 0);
	atomic_store(&ctl->sc_scarce, 0);
	atomic_store(&ctl->sc_txframes, 0);
	atomic_store(&ctl->sc_txbytes, 0);
	atomic_store(&ctl->sc_txdrops, 0);
	atomic_store(&ctl->sc_rxframes, 0);
	atomic_store(&ctl->sc_rxbytes, 0);
	atomic_store(&ctl->sc_rxerrors, 0);
}

/* Our own structure, in the memory that was given. */
static struct shmbus_port *
port_build(const struct shmbus *bus, void *memory, uint32_t index, uint64_t mac)
{
	struct shmbus_port *p = memory;
	uint32_t nsmall = bus->sb_geo.sg_nsmall;

	memset(p, 0, shmbus_port_size(bus));
	p->sp_bus = bus;
	p->sp_ctl = shmbus_ctl(bus, index);
	p->sp_ring = shmbus_ring_of(bus, index);
	p->sp_index = index;
	p->sp_gen = SHMBUS_GEN(atomic_load(&p->sp_ctl->sc_state));
	p->sp_mac = mac;
	p->sp_nbuf = nsmall + bus->sb_geo.sg_nlarge;
	p->sp_refused = SHMBUS_NOBODY;
	p->sp_peer = (struct shmbus_peer *)(void *)(p + 1);
	p->sp_flight = (struct shmbus_flight *)(void *)(p->sp_peer +
	    bus->sb_geo.sg_nports);
	p->sp_free[0] = (uint16_t *)(void *)(p->sp_flight + p->sp_nbuf);
	p->sp_free[1] = p->sp_free[0] + nsmall;
	return p;
}

/* A port whose lock we have now. */
static int
port_find(const struct shmbus *bus, uint32_t *ret_port)
{
	uint32_t state;

	/* First those that say that they are free: two system calls less. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < bus->sb_geo.sg_nports; i++) {
			state = atomic_load(&shmbus_ctl(bus, i)->sc_state);
			if ((SHMBUS_STATE(state) == SHMBUS_PORT_FREE) !=
			    (pass == 0))
				continue;
			if (pass == 1 && rumpcomp_shmbus_locked(bus->sb_fd,
			    SHMBUS_LOCK_PORT(i)))
				continue;
			if (rumpcomp_shmbus_lock(bus->sb_fd,
			    SHMBUS_LOCK_PORT(i)) == 0) {
				*ret_port = i;
				return 0;
			}
		}
	}
	return ENOSPC;
}

/* A group's address, or none, is nobody's own. */
static int
mac_check(const struct shmbus *bus, uint64_t mac)
{
	uint32_t index, state;

	if (mac == 0 || (mac & 1) != 0 || mac >> 48 != 0)
		return EINVAL;
	if (shmbus_mac_find(bus, mac, &index, &state) &&
	    atomic_load(&shmbus_ctl(bus, index)->sc_mac) == mac &&
	    !shmbus_bury(bus, index))
		return EADDRINUSE;
	return 0;
}

int
shmbus_claim(const struct shmbus *bus, void *memory, uint64_t mac,
    const char *name, uint32_t pid, struct shmbus_port **ret_port)
{
	struct shmbus_ctl *ctl;
	struct shmbus_port *p;
	uint32_t index;
	int error;

	error = mac_check(bus, mac);
	if (error)
		return error;
	error = port_find(bus, &index);
	if (error)
		return error;

	port_hide(bus, index, SHMBUS_PORT_CLAIMED);
	port_reset(bus, index);
	p = port_build(bus, memory, index, mac);
	shmbus_heap_init(p);

	ctl = p->sp_ctl;
	name_store(ctl, name);
	atomic_store(&ctl->sc_pid, pid);
	atomic_store(&ctl->sc_mac, mac);
	atomic_store_rel(&ctl->sc_state, p->sp_gen << 2 | SHMBUS_PORT_LIVE);
	shmbus_mac_set(bus, mac, index, p->sp_gen);
	bit_set(shmbus_header(bus)->sh_live, index);
	*ret_port = p;
	return 0;
}

void
shmbus_leave(struct shmbus_port *p)
{
	const struct shmbus *bus = p->sp_bus;

	port_hide(bus, p->sp_index, SHMBUS_PORT_FREE);
	rumpcomp_shmbus_unlock(bus->sb_fd, SHMBUS_LOCK_PORT(p->sp_index));
}

bool
shmbus_bury(const struct shmbus *bus, uint32_t port)
{
	struct shmbus_ctl *ctl = shmbus_ctl(bus, port);

	if (rumpcomp_shmbus_locked(bus->sb_fd, SHMBUS_LOCK_PORT(port)) ||
	    rumpcomp_shmbus_lock(bus->sb_fd, SHMBUS_LOCK_PORT(port)) != 0)
		return false;
	if (SHMBUS_STATE(atomic_load(&ctl->sc_state)) != SHMBUS_PORT_FREE)
		port_hide(bus, port, SHMBUS_PORT_FREE);
	rumpcomp_shmbus_unlock(bus->sb_fd, SHMBUS_LOCK_PORT(port));
	return true;
}

void
shmbus_promisc(struct shmbus_port *p, bool on)
{
	struct shmbus_header *h = shmbus_header(p->sp_bus);

	atomic_store(&p->sp_ctl->sc_flags, on ? SHMBUS_F_PROMISC : 0);
	if (on)
		bit_set(h->sh_promisc, p->sp_index);
	else
		bit_clear(h->sh_promisc, p->sp_index);
}

void
shmbus_quiet(struct shmbus_port *p)
{
	struct shmbus_header *h = shmbus_header(p->sp_bus);

	atomic_store(&p->sp_quiet, true);
	bit_clear(h->sh_live, p->sp_index);
	bit_clear(h->sh_promisc, p->sp_index);
	shmbus_mac_clear(p->sp_bus, p->sp_mac, p->sp_index);
	atomic_store(&p->sp_ctl->sc_mac, 0);
}

int
shmbus_setmac(struct shmbus_port *p, uint64_t mac)
{
	int error;

	if (mac == p->sp_mac)
		return 0;
	error = mac_check(p->sp_bus, mac);
	if (error)
		return error;
	shmbus_mac_clear(p->sp_bus, p->sp_mac, p->sp_index);
	p->sp_mac = mac;
	atomic_store(&p->sp_ctl->sc_mac, mac);
	shmbus_mac_set(p->sp_bus, mac, p->sp_index, p->sp_gen);
	return 0;
}
