/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * options.c - each option of sockets: what it is at first, and what may be set
 *
 * References: socket(7), ip(7), ipv6(7), tcp(7), udp(7), unix(7).
 */

#include <sys/socket.h>

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "calls.h"

struct option {
	const char	*o_name;
	int		 o_level;
	int		 o_name_nr;
	bool		 o_private;	/* its value is a matter of the host's settings */
};

#define O(level, name)		{ #name, level, name, false }
#define OP(level, name)		{ #name, level, name, true }

static const struct option options[] = {
	O(SOL_SOCKET, SO_DEBUG), O(SOL_SOCKET, SO_REUSEADDR), O(SOL_SOCKET, SO_TYPE), O(SOL_SOCKET, SO_ERROR),
	O(SOL_SOCKET, SO_DONTROUTE), O(SOL_SOCKET, SO_BROADCAST), OP(SOL_SOCKET, SO_SNDBUF),
	OP(SOL_SOCKET, SO_RCVBUF), O(SOL_SOCKET, SO_KEEPALIVE), O(SOL_SOCKET, SO_OOBINLINE),
	O(SOL_SOCKET, SO_NO_CHECK), O(SOL_SOCKET, SO_PRIORITY), O(SOL_SOCKET, SO_LINGER),
	O(SOL_SOCKET, SO_REUSEPORT), O(SOL_SOCKET, SO_PASSCRED), O(SOL_SOCKET, SO_RCVLOWAT),
	O(SOL_SOCKET, SO_SNDLOWAT), O(SOL_SOCKET, SO_RCVTIMEO), O(SOL_SOCKET, SO_SNDTIMEO),
	O(SOL_SOCKET, SO_BINDTODEVICE), O(SOL_SOCKET, SO_DETACH_FILTER), O(SOL_SOCKET, SO_PEERNAME),
	O(SOL_SOCKET, SO_TIMESTAMP), O(SOL_SOCKET, SO_ACCEPTCONN), O(SOL_SOCKET, SO_PEERSEC),
	O(SOL_SOCKET, SO_PASSSEC), O(SOL_SOCKET, SO_TIMESTAMPNS), O(SOL_SOCKET, SO_MARK),
	O(SOL_SOCKET, SO_TIMESTAMPING), O(SOL_SOCKET, SO_PROTOCOL), O(SOL_SOCKET, SO_DOMAIN),
	O(SOL_SOCKET, SO_RXQ_OVFL), O(SOL_SOCKET, SO_PEEK_OFF), O(SOL_SOCKET, SO_NOFCS),
	O(SOL_SOCKET, SO_LOCK_FILTER), O(SOL_SOCKET, SO_SELECT_ERR_QUEUE), O(SOL_SOCKET, SO_BUSY_POLL),
	O(SOL_SOCKET, SO_INCOMING_CPU), O(SOL_SOCKET, SO_ZEROCOPY), O(SOL_SOCKET, SO_PEERGROUPS),
	O(SOL_SOCKET, 9999), O(SOL_SOCKET, -1),
	O(IPPROTO_IP, IP_TOS), O(IPPROTO_IP, IP_TTL), O(IPPROTO_IP, IP_HDRINCL), O(IPPROTO_IP, IP_OPTIONS),
	O(IPPROTO_IP, IP_RECVOPTS), O(IPPROTO_IP, IP_RETOPTS), O(IPPROTO_IP, IP_PKTINFO),
	O(IPPROTO_IP, IP_MTU_DISCOVER), O(IPPROTO_IP, IP_RECVERR), O(IPPROTO_IP, IP_RECVTTL),
	O(IPPROTO_IP, IP_RECVTOS), O(IPPROTO_IP, IP_MTU), O(IPPROTO_IP, IP_FREEBIND),
	O(IPPROTO_IP, IP_TRANSPARENT), O(IPPROTO_IP, IP_RECVORIGDSTADDR), O(IPPROTO_IP, IP_MINTTL),
	O(IPPROTO_IP, IP_NODEFRAG), O(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), O(IPPROTO_IP, IP_MULTICAST_IF),
	O(IPPROTO_IP, IP_MULTICAST_TTL), O(IPPROTO_IP, IP_MULTICAST_LOOP), O(IPPROTO_IP, IP_MULTICAST_ALL),
	O(IPPROTO_IP, IP_UNICAST_IF), O(IPPROTO_IP, 9999),
	O(IPPROTO_IPV6, IPV6_V6ONLY), O(IPPROTO_IPV6, IPV6_UNICAST_HOPS), O(IPPROTO_IPV6, IPV6_MULTICAST_IF),
	O(IPPROTO_IPV6, IPV6_MULTICAST_HOPS), O(IPPROTO_IPV6, IPV6_MULTICAST_LOOP), O(IPPROTO_IPV6, IPV6_MTU),
	O(IPPROTO_IPV6, IPV6_MTU_DISCOVER), O(IPPROTO_IPV6, IPV6_RECVERR), O(IPPROTO_IPV6, IPV6_RECVPKTINFO),
	O(IPPROTO_IPV6, IPV6_RECVHOPLIMIT), O(IPPROTO_IPV6, IPV6_RECVTCLASS), O(IPPROTO_IPV6, IPV6_TCLASS),
	O(IPPROTO_IPV6, IPV6_DONTFRAG), O(IPPROTO_IPV6, IPV6_CHECKSUM), O(IPPROTO_IPV6, 9999),
	O(IPPROTO_TCP, TCP_NODELAY), OP(IPPROTO_TCP, TCP_MAXSEG), O(IPPROTO_TCP, TCP_CORK),
	O(IPPROTO_TCP, TCP_KEEPIDLE), O(IPPROTO_TCP, TCP_KEEPINTVL), O(IPPROTO_TCP, TCP_KEEPCNT),
	O(IPPROTO_TCP, TCP_SYNCNT), O(IPPROTO_TCP, TCP_LINGER2), O(IPPROTO_TCP, TCP_DEFER_ACCEPT),
	OP(IPPROTO_TCP, TCP_WINDOW_CLAMP), OP(IPPROTO_TCP, TCP_INFO), OP(IPPROTO_TCP, TCP_QUICKACK),
	OP(IPPROTO_TCP, TCP_CONGESTION), O(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS), O(IPPROTO_TCP, TCP_USER_TIMEOUT),
	O(IPPROTO_TCP, TCP_FASTOPEN), O(IPPROTO_TCP, TCP_NOTSENT_LOWAT), O(IPPROTO_TCP, TCP_SAVE_SYN),
	O(IPPROTO_TCP, 9999),
	O(IPPROTO_UDP, UDP_CORK), O(IPPROTO_UDP, UDP_SEGMENT), O(IPPROTO_UDP, UDP_GRO), O(IPPROTO_UDP, 9999),
	O(9999, 1),
};

