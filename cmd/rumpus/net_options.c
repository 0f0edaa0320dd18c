/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_options.c - --if and its companions
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "net_impl.h"

struct netif net_if[NET_MAXIFS];
size_t net_nifs;
char *net_route[NET_MAXROUTES];
size_t net_nroutes;
char *net_sysctl[NET_MAXROUTES];
size_t net_nsysctls;

const struct netif *
net_interfaces(size_t *ret_n)
{
	*ret_n = net_nifs;
	return net_if;
}

static char *
copy_text(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	return copy;
}

/* Several conditions make one text, which the kernel takes apart. */
static void
add_condition(struct netif *ni, const char *key, const char *value)
{
	char *text = NULL;

	if (asprintf(&text, "%s%s%s=%s", ni->ni_cond != NULL ? ni->ni_cond : "",
	    ni->ni_cond != NULL ? "," : "", key, value) < 0) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	free(ni->ni_cond);
	ni->ni_cond = text;
}

static bool
is_condition(const char *key)
{
	static const char *const keys[] = { "loss", "delay", "jitter", "rate", "reorder",
	    "duplicate", "corrupt", "seed" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

/* key=value of an interface. */
static int
set_property(struct netif *ni, const char *key, const char *value)
{
	unsigned long n;

	if (strcmp(key, "name") == 0) {
		if (strlen(value) == 0 || strlen(value) >= sizeof(ni->ni_name))
			return usage_error("'%s' is no name of an interface", value);
		strcpy(ni->ni_name, value);
	} else if (strcmp(key, "mac") == 0) {
		free(ni->ni_mac);
		ni->ni_mac = copy_text(value);
	} else if (strcmp(key, "mtu") == 0) {
		if (!net_number(value, 65535, &n) || n < 68)
			return usage_error("'%s' is no MTU", value);
		ni->ni_mtu = (unsigned int)n;
	} else if (strcmp(key, "capture") == 0) {
		free(ni->ni_capture);
		ni->ni_capture = copy_text(value);
	} else if (is_condition(key)) {
		add_condition(ni, key, value);
	} else {
		return usage_error("an interface has no '%s'", key);
	}
	return EX_DONE;
}

static int
add_word(struct netif *ni, char *word)
{
	char *equal = strchr(word, '=');

	if (equal != NULL) {
		*equal = '\0';
		return set_property(ni, word, equal + 1);
	}
	if (strcmp(word, "dhcp") == 0) {
		ni->ni_dhcp = true;
		return EX_DONE;
	}
	if (strcmp(word, "dhcp6") == 0) {
		ni->ni_dhcp6 = true;
		return EX_DONE;
	}
	if (strcmp(word, "auto") == 0) {
		ni->ni_auto = true;
		return EX_DONE;
	}
	if (ni->ni_naddrs == NET_MAXADDRS)
		return usage_error("too many addresses of one interface");
	if (!netaddr_parse(word, true, &ni->ni_addr[ni->ni_naddrs]))
		return usage_error("'%s' is no address of an interface", word);
	ni->ni_naddrs++;
	return EX_DONE;
}

/* KIND:LINK,WORD,...; a kind with a number is a name too. */
static int
add_interface(const char *spec)
{
	char *text = copy_text(spec), *next = text, *word, *colon;
	struct netif *ni = &net_if[net_nifs];
	int code = EX_DONE;
	size_t len;

	if (net_nifs == NET_MAXIFS) {
		free(text);
		return usage_error("too many interfaces");
	}
	memset(ni, 0, sizeof(*ni));
	word = strsep(&next, ",");
	colon = strchr(word, ':');
	if (colon != NULL) {
		*colon = '\0';
		ni->ni_link = copy_text(colon + 1);
	}
	len = strcspn(word, "0123456789");
	if (len == 0 || len >= sizeof(ni->ni_kind)) {
		code = usage_error("'%s': what kind of interface?", spec);
	} else {
		memcpy(ni->ni_kind, word, len);
		if (word[len] != '\0')
			(void)snprintf(ni->ni_name, sizeof(ni->ni_name), "%s", word);
	}
	while (code == EX_DONE && (word = strsep(&next, ",")) != NULL)
		code = add_word(ni, word);
	free(text);
	if (code == EX_DONE)
		net_nifs++;
	return code;
}

static int
of_last(const char *key, const char *value)
{
	if (net_nifs == 0)
		return usage_error("--%s belongs to an --if before it", key);
	return set_property(&net_if[net_nifs - 1], key, value);
}

static int
add_route(const char *prefix, const char *text)
{
	char *route = NULL;

	if (net_nroutes == NET_MAXROUTES)
		return usage_error("too many routes");
	if (asprintf(&route, "%s%s", prefix, text) < 0) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	net_route[net_nroutes++] = route;
	return EX_DONE;
}

static int
add_sysctl(const char *text)
{
	if (net_nsysctls == NET_MAXROUTES || strchr(text, '=') == NULL)
		return usage_error("'%s' is no NAME=VALUE", text);
	net_sysctl[net_nsysctls++] = copy_text(text);
	return EX_DONE;
}

int
net_option(int opt)
{
	static const char *const keys[] = { "if", "route", "gw", "mtu", "mac", "loss", "delay",
	    "jitter", "rate", "reorder", "duplicate", "corrupt", "seed", "capture", "sysctl" };
	int code;

	if (opt < 0x100 || opt > 0x10e)
		return usage_option(opt);
	if (net_booted)
		return usage_error("--%s: the interfaces are there already", keys[opt - 0x100]);
	switch (opt) {
	case 0x100:
		code = add_interface(optarg);
		break;
	case 0x101:
		code = add_route("", optarg);
		break;
	case 0x102:
		code = add_route("default via ", optarg);
		break;
	case 0x10e:
		code = add_sysctl(optarg);
		break;
	default:
		code = of_last(keys[opt - 0x100], optarg);
		break;
	}
	return code == EX_DONE ? -1 : code;
}
