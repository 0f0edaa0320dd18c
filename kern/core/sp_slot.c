/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_slot.c - channels: a thread each, and its calls
 *
 * For each thread of a client that makes calls there is one here, with an
 * lwp of the client's proc.  It waits for a message of the client, makes the
 * call and answers with the reply.  In the middle of a call messages may go to
 * and fro for memory of the client.  How they go is the channel's: sp_turn.c in
 * shared memory, sp_stream.c over a connection.
 *
 *	OPEN	spslot_open(), by the control thread
 *	ENDING	the client said SP_BYE, broke the rules, or is gone
 *	gone	the thread has left; with the last of a client ends its proc
 *
 * Interrupting: the control thread may interrupt a call only if it is the one
 * that the client meant.  It sets ss_busy, looks at ss_calls, interrupts, and
 * clears ss_busy.  The slot's thread moves ss_calls on before it gives the turn back
 * (which is a barrier) and waits for ss_busy before it begins the next call:
 * so either the control thread sees that the call is over, or an interruption
 * that came too late is forgotten here.  One that came before its call, whose
 * message is still to be seen, is found in ss_wanted.
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

static _Thread_local struct spslot *slot_tls;

struct spslot *
spslot_current(void)
{
	return slot_tls;
}

int
spslot_exchange(struct spslot *ss)
{
	int error;

	if (atomic_load_acq(&ss->ss_closing) || ss->ss_broken)
		return ECANCELED;
	vcpu_block_begin();
	ss->ss_ops->co_send(ss);
	error = ss->ss_ops->co_receive(ss, true);
	vcpu_block_end();
	if (error == EPROTO) {
		ss->ss_broken = 1;
		error = ECANCELED;
	}
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
	__atomic_store_n(&ss->ss_calls, ss->ss_calls + 1, __ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&ss->ss_wanted, __ATOMIC_SEQ_CST) == ss->ss_calls))
		atomic_store(&ss->ss_lwp->l_intr, 1);
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
	int error;

	while ((error = ss->ss_ops->co_receive(ss, false)) == 0) {
		if (ss->ss_msg.m_type == SP_BYE)
			return;
		if (ss->ss_msg.m_type != SP_CALL)
			ss->ss_broken = 1;
		else
			call(ss);
		if (ss->ss_broken)
			break;
		ss->ss_ops->co_send(ss);
		if (ss->ss_conn == NULL && ss->ss_skip == 0)
			spmem_ahead(ss);
	}
	if (ss->ss_broken || error == EPROTO)
		spclient_break(ss->ss_client);
}

/* Nobody finds it any more; its number may be used again. */
static void
slot_detach(struct spslot *ss)
{
	struct spclient *sc = ss->ss_client;
	bool last;

	mutex_enter(&sc->sc_lock);
	sc->sc_slot[ss->ss_index] = NULL;
	last = --sc->sc_nslots == 0 && sc->sc_closing;
	atomic_sub(&sp_nthreads, 1);
	spuser_uncharge(sc->sc_user, SPUSER_CHANNELS);
	mutex_exit(&sc->sc_lock);
	/* A client that is gone is forgotten at once. */
	if (last)
		sp_wake();
}

/* In the kernel; what it was for the client has ended. */
static void
slot_free(struct spslot *ss)
{
	if (ss->ss_conn != NULL && ss->ss_area != NULL)
		kmem_free(ss->ss_area, SP_AREA);
	kmem_free(ss, sizeof(*ss));
}

