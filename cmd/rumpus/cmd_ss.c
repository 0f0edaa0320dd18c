/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_ss.c - rumpus ss: the sockets of this kernel, by sock_diag
 *
 * Worth most inside of "net up", where there are sockets to see.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>

#include <rump/rump.h>

#include "json_impl.h"
#include "net.h"

static const struct option options[] = { NET_OPTIONS };

#define STATE_ESTABLISHED	1
#define STATE_SYN_RECV		3
#define STATE_TIME_WAIT		6
#define STATE_CLOSE		7
#define STATE_LISTEN		10
#define STATES_ALL		0xfffu

struct ssctx {
	bool		 s_tcp, s_udp, s_raw, s_unix, s_netlink, s_packet;
	bool		 s_all, s_listen, s_info, s_memory, s_extended;
	int		 s_family;
	const char	*s_proto;	/* of the dump that runs */
	unsigned long	 s_shown;
};

static const char *const state_words[] = { "UNKNOWN", "ESTAB", "SYN-SENT", "SYN-RECV",
    "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN",
    "CLOSING" };

static const char *
state_word(unsigned int state)
{
	return state < sizeof(state_words) / sizeof(state_words[0]) ? state_words[state] : "UNKNOWN";
}

static void
line_print(const struct ssctx *s, unsigned int state, uint32_t rq, uint32_t wq, const char *local,
    const char *peer)
{
	printf("%-6s %-10s %-7u %-7u %28s %28s", s->s_proto, state_word(state), rq, wq, local, peer);
}

static json_t *
line_json(const struct ssctx *s, unsigned int state, uint32_t rq, uint32_t wq, const char *local,
    const char *peer)
{
	json_t *o = json_object();

	json_set_text(o, "netid", s->s_proto);
	json_set_text(o, "state", state_word(state));
	json_set_number(o, "recvq", rq);
	json_set_number(o, "sendq", wq);
	json_set_text(o, "local", local);
	json_set_text(o, "peer", peer);
	return o;
}

/* --- TCP, UDP and raw ------------------------------------------------------------------ */

static void
end_text(int family, const uint32_t *addr, uint16_t port, char *buf, size_t size)
{
	char text[64];

	netaddr_text(family, addr, text, sizeof(text));
	(void)snprintf(buf, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, ntohs(port));
}

/* What TCP knows: as much as the kernel sent, the rest is zero. */
static bool
take_info(struct rtattr **tb, struct tcp_info *ti)
{
	size_t len;

	memset(ti, 0, sizeof(*ti));
	if (tb[INET_DIAG_INFO] == NULL)
		return false;
	len = RTA_PAYLOAD(tb[INET_DIAG_INFO]);
	memcpy(ti, RTA_DATA(tb[INET_DIAG_INFO]), len < sizeof(*ti) ? len : sizeof(*ti));
	return true;
}

