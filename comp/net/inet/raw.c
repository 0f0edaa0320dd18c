/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * raw.c - raw sockets, of both families: raw(7), ipv6(7)
 *
 * Everything of the socket's protocol that is for us comes as a copy, of IPv4 with
 * its header, before the protocol itself sees it.  What is sent gets a header, or
 * brings its own (IP_HDRINCL, IPPROTO_RAW).  IPv6 may have a checksum filled in
 * and verified (IPV6_CHECKSUM, RFC 3542 section 3.1); ICMP may be filtered by type.
 *
 * The sockets of a name space are on one list, which input walks without a lock to
 * reference those that want the packet; where there are none it costs a load.
 *
 * Locking: so_lock -> rn_lock.
 */

#include "raw_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "inet_impl.h"
#include "inet_vars.h"
#include "inpcb_impl.h"
#include "ip_impl.h"

/* --- birth and death ------------------------------------------------------ */

static int
raw_attach(struct socket *so, int protocol)
{
	struct raw_ns *rn = raw_of(so->so_ns);
	struct rawcb *r;
	int error;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return EINVAL;
	if (protocol == 0 || protocol > IPPROTO_RAW)
		return EPROTONOSUPPORT;
	error = dgram_attach(so, sizeof(struct rawcb), NULL);
	if (error)
		return error;
	r = so->so_pcb;
	r->r_csumoff = so->so_family == AF_INET6 && protocol == IPPROTO_ICMPV6 ? 2 : -1;
	r->r_dgram.dp_inp.inp_v6only = true;
	/* There are no ports: as on Linux the socket's name has the protocol there. */
	r->r_dgram.dp_inp.inp_lport = net16((uint16_t)protocol);
	r->r_dgram.dp_inp.inp_hdrincl = protocol == IPPROTO_RAW;
	mutex_enter(&rn->rn_lock);
	r->r_next = rn->rn_first;
	r->r_listed = true;
	atomic_store_rel(&rn->rn_first, r);
	mutex_exit(&rn->rn_lock);
	return 0;
}

static void
raw_unlist(struct socket *so)
{
	struct raw_ns *rn = raw_of(so->so_ns);
	struct rawcb *r = so->so_pcb, **pp;

	mutex_enter(&rn->rn_lock);
	if (r->r_listed) {
		for (pp = &rn->rn_first; *pp != r; pp = &(*pp)->r_next)
			KASSERT(*pp != NULL);
		atomic_store_rel(pp, r->r_next);
		r->r_listed = false;
	}
	mutex_exit(&rn->rn_lock);
}

static void
raw_close(struct socket *so)
{
	raw_unlist(so);
	inpcb_leave_groups(so);
}

/* --- names: addresses only ------------------------------------------------ */

static int
raw_bind(struct socket *so, const struct sockaddr *sa, socklen_t len)
{
	struct inpcb *inp = so->so_pcb;
	struct inaddr addr;
	uint32_t scope;
	uint16_t port;
	int error, family;

	error = inet_sockaddr_parse(so->so_family, sa, len, &family, &addr, &port, &scope);
	if (error)
		return error;
	if (family != so->so_family)
		return EADDRNOTAVAIL;
	if (!inaddr_zero(&addr) && !inp->inp_freebind && !inp->inp_transparent &&
	    !inet_af(family)->ia_islocal(so->so_ns, &addr, scope) &&
	    !inet_af(family)->ia_ismulticast(&addr))
		return EADDRNOTAVAIL;
	mutex_enter(&so->so_lock);
	inaddr_write(&inp->inp_laddr, &addr);
	((struct rawcb *)so->so_pcb)->r_bound = !inaddr_zero(&addr);
	atomic_store(&inp->inp_scope, scope);
	atomic_or(&so->so_state, SS_BOUND);
	mutex_exit(&so->so_lock);
	return 0;
}

/* The address that we have towards a peer, as programs make pseudo headers of it. */
static int
source_towards(const struct inpcb *inp, const struct inaddr *addr, uint32_t scope,
    struct inaddr *ret_src)
{
	const struct socket *so = inp->inp_so;
	struct rtdst *rd;
	struct rtkey rk;
	int error;

	inpcb_rtkey(inp, so->so_family, addr, scope, &rk);
	error = route_lookup(so->so_ns, &rk, &rd);
	if (error)
		return error;
	if ((rd->rd_flags & RTD_BROADCAST) != 0 &&
	    (atomic_load(&so->so_options) & SOO_BROADCAST) == 0)
		error = EACCES;
	*ret_src = rd->rd_src;
	rtdst_rele(rd);
	return error;
}

