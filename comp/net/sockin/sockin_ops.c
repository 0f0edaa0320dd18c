/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockin_ops.c - the host's sockets: made, bound, connected, closed
 */

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "host/sockin_host.h"
#include "sockin_impl.h"

/* --- waiting ------------------------------------------------------------------ */

/*
 * An error that came by itself is the host's until somebody asks; then it is
 * ours, so that SO_ERROR tells it once.
 */
static void
take_error_locked(struct socket *so) REQUIRES(so->so_lock)
{
	uint32_t len = sizeof(int);
	int error = 0;

	if (so->so_error == 0 && rumpcomp_sockin_getopt(sockin_of(so)->si_fd,
	    SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0)
		so->so_error = error;
}

int
sockin_begin(struct socket *so, uint32_t *ret_changes)
{
	int error;

	mutex_enter(&so->so_lock);
	error = socket_geterror(so);
	*ret_changes = sockin_of(so)->si_changes;
	mutex_exit(&so->so_lock);
	return error;
}

int
sockin_wait(struct socket *so, struct sockbuf *sb, uint32_t changes,
    int64_t deadline)
{
	int error = 0;

	mutex_enter(&so->so_lock);
	while (error == 0 && sockin_of(so)->si_changes == changes)
		error = socket_wait(so, sb, deadline);
	mutex_exit(&so->so_lock);
	return error;
}

static uint32_t
sockin_poll(struct socket *so) REQUIRES(so->so_lock)
{
	uint32_t events = rumpcomp_sockin_poll(sockin_of(so)->si_fd);

	/* Whoever sees this asks for SO_ERROR next. */
	if ((events & POLLERR) != 0)
		take_error_locked(so);
	return events;
}

/* --- life ----------------------------------------------------------------------- */

/* Takes over fd, on failure too. */
static int
sockin_adopt(struct socket *so, int fd)
{
	struct sockin *si = kmem_zalloc(sizeof(*si), KM_SLEEP);
	int error = ENOMEM;

	if (si == NULL)
		goto fail_fd;
	si->si_so = so;
	si->si_fd = fd;
	so->so_pcb = si;
	error = sockin_watch(si);
	if (error)
		goto fail_si;
	return 0;

fail_si:
	so->so_pcb = NULL;
	kmem_free(si, sizeof(*si));
fail_fd:
	rumpcomp_sockin_close(fd);
	return error;
}

static int
sockin_attach(struct socket *so, int protocol)
{
	int error, fd;

	error = rumpcomp_sockin_socket(so->so_family, so->so_type, protocol, &fd);
	return error != 0 ? error : sockin_adopt(so, fd);
}

static void
sockin_close(struct socket *so)
{
	struct sockin *si = sockin_of(so);
	struct linger linger = { so->so_linger >= 0, so->so_linger };

	/* The host's never waits in close; a reset it can do. */
	if (so->so_linger == 0)
		(void)rumpcomp_sockin_setopt(si->si_fd, SOL_SOCKET, SO_LINGER,
		    &linger, sizeof(linger));
	sockin_unwatch(si);
}

static void
sockin_free(struct socket *so)
{
	struct sockin *si = sockin_of(so);

	/* An accepted one may not have come so far. */
	if (si == NULL)
		return;
	rumpcomp_sockin_close(si->si_fd);
	kmem_free(si, sizeof(*si));
}

/* --- names and connections -------------------------------------------------------- */

static int
sockin_bind(struct socket *so, const struct sockaddr *addr, socklen_t len)
{
	sockin_sync(so);
	return rumpcomp_sockin_bind(sockin_of(so)->si_fd, addr, len);
}

static int
sockin_listen(struct socket *so, int backlog)
{
	int error;

	sockin_sync(so);
	error = rumpcomp_sockin_listen(sockin_of(so)->si_fd, backlog);
	if (error == 0) {
		mutex_enter(&so->so_lock);
		so->so_state |= SS_LISTENING;
		mutex_exit(&so->so_lock);
	}
	return error;
}

/* Until the host knows how its attempt ended. */
static int
connect_wait(struct socket *so, uint32_t changes)
{
	int64_t deadline = socket_deadline(&so->so_snd);
	uint32_t events;
	int error;

	for (;;) {
		error = sockin_wait(so, &so->so_snd, changes, deadline);
		/* A timeout leaves the attempt going on. */
		if (error)
			return error == EAGAIN ? EINPROGRESS : error;
		mutex_enter(&so->so_lock);
		changes = sockin_of(so)->si_changes;
		events = rumpcomp_sockin_poll(sockin_of(so)->si_fd);
		if ((events & (POLLOUT | POLLERR | POLLHUP)) != 0)
			take_error_locked(so);
		error = socket_geterror(so);
		mutex_exit(&so->so_lock);
		if (error != 0 || (events & (POLLOUT | POLLERR | POLLHUP)) != 0)
			return error;
	}
}

static int
sockin_connect(struct socket *so, const struct sockaddr *addr, socklen_t len,
    bool nonblock)
{
	uint32_t changes;
	int error;

	sockin_sync(so);
	error = sockin_begin(so, &changes);
	if (error == 0)
		error = rumpcomp_sockin_connect(sockin_of(so)->si_fd, addr, len);
	/* EALREADY: an attempt of before, which a blocking call waits for. */
	if ((error == EINPROGRESS || error == EALREADY) && !nonblock)
		error = connect_wait(so, changes);
	return error;
}

static int
accept_socket(struct socket *head, int fd, struct socket **ret_so)
{
	struct socket *so;
	int error;

	error = socket_create(head->so_ns, head->so_family, head->so_type,
	    head->so_protocol, head->so_cred, false, &so);
	if (error) {
		rumpcomp_sockin_close(fd);
		return error;
	}
	error = sockin_adopt(so, fd);
	if (error) {
		socket_rele(so);
		return error;
	}
	*ret_so = so;
	return 0;
}

static int
sockin_accept(struct socket *so, bool nonblock, struct socket **ret_so)
{
	int64_t deadline = socket_deadline(&so->so_rcv);
	uint32_t changes;
	int error, fd;

	for (;;) {
		error = sockin_begin(so, &changes);
		if (error == 0)
			error = rumpcomp_sockin_accept(sockin_of(so)->si_fd, &fd);
		if (error == 0)
			return accept_socket(so, fd, ret_so);
		if (error != EAGAIN || nonblock)
			return error;
		error = sockin_wait(so, &so->so_rcv, changes, deadline);
		if (error)
			return error;
	}
}

static int
sockin_shutdown(struct socket *so, int how)
{
	int error = rumpcomp_sockin_shutdown(sockin_of(so)->si_fd, how);

	/* Waiters look again. */
	mutex_enter(&so->so_lock);
	sockin_of(so)->si_changes++;
	socket_wake(so, POLLIN | POLLOUT);
	mutex_exit(&so->so_lock);
	return error;
}

static int
sockin_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss,
    socklen_t *ret_len)
{
	*ret_len = sizeof(*ret_ss);
	return rumpcomp_sockin_name(sockin_of(so)->si_fd, peer, ret_ss, ret_len);
}

const struct sockops sockin_ops = {
	.so_attach	= sockin_attach,
	.so_close	= sockin_close,
	.so_free	= sockin_free,
	.so_bind	= sockin_bind,
	.so_listen	= sockin_listen,
	.so_connect	= sockin_connect,
	.so_accept	= sockin_accept,
	.so_shutdown	= sockin_shutdown,
	.so_name	= sockin_name,
	.so_send	= sockin_send,
	.so_recv	= sockin_recv,
	.so_setopt	= sockin_setopt,
	.so_getopt	= sockin_getopt,
	.so_ioctl	= sockin_ioctl,
	.so_poll	= sockin_poll,
};
