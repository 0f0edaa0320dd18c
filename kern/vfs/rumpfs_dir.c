/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_dir.c - directories in memory: entries by name and in order
 *
 * Names are found through a hash table that doubles when it is full; a
 * directory of a few entries has none and is searched along its order.  If
 * there is no memory for a larger table the old one stays, and chains grow:
 * an insertion never fails.
 *
 * The order is that of insertion, newest first.  Cookies only grow, so the
 * order is also that of falling cookies, and a listing that stopped after
 * the entry with cookie c goes on with the first one below c, whatever came
 * (only in front) or went meanwhile: nothing twice, nothing left out.  The
 * place is found again through a few hints; when more than RUMPFS_NHINTS
 * listings of one directory interleave, or a cookie was kept for long, the
 * order is walked.
 *
 *	cookie 0	"."		1	".."
 *	cookie 2	the newest entry
 *	cookie c > 2	the entry after the one with cookie c
 *
 * Locking: v_lock of the directory, shared to look and exclusive to change;
 * the hints, which listings change, are under v_ilock.
 */

#include <lib/string.h>
#include <vfs/namei.h>

#include "rumpfs_impl.h"

#define RUMPFS_COOKIE_DOTDOT	1
#define RUMPFS_COOKIE_NEWEST	2

/* As many entries are searched without a table. */
#define RUMPFS_LINEAR		8
#define RUMPFS_TABLE_MIN	32
#define RUMPFS_TABLE_MAX	(1U << 30)

static struct pool rumpfs_ent_pool;

void
rumpfs_dir_boot(void)
{
	pool_init(&rumpfs_ent_pool, sizeof(struct rumpfs_ent), 8,
	    "rumpfs_ent");
}

void
rumpfs_dir_init(struct rumpfs_node *dn)
{
	list_init(&dn->rn_dir.rd_order);
	dn->rn_dir.rd_cookie = RUMPFS_COOKIE_NEWEST;
}

/* Entries still there at the end of an instance go with it. */
void
rumpfs_dir_fini(struct rumpfs_node *dn)
{
	struct rumpfs_dir *rd = &dn->rn_dir;
	struct list_node *n, *next;

	LIST_FOREACH_SAFE(n, next, &rd->rd_order)
		rumpfs_ent_destroy(container_of(n, struct rumpfs_ent,
		    re_order));
	if (rd->rd_table != NULL)
		kmem_free(rd->rd_table, rd->rd_size * sizeof(*rd->rd_table));
	kmem_free(rd->rd_hints, sizeof(*rd->rd_hints));
}

static bool
rumpfs_ent_matches(const struct rumpfs_ent *re, const struct cname *cn)
{
	return re->re_hash == cn->cn_hash &&
	    cname_is(cn, rumpfs_ent_name(re), re->re_len);
}

static struct rumpfs_ent **
rumpfs_dir_bucket(struct rumpfs_dir *rd, uint64_t hash)
{
	return &rd->rd_table[(hash ^ hash >> 32) & (rd->rd_size - 1)];
}

struct rumpfs_ent *
rumpfs_dir_find(struct rumpfs_node *dn, const struct cname *cn)
{
	struct rumpfs_dir *rd = &dn->rn_dir;
	struct rumpfs_ent *re;
	struct list_node *n;

	if (rd->rd_table != NULL) {
		for (re = *rumpfs_dir_bucket(rd, cn->cn_hash); re != NULL;
		    re = re->re_hashnext)
			if (rumpfs_ent_matches(re, cn))
				return re;
		return NULL;
	}
	LIST_FOREACH(n, &rd->rd_order) {
		re = container_of(n, struct rumpfs_ent, re_order);
		if (rumpfs_ent_matches(re, cn))
			return re;
	}
	return NULL;
}

int
rumpfs_ent_create(const struct cname *cn, struct rumpfs_ent **ret_re)
{
	struct rumpfs_ent *re;
	char *name;

	KASSERT(cn->cn_len > 0 && cn->cn_len <= UINT16_MAX);
	re = pool_get(&rumpfs_ent_pool, KM_SLEEP);
	if (re == NULL)
		return ENOMEM;
	name = re->re_u.ru_short;
	if (cn->cn_len > RUMPFS_NAME_INLINE) {
		name = kmem_alloc(cn->cn_len, KM_SLEEP);
		if (name == NULL) {
			pool_put(&rumpfs_ent_pool, re);
			return ENOMEM;
		}
		re->re_u.ru_long = name;
	}
	memcpy(name, cn->cn_name, cn->cn_len);
	re->re_len = (uint16_t)cn->cn_len;
	re->re_hash = cn->cn_hash;
	re->re_node = NULL;
	*ret_re = re;
	return 0;
}

