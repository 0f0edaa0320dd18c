/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_xattr.c - extended attributes in memory
 *
 * A list per node, sorted by name; files have few.  Who may see or change
 * which attribute was decided by the vfs.  Attributes in "user." cost inode
 * space, as anybody can make those.
 *
 * Locking: v_lock; readers take it shared themselves (vnode.h: they are
 * called without).
 */

#include <lib/string.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "rumpfs_impl.h"

static bool
rumpfs_xattr_supported(const char *name)
{
	return str_hasprefix(name, "user.") ||
	    str_hasprefix(name, "trusted.") ||
	    str_hasprefix(name, "security.");
}

static uint64_t
rumpfs_xattr_cost(const char *name, size_t len)
{
	if (!str_hasprefix(name, "user."))
		return 0;
	return sizeof(struct rumpfs_xattr) + strlen(name) + 1 + len;
}

/* The attribute, or NULL; *ret_before: what a new one goes in front of. */
static struct rumpfs_xattr *
rumpfs_xattr_find(struct rumpfs_node *rn, const char *name,
    struct list_node **ret_before)
{
	struct rumpfs_xattr *rx;
	struct list_node *n;
	int order;

	LIST_FOREACH(n, &rn->rn_xattrs) {
		rx = container_of(n, struct rumpfs_xattr, rx_link);
		order = strcmp(rx->rx_name, name);
		if (order == 0)
			return rx;
		if (order < 0)
			break;
	}
	if (ret_before != NULL)
		*ret_before = n;
	return NULL;
}

static int
rumpfs_xattr_create(const char *name, const void *buf, size_t len,
    struct rumpfs_xattr **ret_rx)
{
	struct rumpfs_xattr *rx;

	rx = kmem_alloc(sizeof(*rx) + len, KM_SLEEP);
	if (rx == NULL)
		return ENOMEM;
	rx->rx_name = kmem_strdup(name, KM_SLEEP);
	if (rx->rx_name == NULL) {
		kmem_free(rx, sizeof(*rx) + len);
		return ENOMEM;
	}
	rx->rx_len = len;
	if (len > 0)		/* buf is NULL otherwise */
		memcpy(rx->rx_value, buf, len);
	*ret_rx = rx;
	return 0;
}

static void
rumpfs_xattr_destroy(struct rumpfs *rf, struct rumpfs_xattr *rx)
{
	rumpfs_uncharge_ispace(rf, rumpfs_xattr_cost(rx->rx_name, rx->rx_len));
	kmem_strfree(rx->rx_name);
	kmem_free(rx, sizeof(*rx) + rx->rx_len);
}

static int
rumpfs_getxattr_locked(struct rumpfs_node *rn, const char *name, void *buf,
    size_t size, size_t *ret_len)
{
	const struct rumpfs_xattr *rx = rumpfs_xattr_find(rn, name, NULL);

	if (rx == NULL)
		return ENODATA;
	if (size != 0 && size < rx->rx_len)
		return ERANGE;
	if (size != 0)
		memcpy(buf, rx->rx_value, rx->rx_len);
	*ret_len = rx->rx_len;
	return 0;
}

int
rumpfs_getxattr(struct vnode *vp, const char *name, void *buf, size_t size,
    size_t *ret_len)
{
	int error;

	if (!rumpfs_xattr_supported(name))
		return EOPNOTSUPP;
	rw_read_enter(&vp->v_lock);
	error = rumpfs_getxattr_locked(rumpfs_node(vp), name, buf, size,
	    ret_len);
	rw_exit(&vp->v_lock);
	return error;
}

static int
rumpfs_listxattr_locked(struct rumpfs_node *rn, char *buf, size_t size,
    size_t *ret_len)
{
	const struct rumpfs_xattr *rx;
	struct list_node *n;
	size_t len, total = 0;

	LIST_FOREACH(n, &rn->rn_xattrs) {
		rx = container_of(n, struct rumpfs_xattr, rx_link);
		len = strlen(rx->rx_name) + 1;
		if (size != 0) {
			if (len > size - total)
				return ERANGE;
			memcpy(buf + total, rx->rx_name, len);
		}
		total += len;
	}
	*ret_len = total;
	return 0;
}

int
rumpfs_listxattr(struct vnode *vp, char *buf, size_t size, size_t *ret_len)
{
	int error;

	rw_read_enter(&vp->v_lock);
	error = rumpfs_listxattr_locked(rumpfs_node(vp), buf, size, ret_len);
	rw_exit(&vp->v_lock);
	return error;
}

int
rumpfs_setxattr(struct vnode *vp, const char *name, const void *buf,
    size_t len, int flags)
{
	struct rumpfs_node *rn = rumpfs_node(vp);
	struct timespec64 now = rumpfs_now();
	struct rumpfs_xattr *rx, *old;
	struct list_node *before = NULL;
	uint64_t cost;
	int error;

	if (!rumpfs_xattr_supported(name))
		return EOPNOTSUPP;
	if (len > XATTR_SIZE_MAX)
		return E2BIG;
	old = rumpfs_xattr_find(rn, name, &before);
	if (old != NULL && (flags & XATTR_CREATE))
		return EEXIST;
	if (old == NULL && (flags & XATTR_REPLACE))
		return ENODATA;

	cost = rumpfs_xattr_cost(name, len);
	error = rumpfs_charge_ispace(rn->rn_rf, cost);
	if (error)
		return error;
	error = rumpfs_xattr_create(name, buf, len, &rx);
	if (error) {
		rumpfs_uncharge_ispace(rn->rn_rf, cost);
		return error;
	}
	if (old != NULL)
		before = &old->rx_link;
	list_insert_after(before->ln_prev, &rx->rx_link);
	if (old != NULL) {
		list_remove(&old->rx_link);
		rumpfs_xattr_destroy(rn->rn_rf, old);
	}
	rumpfs_node_changed(rn, false, &now);
	return 0;
}

int
rumpfs_removexattr(struct vnode *vp, const char *name)
{
	struct rumpfs_node *rn = rumpfs_node(vp);
	struct timespec64 now = rumpfs_now();
	struct rumpfs_xattr *rx;

	if (!rumpfs_xattr_supported(name))
		return EOPNOTSUPP;
	rx = rumpfs_xattr_find(rn, name, NULL);
	if (rx == NULL)
		return ENODATA;
	list_remove(&rx->rx_link);
	rumpfs_xattr_destroy(rn->rn_rf, rx);
	rumpfs_node_changed(rn, false, &now);
	return 0;
}

void
rumpfs_xattr_fini(struct rumpfs_node *rn)
{
	struct list_node *n, *next;

	LIST_FOREACH_SAFE(n, next, &rn->rn_xattrs)
		rumpfs_xattr_destroy(rn->rn_rf,
		    container_of(n, struct rumpfs_xattr, rx_link));
	list_init(&rn->rn_xattrs);
}
