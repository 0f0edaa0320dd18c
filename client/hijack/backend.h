/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * backend.h - where the kernel is that a hijacked program is given
 *
 *	inside	in the same process, in a library that is loaded on the first call
 *		(librumphijack_kernel.so)
 *	server	in another one, reached through librumpclient
 *
 * Both have the manners of system calls: a result or -errno, nothing of libc touched.
 * Members may be called by any thread, also inside of a signal handler as long as that
 * did not interrupt one of them; NULL means there is nothing to do.
 */

#ifndef HIJACK_BACKEND_H
#define HIJACK_BACKEND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct backend {
	const char *b_name;

	/* A call, by its Linux number, with the kernel's descriptors in it. */
	long	(*b_call)(unsigned int nr, const unsigned long args[6]);

	/*
	 * A bell is a descriptor of the host, non-blocking, that becomes readable when the
	 * kernel rings it; read until EAGAIN it is silent.  -errno.
	 */
	int	(*b_bell)(void);
	void	(*b_bell_close)(int bell);

	/*
	 * Polls: the number of ready ones; or 0, and the bell rings once when one may
	 * be.  n 0 forgets the last time.  -errno.
	 */
	int	(*b_poll_arm)(struct pollfd *fds, unsigned int n, int bell);

	/*
	 * A signal came while the calling thread is in b_call: it shall end with EINTR.  NULL: a
	 * signal handler may make calls in the middle of one.  clear: it has ended, somehow.
	 */
	void	(*b_interrupt)(void);
	void	(*b_interrupt_clear)(void);

	/*
	 * At the end of a signal handler, instead, where those make calls in the middle of one; or before a
	 * call, of which the program believes that it had begun when the handler ran.
	 */
	void	(*b_signalled)(bool restart);

	/*
	 * The kernel's r as a descriptor of the host that can be sent, and what is in one that came: -EINVAL,
	 * it is none of these.  -errno.
	 */
	int	(*b_parcel)(int r);
	int	(*b_unparcel)(int fd);

	/*
	 * The host's fd as a descriptor of the kernel that can be sent, and the host's again of one that
	 * came, with FD_CLOEXEC set: -EINVAL, it is none of these.  -errno.
	 */
	int	(*b_lend)(int fd);
	int	(*b_fetch)(int r);

	/*
	 * Forking.  before: an errno, and there will be no fork.  Then one of the other two;
	 * parent with the child's pid, or an error.
	 */
	int	(*b_fork_before)(void);
	void	(*b_fork_parent)(long pid);
	void	(*b_fork_child)(void);
	void	(*b_exit)(void);	/* the program ends; may be NULL */

	/*
	 * An exec comes, in a child of vfork(2) or not: "NAME=VALUE" for its environment goes to
	 * env, "" if there is nothing to say.  failed: there was none after all.
	 */
	int	(*b_exec_env)(bool vforked, char *env, size_t size);
	void	(*b_exec_failed)(bool vforked, const char *env);
};

/* Chosen at start, constant since. */
extern const struct backend *backend;

/* -errno after a word to the user, or 0. */
int	backend_inside_start(const struct backend **ret_backend);
int	backend_server_start(const char *url, const struct backend **ret_backend);

#endif /* HIJACK_BACKEND_H */