void
rumpfs_ent_destroy(struct rumpfs_ent *re)
{
	if (re->re_len > RUMPFS_NAME_INLINE)
		kmem_free(re->re_u.ru_long, re->re_len);
	pool_put(&rumpfs_ent_pool, re);
}

static void
rumpfs_dir_hash(struct rumpfs_dir *rd, struct rumpfs_ent *re)
{
	struct rumpfs_ent **bucket = rumpfs_dir_bucket(rd, re->re_hash);

	re->re_hashnext = *bucket;
	*bucket = re;
}

static void
rumpfs_dir_unhash(struct rumpfs_dir *rd, struct rumpfs_ent *re)
{
	struct rumpfs_ent **link = rumpfs_dir_bucket(rd, re->re_hash);

	while (*link != re)
		link = &(*link)->re_hashnext;
	*link = re->re_hashnext;
}

static void
rumpfs_dir_grow(struct rumpfs_dir *rd)
{
	uint32_t size = rd->rd_size == 0 ? RUMPFS_TABLE_MIN : rd->rd_size * 2;
	struct rumpfs_ent **table;
	struct list_node *n;

	if (rd->rd_size >= RUMPFS_TABLE_MAX)
		return;
	table = kmem_zalloc(size * sizeof(*table), KM_SLEEP);
	if (table == NULL)
		return;
	if (rd->rd_table != NULL)
		kmem_free(rd->rd_table, rd->rd_size * sizeof(*rd->rd_table));
	rd->rd_table = table;
	rd->rd_size = size;
	LIST_FOREACH(n, &rd->rd_order)
		rumpfs_dir_hash(rd, container_of(n, struct rumpfs_ent,
		    re_order));
}

void
rumpfs_dir_insert(struct rumpfs_node *dn, struct rumpfs_ent *re,
    struct rumpfs_node *rn)
{
	struct rumpfs_dir *rd = &dn->rn_dir;
	struct vnode *dvp = dn->rn_vnode;

	if (rd->rd_count >= (rd->rd_size == 0 ? RUMPFS_LINEAR : rd->rd_size / 2))
		rumpfs_dir_grow(rd);
	re->re_node = rn;
	re->re_cookie = ++rd->rd_cookie;
	list_insert_head(&rd->rd_order, &re->re_order);
	if (rd->rd_table != NULL)
		rumpfs_dir_hash(rd, re);
	rd->rd_count++;
	atomic_store(&dvp->v_size, dvp->v_size + RUMPFS_ENT_SIZE);
}

static struct rumpfs_ent *
rumpfs_dir_after(const struct rumpfs_dir *rd, const struct rumpfs_ent *re)
{
	struct list_node *n = list_next(&rd->rd_order, &re->re_order);

	return n == NULL ? NULL : container_of(n, struct rumpfs_ent, re_order);
}

/* Listings that would go on with old go on with re. */
static void
rumpfs_dir_movehints(struct rumpfs_dir *rd, const struct rumpfs_ent *old,
    struct rumpfs_ent *re)
{
	unsigned int i;

	/* With v_lock exclusive no listing runs: the hints are ours. */
	for (i = 0; rd->rd_hints != NULL && i < RUMPFS_NHINTS; i++)
		if (rd->rd_hints->rh_hint[i].hi_next == old)
			rd->rd_hints->rh_hint[i].hi_next = re;
}

/* The caller destroys re or puts it elsewhere. */
void
rumpfs_dir_remove(struct rumpfs_node *dn, struct rumpfs_ent *re)
{
	struct rumpfs_dir *rd = &dn->rn_dir;
	struct vnode *dvp = dn->rn_vnode;

	rumpfs_dir_movehints(rd, re, rumpfs_dir_after(rd, re));
	list_remove(&re->re_order);
	if (rd->rd_table != NULL)
		rumpfs_dir_unhash(rd, re);
	rd->rd_count--;
	atomic_store(&dvp->v_size, dvp->v_size - RUMPFS_ENT_SIZE);
}

void
rumpfs_dir_replace(struct rumpfs_node *dn, struct rumpfs_ent *old,
    struct rumpfs_ent *re)
{
	struct rumpfs_dir *rd = &dn->rn_dir;

	re->re_node = old->re_node;
	re->re_cookie = old->re_cookie;
	list_insert_after(&old->re_order, &re->re_order);
	rumpfs_dir_movehints(rd, old, re);
	list_remove(&old->re_order);
	if (rd->rd_table != NULL) {
		rumpfs_dir_unhash(rd, old);
		rumpfs_dir_hash(rd, re);
	}
}

