/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namecache.c - which name in which directory leads to which file
 *
 * An entry says that a name in a directory leads to a vnode, or (negative)
 * that there is no such name.  It is a hint that is always right: whoever
 * changes a directory holds its v_lock for writing and corrects the cache
 * before he lets go; whoever adds what he found holds it for reading.
 *
 * Look-ups take no lock and no reference.  They walk a hash chain under
 * qsbr; entries are immutable but for their chain link, and both they and
 * the vnodes they name are freed after the readers of the moment are gone.
 * Entries hold no references: a dying vnode takes its entries along.
 *
 * A directory also knows the directory it is in (v_parent, referenced) and
 * the entry that names it (v_ncself), for ".." and getcwd(2).  Such an entry
 * is not evicted.  All others are bounded by "vfs.namecache.limit"; a clock
 * hand evicts what was not used since it came by.
 *
 * Locking: nc_lock, a leaf, for all changes.
 */

#include <lib/hash.h>
#include <lib/list.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/kvar.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>
#include <sys/random.h>
#include <vfs/namei.h>
#include <vfs/vnode.h>

#include "vfs_impl.h"

#define NC_NAMEMAX	255
#define NC_MINBUCKETS	256
#define NC_DEFLIMIT	131072
#define NC_SCAN		8	/* entries the hand passes for a new one */

/*
 * Field key:	c  constant	n  nc_lock	a  atomic
 */
struct ncent {
	union {
		struct list_node nc_sibling;	/* n: v_ncchildren of nc_dvp */
		struct qsbr_head nc_qsbr;	/* once it is removed */
	};
	struct list_node nc_alias;	/* n: v_ncnames of nc_vp */
	struct list_node nc_lru;	/* n */
	/* What look-ups read stands together. */
	struct ncent	*nc_hashnext;	/* n; read by qsbr */
	uint64_t	 nc_hash;	/* c: of name and directory */
	struct vnode	*nc_dvp;	/* c */
	struct vnode	*nc_vp;		/* c: NULL in a negative one */
	uint8_t		 nc_hot;	/* a */
	uint8_t		 nc_len;	/* c */
	char		 nc_name[];	/* c */
};

struct nctable {
	struct qsbr_head nt_qsbr;
	size_t		 nt_mask;
	struct ncent	*nt_bucket[];
};

static kmutex_t nc_lock;
static struct nctable *nc_table;	/* n; read by qsbr */
static struct list nc_lru = LIST_INITIALIZER(nc_lru);	/* n */
static uint64_t nc_count;		/* n */
static uint64_t nc_limit = NC_DEFLIMIT;
static uint64_t nc_seed;		/* c */
uint32_t namecache_moves;

static COUNTER_DEFINE(nc_misses, "vfs.namecache.misses",
    "names looked for in vain in the name cache");
static COUNTER_DEFINE(nc_evictions, "vfs.namecache.evictions",
    "entries that went for others");

static struct kvar nc_kvars[] = {
	{ .kv_name = "vfs.namecache.limit", .kv_type = KVAR_U64,
	  .kv_about = "entries of the name cache", .kv_ptr = &nc_limit },
	{ .kv_name = "vfs.namecache.entries", .kv_type = KVAR_U64,
	  .kv_flags = KVAR_RDONLY, .kv_about = "entries at the moment",
	  .kv_ptr = &nc_count },
};

/* --- hashing ------------------------------------------------------------------ */

/* The walk computes the same while it looks for the end of the name. */
uint64_t
cname_hash(const char *name, size_t len)
{
	uint64_t h = 0, w = 0;
	unsigned int shift = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		w |= (uint64_t)(unsigned char)name[i] << shift;
		shift += 8;
		if (shift == 64) {
			h = cname_hash_word(h, w);
			w = 0;
			shift = 0;
		}
	}
	return cname_hash_word(h, w);
}

