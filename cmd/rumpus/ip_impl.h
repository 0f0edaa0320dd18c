/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_impl.h - what the files of "rumpus ip" share
 */

#ifndef RUMPUS_IP_IMPL_H
#define RUMPUS_IP_IMPL_H

#include <linux/rtnetlink.h>

#include "json_impl.h"
#include "net_impl.h"

/* What to show, and where a listing by interface keeps what it has heard. */
struct show {
	uint32_t	 s_index;	/* 0: all */
	int		 s_family;
	uint32_t	 s_table;
	bool		 s_up;
	bool		 s_addrs;
	struct nlmsghdr	**s_msgs;	/* copies, for the second walk */
	size_t		 s_nmsgs;
	unsigned long	 s_shown;
};

/* ip_show.c */
void	ip_lladdr_text(const struct rtattr *rta, char *buf, size_t size);
void	ip_addr_text(int family, const struct rtattr *rta, char *buf, size_t size);
/* An element of the array; x_deleted is said. */
void	ip_print_json(json_t *o);
/* "Deleted ", if it was. */
void	ip_print_deleted(void);
/* One message each; arg is a struct show. */
void	ip_link_message(const struct nlmsghdr *nh, void *arg);
void	ip_addr_message(const struct nlmsghdr *nh, void *arg);
void	ip_route_message(const struct nlmsghdr *nh, void *arg);
void	ip_neigh_message(const struct nlmsghdr *nh, void *arg);
void	ip_rule_message(const struct nlmsghdr *nh, void *arg);
/* Words of the request that all "show"s have: a code. */
int	ip_show_words(int argc, char **argv, struct show *s);
/* A dump of type, each message to fn: a code. */
int	ip_dump(uint16_t type, const void *hdr, size_t len,
	    void (*fn)(const struct nlmsghdr *, void *), void *arg);
/* The same to the end of a "show": the messages are printed. */
int	ip_dump_shown(uint16_t type, const void *hdr, size_t len,
	    void (*fn)(const struct nlmsghdr *, void *), struct show *s);

/* ip_set.c: "add", "replace", "append", "delete" to type and flags. */
void	ip_verb_flags(const char *verb, uint16_t newtype, uint16_t *ret_type, uint16_t *ret_flags);
struct nlc *ip_client_open(int *ret_code);	/* NULL: it was said why */
int	ip_client_finish(struct nlc *c, const char *what, const char *verb);
void	ip_client_abandon(struct nlc *c);
int	ip_wrong_words(const char *object, const char *word);
size_t	ip_addr_len(int family);
bool	ip_mac_parse(const char *text, uint8_t mac[6]);

/* ip_monitor.c */
int	ip_monitor(int argc, char **argv);

/* ip_flush.c */
int	ipflush_addr(int argc, char **argv);
int	ipflush_route(int argc, char **argv);
int	ipflush_neigh(int argc, char **argv);
int	ipflush_rule(int argc, char **argv);

#endif /* RUMPUS_IP_IMPL_H */
