/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inside.h - between librumphijack.so and the library with the kernel
 */

#ifndef HIJACK_INSIDE_H
#define HIJACK_INSIDE_H

struct pollfd;

struct inside {
	long	(*in_call)(unsigned int nr, const unsigned long args[6]);
	int	(*in_poll_arm)(struct pollfd *fds, unsigned int n, int hostfd);
	void	(*in_unbind)(int hostfd);
	int	(*in_lend)(int hostfd);	/* it is the kernel's then, whatever happens */
	int	(*in_lent)(int r);
	void	(*in_interrupt)(void);
	void	(*in_interrupt_clear)(void);
	void	(*in_linger)(void);	/* the program ends: what it wrote is sent */
};

/* linger.c */
void	linger(void);

/*
 * Boots the kernel as RUMPHIJACK_KERNEL says (options of "rumpus net up") and
 * configures it.  thread_is_kernel is called by each thread that the kernel makes, first of
 * all.  NULL: it did not work, and that was said.
 */
const struct inside *rump_hijack_inside(void (*thread_is_kernel)(void));

#endif /* HIJACK_INSIDE_H */
