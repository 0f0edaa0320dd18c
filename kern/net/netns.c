/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netns.c - network name spaces
 *
 * A name space is born with the state of every registered part of the stack
 * and ends when the last proc, socket or other user lets go of it.  The end
 * needs to sleep (interfaces go, timers are waited for), while the last
 * reference may go anywhere, hence it happens on a work queue.
 *
 * Parts register in the order in which they start and are taken down in the
 * reverse one.
 *
 * Locking: list_lock protects the list of name spaces and that of the parts;
 * it is held while a part is registered or a name space made, so that each
 * meets each other exactly once.  list_lock -> ns_lock.
 *
 * References: network_namespaces(7), unshare(2).
 */

#include <net/netns.h>

#include <abi/sysargs.h>
#include <linux/sched.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/proc.h>

#include "net_impl.h"

#define NETNS_INUM	4026531840ull	/* as /proc numbers the first of Linux */

struct netns *netns0;

static kmutex_t list_lock = { .m_name = "netnslist" };
static struct list netnses = LIST_INITIALIZER(netnses);		/* list_lock */
static struct list parts = LIST_INITIALIZER(parts);		/* list_lock */
static uint32_t next_id;					/* list_lock */
static struct workqueue *end_queue;				/* c */

/* --- settings ---------------------------------------------------------------- */

/* Only ever grow, under list_lock, and are read without it. */
static struct netvar *vars[NETVAR_MAX];
static unsigned int nvars;

void
netvar_register(struct netvar *nv)
{
	struct list_node *n;

	mutex_enter(&list_lock);
	KASSERTMSG(nvars < NETVAR_MAX, "NETVAR_MAX is too small");
	nv->nv_index = nvars;
	vars[nvars] = nv;
	atomic_store_rel(&nvars, nvars + 1);
	LIST_FOREACH(n, &netnses)
		container_of(n, struct netns, ns_link)->ns_var[nv->nv_index] =
		    nv->nv_default;
	mutex_exit(&list_lock);
	kvar_register(&nv->nv_var);
}

int
netvar_set(struct netns *ns, const struct netvar *nv, int value)
{
	if (nv->nv_var.kv_max > nv->nv_var.kv_min &&
	    (value < nv->nv_var.kv_min || value > nv->nv_var.kv_max))
		return ERANGE;
	atomic_store(&ns->ns_var[nv->nv_index], value);
	return 0;
}

bool
netvar_byname(const struct netns *ns, const char *name, int *ret_value)
{
	unsigned int n = atomic_load_acq(&nvars);

	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(vars[i]->nv_var.kv_name, name) == 0) {
			*ret_value = netvar_get(ns, vars[i]);
			return true;
		}
	}
	return false;
}

int
netvar_kvget(const struct kvar *kv, char *buf, size_t size)
{
	const struct netvar *nv = kv->kv_ptr;

	return kvar_printf(buf, size, "%d", netvar_get(netns_current(), nv));
}

/* Decimal, with a sign.  EINVAL. */
static int
number_parse(const char *text, int *ret_value)
{
	bool negative = *text == '-';
	int64_t value = 0;

	text += negative;
	if (*text < '0' || *text > '9')
		return EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		value = value * 10 + (*text - '0');
		if (value > INT32_MAX)
			return EINVAL;
	}
	if (*text == '\n')
		text++;
	if (*text != '\0')
		return EINVAL;
	*ret_value = (int)(negative ? -value : value);
	return 0;
}

int
netvar_kvset(const struct kvar *kv, const char *text)
{
	const struct netvar *nv = kv->kv_ptr;
	int error, value;

	error = number_parse(text, &value);
	if (error == 0)
		error = netvar_set(netns_current(), nv, value);
	return error == ERANGE ? EINVAL : error;
}

/* --- birth ------------------------------------------------------------------- */

static struct netns_ops *
part_of(struct list_node *n)
{
	return container_of(n, struct netns_ops, no_link);
}