static void
slot_main(void *arg)
{
	struct spslot *ss = arg;
	struct spclient *sc = ss->ss_client;
	struct rumpuser_spconn *conn = ss->ss_conn;

	lwp_switch_host(ss->ss_lwp);
	slot_tls = ss;
	if (ss->ss_ops->co_begin(ss) == 0)
		slot_serve(ss);
	ss->ss_ops->co_end(ss);

	vcpu_enter(ss->ss_lwp);
	slot_detach(ss);
	slot_tls = NULL;
	slot_free(ss);
	/* Only now nobody can poke it. */
	if (conn != NULL) {
		rumpuser_spconn_close(conn);
		spuser_uncharge(sc->sc_user, SPUSER_FDS);
	}
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
	if (sc->sc_nslots >= (unsigned int)atomic_load(&sp_maxthreads) ||
	    atomic_load(&sp_nthreads) >= atomic_load(&sp_maxchannels))
		return EAGAIN;
	for (unsigned int i = 0; i < SP_NSLOTS; i++) {
		if (sc->sc_slot[i] == NULL) {
			*ret_index = i;
			return 0;
		}
	}
	return EAGAIN;
}

/* Its place in the shared memory. */
static void
slot_place(struct spclient *sc, struct spslot *ss)
{
	ss->ss_shm = &sc->sc_region->r_slot[ss->ss_index];
	ss->ss_area = (uint8_t *)sc->sc_region + SP_AREAOFF(ss->ss_index);
	memset(ss->ss_shm, 0, sizeof(*ss->ss_shm));
}

static int
slot_attach(struct spclient *sc, struct spslot *ss)
{
	int error;

	mutex_enter(&sc->sc_lock);
	error = slot_index_locked(sc, &ss->ss_index);
	if (error == 0)
		error = spuser_charge(sc->sc_user, SPUSER_CHANNELS);
	if (error == 0) {
		if (ss->ss_conn == NULL)
			slot_place(sc, ss);
		sc->sc_slot[ss->ss_index] = ss;
		sc->sc_nslots++;
		atomic_add(&sp_nthreads, 1);
	}
	mutex_exit(&sc->sc_lock);
	return error;
}

static int
slot_create(struct spclient *sc, struct rumpuser_spconn *conn,
    struct spslot **ret_ss)
{
	struct spslot *ss;
	int error;

	ss = kmem_zalloc(sizeof(*ss), KM_SLEEP);
	if (ss == NULL)
		return ENOMEM;
	ss->ss_client = sc;
	ss->ss_seg = ss->ss_fast;
	ss->ss_conn = conn;
	ss->ss_ops = conn != NULL ? &spstream_ops : &spturn_ops;
	if (conn != NULL) {
		ss->ss_area = kmem_alloc(SP_AREA, KM_SLEEP);
		if (ss->ss_area == NULL) {
			slot_free(ss);
			return ENOMEM;
		}
	}
	error = lwp_create(sc->sc_proc, 0, &ss->ss_lwp);
	if (error) {
		slot_free(ss);
		return error;
	}
	*ret_ss = ss;
	return 0;
}

int
spslot_open(struct spclient *sc, struct rumpuser_spconn *conn,
    unsigned int *ret_index)
{
	struct spslot *ss;
	unsigned int index;
	int error;

	if ((conn == NULL) != (sc->sc_region != NULL))
		return EINVAL;
	error = slot_create(sc, conn, &ss);
	if (error)
		return error;
	error = slot_attach(sc, ss);
	if (error)
		goto fail_created;
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
fail_created:
	lwp_destroy(ss->ss_lwp);
	slot_free(ss);
	return error;
}

/* By the control thread, with sc_lock: the slot stays meanwhile. */
void
spslot_interrupt(struct spslot *ss, uint32_t call)
{
	__atomic_store_n(&ss->ss_busy, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&ss->ss_wanted, call, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ss->ss_calls, __ATOMIC_SEQ_CST) == call)
		lwp_interrupt(ss->ss_lwp);
	__atomic_store_n(&ss->ss_busy, 0, __ATOMIC_SEQ_CST);
}

/* The same, whatever it does: it shall end. */
void
spslot_poke(struct spslot *ss)
{
	__atomic_store_n(&ss->ss_closing, 1, __ATOMIC_SEQ_CST);
	lwp_interrupt(ss->ss_lwp);
	ss->ss_ops->co_poke(ss);
}
