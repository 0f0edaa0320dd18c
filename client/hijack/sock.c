/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sock.c - sockets: the family decides whose a new one is
 */

#include "hijack.h"

#include <errno.h>
#include <sys/socket.h>

static long
rule_socket(long nr, const unsigned long args[6])
{
	/* Over an exec the placeholder decides. */
	unsigned long kargs[6] = { args[0], args[1] & ~(unsigned long)SOCK_CLOEXEC, args[2] };
	long r;

	if (!policy_socket((int)args[0]))
		return host_args(nr, args);
	r = kernel_call(SYS_socket, kargs);
	return host_failed(r) ? r : fdmap_new((int)r, (args[1] & SOCK_CLOEXEC) != 0);
}

static long
rule_socketpair(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1] & ~(unsigned long)SOCK_CLOEXEC, args[2] };
	bool cloexec = (args[1] & SOCK_CLOEXEC) != 0;
	int r[2], sv[2];
	long ret, n[2];

	if (!policy_socket((int)args[0]))
		return host_args(nr, args);
	kargs[3] = (unsigned long)r;
	ret = kernel_call(SYS_socketpair, kargs);
	if (host_failed(ret))
		return ret;
	n[0] = fdmap_new(r[0], cloexec);
	n[1] = fdmap_new(r[1], cloexec);
	sv[0] = (int)n[0];
	sv[1] = (int)n[1];
	if (!host_failed(n[0]) && !host_failed(n[1]) && mem_write(args[3], sv, sizeof(sv)))
		return 0;
	for (unsigned int i = 0; i < 2; i++) {
		if (!host_failed(n[i])) {
			fdmap_drop((unsigned long)n[i]);
			(void)host_syscall(SYS_close, n[i]);
		}
	}
	return host_failed(n[0]) ? n[0] : host_failed(n[1]) ? n[1] : -EFAULT;
}

static long
rule_accept(long nr, const unsigned long args[6])
{
	unsigned long flags = nr == SYS_accept4 ? args[3] : 0;
	unsigned long kargs[6] = { args[0], args[1], args[2], flags & ~(unsigned long)SOCK_CLOEXEC };
	int32_t entry = fdmap_entry(args[0]);
	long r;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_args(nr, args);
	kargs[0] = (unsigned long)(entry - 1);
	r = kernel_call(SYS_accept4, kargs);
	return host_failed(r) ? r : fdmap_new((int)r, (flags & SOCK_CLOEXEC) != 0);
}

void
sock_rules(void)
{
	dispatch_set(SYS_socket, HIJACK_LOOK, rule_socket);
	dispatch_set(SYS_socketpair, HIJACK_LOOK, rule_socketpair);
	dispatch_set(SYS_accept, HIJACK_BYFD, rule_accept);
	dispatch_set(SYS_accept4, HIJACK_BYFD, rule_accept);
}
