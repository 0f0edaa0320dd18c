/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_capture.c - rumpus capture: what passes by
 *
 * A packet socket hears one interface or all, promiscuously; each frame becomes a line
 * or a block of a pcapng file, which wireshark(1) reads.
 *
 * References: packet(7); draft-ietf-opsawg-pcapng.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "json_impl.h"
#include "net.h"

static const struct option options[] = {
	NET_OPTIONS,
};

#ifndef SOL_PACKET
#define SOL_PACKET	263
#endif

#define SNAPLEN		262144
#define MAXSEEN		64		/* interfaces in one file */

struct capture {
	const char	*c_device;	/* NULL: all */
	const char	*c_path;	/* NULL: lines */
	FILE		*c_file;
	unsigned long	 c_count, c_snaplen, c_seen;
	double		 c_seconds;	/* 0: until stopped */
	bool		 c_plain;	/* not promiscuous */
	uint32_t	 c_if[MAXSEEN];	/* by their number in the file */
	size_t		 c_nifs;
	int		 c_fd;
};

/* --- pcapng ------------------------------------------------------------------------- */

static void
put(struct capture *c, const void *data, size_t len)
{
	/* Failures are looked at in the end, by ferror(). */
	if (len > 0)
		(void)fwrite(data, 1, len, c->c_file);
}

static void
put32(struct capture *c, uint32_t v)
{
	put(c, &v, sizeof(v));
}

static void
put_option(struct capture *c, uint16_t code, const void *data, uint16_t len)
{
	static const char zero[4];
	uint16_t head[2] = { code, len };

	put(c, head, sizeof(head));
	put(c, data, len);
	put(c, zero, -len & 3u);
}

static void
put_section(struct capture *c)
{
	uint16_t version[2] = { 1, 0 };
	int64_t unknown = -1;

	put32(c, 0x0a0d0d0a);
	put32(c, 28);
	put32(c, 0x1a2b3c4d);
	put(c, version, sizeof(version));
	put(c, &unknown, sizeof(unknown));
	put32(c, 28);
}

static void
put_interface(struct capture *c, const char *name, uint16_t linktype)
{
	uint16_t head[2] = { linktype, 0 }, len = (uint16_t)strlen(name);
	uint32_t total = 20 + 4 + ((len + 3u) & ~3u) + 4 + 4 + 4;
	uint8_t resolution = 9;

	put32(c, 1);
	put32(c, total);
	put(c, head, sizeof(head));
	put32(c, (uint32_t)c->c_snaplen);
	put_option(c, 2, name, len);		/* if_name */
	put_option(c, 9, &resolution, 1);	/* if_tsresol: nanoseconds */
	put_option(c, 0, NULL, 0);
	put32(c, total);
}

static void
put_packet(struct capture *c, uint32_t ifnum, uint64_t ns, const uint8_t *data, size_t len,
    size_t whole)
{
	static const char zero[4];
	uint32_t total = 32 + (((uint32_t)len + 3) & ~3u);

	put32(c, 6);
	put32(c, total);
	put32(c, ifnum);
	put32(c, (uint32_t)(ns >> 32));
	put32(c, (uint32_t)ns);
	put32(c, (uint32_t)len);
	put32(c, (uint32_t)whole);
	put(c, data, len);
	put(c, zero, -len & 3u);
	put32(c, total);
}

/* The interface's number in the file; its block is written when it is first seen. */
static uint32_t
interface_number(struct capture *c, const struct sockaddr_ll *ll)
{
	for (size_t i = 0; i < c->c_nifs; i++) {
		if (c->c_if[i] == (uint32_t)ll->sll_ifindex)
			return (uint32_t)i;
	}
	if (c->c_nifs == MAXSEEN)
		return 0;
	put_interface(c, nlc_ifname((uint32_t)ll->sll_ifindex), ll->sll_halen == 6 ? 1 : 101);
	c->c_if[c->c_nifs] = (uint32_t)ll->sll_ifindex;
	return (uint32_t)c->c_nifs++;
}

/* --- lines ------------------------------------------------------------------------------- */

struct summary {
	char		 s_proto[32];
	char		 s_src[64], s_dst[64];
};

static uint16_t
be16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
summarize_l4(struct summary *s, unsigned int proto, const uint8_t *p, size_t len)
{
	static const struct { unsigned int proto; const char *word; bool ports; } words[] = {
		{ IPPROTO_TCP, "TCP", true }, { IPPROTO_UDP, "UDP", true },
		{ IPPROTO_ICMP, "ICMP", false }, { IPPROTO_ICMPV6, "ICMPv6", false },
		{ IPPROTO_IGMP, "IGMP", false },
	};
	char port[8];

	(void)snprintf(s->s_proto, sizeof(s->s_proto), "IP %u", proto);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].proto != proto)
			continue;
		(void)snprintf(s->s_proto, sizeof(s->s_proto), "%s", words[i].word);
		if (!words[i].ports || len < 4)
			return;
		(void)snprintf(port, sizeof(port), ".%u", be16_at(p));
		strncat(s->s_src, port, sizeof(s->s_src) - strlen(s->s_src) - 1);
		(void)snprintf(port, sizeof(port), ".%u", be16_at(p + 2));
		strncat(s->s_dst, port, sizeof(s->s_dst) - strlen(s->s_dst) - 1);
	}
}

