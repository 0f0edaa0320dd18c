/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_afpacket.c - packet sockets, on the loopback interface
 *
 * What is sent into lo leaves it (PACKET_OUTGOING) and arrives (PACKET_HOST).
 */

#include <harness.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <arpa/inet.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define LO		1		/* the first interface of a name space */
#define ETHERTYPE	0x88b5		/* IEEE 802: for local experiments */

struct frame {
	uint8_t		 f_dst[ETH_ALEN], f_src[ETH_ALEN];
	uint16_t	 f_type;
	char		 f_text[32];
} __attribute__((__packed__));

static const struct frame sample = {
	.f_dst = { 0, 0, 0, 0, 0, 0 }, .f_src = { 2, 0, 0, 0, 0, 7 },
	.f_type = (ETHERTYPE & 0xff) << 8 | ETHERTYPE >> 8, .f_text = "one frame",
};

static int
open_socket(int type, int protocol)
{
	int fd = rump_sys_socket(AF_PACKET, type, htons((uint16_t)protocol));

	NEED(fd >= 0);
	return fd;
}

static void
bind_socket(int fd, int ifindex, int protocol)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = ifindex,
	    .sll_protocol = htons((uint16_t)protocol) };

	NEED(rump_sys_bind(fd, (struct sockaddr *)&ll, sizeof(ll)) == 0);
}

static void
send_frame(int fd, const void *data, size_t len)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = LO };

	CHECK_EQ("sent", len, rump_sys_sendto(fd, data, len, 0, (struct sockaddr *)&ll,
	    sizeof(ll)));
}

static ssize_t
receive(int fd, void *buf, size_t len, struct sockaddr_ll *ll)
{
	socklen_t salen = sizeof(*ll);

	memset(ll, 0, sizeof(*ll));
	return rump_sys_recvfrom(fd, buf, len, MSG_DONTWAIT, (struct sockaddr *)ll, &salen);
}

TEST(a_raw_frame_leaves_and_arrives_with_its_header)
{
	int tx = open_socket(SOCK_RAW, 0), rx = open_socket(SOCK_RAW, ETH_P_ALL);
	static const int types[] = { PACKET_OUTGOING, PACKET_HOST };
	struct sockaddr_ll ll;
	struct frame got;

	send_frame(tx, &sample, sizeof(sample));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK_EQ("length", sizeof(sample), receive(rx, &got, sizeof(got), &ll));
		CHECK_MEM("frame", &sample, &got, sizeof(sample));
		CHECK_EQ("type", types[i], ll.sll_pkttype);
		CHECK_EQ("interface", LO, ll.sll_ifindex);
		CHECK_EQ("protocol", ETHERTYPE, ntohs(ll.sll_protocol));
		CHECK_EQ("address length", ETH_ALEN, ll.sll_halen);
		CHECK_MEM("address", sample.f_src, ll.sll_addr, ETH_ALEN);
	}
	CHECK_EQ("no more", -1, receive(rx, &got, sizeof(got), &ll));
	CHECK_EQ("why", EAGAIN, errno);
	rump_sys_close(tx);
	rump_sys_close(rx);
}

TEST(a_cooked_socket_has_no_header)
{
	int tx = open_socket(SOCK_DGRAM, 0), rx = open_socket(SOCK_DGRAM, ETHERTYPE);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = LO,
	    .sll_protocol = htons(ETHERTYPE), .sll_halen = ETH_ALEN }, ll;
	char buf[64];

	CHECK_EQ("sent", 5, rump_sys_sendto(tx, "hello", 5, 0, (struct sockaddr *)&to,
	    sizeof(to)));
	/* A socket of one protocol hears only what arrives. */
	CHECK_EQ("length", 5, receive(rx, buf, sizeof(buf), &ll));
	CHECK_MEM("text", "hello", buf, 5);
	CHECK_EQ("type", PACKET_HOST, ll.sll_pkttype);
	CHECK_EQ("no more", -1, receive(rx, buf, sizeof(buf), &ll));
	rump_sys_close(tx);
	rump_sys_close(rx);
}

