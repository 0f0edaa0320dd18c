/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_timewait.c - the small ones: before a connection is one, and after
 *
 * A SYN that was answered (TCPMINI_REQUEST: see tcp_syn.c) and a connection in
 * TIME-WAIT need a few numbers and no socket.  Both are struct tcpmini in
 * one hash table a name space, under tn_lock, with one callout for all of them:
 * all that wait equally long are on one list, whose first is due first.
 *
 * TIME-WAIT (RFC 9293 section 3.4.2, 3.6.1) lasts a minute, as on Linux.  It ends
 * early for a SYN that is clearly new: a later timestamp (RFC 6191) or a sequence number
 * beyond the old connection's (RFC 1122 section 4.2.2.13); and for a connection of
 * our own that has timestamps to tell the two apart (net.ipv4.tcp_tw_reuse).
 */

#include "tcp_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/random.h>

#define TIMEWAIT_LEN	(60 * NSEC_PER_SEC)
#define REUSE_AFTER	(1 * NSEC_PER_SEC)
#define ISS_AHEAD	(65535 + 2)	/* a successor starts beyond our last window */

static struct pool tcpmini_pool;
static void	mini_fire(void *arg);
static const struct inpcb_waits tcp_waits;

int
tcpmini_boot(void)
{
	pool_init(&tcpmini_pool, sizeof(struct tcpmini), CACHE_LINE, "tcpmini");
	return 0;
}

/* --- per name space -------------------------------------------------------------- */

int
tcpns_init(struct netns *ns, void **ret_data)
{
	struct tcpns *tn = kmem_zalloc(sizeof(*tn), KM_SLEEP);
	int error;

	if (tn == NULL)
		return ENOMEM;
	tn->tn_hash = kmem_zalloc(TCP_MINIHASH * sizeof(tn->tn_hash[0]), KM_SLEEP);
	if (tn->tn_hash == NULL) {
		error = ENOMEM;
		goto fail;
	}
	tn->tn_hashsize = TCP_MINIHASH;
	error = inpcbtable_create(ns, IPPROTO_TCP, &tn->tn_table);
	if (error)
		goto fail_hash;
	inpcbtable_setwaits(tn->tn_table, &tcp_waits);
	tn->tn_ns = ns;
	random_bytes(tn->tn_secret, sizeof(tn->tn_secret));
	mutex_init(&tn->tn_lock, "tcpns");
	for (int i = 0; i < TCP_REQLEVELS; i++)
		list_init(&tn->tn_reqs[i]);
	list_init(&tn->tn_waits);
	callout_init(&tn->tn_callout, mini_fire, tn);
	tn->tn_timerat = KTIME_NEVER;
	*ret_data = tn;
	return 0;

fail_hash:
	kmem_free(tn->tn_hash, TCP_MINIHASH * sizeof(tn->tn_hash[0]));
fail:
	kmem_free(tn, sizeof(*tn));
	return error;
}

void
tcpns_fini(struct netns *ns __unused_arg, void *data)
{
	struct tcpns *tn = data;
	struct tcpmini *tm;

	mutex_enter(&tn->tn_lock);
	tn->tn_dying = true;
	mutex_exit(&tn->tn_lock);
	callout_halt(&tn->tn_callout);
	mutex_enter(&tn->tn_lock);
	for (uint32_t i = 0; i < tn->tn_hashsize; i++) {
		while ((tm = tn->tn_hash[i]) != NULL) {
			tcpmini_unlink(tn, tm);
			tcpmini_free(tm);
		}
	}
	tfo_cache_free(tn);
	mutex_exit(&tn->tn_lock);
	inpcbtable_destroy(tn->tn_table);
	mutex_destroy(&tn->tn_lock);
	kmem_free(tn->tn_hash, tn->tn_hashsize * sizeof(tn->tn_hash[0]));
	kmem_free(tn, sizeof(*tn));
}

/* --- the table: tn_lock held ------------------------------------------------------- */

struct tcpmini *
tcpmini_alloc(void)
{
	struct tcpmini *tm = pool_get(&tcpmini_pool, KM_NOSLEEP | KM_ZERO);

	if (tm != NULL)
		list_node_init(&tm->tm_link);
	return tm;
}

void
tcpmini_free(struct tcpmini *tm)
{
	if (tm->tm_kind == TCPMINI_REQUEST)
		kmem_free(tm->tm_syn, tm->tm_synlen);
	pool_put(&tcpmini_pool, tm);
}

