/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_boot.c - a kernel with the interfaces that were asked for
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "net_impl.h"

bool net_booted;

/* --- interfaces ----------------------------------------------------------------------- */

/* The word on the command line to how the kernel's names begin. */
static const char *
kind_prefix(const char *kind)
{
	static const struct { const char *word, *prefix; } table[] = {
		{ "shmif", "shm" }, { "tap", "virt" }, { "virtif", "virt" }, { "passt", "virt" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(kind, table[i].word) == 0)
			return table[i].prefix;
	}
	return kind;
}

static int
rename_interface(const char *from, const char *to)
{
	struct {
		char	 name[16];
		char	 newname[24];	/* as long as the union in struct ifreq */
	} ifr = { .name = "" };
	int fd = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0), error = 0;

	if (fd == -1)
		return errno;
	(void)snprintf(ifr.name, sizeof(ifr.name), "%s", from);
	(void)snprintf(ifr.newname, sizeof(ifr.newname), "%s", to);
	if (rump_sys_ioctl(fd, 0x8923 /* SIOCSIFNAME */, &ifr) != 0)
		error = errno;
	rump_sys_close(fd);
	return error;
}

/* The next free name of the kind: shm0, shm1 ... */
static int
make_interface(struct netif *ni)
{
	const char *prefix = kind_prefix(ni->ni_kind);
	char wanted[16], made[16];
	int error = EEXIST;

	memcpy(wanted, ni->ni_name, sizeof(wanted));
	for (unsigned int i = 0; error == EEXIST && i < NET_MAXIFS; i++) {
		(void)snprintf(made, sizeof(made), "%.8s%u", prefix, i);
		error = rump_pub_netconfig_ifcreate(made);
	}
	if (error)
		return error;
	memcpy(ni->ni_name, made, sizeof(ni->ni_name));
	if (wanted[0] != '\0' && strcmp(wanted, made) != 0) {
		error = rename_interface(made, wanted);
		if (error == 0)
			memcpy(ni->ni_name, wanted, sizeof(ni->ni_name));
	}
	return error;
}

static int
add_addresses(const struct netif *ni)
{
	char text[64];
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < ni->ni_naddrs; i++) {
		const struct netaddr *na = &ni->ni_addr[i];

		netaddr_text(na->na_family, &na->na_addr, text, sizeof(text));
		if (na->na_family == AF_INET)
			error = rump_pub_netconfig_ipv4_ifaddr_cidr(ni->ni_name, text,
			    (int)na->na_plen);
		else
			error = rump_pub_netconfig_ipv6_ifaddr(ni->ni_name, text,
			    (int)na->na_plen);
		if (error)
			(void)complain(ni->ni_name, text, error);
	}
	return error;
}

/* Any text names a file: what is wrong then is what is in it, not the command line. */
static int
link_failed(const struct netif *ni, int error)
{
	if (error == EINVAL && strcmp(kind_prefix(ni->ni_kind), "shm") == 0)
		return complain(ni->ni_link, "it is no bus", EBADMSG);
	return complain(ni->ni_link, "connect the interface", error);
}

static int
start_interface(struct netif *ni)
{
	char *link = NULL;
	int error;

	error = make_interface(ni);
	if (error)
		return complain(ni->ni_name[0] != '\0' ? ni->ni_name : ni->ni_kind,
		    error == EINVAL ? "no driver makes such an interface" : "make the interface",
		    error == EINVAL ? EOPNOTSUPP : error);
	if (strcmp(ni->ni_kind, "passt") == 0) {
		error = net_passt(ni->ni_link, &link);
		if (error)
			return complain("passt", "start it", error);
		free(ni->ni_link);
		ni->ni_link = link;
	}
	if (ni->ni_link != NULL) {
		error = rump_pub_netconfig_ifsetlinkstr(ni->ni_name, ni->ni_link);
		if (error)
			return link_failed(ni, error);
	}
	if (ni->ni_mac != NULL) {
		error = rump_pub_netconfig_ifsetlladdr(ni->ni_name, ni->ni_mac);
		if (error)
			return complain(ni->ni_mac, "set the address of the link", error);
	}
	if (ni->ni_mtu != 0) {
		error = rump_pub_netconfig_ifsetmtu(ni->ni_name, ni->ni_mtu);
		if (error)
			return complain(ni->ni_name, "set the MTU", error);
	}
	error = rump_pub_netconfig_ifup(ni->ni_name);
	if (error)
		return complain(ni->ni_link != NULL ? ni->ni_link : ni->ni_name,
		    "set the interface up", error);
	error = net_conditions(ni);
	if (error)
		return error;
	return add_addresses(ni) != 0 ? EX_USE : EX_DONE;
}

