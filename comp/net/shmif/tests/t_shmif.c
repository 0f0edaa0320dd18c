/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_shmif.c - interfaces on a bus, driven by hand
 *
 * Two or three interfaces of one kernel on one bus; what one is given to send
 * is polled from the other.
 */

#include <harness.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <net/netns.h>
#include <net/packet.h>
#include <rump/rumpuser.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/qsbr.h>

#include "hostpath.h"
#include "shmif_impl.h"

static struct ifnet *ifp[3];

/* The nth interface, up.  Not attached, so that nobody else drives it. */
static int
make(unsigned int n)
{
	int error = shmif_alloc("shm%d", &ifp[n]);

	if (error)
		return error;
	error = ifp[n]->if_ops->ifo_setlink(ifp[n], harness_bus_path());
	if (error == 0)
		error = ifp[n]->if_ops->ifo_up(ifp[n]);
	if (error)
		if_rele(ifp[n]);
	return error;
}

static void
unmake(unsigned int n)
{
	ifp[n]->if_ops->ifo_down(ifp[n]);
	if_rele(ifp[n]);
}

static void
make_three(void)
{
	for (unsigned int n = 0; n < 3; n++)
		NEED(make(n) == 0);
}

static void
unmake_three(void)
{
	for (unsigned int n = 0; n < 3; n++)
		unmake(n);
	qsbr_barrier();
	harness_bus_remove();
}

static uint8_t
pattern(size_t at, unsigned int seed)
{
	return (uint8_t)(at * 7 + at / 251 + seed);
}

/* A frame from one to another, with len bytes behind the Ethernet header. */
static struct packet *
frame(unsigned int from, const uint8_t *to, size_t len, unsigned int seed)
{
	struct packet *p = packet_alloc(KM_SLEEP);
	static uint8_t block[65536];
	size_t linear = len < 60 ? len : 60;
	uint8_t *head;

	if (p == NULL)
		return NULL;
	head = packet_append(p, 14 + linear);
	memcpy(head, to, 6);
	memcpy(head + 6, ifp[from]->if_lladdr, 6);
	head[12] = 0x88;
	head[13] = 0xb5;
	for (size_t i = 0; i < len; i++)
		block[i] = pattern(i, seed);
	memcpy(head + 14, block, linear);
	if (len > linear &&
	    packet_appendcopy(p, block + linear, len - linear, KM_SLEEP) != 0) {
		packet_free(p);
		return NULL;
	}
	p->p_l3 = (uint16_t)(packet_offset(p) + 14);
	return p;
}

static void
send(unsigned int from, struct packet *p)
{
	struct packetq q = PACKETQ_INITIALIZER;

	packetq_put(&q, p);
	shmif_xmit(ifp[from], &q);
}

static struct packet *
receive(unsigned int at)
{
	struct packetq q = PACKETQ_INITIALIZER;

	(void)shmif_poll(ifp[at], 1, &q);
	return packetq_get(&q);
}

static bool
holds_pattern(const struct packet *p, size_t len, unsigned int seed)
{
	uint8_t block[1024];
	size_t done, n;

	if (p->p_len != len + 14)
		return false;
	for (done = 0; done < len; done += n) {
		n = len - done < sizeof(block) ? len - done : sizeof(block);
		packet_copyout(p, 14 + done, block, n);
		for (size_t i = 0; i < n; i++) {
			if (block[i] != pattern(done + i, seed))
				return false;
		}
	}
	return true;
}

TEST(packets_of_all_sizes_cross)
{
	static const size_t sizes[] = { 0, 1, 46, 200, 210, 211, 1500, 1501, 2000,
	    4000, 5000, 9000, 16384, 60000, 65535 };

	make_three();
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct packet *p;

		send(0, frame(0, ifp[1]->if_lladdr, sizes[i], i));
		p = receive(1);
		NEED(p != NULL);
		CHECK(holds_pattern(p, sizes[i], i));
		CHECK(receive(2) == NULL);
		packet_free(p);
	}
	unmake_three();
}

