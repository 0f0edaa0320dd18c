/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nltest.c - a netlink client for tests
 */

#include "nltest.h"

#include <harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

void
nltest_open(struct nltest *t, int protocol)
{
	nltest_open_on(t, protocol, false);
}

void
nltest_open_on(struct nltest *t, int protocol, bool host)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	const struct sockaddr *sa = (struct sockaddr *)&nl;

	memset(t, 0, sizeof(*t));
	t->t_host = host;
	t->t_fd = host ? socket(AF_NETLINK, SOCK_RAW, protocol) :
	    rump_sys_socket(AF_NETLINK, SOCK_RAW, protocol);
	NEED(t->t_fd >= 0);
	NEED((host ? bind(t->t_fd, sa, sizeof(nl)) : rump_sys_bind(t->t_fd, sa, sizeof(nl))) == 0);
	nltest_option(t, NETLINK_EXT_ACK, 1);
}

void
nltest_close(struct nltest *t)
{
	(void)(t->t_host ? close(t->t_fd) : rump_sys_close(t->t_fd));
}

void
nltest_option(struct nltest *t, int name, int value)
{
	CHECK_EQ("option", 0, t->t_host ?
	    setsockopt(t->t_fd, SOL_NETLINK, name, &value, sizeof(value)) :
	    rump_sys_setsockopt(t->t_fd, SOL_NETLINK, name, &value, sizeof(value)));
}

static void *
room(struct nltest *t, size_t len)
{
	void *at = t->t_req + t->t_len;

	NEED(t->t_len + NLMSG_ALIGN(len) <= sizeof(t->t_req));
	memset(at, 0, NLMSG_ALIGN(len));
	t->t_len += NLMSG_ALIGN(len);
	return at;
}

void
nltest_begin(struct nltest *t, uint16_t type, uint16_t flags, const void *hdr, size_t len)
{
	struct nlmsghdr nh = { .nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST,
	    .nlmsg_seq = ++t->t_seq };

	t->t_len = 0;
	memcpy(room(t, sizeof(nh)), &nh, sizeof(nh));
	if (len > 0)
		memcpy(room(t, len), hdr, len);
}

void
nltest_raw(struct nltest *t, const void *data, size_t len)
{
	memcpy(room(t, len), data, len);
}

void
nltest_attr(struct nltest *t, uint16_t type, const void *data, size_t len)
{
	struct rtattr rta = { .rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(len) };
	uint8_t *at = room(t, RTA_LENGTH(len));

	memcpy(at, &rta, sizeof(rta));
	if (len > 0)
		memcpy(at + sizeof(rta), data, len);
}

void
nltest_attr32(struct nltest *t, uint16_t type, uint32_t value)
{
	nltest_attr(t, type, &value, sizeof(value));
}

void
nltest_text(struct nltest *t, uint16_t type, const char *text)
{
	nltest_attr(t, type, text, strlen(text) + 1);
}

size_t
nltest_nest(struct nltest *t, uint16_t type)
{
	size_t at = t->t_len;

	nltest_attr(t, type, NULL, 0);
	return at;
}

void
nltest_nest_end(struct nltest *t, size_t at)
{
	uint16_t len = (uint16_t)(t->t_len - at);

	memcpy(t->t_req + at, &len, sizeof(len));
}

ssize_t
nltest_read(struct nltest *t, int flags)
{
	void *at = t->t_ans + t->t_got;

	return t->t_host ? recv(t->t_fd, at, 32768, flags) :
	    rump_sys_recv(t->t_fd, at, 32768, flags);
}

