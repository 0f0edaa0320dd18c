/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sock.c - sockets: the family decides whose a new one is
 *
 * A local socket of the kernel has a name in its tree, which the program knows below the
 * prefix.
 *
 * References: socket(2), unix(7).
 */

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "path.h"
#include "rights.h"

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
		if (!host_failed(n[i]))
			fdmap_drop((unsigned long)n[i]);
	}
	return host_withdraw(n, host_failed(n[0]) ? n[0] : host_failed(n[1]) ? n[1] : -EFAULT);
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

/* --- names -------------------------------------------------------------------------------- */

const void *
sock_address(unsigned long addr, unsigned long len, struct sockaddr_un *to, unsigned long *ret_len)
{
	const char *inner;
	size_t n;

	*ret_len = len;
	if (len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(*to))
		return (const void *)addr;
	(void)mem_zero(to, sizeof(*to));
	if (!mem_read(to, addr, len) || to->sun_family != AF_UNIX || to->sun_path[0] != '/')
		return (const void *)addr;
	if (len == sizeof(*to) && to->sun_path[sizeof(to->sun_path) - 1] != '\0')
		return (const void *)addr;
	inner = path_strip(to->sun_path);
	if (inner == NULL)
		return (const void *)addr;
	n = text_len(inner) + 1;
	(void)mem_move(to->sun_path, inner, n);
	*ret_len = offsetof(struct sockaddr_un, sun_path) + n;
	return to;
}

static long
rule_address(long nr, const unsigned long args[6])
{
	unsigned int at = nr == SYS_sendto ? 4 : 1;
	unsigned long kargs[6];
	int32_t entry = fdmap_entry(args[0]);
	struct sockaddr_un sun;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_args(nr, args);
	mem_copy(kargs, args, sizeof(kargs));
	kargs[0] = (unsigned long)(entry - 1);
	if (args[at] != 0)
		kargs[at] = (unsigned long)sock_address(args[at], args[at + 1], &sun, &kargs[at + 1]);
	return kernel_call((unsigned int)nr, kargs);
}

void
sock_rules(void)
{
	dispatch_set(SYS_bind, HIJACK_BYFD, rule_address);
	dispatch_set(SYS_connect, HIJACK_BYFD, rule_address);
	dispatch_set(SYS_sendto, HIJACK_BYFD, rule_address);
	dispatch_set(SYS_socket, HIJACK_LOOK, rule_socket);
	dispatch_set(SYS_socketpair, HIJACK_LOOK, rule_socketpair);
	dispatch_set(SYS_accept, HIJACK_BYFD, rule_accept);
	dispatch_set(SYS_accept4, HIJACK_BYFD, rule_accept);
}
