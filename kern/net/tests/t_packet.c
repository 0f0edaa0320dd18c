/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_packet.c - packets against an array of bytes
 *
 * A model packet is just its bytes.  Random operations are done to both, and
 * whatever can be asked of the packet is compared with the array.
 */

#include <lib/string.h>
#include <net/packet.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include <harness.h>

#include "net_impl.h"

static uint64_t state;

static uint64_t
draw(void)
{
	return harness_draw(&state);
}

static size_t
draw_below(size_t bound)
{
	return bound == 0 ? 0 : (size_t)(draw() % bound);
}

static void
draw_seed(void)
{
	state = harness_seed() * 0x9e3779b97f4a7c15ull + 1;
}

static void
draw_bytes(uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)draw();
}

#define MODEL_MAX	(256 * 1024)

static uint8_t model[MODEL_MAX], scratch[MODEL_MAX], fresh[MODEL_MAX];
static size_t model_len;

static uint16_t
naive_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* As a number, from the words' order in memory. */
static uint16_t
wire_sum(uint32_t sum)
{
	uint16_t word = (uint16_t)~packet_sum_fold(sum);

	return __builtin_bswap16(word);
}

static bool
same_number(uint16_t a, uint16_t b)
{
	return a % 0xffff == b % 0xffff;
}

static void
check_same(const char *what, const struct packet *p)
{
	size_t off = draw_below(model_len), len = draw_below(model_len - off);
	uint8_t tmp[64];
	const uint8_t *at;

	NEED(CHECK_EQ(what, model_len, p->p_len));
	packet_copyout(p, 0, scratch, p->p_len);
	NEED(CHECK_MEM(what, model, scratch, model_len));
	packet_copyout(p, off, scratch, len);
	CHECK_MEM("a part", model + off, scratch, len);
	CHECK(same_number(naive_sum(model + off, len),
	    wire_sum(packet_sum(p, off, len, 0))));
	if (len > sizeof(tmp))
		len = sizeof(tmp);
	at = packet_peek(p, off, len, tmp);
	NEED(at != NULL);
	CHECK_MEM("peek", model + off, at, len);
	CHECK(packet_peek(p, off, model_len - off + 1, tmp) == NULL);
	CHECK(packet_peek(p, model_len + 1, 0, tmp) == NULL);
}

/* --- operations, on both ------------------------------------------------------- */

static void
op_push(struct packet *p)
{
	size_t len = draw_below(packet_headroom(p) < 40 ? packet_headroom(p) : 40);

	if (model_len + len > MODEL_MAX)
		return;
	memmove(model + len, model, model_len);
	draw_bytes(model, len);
	memcpy(packet_push(p, len), model, len);
	model_len += len;
}

static void
op_pull(struct packet *p)
{
	size_t len = draw_below(packet_linear(p) + 1);

	CHECK_MEM("pulled", model, packet_pull(p, len), len);
	memmove(model, model + len, model_len - len);
	model_len -= len;
}

static void
op_skip(struct packet *p)
{
	size_t len = draw_below(draw() % 4 == 0 ? model_len + 1 : 300);

	packet_skip(p, len);
	if (len > model_len)
		len = model_len;
	memmove(model, model + len, model_len - len);
	model_len -= len;
}

static void
op_trim(struct packet *p)
{
	size_t len = model_len - draw_below(draw() % 4 == 0 ? model_len + 1 :
	    model_len / 16 + 1);

	packet_trim(p, len);
	model_len = len;
}

static void
op_append(struct packet *p)
{
	size_t len = draw_below(draw() % 4 == 0 ? 70000 : 300), before = model_len;
	int error;

	if (model_len + len > MODEL_MAX)
		return;
	draw_bytes(model + model_len, len);
	error = packet_appendcopy(p, model + model_len, len, KM_SLEEP);
	if (error) {
		CHECK_EQ("no slot", ENOBUFS, error);
		CHECK_EQ("is as it was", before, p->p_len);
		return;
	}
	model_len += len;
}

static void
op_append_uio(struct packet *p)
{
	size_t len = draw_below(5000);
	struct rumpuser_iov iov;
	struct uio uio;

	if (model_len + len > MODEL_MAX)
		return;
	draw_bytes(fresh, len);
	uio_init_buf(&uio, &iov, fresh, len, 0, UIO_WRITE, UIO_KERNEL);
	if (packet_appenduio(p, &uio, len, KM_SLEEP) != 0)
		return;
	CHECK_EQ("all moved", 0, uio.uio_resid);
	memcpy(model + model_len, fresh, len);
	model_len += len;
}

