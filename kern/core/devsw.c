/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * devsw.c - where device nodes meet devices
 *
 * Two short lists: drivers by range of numbers, and the nodes that should
 * stand in /dev.  Whoever comes second finds the other: nodes announced
 * before the vfs listens are handed to it when it does.
 *
 * Locking
 *	devsw_lock protects the drivers; it is not held while a driver opens,
 *	so a driver that unregisters must itself refuse what is still coming.
 *	devnode_lock protects the nodes and is held while the listener runs,
 *	so that adding and removing one node keep their order.
 */

#include <sys/devsw.h>

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/log.h>
#include <sys/mutex.h>

static kmutex_t devsw_lock = { .m_name = "devsw" };
static struct list devsws = LIST_INITIALIZER(devsws);

static kmutex_t devnode_lock = { .m_name = "devnode" };
static struct list devnodes = LIST_INITIALIZER(devnodes);
static const struct devnode_ops *devnode_listener;	/* devnode_lock */

static bool
devsw_overlaps(const struct devsw *a, const struct devsw *b)
{
	return a->d_block == b->d_block && a->d_major == b->d_major &&
	    a->d_minor_first <= b->d_minor_last &&
	    b->d_minor_first <= a->d_minor_last;
}

int
devsw_register(struct devsw *d)
{
	struct list_node *n;
	int error = 0;

	if (d->d_minor_first > d->d_minor_last)
		return EINVAL;
	mutex_enter(&devsw_lock);
	LIST_FOREACH(n, &devsws) {
		if (devsw_overlaps(d, container_of(n, struct devsw, d_link)))
			error = EEXIST;
	}
	if (error == 0)
		list_insert_tail(&devsws, &d->d_link);
	mutex_exit(&devsw_lock);
	return error;
}

void
devsw_unregister(struct devsw *d)
{
	mutex_enter(&devsw_lock);
	list_remove(&d->d_link);
	mutex_exit(&devsw_lock);
}

int
devsw_open(bool block, dev_t dev, unsigned int flags, struct file **ret_fp)
{
	int (*open)(dev_t, unsigned int, struct file **) = NULL;
	uint32_t minor = dev_minor(dev);
	struct list_node *n;

	mutex_enter(&devsw_lock);
	LIST_FOREACH(n, &devsws) {
		struct devsw *d = container_of(n, struct devsw, d_link);

		if (d->d_block == block && d->d_major == dev_major(dev) &&
		    minor >= d->d_minor_first && minor <= d->d_minor_last) {
			open = d->d_open;
			break;
		}
	}
	mutex_exit(&devsw_lock);
	return open == NULL ? ENXIO : open(dev, flags, ret_fp);
}

int
devnode_announce(struct devnode *dn)
{
	struct list_node *n;
	int error = 0;

	mutex_enter(&devnode_lock);
	LIST_FOREACH(n, &devnodes) {
		if (strcmp(container_of(n, struct devnode, dn_link)->dn_name,
		    dn->dn_name) == 0)
			error = EEXIST;
	}
	if (error == 0 && devnode_listener != NULL)
		error = devnode_listener->dno_add(dn);
	if (error == 0)
		list_insert_tail(&devnodes, &dn->dn_link);
	mutex_exit(&devnode_lock);
	return error;
}

void
devnode_withdraw(struct devnode *dn)
{
	mutex_enter(&devnode_lock);
	list_remove(&dn->dn_link);
	if (devnode_listener != NULL)
		devnode_listener->dno_remove(dn);
	mutex_exit(&devnode_lock);
}

void
devnode_listen(const struct devnode_ops *ops)
{
	struct list_node *n;
	int error;

	mutex_enter(&devnode_lock);
	devnode_listener = ops;
	LIST_FOREACH(n, &devnodes) {
		struct devnode *dn = container_of(n, struct devnode, dn_link);

		error = ops->dno_add(dn);
		if (error)
			log_printf(LOG_ERR, "/dev/%s could not be made, "
			    "error %d", dn->dn_name, error);
	}
	mutex_exit(&devnode_lock);
}
