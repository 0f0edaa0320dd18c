/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netlink_table.c - who is there: ports, groups, and what is to be told to them
 *
 * A name space has its own list of netlink sockets.  Lists are short, so they are lists.
 *
 * A notification is written by whoever changes something, under the locks that make the
 * change, hence it may not go to sockets at once: it waits in nn_pending, in
 * order.  netlink_deliver() empties that: called by netlink_send() for what its
 * request did, and by the work thread for all else.  One of them waits for the other:
 * what one has taken out comes before what is still in, and before the send returns.
 */

#include "netlink_impl.h"

#include <lib/string.h>
#include <linux/netlink.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

static const struct nlfamily *families[NL_MAXPROTO];	/* c after the start */
static struct workqueue *queue;				/* c after the start */

void
netlink_family_register(const struct nlfamily *nf)
{
	KASSERT(nf->nf_protocol < NL_MAXPROTO && nf->nf_ngroups <= NL_MAXGROUP);
	families[nf->nf_protocol] = nf;
}

const struct nlfamily *
netlink_family(int protocol)
{
	return protocol >= 0 && protocol < NL_MAXPROTO ? families[protocol] : NULL;
}

struct nlns *
netlink_ns(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_NETLINK);
}

/* --- ports --------------------------------------------------------------------- */

static struct nlsock *
find_locked(struct nlns *nn, int protocol, uint32_t portid) REQUIRES(nn->nn_lock)
{
	struct list_node *n;
	struct nlsock *nk;

	LIST_FOREACH(n, &nn->nn_socks) {
		nk = container_of(n, struct nlsock, nk_link);
		if (nk->nk_portid == portid && nk->nk_so->so_protocol == protocol)
			return nk;
	}
	return NULL;
}

struct nlsock *
nltable_find(struct nlns *nn, int protocol, uint32_t portid)
{
	struct nlsock *nk;

	mutex_enter(&nn->nn_lock);
	nk = find_locked(nn, protocol, portid);
	if (nk != NULL)
		socket_hold(nk->nk_so);
	mutex_exit(&nn->nn_lock);
	return nk;
}

/* The process' number for its first socket, then what no process has (netlink(7)). */
static uint32_t
choose_locked(struct nlns *nn, int protocol) REQUIRES(nn->nn_lock)
{
	uint32_t portid = (uint32_t)curproc()->p_pid;

	while (portid == 0 || find_locked(nn, protocol, portid) != NULL)
		portid = 0xfffff000u - nn->nn_nextport++ % 0x7ffff000u;
	return portid;
}

int
nltable_bind(struct nlsock *nk, uint32_t portid)
{
	struct nlns *nn = nk->nk_nn;
	int error = 0;

	mutex_enter(&nn->nn_lock);
	if (nk->nk_portid != 0)
		error = portid == 0 || portid == nk->nk_portid ? 0 : EINVAL;
	else if (portid == 0)
		portid = choose_locked(nn, nk->nk_so->so_protocol);
	else if (find_locked(nn, nk->nk_so->so_protocol, portid) != NULL)
		error = EADDRINUSE;
	if (error == 0 && nk->nk_portid == 0)
		__atomic_store_n(&nk->nk_portid, portid, __ATOMIC_RELAXED);
	mutex_exit(&nn->nn_lock);
	return error;
}

void
nltable_insert(struct nlsock *nk)
{
	mutex_enter(&nk->nk_nn->nn_lock);
	list_insert_tail(&nk->nk_nn->nn_socks, &nk->nk_link);
	mutex_exit(&nk->nk_nn->nn_lock);
}

static void
setgroups_locked(struct nlsock *nk, uint64_t groups) REQUIRES(nk->nk_nn->nn_lock)
{
	uint32_t *count = nk->nk_nn->nn_listeners[nk->nk_so->so_protocol];
	uint64_t changed = nk->nk_groups ^ groups;

	for (unsigned int i = 0; i < NL_MAXGROUP; i++) {
		if ((changed >> i & 1) == 0)
			continue;
		__atomic_fetch_add(&count[i], (groups >> i & 1) != 0 ? 1u : -1u,
		    __ATOMIC_RELAXED);
	}
	nk->nk_groups = groups;
}

void
nltable_remove(struct nlsock *nk)
{
	mutex_enter(&nk->nk_nn->nn_lock);
	setgroups_locked(nk, 0);
	list_remove(&nk->nk_link);
	mutex_exit(&nk->nk_nn->nn_lock);
}

/* The groups in mask become those in groups. */
int
nltable_setgroups(struct nlsock *nk, uint64_t groups, uint64_t mask)
{
	const struct nlfamily *nf = nk->nk_family;
	int error = 0;

	for (unsigned int i = 0; nf != NULL && nf->nf_bind != NULL && i < NL_MAXGROUP; i++) {
		if ((groups & mask) >> i & 1)
			error = nf->nf_bind(i + 1);
		if (error)
			return error;
	}
	mutex_enter(&nk->nk_nn->nn_lock);
	setgroups_locked(nk, (nk->nk_groups & ~mask) | (groups & mask));
	mutex_exit(&nk->nk_nn->nn_lock);
	return 0;
}

