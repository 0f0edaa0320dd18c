/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nltest.h - a netlink client for tests: builds requests, collects answers
 */

#ifndef NETLINK_NLTEST_H
#define NETLINK_NLTEST_H

/* The UAPI macros that walk messages cast const away and mix signs; gcc forgives system headers. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wcast-qual"
#pragma clang diagnostic ignored "-Wsign-compare"
#endif

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

struct nltest {
	int		 t_fd;
	bool		 t_host;	/* of the host's kernel */
	uint32_t	 t_seq;
	size_t		 t_len;
	_Alignas(8) uint8_t t_req[4096];
	/* What came: all messages of the answer but ACK and DONE. */
	size_t		 t_nmsgs;
	size_t		 t_got;		/* bytes of them */
	_Alignas(8) uint8_t t_ans[262144];
	unsigned int	 t_reads;	/* datagrams that took */
	bool		 t_interrupted;	/* NLM_F_DUMP_INTR was seen */
	char		 t_text[256];	/* of the extended ACK */
	uint32_t	 t_off;
};

void	nltest_open(struct nltest *t, int protocol);
void	nltest_open_on(struct nltest *t, int protocol, bool host);
void	nltest_close(struct nltest *t);
void	nltest_option(struct nltest *t, int name, int value);
void	nltest_begin(struct nltest *t, uint16_t type, uint16_t flags, const void *hdr, size_t len);
void	nltest_raw(struct nltest *t, const void *data, size_t len);
void	nltest_attr(struct nltest *t, uint16_t type, const void *data, size_t len);
void	nltest_attr32(struct nltest *t, uint16_t type, uint32_t value);
void	nltest_text(struct nltest *t, uint16_t type, const char *text);
size_t	nltest_nest(struct nltest *t, uint16_t type);
void	nltest_nest_end(struct nltest *t, size_t at);
/* Sends and reads to the end of the answer: 0 or an errno. */
int	nltest_talk(struct nltest *t);
/* One datagram into t_ans; its length, or -1 and errno. */
ssize_t	nltest_read(struct nltest *t, int flags);
/* The n-th message that came; NULL: there were not so many. */
struct nlmsghdr *nltest_msg(struct nltest *t, size_t n);
/* An attribute behind a header of hdrlen bytes; NULL: absent. */
struct rtattr *nltest_find(const struct nlmsghdr *nh, size_t hdrlen, uint16_t type);
uint32_t nltest_u32(const struct rtattr *rta);	/* absent: 0xdead */

/* Often used requests: 0 or an errno. */
uint32_t nltest_ifindex(struct nltest *t, const char *name);	/* 0: none */
int	nltest_up(struct nltest *t, uint32_t ifindex, bool up);
int	nltest_addr4(struct nltest *t, uint32_t ifindex, const char *addr, int plen, uint16_t flags);
int	nltest_route4(struct nltest *t, const char *dst, int plen, const char *via, uint32_t oif,
	    uint16_t flags);

#endif /* NETLINK_NLTEST_H */
