/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_move.c - splice, tee, sendfile and edges of epoll on local sockets, as
 * on the host
 */

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <harness.h>
#include <twin.h>

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
static const char *const type_names[] = { "stream", "dgram", "seqpacket" };

static void
read_all(struct twin *tw, int fd)
{
	char buf[100];
	long n, sum;

	do {
		memset(buf, 0, sizeof(buf));
		n = CALL(tw, read, A(fd), A(buf), sizeof(buf));
		sum = 0;
		for (long i = 0; i < n; i++)
			sum = sum * 31 + buf[i];
		twin_note(tw, "data", sum);
	} while (n > 0);
}

static void
splice_script(struct twin *tw)
{
	static const char text[] = "some bytes that go from hand to hand and back again";
	struct iovec iov[2] = { { (void *)(uintptr_t)text, 10 }, { (void *)(uintptr_t)(text + 20), 9 } };
	char buf[64];
	int sv[2], p[2], q[2], file;
	off_t off = 5;

	file = FD(tw, memfd_create, A("twin"), 0);
	CALL(tw, write, A(file), A(text), sizeof(text));
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		tw->tw_about = type_names[t];
		CALL(tw, socketpair, AF_UNIX, A(types[t] | SOCK_NONBLOCK), 0, A(sv));
		CALL(tw, pipe2, A(p), O_NONBLOCK);
		CALL(tw, pipe2, A(q), O_NONBLOCK);
		CALL(tw, writev, A(sv[0]), A(iov), 2);
		iov[0].iov_base = buf;
		CALL(tw, readv, A(sv[1]), A(iov), 1);
		iov[0].iov_base = (void *)(uintptr_t)text;
		read_all(tw, sv[1]);
		/* File to socket, socket to pipe, pipe to socket. */
		off = 5;
		CALL(tw, sendfile, A(sv[0]), A(file), A(&off), 20);
		twin_note(tw, "offset", off);
		CALL(tw, splice, A(sv[1]), 0, A(p[1]), 0, 12, 0);
		CALL(tw, tee, A(p[0]), A(q[1]), 6, 0);
		CALL(tw, splice, A(p[0]), 0, A(sv[1]), 0, 100, 0);
		read_all(tw, sv[0]);
		read_all(tw, sv[1]);
		read_all(tw, p[0]);
		read_all(tw, q[0]);
		CALL(tw, splice, A(sv[1]), 0, A(p[1]), 0, 12, 0);
		CALL(tw, splice, A(p[0]), 0, A(sv[1]), 0, 12, 0);
		off = 0;
		CALL(tw, splice, A(sv[1]), A(&off), A(p[1]), 0, 12, 0);
		CALL(tw, sendfile, A(sv[0]), A(sv[1]), 0, 12);
		CALL(tw, sendfile, A(file), A(sv[1]), 0, 12);
		CALL(tw, tee, A(sv[0]), A(p[1]), 5, 0);
		CALL(tw, splice, A(sv[0]), 0, A(sv[1]), 0, 5, 0);
		CALL(tw, copy_file_range, A(sv[0]), 0, A(file), 0, 5, 0);
		CALL(tw, vmsplice, A(sv[0]), A(iov), 1, 0);
		CALL(tw, shutdown, A(sv[0]), SHUT_WR);
		CALL(tw, splice, A(sv[1]), 0, A(p[1]), 0, 12, 0);
		CALL(tw, preadv2, A(sv[1]), A(iov), 1, A(-1), 0, RWF_NOWAIT);
		CALL(tw, preadv, A(sv[1]), A(iov), 1, 0, 0);
		CALL(tw, close, A(sv[0]));
		CALL(tw, close, A(sv[1]));
		for (int i = 0; i < 2; i++) {
			CALL(tw, close, A(p[i]));
			CALL(tw, close, A(q[i]));
		}
	}
	CALL(tw, close, A(file));
}

/* The vfs keeps what it knows of a file for a while. */
TEST_WITH(splices_move_bytes_as_on_the_host, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	twin_run(splice_script);
}

static void
note_edges(struct twin *tw, int ep)
{
	struct epoll_event ev[8];
	uint32_t got[2] = { 0, 0 };
	long n;

	n = CALL(tw, epoll_wait, A(ep), A(ev), 8, 0);
	for (long i = 0; i < n; i++)
		got[ev[i].data.u32] |= ev[i].events;
	twin_note(tw, "events of 0", got[0]);
	twin_note(tw, "events of 1", got[1]);
}

static void
edge_script(struct twin *tw)
{
	struct epoll_event ev;
	char buf[100];
	int sv[2], ep;

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		tw->tw_about = type_names[t];
		CALL(tw, socketpair, AF_UNIX, A(types[t] | SOCK_NONBLOCK), 0, A(sv));
		ep = FD(tw, epoll_create1, 0);
		for (uint32_t i = 0; i < 2; i++) {
			ev = (struct epoll_event){ .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
			    EPOLLPRI | EPOLLET, .data.u32 = i };
			CALL(tw, epoll_ctl, A(ep), EPOLL_CTL_ADD, A(sv[i]), A(&ev));
		}
		note_edges(tw, ep);
		note_edges(tw, ep);
		CALL(tw, write, A(sv[0]), A("abc"), 3);
		note_edges(tw, ep);
		note_edges(tw, ep);
		CALL(tw, write, A(sv[0]), A("abc"), 3);
		note_edges(tw, ep);
		CALL(tw, read, A(sv[1]), A(buf), 2);
		note_edges(tw, ep);
		CALL(tw, read, A(sv[1]), A(buf), 100);
		note_edges(tw, ep);
		CALL(tw, read, A(sv[1]), A(buf), 100);
		note_edges(tw, ep);
		CALL(tw, shutdown, A(sv[0]), SHUT_WR);
		note_edges(tw, ep);
		CALL(tw, shutdown, A(sv[0]), SHUT_RD);
		note_edges(tw, ep);
		CALL(tw, close, A(sv[0]));
		note_edges(tw, ep);
		CALL(tw, close, A(sv[1]));
		note_edges(tw, ep);
		CALL(tw, close, A(ep));
	}
}

TEST(edges_of_epoll_come_as_on_the_host)
{
	twin_run(edge_script);
}
