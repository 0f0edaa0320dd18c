/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_nlsocket.c - netlink sockets themselves: ports, options, ACKs, overruns
 */

#include <harness.h>

#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "nltest.h"

static struct nltest nl, other;

static uint32_t
port_of(int fd)
{
	struct sockaddr_nl sa;
	socklen_t len = sizeof(sa);

	NEED(rump_sys_getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	CHECK_EQ("length", sizeof(sa), len);
	CHECK_EQ("family", AF_NETLINK, sa.nl_family);
	return sa.nl_pid;
}

TEST(ports_are_chosen_and_belong_to_one)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	int fd;

	nltest_open(&nl, NETLINK_ROUTE);
	nltest_open(&other, NETLINK_ROUTE);
	CHECK(port_of(nl.t_fd) != 0);
	CHECK(port_of(other.t_fd) != 0);
	CHECK(port_of(nl.t_fd) != port_of(other.t_fd));
	fd = rump_sys_socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	NEED(fd >= 0);
	CHECK_EQ("not bound", 0, port_of(fd));
	sa.nl_pid = port_of(nl.t_fd);
	CHECK_EQ("taken", -1, rump_sys_bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	CHECK_EQ("why", EADDRINUSE, errno);
	sa.nl_pid = 4711;
	CHECK_EQ("free", 0, rump_sys_bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	CHECK_EQ("port", 4711, port_of(fd));
	CHECK_EQ("the same again", 0, rump_sys_bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	sa.nl_pid = 4712;
	CHECK_EQ("another", -1, rump_sys_bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	CHECK_EQ("why", EINVAL, errno);
	rump_sys_close(fd);
	CHECK_EQ("no family", -1, rump_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_NFLOG));
	CHECK_EQ("why", EPROTONOSUPPORT, errno);
	CHECK_EQ("no type", -1, rump_sys_socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
	CHECK_EQ("why", ESOCKTNOSUPPORT, errno);
	nltest_close(&nl);
	nltest_close(&other);
}

TEST(programs_talk_to_each_other)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK }, from;
	struct { struct nlmsghdr h; char text[8]; } msg = { .h = { .nlmsg_len = sizeof(msg) },
	    .text = "hello" }, got;
	socklen_t len = sizeof(from);

	nltest_open(&nl, NETLINK_USERSOCK);
	nltest_open(&other, NETLINK_USERSOCK);
	sa.nl_pid = port_of(other.t_fd);
	CHECK_EQ("send", sizeof(msg), rump_sys_sendto(nl.t_fd, &msg, sizeof(msg), 0,
	    (struct sockaddr *)&sa, sizeof(sa)));
	CHECK_EQ("receive", sizeof(got), rump_sys_recvfrom(other.t_fd, &got, sizeof(got),
	    MSG_DONTWAIT, (struct sockaddr *)&from, &len));
	CHECK_STR("text", "hello", got.text);
	CHECK_EQ("from", port_of(nl.t_fd), from.nl_pid);
	sa.nl_pid = 99999;
	CHECK_EQ("nobody", -1, rump_sys_sendto(nl.t_fd, &msg, sizeof(msg), 0,
	    (struct sockaddr *)&sa, sizeof(sa)));
	CHECK_EQ("why", ECONNREFUSED, errno);
	nltest_close(&nl);
	nltest_close(&other);
}

static const struct { const char *label; int name; } options[] = {
	{ "pktinfo", NETLINK_PKTINFO }, { "broadcast", NETLINK_BROADCAST_ERROR },
	{ "no enobufs", NETLINK_NO_ENOBUFS }, { "cap ack", NETLINK_CAP_ACK },
	{ "ext ack", NETLINK_EXT_ACK }, { "strict", NETLINK_GET_STRICT_CHK },
};

TEST(options_read_back)
{
	socklen_t len = sizeof(int);
	uint32_t groups[2] = { 0, 0 };
	int value;

	nltest_open(&nl, NETLINK_ROUTE);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		for (int want = 1; want >= 0; want--) {
			nltest_option(&nl, options[i].name, want);
			value = 5;
			CHECK_EQ(options[i].label, 0, rump_sys_getsockopt(nl.t_fd, SOL_NETLINK,
			    options[i].name, &value, &len));
			CHECK_EQ(options[i].label, want, value);
		}
	}
	nltest_option(&nl, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK);
	nltest_option(&nl, NETLINK_ADD_MEMBERSHIP, RTNLGRP_NSID);
	len = sizeof(groups);
	CHECK_EQ("list", 0, rump_sys_getsockopt(nl.t_fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS,
	    groups, &len));
	CHECK_EQ("groups", 1u << (RTNLGRP_LINK - 1) | 1u << (RTNLGRP_NSID - 1), groups[0]);
	value = 1000;
	CHECK_EQ("no group", -1, rump_sys_setsockopt(nl.t_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
	    &value, sizeof(value)));
	CHECK_EQ("why", EINVAL, errno);
	CHECK_EQ("unknown", -1, rump_sys_setsockopt(nl.t_fd, SOL_NETLINK, 99, &value, sizeof(value)));
	CHECK_EQ("why", ENOPROTOOPT, errno);
	nltest_close(&nl);
}

TEST(an_ack_says_what_was_wrong_and_quotes_it)
{
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_dst_len = 24 };
	struct nlmsghdr *nh = (void *)nl.t_ans;
	struct nlmsgerr ne;
	uint16_t address = 7;

	nltest_open(&nl, NETLINK_ROUTE);
	nltest_begin(&nl, RTM_NEWROUTE, NLM_F_CREATE, &rtm, sizeof(rtm));
	nltest_attr(&nl, RTA_DST, &address, sizeof(address));
	((struct nlmsghdr *)(void *)nl.t_req)->nlmsg_len = (uint32_t)nl.t_len;
	for (int cap = 0; cap < 2; cap++) {
		nltest_option(&nl, NETLINK_CAP_ACK, cap);
		nl.t_got = 0;
		NEED(rump_sys_send(nl.t_fd, nl.t_req, nl.t_len, 0) == (ssize_t)nl.t_len);
		NEED(nltest_read(&nl, MSG_DONTWAIT) > 0);
		CHECK_EQ("type", NLMSG_ERROR, nh->nlmsg_type);
		memcpy(&ne, NLMSG_DATA(nh), sizeof(ne));
		CHECK_EQ("error", -ERANGE, ne.error);
		CHECK_EQ("quoted", cap == 0, (nh->nlmsg_flags & NLM_F_CAPPED) == 0);
		CHECK((nh->nlmsg_flags & NLM_F_ACK_TLVS) != 0);
		if (cap == 0)
			CHECK_MEM("request", nl.t_req + sizeof(*nh), nl.t_ans + sizeof(*nh) +
			    sizeof(ne), nl.t_len - sizeof(*nh));
	}
	nltest_talk(&nl);
	CHECK_EQ("offset", sizeof(*nh) + sizeof(rtm), nl.t_off);
	CHECK(nl.t_text[0] != '\0');
	nltest_close(&nl);
}

