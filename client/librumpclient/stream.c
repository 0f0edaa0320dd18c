/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * stream.c - slots that are connections of their own
 *
 * Where no memory is shared with the server, each slot is a connection.  A message and the
 * bytes that belong to it go out in one piece and come in, as a rule, in one piece.
 *
 * The connections are kept in a table, by which a child of fork(2) finds those that it
 * must close, and programs that manage descriptors by number find them all.  Their areas are
 * not passed on to children (madvise(2) MADV_DONTFORK).
 *
 * Interruption: a thread sleeps in recvmsg(2), which the host takes up again after a
 * handler with SA_RESTART, or, for calls that are never taken up again, in ppoll(2)
 * (signal(7)).
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "client_impl.h"

#define AREA_HEAD	4096	/* for the message, before the area */
#define AREA_LEN	(AREA_HEAD + SP_AREA)

/* a: descriptors + 1; 0: free */
static int streams[SP_NSLOTS];

static int
stream_fd(const struct cslot *cs)
{
	return __atomic_load_n(&streams[cs->cs_stream], __ATOMIC_RELAXED) - 1;
}

/* --- the table ---------------------------------------------------------------------- */

static int
table_add(int fd, unsigned int *ret_place)
{
	int none;

	for (unsigned int i = 0; i < SP_NSLOTS; i++) {
		none = 0;
		if (!__atomic_compare_exchange_n(&streams[i], &none, fd + 1, false,
		    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		*ret_place = i;
		host_fd_ours(fd, true);
		return 0;
	}
	return -EAGAIN;
}

static void
table_remove(unsigned int place)
{
	int fd = __atomic_exchange_n(&streams[place], 0, __ATOMIC_RELAXED) - 1;

	if (fd == -1)
		return;
	host_fd_ours(fd, false);
	host_close(fd);
}

void
streams_forget(void)
{
	for (unsigned int i = 0; i < SP_NSLOTS; i++)
		table_remove(i);
}

unsigned int
streams_fds(int *fds, unsigned int max)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SP_NSLOTS; i++) {
		int fd = __atomic_load_n(&streams[i], __ATOMIC_RELAXED) - 1;

		if (fd == -1)
			continue;
		if (n < max)
			fds[n] = fd;
		n++;
	}
	return n;
}

void
streams_move(int fd, int min)
{
	for (unsigned int i = 0; i < SP_NSLOTS; i++) {
		long moved;

		if (fd == -1 || __atomic_load_n(&streams[i], __ATOMIC_RELAXED) - 1 != fd)
			continue;
		moved = hostcall(SYS_fcntl, (long)fd, (long)F_DUPFD_CLOEXEC,
		    (long)min, 0L, 0L, 0L);
		if (moved < 0)
			return;
		__atomic_store_n(&streams[i], (int)moved + 1, __ATOMIC_RELAXED);
		host_fd_ours((int)moved, true);
		host_fd_ours(fd, false);
		host_close(fd);
		return;
	}
}

/* --- birth and end -------------------------------------------------------------------- */

static int
channel_connect(const uint8_t secret[SP_SECRET], unsigned int *ret_slot)
{
	struct sp_welcome w;
	struct sp_hello h;
	int fd, none, error;

	fd = connect_url(session.s_url);
	if (fd < 0)
		return fd;
	hello_fill(&h, SP_CHANNEL);
	memcpy(h.h_secret, secret, SP_SECRET);
	error = hello_exchange(fd, &h, &w, &none);
	if (error == 0 && w.w_slot >= SP_NSLOTS)
		error = -EPROTO;
	if (error) {
		host_close(fd);
		return error;
	}
	*ret_slot = w.w_slot;
	return fd;
}

int
stream_open(struct cslot *cs)
{
	uint8_t secret[SP_SECRET], *ptr;
	unsigned int slot;
	int fd, error;

	rclock_enter(&session.s_lock);
	memcpy(secret, session.s_secret, sizeof(secret));
	rclock_exit(&session.s_lock);
	ptr = host_map(AREA_LEN, -1);
	if (ptr == NULL)
		return -ENOMEM;
	(void)hostcall(SYS_madvise, ptr, (long)AREA_LEN, (long)MADV_DONTFORK, 0L,
	    0L, 0L);
	fd = channel_connect(secret, &slot);
	error = fd < 0 ? fd : table_add(fd, &cs->cs_stream);
	if (error) {
		if (fd >= 0)
			host_close(fd);
		host_unmap(ptr, AREA_LEN);
		return error;
	}
	cs->cs_index = slot;
	cs->cs_msg = (struct sp_msg *)(void *)ptr;
	cs->cs_area = ptr + AREA_HEAD;
	return 0;
}

void
stream_close(struct cslot *cs)
{
	table_remove(cs->cs_stream);
	host_unmap(cs->cs_msg, AREA_LEN);
	cs->cs_msg = NULL;
}

/* --- messages ----------------------------------------------------------------------------- */

/* Nothing but our own death keeps us from saying it to the end. */
int
stream_give(struct cslot *cs, const void *data, size_t len)
{
	union { const void *c; char *m; } from = { .c = data };
	const size_t head = sizeof(struct sp_msg);
	size_t done = 0;

	cs->cs_msg->m_turn = (uint32_t)len;
	while (done < head + len) {
		size_t past = done < head ? 0 : done - head;
		struct iovec iov[2] = {
			{ (char *)cs->cs_msg + done, done < head ? head - done : 0 },
			{ from.m + past, len - past },
		};
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
		long n = hostcall(SYS_sendmsg, (long)stream_fd(cs), &msg,
		    (long)MSG_NOSIGNAL, 0L, 0L, 0L);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return ECONNRESET;
		done += (size_t)n;
	}
	return 0;
}

static bool
stream_sleep(const struct cslot *cs)
{
	struct pollfd pfd = { .fd = stream_fd(cs), .events = POLLIN };

	return hostcall(SYS_ppoll, &pfd, 1L, 0L, 0L, 0L, 0L) == -EINTR;
}

int
stream_wait(struct cslot *cs, bool intr, bool restart)
{
	const size_t head = sizeof(struct sp_msg);
	size_t done = 0;

	if (intr && !restart && stream_sleep(cs))
		return EINTR;
	do {
		size_t past = done < head ? 0 : done - head;
		struct iovec iov[2] = {
			{ (char *)cs->cs_msg + done, done < head ? head - done : 0 },
			{ cs->cs_area + past, (done < head ? SP_AREA :
			    cs->cs_msg->m_turn) - past },
		};
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
		long n = hostcall(SYS_recvmsg, (long)stream_fd(cs), &msg,
		    (long)MSG_CMSG_CLOEXEC, 0L, 0L, 0L);

		if (n == -EINTR && done == 0 && intr)
			return EINTR;
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return ECONNRESET;
		done += (size_t)n;
		if (done >= head && (cs->cs_msg->m_turn > SP_AREA ||
		    done - head > cs->cs_msg->m_turn))
			return ECONNRESET;
	} while (done < head || done < head + cs->cs_msg->m_turn);
	cs->cs_got = done - head;
	return 0;
}