static uint64_t
nc_hashof(const struct vnode *dvp, const struct cname *cn)
{
	uint64_t h = cn->cn_hash ^ nc_seed ^ (uint64_t)(uintptr_t)dvp;

	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

static size_t
nctable_size(size_t nbuckets)
{
	return sizeof(struct nctable) + nbuckets * sizeof(struct ncent *);
}

static struct nctable *
nctable_create(size_t nbuckets, int flags)
{
	struct nctable *nt;

	nt = kmem_zalloc(nctable_size(nbuckets), flags);
	if (nt != NULL)
		nt->nt_mask = nbuckets - 1;
	return nt;
}

static void
nctable_free(struct qsbr_head *qh)
{
	struct nctable *nt = container_of(qh, struct nctable, nt_qsbr);

	kmem_free(nt, nctable_size(nt->nt_mask + 1));
}

/* As with vnodes: readers may miss while it grows, and then take the long way. */
static void
nctable_grow_locked(void) REQUIRES(nc_lock)
{
	struct nctable *old = nc_table, *nt;
	struct ncent *nc, *next, **b;
	size_t i;

	nt = nctable_create(2 * (old->nt_mask + 1), KM_NOSLEEP);
	if (nt == NULL)
		return;
	for (i = 0; i <= old->nt_mask; i++) {
		for (nc = old->nt_bucket[i]; nc != NULL; nc = next) {
			next = nc->nc_hashnext;
			b = &nt->nt_bucket[nc->nc_hash & nt->nt_mask];
			atomic_store_rel(&nc->nc_hashnext, *b);
			*b = nc;
		}
	}
	atomic_store_rel(&nc_table, nt);
	qsbr_call(&old->nt_qsbr, nctable_free);
}

/* --- look-up -------------------------------------------------------------------- */

static struct ncent *
nc_find(const struct vnode *dvp, const struct cname *cn)
{
	uint64_t hash = nc_hashof(dvp, cn);
	struct nctable *nt = atomic_load_acq(&nc_table);
	struct ncent *nc;

	nc = atomic_load_acq(&nt->nt_bucket[hash & nt->nt_mask]);
	while (nc != NULL) {
		if (nc->nc_hash == hash && nc->nc_dvp == dvp &&
		    cname_is(cn, nc->nc_name, nc->nc_len))
			return nc;
		nc = atomic_load_acq(&nc->nc_hashnext);
	}
	return NULL;
}

enum nc_result
namecache_lookup(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	struct ncent *nc;

	nc = nc_find(dvp, cn);
	if (nc == NULL) {
		counter_add(&nc_misses, 1);
		return NC_MISS;
	}
	if (!atomic_load(&nc->nc_hot))
		atomic_store(&nc->nc_hot, 1);
	if (nc->nc_vp == NULL)
		return NC_NEGATIVE;
	*ret_vp = nc->nc_vp;
	return NC_HIT;
}

/* --- changes -------------------------------------------------------------------- */

static size_t
nc_size(size_t namelen)
{
	return sizeof(struct ncent) + namelen;
}

static void
nc_free(struct qsbr_head *qh)
{
	struct ncent *nc = container_of(qh, struct ncent, nc_qsbr);

	kmem_free(nc, nc_size(nc->nc_len));
}

static void
nc_add(uint32_t *count, int delta)
{
	atomic_store(count, *count + (uint32_t)delta);
}

static void
nc_count_locked(const struct ncent *nc, int delta) REQUIRES(nc_lock)
{
	nc_add(&nc->nc_dvp->v_nentries, delta);
	nc_add(nc->nc_vp != NULL ? &nc->nc_vp->v_nnames :
	    &nc->nc_dvp->v_nnegative, delta);
}

static void
nc_remove_locked(struct ncent *nc) REQUIRES(nc_lock)
{
	struct ncent **b;

	b = &nc_table->nt_bucket[nc->nc_hash & nc_table->nt_mask];
	while (*b != nc)
		b = &(*b)->nc_hashnext;
	atomic_store_rel(b, nc->nc_hashnext);
	list_remove(&nc->nc_sibling);
	nc_count_locked(nc, -1);
	if (nc->nc_vp != NULL) {
		list_remove(&nc->nc_alias);
		if (nc->nc_vp->v_ncself == nc)
			nc->nc_vp->v_ncself = NULL;
	}
	list_remove(&nc->nc_lru);
	nc_count--;
	qsbr_call(&nc->nc_qsbr, nc_free);
}

static bool
nc_evictable_locked(const struct ncent *nc)
{
	return nc->nc_vp == NULL || nc->nc_vp->v_ncself != nc;
}

/* The clock hand: removes want entries, looking at scan at most. */
static unsigned int
nc_evict_locked(unsigned int want, unsigned int scan) REQUIRES(nc_lock)
{
	struct list_node *n;
	struct ncent *nc;
	unsigned int got = 0;

	while (got < want && scan-- > 0 && (n = list_first(&nc_lru)) != NULL) {
		nc = container_of(n, struct ncent, nc_lru);
		if (!atomic_load(&nc->nc_hot) && nc_evictable_locked(nc)) {
			nc_remove_locked(nc);
			got++;
			continue;
		}
		atomic_store(&nc->nc_hot, 0);
		list_remove(n);
		list_insert_tail(&nc_lru, n);
	}
	counter_add(&nc_evictions, got);
	return got;
}

static struct ncent *
nc_create(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	struct ncent *nc;

	nc = kmem_alloc(nc_size(cn->cn_len), KM_NOSLEEP);
	if (nc == NULL)
		return NULL;
	nc->nc_hash = nc_hashof(dvp, cn);
	nc->nc_dvp = dvp;
	nc->nc_vp = vp;
	nc->nc_hot = 0;
	nc->nc_len = (uint8_t)cn->cn_len;
	memcpy(nc->nc_name, cn->cn_name, cn->cn_len);
	return nc;
}

static void
nc_insert_locked(struct ncent *nc) REQUIRES(nc_lock)
{
	struct ncent **b;

	if (nc_count >= nc_limit)
		nc_evict_locked(2, NC_SCAN);
	else if (2 * nc_count > nc_table->nt_mask)
		nctable_grow_locked();	/* a stranger in a chain is a cache miss */
	list_insert_head(&nc->nc_dvp->v_ncchildren, &nc->nc_sibling);
	nc_count_locked(nc, 1);
	if (nc->nc_vp != NULL) {
		list_insert_head(&nc->nc_vp->v_ncnames, &nc->nc_alias);
		if (nc->nc_vp->v_type == VDIR)
			nc->nc_vp->v_ncself = nc;
	} else {
		list_node_init(&nc->nc_alias);
	}
	list_insert_tail(&nc_lru, &nc->nc_lru);
	nc_count++;
	b = &nc_table->nt_bucket[nc->nc_hash & nc_table->nt_mask];
	nc->nc_hashnext = *b;
	atomic_store_rel(b, nc);
}

/*
 * A cache that could not remember is no error: without memory nothing is
 * entered.  What the name led to before is forgotten all the same.
 */
void
namecache_enter(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	struct ncent *nc, *old;

	if (cn->cn_len > NC_NAMEMAX)
		return;
	nc = nc_create(dvp, cn, vp);
	mutex_enter(&nc_lock);
	old = nc_find(dvp, cn);
	if (old != NULL && (nc == NULL || old->nc_vp != vp)) {
		nc_remove_locked(old);
		old = NULL;
	}
	if (old == NULL && nc != NULL) {
		nc_insert_locked(nc);
		nc = NULL;
	}
	mutex_exit(&nc_lock);
	if (nc != NULL)
		kmem_free(nc, nc_size(nc->nc_len));
}

/*
 * A file system in memory finds its files about as fast as we do.  What it
 * makes is entered when it is first looked up, unless we remembered that the
 * name is not there: temporary files come and go without us.
 */
void
namecache_created(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	if (dvp->v_fs->fs_keepvnodes && vp->v_type != VDIR &&
	    atomic_load(&dvp->v_nnegative) == 0)
		return;
	namecache_enter(dvp, cn, vp);
}

void
namecache_removed(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	/* Whoever would enter this name holds dvp's v_lock, which we do. */
	if (atomic_load(&vp->v_nnames) != 0)
		namecache_remove(dvp, cn);
}

void
namecache_remove(struct vnode *dvp, const struct cname *cn)
{
	struct ncent *nc;

	mutex_enter(&nc_lock);
	nc = nc_find(dvp, cn);
	if (nc != NULL)
		nc_remove_locked(nc);
	mutex_exit(&nc_lock);
}

static void
nc_purge_locked(struct vnode *vp) REQUIRES(nc_lock)
{
	struct list_node *n;

	while ((n = list_first(&vp->v_ncchildren)) != NULL)
		nc_remove_locked(container_of(n, struct ncent, nc_sibling));
	while ((n = list_first(&vp->v_ncnames)) != NULL)
		nc_remove_locked(container_of(n, struct ncent, nc_alias));
}

void
namecache_purge(struct vnode *vp)
{
	mutex_enter(&nc_lock);
	nc_purge_locked(vp);
	mutex_exit(&nc_lock);
}

/* --- parents ---------------------------------------------------------------------- */

void
vnode_setparent(struct vnode *vp, struct vnode *dvp)
{
	struct vnode *old;

	KASSERT(vp->v_type == VDIR && vp != dvp);

	if (dvp != NULL)
		vnode_hold(dvp);
	mutex_enter(&nc_lock);
	old = vp->v_parent;
	atomic_store_rel(&vp->v_parent, dvp);
	if (old != NULL)
		atomic_add(&namecache_moves, 1);
	mutex_exit(&nc_lock);
	vnode_rele(old);
}

struct vnode *
namecache_forget(struct vnode *vp)
{
	struct vnode *parent;

	mutex_enter(&nc_lock);
	nc_purge_locked(vp);
	parent = vp->v_parent;
	atomic_store_rel(&vp->v_parent, NULL);
	mutex_exit(&nc_lock);
	return parent;
}

size_t
namecache_getname(struct vnode *vp, char *buf, size_t size)
{
	size_t len = 0;

	mutex_enter(&nc_lock);
	if (vp->v_ncself != NULL && vp->v_ncself->nc_len <= size) {
		len = vp->v_ncself->nc_len;
		memcpy(buf, vp->v_ncself->nc_name, len);
	}
	mutex_exit(&nc_lock);
	return len;
}

size_t
namecache_getalias(struct vnode *vp, char *buf, size_t size,
    struct vnode **ret_dvp)
{
	struct list_node *n;
	size_t len = 0;

	mutex_enter(&nc_lock);
	LIST_FOREACH(n, &vp->v_ncnames) {
		struct ncent *nc = container_of(n, struct ncent, nc_alias);

		if (nc->nc_len > size || !vnode_tryhold(nc->nc_dvp))
			continue;
		len = nc->nc_len;
		memcpy(buf, nc->nc_name, len);
		*ret_dvp = nc->nc_dvp;
		break;
	}
	mutex_exit(&nc_lock);
	return len;
}

bool
vnode_isbelow(struct vnode *vp, struct vnode *dvp)
{
	while (vp != NULL && vp != dvp)
		vp = atomic_load_acq(&vp->v_parent);
	return vp != NULL;
}

/* --- start -------------------------------------------------------------------------- */

static size_t
namecache_shrink(size_t want)
{
	unsigned int n = (unsigned int)(want / nc_size(16)) + 1;
	unsigned int got;

	if (!mutex_tryenter(&nc_lock))
		return 0;
	got = nc_evict_locked(n, 2 * n);
	mutex_exit(&nc_lock);
	return got * nc_size(16);
}

static struct reclaimer nc_reclaimer = {
	.rc_name = "name cache", .rc_shrink = namecache_shrink,
};

int
namecache_boot(void)
{
	size_t i;

	mutex_init(&nc_lock, "name cache");
	nc_seed = random_u64();
	nc_table = nctable_create(NC_MINBUCKETS, KM_SLEEP);
	if (nc_table == NULL)
		return ENOMEM;
	for (i = 0; i < ARRAY_SIZE(nc_kvars); i++)
		kvar_register(&nc_kvars[i]);
	counter_register(&nc_misses);
	counter_register(&nc_evictions);
	reclaimer_register(&nc_reclaimer);
	return 0;
}