TEST(a_row_of_requests_is_answered_in_order)
{
	struct ifinfomsg ifi = { .ifi_index = 1 };
	struct nlmsghdr *nh;
	uint8_t row[256];
	size_t len = 0;

	nltest_open(&nl, NETLINK_ROUTE);
	for (uint32_t i = 0; i < 3; i++) {
		nltest_begin(&nl, i == 1 ? RTM_GETSTATS : RTM_GETLINK, NLM_F_ACK, &ifi, sizeof(ifi));
		nh = (void *)nl.t_req;
		nh->nlmsg_len = (uint32_t)nl.t_len;
		nh->nlmsg_seq = 100 + i;
		memcpy(row + len, nl.t_req, nl.t_len);
		len += nl.t_len;
	}
	CHECK_EQ("send", len, rump_sys_send(nl.t_fd, row, len, 0));
	nh = (void *)nl.t_ans;
	for (uint32_t i = 0; i < 3; i++) {
		nl.t_got = 0;
		if (i != 1) {
			NEED(nltest_read(&nl, MSG_DONTWAIT) > 0);
			CHECK_EQ("answer", RTM_NEWLINK, nh->nlmsg_type);
		}
		NEED(nltest_read(&nl, MSG_DONTWAIT) > 0);
		CHECK_EQ("ack", NLMSG_ERROR, nh->nlmsg_type);
		CHECK_EQ("sequence", 100 + i, nh->nlmsg_seq);
	}
	nltest_close(&nl);
}

