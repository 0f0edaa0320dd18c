/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_sp_client_stream.c - a client of a server that lies, and shares no memory with it
 *
 * The client library makes its calls of the host through a function of ours.  Each
 * connection is two heaps of bytes: what the client says is understood well enough to
 * answer it, rightly or not, in as many pieces as the input says, with tables that
 * lie, too much or too little behind a message, questions without end, and signals and
 * ends of connections anywhere.  At the end of the input the server is dead, so that
 * every call ends.
 *
 * What the client does, and what may come of it, is in spcalls.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <proto/sysproxy.h>
#include <rump/rumpclient.h>

#include "spcalls.h"

#define FD_SOCKET	900
#define NCONNS		16
#define STEPS_MAX	200
#define ROOM		(sizeof(struct sp_msg) + SP_AREA)

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct conn {
	bool		 c_open, c_ended;
	bool		 c_channel;
	size_t		 c_heard;	/* of the message that is being said */
	size_t		 c_wanted;	/* its length, as far as it is known */
	uint8_t		 c_head[sizeof(struct sp_hello)];
	size_t		 c_at, c_len;	/* of what is to be read */
	uint8_t		*c_say;		/* ROOM bytes */
};

static struct conn conns[NCONNS];
static bool dead;
static unsigned int steps;

static struct conn *
conn_of(long fd)
{
	return fd >= FD_SOCKET && fd < FD_SOCKET + NCONNS && conns[fd - FD_SOCKET].c_open ?
	    &conns[fd - FD_SOCKET] : NULL;
}

static void
conn_say(struct conn *c, const void *buf, size_t len)
{
	if (c->c_at == c->c_len)
		c->c_at = c->c_len = 0;
	if (len > ROOM - c->c_len)
		len = ROOM - c->c_len;
	memcpy(c->c_say + c->c_len, buf, len);
	c->c_len += len;
}

/* --- the server ------------------------------------------------------------------------ */

static void
answer_hello(struct conn *c)
{
	struct sp_welcome w = { .w_magic = SP_MAGIC, .w_version = SP_VERSION,
	    .w_pid = 42, .w_nslots = SP_NSLOTS };
	uint32_t how = take(&in, 1);
	struct sp_hello h;

	memcpy(&h, c->c_head, sizeof(h));
	c->c_channel = h.h_kind == SP_CHANNEL;
	w.w_slot = how & 0x40 ? (uint32_t)take_number() : how & 7;
	if (how & 0x80)
		spoil(&in, 4, &w, sizeof(w));
	conn_say(c, &w, how & 0x20 ? take(&in, 1) % sizeof(w) : sizeof(w));
	c->c_ended = (how & 0x20) != 0;
}

static void
answer_ctl(struct conn *c)
{
	uint32_t how = take(&in, 1);
	struct sp_ctl ctl;

	memcpy(&ctl, c->c_head, sizeof(ctl));
	if (ctl.c_op == SP_INTERRUPT)
		return;
	ctl.c_arg = how & 0x20 ? (uint32_t)take_number() : 0;
	ctl.c_error = how & 0x40 ? (int32_t)take_number() : 0;
	if (how & 0x10) {
		struct sp_ctl stopping = { .c_op = SP_STOPPING, .c_arg = take(&in, 1) };

		conn_say(c, &stopping, sizeof(stopping));
	}
	if (how & 0x80)
		spoil(&in, 4, &ctl, sizeof(ctl));
	conn_say(c, &ctl, sizeof(ctl));
}

/* The reply with its table, and what is written. */
static size_t
make_reply(struct sp_msg *m, uint8_t *data, uint32_t how)
{
	size_t at = 0, pieces = 0;

	m->m_type = SP_REPLY;
	m->m_nsegs = how & 0x08 ? (uint16_t)take_number() : (how >> 4) % 6;
	for (unsigned int i = 0; i < m->m_nsegs && i < 64; i++) {
		struct sp_written wr = { .wr_seg = how & 0x80 ? take(&in, 1) : i,
		    .wr_lo = how & 0x40 ? (uint32_t)take_number() : 0,
		    .wr_hi = how & 0x40 ? (uint32_t)take_number() : take(&in, 1) };

		memcpy(data + at, &wr, sizeof(wr));
		at += sizeof(wr);
		pieces += wr.wr_hi - wr.wr_lo < 65536 ? wr.wr_hi - wr.wr_lo : 0;
	}
	memset(data + at, 0xa5, pieces < SP_AREA - at ? pieces : SP_AREA - at);
	return pieces < SP_AREA - at ? at + pieces : SP_AREA;
}

