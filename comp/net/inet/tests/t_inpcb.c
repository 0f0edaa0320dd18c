/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_inpcb.c - the tables of ports and connections: against a model, while they
 * grow, with many connections, and without memory
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <net/netns.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "inet_dgram.h"
#include "inpcb_impl.h"

#define IPTEST(name, ...)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS, ##__VA_ARGS__)
#define NSOCKS		40
#define LO(n)		net32(0x7f000000u + (n))

static uint64_t state;

static uint32_t
rnd(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static struct socket *
sock(uint32_t options)
{
	struct cred *cr;
	struct socket *so;

	NEED(cred_create(0, 0, 0, NULL, &cr) == 0);
	NEED(socket_create(netns0, AF_INET, SOCK_DGRAM, IPPROTO_UDP, cr, true, &so) == 0);
	cred_rele(cr);
	atomic_or(&so->so_options, options);
	return so;
}

static void
sock_end(struct socket *so)
{
	so->so_ops->so_close(so);
	socket_rele(so);
}

static struct sockaddr_in
sin_of(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { addr },
	    .sin_port = net16(port) };
}

static int
bind_to(struct socket *so, uint32_t addr, uint16_t port)
{
	struct sockaddr_in sin = sin_of(addr, port);

	return so->so_ops->so_bind(so, (struct sockaddr *)&sin, sizeof(sin));
}

static int
connect_to(struct socket *so, uint32_t addr, uint16_t port)
{
	struct sockaddr_in sin = sin_of(addr, port);

	return so->so_ops->so_connect(so, (struct sockaddr *)&sin, sizeof(sin), false);
}

static struct socket *
lookup(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct inet_rx rx = { .ir_family = AF_INET, .ir_ifindex = 1, .ir_src = { .ia_w = { src } },
	    .ir_dst = { .ia_w = { dst } } };
	struct inpcb *inp = inpcb_lookup(netns_data(netns0, NETNS_SLOT_UDP), &rx, sport, dport,
	    false);

	if (inp == NULL)
		return NULL;
	socket_rele(inp->inp_so);
	return inp->inp_so;
}

/* --- the model: a list of what each socket said ------------------------------------- */

struct model {
	struct socket *m_so;
	uint32_t m_laddr, m_faddr;	/* network order */
	uint16_t m_lport, m_fport;	/* 0: not */
	bool	 m_reuse;
	unsigned int m_age;		/* when it was bound: the newer wins */
};

static struct model model[NSOCKS];
static unsigned int now;

static bool
model_clash(const struct model *m, uint32_t addr, uint16_t port)
{
	for (int i = 0; i < NSOCKS; i++) {
		const struct model *o = &model[i];

		if (o == m || o->m_so == NULL || o->m_lport != port)
			continue;
		if ((o->m_laddr == 0 || addr == 0 || o->m_laddr == addr) &&
		    !(o->m_reuse && m->m_reuse))
			return true;
	}
	return false;
}

/* Who should get it: the whole connection, or the best of the others. */
static struct socket *
model_lookup(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, bool *ret_sure)
{
	const struct model *best = NULL;
	int most = -1;

	*ret_sure = true;
	for (int i = 0; i < NSOCKS; i++) {
		const struct model *m = &model[i];
		int score = 0;

		if (m->m_so == NULL || m->m_lport != dport ||
		    (m->m_laddr != 0 && m->m_laddr != dst) ||
		    (m->m_fport != 0 && (m->m_faddr != src || m->m_fport != sport)))
			continue;
		score = (m->m_laddr != 0) + 2 * (m->m_fport != 0);
		/* Two connections with the same four numbers: either will do. */
		if (score == 3 && most == 3)
			*ret_sure = false;
		if (score > most || (score == most && m->m_age > best->m_age)) {
			most = score;
			best = m;
		}
	}
	return best != NULL ? best->m_so : NULL;
}

static void
model_step(struct model *m)
{
	uint32_t addr = rnd(3) == 0 ? 0 : LO(1 + rnd(3));
	uint16_t port = (uint16_t)(2000 + rnd(4));
	int want;

	if (m->m_so == NULL) {
		*m = (struct model){ .m_reuse = rnd(2) == 0 };
		m->m_so = sock(m->m_reuse ? SOO_REUSEADDR : 0);
	} else if (m->m_lport == 0) {
		want = model_clash(m, addr, port) ? EADDRINUSE : 0;
		CHECK_EQ("bind", want, bind_to(m->m_so, addr, port));
		if (want == 0) {
			m->m_laddr = addr;
			m->m_lport = port;
			m->m_age = ++now;
		}
	} else if (m->m_fport == 0 && rnd(2) == 0) {
		uint32_t faddr = LO(1 + rnd(3));

		CHECK_EQ("connect", 0, connect_to(m->m_so, faddr, (uint16_t)(3000 + rnd(3))));
		m->m_faddr = faddr;
		m->m_fport = ((struct inpcb *)m->m_so->so_pcb)->inp_fport;
		if (m->m_laddr == 0)
			m->m_laddr = ((struct inpcb *)m->m_so->so_pcb)->inp_laddr.ia_w[0];
	} else {
		sock_end(m->m_so);
		m->m_so = NULL;
	}
}

