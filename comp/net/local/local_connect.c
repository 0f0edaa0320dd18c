/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_connect.c - joining two sockets: socketpair, listen, connect, accept
 *
 * A connection is complete when connect(2) returns: the socket that accept(2)
 * will hand out was made, joined and queued by the connecting side.  While the
 * listener's queue is full connect waits on the listener's so_snd.
 *
 * References: unix(7), connect(2), listen(2), accept(2).
 */

#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/proc.h>

#include "local_impl.h"

/* Both so_locks held.  Each gets a reference of the other. */
static void
local_join_locked(struct socket *a, struct socket *b)
{
	KASSERT(mutex_owned(&a->so_lock) && mutex_owned(&b->so_lock));
	socket_hold(a);
	socket_hold(b);
	atomic_store_rel(&localpcb(a)->lp_peer, b);
	atomic_store_rel(&localpcb(b)->lp_peer, a);
	atomic_or(&a->so_state, SS_CONNECTED);
	atomic_or(&b->so_state, SS_CONNECTED);
}

/* so_lock held.  Whom SO_PEERCRED of so names: the caller, with his groups. */
static void
local_setpeercred(struct socket *so)
{
	struct cred *cr = atomic_load_acq(&curproc()->p_cred);

	KASSERT(mutex_owned(&so->so_lock));
	cred_hold(cr);
	cred_rele(so->so_peerid);
	so->so_peerid = cr;
	local_ucred(&so->so_peercred, true);
}

static void
local_copypeercred(struct socket *to, const struct socket *from)
{
	cred_rele(to->so_peerid);
	if (from->so_peerid != NULL)
		cred_hold(from->so_peerid);
	to->so_peerid = from->so_peerid;
	to->so_peercred = from->so_peercred;
}

int
local_pair(struct socket *a, struct socket *b)
{
	local_lock_two(a, b);
	local_join_locked(a, b);
	local_setpeercred(a);
	local_setpeercred(b);
	local_unlock_two(a, b);
	return 0;
}

int
local_listen(struct socket *so, int backlog)
{
	int error = 0;

	mutex_enter(&so->so_lock);
	if (localpcb(so)->lp_name == NULL ||
	    (so->so_state & (SS_CONNECTED | SS_CONNECTING)) != 0)
		error = EINVAL;
	else {
		so->so_backlog = (unsigned int)backlog;
		atomic_or(&so->so_state, SS_LISTENING);
		local_setpeercred(so);	/* for those who will connect */
		socket_wake(so, POLLOUT);
	}
	mutex_exit(&so->so_lock);
	return error;
}

/* --- connect ----------------------------------------------------------------------- */

/* Waits until the listener has room for one more. */
static int
listener_wait_locked(struct socket *head, bool nonblock, int64_t deadline)
    REQUIRES(head->so_lock)
{
	int error;

	for (;;) {
		if ((head->so_state & SS_LISTENING) == 0 ||
		    (head->so_state & (SS_CANTRCVMORE | SS_NOFILE)) != 0)
			return ECONNREFUSED;
		if (head->so_qlen <= head->so_backlog)
			return 0;
		if (nonblock)
			return EAGAIN;
		error = socket_wait(head, &head->so_snd, deadline);
		if (error)
			return error;
	}
}

/* so_lock of head is held: of three the listener's comes first. */
static int
child_join(struct socket *head, struct socket *so, struct socket *child)
{
	struct localname *ln = localpcb(head)->lp_name;
	int error = 0;

	local_lock_two(so, child);
	if ((so->so_state & SS_CONNECTED) != 0)
		error = EISCONN;
	else if ((so->so_state & SS_LISTENING) != 0)
		error = EINVAL;
	else {
		local_join_locked(so, child);
		local_setpeercred(child);
		local_copypeercred(so, head);
		local_name_hold(ln);
		atomic_store_rel(&localpcb(child)->lp_name, ln);
		/* Options that a child has from its listener. */
		atomic_or(&child->so_options,
		    atomic_load(&head->so_options) & SOO_PASSCRED);
		socket_wake(so, POLLOUT);
	}
	local_unlock_two(so, child);
	return error;
}

static int
connect_to(struct socket *so, struct socket *head, bool nonblock,
    int64_t deadline)
{
	struct socket *child;
	bool queued;
	int error;

	error = socket_create(so->so_ns, AF_UNIX, so->so_type, 0, so->so_cred,
	    true, &child);
	if (error)
		return error;
	mutex_enter(&head->so_lock);
	error = listener_wait_locked(head, nonblock, deadline);
	if (error == 0 && head == so)
		error = EINVAL;			/* a listener that calls itself */
	if (error == 0)
		error = child_join(head, so, child);
	if (error == 0) {
		queued = socket_acceptq_put(head, child);
		KASSERT(queued);	/* we have looked for room */
		(void)queued;
	}
	mutex_exit(&head->so_lock);
	if (error) {
		local_close(child);
		socket_rele(child);
	}
	return error;
}

int
local_stream_connect(struct socket *so, const struct sockaddr *sa,
    socklen_t len, bool nonblock)
{
	struct socket *head;
	int64_t deadline;
	int error;

	error = local_addr_check(sa, len);
	if (error == 0 && (atomic_load(&so->so_options) & SOO_PASSCRED) != 0)
		error = local_autobind(so);
	if (error)
		return error;
	error = local_find(so, sa, len, &head);
	if (error)
		return error;
	deadline = socket_deadline(&so->so_snd);
	error = connect_to(so, head, nonblock || deadline == 0, deadline);
	socket_rele(head);
	return error;
}

/* --- accept ------------------------------------------------------------------------ */

int
local_accept(struct socket *so, bool nonblock, struct socket **ret_so)
{
	struct socket *child = NULL;
	int64_t deadline;
	int error = 0;

	mutex_enter(&so->so_lock);
	deadline = socket_deadline(&so->so_rcv);
	while (error == 0) {
		if ((so->so_state & SS_LISTENING) == 0) {
			error = EINVAL;
			break;
		}
		error = socket_geterror(so);
		if (error == 0)
			child = socket_acceptq_get(so);
		if (error || child != NULL)
			break;
		if (nonblock || deadline == 0)
			error = EAGAIN;
		else if ((so->so_state & SS_CANTRCVMORE) != 0)
			error = EINVAL;
		else
			error = socket_wait(so, &so->so_rcv, deadline);
	}
	/* Who waits to connect has room now. */
	if (child != NULL)
		socket_wake(so, POLLOUT);
	mutex_exit(&so->so_lock);
	if (error)
		return error;
	*ret_so = child;
	return 0;
}
