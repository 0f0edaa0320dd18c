/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifclient.c - clients of interfaces: their lists, their work, their inbox
 *
 * Whatever happens only pokes a client: the queue's thread then looks at what there is.
 * For life cycle and locks see <net/ifclient.h>.
 */

#include <net/ifclient.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

/* --- all of a name space --------------------------------------------------------- */

int
ifclient_set_create(const char *name, void **ret_data)
{
	struct ifclient_set *cs = kmem_zalloc(sizeof(*cs), KM_SLEEP);
	int error;

	if (cs == NULL)
		return ENOMEM;
	error = workqueue_create(name, 1, &cs->cs_queue);
	if (error) {
		kmem_free(cs, sizeof(*cs));
		return error;
	}
	mutex_init(&cs->cs_lock, name);
	list_init(&cs->cs_clients);
	*ret_data = cs;
	return 0;
}

void
ifclient_set_exit(struct netns *ns __unused_arg, void *data)
{
	struct ifclient_set *cs = data;
	struct list_node *n;

	mutex_enter(&cs->cs_lock);
	cs->cs_dying = true;
	LIST_FOREACH(n, &cs->cs_clients) {
		struct ifclient *ic = container_of(n, struct ifclient, ic_link);

		ic->ic_abort = true;
		(void)workqueue_enqueue(cs->cs_queue, &ic->ic_work);
	}
	mutex_exit(&cs->cs_lock);
	workqueue_drain(cs->cs_queue);
	KASSERT(list_empty(&cs->cs_clients));
}

void
ifclient_set_fini(struct netns *ns __unused_arg, void *data)
{
	struct ifclient_set *cs = data;

	workqueue_destroy(cs->cs_queue);
	mutex_destroy(&cs->cs_lock);
	kmem_free(cs, sizeof(*cs));
}

struct ifclient *
ifclient_of_locked(struct ifclient_set *cs, const struct ifnet *ifp)
{
	struct list_node *n;

	KASSERT(mutex_owned(&cs->cs_lock));
	LIST_FOREACH(n, &cs->cs_clients) {
		struct ifclient *ic = container_of(n, struct ifclient, ic_link);

		if (ic->ic_ifp == ifp)
			return ic;
	}
	return NULL;
}

int
ifclient_look_locked(struct ifclient_set *cs, const struct ifnet *ifp,
    struct ifclient **ret_ic)
{
	struct ifclient *ic = ifclient_of_locked(cs, ifp);

	if (ic == NULL)
		return cs->cs_dying ? ENODEV : 0;
	if (ic->ic_stop || ic->ic_abort)
		return EBUSY;
	*ret_ic = ic;
	return EEXIST;
}

struct ifclient *
ifclient_find(struct ifclient_set *cs, const char *ifname)
{
	struct ifclient *ic = NULL;
	struct list_node *n;

	mutex_enter(&cs->cs_lock);
	LIST_FOREACH(n, &cs->cs_clients) {
		ic = container_of(n, struct ifclient, ic_link);
		if (strcmp(ic->ic_ifp->if_name, ifname) == 0)
			break;
		ic = NULL;
	}
	if (ic != NULL)
		ifclient_hold(ic);
	mutex_exit(&cs->cs_lock);
	return ic;
}

/* --- birth and references -------------------------------------------------------- */

/* After the end the work comes once more, to let the list's reference go. */
static void
client_work(struct work *w)
{
	struct ifclient *ic = container_of(w, struct ifclient, ic_work);

	if (ic->ic_dead)
		ifclient_rele(ic);
	else
		ic->ic_ops->ico_work(ic);
}

static void
client_timer(void *arg)
{
	struct ifclient *ic = arg;

	(void)workqueue_enqueue(ic->ic_set->cs_queue, &ic->ic_work);
}

void
ifclient_init(struct ifclient *ic, const struct ifclient_ops *ops, struct ifclient_set *cs,
    struct ifnet *ifp)
{
	ic->ic_ops = ops;
	ic->ic_set = cs;
	ic->ic_ns = ifp->if_ns;
	ic->ic_ifp = ifp;
	if_hold(ifp);
	ic->ic_refs = 1;
	list_init(&ic->ic_heard);
	work_init(&ic->ic_work, client_work);
	callout_init(&ic->ic_timer, client_timer, ic);
	mutex_init(&ic->ic_lock, ops->ico_name);
	cv_init(&ic->ic_cv, ops->ico_name);
}

void
ifclient_enlist_locked(struct ifclient *ic)
{
	KASSERT(mutex_owned(&ic->ic_set->cs_lock));
	list_insert_tail(&ic->ic_set->cs_clients, &ic->ic_link);
}

void
ifclient_hold(struct ifclient *ic)
{
	atomic_add(&ic->ic_refs, 1);
}