static int
part_init(struct netns *ns, const struct netns_ops *no)
{
	void *data = NULL;
	int error;

	if (no->no_init == NULL)
		return 0;
	error = no->no_init(ns, &data);
	if (error == 0)
		atomic_store_rel(&ns->ns_slot[no->no_slot], data);
	return error;
}

static void
part_exit(struct netns *ns, const struct netns_ops *no)
{
	if (no->no_exit != NULL)
		no->no_exit(ns, netns_data(ns, no->no_slot));
}

static void
part_fini(struct netns *ns, const struct netns_ops *no)
{
	if (no->no_fini != NULL)
		no->no_fini(ns, netns_data(ns, no->no_slot));
	atomic_store(&ns->ns_slot[no->no_slot], NULL);
}

/* From the part before n backwards. */
static void
netns_parts_end_locked(struct netns *ns, struct list_node *n) REQUIRES(list_lock)
{
	struct list_node *last = n->ln_prev;

	for (n = last; n != &parts.l_head; n = n->ln_prev)
		part_exit(ns, part_of(n));
	for (n = last; n != &parts.l_head; n = n->ln_prev)
		part_fini(ns, part_of(n));
}

static void
netns_free(struct qsbr_head *qh)
{
	struct netns *ns = container_of(qh, struct netns, ns_qsbr);

	ifdrive_netns_free(ns);
	mutex_destroy(&ns->ns_lock);
	kmem_free(ns, sizeof(*ns));
}

/* All users are gone. */
static void
netns_end(struct work *w)
{
	struct netns *ns = container_of(w, struct netns, ns_endwork);

	mutex_enter(&list_lock);
	list_remove(&ns->ns_link);
	netns_parts_end_locked(ns, &parts.l_head);
	mutex_exit(&list_lock);
	qsbr_call(&ns->ns_qsbr, netns_free);
}

int
netns_create(struct netns **ret_ns)
{
	struct netns *ns;
	struct list_node *n;
	int error = 0;

	ns = kmem_zalloc(sizeof(*ns), KM_SLEEP);
	if (ns == NULL)
		return ENOMEM;
	error = ifdrive_netns_init(ns);
	if (error) {
		kmem_free(ns, sizeof(*ns));
		return error;
	}
	mutex_init(&ns->ns_lock, "netns");
	ns->ns_refs = 1;
	ns->ns_nextindex = 1;
	ns->ns_routegen = 1;
	list_init(&ns->ns_ifs);
	work_init(&ns->ns_endwork, netns_end);

	mutex_enter(&list_lock);
	ns->ns_id = next_id++;
	ns->ns_inum = NETNS_INUM + ns->ns_id;
	for (unsigned int i = 0; i < nvars; i++)
		ns->ns_var[i] = vars[i]->nv_default;
	LIST_FOREACH(n, &parts) {
		error = part_init(ns, part_of(n));
		if (error) {
			netns_parts_end_locked(ns, n);
			break;
		}
	}
	if (error == 0) {
		error = if_loopback_create(ns, &ns->ns_lo);
		if (error)
			netns_parts_end_locked(ns, &parts.l_head);
	}
	if (error == 0)
		list_insert_tail(&netnses, &ns->ns_link);
	mutex_exit(&list_lock);
	if (error) {
		qsbr_call(&ns->ns_qsbr, netns_free);
		return error;
	}
	*ret_ns = ns;
	return 0;
}

int
netns_register(struct netns_ops *ops)
{
	struct list_node *n, *m;
	int error = 0;

	mutex_enter(&list_lock);
	list_insert_tail(&parts, &ops->no_link);
	LIST_FOREACH(n, &netnses) {
		error = part_init(container_of(n, struct netns, ns_link), ops);
		if (error)
			break;
	}
	if (error) {
		for (m = list_first(&netnses); m != n; m = m->ln_next) {
			part_exit(container_of(m, struct netns, ns_link), ops);
			part_fini(container_of(m, struct netns, ns_link), ops);
		}
		list_remove(&ops->no_link);
	}
	mutex_exit(&list_lock);
	return error;
}

