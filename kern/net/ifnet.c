/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifnet.c - interfaces: birth, being found, death
 *
 * Life cycle
 *	if_alloc()	one reference, the driver's; in no name space
 *	if_attach()	appears in a name space, down; a reference of the name
 *			space's
 *	if_detach()	goes down, out of all tables; no reader and no input is
 *			left when it returns; the name space's reference goes
 *	the last if_rele() calls ifo_free and frees it
 *	Attached at most once.
 *
 * An attached interface has a reference for being so, and detaching waits for
 * lock-free readers before it drops that one: hence who found an interface
 * lock-free may if_hold() it as long as it has not slept.
 *
 * Locking: the list and the hash change under ns_lock.
 */

#include <net/ifnet.h>

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/netevent.h>
#include <net/route.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "net_impl.h"

/* --- counters -------------------------------------------------------------------- */

struct if_counters *
if_counters_self(struct ifnet *ifp)
{
	return &if_percpu(ifp, vcpu_self()->vc_index)->pc_count;
}

struct if_flow *
if_flow_self(struct ifnet *ifp)
{
	return &if_percpu(ifp, vcpu_self()->vc_index)->pc_flow;
}

void
if_stats(const struct ifnet *ifp, struct if_counters *ret_sum)
{
	uint64_t *sum = (uint64_t *)ret_sum;

	memset(ret_sum, 0, sizeof(*ret_sum));
	for (unsigned int cpu = 0; cpu < vcpu_count; cpu++) {
		uint64_t *from = (uint64_t *)&if_percpu(ifp, cpu)->pc_count;

		for (size_t i = 0; i < sizeof(*ret_sum) / sizeof(*sum); i++)
			sum[i] += atomic_load(&from[i]);
	}
}

/* --- birth and death ------------------------------------------------------------- */