static int
raw_connect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool nonblock)
{
	static const struct inaddr none;
	struct rawcb *r = so->so_pcb;
	struct inpcb *inp = so->so_pcb;
	struct inaddr addr = none, src = none;
	uint32_t scope = 0;
	uint16_t port;
	int error = 0, family;

	if (len < sizeof(sa->sa_family))
		return EINVAL;
	if (sa->sa_family != AF_UNSPEC) {
		error = inet_sockaddr_parse(so->so_family, sa, len, &family, &addr, &port, &scope);
		if (!error && family != so->so_family)
			error = EINVAL;
		if (error)
			return error;
	}
	mutex_enter(&so->so_lock);
	if (sa->sa_family != AF_UNSPEC)
		error = source_towards(inp, &addr, scope, &src);
	if (error) {
		mutex_exit(&so->so_lock);
		return error;
	}
	inpcb_setdst(inp, NULL);
	inaddr_write(&inp->inp_faddr, &addr);
	if (!r->r_bound && (sa->sa_family == AF_UNSPEC || inaddr_zero(&inp->inp_laddr)))
		inaddr_write(&inp->inp_laddr, &src);
	if (scope != 0)
		atomic_store(&inp->inp_scope, scope);
	if (sa->sa_family != AF_UNSPEC)
		atomic_or(&so->so_state, SS_CONNECTED);
	else
		atomic_and(&so->so_state, ~(uint32_t)SS_CONNECTED);
	mutex_exit(&so->so_lock);
	return 0;
}

/* --- sending -------------------------------------------------------------- */

/* RFC 3542 section 3.1: the field lies within the message, or the send fails. */
static int
send_csum(const struct rawcb *r, const struct dgram_dest *dd, struct packet *p)
{
	const struct inet_af *af = inet_af(dd->dd_tx.it_family);

	if (dd->dd_tx.it_family != AF_INET6 || r->r_csumoff < 0)
		return 0;
	if ((size_t)r->r_csumoff + 2 > p->p_len ||
	    packet_pullup(p, (size_t)r->r_csumoff + 2) != 0)
		return EINVAL;
	inet_csum_setup(af, p, &dd->dd_tx.it_src, &dd->dd_tx.it_dst, dd->dd_tx.it_proto,
	    (uint16_t)r->r_csumoff);
	return 0;
}

/*
 * raw(7): source and identification are filled in if they are 0, length and checksum
 * always.  Consumes p.
 */
static int
send_hdrincl(struct dgram_dest *dd, struct packet *p)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct inaddr src = { .ia_d = { 0, 0 } };
	size_t hdrlen;
	uint8_t *h;
	int error = EINVAL;

	if (packet_pullup(p, IP_HDRLEN) != 0)
		goto fail;
	hdrlen = (size_t)(p->p_data[0] & 15) * 4;
	if (hdrlen < IP_HDRLEN || packet_pullup(p, hdrlen) != 0)
		goto fail;
	error = EMSGSIZE;
	if (p->p_len > atomic_load(&dd->dd_rd->rd_ifp->if_mtu))
		goto fail;
	h = p->p_data;
	if (be32_get(h + 12) == 0)
		memcpy(h + 12, &dd->dd_tx.it_src.ia_w[0], 4);
	memcpy(&src.ia_w[0], h + 12, 4);
	if (be16_get(h + 4) == 0)
		be16_put(h + 4, ip_newid(&src, &dd->dd_tx.it_dst, h[9]));
	be16_put(h + 2, (uint16_t)p->p_len);
	ip_hdr_sum(h, hdrlen);
	p->p_l3 = packet_offset(p);
	p->p_l4 = (uint16_t)(p->p_l3 + hdrlen);
	packetq_put(&q, p);
	return ip_transmit(dd->dd_rd, &q);
fail:
	packet_free(p);
	return error;
}

static int
send_route(struct socket *so, struct sockmsg *sm, struct packet *p, struct dgram_dest *dd,
    bool *ret_own)
{
	struct rawcb *r = so->so_pcb;
	struct inpcb *inp = &r->r_dgram.dp_inp;
	const struct inet_af *af;
	int error;

	mutex_enter(&so->so_lock);
	error = dgram_route(inp, sm, dd);
	if (error)
		goto out;
	*ret_own = inp->inp_hdrincl && so->so_family == AF_INET;
	dd->dd_tx.it_proto = (uint8_t)so->so_protocol;
	af = inet_af(dd->dd_tx.it_family);
	if (!*ret_own)
		error = dgram_pmtu(inp, dd, p->p_len + af->ia_hdrlen + dd->dd_tx.it_optlen);
	if (!error)
		error = send_csum(r, dd, p);
	if (error)
		dgram_dest_fini(dd);
out:
	mutex_exit(&so->so_lock);
	return error;
}

static int
raw_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	size_t len = sm->sm_uio->uio_resid;
	struct packetq q = PACKETQ_INITIALIZER;
	struct dgram_dest dd;
	struct packet *p;
	bool own = false;
	int error;

	if (len > IP_MAXLEN)
		return EMSGSIZE;
	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	error = packet_fromuio(sm->sm_uio, len, &p);
	if (error)
		return error;
	error = send_route(so, sm, p, &dd, &own);
	if (error) {
		packet_free(p);
		return error == ENOMEM ? ENOBUFS : error;
	}
	p->p_mark = dd.dd_mark;
	p->p_prio = dd.dd_prio;
	p->p_type = PKT_OUTGOING;
	if (own) {
		error = send_hdrincl(&dd, p);
	} else {
		packetq_put(&q, p);
		error = dgram_output(&dd, &q);
	}
	dgram_dest_fini(&dd);
	if (!error)
		*ret_done = len;
	return error;
}

