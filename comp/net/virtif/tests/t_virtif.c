/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_virtif.c - interfaces to the host, driven by hand, a socket as other end
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <net/netns.h>
#include <net/packet.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/qsbr.h>

#include "hostend.h"
#include "virtif_impl.h"

static struct ifnet *ifp;
static uint8_t wire[80000], data[80000];

static void
make(bool stream)
{
	/* Not attached, so that nobody else drives it. */
	NEED(virtif_alloc("virt%d", &ifp) == 0);
	NEED(ifp->if_ops->ifo_setlink(ifp, harness_end_open(stream)) == 0);
	NEED(ifp->if_ops->ifo_up(ifp) == 0);
	ifp->if_flags |= IFF_UP;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 253);
}

static void
unmake(void)
{
	ifp->if_ops->ifo_down(ifp);
	if_rele(ifp);
	qsbr_barrier();
	harness_end_close();
}

static void
send(size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_alloc(KM_SLEEP);
	size_t linear = len < 100 ? len : 100;

	NEED(p != NULL);
	memcpy(packet_append(p, linear), data, linear);
	if (len > linear)
		NEED(packet_appendcopy(p, data + linear, len - linear, KM_SLEEP) == 0);
	p->p_l3 = (uint16_t)(packet_offset(p) + 14);
	packetq_put(&q, p);
	virtif_xmit(ifp, &q);
}

static struct packet *
receive(void)
{
	struct packetq q = PACKETQ_INITIALIZER;

	(void)virtif_poll(ifp, 1, &q);
	return packetq_get(&q);
}

static bool
is_data(const struct packet *p, size_t len)
{
	if (p == NULL || p->p_len != len)
		return false;
	packet_copyout(p, 0, wire, len);
	return memcmp(wire, data, len) == 0;
}

static const size_t sizes[] = { 14, 60, 224, 225, 1514, 9014, 16383, 16384, 65549 };

TEST(frames_cross_a_socket_of_messages)
{
	make(false);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct packet *p;

		send(sizes[i]);
		CHECK_EQ("out", sizes[i], harness_end_read(wire, sizeof(wire)));
		CHECK_MEM("out", data, wire, sizes[i]);
		harness_end_write(data, sizes[i]);
		p = receive();
		CHECK(is_data(p, sizes[i]));
		packet_free(p);
		CHECK(receive() == NULL);
	}
	unmake();
}

TEST(frames_cross_a_stream_behind_their_length)
{
	make(true);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct packet *p;
		uint8_t head[4] = { 0, (uint8_t)(sizes[i] >> 16),
		    (uint8_t)(sizes[i] >> 8), (uint8_t)sizes[i] };

		send(sizes[i]);
		CHECK_EQ("out", sizes[i] + 4, harness_end_read(wire, sizeof(wire)));
		CHECK_EQ("length", sizes[i], be32_get(wire));
		CHECK_MEM("out", data, wire + 4, sizes[i]);
		/* In pieces, and two at once. */
		harness_end_write(head, 3);
		CHECK(receive() == NULL);
		harness_end_write(head + 3, 1);
		harness_end_write(data, 5);
		CHECK(receive() == NULL);
		harness_end_write(data + 5, sizes[i] - 5);
		harness_end_write(head, 4);
		harness_end_write(data, sizes[i]);
		for (int n = 0; n < 2; n++) {
			p = receive();
			CHECK(is_data(p, sizes[i]));
			packet_free(p);
		}
		CHECK(receive() == NULL);
	}
	unmake();
}

TEST(a_stream_of_nonsense_ends_the_link)
{
	make(true);
	harness_end_write("\xff\xff\xff\xff", 4);
	CHECK(receive() == NULL);
	CHECK(!if_running(ifp));
	CHECK(receive() == NULL);
	unmake();
}

TEST(a_sleeper_is_woken_by_a_frame_a_kick_and_its_word)
{
	uint32_t word = 1;

	make(false);
	CHECK(receive() == NULL);
	CHECK_EQ("going up kicks", 0, virtif_sleep(ifp, &word, 1, false, KTIME_NEVER));
	CHECK_EQ("time", ETIMEDOUT, virtif_sleep(ifp, &word, 1, false, clock_mono()));
	CHECK_EQ("word", 0, virtif_sleep(ifp, &word, 0, false, KTIME_NEVER));
	virtif_kick(ifp);
	CHECK_EQ("kick", 0, virtif_sleep(ifp, &word, 1, false, KTIME_NEVER));
	harness_end_write(data, 60);
	CHECK_EQ("frame", 0, virtif_sleep(ifp, &word, 1, false, KTIME_NEVER));
	packet_free(receive());
	unmake();
}

TEST(links_that_make_no_sense_are_refused)
{
	static const struct { const char *link; int want; } cases[] = {
		{ "fd=", EINVAL }, { "fd=x", EINVAL }, { "fd=9999", EBADF },
		{ "fd=0,", EINVAL }, { "tap=", EINVAL }, { "unix=/nowhere/x", ENOENT },
		{ "a-name-that-is-too-long", EINVAL }, { "t0,queues=0", EINVAL },
		{ "t0,queues=17", EINVAL }, { "t0,queues=1x", EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int error = virtif_kind.ik_create(netns0, "virt%d", cases[i].link, NULL, &ifp);

		/* Standard input may be anything. */
		if (i == 3)
			CHECK(error == EINVAL || error == EOPNOTSUPP);
		else
			CHECK_EQ(cases[i].link, cases[i].want, error);
	}
	qsbr_barrier();
}
