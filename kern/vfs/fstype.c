/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fstype.c - the registry of file system types
 *
 * A type is registered by its component's start function and stays.  Probing
 * asks one after the other whether a device holds theirs.
 */

#include <lib/list.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/mutex.h>
#include <vfs/mount.h>

#include "vfs_impl.h"

static kmutex_t fstype_lock;
static struct list fstype_list = LIST_INITIALIZER(fstype_list);

static struct fstype *
fstype_at(struct list_node *n)
{
	return container_of(n, struct fstype, ft_link);
}

static struct fstype *
fstype_find_locked(const char *name) REQUIRES(fstype_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &fstype_list)
		if (strcmp(fstype_at(n)->ft_name, name) == 0)
			return fstype_at(n);
	return NULL;
}

int
fstype_register(struct fstype *ft)
{
	int error = 0;

	mutex_enter(&fstype_lock);
	if (fstype_find_locked(ft->ft_name) != NULL)
		error = EEXIST;
	else
		list_insert_tail(&fstype_list, &ft->ft_link);
	mutex_exit(&fstype_lock);
	return error;
}

const struct fstype *
fstype_find(const char *name)
{
	const struct fstype *ft;

	mutex_enter(&fstype_lock);
	ft = fstype_find_locked(name);
	mutex_exit(&fstype_lock);
	return ft;
}

/* The next one after ft; types are never removed. */
static struct fstype *
fstype_next(struct fstype *ft)
{
	struct list_node *n;

	mutex_enter(&fstype_lock);
	n = ft == NULL ? list_first(&fstype_list) :
	    list_next(&fstype_list, &ft->ft_link);
	mutex_exit(&fstype_lock);
	return n != NULL ? fstype_at(n) : NULL;
}

int
fstype_probe(const char *dev, struct rump_fsinfo *ret_info)
{
	struct fstype *ft = NULL;
	int error;

	while ((ft = fstype_next(ft)) != NULL) {
		if (ft->ft_probe == NULL)
			continue;
		error = ft->ft_probe(dev, ret_info);
		if (error != ENODEV)
			return error;	/* 0, or it is theirs and broken */
	}
	return ENODEV;
}

void
fstype_boot(void)
{
	mutex_init(&fstype_lock, "fstype");
}
