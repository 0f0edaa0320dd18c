/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * raw.c - clients that speak the protocol by themselves
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <asm/unistd.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "raw.h"

#define SCRATCH		(192u << 10)	/* where in the area the server asks */
#define HONEST_SECONDS	5

/* --- beginning --------------------------------------------------------------------- */

int
raw_connect(const struct spserver *ss)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(ss->ss_url + 7);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	NEED(fd != -1);
	memcpy(sun.sun_path, ss->ss_url + 7, len);
	sun.sun_path[0] = '\0';
	NEED(connect(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0);
	return fd;
}

void
hello_good(struct sp_hello *h)
{
	*h = (struct sp_hello){ .h_magic = SP_MAGIC, .h_version_min = SP_VERSION,
	    .h_version_max = SP_VERSION, .h_kind = SP_GUEST,
	    .h_features = SP_FEAT_SHM | SP_FEAT_FDS, .h_machine = SP_MACHINE,
	    .h_bigendian = SP_BIGENDIAN, .h_wordsize = sizeof(long),
	    .h_pagesize = 4096 };
}

int
hello_say(int fd, const struct sp_hello *h, int *ret_memfd)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } room;
	struct sp_welcome w;
	struct iovec iov = { &w, sizeof(w) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = room.room, .msg_controllen = sizeof(room.room) };

	NEED(send(fd, h, sizeof(*h), MSG_NOSIGNAL) == sizeof(*h));
	NEED(recvmsg(fd, &msg, MSG_WAITALL) == sizeof(w));
	if (w.w_error == 0 && ret_memfd != NULL)
		memcpy(ret_memfd, CMSG_DATA(&room.align), sizeof(int));
	return w.w_error;
}

void
raw_open(const struct spserver *ss, struct rawclient *rc)
{
	struct sp_ctl ctl = { .c_op = SP_SLOT_OPEN, .c_seq = 1 };
	struct sp_hello h;
	int memfd = -1;

	rc->rc_memory = NULL;
	rc->rc_fd = raw_connect(ss);
	hello_good(&h);
	NEED(hello_say(rc->rc_fd, &h, &memfd) == 0);
	rc->rc_region = mmap(NULL, SP_REGIONSIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED, memfd, 0);
	NEED(rc->rc_region != MAP_FAILED);
	/* Nobody takes the memory from under the server's feet. */
	CHECK_EQ("shrink", -1, ftruncate(memfd, 0));
	close(memfd);
	NEED(send(rc->rc_fd, &ctl, sizeof(ctl), 0) == sizeof(ctl));
	NEED(recv(rc->rc_fd, &ctl, sizeof(ctl), MSG_WAITALL) == sizeof(ctl));
	NEED(ctl.c_error == 0 && ctl.c_arg < SP_NSLOTS);
	rc->rc_slot = &rc->rc_region->r_slot[ctl.c_arg];
	rc->rc_area = (uint8_t *)rc->rc_region + SP_AREAOFF(ctl.c_arg);
	while ((rc->rc_tid = __atomic_load_n(&rc->rc_slot->sl_alive,
	    __ATOMIC_ACQUIRE)) == 0)
		sched_yield();
}

void
raw_give(struct rawclient *rc)
{
	uint32_t *turn = &rc->rc_slot->sl_msg.m_turn;

	__atomic_store_n(turn, rc->rc_tid, __ATOMIC_SEQ_CST);
	syscall(__NR_futex, turn, 1, 1 << 30, NULL, NULL, 0);
}

void
raw_close(struct rawclient *rc)
{
	munmap(rc->rc_region, SP_REGIONSIZE);
	close(rc->rc_fd);
}

/* --- calls ------------------------------------------------------------------------- */

bool
raw_wait(struct rawclient *rc)
{
	uint32_t *turn = &rc->rc_slot->sl_msg.m_turn, now;

	for (;;) {
		now = __atomic_load_n(turn, __ATOMIC_SEQ_CST);
		if ((now & SP_DIED) != 0)
			return false;
		if ((now & ~SP_WAITER) == 0)
			return true;
		sched_yield();
	}
}

void
raw_call(struct rawclient *rc, unsigned int nr, unsigned long a, unsigned long b,
    unsigned long c, unsigned long d)
{
	struct sp_msg *m = &rc->rc_slot->sl_msg;

	m->m_type = SP_CALL;
	m->m_nsegs = 0;
	m->m_nr = nr;
	m->m_arg[0] = a;
	m->m_arg[1] = b;
	m->m_arg[2] = c;
	m->m_arg[3] = d;
	m->m_arg[4] = m->m_arg[5] = 0;
	raw_give(rc);
}

bool
raw_answer(struct rawclient *rc)
{
	struct sp_msg *m = &rc->rc_slot->sl_msg;
	uint8_t *scratch = rc->rc_area + SCRATCH;
	union { uint64_t n; void *p; } at = { .n = m->m_arg[0] };
	uint64_t len = m->m_arg[1], value = 0;
	bool there = rc->rc_memory == NULL || (at.n >= (uintptr_t)rc->rc_memory &&
	    at.n + len <= (uintptr_t)rc->rc_memory + rc->rc_memsize);

	if (m->m_type == SP_REPLY)
		return false;
	switch (there ? m->m_type : SP_TOUCH) {
	case SP_COPYIN:
		memcpy(scratch, at.p, len);
		break;
	case SP_COPYOUT:
		memcpy(at.p, scratch, len);
		break;
	case SP_COPYINSTR:
		value = strnlen(at.p, len);
		memcpy(scratch, at.p, value < len ? value + 1 : len);
		value++;
		break;
	case SP_TOUCH:
		break;
	default:
		return false;
	}
	m->m_type = SP_ANSWER;
	m->m_arg[0] = there ? 0 : EFAULT;
	m->m_arg[1] = value;
	raw_give(rc);
	return true;
}

long
raw_syscall(struct rawclient *rc, unsigned int nr, unsigned long a,
    unsigned long b, unsigned long c, unsigned long d)
{
	raw_call(rc, nr, a, b, c, d);
	do
		NEED(raw_wait(rc));
	while (raw_answer(rc));
	return (long)rc->rc_slot->sl_msg.m_arg[0];
}

/* --- others ------------------------------------------------------------------------- */

bool
honest_does(const struct spserver *ss, bool (*fn)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	NEED(pid != -1);
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(HONEST_SECONDS * harness_slowness());
		_exit(rumpclient_connect(ss->ss_url) == 0 && fn(arg) ? 0 : 1);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	return status == 0;
}

static bool
knows_itself(void *arg)
{
	return rump_sys_getpid() > 1;
}

void
honest(const struct spserver *ss)
{
	CHECK(honest_does(ss, knows_itself, NULL));
}
