/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netlink_request.c - requests: one after the other, with their ACKs and dumps
 *
 * What a client sends is a row of messages; each that is marked as a request is
 * given to the family and, if that failed or an ACK was asked for, answered by
 * NLMSG_ERROR with the errno, the offending message, and in words why.
 *
 * References: netlink(7), RFC 3549 section 2.3.2.
 */

#include "netlink_impl.h"

#include <lib/string.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

/* --- buffers --------------------------------------------------------------------- */

int
nlreq_buf(struct nlbuf *nb, size_t len)
{
	void *data = kmem_alloc(len, KM_SLEEP);

	if (data == NULL)
		return ENOMEM;
	nlbuf_init(nb, data, len);
	nb->nb_max = len;
	return 0;
}

void
nlbuf_discard(struct nlbuf *nb)
{
	kmem_free(nb->nb_data, nb->nb_max);
	nb->nb_data = NULL;
}

static int
nlbuf_queue(struct nlsock *nk, const struct nlbuf *nb)
{
	struct packet *p = nlpacket_from(nb->nb_data, nb->nb_len, 0, 0);

	return nlsock_put(nk, p);
}

int
nlreq_reply(struct nlreq *nr, struct nlbuf *nb)
{
	int error = nb->nb_len > 0 ? nlbuf_queue(nr->nr_sk, nb) : EMSGSIZE;

	nlbuf_discard(nb);
	return error;
}

void
nlreq_head(const struct nlreq *nr, uint16_t type, struct nlhead *ret_head)
{
	*ret_head = (struct nlhead){ .nh_type = type, .nh_seq = nr->nr_hdr.nlmsg_seq,
	    .nh_portid = nr->nr_sk->nk_portid };
}

/* --- what requests say ------------------------------------------------------------ */

int
nlreq_fail(struct nlreq *nr, int error, const char *why)
{
	nr->nr_err.ne_text = why;
	return error;
}

int
nlreq_misses(struct nlreq *nr, uint16_t type, const char *why)
{
	nr->nr_err.ne_misses = true;
	nr->nr_err.ne_miss = type;
	return nlreq_fail(nr, EINVAL, why);
}

int
nlreq_header(struct nlreq *nr, void *hdr, size_t len)
{
	if (nr->nr_len < len) {
		/*
		 * Old tools send only struct rtgenmsg with a request for all.  What
		 * is NLM_F_DUMP there is NLM_F_EXCL and REPLACE in other requests.
		 */
		if (nr->nr_strict || nr->nr_len == 0 || (nr->nr_hdr.nlmsg_type & 3) != 2 ||
		    (nr->nr_hdr.nlmsg_flags & NLM_F_DUMP) == 0)
			return nlreq_fail(nr, EINVAL, "header is cut off");
		memset(hdr, 0, len);
		memcpy(hdr, nr->nr_data, nr->nr_len);
		return 0;
	}
	memcpy(hdr, nr->nr_data, len);
	return 0;
}

int
nlreq_attrs(struct nlreq *nr, size_t hdrlen, const struct nlpolicy *policy, size_t n,
    bool strict, struct nlview *tb)
{
	hdrlen = NLMSG_ALIGN(hdrlen);
	if (nr->nr_len < hdrlen) {
		memset(tb, 0, n * sizeof(*tb));
		return 0;
	}
	return nlattrs_parse(nr->nr_data + hdrlen, nr->nr_len - hdrlen, policy, n, strict, tb,
	    &nr->nr_err);
}

bool
nlreq_mayconfigure(const struct nlreq *nr)
{
	return cred_capable(curcred(), CAP_NET_ADMIN) &&
	    cred_capable(nr->nr_sk->nk_so->so_cred, CAP_NET_ADMIN);
}

/* --- ACKs ------------------------------------------------------------------------- */

static void
ack_explain(struct nlbuf *nb, const struct nlreq *nr)
{
	const struct nlerr *ne = &nr->nr_err;

	if (ne->ne_text != NULL)
		nlbuf_string(nb, NLMSGERR_ATTR_MSG, ne->ne_text);
	if (ne->ne_at != NULL)
		nlbuf_u32(nb, NLMSGERR_ATTR_OFFS,
		    (uint32_t)((const uint8_t *)ne->ne_at - nr->nr_msg));
	if (ne->ne_misses)
		nlbuf_u32(nb, NLMSGERR_ATTR_MISS_TYPE, ne->ne_miss);
}

