/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostfile.c - where the dev faction's host files meet the vfs's names
 */

#include <sys/hostfile.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>

static const struct hostfile_names *names;	/* a: set once */

void
hostfile_names_register(const struct hostfile_names *hn)
{
	KASSERT(names == NULL);
	atomic_store_rel(&names, hn);
}

int
hostfile_add(struct hostfile *hf, const char *path)
{
	const struct hostfile_names *hn = atomic_load_acq(&names);

	return hn != NULL ? hn->hn_add(hf, path) : ENOSYS;
}

int
hostfile_remove(struct hostfile *hf)
{
	const struct hostfile_names *hn = atomic_load_acq(&names);

	return hn != NULL ? hn->hn_remove(hf) : ENOSYS;
}
