/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linger.c - what a kernel inside still has to do when its program ends
 *
 * A program that writes to a connection and exits leaves the rest to its kernel.  This one goes
 * with the program, so the end waits until peers have acknowledged what was written and that
 * there is no more: as long as a person would, not as long as TCP would try.
 *
 * References: sock_diag(7), RFC 9293 section 3.6.
 */

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <rump/rump_syscalls.h>

#include "inside.h"

#define MS		1000000L
#define LONGEST		3000		/* ms that unsent octets are waited for */
#define LONGEST_PEER	100		/* ms for the peer's end, once he has all of ours */
#define STATE(s)	(1u << (s))

enum work { NONE, PEER, OURS };		/* who still has to do something */

static enum work
work_of(const struct inet_diag_msg *m)
{
	switch (m->idiag_state) {
	case TCP_FIN_WAIT1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		return OURS;
	case TCP_FIN_WAIT2:
		return PEER;
	default:
		return m->idiag_wqueue > 0 ? OURS : NONE;
	}
}

/* One datagram of the answer; true: more follow. */
static bool
take(char *buf, size_t len, enum work *work)
{
	struct nlmsghdr *nh = (void *)buf;
	enum work w;

	for (; NLMSG_OK(nh, len); nh = NLMSG_NEXT(nh, len)) {
		if (nh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		    nh->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			return false;
		w = work_of(NLMSG_DATA(nh));
		*work = w > *work ? w : *work;
	}
	return true;
}

static void
look(int fd, int family, enum work *work)
{
	struct {
		struct nlmsghdr nh;
		struct inet_diag_req_v2 req;
	} ask = {
		.nh = { .nlmsg_len = sizeof(ask), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP,
			.idiag_states = STATE(TCP_ESTABLISHED) | STATE(TCP_CLOSE_WAIT) |
			STATE(TCP_FIN_WAIT1) | STATE(TCP_FIN_WAIT2) | STATE(TCP_CLOSING) |
			STATE(TCP_LAST_ACK) },
	};
	union {
		struct nlmsghdr nh;
		char bytes[16384];
	} answer;
	ssize_t n;

	if (rump_sys_send(fd, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		return;
	do
		n = rump_sys_recv(fd, &answer, sizeof(answer), 0);
	while (n > 0 && take(answer.bytes, (size_t)n, work));
}

static long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / MS;
}

void
linger(void)
{
	struct timespec nap = { .tv_nsec = MS / 10 };
	long begin = now_ms(), passed = 0;
	enum work work;
	int fd;

	(void)rump_sys_close_range(3, ~0U, 0);
	fd = rump_sys_socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG);
	if (fd == -1)
		return;
	for (;;) {
		work = NONE;
		look(fd, AF_INET, &work);
		look(fd, AF_INET6, &work);
		passed = now_ms() - begin;
		if (work == NONE || passed >= (work == OURS ? LONGEST : LONGEST_PEER))
			return;
		(void)nanosleep(&nap, NULL);
		if (nap.tv_nsec < 10 * MS)
			nap.tv_nsec *= 2;
	}
}
