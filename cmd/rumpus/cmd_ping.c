/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_ping.c - rumpus ping: is somebody there, and how far away
 *
 * By a ping socket: the kernel fills in identifier and check sum and gives back only
 * answers to what we sent.  The payload begins with the time it left.  What routers
 * and hosts have to say against it comes by the error queue.
 */

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "json_impl.h"
#include "net.h"

static const struct option options[] = { NET_OPTIONS };

#define MAXSIZE		65507
#define NSEEN		65536	/* sequence numbers that were answered, a bit each */

struct ping {
	struct sockaddr_storage p_to;
	socklen_t	 p_tolen;
	char		 p_host[80];
	int		 p_family;
	int		 p_fd;
	unsigned long	 p_count;	/* 0: until stopped */
	double		 p_interval, p_wait, p_deadline;	/* seconds; deadline 0: none */
	unsigned long	 p_size, p_ttl;
	bool		 p_quiet, p_flood;
	unsigned long	 p_sent, p_got, p_dups, p_errors;
	double		 p_min, p_max, p_sum, p_sum2;
	uint8_t		 p_seen[NSEEN / 8];
	uint8_t		 p_buf[MAXSIZE + 64];
};

static double
now_ms(void)
{
	return net_seconds() * 1e3;
}

/* --- sending -------------------------------------------------------------------------- */

static int
ping_socket(struct ping *p)
{
	int one = 1, ttl = (int)p->p_ttl, level, recvttl, recverr, setttl;
	bool v6 = p->p_family == AF_INET6;

	p->p_fd = rump_sys_socket(p->p_family, SOCK_DGRAM, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (p->p_fd == -1)
		return net_fail(p->p_host, "open a ping socket");
	level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	recvttl = v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL;
	recverr = v6 ? IPV6_RECVERR : IP_RECVERR;
	setttl = v6 ? IPV6_UNICAST_HOPS : IP_TTL;
	(void)rump_sys_setsockopt(p->p_fd, level, recvttl, &one, sizeof(one));
	(void)rump_sys_setsockopt(p->p_fd, level, recverr, &one, sizeof(one));
	if (p->p_ttl != 0 && rump_sys_setsockopt(p->p_fd, level, setttl, &ttl, sizeof(ttl)) != 0)
		return net_fail(p->p_host, "set the TTL");
	return EX_DONE;
}

/* Echo requests of both families have the same eight bytes in front. */
static int
ping_send(struct ping *p)
{
	struct icmphdr *h = (struct icmphdr *)p->p_buf;
	double t = now_ms();
	unsigned long seq = p->p_sent + 1;

	memset(h, 0, sizeof(*h));
	h->type = p->p_family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	h->un.echo.sequence = htons((uint16_t)seq);
	for (size_t i = 0; i < p->p_size; i++)
		p->p_buf[sizeof(*h) + i] = (uint8_t)i;
	if (p->p_size >= sizeof(t))
		memcpy(p->p_buf + sizeof(*h), &t, sizeof(t));
	p->p_seen[seq % NSEEN / 8] &= (uint8_t) ~(1 << seq % 8);
	p->p_sent++;
	if (rump_sys_sendto(p->p_fd, p->p_buf, sizeof(*h) + p->p_size, 0,
	    (struct sockaddr *)&p->p_to, p->p_tolen) == -1) {
		/* Queued errors come out of any call: they are told when they are read. */
		if (errno == EMSGSIZE || errno == EACCES || errno == EINVAL)
			return net_fail(p->p_host, "send");
		if (errno != ECONNREFUSED && errno != EHOSTUNREACH && !p->p_quiet)
			warn_text("%s: send: %s", p->p_host, rump_strerror(errno));
	}
	return EX_DONE;
}

/* --- receiving -------------------------------------------------------------------------- */

static int
ttl_of(struct msghdr *msg)
{
	int ttl = -1;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if ((cm->cmsg_level == IPPROTO_IP && cm->cmsg_type == IP_TTL) ||
		    (cm->cmsg_level == IPPROTO_IPV6 && cm->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(cm), sizeof(ttl));
	}
	return ttl;
}

static void
ping_print(const struct ping *p, size_t len, unsigned int seq, int ttl, double ms, bool dup)
{
	json_t *o;

	if (want_json) {
		o = json_object();
		json_set_number(o, "seq", seq);
		json_set_number(o, "bytes", len);
		json_set_number(o, "ttl", (uint64_t)(ttl >= 0 ? ttl : 0));
		json_object_set_new(o, "ms", ms >= 0 ? json_real(ms) : json_null());
		json_object_set_new(o, "duplicate", json_boolean(dup));
		json_print(o);
		return;
	}
	printf("%zu bytes from %s: seq=%u ttl=%d", len, p->p_host, seq, ttl);
	if (ms >= 0)
		printf(" time=%.3f ms", ms);
	puts(dup ? " (duplicate)" : "");
}

static void
ping_count(struct ping *p, double ms)
{
	if (p->p_got == 0 || ms < p->p_min)
		p->p_min = ms;
	if (p->p_got == 0 || ms > p->p_max)
		p->p_max = ms;
	p->p_sum += ms;
	p->p_sum2 += ms * ms;
}

static void
ping_answer(struct ping *p, size_t len, int ttl, double t)
{
	const struct icmphdr *h = (const struct icmphdr *)p->p_buf;
	unsigned int seq = ntohs(h->un.echo.sequence);
	bool dup = (p->p_seen[seq / 8] & 1 << seq % 8) != 0;
	double sent, ms = -1;

	if (len >= sizeof(*h) + sizeof(sent)) {
		memcpy(&sent, p->p_buf + sizeof(*h), sizeof(sent));
		ms = t - sent;
	}
	p->p_seen[seq / 8] |= (uint8_t)(1 << seq % 8);
	if (dup) {
		p->p_dups++;
	} else {
		ping_count(p, ms >= 0 ? ms : 0);
		p->p_got++;
	}
	if (!p->p_quiet)
		ping_print(p, len, seq, ttl, ms, dup);
}

static void
ping_error(struct ping *p, struct msghdr *msg)
{
	const struct sock_extended_err *ee = NULL;
	struct sockaddr_storage from;
	char text[80];

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if ((cm->cmsg_level == IPPROTO_IP && cm->cmsg_type == IP_RECVERR) ||
		    (cm->cmsg_level == IPPROTO_IPV6 && cm->cmsg_type == IPV6_RECVERR))
			ee = (const void *)CMSG_DATA(cm);
	}
	if (ee == NULL)
		return;
	p->p_errors++;
	if (p->p_quiet || want_json)
		return;
	memset(&from, 0, sizeof(from));
	if (ee->ee_origin == SO_EE_ORIGIN_ICMP)
		memcpy(&from, SO_EE_OFFENDER(ee), sizeof(struct sockaddr_in));
	else if (ee->ee_origin == SO_EE_ORIGIN_ICMP6)
		memcpy(&from, SO_EE_OFFENDER(ee), sizeof(struct sockaddr_in6));
	if (from.ss_family != AF_UNSPEC) {
		sockaddr_text(&from, false, text, sizeof(text));
		printf("from %s: %s", text, rump_strerror((int)ee->ee_errno));
	} else {
		printf("here: %s", rump_strerror((int)ee->ee_errno));
	}
	if (ee->ee_errno == EMSGSIZE)
		printf(", MTU %u", ee->ee_info);
	putchar('\n');
}

