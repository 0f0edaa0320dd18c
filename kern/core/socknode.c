/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socknode.c - where the net faction's local sockets meet the vfs's names
 */

#include <sys/socknode.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>

static const struct socknode_ops *nodes;	/* a: set once */

void
socknode_register(const struct socknode_ops *ops)
{
	KASSERT(nodes == NULL);
	atomic_store_rel(&nodes, ops);
}

int
socknode_make(const char *path, mode_t mode, struct socknode *ret_sn)
{
	const struct socknode_ops *ops = atomic_load_acq(&nodes);

	return ops != NULL ? ops->sno_make(path, mode, ret_sn) : ENOENT;
}

int
socknode_find(const char *path, struct socknode *ret_sn)
{
	const struct socknode_ops *ops = atomic_load_acq(&nodes);

	return ops != NULL ? ops->sno_find(path, ret_sn) : ENOENT;
}

void
socknode_rele(struct socknode *sn)
{
	const struct socknode_ops *ops = atomic_load_acq(&nodes);

	if (sn->sn_file != NULL)
		ops->sno_rele(sn);
	sn->sn_file = sn->sn_place = NULL;
}
