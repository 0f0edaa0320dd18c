/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inpcb_connect.c - connect(2): the way to the peer, our end of it, and the books
 *
 * A datagram socket without a port gets one of its own.  A stream gets any port
 * with which the connection is unique: many connections share one port, to
 * different peers, so that a host's 28,000 ephemeral ports do not limit it.
 *
 * The route found is kept in the pcb and looked up again when the tables have
 * changed (inpcb_route()).
 */

#include "inpcb_impl.h"

#include <lib/bytes.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/random.h>

#include "inet_vars.h"

static bool
is_multicast(int family, const struct inaddr *a)
{
	return family == AF_INET ? (a->ia_b[0] & 0xf0) == 0xe0 : a->ia_b[0] == 0xff;
}

/* A multicast or broadcast address is where we listen, never a source. */
static bool
source_usable(const struct inpcb *inp)
{
	const struct inet_af *af = inet_af(inp->inp_family);

	return !inaddr_zero(&inp->inp_laddr) && !is_multicast(inp->inp_family, &inp->inp_laddr) &&
	    !(inp->inp_family == AF_INET && af->ia_isbroadcast(inp->inp_so->so_ns,
						&inp->inp_laddr, 0));
}

/* --- routes --------------------------------------------------------------- */

void
inpcb_rtkey(const struct inpcb *inp, int family, const struct inaddr *dst, uint32_t oif,
    struct rtkey *ret_rk)
{
	const struct inet_af *af = inet_af(family);
	const struct socket *so = inp->inp_so;
	struct rtkey rk = {
		.rk_family = family, .rk_dst = *dst,
		.rk_oif = oif != 0 ? oif : atomic_load(&so->so_bound_if),
		.rk_mark = atomic_load(&so->so_mark),
		.rk_tos = family == AF_INET ? inp->inp_tos : inp->inp_tclass6,
		.rk_flags = (atomic_load(&so->so_options) & SOO_DONTROUTE) != 0 ? RTK_DONTROUTE : 0,
	};

	if (inp->inp_family == family && source_usable(inp))
		rk.rk_src = inp->inp_laddr;
	if (is_multicast(family, dst)) {
		if (rk.rk_oif == 0)
			rk.rk_oif = family == AF_INET ? inp->inp_mcif : inp->inp_mcif6;
		if (family == AF_INET && inaddr_zero(&rk.rk_src))
			rk.rk_src = inp->inp_mcaddr;
	}
	if (rk.rk_oif == 0)
		rk.rk_oif = inp->inp_scope;
	if (af != NULL && af->ia_rtkey != NULL)
		af->ia_rtkey(inp, &rk);
	*ret_rk = rk;
}

void
inpcb_setdst(struct inpcb *inp, struct rtdst *rd)
{
	/* Who has borrowed it lets go of it instead. */
	if (!inp->inp_dstlent)
		rtdst_rele(inp->inp_dst);
	inp->inp_dstlent = false;
	inp->inp_dst = rd;
}

/* The cached route is one that is good now. */
static int
route_refresh(struct inpcb *inp)
{
	struct rtdst *rd = inp->inp_dst;
	struct rtkey rk;
	int error;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	if (rd == NULL || !rtdst_valid(rd)) {
		inpcb_rtkey(inp, inp->inp_family, &inp->inp_faddr, 0, &rk);
		rk.rk_hash = inp->inp_hash;
		error = route_lookup(inp->inp_so->so_ns, &rk, &rd);
		if (error)
			return error;
		inpcb_setdst(inp, rd);
	}
	return 0;
}

int
inpcb_route(struct inpcb *inp, struct rtdst **ret_rd)
{
	int error = route_refresh(inp);

	if (error)
		return error;
	rtdst_hold(inp->inp_dst);
	*ret_rd = inp->inp_dst;
	return 0;
}

int
inpcb_lend(struct inpcb *inp, struct rtdst **ret_rd)
{
	int error;

	KASSERT(!inp->inp_dstlent);
	error = route_refresh(inp);
	if (error)
		return error;
	inp->inp_dstlent = true;
	*ret_rd = inp->inp_dst;
	return 0;
}

void
inpcb_giveback(struct inpcb *inp, struct rtdst *rd)
{
	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	if (inp->inp_dstlent)
		inp->inp_dstlent = false;
	else
		rtdst_rele(rd);
}

/* --- the peer ------------------------------------------------------------- */

static int
connect_parse(const struct inpcb *inp, const struct sockaddr *sa, socklen_t len, int *ret_family,
    struct inaddr *ret_addr, uint16_t *ret_port, uint32_t *ret_scope)
{
	const struct socket *so = inp->inp_so;
	int error;