#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

static void
tell_value(const char *what, const struct option *o, int s)
{
	unsigned char value[64];
	socklen_t len = sizeof(int);
	int n, ret;

	memset(value, 0, sizeof(value));
	errno = 0;
	ret = getsockopt(s, o->o_level, o->o_name_nr, value, &len);
	memcpy(&n, value, sizeof(n));
	if (ret != 0)
		tell_text("%d %s %s: %s", o->o_level, o->o_name, what, strerrorname_np(errno));
	else if (o->o_private)
		tell_text("%d %s %s: len %u", o->o_level, o->o_name, what, (unsigned int)len);
	else
		tell_text("%d %s %s: len %u value %d", o->o_level, o->o_name, what, (unsigned int)len, n);
}

static void
set_one(const struct option *o, int domain, int type)
{
	static const int values[] = { 1, 0, -1, 1000000, 7 };
	static const socklen_t lengths[] = { 0, 1, 3, 2 };
	int s = socket(domain, type, 0);

	tell_value("at first", o, s);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		errno = 0;
		if (setsockopt(s, o->o_level, o->o_name_nr, &values[i], sizeof(int)) != 0)
			tell_text("%d %s = %d: %s", o->o_level, o->o_name, values[i], strerrorname_np(errno));
		else
			tell_value("now", o, s);
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int one = 1;

		errno = 0;
		if (setsockopt(s, o->o_level, o->o_name_nr, &one, lengths[i]) != 0)
			tell_text("%d %s of %u bytes: %s", o->o_level, o->o_name, (unsigned int)lengths[i],
			    strerrorname_np(errno));
		else
			tell_value("so", o, s);
	}
	(void)close(s);
}

