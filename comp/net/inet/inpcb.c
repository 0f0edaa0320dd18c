/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inpcb.c - who has which port and which connection
 *
 * There is one table a protocol and name space.  It answers two questions
 * without a lock, and keeps the books under it_lock for the others.
 *
 *	connections	a hash of both addresses and ports, it_conns.  It doubles when
 *			there are more pcbs than chains; a pcb has two links, so that
 *			the old array stays whole for who is still reading it.
 *	ports		a map of two levels by local port.  A port that is in use has a
 *			struct inport with two lists: ip_bound, sockets that are found by
 *			their port (listeners, datagram sockets), and ip_conns, which
 *			exists for the sake of bind(2) only.
 *
 * The price is one word of the map, one chain word and the links in the pcb: about 40
 * bytes a connection, 100 if it has its port to itself.
 *
 * Life cycle: inpcb_init(); bind, connect or insert enter it; inpcb_remove() takes
 * it out; whoever frees it afterwards does so through qsbr, as readers may still
 * be looking at it.  A look-up takes a reference of the socket, and gets none if
 * that is dying.
 *
 * Locking: so_lock -> it_lock.
 */

#include "inpcb_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/random.h>

/* --- the table ------------------------------------------------------------ */

static struct conntab *
conntab_create(struct inpcbtable *t, uint32_t size, unsigned int which, int flags)
{
	struct conntab *ct;

	ct = kmem_alloc(sizeof(*ct) + size * sizeof(ct->ct_chain[0]), flags);
	if (ct == NULL)
		return NULL;
	ct->ct_mask = size - 1;
	ct->ct_which = which;
	ct->ct_table = t;
	for (uint32_t i = 0; i < size; i++)
		ct->ct_chain[i] = CHAIN_END(i);
	return ct;
}

static void
conntab_destroy(struct conntab *ct)
{
	kmem_free(ct, sizeof(*ct) + (ct->ct_mask + 1) * sizeof(ct->ct_chain[0]));
}

int
inpcbtable_create(struct netns *ns, uint8_t proto, struct inpcbtable **ret_t)
{
	struct inpcbtable *t;

	t = kmem_zalloc(sizeof(*t), KM_SLEEP);
	if (t == NULL)
		return ENOMEM;
	t->it_conns = conntab_create(t, CONNTAB_MIN, 0, KM_SLEEP);
	if (t->it_conns == NULL) {
		kmem_free(t, sizeof(*t));
		return ENOMEM;
	}
	t->it_ns = ns;
	t->it_proto = proto;
	t->it_secret = random_u64();
	mutex_init(&t->it_lock, "inpcbtable");
	*ret_t = t;
	return 0;
}

void
inpcbtable_setwaits(struct inpcbtable *t, const struct inpcb_waits *iw)
{
	t->it_waits = iw;
}

void
inpcbtable_destroy(struct inpcbtable *t)
{
	KASSERT(t->it_nconns == 0);
	qsbr_barrier();		/* old arrays and ports have gone now */
	for (size_t i = 0; i < ARRAY_SIZE(t->it_ports); i++)
		KASSERT(t->it_ports[i] == NULL);
	conntab_destroy(t->it_conns);
	mutex_destroy(&t->it_lock);
	kmem_free(t, sizeof(*t));
}

uint32_t
inpcb_hashof(const struct inpcbtable *t, const struct inaddr *laddr, const struct inaddr *faddr,
    uint16_t lport, uint16_t fport)
{
	uint64_t h = t->it_secret ^ ((uint64_t)lport << 16 | fport);

	h = hash_u64(h + laddr->ia_d[0]) ^ laddr->ia_d[1];
	h = hash_u64(h + faddr->ia_d[0]) ^ faddr->ia_d[1];
	h = hash_u64(h ^ t->it_secret >> 32);
	return (uint32_t)(h >> 20);
}

/* --- connections ---------------------------------------------------------- */

static void
conntab_put(struct conntab *ct, struct inpcb *inp)
{
	struct inpcb **chain = &ct->ct_chain[inp->inp_hash & ct->ct_mask];

	atomic_store_rel(&inp->inp_connnext[ct->ct_which], *chain);
	atomic_store_rel(chain, inp);
}

static void
conntab_retire(struct qsbr_head *qh)
{
	struct conntab *ct = container_of(qh, struct conntab, ct_qsbr);
	struct inpcbtable *t = ct->ct_table;

	conntab_destroy(ct);
	atomic_store_rel(&t->it_growing, 0);
}

/*
 * Doubles the hash.  The other link of each pcb is free: nobody has read it since
 * the array before the last was retired.  Without memory it stays as it is.
 */