static size_t
make_question(struct sp_msg *m, uint8_t *data, uint32_t how)
{
	m->m_type = (uint16_t)(SP_COPYIN + (how >> 3) % 5);
	memory_asked = true;
	if (m->m_type != SP_COPYOUT)
		return 0;
	if (how & 0x80)
		return take(&in, 2);
	memset(data, 0x33, 256);
	return m->m_arg[1] < SP_AREA ? m->m_arg[1] : SP_AREA;
}

static void
answer_message(struct conn *c)
{
	static uint8_t data[SP_AREA];
	struct sp_msg m;
	uint32_t how = take(&in, 1);
	size_t len = 0;

	if (++steps > STEPS_MAX || how == 0xff) {
		c->c_ended = true;
		return;
	}
	memcpy(&m, c->c_head, sizeof(m));
	m.m_nsegs = 0;
	m.m_arg[0] = take_number();
	m.m_arg[1] = how & 1 ? take_number() : 0;
	if (how & 2)
		len = make_question(&m, data, how);
	else
		len = make_reply(&m, data, how);
	m.m_turn = (uint32_t)len;
	if ((how & 5) == 5) {
		spoil(&in, 4, &m, sizeof(m));
		m.m_type &= 31;
		memory_asked = memory_asked || m.m_type != SP_REPLY;
	}
	conn_say(c, &m, sizeof(m));
	/* As much as it says, or not. */
	conn_say(c, data, m.m_turn < SP_AREA ? m.m_turn : len);
	if ((how & 0xc4) == 0xc4)
		conn_say(c, data, take(&in, 1));
}

/* A byte more of what the client says; whole messages are answered. */
static void
hear_byte(struct conn *c, uint8_t byte)
{
	const bool hello = c->c_wanted == 0;

	if (c->c_heard == 0 && !hello)
		c->c_wanted = c->c_channel ? sizeof(struct sp_msg) : sizeof(struct sp_ctl);
	if (c->c_heard < sizeof(c->c_head))
		c->c_head[c->c_heard] = byte;
	c->c_heard++;
	if (hello && c->c_heard < sizeof(struct sp_hello))
		return;
	if (hello) {
		answer_hello(c);
		c->c_wanted = 1;
		c->c_heard = 0;
		return;
	}
	if (c->c_channel && c->c_heard == sizeof(struct sp_msg)) {
		struct sp_msg m;

		memcpy(&m, c->c_head, sizeof(m));
		need(m.m_turn <= SP_AREA, "says more than there is room for");
		c->c_wanted += m.m_turn;
	}
	if (c->c_heard < c->c_wanted)
		return;
	c->c_heard = 0;
	if (c->c_channel)
		answer_message(c);
	else
		answer_ctl(c);
}

/* --- the host ----------------------------------------------------------------------------- */

static long
host_socket(void)
{
	for (int i = 0; i < NCONNS; i++) {
		struct conn *c = &conns[i];
		uint8_t *say = c->c_say;

		if (c->c_open)
			continue;
		*c = (struct conn){ .c_open = true, .c_say = say };
		if (say == NULL)
			c->c_say = malloc(ROOM);
		return c->c_say != NULL ? FD_SOCKET + i : -ENOMEM;
	}
	need(false, "connections are left");
	return -EMFILE;
}

static long
host_sendmsg(struct conn *c, const struct msghdr *msg)
{
	size_t done = 0, most = SIZE_MAX;

	if (dead || c == NULL || c->c_ended)
		return -EPIPE;
	if (in.i_left > 0 && (in.i_p[0] & 0xf8) == 0xf8) {
		most = take(&in, 1) & 7;
		if (most == 0)
			return -EINTR;
	}
	for (size_t i = 0; i < msg->msg_iovlen && done < most; i++) {
		const uint8_t *p = msg->msg_iov[i].iov_base;

		for (size_t k = 0; k < msg->msg_iov[i].iov_len && done < most; k++, done++)
			hear_byte(c, p[k]);
	}
	return (long)done;
}