static void
summarize(uint16_t type, const uint8_t *p, size_t len, struct summary *s)
{
	struct ip6_hdr ip6;
	struct iphdr ip;

	s->s_src[0] = s->s_dst[0] = '\0';
	(void)snprintf(s->s_proto, sizeof(s->s_proto), "0x%04x", type);
	if (type == ETH_P_IP && len >= sizeof(ip)) {
		memcpy(&ip, p, sizeof(ip));
		netaddr_text(AF_INET, &ip.saddr, s->s_src, sizeof(s->s_src));
		netaddr_text(AF_INET, &ip.daddr, s->s_dst, sizeof(s->s_dst));
		if (ip.ihl * 4u <= len && ip.ihl >= 5 && (ntohs(ip.frag_off) & 0x1fff) == 0)
			summarize_l4(s, ip.protocol, p + ip.ihl * 4u, len - ip.ihl * 4u);
		else
			(void)snprintf(s->s_proto, sizeof(s->s_proto), "IP fragment");
	} else if (type == ETH_P_IPV6 && len >= sizeof(ip6)) {
		memcpy(&ip6, p, sizeof(ip6));
		netaddr_text(AF_INET6, &ip6.ip6_src, s->s_src, sizeof(s->s_src));
		netaddr_text(AF_INET6, &ip6.ip6_dst, s->s_dst, sizeof(s->s_dst));
		summarize_l4(s, ip6.ip6_nxt, p + sizeof(ip6), len - sizeof(ip6));
	} else if (type == ETH_P_ARP && len >= 28) {
		(void)snprintf(s->s_proto, sizeof(s->s_proto), be16_at(p + 6) == 1 ? "ARP who-has" :
		    "ARP is-at");
		netaddr_text(AF_INET, p + 14, s->s_src, sizeof(s->s_src));
		netaddr_text(AF_INET, p + 24, s->s_dst, sizeof(s->s_dst));
	}
}

static void
frame_show(const struct sockaddr_ll *ll, uint64_t ns, const uint8_t *p, size_t len, size_t whole)
{
	size_t skip = ll->sll_halen == 6 ? ETH_HLEN : 0;
	const char *direction = ll->sll_pkttype == PACKET_OUTGOING ? "Out" : "In";
	struct summary s;
	json_t *o;

	if (len < skip)
		skip = len;
	summarize(ntohs(ll->sll_protocol), p + skip, len - skip, &s);
	if (want_json) {
		o = json_object();
		json_object_set_new(o, "time", json_real((double)ns / 1e9));
		json_set_text(o, "interface", nlc_ifname((uint32_t)ll->sll_ifindex));
		json_set_text(o, "direction", direction);
		json_set_text(o, "protocol", s.s_proto);
		json_set_text(o, "source", s.s_src);
		json_set_text(o, "destination", s.s_dst);
		json_set_number(o, "length", whole);
		json_print(o);
		return;
	}
	printf("%llu.%06llu %-8s %-3s %s", (unsigned long long)(ns / 1000000000),
	    (unsigned long long)(ns % 1000000000 / 1000), nlc_ifname((uint32_t)ll->sll_ifindex),
	    direction, s.s_proto);
	if (s.s_src[0] != '\0')
		printf(" %s > %s", s.s_src, s.s_dst);
	printf(" length %zu\n", whole);
}

/* --- the loop --------------------------------------------------------------------------------- */

static int
capture_open(struct capture *c)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq mr = { .mr_type = PACKET_MR_PROMISC };
	int one = 1, size = 16 << 20;
	uint32_t index;

	c->c_fd = rump_sys_socket(AF_PACKET, SOCK_RAW, 0);
	if (c->c_fd == -1)
		return net_fail("capture", "open a packet socket");
	if (c->c_device != NULL) {
		index = nlc_ifindex(c->c_device);
		if (index == 0) {
			warn_text("there is no interface %s", c->c_device);
			return EX_NOMATCH;
		}
		ll.sll_ifindex = mr.mr_ifindex = (int)index;
		if (!c->c_plain && rump_sys_setsockopt(c->c_fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP,
		    &mr, sizeof(mr)) == -1)
			return net_fail(c->c_device, "become promiscuous");
	}
	(void)rump_sys_setsockopt(c->c_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)rump_sys_setsockopt(c->c_fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
	if (rump_sys_bind(c->c_fd, (struct sockaddr *)&ll, sizeof(ll)) == -1)
		return net_fail(c->c_device != NULL ? c->c_device : "capture", "bind");
	return EX_DONE;
}

