/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * diag_inet.c - TCP, UDP and raw sockets, one message each
 *
 * Everything is asked of the socket through the options that a program has too
 * (TCP_INFO, TCP_CONGESTION, IP_TOS), so that this file knows no protocol.
 *
 * References: sock_diag(7), <linux/inet_diag.h>.
 */

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/sockdiag.h>
#include <net/socket.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include <lib/string.h>

#include "diag_impl.h"

/* Numbers of states as struct tcp_info has them. */
#define STATE_ESTABLISHED	1
#define STATE_CLOSE		7
#define STATE_LISTEN		10
#define STATE_BOUND		13	/* is asked for only: shown as closed */

/* A request, kept with the dump. */
struct inetwant {
	int		 iw_family;
	int		 iw_protocol;
	uint32_t	 iw_states;
	uint32_t	 iw_ext;	/* bits INET_DIAG_X - 1 */
	struct inet_diag_sockid iw_id;
};

struct inetwalk {
	struct nldump	*w_d;
	struct nlbuf	*w_nb;
	const struct inetwant *w_want;
};

void
diag_cookie(const struct socket *so, uint32_t *ret_cookie)
{
	uint64_t cookie = __atomic_load_n(&so->so_cookie, __ATOMIC_RELAXED);

	if (cookie == 0)
		cookie = so->so_inode;
	ret_cookie[0] = (uint32_t)cookie;
	ret_cookie[1] = (uint32_t)(cookie >> 32);
}

uint8_t
diag_shutdown(const struct socket *so)
{
	uint32_t flags = __atomic_load_n(&so->so_state, __ATOMIC_RELAXED);

	return (uint8_t)(((flags & SS_CANTRCVMORE) != 0 ? 1 : 0) |
	    ((flags & SS_CANTSENDMORE) != 0 ? 2 : 0));
}

void
diag_meminfo_put(struct nlbuf *nb, uint16_t type, struct socket *so)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };

	mutex_enter(&so->so_lock);
	mem[SK_MEMINFO_RMEM_ALLOC] = so->so_rcv.sb_mem;
	mem[SK_MEMINFO_RCVBUF] = so->so_rcv.sb_hiwat;
	mem[SK_MEMINFO_WMEM_ALLOC] = so->so_snd.sb_mem;
	mem[SK_MEMINFO_SNDBUF] = so->so_snd.sb_hiwat;
	mem[SK_MEMINFO_WMEM_QUEUED] = so->so_snd.sb_mem;
	mem[SK_MEMINFO_DROPS] = (uint32_t)so->so_drops;
	mutex_exit(&so->so_lock);
	nlbuf_attr(nb, type, mem, sizeof(mem));
}

/* --- what is known of a socket ------------------------------------------------------- */

static void
name_take(struct socket *so, bool peer, uint16_t *ret_port, uint8_t *ret_addr,
    uint32_t *ret_ifindex)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;
	socklen_t len;

	*ret_port = 0;
	memset(ret_addr, 0, 16);
	memset(&ss, 0, sizeof(ss));
	if (so->so_ops->so_name(so, peer, &ss, &len) != 0)
		return;
	if (ss.ss_family == AF_INET) {
		memcpy(&sin, &ss, sizeof(sin));
		*ret_port = __builtin_bswap16(sin.sin_port);
		memcpy(ret_addr, &sin.sin_addr, 4);
	} else if (ss.ss_family == AF_INET6) {
		memcpy(&sin6, &ss, sizeof(sin6));
		*ret_port = __builtin_bswap16(sin6.sin6_port);
		memcpy(ret_addr, &sin6.sin6_addr, 16);
		if (sin6.sin6_scope_id != 0)
			*ret_ifindex = sin6.sin6_scope_id;
	}
}

static void
entry_take(struct socket *so, struct diag_entry *de)
{
	memset(de, 0, sizeof(*de));
	de->de_family = so->so_family;
	de->de_ifindex = __atomic_load_n(&so->so_bound_if, __ATOMIC_RELAXED);
	de->de_mark = __atomic_load_n(&so->so_mark, __ATOMIC_RELAXED);
	name_take(so, false, &de->de_sport, de->de_src, &de->de_ifindex);
	name_take(so, true, &de->de_dport, de->de_dst, &de->de_ifindex);
	/* Like SO_REUSEADDR's owner: who binds before connecting has chosen. */
	de->de_autoport = (__atomic_load_n(&so->so_state, __ATOMIC_RELAXED) & SS_BOUND) == 0;
}

