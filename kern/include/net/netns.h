/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netns.h - network name spaces: many hosts in one kernel
 *
 * Everything that makes up a host on the network hangs on a struct netns:
 * interfaces, addresses, routes, neighbours, bound ports, settings.  Each
 * proc is in one (network_namespaces(7)); the first is made at boot, others by
 * unshare(CLONE_NEWNET) or rump_pub_netns_create().  A socket belongs to the name
 * space in which it was made, for ever.
 *
 * Field key:	c  constant since creation	a  atomic	n  ns_lock
 *		q  changed under ns_lock, read lock-free (qsbr)
 *
 * ns_lock is the configuration lock: interfaces, addresses, routes and rules
 * change under it.  Packets never take it.
 */

#ifndef NET_NETNS_H
#define NET_NETNS_H

#include <lib/list.h>
#include <sys/ktime.h>
#include <sys/kvar.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>
#include <sys/types.h>

struct ifnet;
struct netns;
struct lwp;
struct proc;

/* Each part of the stack keeps its state of a name space in a slot. */
enum netns_slot {
	NETNS_SLOT_ROUTE, NETNS_SLOT_NEIGH, NETNS_SLOT_IP, NETNS_SLOT_IP6,
	NETNS_SLOT_INPCB, NETNS_SLOT_TCP, NETNS_SLOT_UDP, NETNS_SLOT_RAW,
	NETNS_SLOT_LOCAL, NETNS_SLOT_NETLINK, NETNS_SLOT_PACKET, NETNS_SLOT_LINK,
	NETNS_SLOT_DHCP, NETNS_SLOT_DHCP6, NETNS_SLOT_TEST, NETNS_NSLOTS,
};

struct netns_ops {
	enum netns_slot	 no_slot;
	const char	*no_name;
	/* Makes *ret_data; called for existing name spaces too when it is registered. */
	int		(*no_init)(struct netns *, void **ret_data);
	/*
	 * The name space ends: there are no procs and no sockets of clients in
	 * it any more.  First all no_exit, the last registered first: what moves
	 * by itself stops (timers, TIME-WAIT).  NETNS_SLOT_LINK's, the faction's own and
	 * hence the last, detaches the interfaces.  NULL: nothing.
	 */
	void		(*no_exit)(struct netns *, void *data);
	/* Then all no_fini, in the same order: frees data. */
	void		(*no_fini)(struct netns *, void *data);
	struct list_node no_link;
};

#define NETNS_IFHASH	64
#define NETVAR_MAX	192		/* settings a name space has at most */

struct netns {
	kmutex_t	 ns_lock;
	unsigned int	 ns_refs;	/* a: procs, sockets, who looks at it */
	uint32_t	 ns_id;		/* c: 0 for the first */
	uint64_t	 ns_inum;	/* c: as /proc/self/ns/net would show */
	struct list	 ns_ifs;	/* n: ifnets by index; if_nslink */
	struct ifnet	*ns_ifhash[NETNS_IFHASH];	/* q: by index; if_hashnext */
	struct ifnet	*ns_lo;		/* c: made when all parts have been */
	struct drivelist *ns_drives;	/* c: pollable interfaces, see ifdrive.c */
	uint32_t	 ns_nextindex;	/* n */
	uint32_t	 ns_routegen;	/* a: moves when any route, address or link does */
	void		*ns_slot[NETNS_NSLOTS];	/* c, once the owner has started */
	int		 ns_var[NETVAR_MAX];	/* a: see netvar_get() */
	struct list_node ns_link;	/* list of all */
	struct work	 ns_endwork;
	struct qsbr_head ns_qsbr;
};

extern struct netns *netns0;

/* With lo, down until somebody sets it up (the first has it up).  ENOMEM. */
int	netns_create(struct netns **ret_ns);
/* The first is there for ever: what all threads write to is dear. */
static inline void
netns_hold(struct netns *ns)
{
	if (ns != netns0)
		__atomic_fetch_add(&ns->ns_refs, 1, __ATOMIC_RELAXED);
}
void	netns_rele(struct netns *ns);		/* the last ends it; may sleep */
void	netns_drain(void);		/* waits until those that ended are gone */
struct netns *netns_find(uint32_t id);		/* referenced, or NULL */
int	netns_iterate(int (*fn)(struct netns *, void *), void *arg);

/*
 * Of the calling lwp's proc.  Not referenced: another thread may move the
 * proc, so who may sleep with it holds it.
 */
struct netns *netns_current(void);
/* Moves the proc, with a reference of its own. */
void	netns_enter(struct proc *p, struct netns *ns);

int	netns_register(struct netns_ops *ops);

static inline void *
netns_data(const struct netns *ns, enum netns_slot slot)
{
	return ns->ns_slot[slot];
}

/*
 * Settings by their sysctl names ("net.ipv4.ip_forward"): a kvar whose value is
 * per name space.  Reading the kvar reads the caller's name space.
 */
struct netvar {
	struct kvar	 nv_var;	/* KVAR_FN; kv_min and kv_max bound it */
	int		 nv_default;
	unsigned int	 nv_index;	/* c: set by netvar_register() */
};

#define NETVAR_DEFINE(sym, name, deflt, min, max, about) \
	struct netvar sym = NETVAR_INIT(sym, name, deflt, min, max, about)
/* The same as an initializer, for arrays. */
#define NETVAR_INIT(sym, name, deflt, min, max, about) { .nv_var = { .kv_name = (name), \
		.kv_about = (about), .kv_type = KVAR_FN, .kv_min = (min), \
		.kv_max = (max), .kv_get = netvar_kvget, .kv_set = netvar_kvset, \
		.kv_ptr = &(sym) }, \
		.nv_default = (deflt) }

int	netvar_kvget(const struct kvar *kv, char *buf, size_t size);
int	netvar_kvset(const struct kvar *kv, const char *text);
void	netvar_register(struct netvar *nv);	/* at the component's start */
int	netvar_set(struct netns *ns, const struct netvar *nv, int value);	/* ERANGE */
/* Of a component that may not be there: false. */
bool	netvar_byname(const struct netns *ns, const char *name, int *ret_value);

static inline int
netvar_get(const struct netns *ns, const struct netvar *nv)
{
	return __atomic_load_n(&ns->ns_var[nv->nv_index], __ATOMIC_RELAXED);
}

#endif /* NET_NETNS_H */
