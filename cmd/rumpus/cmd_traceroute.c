/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_traceroute.c - rumpus traceroute: by which routers
 *
 * A UDP datagram to an unlikely port with a small TTL dies at that router, which says
 * so by ICMP; the error queue of the sending socket has who said it.  The destination
 * itself says that nobody is at the port.  One socket a probe, so that no answer is
 * taken for another's.
 */

#include <errno.h>
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

struct trace {
	struct sockaddr_storage t_to;
	socklen_t	 t_tolen;
	char		 t_host[80];
	int		 t_family;
	unsigned long	 t_maxttl, t_firstttl, t_probes, t_port, t_size;
	double		 t_wait;
};

struct answer {
	bool		 a_came;
	bool		 a_arrived;	/* it was the destination, or nobody goes further */
	int		 a_error;	/* errno of what was said */
	double		 a_ms;
	char		 a_from[80];
	char		 a_flag;	/* "!H" and its like */
};

static char
flag_of(const struct sock_extended_err *ee)
{
	if (ee->ee_errno == ECONNREFUSED)
		return '\0';
	if (ee->ee_errno == EHOSTUNREACH && (ee->ee_type == ICMP_TIME_EXCEEDED ||
	    ee->ee_type == ICMP6_TIME_EXCEEDED))
		return '\0';
	switch (ee->ee_errno) {
	case EHOSTUNREACH:
		return 'H';
	case ENETUNREACH:
		return 'N';
	case EACCES:
		return 'X';
	case EMSGSIZE:
		return 'F';
	default:
		return '?';
	}
}

static void
take_error(struct msghdr *msg, struct answer *a)
{
	const struct sock_extended_err *ee = NULL;
	struct sockaddr_storage from;
	bool passing;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if ((cm->cmsg_level == IPPROTO_IP && cm->cmsg_type == IP_RECVERR) ||
		    (cm->cmsg_level == IPPROTO_IPV6 && cm->cmsg_type == IPV6_RECVERR))
			ee = (const void *)CMSG_DATA(cm);
	}
	if (ee == NULL)
		return;
	memset(&from, 0, sizeof(from));
	a->a_came = true;
	a->a_error = (int)ee->ee_errno;
	a->a_flag = flag_of(ee);
	passing = (ee->ee_origin == SO_EE_ORIGIN_ICMP && ee->ee_type == ICMP_TIME_EXCEEDED) ||
	    (ee->ee_origin == SO_EE_ORIGIN_ICMP6 && ee->ee_type == ICMP6_TIME_EXCEEDED);
	a->a_arrived = !passing;
	if (ee->ee_origin == SO_EE_ORIGIN_ICMP)
		memcpy(&from, SO_EE_OFFENDER(ee), sizeof(struct sockaddr_in));
	else if (ee->ee_origin == SO_EE_ORIGIN_ICMP6)
		memcpy(&from, SO_EE_OFFENDER(ee), sizeof(struct sockaddr_in6));
	if (from.ss_family != AF_UNSPEC)
		sockaddr_text(&from, false, a->a_from, sizeof(a->a_from));
	else
		(void)snprintf(a->a_from, sizeof(a->a_from), "here");
}

static int
probe_socket(const struct trace *t, int ttl)
{
	bool v6 = t->t_family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, one = 1;
	int fd = rump_sys_socket(t->t_family, SOCK_DGRAM, 0);

	if (fd == -1)
		return -1;
	if (rump_sys_setsockopt(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof(ttl)) != 0 ||
	    rump_sys_setsockopt(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, &one, sizeof(one)) != 0) {
		int error = errno;

		rump_sys_close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static void
set_port(struct sockaddr_storage *ss, unsigned long port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)ss)->sin_port = htons((uint16_t)port);
}

/* What is queued for the probe: an error that somebody sent, or an answer. */
static bool
probe_read(int fd, struct answer *a)
{
	char buf[64];
	struct iovec iov = { buf, sizeof(buf) };
	_Alignas(8) char control[512];
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };

	if (rump_sys_recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		take_error(&msg, a);
		return a->a_came;
	}
	if (rump_sys_recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0) {
		a->a_came = a->a_arrived = true;
		(void)snprintf(a->a_from, sizeof(a->a_from), "the destination");
		return true;
	}
	return false;
}

