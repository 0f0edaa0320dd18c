/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * call.c - a call: its turns, and what the server asks for meanwhile
 */

#include <sys/mman.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "client_impl.h"

#define SPIN_LOOKS	1000	/* some 50 us */
#define SPIN_WOKEN	3000
#define SKIP_MAX	1023

/* --- turns ------------------------------------------------------------------------- */

/* ECONNRESET: the server is gone. */
static int
turn_give(struct cslot *cs, const void *data, size_t len)
{
	struct sp_msg *m = cs->cs_msg;
	uint32_t old;

	if (cs->cs_shm == NULL)
		return stream_give(cs, data, len);
	old = __atomic_exchange_n(&m->m_turn, cs->cs_tid, __ATOMIC_SEQ_CST);
	cs->cs_woke = (old & SP_WAITER) != 0;
	if (cs->cs_woke)
		host_futex_wake(&m->m_turn);
	if (__atomic_load_n(&cs->cs_shm->sl_alive, __ATOMIC_RELAXED) & SP_DIED)
		return ECONNRESET;
	return old & SP_DIED ? ECONNRESET : 0;
}

static bool
turn_over(uint32_t turn)
{
	return (turn & ~SP_WAITER) == 0 || (turn & SP_DIED) != 0;
}

/* Spins, unless that was in vain lately; as the server does. */
static void
turn_spin(struct cslot *cs)
{
	const uint32_t *turn = &cs->cs_msg->m_turn;
	unsigned int looks = cs->cs_woke ? SPIN_WOKEN : SPIN_LOOKS;

	if (cs->cs_skip > 0) {
		cs->cs_skip--;
		return;
	}
	for (unsigned int i = 0; i < looks; i++) {
		if (turn_over(__atomic_load_n(turn, __ATOMIC_ACQUIRE))) {
			cs->cs_skipnext = 0;
			return;
		}
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	cs->cs_skipnext = 2 * cs->cs_skipnext + 1;
	if (cs->cs_skipnext > SKIP_MAX)
		cs->cs_skipnext = SKIP_MAX;
	cs->cs_skip = cs->cs_skipnext;
}

/* A handler ran that ends this call, if it still waits. */
static bool
signalled(bool restart)
{
	unsigned int signals = __atomic_load_n(&cthread.ct_signals, __ATOMIC_RELAXED);

	return (signals & (restart ? CT_NORESTART : CT_RAN)) != 0;
}

/*
 * In a signal handler, which has interrupted us anywhere.  If that was between the look at ct_signals and
 * the sleep, the word has our bit already: it is taken away, and the host finds another value than
 * the one to sleep on.
 */
static void
turn_stay_awake(struct cslot *cs)
{
	uint32_t *word = &cs->cs_shm->sl_msg.m_turn;
	uint32_t turn = __atomic_load_n(word, __ATOMIC_RELAXED);

	/* When it is our turn the bit is the server's. */
	while ((turn & SP_WAITER) != 0 && (turn & SP_TIDMASK) != 0) {
		if (__atomic_compare_exchange_n(word, &turn, turn & ~SP_WAITER, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			break;
	}
}

/* Until it is our turn.  ECONNRESET; EINTR if that is wanted. */
static int
turn_wait(struct cslot *cs, bool intr, bool restart)
{
	uint32_t *word = &cs->cs_msg->m_turn, turn;

	if (cs->cs_shm == NULL)
		return stream_wait(cs, intr, restart);
	turn_spin(cs);
	for (;;) {
		turn = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		if (turn & SP_DIED)
			return ECONNRESET;
		if (turn_over(turn))
			return 0;
		if ((turn & SP_WAITER) == 0 && !__atomic_compare_exchange_n(word,
		    &turn, turn | SP_WAITER, false, __ATOMIC_ACQUIRE,
		    __ATOMIC_ACQUIRE))
			continue;
		__asm__ volatile("" ::: "memory");
		if (intr && signalled(restart))
			return EINTR;
		if (host_futex_wait(word, turn | SP_WAITER, restart) == -EINTR &&
		    intr)
			return EINTR;
	}
}

/* --- what the server asks for -------------------------------------------------------- */

static int
answer_string(uint8_t *scratch, uint64_t addr, uint64_t max, uint64_t *ret_len)
{
	size_t len;
	int error;

	error = mem_str((char *)scratch, addr, max, &len);
	if (error == ENAMETOOLONG) {
		*ret_len = max + 1;
		return 0;
	}
	*ret_len = len;
	return error;
}

static int
answer_map(uint64_t len, uint64_t *ret_addr)
{
	long addr;

	if (client_memory != NULL)
		return client_memory->rm_map(len, ret_addr);
	addr = hostcall(SYS_mmap, 0L, (long)len,
	    (long)(PROT_READ | PROT_WRITE),
	    (long)(MAP_PRIVATE | MAP_ANONYMOUS), -1L, 0L);

	if ((unsigned long)addr > -4096UL)
		return (int)-addr;
	*ret_addr = (uint64_t)addr;
	return 0;
}

/* In a stream, what comes with a message is at the begin of the area. */
static int
answer_out(const struct cslot *cs, uint64_t addr, uint64_t len)
{
	if (cs->cs_shm != NULL)
		return mem_out(addr, cs->cs_area + SCRATCH, len);
	return len == cs->cs_got ? mem_out(addr, cs->cs_area, len) : EFAULT;
}

/* EPROTO: the server said something senseless.  ECONNRESET. */
static int
answer(struct cslot *cs, struct sp_msg *m)
{
	uint8_t *scratch = cs->cs_area + SCRATCH;
	uint64_t addr = m->m_arg[0], len = m->m_arg[1], value = 0, back = 0;
	int error;

	if (m->m_type != SP_ANONMMAP && m->m_type != SP_TOUCH &&
	    len > SCRATCHSIZE)
		return EPROTO;
	switch (m->m_type) {
	case SP_COPYIN:
		error = mem_in(scratch, addr, len);
		back = len;
		break;
	case SP_COPYOUT:
		error = answer_out(cs, addr, len);
		break;
	case SP_COPYINSTR:
		error = answer_string(scratch, addr, len, &value);
		back = value <= len ? value : 0;
		break;
	case SP_ANONMMAP:
		error = answer_map(addr, &value);
		break;
	case SP_TOUCH:
		error = mem_touch(addr);
		if (error == 0 && len > 1)
			error = mem_touch(addr + len - 1);
		break;
	default:
		return EPROTO;
	}
	cs->cs_msg->m_type = SP_ANSWER;
	cs->cs_msg->m_arg[0] = (uint64_t)error;
	cs->cs_msg->m_arg[1] = value;
	return turn_give(cs, scratch, error == 0 ? back : 0);
}

/* --- the call --------------------------------------------------------------------------- */

/* Those that a signal always ends, whatever its handler says (signal(7)). */
static bool
restarts(unsigned int nr)
{
	switch (nr) {
#ifdef SYS_poll
	case SYS_poll:
	case SYS_select:
	case SYS_epoll_wait:
#endif
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
		return false;
	default:
		return true;
	}
}

/* The reply, after all that is asked before it. */
static int
call_wait(struct cslot *cs, unsigned int nr, struct sp_msg *m)
{
	bool intr = true;
	int error;

	for (;;) {
		error = turn_wait(cs, intr, restarts(nr));
		if (error == EINTR) {
			/* The reply will tell whether it was in time. */
			control_interrupt(cs->cs_index, 2 * cs->cs_calls - 1);
			intr = false;
			continue;
		}
		if (error)
			return error;
		memcpy(m, cs->cs_msg, sizeof(*m));
		if (m->m_type == SP_REPLY)
			return 0;
		error = answer(cs, m);
		if (error)
			return error;
	}
}

static void
raise_signals(uint64_t set)
{
	long pid, tid;

	if (client_memory != NULL) {
		client_memory->rm_signal(set);
		return;
	}
	pid = hostcall(SYS_getpid, 0L, 0L, 0L, 0L, 0L, 0L);
	tid = hostcall(SYS_gettid, 0L, 0L, 0L, 0L, 0L, 0L);

	for (long signo = 1; signo <= 64; signo++) {
		if (set >> (signo - 1) & 1)
			(void)hostcall(SYS_tgkill, pid, tid, signo, 0L, 0L, 0L);
	}
}

/* Which descriptors are open now. */
static void
note_fds(unsigned int nr, const unsigned long args[6], long result)
{
	int pair[2];

	switch (nr) {
	case SYS_close:
		fds_closed(args[0], args[0]);
		break;
	case SYS_close_range:
		if ((args[2] & 4) == 0)		/* CLOSE_RANGE_CLOEXEC */
			fds_closed(args[0], args[1]);
		break;
#ifdef SYS_pipe
	case SYS_pipe:
#endif
	case SYS_pipe2:
	case SYS_socketpair:
		if (mem_in(pair, args[nr == SYS_socketpair ? 3 : 0],
		    sizeof(pair)) != 0)
			break;
		fds_opened(pair[0]);
		fds_opened(pair[1]);
		break;
	case SYS_fcntl:
		if ((int)args[1] == F_DUPFD || (int)args[1] == F_DUPFD_CLOEXEC)
			fds_opened(result);
		break;
	default:
		fds_opened(result);
		break;
	}
}

/* The server is gone: what was open there is reset, all else cannot be reached. */
static long
call_lost(unsigned int nr, const unsigned long args[6])
{
	return marshal_usesfd(nr, args) ? -ECONNRESET : -ENOTCONN;
}

/* A number that is a result, or -errno. */
static long
call_slot(struct cslot *cs, unsigned int nr, const unsigned long args[6])
{
	struct sp_msg *m = cs->cs_msg, reply;
	struct marshal ma;
	long result;
	int error;

	if (!marshal_call(&ma, cs, nr, args))
		return -ECONNRESET;
	m->m_type = SP_CALL;
	m->m_nsegs = (uint16_t)ma.ma_nsegs;
	m->m_segs = ma.ma_base;
	m->m_nr = nr;
	for (unsigned int i = 0; i < 6; i++)
		m->m_arg[i] = args[i];
	cs->cs_calls++;
	error = turn_give(cs, cs->cs_area, ma.ma_nsegs > 0 ? ma.ma_sent : 0);
	if (ma.ma_nsegs > 0 && cs->cs_shm != NULL && cs->cs_skip == 0)
		marshal_ahead(&ma, cs);
	if (error == 0)
		error = call_wait(cs, nr, &reply);
	if (error) {
		session_lost(cs->cs_generation);
		return call_lost(nr, args);
	}
	result = (long)reply.m_arg[0];
	ma.ma_got = cs->cs_got;
	if (ma.ma_nsegs > 0 && (error = marshal_results(&ma, &reply)) != 0 &&
	    result >= 0)
		result = -error;
	if (__builtin_expect(reply.m_arg[1] != 0, 0))
		raise_signals(reply.m_arg[1]);
	if (ma.ma_fds && result >= 0)
		note_fds(nr, args, result);
	return result;
}

long
rumpclient_syscall_args(unsigned int nr, const unsigned long args[6])
{
	struct cslot *cs;
	long result;
	int error;

	error = thread_slot(&cs);
	if (error)
		return error == -ENOTCONN ? call_lost(nr, args) : error;
	if (__builtin_expect(nr == SYS_fcntl || nr == SYS_ioctl, 0))
		sigio_prepare(nr, args);
	cthread.ct_depth++;
	__asm__ volatile("" ::: "memory");
	result = call_slot(cs, nr, args);
	__asm__ volatile("" ::: "memory");
	cthread.ct_depth--;
	cthread.ct_signals = 0;
	return result;
}

void
rumpclient_interrupt(bool restart)
{
	unsigned int depth = cthread.ct_depth;

	__atomic_fetch_or(&cthread.ct_signals, restart ? CT_RAN : CT_RAN | CT_NORESTART,
	    __ATOMIC_RELAXED);
	if (depth > 0 && depth <= SLOTS_DEPTH && cthread.ct_slot[depth - 1].cs_shm != NULL)
		turn_stay_awake(&cthread.ct_slot[depth - 1]);
}