static int
take_error(struct nltest *t, const struct nlmsghdr *nh)
{
	struct nlmsgerr ne;
	struct rtattr *rta;
	size_t skip = sizeof(ne);

	memcpy(&ne, NLMSG_DATA(nh), sizeof(ne));
	if ((nh->nlmsg_flags & NLM_F_CAPPED) == 0)
		skip = sizeof(ne) + NLMSG_ALIGN(ne.msg.nlmsg_len) - sizeof(ne.msg);
	if ((nh->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
		rta = nltest_find(nh, skip, NLMSGERR_ATTR_MSG);
		if (rta != NULL)
			strncpy(t->t_text, RTA_DATA(rta), sizeof(t->t_text) - 1);
		rta = nltest_find(nh, skip, NLMSGERR_ATTR_OFFS);
		t->t_off = rta != NULL ? nltest_u32(rta) : 0;
	}
	return -ne.error;
}

/* The messages of one datagram: -1 to go on. */
static int
take(struct nltest *t, ssize_t n)
{
	struct nlmsghdr *nh = (void *)(t->t_ans + t->t_got);
	int left = (int)n, result;

	for (; NLMSG_OK(nh, left); nh = NLMSG_NEXT(nh, left)) {
		if ((nh->nlmsg_flags & NLM_F_DUMP_INTR) != 0 && nh->nlmsg_type != NLMSG_ERROR)
			t->t_interrupted = true;
		if (nh->nlmsg_type == NLMSG_ERROR)
			return take_error(t, nh);
		if (nh->nlmsg_type == NLMSG_DONE) {
			memcpy(&result, NLMSG_DATA(nh), sizeof(result));
			return -result;
		}
		t->t_nmsgs++;
		t->t_got += NLMSG_ALIGN(nh->nlmsg_len);
	}
	return -1;
}

int
nltest_talk(struct nltest *t)
{
	struct nlmsghdr *nh = (void *)t->t_req;
	int result = -1;
	ssize_t n;

	t->t_nmsgs = t->t_got = 0;
	t->t_reads = 0;
	t->t_interrupted = false;
	t->t_text[0] = '\0';
	t->t_off = 0;
	if ((nh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		nh->nlmsg_flags |= NLM_F_ACK;
	nh->nlmsg_len = (uint32_t)t->t_len;
	n = t->t_host ? send(t->t_fd, t->t_req, t->t_len, 0) :
	    rump_sys_send(t->t_fd, t->t_req, t->t_len, 0);
	if (n == -1)
		return errno;
	while (result == -1) {
		if (t->t_got + 32768 > sizeof(t->t_ans))
			return EFBIG;
		n = nltest_read(t, MSG_DONTWAIT);	/* the kernel answers at once */
		if (n == -1)
			return errno;
		t->t_reads++;
		result = take(t, n);
	}
	return result;
}

struct nlmsghdr *
nltest_msg(struct nltest *t, size_t n)
{
	struct nlmsghdr *nh = (void *)t->t_ans;
	int left = (int)t->t_got;

	for (; NLMSG_OK(nh, left); nh = NLMSG_NEXT(nh, left)) {
		if (n-- == 0)
			return nh;
	}
	return NULL;
}

struct rtattr *
nltest_find(const struct nlmsghdr *nh, size_t hdrlen, uint16_t type)
{
	size_t skip = NLMSG_LENGTH(NLMSG_ALIGN(hdrlen));
	struct rtattr *rta = (void *)((uintptr_t)nh + skip);
	int left = nh->nlmsg_len > skip ? (int)(nh->nlmsg_len - skip) : 0;

	for (; RTA_OK(rta, left); rta = RTA_NEXT(rta, left)) {
		if ((rta->rta_type & NLA_TYPE_MASK) == type)
			return rta;
	}
	return NULL;
}

uint32_t
nltest_u32(const struct rtattr *rta)
{
	uint32_t value = 0xdead;

	if (rta != NULL && RTA_PAYLOAD(rta) >= sizeof(value))
		memcpy(&value, RTA_DATA(rta), sizeof(value));
	return value;
}

/* --- requests ------------------------------------------------------------------------- */

uint32_t
nltest_ifindex(struct nltest *t, const char *name)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };

	nltest_begin(t, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	nltest_text(t, IFLA_IFNAME, name);
	if (nltest_talk(t) != 0 || t->t_nmsgs != 1)
		return 0;
	memcpy(&ifi, NLMSG_DATA(nltest_msg(t, 0)), sizeof(ifi));
	return (uint32_t)ifi.ifi_index;
}

int
nltest_up(struct nltest *t, uint32_t ifindex, bool up)
{
	struct ifinfomsg ifi = { .ifi_index = (int)ifindex, .ifi_change = IFF_UP,
	    .ifi_flags = up ? IFF_UP : 0 };

	nltest_begin(t, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	return nltest_talk(t);
}

int
nltest_addr4(struct nltest *t, uint32_t ifindex, const char *addr, int plen, uint16_t flags)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)plen,
	    .ifa_index = ifindex };
	struct in_addr in;

	NEED(inet_pton(AF_INET, addr, &in) == 1);
	nltest_begin(t, flags == 0 ? RTM_DELADDR : RTM_NEWADDR, flags, &ifa, sizeof(ifa));
	nltest_attr(t, IFA_LOCAL, &in, sizeof(in));
	nltest_attr(t, IFA_ADDRESS, &in, sizeof(in));
	return nltest_talk(t);
}

int
nltest_route4(struct nltest *t, const char *dst, int plen, const char *via, uint32_t oif,
    uint16_t flags)
{
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_dst_len = (uint8_t)plen,
	    .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
	    .rtm_scope = via == NULL ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST };
	struct in_addr in;

	if (flags == 0)
		rtm.rtm_scope = RT_SCOPE_NOWHERE;
	nltest_begin(t, flags == 0 ? RTM_DELROUTE : RTM_NEWROUTE, flags, &rtm, sizeof(rtm));
	if (plen > 0) {
		NEED(inet_pton(AF_INET, dst, &in) == 1);
		nltest_attr(t, RTA_DST, &in, sizeof(in));
	}
	if (via != NULL) {
		NEED(inet_pton(AF_INET, via, &in) == 1);
		nltest_attr(t, RTA_GATEWAY, &in, sizeof(in));
	}
	if (oif != 0)
		nltest_attr32(t, RTA_OIF, oif);
	return nltest_talk(t);
}
