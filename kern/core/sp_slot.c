/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_slot.c - channels in shared memory: a thread each, and its calls
 *
 * For each thread of a client that makes calls there is one here, with an
 * lwp of the client's proc.  It waits for its turn, copies the client's
 * message, makes the call and gives the turn back with the reply.  In the
 * middle of a call the turn may go to and fro for memory of the client.
 *
 *	OPEN	spslot_open(), by the control thread
 *	ENDING	the client said SP_BYE, broke the rules, or is gone
 *	gone	the thread has left; with the last of a client ends its proc
 *
 * Waiting: for a while with open eyes, then asleep.  After a while that was in
 * vain the next waits are asleep from the start, one, three, seven and so on:
 * so a busy client is answered within a cache miss or two, an idle one costs
 * nothing, and where both have one processor next to nothing is lost.
 *
 * Interrupting: the control thread may interrupt a call only if it is the one
 * that the client meant.  It sets ss_busy, looks at ss_calls, interrupts, and
 * clears ss_busy.  The slot's thread moves ss_calls on before it gives the turn back
 * (which is a barrier) and waits for ss_busy before it begins the next call:
 * so either the control thread sees that the call is over, or an interruption
 * that came too late is forgotten here.
 *
 * Everything in the slot is the client's to write as well.  A turn word that
 * makes no sense costs the client its slot, nothing else.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/vcpu.h>

#include "proc_impl.h"
#include "vcpu_impl.h"

#define SPIN_LOOKS	1000	/* some 50 us: what a wake-up costs, and more */
#define SKIP_MAX	255	/* waits without spinning after some in vain */

static _Thread_local struct spslot *slot_tls;

struct spslot *
spslot_current(void)
{
	return slot_tls;
}