/* *ret_len 0: no TCP_INFO. */
static uint8_t
state_of(struct socket *so, struct tcp_info *info, socklen_t *ret_len)
{
	uint32_t flags = __atomic_load_n(&so->so_state, __ATOMIC_RELAXED);

	*ret_len = 0;
	if (so->so_protocol == IPPROTO_TCP) {
		*ret_len = sizeof(*info);
		memset(info, 0, sizeof(*info));
		if (so->so_ops->so_getopt != NULL &&
		    so->so_ops->so_getopt(so, SOL_TCP, TCP_INFO, info, ret_len) == 0)
			return info->tcpi_state;
		*ret_len = 0;
	}
	if ((flags & SS_LISTENING) != 0)
		return STATE_LISTEN;
	return (flags & SS_CONNECTED) != 0 ? STATE_ESTABLISHED : STATE_CLOSE;
}

static bool
id_matches(const struct inet_diag_sockid *id, const struct diag_entry *de)
{
	/* Ports of zero and zero addresses mean any; ss(8) filters by program. */
	return (id->idiag_sport == 0 || __builtin_bswap16(id->idiag_sport) == de->de_sport) &&
	    (id->idiag_dport == 0 || __builtin_bswap16(id->idiag_dport) == de->de_dport) &&
	    (id->idiag_if == 0 || id->idiag_if == de->de_ifindex);
}

static bool
id_is(const struct inet_diag_sockid *id, const struct diag_entry *de, const struct socket *so)
{
	size_t len = de->de_family == AF_INET ? 4 : 16;
	uint32_t cookie[2];

	diag_cookie(so, cookie);
	return id_matches(id, de) && memcmp(id->idiag_src, de->de_src, len) == 0 &&
	    memcmp(id->idiag_dst, de->de_dst, len) == 0 &&
	    (id->idiag_cookie[0] == INET_DIAG_NOCOOKIE ||
	    memcmp(id->idiag_cookie, cookie, sizeof(cookie)) == 0);
}

/* --- writing -------------------------------------------------------------------------- */

static bool
wants(const struct inetwant *iw, unsigned int ext)
{
	return (iw->iw_ext >> (ext - 1) & 1) != 0;
}

static void
byte_option_put(struct nlbuf *nb, uint16_t type, struct socket *so, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (so->so_ops->so_getopt != NULL &&
	    so->so_ops->so_getopt(so, level, name, &value, &len) == 0)
		nlbuf_u8(nb, type, (uint8_t)value);
}

static void
cong_put(struct nlbuf *nb, struct socket *so)
{
	char name[16] = "";
	socklen_t len = sizeof(name);

	if (so->so_ops->so_getopt(so, SOL_TCP, TCP_CONGESTION, name, &len) == 0) {
		name[sizeof(name) - 1] = '\0';
		nlbuf_string(nb, INET_DIAG_CONG, name);
	}
}

static void
meminfo_put(struct nlbuf *nb, struct socket *so)
{
	struct inet_diag_meminfo mi = {
		.idiag_rmem = so->so_rcv.sb_mem, .idiag_wmem = so->so_snd.sb_mem,
	};

	nlbuf_attr(nb, INET_DIAG_MEMINFO, &mi, sizeof(mi));
}

static void
extensions_put(struct nlbuf *nb, const struct inetwant *iw, struct socket *so,
    const struct tcp_info *info, socklen_t infolen)
{
	nlbuf_u8(nb, INET_DIAG_SHUTDOWN, diag_shutdown(so));
	if (wants(iw, INET_DIAG_TOS))
		byte_option_put(nb, INET_DIAG_TOS, so, SOL_IP, IP_TOS);
	if (so->so_family == AF_INET6 && wants(iw, INET_DIAG_TCLASS))
		byte_option_put(nb, INET_DIAG_TCLASS, so, SOL_IPV6, IPV6_TCLASS);
	if (so->so_family == AF_INET6)
		byte_option_put(nb, INET_DIAG_SKV6ONLY, so, SOL_IPV6, IPV6_V6ONLY);
	if (so->so_type == SOCK_RAW)
		nlbuf_u8(nb, INET_DIAG_PROTOCOL, (uint8_t)so->so_protocol);
	nlbuf_u32(nb, INET_DIAG_MARK, __atomic_load_n(&so->so_mark, __ATOMIC_RELAXED));
	if (wants(iw, INET_DIAG_MEMINFO))
		meminfo_put(nb, so);
	if (wants(iw, INET_DIAG_SKMEMINFO))
		diag_meminfo_put(nb, INET_DIAG_SKMEMINFO, so);
	if (infolen > 0 && wants(iw, INET_DIAG_INFO))
		nlbuf_attr64(nb, INET_DIAG_INFO, info, infolen, INET_DIAG_PAD);
	if (infolen > 0 && wants(iw, INET_DIAG_CONG))
		cong_put(nb, so);
}