static uint64_t
time_of(struct msghdr *msg)
{
	struct timespec ts;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
			return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
		}
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* One frame.  1: there was one, 0: none, -1: failed. */
static int
capture_one(struct capture *c, uint8_t *buf)
{
	struct iovec iov = { buf, SNAPLEN };
	_Alignas(8) char control[128];
	struct sockaddr_ll ll;
	struct msghdr msg = { .msg_name = &ll, .msg_namelen = sizeof(ll), .msg_iov = &iov,
	    .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t n = rump_sys_recvmsg(c->c_fd, &msg, MSG_DONTWAIT | MSG_TRUNC);
	size_t len;
	uint64_t ns;

	if (n == -1)
		return errno == EAGAIN || errno == ENETDOWN ? 0 : -1;
	ns = time_of(&msg);
	len = (size_t)n < c->c_snaplen ? (size_t)n : c->c_snaplen;
	if (c->c_file != NULL) {
		uint32_t ifnum = interface_number(c, &ll);

		put_packet(c, ifnum, ns, buf, len, (size_t)n);
		(void)fflush(c->c_file);
	} else {
		frame_show(&ll, ns, buf, (size_t)n < SNAPLEN ? (size_t)n : SNAPLEN, (size_t)n);
		(void)fflush(stdout);
	}
	c->c_seen++;
	return 1;
}

static int
capture_run(struct capture *c)
{
	double end = net_seconds() + c->c_seconds, left;
	uint8_t *buf = malloc(SNAPLEN);
	int got = 0, code = EX_DONE;

	if (buf == NULL)
		return complain("capture", "start", ENOMEM);
	while (!net_stopped() && (c->c_count == 0 || c->c_seen < c->c_count)) {
		left = c->c_seconds > 0 ? end - net_seconds() : 3600;
		if (left <= 0)
			break;
		got = capture_one(c, buf);
		if (got == 0)
			(void)net_wait(c->c_fd, POLLIN, (int)(left * 1e3) + 1);
		if (got == -1) {
			code = net_fail("capture", "receive");
			break;
		}
	}
	free(buf);
	return code;
}

static void
capture_statistics(const struct capture *c)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);

	if (rump_sys_getsockopt(c->c_fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0)
		fprintf(stderr, "%lu packets captured, %u lost\n", c->c_seen, st.tp_drops);
}

static int
capture_file(struct capture *c)
{
	if (strcmp(c->c_path, "-") == 0)
		c->c_file = stdout;
	else
		c->c_file = fopen(c->c_path, "wb");
	if (c->c_file == NULL)
		return complain(c->c_path, "open", errno);
	put_section(c);
	return EX_DONE;
}

static int
capture_end(struct capture *c)
{
	bool bad = c->c_file != NULL && (fflush(c->c_file) != 0 || ferror(c->c_file));
	int error = errno;

	if (c->c_file != NULL && c->c_file != stdout && fclose(c->c_file) != 0) {
		error = errno;
		bad = true;
	}
	return bad ? complain(c->c_path, "write", error != 0 ? error : EIO) : EX_DONE;
}

static int
capture_option(struct capture *c, int opt)
{
	bool good = true;

	switch (opt) {
	case 'i':
		c->c_device = optarg;
		break;
	case 'w':
		c->c_path = optarg;
		break;
	case 'c':
		good = net_number(optarg, 1000000000, &c->c_count) && c->c_count > 0;
		break;
	case 's':
		good = net_number(optarg, SNAPLEN, &c->c_snaplen) && c->c_snaplen > 0;
		break;
	case 't':
		good = net_duration(optarg, &c->c_seconds);
		break;
	case 'p':
		c->c_plain = true;
		break;
	default:
		return net_option(opt);
	}
	return good ? -1 : usage_error("-%c: '%s' makes no sense", opt, optarg);
}

int
cmd_capture(int argc, char **argv)
{
	struct capture c = { .c_snaplen = SNAPLEN, .c_fd = -1 };
	const struct netif *ni;
	int opt, code, end;
	size_t n;

	while ((opt = getopt_long(argc, argv, "i:w:c:s:t:p", options, NULL)) != -1) {
		code = capture_option(&c, opt);
		if (code != -1)
			return code;
	}
	if (optind != argc)
		return usage_error("capture: '%s'?", argv[optind]);
	code = net_boot();
	if (code != EX_DONE)
		return code;
	/* With one interface there is no doubt which is meant. */
	ni = net_interfaces(&n);
	if (c.c_device == NULL && n == 1)
		c.c_device = ni[0].ni_name;
	code = capture_open(&c);
	if (code == EX_DONE && c.c_path != NULL)
		code = capture_file(&c);
	if (code == EX_DONE) {
		if (want_json && c.c_file == NULL)
			json_begin();
		code = capture_run(&c);
		if (want_json && c.c_file == NULL)
			json_end();
		capture_statistics(&c);
		end = capture_end(&c);
		code = code == EX_DONE ? end : code;
	}
	if (c.c_fd != -1)
		rump_sys_close(c.c_fd);
	note_failure(code);
	return code;
}