/* --- turns ---------------------------------------------------------------------- */

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
	if (ss->ss_skip > 0) {
		ss->ss_skip--;
		return;
	}
	for (unsigned int i = 0; i < SPIN_LOOKS; i++) {
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
turn_give(struct spslot *ss)
{
	struct sp_msg *m = &ss->ss_shm->sl_msg;
	uint32_t old;

	m->m_type = ss->ss_msg.m_type;
	memcpy(m->m_arg, ss->ss_msg.m_arg, sizeof(m->m_arg));
	old = __atomic_exchange_n(&m->m_turn, 0, __ATOMIC_SEQ_CST);
	if (old & SP_WAITER)
		(void)rumpuser_unpark(&m->m_turn, 1, RUMPUSER_PARK_SHARED);
}

static void
turn_take(struct spslot *ss)
{
	memcpy(&ss->ss_msg, &ss->ss_shm->sl_msg, sizeof(ss->ss_msg));
}

int
spslot_exchange(struct spslot *ss)
{
	int error;

	if (atomic_load_acq(&ss->ss_closing) || ss->ss_broken)
		return ECANCELED;
	turn_give(ss);
	vcpu_block_begin();
	error = turn_wait(ss);
	vcpu_block_end();
	if (error == 0)
		turn_take(ss);
	return error;
}

/* --- calls ------------------------------------------------------------------------- */

static void
call_begin(struct spslot *ss)
{
	while (unlikely(__atomic_load_n(&ss->ss_busy, __ATOMIC_SEQ_CST)))
		rumpuser_thread_yield();
	if (unlikely(atomic_load(&ss->ss_lwp->l_intr)))
		(void)lwp_interrupted(ss->ss_lwp);
	atomic_store(&ss->ss_calls, ss->ss_calls + 1);
}

static long
call_run(struct spslot *ss)
{
	struct lwp *l = ss->ss_lwp;
	unsigned long args[SYSCALL_NARGS];
	long result;
	int error;

	for (unsigned int i = 0; i < SYSCALL_NARGS; i++)
		args[i] = ss->ss_msg.m_arg[i];
	vcpu_enter(l);
	error = spmem_begin(ss);
	if (error == EPROTO)
		ss->ss_broken = 1;
	if (error == 0)
		error = likely(ss->ss_msg.m_nr < SP_NR_NOTIFY) ?
		    syscall_dispatch(l, ss->ss_msg.m_nr, args, &result) :
		    spbell_call(ss->ss_client, ss->ss_msg.m_nr, args, &result);
	spmem_end(ss, error != EPROTO || !ss->ss_broken);
	vcpu_leave(l);
	return error ? -error : result;
}

static void
call(struct spslot *ss)
{
	struct proc *p = ss->ss_lwp->l_proc;
	long result;

	call_begin(ss);
	result = call_run(ss);
	atomic_store(&ss->ss_calls, ss->ss_calls + 1);
	ss->ss_msg.m_type = SP_REPLY;
	ss->ss_msg.m_arg[0] = (uint64_t)result;
	ss->ss_msg.m_arg[1] = 0;
	if (unlikely(atomic_load(&p->p_sigpend) != 0))
		ss->ss_msg.m_arg[1] = atomic_swap_ar(&p->p_sigpend, 0);
}

/* --- the thread ------------------------------------------------------------------------ */

static void
slot_serve(struct spslot *ss)
{
	while (turn_wait(ss) == 0) {
		turn_take(ss);
		if (ss->ss_msg.m_type == SP_BYE)
			return;
		if (ss->ss_msg.m_type != SP_CALL)
			ss->ss_broken = 1;
		else
			call(ss);
		if (ss->ss_broken) {
			spclient_break(ss->ss_client);
			return;
		}
		turn_give(ss);
		if (ss->ss_skip == 0)
			spmem_ahead(ss);
	}
}

/* Nobody finds it any more; its number may be used again. */
static void
slot_detach(struct spslot *ss)
{
	struct spclient *sc = ss->ss_client;

	mutex_enter(&sc->sc_lock);
	sc->sc_slot[ss->ss_index] = NULL;
	sc->sc_nslots--;
	mutex_exit(&sc->sc_lock);
}

static void
slot_main(void *arg)
{
	struct spslot *ss = arg;
	struct spclient *sc = ss->ss_client;
	struct rumpuser_spowner owner;
	struct sp_slot *shm = ss->ss_shm;
	bool owned;

	lwp_switch_host(ss->ss_lwp);
	slot_tls = ss;
	owned = rumpuser_spturn_own(&owner, &shm->sl_msg.m_turn, &shm->sl_alive,
	    &ss->ss_tid) == 0;
	if (owned) {
		atomic_store_rel(&shm->sl_alive, ss->ss_tid);
		(void)rumpuser_unpark(&shm->sl_alive, 1, RUMPUSER_PARK_SHARED);
		slot_serve(ss);
	}
	__atomic_store_n(&shm->sl_alive, SP_DIED, __ATOMIC_SEQ_CST);
	__atomic_store_n(&shm->sl_msg.m_turn, SP_DIED, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(&shm->sl_alive, 1, RUMPUSER_PARK_SHARED);
	(void)rumpuser_unpark(&shm->sl_msg.m_turn, 1, RUMPUSER_PARK_SHARED);
	if (owned)
		rumpuser_spturn_disown(&owner);
	rumpuser_spmem_discard(sc->sc_memfd, SP_AREAOFF(ss->ss_index), SP_AREA);

	vcpu_enter(ss->ss_lwp);
	slot_detach(ss);
	slot_tls = NULL;
	kmem_free(ss, sizeof(*ss));
	spclient_rele(sc);
	vcpu_leave(curlwp());
	lwp_end_explicit();
}

static int
slot_index_locked(const struct spclient *sc, unsigned int *ret_index)
    REQUIRES(sc->sc_lock)
{
	if (sc->sc_closing)
		return ESHUTDOWN;
	if (sc->sc_nslots >= (unsigned int)atomic_load(&sp_maxthreads))
		return EAGAIN;
	for (unsigned int i = 0; i < SP_NSLOTS; i++) {
		if (sc->sc_slot[i] == NULL) {
			*ret_index = i;
			return 0;
		}
	}
	return EAGAIN;
}

static int
slot_attach(struct spclient *sc, struct spslot *ss)
{
	int error;

	mutex_enter(&sc->sc_lock);
	error = slot_index_locked(sc, &ss->ss_index);
	if (error == 0) {
		sc->sc_slot[ss->ss_index] = ss;
		sc->sc_nslots++;
		ss->ss_shm = &sc->sc_region->r_slot[ss->ss_index];
		ss->ss_area = (uint8_t *)sc->sc_region +
		    SP_AREAOFF(ss->ss_index);
		memset(ss->ss_shm, 0, sizeof(*ss->ss_shm));
	}
	mutex_exit(&sc->sc_lock);
	return error;
}

int
spslot_open(struct spclient *sc, unsigned int *ret_index)
{
	struct spslot *ss;
	unsigned int index;
	int error;

	ss = kmem_zalloc(sizeof(*ss), KM_SLEEP);
	if (ss == NULL)
		return ENOMEM;
	ss->ss_client = sc;
	ss->ss_seg = ss->ss_fast;
	error = lwp_create(sc->sc_proc, 0, &ss->ss_lwp);
	if (error)
		goto fail_mem;
	error = slot_attach(sc, ss);
	if (error)
		goto fail_lwp;
	index = ss->ss_index;
	atomic_add(&sc->sc_refs, 1);
	error = rumpuser_thread_create(slot_main, ss, "rump-client", NULL);
	if (error)
		goto fail_attached;
	*ret_index = index;
	return 0;

fail_attached:
	atomic_sub(&sc->sc_refs, 1);
	slot_detach(ss);
fail_lwp:
	lwp_destroy(ss->ss_lwp);
fail_mem:
	kmem_free(ss, sizeof(*ss));
	return error;
}

/* By the control thread, with sc_lock: the slot stays meanwhile. */
void
spslot_interrupt(struct spslot *ss, uint32_t call)
{
	__atomic_store_n(&ss->ss_busy, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ss->ss_calls, __ATOMIC_SEQ_CST) == call)
		lwp_interrupt(ss->ss_lwp);
	__atomic_store_n(&ss->ss_busy, 0, __ATOMIC_SEQ_CST);
}

/* The same, whatever it does: it shall end. */
void
spslot_poke(struct spslot *ss)
{
	uint32_t *turn = &ss->ss_shm->sl_msg.m_turn;

	__atomic_store_n(&ss->ss_closing, 1, __ATOMIC_SEQ_CST);
	lwp_interrupt(ss->ss_lwp);
	/* Whatever it sleeps on has another value then. */
	__atomic_store_n(turn, SP_DIED | SP_WAITER, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(turn, UINT32_MAX, RUMPUSER_PARK_SHARED);
}