static void
conntab_grow(struct inpcbtable *t)
{
	struct conntab *old = t->it_conns, *ct;

	if (old->ct_mask + 1 >= CONNTAB_MAX || atomic_load_acq(&t->it_growing))
		return;
	ct = conntab_create(t, (old->ct_mask + 1) * 2, !old->ct_which, KM_NOSLEEP);
	if (ct == NULL)
		return;
	for (uint32_t i = 0; i <= old->ct_mask; i++)
		for (struct inpcb *inp = old->ct_chain[i]; !CHAIN_ISEND(inp);
		     inp = inp->inp_connnext[old->ct_which])
			conntab_put(ct, inp);
	atomic_store(&t->it_growing, 1);
	atomic_store_rel(&t->it_conns, ct);
	qsbr_call(&old->ct_qsbr, conntab_retire);
}

void
inpcb_link_conn(struct inpcbtable *t, struct inpcb *inp)
{
	KASSERT((inp->inp_tabflags & INPT_CONN) == 0);
	inp->inp_hash = inpcb_hashof(t, &inp->inp_laddr, &inp->inp_faddr, inp->inp_lport,
	    inp->inp_fport);
	if (t->it_nconns > t->it_conns->ct_mask)
		conntab_grow(t);
	conntab_put(t->it_conns, inp);
	inp->inp_tabflags |= INPT_CONN;
	atomic_store(&t->it_nconns, t->it_nconns + 1);
}

void
inpcb_unlink_conn(struct inpcbtable *t, struct inpcb *inp)
{
	struct conntab *ct = t->it_conns;
	struct inpcb **pp;

	if ((inp->inp_tabflags & INPT_CONN) == 0)
		return;
	for (pp = &ct->ct_chain[inp->inp_hash & ct->ct_mask]; *pp != inp;
	     pp = &(*pp)->inp_connnext[ct->ct_which])
		KASSERT(!CHAIN_ISEND(*pp));
	/* Its own link stays: readers who stand on it go on from there. */
	atomic_store_rel(pp, inp->inp_connnext[ct->ct_which]);
	inp->inp_tabflags &= (uint8_t)~INPT_CONN;
	atomic_store(&t->it_nconns, t->it_nconns - 1);
}

bool
inpcb_conn_exists(struct inpcbtable *t, const struct inpcb *self, int family,
    const struct inaddr *laddr, const struct inaddr *faddr, uint16_t lport, uint16_t fport)
{
	const struct conntab *ct = t->it_conns;
	uint32_t hash = inpcb_hashof(t, laddr, faddr, lport, fport);
	const struct inpcb *inp;

	for (inp = ct->ct_chain[hash & ct->ct_mask]; !CHAIN_ISEND(inp);
	     inp = inp->inp_connnext[ct->ct_which])
		if (inp->inp_hash == hash && inp != self && inp->inp_lport == lport &&
		    inp->inp_fport == fport && inp->inp_family == family &&
		    inaddr_eq(&inp->inp_laddr, laddr) && inaddr_eq(&inp->inp_faddr, faddr) &&
		    (self == NULL || inp->inp_scope == self->inp_scope))
			return true;
	return false;
}

/* --- ports ---------------------------------------------------------------- */

struct inport *
inport_find(const struct inpcbtable *t, uint16_t port)
{
	const struct inpage *pg = atomic_load_acq(&t->it_ports[port / INPORT_PAGE]);

	return pg == NULL ? NULL : atomic_load_acq(&pg->pg_port[port % INPORT_PAGE]);
}

static struct inport *
inport_create(uint16_t port)
{
	struct inport *ip = kmem_zalloc(sizeof(*ip), KM_NOSLEEP);

	if (ip == NULL)
		return NULL;
	ip->ip_num = port;
	ip->ip_bound = CHAIN_END(port);
	ip->ip_conns = CHAIN_END(port | 0x10000u);
	return ip;
}

int
inport_get(struct inpcbtable *t, uint16_t port, struct inport **ret_ip)
{
	struct inpage *pg = t->it_ports[port / INPORT_PAGE];
	struct inport *ip = pg == NULL ? NULL : pg->pg_port[port % INPORT_PAGE];

	if (ip != NULL) {
		*ret_ip = ip;
		return 0;
	}
	ip = inport_create(port);
	if (ip == NULL)
		return ENOMEM;
	if (pg == NULL) {
		pg = kmem_zalloc(sizeof(*pg), KM_NOSLEEP);
		if (pg == NULL) {
			kmem_free(ip, sizeof(*ip));
			return ENOMEM;
		}
		atomic_store_rel(&t->it_ports[port / INPORT_PAGE], pg);
	}
	pg->pg_n++;
	atomic_store_rel(&pg->pg_port[port % INPORT_PAGE], ip);
	*ret_ip = ip;
	return 0;
}

static void
inport_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct inport, ip_qsbr), sizeof(struct inport));
}

static void
inpage_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct inpage, pg_qsbr), sizeof(struct inpage));
}

/* Nobody uses the port any more. */
void
inport_prune(struct inpcbtable *t, struct inport *ip)
{
	struct inpage *pg = t->it_ports[ip->ip_num / INPORT_PAGE];

	if (ip->ip_nbound != 0 || ip->ip_nconns != 0)
		return;
	atomic_store_rel(&pg->pg_port[ip->ip_num % INPORT_PAGE], NULL);
	qsbr_call(&ip->ip_qsbr, inport_free);
	if (--pg->pg_n > 0)
		return;
	atomic_store_rel(&t->it_ports[ip->ip_num / INPORT_PAGE], NULL);
	qsbr_call(&pg->pg_qsbr, inpage_free);
}

