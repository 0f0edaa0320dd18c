/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_segment.c - what large packets are cut into
 *
 * Random TCP segments and UDP datagrams are cut; the pieces, once their checksums
 * are filled in, must pass a parser that knows nothing of the cutting, be of
 * the size that was asked for, and be the whole again when joined.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <net/packet.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include <harness.h>

static uint64_t state;

static uint64_t
draw(void)
{
	return harness_draw(&state);
}

static size_t
draw_below(size_t bound)
{
	return (size_t)(draw() % bound);
}

static uint8_t payload[70000], joined[70000], wire[70000];

/* A packet to be made: what its headers say. */
struct shape {
	bool		 sh_ip6, sh_udp;
	size_t		 sh_l2len, sh_iphdr, sh_l4hdr;
	size_t		 sh_len;	/* of the payload */
	uint16_t	 sh_size;	/* of a segment */
	size_t		 sh_linear;	/* of the payload in the room */
	uint8_t		 sh_flags;	/* TCP */
};

static uint16_t
naive_sum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t
pseudo_sum(const uint8_t *ip, bool ip6, uint8_t proto, size_t len)
{
	uint32_t sum = proto + (uint32_t)len;

	return ip6 ? naive_sum(ip + 8, 32, sum) : naive_sum(ip + 12, 8, sum);
}

static void
build_ip(const struct shape *sh, uint8_t *ip)
{
	size_t below = sh->sh_l4hdr + sh->sh_len;
	uint8_t proto = sh->sh_udp ? 17 : 6;

	for (size_t i = 0; i < sh->sh_iphdr; i++)
		ip[i] = (uint8_t)draw();
	if (sh->sh_ip6) {
		ip[0] = 0x60;
		be16_put(ip + 4, (uint16_t)(sh->sh_iphdr - 40 + below));
		ip[6] = proto;
		return;
	}
	ip[0] = (uint8_t)(0x40 | sh->sh_iphdr / 4);
	be16_put(ip + 2, (uint16_t)(sh->sh_iphdr + below));
	be16_put(ip + 6, 0x4000);
	ip[9] = proto;
	be16_put(ip + 10, 0);
}

static struct packet *
build(const struct shape *sh)
{
	struct packet *p = packet_alloc(KM_SLEEP);
	uint8_t *ip, *l4;

	NEED(p != NULL);
	p->p_data = p->p_tail = p->p_room;
	(void)packet_append(p, sh->sh_l2len);
	p->p_l3 = (uint16_t)sh->sh_l2len;
	ip = packet_append(p, sh->sh_iphdr);
	build_ip(sh, ip);
	p->p_l4 = (uint16_t)(p->p_l3 + sh->sh_iphdr);
	l4 = packet_append(p, sh->sh_l4hdr);
	for (size_t i = 0; i < sh->sh_l4hdr; i++)
		l4[i] = (uint8_t)draw();
	if (sh->sh_udp) {
		be16_put(l4 + 4, (uint16_t)(8 + sh->sh_len));
	} else {
		l4[12] = (uint8_t)(sh->sh_l4hdr / 4 << 4);
		l4[13] = sh->sh_flags;
	}
	p->p_csum = PKT_CSUM_PARTIAL;
	p->p_csum_start = p->p_l4;
	p->p_csum_off = sh->sh_udp ? 6 : 16;
	be16_put(l4 + p->p_csum_off, pseudo_sum(ip, sh->sh_ip6,
	    sh->sh_udp ? 17 : 6, sh->sh_l4hdr + sh->sh_len));
	p->p_gso = sh->sh_udp ? PKT_GSO_UDP :
	    sh->sh_ip6 ? PKT_GSO_TCP6 : PKT_GSO_TCP4;
	p->p_gso_size = sh->sh_size;
	memcpy(packet_append(p, sh->sh_linear), payload, sh->sh_linear);
	NEED(packet_appendcopy(p, payload + sh->sh_linear,
	    sh->sh_len - sh->sh_linear, KM_SLEEP) == 0);
	return p;
}