/* Milliseconds are left; what is due already has none. */
static void
timer_put(struct inet_diag_msg *msg, const struct sockdiag *sd)
{
	int64_t left = sd->sd_expires - clock_mono();

	if (sd->sd_timer == SOCKDIAG_NOTIMER)
		return;
	msg->idiag_timer = sd->sd_timer;
	msg->idiag_retrans = sd->sd_retrans;
	msg->idiag_expires = left > 0 ? (uint32_t)(left / (NSEC_PER_SEC / 1000)) : 0;
}

static void
inet_put(struct nlbuf *nb, const struct nlhead *head, const struct inetwant *iw,
    struct socket *so, const struct diag_entry *de, uint8_t state, const struct tcp_info *info,
    socklen_t infolen)
{
	struct sockdiag sd = { .sd_timer = SOCKDIAG_NOTIMER };
	struct inet_diag_msg msg = {
		.idiag_family = (uint8_t)so->so_family, .idiag_state = state,
		.idiag_retrans = infolen > 0 ? info->tcpi_retransmits : 0,
		.idiag_uid = so->so_cred->cr_euid, .idiag_inode = (uint32_t)so->so_inode,
	};

	msg.id.idiag_sport = __builtin_bswap16(de->de_sport);
	msg.id.idiag_dport = __builtin_bswap16(de->de_dport);
	memcpy(msg.id.idiag_src, de->de_src, 16);
	memcpy(msg.id.idiag_dst, de->de_dst, 16);
	msg.id.idiag_if = de->de_ifindex;
	diag_cookie(so, msg.id.idiag_cookie);
	mutex_enter(&so->so_lock);
	if (state == STATE_LISTEN) {
		msg.idiag_rqueue = so->so_qlen;
		msg.idiag_wqueue = so->so_backlog;
	} else {
		msg.idiag_rqueue = so->so_type == SOCK_STREAM ? so->so_rcv.sb_cc : so->so_rcv.sb_mem;
		msg.idiag_wqueue = so->so_type == SOCK_STREAM ? so->so_snd.sb_cc : so->so_snd.sb_mem;
	}
	mutex_exit(&so->so_lock);
	if (so->so_ops->so_diag != NULL) {
		so->so_ops->so_diag(so, &sd);
		timer_put(&msg, &sd);
	}
	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &msg, sizeof(msg));
	extensions_put(nb, iw, so, info, infolen);
}

/* --- walks ------------------------------------------------------------------------------- */

static bool
protocol_matches(const struct inetwant *iw, const struct socket *so)
{
	if (iw->iw_protocol == IPPROTO_RAW)
		return so->so_type == SOCK_RAW;
	return so->so_protocol == iw->iw_protocol && so->so_type != SOCK_RAW;
}

/*
 * TCP sockets that are not connected are shown to who asks for those that were bound (ss
 * calls them UNCONN), and not at all if they were not.
 */
static bool
state_wanted(const struct inetwant *iw, const struct socket *so, uint8_t state)
{
	if (so->so_protocol != IPPROTO_TCP || state != STATE_CLOSE)
		return (iw->iw_states >> state & 1) != 0;
	return (iw->iw_states >> STATE_BOUND & 1) != 0 &&
	    (__atomic_load_n(&so->so_state, __ATOMIC_RELAXED) & SS_BOUND) != 0;
}

static int
dump_one(struct socket *so, void *arg)
{
	struct inetwalk *w = arg;
	struct diag_entry de;
	struct tcp_info info;
	socklen_t infolen;
	uint8_t state;

	if (!protocol_matches(w->w_want, so) || !nldump_due(w->w_d))
		return 0;
	state = state_of(so, &info, &infolen);
	if (!state_wanted(w->w_want, so, state)) {
		nldump_skip(w->w_d);
		return 0;
	}
	if (state == STATE_CLOSE)
		infolen = 0;
	entry_take(so, &de);
	if (!id_matches(&w->w_want->iw_id, &de) || (w->w_d->d_extra != NULL &&
	    !diagbc_match(w->w_d->d_extra, w->w_d->d_extralen, &de))) {
		nldump_skip(w->w_d);
		return 0;
	}
	inet_put(w->w_nb, &w->w_d->d_head, w->w_want, so, &de, state, &info, infolen);
	return nldump_put(w->w_d, w->w_nb);
}

