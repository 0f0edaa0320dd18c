/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * filter.c - which calls are stopped
 *
 * Those that have a rule; all others never leave the program's kernel.  The program
 * of the filter is a search by halves over the numbers with a rule, made by hand: it is nine
 * instructions deep, and a library for it would be one more thing to be had.
 *
 * References: seccomp(2), seccomp_unotify(2).
 */

#include <linux/audit.h>
#include <linux/filter.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervisor.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	(1UL << 5)
#endif

#define X32_BIT		0x40000000U

struct prog {
	struct sock_filter	 p_insn[4 * HIJACK_NCALLS + 16];
	unsigned int		 p_n;
};

static unsigned int
emit(struct prog *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	p->p_insn[p->p_n] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
	return p->p_n++;
}

static bool
stopped(unsigned int nr)
{
	return nr < HIJACK_NCALLS && dispatch_rules[nr] != NULL;
}

/* Decides among [lo, hi), in which there is a border at least. */
static void
decide(struct prog *p, unsigned int lo, unsigned int hi)
{
	unsigned int mid, jump;
	bool same = true;

	for (unsigned int nr = lo + 1; nr < hi && same; nr++)
		same = stopped(nr) == stopped(lo);
	if (same) {
		(void)emit(p, BPF_RET | BPF_K, 0, 0, stopped(lo) ? SECCOMP_RET_USER_NOTIF :
		    SECCOMP_RET_ALLOW);
		return;
	}
	mid = lo + (hi - lo) / 2;
	/* Conditional jumps reach 255; the far one is unconditional. */
	(void)emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, mid);
	jump = emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	decide(p, lo, mid);
	p->p_insn[jump].k = p->p_n - jump - 1;
	decide(p, mid, hi);
}

static void
build(struct prog *p)
{
	(void)emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	/* Calls of other ABIs have other numbers: none of them. */
	(void)emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	(void)emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	(void)emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	(void)emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, HIJACK_NCALLS);
	(void)emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	decide(p, 0, HIJACK_NCALLS);
}

int
filter_install(void)
{
	struct prog *p = calloc(1, sizeof(*p));
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	struct sock_fprog fprog;
	long fd;

	if (p == NULL)
		return -ENOMEM;
	build(p);
	fprog = (struct sock_fprog){ .len = (unsigned short)p->p_n, .filter = p->p_insn };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	/* A call that we have begun to carry out must not be begun again after a signal. */
	fd = host_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &fprog);
	if (fd == -EINVAL)
		fd = host_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog);
	free(p);
	return (int)fd;
}