/* The first entry below cookie, or NULL. */
static struct rumpfs_ent *
rumpfs_dir_seek(struct rumpfs_node *dn, uint64_t cookie)
{
	struct rumpfs_dir *rd = &dn->rn_dir;
	struct rumpfs_ent *re = NULL;
	struct list_node *n;
	bool known = false;
	unsigned int i;

	mutex_enter(&dn->rn_vnode->v_ilock);
	for (i = 0; rd->rd_hints != NULL && i < RUMPFS_NHINTS && !known;
	    i++) {
		known = rd->rd_hints->rh_hint[i].hi_cookie == cookie;
		re = rd->rd_hints->rh_hint[i].hi_next;
	}
	mutex_exit(&dn->rn_vnode->v_ilock);
	if (known)
		return re;
	/* All were listed: the usual case. */
	n = list_last(&rd->rd_order);
	if (n == NULL || container_of(n, struct rumpfs_ent,
	    re_order)->re_cookie >= cookie)
		return NULL;
	LIST_FOREACH(n, &rd->rd_order) {
		re = container_of(n, struct rumpfs_ent, re_order);
		if (re->re_cookie < cookie)
			return re;
	}
	return NULL;
}

/* The listing that was at from is at cookie now. */
static void
rumpfs_dir_sethint(struct rumpfs_node *dn, uint64_t from, uint64_t cookie,
    struct rumpfs_ent *next)
{
	struct rumpfs_dir *rd = &dn->rn_dir;
	struct rumpfs_hints *rh = NULL;
	unsigned int i, slot;

	if (atomic_load(&rd->rd_hints) == NULL) {
		rh = kmem_zalloc(sizeof(*rh), KM_SLEEP);
		if (rh == NULL)
			return;		/* then it is searched for */
	}
	mutex_enter(&dn->rn_vnode->v_ilock);
	if (rd->rd_hints == NULL) {
		atomic_store(&rd->rd_hints, rh);
		rh = NULL;
	}
	slot = rd->rd_hints->rh_last + 1;
	for (i = 0; i < RUMPFS_NHINTS; i++)
		if (rd->rd_hints->rh_hint[i].hi_cookie == from)
			slot = i;
	slot %= RUMPFS_NHINTS;
	rd->rd_hints->rh_last = slot;
	rd->rd_hints->rh_hint[slot].hi_cookie = cookie;
	rd->rd_hints->rh_hint[slot].hi_next = next;
	mutex_exit(&dn->rn_vnode->v_ilock);
	kmem_free(rh, sizeof(*rh));
}

static bool
rumpfs_readdir_dots(struct rumpfs_node *dn, uint64_t *cookie, readdir_fn *fn,
    void *arg)
{
	struct rumpfs_node *parent = dn->rn_dir.rd_parent;

	if (*cookie == 0) {
		if (!fn(arg, ".", 1, dn->rn_vnode->v_ino,
		    vtype_to_dt(VDIR), RUMPFS_COOKIE_DOTDOT))
			return false;
		*cookie = RUMPFS_COOKIE_DOTDOT;
	}
	if (*cookie == RUMPFS_COOKIE_DOTDOT) {
		if (parent == NULL)
			parent = dn;
		if (!fn(arg, "..", 2, parent->rn_vnode->v_ino,
		    vtype_to_dt(VDIR), RUMPFS_COOKIE_NEWEST))
			return false;
		*cookie = RUMPFS_COOKIE_NEWEST;
	}
	return true;
}

int
rumpfs_readdir(struct vnode *dvp, uint64_t *cookie, readdir_fn *fn, void *arg)
{
	struct rumpfs_node *dn = rumpfs_node(dvp);
	struct rumpfs_dir *rd = &dn->rn_dir;
	struct rumpfs_ent *re;
	uint64_t start;

	/* A removed directory lists nothing, not even its dots. */
	if (atomic_load(&dn->rn_nlink) == 0)
		return ENOENT;
	if (!rumpfs_readdir_dots(dn, cookie, fn, arg))
		return 0;

	start = *cookie;
	if (start == RUMPFS_COOKIE_NEWEST)
		re = list_empty(&rd->rd_order) ? NULL : container_of(
		    list_first(&rd->rd_order), struct rumpfs_ent, re_order);
	else
		re = rumpfs_dir_seek(dn, start);
	for (; re != NULL; re = rumpfs_dir_after(rd, re)) {
		if (!fn(arg, rumpfs_ent_name(re), re->re_len,
		    re->re_node->rn_vnode->v_ino,
		    vtype_to_dt(re->re_node->rn_type), re->re_cookie))
			break;
		*cookie = re->re_cookie;
	}
	if (*cookie != start && re != NULL)
		rumpfs_dir_sethint(dn, start, *cookie, re);
	return 0;
}