IPTEST(look_ups_agree_with_a_model, .ht_seeds = 10)
{
	struct socket *want, *got;
	bool sure;

	state = harness_seed();
	for (int step = 0; step < 4000; step++) {
		uint32_t src = LO(1 + rnd(3)), dst = LO(1 + rnd(3));
		uint16_t sport = (uint16_t)(3000 + rnd(3)), dport = (uint16_t)(2000 + rnd(4));

		model_step(&model[rnd(NSOCKS)]);
		want = model_lookup(src, sport, dst, dport, &sure);
		got = lookup(src, sport, dst, dport);
		if (!CHECK((got == NULL) == (want == NULL)) || (sure && !CHECK(want == got)))
			break;
	}
	for (int i = 0; i < NSOCKS; i++)
		if (model[i].m_so != NULL)
			sock_end(model[i].m_so);
}

IPTEST(every_connection_is_found_while_the_table_grows)
{
	static struct socket *so[3000];

	for (unsigned int i = 0; i < ARRAY_SIZE(so); i++) {
		so[i] = sock(SOO_REUSEADDR);
		NEED(bind_to(so[i], LO(1), 2000) == 0);
		NEED(connect_to(so[i], LO(2), (uint16_t)(10000 + i)) == 0);
		for (unsigned int k = i > 20 ? i - 20 : 0; k <= i; k++)
			CHECK(lookup(LO(2), (uint16_t)(10000 + k), LO(1), 2000) == so[k]);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(so); i++)
		CHECK(lookup(LO(2), (uint16_t)(10000 + i), LO(1), 2000) == so[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(so); i++)
		sock_end(so[i]);
	CHECK(lookup(LO(2), 10000, LO(1), 2000) == NULL);
}

IPTEST(sockets_that_share_a_port_share_the_flows)
{
	unsigned int n[4] = { 0 };
	struct socket *so[4];

	for (int i = 0; i < 4; i++) {
		so[i] = sock(SOO_REUSEPORT);
		NEED(bind_to(so[i], LO(1), 2000) == 0);
	}
	for (uint16_t port = 1; port < 4001; port++) {
		struct socket *got = lookup(LO(2), port, LO(1), 2000);

		for (int i = 0; i < 4; i++)
			n[i] += got == so[i];
		CHECK(lookup(LO(2), port, LO(1), 2000) == got);
	}
	for (int i = 0; i < 4; i++) {
		CHECK(n[i] > 800 && n[i] < 1200);
		sock_end(so[i]);
	}
}

IPTEST(ports_that_nobody_asked_for_are_in_their_range_and_differ)
{
	static struct socket *so[400];
	static bool used[65536];

	NEED(kvar_write("net.ipv4.ip_local_port_range", "40000 40399") == 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(so); i++) {
		uint16_t port;

		so[i] = sock(0);
		NEED(bind_to(so[i], 0, 0) == 0);
		port = ((struct inpcb *)so[i]->so_pcb)->inp_lport;
		CHECK(port >= 40000 && port < 40400 && !used[port]);
		used[port] = true;
	}
	{
		struct socket *more = sock(0);

		CHECK_EQ("no more", EADDRINUSE, bind_to(more, 0, 0));
		CHECK_EQ("nor to connect", EAGAIN, connect_to(more, LO(1), 9));
		sock_end(more);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(so); i++)
		sock_end(so[i]);
}

/* --- without memory --------------------------------------------------------------------- */

static int
one_life(void)
{
	struct cred *cr;
	struct socket *so;
	int error;

	error = cred_create(0, 0, 0, NULL, &cr);
	if (error)
		return error;
	error = socket_create(netns0, AF_INET, SOCK_DGRAM, IPPROTO_UDP, cr, true, &so);
	cred_rele(cr);
	if (error)
		return error;
	error = bind_to(so, LO(1), 2000);
	if (!error)
		error = connect_to(so, LO(2), 3000);
	if (!error)
		error = inpcb_setopt(so, SOL_IP, IP_OPTIONS, "\1\1\1", 4);
	if (!error)
		error = inpcb_setopt(so, SOL_IP, IP_ADD_MEMBERSHIP,
		    &(struct ip_mreqn){ .imr_multiaddr = { net32(0xe0010203) }, .imr_ifindex = 1 },
		    sizeof(struct ip_mreqn));
	sock_end(so);
	qsbr_barrier();
	return error == ENOBUFS ? ENOMEM : error;
}

IPTEST(each_failed_allocation_is_survived)
{
	/* The route's cache and the like come with the first. */
	NEED(one_life() == 0);
	fault_sweep(FAULT_MEMORY, one_life);
}