/* All that is there. */
static void
ping_receive(struct ping *p)
{
	struct iovec iov = { p->p_buf, sizeof(p->p_buf) };
	_Alignas(8) char control[512];
	struct msghdr msg;
	ssize_t n;

	for (int flags = MSG_DONTWAIT | MSG_ERRQUEUE; ; ) {
		msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		    .msg_controllen = sizeof(control) };
		n = rump_sys_recvmsg(p->p_fd, &msg, flags);
		if (n >= 0 && (flags & MSG_ERRQUEUE) != 0) {
			ping_error(p, &msg);
		} else if (n >= (ssize_t)sizeof(struct icmphdr)) {
			ping_answer(p, (size_t)n, ttl_of(&msg), now_ms());
		} else if (n == -1 && (flags & MSG_ERRQUEUE) != 0) {
			flags = MSG_DONTWAIT;		/* none: now the answers */
		} else if (n == -1 && errno == EAGAIN) {
			return;
		}
	}
}

static void
ping_wait(struct ping *p, double until)
{
	double left;

	do {
		left = until - now_ms();
		if (left < 0)
			left = 0;
		if (net_wait(p->p_fd, POLLIN, (int)ceil(left)) != 0)
			ping_receive(p);
		if (p->p_flood && p->p_got + p->p_errors >= p->p_sent)
			return;
		if (p->p_count != 0 && p->p_sent >= p->p_count && p->p_got + p->p_errors >= p->p_sent)
			return;
	} while (!net_stopped() && now_ms() < until);
}

/* --- the whole --------------------------------------------------------------------------- */

