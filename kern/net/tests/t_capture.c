/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_capture.c - capture files, block by block
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <net/capture.h>
#include <net/ifnet.h>
#include <net/netns.h>
#include <net/packet.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/qsbr.h>

#include "capfile.h"
#include "net_test.h"

static uint8_t file[1 << 21];
static size_t file_len;

static void
end_xmit(struct ifnet *ifp, struct packetq *q)
{
	packetq_drop(q);
}

static const struct if_ops end_if_ops = { .ifo_xmit = end_xmit, .ifo_kind = "end" };

static struct ifnet *
end_create(void)
{
	static const uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 1 };
	struct ifnet *ifp;

	netns_quiet(netns0);
	NEED(if_alloc("end%d", &end_if_ops, NULL, &ifp) == 0);
	if_ethernet(ifp, lladdr);
	ifp->if_mtu = 1000;	/* too small for IPv6, which would say something */
	ifp->if_hwcaps = ifp->if_caps = IFCAP_FRAGS | IFCAP_TXCSUM | IFCAP_GSO;
	NEED(if_attach(netns0, ifp) == 0);
	mutex_enter(&netns0->ns_lock);
	(void)if_setflags(ifp, IFF_UP, IFF_UP);
	mutex_exit(&netns0->ns_lock);
	return ifp;
}

static void
end_destroy(struct ifnet *ifp)
{
	if_detach(ifp);
	if_rele(ifp);
	qsbr_barrier();
}

/* The block at *off: its type, and *off behind it.  0 at the end. */
static uint32_t
block(size_t *off, const uint8_t **ret_body)
{
	uint32_t type, len;

	if (*off == file_len)
		return 0;
	NEED(file_len - *off >= 12);
	type = le32_get(file + *off);
	len = le32_get(file + *off + 4);
	NEED(len % 4 == 0 && len >= 12 && len <= file_len - *off);
	CHECK_EQ("both ends", len, le32_get(file + *off + len - 4));
	*ret_body = file + *off + 8;
	*off += len;
	return type;
}

TEST(packets_are_in_the_file_as_they_were)
{
	static const size_t sizes[] = { 14, 15, 16, 17, 60, 1514, 9014, 65535 };
	struct ifnet *ifp = end_create();
	const uint8_t *body;
	size_t off = 0;

	CHECK_EQ("start", 0, capture_start(ifp, harness_capture_path(), 0));
	CHECK_EQ("again", EEXIST, capture_start(ifp, harness_capture_path(), 0));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		frame_send(ifp, sizes[i], (uint8_t)i);
	CHECK_EQ("stop", 0, capture_stop(ifp));
	CHECK_EQ("stopped", ENOENT, capture_stop(ifp));
	frame_send(ifp, 100, 1);
	file_len = harness_capture_read(file, sizeof(file));
	CHECK_EQ("section", 0x0a0d0d0a, block(&off, &body));
	CHECK_EQ("order", 0x1a2b3c4d, le32_get(body));
	CHECK_EQ("interface", 1, block(&off, &body));
	CHECK_EQ("Ethernet", 1, le16_get(body));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		CHECK_EQ("packet", 6, block(&off, &body));
		CHECK_EQ("captured", sizes[i], le32_get(body + 12));
		CHECK_EQ("length", sizes[i], le32_get(body + 16));
		for (size_t n = 0; n < sizes[i]; n++)
			NEED(body[20 + n] == i);
	}
	CHECK_EQ("statistics", 5, block(&off, &body));
	CHECK_EQ("end", 0, block(&off, &body));
	end_destroy(ifp);
}

TEST(long_packets_are_cut)
{
	struct ifnet *ifp = end_create();
	const uint8_t *body;
	size_t off = 0;

	CHECK_EQ("start", 0, capture_start(ifp, harness_capture_path(), 96));
	frame_send(ifp, 9000, 7);
	CHECK_EQ("stop", 0, capture_stop(ifp));
	file_len = harness_capture_read(file, sizeof(file));
	CHECK_EQ("section", 0x0a0d0d0a, block(&off, &body));
	CHECK_EQ("interface", 1, block(&off, &body));
	CHECK_EQ("snaplen", 96, le32_get(body + 4));
	CHECK_EQ("packet", 6, block(&off, &body));
	CHECK_EQ("captured", 96, le32_get(body + 12));
	CHECK_EQ("length", 9000, le32_get(body + 16));
	end_destroy(ifp);
}

TEST(an_interface_that_goes_leaves_a_complete_file)
{
	struct ifnet *ifp = end_create(), *other;
	const uint8_t *body;
	size_t off = 0;
	uint32_t type, last = 0;

	CHECK_EQ("start", 0, capture_start(ifp, harness_capture_path(), 0));
	frame_send(ifp, 100, 7);
	end_destroy(ifp);
	other = end_create();
	/* Whoever stops anything waits for all that have ended. */
	CHECK_EQ("none", ENOENT, capture_stop(other));
	file_len = harness_capture_read(file, sizeof(file));
	while ((type = block(&off, &body)) != 0)
		last = type;
	CHECK_EQ("statistics", 5, last);
	end_destroy(other);
}

TEST(a_file_that_cannot_be_made_is_an_error)
{
	struct ifnet *ifp = end_create();

	CHECK_EQ("folder", ENOENT, capture_start(ifp, "/nowhere/at/all", 0));
	CHECK_EQ("none", ENOENT, capture_stop(ifp));
	end_destroy(ifp);
}

/* The interface is not what is tested: it is made before anything fails. */
static int
start_and_stop(void)
{
	struct ifnet *ifp = if_byname(netns0, "end0");
	int error = capture_start(ifp, harness_capture_path(), 0);

	if (error == 0) {
		frame_send(ifp, 100, 1);
		(void)capture_stop(ifp);
	}
	(void)harness_capture_read(file, sizeof(file));
	return error;
}

static void
sweep(enum harness_fault kind)
{
	struct ifnet *ifp = end_create();

	/* What the first use of a packet makes stays. */
	frame_send(ifp, 100, 1);
	fault_sweep(kind, start_and_stop);
	end_destroy(ifp);
}

TEST_WITH(each_failed_thread_is_survived, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	sweep(FAULT_THREAD);
}

TEST_WITH(each_failed_open_is_survived, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	sweep(FAULT_OPEN);
}