static void
op_pullup(struct packet *p)
{
	size_t len = draw_below(PKT_ROOM + 20);
	int error = packet_pullup(p, len);

	if (error == 0)
		CHECK(packet_linear(p) >= len);
	else
		CHECK(len > model_len || len > PKT_ROOM - packet_headroom(p) ||
		    packet_linear(p) < len);
	if (len <= model_len && len <= PKT_ROOM && p->p_l2 == 0 && p->p_l3 == 0)
		CHECK_EQ("fits the room", 0, error);
	if (len > model_len)
		CHECK_EQ("too long", EINVAL, error);
}

static void
op_uiomove(struct packet *p)
{
	size_t off = draw_below(model_len), len = draw_below(model_len - off);
	struct rumpuser_iov iov;
	struct uio uio;

	uio_init_buf(&uio, &iov, scratch, len, 0, UIO_READ, UIO_KERNEL);
	CHECK_EQ("moved", 0, packet_uiomove(p, off, len, &uio));
	CHECK_MEM("moved", model + off, scratch, len);
}

static struct packet *
op_clone(struct packet *p)
{
	struct packet *c = packet_clone(p, KM_SLEEP);

	NEED(c != NULL);
	check_same("clone", c);
	if (draw() % 2 == 0) {
		packet_free(p);
		return c;
	}
	packet_free(c);
	return p;
}

static unsigned int foreign_freed;

static void
foreign_free(struct pktbuf *pb)
{
	foreign_freed++;
	kmem_free(pb->pb_data, pb->pb_size);
	kmem_free(pb, sizeof(*pb));
}

static struct pktbuf *
foreign_create(uint32_t size)
{
	struct pktbuf *pb = kmem_alloc(sizeof(*pb), KM_SLEEP);

	NEED(pb != NULL);
	*pb = (struct pktbuf){ .pb_refs = 1, .pb_size = size,
	    .pb_free = foreign_free };
	pb->pb_data = kmem_alloc(size, KM_SLEEP);
	NEED(pb->pb_data != NULL);
	draw_bytes(pb->pb_data, size);
	return pb;
}

static void
op_foreign(struct packet *p)
{
	uint32_t size = 1 + (uint32_t)draw_below(3000);
	uint32_t off = (uint32_t)draw_below(size), len = size - off;
	struct pktbuf *pb;

	if (model_len + len > MODEL_MAX)
		return;
	pb = foreign_create(size);
	memcpy(model + model_len, pb->pb_data + off, len);
	if (packet_addfrag(p, pb, off, len) != 0)
		pktbuf_rele(pb);
	else
		model_len += len;
}

static void
op_own(struct packet *p)
{
	CHECK_EQ("own", 0, packet_own(p, KM_SLEEP));
	for (unsigned int i = 0; i < p->p_nfrags; i++)
		CHECK(pktbuf_isown(p->p_frag[i].pf_buf));
}

TEST_WITH(random_operations_do_to_a_packet_what_they_do_to_bytes,
    .ht_flags = HARNESS_KERNEL, .ht_seeds = 8)
{
	static void (*const ops[])(struct packet *) = {
		op_push, op_pull, op_skip, op_trim, op_append, op_append,
		op_append_uio, op_pullup, op_uiomove, op_foreign, op_own,
	};
	struct packet *p;

	draw_seed();
	for (int round = 0; round < 10; round++) {
		p = packet_alloc(KM_SLEEP);
		NEED(p != NULL);
		model_len = 0;
		for (int i = 0; i < 60; i++) {
			size_t which = draw_below(ARRAY_SIZE(ops) + 1);

			if (which == ARRAY_SIZE(ops))
				p = op_clone(p);
			else
				ops[which](p);
			check_same("after the operation", p);
		}
		packet_free(p);
	}
}

/* --- one by one ------------------------------------------------------------------ */

