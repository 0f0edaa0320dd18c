/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_msg.c - sending and receiving through the host's sockets
 *
 * The client's memory is copied into a piece of ours and given to the host, or
 * the other way round: the host must not see a pointer that nobody has
 * checked.  Streams go piece by piece; a message has to be in one.
 */

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "host/sockin_host.h"
#include "sockin_impl.h"

#define PIECE		65536
#define SMALL		2048	/* on the stack */
#define CONTROL		512	/* of what is received */

/* Memory for len bytes: the caller's small array if they fit. */
static void *
piece_alloc(size_t len, void *small)
{
	return len <= SMALL ? small : kmem_alloc(len, KM_SLEEP);
}

static void
piece_free(void *piece, size_t len)
{
	if (len > SMALL)
		kmem_free(piece, len);
}

/* --- sending ------------------------------------------------------------------ */

/* One piece, as much of it as the host takes; waits for room if it takes none. */
static int
send_once(struct socket *so, const struct sockin_msg *im, int64_t deadline,
    size_t *ret_done)
{
	uint32_t changes;
	int error;

	for (;;) {
		error = sockin_begin(so, &changes);
		if (error == 0)
			error = rumpcomp_sockin_send(sockin_of(so)->si_fd, im, ret_done);
		if (error != EAGAIN || (im->im_flags & MSG_DONTWAIT) != 0)
			return error;
		error = sockin_wait(so, &so->so_snd, changes, deadline);
		if (error)
			return error;
	}
}

/* A piece of a stream, all of it unless something comes between. */
static int
send_piece(struct socket *so, struct sockin_msg *im, int64_t deadline,
    size_t *ret_done)
{
	size_t n = 0;
	int error = 0;

	*ret_done = 0;
	do {
		error = send_once(so, im, deadline, &n);
		if (error == 0) {
			*ret_done += n;
			im->im_data = (char *)im->im_data + n;
			im->im_len -= n;
		}
	} while (error == 0 && im->im_len > 0);
	return error;
}

static int
send_stream(struct socket *so, struct sockmsg *sm, struct sockin_msg *im,
    void *piece, size_t size, size_t *ret_done)
{
	int64_t deadline = socket_deadline(&so->so_snd);
	size_t done, total = 0;
	int error;

	do {
		im->im_data = piece;
		im->im_len = sm->sm_uio->uio_resid < size ? sm->sm_uio->uio_resid : size;
		error = uio_move(piece, im->im_len, sm->sm_uio);
		if (error == 0) {
			error = send_piece(so, im, deadline, &done);
			total += done;
		}
	} while (error == 0 && sm->sm_uio->uio_resid > 0);
	/* What was sent was sent. */
	if (total > 0)
		error = 0;
	*ret_done = total;
	return error;
}

int
sockin_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	size_t len = sm->sm_uio->uio_resid, size = len < PIECE ? len : PIECE;
	struct sockin_msg im = {
		.im_name = sm->sm_name, .im_namelen = sm->sm_namelen,
		.im_control = sm->sm_control, .im_controllen = sm->sm_controllen,
		.im_flags = sm->sm_flags,
	};
	uint64_t small[SMALL / sizeof(uint64_t)];
	void *piece;
	int error;

	if ((so->so_pflags & SP_ATOMIC) != 0 && len > PIECE)
		return EMSGSIZE;
	sockin_sync(so);
	piece = piece_alloc(size, small);
	if (piece == NULL)
		return ENOMEM;
	if ((so->so_pflags & SP_ATOMIC) == 0) {
		error = send_stream(so, sm, &im, piece, size, ret_done);
	} else {
		im.im_data = piece;
		im.im_len = len;
		error = uio_move(piece, len, sm->sm_uio);
		if (error == 0)
			error = send_once(so, &im, socket_deadline(&so->so_snd), ret_done);
	}
	piece_free(piece, size);
	return error;
}