TEST(other_protocols_and_interfaces_are_not_heard)
{
	int tx = open_socket(SOCK_RAW, 0), other = open_socket(SOCK_RAW, ETHERTYPE + 1);
	int none = open_socket(SOCK_RAW, 0);
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = 77 };
	struct frame got;

	send_frame(tx, &sample, sizeof(sample));
	CHECK_EQ("other protocol", -1, receive(other, &got, sizeof(got), &ll));
	CHECK_EQ("no protocol", -1, receive(none, &got, sizeof(got), &ll));
	ll = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_ifindex = 77 };
	CHECK_EQ("no interface", -1, rump_sys_bind(none, (struct sockaddr *)&ll, sizeof(ll)));
	CHECK_EQ("why", ENODEV, errno);
	bind_socket(none, LO, ETHERTYPE);
	send_frame(tx, &sample, sizeof(sample));
	CHECK_EQ("bound", sizeof(sample), receive(none, &got, sizeof(got), &ll));
	rump_sys_close(tx);
	rump_sys_close(other);
	rump_sys_close(none);
}

TEST(options_read_back_and_statistics_start_anew)
{
	int fd = open_socket(SOCK_RAW, ETH_P_ALL), one = 1, value = 7;
	struct packet_mreq mr = { .mr_ifindex = LO, .mr_type = PACKET_MR_PROMISC };
	socklen_t len = sizeof(value);
	struct tpacket_stats st;

	CHECK_EQ("set", 0, rump_sys_setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
	    sizeof(one)));
	CHECK_EQ("get", 0, rump_sys_getsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &value, &len));
	CHECK_EQ("value", 1, value);
	send_frame(fd, &sample, sizeof(sample));
	for (int i = 0; i < 2; i++) {
		len = sizeof(st);
		CHECK_EQ("statistics", 0, rump_sys_getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st,
		    &len));
		CHECK_EQ("packets", i == 0 ? 1 : 0, st.tp_packets);
		CHECK_EQ("drops", 0, st.tp_drops);
	}
	CHECK_EQ("ring", -1, rump_sys_setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &one, sizeof(one)));
	CHECK_EQ("why", ENOPROTOOPT, errno);
	CHECK_EQ("join", 0, rump_sys_setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr,
	    sizeof(mr)));
	CHECK_EQ("join", 0, rump_sys_setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr,
	    sizeof(mr)));
	for (int i = 0; i < 3; i++)
		CHECK_EQ("leave", i < 2 ? 0 : -1, rump_sys_setsockopt(fd, SOL_PACKET,
		    PACKET_DROP_MEMBERSHIP, &mr, sizeof(mr)));
	CHECK_EQ("why", EADDRNOTAVAIL, errno);
	rump_sys_close(fd);
}

TEST(a_filter_cuts_and_drops)
{
	/* 20 bytes of our type, nothing of others. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 20),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	int tx = open_socket(SOCK_RAW, 0), rx = open_socket(SOCK_RAW, ETH_P_ALL), one = 1;
	struct frame got, other = sample;
	struct iovec iov = { &got, sizeof(got) };
	char control[256];
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };
	struct tpacket_auxdata aux;
	struct sockaddr_ll ll;

	CHECK_EQ("attach", 0, rump_sys_setsockopt(rx, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
	    sizeof(prog)));
	CHECK_EQ("auxdata", 0, rump_sys_setsockopt(rx, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)));
	CHECK_EQ("in only", 0, rump_sys_setsockopt(rx, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
	    sizeof(one)));
	other.f_type = htons(ETHERTYPE + 1);
	send_frame(tx, &other, sizeof(other));
	send_frame(tx, &sample, sizeof(sample));
	CHECK_EQ("cut", 20, rump_sys_recvmsg(rx, &msg, MSG_DONTWAIT));
	NEED(CMSG_FIRSTHDR(&msg) != NULL);
	CHECK_EQ("auxdata", PACKET_AUXDATA, CMSG_FIRSTHDR(&msg)->cmsg_type);
	memcpy(&aux, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(aux));
	CHECK_EQ("whole", sizeof(sample), aux.tp_len);
	CHECK_EQ("kept", 20, aux.tp_snaplen);
	CHECK_EQ("network header", ETH_HLEN, aux.tp_net);
	CHECK_EQ("no more", -1, receive(rx, &got, sizeof(got), &ll));
	rump_sys_close(tx);
	rump_sys_close(rx);
}

TEST(a_virtio_header_goes_in_front_both_ways)
{
	struct {
		struct virtio_net_hdr vh;
		struct frame f;
	} __attribute__((__packed__)) out = { .f = sample }, in;
	int fd = open_socket(SOCK_RAW, ETH_P_ALL), one = 1;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = LO }, ll;

	CHECK_EQ("set", 0, rump_sys_setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)));
	send_frame(fd, &out, sizeof(out));
	memset(&in, 0x55, sizeof(in));
	CHECK_EQ("length", sizeof(in), receive(fd, &in, sizeof(in), &ll));
	CHECK_EQ("no segments", VIRTIO_NET_HDR_GSO_NONE, in.vh.gso_type);
	CHECK_MEM("frame", &sample, &in.f, sizeof(sample));

	/* A checksum outside of the frame, and segments without a size. */
	out.vh.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	out.vh.csum_start = 60000;
	CHECK_EQ("bad checksum", -1, rump_sys_sendto(fd, &out, sizeof(out), 0,
	    (struct sockaddr *)&to, sizeof(to)));
	CHECK_EQ("why", EINVAL, errno);
	out.vh.csum_start = 14;
	out.vh.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	CHECK_EQ("bad size", -1, rump_sys_sendto(fd, &out, sizeof(out), 0,
	    (struct sockaddr *)&to, sizeof(to)));
	CHECK_EQ("why", EINVAL, errno);
	rump_sys_close(fd);
}

