/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * udp_input.c - datagrams that came in
 *
 * Datagrams of a batch that follow each other on one flow go to one socket: it is looked
 * up once, locked once and woken once for all of them.
 *
 * A GSO packet (a train that nobody cut, since it never met a wire) goes up whole to
 * who asked for UDP_GRO, and in pieces to the others.
 *
 * References: RFC 768, RFC 1122 section 4.1.3, RFC 6936, udp(7).
 */

#include "udp_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "inet_impl.h"
#include "inet_vars.h"

/* Datagrams for one socket. */
struct udp_run {
	struct netns	*ur_ns;
	const struct inet_af *ur_af;
	struct inpcb	*ur_inp;	/* referenced; NULL: none yet */
	struct inaddr	 ur_src, ur_dst;
	uint32_t	 ur_ports;	/* of the flow, as they stand in the header */
	struct packetq	 ur_q;
};

/* --- checks --------------------------------------------------------------- */

/* Length and checksum; the packet without what IP may have carried behind it. */
static bool
input_check(const struct udp_run *ur, struct packet *p)
{
	bool zero;
	uint32_t len;

	if (packet_pullup(p, UDP_HDRLEN) != 0)
		return false;
	len = be16_get(p->p_data + 4);
	/* A jumbogram says 0 (RFC 2675 section 4). */
	if (len == 0 && ur->ur_af->ia_family == AF_INET6)
		len = p->p_len;
	if (len < UDP_HDRLEN || len > p->p_len)
		return false;
	if (len < p->p_len)
		packet_trim(p, len);
	zero = p->p_data[6] == 0 && p->p_data[7] == 0;
	/* Whether IPv6 may do without is the socket's word: RFC 6936 section 5. */
	if (zero && p->p_csum != PKT_CSUM_PARTIAL)
		return true;
	if (inet_csum_ok(ur->ur_af, p, IPPROTO_UDP))
		return true;
	inet_count(UDPSTAT_INCSUMERRORS);
	return false;
}

static bool
input_unsummed(const struct packet *p)
{
	return p->p_data[6] == 0 && p->p_data[7] == 0 && p->p_csum != PKT_CSUM_PARTIAL;
}

/* --- to the socket -------------------------------------------------------- */

/* so_lock held.  Consumes p, which has its header. */
static bool
deliver_locked(struct inpcb *inp, struct packet *p)
{
	struct udpcb *u = (struct udpcb *)inp;
	struct udp_cb *uc = UDP_CB(p);
	bool six = uc->uc_rx.ir_family == AF_INET6;

	if (uc->uc_rx.ir_ttl < (six ? inp->inp_minhops6 : inp->inp_minttl) ||
	    (six && !u->u_nocheck_rx && input_unsummed(p))) {
		inet_count(UDPSTAT_INERRORS);
		packet_free(p);
		return false;
	}
	uc->uc_sport = be16_get(p->p_data);
	uc->uc_gso = p->p_gso == PKT_GSO_UDP && u->u_gro ? p->p_gso_size : 0;
	if (!dgram_enqueue(inp, p, UDP_HDRLEN)) {
		inet_count(UDPSTAT_RCVBUFERRORS);
		return false;
	}
	return true;
}

/*
 * A train for who does not know trains.  The IP header goes back in front for it, as it
 * is copied to each.
 */
static void
deliver_train_locked(struct inpcb *inp, struct packet *p, unsigned int *n)
{
	struct packetq segs = PACKETQ_INITIALIZER;
	struct packet *s;

	if (p->p_csum != PKT_CSUM_PARTIAL) {
		p->p_csum = PKT_CSUM_PARTIAL;
		p->p_csum_start = p->p_l4;
		p->p_csum_off = 6;
	}
	packet_push(p, (size_t)(p->p_l4 - p->p_l3));
	if (packet_segment(p, &segs) != 0)
		return;
	while ((s = packetq_get(&segs)) != NULL) {
		packet_pull(s, (size_t)(s->p_l4 - s->p_l3));
		if (deliver_locked(inp, s))
			(*n)++;
	}
}

static void
run_flush(struct udp_run *ur)
{
	struct inpcb *inp = ur->ur_inp;
	struct packet *p;
	unsigned int n = 0;

	if (inp == NULL)
		return;
	mutex_enter(&inp->inp_so->so_lock);
	while ((p = packetq_get(&ur->ur_q)) != NULL) {
		if (unlikely(p->p_gso == PKT_GSO_UDP && !((struct udpcb *)inp)->u_gro))
			deliver_train_locked(inp, p, &n);
		else if (deliver_locked(inp, p))
			n++;
	}
	if (n > 0)
		socket_wake(inp->inp_so, POLLIN);
	mutex_exit(&inp->inp_so->so_lock);
	inet_count_n(UDPSTAT_INDATAGRAMS, n);
	socket_rele(inp->inp_so);
	ur->ur_inp = NULL;
}

/* --- to many -------------------------------------------------------------- */

struct udp_fanout {
	const struct inet_af *uf_af;
	struct packet	*uf_packet;
	unsigned int	 uf_n;
};