static void
all(int domain, int type)
{
	for (size_t i = 0; i < NOPTIONS; i++)
		set_one(&options[i], domain, type);
}

static void
tcp4(void)
{
	all(AF_INET, SOCK_STREAM);
}

static void
udp4(void)
{
	all(AF_INET, SOCK_DGRAM);
}

static void
tcp6(void)
{
	all(AF_INET6, SOCK_STREAM);
}

static void
udp6(void)
{
	all(AF_INET6, SOCK_DGRAM);
}

static void
local(void)
{
	all(AF_UNIX, SOCK_STREAM);
}

static void
odd(void)
{
	struct ucred cred;
	char small[2];
	socklen_t len = sizeof(cred);
	int s, sp[2], value = 1;

	s = (int)T(socket(AF_INET, SOCK_STREAM, 0));
	T(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, NOWHERE, 4));
	T(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, (socklen_t)-1));
	T(setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &value, 4));
	T(setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &value, 4));
	T(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, NOWHERE, &len));
	T(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, NOWHERE));
	len = (socklen_t)-1;
	T(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, &len));
	len = 2;
	T(getsockopt(s, SOL_SOCKET, SO_TYPE, small, &len));
	tell_text("len %u %d", (unsigned int)len, small[0]);
	len = 0;
	T(getsockopt(s, SOL_SOCKET, SO_TYPE, small, &len));
	T(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &(int){ 1 }, 4));
	len = sizeof(value);
	T(getsockopt(s, SOL_SOCKET, SO_RCVBUF, &value, &len));
	tell_text("%d", value);
	T(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &(int){ 1 }, 4));
	T(getsockopt(s, SOL_SOCKET, SO_SNDBUF, &value, &len));
	tell_text("%d", value);
	T(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &(int){ 20000 }, 4));
	T(getsockopt(s, SOL_SOCKET, SO_RCVBUF, &value, &len));
	tell_text("%d", value);
	T(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "nosuchdevice", 12));
	T(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 1000000 }, sizeof(struct timeval)));
	T(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ -1, 0 }, sizeof(struct timeval)));
	T(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 3, 500000 }, sizeof(struct timeval)));
	T(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &(struct ip_mreq){ { 0 }, { 0 } }, sizeof(struct ip_mreq)));
	T(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "nosuchthing", 11));
	T(setsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &(int){ 1000 }, 4));
	T(getsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &value, &len));
	T(ioctl(s, SIOCINQ, &value));
	T(ioctl(s, SIOCOUTQ, &value));
	T(ioctl(s, FIONBIO, &(int){ 1 }));
	T(ioctl(s, FIOASYNC, &(int){ 0 }));
	T(ioctl(s, SIOCGSTAMP, small));
	T(ioctl(s, 0x9999, small));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, sp));
	len = sizeof(cred);
	T(getsockopt(sp[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	tell_text("len %u pid %d uid %d gid %d", (unsigned int)len, cred.pid == getpid(), cred.uid == getuid(),
	    cred.gid == getgid());
}

const struct group option_groups[] = {
	{ "options-tcp", tcp4 },
	{ "options-udp", udp4 },
	{ "options-tcp6", tcp6 },
	{ "options-udp6", udp6 },
	{ "options-local", local },
	{ "options-odd", odd },
	{ NULL, NULL },
};
