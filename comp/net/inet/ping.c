/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ping.c - ping sockets: SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6, see icmp(7)
 *
 * A socket sends echo requests and nothing else, with its own identifier, which stands
 * where others have a port; it gets the replies that carry it, and errors about its
 * requests.  So pings need no rights: the groups of net.ipv4.ping_group_range may.
 */

#include "raw_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "inet_impl.h"
#include "inet_vars.h"
#include "inpcb_impl.h"
#include "ip_wire.h"

#define ICMP_HDRLEN	8

/* --- birth and death ------------------------------------------------------ */

static bool
ping_permitted(const struct socket *so)
{
	const struct cred *cr = so->so_cred;
	uint32_t low, high;

	inet_pinggroup(so->so_ns, &low, &high);
	if (cr->cr_egid >= low && cr->cr_egid <= high)
		return true;
	for (unsigned int i = 0; i < cr->cr_ngroups; i++)
		if (cr->cr_groups[i] >= low && cr->cr_groups[i] <= high)
			return true;
	return false;
}

/* Identifiers of both families are in one table: a name space has 65,535 of them. */
static struct inpcbtable *
ping_table(const struct netns *ns)
{
	return inet_ping_table(ns);
}

static int
ping_attach(struct socket *so, int protocol)
{
	struct dgram_pcb *dp;
	int error;

	if (!ping_permitted(so))
		return EACCES;
	error = dgram_attach(so, sizeof(*dp), ping_table(so->so_ns));
	if (error)
		return error;
	dp = so->so_pcb;
	dp->dp_inp.inp_v6only = true;
	return 0;
}

static void
ping_close(struct socket *so)
{
	mutex_enter(&so->so_lock);
	inpcb_remove(so->so_pcb);
	mutex_exit(&so->so_lock);
	inpcb_leave_groups(so);
}

/* --- requests ------------------------------------------------------------- */

static bool
request_ok(const struct socket *so, const uint8_t *icmp)
{
	return icmp[0] == (so->so_family == AF_INET6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO) &&
	    icmp[1] == 0;
}

static int
request_finish(struct inpcb *inp, const struct sockmsg *sm, struct packet *p,
    struct dgram_dest *dd) REQUIRES(inp->inp_so->so_lock)
    NO_THREAD_SAFETY
{
	struct inpcbtable *t = inp->inp_table;
	const struct inet_af *af;
	uint16_t sum;
	int error;

	error = dgram_route(inp, sm, dd);
	if (error)
		return error;
	if (inp->inp_lport == 0) {
		mutex_enter(&t->it_lock);
		error = inpcb_bind_any(inp);
		mutex_exit(&t->it_lock);
		if (error)
			return error;
	}
	dd->dd_tx.it_proto = (uint8_t)inp->inp_so->so_protocol;
	af = inet_af(dd->dd_tx.it_family);
	error = dgram_pmtu(inp, dd, p->p_len + af->ia_hdrlen + dd->dd_tx.it_optlen);
	if (error)
		return error;
	be16_put(p->p_data + 4, inp->inp_lport);
	if (af->ia_family == AF_INET6) {
		inet_csum_setup(af, p, &dd->dd_tx.it_src, &dd->dd_tx.it_dst, IPPROTO_ICMPV6, 2);
	} else {
		memset(p->p_data + 2, 0, 2);
		sum = packet_sum_fold(packet_sum(p, 0, p->p_len, 0));
		memcpy(p->p_data + 2, &sum, sizeof(sum));
	}
	return 0;
}