TEST(small_payload_lies_in_the_room_and_large_in_blocks)
{
	struct packet *p = packet_from(model, PKT_ROOM - PKT_HEADROOM, KM_SLEEP);

	NEED(p != NULL);
	CHECK_EQ("no block", 0, p->p_nfrags);
	CHECK_EQ("charged", sizeof(*p), p->p_truesize);
	packet_free(p);
	p = packet_from(model, PKT_ROOM - PKT_HEADROOM + 1, KM_SLEEP);
	NEED(p != NULL);
	CHECK_EQ("a block", 1, p->p_nfrags);
	CHECK_EQ("nothing in the room", 0, packet_linear(p));
	CHECK_EQ("charged", sizeof(*p) + 2048, p->p_truesize);
	packet_free(p);
}

TEST(blocks_come_in_four_sizes)
{
	static const struct { size_t len; uint32_t size; } cases[] = {
		{ 0, 2048 }, { 1, 2048 }, { 2048, 2048 }, { 2049, 4096 },
		{ 4097, 16384 }, { 16384, 16384 }, { 16385, 65536 },
		{ PKTBUF_MAX, PKTBUF_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pktbuf *pb = pktbuf_alloc(cases[i].len, KM_SLEEP);

		NEED(pb != NULL);
		CHECK_EQ("size", cases[i].size, pb->pb_size);
		CHECK(pktbuf_isown(pb));
		memset(pb->pb_data, 0xa5, pb->pb_size);
		pktbuf_hold(pb);
		pktbuf_rele(pb);
		CHECK_EQ("still there", 0xa5, pb->pb_data[pb->pb_size - 1]);
		pktbuf_rele(pb);
	}
}

TEST(a_block_outlives_the_packet_that_brought_it)
{
	struct packet *p = packet_alloc(KM_SLEEP), *c;

	NEED(p != NULL);
	foreign_freed = 0;
	CHECK_EQ("add", 0, packet_addfrag(p, foreign_create(100), 0, 100));
	c = packet_clone(p, KM_SLEEP);
	NEED(c != NULL);
	packet_free(p);
	CHECK_EQ("held by the clone", 0, foreign_freed);
	packet_free(c);
	CHECK_EQ("freed once", 1, foreign_freed);
}

TEST(neighbouring_parts_of_one_block_become_one_fragment)
{
	struct pktbuf *pb = pktbuf_alloc(2048, KM_SLEEP);
	struct packet *p = packet_alloc(KM_SLEEP);

	NEED(pb != NULL && p != NULL);
	for (uint32_t off = 0; off < 2048; off += 64) {
		pktbuf_hold(pb);
		CHECK_EQ("add", 0, packet_addfrag(p, pb, off, 64));
	}
	CHECK_EQ("one", 1, p->p_nfrags);
	pktbuf_hold(pb);
	CHECK_EQ("elsewhere", 0, packet_addfrag(p, pb, 0, 64));
	CHECK_EQ("two", 2, p->p_nfrags);
	packet_free(p);
	CHECK_EQ("only ours is left", 1, pb->pb_refs);
	pktbuf_rele(pb);
}

TEST(parts_of_a_packet_are_charged_for_what_they_use)
{
	struct packet *p = packet_from(model, 60000, KM_SLEEP), *c;
	uint32_t whole;

	NEED(p != NULL);
	whole = p->p_truesize;
	CHECK(whole >= 60000);
	c = packet_clone(p, KM_SLEEP);
	NEED(c != NULL);
	packet_skip(c, 30000);
	packet_trim(c, 1400);
	packet_recharge(c);
	CHECK(c->p_truesize >= 1400 && c->p_truesize < 1400 + 2 * sizeof(*c));
	CHECK_EQ("as before", whole, p->p_truesize);
	packet_free(c);
	packet_free(p);
}

static unsigned int destroyed;

static void
count_destroyed(struct packet *p)
{
	CHECK(p->p_owner == &destroyed);
	destroyed++;
}

TEST(the_account_is_credited_once_and_not_by_clones)
{
	struct packet *p = packet_alloc(KM_SLEEP), *c;

	NEED(p != NULL);
	destroyed = 0;
	p->p_destroy = count_destroyed;
	p->p_owner = &destroyed;
	c = packet_clone(p, KM_SLEEP);
	packet_free(c);
	CHECK_EQ("not by the clone", 0, destroyed);
	packet_free(p);
	CHECK_EQ("once", 1, destroyed);
}

TEST(pulling_up_moves_headers_with_their_offsets)
{
	struct packet *p = packet_alloc(KM_SLEEP);
	uint8_t *l2;

	NEED(p != NULL);
	draw_seed();
	draw_bytes(model, 200);
	l2 = packet_append(p, 14);
	memset(l2, 0x22, 14);
	p->p_l2 = packet_offset(p);
	(void)packet_pull(p, 14);
	p->p_l3 = packet_offset(p);
	p->p_csum_start = p->p_l3;
	model_len = 200;
	CHECK_EQ("append", 0, packet_appendcopy(p, model, 120, KM_SLEEP));
	CHECK_EQ("append", 0, packet_appendcopy(p, model + 120, 80, KM_SLEEP));
	CHECK_EQ("pull up", 0, packet_pullup(p, 200));
	check_same("pulled up", p);
	CHECK(p->p_room + p->p_l3 == p->p_data);
	CHECK(p->p_csum_start == p->p_l3 && p->p_l3 == p->p_l2 + 14);
	CHECK_EQ("L2 came along", 0x22, p->p_room[p->p_l2]);
	packet_free(p);
}

TEST_WITH(sums_agree_with_naive_ones_at_any_alignment_and_length,
    .ht_flags = HARNESS_KERNEL, .ht_seeds = 4)
{
	draw_seed();
	draw_bytes(model, 70000);
	memset(model + 1000, 0xff, 600);
	for (size_t len = 0; len < 1600; len++) {
		size_t off = draw_below(1000);

		CHECK(same_number(naive_sum(model + off, len),
		    wire_sum(sum_bytes(model + off, len))));
	}
	for (int i = 0; i < 200; i++) {
		size_t off = draw_below(4000), len = draw_below(66000);

		CHECK(same_number(naive_sum(model + off, len),
		    wire_sum(sum_bytes(model + off, len))));
	}
	memset(model, 0xff, 65536);
	CHECK(same_number(0xffff, wire_sum(sum_bytes(model, 65536))));
	memset(model, 0, 65536);
	CHECK_EQ("zeroes", 0, wire_sum(sum_bytes(model, 65536)));
}

TEST(a_partial_checksum_is_filled_in)
{
	draw_seed();
	for (int i = 0; i < 200; i++) {
		struct packet *p = packet_alloc(KM_SLEEP);
		size_t len = 20 + draw_below(3000), hdr = 14 + draw_below(40);
		uint16_t off = (uint16_t)(draw_below(9) * 2);

		NEED(p != NULL);
		draw_bytes(model, hdr + len);
		memcpy(packet_append(p, hdr), model, hdr);
		NEED(packet_appendcopy(p, model + hdr, len, KM_SLEEP) == 0);
		p->p_csum = PKT_CSUM_PARTIAL;
		p->p_csum_start = (uint16_t)(packet_offset(p) + hdr);
		p->p_csum_off = off;
		CHECK_EQ("fill", 0, packet_csum_fill(p));
		CHECK_EQ("complete now", PKT_CSUM_NONE, p->p_csum);
		/* The field held a random start, as a pseudo header's sum. */
		packet_copyout(p, hdr, scratch, len);
		CHECK(same_number(naive_sum(model + hdr, len),
		    (uint16_t)~__builtin_bswap16(*(uint16_t *)(void *)
		    (scratch + off))));
		packet_free(p);
	}
}

TEST(a_checksum_beyond_the_packet_is_refused)
{
	struct packet *p = packet_from(model, 30, KM_SLEEP);

	NEED(p != NULL);
	p->p_csum = PKT_CSUM_PARTIAL;
	p->p_csum_start = (uint16_t)(packet_offset(p) + 20);
	p->p_csum_off = 9;
	CHECK_EQ("field outside", EINVAL, packet_csum_fill(p));
	p->p_csum_start = (uint16_t)(packet_offset(p) - 1);
	CHECK_EQ("start outside", EINVAL, packet_csum_fill(p));
	p->p_csum_start = 65535;
	CHECK_EQ("start far outside", EINVAL, packet_csum_fill(p));
	packet_free(p);
}

static int
build_and_own(void)
{
	struct packet *p, *c = NULL;
	int error = ENOMEM;

	p = packet_from(model, 100000, KM_SLEEP);
	if (p == NULL)
		return ENOMEM;
	c = packet_clone(p, KM_SLEEP);
	if (c != NULL)
		error = packet_own(c, KM_SLEEP);
	packet_free(c);
	packet_free(p);
	return error;
}

TEST(packets_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, build_and_own);
}
