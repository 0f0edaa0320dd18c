/* SPDX-License-Identifier: BSD-2-Clause */

#include "ip6_host.h"

/* --- the interface ------------------------------------------------------------- */

static void
host_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct host *h = ifp->if_softc;

	mutex_enter(&h->h_lock);
	packetq_join(&h->h_sent, q);
	mutex_exit(&h->h_lock);
}

static const struct if_ops host_ops = { .ifo_xmit = host_xmit, .ifo_kind = "test" };

void
host_create_down(struct host *h, uint8_t id)
{
	memset(h, 0, sizeof(*h));
	mutex_init(&h->h_lock, "test host");
	h->h_mac[0] = 2;
	h->h_mac[5] = id;
	NEED(netns_create(&h->h_ns) == 0);
	mutex_enter(&h->h_ns->ns_lock);
	CHECK_EQ("lo", 0, if_setflags(h->h_ns->ns_lo, IFF_UP, IFF_UP));
	mutex_exit(&h->h_ns->ns_lock);
	NEED(if_alloc("t%d", &host_ops, h, &h->h_ifp) == 0);
	if_ethernet(h->h_ifp, h->h_mac);
	h->h_ifp->if_hwcaps = h->h_ifp->if_caps = IFCAP_FRAGS;
	NEED(if_attach(h->h_ns, h->h_ifp) == 0);
	if_setcarrier(h->h_ifp, true);
}

void
host_up(struct host *h)
{
	mutex_enter(&h->h_ns->ns_lock);
	CHECK_EQ("up", 0, if_setflags(h->h_ifp, IFF_UP, IFF_UP));
	mutex_exit(&h->h_ns->ns_lock);
}

void
host_create(struct host *h, uint8_t id)
{
	host_create_down(h, id);
	host_up(h);
}

void
host_destroy(struct host *h)
{
	if_detach(h->h_ifp);
	if_rele(h->h_ifp);
	host_forget(h);
	netns_rele(h->h_ns);
	netns_drain();
	mutex_destroy(&h->h_lock);
}

void
host_set(struct host *h, const struct netvar *nv, int value)
{
	CHECK_EQ(nv->nv_var.kv_name, 0, netvar_set(h->h_ns, nv, value));
	ip6_kick(h->h_ns);
}

void
host_wait(int64_t ms)
{
	int64_t deadline = clock_mono() + ms * MSEC;
	kcondvar_t cv;
	kmutex_t m;

	mutex_init(&m, "test wait");
	cv_init(&cv, "test wait");
	mutex_enter(&m);
	while (clock_mono() < deadline)
		(void)cv_timedwait(&cv, &m, deadline);
	mutex_exit(&m);
	cv_destroy(&cv);
	mutex_destroy(&m);
}

void
host_settle(struct host *h)
{
	host_wait(5000);
	host_forget(h);
}

/* --- addresses -------------------------------------------------------------------- */

struct inaddr
host_addr(const char *text)
{
	struct inaddr a = { .ia_w = { 0 } };

	CHECK_EQ(text, 0, ip6_addr_parse(text, &a));
	return a;
}

struct inaddr
host_eui64(const struct host *h, const char *prefix)
{
	struct inaddr a = host_addr(prefix);

	ip6_iid_eui64(h->h_ifp, &a.ia_b[8]);
	return a;
}

struct ifaddr *
host_find(const struct host *h, const struct inaddr *a)
{
	return ifaddr_find(h->h_ns, AF_INET6, a, h->h_ifp);
}

uint32_t
host_flags(const struct host *h, const struct inaddr *a)
{
	struct ifaddr *ifa = host_find(h, a);

	return ifa == NULL ? ~0u : atomic_load(&ifa->ifa_flags);
}

int
host_add(struct host *h, const char *text, uint8_t plen)
{
	struct ifaddr model = { .ifa_family = AF_INET6, .ifa_addr = host_addr(text),
		.ifa_plen = plen };
	int error;

	mutex_enter(&h->h_ns->ns_lock);
	error = ifaddr_add(h->h_ifp, &model, NULL);
	mutex_exit(&h->h_ns->ns_lock);
	return error;
}

