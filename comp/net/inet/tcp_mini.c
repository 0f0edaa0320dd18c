/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_mini.c - the small ones: before a connection is one, and after
 *
 * A SYN that was answered (TCPMINI_REQUEST: see tcp_syn.c) and a connection in
 * TIME-WAIT (tcp_timewait.c) need a few numbers and no socket.  Both are struct tcpmini in
 * one hash table a name space, under tn_lock, with one callout for all of them:
 * all that wait equally long are on one list, whose first is due first.
 */

#include "tcp_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/random.h>

static struct pool tcpmini_pool;
static void	mini_fire(void *arg);

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
