/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_udp_extra.c - what comes along with datagrams, as on the host: time stamps,
 * counts of drops, notes of MSG_ZEROCOPY; and whose datagrams of a group come at all
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include <harness.h>
#include <twin.h>

/* Two that are connected to each other, on lo. */
static void
udp_pair(struct twin *tw, int fd[2])
{
	struct sockaddr_in sin[2];
	socklen_t len = sizeof(sin[0]);

	for (int i = 0; i < 2; i++) {
		fd[i] = FD(tw, socket, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		sin[i] = (struct sockaddr_in){ .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		CALL(tw, bind, A(fd[i]), A(&sin[i]), sizeof(sin[i]));
		CALL(tw, getsockname, A(fd[i]), A(&sin[i]), A(&len));
	}
	CALL(tw, connect, A(fd[0]), A(&sin[1]), sizeof(sin[1]));
	CALL(tw, connect, A(fd[1]), A(&sin[0]), sizeof(sin[0]));
}

static void
note_events(struct twin *tw, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	CALL(tw, poll, A(&pfd), 1, 0);
	twin_note(tw, "events", pfd.revents);
}

/* The control data is recorded: types, lengths, and of errors what they say. */
static void
note_recv(struct twin *tw, int fd, int flags)
{
	union {
		struct cmsghdr cm;
		char bytes[512];
	} c;
	struct sockaddr_in sin;
	struct iovec iov = { (char[64]){ 0 }, 64 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c), .msg_name = &sin, .msg_namelen = sizeof(sin) };
	struct sock_extended_err ee;
	struct timespec ts;

	memset(&c, 0, sizeof(c));
	if (CALL(tw, recvmsg, A(fd), A(&mh), A(flags)) < 0)
		return;
	twin_note(tw, "flags", mh.msg_flags);
	twin_note(tw, "name", mh.msg_namelen);
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(&mh); cm != NULL; cm = CMSG_NXTHDR(&mh, cm)) {
		twin_note(tw, "control", (long)cm->cmsg_len << 32 | cm->cmsg_level << 16 |
		    cm->cmsg_type);
		if (cm->cmsg_level == SOL_IP && cm->cmsg_type == IP_RECVERR) {
			memcpy(&ee, CMSG_DATA(cm), sizeof(ee));
			twin_note(tw, "errno", ee.ee_errno);
			twin_note(tw, "origin", ee.ee_origin);
			twin_note(tw, "code", ee.ee_code);
			twin_note(tw, "from", ee.ee_info);
			twin_note(tw, "to", ee.ee_data);
		} else if (cm->cmsg_level == SOL_SOCKET) {
			memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
			twin_note(tw, "some time", ts.tv_sec > 0);
		}
	}
}

static void
zerocopy_script(struct twin *tw)
{
	int fd[2], one = 1;

	udp_pair(tw, fd);
	CALL(tw, sendto, A(fd[0]), A("abc"), 3, MSG_ZEROCOPY, 0, 0);
	note_events(tw, fd[0]);
	CALL(tw, setsockopt, A(fd[0]), SOL_SOCKET, SO_ZEROCOPY, A(&one), sizeof(one));
	CALL(tw, sendto, A(fd[0]), A("abc"), 3, 0, 0, 0);
	CALL(tw, sendto, A(fd[0]), A("abc"), 3, MSG_ZEROCOPY, 0, 0);
	for (int i = 0; i < 3; i++)
		note_recv(tw, fd[1], 0);
	note_events(tw, fd[0]);
	note_recv(tw, fd[0], 0);
	note_recv(tw, fd[0], MSG_ERRQUEUE);
	note_recv(tw, fd[0], MSG_ERRQUEUE);
	note_events(tw, fd[0]);
	for (int i = 0; i < 3; i++) {
		CALL(tw, sendto, A(fd[0]), A("abc"), 3, MSG_ZEROCOPY, 0, 0);
		note_recv(tw, fd[1], 0);
	}
	note_recv(tw, fd[0], MSG_ERRQUEUE);
	note_recv(tw, fd[0], MSG_ERRQUEUE);
	CALL(tw, close, A(fd[0]));
	CALL(tw, close, A(fd[1]));
}

/* What is known of a way stays for a while. */
TEST_WITH(zero_copy_is_told_of_as_on_the_host, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	twin_run(zerocopy_script);
}

static void
stamp_script(struct twin *tw)
{
	static const int names[] = { SO_TIMESTAMP_OLD, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_OLD,
	    SO_TIMESTAMPNS_NEW };
	int fd[2], one = 1, zero = 0;

	udp_pair(tw, fd);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CALL(tw, setsockopt, A(fd[1]), SOL_SOCKET, A(names[i]), A(&one), sizeof(one));
		CALL(tw, sendto, A(fd[0]), A("abc"), 3, 0, 0, 0);
		note_recv(tw, fd[1], MSG_PEEK);
		note_recv(tw, fd[1], 0);
		CALL(tw, setsockopt, A(fd[1]), SOL_SOCKET, A(names[i]), A(&zero), sizeof(zero));
	}
	CALL(tw, close, A(fd[0]));
	CALL(tw, close, A(fd[1]));
}