TEST_WITH(a_full_queue_is_told_once, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct pollfd pfd;
	unsigned int n = 0;
	int size = 1;

	nltest_open(&nl, NETLINK_ROUTE);
	nltest_open(&other, NETLINK_ROUTE);
	nltest_option(&other, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK);
	NEED(rump_sys_setsockopt(other.t_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
	for (int i = 0; i < 200; i++)
		CHECK_EQ("change", 0, nltest_up(&nl, 1, i % 2 == 0));
	pfd = (struct pollfd){ .fd = other.t_fd, .events = POLLIN };
	CHECK_EQ("poll", 1, rump_sys_poll(&pfd, 1, 0));
	CHECK((pfd.revents & POLLERR) != 0);
	CHECK_EQ("told", -1, nltest_read(&other, MSG_DONTWAIT));
	CHECK_EQ("why", ENOBUFS, errno);
	while (nltest_read(&other, MSG_DONTWAIT) > 0)
		n++;
	CHECK_EQ("once", EAGAIN, errno);
	CHECK(n > 0 && n < 200);
	/* Empty again: it hears again. */
	CHECK_EQ("change", 0, nltest_up(&nl, 1, true));
	CHECK(nltest_read(&other, MSG_DONTWAIT) > 0);
	nltest_close(&nl);
	nltest_close(&other);
}

TEST_WITH(who_has_no_rights_may_look_but_not_change, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	nltest_open(&nl, NETLINK_ROUTE);
	NEED(rump_sys_setuid(1000) == 0);
	CHECK_EQ("look", 1, nltest_ifindex(&nl, "lo"));
	CHECK_EQ("change", EPERM, nltest_up(&nl, 1, false));
	nltest_close(&nl);
}

TEST(the_controller_knows_itself)
{
	struct genlmsghdr gh = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct rtattr *rta;

	nltest_open(&nl, NETLINK_GENERIC);
	nltest_begin(&nl, GENL_ID_CTRL, 0, &gh, sizeof(gh));
	nltest_text(&nl, CTRL_ATTR_FAMILY_NAME, "nlctrl");
	CHECK_EQ("by name", 0, nltest_talk(&nl));
	NEED(nltest_msg(&nl, 0) != NULL);
	rta = nltest_find(nltest_msg(&nl, 0), sizeof(gh), CTRL_ATTR_FAMILY_ID);
	NEED(rta != NULL);
	CHECK_EQ("id", GENL_ID_CTRL, *(uint16_t *)RTA_DATA(rta));
	nltest_begin(&nl, GENL_ID_CTRL, 0, &gh, sizeof(gh));
	nltest_text(&nl, CTRL_ATTR_FAMILY_NAME, "none");
	CHECK_EQ("unknown", ENOENT, nltest_talk(&nl));
	nltest_begin(&nl, GENL_ID_CTRL, NLM_F_DUMP, &gh, sizeof(gh));
	CHECK_EQ("all", 0, nltest_talk(&nl));
	CHECK_EQ("one", 1, nl.t_nmsgs);
	nltest_close(&nl);
}

SWEEP(each_failed_allocation_is_survived, FAULT_MEMORY)
{
	struct rtmsg rtm = { .rtm_family = AF_INET };
	struct ifinfomsg ifi = { 0 };
	int error;

	memset(&nl, 0, sizeof(nl));
	nl.t_fd = rump_sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (nl.t_fd == -1)
		return errno;
	nltest_begin(&nl, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	error = nltest_talk(&nl);
	if (error == 0) {
		nltest_begin(&nl, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
		error = nltest_talk(&nl);
	}
	rump_sys_close(nl.t_fd);
	/* Without memory for an answer there is none, which a reader learns so. */
	return error == ENOBUFS || error == EAGAIN ? ENOMEM : error;
}