TEST(offload_fields_cross)
{
	struct packet *p;

	make_three();
	p = frame(0, ifp[1]->if_lladdr, 30000, 3);
	NEED(p != NULL);
	p->p_csum = PKT_CSUM_PARTIAL;
	p->p_csum_start = (uint16_t)(packet_offset(p) + 34);
	p->p_csum_off = 16;
	p->p_gso = PKT_GSO_TCP4;
	p->p_gso_size = 1448;
	p->p_gso_ecn = 1;
	send(0, p);
	p = receive(1);
	NEED(p != NULL);
	CHECK_EQ("sum", PKT_CSUM_PARTIAL, p->p_csum);
	CHECK_EQ("start", packet_offset(p) + 34, p->p_csum_start);
	CHECK_EQ("offset", 16, p->p_csum_off);
	CHECK_EQ("type", PKT_GSO_TCP4, p->p_gso);
	CHECK_EQ("size", 1448, p->p_gso_size);
	CHECK_EQ("ecn", 1, p->p_gso_ecn);
	CHECK_EQ("headers are linear", 14 + 60, packet_linear(p));
	packet_free(p);
	unmake_three();
}

TEST(large_packets_stay_in_the_bus_until_freed)
{
	struct packet *kept[20];

	make_three();
	for (unsigned int i = 0; i < 20; i++) {
		send(0, frame(0, ifp[1]->if_lladdr, 60000, i));
		kept[i] = receive(1);
		NEED(kept[i] != NULL && kept[i]->p_nfrags == 1);
	}
	/* Down or gone, what came before is good. */
	ifp[1]->if_ops->ifo_down(ifp[1]);
	CHECK_EQ("up again", 0, ifp[1]->if_ops->ifo_up(ifp[1]));
	for (unsigned int i = 0; i < 40; i++) {
		struct packet *p;

		send(0, frame(0, ifp[1]->if_lladdr, 60000, 100 + i));
		p = receive(1);
		NEED(p != NULL);
		CHECK(holds_pattern(p, 60000, 100 + i));
		packet_free(p);
	}
	for (unsigned int i = 0; i < 20; i++) {
		CHECK(holds_pattern(kept[i], 60000, i));
		packet_free(kept[i]);
	}
	unmake_three();
}

TEST(a_fast_sender_waits_instead_of_losing)
{
	unsigned int sent, got = 0;

	make_three();
	for (sent = 0; sent < 200; sent++)
		send(0, frame(0, ifp[1]->if_lladdr, 60000, sent));
	while (got < 200) {
		struct packet *p = receive(1);

		if (p == NULL) {
			/* What waits goes out when the sender is driven. */
			(void)receive(0);
			p = receive(1);
		}
		NEED(p != NULL);
		CHECK(holds_pattern(p, 60000, got));
		packet_free(p);
		got++;
	}
	CHECK(receive(1) == NULL);
	unmake_three();
}

TEST(broadcasts_reach_all_and_promiscuous_ones_see_everything)
{
	struct packet *p;

	make_three();
	send(0, frame(0, (const uint8_t *)"\xff\xff\xff\xff\xff\xff", 100, 1));
	for (unsigned int n = 1; n < 3; n++) {
		p = receive(n);
		NEED(p != NULL);
		packet_free(p);
	}
	ifp[2]->if_flags |= IFF_PROMISC;
	ifp[2]->if_ops->ifo_setfilter(ifp[2]);
	send(0, frame(0, ifp[1]->if_lladdr, 100, 1));
	for (unsigned int n = 1; n < 3; n++) {
		p = receive(n);
		NEED(p != NULL);
		packet_free(p);
	}
	unmake_three();
}

TEST(a_new_address_is_where_frames_go)
{
	static const uint8_t addr[6] = { 2, 1, 2, 3, 4, 5 };
	struct packet *p;
	int error;

	make_three();
	error = ifp[1]->if_ops->ifo_setlladdr(ifp[1], ifp[2]->if_lladdr);
	CHECK_EQ("taken", EADDRINUSE, error);
	error = ifp[1]->if_ops->ifo_setlladdr(ifp[1], addr);
	CHECK_EQ("free", 0, error);
	send(0, frame(0, addr, 100, 1));
	p = receive(1);
	NEED(p != NULL);
	packet_free(p);
	CHECK(receive(2) == NULL);
	unmake_three();
}