static void
info_print(struct rtattr **tb)
{
	struct tcp_info ti;

	if (tb[INET_DIAG_CONG] != NULL)
		printf("\n\t %s", (const char *)RTA_DATA(tb[INET_DIAG_CONG]));
	if (!take_info(tb, &ti))
		return;
	if ((ti.tcpi_options & TCPI_OPT_WSCALE) != 0)
		printf(" wscale:%u,%u", ti.tcpi_snd_wscale, ti.tcpi_rcv_wscale);
	if ((ti.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0)
		printf(" ts");
	if ((ti.tcpi_options & TCPI_OPT_SACK) != 0)
		printf(" sack");
	if ((ti.tcpi_options & TCPI_OPT_ECN) != 0)
		printf(" ecn");
	printf(" rto:%.3g rtt:%.3f/%.3f mss:%u pmtu:%u rcvmss:%u advmss:%u cwnd:%u",
	    (double)ti.tcpi_rto / 1000, (double)ti.tcpi_rtt / 1000, (double)ti.tcpi_rttvar / 1000,
	    ti.tcpi_snd_mss, ti.tcpi_pmtu, ti.tcpi_rcv_mss, ti.tcpi_advmss, ti.tcpi_snd_cwnd);
	if (ti.tcpi_snd_ssthresh < 0x7fffffff)
		printf(" ssthresh:%u", ti.tcpi_snd_ssthresh);
	printf(" bytes_sent:%llu bytes_acked:%llu bytes_received:%llu segs_out:%u segs_in:%u",
	    (unsigned long long)ti.tcpi_bytes_sent, (unsigned long long)ti.tcpi_bytes_acked,
	    (unsigned long long)ti.tcpi_bytes_received, ti.tcpi_segs_out, ti.tcpi_segs_in);
	if (ti.tcpi_delivery_rate != 0)
		printf(" delivery_rate:%llubps", (unsigned long long)ti.tcpi_delivery_rate * 8);
	if (ti.tcpi_unacked != 0)
		printf(" unacked:%u", ti.tcpi_unacked);
	if (ti.tcpi_total_retrans != 0)
		printf(" retrans:%u/%u", ti.tcpi_retrans, ti.tcpi_total_retrans);
	if (ti.tcpi_lost != 0)
		printf(" lost:%u", ti.tcpi_lost);
	if (ti.tcpi_rcv_rtt != 0)
		printf(" rcv_rtt:%.3g", (double)ti.tcpi_rcv_rtt / 1000);
	printf(" rcv_space:%u", ti.tcpi_rcv_space);
	if (ti.tcpi_min_rtt != 0)
		printf(" minrtt:%.3f", (double)ti.tcpi_min_rtt / 1000);
}

static void
info_json(json_t *o, struct rtattr **tb)
{
	struct tcp_info ti;
	json_t *i;

	if (tb[INET_DIAG_CONG] != NULL)
		json_set_text(o, "congestion", RTA_DATA(tb[INET_DIAG_CONG]));
	if (!take_info(tb, &ti))
		return;
	i = json_object();
	json_set_number(i, "rto_us", ti.tcpi_rto);
	json_set_number(i, "rtt_us", ti.tcpi_rtt);
	json_set_number(i, "rttvar_us", ti.tcpi_rttvar);
	json_set_number(i, "min_rtt_us", ti.tcpi_min_rtt);
	json_set_number(i, "mss", ti.tcpi_snd_mss);
	json_set_number(i, "pmtu", ti.tcpi_pmtu);
	json_set_number(i, "cwnd", ti.tcpi_snd_cwnd);
	json_set_number(i, "ssthresh", ti.tcpi_snd_ssthresh);
	json_set_number(i, "bytes_sent", ti.tcpi_bytes_sent);
	json_set_number(i, "bytes_acked", ti.tcpi_bytes_acked);
	json_set_number(i, "bytes_received", ti.tcpi_bytes_received);
	json_set_number(i, "segs_out", ti.tcpi_segs_out);
	json_set_number(i, "segs_in", ti.tcpi_segs_in);
	json_set_number(i, "unacked", ti.tcpi_unacked);
	json_set_number(i, "retrans", ti.tcpi_total_retrans);
	json_set_number(i, "lost", ti.tcpi_lost);
	json_object_set_new(o, "tcp", i);
}

static const char *const mem_words[] = { "r", "rb", "t", "tb", "f", "w", "o", "bl", "d" };

static void
memory_show(const struct rtattr *rta, json_t *o)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	size_t len;
	json_t *m;

	if (rta == NULL)
		return;
	len = RTA_PAYLOAD(rta);
	memcpy(mem, RTA_DATA(rta), len < sizeof(mem) ? len : sizeof(mem));
	if (o == NULL) {
		printf("\n\t skmem:(");
		for (int i = 0; i < SK_MEMINFO_VARS; i++)
			printf("%s%s%u", i > 0 ? "," : "", mem_words[i], mem[i]);
		putchar(')');
		return;
	}
	m = json_object();
	for (int i = 0; i < SK_MEMINFO_VARS; i++)
		json_set_number(m, mem_words[i], mem[i]);
	json_object_set_new(o, "skmem", m);
}

static void
show_inet(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[INET_DIAG_MARK + 1];
	struct inet_diag_msg m;
	struct ssctx *s = arg;
	char local[80], peer[80];
	json_t *o;

	memcpy(&m, NLMSG_DATA(nh), sizeof(m));
	nlc_attrs(nh, sizeof(m), tb, INET_DIAG_MARK + 1);
	end_text(m.idiag_family, m.id.idiag_src, m.id.idiag_sport, local, sizeof(local));
	end_text(m.idiag_family, m.id.idiag_dst, m.id.idiag_dport, peer, sizeof(peer));
	s->s_shown++;
	if (want_json) {
		o = line_json(s, m.idiag_state, m.idiag_rqueue, m.idiag_wqueue, local, peer);
		if (s->s_extended) {
			json_set_number(o, "uid", m.idiag_uid);
			json_set_number(o, "ino", m.idiag_inode);
		}
		if (s->s_memory)
			memory_show(tb[INET_DIAG_SKMEMINFO], o);
		if (s->s_info)
			info_json(o, tb);
		json_print(o);
		return;
	}
	line_print(s, m.idiag_state, m.idiag_rqueue, m.idiag_wqueue, local, peer);
	if (s->s_extended)
		printf(" uid:%u ino:%u", m.idiag_uid, m.idiag_inode);
	if (s->s_memory)
		memory_show(tb[INET_DIAG_SKMEMINFO], NULL);
	if (s->s_info)
		info_print(tb);
	putchar('\n');
}