static struct tcpmini **
mini_chain(const struct tcpns *tn, const struct inaddr *laddr, const struct inaddr *faddr,
    uint16_t lport, uint16_t fport)
{
	uint64_t h = tn->tn_secret[0] ^ ((uint64_t)lport << 16 | fport);

	h = hash_u64(h + laddr->ia_d[0]) ^ laddr->ia_d[1];
	h = hash_u64(h + faddr->ia_d[0]) ^ faddr->ia_d[1];
	return &tn->tn_hash[(hash_u64(h) >> 20) & (tn->tn_hashsize - 1)];
}

static bool
mini_matches(const struct tcpmini *tm, const struct tcpmini *key)
{
	return tm->tm_lport == key->tm_lport && tm->tm_fport == key->tm_fport &&
	    tm->tm_family == key->tm_family && inaddr_eq(&tm->tm_laddr, &key->tm_laddr) &&
	    inaddr_eq(&tm->tm_faddr, &key->tm_faddr) &&
	    (tm->tm_scope == 0 || key->tm_scope == 0 || tm->tm_scope == key->tm_scope);
}

struct tcpmini *
tcpmini_same(struct tcpns *tn, const struct tcpmini *key)
{
	struct tcpmini *tm = *mini_chain(tn, &key->tm_laddr, &key->tm_faddr, key->tm_lport,
	    key->tm_fport);

	while (tm != NULL && !mini_matches(tm, key))
		tm = tm->tm_next;
	return tm;
}

struct tcpmini *
tcpmini_find(struct tcpns *tn, const struct inet_rx *rx, uint16_t sport, uint16_t dport)
{
	struct tcpmini key = { .tm_family = rx->ir_family, .tm_lport = dport, .tm_fport = sport,
		.tm_laddr = rx->ir_dst, .tm_faddr = rx->ir_src, .tm_scope = rx->ir_ifindex };

	return tcpmini_same(tn, &key);
}

/* Without memory chains get longer, that is all. */
static void
mini_grow(struct tcpns *tn)
{
	uint32_t old = tn->tn_hashsize, size = old * 4;
	struct tcpmini **was = tn->tn_hash, **hash, *tm, *next;

	if (old >= TCP_MINIHASH_MAX)
		return;
	hash = kmem_alloc(size * sizeof(hash[0]), KM_NOSLEEP | KM_ZERO);
	if (hash == NULL)
		return;
	tn->tn_hash = hash;
	tn->tn_hashsize = size;
	for (uint32_t i = 0; i < old; i++) {
		for (tm = was[i]; tm != NULL; tm = next) {
			struct tcpmini **at = mini_chain(tn, &tm->tm_laddr, &tm->tm_faddr,
			    tm->tm_lport, tm->tm_fport);

			next = tm->tm_next;
			tm->tm_next = *at;
			*at = tm;
		}
	}
	kmem_free(was, old * sizeof(was[0]));
}

/* The caller puts it on its list. */
int
tcpmini_insert(struct tcpns *tn, struct tcpmini *tm)
{
	struct tcpmini **at;

	KASSERT(mutex_owned(&tn->tn_lock));
	if (tcpmini_same(tn, tm) != NULL)
		return EEXIST;
	if (tn->tn_nreqs + tn->tn_nwaits > 2 * tn->tn_hashsize)
		mini_grow(tn);
	at = mini_chain(tn, &tm->tm_laddr, &tm->tm_faddr, tm->tm_lport, tm->tm_fport);
	tm->tm_next = *at;
	*at = tm;
	if (tm->tm_kind == TCPMINI_REQUEST)
		atomic_store(&tn->tn_nreqs, tn->tn_nreqs + 1);
	else
		atomic_store(&tn->tn_nwaits, tn->tn_nwaits + 1);
	return 0;
}

void
tcpmini_unlink(struct tcpns *tn, struct tcpmini *tm)
{
	struct tcpmini **at = mini_chain(tn, &tm->tm_laddr, &tm->tm_faddr, tm->tm_lport,
	    tm->tm_fport);

	KASSERT(mutex_owned(&tn->tn_lock));
	while (*at != tm)
		at = &(*at)->tm_next;
	*at = tm->tm_next;
	list_remove(&tm->tm_link);
	if (tm->tm_kind == TCPMINI_REQUEST) {
		struct tcplisten *tl = tcpcb_of(tm->tm_listener)->t_listen;

		list_remove(&tm->tm_ofslistener);
		atomic_store(&tl->tl_nreqs, tl->tl_nreqs - 1);
		atomic_store(&tn->tn_nreqs, tn->tn_nreqs - 1);
	} else
		atomic_store(&tn->tn_nwaits, tn->tn_nwaits - 1);
}