/* --- connections without sockets --------------------------------------------------------- */

static void
mini_entry(const struct sockdiag_mini *sm, struct diag_entry *de)
{
	memset(de, 0, sizeof(*de));
	de->de_family = sm->sm_family;
	de->de_sport = sm->sm_lport;
	de->de_dport = sm->sm_fport;
	memcpy(de->de_src, &sm->sm_laddr, sizeof(de->de_src));
	memcpy(de->de_dst, &sm->sm_faddr, sizeof(de->de_dst));
	de->de_ifindex = sm->sm_scope;
}

static void
mini_put(struct nlbuf *nb, const struct nlhead *head, const struct sockdiag_mini *sm)
{
	struct inet_diag_msg msg = {
		.idiag_family = (uint8_t)sm->sm_family, .idiag_state = sm->sm_state,
	};

	msg.id.idiag_sport = __builtin_bswap16(sm->sm_lport);
	msg.id.idiag_dport = __builtin_bswap16(sm->sm_fport);
	memcpy(msg.id.idiag_src, &sm->sm_laddr, 16);
	memcpy(msg.id.idiag_dst, &sm->sm_faddr, 16);
	msg.id.idiag_if = sm->sm_scope;
	msg.id.idiag_cookie[0] = msg.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	timer_put(&msg, &sm->sm_diag);
	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &msg, sizeof(msg));
	nlbuf_u32(nb, INET_DIAG_MARK, 0);
}

static int
dump_mini(const struct sockdiag_mini *sm, void *arg)
{
	struct inetwalk *w = arg;
	struct diag_entry de;

	if (!nldump_due(w->w_d))
		return 0;
	mini_entry(sm, &de);
	if ((w->w_want->iw_states >> sm->sm_state & 1) == 0 ||
	    !id_matches(&w->w_want->iw_id, &de) || (w->w_d->d_extra != NULL &&
	    !diagbc_match(w->w_d->d_extra, w->w_d->d_extralen, &de))) {
		nldump_skip(w->w_d);
		return 0;
	}
	mini_put(w->w_nb, &w->w_d->d_head, sm);
	return nldump_put(w->w_d, w->w_nb);
}

static int
dump_next(struct nldump *d, struct nlbuf *nb)
{
	const struct inetwant *iw = (const void *)d->d_arg;
	struct inetwalk w = { d, nb, iw };
	int error;

	error = socket_iterate(d->d_ns, iw->iw_family, dump_one, &w);
	return error ? error : sockdiag_minis(d->d_ns, iw->iw_family, iw->iw_protocol,
	    dump_mini, &w);
}

struct inetget {
	struct nlbuf	*g_nb;
	struct nlhead	 g_head;
	const struct inetwant *g_want;
};

static int
get_one(struct socket *so, void *arg)
{
	struct inetget *g = arg;
	struct diag_entry de;
	struct tcp_info info;
	socklen_t infolen;
	uint8_t state;

	if (!protocol_matches(g->g_want, so))
		return 0;
	entry_take(so, &de);
	if (!id_is(&g->g_want->iw_id, &de, so))
		return 0;
	state = state_of(so, &info, &infolen);
	inet_put(g->g_nb, &g->g_head, g->g_want, so, &de, state, &info, infolen);
	(void)nlbuf_end(g->g_nb);
	return 1;
}

/* --- requests ------------------------------------------------------------------------------ */

static const struct nlpolicy inet_policy[] = {
	[INET_DIAG_REQ_BYTECODE]	= { NLK_ANY, sizeof(struct inet_diag_bc_op) },
	[INET_DIAG_REQ_PROTOCOL]	= { NLK_U32, 0 },
};

