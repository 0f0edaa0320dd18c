/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_name.c - names of local sockets
 *
 * A name is a path, whose file the vfs keeps, or abstract: any bytes behind a
 * NUL, in a table of the name space.  Both are found by hash, a path by the
 * identity of its file.  As on Linux sockets of different types may have the
 * same abstract name.
 *
 * Life cycle of a name: made by bind, which puts it into a table; out of it
 * when the socket is closed; freed when the last socket that shows it, such as
 * one that was accepted, is freed.
 *
 * References: unix(7).
 */

#include <lib/hash.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <net/netns.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/random.h>

#include "local_impl.h"

#define PATH_OFF	offsetof(struct sockaddr_un, sun_path)
#define AUTOBIND_LEN	6		/* a NUL and five digits */
#define AUTOBIND_MAX	0x100000

static NETVAR_DEFINE(local_max_dgram_qlen, "net.unix.max_dgram_qlen", 10, 0,
    INT32_MAX, "datagrams that may wait for a local socket");

static struct localtable local_paths;

static void
localtable_init(struct localtable *lt)
{
	mutex_init(&lt->lt_lock, "local names");
	for (size_t i = 0; i < LOCAL_NBUCKETS; i++)
		list_init(&lt->lt_bucket[i]);
}

static int
local_ns_init(struct netns *ns, void **ret_data)
{
	struct localtable *lt = kmem_alloc(sizeof(*lt), KM_SLEEP);

	if (lt == NULL)
		return ENOMEM;
	localtable_init(lt);
	*ret_data = lt;
	return 0;
}

static void
local_ns_fini(struct netns *ns, void *data)
{
	struct localtable *lt = data;

	if (lt == NULL)
		return;
	mutex_destroy(&lt->lt_lock);
	kmem_free(lt, sizeof(*lt));
}

int
local_name_boot(void)
{
	static struct netns_ops local_netns_ops = {
		.no_slot = NETNS_SLOT_LOCAL,
		.no_name = "local",
		.no_init = local_ns_init,
		.no_fini = local_ns_fini,
	};

	localtable_init(&local_paths);
	netvar_register(&local_max_dgram_qlen);
	return netns_register(&local_netns_ops);
}

unsigned int
local_backlog(const struct netns *ns)
{
	return (unsigned int)netvar_get(ns, &local_max_dgram_qlen);
}

/* --- references ----------------------------------------------------------------------- */

static struct localname *
local_name_make(const void *addr, socklen_t len)
{
	struct localname *ln = kmem_zalloc(sizeof(*ln), KM_SLEEP);

	if (ln == NULL)
		return NULL;
	KASSERT(len <= sizeof(ln->ln_addr));
	ln->ln_refs = 1;
	ln->ln_len = len;
	memcpy(ln->ln_addr, addr, len);
	list_node_init(&ln->ln_link);
	return ln;
}

void
local_name_hold(struct localname *ln)
{
	atomic_add(&ln->ln_refs, 1);
}

void
local_name_rele(struct localname *ln)
{
	if (ln == NULL || atomic_sub_ar(&ln->ln_refs, 1) != 1)
		return;
	KASSERT(!list_onlist(&ln->ln_link));
	socknode_rele(&ln->ln_node);
	kmem_free(ln, sizeof(*ln));
}

void
local_name_out(const struct socket *so, struct sockaddr_storage *ret_ss,
    socklen_t *ret_len)
{
	const struct localname *ln = atomic_load_acq(&localpcb(so)->lp_name);

	*ret_len = 0;
	if (ln == NULL)
		return;
	memcpy(ret_ss, ln->ln_addr, ln->ln_len);
	*ret_len = ln->ln_len;
}

/* --- tables ------------------------------------------------------------------------------ */

static bool
local_name_ispath(const struct localname *ln)
{
	return ln->ln_node.sn_file != NULL;
}

static struct localtable *
local_name_table(const struct localname *ln, const struct netns *ns)
{
	return local_name_ispath(ln) ? &local_paths :
	    netns_data(ns, NETNS_SLOT_LOCAL);
}

