/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netns_pub.c - network name spaces for C programs
 *
 * A name space that was made here is referenced by its number until the program gives
 * that up.
 */

#include <rump/netconfig.h>

#include <net/netns.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kcontext.h>
#include <sys/kmem.h>
#include <sys/proc.h>

struct named {
	struct list_node n_link;
	struct netns	*n_ns;		/* referenced */
};

static struct list names = LIST_INITIALIZER(names);	/* names_lock */
static kmutex_t names_lock;
static konce_t names_once = ONCE_INITIALIZER;

static int
names_init(void)
{
	mutex_init(&names_lock, "netns_names");
	return 0;
}

static int
create(uint32_t *ret_id)
{
	struct named *n = kmem_alloc(sizeof(*n), KM_SLEEP);
	int error;

	if (n == NULL)
		return ENOMEM;
	error = netns_create(&n->n_ns);
	if (error) {
		kmem_free(n, sizeof(*n));
		return error;
	}
	(void)once_run(&names_once, names_init);
	*ret_id = n->n_ns->ns_id;
	mutex_enter(&names_lock);
	list_insert_tail(&names, &n->n_link);
	mutex_exit(&names_lock);
	return 0;
}

int
rump_pub_netns_create(uint32_t *ret_id)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = create(ret_id);
	kcontext_leave();
	return error;
}

int
rump_pub_netns_enter(uint32_t id)
{
	struct netns *ns;
	int error;

	error = kcontext_enter();
	if (error)
		return error;
	ns = netns_find(id);
	if (ns != NULL) {
		netns_enter(curproc(), ns);
		netns_rele(ns);
	}
	kcontext_leave();
	return ns != NULL ? 0 : ENOENT;
}

static int
destroy(uint32_t id)
{
	struct list_node *ln;
	struct named *n = NULL;

	if (id == 0)
		return EBUSY;
	(void)once_run(&names_once, names_init);
	mutex_enter(&names_lock);
	LIST_FOREACH(ln, &names) {
		if (container_of(ln, struct named, n_link)->n_ns->ns_id != id)
			continue;
		n = container_of(ln, struct named, n_link);
		list_remove(&n->n_link);
		break;
	}
	mutex_exit(&names_lock);
	if (n == NULL)
		return ENOENT;
	netns_rele(n->n_ns);
	kmem_free(n, sizeof(*n));
	return 0;
}

int
rump_pub_netns_destroy(uint32_t id)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = destroy(id);
	kcontext_leave();
	return error;
}

uint32_t
rump_pub_netns_current(void)
{
	uint32_t id;

	if (kcontext_enter() != 0)
		return 0;
	id = netns_current()->ns_id;
	kcontext_leave();
	return id;
}
