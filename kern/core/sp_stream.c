/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_stream.c - channels over a connection
 *
 * For clients that share no memory with us.  A message is followed by the bytes that
 * belong to it, as many as it says: those of a call go to the begin of the area,
 * which is ours alone here, those of an answer to its end (SP_SCRATCH).  The two
 * sides take turns, so one read finds a message and all its bytes, and
 * what would come behind them breaks the rules.
 *
 * The slot's thread waits, outside of the kernel, for a client that is slow or
 * does not read: this holds up nobody else.  It is woken by the end of the connection.
 *
 * The area is not cleared, as nothing of it leaves but what came from the client and what
 * the kernel wrote to it: spmem_begin() lets no segment to be read lie beyond what came.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/lwp.h>

#include "vcpu_impl.h"

#define PIECES	16	/* of one rumpuser_spconn_put() */

/* The first thing on the connection: its number. */
static int
stream_begin(struct spslot *ss)
{
	struct sp_welcome w = { .w_magic = SP_MAGIC, .w_version = SP_VERSION,
	    .w_slot = ss->ss_index };
	struct rumpuser_iov iov = { &w, sizeof(w) };

	return rumpuser_spconn_put(ss->ss_conn, &iov, 1);
}

/* EPROTO: more, or less, than the message says. */
static int
message_check(const struct sp_msg *m, size_t got, size_t room)
{
	if (m->m_turn > room || got - sizeof(*m) > m->m_turn)
		return EPROTO;
	return 0;
}

static int
stream_receive(struct spslot *ss, bool answer)
{
	uint8_t *to = answer ? ss->ss_area + SP_SCRATCH : ss->ss_area;
	const size_t room = answer ? SP_SCRATCHSIZE : SP_SEGSPACE;
	size_t done = 0, got;
	int error;

	/* Others shall find the seat free. */
	vcpu_forget(ss->ss_lwp);
	do {
		struct rumpuser_iov iov[2] = {
			{ (uint8_t *)&ss->ss_msg + done, 0 },
			{ to, room },
		};

		if (done < sizeof(ss->ss_msg)) {
			iov[0].iov_len = sizeof(ss->ss_msg) - done;
		} else {
			iov[1].iov_base = to + (done - sizeof(ss->ss_msg));
			iov[1].iov_len = ss->ss_msg.m_turn -
			    (done - sizeof(ss->ss_msg));
		}
		error = rumpuser_spconn_get(ss->ss_conn, iov, 2, &got);
		if (error != 0 || got == 0 || atomic_load_acq(&ss->ss_closing))
			return ECANCELED;
		done += got;
		if (done < sizeof(ss->ss_msg))
			continue;
		error = message_check(&ss->ss_msg, done, room);
		if (error)
			return error;
	} while (done < sizeof(ss->ss_msg) + ss->ss_msg.m_turn ||
	    done < sizeof(ss->ss_msg));
	ss->ss_got = ss->ss_msg.m_turn;
	return 0;
}

/* What the kernel wrote, said by the table at SP_SCRATCH. */
static void
written_put(struct spslot *ss, struct rumpuser_iov *iov)
{
	const struct sp_written *wr = (const void *)(ss->ss_area + SP_SCRATCH);
	unsigned int n = 2;

	for (unsigned int i = 0; i < ss->ss_nwritten; i++, wr++) {
		if (n == PIECES) {
			if (rumpuser_spconn_put(ss->ss_conn, iov, n) != 0)
				return;
			n = 0;
		}
		iov[n].iov_base = ss->ss_area + wr->wr_off;
		iov[n++].iov_len = wr->wr_hi - wr->wr_lo;
	}
	(void)rumpuser_spconn_put(ss->ss_conn, iov, n);
}

static size_t
written_size(const struct spslot *ss)
{
	const struct sp_written *wr = (const void *)(ss->ss_area + SP_SCRATCH);
	size_t len = ss->ss_nwritten * sizeof(*wr);

	for (unsigned int i = 0; i < ss->ss_nwritten; i++, wr++)
		len += wr->wr_hi - wr->wr_lo;
	return len;
}

/* One whose connection has ended is told so when it waits for what comes next. */
static void
stream_send(struct spslot *ss)
{
	struct rumpuser_iov iov[PIECES] = {
		{ &ss->ss_msg, sizeof(ss->ss_msg) },
		{ ss->ss_area + SP_SCRATCH, 0 },
	};

	ss->ss_msg.m_nsegs = 0;
	if (ss->ss_msg.m_type == SP_COPYOUT)
		iov[1].iov_len = ss->ss_msg.m_arg[1];
	ss->ss_msg.m_turn = (uint32_t)iov[1].iov_len;
	if (ss->ss_msg.m_type != SP_REPLY || ss->ss_nwritten == 0) {
		(void)rumpuser_spconn_put(ss->ss_conn, iov, 2);
		return;
	}
	ss->ss_msg.m_nsegs = (uint16_t)ss->ss_nwritten;
	ss->ss_msg.m_turn = (uint32_t)written_size(ss);
	iov[1].iov_len = ss->ss_nwritten * sizeof(struct sp_written);
	written_put(ss, iov);
}

static void
stream_end(struct spslot *ss)
{
	rumpuser_spconn_shutdown(ss->ss_conn);
}

static void
stream_poke(struct spslot *ss)
{
	rumpuser_spconn_shutdown(ss->ss_conn);
}

const struct spchannel_ops spstream_ops = {
	.co_begin	= stream_begin,
	.co_receive	= stream_receive,
	.co_send	= stream_send,
	.co_end		= stream_end,
	.co_poke	= stream_poke,
};
