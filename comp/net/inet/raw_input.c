/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * raw_input.c - raw sockets receive
 *
 * Each socket of the protocol that wants a packet gets a copy of it, of IPv4 with the
 * header.  The list is walked without a lock to reference who wants it.
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

#define RAW_STACK	16		/* receivers of a packet without an allocation */

/* --- receiving ------------------------------------------------------------ */

static bool
raw_wants(const struct rawcb *r, const struct packet *p)
{
	const struct inpcb *inp = &r->r_dgram.dp_inp;
	const struct inet_rx *rx = INET_RX(p);
	struct inaddr laddr = inaddr_read(&inp->inp_laddr), faddr = inaddr_read(&inp->inp_faddr);
	uint32_t dev = atomic_load(&inp->inp_so->so_bound_if);
	uint8_t tmp;
	const uint8_t *type;

	if (inp->inp_so->so_family != rx->ir_family || inp->inp_so->so_protocol != rx->ir_proto)
		return false;
	if ((!inaddr_zero(&laddr) && !inaddr_eq(&laddr, &rx->ir_dst)) ||
	    (!inaddr_zero(&faddr) && !inaddr_eq(&faddr, &rx->ir_src)) ||
	    (dev != 0 && dev != rx->ir_ifindex))
		return false;
	if (rx->ir_proto != IPPROTO_ICMP && rx->ir_proto != IPPROTO_ICMPV6)
		return true;
	type = packet_peek(p, 0, 1, &tmp);
	if (type == NULL)
		return true;
	return (atomic_load(&r->r_filter[*type / 32]) >> (*type % 32) & 1) == 0;
}

/* Takes over the copy. */
static void
raw_deliver(struct rawcb *r, struct packet *p)
{
	struct inpcb *inp = &r->r_dgram.dp_inp;
	const struct inet_rx *rx = INET_RX(p);
	const struct inet_af *af = inet_af(rx->ir_family);
	struct socket *so = inp->inp_so;

	if (rx->ir_family == AF_INET6 && r->r_csumoff >= 0 && !inet_csum_ok(af, p, rx->ir_proto))
		goto drop;
	if (p->p_csum == PKT_CSUM_PARTIAL && packet_csum_fill(p) != 0)
		goto drop;
	if (rx->ir_family == AF_INET)
		packet_push(p, (size_t)(p->p_l4 - p->p_l3));
	mutex_enter(&so->so_lock);
	if ((rx->ir_flags & INET_RX_MULTICAST) != 0 && !af->ia_mcast_allowed(so, rx)) {
		mutex_exit(&so->so_lock);
		goto drop;
	}
	if (dgram_enqueue(inp, p, 0))
		socket_wake(so, POLLIN);
	mutex_exit(&so->so_lock);
	return;
drop:
	packet_free(p);
}

/* References of who wants p, at most max; how many there are. */
static unsigned int
raw_collect(const struct raw_ns *rn, const struct packet *p, struct rawcb **list,
    unsigned int max, unsigned int *ret_held)
{
	unsigned int n = 0, held = 0;

	for (struct rawcb *r = atomic_load_acq(&rn->rn_first); r != NULL;
	     r = atomic_load_acq(&r->r_next))
		if (raw_wants(r, p) && n++ < max && socket_tryhold(r->r_dgram.dp_inp.inp_so))
			list[held++] = r;
	*ret_held = held;
	return n;
}

bool
inet_raw_input(struct netns *ns, const struct packet *p)
{
	struct rawcb *some[RAW_STACK], **list = some, **more;
	struct raw_ns *rn = raw_of(ns);
	unsigned int n, held, max = RAW_STACK;
	struct packet *copy;

	if (likely(atomic_load(&rn->rn_first) == NULL))
		return false;
	n = raw_collect(rn, p, some, max, &held);
	if (n > max && (more = kmem_alloc(n * sizeof(*more), KM_NOSLEEP)) != NULL) {
		while (held > 0)
			socket_rele(some[--held]->r_dgram.dp_inp.inp_so);
		list = more;
		max = n;
		raw_collect(rn, p, list, max, &held);
	}
	for (unsigned int i = 0; i < held; i++) {
		copy = packet_clone(p, KM_NOSLEEP);
		if (copy != NULL)
			raw_deliver(list[i], copy);
		socket_rele(list[i]->r_dgram.dp_inp.inp_so);
	}
	if (list != some)
		kmem_free(list, max * sizeof(*list));
	return held > 0;
}

/* Errors go to each socket of that protocol which may have sent the packet. */
void
inet_raw_ctl(const struct inet_ctl *ctl, uint8_t proto)
{
	struct raw_ns *rn = raw_of(ctl->ic_ns);
	struct rawcb *list[RAW_STACK];
	unsigned int held = 0;

	for (struct rawcb *r = atomic_load_acq(&rn->rn_first); r != NULL && held < RAW_STACK;
	     r = atomic_load_acq(&r->r_next)) {
		const struct inpcb *inp = &r->r_dgram.dp_inp;
		struct inaddr laddr = inaddr_read(&inp->inp_laddr);
		struct inaddr faddr = inaddr_read(&inp->inp_faddr);

		if (inp->inp_so->so_family == ctl->ic_family && inp->inp_so->so_protocol == proto &&
		    (inaddr_zero(&laddr) || inaddr_eq(&laddr, &ctl->ic_src)) &&
		    (inaddr_zero(&faddr) || inaddr_eq(&faddr, &ctl->ic_dst)) &&
		    socket_tryhold(inp->inp_so))
			list[held++] = r;
	}
	for (unsigned int i = 0; i < held; i++) {
		struct socket *so = list[i]->r_dgram.dp_inp.inp_so;

		dgram_error(&list[i]->r_dgram.dp_inp, ctl,
		    (atomic_load(&so->so_state) & SS_CONNECTED) != 0);
		socket_rele(so);
	}
}
