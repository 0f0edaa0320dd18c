/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_sp_client.c - a client of a server that lies
 *
 * The client library makes its calls of the host through a function of ours, behind
 * which is no host but the input: what the server answers to the hello
 * and to requests, what it asks for in the middle of calls, what it writes to the
 * shared memory while the client waits or looks, and when it dies.  At the end
 * of the input it is dead, so that every call ends.
 *
 * What the client does, and what may come of it, is in spcalls.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <proto/sysproxy.h>
#include <rump/rumpclient.h>

#include "spcalls.h"

#define FD_SOCKET	900		/* and up */
#define FD_REGION	800
#define STEPS_MAX	64

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sp_region *region;
static bool dead;
static unsigned int steps;
static int next_fd;

/* Bytes of the server on their way. */
static uint8_t wire[1024];
static size_t wire_len, wire_at;
static bool wire_fd;

/* --- the server ------------------------------------------------------------------------ */

static void
server_die(void)
{
	dead = true;
	region->r_gone = 1;
	for (unsigned int i = 0; i < SP_NSLOTS; i++) {
		__atomic_fetch_or(&region->r_slot[i].sl_alive, SP_DIED, __ATOMIC_SEQ_CST);
		__atomic_fetch_or(&region->r_slot[i].sl_msg.m_turn, SP_DIED, __ATOMIC_SEQ_CST);
	}
}

/* The segments' results, which are all that a reply has beside its number. */
static void
server_segments(uint8_t *area)
{
	struct sp_seg *seg = (struct sp_seg *)(void *)area;

	for (unsigned int n = take(&in, 1) % 12; n > 0; n--) {
		unsigned int i = take(&in, 1) % 64;

		seg[i].s_lo = (uint32_t)take_number();
		seg[i].s_hi = (uint32_t)take_number();
		if (take(&in, 1) & 1)
			spoil(&in, 4, &seg[i], sizeof(seg[i]));
	}
}

/* Whoever sleeps on a word of the region: the server does something, and wakes him. */
static void
server_act(uint32_t *word)
{
	size_t at = (size_t)((uint8_t *)word - (uint8_t *)region);
	unsigned int i = (unsigned int)((at - offsetof(struct sp_region, r_slot)) /
	    sizeof(struct sp_slot)) % SP_NSLOTS;
	struct sp_slot *sl = &region->r_slot[i];
	uint8_t *area = (uint8_t *)region + SP_AREAOFF(i);
	uint32_t what = take(&in, 1);

	if (in.i_left == 0 || ++steps > STEPS_MAX || what == 0xff) {
		server_die();
		return;
	}
	if (sl->sl_alive == 0) {
		sl->sl_alive = what & 0x80 ? take(&in, 4) : 77;
		return;
	}
	switch (what % 8) {
	case 0: case 1:
		server_segments(area + (sl->sl_msg.m_segs & 0x1fff8));
		for (unsigned int k = 2; k < 6; k++)
			sl->sl_msg.m_arg[k] = what & 0x20 ? SP_RANGE(take(&in, 1), take(&in, 2)) :
			    take_number();
		sl->sl_msg.m_type = SP_REPLY;
		sl->sl_msg.m_arg[0] = take_number();
		sl->sl_msg.m_arg[1] = what & 0x80 ? take(&in, 1) : 0;
		break;
	case 2: case 3: case 4: case 5:
		sl->sl_msg.m_type = (uint16_t)(SP_COPYIN + (what >> 3) % 5);
		sl->sl_msg.m_arg[0] = take_number();
		sl->sl_msg.m_arg[1] = take_number();
		memory_asked = true;
		if (what & 0x80)
			take_bytes(&in, area + (192u << 10), 40);
		break;
	case 6:
		spoil(&in, 4, &sl->sl_msg, sizeof(sl->sl_msg));
		sl->sl_msg.m_type &= 31;
		memory_asked = true;
		break;
	default:
		spoil(&in, 4, area, 256);
		if (what & 0x80)
			return;		/* wakes without a turn */
		break;
	}
	if ((what & 0x40) && take(&in, 1) % 16 == 0)
		sl->sl_alive = take(&in, 4);
	__atomic_store_n(&sl->sl_msg.m_turn, 0, __ATOMIC_SEQ_CST);
}