void
tcpmini_arm(struct tcpns *tn, int64_t deadline)
{
	KASSERT(mutex_owned(&tn->tn_lock));
	if (deadline >= tn->tn_timerat || tn->tn_dying)
		return;
	tn->tn_timerat = deadline;
	(void)callout_schedule(&tn->tn_callout, deadline);
}

/* The first of the list if it is due; *next: when it is. */
static struct tcpmini *
first_due(const struct list *l, int64_t now, int64_t *next)
{
	struct list_node *n = list_first(l);
	struct tcpmini *tm;

	if (n == NULL)
		return NULL;
	tm = container_of(n, struct tcpmini, tm_link);
	if (tm->tm_deadline <= now)
		return tm;
	if (tm->tm_deadline < *next)
		*next = tm->tm_deadline;
	return NULL;
}

static void
mini_fire(void *arg)
{
	struct tcpns *tn = arg;
	int64_t now = clock_mono(), next = tcp_requests_due(tn, now);
	struct tcpmini *tm;

	mutex_enter(&tn->tn_lock);
	tn->tn_timerat = KTIME_NEVER;
	while ((tm = first_due(&tn->tn_waits, now, &next)) != NULL) {
		tcpmini_unlink(tn, tm);
		tcpmini_free(tm);
	}
	if (next != KTIME_NEVER)
		tcpmini_arm(tn, next);
	mutex_exit(&tn->tn_lock);
}

/* --- TIME-WAIT ------------------------------------------------------------------------ */

static void
wait_init(struct tcpmini *tm, const struct tcpcb *tp, int64_t now)
{
	const struct inpcb *inp = &tp->t_inp;

	tm->tm_kind = TCPMINI_TIMEWAIT;
	tm->tm_family = inp->inp_family;
	tm->tm_lport = inp->inp_lport;
	tm->tm_fport = inp->inp_fport;
	tm->tm_scope = inp->inp_scope;
	tm->tm_laddr = inp->inp_laddr;
	tm->tm_faddr = inp->inp_faddr;
	tm->tm_nxt = tp->t_nxt;
	tm->tm_rnxt = tp->t_rnxt;
	tm->tm_wnd = seq_gt(tp->t_radv, tp->t_rnxt) ? tp->t_radv - tp->t_rnxt : 0;
	tm->tm_rcvscale = tp->t_rcvscale;
	tm->tm_tsoff = tp->t_tsoff;
	tm->tm_tsrecent = tp->t_tsrecent;
	tm->tm_tsrecentat = tp->t_tsrecentat;
	tm->tm_opts = (tp->t_flags & TF_TIMESTAMPS) != 0 ? TO_TIMESTAMP : 0;
	tm->tm_tos = inp->inp_tos;
	tm->tm_since = now;
	tm->tm_reuse = (atomic_load(&tcp_so(tp)->so_options) & SOO_REUSEADDR) != 0;
}

static void
wait_restart(struct tcpns *tn, struct tcpmini *tm, int64_t now)
{
	tm->tm_deadline = now + TIMEWAIT_LEN;
	list_remove(&tm->tm_link);
	list_insert_tail(&tn->tn_waits, &tm->tm_link);
	tcpmini_arm(tn, tm->tm_deadline);
}

/* Without memory the connection just ends, as it does past the limit. */
void
tcp_timewait(struct tcpcb *tp, int64_t now)
{
	struct tcpns *tn = tp->t_ns;
	struct tcpmini *tm = NULL;

	if (atomic_load(&tn->tn_nwaits) < (uint32_t)netvar_get(tn->tn_ns, &tcpvar_max_tw))
		tm = tcpmini_alloc();
	if (tm != NULL) {
		wait_init(tm, tp, now);
		mutex_enter(&tn->tn_lock);
		if (tcpmini_insert(tn, tm) == 0) {
			wait_restart(tn, tm, now);
			tcp_count(TCPSTAT_TW);
		} else
			tcpmini_free(tm);
		mutex_exit(&tn->tn_lock);
	}
	/* An ACK that is due leaves with what the connection has queued. */
	if ((tp->t_flags & TF_ACKNOW) != 0)
		tcp_sendack(tp, now);
	tcp_done(tp, 0);
}

