/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sp_sweep.c - a server whose host fails it, at every step of its clients
 *
 * Each body is what a client does, from its connection to its end.  Whatever
 * allocation, thread or transfer fails, the client is told or loses its
 * connection, nothing is left behind, and the next one is served.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <asm/unistd.h>
#include <rump/rump.h>

#include "harness.h"
#include "sppeer.h"

#define USER	1000

/* What a client may be told when the host has failed the server in that way. */
static int swept_error;

static int
outcome(int error)
{
	return error == ECONNRESET || error == EAGAIN ? swept_error : error;
}

void	harness_kernel_settle(void);

/* Everything that has to do with clients that went is done. */
static void
rest(void)
{
	for (unsigned int i = 0; i < 50; i++) {
		rumpsim_settle();
		rumpsim_advance(20 * 1000000);
	}
	rumpsim_settle();
	rump_schedule();
	harness_kernel_settle();
	rump_unschedule();
}

static int
with_client(int (*fn)(struct sppeer *p))
{
	struct sppeer p;
	int error;

	error = sppeer_connect(&p, USER, SP_GUEST, NULL);
	if (error == 0) {
		error = fn(&p);
		sppeer_close(&p);
	}
	rest();
	return outcome(error);
}

static int
with_slot(struct sppeer *p, int (*fn)(struct sppeer *p, unsigned int slot))
{
	unsigned int slot;
	int error;

	error = sppeer_slot(p, &slot);
	if (error)
		return error;
	error = fn(p, slot);
	sppeer_bye(p, slot);
	return error;
}

static int
result(long n)
{
	return n < 0 ? (int)-n : 0;
}

#define P(x)	((unsigned long)(x))

/* --- what clients do ------------------------------------------------------------------ */

static int
do_nothing(struct sppeer *p)
{
	return 0;
}

static int
connect_body(void)
{
	return with_client(do_nothing);
}

static int
call_getpid(struct sppeer *p, unsigned int slot)
{
	long pid = sppeer_call(p, slot, __NR_getpid, 0, 0, 0);

	return pid == p->p_welcome.w_pid ? 0 : result(pid);
}

static int
do_slot(struct sppeer *p)
{
	return with_slot(p, call_getpid);
}

static int
slot_body(void)
{
	return with_client(do_slot);
}

/* Memory by questions: a path, data in, data out. */
static int
call_file(struct sppeer *p, unsigned int slot)
{
	char out[300] = "written by a client", in[300] = "";
	long fd, n;
	int error;

	fd = sppeer_call(p, slot, __NR_memfd_create, P("f"), 0, 0);
	if (fd < 0)
		return result(fd);
	n = sppeer_call(p, slot, __NR_write, P(fd), P(out), sizeof(out));
	error = result(n);
	if (error == 0)
		error = result(sppeer_call(p, slot, __NR_lseek, P(fd), 0, SEEK_SET));
	if (error == 0) {
		n = sppeer_call(p, slot, __NR_read, P(fd), P(in), sizeof(in));
		error = result(n);
		if (error == 0)
			CHECK_MEM("data", out, in, sizeof(in));
	}
	(void)sppeer_call(p, slot, __NR_close, P(fd), 0, 0);
	return error;
}

static int
do_file(struct sppeer *p)
{
	return with_slot(p, call_file);
}

static int
file_body(void)
{
	return with_client(do_file);
}

/* As many segments as do not fit into the slot's own table. */
static int
call_segments(struct sppeer *p, unsigned int slot)
{
	struct sp_slot *sl = sppeer_slot_of(p, slot);
	struct sp_seg *seg = (struct sp_seg *)(void *)sppeer_area(p, slot);
	int fds[2] = { -1, -1 };

	for (unsigned int i = 0; i < 40; i++)
		seg[i] = (struct sp_seg){ .s_addr = P(fds) + 64 * i, .s_len = 8,
		    .s_off = (2048 + 8 * i) | SP_SEG_OUT };
	sl->sl_msg = (struct sp_msg){ .m_type = SP_CALL, .m_nsegs = 40,
	    .m_nr = __NR_pipe2, .m_arg = { P(fds) } };
	if (!sppeer_give(p, slot))
		return ECONNRESET;
	if ((long)sl->sl_msg.m_arg[0] < 0)
		return result((long)sl->sl_msg.m_arg[0]);
	CHECK_EQ("written", SP_RANGE(0, 8), sl->sl_msg.m_arg[2]);
	CHECK_EQ("not written", 0, sl->sl_msg.m_arg[3]);
	memcpy(fds, (uint8_t *)seg + 2048, sizeof(fds));
	CHECK_EQ("close", 0, sppeer_call(p, slot, __NR_close, P(fds[0]), 0, 0));
	CHECK_EQ("close", 0, sppeer_call(p, slot, __NR_close, P(fds[1]), 0, 0));
	return 0;
}