unsigned int
host_count(const struct host *h, uint32_t set, uint32_t clear)
{
	struct list_node *n;
	unsigned int count = 0;

	mutex_enter(&h->h_ns->ns_lock);
	LIST_FOREACH(n, &h->h_ifp->if_addrs) {
		struct ifaddr *ifa = container_of(n, struct ifaddr, ifa_iflink);

		if (ifa->ifa_family == AF_INET6 && (ifa->ifa_flags & (set | clear)) == set)
			count++;
	}
	mutex_exit(&h->h_ns->ns_lock);
	return count;
}

/* --- what it sends ------------------------------------------------------------------- */

static struct packet *
sent_take(struct host *h)
{
	struct packet *p;

	mutex_enter(&h->h_lock);
	p = packetq_get(&h->h_sent);
	mutex_exit(&h->h_lock);
	return p;
}

void
host_forget(struct host *h)
{
	struct packet *p;

	while ((p = sent_take(h)) != NULL)
		packet_free(p);
}

bool
host_next(struct host *h, struct heard *e)
{
	uint8_t eth[ETH_HLEN];
	struct packet *p;

	for (; (p = sent_take(h)) != NULL; packet_free(p)) {
		if (p->p_len < ETH_HLEN + IP6_HDRLEN || p->p_len > ETH_HLEN + sizeof(e->e_buf))
			continue;
		packet_copyout(p, 0, eth, sizeof(eth));
		if (be16_get(eth + 12) == IP6_ETHERTYPE)
			break;
	}
	if (p == NULL)
		return false;
	memcpy(e->e_dst, eth, 6);
	e->e_len = p->p_len - ETH_HLEN;
	packet_copyout(p, ETH_HLEN, e->e_buf, e->e_len);
	packet_free(p);
	e->e_off = e->e_len;
	e->e_proto = IP6_NH_NONE;
	CHECK_EQ("header", 0, ip6_fixed_parse(e->e_buf, e->e_len, &e->e_f));
	CHECK_EQ("length", e->e_len - IP6_HDRLEN, e->e_f.f_plen);
	(void)ip6_chain_skip(e->e_buf, e->e_len, &e->e_off, &e->e_proto);
	e->e_msg = e->e_buf + e->e_off;
	e->e_msglen = e->e_len - e->e_off;
	return true;
}

static uint16_t
message_sum(const struct inaddr *src, const struct inaddr *dst, const uint8_t *msg, size_t len)
{
	uint32_t sum = ip6_af.ia_pseudo(src, dst, IPPROTO_ICMPV6, (uint32_t)len);

	return packet_sum_fold(packet_sum_bytes(msg, len, sum));
}

bool
host_hear(struct host *h, uint8_t type, struct heard *e)
{
	while (host_next(h, e)) {
		if (e->e_proto != IPPROTO_ICMPV6 || e->e_msglen < 8 || e->e_msg[0] != type)
			continue;
		CHECK_EQ("checksum", 0, message_sum(&e->e_f.f_src, &e->e_f.f_dst, e->e_msg,
		    e->e_msglen));
		return true;
	}
	return false;
}

bool
host_await(struct host *h, uint8_t type, struct heard *e, int64_t ms)
{
	int64_t deadline = clock_mono() + ms * MSEC;

	for (;;) {
		if (host_hear(h, type, e))
			return true;
		if (clock_mono() >= deadline)
			return false;
		host_wait(10);
	}
}

/* --- what it gets ------------------------------------------------------------------------ */

void
host_frame(struct host *h, const void *frame, size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_from(frame, len, 0);

	NEED(p != NULL);
	packetq_put(&q, p);
	if_input(h->h_ifp, &q);
}

void
host_packet(struct host *h, const struct ip6_fixed *f, const void *payload, size_t len)
{
	static uint8_t frame[ETH_HLEN + IP6_HDRLEN + 65536];
	struct ip6_fixed fixed = *f;

	if (ip6_multicast(&f->f_dst))
		ip6_group_lladdr(&f->f_dst, frame);
	else
		memcpy(frame, h->h_mac, 6);
	memset(frame + 6, 0, 6);
	frame[6] = 2;
	frame[11] = 0xee;
	be16_put(frame + 12, IP6_ETHERTYPE);
	if (fixed.f_plen == 0)
		fixed.f_plen = (uint16_t)len;
	ip6_fixed_build(frame + ETH_HLEN, &fixed);
	memcpy(frame + ETH_HLEN + IP6_HDRLEN, payload, len);
	host_frame(h, frame, ETH_HLEN + IP6_HDRLEN + len);
}

