/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inpcb_lookup.c - who gets this packet?
 *
 * No look-up takes a lock.  Each walks chains whose pcbs may move meanwhile: a
 * chain's end names the chain, and who arrives at another's end starts again.
 * Fields of a pcb are read as whole words; one that is just being reconnected
 * may match or not, as if the packet had come a moment earlier or later.
 *
 * Among bound sockets the one that says most about the packet wins: the local
 * address, the peer, the interface, in this order of weight as on Linux; of equals
 * the newest, unless they share the port with SO_REUSEPORT: then a hash of the
 * packet's addresses picks one, the same for the same flow.
 */

#include "inpcb_impl.h"

#include <lib/hash.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define LOOKUP_STACK	32		/* receivers of a multicast without an allocation */

/* Does the interface restrict it?  Link-local addresses are in their scope only. */
static bool
lookup_device_ok(const struct inpcb *inp, const struct inet_rx *rx)
{
	uint32_t dev = atomic_load(&inp->inp_so->so_bound_if);
	uint32_t scope = atomic_load(&inp->inp_scope);

	if (dev != 0 && dev != rx->ir_ifindex)
		return false;
	return rx->ir_family != AF_INET6 || scope == 0 || scope == rx->ir_ifindex;
}

static struct inpcb *
lookup_conn(struct inpcbtable *t, const struct inet_rx *rx, uint16_t sport, uint16_t dport)
{
	uint32_t hash = inpcb_hashof(t, &rx->ir_dst, &rx->ir_src, dport, sport);
	const struct conntab *ct;
	struct inpcb *inp;

again:
	ct = atomic_load_acq(&t->it_conns);
	for (inp = atomic_load_acq(&ct->ct_chain[hash & ct->ct_mask]); !CHAIN_ISEND(inp);
	     inp = atomic_load_acq(&inp->inp_connnext[ct->ct_which])) {
		struct inaddr laddr, faddr;

		if (atomic_load(&inp->inp_lport) != dport || atomic_load(&inp->inp_fport) != sport)
			continue;
		laddr = inaddr_read(&inp->inp_laddr);
		faddr = inaddr_read(&inp->inp_faddr);
		if (inaddr_eq(&laddr, &rx->ir_dst) && inaddr_eq(&faddr, &rx->ir_src) &&
		    atomic_load(&inp->inp_family) == rx->ir_family && lookup_device_ok(inp, rx) &&
		    socket_tryhold(inp->inp_so))
			return inp;
	}
	if (inp != CHAIN_END(hash & ct->ct_mask))
		goto again;
	return NULL;
}

/* How well a bound socket fits; 0: not at all. */
static unsigned int
lookup_score(const struct inpcbtable *t, const struct inpcb *inp, const struct inet_rx *rx,
    uint16_t sport)
{
	int family = atomic_load(&inp->inp_family);
	struct inaddr laddr = inaddr_read(&inp->inp_laddr);
	struct inaddr faddr = inaddr_read(&inp->inp_faddr);
	uint16_t fport = atomic_load(&inp->inp_fport);
	unsigned int score = family == rx->ir_family ? 2 : 1;

	if (t->it_proto == IPPROTO_TCP &&
	    (atomic_load(&inp->inp_so->so_state) & SS_LISTENING) == 0)
		return 0;
	/* The wildcard of an IPv6 socket takes IPv4 too unless it was told not to. */
	if (family != rx->ir_family &&
	    (family != AF_INET6 || atomic_load(&inp->inp_v6only) || !inaddr_zero(&laddr)))
		return 0;
	if (!inaddr_zero(&laddr)) {
		if (!inaddr_eq(&laddr, &rx->ir_dst))
			return 0;
		score += 16;
	}
	if (!inaddr_zero(&faddr)) {
		if (family != rx->ir_family || !inaddr_eq(&faddr, &rx->ir_src))
			return 0;
		score += 8;
	}
	if (fport != 0) {
		if (fport != sport)
			return 0;
		score += 8;
	}
	if (!lookup_device_ok(inp, rx))
		return 0;
	if (atomic_load(&inp->inp_so->so_bound_if) != 0)
		score += 4;
	return score;
}

static bool
lookup_shares(const struct inpcb *inp)
{
	return (atomic_load(&inp->inp_so->so_options) & SOO_REUSEPORT) != 0;
}

/* Of n equals that share the port: which, by the flow. */
static unsigned int
lookup_pick(const struct inpcbtable *t, const struct inet_rx *rx, uint16_t sport, uint16_t dport,
    unsigned int n)
{
	uint64_t h = inpcb_hashof(t, &rx->ir_dst, &rx->ir_src, dport, sport);

	return (unsigned int)(((h * 0x9e3779b1u) & 0xffffffffu) * n >> 32);
}