TEST_WITH(time_stamps_come_as_on_the_host, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	twin_run(stamp_script);
}

/* The host may begin to take these a little later than it was asked to. */
static void
stamping_script(struct twin *tw)
{
	int fd[2], flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	size_t before;

	udp_pair(tw, fd);
	CALL(tw, setsockopt, A(fd[1]), SOL_SOCKET, SO_TIMESTAMPING_OLD, A(&flags), sizeof(flags));
	CALL(tw, sendto, A(fd[0]), A("abc"), 3, 0, 0, 0);
	before = tw->tw_n;
	note_recv(tw, fd[1], 0);
	CHECK_EQ("stamps", before + 5, tw->tw_n);
	CHECK_EQ("time", 1, tw->tw_log[tw->tw_n - 1].value);
	CALL(tw, close, A(fd[0]));
	CALL(tw, close, A(fd[1]));
}

TEST_WITH(software_stamps_what_comes, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	static struct twin tw;

	stamping_script(&tw);
}

/* A filter of a group on lo, from room for n sources. */
static void
filter_set(struct twin *tw, int fd, uint32_t group, uint32_t mode, uint32_t n)
{
	_Alignas(struct ip_msfilter) char buf[IP_MSFILTER_SIZE(8)] = { 0 };
	struct ip_msfilter *mf = (void *)buf;

	mf->imsf_multiaddr.s_addr = htonl(group);
	mf->imsf_interface.s_addr = htonl(INADDR_LOOPBACK);
	mf->imsf_fmode = mode;
	mf->imsf_numsrc = n;
	for (uint32_t i = 0; i < n; i++)
		mf->imsf_slist[i].s_addr = htonl(0x7f000009 - i);
	CALL(tw, setsockopt, A(fd), SOL_IP, IP_MSFILTER, A(buf), IP_MSFILTER_SIZE(n));
	CALL(tw, setsockopt, A(fd), SOL_IP, IP_MSFILTER, A(buf), IP_MSFILTER_SIZE(0) - 1);
}

/* Their order is nobody's business. */
static void
filter_note(struct twin *tw, int fd, uint32_t group, uint32_t room)
{
	_Alignas(struct ip_msfilter) char buf[IP_MSFILTER_SIZE(8)] = { 0 };
	struct ip_msfilter *mf = (void *)buf;
	socklen_t len = (socklen_t)IP_MSFILTER_SIZE(room);
	uint32_t sum = 0;

	mf->imsf_multiaddr.s_addr = htonl(group);
	mf->imsf_interface.s_addr = htonl(INADDR_LOOPBACK);
	mf->imsf_numsrc = room;
	if (CALL(tw, getsockopt, A(fd), SOL_IP, IP_MSFILTER, A(buf), A(&len)) != 0)
		return;
	twin_note(tw, "length", len);
	twin_note(tw, "mode", mf->imsf_fmode);
	twin_note(tw, "sources", mf->imsf_numsrc);
	for (uint32_t i = 0; i < mf->imsf_numsrc && i < room; i++)
		sum += ntohl(mf->imsf_slist[i].s_addr) - INADDR_LOOPBACK;
	if (mf->imsf_numsrc <= room)
		twin_note(tw, "which", sum);
}

static void
filter_script(struct twin *tw)
{
	const uint32_t group = 0xe0010207;
	struct ip_mreqn mr = { .imr_multiaddr = { htonl(group) },
	    .imr_address = { htonl(INADDR_LOOPBACK) } };
	int fd = FD(tw, socket, AF_INET, SOCK_DGRAM, 0);

	filter_note(tw, fd, group, 8);
	filter_set(tw, fd, group, MCAST_INCLUDE, 1);
	CALL(tw, setsockopt, A(fd), SOL_IP, IP_ADD_MEMBERSHIP, A(&mr), sizeof(mr));
	filter_note(tw, fd, group, 8);
	filter_set(tw, fd, INADDR_LOOPBACK, MCAST_INCLUDE, 1);
	filter_note(tw, fd, INADDR_LOOPBACK, 8);
	filter_set(tw, fd, group, 7, 1);
	filter_set(tw, fd, group, MCAST_INCLUDE, 3);
	filter_note(tw, fd, group, 8);
	filter_note(tw, fd, group, 3);
	filter_note(tw, fd, group, 1);
	filter_set(tw, fd, group, MCAST_EXCLUDE, 2);
	filter_note(tw, fd, group, 8);
	filter_set(tw, fd, group, MCAST_EXCLUDE, 0);
	filter_note(tw, fd, group, 0);
	CALL(tw, setsockopt, A(fd), SOL_IP, IP_DROP_MEMBERSHIP, A(&mr), sizeof(mr));
	filter_note(tw, fd, group, 8);
	CALL(tw, close, A(fd));
}

TEST_WITH(filters_of_groups_are_kept_as_on_the_host, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	twin_run(filter_script);
}