/* What takes time: addresses from a server, once all interfaces are there. */
static int
learn_addresses(const struct netif *ni)
{
	int error;

	if (ni->ni_auto) {
		error = rump_pub_netconfig_auto_ipv6(ni->ni_name);
		if (error)
			return complain(ni->ni_name, "configure IPv6 by itself", error);
	}
	if (ni->ni_dhcp) {
		error = net_dhcp(ni->ni_name, AF_INET);
		if (error)
			return complain(ni->ni_name, "get an address by DHCP", error);
	}
	if (ni->ni_dhcp6) {
		error = net_dhcp(ni->ni_name, AF_INET6);
		if (error)
			return complain(ni->ni_name, "get an address by DHCPv6", error);
	}
	return EX_DONE;
}

static int
add_routes(void)
{
	static char add[] = "add";
	char *words[32] = { add };
	int code = EX_DONE, n;

	for (size_t i = 0; code == EX_DONE && i < net_nroutes; i++) {
		n = net_words(net_route[i], words + 1, 31);
		if (n <= 0)
			return usage_error("an empty route");
		code = ipset_route(n + 1, words);
	}
	return code;
}

static int
set_variables(void)
{
	char *value;
	int error;

	for (size_t i = 0; i < net_nsysctls; i++) {
		value = strchr(net_sysctl[i], '=');
		*value++ = '\0';
		error = rump_pub_kvar_write(net_sysctl[i], value);
		if (error)
			return complain(net_sysctl[i], "set", error);
	}
	return EX_DONE;
}

int
net_configure(void)
{
	int code;

	net_booted = true;
	/*
	 * A host that lives for one command does not wait a second for each address
	 * to be found unique.  --sysctl comes later and may ask for it.
	 */
	(void)rump_pub_kvar_write("net.ipv6.conf.all.accept_dad", "0");
	for (size_t i = 0; i < net_nifs; i++) {
		if (strcmp(net_if[i].ni_kind, "passt") == 0)
			net_passt_window();
	}
	code = set_variables();
	for (size_t i = 0; code == EX_DONE && i < net_nifs; i++)
		code = start_interface(&net_if[i]);
	for (size_t i = 0; code == EX_DONE && i < net_nifs; i++)
		code = learn_addresses(&net_if[i]);
	return code == EX_DONE ? add_routes() : code;
}

int
net_boot(void)
{
	int error;

	if (net_booted)
		return EX_DONE;
	net_stop_block();
	error = rump_init();
	if (error == 0)
		error = net_stop_start();
	if (error)
		return complain("network", "start the kernel", error);
	return net_configure();
}

/* --- commands inside of it ---------------------------------------------------------------- */

int
net_words(char *line, char **argv, int max)
{
	int argc = 0;
	char quote, *to;

	for (;;) {
		while (*line == ' ' || *line == '\t' || *line == '\n')
			line++;
		if (*line == '\0' || *line == '#')
			return argc;
		if (argc == max - 1)
			return -1;
		argv[argc++] = to = line;
		argv[argc] = NULL;
		quote = '\0';
		for (; *line != '\0' && (quote != '\0' || strchr(" \t\n", *line) == NULL); line++) {
			if (quote == '\0' && (*line == '\'' || *line == '"'))
				quote = *line;
			else if (*line == quote)
				quote = '\0';
			else
				*to++ = *line;
		}
		if (*line != '\0')
			line++;
		*to = '\0';
	}
}