static struct inpcb *
lookup_bound(struct inpcbtable *t, const struct inet_rx *rx, uint16_t sport, uint16_t dport)
{
	struct inport *ip = inport_find(t, dport);
	struct inpcb *inp, *best;
	unsigned int most, equals, pick;

	if (ip == NULL)
		return NULL;
again:
	best = NULL;
	most = equals = 0;
	for (inp = atomic_load_acq(&ip->ip_bound); !CHAIN_ISEND(inp);
	     inp = atomic_load_acq(&inp->inp_bindnext)) {
		unsigned int score = lookup_score(t, inp, rx, sport);

		if (score > most) {
			most = score;
			best = inp;
			equals = 1;
		} else if (score == most && score != 0 && lookup_shares(best) && lookup_shares(inp)) {
			equals++;
		}
	}
	if (inp != CHAIN_END(dport))
		goto again;
	if (equals > 1) {
		pick = lookup_pick(t, rx, sport, dport, equals);
		for (inp = atomic_load_acq(&ip->ip_bound); !CHAIN_ISEND(inp);
		     inp = atomic_load_acq(&inp->inp_bindnext))
			if (lookup_shares(inp) && lookup_score(t, inp, rx, sport) == most) {
				best = inp;
				if (pick-- == 0)
					break;
			}
	}
	return best != NULL && socket_tryhold(best->inp_so) ? best : NULL;
}

struct inpcb *
inpcb_lookup(struct inpcbtable *t, const struct inet_rx *rx, uint16_t sport, uint16_t dport,
    bool connected_only)
{
	struct inpcb *inp = NULL;

	if (atomic_load(&t->it_nconns) != 0)
		inp = lookup_conn(t, rx, sport, dport);
	if (inp != NULL || connected_only)
		return inp;
	return lookup_bound(t, rx, sport, dport);
}

/* --- all of them ---------------------------------------------------------- */

/* References of those who want it, at most max; how many there are. */
static unsigned int
lookup_collect(struct inpcbtable *t, const struct inet_rx *rx, uint16_t sport, uint16_t dport,
    struct inpcb **list, unsigned int max, unsigned int *ret_held)
{
	struct inport *ip = inport_find(t, dport);
	unsigned int n = 0, held = 0;
	struct inpcb *inp;

	if (ip != NULL)
		for (inp = atomic_load_acq(&ip->ip_bound); !CHAIN_ISEND(inp);
		     inp = atomic_load_acq(&inp->inp_bindnext)) {
			if (lookup_score(t, inp, rx, sport) == 0)
				continue;
			if (n++ < max && socket_tryhold(inp->inp_so))
				list[held++] = inp;
		}
	*ret_held = held;
	return n;
}

void
inpcb_lookup_all(struct inpcbtable *t, const struct inet_rx *rx, uint16_t sport, uint16_t dport,
    void (*fn)(struct inpcb *, void *), void *arg)
{
	struct inpcb *some[LOOKUP_STACK], **list = some, **more;
	unsigned int n, held, max = LOOKUP_STACK;

	n = lookup_collect(t, rx, sport, dport, some, max, &held);
	if (n > max) {
		/* Many: once more with room for all, if there is memory for it. */
		more = kmem_alloc(n * sizeof(*more), KM_NOSLEEP);
		if (more != NULL) {
			while (held > 0)
				socket_rele(some[--held]->inp_so);
			list = more;
			max = n;
			lookup_collect(t, rx, sport, dport, list, max, &held);
		}
	}
	for (unsigned int i = 0; i < held; i++) {
		fn(list[i], arg);
		socket_rele(list[i]->inp_so);
	}
	if (list != some)
		kmem_free(list, max * sizeof(*list));
}

/*
 * fn may take locks that come before ours, so everybody is referenced first.
 */
int
inpcb_iterate(struct inpcbtable *t, int (*fn)(struct inpcb *, void *), void *arg)
{
	struct inpcb **list = NULL;
	size_t n = 0, max = 0;
	int error = 0;

	for (;;) {
		n = 0;
		mutex_enter(&t->it_lock);
		for (unsigned int port = 0; port < 65536; port++) {
			struct inport *ip;

			if (t->it_ports[port / INPORT_PAGE] == NULL) {
				port |= INPORT_PAGE - 1;
				continue;
			}
			ip = inport_find(t, (uint16_t)port);
			if (ip == NULL)
				continue;
			for (int conns = 0; conns < 2; conns++)
				for (struct inpcb *inp = conns ? ip->ip_conns : ip->ip_bound;
				     !CHAIN_ISEND(inp); inp = inp->inp_bindnext) {
					if (n < max && socket_tryhold(inp->inp_so))
						list[n] = inp;
					else if (n < max)
						continue;
					n++;
				}
		}
		mutex_exit(&t->it_lock);
		if (n <= max)
			break;
		for (size_t i = 0; i < max; i++)
			socket_rele(list[i]->inp_so);
		kmem_free(list, max * sizeof(*list));
		max = n + n / 8;
		list = kmem_alloc(max * sizeof(*list), KM_SLEEP);
		if (list == NULL)
			return ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		if (!error)
			error = fn(list[i], arg);
		socket_rele(list[i]->inp_so);
	}
	kmem_free(list, max * sizeof(*list));
	return error;
}