/* --- users ------------------------------------------------------------------- */

void
netns_rele(struct netns *ns)
{
	if (ns == netns0 || atomic_sub_ar(&ns->ns_refs, 1) != 1)
		return;
	(void)workqueue_enqueue(end_queue, &ns->ns_endwork);
}

void
netns_drain(void)
{
	workqueue_drain(end_queue);
}

/* One that is about to end is not found. */
static bool
netns_tryhold(struct netns *ns)
{
	unsigned int refs = atomic_load(&ns->ns_refs);

	if (ns == netns0)
		return true;
	while (refs != 0)
		if (atomic_cas_acq(&ns->ns_refs, &refs, refs + 1))
			return true;
	return false;
}

struct netns *
netns_find(uint32_t id)
{
	struct netns *ns, *found = NULL;
	struct list_node *n;

	mutex_enter(&list_lock);
	LIST_FOREACH(n, &netnses) {
		ns = container_of(n, struct netns, ns_link);
		if (ns->ns_id == id && netns_tryhold(ns))
			found = ns;
	}
	mutex_exit(&list_lock);
	return found;
}

int
netns_iterate(int (*fn)(struct netns *, void *), void *arg)
{
	struct list_node *n;
	int result = 0;

	mutex_enter(&list_lock);
	LIST_FOREACH(n, &netnses) {
		result = fn(container_of(n, struct netns, ns_link), arg);
		if (result != 0)
			break;
	}
	mutex_exit(&list_lock);
	return result;
}

/* --- procs ------------------------------------------------------------------- */

/* A proc without one of its own is in the first. */
static struct netns *
proc_netns(struct proc *p)
{
	struct netns *ns = atomic_load_acq(&p->p_slot[PROC_SLOT_NET]);

	return ns != NULL ? ns : netns0;
}

struct netns *
netns_current(void)
{
	return proc_netns(curproc());
}

void
netns_enter(struct proc *p, struct netns *ns)
{
	struct netns *old;

	netns_hold(ns);
	old = atomic_swap_ar(&p->p_slot[PROC_SLOT_NET], ns);
	if (old != NULL)
		netns_rele(old);
}

static int
netns_fork(struct proc *parent, struct proc *child)
{
	struct netns *ns;

	/* Nobody frees it between the look and the hold: no break. */
	do
		ns = proc_netns(parent);
	while (!netns_tryhold(ns));
	atomic_store_rel(&child->p_slot[PROC_SLOT_NET], ns);
	return 0;
}

static void
netns_exit(struct proc *p)
{
	netns_rele(p->p_slot[PROC_SLOT_NET]);
}

static const struct proc_slot_ops netns_slot_ops = {
	.ps_fork = netns_fork,
	.ps_exit = netns_exit,
};

int
sys_unshare(struct lwp *l, int flags, long *ret __unused_arg)
{
	struct netns *ns;
	int error = 0;

	if (flags & ~(CLONE_NEWNET | CLONE_FILES))
		return EINVAL;
	if ((flags & CLONE_NEWNET) && !cred_capable(curcred(), CAP_SYS_ADMIN))
		return EPERM;
	if (flags & CLONE_FILES)
		error = fdtable_unshare(l->l_proc);
	if (error == 0 && (flags & CLONE_NEWNET)) {
		error = netns_create(&ns);
		if (error == 0) {
			netns_enter(l->l_proc, ns);
			netns_rele(ns);
		}
	}
	return error;
}

int
netns_boot(void)
{
	int error;

	error = workqueue_create("netns", 1, &end_queue);
	if (error == 0)
		error = netns_create(&netns0);
	if (error)
		return error;
	proc_slot_register(PROC_SLOT_NET, &netns_slot_ops);
	mutex_enter(&netns0->ns_lock);
	error = if_setflags(netns0->ns_lo, IFF_UP, IFF_UP);
	mutex_exit(&netns0->ns_lock);
	return error;
}