/* For bind(2): is the port in use by a connection that is no more? */
bool
tcp_timewait_port(struct tcpns *tn, uint16_t port)
{
	struct list_node *n;
	bool found = false;

	if (atomic_load(&tn->tn_nwaits) == 0)
		return false;
	mutex_enter(&tn->tn_lock);
	LIST_FOREACH(n, &tn->tn_waits) {
		const struct tcpmini *tm = container_of(n, struct tcpmini, tm_link);

		if (tm->tm_lport == port && !tm->tm_reuse) {
			found = true;
			break;
		}
	}
	mutex_exit(&tn->tn_lock);
	return found;
}

/*
 * connect(2) tries this tuple: may it?  Timestamps must tell the segments of the
 * two apart (RFC 6191), and a second makes sure that the clock has moved.
 */
static bool
wait_free(struct inpcb *inp, const struct rtdst *rd, bool take)
{
	struct tcpcb *tp = container_of(inp, struct tcpcb, t_inp);
	struct tcpns *tn = tp->t_ns;
	int reuse = netvar_get(tn->tn_ns, &tcpvar_tw_reuse);
	struct tcpmini key, *tm;
	bool ok = true;
	int64_t now;

	if (atomic_load(&tn->tn_nwaits) == 0)
		return true;
	now = clock_mono();
	memset(&key, 0, sizeof(key));
	wait_init(&key, tp, now);
	mutex_enter(&tn->tn_lock);
	tm = tcpmini_same(tn, &key);
	if (tm != NULL) {
		ok = tm->tm_kind == TCPMINI_TIMEWAIT && (tm->tm_opts & TO_TIMESTAMP) != 0 &&
		    (reuse == 1 || (reuse == 2 && (rd->rd_flags & RTD_LOCAL) != 0)) &&
		    now - tm->tm_tsrecentat > REUSE_AFTER;
		if (ok && take) {
			tp->t_iss = tm->tm_nxt + ISS_AHEAD;
			tp->t_tsrecent = tm->tm_tsrecent;
			tp->t_tsrecentat = tm->tm_tsrecentat;
			tcpmini_unlink(tn, tm);
			tcpmini_free(tm);
			tcp_count(TCPSTAT_TWRECYCLED);
		}
	}
	mutex_exit(&tn->tn_lock);
	return ok;
}

static void
wait_ports(struct netns *ns, uint8_t *busy)
{
	struct tcpns *tn = netns_data(ns, NETNS_SLOT_TCP);
	struct list_node *n;

	if (atomic_load(&tn->tn_nwaits) == 0)
		return;
	mutex_enter(&tn->tn_lock);
	LIST_FOREACH(n, &tn->tn_waits) {
		const struct tcpmini *tm = container_of(n, struct tcpmini, tm_link);

		if (!tm->tm_reuse)
			busy[tm->tm_lport / 8] |= (uint8_t)(1u << tm->tm_lport % 8);
	}
	mutex_exit(&tn->tn_lock);
}

static const struct inpcb_waits tcp_waits = { .iw_free = wait_free, .iw_ports = wait_ports };

/* --- a segment for one in TIME-WAIT ------------------------------------------------------ */

static struct tcp_answer
wait_answer(const struct tcp_rx *rx, const struct tcpmini *tm)
{
	struct tcp_answer ta = { .ta_ns = rx->rx_ns, .ta_af = inet_af(tm->tm_family),
		.ta_laddr = tm->tm_laddr, .ta_faddr = tm->tm_faddr, .ta_scope = tm->tm_scope,
		.ta_tos = tm->tm_tos };
	struct tcpseg *ts = &ta.ta_seg;

	ts->ts_sport = tm->tm_lport;
	ts->ts_dport = tm->tm_fport;
	ts->ts_seq = tm->tm_nxt;
	ts->ts_ack = tm->tm_rnxt;
	ts->ts_flags = TH_ACK;
	ts->ts_wnd = (uint16_t)(tm->tm_wnd >> tm->tm_rcvscale);
	if ((tm->tm_opts & TO_TIMESTAMP) != 0) {
		ts->ts_opts = TO_TIMESTAMP;
		ts->ts_tsval = tcp_ts(rx->rx_now, tm->tm_tsoff);
		ts->ts_tsecr = tm->tm_tsrecent;
	}
	return ta;
}