int
nltable_iterate(struct nlns *nn, int (*fn)(struct nlsock *, void *), void *arg)
{
	struct list_node *n;
	int result = 0;

	mutex_enter(&nn->nn_lock);
	LIST_FOREACH(n, &nn->nn_socks) {
		result = fn(container_of(n, struct nlsock, nk_link), arg);
		if (result != 0)
			break;
	}
	mutex_exit(&nn->nn_lock);
	return result;
}

/* --- groups --------------------------------------------------------------------- */

void
netlink_multicast(struct nlns *nn, int protocol, struct packet *p, uint32_t except)
{
	uint32_t group = nlcb_of(p)->nc_group;
	struct list_node *n;
	struct packet *copy;
	struct nlsock *nk;

	mutex_enter(&nn->nn_lock);
	LIST_FOREACH(n, &nn->nn_socks) {
		nk = container_of(n, struct nlsock, nk_link);
		if (nk->nk_so->so_protocol != protocol || (nk->nk_groups >> (group - 1) & 1) == 0 ||
		    (except != 0 && nk->nk_portid == except))
			continue;
		copy = packet_clone(p, KM_SLEEP);
		if (copy != NULL)
			*nlcb_of(copy) = *nlcb_of(p);
		(void)nlsock_put(nk, copy);
	}
	mutex_exit(&nn->nn_lock);
	packet_free(p);
}

void
netlink_notify(struct nlns *nn, int protocol, unsigned int group, const struct nlbuf *nb,
    const struct nlreq *origin)
{
	struct packet *p;

	/* A neighbour's lock may be held: nothing that sleeps. */
	p = nlpacket_from(nb->nb_data, nb->nb_len, 0, group);
	if (p != NULL) {
		nlcb_of(p)->nc_proto = (uint32_t)protocol;
		if (origin != NULL && (origin->nr_hdr.nlmsg_flags & NLM_F_ECHO) != 0)
			nlcb_of(p)->nc_echo = origin->nr_sk->nk_portid;
	}
	mutex_enter(&nn->nn_pendlock);
	if (p != NULL)
		packetq_put(&nn->nn_pending, p);
	else
		nn->nn_lost = true;
	mutex_exit(&nn->nn_pendlock);
	(void)workqueue_enqueue(queue, &nn->nn_work);
}

static int
tell_lost(struct nlsock *nk, void *arg)
{
	if (nk->nk_groups != 0)
		(void)nlsock_put(nk, NULL);
	return 0;
}

static void
echo(struct nlns *nn, struct packet *p)
{
	struct nlsock *nk = nltable_find(nn, (int)nlcb_of(p)->nc_proto, nlcb_of(p)->nc_echo);
	struct packet *copy;

	if (nk == NULL)
		return;
	copy = packet_clone(p, KM_SLEEP);
	if (copy != NULL) {
		*nlcb_of(copy) = *nlcb_of(p);
		nlcb_of(copy)->nc_group = 0;
	}
	(void)nlsock_put(nk, copy);
	socket_rele(nk->nk_so);
}

void
netlink_deliver(struct nlns *nn)
{
	struct packet *p;
	bool lost;

	mutex_enter(&nn->nn_turn);
	for (;;) {
		mutex_enter(&nn->nn_pendlock);
		p = packetq_get(&nn->nn_pending);
		lost = nn->nn_lost;
		nn->nn_lost = false;
		mutex_exit(&nn->nn_pendlock);
		if (lost)
			(void)nltable_iterate(nn, tell_lost, NULL);
		if (p == NULL)
			break;
		if (nlcb_of(p)->nc_echo != 0)
			echo(nn, p);
		netlink_multicast(nn, (int)nlcb_of(p)->nc_proto, p, nlcb_of(p)->nc_echo);
	}
	mutex_exit(&nn->nn_turn);
}

static void
deliver_work(struct work *w)
{
	netlink_deliver(container_of(w, struct nlns, nn_work));
}

/* --- name spaces ------------------------------------------------------------------ */

static int
nlns_init(struct netns *ns, void **ret_data)
{
	struct nlns *nn = kmem_zalloc(sizeof(*nn), KM_SLEEP);

	if (nn == NULL)
		return ENOMEM;
	nn->nn_ns = ns;
	mutex_init(&nn->nn_lock, "netlink");
	mutex_init(&nn->nn_turn, "netlink_turn");
	mutex_init(&nn->nn_pendlock, "netlink_pending");
	list_init(&nn->nn_socks);
	packetq_init(&nn->nn_pending);
	work_init(&nn->nn_work, deliver_work);
	*ret_data = nn;
	return 0;
}

static void
nlns_fini(struct netns *ns, void *data)
{
	struct nlns *nn = data;

	workqueue_drain(queue);
	KASSERT(list_empty(&nn->nn_socks));
	packetq_drop(&nn->nn_pending);
	mutex_destroy(&nn->nn_turn);
	mutex_destroy(&nn->nn_pendlock);
	mutex_destroy(&nn->nn_lock);
	kmem_free(nn, sizeof(*nn));
}

static struct netns_ops nlns_ops = {
	.no_slot	= NETNS_SLOT_NETLINK,
	.no_name	= "netlink",
	.no_init	= nlns_init,
	.no_fini	= nlns_fini,
};

int
netlink_table_init(void)
{
	int error;

	error = workqueue_create("netlink", 1, &queue);
	if (error)
		return error;
	error = netns_register(&nlns_ops);
	if (error)
		workqueue_destroy(queue);
	return error;
}
