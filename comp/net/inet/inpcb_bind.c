/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inpcb_bind.c - bind(2): may this socket have that address and port?
 *
 * Two sockets clash if they have the port, an interface and an address in
 * common, where a wildcard has every address in common, and :: without
 * IPV6_V6ONLY those of IPv4 as well.  A clash is forgiven
 *	- if both have SO_REUSEADDR and, of TCP, nobody listens;
 *	- if both have SO_REUSEPORT and belong to one user.
 * These are the rules of Linux, see socket(7) and ip(7).
 *
 * Ephemeral ports are picked at random within net.ipv4.ip_local_port_range, as RFC
 * 6056 asks, section 3.3.1: from a random one upwards until one is free.
 */

#include "inpcb_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/capability.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/random.h>

#include "inet_vars.h"

#define BUSY_BYTES	(65536 / 8)

static bool
bind_overlap(const struct inpcb *a, const struct inpcb *b)
{
	uint32_t dev_a = atomic_load(&a->inp_so->so_bound_if);
	uint32_t dev_b = atomic_load(&b->inp_so->so_bound_if);
	const struct inpcb *six;

	if (dev_a != 0 && dev_b != 0 && dev_a != dev_b)
		return false;
	if (a->inp_family == b->inp_family) {
		if (a->inp_family == AF_INET6 && a->inp_scope != 0 && b->inp_scope != 0 &&
		    a->inp_scope != b->inp_scope)
			return false;
		return inaddr_zero(&a->inp_laddr) || inaddr_zero(&b->inp_laddr) ||
		    inaddr_eq(&a->inp_laddr, &b->inp_laddr);
	}
	six = a->inp_family == AF_INET6 ? a : b;
	return inaddr_zero(&six->inp_laddr) && !six->inp_v6only;
}

/* Options are read without the other's so_lock: words that may be a moment old. */
static bool
bind_clash(const struct inpcb *inp, const struct inpcb *other, bool listening)
{
	uint32_t a = atomic_load(&inp->inp_so->so_options);
	uint32_t b = atomic_load(&other->inp_so->so_options);

	if (inp == other || !bind_overlap(inp, other))
		return false;
	if ((a & b & SOO_REUSEPORT) != 0 &&
	    inp->inp_so->so_cred->cr_euid == other->inp_so->so_cred->cr_euid)
		return false;
	if (inp->inp_table->it_proto == IPPROTO_TCP &&
	    (listening || (other->inp_tabflags & INPT_LISTEN) != 0))
		return !listening || (other->inp_tabflags & INPT_LISTEN) != 0;
	return (a & b & SOO_REUSEADDR) == 0;
}

bool
inpcb_conflict(const struct inpcb *inp, const struct inport *ip, bool listening)
{
	const struct inpcb *other;

	for (other = ip->ip_bound; !CHAIN_ISEND(other); other = other->inp_bindnext)
		if (bind_clash(inp, other, listening))
			return true;
	/* Thousands of connections that all forgive need not be asked one by one. */
	if (listening || (ip->ip_nstrict == 0 &&
	    (atomic_load(&inp->inp_so->so_options) & SOO_REUSEADDR) != 0))
		return false;
	for (other = ip->ip_conns; !CHAIN_ISEND(other); other = other->inp_bindnext)
		if (bind_clash(inp, other, false))
			return true;
	return false;
}

/* --- which port ----------------------------------------------------------- */

static int
bind_port(struct inpcb *inp, uint16_t port) REQUIRES(inp->inp_table->it_lock)
    NO_THREAD_SAFETY
{
	struct inpcbtable *t = inp->inp_table;
	struct inport *ip;
	int error;

	error = inport_get(t, port, &ip);
	if (error)
		return error;
	if (inpcb_conflict(inp, ip, false)) {
		inport_prune(t, ip);
		return EADDRINUSE;
	}
	atomic_store(&inp->inp_lport, port);
	inpcb_link_bound(t, inp, ip);
	return 0;
}

/* One bit a port: with connections that are no more.  NULL: none, or no memory to look. */
static uint8_t *
busy_ports(const struct inpcb *inp)
{
	const struct inpcbtable *t = inp->inp_table;
	uint8_t *busy;

	if (t->it_waits == NULL ||
	    (atomic_load(&inp->inp_so->so_options) & SOO_REUSEADDR) != 0)
		return NULL;
	busy = kmem_alloc(BUSY_BYTES, KM_NOSLEEP | KM_ZERO);
	if (busy != NULL)
		t->it_waits->iw_ports(t->it_ns, busy);
	return busy;
}

int
inpcb_bind_any(struct inpcb *inp)
{
	struct inpcbtable *t = inp->inp_table;
	uint8_t *busy = busy_ports(inp);
	uint32_t low, high, n, port;
	int error = EADDRINUSE;

	inpcb_portrange(t->it_ns, &low, &high);
	n = high - low + 1;
	port = random_below(n);
	for (uint32_t i = 0; i < n; i++, port = port + 1 == n ? 0 : port + 1) {
		uint16_t at = (uint16_t)(low + port);
		struct inport *ip = inport_find(t, at);

		if (busy != NULL && (busy[at / 8] & 1u << at % 8) != 0)
			continue;
		/* Ports nobody asked for are not shared, whatever the options say. */
		if (ip == NULL || !inpcb_conflict(inp, ip, false)) {
			error = bind_port(inp, at);
			break;
		}
	}
	kmem_free(busy, BUSY_BYTES);
	return error;
}

/* --- which address -------------------------------------------------------- */