static uint32_t
abstract_hash(const void *addr, socklen_t len, int type)
{
	return (uint32_t)hash_bytes(addr, len, (uint64_t)type);
}

static struct list *
localtable_bucket(struct localtable *lt, uint32_t hash)
{
	return &lt->lt_bucket[hash % LOCAL_NBUCKETS];
}

static struct localname *
localtable_abstract(struct localtable *lt, uint32_t hash, const void *addr,
    socklen_t len, int type)
{
	struct list_node *n;

	KASSERT(mutex_owned(&lt->lt_lock));
	LIST_FOREACH(n, localtable_bucket(lt, hash)) {
		struct localname *ln = container_of(n, struct localname, ln_link);

		if (ln->ln_hash == hash && ln->ln_len == len &&
		    ln->ln_so->so_type == type &&
		    memcmp(ln->ln_addr, addr, len) == 0)
			return ln;
	}
	return NULL;
}

static struct localname *
localtable_file(struct localtable *lt, const struct socknode *sn)
{
	uint32_t hash = (uint32_t)hash_ptr(sn->sn_file);
	struct list_node *n;

	KASSERT(mutex_owned(&lt->lt_lock));
	LIST_FOREACH(n, localtable_bucket(lt, hash)) {
		struct localname *ln = container_of(n, struct localname, ln_link);

		if (ln->ln_node.sn_file == sn->sn_file)
			return ln;
	}
	return NULL;
}

void
local_name_close(struct socket *so)
{
	struct localname *ln = localpcb(so)->lp_name;
	struct localtable *lt;

	if (ln == NULL || atomic_load(&ln->ln_so) != so)
		return;			/* it shows the name of a listener */
	lt = local_name_table(ln, so->so_ns);
	mutex_enter(&lt->lt_lock);
	list_remove(&ln->ln_link);
	atomic_store(&ln->ln_so, NULL);
	mutex_exit(&lt->lt_lock);
	socknode_rele(&ln->ln_node);
}

/* --- binding -------------------------------------------------------------------------------- */

int
local_addr_check(const struct sockaddr *sa, socklen_t len)
{
	if (len <= PATH_OFF || len > sizeof(struct sockaddr_un) ||
	    sa->sa_family != AF_UNIX)
		return EINVAL;
	return 0;
}

/* ln becomes so's name, by which it is found. */
static void
local_name_set(struct socket *so, struct localname *ln)
{
	struct localtable *lt = local_name_table(ln, so->so_ns);

	KASSERT(mutex_owned(&lt->lt_lock));
	atomic_store(&ln->ln_so, so);
	list_insert_tail(localtable_bucket(lt, ln->ln_hash), &ln->ln_link);
	atomic_store_rel(&localpcb(so)->lp_name, ln);
	atomic_or(&so->so_state, SS_BOUND);
}

static int
local_bind_abstract(struct socket *so, const void *addr, socklen_t len)
{
	struct localtable *lt = netns_data(so->so_ns, NETNS_SLOT_LOCAL);
	struct localname *ln = local_name_make(addr, len);
	int error = 0;

	if (ln == NULL)
		return ENOMEM;
	ln->ln_hash = abstract_hash(addr, len, so->so_type);
	mutex_enter(&lt->lt_lock);
	if (localtable_abstract(lt, ln->ln_hash, addr, len, so->so_type) != NULL)
		error = EADDRINUSE;
	else
		local_name_set(so, ln);
	mutex_exit(&lt->lt_lock);
	if (error)
		local_name_rele(ln);
	return error;
}