static uint32_t
wanted_states(const struct ssctx *s)
{
	static const uint32_t quiet = 1u << STATE_LISTEN | 1u << STATE_CLOSE |
	    1u << STATE_TIME_WAIT | 1u << STATE_SYN_RECV;

	if (s->s_all)
		return STATES_ALL;
	return s->s_listen ? 1u << STATE_LISTEN | 1u << STATE_CLOSE : STATES_ALL & ~quiet;
}

/* --- the others ---------------------------------------------------------------------------- */

static void
show_unix(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[UNIX_DIAG_UID + 1];
	struct unix_diag_rqlen rq = { 0, 0 };
	struct unix_diag_msg m;
	struct ssctx *s = arg;
	char name[120] = "*";

	memcpy(&m, NLMSG_DATA(nh), sizeof(m));
	nlc_attrs(nh, sizeof(m), tb, UNIX_DIAG_UID + 1);
	s->s_proto = m.udiag_type == SOCK_STREAM ? "u_str" : m.udiag_type == SOCK_DGRAM ? "u_dgr" :
	    "u_seq";
	if (tb[UNIX_DIAG_RQLEN] != NULL)
		memcpy(&rq, RTA_DATA(tb[UNIX_DIAG_RQLEN]), sizeof(rq));
	if (tb[UNIX_DIAG_NAME] != NULL) {
		const char *text = RTA_DATA(tb[UNIX_DIAG_NAME]);
		int len = (int)RTA_PAYLOAD(tb[UNIX_DIAG_NAME]);

		/* Abstract names begin with a NUL. */
		(void)snprintf(name, sizeof(name), "%s%.*s", *text == '\0' ? "@" : "",
		    *text == '\0' ? len - 1 : len, *text == '\0' ? text + 1 : text);
	}
	s->s_shown++;
	if (want_json) {
		json_print(line_json(s, m.udiag_state, rq.udiag_rqueue, rq.udiag_wqueue, name, "*"));
		return;
	}
	line_print(s, m.udiag_state, rq.udiag_rqueue, rq.udiag_wqueue, name, "*");
	putchar('\n');
}

static void
show_netlink(const struct nlmsghdr *nh, void *arg)
{
	struct netlink_diag_msg m;
	struct ssctx *s = arg;
	char local[40], peer[40];

	memcpy(&m, NLMSG_DATA(nh), sizeof(m));
	(void)snprintf(local, sizeof(local), "%u:%u", m.ndiag_protocol, m.ndiag_portid);
	(void)snprintf(peer, sizeof(peer), "%u", m.ndiag_dst_portid);
	s->s_shown++;
	if (want_json) {
		json_print(line_json(s, m.ndiag_state, 0, 0, local, peer));
		return;
	}
	line_print(s, m.ndiag_state, 0, 0, local, peer);
	putchar('\n');
}

static void
show_packet(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[PACKET_DIAG_UID + 1];
	struct packet_diag_info info = { 0 };
	struct packet_diag_msg m;
	struct ssctx *s = arg;
	char local[40];

	memcpy(&m, NLMSG_DATA(nh), sizeof(m));
	nlc_attrs(nh, sizeof(m), tb, PACKET_DIAG_UID + 1);
	if (tb[PACKET_DIAG_INFO] != NULL)
		memcpy(&info, RTA_DATA(tb[PACKET_DIAG_INFO]), sizeof(info));
	(void)snprintf(local, sizeof(local), "0x%04x:%s", m.pdiag_num,
	    info.pdi_index != 0 ? nlc_ifname(info.pdi_index) : "*");
	s->s_shown++;
	if (want_json) {
		json_print(line_json(s, STATE_CLOSE, 0, 0, local, "*"));
		return;
	}
	line_print(s, STATE_CLOSE, 0, 0, local, "*");
	putchar('\n');
}

