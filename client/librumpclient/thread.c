/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * thread.c - slots of threads
 *
 * A thread has a slot for its calls, and more of them for calls that its
 * signal handlers make while one is under way.  They are opened when they are needed,
 * and given back when the thread ends: a key of the C library's notices that
 * for threads that were made by it.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <pthread.h>

#include "client_impl.h"

#define MEET_MS		20

static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static bool thread_haskey;

/* The server's thread ends by itself; the host wakes it if it sleeps. */
static void
slot_bye(struct cslot *cs)
{
	struct sp_msg *m = cs->cs_msg;
	uint32_t old;

	m->m_type = SP_BYE;
	old = __atomic_exchange_n(&m->m_turn, cs->cs_tid, __ATOMIC_SEQ_CST);
	if (old & SP_WAITER)
		host_futex_wake(&m->m_turn);
}

/* Of whatever session it is. */
static void
slot_close(struct cslot *cs)
{
	if (cs->cs_msg == NULL)
		return;
	if (cs->cs_shm == NULL)
		stream_close(cs);
	else if (cs->cs_generation == session.s_generation && !session.s_gone)
		slot_bye(cs);
	cs->cs_msg = NULL;
}

void
thread_close(struct rcthread *ct)
{
	for (unsigned int i = 0; i < SLOTS_DEPTH; i++) {
		struct cslot *cs = &ct->ct_slot[i];

		if (i >= ct->ct_depth)
			slot_close(cs);
		if (cs->cs_bigseg != NULL)
			host_unmap(cs->cs_bigseg,
			    SP_NSEGS_MAX * sizeof(struct sp_seg));
		*cs = (struct cslot){ 0 };
	}
}

static void
thread_end(void *arg)
{
	thread_close(arg);
}

void
rumpclient_thread_detach(void)
{
	thread_close(&cthread);
}

static void
thread_makekey(void)
{
	thread_haskey = pthread_key_create(&thread_key, thread_end) == 0;
}

static void
thread_notice(void)
{
	(void)pthread_once(&thread_once, thread_makekey);
	if (thread_haskey)
		cthread.ct_known = pthread_setspecific(thread_key, &cthread) == 0;
}

/*
 * The server's thread says its number when it is there.  If the server is killed before,
 * nobody will wake us, so we look now and then.
 */
static int
slot_meet(struct cslot *cs)
{
	uint32_t *alive = &cs->cs_shm->sl_alive, tid;

	while ((tid = __atomic_load_n(alive, __ATOMIC_ACQUIRE)) == 0) {
		host_futex_wait_ms(alive, 0, MEET_MS);
		if (control_ended())
			return -ECONNRESET;
	}
	/* One that the host has marked went with the whole server. */
	if (tid & SP_DIED)
		return tid == SP_REFUSED ? -EAGAIN : -ECONNRESET;
	cs->cs_tid = tid & SP_TIDMASK;
	return 0;
}

static int
shared_open(struct cslot *cs)
{
	struct sp_ctl ctl = { .c_op = SP_SLOT_OPEN };
	int error;

	error = control_request(&ctl, -1);
	if (error)
		return error;
	if (ctl.c_arg >= session.s_nslots)
		return -EPROTO;
	cs->cs_index = ctl.c_arg;
	cs->cs_shm = &session.s_region->r_slot[cs->cs_index];
	error = slot_meet(cs);
	if (error)
		return error;
	cs->cs_area = (uint8_t *)session.s_region + SP_AREAOFF(cs->cs_index);
	cs->cs_msg = &cs->cs_shm->sl_msg;
	return 0;
}

static int
slot_open(struct cslot *cs)
{
	uint32_t generation;
	int error;

	if (!cthread.ct_known)
		thread_notice();
	slot_close(cs);
	if (session_fd() == -1 && (error = retry()) != 0)
		return error;
	generation = __atomic_load_n(&session.s_generation, __ATOMIC_ACQUIRE);
	cs->cs_calls = 0;
	cs->cs_generation = generation;
	cs->cs_skip = cs->cs_skipnext = 0;
	cs->cs_shm = NULL;
	error = session.s_region != NULL ? shared_open(cs) : stream_open(cs);
	if (error == 0)
		return 0;
	if (error == -ECONNRESET || error == -EPIPE || error == -ECONNREFUSED ||
	    error == -ENOENT || error == -ESRCH) {
		session_lost(generation);
		return -ENOTCONN;
	}
	return error;
}

/* A handler that makes a call finds a slot or none, not a part of one. */
static int
slot_open_quietly(struct cslot *cs)
{
	uint64_t mask;
	int error;

	host_signals_block(&mask);
	error = slot_open(cs);
	host_signals_restore(&mask);
	return error;
}

int
thread_slot(struct cslot **ret_cs)
{
	struct cslot *cs;
	int error;

	if (cthread.ct_depth >= SLOTS_DEPTH)
		return -EDEADLK;
	cs = &cthread.ct_slot[cthread.ct_depth];
	if (__builtin_expect(cs->cs_msg == NULL || session.s_gone ||
	    cs->cs_generation != __atomic_load_n(&session.s_generation,
	    __ATOMIC_RELAXED), 0)) {
		error = slot_open_quietly(cs);
		if (error)
			return error;
	}
	*ret_cs = cs;
	return 0;
}

void
thread_forget(void)
{
	for (unsigned int i = 0; i < SLOTS_DEPTH; i++)
		cthread.ct_slot[i].cs_msg = NULL;
	cthread.ct_depth = 0;
}