	error = inet_sockaddr_parse(so->so_family, sa, len, ret_family, ret_addr, ret_port,
	    ret_scope);
	if (error)
		return error;
	if (so->so_family == AF_INET6 && *ret_family == AF_INET && inp->inp_v6only)
		return ENETUNREACH;
	/* A mapped peer needs a mapped end, and the other way round. */
	if (*ret_family != inp->inp_family && !inaddr_zero(&inp->inp_laddr))
		return *ret_family == AF_INET6 ? EAFNOSUPPORT : EINVAL;
	if (inet_af(*ret_family) == NULL)
		return ENETUNREACH;
	if (*ret_family == AF_INET6) {
		bool linklocal = inaddr_linklocal6(ret_addr);
		uint32_t dev = atomic_load(&so->so_bound_if);

		if (linklocal && *ret_scope == 0)
			*ret_scope = dev != 0 ? dev : inp->inp_scope;
		if (linklocal && (*ret_scope == 0 || (dev != 0 && dev != *ret_scope)))
			return EINVAL;
		if (!linklocal && !is_multicast(AF_INET6, ret_addr))
			*ret_scope = 0;
	}
	return 0;
}

/* The wildcard as a peer is this host (RFC 1122 section 3.2.1.3 is silent; all do it). */
static void
connect_wildcard(const struct inpcb *inp, int family, struct inaddr *addr)
{
	if (!inaddr_zero(addr))
		return;
	if (family == AF_INET6)
		addr->ia_b[15] = 1;
	else if (inp->inp_family == AF_INET && source_usable(inp))
		*addr = inp->inp_laddr;
	else
		addr->ia_w[0] = net32(INADDR_LOOPBACK);
}

static int
connect_route(const struct inpcb *inp, int family, const struct inaddr *addr, uint32_t scope,
    struct rtdst **ret_rd)
{
	const struct socket *so = inp->inp_so;
	struct rtdst *rd;
	struct rtkey rk;
	int error;

	inpcb_rtkey(inp, family, addr, scope, &rk);
	error = route_lookup(so->so_ns, &rk, &rd);
	if (error)
		return error;
	if (inp->inp_table->it_proto == IPPROTO_TCP &&
	    (rd->rd_flags & (RTD_BROADCAST | RTD_MULTICAST)) != 0)
		error = ENETUNREACH;
	else if ((rd->rd_flags & RTD_BROADCAST) != 0 &&
	    (atomic_load(&so->so_options) & SOO_BROADCAST) == 0)
		error = EACCES;
	if (error) {
		rtdst_rele(rd);
		return error;
	}
	*ret_rd = rd;
	return 0;
}

/* --- our port ------------------------------------------------------------- */

/* Is there no connection with our numbers and this port, and none that was? */
static bool
connect_free(struct inpcb *inp, const struct rtdst *rd, uint16_t port)
    REQUIRES(inp->inp_table->it_lock) NO_THREAD_SAFETY
{
	struct inpcbtable *t = inp->inp_table;
	uint16_t old = inp->inp_lport;
	bool ok;

	if (inpcb_conn_exists(t, inp, inp->inp_family, &inp->inp_laddr, &inp->inp_faddr, port,
	    inp->inp_fport))
		return false;
	if (t->it_waits == NULL)
		return true;
	atomic_store(&inp->inp_lport, port);
	ok = t->it_waits->iw_free(inp, rd, false);
	atomic_store(&inp->inp_lport, old);
	return ok;
}

/* A port for this connection alone, or one shared with connections to others. */
static int
connect_port(struct inpcb *inp, const struct rtdst *rd) REQUIRES(inp->inp_table->it_lock)
    NO_THREAD_SAFETY
{
	struct inpcbtable *t = inp->inp_table;
	uint32_t low, high, n, at;
	struct inport *ip;
	int error;

	inpcb_portrange(t->it_ns, &low, &high);
	n = high - low + 1;
	at = random_below(n);
	for (uint32_t i = 0; i < n; i++, at = at + 1 == n ? 0 : at + 1) {
		uint16_t port = (uint16_t)(low + at);

		ip = inport_find(t, port);
		if (ip != NULL && ip->ip_nbound != 0)
			continue;
		if (!connect_free(inp, rd, port))
			continue;
		error = inport_get(t, port, &ip);
		if (error)
			return error;
		atomic_store(&inp->inp_lport, port);
		inpcb_link_child(t, inp, ip);
		return 0;
	}
	return EADDRNOTAVAIL;
}