/* RFC 6191 section 2, RFC 1122 section 4.2.2.13. */
static bool
is_successor(const struct tcpmini *tm, const struct tcpseg *ts)
{
	if ((ts->ts_flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN)
		return false;
	if ((tm->tm_opts & TO_TIMESTAMP) != 0 && (ts->ts_opts & TO_TIMESTAMP) != 0 &&
	    ts->ts_tsval != tm->tm_tsrecent)
		return seq_gt(ts->ts_tsval, tm->tm_tsrecent);
	return seq_gt(ts->ts_seq, tm->tm_rnxt);
}

static bool
wait_acceptable(const struct tcpmini *tm, const struct tcpseg *ts)
{
	if ((tm->tm_opts & TO_TIMESTAMP) != 0 && (ts->ts_opts & TO_TIMESTAMP) != 0 &&
	    (ts->ts_flags & TH_RST) == 0 && seq_lt(ts->ts_tsval, tm->tm_tsrecent))
		return false;
	return ts->ts_seq == tm->tm_rnxt ||
	    (ts->ts_seq - tm->tm_rnxt < tm->tm_wnd) ||
	    (tcpseg_space(ts) > 0 && ts->ts_seq + tcpseg_space(ts) == tm->tm_rnxt);
}

/*
 * Section 3.10.7.4 for TIME-WAIT.  tn_lock held.  *ret_answer: an ACK is due.
 * False: it is a new connection's SYN, tm is gone.
 */
static bool
wait_segment(struct tcp_rx *rx, struct tcpmini *tm, const struct tcpseg *ts, bool *ret_answer)
{
	struct tcpns *tn = rx->rx_tn;

	*ret_answer = false;
	if (is_successor(tm, ts)) {
		rx->rx_iss = tm->tm_nxt + ISS_AHEAD;
		rx->rx_hasiss = true;
		tcpmini_unlink(tn, tm);
		tcpmini_free(tm);
		tcp_count(TCPSTAT_TWRECYCLED);
		return false;
	}
	if (!wait_acceptable(tm, ts)) {
		*ret_answer = (ts->ts_flags & TH_RST) == 0 &&
		    tcp_oow_allowed(&tm->tm_oowat, rx->rx_now);
		return true;
	}
	if ((ts->ts_flags & TH_RST) != 0) {
		/* RFC 1337: by default it may kill us, as section 3.10.7.4 has it. */
		if (ts->ts_seq == tm->tm_rnxt &&
		    netvar_get(tn->tn_ns, &tcpvar_rfc1337) == 0) {
			tcpmini_unlink(tn, tm);
			tcpmini_free(tm);
		}
		return true;
	}
	if ((ts->ts_flags & TH_FIN) != 0) {
		wait_restart(tn, tm, rx->rx_now);	/* our ACK of it was lost */
		*ret_answer = true;
	} else if (tcpseg_space(ts) > 0)
		*ret_answer = tcp_oow_allowed(&tm->tm_oowat, rx->rx_now);
	return true;
}

bool
tcp_mini_input(struct tcp_rx *rx, struct tcpseg *ts, struct packet *p)
    NO_THREAD_SAFETY
{
	struct tcpns *tn = rx->rx_tn;
	struct tcp_answer ta;
	struct tcpmini *tm;
	bool answer;

	rx->rx_hasiss = false;
	if (atomic_load(&tn->tn_nreqs) == 0 && atomic_load(&tn->tn_nwaits) == 0)
		return false;
	mutex_enter(&tn->tn_lock);
	tm = tcpmini_find(tn, INET_RX(p), ts->ts_sport, ts->ts_dport);
	if (tm == NULL) {
		mutex_exit(&tn->tn_lock);
		return false;
	}
	if (tm->tm_kind == TCPMINI_REQUEST) {
		tcp_request_input(rx, tm, ts, p);
		return true;
	}
	ta = wait_answer(rx, tm);
	if (!wait_segment(rx, tm, ts, &answer)) {
		mutex_exit(&tn->tn_lock);
		return false;
	}
	mutex_exit(&tn->tn_lock);
	packet_free(p);
	if (answer)
		tcp_answer_send(&ta);
	return true;
}