/* --- receiving ---------------------------------------------------------------- */

/* What the host has put into control, one by one. */
static void
recv_control(struct sockmsg *sm, const uint8_t *control, size_t len)
{
	struct cmsghdr cm;
	size_t off = 0, space;

	while (len - off >= sizeof(cm)) {
		memcpy(&cm, control + off, sizeof(cm));
		if (cm.cmsg_len < sizeof(cm) || cm.cmsg_len > len - off)
			break;
		cmsg_put(sm, cm.cmsg_level, cm.cmsg_type, control + off + sizeof(cm),
		    cm.cmsg_len - sizeof(cm));
		space = CMSG_ALIGN(cm.cmsg_len);
		if (space > len - off)
			break;
		off += space;
	}
}

static int
recv_once(struct socket *so, struct sockin_msg *im, bool wait, int64_t deadline,
    size_t *ret_done)
{
	int error, flags = im->im_flags;
	uint32_t changes;

	for (;;) {
		error = sockin_begin(so, &changes);
		im->im_flags = flags;
		if (error == 0)
			error = rumpcomp_sockin_recv(sockin_of(so)->si_fd, im, ret_done);
		if (error != EAGAIN || !wait)
			return error;
		error = sockin_wait(so, &so->so_rcv, changes, deadline);
		if (error)
			return error;
	}
}

/* Into the client's memory, at most what there is room for. */
static int
recv_deliver(struct sockmsg *sm, const struct sockin_msg *im, size_t done)
{
	size_t n = done < im->im_len ? done : im->im_len;

	return uio_move(im->im_data, n, sm->sm_uio);
}

/* More for MSG_WAITALL, until there is enough, an end, or a reason to stop. */
static int
recv_more(struct socket *so, struct sockmsg *sm, struct sockin_msg *im,
    size_t size, bool wait, int64_t deadline, size_t *total)
{
	size_t done;
	int error = 0;

	while (error == 0 && sm->sm_uio->uio_resid > 0) {
		im->im_len = sm->sm_uio->uio_resid < size ? sm->sm_uio->uio_resid : size;
		im->im_flags = sm->sm_flags;
		im->im_controllen = 0;
		im->im_name = NULL;
		error = recv_once(so, im, wait, deadline, &done);
		if (error != 0 || done == 0)
			return 0;
		error = recv_deliver(sm, im, done);
		*total += done;
	}
	return error;
}

int
sockin_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	size_t len = sm->sm_uio->uio_resid, size = len < PIECE ? len : PIECE, total;
	uint64_t small[SMALL / sizeof(uint64_t)], control[CONTROL / sizeof(uint64_t)];
	bool wait = (sm->sm_flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) == 0;
	int64_t deadline = socket_deadline(&so->so_rcv);
	struct sockin_msg im = {
		.im_name = sm->sm_name, .im_namelen = sizeof(*sm->sm_name),
		.im_len = size, .im_control = control,
		.im_controllen = sm->sm_controlmax > 0 ? sizeof(control) : 0,
		.im_flags = sm->sm_flags,
	};
	int error;

	sockin_sync(so);
	im.im_data = piece_alloc(size, small);
	if (im.im_data == NULL)
		return ENOMEM;
	error = recv_once(so, &im, wait, deadline, &total);
	if (error == 0) {
		sm->sm_namelen = im.im_namelen;
		sm->sm_outflags |= im.im_flags;
		recv_control(sm, (uint8_t *)control, im.im_controllen);
		error = recv_deliver(sm, &im, total);
	}
	if (error == 0 && total > 0 && so->so_type == SOCK_STREAM &&
	    (sm->sm_flags & (MSG_WAITALL | MSG_PEEK | MSG_ERRQUEUE)) == MSG_WAITALL)
		error = recv_more(so, sm, &im, size, wait, deadline, &total);
	piece_free(im.im_data, size);
	if (error == 0)
		*ret_done = total;
	return error;
}