static int
probe(struct trace *t, int ttl, unsigned long nth, struct answer *a)
{
	static uint8_t payload[65536];
	struct sockaddr_storage to = t->t_to;
	int fd = probe_socket(t, ttl);
	double begin, end, left;

	memset(a, 0, sizeof(*a));
	if (fd == -1)
		return net_fail(t->t_host, "open a socket");
	set_port(&to, t->t_port + nth);
	begin = net_seconds();
	end = begin + t->t_wait;
	if (rump_sys_sendto(fd, payload, t->t_size, 0, (struct sockaddr *)&to, t->t_tolen) == -1 &&
	    !probe_read(fd, a)) {
		int code = net_fail(t->t_host, "send");

		rump_sys_close(fd);
		return code;
	}
	while (!a->a_came && !net_stopped() && (left = end - net_seconds()) > 0) {
		(void)net_wait(fd, POLLIN, (int)(left * 1e3) + 1);
		(void)probe_read(fd, a);
	}
	a->a_ms = (net_seconds() - begin) * 1e3;
	rump_sys_close(fd);
	return EX_DONE;
}

static void
hop_print(unsigned long ttl, const struct answer *a, unsigned long n)
{
	const char *last = "";

	printf("%2lu ", ttl);
	for (unsigned long i = 0; i < n; i++) {
		if (!a[i].a_came) {
			printf(" *");
			continue;
		}
		if (strcmp(last, a[i].a_from) != 0)
			printf(" %s", a[i].a_from);
		last = a[i].a_from;
		printf("  %.3f ms", a[i].a_ms);
		if (a[i].a_flag != '\0')
			printf(" !%c", a[i].a_flag);
	}
	putchar('\n');
	fflush(stdout);
}

static void
hop_json(unsigned long ttl, const struct answer *a, unsigned long n)
{
	json_t *o = json_object(), *probes = json_array(), *one;

	json_set_number(o, "ttl", ttl);
	for (unsigned long i = 0; i < n; i++) {
		one = json_object();
		if (a[i].a_came) {
			json_set_text(one, "from", a[i].a_from);
			json_object_set_new(one, "ms", json_real(a[i].a_ms));
			if (a[i].a_error != 0)
				json_set_text(one, "error", rump_errname(a[i].a_error));
		}
		json_array_append_new(probes, one);
	}
	json_object_set_new(o, "probes", probes);
	json_print(o);
}

#define MAXPROBES	10

static int
trace_run(struct trace *t)
{
	struct answer a[MAXPROBES];
	unsigned long nth = 0;
	bool arrived = false;
	int code = EX_DONE;

	if (want_json)
		json_begin();
	else
		printf("traceroute to %s, %lu hops at most, %lu bytes\n", t->t_host, t->t_maxttl,
		    t->t_size);
	for (unsigned long ttl = t->t_firstttl; ttl <= t->t_maxttl && !arrived && code == EX_DONE &&
	    !net_stopped(); ttl++) {
		memset(a, 0, sizeof(a));
		for (unsigned long i = 0; i < t->t_probes && code == EX_DONE; i++) {
			code = probe(t, (int)ttl, nth++, &a[i]);
			arrived = arrived || a[i].a_arrived;
		}
		if (want_json)
			hop_json(ttl, a, t->t_probes);
		else
			hop_print(ttl, a, t->t_probes);
	}
	if (want_json)
		json_end();
	return code == EX_DONE && !arrived ? EX_NOMATCH : code;
}

static int
trace_option(struct trace *t, int opt)
{
	bool good = true;

	switch (opt) {
	case '4':
		t->t_family = AF_INET;
		break;
	case '6':
		t->t_family = AF_INET6;
		break;
	case 'f':
		good = net_number(optarg, 255, &t->t_firstttl) && t->t_firstttl > 0;
		break;
	case 'm':
		good = net_number(optarg, 255, &t->t_maxttl) && t->t_maxttl > 0;
		break;
	case 'p':
		good = net_number(optarg, 65000, &t->t_port);
		break;
	case 'q':
		good = net_number(optarg, MAXPROBES, &t->t_probes) && t->t_probes > 0;
		break;
	case 's':
		good = net_number(optarg, 65507, &t->t_size);
		break;
	case 'w':
		good = net_duration(optarg, &t->t_wait);
		break;
	default:
		return net_option(opt);
	}
	return good ? -1 : usage_error("-%c: '%s' makes no sense", opt, optarg);
}

int
cmd_traceroute(int argc, char **argv)
{
	struct trace t = { .t_maxttl = 30, .t_firstttl = 1, .t_probes = 3, .t_port = 33434,
	    .t_size = 32, .t_wait = 3 };
	int opt, code;

	while ((opt = getopt_long(argc, argv, "46f:m:p:q:s:w:", options, NULL)) != -1) {
		code = trace_option(&t, opt);
		if (code != -1)
			return code;
	}
	if (optind != argc - 1)
		return usage_error("the way to whom?");
	code = net_boot();
	if (code == EX_DONE)
		code = net_target(argv[optind], 0, t.t_family, &t.t_to, &t.t_tolen);
	if (code != EX_DONE)
		return code;
	t.t_family = t.t_to.ss_family;
	(void)snprintf(t.t_host, sizeof(t.t_host), "%s", argv[optind]);
	code = trace_run(&t);
	note_failure(code);
	return code;
}
