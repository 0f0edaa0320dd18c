/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * control.c - requests on the control connection
 *
 * One at a time: who asks holds the lock until the reply is there.  The server
 * answers at once whatever it does otherwise.
 */

#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>

#include "client_impl.h"

/* What the server says unasked. */
static void
heard_locked(const struct sp_ctl *ctl)
{
	if (ctl->c_op != SP_STOPPING || ctl->c_seq != 0)
		return;
	session.s_stopping = true;
	session.s_stoptime = host_now_ms() + (int64_t)ctl->c_arg * 1000;
}

/* Nobody else reads from the connection meanwhile, and messages are whole or not there. */
static void
listen_locked(void)
{
	struct sp_ctl ctl;

	while (session.s_fd != -1 && hostcall(SYS_recvfrom, (long)session.s_fd, &ctl,
	    (long)sizeof(ctl), (long)(MSG_PEEK | MSG_DONTWAIT), 0L, 0L) ==
	    (long)sizeof(ctl) && conn_recv(session.s_fd, &ctl, sizeof(ctl), NULL) == 0)
		heard_locked(&ctl);
}

int
rumpclient_stopping(void)
{
	int64_t left = -1;

	rclock_enter(&session.s_lock);
	listen_locked();
	if (session.s_stopping) {
		left = (session.s_stoptime - host_now_ms() + 999) / 1000;
		left = left < 0 ? 0 : left;
	}
	rclock_exit(&session.s_lock);
	return (int)left;
}

static int
request_locked(struct sp_ctl *ctl, int passfd, int *ret_fd)
{
	struct sp_ctl reply;
	int error;

	if (session.s_fd == -1)
		return -ENOTCONN;
	ctl->c_seq = ++session.s_seq;
	error = conn_send(session.s_fd, ctl, sizeof(*ctl), passfd);
	/* What a program before an exec did not wait for comes first. */
	do {
		if (error == 0)
			error = conn_recv(session.s_fd, &reply, sizeof(reply), ret_fd);
		if (error == 0)
			heard_locked(&reply);
	} while (error == 0 && reply.c_seq != ctl->c_seq);
	if (error)
		return error;
	*ctl = reply;
	return reply.c_error > 0 && reply.c_error < 4096 ? -reply.c_error : 0;
}

int
control_request(struct sp_ctl *ctl, int passfd)
{
	return control_exchange(ctl, passfd, NULL);
}

int
control_exchange(struct sp_ctl *ctl, int passfd, int *ret_fd)
{
	int error;

	rclock_enter(&session.s_lock);
	error = request_locked(ctl, passfd, ret_fd);
	rclock_exit(&session.s_lock);
	return error;
}

void
control_interrupt(unsigned int slot, uint32_t call)
{
	struct sp_ctl ctl = { .c_op = SP_INTERRUPT, .c_arg = slot,
	    .c_seq2 = call };

	rclock_enter(&session.s_lock);
	if (session.s_fd != -1)
		(void)conn_send(session.s_fd, &ctl, sizeof(ctl), -1);
	rclock_exit(&session.s_lock);
}

bool
control_ended(void)
{
	char byte;
	long n = -EBADF;

	rclock_enter(&session.s_lock);
	if (session.s_fd != -1)
		n = hostcall(SYS_recvfrom, (long)session.s_fd, &byte, 1L,
		    (long)(MSG_PEEK | MSG_DONTWAIT), 0L, 0L);
	rclock_exit(&session.s_lock);
	return n <= 0 && n != -EAGAIN && n != -EINTR;
}