void
ifclient_rele(struct ifclient *ic)
{
	if (atomic_sub_ar(&ic->ic_refs, 1) != 1)
		return;
	KASSERT(ic->ic_dead && list_empty(&ic->ic_heard));
	if_rele(ic->ic_ifp);
	mutex_destroy(&ic->ic_lock);
	cv_destroy(&ic->ic_cv);
	ic->ic_ops->ico_free(ic);
}

/* --- asking it for something ------------------------------------------------------ */

void
ifclient_poke_locked(struct ifclient *ic)
{
	KASSERT(mutex_owned(&ic->ic_set->cs_lock));
	(void)workqueue_enqueue(ic->ic_set->cs_queue, &ic->ic_work);
}

void
ifclient_poke(struct ifclient_set *cs, struct ifnet *ifp, bool abort)
{
	struct ifclient *ic;

	if (cs == NULL)
		return;
	mutex_enter(&cs->cs_lock);
	ic = ifclient_of_locked(cs, ifp);
	if (ic != NULL) {
		ic->ic_abort |= abort;
		ifclient_poke_locked(ic);
	}
	mutex_exit(&cs->cs_lock);
}

bool
ifclient_asked(struct ifclient *ic, bool *flag, bool clear)
{
	bool asked;

	mutex_enter(&ic->ic_set->cs_lock);
	asked = *flag;
	if (clear)
		*flag = false;
	mutex_exit(&ic->ic_set->cs_lock);
	return asked;
}

/* --- the end ------------------------------------------------------------------------ */

/*
 * The work that is running may be queued again already, and must not be freed before it was
 * for the last time: so it is queued once more, unless it is, to be let go then.
 */
void
ifclient_end(struct ifclient *ic, int error)
{
	struct ifclient_heard *ch;

	callout_halt(&ic->ic_timer);
	mutex_enter(&ic->ic_set->cs_lock);
	list_remove(&ic->ic_link);
	ic->ic_listening = false;
	mutex_exit(&ic->ic_set->cs_lock);
	while ((ch = ifclient_heard_get(ic)) != NULL)
		ifclient_heard_free(ch);
	ic->ic_dead = true;
	(void)workqueue_enqueue(ic->ic_set->cs_queue, &ic->ic_work);

	mutex_enter(&ic->ic_lock);
	ic->ic_over = true;
	ic->ic_error = error;
	cv_broadcast(&ic->ic_cv);
	mutex_exit(&ic->ic_lock);
}

void
ifclient_stop(struct ifclient *ic)
{
	struct ifclient_set *cs = ic->ic_set;

	mutex_enter(&ic->ic_set->cs_lock);
	ic->ic_stop = true;
	if (list_onlist(&ic->ic_link))
		ifclient_poke_locked(ic);
	mutex_exit(&ic->ic_set->cs_lock);
	workqueue_drain(cs->cs_queue);
	mutex_enter(&ic->ic_lock);
	while (!ic->ic_over)
		cv_wait(&ic->ic_cv, &ic->ic_lock);
	mutex_exit(&ic->ic_lock);
}

int
ifclient_stop_byname(enum netns_slot slot, const char *ifname)
{
	struct netns *ns = netns_current();
	struct ifclient *ic;

	netns_hold(ns);
	ic = ifclient_find(netns_data(ns, slot), ifname);
	if (ic != NULL) {
		ifclient_stop(ic);
		ifclient_rele(ic);
	}
	netns_rele(ns);
	return ic != NULL ? 0 : ENOENT;
}

/* --- what it hears ------------------------------------------------------------------ */

uint8_t *
ifclient_hear_locked(struct ifclient *ic, size_t len)
{
	struct ifclient_heard *ch;

	if (ic->ic_nheard >= IFCLIENT_INBOX)
		return NULL;
	ch = kmem_alloc(sizeof(*ch) + len, KM_NOSLEEP);
	if (ch == NULL)
		return NULL;
	ch->ch_len = len;
	list_insert_tail(&ic->ic_heard, &ch->ch_link);
	ic->ic_nheard++;
	ifclient_poke_locked(ic);
	return ch->ch_data;
}

struct ifclient_heard *
ifclient_heard_get(struct ifclient *ic)
{
	struct ifclient_heard *ch = NULL;
	struct list_node *n;

	mutex_enter(&ic->ic_set->cs_lock);
	n = list_first(&ic->ic_heard);
	if (n != NULL) {
		list_remove(n);
		ic->ic_nheard--;
		ch = container_of(n, struct ifclient_heard, ch_link);
	}
	mutex_exit(&ic->ic_set->cs_lock);
	return ch;
}

void
ifclient_heard_free(struct ifclient_heard *ch)
{
	kmem_free(ch, sizeof(*ch) + ch->ch_len);
}
