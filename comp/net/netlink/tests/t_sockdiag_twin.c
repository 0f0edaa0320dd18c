/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sockdiag_twin.c - what ss(8) is told of our sockets is what it is told of the host's
 *
 * Ports are chosen by the scripts, in fresh name spaces, so that whole messages can be
 * compared but for numbers of inodes, cookies and sizes of memory.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <harness.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "nltwin.h"

#define PORT	4100
#define ALL	(~0u)

static struct nltest diag;

static void
attrs_note(struct twin *tw, const struct nlmsghdr *nh, size_t hdrlen, bool closed)
{
	static const struct {
		uint16_t	 type;
		const char	*name;
	} shown[] = {
		{ INET_DIAG_MEMINFO, "meminfo" }, { INET_DIAG_INFO, "info" },
		{ INET_DIAG_TOS, "tos" }, { INET_DIAG_TCLASS, "tclass" },
		{ INET_DIAG_SKMEMINFO, "skmeminfo" }, { INET_DIAG_MARK, "mark" },
		{ INET_DIAG_SKV6ONLY, "v6only" },
	};
	struct rtattr *rta;

	rta = nltest_find(nh, hdrlen, INET_DIAG_SHUTDOWN);
	if (!closed)
		twin_note(tw, "shutdown", rta != NULL ? *(uint8_t *)RTA_DATA(rta) : -1);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		twin_note(tw, shown[i].name, nltest_find(nh, hdrlen, shown[i].type) != NULL);
}

/* All but what two kernels cannot agree on. */
static void
inet_note(struct twin *tw, const struct nlmsghdr *nh)
{
	struct inet_diag_msg m;

	memcpy(&m, NLMSG_DATA(nh), sizeof(m));
	twin_note(tw, "family", m.idiag_family);
	twin_note(tw, "state", m.idiag_state);
	twin_note(tw, "timer", m.idiag_timer);
	twin_note(tw, "expires", m.idiag_timer == 3 ? (m.idiag_expires + 9999) / 10000 :
	    m.idiag_expires != 0);
	twin_note(tw, "source", ntohs(m.id.idiag_sport));
	twin_note(tw, "from", m.id.idiag_src[0]);
	/* Linux remembers whom a dead connection was to. */
	twin_note(tw, "to", m.idiag_state != 7 ? m.id.idiag_dst[0] : 0);
	twin_note(tw, "destination", m.idiag_state != 7 ? ntohs(m.id.idiag_dport) : 0);
	twin_note(tw, "interface", m.id.idiag_if);
	if (m.idiag_family == AF_INET && m.idiag_state != 7)
		twin_note(tw, "read queue", m.idiag_rqueue);
	twin_note(tw, "owner", m.idiag_uid);
	twin_note(tw, "has inode", m.idiag_inode != 0);
	attrs_note(tw, nh, sizeof(m), m.idiag_state == 7);
}

static int
by_ports(const void *a, const void *b)
{
	const struct inet_diag_msg *x = NLMSG_DATA(*(struct nlmsghdr *const *)a);
	const struct inet_diag_msg *y = NLMSG_DATA(*(struct nlmsghdr *const *)b);
	int sport = (int)ntohs(x->id.idiag_sport) - (int)ntohs(y->id.idiag_sport);

	return sport != 0 ? sport : (int)x->idiag_state - (int)y->idiag_state;
}

