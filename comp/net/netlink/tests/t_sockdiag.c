/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sockdiag.c - what ss(8) would be told
 */

#include <harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "nltest.h"

static struct nltest nl;

static int
udp_socket(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);

	NEED(fd >= 0);
	NEED(rump_sys_bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	return fd;
}

static void
ask_udp(struct inet_diag_req_v2 *req)
{
	*req = (struct inet_diag_req_v2){ .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_UDP,
	    .idiag_states = ~0u, .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1) };
}

TEST(udp_sockets_are_listed_and_filtered)
{
	struct { struct inet_diag_bc_op op, arg; } code = {
		.op = { INET_DIAG_BC_S_EQ, 8, 12 }, .arg = { 0, 0, 4002 },
	};
	struct inet_diag_req_v2 req;
	struct inet_diag_msg msg;
	int fds[3];

	nltest_open(&nl, NETLINK_SOCK_DIAG);
	for (uint16_t i = 0; i < 3; i++)
		fds[i] = udp_socket((uint16_t)(4001 + i));
	ask_udp(&req);
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	CHECK_EQ("all", 0, nltest_talk(&nl));
	CHECK_EQ("number", 3, nl.t_nmsgs);
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	nltest_attr(&nl, INET_DIAG_REQ_BYTECODE, &code, sizeof(code));
	CHECK_EQ("one", 0, nltest_talk(&nl));
	CHECK_EQ("number", 1, nl.t_nmsgs);
	NEED(nltest_msg(&nl, 0) != NULL);
	memcpy(&msg, NLMSG_DATA(nltest_msg(&nl, 0)), sizeof(msg));
	CHECK_EQ("port", 4002, ntohs(msg.id.idiag_sport));
	CHECK_EQ("state", 7, msg.idiag_state);
	CHECK(nltest_find(nltest_msg(&nl, 0), sizeof(msg), INET_DIAG_SKMEMINFO) != NULL);
	code.op.yes = 0;
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	nltest_attr(&nl, INET_DIAG_REQ_BYTECODE, &code, sizeof(code));
	CHECK_EQ("nonsense", EINVAL, nltest_talk(&nl));

	/* One by its identity, then by one that nobody has. */
	req.id = msg.id;
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, 0, &req, sizeof(req));
	CHECK_EQ("exact", 0, nltest_talk(&nl));
	CHECK_EQ("number", 1, nl.t_nmsgs);
	req.id.idiag_sport = htons(9);
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, 0, &req, sizeof(req));
	CHECK_EQ("nobody", ENOENT, nltest_talk(&nl));
	for (int i = 0; i < 3; i++)
		rump_sys_close(fds[i]);
	nltest_close(&nl);
}

TEST(unix_netlink_and_packet_sockets_are_listed)
{
	struct unix_diag_req ureq = { .sdiag_family = AF_UNIX, .udiag_states = ~0u,
	    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN };
	struct netlink_diag_req nreq = { .sdiag_family = AF_NETLINK,
	    .sdiag_protocol = NDIAG_PROTO_ALL, .ndiag_show = NDIAG_SHOW_GROUPS };
	struct packet_diag_req preq = { .sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO };
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "\0name" };
	struct netlink_diag_msg nmsg;
	struct rtattr *rta;
	int ufd, pfd;

	nltest_open(&nl, NETLINK_SOCK_DIAG);
	ufd = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	pfd = rump_sys_socket(AF_PACKET, SOCK_RAW, 0);
	NEED(ufd >= 0 && pfd >= 0);
	NEED(rump_sys_bind(ufd, (struct sockaddr *)&sun, sizeof(sa_family_t) + 5) == 0);
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &ureq, sizeof(ureq));
	CHECK_EQ("unix", 0, nltest_talk(&nl));
	CHECK_EQ("number", 1, nl.t_nmsgs);
	NEED(nltest_msg(&nl, 0) != NULL);
	rta = nltest_find(nltest_msg(&nl, 0), sizeof(struct unix_diag_msg), UNIX_DIAG_NAME);
	NEED(rta != NULL);
	CHECK_MEM("name", "\0name", RTA_DATA(rta), 5);
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &nreq, sizeof(nreq));
	CHECK_EQ("netlink", 0, nltest_talk(&nl));
	CHECK_EQ("number", 1, nl.t_nmsgs);
	NEED(nltest_msg(&nl, 0) != NULL);
	memcpy(&nmsg, NLMSG_DATA(nltest_msg(&nl, 0)), sizeof(nmsg));
	CHECK_EQ("protocol", NETLINK_SOCK_DIAG, nmsg.ndiag_protocol);
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &preq, sizeof(preq));
	CHECK_EQ("packet", 0, nltest_talk(&nl));
	CHECK_EQ("number", 1, nl.t_nmsgs);
	preq.sdiag_family = 99;
	nltest_begin(&nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &preq, sizeof(preq));
	CHECK_EQ("no family", ENOENT, nltest_talk(&nl));
	rump_sys_close(ufd);
	rump_sys_close(pfd);
	nltest_close(&nl);
}
