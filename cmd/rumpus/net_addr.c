/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_addr.c - addresses, durations and numbers as people write them
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rump/rump.h>

#include "net.h"

bool
netaddr_parse(const char *text, bool plen, struct netaddr *ret_na)
{
	struct netaddr na = { .na_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET };
	const char *slash = plen ? strchr(text, '/') : NULL;
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned long n;
	char buf[64];

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (inet_pton(na.na_family, buf, &na.na_addr) != 1)
		return false;
	na.na_plen = na.na_family == AF_INET ? 32 : 128;
	if (slash != NULL) {
		if (!net_number(slash + 1, na.na_plen, &n))
			return false;
		na.na_plen = (unsigned int)n;
	}
	*ret_na = na;
	return true;
}

void
netaddr_text(int family, const void *addr, char *buf, size_t size)
{
	if (inet_ntop(family, addr, buf, (socklen_t)size) == NULL)
		(void)snprintf(buf, size, "?");
}

int
net_target(const char *host, uint16_t port, int family, struct sockaddr_storage *ret_ss,
    socklen_t *ret_len)
{
	const char *percent = strchr(host, '%');
	struct netaddr na;
	char text[64];
	uint32_t scope = 0;

	(void)snprintf(text, sizeof(text), "%.*s", percent != NULL ? (int)(percent - host) : 60, host);
	if (!netaddr_parse(text, false, &na))
		return usage_error("'%s' is no address; names are not looked up", host);
	if (family != AF_UNSPEC && family != na.na_family)
		return usage_error("'%s' is of the other family", host);
	if (percent != NULL) {
		scope = nlc_ifindex(percent + 1);
		if (scope == 0)
			return usage_error("'%s': there is no interface %s", host, percent + 1);
	}
	memset(ret_ss, 0, sizeof(*ret_ss));
	if (na.na_family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ret_ss;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		sin->sin_addr = na.na_addr.v4;
		*ret_len = sizeof(*sin);
	} else {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret_ss;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		sin6->sin6_addr = na.na_addr.v6;
		sin6->sin6_scope_id = scope;
		*ret_len = sizeof(*sin6);
	}
	return EX_DONE;
}

void
sockaddr_text(const struct sockaddr_storage *ss, bool port, char *buf, size_t size)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	char addr[INET6_ADDRSTRLEN];

	if (ss->ss_family == AF_INET6) {
		netaddr_text(AF_INET6, &sin6->sin6_addr, addr, sizeof(addr));
		if (port)
			(void)snprintf(buf, size, "[%s]:%u", addr, ntohs(sin6->sin6_port));
		else
			(void)snprintf(buf, size, "%s", addr);
	} else {
		netaddr_text(AF_INET, &sin->sin_addr, addr, sizeof(addr));
		if (port)
			(void)snprintf(buf, size, "%s:%u", addr, ntohs(sin->sin_port));
		else
			(void)snprintf(buf, size, "%s", addr);
	}
}

double
net_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

bool
net_duration(const char *text, double *ret_seconds)
{
	static const struct { const char *unit; double seconds; } units[] = {
		{ "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "us", 1e-6 }, { "ns", 1e-9 }, { "m", 60 },
		{ "h", 3600 },
	};
	char *end;
	double value = strtod(text, &end);

	if (end == text || !(value >= 0) || value > 1e9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0) {
			*ret_seconds = value * units[i].seconds;
			return true;
		}
	}
	return false;
}

bool
net_number(const char *text, unsigned long max, unsigned long *ret_n)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*end != '\0' || errno != 0 || n > max)
		return false;
	*ret_n = n;
	return true;
}

int
net_fail(const char *where, const char *operation)
{
	int error = errno;

	/* Which of the house's codes fits a network: unreachable is not "bad image". */
	(void)complain(where, operation, error);
	return error == EADDRNOTAVAIL || error == EADDRINUSE ? EX_USE : exit_of_errno(error);
}