static void
inet_dump(struct twin *tw, int family, int protocol, uint32_t states, const char *about)
{
	struct inet_diag_req_v2 req = { .sdiag_family = (uint8_t)family,
	    .sdiag_protocol = (uint8_t)protocol, .idiag_states = states, .idiag_ext = 0xff };
	struct nlmsghdr *nh[32];

	tw->tw_about = about;
	nltest_begin(&diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	twin_note(tw, "errno", nltest_talk(&diag));
	twin_note(tw, "number", (long)diag.t_nmsgs);
	NEED(diag.t_nmsgs < 32);
	for (size_t i = 0; i < diag.t_nmsgs; i++)
		nh[i] = nltest_msg(&diag, i);
	qsort(nh, diag.t_nmsgs, sizeof(nh[0]), by_ports);
	for (size_t i = 0; i < diag.t_nmsgs; i++)
		inet_note(tw, nh[i]);
}

static struct sockaddr_in
local_port(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int
bound(struct twin *tw, int type, uint16_t port)
{
	struct sockaddr_in sin = local_port(port);
	int fd = FD(tw, socket, AF_INET, (unsigned int)type, 0);

	CALL(tw, bind, fd, A(&sin), sizeof(sin));
	return fd;
}

/* A listener at PORT, a client from PORT + 1. */
static void
connection(struct twin *tw, int fd[3])
{
	struct sockaddr_in sin = local_port(PORT);

	fd[0] = bound(tw, SOCK_STREAM, PORT);
	CALL(tw, listen, fd[0], 4);
	fd[1] = bound(tw, SOCK_STREAM, PORT + 1);
	CALL(tw, connect, fd[1], A(&sin), sizeof(sin));
	fd[2] = FD(tw, accept4, fd[0], 0, 0, 0);
}

static void
close_all(struct twin *tw, const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CALL(tw, close, fd[i]);
}

NLTWIN(tcp_in_its_states)
{
	struct nltwin *w = nltwin_open(tw);
	char byte;
	int fd[3];

	nltest_open_on(&diag, NETLINK_SOCK_DIAG, tw->tw_host);
	inet_dump(tw, AF_INET, IPPROTO_TCP, ALL, "nothing");
	connection(tw, fd);
	inet_dump(tw, AF_INET, IPPROTO_TCP, ALL, "a connection");
	inet_dump(tw, AF_INET6, IPPROTO_TCP, ALL, "none of IPv6");
	inet_dump(tw, AF_INET, IPPROTO_TCP, 1 << 10, "listeners");
	CALL(tw, sendto, fd[1], A("x"), 1, 0, 0, 0);
	inet_dump(tw, AF_INET, IPPROTO_TCP, 1 << 1, "a byte to read");
	CALL(tw, shutdown, fd[1], SHUT_WR);
	CALL(tw, recvfrom, fd[2], A(&byte), 1, 0, 0, 0);
	CALL(tw, recvfrom, fd[2], A(&byte), 1, 0, 0, 0);
	CALL(tw, close, fd[2]);
	CALL(tw, recvfrom, fd[1], A(&byte), 1, 0, 0, 0);
	CALL(tw, close, fd[1]);
	inet_dump(tw, AF_INET, IPPROTO_TCP, ALL, "time-wait");
	inet_dump(tw, AF_INET, IPPROTO_TCP, 1 << 6, "only time-wait");
	CALL(tw, close, fd[0]);
	nltest_close(&diag);
	nltwin_close(w);
}

NLTWIN(keepalive_has_a_timer)
{
	struct nltwin *w = nltwin_open(tw);
	int fd[3], on = 1;

	nltest_open_on(&diag, NETLINK_SOCK_DIAG, tw->tw_host);
	connection(tw, fd);
	CALL(tw, setsockopt, fd[1], SOL_SOCKET, SO_KEEPALIVE, A(&on), sizeof(on));
	inet_dump(tw, AF_INET, IPPROTO_TCP, 1 << 1, "keepalive");
	close_all(tw, fd, 3);
	nltest_close(&diag);
	nltwin_close(w);
}

/* --- ending sockets ------------------------------------------------------------------ */

static void
destroy(struct twin *tw, int family, int protocol, uint16_t sport, uint16_t dport,
    const char *about)
{
	struct inet_diag_req_v2 req = { .sdiag_family = (uint8_t)family,
	    .sdiag_protocol = (uint8_t)protocol, .id.idiag_sport = htons(sport),
	    .id.idiag_dport = htons(dport), .id.idiag_cookie = { ALL, ALL } };

	req.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
	req.id.idiag_dst[0] = dport != 0 ? htonl(INADDR_LOOPBACK) : 0;
	tw->tw_about = about;
	nltest_begin(&diag, SOCK_DESTROY, 0, &req, sizeof(req));
	twin_note(tw, "errno", nltest_talk(&diag));
}

NLTWIN(sockets_are_ended)
{
	struct nltwin *w = nltwin_open(tw);
	struct sockaddr_in sin = local_port(PORT + 3);
	char byte;
	int fd[3], udp;

	nltest_open_on(&diag, NETLINK_SOCK_DIAG, tw->tw_host);
	connection(tw, fd);
	destroy(tw, AF_INET, IPPROTO_TCP, PORT + 7, PORT, "nobody");
	destroy(tw, AF_UNIX, 0, 0, 0, "of another family");
	destroy(tw, AF_INET, IPPROTO_TCP, PORT + 1, PORT, "the client");
	CALL(tw, recvfrom, fd[1], A(&byte), 1, 0, 0, 0);
	CALL(tw, recvfrom, fd[1], A(&byte), 1, 0, 0, 0);
	CALL(tw, recvfrom, fd[2], A(&byte), 1, 0, 0, 0);
	destroy(tw, AF_INET, IPPROTO_TCP, PORT, 0, "the listener");
	inet_dump(tw, AF_INET, IPPROTO_TCP, ALL, "what is left");
	udp = bound(tw, SOCK_DGRAM, PORT + 2);
	CALL(tw, connect, udp, A(&sin), sizeof(sin));
	inet_dump(tw, AF_INET, IPPROTO_UDP, ALL, "datagrams");
	destroy(tw, AF_INET, IPPROTO_UDP, PORT + 2, PORT + 3, "datagrams");
	CALL(tw, recvfrom, udp, A(&byte), 1, MSG_DONTWAIT, 0, 0);
	CALL(tw, close, udp);
	close_all(tw, fd, 3);
	nltest_close(&diag);
	nltwin_close(w);
}

/* --- local sockets ----------------------------------------------------------------------- */

static void
unix_dump(struct twin *tw, const char *about)
{
	struct unix_diag_req req = { .sdiag_family = AF_UNIX, .udiag_states = ALL,
	    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN };
	uint32_t inodes[2] = { 0, 0 }, peers[2] = { 0, 0 };
	struct unix_diag_msg m;
	struct rtattr *rta;

	tw->tw_about = about;
	nltest_begin(&diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	twin_note(tw, "errno", nltest_talk(&diag));
	twin_note(tw, "number", (long)diag.t_nmsgs);
	for (size_t i = 0; i < diag.t_nmsgs && i < 2; i++) {
		memcpy(&m, NLMSG_DATA(nltest_msg(&diag, i)), sizeof(m));
		twin_note(tw, "type", m.udiag_type);
		twin_note(tw, "state", m.udiag_state);
		inodes[i] = m.udiag_ino;
		rta = nltest_find(nltest_msg(&diag, i), sizeof(m), UNIX_DIAG_PEER);
		peers[i] = rta != NULL ? nltest_u32(rta) : 0;
		rta = nltest_find(nltest_msg(&diag, i), sizeof(m), UNIX_DIAG_SHUTDOWN);
		twin_note(tw, "shutdown", rta != NULL ? *(uint8_t *)RTA_DATA(rta) : -1);
	}
	twin_note(tw, "are a pair", inodes[0] != 0 && inodes[0] == peers[1] &&
	    inodes[1] == peers[0]);
}

NLTWIN(pairs_know_each_other)
{
	struct nltwin *w = nltwin_open(tw);
	int fd[2];

	nltest_open_on(&diag, NETLINK_SOCK_DIAG, tw->tw_host);
	unix_dump(tw, "none");
	CALL(tw, socketpair, AF_UNIX, SOCK_STREAM, 0, A(fd));
	unix_dump(tw, "a pair");
	CALL(tw, shutdown, fd[0], SHUT_RDWR);
	unix_dump(tw, "shut down");
	CALL(tw, close, fd[1]);
	unix_dump(tw, "one is closed");
	CALL(tw, close, fd[0]);
	nltest_close(&diag);
	nltwin_close(w);
}