static int
bind_address_check(const struct inpcb *inp, int family, const struct inaddr *addr, uint32_t scope)
{
	const struct inet_af *af = inet_af(family);
	struct netns *ns = inp->inp_so->so_ns;

	if (af == NULL)
		return EADDRNOTAVAIL;
	if (inaddr_zero(addr) || inp->inp_freebind || inp->inp_transparent ||
	    netvar_get(ns, family == AF_INET ? &netvar_ip_nonlocal_bind :
						    &netvar_ip6_nonlocal_bind) != 0)
		return 0;
	if (af->ia_islocal(ns, addr, scope) || af->ia_ismulticast(addr) ||
	    (af->ia_isbroadcast != NULL && af->ia_isbroadcast(ns, addr, 0)))
		return 0;
	return EADDRNOTAVAIL;
}

/* Link-local addresses say nothing without their interface (RFC 4007 section 6). */
static int
bind_scope_check(const struct inpcb *inp, const struct inaddr *addr, uint32_t *scope)
{
	uint32_t dev = atomic_load(&inp->inp_so->so_bound_if);
	bool linklocal = inaddr_linklocal6(addr) ||
	    (addr->ia_b[0] == 0xff && (addr->ia_b[1] & 0x0f) == 0x02);

	if (!linklocal) {
		*scope = 0;
		return 0;
	}
	if (*scope == 0)
		*scope = dev;
	else if (dev != 0 && dev != *scope)
		return EINVAL;
	if (*scope == 0)
		return EINVAL;
	return if_byindex(inp->inp_so->so_ns, *scope) == NULL ? ENODEV : 0;
}

static int
bind_check(const struct inpcb *inp, const struct sockaddr *sa, socklen_t len, int *ret_family,
    struct inaddr *ret_addr, uint16_t *ret_port, uint32_t *ret_scope)
{
	const struct socket *so = inp->inp_so;
	int error;

	error = inet_sockaddr_parse(so->so_family, sa, len, ret_family, ret_addr, ret_port,
	    ret_scope);
	if (error == EAFNOSUPPORT && so->so_family == AF_INET && sa->sa_family == AF_UNSPEC) {
		/* Old programs leave the family out; ip(7) has it for the wildcard only. */
		struct sockaddr_in sin;

		memcpy(&sin, sa, sizeof(sin));
		if (sin.sin_addr.s_addr != 0)
			return EAFNOSUPPORT;
		*ret_family = AF_INET;
		*ret_addr = (struct inaddr){ .ia_d = { 0, 0 } };
		*ret_port = net16(sin.sin_port);
		*ret_scope = 0;
		error = 0;
	}
	if (error)
		return error;
	if (so->so_family == AF_INET6 && *ret_family == AF_INET && inp->inp_v6only)
		return EINVAL;
	if (*ret_family == AF_INET6) {
		error = bind_scope_check(inp, ret_addr, ret_scope);
		if (error)
			return error;
	} else {
		*ret_scope = 0;
	}
	error = bind_address_check(inp, *ret_family, ret_addr, *ret_scope);
	if (error)
		return error;
	if (*ret_port != 0 && inp->inp_table->it_proto != IPPROTO_ICMP &&
	    *ret_port < (uint16_t)netvar_get(so->so_ns, &netvar_unprivileged_port_start) &&
	    !cred_capable(so->so_cred, CAP_NET_BIND_SERVICE))
		return EACCES;
	return inp->inp_lport != 0 ? EINVAL : 0;
}

int
inpcb_bind(struct inpcb *inp, const struct sockaddr *sa, socklen_t len)
    NO_THREAD_SAFETY
{
	static const struct inaddr any;
	struct inpcbtable *t = inp->inp_table;
	struct inaddr addr;
	uint32_t scope;
	uint16_t port;
	int error, family;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	error = bind_check(inp, sa, len, &family, &addr, &port, &scope);
	if (error)
		return error;

	mutex_enter(&t->it_lock);
	atomic_store(&inp->inp_family, (uint8_t)family);
	inaddr_write(&inp->inp_laddr, &addr);
	atomic_store(&inp->inp_scope, scope);
	if (port == 0 && inp->inp_bindlater && t->it_proto == IPPROTO_TCP)
		error = 0;		/* IP_BIND_ADDRESS_NO_PORT: connect picks */
	else
		error = port != 0 ? bind_port(inp, port) : inpcb_bind_any(inp);
	if (error) {
		atomic_store(&inp->inp_family, (uint8_t)inp->inp_so->so_family);
		inaddr_write(&inp->inp_laddr, &any);
		atomic_store(&inp->inp_scope, 0);
	} else {
		inp->inp_tabflags |= (uint8_t)((port != 0 ? INPT_PORT : 0) |
		    (inaddr_zero(&addr) ? 0 : INPT_ADDR));
	}
	mutex_exit(&t->it_lock);
	if (!error)
		atomic_or(&inp->inp_so->so_state, SS_BOUND);
	return error;
}

int
inpcb_listen(struct inpcb *inp)
    NO_THREAD_SAFETY
{
	struct inpcbtable *t = inp->inp_table;
	int error = 0;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	mutex_enter(&t->it_lock);
	if ((inp->inp_tabflags & INPT_BOUND) == 0)
		error = inpcb_bind_any(inp);
	else if (inpcb_conflict(inp, inp->inp_port, true))
		error = EADDRINUSE;
	if (!error)
		inp->inp_tabflags |= INPT_LISTEN;
	mutex_exit(&t->it_lock);
	return error;
}