static int
do_segments(struct sppeer *p)
{
	return with_slot(p, call_segments);
}

static int
segments_body(void)
{
	return with_client(do_segments);
}

static int
do_fork(struct sppeer *p)
{
	struct sp_ctl ctl = { .c_op = SP_PREFORK };
	struct sppeer child;
	int error;

	error = sppeer_ctl(p, &ctl, false);
	if (error)
		return error;
	error = sppeer_connect(&child, USER, SP_FORK, ctl.c_secret);
	if (error == ESRCH)
		error = ECONNRESET;	/* the parent's, which took the ticket along */
	if (error == 0) {
		error = do_slot(&child);
		sppeer_close(&child);
	} else {
		ctl.c_op = SP_FORK_CANCEL;
		(void)sppeer_ctl(p, &ctl, false);
	}
	return error;
}

static int
fork_body(void)
{
	return with_client(do_fork);
}

/* One ticket is not used, one given back. */
static int
do_tickets(struct sppeer *p)
{
	struct sp_ctl ctl = { .c_op = SP_PREFORK };
	int error;

	error = sppeer_ctl(p, &ctl, false);
	if (error == 0)
		error = sppeer_ctl(p, &ctl, false);
	ctl.c_op = SP_FORK_CANCEL;
	return error ? error : sppeer_ctl(p, &ctl, false);
}

static int
tickets_body(void)
{
	return with_client(do_tickets);
}

static int
call_open(struct sppeer *p, unsigned int slot)
{
	long fd = sppeer_call(p, slot, __NR_eventfd2, 0, O_CLOEXEC, 0);

	return fd < 0 ? result(fd) : 0;
}

static int
do_exec(struct sppeer *p)
{
	struct sp_ctl ctl = { .c_op = SP_EXECUTED };
	struct sp_hello h;
	int error;

	error = with_slot(p, call_open);
	if (error)
		return error;
	sppeer_hello(&h, SP_EXEC);
	if (rumpsim_client_send(p->p_client, &ctl, sizeof(ctl), false) !=
	    sizeof(ctl))
		return ECONNRESET;
	error = sppeer_greet(p, &h);
	return error ? error : do_slot(p);
}

static int
exec_body(void)
{
	return with_client(do_exec);
}

/* A bell for one descriptor, and for a poll. */
static int
call_notify(struct sppeer *p, unsigned int slot)
{
	struct sp_ctl ctl = { .c_op = SP_BIND };
	struct pollfd pfd = { .events = POLLIN };
	uint64_t one = 1;
	int error;
	long fd;

	error = sppeer_ctl(p, &ctl, true);
	if (error)
		return error;
	fd = sppeer_call(p, slot, __NR_eventfd2, 0, 0, 0);
	error = fd < 0 ? result(fd) : result(sppeer_call(p, slot, SP_NR_NOTIFY,
	    P(fd), ctl.c_arg + 1, 0));
	pfd.fd = (int)fd;
	if (error == 0)
		error = result(sppeer_call(p, slot, SP_NR_POLL_ARM, P(&pfd), 1,
		    ctl.c_arg));
	if (error == 0)
		error = result(sppeer_call(p, slot, __NR_write, P(fd), P(&one),
		    sizeof(one)));
	ctl.c_op = SP_UNBIND;
	return error ? error : sppeer_ctl(p, &ctl, false);
}

static int
do_notify(struct sppeer *p)
{
	return with_slot(p, call_notify);
}

static int
notify_body(void)
{
	return with_client(do_notify);
}