/* What the server says to what it was sent. */
static void
server_hear(const void *buf, size_t len)
{
	union { struct sp_welcome w; struct sp_ctl c; } say;
	uint32_t how = take(&in, 1);

	memset(&say, 0, sizeof(say));
	wire_at = 0;
	wire_len = 0;
	if (dead)
		return;
	if (len == sizeof(struct sp_hello)) {
		say.w.w_magic = SP_MAGIC;
		say.w.w_version = SP_VERSION;
		say.w.w_features = SP_FEATURES;
		say.w.w_pid = 42;
		say.w.w_nslots = SP_NSLOTS;
		/* Without them there are streams instead of memory. */
		say.w.w_features = how & 0x04 ? 0 : SP_FEATURES;
		wire_len = sizeof(say.w);
		wire_fd = (how & 0x10) == 0;
	} else if (len == sizeof(struct sp_ctl)) {
		memcpy(&say.c, buf, sizeof(say.c));
		if (say.c.c_op == SP_INTERRUPT)
			return;
		say.c.c_arg = how & 0x20 ? (uint32_t)take_number() : 0;
		say.c.c_error = how & 0x40 ? (int32_t)take_number() : 0;
		if (say.c.c_op == SP_SLOT_OPEN && say.c.c_arg < SP_NSLOTS) {
			memset(&region->r_slot[say.c.c_arg], 0, sizeof(struct sp_slot));
			region->r_slot[say.c.c_arg].sl_alive = 77;
		}
		wire_len = sizeof(say.c);
	}
	if (how & 0x80)
		spoil(&in, 4, &say, wire_len > 0 ? wire_len : 1);
	memcpy(wire, &say, wire_len);
	if (how & 0x08) {
		/* Something else first: old replies, or half a message. */
		size_t n = take(&in, 1);

		memmove(wire + n, wire, wire_len);
		take_bytes(&in, wire, n);
		wire_len += n;
	}
}

/* --- the host ----------------------------------------------------------------------------- */

static long
host_recvmsg(struct msghdr *msg)
{
	size_t n = wire_len - wire_at;
	struct cmsghdr *cm = CMSG_FIRSTHDR(msg);

	if (n == 0)
		return 0;		/* the server is gone */
	if (n > msg->msg_iov[0].iov_len)
		n = msg->msg_iov[0].iov_len;
	memcpy(msg->msg_iov[0].iov_base, wire + wire_at, n);
	wire_at += n;
	if (cm != NULL && wire_fd) {
		int fd = FD_REGION;

		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
		wire_fd = false;
	} else {
		msg->msg_controllen = 0;
	}
	return (long)n;
}

static long
host_futex(uint32_t *word, long op, uint32_t expected)
{
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAKE)
		return 0;
	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected)
		return -EAGAIN;
	need((uint8_t *)word >= (uint8_t *)region && (uint8_t *)word <
	    (uint8_t *)region + SP_HEADSIZE, "sleeps where nobody wakes");
	server_act(word);
	return in.i_left > 0 && take(&in, 1) % 16 == 0 ? -EINTR : 0;
}

static long
host_fstat(struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFREG;
	st->st_size = (off_t)SP_REGIONSIZE;
	return 0;
}

static long
host(long nr, long a, long b, long c, long d, long e, long f)
{
	union { long n; void *p; struct msghdr *msg; uint32_t *word; struct stat *st; }
	    p = { .n = a }, q = { .n = b };

	(void)d;
	(void)e;
	(void)f;
	switch (nr) {
	case SYS_socket:
		return FD_SOCKET + next_fd++ % 50;
	case SYS_connect:
		return in.i_left == 0 ? -ECONNREFUSED : 0;
	case SYS_sendmsg:
		if (dead)
			return -EPIPE;
		server_hear(q.msg->msg_iov[0].iov_base, q.msg->msg_iov[0].iov_len);
		return (long)q.msg->msg_iov[0].iov_len;
	case SYS_recvmsg:
		return host_recvmsg(q.msg);
	case SYS_recvfrom:
		return dead || ++steps > STEPS_MAX ? 0 : -EAGAIN;
	case SYS_socketpair:
		memcpy((void *)(uintptr_t)d, (int[2]){ FD_SOCKET + 60, FD_SOCKET + 61 },
		    2 * sizeof(int));
		return 0;
	case SYS_futex:
		return host_futex(p.word, b, (uint32_t)c);
	case SYS_mmap:
		if (e == FD_REGION) {
			need((uint64_t)b == SP_REGIONSIZE, "maps something else");
			return (long)(uintptr_t)region;
		}
		p.p = mmap(NULL, (size_t)b, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return p.p == MAP_FAILED ? -ENOMEM : p.n;
	case SYS_munmap:
		return p.p == region ? 0 : munmap(p.p, (size_t)b);
	case SYS_fstat:
		return host_fstat(q.st);
	case SYS_fcntl:
		if (b == F_GET_SEALS)
			return F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
		return a;
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

static void
start(void)
{
	uint8_t *p;

	if (region != NULL)
		return;
	/* Nothing is mapped on either side. */
	p = mmap(NULL, SP_REGIONSIZE + 8192, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	need(p != MAP_FAILED && mprotect(p + 4096, SP_REGIONSIZE,
	    PROT_READ | PROT_WRITE) == 0, "no memory");
	region = (struct sp_region *)(void *)(p + 4096);
	rumpclient_sethostcall(host);
	spcalls_init();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	in = (struct input){ data, size };
	start();
	memset(region, 0, SP_HEADSIZE);
	dead = false;
	steps = 0;
	wire_len = wire_at = 0;
	wire_fd = false;
	if (rumpclient_connect("unix://@lies") != 0)
		return 0;
	while (in.i_left > 0 && !dead)
		spcalls_one();
	server_die();
	/* The client finds out. */
	spcalls_getpid();
	need(rumpclient_getpid() == 0, "still believes in the server");
	return 0;
}