/* --- options -------------------------------------------------------------- */

/* The words of the filter: one for ICMP, eight for ICMPv6; a set bit drops the type. */
static int
raw_filter(struct socket *so, int level, int name)
{
	if (level == SOL_RAW && name == ICMP_FILTER && so->so_family == AF_INET)
		return so->so_protocol == IPPROTO_ICMP ? 1 : -1;
	if (level == SOL_ICMPV6 && name == ICMPV6_FILTER && so->so_family == AF_INET6)
		return so->so_protocol == IPPROTO_ICMPV6 ? ICMP_FILTER_WORDS : -1;
	return 0;
}

static int
raw_setcsum(struct socket *so, const void *val, socklen_t len)
{
	struct rawcb *r = so->so_pcb;
	int value;

	if (len < sizeof(value))
		return EINVAL;
	memcpy(&value, val, sizeof(value));
	/* RFC 3542 section 3.1: ICMPv6 has its sum always; an odd offset is wrong. */
	if (so->so_protocol == IPPROTO_ICMPV6 || (value > 0 && (value & 1) != 0))
		return EINVAL;
	mutex_enter(&so->so_lock);
	r->r_csumoff = value < 0 ? -1 : value;
	mutex_exit(&so->so_lock);
	return 0;
}

static int
raw_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
{
	struct rawcb *r = so->so_pcb;
	int words = raw_filter(so, level, name);
	uint32_t filter[ICMP_FILTER_WORDS] = { 0 };

	if (words < 0)
		return EOPNOTSUPP;
	if (words > 0) {
		memcpy(filter, val, len < (size_t)words * 4 ? len : (size_t)words * 4);
		for (int i = 0; i < words; i++)
			atomic_store(&r->r_filter[i], filter[i]);
		return 0;
	}
	if ((level == SOL_IPV6 || level == SOL_RAW) && name == IPV6_CHECKSUM &&
	    so->so_family == AF_INET6)
		return raw_setcsum(so, val, len);
	return inpcb_setopt(so, level, name, val, len);
}

static int
raw_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	struct rawcb *r = so->so_pcb;
	int words = raw_filter(so, level, name);

	if (words < 0)
		return EOPNOTSUPP;
	if (words > 0) {
		if (*len > (socklen_t)words * 4)
			*len = (socklen_t)words * 4;
		memcpy(val, r->r_filter, *len);
		return 0;
	}
	if ((level == SOL_IPV6 || level == SOL_RAW) && name == IPV6_CHECKSUM &&
	    so->so_family == AF_INET6) {
		if (*len > sizeof(int))
			*len = sizeof(int);
		memcpy(val, &r->r_csumoff, *len);
		return 0;
	}
	return inpcb_getopt(so, level, name, val, len);
}

/* --- the protocol --------------------------------------------------------- */

static const struct sockops raw_ops = {
	.so_attach	= raw_attach,
	.so_close	= raw_close,
	.so_free	= dgram_free,
	.so_bind	= raw_bind,
	.so_connect	= raw_connect,
	.so_shutdown	= dgram_shutdown,
	.so_name	= dgram_name,
	.so_send	= raw_send,
	.so_recv	= dgram_recv_portless,
	.so_setopt	= raw_setopt,
	.so_getopt	= raw_getopt,
	.so_poll	= dgram_poll,
	.so_ioctl	= dgram_ioctl,
};

static struct sockproto raw_sockets[] = {
	{ .sp_family = AF_INET, .sp_type = SOCK_RAW, .sp_protocol = -1,
	    .sp_flags = SP_ATOMIC | SP_NEEDROOT, .sp_ops = &raw_ops },
	{ .sp_family = AF_INET6, .sp_type = SOCK_RAW, .sp_protocol = -1,
	    .sp_flags = SP_ATOMIC | SP_NEEDROOT, .sp_ops = &raw_ops },
};

static int
raw_ns_init(struct netns *ns, void **ret_data)
{
	struct raw_ns *rn = kmem_zalloc(sizeof(*rn), KM_SLEEP);

	if (rn == NULL)
		return ENOMEM;
	mutex_init(&rn->rn_lock, "rawns");
	*ret_data = rn;
	return 0;
}

static void
raw_ns_fini(struct netns *ns, void *data)
{
	struct raw_ns *rn = data;

	KASSERT(rn->rn_first == NULL);
	mutex_destroy(&rn->rn_lock);
	kmem_free(rn, sizeof(*rn));
}

static struct netns_ops raw_ns_ops = {
	.no_slot = NETNS_SLOT_RAW, .no_name = "raw", .no_init = raw_ns_init, .no_fini = raw_ns_fini,
};

int
inet_raw_init(void)
{
	int error = netns_register(&raw_ns_ops);

	if (error)
		return error;
	for (size_t i = 0; i < ARRAY_SIZE(raw_sockets); i++)
		sockproto_register(&raw_sockets[i]);
	return ping_init();
}
