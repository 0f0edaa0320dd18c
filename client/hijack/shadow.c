/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shadow.c - copies of a descriptor that epoll has to tell from each other
 *
 * Several numbers n of the program lead to one r of the kernel, but an epoll instance may have each of
 * them, with its own events and data.  The first n that is put into any instance stands for r
 * itself; each other one gets a copy of r there, its shadow, of which nobody else knows.
 *
 * A shadow stays until r is closed, as an epoll instance keeps what was added under a number that was closed
 * since, while there are others.
 *
 * Locking: places are taken by an atomic operation; what is in them is constant until they are given back.
 */

#include "hijack.h"

#include <errno.h>

#define NSHADOWS	1024

struct shadow {
	uint32_t	 sh_state;	/* a: 0 free, 1 being made or gone, 2 there */
	uint32_t	 sh_n;
	int		 sh_r;
	int		 sh_dup;
};

static struct shadow shadows[NSHADOWS];
static uint32_t nshadows;			/* a: hint that there are some */
static uint32_t first[HIJACK_NFDS];		/* a: by r, the n that stands for it, + 1 */

static struct shadow *
shadow_find(uint32_t n, int r)
{
	if (__atomic_load_n(&nshadows, __ATOMIC_ACQUIRE) == 0)
		return NULL;
	for (unsigned int i = 0; i < NSHADOWS; i++) {
		struct shadow *sh = &shadows[i];

		if (__atomic_load_n(&sh->sh_state, __ATOMIC_ACQUIRE) == 2 && sh->sh_n == n &&
		    sh->sh_r == r)
			return sh;
	}
	return NULL;
}

static long
shadow_make(uint32_t n, int r)
{
	uint32_t none;
	long dup;

	for (unsigned int i = 0; i < NSHADOWS; i++) {
		struct shadow *sh = &shadows[i];

		none = 0;
		if (!__atomic_compare_exchange_n(&sh->sh_state, &none, 1, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
			continue;
		dup = kernel_syscall(SYS_dup, r);
		if (host_failed(dup)) {
			__atomic_store_n(&sh->sh_state, 0, __ATOMIC_RELEASE);
			return dup;
		}
		sh->sh_n = n;
		sh->sh_r = r;
		sh->sh_dup = (int)dup;
		__atomic_add_fetch(&nshadows, 1, __ATOMIC_ACQ_REL);
		__atomic_store_n(&sh->sh_state, 2, __ATOMIC_RELEASE);
		return dup;
	}
	return -ENOSPC;
}

long
shadow_of(unsigned long n, int r, bool make)
{
	uint32_t none = 0, name = (uint32_t)n + 1;
	struct shadow *sh;

	if ((make && __atomic_compare_exchange_n(&first[r], &none, name, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_ACQUIRE)) || __atomic_load_n(&first[r], __ATOMIC_ACQUIRE) == name)
		return r;
	sh = shadow_find((uint32_t)n, r);
	if (sh != NULL)
		return sh->sh_dup;
	return make ? shadow_make((uint32_t)n, r) : -ENOENT;
}

void
shadow_close(int r)
{
	__atomic_store_n(&first[r], 0, __ATOMIC_RELEASE);
	if (__atomic_load_n(&nshadows, __ATOMIC_ACQUIRE) == 0)
		return;
	for (unsigned int i = 0; i < NSHADOWS; i++) {
		struct shadow *sh = &shadows[i];
		uint32_t there = 2;

		if (__atomic_load_n(&sh->sh_state, __ATOMIC_ACQUIRE) != 2 || sh->sh_r != r ||
		    !__atomic_compare_exchange_n(&sh->sh_state, &there, 1, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
			continue;
		(void)kernel_syscall(SYS_close, sh->sh_dup);
		__atomic_sub_fetch(&nshadows, 1, __ATOMIC_ACQ_REL);
		__atomic_store_n(&sh->sh_state, 0, __ATOMIC_RELEASE);
	}
}