static void
check_ip(const struct shape *sh, const uint8_t *ip, size_t len, uint16_t id0,
    unsigned int n)
{
	if (sh->sh_ip6) {
		CHECK_EQ("IPv6 length", len - 40, be16_get(ip + 4));
		return;
	}
	CHECK_EQ("IPv4 length", len, be16_get(ip + 2));
	CHECK_EQ("identification", (uint16_t)(id0 + n), be16_get(ip + 4));
	CHECK_EQ("IPv4 sum", 0xffff, naive_sum(ip, sh->sh_iphdr, 0));
}

static void
check_l4(const struct shape *sh, const uint8_t *l4, size_t len, uint32_t seq0,
    size_t off)
{
	bool last = off + len == sh->sh_len;
	uint8_t want = sh->sh_flags;

	if (sh->sh_udp) {
		CHECK_EQ("UDP length", 8 + len, be16_get(l4 + 4));
		return;
	}
	if (!last)
		want &= (uint8_t)~0x09;
	if (off != 0)
		want &= (uint8_t)~0x80;
	CHECK_EQ("sequence", seq0 + (uint32_t)off, be32_get(l4 + 4));
	CHECK_EQ("flags", want, l4[13]);
}

/* One piece; returns the length of its payload. */
static size_t
check_piece(const struct shape *sh, struct packet *s, const struct packet *was,
    unsigned int n, size_t off)
{
	size_t hdr = sh->sh_l2len + sh->sh_iphdr + sh->sh_l4hdr, len;
	const uint8_t *ip = wire + sh->sh_l2len, *l4 = ip + sh->sh_iphdr;

	NEED(s->p_len >= hdr);
	len = s->p_len - hdr;
	CHECK_EQ("not to be cut again", PKT_GSO_NONE, s->p_gso);
	CHECK_EQ("still to be summed", PKT_CSUM_PARTIAL, s->p_csum);
	CHECK_EQ("summed", 0, packet_csum_fill(s));
	packet_copyout(s, 0, wire, s->p_len);
	check_ip(sh, ip, s->p_len - sh->sh_l2len,
	    be16_get(was->p_room + was->p_l3 + 4), n);
	check_l4(sh, l4, len, be32_get(was->p_room + was->p_l4 + 4), off);
	CHECK_EQ("checksum", 0xffff, naive_sum(l4, sh->sh_l4hdr + len,
	    pseudo_sum(ip, sh->sh_ip6, sh->sh_udp ? 17 : 6, sh->sh_l4hdr + len)));
	memcpy(joined + off, l4 + sh->sh_l4hdr, len);
	return len;
}

static void
check_cut(const struct shape *sh)
{
	struct packet *p = build(sh), *was = packet_clone(p, KM_SLEEP), *s;
	struct packetq q = PACKETQ_INITIALIZER;
	size_t off = 0, len;
	unsigned int n = 0;

	NEED(was != NULL);
	NEED(CHECK_EQ("cut", 0, packet_segment(p, &q)));
	while ((s = packetq_get(&q)) != NULL) {
		len = check_piece(sh, s, was, n++, off);
		off += len;
		if (q.pq_n > 0)
			CHECK_EQ("all but the last are full", sh->sh_size, len);
		else
			CHECK(len <= sh->sh_size);
		packet_free(s);
	}
	CHECK_EQ("all of it", sh->sh_len, off);
	CHECK_MEM("joined", payload, joined, sh->sh_len);
	packet_free(was);
}

static struct shape
draw_shape(void)
{
	struct shape sh = { .sh_ip6 = draw() % 2, .sh_udp = draw() % 3 == 0 };
	size_t most;

	sh.sh_l2len = draw() % 2 * 14;
	sh.sh_iphdr = sh.sh_ip6 ? 40 : 20 + 4 * draw_below(3);
	sh.sh_l4hdr = sh.sh_udp ? 8 : 20 + 4 * draw_below(11);
	most = 65535 - 60 - 60;
	sh.sh_len = draw_below(draw() % 2 == 0 ? most : 3000);
	sh.sh_size = (uint16_t)(draw() % 4 == 0 ? 100 + draw_below(65000) :
	    100 + draw_below(9000));
	most = sh.sh_len < 60 ? sh.sh_len : 60;
	sh.sh_linear = draw() % 2 == 0 ? 0 : draw_below(most + 1);
	sh.sh_flags = (uint8_t)draw();
	return sh;
}