TEST_WITH(a_link_is_set_once_and_while_down, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	struct ifnet *i;

	CHECK_EQ("made", 0, shmif_kind.ik_create(netns0, "shm7", NULL, NULL, &i));
	mutex_enter(&netns0->ns_lock);
	CHECK_EQ("up without", ENXIO, if_setflags(i, IFF_UP, IFF_UP));
	CHECK_EQ("no bus", EISDIR, i->if_ops->ifo_setlink(i, "/tmp"));
	CHECK_EQ("set", 0, i->if_ops->ifo_setlink(i, harness_bus_path()));
	CHECK_EQ("again", EBUSY, i->if_ops->ifo_setlink(i, harness_bus_path()));
	CHECK_EQ("up", 0, if_setflags(i, IFF_UP, IFF_UP));
	CHECK_EQ("unset", EBUSY, i->if_ops->ifo_setlink(i, ""));
	CHECK_EQ("down", 0, if_setflags(i, 0, IFF_UP));
	CHECK_EQ("unset", 0, i->if_ops->ifo_setlink(i, ""));
	mutex_exit(&netns0->ns_lock);
	shmif_kind.ik_destroy(i);
	if_rele(i);
	qsbr_barrier();
	harness_bus_remove();
}

TEST(a_sleeper_is_woken_by_a_frame_a_kick_and_its_word)
{
	uint32_t word = 1;

	make_three();
	(void)receive(1);
	CHECK_EQ("going up kicks", 0, shmif_sleep(ifp[1], &word, 1, false, KTIME_NEVER));
	CHECK_EQ("time", ETIMEDOUT, shmif_sleep(ifp[1], &word, 1, false, clock_mono()));
	CHECK_EQ("word", 0, shmif_sleep(ifp[1], &word, 0, false, KTIME_NEVER));
	shmif_kick(ifp[1]);
	CHECK_EQ("kick", 0, shmif_sleep(ifp[1], &word, 1, false, KTIME_NEVER));
	send(0, frame(0, ifp[1]->if_lladdr, 100, 1));
	CHECK_EQ("frame", 0, shmif_sleep(ifp[1], &word, 1, false, KTIME_NEVER));
	packet_free(receive(1));
	unmake_three();
}

/* The thread that drives attached interfaces sleeps in each of them. */
TEST_WITH(an_interface_goes_down_and_away_while_somebody_sleeps_in_it,
    .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS, .ht_seeds = 10)
{
	struct ifnet *i;

	for (int n = 0; n < 5; n++) {
		NEED(shmif_kind.ik_create(netns0, "shm%d", harness_bus_path(), NULL, &i) == 0);
		for (int round = 0; round < 3; round++) {
			mutex_enter(&netns0->ns_lock);
			CHECK_EQ("up", 0, if_setflags(i, IFF_UP, IFF_UP));
			mutex_exit(&netns0->ns_lock);
			rumpuser_thread_yield();
			mutex_enter(&netns0->ns_lock);
			CHECK_EQ("down", 0, if_setflags(i, 0, IFF_UP));
			mutex_exit(&netns0->ns_lock);
		}
		shmif_kind.ik_destroy(i);
		if_rele(i);
	}
	qsbr_barrier();
	harness_bus_remove();
}

TEST(a_bus_that_vanishes_is_a_dead_link)
{
	make_three();
	(void)receive(0);
	(void)receive(1);
	NEED(harness_bus_truncate() == 0);
	send(0, frame(0, ifp[1]->if_lladdr, 100, 1));
	CHECK(receive(1) == NULL);
	CHECK_EQ("kicked", 0, shmif_sleep(ifp[0], NULL, 0, false, KTIME_NEVER));
	CHECK_EQ("asleep", ETIMEDOUT, shmif_sleep(ifp[0], NULL, 0, false, clock_mono()));
	unmake_three();
}

static int
exchange(void)
{
	struct packet *p;
	int error = make(0);

	if (error)
		return error;
	error = make(1);
	if (error)
		goto out;
	p = frame(0, ifp[1]->if_lladdr, 3000, 1);
	if (p == NULL) {
		error = ENOMEM;
	} else {
		send(0, p);
		packet_free(receive(1));
	}
	unmake(1);
out:
	unmake(0);
	qsbr_barrier();
	harness_bus_remove();
	return error;
}

TEST(each_failed_allocation_is_survived)
{
	fault_sweep(FAULT_MEMORY, exchange);
}
