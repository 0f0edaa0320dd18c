/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_addr.c - addresses as programs write them
 *
 * The border at which IPv4-mapped addresses (RFC 4291 section 2.5.5.2) are taken apart
 * and put together: inside, a socket of AF_INET6 that talks to ::ffff:1.2.3.4
 * is one that talks IPv4.
 */

#include <net/inet.h>

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

#define SIN6_LEN_OLD	24		/* RFC 2133's had no scope: Linux takes it */

static bool
is_mapped(const uint8_t *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, prefix, sizeof(prefix)) == 0;
}

static int
parse_in(const struct sockaddr *sa, socklen_t len, struct inaddr *ret_addr, uint16_t *ret_port)
{
	struct sockaddr_in sin;

	if (len < sizeof(sin))
		return EINVAL;
	memcpy(&sin, sa, sizeof(sin));
	if (sin.sin_family != AF_INET)
		return EAFNOSUPPORT;
	*ret_addr = (struct inaddr){ .ia_w = { sin.sin_addr.s_addr } };
	*ret_port = net16(sin.sin_port);
	return 0;
}

int
inet_sockaddr_parse(int sockfamily, const struct sockaddr *sa, socklen_t len, int *ret_family,
    struct inaddr *ret_addr, uint16_t *ret_port, uint32_t *ret_scope)
{
	struct sockaddr_in6 sin6 = { .sin6_scope_id = 0 };

	if (sockfamily == AF_INET) {
		int error = parse_in(sa, len, ret_addr, ret_port);

		if (error)
			return error;
		*ret_family = AF_INET;
		*ret_scope = 0;
		return 0;
	}
	if (len < SIN6_LEN_OLD)
		return EINVAL;
	memcpy(&sin6, sa, len < sizeof(sin6) ? SIN6_LEN_OLD : sizeof(sin6));
	if (sin6.sin6_family != AF_INET6)
		return EAFNOSUPPORT;
	*ret_port = net16(sin6.sin6_port);
	*ret_scope = sin6.sin6_scope_id;
	if (is_mapped(sin6.sin6_addr.s6_addr)) {
		*ret_family = AF_INET;
		*ret_addr = (struct inaddr){ .ia_w = { sin6.sin6_addr.s6_addr32[3] } };
	} else {
		*ret_family = AF_INET6;
		memcpy(ret_addr->ia_b, sin6.sin6_addr.s6_addr, sizeof(ret_addr->ia_b));
	}
	return 0;
}

void
inet_sockaddr(int sockfamily, int family, const struct inaddr *a, uint16_t port, uint32_t scope,
    struct sockaddr_storage *ret_ss, socklen_t *ret_len)
{
	if (sockfamily == AF_INET) {
		struct sockaddr_in sin = {
			.sin_family = AF_INET, .sin_port = net16(port),
			.sin_addr = { .s_addr = a->ia_w[0] },
		};

		memcpy(ret_ss, &sin, sizeof(sin));
		*ret_len = sizeof(sin);
	} else {
		struct sockaddr_in6 sin6 = {
			.sin6_family = AF_INET6, .sin6_port = net16(port), .sin6_scope_id = scope,
		};

		if (family == AF_INET) {
			sin6.sin6_addr.s6_addr[10] = sin6.sin6_addr.s6_addr[11] = 0xff;
			sin6.sin6_addr.s6_addr32[3] = a->ia_w[0];
		} else {
			memcpy(sin6.sin6_addr.s6_addr, a->ia_b, sizeof(a->ia_b));
		}
		memcpy(ret_ss, &sin6, sizeof(sin6));
		*ret_len = sizeof(sin6);
	}
}

void
inpcb_name(const struct inpcb *inp, bool peer, struct sockaddr_storage *ret_ss, socklen_t *ret_len)
{
	const struct inaddr *a = peer ? &inp->inp_faddr : &inp->inp_laddr;
	uint32_t scope = 0;

	/* The scope is of link-local addresses only: RFC 4007. */
	if (inp->inp_family == AF_INET6 && inaddr_linklocal6(a))
		scope = inp->inp_scope;
	inet_sockaddr(inp->inp_so->so_family, inp->inp_family, a,
	    peer ? inp->inp_fport : inp->inp_lport, scope, ret_ss, ret_len);
}
