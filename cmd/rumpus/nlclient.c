/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nlclient.c - asking the kernel by netlink
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "net.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

int
nlc_open(struct nlc *c, int protocol)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	int one = 1;

	memset(c, 0, sizeof(*c));
	c->c_fd = rump_sys_socket(AF_NETLINK, SOCK_RAW, protocol);
	if (c->c_fd == -1)
		return errno;
	/* All three only make answers better; an older kernel does without. */
	(void)rump_sys_setsockopt(c->c_fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)rump_sys_setsockopt(c->c_fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)rump_sys_setsockopt(c->c_fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (rump_sys_bind(c->c_fd, (struct sockaddr *)&nl, sizeof(nl)) != 0) {
		int error = errno;

		rump_sys_close(c->c_fd);
		return error;
	}
	return 0;
}

void
nlc_close(struct nlc *c)
{
	rump_sys_close(c->c_fd);
}

/* --- requests ------------------------------------------------------------------------ */

/* Requests are a few hundred bytes; what does not fit is a mistake of ours. */
static void *
room(struct nlc *c, size_t len)
{
	void *at = c->c_req + c->c_len;
	size_t padded = NLMSG_ALIGN(len);

	if (padded > sizeof(c->c_req) - c->c_len)
		abort();
	memset(at, 0, padded);
	c->c_len += padded;
	return at;
}

void
nlc_begin(struct nlc *c, uint16_t type, uint16_t flags, const void *hdr, size_t len)
{
	struct nlmsghdr nh = { .nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST,
	    .nlmsg_seq = ++c->c_seq };

	c->c_len = 0;
	memcpy(room(c, sizeof(nh)), &nh, sizeof(nh));
	memcpy(room(c, len), hdr, len);
}

void
nlc_attr(struct nlc *c, uint16_t type, const void *data, size_t len)
{
	struct rtattr rta = { .rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(len) };
	char *at = room(c, RTA_LENGTH(len));

	memcpy(at, &rta, sizeof(rta));
	if (len > 0)
		memcpy(at + RTA_LENGTH(0), data, len);
}

void
nlc_attr32(struct nlc *c, uint16_t type, uint32_t value)
{
	nlc_attr(c, type, &value, sizeof(value));
}

void
nlc_attrtext(struct nlc *c, uint16_t type, const char *text)
{
	nlc_attr(c, type, text, strlen(text) + 1);
}

size_t
nlc_nest(struct nlc *c, uint16_t type)
{
	size_t at = c->c_len;

	nlc_attr(c, type, NULL, 0);
	return at;
}

void
nlc_nest_end(struct nlc *c, size_t at)
{
	uint16_t len = (uint16_t)(c->c_len - at);

	memcpy(c->c_req + at + offsetof(struct rtattr, rta_len), &len, sizeof(len));
}

/* --- answers --------------------------------------------------------------------------- */