static int
local_bind_path(struct socket *so, const struct sockaddr *sa, socklen_t len)
{
	uint8_t addr[sizeof(struct sockaddr_un) + 1];
	char *path = (char *)addr + PATH_OFF;
	struct localname *ln;
	int error;

	memcpy(addr, sa, len);
	addr[len] = '\0';
	len = (socklen_t)(PATH_OFF + strlen(path) + 1);
	ln = local_name_make(addr, len);
	if (ln == NULL)
		return ENOMEM;
	error = socknode_make(path, atomic_load(&so->so_attr.aa_mode),
	    &ln->ln_node);
	if (error) {
		local_name_rele(ln);
		return error;
	}
	ln->ln_hash = (uint32_t)hash_ptr(ln->ln_node.sn_file);
	mutex_enter(&local_paths.lt_lock);
	local_name_set(so, ln);
	mutex_exit(&local_paths.lt_lock);
	return 0;
}

/* lp_iolock is held.  Tries numbers in order, from a random one on. */
static int
local_autobind_locked(struct socket *so)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t addr[PATH_OFF + AUTOBIND_LEN] = { AF_UNIX, 0 };
	uint32_t first = random_below(AUTOBIND_MAX), num = first;
	int error;

	do {
		for (unsigned int i = 0; i < 5; i++)
			addr[PATH_OFF + 1 + i] =
			    (uint8_t)digits[num >> (16 - 4 * i) & 15];
		error = local_bind_abstract(so, addr, sizeof(addr));
		num = (num + 1) % AUTOBIND_MAX;
	} while (error == EADDRINUSE && num != first);
	return error == EADDRINUSE ? ENOSPC : error;
}

int
local_autobind(struct socket *so)
{
	struct localpcb *lp = localpcb(so);
	int error = 0;

	mutex_enter(&lp->lp_iolock);
	if (lp->lp_name == NULL)
		error = local_autobind_locked(so);
	mutex_exit(&lp->lp_iolock);
	return error;
}

int
local_bind(struct socket *so, const struct sockaddr *sa, socklen_t len)
{
	struct localpcb *lp = localpcb(so);
	int error;

	if (len == PATH_OFF && sa->sa_family == AF_UNIX)
		return local_autobind(so);
	error = local_addr_check(sa, len);
	if (error)
		return error;
	mutex_enter(&lp->lp_iolock);
	if (lp->lp_name != NULL)
		error = EINVAL;
	else if (sa->sa_data[0] == '\0')
		error = local_bind_abstract(so, sa, len);
	else
		error = local_bind_path(so, sa, len);
	mutex_exit(&lp->lp_iolock);
	return error;
}

/* --- finding --------------------------------------------------------------------------------- */

static struct socket *
localtable_hold(struct localname *ln)
{
	return ln != NULL && socket_tryhold(ln->ln_so) ? ln->ln_so : NULL;
}

static int
local_find_path(struct socket *so, const struct sockaddr *sa, socklen_t len,
    struct socket **ret_so)
{
	char path[UNIX_PATH_MAX + 1];
	struct socket *found;
	struct socknode sn;
	int error;

	memcpy(path, sa->sa_data, len - PATH_OFF);
	path[len - PATH_OFF] = '\0';
	error = socknode_find(path, &sn);
	if (error)
		return error;
	mutex_enter(&local_paths.lt_lock);
	found = localtable_hold(localtable_file(&local_paths, &sn));
	mutex_exit(&local_paths.lt_lock);
	socknode_rele(&sn);
	if (found == NULL)
		return ECONNREFUSED;
	if (found->so_type != so->so_type) {
		socket_rele(found);
		return EPROTOTYPE;
	}
	*ret_so = found;
	return 0;
}

int
local_find(struct socket *so, const struct sockaddr *sa, socklen_t len,
    struct socket **ret_so)
{
	struct localtable *lt = netns_data(so->so_ns, NETNS_SLOT_LOCAL);
	struct socket *found;
	uint32_t hash;

	if (sa->sa_data[0] != '\0')
		return local_find_path(so, sa, len, ret_so);
	hash = abstract_hash(sa, len, so->so_type);
	mutex_enter(&lt->lt_lock);
	found = localtable_hold(localtable_abstract(lt, hash, sa, len,
	    so->so_type));
	mutex_exit(&lt->lt_lock);
	if (found == NULL)
		return ECONNREFUSED;
	*ret_so = found;
	return 0;
}