static int
inet_run(struct nlreq *nr, const struct inetwant *iw, size_t hdrlen, uint16_t type)
{
	struct nlview tb[ARRAY_SIZE(inet_policy)], bc;
	struct inetget g = { .g_want = iw };
	struct nldump *d;
	struct nlbuf nb;
	int error;

	error = nlreq_attrs(nr, hdrlen, inet_policy, ARRAY_SIZE(inet_policy), false, tb);
	if (error)
		return error;
	bc = tb[INET_DIAG_REQ_BYTECODE];
	if (nlview_present(bc) && diagbc_check(bc.nv_data, bc.nv_len) != 0)
		return nlreq_fail(nr, EINVAL, "malformed filter");
	if ((nr->nr_hdr.nlmsg_flags & NLM_F_DUMP) == 0) {
		error = nlreq_buf(&nb, NL_CHUNK_MIN);
		if (error)
			return error;
		nlreq_head(nr, type, &g.g_head);
		g.g_nb = &nb;
		if (socket_iterate(nr->nr_ns, iw->iw_family, get_one, &g) != 0)
			return nlreq_reply(nr, &nb);
		nlbuf_discard(&nb);
		return ENOENT;
	}
	error = nlreq_dump(nr, type, dump_next, iw, sizeof(*iw));
	if (error != 0 || !nlview_present(bc))
		return error;
	d = nr->nr_sk->nk_dump;
	d->d_extra = kmem_alloc(bc.nv_len, KM_SLEEP);
	if (d->d_extra == NULL) {
		netlink_dump_cancel(nr->nr_sk);
		return ENOMEM;
	}
	d->d_extralen = bc.nv_len;
	memcpy(d->d_extra, bc.nv_data, bc.nv_len);
	return 0;
}

int
diag_inet(struct nlreq *nr)
{
	struct inet_diag_req_v2 req;
	struct inetwant iw;

	if (nr->nr_len < sizeof(req))
		return EINVAL;
	memcpy(&req, nr->nr_data, sizeof(req));
	iw = (struct inetwant){ .iw_family = req.sdiag_family, .iw_protocol = req.sdiag_protocol,
	    .iw_states = req.idiag_states, .iw_ext = req.idiag_ext, .iw_id = req.id };
	return inet_run(nr, &iw, sizeof(req), SOCK_DIAG_BY_FAMILY);
}

/* --- ending one ------------------------------------------------------------------------------ */

struct inetfind {
	const struct inetwant *f_want;
	struct socket	*f_so;		/* referenced */
};

static int
find_one(struct socket *so, void *arg)
{
	struct inetfind *f = arg;
	struct diag_entry de;

	if (!protocol_matches(f->f_want, so))
		return 0;
	entry_take(so, &de);
	if (!id_is(&f->f_want->iw_id, &de, so))
		return 0;
	socket_hold(so);
	f->f_so = so;
	return 1;
}

/* A datagram socket is not connected any more and says why. */
static int
destroy(struct socket *so)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	int error;

	if (so->so_ops->so_destroy != NULL)
		return so->so_ops->so_destroy(so, ECONNABORTED);
	if (so->so_type != SOCK_DGRAM || so->so_ops->so_connect == NULL)
		return EOPNOTSUPP;
	error = so->so_ops->so_connect(so, &nobody, sizeof(nobody), false);
	mutex_enter(&so->so_lock);
	socket_seterror(so, ECONNABORTED);
	mutex_exit(&so->so_lock);
	return error;
}

int
diag_inet_destroy(struct nlreq *nr)
{
	struct inet_diag_req_v2 req;
	struct inetwant iw;
	struct inetfind f = { .f_want = &iw };
	int error;

	if (nr->nr_len < sizeof(req))
		return EINVAL;
	memcpy(&req, nr->nr_data, sizeof(req));
	iw = (struct inetwant){ .iw_family = req.sdiag_family, .iw_protocol = req.sdiag_protocol,
	    .iw_id = req.id };
	if (socket_iterate(nr->nr_ns, iw.iw_family, find_one, &f) == 0)
		return ENOENT;
	error = destroy(f.f_so);
	socket_rele(f.f_so);
	return error;
}

/* As it was before 2012: TCP only, of both families at once. */
int
diag_inet_old(struct nlreq *nr)
{
	struct inet_diag_req req;
	struct inetwant iw;

	if (nr->nr_len < sizeof(req))
		return EINVAL;
	memcpy(&req, nr->nr_data, sizeof(req));
	iw = (struct inetwant){ .iw_family = req.idiag_family, .iw_protocol = IPPROTO_TCP,
	    .iw_states = req.idiag_states, .iw_ext = req.idiag_ext, .iw_id = req.id };
	return inet_run(nr, &iw, sizeof(req), TCPDIAG_GETSOCK);
}