/* Is there something to explain, and does the client want to hear it? */
static bool
ack_explains(const struct nlreq *nr, int error)
{
	return error != 0 && nlsock_flag(nr->nr_sk, NKF_EXT_ACK) &&
	    (nr->nr_err.ne_text != NULL || nr->nr_err.ne_at != NULL || nr->nr_err.ne_misses);
}

static void
ack_send(struct nlreq *nr, int error)
{
	bool whole = error != 0 && !nlsock_flag(nr->nr_sk, NKF_CAP_ACK);
	size_t body = whole ? nr->nr_hdr.nlmsg_len - sizeof(nr->nr_hdr) : 0;
	struct nlmsgerr ne = { .error = -error, .msg = nr->nr_hdr };
	struct nlhead head;
	struct nlbuf nb;

	if (nlreq_buf(&nb, body + 512) != 0) {
		(void)nlsock_put(nr->nr_sk, NULL);
		return;
	}
	nlreq_head(nr, NLMSG_ERROR, &head);
	head.nh_flags = (uint16_t)((whole ? 0 : NLM_F_CAPPED) |
	    (ack_explains(nr, error) ? NLM_F_ACK_TLVS : 0));
	nlbuf_begin(&nb, &head);
	nlbuf_bytes(&nb, &ne, sizeof(ne));
	if (body > 0)
		nlbuf_bytes(&nb, nr->nr_data, body);
	if (ack_explains(nr, error))
		ack_explain(&nb, nr);
	if (nlbuf_end(&nb))
		(void)nlreq_reply(nr, &nb);
	else
		nlbuf_discard(&nb);
}

/* --- dumps ------------------------------------------------------------------------- */

int
nlreq_dump(struct nlreq *nr, uint16_t type, int (*next)(struct nldump *, struct nlbuf *),
    const void *arg, size_t len)
{
	struct nlsock *nk = nr->nr_sk;
	struct nldump *d;

	KASSERT(mutex_owned(&nk->nk_lock) && len <= sizeof(d->d_arg));
	if (nk->nk_dump != NULL)
		return nlreq_fail(nr, EBUSY, "the last dump has not been read to its end");
	d = kmem_zalloc(sizeof(*d), KM_SLEEP);
	if (d == NULL)
		return ENOMEM;
	d->d_next = next;
	d->d_ns = nr->nr_ns;
	nlreq_head(nr, type, &d->d_head);
	d->d_head.nh_flags = (uint16_t)(NLM_F_MULTI | (nr->nr_filtered ? NLM_F_DUMP_FILTERED : 0));
	d->d_gen = __atomic_load_n(&nr->nr_nn->nn_gen, __ATOMIC_ACQUIRE);
	if (len > 0)
		memcpy(d->d_arg, arg, len);
	nk->nk_dump = d;
	return 0;
}

void
netlink_dump_cancel(struct nlsock *nk)
{
	struct nldump *d = nk->nk_dump;

	if (d != NULL)
		kmem_free(d->d_extra, d->d_extralen);
	kmem_free(d, sizeof(*d));
	nk->nk_dump = NULL;
}

void
netlink_abandon(struct nlsock *nk)
{
	mutex_enter(&nk->nk_lock);
	netlink_dump_cancel(nk);
	mutex_exit(&nk->nk_lock);
}

/* Marks all messages of nb if the configuration moved since the dump began. */
static void
dump_consistency(struct nlsock *nk, struct nldump *d, struct nlbuf *nb)
{
	uint32_t gen = __atomic_load_n(&nk->nk_nn->nn_gen, __ATOMIC_ACQUIRE);
	struct nlmsghdr hdr;

	if (gen == d->d_gen)
		return;
	d->d_head.nh_flags |= NLM_F_DUMP_INTR;
	for (size_t at = 0; at < nb->nb_len; at += NLMSG_ALIGN(hdr.nlmsg_len)) {
		memcpy(&hdr, nb->nb_data + at, sizeof(hdr));
		nlbuf_setflag(nb, at, NLM_F_DUMP_INTR);
	}
}

static bool
dump_done_put(const struct nldump *d, struct nlbuf *nb, int error)
{
	struct nlhead head = d->d_head;
	int result = -error;

	head.nh_type = NLMSG_DONE;
	nlbuf_begin(nb, &head);
	nlbuf_bytes(nb, &result, sizeof(result));
	return nlbuf_end(nb);
}