static void
port_link(struct inpcb **head, struct inpcb *inp)
{
	struct inpcb *first = *head;

	atomic_store_rel(&inp->inp_bindnext, first);
	inp->inp_bindprev = head;
	if (!CHAIN_ISEND(first))
		first->inp_bindprev = &inp->inp_bindnext;
	atomic_store_rel(head, inp);
}

void
inpcb_link_bound(struct inpcbtable *t, struct inpcb *inp, struct inport *ip)
{
	(void)t;
	KASSERT((inp->inp_tabflags & (INPT_BOUND | INPT_CHILD)) == 0);
	inp->inp_port = ip;
	ip->ip_nbound++;
	inp->inp_tabflags |= INPT_BOUND;
	port_link(&ip->ip_bound, inp);
}

void
inpcb_link_child(struct inpcbtable *t, struct inpcb *inp, struct inport *ip)
{
	(void)t;
	KASSERT((inp->inp_tabflags & (INPT_BOUND | INPT_CHILD)) == 0);
	inp->inp_port = ip;
	ip->ip_nconns++;
	inp->inp_tabflags |= INPT_CHILD;
	if ((atomic_load(&inp->inp_so->so_options) & SOO_REUSEADDR) == 0) {
		inp->inp_tabflags |= INPT_STRICT;
		ip->ip_nstrict++;
	}
	port_link(&ip->ip_conns, inp);
}

void
inpcb_unlink_port(struct inpcbtable *t, struct inpcb *inp)
{
	struct inport *ip = inp->inp_port;
	struct inpcb *next = inp->inp_bindnext;

	if ((inp->inp_tabflags & (INPT_BOUND | INPT_CHILD)) == 0)
		return;
	atomic_store_rel(inp->inp_bindprev, next);
	if (!CHAIN_ISEND(next))
		next->inp_bindprev = inp->inp_bindprev;
	if ((inp->inp_tabflags & INPT_BOUND) != 0)
		ip->ip_nbound--;
	else
		ip->ip_nconns--;
	if ((inp->inp_tabflags & INPT_STRICT) != 0)
		ip->ip_nstrict--;
	inp->inp_tabflags &= (uint8_t) ~(INPT_BOUND | INPT_CHILD | INPT_STRICT);
	inp->inp_port = NULL;
	inport_prune(t, ip);
}

/* --- pcbs ----------------------------------------------------------------- */

void
inpcb_init(struct inpcb *inp, struct socket *so, struct inpcbtable *t)
{
	inp->inp_so = so;
	inp->inp_table = t;
	inp->inp_family = (uint8_t)so->so_family;
	inp->inp_ttl = -1;
	inp->inp_hops6 = -1;
	inp->inp_mcttl = 1;
	inp->inp_mchops6 = 1;
	inp->inp_mcloop = inp->inp_mcloop6 = true;
	inp->inp_mcall = inp->inp_so->so_family == AF_INET;
	inp->inp_pmtudisc = IP_PMTUDISC_WANT;
	inp->inp_pmtudisc6 = IPV6_PMTUDISC_WANT;
	list_node_init(&inp->inp_alllink);
}

void
inpcb_leave_groups(struct socket *so)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct inet_af *af = inet_af(families[i]);

		if (af != NULL && af->ia_pcbfree != NULL)
			af->ia_pcbfree(so);
	}
}

void
inpcb_fini(struct inpcb *inp)
{
	inpcb_remove(inp);
	inpcb_leave_groups(inp->inp_so);
	kmem_free(inp->inp_options, inp->inp_optlen);
	inp->inp_options = NULL;
	inp->inp_optlen = 0;
	inpcb_setdst(inp, NULL);
}

int
inpcb_insert(struct inpcb *inp)
{
	struct inpcbtable *t = inp->inp_table;
	struct inport *ip;
	int error;

	mutex_enter(&t->it_lock);
	error = EADDRINUSE;
	if (inpcb_conn_exists(t, inp, inp->inp_family, &inp->inp_laddr, &inp->inp_faddr,
		inp->inp_lport, inp->inp_fport))
		goto out;
	error = inport_get(t, inp->inp_lport, &ip);
	if (error)
		goto out;
	inpcb_link_child(t, inp, ip);
	inpcb_link_conn(t, inp);
out:
	mutex_exit(&t->it_lock);
	return error;
}

void
inpcb_remove(struct inpcb *inp)
{
	struct inpcbtable *t = inp->inp_table;

	if (t == NULL || (inp->inp_tabflags & (INPT_CONN | INPT_BOUND | INPT_CHILD)) == 0)
		return;
	mutex_enter(&t->it_lock);
	inpcb_unlink_conn(t, inp);
	inpcb_unlink_port(t, inp);
	mutex_exit(&t->it_lock);
}