/* What may stand in a path of the host: no slash, no blank, no "." and "..". */
static bool
name_ok(const char *name)
{
	size_t len = strnlen(name, IFNAMSIZ);

	if (len == 0 || len == IFNAMSIZ || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (; *name != '\0'; name++) {
		if (*name == '/' || *name == ':' || (unsigned char)*name <= ' ')
			return false;
	}
	return true;
}

int
if_alloc(const char *name, const struct if_ops *ops, void *softc,
    struct ifnet **ret_ifp)
{
	struct ifnet *ifp;

	if (!name_ok(name))
		return EINVAL;
	ifp = kmem_zalloc(sizeof(*ifp), KM_SLEEP);
	if (ifp == NULL)
		return ENOMEM;
	ifp->if_count = kmem_zalloc(vcpu_count * sizeof(struct if_percpu), KM_SLEEP);
	if (ifp->if_count == NULL) {
		kmem_free(ifp, sizeof(*ifp));
		return ENOMEM;
	}
	strlcpy(ifp->if_name, name, sizeof(ifp->if_name));
	ifp->if_ops = ops;
	ifp->if_softc = softc;
	ifp->if_type = ARPHRD_NONE;
	ifp->if_mtu = ETH_DATA_LEN;
	ifp->if_txqlen = 1000;
	ifp->if_flags = IFF_MULTICAST;
	ifp->if_carrier = true;
	ifp->if_refs = 1;
	list_init(&ifp->if_addrs);
	*ret_ifp = ifp;
	return 0;
}

void
if_ethernet(struct ifnet *ifp, const uint8_t lladdr[6])
{
	ifp->if_type = ARPHRD_ETHER;
	ifp->if_hdrlen = ETH_HLEN;
	ifp->if_addrlen = ETH_ALEN;
	ifp->if_mtu = ETH_DATA_LEN;
	ifp->if_flags = IFF_BROADCAST | IFF_MULTICAST;
	memcpy(ifp->if_lladdr, lladdr, ETH_ALEN);
	memset(ifp->if_broadcast, 0xff, ETH_ALEN);
}

static void
ifnet_free(struct qsbr_head *qh)
{
	struct ifnet *ifp = container_of(qh, struct ifnet, if_qsbr);

	if (ifp->if_alias != NULL)
		kmem_free(ifp->if_alias, strlen(ifp->if_alias) + 1);
	ifdrive_free(ifp);
	kmem_free(ifp->if_count, vcpu_count * sizeof(struct if_percpu));
	kmem_free(ifp, sizeof(*ifp));
}

void
if_rele(struct ifnet *ifp)
{
	if (atomic_sub_ar(&ifp->if_refs, 1) != 1)
		return;
	KASSERT(ifp->if_nslink.ln_next == NULL || ifp->if_dying);
	if (ifp->if_ops->ifo_free != NULL)
		ifp->if_ops->ifo_free(ifp);
	qsbr_call(&ifp->if_qsbr, ifnet_free);
}

/* --- tables ---------------------------------------------------------------------- */

static struct ifnet **
bucket_of(struct netns *ns, uint32_t index)
{
	return &ns->ns_ifhash[index % NETNS_IFHASH];
}

struct ifnet *
if_byindex(struct netns *ns, uint32_t index)
{
	struct ifnet *ifp = atomic_load_acq(bucket_of(ns, index));

	while (ifp != NULL && ifp->if_index != index)
		ifp = atomic_load_acq(&ifp->if_hashnext);
	return ifp;
}

/* A name may change while it is read. */
static bool
name_eq(const struct ifnet *ifp, const char *name)
{
	char c;

	for (size_t i = 0; i < IFNAMSIZ; i++) {
		c = atomic_load(&ifp->if_name[i]);
		if (c != name[i])
			return false;
		if (c == '\0')
			return true;
	}
	return false;
}

struct ifnet *
if_byname(struct netns *ns, const char *name)
{
	for (size_t i = 0; i < NETNS_IFHASH; i++) {
		struct ifnet *ifp = atomic_load_acq(&ns->ns_ifhash[i]);

		for (; ifp != NULL; ifp = atomic_load_acq(&ifp->if_hashnext)) {
			if (name_eq(ifp, name))
				return ifp;
		}
	}
	return NULL;
}

static void
name_set(struct ifnet *ifp, const char *name)
{
	for (size_t i = 0; i < IFNAMSIZ; i++) {
		atomic_store(&ifp->if_name[i], *name);
		if (*name != '\0')
			name++;
	}
}

/*
 * The name as it stands, or with the lowest number that is free in place of
 * its %d.  EEXIST, EINVAL.
 */
static int
name_choose(struct netns *ns, const char *model, char *name)
{
	const char *percent = strchr(model, '%');

	if (percent == NULL) {
		strlcpy(name, model, IFNAMSIZ);
		return if_byname(ns, name) == NULL ? 0 : EEXIST;
	}
	if (percent[1] != 'd' || strchr(percent + 1, '%') != NULL)
		return EINVAL;
	for (unsigned int i = 0; i < 100000; i++) {
		if (snprintf(name, IFNAMSIZ, "%.*s%u%s", (int)(percent - model),
		    model, i, percent + 2) >= IFNAMSIZ)
			return EINVAL;
		if (if_byname(ns, name) == NULL)
			return 0;
	}
	return EEXIST;
}

int
if_rename(struct ifnet *ifp, const char *model)
{
	char name[IFNAMSIZ];
	int error;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	if (!name_ok(model))
		return EINVAL;
	if (name_eq(ifp, model))
		return 0;
	error = name_choose(ifp->if_ns, model, name);
	if (error)
		return error;
	name_set(ifp, name);
	if_changed(ifp, 0);
	return 0;
}

/* Interfaces stand in the list in the order of their indices. */
static void
ifnet_link(struct netns *ns, struct ifnet *ifp)
{
	struct ifnet **bucket;

	ifp->if_index = ns->ns_nextindex++;
	bucket = bucket_of(ns, ifp->if_index);
	ifp->if_hashnext = *bucket;
	list_insert_tail(&ns->ns_ifs, &ifp->if_nslink);
	atomic_store_rel(bucket, ifp);
}

static void
ifnet_unlink(struct netns *ns, struct ifnet *ifp)
{
	struct ifnet **link = bucket_of(ns, ifp->if_index);

	while (*link != ifp)
		link = &(*link)->if_hashnext;
	atomic_store_rel(link, ifp->if_hashnext);
	list_remove(&ifp->if_nslink);
}

static int
attach_locked(struct netns *ns, struct ifnet *ifp) REQUIRES(ns->ns_lock)
{
	char name[IFNAMSIZ];
	int error;

	error = name_choose(ns, ifp->if_name, name);
	if (error)
		return error;
	strlcpy(ifp->if_name, name, sizeof(ifp->if_name));
	ifp->if_ns = ns;
	ifnet_link(ns, ifp);
	error = if_family_attach(ifp);
	if (error)
		goto fail;
	error = ifp->if_ops->ifo_poll != NULL ? ifdrive_attach(ifp) : 0;
	if (error) {
		if_family_detach(ifp);
		goto fail;
	}
	if_hold(ifp);
	if_changed(ifp, ~0u);
	return 0;

fail:
	ifp->if_dying = true;
	ifnet_unlink(ns, ifp);
	return error;
}

int
if_attach(struct netns *ns, struct ifnet *ifp)
{
	int error;

	KASSERT(ifp->if_ns == NULL);
	mutex_enter(&ns->ns_lock);
	error = attach_locked(ns, ifp);
	mutex_exit(&ns->ns_lock);
	if (error)
		qsbr_barrier();
	return error;
}

/* False: somebody else has done so, or it was never attached. */
static bool
detach_locked(struct netns *ns, struct ifnet *ifp) REQUIRES(ns->ns_lock)
{
	struct netevent_info ne = { .ne_ns = ns, .ne_ifp = ifp };

	if (ifp->if_dying)
		return false;
	(void)if_setflags(ifp, 0, IFF_UP);
	atomic_store(&ifp->if_dying, true);
	ifaddr_purge(ifp, 0);
	if_family_detach(ifp);
	route_ifdown(ifp);
	neigh_flush(ifp);
	if_multicast_purge(ifp);
	ifnet_unlink(ns, ifp);
	route_changed(ns);
	netevent_tell(NETEVENT_LINK_DEL, &ne);
	return true;
}

void
if_detach(struct ifnet *ifp)
{
	struct netns *ns = ifp->if_ns;
	bool mine;

	if (ns == NULL)
		return;
	KASSERT(curlwp()->l_netinput == NULL);
	mutex_enter(&ns->ns_lock);
	mine = detach_locked(ns, ifp);
	mutex_exit(&ns->ns_lock);
	if (!mine)
		return;
	ifdrive_detach(ifp);
	ifguard_wait(ifp, IFGUARD_INPUT);
	route_forget(ns);
	if (ifp->if_ops->ifo_detached != NULL)
		ifp->if_ops->ifo_detached(ifp);
	if_rele(ifp);
}

int
if_iterate(struct netns *ns, int (*fn)(struct ifnet *, void *), void *arg)
{
	struct list_node *n, *next;
	int result = 0;

	mutex_enter(&ns->ns_lock);
	LIST_FOREACH_SAFE(n, next, &ns->ns_ifs) {
		result = fn(container_of(n, struct ifnet, if_nslink), arg);
		if (result != 0)
			break;
	}
	mutex_exit(&ns->ns_lock);
	return result;
}

/* --- the name space's ------------------------------------------------------------ */

/*
 * Its loopback is made by netns_create(), when all parts of the stack have
 * their state of the name space.
 */

/* The last interface that there still is, referenced. */
static struct ifnet *
ifnet_last(struct netns *ns)
{
	struct list_node *n;
	struct ifnet *ifp = NULL;

	mutex_enter(&ns->ns_lock);
	n = list_last(&ns->ns_ifs);
	if (n != NULL) {
		ifp = container_of(n, struct ifnet, if_nslink);
		if_hold(ifp);
	}
	mutex_exit(&ns->ns_lock);
	return ifp;
}

static void
ifnet_netns_exit(struct netns *ns, void *data __unused_arg)
{
	struct ifnet *ifp;

	while ((ifp = ifnet_last(ns)) != NULL) {
		if_detach(ifp);
		if_rele(ifp);
	}
	if (ns->ns_lo != NULL)
		if_rele(ns->ns_lo);
	ns->ns_lo = NULL;
}

static struct netns_ops ifnet_netns_ops = {
	.no_slot	= NETNS_SLOT_LINK,
	.no_name	= "link",
	.no_exit	= ifnet_netns_exit,
};

int
ifnet_boot(void)
{
	return netns_register(&ifnet_netns_ops);
}