/* A descriptor of the host comes, becomes one of the kernel, and goes again. */
static int
call_lend(struct sppeer *p, unsigned int slot)
{
	struct sp_ctl ctl = { .c_op = SP_LEND };
	int error;
	long fd, place;

	error = sppeer_ctl(p, &ctl, true);
	if (error)
		return error;
	fd = sppeer_call(p, slot, SP_NR_LENT, ctl.c_arg, 0, 0);
	if (fd < 0)
		return result(fd);
	place = sppeer_call(p, slot, SP_NR_FETCH, P(fd), 0, 0);
	ctl = (struct sp_ctl){ .c_op = SP_FETCH, .c_arg = (uint32_t)place };
	error = place < 0 ? result(place) : sppeer_ctl(p, &ctl, false);
	return error ? error : result(sppeer_call(p, slot, __NR_close, P(fd), 0, 0));
}

static int
do_lend(struct sppeer *p)
{
	return with_slot(p, call_lend);
}

static int
lend_body(void)
{
	return with_client(do_lend);
}

/* A number of a kernel that is gone. */
static int
call_lost(struct sppeer *p, unsigned int slot)
{
	return result(sppeer_call(p, slot, SP_NR_LOST, 7, 0, 0));
}

static int
do_lost(struct sppeer *p)
{
	return with_slot(p, call_lost);
}

static int
lost_body(void)
{
	return with_client(do_lost);
}

/* One says which program it is now, and for which process of the host. */
static int
call_rename(struct sppeer *p, unsigned int slot)
{
	unsigned long name[2] = { 0, 0 };

	memcpy(name, "other-program", 14);
	return result(sppeer_call(p, slot, SP_NR_COMM, name[0], name[1], 4712));
}

static int
do_rename(struct sppeer *p)
{
	return with_slot(p, call_rename);
}

static int
rename_body(void)
{
	return with_client(do_rename);
}

/* A file goes into a parcel, a connection stands for that, and the file is taken out again. */
static int
call_parcel(struct sppeer *p, unsigned int slot)
{
	uint8_t secret[SP_SECRET];
	struct sppeer parcel;
	long fd, taken;
	int error;

	fd = sppeer_call(p, slot, __NR_eventfd2, 0, 0, 0);
	if (fd < 0)
		return result(fd);
	error = result(sppeer_call(p, slot, SP_NR_SEND, P(fd), P(secret), 0));
	if (error)
		return error;
	error = sppeer_connect(&parcel, USER, SP_PARCEL, secret);
	if (error)
		return error == ESRCH ? ECONNRESET : error;	/* its sender's, which took it along */
	taken = sppeer_call(p, slot, SP_NR_TAKE, P(secret), 0, 0);
	CHECK(taken != fd);
	sppeer_close(&parcel);
	/* A parcel is gone with its connection. */
	if (taken >= 0)
		CHECK_EQ("gone", -ESRCH, sppeer_call(p, slot, SP_NR_TAKE, P(secret), 0, 0));
	return taken == -ESRCH ? ECONNRESET : result(taken);
}

static int
do_parcel(struct sppeer *p)
{
	return with_slot(p, call_parcel);
}

static int
parcel_body(void)
{
	return with_client(do_parcel);
}

/* --- the sweeps ------------------------------------------------------------------------- */

static int (*const bodies[])(void) = {
	connect_body, slot_body, file_body, segments_body, fork_body,
	tickets_body, exec_body, notify_body, lend_body, lost_body,
	rename_body, parcel_body,
};

static void
sweep_all(enum harness_fault kind, int error)
{
	NEED(rump_init_server("unix://@sweep") == 0);
	swept_error = error;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		/* What is made once is there, and all is well without failures. */
		CHECK_EQ("without failures", 0, bodies[i]());
		fault_sweep(kind, bodies[i]);
		CHECK_EQ("afterwards", 0, bodies[i]());
	}
}

TEST(clients_survive_each_failed_allocation)
{
	sweep_all(FAULT_MEMORY, ENOMEM);
}

TEST(clients_survive_each_thread_that_cannot_be_made)
{
	sweep_all(FAULT_THREAD, EAGAIN);
}

TEST(clients_survive_each_failed_transfer)
{
	sweep_all(FAULT_PEER, EIO);
}