static long
host_recvmsg(struct conn *c, struct msghdr *msg)
{
	size_t done = 0, most;
	uint32_t how = in.i_left > 0 ? take(&in, 1) : 0;

	msg->msg_controllen = 0;
	if (c == NULL || c->c_at == c->c_len)
		return 0;		/* the server is gone */
	if ((how & 0xf0) == 0xf0 && ++steps < STEPS_MAX)
		return -EINTR;
	most = how & 0x80 ? 1 + (how & 0x3f) : c->c_len;
	for (size_t i = 0; i < msg->msg_iovlen && done < most; i++) {
		size_t n = c->c_len - c->c_at;

		if (n > msg->msg_iov[i].iov_len)
			n = msg->msg_iov[i].iov_len;
		if (n > most - done)
			n = most - done;
		memcpy(msg->msg_iov[i].iov_base, c->c_say + c->c_at, n);
		c->c_at += n;
		done += n;
	}
	return (long)done;
}

static long
host_recvfrom(struct conn *c, void *buf, size_t len)
{
	size_t n;

	if (dead || c == NULL || ++steps > STEPS_MAX)
		return 0;
	n = c->c_len - c->c_at;
	if (n == 0)
		return c->c_ended ? 0 : -EAGAIN;
	memcpy(buf, c->c_say + c->c_at, n < len ? n : len);
	return (long)(n < len ? n : len);
}

static long
host_close(struct conn *c)
{
	if (c != NULL)
		c->c_open = false;
	return 0;
}

static long
host(long nr, long a, long b, long c, long d, long e, long f)
{
	union { long n; void *p; struct msghdr *msg; } p = { .n = a }, q = { .n = b };

	(void)e;
	(void)f;
	switch (nr) {
	case SYS_socket:
		return host_socket();
	case SYS_connect:
		return in.i_left == 0 ? -ECONNREFUSED : 0;
	case SYS_sendmsg:
		return host_sendmsg(conn_of(a), q.msg);
	case SYS_recvmsg:
		return host_recvmsg(conn_of(a), q.msg);
	case SYS_recvfrom:
		return host_recvfrom(conn_of(a), q.p, (size_t)c);
	case SYS_ppoll:
		return in.i_left > 0 && take(&in, 1) % 8 == 7 && ++steps < STEPS_MAX ? -EINTR : 1;
	case SYS_close:
		return host_close(conn_of(a));
	case SYS_socketpair:
		memcpy((void *)(uintptr_t)d, (int[2]){ 1060, 1061 }, 2 * sizeof(int));
		return 0;
	case SYS_mmap:
		need(e == -1, "maps what a server without memory gave");
		p.p = mmap(NULL, (size_t)b, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return p.p == MAP_FAILED ? -ENOMEM : p.n;
	case SYS_munmap:
		return munmap(p.p, (size_t)b);
	case SYS_fcntl:
		return b == F_DUPFD_CLOEXEC ? -EMFILE : 0;
	case SYS_getcwd:
		memcpy(p.p, "/", 2);
		return 2;
	case SYS_exit_group:
		need(false, "ends the process");
		return 0;
	default:
		return nr == SYS_openat ? -ENOENT : 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;

	if (!started) {
		started = true;
		rumpclient_sethostcall(host);
		spcalls_init();
	}
	in = (struct input){ data, size };
	dead = false;
	steps = 0;
	if (rumpclient_connect("unix+stream://@lies") != 0)
		return 0;
	while (in.i_left > 0 && !dead && rumpclient_getpid() != 0)
		spcalls_one();
	dead = true;
	for (unsigned int i = 0; i < NCONNS; i++)
		conns[i].c_ended = true;
	/* The client finds out. */
	spcalls_getpid();
	need(rumpclient_getpid() == 0, "still believes in the server");
	return 0;
}