void
host_icmp(struct host *h, const char *src, const char *dst, uint8_t hops, uint8_t *msg,
    size_t len)
{
	struct ip6_fixed f = {
		.f_next = IPPROTO_ICMPV6, .f_hops = hops, .f_src = host_addr(src),
		.f_dst = host_addr(dst),
	};
	uint16_t sum;

	memset(msg + 2, 0, 2);
	sum = message_sum(&f.f_src, &f.f_dst, msg, len);
	memcpy(msg + 2, &sum, 2);
	host_packet(h, &f, msg, len);
}

void
host_mld(struct host *h, const char *src, const char *dst, uint8_t *msg, size_t len)
{
	struct ip6_fixed f = {
		.f_next = IP6_NH_HOPOPTS, .f_hops = 1, .f_src = host_addr(src),
		.f_dst = host_addr(dst),
	};
	uint8_t buf[1400] = { IPPROTO_ICMPV6, 0, IP6_OPT_ALERT, 2, 0, 0, 1, 0 };
	uint16_t sum;

	memset(msg + 2, 0, 2);
	sum = message_sum(&f.f_src, &f.f_dst, msg, len);
	memcpy(msg + 2, &sum, 2);
	NEED(len <= sizeof(buf) - 8);
	memcpy(buf + 8, msg, len);
	host_packet(h, &f, buf, 8 + len);
}

/* --- routers ------------------------------------------------------------------------------- */

void
ra_init(struct ra *ra, uint16_t lifetime)
{
	memset(ra, 0, sizeof(*ra));
	ra->r_msg[0] = ND_RA;
	ra->r_msg[4] = 64;
	be16_put(ra->r_msg + 6, lifetime);
	ra->r_len = 16;
}

static uint8_t *
ra_option(struct ra *ra, uint8_t type, uint8_t units)
{
	uint8_t *o = ra->r_msg + ra->r_len;

	NEED(sizeof(ra->r_msg) - ra->r_len >= units * 8u);
	ra->r_len += units * 8u;
	o[0] = type;
	o[1] = units;
	return o;
}

void
ra_prefix(struct ra *ra, const char *prefix, uint8_t flags, uint32_t valid, uint32_t preferred)
{
	struct inaddr a = host_addr(prefix);
	uint8_t *o = ra_option(ra, ND_OPT_PREFIX, 4);

	o[2] = 64;
	o[3] = flags;
	be32_put(o + 4, valid);
	be32_put(o + 8, preferred);
	memcpy(o + 16, &a, 16);
}

void
ra_route(struct ra *ra, const char *prefix, uint8_t plen, uint8_t flags, uint32_t lifetime)
{
	struct inaddr a = host_addr(prefix);
	uint8_t *o = ra_option(ra, ND_OPT_ROUTE, 3);

	o[2] = plen;
	o[3] = flags;
	be32_put(o + 4, lifetime);
	memcpy(o + 8, &a, 16);
}

void
ra_mtu(struct ra *ra, uint32_t mtu)
{
	be32_put(ra_option(ra, ND_OPT_MTU, 1) + 4, mtu);
}

void
ra_slla(struct ra *ra, uint8_t last)
{
	uint8_t *o = ra_option(ra, ND_OPT_SLLA, 1);

	o[2] = 2;
	o[7] = last;
}

void
ra_dns(struct ra *ra, const char *addr, uint32_t lifetime)
{
	struct inaddr a = host_addr(addr);
	uint8_t *o = ra_option(ra, ND_OPT_RDNSS, 3);

	be32_put(o + 4, lifetime);
	memcpy(o + 8, &a, 16);
}

void
ra_search(struct ra *ra, const char *names, uint32_t lifetime)
{
	uint8_t *o = ra_option(ra, ND_OPT_DNSSL, 3);

	be32_put(o + 4, lifetime);
	memcpy(o + 8, names, 16);
}

void
ra_send(struct host *h, struct ra *ra, const char *src)
{
	host_icmp(h, src, "ff02::1", 255, ra->r_msg, ra->r_len);
	host_wait(1);
}