static size_t
dump_chunk(const struct nlsock *nk)
{
	uint32_t want = __atomic_load_n(&nk->nk_maxrecv, __ATOMIC_RELAXED);

	return want > NL_CHUNK_MIN ? want & ~(NLMSG_ALIGNTO - 1) : NL_CHUNK_MIN;
}

/*
 * One more buffer of the dump.  *ret_done: that was the end.  An entry that does
 * not fit into an empty buffer gets the largest one.
 */
static int
dump_step(struct nlsock *nk, struct nlbuf *nb, bool *ret_done)
{
	struct nldump *d = nk->nk_dump;
	size_t len = dump_chunk(nk);
	int error;

	for (;;) {
		error = nlreq_buf(nb, len);
		if (error)
			return error;
		d->d_at = 0;
		error = d->d_next(d, nb);
		if (error != ENOBUFS || nb->nb_len > 0)
			break;
		nlbuf_discard(nb);
		if (len == NL_CHUNK_MAX)
			return EMSGSIZE;
		len = NL_CHUNK_MAX;
	}
	dump_consistency(nk, d, nb);
	*ret_done = error != ENOBUFS && dump_done_put(d, nb, error);
	return 0;
}

/* There is room if the client has read at least half of what it may leave unread. */
static bool
dump_room(struct nlsock *nk)
{
	struct socket *so = nk->nk_so;
	bool room;

	mutex_enter(&so->so_lock);
	room = so->so_rcv.sb_mem <= so->so_rcv.sb_hiwat / 2;
	mutex_exit(&so->so_lock);
	return room;
}

static void
dump_run_locked(struct nlsock *nk) REQUIRES(nk->nk_lock)
{
	struct nlbuf nb;
	bool done = false;
	int error;

	/* Two buffers at once at most: what is not read need not be made. */
	for (int i = 0; i < 2 && nk->nk_dump != NULL && !done && dump_room(nk); i++) {
		error = dump_step(nk, &nb, &done);
		if (error == 0) {
			error = nlbuf_queue(nk, &nb);
			nlbuf_discard(&nb);
		} else {
			(void)nlsock_put(nk, NULL);
		}
		if (error || done)
			netlink_dump_cancel(nk);
	}
}

void
netlink_pump(struct nlsock *nk)
{
	mutex_enter(&nk->nk_lock);
	dump_run_locked(nk);
	mutex_exit(&nk->nk_lock);
}

/* --- requests ------------------------------------------------------------------------- */

static void
request_run_locked(struct nlreq *nr) REQUIRES(nr->nr_sk->nk_lock)
    NO_THREAD_SAFETY
{
	struct nlsock *nk = nr->nr_sk;
	bool had_dump = nk->nk_dump != NULL;
	int error = 0;

	if (nr->nr_hdr.nlmsg_type >= NLMSG_MIN_TYPE)
		error = nk->nk_family->nf_request(nr);
	if (!had_dump && nk->nk_dump != NULL) {
		/* The answer to a dump is its messages and NLMSG_DONE. */
		KASSERT(error == 0);
		dump_run_locked(nk);
		return;
	}
	if (error != 0 || (nr->nr_hdr.nlmsg_flags & NLM_F_ACK) != 0)
		ack_send(nr, error);
}

void
netlink_request(struct nlsock *nk, const uint8_t *data, size_t len)
    NO_THREAD_SAFETY
{
	struct nlreq nr;
	const uint8_t *msg;

	mutex_enter(&nk->nk_lock);
	for (;;) {
		memset(&nr, 0, sizeof(nr));
		nr.nr_sk = nk;
		nr.nr_nn = nk->nk_nn;
		nr.nr_ns = nk->nk_so->so_ns;
		nr.nr_strict = nlsock_flag(nk, NKF_STRICT);
		msg = data;
		/* A row that makes no sense ends there, without a word (as Linux does). */
		if (nlmsg_next(&data, &len, &nr.nr_hdr, &nr.nr_data, &nr.nr_len) != 0)
			break;
		nr.nr_msg = msg;
		if ((nr.nr_hdr.nlmsg_flags & NLM_F_REQUEST) != 0)
			request_run_locked(&nr);
	}
	mutex_exit(&nk->nk_lock);
	netlink_deliver(nk->nk_nn);
}