/* The addresses are set; gives them a port and enters them. */
static int
connect_enter(struct inpcb *inp, const struct rtdst *rd) REQUIRES(inp->inp_table->it_lock)
    NO_THREAD_SAFETY
{
	struct inpcbtable *t = inp->inp_table;
	bool stream = t->it_proto == IPPROTO_TCP;
	int error = 0;

	if (inp->inp_lport == 0)
		error = stream ? connect_port(inp, rd) : inpcb_bind_any(inp);
	else if (stream && !connect_free(inp, rd, inp->inp_lport))
		error = EADDRNOTAVAIL;
	if (error)
		return error == EADDRINUSE ? EAGAIN : error;
	if (t->it_waits != NULL)
		(void)t->it_waits->iw_free(inp, rd, true);
	inpcb_link_conn(t, inp);
	return 0;
}

int
inpcb_connect(struct inpcb *inp, const struct sockaddr *sa, socklen_t len)
    NO_THREAD_SAFETY
{
	static const struct inaddr none;
	struct inpcbtable *t = inp->inp_table;
	struct inaddr addr, oldladdr, oldfaddr;
	uint16_t port, oldport = inp->inp_fport;
	uint8_t oldfamily = inp->inp_family;
	uint32_t scope, oldscope = inp->inp_scope;
	bool was = (inp->inp_tabflags & INPT_CONN) != 0;
	struct rtdst *rd;
	int error, family;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	error = connect_parse(inp, sa, len, &family, &addr, &port, &scope);
	if (error)
		return error;
	connect_wildcard(inp, family, &addr);
	error = connect_route(inp, family, &addr, scope, &rd);
	if (error)
		return error;

	oldladdr = inp->inp_laddr;
	oldfaddr = inp->inp_faddr;
	mutex_enter(&t->it_lock);
	inpcb_unlink_conn(t, inp);
	atomic_store(&inp->inp_family, (uint8_t)family);
	if (inaddr_zero(&oldladdr))
		inaddr_write(&inp->inp_laddr, &rd->rd_src);
	inaddr_write(&inp->inp_faddr, &addr);
	atomic_store(&inp->inp_fport, port);
	if (scope != 0)
		atomic_store(&inp->inp_scope, scope);
	error = connect_enter(inp, rd);
	if (error) {
		atomic_store(&inp->inp_family, oldfamily);
		inaddr_write(&inp->inp_laddr, &oldladdr);
		inaddr_write(&inp->inp_faddr, was ? &oldfaddr : &none);
		atomic_store(&inp->inp_fport, was ? oldport : 0);
		atomic_store(&inp->inp_scope, oldscope);
		if (was)
			inpcb_link_conn(t, inp);
	}
	mutex_exit(&t->it_lock);
	if (error) {
		rtdst_rele(rd);
		return error;
	}
	inpcb_setdst(inp, rd);
	return 0;
}

void
inpcb_disconnect(struct inpcb *inp)
{
	static const struct inaddr none;
	struct inpcbtable *t = inp->inp_table;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	mutex_enter(&t->it_lock);
	inpcb_unlink_conn(t, inp);
	inaddr_write(&inp->inp_faddr, &none);
	atomic_store(&inp->inp_fport, 0);
	if ((inp->inp_tabflags & INPT_ADDR) == 0) {
		inaddr_write(&inp->inp_laddr, &none);
		atomic_store(&inp->inp_family, (uint8_t)inp->inp_so->so_family);
		atomic_store(&inp->inp_scope, 0);
	}
	if ((inp->inp_tabflags & INPT_PORT) == 0) {
		inpcb_unlink_port(t, inp);
		atomic_store(&inp->inp_lport, 0);
	}
	mutex_exit(&t->it_lock);
	inpcb_setdst(inp, NULL);
}

void
inpcb_release(struct inpcb *inp)
{
	struct inpcbtable *t = inp->inp_table;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	mutex_enter(&t->it_lock);
	inpcb_unlink_conn(t, inp);
	inp->inp_tabflags &= (uint8_t)~INPT_LISTEN;
	if ((inp->inp_tabflags & INPT_PORT) == 0)
		inpcb_unlink_port(t, inp);
	mutex_exit(&t->it_lock);
}

void
inpcb_unbind(struct inpcb *inp)
{
	static const struct inaddr none;
	struct inpcbtable *t = inp->inp_table;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	KASSERT((inp->inp_tabflags & INPT_CONN) == 0);
	mutex_enter(&t->it_lock);
	inpcb_unlink_port(t, inp);
	inp->inp_tabflags &= (uint8_t) ~(INPT_PORT | INPT_ADDR);
	atomic_store(&inp->inp_lport, 0);
	inaddr_write(&inp->inp_laddr, &none);
	atomic_store(&inp->inp_family, (uint8_t)inp->inp_so->so_family);
	atomic_store(&inp->inp_scope, 0);
	mutex_exit(&t->it_lock);
	atomic_and(&inp->inp_so->so_state, ~SS_BOUND);
}
