/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vcpu.h - seats in the kernel
 *
 * A thread executes kernel code only while its lwp holds a vCPU; there are
 * RUMP_NCPU of them.  Nobody else touches what belongs to a vCPU while it is
 * held, hence per-vCPU data needs no lock.  Everything that blocks gives the
 * vCPU back and takes one, perhaps another, afterwards: do not keep pointers
 * to per-vCPU data across a call that may sleep.
 */

#ifndef SYS_VCPU_H
#define SYS_VCPU_H

#include <sys/types.h>

struct lwp;

#define VCPU_MAX	64

struct vcpu {
	uint64_t	 vc_word;	/* a, holder only: odd while it is inside */
	uintptr_t	 vc_owner;	/* a, seat lock: see vcpu.c */
	unsigned int	 vc_index;	/* c: 0 .. ncpu - 1 */
	void		*vc_mag;	/* holder only: magazines of the pools */
	void		*vc_softint;	/* holder only: soft interrupts to run */
	uint64_t	 vc_syscalls;	/* holder only */
} __aligned_to(2 * CACHE_LINE);

extern unsigned int vcpu_count;
extern struct vcpu vcpu_table[VCPU_MAX];

/* Take and give back; l must be the calling thread's lwp. */
void	vcpu_enter(struct lwp *l);
void	vcpu_leave(struct lwp *l);

/* Around everything that may block in the host, in kernel context. */
void	vcpu_block_begin(void);
void	vcpu_block_end(void);

/* The seat of the calling thread; valid until it may sleep. */
struct vcpu *vcpu_self(void);

/*
 * True when another thread waits for a seat: long loops call it and then
 * vcpu_yield().
 */
bool	vcpu_wanted(void);
void	vcpu_yield(void);

#endif /* SYS_VCPU_H */
