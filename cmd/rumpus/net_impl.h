/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_impl.h - between the options, the start and "ip"
 */

#ifndef RUMPUS_NET_IMPL_H
#define RUMPUS_NET_IMPL_H

#include "net.h"

#define NET_MAXROUTES	32

extern struct netif net_if[NET_MAXIFS];
extern size_t net_nifs;
extern char *net_route[NET_MAXROUTES];	/* as words of "ip route add" */
extern size_t net_nroutes;
extern char *net_sysctl[NET_MAXROUTES];	/* NAME=VALUE */
extern size_t net_nsysctls;
extern bool net_booted;

/* net_link.c: conditions and capture; a code.  DHCP; an errno. */
int	net_conditions(const struct netif *ni);
int	net_dhcp(const char *ifname, int family);

/*
 * net_passt.c: the link to a passt(1): one that listens at the path what, or a new one with
 * the options what (NULL: none), which is cut in place.  An errno.
 */
int	net_passt(char *what, char **ret_link);
void	net_passt_window(void);

/* "ip OBJECT ..." on words, the kernel being up.  An exit code. */
int	ip_command(int argc, char **argv);
/* Cuts a line into words, in place; quotes hold them together.  -1: too many. */
int	net_words(char *line, char **argv, int max);

/* The two halves of cmd_ip.c: showing, and changing.  argv[0] is the object. */
struct ipctx {
	int		 x_family;	/* 0: both */
	bool		 x_stats;
	bool		 x_deleted;	/* what is printed is not any more ("monitor") */
};
extern struct ipctx ipctx;
int	ipshow_link(int argc, char **argv);
int	ipshow_addr(int argc, char **argv);
int	ipshow_route(int argc, char **argv);
int	ipshow_neigh(int argc, char **argv);
int	ipshow_rule(int argc, char **argv);
int	iproute_get(int argc, char **argv);
int	ipset_link(int argc, char **argv);
int	ipset_addr(int argc, char **argv);
int	ipset_route(int argc, char **argv);
int	ipset_neigh(int argc, char **argv);
int	ipset_rule(int argc, char **argv);

/* Words of commands: the value behind argv[*i], or a complaint and NULL. */
const char *ip_value(int argc, char **argv, int *i);
int	ip_family(void);		/* x_family, or AF_INET */
bool	ip_address(const char *text, bool plen, int family, struct netaddr *ret_na);
int	ip_table(const char *text, uint32_t *ret_table);	/* a code */
int	ip_device(const char *name, uint32_t *ret_index);	/* a code */
const char *ip_table_name(uint32_t table);
const char *ip_protocol_name(unsigned int protocol);
const char *ip_scope_name(unsigned int scope);
const char *ip_type_name(unsigned int type);
int	ip_type(const char *text);		/* -1: none */
int	ip_scope(const char *text);
int	ip_protocol(const char *text);

#endif /* RUMPUS_NET_IMPL_H */