static void
fanout_one(struct inpcb *inp, void *arg)
{
	struct udp_fanout *uf = arg;
	struct packet *copy;
	struct udp_run ur = { .ur_af = uf->uf_af, .ur_inp = inp };
	bool allowed = true;

	if ((INET_RX(uf->uf_packet)->ir_flags & INET_RX_MULTICAST) != 0) {
		mutex_enter(&inp->inp_so->so_lock);
		allowed = uf->uf_af->ia_mcast_allowed(inp->inp_so, INET_RX(uf->uf_packet));
		mutex_exit(&inp->inp_so->so_lock);
	}
	if (!allowed)
		return;
	copy = packet_clone(uf->uf_packet, KM_NOSLEEP);
	if (copy == NULL)
		return;
	uf->uf_n++;
	packetq_put(&ur.ur_q, copy);
	socket_hold(inp->inp_so);
	run_flush(&ur);
}

static void
input_many(struct udp_run *ur, struct packet *p)
{
	struct udp_fanout uf = { .uf_af = ur->ur_af, .uf_packet = p };

	inpcb_lookup_all(udp_table(ur->ur_ns), INET_RX(p), be16_get(p->p_data),
	    be16_get(p->p_data + 2), fanout_one, &uf);
	if (uf.uf_n == 0)
		inet_count(UDPSTAT_IGNOREDMULTI);
	packet_free(p);
}

/* --- to whom -------------------------------------------------------------- */

static struct udp_service *udp_services;

void
udp_service_register(struct udp_service *us)
{
	us->us_next = udp_services;
	atomic_store_rel(&udp_services, us);
}

static bool
input_service(const struct udp_run *ur, struct ifnet *ifp, const struct packet *p)
{
	const struct udp_service *us = atomic_load_acq(&udp_services);

	/* RFC 8200 section 8.1: over IPv6 there is a checksum. */
	if (ifp == NULL || (ur->ur_af->ia_family == AF_INET6 && input_unsummed(p)))
		return false;
	for (; us != NULL; us = us->us_next) {
		if (us->us_family == ur->ur_af->ia_family &&
		    us->us_port == be16_get(p->p_data + 2))
			return us->us_input(ifp, p);
	}
	return false;
}

/* Nobody: the sender is told (RFC 1122 section 4.1.3.1). */
static void
input_nobody(struct udp_run *ur, struct packet *p)
{
	struct ifnet *ifp = if_byindex(ur->ur_ns, INET_RX(p)->ir_ifindex);

	if (input_service(ur, ifp, p)) {
		inet_count(UDPSTAT_INDATAGRAMS);
		packet_free(p);
		return;
	}
	inet_count(UDPSTAT_NOPORTS);
	if (ifp != NULL) {
		packet_push(p, (size_t)(p->p_l4 - p->p_l3));
		ur->ur_af->ia_error(ifp, p, INET_ERR_PORT_UNREACH, 0);
	}
	packet_free(p);
}

static bool
same_flow(const struct udp_run *ur, const struct packet *p, uint32_t ports)
{
	const struct inet_rx *rx = INET_RX(p);

	return ur->ur_inp != NULL && ur->ur_ports == ports && inaddr_eq(&ur->ur_src, &rx->ir_src) &&
	    inaddr_eq(&ur->ur_dst, &rx->ir_dst);
}

static void
input_one(struct udp_run *ur, struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	uint32_t ports;

	if (!input_check(ur, p)) {
		inet_count(UDPSTAT_INERRORS);
		packet_free(p);
		return;
	}
	memcpy(&ports, p->p_data, sizeof(ports));
	if (same_flow(ur, p, ports)) {
		packetq_put(&ur->ur_q, p);
		return;
	}
	run_flush(ur);
	if ((rx->ir_flags & (INET_RX_BROADCAST | INET_RX_MULTICAST)) != 0) {
		input_many(ur, p);
		return;
	}
	ur->ur_inp = inpcb_lookup(udp_table(ur->ur_ns), rx, be16_get(p->p_data),
	    be16_get(p->p_data + 2), false);
	if (ur->ur_inp == NULL) {
		input_nobody(ur, p);
		return;
	}
	ur->ur_src = rx->ir_src;
	ur->ur_dst = rx->ir_dst;
	ur->ur_ports = ports;
	packetq_put(&ur->ur_q, p);
}

static void
udp_input(struct netns *ns, struct packetq *q)
{
	struct udp_run ur = { .ur_ns = ns };
	struct packet *p;

	ur.ur_af = inet_af(INET_RX(q->pq_head)->ir_family);
	while ((p = packetq_get(q)) != NULL)
		input_one(&ur, p);
	run_flush(&ur);
}

/* --- errors --------------------------------------------------------------- */

static void
udp_ctl(const struct inet_ctl *ctl)
{
	struct inet_rx rx = {
		.ir_family = ctl->ic_family, .ir_ifindex = ctl->ic_ifindex,
		.ir_src = ctl->ic_dst, .ir_dst = ctl->ic_src,
	};
	struct inpcb *inp;

	/* The other way round: what would come back from there. */
	inp = inpcb_lookup(udp_table(ctl->ic_ns), &rx, be16_get(ctl->ic_l4 + 2),
	    be16_get(ctl->ic_l4), false);
	if (inp == NULL)
		return;
	dgram_error(inp, ctl, (atomic_load(&inp->inp_so->so_state) & SS_CONNECTED) != 0);
	socket_rele(inp->inp_so);
}

/*
 * NEEDSWORK: trains are taken whole from links that carry them (lo, a bus, virtio-net);
 * single datagrams of a wire are not merged for UDP_GRO.  ip_merge would have to know
 * that the socket wants them, or else cost more than it saves.
 */
const struct inet_proto udp_proto = {
	.ip_proto	= IPPROTO_UDP,
	.ip_input	= udp_input,
	.ip_ctl		= udp_ctl,
};