static const struct { const char *label; size_t len; int ifindex, want; } send_cases[] = {
	{ "no header",		10,	LO,	EINVAL },
	{ "too long",		65600,	LO,	EMSGSIZE },
	{ "no interface",	64,	0,	ENXIO },
	{ "unknown interface",	64,	99,	ENXIO },
};

TEST(impossible_frames_are_refused)
{
	static uint8_t big[70000];
	int fd = open_socket(SOCK_RAW, 0);

	for (size_t i = 0; i < ARRAY_SIZE(send_cases); i++) {
		struct sockaddr_ll to = { .sll_family = AF_PACKET,
		    .sll_ifindex = send_cases[i].ifindex };

		CHECK_EQ(send_cases[i].label, -1, rump_sys_sendto(fd, big, send_cases[i].len, 0,
		    (struct sockaddr *)&to, sizeof(to)));
		CHECK_EQ(send_cases[i].label, send_cases[i].want, errno);
	}
	rump_sys_close(fd);
}

TEST(a_full_queue_counts_what_it_loses)
{
	int tx = open_socket(SOCK_RAW, 0), rx = open_socket(SOCK_RAW, ETHERTYPE), small = 1;
	struct tpacket_stats st;
	socklen_t len = sizeof(st);
	struct sockaddr_ll ll;
	struct frame got;
	unsigned int n = 0;

	CHECK_EQ("buffer", 0, rump_sys_setsockopt(rx, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	for (int i = 0; i < 100; i++)
		send_frame(tx, &sample, sizeof(sample));
	while (receive(rx, &got, sizeof(got), &ll) > 0)
		n++;
	CHECK_EQ("statistics", 0, rump_sys_getsockopt(rx, SOL_PACKET, PACKET_STATISTICS, &st, &len));
	CHECK(n > 0 && n < 100);
	CHECK_EQ("all", 100, st.tp_packets);
	CHECK_EQ("lost", 100 - n, st.tp_drops);
	rump_sys_close(tx);
	rump_sys_close(rx);
}

SWEEP(each_failed_allocation_is_survived, FAULT_MEMORY)
{
	struct packet_mreq mr = { .mr_ifindex = LO, .mr_type = PACKET_MR_PROMISC };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = LO };
	struct frame got;
	int fd, error = 0;

	fd = rump_sys_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (fd < 0)
		return errno == ENOBUFS ? ENOMEM : errno;
	if (rump_sys_setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr, sizeof(mr)) != 0 ||
	    rump_sys_sendto(fd, &sample, sizeof(sample), 0, (struct sockaddr *)&to,
	    sizeof(to)) < 0)
		error = errno == ENOBUFS ? ENOMEM : errno;
	/* A lost copy is no error of anybody's. */
	else if (rump_sys_recvfrom(fd, &got, sizeof(got), MSG_DONTWAIT, NULL, NULL) < 0)
		error = errno == EAGAIN ? ENOMEM : errno;
	rump_sys_close(fd);
	return error;
}
