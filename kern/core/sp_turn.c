/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_turn.c - channels in shared memory: whose turn it is
 *
 * Waiting: for a while with open eyes, then asleep.  After a while that was in
 * vain the next waits are asleep from the start, one, three, seven and so on:
 * so a busy client is answered within a cache miss or two, an idle one costs
 * nothing, and where both have one processor next to nothing is lost.  Who had to
 * wake the other one waits for longer: else both could sleep for ever, each time a
 * little before the other one is awake.
 *
 * Everything in the slot is the client's to write as well.  A turn word that
 * makes no sense costs the client its slot, nothing else.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/lwp.h>

#include "vcpu_impl.h"

#define SPIN_LOOKS	1000	/* some 50 us: what a wake-up costs, and more */
#define SPIN_WOKEN	3000	/* when the other one must wake up first */
#define SKIP_MAX	1023	/* waits without spinning after some in vain */

static bool
turn_is_ours(const struct spslot *ss, uint32_t turn)
{
	return (turn & SP_TIDMASK) == ss->ss_tid;
}

static bool
turn_is_there(struct spslot *ss)
{
	return turn_is_ours(ss, atomic_load_acq(&ss->ss_shm->sl_msg.m_turn));
}

/* Spins, unless that was in vain lately. */
static void
turn_spin(struct spslot *ss)
{
	unsigned int looks = ss->ss_woke ? SPIN_WOKEN : SPIN_LOOKS;

	if (ss->ss_skip > 0) {
		ss->ss_skip--;
		return;
	}
	for (unsigned int i = 0; i < looks; i++) {
		if (turn_is_there(ss)) {
			ss->ss_skipnext = 0;
			return;
		}
		cpu_relax();
	}
	ss->ss_skipnext = 2 * ss->ss_skipnext + 1;
	if (ss->ss_skipnext > SKIP_MAX)
		ss->ss_skipnext = SKIP_MAX;
	ss->ss_skip = ss->ss_skipnext;
}

/* Outside the kernel: holds no seat.  ECANCELED: it is time to end. */
static int
turn_wait(struct spslot *ss)
{
	uint32_t *word = &ss->ss_shm->sl_msg.m_turn;
	uint32_t turn;

	if (!turn_is_there(ss))
		turn_spin(ss);
	while (!turn_is_there(ss)) {
		if (atomic_load_acq(&ss->ss_closing))
			return ECANCELED;
		turn = atomic_load_acq(word);
		if (turn_is_ours(ss, turn))
			break;
		if ((turn & SP_WAITER) == 0 &&
		    !atomic_cas_acq(word, &turn, turn | SP_WAITER))
			continue;
		/* Others shall find the seat free. */
		vcpu_forget(ss->ss_lwp);
		(void)rumpuser_park(word, turn | SP_WAITER,
		    RUMPUSER_PARK_SHARED, RUMPUSER_NOTIME);
	}
	return atomic_load_acq(&ss->ss_closing) ? ECANCELED : 0;
}

/* What is in ss_msg becomes the client's turn. */
static void
turn_send(struct spslot *ss)
{
	struct sp_msg *m = &ss->ss_shm->sl_msg;
	uint32_t old;

	m->m_type = ss->ss_msg.m_type;
	memcpy(m->m_arg, ss->ss_msg.m_arg, sizeof(m->m_arg));
	old = __atomic_exchange_n(&m->m_turn, 0, __ATOMIC_SEQ_CST);
	ss->ss_woke = (old & SP_WAITER) != 0;
	if (ss->ss_woke)
		(void)rumpuser_unpark(&m->m_turn, 1, RUMPUSER_PARK_SHARED);
}

/* Bytes that the client did not bring are what it left in its own memory. */
static int
turn_receive(struct spslot *ss, bool answer)
{
	int error = turn_wait(ss);

	if (error)
		return error;
	memcpy(&ss->ss_msg, &ss->ss_shm->sl_msg, sizeof(ss->ss_msg));
	ss->ss_got = answer ? SP_SCRATCHSIZE : SP_SEGSPACE;
	return 0;
}

static int
turn_begin(struct spslot *ss)
{
	struct sp_slot *shm = ss->ss_shm;
	int error;

	error = rumpuser_spturn_own(&ss->ss_owner, &shm->sl_msg.m_turn,
	    &shm->sl_alive, &ss->ss_tid);
	if (error) {
		ss->ss_tid = 0;
		return error;
	}
	atomic_store_rel(&shm->sl_alive, ss->ss_tid);
	(void)rumpuser_unpark(&shm->sl_alive, 1, RUMPUSER_PARK_SHARED);
	return 0;
}

static void
turn_end(struct spslot *ss)
{
	struct sp_slot *shm = ss->ss_shm;

	__atomic_store_n(&shm->sl_alive, ss->ss_tid != 0 ? SP_DIED : SP_REFUSED,
	    __ATOMIC_SEQ_CST);
	__atomic_store_n(&shm->sl_msg.m_turn, SP_DIED, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(&shm->sl_alive, 1, RUMPUSER_PARK_SHARED);
	(void)rumpuser_unpark(&shm->sl_msg.m_turn, 1, RUMPUSER_PARK_SHARED);
	if (ss->ss_tid != 0)
		rumpuser_spturn_disown(&ss->ss_owner);
	rumpuser_spmem_discard(ss->ss_client->sc_memfd, SP_AREAOFF(ss->ss_index),
	    SP_AREA);
}

static void
turn_poke(struct spslot *ss)
{
	uint32_t *turn = &ss->ss_shm->sl_msg.m_turn;

	/* Whatever it sleeps on has another value then. */
	__atomic_store_n(turn, SP_DIED | SP_WAITER, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(turn, UINT32_MAX, RUMPUSER_PARK_SHARED);
}

const struct spchannel_ops spturn_ops = {
	.co_begin	= turn_begin,
	.co_receive	= turn_receive,
	.co_send	= turn_send,
	.co_end		= turn_end,
	.co_poke	= turn_poke,
};
