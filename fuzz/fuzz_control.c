/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_control.c - control data of a stranger, to local sockets and to UDP
 *
 * The first byte chooses the socket and its options, the second how much the
 * reader has room for; the rest is sent as control data.  Descriptors in it
 * are small numbers, so that many are open.  What arrives is walked: lengths fit,
 * descriptors that were told of are open, and nothing else is.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define OPEN	8		/* descriptors 0 to 7 are there always */

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(int held, const char *what)
{
	if (!held) {
		fprintf(stderr, "fuzz_control: %s: errno %d\n", what, errno);
		abort();
	}
}

static int local[3][2];

static void
start(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	static int started;
	int fd;

	if (started)
		return;
	started = 1;
	need(rump_init() == 0, "boot");
	for (int i = 0; i < 3; i++)
		need(rump_sys_socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, local[i]) == 0,
		    "pair");
	do
		fd = rump_sys_eventfd(0, 0);
	while (fd >= 0 && fd < OPEN + 2);
}

/* Small numbers stand for descriptors, whatever the input says of them. */
static void
tame(uint8_t *control, size_t len)
{
	struct cmsghdr cm;

	for (size_t off = 0; off + sizeof(cm) <= len; off += 8) {
		memcpy(&cm, control + off, sizeof(cm));
		if ((cm.cmsg_type & 0xfe) == 0 && cm.cmsg_len > 4096) {
			cm.cmsg_len &= 0x3f;
			cm.cmsg_level = SOL_SOCKET;
			memcpy(control + off, &cm, sizeof(cm));
		}
	}
}

static void
look(const struct msghdr *mh)
{
	int fd;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL;
	    cm = CMSG_NXTHDR((struct msghdr *)(uintptr_t)mh, cm)) {
		need(cm->cmsg_len >= sizeof(*cm), "a length");
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= cm->cmsg_len; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
			need(fd >= OPEN && rump_sys_close(fd) == 0, "a descriptor");
		}
	}
}

static void
drain(int fd, size_t room)
{
	union {
		struct cmsghdr cm;
		uint8_t bytes[1200];
	} c;
	struct iovec iov = { (uint8_t[16]){ 0 }, 16 };
	struct msghdr mh;

	do {
		memset(&c, 0, sizeof(c));
		mh = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
			.msg_controllen = room };
		if (rump_sys_recvmsg(fd, &mh, MSG_DONTWAIT) == -1)
			return;
		need(mh.msg_controllen <= room, "more than there was room for");
		look(&mh);
	} while (1);
}

static void
try_send(int from, int to, uint8_t *control, size_t len, size_t room)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct iovec iov = { (char[4]){ "abc" }, 4 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = len };

	if (to < 0) {
		mh.msg_name = &sin;
		mh.msg_namelen = sizeof(sin);
	}
	(void)rump_sys_sendmsg(from, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (to >= 0)
		drain(to, room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_Alignas(8) uint8_t control[2048];
	int on, udp, which;

	start();
	if (size < 2 || size - 2 > sizeof(control))
		return 0;
	memcpy(control, data + 2, size - 2);
	tame(control, size - 2);
	which = data[0] & 3;
	if (which == 3) {
		udp = rump_sys_socket((data[0] & 4) != 0 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		if (udp >= 0) {
			try_send(udp, -1, control, size - 2, 0);
			(void)rump_sys_close(udp);
		}
		return 0;
	}
	on = (data[0] & 8) != 0;
	(void)rump_sys_setsockopt(local[which][1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	try_send(local[which][0], local[which][1], control, size - 2, data[1] * 4u);
	return 0;
}