/* --- asking ----------------------------------------------------------------------------------- */

static int
dump(const void *req, size_t len, void (*fn)(const struct nlmsghdr *, void *), struct ssctx *s)
{
	struct nlc *c = malloc(sizeof(*c));
	int error = c != NULL ? nlc_open(c, NETLINK_SOCK_DIAG) : ENOMEM, code = EX_DONE;

	if (error) {
		free(c);
		return complain("netlink", "open a socket", error);
	}
	nlc_begin(c, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, req, len);
	error = nlc_talk(c, fn, s);
	if (error)
		code = nlc_fail(c, "ss", "list", error);
	nlc_close(c);
	free(c);
	return code;
}

static int
dump_inet(struct ssctx *s, int protocol, const char *word)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct inet_diag_req_v2 req = { .sdiag_protocol = (uint8_t)protocol,
	    .idiag_states = wanted_states(s), .idiag_ext = 0xff };
	int code = EX_DONE;

	s->s_proto = word;
	for (int i = 0; i < 2 && code == EX_DONE; i++) {
		req.sdiag_family = (uint8_t)families[i];
		if (s->s_family == AF_UNSPEC || s->s_family == families[i])
			code = dump(&req, sizeof(req), show_inet, s);
	}
	return code;
}

static int
ss_run(struct ssctx *s)
{
	struct unix_diag_req ureq = { .sdiag_family = AF_UNIX, .udiag_states = wanted_states(s),
	    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN };
	struct netlink_diag_req nreq = { .sdiag_family = AF_NETLINK,
	    .sdiag_protocol = NDIAG_PROTO_ALL };
	struct packet_diag_req preq = { .sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO };
	int code = EX_DONE;

	if (want_json)
		json_begin();
	else
		printf("%-6s %-10s %-7s %-7s %28s %28s\n", "netid", "state", "recv-q", "send-q",
		    "local", "peer");
	if (s->s_netlink) {
		s->s_proto = "nl";
		code = dump(&nreq, sizeof(nreq), show_netlink, s);
	}
	if (code == EX_DONE && s->s_packet) {
		s->s_proto = "p_raw";
		code = dump(&preq, sizeof(preq), show_packet, s);
	}
	if (code == EX_DONE && s->s_unix)
		code = dump(&ureq, sizeof(ureq), show_unix, s);
	if (code == EX_DONE && s->s_udp)
		code = dump_inet(s, IPPROTO_UDP, "udp");
	if (code == EX_DONE && s->s_raw)
		code = dump_inet(s, IPPROTO_RAW, "raw");
	if (code == EX_DONE && s->s_tcp)
		code = dump_inet(s, IPPROTO_TCP, "tcp");
	if (want_json)
		json_end();
	return code;
}

static int
ss_option(struct ssctx *s, int opt)
{
	switch (opt) {
	case 't':
		s->s_tcp = true;
		break;
	case 'u':
		s->s_udp = true;
		break;
	case 'w':
		s->s_raw = true;
		break;
	case 'x':
		s->s_unix = true;
		break;
	case 'k':
		s->s_netlink = true;
		break;
	case '0':
		s->s_packet = true;
		break;
	case 'a':
		s->s_all = true;
		break;
	case 'l':
		s->s_listen = true;
		break;
	case 'i':
		s->s_info = true;
		break;
	case 'm':
		s->s_memory = true;
		break;
	case 'e':
		s->s_extended = true;
		break;
	case 'n':
		break;		/* names are never looked up */
	case '4':
	case '6':
		s->s_family = opt == '4' ? AF_INET : AF_INET6;
		break;
	default:
		return net_option(opt);
	}
	return -1;
}

int
cmd_ss(int argc, char **argv)
{
	struct ssctx s = { .s_tcp = false };
	int opt, code;

	while ((opt = getopt_long(argc, argv, "tuwxk0aliemn46", options, NULL)) != -1) {
		code = ss_option(&s, opt);
		if (code != -1)
			return code;
	}
	if (optind != argc)
		return usage_error("ss: '%s'?", argv[optind]);
	if (!s.s_tcp && !s.s_udp && !s.s_raw && !s.s_unix && !s.s_netlink && !s.s_packet)
		s.s_tcp = s.s_udp = s.s_raw = s.s_unix = s.s_packet = true;
	code = net_boot();
	if (code == EX_DONE)
		code = ss_run(&s);
	note_failure(code);
	return code == EX_DONE ? finish_output() : code;
}
