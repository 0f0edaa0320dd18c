/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script_call.c - what the program does in packet scripts
 */

#include "tcp_script_impl.h"

#include <lib/string.h>
#include <linux/tcp.h>
#include <sys/cred.h>
#include <sys/errno.h>

static uint8_t data[MAXDATA];

static const struct sockaddr_in peer_sin = { .sin_family = AF_INET,
	.sin_port = __builtin_bswap16(PPORT), .sin_addr = { __builtin_bswap32(PEER) } };
static const struct sockaddr_in our_sin = { .sin_family = AF_INET,
	.sin_port = __builtin_bswap16(LPORT), .sin_addr = { __builtin_bswap32(OURS) } };

static struct socket *
new_socket(struct script *s)
{
	struct socket *so;

	NEED(socket_create(s->s_ns, AF_INET, SOCK_STREAM, IPPROTO_TCP, (struct cred *)(uintptr_t)curcred(), true,
	    &so) == 0);
	return so;
}

struct socket *
script_socket(struct script *s)
{
	if (s->s_so == NULL && s->s_lso == NULL) {
		s->s_so = new_socket(s);
		s->s_hasiss = s->s_ts = false;
		s->s_wrote = s->s_read = 0;
	}
	return s->s_so != NULL ? s->s_so : s->s_lso;
}

void
do_connect(struct script *s)
{
	int want = script_wanted(s, -EINPROGRESS);

	script_at_time(s);
	script_complain(s, "connect", want, -tcp_sockops.so_connect(script_socket(s),
	    (const struct sockaddr *)&peer_sin, sizeof(peer_sin), true));
}

void
do_listen(struct script *s)
{
	int want = script_wanted(s, 0), error;

	script_at_time(s);
	s->s_lso = script_socket(s);
	s->s_so = NULL;
	s->s_lport = LPORT;
	error = tcp_sockops.so_bind(s->s_lso, (const struct sockaddr *)&our_sin, sizeof(our_sin));
	if (error == 0)
		error = tcp_sockops.so_listen(s->s_lso, (int)script_arg(s, 1));
	script_complain(s, "listen", want, -error);
}

void
do_accept(struct script *s)
{
	int want = script_wanted(s, 0);

	script_at_time(s);
	script_complain(s, "accept", want, -tcp_sockops.so_accept(s->s_lso, true, &s->s_so));
}

void
do_write(struct script *s)
{
	uint32_t len = script_arg(s, 1);
	int want = script_wanted(s, (int)len), flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	struct rumpuser_iov iov;
	struct uio uio;
	struct sockaddr_storage ss;
	struct sockmsg sm = { .sm_uio = &uio };
	size_t done = 0;
	int error;

	script_at_time(s);
	if (script_is(s, 2, "oob"))
		flags |= MSG_OOB;
	if (script_is(s, 2, "more"))
		flags |= MSG_MORE;
	if (script_is(s, 2, "tfo")) {
		flags |= MSG_FASTOPEN;
		memcpy(&ss, &peer_sin, sizeof(peer_sin));
		sm.sm_name = &ss;
		sm.sm_namelen = sizeof(peer_sin);
	}
	sm.sm_flags = flags;
	NEED(len <= MAXDATA);
	for (uint32_t i = 0; i < len; i++)
		data[i] = script_octet(s->s_wrote + i);
	uio_init_buf(&uio, &iov, data, len, 0, UIO_WRITE, UIO_KERNEL);
	error = tcp_sockops.so_send(script_socket(s), &sm, &done);
	script_complain(s, "write", want, error != 0 ? -error : (int)done);
	s->s_wrote += (uint32_t)done;
}

static int
read_some(struct script *s, uint32_t len, int flags)
{
	struct rumpuser_iov iov;
	struct uio uio;
	struct sockmsg sm = { .sm_uio = &uio, .sm_flags = flags | MSG_DONTWAIT };
	size_t done = 0;
	int error;

	NEED(len <= MAXDATA);
	uio_init_buf(&uio, &iov, data, len, 0, UIO_READ, UIO_KERNEL);
	error = tcp_sockops.so_recv(script_socket(s), &sm, &done);
	return error != 0 ? -error : (int)done;
}

void
do_read(struct script *s)
{
	uint32_t len = script_arg(s, 1);
	int want = script_wanted(s, (int)len), got;
	bool oob = script_is(s, 2, "oob"), peek = script_is(s, 2, "peek");

	script_at_time(s);
	got = read_some(s, len, (oob ? MSG_OOB : 0) | (peek ? MSG_PEEK : 0));
	script_complain(s, "read", want, got);
	for (int i = 0; i < got && !oob; i++) {
		if (data[i] != script_octet(s->s_read + (uint32_t)i)) {
			script_complain(s, "data read", script_octet(s->s_read + (uint32_t)i), data[i]);
			break;
		}
	}
	if (got > 0 && !oob && !peek)
		s->s_read += (uint32_t)got;
}

/* The stream goes on n octets later: an urgent octet was left out. */
void
do_skip(struct script *s)
{
	s->s_read += script_arg(s, 1);
}

void
do_eof(struct script *s)
{
	script_at_time(s);
	script_complain(s, "end of file", 0, read_some(s, 1000, 0));
}