/* An error message: its errno, and the words in c_error. */
static int
take_error(struct nlc *c, const struct nlmsghdr *nh)
{
	struct rtattr *tb[NLMSGERR_ATTR_MSG + 1];
	struct nlmsgerr ne;
	size_t skip = sizeof(ne);

	if (nh->nlmsg_len < NLMSG_LENGTH(sizeof(ne)))
		return EBADMSG;
	memcpy(&ne, NLMSG_DATA(nh), sizeof(ne));
	if ((nh->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
		if ((nh->nlmsg_flags & NLM_F_CAPPED) == 0)
			skip += NLMSG_ALIGN(ne.msg.nlmsg_len) - sizeof(ne.msg);
		nlc_attrs(nh, skip, tb, NLMSGERR_ATTR_MSG + 1);
		if (tb[NLMSGERR_ATTR_MSG] != NULL)
			(void)snprintf(c->c_error, sizeof(c->c_error), "%.*s",
			    (int)RTA_PAYLOAD(tb[NLMSGERR_ATTR_MSG]),
			    (const char *)RTA_DATA(tb[NLMSGERR_ATTR_MSG]));
	}
	return -ne.error;
}

/* One datagram.  -1: go on. */
static int
take_answer(struct nlc *c, char *buf, ssize_t len, void (*fn)(const struct nlmsghdr *, void *),
    void *arg)
{
	const struct nlmsghdr *nh = (const void *)buf;
	int left = (int)len, result;

	for (; NLMSG_OK(nh, left); nh = NLMSG_NEXT(nh, left)) {
		if (nh->nlmsg_seq != c->c_seq)
			continue;
		if (nh->nlmsg_type == NLMSG_ERROR)
			return take_error(c, nh);
		if (nh->nlmsg_type == NLMSG_DONE) {
			memcpy(&result, NLMSG_DATA(nh), sizeof(result));
			return -result;
		}
		if (fn != NULL)
			fn(nh, arg);
	}
	return -1;
}

int
nlc_talk(struct nlc *c, void (*fn)(const struct nlmsghdr *, void *), void *arg)
{
	struct nlmsghdr *nh = (void *)c->c_req;
	char *buf = malloc(NLC_ROOM * 2);
	int result = -1;
	ssize_t n;

	if (buf == NULL)
		return ENOMEM;
	/* A look-up of one thing ends with an ACK too, so that there is always an end. */
	if ((nh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP || fn == NULL)
		nh->nlmsg_flags |= NLM_F_ACK;
	nh->nlmsg_len = (uint32_t)c->c_len;
	c->c_error[0] = '\0';
	if (rump_sys_send(c->c_fd, c->c_req, c->c_len, 0) == -1)
		result = errno;
	while (result == -1) {
		n = rump_sys_recv(c->c_fd, buf, NLC_ROOM * 2, 0);
		result = n == -1 ? errno : take_answer(c, buf, n, fn, arg);
	}
	free(buf);
	return result;
}

void
nlc_nested(const struct rtattr *rta, struct rtattr **tb, size_t n)
{
	const struct rtattr *at = RTA_DATA(rta);
	int left = (int)RTA_PAYLOAD(rta);

	memset(tb, 0, n * sizeof(*tb));
	for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if ((at->rta_type & NLA_TYPE_MASK) < n)
			tb[at->rta_type & NLA_TYPE_MASK] = (struct rtattr *)(uintptr_t)at;
	}
}

void
nlc_attrs(const struct nlmsghdr *nh, size_t hdrlen, struct rtattr **tb, size_t n)
{
	size_t skip = NLMSG_LENGTH(NLMSG_ALIGN(hdrlen));
	const struct rtattr *at = (const void *)((const char *)nh + skip);
	int left = nh->nlmsg_len > skip ? (int)(nh->nlmsg_len - skip) : 0;

	memset(tb, 0, n * sizeof(*tb));
	for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if ((at->rta_type & NLA_TYPE_MASK) < n)
			tb[at->rta_type & NLA_TYPE_MASK] = (struct rtattr *)(uintptr_t)at;
	}
}

uint32_t
nlc_u32(const struct rtattr *rta)
{
	uint32_t value = 0;

	if (rta != NULL && RTA_PAYLOAD(rta) >= sizeof(value))
		memcpy(&value, RTA_DATA(rta), sizeof(value));
	return value;
}

int
nlc_fail(const struct nlc *c, const char *where, const char *operation, int error)
{
	int code = complain(where, operation, error);

	if (c->c_error[0] != '\0')
		warn_text("the kernel says: %s", c->c_error);
	if (error == ENODEV || error == ESRCH || error == EADDRNOTAVAIL || error == ENETUNREACH)
		return EX_NOMATCH;
	return code;
}

/* --- names of interfaces ------------------------------------------------------------------ */

struct lookup {
	char		 l_name[16];
	uint32_t	 l_index;
};

static void
take_link(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[IFLA_IFNAME + 1];
	struct lookup *l = arg;
	struct ifinfomsg ifi;

	memcpy(&ifi, NLMSG_DATA(nh), sizeof(ifi));
	nlc_attrs(nh, sizeof(ifi), tb, IFLA_IFNAME + 1);
	l->l_index = (uint32_t)ifi.ifi_index;
	if (tb[IFLA_IFNAME] != NULL)
		(void)snprintf(l->l_name, sizeof(l->l_name), "%s",
		    (const char *)RTA_DATA(tb[IFLA_IFNAME]));
}

static bool
look_up(uint32_t index, const char *name, struct lookup *ret_l)
{
	struct ifinfomsg ifi = { .ifi_index = (int)index };
	struct nlc *c = malloc(sizeof(*c));
	int error = ENOMEM;

	memset(ret_l, 0, sizeof(*ret_l));
	if (c != NULL)
		error = nlc_open(c, NETLINK_ROUTE);
	if (error == 0) {
		nlc_begin(c, RTM_GETLINK, 0, &ifi, sizeof(ifi));
		if (name != NULL)
			nlc_attrtext(c, IFLA_IFNAME, name);
		error = nlc_talk(c, take_link, ret_l);
		nlc_close(c);
	}
	free(c);
	return error == 0 && ret_l->l_index != 0;
}

static struct lookup last;

const char *
nlc_ifname(uint32_t index)
{
	if (last.l_index == index)
		return last.l_name;
	if (!look_up(index, NULL, &last)) {
		(void)snprintf(last.l_name, sizeof(last.l_name), "if%u", index);
		last.l_index = 0;
	}
	return last.l_name;
}

void
nlc_ifname_forget(void)
{
	last.l_index = 0;
}

uint32_t
nlc_ifindex(const char *name)
{
	struct lookup l;

	return strlen(name) < sizeof(l.l_name) && look_up(0, name, &l) ? l.l_index : 0;
}
