/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_words.c - what showing and changing share: words of ip(8) and their numbers
 */

#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "net_impl.h"

struct ipctx ipctx;

const char *
ip_value(int argc, char **argv, int *i)
{
	if (*i + 1 >= argc) {
		(void)usage_error("%s: what?", argv[*i]);
		return NULL;
	}
	return argv[++*i];
}

int
ip_family(void)
{
	return ipctx.x_family != 0 ? ipctx.x_family : AF_INET;
}

bool
ip_address(const char *text, bool plen, int family, struct netaddr *ret_na)
{
	if (!netaddr_parse(text, plen, ret_na) ||
	    (family != 0 && ret_na->na_family != family)) {
		(void)usage_error("'%s' is no address%s", text, family == AF_INET6 ? " of IPv6" :
		    family == AF_INET ? " of IPv4" : "");
		return false;
	}
	return true;
}

int
ip_device(const char *name, uint32_t *ret_index)
{
	*ret_index = nlc_ifindex(name);
	if (*ret_index == 0) {
		warn_text("there is no interface %s", name);
		return EX_NOMATCH;
	}
	return EX_DONE;
}

/* Numbers that have names, and the other way round. */
struct word {
	unsigned int	 w_number;
	const char	*w_text;
};

static const struct word tables[] = { { RT_TABLE_MAIN, "main" }, { RT_TABLE_LOCAL, "local" },
    { RT_TABLE_DEFAULT, "default" }, { RT_TABLE_UNSPEC, "all" } };
static const struct word protocols[] = { { RTPROT_KERNEL, "kernel" }, { RTPROT_BOOT, "boot" },
    { RTPROT_STATIC, "static" }, { RTPROT_RA, "ra" }, { RTPROT_DHCP, "dhcp" },
    { RTPROT_REDIRECT, "redirect" } };
static const struct word scopes[] = { { RT_SCOPE_UNIVERSE, "global" }, { RT_SCOPE_LINK, "link" },
    { RT_SCOPE_HOST, "host" }, { RT_SCOPE_SITE, "site" }, { RT_SCOPE_NOWHERE, "nowhere" } };
static const struct word types[] = { { RTN_UNICAST, "unicast" }, { RTN_LOCAL, "local" },
    { RTN_BROADCAST, "broadcast" }, { RTN_ANYCAST, "anycast" }, { RTN_MULTICAST, "multicast" },
    { RTN_BLACKHOLE, "blackhole" }, { RTN_UNREACHABLE, "unreachable" },
    { RTN_PROHIBIT, "prohibit" }, { RTN_THROW, "throw" } };

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const char *
word_of(const struct word *w, size_t n, unsigned int number)
{
	static char text[4][16];
	static unsigned int turn;
	char *buf;

	for (size_t i = 0; i < n; i++) {
		if (w[i].w_number == number)
			return w[i].w_text;
	}
	buf = text[turn++ % 4];
	(void)snprintf(buf, sizeof(text[0]), "%u", number);
	return buf;
}

static int
number_of(const struct word *w, size_t n, const char *text, unsigned long max)
{
	unsigned long number;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(w[i].w_text, text) == 0)
			return (int)w[i].w_number;
	}
	return net_number(text, max, &number) ? (int)number : -1;
}

const char *
ip_table_name(uint32_t table)
{
	return word_of(tables, COUNT(tables), table);
}

const char *
ip_protocol_name(unsigned int protocol)
{
	return word_of(protocols, COUNT(protocols), protocol);
}

const char *
ip_scope_name(unsigned int scope)
{
	return word_of(scopes, COUNT(scopes), scope);
}

const char *
ip_type_name(unsigned int type)
{
	return word_of(types, COUNT(types), type);
}

int
ip_type(const char *text)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strcmp(types[i].w_text, text) == 0)
			return (int)types[i].w_number;
	}
	return -1;
}

int
ip_scope(const char *text)
{
	return number_of(scopes, COUNT(scopes), text, 255);
}

int
ip_protocol(const char *text)
{
	return number_of(protocols, COUNT(protocols), text, 255);
}

int
ip_table(const char *text, uint32_t *ret_table)
{
	int n = number_of(tables, COUNT(tables), text, 0x7fffffff);

	if (n < 0)
		return usage_error("'%s' is no table", text);
	*ret_table = (uint32_t)n;
	return EX_DONE;
}