static void
ping_summary(const struct ping *p, double ms)
{
	double mean = p->p_got > 0 ? p->p_sum / (double)p->p_got : 0;
	double var = p->p_got > 0 ? p->p_sum2 / (double)p->p_got - mean * mean : 0;
	double loss = p->p_sent > 0 ? 100.0 * (double)(p->p_sent - p->p_got) / (double)p->p_sent : 0;
	double mdev = var > 0 ? sqrt(var) : 0;
	json_t *o;

	if (want_json) {
		o = json_object();
		json_set_text(o, "host", p->p_host);
		json_set_number(o, "sent", p->p_sent);
		json_set_number(o, "received", p->p_got);
		json_set_number(o, "duplicates", p->p_dups);
		json_set_number(o, "errors", p->p_errors);
		json_object_set_new(o, "loss", json_real(loss));
		if (p->p_got > 0) {
			json_object_set_new(o, "min", json_real(p->p_min));
			json_object_set_new(o, "avg", json_real(mean));
			json_object_set_new(o, "max", json_real(p->p_max));
			json_object_set_new(o, "mdev", json_real(mdev));
		}
		json_print(o);
		json_end();
		return;
	}
	printf("\n--- %s ---\n%lu sent, %lu received", p->p_host, p->p_sent, p->p_got);
	if (p->p_dups > 0)
		printf(", %lu duplicates", p->p_dups);
	if (p->p_errors > 0)
		printf(", %lu errors", p->p_errors);
	printf(", %.0f%% lost, %.0f ms\n", loss, ms);
	if (p->p_got > 0)
		printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", p->p_min, mean, p->p_max,
		    mdev);
}

static int
ping_run(struct ping *p)
{
	double begin = now_ms(), next = begin, end;
	int code = EX_DONE;

	end = p->p_deadline > 0 ? begin + p->p_deadline * 1e3 : HUGE_VAL;
	if (want_json)
		json_begin();
	else
		printf("PING %s: %lu bytes\n", p->p_host, p->p_size);
	while (!net_stopped() && code == EX_DONE && now_ms() < end &&
	    (p->p_count == 0 || p->p_sent < p->p_count)) {
		code = ping_send(p);
		next += p->p_interval * 1e3;
		if (p->p_flood)
			next = now_ms() + 10;	/* a lost one is not waited for longer */
		/* The last one gets its full time below. */
		if (p->p_count == 0 || p->p_sent < p->p_count)
			ping_wait(p, next < end ? next : end);
	}
	if (code == EX_DONE && !net_stopped() && p->p_got + p->p_errors < p->p_sent) {
		next = now_ms() + p->p_wait * 1e3;
		ping_wait(p, next < end ? next : end);
	}
	ping_summary(p, now_ms() - begin);
	if (code == EX_DONE && p->p_got == 0)
		code = EX_NOMATCH;
	return code;
}

static int
ping_option(struct ping *p, int opt)
{
	bool good = true;

	switch (opt) {
	case '4':
		p->p_family = AF_INET;
		break;
	case '6':
		p->p_family = AF_INET6;
		break;
	case 'c':
		good = net_number(optarg, 1000000000, &p->p_count) && p->p_count > 0;
		break;
	case 'i':
		good = net_duration(optarg, &p->p_interval);
		break;
	case 's':
		good = net_number(optarg, MAXSIZE, &p->p_size);
		break;
	case 't':
		good = net_number(optarg, 255, &p->p_ttl) && p->p_ttl > 0;
		break;
	case 'W':
		good = net_duration(optarg, &p->p_wait);
		break;
	case 'w':
		good = net_duration(optarg, &p->p_deadline);
		break;
	case 'f':
		p->p_flood = true;
		p->p_quiet = true;
		p->p_interval = 0;
		break;
	case 'q':
		p->p_quiet = true;
		break;
	default:
		return net_option(opt);
	}
	return good ? -1 : usage_error("-%c: '%s' makes no sense", opt, optarg);
}

int
cmd_ping(int argc, char **argv)
{
	struct ping *p = calloc(1, sizeof(*p));
	int opt, code = -1;

	if (p == NULL)
		return complain("ping", "start", ENOMEM);
	p->p_interval = p->p_wait = 1;
	p->p_size = 56;
	p->p_fd = -1;
	while (code == -1 &&
	    (opt = getopt_long(argc, argv, "46c:i:s:t:W:w:fq", options, NULL)) != -1)
		code = ping_option(p, opt);
	if (code == -1 && optind != argc - 1)
		code = usage_error("ping whom?");
	if (code != -1) {
		free(p);
		return code;		/* --help too */
	}
	code = net_boot();
	if (code == EX_DONE)
		code = net_target(argv[optind], 0, p->p_family, &p->p_to, &p->p_tolen);
	if (code == EX_DONE) {
		p->p_family = p->p_to.ss_family;
		(void)snprintf(p->p_host, sizeof(p->p_host), "%s", argv[optind]);
		code = ping_socket(p);
	}
	if (code == EX_DONE)
		code = ping_run(p);
	if (p->p_fd != -1)
		rump_sys_close(p->p_fd);
	free(p);
	note_failure(code);
	return code;
}