void
do_soerror(struct script *s)
{
	struct socket *so = script_socket(s);
	int error;

	mutex_enter(&so->so_lock);
	error = socket_geterror(so);
	mutex_exit(&so->so_lock);
	script_complain(s, "SO_ERROR", script_errno(s->s_word[1]), -error);
}

void
script_close_socket(struct socket **sop)
{
	if (*sop == NULL)
		return;
	tcp_sockops.so_close(*sop);
	socket_rele(*sop);
	*sop = NULL;
}

void
do_close(struct script *s)
{
	script_at_time(s);
	script_close_socket(s->s_so != NULL ? &s->s_so : &s->s_lso);
}

void
do_shutdown(struct script *s)
{
	int want = script_wanted(s, 0);

	script_at_time(s);
	script_complain(s, "shutdown", want, -tcp_sockops.so_shutdown(script_socket(s),
	    script_is(s, 1, "rd") ? SHUT_RD : script_is(s, 1, "wr") ? SHUT_WR : SHUT_RDWR));
}

static const struct { const char *name; int opt; } opts[] = {
	{ "nodelay", TCP_NODELAY }, { "cork", TCP_CORK }, { "maxseg", TCP_MAXSEG },
	{ "keepidle", TCP_KEEPIDLE }, { "keepintvl", TCP_KEEPINTVL },
	{ "keepcnt", TCP_KEEPCNT }, { "syncnt", TCP_SYNCNT }, { "linger2", TCP_LINGER2 },
	{ "defer", TCP_DEFER_ACCEPT }, { "quickack", TCP_QUICKACK },
	{ "usertimeout", TCP_USER_TIMEOUT }, { "fastopen", TCP_FASTOPEN },
	{ "fastopenconnect", TCP_FASTOPEN_CONNECT }, { "notsent", TCP_NOTSENT_LOWAT },
	{ "clamp", TCP_WINDOW_CLAMP },
};

/* What the socket layer would do for options of SOL_SOCKET. */
static bool
socket_opt(struct socket *so, const char *name, int v)
{
	mutex_enter(&so->so_lock);
	if (strcmp(name, "keepalive") == 0) {
		so->so_options |= SOO_KEEPALIVE;
		tcp_timer_keep(tcpcb_of(so), clock_mono());
	} else if (strcmp(name, "oobinline") == 0)
		so->so_options |= SOO_OOBINLINE;
	else if (strcmp(name, "reuseaddr") == 0)
		so->so_options |= SOO_REUSEADDR;
	else if (strcmp(name, "linger") == 0)
		so->so_linger = v;
	else if (strcmp(name, "rcvbuf") == 0) {
		so->so_rcv.sb_hiwat = (uint32_t)v * 2;
		so->so_rcv.sb_locked_size = true;
	} else if (strcmp(name, "sndbuf") == 0) {
		so->so_snd.sb_hiwat = (uint32_t)v * 2;
		so->so_snd.sb_locked_size = true;
	} else {
		mutex_exit(&so->so_lock);
		return false;
	}
	mutex_exit(&so->so_lock);
	return true;
}

void
do_opt(struct script *s)
{
	int want = script_wanted(s, 0), v = (int)script_arg(s, 2);
	struct socket *so = script_socket(s);

	script_at_time(s);
	if (script_is(s, 1, "reno")) {
		script_complain(s, "setsockopt", want, -tcp_sockops.so_setopt(so, SOL_TCP,
		    TCP_CONGESTION, "reno", 4));
		return;
	}
	if (socket_opt(so, s->s_word[1], v))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		if (!script_is(s, 1, opts[i].name))
			continue;
		script_complain(s, "setsockopt", want, -tcp_sockops.so_setopt(so, SOL_TCP, opts[i].opt,
		    &v, sizeof(v)));
		return;
	}
	NEED(!"a known option");
}

static const struct { const char *name; struct netvar *var; } vars[] = {
	{ "ecn", &tcpvar_ecn }, { "sack", &tcpvar_sack }, { "timestamps", &tcpvar_timestamps },
	{ "wscale", &tcpvar_wscale }, { "syncookies", &tcpvar_syncookies },
	{ "fastopen", &tcpvar_fastopen }, { "early_retrans", &tcpvar_early_retrans },
	{ "frto", &tcpvar_frto }, { "mtu_probing", &tcpvar_mtu_probing },
	{ "syn_retries", &tcpvar_syn_retries }, { "retries2", &tcpvar_retries2 },
	{ "fin_timeout", &tcpvar_fin_timeout }, { "cc", &tcpvar_cc },
	{ "max_syn_backlog", &tcpvar_max_syn_backlog }, { "dsack", &tcpvar_dsack },
	{ "tw_reuse", &tcpvar_tw_reuse }, { "slow_start_idle", &tcpvar_slow_start_idle },
	{ "synack_retries", &tcpvar_synack_retries }, { "base_mss", &tcpvar_base_mss },
	{ "probe_interval", &tcpvar_probe_interval },
	{ "probe_threshold", &tcpvar_probe_threshold },
};

void
do_var(struct script *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(vars); i++) {
		if (script_is(s, 1, vars[i].name)) {
			script_complain(s, "setting", 0, netvar_set(s->s_ns, vars[i].var,
			    (int)script_arg(s, 2)));
			return;
		}
	}
	NEED(!"a known setting");
}