static int
ping_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
    NO_THREAD_SAFETY
{
	size_t len = sm->sm_uio->uio_resid;
	struct packetq q = PACKETQ_INITIALIZER;
	struct dgram_dest dd = { .dd_rd = NULL };
	struct packet *p;
	int error;

	if (len > IP_MAXLEN - IP_HDRLEN)
		return EMSGSIZE;
	if (len < ICMP_HDRLEN)
		return EINVAL;
	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	error = packet_fromuio(sm->sm_uio, len, &p);
	if (error)
		return error;
	if (packet_pullup(p, ICMP_HDRLEN) != 0 || !request_ok(so, p->p_data))
		error = EINVAL;
	if (!error) {
		mutex_enter(&so->so_lock);
		error = request_finish(so->so_pcb, sm, p, &dd);
		mutex_exit(&so->so_lock);
	}
	if (error) {
		packet_free(p);
		dgram_dest_fini(&dd);
		return error == ENOMEM ? ENOBUFS : error;
	}
	p->p_mark = dd.dd_mark;
	p->p_prio = dd.dd_prio;
	p->p_type = PKT_OUTGOING;
	packetq_put(&q, p);
	error = dgram_output(&dd, &q);
	dgram_dest_fini(&dd);
	if (!error)
		*ret_done = len;
	return error;
}

/* --- replies -------------------------------------------------------------- */

bool
ping_input(struct netns *ns, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	uint8_t tmp[ICMP_HDRLEN];
	const uint8_t *icmp = packet_peek(p, 0, ICMP_HDRLEN, tmp);
	struct packet *copy;
	struct inpcb *inp;

	if (icmp == NULL)
		return false;
	inp = inpcb_lookup(ping_table(ns), rx, 0, be16_get(icmp + 4), false);
	if (inp == NULL)
		return false;
	copy = packet_clone(p, KM_NOSLEEP);
	if (copy != NULL) {
		mutex_enter(&inp->inp_so->so_lock);
		if (dgram_enqueue(inp, copy, 0))
			socket_wake(inp->inp_so, POLLIN);
		mutex_exit(&inp->inp_so->so_lock);
	}
	socket_rele(inp->inp_so);
	return true;
}

void
ping_ctl(const struct inet_ctl *ctl)
{
	struct inet_rx rx = {
		.ir_family = ctl->ic_family, .ir_ifindex = ctl->ic_ifindex,
		.ir_src = ctl->ic_dst, .ir_dst = ctl->ic_src,
	};
	struct inpcb *inp;

	inp = inpcb_lookup(ping_table(ctl->ic_ns), &rx, 0, be16_get(ctl->ic_l4 + 4), false);
	if (inp == NULL)
		return;
	dgram_error(inp, ctl, (atomic_load(&inp->inp_so->so_state) & SS_CONNECTED) != 0);
	socket_rele(inp->inp_so);
}

/*
 * A peer restricts whose replies are taken.  Its port means nothing: replies have none.
 */
static int
ping_connect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool nonblock)
{
	struct sockaddr_storage ss;

	if (len < sizeof(sa->sa_family) || len > sizeof(ss))
		return EINVAL;
	memset(&ss, 0, sizeof(ss));
	memcpy(&ss, sa, len);
	if (sa->sa_family != AF_UNSPEC && len >= 4)
		memset((char *)&ss + 2, 0, 2);
	return dgram_connect(so, (const struct sockaddr *)&ss, len, nonblock);
}

/* --- the protocol --------------------------------------------------------- */

static const struct sockops ping_ops = {
	.so_attach	= ping_attach,
	.so_close	= ping_close,
	.so_free	= dgram_free,
	.so_bind	= dgram_bind,
	.so_connect	= ping_connect,
	.so_shutdown	= dgram_shutdown,
	.so_name	= dgram_name,
	.so_send	= ping_send,
	.so_recv	= dgram_recv_portless,
	.so_setopt	= inpcb_setopt,
	.so_getopt	= inpcb_getopt,
	.so_poll	= dgram_poll,
	.so_ioctl	= dgram_ioctl,
};

static struct sockproto ping_sockets[] = {
	{ .sp_family = AF_INET, .sp_type = SOCK_DGRAM, .sp_protocol = IPPROTO_ICMP,
	    .sp_flags = SP_ATOMIC, .sp_ops = &ping_ops },
	{ .sp_family = AF_INET6, .sp_type = SOCK_DGRAM, .sp_protocol = IPPROTO_ICMPV6,
	    .sp_flags = SP_ATOMIC, .sp_ops = &ping_ops },
};

int
ping_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ping_sockets); i++)
		sockproto_register(&ping_sockets[i]);
	return 0;
}