TEST_WITH(pieces_are_sound_and_make_the_whole, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 4)
{
	state = harness_seed() * 0x9e3779b97f4a7c15ull + 1;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)draw();
	for (int i = 0; i < 60; i++) {
		struct shape sh = draw_shape();

		check_cut(&sh);
	}
}

/* --- what cannot be cut ---------------------------------------------------------- */

static void	no_size(struct packet *p) { p->p_gso_size = 0; }
static void	not_partial(struct packet *p) { p->p_csum = PKT_CSUM_NONE; }
static void	wrong_field(struct packet *p) { p->p_csum_off = 6; }
static void	wrong_start(struct packet *p) { p->p_csum_start++; }
static void	l3_outside(struct packet *p) { (void)packet_pull(p, 20); }
static void	l4_before_l3(struct packet *p) { p->p_l4 = p->p_l3; }
static void	l4_outside(struct packet *p) { p->p_l4 = p->p_csum_start = 250; }
static void	not_ip(struct packet *p) { p->p_room[p->p_l3] = 0x75; }
static void	other_ip(struct packet *p) { p->p_gso = PKT_GSO_TCP6; }
static void	short_ip(struct packet *p) { p->p_room[p->p_l3] = 0x44; }
static void	short_tcp(struct packet *p) { p->p_room[p->p_l4 + 12] = 0x40; }
static void	too_many(struct packet *p) { p->p_gso_size = 1; }
static void	header_cut(struct packet *p) { packet_trim(p, 40); }

static void
long_tcp(struct packet *p)
{
	packet_trim(p, 14 + 20 + 30);
	p->p_room[p->p_l4 + 12] = 0xf0;
}

TEST(nonsense_is_refused)
{
	static const struct { const char *label; void (*spoil)(struct packet *); } cases[] = {
		{ "no size", no_size }, { "not partial", not_partial },
		{ "wrong field", wrong_field }, { "wrong start", wrong_start },
		{ "L3 outside", l3_outside }, { "L4 at L3", l4_before_l3 },
		{ "L4 outside", l4_outside }, { "not IP", not_ip },
		{ "other IP", other_ip }, { "short IP", short_ip },
		{ "short TCP", short_tcp }, { "long TCP", long_tcp },
		{ "too many pieces", too_many }, { "header cut", header_cut },
	};
	struct shape sh = { .sh_l2len = 14, .sh_iphdr = 20, .sh_l4hdr = 20,
	    .sh_len = 60000, .sh_size = 1448 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packetq q = PACKETQ_INITIALIZER;
		struct packet *p = build(&sh);

		cases[i].spoil(p);
		CHECK_EQ(cases[i].label, EINVAL, packet_segment(p, &q));
		CHECK_EQ(cases[i].label, 0, q.pq_n);
	}
}

static int
cut_one(void)
{
	struct shape sh = { .sh_l2len = 14, .sh_iphdr = 40, .sh_l4hdr = 32,
	    .sh_ip6 = true, .sh_len = 20000, .sh_size = 1448 };
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_alloc(KM_SLEEP);
	int error;

	if (p == NULL)
		return ENOMEM;
	packet_free(p);
	p = packet_from(payload, sh.sh_len, KM_SLEEP);
	if (p == NULL)
		return ENOMEM;
	build_ip(&sh, packet_push(p, 72));
	p->p_l3 = packet_offset(p);
	p->p_l4 = p->p_csum_start = (uint16_t)(p->p_l3 + 40);
	p->p_room[p->p_l4 + 12] = 0x80;
	p->p_csum = PKT_CSUM_PARTIAL;
	p->p_csum_off = 16;
	p->p_gso = PKT_GSO_TCP6;
	p->p_gso_size = sh.sh_size;
	error = packet_segment(p, &q);
	CHECK_EQ("all or nothing", error ? 0 : 14, q.pq_n);
	packetq_drop(&q);
	return error;
}

TEST(cutting_survives_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, cut_one);
}
